//! `opendesk audit`: what is shown of a log, what is followed, and what its check says here and on another machine.

mod hardship;

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use opendesk_std::govern::audit::{AuditLog, PeerRef, Record};
use opendesk_std::home::Home;
use opendesk_tests::bin::{Running, Served, command};
use serde_json::{Value, json};

use crate::{Folder, LIMIT, failure, json, opendesk, run, succeeded};

/// 2021-05-12, noon at Greenwich: the same date nearly everywhere, and over.
const NOON: u64 = 1_620_820_800;

const DAY: u64 = 86_400;

/// A log of the home of this folder, whose clock the test sets.
struct Log {
    log: AuditLog,
    seconds: Arc<AtomicU64>,
}

impl Log {
    fn open(home: &Path) -> Self {
        let home = Home::open(Some(home.to_owned())).expect("a home");
        let seconds = Arc::new(AtomicU64::new(NOON));
        let clock = Arc::clone(&seconds);
        let clock = move || UNIX_EPOCH + Duration::from_secs(clock.load(Ordering::Relaxed));
        let signer = home.identity().expect("keys").keys.signing_key.clone();
        Self { log: AuditLog::open(&home.audit_dir(), clock, signer).expect("a log"), seconds }
    }

    /// Sets the clock to so many seconds after the noon of 2021-05-12.
    fn set(&self, after: u64) {
        self.seconds.store(NOON + after, Ordering::Relaxed);
    }

    fn call(&mut self, name: &str, method: &str, summary: &str) {
        let peer = PeerRef { name: name.to_owned(), fp: format!("{:016x}", name.len()) };
        let Value::Object(fields) = json!({"session_id": "7", "method": method, "summary": summary, "outcome": "ok"})
        else {
            unreachable!("it is an object")
        };
        self.log.append(Record { kind: "call", peer: Some(peer), fields }).expect("it is recorded");
    }
}

/// Two days: Anna types and looks, Bertha looks.
fn two_days(home: &Path) {
    let mut log = Log::open(home);
    for day in [0, DAY] {
        for (minute, name, method) in
            [(0, "anna", "input.text"), (1, "bertha", "display.capture"), (2, "anna", "display.capture")]
        {
            log.set(day + 60 * minute);
            log.call(name, method, &format!("day {}, minute {minute}", day / DAY));
        }
    }
}

fn days(home: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(home.join("audit")).expect("the log is there");
    let mut days: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    days.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    days.sort();
    days
}

/// The summaries of what is shown as JSON, without what the log says of itself.
fn summaries(home: &Path, args: &[&str]) -> Vec<String> {
    let shown = opendesk(home, &[&["audit", "--json"], args].concat());
    let entries = succeeded(&shown).lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    entries.filter_map(|entry| Some(entry["summary"].as_str()?.to_owned())).collect()
}

#[test]
fn entries_are_chosen_by_day_time_peer_method_and_number() {
    let folder = Folder::new();
    let home = folder.home("home");
    two_days(&home);
    assert_eq!(summaries(&home, &[]).len(), 6);
    assert_eq!(summaries(&home, &["--limit", "2"]), ["day 1, minute 1", "day 1, minute 2"]);
    // The number counts what fits, also over days.
    assert_eq!(summaries(&home, &["--peer", "bertha", "--limit", "2"]), ["day 0, minute 1", "day 1, minute 1"]);
    assert_eq!(summaries(&home, &["--method", "input.*", "--limit", "1"]), ["day 1, minute 0"]);
    assert_eq!(summaries(&home, &["--peer", "0000:0000:0000:0004", "--method", "display.*"]).len(), 2);
    let second = days(&home)[1].file_stem().unwrap().to_str().unwrap().to_owned();
    assert_eq!(summaries(&home, &["--date", &second]).len(), 3);
    assert_eq!(summaries(&home, &["--date", &second, "--limit", "1"]), ["day 1, minute 2"]);
    assert_eq!(summaries(&home, &["--since", "2021-05-13T12:00:30Z"]), ["day 1, minute 1", "day 1, minute 2"]);
    assert_eq!(summaries(&home, &["--since", "2021-05-12T12:02Z", "--limit", "0"]).len(), 4);
    assert_eq!(summaries(&home, &["--since", "1s"]).len(), 0);
}

