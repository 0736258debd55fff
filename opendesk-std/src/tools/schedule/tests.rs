use core::future::{pending, ready};
use std::fs;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::client::{Remote, RemoteOptions};
use crate::desktop::Backend;
use crate::home::{NewPeer, Peers};
use crate::schedule::{Hands, Listing, Machine, Run, State};
use crate::tools::{Caller, Consent, Outside};

/// Of a run that takes too long.
const LIMIT: Duration = Duration::from_secs(7);

/// No machine is reached, and no time passes but what the desktop is given.
struct Nowhere;

impl Outside for Nowhere {
    fn remote(&self, options: RemoteOptions) -> Remote {
        panic!("{options:?} is opened")
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        let passes = time < Duration::from_millis(500) || time == LIMIT;
        if passes { Box::pin(ready(())) } else { Box::pin(pending()) }
    }
}

fn session() -> (tempfile::TempDir, Home, Session) {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let home = Home::open(Some(folder.path().join("home"))).expect("a home");
    let session = Session::new(home.clone(), Backend::Virtual, Box::new(Nowhere));
    (folder, home, session)
}

fn call(session: &Session, asked: Value) -> Result<String, String> {
    let given = zbus::block_on(session.try_tool("schedule", asked)).map_err(|error| error.to_string())?;
    if given.is_error { Err(given.all_text()) } else { Ok(given.all_text()) }
}

fn typing(name: &str, timing: &str) -> Value {
    json!({
        "action": "add", "name": name, "timing": timing, "task": "keyboard",
        "arguments": {"action": "type", "text": "sesame"},
    })
}

fn with(mut value: Value, more: Value) -> Value {
    value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    value
}

fn pair(home: &Home, number: u8, name: &str) {
    let new = NewPeer {
        public_key: [number; 32],
        name: name.to_owned(),
        paired_at: 0.0,
        signing_key: None,
        wire: 2,
        terms: None,
    };
    let mut peers = Peers::load(home).expect("peers");
    peers.add(&new).expect("a peer");
    peers.set_endpoint(&[number; 32], "127.0.0.1", 1).expect("its place");
}

#[test]
fn a_task_is_added_shown_done_and_removed() {
    let (_folder, home, session) = session();
    let nothing = call(&session, json!({"action": "list"})).unwrap();
    assert!(nothing.starts_with("Nothing is scheduled. No scheduler runs"), "{nothing}");
    let berlin = with(typing("greet", "every day at 02:30"), json!({"timezone": "europe/berlin", "limit_seconds": 60}));
    let added = call(&session, berlin).unwrap();
    assert!(added.starts_with("greet is scheduled: keyboard type on local, every day at 02:30, next "), "{added}");
    assert!(added.contains("`opendesk scheduler start` has to be running"), "{added}");
    let listed = call(&session, json!({"action": "list"})).unwrap();
    assert!(listed.starts_with("greet: keyboard type on local, every day at 02:30 (Europe/Berlin), next "), "{listed}");
    assert!(listed.contains("never run") && !listed.contains("sesame"), "{listed}");

    let done = call(&session, json!({"action": "run", "name": "greet"})).unwrap();
    assert!(done.starts_with("greet is done, after ") && done.contains("Typed 6 characters"), "{done}");
    let listed = call(&session, json!({"action": "list"})).unwrap();
    assert!(listed.contains(": done in 0.") && listed.contains("<untrusted "), "{listed}");
    assert!(listed.contains("greet: Typed 6 characters"), "{listed}");
    let full = call(&session, json!({"action": "list", "name": "greet"})).unwrap();
    assert!(!full.contains("sesame") && full.contains("by hand: done in"), "{full}");
    let at = full.find("6 characters").unwrap();
    assert!(full[..at].contains("<untrusted ") && full[at..].contains("</untrusted "), "{full}");
    let listed = Listing::load(&home).unwrap().to_json().to_string();
    assert!(listed.contains("6 characters") && !listed.contains("sesame"), "{listed}");

    assert_eq!(
        call(&session, json!({"action": "pause", "name": "greet"})).unwrap(),
        "greet rests until it is resumed."
    );
    assert!(call(&session, json!({"action": "list"})).unwrap().contains(", paused; "));
    assert_eq!(call(&session, json!({"action": "resume", "name": "greet"})).unwrap(), "greet goes on.");
    assert!(Listing::load(&home).unwrap().tasks[0].next.is_some());
    assert_eq!(
        call(&session, json!({"action": "remove", "name": "greet"})).unwrap(),
        "greet is not scheduled any more."
    );
    let gone = call(&session, json!({"action": "run", "name": "greet"})).unwrap_err();
    assert!(gone.contains("no task is called \"greet\"; none is scheduled"), "{gone}");
}

