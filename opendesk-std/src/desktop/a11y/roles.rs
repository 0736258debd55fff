//! What kinds of elements there are: the numbers that applications give, and the words for them.

use super::states;

pub(super) const CHECK_BOX: u32 = 7;
pub(super) const CHECK_MENU_ITEM: u32 = 8;
pub(super) const COMBO_BOX: u32 = 11;
pub(super) const DIALOG: u32 = 16;
pub(super) const FRAME: u32 = 23;
pub(super) const LABEL: u32 = 29;
pub(super) const MENU: u32 = 33;
pub(super) const MENU_BAR: u32 = 34;
pub(super) const MENU_ITEM: u32 = 35;
pub(super) const PAGE_TAB: u32 = 37;
pub(super) const PASSWORD_TEXT: u32 = 40;
pub(super) const POPUP_MENU: u32 = 41;
pub(super) const PROGRESS_BAR: u32 = 42;
pub(super) const PUSH_BUTTON: u32 = 43;
pub(super) const RADIO_BUTTON: u32 = 44;
pub(super) const RADIO_MENU_ITEM: u32 = 45;
pub(super) const SCROLL_BAR: u32 = 48;
pub(super) const SEPARATOR: u32 = 50;
pub(super) const SPIN_BUTTON: u32 = 52;
pub(super) const SPLIT_PANE: u32 = 53;
pub(super) const TERMINAL: u32 = 60;
pub(super) const TEXT: u32 = 61;
pub(super) const TOGGLE_BUTTON: u32 = 62;
pub(super) const PARAGRAPH: u32 = 73;
pub(super) const APPLICATION: u32 = 75;
pub(super) const EDITBAR: u32 = 77;
pub(super) const ENTRY: u32 = 79;
pub(super) const HEADING: u32 = 83;
pub(super) const STATIC: u32 = 116;
pub(super) const SWITCH: u32 = 130;

/// The word for each number. The kinds that the virtual desktop has too are called as they are there.
#[rustfmt::skip]
const WORDS: [&str; 131] = [
    "unknown", "accelerator label", "alert", "animation", "arrow", "calendar", "canvas", "check box", "check menu item",
    "color chooser", "column header", "combo box", "date editor", "desktop icon", "desktop", "dial", "dialog",
    "directory pane", "drawing area", "file chooser", "filler", "focus traversable", "font chooser", "window",
    "glass pane", "html container", "icon", "image", "internal frame", "label", "layered pane", "list", "list item",
    "menu", "menu bar", "menu item", "option pane", "page tab", "page tab list", "panel", "password text", "popup menu",
    "progress bar", "push button", "radio button", "radio menu item", "root pane", "row header", "scroll bar",
    "scroll pane", "separator", "slider", "spin button", "split pane", "status bar", "table", "table cell",
    "table column header", "table row header", "tearoff menu item", "terminal", "text", "toggle button", "tool bar",
    "tool tip", "tree", "tree table", "unknown", "viewport", "window", "unknown", "header", "footer", "paragraph",
    "ruler", "application", "autocomplete", "entry", "embedded", "entry", "chart", "caption", "document frame",
    "heading", "page", "section", "unknown", "form", "link", "input method window", "table row", "tree item",
    "document spreadsheet", "document presentation", "document text", "document web", "document email", "comment",
    "list box", "grouping", "image map", "notification", "info bar", "level bar", "title bar", "block quote", "audio",
    "video", "definition", "article", "landmark", "log", "marquee", "math", "rating", "timer", "label", "math fraction",
    "math root", "subscript", "superscript", "description list", "description term", "description value", "footnote",
    "content deletion", "content insertion", "mark", "suggestion", "push button menu", "switch",
];

/// What else people write for a kind.
const OTHER_NAMES: [(&str, &str); 22] = [
    ("button", "push button"),
    ("checkbox", "check box"),
    ("combobox", "combo box"),
    ("dropdown", "combo box"),
    ("edit", "entry"),
    ("frame", "window"),
    ("input", "entry"),
    ("listbox", "list box"),
    ("listitem", "list item"),
    ("menubar", "menu bar"),
    ("menuitem", "menu item"),
    ("password", "password text"),
    ("password field", "password text"),
    ("progressbar", "progress bar"),
    ("radio", "radio button"),
    ("scrollbar", "scroll bar"),
    ("static", "label"),
    ("static text", "label"),
    ("tab", "page tab"),
    ("text field", "entry"),
    ("textbox", "entry"),
    ("textfield", "entry"),
];

