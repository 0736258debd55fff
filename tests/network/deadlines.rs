//! Hosts that say nothing, or too little: the controller gives up at its deadline, whatever they did before, and says why
//! (W26). The clock leaps, so nobody waits.

#![expect(clippy::unwrap_used, reason = "every function here is the body of a test")]

use core::net::SocketAddr;
use core::time::Duration;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use async_channel::{Receiver, Sender};
use futures_util::future::{Either, select};
use opendesk_core::{Reason, limits};
use opendesk_std::Cancel;
use opendesk_std::api::TextInput;
use opendesk_std::client::{self, CALL, Client, ClientError, ConnectOptions, PairOptions};
use opendesk_std::desktop::r#virtual::VirtualDesktop;
use opendesk_std::govern::AskAll;
use opendesk_std::govern::ask::{Answer, Approver, Question};
use opendesk_std::home::{Home, NewPeer, Peers};
use opendesk_std::host::HostOptions;
use opendesk_std::runtime::{Runtime, timeout};
use opendesk_tests::halting::{Halting, Stops, Then};
use opendesk_tests::leap::Leaping;
use opendesk_tests::rig::Rig;

/// How long something may take that needs no deadline, on a slow machine. The clock goes on meanwhile, so it is shorter
/// than what lies between two deadlines.
const PATIENCE: Duration = Duration::from_secs(9);

const SECOND: Duration = Duration::from_secs(1);

/// One module of tests for an adapter: its runtime, and how a future is run to its end on it.
macro_rules! adapters {
    ($($name:ident: $runtime:expr, $block_on:expr;)*) => {
        $(mod $name {
            adapters!(@tests $runtime, $block_on, [
                a_host_that_stops_before_the_session_is_given_up_after_ten_seconds,
                a_host_that_says_a_byte_each_second_is_given_up_after_ten_seconds_too,
                a_host_of_which_no_version_is_known_gets_no_more_time,
                a_session_that_falls_silent_ends_after_thirty_seconds,
                bytes_that_never_become_a_message_keep_no_session_alive,
                a_call_that_is_never_answered_ends_and_the_session_goes_on,
            ]);
        })*
    };
    (@tests $runtime:expr, $block_on:expr, [$($test:ident),* $(,)?]) => {
        $(
            #[test]
            fn $test() {
                $block_on(super::$test($runtime));
            }
        )*
    };
}

adapters! {
    tokio: opendesk_tokio::Tokio, crate::run;
    smol: opendesk_smol::Smol, smol::block_on;
}

/// A real host that is paired with `controller` and shows a code, on a thread of its own.
#[derive(Debug)]
struct Behind {
    address: SocketAddr,
    folder: PathBuf,
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Behind {
    fn start() -> Self {
        let (tell, told) = async_channel::bounded(1);
        let (end, ended) = async_channel::bounded::<()>(1);
        let thread = thread::spawn(move || {
            crate::run(async {
                let rig = Rig::start_as(|home| HostOptions {
                    policy: Box::new(AskAll),
                    approver: Arc::new(Nobody),
                    approve: "console",
                    ..HostOptions::new(home, Arc::new(VirtualDesktop::default()))
                });
                rig.pair("controller").await;
                rig.show("123456").await;
                tell.send((rig.address, rig.folder.path().to_owned())).await.unwrap();
                assert!(ended.recv().await.is_err());
                rig.stop().await;
            });
        });
        let (address, folder) = told.recv_blocking().expect("the host starts");
        Self { address, folder, end: Some(end), thread: Some(thread) }
    }

    fn home(&self, name: &str) -> Home {
        Home::open(Some(self.folder.join(name))).expect("a home")
    }

    /// Tells the controller that the host is at this address.
    fn is_at(&self, address: SocketAddr) -> ConnectOptions {
        let home = self.home("controller");
        let mut peers = Peers::load(&home).expect("a list");
        let key = peers.by_name("host").expect("it is paired").public_key;
        assert!(peers.set_endpoint(&key, &address.ip().to_string(), address.port()).expect("it can be written"));
        ConnectOptions { home, peer: "host".to_owned() }
    }
}

impl Drop for Behind {
    fn drop(&mut self) {
        drop(self.end.take());
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(thread::panicking() || ended.is_none_or(|ended| ended.is_ok()), "the host ends well");
    }
}

/// An owner who is asked and says nothing.
#[derive(Debug)]
struct Nobody;

impl Approver for Nobody {
    fn ask(&self, _question: &Question, cancel: &Cancel) -> Answer {
        while !cancel.is_cancelled() {
            thread::yield_now();
        }
        Answer::Nobody("given up".to_owned())
    }
}

/// What a controller does with a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    Connects,
    Pairs,
}

