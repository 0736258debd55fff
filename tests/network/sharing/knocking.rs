//! Whoever else comes to the socket of a shared session.

use core::time::Duration;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use opendesk_core::limits;
use opendesk_std::api::{Press, encode};
use opendesk_std::home::{Home, HomeErrorKind, Peers};
use opendesk_tests::rig::Rig;
use opendesk_tokio::{ClientError, ConnectOptions, Tokio};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use super::{LIMIT, eventually, join, key, large, shared, text};
use crate::{pass, run};

/// What programs of this version say to each other.
const PROTOCOL: u16 = 2;

/// The folder where the sessions of this home are shared.
fn links(home: &Home) -> PathBuf {
    home.path().join("links")
}

/// Where the session with the host is shared.
fn place(home: &Home, extension: &str) -> PathBuf {
    let peers = Peers::load(home).expect("a list of peers");
    let digits: String =
        peers.by_name("host").expect("it is paired").public_key[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    links(home).join(format!("{digits}.{extension}"))
}

/// A message with its length.
fn message(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).expect("a short message").to_be_bytes(), bytes].concat()
}

/// Who somebody says it is.
fn introduction(protocol: u16, version: &str) -> Vec<u8> {
    message(&[b"odlinks\n".as_slice(), &protocol.to_be_bytes(), &4242_u32.to_be_bytes(), version.as_bytes()].concat())
}

/// A call that is to be answered within this many seconds, as the protocol of this version writes it.
fn call(number: u8, method: &str, seconds: u8, params: &[u8]) -> Vec<u8> {
    let method = [&[u8::try_from(method.len()).expect("a short name")], method.as_bytes()].concat();
    message(&[&[0, number][..], &method, &[0; 16], &[0, seconds, 0], params].concat())
}

async fn knock(home: &Home) -> UnixStream {
    UnixStream::connect(place(home, "sock")).await.expect("the session is shared")
}

/// All that is said until the other side hangs up.
async fn rest(stream: &mut UnixStream) -> Vec<u8> {
    let mut said = Vec::new();
    let read = tokio::time::timeout(LIMIT, stream.read_to_end(&mut said)).await.expect("it hangs up");
    // What was not read by the other side makes the end a reset.
    drop(read);
    said
}

#[test]
fn the_socket_is_for_the_owner_alone_and_goes_with_the_session() {
    run(async {
        let (rig, _, owner, _borrower) = shared().await;
        let home = rig.home("controller");
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let (socket, lock) = (place(&home, "sock"), place(&home, "lock"));
        assert_eq!((mode(&links(&home)), mode(&socket), mode(&lock)), (0o700, 0o600, 0o600));
        owner.close().await;
        eventually("it is gone", || !socket.exists()).await;
    });
}

#[test]
fn whoever_talks_nonsense_is_dropped_and_harms_nobody() {
    run(async {
        let (rig, desktop, owner, borrower) = shared().await;
        let home = rig.home("controller");
        let own = introduction(PROTOCOL, "0.1.0");
        let key_down = encode(&key(Press::Down, "shift")).unwrap();
        let stream = [&[0_u8, 7, 17][..], b"display.subscribe", &[0; 16], &[1, 0xff, 0xff, 0xff, 0xff, 0x0f]].concat();
        let many: Vec<u8> = (0..33).flat_map(|number| call(number, "system.capabilities", 9, &[])).collect();
        for (nonsense, why) in [
            (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(), "another protocol"),
            (message(b"odlinks"), "a short introduction"),
            (message(&[b'x'; 300]), "a long introduction"),
            (u32::MAX.to_be_bytes().to_vec(), "a length without end"),
            (introduction(3, "9.9.9"), "another protocol number"),
            ([own.clone(), message(&[9])].concat(), "a message that is none"),
            ([own.clone(), message(&[])].concat(), "an empty message"),
            ([own.clone(), message(&[2, 7, 7])].concat(), "a body where none belongs"),
            ([own.clone(), message(&[3, 7])].concat(), "a doubt with a body"),
            ([own.clone(), u32::MAX.to_be_bytes().to_vec()].concat(), "more than a body"),
            ([own.clone(), message(&stream)].concat(), "more credit than there is"),
            ([own.clone(), many].concat(), "more calls than one may have"),
            ([own.clone(), call(1, "input.text", 9, &[]), call(1, "input.text", 9, &[])].concat(), "a number twice"),
            ([own.clone(), call(1, "input.key", 9, &key_down), message(&[7])].concat(), "nonsense after a press"),
        ] {
            let mut knocking = knock(&home).await;
            drop(knocking.write_all(&nonsense).await);
            rest(&mut knocking).await;
            owner.capabilities().await.expect(why);
            borrower.capabilities().await.expect(why);
        }
        eventually("what was pressed is released", || desktop.held_keys().is_empty()).await;
        assert_eq!(rig.handle.sessions().await.unwrap().len(), 1);
    });
}

