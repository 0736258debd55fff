//! What is so of an element now.

pub(super) const ACTIVE: u64 = 1 << 1;
pub(super) const CHECKED: u64 = 1 << 4;
pub(super) const DEFUNCT: u64 = 1 << 6;
pub(super) const EDITABLE: u64 = 1 << 7;
pub(super) const ENABLED: u64 = 1 << 8;
pub(super) const EXPANDED: u64 = 1 << 10;
pub(super) const FOCUSABLE: u64 = 1 << 11;
pub(super) const FOCUSED: u64 = 1 << 12;
pub(super) const ICONIFIED: u64 = 1 << 15;
pub(super) const PRESSED: u64 = 1 << 20;
pub(super) const SELECTED: u64 = 1 << 23;
pub(super) const SENSITIVE: u64 = 1 << 24;
pub(super) const SHOWING: u64 = 1 << 25;
pub(super) const SINGLE_LINE: u64 = 1 << 26;
pub(super) const HAS_POPUP: u64 = 1 << 42;

/// What switching changes.
pub(super) const SWITCHED: u64 = CHECKED | EXPANDED | PRESSED | SELECTED;

/// What a person would say of an element; the rest says how programs are made.
const WORDS: [(u64, &str); 24] = [
    (ACTIVE, "active"),
    (1 << 3, "busy"),
    (CHECKED, "checked"),
    (1 << 5, "collapsed"),
    (EDITABLE, "editable"),
    (1 << 9, "expandable"),
    (EXPANDED, "expanded"),
    (FOCUSABLE, "focusable"),
    (FOCUSED, "focused"),
    (ICONIFIED, "minimized"),
    (1 << 16, "modal"),
    (1 << 17, "multi line"),
    (1 << 18, "multiselectable"),
    (PRESSED, "pressed"),
    (1 << 22, "selectable"),
    (SELECTED, "selected"),
    (SHOWING, "showing"),
    (1 << 30, "visible"),
    (1 << 32, "indeterminate"),
    (1 << 33, "required"),
    (1 << 36, "invalid entry"),
    (1 << 39, "default"),
    (HAS_POPUP, "has popup"),
    (1 << 43, "read only"),
];

/// States as they come: the low half first.
pub(super) fn joined(halves: &[u32]) -> u64 {
    let half = |index: usize| u64::from(halves.get(index).copied().unwrap_or_default());
    half(0) | (half(1) << 32)
}

pub(super) fn words(states: u64) -> Vec<String> {
    WORDS.iter().filter(|(bit, _)| states & bit != 0).map(|(_, word)| (*word).to_owned()).collect()
}

/// Whether it can be used. Toolkits that tell the two apart mean by one of them that it can.
pub(super) const fn is_enabled(states: u64) -> bool {
    states & (ENABLED | SENSITIVE) != 0
}

pub(super) const fn is_showing(states: u64) -> bool {
    states & SHOWING != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_halves_count() {
        // An entry of GTK that has the keyboard.
        let states = joined(&[0x4700_1980, 1 << 1]);
        assert_eq!(words(states), ["editable", "focusable", "focused", "showing", "visible", "required"]);
        assert!(is_enabled(states) && is_showing(states) && states & SINGLE_LINE != 0);
        assert_eq!((joined(&[]), joined(&[5])), (0, 5));
    }

    #[test]
    fn greyed_out_is_not_enabled() {
        // A button of GTK that is not sensitive.
        assert!(!is_enabled(joined(&[0x4200_0000, 0])));
    }
}
