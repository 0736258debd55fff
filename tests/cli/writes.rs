//! What is written into a home by programs that are killed, by several at once, and on a full disk: keys, schedules,
//! programs, the token of HTTP clients and what the owner says. Lists of machines and rules have tests of their own as well.

#![expect(clippy::unwrap_used, reason = "every function here is the body of a test, or a part of one")]

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Instant;

use opendesk_tests::bin::{Running, behind, command};
use serde_json::{Value, json};

use crate::{Folder, failure, json, opendesk, run, succeeded};

const ROUNDS: usize = 12;

/// A key of a machine in a list.
const DESK: &str = "3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f";

/// The arguments that write something, for the program of a number.
type Args = fn(usize) -> Vec<String>;

fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).to_vec()
}

fn rotates(_number: usize) -> Vec<String> {
    words(["identity", "rotate"])
}

fn shows_keys(_number: usize) -> Vec<String> {
    words(["identity", "--json"])
}

fn schedules(number: usize) -> Vec<String> {
    let task = r#"{"action": "type", "text": "x"}"#;
    words(["scheduler", "add", &format!("task-{number}"), "every 1h", "keyboard", task])
}

fn patches(number: usize) -> Vec<String> {
    let content = json!({"tool": "keyboard", "arguments": {"action": "type", "text": format!("step {number}")}});
    let patch = json!({"action": "patch", "name": "greet", "change": "insert", "content": content});
    words(["call", "learn", &patch.to_string(), "--backend", "virtual"])
}

fn serves_http(_number: usize) -> Vec<String> {
    words(["mcp", "--backend", "virtual", "--transport", "http", "--port", "0"])
}

/// A home in which there is one of everything.
fn full(path: &Path) -> PathBuf {
    fs::create_dir_all(path.join("programs")).unwrap();
    for folder in [path.to_owned(), path.join("programs")] {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).unwrap();
    }
    let machine =
        json!({"public_key": DESK, "name": "desk", "paired_at": 1.0, "last_host": "10.0.0.2", "last_port": 1});
    let step = json!({"id": 1, "tool": "keyboard", "arguments": {"action": "type", "text": "step 0"}});
    let program = json!({"name": "greet", "version": 1, "source": "session", "steps": [step]});
    for (name, content) in [
        ("trusted-peers.json", json!([machine]).to_string()),
        ("peers.json", json!({DESK: {"wire": 2}}).to_string()),
        ("policy.json", json!({"preset": "relaxed", "rules": []}).to_string()),
        ("control.json", json!({"mode": "running"}).to_string()),
        ("description.txt", "the one under the desk\n".to_owned()),
        ("programs/greet.json", program.to_string()),
    ] {
        fs::write(path.join(name), content).unwrap();
    }
    succeeded(&opendesk(path, &["identity"]));
    succeeded(&opendesk(path, &schedules(0).iter().map(String::as_str).collect::<Vec<_>>()));
    path.to_owned()
}

/// The names of files that were begun and not finished.
fn unfinished(home: &Path) -> Vec<PathBuf> {
    let folders = [home.to_owned(), home.join("programs"), home.join("audit")];
    let files = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
    files.filter(|file| file.file_name().to_string_lossy().starts_with(".new-")).map(|file| file.path()).collect()
}

fn keys(home: &Path) -> (String, Vec<String>) {
    let shown = json(&opendesk(home, &["identity", "--json"]));
    let key = |value: &Value| value["public_key"].as_str().unwrap().to_owned();
    (key(&shown), shown["former"].as_array().unwrap().iter().map(key).collect())
}

fn tasks(home: &Path) -> BTreeSet<String> {
    let listed = json(&opendesk(home, &["scheduler", "list", "--json"]));
    listed["tasks"].as_array().unwrap().iter().map(|task| task["name"].as_str().unwrap().to_owned()).collect()
}

