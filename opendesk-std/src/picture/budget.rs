//! Pictures of at most so many bytes. One that would have more is made worse, then smaller; what it shows stays the
//! same, so points in it map to the desktop as ever.

use fast_image_resize::PixelType;

use super::encode::{self, QUALITY};
use super::jpeg::Unmade;
use super::{jpeg, scale};
use crate::api::{Error, ErrorCode, PictureFormat, Result};
use crate::desktop::Frame;

/// The smallest budget: what a JPEG of a few pixels needs for its tables, and some room.
const LEAST_BYTES: u32 = 1024;

/// What a JPEG is tried with, best first. Below the last one text cannot be read any more, and a smaller picture is
/// of more use.
const QUALITIES: [u8; 4] = [QUALITY, 75, 60, 40];

/// How much shorter the edges become in one step. The lower end keeps a picture whose first rows are the costly ones
/// from becoming smaller than it must; the upper end keeps the steps few.
const STEP: (f64, f64) = (0.5, 0.9);

/// A picture, and what became of it.
#[derive(Debug)]
pub(super) struct Encoded {
    pub(super) format: PictureFormat,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) data: Vec<u8>,
}

/// Encodes a frame as it is, or, where that has more than `max_bytes`, as a JPEG that has not. Raw pixels have the
/// number of bytes that they have: they never become anything else.
pub(super) fn encode(frame: Frame, format: PictureFormat, max_bytes: Option<u32>) -> Result<Encoded> {
    let Frame { width, height, pixels, .. } = frame;
    let encoded = |data| Encoded { format, width, height, data };
    let Some(max_bytes) = max_bytes else {
        return encode::encode(pixels, width, height, format).map(encoded);
    };
    if max_bytes < LEAST_BYTES {
        let message = format!("no picture has as few as {max_bytes} bytes; max_bytes is at least {LEAST_BYTES}");
        return Err(Error::invalid(message));
    }
    let most = max_bytes as usize;
    let file = match format {
        PictureFormat::RawRgba | PictureFormat::RawRgb => {
            let channels = if format == PictureFormat::RawRgb { 3 } else { 4 };
            let bytes = pixels.len() / 4 * channels;
            if bytes > most {
                return Err(too_large(width, height, bytes, max_bytes));
            }
            return encode::encode(pixels, width, height, format).map(encoded);
        }
        PictureFormat::Jpeg => return as_jpeg(&encode::rgb(pixels), width, height, most),
        PictureFormat::Png => encode::png,
        PictureFormat::Webp => encode::webp,
    };
    let rgb = encode::rgb(pixels);
    let data = file(&rgb, width, height)?;
    if data.len() <= most { Ok(encoded(data)) } else { as_jpeg(&rgb, width, height, most) }
}

fn too_large(width: u32, height: u32, bytes: usize, max_bytes: u32) -> Error {
    let message = format!(
        "the raw picture of {width}×{height} pixels has {bytes} bytes and max_bytes is {max_bytes}; \
         ask for png, or for a region"
    );
    Error::new(ErrorCode::LimitExceeded, message)
}

/// The best JPEG that is small enough.
fn as_jpeg(rgb: &[u8], width: u32, height: u32, most: usize) -> Result<Encoded> {
    let mut share = 1.0;
    for quality in QUALITIES {
        match attempt(rgb, (width, height), quality, most)? {
            Ok(encoded) => return Ok(encoded),
            Err(done) => share = done,
        }
    }
    let [.., worst] = QUALITIES;
    let mut edge = width.max(height);
    while edge > 1 {
        edge = shorter(edge, share);
        let size = scale::with_edge(width, height, edge);
        let smaller = scale::shrink(rgb, PixelType::U8x3, (width, height), size)?;
        match attempt(&smaller, size, worst, most)? {
            Ok(encoded) => return Ok(encoded),
            Err(done) => share = done,
        }
    }
    Err(Error::invalid(format!("no picture has as few as {most} bytes; leave max_bytes out")))
}

/// One JPEG, or the share of its rows that were done when it was too large.
fn attempt(
    rgb: &[u8],
    (width, height): (u32, u32),
    quality: u8,
    most: usize,
) -> Result<core::result::Result<Encoded, f64>> {
    match jpeg::jpeg(rgb, width, height, quality, most) {
        Ok(data) => Ok(Ok(Encoded { format: PictureFormat::Jpeg, width, height, data })),
        Err(Unmade::TooLarge { done }) => Ok(Err(done)),
        Err(Unmade::Failed(error)) => Err(error),
    }
}

