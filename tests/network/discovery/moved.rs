//! Machines that are not where they were: found by what is announced, and taken by their key alone.

use std::process::{Command, Stdio};

use opendesk_tests::bin::Running;
use opendesk_tests::desktop::{PATIENCE, PYTHON};
use serde_json::Value;

use super::hostile::claims;
use super::hosts::pair;
use super::net::{Homes, Machine, key};

pub(super) fn stop(serving: Running) {
    serving.signal("TERM");
    assert!(serving.finish(PATIENCE).status.success());
}

/// Somebody who takes connections at a port of this machine, any for 0, and says nothing.
pub(super) fn silence(on: &Machine, address: &str, port: u16) -> (Running, String) {
    let listens = "import socket, sys\n\
                   listener = socket.create_server((sys.argv[1], int(sys.argv[2])))\n\
                   print(listener.getsockname()[1], flush=True)\n\
                   sys.stdin.read()";
    let mut python = Command::new(PYTHON);
    python.args(["-c", listens, address, &port.to_string()]);
    let mut command = on.on(&python);
    command.stdin(Stdio::piped());
    let mut silent = Running::start(command);
    let port = silent.first_line();
    (silent, port)
}

#[test]
fn a_host_at_another_port_and_address_is_found_by_its_name() {
    // W34: the Python package never looks anywhere but where the machine was.
    let (there, here) = Machine::two();
    let homes = Homes::new();
    let (host, own) = (homes.of("host"), homes.of("own"));
    let (serving, port) = there.serve(&host, &["--host", "0.0.0.0"]);
    pair(&there, &host, &here, &own, port);
    stop(serving);
    there.shell("ip address del 192.0.2.1/24 dev cable && ip address add 192.0.2.77/24 dev cable");
    let (_serving, moved) = there.serve(&host, &["--host", "0.0.0.0"]);
    let connected = here.run(&own, &["connect", "desk", "--json"]);
    assert!(connected.status.success(), "{connected:?}");
    // From now on it is sought there, without asking anybody.
    let peers: Value = serde_json::from_str(&here.run(&own, &["peers", "--json"]).stdout).unwrap();
    assert_eq!(peers[0]["address"], format!("192.0.2.77:{moved}"), "{peers}");
}

#[test]
fn who_only_says_that_it_has_the_key_is_not_taken_for_the_machine() {
    let (there, here) = Machine::two();
    let homes = Homes::new();
    let (host, own, liar) = (homes.of("host"), homes.of("own"), homes.of("liar"));
    let (serving, port) = there.serve(&host, &["--host", "0.0.0.0"]);
    pair(&there, &host, &here, &own, port);
    let wanted = key(&there, &host);
    stop(serving);
    // Another machine announces its key.
    let (_lying, lying) = there.serve(&liar, &["--host", "0.0.0.0", "--no-mdns"]);
    let _claiming = claims(&there, "192.0.2.1", &wanted, &[&format!("192.0.2.1:{lying}")]);
    let refused = here.run(&own, &["connect", "desk"]);
    // What is told is of the machine, not of whoever pretends.
    assert_eq!(refused.status.code(), Some(3), "{refused:?}");
    assert!(refused.stderr.contains(&format!("192.0.2.1:{port} cannot be reached")), "{refused:?}");
    assert_eq!(refused.stderr.lines().count(), 1, "{refused:?}");
}

#[test]
fn many_who_say_that_they_have_the_key_and_say_nothing_more_do_not_hide_the_machine() {
    let (there, here) = Machine::two();
    let homes = Homes::new();
    let (host, own) = (homes.of("host"), homes.of("own"));
    let (serving, port) = there.serve(&host, &["--host", "0.0.0.0"]);
    pair(&there, &host, &here, &own, port);
    let wanted = key(&there, &host);
    stop(serving);
    let (_serving, moved) = there.serve(&host, &["--host", "192.0.2.1"]);
    // Each announces as many addresses as one host can, behind all of which nobody says anything.
    let (_silence, silent) = silence(&there, "0.0.0.0", 0);
    there.shell("for last in $(seq 100 147); do ip address add 192.0.2.$last/24 dev cable; done");
    let places: Vec<String> = (0..3)
        .map(|liar| {
            let addresses: Vec<String> = (0..16).map(|place| format!("192.0.2.{}", 100 + 16 * liar + place)).collect();
            format!("{}:{silent}", addresses.join(","))
        })
        .collect();
    let places: Vec<&str> = places.iter().map(String::as_str).collect();
    let _claiming = claims(&there, "192.0.2.1", &wanted, &places);
    let connected = here.run(&own, &["connect", "desk", "--json"]);
    assert!(connected.status.success(), "{connected:?}");
    let peers: Value = serde_json::from_str(&here.run(&own, &["peers", "--json"]).stdout).unwrap();
    assert!(peers[0]["address"].as_str().unwrap().ends_with(&format!(":{moved}")), "{peers}");
}

#[test]
fn a_host_that_is_nowhere_is_said_within_the_time_that_machines_take_to_answer() {
    let (there, here) = Machine::two();
    let homes = Homes::new();
    let (host, own) = (homes.of("host"), homes.of("own"));
    let (serving, port) = there.serve(&host, &["--host", "0.0.0.0"]);
    pair(&there, &host, &here, &own, port);
    stop(serving);
    let refused = here.run(&own, &["connect", "desk"]);
    assert_eq!(refused.status.code(), Some(3), "{refused:?}");
    assert!(refused.stderr.contains("is `opendesk serve` running there?"), "{refused:?}");
}
