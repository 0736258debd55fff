//! The last pictures of the other desktop, so that one that has not changed is not sent again.

use core::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::api::{CaptureParams, Error, ErrorCode, Picture, PictureFormat, PictureProfile, Result};
use crate::desktop::{CaptureArea, Frame};
use crate::picture::Canvas;

/// Areas of which the last picture is kept: as many as a host shows at once.
const MOST: usize = 4;

/// One picture.
#[derive(Debug, Clone)]
pub(super) struct Shot {
    pub(super) frame: Arc<Frame>,
    /// Greater than that of every picture before; absent where the host does not name its pictures.
    pub(super) generation: Option<u64>,
}

#[derive(Debug)]
struct Kept {
    area: CaptureArea,
    /// The form that was asked for.
    format: PictureFormat,
    id: u64,
    shot: Shot,
}

/// The last pictures, the one that was used last in front.
#[derive(Debug, Default)]
pub(super) struct Pictures {
    kept: Mutex<Vec<Kept>>,
    taken: AtomicU64,
}

impl Pictures {
    /// What shows an area now. `take` has the host take a picture.
    ///
    /// # Errors
    /// Those of `take`, and [`ErrorCode::Protocol`] for a picture that is none.
    pub(super) fn look(&self, area: &CaptureArea, take: impl Fn(CaptureParams) -> Result<Picture>) -> Result<Shot> {
        let (mut format, known) = self.known(area);
        let taken = match take(params(area, format, known)) {
            // Noise of a large desktop is smaller in the other lossless form.
            Err(error) if error.code == ErrorCode::LimitExceeded && format == PictureFormat::Png => {
                format = PictureFormat::Webp;
                take(params(area, format, None))
            }
            taken => taken,
        }?;
        if !taken.unchanged {
            return self.keep(area, format, taken);
        }
        let mut kept = self.kept();
        if let Some(index) = kept.iter().position(|kept| kept.area == *area && Some(kept.id) == known) {
            kept[..=index].rotate_right(1);
            return Ok(kept[0].shot.clone());
        }
        drop(kept);
        // Somebody else has looked at so much in between that it was thrown away.
        take(params(area, format, None)).and_then(|taken| self.keep(area, format, taken))
    }

    /// How the last picture of an area was asked for, and its name.
    fn known(&self, area: &CaptureArea) -> (PictureFormat, Option<u64>) {
        let kept = self.kept();
        let last = kept.iter().find(|kept| kept.area == *area);
        last.map_or((PictureFormat::Png, None), |last| (last.format, (last.id != 0).then_some(last.id)))
    }

