//! Keeping something on the clipboard of an X server for as long as nobody copies anything else.

use crate::api::{ClipboardContents, Effect, Error, Result};
use crate::desktop::session::SessionEnvironment;
use crate::desktop::x11::{ClipboardWitness, OwnedClipboard};

pub(super) fn keep(contents: &ClipboardContents, ready: impl FnOnce()) -> Result<()> {
    let session = SessionEnvironment::find();
    let witness = ClipboardWitness::open(&session)?;
    let clipboard = OwnedClipboard::open(&session)?;
    if clipboard.write(contents)? != Effect::Confirmed {
        return Err(Error::internal("another program took the clipboard; copy again what was on it"));
    }
    let owner = witness.owner()?;
    ready();
    // A server that is gone has no clipboard any more.
    let _over = witness.wait_for_other_than(owner).is_ok();
    Ok(())
}
