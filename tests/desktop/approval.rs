//! The owner is asked in a dialog on the desktop that a controller drives. The person is played by xdotool; the
//! controller cannot play them.

use core::time::Duration;
use std::ffi::OsString;
use std::sync::Arc;

use opendesk_std::Cancel;
use opendesk_std::api::{ErrorCode, KeyEvent, Point, PointerAction, PointerEvent, Press, TextInput, TreeParams};
use opendesk_std::desktop::Computer;
use opendesk_std::desktop::x11::X11Desktop;
use opendesk_std::govern::ask::{Chain, Way};
use opendesk_std::govern::{AskAll, Peer, Policy, Verdict};
use opendesk_std::os::command::Variable;
use opendesk_tests::desktop::{Form, TestDesktop};
use opendesk_tests::rig::Rig;
use opendesk_tokio::{Client, ClientError, HostOptions};

use crate::LIMIT;
use crate::drive::{run, wait_for};
use crate::session::open_session;

/// What the dialog is called.
const DIALOG: &str = "opendesk: may a controller do this?";

/// Asks about the mouse, and lets everything else happen.
#[derive(Debug)]
struct AsksAboutTheMouse;

impl Policy for AsksAboutTheMouse {
    fn check(&mut self, _peer: &Peer, call: &opendesk_std::api::Call) -> Verdict {
        match call.method() {
            "input.pointer" => Verdict::Ask("it is the mouse".to_owned()),
            _ => Verdict::Allow,
        }
    }
}

/// A host that asks, and who sees it from outside.
struct Asking {
    desktop: TestDesktop,
    form: Form,
    /// Sees the desktop, and is not what is driven.
    eyes: Arc<X11Desktop>,
}

impl Asking {
    fn new() -> Self {
        let mut desktop = TestDesktop::start_with_session(1280, 900);
        let form = Form::start(&mut desktop);
        let eyes = Arc::new(open_session(&desktop));
        Self { desktop, form, eyes }
    }

    /// The controller of a host with this policy, which waits this long for an answer.
    async fn drive(&self, policy: Box<dyn Policy>, patience: Duration) -> (Rig, Client) {
        let computer = Arc::new(open_session(&self.desktop));
        let approver = Arc::new(Chain::new(vec![Way::Native], self.session(&*computer)));
        let rig = Rig::start_as(|home| HostOptions {
            policy,
            approver,
            patience: Some(patience),
            ..HostOptions::new(home, computer)
        });
        rig.pair("controller").await;
        let client = rig.connect("controller").await.expect("the host is there");
        (rig, client)
    }

    /// What a dialog needs to come up here, and nowhere else where this test may run.
    fn session(&self, computer: &dyn Computer) -> Vec<Variable> {
        let mut session = computer.session_variables();
        let set = |name: &str, value: OsString| (name.into(), Some(value));
        session.extend([
            set("DISPLAY", self.desktop.display().into()),
            set("DBUS_SESSION_BUS_ADDRESS", self.desktop.session_bus().into()),
            set("HOME", self.desktop.home().into()),
            set("XDG_RUNTIME_DIR", self.desktop.run_dir().into()),
            set("GDK_BACKEND", "x11".into()),
        ]);
        session.extend(["WAYLAND_DISPLAY", "NO_AT_BRIDGE"].map(|name| (name.into(), None)));
        session
    }

    fn is_shown(&self) -> bool {
        let windows = self.eyes.windows().expect("the X server answers");
        windows.iter().any(|window| window.title == DIALOG && window.focused)
    }

    /// Waits until the dialog has the keyboard.
    async fn asked(&self) {
        wait_for("the owner is asked", async || self.is_shown()).await;
    }

    /// Waits until there is no dialog.
    async fn over(&self) {
        wait_for("the dialog is gone", async || {
            self.eyes.windows().expect("the X server answers").iter().all(|window| window.title != DIALOG)
        })
        .await;
    }

    /// The middle of an element of the dialog, once it is there and can be used, or cannot.
    async fn place(&self, role: &str, name: &str, enabled: bool) -> Point {
        let everything = TreeParams { max_depth: 64, ..TreeParams::default() };
        let place = || {
            let tree = self.eyes.ui_tree(&everything, &Cancel::new()).ok()?;
            let element = tree.find(role, name).filter(|element| element.enabled == enabled)?;
            element.bounds.map(|bounds| bounds.center())
        };
        wait_for(&format!("{role} {name:?}, enabled: {enabled}"), async || place().is_some()).await;
        place().expect("it was there")
    }

    /// The person at the machine clicks.
    fn click(&self, place: Point) {
        let [x, y] = [place.x, place.y].map(|number| number.floor().to_string());
        self.desktop.run("xdotool", &["mousemove", &x, &y, "click", "1"]);
    }

    /// The person at the machine reads, and says yes.
    async fn allow(&self) {
        self.click(self.place("check box", "I have read all of it", true).await);
        self.click(self.place("push button", "Allow", true).await);
        self.over().await;
    }

