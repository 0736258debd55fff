//! Codes and version 1: only where the owner has allowed it, and whoever was given something to search and does not go on
//! has used up a try.

use std::sync::LazyLock;

use opendesk_core::dialect::v1::PairClient;
use opendesk_core::{Client, Event, Misuse, PairingEnd, Psk, Reason, limits};
use opendesk_tests::world::{Way, Wire, World};

use super::{ANNA, BEN, CARL};
use crate::raw1::{Raw1, hello, map};

pub(super) const CODE: &str = "314159";
const WRONG: &str = "271828";

/// What the code becomes. It takes long to derive, by intent.
static RIGHT_PSK: LazyLock<Psk> = LazyLock::new(|| Psk::derive(CODE.as_bytes()));
static WRONG_PSK: LazyLock<Psk> = LazyLock::new(|| Psk::derive(WRONG.as_bytes()));

pub(super) fn right() -> Psk {
    RIGHT_PSK.clone()
}

fn wrong() -> Psk {
    WRONG_PSK.clone()
}

/// A host that shows the code to peers of both versions.
fn showing() -> World {
    let mut world = World::new(1);
    world.show_code_to_all(CODE, right());
    world
}

/// Somebody begins to pair in version 1. Gives the connection, and what the host says.
fn begin(world: &mut World) -> (Wire, Vec<Vec<u8>>) {
    let wire = world.raw();
    let (_, first) = PairClient::start(BEN.static_key(), wrong(), world.random());
    world.send(wire, Way::ToHost, &first);
    world.settle();
    let answers = world.received(wire);
    (wire, answers)
}

/// The last message of a pairing, of somebody who does not know the code.
fn guess() -> Vec<u8> {
    let mut message = map(&[("v", 1.into()), ("kind", "pair_finish".into())]);
    message[0] += 1;
    message.extend([0xa2, b'c', b't', 0xc4, 48]);
    message.extend([7; 48]);
    message
}

fn ends(world: &World) -> Vec<PairingEnd> {
    let end = |event: &Event| if let Event::PairingEnded(end) = event { Some(*end) } else { None };
    world.events.iter().filter_map(end).collect()
}

fn wrong_codes(world: &World) -> Vec<u8> {
    let left = |event: &Event| if let Event::WrongCode { tries_left, .. } = event { Some(*tries_left) } else { None };
    world.events.iter().filter_map(left).collect()
}

fn reason(world: &World, wire: Wire) -> Option<Reason> {
    let link = world.link(wire);
    world.events.iter().find_map(|event| match event {
        Event::LinkClosed { link: closed, reason } if *closed == link => Some(*reason),
        _ => None,
    })
}

#[test]
fn the_right_code_lets_one_peer_in_who_is_trusted_from_then_on() {
    let mut world = showing();
    let mut anna = Raw1::pair(&mut world, ANNA, &right());
    let proved = &world.program.proved[0];
    assert_eq!((proved.peer, proved.paired, proved.handshake), (ANNA.public(), true, anna.hash));
    assert_eq!((ends(&world), wrong_codes(&world).len()), (vec![PairingEnd::Paired], 0));
    assert!(anna.is_served(&mut world));

    let (late, answers) = begin(&mut world);
    assert_eq!((answers.len(), reason(&world, late)), (0, Some(Reason::NOT_PAIRING)), "the code is used up");
    world.hang_up(anna.wire);
    let mut again = Raw1::open(&mut world, ANNA);
    assert!(again.is_served(&mut world));
}

#[test]
fn our_own_controller_pairs_with_our_own_host_in_version_1() {
    let mut world = showing();
    let anna = world.pair_by_version_1(ANNA, right());
    world.settle();
    assert_eq!((world.controller(), ends(&world)), (Some(anna), vec![PairingEnd::Paired]));
    assert_eq!(world.client(anna).opened(), world.host.handshake_hash(world.link(anna)));
    world.close(anna, Reason::DONE);
    world.settle();
    let again = world.connect_by_version_1(ANNA);
    world.settle();
    assert_eq!(world.controller(), Some(again));
}

#[test]
fn a_controller_that_wants_another_host_is_not_trusted_and_costs_a_try() {
    let mut world = showing();
    let mut client = Client::pair_version_1(world.now(), ANNA.config(), right(), [5; 32]);
    client.expect(BEN.public());
    let anna = world.attach(client);
    world.settle();
    assert_eq!(world.client(anna).closed(), Some(Reason::WRONG_HOST));
    assert_eq!(world.client(anna).client.other(), Some(world.host_key()));
    world.cut(anna);
    world.settle();
    assert!(world.program.proved.is_empty() && world.program.trusted.is_empty());
    // The host cannot tell it from one that has guessed.
    assert_eq!(wrong_codes(&world), [2]);
    let ben = world.pair_by_version_1(BEN, right());
    world.settle();
    assert_eq!(world.controller(), Some(ben));
}

