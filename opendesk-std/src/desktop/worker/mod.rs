//! The threads on which calls are carried out. Desktop calls block, so none of them runs on an event loop. Input keeps
//! its order on a thread of its own, so that nothing that looks delays it; pictures have threads of their own, so that
//! nothing that asks other programs delays them, such as a walk through the accessibility tree; and what is done with
//! files and programs, which may take minutes, has threads that delay none of these.

mod act;
mod body;
mod errand;
mod look;

use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::sync::{Arc, Weak};
use std::thread;

use async_channel::{Receiver, Sender, WeakSender};

use look::{Offer, Sight};

use super::ocr::Found;
use super::watch::Glimpse;
use super::{Computer, Key, Recorder, Wake, Watch};
use crate::api::{
    Call, ClipboardContents, Codec, CommandEnd, CommandId, Error, Kind, Manifest, Method, OcrClickParams, ProcessStart,
    Result, StartParams, StartedCommand, SystemCapabilities, capability,
};
use crate::cancel::Cancel;
use crate::home::Screen;
use crate::os::Files;
use crate::os::command::Variable;
use crate::os::live::{self, Live};
use crate::os::marked::Mark;

/// Threads that look. Two, so that a large picture leaves room for a small one.
const LOOKERS: usize = 2;

/// Threads that ask other programs, or read text from pixels. Two, so that a slow one leaves room for a quick one.
const READERS: usize = 2;

/// Threads for files and programs. Eight, so that a few programs that run for minutes leave room for a file; a thread
/// that waits costs next to nothing.
const RUNNERS: usize = 8;

/// What a desk with files and programs can do besides its desktop.
const ERRANDS: [&str; 6] = ["fs.read", "fs.write", "process.list", "process.shell", "process.spawn", "process.stream"];

/// Takes the outcome of a call, on a thread of the desk: it must not block.
pub type Reply = Box<dyn FnOnce(Result<Vec<u8>>) + Send>;

struct Job {
    call: Call,
    codec: Codec,
    cancel: Cancel,
    reply: Reply,
}

impl Job {
    /// Works on the call and reports. A cancelled call does nothing.
    fn finish(self, work: impl FnOnce(&Call, Codec, &Cancel) -> Result<Vec<u8>>) {
        let Self { call, codec, cancel, reply } = self;
        reply(guarded(&cancel, || work(&call, codec, &cancel)));
    }
}

/// Takes a watch back with what it has seen, on a thread of the desk: it must not block.
pub type Seen = Box<dyn FnOnce(Watch, Result<Glimpse>) + Send>;

enum Look {
    Once(Job),
    Watching { watch: Watch, codec: Codec, number: u64, cancel: Cancel, wake: Wake, reply: Seen },
}

/// A text that was looked for and found: the hands do the rest.
struct Located {
    job: Job,
    params: OcrClickParams,
    found: Found,
}

enum Turn {
    Act(Box<Job>),
    ClickText(Box<Located>),
    Release(Box<dyn FnOnce(Result<Freed>) + Send>),
    Leave(Box<dyn FnOnce(Result<Option<ClipboardContents>>) + Send>),
    Hold(Vec<Key>),
}

/// What was held down when everything was released.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Freed {
    /// The keys that only change what others do, in the order of pressing: they can be held again.
    pub modifiers: Vec<Key>,
    /// Whether there was anything else: pressed anew, a button or a letter would act once more.
    pub others: bool,
}

/// A desktop and the threads that use it. Clones share them; with the last one the threads end, after everything
/// that was held has been released.
#[derive(Clone)]
pub struct Desk {
    offer: Offer,
    /// `system.capabilities`: whatever it asks other programs delays nothing else.
    probe: Sender<Look>,
    /// The backend's short name.
    backend: &'static str,
    act: Sender<Turn>,
    look: Sender<Look>,
    read: Sender<Look>,
    /// Absent where files and programs are not offered.
    run: Option<Sender<Job>>,
    /// How the environment of the desktop's session differs from ours, for commands.
    session: Arc<[Variable]>,
    /// By which commands are known, and what they leave running.
    mark: Option<Mark>,
    /// The threads have it, which end with the desk.
    computer: Weak<dyn Computer>,
}

impl core::fmt::Debug for Desk {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Desk").field("manifest", &self.manifest()).finish_non_exhaustive()
    }
}

