//! The protocol core by itself, in memory: records beside the bare cipher, frames, handshakes, the size of its tables.

use chacha20poly1305::aead::inout::InOutBuf;
use chacha20poly1305::{AeadInOut, ChaCha20Poly1305, KeyInit, Nonce};
use opendesk_core::crypto::record::{Direction, Numbering};
use opendesk_core::frame::{self, Header};
use opendesk_core::{
    Bodies, BodyId, Client, Decision, Delivery, Event, Host, Instant, Keys, LinkId, SigningKey, StaticKey, limits,
};

use super::sample::measure;
use super::{Report, failed};
use crate::exit::Failure;

/// Things that take less than a microsecond are done so often for one time.
const TURNS: usize = 100;

pub(super) fn rows(report: &mut Report, rounds: usize) -> Result<(), Failure> {
    for (name, bytes, times) in [("64 bytes", 64, 200 * rounds), ("64 KiB", limits::CHUNK_BYTES, 40 * rounds)] {
        let cipher = ChaCha20Poly1305::new(&[7; 32].into());
        let mut buf = vec![0; bytes + limits::TAG_BYTES];
        let mut number = 0_u64;
        let floor = measure(times, || {
            for _ in 0..TURNS {
                number += 1;
                let mut nonce = [0; 12];
                nonce[4..].copy_from_slice(&number.to_le_bytes());
                let (data, nonce) = (&mut buf[..bytes], Nonce::from(nonce));
                let tag = cipher.encrypt_inout_detached(&nonce, &[], InOutBuf::from(&mut *data)).map_err(failed)?;
                cipher.decrypt_inout_detached(&nonce, &[], InOutBuf::from(data), &tag).map_err(failed)?;
            }
            Ok::<_, Failure>(())
        })?;
        let (mut out, mut back) =
            (Direction::new(&[7; 32], Numbering::Noise), Direction::new(&[7; 32], Numbering::Noise));
        let ours = measure(times, || {
            for _ in 0..TURNS {
                let length = out.seal(&mut buf, bytes).map_err(|_| unsealed())?;
                back.open(&mut buf[..length]).map_err(|_| unsealed())?;
            }
            Ok::<_, Failure>(())
        })?;
        report.row(&format!("{TURNS} records of {name}, sealed and opened"), ours, Some(("bare cipher", floor)));
    }
    let mut buf = [0; 1 + limits::HEADER_BYTES];
    let header = Header::Request { id: 70_000, operation: [7; 16], method: "input.pointer", total: 40, stream: None };
    let frames = measure(200 * rounds, || {
        for _ in 0..TURNS {
            let length = frame::encode(&header, &mut buf).map_err(failed)?;
            frame::decode(&buf[..length]).map_err(failed)?;
        }
        Ok::<_, Failure>(())
    })?;
    report.row(&format!("{TURNS} frame headers, encoded and decoded"), frames, None);
    let mut seed = 0;
    let handshakes = measure(20 * rounds, || {
        seed += 1;
        if opens_a_session(seed) { Ok(()) } else { Err(Failure::failed("the handshake did not open a session")) }
    })?;
    report.row("handshake and HELLO of both sides, in memory", handshakes, None);
    let table = Host::<LINKS>::memory();
    report.note(format!(
        "memory of the core: {} KiB a host with {LINKS} links, {:.1} KiB each, half open or not; {:.1} KiB a controller",
        table / 1024,
        (table - Host::<1>::memory()) as f64 / 1024.0 / (LINKS - 1) as f64,
        size_of::<Client>() as f64 / 1024.0,
    ));
    Ok(())
}

fn unsealed() -> Failure {
    Failure::failed("a record could not be sealed or opened")
}

/// As many as `opendesk serve` has.
const LINKS: usize = 40;

struct Empty;

impl Bodies for Empty {
    fn copy(&mut self, _: LinkId, _: BodyId, _: usize, _: &mut [u8]) {}
}

fn opens_a_session(seed: u8) -> bool {
    let now = Instant::from_micros(0);
    let config = Keys { static_key: StaticKey::new([1; 32]), signing_key: SigningKey::new([2; 32]) };
    let key = config.static_key.public();
    let mut host: Box<Host<1>> = Box::new(Host::new(config, [seed; 32]));
    let config = Keys { static_key: StaticKey::new([3; 32]), signing_key: SigningKey::new([4; 32]) };
    let mut client = Client::auth(now, config, key, [seed ^ 0xff; 32]);
    let Ok(link) = host.open(now, [0; 16]) else { return false };
    let mut buf = vec![0; limits::RECORD_BYTES];
    while !client.is_open() {
        let mut moved = false;
        while let Some(length) = client.poll_transmit(&mut Empty, &mut buf) {
            moved = true;
            if let Delivery::Hello(_) = host.handle_message(now, link, &mut buf[..length]) {
                host.decide(now, link, Decision::Trusted);
            }
        }
        while let Some(event) = host.poll_event() {
            if let Event::GreetingDue { link, .. } = event {
                host.greet(link, 0);
            }
        }
        while let Some(length) = host.poll_transmit(link, &mut Empty, &mut buf) {
            moved = true;
            let _told = client.handle_message(now, &mut buf[..length]);
        }
        if !moved {
            return false;
        }
    }
    true
}
