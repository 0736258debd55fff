//! The displays: where they are, and how many device pixels show them.

use super::geometry::{Area, Spot};
use super::view::View;
use super::{MAX_SIZE, MIN_SIZE};
use crate::api::{Display, Error, ErrorCode, Point, Rect, Result};

/// The most displays: as many as one machine drives.
const MOST: usize = 16;
/// How far from the desktop's origin a display may be, in logical pixels.
const FARTHEST: f64 = 32768.0;

/// A display of a [`VirtualDesktop`](super::VirtualDesktop).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VirtualDisplay {
    /// Where it is, in whole logical pixels; coordinates may be negative.
    pub bounds: Rect,
    /// Device pixels for each logical pixel, from 0.5 to 4; the display has to be a whole number of device pixels wide
    /// and high.
    pub scale_factor: f64,
}

/// A display that is possible.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    area: Area,
    scale: f64,
}

impl Place {
    fn of(display: &VirtualDisplay) -> Result<Self> {
        let VirtualDisplay { bounds: Rect { x, y, width, height }, scale_factor: scale } = *display;
        // False for what is no number, as are the comparisons below.
        let is_whole = |number: f64| (number - number.round()).abs() < 1e-6;
        let is_placed = [x, y].into_iter().all(|edge| is_whole(edge) && edge.abs() <= FARTHEST);
        let is_sized = [(width, MIN_SIZE.0, MAX_SIZE.0), (height, MIN_SIZE.1, MAX_SIZE.1)]
            .into_iter()
            .all(|(length, least, most)| is_whole(length) && (f64::from(least)..=f64::from(most)).contains(&length));
        let is_scaled = (0.5..=4.0).contains(&scale) && is_whole(width * scale) && is_whole(height * scale);
        if is_placed && is_sized && is_scaled {
            let whole = |number: f64| number.round() as i32;
            return Ok(Self { area: Area::new(whole(x), whole(y), whole(width), whole(height)), scale });
        }
        Err(Error::invalid(format!(
            "the virtual desktop cannot have a display of {width}×{height} at ({x}, {y}) with the scale {scale}; it \
             takes whole pixels, {}×{} to {}×{} of them, and a scale of 0.5 to 4",
            MIN_SIZE.0, MIN_SIZE.1, MAX_SIZE.0, MAX_SIZE.1
        )))
    }

    /// All of it.
    pub(super) fn view(self) -> View {
        View::new(self.area, self.scale)
    }
}

/// All displays, the primary one first, none over another.
#[derive(Debug)]
pub(super) struct Displays {
    places: Vec<Place>,
    primary: Area,
    bounds: Area,
}

impl Displays {
    /// One display at the origin with a scale of 1.
    pub(super) fn single(width: i32, height: i32) -> Self {
        let area = Area::new(0, 0, width, height);
        Self { places: vec![Place { area, scale: 1.0 }], primary: area, bounds: area }
    }

    /// Several displays.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`] for too few or too many, for one that cannot be, for two in one place, and for
    /// more than a picture holds.
    pub(super) fn of(displays: &[VirtualDisplay]) -> Result<Self> {
        let mut places: Vec<Place> = Vec::new();
        for display in displays {
            let place = Place::of(display)?;
            if places.iter().any(|other| !other.area.overlap(place.area).is_empty()) {
                let message = format!("the display of {} lies over another one; move it", place.area.words());
                return Err(Error::invalid(message));
            }
            places.push(place);
        }
        let count = places.len();
        let primary = places.first().filter(|_| count <= MOST).map(|place| place.area);
        let Some(primary) = primary else {
            return Err(Error::invalid(format!("the virtual desktop has 1 to {MOST} displays, not {count}")));
        };
        let bounds = places.iter().fold(primary, |bounds, place| bounds.around(place.area));
        let displays = Self { places, primary, bounds };
        let scale = displays.largest_scale(|_| true);
        let pixels = f64::from(bounds.w) * f64::from(bounds.h) * scale * scale;
        let most = f64::from(MAX_SIZE.0) * f64::from(MAX_SIZE.1);
        if pixels > most {
            return Err(Error::invalid(format!(
                "a picture of all displays would have {pixels} pixels, and {most} is the most; bring them closer"
            )));
        }
        Ok(displays)
    }

    /// The display with the panel.
    pub(super) const fn primary(&self) -> Area {
        self.primary
    }

    /// The smallest area that holds all of them.
    pub(super) const fn bounds(&self) -> Area {
        self.bounds
    }

    pub(super) fn areas(&self) -> impl Iterator<Item = Area> {
        self.places.iter().map(|place| place.area)
    }

    /// The displays as other modules know them.
    pub(super) fn list(&self) -> Vec<Display> {
        let display = |(index, place): (usize, &Place)| Display {
            id: (index + 1).to_string(),
            bounds: place.area.rect(),
            scale_factor: place.scale,
            primary: index == 0,
            name: Some(if index == 0 {
                "Virtual display".to_owned()
            } else {
                format!("Virtual display {}", index + 1)
            }),
        };
        self.places.iter().enumerate().map(display).collect()
    }

