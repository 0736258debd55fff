//! `opendesk check`: what the desktop of this machine can do, proved by doing it.

use core::time::Duration;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;

use opendesk_std::Cancel;
use opendesk_std::api::ClipboardContents;
use opendesk_std::check::{self, Report};
use opendesk_tokio::StartError;
use serde_json::{Value, json};

use super::interrupted;
use crate::args;
use crate::exit::Failure;
use crate::output;

/// What `--help` says below the options.
pub(crate) const HELP: &str = "\
A window is shown for a few seconds and typed into; then the window is gone, and the pointer, the
keyboard and the clipboard are as they were. Leave mouse and keyboard alone meanwhile.

Exit codes:
  0    capture, pointer, buttons, keyboard and text work
  1    one of them does not
  7    there is no desktop to try out";

/// How long the process that keeps the clipboard may take to have it.
const TAKING_OVER: Duration = Duration::from_secs(10);

/// The most that is read to be kept; the clipboard itself holds less.
const MAX_KEPT: u64 = 64 << 20;

/// What the process that keeps the clipboard says when it has it.
const KEPT: &str = "kept";

pub(super) async fn run(as_json: bool, options: args::Check) -> Result<(), Failure> {
    if options.keep_clipboard {
        return keep();
    }
    let tried = try_out(options).await;
    let (report, failure) = match tried {
        Ok(report) => {
            let failure = judged(&report);
            (Some(report), failure)
        }
        Err(failure) => (None, Some(failure)),
    };
    if as_json {
        output::line(&in_json(report.as_ref(), failure.as_ref()).to_string());
    } else if let Some(report) = &report {
        output::line(&in_words(report));
    }
    failure.map_or(Ok(()), |failure| Err(failure.told()))
}

async fn try_out(options: args::Check) -> Result<Report, Failure> {
    let cancel = Cancel::new();
    let raised = cancel.clone();
    let mut running =
        tokio::task::spawn_blocking(move || check::run(options.backend, &mut keep_in_background, &raised));
    let ended = tokio::select! {
        ended = &mut running => ended,
        () = interrupted() => {
            // The desktop is put back as it was first.
            cancel.cancel();
            drop(running.await);
            return Err(Failure::interrupted());
        }
    };
    let tried = ended.map_err(|error| Failure::failed(format!("the check failed: {error}")))?;
    tried.map_err(|error| StartError::Desktop(error).into())
}

fn judged(report: &Report) -> Option<Failure> {
    let faults = report.faults();
    (!faults.is_empty()).then(|| Failure::failed(format!("this desktop cannot be used: see {}", faults.join(", "))))
}

fn in_words(report: &Report) -> String {
    let line = |check: &check::Check| format!("{:<7} {} – {}", check.outcome.word(), check.name, check.detail);
    report.checks.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// One object, whatever happened.
fn in_json(report: Option<&Report>, failure: Option<&Failure>) -> Value {
    let mut told = failure.map_or_else(|| json!({"ok": true}), output::failure_json);
    if let Some(report) = report {
        told["backend"] = json!(report.backend);
        told["checks"] = json!(report.checks);
    }
    told
}

/// Starts a process that keeps something on the clipboard, and waits until it has it.
pub(super) fn keep_in_background(contents: &ClipboardContents) -> Result<(), String> {
    let packed = check::pack(contents).map_err(|error| error.to_string())?;
    let failed = |error: std::io::Error| format!("no process could be started to keep it: {error}");
    let program = std::env::current_exe().map_err(failed)?;
    let mut command = Command::new(program);
    command.args(["check", "--keep-clipboard"]).current_dir("/");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    // Ctrl-C is for us.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn().map_err(failed)?;
    if take_over(&mut child, packed) {
        return Ok(());
    }
    // It is of no use and may hang.
    let _killed = child.kill().is_ok();
    let _ended = child.wait().is_ok();
    Err("the process that was started to keep it did not".to_owned())
}

/// Gives a process what it is to keep, and tells whether it says in time that it does.
fn take_over(child: &mut Child, packed: Vec<u8>) -> bool {
    let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else { return false };
    let (told, heard) = mpsc::channel();
    // What it is given may not fit into the pipe, and it may never read it.
    let talk = move || {
        let given = input.write_all(&packed).is_ok();
        drop(input);
        let mut line = String::new();
        let said = BufReader::new(output).read_line(&mut line).is_ok();
        // Nobody may listen any more.
        let _heard = told.send(given && said && line.trim_end() == KEPT).is_ok();
    };
    thread::Builder::new().spawn(talk).is_ok() && heard.recv_timeout(TAKING_OVER).unwrap_or(false)
}

/// What that process does: it has standard input on the clipboard until somebody copies something else.
fn keep() -> Result<(), Failure> {
    let mut packed = Vec::new();
    let read = std::io::stdin().lock().take(MAX_KEPT).read_to_end(&mut packed);
    read.map_err(|error| Failure::failed(format!("standard input cannot be read: {error}")))?;
    check::keep_clipboard(&packed, || output::line(KEPT)).map_err(|error| Failure::failed(error.to_string()))
}
