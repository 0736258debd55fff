//! Recordings: made by a host on either runtime, replayed by the same program, and a kept one that shows every change of
//! the protocol's machine.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use opendesk_tests::bin::{PEER, Served};

use crate::{Folder, failure, json, opendesk, succeeded};

/// A recording whose outputs must never change by accident. `UPDATE_VECTORS=1` makes it anew.
fn kept() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/session.trace"))
}

/// A pairing, some typing, a picture, other keys, on a host that is recorded.
fn record(folder: &Folder, runtime: &str, with_picture: bool) -> PathBuf {
    let (file, controller) = (folder.home("recording"), folder.home("controller"));
    let path = file.to_str().expect("a temporary path").to_owned();
    let served = Served::start_with(&folder.home("host"), "virtual", &["--record", &path, "--runtime", runtime], &[]);
    served.pair(&controller);
    let call = |tool: &str, arguments: &str| opendesk(&controller, &["call", tool, arguments, "--peer", PEER]);
    succeeded(&call("keyboard", r#"{"action": "type", "text": "secret words"}"#));
    if with_picture {
        succeeded(&call("screenshot", "{}"));
    }
    succeeded(&opendesk(&folder.home("host"), &["identity", "rotate"]));
    succeeded(&opendesk(&controller, &["connect", PEER]));
    drop(served);
    file
}

fn replayed(folder: &Folder, file: &Path) -> serde_json::Value {
    json(&opendesk(&folder.home("nobody"), &["replay", file.to_str().expect("a temporary path"), "--json"]))
}

#[test]
fn what_was_recorded_on_either_runtime_is_replayed_the_same() {
    for runtime in ["tokio", "smol"] {
        let folder = Folder::new();
        let file = record(&folder, runtime, true);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "it holds keys");
        let report = replayed(&folder, &file);
        assert_eq!((&report["same"], &report["cut"]), (&true.into(), &false.into()), "{report}");
        assert!(report["sessions"].as_u64() >= Some(3) && report["requests"].as_u64() >= Some(3), "{report}");
        assert!(!folder.home("nobody").exists(), "a replay needs no home");
        let told = opendesk(&folder.home("nobody"), &["replay", file.to_str().unwrap(), "--until", "5"]);
        assert!(succeeded(&told).starts_with("the same: 5 inputs"), "{told:?}");
    }
}

#[test]
fn a_recording_that_was_changed_shows_where() {
    let folder = Folder::new();
    let file = record(&folder, "tokio", false);
    let bytes = fs::read(&file).unwrap();
    // The peer's first message to the host.
    let at = bytes.windows(4).position(|window| window == b"OD2P").unwrap();
    let mut changed = bytes.clone();
    changed[at + 30] ^= 1;
    let other = folder.home("changed");
    fs::write(&other, &changed).unwrap();
    let told = opendesk(&folder.home("nobody"), &["replay", other.to_str().unwrap()]);
    assert_eq!(told.status.code(), Some(1));
    assert!(told.stdout.starts_with("different after") && told.stdout.contains("recorded"), "{told:?}");

    fs::write(&other, &bytes[..bytes.len() - 3]).unwrap();
    assert_eq!(replayed(&folder, &other)["cut"], true);
    let mut damaged = bytes;
    damaged[18] = 0xff;
    fs::write(&other, &damaged).unwrap();
    let (code, line) = (1, "is damaged at entry 1");
    let told = opendesk(&folder.home("nobody"), &["replay", other.to_str().unwrap()]);
    assert!(failure(&told).0 == code && failure(&told).1.contains(line), "{told:?}");
}

#[test]
fn what_is_no_recording_is_said_and_what_is_there_is_not_written_over() {
    let folder = Folder::new();
    let file = folder.home("notes");
    fs::write(&file, "my notes").unwrap();
    let told = opendesk(&folder.home("nobody"), &["replay", file.to_str().unwrap()]);
    assert!(failure(&told).1.contains("is no recording"), "{told:?}");
    let told = opendesk(&folder.home("nobody"), &["replay", folder.home("nothing").to_str().unwrap()]);
    assert!(failure(&told).1.contains("nothing"), "{told:?}");
    let serve = ["serve", "--backend", "virtual", "--port", "0", "--record", file.to_str().unwrap()];
    let told = opendesk(&folder.home("host"), &serve);
    assert!(failure(&told).1.contains("nothing can be recorded"), "{told:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "my notes");
}

#[test]
fn the_kept_recording_has_the_outputs_that_it_had() {
    let folder = Folder::new();
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        fs::copy(record(&folder, "tokio", false), kept()).unwrap();
    }
    let told = opendesk(&folder.home("nobody"), &["replay", kept().to_str().unwrap()]);
    assert!(told.status.success(), "the machine's behaviour has changed: {}{}", told.stdout, told.stderr);
}

#[test]
fn a_redacted_recording_replays_and_says_nothing_of_what_was_said_nor_of_who_said_it() {
    let folder = Folder::new();
    let file = record(&folder, "tokio", true);
    let copy = folder.home("copy");
    let redact = ["replay", file.to_str().unwrap(), "--redact", copy.to_str().unwrap()];
    let told = opendesk(&folder.home("nobody"), &redact);
    assert!(succeeded(&told).contains("inputs are in"), "{told:?}");
    let (whole, shared) = (replayed(&folder, &file), replayed(&folder, &copy));
    assert_eq!(shared["same"], true);
    for count in ["inputs", "sessions", "requests", "lasted_us"] {
        assert_eq!(whole[count], shared[count], "{count}");
    }
    let bytes = fs::read(&copy).unwrap();
    let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    for (home, name) in [("host", "identity.key"), ("host", "identity.ed25519"), ("host", "identity.former")] {
        for secret in fs::read(folder.home(home).join(name)).unwrap().chunks_exact(32) {
            assert!(!holds(secret), "{name}");
        }
    }
    for home in ["host", "controller"] {
        let identity = json(&opendesk(&folder.home(home), &["identity", "--json"]));
        for key in ["public_key", "signing_key"] {
            let digits = identity[key].as_str().unwrap();
            let key: Vec<u8> =
                (0..32).map(|index| u8::from_str_radix(&digits[2 * index..2 * index + 2], 16).unwrap()).collect();
            assert!(!holds(&key), "{home}: {digits}");
        }
    }
    // What stands below its keys is looked at in opendesk-std/src/recording/redact.
    assert!(holds(b"input.text"), "names of methods stay");
    let told = opendesk(&folder.home("nobody"), &redact);
    assert!(failure(&told).1.contains("copy"), "a file that is there is not written over: {told:?}");
}

#[test]
fn other_rules_say_what_they_would_have_refused_of_a_recording_and_of_its_copy() {
    let folder = Folder::new();
    let file = record(&folder, "tokio", true);
    let (copy, rules) = (folder.home("copy"), folder.home("rules.json"));
    let nobody = folder.home("nobody");
    succeeded(&opendesk(&nobody, &["replay", file.to_str().unwrap(), "--redact", copy.to_str().unwrap()]));
    let asked = |recording: &Path, text: &str| {
        fs::write(&rules, text).unwrap();
        let (recording, rules) = (recording.to_str().unwrap(), rules.to_str().unwrap());
        (
            opendesk(&nobody, &["replay", recording, "--policy", rules]),
            json(&opendesk(&nobody, &["replay", recording, "--policy", rules, "--json"])),
        )
    };
    let no_typing = r#"{"rules": [{"tool": "input.text", "decision": "block", "reason": "nobody types here"}]}"#;
    for (recording, summary) in [(&file, "type 12 characters"), (&copy, "input.text")] {
        let (told, report) = asked(recording, no_typing);
        assert!(report["calls"].as_u64() >= Some(2), "{report}");
        assert_eq!(report["judged"].as_array().unwrap().len(), 1, "{report}");
        let judged = &report["judged"][0];
        assert_eq!((&judged["method"], &judged["decision"]), (&"input.text".into(), &"block".into()));
        assert_eq!(judged["summary"], summary);
        let line = "refused: nobody types here";
        assert!(succeeded(&told).contains(line) && succeeded(&told).contains("1 would be refused"), "{told:?}");
    }
    let rules_path = rules.to_str().unwrap();
    let early = ["replay", file.to_str().unwrap(), "--policy", rules_path, "--until", "5", "--json"];
    assert_eq!(json(&opendesk(&nobody, &early))["calls"], 0, "the first inputs are a pairing");
    let (_, strict) = asked(&file, r#"{"preset": "strict"}"#);
    assert_eq!(strict["judged"][0]["decision"], "confirm");
    let (_, relaxed) = asked(&file, r#"{"preset": "relaxed"}"#);
    assert_eq!(relaxed["judged"], serde_json::json!([]));

    fs::write(&rules, r#"{"rules": [{"tool": "*", "decision": "perhaps"}]}"#).unwrap();
    let told = opendesk(&nobody, &["replay", file.to_str().unwrap(), "--policy", rules.to_str().unwrap()]);
    assert!(
        failure(&told).0 == 1 && failure(&told).1.contains("rules.json: not understood: unknown variant"),
        "{told:?}"
    );
    let told = opendesk(&nobody, &["replay", file.to_str().unwrap(), "--policy", "/nowhere/rules.json"]);
    assert!(failure(&told).1.contains("/nowhere/rules.json: No such file"), "{told:?}");
}
