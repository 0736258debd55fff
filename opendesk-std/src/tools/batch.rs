//! `computer_batch`.

mod check;

use core::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::session::Session;
use super::steps::{Steps, is_no};
use super::target::{Target, ToolError};
use super::{Block, Hints, Output, Tool, arguments, for_agents, schema, screenshot, settle_ms};
use crate::client::ClientError;

pub(super) const TOOL: Tool = Tool {
    name: "computer_batch",
    title: "Several actions",
    description: "Does several actions on one desktop in order, and stops at the first that fails or has no effect: the rest \
                  is not executed. Answers with what came of each and one picture in the end. For steps whose outcome is \
                  sure, such as filling in a form; look first. All arguments are checked before anything is done.",
    hints: Hints { read_only: false, destructive: true, idempotent: false, open_world: true },
    schema: schema::of::<Arguments>,
    run: |session, given| {
        Box::pin(async move {
            let Arguments { actions, peer, picture } = arguments(given)?;
            let target = session.target(peer.as_deref())?;
            let members = check::members(session, &target, actions)?;
            batch(session, &target, members, picture).await
        })
    },
};

/// Actions of one batch.
const MOST: usize = 50;

/// Pictures that actions of one batch may ask for.
const MOST_PICTURES: usize = 3;

/// Characters of all that the actions say. What is longer is left out as a whole, so that every fence is closed.
const MOST_TEXT: usize = 40_000;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The actions, 1 to 50.
    #[schemars(length(min = 1, max = 50))]
    actions: Vec<Action>,
    /// The paired machine whose desktop is meant, or `local`; see opendesk_peers. It holds for all actions.
    peer: Option<String>,
    /// Whether a picture is taken in the end, also after a failure.
    #[serde(default = "yes")]
    picture: bool,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Action {
    /// A tool, or `wait`, whose argument is `ms`, at most 10000.
    tool: Name,
    /// The arguments of the tool. `settle_ms` is 50 when left out.
    #[serde(default)]
    arguments: Map<String, Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Name {
    Mouse,
    Keyboard,
    Ui,
    App,
    Clipboard,
    Ocr,
    Script,
    Screenshot,
    Wait,
}

impl Name {
    const fn text(self) -> &'static str {
        match self {
            Self::Mouse => "mouse",
            Self::Keyboard => "keyboard",
            Self::Ui => "ui",
            Self::App => "app",
            Self::Clipboard => "clipboard",
            Self::Ocr => "ocr",
            Self::Script => "script",
            Self::Screenshot => "screenshot",
            Self::Wait => "wait",
        }
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Wait {
    /// How long, in milliseconds.
    #[schemars(range(max = 10_000))]
    ms: u32,
}

const fn yes() -> bool {
    true
}

/// An action that was checked.
struct Member {
    tool: Name,
    arguments: Value,
}

/// What has come of a batch so far.
struct Report {
    lines: Vec<String>,
    room: usize,
    pictures: Vec<(usize, Block)>,
}

impl Report {
    /// What an action said, with its name before it.
    fn add(&mut self, number: usize, tool: Name, word: &str, said: &str) {
        let length = said.chars().count();
        let said = if length <= self.room {
            self.room -= length;
            said
        } else {
            "(what it said does not fit here; call the tool on its own)"
        };
        let between = if said.is_empty() { "" } else { ": " };
        self.lines.push(format!("{number} {word} {}{between}{said}", tool.text()));
    }
}

async fn batch(session: &Session, target: &Target, members: Vec<Member>, picture: bool) -> Result<Output, ToolError> {
    let total = members.len();
    let asked_for = members.iter().filter(|member| member.tool == Name::Screenshot).count();
    let comes_last = picture && members.last().is_some_and(|member| member.tool != Name::Screenshot);
    let steps = Steps::new(session, total).with_pictures((asked_for + usize::from(comes_last)) as u32);
    let mut report = Report { lines: Vec::new(), room: MOST_TEXT, pictures: Vec::new() };
    let (mut done, mut has_failed, mut is_gone, mut is_pictured, mut is_refused) = (0, false, false, false, false);
    let mut how = "failed";
    for (index, Member { tool, arguments }) in members.into_iter().enumerate() {
        let number = index + 1;
        if has_failed {
            report.lines.push(format!("{number} not executed {}", tool.text()));
            continue;
        }
        let result = match tool {
            Name::Wait => wait(session, &steps, index, arguments).await,
            tool => steps.take(index, tool.text(), arguments).await,
        };
        is_pictured = false;
        match result {
            Ok((output, is_in_vain)) if !output.is_error => {
                if is_in_vain {
                    (has_failed, how) = (true, "had no effect");
                } else {
                    done += 1;
                }
                let said = without(target, output.all_text());
                let images = output.blocks.into_iter().filter(|block| matches!(block, Block::Image { .. }));
                if tool == Name::Screenshot {
                    let before = report.pictures.len();
                    report.pictures.extend(images.map(|image| (number, image)));
                    is_pictured = report.pictures.len() > before;
                }
                report.add(number, tool, if is_in_vain { "without effect" } else { "ok" }, &said);
            }
            Ok((output, _)) => {
                is_refused = output.is_refused;
                report.add(number, tool, "failed", &without(target, output.all_text()));
                has_failed = true;
            }
            Err(ToolError::Ask(question)) => return Err(ToolError::Ask(question)),
            Err(error) => {
                report.add(number, tool, "failed", &without(target, for_agents(&error)));
                (has_failed, is_gone, is_refused) = (true, is_away(&error), is_no(&error));
            }
        }
    }
    let mut summary = format!("{done} of {total} actions done");
    if has_failed {
        summary.push_str(&format!("; action {} {how}", done + 1));
    }
    let mut blocks = vec![Block::Text(format!("{}{summary}.\n{}", target.prefix(), report.lines.join("\n")))];
    for (number, image) in report.pictures {
        blocks.extend([Block::Text(format!("The picture of action {number}:")), image]);
    }
    if picture && !is_pictured && !is_gone {
        blocks.extend(last_picture(&session.for_caller(steps.looker()), target).await);
    }
    let output = Output::of(blocks);
    Ok(if has_failed { output.failed(is_refused) } else { output })
}

/// Whether a machine is not there, so that there is nothing to look at.
const fn is_away(error: &ToolError) -> bool {
    match error {
        ToolError::Peer { error, .. } => !matches!(error, ClientError::Call(_)),
        _ => false,
    }
}

async fn wait(session: &Session, steps: &Steps<'_>, index: usize, given: Value) -> Result<(Output, bool), ToolError> {
    let Wait { ms } = arguments(given)?;
    steps.report(index, "wait");
    session.pause(Duration::from_millis(ms.into())).await?;
    Ok((Output::text(""), false))
}

/// What the desktop looks like in the end.
async fn last_picture(session: &Session, target: &Target) -> Vec<Block> {
    session.settle(settle_ms()).await;
    // No action that the agent asked for, so no entry of the history.
    match (screenshot::TOOL.run)(session, json!({"peer": target.name()})).await {
        Ok(output) => output.blocks,
        Err(error) => vec![Block::Text(format!("No picture could be taken: {}", for_agents(&error)))],
    }
}

/// What was said without the machine's name, which stands before all of it already.
fn without(target: &Target, said: String) -> String {
    match said.strip_prefix(&target.prefix()) {
        Some(rest) => rest.to_owned(),
        None => said,
    }
}