#[test]
fn a_wrong_code_is_noticed_by_the_controller_and_counts() {
    let mut world = showing();
    for left in [2, 1, 0] {
        let ben = world.pair_by_version_1(BEN, wrong());
        world.settle();
        assert_eq!(world.client(ben).closed(), Some(Reason::WRONG_CODE));
        assert_eq!(wrong_codes(&world).last(), Some(&left));
        assert!(world.is_gone(ben));
    }
    assert_eq!(ends(&world), [PairingEnd::WrongCodes]);
    let anna = world.pair_by_version_1(ANNA, right());
    world.settle();
    assert!(world.client(anna).opened().is_none() && world.program.proved.is_empty());
}

#[test]
fn two_wrong_codes_do_not_keep_the_right_one_out() {
    let mut world = showing();
    for _ in 0..2 {
        world.pair_by_version_1(BEN, wrong());
        world.settle();
    }
    Raw1::pair(&mut world, ANNA, &right());
}

#[test]
fn however_an_attempt_ends_after_the_offer_it_was_a_try() {
    type End = fn(&mut World, Wire);
    let ends: [(Reason, End); 6] = [
        (Reason::LOST, |world, wire| world.hang_up(wire)),
        (Reason::LOST, |world, wire| world.cut(wire)),
        (Reason::TIMEOUT, |world, _| world.advance(limits::HANDSHAKE)),
        (Reason::SHUTDOWN, |world, wire| world.evict(wire, Reason::SHUTDOWN)),
        (Reason::WRONG_CODE, |world, wire| world.send(wire, Way::ToHost, &guess())),
        (Reason::MALFORMED, |world, wire| world.send(wire, Way::ToHost, b"anything")),
    ];
    for (why, end) in ends {
        let mut world = showing();
        let (wire, answers) = begin(&mut world);
        assert_eq!((answers.len(), wrong_codes(&world).len()), (1, 0), "{why:?}");
        end(&mut world, wire);
        world.settle();
        assert_eq!((reason(&world, wire), wrong_codes(&world)), (Some(why), vec![2]));
        assert!(world.received(wire).is_empty(), "{why:?}: nothing is said");
        assert!(world.host.is_pairing(), "{why:?}: two tries are left");
        world.advance(limits::HANDSHAKE);
        assert_eq!(wrong_codes(&world).len(), 1, "{why:?}: one attempt is one try");
    }
}

#[test]
fn whoever_was_offered_nothing_has_not_tried() {
    let mut world = showing();
    let silent = world.raw();
    world.hang_up(silent);
    // A key of low order, of which everybody knows what comes of it.
    let mut neutral = map(&[("v", 1.into()), ("kind", "pair_hello".into())]);
    neutral[0] += 1;
    neutral.extend([0xa1, b'e', 0xc4, 32]);
    neutral.extend([0; 32]);
    let wire = world.raw();
    world.send(wire, Way::ToHost, &neutral);
    let early = world.raw();
    world.send(early, Way::ToHost, &guess());
    world.settle();
    assert_eq!((reason(&world, wire), reason(&world, early)), (Some(Reason::MALFORMED), Some(Reason::MISBEHAVED)));
    assert!([silent, wire, early].iter().all(|wire| world.is_gone(*wire) && wrong_codes(&world).is_empty()));
    assert!(world.received(wire).is_empty());
    Raw1::pair(&mut world, ANNA, &right());
}

#[test]
fn three_tries_at_once_are_all_and_the_fourth_gets_nothing() {
    let mut world = showing();
    let begun = [(); 4].map(|()| begin(&mut world).0);
    let last = Raw1::offered(&mut world, ANNA.static_key(), &right());
    for wire in &begun[..3] {
        world.hang_up(*wire);
    }
    world.settle();
    assert_eq!((wrong_codes(&world), ends(&world)), (vec![2, 1, 0], vec![PairingEnd::WrongCodes]));
    let (anna, finish) = last;
    world.send(anna.wire, Way::ToHost, &finish);
    world.hang_up(begun[3]);
    world.settle();
    assert_eq!(reason(&world, anna.wire), Some(Reason::NOT_PAIRING), "although the code is right");
    assert_eq!(wrong_codes(&world).len(), 3);
    assert!(world.program.proved.is_empty());
}

#[test]
fn without_the_owner_s_leave_version_1_is_refused_without_a_word_and_costs_no_try() {
    let mut world = World::new(1);
    world.show_code(CODE);
    for _ in 0..5 {
        let (wire, answers) = begin(&mut world);
        assert_eq!((answers.len(), reason(&world, wire)), (0, Some(Reason::NOT_PAIRING)));
    }
    let anna = world.pair_by_version_1(ANNA, right());
    world.settle();
    assert_eq!(world.client(anna).closed(), Some(Reason::LOST));
    assert!(world.host.is_pairing() && wrong_codes(&world).is_empty());
    let anna = world.pair(ANNA, CODE);
    world.settle();
    assert_eq!(world.controller(), Some(anna), "version 2 pairs");
}

