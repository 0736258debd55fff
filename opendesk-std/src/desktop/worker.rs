//! The threads on which a desktop is used. Desktop calls block, so none of them runs on an event loop; input keeps
//! its order on a thread of its own, so that neither a picture nor a walk through the accessibility tree delays it.

use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::sync::Arc;
use std::thread;

use async_channel::{Receiver, Sender};

use super::{CaptureArea, Computer, Hands, Watch};
use crate::api::{Call, Environment, Error, Kind, Manifest, Result, UiTree, encode};
use crate::cancel::Cancel;
use crate::{clock, picture};

/// Threads that look. Two, so that a slow look leaves room for a quick one.
const LOOKERS: usize = 2;

/// Takes the outcome of a call, on a thread of the desk: it must not block.
pub type Reply = Box<dyn FnOnce(Result<Vec<u8>>) + Send>;

struct Job {
    call: Call,
    cancel: Cancel,
    reply: Reply,
}

/// Takes a watch back with what it has seen, on a thread of the desk: it must not block.
pub type Seen = Box<dyn FnOnce(Watch, Result<Option<Vec<u8>>>) + Send>;

enum Look {
    Once(Job),
    Watching { watch: Watch, cancel: Cancel, reply: Seen },
}

enum Turn {
    Act(Job),
    Release(Box<dyn FnOnce(Result<()>) + Send>),
}

/// A desktop and the threads that use it. Clones share them; with the last one the threads end, after everything
/// that was held has been released.
#[derive(Clone)]
pub struct Desk {
    manifest: Manifest,
    act: Sender<Turn>,
    look: Sender<Look>,
}

impl core::fmt::Debug for Desk {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Desk").field("manifest", &self.manifest).finish_non_exhaustive()
    }
}

impl Desk {
    /// Starts the threads.
    ///
    /// # Errors
    /// `internal` when the system gives no thread.
    pub fn start(computer: Arc<dyn Computer>) -> Result<Self> {
        let mut capabilities: Vec<String> = computer.capabilities().into_iter().map(str::to_owned).collect();
        capabilities.sort_unstable();
        let manifest = Manifest { capabilities, backend: format!("local/{}", computer.name()) };
        // Whoever submits counts what has not been reported yet, so no bound is needed here.
        let (act, turns) = async_channel::unbounded();
        let (look, looks) = async_channel::unbounded();
        let hands = Arc::clone(&computer);
        start("opendesk-hands", move || act_all(&*hands, &turns))?;
        for _ in 0..LOOKERS {
            let (computer, looks) = (Arc::clone(&computer), looks.clone());
            start("opendesk-eyes", move || look_all(&*computer, &looks))?;
        }
        Ok(Self { manifest, act, look })
    }

    /// What the desktop was probed to do.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The encoded result of a call that needs no desktop.
    #[must_use]
    pub fn answer(&self, call: &Call) -> Option<Result<Vec<u8>>> {
        matches!(call, Call::SystemCapabilities(())).then(|| encode(&self.manifest))
    }

    /// Carries a call out on the thread it belongs to and gives its encoded result to `reply`, exactly once.
    pub fn submit(&self, call: Call, cancel: Cancel, reply: Reply) {
        if let Some(answer) = self.answer(&call) {
            return reply(answer);
        }
        let refused = match call.kind() {
            Kind::Action => self.act.try_send(Turn::Act(Job { call, cancel, reply })).is_err(),
            Kind::Observation | Kind::Stream => self.look.try_send(Look::Once(Job { call, cancel, reply })).is_err(),
        };
        debug_assert!(!refused, "the threads live as long as the desk");
    }

    /// Has a watch look once, and gives it back to `reply`, exactly once.
    pub fn watch(&self, watch: Watch, cancel: Cancel, reply: Seen) {
        let refused = self.look.try_send(Look::Watching { watch, cancel, reply }).is_err();
        debug_assert!(!refused, "the threads live as long as the desk");
    }

