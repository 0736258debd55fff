//! The one path of every call: role, switch, policy, log, act, log. What a controller asks reaches a desktop through
//! here or not at all.

pub mod ask;
pub mod audit;
mod by_rules;
pub mod control;
mod policy;
mod recent;
pub mod rules;
mod throttle;

use core::time::Duration;

use opendesk_core::{PublicKey, Reason, SigningKey};
use serde_json::{Map, Value, json};

use self::ask::{Answer, Question};
use self::audit::{AuditError, AuditLog, AuditState, PeerRef, Record};
pub use self::by_rules::AsRulesSay;
use self::control::{Control, Switch};
pub use self::policy::{AllowAll, AskAll, Peer, Policy, RulesFile, Verdict};
pub use self::recent::RecentCall;
use self::recent::RecentCalls;
pub use self::throttle::Throttle;
use crate::api::{Call, CommandEnd, CommandId, Error, ErrorCode, Kind, Result};
use crate::home::Role;

/// The families of methods whose errors may repeat what is private: what is typed, copied, shown or run.
const PRIVATE: [&str; 5] = ["input.", "clipboard.", "ocr.", "ui.", "process."];

/// As many characters of a message of an error are in the log.
const MOST_MESSAGE: usize = 200;

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
    /// The controller is called something else by now, or may do something else.
    pub fn meet(&mut self, peer: Peer) {
        self.reference = reference(&peer);
        self.peer = peer;
    }

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

/// What is said to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// It may happen.
    Allowed,
    /// The owner is to be asked; why.
    Ask(String),
    /// It may not.
    Refused(Error),
}

/// Whether a call is about the output or the end of a command that its session has started, or says that no input comes:
/// that was allowed with the command.
pub(crate) fn is_of_a_command(call: &Call) -> bool {
    match call {
        Call::ProcessOutput(_) | Call::ProcessSignal(_) => true,
        Call::ProcessWrite(input) => input.data.is_empty(),
        _ => false,
    }
}

/// Whether an entry of the log has to be there before something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    /// Without it an action is refused.
    ToAct,
    /// It tells what has happened, or that nothing will.
    ToTell,
}

/// Switch, policy and log of a host.
pub struct Govern {
    policy: Box<dyn Policy>,
    switch: Option<Switch>,
    /// What the switch said when it was last looked at: the line for controllers, while nothing may happen.
    halted: Option<String>,
    log: Option<AuditLog>,
    recent: RecentCalls,
    /// Why the log could not be written when that was last tried.
    failing: Option<String>,
    /// The same, as far as the owner was told.
    told_failing: Option<String>,
    /// Why the policy refuses every call, as far as the owner was told.
    told_fault: Option<String>,
}

impl core::fmt::Debug for Govern {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Govern").field("policy", &self.policy).field("logging", &self.log.is_some()).finish()
    }
}

impl Govern {
    /// A policy and, unless the owner asked for none, a log. Without a switch nothing can be stopped.
    #[must_use]
    pub fn new(policy: Box<dyn Policy>, switch: Option<Switch>, log: Option<AuditLog>) -> Self {
        let recent = RecentCalls::default();
        Self { policy, switch, halted: None, log, recent, failing: None, told_failing: None, told_fault: None }
    }

    /// What is said to a call: by the switch as it was last looked at, the role of its controller, the person who uses the
    /// machine themselves and is left alone for that long, and the policy. A refusal is in the log.
    pub fn judge(&mut self, subject: &Subject, call: &Call, left_alone: Option<Duration>) -> Word {
        let word = match self.bounds(subject, call, left_alone) {
            Err(refusal) => Word::Refused(refusal),
            Ok(()) => match self.policy.check(&subject.peer, call) {
                Verdict::Allow => Word::Allowed,
                Verdict::Ask(why) => Word::Ask(why),
                Verdict::Refuse(why) => Word::Refused(Error::new(ErrorCode::PermissionDenied, why)),
            },
        };
        if let Word::Refused(refusal) = &word {
            self.refused(subject, call, refusal);
        }
        word
    }

