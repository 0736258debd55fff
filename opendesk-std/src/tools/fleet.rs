//! One tool on many machines.

use core::future::Future;
use core::pin::pin;
use core::time::Duration;
use std::sync::Arc;

use async_channel::{Receiver, Sender};
use futures_util::FutureExt as _;
use futures_util::future::{Either, join_all, select};
use serde_json::{Map, Value};

use super::session::Session;
use super::target::{Target, ToolError, drivable};
use super::{Output, TOOLS, Tool, find};
use crate::api::{Error, ErrorCode};
use crate::client::{ClientError, LinkState};
use crate::clock;
use crate::home::{Peers, plain_text};

/// The name that means every machine that can be driven.
const ALL: &str = "all";

/// How long a machine that does not answer may keep others waiting for their turn. One on the same network is connected in
/// a tenth of it.
const REACH: Duration = Duration::from_secs(1);

/// What is to be done on each machine.
#[derive(Debug, Clone)]
pub struct FleetCall {
    tool: &'static str,
    arguments: Map<String, Value>,
    /// How many machines are called at once; none is the same as one. A machine that has not even been connected after a
    /// second does not count any more.
    pub concurrency: usize,
    /// How long a machine may take from when its turn has come, the connection included.
    pub limit: Duration,
}

impl FleetCall {
    /// A call of a tool with these arguments, 8 at once, 30 seconds each.
    ///
    /// # Errors
    /// [`ToolError::NoSuchTool`], or [`ToolError::Arguments`] for a tool that is not done on a desktop, for arguments
    /// that are no object, and for a `peer` among them.
    pub fn new(tool: &str, arguments: Value) -> Result<Self, ToolError> {
        let there = || {
            let names: Vec<_> = TOOLS.iter().filter(|tool| tool.is_for_a_fleet()).map(|tool| tool.name).collect();
            format!("of those that are done on a desktop there are {}", names.join(", "))
        };
        let Ok(tool) = find(tool) else {
            return Err(ToolError::NoSuchTool(format!("no tool is called {tool:?}; {}", there())));
        };
        if !tool.is_for_a_fleet() {
            return Err(ToolError::Arguments(format!("{} is not done on a desktop; {}", tool.name, there())));
        }
        let Value::Object(arguments) = arguments else {
            return Err(ToolError::Arguments("they must be a JSON object".to_owned()));
        };
        if arguments.contains_key("peer") {
            return Err(ToolError::Arguments("the machines are named beside them, so leave `peer` out".to_owned()));
        }
        Ok(Self { tool: tool.name, arguments, concurrency: 8, limit: Duration::from_secs(30) })
    }

    fn arguments_for(&self, member: &FleetMember) -> Value {
        let mut arguments = self.arguments.clone();
        arguments.insert("peer".to_owned(), Value::String(member.asked.clone()));
        Value::Object(arguments)
    }
}

impl Tool {
    /// Whether it can be done on many machines: it takes a `peer` and can do without. One that must have it is about the
    /// session.
    #[must_use]
    pub fn is_for_a_fleet(&self) -> bool {
        let schema = self.schema();
        let has = |list: &str, what: &str| match schema.get(list) {
            Some(Value::Object(properties)) => properties.contains_key(what),
            Some(Value::Array(names)) => names.iter().any(|name| name == what),
            _ => false,
        };
        has("properties", "peer") && !has("required", "peer")
    }
}

/// A machine of a fleet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetMember {
    /// As it was named.
    asked: String,
    target: Target,
}

impl FleetMember {
    /// The desktop.
    #[must_use]
    pub const fn target(&self) -> &Target {
        &self.target
    }
}

/// What became of a call on one machine.
#[derive(Debug)]
pub struct FleetOutcome {
    /// The machine's name.
    pub name: String,
    /// What the tool gave there.
    pub result: Result<Output, ToolError>,
    /// How long it took, the connection included; zero for what was never begun.
    pub took: Duration,
}

impl FleetOutcome {
    /// What the tool said there, without the machine's name before it; nothing when it failed.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let output = self.result.as_ref().ok().filter(|output| !output.is_error)?;
        Some(self.without_name(&output.all_text()))
    }

    /// Why it failed there, without the machine's name before it; nothing when it did not.
    #[must_use]
    pub fn error(&self) -> Option<String> {
        match &self.result {
            Ok(output) => output.is_error.then(|| self.without_name(&output.all_text())),
            Err(ToolError::Peer { error, .. }) => Some(error.to_string()),
            Err(error) => Some(error.to_string()),
        }
    }

    fn without_name(&self, text: &str) -> String {
        let prefix = Target::Peer(self.name.clone()).prefix();
        text.strip_prefix(&prefix).unwrap_or(text).to_owned()
    }
}

