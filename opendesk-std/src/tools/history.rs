//! What the tools of a session were called for, in memory only.

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use opendesk_core::PublicKey;
use serde_json::{Map, Value};

use super::caller::Touched;
use super::session::Session;
use super::target::{Target, ToolError, is_for_a_desktop};
use super::{Output, learn, mouse};
use crate::api::Point;
use crate::clock;

/// Calls beyond this many take the place of the oldest.
const MOST: usize = 2000;

/// Arguments of more bytes are not kept: a clipboard full of text is no step that anybody repeats.
const MOST_ARGUMENTS: usize = 64 << 10;

/// What all arguments together have at most; the oldest calls make room.
const MOST_BYTES: usize = 16 << 20;

/// Characters of an answer that are kept.
const MOST_SAID: usize = 500;

/// One call. One that is made of others, such as `computer_batch`, comes after them, and each of them is an entry of its own.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its place in the session, from 1 on.
    pub number: u64,
    /// When it was made, in seconds since 1970.
    pub at: f64,
    /// The tool.
    pub tool: &'static str,
    /// Its arguments, as they were given; null where they were too long to keep.
    pub arguments: Value,
    /// The desktop that it went to; none for tools that need none.
    pub target: Option<Target>,
    /// The element that it acted on, where that is known.
    pub touched: Option<Touched>,
    /// Whether the box that it acted on was checked before.
    pub was_checked: Option<bool>,
    /// Where on the desktop it pointed, where `mouse` was given places: the start, then what a drag went through.
    pub points: Vec<Point>,
    /// What was answered, its first line.
    pub said: String,
    /// Whether it failed.
    pub is_error: bool,
    /// How long it took.
    pub took: Duration,
}

impl Entry {
    /// A call that is made now and succeeds, of which nothing else is known.
    pub(super) fn new(tool: &'static str, arguments: Value, target: Option<Target>) -> Self {
        Self {
            number: 0,
            at: clock::epoch_seconds(),
            tool,
            arguments,
            target,
            touched: None,
            was_checked: None,
            points: Vec::new(),
            said: String::new(),
            is_error: false,
            took: Duration::ZERO,
        }
    }

    /// Whether its arguments are kept, so that it can be done again.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        !self.arguments.is_null()
    }
}

/// What the meaning of a call depends on besides its arguments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ground {
    /// The key of the machine that was called.
    pub(super) key: Option<PublicKey>,
    /// The picture that the coordinates of `mouse` counted in; none where they were pixels of the desktop.
    pub(super) shot: Option<String>,
}

/// The calls of a session, the oldest first.
#[derive(Debug, Default)]
pub struct History {
    calls: Mutex<Calls>,
}

#[derive(Debug, Default)]
struct Calls {
    entries: VecDeque<(Entry, Ground)>,
    /// Of the arguments that are kept.
    bytes: usize,
    last: u64,
    under_way: BTreeMap<u64, UnderWay>,
    begun: u64,
}

/// A call that has not ended.
#[derive(Debug, Clone)]
pub(super) struct UnderWay {
    pub(super) tool: &'static str,
    pub(super) target: Option<Target>,
    pub(super) since: Instant,
}

impl History {
    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The calls after this number that are still known.
    pub fn since(&self, number: u64) -> Vec<Entry> {
        self.grounded(number).into_iter().map(|(entry, _)| entry).collect()
    }

    /// The same, with what each depended on.
    pub(super) fn grounded(&self, number: u64) -> Vec<(Entry, Ground)> {
        self.calls().entries.iter().filter(|(entry, _)| entry.number > number).cloned().collect()
    }

    /// The number of the last call; 0 before the first.
    pub fn last(&self) -> u64 {
        self.calls().last
    }

    /// The calls that have not ended, the oldest first.
    pub(super) fn under_way(&self) -> Vec<UnderWay> {
        self.calls().under_way.values().cloned().collect()
    }
}

impl Calls {
    /// Takes note of a call; its number is given here.
    fn push(&mut self, mut entry: Entry, ground: Ground) {
        self.last += 1;
        entry.number = self.last;
        if size(&entry.arguments) > MOST_ARGUMENTS {
            entry.arguments = Value::Null;
        }
        self.bytes += size(&entry.arguments);
        self.entries.push_back((entry, ground));
        while self.entries.len() > MOST || self.bytes > MOST_BYTES {
            let Some((oldest, _)) = self.entries.pop_front() else { return };
            self.bytes -= size(&oldest.arguments);
        }
    }
}

