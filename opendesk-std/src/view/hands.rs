//! Mouse and keyboard of the desktop, for one viewer at a time.
//!
//! What is held down is written down before it is pressed, and comes up however the viewer ends.

use core::time::Duration;
use std::pin::pin;

use async_channel::Sender;
use futures_util::future::select;

use super::input::{Batch, Event, InputError};
use super::{Inner, Link, ViewerId, unless};
use crate::api::{Button, InputKey, InputPointer, InputText, KeyEvent, Point, PointerAction, PointerEvent, Press};
use crate::home::plain_text;
use crate::runtime::{Runtime, timeout};
use crate::tools::{ToolError, is_refused};

/// How long a release may take when a viewer has ended. A host that does not answer for so long notices the end of its
/// session, which releases as well.
const RELEASE: Duration = Duration::from_secs(5);

/// What the hands are told.
pub(super) enum Order {
    /// To do something, and to say what came of it.
    Batch {
        /// What.
        batch: Batch,
        /// Takes what came of it.
        reply: Sender<Result<(), InputError>>,
    },
    /// A viewer is gone.
    Gone(ViewerId),
}

/// What may be down because of the driver.
#[derive(Debug, Default)]
struct Held {
    /// In the order of pressing.
    keys: Vec<String>,
    /// In the order of pressing.
    buttons: Vec<Button>,
    /// Where the pointer was put last.
    point: Point,
}

impl<R: Runtime> Inner<R> {
    /// Does what it is told, one after another, until the show is over.
    pub(super) async fn serve_hands(&self) {
        let mut held = Held::default();
        while let Ok(order) = self.orders.1.recv().await {
            match order {
                Order::Batch { batch, reply } => {
                    let done = self.obey(&mut held, batch).await;
                    // Whoever does not wait for it any more does not want to know.
                    drop(reply.try_send(done));
                }
                Order::Gone(viewer) => {
                    let drove = self.shared().driver == Some(viewer);
                    if drove {
                        self.shared().set_driver(None);
                        self.let_go(&mut held).await;
                    }
                }
            }
        }
        self.let_go(&mut held).await;
    }

    /// Does a batch, unless its viewer or the show ends meanwhile: then what is under way is cancelled.
    async fn obey(&self, held: &mut Held, batch: Batch) -> Result<(), InputError> {
        let seat = self.shared().viewers.get(&batch.viewer).map(|seat| seat.gone.clone());
        let Some(gone) = seat else { return Err(InputError::Gone) };
        let over = async {
            // Neither is ever sent anything.
            let _whichever = select(pin!(gone.recv()), pin!(self.closed())).await;
        };
        unless(over, self.carry_out(held, batch)).await.unwrap_or(Err(InputError::Gone))
    }

    /// After a failure only what lets go is done: the rest was meant for a desktop that is another one now.
    async fn carry_out(&self, held: &mut Held, batch: Batch) -> Result<(), InputError> {
        let Batch { viewer, shape, events } = batch;
        let mut outcome = Ok(());
        for event in events {
            if outcome.is_err() && !lets_go(&event) {
                continue;
            }
            let done = self.act(held, viewer, shape, event).await;
            outcome = outcome.and(done);
        }
        outcome
    }

    async fn act(&self, held: &mut Held, viewer: ViewerId, shape: u64, event: Event) -> Result<(), InputError> {
        let driver = self.shared().driver;
        match event {
            Event::Take if driver == Some(viewer) => return Ok(()),
            Event::Take => {
                self.let_go(held).await;
                self.shared().set_driver(Some(viewer));
                return Ok(());
            }
            // Whoever has nothing has nothing to give back.
            Event::Leave | Event::Release if driver != Some(viewer) => return Ok(()),
            Event::Leave | Event::Release => {
                self.let_go(held).await;
                if event == Event::Leave {
                    self.shared().set_driver(None);
                }
                return Ok(());
            }
            Event::Pointer(_) | Event::Key(_) | Event::Text(_) if driver != Some(viewer) => {
                return Err(InputError::NotDriving);
            }
            // What was meant for the picture of before must not happen to whatever is there when the link is back.
            Event::Pointer(_) | Event::Key(_) | Event::Text(_) if self.shared().status.link != Link::Connected => {
                if lets_go(&event) {
                    self.let_go(held).await;
                    return Ok(());
                }
                let why = "the desktop is not connected, so nothing was done; try again when it is";
                return Err(InputError::Failed(why.to_owned()));
            }
            Event::Pointer(event) => {
                let point = self.place(shape, event.point)?;
                self.pointer(held, PointerEvent { point, ..event }).await
            }
            Event::Key(event) => self.key(held, event).await,
            Event::Text(text) => self.session.call::<InputText>(&self.target, &text).await.map(drop),
        }
        .map_err(|error| InputError::Failed(plain_text(&error.to_string())))
    }

