//! The threads on which calls are carried out. Desktop calls block, so none of them runs on an event loop; input keeps
//! its order on a thread of its own, so that neither a picture nor a walk through the accessibility tree delays it, and
//! what is done with files and programs, which may take minutes, has threads that delay neither.

use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::sync::Arc;
use std::thread;

use async_channel::{Receiver, Sender};

use super::{CaptureArea, Computer, Hands, Watch};
use crate::api::{
    AppsClose, AppsFocus, AppsList, AppsOpen, Call, CaptureParams, ClipboardRead, ClipboardWrite, Codec,
    DisplayCapture, DisplayCursorPosition, DisplayDisplays, Environment, Error, FsDelete, FsList, FsMkdir, FsMove,
    FsRead, FsStat, FsWrite, InputKey, InputPointer, InputText, Kind, Manifest, Method, NotificationsList, Picture,
    PowerLock, ProcessExec, ProcessList, ProcessShell, Result, SystemCapabilities, SystemEnvironment, UiAction, UiTree,
    UiTreeRead, WindowsClose, WindowsFocus, WindowsFocused, WindowsList, WindowsMove, capability,
};
use crate::cancel::Cancel;
use crate::os::{Files, command, processes};
use crate::{clock, picture};

/// Threads that look. Two, so that a slow look leaves room for a quick one.
const LOOKERS: usize = 2;

/// Threads for files and programs. Eight, so that a few programs that run for minutes leave room for a file; a thread
/// that waits costs next to nothing.
const RUNNERS: usize = 8;

/// What a desk with files and programs can do besides its desktop.
const ERRANDS: [&str; 5] = ["fs.read", "fs.write", "process.list", "process.shell", "process.spawn"];

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
pub type Seen = Box<dyn FnOnce(Watch, Result<Option<Vec<u8>>>) + Send>;

enum Look {
    Once(Job),
    Watching { watch: Watch, codec: Codec, number: u64, cancel: Cancel, reply: Seen },
}

enum Turn {
    Act(Box<Job>),
    Release(Box<dyn FnOnce(Result<()>) + Send>),
}

/// A desktop and the threads that use it. Clones share them; with the last one the threads end, after everything
/// that was held has been released.
#[derive(Clone)]
pub struct Desk {
    manifest: Manifest,
    /// The backend's short name.
    backend: &'static str,
    act: Sender<Turn>,
    look: Sender<Look>,
    /// Absent where files and programs are not offered.
    run: Option<Sender<Job>>,
}

impl core::fmt::Debug for Desk {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Desk").field("manifest", &self.manifest).finish_non_exhaustive()
    }
}

impl Desk {
    /// Starts the threads. Without `files` neither files nor programs of this machine are offered: their calls are
    /// refused as unsupported, and the manifest does not name them.
    ///
    /// # Errors
    /// `internal` when the system gives no thread.
    pub fn start(computer: Arc<dyn Computer>, files: Option<Files>) -> Result<Self> {
        let offered = if files.is_some() { &ERRANDS[..] } else { &[] };
        let mut names = computer.capabilities();
        // Whoever can take one picture is asked for many by the host's streams.
        if names.contains(&"display.capture") {
            names.push("display.stream");
        }
        let mut capabilities: Vec<String> =
            names.into_iter().chain(offered.iter().copied()).map(str::to_owned).collect();
        capabilities.sort_unstable();
        capabilities.dedup();
        let backend = computer.name();
        let manifest = Manifest { capabilities, backend: format!("local/{backend}") };
        // Whoever submits counts what has not been reported yet, so no bound is needed here.
        let (act, turns) = async_channel::unbounded();
        let (look, looks) = async_channel::unbounded();
        let hands = Arc::clone(&computer);
        start("opendesk-hands", move || act_all(&*hands, &turns))?;
        for _ in 0..LOOKERS {
            let (computer, looks) = (Arc::clone(&computer), looks.clone());
            start("opendesk-eyes", move || look_all(&*computer, &looks))?;
        }
        let run = files.as_ref().map(runners).transpose()?;
        Ok(Self { manifest, backend, act, look, run })
    }

