//! The clipboard of an X server, as another program sees it.

use super::Keep;
use super::common::unique;
use super::proofs::{Obstacle, Proof, Tried};
use crate::api::{ClipboardContents, ClipboardEntry};
use crate::desktop::Computer;
use crate::desktop::session::SessionEnvironment;
use crate::desktop::x11::{ClipboardWitness, X11Desktop};

/// A text is put on the clipboard and pasted by another program. Then what was there before is put back.
pub(super) fn proof(session: &SessionEnvironment, computer: &X11Desktop, keep: Keep<'_>) -> Proof {
    let witness = ClipboardWitness::open(session)?;
    // Asked first: our own use of the clipboard makes us one where there is none.
    let has_keeper = witness.has_keeper()?;
    let former = computer.clipboard_read().map_err(|error| {
        Obstacle::failed(format!("what is on it could not be read, so nothing was put there: {error}"))
    })?;
    let pasted = paste(computer, &witness);
    // Also when that failed.
    put_back(computer, &former)?;
    let pasted = pasted?;
    let forms = former.entries.len();
    if forms == 0 {
        return Ok(format!("{pasted}; it is empty again"));
    }
    if has_keeper {
        return Ok(format!("{pasted}; its {forms} former forms are there again"));
    }
    keep(&former).map_err(|why| lost(&format!("{why}; it is lost when this program ends")))?;
    same(computer, &former)?;
    Ok(format!("{pasted}; its {forms} former forms are there again, and a process stays to keep them"))
}

fn paste(computer: &X11Desktop, witness: &ClipboardWitness) -> Proof {
    let text = unique();
    let entry = ClipboardEntry { mime_type: "text/plain;charset=utf-8".to_owned(), data: text.clone().into_bytes() };
    computer.clipboard_write(&ClipboardContents { entries: vec![entry] })?;
    if witness.text()?.as_ref() == Some(&text) {
        return Ok("a text was put there and pasted over another connection".to_owned());
    }
    Err(Obstacle::failed("a text was put there, and another program got a different one or none"))
}

fn put_back(computer: &X11Desktop, former: &ClipboardContents) -> Tried<()> {
    computer.clipboard_write(former).map_err(|error| lost(&error.message))?;
    same(computer, former)
}

fn same(computer: &X11Desktop, former: &ClipboardContents) -> Tried<()> {
    let sorted = |contents: &ClipboardContents| {
        let mut entries = contents.entries.clone();
        entries.sort_by(|one, other| one.mime_type.cmp(&other.mime_type));
        entries
    };
    let now = computer.clipboard_read().map_err(|error| lost(&error.message))?;
    if sorted(&now) == sorted(former) { Ok(()) } else { Err(lost("it holds something else now")) }
}

fn lost(why: &str) -> Obstacle {
    Obstacle::failed(format!("what was on it could not be put back: {why}"))
}
