//! What the owner of a host is told.

use core::time::Duration;

use opendesk_core::{PairingEnd, PublicKey, Reason};
use serde_json::{Value, json};

use crate::govern::ask::Question;
use crate::govern::control::Control;

/// Something that the owner of the host would want to know.
#[derive(Debug, Clone, PartialEq)]
pub enum Notice {
    /// The pairing window is open.
    PairingOpened,
    /// Somebody proved a wrong code.
    WrongCode {
        /// From where.
        address: String,
        /// Tries until the window closes.
        tries_left: u8,
    },
    /// A controller is trusted from now on.
    Paired {
        /// Under which name.
        name: String,
        /// Its key.
        key: PublicKey,
        /// The four words that its screen shows too; empty for one of version 1, which shows none.
        words: String,
    },
    /// A trusted controller has other keys from now on.
    Followed {
        /// Its name.
        name: String,
        /// The key by which it was known.
        former: PublicKey,
        /// The one by which it is known now.
        key: PublicKey,
    },
    /// A peer is not trusted any more.
    Unpaired {
        /// Its name.
        name: String,
        /// Its key.
        key: PublicKey,
    },
    /// This machine has other keys from now on.
    IdentityRotated {
        /// The one by which it is known now.
        key: PublicKey,
    },
    /// The pairing window is closed.
    PairingEnded(PairingEnd),
    /// A controller drives from now on.
    SessionOpened {
        /// Its name.
        name: String,
        /// From where.
        address: String,
    },
    /// It does not any more.
    SessionEnded {
        /// Its name.
        name: String,
        /// Why.
        reason: Reason,
        /// How long it drove.
        lasted: Duration,
    },
    /// A controller got no session.
    Refused {
        /// Its name, empty when it is not trusted.
        name: String,
        /// Its key; of a stranger of version 1 the one that it says it has.
        key: PublicKey,
        /// From where.
        address: String,
        /// Why.
        reason: Reason,
    },
    /// The owner is asked about a call.
    Asked(Box<Question>),
    /// A question needs no answer any more.
    Decided {
        /// Its number.
        number: u64,
        /// Whether the call may happen.
        is_allowed: bool,
    },
    /// A controller proved the code that is shown and could not be stored, because of this. The code goes on counting.
    NotStored {
        /// One line.
        why: String,
    },
    /// The owner has stopped, taken over or let go on; absent when that cannot be read, which refuses everything.
    ControlChanged(Option<Control>),
    /// The person at the machine uses it, so no controller may act for so long after that; absent when they may again.
    Paused(Option<Duration>),
    /// The time for which a peer was trusted is over.
    Expired {
        /// Its name.
        name: String,
        /// Its key.
        key: PublicKey,
    },
    /// The policy can decide nothing, and why, so every call is refused; absent when it can again.
    PolicyFailing(Option<String>),
    /// The audit log cannot be written or was altered, and why, so actions are refused; absent when they are not any more.
    AuditFailing(Option<String>),
}

impl Notice {
    /// The notice as programs read it: an object whose `event` says what it is.
    #[must_use]
    pub fn event(&self) -> Value {
        match self {
            Self::PairingOpened => json!({"event": "pairing_opened"}),
            Self::WrongCode { address, tries_left } => {
                json!({"event": "wrong_code", "address": address, "tries_left": tries_left})
            }
            Self::Paired { name, key, words } => {
                json!({"event": "paired", "name": name, "fingerprint": format!("{key:?}"), "words": words})
            }
            Self::NotStored { why } => json!({"event": "not_stored", "error": why}),
            Self::Followed { name, former, key } => json!({
                "event": "followed", "name": name, "former_fingerprint": format!("{former:?}"),
                "fingerprint": format!("{key:?}"),
            }),
            Self::Unpaired { name, key } => {
                json!({"event": "unpaired", "name": name, "fingerprint": format!("{key:?}")})
            }
            Self::Expired { name, key } => {
                json!({"event": "expired", "name": name, "fingerprint": format!("{key:?}")})
            }
            Self::IdentityRotated { key } => json!({"event": "identity_rotated", "fingerprint": format!("{key:?}")}),
            Self::PairingEnded(end) => json!({"event": "pairing_ended", "how": format!("{end:?}").to_lowercase()}),
            Self::SessionOpened { name, address } => {
                json!({"event": "session_opened", "name": name, "address": address})
            }
            Self::SessionEnded { name, reason, lasted } => {
                let seconds = lasted.as_secs_f64();
                json!({"event": "session_ended", "name": name, "reason": reason.word(), "seconds": seconds})
            }
            Self::Refused { name, key, address, reason } => json!({
                "event": "refused", "name": name, "fingerprint": format!("{key:?}"), "address": address,
                "reason": reason.word(),
            }),
            Self::Asked(question) => json!({"event": "question", "question": question}),
            Self::Decided { number, is_allowed } => {
                json!({"event": "decided", "number": number, "allowed": is_allowed})
            }
            Self::ControlChanged(Some(control)) => json!({"event": "control", "control": control}),
            Self::ControlChanged(None) => json!({"event": "control", "control": null}),
            Self::Paused(pause) => json!({"event": "paused", "seconds": pause.map(|pause| pause.as_secs_f64())}),
            Self::PolicyFailing(why) => json!({"event": "policy", "error": why}),
            Self::AuditFailing(why) => json!({"event": "audit", "error": why}),
        }
    }
}
