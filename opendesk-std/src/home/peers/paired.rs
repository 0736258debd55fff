//! Machines that this one has paired with by their code.

use opendesk_core::Succession;

use super::{Peers, free, rename, unknown};
use crate::home::name::plain_text;
use crate::home::{HomeError, NewPeer, PeerName, TrustedPeer};

/// Where a machine was reached, and what it said of itself there.
#[derive(Debug, Clone, Copy)]
pub struct Reached<'a> {
    /// A name or an address of the network.
    pub host: &'a str,
    /// The port.
    pub port: u16,
    /// Its own words about itself; `None` where it was not asked.
    pub description: Option<&'a str>,
}

impl Peers {
    /// Notes a machine that this one has paired with, to drive it: all in one change, or nothing. That lets it drive this one
    /// only where it was let in already. It is called `name`, or without one what it calls itself. A machine that is known
    /// already, by this key or by a former one as its chain shows, keeps its name unless there is a new one, the user's
    /// words about it, its role and that it is the default.
    ///
    /// # Errors
    /// [`HomeErrorKind::Taken`](crate::home::HomeErrorKind::Taken) when another machine has the name, in whatever case; see also
    /// [`add`](Self::add).
    pub fn pair(
        &mut self,
        new: &NewPeer,
        chain: &[Succession],
        name: Option<&PeerName>,
        reached: Reached<'_>,
    ) -> Result<TrustedPeer, HomeError> {
        let (stored, _former) = self.admit_with(new, chain, |records, known| {
            let key = &new.public_key;
            let own = PeerName::sanitize(&new.name, key);
            // Only what is let in here by a code of this machine drives it.
            if known.is_none_or(|known| known.is_expired(new.paired_at)) {
                records.end(key);
            }
            if let Some(name) = name.or_else(|| known.is_none().then_some(&own)) {
                free(&records.peers(), key, name)?;
                rename(records, key, name)?;
            }
            let fields = records.fields_mut(key).ok_or_else(|| unknown(key))?;
            fields.insert("last_host".into(), plain_text(reached.host).into());
            fields.insert("last_port".into(), reached.port.into());
            if let Some(description) = reached.description {
                fields.insert("description".into(), plain_text(description).into());
            }
            Ok(())
        })?;
        Ok(stored)
    }

    /// The machine that has a name, in whatever case.
    #[must_use]
    pub fn by_name_like(&self, name: &PeerName) -> Option<&TrustedPeer> {
        self.peers.iter().find(|peer| peer.name.is_like(name))
    }

