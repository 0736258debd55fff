//! A command that is read while it runs.
//!
//! A thread of its own keeps it, so that no thread that others need waits for it. Of each stream of output a bounded part
//! is kept until somebody takes it; then nothing more is read, and the command waits on its pipe. Nothing is lost.
//!
//! ```text
//!   Live ── orders, and a bell for them ──▶ thread ── replies ──▶ whoever gave them
//!     dropped: the bell is hung up ───────▶ kills the group
//! ```

use core::mem;
use core::time::Duration;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, ExitStatus};
use std::thread;
use std::time::Instant;

use async_channel::{Receiver, Sender};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group};

use super::command::{self, Variable};
use super::fault::lost;
use super::pipes::{CHUNK, is_early, patient};
use super::running::{code, end_of};
use super::{LINGER, TICK};
use crate::api::{
    CommandEnd, CommandInput, CommandOutput, CommandSignal, Effect, Error, InputTaken, Result, StartParams,
};
use crate::cancel::Cancel;
use crate::clock::monotonic;

/// What is kept of each stream until it is taken, in bytes: some round trips' worth, so that a reader at some distance is
/// not waited for, and little enough for many commands.
pub(crate) const KEPT: usize = 256 << 10;

/// How often is looked whether input that waits is still wanted.
const WANTED: Duration = Duration::from_millis(100);

/// Takes an answer, on the command's thread: it must not block.
pub(crate) type Reply<T> = Box<dyn FnOnce(T) + Send>;

enum Order {
    Read(Reply<CommandOutput>),
    Write(Input),
    Signal(CommandSignal, Reply<Result<Effect>>),
}

/// Something for the command to read.
struct Input {
    data: Vec<u8>,
    written: usize,
    eof: bool,
    cancel: Cancel,
    reply: Reply<Result<InputTaken>>,
}

/// A command with a thread of its own. Dropping it kills the command, if it still runs, and all that it started in its
/// process group.
pub(crate) struct Live {
    orders: Sender<Order>,
    bell: PipeWriter,
}

impl core::fmt::Debug for Live {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Live").finish_non_exhaustive()
    }
}

impl Live {
    /// Starts a command. `begun` is told once whether it could be started, and `gone` once in the end how it ended, if it
    /// had begun: then nothing of it runs any more but what it left in the background when it ended by itself.
    ///
    /// # Errors
    /// `internal` when there is no thread or no pipe for it; `begun` hears the errors of [`command::run_exec`].
    pub(crate) fn start(
        params: StartParams,
        session: &[Variable],
        cancel: Cancel,
        begun: Reply<Result<()>>,
        gone: Reply<Option<CommandEnd>>,
    ) -> Result<Self> {
        let failed = |error: io::Error| Error::internal(format!("nothing can be started for a command: {error}"));
        let (heard, bell) = io::pipe().map_err(failed)?;
        for end in [rustix::io::ioctl_fionbio(&heard, true), rustix::io::ioctl_fionbio(&bell, true)] {
            end.map_err(|error| failed(error.into()))?;
        }
        let (orders, given) = async_channel::unbounded();
        let session = session.to_vec();
        let keep = move || {
            // Before the thread ends in whatever way.
            let mut over = Over { end: None, gone: Some(gone) };
            let started = cancel.check().and_then(|()| command::start(&params, &session));
            match started {
                Err(error) => begun(Err(error)),
                Ok((child, limit)) => match Keeper::new(child, limit, heard, given) {
                    Err(error) => begun(Err(lost(&error))),
                    Ok(mut keeper) => {
                        begun(Ok(()));
                        over.end = keeper.keep();
                    }
                },
            }
        };
        thread::Builder::new().name("opendesk-command".to_owned()).spawn(keep).map_err(failed)?;
        Ok(Self { orders, bell })
    }

    /// Gives what has been written since the last time to `reply`, as soon as there is anything, and in the last answer how
    /// the command ended. Where that has been told, or another one waits, `reply` is dropped.
    pub(crate) fn read(&self, reply: Reply<CommandOutput>) {
        self.give(Order::Read(reply));
    }

