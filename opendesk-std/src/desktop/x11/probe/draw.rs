//! How the window looks. Every picture is drawn out of sight and shown at once: a screenshot never catches half of it.

use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};
use x11rb::connection::Connection as _;
use x11rb::errors::ReplyError;
use x11rb::protocol::xproto::{
    ChangeGCAux, Char2b, ConnectionExt as _, CoordMode, CreateGCAux, Font, Gcontext, Pixmap, Point, Rectangle, Window,
};
use x11rb::rust_connection::RustConnection;

use super::super::connection::{Outcome, Wire};
use super::program::State;

/// Width and height of the window.
pub(super) const SIZE: (u16, u16) = (640, 400);

/// The button, in the window's coordinates.
pub(super) const BUTTON: Rectangle = Rectangle { x: 32, y: 80, width: 176, height: 56 };

/// What is written on the button.
pub(super) const LABEL: &str = "Count";

/// The text field, in the window's coordinates.
pub(super) const ENTRY: Rectangle = Rectangle { x: 32, y: 168, width: 576, height: 200 };

/// Where the sample stands, with some ground around it, in the window's coordinates.
pub(super) const SAMPLE_PLACE: Rectangle = Rectangle { x: 412, y: 90, width: 196, height: 36 };

/// Words to be read from the pixels: none of their letters is easily taken for another one.
pub(super) const SAMPLE: &str = "Brown fox 4725";

/// Colours, red first.
const GROUND: [u8; 3] = [236, 239, 244];
const INK: [u8; 3] = [28, 32, 40];
const WHITE: [u8; 3] = [255, 255, 255];
const BLUE: [u8; 3] = [37, 99, 235];
const DARK_BLUE: [u8; 3] = [22, 60, 150];

/// Places in the window that nothing is drawn over while it has no text, and their colours.
pub(super) const PAINTED: [((i16, i16), [u8; 3]); 3] = [
    ((8, 8), GROUND),
    ((BUTTON.x + 4, BUTTON.y + 4), BLUE),
    ((ENTRY.x + ENTRY.width as i16 - 12, ENTRY.y + ENTRY.height as i16 - 12), WHITE),
];

/// All of the window, in its own coordinates.
pub(super) const WHOLE: Rectangle = Rectangle { x: 0, y: 0, width: SIZE.0, height: SIZE.1 };
const PAPER: Rectangle = Rectangle { x: ENTRY.x + 2, y: ENTRY.y + 2, width: ENTRY.width - 4, height: ENTRY.height - 4 };

const HEADING: &str = "This window shows that pictures, pointer and keys work.";

/// Between the edge of the text field and its text.
const PADDING: u16 = 10;

/// The best first: one that has most alphabets, two that are easy to read, one that every server has.
const FONTS: [&str; 4] = ["-misc-fixed-medium-r-normal--20-200-75-75-c-100-iso10646-1", "10x20", "9x15", "fixed"];

/// The longest text that one request draws.
const MAX_GLYPHS: usize = 255;

/// What the window is drawn with.
pub(super) struct Canvas {
    pixmap: Pixmap,
    gc: Gcontext,
    /// `None` on a server without fonts: all is drawn but the letters.
    face: Option<Face>,
    colours: Colours,
    /// The pixels of the sample, which every server can draw.
    sample: Vec<Point>,
}

/// Pixel values.
struct Colours {
    ground: u32,
    ink: u32,
    paper: u32,
    button: u32,
    pressed: u32,
}

/// A font of letters of one width, in pixels.
struct Face {
    font: Font,
    ascent: u16,
    height: u16,
    advance: u16,
}

impl Canvas {
    pub(super) fn new(wire: &Wire, window: Window) -> Outcome<Self> {
        let x = &wire.x;
        let colours = Colours::allocate(wire)?;
        let face = Face::open(x)?;
        let pixmap = x.generate_id()?;
        x.create_pixmap(wire.screen().root_depth, pixmap, window, SIZE.0, SIZE.1)?.check()?;
        let gc = x.generate_id()?;
        let tools = CreateGCAux::new().graphics_exposures(0_u32).font(face.as_ref().map(|face| face.font));
        x.create_gc(gc, pixmap, &tools)?.check()?;
        Ok(Self { pixmap, gc, face, colours, sample: sample() })
    }

