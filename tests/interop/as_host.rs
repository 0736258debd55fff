//! The package's controller, and its command line, against our host.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use opendesk_tests::bin::{self, Running, Served};
use tempfile::TempDir;

use super::peer::{self, event};

pub(super) const CODE: &str = "a long code, grüße";

/// Our host on a virtual desktop, and homes of Python controllers.
pub(super) struct Rig {
    folder: TempDir,
    pub(super) host: Served,
}

impl Rig {
    pub(super) fn start(more: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let secret = [("OPENDESK_SECRET", "for nobody")];
        let host = Served::start_with(&folder.path().join("host"), "virtual", more, &secret);
        Self { folder, host }
    }

    pub(super) fn home(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn port(&self) -> String {
        self.host.address().port().to_string()
    }

    pub(super) fn target(&self) -> String {
        format!("ws://{}#{}", self.host.address(), peer::key(&self.home("host")))
    }

    /// Shows a code; the process ends when somebody has paired.
    pub(super) fn show(&self, more: &[&str]) -> Running {
        let args = [&["pair", "--code", CODE, "--timeout", "60"], more].concat();
        let mut showing = Running::start(bin::command(&self.home("host"), &args));
        assert!(showing.first_line().contains(CODE));
        showing
    }

    /// Pairs a Python controller through the package's library.
    pub(super) fn pair(&self, name: &str) -> PathBuf {
        let home = self.home(name);
        let showing = self.show(&["--allow-v1"]);
        let paired = peer::done(peer::controller("pair", &home, &["--port", &self.port(), "--code", CODE]));
        assert!(paired.status.success(), "{paired:?}; {}", self.host.stderr());
        let shown = showing.finish(peer::RUN);
        assert!(shown.status.success(), "{shown:?}");
        home
    }

    /// A Python controller that holds the session until it is told otherwise.
    pub(super) fn hold(&self, home: &Path) -> Running {
        let mut command = peer::controller("hold", home, &["--target", &self.target()]);
        command.stdin(Stdio::piped());
        let mut held = Running::start(command);
        held.hear(event("connected"));
        held
    }
}

#[test]
fn another_controller_is_told_who_drives_and_the_same_one_takes_its_own_place() {
    let rig = Rig::start(&[]);
    let (anna, ben) = (rig.pair("anna"), rig.pair("ben"));
    let mut first = rig.hold(&anna);
    let busy = peer::done(peer::controller("busy", &ben, &["--target", &rig.target()]));
    assert!(busy.status.success(), "{busy:?}");
    let refused = busy.stdout.lines().find_map(event("refused")).expect("a refusal");
    assert!(refused["message"].as_str().unwrap().contains("is driving this machine"), "{refused}");
    first.say("call display.displays");
    first.hear(event("result"));

    let second = rig.hold(&anna);
    assert_eq!(first.hear(event("evicted"))["reason"], "admin_disconnect");
    drop(second);
    rig.hold(&ben);
}

#[test]
fn the_owner_ends_a_session_and_the_controller_hears_that_it_was_meant() {
    let rig = Rig::start(&[]);
    let anna = rig.pair("anna");
    let mut held = rig.hold(&anna);
    let host = rig.home("host");
    let listed = peer::done(bin::command(&host, &["sessions"]));
    assert!(listed.stdout.contains("drives this machine from 127.0.0.1"), "{listed:?}");
    let ended = peer::done(bin::command(&host, &["disconnect"]));
    assert!(ended.stdout.contains("was disconnected"), "{ended:?}");
    assert_eq!(held.hear(event("evicted"))["reason"], "admin_disconnect");
    held.say("call display.displays");
    let failed = held.hear(event("error"));
    assert!(failed.to_string().contains("SessionEvicted"), "{failed}");
    let listed = peer::done(bin::command(&host, &["sessions"]));
    assert!(listed.stdout.contains("nobody drives"), "{listed:?}");
    // The trust has not ended.
    rig.hold(&anna);
}

#[test]
fn a_controller_reconnects_to_a_host_that_was_started_again() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("host");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let start = || {
        let args = ["serve", "--host", "127.0.0.1", "--port", &port, "--backend", "virtual"];
        let mut host = Running::start(bin::command(&home, &args));
        host.first_line();
        host
    };
    let host = start();
    let anna = folder.path().join("anna");
    let key = peer::key(&anna);
    let trusted = format!("[{{\"public_key\": \"{key}\", \"name\": \"anna\"}}]");
    std::fs::write(home.join("trusted-peers.json"), trusted).unwrap();
    let target = format!("ws://127.0.0.1:{port}#{}", peer::key(&home));
    let mut command = peer::controller("reconnect", &anna, &["--target", &target]);
    command.stdin(Stdio::piped());
    let mut held = Running::start(command);
    held.hear(event("connected"));
    host.signal("INT");
    assert!(host.finish(peer::RUN).status.success());
    let again = start();
    held.say("go on");
    let answered = held.hear(event("answered"));
    assert_eq!(answered["reconnected"], true, "{answered}");
    drop(again);
}

