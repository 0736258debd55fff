//! The one path of every call: policy, log, act, log. What a controller asks reaches a desktop through here or not
//! at all.

pub mod audit;
mod policy;
pub mod rules;
mod throttle;

use opendesk_core::{PublicKey, Reason};
use serde_json::{Map, Value, json};

use self::audit::{AuditLog, PeerRef, Record};
pub use self::policy::{AllowAll, Peer, Policy};
pub(crate) use self::throttle::Throttle;
use crate::api::{Call, Error, ErrorCode, Kind, Result};

/// The families of methods whose errors may repeat what is private: what is typed, copied, shown or run.
const PRIVATE: [&str; 5] = ["input.", "clipboard.", "ocr.", "ui.", "process."];

/// Who and what an entry of the log is about.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The session's number.
    pub session: String,
    /// The controller.
    pub peer: Peer,
    /// The same as the log names it.
    reference: PeerRef,
}

impl Subject {
    /// A session of a controller.
    #[must_use]
    pub fn new(session: String, peer: Peer) -> Self {
        let reference = reference(&peer);
        Self { session, peer, reference }
    }
}

fn reference(peer: &Peer) -> PeerRef {
    PeerRef { name: peer.name.clone(), fp: peer.key.to_string().chars().take(16).collect() }
}

/// Policy and log of a host.
pub struct Govern {
    policy: Box<dyn Policy>,
    log: Option<AuditLog>,
}

impl core::fmt::Debug for Govern {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Govern").field("policy", &self.policy).field("logging", &self.log.is_some()).finish()
    }
}

impl Govern {
    /// A policy and, unless the owner asked for none, a log.
    #[must_use]
    pub fn new(policy: Box<dyn Policy>, log: Option<AuditLog>) -> Self {
        Self { policy, log }
    }

    /// Before a call: the policy's word, and for an action an entry in the log. An action that cannot be logged is
    /// refused.
    ///
    /// # Errors
    /// `permission_denied`, with a line that says who refused.
    pub fn before(&mut self, subject: &Subject, call: &Call) -> Result<()> {
        if let Err(why) = self.policy.check(&subject.peer, call) {
            let refusal = Error::new(ErrorCode::PermissionDenied, why);
            self.log_call("call", subject, call.method(), &call.summary(), Some(&Err(refusal.clone())));
            return Err(refusal);
        }
        if call.kind() == Kind::Action && !self.log_call("call.started", subject, call.method(), &call.summary(), None)
        {
            return Err(Error::new(
                ErrorCode::PermissionDenied,
                "the audit log cannot be written, so actions are refused; free some space on the host and try again",
            ));
        }
        Ok(())
    }

    /// After a call.
    pub fn after(&mut self, subject: &Subject, method: &str, summary: &str, outcome: &Result<()>) {
        self.log_call("call", subject, method, summary, Some(outcome));
    }

    /// A call was answered with what it gave when it was first asked for; it was not carried out again.
    pub fn repeated(&mut self, subject: &Subject, outcome: &Result<()>) {
        self.log_call("call.repeated", subject, "", "asked for again after a lost connection", Some(outcome));
    }

    /// A stream begins.
    pub fn stream_started(&mut self, subject: &Subject, method: &str, summary: &str) {
        let fields = [("session_id", json!(subject.session)), ("method", json!(method)), ("summary", json!(summary))];
        self.entry("stream.started", Some(&subject.peer), fields);
    }

    /// A stream has ended: its method and summary, how many items and bytes it sent, and why.
    pub fn stream_ended(&mut self, subject: &Subject, account: (&str, &str, u64, u64), why: &Error) {
        let (method, summary, items, bytes) = account;
        let fields = [
            ("session_id", json!(subject.session)),
            ("method", json!(method)),
            ("summary", json!(summary)),
            ("items", json!(items)),
            ("bytes", json!(bytes)),
            ("error_code", json!(why.code.word())),
        ];
        self.entry("stream.ended", Some(&subject.peer), fields);
    }

    fn log_call(
        &mut self,
        kind: &'static str,
        subject: &Subject,
        method: &str,
        summary: &str,
        outcome: Option<&Result<()>>,
    ) -> bool {
        let mut fields = Map::new();
        fields.insert("session_id".into(), json!(subject.session));
        fields.insert("method".into(), json!(method));
        fields.insert("summary".into(), json!(summary));
        match outcome {
            None => {}
            Some(Ok(())) => {
                fields.insert("outcome".into(), json!("ok"));
            }
            Some(Err(error)) => {
                fields.insert("outcome".into(), json!("error"));
                fields.insert("error_code".into(), json!(error.code.word()));
                // What was to be typed, copied or given to a program may stand in the message.
                // Of a call that is repeated only the outcome is known.
                let is_private = method.is_empty() || PRIVATE.iter().any(|family| method.starts_with(family));
                if !is_private {
                    let message: String = error.message.chars().take(200).collect();
                    fields.insert("error_message".into(), json!(message));
                }
            }
        }
        self.write(Record { kind, peer: Some(subject.reference.clone()), fields })
    }

    /// A controller drives from now on.
    pub fn session_opened(&mut self, subject: &Subject, address: &str, mode: &str) {
        let fields = [("session_id", json!(subject.session)), ("remote_addr", json!(address)), ("mode", json!(mode))];
        self.entry("session.opened", Some(&subject.peer), fields);
    }

    /// It does not any more.
    pub fn session_closed(&mut self, subject: &Subject, seconds: f64, reason: Reason) {
        let duration = (seconds * 1000.0).round() / 1000.0;
        let fields =
            [("session_id", json!(subject.session)), ("duration", json!(duration)), ("reason", json!(reason.word()))];
        self.entry("session.closed", Some(&subject.peer), fields);
    }

    /// A proved key got no session.
    pub fn session_rejected(&mut self, peer: &Peer, address: &str, reason: Reason) {
        self.entry("session.rejected", Some(peer), [("remote_addr", json!(address)), ("reason", json!(reason.word()))]);
    }

    /// Somebody who said that it has this key, and had yet to prove it, got no session.
    pub fn claim_rejected(&mut self, peer: &Peer, address: &str, reason: Reason) {
        let fields = [("remote_addr", json!(address)), ("reason", json!(reason.word())), ("claimed", json!(true))];
        self.entry("session.rejected", Some(peer), fields);
    }

    /// Something happened to what is trusted: a pairing window, a peer, this machine's keys.
    pub fn trust(&mut self, kind: &'static str, peer: Option<&Peer>, detail: &str) {
        self.entry(kind, peer, [("detail", json!(detail))]);
    }

    fn entry<const N: usize>(&mut self, kind: &'static str, peer: Option<&Peer>, fields: [(&str, Value); N]) {
        let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        self.write(Record { kind, peer: peer.map(reference), fields });
    }

    /// Tells whether the entry is in the log, or no log was asked for.
    fn write(&mut self, record: Record) -> bool {
        let Some(log) = &mut self.log else { return true };
        match log.append(record) {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(%error, "the audit log cannot be written; actions are refused");
                false
            }
        }
    }
}

/// The name and key of a peer that no list knows.
#[must_use]
pub const fn stranger(key: PublicKey) -> Peer {
    Peer { key, name: String::new() }
}