impl Desk {
    /// Starts the threads. Without `files` neither files nor programs of this machine are offered: their calls are
    /// refused as unsupported, and the manifest does not name them. With a `screen`, nothing acts while the owner is asked by
    /// any program of its home.
    ///
    /// # Errors
    /// `internal` when the system gives no thread, or the home no lock.
    pub fn start(computer: Arc<dyn Computer>, files: Option<Files>, screen: Option<&Screen>) -> Result<Self> {
        let offered = if files.is_some() { &ERRANDS[..] } else { &[] };
        let backend = computer.name();
        let sight = Arc::new(Sight::new(Arc::clone(&computer), offered));
        let offer = sight.offer();
        // Whoever submits counts what has not been reported yet, so no bound is needed here.
        let (act, turns) = async_channel::unbounded();
        let weak = Arc::downgrade(&computer);
        let (look, looks) = async_channel::unbounded();
        let hands = Arc::clone(&computer);
        let actor = screen.map(Screen::actor).transpose().map_err(|error| Error::internal(error.to_string()))?;
        start("opendesk-hands", move || body::act_all(&*hands, &turns, actor))?;
        for _ in 0..LOOKERS {
            let (sight, looks, act) = (Arc::clone(&sight), looks.clone(), act.downgrade());
            start("opendesk-eyes", move || look_all(&sight, &looks, &act))?;
        }
        let (probe, looks) = async_channel::unbounded();
        let (prober, waiting) = (Arc::clone(&sight), act.downgrade());
        start("opendesk-offer", move || look_all(&prober, &looks, &waiting))?;
        let (read, looks) = async_channel::unbounded();
        for _ in 0..READERS {
            let (sight, looks, act) = (Arc::clone(&sight), looks.clone(), act.downgrade());
            start("opendesk-reader", move || look_all(&sight, &looks, &act))?;
        }
        let mut session = files.as_ref().map(|_| computer.session_variables()).unwrap_or_default();
        let mark = files.as_ref().map(|_| Mark::new()).transpose().map_err(Error::internal)?;
        session.extend(mark.as_ref().map(Mark::variable));
        let run = files.as_ref().map(|files| runners(files, &session)).transpose()?;
        Ok(Self { offer, probe, backend, act, look, read, run, session: session.into(), mark, computer: weak })
    }

    /// What the desktop was found to do when it was last looked for.
    #[must_use]
    pub fn manifest(&self) -> Manifest {
        self.offer.get()
    }

    /// The backend's short name.
    #[must_use]
    pub const fn backend(&self) -> &'static str {
        self.backend
    }

    /// The outcome of a call that needs no thread: what the desktop was found to do a moment ago, and the refusal of what is
    /// not offered.
    #[must_use]
    pub fn answer(&self, call: &Call, codec: Codec) -> Option<Result<Vec<u8>>> {
        if matches!(call, Call::SystemCapabilities(())) {
            return self.offer.fresh().map(|manifest| codec.result::<SystemCapabilities>(&manifest));
        }
        let capability = errand(call).filter(|_| self.run.is_none())?;
        Some(Err(Error::unsupported(capability, self.backend)))
    }

    /// Carries a call out on the thread it belongs to and gives its result, encoded by `codec`, to `reply`, exactly
    /// once.
    pub fn submit(&self, call: Call, codec: Codec, cancel: Cancel, reply: Reply) {
        if let Some(answer) = self.answer(&call, codec) {
            return reply(answer);
        }
        let (kind, is_slow) = (call.kind(), look::is_slow(&call));
        if matches!(call, Call::ProcessShell(_) | Call::ProcessExec(_))
            && let Some(mark) = &self.mark
        {
            mark.is_given();
        }
        let run = self.run.as_ref().filter(|_| errand(&call).is_some());
        let job = Job { call, codec, cancel, reply };
        let refused = match (run, kind) {
            (Some(run), _) => run.try_send(job).is_err(),
            (None, _) if matches!(job.call, Call::SystemCapabilities(())) => {
                self.probe.try_send(Look::Once(job)).is_err()
            }
            (None, _) if is_slow => self.read.try_send(Look::Once(job)).is_err(),
            (None, Kind::Action) => self.act.try_send(Turn::Act(Box::new(job))).is_err(),
            (None, Kind::Observation | Kind::Stream) => self.look.try_send(Look::Once(job)).is_err(),
        };
        debug_assert!(!refused, "the threads live as long as the desk");
    }

    /// Whether a call is about files or programs, and carried out apart from the desktop.
    #[must_use]
    pub fn is_errand(&self, call: &Call) -> bool {
        errand(call).is_some()
    }

    /// Starts a command that is read while it runs, on a thread of its own; see [`Live::start`]. `begun` gets the encoded
    /// result of `process.start`, exactly once.
    pub(crate) fn start_command(
        &self,
        id: CommandId,
        params: StartParams,
        (codec, cancel): (Codec, Cancel),
        begun: Reply,
        gone: live::Reply<Option<CommandEnd>>,
    ) -> Result<Live> {
        let begun = move |started: Result<()>| {
            begun(started.and_then(|()| codec.result::<ProcessStart>(&StartedCommand { id })));
        };
        if let Some(mark) = &self.mark {
            mark.is_given();
        }
        Live::start(params, &self.session, cancel, Box::new(begun), gone)
    }

    /// Has a watch look once, and gives it back to `reply`, exactly once. What it sees is encoded as the item of this
    /// number: how many items of the stream there were before.
    ///
    /// `wake` is called, once at most and from any thread, if it fell [`Asleep`](Glimpse::Asleep) and there may be
    /// something new.
    pub fn watch(&self, watch: Watch, codec: Codec, number: u64, cancel: Cancel, wake: Wake, reply: Seen) {
        let refused = self.look.try_send(Look::Watching { watch, codec, number, cancel, wake, reply }).is_err();
        debug_assert!(!refused, "the threads live as long as the desk");
    }

    /// Releases everything that is held, after the input that is under way, and gives what that was.
    pub fn release(&self, reply: impl FnOnce(Result<Freed>) + Send + 'static) {
        let refused = self.act.try_send(Turn::Release(Box::new(reply))).is_err();
        debug_assert!(!refused, "the threads live as long as the desk");
    }

    /// Releases everything that is held, and gives back what the desktop was lent; see [`Computer::leave`]. Whoever calls this
    /// uses the desktop no more.
    pub fn leave(&self, reply: impl FnOnce(Result<Option<ClipboardContents>>) + Send + 'static) {
        let refused = self.act.try_send(Turn::Leave(Box::new(reply))).is_err();
        debug_assert!(!refused, "the threads live as long as the desk");
    }

    /// As [`release`](Self::release), and kills what commands have left running: for a stop of the owner's.
    pub(crate) fn release_all(&self, reply: impl FnOnce(Result<Freed>) + Send + 'static) {
        let mark = self.mark.clone();
        self.release(move |freed| {
            if let Some(mark) = mark {
                mark.kill();
            }
            reply(freed);
        });
    }

    /// By what it is told what the person at this machine does; see [`Computer::recorder`].
    pub(crate) fn recorder(&self) -> Result<Recorder> {
        self.computer.upgrade().ok_or_else(Error::cancelled)?.recorder()
    }

    /// Shows the person at this machine a notification, where that can be. May block for as long as the desktop takes.
    pub(crate) fn tell_person(&self, title: &str, text: &str) {
        let shown = self.computer.upgrade().map(|computer| computer.show_notification(title, text));
        if let Some(Err(error)) = shown {
            tracing::debug!(%error, "a notification was not shown");
        }
    }

    /// Holds keys down again that were released, before whatever is submitted after this.
    pub fn hold(&self, modifiers: Vec<Key>) {
        let refused = self.act.try_send(Turn::Hold(modifiers)).is_err();
        debug_assert!(!refused, "the threads live as long as the desk");
    }
}

