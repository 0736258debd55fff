//! A machine that changes its keys, followed by those that trust it.

use opendesk_core::{Keys, PublicKey, Reason, SigningKey, StaticKey, Succession, limits};
use opendesk_std::api::{ControllerGreeting, encode};
use opendesk_std::home::{Home, Peers};
use opendesk_std::host::{forget_through_running, rotate_through_running};
use opendesk_tests::puppet::Puppet;
use opendesk_tests::rig::Rig;
use opendesk_tokio::{ClientError, Notice, Tokio};

use crate::run;

/// The keys by which a home knows the one machine that it trusts.
fn trusts(home: &Home) -> ([u8; 32], Option<[u8; 32]>) {
    let peers = Peers::load(home).expect("peers");
    assert_eq!(peers.list().len(), 1, "one machine is trusted, under one key");
    (peers.list()[0].public_key, peers.list()[0].signing_key)
}

fn keys_of(home: &Home) -> ([u8; 32], Option<[u8; 32]>) {
    let keys = home.identity().expect("keys").keys.public();
    (keys.static_key.0, Some(keys.signing_key))
}

#[test]
fn a_host_follows_its_controller_over_several_changes() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        rig.pair("controller").await;
        let (controller, host) = (rig.home("controller"), rig.home("host"));
        let before = PublicKey(trusts(&host).0);
        for _ in 0..limits::FORMER_KEYS {
            controller.rotate_identity().unwrap();
        }
        let client = rig.connect("controller").await.unwrap();
        client.capabilities().await.unwrap();
        assert_eq!(trusts(&host), keys_of(&controller));
        let told = rig.wait_for(|notice| matches!(notice, Notice::Followed { .. })).await;
        let now = PublicKey(keys_of(&controller).0);
        assert!(matches!(told, Notice::Followed { former, key, .. } if former == before && key == now), "{told:?}");
        client.close().await;
        // From now on it needs no chain.
        controller.forget_former_keys().unwrap();
        rig.connect("controller").await.unwrap().close().await;
        let log = rig.stop().await;
        let followed: Vec<_> = log.iter().filter(|entry| entry["type"] == "trust.followed").collect();
        assert_eq!(followed.len(), 1);
        assert!(followed[0].to_string().contains(&before.to_string()), "{}", followed[0]);
    });
}

#[test]
fn a_controller_that_has_changed_its_keys_too_often_or_forgotten_them_is_a_stranger() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        rig.pair("far").await;
        rig.pair("forgetful").await;
        for _ in 0..=limits::FORMER_KEYS {
            rig.home("far").rotate_identity().unwrap();
        }
        rig.home("forgetful").rotate_identity().unwrap();
        rig.home("forgetful").forget_former_keys().unwrap();
        for name in ["far", "forgetful"] {
            let refused = rig.connect(name).await.unwrap_err();
            assert!(matches!(refused, ClientError::Refused { reason: Reason::UNTRUSTED, .. }), "{name}: {refused}");
        }
        // Pairing again is the way back.
        rig.pair("far").await;
        rig.connect("far").await.unwrap().close().await;
    });
}

#[test]
fn a_session_under_the_former_keys_is_replaced_and_not_taken_for_somebody_elses() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        rig.pair("controller").await;
        let first = rig.connect("controller").await.unwrap();
        rig.home("controller").rotate_identity().unwrap();
        let second = rig.connect("controller").await.unwrap();
        second.capabilities().await.unwrap();
        assert!(matches!(first.capabilities().await, Err(ClientError::Closed(_))));
        let ended = rig.wait_for(|notice| matches!(notice, Notice::SessionEnded { .. })).await;
        assert!(matches!(ended, Notice::SessionEnded { reason: Reason::REPLACED, .. }), "{ended:?}");
    });
}

