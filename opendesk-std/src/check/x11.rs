//! The desktop of an X server, tried out in a window of our own.

use super::proofs::{Obstacle, Proof, Proofs, Report};
use super::stage::Stage;
use super::{Keep, clipboard, common};
use crate::api::{Error, Point, Result, ScreenState};
use crate::cancel::Cancel;
use crate::desktop::Computer;
use crate::desktop::session::SessionEnvironment;
use crate::desktop::x11::{ProbeWindow, X11Desktop};

/// What needs the window, by its name and its capability.
const IN_WINDOW: [(&str, &str); 9] = [
    ("capture", "display.capture"),
    ("pointer", "input.pointer"),
    ("buttons", "input.pointer"),
    ("wheel", "input.pointer"),
    ("keyboard", "input.keyboard"),
    ("text", "input.text"),
    ("windows", "windows.list"),
    ("ocr", "display.capture"),
    ("accessibility", "ui.tree"),
];

pub(super) fn check(keep: Keep<'_>, cancel: &Cancel) -> Result<Report> {
    cancel.check()?;
    let session = SessionEnvironment::find();
    let computer = X11Desktop::open_in(&session)?;
    let mut proofs = Proofs::new(&computer, cancel);
    proofs.add("session", || environment(&session))?;
    proofs.prove("displays", "display.capture", || common::displays(&computer))?;
    in_window(&session, &computer, &mut proofs, cancel)?;
    proofs.prove("clipboard", "clipboard.write", || clipboard::proof(&session, &computer, keep))?;
    proofs.report()
}

/// What was found of the session and where.
fn environment(session: &SessionEnvironment) -> Proof {
    let found = session.explain();
    match session.lacking() {
        None => Ok(found),
        Some(lacking) => Err(Obstacle::Missing(format!("{lacking}; found: {found}"))),
    }
}

fn in_window(
    session: &SessionEnvironment,
    computer: &X11Desktop,
    proofs: &mut Proofs<'_>,
    cancel: &Cancel,
) -> Result<()> {
    // It goes back when the window is gone.
    let _pointer = PointerBack::remember(computer);
    let window = match open(session, computer) {
        Ok(window) => window,
        Err(error) => return without_window(&error, proofs),
    };
    let stage = Stage::new(&window, computer, cancel);
    for (name, capability) in IN_WINDOW {
        proofs.prove(name, capability, || match name {
            "capture" => stage.capture(),
            "pointer" => stage.pointer(),
            "buttons" => stage.buttons(),
            "wheel" => stage.wheel(),
            "keyboard" => stage.keyboard(),
            "text" => stage.text(),
            "windows" => stage.windows(),
            "ocr" => stage.ocr(),
            _ => stage.accessibility(session),
        })?;
    }
    Ok(())
}

fn open(session: &SessionEnvironment, computer: &X11Desktop) -> Result<ProbeWindow> {
    // A window that comes up behind a lock screen is of no use, and what is typed must not go to that.
    if computer.screen_state() == ScreenState::Locked {
        return Err(Error::internal("the screen is locked, so no window can be tried; unlock it, then try again"));
    }
    ProbeWindow::open_in(session)
}

fn without_window(error: &Error, proofs: &mut Proofs<'_>) -> Result<()> {
    let mut why = error.message.as_str();
    for (name, capability) in IN_WINDOW {
        proofs.prove(name, capability, || Err(Obstacle::failed(why)))?;
        why = "not tried, because there is no window to try it in";
    }
    Ok(())
}

/// Moves the pointer back to where it was.
struct PointerBack<'a> {
    computer: &'a X11Desktop,
    place: Option<Point>,
}

impl<'a> PointerBack<'a> {
    fn remember(computer: &'a X11Desktop) -> Self {
        Self { computer, place: computer.cursor_position().ok() }
    }
}

impl Drop for PointerBack<'_> {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.place.map(|place| self.computer.move_pointer(place)) {
            tracing::warn!(%error, "the pointer could not be moved back");
        }
    }
}