    /// Gives the command something to read; `reply` is told when all of it has been taken, or that no more will be.
    pub(crate) fn write(&self, input: CommandInput, cancel: Cancel, reply: Reply<Result<InputTaken>>) {
        let CommandInput { id: _, data, eof } = input;
        self.give(Order::Write(Input { data, written: 0, eof, cancel, reply }));
    }

    /// Sends the process group a signal.
    pub(crate) fn signal(&self, signal: CommandSignal, reply: Reply<Result<Effect>>) {
        self.give(Order::Signal(signal, reply));
    }

    fn give(&self, order: Order) {
        match self.orders.try_send(order) {
            // A bell that is full of rings rings.
            Ok(()) => drop((&self.bell).write(&[0])),
            Err(refused) => refused.into_inner().too_late(),
        }
    }
}

impl Order {
    /// The command has ended.
    fn too_late(self) {
        match self {
            Self::Read(reply) => drop(reply),
            Self::Write(input) => input.over(),
            Self::Signal(_, reply) => reply(Ok(Effect::NoEffect)),
        }
    }
}

impl Input {
    /// Nothing more is taken.
    fn over(self) {
        (self.reply)(Ok(InputTaken { open: false }));
    }
}

/// Tells of the end, whatever that is.
struct Over {
    end: Option<CommandEnd>,
    gone: Option<Reply<Option<CommandEnd>>>,
}

impl Drop for Over {
    fn drop(&mut self) {
        if let Some(gone) = self.gone.take() {
            gone(self.end);
        }
    }
}

/// The child that leads the process group. It is killed with its group unless its end was seen, for until then its number
/// is nobody else's.
struct Leader {
    child: Child,
    started: Instant,
    status: Option<ExitStatus>,
}

impl Leader {
    fn tell(&self, signal: Signal) -> rustix::io::Result<Effect> {
        if self.status.is_some() {
            return Ok(Effect::NoEffect);
        }
        match kill_process_group(Pid::from_child(&self.child), signal) {
            Ok(()) => Ok(Effect::Unverifiable),
            Err(Errno::SRCH) => Ok(Effect::NoEffect),
            Err(error) => Err(error),
        }
    }

    fn kill(&self) {
        if let Err(error) = self.tell(Signal::KILL) {
            tracing::warn!(%error, pid = self.child.id(), "a command could not be killed");
        }
    }

    fn end(&mut self) {
        if self.status.is_none() {
            self.kill();
            // At once, except where the kernel or the rights of another user keep it. Nobody else waits for this thread.
            self.status = self.child.wait().ok();
        }
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        self.end();
    }
}

/// Our end of a stream of output, and what came out of it and was not taken yet.
#[derive(Debug)]
struct Tap {
    pipe: Option<File>,
    kept: Vec<u8>,
    /// Bytes that were in the pipe when the command ended: they are its own.
    owed: u64,
}

impl Tap {
    const fn new(pipe: Option<File>) -> Self {
        Self { pipe, kept: Vec::new(), owed: 0 }
    }

    const fn room(&self) -> usize {
        KEPT.saturating_sub(self.kept.len())
    }

    /// The pipe, if there is room for what comes out of it.
    fn thirsty(&self) -> Option<&File> {
        self.pipe.as_ref().filter(|_| self.room() > 0)
    }

    /// Reads once, so that one that never stops writing does not keep the thread from its orders.
    fn drain(&mut self, scratch: &mut [u8]) {
        let room = self.room().min(scratch.len());
        let (Some(pipe), Some(part)) = (&mut self.pipe, scratch.get_mut(..room).filter(|part| !part.is_empty())) else {
            return;
        };
        match pipe.read(part) {
            Ok(0) => self.close(),
            Ok(length) => {
                self.kept.extend_from_slice(part.get(..length).unwrap_or_default());
                self.owed = self.owed.saturating_sub(length as u64);
            }
            Err(error) if is_early(&error) => {}
            Err(_) => self.close(),
        }
    }