#[test]
fn whoever_says_nothing_is_closed_and_cannot_keep_others_out() {
    run(async {
        let (rig, _, owner, _borrower) = shared().await;
        let home = rig.home("controller");
        let mut silent = Vec::new();
        // More than may borrow, and more than are told that there is no place.
        for _ in 0..60 {
            silent.push(knock(&home).await);
        }
        owner.capabilities().await.unwrap();
        let late = tokio::spawn({
            let options = ConnectOptions { home: home.clone(), peer: "host".into() };
            async move { opendesk_std::client::connect_shared(Tokio, &options).await }
        });
        while !late.is_finished() {
            pass(Duration::from_secs(1)).await;
            owner.cursor_position().await.unwrap();
        }
        late.await.unwrap().unwrap().capabilities().await.unwrap();
        for stream in &mut silent {
            let said = rest(stream).await;
            assert!(said.is_empty() || said.get(4..12) == Some(b"odlinks\n"), "nothing but who answers: {said:?}");
        }
    });
}

#[test]
fn more_programs_than_can_share_are_told_so() {
    run(async {
        let (rig, _, owner, borrower) = shared().await;
        let mut clients = vec![borrower];
        while clients.len() < 32 {
            clients.push(join(&rig).await.unwrap());
        }
        let error = join(&rig).await.unwrap_err();
        assert!(matches!(&error, ClientError::Home(error) if error.kind() == HomeErrorKind::Busy), "{error:?}");
        let pid = std::process::id();
        let expected =
            format!("32 programs share the session of opendesk (pid {pid}) already; end one of them and try again");
        assert_eq!(error.to_string(), expected);
        clients.pop();
        join(&rig).await.unwrap().capabilities().await.unwrap();
        owner.capabilities().await.unwrap();
    });
}

#[test]
fn a_borrower_that_reads_nothing_delays_nobody_and_is_given_up() {
    run(async {
        let (rig, desktop, owner, borrower) = shared().await;
        owner.clipboard_write(&large(4 * 1024 * 1024)).await.unwrap();
        let mut slow = knock(&rig.home("controller")).await;
        slow.write_all(&introduction(PROTOCOL, "0.1.0")).await.unwrap();
        slow.write_all(&call(100, "input.key", 60, &encode(&key(Press::Down, "shift")).unwrap())).await.unwrap();
        for number in 0..8 {
            slow.write_all(&call(number, "clipboard.read", 60, &[])).await.unwrap();
        }
        eventually("it presses", || !desktop.held_keys().is_empty()).await;
        for _ in 0..20 {
            borrower.text(&text("x", 0)).await.unwrap();
            owner.text(&text("y", 0)).await.unwrap();
        }
        assert_eq!(desktop.editor_text(), "xy".repeat(20));
        // As long as a host waits for a link; the others speak meanwhile.
        for _ in 0..8 {
            pass(limits::SILENCE / 6).await;
            owner.cursor_position().await.unwrap();
        }
        eventually("what it pressed is released", || desktop.held_keys().is_empty()).await;
        rest(&mut slow).await;
        borrower.capabilities().await.unwrap();
    });
}

#[test]
fn a_borrower_that_lets_too_much_wait_for_it_is_ended_before_its_time() {
    run(async {
        let (rig, desktop, owner, borrower) = shared().await;
        owner.clipboard_write(&large(8 * 1024 * 1024)).await.unwrap();
        // Ten times 8 MiB are more than 64, and two are not.
        let mut knocked = Vec::new();
        for (keysym, reads) in [("shift", 2), ("ctrl", 10)] {
            let mut slow = knock(&rig.home("controller")).await;
            slow.write_all(&introduction(PROTOCOL, "0.1.0")).await.unwrap();
            slow.write_all(&call(100, "input.key", 60, &encode(&key(Press::Down, keysym)).unwrap())).await.unwrap();
            eventually("it presses", || desktop.held_keys().len() > knocked.len()).await;
            for number in 0..reads {
                // A host does not let more than that wait either.
                drop(slow.write_all(&call(number, "clipboard.read", 60, &[])).await);
                owner.clipboard_read().await.unwrap();
            }
            knocked.push(slow);
        }
        eventually("what one of them pressed is released", || desktop.held_keys().len() < 2).await;
        assert_eq!(desktop.held_keys().len(), 1, "the one that has waited for longer keeps no more than it may");
        rest(&mut knocked[1]).await;
        borrower.capabilities().await.unwrap();
        assert_eq!(desktop.held_keys().len(), 1);
    });
}

