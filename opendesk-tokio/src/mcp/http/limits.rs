//! The sessions of HTTP clients: so many at the same time, and none that nobody uses.

use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::Stream;
use rmcp::model::{ClientJsonRpcMessage, GetExtensions, ServerJsonRpcMessage};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::session::{ServerSseMessage, SessionId, SessionManager};
use tokio::time::Instant;

use crate::mcp::presence::Presence;

/// Sessions at the same time. For another one, that which was not used for the longest time ends.
pub(super) const MOST: usize = 32;

/// A session that was not used for so long ends: its client has gone without a word.
const IDLE: Duration = Duration::from_secs(30 * 60);

/// rmcp's own sessions, with a limit.
pub(super) struct Limited {
    sessions: LocalSessionManager,
    used: Mutex<HashMap<SessionId, Used>>,
}

struct Used {
    last: Instant,
    client: Presence,
}

impl Default for Limited {
    fn default() -> Self {
        let mut sessions = LocalSessionManager::default();
        sessions.session_config.keep_alive = Some(IDLE);
        Self { sessions, used: Mutex::default() }
    }
}

impl Limited {
    fn used(&self) -> MutexGuard<'_, HashMap<SessionId, Used>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn touch(&self, id: &SessionId) {
        if let Some(used) = self.used().get_mut(id) {
            used.last = Instant::now();
        }
    }

    /// The one that has to go for another.
    fn oldest(&self) -> Option<SessionId> {
        let used = self.used();
        if used.len() < MOST {
            return None;
        }
        used.iter().min_by_key(|(_, used)| used.last).map(|(id, _)| id.clone())
    }
}

impl SessionManager for Limited {
    type Error = <LocalSessionManager as SessionManager>::Error;
    type Transport = <LocalSessionManager as SessionManager>::Transport;

    async fn create_session(&self) -> Result<(SessionId, Self::Transport), Self::Error> {
        while let Some(oldest) = self.oldest() {
            tracing::info!("an HTTP session ends for another one");
            self.close_session(&oldest).await?;
        }
        let (id, transport) = self.sessions.create_session().await?;
        self.used().insert(id.clone(), Used { last: Instant::now(), client: Presence::default() });
        Ok((id, transport))
    }

    async fn initialize_session(
        &self,
        id: &SessionId,
        mut message: ClientJsonRpcMessage,
    ) -> Result<ServerJsonRpcMessage, Self::Error> {
        // The handler of the session learns from it when the client has left.
        if let (ClientJsonRpcMessage::Request(request), Some(used)) = (&mut message, self.used().get(id)) {
            request.request.extensions_mut().insert(used.client.clone());
        }
        self.sessions.initialize_session(id, message).await
    }

    async fn has_session(&self, id: &SessionId) -> Result<bool, Self::Error> {
        self.sessions.has_session(id).await
    }

    async fn close_session(&self, id: &SessionId) -> Result<(), Self::Error> {
        if let Some(used) = self.used().remove(id) {
            used.client.leave();
        }
        self.sessions.close_session(id).await
    }

    async fn create_stream(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        self.touch(id);
        self.sessions.create_stream(id, message).await
    }

    async fn accept_message(&self, id: &SessionId, message: ClientJsonRpcMessage) -> Result<(), Self::Error> {
        self.touch(id);
        self.sessions.accept_message(id, message).await
    }

    async fn create_standalone_stream(
        &self,
        id: &SessionId,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        self.touch(id);
        self.sessions.create_standalone_stream(id).await
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event_id: String,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        self.touch(id);
        self.sessions.resume(id, last_event_id).await
    }
}
