//! The page in a real browser.

use std::fs::File;
use std::io::BufReader;

use opendesk_std::api::{Button, Point};
use opendesk_std::desktop::Key;
use opendesk_tests::devtools::{Chromium, Tab, until};
use serde_json::json;

use super::{Desk, View};
use crate::{Folder, json, opendesk, succeeded};

const LIVE: &str = "document.getElementById('status').dataset.link === 'connected' && \
                    document.getElementById('screen').width > 0";

const DRIVES: &str = "document.getElementById('control').getAttribute('aria-pressed') === 'true'";

const DRIVES_NOT: &str = "document.getElementById('control').getAttribute('aria-pressed') === 'false'";

/// Opens the page and waits for its first picture.
fn open(browser: &mut Chromium, view: &View) -> Tab {
    let tab = browser.open(&view.url);
    browser.await_true(&tab, LIVE);
    tab
}

/// Presses the page's own button that takes mouse and keyboard.
fn take(browser: &mut Chromium, tab: &Tab) {
    browser.evaluate(tab, "document.getElementById('control').click()");
    browser.await_true(tab, DRIVES);
}

/// Presses it again, which gives them back.
fn leave(browser: &mut Chromium, tab: &Tab) {
    browser.evaluate(tab, "document.getElementById('control').click()");
    browser.await_true(tab, DRIVES_NOT);
}

/// Where the page shows a point of the desktop, in its CSS pixels.
fn place(browser: &mut Chromium, tab: &Tab, point: Point) -> (f64, f64) {
    let script = "(() => { const screen = document.getElementById('screen'); const box = screen.getBoundingClientRect(); \
                  return [box.left, box.top, box.width / screen.width, box.height / screen.height]; })()";
    let shown = browser.evaluate(tab, script);
    let number = |index: usize| shown[index].as_f64().expect("a number");
    (number(0) + (point.x + 0.5) * number(2), number(1) + (point.y + 0.5) * number(3))
}

fn click(browser: &mut Chromium, tab: &Tab, point: Point, button: &str) {
    let at = place(browser, tab, point);
    browser.click(tab, at, button);
}

/// Waits until all of these pages show the same.
fn agree(browser: &mut Chromium, tabs: &[&Tab]) {
    until("all pages show the same", || {
        let shown: Vec<_> = tabs.iter().map(|tab| browser.pixels(tab, "#screen")).collect();
        shown.iter().all(|one| *one == shown[0]).then_some(())
    });
}

/// What the page says of its link.
fn status(browser: &mut Chromium, tab: &Tab) -> String {
    let said = browser.evaluate(tab, "document.getElementById('status').textContent");
    said.as_str().expect("a text").to_owned()
}