    /// Releases everything that is held, after the input that is under way.
    pub fn release(&self, reply: impl FnOnce(Result<()>) + Send + 'static) {
        let refused = self.act.try_send(Turn::Release(Box::new(reply))).is_err();
        debug_assert!(!refused, "the threads live as long as the desk");
    }
}

fn start(name: &str, work: impl FnOnce() + Send + 'static) -> Result<()> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map(|_detached| ())
        .map_err(|error| Error::internal(format!("no thread for the desktop could be started: {error}")))
}

fn act_all(computer: &dyn Computer, turns: &Receiver<Turn>) {
    let mut hands = Hands::new();
    while let Ok(turn) = turns.recv_blocking() {
        match turn {
            Turn::Act(Job { call, cancel, reply }) => {
                reply(guarded(&cancel, || act(&mut hands, computer, &call, &cancel)));
            }
            Turn::Release(reply) => reply(release(&mut hands, computer)),
        }
    }
    if let Err(error) = release(&mut hands, computer) {
        tracing::warn!(%error, "what was held could not be released");
    }
}

/// Releases everything, trying again once: the first failure of a desktop that went away is how that is noticed.
fn release(hands: &mut Hands, computer: &dyn Computer) -> Result<()> {
    let attempt = |hands: &mut Hands| {
        catch_unwind(AssertUnwindSafe(|| hands.release_all(computer)))
            .unwrap_or_else(|_| Err(Error::internal("the desktop backend failed while it released what was held")))
    };
    attempt(hands).or_else(|_| attempt(hands))
}

fn look_all(computer: &dyn Computer, looks: &Receiver<Look>) {
    while let Ok(look_at) = looks.recv_blocking() {
        match look_at {
            Look::Once(Job { call, cancel, reply }) => reply(guarded(&cancel, || look(computer, &call))),
            Look::Watching { mut watch, cancel, reply } => {
                let seen = guarded(&cancel, || watch.look(computer));
                reply(watch, seen);
            }
        }
    }
}

/// A cancelled call does nothing, and a fault in a backend ends its call, not its thread.
fn guarded<T>(cancel: &Cancel, work: impl FnOnce() -> Result<T>) -> Result<T> {
    cancel.check()?;
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(Error::internal("the desktop backend failed; the host's log says where")))
}

fn act(hands: &mut Hands, computer: &dyn Computer, call: &Call, cancel: &Cancel) -> Result<Vec<u8>> {
    match call {
        Call::InputPointer(event) => hands.pointer(computer, event)?,
        Call::InputKey(event) => hands.key(computer, event)?,
        Call::InputText(input) => hands.text(computer, input, cancel)?,
        Call::ClipboardWrite(contents) => computer.clipboard_write(contents)?,
        other => return look(computer, other),
    }
    encode(&())
}

fn look(computer: &dyn Computer, call: &Call) -> Result<Vec<u8>> {
    match call {
        Call::SystemEnvironment(()) => encode(&environment(computer)?),
        Call::DisplayDisplays(()) => encode(&computer.displays()?),
        Call::DisplayCapture(params) => {
            let area = CaptureArea::from(params);
            let captured_at = clock::epoch_seconds();
            let frame = computer.capture(&area)?;
            encode(&picture::render(frame, params.profile, params.format, area.display_id, captured_at)?)
        }
        Call::DisplayCursorPosition(()) => encode(&computer.cursor_position()?),
        Call::UiTreeRead(params) => encode(&UiTree::from(computer.ui_tree(params)?)),
        Call::ClipboardRead(()) => encode(&computer.clipboard_read()?),
        Call::SystemCapabilities(())
        | Call::InputPointer(_)
        | Call::InputKey(_)
        | Call::InputText(_)
        | Call::DisplaySubscribe(_)
        | Call::ClipboardWrite(_) => Err(Error::internal(format!("{} was sent to the wrong thread", call.method()))),
    }
}

fn environment(computer: &dyn Computer) -> Result<Environment> {
    let mut environment = crate::machine::environment();
    environment.displays = computer.displays()?;
    Ok(environment)
}
