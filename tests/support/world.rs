//! A host, its controllers and the network between them, in one thread.
//!
//! Nothing happens by itself: messages move when [`World::settle`] moves them, the clock stands still until
//! [`World::advance`] or [`World::jump`], and randomness comes from the seed, so that the same test gives the same
//! [`World::trace`]. The program around the host ([`Program`]) checks invariants I1, I2, I3 and I6 at every event.
//!
//! ```
//! use opendesk_tests::world::{Peer, World};
//!
//! let mut world = World::new(1);
//! let wire = world.open(Peer(1));
//! let call = world.call(wire, "system.echo", b"hello");
//! world.settle();
//! assert_eq!(world.client(wire).answer(call).map(|answer| &answer.body[..]), Some(&b"hello"[..]));
//! ```

#[path = "world/model.rs"]
pub mod model;
#[path = "world/network.rs"]
mod network;
#[path = "world/program.rs"]
mod program;
#[path = "world/storm.rs"]
pub mod storm;
#[path = "world/wire.rs"]
mod wire;

use core::fmt::Arguments;
use core::mem;

pub use program::{Handler, Program, Proved, Running};
pub use wire::{Answer, Controller, Peer, Pipe, Way, Wire};

use opendesk_core::trace::Recorder;
use opendesk_core::{
    Client, ClientEvent, Decision, Event, Instant, Keys, LinkId, Misuse, OperationId, Outcome, Psk, PublicKey, Reason,
    Refusal, RequestId, SigningKey, StaticKey, limits,
};
use opendesk_std::recording::MemoryTape;
use wire::{Connection, End};

/// Links that the host of a world has room for.
pub const LINKS: usize = 40;

/// See the module's documentation.
#[derive(Debug)]
pub struct World {
    /// The machine under test, recorded.
    pub host: Box<Recorder<MemoryTape, LINKS>>,
    /// The program around it.
    pub program: Program,
    /// What the host's program was told and the test has not taken.
    pub events: Vec<Event>,
    now: Instant,
    host_key: PublicKey,
    wires: Vec<Connection>,
    seed: u64,
    operations: u128,
    buf: Vec<u8>,
    trace: Vec<String>,
}

