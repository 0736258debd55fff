//! A host that is killed, one whose disk is full, and one whose log is taken away.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use opendesk_tests::bin::{Finished, Running, Served, command, opendesk as binary};
use serde_json::Value;

use super::days;
use crate::{Folder, LIMIT, failure, json, opendesk, run, succeeded};

/// How often something is looked at that is waited for.
const POLL: Duration = Duration::from_millis(2);

/// How often the host is killed.
const KILLS: u64 = 6;

const PRESS: [&str; 3] = ["call", "keyboard", r#"{"action": "press", "key": "a"}"#];

fn serve(port: &str) -> [&str; 7] {
    ["serve", "--host", "127.0.0.1", "--port", port, "--backend", "virtual"]
}

/// Pairs a controller with a host that has ended again; on this port it is expected.
fn paired(host: &Path, controller: &Path) -> String {
    let served = Served::start(host, "virtual", &[]);
    served.pair(controller);
    served.address().port().to_string()
}

/// How many bytes the log has.
fn length(home: &Path) -> u64 {
    days(home).iter().map(|day| fs::metadata(day).map_or(0, |found| found.len())).sum()
}

/// Raised when it is dropped, also when a test fails.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The next number of a sequence that looks like chance (splitmix64).
fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*seed ^ (*seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[test]
fn a_host_that_is_killed_at_any_moment_leaves_a_log_that_is_intact_and_says_what_was_recovered() {
    let folder = Folder::new();
    let (host, controller) = (folder.home("host"), folder.home("controller"));
    let port = paired(&host, &controller);
    let mut seed = std::env::var("OPENDESK_AUDIT_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_260_512);
    println!("OPENDESK_AUDIT_SEED={seed}");
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            // Whether a call succeeds depends on whether there is a host.
            while !is_over.load(Ordering::Relaxed) {
                opendesk(&controller, &PRESS);
            }
        });
        let _over = Over(&is_over);
        for _ in 0..KILLS {
            let mut serving = Running::start(command(&host, &serve(&port)));
            serving.first_line();
            let goal = length(&host) + 1 + next(&mut seed) % 6_000;
            let begun = Instant::now();
            while length(&host) < goal {
                assert!(begun.elapsed() < LIMIT, "the log does not grow: {}", serving.stderr());
                thread::sleep(POLL);
            }
            serving.signal("KILL");
            assert!(!serving.finish(LIMIT).status.success());
            // Before anybody has put anything right.
            let found = json(&opendesk(&host, &["audit", "verify", "--json"]));
            assert_eq!((&found["ok"], &found["files"][0]["ok"]), (&true.into(), &true.into()), "{found}");
        }
    });
    let mut serving = Running::start(command(&host, &serve(&port)));
    serving.first_line();
    serving.signal("TERM");
    assert!(serving.finish(LIMIT).status.success());
    let found = json(&opendesk(&host, &["audit", "verify", "--json"]));
    let files = found["files"].as_array().unwrap();
    let recovered: Vec<&Value> = files.iter().flat_map(|file| file["recovered"].as_array().unwrap()).collect();
    // Over midnight one of them may not be needed.
    assert!(recovered.len() as u64 == KILLS || files.len() > 1, "{found}");
    assert_eq!(files.last().unwrap()["closed"], true);
    let said = opendesk(&host, &["audit", "verify"]);
    let told = succeeded(&said).matches("the log had not been closed, and went on").count();
    assert_eq!(told, recovered.len());
}

/// A host whose log lies on a file system of a quarter of a megabyte, which only it sees.
struct Cramped {
    serving: Running,
    /// That file system, from here.
    disk: PathBuf,
}

