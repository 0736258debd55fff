//! Random operations on a host and on the model of it (`tests/support/world/model.rs`), compared after each.

use opendesk_tests::world::Peer;
use opendesk_tests::world::model::{Op, run};
use proptest::prelude::*;

fn ops() -> impl Strategy<Value = Op> {
    any::<[u8; 2]>().prop_map(|[kind, choice]| Op::from_bytes(kind, choice))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_host_does_what_the_model_does(seed in any::<u64>(), ops in prop::collection::vec(ops(), 0..50)) {
        drop(run(seed, &ops));
    }
}

#[test]
fn every_operation_is_among_the_random_ones() {
    let all: Vec<Op> = (0..=255).flat_map(|kind| [0, 1].map(|choice| Op::from_bytes(kind, choice))).collect();
    let peer = Peer(0);
    for op in [Op::Connect(peer), Op::Ask, Op::Release, Op::Close, Op::Evict, Op::Vanish, Op::ShowCode, Op::Guess] {
        assert!(all.contains(&op), "{op:?}");
    }
    for op in [Op::Pair(Peer(1)), Op::Replay(1), Op::Cut(1), Op::Advance(1), Op::Answer(1), Op::AnswerAgain(1)] {
        assert!(all.contains(&op), "{op:?}");
    }
    for op in [Op::Cancel(1), Op::Grant(1), Op::Item(1), Op::AskAgain(1), Op::Settle] {
        assert!(all.contains(&op), "{op:?}");
    }
}

#[test]
fn a_day_in_which_everything_happens() {
    let (anna, ben, stranger) = (Peer(0), Peer(1), Peer(2));
    let day = [
        Op::Connect(anna),
        Op::Ask,
        Op::Ask,
        Op::Grant(0),
        Op::Item(0),
        Op::Item(0),
        Op::Ask,
        Op::Connect(stranger),
        Op::Connect(ben),
        Op::Answer(1),
        Op::AnswerAgain(0),
        Op::Cancel(0),
        Op::Replay(0),
        Op::Connect(anna),
        Op::Connect(ben),
        Op::Release,
        Op::AskAgain(0),
        Op::Settle,
        Op::AskAgain(0),
        Op::AskAgain(1),
        Op::Ask,
        Op::ShowCode,
        Op::Guess,
        Op::Pair(stranger),
        Op::Guess,
        Op::Vanish,
        Op::Connect(stranger),
        Op::Advance(50),
        Op::Connect(ben),
        Op::Release,
        Op::Evict,
        Op::Connect(anna),
        Op::Advance(127),
        Op::Release,
        Op::Connect(ben),
        Op::Cut(0),
        Op::Close,
        Op::Release,
    ];
    let world = run(1, &day);
    assert_eq!(world.controller(), None);
}
