//! The log of the built program: what is never in it, what it looks like, where it goes.

use core::time::Duration;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Instant, SystemTime};

use opendesk_std::api::{
    ClipboardContents, ClipboardEntry, ClipboardRead, ElementTarget, ExecParams, FileParams, FileReadParams,
    FileWriteParams, FsRead, FsStat, FsWrite, ProcessExec, ProcessShell, ShellParams, TextInput, UiAction,
    UiActionParams,
};
use opendesk_std::home::Home;
use opendesk_tests::bin::{PEER, Running, Served, command, opendesk as program};
use opendesk_tests::desktop::PYTHON;
use opendesk_tokio::{Client, ConnectOptions};
use serde_json::Value;

use crate::{Folder, LIMIT, failure, opendesk, run, succeeded};

/// What is typed, copied, written and run.
const SECRET: &str = "Qz7hushQz7";

/// Not digits, which the time of a line may have as well.
const CODE: &str = "Vx3codeVx3";

/// A name that would colour what follows, begin a line of its own and turn its direction.
const HOSTILE: &str = "evil\u{1b}[31m\nERROR opendesk: forged\u{202e}";

/// What is in a file so far.
fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// Waits until a log has all of these.
fn wait_for(parts: &[&str], log: impl Fn() -> String) -> String {
    let begun = Instant::now();
    loop {
        let text = log();
        let Some(lacking) = parts.iter().find(|part| !text.contains(**part)) else { return text };
        assert!(begun.elapsed() < LIMIT, "{lacking:?} is not in: {text}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The ways in which bytes come into a log: as they are, in hex, and as the list that `Debug` makes of them.
fn forms(bytes: &[u8]) -> Vec<String> {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let list: Vec<String> = bytes.iter().map(u8::to_string).collect();
    let text = core::str::from_utf8(bytes).map(str::to_owned).ok();
    [hex.to_uppercase(), hex, list.join(", "), list.join(",")].into_iter().chain(text).collect()
}

/// Everything that no log may have: what went through the calls, the code, the secret keys of these homes.
fn forbidden(homes: &[&Path]) -> Vec<String> {
    let mut all: Vec<String> = [SECRET, CODE].iter().flat_map(|secret| forms(secret.as_bytes())).collect();
    for home in homes {
        for name in ["identity.key", "identity.ed25519"] {
            let key = fs::read(home.join(name)).expect("a key");
            all.extend(forms(&key[..8]));
        }
    }
    all
}

fn assert_silent(log: &str, homes: &[&Path]) {
    for secret in forbidden(homes) {
        assert!(!log.contains(&secret), "{secret} is in: {log}");
    }
}

/// Pairs, with a log at `debug` on the other side as well, and gives that.
fn pair(served: &Served, host: &Path, controller: &Path) -> String {
    let mut shown = command(host, &["pair", "--code", CODE]);
    shown.env("OPENDESK_LOG", "debug");
    let mut shown = Running::start(shown);
    shown.first_line();
    let port = served.address().port().to_string();
    let paired = opendesk(controller, &["-vv", "pair-with", "127.0.0.1", CODE, "--port", &port, "--name", PEER]);
    assert!(paired.status.success(), "{paired:?}");
    let shown = shown.finish(LIMIT);
    assert!(shown.status.success(), "{shown:?}");
    // What `pair` says on standard error beside the code itself, and what the controller says.
    format!("{}{}", shown.stderr, paired.stderr)
}

/// Has something secret in every part of a call that can hold it, and in answers and refusals too.
async fn whisper(client: &Client, folder: &Path) {
    let path = folder.join("written").to_str().expect("its path is text").to_owned();
    client.text(&TextInput { text: SECRET.into(), interval_ms: 0 }).await.expect("it is typed");
    let refused = client.text(&TextInput { text: format!("{SECRET}\u{1b}"), interval_ms: 0 }).await;
    assert!(refused.is_err(), "there is no such key");
    let entry = ClipboardEntry { mime_type: "text/plain".into(), data: SECRET.into() };
    client.clipboard_write(&ClipboardContents { entries: vec![entry] }).await.expect("it is copied");
    assert_eq!(client.call::<ClipboardRead>(&()).await.expect("it is read").entries[0].data, SECRET.as_bytes());
    let write = FileWriteParams { path: path.clone(), data: SECRET.into(), offset: None };
    client.call::<FsWrite>(&write).await.expect("it is written");
    let read = FileReadParams { path, offset: 0, length: None };
    assert_eq!(client.call::<FsRead>(&read).await.expect("it is read").data, SECRET.as_bytes());
    let missing = FileParams { path: format!("/{SECRET}/none") };
    assert!(client.call::<FsStat>(&missing).await.is_err(), "there is no such file");
    let env = vec![("HUSH".to_owned(), SECRET.to_owned())];
    let shell = ShellParams { command: format!("echo {SECRET} $HUSH; exit 3"), env, ..ShellParams::default() };
    assert_eq!(client.call::<ProcessShell>(&shell).await.expect("it is run").returncode, 3);
    let argv = vec!["/bin/cat".to_owned(), format!("/{SECRET}"), "-".to_owned()];
    let exec = ExecParams { argv, stdin: Some(SECRET.into()), ..ExecParams::default() };
    assert_eq!(client.call::<ProcessExec>(&exec).await.expect("it is run").stdout, SECRET.as_bytes());
    let target = ElementTarget { name: "Password".into(), value: Some(SECRET.into()), ..ElementTarget::default() };
    let set = UiActionParams { target, action: "set_value".into(), app: None };
    client.call::<UiAction>(&set).await.expect("there is such a field");
}

fn drive(controller: &Path, folder: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let home = Home::open(Some(controller.to_owned())).expect("a home");
        let client = opendesk_tokio::connect(&ConnectOptions { home, peer: PEER.to_owned() }).await;
        let client = client.expect("the host is there");
        whisper(&client, folder).await;
        client.close().await;
    });
}

/// What a host logs of a session's life.
const LIFE: [&str; 4] =
    ["a pairing code is shown", "a controller is paired", "a controller drives this machine", "a controller has gone"];

#[test]
fn nothing_secret_is_in_the_file_of_a_host_that_logs_all_its_details() {
    let folder = Folder::new();
    let (host, controller, log) = (folder.home("host"), folder.home("controller"), folder.home("serve.log"));
    let served = Served::start_with(&host, "virtual", &["-vv", "--log-file", log.to_str().unwrap()], &[]);
    let said = pair(&served, &host, &controller);
    drive(&controller, folder.0.path());
    let logged = wait_for(&LIFE, || text(&log));
    assert_silent(&format!("{logged}{said}{}", served.stderr()), &[&host, &controller]);
    assert!(!served.stderr().contains(" INFO "), "the log is in the file: {}", served.stderr());
    assert_eq!(fs::metadata(&log).unwrap().permissions().mode() & 0o777, 0o600);
    for line in logged.lines() {
        let (time, rest) = line.split_once(' ').unwrap();
        assert!(time.ends_with('Z') && time.len() == 27, "{line}");
        let (level, rest) = rest.trim_start().split_once(' ').unwrap();
        assert!(["ERROR", "WARN", "INFO", "DEBUG"].contains(&level) && rest.starts_with("opendesk"), "{line}");
    }
}

#[test]
fn nothing_secret_is_in_the_json_that_a_host_logs_and_each_line_is_an_object() {
    let folder = Folder::new();
    let (host, controller) = (folder.home("host"), folder.home("controller"));
    let served = Served::start_with(
        &host,
        "virtual",
        &["--log-format", "json"],
        &[("OPENDESK_LOG", "debug,opendesk_std=debug")],
    );
    pair(&served, &host, &controller);
    drive(&controller, folder.0.path());
    let logged = wait_for(&LIFE, || served.stderr());
    assert_silent(&logged, &[&host, &controller]);
    let lines: Vec<Value> = logged
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    assert!(lines.len() >= LIFE.len(), "{logged}");
    for line in &lines {
        let keys: Vec<&String> = line.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["fields", "level", "target", "timestamp"], "{line}");
        assert!(line["target"].as_str().unwrap().starts_with("opendesk"), "{line}");
    }
    assert!(lines.iter().any(|line| line["fields"]["message"] == LIFE[3] && line["fields"]["reason"] == "done"));
}

