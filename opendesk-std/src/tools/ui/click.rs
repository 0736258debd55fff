//! Clicking an element: by its own action, or in its middle where it has none.

use super::pick::named;
use super::scope::{Scene, is_unsupported, windows};
use crate::api::{
    Button, Effect, Error, ErrorCode, InputPointer, Point, PointerAction, PointerEvent, UiAction, UiActionParams,
    UiNode, Window, WindowParams, WindowsFocus,
};
use crate::client::ClientError;
use crate::tools::fence::refusal;
use crate::tools::places::pixel;
use crate::tools::proof::{entered, proved};
use crate::tools::session::{Gesture, Session};
use crate::tools::target::{Target, ToolError};

const ADVICE: &str = "The element was not clicked; read get_tree again. The desktop says:";

pub(super) async fn click(
    session: &Session,
    target: &Target,
    scene: &Scene,
    index: usize,
    params: &UiActionParams,
) -> Result<String, ToolError> {
    let node = &scene.tree.nodes[index];
    let named = named(node);
    match session.call::<UiAction>(target, params).await {
        Ok(effect) => {
            let proof = proved(session, target, effect);
            Ok(format!("{named} was clicked by accessibility.{proof}"))
        }
        Err(error) if has_no_action(&error, node) => {
            let point = node.bounds.unwrap_or_default().center();
            let title = scene.touched(index).window;
            uncover(session, target, scene.window.as_ref(), &title, point).await?;
            let effect = press(session, target, point).await?;
            let at = pixel(point);
            let proof = entered(session, target, effect);
            Ok(format!("{named} has no action of its own; its middle was clicked, at {at} on the desktop.{proof}"))
        }
        Err(error) => Err(refusal(target, ADVICE, error)),
    }
}

/// Whether a refusal means that the element cannot be clicked but pointed at.
fn has_no_action(error: &ToolError, node: &UiNode) -> bool {
    let shows = node.bounds.is_some_and(|bounds| bounds.width >= 1.0 && bounds.height >= 1.0);
    let takes = node.actions.iter().any(|action| matches!(action.as_str(), "click" | "press"));
    let is_invalid = match error {
        ToolError::Desktop(error) | ToolError::Peer { error: ClientError::Call(error), .. } => {
            error.code == ErrorCode::InvalidArgument
        }
        _ => false,
    };
    node.enabled && shows && (is_unsupported(error) || (is_invalid && !takes))
}

/// Makes sure that what is clicked at a point is the window that the element is in.
///
/// # Errors
/// That another window covers it.
async fn uncover(
    session: &Session,
    target: &Target,
    window: Option<&Window>,
    title: &str,
    point: Point,
) -> Result<(), ToolError> {
    let listed = windows(session, target).await?;
    let own = window.map(|window| window.id.clone()).or_else(|| {
        let mut titled = listed.iter().filter(|window| !title.is_empty() && window.title == title);
        titled.next().filter(|_| titled.next().is_none()).map(|window| window.id.clone())
    });
    if is_free(&listed, own.as_deref(), point) {
        return Ok(());
    }
    if let Some(window_id) = own.clone() {
        session
            .call::<WindowsFocus>(target, &WindowParams { window_id })
            .await
            .map_err(|error| refusal(target, ADVICE, error))?;
        if is_free(&windows(session, target).await?, own.as_deref(), point) {
            return Ok(());
        }
    }
    let why = "the element has no action of its own, and another window covers it; bring its window to the front by \
               `app` focus_window and try again";
    Err(Error::new(ErrorCode::InvalidArgument, format!("{}{why}", target.prefix())).into())
}

/// Whether nothing but the own window is at a point, as far as windows are known.
fn is_free(windows: &[Window], own: Option<&str>, point: Point) -> bool {
    let there = |window: &&Window| !window.minimized && window.bounds.is_some_and(|bounds| bounds.contains(point));
    windows.iter().find(there).is_none_or(|window| own == Some(window.id.as_str()))
}

async fn press(session: &Session, target: &Target, point: Point) -> Result<Effect, ToolError> {
    let moved = session.call::<InputPointer>(target, &event(PointerAction::Move, point)).await?;
    let mut gesture = Gesture::default();
    let mut held = Held { session, target, point, is_down: true };
    let down = session.call_held::<InputPointer>(target, &event(PointerAction::Down, point), &mut gesture).await?;
    let up = session.call_held::<InputPointer>(target, &event(PointerAction::Up, point), &mut gesture).await?;
    held.is_down = false;
    Ok(moved.and(down).and(up))
}

fn event(action: PointerAction, point: Point) -> PointerEvent {
    let button = (action != PointerAction::Move).then_some(Button::Left);
    PointerEvent { action, point, button, modifiers: Vec::new(), dx: 0.0, dy: 0.0 }
}

/// A button that may be down. It comes up however the call ends, also when the call is dropped.
struct Held<'a> {
    session: &'a Session,
    target: &'a Target,
    point: Point,
    is_down: bool,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if self.is_down {
            self.session.call_unheard::<InputPointer>(self.target, &event(PointerAction::Up, self.point));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Rect;

    #[test]
    fn only_the_own_window_may_be_at_the_point() {
        let window = |id: &str, x: f64| Window {
            id: id.to_owned(),
            bounds: Some(Rect::new(x, 0.0, 100.0, 100.0)),
            ..Window::default()
        };
        let windows = [window("front", 50.0), window("back", 0.0)];
        let at = |x: f64| Point::new(x, 50.0);
        assert!(is_free(&windows, Some("front"), at(75.0)));
        assert!(!is_free(&windows, Some("back"), at(75.0)), "it is covered there");
        assert!(is_free(&windows, Some("back"), at(25.0)));
        assert!(!is_free(&windows, None, at(25.0)));
        assert!(is_free(&windows, None, at(500.0)), "such as a panel");
        assert!(is_free(&[], Some("any"), at(75.0)), "where no windows are told");
    }
}
