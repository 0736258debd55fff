//! Running a program: step by step, each through the rules of the owner, up to the first that does not do what it should.

use core::fmt::Write as _;
use core::time::Duration;
use std::time::Instant;

use opendesk_core::PublicKey;
use serde_json::{Map, Value};

use super::checks::holds;
use super::find::{self, within};
use super::program::{Program, Step, WAIT, used};
use super::{Arguments, lines, named, with_files};
use crate::api::CaptureParams;
use crate::clock;
use crate::home::Home;
use crate::tools::mouse::OnDesktop;
use crate::tools::screenshot::MOST_BYTES;
use crate::tools::session::Session;
use crate::tools::steps::{Steps, is_no};
use crate::tools::target::{Target, ToolError};
use crate::tools::{Block, Output, fence};

/// How long what a step acts on is waited for: a program that starts takes some seconds.
const APPEARS: Duration = Duration::from_secs(10);

/// How a step did not come to its end.
enum Failed {
    /// One line of our own, or one that is fenced already.
    Step(String),
    /// One such line: somebody has said no.
    Refused(String),
    /// Nothing was done yet, and a person has to be asked.
    Ask(ToolError),
}

impl From<ToolError> for Failed {
    fn from(error: ToolError) -> Self {
        match error {
            ToolError::Ask(_) => Self::Ask(error),
            error if is_no(&error) => Self::Refused(error.to_string()),
            error => Self::Step(error.to_string()),
        }
    }
}

pub(super) async fn run(session: &Session, asked: Arguments) -> Result<Output, ToolError> {
    let name = named(&asked)?;
    let program = with_files(session, move |home: &Home| super::store::load(home, &name)).await?;
    let first = match asked.from_step {
        Some(id) => program.position(id).map_err(ToolError::Arguments)?,
        None => 0,
    };
    let needed = if asked.dry_run { &[] } else { &program.steps[first..] };
    let values = values(&program, needed, asked.parameters)?;
    let filled: Result<Vec<Step>, String> = needed.iter().map(|step| step.filled(&values)).collect();
    let steps = filled.map_err(ToolError::Arguments)?;
    let target = session.target(asked.peer.as_deref())?;
    let (prefix, count) = (target.prefix(), program.steps.len() - first);
    if asked.dry_run {
        let about =
            format!("{prefix}{} would do {count} steps, each if the one before did what it should.", program.name);
        return Ok(Output::text(format!("{about} Nothing was done.\n{}", lines(&program.steps[first..])?)));
    }
    let run = Run::new(session, &target)?;
    let mut said = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        let (done, title) = (index as f64, step.title());
        session.caller.report(done, Some(count as f64), &format!("step {}: {title}", step.id));
        let begun = clock::monotonic();
        match run.step(step).await {
            Ok(outcome) => said.push(format!("step {} {title}: {outcome} ({})", step.id, seconds(begun))),
            Err(failed) => {
                let (why, is_refused) = match failed {
                    Failed::Ask(question) => return Err(question),
                    Failed::Step(why) => (why, false),
                    Failed::Refused(why) => (why, true),
                };
                said.push(format!("step {} {title}: FAILED ({}): {why}", step.id, seconds(begun)));
                return Ok(run.stopped(&program, first + index, &said).await?.failed(is_refused));
            }
        }
    }
    session.caller.report(count as f64, Some(count as f64), "done");
    let about = format!("{prefix}{} has run: {count} steps, and each did what it should.", program.name);
    Ok(Output::text(format!("{about}\n{}", said.join("\n"))))
}

fn seconds(begun: Instant) -> String {
    format!("{:.1} s", begun.elapsed().as_secs_f64())
}

/// A value for each parameter of the steps that are to be done, and none that is no parameter's.
fn values(program: &Program, steps: &[Step], given: Map<String, Value>) -> Result<Map<String, Value>, ToolError> {
    let used = used(steps).map_err(ToolError::Arguments)?;
    let known: Vec<&str> = program.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
    let missing = known.iter().copied().filter(|name| used.contains(*name) && !given.contains_key(*name));
    let missing: Vec<&str> = missing.collect();
    if !missing.is_empty() {
        let missing = missing.join(", ");
        let why = format!("{} needs `parameters` for {missing}; nothing was done", program.name);
        return Err(ToolError::Arguments(why));
    }
    for (name, value) in &given {
        if !known.contains(&name.as_str()) {
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            let why = format!("{} has no parameter {:?}; it has {known}", program.name, crate::home::plain_text(name));
            return Err(ToolError::Arguments(why));
        }
        if value.is_array() || value.is_object() || value.is_null() {
            return Err(ToolError::Arguments(format!(
                "the parameter {name} has to be a text, a number, true or false"
            )));
        }
    }
    Ok(given)
}

struct Run<'a> {
    session: &'a Session,
    target: &'a Target,
    key: Option<PublicKey>,
}

impl<'a> Run<'a> {
    fn new(session: &'a Session, target: &'a Target) -> Result<Self, ToolError> {
        Ok(Self { session, target, key: session.key(target)? })
    }

    async fn step(&self, step: &Step) -> Result<String, Failed> {
        // Also before a step that calls nothing.
        self.session.pause(Duration::from_millis(step.wait_ms.into())).await?;
        if self.session.key(self.target)? != self.key {
            let name = self.target.name();
            return Err(Failed::Step(format!("{name:?} is another machine than when the program was begun")));
        }
        let session = self.asking();
        let mut said = self.act(&session, step).await?;
        if let Some(check) = &step.postcondition {
            holds(&session, self.target, check, step.target.as_ref()).await?.map_err(Failed::Step)?;
            // Writing to a string never fails.
            let _done = write!(said, " Then {} held.", check.name()).is_ok();
        }
        Ok(said)
    }

