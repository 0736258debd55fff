//! Notifications.

use std::sync::Arc;

use opendesk_std::Cancel;
use opendesk_std::api::{ErrorCode, Manifest, NotificationsList, ScreenState};
use opendesk_std::client::RemoteComputer;
use opendesk_std::desktop::Computer;
use opendesk_std::desktop::x11::X11Desktop;
use opendesk_tests::desktop::TestDesktop;
use opendesk_tokio::Tokio;

use super::{call, open_session, start_service};
use crate::drive::{drive, run, wait_for};
use crate::wait_until;

const NOTIFIER: &str = "org.freedesktop.Notifications";

/// Shows a notification for so long and gives its number.
fn show(desktop: &TestDesktop, title: &str, body: &str, milliseconds: &str) -> String {
    let picture = "{'urgency': <byte 1>, 'image-data': <(1, 1, 3, false, 8, 3, [byte 1, 2, 3])>}";
    let said = call(desktop, NOTIFIER, "Notify", &["mail", "0", "icon", title, body, "[]", picture, milliseconds]);
    let number = said.strip_prefix("(uint32 ").and_then(|rest| rest.strip_suffix(",)"));
    number.expect("a number").to_owned()
}

fn titles(computer: &X11Desktop) -> Vec<String> {
    let listed = computer.notifications().expect("notifications are read");
    listed.into_iter().map(|notification| notification.title).collect()
}

#[test]
fn what_is_shown_is_listed_until_it_is_gone() {
    let mut desktop = TestDesktop::start_with_session(640, 480);
    let (server, _) = start_service(&mut desktop, "notifier.py", &[]);
    let computer = open_session(&desktop);
    assert!(computer.capabilities().contains(&"notifications.list"));
    assert!(titles(&computer).is_empty());
    let first = show(&desktop, "first", "<b>Tom</b> &amp; Jerry\u{1b}", "-1");
    show(&desktop, "second", "", "0");
    wait_until("both are listed", || titles(&computer).len() == 2);
    assert_eq!(titles(&computer), ["second", "first"]);
    let listed = computer.notifications().unwrap().remove(1);
    assert_eq!(
        (listed.id, listed.body, listed.app.as_deref()),
        (first.clone(), "Tom & Jerry".to_owned(), Some("mail"))
    );
    assert!(listed.timestamp > 1.7e9, "{}", listed.timestamp);

    let refused = ["mail", "0", "", "refused", "", "[]", "{}", "-1"];
    let call_it = format!(
        "gdbus call --session --dest {NOTIFIER} --object-path /{} --method {NOTIFIER}.Notify -- \"$@\" || true",
        NOTIFIER.replace('.', "/")
    );
    desktop.run("sh", &[&["-c", &call_it, "sh"][..], &refused].concat());
    show(&desktop, "short", "", "300");
    wait_until("it is listed", || titles(&computer).first().is_some_and(|title| title == "short"));
    wait_until("its time is over", || titles(&computer) == ["second", "first"]);
    call(&desktop, NOTIFIER, "CloseNotification", &[&first]);
    wait_until("it is taken back", || titles(&computer) == ["second"]);
    desktop.run("kill", &[&server.to_string()]);
    wait_until("its server takes it along", || !is_served(&computer));
    let error = computer.notifications().unwrap_err();
    assert!(error.message.contains("dunst"), "{error}");
}

/// Whether somebody shows notifications, where they can be read.
fn is_served(computer: &X11Desktop) -> bool {
    match computer.notifications() {
        Ok(_) => true,
        Err(error) => error.code != ErrorCode::CapabilityUnsupported,
    }
}

/// Whether the bus lets notifications be read; nobody shows any on one that was just started.
fn is_read(computer: &X11Desktop) -> bool {
    !is_served(computer)
}

