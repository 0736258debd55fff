//! The connection that presses, turns and types (XTEST), and what it holds.

use core::time::Duration;

use x11rb::connection::{Connection as _, RequestConnection as _};
use x11rb::errors::ReplyError;
use x11rb::protocol::xkb::{self, ConnectionExt as _, ID};
use x11rb::protocol::xproto::{ConnectionExt as _, MAPPING_NOTIFY_EVENT, QueryPointerReply};
use x11rb::protocol::xtest::{self, ConnectionExt as _};
use x11rb::{CURRENT_TIME, NONE};

use super::connection::{Fault, Outcome, Wire};
use super::keyboard::Held;
use super::keymap::{Keymap, Rows};
use super::layout::Surveyor;
use super::lent::Lent;
use super::notes::Notes;
use crate::api::{Effect, Press};

/// The keyboard that all keyboards of the machine feed.
pub(super) const CORE_KEYBOARD: ID = ID::USE_CORE_KBD;

/// What a server has for whoever presses and types.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extensions {
    /// Without it nothing can be pressed.
    pub(super) xtest: bool,
    /// Without it nobody says which group and which locks are in effect, so that text may come out as another.
    pub(super) xkb: bool,
}

impl Extensions {
    pub(super) fn probe(wire: &Wire) -> Outcome<Self> {
        let xtest = wire.has(xtest::X11_EXTENSION_NAME)? && {
            wire.x.xtest_get_version(2, 2)?.reply()?;
            true
        };
        let xkb = wire.has(xkb::X11_EXTENSION_NAME)? && wire.x.xkb_use_extension(1, 0)?.reply()?.supported;
        Ok(Self { xtest, xkb })
    }
}

/// The input side of one server. All state in here is about this connection's server and dropped with it.
pub(super) struct Input {
    pub(super) wire: Wire,
    pub(super) surveyor: Surveyor,
    /// Whether there is XTEST: without it nothing can be pressed.
    xtest: bool,
    /// Whether there is XKB: without it nobody says which group and which locks are in effect.
    xkb: bool,
    /// Which button each physical button acts as; forgotten when the server says that it changed.
    pub(super) buttons: Option<Vec<u8>>,
    /// The keys that were pressed and not released, in the order of pressing.
    pub(super) held: Vec<Held>,
    /// Keycodes that were given another meaning.
    pub(super) lent: Lent,
    /// The same, where the next program finds it should this one be killed.
    pub(super) notes: Notes,
    /// How often a program was asked whether it is alive.
    pub(super) questions: u32,
    /// The Shift key that is down for one of them.
    pub(super) shift_down: Option<u8>,
}

impl Input {
    pub(super) fn start(wire: Wire) -> Outcome<Self> {
        let Extensions { xtest, xkb } = Extensions::probe(&wire)?;
        let surveyor = Surveyor::probe(&wire)?;
        let (notes, abandoned) = Notes::start(&wire)?;
        Ok(Self {
            wire,
            surveyor,
            xtest,
            xkb,
            buttons: None,
            held: Vec::new(),
            shift_down: None,
            lent: Lent::of(abandoned),
            notes,
            questions: 0,
        })
    }

    /// Whether text comes out exactly on this server.
    pub(super) fn can_type(&self) -> bool {
        self.xtest && self.xkb
    }

    /// Begins a call: refuses it when the server cannot do it.
    pub(super) fn begin(&mut self, capability: &str) -> Outcome<()> {
        if !self.xtest {
            return Err(self.wire.cannot(capability, "has no XTEST extension").into());
        }
        // Errors of an earlier call were its own business.
        self.hear().map(drop)
    }

    /// Ends a call: returns when the server has done everything, and fails when it refused a part.
    pub(super) fn finish(&mut self) -> Outcome<()> {
        self.wire.x.get_input_focus()?.reply()?;
        self.check()
    }

    /// Ends a call as [`finish`](Self::finish) does, and tells what the pointer has come to.
    pub(super) fn finish_pointer(&mut self) -> Outcome<QueryPointerReply> {
        let pointer = self.wire.x.query_pointer(self.wire.root())?.reply()?;
        self.check()?;
        Ok(pointer)
    }

