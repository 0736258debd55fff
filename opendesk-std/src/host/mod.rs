//! The host: one future that owns the protocol's machine, every link, both listeners and the timer.
//!
//! Nothing in it is locked and nothing is started from it: it is polled, does what can be done, and waits. What
//! blocks happens on the threads of a [`Desk`](crate::desktop::Desk).

mod admin;
mod admin_client;
mod announced;
mod calls;
mod driver;
mod handle;
mod held;
mod link;
mod logged;
mod notice;
mod owner;
mod peers;
mod programs;
mod recent;
mod rotation;
mod sign;
mod signs;
mod status;
mod stopping;
mod streams;
mod unpairing;

use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;
use std::path::PathBuf;
use std::sync::Arc;

pub use self::admin::pairing_failure;
pub use self::admin_client::{
    AdminError, Newcomer, acknowledge_audit_of_running, close_pairing_of_running, decide_through_running,
    disconnect_through_running, follow_running, forget_through_running, pair_through_running, reload_running,
    rotate_through_running, sessions_of_running, status_of_running, unpair_through_running,
};
pub use self::driver::Server;
pub use self::handle::{HostHandle, HostStopped, Invitation, SessionInfo};
pub use self::notice::Notice;
pub use self::rotation::{forget_at_rest, log_at_rest, rotate_at_rest};
pub use self::status::{AuditInfo, Status};
pub use self::unpairing::unpair_at_rest;
use opendesk_core::Wire;

use crate::desktop::Computer;
use crate::govern::ask::{Approver, NoApprover};
use crate::govern::{AllowAll, Policy};
use crate::home::Home;
use crate::recording::RecordingError;

/// Links that a host keeps at once: 32 strangers, the one that drives, and some that are told to go.
pub(crate) const LINKS: usize = 40;

/// What a host is made of.
#[derive(Debug)]
pub struct HostOptions {
    /// The address to listen on; port 0 picks a free one.
    pub listen: SocketAddr,
    /// Keys, trusted peers and logs.
    pub home: Home,
    /// The desktop to be driven.
    pub computer: Arc<dyn Computer>,
    /// Whether controllers may also ask for files and programs of this machine; its home directory is never among them.
    pub files: bool,
    /// What controllers may do.
    pub policy: Box<dyn Policy>,
    /// Asks the owner where the policy says so. Whoever follows by the admin socket may answer as well.
    pub approver: Arc<dyn Approver>,
    /// How long the owner is given to answer, if not what the policy says. No answer is a no.
    pub patience: Option<Duration>,
    /// What the status calls the policy.
    pub approve: &'static str,
    /// For how long no controller may act after the person at the machine has used its own mouse or keyboard.
    pub pause_on_local_input: Option<Duration>,
    /// Whether to show on the desktop that a controller connects, pairs or is refused.
    pub notifications: bool,
    /// Whether to announce the host on the network, by multicast DNS, so that controllers find it. Where that cannot be
    /// done it serves all the same.
    pub announce: bool,
    /// Whether to keep an audit log.
    pub audit: bool,
    /// A new file into which all that is done to the protocol's machine is written, for
    /// [`replay`](crate::recording::replay). It holds the machine's keys and all that is typed and shown.
    pub record: Option<PathBuf>,
    /// The oldest version of the wire that is spoken.
    pub oldest: Wire,
}

impl HostOptions {
    /// A host that listens on a free port of this machine's own network, allows everything that its desktop offers to
    /// whoever is paired, keeps an audit log, is not announced, and offers no files or programs.
    #[must_use]
    pub fn new(home: Home, computer: Arc<dyn Computer>) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            home,
            computer,
            files: false,
            policy: Box::new(AllowAll),
            approver: Arc::new(NoApprover),
            patience: None,
            approve: "auto",
            pause_on_local_input: None,
            notifications: false,
            announce: false,
            audit: true,
            record: None,
            oldest: Wire::V1,
        }
    }
}

/// Why a host could not start.
#[derive(Debug)]
pub enum StartError {
    /// The address is taken or not ours.
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's word.
        error: std::io::Error,
    },
    /// The home directory cannot be used.
    Home(String),
    /// The desktop cannot be used.
    Desktop(crate::api::Error),
    /// The desktop cannot tell the person's input from that of controllers.
    Person {
        /// Its short name.
        backend: &'static str,
    },
    /// The recording cannot be begun.
    Record(RecordingError),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen { address, error } if error.kind() == std::io::ErrorKind::AddrInUse => {
                write!(
                    f,
                    "{address} is in use by another program; choose another with --port, or --port 0 for a free one"
                )
            }
            Self::Listen { address, error } => write!(f, "cannot listen on {address}: {error}"),
            Self::Home(message) => f.write_str(message),
            Self::Record(error) => write!(f, "nothing can be recorded: {error}"),
            Self::Person { backend } => write!(
                f,
                "the desktop {backend} cannot tell the person's own mouse and keyboard from a controller's; leave out \
                 --pause-on-local-input"
            ),
            Self::Desktop(error) => write!(f, "the desktop cannot be used: {error}"),
        }
    }
}

impl core::error::Error for StartError {}

/// How long a link that the protocol has finished with may take to be closed politely.
const FAREWELL: Duration = opendesk_core::limits::LINGER;
