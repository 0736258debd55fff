//! The Python package's own multicast DNS with ours, both ways.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use opendesk_tests::bin::Running;
use opendesk_tests::desktop::PATIENCE;
use serde_json::Value;

use super::net::{Homes, Machine, addresses, fingerprint, key, tells};

/// A program of the Python environment that has the package.
fn program(name: &str, home: &Path, args: &[&str]) -> Command {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/venv-peer/bin");
    assert!(folder.exists(), "{} is missing; `cargo ci setup` makes it", folder.display());
    let mut command = Command::new(folder.join(name));
    command.args(args).env("HOME", home).env("PYTHONUNBUFFERED", "1").env("PYTHONDONTWRITEBYTECODE", "1");
    command.env("PATH", std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into()));
    command
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("interop").join(name)
}

/// The package announces the address by which a machine reaches the world.
fn has_a_way_out(machine: &Machine, over: &str) {
    machine.shell(&format!("ip route add default via {over}"));
}

#[test]
fn the_python_package_lists_our_host_with_its_key_and_description() {
    let (there, here) = Machine::two();
    let homes = Homes::new();
    let (host, own) = (homes.of("host"), homes.of("own"));
    let described = there.run(&host, &["describe", "the büro PC"]);
    assert!(described.status.success(), "{described:?}");
    let key = key(&there, &host);
    let (_serving, port) = there.serve(&host, &["--host", "::"]);
    has_a_way_out(&here, "192.0.2.1");
    let listed = Running::start(here.on(&program("opendesk", &own, &["discover"]))).finish(PATIENCE);
    assert!(listed.status.success(), "{listed:?}");
    let rows: Vec<&str> = listed.stdout.lines().skip(1).collect();
    let [row] = rows.as_slice() else { panic!("{listed:?}") };
    let cells: Vec<&str> = row.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
    let [name, address, shown, description] = cells.as_slice() else { panic!("{row}") };
    assert!(name.ends_with(&format!("-{}", &key[..6])), "{row}");
    assert_eq!((*address, *shown, *description), (&*format!("192.0.2.1:{port}"), &*fingerprint(&key), "the büro PC"));
}

#[test]
fn the_python_package_s_host_is_listed_with_its_key_and_description() {
    let (there, here) = Machine::two();
    let homes = Homes::new();
    let (host, own) = (homes.of("host"), homes.of("own"));
    has_a_way_out(&there, "192.0.2.2");
    let mut watch = here.watch(&own);
    let (script, home) = (script("host.py"), host.to_str().expect("text"));
    let args = [script.to_str().expect("text"), "--home", home, "--description", "die Küche", "--announce"];
    let mut command = there.on(&program("python", &host, &args));
    command.stdin(Stdio::piped());
    let mut serving = Running::start(command);
    let listening = serving.hear(|line| {
        let value: Value = serde_json::from_str(line).ok()?;
        (value["event"] == "listening").then_some(value)
    });
    let key = listening["key"].as_str().expect("a key").to_owned();
    let port = &listening["port"];

    let seen = watch.hear(tells("appeared", &key));
    let found = here.found(&own, "3");
    let [found] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(found["name"], seen["name"]);
    assert_eq!(addresses(found), [format!("192.0.2.1:{port}")]);
    assert_eq!(found["fingerprint"], fingerprint(&key));
    assert_eq!((&found["description"], &found["wire"]), (&"die Küche".into(), &1.into()));

    // It ends without saying goodbye: it begins to, and does not wait until it is said.
    serving.say("quit");
    let ended = serving.finish(PATIENCE);
    assert!(ended.status.success(), "{ended:?}");
    watch.signal("INT");
    assert!(watch.finish(PATIENCE).status.success());
}