    /// The display of an id.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for an id that none has.
    pub(super) fn find(&self, id: &str) -> Result<Place> {
        let found = self.places.iter().enumerate().find(|(index, _)| (index + 1).to_string() == id);
        found.map(|(_, place)| *place).ok_or_else(|| {
            let last = self.places.len();
            let known =
                if last == 1 { "its only display is \"1\"".to_owned() } else { format!("there are 1 to {last}") };
            Error::new(ErrorCode::NotFound, format!("the virtual desktop has no display {id:?}; {known}"))
        })
    }

    /// The pixel at a point.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`] for a point that is on no display.
    pub(super) fn spot(&self, point: Point) -> Result<Spot> {
        if self.areas().any(|area| area.rect().contains(point)) {
            return Ok(Spot::new(point.x.floor() as i32, point.y.floor() as i32));
        }
        Err(Error::invalid(format!(
            "the point ({}, {}) is not on the virtual desktop, which is {}",
            point.x,
            point.y,
            self.words()
        )))
    }

    /// The view of a region: that of the display which holds it, or else all of the desktop in the finest pixels.
    pub(super) fn view(&self, region: Option<Rect>) -> View {
        let holds = |view: &View| region.is_some_and(|region| view.part(region).is_some());
        let found = self.places.iter().map(|place| place.view()).find(holds);
        found.unwrap_or_else(|| View::new(self.bounds, self.largest_scale(|_| true)))
    }

    /// The view of an area in the finest pixels of the displays that it is on.
    pub(super) fn view_of(&self, area: Area) -> View {
        View::new(area, self.largest_scale(|place| !place.area.overlap(area).is_empty()))
    }

    /// All displays, for messages.
    pub(super) fn words(&self) -> String {
        let all: Vec<String> = self.areas().map(Area::words).collect();
        all.join(" and ")
    }

    /// The largest scale among some displays, or 1.
    fn largest_scale(&self, among: impl Fn(&Place) -> bool) -> f64 {
        let scales = self.places.iter().filter(|place| among(place)).map(|place| place.scale);
        scales.reduce(f64::max).unwrap_or(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn display(x: f64, y: f64, width: f64, height: f64, scale_factor: f64) -> VirtualDisplay {
        VirtualDisplay { bounds: Rect::new(x, y, width, height), scale_factor }
    }

    fn two() -> Displays {
        Displays::of(&[display(0.0, 0.0, 1280.0, 800.0, 1.5), display(-640.0, 100.0, 640.0, 360.0, 3.0)]).unwrap()
    }

    #[test]
    fn displays_lie_side_by_side() {
        let displays = two();
        assert_eq!(displays.primary(), Area::new(0, 0, 1280, 800));
        assert_eq!(displays.bounds(), Area::new(-640, 0, 1920, 800));
        let list = displays.list();
        let outline: Vec<_> = list.iter().map(|display| (display.id.as_str(), display.primary)).collect();
        assert_eq!(outline, [("1", true), ("2", false)]);
        assert_eq!(displays.spot(Point::new(-0.5, 100.0)).unwrap(), Spot::new(-1, 100));
        for beside in [Point::new(-0.5, 99.9), Point::new(-640.1, 200.0), Point::new(f64::NAN, 200.0)] {
            let error = displays.spot(beside).unwrap_err();
            assert!(error.message.ends_with("1280×800 at (0, 0) and 640×360 at (-640, 100)"), "{error}");
        }
    }

    #[test]
    fn a_region_is_shown_in_the_pixels_of_its_display() {
        let displays = two();
        let view = displays.view(Some(Rect::new(-640.0, 100.0, 640.0, 360.0)));
        assert_eq!(view, displays.find("2").unwrap().view());
        assert_eq!(view.whole(), Area::new(0, 0, 1920, 1080));
        assert_eq!(displays.view(Some(Rect::new(5.0, 5.0, 1.0, 1.0))).whole(), Area::new(0, 0, 1920, 1200));
        let both = displays.view(Some(Rect::new(-5.0, 200.0, 10.0, 10.0)));
        assert_eq!((both, both.whole()), (displays.view(None), Area::new(0, 0, 5760, 2400)));
        assert_eq!(displays.view_of(Area::new(-10, 200, 20, 20)).whole(), Area::new(0, 0, 60, 60));
        assert_eq!(displays.view_of(Area::new(10, 200, 20, 20)).whole(), Area::new(0, 0, 30, 30));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let fine = display(0.0, 0.0, 800.0, 600.0, 1.0);
        for bad in [
            display(0.5, 0.0, 800.0, 600.0, 1.0),
            display(0.0, 0.0, 801.0, 600.0, 1.25),
            display(0.0, 0.0, 800.0, 100.0, 1.0),
            display(0.0, 0.0, 800.0, 600.0, 5.0),
            display(0.0, 0.0, 800.0, 600.0, f64::NAN),
            display(f64::INFINITY, 0.0, 800.0, 600.0, 1.0),
            display(40000.0, 0.0, 800.0, 600.0, 1.0),
        ] {
            let error = Displays::of(&[bad]).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidArgument, "{bad:?}");
        }
        for several in [vec![], vec![fine; 2], vec![fine, display(30000.0, 30000.0, 800.0, 600.0, 1.0)]] {
            assert!(Displays::of(&several).is_err(), "{several:?}");
        }
        for (id, known) in [("3", "1 to 2"), ("", "1 to 2"), ("01", "1 to 2")] {
            let error = two().find(id).unwrap_err();
            assert!(error.code == ErrorCode::NotFound && error.message.ends_with(known), "{error}");
        }
    }
}
