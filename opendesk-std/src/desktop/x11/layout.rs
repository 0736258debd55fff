//! Where the displays lie.

use std::collections::HashMap;

use x11rb::protocol::randr::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{Atom, ConnectionExt as _};

use super::connection::{Outcome, Wire};
use crate::api::{Display, Error, ErrorCode, Point, Rect, Result};
use crate::desktop::CaptureArea;

/// Asks one server for its layout. Nothing is remembered but names, which a server never changes: a monitor can
/// be plugged in at any time, and asking costs one round trip (0.02 ms).
#[derive(Debug)]
pub(super) struct Surveyor {
    monitors: bool,
    names: HashMap<Atom, Option<String>>,
}

impl Surveyor {
    pub(super) fn probe(wire: &Wire) -> Outcome<Self> {
        let monitors = wire.has(randr::X11_EXTENSION_NAME)? && {
            let version = wire.x.randr_query_version(1, 5)?.reply()?;
            (version.major_version, version.minor_version) >= (1, 5)
        };
        Ok(Self { monitors, names: HashMap::new() })
    }

    pub(super) fn survey(&mut self, wire: &Wire) -> Outcome<Layout> {
        let root = wire.root();
        let geometry = wire.x.get_geometry(root)?;
        let monitors = if self.monitors { Some(wire.x.randr_get_monitors(root, true)?) } else { None };
        let geometry = geometry.reply()?;
        let desktop = Rect::new(0.0, 0.0, f64::from(geometry.width), f64::from(geometry.height));
        let mut displays = Vec::new();
        if let Some(monitors) = monitors {
            for monitor in monitors.reply()?.monitors {
                let Some(bounds) = visible(&monitor, desktop) else { continue };
                let name = self.name(wire, monitor.name)?;
                let id = name.clone().unwrap_or_else(|| displays.len().to_string());
                displays.push(Display { id, bounds, scale_factor: 1.0, primary: monitor.primary, name });
            }
        }
        Ok(Layout::new(desktop, displays))
    }

    fn name(&mut self, wire: &Wire, atom: Atom) -> Outcome<Option<String>> {
        if let Some(known) = self.names.get(&atom) {
            return Ok(known.clone());
        }
        let name = if atom == x11rb::NONE {
            None
        } else {
            let bytes = wire.x.get_atom_name(atom)?.reply()?.name;
            Some(String::from_utf8_lossy(&bytes).into_owned()).filter(|name| !name.is_empty())
        };
        self.names.insert(atom, name.clone());
        Ok(name)
    }
}

/// The part of a monitor that lies on the desktop: a monitor may be declared larger than the screen is.
fn visible(monitor: &randr::MonitorInfo, desktop: Rect) -> Option<Rect> {
    let left = f64::from(monitor.x).max(0.0);
    let top = f64::from(monitor.y).max(0.0);
    let right = (f64::from(monitor.x) + f64::from(monitor.width)).min(desktop.width);
    let bottom = (f64::from(monitor.y) + f64::from(monitor.height)).min(desktop.height);
    (right > left && bottom > top).then(|| Rect::new(left, top, right - left, bottom - top))
}

/// The desktop and its displays at one moment.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    desktop: Rect,
    /// The primary one first; at least one.
    pub(super) displays: Vec<Display>,
}

impl Layout {
    /// Puts the displays in order. A desktop without monitors is one display.
    fn new(desktop: Rect, mut displays: Vec<Display>) -> Self {
        displays.sort_by_key(|display| !display.primary);
        if displays.is_empty() {
            let screen = "screen".to_owned();
            displays.push(Display { id: screen, bounds: desktop, scale_factor: 1.0, primary: true, name: None });
        }
        for (index, display) in displays.iter_mut().enumerate() {
            display.primary = index == 0;
        }
        Self { desktop, displays }
    }

    /// The display with this id, or at this place of the list when no id is spelt so.
    fn display(&self, id: &str) -> Result<&Display> {
        let at_index = || self.displays.get(id.parse::<usize>().ok()?);
        self.displays.iter().find(|display| display.id == id).or_else(at_index).ok_or_else(|| {
            let ids: Vec<&str> = self.displays.iter().map(|display| display.id.as_str()).collect();
            Error::new(ErrorCode::NotFound, format!("there is no display {id:?}; the displays are {}", ids.join(", ")))
        })
    }

