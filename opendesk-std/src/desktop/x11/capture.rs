//! Pictures of the desktop, and what else is only looked at.

use core::ops::Range;
use core::time::Duration;

use x11rb::connection::Connection as _;
use x11rb::protocol::ErrorKind;
use x11rb::protocol::shm::ConnectionExt as _;
use x11rb::protocol::xfixes::{self, ConnectionExt as _, GetCursorImageReply};
use x11rb::protocol::xproto::{ConnectionExt as _, Drawable, ImageFormat, ImageOrder, Visualid};

use super::connection::{Fault, Outcome, Wire};
use super::input::Extensions;
use super::input::wait;
use super::layout::{self, Layout, Surveyor};
use super::shm::Shm;
use super::windows::{ClientWindow, Roster, Surface, Surfaces};
use crate::api::{Error, Point, Rect, Window};
use crate::clock::monotonic;
use crate::desktop::{CaptureArea, Frame};

/// A part of a picture is at least so long, in bytes: a request more costs what copying so much does.
const BAND_BYTES: usize = 512 << 10;

/// After the last one is written only that one is left to copy.
const MOST_BANDS: usize = 16;

/// How often a window that draws what was covered is looked at.
const REPAINT_POLL: Duration = Duration::from_millis(15);

/// How long a window may take to begin to draw what was covered.
const REPAINT_BEGINS: Duration = Duration::from_millis(250);

/// How long a window that has drawn has to rest before it counts as complete.
const REPAINT_RESTS: Duration = Duration::from_millis(60);

/// How long all of that may take: some windows never rest.
const REPAINT: Duration = Duration::from_millis(600);

/// The connection that looks and never touches, so that no input event waits for a picture.
pub(super) struct Eyes {
    wire: Wire,
    surveyor: Surveyor,
    shm: Shm,
    roster: Roster,
    /// Those of this server by which the other connections act.
    pub(super) extensions: Extensions,
    surfaces: Surfaces,
    /// Whether the server's pixels are the ones of [`Frame`].
    readable: bool,
    /// Whether the server tells what the pointer looks like.
    cursor: bool,
}

impl Eyes {
    pub(super) fn start(wire: Wire) -> Outcome<Self> {
        let cursor = wire.has(xfixes::X11_EXTENSION_NAME)? && {
            // The server refuses every other request of the extension until this one was made.
            wire.x.xfixes_query_version(4, 0)?.reply()?.major_version >= 1
        };
        let (surveyor, shm) = (Surveyor::probe(&wire)?, Shm::probe(&wire)?);
        let (roster, surfaces) = (Roster::probe(&wire)?, Surfaces::probe(&wire)?);
        let screen = wire.screen();
        let readable = has_readable_pixels(&wire, screen.root_depth, screen.root_visual);
        let extensions = Extensions::probe(&wire)?;
        Ok(Self { wire, surveyor, shm, roster, surfaces, readable, cursor, extensions })
    }

    /// Whether captures work on this server.
    pub(super) fn can_capture(&self) -> bool {
        self.readable
    }

    pub(super) fn layout(&mut self) -> Outcome<Layout> {
        self.wire.take_events(|_| {})?;
        self.surveyor.survey(&self.wire)
    }

    /// The open windows, the one in front first.
    pub(super) fn clients(&mut self) -> Outcome<Vec<ClientWindow>> {
        self.wire.take_events(|_| {})?;
        self.roster.clients(&self.wire)
    }

    /// See [`Roster::can_manage`].
    pub(super) fn can_manage(&self) -> Outcome<(bool, bool)> {
        self.wire.take_events(|_| {})?;
        self.roster.can_manage(&self.wire)
    }

    /// The open window that an id names.
    pub(super) fn window(&self, id: &str) -> Outcome<Window> {
        self.wire.take_events(|_| {})?;
        self.roster.window(&self.wire, id)
    }