impl Cramped {
    /// `None` where this user may not make one.
    fn start(folder: &Folder, host: &Path, port: &str) -> Option<Self> {
        let makes = ["-m", "sh", "-c", "mount -t tmpfs -o size=4k none /tmp"];
        let makes = Command::new("unshare").args(makes).stderr(Stdio::null()).status();
        if !makes.is_ok_and(|status| status.success()) {
            return None;
        }
        let (audit, number) = (host.join("audit"), folder.home("number"));
        // The same process all along, so that its number is known.
        let script = r#"number=$1 audit=$2; shift 2; mount -t tmpfs -o size=256k none "$audit" && chmod 700 "$audit" &&
                        echo $$ > "$number" && exec "$@""#;
        let serving = command(host, &serve(port));
        let mut cramped = Command::new("unshare");
        cramped.args(["-m", "sh", "-c", script, "sh"]).arg(&number).arg(&audit).arg(binary()).args(serving.get_args());
        cramped.env_clear().envs(serving.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let mut serving = Running::start(cramped);
        serving.first_line();
        let number = fs::read_to_string(&number).expect("the number of the process");
        let seen = format!("/proc/{}/root{}", number.trim(), audit.display());
        Some(Self { serving, disk: seen.into() })
    }

    /// Takes all the space that is left.
    fn fill(&self) {
        let mut file = File::create(self.disk.join("filler")).expect("a file");
        let mut size = 4096;
        while size > 0 {
            if file.write_all(&vec![b'x'; size]).is_err() {
                size /= 2;
            }
        }
    }

    fn empty(&self) {
        fs::remove_file(self.disk.join("filler")).expect("it was there");
    }
}

#[test]
fn a_full_disk_refuses_actions_and_lets_observations_pass_until_there_is_space() {
    let folder = Folder::new();
    let (host, controller) = (folder.home("host"), folder.home("controller"));
    let port = paired(&host, &controller);
    fs::remove_dir_all(host.join("audit")).unwrap();
    fs::create_dir(host.join("audit")).unwrap();
    let Some(cramped) = Cramped::start(&folder, &host, &port) else {
        println!("left out: a file system of its own needs root");
        return;
    };
    let press = || opendesk(&controller, &PRESS);
    succeeded(&press());
    cramped.fill();
    // What is left of the last page takes a few lines.
    let refused: Finished = (0..50).map(|_| press()).find(|pressed| !pressed.status.success()).expect("it is full");
    assert!(refused.stderr.contains("audit log") && refused.stderr.contains("actions are refused"), "{refused:?}");
    for _ in 0..3 {
        let pressed = press();
        assert!(pressed.status.code() == Some(5) && pressed.stderr.contains("actions are refused"), "{pressed:?}");
        let looked = opendesk(&controller, &["call", "screenshot"]);
        assert!(succeeded(&looked).starts_with("[on desk] Picture of"), "{looked:?}");
    }
    assert!(
        cramped.serving.stderr().contains("actions are refused, because of the audit log"),
        "{}",
        cramped.serving.stderr()
    );
    cramped.empty();
    succeeded(&press());
    // Nothing is left of what could not be written.
    let copy = folder.home("copy");
    fs::create_dir(&copy).unwrap();
    for file in fs::read_dir(&cramped.disk).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), copy.join(file.file_name())).unwrap();
    }
    let key = folder.home("key");
    fs::write(&key, succeeded(&opendesk(&host, &["identity"]))).unwrap();
    let checked = opendesk(&host, &["audit", "verify", "--pubkey", key.to_str().unwrap(), copy.to_str().unwrap()]);
    assert!(succeeded(&checked).contains("as they were written"), "{checked:?}");
    cramped.serving.signal("TERM");
    assert!(cramped.serving.finish(LIMIT).status.success());
}

#[test]
fn a_log_that_is_lost_refuses_actions_until_the_host_starts_anew() {
    let folder = Folder::new();
    let (host, controller) = (folder.home("host"), folder.home("controller"));
    let served = Served::start(&host, "virtual", &[]);
    served.pair(&controller);
    let press = || opendesk(&controller, &PRESS);
    succeeded(&press());
    for day in days(&host) {
        fs::remove_file(day).unwrap();
    }
    for _ in 0..2 {
        let pressed = press();
        assert!(pressed.status.code() == Some(5) && pressed.stderr.contains("actions are refused"), "{pressed:?}");
        succeeded(&opendesk(&controller, &["call", "screenshot"]));
    }
    assert!(served.stderr().contains("was changed by somebody else"), "{}", served.stderr());
    let port = served.address().port().to_string();
    drop(served);
    let mut serving = Running::start(command(&host, &serve(&port)));
    serving.first_line();
    succeeded(&press());
    serving.signal("TERM");
    assert!(serving.finish(LIMIT).status.success());
    let tried = opendesk(&host, &["audit", "verify"]);
    assert!(
        tried.status.code() == Some(1) && tried.stdout.contains("somebody else had changed it (lost)"),
        "{tried:?}"
    );
}

#[test]
fn a_second_host_does_not_write_into_the_log_of_the_first() {
    let folder = Folder::new();
    let host = folder.home("host");
    let _served = Served::start(&host, "virtual", &[]);
    let before = length(&host);
    // The lock of the home is gone, that of the log is not.
    fs::remove_file(host.join("serve.lock")).unwrap();
    let tried = run(command(&host, &serve("0")));
    assert_eq!(tried.status.code(), Some(6), "{tried:?}");
    assert!(tried.stderr.contains("another opendesk writes the audit log in "), "{tried:?}");
    assert_eq!(length(&host), before);
    assert!(OpenOptions::new().read(true).open(host.join("audit/.lock")).is_ok());
}

#[test]
fn a_host_whose_log_is_taken_away_says_so_at_once_and_acts_again_when_its_owner_knows() {
    let folder = Folder::new();
    let (host, controller) = (folder.home("host"), folder.home("controller"));
    let port = paired(&host, &controller);
    let mut serving = Running::start(command(&host, &serve(&port)));
    serving.first_line();
    succeeded(&opendesk(&controller, &PRESS));
    fs::remove_dir_all(host.join("audit")).unwrap();
    let line = serving.hear_error(|line| line.contains("because of the audit log").then(|| line.to_owned()));
    assert!(line.contains("was changed by somebody else") && line.contains("`opendesk audit acknowledge`"), "{line}");
    let status = json(&opendesk(&host, &["status", "--json"]));
    assert_eq!((&status["audit"]["altered"], &status["audit"]["error"]), (&true.into(), &Value::Null), "{status}");
    let refused = opendesk(&controller, &PRESS);
    let (code, said) = failure(&refused);
    assert!(code == 5 && said.contains("was changed by somebody else"), "{refused:?}");
    assert!(!said.contains(host.to_str().unwrap()), "{said}");
    let acknowledged = opendesk(&host, &["audit", "acknowledge"]);
    assert!(succeeded(&acknowledged).starts_with("the host acts again"), "{acknowledged:?}");
    succeeded(&opendesk(&controller, &PRESS));
    serving.signal("TERM");
    assert!(serving.finish(LIMIT).status.success());
    let verified = opendesk(&host, &["audit", "verify"]);
    assert!(failure(&verified).0 == 1 && verified.stdout.contains("(lost)"), "{verified:?}");
}