    /// The whole pixels that a capture of a display or of the desktop covers.
    pub(super) fn area(&self, area: &CaptureArea) -> Result<Rect> {
        let (whole, what) = match &area.display_id {
            Some(id) => (self.display(id)?.bounds, "the display"),
            None => (self.desktop, "the desktop"),
        };
        part(whole, what, area.region)
    }

    /// The pixel that a point lies in, on some display.
    pub(super) fn pixel(&self, point: Point) -> Result<(i16, i16)> {
        if self.displays.iter().any(|display| display.bounds.contains(point)) {
            // A screen's coordinates fit: the protocol has no others.
            return Ok((point.x.floor() as i16, point.y.floor() as i16));
        }
        let places: Vec<String> = self.displays.iter().map(|display| extent(display.bounds)).collect();
        Err(Error::invalid(format!(
            "({}, {}) is outside every display; there is {}",
            point.x,
            point.y,
            places.join(" and ")
        )))
    }
}

/// The whole pixels of something that a region covers, or all of it: a region is widened to the pixels that it touches.
pub(super) fn part(whole: Rect, what: &str, region: Option<Rect>) -> Result<Rect> {
    let Some(region) = region else { return Ok(whole) };
    let (left, top) = (region.x.floor(), region.y.floor());
    let right = (region.x + region.width).ceil().max(left + 1.0);
    let bottom = (region.y + region.height).ceil().max(top + 1.0);
    // Written so that a NaN fails it.
    let fits = region.width > 0.0
        && region.height > 0.0
        && left >= whole.x
        && top >= whole.y
        && right <= whole.x + whole.width
        && bottom <= whole.y + whole.height;
    if fits {
        Ok(Rect::new(left, top, right - left, bottom - top))
    } else {
        Err(Error::invalid(format!(
            "the region at ({}, {}) of {} by {} is not within {what}, which is {}",
            region.x,
            region.y,
            region.width,
            region.height,
            extent(whole)
        )))
    }
}

