//! The machines that this one is paired with, whichever of the two controls the other.

use opendesk_core::{PublicKey, PublicKeys, Succession, VerifyingKey, follow};
use serde_json::{Map, Value};

use super::name::plain_text;
use super::records::{Records, key_of};
use super::{Home, HomeError, HomeErrorKind, NewPeer, PeerName, TrustedPeer, hex};
use crate::runtime::Runtime;

/// The trusted machines of a home as they were when it was last read.
///
/// A method that changes something reads the files anew, changes them and writes them back under the
/// [`HomeLock`](super::HomeLock), so changes by other processes are never undone; afterwards `self` shows what is on
/// disk. Such a method may block for as long as another process holds the lock, five seconds at most. It fails with
/// [`HomeErrorKind::Corrupt`] when a file does not parse, and then changes nothing.
#[derive(Debug, Clone)]
pub struct Peers {
    home: Home,
    peers: Vec<TrustedPeer>,
    default: Option<String>,
}

impl Peers {
    /// Reads the files of `home`.
    ///
    /// # Errors
    /// [`HomeErrorKind::Corrupt`] when one does not parse, [`HomeErrorKind::Io`].
    pub fn load(home: &Home) -> Result<Self, HomeError> {
        let mut peers = Self { home: home.clone(), peers: Vec::new(), default: None };
        peers.reload()?;
        Ok(peers)
    }

    /// Reads the files again.
    ///
    /// # Errors
    /// Those of [`load`](Self::load); `self` is then as before.
    pub fn reload(&mut self) -> Result<(), HomeError> {
        self.show(Records::read(&self.home)?);
        Ok(())
    }

    /// All of them, in the order of pairing.
    #[must_use]
    pub fn list(&self) -> &[TrustedPeer] {
        &self.peers
    }

    /// The one with this key.
    #[must_use]
    pub fn by_key(&self, public_key: &[u8; 32]) -> Option<&TrustedPeer> {
        self.peers.iter().find(|peer| peer.public_key == *public_key)
    }

