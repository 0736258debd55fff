//! What belongs to one session, one machine and one name, as the tools of agents have it.

#![expect(clippy::unwrap_used, reason = "every function here is the body of a test, or a part of one")]

use core::future::pending;
use core::time::Duration;
use std::fs;
use std::pin::pin;

use opendesk_core::PublicKey;
use opendesk_std::api::{Button, DisplaySubscribe, SubscribeParams};
use opendesk_std::desktop::r#virtual::VirtualDesktop;
use opendesk_std::govern::control::{Control, Mode};
use opendesk_std::home::{Home, Peers};
use opendesk_std::host::rotate_through_running;
use opendesk_std::tools::FleetCall;
use opendesk_tests::proxy::Proxy;
use opendesk_tests::rig::Rig;
use opendesk_tokio::Tokio;
use serde_json::{Value, json};

use crate::agent::Setup;
use crate::run;

impl Setup {
    async fn said(&self, tool: &str, arguments: Value) -> (String, bool) {
        let output = self.call(tool, arguments).await;
        (output.all_text(), output.is_error)
    }

    /// Calls a tool that acts, and breaks the link off once the desktop is so.
    async fn cut_while(&self, tool: &str, arguments: Value, is_so: impl Fn(&VirtualDesktop) -> bool) -> (String, bool) {
        let cut = async {
            while !is_so(&self.desktop) {
                tokio::task::yield_now().await;
            }
            self.proxy.reset();
        };
        let mut call = pin!(self.said(tool, arguments));
        tokio::select! {
            done = &mut call => done,
            () = cut => call.await,
        }
    }
}

fn key(rig: &Rig) -> [u8; 32] {
    rig.home("host").identity().unwrap().keys.public().static_key.0
}

/// The host where the proxy is, by a key.
fn url(proxy: &Proxy, key: [u8; 32]) -> String {
    format!("ws://{}#{}", proxy.address(), PublicKey(key))
}

fn says_to_look((said, is_error): &(String, bool)) {
    assert!(*is_error && said.contains("look before you"), "{said}");
}

#[test]
fn a_chord_does_not_go_on_in_a_session_in_which_its_first_key_is_up() {
    run(async {
        let setup = Setup::new().await;
        let text = setup.desktop.editor_text();
        for down in 1..=4 {
            // Many keys, so that the link breaks off before the last one, which would be typed if it came alone.
            let keys = ["ctrl", "alt", "shift", "meta", "w"];
            let outcome = setup
                .cut_while("keyboard", json!({"action": "hotkey", "keys": keys, "settle_ms": 0}), |desktop| {
                    desktop.held_keys().len() >= down
                })
                .await;
            if outcome.1 {
                assert!(outcome.0.contains("look before you"), "{}", outcome.0);
            }
            assert_eq!(setup.desktop.editor_text(), text, "{}", outcome.0);
        }
        let held =
            setup.cut_while("keyboard", json!({"action": "hold", "key": "shift", "hold_duration": 0.5}), |desktop| {
                !desktop.held_keys().is_empty()
            });
        says_to_look(&held.await);
        assert_eq!(setup.desktop.held_keys(), []);
        // The next one has a session of its own.
        let next = setup.said("keyboard", json!({"action": "press", "key": "x"})).await;
        assert!(!next.1, "{}", next.0);
        setup.session.close().await;
    });
}

#[test]
fn a_drag_that_is_left_to_later_calls_ends_with_its_session() {
    run(async {
        let setup = Setup::new().await;
        let at = |action: &str, y: i32| json!({"action": action, "x": 5, "y": y, "settle_ms": 0});
        assert!(!setup.said("mouse", at("left_down", 300)).await.1);
        assert!(!setup.said("mouse", at("move", 310)).await.1);
        assert_eq!(setup.desktop.held_buttons(), [Button::Left]);
        setup.proxy.reset();
        says_to_look(&setup.said("mouse", at("move", 320)).await);
        assert_eq!(setup.desktop.held_buttons(), []);
        // It is said once: the agent has looked.
        assert!(!setup.said("mouse", at("move", 330)).await.1);
        assert!(!setup.said("mouse", at("left_down", 330)).await.1);
        setup.proxy.reset();
        says_to_look(&setup.said("mouse", at("left_up", 340)).await);
        assert!(!setup.said("mouse", at("left_up", 340)).await.1);
        setup.session.close().await;
    });
}