impl Session {
    /// The machines that a fleet is made of, each once, in the order of their names here. A name is whatever
    /// [`Session::target`] takes, `all` for every paired machine that can be driven, or several of these with commas
    /// between them. Where there are `words`, only those machines are left whose name and descriptions, those of this
    /// machine's owner and the machine's own, hold all of them, in any case of letters.
    ///
    /// Nothing is connected. None may be left.
    ///
    /// # Errors
    /// Those of [`Session::target`] for the first name that nobody has, and [`ToolError::Arguments`] for an empty one.
    pub fn fleet(&self, names: &[String], words: &str) -> Result<Vec<FleetMember>, ToolError> {
        let peers = self.peers()?;
        let mut members = Vec::new();
        for text in names {
            // A machine may have a comma in its name.
            let whole = if text.contains(',') { self.target(Some(text)).ok() } else { None };
            if let Some(target) = whole {
                join(&mut members, text.clone(), target);
                continue;
            }
            for name in text.split(',').map(str::trim) {
                self.join_named(&mut members, name, &peers)?;
            }
        }
        let words: Vec<String> = words.split_whitespace().map(str::to_lowercase).collect();
        members.retain(|member| {
            let about = self.about(member, &peers);
            words.iter().all(|word| about.contains(word))
        });
        Ok(members)
    }

    fn join_named(&self, members: &mut Vec<FleetMember>, name: &str, peers: &Peers) -> Result<(), ToolError> {
        if name.is_empty() {
            return Err(ToolError::Arguments("one of the machines' names is empty".to_owned()));
        }
        if name.eq_ignore_ascii_case(ALL) {
            for name in drivable(peers) {
                join(members, name.clone(), Target::Peer(name));
            }
            return Ok(());
        }
        join(members, name.to_owned(), self.target(Some(name))?);
        Ok(())
    }

    /// What is known of a machine, in small letters.
    fn about(&self, member: &FleetMember, peers: &Peers) -> String {
        let name = member.target.name();
        let words = match (&member.target, peers.by_name(name)) {
            (Target::Local, _) => self.description(),
            (_, Some(peer)) => format!("{}\n{}", peer.description_override, plain_text(&peer.description)),
            (_, None) => String::new(),
        };
        format!("{name}\n{words}").to_lowercase()
    }

    /// Calls a tool on every machine of a fleet, and tells what became of it in their order. Each call passes the owner's
    /// switch and rules as any other does. One that fails, or does not answer, stops and delays none of the others.
    ///
    /// When `stop` is ready, what is under way is given up, the rest is not begun, and both are told so.
    pub async fn call_fleet(
        &self,
        call: &FleetCall,
        members: &[FleetMember],
        stop: impl Future<Output = ()>,
    ) -> Vec<FleetOutcome> {
        let turns = Turns::new(call.concurrency.max(1));
        let stop = stop.shared();
        join_all(members.iter().map(|member| {
            let (turns, stop) = (turns.clone(), stop.clone());
            async move {
                // The stop first: by it turns come free, and nothing begins after it.
                let turn = match select(stop.clone(), pin!(turns.take())).await {
                    Either::Left(((), _)) => return member.ended(Err(not_begun()), Duration::ZERO),
                    Either::Right((turn, _)) => turn,
                };
                let begun = clock::monotonic();
                let result = self.call_member(call, member, turn, stop).await;
                member.ended(result, clock::monotonic().saturating_duration_since(begun))
            }
        }))
        .await
    }

    async fn call_member(
        &self,
        call: &FleetCall,
        member: &FleetMember,
        turn: Turn,
        stop: impl Future<Output = ()> + Unpin,
    ) -> Result<Output, ToolError> {
        let within = pin!(async {
            let called = pin!(self.try_tool(call.tool, call.arguments_for(member)));
            match select(called, pin!(self.sleep(call.limit))).await {
                Either::Left((result, _)) => result,
                Either::Right(((), _)) => Err(late(&member.target, call.limit)),
            }
        });
        let mut done = select(stop, within);
        let done = match select(&mut done, pin!(self.sleep(REACH))).await {
            Either::Left((done, _)) => done,
            Either::Right(((), _)) => {
                let is_at_work = member.target == Target::Local || self.is_connected(member.target.name());
                let _turn = is_at_work.then_some(turn);
                done.await
            }
        };
        match done {
            Either::Left(((), _)) => Err(given_up()),
            Either::Right((result, _)) => result,
        }
    }

