//! Pixels of a desktop as the recogniser likes them: dark letters on one light ground, and large.
//!
//! A desktop has light windows beside dark ones, and buttons of any colour in them. What is darker or lighter than the
//! colour around it becomes dark, and what is not becomes light: of 349 words on a full HD screen with both kinds of
//! windows some 320 were read like this, and 226 from the pixels as they are. Twice the size is for letters of usual
//! height: of those words 294 were read at once the size, and 316 at three times, which takes twice as long.

use core::array;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::api::{Error, Rect, Result};
use crate::desktop::Frame;

/// Light all around, in pixels of the frame: letters at the very edge are not found.
const MARGIN: usize = 10;

/// Pictures with more pixels than a full HD screen are not enlarged, for the time that it would take.
const MAX_ENLARGED: usize = 1920 * 1080;

/// From this many pixels of the frame for one of the desktop on, letters are large enough.
const DENSE: f64 = 1.5;

/// How far around a pixel its ground is looked for: half a word, and one line.
const REACH: (usize, usize) = (24, 12);

/// The ground is looked for at every other pixel of every other row.
const STEP: usize = 2;

/// Greys that count as the same one.
const LEVELS: usize = 16;

/// How often each level is there.
type Counts = [u16; LEVELS];

/// A picture for the recogniser.
pub(super) struct Sheet {
    width: usize,
    height: usize,
    /// One byte each, rows from the top.
    pixels: Vec<u8>,
    /// How many of its pixels are one of the frame's.
    scale: usize,
    /// Width and height of the frame.
    frame: (usize, usize),
    /// What the frame shows.
    area: Rect,
}

/// Makes a sheet of a frame whose bytes fit its size.
pub(super) fn sheet(frame: &Frame) -> Result<Sheet> {
    let size = (frame.width as usize, frame.height as usize);
    let (width, height) = (size.0 + 2 * MARGIN, size.1 + 2 * MARGIN);
    let pixels = framed(&ink(&grey(&frame.pixels), size), size);
    let is_dense = f64::from(frame.width) >= DENSE * frame.area.width;
    let scale = if is_dense || size.0 * size.1 > MAX_ENLARGED { 1 } else { 2 };
    let pixels = if scale == 1 { pixels } else { enlarged(&pixels, (width, height), scale)? };
    Ok(Sheet { width: width * scale, height: height * scale, pixels, scale, frame: size, area: frame.area })
}

impl Sheet {
    /// As a file of the kind PGM.
    pub(super) fn file(&self) -> Vec<u8> {
        let mut file = format!("P5\n{} {}\n255\n", self.width, self.height).into_bytes();
        file.extend_from_slice(&self.pixels);
        file
    }

    /// Where a part of the sheet is on the desktop, in logical pixels; what is on the margin is not.
    pub(super) fn place(&self, part: Rect) -> Rect {
        let (width, height) = (self.frame.0 as f64, self.frame.1 as f64);
        let within = |at: f64, length: f64| (at / self.scale as f64 - MARGIN as f64).clamp(0.0, length);
        let (left, right) = (within(part.x, width), within(part.x + part.width, width));
        let (top, bottom) = (within(part.y, height), within(part.y + part.height, height));
        let (across, down) = (self.area.width / width, self.area.height / height);
        Rect::new(self.area.x + left * across, self.area.y + top * down, (right - left) * across, (bottom - top) * down)
    }
}

/// Each pixel as one byte. Half of it is how bright the colour is to the eye and half the middle between its strongest
/// and its weakest channel, so that blue on black, yellow on white and yellow on blue all differ.
fn grey(bgrx: &[u8]) -> Vec<u8> {
    let shade = |pixel: &[u8; 4]| {
        let [blue, green, red, _] = pixel.map(u32::from);
        let bright = (77 * red + 150 * green + 29 * blue) / 256;
        let (strong, weak) = (red.max(green).max(blue), red.min(green).min(blue));
        ((2 * bright + strong + weak) / 4) as u8
    };
    bgrx.as_chunks::<4>().0.iter().map(shade).collect()
}

