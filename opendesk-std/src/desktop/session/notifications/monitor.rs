//! Reading along on the session bus (D-Bus Specification, "org.freedesktop.DBus.Monitoring.BecomeMonitor").

use core::pin::pin;
use core::time::Duration;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use futures_util::StreamExt as _;
use futures_util::future::{Either, select};
use zbus::message::{EndianSig, Header, Type};
use zbus::{Message, MessageStream};

use super::PATIENCE;
use crate::api::Notification;
use crate::clock::{epoch_seconds, monotonic};
use crate::desktop::session::bus::open;
use crate::desktop::session::markup;
use crate::desktop::session::shown::{CallId, Content, Shown};
use crate::home::printable;

/// What concerns notifications: the calls that ask for them, the server's answers, and what it tells of their end, also
/// when somebody took one back, and of its own.
const RULES: [&str; 5] = [
    "type='method_call',interface='org.freedesktop.Notifications',member='Notify'",
    "type='method_return',sender='org.freedesktop.Notifications'",
    "type='error',sender='org.freedesktop.Notifications'",
    "type='signal',sender='org.freedesktop.Notifications',interface='org.freedesktop.Notifications',\
     member='NotificationClosed'",
    "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',member='NameOwnerChanged',\
     arg0='org.freedesktop.Notifications'",
];

/// The arguments of `Notify`.
const NOTIFY: &str = "susssasa{sv}i";

/// How far reading along has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Phase {
    /// The bus has not let us yet.
    #[default]
    Connecting,
    /// Everything that concerns notifications is seen.
    Listening,
    /// The bus refused or went away.
    Ended(String),
}

/// What the thread that reads and those who ask share.
#[derive(Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    phase: Phase,
    shown: Shown,
}

impl Shared {
    /// Waits until it is known whether notifications are read.
    pub(super) fn await_begin(&self, limit: Duration) -> Phase {
        let connecting = |state: &mut State| state.phase == Phase::Connecting;
        let waited = self.changed.wait_timeout_while(self.state(), limit, connecting);
        waited.unwrap_or_else(PoisonError::into_inner).0.phase.clone()
    }

    pub(super) fn has_ended(&self) -> bool {
        matches!(self.state().phase, Phase::Ended(_))
    }

    pub(super) fn list(&self, now: Instant) -> Vec<Notification> {
        self.state().shown.list(now)
    }

    fn enter(&self, phase: Phase) {
        let mut state = self.state();
        state.phase = phase;
        state.shown.clear();
        self.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads along until `stopped` is closed or the bus goes away.
pub(super) fn read_along(address: &str, shared: &Shared, stopped: &async_channel::Receiver<()>) {
    let why = zbus::block_on(async {
        let reading = pin!(read(address, shared));
        let stopped = pin!(stopped.recv());
        match select(reading, stopped).await {
            Either::Left((Err(error), _)) => printable(&error.to_string()),
            Either::Left((Ok(()), _)) => "it went away".to_owned(),
            Either::Right(_) => "nobody wants to know".to_owned(),
        }
    });
    shared.enter(Phase::Ended(why));
}

async fn read(address: &str, shared: &Shared) -> zbus::Result<()> {
    let connection = open(address, Some(PATIENCE)).await?;
    let mut messages = MessageStream::from(&connection);
    let (bus, path, interface) = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus.Monitoring");
    connection.call_method(Some(bus), path, Some(interface), "BecomeMonitor", &(&RULES[..], 0_u32)).await?;
    shared.enter(Phase::Listening);
    while let Some(message) = messages.next().await {
        // Reading a long one takes a while, in which nobody who asks should wait.
        if let Some(event) = Event::of(&message?) {
            shared.state().shown.note(event, monotonic(), epoch_seconds());
        }
    }
    Ok(())
}

/// What a message on the bus tells of notifications.
enum Event {
    Asked(CallId, Content),
    /// The server's answer, with the number of the notification if it is one.
    Answered(CallId, Option<u32>),
    Closed(u32),
    /// Another server shows them from now on, or none.
    Replaced,
}

impl Event {
    /// What is not as it should be tells nothing.
    fn of(message: &Message) -> Option<Self> {
        let header = message.header();
        let member = header.member().map(|member| member.as_str()).unwrap_or_default();
        match (message.message_type(), member) {
            (Type::MethodCall, "Notify") => Some(Self::Asked(call_of(&header)?, content(message)?)),
            (Type::MethodReturn, _) => Some(Self::Answered(answered_call(&header)?, message.body().deserialize().ok())),
            (Type::Error, _) => Some(Self::Answered(answered_call(&header)?, None)),
            (Type::Signal, "NotificationClosed") => {
                let (id, _reason) = message.body().deserialize::<(u32, u32)>().ok()?;
                Some(Self::Closed(id))
            }
            (Type::Signal, "NameOwnerChanged") => Some(Self::Replaced),
            _ => None,
        }
    }
}

impl Shown {
    /// Takes note of what passed on the bus.
    fn note(&mut self, event: Event, now: Instant, timestamp: f64) {
        match event {
            Event::Asked(call, content) => self.asked(call, content),
            Event::Answered(call, id) => self.answered(&call, id, now, timestamp),
            Event::Closed(id) => self.closed(id),
            // Whoever comes after does not show what the one before did.
            Event::Replaced => self.clear(),
        }
    }
}

fn call_of(header: &Header<'_>) -> Option<CallId> {
    Some(CallId { caller: header.sender()?.to_string(), serial: header.primary().serial_num() })
}

fn answered_call(header: &Header<'_>) -> Option<CallId> {
    Some(CallId { caller: header.destination()?.to_string(), serial: header.reply_serial()? })
}

/// What a call of `Notify` says. Its hints, which may hold pictures, are stepped over.
fn content(message: &Message) -> Option<Content> {
    let body = message.body();
    if body.signature().to_string_no_parens() != NOTIFY {
        return None;
    }
    let (app, _replaces, _icon, title, text) =
        body.deserialize_ignore_signature::<(&str, u32, &str, &str, &str)>().ok()?;
    // The last argument is a number of four bytes.
    let last = *body.data().bytes().last_chunk::<4>()?;
    let milliseconds = match message.primary_header().endian_sig() {
        EndianSig::Little => i32::from_le_bytes(last),
        EndianSig::Big => i32::from_be_bytes(last),
    };
    let lifetime = u64::try_from(milliseconds).ok().filter(|milliseconds| *milliseconds > 0);
    Some(Content {
        app: markup::line(app),
        title: markup::line(title),
        body: markup::plain(text),
        lifetime: lifetime.map(Duration::from_millis),
    })
}

#[cfg(test)]
mod tests;
