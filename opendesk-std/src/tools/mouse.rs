//! `mouse`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::session::{Gesture, Session};
use super::target::Target;
use super::{Hints, Output, Tool, ToolError, arguments, is_refused, lost, schema, settle_ms};
use crate::api::{Button, DisplayCursorPosition, Effect, InputPointer, Modifier, Point, PointerAction, PointerEvent};

pub(super) const TOOL: Tool = Tool {
    name: "mouse",
    title: "Use the mouse",
    description: "Moves, clicks, drags and scrolls. `x` and `y` are pixels of the last screenshot of that desktop; before \
                  any screenshot they are desktop pixels. `cursor_position` tells where the pointer is.",
    hints: Hints { read_only: false, destructive: true, idempotent: false, open_world: true },
    schema: schema::of::<Arguments>,
    run: |session, given| {
        Box::pin(async move {
            let asked: Arguments = arguments(given)?;
            let target = session.target(asked.peer.as_deref())?;
            let said = perform(session, &target, &asked).await?;
            if asked.action != Action::CursorPosition {
                session.settle(asked.settle_ms).await;
            }
            Ok(Output::text(format!("{}{said}", target.prefix())))
        })
    },
};

/// Wheel clicks in one call.
const MOST_CLICKS: u32 = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Action {
    Move,
    Click,
    DoubleClick,
    TripleClick,
    RightClick,
    MiddleClick,
    LeftDown,
    LeftUp,
    Drag,
    Scroll,
    CursorPosition,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Direction {
    Up,
    Down,
    Left,
    Right,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// What to do.
    action: Action,
    /// The paired machine whose desktop is meant, or `local`; see opendesk_peers.
    peer: Option<String>,
    /// Pixels from the left edge of the last screenshot.
    x: Option<f64>,
    /// Pixels from the top edge of the last screenshot.
    y: Option<f64>,
    /// Where `drag` ends, from the left edge.
    end_x: Option<f64>,
    /// Where `drag` ends, from the top edge.
    end_y: Option<f64>,
    /// The direction of `scroll`.
    direction: Option<Direction>,
    /// Wheel clicks of `scroll`, 1 to 100.
    #[serde(default = "three")]
    amount: u32,
    /// Keys held during the action: shift, ctrl, alt, meta.
    #[serde(default)]
    modifiers: Vec<ModifierName>,
    /// Milliseconds to wait after the action, so that a screenshot shows what it did; at most 10000.
    #[serde(default = "settle_ms")]
    settle_ms: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ModifierName {
    Shift,
    Ctrl,
    Alt,
    Meta,
}

impl From<ModifierName> for Modifier {
    fn from(name: ModifierName) -> Self {
        match name {
            ModifierName::Shift => Self::Shift,
            ModifierName::Ctrl => Self::Ctrl,
            ModifierName::Alt => Self::Alt,
            ModifierName::Meta => Self::Meta,
        }
    }
}

const fn three() -> u32 {
    3
}

/// What one call has to do with the pointer.
struct Pointer<'a> {
    session: &'a Session,
    target: &'a Target,
    modifiers: Vec<Modifier>,
}

impl Pointer<'_> {
    fn event(&self, action: PointerAction, point: Point, button: Option<Button>) -> PointerEvent {
        PointerEvent { action, point, button, modifiers: self.modifiers.clone(), dx: 0.0, dy: 0.0 }
    }

    async fn move_to(&self, point: Point) -> Result<Effect, ToolError> {
        self.send(&self.event(PointerAction::Move, point, None)).await
    }

    async fn send(&self, event: &PointerEvent) -> Result<Effect, ToolError> {
        self.session.call::<InputPointer>(self.target, event).await
    }

    async fn send_held(&self, event: &PointerEvent, gesture: &mut Gesture) -> Result<Effect, ToolError> {
        self.session.call_held::<InputPointer>(self.target, event, gesture).await
    }

    async fn click(&self, point: Point, button: Button, times: u32) -> Result<Effect, ToolError> {
        let mut effect = self.move_to(point).await?;
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
    async fn down(&self, point: Point) -> Result<Effect, ToolError> {
        let mut gesture = Gesture::default();
        let down = self.event(PointerAction::Down, point, Some(Button::Left));
        let pressed = self.send_held(&down, &mut gesture).await?;
        self.session.keep_gesture(self.target, gesture);
        Ok(pressed)
    }

    /// Goes on with what [`down`](Self::down) has begun, if anything.
    async fn go_on(&self, action: PointerAction, point: Point) -> Result<Effect, ToolError> {
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

async fn perform(session: &Session, target: &Target, asked: &Arguments) -> Result<String, ToolError> {
    if asked.action == Action::CursorPosition {
        return cursor_position(session, target).await;
    }
    let point = place(session, target, asked.x, asked.y, ["x", "y"])?;
    let pointer = Pointer { session, target, modifiers: asked.modifiers.iter().copied().map(Modifier::from).collect() };
    let at = |point: Point| format!("{},{}", point.x.round(), point.y.round());
    let effect = match asked.action {
        Action::Move => pointer.go_on(PointerAction::Move, point).await?,
        Action::Click => pointer.click(point, Button::Left, 1).await?,
        Action::DoubleClick => pointer.click(point, Button::Left, 2).await?,
        Action::TripleClick => pointer.click(point, Button::Left, 3).await?,
        Action::RightClick => pointer.click(point, Button::Right, 1).await?,
        Action::MiddleClick => pointer.click(point, Button::Middle, 1).await?,
        Action::LeftDown => pointer.down(point).await?,
        Action::LeftUp => pointer.go_on(PointerAction::Up, point).await?,
        Action::Drag => {
            let end = place(session, target, asked.end_x, asked.end_y, ["end_x", "end_y"])?;
            let effect = drag(&pointer, point, end).await?;
            return Ok(format!("Dragged from {} to {} on the desktop.{}", at(point), at(end), lost(effect)));
        }
        Action::Scroll => {
            let direction = asked.direction.ok_or_else(|| missing("scroll needs a `direction`"))?;
            if !(1..=MOST_CLICKS).contains(&asked.amount) {
                return Err(missing("`amount` is 1 to 100 wheel clicks"));
            }
            let amount = f64::from(asked.amount);
            let (dx, dy) = match direction {
                Direction::Up => (0.0, amount),
                Direction::Down => (0.0, -amount),
                Direction::Left => (-amount, 0.0),
                Direction::Right => (amount, 0.0),
            };
            pointer.send(&PointerEvent { dx, dy, ..pointer.event(PointerAction::Scroll, point, None) }).await?
        }
        Action::CursorPosition => Effect::Confirmed,
    };
    let action = serde_json::to_value(asked.action).ok();
    let name = action.as_ref().and_then(|name| name.as_str()).unwrap_or_default();
    Ok(format!("Done: {name} at {} on the desktop.{}", at(point), lost(effect)))
}

/// The button comes up wherever the drag ends, also when a step in between fails.
async fn drag(pointer: &Pointer<'_>, start: Point, end: Point) -> Result<Effect, ToolError> {
    const STEPS: u32 = 10;
    let moved = pointer.move_to(start).await?;
    let mut gesture = Gesture::default();
    let (mut held, pressed) = pointer.press(start, Button::Left, &mut gesture).await?;
    let mut dragged = Ok(moved);
    for step in 1..=STEPS {
        let part = f64::from(step) / f64::from(STEPS);
        let between = Point::new(start.x + (end.x - start.x) * part, start.y + (end.y - start.y) * part);
        dragged = held.move_to(between).await;
        if dragged.is_err() {
            break;
        }
    }
    let last = match &dragged {
        Ok(_) => end,
        Err(error) if is_refused(error) => start,
        // Nobody waits for a machine that may be gone; it comes up all the same.
        Err(_) => return dragged,
    };
    let released = held.release(last).await;
    Ok(dragged?.and(pressed).and(released?))
}

async fn cursor_position(session: &Session, target: &Target) -> Result<String, ToolError> {
    let point = session.call::<DisplayCursorPosition>(target, &()).await?;
    let on_desktop = format!("The pointer is at {},{} on the desktop", point.x.round(), point.y.round());
    Ok(match session.picture(target)?.and_then(|picture| picture.to_picture(point)) {
        Some((x, y)) => format!("{on_desktop}, which is {x},{y} in the last screenshot."),
        None => format!("{on_desktop}."),
    })
}

fn missing(why: &str) -> ToolError {
    ToolError::Arguments(why.to_owned())
}

/// From the pixels that the agent saw to the desktop. What lies outside the picture is refused: clamping would
/// click something that nobody pointed at.
fn place(
    session: &Session,
    target: &Target,
    x: Option<f64>,
    y: Option<f64>,
    [x_name, y_name]: [&str; 2],
) -> Result<Point, ToolError> {
    let (Some(x), Some(y)) = (x, y) else {
        return Err(missing(&format!("this action needs `{x_name}` and `{y_name}`")));
    };
    let Some(picture) = session.picture(target)? else { return Ok(Point::new(x, y)) };
    picture.to_desktop(x, y).ok_or_else(|| {
        let (width, height) = picture.picture;
        missing(&format!("{x},{y} is outside the last screenshot of {width}x{height} pixels"))
    })
}
