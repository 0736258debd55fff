//! What is signed of the log, byte by byte. docs/AUDIT.md says the same for whoever checks it elsewhere.
//!
//! ```text
//! checkpoint  "opendesk v2 audit checkpoint "  date  lines  prev  closed
//! head        "opendesk v2 audit head "        date  lines  hash
//! signer      "opendesk v2 audit signer "      former  key
//! ```
//!
//! `date` is ten characters (`2026-05-12`), `lines` eight bytes with the highest first, `closed` one byte, 0 or 1, and the
//! others are 32 bytes each.

use opendesk_core::crypto::keys::verify;
use opendesk_core::frame::Signature;
use opendesk_core::{SigningKey, VerifyingKey};
use serde_json::{Map, Value};

use super::head::End;
use super::record::{Record, fields};
use crate::home::hex;

/// The type of an entry that signs all lines before it.
pub(super) const CHECKPOINT: &str = "audit.checkpoint";

/// The type of an entry by which another key takes over.
pub(super) const SIGNER: &str = "audit.signer";

const CHECKPOINT_CONTEXT: &[u8] = b"opendesk v2 audit checkpoint ";
const HEAD_CONTEXT: &[u8] = b"opendesk v2 audit head ";
const SIGNER_CONTEXT: &[u8] = b"opendesk v2 audit signer ";

/// Characters of a date, which is signed as it is written.
const DATE_BYTES: usize = 10;

/// What a checkpoint says, once its signature was found to be that of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Checkpoint {
    pub(super) key: VerifyingKey,
    /// Whether the log was closed with it.
    pub(super) is_closed: bool,
}

/// The checkpoint that is line `lines` of the file of this date and follows on `prev`. `None` for a date of more than
/// ten characters.
pub(super) fn checkpoint(signer: &SigningKey, end: &End, is_closed: bool) -> Option<Record> {
    let date = end.date.to_string();
    let lines = end.lines + 1;
    let signature = signer.sign(&checkpoint_message(&date, lines, &end.hash, is_closed)?);
    let fields = fields([
        ("date", date.into()),
        ("lines", lines.into()),
        ("closed", is_closed.into()),
        ("key", hex::encode(&signer.public()).into()),
        ("sig", signature_text(&signature).into()),
    ]);
    Some(Record { kind: CHECKPOINT, peer: None, fields })
}

/// Checks a checkpoint of which the chain holds: that it is for this file, where the file's date is known, and for this
/// line, and that its signature is that of its key.
pub(super) fn check(entry: &Map<String, Value>, line: u64, date: Option<&str>) -> Result<Checkpoint, &'static str> {
    let text = |name: &str| entry.get(name).and_then(Value::as_str);
    let (Some(own_date), Some(prev), Some(lines), Some(is_closed)) = (
        text("date"),
        text("prev"),
        entry.get("lines").and_then(Value::as_u64),
        entry.get("closed").and_then(Value::as_bool),
    ) else {
        return Err("the checkpoint lacks what it has to say");
    };
    if date.is_some_and(|date| date != own_date) {
        return Err("the checkpoint is one of another day's file");
    }
    if lines != line {
        return Err("the checkpoint is one of another line: lines were removed or added");
    }
    let proved = || {
        let (key, signature) = signed_by(entry)?;
        verify(&key, &checkpoint_message(own_date, lines, prev, is_closed)?, &signature).ok()?;
        Some(Checkpoint { key, is_closed })
    };
    proved().ok_or("the signature of the checkpoint does not hold: what it signs was changed")
}

fn checkpoint_message(date: &str, lines: u64, prev: &str, is_closed: bool) -> Option<Vec<u8>> {
    let mut message = place(CHECKPOINT_CONTEXT, date, lines, prev)?;
    message.push(u8::from(is_closed));
    Some(message)
}

/// What the signature of a head is over.
pub(super) fn head_message(end: &End) -> Option<Vec<u8>> {
    place(HEAD_CONTEXT, &end.date.to_string(), end.lines, &end.hash)
}

fn place(context: &[u8], date: &str, lines: u64, hash: &str) -> Option<Vec<u8>> {
    if date.len() != DATE_BYTES {
        return None;
    }
    Some([context, date.as_bytes(), &lines.to_be_bytes(), &hex::decode_key(hash)?].concat())
}

/// The entry by which `successor` signs instead of `former`; both have signed it.
pub(super) fn signer(former: &SigningKey, successor: &SigningKey) -> Record {
    let message = signer_message(&former.public(), &successor.public());
    let fields = fields([
        ("former", hex::encode(&former.public()).into()),
        ("former_sig", signature_text(&former.sign(&message)).into()),
        ("key", hex::encode(&successor.public()).into()),
        ("sig", signature_text(&successor.sign(&message)).into()),
    ]);
    Record { kind: SIGNER, peer: None, fields }
}

