//! Pairing over the network.

use opendesk_core::Reason;
use opendesk_std::home::Peers;
use opendesk_tests::rig::{Pairing, Rig};
use opendesk_tokio::ClientError;

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
