//! What one link has to send, and in which order: control frames first, then bodies of one chunk, then the larger
//! ones in turn, so that an answer to an input event never waits for more than one chunk of a picture.

use heapless::{Deque, Vec};

use super::{Bodies, BodyId};
use crate::frame::{self, Header, Hello};
use crate::id::{LinkId, RequestId};
use crate::limits::{CALLS, CHUNK_BYTES};
use crate::reason::Reason;

/// Calls that may be in flight and, besides, refusals of calls beyond them.
const ITEMS: usize = CALLS + 16;

/// The head of a message with a body: a request or a response.
pub(crate) trait Head {
    fn id(&self) -> RequestId;
    fn header(&self, total: u32) -> Header<'_>;
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
    pushes: Deque<(u16, u32), 8>,
    items: Vec<Item<H>, ITEMS>,
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
            pushes: Deque::new(),
            items: Vec::new(),
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

    /// Whether another item fits.
    pub(crate) fn has_room(&self) -> bool {
        !self.items.is_full()
    }

    /// Whether another item fits when this many are still to come.
    pub(crate) fn has_room_beside(&self, coming: usize) -> bool {
        self.items.len() + coming < ITEMS
    }

    pub(crate) fn add(&mut self, item: Item<H>) -> bool {
        self.items.push(item).is_ok()
    }

    /// Sends no more of a message that is not wanted any more.
    pub(crate) fn withdraw(&mut self, id: RequestId) {
        self.items.retain(|item| item.head.id() != id);
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
        if let Some((topic, total)) = self.pushes.pop_front() {
            return self.with_body(link, bodies, buf, &Header::Push { topic }, BodyId::Push(topic), total);
        }
        self.poll_item(link, bodies, buf)
    }

    /// A cancel follows its request: one that came first would mean nothing to the host.
    fn next_cancel(&mut self) -> Option<RequestId> {
        for _ in 0..self.cancels.len() {
            let id = self.cancels.pop_front()?;
            if !self.items.iter().any(|item| item.head.id() == id && !item.begun) {
                return Some(id);
            }
            let _never_full = self.cancels.push_back(id);
        }
        None
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
        let small = self.items.iter().position(Item::is_small);
        let index = small.or(if self.items.is_empty() { None } else { Some(0) })?;
        let mut item = self.items.remove(index);
        let id = item.head.id();
        let header = if item.begun { Header::Chunk { id: id.0 } } else { item.head.header(item.total) };
        let head = frame::encode(&header, buf).ok()?;
        let length = ((item.total - item.sent) as usize).min(CHUNK_BYTES);
        let out = buf.get_mut(head..head + length)?;
        let offset = item.sent as usize;
        match item.head.canned() {
            Some(text) => out.copy_from_slice(text.as_bytes().get(offset..offset + length)?),
            None => bodies.copy(link, BodyId::Call(id), offset, out),
        }
        item.begun = true;
        item.sent += length as u32;
        if item.sent < item.total {
            // The place that was taken a moment ago is free, and behind the other large bodies it is fair.
            let _never_full = self.items.push(item);
        } else if item.head.canned().is_none() {
            bodies.done(link, BodyId::Call(id));
        }
        Some(head + length)
    }
}
