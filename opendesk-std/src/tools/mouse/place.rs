//! Where a call of `mouse` points: from what the agent saw to the desktop.

use std::sync::Arc;

use crate::api::{DisplayCursorPosition, Point};
use crate::tools::ToolError;
use crate::tools::session::Session;
use crate::tools::shots::Shot;
use crate::tools::target::Target;

/// A point of the desktop, and how the agent named it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Place {
    pub(super) point: Point,
    /// Begins with a space; empty for points of the desktop.
    pub(super) named: String,
}

impl Place {
    /// A point of the desktop that was named as one.
    pub(super) const fn of(point: Point) -> Self {
        Self { point, named: String::new() }
    }
}

/// What a call points into.
pub(super) struct Ground<'a> {
    session: &'a Session,
    target: &'a Target,
    /// None before there was any picture, and at the desktop itself.
    pub(super) shot: Option<Arc<Shot>>,
    is_desktop: bool,
}

impl<'a> Ground<'a> {
    /// The picture that is named, else the last one.
    ///
    /// # Errors
    /// Those of [`Session::shot`].
    pub(super) fn new(session: &'a Session, target: &'a Target, shot_id: Option<&str>) -> Result<Self, ToolError> {
        Ok(Self { session, target, shot: session.shot(target, shot_id)?, is_desktop: false })
    }

    /// The desktop itself, whatever pictures of it there were.
    pub(super) const fn desktop(session: &'a Session, target: &'a Target) -> Self {
        Self { session, target, shot: None, is_desktop: true }
    }

    /// A pixel of the picture. Before any picture it is a point of the desktop, where one call knows of another.
    ///
    /// # Errors
    /// For what lies outside the picture, and where a picture has to be named.
    pub(super) fn pixel(&self, x: f64, y: f64) -> Result<Place, ToolError> {
        match &self.shot {
            Some(shot) => {
                let named = format!(" (pixel {x},{y} of the picture {})", shot.id);
                Ok(Place { point: shot.point(x, y)?, named })
            }
            None if self.session.is_stateless() && !self.is_desktop => {
                Err(missing("without a session there is no last picture; take a screenshot and give its `shot_id`"))
            }
            None => Ok(Place::of(Point::new(x, y))),
        }
    }

    /// The middle of a numbered element.
    ///
    /// # Errors
    /// Where no such number is in the picture, and where what it stood at is not there any more.
    pub(super) async fn mark(&self, number: usize) -> Result<Place, ToolError> {
        let Some(shot) = &self.shot else {
            return Err(missing(
                "`mark` needs a picture with numbers; take a screenshot with `marks`, and give its `shot_id`",
            ));
        };
        let point = self.session.marked(shot, number).await?.point;
        Ok(Place { point, named: format!(" (element {number} of the picture {})", shot.id) })
    }

    /// Where the pointer is.
    ///
    /// # Errors
    /// Those of [`Session::call`].
    pub(super) async fn pointer(&self) -> Result<Place, ToolError> {
        let point = self.session.call::<DisplayCursorPosition>(self.target, &()).await?;
        Ok(Place { point, named: " (where the pointer was)".to_owned() })
    }

    /// Makes sure that the picture still shows what is there, and takes note of the element that the first point hits.
    ///
    /// # Errors
    /// Those of [`Session::still`].
    pub(super) async fn check(&self, points: &[Point]) -> Result<(), ToolError> {
        let Some(shot) = &self.shot else { return Ok(()) };
        self.session.still(shot, points).await?;
        if let Some(marks) = &shot.marks
            && let Some(mark) = points.first().and_then(|point| marks.at(*point))
        {
            self.session.caller.touch(marks.touched(mark));
        }
        Ok(())
    }
}

pub(super) fn missing(why: &str) -> ToolError {
    ToolError::Arguments(why.to_owned())
}
