//! Who had the keyboard before the window took it, to give it back.

use x11rb::protocol::xproto::{Atom, AtomEnum, ClientMessageEvent, ConnectionExt as _, EventMask, InputFocus, Window};
use x11rb::{CURRENT_TIME, NONE};

use super::super::connection::{Outcome, Wire};

/// What had the keyboard.
#[derive(Debug)]
pub(super) struct Former {
    focus: Window,
    revert_to: InputFocus,
    /// The window that the window manager calls active, where there is one.
    active: Option<Window>,
    activate: Atom,
}

impl Former {
    pub(super) fn ask(wire: &Wire) -> Outcome<Self> {
        let x = &wire.x;
        let activate = x.intern_atom(false, b"_NET_ACTIVE_WINDOW")?.reply()?.atom;
        let active = x.get_property(false, wire.root(), activate, AtomEnum::WINDOW, 0, 1)?.reply()?;
        let active = active.value32().and_then(|mut windows| windows.next()).filter(|window| *window != NONE);
        let focus = x.get_input_focus()?.reply()?;
        Ok(Self { focus: focus.focus, revert_to: focus.revert_to, active, activate })
    }

    /// Gives the keyboard back. A window that is gone meanwhile does not get it, and that is all.
    pub(super) fn restore(&self, wire: &Wire) -> Outcome<()> {
        const FROM_THE_PERSON: u32 = 2;
        let x = &wire.x;
        match self.active {
            Some(window) => {
                let data = [FROM_THE_PERSON, CURRENT_TIME, 0, 0, 0];
                let message = ClientMessageEvent::new(32, window, self.activate, data);
                let manager = EventMask::SUBSTRUCTURE_REDIRECT | EventMask::SUBSTRUCTURE_NOTIFY;
                x.send_event(false, wire.root(), manager, message)?;
            }
            None => drop(x.set_input_focus(self.revert_to, self.focus, CURRENT_TIME)?),
        }
        x.get_input_focus()?.reply()?;
        Ok(())
    }
}