fn steps(home: &Path) -> BTreeSet<String> {
    let program: Value = serde_json::from_slice(&fs::read(home.join("programs/greet.json")).unwrap()).unwrap();
    let text = |step: &Value| step["arguments"]["text"].as_str().unwrap().to_owned();
    program["steps"].as_array().unwrap().iter().map(text).collect()
}

fn token(home: &Path) -> Option<String> {
    let token = fs::read_to_string(home.join("mcp-token")).ok()?;
    assert!(token.len() == 65 && token.ends_with('\n'), "{token:?}");
    Some(token.trim().to_owned())
}

/// Starts a program and kills it: when it writes, or so many microseconds after it began. Whether it had come to a good end
/// before.
fn killed(home: &Path, args: &[String], after: Option<Duration>) -> bool {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let before = unfinished(home).len();
    let mut child = command(home, &args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    match after {
        Some(time) => thread::sleep(time),
        None => {
            // A server that was faster goes on.
            let begun = Instant::now();
            let is_over = |child: &mut Child| child.try_wait().unwrap().is_some() || begun.elapsed().as_secs() >= 1;
            while unfinished(home).len() <= before && !is_over(&mut child) {}
        }
    }
    child.kill().unwrap();
    child.wait().unwrap().success()
}

#[test]
fn w14_a_program_that_is_killed_while_it_writes_leaves_everything_whole_and_nothing_half() {
    type Look = fn(&Path, &[usize]);
    let table: [(&str, Args, Look); 5] = [
        ("keys are made", shows_keys, |home, _| assert_eq!(keys(home), keys(home))),
        ("keys are changed", rotates, |home, _| {
            let (key, former) = keys(home);
            assert!(!former.contains(&key) && former.iter().collect::<BTreeSet<_>>().len() == former.len());
        }),
        ("a task is scheduled", schedules, |home, done| {
            let tasks = tasks(home);
            assert!(done.iter().all(|number| tasks.contains(&format!("task-{number}"))), "{tasks:?} {done:?}");
        }),
        ("a program is changed", patches, |home, done| {
            let steps = steps(home);
            assert!(done.iter().all(|number| steps.contains(&format!("step {number}"))), "{steps:?} {done:?}");
        }),
        ("a token is made", serves_http, |home, _| drop(token(home))),
    ];
    let folder = Folder::new();
    for (what, args, look) in table {
        let mut done = vec![0];
        let mut home = full(&folder.home(what));
        for round in 1..=ROUNDS {
            if what.ends_with("made") {
                home = folder.home(&format!("{what} {round}"));
                fs::create_dir(&home).unwrap();
            }
            let known = (what == "keys are changed").then(|| keys(&home).0);
            let after = (round % 3 == 0).then(|| Duration::from_millis(2 * round as u64));
            if killed(&home, &args(round), after) {
                done.push(round);
            }
            look(&home, &done);
            if let Some(known) = known {
                let (key, former) = keys(&home);
                assert!(key == known || former.last() == Some(&known), "{what}: the chain is whole");
            }
            succeeded(&opendesk(&home, &["policy", "preset", "relaxed"]));
            assert!(unfinished(&home).is_empty(), "{what}: what was left half written is gone");
        }
    }
}

/// Runs some programs at once, each to a good end.
fn at_once(home: &Path, args: Args, count: usize) {
    let all: Vec<Running> = (1..=count)
        .map(|number| Running::start(command(home, &args(number).iter().map(String::as_str).collect::<Vec<_>>())))
        .collect();
    for running in all {
        succeeded(&running.finish(crate::LIMIT));
    }
}

#[test]
fn programs_that_write_the_same_file_at_once_lose_nothing() {
    let folder = Folder::new();
    let home = full(&folder.home("home"));
    at_once(&home, schedules, 8);
    assert_eq!(tasks(&home), (0..=8).map(|number| format!("task-{number}")).collect());
    at_once(&home, patches, 8);
    assert_eq!(steps(&home), (0..=8).map(|number| format!("step {number}")).collect());
    let (first, _) = keys(&home);
    at_once(&home, rotates, 3);
    let (last, former) = keys(&home);
    assert!(former.len() == 3 && former[0] == first && last != first, "{first} {former:?} {last}");
    let verified = opendesk(&home, &["audit", "verify", "--json"]);
    assert_eq!(json(&verified)["ok"], true, "{verified:?}");
}

#[test]
fn servers_that_make_a_token_at_once_have_the_same_one() {
    let folder = Folder::new();
    let home = folder.home("home");
    let mut servers: Vec<Running> = (0..4)
        .map(|number| {
            let args = serves_http(number);
            Running::start(command(&home, &args.iter().map(String::as_str).collect::<Vec<_>>()))
        })
        .collect();
    let places: Vec<String> = servers
        .iter_mut()
        .map(|server| {
            server.hear_error(|line| {
                let (_, place) = line.split_once("http://")?;
                Some(place.split(['/', ' ']).next()?.trim_end_matches(['.', ',', ';']).to_owned())
            })
        })
        .collect();
    let token = token(&home).expect("they have made one");
    for place in places {
        let status = |token: &str| {
            let mut stream = TcpStream::connect(&place).unwrap();
            let asked = format!(
                "GET /mcp HTTP/1.1\r\nHost: {place}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
            );
            stream.write_all(asked.as_bytes()).unwrap();
            let mut answer = vec![0; 12];
            stream.read_exact(&mut answer).unwrap();
            String::from_utf8(answer).unwrap()
        };
        assert_ne!(status(&token), "HTTP/1.1 401", "{place}");
        assert_eq!(status(&"x".repeat(43)), "HTTP/1.1 401", "{place}: another token opens nothing");
    }
}

/// Every file of a home with its content, but for what says who runs.
fn files(home: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let folders = [home.to_owned(), home.join("programs")];
    let found = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap().flatten()).map(|file| file.path());
    let kept = found.filter(|path| path.is_file() && path.extension().is_none_or(|end| end != "lock"));
    let kept = kept.filter(|path| !path.ends_with("lock"));
    kept.map(|path| (path.strip_prefix(home).unwrap().to_owned(), fs::read(&path).unwrap())).collect()
}