    /// What holds whatever a policy says to the single call.
    fn bounds(&self, subject: &Subject, call: &Call, left_alone: Option<Duration>) -> Result<()> {
        let refused = |why: String| Err(Error::new(ErrorCode::PermissionDenied, why));
        if let Some(why) = &self.halted {
            return refused(why.clone());
        }
        if call.kind() != Kind::Action {
            return Ok(());
        }
        if !subject.peer.role.lets(call.kind()) {
            let why = "this host lets you look only; its owner can pair you anew with --role full";
            return refused(why.to_owned());
        }
        // A command goes on while the person uses the machine, and so does what it is given.
        let goes_on = matches!(call, Call::ProcessWrite(_) | Call::ProcessSignal(_));
        match left_alone.filter(|_| !goes_on) {
            Some(left) => refused(in_use(left)),
            None => Ok(()),
        }
    }

    /// Looks at the switch. What it says now, if that is something else than when it was last looked at: an error is a
    /// switch that cannot be read, which refuses everything.
    pub fn look(&mut self) -> Option<core::result::Result<Control, String>> {
        let switch = self.switch.as_mut()?;
        let halted = switch.look().err();
        if halted == self.halted {
            return None;
        }
        let said = match (switch.control(), &halted) {
            (Some(control), _) => Ok(control.clone()),
            (None, why) => Err(why.clone().unwrap_or_default()),
        };
        self.halted = halted;
        Some(said)
    }

    /// What controllers are told while nothing may happen.
    #[must_use]
    pub fn halted(&self) -> Option<&str> {
        self.halted.as_deref()
    }

    /// What the switch says.
    #[must_use]
    pub fn control(&self) -> Option<&Control> {
        self.switch.as_ref().and_then(Switch::control)
    }

    /// How long the owner is given to answer.
    pub fn patience(&mut self) -> Duration {
        self.policy.approval().timeout
    }

    /// Why the policy refuses every call, as far as it was looked at, in a line for the owner.
    #[must_use]
    pub fn policy_fault(&self) -> Option<String> {
        self.policy.fault()
    }

    /// Whether the policy may say something else than before to what was allowed.
    pub fn policy_has_changed(&mut self) -> bool {
        self.policy.has_changed()
    }

    /// Before an action that may happen: an entry in the log.
    ///
    /// # Errors
    /// `permission_denied` when there can be none.
    pub fn begin(&mut self, subject: &Subject, call: &Call) -> Result<()> {
        if call.kind() != Kind::Action {
            return Ok(());
        }
        let fields = call_fields(subject, call.method(), &call.summary());
        let record = Record { kind: "call.started", peer: Some(subject.reference.clone()), fields };
        let Err(why) = self.write(record, Need::ToAct) else { return Ok(()) };
        let line = match why {
            AuditError::Altered { .. } => "the audit log of the host was changed by somebody else, so actions are \
                                           refused until its owner has said `opendesk audit acknowledge`"
                .to_owned(),
            why => format!(
                "the audit log of the host cannot be written, so actions are refused until its owner has seen to that: {}",
                why.outline()
            ),
        };
        let refusal = Error::new(ErrorCode::PermissionDenied, line);
        self.refused(subject, call, &refusal);
        Err(refusal)
    }

    /// A call did not happen, by the word of the owner or of what they have set. That word has nothing of the call in it, so
    /// it is logged whatever the call is about.
    pub fn refused(&mut self, subject: &Subject, call: &Call, refusal: &Error) {
        let (method, summary, outcome) = (call.method(), call.summary(), Err(refusal.clone()));
        self.recent.keep(subject, method, &summary, &outcome);
        self.log_call("call", subject, (method, &summary), &outcome, true);
    }

    /// After a call.
    pub fn after(&mut self, subject: &Subject, method: &str, summary: &str, outcome: &Result<()>) {
        self.recent.keep(subject, method, summary, outcome);
        // What was to be typed, copied or given to a program may stand in the message of an error.
        let may_tell = !PRIVATE.iter().any(|family| method.starts_with(family));
        self.log_call("call", subject, (method, summary), outcome, may_tell);
    }

    /// A call was answered with what it gave when it was first asked for; it was not carried out again.
    pub fn repeated(&mut self, subject: &Subject, outcome: &Result<()>) {
        // Only the outcome is known, not what the call was about.
        let what = ("", "asked for again after a lost connection");
        self.log_call("call.repeated", subject, what, outcome, false);
    }

    /// The owner is asked about a call.
    pub fn asked(&mut self, subject: &Subject, call: &Call, question: &Question) {
        let mut fields = call_fields(subject, call.method(), &call.summary());
        fields.insert("question".into(), json!(question.number));
        fields.insert("why".into(), json!(question.why));
        self.tell(Record { kind: "call.asked", peer: Some(subject.reference.clone()), fields });
    }

