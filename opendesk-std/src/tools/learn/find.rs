//! Finding again what a program was recorded on: an element by its application, role and name; a window by its title.

use core::time::Duration;

use futures_util::future::BoxFuture;

use super::program::Element;
use crate::api::{ErrorCode, TreeParams, UiNode, UiTree, UiTreeRead, Window, WindowsList};
use crate::client::ClientError;
use crate::clock;
use crate::home::plain_text;
use crate::tools::session::Session;
use crate::tools::target::{Target, ToolError};
use crate::tools::ui::if_able;

/// How deep pages in browsers put what people use.
const DEEPEST: u32 = 64;

/// What may be the window of an element.
const WINDOWS: [&str; 4] = ["window", "dialog", "alert", "file chooser"];

/// How often is looked: a person would not see the difference.
const EVERY: Duration = Duration::from_millis(200);

/// What came of looking once.
#[derive(Debug)]
pub(super) enum Sought<T> {
    Found(T),
    /// Not, and why: it may come yet.
    Missing(String),
}

/// Looks again and again until something is there.
///
/// # Errors
/// Those of `look`; with `Ok(Err(_))` why it was not found in time.
pub(super) async fn within<'a, T>(
    session: &Session,
    timeout: Duration,
    look: impl Fn() -> BoxFuture<'a, Result<Sought<T>, ToolError>> + Send,
) -> Result<Result<T, String>, ToolError> {
    let begun = clock::monotonic();
    loop {
        match look().await? {
            Sought::Found(found) => return Ok(Ok(found)),
            Sought::Missing(why) if begun.elapsed() >= timeout => return Ok(Err(why)),
            Sought::Missing(_) => session.sleep(EVERY.min(timeout)).await,
        }
    }
}

/// The element that is meant.
///
/// # Errors
/// Those of [`Session::call`]; most of all that a desktop tells of no elements.
pub(super) async fn element(session: &Session, target: &Target, wanted: &Element) -> Result<Sought<UiNode>, ToolError> {
    let tree = match tree(session, target, &wanted.app).await {
        Err(error) if is_missing(&error) => return Ok(Sought::Missing("its application does not run".to_owned())),
        tree => tree?,
    };
    let found = fitting(&tree, wanted);
    Ok(match found[..] {
        [only] => Sought::Found(tree.nodes[only].clone()),
        [] => Sought::Missing("its element is not there".to_owned()),
        _ => Sought::Missing(format!("{} elements fit, and it is not known which one is meant", found.len())),
    })
}

/// The elements of an application; without one, of the window in use.
pub(super) async fn tree(session: &Session, target: &Target, app: &str) -> Result<UiTree, ToolError> {
    if app.is_empty() {
        return Ok(session.scene(target, None, None).await?.tree);
    }
    let params = TreeParams { app: Some(app.to_owned()), max_depth: DEEPEST, ..TreeParams::default() };
    session.call::<UiTreeRead>(target, &params).await
}

/// Those that fit, and of several the best: in the right window, enabled, on the screen.
fn fitting(tree: &UiTree, wanted: &Element) -> Vec<usize> {
    let is_called = |node: &UiNode| plain_text(&node.name) == plain_text(&wanted.name);
    let is_meant = |node: &UiNode| (wanted.role.is_empty() || node.role == wanted.role) && is_called(node);
    let mut found: Vec<usize> = (0..tree.nodes.len()).filter(|index| is_meant(&tree.nodes[*index])).collect();
    let in_window = |index: usize| wanted.window.is_empty() || window_of(tree, index) == Some(wanted.window.as_str());
    let ways: [&dyn Fn(usize) -> bool; 3] =
        [&in_window, &|index| tree.nodes[index].enabled, &|index| tree.nodes[index].bounds.is_some()];
    for is_better in ways {
        let better: Vec<usize> = found.iter().copied().filter(|index| is_better(*index)).collect();
        if found.len() > 1 && !better.is_empty() {
            found = better;
        }
    }
    found
}

