//! Looking again and again: what a stream of pictures remembers between two of them.

use core::time::Duration;

use super::{CaptureArea, Computer, Frame};
use crate::api::{Codec, DisplaySubscribe, Error, Result, SubscribeParams};
use crate::{clock, picture};

/// Pictures a second that nobody gets more than.
const FPS: u32 = 60;

/// A stream of pictures. It keeps the last one that was sent, so that only what has changed is sent.
#[derive(Debug)]
pub struct Watch {
    params: SubscribeParams,
    last: Option<Frame>,
}

impl Watch {
    /// Begins to watch.
    ///
    /// # Errors
    /// `invalid_argument` when the number of pictures a second is not 1 to 60.
    pub fn new(params: SubscribeParams) -> Result<Self> {
        if (1..=FPS).contains(&params.fps) {
            Ok(Self { params, last: None })
        } else {
            Err(Error::invalid(format!("{} pictures a second were asked for; 1 to {FPS} can be", params.fps)))
        }
    }

    /// The shortest time between two pictures.
    #[must_use]
    pub fn interval(&self) -> Duration {
        Duration::from_secs(1) / self.params.fps
    }

    /// The picture, encoded as the stream's item of this number, if it differs from the last one.
    ///
    /// # Errors
    /// The desktop's; the next look may succeed.
    pub(super) fn look(&mut self, computer: &dyn Computer, codec: Codec, number: u64) -> Result<Option<Vec<u8>>> {
        let capture = &self.params.capture;
        let area = CaptureArea::from(capture);
        let captured_at = clock::epoch_seconds();
        let frame = computer.capture(&area)?;
        if self.last.as_ref().is_some_and(|last| shows_the_same(last, &frame)) {
            return Ok(None);
        }
        let shown = frame.clone();
        let picture = picture::render(frame, capture.profile, capture.format, area.display_id, captured_at)?;
        self.last = Some(shown);
        codec.item::<DisplaySubscribe>(&picture, number).map(Some)
    }
}

fn shows_the_same(one: &Frame, other: &Frame) -> bool {
    (one.width, one.height, one.area) == (other.width, other.height, other.area) && one.pixels == other.pixels
}