#[test]
fn leave_is_given_for_one_window() {
    let mut world = World::new(1);
    assert_eq!(world.host.allow_version_1(right()), Err(Misuse::Code), "there is none");
    world.show_code_to_all(CODE, right());
    world.show_code(CODE);
    let (wire, answers) = begin(&mut world);
    assert_eq!((answers.len(), reason(&world, wire)), (0, Some(Reason::NOT_PAIRING)));
}

#[test]
fn version_2_pairs_in_a_window_that_allows_version_1_and_both_count_the_same_tries() {
    let mut world = showing();
    let ben = world.pair(BEN, WRONG);
    world.settle();
    assert_eq!(world.client(ben).tries_left(), Some(2));
    world.pair_by_version_1(BEN, wrong());
    world.settle();
    assert_eq!(wrong_codes(&world), [2, 1]);
    let anna = world.pair(ANNA, CODE);
    world.settle();
    assert_eq!((world.controller(), ends(&world)), (Some(anna), vec![PairingEnd::Paired]));
}

#[test]
fn who_is_known_comes_in_while_a_code_is_shown() {
    let mut world = showing();
    let mut anna = Raw1::open(&mut world, ANNA);
    assert!(world.host.is_pairing() && anna.is_served(&mut world));
    // And nobody who pairs disturbs it.
    world.pair_by_version_1(CARL, wrong());
    let ben = world.pair_by_version_1(BEN, right());
    world.settle();
    assert_eq!(world.client(ben).closed(), Some(Reason::BUSY), "paired, and told who drives");
    assert!(world.program.trusted.contains(&BEN.public()) && anna.is_served(&mut world));
}

#[test]
fn an_attempt_under_an_old_code_is_worth_nothing_under_the_next_and_costs_it_no_try() {
    let mut world = showing();
    let (anna, finish) = Raw1::offered(&mut world, ANNA.static_key(), &right());
    world.show_code_to_all(CODE, right());
    world.send(anna.wire, Way::ToHost, &finish);
    world.settle();
    assert_eq!(reason(&world, anna.wire), Some(Reason::NOT_PAIRING));
    assert!(world.program.proved.is_empty() && wrong_codes(&world).is_empty());
}

#[test]
fn while_one_link_is_past_its_proof_nobody_else_is_let_in() {
    let mut world = showing();
    let (mut anna, of_anna) = Raw1::offered(&mut world, ANNA.static_key(), &right());
    let (ben, of_ben) = Raw1::offered(&mut world, BEN.static_key(), &right());
    world.send(anna.wire, Way::ToHost, &of_anna);
    world.settle();
    assert!(world.host.is_pairing() && world.program.trusted.is_empty(), "she has not proved her key yet");
    world.send(ben.wire, Way::ToHost, &of_ben);
    world.settle();
    assert_eq!(reason(&world, ben.wire), Some(Reason::NOT_PAIRING));
    anna.say(&mut world, &hello());
    assert_eq!(world.controller(), Some(anna.wire));
    assert!(world.program.trusted.iter().eq([&ANNA.public()]));
}

#[test]
fn whoever_knows_the_code_and_not_the_key_that_it_claims_is_not_let_in() {
    let mut world = showing();
    let (anna, finish) = Raw1::offered(&mut world, ANNA.static_key(), &right());
    world.send(anna.wire, Way::ToHost, &finish);
    world.send(anna.wire, Way::ToHost, b"a record of somebody else");
    world.settle();
    assert_eq!(reason(&world, anna.wire), Some(Reason::FORGED));
    assert!(world.host.is_pairing() && world.program.trusted.is_empty(), "the code is free again");
    Raw1::pair(&mut world, BEN, &right());
}

#[test]
fn a_replayed_pairing_pairs_nobody_and_costs_one_try() {
    let mut world = showing();
    let anna = Raw1::pair(&mut world, ANNA, &right());
    let recorded = world.overheard(anna.wire).to_vec();
    world.hang_up(anna.wire);
    world.settle();
    world.show_code_to_all(CODE, right());
    let replay = world.raw();
    for message in &recorded {
        world.send(replay, Way::ToHost, message);
    }
    world.settle();
    assert_eq!((reason(&world, replay), wrong_codes(&world)), (Some(Reason::WRONG_CODE), vec![2]));
    assert_eq!((world.controller(), world.program.proved.len()), (None, 1));
}

#[test]
fn a_code_that_ends_before_its_peer_has_greeted_lets_nobody_in() {
    let mut world = showing();
    world.advance(limits::PAIRING - limits::HANDSHAKE / 2);
    let (mut anna, finish) = Raw1::offered(&mut world, ANNA.static_key(), &right());
    world.send(anna.wire, Way::ToHost, &finish);
    world.advance(limits::HANDSHAKE / 2);
    assert_eq!(ends(&world), [PairingEnd::Expired]);
    anna.say(&mut world, &hello());
    let heard = anna.heard(&mut world);
    assert!(heard.len() == 1 && heard[0]["error"].is_object(), "it is told so: {heard:?}");
    assert!(world.is_gone(anna.wire) && world.program.trusted.is_empty() && world.program.proved.is_empty());
}
