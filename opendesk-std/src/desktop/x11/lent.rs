//! Keycodes that mean nothing on the layout, lent to characters and keys that it lacks.
//!
//! A program looks a key up in the server's map when it comes to read the event, which on a busy machine may be long
//! after the key was pressed. So what was lent keeps its meaning until nobody is behind any more: it is given back
//! late, and lent to something else only when the program has read all that was typed.

use core::time::Duration;
use std::time::Instant;

use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, CLIENT_MESSAGE_EVENT, ChangeWindowAttributesAux, ClientMessageEvent, ConnectionExt as _, EventMask,
    Window,
};

use super::connection::Outcome;
use super::input::{Input, wait};
use super::keyboard::Held;
use super::keymap::{Keymap, Rows};
use crate::clock;

/// After this time every program has looked up what was typed.
pub(super) const LATE: Duration = Duration::from_secs(2);

/// How long a program may take to say that it has read everything. One that takes longer hangs.
const ANSWER: Duration = Duration::from_secs(1);

/// How long a program that answers no such question gets to learn a changed map.
const TO_LEARN: Duration = Duration::from_millis(60);

/// How long such a program gets to look up what was typed, before the keys get another meaning.
const TO_READ: Duration = Duration::from_millis(300);

/// How often an answer is looked for.
const POLL: Duration = Duration::from_micros(200);

/// A keycode and its two keysyms.
pub(super) type Loan = (u8, [u32; 2]);

/// What is lent at the moment.
#[derive(Debug, Default)]
pub(super) struct Lent {
    loans: Vec<Loan>,
    /// When one of them was last pressed.
    used: Option<Instant>,
    /// Whether somebody has promised to call [`Input::give_back_when_late`].
    pub(super) awaited: bool,
}

impl Lent {
    /// What somebody else has lent, who is gone.
    pub(super) fn of(loans: Vec<Loan>) -> Self {
        Self { loans, ..Self::default() }
    }

    /// Forgets what is not as it was lent: somebody loaded another layout since. Of the rest, what is not held down means
    /// nothing to the map and may be lent anew.
    pub(super) fn take_out_of(&mut self, map: &mut Keymap, held: &[u8]) {
        self.loans.retain(|(keycode, keysyms)| {
            let as_lent = map.is(*keycode, *keysyms);
            if as_lent && !held.contains(keycode) {
                map.clear(*keycode);
            }
            as_lent
        });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.loans.is_empty()
    }

    /// The keycode that has this meaning already, or else the first of these that has none, or else the first.
    pub(super) fn keycode_for(&self, keysyms: [u32; 2], spare: &[u8]) -> Option<u8> {
        let same = self.loans.iter().find(|(_, lent)| *lent == keysyms).map(|(keycode, _)| *keycode);
        let is_free = |keycode: &&u8| self.loans.iter().all(|(lent, _)| lent != *keycode);
        same.or_else(|| spare.iter().find(is_free).or_else(|| spare.first()).copied())
    }
}

/// The rows from the first to the last of these keycodes.
fn rows(map: &Keymap, keycodes: &[Loan], meaning: &[Loan]) -> Option<Rows> {
    let keycodes = || keycodes.iter().map(|(keycode, _)| *keycode);
    Some(map.rows_with(keycodes().min()?, keycodes().max()?, meaning))
}

impl Input {
    /// Lends keycodes; what they were lent to before is over. Costs nothing where all of them are lent as they are.
    pub(super) fn lend(&mut self, map: &Keymap, wanted: &[Loan]) -> Outcome<()> {
        if !wanted.iter().all(|loan| self.lent.loans.contains(loan)) {
            let is_wanted = |(keycode, _): &Loan| wanted.iter().any(|(wanted, _)| wanted == keycode);
            if self.is_recent() && self.lent.loans.iter().any(is_wanted) {
                self.let_read(TO_READ)?;
            }
            let kept = self.lent.loans.iter().copied().filter(|loan| !is_wanted(loan));
            let loans: Vec<Loan> = kept.chain(wanted.iter().copied()).collect();
            if let Some(rows) = rows(map, &loans, &loans) {
                self.lent.loans = loans;
                // First: who is killed in between leaves a note that is not so, which is passed over.
                self.notes.write(&self.wire, &self.lent.loans)?;
                self.remap(&rows)?;
            }
            self.let_read(TO_LEARN)?;
        }
        self.used_loans();
        Ok(())
    }

    /// Notes that what is lent was pressed until now.
    pub(super) fn used_loans(&mut self) {
        self.lent.used = Some(clock::monotonic());
    }

    /// Gives everything back if it was not used for a while; otherwise the time after which it is worth another try.
    pub(super) fn give_back_when_late(&mut self) -> Outcome<Option<Duration>> {
        let age = self.lent.used.map_or(LATE, |used| clock::monotonic().duration_since(used));
        if age < LATE {
            return Ok(Some(LATE - age));
        }
        self.lent.awaited = false;
        self.give_back().map(|()| None)
    }

    /// Gives everything back once what was typed has been read: nobody is there to do so later.
    pub(super) fn leave(&mut self) -> Outcome<()> {
        if !self.lent.is_empty() && self.is_recent() {
            self.let_read(TO_READ)?;
        }
        self.give_back()
    }

    /// Whether somebody may still look up what was typed.
    fn is_recent(&self) -> bool {
        self.lent.used.is_some_and(|used| clock::monotonic().duration_since(used) < LATE)
    }

