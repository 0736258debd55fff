//! Shows on the driven desktop what its owner would want to see, on a thread of its own: a notification daemon may be slow.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::notice::Notice;
use super::sign::sign;
use crate::clock;
use crate::desktop::Computer;
use crate::govern::Throttle;

/// How many notifications wait at most: more than that nobody reads.
const WAITING: usize = 8;

/// The thread that shows notifications. It ends with this.
#[derive(Debug)]
pub(super) struct Signs {
    wanted: SyncSender<(String, String)>,
    /// A controller that comes and goes all the time covers no desktop with that.
    sessions: Mutex<Throttle>,
    /// Strangers are as many as they like.
    strangers: Mutex<Throttle>,
}

impl Signs {
    pub(super) fn start(computer: Arc<dyn Computer>) -> Result<Self, String> {
        let (wanted, signs) = sync_channel::<(String, String)>(WAITING);
        let show = move || {
            while let Ok((title, text)) = signs.recv() {
                if let Err(error) = computer.show_notification(&title, &text) {
                    tracing::debug!(%error, "a notification could not be shown");
                }
            }
        };
        let thread = thread::Builder::new().name("opendesk-signs".to_owned()).spawn(show);
        thread
            .map(|_detached| Self { wanted, sessions: Mutex::default(), strangers: Mutex::default() })
            .map_err(|error| format!("no thread could be started: {error}"))
    }

    pub(super) fn show(&self, notice: &Notice) {
        // What the owner has to answer or to mend is never left out because of others.
        let throttle = match notice {
            Notice::Refused { .. } | Notice::WrongCode { .. } => Some(&self.strangers),
            Notice::SessionOpened { .. } | Notice::SessionEnded { .. } | Notice::Asked(_) => Some(&self.sessions),
            Notice::PairingOpened
            | Notice::Paired { .. }
            | Notice::Followed { .. }
            | Notice::Unpaired { .. }
            | Notice::IdentityRotated { .. }
            | Notice::PairingEnded(_)
            | Notice::Decided { .. }
            | Notice::ControlChanged(_)
            | Notice::Paused(_)
            | Notice::Expired { .. }
            | Notice::NotStored { .. }
            | Notice::PolicyFailing(_)
            | Notice::AuditFailing(_) => None,
        };
        let Some(said) = sign(notice) else { return };
        let now = clock::monotonic();
        let may =
            |throttle: &Mutex<Throttle>| throttle.lock().unwrap_or_else(PoisonError::into_inner).speak(now).is_some();
        if throttle.is_none_or(may) {
            drop(self.wanted.try_send(said));
        }
    }
}
