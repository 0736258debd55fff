//! Records: nothing but the next one opens.

use opendesk_core::crypto::record::{Direction, Numbering};
use opendesk_core::limits::TAG_BYTES;
use proptest::prelude::*;

/// What somebody in between does to the records of one direction.
#[derive(Debug, Clone)]
enum Attack {
    Cut { record: usize, bytes: usize },
    Flip { record: usize, bit: usize },
    Extend { record: usize },
    Swap { record: usize, with: usize },
    Replay { record: usize },
    Drop { record: usize },
    Invent { record: usize, bytes: Vec<u8> },
}

fn attacks() -> impl Strategy<Value = Attack> {
    let index = any::<usize>;
    prop_oneof![
        (index(), index()).prop_map(|(record, bytes)| Attack::Cut { record, bytes }),
        (index(), index()).prop_map(|(record, bit)| Attack::Flip { record, bit }),
        index().prop_map(|record| Attack::Extend { record }),
        (index(), index()).prop_map(|(record, with)| Attack::Swap { record, with }),
        index().prop_map(|record| Attack::Replay { record }),
        index().prop_map(|record| Attack::Drop { record }),
        (index(), prop::collection::vec(any::<u8>(), 0..100))
            .prop_map(|(record, bytes)| Attack::Invent { record, bytes }),
    ]
}

fn sealed(key: &[u8; 32], payloads: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut direction = Direction::new(key, Numbering::Noise);
    let seal = |payload: &Vec<u8>| {
        let mut record = payload.clone();
        record.resize(payload.len() + TAG_BYTES, 0);
        let length = direction.seal(&mut record, payload.len()).expect("there is room");
        assert_eq!(length, record.len());
        record
    };
    payloads.iter().map(seal).collect()
}

/// Does it, and gives the place of the first record that must not open; none when nothing has changed.
fn carry_out(attack: &Attack, records: &mut Vec<Vec<u8>>) -> Option<usize> {
    let count = records.len();
    match attack {
        Attack::Cut { record, bytes } => {
            let at = record % count;
            let keep = bytes % records[at].len();
            records[at].truncate(keep);
            Some(at)
        }
        Attack::Flip { record, bit } => {
            let at = record % count;
            let bit = bit % (records[at].len() * 8);
            records[at][bit / 8] ^= 1 << (bit % 8);
            Some(at)
        }
        Attack::Extend { record } => {
            records[record % count].push(0);
            Some(record % count)
        }
        Attack::Swap { record, with } => {
            let (at, with) = (record % count, with % count);
            records.swap(at, with);
            if at == with { None } else { Some(at.min(with)) }
        }
        Attack::Replay { record } => {
            let again = records[record % count].clone();
            records.insert(record % count + 1, again);
            Some(record % count + 1)
        }
        Attack::Drop { record } => {
            records.remove(record % count);
            // Without the last one the others are what they were.
            if record % count + 1 == count { None } else { Some(record % count) }
        }
        Attack::Invent { record, bytes } => {
            records.insert(record % count, bytes.clone());
            Some(record % count)
        }
    }
}

proptest! {
    #[test]
    fn whatever_is_done_to_the_records_is_noticed_at_once(
        key in any::<[u8; 32]>(),
        payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..100), 1..8),
        attack in attacks(),
    ) {
        let mut records = sealed(&key, &payloads);
        let bad = carry_out(&attack, &mut records);
        let mut receiver = Direction::new(&key, Numbering::Noise);
        let good = bad.unwrap_or(records.len());
        for (record, payload) in records.iter_mut().zip(&payloads).take(good) {
            assert_eq!(receiver.open(record).unwrap(), &payload[..]);
        }
        if let Some(bad) = bad {
            assert!(receiver.open(&mut records[bad]).is_err(), "{attack:?}");
        }
    }

    #[test]
    fn a_record_says_nothing_of_what_it_carries(
        key in any::<[u8; 32]>(),
        payload in prop::collection::vec(any::<u8>(), 32..64),
    ) {
        let records = sealed(&key, &[payload.clone(), payload.clone()]);
        assert_ne!(records[0], records[1], "the same words twice are not the same record");
        assert!(!records[0].windows(8).any(|window| payload.windows(8).any(|words| words == window)));
        assert!(Direction::new(&[0; 32], Numbering::Noise).open(&mut records[0].clone()).is_err() || key == [0; 32]);
    }
}
