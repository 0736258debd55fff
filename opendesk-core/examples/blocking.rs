//! The core under plain blocking threads, with nothing but `std::net`: a host that answers `echo` and a controller that
//! asks for it. Each message of the core travels behind its length in four bytes; real opendesk peers use WebSocket
//! messages instead, which is all that this example lacks to talk to one.
//!
//! `cargo run -p opendesk-core --example blocking`

#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a program with a clock that says what it did")]

use core::error::Error;
use core::net::SocketAddr;
use core::time::Duration;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Instant as Clock;

use opendesk_core::{
    Bodies, BodyId, Client, ClientDelivery, ClientEvent, Decision, Delivery, Event, Host, Instant, Keys, LinkId,
    Outcome, PublicKey, Reason, SigningKey, StaticKey, Wire, limits,
};

const QUESTION: &[u8] = b"is anybody there?";

/// The bodies that a side still has to send; greetings are empty here.
struct Text(Vec<u8>);

impl Bodies for Text {
    fn copy(&mut self, _: LinkId, _: BodyId, offset: usize, out: &mut [u8]) {
        out.copy_from_slice(&self.0[offset..offset + out.len()]);
    }
}

fn now(epoch: Clock) -> Instant {
    Instant::from_micros(u64::try_from(epoch.elapsed().as_micros()).unwrap_or(u64::MAX))
}

fn send(stream: &mut TcpStream, message: &[u8]) -> io::Result<()> {
    stream.write_all(&u32::try_from(message.len()).map_err(io::Error::other)?.to_be_bytes())?;
    stream.write_all(message)
}

fn receive(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length) as usize;
    if length > limits::RECORD_BYTES {
        return Err(io::Error::other("a message over the limit"));
    }
    let mut message = vec![0; length];
    stream.read_exact(&mut message)?;
    Ok(message)
}

/// Serves one link to its end. A silent peer is met by the socket's own timeout, which is the core's deadline.
fn host(listener: &TcpListener, mut host: Box<Host<4>>) -> io::Result<Reason> {
    let (epoch, mut text, mut buf) = (Clock::now(), Text(Vec::new()), vec![0; limits::RECORD_BYTES]);
    let (mut stream, _) = listener.accept()?;
    let link = host.open(now(epoch), [127; 16]).map_err(|refusal| io::Error::other(format!("{refusal:?}")))?;
    loop {
        let wait = host.poll_timeout().map(|deadline| deadline.at.since(now(epoch)).max(Duration::from_millis(1)));
        stream.set_read_timeout(wait)?;
        match receive(&mut stream) {
            Ok(mut message) => match host.handle_message(now(epoch), link, &mut message) {
                // This transport speaks version 2 only.
                Delivery::Nothing | Delivery::Claim(_) => {}
                Delivery::Hello(_) => host.decide(now(epoch), link, Decision::Trusted),
                Delivery::Request(request) => {
                    text.0.extend_from_slice(request.body);
                    if request.done {
                        let call = request.call;
                        host.respond(link, call, Outcome::Ok, text.0.len()).map_err(io::Error::other)?;
                    }
                }
            },
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => host.handle_timeout(now(epoch)),
            Err(_) => host.handle_eof(now(epoch), link),
        }
        loop {
            while let Some(event) = host.poll_event() {
                match event {
                    Event::GreetingDue { link, .. } => host.greet(link, 0),
                    Event::SessionEnded { link, .. } => host.released(now(epoch), link),
                    Event::LinkClosed { reason, .. } => return Ok(reason),
                    _ => {}
                }
            }
            match host.poll_transmit(link, &mut text, &mut buf) {
                // The controller may be gone before the last word.
                Some(length) if send(&mut stream, &buf[..length]).is_err() => host.handle_eof(now(epoch), link),
                Some(_) => {}
                // Without a deadline there is no link any more: its last event comes next.
                None if host.poll_timeout().is_none() => {}
                None => break,
            }
        }
    }
}

fn controller(address: SocketAddr, config: Keys, host: PublicKey) -> io::Result<Vec<u8>> {
    let (epoch, mut text, mut buf) = (Clock::now(), Text(QUESTION.to_vec()), vec![0; limits::RECORD_BYTES]);
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(limits::HANDSHAKE))?;
    let mut client = Client::auth(now(epoch), config, host, [42; 32]);
    let mut answer = Vec::new();
    loop {
        while let Some(length) = client.poll_transmit(&mut text, &mut buf) {
            send(&mut stream, &buf[..length])?;
        }
        if client.is_closed() {
            return Ok(answer);
        }
        let mut message = receive(&mut stream)?;
        if let ClientDelivery::Response(part) = client.handle_message(now(epoch), &mut message) {
            answer.extend_from_slice(part.body);
            if part.done {
                client.close(now(epoch), Reason::DONE);
            }
        }
        while let Some(event) = client.poll_event() {
            match event {
                ClientEvent::Opened { .. } => {
                    client.call("echo", [1; 16], text.0.len()).map_err(io::Error::other)?;
                }
                ClientEvent::Refused { reason, .. } => return Err(io::Error::other(reason.text())),
                ClientEvent::Closed { .. } | ClientEvent::ProbeDue => {}
            }
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    // Real programs draw keys and seeds from the system's random numbers.
    let keys = Keys { static_key: StaticKey::new([1; 32]), signing_key: SigningKey::new([2; 32]) };
    let identity = keys.static_key.public();
    let mut machine = Box::new(Host::new(keys, [3; 32]));
    machine.set_oldest(Wire::V2);
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let hosting = thread::spawn(move || host(&listener, machine));
    let config = Keys { static_key: StaticKey::new([4; 32]), signing_key: SigningKey::new([5; 32]) };
    let answer = controller(address, config, identity)?;
    let reason = hosting.join().map_err(|_| "the host failed")??;
    assert_eq!((answer.as_slice(), reason), (QUESTION, Reason::DONE));
    println!("the host answered {:?}, and then {reason}", String::from_utf8_lossy(&answer));
    Ok(())
}
