//! The same inputs give the same trace, byte for byte (I8).

use opendesk_tests::world::model::{Op, run};
use opendesk_tests::world::{Peer, World};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn equal_inputs_give_equal_traces(seed in any::<u64>(), bytes in prop::collection::vec(any::<[u8; 2]>(), 0..30)) {
        let ops: Vec<Op> = bytes.iter().map(|[kind, choice]| Op::from_bytes(*kind, *choice)).collect();
        let (first, second) = (run(seed, &ops), run(seed, &ops));
        assert_eq!(first.trace(), second.trace());
    }
}

/// A session with an answer, as anybody on the network sees it.
fn session(seed: u64) -> Vec<Vec<u8>> {
    let mut world = World::new(seed);
    let anna = world.open(Peer(1));
    world.call(anna, "system.echo", b"hello");
    world.settle();
    assert!(!world.trace().is_empty());
    world.overheard(anna).to_vec()
}

#[test]
fn another_seed_gives_other_bytes_of_the_same_lengths() {
    let (first, again, other) = (session(1), session(1), session(2));
    assert_eq!(first, again);
    assert_eq!(first.len(), other.len());
    for (one, two) in first.iter().zip(&other) {
        assert_eq!(one.len(), two.len());
        assert_ne!(one, two, "nothing is said twice in the same bytes");
    }
}
