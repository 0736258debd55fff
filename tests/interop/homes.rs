//! What is on disk and on the local socket, used by the programs of both kinds.

use core::time::Duration;
use std::fs;

use opendesk_std::api::{Method as _, SystemEnvironment};
use opendesk_std::home::{Home, Peers};
use opendesk_tests::bin::{self, Running};
use serde_json::Value;

use super::as_controller::{self, run};
use super::as_host;
use super::peer::{self, event};

#[test]
fn the_packages_commands_see_and_end_the_sessions_of_our_host() {
    let rig = as_host::Rig::start(&[]);
    let anna = rig.pair("anna");
    let host = rig.home("host");
    let none = peer::done(peer::cli(&host, &["sessions"]));
    assert!(none.status.success() && none.stdout.contains("No active session."), "{none:?}");
    let mut held = rig.hold(&anna);
    let listed = peer::done(peer::cli(&host, &["sessions"]));
    assert!(listed.stdout.contains("PEER") && listed.stdout.contains("127.0.0.1:"), "{listed:?}");
    let ended = peer::done(peer::cli(&host, &["disconnect"]));
    assert!(ended.stdout.contains("Disconnected the active controller."), "{ended:?}");
    held.hear(event("evicted"));
}

#[test]
fn our_commands_see_and_end_the_sessions_of_the_packages_host() {
    run(async {
        let mut rig = as_controller::Rig::start(&[]);
        rig.pair("anna").await;
        let host = rig.folder().join("host");
        let client = rig.connect("anna").await.unwrap();
        let listed = peer::done(bin::command(&host, &["sessions", "--json"]));
        let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
        assert_eq!((listed[0]["mode"].as_str(), listed.as_array().unwrap().len()), (Some("serve"), 1), "{listed}");
        let ended = peer::done(bin::command(&host, &["disconnect", "--json"]));
        assert!(ended.stdout.contains(r#""disconnected":1"#), "{ended:?}");
        let told = client.call_encoded(SystemEnvironment::NAME, vec![0x80], Duration::from_secs(20)).await;
        assert!(told.is_err(), "{told:?}");
    });
}

#[test]
fn each_verifies_the_log_of_the_other_and_sees_a_changed_line() {
    let rig = as_host::Rig::start(&[]);
    let anna = rig.pair("anna");
    let outcomes = peer::cases(&anna, &rig.target(), &[], &["display.displays", "input.text"]);
    assert!(outcomes.values().all(|(ok, _)| *ok), "{outcomes:?}");
    let ours = rig.home("host");

    let theirs = run(async {
        let mut rig = as_controller::Rig::start(&[]);
        rig.pair("anna").await;
        rig.connect("anna").await.unwrap().displays().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(Some(folder.path().join("home"))).unwrap();
        let copy = home.path().join("audit");
        fs::create_dir(&copy).unwrap();
        for file in fs::read_dir(rig.folder().join("host/audit")).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), copy.join(file.file_name())).unwrap();
        }
        (folder, home)
    });
    let (_kept, theirs) = theirs;
    let intact = peer::done(peer::cli(&ours, &["audit", "verify"]));
    assert!(intact.status.success() && intact.stdout.contains("OK"), "{intact:?}");
    let verified = peer::done(bin::command(theirs.path(), &["audit", "verify"]));
    assert!(verified.status.success() && verified.stdout.contains("as they were written"), "{verified:?}");

    for (home, ours_verifies) in [(theirs.path(), true), (ours.as_path(), false)] {
        // Beside it lies the lock, in an order that depends on both names.
        let mut files = fs::read_dir(home.join("audit")).unwrap().map(|file| file.unwrap().path());
        let day = files.find(|file| file.extension().is_some_and(|extension| extension == "jsonl")).unwrap();
        let text = fs::read_to_string(&day).unwrap();
        fs::write(&day, text.replacen("session.opened", "session.closed", 1)).unwrap();
        let verify = ["audit", "verify"];
        let verify = if ours_verifies { bin::command(home, &verify) } else { peer::cli(home, &verify) };
        let told = peer::done(verify);
        assert_eq!(told.status.code(), Some(1), "{told:?}");
    }
}

#[test]
fn a_home_of_the_package_is_used_as_it_is_and_stays_its_own() {
    run(async {
        // It pairs in both roles, then our program takes its home over.
        let mut rig = as_controller::Rig::start(&["--description", "for bills"]);
        let home = rig.folder().join("controller");
        rig.host.running.say("pair 271828");
        rig.host.running.hear(event("pairing"));
        let port = rig.host.port.clone();
        let args = ["pair-with", "127.0.0.1", "271828", "--port", &port, "--name", "desk"];
        let paired = peer::done(peer::cli(&home, &args));
        assert!(paired.status.success(), "{paired:?}");
        let connected = peer::done(peer::cli(&home, &["connect", "desk"]));
        assert!(connected.status.success(), "{connected:?}");
        let key = peer::key(&home);

        let connected = peer::done(bin::command(&home, &["connect", "desk"]));
        assert!(connected.status.success(), "{connected:?}");
        let listed = peer::done(bin::command(&home, &["peers", "--json"]));
        let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
        assert_eq!((&listed[0]["name"], &listed[0]["wire"]), (&Value::from("desk"), &Value::from(1)), "{listed}");
        assert_eq!(listed[0]["description"], "for bills", "{listed}");
        let identity = peer::done(bin::command(&home, &["identity", "--json"]));
        assert!(identity.stdout.contains(&key), "{identity:?}; {key}");

        // And back.
        let connected = peer::done(peer::cli(&home, &["connect", "desk"]));
        assert!(connected.status.success(), "{connected:?}");
        let listed = peer::done(peer::cli(&home, &["peers", "list"]));
        assert!(listed.stdout.contains("desk") && listed.stdout.contains("for bills"), "{listed:?}");
        let ours = Peers::load(&rig.home("controller")).unwrap();
        assert_eq!(ours.list().len(), 1);
    });
}

#[test]
fn a_host_of_version_1_that_becomes_ours_is_spoken_to_in_version_2_from_then_on() {
    run(async {
        let mut rig = as_controller::Rig::start(&[]);
        rig.pair("anna").await;
        rig.host.running.say("quit");
        let listen = ["serve", "--host", "127.0.0.1", "--port", &rig.host.port, "--backend", "virtual"];
        let served = || {
            let mut host = Running::start(bin::command(&rig.folder().join("host"), &listen));
            host.first_line();
            host
        };
        let wire = async || {
            let client = rig.connect("anna").await.unwrap();
            let wire = client.wire().number();
            client.close().await;
            wire
        };
        as_controller::wait_until_free(&rig.host.port).await;
        let host = served();
        assert_eq!(wire().await, 1);
        // What the host said of itself is stored by then.
        while Peers::load(&rig.home("anna")).unwrap().list()[0].wire != Some(2) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(wire().await, 2);
        // Whoever makes it seem to speak version 1 only is not believed.
        drop(host);
        let trusting =
            format!("[{{\"public_key\": \"{}\"}}]", rig.home("anna").identity().unwrap().keys.static_key.public());
        fs::write(rig.folder().join("host/trusted-peers.json"), trusting).unwrap();
        let old = peer::Host::start(&rig.folder().join("host"), &["--port", &rig.host.port]);
        assert!(rig.connect("anna").await.is_err());
        drop(old);
    });
}
