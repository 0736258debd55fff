//! TXT records, whatever is in them.

use opendesk_core::PublicKey;
use opendesk_std::discovery::Record;
use proptest::collection::vec;
use proptest::prelude::*;

fn data(strings: &[&[u8]]) -> Vec<u8> {
    let length = |string: &[u8]| u8::try_from(string.len()).expect("a short one");
    strings.iter().flat_map(|string| [&[length(string)], *string].concat()).collect()
}

fn key() -> [u8; 32] {
    core::array::from_fn(|index| index as u8)
}

fn pk(key: &[u8]) -> Vec<u8> {
    [b"pk=", key].concat()
}

/// What the Python package writes for a key of the bytes 0 to 31 and the description `bür`.
fn vector() -> Vec<u8> {
    let mut vector = b"\x03v=1\x23pk=".to_vec();
    vector.extend(key());
    vector.extend(b"\x16fp=0001:0203:0405:0607\x09desc=b\xc3\xbcr");
    vector
}

#[test]
fn what_version_1_writes_is_read() {
    let read = Record::parse(&vector());
    assert_eq!(read, Some(Record { key: PublicKey(key()), description: "bür".to_owned(), wire: 1 }));
}

#[test]
fn what_is_written_begins_as_version_1_writes_it() {
    let mut record = Record { key: PublicKey(key()), description: "bür".to_owned(), wire: 1 };
    assert_eq!(record.write(), vector());
    record.wire = 2;
    assert_eq!(record.write(), [vector().as_slice(), b"\x06wire=2"].concat());
    record.description = String::new();
    assert_eq!(record.write().len(), 4 + 36 + 23 + 7, "no description is none");
}

#[test]
fn a_description_is_cut_between_two_characters() {
    let cut = |description: String| {
        let record = Record { key: PublicKey(key()), description, wire: 1 };
        Record::parse(&record.write()).expect("a host").description
    };
    assert_eq!(cut("x".repeat(121)), "x".repeat(120));
    assert_eq!(cut(format!("x{}", "é".repeat(60))), format!("x{}", "é".repeat(59)));
    assert_eq!(cut("🚀".repeat(31)), "🚀".repeat(30));
}

#[test]
fn a_host_has_a_key_of_32_bytes_and_the_first_one_counts() {
    for length in [0, 1, 31, 33, 64, 200] {
        assert_eq!(Record::parse(&data(&[&pk(&vec![7; length]), b"v=1"])), None, "{length}");
    }
    for none in [&data(&[b"v=1"])[..], &data(&[b"pk"]), b"", b"\0", &[0xff; 70_000], &[0; 70_000]] {
        assert_eq!(Record::parse(none), None);
    }
    let of = |strings: &[&[u8]]| Record::parse(&data(strings)).map(|record| record.key.0);
    assert_eq!(of(&[&pk(&[7; 32]), &pk(&[8; 32]), &[b"PK=", &[9; 32][..]].concat()]), Some([7; 32]));
    assert_eq!(of(&[&pk(&[7; 31]), &pk(&[8; 32])]), None);
    // Behind a string that does not end nothing is read, before it everything is.
    assert_eq!(
        Record::parse(&[data(&[&pk(&[7; 32])]), vec![9, b'x']].concat()).map(|record| record.key.0),
        Some([7; 32])
    );
    assert_eq!(Record::parse(&[vec![9, b'x'], data(&[&pk(&[7; 32])])].concat()), None);
}

#[test]
fn the_fingerprint_in_a_record_is_not_looked_at() {
    let lying = data(&[b"fp=1111:2222:3333:4444", &pk(&key())]);
    let read = Record::parse(&lying).expect("a host");
    assert_eq!(format!("{:?}", read.key), "0001:0203:0405:0607");
}

#[test]
fn what_is_missing_or_wrong_beside_the_key_is_passed_over() {
    let read = |more: &[u8]| Record::parse(&data(&[&pk(&key()), more])).map(|record| (record.description, record.wire));
    for (more, description, wire) in [
        (&b"v"[..], "", 1),
        (b"v=one", "", 1),
        (b"v=99999999999", "", 1),
        (b"v=3", "", 3),
        (b"wire=2", "", 2),
        (b"wire=-2", "", 1),
        (b"desc=\xff\xfe", "\u{fffd}\u{fffd}", 1),
        (b"desc=\x1b[2J\none\ttwo\x07 ", "[2J one two", 1),
        (b"desc", "", 1),
    ] {
        assert_eq!(read(more), Some((description.to_owned(), wire)), "{more:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_and_what_is_read_is_short_and_plain(bytes in vec(any::<u8>(), 0..2000)) {
        let with_key = data(&[&pk(&key())]).into_iter().chain(bytes.iter().copied()).collect::<Vec<_>>();
        prop_assert!(Record::parse(&with_key).is_some());
        for bytes in [bytes, with_key] {
            if let Some(record) = Record::parse(&bytes) {
                prop_assert!(record.description.chars().count() <= 255);
                prop_assert!(!record.description.chars().any(char::is_control));
                let again = Record::parse(&record.write()).expect("it has a key");
                prop_assert_eq!((again.key, again.wire), (record.key, record.wire));
                prop_assert!(record.description.starts_with(&again.description));
            }
        }
    }

    #[test]
    fn what_is_written_is_read_back(key: [u8; 32], description in "[ -~é🚀]{0,28}", wire in 1_u32..) {
        let description = description.trim().to_owned();
        let record = Record { key: PublicKey(key), description, wire };
        prop_assert_eq!(Record::parse(&record.write()), Some(record));
    }
}
