//! The list of paired machines on the command line, from files as both programs write them.

use core::sync::atomic::{AtomicBool, Ordering};
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use opendesk_tests::bin::{command, opendesk as program};
use serde_json::{Value, json};

use crate::{Folder, failure, json, opendesk, run, succeeded};

/// Until then some of the machines are trusted, in seconds since 1970.
const LATER: f64 = 4_000_000_000.5;

/// The key that begins with these digits.
fn key(digits: &str) -> String {
    format!("{digits:7<64}")
}

fn entry(digits: &str, name: &str) -> Value {
    json!({
        "public_key": key(digits), "name": name, "paired_at": 1_760_000_000.5, "description": "",
        "description_override": "", "last_host": "", "last_port": 0,
    })
}

/// A home with these machines in the list that version 1 has as well, and this beside it.
fn home_with(folder: &Folder, trusted: &[Value], ours: &Value) -> PathBuf {
    let home = folder.home("home");
    DirBuilder::new().mode(0o700).create(&home).expect("a new folder");
    fs::write(home.join("trusted-peers.json"), Value::from(trusted).to_string()).expect("a file");
    fs::write(home.join("peers.json"), ours.to_string()).expect("a file");
    home
}

/// A home with a host `desk`, and two controllers of which one only looks.
fn home_of_three(folder: &Folder) -> PathBuf {
    let mut desk = entry("3f2a11bc", "desk");
    desk["description"] = "its \u{1b}[31mwords".into();
    desk["last_host"] = "fe80::1".into();
    desk["last_port"] = 8423.into();
    let watcher = json!({"role": "observe", "expires_at": LATER, "wire": 2, "signing_key": key("99")});
    let ours = json!({key("3f2b"): watcher, key("aa"): {"expires_at": 10}});
    home_with(folder, &[desk, entry("3f2b", "phone"), entry("aa", "guest")], &ours)
}

fn file(home: &Path, name: &str) -> Value {
    let text = fs::read_to_string(home.join(name)).expect("a file");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}: {text}"))
}

fn list(home: &Path) -> Vec<Value> {
    let listed = json(&opendesk(home, &["peers", "list", "--json"]));
    listed.as_array().expect("a list").clone()
}

fn named<'a>(list: &'a [Value], name: &str) -> &'a Value {
    list.iter().find(|peer| peer["name"] == name).unwrap_or_else(|| panic!("{name} is in {list:?}"))
}

#[test]
fn all_that_is_known_of_a_machine_is_listed() {
    let folder = Folder::new();
    let home = home_of_three(&folder);
    succeeded(&opendesk(&home, &["peers", "default", "desk"]));
    let peers = list(&home);
    let expected = json!({
        "name": "desk", "fingerprint": "3f2a:11bc:7777:7777", "public_key": key("3f2a11bc"), "role": "full",
        "paired_at": 1_760_000_000.5, "expires_at": null, "expired": false, "may_drive_us": true, "address": "[fe80::1]:8423",
        "description": "its [31mwords", "wire": 1, "default": true,
    });
    assert_eq!(peers[0], expected);
    let phone = &peers[1];
    assert_eq!(
        (&phone["role"], &phone["expires_at"], &phone["expired"]),
        (&"observe".into(), &LATER.into(), &false.into())
    );
    assert_eq!((&phone["wire"], &phone["address"], &phone["default"]), (&2.into(), &Value::Null, &false.into()));
    assert_eq!((&peers[2]["role"], &peers[2]["expired"]), (&"full".into(), &true.into()));

    let text = opendesk(&home, &["peers"]);
    let lines: Vec<_> = succeeded(&text).lines().collect();
    assert_eq!(lines.len(), 3, "{text:?}");
    assert!(lines[0].starts_with("desk   3f2a:11bc:7777:7777  full     until removed "), "{text:?}");
    assert!(lines[0].contains("  [fe80::1]:8423 ") && lines[0].ends_with("  its [31mwords  [default]"), "{text:?}");
    assert!(
        lines[1].contains("  observe  until 2096-10-0") && lines[1].ends_with("  controls this machine"),
        "{text:?}"
    );
    assert!(lines[2].contains("  full     expired "), "{text:?}");
}

