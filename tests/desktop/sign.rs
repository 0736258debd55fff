//! What a host shows on the desktop that it drives, for whoever sits there.

use std::sync::Arc;

use opendesk_std::api::{ErrorCode, Notification};
use opendesk_std::desktop::Computer;
use opendesk_std::desktop::r#virtual::VirtualDesktop;
use opendesk_std::desktop::x11::X11Desktop;
use opendesk_std::home::{Home, Peers};
use opendesk_tests::desktop::TestDesktop;
use opendesk_tests::rig::Rig;
use opendesk_tokio::{ClientError, HostOptions};

use crate::drive::{run, wait_for};
use crate::session::{open_session, start_service};
use crate::wait_until;

/// A host that shows what happens.
fn shows(computer: Arc<dyn Computer>) -> impl FnOnce(Home) -> HostOptions {
    |home| HostOptions { notifications: true, ..HostOptions::new(home, computer) }
}

/// What is shown, the newest first; of opendesk all of it.
fn shown(computer: &dyn Computer) -> Vec<Notification> {
    let shown = computer.notifications().expect("notifications are read");
    assert!(shown.iter().all(|one| one.app.as_deref() == Some("opendesk")), "{shown:?}");
    shown
}

fn titles(computer: &dyn Computer) -> Vec<String> {
    shown(computer).into_iter().map(|notification| notification.title).collect()
}

#[test]
fn a_notification_server_is_given_who_pairs_drives_and_goes() {
    let mut desktop = TestDesktop::start_with_session(640, 480);
    let (_server, _) = start_service(&mut desktop, "notifier.py", &[]);
    // Another one, which only reads along: what it lists, the server has taken.
    let witness = open_session(&desktop);
    assert!(shown(&witness).is_empty());
    let computer = Arc::new(open_session(&desktop));
    run(async {
        let rig = Rig::start_as(shows(computer));
        let pairing = rig.pair("controller").await;
        let name = pairing.seen_as;
        let of = |what: &str| format!("{name} {what}");
        let paired = [of("has gone"), of("drives this machine"), of("is paired with this machine")];
        wait_for("the pairing is shown", async || titles(&witness).len() == 3).await;
        assert_eq!(titles(&witness), paired);
        assert_eq!(shown(&witness)[2].body, format!("Its screen shows: {}", pairing.shown));

        let client = rig.connect("controller").await.expect("the host is there");
        wait_for("the session is shown", async || titles(&witness).len() == 4).await;
        let newest = shown(&witness).remove(0);
        assert_eq!(newest.title, of("drives this machine"));
        assert!(newest.body.starts_with("From 127.0.0.1:"), "{newest:?}");
        assert!(newest.body.ends_with("To stop it: opendesk stop"), "{newest:?}");
        client.close().await;
        wait_for("its end is shown", async || titles(&witness)[0] == of("has gone")).await;
    });
}

#[test]
fn a_text_is_shown_as_it_is_and_not_for_ever() {
    let mut desktop = TestDesktop::start_with_session(640, 480);
    let (_server, _) = start_service(&mut desktop, "notifier.py", &[]);
    let (witness, computer) = (open_session(&desktop), open_session(&desktop));
    assert!(shown(&witness).is_empty());
    computer.show_notification("<b>x\u{1b}[0m\n", "<i>Tom</i> & &lt;Jerry\ntwo\u{202e}\0").expect("it is taken");
    wait_until("it is listed", || !shown(&witness).is_empty());
    let one = shown(&witness).remove(0);
    assert_eq!(one.title, "<b>x\\u{1b}[0m\\n");
    assert_eq!(one.body, "<i>Tom</i> & &lt;Jerry\ntwo\\u{202e}\\u{0}");
    wait_until("its time is over", || shown(&witness).is_empty());
}

#[test]
fn where_nobody_shows_notifications_a_host_serves_all_the_same() {
    let desktop = TestDesktop::start_with_session(640, 480);
    let computer = Arc::new(open_session(&desktop));
    let error = computer.show_notification("title", "text").unwrap_err();
    assert_eq!((error.code, error.message.lines().count()), (ErrorCode::Internal, 1), "{error}");
    run(async {
        let rig = Rig::start_as(shows(computer));
        rig.pair("controller").await;
        let client = rig.connect("controller").await.expect("the host is there");
        client.capabilities().await.expect("it answers");
    });
}

#[test]
fn a_bus_that_hangs_costs_a_notification_and_no_call() {
    let mut desktop = TestDesktop::start_with_session(640, 480);
    let socket = desktop.home().join("second-bus");
    let address = format!("unix:path={}", socket.display());
    let argument = format!("--address={address}");
    let bus = desktop.spawn("dbus-daemon", &["--session", "--nofork", "--nopidfile", &argument]);
    wait_until("the bus is there", || socket.exists());
    let computer = X11Desktop::open_with(Some(desktop.display()), Some(&address)).expect("the X server is there");
    desktop.run("kill", &["-STOP", &bus.to_string()]);
    let computer = Arc::new(computer);
    let error = computer.show_notification("title", "text").unwrap_err();
    assert_eq!((error.code, error.message.lines().count()), (ErrorCode::Internal, 1), "{error}");
    run(async {
        let rig = Rig::start_as(shows(computer));
        rig.pair("controller").await;
        let client = rig.connect("controller").await.expect("the host is there");
        client.cursor_position().await.expect("it answers");
        client.close().await;
    });
    desktop.run("kill", &["-CONT", &bus.to_string()]);
}

#[test]
fn the_virtual_desktop_shows_who_was_refused_and_nothing_unless_it_is_wanted() {
    run(async {
        let (quiet, silent) = Rig::on_virtual();
        quiet.pair("controller").await;
        quiet.stop().await;
        assert!(silent.notifications().unwrap().is_empty());

        let desktop = Arc::new(VirtualDesktop::default());
        let rig = Rig::start_as(shows(Arc::clone(&desktop) as Arc<dyn Computer>));
        let name = rig.pair("controller").await.seen_as;
        let mut peers = Peers::load(&rig.home("host")).unwrap();
        let key = peers.by_name(&name).expect("a paired controller").public_key;
        peers.remove(&key).unwrap().expect("it was trusted");
        let refused = rig.connect("controller").await;
        assert!(matches!(refused, Err(ClientError::Refused { .. })), "{refused:?}");
        wait_for("the refusal is shown", async || titles(&*desktop)[0] == "A controller was refused").await;
        assert!(shown(&*desktop)[0].body.contains(" from 127.0.0.1:"), "{:?}", shown(&*desktop));
    });
}
