//! Many calls of one controller at once, of every kind, and slow ones among quick ones.

use std::path::Path;
use std::sync::Arc;

use futures_util::{StreamExt, stream};
use opendesk_core::limits;
use opendesk_std::api::{
    AppsInstalled, CaptureParams, ClipboardContents, ClipboardEntry, ClipboardRead, ClipboardWrite, DisplayCapture,
    DisplayCursorPosition, Effect, ExecParams, FileParams, FileReadParams, FileWriteParams, FsList, FsRead, FsStat,
    FsWrite, InputKey, InputPointer, InputText, KeyEvent, PictureFormat, Point, PointerAction, PointerEvent, Press,
    ProcessExec, ProcessList, ProcessShell, Rect, ShellParams, SubscribeParams, TextInput, TreeParams, UiTreeRead,
    WindowParams, WindowsFocus, WindowsFocused, WindowsList,
};
use opendesk_std::desktop::Computer;
use opendesk_std::desktop::r#virtual::VirtualDesktop;
use opendesk_tests::desktop::PATIENCE;
use opendesk_tests::rig::Rig;
use opendesk_tokio::{Client, ClientError, HostOptions, Notice};
use tokio::task::JoinHandle;

use crate::run;
use crate::watched::Watched;

/// As many as the promise is about: a thousand of any mix are all answered.
const CALLS: usize = 1000;

const KINDS: usize = 20;

/// The kind of which every call types one letter.
const TYPING: usize = 5;

/// The kind of which every call writes a file of its own.
const WRITING: usize = 11;

/// What is in the file that is there from the beginning.
const SHARED: &[u8] = b"read by many at once";

/// The kind of a call, without any order.
fn kind(seed: usize, number: usize) -> usize {
    (seed * CALLS + number).wrapping_mul(0x9e37_79b1) / 1024 % KINDS
}

fn pointer(action: PointerAction, number: usize) -> PointerEvent {
    let point = Point::new((number % 390) as f64, (number % 260) as f64);
    PointerEvent { action, point, button: None, modifiers: vec![], dx: 0.0, dy: -1.0 }
}

/// Makes one call, and looks whether what comes back is the answer to just this one.
async fn ask(client: &Client, kind: usize, number: usize, folder: &Path) -> Result<(), ClientError> {
    let path = |name: &str| folder.join(name).to_str().expect("its path is text").to_owned();
    match kind {
        0 => {
            let width = 32.0 + (number % 64) as f64;
            let region = Some(Rect::new(10.0, 20.0, width, 48.0));
            let params = CaptureParams { region, ..CaptureParams::default() };
            let picture = client.call_within::<DisplayCapture>(&params, PATIENCE).await?;
            assert_eq!((f64::from(picture.width), picture.height), (width, 48));
        }
        1 => {
            let params = CaptureParams { format: PictureFormat::Jpeg, cursor: true, ..CaptureParams::default() };
            let picture = client.call_within::<DisplayCapture>(&params, PATIENCE).await?;
            assert!(picture.format == PictureFormat::Jpeg && picture.data.starts_with(b"\xff\xd8"), "{picture:?}");
        }
        2 => {
            let moved = client.call_within::<InputPointer>(&pointer(PointerAction::Move, number), PATIENCE).await?;
            assert_eq!(moved, Effect::Confirmed);
        }
        3 => {
            client.call_within::<InputPointer>(&pointer(PointerAction::Scroll, number), PATIENCE).await?;
        }
        4 => {
            let action = if number.is_multiple_of(2) { Press::Down } else { Press::Up };
            let event = KeyEvent { action, keysym: "shift".into(), modifiers: vec![] };
            assert_eq!(client.call_within::<InputKey>(&event, PATIENCE).await?, Effect::Confirmed);
        }
        TYPING => {
            let letter = TextInput { text: "x".into(), interval_ms: 0 };
            assert_eq!(client.call_within::<InputText>(&letter, PATIENCE).await?, Effect::Confirmed);
        }
        6 => assert_eq!(client.call_within::<WindowsList>(&(), PATIENCE).await?.len(), 2),
        7 => {
            let window = WindowParams { window_id: "virtual-1".into() };
            assert_eq!(client.call_within::<WindowsFocus>(&window, PATIENCE).await?, Effect::Confirmed);
        }
        8 => {
            let tree = client.call_within::<UiTreeRead>(&TreeParams::default(), PATIENCE).await?;
            assert!(tree.find("text", "Note").is_some());
        }
        9 => assert!(client.call_within::<ClipboardRead>(&(), PATIENCE).await?.entries.len() <= 1),
        10 => {
            let entry = ClipboardEntry { mime_type: "text/plain".into(), data: number.to_string().into_bytes() };
            let contents = ClipboardContents { entries: vec![entry] };
            assert_eq!(client.call_within::<ClipboardWrite>(&contents, PATIENCE).await?, Effect::Confirmed);
        }
        WRITING => {
            let (path, data) = (path(&number.to_string()), number.to_string().into_bytes());
            client.call_within::<FsWrite>(&FileWriteParams { path, data, offset: None }, PATIENCE).await?;
        }
        12 => {
            let (offset, length) = ((number % SHARED.len()) as u64, None);
            let params = FileReadParams { path: path("shared"), offset, length };
            let read = client.call_within::<FsRead>(&params, PATIENCE).await?;
            assert_eq!(read.data, SHARED[number % SHARED.len()..]);
        }
        13 => {
            let path = folder.to_str().expect("its path is text").to_owned();
            let listed = client.call_within::<FsList>(&FileParams { path }, PATIENCE).await?;
            assert!(listed.iter().any(|entry| entry.name == "shared"), "{listed:?}");
        }
        14 => {
            let listed = client.call_within::<ProcessList>(&(), PATIENCE).await?;
            assert!(listed.iter().any(|process| process.pid == std::process::id()));
        }
        15 => {
            let command = ShellParams { command: "true".into(), ..ShellParams::default() };
            let ended = client.call_within::<ProcessShell>(&command, PATIENCE).await?;
            assert_eq!((ended.returncode, ended.stdout), (0, vec![]));
        }
        16 => {
            let program = ExecParams { argv: vec!["echo".into(), number.to_string()], ..ExecParams::default() };
            let ended = client.call_within::<ProcessExec>(&program, PATIENCE).await?;
            assert_eq!((ended.returncode, ended.stdout), (0, format!("{number}\n").into_bytes()));
        }
        17 => {
            let point = client.call_within::<DisplayCursorPosition>(&(), PATIENCE).await?;
            assert!(Rect::new(0.0, 0.0, 400.0, 300.0).contains(point), "{point:?}");
        }
        18 => {
            let front = client.call_within::<WindowsFocused>(&(), PATIENCE).await?;
            assert_eq!(front.map(|window| window.id).as_deref(), Some("virtual-1"));
            let stat = client.call_within::<FsStat>(&FileParams { path: path("shared") }, PATIENCE).await?;
            assert_eq!(stat.size, SHARED.len() as u64);
        }
        _ => assert_eq!(client.call_within::<AppsInstalled>(&(), PATIENCE).await?.len(), 2),
    }
    Ok(())
}

