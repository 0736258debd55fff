//! What one link has to send, and in which order: control frames first, then bodies of one chunk, so that an answer to
//! an input event never waits for more than one chunk of a picture. Of the larger ones and the items of streams the one
//! with the least left comes next, so that each is complete as early as it can be, and every other time the one that came
//! first, so that none waits for ever.

use heapless::{Deque, Vec};

use super::{Bodies, BodyId};
use crate::dialect::Dialect;
use crate::frame::{Header, Hello};
use crate::id::{LinkId, RequestId};
use crate::limits::{ANSWERS, CALLS, CHUNK_BYTES};
use crate::reason::Reason;

/// Each call in flight may also have one item of a stream on its way.
const PLACES: usize = ANSWERS + CALLS;

/// The head of a message with a body: a request, a response or an item of a stream.
pub(crate) trait Head {
    fn id(&self) -> RequestId;
    fn header(&self, total: u32) -> Header<'_>;
    /// The name of its body.
    fn body(&self) -> BodyId {
        BodyId::Call(self.id())
    }
    /// Whether a response of the same request is still to follow.
    fn is_stream_item(&self) -> bool {
        false
    }
    /// Whether the other side takes it for a mistake when a later one begins before it.
    fn begins_in_order(&self) -> bool {
        false
    }
    /// A body that is part of the program, instead of one to be asked for.
    fn canned(&self) -> Option<&'static str> {
        None
    }
}

#[derive(Debug)]
pub(crate) struct Item<H> {
    head: H,
    total: u32,
    sent: u32,
    begun: bool,
}

impl<H> Item<H> {
    pub(crate) const fn new(head: H, total: u32) -> Self {
        Self { head, total, sent: 0, begun: false }
    }

    const fn is_small(&self) -> bool {
        self.total as usize <= CHUNK_BYTES
    }

    /// Bytes of the body that are still to be sent.
    const fn left(&self) -> u32 {
        self.total - self.sent
    }
}

#[derive(Debug)]
pub(crate) struct Outbox<H> {
    hello: Option<(Hello, u32)>,
    close: Option<Reason>,
    pong: Option<u32>,
    ping: bool,
    token: u32,
    cancels: Deque<RequestId, CALLS>,
    windows: Vec<(RequestId, u32), CALLS>,
    pushes: Deque<(u16, u32), 8>,
    /// In the order in which they came.
    items: Vec<Item<H>, PLACES>,
    /// Whether of the large ones the first one is next, and not the one with the least left.
    is_turn_of_first: bool,
    /// The stream whose item the last frame has completed.
    item_sent: Option<RequestId>,
}

impl<H: Head> Outbox<H> {
    pub(crate) const fn new() -> Self {
        Self {
            hello: None,
            close: None,
            pong: None,
            ping: false,
            token: 0,
            cancels: Deque::new(),
            windows: Vec::new(),
            pushes: Deque::new(),
            items: Vec::new(),
            is_turn_of_first: false,
            item_sent: None,
        }
    }

    pub(crate) const fn hello(&mut self, hello: Hello, total: u32) {
        self.hello = Some((hello, total));
    }

    pub(crate) const fn pong(&mut self, token: u32) {
        self.pong = Some(token);
    }

    pub(crate) const fn ping(&mut self) {
        self.ping = true;
    }

    /// Says goodbye: nothing else is sent any more.
    pub(crate) fn close(&mut self, reason: Reason) {
        *self = Self { close: Some(reason), ..Self::new() };
    }

    /// At most one cancel per call in flight is waiting, so there is room.
    pub(crate) fn cancel(&mut self, id: RequestId) {
        let _full = self.cancels.push_back(id);
    }

    pub(crate) fn push(&mut self, topic: u16, total: u32) -> bool {
        self.pushes.push_back((topic, total)).is_ok()
    }

    /// Grants a stream that many more bytes; what has not been told yet is told together.
    pub(crate) fn window(&mut self, id: RequestId, credit: u32) {
        if let Some((_, waiting)) = self.windows.iter_mut().find(|(of, _)| *of == id) {
            *waiting += credit;
        } else {
            // At most one for each call in flight.
            let _full = self.windows.push((id, credit));
        }
    }

    /// Whether another request or response fits when this many are still to come.
    pub(crate) fn has_room_beside(&self, coming: usize) -> bool {
        self.items.iter().filter(|item| !item.head.is_stream_item()).count() + coming < ANSWERS
    }

    /// Whether an item of this stream is still to be sent.
    pub(crate) fn has_stream_item(&self, id: RequestId) -> bool {
        self.items.iter().any(|item| item.head.id() == id && item.head.is_stream_item())
    }

    /// The stream whose item has just been sent to its end, once.
    pub(crate) const fn take_item_sent(&mut self) -> Option<RequestId> {
        self.item_sent.take()
    }

    /// Bytes of the bodies over one chunk that wait, items of streams apart.
    pub(crate) fn large_bytes(&self) -> usize {
        let large = self.items.iter().filter(|item| !item.is_small() && !item.head.is_stream_item());
        large.map(|item| item.total as usize).sum()
    }

    pub(crate) fn add(&mut self, item: Item<H>) -> bool {
        self.items.push(item).is_ok()
    }

    /// Sends no more of what is not wanted any more.
    pub(crate) fn withdraw(&mut self, id: RequestId) {
        self.items.retain(|item| item.head.id() != id);
        self.windows.retain(|(of, _)| *of != id);
        for _ in 0..self.cancels.len() {
            if let Some(cancel) = self.cancels.pop_front().filter(|cancel| *cancel != id) {
                let _never_full = self.cancels.push_back(cancel);
            }
        }
    }

