//! What moves in a [`World`]: messages, the ends of connections, answers and the clock.

use core::mem;
use core::time::Duration;

use opendesk_core::{Deadline, Delivery, Instant, Outcome};

use super::wire::{End, Pipe, Way, Wire};
use super::{Proved, World};

/// Rounds after which messages that still move will never stop.
const ROUNDS: usize = 100_000;

impl World {
    /// Puts a message on its way, as if the sender had sent it.
    pub fn send(&mut self, wire: Wire, way: Way, message: &[u8]) {
        let hash = message
            .iter()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
        self.log(format_args!("{wire} {way:?}: {} bytes {hash:016x}", message.len()));
        let now = self.now;
        let pipe = self.pipe(wire, way);
        pipe.under_way.push_back((now.after(pipe.latency), message.to_vec()));
        pipe.overheard.push(message.to_vec());
    }

    /// What has arrived at the test's end of a raw connection since it was asked last.
    pub fn received(&mut self, wire: Wire) -> Vec<Vec<u8>> {
        match &mut self.wires[wire.0].end {
            End::Test(inbox) => mem::take(inbox),
            End::Controller(_) => panic!("{wire} has a controller"),
        }
    }

    /// The test closes its end of a raw connection.
    pub fn hang_up(&mut self, wire: Wire) {
        self.pipe(wire, Way::ToHost).ended = true;
    }

    /// The connection breaks; what is under way is lost and both ends notice.
    pub fn cut(&mut self, wire: Wire) {
        self.log(format_args!("{wire} is cut"));
        let connection = &mut self.wires[wire.0];
        connection.to_host.cut();
        connection.to_peer.cut();
        let link = connection.link;
        self.host.handle_eof(self.now, link);
        self.drain();
        self.end_client(wire);
    }

    /// The sender sends its next message, if it has one, whether or not its socket is full.
    pub fn transmit(&mut self, wire: Wire, way: Way) -> bool {
        let mut buf = mem::take(&mut self.buf);
        let connection = &mut self.wires[wire.0];
        let bytes = match (way, &connection.end) {
            (Way::ToHost, End::Controller(controller)) => controller.client.transmit_bytes(),
            (Way::ToHost, End::Test(_)) => 0,
            (Way::ToPeer, _) => self.host.transmit_bytes(connection.link),
        };
        if buf.len() < bytes {
            buf.resize(bytes, 0);
        }
        let sent = match (way, &mut connection.end) {
            (Way::ToHost, End::Controller(controller)) => {
                controller.client.poll_transmit(&mut controller.bodies, &mut buf)
            }
            (Way::ToHost, End::Test(_)) => None,
            (Way::ToPeer, _) => self.host.poll_transmit(connection.link, &mut self.program.bodies, &mut buf),
        };
        if let Some(length) = sent {
            self.send(wire, way, &buf[..length]);
        }
        self.buf = buf;
        self.drain();
        if let Some(controller) = self.wires[wire.0].controller() {
            let closed = controller.client.is_closed();
            self.pipe(wire, Way::ToHost).ended |= closed;
        }
        sent.is_some()
    }

    /// The next message under way arrives now, held or not. Tells whether there was one.
    pub fn deliver(&mut self, wire: Wire, way: Way) -> bool {
        let next = self.pipe(wire, way).under_way.pop_front();
        let arrives = next.is_some();
        if let Some((_, message)) = next {
            self.arrive(wire, way, message);
        }
        arrives
    }

    fn arrive(&mut self, wire: Wire, way: Way, message: Vec<u8>) {
        match way {
            Way::ToHost => self.arrive_at_host(wire, message),
            Way::ToPeer => self.arrive_at_peer(wire, message),
        }
    }

    fn arrive_at_peer(&mut self, wire: Wire, mut message: Vec<u8>) {
        let now = self.now;
        let (what, events) = match &mut self.wires[wire.0].end {
            End::Controller(controller) => (controller.handle(now, &mut message), controller.poll_events()),
            End::Test(inbox) => {
                inbox.push(message);
                return;
            }
        };
        self.log(format_args!("{wire} heard {what}"));
        self.log_events(wire, &events);
    }

    fn arrive_at_host(&mut self, wire: Wire, mut message: Vec<u8>) {
        let link = self.link(wire);
        match self.host.handle_message(self.now, link, &mut message) {
            Delivery::Nothing => {}
            Delivery::Claim(claim) => {
                let is_known = self.program.trusted.contains(&claim.peer);
                self.host.vouch(self.now, claim.link, is_known);
            }
            Delivery::Hello(hello) => {
                let proved = Proved {
                    link: hello.link,
                    peer: hello.peer,
                    signing_key: hello.signing_key,
                    paired: hello.paired,
                    handshake: hello.handshake,
                    body: hello.body.to_vec(),
                };
                self.log(format_args!("{wire} proved {:?}, paired {}", proved.peer, proved.paired));
                if self.program.decides_at_once {
                    let decision = self.program.judge(&proved);
                    self.host.decide(self.now, link, decision);
                }
                self.program.proved.push(proved);
            }
            Delivery::Request(part) => {
                let done = self.program.request(self.now, &part);
                let (call, method, length) = (part.call, part.method, part.body.len());
                self.log(format_args!("{wire} asked {call} {method} {length}, done {done}"));
            }
        }
        self.drain();
    }

