//! The controller's end of a stream of pictures: a picture that changes.

use super::{Mapping, decode};
use crate::api::{Error, ErrorCode, Patch, Rect, Result, ScreenUpdate};
use crate::desktop::Frame;

/// No edge is longer than this, in pixels.
const MAX_EDGE: u32 = 16_384;

/// The pixels of no canvas take more bytes than this, at three a pixel.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// Patches of one update. Our hosts send 32 at most; more would only cost time here.
const MAX_PATCHES: usize = 256;

/// What a stream of pictures has shown so far. The host is not trusted to keep to its own words: an update either is
/// what it says it is, or changes nothing.
#[derive(Default)]
pub struct Canvas {
    width: u32,
    height: u32,
    area: Rect,
    /// Red, green, blue; rows from the top.
    pixels: Vec<u8>,
}

impl core::fmt::Debug for Canvas {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Canvas")
            .field("width", &self.width)
            .field("height", &self.height)
            .field("area", &self.area)
            .finish_non_exhaustive()
    }
}

impl Canvas {
    /// An empty canvas: it has no size before the first whole picture.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Paints what an update shows. A whole picture gives the canvas its size and area.
    ///
    /// # Errors
    /// [`ErrorCode::Protocol`], and the canvas stays as it is: when a part comes before the first whole picture or is
    /// of another size or area than the last one, when a patch cannot be decoded, is not as large as it says, reaches
    /// beyond the picture or lies over another, and when a whole picture is not all there.
    /// [`ErrorCode::LimitExceeded`] for a picture of more than 16384×16384 pixels or 256 MiB, and for more than 256
    /// patches.
    pub fn apply(&mut self, update: &ScreenUpdate) -> Result<()> {
        self.check_size(update)?;
        check_patches(update)?;
        // All of them are decoded before the first is painted, so that a bad one leaves no half of an update behind.
        let painted: Vec<Vec<u8>> = update.patches.iter().map(|patch| decoded(patch, update)).collect::<Result<_>>()?;
        if update.keyframe {
            (self.width, self.height, self.area) = (update.width, update.height, update.area);
            self.pixels.clear();
            self.pixels.resize(3 * update.width as usize * update.height as usize, 0);
        }
        for (patch, rgb) in update.patches.iter().zip(&painted) {
            self.paint(patch, rgb);
        }
        Ok(())
    }

    /// Red, green, blue of each pixel; rows from the top, no padding. Empty before the first whole picture.
    #[must_use]
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Width in pixels; 0 before the first whole picture.
    #[must_use]
    pub const fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels; 0 before the first whole picture.
    #[must_use]
    pub const fn height(&self) -> u32 {
        self.height
    }

    /// What of the desktop each pixel shows; nothing before the first whole picture.
    #[must_use]
    pub const fn mapping(&self) -> Mapping {
        Mapping { picture: (self.width, self.height), area: self.area }
    }

    /// A copy of what it shows, as a desktop gives it; without pixels before the first whole picture.
    #[must_use]
    pub fn frame(&self) -> Frame {
        let mut pixels = Vec::with_capacity(self.pixels.len() / 3 * 4);
        for rgb in self.pixels.chunks_exact(3) {
            pixels.extend_from_slice(&[rgb[2], rgb[1], rgb[0], 0]);
        }
        Frame { width: self.width, height: self.height, pixels, area: self.area }
    }

    fn check_size(&self, update: &ScreenUpdate) -> Result<()> {
        let ScreenUpdate { width, height, area, .. } = *update;
        if !update.keyframe {
            return match (self.width, self.height, self.area) {
                (0, ..) => Err(lie("changes of a picture that it has not sent")),
                own if own == (width, height, area) => Ok(()),
                _ => Err(lie("changes of another picture than the last one")),
            };
        }
        if width == 0 || height == 0 {
            return Err(lie("a picture without pixels"));
        }
        if width.max(height) > MAX_EDGE || 3 * u64::from(width) * u64::from(height) > MAX_BYTES {
            return Err(too_much(&format!(
                "a picture of {width}×{height} pixels, and {MAX_EDGE} a side and {MAX_BYTES} bytes are the most; \
                 subscribe to a region, or to smaller pictures"
            )));
        }
        Ok(())
    }