#[test]
fn the_former_keys_are_strangers_once_the_host_has_followed() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        rig.pair("controller").await;
        let stolen = rig.home("controller").identity().unwrap();
        rig.home("controller").rotate_identity().unwrap();
        rig.connect("controller").await.unwrap().close().await;
        let copy = rig.home("copy");
        std::fs::write(copy.path().join("trusted-peers.json"), {
            let trusted = rig.home("controller").path().join("trusted-peers.json");
            std::fs::read(trusted).unwrap()
        })
        .unwrap();
        let former = rig.home("controller").path().join("identity.former");
        let pair = std::fs::read(former).unwrap();
        std::fs::write(copy.path().join("identity.key"), &pair[..32]).unwrap();
        std::fs::write(copy.path().join("identity.ed25519"), &pair[32..]).unwrap();
        assert_eq!(copy.identity().unwrap().keys.public(), stolen.keys.public());
        let refused = rig.connect("copy").await.unwrap_err();
        assert!(matches!(refused, ClientError::Refused { reason: Reason::UNTRUSTED, .. }), "{refused}");
    });
}

#[test]
fn nobody_becomes_a_trusted_controller_by_a_chain_of_somebody_elses_keys() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        rig.pair("controller").await;
        let trusted = rig.home("controller").identity().unwrap().keys;
        let mallory = rig.home("mallory").identity().unwrap().keys;
        let honest = Succession::sign(&trusted, &mallory);
        let nobody = Keys { static_key: StaticKey::new([9; 32]), signing_key: SigningKey::new([8; 32]) };
        let own = Succession::sign(&nobody, &mallory);
        let chains = [
            // Signed by somebody else than the key it is of.
            vec![Succession { by_former: own.by_former, ..honest }],
            // The right signatures of another succession.
            vec![Succession { former: trusted.public(), ..own }],
            // It leads from a stranger.
            vec![own],
            // It leads to other keys than those that were proved.
            vec![Succession::sign(&trusted, &nobody)],
            // It does not hang together.
            vec![Succession::sign(&trusted, &nobody), honest],
            // It is longer than a chain may be.
            vec![honest; limits::FORMER_KEYS + 1],
            vec![],
        ];
        for (number, successions) in chains.into_iter().enumerate() {
            let greeting = encode(&ControllerGreeting { name: "mallory".into(), successions }).unwrap();
            let host = PublicKey(keys_of(&rig.home("host")).0);
            let (_puppet, refused) = Puppet::greet(rig.address, &rig.home("mallory"), host, &greeting).await;
            assert_eq!(refused, Some(Reason::UNTRUSTED), "chain {number}");
        }
        assert_eq!(trusts(&rig.home("host")).0, trusted.static_key.public().0);
        rig.connect("controller").await.unwrap().close().await;
    });
}

#[test]
fn a_controller_follows_its_host() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        rig.pair("controller").await;
        let (controller, host) = (rig.home("controller"), rig.home("host"));
        let before = trusts(&controller);
        let open = rig.connect("controller").await.unwrap();
        rotate_through_running(&Tokio, &host).await.unwrap();
        rotate_through_running(&Tokio, &host).await.unwrap();
        // A session that is open is not disturbed.
        open.capabilities().await.unwrap();
        open.close().await;
        assert_eq!(trusts(&controller), before);

        let client = rig.connect("controller").await.unwrap();
        assert_eq!(client.host().0, before.0, "it was reached under the keys by which it was known");
        client.close().await;
        assert_eq!(trusts(&controller), keys_of(&host));
        let client = rig.connect("controller").await.unwrap();
        assert_eq!(client.host().0, keys_of(&host).0);
        client.close().await;

        forget_through_running(&Tokio, &host).await.unwrap();
        rig.connect("controller").await.unwrap().close().await;
        let kinds: Vec<_> = rig.stop().await.iter().map(|entry| entry["type"].to_string()).collect();
        for (kind, times) in [("identity.rotated", 2), ("identity.forgot_former", 1)] {
            assert_eq!(kinds.iter().filter(|found| found.contains(kind)).count(), times, "{kind}: {kinds:?}");
        }
    });
}

