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
        Key::AltGr => "altgr",
        Key::Help => "help",
        Key::VolumeUp => "volume_up",
        Key::VolumeDown => "volume_down",
        Key::VolumeMute => "volume_mute",
        Key::PlayPause => "play_pause",
        Key::NextTrack => "next_track",
        Key::PreviousTrack => "prev_track",
        Key::StopTrack => "stop",
        Key::BrowserBack => "browser_back",
        Key::BrowserForward => "browser_forward",
        Key::BrowserRefresh => "browser_refresh",
        Key::BrowserHome => "browser_home",
        Key::BrowserSearch => "browser_search",
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
