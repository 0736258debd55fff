//! The clipboard as a program sees it that pastes text.

use core::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xfixes::{ConnectionExt as _, SelectionEventMask};
use x11rb::protocol::xproto::{Atom, AtomEnum, ConnectionExt as _, CreateWindowAux, Window, WindowClass};
use x11rb::{COPY_DEPTH_FROM_PARENT, CURRENT_TIME, NONE};

use super::super::clipboard::Clipboard;
use super::super::connection::{Fault, Outcome, Server, Slot, Wire};
use crate::api::{ClipboardContents, Effect, Error, Result};
use crate::clock::monotonic;
use crate::desktop::session::SessionEnvironment;

/// How long the owner of the clipboard may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// As much text as is asked for, in units of four bytes.
const MAX_UNITS: u32 = 16 << 10;

/// Another program beside the one that is tried out: it has a connection of its own and asks whoever owns the
/// clipboard.
#[derive(Debug)]
pub(crate) struct ClipboardWitness(Slot<Asker>);

impl ClipboardWitness {
    /// Connects to the display of a session. Nothing on the clipboard changes.
    ///
    /// # Errors
    /// [`ErrorCode::Internal`](crate::api::ErrorCode::Internal) when there is no server to connect to.
    pub(crate) fn open(session: &SessionEnvironment) -> Result<Self> {
        Slot::open(server(session)?, Asker::start).map(Self)
    }

    /// Whether a program runs that keeps what others leave on the clipboard when they end.
    ///
    /// # Errors
    /// [`ErrorCode::Internal`](crate::api::ErrorCode::Internal) when the server went away.
    pub(crate) fn has_keeper(&self) -> Result<bool> {
        self.0.with(|asker| Ok(asker.owner(asker.keeper)? != NONE))
    }

    /// The text on the clipboard; `None` when there is none.
    ///
    /// # Errors
    /// [`ErrorCode::Internal`](crate::api::ErrorCode::Internal) when its owner does not answer within two seconds, or
    /// has more than 64 KiB.
    pub(crate) fn text(&self) -> Result<Option<String>> {
        self.0.with(|asker| asker.text())
    }

    /// The window that owns the clipboard, 0 for none.
    ///
    /// # Errors
    /// [`ErrorCode::Internal`](crate::api::ErrorCode::Internal) when the server went away.
    pub(crate) fn owner(&self) -> Result<Window> {
        self.0.with(|asker| asker.owner(asker.clipboard))
    }

    /// Waits until the clipboard belongs to somebody else.
    ///
    /// # Errors
    /// [`ErrorCode::Internal`](crate::api::ErrorCode::Internal) when the server went away.
    pub(crate) fn wait_for_other_than(&self, owner: Window) -> Result<()> {
        self.0.with(|asker| asker.wait_for_other_than(owner))
    }
}

/// The clipboard of a session's display as a program has it that copied something: for as long as it is there.
#[derive(Debug)]
pub(crate) struct OwnedClipboard(Clipboard);

impl OwnedClipboard {
    /// Connects to the display of a session. Nothing on the clipboard changes.
    ///
    /// # Errors
    /// As [`ClipboardWitness::open`].
    pub(crate) fn open(session: &SessionEnvironment) -> Result<Self> {
        Clipboard::open(server(session)?).map(Self)
    }

    /// Puts these forms on the clipboard, instead of all that was there.
    ///
    /// # Errors
    /// [`ErrorCode::Internal`](crate::api::ErrorCode::Internal) when the server went away.
    pub(crate) fn write(&self, contents: &ClipboardContents) -> Result<Effect> {
        self.0.write(contents)
    }
}

/// The server of a session, if it has one.
pub(super) fn server(session: &SessionEnvironment) -> Result<Server> {
    let Some(display) = session.display.clone() else {
        return Err(Error::internal(session.lacking().unwrap_or_default()));
    };
    Ok(Server { display, authority: session.authority.clone() })
}