#[test]
fn w35_a_renamed_machine_keeps_everything() {
    let folder = Folder::new();
    let home = home_of_three(&folder);
    succeeded(&opendesk(&home, &["peers", "describe", "3f2b", "my words"]));
    succeeded(&opendesk(&home, &["peers", "default", "phone"]));
    let before = named(&list(&home), "phone").clone();
    let said = opendesk(&home, &["peers", "rename", "3F2B:7777", "Büro PC"]);
    assert_eq!(succeeded(&said), "phone is called Büro PC now");
    let mut expected = before;
    expected["name"] = "Büro PC".into();
    assert_eq!(named(&list(&home), "Büro PC"), &expected);
    assert_eq!(succeeded(&opendesk(&home, &["peers", "default"])), "Büro PC");
    assert_eq!(file(&home, "trusted-peers.json")[1]["description_override"], "my words");
    assert_eq!(fs::read_to_string(home.join("default-peer")).unwrap(), "Büro PC\n");
    let again = json(&opendesk(&home, &["peers", "rename", "guest", "Guest", "--json"]));
    let rules = json!({"follow": [], "lost": [], "gained": []});
    assert_eq!(again, json!({"renamed": "guest", "name": "Guest", "public_key": key("aa"), "rules": rules}));
}

#[test]
fn w15_a_name_that_is_none_or_taken_is_refused() {
    let folder = Folder::new();
    let home = home_of_three(&folder);
    let before = fs::read(home.join("trusted-peers.json")).unwrap();
    for name in ["", "local", "ALL", "a\u{1b}[2J", " a", &"x".repeat(65), "3f2b:7777:7777:7777"] {
        let tried = opendesk(&home, &["peers", "rename", "desk", name]);
        assert_eq!(tried.status.code(), Some(2), "{name:?}: {tried:?}");
        assert!(!tried.stderr.contains('\u{1b}'), "{tried:?}");
    }
    for name in ["phone", "PHONE"] {
        let tried = opendesk(&home, &["peers", "rename", "desk", name]);
        let (code, line) = failure(&tried);
        assert!(code == 1 && line.contains("called \"phone\"; rename that one first"), "{tried:?}");
    }
    assert_eq!(fs::read(home.join("trusted-peers.json")).unwrap(), before);
}

#[test]
fn a_machine_is_meant_by_its_name_its_key_or_what_its_fingerprint_begins_with() {
    let folder = Folder::new();
    let home = home_of_three(&folder);
    let whole = key("3f2b").to_uppercase();
    for text in ["phone", "3f2b", "3f2b:7777:7777:7777", &whole] {
        succeeded(&opendesk(&home, &["peers", "default", "--clear"]));
        assert_eq!(succeeded(&opendesk(&home, &["peers", "default", text])), "phone", "{text}");
    }
    succeeded(&opendesk(&home, &["peers", "rename", "aa77", "guest of 3f2b"]));
    for text in ["3f2", "nobody\u{1b}[2J", "Phone", "3f2b:0000"] {
        let tried = opendesk(&home, &["peers", "default", text]);
        let (code, line) = failure(&tried);
        assert!(code == 5 && line.contains("no paired machine is called"), "{tried:?}");
        assert!(line.contains("phone (3f2b:7777:7777:7777)") && !line.contains('\u{1b}'), "{tried:?}");
    }
    let folder = Folder::new();
    let alike = home_with(&folder, &[entry("cafe01", "a"), entry("cafe02", "b"), entry("cafe03", "cafe")], &json!({}));
    let tried = opendesk(&alike, &["unpair", "caf:e0"]);
    let (code, line) = failure(&tried);
    assert!(code == 5 && line.contains("a (cafe:0177:7777:7777), b (cafe:0277:"), "{tried:?}");
    let tried = opendesk(&alike, &["unpair", "cafe"]);
    let (code, line) = failure(&tried);
    assert!(
        code == 5 && line.contains("is the name of one machine and stands for the fingerprint of another"),
        "{tried:?}"
    );
    assert_eq!(list(&alike).len(), 3);
    assert_eq!(json(&opendesk(&alike, &["unpair", "cafe:03", "--json"]))["public_key"], key("cafe03"));
}