    pub(super) fn cursor_position(&mut self) -> Outcome<Point> {
        self.wire.take_events(|_| {})?;
        let pointer = self.wire.x.query_pointer(self.wire.root())?.reply()?;
        Ok(Point::new(f64::from(pointer.root_x), f64::from(pointer.root_y)))
    }

    /// The keycodes that the server holds for pressed.
    pub(super) fn pressed_keys(&mut self) -> Outcome<Vec<u8>> {
        self.wire.take_events(|_| {})?;
        let bits = self.wire.x.query_keymap()?.reply()?.keys;
        let is_down = |code: &u8| (bits[usize::from(code / 8)] >> (code % 8)) & 1 == 1;
        Ok((0..=u8::MAX).filter(is_down).collect())
    }

    /// Takes a picture: of a display or the desktop in one round trip for the layout and one for the pixels, of a window
    /// in some more.
    pub(super) fn capture(&mut self, area: &CaptureArea) -> Outcome<Frame> {
        if area.cursor && !self.cursor {
            return Err(self.wire.cannot("the mouse pointer in a capture", "has no XFIXES extension").into());
        }
        if let Some(id) = &area.window_id {
            return self.capture_window(id, area);
        }
        if !self.readable {
            return Err(unreadable(&self.wire).into());
        }
        let root = self.wire.root();
        let mut tried = false;
        loop {
            let rect = self.layout()?.area(area)?;
            match self.shoot((root, Point::default()), rect, area.cursor) {
                // The screen became smaller between the two round trips.
                Err(Fault::Refused(error)) if error.error_kind == ErrorKind::Match && !tried => tried = true,
                outcome => return outcome,
            }
        }
    }

    fn capture_window(&mut self, id: &str, area: &CaptureArea) -> Outcome<Frame> {
        if area.display_id.is_some() {
            let message = "a capture shows one display or one window; leave out display_id or window_id";
            return Err(Error::invalid(message).into());
        }
        self.wire.take_events(|_| {})?;
        let surface = self.surfaces.open(&self.wire, &self.roster, id)?;
        let outcome = self.shoot_window(&surface, area);
        surface.close(&self.wire)?;
        outcome
    }

    fn shoot_window(&mut self, surface: &Surface, area: &CaptureArea) -> Outcome<Frame> {
        if !has_readable_pixels(&self.wire, surface.depth, surface.visual) {
            return Err(unreadable(&self.wire).into());
        }
        let rect = layout::part(surface.bounds.rect(), "the window", area.region)?;
        let whole = surface.whole.rect();
        let from = (surface.pixmap, Point::new(whole.x, whole.y));
        if surface.was_hidden {
            self.await_repaint(from, rect)?;
        }
        self.shoot(from, rect, area.cursor)
    }

    /// Waits until a window that was covered has drawn itself, as far as that can be told from outside.
    fn await_repaint(&mut self, from: (Drawable, Point), rect: Rect) -> Outcome<()> {
        let begun = monotonic();
        let (mut pixels, mut changed) = (read_pixels(&self.wire, &mut self.shm, from, rect)?, None);
        loop {
            wait(REPAINT_POLL);
            let now = monotonic();
            let seen = read_pixels(&self.wire, &mut self.shm, from, rect)?;
            if seen != pixels {
                (pixels, changed) = (seen, Some(now));
            }
            let (since, patience) = match changed {
                Some(changed) => (changed, REPAINT_RESTS),
                None => (begun, REPAINT_BEGINS),
            };
            if now - since >= patience || now - begun >= REPAINT {
                return Ok(());
            }
        }
    }

    /// Reads a part of the desktop from what shows it and lies there.
    fn shoot(&mut self, from: (Drawable, Point), rect: Rect, cursor: bool) -> Outcome<Frame> {
        // Asked for together, so that the pointer stands where it stood when the pixels were read.
        let pointer = if cursor { Some(self.wire.x.xfixes_get_cursor_image()?) } else { None };
        let pixels = read_pixels(&self.wire, &mut self.shm, from, rect)?;
        let mut frame = Frame { width: rect.width as u32, height: rect.height as u32, pixels, area: rect };
        if let Some(pointer) = pointer {
            draw_pointer(&mut frame, &pointer.reply()?);
        }
        Ok(frame)
    }
}

