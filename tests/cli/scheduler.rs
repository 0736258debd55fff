//! `opendesk scheduler`, and `schedule` as agents call it: what is scheduled is done, whoever else writes and whatever ends in
//! between.

#![expect(clippy::unwrap_used, reason = "every function here is the body of a test, or a part of one")]

use core::time::Duration;
use std::fs;
use std::path::Path;

use opendesk_std::schedule::now;
use opendesk_tests::bin::{self, PEER, Running, Served, command};
use serde_json::{Value, json};

use super::{Folder, eventually, failure, json, opendesk, succeeded};

/// `opendesk scheduler start`, in a form that is easy to read.
struct Scheduler(Running);

impl Scheduler {
    fn start(home: &Path) -> Self {
        let mut running = Running::start(command(home, &["scheduler", "start", "--backend", "virtual", "--json"]));
        let first: Value = serde_json::from_str(&running.first_line()).expect("JSON");
        assert_eq!(first["event"], "ready", "{first}");
        Self(running)
    }

    /// Waits for an event about a task.
    fn hear(&mut self, event: &str, name: &str) -> Value {
        self.0.hear(|line| {
            let told: Value = serde_json::from_str(line).expect("JSON");
            (told["event"] == event && told["name"] == name).then_some(told)
        })
    }

    fn count(&self, event: &str, name: &str) -> usize {
        let told = self.0.stdout();
        let told = told.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        told.filter(|told| told["event"] == event && told["name"] == name).count()
    }

    fn end(self, signal: &str) {
        self.0.signal(signal);
        let finished = self.0.finish(super::LIMIT);
        assert!(finished.status.success() || signal == "KILL", "{finished:?}");
    }
}

/// As an agent calls it.
fn call(home: &Path, arguments: &Value) -> String {
    let called = opendesk(home, &["call", "schedule", &arguments.to_string(), "--backend", "virtual"]);
    succeeded(&called).to_owned()
}

/// Has something typed on this machine's desktop.
fn add(home: &Path, name: &str, timing: &str, more: &Value) {
    let mut asked = json!({
        "action": "add", "name": name, "timing": timing, "timezone": "UTC", "peer": "local", "task": "keyboard",
        "arguments": {"action": "type", "text": "hello", "settle_ms": 0},
    });
    asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let said = call(home, &asked);
    assert!(said.starts_with(&format!("{name} is scheduled: keyboard type on local, ")), "{said}");
}

/// So many seconds from now, as a timing of UTC.
fn soon(seconds: u64) -> String {
    // Before the time is taken: the first to ask has it built.
    let _built = bin::opendesk();
    let at = now().checked_add(Duration::from_secs(seconds)).expect("a time").to_string();
    format!("at {}", &at[.."2026-12-24T18:00:00".len()])
}

fn listed(home: &Path) -> Value {
    json(&opendesk(home, &["scheduler", "list", "--json"]))
}

fn task<'a>(listing: &'a Value, name: &str) -> &'a Value {
    let mut tasks = listing["tasks"].as_array().expect("tasks").iter();
    tasks.find(|task| task["name"] == name).unwrap_or_else(|| panic!("{name} in {listing}"))
}