#[test]
fn a_name_that_means_another_machine_now_reaches_that_one_and_no_picture_of_the_former() {
    run(async {
        let setup = Setup::new().await;
        let (other, other_desktop) = Rig::on_virtual();
        let point = json!({"action": "move", "x": 5, "y": 300, "peer": "host", "settle_ms": 0});
        assert!(!setup.said("screenshot", json!({"peer": "host"})).await.1);
        assert!(!setup.said("mouse", point.clone()).await.1);

        // The other machine gets the name.
        let mut peers = Peers::load(&setup.home).unwrap();
        peers.rename(&key(&setup.rig), &"former".parse().unwrap()).unwrap();
        pair_into(&other, &setup.home).await;
        let (said, is_error) = setup.said("mouse", point.clone()).await;
        assert!(is_error && said.contains("take a new one"), "{said}");
        assert!(!setup.said("keyboard", json!({"action": "type", "text": "here", "peer": "host"})).await.1);
        assert!(other_desktop.editor_text().contains("here") && !setup.desktop.editor_text().contains("here"));
        assert!(!setup.said("screenshot", json!({"peer": "host"})).await.1);
        assert!(!setup.said("mouse", point).await.1);
        assert!(!setup.said("keyboard", json!({"action": "type", "text": "there", "peer": "former"})).await.1);
        assert!(setup.desktop.editor_text().contains("there"));

        let mut peers = Peers::load(&setup.home).unwrap();
        peers.remove(&key(&other)).unwrap();
        let (said, is_error) = setup.said("screenshot", json!({"peer": "host"})).await;
        assert!(is_error && said.contains("no paired machine is called"), "{said}");
        setup.session.close().await;
    });
}

/// Pairs another host into a home, which calls it `host`.
async fn pair_into(other: &Rig, home: &Home) {
    other.show("123456").await;
    opendesk_tokio::pair(&opendesk_tokio::PairOptions {
        home: home.clone(),
        host: other.address.ip().to_string(),
        port: other.address.port(),
        code: "123456".to_owned(),
        name: Some("host".parse().unwrap()),
    })
    .await
    .unwrap();
}

#[test]
fn who_is_not_paired_is_one_machine_wherever_it_is_and_is_sought_where_it_was_said_to_be_last() {
    run(async {
        let setup = Setup::new().await;
        let mut peers = Peers::load(&setup.home).unwrap();
        let host = key(&setup.rig);
        peers.remove(&host).unwrap();
        let gone = format!("ws://127.0.0.1:1#{}", PublicKey(host));
        let here = url(&setup.proxy, host);
        let names = [gone.clone(), here.clone()];
        let members = setup.session.fleet(&names, "").unwrap();
        assert_eq!(members.len(), 1, "{members:?}");
        let name = members[0].target().name().to_owned();
        assert!(PublicKey(host).to_string().starts_with(&name.replace(':', "")), "{name}");
        let (said, is_error) = setup.said("screenshot", json!({"peer": gone})).await;
        assert!(is_error, "{said}");
        let (said, is_error) = setup.said("screenshot", json!({"peer": here})).await;
        assert!(!is_error && said.starts_with(&format!("[on {name}] ")), "{said}");
        let (said, is_error) = setup.said("opendesk_use", json!({"peer": here})).await;
        assert!(!is_error && said.contains(&name), "{said}");
        assert!(!setup.said("screenshot", json!({})).await.1);
        assert!(!setup.said("screenshot", json!({"peer": name})).await.1);
        setup.session.close().await;
    });
}

#[test]
fn a_place_that_is_named_while_nothing_may_happen_changes_no_link() {
    run(async {
        let setup = Setup::new().await;
        let host = key(&setup.rig);
        assert!(!setup.said("screenshot", json!({})).await.1);
        let begun = setup.proxy.connections();
        setup.proxy.reset();
        Control::set(&setup.home, Mode::Stopped, "lunch").unwrap();
        let (said, is_error) = setup.said("screenshot", json!({"peer": url(&setup.proxy, host)})).await;
        assert!(is_error && said.contains("lunch"), "{said}");
        let links = setup.said("opendesk_status", json!({})).await.0;
        assert!(links.contains("- host: "), "{links}");
        Control::set(&setup.home, Mode::Running, "").unwrap();
        assert!(!setup.said("screenshot", json!({"peer": url(&setup.proxy, host)})).await.1);
        assert!(setup.proxy.connections() > begun);
        setup.session.close().await;
    });
}