    /// Moves messages, answers and news of ended connections until nothing moves at this instant.
    pub fn settle(&mut self) {
        for _ in 0..ROUNDS {
            let mut moved = self.answer_due();
            for wire in self.all() {
                for way in [Way::ToPeer, Way::ToHost] {
                    while !self.pipe(wire, way).stalled && self.transmit(wire, way) {
                        moved = true;
                    }
                }
                moved |= self.move_on(wire);
            }
            if !moved {
                return;
            }
        }
        let last = self.trace.len().saturating_sub(20);
        panic!("messages never stop moving; the last ones: {:#?}", &self.trace[last..]);
    }

    /// One message in each direction, or the news that there will be no more.
    fn move_on(&mut self, wire: Wire) -> bool {
        let now = self.now;
        let mut moved = false;
        let listens = self.host.wants_input(self.link(wire)) || self.is_gone(wire);
        if listens && let Some(message) = self.pipe(wire, Way::ToHost).take_arrived(now) {
            self.arrive_at_host(wire, message);
            moved = true;
        }
        if let Some(message) = self.pipe(wire, Way::ToPeer).take_arrived(now) {
            self.arrive_at_peer(wire, message);
            moved = true;
        }
        if self.pipe(wire, Way::ToHost).take_end() {
            let link = self.link(wire);
            self.host.handle_eof(now, link);
            self.drain();
            moved = true;
        }
        if self.pipe(wire, Way::ToPeer).take_end() {
            self.end_client(wire);
            moved = true;
        }
        moved
    }

    fn end_client(&mut self, wire: Wire) {
        let Some(controller) = self.wires[wire.0].controller() else { return };
        controller.client.handle_eof();
        let events = controller.poll_events();
        self.log_events(wire, &events);
        self.pipe(wire, Way::ToHost).ended = true;
    }

    fn answer_due(&mut self) -> bool {
        let mut moved = false;
        while let Some((_, link, call)) = self.program.next_due().filter(|(at, _, _)| *at <= self.now) {
            let running = self.program.running.iter().find(|it| (it.link, it.call) == (link, call));
            let body = running.map(|running| running.body.clone()).unwrap_or_default();
            self.respond_link(link, call, Outcome::Ok, &body).expect("a request that runs can be answered");
            moved = true;
        }
        moved
    }

    /// Lets time pass, stopping at every deadline on the way.
    pub fn advance(&mut self, by: Duration) {
        let target = self.now.after(by);
        self.run_timers();
        while let Some(next) = self.next_wake().filter(|at| *at <= target) {
            self.now = next;
            self.run_timers();
        }
        self.now = target;
        self.run_timers();
    }

    /// Jumps to the next deadline. Tells whether there was one.
    pub fn jump(&mut self) -> bool {
        let next = self.next_wake();
        if let Some(next) = next {
            self.now = next;
            self.run_timers();
        }
        next.is_some()
    }

    fn run_timers(&mut self) {
        let now = self.now;
        self.host.handle_timeout(now);
        self.drain();
        for wire in self.all() {
            if let Some(controller) = self.wires[wire.0].controller() {
                controller.client.handle_timeout(now);
                let events = controller.poll_events();
                self.log_events(wire, &events);
            }
        }
        self.settle();
        for next in self.deadlines() {
            assert!(next.at > now, "{next:?} was met at {now:?} and is still there: a driver would spin");
        }
    }

    fn deadlines(&self) -> impl Iterator<Item = Deadline> {
        let clients = self.wires.iter().filter_map(|connection| match &connection.end {
            End::Controller(controller) => controller.client.poll_timeout(),
            End::Test(_) => None,
        });
        self.host.poll_timeout().into_iter().chain(clients)
    }

    fn next_wake(&self) -> Option<Instant> {
        let deadlines = self.deadlines().map(|next| next.at);
        let pipes = self.wires.iter().flat_map(|connection| [&connection.to_host, &connection.to_peer]);
        let arrivals = pipes.filter_map(Pipe::next_arrival);
        let answers = self.program.next_due().map(|(at, _, _)| at);
        deadlines.chain(arrivals).chain(answers).filter(|at| *at > self.now).min()
    }
}
