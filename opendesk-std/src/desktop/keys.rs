//! Key names in every common spelling.

use core::fmt;
use core::str::FromStr;

use crate::api::Modifier;

/// A key of the keyboard, named by what it means rather than by where it sits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// The key that gives this character, without its Shift: `A` and `a` are the same key.
    Char(char),
    /// F1 to F24.
    Function(u8),
    #[expect(missing_docs, reason = "the names say it")]
    Shift,
    #[expect(missing_docs, reason = "the names say it")]
    Control,
    #[expect(missing_docs, reason = "the names say it")]
    Alt,
    /// Super, Windows or Command.
    Meta,
    #[expect(missing_docs, reason = "the names say it")]
    CapsLock,
    /// Return, the main Enter.
    Enter,
    #[expect(missing_docs, reason = "the names say it")]
    Tab,
    #[expect(missing_docs, reason = "the names say it")]
    Escape,
    #[expect(missing_docs, reason = "the names say it")]
    Space,
    #[expect(missing_docs, reason = "the names say it")]
    Backspace,
    #[expect(missing_docs, reason = "the names say it")]
    Delete,
    #[expect(missing_docs, reason = "the names say it")]
    Insert,
    #[expect(missing_docs, reason = "the names say it")]
    Home,
    #[expect(missing_docs, reason = "the names say it")]
    End,
    #[expect(missing_docs, reason = "the names say it")]
    PageUp,
    #[expect(missing_docs, reason = "the names say it")]
    PageDown,
    #[expect(missing_docs, reason = "the names say it")]
    Left,
    #[expect(missing_docs, reason = "the names say it")]
    Right,
    #[expect(missing_docs, reason = "the names say it")]
    Up,
    #[expect(missing_docs, reason = "the names say it")]
    Down,
    #[expect(missing_docs, reason = "the names say it")]
    PrintScreen,
    #[expect(missing_docs, reason = "the names say it")]
    ScrollLock,
    #[expect(missing_docs, reason = "the names say it")]
    NumLock,
    #[expect(missing_docs, reason = "the names say it")]
    Pause,
    /// The context-menu key.
    Menu,
    /// The key of the third character, right of the space bar where a layout has one; there the right Alt key else.
    AltGr,
    #[expect(missing_docs, reason = "the names say it")]
    Help,
    #[expect(missing_docs, reason = "the names say it")]
    VolumeUp,
    #[expect(missing_docs, reason = "the names say it")]
    VolumeDown,
    #[expect(missing_docs, reason = "the names say it")]
    VolumeMute,
    #[expect(missing_docs, reason = "the names say it")]
    PlayPause,
    #[expect(missing_docs, reason = "the names say it")]
    NextTrack,
    #[expect(missing_docs, reason = "the names say it")]
    PreviousTrack,
    /// Ends what is being played.
    StopTrack,
    #[expect(missing_docs, reason = "the names say it")]
    BrowserBack,
    #[expect(missing_docs, reason = "the names say it")]
    BrowserForward,
    #[expect(missing_docs, reason = "the names say it")]
    BrowserRefresh,
    #[expect(missing_docs, reason = "the names say it")]
    BrowserHome,
    #[expect(missing_docs, reason = "the names say it")]
    BrowserSearch,
}

/// A name that no key has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownKey(String);

impl fmt::Display for UnknownKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "no key is called {:?}; use one character, f1 to f24, or a name such as enter, tab, escape, ctrl, alt, altgr, shift, meta, left, pageup, volumeup",
            self.0
        )
    }
}

impl core::error::Error for UnknownKey {}

/// The first of its names, which [`FromStr`] reads again.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Char(character) => write!(f, "{character}"),
            Self::Function(number) => write!(f, "f{number}"),
            named => f.write_str(NAMES.iter().find(|(_, key)| key == named).map_or("", |(name, _)| name)),
        }
    }
}

