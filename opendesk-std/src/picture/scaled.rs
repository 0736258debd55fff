//! A frame at the size that it is sent in, and what of it has changed.

use fast_image_resize::PixelType;

use super::tiles::{self, Region};
use super::{colour, encode, fit, scale};
use crate::api::{Error, Patch, PictureFormat, PictureProfile, Rect, Result, ScreenState};
use crate::desktop::Frame;

/// A frame, scaled, not encoded yet.
#[derive(Debug, Clone)]
pub struct Scaled {
    frame: Frame,
    screen: ScreenState,
}

/// Scales a frame down to what `profile` allows. A frame that fits stays where it lies.
///
/// # Errors
/// [`ErrorCode::Internal`](crate::api::ErrorCode::Internal) for a frame without pixels or with another number of
/// bytes than its size needs.
pub fn scaled(frame: Frame, profile: PictureProfile) -> Result<Scaled> {
    keeping(frame, profile).map(|(scaled, _)| scaled)
}

/// The same, and the frame itself where it did not fit.
pub(super) fn keeping(frame: Frame, profile: PictureProfile) -> Result<(Scaled, Option<Frame>)> {
    let expected = u128::from(frame.width) * u128::from(frame.height) * 4;
    if expected == 0 || frame.pixels.len() as u128 != expected {
        return Err(Error::internal(format!(
            "the desktop gave a picture of {}×{} pixels with {} bytes; capture again",
            frame.width,
            frame.height,
            frame.pixels.len()
        )));
    }
    let screen = if colour::is_one_colour(&frame.pixels) { ScreenState::Blank } else { ScreenState::Shown };
    let from = (frame.width, frame.height);
    let (width, height) = fit(frame.width, frame.height, profile);
    if (width, height) == from {
        return Ok((Scaled { frame, screen }, None));
    }
    let pixels = scale::shrink(&frame.pixels, PixelType::U8x4, from, (width, height))?;
    let smaller = Frame { width, height, pixels, area: frame.area };
    Ok((Scaled { frame: smaller, screen }, Some(frame)))
}

impl Scaled {
    /// Width in its own pixels.
    #[must_use]
    pub const fn width(&self) -> u32 {
        self.frame.width
    }

    /// Height in its own pixels.
    #[must_use]
    pub const fn height(&self) -> u32 {
        self.frame.height
    }

    /// The part of the desktop that it shows, in logical pixels.
    #[must_use]
    pub const fn area(&self) -> Rect {
        self.frame.area
    }

    /// Shown, or blank where all pixels have one colour.
    #[must_use]
    pub const fn screen(&self) -> ScreenState {
        self.screen
    }

    /// All of it.
    #[must_use]
    pub const fn whole(&self) -> Region {
        Region { x: 0, y: 0, width: self.frame.width, height: self.frame.height }
    }

