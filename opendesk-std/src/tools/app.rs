//! `app`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::beforehand::{Sensible, sensible};
use super::caller::Touched;
use super::fence::{fence_within, refusal};
use super::observe::{Observe, around};
use super::proof::proved;
use super::session::Session;
use super::target::{Target, ToolError};
use super::ui::if_able;
use super::{Hints, Output, Tool, fence, given, schema, settle_ms};
use crate::api::{
    App, AppParams, AppsClose, AppsFocus, AppsInstalled, AppsList, AppsOpen, Effect, Error, ErrorCode, Method,
    MoveWindowParams, Rect, Window, WindowCloseParams, WindowParams, WindowsClose, WindowsFocus, WindowsList,
    WindowsMove,
};
use crate::home::plain_text;

pub(super) const TOOL: Tool = Tool {
    name: "app",
    title: "Applications and windows",
    description: "Opens, focuses and closes applications, and manages windows. `list` tells what runs and all windows with \
                  their ids; `installed` what can be opened. Closing asks the program, which may ask back whether to save.",
    hints: Hints { read_only: false, destructive: true, idempotent: false, open_world: true },
    schema: schema::of::<Arguments>,
    run: |session, given| {
        Box::pin(async move {
            let asked: Arguments = sensible(given)?;
            let target = session.target(asked.peer.as_deref())?;
            match asked.action {
                Action::List => list(session, &target).await,
                Action::Windows => windows(session, &target, asked.name.as_deref()).await,
                Action::Installed => installed(session, &target, asked.name.as_deref()).await,
                _ => {
                    let work = perform(session, &target, &asked);
                    around(session, &target, asked.observe, asked.settle_ms, work).await
                }
            }
        })
    },
};

/// Windows and applications that are told.
const MOST: usize = 150;

/// Characters of a title that are told.
const LONGEST_TITLE: usize = 150;

const ADVICE: &str = "It was not done; see `list` and `installed` for what there is. The desktop says:";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Action {
    Open,
    Close,
    Focus,
    List,
    Installed,
    Windows,
    FocusWindow,
    CloseWindow,
    MoveWindow,
    ResizeWindow,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    /// What to do.
    action: Action,
    /// The paired machine whose desktop is meant, or `local`; see opendesk_peers.
    peer: Option<String>,
    /// The application; with `installed` and `windows` words to look for.
    name: Option<String>,
    /// The window, by its id from `list`.
    window: Option<String>,
    /// Its new left edge, in desktop pixels.
    x: Option<f64>,
    /// Its new top edge, in desktop pixels.
    y: Option<f64>,
    /// Its new width, in desktop pixels.
    width: Option<f64>,
    /// Its new height, in desktop pixels.
    height: Option<f64>,
    /// With `close_window`: ends the program of a window that does not close. What is not saved is lost.
    #[serde(default)]
    force: bool,
    /// What to tell of what changed: none, ui (elements), changes (areas), picture (a new screenshot).
    #[serde(default)]
    observe: Observe,
    /// Milliseconds to wait after the action.
    #[serde(default = "settle_ms")]
    #[schemars(range(max = 10_000))]
    settle_ms: u32,
}

impl Sensible for Arguments {
    fn check(&self) -> Result<(), ToolError> {
        let all = [
            ("name", self.name.is_some()),
            ("window", self.window.is_some()),
            ("x", self.x.is_some()),
            ("y", self.y.is_some()),
            ("width", self.width.is_some()),
            ("height", self.height.is_some()),
            ("force", self.force),
            ("observe", self.observe != Observe::None),
        ];
        let (needs, takes): (&[&str], &[&str]) = match self.action {
            Action::Open | Action::Close | Action::Focus => (&["name"], &["observe"]),
            Action::List => (&[], &[]),
            Action::Installed | Action::Windows => (&[], &["name"]),
            Action::FocusWindow => (&["window"], &["observe"]),
            Action::CloseWindow => (&["window"], &["force", "observe"]),
            Action::MoveWindow => (&["window", "x", "y"], &["width", "height", "observe"]),
            Action::ResizeWindow => (&["window", "width", "height"], &["observe"]),
        };
        let action = serde_json::to_value(self.action).ok();
        let action = action.as_ref().and_then(|name| name.as_str()).unwrap_or_default();
        given::check(action, &all, needs, takes)
    }
}

