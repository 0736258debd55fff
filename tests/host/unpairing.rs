//! The owner ends the trust in a controller.

use opendesk_core::{PublicKey, Reason};
use opendesk_std::home::Peers;
use opendesk_std::host::{AdminError, unpair_through_running};
use opendesk_tests::rig::Rig;
use opendesk_tokio::{ClientError, Notice, Tokio};

use crate::run;

/// The key of the controller that the host calls by this name.
fn key_of(rig: &Rig, name: &str) -> PublicKey {
    let peers = Peers::load(&rig.home("host")).expect("a list");
    PublicKey(peers.by_name(name).expect("a paired controller").public_key)
}

#[test]
fn its_session_ends_at_once_and_it_comes_back_as_a_stranger() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        let first = rig.pair("first").await.seen_as;
        let second = rig.pair("second").await.seen_as;
        let client = rig.connect("first").await.unwrap();
        client.capabilities().await.unwrap();
        let key = key_of(&rig, &first);
        unpair_through_running(&Tokio, &rig.home("host"), key).await.unwrap();
        assert!(matches!(client.capabilities().await, Err(ClientError::Closed(_))));
        let ended = rig.wait_for(|notice| matches!(notice, Notice::SessionEnded { .. })).await;
        assert!(matches!(ended, Notice::SessionEnded { reason: Reason::EVICTED, .. }), "{ended:?}");
        let refused = rig.connect("first").await.unwrap_err();
        assert!(matches!(refused, ClientError::Refused { reason: Reason::UNTRUSTED, .. }), "{refused}");
        // Nobody else notices.
        rig.connect("second").await.unwrap().close().await;
        let peers = Peers::load(&rig.home("host")).unwrap();
        assert_eq!(peers.list().iter().map(|peer| peer.name.as_str()).collect::<Vec<_>>(), [second.as_str()]);

        let again = unpair_through_running(&Tokio, &rig.home("host"), key).await;
        assert_eq!(again, Err(AdminError::Failed("no paired machine has that key".to_owned())));
        let log = rig.stop().await;
        let removed: Vec<_> = log.iter().filter(|entry| entry["type"] == "trust.removed").collect();
        assert_eq!(removed.len(), 1);
        assert_eq!(removed[0]["peer"]["name"], first.as_str());
    });
}

#[test]
fn whoever_drives_goes_on_when_somebody_else_is_removed() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        rig.pair("first").await;
        let second = rig.pair("second").await.seen_as;
        let client = rig.connect("first").await.unwrap();
        unpair_through_running(&Tokio, &rig.home("host"), key_of(&rig, &second)).await.unwrap();
        client.capabilities().await.unwrap();
    });
}