    /// What the owner said, or that they said nothing.
    pub fn decided(&mut self, subject: &Subject, question: &Question, answer: &Answer) {
        let (said, by) = match answer {
            Answer::Allowed { by } => ("allowed", *by),
            Answer::Denied { by } => ("denied", *by),
            Answer::Nobody(why) => ("unanswered", why.as_str()),
        };
        let fields = [
            ("session_id", json!(subject.session)),
            ("method", json!(question.method)),
            ("question", json!(question.number)),
            ("decision", json!(said)),
            ("by", json!(by)),
        ];
        self.entry("call.decided", Some(&subject.peer), fields);
    }

    /// The owner has stopped, taken over or let go on; or the switch cannot be read.
    pub fn control_changed(&mut self, now: &core::result::Result<Control, String>) {
        let (mode, reason) = match now {
            Ok(Control { mode, reason, .. }) => (mode.word(), reason.as_str()),
            Err(why) => ("unreadable", why.as_str()),
        };
        self.entry("control.changed", None, [("mode", json!(mode)), ("reason", json!(reason))]);
    }

    /// The person at the machine uses it themselves from now on, or controllers may act again.
    pub fn left_alone(&mut self, begins: bool) {
        let kind = if begins { "control.paused" } else { "control.unpaused" };
        self.entry(kind, None, [("reason", json!("the mouse or keyboard of the machine"))]);
    }

    /// A stream begins.
    pub fn stream_started(&mut self, subject: &Subject, method: &str, summary: &str) {
        let fields = [("session_id", json!(subject.session)), ("method", json!(method)), ("summary", json!(summary))];
        self.entry("stream.started", Some(&subject.peer), fields);
    }

    /// A stream has ended: its method and summary, how many items and bytes it sent, and why; nothing where all was sent that
    /// there was.
    pub fn stream_ended(&mut self, subject: &Subject, account: (&str, &str, u64, u64), why: Option<&Error>) {
        let (method, summary, items, bytes) = account;
        let fields = [
            ("session_id", json!(subject.session)),
            ("method", json!(method)),
            ("summary", json!(summary)),
            ("items", json!(items)),
            ("bytes", json!(bytes)),
            ("error_code", json!(why.map(|why| why.code.word()))),
        ];
        self.entry("stream.ended", Some(&subject.peer), fields);
    }

    /// A command that was started runs no more.
    pub fn command_ended(&mut self, subject: &Subject, summary: &str, command: CommandId, end: CommandEnd) {
        let duration = (end.duration * 1000.0).round() / 1000.0;
        let fields = [
            ("session_id", json!(subject.session)),
            ("summary", json!(summary)),
            ("command", json!(command.0)),
            ("returncode", json!(end.returncode)),
            ("timed_out", json!(end.timed_out)),
            ("duration", json!(duration)),
        ];
        self.entry("command.ended", Some(&subject.peer), fields);
    }

    /// `what` is the method and a summary; the message of an error is in the log if it may be told.
    fn log_call(
        &mut self,
        kind: &'static str,
        subject: &Subject,
        what: (&str, &str),
        outcome: &Result<()>,
        may_tell: bool,
    ) {
        let mut fields = call_fields(subject, what.0, what.1);
        let word = if outcome.is_ok() { "ok" } else { "error" };
        fields.insert("outcome".into(), json!(word));
        if let Err(error) = outcome {
            fields.insert("error_code".into(), json!(error.code.word()));
            if may_tell {
                let message: String = error.message.chars().take(MOST_MESSAGE).collect();
                fields.insert("error_message".into(), json!(message));
            }
        }
        self.tell(Record { kind, peer: Some(subject.reference.clone()), fields });
    }