    /// Whether it has the size of another and shows the same part of the desktop, so that differences between the two
    /// mean something.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        let [one, other] = [self, other].map(|scaled| (scaled.width(), scaled.height(), scaled.area()));
        one == other
    }

    /// What differs from the one before: at most 32 regions that do not overlap and in which all changes lie. None
    /// when nothing has changed; all of it when the two are not [alike](Self::is_like).
    #[must_use]
    pub fn differences(&self, last: &Self) -> Vec<Region> {
        if self.is_like(last) {
            tiles::differences(self.width(), self.height(), &last.frame.pixels, &self.frame.pixels)
        } else {
            vec![self.whole()]
        }
    }

    /// A part of it in a format.
    ///
    /// # Errors
    /// [`ErrorCode::Internal`](crate::api::ErrorCode::Internal) for a region that is empty or does not lie within it;
    /// [`ErrorCode::LimitExceeded`](crate::api::ErrorCode::LimitExceeded) for an edge that the format does not have.
    pub fn encode(&self, region: Region, format: PictureFormat) -> Result<Vec<u8>> {
        let pixels = self.cut(region).ok_or_else(|| {
            let message = format!("{region:?} is no part of {}×{} pixels", self.width(), self.height());
            Error::internal(message)
        })?;
        encode::encode(pixels, region.width, region.height, format)
    }

    /// A part of it as a stream sends it.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn patch(&self, region: Region, format: PictureFormat) -> Result<Patch> {
        let Region { x, y, width, height } = region;
        self.encode(region, format).map(|data| Patch { x, y, width, height, data })
    }

    pub(super) fn into_parts(self) -> (Frame, ScreenState) {
        (self.frame, self.screen)
    }

    /// The pixels of a region; `None` if it is empty or does not lie within.
    fn cut(&self, region: Region) -> Option<Vec<u8>> {
        let Region { x, y, width, height } = region;
        let (right, bottom) = (x.checked_add(width)?, y.checked_add(height)?);
        if width == 0 || height == 0 || right > self.width() || bottom > self.height() {
            return None;
        }
        if region == self.whole() {
            return Some(self.frame.pixels.clone());
        }
        let rows = self.frame.pixels.chunks_exact(4 * self.width() as usize).skip(y as usize).take(height as usize);
        let mut pixels = Vec::with_capacity(4 * width as usize * height as usize);
        for row in rows {
            pixels.extend_from_slice(&row[4 * x as usize..4 * right as usize]);
        }
        Some(pixels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ErrorCode;
    use crate::picture::decode;

    /// Every pixel differs from the others.
    fn many_colours(width: u32, height: u32) -> Frame {
        let pixels = (0..height).flat_map(|y| (0..width).flat_map(move |x| [x as u8, y as u8, (x >> 8) as u8, 0]));
        let area = Rect::new(3.0, 4.0, f64::from(width), f64::from(height));
        Frame { width, height, pixels: pixels.collect(), area }
    }

    #[test]
    fn a_part_is_encoded_from_its_own_pixels() {
        let shown = scaled(many_colours(300, 70), PictureProfile::Native).unwrap();
        let region = Region { x: 250, y: 60, width: 50, height: 10 };
        let expected: Vec<u8> =
            (60..70_u8).flat_map(|y| (250..300_u32).flat_map(move |x| [(x >> 8) as u8, y, x as u8])).collect();
        for format in [PictureFormat::RawRgb, PictureFormat::RawRgba, PictureFormat::Png, PictureFormat::Webp] {
            let patch = shown.patch(region, format).unwrap();
            assert_eq!((patch.x, patch.y, patch.width, patch.height), (250, 60, 50, 10));
            assert_eq!(decode::rgb(&patch.data, format, 50, 10).unwrap(), expected, "{format:?}");
        }
        let whole = shown.encode(shown.whole(), PictureFormat::RawRgb).unwrap();
        assert_eq!(whole.len(), 300 * 70 * 3);
    }

    #[test]
    fn a_part_that_is_none_is_an_error() {
        let shown = scaled(many_colours(30, 20), PictureProfile::Native).unwrap();
        for (x, y, width, height) in [
            (0, 0, 0, 20),
            (0, 0, 30, 0),
            (0, 0, 31, 20),
            (1, 0, 30, 20),
            (0, 1, 30, 20),
            (30, 0, 1, 1),
            (u32::MAX, 0, 2, 1),
            (0, u32::MAX, 1, u32::MAX),
        ] {
            let region = Region { x, y, width, height };
            assert_eq!(shown.encode(region, PictureFormat::Png).unwrap_err().code, ErrorCode::Internal, "{region:?}");
        }
    }

    #[test]
    fn what_shows_something_else_differs_everywhere() {
        let one = scaled(many_colours(100, 50), PictureProfile::Native).unwrap();
        assert!(one.differences(&one).is_empty());
        let wider = scaled(many_colours(101, 50), PictureProfile::Native).unwrap();
        assert!(!wider.is_like(&one));
        assert_eq!(wider.differences(&one), [wider.whole()]);
        let mut elsewhere = many_colours(100, 50);
        elsewhere.area.x += 1.0;
        let elsewhere = scaled(elsewhere, PictureProfile::Native).unwrap();
        assert_eq!(elsewhere.differences(&one), [elsewhere.whole()]);
    }

    #[test]
    fn a_change_of_the_frame_is_found_in_the_scaled_one() {
        let before = many_colours(1920, 1080);
        let mut after = before.clone();
        after.pixels[4 * (1920 * 540 + 960)] ^= 0x80;
        let [before, after] = [before, after].map(|frame| scaled(frame, PictureProfile::Claude).unwrap());
        assert_eq!((after.width(), after.height(), after.screen()), (1456, 819, ScreenState::Shown));
        let changed = after.differences(&before);
        assert!(changed.iter().any(|region| (region.x..region.x + region.width).contains(&728)), "{changed:?}");
        assert!(changed.iter().all(|region| region.width * region.height < 100 * 100), "{changed:?}");
    }
}
