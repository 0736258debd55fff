//! Whose signatures count.

use std::collections::BTreeMap;

use jiff::civil::Date;
use opendesk_core::{PublicKey, VerifyingKey};

use super::file::{Event, Reading};

/// What is said of any other key.
pub(super) const STRANGE: &str = "which is none of those that count: this machine's own, or else what --pubkey names";

/// These keys, and those of the same machine before and after them: each change of keys was signed by both.
pub(super) fn all(keys: &[VerifyingKey], readings: &[Reading]) -> Vec<VerifyingKey> {
    let mut trusted = keys.to_vec();
    let changes = || {
        readings.iter().flat_map(|reading| &reading.events).filter_map(|event| match event {
            Event::Followed { former, key, .. } => Some((*former, *key)),
            Event::Signed { .. } => None,
        })
    };
    loop {
        let known = trusted.len();
        for (former, key) in changes() {
            match (trusted.contains(&former), trusted.contains(&key)) {
                (true, false) => trusted.push(key),
                (false, true) => trusted.push(former),
                (true, true) | (false, false) => {}
            }
        }
        if trusted.len() == known {
            return trusted;
        }
    }
}

/// Notes up to where each file is signed, and where by somebody else: a key that is not trusted, or one that another had
/// taken over from.
pub(super) fn judge(readings: &mut [Reading], trusted: &[VerifyingKey]) {
    let mut over_at_end: BTreeMap<Date, Vec<VerifyingKey>> = BTreeMap::new();
    for Reading { report, events, links, .. } in readings {
        // The keys that had been given up when the file began.
        let mut over = links.iter().find_map(|(_, end)| over_at_end.get(&end.date)).cloned().unwrap_or_default();
        for event in events {
            match *event {
                Event::Signed { line, key } if !trusted.contains(&key) => {
                    let key = PublicKey(key);
                    report.fault(line, format!("it is signed by the key {key}, {STRANGE}"));
                }
                Event::Signed { line, key } if over.contains(&key) => {
                    let key = PublicKey(key);
                    report.fault(line, format!("it is signed by the key {key}, from which another had taken over"));
                }
                Event::Signed { line, key } => {
                    if report.error.as_ref().is_none_or(|error| line < error.line || error.line == 0) {
                        report.signed_lines = line;
                    }
                    if !report.signers.contains(&key) {
                        report.signers.push(key);
                    }
                }
                Event::Followed { former, key, .. } if trusted.contains(&key) => {
                    over.retain(|given_up| *given_up != key);
                    over.push(former);
                }
                Event::Followed { .. } => {}
            }
        }
        if let Some(date) = report.date {
            over_at_end.insert(date, over);
        }
    }
}
