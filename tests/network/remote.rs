//! A machine that is kept connected: found by its key, connected again, told of, and never made to do a thing twice.

#![expect(clippy::unwrap_used, reason = "every function here is the body of a test, or a part of one")]

use core::time::Duration;
use std::sync::Arc;

use opendesk_core::PublicKey;
use opendesk_std::api::{
    CaptureParams, DisplayCapture, DisplaySubscribe, Effect, ElementTarget, ErrorCode, SubscribeParams,
    SystemCapabilities, UiAction, UiActionParams,
};
use opendesk_std::client::{LinkState, WhileBusy, Whom};
use opendesk_std::desktop::r#virtual::VirtualDesktop;
use opendesk_std::home::{Home, Peers};
use opendesk_std::host::unpair_through_running;
use opendesk_tests::proxy::{Fault, Proxy, Way};
use opendesk_tests::rig::Rig;
use opendesk_tokio::{ClientError, HostOptions, Notice, Remote, RemoteOptions, Tokio};

use crate::run;

/// A host behind a network, and a controller that was paired with it there.
struct Setup {
    rig: Rig,
    desktop: Arc<VirtualDesktop>,
    proxy: Proxy,
    home: Home,
}

impl Setup {
    async fn new() -> Self {
        let (rig, desktop) = Rig::on_virtual();
        rig.pair("controller").await;
        let (proxy, home) = (rig.behind_proxy("controller"), rig.home("controller"));
        Self { rig, desktop, proxy, home }
    }

    fn options(&self) -> RemoteOptions {
        let name = Peers::load(&self.home).unwrap().list()[0].name.to_string();
        let options = RemoteOptions::new(self.home.clone(), Whom::Peer(name));
        RemoteOptions { discover: false, ..options }
    }

    fn remote(&self) -> Remote {
        opendesk_tokio::remote(self.options())
    }
}

/// One click on the button that counts them, in one call.
fn click() -> UiActionParams {
    let target = ElementTarget { role: "push button".to_owned(), name: "Count".to_owned(), ..ElementTarget::default() };
    UiActionParams { target, action: "click".to_owned(), app: None }
}

/// Waits until the link is so.
async fn becomes(remote: &Remote, wanted: impl Fn(&LinkState) -> bool) {
    let events = remote.events();
    while !wanted(&remote.state()) {
        let next = tokio::time::timeout(Duration::from_secs(30), events.recv()).await;
        next.expect("the link changes").unwrap();
    }
}

fn is_connected(state: &LinkState) -> bool {
    matches!(state, LinkState::Connected { .. })
}

#[test]
fn a_link_that_breaks_off_is_there_again_without_anybody_asking() {
    run(async {
        let setup = Setup::new().await;
        let remote = setup.remote();
        assert_eq!(remote.state(), LinkState::Idle);
        let events = remote.events();
        remote.call::<SystemCapabilities>(&()).await.unwrap();
        setup.proxy.reset();
        becomes(&remote, |state| matches!(state, LinkState::Reconnecting { .. })).await;
        becomes(&remote, is_connected).await;
        let mut words = Vec::new();
        while let Ok(state) = events.try_recv() {
            words.push(state.word());
        }
        words.dedup();
        assert_eq!(words, ["connecting", "connected", "reconnecting", "connected"]);
        remote.call::<SystemCapabilities>(&()).await.unwrap();
    });
}

#[test]
fn a_call_waits_for_a_network_that_is_away_and_one_that_hangs_is_carried_on() {
    run(async {
        let setup = Setup::new().await;
        let remote = setup.remote();
        remote.connect().await.unwrap();
        setup.proxy.cut();
        let call = tokio::spawn({
            let remote = remote.clone();
            async move { remote.call::<DisplayCapture>(&CaptureParams::default()).await }
        });
        // Longer than it takes to doubt a host that owes an answer.
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert!(!call.is_finished());
        setup.proxy.heal();
        let picture = call.await.unwrap().unwrap();
        assert!(picture.data.starts_with(b"\x89PNG"));
    });
}

