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
use clap::error::ErrorKind;

use crate::args::Args;
use crate::exit::Failure;

#[cfg(not(windows))]
fn main() -> ExitCode {
    program()
}

/// The first thread of a program has a stack of 1 MiB here and of 8 MiB elsewhere, and the tables of a host are on it.
#[cfg(windows)]
fn main() -> ExitCode {
    const STACK: usize = 8 << 20;
    match std::thread::Builder::new().stack_size(STACK).spawn(program) {
        // It has told of a panic itself.
        Ok(running) => running.join().unwrap_or(ExitCode::from(101)),
        Err(error) => {
            let failure = Failure::failed(format!("no thread could be started: {error}"));
            output::error(&failure);
            failure.code()
        }
    }
}

fn program() -> ExitCode {
    memory::keep_large_blocks();
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return told(&error),
    };
    let is_kept = args.log_file.is_some();
    let done = log::start(&args).and_then(|()| run(args));
    if let Err(failure) = &done
        && is_kept
        && !failure.is_silent()
    {
        // Whoever starts a service may drop its standard error.
        tracing::error!("{failure}");
    }
    log::flush();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.is_silent() {
                output::error(&failure);
            }
            failure.code()
        }
    }
}

/// What the command line asks for, or what is wrong with it in one line.
fn told(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            output::line(error.to_string().trim_end());
            return ExitCode::SUCCESS;
        }
        // Nothing was asked for at all.
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            output::note(error.to_string().trim_end());
            return Failure::usage("").code();
        }
        _ => {}
    }
    let text = error.to_string();
    let said = text.lines().map(str::trim).take_while(|line| !line.starts_with("Usage:"));
    let said: Vec<&str> = said.filter(|line| !line.is_empty() && !line.starts_with("For more")).collect();
    let said = said.join(" ");
    let line = said.strip_prefix("error: ").unwrap_or(&said);
    let failure = Failure::usage(format!("{}; see --help", line.trim_end_matches('.')));
    if std::env::args_os().any(|argument| argument == "--json") {
        output::line(&output::failure_json(&failure).to_string());
    }
    output::error(&failure);
    failure.code()
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
