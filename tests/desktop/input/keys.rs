//! The keyboard.

use std::fs;

use opendesk_std::api::{ErrorCode, Modifier, Press};
use opendesk_std::desktop::{Computer, Hands};
use opendesk_tests::desktop::{Form, TestDesktop};
use serde_json::{Value, json};

use super::{Desk, key};
use crate::{open, wait_until};

/// Names that people write, and what X calls the key. Locks stand twice, so that they are off again.
const NAMES: &[(&[&str], &str)] = &[
    (&["ctrl", "CTRL", "Control", "control_l"], "Control_L"),
    (&["shift", "Shift_L"], "Shift_L"),
    (&["alt", "Option", "opt"], "Alt_L"),
    (&["cmd", "command", "win", "windows", "super", "Super_L", "meta"], "Super_L"),
    (&["return", "Return", "enter", "ENTER"], "Return"),
    (&["tab"], "Tab"),
    (&["esc", "escape", "Escape"], "Escape"),
    (&["space", "spacebar", " "], "space"),
    (&["backspace", "BackSpace"], "BackSpace"),
    (&["delete", "del"], "Delete"),
    (&["insert", "ins"], "Insert"),
    (&["home"], "Home"),
    (&["end"], "End"),
    (&["pgup", "pageup", "Page_Up", "page up", "prior"], "Prior"),
    (&["pgdn", "pagedown", "Page_Down", "page-down", "next"], "Next"),
    (&["left", "ArrowLeft"], "Left"),
    (&["right", "ArrowRight"], "Right"),
    (&["up", "ArrowUp"], "Up"),
    (&["down", "ArrowDown"], "Down"),
    (&["capslock", "caps_lock"], "Caps_Lock"),
    (&["numlock", "Num_Lock"], "Num_Lock"),
    (&["scrolllock", "Scroll_Lock"], "Scroll_Lock"),
    (&["printscreen", "print", "prtsc"], "Print"),
    (&["pause", "break"], "Pause"),
    (&["menu", "apps", "contextmenu"], "Menu"),
    (&["f1", "F1"], "F1"),
    (&["f12"], "F12"),
    // No key of this keyboard.
    (&["f13", "F13"], "F13"),
    (&["f24"], "F24"),
    (&["altgr", "AltGraph", "ISO_Level3_Shift"], "ISO_Level3_Shift"),
    (&["help"], "Help"),
    (&["volumeup", "AudioVolumeUp"], "XF86AudioRaiseVolume"),
    (&["volumedown"], "XF86AudioLowerVolume"),
    (&["mute", "volumemute"], "XF86AudioMute"),
    (&["playpause", "MediaPlayPause"], "XF86AudioPlay"),
    (&["nexttrack"], "XF86AudioNext"),
    (&["prevtrack", "MediaTrackPrevious"], "XF86AudioPrev"),
    (&["stop"], "XF86AudioStop"),
    (&["browserback"], "XF86Back"),
    (&["BrowserForward"], "XF86Forward"),
    (&["browserrefresh"], "XF86Reload"),
    (&["browserhome"], "XF86HomePage"),
    (&["browsersearch"], "XF86Search"),
    (&["KP_Home", "numpad home"], "Home"),
    (&["a"], "a"),
    (&["A"], "A"),
    (&["question", "?"], "question"),
    (&["5"], "5"),
    (&["plus", "+"], "plus"),
    (&["minus", "-"], "minus"),
    (&["comma"], "comma"),
    (&["slash", "/"], "slash"),
    (&["grave", "backtick"], "grave"),
    (&["é"], "eacute"),
    (&["ß"], "ssharp"),
];

/// A window that writes down its keys, and the file.
fn listener(desktop: &mut TestDesktop) -> std::path::PathBuf {
    let file = desktop.home().join("keys");
    let script = format!("exec xev -name keys -event keyboard > {} 2>&1", file.display());
    desktop.spawn("sh", &["-c", &script]);
    desktop.wait_for_window("keys");
    file
}

/// What X calls the keys that went down (`KeyPress`) or came up (`KeyRelease`).
fn names(file: &std::path::Path, kind: &str) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let blocks = text.split("\n\n").filter(|block| block.trim_start().starts_with(kind));
    let name = |block: &str| Some(block.split_once("keysym ")?.1.split_once(", ")?.1.split_once(')')?.0.to_owned());
    blocks.filter_map(name).collect()
}

#[test]
fn every_name_that_people_write_is_that_key() {
    let mut desktop = TestDesktop::start(640, 480);
    let (computer, mut hands) = (open(&desktop), Hands::new());
    let file = listener(&mut desktop);
    for (spellings, keysym) in NAMES {
        // Alone it is the window manager's.
        let modifiers: &[Modifier] = if *keysym == "Print" { &[Modifier::Shift] } else { &[] };
        for spelling in *spellings {
            let (down, up) = (names(&file, "KeyPress").len(), names(&file, "KeyRelease").len());
            for action in [Press::Down, Press::Up] {
                hands
                    .key(&computer, &key(action, spelling, modifiers))
                    .unwrap_or_else(|error| panic!("{spelling:?}: {error}"));
            }
            // A key that needs Shift has it around it.
            let other = |names: Vec<String>, from: usize| -> Vec<String> {
                names.into_iter().skip(from).filter(|name| name == keysym || name != "Shift_L").collect()
            };
            wait_until(&format!("{spelling:?} comes up"), || !other(names(&file, "KeyRelease"), up).is_empty());
            assert_eq!(other(names(&file, "KeyPress"), down), [*keysym], "{spelling:?}");
        }
    }
    assert!(hands.is_empty());
    assert_eq!(computer.pressed_keys().unwrap(), Vec::<u8>::new());
}