#[test]
fn lines_for_people_are_in_columns_and_hold_nothing_hidden() {
    let folder = Folder::new();
    let home = folder.home("home");
    let mut log = Log::open(&home);
    log.call("anna", "input.text", "type 17 characters");
    log.call("e\u{1b}[31mvil\u{202e}", "window.close", "close \u{9b}\nforged");
    drop(log);
    let shown = opendesk(&home, &["audit"]);
    let lines: Vec<&str> = succeeded(&shown).lines().collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].ends_with("  -                 audit.opened"), "{lines:?}");
    let typed = "  anna              input.text            ok                  type 17 characters";
    assert!(lines[1].starts_with("2021-05-1") && lines[1].ends_with(typed), "{lines:?}");
    assert!(lines[2].contains("e\\u{1b}[31mvil\\u{202e}") && lines[2].ends_with("close \\u{9b}\\nforged"), "{lines:?}");
    let raw = opendesk(&home, &["audit", "--json", "--limit", "1"]);
    assert!(succeeded(&raw).is_ascii());
    let line: Value = serde_json::from_str(succeeded(&raw)).unwrap();
    assert_eq!(line["peer"]["name"], "e\u{1b}[31mvil\u{202e}");
    assert!(fs::read_to_string(&days(&home)[0]).unwrap().contains(succeeded(&raw)), "it is the line of the file");
}

#[test]
fn what_is_added_is_followed_over_midnight_until_a_signal() {
    for (args, signal) in [(&["audit", "--follow", "--limit", "1"][..], "INT"), (&["audit", "-f", "--json"], "TERM")] {
        let folder = Folder::new();
        let home = folder.home("home");
        let mut log = Log::open(&home);
        log.call("anna", "input.text", "before");
        let mut following = Running::start(command(&home, args));
        following.hear(|line| line.contains("before").then_some(()));
        log.call("anna", "input.text", "added");
        following.hear(|line| line.contains("added").then_some(()));
        log.set(DAY);
        log.call("anna", "input.text", "tomorrow");
        following.hear(|line| line.contains("tomorrow").then_some(()));
        following.signal(signal);
        let ended = following.finish(LIMIT);
        assert!(ended.status.success() && ended.stderr.is_empty(), "{ended:?}");
        for text in ["before", "added", "tomorrow"] {
            assert_eq!(ended.stdout.matches(text).count(), 1, "{ended:?}");
        }
    }
}

#[test]
fn a_home_without_a_log_is_said_and_left_as_it_is() {
    let folder = Folder::new();
    let home = folder.home("home");
    let shown = opendesk(&home, &["audit"]);
    assert!(shown.status.success() && shown.stdout.is_empty(), "{shown:?}");
    assert_eq!(shown.stderr, "there is no audit log yet\n");
    assert_eq!(succeeded(&opendesk(&home, &["audit", "verify"])), "there is no audit log yet");
    let told = json(&opendesk(&home, &["audit", "verify", "--json"]));
    assert_eq!(told, json!({"ok": true, "files": [], "logs": []}));
    assert!(!home.exists());
    two_days(&home);
    let shown = opendesk(&home, &["audit", "--peer", "nobody"]);
    assert!(shown.status.success() && shown.stdout.is_empty(), "{shown:?}");
    assert_eq!(shown.stderr, "no entry of the audit log fits\n");
}

#[test]
fn what_makes_no_sense_is_said_in_one_line() {
    let folder = Folder::new();
    let home = folder.home("home");
    for (args, said) in [
        (&["audit", "--since", "yesterday"][..], "yesterday is no time; write 2026-05-12T10:00"),
        (&["audit", "--method", "input["], "is no pattern"),
        (&["audit", "--follow", "--date", "2026-05-12"], "leave one of them out"),
    ] {
        let tried = opendesk(&home, args);
        let (code, line) = failure(&tried);
        assert!(code == 2 && line.contains(said), "{tried:?}");
    }
    for args in
        [&["audit", "--date", "12.5.2026"][..], &["audit", "--limit", "-1"], &["audit", "--peer", "a", "verify"]]
    {
        assert_eq!(opendesk(&home, args).status.code(), Some(2), "{args:?}");
    }
}

#[test]
fn an_object_that_is_no_entry_and_a_field_that_is_empty_are_shown_as_such() {
    let folder = Folder::new();
    let home = folder.home("home");
    let mut log = Log::open(&home);
    let Value::Object(fields) = json!({"mode": "stopped", "reason": ""}) else { panic!("an object") };
    log.log.append(Record { kind: "control.changed", peer: None, fields }).unwrap();
    drop(log);
    let mut text = fs::read_to_string(&days(&home)[0]).unwrap();
    text.push_str("{\"type\": \"call\", \"summary\": \"when?\"}\n");
    fs::write(&days(&home)[0], text).unwrap();
    let shown = opendesk(&home, &["audit"]);
    let lines: Vec<&str> = succeeded(&shown).lines().collect();
    let last = lines[lines.len() - 1];
    assert!(last.starts_with("not an entry  ") && last.contains("when?"), "{lines:?}");
    assert!(lines.iter().any(|line| line.ends_with("mode=stopped")), "{lines:?}");
    assert!(!shown.stdout.contains("1970") && !shown.stdout.contains("reason="), "{shown:?}");
}