#[derive(Debug)]
struct Asker {
    wire: Wire,
    /// Where the answers go.
    window: Window,
    clipboard: Atom,
    keeper: Atom,
    utf8: Atom,
    inbox: Atom,
}

impl Asker {
    fn start(wire: Wire) -> Outcome<Self> {
        let x = &wire.x;
        let atom = |name: &str| -> Outcome<Atom> { Ok(x.intern_atom(false, name.as_bytes())?.reply()?.atom) };
        let (clipboard, keeper) = (atom("CLIPBOARD")?, atom("CLIPBOARD_MANAGER")?);
        let (utf8, inbox) = (atom("UTF8_STRING")?, atom("OPENDESK_WITNESS")?);
        let window = x.generate_id()?;
        let (class, visual, looks) = (WindowClass::INPUT_ONLY, wire.screen().root_visual, CreateWindowAux::new());
        x.create_window(COPY_DEPTH_FROM_PARENT, window, wire.root(), 0, 0, 1, 1, 0, class, visual, &looks)?.check()?;
        Ok(Self { wire, window, clipboard, keeper, utf8, inbox })
    }

    fn owner(&self, selection: Atom) -> Outcome<Window> {
        Ok(self.wire.x.get_selection_owner(selection)?.reply()?.owner)
    }

    fn text(&self) -> Outcome<Option<String>> {
        let x = &self.wire.x;
        // An answer to an earlier question is none to this one.
        self.wire.take_events(|_| {})?;
        x.convert_selection(self.window, self.clipboard, self.utf8, self.inbox, CURRENT_TIME)?;
        let told = self.hear(Some(PATIENCE), |event| match event {
            Event::SelectionNotify(told) if told.requestor == self.window => Some(told.property),
            _ => None,
        })?;
        match told {
            None => Err(Fault::Call(Error::internal(format!(
                "the owner of the clipboard did not answer within {} s",
                PATIENCE.as_secs()
            )))),
            Some(NONE) => Ok(None),
            Some(property) => {
                let given = x.get_property(true, self.window, property, AtomEnum::ANY, 0, MAX_UNITS)?.reply()?;
                if given.type_ != self.utf8 || given.bytes_after > 0 {
                    return Err(Fault::Call(Error::internal("the text on the clipboard is too long to be compared")));
                }
                Ok(Some(String::from_utf8_lossy(&given.value).into_owned()))
            }
        }
    }

    fn wait_for_other_than(&self, owner: Window) -> Outcome<()> {
        let x = &self.wire.x;
        x.xfixes_query_version(5, 0)?.reply()?;
        let kinds = SelectionEventMask::SET_SELECTION_OWNER
            | SelectionEventMask::SELECTION_WINDOW_DESTROY
            | SelectionEventMask::SELECTION_CLIENT_CLOSE;
        x.xfixes_select_selection_input(self.window, self.clipboard, kinds)?.check()?;
        // It may have changed before it was listened to.
        if self.owner(self.clipboard)? != owner {
            return Ok(());
        }
        self.hear(None, |event| match event {
            Event::XfixesSelectionNotify(told) if told.owner != owner => Some(()),
            _ => None,
        })?;
        Ok(())
    }

    /// Waits for an event that is accepted, for this long if there is a limit, and gives what was made of it.
    fn hear<T>(&self, within: Option<Duration>, accept: impl Fn(&Event) -> Option<T>) -> Outcome<Option<T>> {
        let x = &self.wire.x;
        let begun = monotonic();
        x.flush()?;
        loop {
            while let Some(event) = x.poll_for_event()? {
                if let Some(accepted) = accept(&event) {
                    return Ok(Some(accepted));
                }
            }
            let left = within.map(|within| within.saturating_sub(begun.elapsed()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(None);
            }
            let limit = left.map(|left| Timespec::try_from(left).unwrap_or_default());
            match rustix::event::poll(&mut [PollFd::new(x.stream(), PollFlags::IN)], limit.as_ref()) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(Fault::Gone(error.to_string())),
            }
        }
    }
}
