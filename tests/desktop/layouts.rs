//! Text comes out as it was typed on every layout, whatever keys it has.

use core::time::Duration;
use std::fs;

use opendesk_std::Cancel;
use opendesk_std::api::{KeyEvent, Modifier, Press};
use opendesk_std::desktop::{Computer, Hands};
use opendesk_tests::desktop::{Browser, Form, TestDesktop};

use crate::typing::{click, end_of_text};
use crate::{open, terminal_that_keeps_text, wait_until};

/// A layout, and what its key in the place of the English Q or Y gives, by which one knows that it is in effect.
struct Layout {
    name: &'static str,
    keycode: &'static str,
    gives: char,
}

/// Keys in other places, letters that are no ASCII, dead keys, digits behind Shift, an alphabet without Latin letters.
const LAYOUTS: [Layout; 5] = [
    Layout { name: "de", keycode: "29", gives: 'z' },
    Layout { name: "fr", keycode: "24", gives: 'a' },
    Layout { name: "dvorak", keycode: "24", gives: '\'' },
    Layout { name: "ru", keycode: "24", gives: 'й' },
    Layout { name: "us", keycode: "24", gives: 'q' },
];

/// A line of each kind of text, a tab at the end.
fn text() -> String {
    let ascii: String = (b' '..=b'~').map(char::from).collect();
    format!(
        "{ascii}\näöüß ÄÖÜ éèêë àâ çñ ÿ œ € «»\nПривет, мир ЖЩЪ ё\n世界 こんにちは 한국어\n🚀 𝒳 👩\u{200d}🚀 αβγ e\u{301}\n\tend"
    )
}

fn type_text(computer: &dyn Computer, text: &str) {
    computer.type_text(text, Duration::ZERO, &Cancel::new()).expect("it can be typed");
}

#[test]
fn text_is_exact_in_a_terminal_on_every_layout() {
    let mut desktop = TestDesktop::start(1280, 800);
    let text = format!("{}\n", text());
    for Layout { name, .. } in LAYOUTS {
        desktop.run("setxkbmap", &[name]);
        let computer = open(&desktop);
        let file = terminal_that_keeps_text(&mut desktop, name);
        type_text(&computer, &text);
        end_of_text(&computer);
        wait_until("the file appears", || file.exists());
        assert_eq!(fs::read_to_string(file).unwrap(), text, "{name}");
    }
}

#[test]
fn text_is_exact_in_a_gtk_program_on_every_layout() {
    let mut desktop = TestDesktop::start(1024, 768);
    let (computer, form) = (open(&desktop), Form::start(&mut desktop));
    let text = text();
    // In an entry Return and Tab do something else.
    let line = text.replace(['\n', '\t'], " ");
    for Layout { name, .. } in LAYOUTS {
        desktop.run("setxkbmap", &[name]);
        for (widget, text) in [("Name", &line), ("Notes", &text)] {
            click(&computer, form.place(widget).center());
            type_text(&computer, text);
            form.wait_until("it is typed", |form| form.text(widget).chars().count() >= text.chars().count());
            assert_eq!(form.text(widget), *text, "{widget} with {name}");
            desktop.run("xdotool", &["key", "Escape"]);
            form.wait_until("it is empty again", |form| form.text(widget).is_empty());
        }
    }
}

#[test]
fn text_is_exact_in_a_browser_on_every_layout() {
    let mut desktop = TestDesktop::start(800, 600);
    let browser = Browser::start(&mut desktop);
    let computer = open(&desktop);
    let text = text();
    for Layout { name, keycode, gives } in LAYOUTS {
        desktop.run("setxkbmap", &[name]);
        // A browser learns of a layout when it finds the time.
        wait_until(&format!("the browser uses {name}"), || {
            desktop.run("xdotool", &["key", keycode]);
            browser.text(&desktop).ends_with(gives)
        });
        // Escape is typed once: what it empties stays empty.
        let empty = || browser.text(&desktop).is_empty();
        desktop.run("xdotool", &["key", "Escape"]);
        wait_until("the page is empty", empty);
        type_text(&computer, &text);
        wait_until("the text is typed", || browser.text(&desktop).chars().count() >= text.chars().count());
        assert_eq!(browser.text(&desktop), text, "{name}");
        desktop.run("xdotool", &["key", "Escape"]);
        wait_until("the page is empty", empty);
    }
}

/// Presses and releases a key with a modifier.
fn tap(hands: &mut Hands, computer: &dyn Computer, name: &str, modifiers: &[Modifier]) {
    for action in [Press::Down, Press::Up] {
        let event = KeyEvent { action, keysym: name.to_owned(), modifiers: modifiers.to_vec() };
        hands.key(computer, &event).expect("the key does it");
    }
}

#[test]
fn shortcuts_mean_their_letters_while_another_alphabet_is_in_effect() {
    let mut desktop = TestDesktop::start(1280, 800);
    let form = Form::start(&mut desktop);
    let browser = Browser::start(&mut desktop);
    let (computer, mut hands) = (open(&desktop), Hands::new());
    // As a person has them who writes both, and who changes between them with Super and the space bar.
    desktop.run("setxkbmap", &["-layout", "us,ru", "-option", "grp:win_space_toggle"]);
    tap(&mut hands, &computer, "space", &[Modifier::Meta]);
    assert!(desktop.run("xset", &["-q"]).contains("Group 2:     on"), "the second alphabet is in effect");
    wait_until("the browser knows the alphabet", || {
        tap(&mut hands, &computer, "й", &[]);
        browser.text(&desktop).ends_with('й')
    });
    type_text(&computer, "more than one letter");
    tap(&mut hands, &computer, "a", &[Modifier::Ctrl]);
    tap(&mut hands, &computer, "x", &[]);
    wait_until("the page has one letter", || browser.text(&desktop) == "x");

    // The browser is in front of it.
    desktop.wait_for_window("Form");
    type_text(&computer, "more than one letter");
    form.wait_until("the line is typed", |form| form.text("Name") == "more than one letter");
    tap(&mut hands, &computer, "a", &[Modifier::Ctrl]);
    tap(&mut hands, &computer, "x", &[]);
    form.wait_until("the line has one letter", |form| form.text("Name") == "x");
    assert!(hands.is_empty());
}