#[test]
fn what_is_scheduled_is_done_once_and_told() {
    let folder = Folder::new();
    let home = folder.home("home");
    add(&home, "greet", &soon(5), &json!({}));
    assert_eq!(listed(&home)["running"], false);
    let mut scheduler = Scheduler::start(&home);
    assert_eq!(listed(&home)["running"], true);
    let begins = scheduler.hear("begins", "greet");
    assert_eq!(begins["task"], "keyboard type");
    let ended = scheduler.hear("ended", "greet");
    assert_eq!(ended["ok"], true, "{ended}");
    assert!(ended["said"].as_str().is_some_and(|said| said.contains("Typed 5 characters")), "{ended}");
    let listing = listed(&home);
    let greet = task(&listing, "greet");
    assert_eq!((&greet["next"], &greet["runs"][0]["ok"]), (&Value::Null, &json!(true)), "{greet}");
    assert_eq!(greet["runs"].as_array().map(Vec::len), Some(1));
    let shown = opendesk(&home, &["scheduler", "list"]);
    assert!(
        succeeded(&shown).contains("keyboard type on local") && shown.stdout.contains("not due any more"),
        "{shown:?}"
    );
    assert!(shown.stderr.contains("A scheduler (pid "), "{shown:?}");
    assert!(call(&home, &json!({"action": "list"})).contains("A scheduler (pid "));
    // Polite, and with nothing left to do again.
    scheduler.end("INT");
    let again = Scheduler::start(&home);
    add(&home, "later", &soon(5), &json!({}));
    let mut again = again;
    again.hear("ended", "later");
    assert_eq!(again.count("begins", "greet"), 0);
    again.end("TERM");
}

#[test]
fn tasks_that_are_added_while_it_runs_are_seen_and_not_overwritten() {
    // W35: the reference's daemon read its tasks once, and wrote them back over the new ones.
    let folder = Folder::new();
    let home = folder.home("home");
    let mut scheduler = Scheduler::start(&home);
    add(&home, "one", "every 10s", &json!({}));
    add(&home, "two", &soon(5), &json!({}));
    scheduler.hear("ended", "two");
    let names = ["three", "four", "five"];
    for name in names {
        add(&home, name, "every day at 09:00", &json!({}));
    }
    scheduler.hear("ended", "one");
    let listing = listed(&home);
    assert_eq!(listing["tasks"].as_array().map(Vec::len), Some(5), "{listing}");
    succeeded(&opendesk(&home, &["scheduler", "pause", "three"]));
    assert_eq!(task(&listed(&home), "three")["next"], Value::Null);
    succeeded(&opendesk(&home, &["scheduler", "resume", "three"]));
    succeeded(&opendesk(&home, &["scheduler", "remove", "one"]));
    let ran = scheduler.count("begins", "one");
    add(&home, "after", &soon(11), &json!({}));
    scheduler.hear("ended", "after");
    assert!(scheduler.count("begins", "one") <= ran + 1, "it was removed");
    scheduler.end("INT");
    let unknown = opendesk(&home, &["scheduler", "remove", "one"]);
    let (code, line) = failure(&unknown);
    assert_eq!(code, 1);
    assert!(line.contains("no task is called \"one\"; there are: two, three, four, five, after"), "{line}");
}

#[test]
fn a_home_has_one_scheduler() {
    let folder = Folder::new();
    let home = folder.home("home");
    let first = Scheduler::start(&home);
    let second = opendesk(&home, &["scheduler", "start", "--backend", "virtual"]);
    let (code, line) = failure(&second);
    assert_eq!(code, 6);
    assert!(line.contains("another `opendesk scheduler start` (pid "), "{line}");
    // It goes with its process, however that ends.
    first.end("KILL");
    Scheduler::start(&home).end("INT");
}

