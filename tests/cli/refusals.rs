//! Bad input: one clear line, a documented exit code, and nothing lost.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use opendesk_tests::bin::{PEER, Running, Served, command};
use serde_json::Value;

use crate::{Folder, LIMIT, failure, opendesk, run, succeeded};

#[test]
fn a_wrong_code_says_how_many_tries_are_left() {
    let folder = Folder::new();
    let host = folder.home("host");
    let mut pairing =
        Running::start(command(&host, &["pair", "--code", "482913", "--host", "127.0.0.1", "--port", "0", "--json"]));
    let shown: Value = serde_json::from_str(&pairing.first_line()).unwrap();
    let port = shown["port"].to_string();
    for left in ["2 tries are left", "1 try is left", "it was the last try"] {
        let tried = opendesk(&folder.home("controller"), &["pair-with", "127.0.0.1", "000000", "--port", &port]);
        let (code, line) = failure(&tried);
        assert!(code == 5 && line.contains("wrong") && line.contains(left), "{tried:?}");
    }
    let ended = pairing.finish(LIMIT);
    assert_eq!(ended.status.code(), Some(5), "{ended:?}");
    assert!(ended.stderr.contains("three wrong codes were tried"), "{ended:?}");
}

#[test]
fn a_host_that_is_not_there_is_said_at_once() {
    let folder = Folder::new();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let tried = opendesk(&folder.home("home"), &["pair-with", "127.0.0.1", "123456", "--port", &port]);
    let (code, line) = failure(&tried);
    assert!(code == 3 && line.contains("cannot be reached"), "{tried:?}");
}

#[test]
fn a_host_that_is_silent_is_given_up() {
    let folder = Folder::new();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port().to_string();
    let tried = opendesk(&folder.home("home"), &["pair-with", "127.0.0.1", "123456", "--port", &port]);
    let (code, line) = failure(&tried);
    assert!(code == 3 && line.contains("did not answer within 10 s"), "{tried:?}");
}

#[test]
fn a_machine_that_speaks_something_else_is_said_so() {
    let folder = Folder::new();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port().to_string();
    let answering = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = other.accept().unwrap();
        let _request = stream.read(&mut [0; 4096]).unwrap();
        stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").unwrap();
    });
    let tried = opendesk(&folder.home("home"), &["pair-with", "127.0.0.1", "123456", "--port", &port]);
    let (code, line) = failure(&tried);
    assert!(code == 3 && line.contains("HTTP 404"), "{tried:?}");
    answering.join().unwrap();
}

#[test]
fn unknown_peers_are_said_with_those_that_are_known() {
    let folder = Folder::new();
    let (host, controller) = (folder.home("host"), folder.home("controller"));
    let nobody = opendesk(&controller, &["connect", "nobody"]);
    assert_eq!(failure(&nobody).0, 5, "{nobody:?}");
    let served = Served::start(&host, "virtual", &[]);
    served.pair(&controller);
    let nobody = opendesk(&controller, &["connect", "nobody\u{1b}[2J"]);
    let (code, line) = failure(&nobody);
    assert!(code == 5 && line.contains(PEER) && !line.contains('\u{1b}'), "{nobody:?}");
    let nobody = opendesk(&controller, &["call", "screenshot", "--peer", "nobody"]);
    assert!(failure(&nobody).1.contains("there are: desk, local"), "{nobody:?}");
    let nobody = opendesk(&controller, &["peers", "default", "nobody"]);
    assert_eq!(failure(&nobody).0, 5, "{nobody:?}");
}

#[test]
fn a_port_in_use_and_a_home_in_use_are_told_apart() {
    let folder = Folder::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let serve = ["serve", "--host", "127.0.0.1", "--backend", "virtual", "--port"];
    let tried = opendesk(&folder.home("host"), &[&serve[..], &[&port]].concat());
    let (code, line) = failure(&tried);
    assert!(code == 7 && line.contains("is in use by another program"), "{tried:?}");

    let _served = Served::start(&folder.home("host"), "virtual", &[]);
    let tried = opendesk(&folder.home("host"), &[&serve[..], &["0"]].concat());
    let (code, line) = failure(&tried);
    assert!(code == 6 && line.contains("already"), "{tried:?}");
    assert!(folder.home("host").join("admin.sock").exists(), "the running host keeps its socket (W33)");
}

