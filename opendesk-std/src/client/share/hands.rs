//! Who holds which keys and buttons down in a session that several programs use, so that what one of them leaves behind
//! is released and what another still holds is not.

use core::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::api::{
    Button, Call, Codec, InputKey, InputPointer, KeyEvent, Method, Point, PointerAction, PointerEvent, Press,
};
use crate::client::ClientError;
use crate::desktop::Key;

/// A program of those that use the session.
pub(super) type Holder = u64;

/// The program that opened the session; the others have higher numbers.
const OWNER: Holder = 0;

/// What is down, by whom.
#[derive(Default)]
pub(in crate::client) struct Hands(Mutex<Held>);

struct Held {
    down: Vec<(Holder, What)>,
    /// Where the mouse was put last, by whomever.
    pointer: Point,
}

impl Default for Held {
    fn default() -> Self {
        Self { down: Vec::new(), pointer: Point::new(0.0, 0.0) }
    }
}

/// Something that can be held.
#[derive(Clone, PartialEq)]
enum What {
    /// The key, and how it was written.
    Key(Key, String),
    Button(Button),
}

impl What {
    /// Whether it is the same thing, however it was written.
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Key(key, _), Self::Key(other, _)) => key == other,
            (Self::Button(button), Self::Button(other)) => button == other,
            (Self::Key(..), Self::Button(_)) | (Self::Button(_), Self::Key(..)) => false,
        }
    }
}

/// A press or a release that is on its way.
pub(super) struct Touch {
    what: What,
    press: Press,
    /// Whether the same program did not hold it before.
    is_new: bool,
}

/// A press or a release of the owner, until it is known what came of it, or that nobody will hear.
pub(in crate::client) struct OwnTouch<'a> {
    hands: &'a Hands,
    /// Until the host has answered.
    unheard: Option<Touch>,
}

impl OwnTouch<'_> {
    /// What came of it.
    pub(in crate::client) fn answered(mut self, outcome: &Result<Vec<u8>, ClientError>) {
        if let Ok(_) | Err(ClientError::Call(_)) = outcome
            && let Some(touch) = self.unheard.take()
        {
            self.hands.answered(OWNER, &touch, outcome);
        }
    }
}

impl Drop for OwnTouch<'_> {
    /// A release of which nothing was heard has most likely happened. If it counted as none, the key would stay down when
    /// the last borrower that holds it goes.
    fn drop(&mut self) {
        if let Some(Touch { what, press: Press::Up, .. }) = &self.unheard {
            self.hands.let_go(OWNER, what);
        }
    }
}

impl fmt::Debug for Hands {
    /// Without the keys: what is typed is not for logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hands").field("down", &self.held().down.len()).finish()
    }
}

impl Hands {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The owner of the session makes this call. Its host releases what the owner leaves behind, so it is enough to know
    /// what it may still hold.
    pub(in crate::client) fn owner_calls(&self, codec: Codec, method: &str, params: &[u8]) -> Option<OwnTouch<'_>> {
        self.begin(OWNER, codec, method, params).map(|touch| OwnTouch { hands: self, unheard: Some(touch) })
    }

    /// A program makes this call: what it may press counts as held from now on, since an answer may never come.
    pub(super) fn begin(&self, holder: Holder, codec: Codec, method: &str, params: &[u8]) -> Option<Touch> {
        let (what, press) = match method {
            InputKey::NAME => {
                let KeyEvent { action, keysym, .. } = codec.read_params::<InputKey>(params).ok()?;
                (What::Key(keysym.parse().ok()?, keysym), action)
            }
            InputPointer::NAME => {
                let event = codec.read_params::<InputPointer>(params).ok()?;
                self.held().pointer = event.point;
                let press = match event.action {
                    PointerAction::Down => Press::Down,
                    PointerAction::Up => Press::Up,
                    PointerAction::Move | PointerAction::Scroll => return None,
                };
                (What::Button(event.button.unwrap_or(Button::Left)), press)
            }
            _ => return None,
        };
        let mut held = self.held();
        let is_new = !held.down.iter().any(|(by, other)| *by == holder && other.is(&what));
        if press == Press::Down && is_new {
            held.down.push((holder, what.clone()));
        }
        Some(Touch { what, press, is_new })
    }

    /// What came of it.
    pub(super) fn answered(&self, holder: Holder, touch: &Touch, outcome: &Result<Vec<u8>, ClientError>) {
        let is_up = match (touch.press, outcome) {
            (Press::Up, outcome) => outcome.is_ok(),
            (Press::Down, Ok(_)) => false,
            // Nothing was pressed: there is no such key, or it may not be pressed.
            (Press::Down, Err(ClientError::Call(error))) => touch.is_new && error.is_refused(),
            (Press::Down, Err(_)) => false,
        };
        if is_up {
            self.let_go(holder, &touch.what);
        }
    }

    fn let_go(&self, holder: Holder, what: &What) {
        self.held().down.retain(|(by, other)| *by != holder || !other.is(what));
    }

    /// A program uses the session no more. Gives the calls that release what it held and nobody else holds, what was
    /// pressed last first.
    pub(super) fn leave(&self, holder: Holder) -> Vec<Call> {
        let mut held = self.held();
        let (left, kept) = core::mem::take(&mut held.down).into_iter().partition(|(by, _)| *by == holder);
        held.down = kept;
        let left: Vec<(Holder, What)> = left;
        let is_free = |what: &What| !held.down.iter().any(|(_, other)| other.is(what));
        let free = left.into_iter().rev().map(|(_, what)| what).filter(is_free);
        free.map(|what| release(what, held.pointer)).collect()
    }
}

