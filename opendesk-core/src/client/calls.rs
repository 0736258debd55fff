//! What a controller has asked and what has come back.

use heapless::{String, Vec};

use crate::frame::Header;
use crate::id::{OperationId, RequestId};
use crate::limits::{BODY_BYTES, CALLS, METHOD_BYTES};
use crate::reason::Misuse;
use crate::session::{Credit, Head, Outcome};

/// A response, or one more part of it.
#[derive(Debug)]
pub struct ResponsePart<'a> {
    /// The request.
    pub call: RequestId,
    /// How it ended.
    pub outcome: Outcome,
    /// Bytes of all parts together.
    pub total: usize,
    /// This part.
    pub body: &'a [u8],
    /// Whether this was the last part.
    pub done: bool,
}

/// An item of a stream, or one more part of it. An item that is not complete when the response comes is void.
#[derive(Debug)]
pub struct ItemPart<'a> {
    /// The request.
    pub call: RequestId,
    /// Bytes of all parts together.
    pub total: usize,
    /// This part.
    pub body: &'a [u8],
    /// Whether this was the last part.
    pub done: bool,
}

/// What an answering frame brings.
pub(super) enum Part<'a> {
    Response(ResponsePart<'a>),
    Item(ItemPart<'a>),
}

/// The head of a request.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) id: RequestId,
    pub(super) operation: OperationId,
    pub(super) method: String<METHOD_BYTES>,
    pub(super) is_stream: bool,
}

impl Head for Request {
    fn id(&self) -> RequestId {
        self.id
    }

    fn header(&self, total: u32) -> Header<'_> {
        let stream = Some(self.is_stream);
        Header::Request { id: self.id.0, operation: self.operation, method: &self.method, total, stream }
    }

    fn begins_in_order(&self) -> bool {
        true
    }
}

/// A body that is arriving.
#[derive(Debug, Clone, Copy)]
struct Arriving {
    total: u32,
    got: u32,
}

impl Arriving {
    const fn new(total: u32) -> Self {
        Self { total, got: 0 }
    }

    /// One more part. Tells whether it is the last one; `None` when there cannot be as much.
    fn take(&mut self, part: usize) -> Option<bool> {
        let part = u32::try_from(part).ok()?;
        if self.total as usize > BODY_BYTES || part > self.total - self.got {
            return None;
        }
        self.got += part;
        Some(self.got == self.total)
    }
}

/// A request that has no complete response yet.
#[derive(Debug)]
struct Call {
    id: RequestId,
    cancelled: bool,
    /// What the host may stream.
    credit: Credit,
    item: Option<Arriving>,
    response: Option<(Outcome, Arriving)>,
}

/// The calls of one session (I6 as the controller sees it).
#[derive(Debug)]
pub(super) struct Calls {
    last: u32,
    running: Vec<Call, CALLS>,
}

impl Calls {
    pub(super) const fn new() -> Self {
        Self { last: 0, running: Vec::new() }
    }

    pub(super) fn begin(&mut self) -> Result<RequestId, Misuse> {
        let id = RequestId(self.last.checked_add(1).ok_or(Misuse::TooManyCalls)?);
        let call = Call { id, cancelled: false, credit: Credit::default(), item: None, response: None };
        self.running.push(call).map_err(|_| Misuse::TooManyCalls)?;
        self.last = id.0;
        Ok(id)
    }

    /// Forgets a call: what is still said of it is for nobody.
    pub(super) fn forget(&mut self, id: RequestId) -> Result<(), Misuse> {
        let index = self.running.iter().position(|call| call.id == id).ok_or(Misuse::NoSuchCall)?;
        self.running.swap_remove(index);
        Ok(())
    }

    /// Whether an item of a stream may begin now.
    pub(super) fn has_credit(&self, id: u32) -> bool {
        self.running.iter().any(|call| call.id.0 == id && call.credit.allows())
    }

    pub(super) fn cancel(&mut self, id: RequestId) -> Result<(), Misuse> {
        let call = self.get_mut(id).filter(|call| !call.cancelled).ok_or(Misuse::NoSuchCall)?;
        call.cancelled = true;
        Ok(())
    }

    pub(super) fn grant(&mut self, id: RequestId, bytes: u32) -> Result<(), Misuse> {
        let call = self.get_mut(id).ok_or(Misuse::NoSuchCall)?;
        if call.credit.grant(bytes) { Ok(()) } else { Err(Misuse::BodyTooLarge) }
    }

    /// Takes a frame of kind Response, Item or Chunk; `None` when the host may not send it now.
    pub(super) fn answer<'a>(&mut self, header: &Header<'_>, body: &'a [u8]) -> Option<Part<'a>> {
        match *header {
            Header::Response { id, status, total } => {
                let call = self.get_mut(RequestId(id))?;
                if call.response.is_some() {
                    return None;
                }
                // The item on its way is void.
                call.item = None;
                call.response = Some((Outcome::from_status(status), Arriving::new(total)));
                self.response(RequestId(id), body)
            }
            Header::Item { id, total } => {
                let call = self.get_mut(RequestId(id))?;
                if call.item.is_some() || call.response.is_some() || !call.credit.spend(total) {
                    return None;
                }
                call.item = Some(Arriving::new(total));
                self.item(RequestId(id), body)
            }
            Header::Chunk { id } if !body.is_empty() => {
                let is_item = self.get_mut(RequestId(id))?.item.is_some();
                if is_item { self.item(RequestId(id), body) } else { self.response(RequestId(id), body) }
            }
            Header::Chunk { .. }
            | Header::Hello(_)
            | Header::Request { .. }
            | Header::Cancel { .. }
            | Header::Push { .. }
            | Header::Ping { .. }
            | Header::Pong { .. }
            | Header::Close { .. }
            | Header::Window { .. } => None,
        }
    }

    fn response<'a>(&mut self, call: RequestId, body: &'a [u8]) -> Option<Part<'a>> {
        let index = self.running.iter().position(|running| running.id == call)?;
        let (outcome, arriving) = self.running.get_mut(index)?.response.as_mut()?;
        let done = arriving.take(body.len())?;
        let part = ResponsePart { call, outcome: *outcome, total: arriving.total as usize, body, done };
        if done {
            self.running.swap_remove(index);
        }
        Some(Part::Response(part))
    }

    fn item<'a>(&mut self, id: RequestId, body: &'a [u8]) -> Option<Part<'a>> {
        let call = self.get_mut(id)?;
        let arriving = call.item.as_mut()?;
        let done = arriving.take(body.len())?;
        let part = ItemPart { call: id, total: arriving.total as usize, body, done };
        if done {
            call.item = None;
        }
        Some(Part::Item(part))
    }

    fn get_mut(&mut self, id: RequestId) -> Option<&mut Call> {
        self.running.iter_mut().find(|call| call.id == id)
    }

    pub(super) fn is_full(&self) -> bool {
        self.running.is_full()
    }

    pub(super) fn clear(&mut self) {
        self.running.clear();
    }
}
