//! Commands that are read while they run: whose they are, what ends them, and what they hold up.

use core::time::Duration;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use opendesk_core::ErrorCode;
use opendesk_std::Cancel;
use opendesk_std::api::{
    CommandEnd, CommandId, CommandInput, CommandOutput, CommandSignal, Effect, ExecParams, OutputParams, ProcessExec,
    ProcessOutput, ProcessSignal, ProcessStart, ProcessWrite, SignalParams, StartParams, TextInput,
};
use opendesk_std::desktop::r#virtual::VirtualDesktop;
use opendesk_std::govern::ask::{Answer, Approver, Question};
use opendesk_std::govern::control::{Control, Mode};
use opendesk_std::govern::{Peer, Policy, RulesFile, Verdict};
use opendesk_std::home::{Home, Role};
use opendesk_std::host::Invitation;
use opendesk_tests::rig::Rig;
use opendesk_tokio::{Client, ClientError, HostOptions, Subscription};

use crate::run;

const LIMIT: Duration = Duration::from_secs(30);

fn rig() -> (Rig, Arc<VirtualDesktop>) {
    let desktop = Arc::new(VirtualDesktop::default());
    let computer = Arc::clone(&desktop);
    (Rig::start_as(|home| HostOptions { files: true, ..HostOptions::new(home, computer) }), desktop)
}

fn shell(script: &str) -> StartParams {
    let argv = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
    StartParams { argv, stdin: true, ..StartParams::default() }
}

async fn start(client: &Client, script: &str) -> Result<CommandId, ClientError> {
    client.call::<ProcessStart>(&shell(script)).await.map(|started| started.id)
}

async fn read(client: &Client, id: CommandId) -> Subscription<ProcessOutput> {
    client.subscribe::<ProcessOutput>(&OutputParams { id }, 1 << 20).await.expect("the session is open")
}

async fn next(output: &mut Subscription<ProcessOutput>) -> Result<CommandOutput, ClientError> {
    let item = tokio::time::timeout(LIMIT, output.next()).await.expect("something comes");
    item.expect("the stream goes on")
}

async fn to_end(output: &mut Subscription<ProcessOutput>) -> (Vec<u8>, CommandEnd) {
    let mut stdout = Vec::new();
    loop {
        let part = next(output).await.expect("it is read to its end");
        stdout.extend(part.stdout);
        if let Some(end) = part.ended {
            assert!(tokio::time::timeout(LIMIT, output.next()).await.expect("it is over").is_none());
            return (stdout, end);
        }
    }
}

async fn write(client: &Client, id: CommandId, data: &[u8], eof: bool) -> Result<bool, ClientError> {
    let input = CommandInput { id, data: data.to_vec(), eof };
    client.call::<ProcessWrite>(&input).await.map(|taken| taken.open)
}

fn code<T: core::fmt::Debug>(outcome: Result<T, ClientError>) -> ErrorCode {
    match outcome {
        Err(ClientError::Call(error)) => error.code,
        other => panic!("the host refuses it: {other:?}"),
    }
}

fn is_there(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.is_ok_and(|stat| !stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z')))
}

async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(LIMIT, wait).await.unwrap_or_else(|_| panic!("{what}"));
}

/// A command with a child in the background, and the numbers of both.
async fn two(client: &Client) -> (CommandId, Subscription<ProcessOutput>, [i32; 2]) {
    let id = start(client, "sleep 1000 & echo $! $$; exec sleep 1000").await.expect("a shell");
    let mut output = read(client, id).await;
    let mut line = Vec::new();
    while !line.ends_with(b"\n") {
        line.extend(next(&mut output).await.expect("it says so").stdout);
    }
    let line = String::from_utf8(line).expect("numbers");
    let pids: Vec<i32> = line.split_whitespace().map(|pid| pid.parse().expect("a number")).collect();
    (id, output, [pids[0], pids[1]])
}

fn entries<'a>(log: &'a [serde_json::Value], kind: &str, method: &str) -> Vec<&'a serde_json::Value> {
    log.iter().filter(|entry| entry["type"] == kind && entry["method"] == method).collect()
}

