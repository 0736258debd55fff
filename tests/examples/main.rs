//! The examples run, and do what they say.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use opendesk_tests::bin::{Running, command};
use opendesk_tests::desktop::PATIENCE;

fn cargo(package: &str, example: &str) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    cargo.args(["run", "--quiet", "--locked", "--package", package, "--example", example]);
    cargo
}

fn run(package: &str, example: &str) -> String {
    let output = cargo(package, example).output().expect("cargo starts");
    assert!(output.status.success(), "{example}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn the_core_runs_under_blocking_threads() {
    let said = run("opendesk-core", "blocking");
    assert_eq!(said, "the host answered \"is anybody there?\", and then the session was closed\n");
}

#[test]
fn the_core_runs_in_memory_with_a_clock_of_the_harness() {
    let said = run("opendesk-core", "in_memory");
    let lines = [
        " 0 s  host: the code is no more: Paired",
        " 0 s  host: a controller drives",
        " 0 s  controller: the session is open",
        " 0 s  controller: the session was closed",
        " 0 s  host: nobody drives: done",
        " 0 s  host: a controller drives",
        " 0 s  controller: the session is open",
        " 0 s  controller: the answer is \"is anybody there?\"",
        "10 s  host: nobody drives: shutdown",
        "10 s  controller: the other side is shutting down",
    ];
    assert_eq!(said.lines().collect::<Vec<_>>(), lines);
}

#[test]
fn a_desktop_of_the_embedder_s_own_is_driven() {
    let folder = tempfile::tempdir().unwrap();
    let (host, controller) = (folder.path().join("host"), folder.path().join("controller"));
    let mut running = cargo("opendesk-tokio", "custom_computer")
        .arg("--")
        .arg(&host)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("cargo starts");
    let mut said = String::new();
    BufReader::new(running.stdout.as_mut().expect("a pipe")).read_line(&mut said).expect("a line");
    // It prints the command that pairs with it.
    let pairing: Vec<&str> = said.split_whitespace().skip(1).chain(["--name", "colour"]).collect();
    let opendesk = |arguments: &[&str]| {
        let output = Running::start(command(&controller, arguments)).finish(PATIENCE);
        assert!(output.status.success() || arguments.contains(&"keyboard"), "{arguments:?}: {output:?}");
        output
    };
    opendesk(&pairing);
    let png = folder.path().join("colour.png");
    let colour = || {
        opendesk(&["call", "screenshot", "--out", png.to_str().expect("a temporary path")]);
        let decoder = png::Decoder::new(BufReader::new(File::open(&png).expect("a picture")));
        let mut reader = decoder.read_info().expect("a PNG");
        let mut pixels = vec![0; reader.output_buffer_size().expect("a small picture")];
        reader.next_frame(&mut pixels).expect("a PNG");
        [pixels[0], pixels[1], pixels[2]]
    };
    assert_eq!(colour(), [0, 0, 0]);
    opendesk(&["call", "mouse", r#"{"action": "move", "x": 200, "y": 40}"#]);
    assert_eq!(colour(), [200, 40, 0]);
    let refused = opendesk(&["call", "keyboard", r#"{"action": "type", "text": "hello"}"#]);
    assert!(refused.stderr.contains("input.text is not available on the colour desktop"), "{refused:?}");
    drop(running.stdin.take());
    assert!(running.wait().expect("it ends").success());
}
