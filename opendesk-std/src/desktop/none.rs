//! No desktop at all, for a host that only pairs.

use core::time::Duration;

use super::{CaptureArea, Computer, Frame, Key};
use crate::api::{Button, Display, Error, Point, Press, Result};
use crate::cancel::Cancel;

/// Refuses everything. A host that is started only to pair has nothing to drive.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoDesktop;

impl NoDesktop {
    fn refuse<T>(self, capability: &str) -> Result<T> {
        Err(Error::unsupported(capability, self.name()))
    }
}

impl Computer for NoDesktop {
    fn name(&self) -> &'static str {
        "none"
    }

    fn capabilities(&self) -> Vec<&'static str> {
        Vec::new()
    }

    fn displays(&self) -> Result<Vec<Display>> {
        self.refuse("display.capture")
    }

    fn capture(&self, _area: &CaptureArea) -> Result<Frame> {
        self.refuse("display.capture")
    }

    fn cursor_position(&self) -> Result<Point> {
        self.refuse("input.pointer")
    }

    fn move_pointer(&self, _to: Point) -> Result<()> {
        self.refuse("input.pointer")
    }

    fn button(&self, _button: Button, _press: Press) -> Result<()> {
        self.refuse("input.pointer")
    }

    fn scroll(&self, _right: f64, _up: f64) -> Result<()> {
        self.refuse("input.pointer")
    }

    fn key(&self, _key: Key, _press: Press) -> Result<()> {
        self.refuse("input.keyboard")
    }

    fn type_text(&self, _text: &str, _pause: Duration, _cancel: &Cancel) -> Result<()> {
        self.refuse("input.text")
    }
}