/// Begins to connect to a host, or to pair with it.
fn begin<R: Runtime + Unpin>(
    clock: &Leaping<R>,
    does: Does,
    behind: &Behind,
    at: SocketAddr,
) -> Receiver<Result<(), ClientError>> {
    let (tell, told) = async_channel::bounded(1);
    let runtime = clock.clone();
    let connecting = behind.is_at(at);
    let pairing = PairOptions {
        home: behind.home("stranger"),
        host: at.ip().to_string(),
        port: at.port(),
        code: "123456".to_owned(),
        name: None,
    };
    clock.spawn(async move {
        let outcome = match does {
            Does::Connects => client::connect(runtime, &connecting).await.map(drop),
            Does::Pairs => client::pair(runtime, &pairing).await.map(drop),
        };
        tell.send(outcome).await.unwrap();
    });
    told
}

/// Waits for what needs no deadline.
async fn soon<R: Runtime, T>(runtime: &R, what: &str, future: impl Future<Output = T>) -> T {
    timeout(runtime, PATIENCE, future).await.unwrap_or_else(|| panic!("it takes too long: {what}"))
}

fn is_late(error: &ClientError) -> bool {
    match error {
        ClientError::Timeout { after, .. } => *after == limits::HANDSHAKE,
        ClientError::Closed(reason) => *reason == Reason::TIMEOUT,
        _ => false,
    }
}

const STOPS: [(Does, Stops); 7] = [
    (Does::Connects, Stops::Accepted),
    (Does::Connects, Stops::Upgraded),
    // It has proved its key, and sends no HELLO.
    (Does::Connects, Stops::After(1)),
    (Does::Pairs, Stops::Accepted),
    (Does::Pairs, Stops::Upgraded),
    (Does::Pairs, Stops::After(1)),
    // It has proved the code, and sends no HELLO.
    (Does::Pairs, Stops::After(2)),
];

async fn a_host_that_stops_before_the_session_is_given_up_after_ten_seconds<R: Runtime + Unpin>(runtime: R) {
    let behind = Behind::start();
    for (does, stops) in STOPS {
        let clock = Leaping::new(runtime.clone());
        let halting = Halting::start(stops, Then::Silence, Some(behind.address));
        let outcome = begin(&clock, does, &behind, halting.address);
        soon(&runtime, "the host stops", halting.stopped()).await;
        clock.leap(limits::HANDSHAKE / 2);
        assert!(outcome.is_empty(), "{does:?}, {stops:?}: {outcome:?}");
        clock.leap(limits::HANDSHAKE / 2 + SECOND);
        let error = soon(&runtime, "it is given up", outcome.recv()).await.unwrap().unwrap_err();
        assert!(is_late(&error), "{does:?}, {stops:?}: {error:?}");
    }
    assert!(Peers::load(&behind.home("stranger")).unwrap().list().is_empty(), "nobody is trusted for half a proof");
}

async fn a_host_that_says_a_byte_each_second_is_given_up_after_ten_seconds_too<R: Runtime + Unpin>(runtime: R) {
    let behind = Behind::start();
    for (does, stops) in STOPS {
        let clock = Leaping::new(runtime.clone());
        let halting = Halting::start(stops, Then::Trickle, Some(behind.address));
        let outcome = begin(&clock, does, &behind, halting.address);
        soon(&runtime, "the host stops", halting.stopped()).await;
        let error = trickled(&clock, &runtime, &halting, &outcome, limits::HANDSHAKE).await.unwrap_err();
        assert!(is_late(&error), "{does:?}, {stops:?}: {error:?}");
    }
}

/// A host says a byte each second for so long, and a second more. Gives the outcome, which needs no more time than that.
async fn trickled<R: Runtime + Unpin, T>(
    clock: &Leaping<R>,
    runtime: &R,
    halting: &Halting,
    outcome: &Receiver<T>,
    time: Duration,
) -> T {
    for _ in 0..=time.as_secs() {
        clock.leap(SECOND);
        let said = async {
            let (said, ended) = (pin!(halting.trickle()), pin!(outcome.recv()));
            match select(said, ended).await {
                Either::Left(_) => None,
                Either::Right((ended, _)) => Some(ended.unwrap()),
            }
        };
        if let Some(outcome) = soon(runtime, "a byte is said", said).await {
            return outcome;
        }
    }
    soon(runtime, "the deadline has passed", outcome.recv()).await.unwrap()
}