#[test]
fn a_name_that_no_key_has_is_refused_and_nothing_happens() {
    let mut desktop = TestDesktop::start(640, 480);
    let (computer, mut hands) = (open(&desktop), Hands::new());
    let file = listener(&mut desktop);
    for name in ["hyper", "f0", "f25", "ctrl+c", "", "no such key", "ab", "\u{7}"] {
        let error = hands.key(&computer, &key(Press::Down, name, &[])).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidArgument, "{name:?}: {error}");
    }
    let with_fn = key(Press::Down, "a", &[Modifier::Ctrl, Modifier::Fn]);
    assert_eq!(hands.key(&computer, &with_fn).unwrap_err().code, ErrorCode::InvalidArgument);
    assert!(hands.is_empty());
    assert_eq!(computer.pressed_keys().unwrap(), Vec::<u8>::new());
    for action in [Press::Down, Press::Up] {
        hands.key(&computer, &key(action, "x", &[])).unwrap();
    }
    wait_until("the next key is seen", || names(&file, "KeyRelease").len() == 1);
    assert_eq!(names(&file, "KeyPress"), ["x"]);
}

/// The keys of one kind of event, without the repeats of a key that stays down.
fn keys(form: &Form, kind: &str) -> Vec<(String, Value)> {
    let seen = form.seen(kind, "Name").into_iter();
    let mut keys: Vec<(String, Value)> =
        seen.map(|event| (event["key"].as_str().unwrap_or_default().to_owned(), event["state"].clone())).collect();
    keys.dedup();
    keys
}

#[test]
fn a_chord_goes_down_in_its_order_and_up_in_the_opposite_one() {
    let mut desk = Desk::new();
    let chord = ["ctrl", "shift", "t"];
    for name in chord {
        desk.key(Press::Down, name, &[]);
    }
    assert_eq!(desk.computer.pressed_keys().unwrap().len(), 3);
    for name in chord.iter().rev() {
        desk.key(Press::Up, name, &[]);
    }
    let told = |name: &str, state: &[&str]| (name.to_owned(), json!(state));
    desk.form.wait_until("the chord is over", |form| keys(form, "key-release").len() == 3);
    assert_eq!(
        keys(&desk.form, "key-press"),
        [told("Control_L", &[]), told("Shift_L", &["ctrl"]), told("T", &["shift", "ctrl"])]
    );
    assert_eq!(
        keys(&desk.form, "key-release"),
        [told("T", &["shift", "ctrl"]), told("Shift_L", &["shift", "ctrl"]), told("Control_L", &["ctrl"])]
    );
    desk.assert_nothing_is_held();
}

#[test]
fn modifiers_go_with_every_key() {
    let mut desk = Desk::new();
    for (number, modifiers) in
        [&[Modifier::Ctrl][..], &[Modifier::Alt], &[Modifier::Meta], &[Modifier::Ctrl, Modifier::Alt]]
            .iter()
            .enumerate()
    {
        desk.key(Press::Down, "j", modifiers);
        desk.key(Press::Up, "j", modifiers);
        let of_it = |form: &Form, kind: &str| -> Vec<Value> {
            keys(form, kind).into_iter().filter(|(key, _)| key == "j").map(|(_, state)| state).collect()
        };
        desk.form.wait_until("the key is seen", |form| of_it(form, "key-release").len() > number);
        for kind in ["key-press", "key-release"] {
            assert_eq!(of_it(&desk.form, kind)[number], json!(super::names(modifiers)), "{kind} {modifiers:?}");
        }
    }
    // What a chord is for: it selects all, and the next key replaces it.
    desk.key(Press::Down, "escape", &[]);
    desk.key(Press::Up, "escape", &[]);
    desk.computer.type_text("one two", core::time::Duration::ZERO, &opendesk_std::Cancel::new()).unwrap();
    for (name, modifiers) in [("a", &[Modifier::Ctrl][..]), ("x", &[])] {
        desk.key(Press::Down, name, modifiers);
        desk.key(Press::Up, name, modifiers);
    }
    desk.form.wait_until("the text is replaced", |form| form.text("Name") == "x");
    desk.assert_nothing_is_held();
}

#[test]
fn a_key_is_held_until_it_is_let_go() {
    let mut desk = Desk::new();
    desk.key(Press::Down, "shift", &[]);
    desk.key(Press::Down, "f5", &[]);
    desk.form.wait_until("the key is down", |form| keys(form, "key-press").iter().any(|(key, _)| key == "F5"));
    assert_eq!(desk.computer.pressed_keys().unwrap().len(), 2);
    assert!(desk.form.seen("key-release", "Name").is_empty(), "it stays down");
    // Hands that hold something still type, and still let it go.
    desk.key(Press::Down, "x", &[]);
    desk.key(Press::Up, "x", &[]);
    desk.form.wait_until("the capital is typed", |form| form.text("Name") == "X");
    desk.hands.release_all(&desk.computer).unwrap();
    desk.form.wait_until("both keys are up", |form| {
        let released = keys(form, "key-release");
        ["F5", "Shift_L"].iter().all(|name| released.iter().any(|(key, _)| key == name))
    });
    desk.assert_nothing_is_held();
}
