//! The files about paired machines as they are on disk.
//!
//! `trusted-peers.json` belongs to version 1 peers as well. They read entries with fields they do not know, but drop
//! those fields, and every entry they do not understand, with the next thing they write. What must not get lost
//! that way, above all within which bounds a machine is trusted, and that it was seen on version 2 and is never to be
//! dialled on version 1 again, is therefore kept beside it in `peers.json`, an object with one object for each public
//! key.
//!
//! Entries are changed in place: fields and entries that nobody here understands stay as they are.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;

use serde_json::{Map, Value};

use super::file::{open_careful, reserve};
use super::json::{self, Style};
use super::name::plain_text;
use super::{Home, HomeError, HomeErrorKind, PeerName, Role, Terms, TrustedPeer, hex};
use crate::platform;

const TRUSTED: &str = "trusted-peers.json";
const OURS: &str = "peers.json";
const DEFAULT: &str = "default-peer";

/// How often the files are read while others change them.
const TRIES: usize = 100;

/// Room for thousands of machines.
const MAX_FILE: usize = 4 << 20;

/// Room for all that is kept of a machine, in bytes.
const ENTRY: usize = 4 << 10;

/// In `peers.json`: the machine may not drive this one, and the entry is there to drive the machine.
const ENDED: &str = "ended";

/// In place of the key of a machine that was struck off the list: as long, and no key whatever part of it is there.
const STRUCK: &str = "----------------------------------------------------------------";

/// What nobody can do anything with.
const NOTHING: Terms = Terms { role: Role::Observe, expires_at: Some(f64::NEG_INFINITY) };

/// What the three files hold.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Records {
    /// The entries of `trusted-peers.json`, understood or not, in the order of pairing.
    pub(super) trusted: Vec<Value>,
    /// `peers.json` by the public key in lower-case hexadecimal.
    pub(super) ours: BTreeMap<String, Map<String, Value>>,
    /// The line of `default-peer`.
    pub(super) default: Option<String>,
    /// What a change called something else; never read from a file.
    pub(super) renamed: Option<Renamed>,
}

/// A machine that gets another name.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Renamed {
    pub(super) public_key: [u8; 32],
    pub(super) from: PeerName,
    pub(super) to: PeerName,
}

impl Records {
    /// Reads what belongs together: somebody may be between the two files, and a machine that is trusted on terms must
    /// not be seen without them.
    pub(super) fn read(home: &Home) -> Result<Self, HomeError> {
        let mut before = home.read(OURS, MAX_FILE)?;
        for _ in 0..TRIES {
            let read = Self::read_once(home)?;
            let after = home.read(OURS, MAX_FILE)?;
            if before == after {
                return Ok(read);
            }
            before = after;
        }
        let line = format!("{} changes all the time; try again", home.path().join(OURS).display());
        Err(HomeError::new(HomeErrorKind::Busy, line))
    }

    fn read_once(home: &Home) -> Result<Self, HomeError> {
        let trusted = match parse(home, TRUSTED)? {
            None => Vec::new(),
            Some(Value::Array(entries)) => entries,
            Some(_) => return Err(corrupt(home, TRUSTED, "is not a JSON array")),
        };
        let ours: BTreeMap<_, _> = match parse(home, OURS)? {
            None => BTreeMap::new(),
            Some(Value::Object(entries)) => entries
                .into_iter()
                .map(|(key, entry)| understood(key, entry).ok_or_else(|| corrupt(home, OURS, "has a damaged entry")))
                .collect::<Result<_, _>>()?,
            Some(_) => return Err(corrupt(home, OURS, "is not a JSON object")),
        };
        let default = home.read(DEFAULT, 4096)?.map(|line| String::from_utf8_lossy(&line).trim().to_owned());
        Ok(Self { trusted, ours, default: default.filter(|name| !name.is_empty()), renamed: None })
    }