#[test]
fn a_home_whose_path_is_too_long_for_a_socket_is_said_with_what_to_do() {
    let folder = Folder::new();
    let home = folder.home(&"x".repeat(120));
    let finished = opendesk(&home, &["serve", "--host", "127.0.0.1", "--port", "0", "--backend", "virtual"]);
    let (code, line) = failure(&finished);
    assert!(code == 6 && line.ends_with("is too long a path for a socket; give a shorter --home"), "{code} {line}");
}

#[test]
fn no_display_is_said_with_what_to_do() {
    let folder = Folder::new();
    for backend in ["x11", "auto"] {
        // Without a name the display of another test could be found.
        let mut serve = command(&folder.home("host"), &["serve", "--port", "0", "--backend", backend]);
        serve.env("DISPLAY", ":4242");
        let tried = run(serve);
        let (code, line) = failure(&tried);
        assert!(code == 7 && line.contains(":4242") && line.contains("DISPLAY"), "{tried:?}");
    }
    let tried = opendesk(&folder.home("host"), &["serve", "--port", "0", "--backend", "wayland"]);
    assert_eq!(tried.status.code(), Some(2), "{tried:?}");
}

#[test]
fn files_that_are_not_ours_are_refused_and_left_as_they_are() {
    let folder = Folder::new();
    let cases: [(&str, &[u8], &[&str]); 3] = [
        ("identity.key", b"short", &["serve", "--port", "0", "--backend", "virtual"]),
        ("identity.ed25519", &[7; 33], &["serve", "--port", "0", "--backend", "virtual"]),
        ("trusted-peers.json", b"[{\"name\": ", &["peers"]),
    ];
    for (name, content, args) in cases {
        let home = folder.home(name);
        fs::create_dir(&home).unwrap();
        fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).unwrap();
        fs::write(home.join(name), content).unwrap();
        let tried = opendesk(&home, args);
        let (code, line) = failure(&tried);
        assert!(code == 6 && line.contains(name), "{tried:?}");
        assert_eq!(fs::read(home.join(name)).unwrap(), content);
    }
    let file = folder.home("file");
    fs::write(&file, "mine").unwrap();
    let tried = opendesk(&file, &["peers"]);
    assert_eq!(failure(&tried).0, 6, "{tried:?}");
    assert_eq!(fs::read(&file).unwrap(), b"mine");
}

#[test]
fn arguments_that_do_not_fit_are_usage_errors() {
    let folder = Folder::new();
    let home = folder.home("home");
    for (args, code) in [
        (&["fly"][..], 2),
        (&["serve", "--port", "70000"], 2),
        (&["serve", "--host", "nowhere"], 2),
        (&["pair", "--timeout", "0"], 2),
        (&["pair", "--code", ""], 2),
        (&["pair", "--close", "--role", "full"], 2),
        (&["pair", "--close", "--timeout", "60"], 2),
        (&["pair", "--close", "--port", "8423"], 2),
        (&["pair", "--close", "--host", "127.0.0.1"], 2),
        (&["pair-with", "127.0.0.1"], 2),
        (&["pair-with", "127.0.0.1", "1", "--name", "local"], 2),
        (&["call", "screenshot", "{"], 2),
        (&["call", "screenshot", "[]"], 2),
        (&["call", "fly"], 2),
        (&["call", "mouse", "{\"action\": \"fly\"}"], 2),
        (&["call", "mouse", "{\"action\": \"click\", \"speed\": 3}"], 2),
    ] {
        let tried = opendesk(&home, args);
        assert_eq!(tried.status.code(), Some(code), "{args:?}: {tried:?}");
        assert!(tried.stderr.starts_with("opendesk: ") && tried.stderr.lines().count() == 1, "{tried:?}");
    }
    let told = opendesk(&home, &["pair-with", "127.0.0.1", "--json"]);
    let report: Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!((&report["ok"], &report["exit_code"]), (&false.into(), &2.into()), "{told:?}");
    assert!(told.stderr.contains("<CODE>") && told.stderr.contains("--help"), "{told:?}");
    let nothing = run(std::process::Command::new(command(&home, &[]).get_program()));
    assert!(nothing.status.code() == Some(2) && nothing.stderr.contains("Usage: opendesk"), "{nothing:?}");
    for help in ["--help", "--version"] {
        assert!(succeeded(&opendesk(&home, &[help])).contains("opendesk"), "{help}");
    }
}

#[test]
fn an_answer_that_nobody_reads_is_no_failure() {
    let folder = Folder::new();
    let mut command = command(&folder.home("home"), &["call", "opendesk_peers"]);
    let mut child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let status = child.wait().unwrap();
    assert!(status.success(), "{status:?}");
}
