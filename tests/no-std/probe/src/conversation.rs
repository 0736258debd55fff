//! What the probe does: a wrong code, a pairing with the right one, a call whose answer takes several records, the
//! end of that session, and another session in which the peer is known. Every body is one pattern, so that none has
//! to be kept anywhere.

use opendesk_core::limits::{CHUNK_BYTES, PAIRING, PAIRING_TRIES, RECORD_BYTES};
use opendesk_core::{
    Bodies, BodyId, Client, ClientDelivery, ClientEvent, Decision, Delivery, Event, Host, Instant, Keys, LinkId,
    Outcome, PairingEnd, Reason, SigningKey, StaticKey,
};

const NOW: Instant = Instant::from_micros(0);
const CODE: &[u8] = b"271828";
const METHOD: &str = "system.echo";
const GREETING: usize = 32;
const ASKED: usize = 5;
const ANSWERED: usize = 2 * CHUNK_BYTES + 7;

const fn pattern(offset: usize) -> u8 {
    (offset % 251) as u8
}

fn is_pattern(offset: usize, body: &[u8]) -> bool {
    body.iter().enumerate().all(|(index, byte)| *byte == pattern(offset + index))
}

struct Pattern;

impl Bodies for Pattern {
    fn copy(&mut self, _: LinkId, _: BodyId, offset: usize, out: &mut [u8]) {
        for (index, byte) in out.iter_mut().enumerate() {
            *byte = pattern(offset + index);
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
    let mut buf = [0; RECORD_BYTES];
    loop {
        let mut quiet = true;
        while let Some(length) = client.poll_transmit(&mut Pattern, &mut buf) {
            quiet = false;
            let message = buf.get_mut(..length).ok_or(50)?;
            match host.handle_message(NOW, link, message) {
                Delivery::Nothing => {}
                Delivery::Hello(peer) => {
                    check(peer.body.len() == GREETING && is_pattern(0, peer.body), 51)?;
                    seen.paired = Some(peer.paired);
                    seen.host_hash = Some(peer.handshake);
                    host.decide(NOW, link, Decision::Trusted);
                }
                Delivery::Request(request) => {
                    check(request.method == METHOD && request.total == ASKED && request.done, 52)?;
                    check(is_pattern(0, request.body), 53)?;
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
        while let Some(length) = host.poll_transmit(link, &mut Pattern, &mut buf) {
            quiet = false;
            let message = buf.get_mut(..length).ok_or(55)?;
            match client.handle_message(NOW, message) {
                ClientDelivery::Greeting(body) => {
                    check(is_pattern(0, body), 56)?;
                    seen.greeted += body.len();
                }
                ClientDelivery::Response(part) => {
                    check(part.outcome == Outcome::Ok && part.total == ANSWERED, 57)?;
                    check(is_pattern(seen.answered, part.body), 58)?;
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
    session(&mut host, Client::auth(NOW, controller(), known, [12; 32]), false, 20)
}
