//! The program `opendesk`.

mod args;
mod bench;
mod commands;
mod demo;
mod exit;
mod memory;
mod output;

use std::process::ExitCode;

use clap::Parser;

use crate::args::Args;
use crate::exit::Failure;

fn main() -> ExitCode {
    memory::keep_large_blocks();
    let args = Args::parse();
    log(args.verbose);
    match run(args) {
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

/// Logs go to standard error: standard output is for results, and for `mcp` it is the protocol.
fn log(verbose: u8) {
    let level = match verbose {
        0 => "warn",
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("OPENDESK_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(format!("opendesk={level},opendesk_std={level}")));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).without_time().init();
}
