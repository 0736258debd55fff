//! Faults of the way between, made by a proxy.

#![expect(clippy::unwrap_used, reason = "every function here is the body of a test, or a part of one")]

use core::time::Duration;
use std::sync::Arc;

use futures_util::future::join_all;
use opendesk_std::api::{
    Button, CaptureParams, DisplayCapture, Effect, InputPointer, Point, PointerAction, PointerEvent, TreeParams,
    UiAction, UiTreeRead,
};
use opendesk_std::client::{ClientError, Remote, RemoteOptions, Whom};
use opendesk_std::desktop::r#virtual::VirtualDesktop;
use opendesk_tests::proxy::{Fault, Proxy, Way};
use opendesk_tests::rig::Rig;

use super::{click, is_told};
use crate::run;

const LIMIT: Duration = Duration::from_secs(60);

/// A host behind a way that can be bad, and its controller.
struct Setup {
    _rig: Rig,
    desktop: Arc<VirtualDesktop>,
    proxy: Proxy,
    remote: Remote,
}

impl Setup {
    async fn new() -> Self {
        let (rig, desktop) = Rig::on_virtual();
        rig.pair("controller").await;
        let (proxy, home) = (rig.behind_proxy("controller"), rig.home("controller"));
        let options =
            RemoteOptions { discover: false, share: false, ..RemoteOptions::new(home, Whom::Peer("host".to_owned())) };
        let remote = opendesk_tokio::remote(options);
        remote.connect().await.unwrap();
        Self { _rig: rig, desktop, proxy, remote }
    }

    /// Clicks by one call.
    async fn click(&self) -> Result<Effect, ClientError> {
        let clicked = tokio::time::timeout(LIMIT, self.remote.call::<UiAction>(&click())).await;
        clicked.expect("an answer, whatever it is")
    }

    /// What a mouse does at a point.
    async fn mouse(&self, action: PointerAction, point: Point) -> Result<Effect, ClientError> {
        let button = Some(Button::Left);
        let event = PointerEvent { action, point, button, modifiers: vec![], dx: 0.0, dy: 0.0 };
        let done = tokio::time::timeout(LIMIT, self.remote.call::<InputPointer>(&event)).await;
        done.expect("an answer, whatever it is")
    }

    /// Clicks as a mouse does: down and up.
    async fn press(&self, point: Point) -> [Result<Effect, ClientError>; 2] {
        [self.mouse(PointerAction::Down, point).await, self.mouse(PointerAction::Up, point).await]
    }

    /// The button that counts.
    async fn button(&self) -> Point {
        let tree = self.remote.call::<UiTreeRead>(&TreeParams::default()).await.unwrap();
        tree.find("push button", "Count").unwrap().bounds.unwrap().center()
    }

    fn passed(&self) -> [u64; 2] {
        [Way::ToHost, Way::FromHost].map(|way| self.proxy.passed(way))
    }
}

#[test]
fn at_a_fifth_of_a_second_everything_is_done_once() {
    run(async {
        let setup = Setup::new().await;
        let button = setup.button().await;
        setup.proxy.latency(Duration::from_millis(100));
        for clicks in (1..=10).step_by(2) {
            setup.click().await.unwrap();
            assert_eq!(setup.desktop.counter(), clicks);
            for done in setup.press(button).await {
                done.unwrap();
            }
            assert_eq!(setup.desktop.counter(), clicks + 1);
        }
        let picture = setup.remote.call::<DisplayCapture>(&CaptureParams::default()).await.unwrap();
        assert!(picture.data.starts_with(b"\x89PNG"));
        assert_eq!(setup.proxy.connections(), 1, "it was never taken for dead");
    });
}