fn release(what: What, pointer: Point) -> Call {
    match what {
        What::Key(_, keysym) => Call::InputKey(KeyEvent { action: Press::Up, keysym, modifiers: Vec::new() }),
        What::Button(button) => Call::InputPointer(PointerEvent {
            action: PointerAction::Up,
            point: pointer,
            button: Some(button),
            modifiers: Vec::new(),
            dx: 0.0,
            dy: 0.0,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{Error, ErrorCode};

    const CODECS: [Codec; 2] = [Codec::Postcard, Codec::MessagePack];

    fn key(action: Press, keysym: &str) -> Call {
        Call::InputKey(KeyEvent { action, keysym: keysym.to_owned(), modifiers: vec![] })
    }

    fn pointer(action: PointerAction, x: f64, button: Option<Button>) -> Call {
        let point = Point::new(x, 5.0);
        Call::InputPointer(PointerEvent { action, point, button, modifiers: vec![], dx: 0.0, dy: 0.0 })
    }

    fn does(hands: &Hands, holder: Holder, codec: Codec, call: &Call, outcome: &Result<Vec<u8>, ClientError>) {
        let params = codec.encode_params(call).unwrap();
        if let Some(touch) = hands.begin(holder, codec, call.method(), &params) {
            hands.answered(holder, &touch, outcome);
        }
    }

    #[test]
    fn what_is_left_behind_is_released_last_pressed_first() {
        for codec in CODECS {
            let hands = Hands::default();
            for call in [
                key(Press::Down, "ctrl"),
                key(Press::Down, "a"),
                key(Press::Down, "b"),
                key(Press::Up, "A"),
                pointer(PointerAction::Down, 1.0, None),
                pointer(PointerAction::Move, 9.0, None),
            ] {
                does(&hands, 1, codec, &call, &Ok(vec![]));
            }
            let released =
                [pointer(PointerAction::Up, 9.0, Some(Button::Left)), key(Press::Up, "b"), key(Press::Up, "ctrl")];
            assert_eq!(hands.leave(1), released, "where the mouse is, and not what was released as a capital");
            assert_eq!(hands.leave(1), []);
        }
    }

    #[test]
    fn what_somebody_else_holds_stays_down() {
        let hands = Hands::default();
        for holder in [1, 2] {
            does(&hands, holder, Codec::Postcard, &key(Press::Down, "shift"), &Ok(vec![]));
        }
        does(&hands, 1, Codec::Postcard, &key(Press::Down, "x"), &Ok(vec![]));
        let down = |keysym| Codec::Postcard.encode_params(&key(Press::Down, keysym)).unwrap();
        drop(hands.owner_calls(Codec::Postcard, InputKey::NAME, &down("x")));
        assert_eq!(hands.leave(1), []);
        assert_eq!(hands.leave(2), [key(Press::Up, "shift")]);
        does(&hands, 3, Codec::Postcard, &key(Press::Down, "x"), &Ok(vec![]));
        let up = Codec::Postcard.encode_params(&key(Press::Up, "X")).unwrap();
        drop(hands.owner_calls(Codec::Postcard, InputKey::NAME, &up));
        assert_eq!(hands.leave(3), [key(Press::Up, "x")]);
    }

    #[test]
    fn what_the_owner_was_not_allowed_to_press_is_not_held_by_it() {
        let refused = Err(ClientError::Call(Error::new(ErrorCode::PermissionDenied, "no")));
        for (outcome, released) in [(&refused, 1), (&Ok(vec![]), 0)] {
            let hands = Hands::default();
            let params = Codec::Postcard.encode_params(&key(Press::Down, "shift")).unwrap();
            hands.owner_calls(Codec::Postcard, InputKey::NAME, &params).unwrap().answered(outcome);
            does(&hands, 1, Codec::Postcard, &key(Press::Down, "shift"), &Ok(vec![]));
            assert_eq!(hands.leave(1).len(), released, "{outcome:?}");
        }
    }

    #[test]
    fn only_what_cannot_have_been_pressed_is_not_released() {
        let failed = |code| Err(ClientError::Call(Error::new(code, "no")));
        for (outcome, presses) in [
            (failed(ErrorCode::InvalidArgument), 0),
            (failed(ErrorCode::PermissionDenied), 0),
            (failed(ErrorCode::Cancelled), 1),
            (Err(ClientError::Closed(opendesk_core::Reason::LOST)), 1),
        ] {
            let hands = Hands::default();
            does(&hands, 1, Codec::Postcard, &key(Press::Down, "a"), &outcome);
            assert_eq!(hands.leave(1).len(), presses, "{outcome:?}");
            does(&hands, 2, Codec::Postcard, &key(Press::Down, "a"), &Ok(vec![]));
            does(&hands, 2, Codec::Postcard, &key(Press::Down, "a"), &outcome);
            does(&hands, 2, Codec::Postcard, &key(Press::Up, "a"), &outcome);
            assert_eq!(hands.leave(2), [key(Press::Up, "a")], "it is down from before, {outcome:?}");
        }
    }

    #[test]
    fn calls_that_press_nothing_and_bytes_that_are_none_leave_nothing() {
        let hands = Hands::default();
        assert!(hands.begin(1, Codec::Postcard, InputKey::NAME, b"\xff\xff").is_none());
        assert!(hands.begin(1, Codec::Postcard, "display.capture", b"").is_none());
        does(&hands, 1, Codec::Postcard, &key(Press::Down, "hyperspace"), &Ok(vec![]));
        does(&hands, 1, Codec::Postcard, &pointer(PointerAction::Scroll, 3.0, None), &Ok(vec![]));
        assert_eq!(hands.leave(1), []);
    }
}