/// Every spelling, lower case, without `-`, `_` and spaces.
const NAMES: &[(&str, Key)] = &[
    ("shift", Key::Shift),
    ("ctrl", Key::Control),
    ("control", Key::Control),
    ("ctl", Key::Control),
    ("alt", Key::Alt),
    ("option", Key::Alt),
    ("opt", Key::Alt),
    ("meta", Key::Meta),
    ("super", Key::Meta),
    ("win", Key::Meta),
    ("windows", Key::Meta),
    ("cmd", Key::Meta),
    ("command", Key::Meta),
    ("capslock", Key::CapsLock),
    ("enter", Key::Enter),
    ("return", Key::Enter),
    ("tab", Key::Tab),
    ("escape", Key::Escape),
    ("esc", Key::Escape),
    ("space", Key::Space),
    ("spacebar", Key::Space),
    ("backspace", Key::Backspace),
    ("back", Key::Backspace),
    ("delete", Key::Delete),
    ("del", Key::Delete),
    ("forwarddelete", Key::Delete),
    ("insert", Key::Insert),
    ("ins", Key::Insert),
    ("home", Key::Home),
    ("end", Key::End),
    ("pageup", Key::PageUp),
    ("pgup", Key::PageUp),
    ("prior", Key::PageUp),
    ("pagedown", Key::PageDown),
    ("pgdn", Key::PageDown),
    ("pgdown", Key::PageDown),
    ("next", Key::PageDown),
    ("left", Key::Left),
    ("arrowleft", Key::Left),
    ("right", Key::Right),
    ("arrowright", Key::Right),
    ("up", Key::Up),
    ("arrowup", Key::Up),
    ("down", Key::Down),
    ("arrowdown", Key::Down),
    ("printscreen", Key::PrintScreen),
    ("prtsc", Key::PrintScreen),
    ("prtscr", Key::PrintScreen),
    ("prntscr", Key::PrintScreen),
    ("prntscrn", Key::PrintScreen),
    ("print", Key::PrintScreen),
    ("sysrq", Key::PrintScreen),
    ("scrolllock", Key::ScrollLock),
    ("numlock", Key::NumLock),
    ("pause", Key::Pause),
    ("break", Key::Pause),
    ("menu", Key::Menu),
    ("apps", Key::Menu),
    ("contextmenu", Key::Menu),
    ("altgr", Key::AltGr),
    ("altgraph", Key::AltGr),
    ("isolevel3shift", Key::AltGr),
    ("help", Key::Help),
    ("volumeup", Key::VolumeUp),
    ("audiovolumeup", Key::VolumeUp),
    ("xf86audioraisevolume", Key::VolumeUp),
    ("volumedown", Key::VolumeDown),
    ("audiovolumedown", Key::VolumeDown),
    ("xf86audiolowervolume", Key::VolumeDown),
    ("volumemute", Key::VolumeMute),
    ("mute", Key::VolumeMute),
    ("audiovolumemute", Key::VolumeMute),
    ("xf86audiomute", Key::VolumeMute),
    ("playpause", Key::PlayPause),
    ("mediaplaypause", Key::PlayPause),
    ("xf86audioplay", Key::PlayPause),
    ("nexttrack", Key::NextTrack),
    ("medianexttrack", Key::NextTrack),
    ("mediatracknext", Key::NextTrack),
    ("xf86audionext", Key::NextTrack),
    ("prevtrack", Key::PreviousTrack),
    ("previoustrack", Key::PreviousTrack),
    ("mediaprevtrack", Key::PreviousTrack),
    ("mediatrackprevious", Key::PreviousTrack),
    ("mediaprevioustrack", Key::PreviousTrack),
    ("xf86audioprev", Key::PreviousTrack),
    ("stop", Key::StopTrack),
    ("mediastop", Key::StopTrack),
    ("xf86audiostop", Key::StopTrack),
    ("browserback", Key::BrowserBack),
    ("xf86back", Key::BrowserBack),
    ("browserforward", Key::BrowserForward),
    ("xf86forward", Key::BrowserForward),
    ("browserrefresh", Key::BrowserRefresh),
    ("xf86reload", Key::BrowserRefresh),
    ("xf86refresh", Key::BrowserRefresh),
    ("browserhome", Key::BrowserHome),
    ("xf86homepage", Key::BrowserHome),
    ("browsersearch", Key::BrowserSearch),
    ("xf86search", Key::BrowserSearch),
    ("plus", Key::Char('+')),
    ("minus", Key::Char('-')),
    ("comma", Key::Char(',')),
    ("period", Key::Char('.')),
    ("slash", Key::Char('/')),
    ("backslash", Key::Char('\\')),
    ("semicolon", Key::Char(';')),
    ("apostrophe", Key::Char('\'')),
    ("quote", Key::Char('\'')),
    ("grave", Key::Char('`')),
    ("backtick", Key::Char('`')),
    ("backquote", Key::Char('`')),
    ("tilde", Key::Char('~')),
    ("equal", Key::Char('=')),
    ("exclam", Key::Char('!')),
    ("quotedbl", Key::Char('"')),
    ("numbersign", Key::Char('#')),
    ("dollar", Key::Char('$')),
    ("percent", Key::Char('%')),
    ("ampersand", Key::Char('&')),
    ("parenleft", Key::Char('(')),
    ("parenright", Key::Char(')')),
    ("asterisk", Key::Char('*')),
    ("colon", Key::Char(':')),
    ("less", Key::Char('<')),
    ("greater", Key::Char('>')),
    ("question", Key::Char('?')),
    ("at", Key::Char('@')),
    ("underscore", Key::Char('_')),
    ("braceleft", Key::Char('{')),
    ("bar", Key::Char('|')),
    ("braceright", Key::Char('}')),
    ("asciitilde", Key::Char('~')),
    ("asciicircum", Key::Char('^')),
    ("equals", Key::Char('=')),
    ("bracketleft", Key::Char('[')),
    ("bracketright", Key::Char(']')),
];

