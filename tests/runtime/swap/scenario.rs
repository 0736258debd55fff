//! What is done to a desktop, whichever it is, and what is seen of it.

use core::fmt::Debug;
use core::time::Duration;
use std::fs;
use std::path::Path;

use opendesk_std::Cancel;
use opendesk_std::api::{
    Button, ClipboardContents, ClipboardEntry, DirectoryParams, ElementTarget, ExecParams, FileMoveParams, FileParams,
    FileReadParams, FileWriteParams, FsDelete, FsList, FsMkdir, FsMove, FsRead, FsStat, FsWrite, Method, Notification,
    Point, Press, ProcessExec, ProcessList, ProcessShell, Rect, Result, ShellParams, TreeParams, UiActionParams,
    UiTree,
};
use opendesk_std::desktop::{CaptureArea, Computer, Frame, Key};

/// Files and programs of whichever machine it is.
pub(super) trait Errands {
    fn call<M: Method>(&self, params: M::Params) -> Result<M::Output>;
}

/// All that was seen, in order, in words; pictures apart.
#[derive(Default)]
pub(super) struct Seen {
    words: Vec<String>,
    pictures: Vec<(u32, u32, Rect, Vec<u8>)>,
}

impl Seen {
    fn note(&mut self, what: &str, seen: impl Debug) {
        self.words.push(format!("{what}: {seen:?}"));
    }

    fn picture(&mut self, Frame { width, height, pixels, area }: Frame) {
        // The fourth byte of a pixel is nobody's.
        let pixels = pixels.chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
        self.pictures.push((width, height, area, pixels));
    }

    /// Fails at the first thing that is another than expected.
    pub(super) fn is(&self, expected: &Self) {
        for (seen, expected) in self.words.iter().zip(&expected.words) {
            assert_eq!(seen, expected);
        }
        assert_eq!(self.words.len(), expected.words.len());
        for (index, (seen, expected)) in self.pictures.iter().zip(&expected.pictures).enumerate() {
            assert_eq!((seen.0, seen.1, seen.2), (expected.0, expected.1, expected.2), "picture {index}");
            assert!(seen.3 == expected.3, "picture {index} has other pixels");
        }
        assert_eq!(self.pictures.len(), expected.pictures.len());
    }
}

/// Uses everything that a desktop has.
pub(super) fn scenario(computer: &dyn Computer, errands: &impl Errands, folder: &Path) -> Seen {
    let mut seen = Seen::default();
    look(computer, &mut seen);
    point(computer, &mut seen);
    write(computer, &mut seen);
    manage(computer, &mut seen);
    use_elements(computer, &mut seen);
    copy(computer, &mut seen);
    run_errands(errands, folder, &mut seen);
    fail(computer, errands, &mut seen);
    lock(computer, &mut seen);
    assert!(seen.words.len() > 60 && seen.pictures.len() > 10, "{} and {}", seen.words.len(), seen.pictures.len());
    seen
}

fn whole(computer: &dyn Computer, seen: &mut Seen) {
    seen.picture(computer.capture(&CaptureArea::default()).unwrap());
}

fn tree(computer: &dyn Computer) -> UiTree {
    computer.ui_tree(&TreeParams::default(), &Cancel::new()).unwrap()
}

fn middle(computer: &dyn Computer, role: &str, name: &str) -> Point {
    tree(computer).find(role, name).unwrap().bounds.unwrap().center()
}

fn look(computer: &dyn Computer, seen: &mut Seen) {
    seen.note("capabilities", computer.capabilities());
    seen.note("displays", computer.displays().unwrap());
    seen.note("screen", computer.screen_state());
    whole(computer, seen);
    let display = computer.displays().unwrap()[0].id.clone();
    for area in [
        CaptureArea { display_id: Some(display), cursor: true, ..CaptureArea::default() },
        CaptureArea { region: Some(Rect::new(10.0, 20.0, 301.0, 77.0)), ..CaptureArea::default() },
        CaptureArea { window_id: Some("virtual-1".into()), ..CaptureArea::default() },
    ] {
        seen.picture(computer.capture(&area).unwrap());
    }
    let area = CaptureArea::default();
    let (first, again) = (computer.generation(&area).unwrap(), computer.generation(&area).unwrap());
    seen.note("counts what it shows", (first.is_some(), first == again));
    computer.type_text("y", Duration::ZERO, &Cancel::new()).unwrap();
    seen.note("and what has changed", computer.generation(&area).unwrap() > again);
    whole(computer, seen);
}

