//! `ui`.

mod act;
mod click;
mod outline;
mod pick;
mod scope;

use schemars::JsonSchema;
use serde::Deserialize;

pub(super) use self::act::checked;
use self::outline::Outline;
use self::pick::Wanted;
use self::scope::Scene;
pub(super) use self::scope::{if_able, touched};
use super::beforehand::{Sensible, sensible};
use super::fence::fence_within;
use super::mouse::ModifierName;
use super::observe::Observe;
use super::places::Places;
use super::session::Session;
use super::target::Target;
use super::{Hints, Output, Tool, ToolError, fence, given, schema, settle_ms};
use crate::api::{Error, ErrorCode};
use crate::home::plain_text;

pub(super) const TOOL: Tool = Tool {
    name: "ui",
    title: "Use elements by name",
    description: "Reads and uses the elements of programs by accessibility: buttons, fields, menus. Surer than the mouse. \
                  Looks in the window that has the keyboard, or in `app` or `window`. An element is named by `ref`, or by \
                  `role` and `title`; where several fit they are listed and nothing is done. Programs that show nothing \
                  here need `ocr` and `mouse`.",
    hints: Hints { read_only: false, destructive: true, idempotent: false, open_world: true },
    schema: schema::of::<Arguments>,
    run: |session, given| {
        Box::pin(async move {
            let asked: Arguments = sensible(given)?;
            let target = session.target(asked.peer.as_deref())?;
            match asked.action {
                Action::GetTree => tree(session, &target, &asked).await,
                Action::Find => find(session, &target, &asked).await,
                Action::GetValue => value(session, &target, &asked).await,
                _ => act::perform(session, &target, &asked).await,
            }
        })
    },
};

/// Lines of a tree that are told.
const MOST_LINES: usize = 250;

/// Elements that are listed where several fit.
const MOST_CANDIDATES: usize = 20;

/// Characters of a content that are told.
const LONGEST_VALUE: usize = 16_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Action {
    GetTree,
    Find,
    GetValue,
    Click,
    ClickMenu,
    Type,
    PressKey,
    Focus,
}

impl Action {
    const fn name(self) -> &'static str {
        match self {
            Self::GetTree => "get_tree",
            Self::Find => "find",
            Self::GetValue => "get_value",
            Self::Click => "click",
            Self::ClickMenu => "click_menu",
            Self::Type => "type",
            Self::PressKey => "press_key",
            Self::Focus => "focus",
        }
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    /// What to do. `type` sets the text of a field.
    action: Action,
    /// The paired machine whose desktop is meant, or `local`; see opendesk_peers.
    peer: Option<String>,
    /// The element, as `get_tree` or `find` names it.
    #[serde(rename = "ref")]
    reference: Option<String>,
    /// The application to look in.
    app: Option<String>,
    /// The window to look in, by its id from `app`.
    window: Option<String>,
    /// The element's kind, such as button, entry, menu item.
    role: Option<String>,
    /// The element's label.
    title: Option<String>,
    /// What `type` sets; otherwise a part of the element's label or content.
    text: Option<String>,
    /// Whether `type` adds to what is there.
    #[serde(default)]
    append: bool,
    /// The labels from a menu to its item, such as ["File", "Save"].
    #[serde(default)]
    menu: Vec<String>,
    /// The key of `press_key`, at the element or at what has the keyboard.
    key: Option<String>,
    /// Keys held with it.
    #[serde(default)]
    modifiers: Vec<ModifierName>,
    /// Whether `get_tree` and `find` tell places.
    #[serde(default)]
    bounds: bool,
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
        const ELEMENT: [&str; 5] = ["ref", "role", "title", "app", "window"];
        let all = [
            ("ref", self.reference.is_some()),
            ("app", self.app.is_some()),
            ("window", self.window.is_some()),
            ("role", self.role.is_some()),
            ("title", self.title.is_some()),
            ("text", self.text.is_some()),
            ("append", self.append),
            ("menu", !self.menu.is_empty()),
            ("key", self.key.is_some()),
            ("modifiers", !self.modifiers.is_empty()),
            ("bounds", self.bounds),
            ("observe", self.observe != Observe::None),
        ];
        let (needs, takes): (&[&str], &[&str]) = match self.action {
            Action::GetTree => (&[], &["app", "window", "bounds"]),
            Action::Find => (&[], &["app", "window", "role", "title", "text", "bounds"]),
            Action::GetValue => (&[], &["text"]),
            Action::Click | Action::Focus => (&[], &["text", "observe"]),
            Action::ClickMenu => (&["menu"], &["app", "window", "observe"]),
            Action::Type => (&["text"], &["append", "observe"]),
            Action::PressKey => (&["key"], &["text", "modifiers", "observe"]),
        };
        let names_one =
            matches!(self.action, Action::GetValue | Action::Click | Action::Focus | Action::Type | Action::PressKey);
        let element: &[&str] = if names_one { &ELEMENT } else { &[] };
        given::check(self.action.name(), &all, needs, &[element, takes].concat())?;
        if self.app.is_some() && self.window.is_some() {
            return Err(ToolError::Arguments("`app` and `window` name two places; give one of them".to_owned()));
        }
        let is_named = self.reference.is_some() || self.wanted(&[]).says_something();
        if !is_named && (self.action == Action::Find || (names_one && self.action != Action::PressKey)) {
            let name = self.action.name();
            let by = if self.action == Action::Find { "" } else { "`ref`, or " };
            let parts = if self.action == Action::Type { "`role` or `title`" } else { "`role`, `title` or `text`" };
            return Err(ToolError::Arguments(format!("{name} needs an element: {by}{parts}")));
        }
        Ok(())
    }
}

