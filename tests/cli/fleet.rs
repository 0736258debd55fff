//! `fleet`: one call on many machines.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use opendesk_std::home::{Home, NewPeer, Peers};
use opendesk_tests::bin::{PEER, Running, Served, command};
use serde_json::Value;

use crate::{Folder, LIMIT, failure, json, opendesk, succeeded};

/// Two hosts that a controller drives: it calls the first one `laptop`, and the second one `desk`.
struct Two {
    folder: Folder,
    controller: PathBuf,
    laptop: Served,
    _desk: Served,
}

impl Two {
    fn new() -> Self {
        let folder = Folder::new();
        let controller = folder.home("controller");
        let laptop = Served::start(&folder.home("laptop"), "virtual", &[]);
        laptop.pair(&controller);
        succeeded(&opendesk(&controller, &["peers", "rename", PEER, "laptop"]));
        let desk = Served::start(&folder.home("desk"), "virtual", &[]);
        desk.pair(&controller);
        Self { folder, controller, laptop, _desk: desk }
    }
}

/// A machine at a port that is known but has not been paired by anybody.
fn know(controller: &Path, name: &str, port: u16) {
    let home = Home::open(Some(controller.to_owned())).expect("a home");
    let mut peers = Peers::load(&home).expect("a home that is read");
    let public_key = [7; 32];
    let new = NewPeer { public_key, name: name.into(), paired_at: 0.0, signing_key: None, wire: 2, terms: None };
    peers.add(&new).expect("a home that is written");
    peers.set_endpoint(&public_key, "127.0.0.1", port).expect("a home that is written");
}

fn lines(finished: &opendesk_tests::bin::Finished) -> Vec<&str> {
    finished.stdout.lines().collect()
}

#[test]
fn every_machine_has_a_line_and_a_picture_in_the_order_of_the_names() {
    let two = Two::new();
    let out = two.folder.home("shots");
    let args = ["fleet", "screenshot", "--peers", "laptop,desk", "--peers", "local", "--backend", "virtual"];
    let said = opendesk(&two.controller, &[&args[..], &["--out", out.to_str().unwrap()]].concat());
    succeeded(&said);
    for (line, name) in lines(&said).into_iter().zip(["laptop", "desk", "local"]) {
        assert!(line.starts_with(&format!("{name}: ok: Picture of 1280x800 pixels")), "{line}");
        assert!(line.ends_with(&format!("/shots/{name}.png.")), "{line}");
        assert!(fs::read(out.join(format!("{name}.png"))).unwrap().starts_with(b"\x89PNG"), "{name}");
    }
    assert_eq!(lines(&said).len(), 3);

    let told = json(&opendesk(&two.controller, &["fleet", "screenshot", "--peers", "all", "--json"]));
    assert_eq!((&told["ok"], &told["failed"]), (&2.into(), &0.into()));
    for result in told["results"].as_array().unwrap() {
        assert_eq!((&result["ok"], &result["error"], &result["picture"]), (&true.into(), &Value::Null, &Value::Null));
        assert!(result["text"].as_str().unwrap().starts_with("Picture of") && result["ms"].is_u64(), "{result}");
    }
}