#[test]
fn a_bus_that_goes_away_costs_its_calls_and_nothing_more() {
    let mut desktop = TestDesktop::start_with_session(640, 480);
    let socket = desktop.home().join("second-bus");
    let address = format!("unix:path={}", socket.display());
    let argument = format!("--address={address}");
    let bus = ["--session", "--nofork", "--nopidfile", &argument];
    let first = desktop.spawn("dbus-daemon", &bus);
    wait_until("the bus is there", || socket.exists());
    let computer = X11Desktop::open_with(Some(desktop.display()), Some(&address)).unwrap();
    wait_until("notifications are read", || is_read(&computer));
    desktop.run("kill", &["-KILL", &first.to_string()]);
    wait_until("it is noticed", || !is_read(&computer));
    let error = computer.notifications().unwrap_err();
    assert_eq!((error.code, error.message.lines().count()), (ErrorCode::Internal, 1), "{error}");
    std::fs::remove_file(&socket).unwrap();
    desktop.spawn("dbus-daemon", &bus);
    wait_until("notifications are read again", || is_read(&computer));
}

#[test]
fn a_bus_that_hangs_keeps_nobody_waiting() {
    let mut desktop = TestDesktop::start_with_session(640, 480);
    let socket = desktop.home().join("second-bus");
    let address = format!("unix:path={}", socket.display());
    let argument = format!("--address={address}");
    let bus = desktop.spawn("dbus-daemon", &["--session", "--nofork", "--nopidfile", &argument]);
    wait_until("the bus is there", || socket.exists());
    desktop.run("kill", &["-STOP", &bus.to_string()]);
    let computer = X11Desktop::open_with(Some(desktop.display()), Some(&address)).unwrap();
    assert_eq!(computer.notifications().unwrap_err().code, ErrorCode::Internal);
    assert_eq!(computer.lock(&Cancel::new()).unwrap_err().code, ErrorCode::CapabilityUnsupported);
    assert_eq!(computer.screen_state(), ScreenState::Shown);
    desktop.run("kill", &["-CONT", &bus.to_string()]);
    wait_until("notifications are read", || is_read(&computer));
    // Nobody says then that nothing shows any.
    desktop.run("kill", &["-STOP", &bus.to_string()]);
    assert!(titles(&computer).is_empty());
}

#[test]
fn a_session_in_which_nobody_shows_notifications_says_so() {
    let desktop = TestDesktop::start_with_session(640, 480);
    let computer = open_session(&desktop);
    assert!(!computer.capabilities().contains(&"notifications.list"));
    let missing = computer.missing();
    let missing = missing.iter().find(|missing| missing.capability == "notifications.list").expect("it is missing");
    assert!(missing.why.contains("dunst"), "{}", missing.why);
}

#[test]
fn a_server_that_starts_later_is_offered_from_then_on() {
    let offers = |manifest: &Manifest| manifest.capabilities.iter().any(|name| name == "notifications.list");
    run(async {
        let mut desktop = TestDesktop::start_with_session(640, 480);
        let (rig, client) = drive(Arc::new(open_session(&desktop))).await;
        assert!(!offers(&client.greeting().manifest));
        assert!(!offers(&client.capabilities().await.unwrap()));
        let error = client.call::<NotificationsList>(&()).await.unwrap_err();
        assert!(error.to_string().contains("dunst"), "{error}");
        // What was not offered when its session began.
        let remote = Arc::new(RemoteComputer::new(Tokio, client).await.unwrap());
        let ask = || {
            let remote = Arc::clone(&remote);
            async move { tokio::task::spawn_blocking(move || remote.notifications()).await.unwrap() }
        };
        assert_eq!(ask().await.unwrap_err().code, ErrorCode::CapabilityUnsupported);
        let (server, _) = start_service(&mut desktop, "notifier.py", &[]);
        wait_for("a session that has begun may ask for them", async || ask().await == Ok(Vec::new())).await;
        drop(remote);
        let client = rig.connect("controller").await.unwrap();
        assert!(offers(&client.greeting().manifest), "{:?}", client.greeting().manifest);
        desktop.run("kill", &[&server.to_string()]);
        wait_for("no more than there is", async || !offers(&client.capabilities().await.unwrap())).await;
    });
}
