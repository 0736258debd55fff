//! Recording: from where to where, and what is saved of it.

use serde_json::Value;

use super::program::{Program, Source};
use super::record::{Recorded, recorded};
use super::{Action, Arguments, From, Tape, lines, named, store, with_files};
use crate::api::{Error, ErrorCode};
use crate::tools::history::Entry;
use crate::tools::session::Session;
use crate::tools::target::{Target, ToolError, is_for_a_desktop};
use crate::tools::{Output, learn};

pub(super) async fn start(session: &Session, asked: &Arguments) -> Result<Output, ToolError> {
    is_known(session)?;
    if session.with_tape(|tape| tape.as_ref().is_some_and(Tape::goes_on)) {
        let why = "what the person does is recorded already; `save` it with a `name`, or `stop` it, then `start` anew";
        return Err(ToolError::Arguments(why.to_owned()));
    }
    let before = match recording(session) {
        Some(Recording { first, steps, has_ended: false }) => {
            return Err(ToolError::Arguments(format!(
                "a recording goes on since call {first} and has {steps} steps; `save` it with a `name`, or `stop` it, then \
                 `start` anew"
            )));
        }
        Some(Recording { first, steps, .. }) => format!(
            " The {steps} steps of the recording before are not saved; `save_session` with `from` {first} still can."
        ),
        None => String::new(),
    };
    let before = match session.with_tape(|tape| tape.as_ref().map(|tape| tape.recorded().steps.len())) {
        Some(steps) if steps > 0 => {
            format!("{before} The {steps} steps that the person did before are not saved, and gone.")
        }
        _ => before,
    };
    if asked.source == From::Person {
        let tape = Tape::start(session).await?;
        session.with_tape(|kept| *kept = Some(tape));
        let about = "The person has agreed: from now on what they do with the mouse and keyboard of this machine is recorded, and \
                     nothing that you do. When they say that they are done, `stop` shows it, and `save` with a `name` keeps it. \
                     What they type is not recorded: each text becomes a parameter.";
        return Ok(Output::text(format!("{about}{before}")));
    }
    session.with_tape(|tape| *tape = None);
    let about = "From now on every action of this session is recorded. Do the task; then `stop` shows what was recorded, and \
                 `save` with a `name` keeps it. Typed texts are kept too where the field is known and is none of a password: \
                 `ui` gives it the keyboard by `focus`, or types into it itself. What is typed elsewhere, as behind a Tab, \
                 becomes a secret parameter. To keep no typed text, save with `hide_typed`.";
    Ok(Output::text(format!("{about}{before}")))
}

/// What was recorded last and is not saved.
struct Recording {
    /// The number of its first call.
    first: u64,
    steps: usize,
    has_ended: bool,
}

fn recording(session: &Session) -> Option<Recording> {
    let calls = session.history().since(0);
    let start = calls.iter().rposition(is_start)?;
    let behind = calls.get(start + 1..)?;
    if behind.iter().any(|entry| is(entry, "save") || is(entry, "save_session")) {
        return None;
    }
    let stop = behind.iter().position(|entry| is(entry, "stop"));
    let own: Vec<Entry> = behind[..stop.unwrap_or(behind.len())].to_vec();
    let steps = recorded(&own, true).steps.len();
    (steps > 0).then(|| Recording { first: calls[start].number + 1, steps, has_ended: stop.is_some() })
}

/// Whether a call was this action of `learn`.
fn is(entry: &Entry, action: &str) -> bool {
    entry.tool == learn::TOOL.name
        && !entry.is_error
        && entry.arguments.get("action").and_then(Value::as_str) == Some(action)
}

fn is_start(entry: &Entry) -> bool {
    let source = entry.arguments.get("source").and_then(Value::as_str);
    is(entry, "start") && source.is_none_or(|source| source == "session")
}

pub(super) async fn stop(session: &Session, asked: &Arguments) -> Result<Output, ToolError> {
    is_known(session)?;
    if let Some(taped) = taped(session, asked.peer.as_deref()).await? {
        let about = format!("{} steps were recorded of what the person did.", taped.recorded.steps.len());
        let about = format!("{about}{}{} Keep them by `save` with a `name`.", taped.over, told(&taped.recorded));
        return Ok(Output::text(format!("{about}\n{}", lines(&taped.recorded.steps)?)));
    }
    let calls = since_start(session)?;
    let recorded = recorded(&of_one(session, calls, asked.peer.as_deref())?, false);
    let about = format!("{} steps were recorded. Keep them by `save` with a `name`.", recorded.steps.len());
    Ok(Output::text(format!("{about}{}\n{}", told(&recorded), lines(&recorded.steps)?)))
}

pub(super) async fn save(session: &Session, asked: Arguments) -> Result<Output, ToolError> {
    is_known(session)?;
    let name = named(&asked)?;
    let is_of_start = asked.action == Action::Save;
    let taped = if is_of_start { taped(session, asked.peer.as_deref()).await? } else { None };
    let source = if taped.is_some() { Source::Person } else { Source::Session };
    let recorded = match taped {
        Some(taped) => taped.recorded,
        None => {
            let calls = match asked.action {
                Action::SaveSession => between(session, asked.from, asked.to)?,
                _ => since_start(session)?,
            };
            recorded(&of_one(session, calls, asked.peer.as_deref())?, asked.hide_typed)
        }
    };
    if recorded.steps.is_empty() {
        let why = format!("these calls did nothing that could be done again{}", told(&recorded));
        return Err(ToolError::Arguments(why));
    }
    let mut program = Program::new(&name, asked.description.as_deref().unwrap_or_default(), source);
    let about = told(&recorded);
    (program.steps, program.parameters) = (recorded.steps, recorded.parameters);
    let shown = lines(&program.steps)?;
    let about = format!("{name} is saved with {} steps; only you can read its file.{about}", program.steps.len());
    with_files(session, move |home| store::save(home, &program, asked.replace)).await?;
    if source == Source::Person {
        session.with_tape(|tape| *tape = None);
    }
    Ok(Output::text(format!("{about} Try it by `run`.\n{shown}")))
}