    fn is_connected(&self, name: &str) -> bool {
        self.links().iter().any(|(link, state)| link == name && matches!(state, LinkState::Connected { .. }))
    }
}

impl FleetMember {
    fn ended(&self, result: Result<Output, ToolError>, took: Duration) -> FleetOutcome {
        FleetOutcome { name: self.target.name().to_owned(), result, took }
    }
}

/// Whoever is named twice is one machine: what is done twice may be a click.
fn join(members: &mut Vec<FleetMember>, asked: String, target: Target) {
    if members.iter().all(|member| member.target != target) {
        members.push(FleetMember { asked, target });
    }
}

fn late(target: &Target, limit: Duration) -> ToolError {
    match target {
        Target::Local => {
            let message = format!("this machine's desktop did not answer within {} s", limit.as_secs_f32());
            Error::new(ErrorCode::Timeout, message).into()
        }
        other => ToolError::Peer {
            name: other.name().to_owned(),
            error: ClientError::Timeout { what: "the machine".to_owned(), after: limit },
        },
    }
}

fn not_begun() -> ToolError {
    Error::new(ErrorCode::Cancelled, "interrupted before it was begun").into()
}

fn given_up() -> ToolError {
    let message = "interrupted while it was under way; take a screenshot to see what it did";
    Error::new(ErrorCode::Cancelled, message).into()
}

/// So many may be at work at once; the others wait in the order in which they came.
#[derive(Clone)]
struct Turns {
    free: Receiver<()>,
    back: Arc<Sender<()>>,
}

/// The right to be at work.
struct Turn(Arc<Sender<()>>);

impl Turns {
    fn new(count: usize) -> Self {
        let (back, free) = async_channel::unbounded();
        for () in core::iter::repeat_n((), count) {
            give(&back);
        }
        Self { free, back: Arc::new(back) }
    }

    async fn take(&self) -> Turn {
        // It fails when nobody can give a turn back any more, and `self` can.
        let _taken = self.free.recv().await.is_ok();
        Turn(Arc::clone(&self.back))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        give(&self.0);
    }
}

fn give(back: &Sender<()>) {
    // Nobody may wait any more.
    let _heard = back.try_send(()).is_ok();
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tools::target::is_for_a_desktop;

    fn refusal(tool: &str, arguments: Value) -> String {
        FleetCall::new(tool, arguments).unwrap_err().to_string()
    }

    #[test]
    fn only_what_is_done_on_a_desktop_is_done_on_many() {
        for tool in ["app", "clipboard", "computer_batch", "keyboard", "mouse", "ocr", "screenshot", "script", "ui"] {
            assert!(FleetCall::new(tool, json!({})).is_ok(), "{tool}");
            assert!(is_for_a_desktop(tool), "{tool}");
        }
        for tool in ["audit", "opendesk_peers", "opendesk_discover", "opendesk_status", "opendesk_use"] {
            let why = refusal(tool, json!({}));
            let names = why.rsplit_once("there are ").unwrap().1;
            assert!(names.starts_with("app, clipboard, computer_batch, keyboard, ") && !names.contains(tool), "{why}");
        }
        let why = refusal("fly", json!({}));
        assert!(why.contains("no tool is called \"fly\"") && !why.contains("opendesk_use"), "{why}");
    }

    #[test]
    fn the_machines_are_not_named_in_the_arguments() {
        assert!(refusal("screenshot", json!({"peer": "a"})).contains("leave `peer` out"));
        assert!(refusal("screenshot", json!([])).contains("JSON object"));
    }

    #[test]
    fn no_more_have_a_turn_at_once_than_are_to() {
        let turns = Turns::new(2);
        let mut taken: Vec<Turn> = (0..2).filter_map(|_| turns.take().now_or_never()).collect();
        assert_eq!(taken.len(), 2);
        assert!(turns.take().now_or_never().is_none());
        drop(taken.pop());
        assert!(turns.take().now_or_never().is_some(), "it is given back");
    }

    #[test]
    fn a_result_is_told_without_the_name_that_stands_before_it_already() {
        let outcome = |result| FleetOutcome { name: "a".to_owned(), result, took: Duration::ZERO };
        let done = outcome(Ok(Output::text("[on a] Done.")));
        assert_eq!((done.text().as_deref(), done.error()), (Some("Done."), None));
        let late = outcome(Err(late(&Target::Peer("a".to_owned()), Duration::from_secs(3))));
        assert_eq!((late.text(), late.error().as_deref()), (None, Some("the machine did not answer within 3 s")));
        let said = outcome(Ok(Output::error("[on a] no")));
        assert_eq!((said.text(), said.error().as_deref()), (None, Some("no")));
    }
}