    fn close(&mut self) {
        self.pipe = None;
        self.owed = 0;
    }

    fn has_ended(&mut self) {
        self.owed = self.pipe.as_ref().and_then(|pipe| rustix::io::ioctl_fionread(pipe).ok()).unwrap_or_default();
    }
}

/// What the thread has.
struct Keeper {
    leader: Leader,
    limit: Option<Duration>,
    bell: PipeReader,
    orders: Receiver<Order>,
    exit: Option<OwnedFd>,
    stdin: Option<File>,
    inputs: VecDeque<Input>,
    stdout: Tap,
    stderr: Tap,
    scratch: Vec<u8>,
    reader: Option<Reply<CommandOutput>>,
    timed_out: bool,
    /// How it ended, and when that was seen.
    ended: Option<(CommandEnd, Instant)>,
    /// Whether all that it wrote has been read from its pipes.
    drained: bool,
}

impl Keeper {
    fn new(mut child: Child, limit: Option<Duration>, bell: PipeReader, orders: Receiver<Order>) -> io::Result<Self> {
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let leader = Leader { child, started: monotonic(), status: None };
        Ok(Self {
            exit: end_of(&leader.child),
            stdin: patient(stdin)?,
            stdout: Tap::new(patient(stdout)?),
            stderr: Tap::new(patient(stderr)?),
            leader,
            limit,
            bell,
            orders,
            inputs: VecDeque::new(),
            scratch: vec![0; CHUNK],
            reader: None,
            timed_out: false,
            ended: None,
            drained: false,
        })
    }