#[test]
fn what_was_missed_is_said_and_made_up_for_where_that_is_wanted() {
    let folder = Folder::new();
    let home = folder.home("home");
    for (name, catch_up) in [("lost", false), ("late", true)] {
        add(&home, name, "every day at 09:00", &json!({"catch_up": catch_up}));
    }
    // As if they had been added days ago.
    let path = home.join("schedules.json");
    let mut written: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    for entry in written["schedules"].as_array_mut().unwrap() {
        let created = entry["created"].as_str().unwrap().to_owned();
        let before = format!("{}{}", created[..4].parse::<i32>().unwrap() - 1, &created[4..]);
        // There is no such day in every year.
        let before = before.replace("-02-29T", "-02-28T");
        (entry["created"], entry["since"]) = (before.clone().into(), before.into());
    }
    fs::write(&path, written.to_string()).unwrap();
    let days = task(&listed(&home), "lost")["missed"].as_u64().unwrap();
    assert!((364..=367).contains(&days), "{days}");
    let mut scheduler = Scheduler::start(&home);
    let missed = scheduler.hear("missed", "lost");
    assert_eq!(missed["missed"].as_u64(), Some(days));
    scheduler.hear("ended", "late");
    assert_eq!((scheduler.count("begins", "late"), scheduler.count("begins", "lost")), (1, 0));
    scheduler.end("INT");
    let mut again = Scheduler::start(&home);
    add(&home, "now", &soon(5), &json!({}));
    again.hear("ended", "now");
    assert_eq!((again.count("begins", "late"), again.count("missed", "lost")), (0, 0));
    again.end("INT");
    let listing = listed(&home);
    assert_eq!(task(&listing, "lost")["missed"].as_u64(), Some(days), "{listing}");
    assert!(task(&listing, "late")["next"].is_string());
}

#[test]
fn a_run_that_is_killed_is_not_begun_again_and_nothing_is_lost() {
    let folder = Folder::new();
    let home = folder.home("home");
    let slow = json!({"action": "type", "text": "x".repeat(60), "interval_ms": 1000});
    add(&home, "slow", &soon(5), &json!({"arguments": slow}));
    let before = fs::read_to_string(home.join("schedules.json")).unwrap();
    let mut scheduler = Scheduler::start(&home);
    scheduler.hear("begins", "slow");
    let has_begun = || task(&listed(&home), "slow")["runs"].as_array().is_some_and(|runs| !runs.is_empty());
    eventually("the run is kept", has_begun);
    scheduler.end("KILL");
    assert_eq!(fs::read_to_string(home.join("schedules.json")).unwrap(), before);
    let mut again = Scheduler::start(&home);
    add(&home, "next", &soon(5), &json!({}));
    again.hear("ended", "next");
    assert_eq!(again.count("begins", "slow"), 0);
    let listing = listed(&home);
    let run = &task(&listing, "slow")["runs"][0];
    assert_eq!(run["ok"], false, "{run}");
    assert!(run["said"].as_str().is_some_and(|said| said.contains("the scheduler ended before the run did")), "{run}");
    again.end("INT");
}

#[test]
fn what_is_being_done_ends_with_the_scheduler_and_one_thing_is_done_at_a_time() {
    let folder = Folder::new();
    let home = folder.home("home");
    let slow = json!({"action": "type", "text": "x".repeat(60), "interval_ms": 1000});
    let mut scheduler = Scheduler::start(&home);
    add(&home, "slow", "every 10s", &json!({"arguments": slow}));
    scheduler.hear("begins", "slow");
    add(&home, "waits", &soon(5), &json!({}));
    // Its second time comes while the first is not over.
    let overlaps = scheduler.hear("overlaps", "slow");
    assert!(overlaps["due"].is_string());
    assert_eq!(scheduler.count("begins", "waits"), 0, "one desktop has one pair of hands");
    scheduler.0.signal("INT");
    let ended = scheduler.hear("ended", "slow");
    assert!(ended["said"].as_str().is_some_and(|said| said.contains("the scheduler was ended meanwhile")), "{ended}");
    let finished = scheduler.0.finish(super::LIMIT);
    assert!(finished.status.success(), "{finished:?}");
    let listing = listed(&home);
    let slow = task(&listing, "slow");
    assert_eq!((&slow["overlapped"], &slow["runs"][0]["ok"]), (&json!(1), &json!(false)), "{slow}");
    // What waited for its turn was not seen to by that.
    assert_eq!(task(&listing, "waits")["runs"], json!([]));
    call(&home, &json!({"action": "remove", "name": "slow"}));
    let mut again = Scheduler::start(&home);
    assert_eq!(again.hear("ended", "waits")["ok"], true);
    again.end("INT");
}

