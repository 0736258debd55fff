//! Every input that is kept in `fuzz/corpus` goes through its fuzz body here, without a fuzzer.

use std::fs;
use std::path::{Path, PathBuf};

use opendesk_tests::fuzz;

/// The files that are kept for a target, in the order of their names.
fn kept(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("the folder can be listed").path()).collect();
    files.sort();
    files
}

fn run(target: &str, body: fn(&[u8])) {
    let files = kept(target);
    assert!(!files.is_empty(), "nothing is kept for {target}");
    for file in files {
        let data = fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        body(&data);
    }
}

#[test]
fn frame_decode() {
    run("frame_decode", fuzz::frame_decode);
}

#[test]
fn handshake_host() {
    run("handshake_host", fuzz::handshake_host);
}

#[test]
fn handshake_client() {
    run("handshake_client", fuzz::handshake_client);
}

#[test]
fn host_ops() {
    run("host_ops", fuzz::host_ops);
}

#[test]
fn call_decode() {
    run("call_decode", fuzz::call_decode);
}

#[test]
fn host_frames() {
    run("host_frames", fuzz::host_frames);
}

#[test]
fn client_frames() {
    run("client_frames", fuzz::client_frames);
}

#[test]
fn v1_handshake() {
    run("v1_handshake", fuzz::v1_handshake);
}

#[test]
fn v1_frames() {
    run("v1_frames", fuzz::v1_frames);
}

#[test]
fn txt_record() {
    run("txt_record", fuzz::txt_record);
}

#[test]
fn every_target_has_a_test_here() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/Cargo.toml");
    let manifest = fs::read_to_string(manifest).unwrap();
    let targets = manifest.lines().filter(|line| line.trim() == "[[bin]]").count();
    assert_eq!(targets, 10);
    let tested = [
        "frame_decode",
        "handshake_host",
        "handshake_client",
        "host_ops",
        "call_decode",
        "host_frames",
        "client_frames",
        "v1_handshake",
        "v1_frames",
        "txt_record",
    ];
    for target in tested {
        assert!(manifest.contains(&format!("name = \"{target}\"")), "{target} is no target");
    }
}
