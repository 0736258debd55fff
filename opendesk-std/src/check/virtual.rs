//! The desktop inside the process, tried out in its own windows. It is made for this and gone afterwards, so nothing is
//! put back.

use core::time::Duration;

use super::common::{self, TYPED, compared, stroke, unique};
use super::elements::{self, Witness};
use super::proofs::{Obstacle, Proof, Proofs, Report, Tried};
use crate::api::{Button, ClipboardContents, ClipboardEntry, Point, Press, Rect, Result, TreeParams};
use crate::cancel::Cancel;
use crate::desktop::r#virtual::VirtualDesktop;
use crate::desktop::{CaptureArea, Computer, Key};

/// The windows of the desktop.
const NOTES: &str = "Notes";
const CONTROLS: &str = "Controls";

/// What is written to be read from the pixels.
const SAMPLE: &str = "Brown fox 4725";

const BUTTONS: [Button; 5] = [Button::Left, Button::Middle, Button::Right, Button::X1, Button::X2];

pub(super) fn check(cancel: &Cancel) -> Result<Report> {
    let desktop = VirtualDesktop::default();
    let stage = Stage { desktop: &desktop, cancel };
    let mut proofs = Proofs::new(&desktop, cancel);
    proofs.add("session", || Ok("none is needed: the desktop is inside the process".to_owned()))?;
    proofs.prove("displays", "display.capture", || common::displays(&desktop))?;
    proofs.prove("capture", "display.capture", || stage.capture())?;
    proofs.prove("pointer", "input.pointer", || stage.pointer())?;
    proofs.prove("buttons", "input.pointer", || stage.buttons())?;
    proofs.prove("wheel", "input.pointer", || stage.wheel())?;
    proofs.prove("keyboard", "input.keyboard", || stage.keyboard())?;
    proofs.prove("text", "input.text", || stage.text())?;
    proofs.prove("windows", "windows.manipulate", || stage.windows())?;
    proofs.prove("ocr", "display.capture", || stage.ocr())?;
    proofs.prove("accessibility", "ui.tree", || stage.accessibility())?;
    proofs.prove("clipboard", "clipboard.write", || stage.clipboard())?;
    proofs.report()
}

struct Stage<'a> {
    desktop: &'a VirtualDesktop,
    cancel: &'a Cancel,
}