/// The desktop as `opendesk call screenshot` has it: width, height, and red, green, blue of each pixel.
fn screenshot(home: &std::path::Path) -> (u32, u32, Vec<u8>) {
    let folder = Folder::new();
    let out = folder.home("shot.png");
    let shot =
        opendesk(home, &["call", "screenshot", r#"{"profile": "native"}"#, "--out", out.to_str().expect("a path")]);
    succeeded(&shot);
    let mut reader = png::Decoder::new(BufReader::new(File::open(out).expect("a file"))).read_info().expect("a PNG");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
    let info = reader.next_frame(&mut pixels).expect("a picture");
    assert_eq!((info.color_type, info.bit_depth), (png::ColorType::Rgb, png::BitDepth::Eight));
    pixels.truncate(info.buffer_size());
    (info.width, info.height, pixels)
}

#[test]
fn the_page_shows_every_pixel_of_the_desktop_and_follows_it() {
    let desk = Desk::start();
    let view = View::start(&desk.home, &["host"]);
    let mut browser = Chromium::start();
    let tab = open(&mut browser, &view);
    let hash = browser.evaluate(&tab, "location.href");
    assert_eq!(hash, format!("http://{}/", view.address), "the address bar keeps no token");
    assert_eq!(browser.evaluate(&tab, "document.getElementById('name').textContent"), "host");
    assert_eq!(status(&mut browser, &tab), "Live");
    let hidden = "document.getElementById('control').checkVisibility()";
    assert_eq!(browser.evaluate(&tab, hidden), false, "it may only look");
    let before = browser.pixels(&tab, "#screen");
    assert_eq!((before.0, before.1), (1280, 800));

    // Small changes, a large one, and one while a second page has just begun to look.
    let second = open(&mut browser, &view);
    for step in 0..5 {
        desk.desktop.notify("Mail", &format!("News {step}"), "something has changed");
    }
    until("the page has changed", || (browser.pixels(&tab, "#screen").2 != before.2).then_some(()));
    // Whoever comes last is shown the whole picture, and the others have made the same of its parts.
    let third = open(&mut browser, &view);
    agree(&mut browser, &[&tab, &second, &third]);

    // A reload finds the token in what the browser keeps for the tab.
    browser.call(&tab, "Page.reload", &json!({}));
    browser.await_true(&tab, "performance.getEntriesByType('navigation')[0].type === 'reload'");
    browser.await_true(&tab, LIVE);
    agree(&mut browser, &[&tab, &second, &third]);

    view.interrupt();
    browser.await_true(&tab, "document.getElementById('status').textContent.includes('does not answer')");
    let (width, height, pixels) = screenshot(&desk.home);
    assert_eq!((width, height), (1280, 800));
    let (_, _, last) = browser.pixels(&tab, "#screen");
    assert!(last == pixels, "{} bytes differ", last.iter().zip(&pixels).filter(|(one, other)| one != other).count());
}

#[test]
fn mouse_and_keyboard_of_the_page_are_those_of_the_desktop() {
    let desk = Desk::start();
    let view = View::start(&desk.home, &["host", "--control"]);
    let mut browser = Chromium::start();
    let tab = open(&mut browser, &view);
    let count = desk.middle("push button", "Count");
    click(&mut browser, &tab, count, "left");
    take(&mut browser, &tab);
    assert_eq!(desk.desktop.counter(), 0, "before it was taken nothing was done");
    click(&mut browser, &tab, count, "left");
    until("the click is counted", || (desk.desktop.counter() == 1).then_some(()));
    // The picture is scaled to the window; at its own size a pixel of it is one of the page's.
    browser.evaluate(&tab, "document.getElementById('zoom').click()");
    click(&mut browser, &tab, count, "left");
    until("it is counted again", || (desk.desktop.counter() == 2).then_some(()));
    browser.evaluate(&tab, "document.getElementById('zoom').click()");

    let notes = desk.middle("text", "Note");
    click(&mut browser, &tab, notes, "left");
    // By keys, by Shift and a key, by a layout of this side, by an input method, and from the clipboard.
    for (key, code, modifiers) in
        [("h", "KeyH", 0), ("I", "KeyI", 8), ("!", "Digit1", 8), ("y", "KeyZ", 0), ("ß", "Minus", 0)]
    {
        if modifiers == 8 {
            browser.key(&tab, "rawKeyDown", ("Shift", "ShiftLeft"), "", 8);
        }
        browser.key(&tab, "keyDown", (key, code), key, modifiers);
        browser.key(&tab, "keyUp", (key, code), "", modifiers);
        if modifiers == 8 {
            browser.key(&tab, "keyUp", ("Shift", "ShiftLeft"), "", 0);
        }
    }
    let typed = |wanted: &str| {
        until(wanted, || desk.desktop.editor_text().contains(wanted).then_some(()));
    };
    typed("hI!yß");
    browser.call(&tab, "Input.imeSetComposition", &json!({"text": "にほん", "selectionStart": 3, "selectionEnd": 3}));
    browser.call(&tab, "Input.insertText", &json!({"text": "日本"}));
    typed("hI!yß日本");
    let paste = "(() => { const data = new DataTransfer(); data.setData('text/plain', ' two\\r\\nlines'); \
                 const keys = document.getElementById('keys'); keys.focus(); \
                 return document.execCommand('insertText', false, data.getData('text/plain')); })()";
    assert_eq!(browser.evaluate(&tab, paste), true);
    typed("hI!yß日本 two\nlines");
    // Keys that are no text, and a chord.
    for _ in 0..5 {
        browser.key(&tab, "rawKeyDown", ("Backspace", "Backspace"), "", 0);
        browser.key(&tab, "keyUp", ("Backspace", "Backspace"), "", 0);
    }
    browser.key(&tab, "keyDown", ("x", "KeyX"), "x", 0);
    typed("two\nx");
    browser.key(&tab, "rawKeyDown", ("Control", "ControlLeft"), "", 2);
    until("Ctrl is down", || (desk.desktop.held_keys() == [Key::Control]).then_some(()));
    browser.key(&tab, "rawKeyDown", ("a", "KeyA"), "", 2);
    browser.key(&tab, "keyUp", ("a", "KeyA"), "", 2);
    browser.key(&tab, "keyUp", ("Control", "ControlLeft"), "", 0);
    until("Ctrl is up", || desk.desktop.held_keys().is_empty().then_some(()));
    browser.key(&tab, "keyDown", ("z", "KeyZ"), "z", 0);
    until("all was selected and replaced", || (desk.desktop.editor_text() == "z").then_some(()));

    // A drag that ends outside of the picture ends where it left it.
    let at = place(&mut browser, &tab, notes);
    browser.mouse(&tab, "mousePressed", at, &json!({"button": "left", "buttons": 1, "clickCount": 1}));
    until("the button is down", || (desk.desktop.held_buttons() == [Button::Left]).then_some(()));
    browser.mouse(&tab, "mouseMoved", (5.0, 5.0), &json!({"button": "left", "buttons": 1}));
    browser.mouse(&tab, "mouseReleased", (5.0, 5.0), &json!({"button": "left", "clickCount": 1}));
    until("the button is up", || desk.desktop.held_buttons().is_empty().then_some(()));
    for button in ["middle", "right", "back", "forward"] {
        click(&mut browser, &tab, notes, button);
    }
    browser.mouse(&tab, "mouseWheel", at, &json!({"deltaX": 0, "deltaY": 300}));
    // All is done in its order: when this is there, so is what was before.
    click(&mut browser, &tab, notes, "left");
    browser.key(&tab, "keyDown", ("q", "KeyQ"), "q", 0);
    typed("q");
    until("no button is down", || desk.desktop.held_buttons().is_empty().then_some(()));
    assert_eq!(browser.evaluate(&tab, "document.getElementById('notice').textContent"), "", "nothing was refused");
    let pressed = desk.desktop.held_keys();
    assert_eq!(pressed, []);
    view.interrupt();
    let log = desk.stop();
    let wheel =
        log.iter().any(|entry| entry.to_string().contains("input.pointer") && entry.to_string().contains("scroll"));
    assert!(wheel, "the wheel was turned");
    assert!(!log.iter().any(|entry| entry.to_string().contains("日本")), "what was typed is in no log");
}

#[test]
fn what_is_held_comes_up_when_the_page_loses_the_keyboard_and_when_its_tab_is_closed() {
    let desk = Desk::start();
    let view = View::start(&desk.home, &["host", "--control"]);
    let mut browser = Chromium::start();
    let (tab, other) = (open(&mut browser, &view), open(&mut browser, &view));
    let notes = desk.middle("text", "Note");
    let hold = |browser: &mut Chromium, tab: &Tab| {
        take(browser, tab);
        let at = place(browser, tab, notes);
        browser.mouse(tab, "mousePressed", at, &json!({"button": "left", "buttons": 1, "clickCount": 1}));
        browser.key(tab, "rawKeyDown", ("Alt", "AltLeft"), "", 1);
        until("both are down", || {
            let held = (desk.desktop.held_keys(), desk.desktop.held_buttons());
            (held == (vec![Key::Alt], vec![Button::Left])).then_some(())
        });
    };
    let released = || {
        until("all is up", || {
            (desk.desktop.held_keys().is_empty() && desk.desktop.held_buttons().is_empty()).then_some(())
        });
    };
    hold(&mut browser, &tab);
    browser.evaluate(&tab, "document.getElementById('keys').blur()");
    released();
    leave(&mut browser, &tab);
    hold(&mut browser, &tab);
    browser.evaluate(&tab, "dispatchEvent(new Event('blur'))");
    released();
    leave(&mut browser, &tab);
    // The other page takes them away; then its tab is closed in the middle of it.
    hold(&mut browser, &tab);
    take(&mut browser, &other);
    released();
    browser.await_true(&tab, DRIVES_NOT);
    leave(&mut browser, &other);
    hold(&mut browser, &other);
    browser.close(other);
    released();
    // The keyboard can be left by the keyboard.
    take(&mut browser, &tab);
    browser.key(&tab, "rawKeyDown", ("Control", "ControlLeft"), "", 2);
    browser.key(&tab, "rawKeyDown", ("Alt", "AltLeft"), "", 3);
    browser.key(&tab, "rawKeyDown", ("Home", "Home"), "", 3);
    browser.await_true(&tab, DRIVES_NOT);
    released();
    view.interrupt();
}

#[test]
fn the_page_says_how_the_link_is_and_the_owner_stops_it() {
    let desk = Desk::start();
    let strange = "<img src=x onerror=alert(1)>";
    json(&opendesk(&desk.home, &["peers", "rename", "host", strange, "--json"]));
    let view = View::start(&desk.home, &[]);
    let mut browser = Chromium::start();
    let tab = open(&mut browser, &view);
    assert_eq!(browser.evaluate(&tab, "document.getElementById('name').textContent"), strange);
    assert_eq!(browser.evaluate(&tab, "document.images.length"), 0, "a name is text");

    desk.desktop.sleep();
    browser.await_true(&tab, "document.getElementById('status').textContent.includes('switched off')");
    succeeded(&opendesk(&desk.home, &["stop"]));
    browser.await_true(&tab, "document.getElementById('status').dataset.link === 'ended'");
    let said = status(&mut browser, &tab);
    assert!(said.starts_with("Ended: ") && said.contains("stop"), "{said}");
    browser.evaluate(&tab, "document.getElementById('again').click()");
    succeeded(&opendesk(&desk.home, &["resume"]));
    browser.evaluate(&tab, "document.getElementById('again').click()");
    browser.await_true(&tab, LIVE);
    let _homes = desk.halt();
    browser.await_true(&tab, "document.getElementById('status').dataset.link === 'reconnecting'");
    assert!(status(&mut browser, &tab).starts_with("Reconnecting: "));
    view.interrupt();
}

#[test]
fn what_an_agent_does_in_another_program_is_watched() {
    let desk = Desk::start();
    let view = View::start(&desk.home, &["host"]);
    let mut browser = Chromium::start();
    let tab = open(&mut browser, &view);
    let before = browser.pixels(&tab, "#screen").2;
    let typed = r#"{"action": "type", "text": "by an agent"}"#;
    succeeded(&opendesk(&desk.home, &["call", "keyboard", typed]));
    assert!(desk.desktop.editor_text().contains("by an agent"));
    until("the page shows it", || (browser.pixels(&tab, "#screen").2 != before).then_some(()));
    let (_, _, pixels) = screenshot(&desk.home);
    until("it shows all of it", || (browser.pixels(&tab, "#screen").2 == pixels).then_some(()));
    assert_eq!(status(&mut browser, &tab), "Live", "neither took the session from the other");
    view.interrupt();
}

#[test]
fn neither_another_page_nor_another_name_gets_anything() {
    let desk = Desk::start();
    let view = View::start(&desk.home, &["host", "--control"]);
    let mut browser = Chromium::start();
    // The name leads to this machine, as after a rebinding.
    let url = format!("http://rebound.example:{}/#{}", view.address.port(), view.token);
    let rebound = browser.open(&url);
    browser.await_true(&rebound, "document.body.textContent.includes('not the one that opendesk printed')");
    assert_eq!(browser.evaluate(&rebound, "document.querySelector('canvas') === null"), true);
    // From there, with the token: a request that is sent whatever comes back, and one that asks before.
    let blind = format!(
        "fetch('http://{0}/input', {{ method: 'POST', mode: 'no-cors', body: '{{}}' }}).then((answer) => answer.type, () => 'refused')",
        view.address
    );
    let said = browser.evaluate(&rebound, &blind);
    assert!(said == "opaque" || said == "refused", "{said}");
    let asks = format!(
        "fetch('http://{}/stream', {{ headers: {{ Authorization: 'Bearer {}' }} }}).then(() => 'read', () => 'refused')",
        view.address, view.token
    );
    assert_eq!(browser.evaluate(&rebound, &asks), "refused");
    let without = browser.open(&format!("http://{}/", view.address));
    browser.await_true(&without, "document.getElementById('status').textContent.includes('token')");
    assert_eq!(browser.evaluate(&without, "document.getElementById('screen').width"), 0);
    let wrong = browser.open(&format!("http://{}/#{}", view.address, "0".repeat(64)));
    browser.await_true(&wrong, "document.getElementById('status').textContent.includes('token')");
    view.interrupt();
    let log = desk.stop();
    assert!(!log.iter().any(|entry| entry.to_string().contains("display.")), "{log:?}");
}

#[test]
fn this_machine_is_shown_too() {
    let folder = Folder::new();
    let home = folder.home("home");
    let view = View::start(&home, &["local", "--backend", "virtual", "--control", "--cursor"]);
    let mut browser = Chromium::start();
    let tab = open(&mut browser, &view);
    let before = browser.pixels(&tab, "#screen");
    assert_eq!((before.0, before.1), (1280, 800));
    take(&mut browser, &tab);
    click(&mut browser, &tab, Point::new(300.0, 300.0), "left");
    browser.key(&tab, "keyDown", ("w", "KeyW"), "w", 0);
    until("the page shows what was done", || (browser.pixels(&tab, "#screen").2 != before.2).then_some(()));
    view.interrupt();
}