/// About as many bytes as a value takes.
fn size(value: &Value) -> usize {
    const SLOT: usize = 32;
    match value {
        Value::String(text) => SLOT + text.len(),
        Value::Array(items) => SLOT + items.iter().map(size).sum::<usize>(),
        Value::Object(fields) => {
            SLOT + fields.iter().map(|(name, value)| SLOT + name.len() + size(value)).sum::<usize>()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => SLOT,
    }
}

/// A call of a tool while it goes on. It becomes an entry when this is dropped: also where nobody waits for its end any more.
pub(super) struct Begun {
    session: Session,
    entry: Option<(Entry, Ground)>,
    since: Instant,
    number: u64,
}

impl Begun {
    pub(super) fn new(session: &Session, tool: &'static str, arguments: &Value) -> Self {
        let target = if is_for_a_desktop(tool) { session.target_of(arguments) } else { None };
        let ground = Ground::of(session, tool, target.as_ref(), arguments);
        let points = learn::pointed(session, tool, target.as_ref(), arguments);
        let since = clock::monotonic();
        let under_way = UnderWay { tool, target: target.clone(), since };
        let number = {
            let mut calls = session.history().calls();
            calls.begun += 1;
            let number = calls.begun;
            calls.under_way.insert(number, under_way);
            number
        };
        let arguments = if arguments.is_null() { Value::Object(Map::new()) } else { arguments.clone() };
        let said = "given up before its end".to_owned();
        let entry = Entry { points, said, is_error: true, ..Entry::new(tool, arguments, target) };
        Self { session: session.clone(), entry: Some((entry, ground)), since, number }
    }

    /// It has come to its end.
    pub(super) fn ended(mut self, result: &Result<Output, ToolError>) {
        if let Some((entry, _)) = &mut self.entry {
            let said = match result {
                Ok(output) => output.all_text(),
                Err(error) => error.to_string(),
            };
            entry.said = said.lines().next().unwrap_or_default().chars().take(MOST_SAID).collect();
            entry.is_error = result.as_ref().map_or(true, |output| output.is_error);
        }
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        let mut calls = self.session.history().calls();
        calls.under_way.remove(&self.number);
        if let Some((mut entry, ground)) = self.entry.take() {
            entry.took = clock::monotonic().saturating_duration_since(self.since);
            entry.touched = self.session.caller.touched();
            entry.was_checked = self.session.caller.was_checked();
            calls.push(entry, ground);
        }
    }
}

impl Ground {
    fn of(session: &Session, tool: &str, target: Option<&Target>, arguments: &Value) -> Self {
        let Some(target) = target else { return Self::default() };
        let named = arguments.get("shot_id").and_then(Value::as_str);
        let shot = if tool == mouse::TOOL.name { session.shot(target, named).ok().flatten() } else { None };
        Self { key: session.key(target).ok().flatten(), shot: shot.map(|shot| shot.id.clone()) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(text: usize) -> Entry {
        Entry::new("clipboard", json!({"action": "write", "text": "x".repeat(text)}), None)
    }

    #[test]
    fn of_many_calls_the_oldest_are_forgotten_and_numbers_go_on() {
        let history = History::default();
        for _ in 0..MOST + 10 {
            history.calls().push(entry(1), Ground::default());
        }
        let known = history.since(0);
        assert_eq!((known.len(), history.last()), (MOST, MOST as u64 + 10));
        assert_eq!((known[0].number, known[MOST - 1].number), (11, MOST as u64 + 10));
        assert_eq!(history.since(MOST as u64 + 9).len(), 1);
    }

    #[test]
    fn long_arguments_are_not_kept_and_all_together_have_a_limit() {
        let history = History::default();
        history.calls().push(entry(MOST_ARGUMENTS), Ground::default());
        history.calls().push(entry(MOST_ARGUMENTS - 1000), Ground::default());
        let whole: Vec<bool> = history.since(0).iter().map(Entry::is_whole).collect();
        assert_eq!(whole, [false, true]);
        for _ in 0..1000 {
            history.calls().push(entry(MOST_ARGUMENTS - 1000), Ground::default());
        }
        let calls = history.calls();
        assert!(calls.bytes <= MOST_BYTES && calls.entries.len() < 300, "{} of {}", calls.bytes, calls.entries.len());
        let sum: usize = calls.entries.iter().map(|(entry, _)| size(&entry.arguments)).sum();
        assert_eq!(sum, calls.bytes);
    }
}