    /// Makes the entry of a machine one that nobody understands, in place: that takes no room. Whatever part of it is on
    /// disk after a crash, the machine is trusted as before or not at all, and all others as before.
    pub(super) fn strike(home: &Home, public_key: &[u8; 32]) -> Result<(), HomeError> {
        let path = home.path().join(TRUSTED);
        let content = home.read(TRUSTED, MAX_FILE)?.unwrap_or_default();
        let digits = format!("\"{}\"", hex::encode(public_key));
        let places = content.windows(digits.len()).enumerate();
        let places = places.filter(|(_, text)| text.eq_ignore_ascii_case(digits.as_bytes())).map(|(place, _)| place);
        open_careful(&path, OpenOptions::new().write(true))
            .and_then(|file| {
                for place in places {
                    platform::write_all_at(&file, STRUCK.as_bytes(), place as u64 + 1)?;
                }
                file.sync_all()
            })
            .map_err(|error| HomeError::io("write", &path, &error))
    }

    /// Writes what differs from `before`. A crash between two files leaves a machine without trust rather than
    /// trusted without what is known of it, and no default rather than a default that means another machine.
    pub(super) fn write(&self, home: &Home, before: &Self) -> Result<(), HomeError> {
        let trusted =
            (self.trusted != before.trusted).then(|| Step::Write(TRUSTED, json::array(&self.trusted, Style::Pretty)));
        let ours = (self.ours != before.ours).then(|| Step::Write(OURS, self.ours_text()));
        let (no_default, default) = match &self.default {
            _ if self.default == before.default => (None, None),
            None => (Some(Step::Remove(DEFAULT)), None),
            Some(name) => (None, Some(Step::Write(DEFAULT, format!("{name}\n")))),
        };
        let both = if self.only_ends_trust(before) { [trusted, ours] } else { [ours, trusted] };
        no_default.into_iter().chain(both.into_iter().flatten()).chain(default).try_for_each(|step| step.take(home))
    }

    /// Looks whether the files could be written with an entry more.
    pub(super) fn has_room(&self, home: &Home) -> Result<(), HomeError> {
        let kept =
            [(OURS, self.ours_text()), (TRUSTED, json::array(&self.trusted, Style::Pretty))].map(|(name, text)| {
                let path = home.path().join(name);
                reserve(&path, text.len() + ENTRY).map_err(|error| HomeError::io("write", &path, &error))
            });
        // Each has to have its room beside the other.
        kept.into_iter().collect::<Result<Vec<_>, _>>().map(drop)
    }

    /// Whether machines lost their trust and none gained any.
    fn only_ends_trust(&self, before: &Self) -> bool {
        let keys = |records: &Self| -> BTreeSet<_> { records.trusted.iter().filter_map(key_of).collect() };
        let (now, then) = (keys(self), keys(before));
        now.len() < then.len() && now.is_subset(&then)
    }

    fn ours_text(&self) -> String {
        let entries: Map<_, _> =
            self.ours.iter().map(|(key, fields)| (key.clone(), Value::Object(fields.clone()))).collect();
        json::object(&entries, Style::Pretty)
    }

    /// The machines of all understandable entries, in the order of pairing. Their names are valid and unique, and
    /// their texts bounded and free of control characters, even where those in the file are not. Of two entries with
    /// the same key the first counts.
    pub(super) fn peers(&self) -> Vec<TrustedPeer> {
        let mut peers: Vec<TrustedPeer> = Vec::new();
        for entry in &self.trusted {
            let Some(public_key) = key_of(entry) else { continue };
            if peers.iter().any(|peer| peer.public_key == public_key) {
                continue;
            }
            let text = |field: &str| entry.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
            let name = PeerName::sanitize(&text("name"), &public_key)
                .unique(|name| peers.iter().any(|peer| peer.name.is_like(name)));
            let ours = self.ours.get(&hex::encode(&public_key));
            let Terms { role, expires_at } =
                ours.map_or_else(Terms::default, |fields| terms(fields).unwrap_or(NOTHING));
            peers.push(TrustedPeer {
                public_key,
                name,
                paired_at: entry.get("paired_at").and_then(Value::as_f64).unwrap_or_default(),
                description: plain_text(&text("description")),
                description_override: plain_text(&text("description_override")),
                last_host: plain_text(&text("last_host")),
                last_port: entry
                    .get("last_port")
                    .and_then(Value::as_u64)
                    .and_then(|port| u16::try_from(port).ok())
                    .unwrap_or_default(),
                signing_key: ours.and_then(signing_key),
                wire: ours.and_then(wire),
                role,
                expires_at,
                ended: ours.is_some_and(|fields| fields.get(ENDED) == Some(&Value::Bool(true))),
            });
        }
        peers
    }

