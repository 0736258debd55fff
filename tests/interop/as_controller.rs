//! Our controller against the package's host, and against its command line on a real X desktop.

use core::time::Duration;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::process::Stdio;

use opendesk_core::{Reason, Wire};
use opendesk_std::api::{
    CaptureParams, DisplayDisplays, ErrorCode, FileParams, FileReadParams, FsList, FsRead, PictureFormat, ProcessShell,
    ShellParams, SubscribeParams,
};
use opendesk_std::client::{Client, ClientError, ConnectOptions, PairOptions};
use opendesk_std::desktop::Backend;
use opendesk_std::home::{Home, Peers};
use opendesk_std::tools::{OnRuntime, Session, Target};
use opendesk_tests::bin::{self, Running};
use opendesk_tests::desktop::TestDesktop;
use opendesk_tokio::Tokio;
use tempfile::TempDir;

use super::peer::{self, Host, event};

const CODE: &str = "314159";
const LIMIT: Duration = Duration::from_secs(20);

/// Runs a test that waits for networks.
pub(super) fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(test)
}

/// A Python host with which our controllers pair.
pub(super) struct Rig {
    folder: TempDir,
    pub(super) host: Host,
}

impl Rig {
    pub(super) fn start(args: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let host = Host::start(&folder.path().join("host"), args);
        Self { folder, host }
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn home(&self, name: &str) -> Home {
        Home::open(Some(self.folder.path().join(name))).expect("a home")
    }

    pub(super) async fn pair(&mut self, name: &str) {
        self.host.running.say(&format!("pair {CODE}"));
        self.host.running.hear(event("pairing"));
        let options = PairOptions {
            home: self.home(name),
            host: "127.0.0.1".to_owned(),
            port: self.host.port.parse().expect("a port"),
            code: CODE.to_owned(),
            name: Some("host".parse().expect("a name")),
        };
        let paired = opendesk_tokio::pair(&options).await.expect("the right code pairs");
        assert_eq!((paired.wire, paired.key.to_string()), (Wire::V1, self.host.key.clone()));
    }

    pub(super) async fn connect(&self, name: &str) -> Result<Client, ClientError> {
        opendesk_tokio::connect(&ConnectOptions { home: self.home(name), peer: "host".to_owned() }).await
    }
}

#[test]
fn files_are_copied_from_the_packages_host_and_to_it() {
    run(async {
        let mut rig = Rig::start(&[]);
        rig.pair("anna").await;
        let (there, here, large) = (rig.folder().join("there"), rig.folder().join("here"), rig.folder().join("large"));
        std::fs::create_dir_all(there.join("below")).unwrap();
        for (name, bytes) in [("small", 5), ("empty", 0), ("below/several parts", 3 << 20)] {
            std::fs::write(there.join(name), vec![7; bytes]).unwrap();
        }
        let on_host = |path: &Path| format!("host:{}", path.display());
        let cp = |args: &[&str]| {
            let args = [&["cp", "-r"], args].concat();
            Running::start(bin::command(&rig.folder().join("anna"), &args)).finish(LIMIT)
        };
        let down = cp(&[&on_host(&there), here.to_str().unwrap()]);
        assert!(down.status.success() && down.stdout.starts_with("copied 3 files"), "{down:?}");
        let up = cp(&[here.to_str().unwrap(), &on_host(&rig.folder().join("back"))]);
        assert!(up.status.success() && up.stdout.starts_with("copied 3 files"), "{up:?}");
        assert_eq!(up.stderr, "the other machine cannot set permissions and times, so the copy has its own\n");
        for name in ["small", "empty", "below/several parts"] {
            let read = |folder: &str| std::fs::read(rig.folder().join(folder).join(name)).unwrap();
            assert!(read("here") == read("there") && read("back") == read("there"), "{name}");
        }
        // It gives and takes files whole, so they have to fit into a message.
        std::fs::File::create(&large).unwrap().set_len(17 << 20).unwrap();
        for args in [[on_host(&large), here.display().to_string()], [large.display().to_string(), on_host(&there)]] {
            let refused = cp(&[&args[0], &args[1]]);
            assert_eq!(refused.status.code(), Some(1), "{refused:?}");
            assert!(refused.stderr.contains("is larger than 16 MiB, and a host of version 1"), "{refused:?}");
        }
    });
}

#[test]
fn a_command_of_our_command_line_runs_on_the_packages_host() {
    run(async {
        let mut rig = Rig::start(&[]);
        rig.pair("anna").await;
        let mut exec = bin::command(&rig.folder().join("anna"), &["exec", "host", "--env", "GREETING=grüße"]);
        exec.args(["--", "sh", "-c", "cat; echo \"$GREETING\" >&2; exit 6"]);
        let input = rig.folder().join("input");
        std::fs::write(&input, b"words\xff").unwrap();
        exec.stdin(std::fs::File::open(&input).unwrap());
        let ended = Running::start(exec).finish(LIMIT);
        assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(6), "grüße\n"), "{ended:?}");
        assert!(ended.stdout.starts_with("words"), "{ended:?}");
        let mut late = bin::command(&rig.folder().join("anna"), &["exec", "--timeout", "0.5"]);
        late.args(["--", "sleep", "1000"]);
        assert_eq!(Running::start(late).finish(LIMIT).status.code(), Some(124));
    });
}

