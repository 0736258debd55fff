//! A host whose desktop is another host's, and a controller that uses every method there is.

use core::time::Duration;
use std::collections::BTreeSet;
use std::sync::Arc;

use opendesk_std::api::{
    Call, CommandInput, CommandSignal, ExecParams, FileReadParams, FileWriteParams, OcrClickParams, OcrParams, Point,
    PointerAction, PointerEvent, Press, Rect, SetstatParams, ShellParams, StartParams, SubscribeParams, TextInput,
    TreeParams, UiActionParams,
};
use opendesk_std::desktop::Computer;
use opendesk_std::desktop::r#virtual::VirtualDesktop;
use opendesk_std::host::HostOptions;
use opendesk_tests::rig::Rig;

use crate::run;

/// Looks of a stream at 60 pictures a second that never sleeps, in the time that is watched: three calls each.
const RESTLESS: usize = 3 * 2 * 60;

#[test]
fn an_idle_desktop_behind_two_hosts_is_left_in_peace() {
    run(async {
        let (far, desktop) = Rig::on_virtual();
        far.pair("near").await;
        let computer = opendesk_tokio::computer(far.connect("near").await.unwrap()).await.unwrap();
        let near = Rig::start(Arc::new(computer));
        near.pair("controller").await;
        let client = near.connect("controller").await.unwrap();
        let params = SubscribeParams { fps: 60, ..SubscribeParams::default() };
        let mut pictures = client.watch(&params).await.unwrap();
        pictures.next().await.unwrap().unwrap();
        let none = tokio::time::timeout(Duration::from_secs(2), pictures.next()).await;
        assert!(none.is_err(), "nothing has changed");
        desktop.type_text("x", Duration::ZERO, &opendesk_std::Cancel::new()).unwrap();
        let woken = tokio::time::timeout(Duration::from_secs(20), pictures.next()).await;
        assert!(!woken.unwrap().unwrap().unwrap().keyframe);
        client.close().await;
        near.stop_and_keep().await;
        let log = far.stop().await;
        let is =
            |entry: &serde_json::Value, kind: &str, method: &str| entry["type"] == kind && entry["method"] == method;
        let looks = log.iter().filter(|entry| is(entry, "call", "display.capture")).count();
        assert!(looks > 3 && looks < RESTLESS / 4, "{looks} looks");
        let listened = log.iter().filter(|entry| is(entry, "stream.started", "display.subscribe")).count();
        assert!((1..=3).contains(&listened), "it was listened to {listened} times");
    });
}

/// What each of them does is tested elsewhere; here it is that none is missing, and each asks for its own.
#[test]
fn every_method_has_a_typed_call() {
    run(async {
        let desktop: Arc<dyn Computer> = Arc::new(VirtualDesktop::default());
        let rig = Rig::start_as(|home| HostOptions { files: true, ..HostOptions::new(home, desktop) });
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        let path = |name: &str| rig.folder.path().join(name).to_str().unwrap().to_owned();

        client.capabilities().await.unwrap();
        client.environment().await.unwrap();
        client.displays().await.unwrap();
        client.capture(&Default::default()).await.unwrap();
        client.watch(&SubscribeParams::default()).await.unwrap().next().await.unwrap().unwrap();
        client.cursor_position().await.unwrap();
        let (action, point) = (PointerAction::Move, Point::new(1.0, 1.0));
        let event = PointerEvent { action, point, button: None, modifiers: vec![], dx: 0.0, dy: 0.0 };
        client.pointer(&event).await.unwrap();
        client.key(&key(Press::Down)).await.unwrap();
        client.key(&key(Press::Up)).await.unwrap();
        client.text(&TextInput { text: "x".into(), interval_ms: 0 }).await.unwrap();
        let told = client.watch_input().await.unwrap().next().await.unwrap().unwrap_err();
        assert!(told.to_string().contains("tells nobody"), "{told}");
        client.windows().await.unwrap();
        let focused = client.focused_window().await.unwrap().unwrap();
        client.focus_window(&focused.id).await.unwrap();
        let Rect { x, y, width, height } = focused.bounds.unwrap();
        client.move_window(&focused.id, Rect::new(x + 1.0, y, width, height)).await.unwrap();
        client.close_window(&focused.id, false).await.unwrap();
        client.installed_apps().await.unwrap();
        client.open_app("Notes").await.unwrap();
        assert!(client.apps().await.unwrap().contains(&"Notes".to_owned()));
        client.focus_app("Controls").await.unwrap();
        client.close_app("Notes").await.unwrap();
        client.ui_tree(&TreeParams::default()).await.unwrap();
        let nothing = UiActionParams { target: Default::default(), action: "click".into(), app: None };
        client.ui_action(&nothing).await.unwrap_err();
        let contents = client.clipboard_read().await.unwrap();
        client.clipboard_write(&contents).await.unwrap();
        client.make_folder(&path("a/b"), true).await.unwrap();
        let file = FileWriteParams { path: path("a/b/c"), data: b"read".to_vec(), offset: None };
        client.write_file(&file).await.unwrap();
        let stamp = SetstatParams { path: path("a/b/c"), mode: Some(0o600), mtime: None };
        client.set_stat(&stamp).await.unwrap();
        let part = FileReadParams { path: path("a/b/c"), offset: 0, length: None };
        assert_eq!(client.read_file(&part).await.unwrap().data, b"read");
        assert_eq!(client.list_folder(&path("a/b")).await.unwrap().len(), 1);
        assert_eq!(client.stat(&path("a/b/c")).await.unwrap().size, 4);
        client.rename(&path("a/b/c"), &path("a/d")).await.unwrap();
        client.delete(&path("a")).await.unwrap();
        client.processes().await.unwrap();
        let shell = ShellParams { command: "exit 3".into(), timeout: Some(20.0), ..ShellParams::default() };
        assert_eq!(client.shell(&shell).await.unwrap().returncode, 3);
        let argv = vec!["false".to_owned()];
        assert_eq!(client.exec(&ExecParams { argv, ..ExecParams::default() }).await.unwrap().returncode, 1);
        let argv = vec!["cat".to_owned()];
        let started = client.start_command(&StartParams { argv, stdin: true, ..StartParams::default() }).await.unwrap();
        let mut output = client.command_output(started.id).await.unwrap();
        let input = CommandInput { id: started.id, data: b"said".to_vec(), eof: false };
        assert!(client.command_input(&input).await.unwrap().open);
        assert_eq!(output.next().await.unwrap().unwrap().stdout, b"said");
        client.signal_command(started.id, CommandSignal::Terminate).await.unwrap();
        let ended = async {
            loop {
                if let Some(end) = output.next().await.unwrap().unwrap().ended {
                    return end.returncode;
                }
            }
        };
        assert_eq!(tokio::time::timeout(Duration::from_secs(20), ended).await.unwrap(), -15);
        client.read_text(&OcrParams::default()).await.unwrap();
        let click = OcrClickParams { text: "Notes".into(), clicks: 1, ..OcrClickParams::default() };
        client.click_text(&click).await.unwrap();
        client.notifications().await.unwrap();
        client.lock().await.unwrap();

        client.close().await;
        let log = rig.stop().await;
        let asked: BTreeSet<&str> = log.iter().filter_map(|entry| entry["method"].as_str()).collect();
        let missing: Vec<_> = Call::NAMES.iter().filter(|name| !asked.contains(*name)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    });
}

fn key(action: Press) -> opendesk_std::api::KeyEvent {
    opendesk_std::api::KeyEvent { action, keysym: "shift".into(), modifiers: vec![] }
}