/// A session of an agent that types, which the program logs so.
fn agent(home: &Path, filter: &str) -> String {
    let lines = [
        r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"line","version":"1"}}}"#.to_owned(),
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#.to_owned(),
        format!(r#"{{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{{"name":"keyboard","arguments":{{"action":"type","text":"{SECRET}"}}}}}}"#),
    ];
    let mut server = command(home, &["mcp", "--backend", "virtual"]);
    server.stdin(Stdio::piped()).env("OPENDESK_LOG", filter);
    let mut server = Running::start(server);
    for line in &lines {
        server.say(line);
    }
    let answer = server.hear(|line| Some(line.to_owned()).filter(|line| line.contains(r#""id":2"#)));
    assert!(answer.contains("Typed 10 characters"), "{answer}");
    server.stderr()
}

#[test]
fn what_an_agent_types_is_logged_at_trace_only() {
    let folder = Folder::new();
    let home = folder.home("home");
    for filter in ["debug", "debug,rmcp=debug,zbus=debug", "opendesk=trace"] {
        let logged = agent(&home, filter);
        assert!(!logged.contains(SECRET), "{filter}: {logged}");
    }
    // The control: it would be seen.
    assert!(agent(&home, "rmcp=trace").contains(SECRET));
    let typed = opendesk(
        &home,
        &[
            "-vv",
            "call",
            "keyboard",
            &format!(r#"{{"action":"type","text":"{SECRET}"}}"#),
            "--peer",
            "local",
            "--backend",
            "virtual",
        ],
    );
    succeeded(&typed);
    assert!(!typed.stderr.contains(SECRET), "{typed:?}");
}

/// Every command that carries what nobody is to read, at the level below the last one.
#[test]
fn nothing_secret_is_in_what_a_command_logs_that_carries_it() {
    let folder = Folder::new();
    let (host, own, file) = (folder.home("host"), folder.home("controller"), folder.home("file"));
    let served = Served::start(&host, "virtual", &[]);
    pair(&served, &host, &own);
    fs::write(&file, SECRET).unwrap();
    let typed = format!(r#"{{"action":"type","text":"{SECRET}"}}"#);
    let step = r#"{"id":1,"tool":"keyboard","arguments":{"action":"type","text":"{{word}}"}}"#;
    let program =
        format!(r#"{{"name":"p","version":1,"source":"session","parameters":[{{"name":"word"}}],"steps":[{step}]}}"#);
    fs::create_dir_all(own.join("programs")).unwrap();
    fs::write(own.join("programs/p.json"), program).unwrap();
    let run_program = format!(r#"{{"action":"run","name":"p","parameters":{{"word":"{SECRET}"}}}}"#);
    let script =
        format!(r#"{{"action":"shell","code":"echo {SECRET}","env":{{"HUSH":"{SECRET}"}},"stdin":"{SECRET}"}}"#);
    let (copied, back) = (format!("{PEER}:{}", folder.home("copied").display()), folder.home("back"));
    let (echo, variable) = (format!("echo {SECRET}; cat"), format!("HUSH={SECRET}"));
    let (from, to) = (file.to_str().unwrap(), back.to_str().unwrap());
    for args in [
        vec!["type", SECRET, "--peer", PEER],
        vec!["call", "keyboard", &typed, "--peer", PEER],
        vec!["call", "script", &script, "--peer", PEER],
        vec!["call", "learn", &run_program, "--peer", PEER],
        vec!["fleet", "keyboard", &typed, "--peers", PEER],
        vec!["exec", PEER, "--env", &variable, "--", "sh", "-c", &echo],
        vec!["cp", from, &copied],
        vec!["cp", &copied, to],
        vec!["scheduler", "add", "daily", "0 3 * * *", "keyboard", &typed, "--peer", PEER],
        vec!["scheduler", "run", "daily"],
        vec!["scheduler", "list"],
    ] {
        // The options of all commands stand before the `--`.
        let (ours, theirs) = args.split_at(args.iter().position(|word| *word == "--").unwrap_or(args.len()));
        let mut command = command(&own, ours);
        command.args(theirs).env("OPENDESK_LOG", "debug").stdin(Stdio::from(File::open(&file).unwrap()));
        let finished = run(command);
        assert!(finished.status.success(), "{args:?}: {finished:?}");
        assert_silent(&finished.stderr, &[&host, &own]);
    }
    // An endpoint that is not there: its key is not told either.
    let mut agent =
        command(&own, &["agent", "--model", "m", "--base-url", "http://127.0.0.1:1", "--api-key-env", "KEY", "hush"]);
    agent.env("OPENDESK_LOG", "debug").env("KEY", SECRET);
    let finished = run(agent);
    assert!(!finished.status.success(), "{finished:?}");
    assert_silent(&finished.stderr, &[&host, &own]);
    assert_eq!(text(&back), SECRET);
}

/// A command on a machine that has this name.
fn on_machine(name: &str, args: &[&str], home: &Path) -> Command {
    let script =
        "import os, socket, sys; socket.sethostname(sys.argv[1].encode()); os.execv(sys.argv[2], sys.argv[2:])";
    let mut machine = Command::new("unshare");
    machine
        .args(["--user", "--map-root-user", "--uts", "--", PYTHON, "-c", script, name])
        .arg(program())
        .args(args)
        .arg("--home")
        .arg(home)
        .stdin(Stdio::null());
    machine
}

/// Neither a terminal nor a reader of lines is misled.
fn assert_harmless(log: &str) {
    let is_harmless = |letter: char| letter == '\n' || !letter.is_control() && letter != '\u{202e}';
    assert!(log.chars().all(is_harmless), "{log:?}");
    assert!(!log.lines().any(|line| line.trim_start().starts_with("ERROR opendesk: forged")), "{log}");
}

#[test]
fn a_controller_whose_name_is_an_attack_misleads_no_reader_of_the_log() {
    let folder = Folder::new();
    let (host, controller, log) = (folder.home("host"), folder.home("controller"), folder.home("serve.log"));
    fs::create_dir(&host).unwrap();
    fs::set_permissions(&host, fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(host.join("description.txt"), HOSTILE).unwrap();
    let served = Served::start_with(&host, "virtual", &["-vv", "--log-file", log.to_str().unwrap()], &[]);
    let mut shown = Running::start(command(&host, &["pair", "--code", CODE]));
    shown.first_line();
    let port = served.address().port().to_string();
    let args = ["-vv", "pair-with", "127.0.0.1", CODE, "--port", &port, "--name", PEER];
    let paired = run(on_machine(HOSTILE, &args, &controller));
    succeeded(&paired);
    succeeded(&shown.finish(LIMIT));
    let connected = run(on_machine(HOSTILE, &["-vv", "connect"], &controller));
    succeeded(&connected);
    let logged = wait_for(&["a controller drives this machine", "a controller has gone", "evil"], || text(&log));
    for log in [&logged, &served.stderr(), &paired.stderr, &connected.stderr] {
        assert_harmless(log);
    }
}

#[test]
fn a_path_that_is_an_attack_misleads_no_reader_of_the_log() {
    let folder = Folder::new();
    let (host, log) = (folder.home(HOSTILE), folder.home("serve.log"));
    // A log that ends in a part of a line is one of the things that are said with their path.
    let mut first =
        Running::start(command(&host, &["serve", "--host", "127.0.0.1", "--port", "0", "--backend", "virtual"]));
    first.first_line();
    first.signal("TERM");
    let first = first.finish(LIMIT);
    assert!(first.status.success(), "{first:?}");
    succeeded(&opendesk(&host, &["identity", "rotate"]));
    let days: Vec<PathBuf> = fs::read_dir(host.join("audit"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    assert!(!days.is_empty());
    for (format, name) in [("human", "human.log"), ("json", "json.log")] {
        for day in &days {
            File::options().append(true).open(day).unwrap().write_all(b"{\"torn").unwrap();
        }
        let log = log.with_file_name(name);
        let arguments = ["-v", "--log-format", format, "--log-file", log.to_str().unwrap()];
        let _served = Served::start_with(&host, "virtual", &arguments, &[]);
        let logged = wait_for(&["evil\\"], || text(&log));
        assert_harmless(&logged);
        assert!(logged.contains("31m"), "{logged}");
    }
}

#[test]
fn a_log_goes_into_a_file_that_begins_anew_every_day() {
    let folder = Folder::new();
    let (home, log) = (folder.home("home"), folder.home("x.log"));
    let arguments = ["peers", "-v", "--log-file", log.to_str().unwrap()];
    fs::write(&log, "of another day\n").unwrap();
    let then = SystemTime::UNIX_EPOCH + Duration::from_secs(20_000 * 86_400);
    File::options().write(true).open(&log).unwrap().set_modified(then).unwrap();
    succeeded(&opendesk(&home, &arguments));
    // 20,000 days after the first of January 1970.
    assert_eq!(text(&folder.home("x.log.2024-10-04")), "of another day\n");
    assert!(!text(&log).contains("another day"));
    assert_eq!(fs::metadata(&log).unwrap().permissions().mode() & 0o777, 0o600);
    succeeded(&opendesk(&home, &arguments));
    let files = fs::read_dir(folder.0.path()).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_file());
    assert_eq!(files.count(), 2);
}

#[test]
fn what_a_program_fails_with_is_in_its_log_as_well() {
    let folder = Folder::new();
    let (home, log) = (folder.home("home"), folder.home("x.log"));
    // As whatever starts a service may drop standard error.
    let arguments = ["unpair", "nobody", "--log-file", log.to_str().unwrap()];
    let failed = opendesk(&home, &arguments);
    let line = failure(&failed).1.trim_start_matches("opendesk: ");
    let logged = text(&log);
    assert!(logged.contains("ERROR") && logged.contains(line), "{logged}");
}

#[test]
fn a_log_that_cannot_be_is_said_in_one_line() {
    let folder = Folder::new();
    let home = folder.home("home");
    let none = folder.home("none/x.log");
    for (file, part) in [
        (none.to_str().unwrap(), "there is no folder"),
        (folder.0.path().to_str().unwrap(), "Is a directory"),
        ("/dev/null", "not a regular file"),
    ] {
        let tried = opendesk(&home, &["peers", "--log-file", file]);
        let (code, line) = failure(&tried);
        assert!(code == 6 && line.contains(part) && line.contains("--log-file"), "{tried:?}");
        assert_eq!(tried.stdout, "");
    }
    assert!(!none.parent().unwrap().exists());
    for filter in ["debgu", "opendesk=loud", "x\u{1b}[2J"] {
        let mut peers = command(&home, &["peers"]);
        peers.env("OPENDESK_LOG", filter);
        let tried = run(peers);
        let (code, line) = failure(&tried);
        assert!(code == 2 && line.contains("OPENDESK_LOG") && !line.contains('\u{1b}'), "{tried:?}");
    }
}