impl FromStr for Key {
    type Err = UnknownKey;

    fn from_str(name: &str) -> Result<Self, UnknownKey> {
        let mut characters = name.chars();
        if let (Some(only), None) = (characters.next(), characters.next()) {
            return match only {
                ' ' => Ok(Self::Space),
                '\n' | '\r' => Ok(Self::Enter),
                '\t' => Ok(Self::Tab),
                control if control.is_control() => Err(UnknownKey(name.to_owned())),
                other => Ok(Self::Char(lower(other))),
            };
        }
        let folded: String =
            name.chars().filter(|c| !matches!(c, '-' | '_' | ' ')).flat_map(char::to_lowercase).collect();
        if let Some(number) = folded.strip_prefix('f').and_then(|digits| digits.parse::<u8>().ok())
            && (1..=24).contains(&number)
        {
            return Ok(Self::Function(number));
        }
        named(&folded)
            .or_else(|| modifier_of_a_side(&folded))
            .or_else(|| on_number_pad(&folded))
            .ok_or_else(|| UnknownKey(name.chars().take(40).collect()))
    }
}

fn named(folded: &str) -> Option<Key> {
    NAMES.iter().find(|(spelling, _)| *spelling == folded).map(|(_, key)| *key)
}

/// A modifier that is named by where it sits, as `Ctrl_L`, `ShiftRight`, `left alt` and `LWin`: both do the same.
fn modifier_of_a_side(folded: &str) -> Option<Key> {
    let sides = ["left", "right", "l", "r"].into_iter();
    let stems = sides.flat_map(|side| [folded.strip_prefix(side), folded.strip_suffix(side)]).flatten();
    stems.filter_map(named).find(|key| key.is_modifier())
}

/// What the number pad does where it writes no numbers.
const MOVES: [Key; 10] = [
    Key::Home,
    Key::Up,
    Key::PageUp,
    Key::Left,
    Key::Right,
    Key::End,
    Key::Down,
    Key::PageDown,
    Key::Insert,
    Key::Delete,
];

/// A key of the number pad, as `KP_7`, `Numpad7` and `num 7`: the one that writes the same.
fn on_number_pad(folded: &str) -> Option<Key> {
    let mut stems = ["kp", "numpad", "num"].into_iter().filter_map(|pad| folded.strip_prefix(pad));
    let stem = stems.next()?;
    let mut characters = stem.chars();
    if let (Some(only), None) = (characters.next(), characters.next()) {
        return (only.is_ascii_digit() || "+-*/.=".contains(only)).then_some(Key::Char(only));
    }
    match stem {
        "enter" => Some(Key::Enter),
        "add" => Some(Key::Char('+')),
        "subtract" => Some(Key::Char('-')),
        "multiply" => Some(Key::Char('*')),
        "divide" => Some(Key::Char('/')),
        "decimal" => Some(Key::Char('.')),
        "equal" => Some(Key::Char('=')),
        _ => named(stem).filter(|key| MOVES.contains(key)),
    }
}

/// Whether what this name asks for needs Shift: a capital, which is asked for by itself. In a chord it is the name of the key,
/// as menus write it.
pub(super) fn needs_shift(name: &str, held: impl IntoIterator<Item = Key>) -> bool {
    is_capital(name) && !held.into_iter().any(|key| key.is_modifier() && key != Key::Shift)
}

fn is_capital(name: &str) -> bool {
    let mut characters = name.chars();
    let (Some(only), None) = (characters.next(), characters.next()) else { return false };
    let small = lower(only);
    // Not the capital ß, which is typed in another way.
    small != only && small.to_uppercase().eq([only])
}

/// The lower-case form where it is one character, else the character itself.
fn lower(character: char) -> char {
    let mut folded = character.to_lowercase();
    match (folded.next(), folded.next()) {
        (Some(one), None) => one,
        _ => character,
    }
}

