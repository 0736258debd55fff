//! Connections to the X server that open again when the server comes back.

use core::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::net::{AddressFamily, getpeername};
use x11rb::connection::{Connection as _, RequestConnection as _};
use x11rb::errors::{ConnectionError, ReplyError, ReplyOrIdError};
use x11rb::protocol::xproto::{Screen, Window};
use x11rb::reexports::x11rb_protocol::parse_display::parse_display;
use x11rb::rust_connection::RustConnection;
use x11rb::x11_utils::X11Error;

use super::windows::Known;
use crate::api::{Error, ErrorCode, Result};
use crate::desktop::session;

/// The outcome of talking to the server.
pub(super) type Outcome<T> = core::result::Result<T, Fault>;

/// Why something did not happen.
#[derive(Debug)]
pub(super) enum Fault {
    /// The connection is of no more use.
    Gone(String),
    /// The server answered a request with an error; the connection is as good as before.
    Refused(X11Error),
    /// The call was wrong, or stopped; the connection is as good as before.
    Call(Error),
}

impl Fault {
    fn explain(self, display: &str) -> Error {
        match self {
            Self::Gone(reason) => Error::internal(format!(
                "the X server at {display} went away; the next call connects again if it is back ({reason})"
            )),
            Self::Refused(error) => Error::internal(format!(
                "the X server at {display} refused {} ({:?})",
                error.request_name.unwrap_or("a request"),
                error.error_kind
            )),
            Self::Call(error) => error,
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Call(error)
    }
}

impl From<ConnectionError> for Fault {
    fn from(error: ConnectionError) -> Self {
        Self::Gone(error.to_string())
    }
}

impl From<ReplyError> for Fault {
    fn from(error: ReplyError) -> Self {
        match error {
            ReplyError::ConnectionError(error) => error.into(),
            ReplyError::X11Error(error) => Self::Refused(error),
        }
    }
}

impl From<ReplyOrIdError> for Fault {
    fn from(error: ReplyOrIdError) -> Self {
        match error {
            // A new connection starts with fresh ids.
            ReplyOrIdError::IdsExhausted => Self::Gone(ReplyOrIdError::IdsExhausted.to_string()),
            ReplyOrIdError::ConnectionError(error) => error.into(),
            ReplyOrIdError::X11Error(error) => Self::Refused(error),
        }
    }
}

/// Which X server, and how it is told that we may use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Server {
    /// Such as `:0`.
    pub(super) display: String,
    /// The file with its key, if it is not the one that X libraries look into.
    pub(super) authority: Option<PathBuf>,
}

impl<T: AsRef<str> + ?Sized> From<&T> for Server {
    fn from(display: &T) -> Self {
        Self { display: display.as_ref().to_owned(), authority: None }
    }
}

/// One connection with what belongs to it, shared by threads.
pub(super) struct Slot<T> {
    server: Server,
    known: Arc<Known>,
    start: fn(Wire) -> Outcome<T>,
    /// `None` after the connection was lost, until the next call.
    live: Mutex<Option<T>>,
}

impl<T> fmt::Debug for Slot<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").field("display", &self.server.display).finish_non_exhaustive()
    }
}

impl<T> Slot<T> {
    /// Connects for the first time. `start` makes of every new connection what the calls need.
    pub(super) fn open(server: impl Into<Server>, start: fn(Wire) -> Outcome<T>) -> Result<Self> {
        Self::open_knowing(server, &Arc::default(), start)
    }

    /// The same, of a desktop whose windows other connections know, too.
    pub(super) fn open_knowing(
        server: impl Into<Server>,
        known: &Arc<Known>,
        start: fn(Wire) -> Outcome<T>,
    ) -> Result<Self> {
        let slot = Self { server: server.into(), known: Arc::clone(known), start, live: Mutex::new(None) };
        slot.with(|_| Ok(()))?;
        Ok(slot)
    }

    /// Runs one call on the connection, alone, and connects first if the connection was lost. What was kept with
    /// a lost connection is dropped: held keys, attached memory and remembered names mean nothing to the server
    /// that comes after.
    pub(super) fn with<R>(&self, act: impl FnOnce(&mut T) -> Outcome<R>) -> Result<R> {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        let display = &self.server.display;
        let mut state = match live.take() {
            Some(state) => state,
            None => Wire::connect(&self.server, &self.known)
                .and_then(|wire| (self.start)(wire).map_err(|fault| fault.explain(display)))?,
        };
        let outcome = act(&mut state);
        if !matches!(outcome, Err(Fault::Gone(_))) {
            *live = Some(state);
        }
        outcome.map_err(|fault| fault.explain(display))
    }
}

