//! Text comes out as it was typed, on the layout that an X server starts with.

use core::time::Duration;
use std::path::PathBuf;

use opendesk_std::Cancel;
use opendesk_std::api::{Button, ErrorCode, Point, Press};
use opendesk_std::desktop::{Computer, Key};
use opendesk_tests::desktop::{Browser, Form, TestDesktop};

use crate::{open, terminal_that_keeps_text, wait_until};

/// As many printable characters of ASCII, in an order that is the same every time.
fn ascii(count: usize) -> String {
    let mut state = 7_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(b' ' + (state >> 16) as u8 % 95)
    };
    (0..count).map(|_| next()).collect()
}

/// Moves the mouse into the middle of a place and clicks.
pub(super) fn click(computer: &dyn Computer, middle: Point) {
    computer.move_pointer(Point::new(middle.x.floor(), middle.y.floor())).expect("the pointer moves");
    for press in [Press::Down, Press::Up] {
        computer.button(Button::Left, press).expect("the button works");
    }
}

/// Presses Ctrl-D in a terminal.
pub(super) fn end_of_text(computer: &dyn Computer) {
    for (key, press) in [
        (Key::Control, Press::Down),
        (Key::Char('d'), Press::Down),
        (Key::Char('d'), Press::Up),
        (Key::Control, Press::Up),
    ] {
        computer.key(key, press).expect("the key works");
    }
}

#[test]
fn text_of_any_script_arrives_exactly() {
    let mut desktop = TestDesktop::start(1280, 800);
    let computer = open(&desktop);
    let text = "The quick (brown) fox; {|}~ \"jumps\" @ 100% <over>\n\
                Grüße, ÄÖÜß, naïve café\n\
                Привет, мир\n\
                世界 こんにちは\n\
                🚀 αβγ\n";
    let file = terminal_that_keeps_text(&mut desktop, "typed");
    computer.type_text(text, Duration::ZERO, &Cancel::new()).unwrap();
    end_of_text(&computer);
    wait_until("the file appears", || file.exists());
    assert_eq!(std::fs::read_to_string(file).unwrap(), text);
    assert_eq!(computer.pressed_keys().unwrap(), Vec::<u8>::new());
}

#[test]
fn more_scripts_than_a_keyboard_has_keys_arrive_exactly() {
    let mut desktop = TestDesktop::start(1024, 768);
    let (computer, form) = (open(&desktop), Form::start(&mut desktop));
    click(&computer, form.place("Notes").center());
    // Two hundred characters that no layout here has, most of them far apart, some of them again after a while.
    let strange: String = (0..200).filter_map(|step| char::from_u32(0x4e00 + step * 97)).collect();
    let text = format!("{strange} and {}", strange.chars().rev().step_by(3).collect::<String>());
    computer.type_text(&text, Duration::ZERO, &Cancel::new()).unwrap();
    form.wait_until("all of it is typed", |form| form.text("Notes").chars().count() >= text.chars().count());
    assert_eq!(form.text("Notes"), text);
}

#[test]
fn a_thousand_characters_arrive_exactly_in_a_terminal() {
    let mut desktop = TestDesktop::start(1280, 800);
    let computer = open(&desktop);
    let text = format!("{}\n", ascii(1000));
    let file = terminal_that_keeps_text(&mut desktop, "thousand");
    computer.type_text(&text, Duration::ZERO, &Cancel::new()).unwrap();
    end_of_text(&computer);
    wait_until("the file appears", || file.exists());
    assert_eq!(std::fs::read_to_string(file).unwrap(), text);
}

#[test]
fn a_thousand_characters_arrive_exactly_in_a_gtk_program() {
    let mut desktop = TestDesktop::start(1024, 768);
    let (computer, form) = (open(&desktop), Form::start(&mut desktop));
    let text = ascii(1000);
    for widget in ["Name", "Notes"] {
        click(&computer, form.place(widget).center());
        computer.type_text(&text, Duration::ZERO, &Cancel::new()).unwrap();
        form.wait_until("all of it is typed", |form| form.text(widget).len() >= text.len());
        assert_eq!(form.text(widget), text, "{widget}");
    }
}

#[test]
fn a_thousand_characters_arrive_exactly_in_a_browser() {
    let mut desktop = TestDesktop::start(800, 600);
    let browser = Browser::start(&mut desktop);
    let computer = open(&desktop);
    let text = ascii(1000);
    computer.type_text(&text, Duration::ZERO, &Cancel::new()).unwrap();
    wait_until("all of it is typed", || browser.text(&desktop).len() >= text.len());
    assert_eq!(browser.text(&desktop), text);
}

