//! What one call does with the pointer: buttons that come up however it ends.

use super::place::missing;
use crate::api::{Button, DisplayDisplays, Effect, InputPointer, Modifier, Point, PointerAction, PointerEvent, Rect};
use crate::tools::session::{Gesture, Session};
use crate::tools::target::Target;
use crate::tools::{ToolError, is_refused};

/// What one call has to do with the pointer.
pub(super) struct Pointer<'a> {
    pub(super) session: &'a Session,
    pub(super) target: &'a Target,
    pub(super) modifiers: Vec<Modifier>,
}

impl Pointer<'_> {
    pub(super) fn event(&self, action: PointerAction, point: Point, button: Option<Button>) -> PointerEvent {
        PointerEvent { action, point, button, modifiers: self.modifiers.clone(), dx: 0.0, dy: 0.0 }
    }

    /// Goes where a button is about to be pressed. The modifiers are for that: pressed and released on the way, some of
    /// them open menus.
    async fn approach(&self, point: Point) -> Result<Effect, ToolError> {
        let modifiers = Vec::new();
        self.send(&PointerEvent { modifiers, ..self.event(PointerAction::Move, point, None) }).await
    }

    pub(super) async fn send(&self, event: &PointerEvent) -> Result<Effect, ToolError> {
        self.session.call::<InputPointer>(self.target, event).await
    }

    async fn send_held(&self, event: &PointerEvent, gesture: &mut Gesture) -> Result<Effect, ToolError> {
        self.session.call_held::<InputPointer>(self.target, event, gesture).await
    }

    pub(super) async fn click(&self, point: Point, button: Button, times: u32) -> Result<Effect, ToolError> {
        let mut effect = self.approach(point).await?;
        // Two clicks in two sessions are no double click.
        let mut gesture = Gesture::default();
        for _ in 0..times {
            let (held, pressed) = self.press(point, button, &mut gesture).await?;
            effect = effect.and(pressed).and(held.release(point).await?);
        }
        Ok(effect)
    }

    async fn press<'a>(
        &'a self,
        point: Point,
        button: Button,
        gesture: &'a mut Gesture,
    ) -> Result<(Held<'a>, Effect), ToolError> {
        let held = Held { pointer: self, gesture, point, button, down: true };
        let effect = self.send_held(&self.event(PointerAction::Down, point, Some(button)), held.gesture).await?;
        Ok((held, effect))
    }

    /// Presses the left button for later calls.
    pub(super) async fn down(&self, point: Point) -> Result<Effect, ToolError> {
        let mut gesture = Gesture::default();
        let down = self.event(PointerAction::Down, point, Some(Button::Left));
        let pressed = self.send_held(&down, &mut gesture).await?;
        self.session.keep_gesture(self.target, gesture);
        Ok(pressed)
    }

    /// Goes on with what [`down`](Self::down) has begun, if anything.
    pub(super) async fn go_on(&self, action: PointerAction, point: Point) -> Result<Effect, ToolError> {
        let (button, ends) = match action {
            PointerAction::Up => (Some(Button::Left), true),
            _ => (None, false),
        };
        let event = self.event(action, point, button);
        let Some(mut gesture) = self.session.take_gesture(self.target) else { return self.send(&event).await };
        let sent = self.send_held(&event, &mut gesture).await;
        if match &sent {
            Ok(_) => !ends,
            Err(error) => is_refused(error),
        } {
            self.session.keep_gesture(self.target, gesture);
        }
        sent
    }
}

/// A button that is down. It comes up however the call ends, also when the call is dropped.
struct Held<'a> {
    pointer: &'a Pointer<'a>,
    gesture: &'a mut Gesture,
    point: Point,
    button: Button,
    down: bool,
}

impl Held<'_> {
    async fn move_to(&mut self, point: Point) -> Result<Effect, ToolError> {
        self.pointer.send_held(&self.pointer.event(PointerAction::Move, point, None), self.gesture).await
    }

    async fn release(mut self, point: Point) -> Result<Effect, ToolError> {
        self.point = point;
        let up = self.pointer.event(PointerAction::Up, point, Some(self.button));
        let released = self.pointer.send_held(&up, self.gesture).await;
        self.down = released.is_err();
        released
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if self.down {
            let event = PointerEvent {
                action: PointerAction::Up,
                point: self.point,
                button: Some(self.button),
                modifiers: Vec::new(),
                dx: 0.0,
                dy: 0.0,
            };
            self.pointer.session.call_unheard::<InputPointer>(self.pointer.target, &event);
        }
    }
}

