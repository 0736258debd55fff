//! The person at the machine, who has a mouse and a keyboard of their own: they are noticed, what programs do is not,
//! and a controller stops for them.
//!
//! Their devices are a second pointer and keyboard of the server, which it moves when the person's own connection asks
//! by XTEST. To everybody else that is input of devices that no program of the session uses.

use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread::sleep;
use std::time::Instant;

use opendesk_core::ErrorCode;
use opendesk_std::Cancel;
use opendesk_std::api::{
    Button, CaptureParams, KeyEvent, Point, PointerAction, PointerEvent, Press, TextInput, WindowsList,
};
use opendesk_std::desktop::x11::X11Desktop;
use opendesk_std::desktop::{Computer, Key};
use opendesk_tests::bin::Running;
use opendesk_tests::desktop::{Form, TestDesktop};
use opendesk_tests::rig::Rig;
use opendesk_tokio::{ClientError, HostOptions};
use x11rb::connection::Connection as _;
use x11rb::protocol::xinput::{
    ConnectionExt as _, Device, DeviceId, GrabOwner, HierarchyChange, HierarchyChangeData, HierarchyChangeDataAddMaster,
};
use x11rb::protocol::xproto::{
    BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, ConnectionExt as _, GrabMode, GrabStatus, KEY_PRESS_EVENT,
    KEY_RELEASE_EVENT, KeyButMask, MOTION_NOTIFY_EVENT, Window,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

use crate::drive::{run, wait_for};
use crate::{LIMIT, open, server, wait_until};

const SERVER: &str = "the X server answers";

/// How long a controller waits for the person.
const PAUSE: Duration = Duration::from_secs(2);

/// How long a finger takes.
const HAND: Duration = Duration::from_millis(250);

/// The most that is told in a second, and one for what came in the last moment.
const MOST_IN_A_SECOND: u128 = 5;

/// A connection to a server, with its root window.
fn connect(display: &str) -> (RustConnection, Window) {
    let (x, screen) = RustConnection::connect(Some(display)).expect(SERVER);
    let root = x.setup().roots[screen].root;
    x.xinput_xi_query_version(2, 2).expect(SERVER).reply().expect(SERVER);
    (x, root)
}

/// Somebody with a mouse and a keyboard.
#[derive(Debug)]
pub(crate) struct Person {
    x: RustConnection,
    root: Window,
    mouse: DeviceId,
    keyboard: DeviceId,
}

impl Person {
    /// Plugs the devices in.
    pub(crate) fn new(display: &str) -> Self {
        let (x, root) = connect(display);
        let name = b"person".to_vec();
        let add = HierarchyChangeDataAddMaster { send_core: true, enable: true, name };
        // Its length in words: a head of two, and the name.
        let add = HierarchyChange { len: 4, data: HierarchyChangeData::AddMaster(add) };
        x.xinput_xi_change_hierarchy(&[add]).expect(SERVER).check().expect(SERVER);
        let devices = x.xinput_xi_query_device(Device::ALL).expect(SERVER).reply().expect(SERVER).infos;
        let named = |name: &[u8]| devices.iter().find(|device| device.name == name).expect("it was added").deviceid;
        let (mouse, keyboard) = (named(b"person pointer"), named(b"person keyboard"));
        x.xinput_xi_set_client_pointer(x11rb::NONE, mouse).expect(SERVER).check().expect(SERVER);
        Self { x, root, mouse, keyboard }
    }

    fn does(&self, event: u8, detail: u8, (x, y): (i16, i16)) {
        let faked = self.x.xtest_fake_input(event, detail, x11rb::CURRENT_TIME, self.root, x, y, 0);
        faked.expect(SERVER).check().expect(SERVER);
    }

    /// Clicks somewhere, as fast as a hand does.
    pub(crate) fn clicks_at(&self, Point { x, y }: Point, button: u8) {
        self.does(MOTION_NOTIFY_EVENT, 0, (x as i16, y as i16));
        for event in [BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT] {
            sleep(HAND);
            self.does(event, button, (0, 0));
        }
        sleep(HAND);
    }

    /// Presses keys of a US keyboard, by their X keycodes, while one more is held.
    pub(crate) fn presses(&self, held: Option<u8>, keycodes: &[u8]) {
        held.iter().for_each(|keycode| self.does(KEY_PRESS_EVENT, *keycode, (0, 0)));
        for keycode in keycodes {
            self.does(KEY_PRESS_EVENT, *keycode, (0, 0));
            self.does(KEY_RELEASE_EVENT, *keycode, (0, 0));
        }
        sleep(HAND);
        held.iter().for_each(|keycode| self.does(KEY_RELEASE_EVENT, *keycode, (0, 0)));
    }

    /// Gives a window the person's keyboard.
    pub(crate) fn looks_at(&self, window: Window) {
        let focus = self.x.xinput_xi_set_focus(window, x11rb::CURRENT_TIME, self.keyboard);
        focus.expect(SERVER).check().expect(SERVER);
    }

    /// Moves the mouse.
    fn moves(&self) {
        for place in [(200, 7), (201, 7)] {
            self.does(MOTION_NOTIFY_EVENT, 0, place);
        }
    }

    fn clicks(&self) {
        self.does(BUTTON_PRESS_EVENT, 3, (0, 0));
        self.does(BUTTON_RELEASE_EVENT, 3, (0, 0));
    }

    fn turns_the_wheel(&self) {
        self.does(BUTTON_PRESS_EVENT, 5, (0, 0));
        self.does(BUTTON_RELEASE_EVENT, 5, (0, 0));
    }

    /// Shift, which does nothing by itself.
    fn presses_a_key(&self) {
        self.does(KEY_PRESS_EVENT, 50, (0, 0));
        self.does(KEY_RELEASE_EVENT, 50, (0, 0));
    }
}

/// A server that nothing but its desktop's connections and the test use: a wheel and a button mean nothing there.
fn bare() -> (Running, String, X11Desktop) {
    let display = server::display();
    let running = server::start(&display);
    let computer = X11Desktop::open(Some(&display)).expect("the X server is there");
    (running, display, computer)
}

/// How often somebody was told of the person.
fn watch(computer: &X11Desktop) -> Arc<AtomicU32> {
    let count = Arc::new(AtomicU32::new(0));
    let told = Arc::clone(&count);
    let used = move || {
        told.fetch_add(1, Ordering::SeqCst);
    };
    assert!(computer.watch_person(Box::new(used)), "the server tells");
    count
}

/// The person does something again and again, until somebody was told.
fn is_noticed(what: &str, count: &AtomicU32, does: impl Fn()) {
    let before = count.load(Ordering::SeqCst);
    wait_until(what, || {
        does();
        count.load(Ordering::SeqCst) > before
    });
}

#[test]
fn what_programs_do_is_not_what_the_person_does() {
    let mut desktop = TestDesktop::start(1024, 768);
    let form = Form::start(&mut desktop);
    let computer = open(&desktop);
    let count = watch(&computer);
    let Point { x, y } = form.place("Canvas").center();
    let (x, y) = (x.floor(), y.floor());
    // This takes more than a moment: whoever were told of it would be told by its end.
    let text = "what a program types, with the letters é and 世 that no key has. ".repeat(2);
    computer.type_text(&text, Duration::from_millis(15), &Cancel::new()).unwrap();
    for step in 0..100_u8 {
        computer.move_pointer(Point::new(x + f64::from(step % 10), y)).unwrap();
        computer.scroll(0.0, -1.0).unwrap();
        for press in [Press::Down, Press::Up] {
            computer.button(Button::Left, press).unwrap();
            computer.key(Key::Shift, press).unwrap();
        }
    }
    form.wait_until("it was typed", |form| form.text("Name") == text);
    let place = [x.to_string(), y.to_string()];
    desktop.run("xdotool", &["mousemove", &place[0], &place[1], "mousemove_relative", "1", "1", "click", "1"]);
    desktop.run("xdotool", &["type", "--delay", "10", "what another program types"]);
    form.wait_until("that was typed, too", |form| form.text("Name").ends_with("another program types"));
    assert_eq!(count.load(Ordering::SeqCst), 0);

    // The control: it would have been told.
    let person = Person::new(desktop.display());
    is_noticed("the person is noticed", &count, || person.moves());
}

#[test]
fn whatever_the_person_uses_is_noticed() {
    let (_server, display, computer) = bare();
    let before = watch(&computer);
    let person = Person::new(&display);
    is_noticed("devices that were plugged in later", &before, || person.moves());
    // Nobody who begins to watch is told of what was before.
    is_noticed("the mouse", &watch(&computer), || person.moves());
    is_noticed("a button", &watch(&computer), || person.clicks());
    is_noticed("the wheel", &watch(&computer), || person.turns_the_wheel());
    is_noticed("a key", &watch(&computer), || person.presses_a_key());

    // A program that has taken the devices for itself, as a menu, a game or a screen that is locked.
    let (other, root) = connect(&display);
    for device in [person.mouse, person.keyboard] {
        let (now, mode) = (x11rb::CURRENT_TIME, GrabMode::ASYNC);
        let grab = other.xinput_xi_grab_device(root, now, x11rb::NONE, device, mode, mode, GrabOwner::NO_OWNER, &[0]);
        assert_eq!(grab.expect(SERVER).reply().expect(SERVER).status, GrabStatus::SUCCESS);
    }
    is_noticed("a mouse that is taken", &watch(&computer), || person.moves());
    is_noticed("a keyboard that is taken", &watch(&computer), || person.presses_a_key());
}

#[test]
fn nobody_is_told_more_often_than_five_times_a_second() {
    let (_server, display, computer) = bare();
    let (count, begun) = (watch(&computer), Instant::now());
    let person = Person::new(&display);
    wait_until("it was told of some", || {
        person.moves();
        person.presses_a_key();
        count.load(Ordering::SeqCst) >= 4
    });
    let (told, passed) = (u128::from(count.load(Ordering::SeqCst)), begun.elapsed().as_millis());
    assert!(told <= passed * MOST_IN_A_SECOND / 1000 + 1, "{told} times in {passed} ms");
}

#[test]
fn everybody_who_asked_is_told_until_the_desktop_is_dropped() {
    let (_server, display, computer) = bare();
    let count = watch(&computer);
    let (tell, told) = channel();
    let used = move || {
        let _is_awaited = tell.send(()).is_ok();
    };
    assert!(computer.watch_person(Box::new(used)));
    let person = Person::new(&display);
    is_noticed("the person is noticed", &count, || person.moves());
    told.recv_timeout(LIMIT).expect("the other one is told");
    drop(computer);
    // The thread goes, and what it would tell with.
    let gone = || matches!(told.recv_timeout(LIMIT), Err(RecvTimeoutError::Disconnected));
    wait_until("the thread ends", gone);
}

#[test]
fn the_person_is_noticed_again_when_the_server_comes_back() {
    let (running, display, computer) = bare();
    let count = watch(&computer);
    let person = Person::new(&display);
    is_noticed("the person is noticed", &count, || person.moves());
    drop(person);
    drop(running);
    // Nobody uses the desktop in between.
    let _again = server::start(&display);
    let person = Person::new(&display);
    is_noticed("the person is noticed again", &count, || person.moves());
}

fn pointer(action: PointerAction, point: Point) -> PointerEvent {
    PointerEvent { action, point, button: Some(Button::Left), modifiers: vec![], dx: 0.0, dy: 0.0 }
}

/// The line with which an action was refused, if it was.
fn refusal<T>(outcome: Result<T, ClientError>) -> Option<String> {
    match outcome {
        Ok(_) => None,
        Err(ClientError::Call(error)) if error.code == ErrorCode::PermissionDenied => Some(error.message),
        Err(error) => panic!("it fails otherwise: {error}"),
    }
}

fn assert_tells_when(line: &str) {
    assert!(line.contains("the person at this machine") && line.contains("again in "), "{line}");
    assert_eq!(line.lines().count(), 1);
}

#[test]
fn a_controller_stops_for_the_person_and_goes_on_after_it() {
    let mut desktop = TestDesktop::start(1024, 768);
    let form = Form::start(&mut desktop);
    let computer = Arc::new(open(&desktop));
    let person = Person::new(desktop.display());
    let (seen, root) = connect(desktop.display());
    let held = || {
        let mask = seen.query_pointer(root).expect(SERVER).reply().expect(SERVER).mask;
        let keys = computer.pressed_keys().expect(SERVER);
        (mask.contains(KeyButMask::BUTTON1), keys.len())
    };
    let canvas = form.place("Canvas").center();
    let (middle, aside) = (Point::new(canvas.x.floor(), canvas.y.floor()), Point::new(3.0, 3.0));
    run(async {
        let driven = Arc::clone(&computer) as Arc<dyn Computer>;
        let waits = |home| HostOptions { pause_on_local_input: Some(PAUSE), ..HostOptions::new(home, driven) };
        let rig = Rig::start_as(waits);
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();

        // It holds a button and a key, and types.
        client.pointer(&pointer(PointerAction::Down, middle)).await.unwrap();
        client.key(&KeyEvent { action: Press::Down, keysym: "f5".into(), modifiers: vec![] }).await.unwrap();
        let types = client.clone();
        let slow = TextInput { text: "x".repeat(2000), interval_ms: 50 };
        let typing = tokio::spawn(async move { types.text(&slow).await });
        wait_for("it types", async || form.text("Name").len() > 10).await;
        let (button, keys) = held();
        assert!(button && keys >= 1);
        // Nothing of that was the person.
        assert!(!typing.is_finished());

        person.moves();
        let ended = tokio::time::timeout(LIMIT, typing).await.unwrap().unwrap();
        assert_tells_when(&refusal(ended).expect("the typing is ended"));
        wait_for("nothing is held", async || held() == (false, 0)).await;
        wait_for("the form sees it", async || form.seen("button-release", "Canvas").len() == 1).await;

        // While the person goes on, nothing acts, and whoever looks sees.
        let mut last = Instant::now();
        for _ in 0..5 {
            let mut line = None;
            wait_for("an action is refused", async || {
                last = Instant::now();
                person.moves();
                line = refusal(client.pointer(&pointer(PointerAction::Move, aside)).await);
                line.is_some()
            })
            .await;
            assert_tells_when(&line.unwrap_or_default());
            client.cursor_position().await.unwrap();
            client.capture(&CaptureParams::default()).await.unwrap();
            client.call::<WindowsList>(&()).await.unwrap();
        }

        wait_for("it acts again", async || {
            refusal(client.pointer(&pointer(PointerAction::Move, aside)).await).is_none()
        })
        .await;
        assert!(last.elapsed() >= PAUSE, "after {:?}", last.elapsed());
        assert_eq!(client.cursor_position().await.unwrap(), aside);
        client.text(&TextInput { text: "!".into(), interval_ms: 0 }).await.unwrap();
        wait_for("it types again", async || form.text("Name").ends_with('!')).await;
        let typed = form.text("Name");
        assert!(typed.len() < 2000 && typed.trim_end_matches('!').chars().all(|typed| typed == 'x'), "{typed}");
        assert_eq!(held(), (false, 0));

        let log = rig.stop().await;
        let kinds: Vec<_> = log.iter().filter_map(|entry| entry["type"].as_str()).collect();
        assert!(kinds.contains(&"control.paused") && kinds.contains(&"control.unpaused"), "{kinds:?}");
    });
}
