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
