//! The sessions of many clients.

use std::sync::{Arc, OnceLock};

use opendesk_std::tools::Session;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::mcp::approvals::Approvals;
use crate::mcp::presence::Presence;

/// What all clients of one server share.
pub(in crate::mcp) struct Clients {
    make: Box<dyn Fn() -> Session + Send + Sync>,
    /// Where requests belong that belong to no session.
    pub(in crate::mcp) stateless: Session,
    pub(in crate::mcp) approvals: Arc<Approvals>,
    ending: Sender<()>,
}

/// Waits for the sessions that are ending.
pub(super) struct Ends(Receiver<()>);

impl Ends {
    /// All have ended. It does not come to that while there are [`Clients`].
    pub(super) async fn all(mut self) {
        // Nothing is ever sent: it ends when the last sender is gone.
        let _nothing = self.0.recv().await;
    }
}

impl Clients {
    pub(super) fn new(make: impl Fn() -> Session + Send + Sync + 'static) -> (Self, Ends) {
        let (ending, ends) = channel(1);
        let stateless = make().stateless();
        let approvals = Arc::new(Approvals::new());
        (Self { make: Box::new(make), stateless, approvals, ending }, Ends(ends))
    }
}

/// The session of one client, from its `initialize` on. It is ended politely when the client's handler is dropped.
#[derive(Default)]
pub(in crate::mcp) struct Own(OnceLock<Begun>);

struct Begun {
    session: Session,
    client: Presence,
    ending: Sender<()>,
}

impl Own {
    pub(in crate::mcp) fn begin(&self, clients: &Clients, client: Presence) {
        self.0.get_or_init(|| Begun { session: (clients.make)(), client, ending: clients.ending.clone() });
    }

    pub(in crate::mcp) fn get(&self) -> Option<&Session> {
        self.0.get().map(|begun| &begun.session)
    }

    pub(in crate::mcp) fn client(&self) -> Option<&Presence> {
        self.0.get().map(|begun| &begun.client)
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let (Some(Begun { session, ending, .. }), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        runtime.spawn(async move {
            session.close().await;
            drop(ending);
        });
    }
}
