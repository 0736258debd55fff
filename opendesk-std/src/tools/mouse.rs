//! `mouse`.

mod place;
mod pointer;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use self::place::{Ground, Place, missing};
use self::pointer::Pointer;
use super::beforehand::Sensible;
use super::observe::{Observe, around_shot};
use super::places::pixel;
use super::proof::entered;
use super::session::Session;
use super::target::Target;
use super::{Hints, Output, Tool, ToolError, arguments, given, schema, settle_ms};
use crate::api::{Button, DisplayCursorPosition, Effect, Modifier, Point, PointerAction, PointerEvent};

pub(super) const TOOL: Tool = Tool {
    name: "mouse",
    title: "Use the mouse",
    description: "Moves, clicks, drags and scrolls. Coordinates are pixels of the last picture of that desktop, or of the \
                  one that `shot_id` names; before any picture they are desktop pixels. They are refused outside of it, \
                  and when the displays have been rearranged since. `cursor_position` tells where the pointer is.",
    hints: Hints { read_only: false, destructive: true, idempotent: false, open_world: true },
    schema: schema::of::<Arguments>,
    run: |session, given| {
        Box::pin(async move {
            let asked: Arguments = arguments(given)?;
            asked.check_unused()?;
            let target = session.target(asked.peer.as_deref())?;
            let ground = Ground::new(session, &target, asked.shot_id.as_deref())?;
            if asked.action == Action::CursorPosition {
                let said = cursor_position(session, &target, &ground).await?;
                return Ok(Output::text(format!("{}{said}", target.prefix())));
            }
            let action = perform(session, &target, &asked, &ground);
            around_shot(session, &target, ground.shot.as_deref(), asked.observe, asked.settle_ms, action).await
        })
    },
};

/// Wheel clicks in one call.
const MOST_CLICKS: u32 = 100;

