//! A picture in memory and the shapes that are drawn into it.

use super::geometry::{Area, Spot};

/// Bytes of a pixel: blue, green, red, unused.
const PIXEL: usize = 4;

/// An opaque colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Color {
    red: u8,
    green: u8,
    blue: u8,
}

impl Color {
    /// A colour as `0xRRGGBB`.
    pub(super) const fn hex(rgb: u32) -> Self {
        let [_, red, green, blue] = rgb.to_be_bytes();
        Self { red, green, blue }
    }

    const fn pixel(self) -> [u8; PIXEL] {
        [self.blue, self.green, self.red, u8::MAX]
    }

    /// This colour with a share of another over it; 255 is all of the other.
    fn under(self, other: Self, share: u8) -> Self {
        Self {
            red: between(self.red, other.red, share),
            green: between(self.green, other.green, share),
            blue: between(self.blue, other.blue, share),
        }
    }
}

/// Which corners of a shape are round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Corners {
    All,
    Top,
}

/// Pixels of a part of the desktop, rows from the top, and what of them may be drawn to.
#[derive(Default)]
pub(super) struct Canvas {
    area: Area,
    pixels: Vec<u8>,
    clip: Area,
}

impl Canvas {
    /// A black picture whose first pixel is the desktop's origin.
    #[cfg(test)]
    pub(super) fn new(width: i32, height: i32) -> Self {
        Self::over(Area::new(0, 0, width, height))
    }

    /// A black picture of a part of the desktop.
    pub(super) fn over(area: Area) -> Self {
        Self::from_pixels(area, vec![0; area.w as usize * area.h as usize * PIXEL])
    }

    /// A picture of a part of the desktop from its bytes, of which there are four for each pixel.
    pub(super) const fn from_pixels(area: Area, pixels: Vec<u8>) -> Self {
        Self { area, pixels, clip: area }
    }

    pub(super) fn into_pixels(self) -> Vec<u8> {
        self.pixels
    }

    /// Becomes the same as another picture, in the memory that it has already.
    pub(super) fn copy_from(&mut self, other: &Self) {
        self.area = other.area;
        self.clip = other.clip;
        self.pixels.clone_from(&other.pixels);
    }

    /// The bytes of a part, which lies within the picture.
    pub(super) fn crop(&self, area: Area) -> Vec<u8> {
        let mut cropped = Vec::with_capacity(area.w as usize * area.h as usize * PIXEL);
        for y in area.y..area.bottom() {
            let start = self.offset(area.x, y);
            cropped.extend_from_slice(&self.pixels[start..start + area.w as usize * PIXEL]);
        }
        cropped
    }

    /// The bytes of a picture that is made of these columns and rows of this one, in which they may come again.
    pub(super) fn spread(&self, columns: &[i32], rows: &[i32]) -> Vec<u8> {
        let mut spread = Vec::with_capacity(columns.len() * rows.len() * PIXEL);
        let mut last = None;
        for row in rows {
            if last == Some(row) {
                spread.extend_from_within(spread.len() - columns.len() * PIXEL..);
            } else {
                for column in columns {
                    let start = self.offset(*column, *row);
                    spread.extend_from_slice(&self.pixels[start..start + PIXEL]);
                }
            }
            last = Some(row);
        }
        spread
    }

    /// Shows what another picture shows, where both are.
    pub(super) fn lay(&mut self, other: &Self) {
        let common = self.area.overlap(other.area);
        if common.is_empty() {
            return;
        }
        for y in common.y..common.bottom() {
            let start = other.offset(common.x, y);
            let row = &other.pixels[start..start + common.w as usize * PIXEL];
            self.span(common.x, y, common.w).copy_from_slice(row);
        }
    }

    /// Draws with everything outside the area left alone.
    pub(super) fn clipped(&mut self, area: Area, draw: impl FnOnce(&mut Self)) {
        let outer = self.clip;
        self.clip = outer.overlap(area);
        draw(self);
        self.clip = outer;
    }