#[test]
fn a_host_whose_log_was_altered_acts_again_when_its_owner_says_so() {
    let folder = Folder::new();
    let (home, controller) = (folder.home("host"), folder.home("controller"));
    for args in [&["audit", "acknowledge"][..], &["audit", "acknowledge", "--json"]] {
        let nobody = opendesk(&home, args);
        let (code, line) = failure(&nobody);
        assert!(code == 1 && line.contains("no host runs with this home directory"), "{nobody:?}");
        assert_eq!(nobody.stdout.lines().count(), args.len() - 2);
    }
    let served = Served::start(&home, "virtual", &[]);
    served.pair(&controller);
    let press = || opendesk(&controller, &["call", "keyboard", r#"{"action": "press", "key": "a"}"#]);
    succeeded(&press());
    let nothing = json(&opendesk(&home, &["audit", "acknowledge", "--json"]));
    assert_eq!(nothing, json!({"ok": true, "altered": false}));
    let told = || opendesk(&home, &["audit", "--json"]).stdout.matches("log was altered").count();
    assert_eq!(told(), 0, "what did not happen is not in the log");

    let day = days(&home).pop().unwrap();
    let mut text = fs::read_to_string(&day).unwrap();
    text.push_str("{\"slipped\": \"in\"}\n");
    fs::write(&day, text).unwrap();
    let refused = press();
    let (code, line) = failure(&refused);
    assert!(code == 5 && line.contains("the audit log of the host was changed by somebody else, so actions"), "{line}");
    let status = opendesk(&home, &["status"]);
    let status = succeeded(&status);
    assert!(status.contains("ALTERED") && status.contains("`opendesk audit acknowledge`"), "{status}");
    let said = opendesk(&home, &["audit", "acknowledge"]);
    assert!(succeeded(&said).starts_with("the host acts again; "), "{said:?}");
    assert_eq!(told(), 1);
    succeeded(&press());
    assert!(!succeeded(&opendesk(&home, &["status"])).contains("ALTERED"));
    assert_eq!(failure(&opendesk(&home, &["audit", "verify"])).0, 1, "what happened is still told");
}

#[test]
fn files_that_cannot_be_read_are_said_and_the_others_shown() {
    let folder = Folder::new();
    let home = folder.home("home");
    two_days(&home);
    let first = &days(&home)[0];
    let text = fs::read_to_string(first).unwrap();
    fs::write(first, text.replacen("{\"fp\"", "{fp", 1)).unwrap();
    let shown = opendesk(&home, &["audit"]);
    assert!(shown.status.success() && shown.stdout.lines().count() == 7, "{shown:?}");
    assert!(shown.stderr.starts_with("1 line in ") && shown.stderr.lines().count() == 1, "{shown:?}");
    fs::remove_file(first).unwrap();
    fs::create_dir(first).unwrap();
    let shown = opendesk(&home, &["audit"]);
    assert!(shown.status.code() == Some(1) && shown.stdout.lines().count() == 4, "{shown:?}");
    assert!(shown.stderr.contains("cannot be read: it is not a regular file"), "{shown:?}");
}

#[test]
fn an_intact_log_is_said_with_where_it_ends() {
    let folder = Folder::new();
    let home = folder.home("home");
    two_days(&home);
    let said = opendesk(&home, &["audit", "verify"]);
    let lines: Vec<&str> = succeeded(&said).lines().collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].ends_with(": 6 lines, 6 of them chained, all signed, as they were written"), "{lines:?}");
    assert!(
        lines[1].ends_with(": 6 lines, 6 of them chained, all signed and closed, as they were written"),
        "{lines:?}"
    );
    let signing = json(&opendesk(&home, &["identity", "--json"]))["signing_key"].as_str().unwrap().to_owned();
    assert!(lines[2].starts_with("signed up to line 6 of 2021-05-1") && lines[2].contains(&signing), "{lines:?}");
    let told = json(&opendesk(&home, &["audit", "verify", "--json"]));
    let (file, head) = (&told["files"][1], &told["logs"][0]["head"]);
    assert_eq!((&told["ok"], &file["ok"], &file["closed"]), (&true.into(), &true.into(), &true.into()));
    assert_eq!((&file["lines"], &file["signed_lines"], &file["checkpoints"]), (&6.into(), &6.into(), &2.into()));
    assert_eq!((&file["signers"][0], &head["key"], &head["lines"]), (&json!(signing), &json!(signing), &6.into()));
    let entries = fs::read_to_string(&days(&home)[1]).unwrap();
    let last: Value = serde_json::from_str(entries.lines().last().unwrap()).unwrap();
    assert_eq!(head["hash"], last["hash"]);
}

