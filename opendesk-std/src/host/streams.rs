//! Streams: methods that answer with many items, each sent when the controller has granted credit for it.
//!
//! A stream of pictures has nothing to catch up: it looks when there is credit, so that a controller that is slow gets
//! fewer pictures, each as new as when it was asked for, and holds up nothing but itself. One of the output of a command
//! leaves nothing out: while there is no credit the command waits.

use core::time::Duration;
use std::time::Instant;

use opendesk_core::{BodyId, LinkId, RequestId, limits};

use super::calls::{Done, MOST_CALLS};
use super::driver::Server;
use crate::api::{Call, CommandId, Error, ErrorCode, Result, SubscribeParams};
use crate::cancel::Cancel;
use crate::desktop::{Glimpse, Watch};
use crate::runtime::Runtime;

/// The most streams of a session: each keeps a whole picture.
const MOST_STREAMS: usize = 4;

/// How long a stream sleeps at most: what is not drawn, such as a screen that is switched off, wakes nobody.
const DROWSE: Duration = Duration::from_secs(2);

/// One stream of a session.
#[derive(Debug)]
pub(super) struct Stream {
    /// What the controller asked for.
    asked_for: Call,
    summary: String,
    method: &'static str,
    cancel: Cancel,
    source: Source,
    items: u64,
    bytes: u64,
}

/// Where the items of a stream come from.
#[derive(Debug)]
enum Source {
    Pictures(Box<Pictures>),
    Command {
        id: CommandId,
        /// Whether it was asked for what it writes and has not answered.
        asked: bool,
    },
}

#[derive(Debug)]
struct Pictures {
    /// Absent while it looks.
    watch: Option<Watch>,
    /// When it may look next.
    due: Instant,
    /// Whether the desktop says when there may be something to see.
    asleep: bool,
    /// Whether it said so before the watch that fell asleep was back.
    woken: bool,
}

impl Stream {
    pub(super) fn stop(&self) {
        self.cancel.cancel();
    }

    fn pictures(&mut self) -> Option<&mut Pictures> {
        match &mut self.source {
            Source::Pictures(pictures) => Some(pictures),
            Source::Command { .. } => None,
        }
    }

    /// What the controller asked for.
    pub(super) const fn asked_for(&self) -> &Call {
        &self.asked_for
    }

    /// What the log is told in the end: method, summary, items, bytes.
    pub(super) fn account(&self) -> (&'static str, &str, u64, u64) {
        (self.method, &self.summary, self.items, self.bytes)
    }
}

impl<R: Runtime> Server<R> {
    /// The owner's policy has let it pass.
    pub(super) fn begin_stream(&mut self, id: LinkId, call: RequestId, asked_for: Call) {
        let (method, summary) = (asked_for.method(), asked_for.summary());
        let source = self.source(id, call, &asked_for);
        let Some(link) = self.links.get_mut(&id) else { return };
        let Some(session) = &link.session else { return };
        match source {
            Err(error) => {
                self.govern.after(&session.subject, method, &summary, &Err(error.clone()));
                self.answer(id, call, method, Err(error));
            }
            Ok(source) => {
                self.govern.stream_started(&session.subject, method, &summary);
                let cancel = session.ended.0.child();
                let stream = Stream { asked_for, summary, method, cancel, source, items: 0, bytes: 0 };
                link.streams.insert(call, stream);
            }
        }
    }

    fn source(&mut self, id: LinkId, call: RequestId, asked_for: &Call) -> Result<Source> {
        match asked_for {
            Call::ProcessOutput(params) => {
                self.programs.open(id, params.id, call)?;
                Ok(Source::Command { id: params.id, asked: false })
            }
            Call::DisplaySubscribe(params) => self.pictures(id, params.clone()),
            other => Err(Error::internal(format!("{} was taken for a stream", other.method()))),
        }
    }

    fn pictures(&mut self, id: LinkId, params: SubscribeParams) -> Result<Source> {
        let streams = self.links.get_mut(&id).map(|link| &mut link.streams);
        let open = streams.map_or(0, |streams| streams.values_mut().filter_map(Stream::pictures).count());
        if open >= MOST_STREAMS {
            let message = format!("{MOST_STREAMS} streams of pictures are open already; end one");
            return Err(Error::new(ErrorCode::LimitExceeded, message));
        }
        let watch = Some(Watch::new(params)?);
        let due = self.runtime.now();
        Ok(Source::Pictures(Box::new(Pictures { watch, due, asleep: false, woken: false })))
    }

