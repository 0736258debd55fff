//! A session behind one format.

use core::time::Duration;
use std::sync::Arc;

use serde_json::Value;

use super::calls::{Answered, Call, Wanted, blocks, described, leaves_button_down};
use super::computer::Action;
use super::{CallError, Format, NOT_EXECUTED, Options, SafetyCheck, anthropic, definitions, langchain, mcp, openai};
use crate::api::PictureProfile;
use crate::govern::control::Switch;
use crate::home::printable;
use crate::tools::shots::Shot;
use crate::tools::target::{Target, ToolError};
use crate::tools::{Output, Session, TOOLS, Tool, for_agents};

/// A session behind one format: what its pictures' pixels mean is kept from one call to the next.
#[derive(Debug)]
pub struct Adapter {
    pub(super) session: Session,
    format: Format,
    pub(super) options: Options,
    /// The picture that the model points into.
    pub(super) shot: Option<Arc<Shot>>,
}

impl Adapter {
    /// One that has done nothing yet.
    #[must_use]
    pub const fn new(session: Session, format: Format, options: Options) -> Self {
        Self { session, format, options, shot: None }
    }

    /// The session.
    #[must_use]
    pub const fn session(&self) -> &Session {
        &self.session
    }

    /// The format.
    #[must_use]
    pub const fn format(&self) -> Format {
        self.format
    }

    /// The tools as the model is offered them. Looks at the desktop where the format tells its size.
    ///
    /// # Errors
    /// Those of a screenshot.
    pub async fn definitions(&mut self) -> Result<Value, ToolError> {
        let display = match self.format {
            Format::AnthropicComputer => self.frame().await?.mapping.picture,
            _ => (0, 0),
        };
        Ok(definitions(self.format, display))
    }

    /// A person agrees to these safety checks.
    pub fn acknowledge(&mut self, checks: &[SafetyCheck]) {
        self.options.acknowledged.extend(checks.iter().map(|check| check.id.clone()));
    }

    /// Carries out what a model asks for and gives what it is to be answered: for one block one block, for a list of them
    /// or a whole message a list. All are carried out in order. After one that failed those that would change something
    /// are answered as not executed, and so are all further ones of a native computer tool.
    ///
    /// What fails is in the answer, for the model.
    ///
    /// # Errors
    /// [`CallError`]; then nothing was done.
    pub async fn answer(&mut self, given: &Value) -> Result<Value, CallError> {
        let (blocks, is_list) = blocks(self.format, given)?;
        let calls = blocks.iter().map(|block| self.parse(block)).collect::<Result<Vec<Call>, _>>()?;
        let checks = self.pending(given);
        if !checks.is_empty() {
            return Err(CallError::Safety(checks));
        }
        if self.options.is_one_shot
            && let Some(call) = calls.iter().find(|call| leaves_button_down(call, &calls))
        {
            let why = "the button would come up at the end of this call, which ends its session; use left_click_drag, or \
                       give all calls of the turn as a list";
            return Err(CallError::Malformed(format!("{:?} presses the mouse button for later calls: {why}", call.id)));
        }
        let mut answered = Vec::with_capacity(calls.len());
        let mut has_failed = false;
        for call in calls {
            let follows = call.follows();
            let output = if has_failed && follows { Output::error(NOT_EXECUTED) } else { self.run(&call).await };
            has_failed |= output.is_error && follows;
            answered.push(Answered { call, output });
        }
        Ok(one_or_list(self.results(&blocks, answered).await, is_list))
    }

    /// As [`answer`](Self::answer), without carrying anything out: a person does not want it.
    ///
    /// # Errors
    /// [`CallError::Malformed`].
    pub async fn decline(&mut self, given: &Value, why: &str) -> Result<Value, CallError> {
        let (blocks, is_list) = blocks(self.format, given)?;
        let calls = blocks.iter().map(|block| self.parse(block)).collect::<Result<Vec<Call>, _>>()?;
        let declined = calls.into_iter().map(|call| Answered { call, output: Output::error(why) }).collect();
        Ok(one_or_list(self.results(&blocks, declined).await, is_list))
    }

    /// The safety checks of calls that nobody has agreed to yet.
    #[must_use]
    pub fn pending(&self, given: &Value) -> Vec<SafetyCheck> {
        let blocks = blocks(self.format, given).map(|(blocks, _)| blocks).unwrap_or_default();
        let mut checks: Vec<SafetyCheck> = blocks.iter().flat_map(openai::safety_checks).collect();
        checks.retain(|check| !self.options.acknowledged.contains(&check.id));
        checks
    }

    /// What calls would do, a line each, for a person who has to allow it: read as [`answer`](Self::answer) reads them, with
    /// what it adds. Characters that cannot be seen are escaped.
    #[must_use]
    pub fn describe(&self, given: &Value) -> Vec<String> {
        let blocks = blocks(self.format, given).map(|(blocks, _)| blocks).unwrap_or_default();
        let lines = blocks.iter().flat_map(|block| match self.parse(block) {
            Ok(Call { id, wanted: Wanted::Tool { name, arguments } }) => {
                let arguments = self.filled(&name, arguments);
                described(&Call { id, wanted: Wanted::Tool { name, arguments } })
            }
            Ok(call) => described(&call),
            Err(error) => vec![format!("nothing: {error}")],
        });
        lines.map(|line| printable(&line)).collect()
    }

