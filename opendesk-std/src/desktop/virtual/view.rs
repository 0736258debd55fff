//! What a picture shows: an area of the desktop, and the device pixels that show it.

use super::geometry::Area;
use super::paint::Canvas;
use crate::api::{Point, Rect};

/// How far beside the edge of a pixel a computed place may lie and still mean the edge, in pixels.
const TINY: f64 = 1e-6;

/// An area in whole logical pixels, and how many device pixels show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct View {
    area: Area,
    width: i32,
    height: i32,
}

impl View {
    /// The view of an area at so many device pixels for each logical one.
    pub(super) fn new(area: Area, scale: f64) -> Self {
        let pixels = |length: i32| ((f64::from(length) * scale).round() as i32).max(1);
        Self { area, width: pixels(area.w), height: pixels(area.h) }
    }

    /// All of its pixels.
    pub(super) const fn whole(self) -> Area {
        Area::new(0, 0, self.width, self.height)
    }

    /// What all of it shows, for messages.
    pub(super) fn words(self) -> String {
        self.area.words()
    }

    /// The pixels that a region of the desktop touches; nothing for one that is empty or not wholly in the area.
    pub(super) fn part(self, region: Rect) -> Option<Area> {
        let bounds = self.area.rect();
        let (right, bottom) = (region.x + region.width, region.y + region.height);
        let starts = bounds.contains(Point::new(region.x, region.y));
        let ends = region.width > 0.0
            && region.height > 0.0
            && right <= bounds.x + bounds.width
            && bottom <= bounds.y + bounds.height;
        if !starts || !ends {
            return None;
        }
        let (x, w) = self.horizontal().touched(region.x, right);
        let (y, h) = self.vertical().touched(region.y, bottom);
        Some(Area::new(x, y, w, h))
    }

    /// What some of the pixels show.
    pub(super) fn shown(self, part: Area) -> Rect {
        let (x, width) = self.horizontal().shown(part.x, part.w);
        let (y, height) = self.vertical().shown(part.y, part.h);
        Rect::new(x, y, width, height)
    }

    /// The logical pixels that it takes to draw some of the pixels.
    pub(super) fn needs(self, part: Area) -> Area {
        let (columns, rows) = (self.horizontal(), self.vertical());
        let (x, y) = (columns.logical(part.x), rows.logical(part.y));
        let (right, bottom) = (columns.logical(part.right() - 1) + 1, rows.logical(part.bottom() - 1) + 1);
        Area::new(x, y, right - x, bottom - y)
    }

    /// The bytes of some of the pixels, from a picture of what they need.
    pub(super) fn pixels(self, part: Area, drawn: Canvas) -> Vec<u8> {
        let (columns, rows) = (self.horizontal(), self.vertical());
        if columns.is_plain() && rows.is_plain() {
            return drawn.into_pixels();
        }
        let columns: Vec<i32> = (part.x..part.right()).map(|pixel| columns.logical(pixel)).collect();
        let rows: Vec<i32> = (part.y..part.bottom()).map(|pixel| rows.logical(pixel)).collect();
        drawn.spread(&columns, &rows)
    }

    const fn horizontal(self) -> Axis {
        Axis { origin: self.area.x, extent: self.area.w, pixels: self.width }
    }

    const fn vertical(self) -> Axis {
        Axis { origin: self.area.y, extent: self.area.h, pixels: self.height }
    }
}

/// One direction of a [`View`].
#[derive(Clone, Copy)]
struct Axis {
    origin: i32,
    extent: i32,
    pixels: i32,
}

impl Axis {
    /// Whether each pixel shows a logical pixel of its own.
    const fn is_plain(self) -> bool {
        self.extent == self.pixels
    }

    /// The first pixel between two places within the extent, and how many there are.
    fn touched(self, start: f64, end: f64) -> (i32, i32) {
        let pixel = |place: f64| (place - f64::from(self.origin)) * f64::from(self.pixels) / f64::from(self.extent);
        let first = ((pixel(start) + TINY).floor() as i32).min(self.pixels - 1);
        let end = ((pixel(end) - TINY).ceil() as i32).clamp(first + 1, self.pixels);
        (first, end - first)
    }

    /// Where so many pixels begin, and how far they reach.
    fn shown(self, first: i32, count: i32) -> (f64, f64) {
        let length = |pixels: i32| f64::from(pixels) * f64::from(self.extent) / f64::from(self.pixels);
        (f64::from(self.origin) + length(first), length(count))
    }

    /// The logical pixel in the middle of what a pixel shows.
    fn logical(self, pixel: i32) -> i32 {
        let middle = (f64::from(pixel) + 0.5) * f64::from(self.extent) / f64::from(self.pixels);
        self.origin + middle.floor() as i32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_shows_the_region_and_less_than_a_pixel_more() {
        for scale in [0.5, 1.0, 1.25, 1.5, 2.0, 3.0] {
            let view = View::new(Area::new(-800, 40, 800, 600), scale);
            assert_eq!(view.shown(view.whole()), Rect::new(-800.0, 40.0, 800.0, 600.0), "{scale}");
            for region in [Rect::new(-800.0, 40.0, 10.0, 4.0), Rect::new(-3.4, 601.25, 2.75, 38.75)] {
                let part = view.part(region).unwrap();
                let shown = view.shown(part);
                let less_than_a_pixel = -1e-9..1.0 / scale;
                assert!(less_than_a_pixel.contains(&(region.x - shown.x)), "{scale} {shown:?}");
                let (right, wanted) = (shown.x + shown.width, region.x + region.width);
                assert!(less_than_a_pixel.contains(&(right - wanted)), "{scale} {shown:?}");
                let needed = view.needs(part);
                assert_eq!(needed.overlap(Area::new(-800, 40, 800, 600)), needed, "{scale}");
            }
        }
    }

    #[test]
    fn every_logical_pixel_is_shown_where_it_is() {
        for scale in [1.0, 1.25, 1.5, 2.0, 3.0] {
            let view = View::new(Area::new(-40, 0, 40, 20), scale);
            for x in -40..0 {
                let place = f64::from(x);
                let part = view.part(Rect::new(place, 0.0, 1.0, 1.0)).unwrap();
                let columns: Vec<i32> = (part.x..part.right()).map(|pixel| view.horizontal().logical(pixel)).collect();
                assert!(columns.contains(&x) && columns.is_sorted(), "{scale} {x} {columns:?}");
            }
        }
    }

    #[test]
    fn what_is_no_region_of_it_has_no_part() {
        let view = View::new(Area::new(-10, 0, 20, 20), 2.0);
        for (x, y, width, height) in [
            (0.0, 0.0, 0.0, 5.0),
            (-11.0, 0.0, 5.0, 5.0),
            (8.0, 0.0, 3.0, 5.0),
            (0.0, 20.0, 5.0, 1e-20),
            (0.0, f64::NAN, 5.0, 5.0),
            (0.0, 0.0, f64::INFINITY, 5.0),
        ] {
            assert_eq!(view.part(Rect::new(x, y, width, height)), None, "{x} {y} {width} {height}");
        }
        assert_eq!(view.part(Rect::new(9.9, 19.9, 0.1, 0.05)), Some(Area::new(39, 39, 1, 1)));
    }
}