#[test]
fn a_command_is_talked_with_while_it_runs_and_all_of_it_is_logged() {
    run(async {
        let (rig, _) = rig();
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        let id = start(&client, "echo ready; read word; echo got $word; cat; exit 7").await.unwrap();
        let mut output = read(&client, id).await;
        assert_eq!(next(&mut output).await.unwrap().stdout, b"ready\n");
        assert!(write(&client, id, b"hunter2\n", false).await.unwrap());
        assert_eq!(next(&mut output).await.unwrap().stdout, b"got hunter2\n");
        assert!(!write(&client, id, b"\xff\x00", true).await.unwrap());
        let (rest, end) = to_end(&mut output).await;
        assert_eq!((rest.as_slice(), end.returncode, end.timed_out), (&b"\xff\x00"[..], 7, false));
        // What was read to its end is there no more.
        assert_eq!(code(write(&client, id, b"x", false).await), ErrorCode::NotFound);
        client.close().await;

        let log = rig.stop().await;
        for (method, calls) in [("process.start", 1), ("process.write", 3)] {
            assert_eq!(entries(&log, "call.started", method).len(), calls, "{method}");
            assert_eq!(entries(&log, "call", method).len(), calls, "{method}");
        }
        let [ended] = entries(&log, "stream.ended", "process.output")[..] else { panic!("{log:?}") };
        assert_eq!(ended["error_code"], serde_json::Value::Null);
        assert!(ended["items"].as_u64() >= Some(3) && ended["bytes"].as_u64() > Some(20), "{ended}");
        let gone: Vec<_> = log.iter().filter(|entry| entry["type"] == "command.ended").collect();
        let [gone] = gone[..] else { panic!("{log:?}") };
        assert_eq!((&gone["returncode"], &gone["command"]), (&7.into(), &id.0.into()));
        assert_eq!(gone["summary"], "start /bin/sh, 2 arguments, with input");
        assert!(!serde_json::to_string(&log).unwrap().contains("hunter2"), "what it was told is nobody's business");
    });
}

#[test]
fn who_reads_slowly_holds_the_command_up_and_loses_nothing() {
    run(async {
        let (rig, _) = rig();
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        let marker = rig.folder.path().join("written");
        let id = start(&client, &format!("head -c 20000000 /dev/zero; : >{}", marker.display())).await.unwrap();
        let mut output = read(&client, id).await;
        let first = next(&mut output).await.unwrap().stdout.len();
        // As much as may be on its way comes, and then it waits.
        for _ in 0..50 {
            client.cursor_position().await.unwrap();
        }
        assert!(!marker.exists(), "nobody has read what it writes");
        let (rest, end) = to_end(&mut output).await;
        assert_eq!((first + rest.len(), end.returncode), (20_000_000, 0));
        assert!(marker.exists());
    });
}

/// I3: nothing of it runs any more when the next session is there.
#[test]
fn however_a_session_ends_its_commands_end_before_the_next_one_begins() {
    run(async {
        let (rig, _) = rig();
        rig.pair("anna").await;
        rig.pair("bert").await;
        for how in ["closed", "dropped", "evicted", "replaced"] {
            let client = rig.connect("anna").await.unwrap();
            let (_, output, pids) = two(&client).await;
            let unread = start(&client, "exec sleep 1000").await.unwrap();
            assert!(pids.iter().all(|pid| is_there(*pid)), "{how}");
            let next = match how {
                "replaced" => "anna",
                "evicted" => {
                    rig.handle.disconnect().await.unwrap();
                    "bert"
                }
                "closed" => {
                    client.close().await;
                    "bert"
                }
                _ => {
                    drop((client, output));
                    "bert"
                }
            };
            let connect = async {
                loop {
                    match rig.connect(next).await {
                        Ok(client) => return client,
                        Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
                    }
                }
            };
            let other = tokio::time::timeout(LIMIT, connect).await.unwrap();
            assert!(!is_there(pids[1]), "{how}: the command runs still");
            eventually("its child is gone", || !is_there(pids[0])).await;
            // And nobody else has it.
            assert_eq!(code(write(&other, unread, b"x", false).await), ErrorCode::NotFound, "{how}");
            let told = SignalParams { id: unread, signal: CommandSignal::Kill };
            assert_eq!(code(other.call::<ProcessSignal>(&told).await), ErrorCode::NotFound, "{how}");
            let mut stream = read(&other, unread).await;
            assert_eq!(code(stream.next().await.unwrap()), ErrorCode::NotFound, "{how}");
            other.close().await;
        }
        let log = rig.stop().await;
        let ended: Vec<_> = log.iter().filter(|entry| entry["type"] == "command.ended").collect();
        assert_eq!(ended.len(), 8, "{ended:?}");
        assert!(ended.iter().all(|entry| entry["returncode"] == -9), "{ended:?}");
    });
}