    /// Gives every understandable entry the key and the name that [`peers`](Self::peers) shows, so that a name
    /// means the same machine from then on. A default that names nobody is none: it must not become whoever gets that
    /// name next.
    pub(super) fn settle(&mut self) {
        self.trusted.retain(|entry| entry.get("public_key").and_then(Value::as_str) != Some(STRUCK));
        let peers = self.peers();
        self.default = self.default.take().filter(|name| peers.iter().any(|peer| peer.name == **name));
        for peer in peers {
            let Some(fields) = self.fields_mut(&peer.public_key) else { continue };
            fields.insert("public_key".into(), hex::encode(&peer.public_key).into());
            fields.insert("name".into(), peer.name.as_str().into());
        }
    }

    /// Forgets a machine.
    pub(super) fn remove(&mut self, peer: &TrustedPeer) {
        self.trusted.retain(|entry| key_of(entry) != Some(peer.public_key));
        self.ours.remove(&hex::encode(&peer.public_key));
        if self.default.as_deref() == Some(peer.name.as_str()) {
            self.default = None;
        }
    }

    /// The fields of the entry of a machine.
    pub(super) fn fields_mut(&mut self, public_key: &[u8; 32]) -> Option<&mut Map<String, Value>> {
        self.trusted.iter_mut().find(|entry| key_of(entry) == Some(*public_key)).and_then(Value::as_object_mut)
    }

    /// Notes the version a machine was seen on and the key it signs with. The version never goes down.
    pub(super) fn pin(&mut self, public_key: &[u8; 32], version: u8, signing: Option<[u8; 32]>) {
        let seen = self.ours.get(&hex::encode(public_key)).and_then(wire).unwrap_or(1);
        if version <= seen && signing.is_none() {
            return;
        }
        let fields = self.ours.entry(hex::encode(public_key)).or_default();
        if version > seen {
            fields.insert("wire".into(), version.into());
        }
        if let Some(key) = signing {
            fields.insert("signing_key".into(), hex::encode(&key).into());
        }
    }

    /// Notes that a machine may not drive this one any more; `false` where that was noted before.
    pub(super) fn end(&mut self, public_key: &[u8; 32]) -> bool {
        let fields = self.ours.entry(hex::encode(public_key)).or_default();
        fields.insert(ENDED.into(), true.into()) != Some(Value::Bool(true))
    }

    /// Notes within which bounds a machine is trusted.
    pub(super) fn bind(&mut self, public_key: &[u8; 32], terms: Terms) {
        let key = hex::encode(public_key);
        if terms == Terms::default() && !self.ours.contains_key(&key) {
            return;
        }
        let fields = self.ours.entry(key).or_default();
        fields.remove(ENDED);
        match terms.role {
            Role::Full => fields.remove("role"),
            Role::Observe => fields.insert("role".into(), terms.role.word().into()),
        };
        match terms.expires_at {
            None => fields.remove("expires_at"),
            Some(end) => fields.insert("expires_at".into(), end.into()),
        };
    }
}

