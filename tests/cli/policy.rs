//! What the owner decides by: the rules, and the switch that stops everything.

use core::time::Duration;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use opendesk_tests::bin::{PEER, Running, Served, command};
use serde_json::{Value, json};

use crate::{Folder, LIMIT, failure, json, opendesk, run, succeeded};

fn file(home: &Path, name: &str) -> Value {
    let text = fs::read(home.join(name)).expect("it is there");
    serde_json::from_slice(&text).expect("it is JSON")
}

/// A home with one file in it.
fn home_with(folder: &Folder, name: &str, content: &[u8]) -> std::path::PathBuf {
    let home = folder.home("home");
    if !home.exists() {
        fs::create_dir(&home).expect("it can be made");
        fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).expect("it can be closed");
    }
    fs::write(home.join(name), content).expect("it can be written");
    home
}

#[test]
fn rules_are_shown_added_removed_and_tried() {
    let folder = Folder::new();
    let home = folder.home("home");
    let shown = opendesk(&home, &["policy"]);
    assert!(
        succeeded(&shown).starts_with("standard ") && succeeded(&shown).contains("no policy.json yet"),
        "{shown:?}"
    );
    assert!(succeeded(&shown).contains("native, console; no answer within 60 s is a no"), "{shown:?}");
    let set = opendesk(&home, &["policy", "preset", "strict"]);
    assert!(succeeded(&set).starts_with("strict ") && succeeded(&set).ends_with("it was standard"), "{set:?}");
    let add = ["policy", "add-rule", "--tool", "keyboard", "--decision", "allow"];
    assert_eq!(succeeded(&opendesk(&home, &add)), "rule 1: allow    tool=keyboard\nit covers input.key, input.text");
    let add = ["policy", "add-rule", "--tool", "input.*", "--peer", "guest-*", "--decision", "block", "--first"];
    let added = opendesk(&home, &[&add[..], &["--reason", "guests look"]].concat());
    let said: Vec<&str> = succeeded(&added).lines().collect();
    let covered = "it covers input.subscribe, input.pointer, input.key, input.text";
    assert_eq!(said, ["rule 1: block    tool=input.* peer=guest-*: guests look", covered]);
    let hint =
        "no name of a paired machine fits \"guest-*\"; the rule holds for one that will (see `opendesk peers`)\n";
    assert_eq!(added.stderr, hint);
    let shown = opendesk(&home, &["policy", "show"]);
    let lines: Vec<&str> = succeeded(&shown).lines().collect();
    assert_eq!(lines[1..3], ["1  block    tool=input.* peer=guest-*: guests look", "2  allow    tool=keyboard"]);
    let mode = fs::metadata(home.join("policy.json")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);

    let tried = |words: &[&str]| succeeded(&opendesk(&home, &[&["policy", "test"], words].concat())).to_owned();
    assert_eq!(tried(&["input.text", "--peer", "guest-7"]), "block  rule 1: guests look");
    assert_eq!(tried(&["input.text", "--peer", "office"]), "allow  rule 2: rule tool=keyboard");
    assert_eq!(tried(&["process.exec"]), "confirm  preset strict: script exec is of high risk");
    assert_eq!(tried(&["display.capture"]), "allow  preset strict: screenshot is read-only");
    let scroll = r#"{"event": {"action": "scroll", "point": {"x": 1, "y": 2}}}"#;
    assert_eq!(tried(&["input.pointer", scroll]), "confirm  preset strict: mouse scroll is normal input");

    let removed = opendesk(&home, &["policy", "remove-rule", "1"]);
    assert_eq!(succeeded(&removed), "rule 1 is removed: block    tool=input.* peer=guest-*: guests look");
    let kept = json!({"preset": "strict", "rules": [{"tool": "keyboard", "decision": "allow"}]});
    assert_eq!(file(&home, "policy.json"), kept);
}

