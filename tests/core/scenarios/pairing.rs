//! A code admits one peer, once, for five minutes and three tries.

use core::time::Duration;

use opendesk_core::frame::{Header, Hello, SessionKind};
use opendesk_core::{Client, ClientEvent, Decision, Event, Misuse, PairingEnd, Reason, limits};
use opendesk_tests::world::{Way, Wire, World};

use super::{ANNA, BEN, CARL};
use crate::raw::{Raw, Said};

const CODE: &str = "314159";
const WRONG: &str = "271828";

/// A host that shows the code.
fn showing() -> World {
    let mut world = World::new(1);
    world.show_code(CODE);
    world
}

/// Anna has proved the code; her next words do not arrive by themselves.
fn proved(world: &mut World) -> Wire {
    let anna = world.pair(ANNA, CODE);
    world.pipe(anna, Way::ToHost).held = true;
    for _ in ["P", "C"] {
        world.settle();
        assert!(world.deliver(anna, Way::ToHost));
    }
    world.settle();
    anna
}

fn ends(world: &World) -> Vec<PairingEnd> {
    let end = |event: &Event| if let Event::PairingEnded(end) = event { Some(*end) } else { None };
    world.events.iter().filter_map(end).collect()
}

fn wrong_codes(world: &World) -> Vec<u8> {
    let left = |event: &Event| if let Event::WrongCode { tries_left, .. } = event { Some(*tries_left) } else { None };
    world.events.iter().filter_map(left).collect()
}

#[test]
fn the_right_code_gives_both_sides_the_same_hash_and_keys() {
    let mut world = showing();
    let anna = world.pair(ANNA, CODE);
    world.settle();

    assert_eq!(world.controller(), Some(anna));
    let hash = world.client(anna).opened().unwrap();
    assert_eq!(world.host.handshake_hash(world.link(anna)), Some(hash));
    let proved = &world.program.proved[0];
    assert_eq!((proved.peer, proved.paired, proved.handshake), (ANNA.public(), true, hash));
    assert_eq!(proved.body, b"a controller");
    let host = world.host_key();
    assert!(matches!(world.client(anna).events[..], [ClientEvent::Opened { host: named, .. }] if named == host));

    let call = world.call(anna, "system.echo", b"under the new keys");
    world.settle();
    assert_eq!(world.client(anna).answer(call).unwrap().body, b"under the new keys");
}

#[test]
fn a_code_is_used_up_by_one_peer_who_is_trusted_from_then_on() {
    let mut world = showing();
    let anna = world.pair(ANNA, CODE);
    world.settle();
    assert!(!world.host.is_pairing());
    assert_eq!(ends(&world), [PairingEnd::Paired]);

    world.close(anna, Reason::DONE);
    let ben = world.pair(BEN, CODE);
    world.settle();
    assert_eq!(world.client(ben).closed(), Some(Reason::NOT_PAIRING));

    let again = world.connect(ANNA);
    world.settle();
    assert_eq!(world.controller(), Some(again));
    assert_ne!(world.client(again).opened(), world.client(anna).opened());
}

#[test]
fn a_wrong_code_counts_down_and_the_fourth_try_is_refused_although_it_is_right() {
    let mut world = showing();
    for tries_left in [2, 1, 0] {
        let ben = world.pair(BEN, WRONG);
        world.settle();
        assert_eq!(world.client(ben).events, [ClientEvent::Closed { reason: Reason::WRONG_CODE, tries_left }]);
        assert_eq!(world.client(ben).tries_left(), Some(tries_left));
        assert!(world.is_gone(ben));
    }
    assert_eq!(wrong_codes(&world), [2, 1, 0]);
    assert_eq!(ends(&world), [PairingEnd::WrongCodes]);

    let anna = world.pair(ANNA, CODE);
    world.settle();
    assert_eq!(world.client(anna).closed(), Some(Reason::NOT_PAIRING));
    assert!(world.program.trusted.is_empty() && world.program.proved.is_empty());
}

#[test]
fn two_wrong_codes_do_not_keep_the_right_one_out() {
    let mut world = showing();
    for _ in 0..2 {
        world.pair(BEN, WRONG);
        world.settle();
    }
    let anna = world.pair(ANNA, CODE);
    world.settle();
    assert_eq!(world.controller(), Some(anna));
}