    /// What the desktop was probed to do.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The outcome of a call that needs no thread: what the host can do, and the refusal of what it does not offer.
    #[must_use]
    pub fn answer(&self, call: &Call, codec: Codec) -> Option<Result<Vec<u8>>> {
        if matches!(call, Call::SystemCapabilities(())) {
            return Some(codec.result::<SystemCapabilities>(&self.manifest));
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
        let (kind, is_errand) = (call.kind(), errand(&call).is_some());
        let job = Job { call, codec, cancel, reply };
        let refused = match (kind, &self.run) {
            (_, Some(run)) if is_errand => run.try_send(job).is_err(),
            (Kind::Action, _) => self.act.try_send(Turn::Act(Box::new(job))).is_err(),
            (Kind::Observation | Kind::Stream, _) => self.look.try_send(Look::Once(job)).is_err(),
        };
        debug_assert!(!refused, "the threads live as long as the desk");
    }

    /// Has a watch look once, and gives it back to `reply`, exactly once. What it sees is encoded as the item of this
    /// number: how many items of the stream there were before.
    pub fn watch(&self, watch: Watch, codec: Codec, number: u64, cancel: Cancel, reply: Seen) {
        let refused = self.look.try_send(Look::Watching { watch, codec, number, cancel, reply }).is_err();
        debug_assert!(!refused, "the threads live as long as the desk");
    }

    /// Releases everything that is held, after the input that is under way.
    pub fn release(&self, reply: impl FnOnce(Result<()>) + Send + 'static) {
        let refused = self.act.try_send(Turn::Release(Box::new(reply))).is_err();
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
fn runners(files: &Files) -> Result<Sender<Job>> {
    let (run, jobs) = async_channel::unbounded::<Job>();
    for _ in 0..RUNNERS {
        let (files, jobs) = (files.clone(), jobs.clone());
        let work = move || {
            while let Ok(job) = jobs.recv_blocking() {
                job.finish(|call, codec, cancel| run_errand(&files, call, codec, cancel));
            }
        };
        start("opendesk-errand", work)?;
    }
    Ok(run)
}

fn act_all(computer: &dyn Computer, turns: &Receiver<Turn>) {
    let mut hands = Hands::new();
    while let Ok(turn) = turns.recv_blocking() {
        match turn {
            Turn::Act(job) => job.finish(|call, codec, cancel| act(&mut hands, computer, call, codec, cancel)),
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
            Look::Once(job) => job.finish(|call, codec, _| look(computer, call, codec)),
            Look::Watching { mut watch, codec, number, cancel, reply } => {
                let seen = guarded(&cancel, || watch.look(computer, codec, number));
                reply(watch, seen);
            }
        }
    }
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

fn act(hands: &mut Hands, computer: &dyn Computer, call: &Call, codec: Codec, cancel: &Cancel) -> Result<Vec<u8>> {
    match call {
        Call::InputPointer(event) => told::<InputPointer>(codec, hands.pointer(computer, event)),
        Call::InputKey(event) => told::<InputKey>(codec, hands.key(computer, event)),
        Call::InputText(input) => told::<InputText>(codec, hands.text(computer, input, cancel)),
        Call::WindowsFocus(params) => told::<WindowsFocus>(codec, computer.focus_window(&params.window_id)),
        Call::WindowsMove(params) => told::<WindowsMove>(codec, computer.move_window(&params.window_id, params.bounds)),
        Call::WindowsClose(params) => told::<WindowsClose>(codec, computer.close_window(&params.window_id)),
        Call::AppsOpen(params) => told::<AppsOpen>(codec, computer.open_app(&params.name)),
        Call::AppsClose(params) => told::<AppsClose>(codec, computer.close_app(&params.name)),
        Call::AppsFocus(params) => told::<AppsFocus>(codec, computer.focus_app(&params.name)),
        Call::UiAction(params) => told::<UiAction>(codec, computer.ui_action(params)),
        Call::ClipboardWrite(contents) => told::<ClipboardWrite>(codec, computer.clipboard_write(contents)),
        Call::PowerLock(()) => told::<PowerLock>(codec, computer.lock()),
        other => Err(misplaced(other)),
    }
}

fn look(computer: &dyn Computer, call: &Call, codec: Codec) -> Result<Vec<u8>> {
    match call {
        Call::SystemEnvironment(()) => told::<SystemEnvironment>(codec, environment(computer)),
        Call::DisplayDisplays(()) => told::<DisplayDisplays>(codec, computer.displays()),
        Call::DisplayCapture(params) => told::<DisplayCapture>(codec, capture(computer, params)),
        Call::DisplayCursorPosition(()) => told::<DisplayCursorPosition>(codec, computer.cursor_position()),
        Call::WindowsList(()) => told::<WindowsList>(codec, computer.windows()),
        Call::WindowsFocused(()) => {
            let focused = computer.windows().map(|windows| windows.into_iter().find(|window| window.focused));
            told::<WindowsFocused>(codec, focused)
        }
        Call::AppsList(()) => told::<AppsList>(codec, computer.apps()),
        Call::UiTreeRead(params) => told::<UiTreeRead>(codec, computer.ui_tree(params).map(UiTree::from)),
        Call::ClipboardRead(()) => told::<ClipboardRead>(codec, computer.clipboard_read()),
        Call::NotificationsList(()) => told::<NotificationsList>(codec, computer.notifications()),
        Call::InputSubscribe(()) => Err(Error::unsupported("input.subscribe", computer.name())),
        // Every one by name, so that the compiler asks where a new method belongs.
        Call::SystemCapabilities(())
        | Call::DisplaySubscribe(_)
        | Call::InputPointer(_)
        | Call::InputKey(_)
        | Call::InputText(_)
        | Call::WindowsFocus(_)
        | Call::WindowsMove(_)
        | Call::WindowsClose(_)
        | Call::AppsOpen(_)
        | Call::AppsClose(_)
        | Call::AppsFocus(_)
        | Call::UiAction(_)
        | Call::ClipboardWrite(_)
        | Call::PowerLock(())
        | Call::FsRead(_)
        | Call::FsWrite(_)
        | Call::FsList(_)
        | Call::FsStat(_)
        | Call::FsDelete(_)
        | Call::FsMove(_)
        | Call::FsMkdir(_)
        | Call::ProcessList(())
        | Call::ProcessShell(_)
        | Call::ProcessExec(_) => Err(misplaced(call)),
    }
}

fn run_errand(files: &Files, call: &Call, codec: Codec, cancel: &Cancel) -> Result<Vec<u8>> {
    match call {
        Call::FsRead(params) => told::<FsRead>(codec, files.read(params)),
        Call::FsWrite(params) => told::<FsWrite>(codec, files.write(params)),
        Call::FsList(params) => told::<FsList>(codec, files.list(params)),
        Call::FsStat(params) => told::<FsStat>(codec, files.stat(params)),
        Call::FsDelete(params) => told::<FsDelete>(codec, files.delete(params, cancel)),
        Call::FsMove(params) => told::<FsMove>(codec, files.rename(params, cancel)),
        Call::FsMkdir(params) => told::<FsMkdir>(codec, files.mkdir(params)),
        Call::ProcessList(()) => told::<ProcessList>(codec, processes::list()),
        Call::ProcessShell(params) => told::<ProcessShell>(codec, command::run_shell(params, cancel)),
        Call::ProcessExec(params) => told::<ProcessExec>(codec, command::run_exec(params, cancel)),
        other => Err(misplaced(other)),
    }
}

fn misplaced(call: &Call) -> Error {
    Error::internal(format!("{} was sent to the wrong thread", call.method()))
}

fn capture(computer: &dyn Computer, params: &CaptureParams) -> Result<Picture> {
    let area = CaptureArea::from(params);
    let captured_at = clock::epoch_seconds();
    let frame = computer.capture(&area)?;
    picture::render(frame, params.profile, params.format, area.display_id, captured_at)
}

fn environment(computer: &dyn Computer) -> Result<Environment> {
    let mut environment = crate::machine::environment();
    environment.displays = computer.displays()?;
    Ok(environment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{
        AppParams, CompletedCommand, DirectoryParams, ElementTarget, ErrorCode, ExecParams, FileData, FileMoveParams,
        FileParams, FileReadParams, FileWriteParams, Point, PointerAction, PointerEvent, ShellParams, TextInput,
        UiActionParams, Window, WindowParams, decode,
    };
    use crate::desktop::r#virtual::VirtualDesktop;

    const CODEC: Codec = Codec::Postcard;

    fn desk(files: Option<Files>) -> (Arc<VirtualDesktop>, Desk) {
        let desktop = Arc::new(VirtualDesktop::default());
        let computer: Arc<dyn Computer> = desktop.clone();
        (desktop, Desk::start(computer, files).unwrap())
    }

    /// Submits a call; its outcome arrives in what this gives.
    fn submit(desk: &Desk, call: Call, cancel: &Cancel) -> Receiver<Result<Vec<u8>>> {
        let (reply, outcome) = async_channel::bounded(1);
        desk.submit(call, CODEC, cancel.clone(), Box::new(move |result| drop(reply.try_send(result))));
        outcome
    }

    fn done(desk: &Desk, call: Call) -> Result<Vec<u8>> {
        submit(desk, call, &Cancel::new()).recv_blocking().unwrap()
    }

    fn shell(command: &str) -> Call {
        Call::ProcessShell(ShellParams { command: command.to_owned(), ..ShellParams::default() })
    }

    fn app(name: &str) -> AppParams {
        AppParams { name: name.to_owned() }
    }

    #[cfg(unix)]
    #[test]
    fn slow_commands_delay_neither_input_nor_pictures_and_the_ninth_waits() {
        let home = tempfile::tempdir().unwrap();
        let (desktop, desk) = desk(Some(Files::new(home.path().to_owned())));
        let cancels: Vec<Cancel> = (0..RUNNERS).map(|_| Cancel::new()).collect();
        let slow: Vec<_> = cancels.iter().map(|cancel| submit(&desk, shell("sleep 600"), cancel)).collect();
        let ninth = submit(&desk, shell("echo ninth"), &Cancel::new());

        let to = Point::new(30.0, 40.0);
        let event =
            PointerEvent { action: PointerAction::Move, point: to, button: None, modifiers: vec![], dx: 0.0, dy: 0.0 };
        done(&desk, Call::InputPointer(event)).unwrap();
        assert_eq!(desktop.cursor_position().unwrap(), to);
        done(&desk, Call::DisplayCapture(CaptureParams::default())).unwrap();
        assert!(slow.iter().chain([&ninth]).all(Receiver::is_empty));

        cancels[0].cancel();
        let ended: CompletedCommand = decode(&ninth.recv_blocking().unwrap().unwrap()).unwrap();
        assert_eq!((ended.returncode, ended.stdout), (0, b"ninth\n".to_vec()));
        assert!(slow[1..].iter().all(Receiver::is_empty));
        cancels.iter().for_each(Cancel::cancel);
        for outcome in slow {
            assert_eq!(outcome.recv_blocking().unwrap().unwrap_err().code, ErrorCode::Cancelled);
        }
    }

    #[test]
    fn files_are_reached_through_the_desk() {
        let (home, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (_, desk) = desk(Some(Files::new(home.path().to_owned())));
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let write = FileWriteParams { path: path("notes"), data: b"kept".to_vec(), offset: None };
        done(&desk, Call::FsWrite(write)).unwrap();
        done(&desk, Call::FsMove(FileMoveParams { src: path("notes"), dst: path("moved") })).unwrap();
        let read = FileReadParams { path: path("moved"), offset: 1, length: None };
        let data: FileData = decode(&done(&desk, Call::FsRead(read)).unwrap()).unwrap();
        assert_eq!(data, FileData { data: b"ept".to_vec(), size: 4 });
        let gone = done(&desk, Call::FsStat(FileParams { path: path("notes") })).unwrap_err();
        assert_eq!(gone.code, ErrorCode::NotFound);
    }

    #[test]
    fn without_files_neither_they_nor_programs_are_offered() {
        let (home, file) = (tempfile::tempdir().unwrap(), || FileParams { path: "/".to_owned() });
        let ((_, without), (_, with)) = (desk(None), desk(Some(Files::new(home.path().to_owned()))));
        let missing: Vec<_> = with
            .manifest()
            .capabilities
            .iter()
            .filter(|name| !without.manifest().capabilities.contains(name))
            .collect();
        assert_eq!(missing, ERRANDS.iter().collect::<Vec<_>>());
        assert!(with.manifest().capabilities.is_sorted());
        for (call, capability) in [
            (Call::FsList(file()), "fs.read"),
            (Call::FsDelete(file()), "fs.write"),
            (Call::FsMkdir(DirectoryParams { path: "/".to_owned(), parents: true }), "fs.write"),
            (Call::ProcessList(()), "process.list"),
            (shell("true"), "process.shell"),
            (Call::ProcessExec(ExecParams::default()), "process.spawn"),
        ] {
            let refusal = without.answer(&call, CODEC).unwrap().unwrap_err();
            assert_eq!(refusal.code, ErrorCode::CapabilityUnsupported);
            assert!(refusal.message.starts_with(capability), "{refusal}");
            assert_eq!(done(&without, call.clone()), Err(refusal));
            assert_eq!(with.answer(&call, CODEC), None);
        }
    }

    #[test]
    fn actions_keep_their_order_with_input() {
        let (desktop, desk) = desk(None);
        let target = ElementTarget {
            role: "text".to_owned(),
            name: "Note".to_owned(),
            value: Some("b".to_owned()),
            ..ElementTarget::default()
        };
        let action = UiActionParams { target, action: "type".to_owned(), app: None };
        let text = |text: &str| Call::InputText(TextInput { text: text.to_owned(), interval_ms: 0 });
        let outcomes = [
            Call::AppsClose(app("Notes")),
            Call::AppsOpen(app("Notes")),
            text("a"),
            Call::UiAction(action),
            text("c"),
            Call::AppsFocus(app("Controls")),
            text("lost on a button"),
            Call::WindowsFocus(WindowParams { window_id: "virtual-1".to_owned() }),
            text("d"),
        ]
        .map(|call| submit(&desk, call, &Cancel::new()));
        for outcome in outcomes {
            outcome.recv_blocking().unwrap().unwrap();
        }
        assert_eq!(desktop.editor_text(), "abcd");
        let front: Option<Window> = decode(&done(&desk, Call::WindowsFocused(())).unwrap()).unwrap();
        assert_eq!(front.unwrap().id, "virtual-1");
    }

    #[test]
    fn what_no_desktop_has_is_unsupported() {
        let (_, desk) = desk(None);
        for call in [Call::InputSubscribe(()), Call::PowerLock(()), Call::NotificationsList(())] {
            assert_eq!(done(&desk, call).unwrap_err().code, ErrorCode::CapabilityUnsupported);
        }
    }
}
