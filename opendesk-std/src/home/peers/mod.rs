//! The machines that this one is paired with, whichever of the two controls the other.

mod find;
mod paired;
mod rules;
mod succession;
mod terms;

pub use self::paired::Reached;
pub(crate) use self::rules::{is_exactly, settle as settle_rules};
use opendesk_core::{PublicKey, VerifyingKey};
use serde_json::{Map, Value};

use super::name::{own_words, plain_text};
use super::records::{Records, Renamed};
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
    /// Looks whether the files of `home` have room for another machine, and may be written. It waits for the disk.
    ///
    /// # Errors
    /// Those of [`load`](Self::load), and what a change of the files would end with.
    pub fn has_room(home: &Home) -> Result<(), HomeError> {
        Records::read(home)?.has_room(home)
    }

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

    /// The one with exactly this name. What a person has written is better looked for with [`find`](Self::find).
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<&TrustedPeer> {
        self.peers.iter().find(|peer| peer.name == *name)
    }

    /// The one that calls go to when none is named.
    #[must_use]
    pub fn default_peer(&self) -> Option<&TrustedPeer> {
        self.default.as_deref().and_then(|name| self.by_name(name))
    }

    /// Trusts a machine within its [`terms`](NewPeer::terms) and gives it the name it wants, sanitized and with a
    /// number where another machine has it. One that is trusted already keeps its name and what is known of it.
    ///
    /// # Errors
    /// [`HomeErrorKind::Invalid`] for terms that end at no time; see also [`Peers`].
    pub fn add(&mut self, new: &NewPeer) -> Result<TrustedPeer, HomeError> {
        self.change(|records| add(records, new))?;
        self.by_key(&new.public_key).cloned().ok_or_else(|| unknown(&new.public_key))
    }

    /// Calls a machine something else; all else about it stays, also that it is the default and what `policy.json` says
    /// of exactly this name. The rules hold for both names until [`drop_former_names`](Self::drop_former_names), for
    /// which a host that runs has to know the new one first.
    ///
    /// # Errors
    /// [`HomeErrorKind::Corrupt`] when `policy.json` does not parse: what it says could not follow.
    /// [`HomeErrorKind::Taken`] when another machine has the name, in whatever case, [`HomeErrorKind::Invalid`] when no
    /// machine has the key; see also [`Peers`].
    pub fn rename(&mut self, public_key: &[u8; 32], name: &PeerName) -> Result<(), HomeError> {
        self.change(|records| {
            free(&records.peers(), public_key, name)?;
            rename(records, public_key, name)
        })
    }

    /// Has the rules of `policy.json` hold for the new name alone of a machine that was renamed. Whatever changes the
    /// list or the rules next does so as well.
    ///
    /// # Errors
    /// [`HomeErrorKind::Busy`], [`HomeErrorKind::Io`]; the rules then hold for both names as before.
    pub fn drop_former_names(home: &Home) -> Result<(), HomeError> {
        let _lock = home.lock()?;
        rules::settle(home)
    }

    /// Ends the trust in a machine and forgets all about it; `None` when it was not trusted. Where the disk is full it is
    /// struck off the list in place.
    ///
    /// # Errors
    /// See [`Peers`].
    pub fn remove(&mut self, public_key: &[u8; 32]) -> Result<Option<TrustedPeer>, HomeError> {
        let known = self.by_key(public_key).cloned();
        let removed = self.change(|records| {
            let removed = records.peers().into_iter().find(|peer| peer.public_key == *public_key);
            removed.iter().for_each(|peer| records.remove(peer));
            Ok(removed)
        });
        match removed {
            Err(error) if error.kind() == HomeErrorKind::Io && known.is_some() => {
                tracing::debug!(%error, "a machine is struck off the list in place");
                // What is said is why it could not be done as it should be.
                self.strike(public_key).map_err(|_| error)?;
                Ok(known)
            }
            removed => removed,
        }
    }

    /// Ends the trust in a machine where the disk has no room for another list.
    fn strike(&mut self, public_key: &[u8; 32]) -> Result<(), HomeError> {
        let _lock = self.home.lock()?;
        Records::strike(&self.home, public_key)?;
        self.reload()
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
    /// [`HomeErrorKind::Invalid`] for more than 1,024 characters; see also [`Peers`].
    pub fn set_description_override(&mut self, public_key: &[u8; 32], text: &str) -> Result<bool, HomeError> {
        self.set(public_key, [("description_override", own_words(text)?.into())])
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
        // Whoever gets a name next must not get what was said of who had it before. Nobody is kept from ending a trust
        // by rules that cannot be written.
        if let Err(error) = rules::settle(&self.home) {
            tracing::warn!(%error, "rules on a machine that was renamed hold for its former name as well for now");
        }
        let before = Records::read(&self.home)?;
        let mut after = before.clone();
        after.settle();
        let answer = act(&mut after)?;
        let Some(renamed) = after.renamed.take() else {
            after.write(&self.home, &before)?;
            self.show(after);
            return Ok(answer);
        };
        rules::follow(&self.home, &renamed)?;
        if let Err(error) = after.write(&self.home, &before) {
            drop(rules::settle(&self.home));
            return Err(error);
        }
        self.show(after);
        Ok(answer)
    }

    fn show(&mut self, records: Records) {
        self.peers = records.peers();
        self.default = records.default;
    }
}

/// # Errors
/// [`HomeErrorKind::Taken`] when a machine with another key has the name, in whatever case.
fn free(peers: &[TrustedPeer], public_key: &[u8; 32], name: &PeerName) -> Result<(), HomeError> {
    match peers.iter().find(|peer| peer.name.is_like(name) && peer.public_key != *public_key) {
        None => Ok(()),
        Some(other) => Err(HomeError::new(
            HomeErrorKind::Taken,
            format!("another paired machine is called \"{}\"; rename that one first", other.name),
        )),
    }
}

/// The name must be free.
fn rename(records: &mut Records, public_key: &[u8; 32], name: &PeerName) -> Result<(), HomeError> {
    let old = records.peers().into_iter().find(|peer| peer.public_key == *public_key).map(|peer| peer.name);
    let (Some(old), Some(fields)) = (old, records.fields_mut(public_key)) else {
        return Err(unknown(public_key));
    };
    fields.insert("name".into(), name.as_str().into());
    if records.default.as_deref() == Some(old.as_str()) {
        records.default = Some(name.to_string());
    }
    records.renamed = Some(Renamed { public_key: *public_key, from: old, to: name.clone() });
    Ok(())
}

fn add(records: &mut Records, new: &NewPeer) -> Result<(), HomeError> {
    let peers = records.peers();
    let terms = terms::agreed(new, peers.iter().find(|peer| peer.public_key == new.public_key))?;
    if let Some(fields) = records.fields_mut(&new.public_key) {
        fields.insert("paired_at".into(), new.paired_at.into());
    } else {
        // What a machine of this key left behind when it was removed by a version 1 peer counts no more.
        records.ours.remove(&hex::encode(&new.public_key));
        let name = PeerName::sanitize(&new.name, &new.public_key)
            .unique(|name| peers.iter().any(|peer| peer.name.is_like(name)));
        records.trusted.push(Value::Object(entry(new, &name)));
    }
    records.pin(&new.public_key, new.wire, new.signing_key);
    records.bind(&new.public_key, terms);
    Ok(())
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
mod crashes;
#[cfg(test)]
mod tests;
