//! A host in the test's own process that drives a real desktop, and its controller.

use core::time::Duration;
use std::sync::Arc;

use opendesk_std::desktop::{CaptureArea, Computer};
use opendesk_tests::rig::Rig;
pub(super) use opendesk_tests::rig::run;
use opendesk_tokio::Client;

use crate::{LIMIT, wait_until};

/// How often something that is awaited is looked at.
const POLL: Duration = Duration::from_millis(10);

/// Looks in a row without a change, after which nothing is still being drawn.
const RESTS: u32 = 25;

/// A host of this desktop, and a controller with a session.
pub(super) async fn drive(computer: Arc<dyn Computer>) -> (Rig, Client) {
    let rig = Rig::start(computer);
    rig.pair("controller").await;
    let client = rig.connect("controller").await.expect("the host is there");
    (rig, client)
}

/// Waits until something is so, while host and controller go on.
pub(super) async fn wait_for(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !so().await {
            tokio::time::sleep(POLL).await;
        }
    };
    assert!(tokio::time::timeout(LIMIT, waiting).await.is_ok(), "{what}");
}

/// Waits until all that was started has drawn itself.
pub(super) fn settle(computer: &dyn Computer) {
    let (mut last, mut rests) = (None, 0);
    wait_until("the desktop is at rest", || {
        let seen = computer.generation(&CaptureArea::default()).expect("the X server answers");
        assert!(seen.is_some(), "it tells of changes");
        rests = if seen == last { rests + 1 } else { 0 };
        last = seen;
        rests >= RESTS
    });
}