    /// Whether the owner of this machine lets agents act now.
    ///
    /// # Errors
    /// Why not.
    pub fn may_act(&self) -> Result<(), String> {
        Switch::new(self.session.home()).look()
    }

    /// Waits.
    pub async fn sleep(&self, time: Duration) {
        self.session.sleep(time).await;
    }

    fn parse(&self, block: &Value) -> Result<Call, CallError> {
        match self.format {
            Format::Mcp => mcp::parse(block),
            Format::AnthropicToolset | Format::AnthropicComputer | Format::AnthropicTools => anthropic::parse(block),
            Format::OpenaiComputer | Format::OpenaiFunctions => openai::parse(block),
            Format::OpenaiChat => openai::chat::parse(block),
            Format::Langchain => langchain::parse(block),
        }
    }

    async fn run(&mut self, call: &Call) -> Output {
        match &call.wanted {
            Wanted::Nonsense(why) => Output::error(why.clone()),
            Wanted::Tool { name, arguments } => self.run_tool(name, arguments.clone()).await,
            Wanted::Actions(actions) => self.run_actions(actions).await,
        }
    }

    /// The arguments that a tool is called with: what the model left out is as the options say.
    fn filled(&self, name: &str, mut arguments: Value) -> Value {
        if let (Some(peer), Some(given)) = (&self.options.peer, arguments.as_object_mut())
            && TOOLS.iter().any(|tool| tool.name == name && takes(tool, "peer"))
        {
            given.entry("peer").or_insert_with(|| peer.as_str().into());
        }
        if name == "screenshot"
            && let Some(given) = arguments.as_object_mut()
        {
            given.entry("profile").or_insert_with(|| profile_name(self.options.profile).into());
        }
        arguments
    }

    async fn run_tool(&self, name: &str, arguments: Value) -> Output {
        let arguments = self.filled(name, arguments);
        if self.options.is_one_shot && matches!(name, "mouse" | "computer_batch") {
            // Their coordinates are pixels of a picture that an earlier session took. One of the same size now is the same
            // frame, as long as the desktop has its size.
            let peer = arguments.get("peer").and_then(Value::as_str).map(str::to_owned);
            if let Err(error) = self.look(peer.as_deref()).await {
                return Output::error(for_agents(&error));
            }
        }
        self.session.call_tool(name, arguments).await
    }

    async fn run_actions(&mut self, actions: &[Action]) -> Output {
        let mut blocks = Vec::new();
        for (index, action) in actions.iter().enumerate() {
            match self.perform(action).await {
                Ok(output) if !output.is_error => blocks.extend(output.blocks),
                Ok(output) => return self.failed(actions, index, &output.all_text()),
                Err(error) => return self.failed(actions, index, &for_agents(&error)),
            }
        }
        Output::of(blocks)
    }

    fn failed(&self, actions: &[Action], index: usize, why: &str) -> Output {
        if actions.len() < 2 {
            return Output::error(why);
        }
        let (number, all) = (index + 1, actions.len());
        Output::error(format!(
            "Action {number} of {all} ({}) failed: {why}. The actions behind it were not executed.",
            actions[index].name()
        ))
    }

    async fn results(&mut self, blocks: &[Value], answered: Vec<Answered>) -> Vec<Value> {
        match self.format {
            Format::Mcp => answered.iter().map(|answered| answered.output.to_json()).collect(),
            Format::AnthropicToolset | Format::AnthropicComputer | Format::AnthropicTools => {
                blocks.iter().zip(&answered).map(|(block, answered)| anthropic::result(block, answered)).collect()
            }
            Format::OpenaiComputer | Format::OpenaiFunctions => {
                let mut results = Vec::new();
                for (block, answered) in blocks.iter().zip(answered) {
                    results.extend(self.openai_result(block, &answered).await);
                }
                results
            }
            Format::OpenaiChat => openai::chat::results(&answered),
            Format::Langchain => {
                blocks.iter().zip(&answered).map(|(block, answered)| langchain::result(block, answered)).collect()
            }
        }
    }

    pub(super) fn target(&self) -> Result<Target, ToolError> {
        self.session.target(self.options.peer.as_deref())
    }
}

fn one_or_list(mut results: Vec<Value>, is_list: bool) -> Value {
    match results.len() {
        1 if !is_list => results.swap_remove(0),
        _ => Value::Array(results),
    }
}

fn takes(tool: &Tool, argument: &str) -> bool {
    tool.schema().get("properties").is_some_and(|properties| properties.get(argument).is_some())
}

/// As the tool `screenshot` calls it.
const fn profile_name(profile: PictureProfile) -> &'static str {
    match profile {
        PictureProfile::Claude => "claude",
        PictureProfile::ClaudeHires => "claude-hires",
        PictureProfile::Openai => "openai",
        PictureProfile::Native => "native",
    }
}
