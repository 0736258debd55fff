//! The owner's hand on the switch: what they stop ends at once, whatever it is.

use core::time::Duration;
use std::time::Instant;

use opendesk_core::RequestId;
use sha2::{Digest, Sha256};

use super::driver::Server;
use super::link::Orphan;
use super::notice::Notice;
use crate::api::{Call, Error, ErrorCode};
use crate::desktop::Freed;
use crate::govern::{Word, in_use, rules};
use crate::home::{Home, hex};
use crate::runtime::Runtime;

/// What has to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Halt {
    Everything,
    /// What only looks goes on, and so do files and programs: they take neither mouse nor keyboard.
    Actions,
}

impl<R: Runtime> Server<R> {
    /// A file of the home has changed: what it says counts at once, also for what is under way.
    pub(super) fn home_changed(&mut self) {
        self.look_at_control();
        let policy = policy_of(&self.home);
        if policy != self.policy {
            self.govern.trust("policy.changed", None, &format!("policy.json is {policy}"));
            self.policy = policy;
        }
        if self.govern.policy_has_changed() {
            self.judge_streams();
        }
        if let Some(trouble) = self.govern.policy_trouble() {
            self.notify(Notice::PolicyFailing(trouble));
        }
        self.govern.look_at_log();
        self.look_at_trust();
        if let Some(announced) = &mut self.announced {
            announced.describe(&self.home);
        }
    }

    /// Looks whether the owner has stopped, taken over or let go on.
    pub(super) fn look_at_control(&mut self) {
        let Some(now) = self.govern.look() else { return };
        self.govern.control_changed(&now);
        self.notify(Notice::ControlChanged(now.ok()));
        if let Some(why) = self.govern.halted() {
            let refusal = Error::new(ErrorCode::PermissionDenied, why);
            self.halt(&refusal, Halt::Everything);
        }
    }

    /// The person at the machine has used its mouse or keyboard.
    pub(super) fn person_used(&mut self) {
        let Some(pause) = self.pause else { return };
        let now = self.runtime.now();
        let begins = self.left_alone_until.is_none_or(|until| until <= now);
        self.left_alone_until = Some(now + pause);
        if begins {
            self.govern.left_alone(true);
            self.notify(Notice::Paused(Some(pause)));
            self.halt(&Error::new(ErrorCode::PermissionDenied, in_use(pause)), Halt::Actions);
        }
        self.restless = true;
    }

    /// For how long controllers may not act because the person uses the machine.
    pub(super) fn left_alone_for(&self) -> Option<Duration> {
        let left = self.left_alone_until?.saturating_duration_since(self.runtime.now());
        (!left.is_zero()).then_some(left)
    }

    /// Lets controllers act again when the person has rested for long enough. Gives the time when that will be.
    pub(super) fn end_pause(&mut self) -> Option<Instant> {
        let until = self.left_alone_until?;
        if until > self.runtime.now() {
            return Some(until);
        }
        self.left_alone_until = None;
        self.govern.left_alone(false);
        self.notify(Notice::Paused(None));
        None
    }

    /// Answers what is under way with a refusal, stops it, and releases what is held down.
    fn halt(&mut self, refusal: &Error, what: Halt) {
        match what {
            Halt::Everything => self.refuse_held(refusal),
            Halt::Actions => self.refuse_held_actions(refusal),
        }
        let released = |result: Result<Freed, Error>| {
            if let Err(error) = result {
                tracing::warn!(%error, "something that the controller held could not be released");
            }
        };
        match what {
            // Also what a session has left running that is over.
            Halt::Everything => self.desk.release_all(released),
            Halt::Actions => self.desk.release(released),
        }
        self.restless = true;
        // Nobody else has anything under way (I2).
        let Some((id, ..)) = self.host.controller() else { return };
        let Some(link) = self.links.get_mut(&id) else { return };
        let Some(session) = &link.session else { return };
        let subject = session.subject.clone();
        let meant = link.running.iter().filter(|(_, running)| what == Halt::Everything || running.acts);
        let calls: Vec<RequestId> = meant.map(|(call, _)| *call).collect();
        for call in calls {
            let Some(link) = self.links.get_mut(&id) else { return };
            let Some(running) = link.running.remove(&call) else { continue };
            running.cancel.cancel();
            let (method, operation) = (running.method, link.operations.remove(&call));
            self.orphans.insert((id, call), Orphan { subject: subject.clone(), running, operation });
            self.answer(id, call, method, Err(refusal.clone()));
        }
        if what == Halt::Everything {
            let streams = self.links.get(&id).map(|link| link.streams.keys().copied().collect::<Vec<_>>());
            for call in streams.unwrap_or_default() {
                self.break_stream(id, call, refusal);
            }
            self.programs.end_all(id);
        }
    }

    /// The policy, or who the controller is, is another than when the streams began.
    pub(super) fn judge_streams(&mut self) {
        let Some((id, ..)) = self.host.controller() else { return };
        let Some(link) = self.links.get(&id) else { return };
        let Some(session) = &link.session else { return };
        let subject = session.subject.clone();
        let streams: Vec<(RequestId, Call)> =
            link.streams.iter().map(|(call, stream)| (*call, stream.asked_for().clone())).collect();
        for (call, asked_for) in streams {
            let why = match self.govern.judge(&subject, &asked_for, None) {
                Word::Allowed => continue,
                Word::Refused(refusal) => refusal,
                Word::Ask(why) => Error::new(
                    ErrorCode::PermissionDenied,
                    format!(
                        "the policy of this host has changed; start the stream anew, so that its owner is asked: {why}"
                    ),
                ),
            };
            self.break_stream(id, call, &why);
        }
        self.judge_commands(id, &subject);
    }
}

/// What the log calls a policy.json: the beginning of its SHA-256, in hex.
pub(super) fn policy_of(home: &Home) -> String {
    match home.read(rules::FILE, rules::MAX_FILE) {
        Ok(Some(content)) => hex::encode(&Sha256::digest(&content)[..8]),
        Ok(None) => "not there".to_owned(),
        Err(error) => error.to_string(),
    }
}