#[test]
fn a_stranger_and_a_wrong_code_get_nothing_and_are_told_as_by_their_own_kind() {
    let rig = Rig::start(&[]);
    let stranger = peer::done(peer::controller("untrusted", &rig.home("stranger"), &["--target", &rig.target()]));
    assert!(stranger.status.success(), "{stranger:?}");
    let refused = stranger.stdout.lines().find_map(event("refused")).expect("a refusal");
    assert_eq!(refused["reason"], "unexpected_peer", "{refused}");

    let try_code = |code: &str| {
        let home = rig.home("guesser");
        let tried = peer::done(peer::controller("pair", &home, &["--port", &rig.port(), "--code", code]));
        assert!(!tried.status.success(), "{tried:?}");
        tried.stdout
    };
    // Without a window, and in one that admits version 2 only, nothing is said that could be searched.
    try_code(CODE);
    let showing = rig.show(&[]);
    try_code(CODE);
    drop(showing);
    let showing = rig.show(&["--allow-v1"]);
    for _ in 0..3 {
        assert!(try_code("000000").contains("wrong_code"));
    }
    let shown = showing.finish(peer::RUN);
    assert_eq!(shown.status.code(), Some(5), "{shown:?}");
    assert!(shown.stderr.contains("three wrong codes"), "{shown:?}");
}

#[test]
fn a_host_can_keep_version_1_out() {
    let rig = Rig::start(&["--wire", "2"]);
    let home = rig.home("host");
    let anna = rig.home("anna");
    let trusted = format!("[{{\"public_key\": \"{}\", \"name\": \"anna\"}}]", peer::key(&anna));
    std::fs::write(home.join("trusted-peers.json"), trusted).unwrap();
    let refused = peer::done(peer::controller("untrusted", &anna, &["--target", &rig.target()]));
    assert!(refused.stdout.lines().all(|line| event("connected")(line).is_none()), "{refused:?}");
    let told = peer::done(bin::command(&home, &["pair", "--allow-v1", "--code", CODE]));
    assert_eq!(told.status.code(), Some(5), "{told:?}");
    assert!(told.stderr.contains("version 2 only"), "{told:?}");
}

#[test]
fn the_packages_own_command_line_pairs_and_connects() {
    let rig = Rig::start(&[]);
    let home = rig.home("anna");
    let showing = rig.show(&["--allow-v1"]);
    let args = ["pair-with", "127.0.0.1", CODE, "--port", &rig.port(), "--name", "desk"];
    let paired = peer::done(peer::cli(&home, &args));
    assert!(paired.status.success() && paired.stdout.contains("Paired with desk"), "{paired:?}");
    assert!(showing.finish(peer::RUN).status.success());
    let connected = peer::done(peer::cli(&home, &["connect", "desk"]));
    assert!(connected.stdout.contains("Connected to desk  backend=local/virtual"), "{connected:?}");
    // Its MCP server keeps its home where that of the user is.
    let user = rig.home("user");
    std::fs::create_dir(&user).unwrap();
    std::fs::rename(&home, user.join(".opendesk")).unwrap();
    let seen = peer::agent(&user, "desk", &[&peer::mcp_server()]);
    assert_eq!((&seen["error"], &seen["picture"]), (&false.into(), &"89504e47".into()), "{seen}");
    let peers = peer::done(bin::command(&rig.home("host"), &["peers", "--json"]));
    let peers: serde_json::Value = serde_json::from_str(&peers.stdout).unwrap();
    assert_eq!(peers[0]["wire"], 1, "{peers}");
}