#[test]
fn a_machine_that_has_other_keys_by_now_is_not_reached_around_the_rules_for_its_name() {
    run(async {
        let setup = Setup::new().await;
        let first = key(&setup.rig);
        let rules = json!({"rules": [{"tool": "*", "peer": "host", "decision": "block", "reason": "hands off"}]});
        fs::write(setup.home.path().join("policy.json"), rules.to_string()).unwrap();
        rotate_through_running(&Tokio, &setup.rig.home("host")).await.unwrap();
        let second = key(&setup.rig);
        let goes_around = async |key: [u8; 32]| {
            let (said, is_error) = setup.said("screenshot", json!({"peer": url(&setup.proxy, key)})).await;
            assert!(is_error, "{said}");
            said
        };
        // This machine knows the first key still.
        assert!(goes_around(first).await.contains("hands off"));
        assert!(goes_around(second).await.contains("paired as \"host\""));
        setup.rig.connect("controller").await.unwrap().close().await;
        assert!(goes_around(first).await.contains("paired as \"host\""));
        assert!(goes_around(second).await.contains("hands off"));
        setup.session.close().await;
    });
}

#[test]
fn a_stop_ends_a_stream_whenever_it_is_read() {
    run(async {
        let setup = Setup::new().await;
        let target = setup.session.target(Some("host")).unwrap();
        let params = SubscribeParams::default();
        let subscribe = || setup.session.subscribe::<DisplaySubscribe>(&target, &params, 1 << 20);
        let mut stream = subscribe().await.unwrap();
        stream.next().await.unwrap().unwrap();
        // Its reader is elsewhere when the link breaks off and the owner stops everything.
        setup.proxy.reset();
        Control::set(&setup.home, Mode::Stopped, "lunch").unwrap();
        tokio::time::sleep(Duration::from_millis(500)).await;
        let begun = setup.proxy.connections();
        let ended = stream.next().await.unwrap().unwrap_err().to_string();
        assert!(ended.contains("lunch"), "{ended}");
        assert!(stream.next().await.is_none());
        let refused = subscribe().await.unwrap_err().to_string();
        assert!(refused.contains("lunch"), "{refused}");
        assert_eq!(setup.proxy.connections(), begun);

        // One that has not begun yet does not begin either.
        Control::set(&setup.home, Mode::Running, "").unwrap();
        setup.proxy.cut();
        let stop = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            Control::set(&setup.home, Mode::Stopped, "dinner").unwrap();
        };
        let (refused, ()) = tokio::join!(subscribe(), stop);
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("dinner"), "{refused}");
        setup.proxy.heal();
        setup.session.close().await;
    });
}

#[test]
fn who_was_sent_away_is_told_how_to_come_back() {
    run(async {
        let setup = Setup::new().await;
        assert!(!setup.said("screenshot", json!({})).await.1);
        setup.rig.handle.disconnect().await.unwrap();
        let evicted = async {
            loop {
                let (said, is_error) = setup.said("screenshot", json!({})).await;
                if is_error {
                    return said;
                }
            }
        };
        let said = tokio::time::timeout(Duration::from_secs(20), evicted).await.unwrap();
        assert!(said.contains("choose it again with opendesk_use"), "{said}");
        // Naming another place for it is no way back.
        let elsewhere = json!({"peer": url(&setup.proxy, key(&setup.rig))});
        assert!(setup.said("screenshot", elsewhere).await.1);
        assert!(!setup.said("opendesk_use", json!({"peer": "host"})).await.1);
        assert!(!setup.said("screenshot", json!({})).await.1);
        setup.session.close().await;
    });
}

#[test]
fn machines_that_are_made_up_do_not_fill_the_memory_of_a_session() {
    run(async {
        let setup = Setup::new().await;
        let made_up = |number: u8| format!("ws://127.0.0.1:1#{}", PublicKey([number; 32]));
        let names: Vec<String> = (1..=70).map(made_up).collect();
        let members = setup.session.fleet(&names, "").unwrap();
        let mut call = FleetCall::new("screenshot", json!({})).unwrap();
        call.concurrency = members.len();
        let outcomes = setup.session.call_fleet(&call, &members, pending()).await;
        assert!(
            outcomes.iter().all(|outcome| outcome.error().is_some_and(|error| error.contains("cannot be reached")))
        );
        assert!(!setup.said("screenshot", json!({"peer": "host"})).await.1);
        let status = setup.said("opendesk_status", json!({})).await.0;
        assert_eq!(status.matches("\n- ").count(), 64, "{status}");
        assert!(status.contains("\n- host: connected"), "{status}");
        setup.session.close().await;
    });
}
