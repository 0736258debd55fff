//! Numbered boxes drawn on a picture, so that what they stand around can be named by its number.

use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};

use super::tiles::Region;
use super::{budget, decode};
use crate::api::{Error, Picture, PictureFormat, Result};
use crate::desktop::Frame;

/// Colours of boxes, blue first as a [`Frame`] has them. Neighbours differ, and white can be read on each.
const COLOURS: [[u8; 3]; 6] =
    [[38, 38, 208], [190, 92, 20], [36, 128, 22], [160, 32, 150], [16, 96, 196], [120, 112, 0]];

/// How thick the line of a box is.
const LINE: u32 = 2;

/// Between a number and the edge of its ground.
const MARGIN: u32 = 2;

const LETTERS: RasterHeight = RasterHeight::Size16;

/// A box and the number that is written beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbered {
    /// The number.
    pub number: usize,
    /// What the box stands around.
    pub around: Region,
}

/// Draws boxes on a picture and encodes it again, as `format` and within `max_bytes`; it may become smaller by that, and
/// shows the same part of the desktop. Takes some ten milliseconds of computing: work for a thread.
///
/// # Errors
/// [`ErrorCode::Internal`](crate::api::ErrorCode::Internal) for a picture that is none; those of
/// [`render`](super::render).
pub fn numbered(
    picture: Picture,
    boxes: &[Numbered],
    format: PictureFormat,
    max_bytes: Option<u32>,
) -> Result<Picture> {
    let (width, height) = (picture.width, picture.height);
    let rgb = decode::rgb(&picture.data, picture.format, width, height)
        .ok_or_else(|| Error::internal("the host sent a picture that cannot be read; update it"))?;
    let (colours, _) = rgb.as_chunks::<3>();
    let pixels = colours.iter().flat_map(|[red, green, blue]| [*blue, *green, *red, 0]).collect();
    let covered = boxes.iter().map(|numbered| numbered.around).collect();
    let mut sheet = Sheet { width, height, pixels, boxes: covered, labels: Vec::new() };
    for numbered in boxes {
        sheet.outline(numbered);
    }
    // Numbers last, so that no line goes through one.
    for numbered in boxes {
        sheet.label(numbered);
    }
    let frame = Frame { width, height, pixels: sheet.pixels, area: picture.area };
    let budget::Encoded { format, width, height, data } = budget::encode(frame, None, format, max_bytes)?;
    Ok(Picture { format, width, height, data, ..picture })
}

struct Sheet {
    width: u32,
    height: u32,
    pixels: Vec<u8>,
    /// What the boxes stand around.
    boxes: Vec<Region>,
    /// Where numbers stand already.
    labels: Vec<Region>,
}

const fn colour(number: usize) -> [u8; 3] {
    COLOURS[number % COLOURS.len()]
}

impl Sheet {
    fn outline(&mut self, Numbered { number, around }: &Numbered) {
        let Region { x, y, width, height } = *around;
        let (across, down) = (LINE.min(width), LINE.min(height));
        let ink = colour(*number);
        self.fill(Region { height: down, ..*around }, ink);
        self.fill(Region { y: (y + height).saturating_sub(down), height: down, ..*around }, ink);
        self.fill(Region { width: across, ..*around }, ink);
        self.fill(Region { x: (x + width).saturating_sub(across), width: across, ..*around }, ink);
    }

    fn label(&mut self, Numbered { number, around }: &Numbered) {
        let text = number.to_string();
        let letter = get_raster_width(FontWeight::Bold, LETTERS) as u32;
        let (width, height) = (letter * text.len() as u32 + 2 * MARGIN, LETTERS.val() as u32 + MARGIN);
        let Some(ground) = self.room(*around, (width, height)) else { return };
        self.fill(ground, colour(*number));
        for (index, digit) in text.chars().enumerate() {
            let Some(raster) = get_raster(digit, FontWeight::Bold, LETTERS) else { continue };
            let left = ground.x + MARGIN + letter * index as u32;
            for (row, line) in raster.rows().enumerate() {
                for (column, strength) in line.iter().enumerate() {
                    self.lighten(left + column as u32, ground.y + 1 + row as u32, *strength);
                }
            }
        }
        self.labels.push(ground);
    }

    /// Where a number of this size stands: beside its box where it hides least of others, and of their numbers least of all.
    /// Nothing in a picture that is smaller than the number.
    fn room(&self, around: Region, (width, height): (u32, u32)) -> Option<Region> {
        let (right, bottom) = (self.width.checked_sub(width)?, self.height.checked_sub(height)?);
        let above = around.y.checked_sub(height);
        let left = around.x.checked_sub(width);
        let at = |x: Option<u32>, y: Option<u32>| {
            let is_there = |(x, y): &(u32, u32)| *x <= right && *y <= bottom;
            x.zip(y).filter(is_there).map(|(x, y)| Region { x, y, width, height })
        };
        let beside = around.x.checked_add(around.width);
        let below = around.y.checked_add(around.height);
        let (inner_x, inner_y) = (around.x.min(right), around.y.min(bottom));
        let places = [
            at(Some(inner_x), above),
            at(left, Some(inner_y)),
            at(beside, Some(inner_y)),
            at(Some(inner_x), below),
            at(Some(inner_x), Some(inner_y)),
        ];
        let hides = |place: &Region| {
            let of = |others: &[Region]| others.iter().map(|other| common(*other, *place)).sum::<u64>();
            of(&self.boxes) + 4 * of(&self.labels)
        };
        places.into_iter().flatten().min_by_key(hides)
    }