#[test]
fn a_code_lives_for_five_minutes() {
    let mut world = showing();
    world.advance(limits::PAIRING - Duration::from_micros(1));
    assert!(world.host.is_pairing());
    world.advance(Duration::from_micros(1));
    assert_eq!(ends(&world), [PairingEnd::Expired]);
    let anna = world.pair(ANNA, CODE);
    world.settle();
    assert_eq!(world.client(anna).closed(), Some(Reason::NOT_PAIRING));

    let mut world = showing();
    world.advance(limits::PAIRING - Duration::from_micros(1));
    let anna = world.pair(ANNA, CODE);
    world.settle();
    assert_eq!(world.controller(), Some(anna));
}

/// The code ends when this many of Anna's last two messages have arrived: the one that proves her key, and her HELLO.
fn outlives_the_code(arrived: usize) -> (World, Wire) {
    let mut world = showing();
    world.advance(limits::PAIRING - Duration::from_secs(1));
    let anna = proved(&mut world);
    for _ in 0..arrived {
        assert!(world.deliver(anna, Way::ToHost));
    }
    world.advance(Duration::from_secs(1));
    assert_eq!(ends(&world), [PairingEnd::Expired]);
    world.pipe(anna, Way::ToHost).held = false;
    world.settle();
    (world, anna)
}

#[test]
fn an_attempt_that_outlives_the_code_is_refused() {
    for arrived in [0, 1] {
        let (world, anna) = outlives_the_code(arrived);
        assert!(world.is_gone(anna) && world.client(anna).opened().is_none());
        assert!(world.program.proved.is_empty() && world.program.trusted.is_empty());
    }
}

#[test]
fn an_attempt_that_outlives_the_code_is_told_so() {
    for arrived in [1, 0] {
        let (world, anna) = outlives_the_code(arrived);
        assert_eq!(world.client(anna).closed(), Some(Reason::NOT_PAIRING), "{arrived} messages had arrived");
    }
}

#[test]
fn while_one_link_is_past_its_proof_nobody_else_is_let_in() {
    let mut world = showing();
    let ben = world.pair(BEN, CODE);
    world.pipe(ben, Way::ToHost).held = true;
    world.settle();
    assert!(world.deliver(ben, Way::ToHost), "P");
    world.settle();
    let anna = proved(&mut world);

    assert!(world.deliver(ben, Way::ToHost), "C, and the code in it is right");
    world.settle();
    assert_eq!(world.client(ben).closed(), Some(Reason::NOT_PAIRING));
    assert!(wrong_codes(&world).is_empty());

    world.pipe(anna, Way::ToHost).held = false;
    world.settle();
    assert_eq!(world.controller(), Some(anna));
    assert!(world.program.trusted.iter().eq([&ANNA.public()]));
}

#[test]
fn an_attempt_that_dies_after_its_proof_frees_the_window() {
    let deaths: [fn(&mut World, Wire); 5] = [
        |world, anna| world.cut(anna),
        |world, _| world.advance(limits::HANDSHAKE),
        |world, anna| world.evict(anna, Reason::REFUSED),
        |world, anna| {
            world.pipe(anna, Way::ToHost).under_way.clear();
            world.send(anna, Way::ToHost, b"OD2F and nonsense");
            assert!(world.deliver(anna, Way::ToHost));
        },
        |world, anna| {
            assert!(world.deliver(anna, Way::ToHost), "F is genuine");
            world.pipe(anna, Way::ToHost).under_way.clear();
            world.send(anna, Way::ToHost, b"a HELLO of somebody else");
            assert!(world.deliver(anna, Way::ToHost));
        },
    ];
    for die in deaths {
        let mut world = showing();
        let anna = proved(&mut world);
        die(&mut world, anna);
        world.settle();
        assert!(world.host.is_pairing() && wrong_codes(&world).is_empty());
        let ben = world.pair(BEN, CODE);
        world.settle();
        assert_eq!(world.controller(), Some(ben));
    }
}

#[test]
fn a_controller_that_wants_another_host_leaves_before_it_is_trusted_and_the_code_stays_good() {
    let mut world = showing();
    let mut client = Client::pair(world.now(), ANNA.config(), CODE.as_bytes(), [5; 32]).unwrap();
    client.expect(CARL.public());
    let anna = world.attach(client);
    world.settle();
    assert_eq!(world.client(anna).events, [ClientEvent::Closed { reason: Reason::WRONG_HOST, tries_left: 0 }]);
    assert_eq!(world.client(anna).client.other(), Some(world.host_key()));
    world.cut(anna);
    world.settle();
    assert!(world.host.is_pairing() && wrong_codes(&world).is_empty());
    assert!(world.program.proved.is_empty() && world.program.trusted.is_empty());

    // The one that is wanted is paired with.
    let mut client = Client::pair(world.now(), BEN.config(), CODE.as_bytes(), [6; 32]).unwrap();
    client.expect(world.host_key());
    let ben = world.attach(client);
    world.settle();
    assert_eq!((world.controller(), world.client(ben).client.other()), (Some(ben), None));
}

