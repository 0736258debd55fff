//! What the probe does: a wrong code, a pairing with the right one, a call whose answer takes several records, the
//! end of that session, and another session in which the peer is known; then both kinds of session again in version 1.
//! Every body is one pattern, so that none has to be kept anywhere; in version 1 it is a map that holds it.

use opendesk_core::limits::{CHUNK_BYTES, PAIRING, PAIRING_TRIES, RECORD_BYTES};
use opendesk_core::{
    Bodies, BodyId, Client, ClientDelivery, ClientEvent, Decision, Delivery, Event, Host, Instant, Keys, LinkId,
    Outcome, PairingEnd, Psk, Reason, SigningKey, StaticKey, Wire,
};

const NOW: Instant = Instant::from_micros(0);
const CODE: &[u8] = b"271828";
const METHOD: &str = "system.echo";
const GREETING: usize = 32;
const ASKED: usize = 5;
const ANSWERED: usize = 2 * CHUNK_BYTES + 7;

/// The pattern as this version writes a body of `total` bytes.
#[derive(Clone, Copy)]
struct Pattern(Wire);

impl Pattern {
    fn byte(self, total: usize, offset: usize) -> u8 {
        let small = [0x81, 0xa1, b'd', 0xc4, total.wrapping_sub(5) as u8];
        let [a, b, c, d] = (total.wrapping_sub(8) as u32).to_be_bytes();
        let large = [0x81, 0xa1, b'd', 0xc6, a, b, c, d];
        let head: &[u8] = if total < 256 { &small } else { &large };
        match (self.0, head.get(offset)) {
            (Wire::V1, Some(byte)) => *byte,
            _ => (offset % 251) as u8,
        }
    }

    fn is_in(self, total: usize, offset: usize, body: &[u8]) -> bool {
        body.iter().enumerate().all(|(index, byte)| *byte == self.byte(total, offset + index))
    }
}

/// The bodies of one side, the calls' of this size.
struct Side(Pattern, usize);

impl Bodies for Side {
    fn copy(&mut self, _: LinkId, body: BodyId, offset: usize, out: &mut [u8]) {
        let total = if body == BodyId::Greeting { GREETING } else { self.1 };
        for (index, byte) in out.iter_mut().enumerate() {
            *byte = self.0.byte(total, offset + index);
        }
    }
}

/// What both sides of one link have told so far.
#[derive(Default)]
struct Seen {
    /// The host saw a proved key, and whether it came by the code.
    paired: Option<bool>,
    host_hash: Option<[u8; 32]>,
    client_hash: Option<[u8; 32]>,
    greeted: usize,
    asked: usize,
    answered: usize,
    pairing_ended: Option<PairingEnd>,
    session_ended: bool,
    link_closed: bool,
    closed: Option<(Reason, u8)>,
}

fn check(holds: bool, step: u8) -> Result<(), u8> {
    if holds { Ok(()) } else { Err(step) }
}

/// Carries messages both ways until neither side has any.
fn drive(host: &mut Host<4>, link: LinkId, client: &mut Client, seen: &mut Seen) -> Result<(), u8> {
    let mut buf = [0; RECORD_BYTES + 2 * CHUNK_BYTES];
    let pattern = Pattern(client.wire());
    loop {
        let mut quiet = true;
        while let Some(length) = client.poll_transmit(&mut Side(pattern, ASKED), &mut buf) {
            quiet = false;
            let message = buf.get_mut(..length).ok_or(50)?;
            match host.handle_message(NOW, link, message) {
                Delivery::Nothing => {}
                Delivery::Claim(claim) => host.vouch(NOW, claim.link, true),
                Delivery::Hello(peer) => {
                    check(peer.wire == Wire::V1 || pattern.is_in(GREETING, 0, peer.body), 51)?;
                    seen.paired = Some(peer.paired);
                    seen.host_hash = Some(peer.handshake);
                    host.decide(NOW, link, Decision::Trusted);
                }
                Delivery::Request(request) => {
                    check(request.method == METHOD && request.total == ASKED && request.done, 52)?;
                    check(pattern.is_in(ASKED, 0, request.body), 53)?;
                    seen.asked += request.body.len();
                    host.respond(link, request.call, Outcome::Ok, ANSWERED).map_err(|_| 54)?;
                }
            }
        }
        while let Some(event) = host.poll_event() {
            match event {
                Event::GreetingDue { link, .. } => host.greet(link, GREETING),
                Event::SessionEnded { link, .. } => {
                    seen.session_ended = true;
                    host.released(NOW, link);
                }
                Event::PairingEnded(end) => seen.pairing_ended = Some(end),
                Event::LinkClosed { .. } => seen.link_closed = true,
                _ => {}
            }
        }
        while let Some(length) = host.poll_transmit(link, &mut Side(pattern, ANSWERED), &mut buf) {
            quiet = false;
            let message = buf.get_mut(..length).ok_or(55)?;
            match client.handle_message(NOW, message) {
                ClientDelivery::Greeting(body) => {
                    check(pattern.is_in(GREETING, 0, body), 56)?;
                    seen.greeted += body.len();
                }
                ClientDelivery::Response(part) => {
                    check(part.outcome == Outcome::Ok && part.total == ANSWERED, 57)?;
                    check(pattern.is_in(ANSWERED, seen.answered, part.body), 58)?;
                    seen.answered += part.body.len();
                    check(part.done == (seen.answered == ANSWERED), 59)?;
                }
                _ => {}
            }
        }
        while let Some(event) = client.poll_event() {
            match event {
                ClientEvent::Opened { handshake, .. } => seen.client_hash = Some(handshake),
                ClientEvent::Closed { reason, tries_left } => seen.closed = Some((reason, tries_left)),
                _ => {}
            }
        }
        if quiet {
            return Ok(());
        }
    }
}

