//! A controller that keeps to the protocol up to its HELLO and is then moved by hand.

use core::net::SocketAddr;

use opendesk_core::crypto::noise::Transport;
use opendesk_core::crypto::record::{Direction, Numbering};
use opendesk_core::dialect::v2::{self, AuthClient, Kind};
use opendesk_core::frame::{self, Frame, Header, Hello, PROTOCOL, Role, SessionKind, Signed};
use opendesk_core::{PublicKey, Reason, limits};
use opendesk_std::home::{Home, Peers};

use crate::raw::{self, Raw};

/// An open session without an event loop: nothing is read or answered unless the test does it.
#[derive(Debug)]
pub struct Puppet {
    raw: Raw,
    outgoing: Direction,
    incoming: Direction,
    last: u32,
}

impl Puppet {
    /// Authenticates with the keys of this home, in which the host is called `host`, and waits for the welcome.
    pub async fn open(address: SocketAddr, home: &Home) -> Self {
        let peers = Peers::load(home).expect("peers");
        let host = PublicKey(peers.by_name("host").expect("a paired host").public_key);
        let (this, refused) = Self::greet(address, home, host, &[]).await;
        assert_eq!(refused, None);
        this
    }

    /// Authenticates with the keys of this home, tells this of itself, and gives the host's refusal if there is one.
    pub async fn greet(address: SocketAddr, home: &Home, host: PublicKey, greeting: &[u8]) -> (Self, Option<Reason>) {
        let keys = home.identity().expect("keys").keys;
        let mut raw = raw::open(address).await.expect("a link");
        let (mut auth, first) = AuthClient::start(keys.static_key, host, [9; 32]).expect("a key");
        raw.send(&first).await;
        let answer = raw.receive().await.expect("an answer");
        let (kind, body) = v2::split(&answer).expect("a handshake message");
        assert_eq!(kind, Kind::AuthReply);
        let Transport { initiator, responder, hash, .. } = auth.finish(body).expect("the host's proof").clone();
        let mut this = Self {
            raw,
            outgoing: Direction::new(&initiator, Numbering::Noise),
            incoming: Direction::new(&responder, Numbering::Noise),
            last: 0,
        };
        let hello = Hello {
            role: Role::Controller,
            kind: SessionKind::CONTROL,
            protocol: PROTOCOL,
            signed: Some(Signed {
                key: keys.signing_key.public(),
                signature: keys.signing_key.sign_hello(Role::Controller, &hash),
            }),
            error: None,
            memory: 0,
        };
        this.frame(&Header::Hello(hello), greeting).await;
        let mut welcome = this.raw.receive().await.expect("a HELLO");
        let plaintext = this.incoming.open(&mut welcome).expect("a record");
        let Ok(Frame::Known(Header::Hello(hello), _)) = frame::decode(plaintext) else { panic!("no HELLO") };
        let refused = hello.error;
        (this, refused)
    }

    /// Seals and sends a frame.
    pub async fn frame(&mut self, header: &Header<'_>, body: &[u8]) {
        let mut buf = vec![0; limits::RECORD_BYTES];
        let head = frame::encode(header, &mut buf).expect("a header");
        buf[head..head + body.len()].copy_from_slice(body);
        let length = self.outgoing.seal(&mut buf, head + body.len()).expect("a record");
        self.raw.send(&buf[..length]).await;
    }

    /// Sends bytes as they are.
    pub async fn send(&mut self, message: &[u8]) {
        self.raw.send(message).await;
    }

    /// Asks for a method.
    pub async fn request(&mut self, method: &str, params: &[u8]) {
        self.last += 1;
        let total = u32::try_from(params.len()).expect("small parameters");
        let header = Header::Request { id: self.last, operation: [0; 16], method, total, stream: None };
        self.frame(&header, params).await;
    }

    /// The next response's request and status; other frames are skipped.
    pub async fn answer(&mut self) -> (u32, u16) {
        loop {
            let mut record = self.raw.receive().await.expect("the link is open");
            let plaintext = self.incoming.open(&mut record).expect("a record");
            if let Ok(Frame::Known(Header::Response { id, status, .. }, _)) = frame::decode(plaintext) {
                return (id, status);
            }
        }
    }

    /// The number of the last request.
    #[must_use]
    pub const fn last(&self) -> u32 {
        self.last
    }

    /// Reads until the host closes the link.
    pub async fn wait_for_the_end(&mut self) {
        self.raw.drain().await;
    }
}
