//! `audit`.

mod show;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::history::{Entry, Ground};
use super::session::Session;
use super::steps::{Steps, is_no, only_looks, stopped};
use super::target::{Target, ToolError, is_for_a_desktop};
use super::{Hints, Output, Tool, arguments, batch, for_agents, given, mouse, schema};
use crate::api::{Error, ErrorCode};

pub(super) const TOOL: Tool = Tool {
    name: "audit",
    title: "What this session did",
    description: "`show` lists the calls of this session: summary, or full with arguments and answers; typed text only by its \
                  length. `replay` does the actions `from` to `to` again, in order and on the same machines, as far as the \
                  owner's rules let each. Calls that only look are left out.",
    hints: Hints { read_only: false, destructive: true, idempotent: false, open_world: true },
    schema: schema::of::<Arguments>,
    run: |session, given| {
        Box::pin(async move {
            let asked: Arguments = arguments(given)?;
            asked.check()?;
            if session.is_stateless() {
                return Err(no_session());
            }
            match asked.action {
                Action::Show => {
                    let limit = asked.limit.unwrap_or(LIMIT) as usize;
                    show::show(session, asked.format.unwrap_or(Format::Summary), limit)
                }
                Action::Replay => replay(session, &asked).await,
            }
        })
    },
};

/// Calls that are listed when nothing else is said.
const LIMIT: u32 = 50;

/// Calls that are listed at most.
const MOST_SHOWN: u32 = 500;

