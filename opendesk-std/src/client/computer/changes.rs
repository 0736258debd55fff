//! Who waits for something to change on the other desktop.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::StreamExt;

use super::bridge::Bridge;
use super::link::{Changes, Link};
use crate::api::{CaptureParams, PictureFormat, PictureProfile, SubscribeParams};
use crate::client::ClientError;
use crate::desktop::Wake;

/// The most that wait; one more, and all are woken for nothing. A stream that ended while nothing happened still waits.
const MOST_WAITING: usize = 64;

/// Changes that nobody waited for after which they are not listened to any more. Whoever sees one picture after another
/// does not wait, and need not have them sent twice.
const UNHEARD: u32 = 4;

/// Changes that are told of in a second: a sleeper that is woken for each of them soon looks without having slept.
const FPS: u32 = 30;

/// Those who wait, and whether the host is listened to.
#[derive(Debug, Default, Clone)]
pub(super) struct Sleepers(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    waiting: Vec<Wake>,
    listening: bool,
    /// The host does not tell: its owner or its policy says no.
    refused: bool,
}

impl core::fmt::Debug for State {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { waiting, listening, refused } = self;
        f.debug_struct("State")
            .field("waiting", &waiting.len())
            .field("listening", listening)
            .field("refused", refused)
            .finish()
    }
}

impl Sleepers {
    /// Has `wake` called at the next change, at the latest when changes are not told of any more. False: it is not
    /// called.
    pub(super) fn wait(&self, bridge: &Bridge, link: &Link, wake: Wake) -> bool {
        let (begins, due) = {
            let mut state = self.state();
            if state.refused {
                return false;
            }
            let due = if state.waiting.len() < MOST_WAITING { Vec::new() } else { core::mem::take(&mut state.waiting) };
            state.waiting.push(wake);
            (!core::mem::replace(&mut state.listening, true), due)
        };
        due.into_iter().for_each(|wake| wake());
        if begins {
            let (opening, listening) = (link.clone().changes(everything()), Listening(self.clone()));
            bridge.start(async move {
                if let Ok(changes) = opening.await {
                    listening.listen(changes).await;
                }
            });
        }
        true
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) -> usize {
        let due = core::mem::take(&mut self.state().waiting);
        let count = due.len();
        // Whoever is woken may look at once.
        due.into_iter().for_each(|wake| wake());
        count
    }
}

/// The whole desktop in its own pixels, where nothing is too small to be seen, and in the cheapest form, as it is not
/// looked at.
fn everything() -> SubscribeParams {
    let capture =
        CaptureParams { profile: PictureProfile::Native, format: PictureFormat::Jpeg, ..CaptureParams::default() };
    SubscribeParams { capture, fps: FPS }
}

/// Somebody listens. However that ends, nobody goes on sleeping.
struct Listening(Sleepers);

impl Listening {
    async fn listen(&self, mut changes: Changes) {
        let mut unheard = 0;
        while let Some(change) = changes.next().await {
            match change {
                Ok(()) if self.0.wake() > 0 => unheard = 0,
                Ok(()) => unheard += 1,
                Err(error) => {
                    self.0.state().refused = matches!(error, ClientError::Call(_));
                    return;
                }
            }
            if unheard == UNHEARD {
                return;
            }
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.state().listening = false;
        self.0.wake();
    }
}