#[test]
fn a_host_that_stops_or_is_dropped_ends_them() {
    run(async {
        for dropped in [false, true] {
            let (rig, _) = rig();
            rig.pair("controller").await;
            let client = rig.connect("controller").await.unwrap();
            let (_, _output, pids) = two(&client).await;
            let _kept = if dropped { rig.abort().await } else { rig.stop_and_keep().await };
            assert!(dropped || !is_there(pids[1]), "it was waited for");
            eventually("nothing of it runs", || !pids.iter().any(|pid| is_there(*pid))).await;
        }
    });
}

#[test]
fn a_peer_that_is_removed_takes_its_commands_along() {
    run(async {
        let (rig, _) = rig();
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        let (_, mut output, pids) = two(&client).await;
        let host = rig.home("host");
        let mut peers = opendesk_std::home::Peers::load(&host).unwrap();
        let key = peers.list()[0].public_key;
        peers.remove(&key).unwrap();
        assert!(next(&mut output).await.is_err());
        eventually("nothing of it runs", || !pids.iter().any(|pid| is_there(*pid))).await;
    });
}

#[test]
fn a_stop_ends_a_command_and_its_stream_in_the_middle() {
    run(async {
        let (rig, _) = rig();
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        let (id, mut output, pids) = two(&client).await;
        let unread = start(&client, "exec sleep 1000").await.unwrap();
        // It does not read, so this waits.
        let (writes, data) = (client.clone(), vec![0; 1 << 20]);
        let writing = tokio::spawn(async move { write(&writes, id, &data, false).await });
        Control::set(&rig.home("host"), Mode::Stopped, "lunch").unwrap();
        assert_eq!(code(next(&mut output).await), ErrorCode::PermissionDenied);
        assert_eq!(code(writing.await.unwrap()), ErrorCode::PermissionDenied);
        eventually("nothing of it runs", || !pids.iter().any(|pid| is_there(*pid))).await;
        assert_eq!(code(start(&client, "true").await), ErrorCode::PermissionDenied);
        Control::set(&rig.home("host"), Mode::Running, "").unwrap();
        assert_eq!(code(write(&client, unread, b"x", false).await), ErrorCode::NotFound, "that has ended, too");
        let again = start(&client, "exit 2").await.unwrap();
        assert_eq!(to_end(&mut read(&client, again).await).await.1.returncode, 2);
    });
}

#[test]
fn whoever_stops_reading_ends_the_command() {
    run(async {
        let (rig, _) = rig();
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        let (id, output, pids) = two(&client).await;
        let mut second = read(&client, id).await;
        assert_eq!(code(second.next().await.unwrap()), ErrorCode::Busy, "it has one reader");
        assert!(is_there(pids[1]));
        drop(output);
        eventually("nothing of it runs", || !pids.iter().any(|pid| is_there(*pid))).await;
        assert_eq!(code(write(&client, id, b"x", false).await), ErrorCode::NotFound);
    });
}

#[test]
fn a_signal_ends_it_and_its_end_says_so() {
    run(async {
        let (rig, _) = rig();
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        for (signal, returncode) in [(CommandSignal::Terminate, -15), (CommandSignal::Kill, -9)] {
            let (id, mut output, pids) = two(&client).await;
            let told = client.call::<ProcessSignal>(&SignalParams { id, signal }).await.unwrap();
            assert_eq!(told, Effect::Unverifiable);
            assert_eq!(to_end(&mut output).await.1.returncode, returncode);
            eventually("nothing of it runs", || !pids.iter().any(|pid| is_there(*pid))).await;
        }
        let params = StartParams { timeout: Some(0.2), ..shell("exec sleep 1000") };
        let id = client.call::<ProcessStart>(&params).await.unwrap().id;
        let end = to_end(&mut read(&client, id).await).await.1;
        assert_eq!((end.returncode, end.timed_out), (-9, true));
    });
}