#[test]
fn a_program_of_another_user_is_turned_away_even_where_it_gets_to_the_socket() {
    if std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) != 0) {
        // Nobody else can be made to knock.
        return;
    }
    run(async {
        let (rig, _, owner, _borrower) = shared().await;
        let home = rig.home("controller");
        let socket = place(&home, "sock");
        let knocking = |user: u32| {
            let script = "import socket, sys\ns = socket.socket(socket.AF_UNIX)\ns.settimeout(20)\ns.connect(sys.argv[1])\n\
                          sys.stdout.write(repr(s.recv(12)))";
            let mut command = Command::new("/usr/bin/python3");
            command.args(["-c", script]).arg(&socket).uid(user).gid(user).current_dir("/");
            tokio::task::spawn_blocking(move || command.output().expect("python starts"))
        };
        let outside = knocking(12345).await.unwrap();
        assert!(String::from_utf8_lossy(&outside.stderr).contains("PermissionError"), "{outside:?}");
        for folder in [rig.folder.path(), home.path(), &links(&home)] {
            std::fs::set_permissions(folder, Permissions::from_mode(0o711)).unwrap();
        }
        std::fs::set_permissions(&socket, Permissions::from_mode(0o666)).unwrap();
        let inside = knocking(12345).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&inside.stdout), "b''", "{inside:?}");
        let own = knocking(0).await.unwrap();
        assert!(String::from_utf8_lossy(&own.stdout).contains("odlinks"), "{own:?}");
        owner.capabilities().await.unwrap();
    });
}

/// Somebody who has the session of the controller and shares it in their own way.
struct Pretender {
    listener: UnixListener,
    _lock: std::fs::File,
}

impl Pretender {
    fn start(home: &Home) -> Self {
        std::fs::create_dir(links(home)).expect("nobody shared before");
        let lock = std::fs::File::create(place(home, "lock")).expect("a file");
        lock.try_lock().expect("nobody has it");
        std::fs::write(place(home, "lock"), "4242\n").expect("a file");
        Self { listener: UnixListener::bind(place(home, "sock")).expect("a socket"), _lock: lock }
    }

    /// Says this to whoever comes, and keeps what came.
    async fn answer(&self, bytes: &[u8]) -> UnixStream {
        let (mut stream, _) = self.listener.accept().await.expect("somebody comes");
        stream.write_all(bytes).await.expect("it listens");
        stream
    }
}

async fn refused_by(rig: &Rig, bytes: &[u8]) -> String {
    let home = rig.home("controller");
    let pretender = Pretender::start(&home);
    let (error, _kept) = tokio::join!(join(rig), pretender.answer(bytes));
    let error = error.expect_err("it is refused");
    assert!(matches!(&error, ClientError::Home(error) if error.kind() == HomeErrorKind::Busy), "{error:?}");
    assert_eq!(error.to_string().lines().count(), 1);
    std::fs::remove_dir_all(links(&home)).expect("it goes");
    error.to_string()
}

#[test]
fn a_session_of_another_version_is_neither_shared_nor_taken_and_the_line_says_whose_it_is() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        rig.pair("controller").await;
        let line = refused_by(&rig, &introduction(7, "9.9.9\u{1b}[2J")).await;
        assert!(line.starts_with("opendesk 9.9.9"), "{line}");
        assert!(
            line.contains("(pid 4242) has the session with this machine, and opendesk 0.1.0 cannot share it"),
            "{line}"
        );
        assert!(line.ends_with("end that process and try again") && !line.contains('\u{1b}'), "{line}");
        for nonsense in
            [b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), [introduction(PROTOCOL, "0.1.0"), message(&[2, 1])].concat()]
        {
            assert_eq!(
                refused_by(&rig, &nonsense).await,
                "whoever shares the session with this machine is no opendesk"
            );
        }
        assert!(rig.handle.sessions().await.unwrap().is_empty(), "nobody dialled beside it");
    });
}

#[test]
fn an_owner_that_hangs_is_named_and_not_taken_from() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        rig.pair("controller").await;
        let home = rig.home("controller");
        let pretender = Pretender::start(&home);
        let joining = tokio::spawn({
            let options = ConnectOptions { home: home.clone(), peer: "host".into() };
            async move { opendesk_std::client::connect_shared(Tokio, &options).await }
        });
        let kept = pretender.answer(&[]).await;
        while !joining.is_finished() {
            pass(Duration::from_secs(1)).await;
        }
        let error = joining.await.unwrap().unwrap_err().to_string();
        let line =
            "another opendesk (pid 4242) has the session with this machine and does not answer; end it and try again";
        assert_eq!(error, line);
        drop(kept);
        // One that has the lock and shares nothing is waited for, and not for ever.
        std::fs::remove_file(place(&home, "sock")).unwrap();
        let joining = tokio::spawn({
            let options = ConnectOptions { home, peer: "host".into() };
            async move { opendesk_std::client::connect_shared(Tokio, &options).await }
        });
        while !joining.is_finished() {
            pass(Duration::from_secs(1)).await;
        }
        let error = joining.await.unwrap().unwrap_err().to_string();
        assert!(
            error.starts_with("another opendesk (pid 4242) has been opening the session with this machine for 15 s"),
            "{error}"
        );
        assert!(rig.handle.sessions().await.unwrap().is_empty(), "nobody dialled beside it");
    });
}
