//! Between the pixels of a picture and the points of the desktop that it shows.

use super::tiles::Region;
use crate::api::{Picture, Point, Rect};

/// What of the desktop each pixel of a picture shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mapping {
    /// Width and height of the picture, in its pixels.
    pub picture: (u32, u32),
    /// What it shows, in logical pixels.
    pub area: Rect,
}

impl Mapping {
    /// The mapping of a picture.
    #[must_use]
    pub const fn of(picture: &Picture) -> Self {
        Self { picture: (picture.width, picture.height), area: picture.area }
    }

    /// The point of the desktop in the middle of what a pixel of the picture shows; fractions name the pixel that
    /// they lie in. Where a pixel of the picture covers a logical pixel or more, the point is the corner of a whole
    /// logical pixel, one whose middle the pixel shows.
    ///
    /// `None` outside the picture: what lies there is unknown, and the nearest edge would be a guess.
    #[must_use]
    pub fn to_desktop(&self, x: f64, y: f64) -> Option<Point> {
        Some(Point::new(self.horizontal().to_desktop(x)?, self.vertical().to_desktop(y)?))
    }

    /// The pixel of the picture that shows a point of the desktop; `None` where the picture does not show it. Gives
    /// back the pixel that [`to_desktop`](Self::to_desktop) was given.
    #[must_use]
    pub fn to_picture(&self, point: Point) -> Option<(u32, u32)> {
        Some((self.horizontal().to_picture(point.x)?, self.vertical().to_picture(point.y)?))
    }

    /// What the pixels from one corner up to another show, widened to whole logical pixels as far as the picture goes: the
    /// right and the lower edge do not belong to it. `None` where it is empty or not all of it in the picture.
    #[must_use]
    pub fn part(&self, [left, top, right, bottom]: [f64; 4]) -> Option<Rect> {
        let (x, width) = self.horizontal().part(left, right)?;
        let (y, height) = self.vertical().part(top, bottom)?;
        Some(Rect::new(x, y, width, height))
    }

    /// The pixels that show some of a part of the desktop; `None` where the picture shows nothing of it.
    #[must_use]
    pub fn shows(&self, part: Rect) -> Option<Region> {
        let (x, width) = self.horizontal().shows(part.x, part.width)?;
        let (y, height) = self.vertical().shows(part.y, part.height)?;
        Some(Region { x, y, width, height })
    }

    const fn horizontal(&self) -> Axis {
        Axis { pixels: self.picture.0, origin: self.area.x, extent: self.area.width }
    }

    const fn vertical(&self) -> Axis {
        Axis { pixels: self.picture.1, origin: self.area.y, extent: self.area.height }
    }
}

/// One direction of a [`Mapping`].
#[derive(Clone, Copy)]
struct Axis {
    pixels: u32,
    origin: f64,
    extent: f64,
}

impl Axis {
    /// Logical pixels for each pixel of the picture; `None` for an area that is none.
    fn ratio(self) -> Option<f64> {
        let ratio = self.extent / f64::from(self.pixels);
        (ratio.is_finite() && ratio > 0.0 && self.origin.is_finite()).then_some(ratio)
    }

    fn to_desktop(self, position: f64) -> Option<f64> {
        let ratio = self.ratio()?;
        if !(0.0..f64::from(self.pixels)).contains(&position) {
            return None;
        }
        let pixel = position.floor();
        let middle = self.origin + (pixel + 0.5) * ratio;
        if ratio < 1.0 {
            return Some(middle);
        }
        // On a desktop whose origin is between two logical pixels the middle can be where one of them begins whose own
        // middle belongs to the next pixel of the picture already.
        let logical = middle.floor();
        let end = self.origin + (pixel + 1.0) * ratio;
        Some(if logical + 0.5 < end { logical } else { logical - 1.0 })
    }

    fn part(self, start: f64, end: f64) -> Option<(f64, f64)> {
        /// Less than anybody points at, more than what is lost by computing.
        const SLACK: f64 = 1e-6;
        let ratio = self.ratio()?;
        // False for a NaN.
        let is_inside = start >= 0.0 && start < end && end <= f64::from(self.pixels);
        if !is_inside {
            return None;
        }
        let limit = self.origin + self.extent;
        let first = (self.origin + start * ratio + SLACK).floor().max(self.origin);
        let last = (self.origin + end * ratio - SLACK).ceil().min(limit);
        let mut length = last - first;
        while first + length > limit {
            length = length.next_down();
        }
        (length > 0.0).then_some((first, length))
    }

