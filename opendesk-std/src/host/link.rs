//! One link of a host: its transport, and what the program keeps for it beside the protocol's machine.

use core::net::{IpAddr, SocketAddr};
use core::pin::Pin;
use core::task::{Context, Poll};
use std::collections::BTreeMap;
use std::time::Instant;

use async_tungstenite::WebSocketStream;
use async_tungstenite::tungstenite::handshake::server::{Callback, ErrorResponse, Request, Response};
use async_tungstenite::tungstenite::http::StatusCode;
use futures_io::{AsyncRead, AsyncWrite};
use opendesk_core::{Bodies, BodyId, LinkId, OperationId, RequestId};

use super::FAREWELL;
use super::streams::Stream;
use crate::api::{Codec, Point};
use crate::cancel::Cancel;
use crate::govern::{Peer, Subject};
use crate::socket::{self, Fair, Socket};

type Upgrade<S> = Pin<Box<dyn Future<Output = Option<WebSocketStream<Fair<S>>>> + Send>>;

pub(super) enum Transport<S> {
    Upgrading(Upgrade<S>),
    Open(Box<Socket<S>>),
    Gone,
}

/// A session as its link knows it.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) subject: Subject,
    pub(super) mode: &'static str,
    pub(super) started_at: f64,
    pub(super) opened: Instant,
    /// Where the mouse was put last.
    pub(super) pointer: Option<Point>,
    /// Raised when the session ends: every call of it stops.
    pub(super) ended: Ended,
}

/// Raised at the latest when it is dropped: with the event loop of the host, every call of its session stops.
#[derive(Debug, Default)]
pub(super) struct Ended(pub(super) Cancel);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// A request whose parameters are arriving.
#[derive(Debug)]
pub(super) struct Arriving {
    pub(super) method: String,
    pub(super) params: Vec<u8>,
}

/// A call that the desk carries out.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) method: &'static str,
    /// Whether it acts on the desktop, and not on files or by programs of its own.
    pub(super) acts: bool,
    /// Whether it changes files.
    pub(super) writes: bool,
    pub(super) summary: String,
    pub(super) cancel: Cancel,
}

/// A call that nobody waits for any more and that the desk has not reported: what became of it is logged and remembered.
#[derive(Debug)]
pub(super) struct Orphan {
    pub(super) subject: Subject,
    pub(super) running: Running,
    pub(super) operation: Option<OperationId>,
}

pub(super) struct Link<S> {
    pub(super) address: String,
    pub(super) transport: Transport<S>,
    pub(super) bodies: LinkBodies,
    pub(super) arriving: BTreeMap<RequestId, Arriving>,
    pub(super) running: BTreeMap<RequestId, Running>,
    pub(super) streams: BTreeMap<RequestId, Stream>,
    /// How calls and answers are written.
    pub(super) codec: Codec,
    /// The operations that calls in flight are for.
    pub(super) operations: BTreeMap<RequestId, OperationId>,
    pub(super) session: Option<Session>,
    /// The trusted peer at the other end.
    pub(super) peer: Option<Peer>,
    /// Whether it is being ended because of what became of the trust in it.
    pub(super) dismissed: bool,
    /// When the trust in it is over, in seconds since 1970; absent while it is not removed.
    pub(super) trusted_until: Option<f64>,
    /// Whether it came by the code.
    pub(super) paired: bool,
    /// Set when the protocol has finished with the link: it is closed by then at the latest.
    pub(super) leaves_by: Option<Instant>,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Link<S> {
    pub(super) fn new(stream: S, address: Option<SocketAddr>) -> Self {
        let upgrade = async move {
            let accepted =
                async_tungstenite::accept_hdr_async_with_config(Fair::new(stream), NoBrowsers, Some(socket::config()))
                    .await;
            accepted.ok()
        };
        Self {
            address: address.map(|address| address.to_string()).unwrap_or_default(),
            transport: Transport::Upgrading(Box::pin(upgrade)),
            bodies: LinkBodies::default(),
            arriving: BTreeMap::new(),
            running: BTreeMap::new(),
            streams: BTreeMap::new(),
            codec: Codec::Postcard,
            operations: BTreeMap::new(),
            session: None,
            peer: None,
            dismissed: false,
            trusted_until: None,
            paired: false,
            leaves_by: None,
        }
    }

    /// The protocol has finished with this link.
    pub(super) fn leave(&mut self, now: Instant) {
        self.leaves_by = Some(now + FAREWELL);
        if matches!(self.transport, Transport::Upgrading(_)) {
            self.transport = Transport::Gone;
        }
    }

    /// Sends what is left and closes; ready when the link can be forgotten.
    pub(super) fn poll_leave(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Transport::Open(socket) = &mut self.transport else { return Poll::Ready(()) };
        match socket.poll_flush(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(_)) => Poll::Ready(()),
            Poll::Ready(Ok(())) => socket.poll_close(cx),
        }
    }
}

/// The bodies that a link has still to send.
#[derive(Debug, Default)]
pub(super) struct LinkBodies(BTreeMap<BodyId, Vec<u8>>);

impl LinkBodies {
    pub(super) fn insert(&mut self, id: BodyId, body: Vec<u8>) {
        self.0.insert(id, body);
    }

    pub(super) fn remove(&mut self, id: BodyId) {
        self.0.remove(&id);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

impl Bodies for LinkBodies {
    fn copy(&mut self, _link: LinkId, body: BodyId, offset: usize, out: &mut [u8]) {
        let part = self.0.get(&body).and_then(|bytes| bytes.get(offset..offset + out.len()));
        debug_assert!(part.is_some(), "{body:?} was announced and is kept until it is done");
        if let Some(part) = part {
            out.copy_from_slice(part);
        }
    }

    fn done(&mut self, _link: LinkId, body: BodyId) {
        self.0.remove(&body);
    }
}

/// Refuses every upgrade that carries an `Origin`: only browsers send one, and no page has business here.
struct NoBrowsers;

impl Callback for NoBrowsers {
    fn on_request(self, request: &Request, response: Response) -> Result<Response, ErrorResponse> {
        if request.headers().contains_key("origin") {
            let mut refusal = ErrorResponse::new(Some("browsers cannot use this service".to_owned()));
            *refusal.status_mut() = StatusCode::FORBIDDEN;
            return Err(refusal);
        }
        Ok(response)
    }
}

/// An address as the protocol's machine counts it: IPv6, or IPv4 mapped into it. An IPv6 network hands out 2⁶⁴
/// addresses to one machine, so its first half is what counts.
pub(super) fn address_bytes(address: Option<SocketAddr>) -> [u8; 16] {
    match address.map(|address| address.ip()) {
        None => [0; 16],
        Some(IpAddr::V4(ip)) => ip.to_ipv6_mapped().octets(),
        Some(IpAddr::V6(ip)) => match ip.to_ipv4_mapped() {
            Some(v4) => v4.to_ipv6_mapped().octets(),
            None => {
                let mut octets = ip.octets();
                octets[8..].fill(0);
                octets
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_machine_is_one_address() {
        let bytes = |text: &str| address_bytes(Some(text.parse().unwrap()));
        assert_eq!(bytes("10.0.0.1:5"), bytes("[::ffff:10.0.0.1]:6"));
        assert_eq!(bytes("[2001:db8::1]:5"), bytes("[2001:db8::ffff:2]:5"));
        assert_ne!(bytes("[2001:db8::1]:5"), bytes("[2001:db8:0:1::1]:5"));
        assert_ne!(bytes("10.0.0.1:5"), bytes("10.0.0.2:5"));
    }
}