#[test]
fn wherever_the_link_breaks_off_a_click_is_done_once_and_its_outcome_known() {
    run(async {
        let setup = Setup::new().await;
        let remote = setup.remote();
        remote.call::<UiAction>(&click()).await.unwrap();
        let before = [setup.proxy.passed(Way::ToHost), setup.proxy.passed(Way::FromHost)];
        remote.call::<UiAction>(&click()).await.unwrap();
        let one = [Way::ToHost, Way::FromHost].map(|way| setup.proxy.passed(way) - before[way as usize]);
        let (mut clicks, mut stopped) = (2, 0);
        for (way, bytes) in [(Way::ToHost, one[0]), (Way::FromHost, one[1])] {
            for place in 0..=bytes {
                setup.proxy.cut_after(way, place, Fault::Reset);
                let outcome = remote.call::<UiAction>(&click()).await;
                let done = setup.desktop.counter() - clicks;
                clicks += done;
                match outcome {
                    Ok(Effect::Confirmed | Effect::Unverifiable) => assert_eq!(done, 1, "{way:?} {place}"),
                    // The host had taken it up and not begun with it, or just done it.
                    Err(ClientError::Call(error)) if error.code == ErrorCode::Cancelled => {
                        assert!(
                            done <= 1 && error.message.contains("so it stopped"),
                            "{way:?} {place}: {done}, {error}"
                        );
                        stopped += 1;
                    }
                    outcome => panic!("{way:?} {place}: {outcome:?}"),
                }
            }
        }
        // Only where all of it has reached the host can that be.
        assert!(stopped <= 2 + one[1], "{stopped}");
    });
}

#[test]
fn a_host_that_began_anew_does_not_know_and_nothing_is_repeated() {
    run(async {
        let setup = Setup::new().await;
        let remote = setup.remote();
        remote.connect().await.unwrap();
        // The click arrives, its answer does not.
        setup.proxy.cut_after(Way::FromHost, 0, Fault::Silence);
        let click = tokio::spawn({
            let remote = remote.clone();
            async move { remote.call::<UiAction>(&click()).await }
        });
        let desktop = Arc::clone(&setup.desktop);
        while desktop.counter() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let home = setup.rig.home("host");
        let folder = setup.rig.abort().await;
        let server = opendesk_tokio::serve(HostOptions::new(home, desktop.clone())).unwrap();
        setup.proxy.move_to(server.local_addr());
        let (handle, running) = (server.handle(), tokio::spawn(server.run()));
        setup.proxy.reset();
        becomes(&remote, |state| matches!(state, LinkState::Reconnecting { .. })).await;
        setup.proxy.heal();
        let outcome = click.await.unwrap().unwrap_err();
        assert!(matches!(outcome, ClientError::Unknown { .. }), "{outcome}");
        assert!(outcome.to_string().contains("look before you do it again"), "{outcome}");
        assert_eq!(desktop.counter(), 1);
        // What only looks is not held back by that.
        remote.call::<SystemCapabilities>(&()).await.unwrap();
        handle.stop();
        running.await.unwrap();
        drop(folder);
    });
}

#[test]
fn a_stream_goes_on_with_a_whole_picture() {
    run(async {
        let setup = Setup::new().await;
        let remote = setup.remote();
        let params = SubscribeParams::default();
        let mut pictures = remote.subscribe::<DisplaySubscribe>(&params, 1 << 20).await.unwrap();
        let first = pictures.next().await.unwrap().unwrap();
        setup.proxy.reset();
        let again = pictures.next().await.unwrap().unwrap();
        assert_eq!(pictures.begun(), 2);
        assert_eq!((first.keyframe, again.keyframe), (true, true));
        assert_eq!((again.width, again.height), (first.width, first.height));
    });
}

#[test]
fn who_was_sent_away_stays_away_until_a_person_wants_it() {
    run(async {
        let setup = Setup::new().await;
        let remote = setup.remote();
        remote.connect().await.unwrap();
        setup.rig.handle.disconnect().await.unwrap();
        becomes(&remote, |state| matches!(state, LinkState::Evicted { .. })).await;
        for _ in 0..3 {
            let error = remote.call::<SystemCapabilities>(&()).await.unwrap_err();
            assert!(error.to_string().contains("ended on the driven machine"), "{error}");
        }
        assert_eq!(setup.proxy.connections(), 1);
        remote.connect().await.unwrap();
        remote.call::<SystemCapabilities>(&()).await.unwrap();
    });
}

#[test]
fn a_busy_machine_says_who_drives_it_and_those_who_wait_get_it_afterwards() {
    run(async {
        let setup = Setup::new().await;
        let other = setup.rig.pair("other").await.seen_as;
        let holder = setup.rig.connect("other").await.unwrap();
        let error = setup.remote().connect().await.unwrap_err();
        assert!(error.to_string().contains(&other), "{error}");
        let waiting = opendesk_tokio::remote(RemoteOptions { while_busy: WhileBusy::Wait, ..setup.options() });
        let waits = tokio::spawn({
            let waiting = waiting.clone();
            async move { waiting.connect().await.map(drop) }
        });
        becomes(&waiting, |state| matches!(state, LinkState::Busy { .. })).await;
        let LinkState::Busy { holder: named, since, .. } = waiting.state() else { panic!("{:?}", waiting.state()) };
        assert_eq!(named, Some(other));
        assert!(since.is_some_and(|since| since > 1e9));
        holder.close().await;
        waits.await.unwrap().unwrap();
        assert!(is_connected(&waiting.state()));
    });
}