#[test]
fn the_owner_s_words_count_more_than_those_of_the_machine() {
    let folder = Folder::new();
    let home = home_of_three(&folder);
    let shown = opendesk(&home, &["peers", "describe", "desk"]);
    assert_eq!(succeeded(&shown), "yours    (none)\nits own  its [31mwords");
    let shown = opendesk(&home, &["peers", "describe", "3f2a", "the PC\nin the cellar"]);
    assert_eq!(succeeded(&shown), "yours    the PC in the cellar\nits own  its [31mwords");
    assert_eq!(named(&list(&home), "desk")["description"], "the PC in the cellar");
    let long = opendesk(&home, &["peers", "describe", "desk", &"x".repeat(1025)]);
    let (code, line) = failure(&long);
    assert!(code == 2 && line.contains("1025 characters and 1024 is the most"), "{long:?}");
    let told = json(&opendesk(&home, &["peers", "describe", "desk", "--json"]));
    assert_eq!((&told["yours"], &told["its_own"]), (&"the PC in the cellar".into(), &"its [31mwords".into()));
    let cleared = json(&opendesk(&home, &["peers", "describe", "desk", "--clear", "--json"]));
    assert_eq!((&cleared["yours"], &cleared["description"]), (&"".into(), &"its [31mwords".into()));
    let both = opendesk(&home, &["peers", "describe", "desk", "words", "--clear"]);
    assert_eq!(both.status.code(), Some(2), "{both:?}");
}

#[test]
fn this_machine_is_described_to_others() {
    let folder = Folder::new();
    let home = folder.home("home");
    assert_eq!(succeeded(&opendesk(&home, &["describe"])), "this machine has no description");
    assert_eq!(succeeded(&opendesk(&home, &["describe", "Büro\nPC\u{1b}[2J"])), "Büro PC[2J");
    assert_eq!(fs::read_to_string(home.join("description.txt")).unwrap(), "Büro PC[2J\n");
    assert_eq!(json(&opendesk(&home, &["describe", "--json"])), json!({"description": "Büro PC[2J"}));
    let long = opendesk(&home, &["describe", &"x".repeat(1025)]);
    assert_eq!(failure(&long).0, 2, "{long:?}");
    assert_eq!(json(&opendesk(&home, &["describe", "--clear", "--json"])), json!({"description": ""}));
    assert!(!home.join("description.txt").exists());
}

#[test]
fn trust_that_ends_leaves_nothing_and_nobody_unknown_is_removed() {
    let folder = Folder::new();
    let home = home_of_three(&folder);
    succeeded(&opendesk(&home, &["peers", "default", "phone"]));
    let nobody = opendesk(&home, &["unpair", "nobody"]);
    let (code, line) = failure(&nobody);
    assert!(code == 5 && line.contains("no paired machine is called \"nobody\""), "{nobody:?}");
    let said = opendesk(&home, &["unpair", "3f2b:7777"]);
    assert_eq!(succeeded(&said), "phone (3f2b:7777:7777:7777) is not trusted any more");
    assert_eq!(file(&home, "peers.json").get(key("3f2b")), None);
    assert!(!home.join("default-peer").exists());
    let removed = json(&opendesk(&home, &["peers", "remove", &key("aa"), "--json"]));
    let expected = json!({
        "removed": "guest", "name": "guest", "fingerprint": "aa77:7777:7777:7777", "public_key": key("aa"),
    });
    assert_eq!(removed, expected);
    assert_eq!(list(&home).len(), 1);
}