/// The next edge to try, at least 1, when the bytes were enough for this share of the rows. `edge` is at least 2.
fn shorter(edge: u32, share: f64) -> u32 {
    let (least, most) = STEP;
    let factor = share.sqrt().clamp(least, most);
    ((f64::from(edge) * factor) as u32).clamp(1, edge - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{PictureProfile, Rect, ScreenState};
    use crate::picture::{Mapping, Rendering, decode, render};

    /// What compresses worst. The noise repeats only after more bytes than any compressor looks back.
    fn noise(width: u32, height: u32) -> Frame {
        let mut state = 0x1234_5678_9abc_def1_u64;
        let mut bytes = Vec::new();
        while bytes.len() < 1_048_583 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            bytes.extend_from_slice(&state.to_le_bytes());
        }
        let needed = width as usize * height as usize * 4;
        let mut pixels = bytes.repeat(needed.div_ceil(bytes.len()));
        pixels.truncate(needed);
        Frame { width, height, pixels, area: Rect::new(-5.0, 7.0, f64::from(width) / 2.0, f64::from(height) / 2.0) }
    }

    fn limited(format: PictureFormat, max_bytes: u32) -> Rendering {
        Rendering { profile: PictureProfile::Native, format, max_bytes: Some(max_bytes) }
    }

    #[test]
    fn a_picture_within_its_budget_stays_as_it_was_asked_for() {
        for format in [PictureFormat::Png, PictureFormat::Webp, PictureFormat::Jpeg, PictureFormat::RawRgb] {
            let free = Rendering { max_bytes: None, ..limited(format, 0) };
            let whole = render(noise(40, 30), &free, None, 0.0).unwrap();
            let exact = u32::try_from(whole.data.len()).unwrap();
            assert_eq!(render(noise(40, 30), &limited(format, exact), None, 0.0).unwrap(), whole, "{format:?}");
        }
    }

    #[test]
    fn a_picture_beyond_its_budget_becomes_a_jpeg_of_the_same_area() {
        let frame = noise(160, 120);
        for max_bytes in [40_000, 20_000, 9_000, 4_000, LEAST_BYTES] {
            for format in [PictureFormat::Png, PictureFormat::Webp] {
                let picture = render(frame.clone(), &limited(format, max_bytes), None, 0.0).unwrap();
                assert_eq!((picture.format, picture.area), (PictureFormat::Jpeg, frame.area));
                assert!(picture.data.len() <= max_bytes as usize, "{max_bytes}: {}", picture.data.len());
                assert!(decode::rgb(&picture.data, picture.format, picture.width, picture.height).is_some());
                let (width, height) = (f64::from(picture.width), f64::from(picture.height));
                assert!((width * 120.0 / 160.0 - height).abs() <= 0.5, "{width}×{height}");
            }
        }
    }

    #[test]
    fn quality_goes_before_size() {
        let frame = noise(160, 120);
        let of = |max_bytes| {
            let how = Rendering { max_bytes, ..limited(PictureFormat::Jpeg, 0) };
            render(frame.clone(), &how, None, 0.0).unwrap()
        };
        let best = of(None);
        let worse = of(u32::try_from(best.data.len() - 1).ok());
        assert_eq!((worse.width, worse.height), (160, 120));
        assert!(worse.data.len() < best.data.len());
        let least = of(Some(LEAST_BYTES));
        assert!((4..80).contains(&least.width), "{least:?}");
    }

    #[test]
    fn what_a_smaller_picture_shows_maps_back() {
        let frame = noise(150, 90);
        let picture = render(frame, &limited(PictureFormat::Png, 2_000), None, 0.0).unwrap();
        assert!(picture.width < 100, "{picture:?}");
        let mapping = Mapping::of(&picture);
        for (x, y) in (0..picture.width).flat_map(|x| (0..picture.height).map(move |y| (x, y))) {
            let point = mapping.to_desktop(f64::from(x), f64::from(y)).unwrap();
            assert!(picture.area.contains(point), "{point:?}");
            assert_eq!(mapping.to_picture(point), Some((x, y)));
        }
        assert_eq!(mapping.to_desktop(f64::from(picture.width), 0.0), None);
    }

    #[test]
    fn the_largest_screens_keep_any_budget() {
        // Only what is done until the budget is used up is done at all, so this is quick where nothing is optimised.
        for (width, height, profile, max_bytes) in [
            (3840, 2160, PictureProfile::Native, 48_000),
            (7680, 4320, PictureProfile::Openai, 64_000),
            (7680, 4320, PictureProfile::Claude, 1_024),
        ] {
            let how = Rendering { profile, format: PictureFormat::Jpeg, max_bytes: Some(max_bytes) };
            let picture = render(noise(width, height), &how, None, 0.0).unwrap();
            assert!(picture.data.len() <= max_bytes as usize, "{picture:?}");
            assert!(picture.data.len() > max_bytes as usize / 4, "{picture:?}");
            assert_eq!((picture.format, picture.screen), (PictureFormat::Jpeg, ScreenState::Shown));
        }
    }

    #[test]
    fn a_budget_that_nothing_keeps_is_refused() {
        for format in [PictureFormat::Png, PictureFormat::Jpeg, PictureFormat::RawRgba] {
            for max_bytes in [0, 1, LEAST_BYTES - 1] {
                let error = render(noise(2, 2), &limited(format, max_bytes), None, 0.0).unwrap_err();
                assert_eq!(error.code, ErrorCode::InvalidArgument);
                assert!(error.message.contains("1024"), "{error}");
            }
        }
    }

    #[test]
    fn raw_pixels_never_become_something_else() {
        for (format, bytes) in [(PictureFormat::RawRgb, 3 * 1200), (PictureFormat::RawRgba, 4 * 1200)] {
            let picture = render(noise(40, 30), &limited(format, bytes), None, 0.0).unwrap();
            assert_eq!((picture.format, picture.data.len()), (format, bytes as usize));
            let error = render(noise(40, 30), &limited(format, bytes - 1), None, 0.0).unwrap_err();
            assert_eq!(error.code, ErrorCode::LimitExceeded);
            assert!(error.message.contains("40×30") && error.message.contains(&bytes.to_string()), "{error}");
        }
    }

    #[test]
    fn each_step_is_shorter_and_none_is_too_large() {
        assert_eq!(shorter(1000, 0.0), 500);
        assert_eq!(shorter(1000, 0.5625), 750);
        assert_eq!(shorter(1000, 1.0), 900);
        assert_eq!(shorter(2, 1.0), 1);
        assert_eq!(shorter(2, f64::NAN), 1);
    }
}
