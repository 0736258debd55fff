//! What one link has to send, and in which order: control frames first, then bodies of one chunk, then the larger
//! ones and the items of streams in turn, so that an answer to an input event never waits for more than one chunk of a
//! picture.

use heapless::{Deque, Vec};

use super::{Bodies, BodyId};
use crate::frame::{self, Header, Hello};
use crate::id::{LinkId, RequestId};
use crate::limits::{CALLS, CHUNK_BYTES};
use crate::reason::Reason;

/// Requests or responses that may wait: those of the calls in flight and, besides, refusals of calls beyond them.
const ITEMS: usize = CALLS + 16;

/// Each call in flight may also have one item of a stream on its way.
const PLACES: usize = ITEMS + CALLS;

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
    items: Vec<Item<H>, PLACES>,
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
        self.items.iter().filter(|item| !item.head.is_stream_item()).count() + coming < ITEMS
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

    /// Writes the next frame to the front of `buf` and gives its length.
    pub(crate) fn poll(&mut self, link: LinkId, bodies: &mut impl Bodies, buf: &mut [u8]) -> Option<usize> {
        if let Some((hello, total)) = self.hello.take() {
            return self.with_body(link, bodies, buf, &Header::Hello(hello), BodyId::Greeting, total);
        }
        if let Some(reason) = self.close.take() {
            return frame::encode(&Header::Close { reason }, buf).ok();
        }
        if let Some(token) = self.pong.take() {
            return frame::encode(&Header::Pong { token }, buf).ok();
        }
        if core::mem::take(&mut self.ping) {
            self.token = self.token.wrapping_add(1);
            return frame::encode(&Header::Ping { token: self.token }, buf).ok();
        }
        if let Some(id) = self.next_cancel() {
            return frame::encode(&Header::Cancel { id: id.0 }, buf).ok();
        }
        if let Some((id, credit)) = self.next_window() {
            return frame::encode(&Header::Window { id: id.0, credit }, buf).ok();
        }
        if let Some((topic, total)) = self.pushes.pop_front() {
            return self.with_body(link, bodies, buf, &Header::Push { topic }, BodyId::Push(topic), total);
        }
        self.poll_item(link, bodies, buf)
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
    fn is_unsaid(&self, id: RequestId) -> bool {
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
        first_small.or_else(|| self.items.iter().position(|item| !waits(item)))
    }

    fn with_body(
        &self,
        link: LinkId,
        bodies: &mut impl Bodies,
        buf: &mut [u8],
        header: &Header<'_>,
        body: BodyId,
        total: u32,
    ) -> Option<usize> {
        let head = frame::encode(header, buf).ok()?;
        let end = head + total as usize;
        bodies.copy(link, body, 0, buf.get_mut(head..end)?);
        bodies.done(link, body);
        Some(end)
    }

    fn poll_item(&mut self, link: LinkId, bodies: &mut impl Bodies, buf: &mut [u8]) -> Option<usize> {
        let index = self.next_item()?;
        let mut item = self.items.remove(index);
        let (id, body) = (item.head.id(), item.head.body());
        let header = if item.begun { Header::Chunk { id: id.0 } } else { item.head.header(item.total) };
        let head = frame::encode(&header, buf).ok()?;
        let length = ((item.total - item.sent) as usize).min(CHUNK_BYTES);
        let out = buf.get_mut(head..head + length)?;
        let offset = item.sent as usize;
        match item.head.canned() {
            Some(text) => out.copy_from_slice(text.as_bytes().get(offset..offset + length)?),
            None => bodies.copy(link, body, offset, out),
        }
        item.begun = true;
        item.sent += length as u32;
        if item.sent < item.total {
            // The place that was taken a moment ago is free, and behind the other large bodies it is fair.
            let _never_full = self.items.push(item);
        } else if item.head.canned().is_none() {
            bodies.done(link, body);
            if item.head.is_stream_item() {
                self.item_sent = Some(id);
            }
        }
        Some(head + length)
    }
}