    fn keep(&self, area: &CaptureArea, format: PictureFormat, picture: Picture) -> Result<Shot> {
        let id = picture.shot_id;
        let number = self.taken.fetch_add(1, Ordering::Relaxed) + 1;
        let shot = Shot { frame: Arc::new(frame(picture)?), generation: (id != 0).then_some(number) };
        let mut kept = self.kept();
        kept.retain(|kept| kept.area != *area);
        kept.truncate(MOST - 1);
        kept.insert(0, Kept { area: area.clone(), format, id, shot: shot.clone() });
        Ok(shot)
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A picture of the device's own pixels, without loss.
fn params(area: &CaptureArea, format: PictureFormat, unless_shot: Option<u64>) -> CaptureParams {
    let CaptureArea { display_id, region, window_id, cursor } = area.clone();
    let profile = PictureProfile::Native;
    CaptureParams { display_id, region, window_id, profile, format, cursor, max_bytes: None, unless_shot }
}

/// The pixels of a picture, as a desktop gives them.
fn frame(picture: Picture) -> Result<Frame> {
    if picture.unchanged {
        return Err(Error::new(ErrorCode::Protocol, "the host says that a picture is the same that it never sent"));
    }
    let area = picture.area;
    if ![area.x, area.y, area.width, area.height].into_iter().all(f64::is_finite) {
        return Err(Error::new(ErrorCode::Protocol, "the host sent a picture of nowhere"));
    }
    // The canvas trusts no host.
    let mut canvas = Canvas::new();
    canvas.apply(&picture.into())?;
    Ok(canvas.frame())
}

#[cfg(test)]
mod tests {
    use core::cell::Cell;

    use super::*;
    use crate::api::{Rect, ScreenState};

    /// A host that has taken so many pictures.
    #[derive(Default)]
    struct Taker {
        asked: Cell<u32>,
        sent: Cell<u32>,
        shade: Cell<u8>,
    }

    impl Taker {
        fn take(&self, params: &CaptureParams) -> Result<Picture> {
            self.asked.set(self.asked.get() + 1);
            let id = u64::from(self.shade.get()) + 1;
            let unchanged = params.unless_shot == Some(id);
            self.sent.set(self.sent.get() + u32::from(!unchanged));
            let data = if unchanged { Vec::new() } else { [self.shade.get(), 2, 3].repeat(4) };
            Ok(Picture {
                format: PictureFormat::RawRgb,
                width: 2,
                height: 2,
                area: Rect::new(0.0, 0.0, 2.0, 2.0),
                display_id: None,
                captured_at: 0.0,
                shot_id: id,
                screen: ScreenState::Shown,
                unchanged,
                data,
            })
        }
    }

    #[test]
    fn what_has_not_changed_is_not_sent_again() {
        let (pictures, host, area) = (Pictures::default(), Taker::default(), CaptureArea::default());
        let look = || pictures.look(&area, |params| host.take(&params)).unwrap();
        let (first, second) = (look(), look());
        assert_eq!((host.asked.get(), host.sent.get()), (2, 1));
        assert_eq!(first.generation, second.generation);
        assert_eq!(first.frame.pixels, [3, 2, 0, 0].repeat(4), "blue first");
        host.shade.set(9);
        let third = look();
        assert!(third.generation > second.generation);
        assert_eq!(third.frame.pixels, [3, 2, 9, 0].repeat(4));
    }

    #[test]
    fn pictures_of_a_few_areas_are_kept() {
        let (pictures, host) = (Pictures::default(), Taker::default());
        let area = |number: usize| CaptureArea { display_id: Some(number.to_string()), ..CaptureArea::default() };
        for number in (0..=MOST).chain(0..=MOST) {
            pictures.look(&area(number), |params| host.take(&params)).unwrap();
        }
        assert_eq!(pictures.kept().len(), MOST);
        assert_eq!(host.sent.get() as usize, 2 * (MOST + 1), "each was thrown away before it was wanted again");
    }

    #[test]
    fn a_picture_that_lies_about_itself_is_refused() {
        let lie = |change: fn(&mut Picture)| {
            let pictures = Pictures::default();
            let looked = pictures.look(&CaptureArea::default(), |params| {
                let mut picture = Taker::default().take(&params)?;
                change(&mut picture);
                Ok(picture)
            });
            looked.unwrap_err().code
        };
        assert_eq!(lie(|picture| picture.width = 3), ErrorCode::Protocol);
        assert_eq!(lie(|picture| picture.area.x = f64::NAN), ErrorCode::Protocol);
        assert_eq!(lie(|picture| picture.data.clear()), ErrorCode::Protocol);
        assert_eq!(lie(|picture| picture.unchanged = true), ErrorCode::Protocol, "of what nobody has");
        assert_eq!(lie(|picture| picture.width = u32::MAX), ErrorCode::LimitExceeded);
    }

    #[test]
    fn too_large_a_picture_is_asked_for_in_the_smaller_form() {
        let (pictures, host) = (Pictures::default(), Taker::default());
        let formats = Cell::new(Vec::new());
        let take = |params: CaptureParams| {
            formats.set([formats.take(), vec![params.format]].concat());
            if params.format == PictureFormat::Png {
                return Err(Error::new(ErrorCode::LimitExceeded, "too large"));
            }
            host.take(&params)
        };
        pictures.look(&CaptureArea::default(), take).unwrap();
        assert_eq!(formats.take(), [PictureFormat::Png, PictureFormat::Webp]);
    }
}