    /// Shows the window as it is in `state`; when this returns, it can be seen.
    pub(super) fn paint(&self, x: &RustConnection, window: Window, state: &State) -> Outcome<()> {
        let Colours { ground, ink, paper, button, pressed } = self.colours;
        self.fill(x, WHOLE, ground)?;
        let button = if state.pressed { pressed } else { button };
        self.fill(x, BUTTON, button)?;
        self.fill(x, ENTRY, if state.focused { pressed } else { ink })?;
        self.fill(x, PAPER, paper)?;
        x.change_gc(self.gc, &ChangeGCAux::new().foreground(ink))?;
        x.poly_point(CoordMode::ORIGIN, self.pixmap, self.gc, &self.sample)?;
        if let Some(face) = &self.face {
            let beside_button = step(BUTTON.x, 1, BUTTON.width + 24);
            let middle = step(BUTTON.y, 1, (BUTTON.height + face.ascent) / 2);
            self.write(x, (ENTRY.x, 48), HEADING, (ink, ground))?;
            self.write(x, (face.centred(LABEL, BUTTON), middle), LABEL, (paper, button))?;
            self.write(x, (beside_button, middle), &format!("clicks: {}", state.clicks), (ink, ground))?;
            self.write_entry(x, face, state)?;
        }
        x.copy_area(self.pixmap, window, self.gc, 0, 0, 0, 0, SIZE.0, SIZE.1)?;
        // The answer to a question comes after everything before it was done.
        x.get_input_focus()?.reply()?;
        Ok(())
    }

    fn write_entry(&self, x: &RustConnection, face: &Face, state: &State) -> Outcome<()> {
        let Colours { ink, paper, .. } = self.colours;
        let columns = (ENTRY.width - 2 * PADDING) / face.advance;
        let rows = (ENTRY.height - 2 * PADDING) / face.height;
        let lines = visible(&state.text, columns.into(), rows.into());
        let (left, top) = (step(ENTRY.x, 1, PADDING), step(ENTRY.y, 1, PADDING));
        for (row, line) in lines.iter().enumerate() {
            let baseline = step(step(top, row, face.height), 1, face.ascent);
            self.write(x, (left, baseline), line, (ink, paper))?;
        }
        if let (true, Some(last)) = (state.focused, lines.last()) {
            let caret = Rectangle {
                x: step(left, last.chars().count(), face.advance),
                y: step(top, lines.len() - 1, face.height),
                width: 2,
                height: face.height,
            };
            self.fill(x, caret, ink)?;
        }
        Ok(())
    }

    fn fill(&self, x: &RustConnection, part: Rectangle, colour: u32) -> Outcome<()> {
        x.change_gc(self.gc, &ChangeGCAux::new().foreground(colour))?;
        x.poly_fill_rectangle(self.pixmap, self.gc, &[part])?;
        Ok(())
    }

    /// Writes a line, its first letter standing at this place.
    fn write(&self, x: &RustConnection, at: (i16, i16), line: &str, (ink, paper): (u32, u32)) -> Outcome<()> {
        x.change_gc(self.gc, &ChangeGCAux::new().foreground(ink).background(paper))?;
        x.image_text16(self.pixmap, self.gc, at.0, at.1, &glyphs(line))?;
        Ok(())
    }
}

impl Colours {
    fn allocate(wire: &Wire) -> Outcome<Self> {
        let map = wire.screen().default_colormap;
        let pixel = |colour: [u8; 3]| -> Outcome<u32> {
            let [red, green, blue] = colour.map(|channel| u16::from(channel) * 257);
            Ok(wire.x.alloc_color(map, red, green, blue)?.reply()?.pixel)
        };
        Ok(Self {
            ground: pixel(GROUND)?,
            ink: pixel(INK)?,
            paper: pixel(WHITE)?,
            button: pixel(BLUE)?,
            pressed: pixel(DARK_BLUE)?,
        })
    }
}

impl Face {
    /// The first font that the server has.
    fn open(x: &RustConnection) -> Outcome<Option<Self>> {
        for name in FONTS {
            let font = x.generate_id()?;
            match x.open_font(font, name.as_bytes())?.check() {
                Ok(()) => {
                    let metrics = x.query_font(font)?.reply()?;
                    let size = |pixels: i16| u16::try_from(pixels).unwrap_or_default().max(1);
                    return Ok(Some(Self {
                        font,
                        ascent: size(metrics.font_ascent),
                        height: size(metrics.font_ascent.saturating_add(metrics.font_descent)),
                        advance: size(metrics.max_bounds.character_width),
                    }));
                }
                Err(ReplyError::X11Error(_)) => {}
                Err(gone @ ReplyError::ConnectionError(_)) => return Err(gone.into()),
            }
        }
        Ok(None)
    }

    /// Where a line begins that stands in the middle of a part.
    fn centred(&self, line: &str, part: Rectangle) -> i16 {
        let free = usize::from(part.width).saturating_sub(line.chars().count() * usize::from(self.advance));
        step(part.x, free / 2, 1)
    }
}

