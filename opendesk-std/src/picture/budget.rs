//! Pictures of at most so many bytes. One that would have more is made worse, then smaller; what it shows stays the
//! same, so points in it map to the desktop as ever.

use fast_image_resize::PixelType;

use super::encode::{self, QUALITY};
use super::jpeg::Unmade;
use super::{jpeg, scale};
use crate::api::{Error, ErrorCode, PictureFormat, PictureProfile, Result};
use crate::desktop::Frame;

/// The smallest budget: what a JPEG of a few pixels needs for its tables, and some room.
const LEAST_BYTES: u32 = 1024;

/// What a JPEG is tried with, best first. Below the last one text cannot be read any more, and a smaller picture is
/// of more use.
const QUALITIES: [u8; 4] = [QUALITY, 75, 60, WORST];

const WORST: u8 = 40;

/// How much shorter the edges are from one size to the next. Closer ones would be more tries for little.
const STEP: f64 = 0.94;

/// The shortest edge that a guess leaves of what was too large: a picture whose first rows are the costly ones needs
/// more than they tell.
const LEAST_SHARE: f64 = 0.25;

/// Those that make pictures smaller.
const PROFILES: [PictureProfile; 3] = [PictureProfile::Claude, PictureProfile::ClaudeHires, PictureProfile::Openai];

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
///
/// `original` is what the frame was scaled down from, if it was. Smaller pictures are made from it, so that frames of
/// one original and several sizes become the same smaller pictures: the larger one never ends up below the other.
pub(super) fn encode(
    frame: Frame,
    original: Option<Frame>,
    format: PictureFormat,
    max_bytes: Option<u32>,
) -> Result<Encoded> {
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
        PictureFormat::Jpeg => return as_jpeg(encode::rgb(pixels), (width, height), original, most),
        PictureFormat::Png => encode::png,
        PictureFormat::Webp => encode::webp,
    };
    let rgb = encode::rgb(pixels);
    let data = file(&rgb, width, height)?;
    if data.len() <= most { Ok(encoded(data)) } else { as_jpeg(rgb, (width, height), original, most) }
}

fn too_large(width: u32, height: u32, bytes: usize, max_bytes: u32) -> Error {
    let message = format!(
        "the raw picture of {width}×{height} pixels has {bytes} bytes and max_bytes is {max_bytes}; \
         ask for png, or for a region"
    );
    Error::new(ErrorCode::LimitExceeded, message)
}

/// The best JPEG that is small enough.
fn as_jpeg(rgb: Vec<u8>, size: (u32, u32), original: Option<Frame>, most: usize) -> Result<Encoded> {
    let mut share = 1.0;
    for quality in QUALITIES {
        match attempt(&rgb, size, quality, most)? {
            Ok(encoded) => return Ok(encoded),
            Err(done) => share = done,
        }
    }
    match original {
        None => smaller(Source::of(rgb, size), size, share, most),
        Some(Frame { width, height, pixels, .. }) => {
            drop(rgb);
            smaller(Source::of(encode::rgb(pixels), (width, height)), size, share, most)
        }
    }
}

/// The largest JPEG that is small enough, of pixels whose picture of `size` is not: `share` of its rows would be.
fn smaller(mut source: Source, size: (u32, u32), share: f64, most: usize) -> Result<Encoded> {
    let sizes = sizes(source.size(), size);
    let mut guess = f64::from(size.0.max(size.1)) * share.sqrt().max(LEAST_SHARE);
    // All before `low` are too large, and what is at `high` or behind it is not.
    let (mut low, mut high) = (0, sizes.len());
    let mut best = None;
    let mut bisects = false;
    while low < high {
        let guessed = sizes.partition_point(|(width, height)| f64::from(*width.max(height)) > guess);
        // Every other try halves what is left, so that bad guesses cost little.
        let at = if bisects && best.is_some() { usize::midpoint(low, high - 1) } else { guessed.clamp(low, high - 1) };
        bisects = !bisects;
        let edge = f64::from(sizes[at].0.max(sizes[at].1));
        let pixels = source.shrunk(sizes[at])?;
        let share = match attempt(&pixels, sizes[at], WORST, most)? {
            Ok(encoded) => {
                let share = most as f64 / encoded.data.len() as f64;
                high = at;
                best = Some((encoded, pixels));
                share
            }
            Err(done) => {
                low = at + 1;
                done
            }
        };
        guess = edge * share.sqrt().max(LEAST_SHARE);
    }
    let Some((mut best, pixels)) = best else {
        return Err(Error::invalid(format!("no picture has as few as {most} bytes; leave max_bytes out")));
    };
    // The next larger size can be far too large where this one leaves room: pixels that were scaled compress better.
    for quality in QUALITIES.into_iter().rev().skip(1) {
        match attempt(&pixels, (best.width, best.height), quality, most)? {
            Ok(better) => best = better,
            Err(_) => break,
        }
    }
    Ok(best)
}

