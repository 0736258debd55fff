//! How large a picture may be, and making it so.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::api::{Error, PictureProfile, Result};

/// The model sees patches of this edge.
const PATCH: u32 = 28;

/// What a model takes as it is. Above either limit its own side scales a picture again, and what it points at shifts.
struct Sight {
    /// The longest edge in pixels.
    edge: u32,
    /// The most patches.
    patches: u64,
}

const CLAUDE: Sight = Sight { edge: 1568, patches: 1568 };

const CLAUDE_HIRES: Sight = Sight { edge: 2576, patches: 4784 };

/// The longer and the shorter edge of what is recommended for the computer use of this family of models.
const OPENAI: (u32, u32) = (1600, 900);

/// The size of the picture of a frame: the largest with the frame's proportions that `profile` allows, never larger
/// than the frame, each edge at least 1.
///
/// One edge is exact and the other one rounded to the nearest pixel: 1920×1080 becomes 1456×819.
#[must_use]
pub fn fit(width: u32, height: u32, profile: PictureProfile) -> (u32, u32) {
    let (width, height) = (width.max(1), height.max(1));
    match profile {
        PictureProfile::Native => (width, height),
        PictureProfile::Claude => fit_patches(width, height, &CLAUDE),
        PictureProfile::ClaudeHires => fit_patches(width, height, &CLAUDE_HIRES),
        PictureProfile::Openai if width >= height => fit_box(width, height, OPENAI.0, OPENAI.1),
        PictureProfile::Openai => fit_box(width, height, OPENAI.1, OPENAI.0),
    }
}

fn fit_patches(width: u32, height: u32, sight: &Sight) -> (u32, u32) {
    // The number of patches grows with the edge, so the first size that fits is the largest.
    (1..=width.max(height).min(sight.edge))
        .rev()
        .map(|edge| with_edge(width, height, edge))
        .find(|(width, height)| patches(*width, *height) <= sight.patches)
        .unwrap_or((1, 1))
}

fn fit_box(width: u32, height: u32, most_width: u32, most_height: u32) -> (u32, u32) {
    if u64::from(width) * u64::from(most_height) >= u64::from(height) * u64::from(most_width) {
        let edge = width.min(most_width);
        (edge, scale_edge(height, edge, width))
    } else {
        let edge = height.min(most_height);
        (scale_edge(width, edge, height), edge)
    }
}

/// The size with these proportions whose longer edge is `edge`, which is at most as long as that edge is now.
pub(super) fn with_edge(width: u32, height: u32, edge: u32) -> (u32, u32) {
    if width >= height { (edge, scale_edge(height, edge, width)) } else { (scale_edge(width, edge, height), edge) }
}

/// `other * edge / of`, rounded, at least 1. As `edge` is at most `of` the result is at most `other`, and twice the
/// product fits: it is either no more pixels than a frame in memory has, or `edge` is one of the limits above.
fn scale_edge(other: u32, edge: u32, of: u32) -> u32 {
    let doubled = 2 * u64::from(other) * u64::from(edge) / u64::from(of);
    u32::try_from(doubled.div_ceil(2)).unwrap_or(other).max(1)
}

fn patches(width: u32, height: u32) -> u64 {
    u64::from(width.div_ceil(PATCH)) * u64::from(height.div_ceil(PATCH))
}