    /// The one with this name.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<&TrustedPeer> {
        self.peers.iter().find(|peer| peer.name == *name)
    }

    /// The one that calls go to when none is named.
    #[must_use]
    pub fn default_peer(&self) -> Option<&TrustedPeer> {
        self.default.as_deref().and_then(|name| self.by_name(name))
    }

    /// Trusts a machine and gives it the name it wants, sanitized and with a number where another machine has it.
    /// One that is trusted already keeps its name and what is known of it.
    ///
    /// # Errors
    /// See [`Peers`].
    pub fn add(&mut self, new: &NewPeer) -> Result<TrustedPeer, HomeError> {
        self.change(|records| {
            if let Some(fields) = records.fields_mut(&new.public_key) {
                fields.insert("paired_at".into(), new.paired_at.into());
            } else {
                // What a machine of this key left behind when it was removed by a version 1 peer counts no more.
                records.ours.remove(&hex::encode(&new.public_key));
                let peers = records.peers();
                let name = PeerName::sanitize(&new.name, &new.public_key)
                    .unique(|name| peers.iter().any(|peer| peer.name == *name));
                records.trusted.push(Value::Object(entry(new, &name)));
            }
            records.pin(&new.public_key, new.wire, new.signing_key);
            Ok(())
        })?;
        self.by_key(&new.public_key).cloned().ok_or_else(|| unknown(&new.public_key))
    }

    /// Trusts a machine that has just been paired. One that is known by former keys, as its chain shows, is that machine
    /// and not a second one; its former key is given then.
    ///
    /// # Errors
    /// See [`Peers`].
    pub fn admit(&mut self, new: &NewPeer, chain: &[Succession]) -> Result<(TrustedPeer, Option<[u8; 32]>), HomeError> {
        let reached = new.keys().filter(|_| self.by_key(&new.public_key).is_none());
        let former = reached.and_then(|reached| Some((self.predecessor(chain, reached)?.public_key, reached)));
        if let Some((former, reached)) = former {
            self.succeed(&former, reached)?;
        }
        Ok((self.add(new)?, former.map(|(former, _)| former)))
    }

    /// Calls a machine something else. It stays the default if it was.
    ///
    /// # Errors
    /// [`HomeErrorKind::Invalid`] when another machine has the name or no machine has the key; see also [`Peers`].
    pub fn rename(&mut self, public_key: &[u8; 32], name: &PeerName) -> Result<(), HomeError> {
        self.change(|records| {
            let peers = records.peers();
            if peers.iter().any(|peer| peer.name == *name && peer.public_key != *public_key) {
                return Err(HomeError::new(
                    HomeErrorKind::Invalid,
                    format!("another paired machine is called {name:?}; rename that one first", name = name.as_str()),
                ));
            }
            let old = peers.iter().find(|peer| peer.public_key == *public_key).map(|peer| &peer.name);
            let (Some(old), Some(fields)) = (old, records.fields_mut(public_key)) else {
                return Err(unknown(public_key));
            };
            fields.insert("name".into(), name.as_str().into());
            if records.default.as_deref() == Some(old.as_str()) {
                records.default = Some(name.to_string());
            }
            Ok(())
        })
    }

    /// The trusted machine that the chain leads from to these keys, if there is one.
    #[must_use]
    pub fn predecessor(&self, chain: &[Succession], reached: PublicKeys) -> Option<&TrustedPeer> {
        self.peers.iter().find(|peer| peer.keys().is_some_and(|known| follow(chain, known) == Some(reached)))
    }

    /// A trusted machine has other keys from now on; all else about it stays. Where the machine is known by those
    /// already, nothing changes.
    ///
    /// # Errors
    /// [`HomeErrorKind::Invalid`] when no machine, or another one too, is trusted by such a key; see also [`Peers`].
    pub fn succeed(&mut self, former: &[u8; 32], successor: PublicKeys) -> Result<TrustedPeer, HomeError> {
        let new = successor.static_key.0;
        self.change(|records| {
            let peers = records.peers();
            let knows = |key: &[u8; 32]| peers.iter().any(|peer| peer.public_key == *key);
            match (knows(former), knows(&new)) {
                (false, true) => return Ok(()),
                (false, false) => return Err(unknown(former)),
                (true, true) => {
                    let what =
                        "a paired machine says that it has the keys of another paired machine now; they stay two";
                    return Err(HomeError::new(HomeErrorKind::Invalid, what));
                }
                (true, false) => {}
            }
            // What was known stays under the former key as well until the other file is written.
            let mut known = records.ours.get(&hex::encode(former)).cloned().unwrap_or_default();
            known.remove("signing_key");
            records.ours.insert(hex::encode(&new), known);
            records.pin(&new, 2, Some(successor.signing_key));
            if let Some(fields) = records.fields_mut(former) {
                fields.insert("public_key".into(), hex::encode(&new).into());
            }
            Ok(())
        })?;
        // The rest harms nobody, and the trust has moved already.
        let tidied = self.change(|records| {
            records.ours.remove(&hex::encode(former));
            Ok(())
        });
        if let Err(error) = tidied {
            tracing::debug!(%error, "what was known under the former key of a peer stays for now");
        }
        self.by_key(&new).cloned().ok_or_else(|| unknown(&new))
    }

    /// Ends the trust in a machine and forgets all about it; `None` when it was not trusted.
    ///
    /// # Errors
    /// See [`Peers`].
    pub fn remove(&mut self, public_key: &[u8; 32]) -> Result<Option<TrustedPeer>, HomeError> {
        self.remove_where(|peer| peer.public_key == *public_key)
    }

    /// The same for the machine that has this name by then.
    ///
    /// # Errors
    /// See [`Peers`].
    pub fn remove_named(&mut self, name: &str) -> Result<Option<TrustedPeer>, HomeError> {
        self.remove_where(|peer| peer.name == *name)
    }

    fn remove_where(&mut self, wanted: impl Fn(&TrustedPeer) -> bool) -> Result<Option<TrustedPeer>, HomeError> {
        self.change(|records| {
            let removed = records.peers().into_iter().find(wanted);
            if let Some(peer) = &removed {
                records.trusted.retain(|entry| key_of(entry) != Some(peer.public_key));
                records.ours.remove(&hex::encode(&peer.public_key));
                if records.default.as_deref() == Some(peer.name.as_str()) {
                    records.default = None;
                }
            }
            Ok(removed)
        })
    }

    /// Remembers where a machine was reached; `false` when it is not trusted.
    ///
    /// # Errors
    /// See [`Peers`].
    pub fn set_endpoint(&mut self, public_key: &[u8; 32], host: &str, port: u16) -> Result<bool, HomeError> {
        self.set(public_key, [("last_host", plain_text(host).into()), ("last_port", port.into())])
    }

    /// Remembers how a machine describes itself, as [`plain_text`]; `false` when it is not trusted.
    ///
    /// # Errors
    /// See [`Peers`].
    pub fn set_description(&mut self, public_key: &[u8; 32], text: &str) -> Result<bool, HomeError> {
        self.set(public_key, [("description", plain_text(text).into())])
    }

    /// Sets the user's own words about a machine, empty for none, as [`plain_text`]; `false` when it is not trusted.
    ///
    /// # Errors
    /// See [`Peers`].
    pub fn set_description_override(&mut self, public_key: &[u8; 32], text: &str) -> Result<bool, HomeError> {
        self.set(public_key, [("description_override", plain_text(text).into())])
    }

    /// Remembers that a machine was seen on this protocol version, for good, and the key it proved to sign with;
    /// `false` when it is not trusted.
    ///
    /// # Errors
    /// [`HomeErrorKind::Invalid`] when it has signed with another key before; see also [`Peers`].
    pub fn pin(&mut self, public_key: &[u8; 32], wire: u8, signing_key: Option<[u8; 32]>) -> Result<bool, HomeError> {
        let is_known = |peer: &TrustedPeer| {
            peer.wire.unwrap_or(1) >= wire && (signing_key.is_none() || peer.signing_key == signing_key)
        };
        // A reconnecting machine costs no write.
        if self.by_key(public_key).is_some_and(is_known) {
            return Ok(true);
        }
        self.change(|records| {
            let Some(peer) = records.peers().into_iter().find(|peer| peer.public_key == *public_key) else {
                return Ok(false);
            };
            if peer.signing_key.is_some() && signing_key.is_some() && peer.signing_key != signing_key {
                return Err(HomeError::new(
                    HomeErrorKind::Invalid,
                    format!(
                        "{} signs with another key than before; if that is right, unpair and pair it again",
                        peer.name
                    ),
                ));
            }
            records.pin(public_key, wire, signing_key);
            Ok(true)
        })
    }

    /// Makes a machine the one that calls go to when none is named; with `None` there is none.
    ///
    /// # Errors
    /// [`HomeErrorKind::Invalid`] when the machine is not trusted; see also [`Peers`].
    pub fn set_default(&mut self, public_key: Option<&[u8; 32]>) -> Result<(), HomeError> {
        self.change(|records| {
            records.default = match public_key {
                None => None,
                Some(key) => {
                    let peer = records.peers().into_iter().find(|peer| peer.public_key == *key);
                    Some(peer.ok_or_else(|| unknown(key))?.name.to_string())
                }
            };
            Ok(())
        })
    }

    fn set<const N: usize>(&mut self, public_key: &[u8; 32], values: [(&str, Value); N]) -> Result<bool, HomeError> {
        self.change(|records| {
            let Some(fields) = records.fields_mut(public_key) else { return Ok(false) };
            fields.extend(values.into_iter().map(|(name, value)| (name.to_owned(), value)));
            Ok(true)
        })
    }

    fn change<T>(&mut self, act: impl FnOnce(&mut Records) -> Result<T, HomeError>) -> Result<T, HomeError> {
        let _lock = self.home.lock()?;
        let before = Records::read(&self.home)?;
        let mut after = before.clone();
        after.settle();
        let answer = act(&mut after)?;
        after.write(&self.home, &before)?;
        self.show(after);
        Ok(answer)
    }

    fn show(&mut self, records: Records) {
        self.peers = records.peers();
        self.default = records.default;
    }
}