fn point(computer: &dyn Computer, seen: &mut Seen) {
    let button = middle(computer, "push button", "Count");
    for to in [button, Point::new(3.25, 4.75), button] {
        seen.note("moved", computer.move_pointer(to).unwrap());
        seen.note("is at", computer.cursor_position().unwrap());
    }
    for _ in 0..3 {
        seen.note("down", computer.button(Button::Left, Press::Down).unwrap());
        whole(computer, seen);
        seen.note("up", computer.button(Button::Left, Press::Up).unwrap());
    }
    let counted = tree(computer).nodes;
    seen.note("counted", counted.iter().filter(|node| node.value.is_some()).collect::<Vec<_>>());
    whole(computer, seen);
    computer.move_pointer(middle(computer, "text", "Note")).unwrap();
    for (right, up) in [(0.0, -3.0), (0.0, 1.4), (2.0, 0.0)] {
        seen.note("scrolled", computer.scroll(right, up).unwrap());
    }
    for button in [Button::Middle, Button::Right, Button::X1, Button::X2] {
        seen.note("pressed", computer.button(button, Press::Down).unwrap());
        seen.note("released", computer.button(button, Press::Up).unwrap());
    }
    whole(computer, seen);
}

fn write(computer: &dyn Computer, seen: &mut Seen) {
    seen.note("focused", computer.focus_window("virtual-1").unwrap());
    for (key, press) in [
        (Key::Control, Press::Down),
        (Key::Char('a'), Press::Down),
        (Key::Char('a'), Press::Up),
        (Key::Control, Press::Up),
        (Key::Delete, Press::Down),
        (Key::Delete, Press::Up),
        (Key::Shift, Press::Down),
        (Key::Char('q'), Press::Down),
        (Key::Char('q'), Press::Up),
        (Key::Shift, Press::Up),
        (Key::Function(5), Press::Down),
        (Key::Function(5), Press::Up),
        (Key::PageUp, Press::Down),
        (Key::PageUp, Press::Up),
    ] {
        seen.note("key", computer.key(key, press).unwrap());
    }
    for text in ["größer als\nnichts\t", "日本 🦀 e\u{301}", "a\r\nb", ""] {
        seen.note(text, computer.type_text(text, Duration::from_millis(1), &Cancel::new()).unwrap());
    }
    // More than one call types.
    seen.note("long", computer.type_text(&"long ".repeat(5000), Duration::ZERO, &Cancel::new()).unwrap());
    let note = tree(computer);
    seen.note("written", &note.find("text", "Note").unwrap().value);
    whole(computer, seen);
}

fn manage(computer: &dyn Computer, seen: &mut Seen) {
    seen.note("windows", computer.windows().unwrap());
    seen.note("moved", computer.move_window("virtual-2", moved(computer)).unwrap());
    seen.note("focused", computer.focus_window("virtual-2").unwrap());
    seen.note("windows", computer.windows().unwrap());
    whole(computer, seen);
    seen.note("apps", computer.apps().unwrap());
    seen.note("installed", computer.installed_apps().unwrap());
    seen.note("closed", computer.close_window("virtual-1", false, &Cancel::new()).unwrap());
    seen.note("opened", computer.open_app("Notes", &Cancel::new()).unwrap());
    seen.note("focused", computer.focus_app("Controls").unwrap());
    seen.note("closed", computer.close_app("Notes", &Cancel::new()).unwrap());
    seen.note("opened", computer.open_app("Notes", &Cancel::new()).unwrap());
    seen.note("windows", computer.windows().unwrap());
    whole(computer, seen);
}