fn extent(area: Rect) -> String {
    format!("x {} to {} and y {} to {}", area.x, area.x + area.width, area.y, area.y + area.height)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ErrorCode;

    fn display(id: &str, bounds: Rect, primary: bool) -> Display {
        Display { id: id.to_owned(), bounds, scale_factor: 1.0, primary, name: Some(id.to_owned()) }
    }

    /// A small display on the left, the primary one on the right, nothing below the small one.
    fn two() -> Layout {
        Layout::new(
            Rect::new(0.0, 0.0, 300.0, 100.0),
            vec![
                display("HDMI-1", Rect::new(0.0, 0.0, 100.0, 50.0), false),
                display("DP-2", Rect::new(100.0, 0.0, 200.0, 100.0), true),
            ],
        )
    }

    fn region(display: Option<&str>, region: Rect) -> CaptureArea {
        CaptureArea { display_id: display.map(str::to_owned), region: Some(region), ..CaptureArea::default() }
    }

    #[test]
    fn the_primary_display_comes_first() {
        let ids: Vec<_> = two().displays.into_iter().map(|display| (display.id, display.primary)).collect();
        assert_eq!(ids, [("DP-2".to_owned(), true), ("HDMI-1".to_owned(), false)]);
    }

    #[test]
    fn a_desktop_without_monitors_is_one_primary_display() {
        let layout = Layout::new(Rect::new(0.0, 0.0, 640.0, 480.0), vec![]);
        assert_eq!(layout.displays.len(), 1);
        assert!(layout.displays[0].primary);
        assert_eq!(layout.displays[0].bounds, Rect::new(0.0, 0.0, 640.0, 480.0));
        let none = [display("a", Rect::new(0.0, 0.0, 9.0, 9.0), false)].to_vec();
        assert!(Layout::new(Rect::new(0.0, 0.0, 9.0, 9.0), none).displays[0].primary);
    }

    #[test]
    fn a_display_is_found_by_id_and_by_index() {
        let layout = two();
        let whole = |id: &str| layout.area(&CaptureArea { display_id: Some(id.to_owned()), ..CaptureArea::default() });
        assert_eq!(whole("HDMI-1"), Ok(Rect::new(0.0, 0.0, 100.0, 50.0)));
        assert_eq!(whole("0"), Ok(Rect::new(100.0, 0.0, 200.0, 100.0)));
        let error = whole("2").unwrap_err();
        assert_eq!(error.code, ErrorCode::NotFound);
        assert!(error.message.contains("DP-2, HDMI-1"), "{error}");
    }

    #[test]
    fn a_region_is_widened_to_whole_pixels() {
        let area = two().area(&region(None, Rect::new(10.4, 5.0, 1.0, 2.5)));
        assert_eq!(area, Ok(Rect::new(10.0, 5.0, 2.0, 3.0)));
        let speck = two().area(&region(None, Rect::new(10.0, 5.0, 1e-300, 1.0)));
        assert_eq!(speck, Ok(Rect::new(10.0, 5.0, 1.0, 1.0)), "never less than the pixel it lies in");
        let edge = two().area(&region(Some("DP-2"), Rect::new(100.0, 0.0, 200.0, 100.0)));
        assert_eq!(edge, Ok(Rect::new(100.0, 0.0, 200.0, 100.0)));
    }

    #[test]
    fn a_region_must_lie_within_what_is_captured() {
        for (display, area) in [
            (None, Rect::new(-1.0, 0.0, 10.0, 10.0)),
            (None, Rect::new(295.0, 0.0, 6.0, 10.0)),
            (None, Rect::new(0.0, 0.0, 0.0, 10.0)),
            (None, Rect::new(5.0, 5.0, -5.0, 5.0)),
            (None, Rect::new(f64::NAN, 0.0, 1.0, 1.0)),
            (None, Rect::new(0.0, 0.0, f64::INFINITY, 1.0)),
            (None, Rect::new(0.0, 0.0, 1.0, f64::NAN)),
            (None, Rect::new(1e300, 0.0, 1.0, 1.0)),
            (Some("HDMI-1"), Rect::new(90.0, 0.0, 20.0, 10.0)),
        ] {
            let error = two().area(&region(display, area)).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidArgument, "{area:?}");
            assert!(error.message.contains("x 0 to"), "{error}");
        }
    }

    #[test]
    fn a_region_of_something_that_begins_left_of_the_desktop_has_negative_coordinates() {
        let window = Rect::new(-40.0, -10.0, 100.0, 50.0);
        assert_eq!(part(window, "the window", None), Ok(window));
        let inside = part(window, "the window", Some(Rect::new(-39.5, -10.0, 10.0, 10.5)));
        assert_eq!(inside, Ok(Rect::new(-40.0, -10.0, 11.0, 11.0)));
        let error = part(window, "the window", Some(Rect::new(-41.0, 0.0, 5.0, 5.0))).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidArgument);
        assert!(error.message.contains("the window, which is x -40 to 60"), "{error}");
    }

    #[test]
    fn a_display_left_of_the_primary_one_begins_at_zero_and_keeps_its_name() {
        let left = two().area(&region(Some("HDMI-1"), Rect::new(0.0, 0.0, 10.0, 10.0)));
        assert_eq!(left, Ok(Rect::new(0.0, 0.0, 10.0, 10.0)));
        let primary = two().displays[0].clone();
        assert_eq!((primary.id.as_str(), primary.bounds.x), ("DP-2", 100.0), "the root window has no negative pixels");
    }

    #[test]
    fn corners_are_on_the_desktop_and_gaps_between_displays_are_not() {
        let layout = two();
        assert_eq!(layout.pixel(Point::new(0.0, 0.0)), Ok((0, 0)));
        assert_eq!(layout.pixel(Point::new(299.9, 99.9)), Ok((299, 99)));
        for (x, y) in [(300.0, 0.0), (0.0, 50.0), (-0.1, 0.0), (f64::NAN, 0.0), (0.0, f64::INFINITY)] {
            let error = layout.pixel(Point::new(x, y)).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidArgument, "{x} {y}");
        }
    }

    #[test]
    fn a_monitor_counts_as_far_as_the_screen_goes() {
        let desktop = Rect::new(0.0, 0.0, 100.0, 100.0);
        let monitor = |x, y, width, height| randr::MonitorInfo { x, y, width, height, ..Default::default() };
        assert_eq!(visible(&monitor(50, 0, 100, 50), desktop), Some(Rect::new(50.0, 0.0, 50.0, 50.0)));
        assert_eq!(visible(&monitor(-10, 0, 30, 100), desktop), Some(Rect::new(0.0, 0.0, 20.0, 100.0)));
        assert_eq!(visible(&monitor(100, 0, 30, 100), desktop), None);
        assert_eq!(visible(&monitor(0, 0, 0, 100), desktop), None);
    }
}