/// Whether a program with this argument runs.
fn runs(argument: &str) -> bool {
    let lines = std::fs::read_dir("/proc").expect("a process file system").filter_map(|entry| {
        let line = std::fs::read(entry.ok()?.path().join("cmdline")).ok()?;
        Some(line.split(|byte| *byte == 0).any(|word| word == argument.as_bytes()))
    });
    lines.into_iter().any(|found| found)
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..600 {
        if holds() {
            return;
        }
        std::thread::sleep(core::time::Duration::from_millis(50));
    }
    panic!("{what}");
}

#[test]
fn what_a_controller_started_ends_with_it_and_one_that_froze_makes_room_for_itself() {
    let rig = Rig::start(&[]);
    let anna = rig.pair("anna");
    let mut frozen = rig.hold(&anna);
    // Unlike any other number of seconds on this machine.
    let seconds = format!("{}", 700_000 + std::process::id());
    let shell = serde_json::json!({"command": format!("sleep {seconds} & sleep {seconds}")});
    frozen.say(&format!("call process.shell {shell}"));
    wait_until("the command does not run", || runs(&seconds));
    // A picture is on its way to a controller that does not read any more.
    frozen.say("call display.capture {\"downscale\": false}");
    frozen.signal("STOP");
    let again = rig.hold(&anna);
    wait_until("the command has outlived its controller's session", || !runs(&seconds));
    frozen.signal("CONT");
    frozen.hear(event("evicted"));
    drop(again);
    wait_until("the place is not free", || {
        let listed = peer::done(bin::command(&rig.home("host"), &["sessions"]));
        listed.stdout.contains("nobody drives")
    });
}

#[test]
fn names_that_are_no_text_are_listed_and_read_and_a_time_limit_takes_the_children_too() {
    let rig = Rig::start(&[]);
    let anna = rig.pair("anna");
    let folder = rig.home("files");
    std::fs::create_dir(&folder).unwrap();
    let odd = <std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(b"bad\xff".to_vec());
    std::fs::write(folder.join(odd), "content").unwrap();
    let mut held = rig.hold(&anna);
    held.say(&format!("call fs.list {}", serde_json::json!({"path": folder})));
    let listed = held.hear(event("result"));
    let path = listed["result"]["items"][0]["path"].as_str().unwrap_or_else(|| panic!("{listed}")).to_owned();
    held.say(&format!("call fs.read {}", serde_json::json!({"path": path})));
    let read = held.hear(|line| event("result")(line).filter(|line| line["call"] != listed["call"]));
    // The bytes of "content" in base 64.
    assert_eq!(read["result"]["data"]["bytes"], "Y29udGVudA==", "{read}");

    let count = "env | grep -c ^PATH=; env | grep OPENDESK_ | grep -vc ^OPENDESK_COMMAND=";
    held.say(&format!("call process.shell {}", serde_json::json!({"command": count})));
    let counted = held.hear(|line| event("result")(line).filter(|line| line["result"]["stdout"].is_object()));
    // "1\n0\n" in base 64: what this host was started with is not given to programs of others.
    assert_eq!(counted["result"]["stdout"]["bytes"], "MQowCg==", "{counted}");

    let seconds = format!("{}", 800_000 + std::process::id());
    let shell = serde_json::json!({"command": format!("sleep {seconds} & sleep {seconds}"), "timeout": 1.0});
    held.say(&format!("call process.shell {shell}"));
    let failed = held.hear(event("error"));
    assert!(failed.to_string().contains("timeout"), "{failed}");
    wait_until("a child has outlived the time limit", || !runs(&seconds));
}
