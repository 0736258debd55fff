//! `opendesk connect`: whom a person may mean, and waiting for a machine that another controller drives.

use std::fs;
use std::path::Path;

use opendesk_tests::bin::{Running, Served, command};
use serde_json::Value;

use crate::{Folder, LIMIT, failure, json, opendesk, succeeded};

/// A host, and a home that was paired with it.
fn paired() -> (Folder, Served) {
    let folder = Folder::new();
    let served = Served::start(&folder.home("host"), "virtual", &[]);
    served.pair(&folder.home("controller"));
    (folder, served)
}

/// The host's key as 64 digits, as its owner reads it there.
fn key(home: &Path) -> String {
    let shown = json(&opendesk(home, &["identity", "--json"]));
    let key = shown["key"].as_str().or_else(|| shown["public_key"].as_str()).map(str::to_owned);
    key.unwrap_or_else(|| panic!("{shown}"))
}

fn connect(home: &Path, whom: &str) -> Value {
    let connected = opendesk(home, &["connect", whom, "--json"]);
    assert!(connected.status.success(), "{connected:?}");
    json(&connected)
}

#[test]
fn a_machine_is_named_by_name_fingerprint_key_or_address() {
    let (folder, served) = paired();
    let (host, controller) = (folder.home("host"), folder.home("controller"));
    let key = key(&host);
    let fingerprint = connect(&controller, "desk")["fingerprint"].as_str().unwrap().to_owned();
    let address = format!("ws://{}#{key}", served.address());
    for whom in [fingerprint.as_str(), &fingerprint[..7], &key, &address] {
        let connected = connect(&controller, whom);
        assert_eq!(connected["peer"], "desk", "{whom}");
        assert_eq!(connected["fingerprint"], fingerprint.as_str(), "{whom}");
        assert_eq!(connected["address"], served.address().to_string(), "{whom}");
    }
}

#[test]
fn an_address_with_a_key_needs_no_list_of_peers_here() {
    let (folder, served) = paired();
    let (controller, bare) = (folder.home("controller"), folder.home("bare"));
    // The same machine to the host, which knows nobody by name.
    succeeded(&opendesk(&bare, &["identity"]));
    for file in ["identity.key", "identity.ed25519"] {
        fs::copy(controller.join(file), bare.join(file)).unwrap();
    }
    let address = format!("ws://{}#{}", served.address(), key(&folder.home("host")));
    let connected = connect(&bare, &address);
    assert_eq!(connected["peer"], connected["fingerprint"], "it has no name here");
    assert_eq!(json(&opendesk(&bare, &["peers", "--json"])), serde_json::json!([]));
}

#[test]
fn another_key_than_the_one_that_answers_is_refused_and_so_is_tls() {
    let (folder, served) = paired();
    let controller = folder.home("controller");
    let stranger = key(&controller);
    let (code, line) = {
        let refused = opendesk(&controller, &["connect", &format!("ws://{}#{stranger}", served.address())]);
        let (code, line) = failure(&refused);
        (code, line.to_owned())
    };
    assert_eq!(code, 5, "{line}");
    assert!(line.contains("has not the key that was named"), "{line}");
    for (whom, expected) in [
        (format!("wss://{}#{stranger}", served.address()), "there is no TLS"),
        (format!("ws://{}", served.address()), "has no key behind a #"),
        ("ws://:1#00".to_owned(), "ws://HOST:PORT#KEY"),
    ] {
        let refused = opendesk(&controller, &["connect", &whom]);
        let (code, line) = failure(&refused);
        assert_eq!(code, 2, "{line}");
        assert!(line.contains(expected), "{line}");
    }
}

#[test]
fn who_waits_gets_a_busy_machine_when_it_is_free() {
    let (folder, served) = paired();
    let other = folder.home("other");
    served.pair(&other);
    // A session that lasts: the output is read when it is over.
    let mut command_line = command(&folder.home("controller"), &[]);
    command_line.args(["exec", "desk", "--", "sh", "-c", "echo on; sleep 600"]);
    let mut holder = Running::start(command_line);
    assert_eq!(holder.first_line(), "on");
    let refused = opendesk(&other, &["connect", "desk"]);
    let (code, line) = failure(&refused);
    assert!(code == 4 && line.ends_with("; `opendesk connect --wait` waits until it is free"), "{refused:?}");
    let waiting = Running::start(command(&other, &["connect", "desk", "--wait", "--json"]));
    while !waiting.stderr().contains("waiting: ") {
        std::thread::yield_now();
    }
    drop(holder);
    let connected = waiting.finish(LIMIT);
    assert!(connected.status.success(), "{connected:?}");
    assert_eq!(json(&connected)["peer"], "desk");
    assert_eq!(connected.stderr.matches("waiting: ").count(), 1, "{}", connected.stderr);
}

#[test]
fn a_host_that_was_restarted_is_the_same_machine() {
    let (folder, served) = paired();
    let port = served.address().port().to_string();
    drop(served);
    let controller = folder.home("controller");
    let (code, line) = {
        let refused = opendesk(&controller, &["connect", "desk"]);
        let (code, line) = failure(&refused);
        (code, line.to_owned())
    };
    assert_eq!(code, 3, "{line}");
    assert!(line.contains("is `opendesk serve` running there?"), "{line}");
    let args = ["serve", "--host", "127.0.0.1", "--port", &port, "--no-mdns", "--backend", "virtual"];
    let mut served = Running::start(command(&folder.home("host"), &args));
    assert!(served.first_line().ends_with(&port));
    connect(&controller, "desk");
}
