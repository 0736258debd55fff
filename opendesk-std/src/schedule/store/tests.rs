use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;
use std::thread;

use serde_json::{Map, Value, json};

use super::*;
use crate::schedule::plan::{Verdict, look};
use crate::schedule::timing::tests::{at, timing};

pub(in crate::schedule) fn home() -> (tempfile::TempDir, Home) {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let home = Home::open(Some(folder.path().join("home"))).expect("a home");
    (folder, home)
}

pub(in crate::schedule) fn schedule(name: &str, when: &str, zone: &str) -> Schedule {
    let arguments = Map::from_iter([("action".to_owned(), Value::from("type")), ("text".to_owned(), "x".into())]);
    Schedule {
        name: name.to_owned(),
        task: Task::new("keyboard", arguments).expect("a task"),
        timing: timing(when),
        zone: timing::zone(Some(zone)).expect("a zone"),
        machine: Machine::Local,
        catch_up: false,
        paused: false,
        limit: Duration::from_secs(600),
        created: at("2026-01-01T00:00:00Z"),
        since: at("2026-01-01T00:00:00Z"),
    }
}

fn names(home: &Home) -> Vec<String> {
    Schedules::load(home).unwrap().all.into_iter().map(|schedule| schedule.name).collect()
}

#[test]
fn what_is_kept_is_read_back_as_it_was() {
    let (_folder, home) = home();
    assert_eq!(Schedules::load(&home).unwrap(), Schedules::default());
    let at_peer = Machine::Peer { name: "desk".to_owned(), at: "7b".repeat(32) };
    let place = Machine::Peer { name: "7b7b:7b7b:7b7b:7b7b".to_owned(), at: format!("ws://box:1#{}", "7b".repeat(32)) };
    let all = [
        schedule("täglich", "every day at 09:00", "Europe/Berlin"),
        Schedule { machine: at_peer, catch_up: true, ..schedule("peer", "every 15m", "UTC") },
        Schedule { machine: place, paused: true, ..schedule("place", "0 9 * * 1", "UTC") },
        Schedule {
            machine: Machine::None,
            task: Task::new("opendesk_peers", Map::new()).unwrap(),
            limit: Duration::from_secs(5),
            ..schedule("none", "at 2027-01-31 18:00", "UTC")
        },
    ];
    for one in &all {
        Schedules::add(&home, one.clone()).unwrap();
    }
    assert_eq!(Schedules::load(&home).unwrap().all, all);
    assert_eq!(fs::metadata(home.path().join(FILE)).unwrap().mode() & 0o777, 0o600);
    assert_eq!(all[1].call()["peer"], "7b".repeat(32));
    assert_eq!(all[0].call()["peer"], "local");
    assert!(all[3].call().get("peer").is_none());
    let taken = Schedules::add(&home, all[0].clone()).unwrap_err();
    assert_eq!(taken.kind(), HomeErrorKind::Taken);
    Schedules::remove(&home, "peer").unwrap();
    assert_eq!(names(&home), ["täglich", "place", "none"]);
    let unknown = Schedules::remove(&home, "peer").unwrap_err().to_string();
    assert!(unknown.contains("there are: täglich, place, none"), "{unknown}");
}

#[test]
fn what_rests_is_not_due_and_is_not_made_up_for() {
    let (_folder, home) = home();
    Schedules::add(&home, schedule("a", "every 1h", "UTC")).unwrap();
    let one = |home: &Home| Schedules::load(home).unwrap().all[0].clone();
    Schedules::pause(&home, "a", true, at("2026-01-02T00:00:00Z")).unwrap();
    assert_eq!(one(&home).next(at("2026-01-02T00:00:00Z")), None);
    let later = at("2026-01-03T00:30:00Z");
    Schedules::pause(&home, "a", false, later).unwrap();
    // It still counts from when it was added.
    let rests = look(&one(&home), Some(at("2026-01-01T23:00:00Z")), false, later);
    assert_eq!((rests.verdict, rests.next), (Verdict::Rest, Some(at("2026-01-03T01:00:00Z"))));
    // Who goes on already is not begun anew.
    Schedules::pause(&home, "a", false, at("2026-01-09T00:00:00Z")).unwrap();
    assert_eq!(one(&home).since, later);
}