#[test]
fn who_drives_who_waits_and_who_was_sent_away() {
    run(async {
        let mut rig = Rig::start(&[]);
        rig.pair("anna").await;
        rig.pair("ben").await;
        let anna = rig.connect("anna").await.unwrap();
        assert_eq!(anna.wire(), Wire::V1);
        let busy = rig.connect("ben").await.unwrap_err();
        assert!(matches!(busy, ClientError::Refused { reason: Reason::BUSY, .. }), "{busy}");
        assert!(busy.to_string().contains("busy"), "{busy}");
        let again = rig.connect("anna").await.unwrap();
        let replaced = anna.displays().await.unwrap_err();
        assert!(matches!(replaced, ClientError::Closed(Reason::EVICTED)), "{replaced}");
        rig.host.running.say("kick");
        let evicted = loop {
            if let Err(error) = again.displays().await {
                break error;
            }
        };
        assert!(matches!(evicted, ClientError::Closed(Reason::EVICTED)), "{evicted}");
        rig.host.running.hear(event("kicked"));
        rig.connect("ben").await.unwrap().close().await;
    });
}

#[test]
fn an_answer_that_never_comes_costs_its_deadline_and_nothing_else() {
    run(async {
        let mut rig = Rig::start(&[]);
        rig.pair("anna").await;
        let client = rig.connect("anna").await.unwrap();
        let odd = rig.folder().join("odd");
        std::fs::create_dir(&odd).unwrap();
        std::fs::write(odd.join(OsString::from_vec(b"no UTF-8: \xff".to_vec())), "").unwrap();
        let params = FileParams { path: odd.to_str().unwrap().to_owned() };
        // More often than there are places for calls.
        let unanswered = (0..70).map(|_| client.call_within::<FsList>(&params, Duration::from_millis(300)));
        for answer in futures_util::future::join_all(unanswered).await {
            assert!(matches!(answer, Err(ClientError::Timeout { .. })), "{answer:?}");
        }
        assert!(!client.displays().await.unwrap().is_empty());
    });
}

#[test]
fn a_call_is_stopped_and_a_picture_may_be_a_jpeg() {
    run(async {
        let mut rig = Rig::start(&[]);
        rig.pair("anna").await;
        let client = rig.connect("anna").await.unwrap();
        let sleep = ShellParams { command: "sleep 60".to_owned(), ..ShellParams::default() };
        let stopped = client.call_within::<ProcessShell>(&sleep, Duration::from_millis(200)).await;
        assert!(matches!(stopped, Err(ClientError::Timeout { .. })), "{stopped:?}");
        let params = CaptureParams { display_id: Some("jpeg".to_owned()), ..CaptureParams::default() };
        let picture = client.capture(&params).await.unwrap();
        assert_eq!(picture.format, PictureFormat::Jpeg);
        assert!(picture.data.starts_with(&[0xff, 0xd8]));
        let missing = FileReadParams { path: "/nothing/there".to_owned(), offset: 0, length: None };
        let missing = client.call_within::<FsRead>(&missing, LIMIT).await.unwrap_err();
        assert!(matches!(&missing, ClientError::Call(error) if error.code == ErrorCode::NotFound), "{missing}");
    });
}

