//! Programs that are read while they run. Each belongs to the session that started it, and ends at the latest with it.
//!
//! ```text
//!   process.start ──▶ started ── process.output ──▶ read ── its end was read ──────────────▶ over
//!                        │                           │                                        ▲
//!                        └───────────────────────────┴── the session or the stream ends, ── ending: it is killed
//!                                                        a stop, rules that forbid it
//! ```

use std::collections::BTreeMap;

use async_channel::Sender;
use opendesk_core::{LinkId, RequestId};

use super::calls::Done;
use super::driver::Server;
use crate::api::{
    Call, Codec, CommandEnd, CommandId, CommandInput, Error, ErrorCode, ProcessOutput, ProcessSignal, ProcessWrite,
    Result, SignalParams, StartParams,
};
use crate::cancel::Cancel;
use crate::desktop::Reply;
use crate::govern::{Subject, Word};
use crate::os::live::Live;
use crate::runtime::Runtime;
use crate::seed;

/// The most commands of a session that have not been read to their end: each has a thread and two buffers.
const MOST_PROGRAMS: usize = 16;

/// Of the bits of a number, those that are zero in the first, so that it is not too long to be read.
const UNUSED_BITS: u32 = 24;

/// A command of this session.
pub(super) type Key = (LinkId, CommandId);

/// A command that its session can still ask for.
#[derive(Debug)]
struct Started {
    live: Live,
    /// What started it.
    call: RequestId,
    asked_for: Call,
    subject: Subject,
    reader: Option<RequestId>,
}

impl Started {
    const fn reads(&self) -> bool {
        matches!(&self.asked_for, Call::ProcessStart(params) if params.stdin)
    }
}

/// The commands of all sessions.
#[derive(Debug)]
pub(super) struct Programs {
    /// The number of the last one. None is given twice, and none that another run of this host has given, so that a
    /// controller that comes back after it was started anew asks for nobody else's.
    last: u64,
    started: BTreeMap<Key, Started>,
    /// Those that are being killed: what the log calls them.
    ending: BTreeMap<Key, (Subject, String)>,
}

impl Programs {
    pub(super) fn new() -> Self {
        let random = seed::operation().unwrap_or_default();
        let last = u64::from_le_bytes(*random.first_chunk().unwrap_or(&[0; 8])) >> UNUSED_BITS;
        Self { last, started: BTreeMap::new(), ending: BTreeMap::new() }
    }

    /// Whether nothing that was started here runs any more.
    pub(super) fn is_idle(&self) -> bool {
        self.started.is_empty() && self.ending.is_empty()
    }

    /// Whether something runs still that this session started.
    pub(super) fn is_at_work(&self, id: LinkId) -> bool {
        self.started.keys().chain(self.ending.keys()).any(|(of, _)| *of == id)
    }

    fn of(&self, id: LinkId, command: CommandId) -> Result<&Started> {
        self.started.get(&(id, command)).ok_or_else(|| unknown(command))
    }

    /// A stream begins to read this command.
    pub(super) fn open(&mut self, id: LinkId, command: CommandId, stream: RequestId) -> Result<()> {
        let started = self.started.get_mut(&(id, command)).ok_or_else(|| unknown(command))?;
        if started.reader.is_some() {
            let text = format!("the output of command {} is being read already", command.0);
            return Err(Error::new(ErrorCode::Busy, text));
        }
        started.reader = Some(stream);
        Ok(())
    }

    /// Has a command tell its stream what it writes, as soon as there is something.
    pub(super) fn ask(&self, (link, command): Key, call: RequestId, codec: Codec, number: u64, done: Sender<Done>) {
        let Some(started) = self.started.get(&(link, command)) else { return };
        started.live.read(Box::new(move |output| {
            let (ended, body) = (output.ended.is_some(), codec.item::<ProcessOutput>(&output, number));
            drop(done.try_send(Done::Output { link, call, body, ended }));
        }));
    }

    /// Kills a command, if it still runs, and forgets it.
    pub(super) fn end(&mut self, id: LinkId, command: CommandId) {
        if let Some(Started { asked_for, subject, .. }) = self.started.remove(&(id, command)) {
            self.ending.insert((id, command), (subject, asked_for.summary()));
        }
    }

    fn end_those(&mut self, which: impl Fn(&Key, &Started) -> bool) {
        let meant: Vec<Key> = self.started.iter().filter(|(key, it)| which(key, it)).map(|(key, _)| *key).collect();
        meant.into_iter().for_each(|(id, command)| self.end(id, command));
    }

    /// Kills all that a session started.
    pub(super) fn end_all(&mut self, id: LinkId) {
        self.end_those(|(of, _), _| *of == id);
    }

    /// Kills what a call started that nobody waits for any more.
    pub(super) fn end_of_call(&mut self, id: LinkId, call: RequestId) {
        self.end_those(|(of, _), started| *of == id && started.call == call);
    }

