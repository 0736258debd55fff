//! Who makes a call: how far it is told of its progress, and how it is asked for what needs a person's word.

use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use serde_json::Value;

use super::output::Output;
use super::screenshot::MOST_BYTES;
use super::session::Session;
use super::target::ToolError;
use crate::govern::ask::Question;
use crate::home::Alone;

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
    /// A person has been asked this about the call, with these arguments, and has said yes.
    Granted(Arc<Shown>),
}

/// A question that a call has ended with. Nothing acts on this machine's desktop while it is kept: whoever could would answer.
#[derive(Debug)]
pub struct Deferred {
    /// What a person has to be asked.
    pub question: Question,
    pub(super) alone: Alone,
}

impl Deferred {
    /// A person has said yes. From now on others act on the desktop.
    #[must_use]
    pub fn granted(self) -> Consent {
        let Self { question, alone } = self;
        drop(alone);
        Consent::Granted(Arc::new(Shown { question, is_met: AtomicBool::new(false) }))
    }
}

/// The question that a person has said yes to.
#[derive(Debug)]
pub struct Shown {
    question: Question,
    /// The call has come to what was asked about.
    is_met: AtomicBool,
}

impl Shown {
    /// Whether a person has said yes to this. What comes after it in the same call belongs to it, as the release of a button
    /// belongs to its press.
    pub(super) fn covers(&self, question: &Question) -> bool {
        let is_shown = words(&self.question) == words(question);
        self.is_met.fetch_or(is_shown, Ordering::Relaxed) || is_shown
    }

    /// Whether the call has come to what was asked about.
    pub(super) fn is_met(&self) -> bool {
        self.is_met.load(Ordering::Relaxed)
    }
}

/// Who makes a call.
#[derive(Clone, Default)]
pub struct Caller {
    /// Told of progress.
    pub progress: Option<Arc<dyn Progress>>,
    /// Asked for a person's word.
    pub consent: Consent,
    /// Among how many pictures the bytes of one answer are shared; 0 and 1 for all to one.
    pub(super) pictures: u32,
    pub(super) state: Arc<State>,
}

#[derive(Default)]
pub(super) struct State {
    /// Something was done on a desktop, in this call or in one that it is a part of.
    has_acted: Arc<AtomicBool>,
    /// The desktop has said that nothing came of what this call did.
    is_in_vain: AtomicBool,
    element: Mutex<Option<Touched>>,
    was_checked: Mutex<Option<bool>>,
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

/// As many bytes as are kept of what a machine calls something: it may call everything by a long name.
pub(super) const LONGEST_KEPT: usize = 1024;

/// What is kept of a name.
pub(super) fn kept(name: &str) -> String {
    name.get(..name.floor_char_boundary(LONGEST_KEPT)).unwrap_or(name).to_owned()
}

/// What a question is about. Its number and its time are none of it.
fn words(question: &Question) -> [&str; 5] {
    let Question { peer, fingerprint, method, what, why, .. } = question;
    [peer, fingerprint, method, what, why]
}

impl Consent {
    /// How a person is asked about a part of the call: a yes was to one question, which one part comes to.
    pub(super) fn of_a_step(&self) -> Self {
        match self {
            Self::Granted(shown) if shown.is_met() => Self::Defer,
            consent => consent.clone(),
        }
    }
}

impl fmt::Debug for Consent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dialog => "Dialog",
            Self::Ask(_) => "Ask",
            Self::Defer => "Defer",
            Self::Granted(_) => "Granted",
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
        Self { progress, consent, pictures: 1, state: Arc::default() }
    }

    /// The same caller for a call that touches an element of its own. It is a part of what this caller does: what one part
    /// did cannot be begun again by asking a person about the next.
    pub(super) fn fresh(&self) -> Self {
        let state = State { has_acted: Arc::clone(&self.state.has_acted), ..State::default() };
        Self { state: Arc::new(state), ..self.clone() }
    }

    /// The bytes of a picture for this call.
    pub(super) fn most_bytes(&self) -> u32 {
        MOST_BYTES / self.pictures.max(1)
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

    /// The desktop says that nothing came of what the call did.
    pub(super) fn acted_in_vain(&self) {
        self.state.is_in_vain.store(true, Ordering::Relaxed);
    }

    /// Whether the desktop has said so.
    pub(super) fn is_in_vain(&self) -> bool {
        self.state.is_in_vain.load(Ordering::Relaxed)
    }

    /// The call acts on this element.
    pub(super) fn touch(&self, element: Touched) {
        let Touched { app, window, role, name } = element;
        let [app, window, role, name] = [app, window, role, name].map(|text| kept(&text));
        let element = Touched { app, window, role, name };
        *self.state.element.lock().unwrap_or_else(PoisonError::into_inner) = Some(element);
    }

    /// What the call acts on is a box that can be checked, and this is how it was found.
    pub(super) fn found_checked(&self, checked: bool) {
        *self.state.was_checked.lock().unwrap_or_else(PoisonError::into_inner) = Some(checked);
    }

    pub(super) fn was_checked(&self) -> Option<bool> {
        *self.state.was_checked.lock().unwrap_or_else(PoisonError::into_inner)
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
    pub async fn call_or_ask(&self, name: &str, arguments: Value) -> Result<Output, Box<Deferred>> {
        match self.try_tool(name, arguments).await {
            Err(ToolError::Ask(asked)) => Err(asked),
            Err(error) => Ok(Output::error(super::for_agents(&error))),
            Ok(output) => Ok(output),
        }
    }
}