#[test]
fn a_log_that_was_changed_is_said_with_file_and_line() {
    let folder = Folder::new();
    let home = folder.home("home");
    two_days(&home);
    let [first, second] = &days(&home)[..] else { panic!("two days") };
    let text = fs::read_to_string(second).unwrap();
    let name = second.file_name().unwrap().to_str().unwrap();
    // A line is changed, the end is cut off, the day is gone: in each case one line on standard error.
    let lines: Vec<&str> = text.lines().collect();
    let cases = [
        (text.replacen("minute 1", "minute 9", 1), format!("{name}: line 4: the hash is not that of the line"), 4),
        (lines[..4].join("\n") + "\n", format!("{name}: line 5: the log went on to line 6 of this file"), 5),
    ];
    for (changed, said, line) in cases {
        fs::write(second, changed).unwrap();
        let tried = opendesk(&home, &["audit", "verify"]);
        assert_eq!(failure(&tried), (1, "opendesk: the audit log is not as it was written"), "{tried:?}");
        assert!(tried.stdout.contains(&said), "{tried:?}");
        let tried = opendesk(&home, &["audit", "verify", "--json"]);
        let told: Value = serde_json::from_str(&tried.stdout).unwrap();
        assert_eq!((&told["ok"], &told["files"][1]["ok"]), (&false.into(), &false.into()), "{told}");
        assert_eq!((&told["exit_code"], &told["error"]), (&1.into(), &"the audit log is not as it was written".into()));
        assert_eq!(told["files"][1]["line"], line);
    }
    fs::remove_file(second).unwrap();
    let tried = opendesk(&home, &["audit", "verify"]);
    assert!(failure(&tried).0 == 1 && tried.stdout.contains("with which the log ends, is not here"), "{tried:?}");
    fs::write(second, &text).unwrap();
    fs::rename(first, home.join("first")).unwrap();
    let tried = opendesk(&home, &["audit", "verify"]);
    assert!(failure(&tried).0 == 1 && tried.stdout.contains("name the files that are left"), "{tried:?}");
    // What was thrown away on purpose is not missed by who says so.
    let left = opendesk(&home, &["audit", "verify", second.to_str().unwrap()]);
    assert!(succeeded(&left).contains("\nnot checked: "), "{left:?}");
}