/// A change of one file, whole or not at all.
enum Step {
    Write(&'static str, String),
    Remove(&'static str),
}

impl Step {
    fn take(self, home: &Home) -> Result<(), HomeError> {
        #[cfg(test)]
        crash::check()?;
        match self {
            Self::Write(name, text) => home.write(name, text.as_bytes()),
            Self::Remove(name) => home.remove(name).map(drop),
        }
    }
}

/// Crashes of the program between two files, for tests.
#[cfg(test)]
pub(super) mod crash {
    use core::cell::Cell;

    use super::super::{HomeError, HomeErrorKind};

    std::thread_local! {
        static LEFT: Cell<Option<u32>> = const { Cell::new(None) };
    }

    /// Runs `act`, which may change so many files and none after that. Gives how many more it might have changed.
    pub(in super::super) fn after(steps: u32, act: impl FnOnce()) -> u32 {
        LEFT.set(Some(steps));
        act();
        LEFT.take().unwrap_or_default()
    }

    pub(in super::super) fn check() -> Result<(), HomeError> {
        match LEFT.get() {
            None => Ok(()),
            Some(0) => Err(HomeError::new(HomeErrorKind::Io, "the program crashed")),
            Some(left) => {
                LEFT.set(Some(left - 1));
                Ok(())
            }
        }
    }
}

/// The public key of an entry of `trusted-peers.json`; `None` for an entry that cannot be understood.
pub(super) fn key_of(entry: &Value) -> Option<[u8; 32]> {
    entry.get("public_key").and_then(Value::as_str).and_then(hex::decode_key)
}

/// An entry of `peers.json`, if it is one.
fn understood(key: String, entry: Value) -> Option<(String, Map<String, Value>)> {
    let Value::Object(fields) = entry else { return None };
    let is_key = hex::decode_key(&key).is_some();
    let is_whole = (fields.get("wire").is_none() || wire(&fields).is_some())
        && (fields.get("signing_key").is_none() || signing_key(&fields).is_some())
        && terms(&fields).is_some();
    (is_key && is_whole).then(|| (key.to_ascii_lowercase(), fields))
}

fn wire(fields: &Map<String, Value>) -> Option<u8> {
    fields.get("wire").and_then(Value::as_u64).and_then(|version| u8::try_from(version).ok())
}

/// `None` for a role that nobody here knows, or an end that is no time: what was meant to bound a trust must not be
/// passed over.
fn terms(fields: &Map<String, Value>) -> Option<Terms> {
    let role = match fields.get("role") {
        None => Role::default(),
        Some(word) => word.as_str()?.parse().ok()?,
    };
    let expires_at = match fields.get("expires_at") {
        None => None,
        Some(end) => Some(end.as_f64()?),
    };
    Some(Terms { role, expires_at })
}

fn signing_key(fields: &Map<String, Value>) -> Option<[u8; 32]> {
    fields.get("signing_key").and_then(Value::as_str).and_then(hex::decode_key)
}

fn parse(home: &Home, name: &str) -> Result<Option<Value>, HomeError> {
    let Some(bytes) = home.read(name, MAX_FILE)? else { return Ok(None) };
    serde_json::from_slice(&bytes).map(Some).map_err(|error| corrupt(home, name, &format!("does not parse ({error})")))
}

fn corrupt(home: &Home, name: &str, why: &str) -> HomeError {
    HomeError::corrupt(&home.path().join(name), why)
}

#[cfg(test)]
mod tests {
    use super::super::HomeErrorKind;
    use super::*;

    /// A home with these files, and the directory that goes away with the test.
    fn home(files: &[(&str, &str)]) -> (Home, tempfile::TempDir) {
        let root = tempfile::tempdir().unwrap();
        let home = Home::open(Some(root.path().join("home"))).unwrap();
        for (name, content) in files {
            home.write(name, content.as_bytes()).unwrap();
        }
        (home, root)
    }

    fn key(digits: &str) -> String {
        digits.repeat(32)
    }

    #[test]
    fn no_file_is_no_machine() {
        let (home, _root) = home(&[]);
        let records = Records::read(&home).unwrap();
        assert!(records.peers().is_empty());
        assert_eq!(records.default, None);
        records.write(&home, &records).unwrap();
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
    }

    #[test]
    fn bad_entries_are_skipped_and_bad_fields_are_empty() {
        let content = format!(
            "[null, 7, {{}}, {{\"public_key\": \"short\"}}, {{\"public_key\": 5}}, \
             {{\"public_key\": \"{}\", \"name\": null, \"paired_at\": \"2026\", \"last_port\": 70000}}, \
             {{\"public_key\": \"{}\", \"name\": \"b\", \"paired_at\": 3, \"last_port\": 8423}}]",
            key("AA"),
            key("bb")
        );
        let (home, _root) = home(&[(TRUSTED, &content)]);
        let peers = Records::read(&home).unwrap().peers();
        assert_eq!(peers.len(), 2);
        assert_eq!((peers[0].public_key, peers[0].name.as_str()), ([0xaa; 32], "peer-aaaaaa"));
        assert_eq!((peers[0].paired_at, peers[0].last_port), (0.0, 0));
        assert_eq!((peers[1].paired_at, peers[1].last_port), (3.0, 8423));
    }

    #[test]
    fn names_are_valid_and_unique_in_memory_and_then_on_disk() {
        let entry = |digits: &str, name: &str| format!("{{\"public_key\": \"{}\", \"name\": \"{name}\"}}", key(digits));
        let entries =
            [entry("01", "pc"), entry("02", "PC"), entry("03", "ALL"), entry("01", "again"), entry("04", "pc")];
        let (home, _root) = home(&[(TRUSTED, &format!("[{}]", entries.join(",")))]);
        let before = Records::read(&home).unwrap();
        let names =
            |records: &Records| -> Vec<String> { records.peers().iter().map(|peer| peer.name.to_string()).collect() };
        assert_eq!(names(&before), ["pc", "PC-2", "peer-030303", "pc-3"]);
        let mut after = before.clone();
        after.settle();
        after.trusted.remove(0);
        after.write(&home, &before).unwrap();
        assert_eq!(names(&Records::read(&home).unwrap()), ["PC-2", "peer-030303", "again", "pc-3"]);
    }

    #[test]
    fn who_is_struck_off_in_place_is_nobody_and_gone_with_the_next_change() {
        let entry = |digits: &str| format!("{{\"public_key\": \"{}\", \"name\": \"pc-{digits}\"}}", key(digits));
        let (home, _root) = home(&[(TRUSTED, &format!("[{}, {}]", entry("0A"), entry("bb")))]);
        let length = home.read(TRUSTED, MAX_FILE).unwrap().unwrap().len();
        Records::strike(&home, &[0x0a; 32]).unwrap();
        assert_eq!(home.read(TRUSTED, MAX_FILE).unwrap().unwrap().len(), length);
        let before = Records::read(&home).unwrap();
        let keys = |records: &Records| records.peers().iter().map(|peer| peer.public_key).collect::<Vec<_>>();
        assert_eq!(keys(&before), [[0xbb; 32]]);
        let mut after = before.clone();
        after.settle();
        assert_eq!((after.trusted.len(), keys(&after)), (1, vec![[0xbb; 32]]));
        assert_eq!(STRUCK.len(), 64);
    }

    #[test]
    fn damaged_files_are_errors_that_say_where() {
        let entry = |body: &str| format!("{{\"{}\": {body}}}", key("01"));
        for (name, content, why) in [
            (TRUSTED, "[\n  {]".to_owned(), "at line 2 column 4"),
            (TRUSTED, String::new(), "does not parse"),
            (TRUSTED, "null".to_owned(), "is not a JSON array"),
            (TRUSTED, "[]]".to_owned(), "does not parse"),
            (OURS, "[]".to_owned(), "is not a JSON object"),
            (OURS, "{\"short\": {}}".to_owned(), "has a damaged entry"),
            (OURS, entry("[]"), "has a damaged entry"),
            (OURS, entry("{\"wire\": \"2\"}"), "has a damaged entry"),
            (OURS, entry("{\"wire\": 256}"), "has a damaged entry"),
            (OURS, entry("{\"signing_key\": \"00\"}"), "has a damaged entry"),
            (OURS, entry("{\"role\": \"admin\"}"), "has a damaged entry"),
            (OURS, entry("{\"role\": \"Observe\"}"), "has a damaged entry"),
            (OURS, entry("{\"role\": null}"), "has a damaged entry"),
            (OURS, entry("{\"expires_at\": \"never\"}"), "has a damaged entry"),
            (OURS, entry("{\"expires_at\": null}"), "has a damaged entry"),
            (OURS, entry("{\"expires_at\": 1e999}"), "does not parse"),
        ] {
            let (home, _root) = home(&[(name, &content)]);
            let error = Records::read(&home).unwrap_err();
            assert_eq!(error.kind(), HomeErrorKind::Corrupt, "{content}");
            for part in [name, why, "it was left untouched"] {
                assert!(error.to_string().contains(part), "{content}: {error}");
            }
            assert_eq!(error.to_string().lines().count(), 1);
        }
    }
}