/// How far each pixel is from its ground, from white for the ground itself. The ground of a pixel is the grey that is
/// most around it, so it changes where two areas meet and not near there.
fn ink(grey: &[u8], (width, height): (usize, usize)) -> Vec<u8> {
    let row = |y: usize| &grey[y * width..][..width];
    let shades = commonest(grey);
    let mut columns: Vec<Counts> = vec![[0; LEVELS]; width];
    let mut inked = Vec::with_capacity(grey.len());
    let mut grounds = vec![0_u8; width.div_ceil(STEP)];
    let mut counted = 0..0;
    for y in (0..height).step_by(STEP) {
        let wanted = y.saturating_sub(REACH.1)..(y + REACH.1 + 1).min(height);
        for gone in counted.start..wanted.start {
            columns.iter_mut().zip(row(gone)).for_each(|(counts, shade)| counts[level(*shade)] -= 1);
        }
        for new in counted.end..wanted.end {
            columns.iter_mut().zip(row(new)).for_each(|(counts, shade)| counts[level(*shade)] += 1);
        }
        counted = wanted;
        along(&columns, &shades, &mut grounds);
        for y in y..(y + STEP).min(height) {
            let differs = |(x, shade): (usize, &u8)| 255 - shade.abs_diff(grounds[x / STEP]);
            inked.extend(row(y).iter().enumerate().map(differs));
        }
    }
    inked
}

/// The ground at every other place along the columns.
fn along(columns: &[Counts], shades: &[u8; LEVELS], grounds: &mut [u8]) {
    let mut sum: Counts = [0; LEVELS];
    let mut counted = 0..0;
    for (x, ground) in (0..columns.len()).step_by(STEP).zip(grounds) {
        let wanted = x.saturating_sub(REACH.0)..(x + REACH.0 + 1).min(columns.len());
        for gone in &columns[counted.start..wanted.start] {
            sum = array::from_fn(|level| sum[level] - gone[level]);
        }
        for new in &columns[counted.end..wanted.end] {
            sum = array::from_fn(|level| sum[level] + new[level]);
        }
        counted = wanted;
        let most = sum.iter().enumerate().max_by_key(|(_, count)| **count).map_or(0, |(level, _)| level);
        *ground = shades[most];
    }
}

/// The grey of each level that is there most often: grounds are even, so it is the ground's own.
fn commonest(grey: &[u8]) -> [u8; LEVELS] {
    let mut counts = [0_u32; 256];
    grey.iter().for_each(|shade| counts[usize::from(*shade)] += 1);
    array::from_fn(|level| {
        let range = level * 256 / LEVELS..(level + 1) * 256 / LEVELS;
        range.max_by_key(|shade| counts[*shade]).unwrap_or_default() as u8
    })
}

const fn level(shade: u8) -> usize {
    shade as usize * LEVELS / 256
}

/// The same with the margin around it.
fn framed(pixels: &[u8], (width, height): (usize, usize)) -> Vec<u8> {
    let whole = width + 2 * MARGIN;
    let mut framed = Vec::with_capacity(whole * (height + 2 * MARGIN));
    let light = |pixels: &mut Vec<u8>, count: usize| pixels.resize(pixels.len() + count, 255);
    light(&mut framed, MARGIN * whole);
    for row in pixels.chunks_exact(width) {
        light(&mut framed, MARGIN);
        framed.extend_from_slice(row);
        light(&mut framed, MARGIN);
    }
    light(&mut framed, MARGIN * whole);
    framed
}