/// The capability that a call about files or programs needs; nothing for a call that is about the desktop.
fn errand(call: &Call) -> Option<&'static str> {
    Some(capability(call.method())).filter(|capability| ERRANDS.contains(capability))
}

fn start(name: &str, work: impl FnOnce() + Send + 'static) -> Result<()> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map(|_detached| ())
        .map_err(|error| Error::internal(format!("no thread for the desktop could be started: {error}")))
}

/// Starts the threads for files and programs. They end with the sender and its clones.
#[cfg_attr(not(unix), expect(unreachable_code, unused_variables, reason = "there are no files for calls there"))]
fn runners(files: &Files, session: &[Variable]) -> Result<Sender<Job>> {
    let (run, jobs) = async_channel::unbounded::<Job>();
    for _ in 0..RUNNERS {
        let (files, jobs, session) = (files.clone(), jobs.clone(), session.to_vec());
        let work = move || {
            while let Ok(job) = jobs.recv_blocking() {
                job.finish(|call, codec, cancel| errand::run(&files, &session, call, codec, cancel));
            }
        };
        start("opendesk-errand", work)?;
    }
    Ok(run)
}

fn look_all(sight: &Sight, looks: &Receiver<Look>, act: &WeakSender<Turn>) {
    while let Ok(look_at) = looks.recv_blocking() {
        match look_at {
            Look::Once(job) => match &job.call {
                Call::OcrClick(params) => {
                    let params = params.clone();
                    match guarded(&job.cancel, || sight.find(&params, &job.cancel)) {
                        Ok(found) => hand_over(act, Located { job, params, found }),
                        Err(error) => (job.reply)(Err(error)),
                    }
                }
                _ => job.finish(|call, codec, cancel| sight.look(call, codec, cancel)),
            },
            Look::Watching { mut watch, codec, number, cancel, wake, reply } => {
                let seen = guarded(&cancel, || watch.look(sight.computer(), codec, number, wake));
                reply(watch, seen);
            }
        }
    }
}

/// Looking for a text takes a second, in which the hands do what else they are asked to; then it is their turn.
fn hand_over(act: &WeakSender<Turn>, located: Located) {
    let Some(act) = act.upgrade() else { return (located.job.reply)(Err(Error::cancelled())) };
    let refused = act.try_send(Turn::ClickText(Box::new(located))).is_err();
    debug_assert!(!refused, "the hands live as long as their sender");
}

/// A cancelled call does nothing, and a fault of ours or of a backend ends its call, not its thread.
fn guarded<T>(cancel: &Cancel, work: impl FnOnce() -> Result<T>) -> Result<T> {
    cancel.check()?;
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(Error::internal("the host failed while it did this; its log says where")))
}

/// The encoded result of a method.
fn told<M: Method>(codec: Codec, outcome: Result<M::Output>) -> Result<Vec<u8>> {
    codec.result::<M>(&outcome?)
}

fn misplaced(call: &Call) -> Error {
    Error::internal(format!("{} was sent to the wrong thread", call.method()))
}

#[cfg(test)]
mod tests;