async fn a_host_of_which_no_version_is_known_gets_no_more_time<R: Runtime + Unpin>(runtime: R) {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::open(Some(folder.path().join("home"))).unwrap();
    for stops in [Stops::Accepted, Stops::Upgraded] {
        let clock = Leaping::new(runtime.clone());
        let halting = Halting::start(stops, Then::Silence, None);
        // A machine of version 1, or of one that is not known: both versions are tried within the one time.
        let machine = NewPeer {
            public_key: [9; 32],
            name: "host".to_owned(),
            paired_at: 1.0,
            signing_key: None,
            wire: 1,
            terms: None,
        };
        let mut peers = Peers::load(&home).unwrap();
        peers.add(&machine).unwrap();
        peers.set_endpoint(&[9; 32], "127.0.0.1", halting.address.port()).unwrap();
        let (tell, told) = async_channel::bounded(1);
        let (connects, options) = (clock.clone(), ConnectOptions { home: home.clone(), peer: "host".to_owned() });
        clock.spawn(async move {
            tell.send(client::connect(connects, &options).await.map(drop)).await.unwrap();
        });
        soon(&runtime, "the host stops", halting.stopped()).await;
        clock.leap(limits::HANDSHAKE + SECOND);
        let error = soon(&runtime, "it is given up", told.recv()).await.unwrap().unwrap_err();
        assert!(is_late(&error), "{stops:?}: {error:?}");
    }
}

/// A session with a host that stops behind its HELLO.
async fn session<R: Runtime + Unpin>(
    clock: &Leaping<R>,
    behind: &Behind,
    then: Then,
) -> (Halting, Client, Receiver<Result<(), ClientError>>) {
    let halting = Halting::start(Stops::After(2), then, Some(behind.address));
    let options = behind.is_at(halting.address);
    let client = client::connect(clock.clone(), &options).await.expect("the HELLO comes through");
    halting.stopped().await;
    let (tell, told) = async_channel::bounded(1);
    let calls = client.clone();
    clock.spawn(async move {
        tell.send(calls.cursor_position().await.map(drop)).await.unwrap();
    });
    (halting, client, told)
}

async fn a_session_that_falls_silent_ends_after_thirty_seconds<R: Runtime + Unpin>(runtime: R) {
    let (behind, clock) = (Behind::start(), Leaping::new(runtime.clone()));
    let (_halting, client, outcome) = session(&clock, &behind, Then::Silence).await;
    clock.leap(limits::SILENCE / 2);
    assert!(outcome.is_empty() && client.is_open());
    clock.leap(limits::SILENCE / 2 + SECOND);
    let error = soon(&runtime, "the session ends", outcome.recv()).await.unwrap().unwrap_err();
    assert!(matches!(error, ClientError::Closed(Reason::SILENT)), "{error:?}");
}

async fn bytes_that_never_become_a_message_keep_no_session_alive<R: Runtime + Unpin>(runtime: R) {
    let (behind, clock) = (Behind::start(), Leaping::new(runtime.clone()));
    let (halting, _client, outcome) = session(&clock, &behind, Then::Trickle).await;
    let error = trickled(&clock, &runtime, &halting, &outcome, limits::SILENCE).await.unwrap_err();
    assert!(matches!(error, ClientError::Closed(Reason::SILENT)), "{error:?}");
}

async fn a_call_that_is_never_answered_ends_and_the_session_goes_on<R: Runtime + Unpin>(runtime: R) {
    let (behind, clock) = (Behind::start(), Leaping::new(runtime.clone()));
    let client = client::connect(clock.clone(), &behind.is_at(behind.address)).await.unwrap();
    let (tell, outcome) = async_channel::bounded(1);
    let calls = client.clone();
    clock.spawn(async move {
        tell.send(calls.text(&TextInput { text: "x".to_owned(), interval_ms: 0 }).await).await.unwrap();
    });
    let step = 5 * SECOND;
    for _ in 2..CALL.as_secs() / step.as_secs() {
        // Others are answered meanwhile.
        soon(&runtime, "another call", client.cursor_position()).await.unwrap();
        clock.leap(step);
        assert!(outcome.is_empty(), "{outcome:?}");
    }
    soon(&runtime, "another call", client.cursor_position()).await.unwrap();
    clock.leap(3 * step);
    let error = soon(&runtime, "the call ends", outcome.recv()).await.unwrap().unwrap_err();
    assert!(matches!(&error, ClientError::Timeout { after, .. } if *after == CALL), "{error:?}");
    assert_eq!(error.to_string(), "the host's input.text did not answer within 90 s");
    soon(&runtime, "another call", client.cursor_position()).await.unwrap();
}
