//! `cargo bench`: what `opendesk bench` measures, of the program as `cargo bench` builds it.

use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let status = Command::new(env!("CARGO_BIN_EXE_opendesk")).arg("bench").status();
    if status.is_ok_and(|status| status.success()) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
