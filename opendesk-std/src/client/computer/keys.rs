//! What keys are called on the wire.

use crate::desktop::Key;

/// A name of the key that every host knows, also one of version 1: its own, but for those that have two words there.
pub(super) fn name(key: Key) -> String {
    let name = match key {
        Key::CapsLock => "caps_lock",
        Key::PageUp => "page_up",
        Key::PageDown => "page_down",
        Key::PrintScreen => "print_screen",
        Key::ScrollLock => "scroll_lock",
        Key::NumLock => "num_lock",
        other => return other.to_string(),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_read_as_what_it_was_written_for() {
        let characters = "a1+-,.;ßжé漢".chars().map(Key::Char);
        for key in Key::NAMED.into_iter().chain((1..=24).map(Key::Function)).chain(characters) {
            assert_eq!(name(key).parse(), Ok(key), "{key:?} is written {:?}", name(key));
        }
    }
}
