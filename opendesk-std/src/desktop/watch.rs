//! Looking again and again: what a stream of pictures remembers between two of them.

use core::time::Duration;

use super::{CaptureArea, Computer, Wake};
use crate::api::{Codec, DisplaySubscribe, Error, Patch, Result, ScreenState, ScreenUpdate, SubscribeParams};
use crate::picture::Scaled;
use crate::{clock, picture};

/// Pictures a second that nobody gets more than.
const FPS: u32 = 60;

/// What a look has come to.
#[derive(Debug, PartialEq, Eq)]
pub enum Glimpse {
    /// Something is new: the encoded item.
    New(Vec<u8>),
    /// Nothing is.
    Same,
    /// Nothing is, and the desktop wakes whoever waits for something.
    Asleep,
}

/// A stream of pictures. It keeps the last one that was sent, so that only what has changed is sent.
#[derive(Debug)]
pub struct Watch {
    params: SubscribeParams,
    last: Option<Last>,
}

#[derive(Debug)]
struct Last {
    shown: Scaled,
    /// What the desktop said, and what it came to when the pixels were seen.
    state: ScreenState,
    screen: ScreenState,
    /// Of the desktop, where it counts them.
    generation: Option<u64>,
}

impl Watch {
    /// Begins to watch.
    ///
    /// # Errors
    /// `invalid_argument` when the number of pictures a second is not 1 to 60, or for what a stream cannot keep.
    pub fn new(params: SubscribeParams) -> Result<Self> {
        if !(1..=FPS).contains(&params.fps) {
            return Err(Error::invalid(format!("{} pictures a second were asked for; 1 to {FPS} can be", params.fps)));
        }
        if params.capture.max_bytes.is_some() || params.capture.unless_shot.is_some() {
            let message = "a stream has no limit of bytes and sends only what has changed; leave out both";
            return Err(Error::invalid(message));
        }
        Ok(Self { params, last: None })
    }

    /// The shortest time between two pictures.
    #[must_use]
    pub fn interval(&self) -> Duration {
        Duration::from_secs(1) / self.params.fps
    }

    /// What is new since the last look, encoded as the stream's item of this number. `wake` is called if it falls
    /// [`Asleep`](Glimpse::Asleep) and something may have changed.
    ///
    /// # Errors
    /// The desktop's; the next look may succeed.
    pub(super) fn look(&mut self, computer: &dyn Computer, codec: Codec, number: u64, wake: Wake) -> Result<Glimpse> {
        let area = CaptureArea::from(&self.params.capture);
        let generation = computer.generation(&area)?;
        let state = computer.screen_state();
        let is_same = |last: &Last| generation.is_some() && last.generation == generation && last.state == state;
        if self.last.as_ref().is_some_and(is_same) {
            // The pointer is no part of the screen: nobody wakes who waits for it.
            let wakes = !area.cursor && computer.wake_on_change(wake);
            // What changed before anybody could wake us.
            let still = computer.generation(&area)? == generation;
            return Ok(if wakes && still { Glimpse::Asleep } else { Glimpse::Same });
        }
        let captured_at = clock::epoch_seconds();
        let capture = &self.params.capture;
        let shown = picture::scaled(computer.capture(&area)?, capture.profile)?;
        let screen = if state == ScreenState::Shown { area.seen_as(shown.screen()) } else { state };
        let (keyframe, regions) = match self.last.as_ref().filter(|last| last.shown.is_like(&shown)) {
            None => (true, vec![shown.whole()]),
            Some(last) => match shown.differences(&last.shown) {
                regions if regions.is_empty() && last.screen == screen => {
                    self.last = Some(Last { shown, state, screen, generation });
                    return Ok(Glimpse::Same);
                }
                _ if !codec.has_deltas() => (true, vec![shown.whole()]),
                regions => (false, regions),
            },
        };
        let patch = |region| shown.patch(region, capture.format);
        let update = ScreenUpdate {
            keyframe,
            format: capture.format,
            width: shown.width(),
            height: shown.height(),
            area: shown.area(),
            display_id: area.display_id,
            captured_at,
            screen,
            patches: regions.into_iter().map(patch).collect::<Result<Vec<Patch>>>()?,
        };
        self.last = Some(Last { shown, state, screen, generation });
        codec.item::<DisplaySubscribe>(&update, number).map(Glimpse::New)
    }
}