    /// The first of `name-2`, `name-3`… that no machine has, for a person to whom `name` is said to be taken.
    #[must_use]
    pub fn free_name(&self, name: &PeerName) -> PeerName {
        name.clone().unique(|name| self.by_name_like(name).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::home::peers::tests::{home, keys, known_by, new};
    use crate::home::{Home, HomeErrorKind, Role, Terms};

    const AT: Reached<'_> = Reached { host: "10.0.0.2", port: 8423, description: Some("its words") };

    fn named(name: &str) -> PeerName {
        name.parse().expect("a name")
    }

    /// All files of a home as they are.
    fn files(home: &Home) -> Vec<(String, Vec<u8>)> {
        let mut files: Vec<_> = std::fs::read_dir(home.path())
            .expect("a home")
            .map(|entry| entry.expect("an entry").path())
            .map(|path| (path.display().to_string(), std::fs::read(path).expect("a file")))
            .collect();
        files.sort();
        files
    }

    #[test]
    fn a_newcomer_is_called_what_was_said_or_what_it_calls_itself() {
        let (home, _root) = home();
        let mut peers = Peers::load(&home).unwrap();
        let own = peers.pair(&new(1, "pc"), &[], None, AT).unwrap();
        assert_eq!((own.name.as_str(), own.last_host.as_str(), own.last_port), ("pc", "10.0.0.2", 8423));
        assert_eq!(own.description, "its words");
        assert_eq!(peers.pair(&new(2, "pc"), &[], Some(&named("desk")), AT).unwrap().name.as_str(), "desk");
        assert_eq!(peers.pair(&new(3, "all"), &[], None, AT).unwrap().name.as_str(), "peer-030303");
        assert_eq!(Peers::load(&home).unwrap().list(), peers.list());
    }

    #[test]
    fn a_name_that_another_machine_has_is_refused_and_nothing_is_written() {
        let (home, _root) = home();
        let mut peers = Peers::load(&home).unwrap();
        peers.pair(&known_by(1, "pc"), &[], None, AT).unwrap();
        peers.pair(&known_by(2, "desk"), &[], None, AT).unwrap();
        peers.set_default(Some(&keys(1).public().static_key.0)).unwrap();
        let before = files(&home);
        for (machine, name) in [
            (known_by(3, "pc"), None),
            (known_by(3, "PC"), None),
            (known_by(3, "other"), Some("Desk")),
            (known_by(1, "pc"), Some("desk")),
        ] {
            let name = name.map(named);
            let error = peers.pair(&machine, &[], name.as_ref(), AT).unwrap_err();
            assert_eq!(error.kind(), HomeErrorKind::Taken, "{error}");
            assert_eq!(files(&home), before, "{error}");
            assert_eq!(peers.list().len(), 2);
        }
        assert_eq!(peers.free_name(&named("PC")).as_str(), "PC-2");
        assert_eq!(peers.free_name(&named("box")).as_str(), "box");
    }

    #[test]
    fn a_machine_that_is_known_is_updated_and_keeps_what_was_said_of_it() {
        let (home, _root) = home();
        let mut peers = Peers::load(&home).unwrap();
        let key = keys(1).public().static_key.0;
        let terms = Some(Terms { role: Role::Observe, expires_at: Some(2e9) });
        // It came here first, on version 1, and only looks.
        peers.add(&NewPeer { wire: 1, signing_key: None, terms, ..known_by(1, "mine") }).unwrap();
        peers.set_description_override(&key, "my words").unwrap();
        peers.set_default(Some(&key)).unwrap();
        let again = NewPeer { paired_at: 1_770_000_000.0, ..known_by(1, "its new name") };
        let updated = peers.pair(&again, &[], None, AT).unwrap();
        assert_eq!((updated.name.as_str(), updated.paired_at), ("mine", 1_770_000_000.0));
        assert_eq!((updated.description.as_str(), updated.description_override.as_str()), ("its words", "my words"));
        assert_eq!((updated.last_host.as_str(), updated.last_port), ("10.0.0.2", 8423));
        assert_eq!((updated.wire, updated.keys()), (Some(2), again.keys()));
        assert_eq!((updated.role, updated.expires_at), (Role::Observe, Some(2e9)));
        assert_eq!(peers.default_peer(), Some(&updated));

        // One that was busy tells nothing of itself; a new name is the default's new name.
        let busy = Reached { host: "fe80::1%eth0", port: 9000, description: None };
        let renamed = peers.pair(&again, &[], Some(&named("Mine")), busy).unwrap();
        let expected = TrustedPeer { name: named("Mine"), last_host: busy.host.into(), last_port: 9000, ..updated };
        assert_eq!(renamed, expected);
        assert_eq!(Peers::load(&home).unwrap().default_peer(), Some(&expected));
        assert_eq!(peers.list().len(), 1);
    }

    #[test]
    fn to_drive_a_machine_does_not_let_it_in() {
        let (home, _root) = home();
        let mut peers = Peers::load(&home).unwrap();
        let may =
            |peers: &Peers, byte| !peers.by_key(&keys(byte).public().static_key.0).unwrap().is_expired(1_760_000_000.0);
        peers.pair(&known_by(1, "driven"), &[], None, AT).unwrap();
        assert!(!may(&peers, 1));
        // Whoever was let in before stays so, and whoever was not is by a code of this machine only.
        peers.add(&known_by(2, "guest")).unwrap();
        peers.pair(&known_by(2, "guest"), &[], None, AT).unwrap();
        assert!(may(&peers, 2));
        peers.pair(&known_by(1, "driven"), &[], None, AT).unwrap();
        assert!(!may(&peers, 1) && !may(&Peers::load(&home).unwrap(), 1));
        let followed = [Succession::sign(&keys(1), &keys(3))];
        peers.pair(&known_by(3, "driven"), &followed, None, AT).unwrap();
        assert!(!may(&peers, 3));
        peers.add(&known_by(3, "driven")).unwrap();
        assert!(may(&peers, 3) && may(&Peers::load(&home).unwrap(), 3));
        // A trust that is over is not renewed from here.
        let terms = Some(Terms { role: Role::Full, expires_at: Some(1_759_000_000.0) });
        peers.add(&NewPeer { terms, paired_at: 1.0, ..known_by(4, "late") }).unwrap();
        peers.pair(&NewPeer { paired_at: 1_760_000_000.0, ..known_by(4, "late") }, &[], None, AT).unwrap();
        assert!(!may(&peers, 4));
    }

    #[test]
    fn a_machine_that_has_changed_its_keys_keeps_its_name_although_its_own_is_taken() {
        let (home, _root) = home();
        let mut peers = Peers::load(&home).unwrap();
        peers.pair(&known_by(1, "pc"), &[], None, AT).unwrap();
        peers.pair(&known_by(2, "other"), &[], Some(&named("desk")), AT).unwrap();
        let chain = [Succession::sign(&keys(2), &keys(3))];
        let followed = peers.pair(&known_by(3, "pc"), &chain, None, AT).unwrap();
        assert_eq!((followed.name.as_str(), followed.keys()), ("desk", Some(keys(3).public())));
        let names: Vec<_> = peers.list().iter().map(|peer| peer.name.as_str()).collect();
        assert_eq!(names, ["pc", "desk"]);
    }
}