impl Arguments {
    /// What names the element. Of several, those are meant that take one of these actions.
    fn wanted<'a>(&'a self, taking: &'a [&'a str]) -> Wanted<'a> {
        let text = self.text.as_deref().filter(|_| self.action != Action::Type);
        Wanted { role: self.role.as_deref(), title: self.title.as_deref(), text, taking }
    }
}

/// What to do about a window of which nothing is told.
const BLANK: &str = "look by `screenshot`, or read by `ocr`";

async fn tree(session: &Session, target: &Target, asked: &Arguments) -> Result<Output, ToolError> {
    let scene = Scene::read(session, target, asked.app.as_deref(), asked.window.as_deref()).await?;
    let places = asked.bounds.then(|| Places::of(session, target)).transpose()?;
    let outline = Outline { places, most: MOST_LINES }.of_tree(&scene.tree);
    let mut about = format!("{}{} elements of {}.", target.prefix(), scene.tree.nodes.len(), scene.extent());
    if let Some(places) = places {
        about.push_str(&format!(" Places are middles and sizes, in {}.", places.unit()));
    }
    if outline.left_out > 0 {
        about.push_str(&format!(
            " Truncated: {} more lines are left out; name a `window`, or use find.",
            outline.left_out
        ));
    }
    if scene.is_blank() {
        about.push_str(&format!(" Its program tells nothing of what is in it: {BLANK}."));
    }
    if scene.tree.truncated {
        about.push_str(" Truncated: the desktop did not tell all elements; name a `window` or an `app`.");
    }
    Ok(Output::text(format!("{about}\n{}", fence("the accessibility tree", &outline.text)?)))
}

async fn find(session: &Session, target: &Target, asked: &Arguments) -> Result<Output, ToolError> {
    let scene = Scene::read(session, target, asked.app.as_deref(), asked.window.as_deref()).await?;
    let found = asked.wanted(&[]).all(&scene.tree);
    if found.is_empty() {
        return Err(none(target, &scene, asked));
    }
    let places = asked.bounds.then(|| Places::of(session, target)).transpose()?;
    let outline = Outline { places, most: MOST_LINES }.of_nodes(&scene.tree, &found);
    let more = match outline.left_out {
        0 => String::new(),
        more => format!(" {more} more are left out."),
    };
    let about = format!("{}{} elements of {} fit.{more}", target.prefix(), found.len(), scene.extent());
    Ok(Output::text(format!("{about}\n{}", fence("the accessibility tree", &outline.text)?)))
}