    fn shows(self, start: f64, length: f64) -> Option<(u32, u32)> {
        let ratio = self.ratio()?;
        let place = |point: f64| ((point - self.origin) / ratio).clamp(0.0, f64::from(self.pixels));
        let (first, last) = (place(start).floor(), place(start + length).ceil());
        (last > first && length > 0.0).then_some((first as u32, (last - first) as u32))
    }

    fn to_picture(self, point: f64) -> Option<u32> {
        let ratio = self.ratio()?;
        // A whole logical pixel is shown by what shows its middle.
        let shown = if ratio < 1.0 { point } else { point.floor() + 0.5 };
        let shows = self.origin..self.origin + self.extent;
        if !shows.contains(&shown) && !shows.contains(&point) {
            return None;
        }
        let pixel = ((shown - self.origin) / ratio).floor().clamp(0.0, f64::from(self.pixels - 1));
        Some(pixel as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::PictureProfile;
    use crate::picture::fit;

    const SCALES: [f64; 5] = [1.0, 1.25, 1.5, 2.0, 3.0];
    const ORIGINS: [(f64, f64); 5] = [(0.0, 0.0), (1920.0, -300.0), (-1366.0, 768.0), (-1092.8, 0.4), (0.5, -0.5)];

    const PROFILES: [PictureProfile; 4] =
        [PictureProfile::Claude, PictureProfile::ClaudeHires, PictureProfile::Openai, PictureProfile::Native];

    /// Mappings of displays of these device pixels at every scale and origin, for each profile.
    fn mappings(device: &[(u32, u32)]) -> Vec<Mapping> {
        let mut mappings = Vec::new();
        for (width, height) in device {
            for scale in SCALES {
                for (x, y) in ORIGINS {
                    for profile in PROFILES {
                        mappings.push(Mapping {
                            picture: fit(*width, *height, profile),
                            area: Rect::new(x, y, f64::from(*width) / scale, f64::from(*height) / scale),
                        });
                    }
                }
            }
        }
        mappings
    }

    #[test]
    fn every_pixel_finds_back_to_itself() {
        for mapping in mappings(&[(1920, 1080), (3840, 2160), (1366, 768), (2880, 1800), (1569, 33), (7, 5), (1, 1)]) {
            let (width, height) = mapping.picture;
            for step in 0..width.max(height) {
                let (x, y) = (step.min(width - 1), step.min(height - 1));
                let point = mapping.to_desktop(f64::from(x), f64::from(y)).unwrap();
                assert_eq!(mapping.to_picture(point), Some((x, y)), "{mapping:?} {point:?}");
            }
        }
    }

    #[test]
    fn the_point_lies_in_what_the_pixel_shows() {
        for mapping in mappings(&[(1920, 1080), (2560, 1440), (1366, 768), (5, 3)]) {
            let (width, height) = mapping.picture;
            let ratio = mapping.area.width / f64::from(width);
            for x in 0..width {
                let point = mapping.to_desktop(f64::from(x), f64::from(height - 1)).unwrap();
                let middle = if ratio < 1.0 { point.x } else { point.x + 0.5 };
                let start = mapping.area.x + f64::from(x) * ratio;
                let shows = start - 1e-9..start + ratio + 1e-9;
                assert!(shows.contains(&middle), "{mapping:?} {x} {point:?}");
                assert!(ratio < 1.0 || point.x.fract() == 0.0, "{mapping:?} {x} {point:?}");
            }
        }
    }

    #[test]
    fn a_picture_of_the_same_size_maps_pixel_to_pixel() {
        let mapping = Mapping { picture: (100, 50), area: Rect::new(-30.0, 7.0, 100.0, 50.0) };
        assert_eq!(mapping.to_desktop(0.0, 0.0), Some(Point::new(-30.0, 7.0)));
        assert_eq!(mapping.to_desktop(99.0, 49.0), Some(Point::new(69.0, 56.0)));
        assert_eq!(mapping.to_desktop(99.9, 49.9), Some(Point::new(69.0, 56.0)));
        assert_eq!(mapping.to_picture(Point::new(-30.0, 7.0)), Some((0, 0)));
        assert_eq!(mapping.to_picture(Point::new(69.9, 56.9)), Some((99, 49)));
    }

    #[test]
    fn a_smaller_picture_points_at_the_middle() {
        let mapping = Mapping { picture: (1456, 819), area: Rect::new(0.0, 0.0, 1920.0, 1080.0) };
        assert_eq!(mapping.to_desktop(728.0, 409.0), Some(Point::new(960.0, 540.0)));
        let third = Mapping { picture: (10, 10), area: Rect::new(0.0, 0.0, 30.0, 30.0) };
        assert_eq!(third.to_desktop(0.0, 9.0), Some(Point::new(1.0, 28.0)));
    }

    #[test]
    fn a_part_of_a_picture_is_whole_pixels_of_the_desktop_and_lies_in_it() {
        for mapping in mappings(&[(1920, 1080), (2560, 1440), (1366, 768), (5, 3)]) {
            let (width, height) = mapping.picture;
            let area = mapping.area;
            let whole = mapping.part([0.0, 0.0, f64::from(width), f64::from(height)]).unwrap();
            for part in [whole, mapping.part([0.0, 0.0, 1.0, 1.0]).unwrap()] {
                assert!(part.x >= area.x && part.x + part.width <= area.x + area.width, "{mapping:?} {part:?}");
                assert!(part.y >= area.y && part.y + part.height <= area.y + area.height, "{mapping:?} {part:?}");
            }
            assert!((whole.width - area.width).abs() < 1e-6 && (whole.height - area.height).abs() < 1e-6, "{whole:?}");
            assert_eq!(mapping.shows(area), Some(Region { x: 0, y: 0, width, height }), "{mapping:?}");
        }
        let mapping = Mapping { picture: (50, 50), area: Rect::new(-100.0, 0.0, 100.0, 100.0) };
        assert_eq!(mapping.part([10.0, 20.0, 15.0, 22.0]), Some(Rect::new(-80.0, 40.0, 10.0, 4.0)));
        let shown = Region { x: 10, y: 20, width: 5, height: 2 };
        assert_eq!(mapping.shows(Rect::new(-80.0, 40.0, 10.0, 4.0)), Some(shown));
        for corners in [
            [5.0, 5.0, 5.0, 9.0],
            [9.0, 5.0, 5.0, 9.0],
            [-1.0, 0.0, 5.0, 5.0],
            [0.0, 0.0, 51.0, 5.0],
            [f64::NAN, 0.0, 5.0, 5.0],
            [0.0, 0.0, f64::INFINITY, 5.0],
        ] {
            assert_eq!(mapping.part(corners), None, "{corners:?}");
        }
        for outside in
            [Rect::new(0.0, 0.0, 9.0, 9.0), Rect::new(-50.0, 100.0, 9.0, 9.0), Rect::new(-50.0, 5.0, 0.0, 9.0)]
        {
            assert_eq!(mapping.shows(outside), None, "{outside:?}");
        }
    }

    #[test]
    fn a_finer_picture_points_between_logical_pixels() {
        let mapping = Mapping { picture: (200, 200), area: Rect::new(10.0, 0.0, 100.0, 100.0) };
        assert_eq!(mapping.to_desktop(0.0, 1.0), Some(Point::new(10.25, 0.75)));
        assert_eq!(mapping.to_picture(Point::new(10.5, 99.9)), Some((1, 199)));
    }

    #[test]
    fn what_is_outside_is_refused() {
        let mapping = Mapping { picture: (100, 50), area: Rect::new(10.0, 20.0, 200.0, 100.0) };
        for (x, y) in [
            (-0.001, 0.0),
            (0.0, -1.0),
            (100.0, 0.0),
            (0.0, 50.0),
            (f64::NAN, 0.0),
            (0.0, f64::INFINITY),
            (f64::NEG_INFINITY, 0.0),
        ] {
            assert_eq!(mapping.to_desktop(x, y), None, "{x} {y}");
        }
        for (x, y) in [(9.0, 20.0), (10.0, 19.0), (210.0, 20.0), (10.0, 120.0), (f64::NAN, 20.0), (f64::MAX, 20.0)] {
            assert_eq!(mapping.to_picture(Point::new(x, y)), None, "{x} {y}");
        }
    }

    #[test]
    fn an_area_that_is_none_shows_nothing() {
        for (width, area) in [
            (0, Rect::new(0.0, 0.0, 10.0, 10.0)),
            (10, Rect::new(0.0, 0.0, 0.0, 10.0)),
            (10, Rect::new(0.0, 0.0, -10.0, 10.0)),
            (10, Rect::new(f64::NAN, 0.0, 10.0, 10.0)),
            (10, Rect::new(0.0, 0.0, f64::INFINITY, 10.0)),
        ] {
            let mapping = Mapping { picture: (width, 10), area };
            assert_eq!(mapping.to_desktop(0.0, 0.0), None, "{area:?}");
            assert_eq!(mapping.to_picture(Point::new(0.0, 0.0)), None, "{area:?}");
        }
    }
}