    /// How large a buffer [`Outbox::poll`] needs.
    pub(crate) fn next_bytes(&self, dialect: &Dialect) -> usize {
        let next = self.next_item().and_then(|index| self.items.get(index));
        dialect.message_bytes(next.map_or(0, |item| item.left() as usize))
    }

    /// Writes the next frame to the front of `buf` and gives its length.
    pub(crate) fn poll(
        &mut self,
        dialect: &mut Dialect,
        link: LinkId,
        bodies: &mut impl Bodies,
        buf: &mut [u8],
    ) -> Option<usize> {
        if buf.len() < self.next_bytes(dialect) {
            return None;
        }
        while let Some((header, body)) = self.next_control() {
            let (id, total) = body.unwrap_or((BodyId::Greeting, 0));
            let layout = dialect.encode(&header, total, false, buf).ok()?;
            let written = match layout {
                None => None,
                Some(layout) => {
                    let end = layout.head + total as usize;
                    if body.is_some() {
                        bodies.copy(link, id, 0, buf.get_mut(layout.head..end)?);
                    }
                    Some(finish(buf, end, layout.tail)?)
                }
            };
            if body.is_some() {
                bodies.done(link, id);
            }
            // What the dialect does not say is as good as said.
            if written.is_some() {
                return written;
            }
        }
        self.poll_item(dialect, link, bodies, buf)
    }

    /// The next frame that is no request, response or item, and its body.
    fn next_control(&mut self) -> Option<(Header<'static>, Option<(BodyId, u32)>)> {
        if let Some((hello, total)) = self.hello.take() {
            return Some((Header::Hello(hello), Some((BodyId::Greeting, total))));
        }
        if let Some(reason) = self.close.take() {
            return Some((Header::Close { reason }, None));
        }
        if let Some(token) = self.pong.take() {
            return Some((Header::Pong { token }, None));
        }
        if core::mem::take(&mut self.ping) {
            self.token = self.token.wrapping_add(1);
            return Some((Header::Ping { token: self.token }, None));
        }
        if let Some(id) = self.next_cancel() {
            return Some((Header::Cancel { id: id.0 }, None));
        }
        if let Some((id, credit)) = self.next_window() {
            return Some((Header::Window { id: id.0, credit }, None));
        }
        let (topic, total) = self.pushes.pop_front()?;
        Some((Header::Push { topic }, Some((BodyId::Push(topic), total))))
    }

    /// A cancel follows its request: one that came first would mean nothing to the host.
    fn next_cancel(&mut self) -> Option<RequestId> {
        for _ in 0..self.cancels.len() {
            let id = self.cancels.pop_front()?;
            if !self.is_unsaid(id) {
                return Some(id);
            }
            let _never_full = self.cancels.push_back(id);
        }
        None
    }

    /// Credit follows its request for the same reason.
    fn next_window(&mut self) -> Option<(RequestId, u32)> {
        let index = self.windows.iter().position(|(id, _)| !self.is_unsaid(*id))?;
        Some(self.windows.swap_remove(index))
    }

    /// Whether the other side has yet to hear of this request.
    pub(crate) fn is_unsaid(&self, id: RequestId) -> bool {
        self.items.iter().any(|item| item.head.id() == id && !item.begun)
    }

    /// The place of what is sent next. A response waits for the item of its stream that is on its way.
    fn next_item(&self) -> Option<usize> {
        let due = |item: &Item<H>| item.head.begins_in_order() && !item.begun;
        if let Some(first) = self.items.iter().position(due) {
            return Some(first);
        }
        let waits = |item: &Item<H>| !item.head.is_stream_item() && self.has_stream_item(item.head.id());
        let small = |item: &Item<H>| item.is_small() && !item.head.is_stream_item() && !waits(item);
        let first_small = self.items.iter().position(small);
        first_small.or_else(|| {
            let mut large = self.items.iter().enumerate().filter(|(_, item)| !waits(item));
            let next = if self.is_turn_of_first { large.next() } else { large.min_by_key(|(_, item)| item.left()) };
            next.map(|(index, _)| index)
        })
    }

    fn poll_item(
        &mut self,
        dialect: &mut Dialect,
        link: LinkId,
        bodies: &mut impl Bodies,
        buf: &mut [u8],
    ) -> Option<usize> {
        let index = self.next_item()?;
        let item = self.items.get_mut(index)?;
        let (id, body) = (item.head.id(), item.head.body());
        let header = if item.begun { Header::Chunk { id: id.0 } } else { item.head.header(item.total) };
        let Ok(Some(layout)) = dialect.encode(&header, item.total, item.head.canned().is_some(), buf) else {
            debug_assert!(false, "every dialect says requests, items and responses");
            self.items.remove(index);
            bodies.done(link, body);
            return None;
        };
        let length = (item.left() as usize).min(dialect.chunk_bytes());
        let out = buf.get_mut(layout.head..layout.head + length)?;
        let offset = item.sent as usize;
        match item.head.canned() {
            Some(text) => out.copy_from_slice(text.as_bytes().get(offset..offset + length)?),
            None => bodies.copy(link, body, offset, out),
        }
        item.begun = true;
        item.sent += length as u32;
        if !item.is_small() || item.head.is_stream_item() {
            self.is_turn_of_first = !self.is_turn_of_first;
        }
        if item.left() == 0 {
            let item = self.items.remove(index);
            if item.head.canned().is_none() {
                bodies.done(link, body);
                if item.head.is_stream_item() {
                    self.item_sent = Some(id);
                }
            }
        }
        finish(buf, layout.head + length, layout.tail)
    }
}

/// Puts what follows a body behind it, and gives the end of the frame.
fn finish(buf: &mut [u8], end: usize, tail: &[u8]) -> Option<usize> {
    buf.get_mut(end..end + tail.len())?.copy_from_slice(tail);
    Some(end + tail.len())
}
