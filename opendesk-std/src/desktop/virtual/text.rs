//! Text drawn into a picture, one cell of fixed width a character.

use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};

use super::geometry::{Area, Spot};
use super::paint::{Canvas, Color};

/// A weight and a size.
#[derive(Debug, Clone, Copy)]
pub(super) struct Font {
    weight: FontWeight,
    height: RasterHeight,
}

/// Status lines and other small print.
pub(super) const SMALL: Font = Font { weight: FontWeight::Regular, height: RasterHeight::Size16 };
/// What windows contain.
pub(super) const BODY: Font = Font { weight: FontWeight::Regular, height: RasterHeight::Size20 };
/// Titles and labels that stand out.
pub(super) const BOLD: Font = Font { weight: FontWeight::Bold, height: RasterHeight::Size20 };

impl Font {
    /// Pixels from one character to the next.
    pub(super) const fn cell(self) -> i32 {
        get_raster_width(self.weight, self.height) as i32
    }

    /// Height of a line, in pixels.
    pub(super) const fn line(self) -> i32 {
        self.height.val() as i32
    }

    /// Width of a text, in pixels.
    pub(super) fn width(self, text: &str) -> i32 {
        text.chars().map(|_| self.cell()).sum()
    }
}

/// Where a text stands between left and right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Center,
    Right,
}

impl Canvas {
    /// Writes one line in the middle of an area's height; what does not fit is cut off.
    pub(super) fn text(&mut self, area: Area, align: Align, text: &str, font: Font, color: Color) {
        let spare = area.w - font.width(text);
        let indent = match align {
            Align::Left => 0,
            Align::Center => (spare / 2).max(0),
            Align::Right => spare.max(0),
        };
        let y = area.y + (area.h - font.line()) / 2;
        self.clipped(area, |canvas| {
            let mut x = area.x + indent;
            for character in text.chars() {
                canvas.glyph(Spot::new(x, y), character, font, color);
                x += font.cell();
            }
        });
    }

    /// Draws one character with its cell's top-left corner at `at`: a blank for any space, and an empty box for
    /// a character that the font lacks.
    pub(super) fn glyph(&mut self, at: Spot, character: char, font: Font, color: Color) {
        if character.is_whitespace() {
            return;
        }
        let Some(raster) = get_raster(character, font.weight, font.height) else {
            self.outline(Area::new(at.x + 1, at.y + 3, font.cell() - 2, font.line() - 6), color);
            return;
        };
        for (row, y) in raster.rows().zip(at.y..) {
            for (coverage, x) in row.iter().zip(at.x..) {
                self.blend(Spot::new(x, y), color, *coverage);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ink(character: char) -> usize {
        let mut canvas = Canvas::new(BODY.cell(), BODY.line());
        canvas.glyph(Spot::default(), character, BODY, Color::hex(0xFF_FF_FF));
        canvas.into_pixels().chunks(4).filter(|pixel| pixel[0] > 60).count()
    }

    #[test]
    fn every_character_leaves_its_mark_but_spaces_do_not() {
        for character in ['a', 'Z', '~', 'é', 'ß', 'ž', '世', '🚀', '\u{301}'] {
            assert!(ink(character) > 0, "{character:?}");
        }
        for character in [' ', '\t', '\u{a0}', '\u{3000}'] {
            assert_eq!(ink(character), 0, "{character:?}");
        }
    }

    #[test]
    fn long_text_is_cut_at_the_area() {
        let mut canvas = Canvas::new(40, 20);
        canvas.text(Area::new(0, 0, 20, 20), Align::Left, "MMMMMMMM", BOLD, Color::hex(0xFF_FF_FF));
        let pixels = canvas.into_pixels();
        let lit =
            |from: usize| pixels.chunks(160).any(|row| row[from * 4..(from + 20) * 4].iter().any(|byte| *byte > 0));
        assert!(lit(0) && !lit(20));
    }
}
