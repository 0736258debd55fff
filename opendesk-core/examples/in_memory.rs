//! The core in a test harness: a host and a controller in memory, without sockets, and a clock that moves only when the
//! harness moves it. The controller pairs by a code, comes back with nothing but its keys, and asks for something. The
//! numbers are the steps of the drain contract, which every program around the core keeps.
//!
//! `cargo run -p opendesk-core --example in_memory`

#![expect(clippy::print_stdout, reason = "a program that says what it did")]

use core::error::Error;

use opendesk_core::{
    Bodies, BodyId, Client, ClientDelivery, ClientEvent, Decision, Delivery, Event, Host, Instant, Keys, LinkId,
    Misuse, Outcome, PublicKey, Reason, SigningKey, StaticKey, Timer, limits,
};

const CODE: &[u8] = b"314159";
const QUESTION: &[u8] = b"is anybody there?";

/// A machine keeps no bodies: it asks for their bytes when it sends them. Here all are the question, or empty.
struct Question;

impl Bodies for Question {
    fn copy(&mut self, _: LinkId, _: BodyId, offset: usize, out: &mut [u8]) {
        out.copy_from_slice(&QUESTION[offset..offset + out.len()]);
    }
}

struct World {
    now: Instant,
    host: Box<Host<4>>,
    trusted: Vec<PublicKey>,
    client: Client,
    link: LinkId,
    answer: Vec<u8>,
    buf: Vec<u8>,
}

impl World {
    fn say(&self, who: &str, what: &str) {
        println!("{:>2} s  {who}: {what}", self.now.since(Instant::default()).as_secs());
    }

    /// Does for both sides what is to be done at this instant: after every input, and after every command.
    fn settle(&mut self) -> Result<(), Misuse> {
        loop {
            // 1. The events, until there are none. Commands in between are fine.
            while let Some(event) = self.host.poll_event() {
                self.on_event(event);
            }
            while let Some(event) = self.client.poll_event() {
                match event {
                    ClientEvent::Opened { .. } => self.say("controller", "the session is open"),
                    ClientEvent::Closed { reason, .. } => self.say("controller", reason.text()),
                    ClientEvent::Refused { .. } | ClientEvent::ProbeDue => {}
                }
            }
            // 2. The messages, until there are none. One that arrives is an input, so the steps begin again. A socket
            //    that is full would end this step as well; it is asked again when it has room.
            if let Some(length) = self.client.poll_transmit(&mut Question, &mut self.buf) {
                self.arrive_at_host(length)?;
            } else if let Some(length) = self.host.poll_transmit(self.link, &mut Question, &mut self.buf) {
                let message = &mut self.buf[..length];
                if let ClientDelivery::Response(part) = self.client.handle_message(self.now, message) {
                    self.answer.extend_from_slice(part.body);
                }
            } else {
                // A link that has sent its last word says that it is gone.
                let Some(event) = self.host.poll_event() else { return Ok(()) };
                self.on_event(event);
            }
        }
    }

    /// 3. The deadlines: nothing happens before the first of them, so the clock jumps there.
    fn wait(&mut self) -> Result<Option<Timer>, Misuse> {
        let deadlines = [self.host.poll_timeout(), self.client.poll_timeout()];
        let Some(next) = deadlines.into_iter().flatten().min_by_key(|next| next.at) else { return Ok(None) };
        self.now = next.at;
        self.host.handle_timeout(self.now);
        self.client.handle_timeout(self.now);
        self.settle()?;
        Ok(Some(next.why))
    }

    fn on_event(&mut self, event: Event) {
        match event {
            Event::GreetingDue { link, .. } => self.host.greet(link, 0),
            Event::PairingEnded(end) => self.say("host", &format!("the code is no more: {end:?}")),
            Event::SessionOpened { .. } => self.say("host", "a controller drives"),
            Event::SessionEnded { link, reason, .. } => {
                self.say("host", &format!("nobody drives: {}", reason.word()));
                // A desktop first lets go of every key that is held: until this is said, nobody else is admitted.
                self.host.released(self.now, link);
            }
            _ => {}
        }
    }

    fn arrive_at_host(&mut self, length: usize) -> Result<(), Misuse> {
        match self.host.handle_message(self.now, self.link, &mut self.buf[..length]) {
            Delivery::Hello(proved) => {
                self.trusted.extend(proved.paired.then_some(proved.peer));
                let known = self.trusted.contains(&proved.peer);
                let decision = if known { Decision::Trusted } else { Decision::Refused(Reason::UNTRUSTED) };
                self.host.decide(self.now, self.link, decision);
            }
            // The question is small, so all of it is in one part.
            Delivery::Request(request) => self.host.respond(self.link, request.call, Outcome::Ok, request.total)?,
            // The controller speaks version 2.
            Delivery::Nothing | Delivery::Claim(_) => {}
        }
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    // Real programs draw keys and seeds from the system's random numbers; fixed ones make every run the same.
    let keys = Keys { static_key: StaticKey::new([1; 32]), signing_key: SigningKey::new([2; 32]) };
    let config = Keys { static_key: StaticKey::new([3; 32]), signing_key: SigningKey::new([4; 32]) };
    let (now, host_key) = (Instant::default(), keys.static_key.public());
    let mut host = Box::new(Host::<4>::new(keys, [5; 32]));

    // The code is all that the two have in common; afterwards each has the other's key (`ClientEvent::Opened`).
    host.open_pairing(CODE, now.after(limits::PAIRING))?;
    let client = Client::pair(now, config.clone(), CODE, [6; 32])?;
    let link = host.open(now, [127; 16]).map_err(|refusal| format!("{refusal:?}"))?;
    let buf = vec![0; limits::RECORD_BYTES];
    let mut world = World { now, host, trusted: vec![], client, link, answer: vec![], buf };
    world.settle()?;
    assert!(world.client.is_open() && !world.host.is_pairing(), "one code is for one peer");
    world.client.close(now, Reason::DONE);
    world.settle()?;
    assert!(world.host.is_idle());

    // From then on the keys are enough.
    world.client = Client::auth(now, config, host_key, [7; 32]);
    world.link = world.host.open(now, [127; 16]).map_err(|refusal| format!("{refusal:?}"))?;
    world.settle()?;
    world.client.call("echo", [8; 16], QUESTION.len())?;
    world.settle()?;
    assert_eq!(world.answer, QUESTION);
    world.say("controller", &format!("the answer is {:?}", String::from_utf8_lossy(&world.answer)));

    // Ten quiet seconds pass in no time; each side asks whether the other lives, and it does.
    assert_eq!((world.wait()?, world.client.is_open()), (Some(Timer::Ping), true));
    world.host.close(world.now, world.link, Reason::SHUTDOWN);
    world.settle()?;
    assert!(world.client.is_closed() && world.host.is_idle());
    Ok(())
}