#[test]
fn a_run_waits_for_whoever_does_a_task_by_hand_and_begins_only_when_that_can_be_kept() {
    let folder = Folder::new();
    let home = folder.home("home");
    add(&home, "waits", &soon(5), &json!({"catch_up": true}));
    let free = json!({"action": "add", "name": "free", "timing": soon(7), "timezone": "UTC", "task": "opendesk_peers"});
    call(&home, &free);
    // As a process does that runs a task by hand.
    let by_hand = fs::File::create(home.join("schedule-local.lock")).unwrap();
    by_hand.lock().unwrap();
    let run = opendesk(&home, &["scheduler", "run", "waits", "--backend", "virtual"]);
    let (code, line) = failure(&run);
    assert_eq!(code, 6);
    assert!(line.contains("another task is being done on the desktop of waits"), "{line}");
    let mut scheduler = Scheduler::start(&home);
    assert_eq!(scheduler.hear("ended", "free")["ok"], true);
    assert_eq!(scheduler.count("begins", "waits"), 0, "one desktop has one pair of hands");
    let state = home.join("schedule-state.json");
    let kept = fs::read_to_string(&state).unwrap();
    fs::write(&state, "{").unwrap();
    drop(by_hand);
    let told = scheduler.0.hear(|line| {
        let told: Value = serde_json::from_str(line).expect("JSON");
        (told["event"] == "trouble").then(|| told["error"].as_str().unwrap_or_default().to_owned())
    });
    assert!(told.contains("waits has not begun: ") && told.contains("schedule-state.json"), "{told}");
    assert_eq!(scheduler.count("begins", "waits"), 0, "what cannot be kept is not done");
    fs::write(&state, kept).unwrap();
    assert_eq!(scheduler.hear("ended", "waits")["ok"], true);
    scheduler.end("INT");
}