/// The pixels of the sample's letters.
fn sample() -> Vec<Point> {
    const STYLE: (FontWeight, RasterHeight) = (FontWeight::Regular, RasterHeight::Size20);
    /// From which coverage on a pixel belongs to a letter.
    const INKED: u8 = 96;
    let advance = get_raster_width(STYLE.0, STYLE.1) as u16;
    let (left, top) = (SAMPLE_PLACE.x + 12, SAMPLE_PLACE.y + 8);
    let mut points = Vec::new();
    for (index, letter) in SAMPLE.chars().enumerate() {
        let Some(raster) = get_raster(letter, STYLE.0, STYLE.1) else { continue };
        for (row, y) in raster.rows().zip(top..) {
            let inked = row.iter().zip(step(left, index, advance)..).filter(|(coverage, _)| **coverage >= INKED);
            points.extend(inked.map(|(_, x)| Point { x, y }));
        }
    }
    points
}

/// So many steps of so many pixels from a place.
fn step(from: i16, steps: usize, pixels: u16) -> i16 {
    let distance = steps.saturating_mul(pixels.into());
    from.saturating_add(i16::try_from(distance).unwrap_or(i16::MAX))
}

/// The last rows of a text that is broken into lines where it is too long for one.
fn visible(text: &str, columns: usize, rows: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for line in text.split('\n') {
        let letters: Vec<char> = line.chars().collect();
        if letters.is_empty() {
            lines.push(String::new());
        }
        lines.extend(letters.chunks(columns.max(1)).map(|part| part.iter().collect::<String>()));
    }
    lines.drain(..lines.len().saturating_sub(rows.max(1)));
    lines
}

/// What stands for a line in a font: two bytes for each character, none for those that have no such number.
fn glyphs(line: &str) -> Vec<Char2b> {
    let glyph = |character: char| {
        let shown = if character == '\t' { ' ' } else { character };
        let [byte1, byte2] = u16::try_from(u32::from(shown)).unwrap_or(0xfffd).to_be_bytes();
        Char2b { byte1, byte2 }
    };
    line.chars().take(MAX_GLYPHS).map(glyph).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_broken_into_lines_and_its_end_is_seen() {
        assert_eq!(visible("", 4, 3), [""]);
        assert_eq!(visible("abcdefghi", 4, 3), ["abcd", "efgh", "i"]);
        assert_eq!(visible("abcd\n\nx\n", 4, 9), ["abcd", "", "x", ""]);
        assert_eq!(visible("1\n2\n3\n4世界", 2, 2), ["4世", "界"]);
        assert_eq!(visible("ab", 0, 0), ["b"]);
    }

    #[test]
    fn a_line_is_never_longer_than_a_request_takes() {
        let line = glyphs(&"é".repeat(1000));
        assert_eq!(line.len(), MAX_GLYPHS);
        assert_eq!((line[0].byte1, line[0].byte2), (0, 0xe9));
        let others = glyphs("世\t🚀");
        let numbers: Vec<u16> = others.iter().map(|glyph| u16::from_be_bytes([glyph.byte1, glyph.byte2])).collect();
        assert_eq!(numbers, [0x4e16, 0x20, 0xfffd]);
    }

    #[test]
    fn the_parts_are_on_the_window_and_apart() {
        let ends = |part: Rectangle| (step(part.x, 1, part.width), step(part.y, 1, part.height));
        for part in [BUTTON, ENTRY, SAMPLE_PLACE] {
            let (right, bottom) = ends(part);
            assert!(part.x > 0 && part.y > 0 && right < SIZE.0 as i16 && bottom < SIZE.1 as i16);
        }
        assert!(ends(BUTTON).1 < ENTRY.y && ends(SAMPLE_PLACE).1 < ENTRY.y);
        assert!(ends(BUTTON).0 < SAMPLE_PLACE.x);
        for ((x, y), _) in PAINTED {
            assert!(x > 0 && y > 0 && x < SIZE.0 as i16 && y < SIZE.1 as i16);
        }
    }

    #[test]
    fn the_sample_is_drawn_within_its_place() {
        let points = sample();
        assert!(points.len() > 20 * SAMPLE.chars().count());
        let (right, bottom) =
            (step(SAMPLE_PLACE.x, 1, SAMPLE_PLACE.width), step(SAMPLE_PLACE.y, 1, SAMPLE_PLACE.height));
        for Point { x, y } in points {
            assert!(x > SAMPLE_PLACE.x && x < right && y > SAMPLE_PLACE.y && y < bottom, "{x},{y}");
        }
    }
}