    fn fill(&mut self, region: Region, ink: [u8; 3]) {
        let (right, bottom) = ((region.x + region.width).min(self.width), (region.y + region.height).min(self.height));
        for y in region.y..bottom {
            for x in region.x..right {
                let at = self.at(x, y);
                self.pixels[at..at + 3].copy_from_slice(&ink);
            }
        }
    }

    fn lighten(&mut self, x: u32, y: u32, strength: u8) {
        if x < self.width && y < self.height {
            let at = self.at(x, y);
            for byte in &mut self.pixels[at..at + 3] {
                let rest = u16::from(u8::MAX - *byte) * u16::from(strength) / u16::from(u8::MAX);
                *byte += rest as u8;
            }
        }
    }

    const fn at(&self, x: u32, y: u32) -> usize {
        (y as usize * self.width as usize + x as usize) * 4
    }
}

/// How many pixels two regions have in common.
fn common(one: Region, other: Region) -> u64 {
    let length = |(from, extent): (u32, u32), (other_from, other_extent): (u32, u32)| {
        let end = from.saturating_add(extent).min(other_from.saturating_add(other_extent));
        u64::from(end.saturating_sub(from.max(other_from)))
    };
    length((one.x, one.width), (other.x, other.width)) * length((one.y, one.height), (other.y, other.height))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{PictureProfile, Rect};
    use crate::picture::{Rendering, render};

    fn grey(width: u32, height: u32) -> Picture {
        let pixels = (0..width * height).flat_map(|index| [128, 128, 127 + (index % 2) as u8, 0]).collect();
        let frame = Frame { width, height, pixels, area: Rect::new(0.0, 0.0, 9.0, 9.0) };
        let how = Rendering { profile: PictureProfile::Native, format: PictureFormat::Png, max_bytes: None };
        render(frame, &how, None, 0.0).unwrap()
    }

    const fn around(number: usize, x: u32, y: u32, width: u32, height: u32) -> Numbered {
        Numbered { number, around: Region { x, y, width, height } }
    }

    fn pixel(picture: &Picture, x: u32, y: u32) -> [u8; 3] {
        let rgb = decode::rgb(&picture.data, picture.format, picture.width, picture.height).unwrap();
        let at = (y * picture.width + x) as usize * 3;
        [rgb[at], rgb[at + 1], rgb[at + 2]]
    }

    #[test]
    fn a_box_has_its_line_and_its_number_above_it() {
        let drawn = numbered(grey(100, 60), &[around(1, 30, 30, 40, 20)], PictureFormat::Png, None).unwrap();
        let ink = [20, 92, 190];
        for (x, y) in [(30, 30), (69, 30), (30, 49), (69, 49), (31, 40), (50, 31)] {
            assert_eq!(pixel(&drawn, x, y), ink, "{x} {y}");
        }
        for (x, y) in [(33, 33), (50, 40), (70, 30), (29, 30), (80, 10)] {
            assert_ne!(pixel(&drawn, x, y), ink, "{x} {y}");
        }
        assert_eq!(pixel(&drawn, 30, 13), ink, "the ground of the number");
        let is_white = |(x, y): (u32, u32)| pixel(&drawn, x, y) == [255, 255, 255];
        assert!((30..45).flat_map(|x| (12..30).map(move |y| (x, y))).any(is_white), "the number");
    }

    #[test]
    fn numbers_of_neighbours_do_not_cover_each_other() {
        let pixels = vec![0; 300 * 200 * 4];
        let mut sheet = Sheet { width: 300, height: 200, pixels, boxes: Vec::new(), labels: Vec::new() };
        for number in 1..=4 {
            sheet.label(&around(number, 100, 80, 60, 20));
        }
        assert_eq!(sheet.labels.len(), 4);
        for (index, one) in sheet.labels.iter().enumerate() {
            assert!(sheet.labels[index + 1..].iter().all(|other| common(*one, *other) == 0), "{:?}", sheet.labels);
        }
    }

    #[test]
    fn boxes_at_every_edge_stay_in_the_picture() {
        let boxes =
            [around(7, 0, 0, 50, 30), around(88, 0, 0, 1, 1), around(120, 48, 28, 2, 2), around(5, 40, 20, 500, 500)];
        for (width, height) in [(50, 30), (3, 3), (1, 1), (20, 200)] {
            let drawn = numbered(grey(width, height), &boxes, PictureFormat::Png, None).unwrap();
            assert_eq!((drawn.width, drawn.height), (width, height));
        }
    }

    #[test]
    fn what_is_no_picture_is_an_error_and_a_budget_is_kept() {
        let damaged = Picture { data: vec![1, 2, 3], ..grey(5, 5) };
        assert!(numbered(damaged, &[], PictureFormat::Png, None).is_err());
        let small = numbered(grey(400, 400), &[around(1, 9, 9, 300, 300)], PictureFormat::Png, Some(2000)).unwrap();
        assert!(small.data.len() <= 2000 && small.format == PictureFormat::Jpeg);
    }
}