/// A whole session, from the first message to the end of its link. Its steps are counted from `step`.
fn session(host: &mut Host<4>, mut client: Client, paired: bool, step: u8) -> Result<(), u8> {
    let link = host.open(NOW, [0; 16]).map_err(|_| step)?;
    let mut seen = Seen::default();
    client.greet(GREETING);
    drive(host, link, &mut client, &mut seen)?;
    check(seen.paired == Some(paired), step + 1)?;
    check(seen.pairing_ended == paired.then_some(PairingEnd::Paired), step + 2)?;
    check(client.is_open() && seen.greeted == GREETING, step + 3)?;
    check(seen.host_hash.is_some() && seen.host_hash == seen.client_hash, step + 4)?;
    check(host.controller().is_some_and(|(holder, _, _)| holder == link), step + 5)?;

    client.call(METHOD, [7; 16], ASKED).map_err(|_| step + 6)?;
    drive(host, link, &mut client, &mut seen)?;
    check(seen.asked == ASKED && seen.answered == ANSWERED, step + 7)?;

    client.close(NOW, Reason::DONE);
    drive(host, link, &mut client, &mut seen)?;
    check(seen.closed == Some((Reason::DONE, 0)) && client.is_closed(), step + 8)?;
    // In version 1 the end of the transport is the goodbye.
    host.handle_eof(NOW, link);
    drive(host, link, &mut client, &mut seen)?;
    check(seen.session_ended && seen.link_closed && host.controller().is_none(), step + 9)
}

fn controller() -> Keys {
    Keys { static_key: StaticKey::new([4; 32]), signing_key: SigningKey::new([5; 32]) }
}

/// Does all of it.
///
/// # Errors
/// The number of the first step that did not end as it must.
pub fn run() -> Result<(), u8> {
    let static_key = StaticKey::new([1; 32]);
    let known = static_key.public();
    let mut host: Host<4> = Host::new(Keys { static_key, signing_key: SigningKey::new([2; 32]) }, [3; 32]);
    host.open_pairing(CODE, NOW.after(PAIRING)).map_err(|_| 1)?;

    let mut guesser = Client::pair(NOW, controller(), b"000000", [10; 32]).map_err(|_| 2)?;
    let link = host.open(NOW, [0; 16]).map_err(|_| 3)?;
    let mut seen = Seen::default();
    drive(&mut host, link, &mut guesser, &mut seen)?;
    check(seen.closed == Some((Reason::WRONG_CODE, PAIRING_TRIES - 1)), 4)?;
    check(seen.paired.is_none() && seen.link_closed && host.is_pairing(), 5)?;

    let stranger = Client::pair(NOW, controller(), CODE, [11; 32]).map_err(|_| 6)?;
    session(&mut host, stranger, true, 10)?;
    session(&mut host, Client::auth(NOW, controller(), known, [12; 32]), false, 20)?;

    host.open_pairing(CODE, NOW.after(PAIRING)).map_err(|_| 7)?;
    host.allow_version_1(Psk::derive(CODE)).map_err(|_| 8)?;
    session(&mut host, Client::pair_version_1(NOW, controller(), Psk::derive(CODE), [13; 32]), true, 30)?;
    session(&mut host, Client::auth_version_1(NOW, controller(), known, [14; 32]), false, 40)
}
