//! The terms on which a controller is trusted: what it may do at all, and for how long.

use core::time::Duration;

use opendesk_core::{ErrorCode, PublicKey, Reason};
use opendesk_std::api::TextInput;
use opendesk_std::home::{Peers, Role};
use opendesk_std::host::{Invitation, unpair_through_running};
use opendesk_tests::rig::Rig;
use opendesk_tokio::{ClientError, Notice, Tokio};

use crate::run;

async fn invite(rig: &Rig, invitation: Invitation) {
    rig.handle.invite(invitation).await.expect("the host runs").expect("a code");
}

#[test]
fn whoever_may_only_look_does_nothing_else_whatever_the_policy_says() {
    run(async {
        let (rig, desktop) = Rig::on_virtual();
        invite(&rig, Invitation { role: Role::Observe, ..Invitation::new("135790") }).await;
        rig.pair_by("guest", "135790").await.unwrap();
        let client = rig.connect("guest").await.unwrap();
        client.cursor_position().await.unwrap();
        let text = TextInput { text: "x".into(), interval_ms: 0 };
        let Err(ClientError::Call(error)) = client.text(&text).await else { panic!("it acts") };
        assert_eq!(error.code, ErrorCode::PermissionDenied);
        assert!(error.message.contains("look only"), "{error}");
        assert_eq!(desktop.editor_text(), "");
        client.close().await;
        assert_eq!(Peers::load(&rig.home("host")).unwrap().list()[0].role, Role::Observe);

        // The owner changes their mind.
        invite(&rig, Invitation::new("246800")).await;
        rig.pair_by("guest", "246800").await.unwrap();
        let client = rig.connect("guest").await.unwrap();
        client.text(&text).await.unwrap();
        assert_eq!(desktop.editor_text(), "x");
    });
}

#[test]
fn a_trust_whose_time_is_over_ends_the_session_and_is_forgotten() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        let trusted_for = Some(Duration::from_secs(2));
        invite(&rig, Invitation { trusted_for, ..Invitation::new("135790") }).await;
        rig.pair_by("guest", "135790").await.unwrap();
        let client = rig.connect("guest").await.unwrap();
        client.cursor_position().await.unwrap();
        rig.wait_for(|notice| matches!(notice, Notice::Expired { .. })).await;
        assert!(matches!(client.cursor_position().await, Err(ClientError::Closed(_))));
        assert!(Peers::load(&rig.home("host")).unwrap().list().is_empty());
        let refused = rig.connect("guest").await.unwrap_err();
        assert!(matches!(refused, ClientError::Refused { reason: Reason::UNTRUSTED, .. }), "{refused}");
        let log = rig.stop().await;
        assert!(log.iter().any(|entry| entry["type"] == "trust.expired"));
    });
}

#[test]
fn a_trust_whose_time_is_over_leaves_what_is_needed_to_drive_the_other_machine() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        let trusted_for = Some(Duration::from_secs(2));
        invite(&rig, Invitation { trusted_for, ..Invitation::new("135790") }).await;
        rig.pair_by("guest", "135790").await.unwrap();
        let mut peers = Peers::load(&rig.home("host")).unwrap();
        let key = peers.list()[0].public_key;
        // As after a connection from here to there.
        assert!(peers.set_endpoint(&key, "127.0.0.1", 1).unwrap());
        let client = rig.connect("guest").await.unwrap();
        rig.wait_for(|notice| matches!(notice, Notice::Expired { .. })).await;
        assert!(matches!(client.cursor_position().await, Err(ClientError::Closed(_))));
        for _ in 0..2 {
            let refused = rig.connect("guest").await.unwrap_err();
            assert!(matches!(refused, ClientError::Refused { reason: Reason::UNTRUSTED, .. }), "{refused}");
        }
        let peers = Peers::load(&rig.home("host")).unwrap();
        assert!(peers.by_key(&key).is_some_and(|peer| peer.is_driven() && peer.ended));
        let log = rig.stop().await;
        assert_eq!(log.iter().filter(|entry| entry["type"] == "trust.expired").count(), 1);
    });
}

#[test]
fn who_is_called_something_else_by_another_program_is_that_from_the_next_call_on() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        let name = rig.pair("controller").await.seen_as;
        let client = rig.connect("controller").await.unwrap();
        let mut peers = Peers::load(&rig.home("host")).unwrap();
        let key = peers.by_name(&name).unwrap().public_key;
        peers.rename(&key, &"guest".parse().unwrap()).unwrap();
        let renamed = async {
            while rig.handle.sessions().await.unwrap()[0].peer_name != "guest" {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), renamed).await.expect("the host sees it");
        client.cursor_position().await.unwrap();
        let log = rig.stop().await;
        assert!(log.iter().any(|entry| entry["type"] == "trust.changed" && entry["peer"]["name"] == "guest"));
        let last = log.iter().rfind(|entry| entry["type"] == "call").unwrap();
        assert_eq!(last["peer"]["name"], "guest");
    });
}

#[test]
fn an_unpairing_that_cannot_be_written_shuts_the_peer_out_all_the_same() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        let name = rig.pair("controller").await.seen_as;
        let client = rig.connect("controller").await.unwrap();
        client.cursor_position().await.unwrap();
        let home = rig.home("host");
        let key = PublicKey(Peers::load(&home).unwrap().by_name(&name).unwrap().public_key);
        let list = home.read("trusted-peers.json", 1 << 20).unwrap().unwrap();
        // What cannot be understood is never written over.
        home.write("trusted-peers.json", b"{").unwrap();
        let error = unpair_through_running(&Tokio, &home, key).await.unwrap_err().to_string();
        assert!(
            error.contains("turned away until this host ends") && error.ends_with("unpair it once more"),
            "{error}"
        );
        assert!(matches!(client.cursor_position().await, Err(ClientError::Closed(_))));
        home.write("trusted-peers.json", &list).unwrap();
        let refused = rig.connect("controller").await.unwrap_err();
        assert!(matches!(refused, ClientError::Refused { reason: Reason::UNTRUSTED, .. }), "{refused}");
        // The owner lets it in again.
        rig.pair("controller").await;
        rig.connect("controller").await.unwrap().close().await;
    });
}

#[test]
fn a_peer_that_another_program_takes_off_the_list_is_gone_at_once() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        client.cursor_position().await.unwrap();
        rig.home("host").write("trusted-peers.json", b"[]").unwrap();
        rig.wait_for(|notice| matches!(notice, Notice::SessionEnded { reason: Reason::EVICTED, .. })).await;
        assert!(matches!(client.cursor_position().await, Err(ClientError::Closed(_))));
    });
}