/// The place of the second window, a little to the right.
fn moved(computer: &dyn Computer) -> Rect {
    let windows = computer.windows().unwrap();
    let bounds = windows.iter().find(|window| window.id == "virtual-2").unwrap().bounds.unwrap();
    Rect { x: bounds.x + 7.0, ..bounds }
}

fn use_elements(computer: &dyn Computer, seen: &mut Seen) {
    let act = |role: &str, name: &str, action: &str, value: Option<&str>, menu_path: &[&str]| {
        let target = ElementTarget {
            role: role.to_owned(),
            name: name.to_owned(),
            value: value.map(str::to_owned),
            menu_path: menu_path.iter().map(|label| (*label).to_owned()).collect(),
            ..ElementTarget::default()
        };
        computer.ui_action(&UiActionParams { target, action: action.to_owned(), app: None }, &Cancel::new())
    };
    seen.note("clicked", act("push button", "Count", "click", None, &[]).unwrap());
    seen.note("typed", act("text", "Note", "type", Some("typed"), &[]).unwrap());
    seen.note("set", act("text", "Note", "set_value", Some("set"), &[]).unwrap());
    seen.note("no such element", act("text", "Nothing", "click", None, &[]).unwrap_err());
    seen.note("no such action", act("push button", "Count", "fly", None, &[]).unwrap_err());
    seen.note("notified", act("", "", "menu", None, &["File", "Notify"]));
    let told = computer.notifications().unwrap().into_iter();
    let told: Vec<_> = told.map(|Notification { id, title, body, app, .. }| (id, title, body, app)).collect();
    seen.note("notifications", told);
    seen.note("tree", tree(computer));
    let few = TreeParams { max_nodes: 5, max_depth: 2, ..TreeParams::default() };
    seen.note("a part of the tree", computer.ui_tree(&few, &Cancel::new()).unwrap());
    whole(computer, seen);
}

fn copy(computer: &dyn Computer, seen: &mut Seen) {
    let entry = |mime_type: &str, data: &[u8]| ClipboardEntry { mime_type: mime_type.to_owned(), data: data.to_vec() };
    let long: Vec<u8> = (0..300_000_u32).map(|number| (number * 7 % 253) as u8).collect();
    for entries in [
        vec![entry("text/plain;charset=utf-8", "kopiert ✓".as_bytes()), entry("application/x-test", &long)],
        Vec::new(),
    ] {
        let contents = ClipboardContents { entries };
        seen.note("copied", computer.clipboard_write(&contents).unwrap());
        assert_eq!(computer.clipboard_read().unwrap(), contents);
    }
}

fn run_errands(errands: &impl Errands, folder: &Path, seen: &mut Seen) {
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let file = |name: &str| FileParams { path: path(name) };
    let data: Vec<u8> = (0..200_000_u32).map(|number| (number % 249) as u8).collect();
    errands.call::<FsMkdir>(DirectoryParams { path: path("a/b"), parents: true }).unwrap();
    errands.call::<FsWrite>(FileWriteParams { path: path("a/b/c"), data: data.clone(), offset: None }).unwrap();
    let part = FileReadParams { path: path("a/b/c"), offset: 199_000, length: Some(5000) };
    let read = errands.call::<FsRead>(part).unwrap();
    assert_eq!(read.data, data[199_000..]);
    errands.call::<FsMove>(FileMoveParams { src: path("a/b/c"), dst: path("a/d") }).unwrap();
    let names = errands.call::<FsList>(file("a")).unwrap();
    seen.note("files", names.iter().map(|entry| (&entry.name, entry.is_dir, entry.mode)).collect::<Vec<_>>());
    seen.note("size", errands.call::<FsStat>(file("a/d")).unwrap().size);
    seen.note("gone", errands.call::<FsStat>(file("a/b/c")).unwrap_err());
    seen.note("no folder", errands.call::<FsList>(file("a/d")).unwrap_err());
    errands.call::<FsDelete>(file("a")).unwrap();
    assert!(!fs::exists(folder.join("a")).unwrap());

    let shell = ShellParams { command: "echo out; echo err >&2; exit 3".to_owned(), ..ShellParams::default() };
    let done = errands.call::<ProcessShell>(shell).unwrap();
    seen.note("shell", (done.returncode, done.stdout, done.stderr));
    let argv = ["cat", "-"].map(str::to_owned).to_vec();
    let exec = ExecParams { argv, stdin: Some(b"in".to_vec()), ..ExecParams::default() };
    seen.note("exec", errands.call::<ProcessExec>(exec).unwrap().stdout);
    let argv = vec!["/nowhere/nothing".to_owned()];
    seen.note("no program", errands.call::<ProcessExec>(ExecParams { argv, ..ExecParams::default() }).unwrap_err());
    let late = ShellParams { command: "sleep 600".to_owned(), timeout: Some(0.05), ..ShellParams::default() };
    seen.note("late", errands.call::<ProcessShell>(late).unwrap_err().code);
    let own = std::process::id();
    seen.note("runs", errands.call::<ProcessList>(()).unwrap().iter().any(|process| process.pid == own));
}