async fn list(session: &Session, target: &Target) -> Result<Output, ToolError> {
    let apps = if_able(session.call::<AppsList>(target, &()).await)?;
    let windows = if_able(session.call::<WindowsList>(target, &()).await)?;
    if apps.is_none() && windows.is_none() {
        // The desktop's own words for why not.
        session.call::<WindowsList>(target, &()).await?;
    }
    let count = |known: Option<usize>, what: &str| {
        known.map_or_else(|| format!("{what} are not told"), |count| format!("{count} {what}"))
    };
    let about = format!(
        "{}{}, {}, the one in front first; places in desktop pixels.",
        target.prefix(),
        count(apps.as_ref().map(Vec::len), "applications"),
        count(windows.as_ref().map(Vec::len), "windows")
    );
    let mut lines: Vec<String> =
        apps.iter().flatten().take(MOST).map(|name| format!("application {}", quoted(name))).collect();
    lines.extend(windows.iter().flatten().take(MOST).map(line));
    Ok(Output::text(format!("{about}\n{}", fence("the list of windows", &lines.join("\n"))?)))
}

async fn windows(session: &Session, target: &Target, words: Option<&str>) -> Result<Output, ToolError> {
    let windows = session.call::<WindowsList>(target, &()).await?;
    let fitting = |window: &&Window| has_words(&format!("{} {}", window.title, window.app_name), words);
    let lines: Vec<String> = windows.iter().filter(fitting).map(line).collect();
    let about = format!(
        "{}{} of {} windows, the one in front first; places in desktop pixels.",
        target.prefix(),
        lines.len(),
        windows.len()
    );
    let shown = lines.get(..lines.len().min(MOST)).unwrap_or_default().join("\n");
    Ok(Output::text(format!("{about}\n{}", fence("the list of windows", &shown)?)))
}

async fn installed(session: &Session, target: &Target, words: Option<&str>) -> Result<Output, ToolError> {
    let apps = session.call::<AppsInstalled>(target, &()).await?;
    let fitting = |app: &&App| has_words(&format!("{} {}", app.name, app.id), words);
    let lines: Vec<String> = apps
        .iter()
        .filter(fitting)
        .map(|app| {
            let running = if app.running { ", running" } else { "" };
            format!("{} [{}]{running}", quoted(&app.name), plain_text(&app.id))
        })
        .collect();
    let left_out = lines.len().saturating_sub(MOST);
    let more = if left_out == 0 { String::new() } else { format!(" {left_out} are left out; give words as `name`.") };
    let prefix = target.prefix();
    let about =
        format!("{prefix}{} of {} applications can be opened so, by name or [id].{more}", lines.len(), apps.len());
    let shown = lines.get(..lines.len().min(MOST)).unwrap_or_default().join("\n");
    Ok(Output::text(format!("{about}\n{}", fence("the list of applications", &shown)?)))
}

/// A window in a line.
fn line(window: &Window) -> String {
    let Window { id, title, app_name, pid, bounds, focused, minimized, workspace } = window;
    let mut line = format!("[{}] {} of {}", plain_text(id), quoted(title), quoted(app_name));
    if let Some(Rect { x, y, width, height }) = bounds {
        line.push_str(&format!(", {}x{} at {},{}", width.round(), height.round(), x.round(), y.round()));
    }
    if let Some(pid) = pid {
        line.push_str(&format!(", process {pid}"));
    }
    if let Some(workspace) = workspace.as_ref().filter(|name| !name.is_empty()) {
        line.push_str(&format!(", workspace {}", quoted(workspace)));
    }
    for (so, word) in [(focused, "focused"), (minimized, "minimised")] {
        if *so {
            line.push_str(", ");
            line.push_str(word);
        }
    }
    line
}