/// What the person did.
struct Taped {
    recorded: Recorded,
    /// Why the recording has ended by itself, behind a space.
    over: String,
}

/// What the person did, if that was recorded last. The recording ends.
async fn taped(session: &Session, peer: Option<&str>) -> Result<Option<Taped>, ToolError> {
    let Some(taken) = session.with_tape(|tape| tape.as_mut().map(Tape::end)) else { return Ok(None) };
    if peer.map(|peer| session.target(Some(peer))).transpose()?.is_some_and(|target| target != Target::Local) {
        let why = "what the person did on this machine was recorded; leave `peer` out";
        return Err(ToolError::Arguments(why.to_owned()));
    }
    // Nothing is ever sent: it is closed once everything is there.
    let _closed = taken.recv().await.is_err();
    Ok(session.with_tape(|tape| {
        let tape = tape.as_ref()?;
        let over = tape.over().map(|why| format!(" It had ended before: {why}.")).unwrap_or_default();
        Some(Taped { recorded: tape.recorded(), over })
    }))
}

/// Of a client without a session nobody knows which calls were its own.
fn is_known(session: &Session) -> Result<(), ToolError> {
    if !session.is_stateless() {
        return Ok(());
    }
    let why = "the client keeps no session, so nobody knows which calls were its own; record in a client that does, or write \
               the program step by step: `patch` with a new `name`, `change` insert and `content` begins one";
    Err(Error::new(ErrorCode::CapabilityUnsupported, why).into())
}

/// The calls after the last `start`, up to the `stop` behind it.
fn since_start(session: &Session) -> Result<Vec<Entry>, ToolError> {
    let calls = session.history().since(0);
    let Some(start) = calls.iter().rposition(is_start) else {
        let why = "nothing is recorded: `start` first, or keep calls that were made already by `save_session`";
        return Err(ToolError::Arguments(why.to_owned()));
    };
    Ok(calls.into_iter().skip(start + 1).take_while(|entry| !is(entry, "stop")).collect())
}

fn between(session: &Session, from: Option<u64>, to: Option<u64>) -> Result<Vec<Entry>, ToolError> {
    let last = session.history().last();
    let (from, to) = (from.unwrap_or(1), to.unwrap_or(last));
    if from == 0 || from > to || to > last {
        let why = format!("this session has the calls 1 to {last}; `from` and `to` are two of them, in this order");
        return Err(ToolError::Arguments(why));
    }
    let calls: Vec<Entry> = session.history().since(from - 1).into_iter().filter(|entry| entry.number <= to).collect();
    match calls.first() {
        Some(first) if first.number > from => {
            let why = format!(
                "the calls before {} are forgotten; give `from` {} to save the rest",
                first.number, first.number
            );
            Err(ToolError::Arguments(why))
        }
        _ => Ok(calls),
    }
}

/// The calls to one machine: a program is run on one.
fn of_one(session: &Session, calls: Vec<Entry>, peer: Option<&str>) -> Result<Vec<Entry>, ToolError> {
    let meant = peer.map(|peer| session.target(Some(peer))).transpose()?;
    // A program or a task that was run may have moved the keyboard.
    let counts = |entry: &Entry| is_for_a_desktop(entry.tool) || matches!(entry.tool, "learn" | "schedule");
    let acting: Vec<Entry> = calls.into_iter().filter(counts).collect();
    let steps: Vec<&Entry> =
        acting.iter().filter(|entry| !recorded(core::slice::from_ref(*entry), true).steps.is_empty()).collect();
    let mut targets: Vec<&Target> = steps.iter().filter_map(|entry| entry.target.as_ref()).collect();
    targets.sort_unstable();
    targets.dedup();
    if meant.is_none() && targets.len() > 1 {
        let names: Vec<&str> = targets.iter().map(|target| target.name()).collect();
        let why = format!(
            "these calls went to {}, and a program is for one machine; say which by `peer`",
            names.join(" and ")
        );
        return Err(ToolError::Arguments(why));
    }
    Ok(acting.into_iter().filter(|entry| meant.is_none() || entry.target.is_none() || entry.target == meant).collect())
}

/// What has to be known of a recording.
fn told(recorded: &Recorded) -> String {
    let mut told = String::new();
    match recorded.texts {
        0 => {}
        1 => told.push_str(" One typed text stands in them as it was typed."),
        texts => told.push_str(&format!(" {texts} typed texts stand in them as they were typed.")),
    }
    let names: Vec<&str> = recorded.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
    if !names.is_empty() {
        told.push_str(&format!(
            " What was typed{} is not kept: `run` takes it as `parameters` {}, which are secret.",
            if recorded.texts > 0 { " elsewhere" } else { "" },
            names.join(", ")
        ));
    }
    if recorded.unknown > 0 {
        told.push_str(&format!(
            " Of {} of them nobody knows which field had the keyboard, so that they may be passwords; where they are none, \
             `patch` the step with its text, or record it with `ui`.",
            recorded.unknown
        ));
    }
    if !recorded.left_out.is_empty() {
        told.push_str(&format!(" Left out: {}.", recorded.left_out.join("; ")));
    }
    told
}