/// The former key and its successor, when both have signed.
pub(super) fn check_signer(entry: &Map<String, Value>) -> Option<(VerifyingKey, VerifyingKey)> {
    let text = |name: &str| entry.get(name).and_then(Value::as_str);
    let former = hex::decode_key(text("former")?)?;
    let (key, signature) = signed_by(entry)?;
    let message = signer_message(&former, &key);
    verify(&former, &message, &signature_of(text("former_sig")?)?).ok()?;
    verify(&key, &message, &signature).ok()?;
    Some((former, key))
}

fn signer_message(former: &VerifyingKey, key: &VerifyingKey) -> Vec<u8> {
    [SIGNER_CONTEXT, former, key].concat()
}

/// The `key` and `sig` of an object.
pub(super) fn signed_by(fields: &Map<String, Value>) -> Option<(VerifyingKey, Signature)> {
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    Some((hex::decode_key(text("key")?)?, signature_of(text("sig")?)?))
}

/// 128 hexadecimal digits.
pub(super) fn signature_text(signature: &Signature) -> String {
    hex::encode(signature.0.as_flattened())
}

fn signature_of(text: &str) -> Option<Signature> {
    let (first, second) = text.split_at_checked(64)?;
    Some(Signature([hex::decode_key(first)?, hex::decode_key(second)?]))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn end() -> End {
        End { date: date(2026, 5, 12), lines: 64, hash: "0f".repeat(32) }
    }

    /// The checkpoint as it stands in a file.
    fn entry(is_closed: bool) -> Map<String, Value> {
        let mut entry = checkpoint(&SigningKey::new([1; 32]), &end(), is_closed).expect("a date").fields;
        entry.insert("prev".into(), end().hash.into());
        entry
    }

    #[test]
    fn what_is_signed_is_what_the_document_says() {
        let message = checkpoint_message("2026-05-12", 65, &end().hash, true).unwrap();
        let written =
            [b"opendesk v2 audit checkpoint 2026-05-12".as_slice(), &[0, 0, 0, 0, 0, 0, 0, 65], &[0x0f; 32], &[1]];
        assert_eq!(message, written.concat());
        let message = head_message(&end()).unwrap();
        let written = [b"opendesk v2 audit head 2026-05-12".as_slice(), &[0, 0, 0, 0, 0, 0, 0, 64], &[0x0f; 32]];
        assert_eq!(message, written.concat());
        let message = signer_message(&[1; 32], &[2; 32]);
        assert_eq!(message, [b"opendesk v2 audit signer ".as_slice(), &[1; 32], &[2; 32]].concat());
    }

    #[test]
    fn a_checkpoint_holds_for_its_own_place_only() {
        for is_closed in [false, true] {
            let entry = entry(is_closed);
            let key = SigningKey::new([1; 32]).public();
            assert_eq!(check(&entry, 65, Some("2026-05-12")), Ok(Checkpoint { key, is_closed }));
            assert_eq!(check(&entry, 65, None), Ok(Checkpoint { key, is_closed }));
            assert!(check(&entry, 66, None).unwrap_err().contains("another line"));
            assert!(check(&entry, 65, Some("2026-05-13")).unwrap_err().contains("another day"));
        }
    }

    #[test]
    fn no_field_of_a_checkpoint_can_be_changed() {
        let other_key = hex::encode(&SigningKey::new([2; 32]).public());
        let changes: [(&str, Value); 5] = [
            ("date", "2026-05-13".into()),
            ("closed", true.into()),
            ("prev", "0e".repeat(32).into()),
            ("key", other_key.into()),
            ("sig", "00".repeat(64).into()),
        ];
        for (name, value) in changes {
            let mut entry = entry(false);
            entry.insert(name.into(), value);
            assert!(check(&entry, 65, None).unwrap_err().contains("does not hold"), "{name}");
        }
        let mut moved = entry(false);
        moved.insert("lines".into(), 66.into());
        assert!(check(&moved, 66, None).unwrap_err().contains("does not hold"));
        for name in ["date", "lines", "closed", "key", "sig", "prev"] {
            let mut entry = entry(false);
            entry.remove(name);
            assert!(check(&entry, 65, None).is_err(), "{name}");
        }
    }

    #[test]
    fn both_keys_sign_that_one_follows_the_other() {
        let (former, successor, other) = (SigningKey::new([1; 32]), SigningKey::new([2; 32]), SigningKey::new([3; 32]));
        let honest = signer(&former, &successor).fields;
        assert_eq!(check_signer(&honest), Some((former.public(), successor.public())));
        for name in ["former", "former_sig", "key", "sig"] {
            let mut forged = honest.clone();
            forged.insert(name.into(), signer(&other, &other).fields[name].clone());
            assert_eq!(check_signer(&forged), None, "{name}");
        }
    }
}
