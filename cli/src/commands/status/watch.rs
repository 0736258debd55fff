//! The terminal view at work: keys, the host and the clock in, drawings and orders out.

use core::time::Duration;
use std::io;
use std::pin::pin;
use std::thread;
use std::time::Instant;

use async_channel::{Receiver, Sender};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use opendesk_std::govern::control::{Control, Mode};
use opendesk_std::home::Home;
use opendesk_std::host::{
    AdminError, decide_through_running, disconnect_through_running, follow_running, reload_running,
};
use opendesk_std::runtime::Runtime;
use opendesk_tokio::Tokio;
use ratatui::crossterm::event::{self, Event};

use super::model::{Model, Order};
use super::screen::Screen;
use super::seen::{Seen, look};
use super::times::Times;
use super::{Context, interrupted, view};
use crate::exit::Failure;

/// How often it is looked at the host when nothing happens, and whether there is one.
const SECOND: Duration = Duration::from_secs(1);

/// How long nobody looks after a look: events come in crowds.
const REST: Duration = Duration::from_millis(100);

/// How long what was ordered may take once the view is to end: as long as it may wait for the lock of the home.
const LEAVING: Duration = Duration::from_secs(6);

/// Shows the view until a key or a signal ends it.
pub(super) async fn run(context: &Context) -> Result<(), Failure> {
    let mut ended = pin!(ended());
    let mut screen = Screen::open().map_err(|error| unusable(&error))?;
    let (seen, looks) = async_channel::bounded(1);
    let mut host = pin!(attend(&context.home, &seen));
    let begun = Tokio.now();
    let keys = listen(begun);
    let mut model = Model::default();
    let mut orders = FuturesUnordered::new();
    let mut second = tokio::time::interval(SECOND);
    let end = loop {
        show(&mut screen, &mut model, begun).map_err(|error| unusable(&error))?;
        let order = tokio::select! {
            () = &mut ended => break Ok(()),
            () = &mut host => break Ok(()),
            key = keys.recv() => match key {
                Ok((Event::Key(key), at)) => model.key(key, at),
                Ok(_) => None,
                Err(_) => break Err(Failure::failed("the terminal is gone")),
            },
            seen = looks.recv() => {
                if let Ok(seen) = seen {
                    model.look(seen);
                }
                None
            }
            Some((order, result)) = orders.next() => {
                model.done(order, result, since(begun));
                None
            }
            _ = second.tick() => None,
        };
        match order {
            Some(Order::Quit) => break Ok(()),
            Some(Order::Redraw) => screen.clear().map_err(|error| unusable(&error))?,
            Some(order @ (Order::Decide { .. } | Order::Set(_) | Order::Disconnect)) => {
                orders.push(carry_out(&context.home, order));
            }
            None => {}
        }
    };
    // Whoever stops everything and leaves has stopped everything.
    while let Ok(Some((_, result))) = tokio::time::timeout(LEAVING, orders.next()).await {
        result.map_err(Failure::failed)?;
    }
    end
}

fn unusable(error: &io::Error) -> Failure {
    Failure::failed(format!("the terminal cannot be used: {error}"))
}

fn since(begun: Instant) -> Duration {
    Tokio.now().saturating_duration_since(begun)
}

/// Draws. It blocks while the terminal takes no more, and then there is nothing else to do.
fn show(screen: &mut Screen, model: &mut Model, begun: Instant) -> io::Result<()> {
    model.tick(since(begun));
    let times = Times::now();
    let mut shown = None;
    screen.draw(|frame| shown = view::draw(frame, model, &times))?;
    model.drawn(shown, since(begun));
    Ok(())
}

/// The keys, with the time since the beginning at which each came. The thread that waits for them ends with the
/// program.
fn listen(begun: Instant) -> Receiver<(Event, Duration)> {
    let (sender, keys) = async_channel::unbounded();
    let listening = thread::Builder::new().name("keys".to_owned()).spawn(move || {
        while let Ok(event) = event::read() {
            if sender.try_send((event, since(begun))).is_err() {
                break;
            }
        }
    });
    if let Err(error) = listening {
        tracing::error!(%error, "there can be no thread for the keys");
    }
    keys
}

/// Looks at the host each second, and when something happens there.
async fn attend(home: &Home, seen: &Sender<Result<Seen, String>>) {
    let (happened, happens) = async_channel::bounded(1);
    // One that was not heard yet is enough.
    let tell = |happened: &Sender<()>| happened.try_send(()).unwrap_or_default();
    let following = async {
        loop {
            let followed = follow_running(&Tokio, home, || tell(&happened), |_event| tell(&happened)).await;
            // Whatever it said: the next look tells why nothing more is heard.
            drop(followed);
            tell(&happened);
            tokio::time::sleep(SECOND).await;
        }
    };
    let looking = async {
        while seen.send(look(home).await).await.is_ok() {
            tokio::time::sleep(REST).await;
            drop(tokio::time::timeout(SECOND, happens.recv()).await);
        }
    };
    tokio::select! {
        () = following => {}
        () = looking => {}
    }
}

/// Does what a key asked for, and tells what became of it.
async fn carry_out(home: &Home, order: Order) -> (Order, Result<String, String>) {
    let result = match order {
        Order::Decide { number, allow } => {
            let decided = decide_through_running(&Tokio, home, number, allow).await;
            decided.map(|()| if allow { "allowed" } else { "denied" }.to_owned()).map_err(|error| error.to_string())
        }
        Order::Set(mode) => set(home, mode).await,
        Order::Disconnect => match disconnect_through_running(&Tokio, home).await {
            Ok(0) => Ok("nobody drives this machine".to_owned()),
            Ok(_) => Ok("the controller was disconnected; it is still trusted".to_owned()),
            Err(error) => Err(error.to_string()),
        },
        Order::Quit | Order::Redraw => Ok(String::new()),
    };
    (order, result)
}

/// Writes what controllers may do, and has a host that runs look at it at once.
async fn set(home: &Home, mode: Mode) -> Result<String, String> {
    let files = home.clone();
    let written = Tokio.run_blocking(move || Control::set(&files, mode, "")).await;
    written.map_err(|error| error.to_string())?;
    let done = match mode {
        Mode::Running => "controllers may act again",
        Mode::Stopped => "all controllers are stopped; r lets them act again",
        Mode::Takeover => "this machine is taken over; r hands it back",
    };
    match reload_running(&Tokio, home).await {
        Ok(()) | Err(AdminError::NotRunning) => Ok(done.to_owned()),
        Err(AdminError::Failed(why)) => {
            Ok(format!("{done}; the host sees it by itself, as it could not be told: {why}"))
        }
    }
}

/// Waits for a request to end, or for the end of the terminal.
async fn ended() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut hangup) = signal(SignalKind::hangup()) {
            tokio::select! {
                _ = hangup.recv() => {}
                () = interrupted() => {}
            }
            return;
        }
    }
    interrupted().await;
}
