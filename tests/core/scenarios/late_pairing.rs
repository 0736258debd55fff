//! A code admits at most one peer, also when the program takes its time to decide about the one that proved it.

use core::time::Duration;

use opendesk_core::{Decision, Event, PairingEnd, Reason, limits};
use opendesk_tests::world::{Way, Wire, World};

use super::{ANNA, BEN, CARL};

const CODE: &str = "314159";
const NEXT: &str = "161803";

/// Shorter than a decision may take.
const MOMENT: Duration = Duration::from_secs(1);

/// A host that shows the code and decides about nobody by itself.
fn showing() -> World {
    let mut world = World::new(1);
    world.program.decides_at_once = false;
    world.show_code(CODE);
    world
}

/// Anna proves the code and her key. Whether she is trusted is still to be decided.
fn proved(world: &mut World) -> Wire {
    let before = world.program.proved.len();
    let anna = world.pair(ANNA, CODE);
    world.settle();
    assert_eq!(world.program.proved.len(), before + 1);
    anna
}

/// The same, a moment before the code's time is up.
fn proved_at_the_last_moment() -> (World, Wire) {
    let mut world = showing();
    world.advance(limits::PAIRING - MOMENT);
    let anna = proved(&mut world);
    (world, anna)
}

fn ends(world: &World) -> Vec<PairingEnd> {
    let end = |event: &Event| if let Event::PairingEnded(end) = event { Some(*end) } else { None };
    world.events.iter().filter_map(end).collect()
}

#[test]
fn whoever_proved_the_code_in_time_is_admitted_after_its_end_and_nobody_else() {
    let mut world = showing();
    world.advance(limits::PAIRING - MOMENT);
    // Ben knows the code too; his proof is on its way until it has ended.
    let ben = world.pair(BEN, CODE);
    world.pipe(ben, Way::ToHost).held = true;
    world.settle();
    assert!(world.deliver(ben, Way::ToHost), "P");
    world.settle();
    let anna = proved(&mut world);

    world.advance(MOMENT);
    assert_eq!(ends(&world), [PairingEnd::Expired]);
    world.pipe(ben, Way::ToHost).held = false;
    let carl = world.pair(CARL, CODE);
    world.settle();
    world.decide(anna, Decision::Trusted);
    world.settle();

    assert_eq!(world.controller(), Some(anna));
    for other in [ben, carl] {
        assert_eq!(world.client(other).closed(), Some(Reason::NOT_PAIRING), "{other}");
    }
    assert_eq!(world.program.proved.len(), 1);
    assert_eq!(ends(&world), [PairingEnd::Expired], "a code ends once");
}

/// What ends a code.
type Act = fn(&mut World);

#[test]
fn a_decision_that_comes_after_the_end_of_its_code_leaves_the_next_code_alone() {
    let endings: [(Act, PairingEnd); 3] = [
        (|world| world.advance(MOMENT), PairingEnd::Expired),
        (World::cancel_pairing, PairingEnd::Closed),
        // The next code takes its place.
        (|_| (), PairingEnd::Closed),
    ];
    for (end, ended) in endings {
        for decision in [Decision::Trusted, Decision::Refused(Reason::UNAVAILABLE)] {
            let (mut world, anna) = proved_at_the_last_moment();
            end(&mut world);
            world.show_code(NEXT);
            world.decide(anna, decision);
            world.settle();
            assert_eq!(world.controller() == Some(anna), decision == Decision::Trusted);
            assert!(world.host.is_pairing(), "the next code was not used: {ended:?}, {decision:?}");
            assert_eq!(ends(&world), [ended]);

            let ben = world.pair(BEN, NEXT);
            world.settle();
            world.decide(ben, Decision::Trusted);
            world.settle();
            assert_eq!(world.program.proved.last().map(|proved| proved.peer), Some(BEN.public()));
            assert_eq!(ends(&world), [ended, PairingEnd::Paired]);
        }
    }
}

/// How Anna's link ends between her proof and the decision.
const DEATHS: [fn(&mut World, Wire); 3] = [
    |world, anna| world.cut(anna),
    |world, anna| world.evict(anna, Reason::REFUSED),
    |world, _| world.advance(limits::HANDSHAKE),
];

#[test]
fn while_a_peer_that_has_gone_is_being_stored_its_code_lets_nobody_else_in() {
    for die in DEATHS {
        let mut world = showing();
        let anna = proved(&mut world);
        die(&mut world, anna);
        world.settle();
        assert!(world.is_gone(anna) && world.controller().is_none());

        let ben = world.pair(BEN, CODE);
        world.settle();
        assert_eq!(world.client(ben).closed(), Some(Reason::NOT_PAIRING));
        // Anna is stored by now, and so her code is used.
        world.decide(anna, Decision::Trusted);
        assert_eq!(ends(&world), [PairingEnd::Paired]);
        let carl = world.pair(CARL, CODE);
        world.settle();
        assert_eq!(world.client(carl).closed(), Some(Reason::NOT_PAIRING));
        assert!(world.program.proved.iter().map(|proved| proved.peer).eq([ANNA.public()]));
    }
}

#[test]
fn a_peer_that_has_gone_and_could_not_be_stored_leaves_the_code_to_the_next() {
    for die in DEATHS {
        let mut world = showing();
        let anna = proved(&mut world);
        die(&mut world, anna);
        world.settle();
        world.decide(anna, Decision::Refused(Reason::UNAVAILABLE));
        assert!(world.host.is_pairing() && ends(&world).is_empty());

        let ben = world.pair(BEN, CODE);
        world.settle();
        world.decide(ben, Decision::Trusted);
        world.settle();
        assert_eq!(world.controller(), Some(ben));
        assert_eq!(ends(&world), [PairingEnd::Paired]);
    }
}