    /// Both are known to fit.
    fn paint(&mut self, patch: &Patch, rgb: &[u8]) {
        let (left, length) = (3 * patch.x as usize, 3 * patch.width as usize);
        let rows = self.pixels.chunks_exact_mut(3 * self.width as usize).skip(patch.y as usize);
        for (row, part) in rows.zip(rgb.chunks_exact(length)) {
            row[left..left + length].copy_from_slice(part);
        }
    }
}

fn check_patches(update: &ScreenUpdate) -> Result<()> {
    let patches = &update.patches;
    if patches.len() > MAX_PATCHES {
        return Err(too_much(&format!("{} changes at once, and {MAX_PATCHES} are the most", patches.len())));
    }
    let mut covered = 0;
    for (index, patch) in patches.iter().enumerate() {
        let (right, bottom) = ends(patch);
        if patch.width == 0 || patch.height == 0 || right > update.width.into() || bottom > update.height.into() {
            return Err(lie(&format!("{patch:?} of a picture of {}×{} pixels", update.width, update.height)));
        }
        if let Some(other) = patches[..index].iter().find(|other| overlap(patch, other)) {
            return Err(lie(&format!("{patch:?} over {other:?}")));
        }
        covered += u64::from(patch.width) * u64::from(patch.height);
    }
    // As none lies over another, as many pixels as there are is all of them.
    if update.keyframe && covered != u64::from(update.width) * u64::from(update.height) {
        return Err(lie("a whole picture with holes"));
    }
    Ok(())
}

/// Where a patch ends to the right and below.
fn ends(patch: &Patch) -> (u64, u64) {
    (u64::from(patch.x) + u64::from(patch.width), u64::from(patch.y) + u64::from(patch.height))
}

fn overlap(one: &Patch, other: &Patch) -> bool {
    let ((right, bottom), (other_right, other_bottom)) = (ends(one), ends(other));
    u64::from(one.x) < other_right
        && u64::from(other.x) < right
        && u64::from(one.y) < other_bottom
        && u64::from(other.y) < bottom
}

fn decoded(patch: &Patch, update: &ScreenUpdate) -> Result<Vec<u8>> {
    decode::rgb(&patch.data, update.format, patch.width, patch.height)
        .ok_or_else(|| lie(&format!("{patch:?}, which is no {:?} of this size", update.format)))
}

fn lie(what: &str) -> Error {
    Error::new(ErrorCode::Protocol, format!("the host sent {what}; subscribe again"))
}

