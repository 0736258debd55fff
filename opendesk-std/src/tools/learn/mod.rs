//! `learn`: tasks that are recorded once and run again without a model.

mod checks;
mod find;
mod patch;
mod person;
mod points;
mod program;
mod record;
mod run;
mod save;
mod store;
mod words;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use self::patch::Patch;
pub(super) use self::person::Tape;
pub(super) use self::points::pointed;
use self::program::{Parameter, Program, Source, Step};
use self::run::fenced;
use super::aside::aside;
use super::session::Session;
use super::target::ToolError;
use super::{Hints, Output, Tool, arguments, given, schema};
use crate::home::{Home, HomeError};

pub(super) const TOOL: Tool = Tool {
    name: "learn",
    title: "Learn a task",
    description: "Records a task as a program and runs it again without a model. `start`, do it, `stop`, `save`; or \
                  `save_session` of calls already made. `run` stops at the first step that fails or whose postcondition does \
                  not hold, with a picture and the steps left; `patch` changes a step. A typed text is stored where the field \
                  is known and is none of a password; any other becomes a secret parameter, written {{name}}.",
    hints: Hints { read_only: false, destructive: true, idempotent: false, open_world: true },
    schema: schema::of::<Arguments>,
    run: |session, given| {
        Box::pin(async move {
            let asked: Arguments = arguments(given)?;
            asked.check()?;
            match asked.action {
                Action::Start => save::start(session, &asked).await,
                Action::Stop => save::stop(session, &asked).await,
                Action::Save | Action::SaveSession => save::save(session, asked).await,
                Action::List => list(session).await,
                Action::Show => show(session, &asked).await,
                Action::Run => run::run(session, asked).await,
                Action::Patch => patch(session, asked).await,
                Action::Delete => delete(session, &asked).await,
            }
        })
    },
};

/// Characters of a program that are told.
const MOST: usize = 24_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Action {
    Start,
    Stop,
    SaveSession,
    Save,
    List,
    Show,
    Run,
    Patch,
    Delete,
}

/// What is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum From {
    #[default]
    Session,
    Person,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Change {
    Replace,
    Insert,
    Delete,
    Move,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// What to do.
    action: Action,
    /// The program's name.
    name: Option<String>,
    /// What the program is for.
    description: Option<String>,
    /// What `start` records: the calls of this session, or what the person at this machine does, who is asked first.
    #[serde(default)]
    source: From,
    /// `save_session`: the first call, by its number in `audit`.
    from: Option<u64>,
    /// `save_session`: the last call.
    to: Option<u64>,
    /// Saving: every typed text becomes a parameter.
    #[serde(default)]
    hide_typed: bool,
    /// Saving: overwrite the program of this name.
    #[serde(default)]
    replace: bool,
    /// The paired machine whose desktop is meant, or `local`; see opendesk_peers.
    peer: Option<String>,
    /// `run`: the value of each parameter.
    #[serde(default)]
    parameters: Map<String, Value>,
    /// `run`: the step to begin with.
    from_step: Option<u32>,
    /// `run`: only list the steps.
    #[serde(default)]
    dry_run: bool,
    /// `show`: the file as it is.
    #[serde(default)]
    full: bool,
    /// What `patch` does with a step. `insert` begins a program of a new name.
    change: Option<Change>,
    /// `patch`: the number of the step.
    step: Option<u32>,
    /// `patch`: where the inserted or moved step is to be, from 1.
    position: Option<u32>,
    /// `patch`: the step, or what changes of it: tool, arguments, target {app, window, role, name}, wait_ms, note,
    /// postcondition {kind: app_frontmost, window_title_contains, window_focused, element_exists, element_value_is,
    /// element_value_contains, element_checked, text_visible or clipboard_is, value, element, timeout_ms}. `mouse` counts in desktop pixels here; the tool `wait` does nothing.
    #[serde(default)]
    content: Map<String, Value>,
}

impl Arguments {
    fn check(&self) -> Result<(), ToolError> {
        let all = [
            ("name", self.name.is_some()),
            ("description", self.description.is_some()),
            ("source", self.source != From::Session),
            ("from", self.from.is_some()),
            ("to", self.to.is_some()),
            ("hide_typed", self.hide_typed),
            ("replace", self.replace),
            ("peer", self.peer.is_some()),
            ("parameters", !self.parameters.is_empty()),
            ("from_step", self.from_step.is_some()),
            ("dry_run", self.dry_run),
            ("full", self.full),
            ("change", self.change.is_some()),
            ("step", self.step.is_some()),
            ("position", self.position.is_some()),
            ("content", !self.content.is_empty()),
        ];
        let (name, needs, takes): (_, &[&str], &[&str]) = match self.action {
            Action::Start => ("start", &[], &["source"]),
            Action::Stop => ("stop", &[], &["peer"]),
            Action::Save => ("save", &["name"], &["description", "hide_typed", "replace", "peer"]),
            Action::SaveSession => {
                ("save_session", &["name"], &["description", "from", "to", "hide_typed", "replace", "peer"])
            }
            Action::List => ("list", &[], &[]),
            Action::Show => ("show", &["name"], &["full"]),
            Action::Run => ("run", &["name"], &["peer", "parameters", "from_step", "dry_run"]),
            Action::Patch => ("patch", &["name", "change"], &["step", "position", "content"]),
            Action::Delete => ("delete", &["name"], &[]),
        };
        given::check(name, &all, needs, takes)
    }
}

