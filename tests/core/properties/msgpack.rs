//! The core's MessagePack against another implementation of it.

use opendesk_core::dialect::v1::msgpack::{Reader, Value, Writer};
use opendesk_core::{Malformed, limits};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::raw1::{packed, unpacked};

fn leaves() -> impl Strategy<Value = Json> {
    prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        (-300_i64..70_000).prop_map(Json::from),
        any::<f64>().prop_filter("JSON has no other numbers", |number| number.is_finite()).prop_map(Json::from),
        ".{0,40}".prop_map(Json::from),
        (0_usize..70_000).prop_map(|length| Json::from("ä".repeat(length / 2))),
    ]
}

fn values() -> impl Strategy<Value = Json> {
    leaves().prop_recursive(5, 60, 20, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..20).prop_map(Json::from),
            prop::collection::btree_map(".{0,10}", inner, 0..20)
                .prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    })
}

/// What the reader makes of the next value and all that it contains.
fn read(reader: &mut Reader<'_>) -> Result<Json, Malformed> {
    Ok(match reader.value()? {
        Value::Nil => Json::Null,
        Value::Bool(truth) => json!(truth),
        Value::Int(number) => json!(number),
        Value::Float(number) => json!(number),
        Value::Str(text) => json!(text),
        Value::Bin(bytes) => json!(bytes),
        Value::List(length) => Json::Array((0..length).map(|_| read(reader)).collect::<Result<_, _>>()?),
        Value::Map(length) => {
            let entries = (0..length).map(|_| Ok::<_, Malformed>((reader.key()?.to_owned(), read(reader)?)));
            Json::Object(entries.collect::<Result<_, _>>()?)
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_the_other_one_writes_is_read_alike(value in values(), rest in prop::collection::vec(any::<u8>(), 0..9)) {
        let bytes = packed(&value);
        let mut message = bytes.clone();
        message.extend(&rest);
        let mut reader = Reader::new(&message);
        assert_eq!(read(&mut reader), Ok(value));
        assert_eq!(reader.is_at_end(), rest.is_empty());

        let mut reader = Reader::new(&message);
        let (_, raw) = reader.raw().unwrap();
        assert_eq!((raw, reader.is_at_end()), (&bytes[..], rest.is_empty()));
    }

    #[test]
    fn a_value_that_is_cut_short_is_refused(value in values(), at in any::<prop::sample::Index>()) {
        let bytes = packed(&value);
        assert_eq!(Reader::new(&bytes[..at.index(bytes.len())]).raw(), Err(Malformed));
    }

    #[test]
    fn any_bytes_are_read_within_themselves_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut reader = Reader::new(&bytes);
        let mut read = Vec::new();
        while let Ok((_, raw)) = reader.raw() {
            assert!(!raw.is_empty());
            read.extend_from_slice(raw);
        }
        assert!(bytes.starts_with(&read));
    }

    #[test]
    fn what_is_written_is_read_alike_by_the_other_one(
        entries in prop::collection::btree_map(".{0,10}", leaves(), 0..16),
        extra in any::<[u8; 20]>(),
    ) {
        let mut out = vec![0; 2_000_000];
        let mut writer = Writer::new(&mut out);
        writer.map(entries.len() as u8);
        for (key, value) in &entries {
            writer.text(key);
            match value {
                Json::Null => writer.nil(),
                Json::Bool(truth) => writer.bool(*truth),
                // The core writes no floats.
                Json::Number(number) => writer.int(number.as_i64().unwrap_or_default()),
                Json::String(text) if text.len() > usize::from(u16::MAX) => writer.text("too long"),
                Json::String(text) => writer.text(text),
                Json::Array(_) | Json::Object(_) => panic!("these are leaves"),
            };
        }
        let length = writer.finish().unwrap();
        let expected = entries.into_iter().map(|(key, value)| match value {
            Json::Number(number) => (key, json!(number.as_i64().unwrap_or_default())),
            Json::String(text) if text.len() > usize::from(u16::MAX) => (key, json!("too long")),
            other => (key, other),
        });
        assert_eq!(unpacked(&out[..length]), Json::Object(expected.collect()));

        // Where there is less room, nothing is written beyond it, and that is noticed.
        let mut short = vec![0xee; length + 20];
        let (room, beyond) = short.split_at_mut(length / 2);
        let mut writer = Writer::new(room);
        writer.put(&out[..length]).bin(&extra).int(i64::MIN);
        assert_eq!(writer.finish(), Err(Malformed));
        assert!(beyond.iter().all(|byte| *byte == 0xee));
    }

    #[test]
    fn numbers_are_taken_in_whatever_form(number in any::<i64>(), float in any::<f64>()) {
        assert_eq!(Value::Int(number).integer(), Ok(number));
        assert_eq!(Value::Str(&number.to_string()).integer(), Ok(number));
        let small = number >> 12;
        assert_eq!(Value::Float(small as f64).integer(), Ok(small));
        if let Ok(whole) = Value::Float(float).integer() {
            assert_eq!(whole as f64, float);
        }
    }
}

#[test]
fn a_text_that_no_frame_needs_is_not_written() {
    let mut out = vec![0; 80_000];
    assert!(Writer::new(&mut out).text(&"a".repeat(usize::from(u16::MAX))).finish().is_ok());
    assert_eq!(Writer::new(&mut out).text(&"a".repeat(usize::from(u16::MAX) + 1)).finish(), Err(Malformed));
    assert_eq!(Writer::new(&mut out).bin(&[0; 256]).finish(), Err(Malformed));
}

#[test]
fn as_many_values_as_there_may_be_are_read_and_no_more() {
    let list = |length: usize| packed(&Json::Array(vec![Json::Null; length]));
    assert!(Reader::new(&list(limits::VALUES - 1)).raw().is_ok());
    assert_eq!(Reader::new(&list(limits::VALUES)).raw(), Err(Malformed));
}
