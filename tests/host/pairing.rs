//! Pairing over the network.

use opendesk_core::Reason;
use opendesk_std::client::prove;
use opendesk_std::home::{NewPeer, Peers};
use opendesk_tests::halting::{Halting, Stops, Then};
use opendesk_tests::rig::{Pairing, Rig};
use opendesk_tokio::{ClientError, ConnectOptions, Notice, PairOptions, Tokio};

use crate::run;

#[test]
fn both_screens_show_the_same_words_and_both_sides_trust() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        let Pairing { paired, seen_as, shown } = rig.pair("controller").await;
        assert_eq!(shown, paired.words);
        assert_eq!(shown.split(' ').count(), 4);
        let trusted = Peers::load(&rig.home("host")).unwrap();
        assert!(trusted.by_name(&seen_as).is_some());
        let known = Peers::load(&rig.home("controller")).unwrap();
        assert_eq!(known.by_name("host").unwrap().public_key, paired.key.0);
        assert_eq!(known.by_name("host").unwrap().wire, Some(2));
        assert!(rig.connect("controller").await.is_ok());
        let log = rig.stop().await;
        assert!(log.iter().any(|entry| entry["type"] == "pairing.paired"));
    });
}

#[test]
fn a_wrong_code_says_how_many_tries_are_left_and_stores_nothing() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        rig.show("123456").await;
        for left in [2, 1, 0] {
            let error = rig.pair_by("stranger", "654321").await.unwrap_err();
            assert!(matches!(error, ClientError::WrongCode { tries_left } if tries_left == left), "{error}");
        }
        // The fourth try is refused although the code is right (W4).
        let error = rig.pair_by("stranger", "123456").await.unwrap_err();
        assert!(matches!(error, ClientError::Closed(Reason::NOT_PAIRING)), "{error}");
        assert!(Peers::load(&rig.home("stranger")).unwrap().list().is_empty());
        assert!(Peers::load(&rig.home("host")).unwrap().list().is_empty());
        let log = rig.stop().await;
        assert_eq!(log.iter().filter(|entry| entry["type"] == "pairing.wrong_code").count(), 3);
    });
}

#[test]
fn one_code_admits_one_peer() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        rig.pair("first").await;
        let error = rig.pair_by("second", "123456").await.unwrap_err();
        assert!(matches!(error, ClientError::Closed(Reason::NOT_PAIRING)), "{error}");
    });
}

#[test]
fn a_pairing_window_does_not_disturb_who_drives() {
    run(async {
        let (rig, desktop) = Rig::on_virtual();
        rig.pair("driver").await;
        let driver = rig.connect("driver").await.unwrap();
        rig.show("777777").await;
        // The newcomer is paired although it finds the place taken.
        rig.pair_by("newcomer", "777777").await.unwrap();
        let input = opendesk_std::api::TextInput { text: "still here".into(), interval_ms: 0 };
        driver.text(&input).await.unwrap();
        assert!(desktop.editor_text().contains("still here"));
        let busy = rig.connect("newcomer").await.unwrap_err();
        assert!(matches!(busy, ClientError::Refused { reason: Reason::BUSY, .. }), "{busy}");
    });
}

#[test]
fn pairing_again_keeps_one_entry() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        let first = rig.pair("controller").await;
        let second = rig.pair("controller").await;
        assert_eq!((first.paired.name, first.seen_as), (second.paired.name, second.seen_as));
        assert_eq!(Peers::load(&rig.home("host")).unwrap().list().len(), 1);
        assert_eq!(Peers::load(&rig.home("controller")).unwrap().list().len(), 1);
    });
}

/// What became of a pairing over a link that broke.
async fn broken(stops: Stops) -> (Rig, ClientError) {
    let (rig, _) = Rig::on_virtual();
    rig.show("123456").await;
    let halting = Halting::start(stops, Then::Silence, Some(rig.address));
    let options = PairOptions {
        home: rig.home("controller"),
        host: halting.address.ip().to_string(),
        port: halting.address.port(),
        code: "123456".to_owned(),
        name: None,
    };
    let error = opendesk_tokio::pair(&options).await.expect_err("the link breaks");
    (rig, error)
}

#[test]
fn neither_side_trusts_before_it_has_the_others_proof() {
    run(async {
        // The controller says P, C, F and its HELLO; the host p, c and its HELLO.
        for stops in
            [Stops::DeafAfter(1), Stops::DeafAfter(2), Stops::DeafAfter(3), Stops::GoneAfter(1), Stops::GoneAfter(2)]
        {
            let (rig, error) = broken(stops).await;
            assert!(matches!(error, ClientError::Closed(Reason::LOST)), "{stops:?}: {error:?}");
            assert!(Peers::load(&rig.home("controller")).unwrap().list().is_empty(), "{stops:?}");
            // The code is good for the next one, who is the only one.
            let paired = rig.pair_by("next", "123456").await.unwrap();
            assert_eq!(Peers::load(&rig.home("host")).unwrap().list().len(), 1, "{stops:?}");
            assert_eq!(paired.key, rig.home("host").identity().unwrap().keys.static_key.public());
        }
    });
}

#[test]
fn a_host_that_has_the_controllers_proof_trusts_it_although_the_controller_hears_nothing_of_it() {
    run(async {
        let (rig, error) = broken(Stops::DeafAfter(4)).await;
        assert!(matches!(error, ClientError::Closed(Reason::LOST | Reason::NOT_PAIRING)), "{error:?}");
        rig.wait_for(|notice| matches!(notice, Notice::Paired { .. })).await;
        assert_eq!(Peers::load(&rig.home("host")).unwrap().list().len(), 1);
        assert!(Peers::load(&rig.home("controller")).unwrap().list().is_empty());
        // Pairing again is the way out, and makes no second entry.
        rig.pair("controller").await;
        assert_eq!(Peers::load(&rig.home("host")).unwrap().list().len(), 1);
        rig.connect("controller").await.unwrap().close().await;
    });
}

