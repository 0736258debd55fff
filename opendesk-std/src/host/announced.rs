//! The host on the network: what is announced of it follows what is in its home.

use core::net::SocketAddr;

use opendesk_core::PublicKey;

use super::calls::Done;
use crate::discovery::{Announcer, DiscoveryError};
use crate::home::{Home, Identity};
use crate::machine;

/// A host that is announced.
#[derive(Debug)]
pub(super) struct Announced {
    announcer: Announcer,
    /// As it was announced last.
    description: String,
}

impl Announced {
    /// `None` where it cannot be announced, which is logged.
    pub(super) fn start(home: &Home, identity: &Identity, address: SocketAddr) -> Option<Self> {
        let (key, description) = (identity.keys.static_key.public(), home.description());
        match Announcer::start(key, &machine::hostname(), &description, address) {
            Ok(announcer) => Some(Self { announcer, description }),
            Err(error) => {
                tracing::warn!(%error, "this host is not announced on the network; controllers reach it by its address");
                None
            }
        }
    }

    /// A file of the home has changed, perhaps the one with the description.
    pub(super) fn describe(&mut self, home: &Home) {
        let description = home.description();
        if description != self.description {
            log(self.announcer.describe(&description));
            self.description = description;
        }
    }

    pub(super) fn rekey(&self, key: PublicKey) {
        log(self.announcer.rekey(key));
    }

    /// Says goodbye, within the time that a stopping host takes for its links.
    pub(super) async fn end(self) -> Option<Done> {
        self.announcer.end().await;
        None
    }
}

fn log(result: Result<(), DiscoveryError>) {
    if let Err(error) = result {
        tracing::warn!(%error, "what is announced of this host is not up to date");
    }
}