#[test]
fn sixteen_commands_that_wait_hold_up_neither_input_nor_files_and_there_is_no_seventeenth() {
    run(async {
        let (rig, desktop) = rig();
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        let mut running = Vec::new();
        for _ in 0..16 {
            let id = start(&client, "exec cat").await.unwrap();
            running.push((id, read(&client, id).await));
        }
        assert_eq!(code(start(&client, "true").await), ErrorCode::LimitExceeded);
        let text = TextInput { text: "typed".into(), interval_ms: 0 };
        client.text(&text).await.unwrap();
        assert_eq!(desktop.editor_text(), "typed");
        let exec = ExecParams { argv: vec!["echo".into(), "x".into()], ..ExecParams::default() };
        assert_eq!(client.call::<ProcessExec>(&exec).await.unwrap().stdout, b"x\n");
        // Each still answers, and one that was read to its end makes room.
        for (id, output) in &mut running {
            write(&client, *id, b"there", true).await.unwrap();
            assert_eq!(to_end(output).await.0, b"there");
        }
        start(&client, "true").await.unwrap();
    });
}

#[test]
fn what_cannot_be_started_or_written_to_is_refused_in_one_line() {
    run(async {
        let (rig, _) = rig();
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        let missing = StartParams { argv: vec!["opendesk-test-no-such-program".into()], ..StartParams::default() };
        assert_eq!(code(client.call::<ProcessStart>(&missing).await), ErrorCode::NotFound);
        assert_eq!(code(client.call::<ProcessStart>(&StartParams::default()).await), ErrorCode::InvalidArgument);
        let silent = StartParams { stdin: false, ..shell("cat; exec sleep 1000") };
        let id = client.call::<ProcessStart>(&silent).await.unwrap().id;
        assert_eq!(code(write(&client, id, b"x", false).await), ErrorCode::InvalidArgument);
        client.close().await;
        let gone = rig.stop().await.into_iter().filter(|entry| entry["type"] == "command.ended").count();
        assert_eq!(gone, 1, "what never began has no end");
    });
}

#[test]
fn without_files_and_commands_there_is_none() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        assert!(!client.greeting().manifest.capabilities.iter().any(|name| name == "process.stream"));
        assert_eq!(code(start(&client, "true").await), ErrorCode::CapabilityUnsupported);
        let mut stream = read(&client, CommandId(1)).await;
        assert_eq!(code(stream.next().await.unwrap()), ErrorCode::CapabilityUnsupported);
    });
}

/// A controller that has forgotten that it ever heard its host in version 2 speaks version 1.
#[test]
fn version_1_has_no_such_commands() {
    run(async {
        let (rig, _) = rig();
        rig.pair("controller").await;
        std::fs::remove_file(rig.folder.path().join("controller/peers.json")).unwrap();
        let client = rig.connect("controller").await.unwrap();
        assert_eq!(client.wire(), opendesk_core::Wire::V1);
        assert!(!client.greeting().manifest.capabilities.iter().any(|name| name == "process.stream"));
        for refusal in [
            start(&client, "true").await.map(drop),
            write(&client, CommandId(1), b"", false).await.map(drop),
            read(&client, CommandId(1)).await.next().await.unwrap().map(drop),
        ] {
            let refusal = refusal.unwrap_err();
            assert!(matches!(&refusal, ClientError::Call(error) if error.code == ErrorCode::CapabilityUnsupported));
            assert!(refusal.to_string().contains("needs version 2 of the wire"), "{refusal}");
        }
        let exec = ExecParams { argv: vec!["echo".into(), "x".into()], ..ExecParams::default() };
        assert_eq!(client.call::<ProcessExec>(&exec).await.unwrap().stdout, b"x\n");
    });
}

#[test]
fn whoever_may_only_look_starts_nothing() {
    run(async {
        let (rig, _) = rig();
        let invitation = Invitation { role: Role::Observe, ..Invitation::new("123456") };
        rig.handle.invite(invitation).await.unwrap().unwrap();
        rig.pair_by("guest", "123456").await.unwrap();
        let client = rig.connect("guest").await.unwrap();
        assert_eq!(code(start(&client, "true").await), ErrorCode::PermissionDenied);
    });
}

fn rules(home: &Home, rules: &str) {
    home.write("policy.json", rules.as_bytes()).expect("the home can be written");
}

const ALL: &str = r#"{"preset": "relaxed"}"#;