    /// Gives everything back at once but keys that are held down.
    pub(super) fn give_back(&mut self) -> Outcome<()> {
        if self.lent.is_empty() {
            return Ok(());
        }
        let map = self.keymap()?;
        let held: Vec<u8> = self.borrowed();
        let (kept, over): (Vec<Loan>, Vec<Loan>) =
            self.lent.loans.iter().copied().partition(|(keycode, _)| held.contains(keycode));
        let rows = rows(&map, &over, &kept);
        self.lent.loans = kept;
        if let Some(rows) = rows {
            self.remap(&rows)?;
        }
        self.notes.write(&self.wire, &self.lent.loans)
    }

    /// The borrowed keycodes that are held down.
    pub(super) fn borrowed(&self) -> Vec<u8> {
        self.held.iter().filter_map(Held::borrowed).collect()
    }

    /// Returns when the program that has the keyboard has read everything so far, or after a time that is long enough
    /// for most, if it does not answer.
    fn let_read(&mut self, otherwise: Duration) -> Outcome<()> {
        // The second answer comes from another round of its event loop: some read a second connection there.
        if !(self.answers()? && self.answers()?) {
            wait(otherwise);
        }
        Ok(())
    }

    /// Asks the window in front whether it is alive, as window managers do. The answer comes in the order of its
    /// events; `false` when it does not know the question.
    fn answers(&mut self) -> Outcome<bool> {
        let x = &self.wire.x;
        let root = self.wire.root();
        let atom = |name: &str| x.intern_atom(false, name.as_bytes());
        let (front, protocols, ping) = (atom("_NET_ACTIVE_WINDOW")?, atom("WM_PROTOCOLS")?, atom("_NET_WM_PING")?);
        let (front, protocols, ping) = (front.reply()?.atom, protocols.reply()?.atom, ping.reply()?.atom);
        let Some(window) = self.first(root, front, AtomEnum::WINDOW.into(), |_| true)? else { return Ok(false) };
        if self.first(window, protocols, AtomEnum::ATOM.into(), |atom| atom == ping)?.is_none() {
            return Ok(false);
        }
        self.questions = self.questions.wrapping_add(1);
        let listen = |mask| ChangeWindowAttributesAux::new().event_mask(mask);
        x.change_window_attributes(root, &listen(EventMask::SUBSTRUCTURE_NOTIFY))?.check()?;
        let question = ClientMessageEvent::new(32, window, protocols, [ping, self.questions, window, 0, 0]);
        // A window that is gone meanwhile has nothing to read.
        drop(x.send_event(false, window, EventMask::NO_EVENT, question)?);
        x.flush()?;
        let begun = clock::monotonic();
        let mut answered = false;
        while !answered && clock::monotonic().duration_since(begun) < ANSWER {
            self.wire.take_events(|event| answered |= is_answer(event, ping, self.questions))?;
            if !answered {
                wait(POLL);
            }
        }
        self.wire.x.change_window_attributes(root, &listen(EventMask::NO_EVENT))?.check()?;
        Ok(answered)
    }

    /// The first value of a property that is wanted and not 0.
    fn first(&self, window: Window, property: Atom, kind: Atom, wanted: impl Fn(u32) -> bool) -> Outcome<Option<u32>> {
        let Ok(value) = self.wire.x.get_property(false, window, property, kind, 0, 64)?.reply() else {
            return Ok(None);
        };
        Ok(value.value32().and_then(|mut values| values.find(|value| *value != 0 && wanted(*value))))
    }
}

fn is_answer(event: &[u8], ping: Atom, question: u32) -> bool {
    let word =
        |index: usize| event.get(index..index + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_ne_bytes);
    event.first().is_some_and(|kind| kind & 0x7f == CLIENT_MESSAGE_EVENT)
        && word(12) == Some(ping)
        && word(16) == Some(question)
}

#[cfg(test)]
mod tests {
    use super::super::keymap::samples::layout;
    use super::*;

    #[test]
    fn what_is_lent_means_nothing_unless_it_is_held_or_not_ours_any_more() {
        let (q, capital) = (u32::from('q'), u32::from('Q'));
        // The rows of q and of a; the second was lent something else and then replaced by another layout.
        let loans = vec![(10, [q, capital]), (12, [1, 2])];
        let mut lent = Lent { loans: loans.clone(), ..Lent::default() };
        let mut map = layout(0);
        lent.take_out_of(&mut map, &[10]);
        assert_eq!((lent.loans.as_slice(), map.spare()), (&loans[..1], layout(0).spare()), "it is held down");
        lent.take_out_of(&mut map, &[]);
        assert_eq!((lent.loans.as_slice(), map.spare()), (&loans[..1], vec![20, 16, 11, 10]));
        let spare = map.spare();
        assert_eq!((lent.keycode_for([q, capital], &spare), lent.keycode_for([1, 2], &spare)), (Some(10), Some(20)));
        assert_eq!((lent.keycode_for([1, 2], &[10]), lent.keycode_for([1, 2], &[])), (Some(10), None));
    }

    #[test]
    fn an_answer_is_to_the_question_that_was_asked() {
        let mut event = vec![0_u8; 32];
        event[0] = CLIENT_MESSAGE_EVENT | 0x80;
        event[12..16].copy_from_slice(&77_u32.to_ne_bytes());
        event[16..20].copy_from_slice(&5_u32.to_ne_bytes());
        assert!(is_answer(&event, 77, 5));
        assert!(!is_answer(&event, 77, 4) && !is_answer(&event, 76, 5) && !is_answer(&event[..18], 77, 5));
        event[0] = 2;
        assert!(!is_answer(&event, 77, 5));
    }
}