    /// The host takes calls from now on.
    pub fn host_started(&mut self, address: &str, backend: &str, approve: &str) {
        let fields = [("address", json!(address)), ("backend", json!(backend)), ("approve", json!(approve))];
        self.entry("host.started", None, fields);
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

    /// The owner's program asked for something that is not told of otherwise.
    pub fn administered(&mut self, what: &str) {
        self.entry("admin", None, [("detail", json!(what))]);
    }

    /// This machine signs with another key from now on.
    pub fn sign_with(&mut self, key: SigningKey) {
        if let Some(log) = &mut self.log {
            log.set_signer(key);
        }
    }

    /// The owner knows what became of the log. Tells whether it was altered, as far as that was noticed.
    pub fn acknowledge(&mut self) -> bool {
        self.look_at_log();
        let Some(log) = self.log.as_mut().filter(|log| log.state().altered) else { return false };
        log.acknowledge();
        self.administered("the owner knows that the log was altered");
        true
    }

    /// Looks whether somebody else has changed the log.
    pub fn look_at_log(&mut self) {
        if let Some(log) = &mut self.log
            && let Err(why) = log.look()
        {
            self.failed(&why);
        }
    }

    /// How the log is; nothing where none is kept.
    #[must_use]
    pub fn audit_state(&self) -> Option<AuditState> {
        self.log.as_ref().map(AuditLog::state)
    }

    /// The last calls, the newest last.
    #[must_use]
    pub fn recent(&self) -> Vec<RecentCall> {
        self.recent.list()
    }

    /// Nobody wants to know of the calls that have ended so far.
    pub fn skip_news(&mut self) {
        self.recent.skip_news();
    }

    /// The calls that have ended since this was last asked for.
    pub fn news(&mut self) -> Vec<RecentCall> {
        self.recent.news()
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

    /// Somebody got no session who did not come to say who they are.
    pub fn stranger_rejected(&mut self, address: &str, reason: Reason) {
        self.entry("session.rejected", None, [("remote_addr", json!(address)), ("reason", json!(reason.word()))]);
    }

    /// Something happened to what is trusted: a pairing window, a peer, this machine's keys.
    pub fn trust(&mut self, kind: &'static str, peer: Option<&Peer>, detail: &str) {
        self.entry(kind, peer, [("detail", json!(detail))]);
    }

    fn entry<const N: usize>(&mut self, kind: &'static str, peer: Option<&Peer>, fields: [(&str, Value); N]) {
        let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        self.tell(Record { kind, peer: peer.map(reference), fields });
    }

    /// What has happened has happened: that it cannot be written is said, and keeps the next action from happening.
    fn tell(&mut self, record: Record) {
        // The owner is told of what fails.
        drop(self.write(record, Need::ToTell));
    }

    /// Fails when there is a log and the entry is not in it.
    fn write(&mut self, record: Record, need: Need) -> core::result::Result<(), AuditError> {
        let Some(log) = &mut self.log else { return Ok(()) };
        let written = match need {
            Need::ToAct => log.append(record),
            Need::ToTell => log.append_anyway(record),
        };
        match &written {
            // It concerns this record alone.
            Err(why @ AuditError::TooLong { .. }) => tracing::error!(%why, "an entry is not in the audit log"),
            Err(why) => self.failed(why),
            // What only tells is written into an altered log as well.
            Ok(()) if need == Need::ToAct || !log.state().altered => self.failing = None,
            Ok(()) => {}
        }
        written
    }

    /// From now on actions are refused, because of this.
    fn failed(&mut self, why: &AuditError) {
        let why = why.to_string();
        if self.failing.is_none() {
            tracing::error!(%why, "the audit log keeps actions from happening");
        }
        self.failing = Some(why);
    }

    /// What the owner has to be told of the log: that it cannot be written and why, or that it can again.
    pub fn trouble(&mut self) -> Option<Option<String>> {
        if self.failing.is_some() == self.told_failing.is_some() {
            return None;
        }
        self.told_failing.clone_from(&self.failing);
        Some(self.failing.clone())
    }

    /// What the owner has to be told of the policy: why it refuses every call, or that it decides again.
    pub fn policy_trouble(&mut self) -> Option<Option<String>> {
        let fault = self.policy.fault();
        if fault == self.told_fault {
            return None;
        }
        self.told_fault.clone_from(&fault);
        Some(fault)
    }
}

fn call_fields(subject: &Subject, method: &str, summary: &str) -> Map<String, Value> {
    let fields = [("session_id", json!(subject.session)), ("method", json!(method)), ("summary", json!(summary))];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// What a controller is told while the person at the machine uses it.
#[must_use]
pub fn in_use(left: Duration) -> String {
    let seconds = left.as_secs() + 1;
    format!("the person at this machine is using it; try again in {seconds} s")
}

/// The name and key of a peer that no list knows.
#[must_use]
pub const fn stranger(key: PublicKey) -> Peer {
    Peer { key, name: String::new(), role: Role::Full }
}