impl Key {
    /// All but those of characters and F1 to F24.
    pub const NAMED: [Self; 39] = [
        Self::Shift,
        Self::Control,
        Self::Alt,
        Self::Meta,
        Self::CapsLock,
        Self::Enter,
        Self::Tab,
        Self::Escape,
        Self::Space,
        Self::Backspace,
        Self::Delete,
        Self::Insert,
        Self::Home,
        Self::End,
        Self::PageUp,
        Self::PageDown,
        Self::Left,
        Self::Right,
        Self::Up,
        Self::Down,
        Self::PrintScreen,
        Self::ScrollLock,
        Self::NumLock,
        Self::Pause,
        Self::Menu,
        Self::AltGr,
        Self::Help,
        Self::VolumeUp,
        Self::VolumeDown,
        Self::VolumeMute,
        Self::PlayPause,
        Self::NextTrack,
        Self::PreviousTrack,
        Self::StopTrack,
        Self::BrowserBack,
        Self::BrowserForward,
        Self::BrowserRefresh,
        Self::BrowserHome,
        Self::BrowserSearch,
    ];

    /// Whether it does nothing by itself but changes what other keys and the mouse do while it is held.
    #[must_use]
    pub const fn is_modifier(self) -> bool {
        matches!(self, Self::Shift | Self::Control | Self::Alt | Self::AltGr | Self::Meta)
    }

    /// The key that a modifier is; `fn` is one that no program can press.
    #[must_use]
    pub const fn of_modifier(modifier: Modifier) -> Option<Self> {
        match modifier {
            Modifier::Shift => Some(Self::Shift),
            Modifier::Ctrl => Some(Self::Control),
            Modifier::Alt => Some(Self::Alt),
            Modifier::Meta => Some(Self::Meta),
            Modifier::CapsLock => Some(Self::CapsLock),
            Modifier::Fn => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_common_spelling_is_one_key() {
        for (names, key) in [
            (
                &["ctrl", "CTRL", "Control", "Control_L", "control-r", "ctrl_l", "left_ctrl", "ControlRight"][..],
                Key::Control,
            ),
            (&["right shift", "ShiftLeft", "shift_r"], Key::Shift),
            (&["lwin", "RWin", "MetaRight", "Super_R", "cmd_l"], Key::Meta),
            (&["KP_7", "Numpad7", "num7"], Key::Char('7')),
            (&["numpad+", "KP_Add", "NumpadAdd"], Key::Char('+')),
            (&["KP_Enter", "NumpadEnter"], Key::Enter),
            (&["backquote", "backtick", "grave"], Key::Char('`')),
            (&["cmd", "command", "win", "super", "Super_L", "meta"], Key::Meta),
            (&["return", "Enter", "\n"], Key::Enter),
            (&["pgup", "Page_Up", "PageUp", "page up", "Prior"], Key::PageUp),
            (&["f13", "F13"], Key::Function(13)),
            (&["a", "A"], Key::Char('a')),
            (&[" ", "space"], Key::Space),
            (&["AltGr", "AltGraph", "ISO_Level3_Shift"], Key::AltGr),
            (&["volumeup", "AudioVolumeUp", "XF86AudioRaiseVolume"], Key::VolumeUp),
            (&["MediaTrackNext", "nexttrack"], Key::NextTrack),
            (&["KP_Left", "numpad left", "ArrowLeft"], Key::Left),
            (&["question", "?"], Key::Char('?')),
            (&["ß"], Key::Char('ß')),
        ] {
            for name in names {
                assert_eq!(name.parse(), Ok(key), "{name}");
            }
        }
    }

    #[test]
    fn every_key_is_read_again_by_its_name() {
        let named = NAMES.iter().map(|(_, key)| *key);
        for key in named.chain([Key::Char('ß'), Key::Char('+'), Key::Function(24)]) {
            assert_eq!(key.to_string().parse(), Ok(key));
        }
        assert_eq!(Key::PageUp.to_string(), "pageup");
    }

    #[test]
    fn capitals_are_known_by_their_names() {
        assert!(["A", "Ж", "Ü"].into_iter().all(is_capital));
        assert!(!["a", "ß", "ẞ", "1", "", "Ab", "F1", "漢", "!"].into_iter().any(is_capital));
        assert!(needs_shift("A", [Key::Shift, Key::Char('b')]) && !needs_shift("A", [Key::Shift, Key::AltGr]));
    }

    #[test]
    fn unknown_names_are_errors() {
        for name in [
            "",
            "f0",
            "f25",
            "hyper",
            "ctrl+c",
            "\u{7}",
            "ab",
            "lr",
            "left left",
            "lenter",
            "kp",
            "kpa",
            "kp77",
            "kpshift",
        ] {
            assert!(name.parse::<Key>().is_err(), "{name}");
        }
    }

    #[test]
    fn no_spelling_stands_twice() {
        for (index, (name, _)) in NAMES.iter().enumerate() {
            assert!(NAMES[index + 1..].iter().all(|(other, _)| other != name), "{name}");
        }
    }
}