async fn value(session: &Session, target: &Target, asked: &Arguments) -> Result<Output, ToolError> {
    let (scene, index) = match one(session, target, asked, &[]).await? {
        Choice::One(scene, index) => (scene, index),
        Choice::Several(output) => return Ok(output),
    };
    let node = &scene.tree.nodes[index];
    session.caller.touch(scene.touched(index));
    let named = pick::named(node);
    let prefix = target.prefix();
    let states = outline::states(node);
    let states = if states.is_empty() { String::new() } else { format!(" It is {}.", states.join(", ")) };
    let Some(value) = &node.value else {
        let why = if node.role.contains("password") { " What a password field holds is never told." } else { "" };
        return Ok(Output::text(format!("{prefix}{named} has no content of its own.{why}{states}")));
    };
    let fenced = fence_within("the element's content", value, LONGEST_VALUE)?;
    let count = value.chars().count();
    Ok(Output::text(format!("{prefix}{named} holds {count} characters.{states}\n{fenced}")))
}

/// What the arguments of a call name.
enum Choice {
    One(Scene, usize),
    /// Nothing is done; these are listed.
    Several(Output),
}

/// The only element that is meant.
async fn one(session: &Session, target: &Target, asked: &Arguments, taking: &[&str]) -> Result<Choice, ToolError> {
    let (app, window) = (asked.app.as_deref(), asked.window.as_deref());
    let wanted = asked.wanted(taking);
    let scene = Scene::read(session, target, app, window).await;
    let Some(reference) = &asked.reference else {
        let scene = scene?;
        let found = wanted.best(&scene.tree);
        return chosen(target, asked, scene, &found);
    };
    let scene = match scene {
        Ok(scene) if pick::referenced(&scene.tree, reference).is_some() => scene,
        named if app.is_some() || window.is_some() => named?,
        // It may be of another window than the one that has the keyboard.
        _ => Scene::everything(session, target).await?,
    };
    let found = pick::referenced(&scene.tree, reference).filter(|index| wanted.fits(&scene.tree, *index));
    chosen(target, asked, scene, found.as_slice())
}

fn chosen(target: &Target, asked: &Arguments, scene: Scene, found: &[usize]) -> Result<Choice, ToolError> {
    match found {
        [] => Err(none(target, &scene, asked)),
        [only] => Ok(Choice::One(scene, *only)),
        several => {
            let outline = Outline { places: None, most: MOST_CANDIDATES }.of_nodes(&scene.tree, several);
            let text = format!(
                "{}{} elements of {} fit, so nothing was done; say which one by its `ref`.\n{}",
                target.prefix(),
                several.len(),
                scene.extent(),
                fence("the accessibility tree", &outline.text)?
            );
            Ok(Choice::Several(Output::error(text)))
        }
    }
}

/// Nothing fits.
fn none(target: &Target, scene: &Scene, asked: &Arguments) -> ToolError {
    let words = [("ref", &asked.reference), ("role", &asked.role), ("title", &asked.title), ("text", &asked.text)];
    let is_typed = asked.action == Action::Type;
    let words: Vec<String> = words
        .into_iter()
        .filter(|(name, _)| !(is_typed && *name == "text"))
        .filter_map(|(name, word)| Some(format!("{name} {:?}", plain_text(word.as_ref()?))))
        .collect();
    let (prefix, extent, words) = (target.prefix(), scene.extent(), words.join(" and "));
    let why = if scene.tree.truncated {
        // It may be one of those that were not told.
        format!(
            "{prefix}not all elements of {extent} were told: there are many, or a program does not answer. None that was has \
             {words}, so nothing was done; name its `window` or `app`, or try again"
        )
    } else {
        let next = if scene.is_blank() { BLANK } else { "read get_tree for what is there" };
        format!("{prefix}no element of {extent} has {words}, so nothing was done; {next}")
    };
    Error::new(ErrorCode::NotFound, why).into()
}