/// Whether an image of something of this kind is rows of blue, green, red and an unused byte, without padding.
fn has_readable_pixels(wire: &Wire, depth: u8, visual: Visualid) -> bool {
    let (setup, screen) = (wire.x.setup(), wire.screen());
    let four_bytes = setup.pixmap_formats.iter().any(|format| format.depth == depth && format.bits_per_pixel == 32);
    let blue_first = screen.allowed_depths.iter().flat_map(|depth| &depth.visuals).any(|known| {
        known.visual_id == visual && (known.red_mask, known.green_mask, known.blue_mask) == (0xff_0000, 0xff00, 0xff)
    });
    matches!(depth, 24 | 32) && four_bytes && blue_first && setup.image_byte_order == ImageOrder::LSB_FIRST
}

fn unreadable(wire: &Wire) -> Error {
    wire.cannot("display.capture", "does not keep 24- or 32-bit colour in little-endian pixels of four bytes")
}

/// The pixels of a part of the desktop, from what lies there, through shared memory where the server takes it.
fn read_pixels(wire: &Wire, shm: &mut Shm, (drawable, at): (Drawable, Point), rect: Rect) -> Outcome<Vec<u8>> {
    const ALL_PLANES: u32 = !0;
    let (x, y) = ((rect.x - at.x) as i16, (rect.y - at.y) as i16);
    let (width, height) = (rect.width as u16, rect.height as u16);
    let bytes = usize::from(width) * usize::from(height) * 4;
    let format = ImageFormat::Z_PIXMAP;
    if let Some(segment) = shm.segment(wire, bytes)? {
        let row = usize::from(width) * 4;
        let bands = bands(height, row);
        // All are on their way before the first is waited for, so nothing is drawn in between.
        let asked = bands.iter().map(|band| {
            let (top, rows) = (y + band.start as i16, band.end - band.start);
            let at = u32::from(band.start) * row as u32;
            wire.x.shm_get_image(drawable, x, top, width, rows, ALL_PLANES, format.into(), segment.id, at)
        });
        let asked = asked.collect::<Result<Vec<_>, _>>()?;
        let mut pixels = Vec::with_capacity(bytes);
        for (asked, band) in asked.into_iter().zip(bands) {
            asked.reply()?;
            segment.memory.read(usize::from(band.start) * row..usize::from(band.end) * row, &mut pixels);
        }
        return Ok(pixels);
    }
    let mut pixels = wire.x.get_image(format, drawable, x, y, width, height, ALL_PLANES)?.reply()?.data;
    if pixels.len() < bytes {
        return Err(Error::internal(format!("the X server sent {} of {bytes} bytes of a picture", pixels.len())).into());
    }
    pixels.truncate(bytes);
    Ok(pixels)
}

/// The rows of a large picture in a few parts: one is copied here while the server writes the next.
fn bands(height: u16, row: usize) -> Vec<Range<u16>> {
    let bands = (usize::from(height) * row / BAND_BYTES).clamp(1, MOST_BANDS) as u16;
    let edge = |band: u16| (u32::from(height) * u32::from(band) / u32::from(bands)) as u16;
    (0..bands).map(|band| edge(band)..edge(band + 1)).collect()
}

