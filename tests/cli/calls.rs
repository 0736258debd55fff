//! `call`: one tool on one machine, however it is named.

use std::fs;
use std::path::Path;

use opendesk_std::home::{Home, NewPeer, Peers};
use opendesk_tests::bin::{PEER, Served};
use serde_json::Value;
use serde_json::json as object;

use crate::{Folder, failure, json, opendesk, succeeded};

const PRESS: &str = r#"{"action": "press", "key": "a", "settle_ms": 0}"#;

#[test]
fn a_machine_is_named_by_its_name_its_fingerprint_its_key_or_its_place() {
    let folder = Folder::new();
    let (host, controller) = (folder.home("host"), folder.home("controller"));
    let served = Served::start(&host, "virtual", &[]);
    served.pair(&controller);
    let peer = json(&opendesk(&controller, &["peers", "--json"]))[0].clone();
    let (fingerprint, key) = (peer["fingerprint"].as_str().unwrap(), peer["public_key"].as_str().unwrap());
    let place = format!("ws://{}#{key}", served.address());
    for name in [PEER, fingerprint, &fingerprint[..6].to_uppercase(), key, &place] {
        let said = opendesk(&controller, &["call", "keyboard", PRESS, "--peer", name]);
        assert_eq!(succeeded(&said), "[on desk] Pressed a. virtual confirms the input, not what it did.", "{name}");
    }
    // Among the arguments it means the same; in both places it is one too many.
    let named = PRESS.replace('{', &format!(r#"{{"peer": "{fingerprint}", "#));
    assert_eq!(
        succeeded(&opendesk(&controller, &["call", "keyboard", &named])),
        "[on desk] Pressed a. virtual confirms the input, not what it did."
    );
    let twice = opendesk(&controller, &["call", "keyboard", &named, "--peer", PEER]);
    assert!(failure(&twice).0 == 2 && failure(&twice).1.contains("named twice"), "{twice:?}");
    let nobody = PRESS.replace('{', r#"{"peer": "nobody", "#);
    let tried = opendesk(&controller, &["call", "keyboard", &nobody]);
    assert!(failure(&tried).0 == 5 && failure(&tried).1.contains("\"nobody\""), "{tried:?}");
    // What chooses for a session chooses nothing for a command.
    let chosen = opendesk(&controller, &["call", "opendesk_use", &format!(r#"{{"peer": "{fingerprint}"}}"#)]);
    assert!(failure(&chosen).0 == 2 && failure(&chosen).1.contains("opendesk peers default"), "{chosen:?}");
}

#[test]
fn a_name_that_is_nobodys_or_several_machines_is_told_with_what_to_do() {
    let folder = Folder::new();
    let controller = folder.home("controller");
    let home = Home::open(Some(controller.clone())).unwrap();
    let mut peers = Peers::load(&home).unwrap();
    for (name, last) in [("attic", 1), ("cellar", 2)] {
        let mut public_key = [0xab; 32];
        public_key[31] = last;
        peers
            .add(&NewPeer { public_key, name: name.into(), paired_at: 0.0, signing_key: None, wire: 2, terms: None })
            .unwrap();
        peers.set_endpoint(&public_key, "127.0.0.1", 9).unwrap();
    }
    let key = "ab".repeat(32);
    for (name, code, parts) in [
        ("nobody", 5, &["\"nobody\"", "attic", "cellar"][..]),
        ("abab", 2, &["\"abab\"", "attic", "cellar", "more of it"]),
        ("ABAB:ABAB", 2, &["attic", "cellar"]),
        ("aba", 5, &["\"aba\""]),
        ("not\u{1b}[2Jthis", 5, &["attic"]),
        (&format!("wss://127.0.0.1:9#{key}"), 2, &["wss:// is not spoken", "ws://"]),
        ("ws://127.0.0.1:9", 2, &["no key"]),
        ("ws://127.0.0.1:9#abab", 2, &["64 hexadecimal digits"]),
        ("http://127.0.0.1:9", 2, &["does not begin with ws://"]),
    ] {
        let tried = opendesk(&controller, &["call", "keyboard", PRESS, "--peer", name]);
        let (number, line) = failure(&tried);
        assert_eq!(number, code, "{name}: {line}");
        assert!(parts.iter().all(|part| line.contains(part)) && !line.contains('\u{1b}'), "{name}: {line}");
    }
    let tried = opendesk(&controller, &["call", "screenshot", "--json"]);
    let told: Value = serde_json::from_str(&tried.stdout).unwrap();
    assert_eq!((&told["ok"], &told["exit_code"]), (&false.into(), &5.into()), "{tried:?}");
    let error = told["error"].as_str().unwrap();
    assert!(error.contains("several machines are paired (attic, cellar)"), "{told}");
    assert!(error.contains("`opendesk peers default NAME`") && !error.contains("opendesk_use"), "{told}");
}

#[test]
fn bad_arguments_are_one_line_that_says_which_part() {
    let folder = Folder::new();
    let home = folder.home("home");
    for (args, part) in [
        (&["call", "screenshot", "{\"region\": [1,"][..], "no JSON"),
        (&["call", "screenshot", ""], "no JSON"),
        (&["call", "screenshot", "null"], "must be a JSON object"),
        (&["call", "screenshot", "7"], "must be a JSON object"),
        (&["call", "screenshot", "{\"region\": [1, 2]}"], "`region` has to be a list of 4 numbers, not of 2"),
        (&["call", "screenshot", "{\"marks\": \"yes\"}"], "`marks` has to be true or false, not a text"),
        (&["call", "keyboard", "{}"], "`action` is missing; it has to be one of type"),
        (&["call", "Screenshot"], "no tool is called \"Screenshot\"; there are app, audit, clipboard"),
        (&["call", "fly\u{1b}[2J"], "no tool is called"),
        (&["call"], "<TOOL>"),
    ] {
        let tried = opendesk(&home, &[args, &["--json"]].concat());
        let (code, line) = failure(&tried);
        assert!(code == 2 && line.contains(part) && !line.contains('\u{1b}'), "{args:?}: {tried:?}");
        let told: Value = serde_json::from_str(&tried.stdout).unwrap();
        assert_eq!((&told["ok"], &told["exit_code"]), (&false.into(), &2.into()), "{tried:?}");
    }
}

#[test]
fn a_picture_is_saved_or_said_how() {
    let folder = Folder::new();
    let home = folder.home("home");
    let shot = ["call", "screenshot", "--peer", "local", "--backend", "virtual"];
    let said = opendesk(&home, &shot);
    assert!(succeeded(&said).ends_with("bytes; --out FILE saves it"), "{said:?}");
    let out = folder.home("shot.png");
    let said = opendesk(&home, &[&shot[..], &["--out", out.to_str().unwrap()]].concat());
    assert!(succeeded(&said).ends_with("bytes saved"), "{said:?}");
    assert!(fs::read(&out).unwrap().starts_with(b"\x89PNG"));
    let tried = opendesk(&home, &[&shot[..], &["--out", "/nowhere/shot.png"]].concat());
    assert!(failure(&tried).0 == 1 && failure(&tried).1.contains("/nowhere/shot.png"), "{tried:?}");
}

#[test]
fn what_gives_no_picture_is_done_once_and_what_cannot_be_saved_not_at_all() {
    let folder = Folder::new();
    let (host, controller) = (folder.home("host"), folder.home("controller"));
    let served = Served::start(&host, "virtual", &[]);
    served.pair(&controller);
    let pressed =
        || opendesk(&host, &["audit", "--json", "--method", "input.key"]).stdout.matches("call.started").count();
    let out = folder.home("out.png");
    let call = |out: &Path, more: &[&str]| {
        opendesk(&controller, &[&["call", "keyboard", PRESS, "--out", out.to_str().unwrap()], more].concat())
    };
    let nowhere = call(Path::new("/nowhere/out.png"), &[]);
    let (code, line) = failure(&nowhere);
    assert!(code == 1 && line.contains("cannot write /nowhere/out.png"), "{nowhere:?}");
    assert_eq!(pressed(), 0, "nothing was done");
    let done = call(&out, &[]);
    assert!(done.status.code() == Some(1) && done.stdout.contains("Pressed a."), "{done:?}");
    assert!(done.stderr.contains("keyboard was carried out and gave no picture, so none is saved"), "{done:?}");
    assert!(pressed() == 2 && !out.exists(), "down and up");
    let done = call(&out, &["--json"]);
    let told: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!((&told["isError"], &told["exit_code"]), (&false.into(), &1.into()), "{done:?}");
    // What is there already is not lost.
    fs::write(&out, "kept").unwrap();
    call(&out, &[]);
    assert_eq!(fs::read_to_string(&out).unwrap(), "kept");
    let shot = opendesk(&controller, &["call", "screenshot", "--out", out.to_str().unwrap()]);
    assert!(succeeded(&shot).ends_with("bytes saved") && fs::read(&out).unwrap().starts_with(b"\x89PNG"), "{shot:?}");
}

#[test]
fn what_is_refused_within_a_call_of_several_is_told_as_refused() {
    let folder = Folder::new();
    let (host, controller) = (folder.home("host"), folder.home("controller"));
    let served = Served::start(&host, "virtual", &[]);
    served.pair(&controller);
    let step = object!({"id": 1, "tool": "keyboard", "arguments": {"action": "press", "key": "a"}});
    let program = object!({"name": "greet", "version": 1, "source": "session", "steps": [step]});
    fs::create_dir_all(controller.join("programs")).unwrap();
    fs::write(controller.join("programs/greet.json"), program.to_string()).unwrap();
    let batch = r#"{"actions": [{"tool": "keyboard", "arguments": {"action": "press", "key": "a"}}]}"#;
    let learned = r#"{"action": "run", "name": "greet"}"#;
    let all = [
        vec!["call", "computer_batch", batch],
        vec!["call", "learn", learned],
        vec!["fleet", "computer_batch", batch, "--peers", PEER],
        vec!["fleet", "learn", learned, "--peers", PEER],
        vec!["scheduler", "run", "daily"],
    ];
    succeeded(&opendesk(&controller, &["scheduler", "add", "daily", "0 3 * * *", "learn", learned, "--peer", PEER]));
    for args in &all {
        succeeded(&opendesk(&controller, args));
    }
    succeeded(&opendesk(&host, &["stop"]));
    for args in &all {
        let refused = opendesk(&controller, args);
        assert!(refused.status.code() == Some(5), "{args:?}: {refused:?}");
        let said = format!("{}{}", refused.stdout, refused.stderr);
        assert!(said.contains("has stopped all controllers"), "{args:?}: {refused:?}");
    }
    succeeded(&opendesk(&host, &["resume"]));
    // What only fails is not refused.
    let failing = r#"{"actions": [{"tool": "app", "arguments": {"action": "close_window", "window": "none"}}]}"#;
    let failed = opendesk(&controller, &["call", "computer_batch", failing]);
    assert_eq!(failed.status.code(), Some(1), "{failed:?}");
}
