//! The picture of the X desktop by xcap, beside ours. It is there with the feature `against-xcap` only.

use std::env;

use opendesk_std::desktop::{CaptureArea, Computer};
use xcap::{Monitor, XCapResult};

use super::sample::{Sample, measure};
use super::{Report, failed};
use crate::exit::Failure;

pub(super) fn row(report: &mut Report, x11: &dyn Computer, rounds: usize) -> Result<(), Failure> {
    let area = CaptureArea::default();
    let frame = x11.capture(&area).map_err(failed)?;
    let (width, height) = (frame.width, frame.height);
    let what = format!("x11: capture {width}x{height} by xcap");
    let monitor = match monitor(width, height) {
        Ok(monitor) => monitor,
        Err(failure) => {
            report.note(format!("{what}: not measured: {failure}"));
            return Ok(());
        }
    };
    // Side by side in small turns, so that what else the machine does falls on both.
    let (mut ours, mut theirs) = (Sample::default(), Sample::default());
    for _ in 0..10 * rounds {
        ours.take(measure(2, || x11.capture(&area).map(drop)).map_err(failed)?);
        theirs.take(measure(2, || monitor.capture_image().map(drop)).map_err(failed)?);
    }
    report.row(&what, theirs, Some(("our capture", ours)));
    Ok(())
}

/// What xcap calls the display that we look at, found by its size, and seen to give a picture of that size.
fn monitor(width: u32, height: u32) -> Result<Monitor, Failure> {
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|set| set.to_lowercase().contains(value));
    // There xcap asks the desktop portal, whatever DISPLAY says.
    if is("XDG_SESSION_TYPE", "wayland") || is("WAYLAND_DISPLAY", "wayland") {
        return Err(Failure::failed(
            "xcap takes pictures of Wayland here; unset XDG_SESSION_TYPE and WAYLAND_DISPLAY for it to see the X server",
        ));
    }
    let same = |monitor: &Monitor| -> XCapResult<bool> {
        let image = monitor.capture_image()?;
        Ok((image.width(), image.height()) == (width, height))
    };
    for monitor in Monitor::all().map_err(failed)? {
        if same(&monitor).map_err(failed)? {
            return Ok(monitor);
        }
    }
    Err(Failure::failed("xcap sees no monitor of that size"))
}
