//! The short names of elements: each has one, and keeps it for as long as it lives.

use std::collections::{BTreeMap, HashMap};

use super::bus::Place;
use super::item::Item;

/// The most elements that are remembered. Those that no tree has shown for the longest time are forgotten first; ten of
/// the largest trees fit.
const REMEMBERED: usize = 20_000;

/// Which element a reference means.
#[derive(Debug, Default)]
pub(super) struct References {
    /// The bus that the places are on. On another one they would mean other elements.
    bus: String,
    /// The last number that was given. Numbers are never given twice.
    last: u64,
    /// Goes up with every element that is shown.
    age: u64,
    numbers: HashMap<Place, u64>,
    known: HashMap<u64, Known>,
    /// The numbers by the age at which they were shown last.
    shown: BTreeMap<u64, u64>,
}

#[derive(Debug)]
struct Known {
    place: Place,
    /// Its kind. An application that uses a path again uses it for something else.
    role: u32,
    age: u64,
}

impl References {
    /// Forgets everything if the elements are on another bus from now on.
    pub(super) fn belong_to(&mut self, bus: String) {
        if self.bus != bus {
            *self = Self { bus, last: self.last, ..Self::default() };
        }
    }

    /// Whether the elements are those of this bus.
    pub(super) fn are_of(&self, bus: &str) -> bool {
        self.bus == bus
    }

    /// The reference of an element that is shown now.
    pub(super) fn give(&mut self, item: &Item) -> String {
        self.age += 1;
        let number = match self.numbers.get(&item.place) {
            Some(number) => *number,
            None => {
                self.last += 1;
                self.numbers.insert(item.place.clone(), self.last);
                self.last
            }
        };
        let now = Known { place: item.place.clone(), role: item.role, age: self.age };
        if let Some(before) = self.known.insert(number, now) {
            self.shown.remove(&before.age);
        }
        self.shown.insert(self.age, number);
        if self.known.len() > REMEMBERED
            && let Some((_, oldest)) = self.shown.pop_first()
            && let Some(forgotten) = self.known.remove(&oldest)
        {
            self.numbers.remove(&forgotten.place);
        }
        format!("a{number}")
    }

    /// The element of a reference that was given and is remembered, and its kind.
    pub(super) fn find(&self, reference: &str) -> Option<(Place, u32)> {
        let number = reference.trim().strip_prefix('a')?.parse().ok()?;
        self.known.get(&number).map(|known| (known.place.clone(), known.role))
    }
}

#[cfg(test)]
mod tests {
    use super::super::item::tests::item;
    use super::*;

    #[test]
    fn an_element_keeps_its_reference() {
        let mut references = References::default();
        let (save, quit) = (item(43, "Save"), item(43, "Quit"));
        let given = [&save, &quit, &save].map(|item| references.give(item));
        assert_eq!(given, ["a1", "a2", "a1"]);
        assert_eq!(references.find("a2"), Some((quit.place, 43)));
        for unknown in ["", "a", "a3", "2", "e2", "a-1"] {
            assert_eq!(references.find(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn what_was_shown_long_ago_is_forgotten_first() {
        let mut references = References::default();
        let first = references.give(&item(43, "first"));
        for number in 0..REMEMBERED {
            references.give(&item(29, &number.to_string()));
            assert_eq!(references.give(&item(43, "first")), first, "what is shown again is not forgotten");
        }
        assert_eq!(references.known.len(), REMEMBERED);
        assert_eq!((references.numbers.len(), references.shown.len()), (REMEMBERED, REMEMBERED));
        assert_eq!(references.find("a2"), None);
        assert!(references.find("a3").is_some());
    }

    #[test]
    fn another_bus_has_other_elements() {
        let mut references = References::default();
        references.belong_to("one".to_owned());
        assert_eq!(references.give(&item(43, "Save")), "a1");
        references.belong_to("one".to_owned());
        assert!(references.find("a1").is_some());
        references.belong_to("two".to_owned());
        assert!(references.are_of("two") && !references.are_of("one"));
        assert_eq!(references.find("a1"), None);
        assert_eq!(references.give(&item(43, "Save")), "a2", "no number is given twice");
    }
}