    pub(super) fn fill(&mut self, area: Area, color: Color) {
        let area = area.overlap(self.clip);
        if area.is_empty() {
            return;
        }
        let row = color.pixel().repeat(area.w as usize);
        for y in area.y..area.bottom() {
            self.span(area.x, y, area.w).copy_from_slice(&row);
        }
    }

    /// Lays a see-through colour over an area; an alpha of 255 hides what was there.
    pub(super) fn tint(&mut self, area: Area, color: Color, alpha: u8) {
        let area = area.overlap(self.clip);
        if area.is_empty() {
            return;
        }
        for y in area.y..area.bottom() {
            for pixel in self.span(area.x, y, area.w).as_chunks_mut::<PIXEL>().0 {
                mix(pixel, color, alpha);
            }
        }
    }

    /// Draws the rectangle's outermost pixels.
    pub(super) fn outline(&mut self, area: Area, color: Color) {
        for edge in edges(area) {
            self.fill(edge, color);
        }
    }

    /// Fills with colours that go from one at the top to another at the bottom.
    pub(super) fn gradient(&mut self, area: Area, top: Color, bottom: Color) {
        let steps = (area.h - 1).max(1);
        for row in 0..area.h {
            let share = (row * 255 / steps) as u8;
            self.fill(Area::new(area.x, area.y + row, area.w, 1), top.under(bottom, share));
        }
    }

    /// Fills a rectangle whose corners are smooth quarter circles.
    pub(super) fn round(&mut self, area: Area, radius: i32, corners: Corners, color: Color) {
        let radius = radius.min(area.w / 2).min(area.h / 2).max(0);
        let below = match corners {
            Corners::All => radius,
            Corners::Top => 0,
        };
        self.fill(Area::new(area.x + radius, area.y, area.w - 2 * radius, radius), color);
        self.fill(Area::new(area.x, area.y + radius, area.w, area.h - radius - below), color);
        self.fill(Area::new(area.x + radius, area.bottom() - below, area.w - 2 * radius, below), color);
        for y in 0..radius {
            for x in 0..radius {
                let alpha = coverage(x, y, radius);
                for column in [area.x + x, area.right() - 1 - x] {
                    self.blend(Spot::new(column, area.y + y), color, alpha);
                    if corners == Corners::All {
                        self.blend(Spot::new(column, area.bottom() - 1 - y), color, alpha);
                    }
                }
            }
        }
    }

    /// Darkens what surrounds a rectangle, most below it, fading over `reach` pixels.
    pub(super) fn shadow(&mut self, area: Area, reach: i32, strength: u8) {
        const FALL: i32 = 4;
        const BLACK: Color = Color::hex(0);
        self.tint(Area::new(area.x, area.bottom(), area.w, FALL), BLACK, strength);
        let fallen = area.moved(0, FALL);
        for distance in 1..=reach {
            let left = reach + 1 - distance;
            let alpha = i32::from(strength) * left * left / ((reach + 1) * (reach + 1));
            for edge in edges(fallen.grown(distance)) {
                self.tint(edge, BLACK, alpha as u8);
            }
        }
    }

    /// Lays a see-through colour over one pixel.
    pub(super) fn blend(&mut self, spot: Spot, color: Color, alpha: u8) {
        if alpha != 0 && self.clip.contains(spot) {
            mix(self.span(spot.x, spot.y, 1), color, alpha);
        }
    }

    const fn offset(&self, x: i32, y: i32) -> usize {
        ((y - self.area.y) * self.area.w + x - self.area.x) as usize * PIXEL
    }

    /// The bytes of some pixels of a row, all within the picture.
    fn span(&mut self, x: i32, y: i32, width: i32) -> &mut [u8] {
        let start = self.offset(x, y);
        &mut self.pixels[start..start + width as usize * PIXEL]
    }
}

/// The four sides of a rectangle, one pixel thick, no pixel in two of them.
const fn edges(area: Area) -> [Area; 4] {
    [
        Area::new(area.x, area.y, area.w, 1),
        Area::new(area.x, area.bottom() - 1, area.w, 1),
        Area::new(area.x, area.y + 1, 1, area.h - 2),
        Area::new(area.right() - 1, area.y + 1, 1, area.h - 2),
    ]
}