#[test]
fn a_copy_is_checked_on_another_machine_by_the_public_key() {
    let folder = Folder::new();
    let (home, there) = (folder.home("home"), folder.home("there"));
    two_days(&home);
    let key = folder.home("machine.txt");
    fs::write(&key, succeeded(&opendesk(&home, &["identity"]))).unwrap();
    let copy = folder.home("copy");
    fs::create_dir(&copy).unwrap();
    for file in days(&home).iter().chain([&home.join("audit/head.json")]) {
        fs::copy(file, copy.join(file.file_name().unwrap())).unwrap();
    }
    let (copy, key) = (copy.to_str().unwrap(), key.to_str().unwrap());
    let checked = opendesk(&there, &["audit", "verify", "--pubkey", key, copy]);
    assert!(succeeded(&checked).contains("all signed and closed, as they were written"), "{checked:?}");
    let script = r#"cat "$1" | "$2" --home "$3" audit verify --pubkey /dev/stdin "$4""#;
    let mut piped = Command::new("sh");
    piped.args(["-c", script, "sh", key]).arg(opendesk_tests::bin::opendesk()).arg(&there).arg(copy);
    assert!(succeeded(&run(piped)).contains("all signed"), "keys may come from a pipe");
    assert!(!there.exists(), "it needs no keys of its own");

    // Without the key nothing is known of whoever signed, and another machine's key is not it.
    succeeded(&opendesk(&there, &["identity"]));
    let other = folder.home("other.txt");
    let signing = json(&opendesk(&there, &["identity", "--json"]))["signing_key"].as_str().unwrap().to_owned();
    fs::write(&other, format!("{signing}\n")).unwrap();
    for args in [&["audit", "verify", copy][..], &["audit", "verify", "--pubkey", other.to_str().unwrap(), copy]] {
        let tried = opendesk(&there, args);
        assert_eq!(failure(&tried).0, 1, "{tried:?}");
        assert!(
            tried.stdout.contains("none of those that count: this machine's own, or else what --pubkey names"),
            "{tried:?}"
        );
    }
    // A log without signatures, as version 1 writes it, is not one of this key.
    let foreign = folder.home("foreign");
    fs::create_dir(&foreign).unwrap();
    let line = "{\"hash\": \"f4623292ea69bb003958264be71c68e9f8a741b85070bc2fd641c79b6a55a363\", \"mode\": \"serve\", \
                \"peer\": {\"fp\": \"0101010101010101\", \"name\": \"Zo\\u00eb\"}, \"prev\": \"0000000000000000000000\
                000000000000000000000000000000000000000000\", \"remote_addr\": \"127.0.0.1:5\", \"session_id\": \"s1\", \
                \"ts\": 1760000000.25, \"type\": \"session.opened\"}\n";
    fs::write(foreign.join("2026-05-12.jsonl"), line).unwrap();
    let foreign = foreign.to_str().unwrap();
    let checked = opendesk(&there, &["audit", "verify", foreign]);
    assert!(
        succeeded(&checked).ends_with("1 line, 1 of them chained, not signed, as they were written"),
        "{checked:?}"
    );
    let tried = opendesk(&there, &["audit", "verify", "--pubkey", key, foreign]);
    assert!(failure(&tried).0 == 1 && tried.stdout.contains("nothing in it is signed by"), "{tried:?}");

    // A wrong file of keys says nothing about the log.
    for (content, said) in [("", "holds no signing key"), ("what\n", "has a line, 1, that is no signing key")] {
        fs::write(&other, content).unwrap();
        let args = ["audit", "verify", "--pubkey", other.to_str().unwrap(), copy];
        let tried = opendesk(&there, &args);
        let (code, line) = failure(&tried);
        assert!(code == 6 && line.contains(said) && line.contains("`opendesk identity`"), "{tried:?}");
        let told: Value = serde_json::from_str(&opendesk(&there, &[&args[..], &["--json"]].concat()).stdout).unwrap();
        assert_eq!((&told["ok"], &told["exit_code"]), (&false.into(), &6.into()), "{told}");
    }
    let tried = opendesk(&there, &["audit", "verify", "--pubkey", key, "/nowhere/2026-05-12.jsonl"]);
    let (code, line) = failure(&tried);
    assert!(code == 6 && line.contains("/nowhere/2026-05-12.jsonl cannot be read: "), "{tried:?}");
    let tried = opendesk(&there, &["audit", "verify", "--json", "/nowhere/2026-05-12.jsonl"]);
    let told: Value = serde_json::from_str(&tried.stdout).unwrap();
    assert_eq!((&told["ok"], &told["exit_code"]), (&false.into(), &6.into()));
}

#[test]
fn what_is_named_and_holds_no_log_passes_for_none() {
    let folder = Folder::new();
    let home = folder.home("home");
    two_days(&home);
    let (empty, bytes, pipe) = (folder.home("empty"), folder.home("bytes"), folder.home("pipe"));
    fs::create_dir(&empty).unwrap();
    fs::write(&bytes, [0x80; 300]).unwrap();
    let mut make = Command::new("mkfifo");
    make.arg(&pipe);
    assert!(run(make).status.success());
    // The home is not its log.
    for (named, said) in [
        (&home, "holds no entry of an audit log; name the folder `audit` of a home directory"),
        (&empty, "holds no entry of an audit log"),
        (&bytes, "holds no entry of an audit log"),
        (&pipe, "cannot be read: it is not a regular file"),
    ] {
        let tried = opendesk(&home, &["audit", "verify", named.to_str().unwrap()]);
        let (code, line) = failure(&tried);
        assert!(code == 6 && line.contains(said) && line.contains(named.to_str().unwrap()), "{tried:?}");
        assert!(tried.stdout.is_empty(), "{tried:?}");
    }
    let tried = opendesk(&home, &["audit", "verify", "--pubkey", pipe.to_str().unwrap()]);
    let (code, line) = failure(&tried);
    assert!(code == 6 && line.contains("it is a pipe into which nobody writes"), "{tried:?}");
}
