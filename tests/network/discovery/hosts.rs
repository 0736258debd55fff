//! Our host and our controller.

use core::time::Duration;
use std::path::Path;
use std::process::Command;

use opendesk_tests::bin::Running;
use opendesk_tests::desktop::{PATIENCE, PYTHON};
use serde_json::Value;

use super::net::{Homes, Machine, addresses, fingerprint, key, tells};

/// Waits until a watcher has told of a machine at all these addresses.
fn hears_of(watch: &mut Running, key: &str, wanted: &[String]) -> Value {
    watch.hear(|line| {
        let value: Value = serde_json::from_str(line).ok()?;
        let there = value["event"] != "vanished" && value["public_key"] == key;
        let there = there && wanted.iter().all(|address| addresses(&value).contains(address));
        there.then_some(value)
    })
}

fn ends(watch: Running) {
    watch.signal("INT");
    let finished = watch.finish(PATIENCE);
    assert!(finished.status.success() && finished.stderr.is_empty(), "{finished:?}");
}

fn a_host_is_followed_from_its_start_to_its_end(runtime: &str) {
    let (there, here) = Machine::two();
    let homes = Homes::new();
    let (host, own) = (homes.of("host"), homes.of("own"));
    let first = key(&there, &host);
    let mut watch = here.watch(&own);
    let (serving, port) = there.serve(&host, &["--host", "::", "--runtime", runtime]);
    let wanted = [format!("192.0.2.1:{port}"), format!("[2001:db8::1]:{port}")];
    let seen = hears_of(&mut watch, &first, &wanted);
    assert!(addresses(&seen).iter().any(|address| address.starts_with("[fe80::") && address.contains('%')), "{seen}");
    assert!(addresses(&seen).iter().all(|address| !address.starts_with("127.") && address != "::1"), "{seen}");
    let is_named_after = |seen: &Value, key: &str| seen["name"].as_str().is_some_and(|name| name.ends_with(&key[..6]));
    assert!(is_named_after(&seen, &first), "{seen}");
    let shown = ["fingerprint", "description", "paired_as", "wire"].map(|field| seen[field].clone());
    assert_eq!(Value::from(shown.to_vec()), serde_json::json!([fingerprint(&first), "", null, 2]));
    // One that begins to look now finds it as well.
    let found = here.found(&own, "2.5");
    let [found] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((found["public_key"].as_str(), addresses(found)), (Some(first.as_str()), addresses(&seen)));

    let described = there.run(&host, &["describe", "the büro PC"]);
    assert!(described.status.success(), "{described:?}");
    watch.hear(|line| tells("changed", &first)(line).filter(|value| value["description"] == "the büro PC"));

    let rotated = there.run(&host, &["identity", "rotate"]);
    assert!(rotated.status.success(), "{rotated:?}");
    let second = key(&there, &host);
    assert_ne!(first, second);
    watch.hear(tells("vanished", &first));
    let seen = hears_of(&mut watch, &second, &wanted);
    assert_eq!(seen["description"], "the büro PC");
    assert!(is_named_after(&seen, &second), "{seen}");

    serving.signal("TERM");
    let ended = serving.finish(PATIENCE);
    assert!(ended.status.success(), "{ended:?}");
    watch.hear(tells("vanished", &second));
    ends(watch);
}

#[test]
fn a_host_on_tokio_is_followed_from_its_start_to_its_end() {
    a_host_is_followed_from_its_start_to_its_end("tokio");
}

#[test]
fn a_host_on_smol_is_followed_from_its_start_to_its_end() {
    a_host_is_followed_from_its_start_to_its_end("smol");
}