    /// Ends a call as [`finish`](Self::finish) does, and tells whether a key is as it is meant to be.
    pub(super) fn finish_key(&mut self, keycode: u8, press: Press) -> Outcome<Effect> {
        let keys = self.wire.x.query_keymap()?.reply()?.keys;
        self.check()?;
        let is_down = (keys[usize::from(keycode / 8)] >> (keycode % 8)) & 1 == 1;
        Ok(confirmed(is_down == (press == Press::Down)))
    }

    /// Fails when the server refused something.
    fn check(&mut self) -> Outcome<()> {
        match self.hear()? {
            None => Ok(()),
            Some(error) => Err(Fault::Refused(self.wire.x.parse_error(&error).map_err(ReplyError::from)?)),
        }
    }

    /// Takes the server's messages and gives the first one that is an error.
    fn hear(&mut self) -> Outcome<Option<Vec<u8>>> {
        const ERROR: u8 = 0;
        const FROM_ANOTHER_CLIENT: u8 = 0x80;
        let (mut error, mut remapped) = (None, false);
        self.wire.take_events(|event| match event.first() {
            Some(&ERROR) if error.is_none() => error = Some(event.to_vec()),
            Some(kind) if kind & !FROM_ANOTHER_CLIENT == MAPPING_NOTIFY_EVENT => remapped = true,
            Some(_) | None => {}
        })?;
        if remapped {
            self.buttons = None;
        }
        Ok(error)
    }

    /// Sends one press or release of a key or a button.
    pub(super) fn fake(&self, event: u8, detail: u8) -> Outcome<()> {
        // Dropped, so that an error arrives with the events, where `finish` finds it.
        drop(self.wire.x.xtest_fake_input(event, detail, CURRENT_TIME, NONE, 0, 0, 0)?);
        Ok(())
    }

    /// Asks for the keyboard map and the group in effect: one round trip. It is asked for in every call, because
    /// the map can change at any time, by a key that switches layouts as well as by another program.
    pub(super) fn keymap(&mut self) -> Outcome<Keymap> {
        let x = &self.wire.x;
        let (first, last) = (x.setup().min_keycode, x.setup().max_keycode);
        let count = last.saturating_sub(first).saturating_add(1);
        let map = x.get_keyboard_mapping(first, count)?;
        let modifiers = x.get_modifier_mapping()?;
        let state = if self.xkb { Some(x.xkb_get_state(CORE_KEYBOARD.into())?) } else { None };
        let (map, modifiers) = (map.reply()?, modifiers.reply()?.keycodes);
        let group: u8 = match state {
            Some(state) => state.reply()?.group.into(),
            None => 0,
        };
        let mut map = Keymap::new(first, map.keysyms_per_keycode, map.keysyms, group, modifiers);
        let held = self.borrowed();
        self.lent.take_out_of(&mut map, &held);
        Ok(map)
    }

    /// Whether something is lent that nobody has promised to give back; then the caller does.
    pub(super) fn promise_to_give_back(&mut self) -> bool {
        let due = !self.lent.is_empty() && !self.lent.awaited;
        self.lent.awaited |= due;
        due
    }

    /// Gives keys another meaning, or their own again: one request, so that every program hears of one change.
    pub(super) fn remap(&self, rows: &Rows) -> Outcome<()> {
        Ok(self.wire.x.change_keyboard_mapping(rows.count(), rows.first, rows.width, &rows.keysyms)?.check()?)
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        // A connection that is gone has lost its server, and the map with it.
        drop(self.leave());
    }
}

/// What reading a state back says. Where it is not as it should be yet, a window manager or a menu may hold the event
/// for a moment, as they do with clicks on windows.
pub(super) const fn confirmed(is_so: bool) -> Effect {
    if is_so { Effect::Confirmed } else { Effect::Unverifiable }
}

#[expect(clippy::disallowed_methods, reason = "no program says when it has learned a new keyboard map")]
pub(super) fn wait(duration: Duration) {
    std::thread::sleep(duration);
}