#[test]
fn a_name_that_another_machine_has_leaves_the_code_good_and_nobody_trusted() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        let home = rig.home("controller");
        let mut peers = Peers::load(&home).unwrap();
        let other = NewPeer {
            public_key: [9; 32],
            name: "Host".to_owned(),
            paired_at: 1.0,
            signing_key: Some([8; 32]),
            wire: 2,
            terms: None,
        };
        peers.add(&other).unwrap();
        rig.show("123456").await;
        let error = rig.pair_by("controller", "123456").await.unwrap_err();
        let ClientError::NameTaken { name, free, is_trusted_there: false } = error else { panic!("{error:?}") };
        assert_eq!((name.as_str(), free.as_str()), ("Host", "host-2"));
        assert_eq!(Peers::load(&home).unwrap().list(), peers.list());
        assert!(Peers::load(&rig.home("host")).unwrap().list().is_empty());

        // One that is paired already is proposed what it is called.
        let key = rig.home("host").identity().unwrap().keys.static_key.public();
        peers.add(&NewPeer { public_key: key.0, name: "mine".to_owned(), ..other }).unwrap();
        let error = rig.pair_by("controller", "123456").await.unwrap_err();
        assert!(matches!(&error, ClientError::NameTaken { free, .. } if free.as_str() == "mine"), "{error:?}");
        peers.remove(&key.0).unwrap();

        // Where that machine was last reached at this very place it may be this one with new keys: it is heard out.
        peers.set_endpoint(&[9; 32], &rig.address.ip().to_string(), rig.address.port()).unwrap();
        let error = rig.pair_by("controller", "123456").await.unwrap_err();
        assert!(matches!(error, ClientError::NameTaken { is_trusted_there: true, .. }), "{error:?}");
        assert_eq!(Peers::load(&home).unwrap().list(), peers.list());
        rig.wait_for(|notice| matches!(notice, Notice::Paired { .. })).await;
    });
}

#[test]
fn a_host_that_has_proved_the_code_is_stored_under_the_name_that_is_given_then() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        let home = rig.home("controller");
        rig.show("123456").await;
        let options = PairOptions {
            home: home.clone(),
            host: rig.address.ip().to_string(),
            port: rig.address.port(),
            code: "123456".to_owned(),
            name: None,
        };
        let mut peers = Peers::load(&home).unwrap();
        let own = opendesk_std::hostname();
        let named = |byte: u8, name: &str| NewPeer {
            public_key: [byte; 32],
            name: name.to_owned(),
            paired_at: 1.0,
            signing_key: None,
            wire: 1,
            terms: None,
        };
        peers.add(&named(8, &own)).unwrap();
        peers.add(&named(9, "desk")).unwrap();
        let proved = prove(Tokio, &options).await.unwrap();
        for taken in [None, Some("DESK")] {
            let name = taken.map(|name| name.parse().unwrap());
            let error = proved.trust(name.as_ref()).await.unwrap_err();
            assert!(matches!(error, ClientError::NameTaken { is_trusted_there: true, .. }), "{error:?}");
            assert_eq!(Peers::load(&home).unwrap().list(), peers.list());
        }
        let paired = proved.trust(Some(&"box".parse().unwrap())).await.unwrap();
        assert_eq!((paired.name.as_str(), paired.words.split(' ').count()), ("box", 4));
        assert_eq!(Peers::load(&home).unwrap().list().len(), 3);
        let shown = rig.wait_for(|notice| matches!(notice, Notice::Paired { .. })).await;
        assert!(matches!(shown, Notice::Paired { words, .. } if words == paired.words));
        opendesk_tokio::connect(&ConnectOptions { home, peer: "box".into() }).await.unwrap().close().await;
    });
}

#[test]
fn a_code_that_is_none_is_refused_before_anybody_is_dialled() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        for code in ["", &"1".repeat(65)] {
            let error = rig.pair_by("controller", code).await.unwrap_err();
            assert!(error.to_string().contains("1 to 64 bytes"), "{error}");
        }
        let log = rig.stop().await;
        assert!(log.iter().all(|entry| entry["type"] != "session.rejected"), "{log:?}");
    });
}

#[test]
fn a_busy_host_says_who_drives_it_and_since_when() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        let driver = rig.pair("driver").await.seen_as;
        rig.pair("newcomer").await;
        let before = opendesk_std::clock::epoch_seconds();
        let _driving = rig.connect("driver").await.unwrap();
        let error = rig.connect("newcomer").await.unwrap_err();
        let line = error.to_string();
        let ClientError::Refused { reason: Reason::BUSY, info: Some(info) } = error else { panic!("{error:?}") };
        assert_eq!(info.holder.as_deref(), Some(driver.as_str()));
        assert!(info.since.is_some_and(|since| since > before - 2.0 && since < before + 30.0), "{info:?}");
        assert!(line.starts_with(&format!("busy: \"{driver}\" has driven it since ")), "{line}");

        // The same in version 1.
        let home = rig.home("newcomer");
        let first = home.path().join("peers.json");
        std::fs::remove_file(first).unwrap();
        let error = rig.connect("newcomer").await.unwrap_err();
        let ClientError::Refused { reason: Reason::BUSY, info: Some(told) } = error else { panic!("{error:?}") };
        assert_eq!(told.holder, info.holder);
        assert!(told.message.contains("is driving this machine (for "), "{told:?}");
        assert!((told.since.unwrap() - info.since.unwrap()).abs() < 2.0, "{told:?}");
    });
}
