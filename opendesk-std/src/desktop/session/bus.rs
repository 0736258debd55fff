//! Calls on a D-Bus message bus, each with a deadline.

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Instant;

use zbus::connection::Builder;
use zbus::{Connection, Message};

use crate::cancel::Cancel;
use crate::clock::monotonic;
use crate::home::printable;

/// How many threads may hang at a bus that takes connections and does not answer.
const MAX_ATTEMPTS: usize = 4;

/// Which bus.
#[derive(Debug, Clone)]
enum Address {
    Session(String),
    System,
}

/// A bus to connect to.
#[derive(Debug, Clone)]
pub(super) struct Dial {
    address: Address,
    attempts: Arc<AtomicUsize>,
}

impl Dial {
    /// The session bus at this address.
    pub(super) fn session(address: &str) -> Self {
        Self { address: Address::Session(address.to_owned()), attempts: Arc::default() }
    }

    /// The bus of the machine.
    pub(super) fn system() -> Self {
        Self { address: Address::System, attempts: Arc::default() }
    }

    /// Connects. It and every call on the connection take `limit` at most.
    ///
    /// # Errors
    /// [`Fault::Gone`].
    pub(super) fn connect(&self, limit: Duration) -> Outcome<Bus> {
        if self.attempts.fetch_add(1, Ordering::AcqRel) >= MAX_ATTEMPTS {
            self.attempts.fetch_sub(1, Ordering::AcqRel);
            return Err(Fault::Gone("it takes connections and does not answer".to_owned()));
        }
        let Self { address, attempts } = self.clone();
        let (done, result) = mpsc::channel();
        // The handshake has no deadline of its own. Where it hangs, this thread waits on and nobody else does.
        let attempt = move || {
            let connected = match address {
                Address::Session(address) => zbus::block_on(open(&address, Some(limit))),
                Address::System => zbus::block_on(Builder::system().method_timeout(limit).build()),
            };
            attempts.fetch_sub(1, Ordering::AcqRel);
            let _is_awaited = done.send(connected).is_ok();
        };
        if let Err(error) = thread::Builder::new().name("opendesk-bus".to_owned()).spawn(attempt) {
            self.attempts.fetch_sub(1, Ordering::AcqRel);
            return Err(Fault::Gone(error.to_string()));
        }
        match result.recv_timeout(limit) {
            Ok(Ok(connection)) => Ok(Bus { connection, until: None }),
            Ok(Err(error)) => Err(Fault::Gone(printable(&error.to_string()))),
            Err(_) => Err(Fault::Gone(format!("it did not answer within {limit:?}"))),
        }
    }
}

/// Connects to the first of the buses of an address that takes it, which is one address or several with semicolons
/// between them. Without a limit, calls on the connection have no deadline.
pub(crate) async fn open(address: &str, limit: Option<Duration>) -> zbus::Result<Connection> {
    let mut outcome = Err(zbus::Error::Address(address.to_owned()));
    for one in address.split(';').filter(|one| !one.is_empty()) {
        let builder = Builder::address(one);
        outcome = match limit {
            Some(limit) => builder.method_timeout(limit).build().await,
            None => builder.build().await,
        };
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

/// When several calls end that belong together: none begins after that, or once nobody wants them any more.
#[derive(Debug, Clone)]
pub(super) struct Until {
    end: Option<Instant>,
    cancel: Cancel,
}

impl Until {
    /// From now on for this long.
    pub(super) fn within(limit: Duration, cancel: &Cancel) -> Self {
        Self { end: monotonic().checked_add(limit), cancel: cancel.clone() }
    }

    /// Whether nothing may begin any more.
    pub(super) fn is_over(&self) -> bool {
        self.cancel.is_cancelled() || self.end.is_some_and(|end| monotonic() >= end)
    }

    /// Whether nobody wants what has begun.
    pub(super) fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }
}

/// The outcome of talking to a bus.
pub(super) type Outcome<T> = Result<T, Fault>;

/// Why a call on a bus failed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The bus is not there, or somebody on it does not answer.
    Gone(String),
    /// Somebody answered with an error, or not what was asked for.
    Refused(String),
}

impl Fault {
    /// One line.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Gone(text) | Self::Refused(text) => text,
        }
    }
}

impl From<zbus::Error> for Fault {
    fn from(error: zbus::Error) -> Self {
        let text = printable(&error.to_string());
        match error {
            zbus::Error::InputOutput(_) | zbus::Error::Connection(..) | zbus::Error::Handshake(_) => Self::Gone(text),
            _ => Self::Refused(text),
        }
    }
}

/// Whom to call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target<'a> {
    /// A name on the bus.
    pub(super) name: &'a str,
    /// An object.
    pub(super) path: &'a str,
    pub(super) interface: &'a str,
}

/// The bus itself.
const BUS: Target<'_> =
    Target { name: "org.freedesktop.DBus", path: "/org/freedesktop/DBus", interface: "org.freedesktop.DBus" };

/// A connection to a bus.
#[derive(Debug)]
pub(super) struct Bus {
    connection: Connection,
    until: Option<Until>,
}

impl Bus {
    /// The same connection for calls that belong together.
    pub(super) fn within(&self, until: &Until) -> Self {
        Self { connection: self.connection.clone(), until: Some(until.clone()) }
    }

    /// Whether it is of no more use.
    pub(super) fn is_closed(&self) -> bool {
        self.connection.is_closed()
    }

    /// Calls a method and waits for its answer.
    ///
    /// # Errors
    /// [`Fault::Refused`] for an answer that is an error, [`Fault::Gone`] without an answer and without time.
    pub(super) fn call<B>(&self, target: Target<'_>, method: &str, body: &B) -> Outcome<Message>
    where
        B: serde::Serialize + zbus::DynamicType,
    {
        if self.until.as_ref().is_some_and(Until::is_over) {
            return Err(Fault::Gone("there is no time left to ask".to_owned()));
        }
        let Target { name, path, interface } = target;
        Ok(zbus::block_on(self.connection.call_method(Some(name), path, Some(interface), method, body))?)
    }

    /// The names that somebody on the bus has.
    pub(super) fn names(&self) -> Outcome<Vec<String>> {
        Ok(self.call(BUS, "ListNames", &())?.body().deserialize()?)
    }

    /// The names that the bus would start somebody for.
    pub(super) fn startable(&self) -> Outcome<Vec<String>> {
        Ok(self.call(BUS, "ListActivatableNames", &())?.body().deserialize()?)
    }

    /// The connection that has a name. Calling it instead of the name starts nobody who has gone.
    pub(super) fn owner(&self, name: &str) -> Outcome<String> {
        Ok(self.call(BUS, "GetNameOwner", &name)?.body().deserialize()?)
    }
}
