//! Files copied under the eyes of this machine's owner: each call passes the switch and the rules, as those of tools do.

use core::time::Duration;

use super::session::Session;
use super::target::{Target, ToolError};
use crate::api::{Error, Method};
use crate::client::transfer::{Caller, Fault, PATIENCE};

/// A machine as a session reaches it. A link that is lost is made anew.
#[derive(Debug, Clone, Copy)]
pub struct OnTarget<'a> {
    /// The session.
    pub session: &'a Session,
    /// The machine.
    pub target: &'a Target,
}

impl Caller for OnTarget<'_> {
    type Error = ToolError;

    async fn call<M>(&self, params: &M::Params) -> Result<M::Output, ToolError>
    where
        M: Method<Params: Sync>,
    {
        self.session.call_within::<M>(self.target, params, PATIENCE).await
    }

    async fn wait(&self, time: Duration) -> bool {
        self.session.sleep(time).await;
        true
    }
}

impl Fault for ToolError {
    fn is_lost(&self) -> bool {
        matches!(self, Self::Peer { error, .. } if error.is_lost())
    }

    fn refusal(&self) -> Option<&Error> {
        match self {
            Self::Peer { error, .. } => error.refusal(),
            Self::Desktop(error) => Some(error),
            _ => None,
        }
    }
}
