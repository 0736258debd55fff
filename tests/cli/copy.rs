//! `opendesk cp` between two programs, with a network between them that the test can break.

mod broken;
mod refused;
mod trees;

use core::net::SocketAddr;
use core::time::Duration;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::UNIX_EPOCH;

use opendesk_tests::bin::{self, Finished, PEER, Running, behind, command};
use opendesk_tests::proxy::{Fault, Proxy, Way};
use serde_json::Value;

use crate::{Folder, LIMIT, eventually, failure, json, opendesk, peak, run, succeeded};

const MB: u64 = 1 << 20;

/// A host, a controller that is paired with it, and a folder for each.
struct Scene {
    /// Absent while there is none.
    host: Option<Running>,
    proxy: Proxy,
    folder: Folder,
}

impl Scene {
    fn new() -> Self {
        Self::with(&[], &[])
    }

    /// A host behind other programs, such as `sh -c …`, and with more arguments for `opendesk pair`.
    fn with(front: &[&str], terms: &[&str]) -> Self {
        Self::start(front, &[], terms)
    }

    /// A host that is run by somebody who may do little, where the test is run by somebody who may do so.
    fn of_nobody() -> Option<Self> {
        let user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
        let may = Command::new(user[0]).args(&user[1..]).arg(bin::opendesk()).arg("--version").output();
        may.is_ok_and(|may| may.status.success()).then(|| Self::start(&user, &user, &[]))
    }

    fn start(front: &[&str], user: &[&str], terms: &[&str]) -> Self {
        let folder = Folder::new();
        fs::set_permissions(folder.home("."), fs::Permissions::from_mode(0o755)).expect("it is ours");
        for name in ["here", "there", "user", "host"] {
            fs::create_dir(folder.home(name)).expect("a new folder");
        }
        if !user.is_empty() {
            for name in ["user", "host"] {
                std::os::unix::fs::chown(folder.home(name), Some(65534), Some(65534))
                    .expect("who may be nobody may give it away");
            }
        }
        let (host, address) = serve(&folder, front);
        let proxy = Proxy::start(address);
        let shown = ["pair", "--code", "482913", "--timeout", "60"];
        let mut shown = Running::start(behind(user, &command(&folder.home("host"), &[&shown, terms].concat())));
        shown.first_line();
        let (ip, port) = (proxy.address().ip().to_string(), proxy.address().port().to_string());
        let args = ["pair-with", &ip, "482913", "--port", &port, "--name", PEER];
        succeeded(&opendesk(&folder.home("controller"), &args));
        succeeded(&shown.finish(LIMIT));
        Self { host: Some(host), proxy, folder }
    }

    fn here(&self, name: &str) -> PathBuf {
        self.folder.home("here").join(name)
    }

    fn there(&self, name: &str) -> PathBuf {
        self.folder.home("there").join(name)
    }

    /// A path of the host as it is written on the command line.
    fn on_host(&self, name: &str) -> String {
        format!("{PEER}:{}", self.there(name).display())
    }

    /// The command, in the folder of this machine.
    fn command(&self, args: &[&str]) -> Command {
        let mut command = command(&self.folder.home("controller"), &[&["cp"], args].concat());
        command.current_dir(self.folder.home("here"));
        command
    }

    fn cp(&self, args: &[&str]) -> Finished {
        run(self.command(args))
    }

    fn cp_json(&self, args: &[&str]) -> Value {
        json(&self.cp(&[args, &["--json"]].concat()))
    }

    /// The host again, after it was killed.
    fn restart(&mut self) {
        if let Some(host) = self.host.take() {
            host.signal("KILL");
            drop(host.finish(LIMIT));
        }
        let (host, address) = serve(&self.folder, &[]);
        self.host = Some(host);
        self.proxy.move_to(address);
    }
}

fn serve(folder: &Folder, front: &[&str]) -> (Running, SocketAddr) {
    let args = ["serve", "--host", "127.0.0.1", "--port", "0", "--no-mdns", "--backend", "virtual"];
    let mut serving = command(&folder.home("host"), &args);
    serving.env("HOME", folder.home("user"));
    let mut host = Running::start(behind(front, &serving));
    let line = host.hear(|line| line.strip_prefix("listening on ").map(str::to_owned));
    let address = line.parse().expect("an address");
    (host, address)
}

/// A file of which no two parts are the same. It was last changed long ago.
fn plant(path: &Path, bytes: u64) {
    let mut file = File::create(path).expect("a new file");
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ bytes;
    let mut left = bytes;
    while left > 0 {
        let block: Vec<u8> = (0..MB / 8)
            .flat_map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state.to_le_bytes()
            })
            .take(left.min(MB) as usize)
            .collect();
        file.write_all(&block).expect("room");
        left -= block.len() as u64;
    }
    file.set_modified(UNIX_EPOCH + Duration::from_millis(1_234_567_890_125)).expect("its time is set");
}