fn quoted(text: &str) -> String {
    let text: String = plain_text(text).chars().take(LONGEST_TITLE).collect();
    format!("{text:?}")
}

/// Whether a text has all of some words in it.
fn has_words(text: &str, words: Option<&str>) -> bool {
    let text = text.to_lowercase();
    words.unwrap_or_default().to_lowercase().split_whitespace().all(|word| text.contains(word))
}

async fn perform(session: &Session, target: &Target, asked: &Arguments) -> Result<String, ToolError> {
    match asked.action {
        Action::Open => {
            let effect = by_name::<AppsOpen>(session, target, asked).await?;
            Ok(format!("Opened the application, or brought it to the front.{}", proved(session, target, effect)))
        }
        Action::Focus => {
            let effect = by_name::<AppsFocus>(session, target, asked).await?;
            Ok(format!("Brought the application to the front.{}", proved(session, target, effect)))
        }
        Action::Close => {
            let effect = by_name::<AppsClose>(session, target, asked).await?;
            Ok(format!("Asked all windows of the application to close.{}", closed(session, target, effect)))
        }
        _ => to_window(session, target, asked).await,
    }
}

async fn by_name<M: Method<Params = AppParams, Output = Effect>>(
    session: &Session,
    target: &Target,
    asked: &Arguments,
) -> Result<Effect, ToolError> {
    let name = asked.name.clone().unwrap_or_default();
    let touched =
        |role: &str| Touched { app: name.clone(), window: String::new(), role: role.to_owned(), name: name.clone() };
    session.caller.touch(touched("application"));
    let params = AppParams { name: name.clone() };
    session.call::<M>(target, &params).await.map_err(|error| refusal(target, ADVICE, error))
}

async fn to_window(session: &Session, target: &Target, asked: &Arguments) -> Result<String, ToolError> {
    let window = window(session, target, asked.window.as_deref().unwrap_or_default()).await?;
    let window_id = window.id.clone();
    session.caller.touch(Touched {
        app: window.app_name.clone(),
        window: window.title.clone(),
        role: "window".to_owned(),
        name: window.title.clone(),
    });
    let refused = |error| refusal(target, "It was not done. The desktop says:", error);
    let (done, effect) = match asked.action {
        Action::CloseWindow => {
            let params = WindowCloseParams { window_id, force: asked.force };
            let effect = session.call::<WindowsClose>(target, &params).await.map_err(refused)?;
            let done = if asked.force {
                "Asked the window to close; if it did not within a second, its program was ended, and what was not saved \
                 is lost."
            } else {
                "Asked the window to close."
            };
            return Ok(format!("{done}{}", closed(session, target, effect)));
        }
        Action::MoveWindow | Action::ResizeWindow => {
            let bounds = place(&window, asked)?;
            let params = MoveWindowParams { window_id, bounds };
            let effect = session.call::<WindowsMove>(target, &params).await.map_err(refused)?;
            let now = session.call::<WindowsList>(target, &()).await.unwrap_or_default();
            let now = now.into_iter().find(|now| now.is_called(&window.id)).and_then(|now| now.bounds);
            (placed(bounds, now), effect)
        }
        _ => {
            let effect = session.call::<WindowsFocus>(target, &WindowParams { window_id }).await.map_err(refused)?;
            ("Brought the window to the front.".to_owned(), effect)
        }
    };
    Ok(format!("{done}{}", proved(session, target, effect)))
}

/// Where a window is to be: what is not asked for stays as it is.
fn place(window: &Window, asked: &Arguments) -> Result<Rect, ToolError> {
    let now = window.bounds.ok_or_else(|| {
        ToolError::Arguments("it is not known where this window is, so it cannot be moved; focus it first".to_owned())
    })?;
    let to = Rect {
        x: asked.x.unwrap_or(now.x),
        y: asked.y.unwrap_or(now.y),
        width: asked.width.unwrap_or(now.width),
        height: asked.height.unwrap_or(now.height),
    };
    let has_size = to.width >= 1.0 && to.height >= 1.0;
    if has_size && [to.x, to.y, to.width, to.height].into_iter().all(f64::is_finite) {
        return Ok(to);
    }
    Err(ToolError::Arguments("a window is at least one pixel wide and high".to_owned()))
}