    /// Has every stream look that may send and whose time has come. Gives the next such time.
    pub(super) fn advance_streams(&mut self) -> Option<Instant> {
        // Nobody else has streams (I2).
        let (id, ..) = self.host.controller()?;
        let now = self.runtime.now();
        let mut next: Option<Instant> = None;
        let link = self.links.get_mut(&id)?;
        let codec = link.codec;
        for (call, stream) in &mut link.streams {
            if !self.host.is_stream_ready(id, *call) {
                continue;
            }
            let pictures = match &mut stream.source {
                Source::Command { asked: true, .. } => continue,
                Source::Command { id: command, asked } => {
                    *asked = true;
                    self.programs.ask((id, *command), *call, codec, stream.items, self.done.clone());
                    continue;
                }
                Source::Pictures(pictures) if pictures.watch.is_none() => continue,
                Source::Pictures(pictures) => pictures,
            };
            let due = if pictures.asleep { pictures.due + DROWSE } else { pictures.due };
            if due > now {
                next = Some(next.map_or(due, |at| at.min(due)));
                continue;
            }
            // A desk that is busy with others reports soon, and then this is asked again.
            if self.submitted.0 >= MOST_CALLS {
                continue;
            }
            let Some(watch) = pictures.watch.take() else { continue };
            pictures.asleep = false;
            pictures.due = now + watch.interval();
            self.submitted.0 += 1;
            let (call, done) = (*call, self.done.clone());
            let reply = move |watch, seen| drop(done.try_send(Done::Seen { link: id, call, watch, seen }));
            let woken = self.done.clone();
            let wake = move || drop(woken.try_send(Done::Changed { link: id, call }));
            let cancel = stream.cancel.clone();
            self.desk.watch(watch, codec, stream.items, cancel, Box::new(wake), Box::new(reply));
        }
        next
    }

    /// A stream has looked.
    pub(super) fn seen(&mut self, id: LinkId, call: RequestId, watch: Watch, seen: Result<Glimpse>) {
        self.submitted.0 = self.submitted.0.saturating_sub(1);
        let Some(link) = self.links.get_mut(&id) else { return };
        let Some(pictures) = link.streams.get_mut(&call).and_then(Stream::pictures) else { return };
        pictures.watch = Some(watch);
        let sent = match seen {
            Ok(Glimpse::New(body)) => self.send(id, call, body),
            Ok(Glimpse::Same) => Ok(()),
            Ok(Glimpse::Asleep) => {
                // Woken already, if something has changed since it fell asleep.
                pictures.asleep = !core::mem::take(&mut pictures.woken);
                Ok(())
            }
            Err(error) => Err(error),
        };
        if let Err(error) = sent {
            self.break_stream(id, call, &error);
        }
        self.restless = true;
    }

    /// Sends an item of a stream that has credit.
    fn send(&mut self, id: LinkId, call: RequestId, body: Vec<u8>) -> Result<()> {
        let Some(link) = self.links.get_mut(&id) else { return Ok(()) };
        let Some(stream) = link.streams.get_mut(&call) else { return Ok(()) };
        let total = body.len();
        if total > limits::BODY_BYTES {
            return Err(Error::new(
                ErrorCode::LimitExceeded,
                "a picture of the stream has more than 16 MiB; ask for a smaller profile, jpeg or a region",
            ));
        }
        self.host.send_item(id, call, total).map_err(|misuse| Error::internal(misuse.to_string()))?;
        link.bodies.insert(BodyId::Item(call), body);
        stream.items += 1;
        stream.bytes += total as u64;
        Ok(())
    }

    /// A command has written something, and ended where this was the last of it.
    pub(super) fn written(&mut self, id: LinkId, call: RequestId, body: Result<Vec<u8>>, ended: bool) {
        let Some(stream) = self.links.get_mut(&id).and_then(|link| link.streams.get_mut(&call)) else { return };
        let method = stream.method;
        if let Source::Command { asked, .. } = &mut stream.source {
            *asked = false;
        }
        match body.and_then(|body| self.send(id, call, body)) {
            Err(error) => self.break_stream(id, call, &error),
            Ok(()) if ended => {
                self.end_stream(id, call, None);
                self.answer(id, call, method, Ok(Vec::new()));
            }
            Ok(()) => {}
        }
        self.restless = true;
    }

    /// Ends a stream before its controller does, and says why.
    pub(super) fn break_stream(&mut self, id: LinkId, call: RequestId, why: &Error) {
        let stream = self.links.get(&id).and_then(|link| link.streams.get(&call));
        let Some(method) = stream.map(|stream| stream.method) else { return };
        self.end_stream(id, call, Some(why));
        self.answer(id, call, method, Err(why.clone()));
    }

    /// There may be something to see for a stream that fell asleep.
    pub(super) fn changed(&mut self, id: LinkId, call: RequestId) {
        let stream = self.links.get_mut(&id).and_then(|link| link.streams.get_mut(&call));
        let Some(pictures) = stream.and_then(Stream::pictures) else { return };
        // One that is looking is about to fall asleep, or has found the change itself.
        pictures.woken = pictures.watch.is_none();
        pictures.asleep = false;
        self.restless = true;
    }

    /// Forgets a stream and logs what it sent, and why it ended if not all was sent. What is on its way still goes: the
    /// protocol counts on it. A command that nobody reads any more ends.
    pub(super) fn end_stream(&mut self, id: LinkId, call: RequestId, why: Option<&Error>) -> bool {
        let Some(link) = self.links.get_mut(&id) else { return false };
        let (Some(stream), Some(session)) = (link.streams.remove(&call), &link.session) else { return false };
        stream.stop();
        if let Source::Command { id: command, .. } = stream.source {
            self.programs.end(id, command);
        }
        self.govern.stream_ended(&session.subject, stream.account(), why);
        true
    }
}
