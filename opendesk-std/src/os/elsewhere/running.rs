//! A program of ours that runs, such as the one that reads text from pictures: until it ends or its time is over. What it has
//! started itself is not ended with it.

use core::time::Duration;
use std::io::{self, Read, Write as _};
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::api::{CompletedCommand, ErrorCode, Result};
use crate::cancel::Cancel;
use crate::clock::monotonic;
use crate::os::fault::{late, lost};
use crate::os::kept::Kept;
use crate::os::{LINGER, TICK};

/// The exit code of one that was killed.
const KILLED: i32 = 1;

/// What is read of one at a time.
const CHUNK: usize = 64 << 10;

/// Waits for a child, while `input` goes in and output comes out. With `partial` one whose time is over is no error, and
/// gives what came out until then.
///
/// # Errors
/// `timeout` after `limit` and `cancelled` once the flag is raised, with the child killed; `internal` for what the operating
/// system says.
pub(in crate::os) fn supervise(
    mut child: Child,
    input: &[u8],
    limit: Option<Duration>,
    partial: bool,
    cancel: &Cancel,
) -> Result<CompletedCommand> {
    let started = monotonic();
    let output = match follow(&mut child, input.to_vec()) {
        Ok(output) => output,
        Err(error) => {
            kill(&mut child);
            return Err(lost(&error));
        }
    };
    let (returncode, timed_out) = match watch(&mut child, limit, cancel) {
        Ok(status) => (status.code().unwrap_or_default(), false),
        Err(error) => {
            kill(&mut child);
            if !partial || error.code != ErrorCode::Timeout {
                return Err(error);
            }
            (KILLED, true)
        }
    };
    let [stdout, stderr] = finish(&output);
    let duration = started.elapsed().as_secs_f64();
    Ok(CompletedCommand { returncode, stdout, stderr, duration, timed_out })
}

fn kill(child: &mut Child) {
    if let Err(error) = child.kill().and_then(|()| child.wait()) {
        tracing::warn!(%error, pid = child.id(), "a program could not be ended");
    }
}

/// What a stream has said so far.
#[derive(Debug, Default)]
struct Said {
    kept: Kept,
    /// Whether nothing more comes.
    is_over: bool,
}

type Reading = Arc<Mutex<Said>>;

/// Threads that write to a child what it reads, and read what it writes.
fn follow(child: &mut Child, input: Vec<u8>) -> io::Result<[Reading; 2]> {
    if let Some(mut pipe) = child.stdin.take() {
        let write = move || {
            if let Err(error) = pipe.write_all(&input) {
                tracing::debug!(%error, "a program does not read all that it was given");
            }
        };
        let _detached = thread::Builder::new().name("opendesk-input".to_owned()).spawn(write)?;
    }
    Ok([read(child.stdout.take())?, read(child.stderr.take())?])
}

fn read(pipe: Option<impl Read + Send + 'static>) -> io::Result<Reading> {
    let said = Reading::default();
    let Some(mut pipe) = pipe else {
        lock(&said).is_over = true;
        return Ok(said);
    };
    let telling = Arc::clone(&said);
    let follow = move || {
        let mut chunk = vec![0; CHUNK];
        // Until the end, so that the program does not wait for a reader.
        while let Ok(length @ 1..) = pipe.read(&mut chunk) {
            lock(&telling).kept.keep(&chunk[..length]);
        }
        lock(&telling).is_over = true;
    };
    let _detached = thread::Builder::new().name("opendesk-output".to_owned()).spawn(follow)?;
    Ok(said)
}

fn lock(said: &Reading) -> MutexGuard<'_, Said> {
    said.lock().unwrap_or_else(PoisonError::into_inner)
}

fn watch(child: &mut Child, limit: Option<Duration>, cancel: &Cancel) -> Result<ExitStatus> {
    let started = monotonic();
    loop {
        if let Some(status) = child.try_wait().map_err(|error| lost(&error))? {
            return Ok(status);
        }
        cancel.check()?;
        if limit.is_some_and(|limit| started.elapsed() >= limit) {
            return Err(late(limit.unwrap_or_default()));
        }
        pause();
    }
}

#[expect(clippy::disallowed_methods, reason = "a thread of its own waits for a program")]
fn pause() {
    thread::sleep(TICK);
}

/// What a program has said that has ended. What it left running may never close its output.
fn finish(readings: &[Reading; 2]) -> [Vec<u8>; 2] {
    let ended = monotonic();
    while readings.iter().any(|said| !lock(said).is_over) && ended.elapsed() < LINGER {
        pause();
    }
    readings.each_ref().map(|said| core::mem::take(&mut lock(said).kept).finish())
}