#[test]
fn machines_are_chosen_by_what_is_said_of_them() {
    let two = Two::new();
    succeeded(&opendesk(&two.controller, &["peers", "describe", "laptop", "Anna's, in the office"]));
    let press = ["fleet", "keyboard", r#"{"action": "press", "key": "a", "settle_ms": 0}"#, "--peers", "all"];
    let said = opendesk(&two.controller, &[&press[..], &["--match", "OFFICE anna"]].concat());
    assert_eq!(succeeded(&said), "laptop: ok: Pressed a. virtual confirms the input, not what it did.");
    let none = opendesk(&two.controller, &[&press[..], &["--match", "windows"]].concat());
    let (code, line) = failure(&none);
    assert!(code == 5 && line.contains("\"windows\"") && none.stdout.is_empty(), "{none:?}");
}

#[test]
fn the_exit_code_is_the_one_that_all_failures_share() {
    let two = Two::new();
    let click = r#"{"action": "click", "x": 5, "y": 5, "settle_ms": 0}"#;
    let fleet = ["fleet", "mouse", click, "--peers", "laptop,desk", "--timeout", "20"];
    let Two { folder: _folder, controller, laptop, _desk } = two;
    drop(laptop);
    let tried = opendesk(&controller, &fleet);
    assert_eq!(failure(&tried), (3, "opendesk: failed on 1 of 2 machines"));
    assert!(lines(&tried)[0].starts_with("laptop: failed: 127.0.0.1:"), "{tried:?}");
    assert!(lines(&tried)[1].starts_with("desk: ok: Done: click at 5,5"), "{tried:?}");

    // Of two machines one cannot be reached, and the other is not to be touched (W8).
    let rules = r#"{"rules": [{"tool": "mouse", "peer": "desk", "decision": "block", "reason": "it is the till"}]}"#;
    fs::write(controller.join("policy.json"), rules).unwrap();
    let tried = opendesk(&controller, &[&fleet[..], &["--json"]].concat());
    assert_eq!(failure(&tried), (1, "opendesk: failed on 2 of 2 machines"));
    let told: Value = serde_json::from_str(&tried.stdout).expect("one object");
    assert_eq!((&told["ok"], &told["failed"]), (&0.into(), &2.into()));
    let refused = &told["results"][1];
    assert_eq!((&refused["peer"], &refused["ok"], &refused["text"]), (&"desk".into(), &false.into(), &Value::Null));
    assert!(refused["error"].as_str().unwrap().contains("it is the till"), "{refused}");

    let tried = opendesk(&controller, &["fleet", "mouse", click, "--peers", "desk"]);
    assert_eq!(failure(&tried), (5, "opendesk: failed on desk"));
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_done() {
    let folder = Folder::new();
    let home = folder.home("home");
    for (args, code, part) in [
        (&["fleet", "screenshot"][..], 2, "--peers"),
        (&["fleet", "screenshot", "--peers", "all"], 5, "no paired machine"),
        (&["fleet", "screenshot", "--peers", "local,nobody"], 5, "\"nobody\""),
        (&["fleet", "screenshot", "--peers", "local,"], 2, "is empty"),
        (&["fleet", "screenshot", "{", "--peers", "local"], 2, "no JSON"),
        (&["fleet", "screenshot", "[]", "--peers", "local"], 2, "JSON object"),
        (&["fleet", "screenshot", r#"{"peer": "a"}"#, "--peers", "local"], 2, "`peer`"),
        (&["fleet", "fly", "--peers", "local"], 2, "no tool is called"),
        (&["fleet", "opendesk_use", "--peers", "local"], 2, "not done on a desktop"),
        (&["fleet", "screenshot", "--peers", "local", "--concurrency", "0"], 2, "--concurrency"),
        (&["fleet", "screenshot", "--peers", "local", "--timeout", "0"], 2, "--timeout"),
        (&["fleet", "screenshot", "--peers", "local", "--out", "/dev/null/shots"], 1, "/dev/null/shots"),
    ] {
        let tried = opendesk(&home, args);
        let (number, line) = failure(&tried);
        assert!(number == code && line.contains(part) && tried.stdout.is_empty(), "{args:?}: {tried:?}");
    }
    // Where the tool itself refuses its arguments, each machine says so.
    let args = ["fleet", "mouse", r#"{"action": "fly"}"#, "--peers", "local", "--backend", "virtual"];
    let tried = opendesk(&home, &args);
    assert_eq!(failure(&tried).0, 2, "{tried:?}");
    assert!(tried.stdout.starts_with("local: failed: the arguments do not fit"), "{tried:?}");
}

#[cfg(unix)]
#[test]
fn whoever_interrupts_a_fleet_is_told_what_was_done() {
    let folder = Folder::new();
    let home = folder.home("home");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    know(&home, "silent", silent.local_addr().unwrap().port());
    let args = ["fleet", "screenshot", "--peers", "local,silent", "--backend", "virtual", "--concurrency", "1"];
    let running = Running::start(command(&home, &args));
    let connection = silent.accept().unwrap();
    running.signal("INT");
    let ended = running.finish(LIMIT);
    assert_eq!(ended.status.code(), Some(130), "{ended:?}");
    assert!(lines(&ended)[0].starts_with("local: ok: "), "{ended:?}");
    assert!(lines(&ended)[1].starts_with("silent: failed: interrupted while it was under way"), "{ended:?}");
    drop(connection);
}
