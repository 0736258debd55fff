//! A window of our own that takes part in accessibility as programs do, to find out whether accessibility works: what is
//! asked and done there arrives here, on the other side.
//!
//! It has a connection of its own, so the bus and whoever asks take it for any other program. It waits for nobody, and
//! what it is asked is answered by whichever thread waits on the bus: asking it from its own process cannot hang.

mod element;
mod faces;

use core::fmt;
use core::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use zbus::Connection;
use zbus::connection::Builder;

use super::BUDGET;
use super::bus::{Answer, Place, Wired, brief};
use super::wait::{Ticker, run};
use crate::api::{Error, Rect, Result};
use crate::cancel::Cancel;
use crate::clock;
use crate::desktop::session::open_bus;
use element::{Element, wired};
use faces::Seen;

/// Who knows where the accessibility bus is, on the session bus.
const LAUNCHER: &str = "org.a11y.Bus";
const LAUNCHER_PATH: &str = "/org/a11y/bus";

/// What the registry is as the one who takes in programs.
const SOCKET: &str = "org.a11y.atspi.Socket";

/// What a window says of itself.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outline {
    /// What its program is called.
    pub(crate) program: &'static str,
    /// The window, called by its title.
    pub(crate) window: Part,
    /// Something to click in it.
    pub(crate) button: Part,
    /// Something to write into.
    pub(crate) field: Part,
    /// What is written there.
    pub(crate) text: String,
}

/// A part of a window, or the whole of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Part {
    pub(crate) name: &'static str,
    /// In pixels of the desktop.
    pub(crate) place: Rect,
}

/// A window on the accessibility bus, for as long as the value is kept. It remembers what was done to its elements.
pub(crate) struct Provider {
    link: Connection,
    record: Arc<Record>,
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").field("name", &self.record.own.get()).finish_non_exhaustive()
    }
}

/// What the answers are made of.
#[derive(Debug)]
struct Record {
    outline: Outline,
    /// Its unique name on the bus. The first question comes after it is known.
    own: OnceLock<String>,
    clicks: AtomicU32,
    text: Mutex<String>,
}

impl Provider {
    /// Has a window take part in the accessibility of the session whose bus has this address. When this returns, whoever
    /// asks for the programs there is told of it. It takes two seconds at most.
    ///
    /// # Errors
    /// [`ErrorCode::Internal`](crate::api::ErrorCode::Internal) when the bus or its registry does not take it,
    /// [`ErrorCode::Cancelled`](crate::api::ErrorCode::Cancelled).
    pub(crate) fn open(session_bus: Option<&str>, outline: Outline, cancel: &Cancel) -> Result<Self> {
        let session = session_bus.ok_or_else(|| unable("the session has no D-Bus session bus"))?;
        let (clicks, text) = (AtomicU32::new(0), Mutex::new(outline.text.clone()));
        let record = Arc::new(Record { outline, own: OnceLock::new(), clicks, text });
        let (ticker, deadline) = (Ticker::default(), clock::monotonic() + BUDGET);
        let link = run(&ticker, cancel, async {
            match ticker.until(deadline, take_part(session, &record)).await {
                Some(Ok(link)) => Ok(link),
                Some(Err(error)) => Err(unable(&brief(&error))),
                None => Err(unable("it does not answer")),
            }
        })?;
        Ok(Self { link, record })
    }

    /// How often the button was clicked.
    pub(crate) fn clicks(&self) -> u32 {
        self.record.clicks.load(Ordering::Acquire)
    }

    /// What is written in the field.
    pub(crate) fn text(&self) -> String {
        self.record.text()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let (ticker, deadline) = (Ticker::default(), clock::monotonic() + BUDGET);
        // The registry forgets a program whose connection has ended.
        let link = self.link.clone();
        let closed = run(&ticker, &Cancel::new(), async { Ok(ticker.until(deadline, link.close()).await) });
        if !matches!(closed, Ok(Some(Ok(())))) {
            tracing::debug!("a connection to the accessibility bus was not closed in time");
        }
    }
}

impl Record {
    fn text(&self) -> String {
        self.text.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn write(&self, text: String) {
        *self.text.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }

    fn click(&self) {
        self.clicks.fetch_add(1, Ordering::AcqRel);
    }

    /// An element of this window as it stands in messages.
    fn wired(&self, element: Element) -> Wired {
        wired(self.own.get().map_or("", String::as_str), element.path())
    }
}

fn unable(why: &str) -> Error {
    Error::internal(format!(
        "a window of our own cannot take part in accessibility ({why}); see the Debian package at-spi2-core"
    ))
}

/// Serves the elements of a window and tells the registry of them.
async fn take_part(session: &str, record: &Arc<Record>) -> Answer<Connection> {
    let address = {
        let link = open_bus(session, None).await?;
        let told = link.call_method(Some(LAUNCHER), LAUNCHER_PATH, Some(LAUNCHER), "GetAddress", &()).await?;
        told.body().deserialize::<String>()?
    };
    let link = serve(&address, record).await?;
    if let Some(own) = link.unique_name() {
        let own = record.own.get_or_init(|| own.to_string());
        tracing::debug!("a window of our own is on the accessibility bus as {own}");
    }
    let (registry, root) = (Place::desktop(), record.wired(Element::Program));
    link.call_method(Some(&*registry.bus), &*registry.path, Some(SOCKET), "Embed", &(root,)).await?;
    Ok(link)
}

/// Connects to the first of the buses of an address that takes it, with the elements in place before anybody can ask for
/// them.
async fn serve(address: &str, record: &Arc<Record>) -> Answer<Connection> {
    let mut outcome = Err(zbus::Error::Address(address.to_owned()));
    for one in address.split(';').filter(|one| !one.is_empty()) {
        let mut builder = Builder::address(one);
        for element in Element::ALL {
            builder = faces::add(builder, &Seen { element, record: Arc::clone(record) });
        }
        outcome = builder.build().await;
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ErrorCode;

    fn outline() -> Outline {
        let part = |name| Part { name, place: Rect::default() };
        let (window, button, field) = (part("Window"), part("Button"), part("Field"));
        Outline { program: "program", window, button, field, text: String::new() }
    }

    #[test]
    fn without_a_bus_there_is_no_window_on_it_and_one_line_says_so() {
        for bus in [None, Some("unix:path=/nowhere/bus"), Some("")] {
            let error = Provider::open(bus, outline(), &Cancel::new()).unwrap_err();
            assert_eq!(error.code, ErrorCode::Internal);
            assert!(error.message.contains("at-spi2-core") && !error.message.contains('\n'), "{error}");
        }
    }

    #[test]
    fn nobody_takes_part_who_is_not_wanted_any_more() {
        let cancel = Cancel::new();
        cancel.cancel();
        let error = Provider::open(Some("unix:path=/nowhere/bus"), outline(), &cancel).unwrap_err();
        assert_eq!(error.code, ErrorCode::Cancelled);
    }
}
