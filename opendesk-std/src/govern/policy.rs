//! What a controller may do.

use core::fmt::Debug;

use opendesk_core::PublicKey;

use crate::api::Call;

/// A controller as a policy sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its proved key.
    pub key: PublicKey,
    /// The name under which it is trusted.
    pub name: String,
}

/// Decides about every call before it happens. It runs on the event loop of the host: it must not block.
pub trait Policy: Debug + Send {
    /// Allows the call, or says in one line why not.
    ///
    /// # Errors
    /// The line that the controller and the audit log get.
    fn check(&mut self, peer: &Peer, call: &Call) -> Result<(), String>;
}

/// Allows everything: whoever was paired may drive.
#[derive(Debug, Clone, Copy, Default)]
pub struct AllowAll;

impl Policy for AllowAll {
    fn check(&mut self, _peer: &Peer, _call: &Call) -> Result<(), String> {
        Ok(())
    }
}
