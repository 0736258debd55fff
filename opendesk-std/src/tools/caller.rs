//! Who makes a call: how far it is told of its progress, and how it is asked for what needs a person's word.

use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use serde_json::Value;

use super::output::Output;
use super::session::Session;
use super::target::ToolError;
use crate::govern::ask::Question;

/// Hears how far a call is.
pub trait Progress: Send + Sync {
    /// `done` grows, up to `total` where that is known.
    fn report(&self, done: f64, total: Option<f64>, what: &str);
}

/// Puts a question to the person in front of an agent.
pub trait Elicit: Send + Sync {
    /// The person's answer.
    fn elicit(&self, question: &Question) -> BoxFuture<'_, Elicited>;
}

/// What a person in front of an agent answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Elicited {
    /// It may happen.
    Accepted,
    /// It may not.
    Declined,
    /// Nobody answered in the time that the question has, which is a no.
    Silent,
    /// Nobody was reached, and why: then the person at the desktop is asked.
    Unreached(String),
}

/// How a person is asked whether a call may happen, where the owner's rules say that one has to be.
#[derive(Clone, Default)]
pub enum Consent {
    /// By a dialog on this machine.
    #[default]
    Dialog,
    /// Through the client of the agent, while the call waits.
    Ask(Arc<dyn Elicit>),
    /// Through the client of the agent, in another call: this one ends with [`ToolError::Ask`] if it has
    /// not done anything yet.
    Defer,
    /// A person has been asked about this whole call, with these arguments, and has said yes.
    Granted,
}

/// Who makes a call.
#[derive(Clone, Default)]
pub struct Caller {
    /// Told of progress.
    pub progress: Option<Arc<dyn Progress>>,
    /// Asked for a person's word.
    pub consent: Consent,
    pub(super) state: Arc<State>,
}

#[derive(Default)]
pub(super) struct State {
    /// Something was done on a desktop, in this call or in one that it is a part of.
    has_acted: Arc<AtomicBool>,
    element: Mutex<Option<Touched>>,
}

/// The element of a program's interface that a call acted on, by what stays the same when the program is started anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    /// The application's name.
    pub app: String,
    /// The title of its window.
    pub window: String,
    /// The element's role.
    pub role: String,
    /// The element's name.
    pub name: String,
}

impl fmt::Debug for Consent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dialog => "Dialog",
            Self::Ask(_) => "Ask",
            Self::Defer => "Defer",
            Self::Granted => "Granted",
        })
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").field("consent", &self.consent).finish_non_exhaustive()
    }
}

impl Caller {
    /// Who is told of progress by `progress` and asked by `consent`.
    #[must_use]
    pub fn new(progress: Option<Arc<dyn Progress>>, consent: Consent) -> Self {
        Self { progress, consent, state: Arc::default() }
    }

    /// The same caller for a call that touches an element of its own. It is a part of what this caller does: what one part
    /// did cannot be begun again by asking a person about the next.
    pub(super) fn fresh(&self) -> Self {
        let state = State { has_acted: Arc::clone(&self.state.has_acted), element: Mutex::default() };
        Self { state: Arc::new(state), ..self.clone() }
    }

    /// Tells how far the call is.
    pub(super) fn report(&self, done: f64, total: Option<f64>, what: &str) {
        if let Some(progress) = &self.progress {
            progress.report(done, total, what);
        }
    }

    pub(super) fn has_acted(&self) -> bool {
        self.state.has_acted.load(Ordering::Relaxed)
    }

    pub(super) fn acts(&self) {
        self.state.has_acted.store(true, Ordering::Relaxed);
    }

    /// The call acts on this element.
    pub(super) fn touch(&self, element: Touched) {
        *self.state.element.lock().unwrap_or_else(PoisonError::into_inner) = Some(element);
    }

    pub(super) fn touched(&self) -> Option<Touched> {
        self.state.element.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Session {
    /// Calls a tool for a caller that asks a person in another call.
    ///
    /// # Errors
    /// The question, of which the answer decides whether the same call is made again; nothing was done then. Every other
    /// failure is an [`Output`] that says so.
    pub async fn call_or_ask(&self, name: &str, arguments: Value) -> Result<Output, Box<Question>> {
        match self.try_tool(name, arguments).await {
            Err(ToolError::Ask(question)) => Err(question),
            Err(error) => Ok(Output::error(super::for_agents(&error))),
            Ok(output) => Ok(output),
        }
    }
}