impl World {
    /// A host without links that trusts nobody.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let static_key = StaticKey::new([0xd0; 32]);
        let host_key = static_key.public();
        let config = Keys { static_key, signing_key: SigningKey::new([0xd1; 32]) };
        let mut seeds = seed;
        Self {
            host: Box::new(Recorder::new(config, random(&mut seeds), Some(MemoryTape::default()))),
            program: Program::new(),
            events: Vec::new(),
            now: Instant::from_micros(1_000_000),
            host_key,
            wires: Vec::new(),
            seed: seeds,
            operations: 0,
            buf: vec![0; limits::RECORD_BYTES],
            trace: Vec::new(),
        }
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.now
    }

    /// The host's key.
    #[must_use]
    pub fn host_key(&self) -> PublicKey {
        self.host_key
    }

    /// All that happened, a line each. Message bytes are in it by a hash.
    #[must_use]
    pub fn trace(&self) -> &[String] {
        &self.trace
    }

    /// All that was done to the host and what it gave for it, as `opendesk replay` reads it.
    pub fn recording(&mut self) -> &[u8] {
        self.host.tape().map_or(&[], |tape| tape.bytes())
    }

    // Connecting.

    /// 32 bytes of this world's randomness.
    pub fn random(&mut self) -> [u8; 32] {
        random(&mut self.seed)
    }

    /// A peer that knows the host begins to authenticate.
    pub fn connect(&mut self, peer: Peer) -> Wire {
        let seed = self.random();
        let client = Client::auth(self.now, peer.config(), self.host_key, seed);
        self.attach(client)
    }

    /// A peer that was told a code begins to pair.
    pub fn pair(&mut self, peer: Peer, code: &str) -> Wire {
        let seed = self.random();
        let client = Client::pair(self.now, peer.config(), code.as_bytes(), seed).expect("the code has a length");
        self.attach(client)
    }

    /// A peer that knows the host begins to authenticate in version 1.
    pub fn connect_by_version_1(&mut self, peer: Peer) -> Wire {
        let seed = self.random();
        let client = Client::auth_version_1(self.now, peer.config(), self.host_key, seed);
        self.attach(client)
    }

    /// A peer that was told a code begins to pair in version 1.
    pub fn pair_by_version_1(&mut self, peer: Peer, psk: Psk) -> Wire {
        let seed = self.random();
        let client = Client::pair_version_1(self.now, peer.config(), psk, seed);
        self.attach(client)
    }

    /// A controller of the test's making connects, from an address of its own.
    pub fn attach(&mut self, client: Client) -> Wire {
        self.attach_from(client, self.own_address()).expect("there is a place for a link")
    }

    /// The same, from a given address.
    ///
    /// # Errors
    /// What the host says to the connection.
    pub fn attach_from(&mut self, client: Client, address: [u8; 16]) -> Result<Wire, Refusal> {
        let mut controller = Box::new(Controller::new(client));
        let events = controller.poll_events();
        let wire = self.insert(address, End::Controller(controller))?;
        self.log_events(wire, &events);
        Ok(wire)
    }

    /// A connection on which the test itself says what the peer says.
    pub fn raw(&mut self) -> Wire {
        self.raw_from(self.own_address()).expect("there is a place for a link")
    }

    /// The same, from a given address.
    ///
    /// # Errors
    /// What the host says to the connection.
    pub fn raw_from(&mut self, address: [u8; 16]) -> Result<Wire, Refusal> {
        self.insert(address, End::Test(Vec::new()))
    }

    /// A trusted peer connects and drives.
    pub fn open(&mut self, peer: Peer) -> Wire {
        self.program.trusted.insert(peer.public());
        let wire = self.connect(peer);
        self.settle();
        assert_eq!(self.controller(), Some(wire), "{peer:?} drives");
        assert!(self.client(wire).client.is_open());
        wire
    }

    fn own_address(&self) -> [u8; 16] {
        let mut address = [0xfd; 16];
        address[..8].copy_from_slice(&(self.wires.len() as u64).to_le_bytes());
        address
    }

    fn insert(&mut self, address: [u8; 16], end: End) -> Result<Wire, Refusal> {
        let link = self.host.open(self.now, address)?;
        let wire = Wire(self.wires.len());
        self.log(format_args!("{wire} is link {link}"));
        self.wires.push(Connection::new(link, end));
        Ok(wire)
    }

    // Looking.

    /// The host's name for a connection.
    #[must_use]
    pub fn link(&self, wire: Wire) -> LinkId {
        self.wires[wire.0].link
    }

    /// The connection that has this name at the host.
    #[must_use]
    pub fn wire(&self, link: LinkId) -> Wire {
        Wire(self.wires.iter().position(|connection| connection.link == link).expect("every link has a connection"))
    }

    /// Every connection so far.
    pub fn all(&self) -> impl Iterator<Item = Wire> + use<> {
        (0..self.wires.len()).map(Wire)
    }

    /// Whose session is open.
    #[must_use]
    pub fn controller(&self) -> Option<Wire> {
        self.host.controller().map(|(link, _, _)| self.wire(link))
    }

    /// The controller at the far end of a connection.
    #[must_use]
    pub fn client(&self, wire: Wire) -> &Controller {
        match &self.wires[wire.0].end {
            End::Controller(controller) => controller,
            End::Test(_) => panic!("{wire} is the test's own"),
        }
    }

    /// The same controller, to change what it has heard: a check that notices nothing proves nothing.
    pub fn client_mut(&mut self, wire: Wire) -> &mut Controller {
        self.controller_mut(wire)
    }

    /// One direction of a connection, to hold it, to stall it, or to change what is under way.
    pub fn pipe(&mut self, wire: Wire, way: Way) -> &mut Pipe {
        self.wires[wire.0].pipe(way)
    }

    /// Every message that a peer has sent: what an eavesdropper has.
    #[must_use]
    pub fn overheard(&self, wire: Wire) -> &[Vec<u8>] {
        &self.wires[wire.0].to_host.overheard
    }

    /// Whether the host has let go of a connection.
    #[must_use]
    pub fn is_gone(&self, wire: Wire) -> bool {
        self.wires[wire.0].to_peer.ended
    }

    /// Takes the events that the test has not seen.
    pub fn take_events(&mut self) -> Vec<Event> {
        mem::take(&mut self.events)
    }

    // Commands of the host's program.

    /// Shows a code for as long as a code lives.
    pub fn show_code(&mut self, code: &str) {
        let until = self.now.after(limits::PAIRING);
        self.host.open_pairing(code.as_bytes(), until).expect("the code has a length");
        self.drain();
    }

    /// Shows a code by which peers of version 1 may pair as well; `psk` is what the code becomes there.
    pub fn show_code_to_all(&mut self, code: &str, psk: Psk) {
        self.show_code(code);
        self.host.allow_version_1(psk).expect("a window is open");
    }

    /// The transport of a link shows that its peer lives.
    pub fn show_life(&mut self, wire: Wire) {
        let (now, link) = (self.now, self.link(wire));
        self.host.handle_alive(now, link);
        if let Some(controller) = self.wires[wire.0].controller() {
            controller.client.handle_alive(now);
        }
    }

    /// Closes the pairing window.
    pub fn cancel_pairing(&mut self) {
        self.host.cancel_pairing();
        self.drain();
    }

    /// Judges a peer that has proved its key.
    pub fn decide(&mut self, wire: Wire, decision: Decision) {
        let link = self.link(wire);
        self.host.decide(self.now, link, decision);
        self.drain();
    }

    /// Answers a request.
    ///
    /// # Errors
    /// What the host says to the answer.
    pub fn respond(&mut self, wire: Wire, call: RequestId, outcome: Outcome, body: &[u8]) -> Result<(), Misuse> {
        let link = self.link(wire);
        self.respond_link(link, call, outcome, body)
    }

    fn respond_link(&mut self, link: LinkId, call: RequestId, outcome: Outcome, body: &[u8]) -> Result<(), Misuse> {
        self.host.respond(link, call, outcome, body.len())?;
        self.program.bodies.calls.insert((link, call), body.to_vec());
        let before = self.program.running.len();
        self.program.running.retain(|running| (running.link, running.call) != (link, call));
        assert_eq!(self.program.running.len() + 1, before, "I6: call {call} could be answered and did not run");
        self.log(format_args!("answered {link} {call} {outcome:?} with {}", body.len()));
        self.drain();
        Ok(())
    }

    /// Sends an item of a stream.
    ///
    /// # Errors
    /// What the host says to it.
    pub fn send_item(&mut self, wire: Wire, call: RequestId, body: &[u8]) -> Result<(), Misuse> {
        let link = self.link(wire);
        self.host.send_item(link, call, body.len())?;
        self.program.bodies.items.insert((link, call), body.to_vec());
        self.log(format_args!("item of {link} {call} with {}", body.len()));
        self.drain();
        Ok(())
    }

    /// Tells a controller something.
    ///
    /// # Errors
    /// What the host says to it.
    pub fn push(&mut self, wire: Wire, topic: u16, body: &[u8]) -> Result<(), Misuse> {
        let link = self.link(wire);
        self.host.push(link, topic, body.len())?;
        self.program.bodies.pushes.entry((link, topic)).or_default().push_back(body.to_vec());
        Ok(())
    }

    /// Ends a session or refuses a link from the host's side.
    pub fn evict(&mut self, wire: Wire, reason: Reason) {
        let link = self.link(wire);
        self.host.close(self.now, link, reason);
        self.drain();
    }

    /// All that past controllers held is released.
    pub fn release(&mut self) {
        while let Some(link) = self.program.unreleased.pop() {
            self.log(format_args!("released {link}"));
            self.host.released(self.now, link);
        }
        self.drain();
    }

    // Commands of a controller's program.

    /// Asks the host for a method.
    pub fn call(&mut self, wire: Wire, method: &str, body: &[u8]) -> RequestId {
        self.try_call(wire, method, body).expect("the session is open and has room")
    }

    /// Asks the host for a method.
    ///
    /// # Errors
    /// What the client says to it.
    pub fn try_call(&mut self, wire: Wire, method: &str, body: &[u8]) -> Result<RequestId, Misuse> {
        self.operations += 1;
        self.call_for(wire, method, self.operations.to_le_bytes(), body)
    }

    /// Asks the host for a method, for an operation of the test's choice.
    ///
    /// # Errors
    /// What the client says to it.
    pub fn call_for(
        &mut self,
        wire: Wire,
        method: &str,
        operation: OperationId,
        body: &[u8],
    ) -> Result<RequestId, Misuse> {
        let controller = self.controller_mut(wire);
        let call = controller.client.call(method, operation, body.len())?;
        controller.bodies.calls.insert(call, body.to_vec());
        controller.unanswered.insert(call);
        Ok(call)
    }

    /// Asks the host for the items of a stream, and for so many bytes of them.
    ///
    /// # Errors
    /// What the client says to it.
    pub fn subscribe(&mut self, wire: Wire, method: &str, credit: u32, body: &[u8]) -> Result<RequestId, Misuse> {
        let controller = self.controller_mut(wire);
        let call = controller.client.subscribe(method, credit, body.len())?;
        controller.bodies.calls.insert(call, body.to_vec());
        controller.unanswered.insert(call);
        Ok(call)
    }

    /// Takes more of a stream.
    ///
    /// # Errors
    /// What the client says to it.
    pub fn grant(&mut self, wire: Wire, call: RequestId, bytes: u32) -> Result<(), Misuse> {
        self.controller_mut(wire).client.grant(call, bytes)
    }

    /// Does not want a call any more.
    ///
    /// # Errors
    /// What the client says to it.
    pub fn cancel(&mut self, wire: Wire, call: RequestId) -> Result<bool, Misuse> {
        let controller = self.controller_mut(wire);
        let is_answered = controller.client.cancel(call)?;
        if !is_answered {
            controller.unanswered.remove(&call);
        }
        Ok(is_answered)
    }

    /// Ends the session from the controller's side.
    pub fn close(&mut self, wire: Wire, reason: Reason) {
        let now = self.now;
        let controller = self.controller_mut(wire);
        controller.client.close(now, reason);
        let events = controller.poll_events();
        self.log_events(wire, &events);
    }

    fn controller_mut(&mut self, wire: Wire) -> &mut Controller {
        self.wires[wire.0].controller().expect("the far end is a controller")
    }

    // The host's events.

    fn drain(&mut self) {
        while let Some(event) = self.host.poll_event() {
            self.log(format_args!("host: {event:?}"));
            self.on_event(event);
            self.events.push(event);
        }
        let open = self.host.controller().map(|(link, peer, _)| (link, peer));
        assert_eq!(open, self.program.open, "I1: the session that is open is the one that was opened");
    }

    fn on_event(&mut self, event: Event) {
        match event {
            Event::GreetingDue { link, verdict } => {
                let is_version_1 = self.host.wire(link) == Some(opendesk_core::Wire::V1);
                let total = self.program.greet(link, verdict, is_version_1);
                self.host.greet(link, total);
            }
            Event::SessionOpened { link, peer } => self.program.opened(link, peer),
            Event::SessionEnded { link, peer, .. } => {
                self.program.ended(link, peer);
                if self.program.releases_at_once {
                    self.program.unreleased.clear();
                    self.host.released(self.now, link);
                }
            }
            Event::CallCancelled { link, call } => self.program.cancelled(link, call),
            Event::LinkClosed { link, .. } => {
                self.program.closed(link);
                let wire = self.wire(link);
                self.pipe(wire, Way::ToPeer).ended = true;
            }
            Event::StreamReady { link, call } => self.program.stream_ready(link, call),
            Event::WrongCode { .. } | Event::PairingEnded(_) | Event::ProbeDue { .. } => {}
        }
    }

    fn log_events(&mut self, wire: Wire, events: &[ClientEvent]) {
        for event in events {
            self.log(format_args!("{wire}: {event:?}"));
        }
    }

    fn log(&mut self, line: Arguments<'_>) {
        self.trace.push(format!("{:>12} {line}", self.now.micros()));
    }
}

/// The next 32 bytes of a sequence (splitmix64).
fn random(state: &mut u64) -> [u8; 32] {
    let mut bytes = [0; 32];
    for chunk in bytes.chunks_exact_mut(8) {
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        chunk.copy_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes());
    }
    bytes
}
