//! `head.json`: where the log ends, signed, beside its files. A tail that is cut off is missed by it.

use std::io;
use std::path::Path;

use jiff::civil::Date;
use opendesk_core::{SigningKey, VerifyingKey};
use serde_json::{Map, Value};

use super::checkpoint;
use super::record::fields;
use crate::home::file::{read_private, write_atomic};
use crate::home::hex;
use crate::home::json::{self, Style};

/// Its name in the folder of the log.
pub const HEAD: &str = "head.json";

/// Far more than it ever holds, in bytes.
const MAX_HEAD: usize = 4096;

/// Where a file of the log ends, or ended once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// The file's date.
    pub date: Date,
    /// Its number of lines.
    pub lines: u64,
    /// The hash of the last one, in hex.
    pub hash: String,
}

impl End {
    pub(super) fn fields(&self) -> Map<String, Value> {
        fields([
            ("date", self.date.to_string().into()),
            ("lines", self.lines.into()),
            ("hash", self.hash.as_str().into()),
        ])
    }

    pub(super) fn read(fields: &Map<String, Value>) -> Option<Self> {
        let hash = fields.get("hash")?.as_str()?;
        hex::decode_key(hash)?;
        Some(Self {
            date: fields.get("date")?.as_str()?.parse().ok()?,
            lines: fields.get("lines")?.as_u64()?,
            hash: hash.to_owned(),
        })
    }
}

/// The signed end of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Up to where the log is signed.
    pub end: End,
    /// Whose signature it is.
    pub key: VerifyingKey,
    signature: opendesk_core::frame::Signature,
}

impl Head {
    pub(super) fn sign(end: End, signer: &SigningKey) -> io::Result<Self> {
        let message = checkpoint::head_message(&end)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "its end is no end of a file of the log"))?;
        Ok(Self { signature: signer.sign(&message), key: signer.public(), end })
    }

    /// Replaces the file in this folder, whole or not at all. It waits for the disk.
    pub(super) fn write(&self, folder: &Path) -> io::Result<()> {
        let mut fields = self.end.fields();
        fields.insert("key".into(), hex::encode(&self.key).into());
        fields.insert("sig".into(), checkpoint::signature_text(&self.signature).into());
        write_atomic(&folder.join(HEAD), (json::object(&fields, Style::Line) + "\n").as_bytes())
    }

    /// Reads the file in this folder; `None` where there is none.
    ///
    /// # Errors
    /// One line: it cannot be read, or is not what this program writes. Whether its signature holds is not looked at.
    pub fn read(folder: &Path) -> Result<Option<Self>, String> {
        let text = read_private(&folder.join(HEAD), MAX_HEAD).map_err(|error| format!("it cannot be read: {error}"))?;
        let Some(text) = text else { return Ok(None) };
        let parsed = || {
            let fields: Map<String, Value> = serde_json::from_slice(&text).ok()?;
            let (key, signature) = checkpoint::signed_by(&fields)?;
            Some(Self { end: End::read(&fields)?, key, signature })
        };
        parsed().map(Some).ok_or_else(|| "it is not what this program writes".to_owned())
    }

    /// Whether its signature is that of its key.
    #[must_use]
    pub fn is_genuine(&self) -> bool {
        checkpoint::head_message(&self.end)
            .is_some_and(|message| opendesk_core::crypto::keys::verify(&self.key, &message, &self.signature).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> Head {
        let end = End { date: jiff::civil::date(2026, 5, 12), lines: 7, hash: "ab".repeat(32) };
        Head::sign(end, &SigningKey::new([1; 32])).expect("it can be signed")
    }

    #[test]
    fn it_reads_back_and_no_part_of_it_can_be_changed() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Head::read(folder.path()), Ok(None));
        head().write(folder.path()).unwrap();
        let read = Head::read(folder.path()).unwrap().unwrap();
        assert_eq!(read, head());
        assert!(read.is_genuine());
        let text = std::fs::read_to_string(folder.path().join(HEAD)).unwrap();
        assert!(text.starts_with("{\"date\": \"2026-05-12\", \"hash\": \"abab"), "{text}");
        for (was, is) in [("\"lines\": 7", "\"lines\": 6"), ("2026-05-12", "2026-05-13"), ("abab", "acab")] {
            std::fs::write(folder.path().join(HEAD), text.replacen(was, is, 1)).unwrap();
            assert!(!Head::read(folder.path()).unwrap().unwrap().is_genuine(), "{is}");
        }
    }

    #[test]
    fn what_is_none_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        for content in ["", "{}", "[1]", "{\"date\": \"2026-05-12\", \"hash\": \"ab\", \"lines\": 1}"] {
            std::fs::write(folder.path().join(HEAD), content).unwrap();
            assert!(Head::read(folder.path()).unwrap_err().contains("not what this program writes"), "{content}");
        }
        std::fs::write(folder.path().join(HEAD), "x".repeat(MAX_HEAD + 1)).unwrap();
        assert!(Head::read(folder.path()).unwrap_err().contains("cannot be read"));
    }
}