/// A button that is down when its link breaks off is let go by the host: that too is a click, and there must be no second.
#[test]
fn wherever_the_link_breaks_off_a_press_of_the_mouse_counts_once() {
    run(async {
        let setup = Setup::new().await;
        let button = setup.button().await;
        assert!(setup.press(button).await.iter().all(Result::is_ok));
        let before = setup.passed();
        assert!(setup.press(button).await.iter().all(Result::is_ok));
        let after = setup.passed();
        let (mut asked, mut stopped) = (0, 0);
        for (way, bytes) in [(Way::ToHost, after[0] - before[0]), (Way::FromHost, after[1] - before[1])] {
            for place in 0..=bytes {
                let before = setup.desktop.counter();
                setup.proxy.cut_after(way, place, Fault::Reset);
                let outcome = setup.press(button).await;
                let clicks = setup.desktop.counter() - before;
                asked += 1;
                if outcome.iter().all(Result::is_ok) {
                    assert_eq!(clicks, 1, "{way:?} {place}: {outcome:?}");
                } else {
                    stopped += 1;
                    assert!(clicks <= 1 && outcome.iter().all(is_told), "{way:?} {place}: {clicks}, {outcome:?}");
                }
            }
        }
        assert!(asked > 100 && stopped < asked / 4, "{stopped} of {asked} were stopped");
    });
}

/// The connection says nothing any more from some byte on, and no end is told: the controller has to find out.
#[test]
fn wherever_a_connection_falls_silent_a_click_is_done_once() {
    run(async {
        let setup = Setup::new().await;
        setup.click().await.unwrap();
        let before = setup.passed();
        setup.click().await.unwrap();
        let after = setup.passed();
        let places = [(Way::ToHost, after[0] - before[0]), (Way::FromHost, after[1] - before[1])];
        let each = places.into_iter().flat_map(|(way, bytes)| (0..=4).map(move |part| (way, bytes * part / 4)));
        join_all(each.map(|(way, place)| async move {
            let setup = Setup::new().await;
            setup.proxy.cut_after(way, place, Fault::Stranding);
            let outcome = setup.click().await;
            assert!(outcome.is_ok(), "{way:?} {place}: {outcome:?}");
            assert_eq!(setup.desktop.counter(), 1, "{way:?} {place}");
            setup.click().await.unwrap();
            assert_eq!(setup.desktop.counter(), 2, "{way:?} {place}");
        }))
        .await;
    });
}

#[test]
fn a_link_that_passes_one_way_only_does_a_click_once() {
    run(async {
        join_all([(Way::ToHost, 0), (Way::FromHost, 1)].map(async |(blocked, arrived)| {
            let setup = Setup::new().await;
            setup.proxy.half_open(blocked);
            let (clicked, ()) = futures_util::future::join(setup.click(), async {
                // Longer than it takes to doubt a host that owes an answer.
                tokio::time::sleep(Duration::from_secs(6)).await;
                assert_eq!(setup.desktop.counter(), arrived, "{blocked:?}");
                setup.proxy.heal();
            })
            .await;
            clicked.unwrap_or_else(|error| panic!("{blocked:?}: {error}"));
            assert_eq!(setup.desktop.counter(), 1, "{blocked:?}");
            setup.click().await.unwrap();
            assert_eq!(setup.desktop.counter(), 2, "{blocked:?}");
        }))
        .await;
    });
}

/// What one session cannot know: it says so, and asks for nothing twice.
#[test]
fn a_single_session_says_that_it_does_not_know() {
    run(async {
        let setup = Setup::new().await;
        setup.click().await.unwrap();
        for way in [Way::ToHost, Way::FromHost] {
            for place in [0, 10, 20] {
                let before = setup.desktop.counter();
                let client = setup.remote.connect().await.unwrap();
                setup.proxy.cut_after(way, place, Fault::Reset);
                let outcome = client.ui_action(&click()).await;
                assert!(matches!(outcome, Err(ClientError::Closed(_))), "{way:?} {place}: {outcome:?}");
                let clicks = setup.desktop.counter() - before;
                assert!(clicks <= 1, "{way:?} {place}: {clicks}");
                // The next session waits for the end of this one at the host, and finds nothing more.
                setup.click().await.unwrap();
                assert!(setup.desktop.counter() - before <= 2, "{way:?} {place}");
            }
        }
    });
}