    /// From a pixel of the picture to the desktop. What lies outside is refused: the nearest edge would be a guess.
    fn place(&self, shape: u64, pixel: Point) -> Result<Point, InputError> {
        let mapping = self.shared().reel.mapping();
        let Some((mapping, _)) = mapping.filter(|(_, newest)| *newest == shape) else {
            let why = "the desktop shows something else by now than what was pointed at; point again";
            return Err(InputError::Elsewhere(why.to_owned()));
        };
        mapping.to_desktop(pixel.x, pixel.y).ok_or_else(|| {
            let (width, height) = mapping.picture;
            let Point { x, y } = pixel;
            InputError::Elsewhere(format!("{x},{y} is outside the picture of {width}x{height} pixels"))
        })
    }

    async fn pointer(&self, held: &mut Held, event: PointerEvent) -> Result<(), ToolError> {
        let button = event.button.unwrap_or(Button::Left);
        held.point = event.point;
        let is_new = event.action == PointerAction::Down && !held.buttons.contains(&button);
        if is_new {
            held.buttons.push(button);
        }
        let done = self.session.call::<InputPointer>(&self.target, &event).await;
        let is_up = match &done {
            Ok(_) => event.action == PointerAction::Up,
            // After any other failure it may have been pressed, and a release too many does no harm.
            Err(error) => is_new && is_refused(error),
        };
        if is_up {
            held.buttons.retain(|other| *other != button);
        }
        done.map(drop)
    }

    async fn key(&self, held: &mut Held, event: KeyEvent) -> Result<(), ToolError> {
        let is_new = event.action == Press::Down && !held.keys.contains(&event.keysym);
        if is_new {
            held.keys.push(event.keysym.clone());
        }
        let done = self.session.call::<InputKey>(&self.target, &event).await;
        let is_up = match &done {
            Ok(_) => event.action == Press::Up,
            // After any other failure it may have been pressed, and a release too many does no harm.
            Err(error) => is_new && is_refused(error),
        };
        if is_up {
            held.keys.retain(|other| *other != event.keysym);
        }
        done.map(drop)
    }

    /// Lets everything up, the buttons first, the last pressed first. What fails is not tried again: without a link
    /// the host has released it, and while the owner stops everything the guard has.
    async fn let_go(&self, held: &mut Held) {
        let Held { keys, buttons, point } = core::mem::take(held);
        let release = async {
            for button in buttons.into_iter().rev() {
                let event = PointerEvent {
                    action: PointerAction::Up,
                    point,
                    button: Some(button),
                    modifiers: Vec::new(),
                    dx: 0.0,
                    dy: 0.0,
                };
                told(self.session.call::<InputPointer>(&self.target, &event).await.map(drop));
            }
            for keysym in keys.into_iter().rev() {
                let event = KeyEvent { action: Press::Up, keysym, modifiers: Vec::new() };
                told(self.session.call::<InputKey>(&self.target, &event).await.map(drop));
            }
        };
        if timeout(&self.runtime, RELEASE, release).await.is_none() {
            tracing::warn!("what a viewer held down could not be released in time");
        }
    }
}

fn told(released: Result<(), ToolError>) {
    if let Err(error) = released {
        tracing::warn!(%error, "something that a viewer held down could not be released");
    }
}

const fn lets_go(event: &Event) -> bool {
    match event {
        Event::Leave | Event::Release => true,
        Event::Pointer(event) => matches!(event.action, PointerAction::Up),
        Event::Key(event) => matches!(event.action, Press::Up),
        Event::Take | Event::Text(_) => false,
    }
}