#[test]
fn bounds_that_cannot_be_read_are_refused_and_left_as_they_are() {
    for damaged in
        [json!({"role": "admin"}), json!({"role": 1}), json!({"expires_at": "soon"}), json!({"expires_at": null})]
    {
        let folder = Folder::new();
        let home = home_with(&folder, &[entry("aa", "guest")], &json!({key("aa"): damaged}));
        let before = fs::read(home.join("peers.json")).unwrap();
        for args in [&["peers"][..], &["unpair", "guest"], &["peers", "rename", "guest", "b"]] {
            let tried = opendesk(&home, args);
            let (code, line) = failure(&tried);
            assert!(code == 6 && line.contains("peers.json has a damaged entry"), "{tried:?}");
        }
        assert_eq!(fs::read(home.join("peers.json")).unwrap(), before);
        assert_eq!(file(&home, "trusted-peers.json"), json!([entry("aa", "guest")]));
    }
}

#[test]
fn w35_the_home_is_taken_from_before_and_after_a_nested_command() {
    let folder = Folder::new();
    let home = home_of_three(&folder);
    // The user's own home, which must stay as it is.
    let user = folder.home("user");
    let commands: [&[&str]; 5] = [
        &["peers", "rename", "desk", "desk"],
        &["peers", "default", "desk"],
        &["peers", "describe", "desk", "words"],
        &["peers", "remove", "nobody"],
        &["describe", "words"],
    ];
    for words in commands {
        for place in 0..=words.len().min(2) {
            let mut args = words.to_vec();
            args.splice(place..place, ["--home", home.to_str().unwrap()]);
            let mut command = std::process::Command::new(program());
            command.env_clear().env("HOME", &user).args(&args);
            let done = run(command);
            assert_eq!(done.status.code(), Some(if words.contains(&"nobody") { 5 } else { 0 }), "{args:?}: {done:?}");
            assert!(!user.exists(), "{args:?}");
        }
    }
    let desk = named(&list(&home), "desk").clone();
    assert_eq!((&desk["default"], &desk["description"]), (&true.into(), &"words".into()));
}

/// What one of two programs does again and again to machines of its own.
fn work(home: &Path, digits: &str, rounds: usize) {
    for round in 0..rounds {
        let name = format!("{digits}-{round}");
        succeeded(&opendesk(home, &["peers", "rename", digits, &name]));
        succeeded(&opendesk(home, &["peers", "describe", &name, &format!("round {round}")]));
        succeeded(&opendesk(home, &["peers", "default", digits]));
        succeeded(&opendesk(home, &["unpair", &format!("guest {digits} {round}")]));
        succeeded(&opendesk(home, &["describe", &name]));
    }
}

#[test]
fn w14_programs_that_write_at_the_same_time_lose_nothing() {
    const ROUNDS: usize = 5;
    let folder = Folder::new();
    let workers = ["ab12", "cd34"];
    let mut trusted = vec![json!({"from": "the future"}), entry("ee", "bystander")];
    let mut ours = json!({key("ee"): {"role": "observe", "later": true}});
    for digits in workers {
        trusted.push(entry(digits, digits));
        ours[key(digits)] = json!({"role": "observe", "expires_at": LATER});
        let guest = |round| entry(&format!("0{round}{digits}"), &format!("guest {digits} {round}"));
        trusted.extend((0..ROUNDS).map(guest));
    }
    let home = home_with(&folder, &trusted, &ours);
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let working = workers.map(|digits| {
            scope.spawn({
                let home = &home;
                move || work(home, digits, ROUNDS)
            })
        });
        let reading = scope.spawn(|| {
            while !is_done.load(Ordering::Relaxed) {
                let peers = list(&home);
                let bounded = peers.iter().filter(|peer| peer["role"] == "observe").count();
                assert_eq!(bounded, 3, "{peers:?}");
            }
        });
        let worked = working.map(|working| working.join());
        is_done.store(true, Ordering::Relaxed);
        worked.into_iter().chain([reading.join()]).for_each(|joined| joined.expect("nobody failed"));
    });

    let last = ROUNDS - 1;
    let names = ["bystander".to_owned(), format!("ab12-{last}"), format!("cd34-{last}")];
    let peers = list(&home);
    assert_eq!(peers.iter().map(|peer| peer["name"].as_str().unwrap()).collect::<Vec<_>>(), names);
    for peer in &peers[1..] {
        assert_eq!((&peer["role"], &peer["expires_at"]), (&"observe".into(), &LATER.into()));
        assert_eq!(peer["description"], format!("round {last}"));
    }
    assert_eq!(peers.iter().filter(|peer| peer["default"] == true).count(), 1);
    assert!(names.contains(&succeeded(&opendesk(&home, &["describe"])).to_owned()));
    assert_eq!(file(&home, "trusted-peers.json")[0], json!({"from": "the future"}));
    assert_eq!(file(&home, "peers.json")[key("ee")], json!({"role": "observe", "later": true}));
    let left = fs::read_dir(&home).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    assert_eq!(left.filter(|name| name.starts_with('.')).count(), 0, "no file that was half written is left");
}