fn named(asked: &Arguments) -> Result<String, ToolError> {
    let name = asked.name.clone().unwrap_or_default();
    store::good_name(&name).map_err(ToolError::Arguments)?;
    Ok(name)
}

/// Reads or writes files of the home beside the event loop: another program may have their lock for seconds.
async fn with_files<T: Send + 'static>(
    session: &Session,
    work: impl FnOnce(&Home) -> Result<T, HomeError> + Send + 'static,
) -> Result<T, ToolError> {
    let home = session.home().clone();
    Ok(aside(move || Ok(work(&home))).await??)
}

/// Steps in lines, as far as an agent reads them.
fn lines(steps: &[Step]) -> Result<String, ToolError> {
    let (mut told, mut length) = (Vec::new(), 0);
    for step in steps {
        let line = step.line();
        length += line.len();
        if length > MOST {
            break;
        }
        told.push(line);
    }
    let left_out = steps.len() - told.len();
    let more = if left_out == 0 { String::new() } else { format!("\n{left_out} more are left out.") };
    Ok(format!("{}{more}", fenced(&told.join("\n"))?))
}

async fn list(session: &Session) -> Result<Output, ToolError> {
    let listed = with_files(session, store::list).await?;
    if listed.is_empty() {
        let about = "No program is saved. Record one by `start`, `stop` and `save`, or by `save_session`.";
        return Ok(Output::text(about));
    }
    let lines: Vec<String> = listed
        .iter()
        .map(|listed| match &listed.program {
            Err(error) => format!("{}: cannot be run: {error}", listed.name),
            Ok(program) => {
                let names: Vec<&str> = program.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
                let takes = if names.is_empty() { String::new() } else { format!(", parameters {}", names.join(", ")) };
                let about = crate::home::plain_text(&program.description);
                let about: String = about.chars().take(200).collect();
                format!("{}: {} steps{takes}, {}. {about}", listed.name, program.steps.len(), program.created)
            }
        })
        .collect();
    Ok(Output::text(format!("{} programs.\n{}", listed.len(), fenced(&lines.join("\n"))?)))
}

async fn show(session: &Session, asked: &Arguments) -> Result<Output, ToolError> {
    let name = named(asked)?;
    let program = with_files(session, move |home| store::load(home, &name)).await?;
    let about = format!("{} has {} steps", program.name, program.steps.len());
    if asked.full {
        let bytes = program.to_bytes().map_err(ToolError::Arguments)?;
        let text = String::from_utf8_lossy(&bytes);
        let fenced = super::fence::fence_within("a recorded program", &text, MOST)?;
        return Ok(Output::text(format!("{about}.\n{fenced}")));
    }
    let names: Vec<String> = program.parameters.iter().map(Parameter::title).collect();
    let takes =
        if names.is_empty() { "no parameters".to_owned() } else { format!("the parameters {}", names.join(", ")) };
    let source = match program.source {
        Source::Session => "recorded from calls of a session",
        Source::Person => "recorded from what the person did",
        Source::Written => "written step by step",
    };
    Ok(Output::text(format!("{about} and {takes}; it was {source}.\n{}", lines(&program.steps)?)))
}

async fn patch(session: &Session, asked: Arguments) -> Result<Output, ToolError> {
    let name = named(&asked)?;
    let Some(change) = asked.change else { return Err(ToolError::Arguments("patch needs `change`".to_owned())) };
    let patch = Patch { change, step: asked.step, position: asked.position, content: asked.content };
    let of = name.clone();
    let new = (change == Change::Insert).then(|| Program::new(&name, "", Source::Written));
    let (count, step, is_new) = with_files(session, move |home| {
        store::change(home, &of, new, |program| {
            let is_new = program.steps.is_empty();
            let place = patch.apply(program)?;
            Ok((program.steps.len(), program.steps.get(place).cloned(), is_new))
        })
    })
    .await?;
    let about = if is_new {
        format!("No program was called {name}: it is a new one. Insert its other steps likewise.")
    } else {
        format!("{name} is changed: it has {count} steps now, numbered from 1. What it was is kept as {name}.json.bak.")
    };
    let (said, step) = match (change, step) {
        (_, None) => return Ok(Output::text(about)),
        (Change::Delete, Some(step)) => ("In its place is now", step),
        (_, Some(step)) => ("The step is now", step),
    };
    Ok(Output::text(format!("{about} {said}:\n{}", lines(&[step])?)))
}

async fn delete(session: &Session, asked: &Arguments) -> Result<Output, ToolError> {
    let name = named(asked)?;
    let said = format!("{name} is deleted.");
    with_files(session, move |home| store::delete(home, &name)).await?;
    Ok(Output::text(said))
}
