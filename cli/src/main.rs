//! The program `opendesk`.

mod args;
mod bench;
mod commands;
mod demo;
mod exit;
mod log;
mod memory;
mod output;

use std::process::ExitCode;

use clap::Parser;

use crate::args::Args;
use crate::exit::Failure;

fn main() -> ExitCode {
    memory::keep_large_blocks();
    let args = Args::parse();
    let done = log::start(&args).and_then(|()| run(args));
    log::flush();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::error(&failure);
            failure.code()
        }
    }
}

/// One thread drives everything; what blocks has threads of its own.
fn run(args: Args) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("the event loop could not be started: {error}")))?;
    let done = runtime.block_on(commands::run(args));
    // A thread that waits for a slow desktop or name server must not keep a finished program alive.
    runtime.shutdown_background();
    done
}