impl Stage<'_> {
    /// An empty note is white paper.
    fn capture(&self) -> Proof {
        let at = self.bounds("text", "Note")?.center();
        let paper = self.pixels(Rect::new(at.x.floor(), at.y.floor(), 1.0, 1.0), false)?;
        let whole = self.desktop.capture(&CaptureArea::default())?;
        if !paper.starts_with(&[255; 3]) {
            return Err(Obstacle::failed(format!("an empty note is white and a picture shows {paper:?}")));
        }
        Ok(format!("a picture of {}×{} shows the note's white paper", whole.width, whole.height))
    }

    /// The pointer is drawn where it was sent.
    fn pointer(&self) -> Proof {
        let at = self.point("push button", "Count")?;
        if self.desktop.cursor_position()? != at {
            return Err(Obstacle::failed(format!("it was sent to {},{} and is not there", at.x, at.y)));
        }
        let around = Rect::new(at.x, at.y, 8.0, 8.0);
        if self.pixels(around, true)? == self.pixels(around, false)? {
            return Err(Obstacle::failed("it is not in a picture that shows it"));
        }
        Ok(format!("it is drawn at {},{}, where it was sent", at.x, at.y))
    }

    /// The desktop holds every button while it is down, and the window counts one click.
    fn buttons(&self) -> Proof {
        self.point("push button", "Count")?;
        let before = self.desktop.counter();
        for button in BUTTONS {
            self.desktop.button(button, Press::Down)?;
            let held = self.desktop.held_buttons();
            self.desktop.button(button, Press::Up)?;
            if held != [button] || !self.desktop.held_buttons().is_empty() {
                return Err(Obstacle::failed(format!("{button:?} was pressed and {held:?} are down")));
            }
        }
        match self.desktop.counter() - before {
            1 => Ok(format!("all {} were down, and the window counted one click", BUTTONS.len())),
            count => Err(Obstacle::failed(format!("the window counted one click as {count}"))),
        }
    }

    /// A note that is longer than its window moves, and back.
    fn wheel(&self) -> Proof {
        self.focus(NOTES)?;
        self.type_text(&"line\n".repeat(40))?;
        self.point("text", "Note")?;
        let note = self.bounds("text", "Note")?;
        let below = self.pixels(note, false)?;
        self.desktop.scroll(0.0, 3.0)?;
        let above = self.pixels(note, false)?;
        self.desktop.scroll(0.0, -3.0)?;
        if above == below || self.pixels(note, false)? != below {
            return Err(Obstacle::failed("it was turned up and down, and the note did not move there and back"));
        }
        Ok("the note moved up and back".to_owned())
    }

    fn keyboard(&self) -> Proof {
        self.focus(NOTES)?;
        let before = self.desktop.editor_text();
        stroke(self.desktop, Key::Char('x'))?;
        let with_letter = self.desktop.editor_text();
        stroke(self.desktop, Key::Backspace)?;
        if with_letter != format!("{before}x") || self.desktop.editor_text() != before {
            return Err(Obstacle::failed("x and Backspace were pressed and did not arrive in the note"));
        }
        Ok("x and Backspace arrived in the note".to_owned())
    }

    fn text(&self) -> Proof {
        self.focus(NOTES)?;
        let before = self.desktop.editor_text();
        self.type_text(TYPED)?;
        compared(TYPED, self.desktop.editor_text().strip_prefix(before.as_str()).unwrap_or_default())
    }

    /// Both windows are listed and take the keyboard in turn.
    fn windows(&self) -> Proof {
        for title in [CONTROLS, NOTES] {
            self.focus(title)?;
            let focused = self.desktop.windows()?.into_iter().find(|window| window.focused);
            if focused.is_none_or(|window| window.title != title) {
                return Err(Obstacle::failed(format!("{title} was brought to the front and is not there")));
            }
        }
        Ok(format!("{CONTROLS} and {NOTES} took the keyboard in turn"))
    }

    fn ocr(&self) -> Proof {
        self.focus(NOTES)?;
        self.type_text(&format!("\n{SAMPLE}"))?;
        common::ocr(self.desktop, self.bounds("text", "Note")?, SAMPLE, self.cancel)
    }

    /// The button and the note are found in the tree, and the windows heard what was done to them.
    fn accessibility(&self) -> Proof {
        let witness = Witness {
            window: &format!("the windows {CONTROLS} and {NOTES}"),
            tree: TreeParams::default(),
            button: "Count",
            clicks: &|| self.desktop.counter(),
            field: "Note",
            text: &|| self.desktop.editor_text(),
        };
        elements::proof(self.desktop, &witness, self.cancel)
    }

    /// What is copied is pasted by the note.
    fn clipboard(&self) -> Proof {
        let text = unique();
        let entry =
            ClipboardEntry { mime_type: "text/plain;charset=utf-8".to_owned(), data: text.clone().into_bytes() };
        self.desktop.clipboard_write(&ClipboardContents { entries: vec![entry] })?;
        self.focus(NOTES)?;
        self.desktop.key(Key::Control, Press::Down)?;
        let pasted = stroke(self.desktop, Key::Char('v'));
        self.desktop.key(Key::Control, Press::Up)?;
        pasted?;
        if self.desktop.editor_text().ends_with(&text) {
            return Ok("a text was put there and pasted into the note".to_owned());
        }
        Err(Obstacle::failed("a text was put there and the note did not paste it"))
    }

    fn type_text(&self, text: &str) -> Tried<()> {
        self.desktop.type_text(text, Duration::ZERO, self.cancel)?;
        Ok(())
    }

    /// Brings a window to the front.
    fn focus(&self, title: &str) -> Tried<()> {
        let window = self.desktop.windows()?.into_iter().find(|window| window.title == title);
        let window = window.ok_or_else(|| Obstacle::failed(format!("there is no window called {title}")))?;
        self.desktop.focus_window(&window.id)?;
        Ok(())
    }

    /// Moves the pointer to the middle of an element.
    fn point(&self, role: &str, name: &str) -> Tried<Point> {
        let middle = self.bounds(role, name)?.center();
        let at = Point::new(middle.x.floor(), middle.y.floor());
        self.desktop.move_pointer(at)?;
        Ok(at)
    }

    fn bounds(&self, role: &str, name: &str) -> Tried<Rect> {
        let tree = self.desktop.ui_tree(&TreeParams::default(), self.cancel)?;
        let bounds = tree.find(role, name).and_then(|node| node.bounds);
        bounds.ok_or_else(|| Obstacle::failed(format!("there is no {role} called {name}")))
    }

    fn pixels(&self, region: Rect, cursor: bool) -> Tried<Vec<u8>> {
        let area = CaptureArea { region: Some(region), cursor, ..CaptureArea::default() };
        Ok(self.desktop.capture(&area)?.pixels)
    }
}