#[test]
fn a_file_that_is_no_list_of_tasks_is_refused_and_left_alone() {
    let folder = Folder::new();
    let home = folder.home("home");
    add(&home, "greet", "every 10s", &json!({}));
    let path = home.join("schedules.json");
    let good = fs::read_to_string(&path).unwrap();
    let mut scheduler = Scheduler::start(&home);
    let bad = good.replace("every 10s", "every 0s");
    fs::write(&path, &bad).unwrap();
    let told = scheduler.0.hear(|line| {
        let told: Value = serde_json::from_str(line).expect("JSON");
        (told["event"] == "trouble").then(|| told["error"].as_str().unwrap_or_default().to_owned())
    });
    assert!(told.contains("that cannot be: ") && told.contains("until then nothing is done"), "{told}");
    for args in [
        &["scheduler", "list"][..],
        &["scheduler", "remove", "greet"],
        &["scheduler", "add", "b", "every 1h", "keyboard", r#"{"action": "type", "text": "x"}"#],
        &["call", "schedule", r#"{"action": "list"}"#],
    ] {
        let refused = opendesk(&home, args);
        let (code, line) = failure(&refused);
        assert_eq!(code, 6, "{args:?}: {line}");
        assert!(line.contains("left untouched: fix it or move it away"), "{line}");
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), bad);
    // Set right, it is gone on with.
    fs::write(&path, good).unwrap();
    scheduler.hear("ended", "greet");
    fs::write(&path, &bad).unwrap();
    scheduler.end("INT");
    let started = opendesk(&home, &["scheduler", "start", "--backend", "virtual"]);
    assert_eq!(failure(&started).0, 6, "{started:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), bad);
}

#[test]
fn a_stop_and_the_rules_hold_for_tasks_too() {
    let folder = Folder::new();
    let home = folder.home("home");
    succeeded(&opendesk(&home, &["stop", "--reason", "mine now"]));
    let mut scheduler = Scheduler::start(&home);
    add(&home, "stopped", &soon(5), &json!({}));
    let refused = scheduler.hear("ended", "stopped");
    assert_eq!(refused["ok"], false, "{refused}");
    assert!(refused["said"].as_str().is_some_and(|said| said.contains("mine now")), "{refused}");
    succeeded(&opendesk(&home, &["resume"]));
    succeeded(&opendesk(
        &home,
        &["policy", "add-rule", "--tool", "keyboard", "--decision", "block", "--reason", "never"],
    ));
    add(&home, "ruled", &soon(5), &json!({}));
    let refused = scheduler.hear("ended", "ruled");
    assert!(refused["said"].as_str().is_some_and(|said| said.contains("never")), "{refused}");
    // By hand as well.
    let run = opendesk(&home, &["scheduler", "run", "ruled", "--backend", "virtual"]);
    let (code, line) = failure(&run);
    assert_eq!(code, 5);
    assert!(line.contains("never"), "{line}");
    scheduler.end("INT");
}

#[test]
fn a_task_is_done_on_a_peer_that_was_renamed() {
    let folder = Folder::new();
    let (host, home) = (folder.home("host"), folder.home("home"));
    let served = Served::start(&host, "virtual", &[]);
    served.pair(&home);
    let args = ["scheduler", "add", "there", "every 10s", "keyboard", r#"{"action": "type", "text": "x"}"#, "--json"];
    let added = json(&opendesk(&home, &args));
    assert_eq!(added["peer"], PEER, "{added}");
    succeeded(&opendesk(&home, &["peers", "rename", PEER, "table"]));
    let mut scheduler = Scheduler::start(&home);
    let ended = scheduler.hear("ended", "there");
    assert_eq!(ended["ok"], true, "{ended}");
    assert!(ended["said"].as_str().is_some_and(|said| said.starts_with("[on table] Typed 1 ch")), "{ended}");
    assert_eq!(task(&listed(&home), "there")["peer"], "table");
    scheduler.end("INT");
    let log = super::log_of(&host);
    assert!(log.iter().any(|entry| entry.to_string().contains("input.text")), "{log:?}");
}

#[test]
fn the_commands_say_what_they_take() {
    let folder = Folder::new();
    let home = folder.home("home");
    let typed = r#"{"action": "type", "text": "x"}"#;
    for (args, code, said) in [
        (&["scheduler", "add", "a", "every day at 99:99", "keyboard", typed][..], 2, "is no time of day"),
        (&["scheduler", "add", "a", "every 0m", "keyboard", typed], 2, "not between 10 seconds"),
        (&["scheduler", "add", "a", "every 1h", "keyboard", "[]"], 2, "must be a JSON object"),
        (&["scheduler", "add", "a", "every 1h", "keyboard", typed, "--timezone", "Nowhere"], 2, "no time zone"),
        (&["scheduler", "add", "a", "every 1h", "keyboard", typed, "--peer", "x"], 5, "no paired machine"),
        (&["scheduler", "run", "a"], 1, "no task is called \"a\"; none is scheduled"),
        (&["scheduler", "pause", "a"], 1, "none is scheduled"),
    ] {
        let refused = opendesk(&home, args);
        let (got, line) = failure(&refused);
        assert!(got == code && line.contains(said), "{args:?}: {got}: {line}");
    }
    let added = opendesk(&home, &["scheduler", "add", "a", "0 9 * * 1", "keyboard", typed, "--timezone", "UTC"]);
    let added = succeeded(&added);
    assert!(added.contains("next 20") && added.contains(" 09:00:00 UTC"), "{added}");
    // W35: of cron, Monday is 1.
    let next = task(&listed(&home), "a")["next"].as_str().unwrap().to_owned();
    let day = now().to_string();
    assert!(next > day && next.ends_with("T09:00:00Z"), "{next}");
    let done = opendesk(&home, &["scheduler", "run", "a", "--backend", "virtual"]);
    assert!(succeeded(&done).contains("a is done, after "), "{done:?}");
}
