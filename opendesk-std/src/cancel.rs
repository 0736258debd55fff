//! How a running call learns that nobody wants it any more.

use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use crate::api::{Error, Result};

/// A flag shared by whoever runs a call and whoever may stop it. A child is cancelled with its parent, so one
/// flag ends every call of a session.
#[derive(Debug, Clone, Default)]
pub struct Cancel {
    own: Arc<AtomicBool>,
    parent: Option<Arc<AtomicBool>>,
}

impl Cancel {
    /// A flag that is not raised.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A flag of its own that counts as raised when this one is.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { own: Arc::default(), parent: Some(Arc::clone(&self.own)) }
    }

    /// Raises the flag for good.
    pub fn cancel(&self) {
        self.own.store(true, Ordering::Release);
    }

    /// Whether the flag or its parent's is raised.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.own.load(Ordering::Acquire) || self.parent.as_ref().is_some_and(|parent| parent.load(Ordering::Acquire))
    }

    /// Returns early out of a long action.
    ///
    /// # Errors
    /// [`ErrorCode::Cancelled`](crate::api::ErrorCode::Cancelled) once the flag is raised.
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() { Err(Error::cancelled()) } else { Ok(()) }
    }
}
