//! What the log says of a [`Notice`].
//!
//! The owner is told of each of them in other ways. Here they are for whoever looks later, so nearly all are at `info`: what
//! happened to sessions and to trust.

use super::notice::Notice;

/// Logs a notice. Neither codes nor the words of a pairing nor what a call would do are in it.
pub(super) fn log(notice: &Notice) {
    match notice {
        Notice::PairingOpened => tracing::info!("a pairing code is shown"),
        Notice::WrongCode { address, tries_left } => {
            tracing::info!(%address, tries_left, "a wrong pairing code was tried")
        }
        Notice::Paired { name, key, .. } => tracing::info!(%name, ?key, "a controller is paired"),
        Notice::Followed { name, former, key } => {
            tracing::info!(%name, ?former, ?key, "a controller has changed its keys");
        }
        Notice::Unpaired { name, key } => tracing::info!(%name, ?key, "a controller is not trusted any more"),
        Notice::Expired { name, key } => {
            tracing::info!(%name, ?key, "a controller is not trusted any more: its time is over");
        }
        Notice::IdentityRotated { key } => tracing::info!(?key, "this machine has changed its keys"),
        Notice::PairingEnded(end) => tracing::info!(how = ?end, "no pairing code is shown any more"),
        Notice::SessionOpened { name, address } => tracing::info!(%name, %address, "a controller drives this machine"),
        Notice::SessionEnded { name, reason, lasted } => {
            tracing::info!(%name, reason = reason.word(), seconds = lasted.as_secs_f64(), "a controller has gone");
        }
        Notice::Refused { name, key, address, reason } => {
            tracing::info!(%name, ?key, %address, reason = reason.word(), "a controller was refused");
        }
        Notice::Asked(question) => {
            let (number, method) = (question.number, &question.method);
            tracing::info!(number, peer = %question.peer, %method, "the owner is asked about a call");
        }
        Notice::Decided { number, is_allowed } => tracing::info!(number, is_allowed, "a question is decided"),
        Notice::ControlChanged(Some(control)) => {
            tracing::info!(mode = control.mode.word(), reason = %control.reason, "the owner has said who may act");
        }
        // Where it was tried, the error said why.
        Notice::NotStored { .. } => tracing::debug!("who proved the code could not be stored"),
        // Where it was read, the error said why.
        Notice::ControlChanged(None) => tracing::debug!("nobody knows who may act, so every call is refused"),
        Notice::Paused(Some(pause)) => {
            tracing::info!(seconds = pause.as_secs_f64(), "the machine is in use, so no controller may act");
        }
        Notice::Paused(None) => tracing::info!("the machine is not in use any more, so controllers may act"),
        // Where it was read, the error said why.
        Notice::PolicyFailing(Some(_)) => tracing::debug!("the policy can decide nothing, so every call is refused"),
        Notice::PolicyFailing(None) => tracing::info!("the policy can decide again"),
        // Where it was met, the error said why.
        Notice::AuditFailing(Some(_)) => tracing::debug!("actions are refused, because of the audit log"),
        Notice::AuditFailing(None) => tracing::info!("the audit log keeps no action from happening any more"),
    }
}