impl<T> Slot<T> {
    /// As [`with`](Self::with), for what only looks and may be done again: a server that is back costs no call.
    pub(super) fn look<R>(&self, act: impl Fn(&mut T) -> Outcome<R>) -> Result<R> {
        let mut is_gone = false;
        let first = self.with(|state| act(state).inspect_err(|fault| is_gone = matches!(fault, Fault::Gone(_))));
        match first {
            Err(error) if is_gone => self.with(&act).map_err(|_| error),
            outcome => outcome,
        }
    }
}

/// A bare connection and the screen that the display's name asks for.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) x: RustConnection,
    /// Whose the desktop's windows were.
    pub(super) known: Arc<Known>,
    display: String,
    screen: usize,
}

impl Wire {
    fn connect(Server { display, authority }: &Server, known: &Arc<Known>) -> Result<Self> {
        // The library adds the number to a TCP port without looking.
        let is_display = parse_display(Some(display)).is_ok_and(|parsed| parsed.display < u16::MAX - 6000);
        if !is_display {
            return Err(Error::internal(format!(
                "{display:?} does not name an X display; DISPLAY is like :0 or other-host:10.0"
            )));
        }
        let (x, screen) =
            session::connect(display, authority.as_deref()).map_err(|reason| cannot_connect(display, &reason))?;
        Ok(Self { x, known: Arc::clone(known), display: display.clone(), screen })
    }

    pub(super) fn screen(&self) -> &Screen {
        // Connecting fails when the server has no such screen.
        &self.x.setup().roots[self.screen]
    }

    pub(super) fn root(&self) -> Window {
        self.screen().root
    }

    /// Whether the server has an extension.
    pub(super) fn has(&self, extension: &'static str) -> Outcome<bool> {
        Ok(self.x.extension_information(extension)?.is_some())
    }

    /// Whether the server runs on this machine, so that file descriptors can be handed to it.
    pub(super) fn is_local(&self) -> bool {
        getpeername(self.x.stream())
            .ok()
            .flatten()
            .is_some_and(|address| address.address_family() == AddressFamily::UNIX)
    }

    /// Takes everything that the server sent unasked. Every call begins with it: nobody else empties the
    /// queue, and a server that went away is noticed here, before anything is half done.
    pub(super) fn take_events(&self, mut see: impl FnMut(&[u8])) -> Outcome<()> {
        while let Some(event) = self.x.poll_for_raw_event()? {
            see(&event);
        }
        Ok(())
    }

    /// The error of a call that this server cannot serve.
    pub(super) fn cannot(&self, capability: &str, why: &str) -> Error {
        Error::new(
            ErrorCode::CapabilityUnsupported,
            format!("{capability} is not available on the x11 desktop: the X server at {} {why}", self.display),
        )
    }
}

fn cannot_connect(display: &str, reason: &str) -> Error {
    // What a server writes as its reason for a refusal may have several lines.
    let reason = reason.replace(char::is_control, " ");
    Error::internal(format!(
        "cannot connect to the X server at {display}: {}; check that it runs, that DISPLAY names it and that \
         XAUTHORITY names the file with its key",
        reason.trim_end()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(display: &str) -> String {
        let error = Slot::open(display, Ok).unwrap_err();
        assert_eq!(error.code, ErrorCode::Internal);
        assert!(!error.message.contains('\n'));
        error.message
    }

    #[test]
    fn a_name_that_is_no_display_is_refused() {
        for name in ["", "nonsense", ":", ":x", ":70000", ":65000", "host"] {
            assert!(refusal(name).contains("does not name an X display"), "{name}");
        }
    }

    #[test]
    fn a_server_that_is_not_there_is_named() {
        let message = refusal("unix/:4242");
        assert!(message.starts_with("cannot connect to the X server at unix/:4242"), "{message}");
        assert!(message.contains("DISPLAY") && message.contains("XAUTHORITY"), "{message}");
    }

    #[test]
    fn only_a_lost_connection_is_said_to_be_gone() {
        let gone = Fault::from(ConnectionError::from(std::io::Error::other("EOF"))).explain(":99");
        assert!(gone.message.starts_with("the X server at :99 went away"), "{gone}");
        let call = Fault::from(Error::invalid("no such key")).explain(":99");
        assert_eq!(call, Error::invalid("no such key"));
    }
}