#[test]
fn a_host_is_announced_where_it_listens_and_nowhere_else() {
    let (there, here) = Machine::two();
    let homes = Homes::new();
    let own = homes.of("own");
    let serve = |name: &str, args: &[&str]| {
        let home = homes.of(name);
        let key = key(&there, &home);
        (there.serve(&home, args), key)
    };
    let ((_silent, _), _) = serve("silent", &["--host", "::", "--no-mdns"]);
    let ((_private, port), private) = serve("private", &["--host", "127.0.0.1"]);
    let ((_sixth, sixth_port), sixth) = serve("sixth", &["--host", "2001:db8::1"]);
    // The last one, so that whoever hears of it had time to hear of the others.
    let ((_open, open_port), open) = serve("open", &["--host", "0.0.0.0"]);
    let sorted = |found: Vec<Value>| {
        let mut found: Vec<_> =
            found.iter().map(|found| (found["public_key"].as_str().unwrap().to_owned(), addresses(found))).collect();
        found.sort();
        found
    };
    let sixth = (sixth, vec![format!("[2001:db8::1]:{sixth_port}")]);
    let mut expected = vec![sixth.clone(), (open.clone(), vec![format!("192.0.2.1:{open_port}")])];
    expected.sort();
    assert_eq!(sorted(here.found(&own, "3")), expected);
    // On its own machine.
    let own_machine = sorted(there.found(&own, "3"));
    assert!(own_machine.contains(&(private, vec![format!("127.0.0.1:{port}")])), "{own_machine:?}");
    let found = own_machine.iter().find(|(key, _)| *key == open).unwrap_or_else(|| panic!("{own_machine:?}"));
    assert_eq!(found.1, [format!("127.0.0.1:{open_port}"), format!("192.0.2.1:{open_port}")]);
    assert_eq!(own_machine.len(), 3, "{own_machine:?}");
}

#[test]
fn a_machine_that_shows_a_code_is_announced_and_says_goodbye_when_it_is_interrupted() {
    let (there, here) = Machine::two();
    let homes = Homes::new();
    let (host, own) = (homes.of("host"), homes.of("own"));
    let shows = key(&there, &host);
    let mut watch = here.watch(&own);
    let mut showing = there.start(&host, &["pair", "--port", "0"]);
    assert!(showing.first_line().starts_with("pairing code: "));
    watch.hear(tells("appeared", &shows));
    showing.signal("INT");
    let ended = showing.finish(PATIENCE);
    assert_eq!(ended.status.code(), Some(130), "{ended:?}");
    watch.hear(tells("vanished", &shows));
    ends(watch);
}

#[test]
fn a_machine_is_called_by_its_key_what_it_was_paired_as() {
    let (there, here) = Machine::two();
    let homes = Homes::new();
    let (host, own) = (homes.of("host"), homes.of("own"));
    let (_serving, port) = there.serve(&host, &["--host", "0.0.0.0"]);
    pair(&there, &host, &here, &own, port);
    let found = here.found(&own, "2");
    let [found] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((&found["paired_as"], &found["public_key"]), (&"desk".into(), &key(&there, &host).into()));
    let shown = here.run(&own, &["discover"]);
    let lines: Vec<&str> = shown.stdout.lines().collect();
    let [header, row] = lines.as_slice() else { panic!("{shown:?}") };
    assert_eq!(
        header.split("  ").filter(|cell| !cell.is_empty()).map(str::trim).collect::<Vec<_>>(),
        ["NAME", "ADDRESS", "FINGERPRINT", "PAIRED AS", "DESCRIPTION"]
    );
    assert!(row.contains(&format!("  192.0.2.1:{port}  ")) && row.ends_with("  desk"), "{row}");
}

#[test]
fn the_name_that_is_shown_is_enough_to_pair_with_a_machine_and_to_reach_it() {
    let (there, here) = Machine::two();
    let homes = Homes::new();
    let (host, own) = (homes.of("host"), homes.of("own"));
    let (serving, _) = there.serve(&host, &["--host", "::"]);
    let found = here.found(&own, "2");
    let [found] = found.as_slice() else { panic!("{found:?}") };
    let name = found["name"].as_str().expect("a name").to_owned();
    // Nothing that is announced is reached before it is paired, and what to do is said.
    let strange = here.run(&own, &["connect", &name]);
    assert_eq!(strange.status.code(), Some(5), "{strange:?}");
    assert!(strange.stderr.contains(&format!("`opendesk pair-with {name} CODE`")), "{strange:?}");
    let mut showing = there.start(&host, &["pair", "--code", "482913"]);
    assert!(showing.first_line().contains("482913"));
    let paired = here.run(&own, &["pair-with", &name, "482913", "--name", "desk", "--json"]);
    assert!(paired.status.success(), "{paired:?}");
    let paired: Value = serde_json::from_str(&paired.stdout).expect("JSON");
    let host_of = paired["host"].as_str().expect("where it was reached");
    let host_of = if host_of.contains(':') { format!("[{host_of}]") } else { host_of.to_owned() };
    let at = format!("{host_of}:{}", paired["port"]);
    assert!(addresses(found).contains(&at), "{at}: {found}");
    assert_eq!(paired["public_key"], found["public_key"]);
    assert!(showing.finish(PATIENCE).status.success());
    let connected = here.run(&own, &["connect", &name, "--json"]);
    assert!(connected.status.success(), "{connected:?}");
    let connected: Value = serde_json::from_str(&connected.stdout).expect("JSON");
    assert_eq!(connected["peer"], "desk");
    // Without the network the key at its end still says who is meant, and nobody else is taken for it.
    serving.signal("TERM");
    assert!(serving.finish(PATIENCE).status.success());
    let gone = here.run(&own, &["connect", &name]);
    assert_eq!(gone.status.code(), Some(3), "{gone:?}");
    let nobody = here.run(&own, &["pair-with", &name, "482913", "--name", "other"]);
    assert_eq!(nobody.status.code(), Some(3), "{nobody:?}");
    assert!(nobody.stderr.contains(&format!("announces itself as {name}")), "{nobody:?}");
}

