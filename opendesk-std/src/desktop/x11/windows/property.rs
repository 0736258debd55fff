//! Properties, and windows that are gone before they are asked about.

use x11rb::cookie::Cookie;
use x11rb::errors::ReplyError;
use x11rb::protocol::ErrorKind;
use x11rb::protocol::xproto::{Atom, AtomEnum, ConnectionExt as _, GetPropertyReply, Window};
use x11rb::rust_connection::RustConnection;

use super::super::connection::{Outcome, Wire};

/// A question that the server has been sent.
pub(super) type Asked<'a, Answer> = Cookie<'a, RustConnection, Answer>;

/// Asks for the first `words` units of four bytes of a property.
pub(super) fn ask(
    wire: &Wire,
    window: Window,
    property: impl Into<Atom>,
    words: u32,
) -> Outcome<Asked<'_, GetPropertyReply>> {
    Ok(wire.x.get_property(false, window, property, AtomEnum::ANY, 0, words)?)
}

/// The numbers of a property; none if it is not there.
pub(super) fn numbers(reply: &GetPropertyReply) -> Vec<u32> {
    reply.value32().into_iter().flatten().collect()
}

/// The first number of a property.
pub(super) fn number(reply: &GetPropertyReply) -> Option<u32> {
    reply.value32()?.next()
}

/// The answer about a window; `None` when it is gone.
pub(super) fn alive<T>(answer: Result<T, ReplyError>) -> Outcome<Option<T>> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(ReplyError::X11Error(error)) if matches!(error.error_kind, ErrorKind::Window | ErrorKind::Drawable) => {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}