#[test]
fn many_calls_at_once_and_a_stream_whose_reader_is_slow() {
    run(async {
        let mut rig = Rig::start(&[]);
        rig.pair("anna").await;
        let client = rig.connect("anna").await.unwrap();
        let mut pictures = client.watch(&SubscribeParams { fps: 30, ..SubscribeParams::default() }).await.unwrap();
        pictures.next().await.unwrap().unwrap();
        // Meanwhile the host sends more pictures than there is credit for.
        let calls = (0..200).map(|_| client.cursor_position());
        for answer in futures_util::future::join_all(calls).await {
            answer.unwrap();
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        pictures.next().await.unwrap().unwrap();
        drop(pictures);
        client.displays().await.unwrap();
    });
}

#[test]
fn a_host_that_does_not_trust_this_machine_and_a_wrong_code_are_told_apart_from_silence() {
    run(async {
        let mut rig = Rig::start(&[]);
        rig.pair("anna").await;
        std::fs::remove_file(rig.folder().join("host/trusted-peers.json")).unwrap();
        let refused = rig.connect("anna").await.unwrap_err();
        assert!(matches!(refused, ClientError::NotRecognised { .. }), "{refused}");
        rig.host.running.say(&format!("pair {CODE}"));
        rig.host.running.hear(event("pairing"));
        let options = PairOptions {
            home: rig.home("ben"),
            host: "127.0.0.1".to_owned(),
            port: rig.host.port.parse().unwrap(),
            code: "000000".to_owned(),
            name: None,
        };
        let wrong = opendesk_tokio::pair(&options).await.unwrap_err();
        assert!(matches!(wrong, ClientError::WrongCode { .. }), "{wrong}");
        assert!(Peers::load(&rig.home("ben")).unwrap().list().is_empty());
    });
}

#[test]
fn an_agent_of_ours_uses_a_host_of_the_package() {
    let rig = run(async {
        let mut rig = Rig::start(&[]);
        rig.pair("anna").await;
        rig
    });
    let home = rig.folder().join("anna");
    let program = bin::opendesk().to_str().unwrap();
    let seen = peer::agent(&home, "host", &[program, "mcp", "--backend", "virtual", "--home", home.to_str().unwrap()]);
    assert_eq!((&seen["error"], &seen["picture"]), (&false.into(), &"89504e47".into()), "{seen}");
}

#[test]
fn the_packages_command_line_serves_a_real_desktop_to_ours() {
    let desktop = TestDesktop::start(1024, 768);
    let folder = tempfile::tempdir().unwrap();
    let [home, ours] = ["host", "controller"].map(|name| folder.path().join(name));
    std::fs::create_dir(&home).unwrap();
    // Its input library reads this file, which may be empty.
    std::fs::write(home.join(".Xauthority"), "").unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let listen = ["--host", "127.0.0.1", "--port", &port, "--no-mdns"];
    let mut pairing = peer::cli(&home, &[&["pair", "--code", CODE], &listen[..]].concat());
    pairing.env("DISPLAY", desktop.display());
    let mut pairing = Running::start(pairing);
    pairing.hear(|line| line.contains(CODE).then_some(()));
    let paired = peer::done(bin::command(&ours, &["pair-with", "127.0.0.1", CODE, "--port", &port, "--name", "desk"]));
    assert!(paired.status.success() && paired.stdout.contains("speaks version 1 only"), "{paired:?}");
    assert!(pairing.finish(peer::RUN).status.success());

    let mut serving = peer::cli(&home, &[&["serve"], &listen[..]].concat());
    serving.env("DISPLAY", desktop.display()).stdin(Stdio::null());
    let mut serving = Running::start(serving);
    serving.hear(|line| line.contains("listening on").then_some(()));
    let out = folder.path().join("shot.png");
    let args = ["connect", "desk", "--screenshot", out.to_str().unwrap()];
    let connected = peer::done(bin::command(&ours, &args));
    assert!(connected.status.success(), "{connected:?}");
    let png = png::Decoder::new(std::io::BufReader::new(std::fs::File::open(&out).unwrap())).read_info().unwrap();
    assert_eq!((png.info().width, png.info().height), (1024, 768));
    let click =
        peer::done(bin::command(&ours, &["call", "mouse", r#"{"action":"move","x":300,"y":200}"#, "--peer", "desk"]));
    assert!(click.status.success(), "{click:?}; {}", serving.stderr());
}

#[test]
fn an_agents_session_finds_a_host_again_that_was_started_anew() {
    run(async {
        let mut rig = Rig::start(&[]);
        rig.pair("anna").await;
        let session = Session::new(rig.home("anna"), Backend::Virtual, Box::new(OnRuntime(Tokio)));
        let peer = Target::Peer("host".to_owned());
        session.call::<DisplayDisplays>(&peer, &()).await.unwrap();
        rig.host.running.say("quit");
        rig.host.running.hear(event("session_closed"));
        let port = rig.host.port.clone();
        wait_until_free(&port).await;
        rig.host = Host::start(&rig.folder().join("host"), &["--port", &port]);
        session.call::<DisplayDisplays>(&peer, &()).await.unwrap();
        session.close().await;
    });
}

/// Until nobody listens there any more.
pub(super) async fn wait_until_free(port: &str) {
    let port: u16 = port.parse().expect("a port");
    for _ in 0..600 {
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("port {port} is still in use");
}