    /// Keeps the command until its end was told or nobody wants it any more, and gives how it ended.
    fn keep(&mut self) -> Option<CommandEnd> {
        while !self.hand_over() {
            match self.wait() {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    tracing::warn!(%error, pid = self.leader.child.id(), "a command could not be followed and is killed");
                    break;
                }
            }
            self.take_orders();
            self.feed();
            self.stdout.drain(&mut self.scratch);
            self.stderr.drain(&mut self.scratch);
            self.look();
        }
        self.leader.end();
        self.note_end();
        self.orders.close();
        while let Ok(order) = self.orders.try_recv() {
            order.too_late();
        }
        self.ended.map(|(end, _)| end)
    }

    /// Waits until there is something to do. False when nobody wants the command any more.
    fn wait(&mut self) -> io::Result<bool> {
        let wants_input = self.inputs.front().and(self.stdin.as_ref());
        let ends = [
            Some(PollFd::new(&self.bell, PollFlags::IN)),
            self.exit.as_ref().filter(|_| self.ended.is_none()).map(|exit| PollFd::new(exit, PollFlags::IN)),
            wants_input.map(|pipe| PollFd::new(pipe, PollFlags::OUT)),
            self.stdout.thirsty().map(|pipe| PollFd::new(pipe, PollFlags::IN)),
            self.stderr.thirsty().map(|pipe| PollFd::new(pipe, PollFlags::IN)),
        ];
        let mut ends: Vec<PollFd<'_>> = ends.into_iter().flatten().collect();
        let longest = self.longest().map(|longest| Timespec::try_from(longest).unwrap_or_default());
        match rustix::event::poll(&mut ends, longest.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        match self.bell.read(&mut [0; 64]) {
            Ok(0) => Ok(false),
            Err(error) if !is_early(&error) => Err(error),
            Ok(_) | Err(_) => Ok(true),
        }
    }

    /// How long may be waited when nothing happens.
    fn longest(&self) -> Option<Duration> {
        let input = (!self.inputs.is_empty()).then_some(WANTED);
        let own = match self.ended {
            None => {
                let left = self.limit.filter(|_| !self.timed_out);
                let left = left.map(|limit| limit.saturating_sub(self.leader.started.elapsed()));
                left.into_iter().chain(self.exit.is_none().then_some(TICK)).min()
            }
            // What is owed is waited for as long as it takes.
            Some((_, at)) if !self.drained => Some(LINGER.saturating_sub(at.elapsed())).filter(|left| !left.is_zero()),
            Some(_) => None,
        };
        input.into_iter().chain(own).min()
    }

    fn take_orders(&mut self) {
        while let Ok(order) = self.orders.try_recv() {
            match order {
                Order::Read(reply) => self.reader = self.reader.take().or(Some(reply)),
                Order::Write(input) if self.stdin.is_none() => input.over(),
                Order::Write(input) => self.inputs.push_back(input),
                Order::Signal(signal, reply) => {
                    let signal = match signal {
                        CommandSignal::Interrupt => Signal::INT,
                        CommandSignal::Terminate => Signal::TERM,
                        CommandSignal::Kill => Signal::KILL,
                    };
                    let told = self.leader.tell(signal);
                    reply(told.map_err(|error| Error::internal(format!("the command could not be told: {error}"))));
                }
            }
        }
    }

    /// Writes what it takes at the moment.
    fn feed(&mut self) {
        while let Some(mut input) = self.inputs.pop_front() {
            let Some(pipe) = &mut self.stdin else {
                input.over();
                continue;
            };
            if input.cancel.is_cancelled() {
                (input.reply)(Err(Error::cancelled()));
                continue;
            }
            let left = input.data.get(input.written..).unwrap_or_default();
            if !left.is_empty() {
                match pipe.write(left) {
                    Ok(written) => input.written += written,
                    Err(error) if is_early(&error) => return self.inputs.push_front(input),
                    // A command need not read what it is given.
                    Err(_) => {
                        self.stdin = None;
                        input.over();
                        continue;
                    }
                }
            }
            if input.written < input.data.len() {
                self.inputs.push_front(input);
                continue;
            }
            if input.eof {
                self.stdin = None;
            }
            (input.reply)(Ok(InputTaken { open: !input.eof }));
        }
    }

    /// Looks whether it has ended, or has to.
    fn look(&mut self) {
        if self.ended.is_none() {
            if let Ok(Some(status)) = self.leader.child.try_wait() {
                self.leader.status = Some(status);
                self.note_end();
            } else if !self.timed_out && self.limit.is_some_and(|limit| self.leader.started.elapsed() >= limit) {
                self.timed_out = true;
                self.leader.kill();
            }
        }
        let Some((_, at)) = self.ended else { return };
        let is_silent = self.stdout.pipe.is_none() && self.stderr.pipe.is_none();
        let is_paid = self.stdout.owed == 0 && self.stderr.owed == 0 && at.elapsed() >= LINGER;
        if is_silent || is_paid {
            // Whoever was left in the background and writes on is told that nobody reads.
            self.stdout.close();
            self.stderr.close();
            self.drained = true;
        }
    }

    fn note_end(&mut self) {
        let (Some(status), None) = (self.leader.status, &self.ended) else { return };
        let duration = self.leader.started.elapsed().as_secs_f64();
        self.ended = Some((CommandEnd { returncode: code(status), timed_out: self.timed_out, duration }, monotonic()));
        self.stdin = None;
        mem::take(&mut self.inputs).into_iter().for_each(Input::over);
        self.stdout.has_ended();
        self.stderr.has_ended();
    }

    /// Gives the reader what there is. True when that was the last.
    fn hand_over(&mut self) -> bool {
        let end = self.ended.filter(|_| self.drained).map(|(end, _)| end);
        if self.stdout.kept.is_empty() && self.stderr.kept.is_empty() && end.is_none() {
            return false;
        }
        let Some(reader) = self.reader.take() else { return false };
        let (stdout, stderr) = (mem::take(&mut self.stdout.kept), mem::take(&mut self.stderr.kept));
        reader(CommandOutput { stdout, stderr, ended: end });
        end.is_some()
    }
}

#[cfg(test)]
mod tests;
