//! Names with several addresses, of which one is the machine's.

use std::fs;
use std::path::Path;
use std::process::Command;

use opendesk_tests::bin::{self, Finished, Running};
use opendesk_tests::desktop::{PATIENCE, PYTHON};

use super::hosts::pair_at;
use super::moved::{silence, stop};
use super::net::{Homes, Machine, key};

/// Runs `opendesk` on a machine for which a file names the others.
fn run_with_names(machine: &Machine, names: &Path, home: &Path, args: &[&str]) -> Finished {
    let script = r#"mount --bind "$0" /etc/hosts && exec "$@""#;
    let names = names.to_str().expect("a path of the test");
    let command = bin::behind(&["unshare", "-m", "sh", "-c", script, names], &bin::command(home, args));
    Running::start(machine.on(&command)).finish(PATIENCE)
}

#[test]
fn of_the_addresses_of_a_name_the_one_counts_where_the_key_answers() {
    let machine = Machine::alone();
    let homes = Homes::new();
    let (host, own, other) = (homes.of("host"), homes.of("own"), homes.of("other"));
    let names = homes.of("names");
    let entry = |number| format!("127.0.0.{number} several.test\n");
    fs::write(&names, [2, 3, 4, 5].map(entry).concat()).unwrap();
    let (serving, port) = machine.serve(&host, &["--host", "127.0.0.5"]);
    pair_at("127.0.0.5", &machine, &host, &machine, &own, port);
    stop(serving);
    // Where it is now it was never reached.
    let (_serving, port) = machine.serve(&host, &["--host", "127.0.0.5"]);
    let at = format!("ws://several.test:{port}#{}", key(&machine, &host));
    // One says nothing, one speaks of something else, one is another machine.
    let _silence = silence(&machine, "127.0.0.2", port);
    let port = port.to_string();
    let mut page = Command::new(PYTHON);
    page.args(["-u", "-m", "http.server", "--bind", "127.0.0.3", &port]).current_dir(homes.of(""));
    let mut page = Running::start(machine.on(&page));
    page.first_line();
    let mut another = machine.start(&other, &["serve", "--backend", "virtual", "--host", "127.0.0.4", "--port", &port]);
    another.first_line();
    let connected = run_with_names(&machine, &names, &own, &["connect", &at, "--json"]);
    assert!(connected.status.success(), "{connected:?}");
    // Where none of them has the key, what one of them has said is told.
    fs::write(&names, [2, 4].map(entry).concat()).unwrap();
    let refused = run_with_names(&machine, &names, &homes.of("third"), &["connect", &at]);
    assert!(refused.stderr.contains("not the key"), "{refused:?}");
}
