//! A desktop whose backend panics when it is to let go of a key.

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;

use opendesk_std::api::{Effect, KeyEvent, Press, Result, TextInput, encode};
use opendesk_std::desktop::r#virtual::VirtualDesktop;
use opendesk_std::desktop::{Computer, Key};
use opendesk_tests::puppet::Puppet;
use opendesk_tests::rig::Rig;
use opendesk_tokio::Notice;

use crate::run;

/// A virtual desktop whose keys stick while it is told so.
#[derive(Debug, Default)]
struct Sticky {
    desktop: VirtualDesktop,
    sticks: AtomicBool,
    panics: AtomicUsize,
}

impl Computer for Sticky {
    opendesk_tests::as_its_desktop!(capabilities displays capture cursor_position move_pointer button scroll type_text);

    fn name(&self) -> &'static str {
        "sticky"
    }

    fn key(&self, key: Key, press: Press) -> Result<Effect> {
        if press == Press::Up && self.sticks.load(Ordering::SeqCst) {
            self.panics.fetch_add(1, Ordering::SeqCst);
            panic!("a test wants that {key:?} cannot be let go of");
        }
        self.desktop.key(key, press)
    }
}

/// A host on such a desktop, and a controller that holds a key of it which cannot be let go of any more.
async fn stuck() -> (Rig, Arc<Sticky>, Puppet) {
    let sticky = Arc::new(Sticky::default());
    let rig = Rig::start(Arc::clone(&sticky) as Arc<dyn Computer>);
    rig.pair("first").await;
    rig.pair("second").await;
    let mut first = Puppet::open(rig.address, &rig.home("first")).await;
    let down = KeyEvent { action: Press::Down, keysym: "shift".into(), modifiers: vec![] };
    first.request("input.key", &encode(&down).expect("an event")).await;
    let answer = first.answer().await;
    assert_eq!((answer, sticky.desktop.held_keys()), ((first.last(), 0), vec![Key::Shift]));
    sticky.sticks.store(true, Ordering::SeqCst);
    (rig, sticky, first)
}

async fn session_ends(rig: &Rig) {
    rig.wait_for(|notice| matches!(notice, Notice::SessionEnded { .. })).await;
}

#[test]
fn a_backend_that_panics_while_it_lets_go_costs_neither_the_host_nor_the_next_controller() {
    run(async {
        let (rig, sticky, first) = stuck().await;
        // It goes without a word, so it is the host that lets go of the key.
        drop(first);
        session_ends(&rig).await;
        let second = rig.connect("second").await.unwrap();
        // It was admitted after the release, and that is what panicked.
        assert!(sticky.panics.load(Ordering::SeqCst) > 0);
        assert_eq!(sticky.desktop.held_keys(), [Key::Shift]);
        second.cursor_position().await.unwrap();
        second.text(&TextInput { text: "still here".into(), interval_ms: 0 }).await.unwrap();
        assert_eq!(sticky.desktop.editor_text(), "still here");

        // What could not be let go of is not forgotten: the end of the next session tries again.
        sticky.sticks.store(false, Ordering::SeqCst);
        second.close().await;
        session_ends(&rig).await;
        let third = rig.connect("first").await.unwrap();
        assert!(sticky.desktop.held_keys().is_empty());
        third.close().await;
        let log = rig.stop().await;
        assert!(log.iter().any(|entry| entry["type"] == "session.closed"));
    });
}

#[test]
fn a_host_whose_backend_panics_while_it_lets_go_still_stops() {
    run(async {
        let (rig, sticky, first) = stuck().await;
        rig.stop().await;
        assert!(sticky.panics.load(Ordering::SeqCst) > 0);
        drop(first);
    });
}