/// Pixels at a smaller size, in their own byte order. Catmull-Rom keeps the edges of text sharper than a box does, for
/// 2 ms more on a full HD frame.
pub(super) fn shrink(pixels: &[u8], layout: PixelType, from: (u32, u32), to: (u32, u32)) -> Result<Vec<u8>> {
    let failed = |error: &dyn core::fmt::Display| {
        let ((from_width, from_height), (width, height)) = (from, to);
        Error::internal(format!(
            "cannot scale a picture of {from_width}×{from_height} pixels to {width}×{height}: {error}"
        ))
    };
    let source = ImageRef::new(from.0, from.1, pixels, layout).map_err(|error| failed(&error))?;
    let mut target = Image::new(to.0, to.1, layout);
    // The fourth byte is unused and may be 0: as an alpha channel it would blank the picture.
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom)).use_alpha(false);
    Resizer::new().resize(&source, &mut target, &options).map_err(|error| failed(&error))?;
    Ok(target.into_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn models_with_better_eyes_see_more() {
        let hires = |width, height| fit(width, height, PictureProfile::ClaudeHires);
        assert_eq!(hires(1920, 1080), (1920, 1080));
        assert_eq!(hires(2560, 1440), (2560, 1440));
        assert_eq!(hires(3840, 2160), (2576, 1449));
        assert_eq!(hires(2160, 3840), (1449, 2576));
        assert_eq!(hires(u32::MAX, u32::MAX), (1932, 1932));
        assert_eq!(hires(u32::MAX, 1), (2576, 1));
    }

    #[test]
    fn a_box_is_kept_in_both_directions() {
        let openai = |width, height| fit(width, height, PictureProfile::Openai);
        assert_eq!(openai(1920, 1080), (1600, 900));
        assert_eq!(openai(3840, 2160), (1600, 900));
        assert_eq!(openai(1080, 1920), (900, 1600));
        assert_eq!(openai(1920, 1200), (1440, 900));
        assert_eq!(openai(1280, 800), (1280, 800));
        assert_eq!(openai(1599, 899), (1599, 899));
        assert_eq!(openai(3440, 1440), (1600, 670));
        assert_eq!(openai(1000, 1000), (900, 900));
        assert_eq!(openai(u32::MAX, u32::MAX), (900, 900));
        assert_eq!(openai(u32::MAX, 1), (1600, 1));
        assert_eq!(openai(1, u32::MAX), (1, 1600));
        assert_eq!(openai(0, 0), (1, 1));
    }

    const EDGES: [u32; 30] = [
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

    #[test]
    fn every_size_keeps_the_limits_and_the_proportions() {
        for (profile, sight) in [(PictureProfile::Claude, CLAUDE), (PictureProfile::ClaudeHires, CLAUDE_HIRES)] {
            for (width, height) in EDGES.into_iter().flat_map(|width| EDGES.map(|height| (width, height))) {
                let (w, h) = fit(width, height, profile);
                assert!(w >= 1 && h >= 1 && w <= width && h <= height, "{width}×{height} → {w}×{h}");
                assert!(w.max(h) <= sight.edge && patches(w, h) <= sight.patches, "{width}×{height} → {w}×{h}");
                if width.max(height) <= sight.edge && patches(width, height) <= sight.patches {
                    assert_eq!((w, h), (width, height));
                }
                let (long, short, edge) = if width >= height { (width, height, w) } else { (height, width, h) };
                let exact = f64::from(short) * f64::from(edge) / f64::from(long);
                let found = f64::from(w.min(h));
                assert!((found - exact).abs() <= 0.5 + 1e-9 || found == 1.0, "{width}×{height} → {w}×{h}");
                if edge < long.min(sight.edge) {
                    let larger = scale_edge(short, edge + 1, long);
                    assert!(patches(edge + 1, larger) > sight.patches, "{width}×{height} could be larger");
                }
            }
        }
    }

    #[test]
    fn every_size_keeps_the_box_and_the_proportions() {
        for (width, height) in EDGES.into_iter().flat_map(|width| EDGES.map(|height| (width, height))) {
            let (w, h) = fit(width, height, PictureProfile::Openai);
            let (most_w, most_h) = if width >= height { (1600, 900) } else { (900, 1600) };
            assert!((1..=width.min(most_w)).contains(&w), "{width}×{height} → {w}×{h}");
            assert!((1..=height.min(most_h)).contains(&h), "{width}×{height} → {w}×{h}");
            let is_tight = w == width.min(most_w) || h == height.min(most_h);
            assert!(is_tight, "{width}×{height} → {w}×{h} could be larger");
            let off_w = f64::from(w) - f64::from(h) * f64::from(width) / f64::from(height);
            let off_h = f64::from(h) - f64::from(w) * f64::from(height) / f64::from(width);
            assert!(off_w.abs().min(off_h.abs()) <= 0.5 + 1e-9 || w.min(h) == 1, "{width}×{height} → {w}×{h}");
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
            let small = shrink(&pixels, PixelType::U8x4, (400, 300), (133, 99)).unwrap();
            assert_eq!(small.len(), 133 * 99 * 4);
            assert!(small.chunks(4).all(|pixel| pixel[..3] == [10, 20, 30]));
        }
        let small = shrink(&[10, 20, 30].repeat(400 * 300), PixelType::U8x3, (400, 300), (133, 99)).unwrap();
        assert_eq!(small, [10, 20, 30].repeat(133 * 99));
    }
}