#[test]
fn rules_that_forbid_commands_end_those_that_run_and_others_do_not() {
    run(async {
        let desktop = Arc::new(VirtualDesktop::default());
        let rig = Rig::start_as(|home| {
            rules(&home, ALL);
            let policy: Box<dyn Policy> = Box::new(RulesFile::new(&home));
            HostOptions { files: true, policy, ..HostOptions::new(home, desktop) }
        });
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        let (id, mut output, pids) = two(&client).await;
        let host = rig.home("host");
        // One that forbids something else, or would have asked, changes nothing for what runs.
        rules(
            &host,
            r#"{"rules": [{"tool": "clipboard", "decision": "block"}, {"tool": "process.start", "decision": "confirm"}]}"#,
        );
        let blocked = async {
            while client.clipboard_read().await.is_ok() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(LIMIT, blocked).await.unwrap();
        client.call::<ProcessSignal>(&SignalParams { id, signal: CommandSignal::Terminate }).await.unwrap();
        assert_eq!(to_end(&mut output).await.1.returncode, -15, "it ran until then");
        eventually("nothing of it runs", || !pids.iter().any(|pid| is_there(*pid))).await;
        rules(&host, ALL);
        let (_, mut output, pids) = two(&client).await;
        rules(
            &host,
            r#"{"preset": "relaxed", "rules": [{"tool": "script", "decision": "block", "reason": "no commands"}]}"#,
        );
        let why = next(&mut output).await.unwrap_err();
        assert!(matches!(&why, ClientError::Call(error) if error.message.contains("no commands")), "{why}");
        eventually("nothing of it runs", || !pids.iter().any(|pid| is_there(*pid))).await;
        assert_eq!(code(start(&client, "true").await), ErrorCode::PermissionDenied);
    });
}

/// A policy that wants the owner to be asked about all that belongs to commands.
#[derive(Debug)]
struct AskAboutCommands;

impl Policy for AskAboutCommands {
    fn check(&mut self, _: &Peer, call: &opendesk_std::api::Call) -> Verdict {
        if call.method().starts_with("process.") { Verdict::Ask("it is a command".into()) } else { Verdict::Allow }
    }
}

#[derive(Debug, Default)]
struct SaysYes(std::sync::Mutex<Vec<(String, String)>>);

impl Approver for SaysYes {
    fn ask(&self, question: &Question, _: &Cancel) -> Answer {
        self.0.lock().expect("nobody fails with it").push((question.method.clone(), question.what.clone()));
        Answer::Allowed { by: "test" }
    }
}

#[test]
fn the_owner_is_asked_about_a_command_and_its_input_and_not_about_its_output_or_end() {
    run(async {
        let owner = Arc::new(SaysYes::default());
        let approver = Arc::clone(&owner);
        let rig = Rig::start_as(|home| HostOptions {
            files: true,
            policy: Box::new(AskAboutCommands),
            approver,
            ..HostOptions::new(home, Arc::new(VirtualDesktop::default()))
        });
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        let id = start(&client, "cat; exec sleep 1000").await.unwrap();
        let mut output = read(&client, id).await;
        write(&client, id, b"words", true).await.unwrap();
        assert_eq!(next(&mut output).await.unwrap().stdout, b"words");
        client.call::<ProcessSignal>(&SignalParams { id, signal: CommandSignal::Kill }).await.unwrap();
        to_end(&mut output).await;
        let asked = owner.0.lock().unwrap().clone();
        let methods: Vec<&str> = asked.iter().map(|(method, _)| method.as_str()).collect();
        assert_eq!(methods, ["process.start", "process.write"]);
        assert!(asked[0].1.contains("cat; exec sleep 1000"), "{asked:?}");
        assert!(asked[1].1.contains("words"), "{asked:?}");
    });
}

#[test]
fn a_command_reads_where_it_is_told_to_be() {
    run(async {
        let (rig, _) = rig();
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        let folder: PathBuf = rig.folder.path().canonicalize().unwrap();
        let params = StartParams {
            cwd: Some(folder.to_str().unwrap().to_owned()),
            env: vec![("GREETING".into(), "grüße".into())],
            ..shell("pwd -P; printf %s \"$GREETING\"")
        };
        let id = client.call::<ProcessStart>(&params).await.unwrap().id;
        let (stdout, _) = to_end(&mut read(&client, id).await).await;
        let said = String::from_utf8(stdout).unwrap();
        let (place, greeting) = said.split_once('\n').unwrap();
        assert_eq!((Path::new(place), greeting), (folder.as_path(), "grüße"));
    });
}