#[test]
fn keys_that_were_lent_to_strange_characters_are_given_back() {
    let desktop = TestDesktop::start(640, 480);
    let computer = open(&desktop);
    let map = || desktop.run("xmodmap", &["-pke"]);
    let before = map();
    for again in 0..2 {
        computer.type_text("世界 ж", Duration::ZERO, &Cancel::new()).unwrap();
        for press in [Press::Down, Press::Up] {
            computer.key(Key::Function(13), press).unwrap();
        }
        wait_until(&format!("the keyboard is its own again, {again}"), || map() == before);
    }
    computer.type_text("界", Duration::ZERO, &Cancel::new()).unwrap();
    // Nobody is there any more who could do so later.
    drop(computer);
    wait_until("the keyboard is its own again", || map() == before);
}

#[test]
fn control_characters_are_refused_before_anything_is_typed() {
    let mut desktop = TestDesktop::start(1280, 800);
    let computer = open(&desktop);
    let file = terminal_that_keeps_text(&mut desktop, "untouched");
    let error = computer.type_text("abc\u{1b}[2J", Duration::ZERO, &Cancel::new()).unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidArgument, "{error}");
    desktop.run("xdotool", &["key", "Return", "ctrl+d"]);
    wait_until("the file appears", || file.exists());
    assert_eq!(std::fs::read_to_string(file).unwrap(), "\n");
}

#[test]
fn capitals_lock_and_held_shift_do_not_change_what_is_typed() {
    let mut desktop = TestDesktop::start(1024, 768);
    let (computer, form) = (open(&desktop), Form::start(&mut desktop));
    for press in [Press::Down, Press::Up] {
        computer.key(Key::CapsLock, press).unwrap();
    }
    let text = "aA1! éÉ жЖ";
    computer.type_text(text, Duration::ZERO, &Cancel::new()).unwrap();
    form.wait_until("all of it is typed", |form| form.text("Name").chars().count() >= text.chars().count());
    assert_eq!(form.text("Name"), text);
    // The lock is as it was.
    for press in [Press::Down, Press::Up] {
        computer.key(Key::Char('q'), press).unwrap();
    }
    form.wait_until("a capital comes", |form| form.text("Name") == format!("{text}Q"));
}

/// A program that has a selection, and how often it was asked for what is in it. It ends when another program takes it.
struct Owner {
    selection: &'static str,
    process: u32,
    log: PathBuf,
}

impl Owner {
    fn start(desktop: &mut TestDesktop, selection: &'static str) -> Self {
        let (file, log) = (desktop.home().join(selection), desktop.home().join(format!("{selection}.log")));
        std::fs::write(&file, Self::text(selection)).expect("a new file");
        let script = format!("exec xclip -quiet -selection {selection} -i {} 2> {}", file.display(), log.display());
        let process = desktop.spawn("sh", &["-c", &script]);
        // Without an owner it fails.
        let asked = format!("xclip -selection {selection} -t TARGETS -o 2>&1 || true");
        wait_until(selection, || desktop.run("sh", &["-c", &asked]).contains("UTF8_STRING"));
        let owner = Self { selection, process, log };
        wait_until("it has begun to count", || owner.questions() == 1);
        owner
    }

    fn text(selection: &str) -> String {
        format!("this was in {selection}")
    }

    fn questions(&self) -> usize {
        std::fs::read_to_string(&self.log).unwrap_or_default().matches("Waiting for selection request number").count()
    }

    fn runs(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process)).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
    }
}

#[test]
fn typing_neither_reads_nor_changes_the_clipboard() {
    let mut desktop = TestDesktop::start(1024, 768);
    let (computer, form) = (open(&desktop), Form::start(&mut desktop));
    let owners = ["clipboard", "primary"].map(|selection| Owner::start(&mut desktop, selection));
    let questions = owners.each_ref().map(Owner::questions);
    let text = "ASCII, Grüße, Привет, 世界, 🚀";
    computer.type_text(text, Duration::ZERO, &Cancel::new()).unwrap();
    form.wait_until("all of it is typed", |form| form.text("Name").chars().count() >= text.chars().count());
    assert_eq!(form.text("Name"), text);
    assert_eq!(owners.each_ref().map(Owner::questions), questions, "nobody asked for what is in them");
    for owner in owners {
        assert!(owner.runs(), "another program took {}", owner.selection);
        let held = desktop.run("xclip", &["-selection", owner.selection, "-o"]);
        assert_eq!(held, Owner::text(owner.selection));
    }
}