    fn write(&self, id: LinkId, input: CommandInput, cancel: Cancel, codec: Codec, reply: Reply) {
        let command = input.id;
        match self.of(id, command) {
            Err(error) => reply(Err(error)),
            Ok(started) if !started.reads() => {
                let text = format!("command {} was started without standard input", command.0);
                reply(Err(Error::invalid(text)));
            }
            Ok(started) => {
                let taken = move |taken: Result<_>| reply(taken.and_then(|taken| codec.result::<ProcessWrite>(&taken)));
                started.live.write(input, cancel, Box::new(taken));
            }
        }
    }

    fn signal(&self, id: LinkId, params: SignalParams, codec: Codec, reply: Reply) {
        match self.of(id, params.id) {
            Err(error) => reply(Err(error)),
            Ok(started) => {
                let told = move |told: Result<_>| reply(told.and_then(|told| codec.result::<ProcessSignal>(&told)));
                started.live.signal(params.signal, Box::new(told));
            }
        }
    }
}

impl<R: Runtime> Server<R> {
    /// Has a call carried out that may happen: by the thread of the command that it is about, or by the desk.
    pub(super) fn submit(
        &mut self,
        (id, call): (LinkId, RequestId),
        decoded: Call,
        bytes: usize,
        codec: Codec,
        cancel: Cancel,
    ) {
        let done = self.done.clone();
        let reply = move |result| drop(done.try_send(Done::Call { link: id, call, bytes, result }));
        match decoded {
            Call::ProcessStart(params) => {
                if let Err(error) = self.start_command((id, call), params, codec, cancel, Box::new(reply.clone())) {
                    reply(Err(error));
                }
            }
            Call::ProcessWrite(input) => self.programs.write(id, input, cancel, codec, Box::new(reply)),
            Call::ProcessSignal(params) => self.programs.signal(id, params, codec, Box::new(reply)),
            other => self.desk.submit(other, codec, cancel, Box::new(reply)),
        }
    }

    /// Where this fails, nobody calls `begun`.
    fn start_command(
        &mut self,
        (id, call): (LinkId, RequestId),
        params: StartParams,
        codec: Codec,
        cancel: Cancel,
        begun: Reply,
    ) -> Result<()> {
        let session = self.links.get(&id).and_then(|link| link.session.as_ref());
        let subject = session.ok_or_else(Error::cancelled)?.subject.clone();
        if self.programs.started.keys().filter(|(of, _)| *of == id).count() >= MOST_PROGRAMS {
            let text = format!("{MOST_PROGRAMS} commands of this session run or were not read to their end; end one");
            return Err(Error::new(ErrorCode::LimitExceeded, text));
        }
        self.programs.last += 1;
        let key = (id, CommandId(self.programs.last));
        let done = self.done.clone();
        let gone = move |end| drop(done.try_send(Done::CommandGone { key, end }));
        let asked_for = Call::ProcessStart(params.clone());
        let live = self.desk.start_command(key.1, params, (codec, cancel), begun, Box::new(gone))?;
        self.programs.started.insert(key, Started { live, call, asked_for, subject, reader: None });
        Ok(())
    }

    /// A command has ended, whatever ended it.
    pub(super) fn command_gone(&mut self, key: Key, end: Option<CommandEnd>) {
        let started = self.programs.started.remove(&key);
        let reader = started.as_ref().and_then(|started| started.reader);
        let named = started.map(|Started { subject, asked_for, .. }| (subject, asked_for.summary()));
        if let (Some((subject, summary)), Some(end)) = (named.or_else(|| self.programs.ending.remove(&key)), end) {
            self.govern.command_ended(&subject, &summary, key.1, end);
        }
        if let Some(stream) = reader {
            // Its end would have been read first.
            let why = Error::internal("the command could not be followed and was killed");
            self.break_stream(key.0, stream, &why);
        }
        self.let_in();
    }

    /// The policy, or who the controller is, is another than when its commands began.
    pub(super) fn judge_commands(&mut self, id: LinkId, subject: &Subject) {
        let meant = self.programs.started.iter().filter(|((of, _), _)| *of == id);
        let meant: Vec<_> =
            meant.map(|((_, command), started)| (*command, started.reader, started.asked_for.clone())).collect();
        for (command, reader, asked_for) in meant {
            // What the owner was asked about, or would have been, they have allowed.
            let Word::Refused(refusal) = self.govern.judge(subject, &asked_for, None) else { continue };
            if let Some(stream) = reader {
                self.break_stream(id, stream, &refusal);
            }
            self.programs.end(id, command);
        }
    }
}

fn unknown(command: CommandId) -> Error {
    let text = format!(
        "no command {} of this session runs: it was read to its end, or ended with the session that started it",
        command.0
    );
    Error::new(ErrorCode::NotFound, text)
}
