//! A virtual desktop that writes down how streams look at it, and that shows itself or tells of its elements only when
//! the test lets it.

use core::time::Duration;
use std::sync::Mutex;

use async_channel::{Receiver, Sender};
use opendesk_std::Cancel;
use opendesk_std::api::{Result, TreeParams, UiTree};
use opendesk_std::desktop::r#virtual::VirtualDesktop;
use opendesk_std::desktop::{CaptureArea, Computer, Frame, Wake};
use opendesk_tests::desktop::PATIENCE;

/// How often something that is awaited is looked at.
const POLL: Duration = Duration::from_millis(5);

/// A question of somebody who looks, written down once it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// How often the desktop has changed.
    Generation,
    /// What it shows.
    Capture,
    /// To be woken when it changes.
    Sleep,
}

/// Where the desktop waits for the test.
#[derive(Debug)]
struct Gate {
    reached: Sender<()>,
    /// Closed when everybody may pass.
    shut: Receiver<()>,
}

impl Gate {
    fn pass(&self) {
        let _is_awaited = self.reached.try_send(()).is_ok();
        let _is_open = self.shut.recv_blocking().is_err();
    }
}

/// Keeps a gate shut until it is opened or dropped.
#[derive(Debug)]
pub(super) struct Keeper {
    reached: Receiver<()>,
    shut: Sender<()>,
}

impl Keeper {
    /// Waits until one more call has come to the gate.
    pub(super) async fn reached(&self) {
        let reached = tokio::time::timeout(PATIENCE, self.reached.recv()).await;
        reached.expect("the desktop is asked").expect("the desktop is there");
    }

    /// Lets everybody pass from now on.
    pub(super) fn open(self) {
        let _was_shut = self.shut.close();
    }
}

fn gate() -> (Gate, Keeper) {
    let ((tell, reached), (keep, shut)) = (async_channel::unbounded(), async_channel::bounded(1));
    (Gate { reached: tell, shut }, Keeper { reached, shut: keep })
}

/// The desktop.
#[derive(Debug, Default)]
pub(super) struct Watched {
    /// What it is underneath, for a test that changes something itself.
    pub(super) desktop: VirtualDesktop,
    looks: Mutex<Vec<Look>>,
    pictures: Option<Gate>,
    trees: Option<Gate>,
}

impl Watched {
    /// One that gives no picture before the test lets it.
    pub(super) fn with_slow_pictures() -> (Self, Keeper) {
        let (gate, keeper) = gate();
        (Self { pictures: Some(gate), ..Self::default() }, keeper)
    }

    /// One that gives no accessibility tree before the test lets it.
    pub(super) fn with_slow_trees() -> (Self, Keeper) {
        let (gate, keeper) = gate();
        (Self { trees: Some(gate), ..Self::default() }, keeper)
    }

    /// How it was looked at so far.
    pub(super) fn looks(&self) -> Vec<Look> {
        self.looks.lock().expect("nobody panics while it is locked").clone()
    }

    /// How often it was looked at like this.
    pub(super) fn count(&self, look: Look) -> usize {
        self.looks().into_iter().filter(|known| *known == look).count()
    }

    /// Waits until the only stream that there is has fallen asleep, and is done with what it asks for after that: what has
    /// changed before it could be woken.
    pub(super) async fn falls_asleep(&self) {
        wait_until("the stream falls asleep", || self.looks().ends_with(&[Look::Sleep, Look::Generation])).await;
    }

    fn note(&self, look: Look) {
        self.looks.lock().expect("nobody panics while it is locked").push(look);
    }
}

impl Computer for Watched {
    opendesk_tests::as_its_desktop!(capabilities displays screen_state cursor_position move_pointer button scroll key type_text windows focus_window clipboard_read clipboard_write);

    fn name(&self) -> &'static str {
        "watched"
    }

    fn capture(&self, area: &CaptureArea) -> Result<Frame> {
        if let Some(gate) = &self.pictures {
            gate.pass();
        }
        let frame = self.desktop.capture(area);
        self.note(Look::Capture);
        frame
    }

    fn generation(&self, area: &CaptureArea) -> Result<Option<u64>> {
        let generation = self.desktop.generation(area);
        self.note(Look::Generation);
        generation
    }

    fn wake_on_change(&self, wake: Wake) -> bool {
        let wakes = self.desktop.wake_on_change(wake);
        self.note(Look::Sleep);
        wakes
    }

    fn ui_tree(&self, params: &TreeParams, cancel: &Cancel) -> Result<UiTree> {
        if let Some(gate) = &self.trees {
            gate.pass();
        }
        self.desktop.ui_tree(params, cancel)
    }
}

/// Waits until something is so, while host and controller go on.
pub(super) async fn wait_until(what: &str, so: impl Fn() -> bool) {
    let waiting = async {
        while !so() {
            tokio::time::sleep(POLL).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "{what}");
}