#[test]
fn what_cannot_be_is_refused_and_nothing_is_kept_of_it() {
    let (_folder, home, session) = session();
    let good = || typing("a", "every 15m");
    for (asked, said) in [
        (json!({"action": "add"}), "this needs `name`"),
        (json!({"action": "remove"}), "this needs `name`"),
        (json!({"action": "dance"}), "`action` has to be one of add, list"),
        (with(good(), json!({"when": "now"})), "there is no `when`, but `action`"),
        (with(good(), json!({"name": "../a"})), "the name of a task has"),
        (with(good(), json!({"timing": "every 0m"})), "not between 10 seconds and 366 days"),
        (with(good(), json!({"timing": "every day at 99:99"})), "no time of day"),
        (with(good(), json!({"timing": "0 0 30 2 *"})), "never comes"),
        (with(good(), json!({"timing": "at 2020-01-01 10:00"})), "is over"),
        (with(good(), json!({"timezone": "Moon/Base"})), "no time zone is called \"Moon/Base\""),
        (with(good(), json!({"task": "tell Eve a joke", "arguments": {}})), "no model is here to read it"),
        (with(good(), json!({"task": "run no-such-program", "arguments": {}})), "no-such-program"),
        (with(good(), json!({"task": "schedule"})), "cannot be scheduled"),
        (with(good(), json!({"arguments": {"action": "type", "teext": "x"}})), "there is no `teext`"),
        (with(good(), json!({"arguments": {"action": "type", "text": "x", "peer": "a"}, "peer": "b"})), "named twice"),
        (with(good(), json!({"limit_seconds": 0})), "1 to 86400 seconds"),
        (with(good(), json!({"peer": "nobody"})), "no paired machine is called \"nobody\""),
        (with(good(), json!({"task": "opendesk_peers", "arguments": {}, "peer": "local"})), "is of no machine"),
    ] {
        let error = call(&session, asked).unwrap_err();
        assert!(error.contains(said) && !error.contains('\n'), "{said}: {error}");
        assert!(!home.path().join("schedules.json").exists(), "{said}");
    }
    call(&session, good()).unwrap();
    assert!(call(&session, good()).unwrap_err().contains("is called \"a\" already"));
}

#[test]
fn a_task_stays_with_its_machine_and_needs_none_to_be_up() {
    let (_folder, home, session) = session();
    pair(&home, 7, "desk");
    // The only paired machine; it is not called.
    let added = call(&session, typing("a", "every 15m")).unwrap();
    assert!(added.contains("keyboard type on desk"), "{added}");
    pair(&home, 8, "other");
    let several = call(&session, typing("b", "every 15m")).unwrap_err();
    assert!(several.contains("several machines are paired (desk, other)"), "{several}");
    Peers::load(&home).unwrap().rename(&[7; 32], &"table".parse().unwrap()).unwrap();
    Peers::load(&home).unwrap().rename(&[8; 32], &"desk".parse().unwrap()).unwrap();
    let listing = Listing::load(&home).unwrap();
    assert_eq!(listing.tasks[0].machine.as_deref(), Some("table"));
    let key = Machine::Peer { name: "desk".to_owned(), at: "07".repeat(32) };
    assert_eq!(listing.tasks[0].schedule.machine, key);
    // Another machine of the name is not taken for it.
    Peers::load(&home).unwrap().remove(&[7; 32]).unwrap();
    let gone = call(&session, json!({"action": "run", "name": "a"})).unwrap_err();
    assert!(gone.contains("the machine that was called \"desk\" is not paired any more"), "{gone}");
    let place = format!("ws://box:1#{}", "09".repeat(32));
    call(&session, with(typing("c", "every 15m"), json!({"peer": place}))).unwrap();
    let listing = Listing::load(&home).unwrap();
    let at_place = Machine::Peer { name: "0909:0909:0909:0909".to_owned(), at: place };
    assert_eq!(listing.tasks[1].schedule.machine, at_place);
}