fn window_of(tree: &UiTree, index: usize) -> Option<&str> {
    let mut depth = tree.nodes[index].depth.saturating_add(1);
    for node in tree.nodes.get(..=index)?.iter().rev() {
        if node.depth < depth {
            depth = node.depth;
            if WINDOWS.contains(&node.role.as_str()) {
                return Some(&node.name);
            }
        }
    }
    None
}

/// The window that is meant.
///
/// # Errors
/// Those of [`Session::call`].
pub(super) async fn window(session: &Session, target: &Target, wanted: &Element) -> Result<Sought<Window>, ToolError> {
    let windows = session.call::<WindowsList>(target, &()).await?;
    let is_of_app = |window: &&Window| wanted.app.is_empty() || window.app_name == wanted.app;
    let titled: Vec<&Window> =
        windows.iter().filter(is_of_app).filter(|window| window.title == wanted.window).collect();
    let of_app: Vec<&Window> = windows.iter().filter(is_of_app).collect();
    Ok(match (titled.as_slice(), of_app.as_slice()) {
        ([only], _) => Sought::Found((*only).clone()),
        // Its document may have another name by now.
        ([], [only]) if !wanted.app.is_empty() => Sought::Found((*only).clone()),
        ([], _) => Sought::Missing("its window is not there".to_owned()),
        (several, _) => Sought::Missing(format!("{} windows have its title", several.len())),
    })
}

/// The window that has the keyboard, else the one in front.
///
/// # Errors
/// Those of [`Session::call`].
pub(super) async fn front(session: &Session, target: &Target) -> Result<Option<Window>, ToolError> {
    let focused = if_able(session.call::<crate::api::WindowsFocused>(target, &()).await)?.flatten();
    if focused.is_some() {
        return Ok(focused);
    }
    let windows = session.call::<WindowsList>(target, &()).await?;
    Ok(windows.into_iter().find(|window| !window.minimized))
}

/// Whether a desktop says that there is no such thing.
fn is_missing(error: &ToolError) -> bool {
    matches!(
        error,
        ToolError::Desktop(error) | ToolError::Peer { error: ClientError::Call(error), .. }
            if error.code == ErrorCode::NotFound
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(depth: u16, role: &str, name: &str) -> UiNode {
        let bounds = Some(crate::api::Rect::default());
        UiNode { depth, role: role.into(), name: name.into(), enabled: true, bounds, ..UiNode::default() }
    }

    #[test]
    fn of_several_elements_the_one_in_the_same_window_is_meant() {
        let nodes = vec![
            node(0, "application", "Editor"),
            node(1, "window", "One"),
            node(2, "push button", "Save"),
            node(2, "panel", ""),
            node(3, "push button", "Close"),
            node(1, "dialog", "Save?"),
            node(2, "push button", "Save"),
        ];
        let mut tree = UiTree { nodes, truncated: false };
        let wanted = |window: &str, name: &str| Element {
            app: "Editor".into(),
            window: window.into(),
            role: "push button".into(),
            name: name.into(),
        };
        assert_eq!(fitting(&tree, &wanted("One", "Save")), [2]);
        assert_eq!(fitting(&tree, &wanted("Save?", "Save")), [6]);
        assert_eq!(fitting(&tree, &wanted("Other", "Save")), [2, 6]);
        assert_eq!(
            fitting(&tree, &wanted("Other", "Close")),
            [4],
            "the only one, whatever its window is called by now"
        );
        assert_eq!(fitting(&tree, &wanted("One", "Sav")), [0; 0], "a name is the whole name");
        tree.nodes[6].enabled = false;
        assert_eq!(fitting(&tree, &wanted("", "Save")), [2]);
        let label = Element { role: "label".into(), ..wanted("One", "Save") };
        assert!(fitting(&tree, &label).is_empty());
    }
}
