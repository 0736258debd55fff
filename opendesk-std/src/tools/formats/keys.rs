//! Names of keys as models write them: those of xdotool, and chords of them joined by `+`.

use crate::desktop::Key;

/// The names that X has for characters, where no desktop here takes them as they are.
const SYMBOLS: [(&str, &str); 22] = [
    ("ampersand", "&"),
    ("asciicircum", "^"),
    ("asciitilde", "~"),
    ("asterisk", "*"),
    ("at", "@"),
    ("bar", "|"),
    ("braceleft", "{"),
    ("braceright", "}"),
    ("colon", ":"),
    ("dollar", "$"),
    ("exclam", "!"),
    ("greater", ">"),
    ("less", "<"),
    ("numbersign", "#"),
    ("parenleft", "("),
    ("parenright", ")"),
    ("percent", "%"),
    ("question", "?"),
    ("quotedbl", "\""),
    ("underscore", "_"),
    ("kp_add", "+"),
    ("kp_subtract", "-"),
];

/// The keys of `ctrl+shift+t`, `Return` or `ctrl++`, in the order in which they go down.
pub(super) fn chord(text: &str) -> Vec<String> {
    let text = text.trim();
    if text.is_empty() {
        return Vec::new();
    }
    if text == "+" {
        return vec!["+".to_owned()];
    }
    let (before, plus) = match text.strip_suffix("++") {
        Some(before) => (before, true),
        None => (text, false),
    };
    let mut keys: Vec<String> = before.split('+').map(str::trim).filter(|key| !key.is_empty()).map(named).collect();
    if plus {
        keys.push("+".to_owned());
    }
    keys
}

/// A key by a name that desktops here take.
pub(super) fn named(key: &str) -> String {
    let folded = key.to_ascii_lowercase();
    let symbol = SYMBOLS.iter().find(|(name, _)| *name == folded).map(|(_, symbol)| (*symbol).to_owned());
    let digit = || folded.strip_prefix("kp_").filter(|rest| rest.len() == 1).map(str::to_owned);
    symbol.or_else(digit).unwrap_or_else(|| key.to_owned())
}

/// The modifiers of a chord as the tool `mouse` calls them, or the key in it that is none.
pub(super) fn modifiers(chord: &[String]) -> Result<Vec<&'static str>, String> {
    let of_key = |key: &String| match key.parse::<Key>() {
        Ok(Key::Shift) => Ok("shift"),
        Ok(Key::Control) => Ok("ctrl"),
        Ok(Key::Alt) => Ok("alt"),
        Ok(Key::Meta) => Ok("meta"),
        _ => Err(key.clone()),
    };
    chord.iter().map(of_key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chords_are_split_into_keys_that_desktops_know() {
        for (text, keys) in [
            ("ctrl+s", &["ctrl", "s"][..]),
            ("Return", &["Return"]),
            ("ctrl+shift+Escape", &["ctrl", "shift", "Escape"]),
            ("alt+Tab", &["alt", "Tab"]),
            ("ctrl++", &["ctrl", "+"]),
            ("+", &["+"]),
            ("shift+exclam", &["shift", "!"]),
            ("Page_Up", &["Page_Up"]),
            ("super", &["super"]),
            ("KP_7", &["7"]),
            ("KP_Enter", &["KP_Enter"]),
            ("-", &["-"]),
            ("", &[]),
        ] {
            let chord = chord(text);
            assert_eq!(chord, keys, "{text}");
            for key in chord {
                assert!(key.parse::<Key>().is_ok(), "{key}");
            }
        }
    }

    #[test]
    fn only_modifiers_are_held_beside_the_mouse() {
        assert_eq!(modifiers(&chord("Control_L+SHIFT")), Ok(vec!["ctrl", "shift"]));
        assert_eq!(modifiers(&chord("ctrl+a")), Err("a".to_owned()));
    }
}