/// Moves between two points of a drag: programs that follow the pointer have to see it come.
const STEPS: usize = 10;

impl Pointer<'_> {
    /// Presses the left button at the first of some points and lets it go at the last. It comes up wherever the drag ends,
    /// also when a step in between fails.
    /// Nothing is pressed where one of the points lies on no display: what ends at once is a click.
    pub(super) async fn drag(&self, start: Point, then: &[Point]) -> Result<Effect, ToolError> {
        let displays = self.session.call::<DisplayDisplays>(self.target, &()).await?;
        let displays: Vec<Rect> = displays.into_iter().map(|display| display.bounds).collect();
        if let Some(outside) = core::iter::once(&start).chain(then).find(|point| !is_on(&displays, **point)) {
            let why = format!("{},{} is outside every display, so nothing was dragged", outside.x, outside.y);
            return Err(missing(&why));
        }
        let moved = self.approach(start).await?;
        let mut gesture = Gesture::default();
        let (mut held, pressed) = self.press(start, Button::Left, &mut gesture).await?;
        let mut dragged = Ok(moved);
        for point in between(start, then, &displays) {
            dragged = held.move_to(point).await;
            if dragged.is_err() {
                break;
            }
        }
        let last = match &dragged {
            Ok(_) => then.last().copied().unwrap_or(start),
            Err(error) if is_refused(error) => start,
            // Nobody waits for a machine that may be gone; it comes up all the same.
            Err(_) => return dragged,
        };
        let released = held.release(last).await;
        Ok(dragged?.and(pressed).and(released?))
    }
}

fn is_on(displays: &[Rect], point: Point) -> bool {
    displays.iter().any(|display| display.contains(point))
}

/// The points of a drag with those between them that lie on a display: about [`STEPS`] in all, and each of `then`.
fn between(start: Point, then: &[Point], displays: &[Rect]) -> Vec<Point> {
    let steps = (STEPS / then.len().max(1)).max(1);
    let mut from = start;
    let mut points = Vec::new();
    for to in then {
        for step in 1..=steps {
            let part = step as f64 / steps as f64;
            points.push(Point::new(from.x + (to.x - from.x) * part, from.y + (to.y - from.y) * part));
        }
        from = *to;
    }
    // Displays need not be of one height, and the way from one to the other may lead past both.
    points.retain(|point| is_on(displays, *point));
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drag_goes_through_every_point() {
        let displays = [Rect::new(0.0, 0.0, 101.0, 201.0)];
        let between = |start, then: &[Point]| between(start, then, &displays);
        let point = |x: f64| Point::new(x, 2.0 * x);
        let straight = between(point(0.0), &[point(100.0)]);
        assert_eq!((straight.len(), straight[0], straight[9]), (10, point(10.0), point(100.0)));
        let bent = between(point(0.0), &[point(10.0), point(30.0), point(0.0)]);
        assert_eq!((bent.len(), bent[2], bent[5], bent[8]), (9, point(10.0), point(30.0), point(0.0)));
        let many: Vec<Point> = (0..50).map(|x| point(f64::from(x))).collect();
        assert_eq!(between(point(0.0), &many), many);
        assert!(between(point(0.0), &[]).is_empty());
    }

    #[test]
    fn a_drag_past_the_corner_of_a_display_keeps_to_what_is_there() {
        let displays = [Rect::new(0.0, 0.0, 100.0, 100.0), Rect::new(100.0, 60.0, 100.0, 100.0)];
        let end = Point::new(150.0, 150.0);
        let points = between(Point::new(50.0, 10.0), &[end], &displays);
        let around: Vec<f64> = points.iter().map(|point| point.x).collect();
        assert_eq!(around, [60.0, 70.0, 80.0, 90.0, 100.0, 110.0, 120.0, 130.0, 140.0, 150.0]);
        let over = between(Point::new(90.0, 10.0), &[Point::new(190.0, 70.0)], &displays);
        assert_eq!(over.first(), Some(&Point::new(180.0, 64.0)), "the way leads past both");
    }
}
