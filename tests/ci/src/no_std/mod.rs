//! Three proofs that the core needs neither std nor a heap and that its decoder cannot panic, none of which needs a
//! bare-metal target:
//!
//! * **A**, [`sysroot`]: the core and everything below it compile where only libcore exists.
//! * **B**, [`link`]: a program without an allocator links, and a whole session runs in it.
//! * **C**, [`link`]: a program whose panic handler cannot be linked links, because no path reaches it.
//!
//! An attribute proves nothing about dependencies, and a gate may rot until it passes whatever it is given. So each
//! gate also runs its negative controls: builds that must fail, and for the reason that the gate is about.

mod link;
mod sysroot;

use std::process::Command;

use crate::command::{Captured, Failure, Outcome, Repo, capture, line};
use crate::toolchain::Toolchain;

/// The workspace of the probes and the controls. It is one of its own: `panic = "abort"` is set for a workspace.
const MANIFEST: &str = "tests/no-std/Cargo.toml";

pub(crate) fn no_std(repo: &Repo) -> Outcome {
    sysroot::gate(repo, &Toolchain::find(repo)?)?;
    link::heapless(repo)?;
    link::panic_free(repo)?;
    Ok(None)
}

/// Runs a build that must fail with each of `expected` in what it prints.
fn must_fail(command: &mut Command, expected: &[&str]) -> Result<(), Failure> {
    println!("control, must fail: {}", line(command));
    judge(&line(command), &capture(command)?, expected)
}

fn judge(command: &str, captured: &Captured, expected: &[&str]) -> Result<(), Failure> {
    if captured.success {
        return Err(Failure::new(format!("the control `{command}` passed: the gate proves nothing")));
    }
    match expected.iter().find(|words| !captured.stderr.contains(**words)) {
        None => Ok(()),
        Some(words) => Err(Failure::new(format!(
            "the control `{command}` failed for another reason than `{words}`:\n{}",
            captured.stderr.trim_end()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_must_fail_and_for_its_own_reason() {
        let ended =
            |success, stderr: &str| Captured { success, code: None, stdout: String::new(), stderr: stderr.into() };
        let expected = ["E0463", "`alloc`"];
        assert!(judge("x", &ended(false, "error[E0463]: can't find crate for `alloc`"), &expected).is_ok());
        let passed = judge("x", &ended(true, "error[E0463] `alloc`"), &expected).unwrap_err();
        assert!(passed.to_string().contains("proves nothing"), "{passed}");
        let other = judge("x", &ended(false, "error[E0463]: can't find crate for `core`"), &expected).unwrap_err();
        assert!(other.to_string().contains("`alloc`"), "{other}");
    }
}
