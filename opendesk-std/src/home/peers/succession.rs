//! Machines that have other keys than before.

use opendesk_core::{PublicKeys, Succession, follow};

use super::{Peers, add, unknown};
use crate::home::records::Records;
use crate::home::{HomeError, HomeErrorKind, NewPeer, TrustedPeer, hex};

impl Peers {
    /// Trusts a machine that has just been paired. One that is known by former keys, as its chain shows, is that
    /// machine and not a second one; its former key is given then.
    ///
    /// # Errors
    /// Those of [`add`](Self::add).
    pub fn admit(&mut self, new: &NewPeer, chain: &[Succession]) -> Result<(TrustedPeer, Option<[u8; 32]>), HomeError> {
        self.admit_with(new, chain, |_, _| Ok(()))
    }

    /// The same, with what `finish` does to the machine in the same change: all of it happens, or nothing. It is told
    /// what was known of the machine before.
    pub(super) fn admit_with(
        &mut self,
        new: &NewPeer,
        chain: &[Succession],
        finish: impl FnOnce(&mut Records, Option<&TrustedPeer>) -> Result<(), HomeError>,
    ) -> Result<(TrustedPeer, Option<[u8; 32]>), HomeError> {
        let former = self.change(|records| {
            let peers = records.peers();
            let is_unknown = peers.iter().all(|peer| peer.public_key != new.public_key);
            let reached = new.keys().filter(|_| is_unknown);
            let former = reached.and_then(|reached| Some((led_from(&peers, chain, reached)?.public_key, reached)));
            if let Some((former, reached)) = former {
                succeed(records, &former, reached)?;
            }
            add(records, new)?;
            let known_as = former.map_or(new.public_key, |(former, _)| former);
            finish(records, peers.iter().find(|peer| peer.public_key == known_as))?;
            Ok(former.map(|(former, _)| former))
        })?;
        if let Some(former) = &former {
            self.forget(former);
        }
        let stored = self.by_key(&new.public_key).cloned().ok_or_else(|| unknown(&new.public_key))?;
        Ok((stored, former))
    }

    /// The trusted machine that the chain leads from to these keys, if there is one; its time may be over.
    #[must_use]
    pub fn predecessor(&self, chain: &[Succession], reached: PublicKeys) -> Option<&TrustedPeer> {
        led_from(&self.peers, chain, reached)
    }

    /// A trusted machine has other keys from now on; all else about it stays. Where the machine is known by those
    /// already, nothing changes.
    ///
    /// # Errors
    /// [`HomeErrorKind::Invalid`] when no machine, or another one too, is trusted by such a key; see also [`Peers`].
    pub fn succeed(&mut self, former: &[u8; 32], successor: PublicKeys) -> Result<TrustedPeer, HomeError> {
        let new = successor.static_key.0;
        self.change(|records| succeed(records, former, successor))?;
        self.forget(former);
        self.by_key(&new).cloned().ok_or_else(|| unknown(&new))
    }

    /// Forgets what was known under the former key of a machine. That it cannot be forgotten harms nobody: the trust
    /// has moved already.
    fn forget(&mut self, former: &[u8; 32]) {
        let tidied = self.change(|records| {
            records.ours.remove(&hex::encode(former));
            Ok(())
        });
        if let Err(error) = tidied {
            tracing::debug!(%error, "what was known under the former key of a peer stays for now");
        }
    }
}

fn led_from<'a>(peers: &'a [TrustedPeer], chain: &[Succession], reached: PublicKeys) -> Option<&'a TrustedPeer> {
    peers.iter().find(|peer| peer.keys().is_some_and(|known| follow(chain, known) == Some(reached)))
}

fn succeed(records: &mut Records, former: &[u8; 32], successor: PublicKeys) -> Result<(), HomeError> {
    let new = successor.static_key.0;
    let peers = records.peers();
    let knows = |key: &[u8; 32]| peers.iter().any(|peer| peer.public_key == *key);
    match (knows(former), knows(&new)) {
        (false, true) => return Ok(()),
        (false, false) => return Err(unknown(former)),
        (true, true) => {
            let what = "a paired machine says that it has the keys of another paired machine now; they stay two";
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
}