/// Points of one drag.
const MOST_POINTS: usize = 500;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Action {
    Move,
    Click,
    DoubleClick,
    TripleClick,
    RightClick,
    MiddleClick,
    BackClick,
    ForwardClick,
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

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    /// What to do.
    action: Action,
    /// The paired machine whose desktop is meant, or `local`; see opendesk_peers.
    peer: Option<String>,
    /// Pixels from the left edge of the picture. `left_down`, `left_up` and `scroll` without a place are where the pointer is.
    x: Option<f64>,
    /// Pixels from the top edge of the picture.
    y: Option<f64>,
    /// Instead of `x` and `y`: the number of an element in a picture that was taken with `marks`.
    mark: Option<usize>,
    /// The picture that is pointed into; the last one when left out.
    shot_id: Option<String>,
    /// Where `drag` ends, from the left edge.
    end_x: Option<f64>,
    /// Where `drag` ends, from the top edge.
    end_y: Option<f64>,
    /// Instead of `end_x` and `end_y`: the points that `drag` goes through, each [x, y].
    #[serde(default)]
    path: Vec<[f64; 2]>,
    /// The direction of `scroll`.
    direction: Option<Direction>,
    /// Wheel clicks of `scroll`, 1 to 100.
    #[serde(default = "three")]
    amount: u32,
    /// Keys held during the action: shift, ctrl, alt, meta.
    #[serde(default)]
    modifiers: Vec<ModifierName>,
    /// What to tell of what changed: none, ui (elements), changes (areas), picture (a new screenshot).
    #[serde(default)]
    observe: Observe,
    /// Milliseconds to wait after the action, so that a screenshot shows what it did; at most 10000.
    #[serde(default = "settle_ms")]
    #[schemars(range(max = 10_000))]
    settle_ms: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ModifierName {
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

impl Arguments {
    /// What models give that have to give every argument, 0 and nothing, is as good as left out.
    fn check_unused(&self) -> Result<(), ToolError> {
        let some = |value: Option<f64>| value.is_some_and(|value| value != 0.0);
        let all = [
            ("x", some(self.x)),
            ("y", some(self.y)),
            ("mark", self.mark.is_some_and(|mark| mark != 0)),
            ("end_x", some(self.end_x)),
            ("end_y", some(self.end_y)),
            ("path", !self.path.is_empty()),
            ("direction", self.direction.is_some()),
            ("amount", ![0, three()].contains(&self.amount)),
            ("modifiers", !self.modifiers.is_empty()),
        ];
        let takes: &[&str] = match self.action {
            Action::CursorPosition => &[],
            Action::Drag => &["x", "y", "mark", "end_x", "end_y", "path", "modifiers"],
            Action::Scroll => &["x", "y", "mark", "direction", "amount", "modifiers"],
            _ => &["x", "y", "mark", "modifiers"],
        };
        let name = serde_json::to_value(self.action).ok();
        given::check_unused(name.as_ref().and_then(Value::as_str).unwrap_or_default(), &all, takes)
    }
}

const fn three() -> u32 {
    3
}

impl Sensible for Arguments {
    fn check(&self) -> Result<(), ToolError> {
        self.check_unused()?;
        if self.action == Action::CursorPosition {
            return Ok(());
        }
        scrolled(self)?;
        place_of(self)?;
        if self.action == Action::Drag {
            path(self, |x, y| Ok(Place::of(Point::new(x, y))))?;
        }
        Ok(())
    }
}

/// What `mouse` does at places of the desktop itself, where the pictures are gone in which it was pointed at them.
#[derive(Debug, Clone)]
pub(super) struct OnDesktop(Arguments);

impl OnDesktop {
    /// # Errors
    /// [`ToolError::Arguments`] for what is missing, does not go together, or means a picture.
    pub(super) fn of(given: &Map<String, Value>) -> Result<Self, ToolError> {
        let asked: Arguments = arguments(Value::Object(given.clone()))?;
        if asked.peer.is_some()
            || asked.mark.is_some_and(|mark| mark != 0)
            || asked.shot_id.is_some()
            || asked.observe != Observe::None
        {
            return Err(missing(
                "at the desktop itself there is no `peer`, `mark`, `shot_id` or `observe`; leave them out",
            ));
        }
        if asked.action == Action::CursorPosition {
            return Err(missing("`cursor_position` does nothing"));
        }
        asked.check()?;
        Ok(Self(asked))
    }

    /// Does it, and gives the desktop time to show it.
    ///
    /// # Errors
    /// Those of [`Session::call`].
    pub(super) async fn perform(&self, session: &Session, target: &Target) -> Result<String, ToolError> {
        let said = perform(session, target, &self.0, &Ground::desktop(session, target)).await?;
        session.settle(self.0.settle_ms).await;
        Ok(said)
    }
}

async fn perform(
    session: &Session,
    target: &Target,
    asked: &Arguments,
    ground: &Ground<'_>,
) -> Result<String, ToolError> {
    if session.is_stateless() && matches!(asked.action, Action::LeftDown | Action::LeftUp) {
        return Err(missing("without a session no button stays down from one call to the next; use `drag`"));
    }
    let scroll = scrolled(asked)?;
    let then = match asked.action {
        Action::Drag => path(asked, |x, y| ground.pixel(x, y))?,
        _ => Vec::new(),
    };
    let at = start(asked, ground).await?;
    let points: Vec<Point> = core::iter::once(&at).chain(&then).map(|place| place.point).collect();
    ground.check(&points).await?;
    let point = at.point;
    let pointer = Pointer { session, target, modifiers: asked.modifiers.iter().copied().map(Modifier::from).collect() };
    let effect = match asked.action {
        Action::Move => pointer.go_on(PointerAction::Move, point).await?,
        Action::Click => pointer.click(point, Button::Left, 1).await?,
        Action::DoubleClick => pointer.click(point, Button::Left, 2).await?,
        Action::TripleClick => pointer.click(point, Button::Left, 3).await?,
        Action::RightClick => pointer.click(point, Button::Right, 1).await?,
        Action::MiddleClick => pointer.click(point, Button::Middle, 1).await?,
        Action::BackClick => pointer.click(point, Button::X1, 1).await?,
        Action::ForwardClick => pointer.click(point, Button::X2, 1).await?,
        Action::LeftDown => pointer.down(point).await?,
        Action::LeftUp => pointer.go_on(PointerAction::Up, point).await?,
        Action::Drag => pointer.drag(point, &points[1..]).await?,
        Action::Scroll => {
            let (dx, dy) = scroll;
            pointer.send(&PointerEvent { dx, dy, ..pointer.event(PointerAction::Scroll, point, None) }).await?
        }
        Action::CursorPosition => Effect::Confirmed,
    };
    let proof = entered(session, target, effect);
    if let Some(end) = then.last() {
        return Ok(format!("Dragged from {} to {} on the desktop.{proof}", shown(&at), shown(end)));
    }
    let action = serde_json::to_value(asked.action).ok();
    let name = action.as_ref().and_then(|name| name.as_str()).unwrap_or_default();
    Ok(format!("Done: {name} at {} on the desktop{}.{proof}", pixel(point), at.named))
}

fn shown(place: &Place) -> String {
    format!("{}{}", pixel(place.point), place.named)
}

/// Wheel clicks to the right and upwards.
fn scrolled(asked: &Arguments) -> Result<(f64, f64), ToolError> {
    if asked.action != Action::Scroll {
        return Ok((0.0, 0.0));
    }
    let direction = asked.direction.ok_or_else(|| missing("scroll needs a `direction`"))?;
    if !(1..=MOST_CLICKS).contains(&asked.amount) {
        return Err(missing("`amount` is 1 to 100 wheel clicks"));
    }
    let amount = f64::from(asked.amount);
    Ok(match direction {
        Direction::Up => (0.0, amount),
        Direction::Down => (0.0, -amount),
        Direction::Left => (-amount, 0.0),
        Direction::Right => (amount, 0.0),
    })
}

/// How the agent says where an action is, or begins.
enum Start {
    Mark(usize),
    Pixel(f64, f64),
    Pointer,
}

fn place_of(asked: &Arguments) -> Result<Start, ToolError> {
    match (asked.mark.filter(|mark| *mark != 0), asked.x, asked.y) {
        (Some(number), None, None) => Ok(Start::Mark(number)),
        (Some(_), ..) => Err(missing("a place is a `mark` or `x` and `y`, not both")),
        (None, Some(x), Some(y)) => Ok(Start::Pixel(x, y)),
        (None, None, None) if matches!(asked.action, Action::LeftDown | Action::LeftUp | Action::Scroll) => {
            Ok(Start::Pointer)
        }
        _ => Err(missing("this action needs `x` and `y`, or a `mark`")),
    }
}

async fn start(asked: &Arguments, ground: &Ground<'_>) -> Result<Place, ToolError> {
    match place_of(asked)? {
        Start::Mark(number) => ground.mark(number).await,
        Start::Pixel(x, y) => ground.pixel(x, y),
        Start::Pointer => ground.pointer().await,
    }
}

/// What a drag goes through after its start; the last is where it ends.
fn path(asked: &Arguments, pixel: impl Fn(f64, f64) -> Result<Place, ToolError>) -> Result<Vec<Place>, ToolError> {
    match (asked.path.as_slice(), asked.end_x, asked.end_y) {
        ([], Some(x), Some(y)) => Ok(vec![pixel(x, y)?]),
        ([], ..) => Err(missing("drag needs `end_x` and `end_y`, or a `path`")),
        (points, None, None) if points.len() <= MOST_POINTS => points.iter().map(|[x, y]| pixel(*x, *y)).collect(),
        (_, None, None) => Err(missing("`path` has at most 500 points")),
        _ => Err(missing("a drag ends at `end_x` and `end_y` or goes along a `path`, not both")),
    }
}

async fn cursor_position(session: &Session, target: &Target, ground: &Ground<'_>) -> Result<String, ToolError> {
    let point = session.call::<DisplayCursorPosition>(target, &()).await?;
    let on_desktop = format!("The pointer is at {} on the desktop", pixel(point));
    let shot = ground.shot.as_ref();
    Ok(match shot.and_then(|shot| Some((shot.mapping.to_picture(point)?, &shot.id))) {
        Some(((x, y), id)) => format!("{on_desktop}, which is {x},{y} in the picture {id}."),
        None => format!("{on_desktop}."),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_done_at_the_desktop_itself_has_all_that_it_needs() {
        let of = |given: &Value| OnDesktop::of(given.as_object().unwrap());
        for right in [
            json!({"action": "click", "x": 1, "y": 2, "modifiers": ["ctrl"]}),
            json!({"action": "left_up"}),
            json!({"action": "drag", "x": 1, "y": 2, "path": [[3, 4], [5, 6]]}),
            json!({"action": "scroll", "direction": "left", "amount": 2}),
            json!({"action": "click", "x": 1, "y": 2, "mark": 0, "end_x": 0, "end_y": 0, "path": [], "direction": "",
                "amount": 0, "modifiers": [], "peer": null}),
        ] {
            assert!(of(&right).is_ok(), "{right}");
        }
        for wrong in [
            json!({"action": "click", "x": 1}),
            json!({"action": "left_down", "y": 1}),
            json!({"action": "drag", "x": 1, "y": 2}),
            json!({"action": "drag", "x": 1, "y": 2, "end_x": 1, "end_y": 2, "path": [[3, 4]]}),
            json!({"action": "scroll", "x": 1, "y": 2}),
            json!({"action": "scroll", "direction": "up", "amount": 0}),
            json!({"action": "cursor_position"}),
            json!({"action": "click", "x": 1, "y": 2, "shot_id": "1"}),
            json!({"action": "click", "mark": 3}),
            json!({"action": "click", "x": 1, "y": 2, "end_x": 5}),
            json!({"action": "click", "x": 1, "y": 2, "path": [[3, 4]]}),
            json!({"action": "double_click", "x": 1, "y": 2, "direction": "up"}),
            json!({"action": "drag", "x": 1, "y": 2, "end_x": 1, "end_y": 2, "amount": 5}),
            json!({"action": "click", "x": 1, "y": 2, "settle_ms": 10_001}),
        ] {
            assert!(of(&wrong).is_err(), "{wrong}");
        }
    }
}