#[test]
fn a_pairing_that_asks_for_an_unknown_kind_of_session_frees_the_window() {
    let mut world = showing();
    let mut raw = Raw::keyed_by_code(&mut world, ANNA.static_key(), CODE);
    let hello = Hello { kind: SessionKind::OBSERVE, ..raw.hello(ANNA) };
    raw.say(&mut world, &Header::Hello(hello), b"");
    assert_eq!(raw.heard(&mut world), [Said::Hello { error: Some(Reason::UNSUPPORTED), body: vec![] }]);
    assert!(world.is_gone(raw.wire));

    let ben = world.pair(BEN, CODE);
    world.settle();
    assert_eq!(world.controller(), Some(ben));
}

#[test]
fn an_owner_who_refuses_a_newcomer_still_shows_the_code() {
    let mut world = showing();
    world.program.decides_at_once = false;
    let anna = world.pair(ANNA, CODE);
    world.settle();
    world.decide(anna, Decision::Refused(Reason::REFUSED));
    world.settle();
    assert_eq!(world.client(anna).closed(), Some(Reason::REFUSED));

    world.program.decides_at_once = true;
    let ben = world.pair(BEN, CODE);
    world.settle();
    assert_eq!(world.controller(), Some(ben));
}

#[test]
fn an_attempt_under_an_old_code_is_worth_nothing_under_the_next() {
    for code in [CODE, WRONG] {
        let mut world = showing();
        let anna = world.pair(ANNA, code);
        world.pipe(anna, Way::ToHost).held = true;
        world.settle();
        assert!(world.deliver(anna, Way::ToHost), "P");
        world.settle();
        world.show_code("161803");
        world.pipe(anna, Way::ToHost).held = false;
        world.settle();
        assert_eq!(world.client(anna).closed(), Some(Reason::NOT_PAIRING), "the code was {code}");
        assert!(world.program.proved.is_empty());
        assert!(wrong_codes(&world).is_empty(), "the next code has all its tries");
    }
}

#[test]
fn a_proof_of_an_old_code_is_worth_nothing_under_the_next() {
    let mut world = showing();
    let anna = proved(&mut world);
    world.cancel_pairing();
    world.show_code("161803");
    world.pipe(anna, Way::ToHost).held = false;
    world.settle();
    assert!(world.is_gone(anna) && world.client(anna).opened().is_none());
    assert!(world.host.is_pairing() && world.program.proved.is_empty());
}

#[test]
fn pairing_never_disturbs_an_open_session() {
    let mut world = World::new(1);
    let anna = world.open(ANNA);
    world.show_code(CODE);
    world.pair(CARL, WRONG);
    let ben = world.pair(BEN, CODE);
    world.settle();

    assert_eq!(ends(&world), [PairingEnd::Paired]);
    assert!(world.program.trusted.contains(&BEN.public()));
    assert_eq!(world.client(ben).closed(), Some(Reason::BUSY), "paired, and told who drives");
    assert_eq!(world.controller(), Some(anna));
    let call = world.call(anna, "system.echo", b"still here");
    world.settle();
    assert_eq!(world.client(anna).answer(call).unwrap().body, b"still here");
    assert!(!world.events.iter().any(|event| matches!(event, Event::SessionEnded { .. })));
}

#[test]
fn without_a_window_the_answer_is_that_there_is_none() {
    let mut world = World::new(1);
    let anna = world.pair(ANNA, CODE);
    world.settle();
    assert_eq!(world.client(anna).events, [ClientEvent::Closed { reason: Reason::NOT_PAIRING, tries_left: 0 }]);
}

#[test]
fn a_code_has_one_to_sixty_four_bytes() {
    let mut world = World::new(1);
    for code in [vec![], vec![b'1'; limits::CODE_BYTES + 1]] {
        let now = world.now();
        assert_eq!(world.host.open_pairing(&code, now.after(limits::PAIRING)), Err(Misuse::Code));
        assert!(matches!(Client::pair(now, ANNA.config(), &code, [1; 32]), Err(Misuse::Code)));
    }
    for code in ["1".to_owned(), "7".repeat(limits::CODE_BYTES)] {
        world.show_code(&code);
        let anna = world.pair(ANNA, &code);
        world.settle();
        assert_eq!(world.controller(), Some(anna));
        world.close(anna, Reason::DONE);
        world.settle();
    }
}