/// Pairs the second machine with a host on the first, and calls it `desk`.
pub(super) fn pair(there: &Machine, host: &Path, here: &Machine, own: &Path, port: u16) {
    pair_at("192.0.2.1", there, host, here, own, port);
}

pub(super) fn pair_at(address: &str, there: &Machine, host: &Path, here: &Machine, own: &Path, port: u16) {
    let mut showing = there.start(host, &["pair", "--code", "482913"]);
    assert!(showing.first_line().contains("482913"));
    let args = ["pair-with", address, "482913", "--name", "desk", "--port", &port.to_string()];
    let paired = here.run(own, &args);
    assert!(paired.status.success(), "{paired:?}");
    let shown = showing.finish(PATIENCE);
    assert!(shown.status.success(), "{shown:?}");
}

#[test]
fn a_network_without_hosts_is_no_failure_and_says_what_to_look_at() {
    let machine = Machine::alone();
    let homes = Homes::new();
    let found = machine.run(&homes.of("own"), &["discover", "--timeout", "0.2"]);
    assert!(found.status.success(), "{found:?}");
    assert_eq!(found.stdout, "no machine was found\n");
    assert!(found.stderr.contains("opendesk serve") && found.stderr.contains("UDP port 5353"), "{found:?}");
    assert_eq!(machine.found(&homes.of("own"), "0.2"), Vec::<Value>::new());
}

#[test]
fn a_host_serves_without_multicast_dns_and_says_so_once() {
    let (there, here) = Machine::two();
    let homes = Homes::new();
    let (host, own) = (homes.of("host"), homes.of("own"));
    let mut python = Command::new(PYTHON);
    // It shares the port with nobody.
    let script = "import socket, time; port = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); \
                  port.bind(('::', 5353)); print('bound', flush=True); time.sleep(600)";
    python.args(["-c", script]);
    let mut greedy = Running::start(there.on(&python));
    assert_eq!(greedy.first_line(), "bound");
    let (serving, port) = there.serve(&host, &["--host", "0.0.0.0"]);
    pair(&there, &host, &here, &own, port);
    let warned = serving.stderr();
    let warnings: Vec<&str> = warned.lines().filter(|line| line.contains("not announced")).collect();
    let [warning] = warnings.as_slice() else { panic!("{warned}") };
    assert!(warning.contains("WARN") && warning.contains("UDP port 5353 is in use"), "{warning}");
    assert_eq!(here.found(&own, "1"), Vec::<Value>::new());
    // And who looks from there hears why nothing is found.
    let refused = there.run(&homes.of("other"), &["discover"]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(refused.stderr.contains("UDP port 5353 is in use") && refused.stderr.lines().count() == 1, "{refused:?}");
    serving.signal("TERM");
    assert!(serving.finish(Duration::from_secs(30)).status.success());
}

#[test]
fn a_host_is_found_on_a_network_that_comes_later() {
    let (there, here) = Machine::two();
    let homes = Homes::new();
    let (host, own) = (homes.of("host"), homes.of("own"));
    there.shell("ip link set cable down");
    let expected = key(&there, &host);
    let mut watch = here.watch(&own);
    let (_serving, _) = there.serve(&host, &["--host", "0.0.0.0"]);
    there.shell("ip link set cable up");
    watch.hear(tells("appeared", &expected));
    ends(watch);
}