/// Actions of one replay.
const MOST_STEPS: usize = 200;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Action {
    Show,
    Replay,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Format {
    Summary,
    Full,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// What to do.
    action: Action,
    /// With `show`: summary when left out.
    format: Option<Format>,
    /// With `show`: so many of the last calls, 50 when left out, at most 500.
    limit: Option<u32>,
    /// With `replay`: the number of the first call.
    from: Option<u64>,
    /// With `replay`: the number of the last call; `from` when left out.
    to: Option<u64>,
    /// With `replay`: whether it goes on after an action that fails. A refusal of an owner's ends it all the same.
    #[serde(default)]
    skip_errors: bool,
}

impl Arguments {
    fn check(&self) -> Result<(), ToolError> {
        let all = [
            ("format", self.format.is_some()),
            ("limit", self.limit.is_some()),
            ("from", self.from.is_some()),
            ("to", self.to.is_some()),
            ("skip_errors", self.skip_errors),
        ];
        let (name, needs, takes): (_, &[&str], &[&str]) = match self.action {
            Action::Show => ("show", &[], &["format", "limit"]),
            Action::Replay => ("replay", &["from"], &["to", "skip_errors"]),
        };
        given::check(name, &all, needs, takes)?;
        if self.limit.is_some_and(|limit| !(1..=MOST_SHOWN).contains(&limit)) {
            return Err(ToolError::Arguments(format!("`limit` is 1 to {MOST_SHOWN}")));
        }
        Ok(())
    }
}

fn no_session() -> ToolError {
    let why = "the client keeps no session, so nobody knows which calls were its own; what was done on a paired machine stands in \
               its own log (`opendesk audit` there), and of this machine's desktop nothing is kept";
    Error::new(ErrorCode::CapabilityUnsupported, why).into()
}

/// The actions of these numbers. What only looks, what is about the session, and what is made of other entries is left out.
fn chosen(session: &Session, asked: &Arguments) -> Result<Vec<(Entry, Ground)>, ToolError> {
    let wrong = |why: String| Err(ToolError::Arguments(why));
    let from = asked.from.unwrap_or_default();
    let to = asked.to.unwrap_or(from);
    let last = session.history().last();
    if from == 0 || from > to || to > last {
        return wrong(format!(
            "`from` to `to` has to be a part of 1 to {last}, the calls of this session; see `show` for their numbers"
        ));
    }
    let known = session.history().grounded(from - 1);
    if known.first().is_none_or(|(first, _)| first.number > from) {
        let oldest = known.first().map_or(last, |(first, _)| first.number);
        return wrong(format!("the calls before {oldest} are not remembered any more; choose from those in `show`"));
    }
    let is_action = |entry: &Entry| {
        entry.number <= to
            && is_for_a_desktop(entry.tool)
            && entry.tool != batch::TOOL.name
            && !(entry.is_whole() && only_looks(entry.tool, &entry.arguments))
    };
    let actions: Vec<_> = known.into_iter().filter(|(entry, _)| is_action(entry)).collect();
    match actions.len() {
        0 => wrong(format!("nothing from {from} to {to} is an action; see `show`")),
        1..=MOST_STEPS => Ok(actions),
        count => {
            wrong(format!("{count} actions are too many for one replay, which has at most {MOST_STEPS}; split it"))
        }
    }
}

async fn replay(session: &Session, asked: &Arguments) -> Result<Output, ToolError> {
    let actions = chosen(session, asked)?;
    let total = actions.len();
    let steps = Steps::new(session, total);
    let (mut lines, mut done, mut failed) = (Vec::new(), 0, 0);
    let (mut is_over, mut is_refused) = (false, false);
    for (index, (entry, ground)) in actions.into_iter().enumerate() {
        let what = format!("{} {}", entry.number, show::name(&entry));
        if is_over {
            lines.push(format!("{what}: not executed"));
            continue;
        }
        let result = match (stopped(session), again(session, &entry, &ground)) {
            (Some(why), _) => Err(Error::new(ErrorCode::PermissionDenied, why).into()),
            (None, Ok(arguments)) => steps.take(index, entry.tool, arguments).await,
            (None, Err(error)) => Err(error),
        };
        let said = match result {
            Ok((output, false)) if !output.is_error => {
                done += 1;
                lines.push(format!("{what}: ok: {}", output.all_text()));
                continue;
            }
            Ok((output, _)) => {
                is_refused |= output.is_refused;
                output.all_text()
            }
            Err(ToolError::Ask(question)) => return Err(ToolError::Ask(question)),
            Err(error) => {
                is_over = is_no(&error);
                is_refused |= is_over;
                for_agents(&error)
            }
        };
        failed += 1;
        is_over |= !asked.skip_errors;
        lines.push(format!("{what}: failed: {said}"));
    }
    let left = total - done - failed;
    let mut summary = format!("{done} of {total} actions done again, {failed} failed");
    if left > 0 {
        summary.push_str(&format!(", {left} not executed"));
    }
    let text = format!("{summary}.\n{}", lines.join("\n"));
    let output = Output::text(text);
    Ok(if failed > 0 { output.failed(is_refused) } else { output })
}

/// The arguments by which an action means the same now as it did.
///
/// # Errors
/// Where it cannot.
fn again(session: &Session, entry: &Entry, ground: &Ground) -> Result<Value, ToolError> {
    let refused = |why: String| Err(Error::invalid(why).into());
    let Value::Object(mut arguments) = entry.arguments.clone() else {
        return refused("its arguments were too long to be kept; call the tool once more".to_owned());
    };
    let Some(target) = &entry.target else {
        return refused("no machine was meant, so it did nothing either".to_owned());
    };
    if session.key(target)? != ground.key {
        return refused(format!("{} is another machine than it was then; nothing is done there", target.name()));
    }
    arguments.insert("peer".to_owned(), target.name().into());
    if entry.tool == mouse::TOOL.name && points(&arguments) {
        place(session, target, ground, &mut arguments)?;
    }
    Ok(Value::Object(arguments))
}

/// Whether it means places of a picture.
fn points(arguments: &Map<String, Value>) -> bool {
    ["x", "y", "mark", "end_x", "path"].iter().any(|name| arguments.get(*name).is_some_and(|value| !value.is_null()))
}

/// Has places count in the picture that they counted in.
fn place(
    session: &Session,
    target: &Target,
    ground: &Ground,
    arguments: &mut Map<String, Value>,
) -> Result<(), ToolError> {
    let Some(id) = &ground.shot else {
        if session.shot(target, None)?.is_none() {
            return Ok(());
        }
        let why = "it counted in pixels of the desktop, and by now there is a picture that `mouse` would count in; do it anew";
        return Err(Error::invalid(why).into());
    };
    session.shot(target, Some(id))?;
    arguments.insert("shot_id".to_owned(), id.as_str().into());
    Ok(())
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use serde_json::json;

    use super::*;
    use crate::tools::peers::tests::{home, know, session};

    fn call(session: &Session, name: &str, arguments: Value) -> Output {
        session.call_tool(name, arguments).now_or_never().expect("nothing is waited for")
    }

    #[test]
    fn what_does_not_belong_together_is_refused() {
        let (_folder, home) = home();
        let session = session(&home);
        for (arguments, why) in [
            (json!({"action": "replay"}), "replay needs `from`"),
            (json!({"action": "show", "from": 1}), "`from` does not go with show"),
            (json!({"action": "show", "limit": 501}), "`limit` is 1 to 500"),
            (json!({"action": "replay", "from": 0}), "a part of 1 to 3"),
            (json!({"action": "replay", "from": 1, "to": 9}), "a part of 1 to 4"),
            (json!({"action": "replay", "from": 1}), "nothing from 1 to 1 is an action"),
        ] {
            let refused = call(&session, "audit", arguments);
            assert!(refused.is_error && refused.all_text().contains(why), "{why}: {refused:?}");
        }
        let refused = call(&session.stateless(), "audit", json!({"action": "show"}));
        assert!(refused.is_error && refused.all_text().contains("keeps no session"), "{refused:?}");
    }

    #[test]
    fn an_action_is_not_done_again_on_a_machine_that_has_the_name_by_now() {
        let (_folder, home) = home();
        know(&home, "desk", 1);
        let session = session(&home);
        // It is refused before any machine is asked.
        let refused = call(&session, "mouse", json!({"action": "click", "peer": "desk"}));
        assert!(refused.is_error, "{refused:?}");
        let mut peers = crate::home::Peers::load(&home).unwrap();
        peers.remove(&[1; 32]).unwrap();
        know(&home, "desk", 2);
        let replayed = call(&session, "audit", json!({"action": "replay", "from": 1}));
        assert!(replayed.is_error && replayed.all_text().contains("another machine than it was then"), "{replayed:?}");
        peers.reload().unwrap();
        peers.remove(&[2; 32]).unwrap();
        let replayed = call(&session, "audit", json!({"action": "replay", "from": 1}));
        assert!(replayed.all_text().contains("no paired machine is called \"desk\""), "{replayed:?}");
    }

    #[test]
    fn what_was_too_long_to_keep_is_not_done_again() {
        let (_folder, home) = home();
        let session = session(&home);
        let text = "x".repeat(70_000);
        call(&session, "clipboard", json!({"action": "paste", "text": text}));
        let replayed = call(&session, "audit", json!({"action": "replay", "from": 1}));
        assert!(replayed.is_error && replayed.all_text().contains("too long to be kept"), "{replayed:?}");
        let shown = call(&session, "audit", json!({"action": "show", "format": "full"})).all_text();
        assert!(shown.contains("(too long to be kept)"), "{shown}");
    }
}
