//! What goes into a running command and what comes out of it, without ever waiting for one of them alone.

use core::time::Duration;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::process::Child;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;

use super::kept::Kept;

/// As much as a pipe usually holds.
pub(super) const CHUNK: usize = 64 << 10;

/// Our ends of the pipes of a command.
#[derive(Debug)]
pub(super) struct Pipes<'a> {
    input: Input<'a>,
    output: Output,
    errors: Output,
}

impl<'a> Pipes<'a> {
    /// Takes the pipes of a child that has them; `input` is written to it as fast as it reads.
    ///
    /// # Errors
    /// What the operating system says.
    pub(super) fn take(child: &mut Child, input: &'a [u8]) -> io::Result<Self> {
        Ok(Self {
            input: Input { pipe: patient(child.stdin.take())?, left: input },
            output: Output::new(patient(child.stdout.take())?),
            errors: Output::new(patient(child.stderr.take())?),
        })
    }

    /// Waits until something can be moved, `also` is ready or `longest` is over, and moves what there is.
    ///
    /// # Errors
    /// What the operating system says of the waiting. Pipes that break are closed.
    pub(super) fn turn(&mut self, longest: Duration, also: Option<&OwnedFd>) -> io::Result<()> {
        self.wait(longest, also)?;
        self.input.feed();
        self.output.drain();
        self.errors.drain();
        Ok(())
    }

    fn wait(&self, longest: Duration, also: Option<&OwnedFd>) -> io::Result<()> {
        let ends = [
            self.input.pipe.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::OUT)),
            self.output.pipe.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN)),
            self.errors.pipe.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN)),
            also.map(|other| PollFd::new(other, PollFlags::IN)),
        ];
        let mut ends: Vec<PollFd<'_>> = ends.into_iter().flatten().collect();
        match rustix::event::poll(&mut ends, Some(&Timespec::try_from(longest).unwrap_or_default())) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes no more.
    pub(super) fn close_input(&mut self) {
        self.input.pipe = None;
    }

    /// Whether something may still come out.
    pub(super) const fn is_open(&self) -> bool {
        self.output.pipe.is_some() || self.errors.pipe.is_some()
    }

    /// Standard output and standard error, as far as they were kept; who still writes to them is told that nobody
    /// reads.
    pub(super) fn finish(self) -> (Vec<u8>, Vec<u8>) {
        (self.output.kept.finish(), self.errors.kept.finish())
    }
}

/// Our end of a pipe as a file that never waits. Only our end: the other one has a state of its own.
pub(super) fn patient<P: Into<OwnedFd>>(pipe: Option<P>) -> io::Result<Option<File>> {
    let Some(pipe) = pipe else { return Ok(None) };
    let pipe: OwnedFd = pipe.into();
    rustix::io::ioctl_fionbio(&pipe, true)?;
    Ok(Some(File::from(pipe)))
}

pub(super) fn is_early(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

#[derive(Debug)]
struct Input<'a> {
    pipe: Option<File>,
    left: &'a [u8],
}

impl Input<'_> {
    fn feed(&mut self) {
        let Some(pipe) = &mut self.pipe else { return };
        match pipe.write(self.left) {
            Ok(written) => self.left = self.left.get(written..).unwrap_or_default(),
            Err(error) if is_early(&error) => return,
            // A command need not read what it is given.
            Err(_) => self.left = &[],
        }
        if self.left.is_empty() {
            self.pipe = None;
        }
    }
}

#[derive(Debug)]
struct Output {
    pipe: Option<File>,
    kept: Kept,
}

impl Output {
    fn new(pipe: Option<File>) -> Self {
        Self { pipe, kept: Kept::default() }
    }

    /// Reads once, so that a command that never stops writing does not keep its host from looking up.
    fn drain(&mut self) {
        let Some(pipe) = &mut self.pipe else { return };
        let mut chunk = vec![0; CHUNK];
        match pipe.read(&mut chunk) {
            Ok(0) => self.pipe = None,
            Ok(length) => {
                chunk.truncate(length);
                self.kept.keep(&chunk);
            }
            Err(error) if is_early(&error) => {}
            Err(_) => self.pipe = None,
        }
    }
}