/// The word for a kind. A text of one line is an `entry`, as it is on the virtual desktop.
pub(super) fn word(role: u32, states: u64) -> &'static str {
    if role == TEXT && states & states::SINGLE_LINE != 0 {
        return "entry";
    }
    let index = usize::try_from(role).unwrap_or(usize::MAX);
    WORDS.get(index).copied().unwrap_or("unknown")
}

/// Whether somebody who asks for a kind means one that is called `word`.
pub(super) fn is_meant(asked: &str, word: &str) -> bool {
    let asked = asked.trim().to_lowercase().replace(['_', '-'], " ");
    let asked = OTHER_NAMES.iter().find(|(other, _)| *other == asked).map_or(asked.as_str(), |(_, word)| *word);
    match asked {
        "" => true,
        // The two differ in how many lines there may be, which nobody needs to know who names one.
        "entry" | "text" => matches!(word, "entry" | "text"),
        "menu item" => matches!(word, "menu item" | "check menu item" | "radio menu item"),
        asked => asked == word,
    }
}

/// Whether it is a menu, what menus stand in, or what stands in menus.
pub(super) const fn is_menu(role: u32) -> bool {
    matches!(role, MENU | MENU_BAR | MENU_ITEM | POPUP_MENU | CHECK_MENU_ITEM | RADIO_MENU_ITEM)
}

/// Whether menus stand in it without having to be opened.
pub(super) const fn is_bar(role: u32) -> bool {
    matches!(role, MENU_BAR | POPUP_MENU)
}

/// Whether it is a button of any kind.
pub(super) const fn is_button(role: u32) -> bool {
    matches!(role, CHECK_BOX | PUSH_BUTTON | RADIO_BUTTON | TOGGLE_BUTTON)
}

/// Whether it can be switched, so that what an action did to it can be seen.
pub(super) const fn is_switch(role: u32) -> bool {
    matches!(role, CHECK_BOX | CHECK_MENU_ITEM | PAGE_TAB | RADIO_BUTTON | RADIO_MENU_ITEM | SWITCH | TOGGLE_BUTTON)
}

/// Whether it is one of several of which one is chosen.
pub(super) const fn is_one_of(role: u32) -> bool {
    matches!(role, PAGE_TAB | RADIO_BUTTON | RADIO_MENU_ITEM)
}

/// Whether it is a window of its own, of which the window manager knows.
pub(super) const fn is_window(role: u32) -> bool {
    matches!(role, DIALOG | FRAME)
}

/// Whether its content is a text of its own rather than what stands below it.
pub(super) const fn is_text(role: u32) -> bool {
    matches!(role, EDITBAR | ENTRY | PARAGRAPH | TERMINAL | TEXT)
}

/// Whether its text is usually its name.
pub(super) const fn is_caption(role: u32) -> bool {
    matches!(role, HEADING | LABEL | STATIC)
}

/// Whether its number says where something was dragged to, which is no content.
pub(super) const fn is_handle(role: u32) -> bool {
    matches!(role, SEPARATOR | SPLIT_PANE)
}

/// Whether its number is only shown.
pub(super) const fn is_gauge(role: u32) -> bool {
    matches!(role, PROGRESS_BAR | SCROLL_BAR) || is_handle(role)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_stand_at_their_numbers() {
        for (role, expected) in [
            (CHECK_BOX, "check box"),
            (FRAME, "window"),
            (LABEL, "label"),
            (MENU_ITEM, "menu item"),
            (PASSWORD_TEXT, "password text"),
            (43, "push button"),
            (SCROLL_BAR, "scroll bar"),
            (TEXT, "text"),
            (69, "window"),
            (APPLICATION, "application"),
            (ENTRY, "entry"),
            (98, "list box"),
            (STATIC, "label"),
            (SWITCH, "switch"),
            (131, "unknown"),
            (u32::MAX, "unknown"),
        ] {
            assert_eq!(word(role, 0), expected, "{role}");
        }
        assert_eq!(word(TEXT, states::SINGLE_LINE), "entry");
    }

    #[test]
    fn a_kind_is_known_by_what_people_call_it() {
        for (asked, word) in [
            ("button", "push button"),
            ("Push Button", "push button"),
            ("checkbox", "check box"),
            ("text", "entry"),
            ("entry", "text"),
            ("menu_item", "check menu item"),
            ("frame", "window"),
            ("", "slider"),
        ] {
            assert!(is_meant(asked, word), "{asked} {word}");
        }
        assert!(!is_meant("button", "toggle button") && !is_meant("text", "password text"));
    }

    #[test]
    fn every_other_name_is_for_a_kind_that_there_is() {
        for (other, word) in OTHER_NAMES {
            assert!(WORDS.contains(&word), "{other}");
        }
        assert!(OTHER_NAMES.windows(2).all(|pair| pair[0] < pair[1]), "sorted");
    }
}