/// Makes all calls, never more than `most` at once, and looks at what became of them.
async fn make_all(seed: usize, most: usize) {
    let desktop = Arc::new(VirtualDesktop::new(400, 300));
    let computer = Arc::clone(&desktop) as Arc<dyn Computer>;
    let rig = Rig::start_as(|home| HostOptions { files: true, ..HostOptions::new(home, computer) });
    rig.pair("controller").await;
    let client = rig.connect("controller").await.expect("the host is there");
    let folder = rig.folder.path().join("files");
    std::fs::create_dir(&folder).expect("a new folder");
    std::fs::write(folder.join("shared"), SHARED).expect("a new file");

    let calls = (0..CALLS).map(|number| ask(&client, kind(seed, number), number, &folder));
    let mut answers = stream::iter(calls).buffer_unordered(most);
    let mut answered = 0;
    while let Some(answer) = answers.next().await {
        answer.unwrap_or_else(|error| panic!("after {answered} answers: {error}"));
        answered += 1;
    }
    assert_eq!(answered, CALLS);
    drop(answers);

    let of_kind = |wanted: usize| (0..CALLS).filter(move |number| kind(seed, *number) == wanted);
    assert!((0..KINDS).all(|wanted| of_kind(wanted).count() > 10), "all kinds are among them");
    assert_eq!(desktop.editor_text(), "x".repeat(of_kind(TYPING).count()));
    for number in of_kind(WRITING) {
        let written = std::fs::read_to_string(folder.join(number.to_string())).expect("it was written");
        assert_eq!(written, number.to_string());
    }
    client.close().await;
    rig.wait_for(|notice| matches!(notice, Notice::SessionEnded { .. })).await;
    // Admitted after everything was released.
    let again = rig.connect("controller").await.expect("the host is there");
    again.cursor_position().await.expect("the host answers");
    assert!(desktop.held_keys().is_empty());
}

#[test]
fn a_thousand_calls_of_every_kind_are_all_answered() {
    run(async {
        // As many at once as may be, and all of them handed over at once.
        for (seed, most) in [(1, limits::CALLS), (2, CALLS)] {
            make_all(seed, most).await;
        }
    });
}

#[test]
fn a_slow_accessibility_tree_delays_neither_pictures_nor_input() {
    run(async {
        let (watched, keeper) = Watched::with_slow_trees();
        let watched = Arc::new(watched);
        let rig = Rig::start(Arc::clone(&watched) as Arc<dyn Computer>);
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        let mut pictures = client.watch(&SubscribeParams::default()).await.unwrap();
        pictures.next().await.unwrap().unwrap();

        // More than there are threads for them.
        let read =
            |client: Client| async move { client.call_within::<UiTreeRead>(&TreeParams::default(), PATIENCE).await };
        let trees: Vec<JoinHandle<_>> = (0..4).map(|_| tokio::spawn(read(client.clone()))).collect();
        keeper.reached().await;
        keeper.reached().await;
        for number in 0..10 {
            let to = pointer(PointerAction::Move, 30 * number);
            assert_eq!(client.call_within::<InputPointer>(&to, PATIENCE).await.unwrap(), Effect::Confirmed);
            assert_eq!(client.cursor_position().await.unwrap(), to.point);
            let letter = TextInput { text: "x".into(), interval_ms: 0 };
            assert_eq!(client.call_within::<InputText>(&letter, PATIENCE).await.unwrap(), Effect::Confirmed);
            let picture = client.call_within::<DisplayCapture>(&CaptureParams::default(), PATIENCE).await.unwrap();
            assert!(!picture.data.is_empty());
            assert_eq!(client.call::<WindowsList>(&()).await.unwrap().len(), 2);
        }
        assert_eq!(watched.desktop.editor_text(), "x".repeat(10));
        let update = tokio::time::timeout(PATIENCE, pictures.next()).await.unwrap().unwrap().unwrap();
        assert!(!update.keyframe, "the stream goes on, too");
        assert!(trees.iter().all(|tree| !tree.is_finished()), "nobody has let the trees through");

        keeper.open();
        for tree in trees {
            assert!(tree.await.unwrap().unwrap().find("push button", "Count").is_some());
        }
    });
}
