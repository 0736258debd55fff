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
        Key::Help => K::Help,
        Key::VolumeUp => K::VolumeUp,
        Key::VolumeDown => K::VolumeDown,
        Key::VolumeMute => K::VolumeMute,
        Key::PlayPause => K::MediaPlayPause,
        Key::NextTrack => K::MediaNextTrack,
        Key::PreviousTrack => K::MediaPrevTrack,
        _ => return elsewhere(key),
    })
}

/// The keys that not every system has.
#[cfg(target_os = "macos")]
const fn elsewhere(key: Key) -> Option<enigo::Key> {
    match key {
        Key::AltGr => Some(enigo::Key::ROption),
        _ => None,
    }
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
        Key::StopTrack => enigo::Key::MediaStop,
        #[cfg(windows)]
        Key::Menu => enigo::Key::Apps,
        #[cfg(windows)]
        Key::AltGr => enigo::Key::RMenu,
        #[cfg(windows)]
        Key::BrowserBack => enigo::Key::BrowserBack,
        #[cfg(windows)]
        Key::BrowserForward => enigo::Key::BrowserForward,
        #[cfg(windows)]
        Key::BrowserRefresh => enigo::Key::BrowserRefresh,
        #[cfg(windows)]
        Key::BrowserHome => enigo::Key::BrowserHome,
        #[cfg(windows)]
        Key::BrowserSearch => enigo::Key::BrowserSearch,
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