fn fail(computer: &dyn Computer, errands: &impl Errands, seen: &mut Seen) {
    let area = |change: fn(&mut CaptureArea)| {
        let mut area = CaptureArea::default();
        change(&mut area);
        computer.capture(&area).unwrap_err()
    };
    seen.note("no display", area(|area| area.display_id = Some("9".into())));
    seen.note("no window", area(|area| area.window_id = Some("virtual-9".into())));
    seen.note("no region", area(|area| area.region = Some(Rect::new(-5.0, 0.0, 10.0, 10.0))));
    seen.note("no point", computer.move_pointer(Point::new(1e6, 0.0)).unwrap_err());
    seen.note("no number", computer.move_pointer(Point::new(f64::NAN, 0.0)).unwrap_err().code);
    seen.note("no turn", computer.scroll(f64::INFINITY, 0.0).unwrap_err().code);
    seen.note("no key", computer.key(Key::Char('漢'), Press::Down).unwrap_err());
    seen.note("no character", computer.type_text("a\u{1b}b", Duration::ZERO, &Cancel::new()).unwrap_err());
    seen.note("no window", computer.focus_window("nothing").unwrap_err());
    seen.note("no window", computer.close_window("nothing", true, &Cancel::new()).unwrap_err());
    seen.note("no size", computer.move_window("virtual-1", Rect::new(0.0, 0.0, 1.0, 1.0)).unwrap_err());
    seen.note("no app", computer.open_app("nothing", &Cancel::new()).unwrap_err());
    seen.note("no app", computer.close_app("nothing", &Cancel::new()).unwrap_err());
    seen.note("no app", computer.focus_app("nothing").unwrap_err());
    let cancelled = Cancel::new();
    cancelled.cancel();
    seen.note("cancelled", computer.type_text("never", Duration::ZERO, &cancelled).unwrap_err());
    seen.note("cancelled", computer.ui_tree(&TreeParams::default(), &cancelled).unwrap_err());
    let relative = FileMoveParams { src: "/nowhere/a".into(), dst: "/nowhere/b".into() };
    seen.note("no file", errands.call::<FsMove>(relative).unwrap_err());
    whole(computer, seen);
}

fn lock(computer: &dyn Computer, seen: &mut Seen) {
    seen.note("locked", computer.lock(&Cancel::new()).unwrap());
    seen.note("screen", computer.screen_state());
    seen.note(
        "covered",
        computer.capture(&CaptureArea { window_id: Some("virtual-1".into()), ..Default::default() }).is_err(),
    );
    whole(computer, seen);
    seen.note("key", computer.key(Key::Enter, Press::Down).unwrap());
    seen.note("key", computer.key(Key::Enter, Press::Up).unwrap());
    seen.note("screen", computer.screen_state());
    whole(computer, seen);
}
