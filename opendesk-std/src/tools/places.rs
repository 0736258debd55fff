//! Where something is, as the tool `mouse` takes it.

use super::session::Session;
use super::target::{Target, ToolError};
use crate::api::{Point, Rect};
use crate::picture::Mapping;

/// The pixel of the desktop that a point lies in, such as `120,45`.
pub(super) fn pixel(point: Point) -> String {
    format!("{},{}", point.x.floor(), point.y.floor())
}

/// Turns places of the desktop into those that agents point at: pixels of the last screenshot, or of the desktop as long as
/// there is none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Places(Option<Mapping>);

impl Places {
    /// # Errors
    /// Those of [`Session::shot`].
    pub(super) fn of(session: &Session, target: &Target) -> Result<Self, ToolError> {
        Ok(Self(session.shot(target, None)?.map(|shot| shot.mapping)))
    }

    /// In what they are given.
    pub(super) const fn unit(self) -> &'static str {
        match self.0 {
            Some(_) => "pixels of the last screenshot",
            None => "desktop pixels",
        }
    }

    /// The middle and the size of a rectangle, such as `120,45 60x20`.
    pub(super) fn of_rect(self, rect: Rect) -> String {
        let Point { x, y } = rect.center();
        let Some(mapping) = self.0 else {
            return format!("{},{} {}x{}", x.round(), y.round(), rect.width.round(), rect.height.round());
        };
        let ratio = |pixels: u32, extent: f64, size: f64| (size * f64::from(pixels) / extent).round().max(1.0);
        match mapping.to_picture(Point { x, y }) {
            Some((x, y)) => {
                let width = ratio(mapping.picture.0, mapping.area.width, rect.width);
                format!("{x},{y} {width}x{}", ratio(mapping.picture.1, mapping.area.height, rect.height))
            }
            None => "outside the last screenshot".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_those_that_the_mouse_takes() {
        let rect = Rect::new(100.0, 40.0, 60.0, 20.0);
        assert_eq!(Places(None).of_rect(rect), "130,50 60x20");
        let half = Places(Some(Mapping { picture: (320, 240), area: Rect::new(0.0, 0.0, 640.0, 480.0) }));
        assert_eq!(half.of_rect(rect), "65,25 30x10");
        let elsewhere = Places(Some(Mapping { picture: (320, 240), area: Rect::new(640.0, 0.0, 640.0, 480.0) }));
        assert_eq!(elsewhere.of_rect(rect), "outside the last screenshot");
        assert_ne!(half.unit(), Places(None).unit());
    }
}
