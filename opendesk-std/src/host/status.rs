//! What a host tells its owner about itself.

use serde::{Deserialize, Serialize};

use super::driver::Server;
use super::handle::SessionInfo;
use crate::govern::RecentCall;
use crate::govern::ask::Question;
use crate::govern::control::Control;
use crate::runtime::Runtime;

/// All that its owner may want to know of a running host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The version of the program.
    pub version: String,
    /// The number of its process.
    pub pid: u32,
    /// The address that it listens on.
    pub address: String,
    /// The desktop's short name.
    pub backend: String,
    /// The fingerprint of this machine.
    pub fingerprint: String,
    /// Who decides about calls: `auto`, `console`, `policy`, or what an embedder calls it.
    pub approve: String,
    /// What the owner's switch says; absent when it cannot be read.
    pub control: Option<Control>,
    /// Why the owner's switch has every call refused, if it does.
    pub halted: Option<String>,
    /// Why the policy refuses every call, if it does.
    #[serde(default)]
    pub policy_error: Option<String>,
    /// For how many seconds no controller may act because the person uses the machine.
    pub paused_for: Option<f64>,
    /// For how many seconds the code that is shown is valid.
    pub pairing_for: Option<f64>,
    /// The session that drives, if any.
    pub sessions: Vec<SessionInfo>,
    /// What the owner is asked, in the order in which it was asked.
    pub questions: Vec<Question>,
    /// The last calls, the newest last.
    pub recent: Vec<RecentCall>,
    /// The audit log.
    pub audit: AuditInfo,
}

/// How an audit log is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditInfo {
    /// Whether one is kept.
    pub on: bool,
    /// Entries since the host started.
    pub entries: u64,
    /// Whether somebody else has changed, cut or removed it, so that actions are refused.
    pub altered: bool,
    /// Why it cannot be written, so that actions are refused.
    pub error: Option<String>,
    /// Whether its end may not survive a power failure. That holds nothing back.
    #[serde(default)]
    pub unsettled: bool,
}

impl<R: Runtime> Server<R> {
    pub(super) fn status(&self) -> Status {
        let now = self.runtime.now();
        let audit = self.govern.audit_state();
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            address: self.address.to_string(),
            backend: self.desk.backend().to_owned(),
            fingerprint: format!("{:?}", self.host.keys().static_key.public()),
            approve: self.approve.to_owned(),
            control: self.govern.control().cloned(),
            halted: self.govern.halted().map(str::to_owned),
            policy_error: self.govern.policy_fault(),
            paused_for: self.left_alone_for().map(|left| left.as_secs_f64()),
            pairing_for: self.shown_until.map(|until| until.saturating_duration_since(now).as_secs_f64()),
            sessions: self.sessions(),
            questions: self.queue.questions(),
            recent: self.govern.recent(),
            audit: audit.map_or_else(AuditInfo::default, |state| AuditInfo {
                on: true,
                entries: state.entries,
                altered: state.altered,
                error: state.error,
                unsettled: state.unsettled,
            }),
        }
    }
}
