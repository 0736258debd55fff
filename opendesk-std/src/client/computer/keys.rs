//! What keys are called on the wire.

use crate::desktop::Key;

/// A name of the key that every host knows, also one of version 1.
pub(super) fn name(key: Key) -> String {
    let name = match key {
        Key::Char(character) => return character.to_string(),
        Key::Function(number) => return format!("f{number}"),
        Key::Shift => "shift",
        Key::Control => "ctrl",
        Key::Alt => "alt",
        Key::Meta => "meta",
        Key::CapsLock => "caps_lock",
        Key::Enter => "enter",
        Key::Tab => "tab",
        Key::Escape => "escape",
        Key::Space => "space",
        Key::Backspace => "backspace",
        Key::Delete => "delete",
        Key::Insert => "insert",
        Key::Home => "home",
        Key::End => "end",
        Key::PageUp => "page_up",
        Key::PageDown => "page_down",
        Key::Left => "left",
        Key::Right => "right",
        Key::Up => "up",
        Key::Down => "down",
        Key::PrintScreen => "print_screen",
        Key::ScrollLock => "scroll_lock",
        Key::NumLock => "num_lock",
        Key::Pause => "pause",
        Key::Menu => "menu",
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_read_as_what_it_was_written_for() {
        let named = [
            Key::Shift,
            Key::Control,
            Key::Alt,
            Key::Meta,
            Key::CapsLock,
            Key::Enter,
            Key::Tab,
            Key::Escape,
            Key::Space,
            Key::Backspace,
            Key::Delete,
            Key::Insert,
            Key::Home,
            Key::End,
            Key::PageUp,
            Key::PageDown,
            Key::Left,
            Key::Right,
            Key::Up,
            Key::Down,
            Key::PrintScreen,
            Key::ScrollLock,
            Key::NumLock,
            Key::Pause,
            Key::Menu,
        ];
        let characters = "a1+-,.;ßжé漢".chars().map(Key::Char);
        for key in named.into_iter().chain((1..=24).map(Key::Function)).chain(characters) {
            assert_eq!(name(key).parse(), Ok(key), "{key:?} is written {:?}", name(key));
        }
    }
}
