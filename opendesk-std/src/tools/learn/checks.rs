//! Whether what a step was to bring about is so.

use core::time::Duration;

use super::find::{self, Sought, within};
use super::program::{Check, Element, Kind};
use crate::api::{AppsInstalled, ClipboardRead, OcrParams, OcrRead, UiTree};
use crate::home::plain_text;
use crate::tools::session::Session;
use crate::tools::target::{Target, ToolError};
use crate::tools::ui::{checked, if_able};

/// Waits for it to be so.
///
/// # Errors
/// Those of [`Session::call`]; with `Ok(Err(_))` how it was not so in time, without a word from the screen.
pub(super) async fn holds(
    session: &Session,
    target: &Target,
    check: &Check,
    of: Option<&Element>,
) -> Result<Result<(), String>, ToolError> {
    let timeout = Duration::from_millis(check.timeout_ms.into());
    let held = within(session, timeout, || Box::pin(once(session, target, check, of))).await?;
    Ok(held.map_err(|why| format!("{} was not so within {} ms: {why}", check.name(), check.timeout_ms)))
}

async fn once(
    session: &Session,
    target: &Target,
    check: &Check,
    of: Option<&Element>,
) -> Result<Sought<()>, ToolError> {
    let told = |is_so: bool, why: &str| if is_so { Sought::Found(()) } else { Sought::Missing(why.to_owned()) };
    let wanted = check.value.as_str();
    Ok(match check.kind {
        Kind::AppFrontmost => told(is_in_front(session, target, wanted).await?, "another application is in front"),
        Kind::WindowTitleContains => {
            let front = find::front(session, target).await?;
            let is_so = front.is_some_and(|window| has(&window.title, wanted));
            told(is_so, "the window in front has another title")
        }
        Kind::ElementExists => {
            let app = of.map_or("", |element| element.app.as_str());
            match find::tree(session, target, app).await {
                Ok(tree) => told(has_element(&tree, wanted, check.role.as_deref()), "no element is called so"),
                Err(error) if crate::tools::is_refused(&error) => told(false, "its application shows no elements"),
                Err(error) => return Err(error),
            }
        }
        Kind::ElementValueIs | Kind::ElementValueContains | Kind::ElementChecked => {
            let Some(element) = check.element.as_ref().or(of) else { return Ok(told(false, "no element is named")) };
            match find::element(session, target, element).await? {
                Sought::Missing(why) => Sought::Missing(why),
                Sought::Found(node) if check.kind == Kind::ElementChecked => {
                    told(checked(&node).is_some_and(|checked| checked.to_string() == wanted), "it is not")
                }
                Sought::Found(node) => {
                    let value = node.value.unwrap_or_default();
                    let is_so = check.kind == Kind::ElementValueContains && has(&value, wanted);
                    told(is_so || one_space(&value) == one_space(wanted), "it holds something else")
                }
            }
        }
        Kind::WindowFocused => {
            let Some(window) = check.element.as_ref().or(of) else { return Ok(told(false, "no window is named")) };
            match find::window(session, target, window).await? {
                Sought::Missing(why) => Sought::Missing(why),
                Sought::Found(window) => {
                    let front = find::front(session, target).await?;
                    told(front.is_some_and(|front| front.id == window.id), "another window has the keyboard")
                }
            }
        }
        Kind::TextVisible => told(is_visible(session, target, wanted).await?, "it was neither told nor read"),
        Kind::ClipboardIs => {
            let entries = session.call::<ClipboardRead>(target, &()).await?.entries;
            let text = entries.iter().find(|entry| entry.mime_type.starts_with("text/plain"));
            let is_so = text.map_or(wanted.is_empty(), |entry| entry.data == wanted.as_bytes());
            told(is_so, "the clipboard holds something else")
        }
    })
}

/// Whether the window in front is of an application, however that is called: as it calls itself, or as menus list it.
async fn is_in_front(session: &Session, target: &Target, name: &str) -> Result<bool, ToolError> {
    let Some(window) = find::front(session, target).await? else { return Ok(false) };
    if is_named(&window.app_name, name) {
        return Ok(true);
    }
    let installed = if_able(session.call::<AppsInstalled>(target, &()).await)?.unwrap_or_default();
    let same = installed.iter().filter(|app| folded(&app.name) == folded(name) || folded(&app.id) == folded(name));
    let mut names = same.flat_map(|app| [app.id.as_str(), app.name.as_str()]);
    Ok(names.any(|name| is_named(&window.app_name, name)))
}

/// Whether two names are of one application: `gedit` is what `org.gnome.gedit` is.
fn is_named(own: &str, name: &str) -> bool {
    let last = |name: &str| folded(name.rsplit('.').next().unwrap_or(name));
    !own.is_empty() && (folded(own) == folded(name) || last(own) == last(name))
}

/// Letters and digits without capitals.
fn folded(name: &str) -> String {
    let name = name.strip_suffix(".desktop").unwrap_or(name);
    name.to_lowercase().chars().filter(|each| each.is_alphanumeric()).collect()
}

fn has(text: &str, wanted: &str) -> bool {
    one_space(&text.to_lowercase()).contains(&one_space(&wanted.to_lowercase()))
}

/// Spaces and line ends are told one way and another.
fn one_space(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn has_element(tree: &UiTree, name: &str, role: Option<&str>) -> bool {
    let is_meant = |own: &str| role.is_none_or(|role| own == role);
    tree.nodes.iter().any(|node| plain_text(&node.name) == plain_text(name) && is_meant(&node.role))
}

/// The elements first: reading pixels takes seconds.
async fn is_visible(session: &Session, target: &Target, text: &str) -> Result<bool, ToolError> {
    let scene = match session.scene(target, None, None).await {
        Ok(scene) => scene,
        Err(error) if crate::tools::is_refused(&error) => crate::tools::elements::Scene::default(),
        Err(error) => return Err(error),
    };
    let shows = |own: &str| has(own, text);
    if scene.tree.nodes.iter().any(|node| shows(&node.name) || node.value.as_deref().is_some_and(shows)) {
        return Ok(true);
    }
    let read = if_able(session.call::<OcrRead>(target, &OcrParams::default()).await)?;
    let words: Vec<String> =
        read.map(|read| read.words).unwrap_or_default().into_iter().map(|word| word.text).collect();
    Ok(has(&words.join(" "), text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_has_several_names() {
        for (own, name) in
            [("gedit", "org.gnome.gedit"), ("Xfce4-terminal", "xfce4 terminal"), ("xterm", "XTerm.desktop")]
        {
            assert!(is_named(own, name), "{own} {name}");
        }
        assert!(!is_named("gedit", "kate") && !is_named("", "gedit") && !is_named("gedit", "ged"));
    }

    #[test]
    fn text_is_found_whatever_its_capitals_and_spaces_are() {
        assert!(has("File  Saved\nto disk", "saved to") && !has("Saved", "Saved to"));
    }
}
