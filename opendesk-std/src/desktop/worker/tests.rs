use super::*;
use crate::api::{
    AppParams, CaptureParams, CompletedCommand, DirectoryParams, ElementTarget, ErrorCode, ExecParams, FileData,
    FileMoveParams, FileParams, FileReadParams, FileWriteParams, KeyEvent, Point, PointerAction, PointerEvent, Press,
    ShellParams, StartParams, TextInput, UiActionParams, Window, WindowParams, decode,
};
use crate::desktop::r#virtual::VirtualDesktop;

const CODEC: Codec = Codec::Postcard;

fn desk(files: Option<Files>) -> (Arc<VirtualDesktop>, Desk) {
    let desktop = Arc::new(VirtualDesktop::default());
    let computer: Arc<dyn Computer> = desktop.clone();
    (desktop, Desk::start(computer, files, None).unwrap())
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

/// A desktop that waits for another program before it knows what it can do.
#[derive(Debug)]
struct Unanswered {
    begun: Sender<()>,
    answer: Receiver<()>,
}

impl Computer for Unanswered {
    fn name(&self) -> &'static str {
        "unanswered"
    }

    fn capabilities(&self) -> Vec<&'static str> {
        vec!["input.pointer"]
    }

    fn probe(&self) {
        self.begun.try_send(()).unwrap();
        let _closed = self.answer.recv_blocking();
    }

    fn cursor_position(&self) -> Result<Point> {
        Ok(Point::new(1.0, 2.0))
    }
}

#[test]
fn whoever_asks_what_a_desktop_can_do_delays_nothing_else() {
    let ((begun, begins), (answers, answer)) = (async_channel::unbounded(), async_channel::bounded(1));
    let desk = Desk::start(Arc::new(Unanswered { begun, answer }), None, None).unwrap();
    assert!(begins.is_empty(), "what it knows is told without a question");
    desk.offer.outdate();
    let asked: Vec<_> = (0..5).map(|_| submit(&desk, Call::SystemCapabilities(()), &Cancel::new())).collect();
    begins.recv_blocking().unwrap();
    done(&desk, Call::DisplayCursorPosition(())).unwrap();
    let read = done(&desk, Call::AppsList(())).unwrap_err();
    assert_eq!(read.code, ErrorCode::CapabilityUnsupported, "the readers are free");
    assert!(asked.iter().all(Receiver::is_empty));
    drop(answers);
    for outcome in asked {
        let manifest: Manifest = decode(&outcome.recv_blocking().unwrap().unwrap()).unwrap();
        assert_eq!(manifest.capabilities, ["input.pointer"]);
    }
    assert!(begins.is_empty(), "one answer is enough for all");
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
    let (all, few) = (with.manifest().capabilities, without.manifest().capabilities);
    let missing: Vec<_> = all.iter().filter(|name| !few.contains(name)).collect();
    assert_eq!(missing, ERRANDS.iter().collect::<Vec<_>>());
    assert!(all.is_sorted());
    for (call, capability) in [
        (Call::FsList(file()), "fs.read"),
        (Call::FsDelete(file()), "fs.write"),
        (Call::FsMkdir(DirectoryParams { path: "/".to_owned(), parents: true }), "fs.write"),
        (Call::ProcessList(()), "process.list"),
        (shell("true"), "process.shell"),
        (Call::ProcessExec(ExecParams::default()), "process.spawn"),
        (Call::ProcessStart(StartParams::default()), "process.stream"),
    ] {
        let refusal = done(&without, call.clone()).unwrap_err();
        assert_eq!(refusal.code, ErrorCode::CapabilityUnsupported);
        assert!(refusal.message.starts_with(capability), "{refusal}");
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
fn what_a_person_types_is_told_to_nobody() {
    let (_, desk) = desk(None);
    let refusal = done(&desk, Call::InputSubscribe(())).unwrap_err();
    assert_eq!(refusal.code, ErrorCode::CapabilityUnsupported);
    assert!(refusal.message.contains("tells nobody"), "{refusal}");
}

fn shift(action: Press) -> Call {
    Call::InputKey(KeyEvent { action, keysym: "shift".to_owned(), modifiers: vec![] })
}

fn released(desk: &Desk) -> Freed {
    let (reply, freed) = async_channel::bounded(1);
    desk.release(move |result| drop(reply.try_send(result)));
    freed.recv_blocking().unwrap().unwrap()
}

#[test]
fn a_key_that_its_caller_let_go_of_meanwhile_is_not_held_again() {
    let (_, desk) = desk(None);
    for lets_go in [false, true] {
        done(&desk, shift(Press::Down)).unwrap();
        let freed = released(&desk);
        assert_eq!(freed.modifiers, [Key::Shift]);
        if lets_go {
            done(&desk, shift(Press::Up)).unwrap();
        }
        desk.hold(freed.modifiers);
        assert_eq!(released(&desk).modifiers.is_empty(), lets_go);
    }
}

#[test]
fn what_is_held_down_keeps_the_screen_and_what_acts_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let screen = crate::home::Home::open(Some(folder.path().join("home"))).unwrap().screen();
    let computer: Arc<dyn Computer> = Arc::new(VirtualDesktop::default());
    let desk = Desk::start(computer, None, Some(&screen)).unwrap();
    let alone = || screen.alone(core::time::Duration::ZERO, &Cancel::new());
    done(&desk, shift(Press::Down)).unwrap();
    assert!(alone().is_err());
    // Whoever asks has it released first.
    assert_eq!(released(&desk).modifiers, [Key::Shift]);
    let asking = alone().unwrap();
    let waits = submit(&desk, shift(Press::Down), &Cancel::new());
    done(&desk, Call::DisplayCapture(CaptureParams::default())).unwrap();
    assert!(waits.is_empty());
    drop(asking);
    waits.recv_blocking().unwrap().unwrap();
    assert!(alone().is_err());
}
