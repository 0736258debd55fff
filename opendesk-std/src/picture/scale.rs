//! How large a picture may be, and making it so.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::api::{Error, PictureProfile, Result};
use crate::desktop::Frame;

/// Above this longest edge the model's own side scales a picture again, and what it points at shifts.
const MAX_EDGE: u32 = 1568;

/// The model sees patches of this edge…
const PATCH: u32 = 28;

/// …and at most this many of them.
const MAX_PATCHES: u64 = 1568;

/// The size of the picture of a frame: the largest with the frame's proportions that `profile` allows, never larger
/// than the frame, each edge at least 1.
///
/// The longer edge is exact and the shorter one rounded to the nearest pixel: 1920×1080 becomes 1456×819.
#[must_use]
pub fn fit(width: u32, height: u32, profile: PictureProfile) -> (u32, u32) {
    let (width, height) = (width.max(1), height.max(1));
    match profile {
        PictureProfile::Native => (width, height),
        PictureProfile::Claude => {
            let (long, short) = (width.max(height), width.min(height));
            let scaled = |edge: u32| (edge, scale_edge(short, edge, long));
            // The number of patches grows with the edge, so the first size that fits is the largest.
            let (long, short) = (1..=long.min(MAX_EDGE))
                .rev()
                .map(scaled)
                .find(|(long, short)| patches(*long, *short) <= MAX_PATCHES)
                .unwrap_or((1, 1));
            if width >= height { (long, short) } else { (short, long) }
        }
    }
}

/// `short * edge / long`, rounded, at least 1. As `edge` is at most `long` the result is at most `short`.
fn scale_edge(short: u32, edge: u32, long: u32) -> u32 {
    let doubled = 2 * u64::from(short) * u64::from(edge) / u64::from(long);
    u32::try_from(doubled.div_ceil(2)).unwrap_or(short).max(1)
}

fn patches(width: u32, height: u32) -> u64 {
    u64::from(width.div_ceil(PATCH)) * u64::from(height.div_ceil(PATCH))
}

/// The frame's pixels at a smaller size, in the frame's own byte order. Catmull-Rom keeps the edges of text sharper
/// than a box does, for 2 ms more on a full HD frame.
pub(super) fn shrink(frame: &Frame, width: u32, height: u32) -> Result<Vec<u8>> {
    let failed = |error: &dyn core::fmt::Display| {
        Error::internal(format!(
            "cannot scale a picture of {}×{} pixels to {width}×{height}: {error}",
            frame.width, frame.height
        ))
    };
    let source =
        ImageRef::new(frame.width, frame.height, &frame.pixels, PixelType::U8x4).map_err(|error| failed(&error))?;
    let mut target = Image::new(width, height, PixelType::U8x4);
    // The fourth byte is unused and may be 0: as an alpha channel it would blank the picture.
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom)).use_alpha(false);
    Resizer::new().resize(&source, &mut target, &options).map_err(|error| failed(&error))?;
    Ok(target.into_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Rect;

    fn claude(width: u32, height: u32) -> (u32, u32) {
        fit(width, height, PictureProfile::Claude)
    }

    #[test]
    fn common_screens_have_known_sizes() {
        assert_eq!(claude(1920, 1080), (1456, 819));
        assert_eq!(claude(3840, 2160), (1456, 819));
        assert_eq!(claude(7680, 4320), (1456, 819));
        assert_eq!(claude(1080, 1920), (819, 1456));
        assert_eq!(claude(1280, 800), (1280, 800));
        assert_eq!(claude(1024, 768), (1024, 768));
        assert_eq!(claude(1, 1), (1, 1));
        assert_eq!(claude(0, 0), (1, 1));
        assert_eq!(claude(100_000, 1), (1568, 1));
        assert_eq!(claude(u32::MAX, u32::MAX), (1092, 1092));
    }

    #[test]
    fn every_size_keeps_the_limits_and_the_proportions() {
        let edges = [
            1,
            2,
            3,
            27,
            28,
            29,
            100,
            480,
            599,
            768,
            819,
            1080,
            1092,
            1093,
            1200,
            1440,
            1456,
            1567,
            1568,
            1569,
            1920,
            2160,
            2561,
            3440,
            4320,
            5120,
            7680,
            65_535,
            1_000_000,
            u32::MAX,
        ];
        for width in edges {
            for height in edges {
                let (w, h) = claude(width, height);
                assert!(w >= 1 && h >= 1 && w <= width && h <= height, "{width}×{height} → {w}×{h}");
                assert!(w.max(h) <= MAX_EDGE && patches(w, h) <= MAX_PATCHES, "{width}×{height} → {w}×{h}");
                if width.max(height) <= MAX_EDGE && patches(width, height) <= MAX_PATCHES {
                    assert_eq!((w, h), (width, height));
                }
                let (long, short, edge) = if width >= height { (width, height, w) } else { (height, width, h) };
                let exact = f64::from(short) * f64::from(edge) / f64::from(long);
                let found = f64::from(w.min(h));
                assert!((found - exact).abs() <= 0.5 + 1e-9 || found == 1.0, "{width}×{height} → {w}×{h}");
                if edge < long.min(MAX_EDGE) {
                    let larger = scale_edge(short, edge + 1, long);
                    assert!(patches(edge + 1, larger) > MAX_PATCHES, "{width}×{height} could be larger");
                }
            }
        }
    }

    #[test]
    fn native_is_the_size_itself() {
        assert_eq!(fit(7680, 4320, PictureProfile::Native), (7680, 4320));
        assert_eq!(fit(0, 5, PictureProfile::Native), (1, 5));
    }

    #[test]
    fn an_even_colour_stays_the_same_whatever_the_unused_byte() {
        for unused in [0, 255] {
            let pixels = [10, 20, 30, unused].repeat(400 * 300);
            let frame = Frame { width: 400, height: 300, pixels, area: Rect::default() };
            let small = shrink(&frame, 133, 99).unwrap();
            assert_eq!(small.len(), 133 * 99 * 4);
            assert!(small.chunks(4).all(|pixel| pixel[..3] == [10, 20, 30]));
        }
    }
}