/// A home on a disk of its own that is full.
struct Cramped {
    folder: Folder,
    before: BTreeMap<PathBuf, Vec<u8>>,
}

impl Cramped {
    /// Nothing where this machine lets nobody have a disk of their own.
    fn new(prepare: impl FnOnce(&Path)) -> Option<Self> {
        let makes = ["-m", "sh", "-c", "mount -t tmpfs -o size=4k none /tmp"];
        let makes = Command::new("unshare").args(makes).stderr(Stdio::null()).status();
        makes.is_ok_and(|status| status.success()).then(|| {
            let folder = Folder::new();
            fs::create_dir(folder.home("home")).unwrap();
            prepare(&full(&folder.home("kept")));
            let before = files(&folder.home("kept"));
            Self { folder, before }
        })
    }

    /// Runs a program there, and gives what the files are afterwards as well.
    fn run(&self, args: &[String]) -> (opendesk_tests::bin::Finished, BTreeMap<PathBuf, Vec<u8>>) {
        let script = r#"mount -t tmpfs -o size=512k,mode=700 none "$1" && cp -a "$2/." "$1" || exit 99
            cat /dev/zero >"$1/ballast" 2>/dev/null; from=$1 to=$3; shift 3; "$@"; code=$?
            rm "$from/ballast" && mkdir "$to" && cp -a "$from/." "$to" || exit 98; exit $code"#;
        let (home, kept, after) = (self.folder.home("home"), self.folder.home("kept"), self.folder.home("after"));
        let _may_be_missing = fs::remove_dir_all(&after).is_ok();
        let places = [&home, &kept, &after].map(|path| path.to_str().unwrap());
        let front = [&["unshare", "-m", "sh", "-c", script, "sh"][..], &places].concat();
        let program = command(&home, &args.iter().map(String::as_str).collect::<Vec<_>>());
        let finished = run(behind(&front, &program));
        assert!(after.is_dir(), "{finished:?}");
        (finished, files(&after))
    }
}

