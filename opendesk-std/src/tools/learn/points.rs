//! Where on the desktop a call of `mouse` points. That has to be known when it is made: its picture is forgotten later.

use serde_json::Value;

use crate::api::Point;
use crate::tools::mouse;
use crate::tools::session::Session;
use crate::tools::target::Target;

/// The start, then what a drag goes through; nothing for other tools, and where it is not known.
pub(in crate::tools) fn pointed(
    session: &Session,
    tool: &str,
    target: Option<&Target>,
    arguments: &Value,
) -> Vec<Point> {
    let Some(target) = target.filter(|_| tool == mouse::TOOL.name) else { return Vec::new() };
    places(session, target, arguments).unwrap_or_default()
}

fn places(session: &Session, target: &Target, arguments: &Value) -> Option<Vec<Point>> {
    let shot = session.shot(target, arguments.get("shot_id").and_then(Value::as_str)).ok()?;
    let point = |x: f64, y: f64| match &shot {
        Some(shot) => shot.mapping.to_desktop(x, y),
        None => Some(Point::new(x, y)),
    };
    let number = |name: &str| arguments.get(name).and_then(Value::as_f64);
    let start = match arguments.get("mark").and_then(Value::as_u64) {
        Some(mark) => shot.as_ref()?.marks.as_ref()?.get(usize::try_from(mark).ok()?)?.point,
        None => point(number("x")?, number("y")?)?,
    };
    let mut points = vec![start];
    for place in arguments.get("path").and_then(Value::as_array).into_iter().flatten() {
        points.push(point(place.get(0)?.as_f64()?, place.get(1)?.as_f64()?)?);
    }
    if let (Some(x), Some(y)) = (number("end_x"), number("end_y")) {
        points.push(point(x, y)?);
    }
    Some(points)
}
