//! The examples run, and do what they say.

use std::process::Command;

fn run(package: &str, example: &str) -> String {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .args(["run", "--quiet", "--locked", "--package", package, "--example", example])
        .output()
        .expect("cargo starts");
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
    let said = run("opendesk-tokio", "custom_computer");
    let colours = "the desktop was [0, 0, 0] and is [200, 40, 0]\n";
    let refusal = "typing was refused: input.text is not available on the colour desktop\n";
    assert_eq!(said, format!("{colours}{refusal}"));
}