    /// The session of whoever is asked about a step.
    fn asking(&self) -> Session {
        // How far the program is, is told by its steps.
        self.session.for_caller(Steps::new(self.session, 1).looker())
    }

    async fn act(&self, session: &Session, step: &Step) -> Result<String, Failed> {
        let said = self.perform(session, step).await?;
        if session.caller.is_in_vain() { Err(Failed::Step(said)) } else { Ok(said) }
    }

    async fn perform(&self, session: &Session, step: &Step) -> Result<String, Failed> {
        let target = self.target;
        let mut arguments = step.arguments.clone();
        let action = arguments.get("action").and_then(Value::as_str).unwrap_or_default();
        match (&step.target, step.tool.as_str()) {
            (None, _) => {}
            (Some(_), "ui") if action == "click_menu" => {}
            (Some(wanted), "app") => {
                let closes = action == "close_window";
                let found = within(session, APPEARS, || Box::pin(find::window(session, target, wanted))).await?;
                let found = found.map_err(Failed::Step)?;
                if closes && found.title != wanted.window {
                    let why = "the window that is to be closed is not there, and no other is closed in its place";
                    return Err(Failed::Step(why.to_owned()));
                }
                arguments.insert("window".to_owned(), found.id.into());
            }
            (Some(wanted), tool) => {
                let found = within(session, APPEARS, || Box::pin(find::element(session, target, wanted))).await?;
                let found = found.map_err(Failed::Step)?;
                if tool == "ui" {
                    let named = match found.reference {
                        Some(reference) => vec![("ref", reference)],
                        None => vec![("role", found.role), ("title", found.name)],
                    };
                    arguments.extend(named.into_iter().map(|(name, value)| (name.to_owned(), value.into())));
                    if !wanted.app.is_empty() {
                        arguments.insert("app".to_owned(), wanted.app.clone().into());
                    }
                }
            }
        }
        match step.tool.as_str() {
            WAIT => Ok("waited.".to_owned()),
            "mouse" => {
                let pointing = OnDesktop::of(&arguments)?;
                Ok(pointing.perform(session, target).await?)
            }
            tool => {
                arguments.insert("peer".to_owned(), target.name().into());
                let output = session.try_tool(tool, Value::Object(arguments)).await?;
                let text = output.all_text();
                let text = text.strip_prefix(&target.prefix()).unwrap_or(&text);
                if output.is_error {
                    let failed = if output.is_refused { Failed::Refused } else { Failed::Step };
                    return Err(failed(text.to_owned()));
                }
                // What it repeats may be the value of a parameter.
                let is_told = tool != "clipboard";
                Ok(text.lines().next().filter(|_| is_told).unwrap_or("done.").to_owned())
            }
        }
    }

    /// What an agent needs to go on by itself, or to mend the program.
    async fn stopped(&self, program: &Program, failed: usize, said: &[String]) -> Result<Output, ToolError> {
        let (session, target, name) = (self.asking(), self.target, &program.name);
        let rest = &program.steps[failed..];
        let id = rest.first().map_or(0, |step| step.id);
        let mut text = format!("{}{name} stopped at step {id} of {}.\n", target.prefix(), program.steps.len());
        text.push_str(&said.join("\n"));
        let left = rest.len() - 1;
        text.push_str(&format!("\nNot done: step {id} as it should be, and {left} after it.\n{}\n", lines(rest)?));
        text.push_str(&format!(
            "Either do the rest by hand; or put right what is in the way and `run` it again with `from_step` {id}; or change \
             the step by `patch` with `name` {name:?}, `change` replace, `step` {id} and the new `content`."
        ));
        let whole = CaptureParams { max_bytes: Some(MOST_BYTES), ..CaptureParams::default() };
        let mut image = None;
        match session.take(target, &whole, false).await {
            Ok(taken) => {
                text.push_str(&format!("\n{}", taken.text));
                image = taken.image;
            }
            Err(error) => text.push_str(&format!("\nThere is no picture of it: {error}")),
        }
        let blocks = core::iter::once(Block::Text(text)).chain(image).collect();
        Ok(Output::of(blocks))
    }
}

/// Words of a program that may have come from a screen when it was recorded.
pub(super) fn fenced(text: &str) -> Result<String, ToolError> {
    fence("a recorded program", text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_parameter_of_the_steps_has_a_value_and_no_value_is_left_over() {
        let program = json!({"name": "a", "version": 1, "source": "session", "parameters": [{"name": "who"}, {"name": "age"},
            {"name": "none"}],
            "steps": [{"id": 1, "tool": "keyboard", "arguments": {"action": "type", "text": "{{who}} {{age}}"}},
                {"id": 2, "tool": "wait", "postcondition": {"kind": "text_visible", "value": "{{age}}"}}]});
        let program = Program::parse(program.to_string().as_bytes()).unwrap();
        let from = |first: usize, given: Value| {
            let given = given.as_object().unwrap().clone();
            values(&program, &program.steps[first..], given).map_err(|error| error.to_string())
        };
        let given = |values| from(0, values);
        assert!(given(json!({"who": "Ada", "age": 36})).is_ok());
        assert!(given(json!({})).unwrap_err().contains("for who, age; nothing was done"));
        assert!(given(json!({"who": "Ada", "age": 36, "x": 1})).unwrap_err().contains("no parameter \"x\""));
        assert!(given(json!({"who": ["Ada"], "age": 36})).unwrap_err().contains("who has to be a text"));
        assert!(from(1, json!({"age": 36})).is_ok() && from(2, json!({})).is_ok());
        assert!(from(1, json!({"who": "Ada"})).unwrap_err().contains("for age; nothing was done"));
    }
}