#[test]
fn everything_about_rules_can_be_had_as_json() {
    let folder = Folder::new();
    let home = folder.home("home");
    let told = |words: &[&str]| json(&opendesk(&home, &[&["policy"], words, &["--json"]].concat()));
    assert_eq!(told(&["preset", "relaxed"]), json!({"preset": "relaxed", "before": "standard"}));
    let rule = json!({"tool": "ui", "app": "Term", "decision": "confirm"});
    let added = told(&["add-rule", "--tool", "ui", "--app", "Term", "--decision", "confirm"]);
    let methods = ["ui.tree", "ui.action"];
    assert_eq!(added, json!({"number": 1, "rule": rule, "methods": methods, "missed": [], "unmet": null}));
    let shown = told(&["show"]);
    assert_eq!(shown, told(&[]));
    assert_eq!((&shown["exists"], &shown["preset"]), (&true.into(), &"relaxed".into()));
    assert_eq!(shown["rules"], json!([{"number": 1, "tool": "ui", "app": "Term", "decision": "confirm"}]));
    assert_eq!(shown["approval"], json!({"timeout": 60.0, "chain": null}));
    assert_eq!(shown["file"], home.join("policy.json").to_str().unwrap());
    let tried = told(&["test", "ui.tree", r#"{"app": "GNOME Terminal"}"#, "--peer", "pc"]);
    assert_eq!(
        (&tried["decision"], &tried["rule"], &tried["app"]),
        (&"confirm".into(), &1.into(), &"GNOME Terminal".into())
    );
    assert_eq!((&tried["tool"], &tried["action"], &tried["risk"]), (&"ui".into(), &"get_tree".into(), &"low".into()));
    let tried = told(&["test", "ui.tree", r#"{"app": "Mail"}"#]);
    assert_eq!((&tried["decision"], &tried["rule"], &tried["peer"]), (&"allow".into(), &Value::Null, &"".into()));
    assert_eq!(told(&["remove-rule", "1"]), json!({"number": 1, "removed": rule}));
}

#[test]
fn a_tool_that_is_called_as_methods_of_others_begin_is_pointed_out() {
    let folder = Folder::new();
    let home = folder.home("home");
    let add = |tool| opendesk(&home, &["policy", "add-rule", "--decision", "block", "--tool", tool]);
    let process = add("process");
    assert!(succeeded(&process).ends_with("\nit covers process.list"), "{process:?}");
    let others = "process.shell, process.exec, process.start, process.output, process.write, process.signal";
    let begins = "there was no policy.json; its preset, standard, holds for agents of this machine from now on";
    assert_eq!(process.stderr, format!("it does not cover {others}; for these too, write process.*\n{begins}\n"));
    let whole = add("process.*");
    assert!(succeeded(&whole).ends_with(&format!("\nit covers process.list, {others}")), "{whole:?}");
    assert_eq!(whole.stderr, "");
    assert!(succeeded(&add("*")).ends_with("\nit covers every method"));
    let none = add("input");
    assert!(failure(&none).0 == 2 && failure(&none).1.ends_with("write input.*"), "{none:?}");
}

#[test]
fn a_rule_on_nobody_is_pointed_out_and_one_on_a_beginning_of_a_fingerprint_is_refused() {
    let folder = Folder::new();
    let key = "3f2a".repeat(16);
    let paired = format!(r#"[{{"public_key": "{key}", "name": "desk"}}]"#);
    let home = home_with(&folder, "trusted-peers.json", paired.as_bytes());
    let add = |peer| opendesk(&home, &["policy", "add-rule", "--tool", "fs", "--decision", "block", "--peer", peer]);
    succeeded(&opendesk(&home, &["policy", "preset", "standard"]));
    let upper = key.to_uppercase();
    for peer in ["DESK", "d*", "local", "*", "3f2a:3f2a:3f2a:3f2a", &upper] {
        let added = add(peer);
        succeeded(&added);
        assert_eq!(added.stderr, "", "{peer}");
    }
    for (peer, why) in [
        ("dest", "no paired machine is called \"dest\"; the rule holds for one that will be (see `opendesk peers`)\n"),
        ("x*", "no name of a paired machine fits \"x*\"; the rule holds for one that will (see `opendesk peers`)\n"),
        ("1111111111111111", "no paired machine has the key 1111111111111111\n"),
    ] {
        let added = add(peer);
        succeeded(&added);
        assert_eq!(added.stderr, why);
    }
    let before = file(&home, "policy.json");
    for (peer, why) in [
        (
            "3F2A",
            "no machine is called \"3F2A\", and a rule takes a whole fingerprint; write 3f2a:3f2a:3f2a:3f2a for desk",
        ),
        ("1111:1111:1111:1111:1111", "neither a fingerprint of 16 digits nor a key of 64"),
    ] {
        let tried = add(peer);
        let (code, line) = failure(&tried);
        assert!(code == 2 && line.contains(why), "{tried:?}");
    }
    assert_eq!(file(&home, "policy.json"), before);
    let tried = |peer| json(&opendesk(&home, &["policy", "test", "fs.read", "--peer", peer, "--json"]))["rule"].clone();
    succeeded(&opendesk(&home, &["policy", "remove-rule", "1"]));
    for _ in 0..3 {
        succeeded(&opendesk(&home, &["policy", "remove-rule", "1"]));
    }
    for (peer, rule) in [("desk", 1.into()), ("3f2a", 1.into()), ("other", Value::Null)] {
        assert_eq!(tried(peer), rule, "{peer}");
    }
}

#[test]
fn what_other_programs_keep_beside_the_rules_stays() {
    let folder = Folder::new();
    let home = home_with(&folder, "policy.json", br#"{"kill_hotkey": "<f9>", "taint": {"calls": 3}, "custom": [1.5]}"#);
    succeeded(&opendesk(&home, &["policy", "preset", "strict"]));
    succeeded(&opendesk(&home, &["policy", "add-rule", "--tool", "fs", "--decision", "block"]));
    let removed = opendesk(&home, &["policy", "remove-rule", "1"]);
    succeeded(&removed);
    assert!(
        removed.stderr.starts_with("no rule is left; the preset, strict, still holds, for agents of"),
        "{removed:?}"
    );
    let kept = json!({
        "kill_hotkey": "<f9>", "taint": {"calls": 3}, "custom": [1.5], "preset": "strict", "rules": [],
    });
    assert_eq!(file(&home, "policy.json"), kept);
    assert_eq!(json(&opendesk(&home, &["policy", "--json"]))["ignored"], json!(["custom"]));
}

#[test]
fn rules_that_make_no_sense_are_usage_errors_and_change_nothing() {
    let folder = Folder::new();
    let home = folder.home("home");
    let add = |words: &[&'static str]| [&["policy", "add-rule"], words].concat();
    for (args, why) in [
        (add(&["--tool", "moues", "--decision", "block"]), "the tools are app, clipboard, fs, keyboard, mouse"),
        (add(&["--tool", "[", "--decision", "block"]), "is not understood"),
        (add(&["--tool", "keyboard", "--action", "click", "--decision", "block"]), "there are press, type"),
        (add(&["--tool", "fs", "--app", "Term", "--decision", "allow"]), "would allow nothing"),
        (vec!["policy", "remove-rule", "1"], "there is no rule 1: there are no rules"),
        (vec!["policy", "remove-rule", "0"], "there is no rule 0"),
        (vec!["policy", "test", "fly"], "there is no method \"fly\"; there are system.capabilities"),
        (vec!["policy", "test", "input.text", "["], "no JSON object"),
        (vec!["policy", "test", "input.text", "[]"], "no JSON object"),
        (vec!["policy", "test", "input.text", "{}"], "text_input is missing"),
        (vec!["policy", "test", "fl\u{1b}[31m"], "\\\\u{1b}"),
    ] {
        let tried = opendesk(&home, &args);
        let (code, line) = failure(&tried);
        assert!(code == 2 && line.contains(why), "{args:?}: {tried:?}");
    }
    for args in [&["policy", "preset", "lenient"][..], &["policy", "add-rule", "--tool", "fs"]] {
        assert_eq!(opendesk(&home, args).status.code(), Some(2), "{args:?}");
    }
    assert!(!home.join("policy.json").exists());
}

#[test]
fn w35_the_home_that_is_given_is_the_one_that_is_changed_wherever_it_stands() {
    let folder = Folder::new();
    let add = ["add-rule", "--tool", "fs", "--decision", "block"];
    for (index, words) in [
        [&["--home", "HOME", "policy", "preset", "strict"][..], &[]].concat(),
        [&["policy", "--home", "HOME", "preset", "strict"][..], &[]].concat(),
        [&["policy", "preset", "--home", "HOME", "strict"][..], &[]].concat(),
        [&["policy", "preset", "strict", "--home", "HOME"][..], &[]].concat(),
        [&["policy", "--home", "HOME"][..], &add].concat(),
        [&["policy"][..], &add, &["--home", "HOME"]].concat(),
        [&["--home", "HOME", "stop"][..], &[]].concat(),
        [&["stop", "--home", "HOME"][..], &[]].concat(),
    ]
    .into_iter()
    .enumerate()
    {
        let (wanted, other) = (folder.home(&format!("wanted-{index}")), folder.home("never"));
        let mut command = Command::new(opendesk_tests::bin::opendesk());
        command.env_clear().env("HOME", &other).env("OPENDESK_HOME", &other);
        command.args(words.iter().map(|word| if *word == "HOME" { wanted.to_str().unwrap() } else { word }));
        succeeded(&run(command));
        let name = if words.contains(&"stop") { "control.json" } else { "policy.json" };
        assert!(wanted.join(name).is_file() && !other.exists(), "{words:?}");
    }
}

#[test]
fn the_switch_is_thrown_without_a_host_and_says_what_was_before() {
    let folder = Folder::new();
    let home = folder.home("home");
    for (args, is, before, mode) in [
        (&["stop", "--reason", "lunch\u{1b}[31m"][..], "stopped: ", "before, controllers could act", "stopped"),
        (&["stop"], "stopped: ", "; as before (lunch[31m)", "stopped"),
        (&["stop", "--reason", "tea"], "stopped: ", "; as before; the reason was (lunch[31m)", "stopped"),
        (&["stop", "--reason", "tea"], "stopped: ", "; as before (tea)", "stopped"),
        (&["takeover", "--reason", "mine"], "taken over: ", "this ends the stop of 20", "takeover"),
        (&["resume"], "controllers may act; ", "this ends the takeover of 20", "running"),
        (&["takeover"], "taken over: ", "before, controllers could act", "takeover"),
        (&["takeover", "--reason", "new"], "taken over: ", "as before, and now with a reason (new)", "takeover"),
        (&["stop", "--reason", "no"], "stopped: ", "this ends the takeover of 20", "stopped"),
        (&["handback"], "controllers may act; ", "this ends the stop of 20", "running"),
        (&["resume"], "controllers may act; ", "as before", "running"),
    ] {
        let told = opendesk(&home, args);
        let said = succeeded(&told);
        assert!(said.starts_with(is) && said.contains(before) && said.lines().count() == 1, "{args:?}: {told:?}");
        assert!(!said.contains('\u{1b}'), "{told:?}");
        assert_eq!(told.stderr.contains("no host runs"), mode != "running", "{told:?}");
        assert_eq!(file(&home, "control.json")["mode"], mode);
    }
    let told = json(&opendesk(&home, &["stop", "--reason", "büro", "--json"]));
    assert_eq!(
        (&told["mode"], &told["reason"], &told["before"]["mode"]),
        (&"stopped".into(), &"büro".into(), &"running".into())
    );
    let since = told["since"].as_f64().unwrap();
    assert!(since > 1_700_000_000.0);
    let told = json(&opendesk(&home, &["handback", "--json"]));
    assert_eq!(told["before"], json!({"mode": "stopped", "since": since, "reason": "büro"}));
    let mode = fs::metadata(home.join("control.json")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
}

/// W16b.
#[test]
fn damaged_files_are_said_and_left_but_the_switch_always_works() {
    let folder = Folder::new();
    for damaged in
        [&b""[..], b"{", b"[]", br#"{"rules": [{"tool": "fs", "decision": "perhaps"}]}"#, br#"{"ruels": []}"#]
    {
        let home = home_with(&folder, "policy.json", damaged);
        for args in [
            &["policy"][..],
            &["policy", "preset", "strict"],
            &["policy", "add-rule", "--tool", "fs", "--decision", "block"],
            &["policy", "remove-rule", "1"],
            &["policy", "test", "fs.read"],
        ] {
            let tried = opendesk(&home, args);
            let (code, line) = failure(&tried);
            assert!(code == 6 && line.contains("policy.json cannot be used"), "{args:?}: {tried:?}");
            assert!(line.contains("it was left untouched"), "{line}");
            assert_eq!(fs::read(home.join("policy.json")).unwrap(), damaged);
        }
    }
    for (word, mode) in [("stop", "stopped"), ("takeover", "takeover"), ("resume", "running"), ("handback", "running")]
    {
        let home = home_with(&folder, "control.json", b"{\"mode\": ");
        let told = json(&opendesk(&home, &[word, "--json"]));
        assert_eq!((&told["mode"], &told["before"]["mode"]), (&mode.into(), &"stopped".into()));
        assert_eq!(told["before"]["reason"], "control.json could not be read");
        assert_eq!(file(&home, "control.json")["mode"], mode);
    }
}

#[test]
fn programs_that_change_the_rules_at_once_lose_nothing() {
    let folder = Folder::new();
    let home = folder.home("home");
    succeeded(&opendesk(&home, &["policy", "preset", "strict"]));
    let peers: Vec<String> = (0..12).map(|number| format!("pc-{number:02}")).collect();
    let adding: Vec<Running> = peers
        .iter()
        .map(|peer| {
            Running::start(command(
                &home,
                &["policy", "add-rule", "--tool", "fs", "--decision", "block", "--peer", peer],
            ))
        })
        .collect();
    for running in adding {
        succeeded(&running.finish(LIMIT));
    }
    let rules = file(&home, "policy.json")["rules"].as_array().unwrap().clone();
    let mut added: Vec<&str> = rules.iter().filter_map(|rule| rule["peer"].as_str()).collect();
    added.sort_unstable();
    assert_eq!(added, peers);
}

#[test]
fn a_program_that_is_killed_leaves_the_rules_whole_and_the_lock_free() {
    let folder = Folder::new();
    let home = folder.home("home");
    succeeded(&opendesk(&home, &["policy", "preset", "strict"]));
    for round in 0..40_u32 {
        let mut add = command(&home, &["policy", "add-rule", "--tool", "fs", "--decision", "block"]);
        let mut child = add.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // Each time at another point of what it does.
        std::thread::sleep(Duration::from_micros(u64::from(round) * 250));
        child.kill().unwrap();
        child.wait().unwrap();
        let rules = file(&home, "policy.json");
        assert_eq!(rules["preset"], "strict", "{rules}");
        let whole = rules["rules"].as_array().unwrap().iter().all(|rule| rule["decision"] == "block");
        assert!(whole, "{rules}");
    }
    let before = file(&home, "policy.json")["rules"].as_array().unwrap().len();
    let added = opendesk(&home, &["policy", "add-rule", "--tool", "fs", "--decision", "block"]);
    assert!(succeeded(&added).starts_with(&format!("rule {}: ", before + 1)), "{added:?}");
}

#[test]
fn rules_and_the_switch_hold_for_the_next_call_to_a_host_that_runs() {
    let folder = Folder::new();
    let (host, controller) = (folder.home("host"), folder.home("controller"));
    let served = Served::start_with(&host, "virtual", &["--approve", "policy"], &[]);
    served.pair(&controller);
    let typed = || opendesk(&controller, &["call", "keyboard", r#"{"action": "type", "text": "a"}"#, "--peer", PEER]);
    let name = json(&opendesk(&host, &["peers", "--json"]))[0]["name"].as_str().unwrap().to_owned();
    succeeded(&typed());
    let add = ["policy", "add-rule", "--tool", "keyboard", "--decision", "block", "--reason", "nobody types", "--peer"];
    succeeded(&opendesk(&host, &[&add[..], &[&name]].concat()));
    let refused = typed();
    let (code, line) = failure(&refused);
    assert!(code == 5 && line.contains("the rules of this host forbid it: nobody types"), "{refused:?}");
    succeeded(&opendesk(&host, &["policy", "remove-rule", "1"]));
    succeeded(&typed());
    fs::write(host.join("policy.json"), "{").unwrap();
    assert!(failure(&typed()).1.contains("policy.json on the host cannot be read, so every call is refused"));
    fs::remove_file(host.join("policy.json")).unwrap();
    succeeded(&typed());

    let stopped = opendesk(&host, &["stop", "--reason", "lunch"]);
    assert!(succeeded(&stopped).starts_with("stopped: ") && stopped.stderr.is_empty(), "{stopped:?}");
    let refused = typed();
    let (code, line) = failure(&refused);
    assert!(code == 5 && line.contains("has stopped all controllers (lunch)"), "{refused:?}");
    succeeded(&opendesk(&host, &["takeover"]));
    let refused = typed();
    assert!(failure(&refused).1.contains("is using it themselves"), "{refused:?}");
    succeeded(&opendesk(&host, &["handback"]));
    succeeded(&typed());
}

/// W5: `serve` allows everything unless it is told otherwise, and is stopped all the same.
#[test]
fn a_host_that_asks_no_rules_says_so_and_is_stopped_all_the_same() {
    let folder = Folder::new();
    let (host, controller) = (folder.home("host"), folder.home("controller"));
    let served = Served::start(&host, "virtual", &[]);
    served.pair(&controller);
    let set = opendesk(&host, &["policy", "preset", "strict"]);
    assert!(succeeded(&set).starts_with("strict ") && set.stderr.contains("--approve auto"), "{set:?}");
    let typed = || opendesk(&controller, &["call", "keyboard", r#"{"action": "type", "text": "a"}"#, "--peer", PEER]);
    succeeded(&typed());
    fs::write(host.join("control.json"), "{\"mode\": ").unwrap();
    assert!(failure(&typed()).1.contains("control.json on the host cannot be read, so every call is refused"));
    succeeded(&opendesk(&host, &["resume"]));
    succeeded(&typed());
    succeeded(&opendesk(&host, &["stop"]));
    assert!(failure(&typed()).1.contains("has stopped all controllers"));
}

#[test]
fn what_the_owner_changes_is_in_the_log_where_no_host_runs_too() {
    let folder = Folder::new();
    let home = folder.home("home");
    succeeded(&opendesk(&home, &["policy", "preset", "strict"]));
    succeeded(&opendesk(&home, &["policy", "add-rule", "--tool", "keyboard", "--decision", "block"]));
    let shown = opendesk(&home, &["audit", "--json"]);
    let log = succeeded(&shown);
    assert_eq!(log.matches("policy.changed").count(), 2, "{log}");
    let host = Served::start(&home, "virtual", &[]);
    succeeded(&opendesk(&home, &["policy", "remove-rule", "1"]));
    let shown = opendesk(&home, &["audit", "--json"]);
    let log = succeeded(&shown);
    assert!(log.contains("host.started"), "{log}");
    assert_eq!(log.matches("policy.changed").count(), 3, "the host saw it itself: {log}");
    drop(host);
    succeeded(&opendesk(&home, &["audit", "verify"]));
}

#[test]
fn what_is_tried_for_a_machine_is_what_would_be_said_to_it() {
    let folder = Folder::new();
    let [looks, driven] = ["3f2a", "beef"].map(|digits| digits.repeat(16));
    let paired = json!([{"public_key": looks, "name": "looker"}, {"public_key": driven, "name": "driven"}]);
    let home = home_with(&folder, "trusted-peers.json", paired.to_string().as_bytes());
    let terms = json!({looks: {"role": "observe"}, driven: {"ended": true}});
    fs::write(home.join("peers.json"), terms.to_string()).expect("a file");
    let tried = |method, peer| opendesk(&home, &["policy", "test", method, "--peer", peer]);
    let action = tried("input.key", "looker");
    assert_eq!(succeeded(&action), "block  the role of this machine lets it look only, whatever the rules say");
    assert_eq!(action.stderr, "");
    assert_eq!(succeeded(&tried("display.capture", "looker")), "allow  preset standard: screenshot is read-only");
    let known = json(&opendesk(&home, &["policy", "test", "input.key", "--peer", "3f2a", "--json"]));
    assert_eq!((&known["decision"], &known["rule"], &known["peer"]), (&"block".into(), &Value::Null, &"looker".into()));
    let strange = tried("input.key", "driven");
    assert!(succeeded(&strange).starts_with("allow  preset standard"), "{strange:?}");
    assert_eq!(strange.stderr, "driven may not drive this machine: it is not let in, whatever the rules say\n");
}