/// Whether two files are the same, of any size.
fn is_same(one: &Path, other: &Path) -> bool {
    let (mut one, mut other) = (File::open(one).expect("a file"), File::open(other).expect("a file"));
    let (mut left, mut right) = (vec![0; MB as usize], vec![0; MB as usize]);
    loop {
        let read = one.read(&mut left).expect("it can be read");
        if read == 0 {
            return other.read(&mut right).expect("it can be read") == 0;
        }
        if other.read_exact(&mut right[..read]).is_err() || left[..read] != right[..read] {
            return false;
        }
    }
}

/// What stands in a folder, by name.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<String> = entries.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

#[test]
fn a_file_goes_both_ways_and_keeps_its_time_and_permissions() {
    let scene = Scene::new();
    plant(&scene.there("program"), 5 * MB + 17);
    fs::set_permissions(scene.there("program"), fs::Permissions::from_mode(0o4750)).unwrap();
    let said = scene.cp(&[&scene.on_host("program"), "."]);
    assert!(succeeded(&said).starts_with("copied 1 file (5242897 bytes) in "), "{said:?}");
    assert_eq!(said.stderr, "", "no bar where no person reads it");
    assert!(is_same(&scene.there("program"), &scene.here("program")));

    let told = scene.cp_json(&["program", &scene.on_host("back")]);
    let numbers = ["files", "bytes", "resumed_bytes", "skipped", "failed"].map(|name| told[name].as_u64());
    assert_eq!(numbers, [Some(1), Some(5 * MB + 17), Some(0), Some(0), Some(0)]);
    assert!(
        told["ok"] == true && told["seconds"].as_f64() > Some(0.0) && told["mb_per_s"].as_f64() > Some(0.0),
        "{told}"
    );
    assert!(is_same(&scene.there("program"), &scene.there("back")));
    for path in [scene.here("program"), scene.there("back")] {
        let metadata = fs::metadata(&path).unwrap();
        assert_eq!((metadata.mode() & 0o7777, metadata.mtime()), (0o750, 1_234_567_890), "{}", path.display());
    }
    assert_eq!(
        (names(&scene.here(".")), names(&scene.there("."))),
        (vec!["program".into()], vec!["back".to_owned(), "program".into()])
    );
}

#[test]
fn an_empty_file_is_copied_and_one_that_is_there_is_replaced() {
    let scene = Scene::new();
    plant(&scene.there("empty"), 0);
    plant(&scene.here("there"), 3 * MB);
    succeeded(&scene.cp(&[&scene.on_host("empty"), "there"]));
    assert_eq!(fs::metadata(scene.here("there")).unwrap().len(), 0);
    plant(&scene.there("old"), 3 * MB);
    succeeded(&scene.cp(&["there", &scene.on_host("old")]));
    assert_eq!(fs::metadata(scene.there("old")).unwrap().len(), 0);
}

#[test]
fn a_path_of_the_host_begins_at_its_home_and_a_name_may_have_a_colon() {
    let scene = Scene::new();
    let user = |name: &str| scene.folder.home("user").join(name);
    plant(&scene.here("a:b"), 10);
    succeeded(&scene.cp(&["./a:b", &format!("{PEER}:")]));
    succeeded(&scene.cp(&["./a:b", &format!("{PEER}:other")]));
    succeeded(&scene.cp(&["./a:b", &format!("{PEER}:~/third")]));
    assert_eq!(names(&user("")), ["a:b", "other", "third"]);
    succeeded(&scene.cp(&[&format!("{PEER}:a:b"), "back"]));
    assert!(is_same(&user("a:b"), &scene.here("back")));
}

/// What a program may take at most while a file goes through it, in KiB: some parts, never the file.
const ROOM: u64 = 160 << 10;

/// Has a program write down its number before it begins.
const NUMBERED: &str = r#"echo $$ > "$0"; exec "$@""#;

fn numbered(path: &Path, program: Command) -> Running {
    Running::start(behind(&["sh", "-c", NUMBERED, text(path)], &program))
}

fn number(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

#[test]
fn a_file_of_300_mb_goes_both_ways_in_bounded_memory() {
    let numbers = tempfile::tempdir().unwrap();
    let (host, controller) = (numbers.path().join("host"), numbers.path().join("controller"));
    let scene = Scene::with(&["sh", "-c", NUMBERED, text(&host)], &[]);
    plant(&scene.there("large"), 300 * MB);
    for (way, args) in [
        (Way::FromHost, [scene.on_host("large"), "large".to_owned()]),
        (Way::ToHost, ["large".to_owned(), scene.on_host("back")]),
    ] {
        // Near its end it waits, so that its memory can be looked at.
        scene.proxy.cut_after(way, 290 * MB, Fault::Silence);
        let passed = scene.proxy.passed(way);
        let copy = numbered(&controller, scene.command(&[&args[0], &args[1]]));
        eventually("it comes to the end", || scene.proxy.passed(way) >= passed + 290 * MB);
        let taken = peak(number(&controller));
        assert!(taken < ROOM, "the controller: {taken} KiB");
        scene.proxy.heal();
        succeeded(&copy.finish(LIMIT));
    }
    let taken = peak(number(&host));
    assert!(taken < ROOM, "the host: {taken} KiB");
    assert!(is_same(&scene.there("large"), &scene.there("back")));
}