fn too_much(what: &str) -> Error {
    Error::new(ErrorCode::LimitExceeded, format!("the host sent {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{PictureFormat, PictureProfile, Point};
    use crate::picture::{Region, Scaled, scaled};

    const FORMATS: [PictureFormat; 4] =
        [PictureFormat::Png, PictureFormat::Webp, PictureFormat::RawRgb, PictureFormat::RawRgba];

    fn frame(width: u32, height: u32, seed: u32) -> Scaled {
        let pixels = (0..width * height * 4).map(|index| ((index * 7 + seed) % 251) as u8).collect();
        let area = Rect::new(-100.0, 50.0, f64::from(width) * 2.0, f64::from(height) * 2.0);
        scaled(Frame { width, height, pixels, area }, PictureProfile::Native).unwrap()
    }

    fn update(shown: &Scaled, keyframe: bool, regions: &[Region], format: PictureFormat) -> ScreenUpdate {
        ScreenUpdate {
            keyframe,
            format,
            width: shown.width(),
            height: shown.height(),
            area: shown.area(),
            patches: regions.iter().map(|region| shown.patch(*region, format).unwrap()).collect(),
            ..ScreenUpdate::default()
        }
    }

    fn whole(shown: &Scaled, format: PictureFormat) -> ScreenUpdate {
        update(shown, true, &[shown.whole()], format)
    }

    fn colours(shown: &Scaled) -> Vec<u8> {
        shown.encode(shown.whole(), PictureFormat::RawRgb).unwrap()
    }

    const fn region(x: u32, y: u32, width: u32, height: u32) -> Region {
        Region { x, y, width, height }
    }

    #[test]
    fn a_canvas_shows_what_the_desktop_shows() {
        for format in FORMATS {
            let mut canvas = Canvas::new();
            let mut last = frame(150, 100, 0);
            canvas.apply(&whole(&last, format)).unwrap();
            assert_eq!((canvas.width(), canvas.height()), (150, 100));
            for step in 1..6_u32 {
                let mut next = colours(&last);
                for (index, byte) in next.iter_mut().enumerate().skip(2000 * step as usize).step_by(5003) {
                    *byte = byte.wrapping_add((index as u32 % 200) as u8 + 1);
                }
                let pixels = next.chunks(3).flat_map(|pixel| [pixel[2], pixel[1], pixel[0], 0]).collect();
                let area = last.area();
                // The first frame has other bytes where none is used.
                let next = scaled(Frame { width: 150, height: 100, pixels, area }, PictureProfile::Native).unwrap();
                let regions = next.differences(&last);
                assert!(!regions.is_empty());
                canvas.apply(&update(&next, false, &regions, format)).unwrap();
                assert!(canvas.pixels() == colours(&next), "{format:?} {step}");
                last = next;
            }
            canvas.apply(&update(&last, false, &[], format)).unwrap();
            assert!(canvas.pixels() == colours(&last));
        }
    }

    #[test]
    fn a_whole_picture_of_another_size_replaces_the_last() {
        let mut canvas = Canvas::new();
        for (width, height) in [(40, 30), (60, 50), (10, 70)] {
            let shown = frame(width, height, 3);
            canvas.apply(&whole(&shown, PictureFormat::Png)).unwrap();
            assert_eq!((canvas.width(), canvas.height()), (width, height));
            assert!(canvas.pixels() == colours(&shown));
        }
        let parts = [region(0, 0, 10, 30), region(0, 30, 4, 40), region(4, 30, 6, 40)];
        let shown = frame(10, 70, 9);
        canvas.apply(&update(&shown, true, &parts, PictureFormat::Webp)).unwrap();
        assert!(canvas.pixels() == colours(&shown));
    }

    #[test]
    fn points_of_the_canvas_are_points_of_the_desktop() {
        let mut canvas = Canvas::new();
        assert_eq!(canvas.mapping().to_desktop(0.0, 0.0), None);
        assert_eq!(canvas.mapping().to_picture(Point::default()), None);
        canvas.apply(&whole(&frame(40, 30, 0), PictureFormat::RawRgb)).unwrap();
        assert_eq!(canvas.mapping().to_desktop(0.0, 0.0), Some(Point::new(-99.0, 51.0)));
        assert_eq!(canvas.mapping().to_desktop(40.0, 0.0), None);
    }

    #[test]
    fn a_jpeg_is_painted_too() {
        let pixels = [200, 100, 50, 0].repeat(32 * 16);
        let area = Rect::new(0.0, 0.0, 32.0, 16.0);
        let shown = scaled(Frame { width: 32, height: 16, pixels, area }, PictureProfile::Native).unwrap();
        let mut canvas = Canvas::new();
        canvas.apply(&whole(&shown, PictureFormat::Jpeg)).unwrap();
        for pixel in canvas.pixels().chunks(3) {
            assert!(pixel.iter().zip([50, 100, 200]).all(|(is, should)| is.abs_diff(should) < 6), "{pixel:?}");
        }
    }

    /// What must be refused, and leave this canvas as it is.
    fn refused(canvas: &mut Canvas, update: &ScreenUpdate, code: ErrorCode) {
        let before = (canvas.width, canvas.height, canvas.area, canvas.pixels.clone());
        assert_eq!(canvas.apply(update).unwrap_err().code, code, "{update:?}");
        assert!(before == (canvas.width, canvas.height, canvas.area, canvas.pixels.clone()), "{update:?}");
    }

    #[test]
    fn changes_of_nothing_or_of_something_else_are_refused() {
        let shown = frame(40, 30, 0);
        let delta = update(&shown, false, &[region(0, 0, 8, 8)], PictureFormat::Png);
        let mut canvas = Canvas::new();
        refused(&mut canvas, &delta, ErrorCode::Protocol);
        refused(&mut canvas, &ScreenUpdate::default(), ErrorCode::Protocol);
        canvas.apply(&whole(&shown, PictureFormat::Png)).unwrap();
        canvas.apply(&delta).unwrap();
        refused(&mut canvas, &ScreenUpdate { width: 41, ..delta.clone() }, ErrorCode::Protocol);
        refused(&mut canvas, &ScreenUpdate { height: 29, ..delta.clone() }, ErrorCode::Protocol);
        refused(&mut canvas, &ScreenUpdate { area: Rect::default(), ..delta.clone() }, ErrorCode::Protocol);
        refused(&mut canvas, &ScreenUpdate { keyframe: true, ..delta }, ErrorCode::Protocol);
    }

    #[test]
    fn patches_that_lie_are_refused_with_all_of_their_update() {
        let shown = frame(40, 30, 0);
        let mut canvas = Canvas::new();
        canvas.apply(&whole(&shown, PictureFormat::Png)).unwrap();
        let good = frame(40, 30, 99).patch(region(0, 0, 8, 8), PictureFormat::Png).unwrap();
        let with = |patch: Patch| {
            let patches = vec![good.clone(), patch];
            ScreenUpdate { patches, ..update(&shown, false, &[], PictureFormat::Png) }
        };
        let beside = Patch { x: 16, y: 16, ..good.clone() };
        for patch in [
            Patch { x: 33, ..beside.clone() },
            Patch { y: 23, ..beside.clone() },
            Patch { x: u32::MAX, ..beside.clone() },
            Patch { y: u32::MAX, height: u32::MAX, ..beside.clone() },
            Patch { width: 0, ..beside.clone() },
            Patch { height: 0, ..beside.clone() },
            Patch { width: 9, ..beside.clone() },
            Patch { height: 7, ..beside.clone() },
            Patch { data: Vec::new(), ..beside.clone() },
            Patch { data: good.data[..good.data.len() / 2].to_vec(), ..beside.clone() },
            Patch { data: vec![0; 8 * 8 * 3], ..beside.clone() },
            Patch { x: 7, y: 7, ..beside.clone() },
            good.clone(),
        ] {
            refused(&mut canvas, &with(patch), ErrorCode::Protocol);
        }
        canvas.apply(&with(beside)).unwrap();
    }

    #[test]
    fn a_whole_picture_has_no_holes() {
        let shown = frame(40, 30, 0);
        let mut canvas = Canvas::new();
        for regions in [&[][..], &[region(0, 0, 40, 29)], &[region(0, 0, 20, 30), region(21, 0, 19, 30)]] {
            refused(&mut canvas, &update(&shown, true, regions, PictureFormat::Png), ErrorCode::Protocol);
        }
        let overlapping = [region(0, 0, 21, 30), region(19, 0, 19, 30)];
        refused(&mut canvas, &update(&shown, true, &overlapping, PictureFormat::Png), ErrorCode::Protocol);
    }

    #[test]
    fn more_than_the_limits_is_refused_before_memory_is_taken() {
        let shown = frame(4, 4, 0);
        let mut canvas = Canvas::new();
        for (width, height) in [(16_385, 1), (1, 16_385), (16_384, 16_384), (u32::MAX, u32::MAX)] {
            let patches = vec![Patch { width, height, ..Patch::default() }];
            let huge = ScreenUpdate { width, height, patches, ..whole(&shown, PictureFormat::RawRgb) };
            refused(&mut canvas, &huge, ErrorCode::LimitExceeded);
        }
        canvas.apply(&whole(&shown, PictureFormat::RawRgb)).unwrap();
        let patches = vec![Patch { width: 1, height: 1, data: vec![0; 3], ..Patch::default() }; MAX_PATCHES + 1];
        let many = ScreenUpdate { patches, ..update(&shown, false, &[], PictureFormat::RawRgb) };
        refused(&mut canvas, &many, ErrorCode::LimitExceeded);
    }
}