/// What came of asking a program to close.
fn closed(session: &Session, target: &Target, effect: Effect) -> String {
    if effect == Effect::NoEffect {
        session.caller.acted_in_vain();
        return " It is still there, and may ask whether to save: look by `screenshot` or `ui` get_tree.".to_owned();
    }
    proved(session, target, effect)
}

/// What a window was given, and where it has made something else of it: that of a terminal is whole characters large.
fn placed(wanted: Rect, now: Option<Rect>) -> String {
    let place = |Rect { x, y, width, height }: Rect| format!("{width}x{height} at {x},{y}");
    match now.filter(|now| *now != wanted) {
        None => format!("The window was given {}.", place(wanted)),
        Some(now) => format!("The window was given {}, and is {}.", place(wanted), place(now)),
    }
}

/// The window of an id.
///
/// # Errors
/// `not_found`, with the windows that there are.
async fn window(session: &Session, target: &Target, id: &str) -> Result<Window, ToolError> {
    let windows = session.call::<WindowsList>(target, &()).await?;
    let lines: Vec<String> = windows.iter().map(line).collect();
    windows.into_iter().find(|window| window.is_called(id)).map(Ok).unwrap_or_else(|| {
        let fenced = fence_within("the list of windows", &lines.join("\n"), 4000)?;
        let (prefix, id) = (target.prefix(), plain_text(id));
        let why = format!("{prefix}no window has the id {id:?}, so nothing was done; there are:\n{fenced}");
        Err(Error::new(ErrorCode::NotFound, why).into())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::tools::arguments;

    #[test]
    fn where_a_window_is_is_told_where_that_is_not_where_it_was_to_be() {
        let wanted = Rect::new(50.0, 50.0, 600.0, 400.0);
        for same in [None, Some(wanted)] {
            assert_eq!(placed(wanted, same), "The window was given 600x400 at 50,50.");
        }
        let said = placed(wanted, Some(Rect { height: 393.0, ..wanted }));
        assert_eq!(said, "The window was given 600x400 at 50,50, and is 600x393 at 50,50.");
    }

    #[test]
    fn a_window_is_a_line_and_no_title_makes_another() {
        let window = Window {
            id: "7".to_owned(),
            title: "a\n[8] \"other\"".to_owned(),
            app_name: "xterm".to_owned(),
            pid: Some(12),
            bounds: Some(Rect::new(1.4, 2.0, 30.0, 40.0)),
            focused: true,
            minimized: true,
            workspace: None,
        };
        assert_eq!(line(&window), r#"[7] "a [8] \"other\"" of "xterm", 30x40 at 1,2, process 12, focused, minimised"#);
    }

    #[test]
    fn applications_are_found_by_words_in_any_order() {
        assert!(has_words("LibreOffice Writer", Some("writer libre")) && has_words("any", None));
        assert!(!has_words("LibreOffice Writer", Some("writer calc")));
    }

    #[test]
    fn arguments_belong_to_their_action() {
        let check = |given: Value| {
            let asked: Arguments = arguments(given).unwrap();
            asked.check().map_err(|error| error.to_string())
        };
        assert_eq!(check(serde_json::json!({"action": "list"})), Ok(()));
        let error = check(serde_json::json!({"action": "open"})).unwrap_err();
        assert!(error.ends_with("open needs `name`"), "{error}");
        let error = check(serde_json::json!({"action": "close", "name": "x", "force": true})).unwrap_err();
        assert!(error.contains("`force` does not go with close"), "{error}");
        let error = check(serde_json::json!({"action": "move_window", "window": "1", "x": 1})).unwrap_err();
        assert!(error.ends_with("move_window needs `y`"), "{error}");
    }
}
