//! W33: one host for each home, and what a host that was killed leaves behind keeps nobody from the next one.

use std::fs;

use opendesk_tests::bin::Running;

use super::{Host, POLL, serving, without_terminal};
use crate::{Folder, LIMIT, failure, json, opendesk, run, succeeded};

#[test]
fn w33_a_second_host_is_refused_in_one_line_whether_the_first_one_answers_or_not() {
    let folder = Folder::new();
    let (home, controller) = (folder.home("host"), folder.home("controller"));
    let host = Host::start(&home, &[]);
    host.pair(&controller, &[]);
    let pid = fs::read_to_string(home.join("serve.lock")).unwrap().trim().to_owned();
    for signal in ["CONT", "STOP"] {
        host.running.signal(signal);
        let second = run(serving(&home, &[]));
        let (code, line) = failure(&second);
        assert!(code == 6 && line.contains(&format!("(pid {pid})")) && line.contains("--home"), "{second:?}");
        assert_eq!(second.stdout, "");
    }
    host.running.signal("CONT");
    assert!(home.join("admin.sock").exists());
    assert_eq!(json(&opendesk(&home, &["status", "--json"]))["pid"].to_string(), pid);
    succeeded(&opendesk(&controller, &["call", "screenshot"]));
}

#[test]
fn a_host_that_was_killed_is_followed_by_another_one() {
    let folder = Folder::new();
    let (home, controller) = (folder.home("host"), folder.home("controller"));
    let mut host = Host::start(&home, &[]);
    host.pair(&controller, &[]);
    for _ in 0..3 {
        host.kill();
        assert!(home.join("admin.sock").exists(), "it could not tidy up");
        assert_eq!(succeeded(&opendesk(&home, &["sessions"])), "nobody drives this machine");
        host = Host::start(&home, &[]);
        host.found_by(&controller);
        succeeded(&opendesk(&controller, &["call", "screenshot"]));
        succeeded(&opendesk(&home, &["sessions"]));
    }
    let verified = opendesk(&home, &["audit", "verify", "--json"]);
    assert_eq!(json(&verified)["ok"], true, "{verified:?}");
}

#[test]
fn of_many_hosts_that_start_at_once_one_serves() {
    let folder = Folder::new();
    let home = folder.home("host");
    let (mut one, mut refused) = (None, 0);
    let starting: Vec<Running> = (0..5).map(|_| Running::start(without_terminal(&serving(&home, &[])))).collect();
    for running in starting {
        // Whoever serves goes on, so what it says is waited for and not its end.
        loop {
            // Whoever serves says first where, and then more.
            let is_told = running.stderr().ends_with('\n');
            if running.stdout().starts_with("listening on ") {
                assert!(one.replace(running).is_none(), "two hosts of one home");
                break;
            }
            if is_told {
                let ended = running.finish(LIMIT);
                let (code, line) = failure(&ended);
                assert!(code == 6 && line.contains("already uses"), "{ended:?}");
                refused += 1;
                break;
            }
            std::thread::sleep(POLL);
        }
    }
    assert!(one.is_some() && refused == 4, "{refused}");
    assert!(json(&opendesk(&home, &["status", "--json"]))["pid"].is_u64());
}
