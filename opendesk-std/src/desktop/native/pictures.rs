//! Pictures, displays and windows.

use xcap::{Monitor, Window as Seen, XCapResult};

use crate::api::{Display, Error, ErrorCode, Rect, Result, Window};
use crate::desktop::{CaptureArea, Frame};

fn told<T>(outcome: XCapResult<T>) -> Result<T> {
    outcome.map_err(|error| Error::internal(format!("this machine does not show its screen: {error}")))
}

fn monitors() -> Result<Vec<(Monitor, Display)>> {
    let mut monitors = Vec::new();
    for monitor in told(Monitor::all())? {
        let place = (told(monitor.x())?, told(monitor.y())?);
        let size = (told(monitor.width())?, told(monitor.height())?);
        let display = Display {
            id: told(monitor.id())?.to_string(),
            bounds: Rect::new(f64::from(place.0), f64::from(place.1), f64::from(size.0), f64::from(size.1)),
            // Where coordinates are pixels, a display has as many of them as it says, whatever it magnifies.
            scale_factor: if cfg!(target_os = "macos") { f64::from(told(monitor.scale_factor())?) } else { 1.0 },
            primary: told(monitor.is_primary())?,
            name: monitor.name().ok(),
        };
        monitors.push((monitor, display));
    }
    monitors.sort_by_key(|(_, display)| !display.primary);
    Ok(monitors)
}

pub(super) fn displays() -> Result<Vec<Display>> {
    Ok(monitors()?.into_iter().map(|(_, display)| display).collect())
}

pub(super) fn windows() -> Result<Vec<Window>> {
    let mut windows = Vec::new();
    for window in told(Seen::all())? {
        // One that has closed meanwhile tells nothing any more.
        let (Ok(id), Ok(bounds)) = (window.id(), bounds(&window)) else { continue };
        windows.push(Window {
            id: id.to_string(),
            title: window.title().unwrap_or_default(),
            app_name: window.app_name().unwrap_or_default(),
            pid: window.pid().ok(),
            bounds: Some(bounds),
            focused: window.is_focused().unwrap_or_default(),
            minimized: window.is_minimized().unwrap_or_default(),
            workspace: None,
        });
    }
    Ok(windows)
}

fn bounds(window: &Seen) -> XCapResult<Rect> {
    let (x, y) = (window.x()?, window.y()?);
    let (width, height) = (window.width()?, window.height()?);
    Ok(Rect::new(f64::from(x), f64::from(y), f64::from(width), f64::from(height)))
}

pub(super) fn capture(area: &CaptureArea) -> Result<Frame> {
    if area.cursor {
        let message = "this machine takes no pictures with the mouse pointer in them; leave it out";
        return Err(Error::new(ErrorCode::CapabilityUnsupported, message));
    }
    if area.window_id.is_some() && area.display_id.is_some() {
        return Err(Error::invalid("a picture is of a window or of a display, not of both; leave one out"));
    }
    let (image, whole) = match (&area.window_id, &area.display_id) {
        (Some(id), _) => {
            let is_it = |window: &Seen| window.id().is_ok_and(|found| found.to_string() == *id);
            let window = told(Seen::all())?
                .into_iter()
                .find(is_it)
                .ok_or_else(|| Error::new(ErrorCode::NotFound, format!("there is no window {id:?}")))?;
            (told(window.capture_image())?, told(bounds(&window))?)
        }
        (None, id) => {
            let monitors = monitors()?;
            // Without a name it is the display that the region lies on, or the primary one; the area tells which.
            let is_it = |display: &Display| match (id, area.region) {
                (Some(id), _) => display.id == *id,
                (None, Some(region)) => display.bounds.contains(region.center()),
                (None, None) => display.primary,
            };
            let (monitor, display) = monitors.into_iter().find(|(_, display)| is_it(display)).ok_or_else(|| {
                Error::new(ErrorCode::NotFound, "there is no such display; `display.displays` lists them")
            })?;
            (told(monitor.capture_image())?, display.bounds)
        }
    };
    let (width, height) = image.dimensions();
    let mut pixels = image.into_raw();
    for pixel in pixels.chunks_exact_mut(4) {
        pixel.swap(0, 2);
    }
    crop(Frame { width, height, pixels, area: whole }, area.region)
}

/// A part of a picture, in whole pixels of the device.
fn crop(frame: Frame, region: Option<Rect>) -> Result<Frame> {
    let Some(region) = region else { return Ok(frame) };
    let whole = frame.area;
    let (across, down) = (f64::from(frame.width) / whole.width, f64::from(frame.height) / whole.height);
    let (left, top) = (((region.x - whole.x) * across).floor(), ((region.y - whole.y) * down).floor());
    let right = ((region.x - whole.x + region.width) * across).ceil();
    let bottom = ((region.y - whole.y + region.height) * down).ceil();
    // False for a NaN.
    let fits = left >= 0.0
        && top >= 0.0
        && right > left
        && bottom > top
        && right <= f64::from(frame.width)
        && bottom <= f64::from(frame.height);
    if !fits {
        return Err(Error::invalid(format!("the region {region:?} is not within {whole:?}")));
    }
    let (left, top, right, bottom) = (left as usize, top as usize, right as usize, bottom as usize);
    let line = frame.width as usize * 4;
    let rows = frame.pixels.chunks_exact(line).take(bottom).skip(top);
    let pixels: Vec<u8> = rows.flat_map(|row| row[left * 4..right * 4].iter().copied()).collect();
    let area = Rect::new(
        whole.x + left as f64 / across,
        whole.y + top as f64 / down,
        (right - left) as f64 / across,
        (bottom - top) as f64 / down,
    );
    Ok(Frame { width: (right - left) as u32, height: (bottom - top) as u32, pixels, area })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_fine_picture_is_where_it_was() {
        let pixels: Vec<u8> = (0..8 * 4).flat_map(|index: u8| [index, 0, 0, 0]).collect();
        let frame = Frame { width: 8, height: 4, pixels, area: Rect::new(-4.0, 0.0, 4.0, 2.0) };
        let part = crop(frame.clone(), Some(Rect::new(-3.0, 1.0, 1.0, 1.0))).unwrap();
        assert_eq!((part.width, part.height, part.area), (2, 2, Rect::new(-3.0, 1.0, 1.0, 1.0)));
        let firsts: Vec<u8> = part.pixels.chunks(4).map(|pixel| pixel[0]).collect();
        assert_eq!(firsts, [18, 19, 26, 27]);
        for region in
            [Rect::new(-5.0, 0.0, 1.0, 1.0), Rect::new(0.0, 0.0, 1.0, 1.0), Rect::new(f64::NAN, 0.0, 1.0, 1.0)]
        {
            assert!(crop(frame.clone(), Some(region)).is_err(), "{region:?}");
        }
    }
}
