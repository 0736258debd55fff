//! A question on the terminal.
//!
//! It is the controlling terminal that is asked, never standard input, which may be a pipe or a file. What was typed
//! before the question stood there is thrown away. A terminal that another program uses at the moment is left alone: who
//! reads from it in the background is stopped, and with it the host.

use core::time::Duration;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::getpgrp;
use rustix::termios::{QueueSelector, tcflush, tcgetpgrp};

use super::{Limit, Outcome, Question};
use crate::clock::monotonic;
use crate::home::printable;

/// How often a question looks whether it still counts.
const TICK: Duration = Duration::from_millis(50);

/// How long a question stands there before it can be answered.
const TOO_SOON: Duration = Duration::from_millis(300);

/// No answer is longer; a terminal gives at most this much as one line.
const MAX_ANSWER: usize = 4096;

/// Whether a terminal can be asked now.
pub(super) fn is_there(path: &Path) -> bool {
    Terminal::open(path).is_ok_and(|terminal| terminal.is_ours())
}

/// Asks on the terminal of this path.
pub(super) fn ask(path: &Path, question: &Question, limit: &Limit<'_>) -> Outcome {
    let Ok(mut terminal) = Terminal::open(path) else {
        return Outcome::Unavailable("there is no terminal".to_owned());
    };
    let outcome = match terminal.put(question, limit) {
        Ok(outcome) => outcome,
        Err(error) => Outcome::Unavailable(format!("the terminal cannot be used: {error}")),
    };
    let end = match &outcome {
        Outcome::Yes => "opendesk: allowed\n".to_owned(),
        Outcome::No => "opendesk: denied\n".to_owned(),
        // Nobody has ended the line of the question.
        Outcome::Over(why) => format!("\nopendesk: {why}\n"),
        Outcome::Unavailable(_) => return outcome,
    };
    // The answer counts whether this is seen or not.
    let _seen = terminal.write(&end, limit).is_ok();
    outcome
}

/// A terminal that neither reading nor writing waits for.
#[derive(Debug)]
struct Terminal(File);

impl Terminal {
    fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        Ok(Self(File::from(rustix::fs::open(path, flags, Mode::empty())?)))
    }

    /// Whether no other program has the terminal now. Only a controlling terminal can tell.
    fn is_ours(&self) -> bool {
        tcgetpgrp(&self.0).map_or_else(|error| error == Errno::NOTTY, |foreground| foreground == getpgrp())
    }

    fn put(&mut self, question: &Question, limit: &Limit<'_>) -> io::Result<Outcome> {
        if !self.is_ours() {
            return Ok(taken());
        }
        if let Err(why) = self.write(&format!("\n{}\n", question.text()), limit)? {
            return Ok(Outcome::Over(why));
        }
        tcflush(&self.0, QueueSelector::IFlush)?;
        // The rest of what was typed ahead may still be on its way.
        if let Err(why) = self.settle(limit)? {
            return Ok(Outcome::Over(why));
        }
        // A long question has left the screen.
        let (peer, method) = (printable(&question.peer), printable(&question.method));
        if let Err(why) = self.write(&format!("May \"{peer}\" do this ({method})? Type yes or no: "), limit)? {
            return Ok(Outcome::Over(why));
        }
        self.read(limit)
    }

    /// Throws away what comes before anybody can have read the question.
    fn settle(&self, limit: &Limit<'_>) -> io::Result<Result<(), String>> {
        let begun = monotonic();
        while begun.elapsed() < TOO_SOON {
            if let Err(why) = limit.check() {
                return Ok(Err(why));
            }
            pause(TICK.min(limit.left()));
            tcflush(&self.0, QueueSelector::IFlush)?;
        }
        Ok(Ok(()))
    }

    fn read(&mut self, limit: &Limit<'_>) -> io::Result<Outcome> {
        let mut answer = Vec::new();
        loop {
            if let Err(why) = limit.check() {
                return Ok(Outcome::Over(why));
            }
            if !self.is_ready(PollFlags::IN, limit)? {
                continue;
            }
            // It may have changed hands while it was waited for.
            if !self.is_ours() {
                return Ok(taken());
            }
            let mut chunk = [0; 256];
            match self.0.read(&mut chunk) {
                Ok(0) => return Ok(Outcome::No),
                Ok(length) => answer.extend_from_slice(&chunk[..length]),
                Err(error) if is_early(&error) => continue,
                Err(error) => return Err(error),
            }
            if answer.iter().any(|byte| matches!(byte, b'\n' | b'\r')) || answer.len() > MAX_ANSWER {
                return Ok(if is_yes(&answer) { Outcome::Yes } else { Outcome::No });
            }
        }
    }

    /// Writes all of a text, unless the question does not count any more, which the inner error says.
    fn write(&mut self, text: &str, limit: &Limit<'_>) -> io::Result<Result<(), String>> {
        let mut left = text.as_bytes();
        while !left.is_empty() {
            match self.0.write(left) {
                Ok(length) => left = left.get(length..).unwrap_or_default(),
                Err(error) if is_early(&error) => {
                    // A terminal that somebody has halted takes nothing.
                    if let Err(why) = limit.check() {
                        return Ok(Err(why));
                    }
                    self.is_ready(PollFlags::OUT, limit)?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Ok(()))
    }

    /// Waits a moment for the terminal to be ready.
    fn is_ready(&self, for_what: PollFlags, limit: &Limit<'_>) -> io::Result<bool> {
        let longest = Timespec::try_from(TICK.min(limit.left())).unwrap_or_default();
        match rustix::event::poll(&mut [PollFd::new(&self.0, for_what)], Some(&longest)) {
            Ok(ready) => Ok(ready > 0),
            Err(Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a thread of its own waits for a person")]
fn pause(time: Duration) {
    std::thread::sleep(time);
}

fn taken() -> Outcome {
    Outcome::Unavailable("the terminal is used by another program now".to_owned())
}

fn is_early(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// Everything else is a no.
fn is_yes(answer: &[u8]) -> bool {
    let answer = answer.trim_ascii();
    [b"y".as_slice(), b"yes"].iter().any(|yes| answer.eq_ignore_ascii_case(yes))
}

#[cfg(test)]
mod tests;