#[test]
fn a_busy_host_tells_of_its_new_keys_too() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        rig.pair("first").await;
        rig.pair("second").await;
        let _driving = rig.connect("first").await.unwrap();
        rotate_through_running(&Tokio, &rig.home("host")).await.unwrap();
        let refused = rig.connect("second").await.unwrap_err();
        assert!(matches!(refused, ClientError::Refused { reason: Reason::BUSY, .. }), "{refused}");
        assert_eq!(trusts(&rig.home("second")), keys_of(&rig.home("host")));
    });
}

#[test]
fn a_controller_that_comes_too_late_cannot_reach_its_host_and_is_told_what_to_do() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        rig.pair("controller").await;
        rotate_through_running(&Tokio, &rig.home("host")).await.unwrap();
        forget_through_running(&Tokio, &rig.home("host")).await.unwrap();
        let refused = rig.connect("controller").await.unwrap_err();
        assert!(matches!(refused, ClientError::WrongHost { .. }), "{refused:?}");
        assert!(refused.to_string().contains("remove \"host\" here and pair again"), "{refused}");
        let mut peers = Peers::load(&rig.home("controller")).unwrap();
        let key = peers.by_name("host").unwrap().public_key;
        peers.remove(&key).unwrap().unwrap();
        rig.pair("controller").await;
        rig.connect("controller").await.unwrap().close().await;
    });
}

#[test]
fn pairing_again_under_new_keys_ends_the_session_under_the_former_ones() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        let name = rig.pair("controller").await.seen_as;
        // Somebody has the keys, and drives.
        let thief = rig.connect("controller").await.unwrap();
        rig.home("controller").rotate_identity().unwrap();
        rig.show("123456").await;
        rig.pair_by("controller", "123456").await.unwrap();
        assert!(matches!(thief.capabilities().await, Err(ClientError::Closed(_))));
        let ended = rig.wait_for(|notice| matches!(notice, Notice::SessionEnded { .. })).await;
        assert!(matches!(ended, Notice::SessionEnded { reason: Reason::REPLACED, .. }), "{ended:?}");
        let peers = Peers::load(&rig.home("host")).unwrap();
        assert_eq!(peers.list().iter().map(|peer| peer.name.as_str()).collect::<Vec<_>>(), [name.as_str()]);
        assert_eq!(rig.stop().await.iter().filter(|entry| entry["type"] == "trust.followed").count(), 1);
    });
}

#[test]
fn there_is_one_change_at_a_time_and_the_host_is_as_its_files_say() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        rig.pair("controller").await;
        let host = rig.home("host");
        let (first, second, third) = tokio::join!(
            rotate_through_running(&Tokio, &host),
            forget_through_running(&Tokio, &host),
            rotate_through_running(&Tokio, &host),
        );
        // There is one change at a time, and whoever comes in between is told so.
        let refused: Vec<String> =
            [first, second, third].into_iter().filter_map(|done| Some(done.err()?.to_string())).collect();
        assert!(refused.len() < 3 && refused.iter().all(|line| line.contains("being changed already")), "{refused:?}");
        rotate_through_running(&Tokio, &host).await.unwrap();
        let identity = host.identity().unwrap();
        // The last pair and every former one that is on disk is answered to.
        for keys in identity.former.iter().chain([&identity.keys]) {
            let key = keys.static_key.public();
            let (_puppet, refused) = Puppet::greet(rig.address, &rig.home("controller"), key, &[]).await;
            assert_eq!(refused, None, "{key:?}");
            rig.wait_for(|notice| matches!(notice, Notice::SessionOpened { .. })).await;
        }
    });
}

#[test]
fn pairing_again_after_a_change_of_keys_makes_no_second_machine() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        rig.pair("controller").await;
        rig.home("controller").rotate_identity().unwrap();
        rotate_through_running(&Tokio, &rig.home("host")).await.unwrap();
        rig.pair("controller").await;
        assert_eq!(trusts(&rig.home("controller")), keys_of(&rig.home("host")));
        assert_eq!(trusts(&rig.home("host")), keys_of(&rig.home("controller")));
    });
}
