//! Calls of tools that are a part of another call: each passes the owner's switch and rules as any other does.

use core::sync::atomic::{AtomicU32, Ordering};
use std::sync::Arc;

use serde_json::Value;

use super::caller::{Caller, Consent, Progress};
use super::session::Session;
use super::target::ToolError;
use super::{Output, TOOLS};
use crate::api::ErrorCode;
use crate::client::ClientError;
use crate::govern::control::Switch;

/// One call that is made of several.
pub(super) struct Steps<'a> {
    session: &'a Session,
    total: usize,
    pictures: u32,
}

impl<'a> Steps<'a> {
    pub(super) const fn new(session: &'a Session, total: usize) -> Self {
        Self { session, total, pictures: 1 }
    }

    /// The same, where so many of the steps answer with a picture: together they are no larger than one alone may be.
    pub(super) const fn with_pictures(self, pictures: u32) -> Self {
        Self { pictures, ..self }
    }

    /// Takes a step, the first with index 0, and tells whether the desktop says that nothing came of it.
    ///
    /// # Errors
    /// As [`Session::try_tool`]. [`ToolError::Ask`] comes only where nothing has been done yet, so it can be passed on.
    pub(super) async fn take(&self, index: usize, tool: &str, arguments: Value) -> Result<(Output, bool), ToolError> {
        self.report(index, tool);
        let within = |outer: &Arc<dyn Progress>| -> Arc<dyn Progress> {
            let (outer, count) = (Arc::clone(outer), AtomicU32::new(0));
            Arc::new(Within { outer, index, total: self.total, count })
        };
        let progress = self.session.caller.progress.as_ref().map(within);
        let caller = Caller { progress, ..self.looker() };
        let session = self.session.for_caller(caller);
        let output = session.try_tool(tool, arguments).await?;
        Ok((output, session.caller.is_in_vain()))
    }

    fn consent(&self) -> Consent {
        self.session.caller.consent.of_a_step()
    }

    /// Who looks at what came of the steps.
    pub(super) fn looker(&self) -> Caller {
        Caller { progress: None, consent: self.consent(), pictures: self.pictures, ..self.session.caller.fresh() }
    }

    /// Tells that a step begins.
    pub(super) fn report(&self, index: usize, what: &str) {
        self.session.caller.report(
            index as f64,
            Some(self.total as f64),
            &format!("{} of {}: {what}", index + 1, self.total),
        );
    }
}

/// What a step tells of its progress, as a part of the whole.
struct Within {
    outer: Arc<dyn Progress>,
    index: usize,
    total: usize,
    count: AtomicU32,
}

impl Progress for Within {
    fn report(&self, _done: f64, _total: Option<f64>, what: &str) {
        let count = f64::from(self.count.fetch_add(1, Ordering::Relaxed) + 1);
        // It grows and never reaches the next step, however long it goes on.
        let done = self.index as f64 + count / (count + 1.0);
        let what = format!("{} of {}: {what}", self.index + 1, self.total);
        self.outer.report(done, Some(self.total as f64), &what);
    }
}

/// Whether a call changes nothing.
pub(super) fn only_looks(tool: &str, arguments: &Value) -> bool {
    let action = arguments.get("action").and_then(Value::as_str).unwrap_or_default();
    match tool {
        "mouse" => action == "cursor_position",
        "ui" => ["get_tree", "find", "get_value"].contains(&action),
        "app" => ["list", "windows", "installed"].contains(&action),
        "clipboard" => action == "read",
        "ocr" => arguments.get("click").is_none_or(Value::is_null),
        name => TOOLS.iter().any(|tool| tool.name == name && tool.hints.read_only),
    }
}

/// The line for agents while the owner of this machine lets nothing happen.
pub(super) fn stopped(session: &Session) -> Option<String> {
    Switch::new(session.home()).look().err()
}

/// Whether somebody has said no: then nothing else is tried in its place.
pub(super) fn is_no(error: &ToolError) -> bool {
    matches!(
        error,
        ToolError::Desktop(error) | ToolError::Peer { error: ClientError::Call(error), .. }
            if error.code == ErrorCode::PermissionDenied
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use serde_json::json;

    use super::*;

    #[test]
    fn what_only_looks_is_told_from_what_acts() {
        for (tool, arguments) in [
            ("screenshot", json!({})),
            ("ocr", json!({})),
            ("mouse", json!({"action": "cursor_position"})),
            ("ui", json!({"action": "get_tree"})),
            ("app", json!({"action": "list"})),
            ("clipboard", json!({"action": "read"})),
            ("opendesk_peers", json!({})),
        ] {
            assert!(only_looks(tool, &arguments), "{tool}");
        }
        for (tool, arguments) in [
            ("mouse", json!({"action": "move"})),
            ("mouse", json!(null)),
            ("ui", json!({"action": "click"})),
            ("clipboard", json!({"action": "write"})),
            ("ocr", json!({"click": "Save"})),
            ("keyboard", json!({"action": "type"})),
            ("script", json!({})),
            ("opendesk_use", json!({})),
            ("nothing", json!({})),
        ] {
            assert!(!only_looks(tool, &arguments), "{tool}");
        }
    }

    #[test]
    fn the_progress_of_a_step_grows_within_that_of_the_whole() {
        #[derive(Default)]
        struct Heard(Mutex<Vec<(f64, String)>>);
        impl Progress for Heard {
            fn report(&self, done: f64, total: Option<f64>, what: &str) {
                assert_eq!(total, Some(3.0));
                self.0.lock().unwrap().push((done, what.to_owned()));
            }
        }
        let heard = Arc::new(Heard::default());
        let within = Within { outer: heard.clone(), index: 1, total: 3, count: AtomicU32::new(0) };
        for _ in 0..100 {
            within.report(5.0, None, "typing");
        }
        let heard = heard.0.lock().unwrap();
        assert_eq!(heard[0], (1.5, "2 of 3: typing".to_owned()));
        assert!(heard.is_sorted_by(|a, b| a.0 < b.0) && heard[99].0 < 2.0);
    }
}