/// How much of a pixel lies inside a top-left quarter circle, found by 16 samples.
fn coverage(x: i32, y: i32, radius: i32) -> u8 {
    let center = radius * 8;
    let mut inside = 0;
    for down in 0..4 {
        for right in 0..4 {
            let dx = center - (x * 8 + right * 2 + 1);
            let dy = center - (y * 8 + down * 2 + 1);
            if dx * dx + dy * dy <= center * center {
                inside += 1;
            }
        }
    }
    (inside * 255 / 16) as u8
}

fn between(back: u8, front: u8, share: u8) -> u8 {
    let share = u32::from(share);
    ((u32::from(front) * share + u32::from(back) * (255 - share) + 127) / 255) as u8
}

fn mix(pixel: &mut [u8], color: Color, alpha: u8) {
    for (back, front) in pixel.iter_mut().zip(color.pixel()) {
        *back = between(*back, front, alpha);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RED: Color = Color::hex(0xFF_00_00);

    #[test]
    fn a_fill_stays_within_picture_and_clip() {
        let mut canvas = Canvas::new(4, 3);
        canvas.clipped(Area::new(1, 1, 8, 1), |canvas| canvas.fill(Area::new(-5, -5, 50, 50), RED));
        let drawn: Vec<bool> = canvas.into_pixels().chunks(PIXEL).map(|pixel| pixel == [0, 0, 255, 255]).collect();
        let (n, y) = (false, true);
        assert_eq!(drawn, [n, n, n, n, n, y, y, y, n, n, n, n]);
    }

    #[test]
    fn shapes_off_the_picture_draw_nothing() {
        let mut canvas = Canvas::new(5, 5);
        let away = Area::new(20, -40, 10, 10);
        canvas.round(away, 4, Corners::All, RED);
        canvas.outline(away, RED);
        canvas.tint(away, RED, 9);
        canvas.gradient(away, RED, RED);
        canvas.blend(Spot::new(-1, 2), RED, 255);
        assert!(canvas.into_pixels().iter().all(|byte| *byte == 0));
    }

    #[test]
    fn half_a_tint_is_half_the_colour() {
        let mut canvas = Canvas::new(1, 1);
        canvas.fill(Area::new(0, 0, 1, 1), Color::hex(0));
        canvas.tint(Area::new(0, 0, 1, 1), Color::hex(0x20_40_80), 128);
        assert_eq!(canvas.into_pixels(), [64, 32, 16, 255]);
    }

    #[test]
    fn round_corners_are_smooth() {
        assert_eq!(coverage(0, 0, 8), 0);
        assert_eq!(coverage(7, 7, 8), 255);
        assert!((1..255).contains(&coverage(2, 2, 8)));
    }

    #[test]
    fn a_crop_is_the_part_of_the_picture() {
        let mut canvas = Canvas::new(3, 3);
        canvas.fill(Area::new(1, 1, 1, 1), RED);
        assert_eq!(canvas.crop(Area::new(1, 0, 1, 2)), [0, 0, 0, 0, 0, 0, 255, 255]);
    }
    #[test]
    fn a_picture_may_begin_anywhere_on_the_desktop() {
        let mut canvas = Canvas::over(Area::new(-2, 5, 2, 2));
        canvas.blend(Spot::new(-1, 6), RED, 255);
        let red = [0, 0, 255, 255];
        assert_eq!(canvas.crop(Area::new(-1, 6, 1, 1)), red);
        let mut other = Canvas::over(Area::new(-1, 6, 3, 1));
        other.lay(&canvas);
        other.lay(&Canvas::over(Area::new(50, 50, 3, 3)));
        assert_eq!(other.into_pixels(), [red, [0; 4], [0; 4]].concat());
    }

    #[test]
    fn columns_and_rows_may_come_again() {
        let mut canvas = Canvas::new(2, 2);
        canvas.fill(Area::new(1, 1, 1, 1), RED);
        let (red, none) = ([0, 0, 255, 255], [0; 4]);
        assert_eq!(canvas.spread(&[0, 1, 1], &[0, 1, 1]), [none, none, none, none, red, red, none, red, red].concat());
    }
}