#[test]
fn a_file_that_says_anything_else_is_refused_and_left_as_it_is() {
    let (_folder, home) = home();
    Schedules::add(&home, schedule("a", "every 1h", "UTC")).unwrap();
    let path = home.path().join(FILE);
    let good: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let with = |place: &str, value: Value| {
        let mut bad = good.clone();
        *bad.pointer_mut(place).unwrap_or_else(|| panic!("{place}")) = value;
        bad.to_string()
    };
    let extra = |name: &str| {
        let mut bad = good.clone();
        bad["schedules"][0][name] = json!(1);
        bad.to_string()
    };
    let twice = with("/schedules", json!([good["schedules"][0], good["schedules"][0]]));
    for (text, said) in [
        (String::new(), "does not hold schedules"),
        ("[".to_owned(), "does not hold schedules"),
        (r#"{"version": 1, "schedules": [], "more": 1}"#.to_owned(), "unknown field `more`"),
        (with("/version", json!(2)), "has version 2"),
        (extra("every"), "unknown field `every`"),
        (twice, "two tasks that are called \"a\""),
        (with("/schedules/0/timing", json!("every 0m")), "not between 10 seconds"),
        (with("/schedules/0/timezone", json!("Mars/Olympus")), "no time zone is called"),
        (with("/schedules/0/name", json!("a b")), "the name of a task"),
        (with("/schedules/0/task/tool", json!("rm")), "is neither"),
        (with("/schedules/0/task/arguments", json!({"action": "type", "peer": 5})), "has to be a text"),
        (with("/schedules/0/peer", json!({"name": "x", "at": "somewhere"})), "neither local nor a name and a key"),
        (with("/schedules/0/peer", Value::Null), "has no peer"),
        (with("/schedules/0/limit_seconds", json!(0)), "1 to 86400 seconds"),
        (with("/schedules/0/created", json!("yesterday")), "is no time"),
    ] {
        fs::write(&path, &text).unwrap();
        for error in [
            Schedules::load(&home).unwrap_err(),
            Schedules::add(&home, schedule("b", "every 1h", "UTC")).unwrap_err(),
            Schedules::remove(&home, "a").unwrap_err(),
        ] {
            let line = error.to_string();
            assert_eq!(error.kind(), HomeErrorKind::Corrupt, "{line}");
            assert!(line.contains(said) && line.contains("left untouched") && !line.contains('\n'), "{said}: {line}");
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    fs::write(&path, vec![b' '; MOST_BYTES + 1]).unwrap();
    assert_eq!(Schedules::load(&home).unwrap_err().kind(), HomeErrorKind::Io);
}

#[test]
fn whoever_writes_at_the_same_time_loses_nothing() {
    let (_folder, home) = home();
    let home = Arc::new(home);
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let home = Arc::clone(&home);
            thread::spawn(move || {
                for number in 0..10 {
                    let name = format!("t{writer}-{number}");
                    Schedules::add(&home, schedule(&name, "every 1h", "UTC")).unwrap();
                    if number % 2 == 1 {
                        Schedules::remove(&home, &name).unwrap();
                    }
                }
            })
        })
        .collect();
    for writer in writers {
        writer.join().unwrap();
    }
    let mut there = names(&home);
    there.sort();
    let mut wanted: Vec<_> =
        (0..4).flat_map(|writer| (0..10).step_by(2).map(move |n| format!("t{writer}-{n}"))).collect();
    wanted.sort();
    assert_eq!(there, wanted);
}

#[test]
fn there_is_a_most_of_everything() {
    let (_folder, home) = home();
    let many = |schedules: &mut Schedules| {
        schedules.all = (0..MOST).map(|number| schedule(&format!("t{number}"), "every 1h", "UTC")).collect();
        Ok(())
    };
    Schedules::change(&home, many).unwrap();
    let error = Schedules::add(&home, schedule("more", "every 1h", "UTC")).unwrap_err().to_string();
    assert!(error.contains("200 tasks, which is the most"), "{error}");
    for name in ["", "a b", "a/b", "a\u{202e}b", &"x".repeat(65)] {
        assert!(good_name(name).is_err(), "{name:?}");
    }
    assert!(good_limit(0).is_err() && good_limit(86401).is_err() && good_limit(86400).is_ok());
}