#[test]
fn on_a_full_disk_everything_stays_as_it_was_and_that_is_said() {
    let Some(cramped) = Cramped::new(|_| ()) else { return };
    let rule = ["policy", "add-rule", "--tool", "fs", "--decision", "block"];
    for args in [
        words(["peers", "rename", "desk", "table"]),
        words(["peers", "describe", "desk", "words"]),
        words(["peers", "default", "desk"]),
        words(["policy", "preset", "strict"]),
        words(rule),
        words(["resume"]),
        words(["describe", "words"]),
        rotates(1),
        schedules(1),
        patches(1),
        serves_http(1),
        words(["pair", "--host", "127.0.0.1", "--port", "0"]),
    ] {
        let (finished, after) = cramped.run(&args);
        // What could not be logged either is said before.
        let line = finished.stderr.lines().last().unwrap_or_default();
        assert!(!finished.status.success() && line.contains("No space left on device"), "{args:?}: {finished:?}");
        assert!(line.ends_with("free some space and try again"), "{args:?}: {line}");
        assert_eq!(finished.stdout, "", "{args:?}: nothing is told that does not hold");
        assert!(!line.contains(".new-") && !line.contains(".opendesk-"), "a name that nobody knows: {line}");
        assert_eq!(after, cramped.before, "{args:?}");
    }
}

#[test]
fn keys_that_find_no_room_are_not_made_in_part() {
    let Some(cramped) = Cramped::new(|home| {
        for name in ["identity.key", "identity.ed25519"] {
            fs::remove_file(home.join(name)).unwrap();
        }
    }) else {
        return;
    };
    let (finished, after) = cramped.run(&shows_keys(0));
    let (code, line) = failure(&finished);
    assert!(code == 6 && line.contains("No space left on device"), "{finished:?}");
    assert_eq!(after, cramped.before);
}

/// What ends something is not kept from it: a stop is written over in place, and a machine is struck off the list so.
#[test]
fn on_a_full_disk_controllers_are_stopped_and_unpaired_all_the_same() {
    let Some(cramped) = Cramped::new(|_| ()) else { return };
    let (finished, after) = cramped.run(&words(["stop", "--reason", "now"]));
    succeeded(&finished);
    let control: Value = serde_json::from_slice(&after[Path::new("control.json")]).unwrap();
    assert_eq!(control["mode"], "stopped");

    // Without a file to write over, an empty one is all that there is room for, which refuses as well.
    let bare = Cramped::new(|home| fs::remove_file(home.join("control.json")).unwrap()).unwrap();
    let (finished, after) = bare.run(&words(["stop", "--reason", "now"]));
    let (code, line) = failure(&finished);
    assert!(code == 6 && line.contains("every call is refused from now on, but not with these words: "), "{line}");
    assert!(line.ends_with("`opendesk stop` or `opendesk resume` writes it anew"), "{line}");
    assert!(line.contains("free some space"), "{line}");
    assert_eq!(after[Path::new("control.json")], b"");

    let (finished, _) = cramped.run(&words(["unpair", "desk"]));
    succeeded(&finished);
    let after = cramped.folder.home("after");
    assert_eq!(json(&opendesk(&after, &["peers", "--json"])), json!([]));
    // The list is whole, and what was struck off is gone once something is written.
    succeeded(&opendesk(&after, &["peers", "default", "--clear"]));
    assert_eq!(fs::read_to_string(after.join("trusted-peers.json")).unwrap(), "[]");
}
