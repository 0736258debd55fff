//! Text that is only pixels: read from real programs, and clicked on in one call.

use std::fs;
use std::sync::Arc;

use opendesk_std::Cancel;
use opendesk_std::api::{Effect, ErrorCode, OcrClick, OcrClickParams, OcrParams, OcrRead, OcrWord, Rect, ScreenText};
use opendesk_std::desktop::ocr::{Ocr, matches};
use opendesk_std::desktop::x11::X11Desktop;
use opendesk_std::desktop::{CaptureArea, Computer};
use opendesk_tests::desktop::{Form, TestDesktop};
use opendesk_tests::rig::Rig;
use opendesk_tokio::ClientError;

use crate::{LIMIT, open, wait_until};

/// What the terminal shows, each line at the left edge.
const LINES: [&str; 4] =
    ["The quick brown fox jumps over", "the lazy dog at 4725 Main Street", "", "Save the changes before closing"];

/// Columns and rows of the terminal.
const GRID: (f64, f64) = (50.0, 6.0);

fn ocr() -> Ocr {
    Ocr::probe().expect("tesseract is installed")
}

fn read(computer: &X11Desktop, region: Rect) -> ScreenText {
    let area = CaptureArea { region: Some(region), ..CaptureArea::default() };
    let frame = computer.capture(&area).expect("a picture");
    ocr().read(frame, &OcrParams::default(), &Cancel::new()).expect("the text is read")
}

/// A terminal with the lines, without a border, and where its letters are.
fn terminal(desktop: &mut TestDesktop, colours: [&str; 2]) -> Rect {
    let file = desktop.home().join("lines");
    // The cursor, which looks like a letter, is on a line of its own.
    fs::write(&file, LINES.join("\n") + "\n").expect("the home can be written to");
    let script = format!("cat {}; exec sleep 600", file.display());
    let [ink, paper] = colours;
    let geometry = format!("{}x{}", GRID.0, GRID.1);
    let look = ["-fa", "DejaVu Sans Mono", "-fs", "14", "-b", "0", "-geometry", &geometry, "-fg", ink, "-bg", paper];
    let program = ["-T", "lines", "-e", "sh", "-c", &script];
    desktop.spawn("xterm", &[&look[..], &program].concat());
    let window = desktop.wait_for_window("lines").to_string();
    let told = desktop.run("xwininfo", &["-id", &window]);
    let number = |name: &str| -> f64 {
        let line = told.lines().find_map(|line| line.trim().strip_prefix(name)).expect("a line of it");
        line.trim().parse().expect("a number")
    };
    let (x, y) = (number("Absolute upper-left X:"), number("Absolute upper-left Y:"));
    Rect::new(x, y, number("Width:"), number("Height:"))
}

/// Where a word of the terminal is, by its row and column.
fn cells(window: Rect, row: usize, word: &str) -> Rect {
    let column = LINES[row].find(word).expect("a word of the line");
    let (width, height) = (window.width / GRID.0, window.height / GRID.1);
    let (x, y) = (window.x + column as f64 * width, window.y + row as f64 * height);
    Rect::new(x, y, word.len() as f64 * width, height)
}

/// Whether a word is where it should be, up to this many pixels.
fn is_within(word: &OcrWord, place: Rect, slack: f64) -> bool {
    let (own, place) = (word.bounds, Rect { x: place.x - slack, y: place.y - slack, ..place });
    let (right, bottom) = (place.x + place.width + 2.0 * slack, place.y + place.height + 2.0 * slack);
    own.x >= place.x && own.y >= place.y && own.x + own.width <= right && own.y + own.height <= bottom
}

#[test]
fn the_words_of_a_terminal_are_read_where_they_are_on_light_and_on_dark() {
    for colours in [["black", "white"], ["grey90", "black"]] {
        let mut desktop = TestDesktop::start(1024, 400);
        let window = terminal(&mut desktop, colours);
        let computer = open(&desktop);
        // The window is there before its text is.
        let mut text = ScreenText::default();
        wait_until("the text is read", || {
            text = read(&computer, window);
            !matches(&text, "Save the changes before closing").is_empty()
        });
        assert_eq!(text.area, window);
        for (row, line) in LINES.iter().enumerate() {
            for word in line.split_whitespace() {
                let place = cells(window, row, word);
                let found = text.words.iter().find(|read| read.text == word && is_within(read, place, 6.0));
                let found = found.unwrap_or_else(|| panic!("{colours:?}: {word} at {place:?}: {:?}", text.words));
                assert!((0.0..=100.0).contains(&found.confidence), "{found:?}");
                assert!(found.bounds.width > 4.0 && found.bounds.height > 4.0, "{found:?}");
            }
        }
        // The words of a line are one line, and lines come from the top.
        let line = |word: &str| text.words.iter().find(|read| read.text == word).map(|read| read.line);
        assert_eq!((line("quick"), line("lazy")), (line("jumps"), line("Street")));
        assert!(line("quick") < line("lazy") && line("lazy") < line("closing"));
        // Two places say so, the second further down.
        let the = matches(&text, "THE");
        assert_eq!(the.len(), 3, "{the:?}");
        assert!(the[0].bounds.y < the[1].bounds.y && the[1].bounds.y < the[2].bounds.y);
    }
}