fn enlarged(pixels: &[u8], (width, height): (usize, usize), scale: usize) -> Result<Vec<u8>> {
    let failed = |error: &dyn core::fmt::Display| {
        Error::internal(format!("cannot enlarge a picture of {width}×{height} pixels to read it: {error}"))
    };
    let (from, to) = ((width as u32, height as u32), ((width * scale) as u32, (height * scale) as u32));
    let source = ImageRef::new(from.0, from.1, pixels, PixelType::U8).map_err(|error| failed(&error))?;
    let mut target = Image::new(to.0, to.1, PixelType::U8);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom));
    Resizer::new().resize(&source, &mut target, &options).map_err(|error| failed(&error))?;
    Ok(target.into_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame of two halves, each with bars of another colour on it.
    fn halves(colours: [[u8; 3]; 4]) -> Frame {
        let [left, left_bar, right, right_bar] = colours;
        let pixel = |x: usize, y: usize| {
            let is_bar = (20..24).contains(&(y % 40)) && (30..130).contains(&(x % 160));
            let [red, green, blue] = match (x < 160, is_bar) {
                (true, false) => left,
                (true, true) => left_bar,
                (false, false) => right,
                (false, true) => right_bar,
            };
            [blue, green, red, 7]
        };
        let pixels = (0..120).flat_map(|y| (0..320).flat_map(move |x| pixel(x, y))).collect();
        Frame { width: 320, height: 120, pixels, area: Rect::new(100.0, -50.0, 320.0, 120.0) }
    }

    #[test]
    fn letters_become_dark_on_light_whatever_their_colours() {
        for colours in [
            [[255, 255, 255], [0, 0, 0], [0, 0, 0], [255, 255, 255]],
            [[40, 40, 40], [220, 220, 220], [26, 115, 232], [255, 255, 255]],
            [[0, 0, 0], [0, 0, 238], [255, 255, 255], [255, 255, 0]],
            [[0, 0, 238], [205, 205, 0], [236, 239, 244], [120, 120, 120]],
        ] {
            let frame = halves(colours);
            let inked = ink(&grey(&frame.pixels), (320, 120));
            for (x, y, is_ink) in
                [(80, 22, true), (80, 62, true), (80, 40, false), (10, 5, false), (240, 62, true), (240, 40, false)]
            {
                let shade = inked[y * 320 + x];
                assert!(if is_ink { shade < 215 } else { shade == 255 }, "{colours:?}: {shade} at {x},{y}");
            }
            // Where the halves meet there is no seam but that of one step.
            let seam = inked[40 * 320..][150..170].iter().filter(|shade| **shade < 240).count();
            assert!(seam <= STEP, "{colours:?}: {seam}");
        }
    }

    #[test]
    fn frames_of_any_size_have_a_sheet() {
        for (width, height) in [(1, 1), (1, 300), (300, 1), (23, 11), (49, 25), (2, 3)] {
            let pixels = vec![90; width as usize * height as usize * 4];
            let area = Rect::new(0.0, 0.0, f64::from(width), f64::from(height));
            let sheet = sheet(&Frame { width, height, pixels, area }).unwrap();
            assert_eq!((sheet.width, sheet.height), (2 * (width as usize + 20), 2 * (height as usize + 20)));
            assert_eq!(sheet.pixels.len(), sheet.width * sheet.height);
            assert!(sheet.pixels.iter().all(|shade| *shade == 255));
            assert!(sheet.file().starts_with(format!("P5\n{} {}\n255\n", sheet.width, sheet.height).as_bytes()));
        }
    }

    #[test]
    fn letters_of_a_dense_or_a_large_frame_stay_as_they_are() {
        let frame = |width: u32, height: u32, logical: f64| Frame {
            width,
            height,
            pixels: vec![0; width as usize * height as usize * 4],
            area: Rect::new(0.0, 0.0, logical, f64::from(height)),
        };
        assert_eq!(sheet(&frame(300, 10, 300.0)).unwrap().scale, 2);
        assert_eq!(sheet(&frame(300, 10, 240.0)).unwrap().scale, 2);
        assert_eq!(sheet(&frame(300, 10, 200.0)).unwrap().scale, 1);
        assert_eq!(sheet(&frame(300, 7000, 300.0)).unwrap().scale, 1);
    }

    #[test]
    fn a_part_of_the_sheet_is_found_on_the_desktop() {
        let single = sheet(&halves([[0; 3]; 4])).unwrap();
        // Twice the size, after a margin of ten.
        assert_eq!(single.place(Rect::new(20.0, 20.0, 640.0, 240.0)), Rect::new(100.0, -50.0, 320.0, 120.0));
        assert_eq!(single.place(Rect::new(30.0, 41.0, 8.0, 5.0)), Rect::new(105.0, -39.5, 4.0, 2.5));
        assert_eq!(
            single.place(Rect::new(0.0, 0.0, 22.0, 21.0)),
            Rect::new(100.0, -50.0, 1.0, 0.5),
            "margins are none"
        );

        let dense = Frame { area: Rect::new(-160.0, 8.0, 160.0, 60.0), ..halves([[0; 3]; 4]) };
        let place = sheet(&dense).unwrap().place(Rect::new(30.0, 14.0, 100.0, 20.0));
        assert_eq!(place, Rect::new(-150.0, 10.0, 50.0, 10.0));
    }
}
