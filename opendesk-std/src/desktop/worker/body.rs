//! The thread of the hands: one thing after the other, and nothing while the owner is asked.

use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use async_channel::Receiver;

use super::act::{act, click_text};
use super::{Located, Turn, told};
use crate::api::{Call, Error, ErrorCode, OcrClick, Press, Result};
use crate::cancel::Cancel;
use crate::desktop::{Computer, Hands, Key};
use crate::home::Actor;

/// Takes every turn, until nobody can give another.
pub(super) fn act_all(computer: &dyn Computer, turns: &Receiver<Turn>, actor: Option<Actor>) {
    let mut body = Body { computer, hands: Hands::new(), freed: Vec::new(), actor };
    while let Ok(turn) = turns.recv_blocking() {
        body.take(turn);
    }
    if let Err(error) = body.release() {
        tracing::warn!(%error, "what was held could not be released");
    }
}

struct Body<'a> {
    computer: &'a dyn Computer,
    hands: Hands,
    /// The keys that came up when everything was released last, and that nobody has let go of since.
    freed: Vec<Key>,
    /// Absent where nobody else may ask the owner.
    actor: Option<Actor>,
}

impl Body<'_> {
    fn take(&mut self, turn: Turn) {
        match turn {
            Turn::Act(job) => job.finish(|call, codec, cancel| {
                self.forget(call);
                self.begin(cancel)?;
                act(&mut self.hands, self.computer, call, codec, cancel)
            }),
            Turn::ClickText(located) => {
                let Located { job, params, found } = *located;
                job.finish(|_, codec, cancel| {
                    if self.begin(cancel)? {
                        let why = "the owner of this machine was asked about something before the text could be clicked on, so \
                                   it may be elsewhere by now; try again";
                        return Err(Error::new(ErrorCode::Cancelled, why));
                    }
                    told::<OcrClick>(codec, click_text(&mut self.hands, self.computer, &params, found))
                });
            }
            Turn::Release(reply) => {
                let freed = self.hands.freed();
                self.freed.clone_from(&freed.modifiers);
                let released = self.release();
                self.rest();
                return reply(released.map(|()| freed));
            }
            Turn::Leave(reply) => {
                let released = self.release();
                let left = self.computer.leave();
                return reply(released.and(left));
            }
            Turn::Hold(mut modifiers) => {
                modifiers.retain(|key| self.freed.contains(key));
                if let Err(error) = self.hold(&modifiers) {
                    tracing::warn!(%error, "what was held down while the owner was asked could not be held down again");
                }
            }
        }
        self.rest();
    }

    /// A key that came up stays up for whoever lets go of it now.
    fn forget(&mut self, call: &Call) {
        if let Call::InputKey(event) = call
            && event.action == Press::Up
            && let Ok(key) = event.keysym.parse()
        {
            self.freed.retain(|freed| *freed != key);
        }
    }

    fn hold(&mut self, modifiers: &[Key]) -> Result<()> {
        if modifiers.is_empty() {
            return Ok(());
        }
        self.begin(&Cancel::new())?;
        catch_unwind(AssertUnwindSafe(|| self.hands.hold(self.computer, modifiers)))
            .unwrap_or_else(|_| Err(Error::internal("the desktop backend failed")))
    }

    /// Waits while the owner is asked, and tells whether it had to.
    fn begin(&mut self, cancel: &Cancel) -> Result<bool> {
        self.actor.as_mut().map_or(Ok(false), |actor| actor.acts(cancel))
    }

    /// Whoever holds nothing lets the owner be asked.
    fn rest(&mut self) {
        if let Some(actor) = self.actor.as_mut().filter(|_| self.hands.is_empty()) {
            actor.rests();
        }
    }

    /// Releases everything, trying again once: the first failure of a desktop that went away is how that is noticed.
    fn release(&mut self) -> Result<()> {
        let mut attempt = || {
            catch_unwind(AssertUnwindSafe(|| self.hands.release_all(self.computer)))
                .unwrap_or_else(|_| Err(Error::internal("the desktop backend failed while it released what was held")))
        };
        attempt().or_else(|_| attempt())
    }
}