#[test]
fn a_desktop_without_text_has_none() {
    let desktop = TestDesktop::start(640, 480);
    desktop.run("xsetroot", &["-solid", "#204060"]);
    let computer = open(&desktop);
    let whole = Rect::new(0.0, 0.0, 640.0, 480.0);
    wait_until("nothing is read", || read(&computer, whole).words.is_empty());
    assert_eq!(
        read(&computer, Rect::new(3.0, 4.0, 1.0, 1.0)),
        ScreenText { area: Rect::new(3.0, 4.0, 1.0, 1.0), words: Vec::new() }
    );
}

#[test]
fn what_cannot_be_read_is_said_so() {
    let desktop = TestDesktop::start(640, 480);
    let computer = open(&desktop);
    let frame = computer.capture(&CaptureArea::default()).unwrap();
    let told = |language: &str, cancel: &Cancel| {
        let params = OcrParams { language: Some(language.to_owned()), ..OcrParams::default() };
        ocr().read(frame.clone(), &params, cancel).unwrap_err()
    };
    // There is no such language, so nobody has its data; English is there and is no substitute.
    for language in ["zzz", "zzz+eng", "eng+zzz"] {
        let error = told(language, &Cancel::new());
        assert_eq!(error.code, ErrorCode::CapabilityUnsupported, "{language}: {error}");
        assert!(error.message.contains("tesseract-ocr-zzz"), "{language}: {error}");
    }
    assert_eq!(told("../eng", &Cancel::new()).code, ErrorCode::InvalidArgument);
    let cancel = Cancel::new();
    cancel.cancel();
    assert_eq!(told("eng", &cancel).code, ErrorCode::Cancelled);
}

#[test]
fn a_button_is_found_by_its_text_and_clicked_in_one_call() {
    let mut desktop = TestDesktop::start(1024, 768);
    let form = Form::start(&mut desktop);
    let computer = Arc::new(open(&desktop));
    let place = form.place("Save");
    let params = |text: &str, within: OcrParams| OcrClickParams {
        text: text.to_owned(),
        clicks: 1,
        within,
        ..OcrClickParams::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let rig = Rig::start(Arc::clone(&computer) as Arc<dyn Computer>);
        rig.pair("agent").await;
        let client = rig.connect("agent").await.expect("the host is there");

        let text = client.call_within::<OcrRead>(&OcrParams::default(), LIMIT).await.expect("the screen is read");
        assert_eq!(text.area, Rect::new(0.0, 0.0, 1024.0, 768.0));
        let found = matches(&text, "save");
        assert_eq!(found.len(), 1, "{:?}", text.words);
        assert!(place.contains(found[0].bounds.center()), "{found:?}: {place:?}");

        // Whatever part of the screen is looked at.
        let around =
            Rect { x: place.x - 20.0, y: place.y - 10.0, width: place.width + 40.0, height: place.height + 20.0 };
        for within in [OcrParams::default(), OcrParams { region: Some(around), ..OcrParams::default() }] {
            let before = form.seen("clicked", "Save").len();
            let clicked = client.call_within::<OcrClick>(&params("Save", within), LIMIT).await.expect("it is clicked");
            assert!(place.contains(clicked.point), "{clicked:?}: {place:?}");
            assert_eq!(clicked.text, "Save");
            assert_ne!(clicked.effect, Effect::NoEffect);
            form.wait_until("the button was clicked", |form| form.seen("clicked", "Save").len() == before + 1);
        }

        // What lies under another window is brought to the front first.
        desktop.spawn("xterm", &["-geometry", "160x60+0+0", "-T", "cover", "-e", "sleep", "600"]);
        desktop.wait_for_window("cover");
        let within = OcrParams { window_id: Some(format!("{:#x}", form.window())), ..OcrParams::default() };
        let before = form.seen("clicked", "Save").len();
        client.call_within::<OcrClick>(&params("Save", within), LIMIT).await.expect("it is clicked");
        form.wait_until("the covered button was clicked", |form| form.seen("clicked", "Save").len() == before + 1);

        for (text, occurrence) in [("Launch", 0), ("Save", 1)] {
            let params = OcrClickParams { occurrence, ..params(text, OcrParams::default()) };
            let refused = client.call_within::<OcrClick>(&params, LIMIT).await;
            let Err(ClientError::Call(error)) = refused else { panic!("{refused:?}") };
            assert_eq!(error.code, ErrorCode::NotFound);
            assert!(error.message.contains("Save"), "{error}");
        }
        let refused = client.call_within::<OcrClick>(&params(" ", OcrParams::default()), LIMIT).await;
        assert!(
            matches!(&refused, Err(ClientError::Call(error)) if error.code == ErrorCode::InvalidArgument),
            "{refused:?}"
        );
        client.close().await;
        rig.stop_and_keep().await;
    });
    assert_eq!(form.seen("clicked", "Save").len(), 3);
}