#[test]
fn a_host_that_is_not_there_is_said_at_once_and_found_at_the_next_call() {
    run(async {
        let setup = Setup::new().await;
        let remote = setup.remote();
        setup.proxy.refuse();
        let error = remote.call::<SystemCapabilities>(&()).await.unwrap_err();
        assert!(matches!(error, ClientError::Unreachable { .. }), "{error}");
        assert!(matches!(remote.state(), LinkState::Unreachable { .. }), "{:?}", remote.state());
        setup.proxy.heal();
        remote.call::<SystemCapabilities>(&()).await.unwrap();
    });
}

#[test]
fn a_host_that_has_lost_its_trust_is_not_asked_again_and_again() {
    run(async {
        let setup = Setup::new().await;
        let remote = setup.remote();
        remote.connect().await.unwrap();
        let key = Peers::load(&setup.rig.home("host")).unwrap().list()[0].public_key;
        unpair_through_running(&Tokio, &setup.rig.home("host"), PublicKey(key)).await.unwrap();
        becomes(&remote, |state| matches!(state, LinkState::Untrusted { .. } | LinkState::Evicted { .. })).await;
        let connections = setup.proxy.connections();
        let error = remote.connect().await.unwrap_err();
        assert!(error.to_string().contains("does not trust"), "{error}");
        assert_eq!(setup.proxy.connections(), connections + 1);
        assert!(matches!(remote.state(), LinkState::Untrusted { .. }), "{:?}", remote.state());
    });
}

#[test]
fn a_host_that_ends_each_session_at_once_is_left_in_peace() {
    run(async {
        let setup = Setup::new().await;
        let remote = setup.remote();
        remote.connect().await.unwrap();
        let proxy = &setup.proxy;
        let ends = async {
            loop {
                becomes(&remote, is_connected).await;
                proxy.reset();
                becomes(&remote, |state| !is_connected(state)).await;
            }
        };
        let over: Result<(), _> = tokio::time::timeout(Duration::from_secs(5), ends).await;
        assert!(over.is_err());
        // Without a pause it would be hundreds.
        assert!((3..=8).contains(&proxy.connections()), "{}", proxy.connections());
    });
}

#[test]
fn another_machine_at_its_place_does_not_end_the_search() {
    run(async {
        let setup = Setup::new().await;
        let remote = setup.remote();
        remote.connect().await.unwrap();
        let (other, _) = Rig::on_virtual();
        setup.proxy.move_to(other.address);
        setup.proxy.reset();
        becomes(&remote, |state| matches!(state, LinkState::Reconnecting { tries: 2.., .. })).await;
        let LinkState::Reconnecting { why, .. } = remote.state() else { panic!("{:?}", remote.state()) };
        assert!(why.contains("has not the keys"), "{why}");
        setup.proxy.move_to(setup.rig.address);
        becomes(&remote, is_connected).await;
    });
}

#[test]
fn who_waits_for_a_busy_machine_waits_longer_than_for_one_that_is_away() {
    run(async {
        let setup = Setup::new().await;
        setup.rig.pair("other").await;
        let holder = setup.rig.connect("other").await.unwrap();
        let patience = Duration::from_millis(300);
        let options = RemoteOptions { while_busy: WhileBusy::Wait, patience, ..setup.options() };
        let waiting = opendesk_tokio::remote(options);
        let call = tokio::spawn({
            let waiting = waiting.clone();
            async move { waiting.call::<SystemCapabilities>(&()).await.map(drop) }
        });
        becomes(&waiting, |state| matches!(state, LinkState::Busy { .. })).await;
        tokio::time::sleep(patience * 4).await;
        assert!(!call.is_finished());
        holder.close().await;
        call.await.unwrap().unwrap();
    });
}

#[test]
fn what_is_closed_opens_again_when_it_is_used() {
    run(async {
        let setup = Setup::new().await;
        let remote = setup.remote();
        remote.connect().await.unwrap();
        remote.close().await;
        assert_eq!(remote.state(), LinkState::Idle);
        setup.rig.wait_for(|notice| matches!(notice, Notice::SessionEnded { .. })).await;
        remote.call::<SystemCapabilities>(&()).await.unwrap();
        drop(remote);
        setup.rig.wait_for(|notice| matches!(notice, Notice::SessionEnded { .. })).await;
    });
}
