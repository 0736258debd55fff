//! Our keys as the library for input names them.

use crate::desktop::Key;

/// The same key; `None` where keyboards of this system have no such key.
pub(super) fn of(key: Key) -> Option<enigo::Key> {
    use enigo::Key as K;
    Some(match key {
        Key::Char(character) => K::Unicode(character),
        Key::Function(number) => return function(number),
        Key::Shift => K::Shift,
        Key::Control => K::Control,
        Key::Alt => K::Alt,
        Key::Meta => K::Meta,
        Key::CapsLock => K::CapsLock,
        Key::Enter => K::Return,
        Key::Tab => K::Tab,
        Key::Escape => K::Escape,
        Key::Space => K::Space,
        Key::Backspace => K::Backspace,
        Key::Delete => K::Delete,
        Key::Home => K::Home,
        Key::End => K::End,
        Key::PageUp => K::PageUp,
        Key::PageDown => K::PageDown,
        Key::Left => K::LeftArrow,
        Key::Right => K::RightArrow,
        Key::Up => K::UpArrow,
        Key::Down => K::DownArrow,
        Key::Insert | Key::PrintScreen | Key::ScrollLock | Key::NumLock | Key::Pause | Key::Menu => {
            return elsewhere(key);
        }
    })
}

/// The keys that keyboards of macOS do not have.
#[cfg(target_os = "macos")]
const fn elsewhere(_key: Key) -> Option<enigo::Key> {
    None
}

#[cfg(not(target_os = "macos"))]
const fn elsewhere(key: Key) -> Option<enigo::Key> {
    Some(match key {
        Key::Insert => enigo::Key::Insert,
        Key::PrintScreen => enigo::Key::PrintScr,
        Key::NumLock => enigo::Key::Numlock,
        Key::Pause => enigo::Key::Pause,
        #[cfg(windows)]
        Key::ScrollLock => enigo::Key::Scroll,
        #[cfg(windows)]
        Key::Menu => enigo::Key::Apps,
        _ => return None,
    })
}

fn function(number: u8) -> Option<enigo::Key> {
    use enigo::Key as K;
    const KEYS: [enigo::Key; 20] = [
        K::F1,
        K::F2,
        K::F3,
        K::F4,
        K::F5,
        K::F6,
        K::F7,
        K::F8,
        K::F9,
        K::F10,
        K::F11,
        K::F12,
        K::F13,
        K::F14,
        K::F15,
        K::F16,
        K::F17,
        K::F18,
        K::F19,
        K::F20,
    ];
    KEYS.get(usize::from(number).checked_sub(1)?).copied()
}
