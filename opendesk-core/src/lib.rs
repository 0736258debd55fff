//! opendesk's protocol as state machines: no sockets, no clock, no heap.
//!
//! Two machines are all there is to drive. [`Host`] is the machine whose desktop is driven: it keeps many links,
//! admits one controller at a time and hands out that controller's requests. [`Client`] is the controller's end
//! of one link. Both take bytes and time as arguments and give bytes, events and deadlines back; the same inputs
//! give the same outputs, byte for byte.
//!
//! # Kinds of methods
//! * `handle_*` take an input: a message, the end of a link, a timeout.
//! * `poll_*` give outputs: bytes, events, the next deadline.
//! * Plain verbs (`respond`, `decide`, `call`, `close`…) are commands of the program around the machine.
//!
//! # The drain contract
//! After every `handle_*` and every command: call `poll_event` until it gives `None` (commands in between are
//! fine), then `poll_transmit` for each link until `None` or until its socket is full, then `poll_timeout`, and
//! only then wait for the next input. Sending can make events too (a link is gone, a stream may go on), so events are
//! polled once more before that. A socket that is full is asked again when it is writable; nothing is lost in
//! between, because what is to be sent is derived from state and not queued.
//!
//! # A conversation
//! ```
//! use opendesk_core::{
//!     Bodies, BodyId, Client, ClientDelivery, ClientEvent, Decision, Delivery, Event, Host, Keys,
//!     Instant, LinkId, Outcome, SigningKey, StaticKey, limits,
//! };
//!
//! /// Both ends' bodies: the greeting, the request's parameters and the response are all this text.
//! struct Text(&'static [u8]);
//! impl Bodies for Text {
//!     fn copy(&mut self, _: LinkId, _: BodyId, offset: usize, out: &mut [u8]) {
//!         out.copy_from_slice(&self.0[offset..offset + out.len()]);
//!     }
//! }
//!
//! let now = Instant::from_micros(0);
//! let host_key = StaticKey::new([1; 32]);
//! let mut host: Host<4> = Host::new(
//!     Keys { static_key: host_key.clone(), signing_key: SigningKey::new([2; 32]) },
//!     [3; 32],
//! );
//! let config = Keys { static_key: StaticKey::new([4; 32]), signing_key: SigningKey::new([5; 32]) };
//! let mut client = Client::auth(now, config, host_key.public(), [6; 32]);
//! let link = host.open(now, [127; 16]).unwrap();
//! client.greet(5);
//!
//! let mut text = Text(b"hello");
//! let mut buf = vec![0; limits::RECORD_BYTES];
//! let mut answer = Vec::new();
//! let mut asked = false;
//! while answer.is_empty() {
//!     while let Some(n) = client.poll_transmit(&mut text, &mut buf) {
//!         match host.handle_message(now, link, &mut buf[..n]) {
//!             Delivery::Hello(_) => host.decide(now, link, Decision::Trusted),
//!             Delivery::Request(request) if request.done => {
//!                 assert_eq!((request.method, request.body), ("system.echo", &b"hello"[..]));
//!                 let call = request.call;
//!                 host.respond(link, call, Outcome::Ok, 5).unwrap();
//!             }
//!             _ => {}
//!         }
//!     }
//!     while let Some(event) = host.poll_event() {
//!         if let Event::GreetingDue { link, .. } = event {
//!             host.greet(link, 5);
//!         }
//!     }
//!     while let Some(n) = host.poll_transmit(link, &mut text, &mut buf) {
//!         if let ClientDelivery::Response(part) = client.handle_message(now, &mut buf[..n]) {
//!             answer.extend_from_slice(part.body);
//!         }
//!     }
//!     while let Some(event) = client.poll_event() {
//!         if matches!(event, ClientEvent::Opened { .. }) && !asked {
//!             client.call("system.echo", [7; 16], 5).unwrap();
//!             asked = true;
//!         }
//!     }
//! }
//! assert_eq!(answer, b"hello");
//! ```
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::wildcard_enum_match_arm))]

#[cfg(test)]
extern crate std;

mod client;
pub mod crypto;
pub mod dialect;
pub mod frame;
mod host;
mod id;
pub mod limits;
mod reason;
mod session;
mod time;
pub mod trace;

pub use client::{Client, ClientDelivery, ClientEvent, ItemPart, ResponsePart};
pub use crypto::keys::{Keys, PublicKey, PublicKeys, SigningKey, StaticKey, VerifyingKey};
pub use crypto::succession::{Succession, follow};
pub use dialect::Wire;
pub use dialect::v1::Psk;
pub use host::{
    Arbiter, Claim, ClaimedPeer, Decision, Delivery, Event, GreetingVerdict, Host, PairingEnd, PairingWindow,
    ProvedPeer, Refusal, RequestPart,
};
pub use id::{LinkId, OperationId, RequestId};
pub use reason::{ErrorCode, Malformed, Misuse, Reason};
pub use session::{Bodies, BodyId, Outcome};
pub use time::{Deadline, Instant, Timer};
