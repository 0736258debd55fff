//! The two small machines that decide who drives and who may pair, against what they must remember.

use opendesk_core::{
    Arbiter, Claim, Host, Instant, Keys, LinkId, PairingWindow, PublicKey, SigningKey, StaticKey, limits,
};
use proptest::prelude::*;

/// Four links, made by the only one who may.
fn links() -> Vec<LinkId> {
    let config = Keys { static_key: StaticKey::new([1; 32]), signing_key: SigningKey::new([2; 32]) };
    let mut host: Box<Host<4>> = Box::new(Host::new(config, [3; 32]));
    (0..4).map(|number| host.open(Instant::default(), [number; 16]).expect("there is a place")).collect()
}

fn peer(number: usize) -> PublicKey {
    PublicKey([number as u8; 32])
}

#[derive(Debug, Clone, Copy)]
enum Move {
    Grant { link: usize, peer: usize },
    Leave { link: usize },
    Released { link: usize },
}

fn moves() -> impl Strategy<Value = Move> {
    prop_oneof![
        (0_usize..4, 0_usize..2).prop_map(|(link, peer)| Move::Grant { link, peer }),
        (0_usize..4).prop_map(|link| Move::Leave { link }),
        (0_usize..4).prop_map(|link| Move::Released { link }),
    ]
}

/// Two facts: who drives since when, and whose keys are still held.
#[derive(Debug, Default)]
struct Facts {
    drives: Option<(usize, usize, Instant)>,
    held: Option<usize>,
}

proptest! {
    #[test]
    fn the_place_has_one_holder_and_is_released_before_the_next(moves in prop::collection::vec(moves(), 0..60)) {
        let links = links();
        let mut arbiter = Arbiter::new();
        let mut facts = Facts::default();
        for (second, next) in (1_u64..).zip(moves) {
            let now = Instant::from_micros(second);
            match next {
                Move::Grant { link, peer: number } => {
                    let free = facts.drives.is_none() && facts.held.is_none();
                    assert_eq!(arbiter.grant(now, links[link], peer(number)), free, "I1, I3");
                    if free {
                        facts.drives = Some((link, number, now));
                    }
                }
                Move::Leave { link } => {
                    let drives = facts.drives.is_some_and(|(driver, _, _)| driver == link);
                    assert_eq!(arbiter.leave(links[link]), drives);
                    if drives {
                        facts = Facts { drives: None, held: Some(link) };
                    }
                }
                Move::Released { link } => {
                    let awaited = facts.held == Some(link);
                    assert_eq!(arbiter.released(links[link]), awaited);
                    if awaited {
                        facts.held = None;
                    }
                }
            }
            let expected = facts.drives.map(|(link, number, since)| (links[link], peer(number), since));
            assert_eq!(arbiter.holder(), expected);
            for number in 0..2 {
                let claim = match (facts.drives, facts.held) {
                    (Some((link, holder, _)), _) if holder == number => Claim::Replaces(links[link]),
                    (Some((_, holder, since)), _) => Claim::Busy { holder: peer(holder), since },
                    (None, Some(_)) => Claim::Wait,
                    (None, None) => Claim::Granted,
                };
                assert_eq!(arbiter.claim(peer(number)), claim, "I5");
            }
        }
    }

    #[test]
    fn one_link_at_a_time_is_past_its_proof_and_three_wrong_codes_are_all(
        moves in prop::collection::vec((0_u8..4, 0_usize..4), 0..60),
        code in prop::collection::vec(any::<u8>(), 1..=limits::CODE_BYTES),
        number in any::<u32>(),
    ) {
        let links = links();
        let until = Instant::from_micros(7);
        let mut window = PairingWindow::open(number, &code, until).unwrap();
        let mut past_its_proof: Option<usize> = None;
        let mut wrong = 0;
        for (what, link) in moves {
            let free = past_its_proof.is_none_or(|it| it == link);
            match what {
                0 => {
                    assert_eq!(window.claim(links[link]), free);
                    past_its_proof = past_its_proof.or(Some(link));
                }
                1 => {
                    window.forget(links[link]);
                    past_its_proof = past_its_proof.filter(|it| *it != link);
                }
                2 => {
                    wrong += 1;
                    assert_eq!(window.wrong(), limits::PAIRING_TRIES.saturating_sub(wrong));
                }
                _ => assert_eq!(window.is_free_for(links[link]), free),
            }
            assert_eq!(window.tries_left(), limits::PAIRING_TRIES.saturating_sub(wrong));
            assert_eq!((window.number(), window.code(), window.until()), (number, &code[..], until));
            for (index, link) in links.iter().enumerate() {
                assert_eq!(window.is_claimed_by(*link), past_its_proof == Some(index));
            }
        }
    }
}