    async fn deny(&self) {
        self.click(self.place("push button", "Deny", true).await);
        self.over().await;
    }

    /// The controller presses the mouse on the form's canvas.
    fn press(&self) -> PointerEvent {
        let middle = self.form.place("Canvas").center();
        let point = Point::new(middle.x.floor(), middle.y.floor());
        PointerEvent { action: PointerAction::Down, point, button: None, modifiers: vec![], dx: 0.0, dy: 0.0 }
    }

    fn is_pressed(&self) -> bool {
        !self.form.seen("button-press", "Canvas").is_empty()
    }
}

fn refusal<T: core::fmt::Debug>(outcome: Result<T, ClientError>) -> String {
    match outcome {
        Err(ClientError::Call(error)) if error.code == ErrorCode::PermissionDenied => error.message,
        other => panic!("it is refused: {other:?}"),
    }
}

#[test]
fn a_click_waits_until_somebody_has_allowed_it() {
    let asking = Asking::new();
    run(async {
        let (_rig, client) = asking.drive(Box::new(AskAll), LIMIT).await;
        let (press, presses) = (asking.press(), client.clone());
        let pressing = tokio::spawn(async move { presses.pointer(&press).await });
        asking.asked().await;
        // Whoever is asked can go on looking, and so can the controller.
        client.cursor_position().await.unwrap();

        // The one button cannot be used before the other one was: neither by a click that was meant for something
        // else nor by keys.
        asking.click(asking.place("push button", "Allow", false).await);
        asking.desktop.run("xdotool", &["key", "Return", "space", "a", "y", "Return", "alt+a", "ctrl+Return"]);
        client.cursor_position().await.unwrap();
        assert!(asking.is_shown() && !pressing.is_finished() && !asking.is_pressed());

        asking.allow().await;
        pressing.await.unwrap().unwrap();
        wait_for("it is pressed", async || asking.is_pressed()).await;
    });
}

#[test]
fn what_was_denied_does_not_happen() {
    let asking = Asking::new();
    run(async {
        let (_rig, client) = asking.drive(Box::new(AskAll), LIMIT).await;
        for way in ["the button", "Escape", "the window is closed"] {
            let (press, presses) = (asking.press(), client.clone());
            let pressing = tokio::spawn(async move { presses.pointer(&press).await });
            asking.asked().await;
            match way {
                "the button" => asking.deny().await,
                "Escape" => drop(asking.desktop.run("xdotool", &["key", "Escape"])),
                _ => drop(asking.desktop.run("wmctrl", &["-F", "-c", DIALOG])),
            }
            let why = refusal(pressing.await.unwrap());
            assert!(why.contains("said no"), "{way}: {why}");
            asking.over().await;
        }
        assert!(!asking.is_pressed());
    });
}

#[test]
fn a_controller_does_not_answer_what_the_owner_is_asked() {
    let asking = Asking::new();
    run(async {
        let (_rig, client) = asking.drive(Box::new(AsksAboutTheMouse), LIMIT).await;
        // A key that is held would be repeated into the dialog.
        let action = Press::Down;
        client.key(&KeyEvent { action, keysym: "Return".into(), modifiers: vec![] }).await.unwrap();
        let (press, presses, types) = (asking.press(), client.clone(), client.clone());
        let pressing = tokio::spawn(async move { presses.pointer(&press).await });
        asking.asked().await;
        assert!(asking.eyes.pressed_keys().unwrap().is_empty());
        // Tab and space would tick the box, and Return would press the button.
        let text = "\t \t\n\t\n\t\n \n".to_owned();
        let typing = tokio::spawn(async move { types.text(&TextInput { text, interval_ms: 0 }).await });
        for _ in 0..20 {
            client.cursor_position().await.unwrap();
        }
        asking.place("push button", "Allow", false).await;
        assert!(asking.is_shown() && !typing.is_finished() && !pressing.is_finished());

        asking.deny().await;
        refusal(pressing.await.unwrap());
        typing.await.unwrap().unwrap();
        assert!(!asking.is_pressed());
    });
}

#[test]
fn no_answer_in_time_is_a_no_and_takes_the_dialog_away() {
    let asking = Asking::new();
    run(async {
        let (_rig, client) = asking.drive(Box::new(AskAll), Duration::from_secs(2)).await;
        let why = refusal(client.pointer(&asking.press()).await);
        assert!(why.contains("nobody answered within"), "{why}");
        asking.over().await;
        assert!(!asking.is_pressed());
    });
}

#[test]
fn a_controller_that_goes_takes_its_question_with_it() {
    let asking = Asking::new();
    run(async {
        let (_rig, client) = asking.drive(Box::new(AskAll), LIMIT).await;
        let (press, presses) = (asking.press(), client.clone());
        let pressing = tokio::spawn(async move { presses.pointer(&press).await });
        asking.asked().await;
        client.close().await;
        pressing.await.unwrap().unwrap_err();
        asking.over().await;
        assert!(!asking.is_pressed());
    });
}