#[test]
fn a_rename_says_which_rules_followed_and_which_do_not_hold_any_more() {
    let folder = Folder::new();
    let home = home_of_three(&folder);
    let rule = |peer: &str| json!({"tool": "*", "peer": peer, "decision": "block"});
    let rules = [rule("PHONE"), rule("ph*"), rule("tablet"), rule("desk"), rule("*n?")];
    fs::write(home.join("policy.json"), json!({"rules": rules}).to_string()).unwrap();
    let renamed = opendesk(&home, &["peers", "rename", "phone", "tablet"]);
    assert_eq!(succeeded(&renamed), "phone is called tablet now; rule 1 on it followed");
    let warned = "warning: each of the rules 2, 5 fitted phone and no longer holds for it; see `opendesk policy`\n\
                  rule 3 holds for it now; see `opendesk policy`\n";
    assert_eq!(renamed.stderr, warned);
    let kept = file(&home, "policy.json");
    assert_eq!(kept["rules"], json!([rule("tablet"), rule("ph*"), rule("tablet"), rule("desk"), rule("*n?")]));
    let told = json(&opendesk(&home, &["peers", "rename", "tablet", "Tablet", "--json"]));
    assert_eq!(told["rules"], json!({"follow": [], "lost": [], "gained": []}));
    assert_eq!(file(&home, "policy.json"), kept);
}

/// Files that are being written.
fn unfinished(home: &Path) -> usize {
    let files = fs::read_dir(home).expect("a home").flatten();
    files.filter(|file| file.file_name().to_string_lossy().starts_with(".new-")).count()
}

/// What is killed between two files is in `opendesk-std/src/home/peers/crashes.rs`.
#[test]
fn w14_a_program_that_is_killed_while_it_writes_leaves_a_list_that_is_whole() {
    let folder = Folder::new();
    let home = home_of_three(&folder);
    succeeded(&opendesk(&home, &["peers", "default", "phone"]));
    let mut killed = 0;
    for round in 0..30 {
        let known = unfinished(&home);
        let new = format!("phone {round}");
        let mut command = command(&home, &["peers", "rename", "3f2b", &new]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // Half of them at the moment at which they write, the others wherever they are by then.
        let mut looks = 0;
        while child.try_wait().unwrap().is_none() {
            looks += 1;
            if unfinished(&home) > known || (round % 2 == 1 && looks > round * 20) {
                child.kill().unwrap();
                killed += i32::from(child.wait().unwrap().signal() == Some(9));
            }
        }
        let peers = list(&home);
        let phone = &peers[1];
        assert_eq!((peers.len(), &phone["role"], &phone["expires_at"]), (3, &"observe".into(), &LATER.into()));
        let name = phone["name"].as_str().unwrap();
        assert!(name == new || !name.ends_with(&format!(" {round}")), "{name}");
        // The name of the default is in another file: at worst there is none.
        let default = json(&opendesk(&home, &["peers", "default", "--json"]))["default"].clone();
        assert!(default.is_null() || default == name, "{default} {name}");
    }
    // Keys of this machine may be in such a file, so the next one that writes takes it away.
    succeeded(&opendesk(&home, &["peers", "describe", "desk", "words"]));
    assert_eq!(unfinished(&home), 0);
    assert!(killed > 0, "all of them were faster");
}
