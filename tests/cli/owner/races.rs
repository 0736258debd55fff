//! Programs that change the same things at once: nothing is lost, and whoever reads finds something whole.

use core::sync::atomic::{AtomicBool, Ordering};
use std::collections::BTreeSet;
use std::path::Path;
use std::thread;

use super::{Host, assert_whole, text};
use crate::{Folder, failure, json, opendesk, succeeded};

/// Does several things at once, and looks at the files of a home until all are done.
fn at_once(home: &Path, works: &[&(dyn Fn() + Sync)]) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let looking = scope.spawn(|| {
            let mut looks = 0_u32;
            while !done.load(Ordering::Relaxed) {
                assert_whole(home);
                looks += 1;
            }
            looks
        });
        let working: Vec<_> = works.iter().map(|work| scope.spawn(*work)).collect();
        let worked: Vec<_> = working.into_iter().map(|work| work.join().is_ok()).collect();
        done.store(true, Ordering::Relaxed);
        assert!(looking.join().is_ok_and(|looks| looks > 0), "every file was whole");
        assert!(worked.iter().all(|is_ok| *is_ok), "everybody came to an end");
    });
}

#[test]
fn rules_that_two_programs_add_and_remove_at_once_are_all_there() {
    let folder = Folder::new();
    let home = folder.home("home");
    succeeded(&opendesk(&home, &["policy", "preset", "strict"]));
    let add = |peer: &str| {
        let add = ["policy", "add-rule", "--tool", "fs", "--decision", "block", "--peer", peer];
        succeeded(&opendesk(&home, &add));
    };
    let names = |program: &'static str| (0..8).map(move |number| format!("{program}-{number}"));
    // What is in front is added and removed: removing takes a number, and numbers shift.
    let passing = || {
        for _ in 0..8 {
            let add = ["policy", "add-rule", "--tool", "ui", "--decision", "block", "--first"];
            succeeded(&opendesk(&home, &add));
            let removed = opendesk(&home, &["policy", "remove-rule", "1"]);
            assert!(succeeded(&removed).contains("tool=ui"), "nobody else puts a rule in front: {removed:?}");
        }
    };
    let reading = || {
        for _ in 0..8 {
            let shown = json(&opendesk(&home, &["policy", "show", "--json"]));
            assert_eq!(shown["preset"], "strict");
        }
    };
    at_once(
        &home,
        &[
            &|| names("one").for_each(|peer| add(&peer)),
            &|| names("two").for_each(|peer| add(&peer)),
            &passing,
            &reading,
        ],
    );
    let shown = json(&opendesk(&home, &["policy", "show", "--json"]));
    let added: BTreeSet<_> = shown["rules"].as_array().unwrap().iter().map(|rule| text(&rule["peer"])).collect();
    let expected: BTreeSet<_> = names("one").chain(names("two")).collect();
    assert_eq!(added, expected.iter().map(String::as_str).collect());
    assert_eq!(shown["rules"].as_array().unwrap().len(), expected.len());
}

#[test]
fn machines_that_pair_while_others_are_renamed_described_and_removed_are_all_there() {
    let folder = Folder::new();
    let home = folder.home("host");
    let host = Host::start(&home, &[]);
    let (kept, leaving) = (folder.home("kept"), folder.home("leaving"));
    host.pair_as(&kept, "kept-0");
    host.pair_as(&leaving, "leaving");
    let newcomers: Vec<_> = (0..4).map(|number| folder.home(&format!("newcomer-{number}"))).collect();
    let pairing = || newcomers.iter().for_each(|newcomer| host.pair(newcomer, &["--role", "observe", "--for", "1h"]));
    let renaming = || {
        for number in 0..12 {
            let (old, new) = (format!("kept-{number}"), format!("kept-{}", number + 1));
            succeeded(&opendesk(&home, &["peers", "rename", &old, &new]));
        }
    };
    let others = || {
        for number in 0..6 {
            succeeded(&opendesk(&home, &["peers", "describe", "leaving", &format!("words {number}")]));
            succeeded(&opendesk(&home, &["peers", "default", "leaving"]));
        }
        succeeded(&opendesk(&home, &["unpair", "leaving"]));
    };
    at_once(&home, &[&pairing, &renaming, &others]);
    let peers = json(&opendesk(&home, &["peers", "--json"]));
    let peers = peers.as_array().unwrap();
    assert_eq!(peers.len(), 1 + newcomers.len(), "{peers:?}");
    assert_eq!((&peers[0]["name"], &peers[0]["role"]), (&"kept-12".into(), &"full".into()));
    for newcomer in &peers[1..] {
        assert!(newcomer["role"] == "observe" && newcomer["expires_at"].is_f64(), "{newcomer}");
    }
    assert!(peers.iter().all(|peer| peer["default"] == false), "the default went with its machine: {peers:?}");
    for controller in newcomers.iter().chain([&kept]) {
        succeeded(&opendesk(controller, &["connect"]));
    }
    let gone = opendesk(&leaving, &["connect"]);
    assert_eq!(failure(&gone).0, 5, "{gone:?}");
}

#[test]
fn a_switch_that_several_throw_at_once_says_what_was_said_last() {
    let folder = Folder::new();
    let (home, controller) = (folder.home("host"), folder.home("controller"));
    let host = Host::start(&home, &[]);
    host.pair(&controller, &[]);
    let throw = |words: [&'static str; 2]| {
        let home = &home;
        move || {
            for round in 0..10 {
                succeeded(&opendesk(home, &[words[round % 2]]));
            }
        }
    };
    let calling = || {
        for _ in 0..10 {
            let called = opendesk(&controller, &["call", "screenshot"]);
            if !called.status.success() {
                let (_, line) = failure(&called);
                assert!(line.contains("the owner of this machine"), "{called:?}");
            }
        }
    };
    at_once(&home, &[&throw(["stop", "resume"]), &throw(["takeover", "handback"]), &calling]);
    for (word, may) in [("stop", false), ("resume", true), ("takeover", false), ("stop", false), ("handback", true)] {
        succeeded(&opendesk(&home, &[word]));
        let called = opendesk(&controller, &["call", "screenshot"]);
        assert_eq!(called.status.success(), may, "{word}: {called:?}");
    }
    // Hosts that stop and hosts that are started together with that find it, too.
    host.kill();
    assert_whole(&home);
}