#[test]
fn a_run_that_a_person_has_to_allow_first_has_not_begun() {
    let (_folder, home, session) = session();
    home.write("policy.json", br#"{"rules": [{"tool": "keyboard", "decision": "confirm"}]}"#).unwrap();
    call(&session, typing("greet", "every 15m")).unwrap();
    let run = || json!({"action": "run", "name": "greet"});
    let deferring = session.for_caller(Caller::new(None, Consent::Defer));
    let Err(ToolError::Ask(asked)) = zbus::block_on(deferring.try_tool("schedule", run())) else { panic!("asked") };
    assert_eq!(Listing::load(&home).unwrap().tasks[0].outcome(), "never run");
    let state = home.path().join("schedule-state.json");
    assert!(!state.exists(), "nothing was written at any time, so nothing can be left of it");
    let granted = session.for_caller(Caller::new(None, asked.granted()));
    zbus::block_on(granted.try_tool("schedule", run())).unwrap();
    assert!(Listing::load(&home).unwrap().tasks[0].outcome().contains(": done in"));
    // Where nobody has to be asked it is kept as any other.
    let look = json!({"action": "add", "name": "look", "timing": "every 1h", "task": "opendesk_peers"});
    call(&session, look).unwrap();
    let deferring = session.for_caller(Caller::new(None, Consent::Defer));
    zbus::block_on(deferring.try_tool("schedule", json!({"action": "run", "name": "look"}))).unwrap();
    assert!(Listing::load(&home).unwrap().tasks[1].outcome().contains(": done in"));
    zbus::block_on(session.close());
}

#[test]
fn a_desktop_on_which_a_task_is_being_done_is_left_to_it() {
    let (_folder, home, session) = session();
    call(&session, typing("greet", "every 15m")).unwrap();
    let held = Hands::take(&home, &Machine::Local).unwrap();
    assert!(held.is_some());
    let run = || call(&session, json!({"action": "run", "name": "greet"}));
    let busy = run().unwrap_err();
    assert!(busy.contains("another task is being done on the desktop of greet"), "{busy}");
    assert_eq!(Listing::load(&home).unwrap().tasks[0].outcome(), "never run");
    drop(held);
    assert!(run().unwrap().starts_with("greet is done, after "));
    run().unwrap();
    zbus::block_on(session.close());
}

#[test]
fn a_run_by_hand_that_nobody_ended_is_told_as_interrupted() {
    let (_folder, home, session) = session();
    call(&session, typing("greet", "every 15m")).unwrap();
    let created = Listing::load(&home).unwrap().tasks[0].schedule.created;
    let run = Run { begun: Timestamp::UNIX_EPOCH, by_hand: true, end: None };
    State::begin(&home, "greet", created, &run).unwrap();
    let listing = Listing::load(&home).unwrap();
    assert!(listing.tasks[0].outcome().contains(": interrupted, nobody has seen its end"));
    assert_eq!(listing.to_json()["tasks"][0]["runs"][0]["interrupted"], true);
    let full = call(&session, json!({"action": "list", "name": "greet"})).unwrap();
    assert!(full.contains("by hand: interrupted"), "{full}");
    let now = Run { begun: now(), ..run };
    State::begin(&home, "greet", created, &now).unwrap();
    assert!(Listing::load(&home).unwrap().tasks[0].outcome().contains(": begun, and not ended yet"));
}

#[test]
fn a_parameter_of_a_program_may_be_called_peer() {
    let (_folder, home, session) = session();
    fs::create_dir(home.path().join("programs")).unwrap();
    let program = json!({"name": "greet", "version": 1, "source": "session", "parameters": [{"name": "peer"}],
        "steps": [{"id": 1, "tool": "keyboard", "arguments": {"action": "type", "text": "{{peer}}"}}]});
    fs::write(home.path().join("programs/greet.json"), program.to_string()).unwrap();
    let asked =
        json!({"action": "add", "name": "a", "task": "run greet", "arguments": {"peer": "Ada"}, "timing": "every 1h"});
    call(&session, asked).unwrap();
    let listing = Listing::load(&home).unwrap();
    assert_eq!(listing.tasks[0].schedule.machine, Machine::Local);
    assert_eq!(listing.tasks[0].schedule.task.arguments["parameters"], json!({"peer": "Ada"}));
}

#[test]
fn what_takes_too_long_is_ended() {
    let (_folder, home, session) = session();
    let slow = json!({"action": "type", "text": "x".repeat(200), "interval_ms": 1000});
    call(&session, with(typing("slow", "every 15m"), json!({"limit_seconds": LIMIT.as_secs(), "arguments": slow})))
        .unwrap();
    let error = call(&session, json!({"action": "run", "name": "slow"})).unwrap_err();
    assert!(error.contains("it took longer than 7 seconds and was ended"), "{error}");
    let listing = Listing::load(&home).unwrap();
    assert!(listing.tasks[0].outcome().contains(": failed in"), "{}", listing.tasks[0].outcome());
    zbus::block_on(session.close());
}
