//! The elements among which one is looked for.

use crate::api::{ErrorCode, TreeParams, UiNode, UiTree, UiTreeRead, Window, WindowsFocused, WindowsList};
use crate::client::ClientError;
use crate::tools::caller::Touched;
use crate::tools::fence::refusal;
use crate::tools::session::Session;
use crate::tools::target::{Target, ToolError};

/// How deep pages in browsers put what people use.
const DEEPEST: u32 = 64;

/// What may be the window of an element.
pub(super) const WINDOWS: [&str; 4] = ["window", "dialog", "alert", "file chooser"];

const ADVICE: &str = "The elements could not be read; look by `screenshot`, or read by `ocr`.";

/// What was looked at.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) tree: UiTree,
    pub(super) window: Option<Window>,
    pub(super) app: Option<String>,
    extent: &'static str,
}

impl Scene {
    /// The elements of an application or of a window, or else of the window that has the keyboard; where none has, of the whole
    /// desktop.
    pub(super) async fn read(
        session: &Session,
        target: &Target,
        app: Option<&str>,
        window: Option<&str>,
    ) -> Result<Self, ToolError> {
        if app.is_some() || window.is_some() {
            let extent = if app.is_some() { "that application" } else { "that window" };
            let (app, id) = (app.map(str::to_owned), window.map(str::to_owned));
            let tree = tree(session, target, id.clone(), app.clone()).await?;
            let window = match id {
                Some(id) => Some(listed(session, target, id).await?),
                None => None,
            };
            return Ok(Self { tree, window, app, extent });
        }
        let focused = if_able(session.call::<WindowsFocused>(target, &()).await)?.flatten();
        let Some(window) = focused else { return Self::everything(session, target).await };
        let tree = tree(session, target, Some(window.id.clone()), None).await?;
        Ok(Self { tree, app: None, window: Some(window), extent: "the window that has the keyboard" })
    }

    /// All elements.
    pub(super) async fn everything(session: &Session, target: &Target) -> Result<Self, ToolError> {
        let tree = tree(session, target, None, None).await?;
        Ok(Self { tree, app: None, window: None, extent: "the whole desktop" })
    }

    /// What was looked at, without a word from the screen.
    pub(super) const fn extent(&self) -> &'static str {
        self.extent
    }

    /// Whether nothing is told but a window: some browsers tell of their pages only when they were started for that.
    pub(super) fn is_blank(&self) -> bool {
        !self.tree.truncated && self.tree.nodes.len() <= 1
    }

    /// The element as it is known again later.
    pub(super) fn touched(&self, index: usize) -> Touched {
        touched(&self.tree, self.window.as_ref(), self.app.as_deref(), index)
    }
}

/// An element as it is known again later, of a tree that is of a window or of an application.
pub(in crate::tools) fn touched(tree: &UiTree, window: Option<&Window>, app: Option<&str>, index: usize) -> Touched {
    let node = &tree.nodes[index];
    let above = |roles: &[&str]| above(tree, index).find(|node| roles.contains(&node.role.as_str()));
    let title = above(&WINDOWS).map(|node| node.name.clone()).or_else(|| window.map(|window| window.title.clone()));
    let named = above(&["application"]).map(|node| node.name.clone()).or_else(|| app.map(str::to_owned));
    let app = named.or_else(|| window.map(|window| window.app_name.clone()));
    Touched {
        app: app.unwrap_or_default(),
        window: title.unwrap_or_default(),
        role: node.role.clone(),
        name: node.name.clone(),
    }
}

/// The element and what it stands in, up to the root.
fn above(tree: &UiTree, index: usize) -> impl Iterator<Item = &UiNode> {
    let mut depth = None;
    tree.nodes.get(..=index).unwrap_or_default().iter().rev().filter(move |node| {
        let is_above = depth.is_none_or(|depth| node.depth < depth);
        if is_above {
            depth = Some(node.depth);
        }
        is_above
    })
}

/// The window of an id, as far as it is known.
async fn listed(session: &Session, target: &Target, id: String) -> Result<Window, ToolError> {
    let windows = windows(session, target).await?;
    Ok(windows.into_iter().find(|window| window.is_called(&id)).unwrap_or_else(|| Window { id, ..Window::default() }))
}

/// The windows, the one in front first; none where a desktop does not tell them.
pub(super) async fn windows(session: &Session, target: &Target) -> Result<Vec<Window>, ToolError> {
    Ok(if_able(session.call::<WindowsList>(target, &()).await)?.unwrap_or_default())
}

async fn tree(
    session: &Session,
    target: &Target,
    window_id: Option<String>,
    app: Option<String>,
) -> Result<UiTree, ToolError> {
    let params = TreeParams { window_id, app, max_depth: DEEPEST, ..TreeParams::default() };
    session.call::<UiTreeRead>(target, &params).await.map_err(|error| refusal(target, ADVICE, error))
}

/// What a desktop answers, or nothing where it has not got what was asked for.
///
/// # Errors
/// Any other failure.
pub(in crate::tools) fn if_able<T>(answer: Result<T, ToolError>) -> Result<Option<T>, ToolError> {
    match answer {
        Err(error) if is_unsupported(&error) => Ok(None),
        answer => answer.map(Some),
    }
}

/// Whether a desktop has not got what was asked for.
pub(super) const fn is_unsupported(error: &ToolError) -> bool {
    matches!(
        error,
        ToolError::Desktop(error) | ToolError::Peer { error: ClientError::Call(error), .. }
            if matches!(error.code, ErrorCode::CapabilityUnsupported)
    )
}
