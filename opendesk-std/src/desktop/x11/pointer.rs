//! Moving the pointer, pressing its buttons, turning its wheel.

use core::time::Duration;

use x11rb::CURRENT_TIME;
use x11rb::protocol::xproto::{
    BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, ConnectionExt as _, KeyButMask, MOTION_NOTIFY_EVENT,
};
use x11rb::protocol::xtest::ConnectionExt as _;

use super::connection::Outcome;
use super::input::{Input, confirmed, wait};
use crate::api::{Button, Effect, Error, Point, Press};
use crate::clock;
use crate::desktop::hands::WHEEL_CLICKS;

/// How long a click is waited for that a window manager keeps back. A busy one, which has just been told of another
/// keyboard map, has taken more than half a second; a program may keep clicks back for as long as it likes.
const KEPT_BACK: Duration = Duration::from_secs(3);

/// How often it is looked for.
const POLL: Duration = Duration::from_micros(100);

/// How long it is looked for again and again first. An idle window manager lets a click through in less, and to sleep for a
/// tenth of a millisecond takes half as long again.
const SOON: Duration = Duration::from_micros(400);

const WHEEL_UP: u8 = 4;
const WHEEL_DOWN: u8 = 5;
const WHEEL_LEFT: u8 = 6;
const WHEEL_RIGHT: u8 = 7;

impl Input {
    /// Moves the pointer to the pixel that a point lies in.
    pub(super) fn move_pointer(&mut self, to: Point) -> Outcome<Effect> {
        const ABSOLUTE: u8 = 0;
        self.begin("input.pointer")?;
        let (x, y) = self.surveyor.survey(&self.wire)?.pixel(to)?;
        let root = self.wire.root();
        drop(self.wire.x.xtest_fake_input(MOTION_NOTIFY_EVENT, ABSOLUTE, CURRENT_TIME, root, x, y, 0)?);
        let pointer = self.finish_pointer()?;
        Ok(confirmed((pointer.root_x, pointer.root_y) == (x, y)))
    }

    /// Presses or releases a button where the pointer is.
    pub(super) fn button(&mut self, button: Button, press: Press) -> Outcome<Effect> {
        self.begin("input.pointer")?;
        // The server tells of the state of the first five buttons only.
        let (number, told) = match button {
            Button::Left => (1, Some(KeyButMask::BUTTON1)),
            Button::Middle => (2, Some(KeyButMask::BUTTON2)),
            Button::Right => (3, Some(KeyButMask::BUTTON3)),
            Button::X1 => (8, None),
            Button::X2 => (9, None),
        };
        let number = self.physical(number)?;
        let event = match press {
            Press::Down => BUTTON_PRESS_EVENT,
            Press::Up => BUTTON_RELEASE_EVENT,
        };
        self.fake(event, number)?;
        let Some(bit) = told else { return self.finish().map(|()| Effect::Unverifiable) };
        // A window manager keeps the mouse back from a click on a window on until it has given that window the
        // keyboard. A key does not wait for it: what is typed next would be there before the click.
        let begun = clock::monotonic();
        loop {
            let pointer = self.finish_pointer()?;
            let done = pointer.mask.contains(bit) == (press == Press::Down);
            let waited = clock::monotonic().duration_since(begun);
            if done || waited >= KEPT_BACK {
                return Ok(confirmed(done));
            }
            if waited >= SOON {
                wait(POLL);
            }
        }
    }

    /// Turns the wheel by whole clicks; a click is a press and a release of one of its buttons.
    pub(super) fn scroll(&mut self, right: f64, up: f64) -> Outcome<Effect> {
        self.begin("input.pointer")?;
        // Both are looked at before the wheel turns at all.
        let vertical = (clicks(up)?, if up < 0.0 { WHEEL_DOWN } else { WHEEL_UP });
        let horizontal = (clicks(right)?, if right < 0.0 { WHEEL_LEFT } else { WHEEL_RIGHT });
        for (clicks, wanted) in [vertical, horizontal] {
            if clicks == 0 {
                continue;
            }
            let button = self.physical(wanted)?;
            for _ in 0..clicks {
                self.fake(BUTTON_PRESS_EVENT, button)?;
                self.fake(BUTTON_RELEASE_EVENT, button)?;
            }
        }
        self.finish()?;
        Ok(Effect::Unverifiable)
    }

    /// The physical button that acts as the wanted one: the owner may have swapped them, and XTEST speaks of
    /// physical ones.
    fn physical(&mut self, wanted: u8) -> Outcome<u8> {
        let buttons = match self.buttons.take() {
            Some(known) => known,
            None => self.wire.x.get_pointer_mapping()?.reply()?.map,
        };
        let found = physical(&buttons, wanted);
        self.buttons = Some(buttons);
        Ok(found?)
    }
}

fn physical(buttons: &[u8], wanted: u8) -> Result<u8, Error> {
    if let Some(index) = buttons.iter().position(|button| *button == wanted) {
        return Ok((index + 1) as u8);
    }
    // The list is as long as the last used mouse has buttons; the one that XTEST presses has more.
    if usize::from(wanted) > buttons.len() {
        return Ok(wanted);
    }
    Err(Error::invalid(format!("button {wanted} is switched off in the pointer mapping of this X server")))
}

/// How many clicks an amount is, whatever its direction.
fn clicks(amount: f64) -> Result<u8, Error> {
    let clicks = amount.round().abs();
    if clicks <= WHEEL_CLICKS {
        Ok(clicks as u8)
    } else {
        Err(Error::invalid(format!("the wheel can be turned by at most {WHEEL_CLICKS} clicks at once, not {amount}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swapped_buttons_are_pressed_where_they_are() {
        assert_eq!(physical(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 8), Ok(8));
        assert_eq!(physical(&[3, 2, 1], 1), Ok(3));
        assert_eq!(physical(&[3, 2, 1], 3), Ok(1));
        assert_eq!(physical(&[3, 2, 1], 9), Ok(9), "more buttons than this mouse has");
        assert_eq!(physical(&[], 1), Ok(1));
        assert!(physical(&[1, 0, 3], 2).is_err(), "switched off");
    }

    #[test]
    fn amounts_are_rounded_to_whole_clicks() {
        for (amount, expected) in [(0.0, 0), (0.4, 0), (-0.4, 0), (0.5, 1), (-2.6, 3), (100.0, 100), (-100.4, 100)] {
            assert_eq!(clicks(amount), Ok(expected), "{amount}");
        }
        for amount in [100.5, -101.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(clicks(amount).is_err(), "{amount}");
        }
    }
}
