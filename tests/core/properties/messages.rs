//! Handshake messages: any bytes may come.

use opendesk_core::dialect::v2::{Kind, read_refusal, refusal, split};
use opendesk_core::{Malformed, Reason, limits};
use proptest::prelude::*;

const LETTERS: &[u8] = b"AaPpCcFx";

proptest! {
    #[test]
    fn only_what_begins_as_a_handshake_message_is_one(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let looks = bytes.starts_with(b"OD2") && bytes.get(3).is_some_and(|letter| LETTERS.contains(letter));
        assert_eq!(split(&bytes).is_ok(), looks);
    }

    #[test]
    fn a_message_is_a_letter_and_a_body(
        letter in prop::sample::select(LETTERS),
        body in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let mut bytes = b"OD2".to_vec();
        bytes.push(letter);
        bytes.extend_from_slice(&body);
        let (kind, rest) = split(&bytes).unwrap();
        assert_eq!(rest, body);
        let same = LETTERS.iter().filter(|other| split(&[b'O', b'D', b'2', **other]).is_ok_and(|(it, _)| it == kind));
        assert_eq!(same.count(), 1);
    }

    #[test]
    fn a_refusal_says_why_and_how_often_one_may_still_try(reason in any::<u16>(), tries in any::<u8>()) {
        let message = refusal(Reason(reason), tries);
        let (kind, body) = split(&message).unwrap();
        assert_eq!((kind, read_refusal(body)), (Kind::Refused, Ok((Reason(reason), tries))));
    }

    #[test]
    fn a_refusal_may_grow_and_must_not_shrink(body in prop::collection::vec(any::<u8>(), 0..10)) {
        match read_refusal(&body) {
            Ok((reason, tries)) => assert_eq!((&reason.0.to_le_bytes()[..], tries), (&body[..2], body[2])),
            Err(Malformed) => assert!(body.len() < 3),
        }
    }
}

#[test]
fn a_message_over_the_limit_is_not_looked_at() {
    let mut bytes = b"OD2A".to_vec();
    bytes.resize(limits::PRE_AUTH_BYTES, 0);
    assert!(split(&bytes).is_ok());
    bytes.push(0);
    assert_eq!(split(&bytes), Err(Malformed));
}