/// What smaller pictures are made from: the pixels, and as they are wanted the same at half the edges, and so on. Scaling
/// reads all that it scales, so that what is to be a tenth is not made of the whole each time.
struct Source {
    levels: Vec<(Vec<u8>, (u32, u32))>,
    /// The sizes that profiles have, which are always made of the whole, as the pictures of those profiles are.
    of_profiles: [(u32, u32); PROFILES.len()],
}

impl Source {
    fn of(rgb: Vec<u8>, (width, height): (u32, u32)) -> Self {
        let of_profiles = PROFILES.map(|profile| scale::fit(width, height, profile));
        Self { levels: vec![(rgb, (width, height))], of_profiles }
    }

    fn size(&self) -> (u32, u32) {
        self.levels[0].1
    }

    fn shrunk(&mut self, size: (u32, u32)) -> Result<Vec<u8>> {
        let mut level = 0;
        while !self.of_profiles.contains(&size) {
            let (pixels, from) = &self.levels[level];
            let half = scale::with_edge(from.0, from.1, (from.0.max(from.1) / 2).max(1));
            if half.0 / 2 < size.0 || half.1 / 2 < size.1 {
                break;
            }
            if self.levels.len() == level + 1 {
                let pixels = scale::shrink(pixels, PixelType::U8x3, *from, half)?;
                self.levels.push((pixels, half));
            }
            level += 1;
        }
        let (pixels, from) = &self.levels[level];
        scale::shrink(pixels, PixelType::U8x3, *from, size)
    }
}

/// The sizes of pictures of a frame of this size that are smaller than `below`, largest first. Those that profiles have
/// are among them.
fn sizes((width, height): (u32, u32), below: (u32, u32)) -> Vec<(u32, u32)> {
    let longest = width.max(height);
    let steps = core::iter::successors(Some(longest), |edge| {
        (*edge > 1).then(|| ((f64::from(*edge) * STEP) as u32).clamp(1, *edge - 1))
    });
    let profiles = PROFILES.map(|profile| scale::fit(width, height, profile));
    let mut sizes: Vec<_> = steps.map(|edge| scale::with_edge(width, height, edge)).chain(profiles).collect();
    sizes.retain(|size| size.0 <= below.0 && size.1 <= below.1 && *size != below);
    sizes.sort_unstable_by(|one, other| other.cmp(one));
    sizes.dedup();
    sizes
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{Rect, ScreenState};
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
            (3840, 2160, PictureProfile::Claude, 1_024),
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
    fn sizes_become_smaller_to_the_last_pixel() {
        for (from, below) in [((2560, 1440), (2560, 1440)), ((3840, 2160), (2576, 1449)), ((7, 900), (7, 900))] {
            let sizes = sizes(from, below);
            assert!(sizes.is_sorted_by(|one, next| one.0 >= next.0 && one.1 >= next.1 && one != next), "{sizes:?}");
            assert!(f64::from(sizes[0].0.max(sizes[0].1)) >= 0.9 * f64::from(below.0.max(below.1)), "{sizes:?}");
            assert_eq!(sizes.last(), Some(&(1, 1)));
        }
        assert!(sizes((2560, 1440), (2560, 1440)).contains(&(1456, 819)));
        assert_eq!(sizes((1, 1), (1, 1)), []);
    }

    /// Text on an even ground, a photograph on noise: what compresses well, badly, and each in its place.
    fn mixed(width: u32, height: u32) -> Frame {
        let mut frame = noise(width, height);
        for (index, pixel) in frame.pixels.chunks_exact_mut(4).enumerate() {
            let (x, y) = (index as u32 % width, index as u32 / width);
            if x > width / 2 {
                pixel.fill(if (x / 3 + y / 5) % 4 == 0 { 0 } else { 230 });
            } else if y > height / 2 {
                pixel.fill((x * y / 700) as u8);
            }
        }
        frame
    }

    #[test]
    fn a_profile_that_allows_more_pixels_never_gives_fewer() {
        let profiles = [PictureProfile::Claude, PictureProfile::ClaudeHires, PictureProfile::Native];
        // Flat, so that profiles differ and an encoder that is not optimised is quick.
        for frame in [noise(2700, 80), mixed(2700, 81), noise(61, 2650)] {
            for max_bytes in [4000, 40_000, 80_000, 120_000] {
                let mut last = 0;
                for profile in profiles {
                    let how = Rendering { profile, format: PictureFormat::Png, max_bytes: Some(max_bytes) };
                    let picture = render(frame.clone(), &how, None, 0.0).unwrap();
                    let told = format!("{profile:?} of {}×{}: {picture:?}", frame.width, frame.height);
                    let pixels = picture.width * picture.height;
                    assert!(pixels >= last, "{last} pixels, then {told}");
                    assert!(picture.data.len() <= max_bytes as usize, "{told}");
                    let fits = crate::picture::fit(frame.width, frame.height, profile);
                    let is_whole = (picture.width, picture.height) == fits;
                    assert!(is_whole || picture.data.len() > max_bytes as usize * 6 / 10, "{told}");
                    last = pixels;
                }
            }
        }
    }
}