/// Draws the mouse pointer, whose colours are multiplied by their opacity already, so that its hotspot lies where
/// the pointer is.
fn draw_pointer(frame: &mut Frame, pointer: &GetCursorImageReply) {
    let left = i64::from(pointer.x) - i64::from(pointer.xhot) - frame.area.x as i64;
    let top = i64::from(pointer.y) - i64::from(pointer.yhot) - frame.area.y as i64;
    let (width, height) = (i64::from(frame.width), i64::from(frame.height));
    let line = usize::from(pointer.width).max(1);
    for (y, row) in (top..).zip(pointer.cursor_image.chunks(line)) {
        for (x, argb) in (left..).zip(row) {
            if !(0..width).contains(&x) || !(0..height).contains(&y) {
                continue;
            }
            // Within the frame, so neither negative nor too large.
            let offset = ((y * width + x) * 4) as usize;
            let Some(pixel) = frame.pixels.get_mut(offset..offset + 3) else { continue };
            let [blue, green, red, opacity] = argb.to_le_bytes();
            let clear = u16::from(u8::MAX - opacity);
            for (below, above) in pixel.iter_mut().zip([blue, green, red]) {
                let shining = (u16::from(*below) * clear + 127) / 255;
                *below = above.saturating_add(shining as u8);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_are_all_rows_once() {
        for (height, width) in [(1, 1), (1080, 1920), (65_535, 10_000), (7, 600_000), (2160, 3840)] {
            let bands = bands(height, width * 4);
            assert!((1..=MOST_BANDS).contains(&bands.len()), "{height} {width}");
            assert_eq!((bands[0].start, bands[bands.len() - 1].end), (0, height));
            assert!(bands.windows(2).all(|two| two[0].end == two[1].start));
        }
        assert_eq!(bands(64, 64 * 4).len(), 1, "a small one is asked for at once");
    }

    fn grey(area: Rect) -> Frame {
        let (width, height) = (area.width as u32, area.height as u32);
        Frame { width, height, pixels: vec![100; (width * height * 4) as usize], area }
    }

    fn pixel(frame: &Frame, x: usize, y: usize) -> [u8; 3] {
        let offset = (y * frame.width as usize + x) * 4;
        [frame.pixels[offset], frame.pixels[offset + 1], frame.pixels[offset + 2]]
    }

    /// Two by two: opaque red, half-transparent white; fully transparent, opaque blue. The hotspot is the last one.
    fn pointer(x: i16, y: i16) -> GetCursorImageReply {
        GetCursorImageReply {
            x,
            y,
            width: 2,
            height: 2,
            xhot: 1,
            yhot: 1,
            cursor_image: vec![0xffff_0000, 0x8080_8080, 0x0000_0000, 0xff00_00ff],
            ..Default::default()
        }
    }

    #[test]
    fn the_pointer_lies_with_its_hotspot_where_it_is() {
        let mut frame = grey(Rect::new(10.0, 20.0, 4.0, 4.0));
        draw_pointer(&mut frame, &pointer(12, 22));
        assert_eq!(pixel(&frame, 1, 1), [0, 0, 255], "red, blue first");
        assert_eq!(pixel(&frame, 2, 1), [178, 178, 178], "half white over grey");
        assert_eq!(pixel(&frame, 1, 2), [100, 100, 100], "nothing drawn");
        assert_eq!(pixel(&frame, 2, 2), [255, 0, 0], "the hotspot");
        let touched = frame.pixels.chunks(4).filter(|pixel| pixel[..3] != [100; 3]).count();
        assert_eq!(touched, 3);
    }

    #[test]
    fn a_pointer_over_the_edge_is_cut() {
        for (x, y, left) in [(0, 0, 1), (4, 4, 1), (4, 1, 1), (-1, 0, 0), (30, 30, 0), (-30000, 32767, 0)] {
            let mut frame = grey(Rect::new(0.0, 0.0, 4.0, 4.0));
            draw_pointer(&mut frame, &pointer(x, y));
            let touched = frame.pixels.chunks(4).filter(|pixel| pixel[..3] != [100; 3]).count();
            assert_eq!(touched, left, "{x} {y}");
        }
    }

    #[test]
    fn a_pointer_without_an_image_is_nothing() {
        let mut frame = grey(Rect::new(0.0, 0.0, 2.0, 2.0));
        draw_pointer(&mut frame, &GetCursorImageReply::default());
        assert_eq!(frame.pixels, vec![100; 16]);
    }
}
