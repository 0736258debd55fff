//! A program of ours that runs, such as the one that reads text from pictures: until it ends or its time is over. What it has
//! started itself is not ended with it.

use core::time::Duration;
use std::io::{self, Read, Write as _};
use std::process::{Child, ExitStatus};
use std::thread::{self, JoinHandle};

use crate::api::{CompletedCommand, Error, ErrorCode, Result};
use crate::cancel::Cancel;
use crate::clock::monotonic;

/// What is kept of each stream of output, in bytes.
const MAX_OUTPUT: u64 = 1 << 20;

/// How often a program is looked at.
const TICK: Duration = Duration::from_millis(20);

/// Waits for a child, while `input` goes in and output comes out.
///
/// # Errors
/// `timeout` after `limit` and `cancelled` once the flag is raised, with the child killed; `internal` for what the operating
/// system says.
pub(in crate::os) fn supervise(
    mut child: Child,
    input: &[u8],
    limit: Option<Duration>,
    cancel: &Cancel,
) -> Result<CompletedCommand> {
    let started = monotonic();
    let followed = follow(&mut child, input.to_vec());
    let ended =
        followed.map_err(|error| lost(&error)).and_then(|output| Ok((output, watch(&mut child, limit, cancel)?)));
    match ended {
        Ok(((stdout, stderr), status)) => {
            let returncode = status.code().unwrap_or_default();
            let duration = started.elapsed().as_secs_f64();
            Ok(CompletedCommand { returncode, stdout: finish(stdout), stderr: finish(stderr), duration })
        }
        Err(error) => {
            if let Err(error) = child.kill().and_then(|()| child.wait()) {
                tracing::warn!(%error, pid = child.id(), "a program could not be ended");
            }
            Err(error)
        }
    }
}

type Reading = Option<JoinHandle<Vec<u8>>>;

/// Threads that write to a child what it reads, and read what it writes.
fn follow(child: &mut Child, input: Vec<u8>) -> io::Result<(Reading, Reading)> {
    if let Some(mut pipe) = child.stdin.take() {
        let write = move || {
            if let Err(error) = pipe.write_all(&input) {
                tracing::debug!(%error, "a program does not read all that it was given");
            }
        };
        let _detached = thread::Builder::new().name("opendesk-input".to_owned()).spawn(write)?;
    }
    let (output, errors) = (child.stdout.take(), child.stderr.take());
    Ok((output.map(read).transpose()?, errors.map(read).transpose()?))
}

fn read(pipe: impl Read + Send + 'static) -> io::Result<JoinHandle<Vec<u8>>> {
    thread::Builder::new().name("opendesk-output".to_owned()).spawn(move || {
        let (mut kept, mut pipe) = (Vec::new(), pipe);
        let read = (&mut pipe).take(MAX_OUTPUT).read_to_end(&mut kept);
        // Until the end, so that the program does not wait for a reader.
        let more = read.and_then(|_| io::copy(&mut pipe, &mut io::sink())).unwrap_or_default();
        if more > 0 {
            kept.extend_from_slice(format!("\n[opendesk: {more} bytes more were not kept]\n").as_bytes());
        }
        kept
    })
}

fn watch(child: &mut Child, limit: Option<Duration>, cancel: &Cancel) -> Result<ExitStatus> {
    let started = monotonic();
    loop {
        if let Some(status) = child.try_wait().map_err(|error| lost(&error))? {
            return Ok(status);
        }
        cancel.check()?;
        if limit.is_some_and(|limit| started.elapsed() >= limit) {
            let seconds = limit.unwrap_or_default().as_secs_f64();
            let text =
                format!("the command did not end within {seconds} seconds and was killed; give it a longer timeout");
            return Err(Error::new(ErrorCode::Timeout, text));
        }
        pause();
    }
}

#[expect(clippy::disallowed_methods, reason = "a thread of its own waits for a program")]
fn pause() {
    thread::sleep(TICK);
}

fn finish(reading: Reading) -> Vec<u8> {
    reading.and_then(|reading| reading.join().ok()).unwrap_or_default()
}

fn lost(error: &io::Error) -> Error {
    Error::internal(format!("the command could not be followed and was killed: {error}"))
}