/// A new entry with all the fields that version 1 peers write.
fn entry(new: &NewPeer, name: &PeerName) -> Map<String, Value> {
    let fields: [(&str, Value); 7] = [
        ("public_key", hex::encode(&new.public_key).into()),
        ("name", name.as_str().into()),
        ("paired_at", new.paired_at.into()),
        ("description", "".into()),
        ("description_override", "".into()),
        ("last_host", "".into()),
        ("last_port", Value::from(0)),
    ];
    fields.into_iter().map(|(field, value)| (field.to_owned(), value)).collect()
}

fn unknown(public_key: &[u8; 32]) -> HomeError {
    HomeError::new(
        HomeErrorKind::Invalid,
        format!("no paired machine has the key {}…; it may have been removed meanwhile", hex::encode(&public_key[..8])),
    )
}

/// Pins the signing key that a trusted machine has proved for the first time, away from the event loop. That it could
/// not be stored costs nothing: it is proved anew with every session.
pub(crate) async fn pin<R: Runtime>(runtime: R, mut peers: Peers, key: PublicKey, signing_key: Option<VerifyingKey>) {
    let pinned = runtime.run_blocking(move || peers.pin(&key.0, 2, signing_key)).await;
    if let Err(error) = pinned {
        tracing::warn!(%error, "what a peer has shown of itself could not be stored");
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use opendesk_core::{Keys, SigningKey, StaticKey};

    use super::*;

    fn home() -> (Home, tempfile::TempDir) {
        let root = tempfile::tempdir().unwrap();
        (Home::open(Some(root.path().join("home"))).unwrap(), root)
    }

    fn new(byte: u8, name: &str) -> NewPeer {
        NewPeer { public_key: [byte; 32], name: name.into(), paired_at: 1_760_000_000.5, signing_key: None, wire: 1 }
    }

    fn text(home: &Home, name: &str) -> String {
        fs::read_to_string(home.path().join(name)).unwrap()
    }

    fn names(peers: &Peers) -> Vec<&str> {
        peers.list().iter().map(|peer| peer.name.as_str()).collect()
    }

    #[test]
    fn the_file_is_that_of_a_version_1_peer() {
        let (home, _root) = home();
        let mut peers = Peers::load(&home).unwrap();
        peers.add(&new(1, "büro")).unwrap();
        peers.set_endpoint(&[1; 32], "10.0.0.2", 8423).unwrap();
        let expected = format!(
            "[\n  {{\n    \"description\": \"\",\n    \"description_override\": \"\",\n    \
             \"last_host\": \"10.0.0.2\",\n    \"last_port\": 8423,\n    \"name\": \"b\\u00fcro\",\n    \
             \"paired_at\": 1760000000.5,\n    \
             \"public_key\": \"{}\"\n  }}\n]",
            "01".repeat(32)
        );
        assert_eq!(text(&home, "trusted-peers.json"), expected);
        assert!(!home.path().join("peers.json").exists());
        peers.set_default(Some(&[1; 32])).unwrap();
        assert_eq!(text(&home, "default-peer"), "büro\n");
        peers.remove(&[1; 32]).unwrap();
        assert_eq!(text(&home, "trusted-peers.json"), "[]");
    }

    #[test]
    fn all_files_are_private() {
        let (home, _root) = home();
        let mut peers = Peers::load(&home).unwrap();
        peers.add(&NewPeer { wire: 2, ..new(1, "a") }).unwrap();
        peers.set_default(Some(&[1; 32])).unwrap();
        for name in ["trusted-peers.json", "peers.json", "default-peer", "lock"] {
            assert_eq!(fs::metadata(home.path().join(name)).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn what_was_learned_outlives_a_reload() {
        let (home, _root) = home();
        let mut peers = Peers::load(&home).unwrap();
        let added = peers.add(&NewPeer { signing_key: Some([9; 32]), wire: 2, ..new(1, "a") }).unwrap();
        assert_eq!((added.wire, added.signing_key), (Some(2), Some([9; 32])));
        assert!(peers.set_endpoint(&[1; 32], "host\u{1b}", 1).unwrap());
        assert!(peers.set_description(&[1; 32], &"x".repeat(5000)).unwrap());
        assert_eq!(peers.list()[0].shown_description().len(), 1024);
        assert!(peers.set_description_override(&[1; 32], "mine").unwrap());
        let again = Peers::load(&home).unwrap();
        assert_eq!(again.list(), peers.list());
        let peer = again.by_name("a").unwrap();
        assert_eq!((peer.last_host.as_str(), peer.last_port), ("host", 1));
        assert_eq!(peer.shown_description(), "mine");
        assert_eq!((peer.wire, peer.signing_key, peer.paired_at), (Some(2), Some([9; 32]), 1_760_000_000.5));
    }

    #[test]
    fn unknown_fields_and_entries_stay() {
        let (home, _root) = home();
        let key = "01".repeat(32);
        home.write(
            "trusted-peers.json",
            format!("[5, {{\"public_key\": \"{key}\", \"name\": \"a\", \"x\": {{\"y\": [1.5]}}}}]").as_bytes(),
        )
        .unwrap();
        home.write("peers.json", format!("{{\"{key}\": {{\"wire\": 2, \"later\": true}}}}").as_bytes()).unwrap();
        let mut peers = Peers::load(&home).unwrap();
        peers.rename(&[1; 32], &"b".parse().unwrap()).unwrap();
        peers.pin(&[1; 32], 3, None).unwrap();
        let trusted: Value = serde_json::from_str(&text(&home, "trusted-peers.json")).unwrap();
        assert_eq!(trusted[0], 5);
        assert_eq!(trusted[1]["x"]["y"][0], 1.5);
        assert_eq!(trusted[1]["name"], "b");
        let ours: Value = serde_json::from_str(&text(&home, "peers.json")).unwrap();
        assert_eq!((&ours[&key]["wire"], &ours[&key]["later"]), (&Value::from(3), &Value::from(true)));
    }

    #[test]
    fn the_version_never_goes_down_and_survives_a_version_1_writer() {
        let (home, _root) = home();
        let mut peers = Peers::load(&home).unwrap();
        peers.add(&NewPeer { signing_key: Some([9; 32]), wire: 2, ..new(1, "a") }).unwrap();
        // A version 1 peer writes the file anew with the fields that it knows.
        home.write("trusted-peers.json", text(&home, "trusted-peers.json").as_bytes()).unwrap();
        peers.add(&new(1, "other")).unwrap();
        assert!(peers.pin(&[1; 32], 1, None).unwrap());
        assert_eq!(peers.list()[0].wire, Some(2));
        assert_eq!(peers.list()[0].signing_key, Some([9; 32]));
        let error = peers.pin(&[1; 32], 2, Some([8; 32])).unwrap_err();
        assert_eq!(error.kind(), HomeErrorKind::Invalid);
        assert!(!peers.pin(&[2; 32], 2, None).unwrap());
        assert_eq!(Peers::load(&home).unwrap().list()[0].signing_key, Some([9; 32]));
    }

    #[test]
    fn pairing_again_keeps_the_name_and_the_description() {
        let (home, _root) = home();
        let mut peers = Peers::load(&home).unwrap();
        peers.add(&new(1, "a")).unwrap();
        peers.set_description_override(&[1; 32], "mine").unwrap();
        let again = peers.add(&NewPeer { paired_at: 1_770_000_000.0, wire: 2, ..new(1, "b") }).unwrap();
        assert_eq!((again.name.as_str(), again.description_override.as_str()), ("a", "mine"));
        assert_eq!((again.paired_at, again.wire), (1_770_000_000.0, Some(2)));
        assert_eq!(peers.list().len(), 1);
    }

    #[test]
    fn new_names_are_made_unique_and_usable() {
        let (home, _root) = home();
        let mut peers = Peers::load(&home).unwrap();
        for (byte, name) in [(1, "pc"), (2, "pc"), (3, "pc"), (4, "all"), (5, "")] {
            peers.add(&new(byte, name)).unwrap();
        }
        assert_eq!(names(&peers), ["pc", "pc-2", "pc-3", "peer-040404", "peer-050505"]);
    }

    #[test]
    fn a_renamed_default_stays_the_default_and_keeps_everything() {
        let (home, _root) = home();
        let mut peers = Peers::load(&home).unwrap();
        peers.add(&new(1, "a")).unwrap();
        peers.add(&new(2, "b")).unwrap();
        peers.set_description(&[1; 32], "about").unwrap();
        peers.set_default(Some(&[1; 32])).unwrap();
        assert_eq!(peers.rename(&[1; 32], &"b".parse().unwrap()).unwrap_err().kind(), HomeErrorKind::Invalid);
        assert_eq!(peers.rename(&[3; 32], &"c".parse().unwrap()).unwrap_err().kind(), HomeErrorKind::Invalid);
        peers.rename(&[1; 32], &"c".parse().unwrap()).unwrap();
        peers.rename(&[1; 32], &"c".parse().unwrap()).unwrap();
        let again = Peers::load(&home).unwrap();
        assert_eq!(names(&again), ["c", "b"]);
        let default = again.default_peer().unwrap();
        assert_eq!((default.public_key, default.description.as_str()), ([1; 32], "about"));
    }

    #[test]
    fn a_default_that_is_not_trusted_is_none() {
        let (home, _root) = home();
        let mut peers = Peers::load(&home).unwrap();
        peers.add(&NewPeer { wire: 2, ..new(1, "a") }).unwrap();
        assert_eq!(peers.set_default(Some(&[2; 32])).unwrap_err().kind(), HomeErrorKind::Invalid);
        home.write("default-peer", b"gone\n").unwrap();
        peers.reload().unwrap();
        assert_eq!(peers.default_peer(), None);
        peers.set_default(Some(&[1; 32])).unwrap();
        assert_eq!(peers.remove(&[1; 32]).unwrap().map(|peer| peer.public_key), Some([1; 32]));
        assert!(!home.path().join("default-peer").exists());
        assert_eq!(text(&home, "peers.json"), "{}");
        assert_eq!(peers.remove(&[1; 32]).unwrap(), None);
        peers.set_default(None).unwrap();
    }

    fn keys(byte: u8) -> Keys {
        Keys { static_key: StaticKey::new([byte; 32]), signing_key: SigningKey::new([byte ^ 0x80; 32]) }
    }

    fn known_by(byte: u8, name: &str) -> NewPeer {
        let PublicKeys { static_key, signing_key } = keys(byte).public();
        NewPeer { public_key: static_key.0, signing_key: Some(signing_key), wire: 2, ..new(1, name) }
    }

    #[test]
    fn a_machine_with_new_keys_is_the_machine_that_it_was() {
        let (home, _root) = home();
        let mut peers = Peers::load(&home).unwrap();
        peers.add(&known_by(1, "a")).unwrap();
        peers.add(&known_by(2, "b")).unwrap();
        let former = keys(1).public().static_key.0;
        peers.set_description_override(&former, "mine").unwrap();
        peers.set_default(Some(&former)).unwrap();
        let chain = [Succession::sign(&keys(1), &keys(3))];
        assert_eq!(peers.predecessor(&chain, keys(3).public()).map(|peer| peer.name.as_str()), Some("a"));
        assert_eq!(peers.predecessor(&chain, keys(2).public()), None);
        let successor = peers.succeed(&former, keys(3).public()).unwrap();
        assert_eq!(successor.public_key, keys(3).public().static_key.0);
        assert_eq!(successor.signing_key, Some(keys(3).public().signing_key));
        assert_eq!((successor.name.as_str(), successor.description_override.as_str()), ("a", "mine"));
        assert_eq!((successor.wire, peers.default_peer()), (Some(2), Some(&successor)));
        assert_eq!(names(&peers), ["a", "b"]);
        // A second one who saw the chain at the same time changes nothing.
        assert_eq!(peers.succeed(&former, keys(3).public()).unwrap(), successor);
        let ours: Value = serde_json::from_str(&text(&home, "peers.json")).unwrap();
        assert_eq!(ours.as_object().unwrap().len(), 2, "the former key is forgotten: {ours}");
    }

    #[test]
    fn two_machines_never_become_one() {
        let (home, _root) = home();
        let mut peers = Peers::load(&home).unwrap();
        peers.add(&known_by(1, "a")).unwrap();
        peers.add(&known_by(2, "b")).unwrap();
        let before = peers.list().to_vec();
        let former = keys(1).public().static_key.0;
        assert_eq!(peers.succeed(&former, keys(2).public()).unwrap_err().kind(), HomeErrorKind::Invalid);
        assert_eq!(peers.succeed(&[9; 32], keys(3).public()).unwrap_err().kind(), HomeErrorKind::Invalid);
        assert_eq!(Peers::load(&home).unwrap().list(), before);
    }

    #[test]
    fn a_machine_whose_signing_key_is_not_known_cannot_be_followed() {
        let (home, _root) = home();
        let mut peers = Peers::load(&home).unwrap();
        peers.add(&NewPeer { signing_key: None, ..known_by(1, "a") }).unwrap();
        assert_eq!(peers.predecessor(&[Succession::sign(&keys(1), &keys(3))], keys(3).public()), None);
    }

    #[test]
    fn a_damaged_file_is_never_overwritten() {
        let (home, _root) = home();
        let mut peers = Peers::load(&home).unwrap();
        peers.add(&new(1, "a")).unwrap();
        for damaged in ["", "[", "null", "{}"] {
            home.write("trusted-peers.json", damaged.as_bytes()).unwrap();
            assert_eq!(Peers::load(&home).unwrap_err().kind(), HomeErrorKind::Corrupt);
            assert_eq!(peers.add(&new(2, "b")).unwrap_err().kind(), HomeErrorKind::Corrupt);
            assert_eq!(peers.remove(&[1; 32]).unwrap_err().kind(), HomeErrorKind::Corrupt);
            assert_eq!(peers.set_endpoint(&[1; 32], "h", 1).unwrap_err().kind(), HomeErrorKind::Corrupt);
            assert_eq!(text(&home, "trusted-peers.json"), damaged);
            assert_eq!(names(&peers), ["a"]);
        }
    }

    #[test]
    fn writers_at_the_same_time_lose_nothing() {
        let (home, _root) = home();
        std::thread::scope(|scope| {
            for writer in 0..4_u8 {
                let home = &home;
                scope.spawn(move || {
                    let mut peers = Peers::load(home).unwrap();
                    for round in 0..4 {
                        peers.add(&new(writer * 4 + round, "pc")).unwrap();
                    }
                });
            }
        });
        let peers = Peers::load(&home).unwrap();
        let mut keys: Vec<u8> = peers.list().iter().map(|peer| peer.public_key[0]).collect();
        keys.sort_unstable();
        assert_eq!(keys, (0..16).collect::<Vec<u8>>());
        let mut found = names(&peers);
        found.sort_unstable();
        found.dedup();
        assert_eq!(found.len(), 16);
    }
}
