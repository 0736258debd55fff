//! The list of paired machines as a session sees it.

use std::sync::Arc;

use crate::home::{Home, HomeError, Kept, Peers};

/// What the list is made of.
const FILES: [&str; 3] = ["trusted-peers.json", "peers.json", "default-peer"];

/// More is not read of a file to see whether it is another.
const MOST: usize = 4 << 20;

/// The paired machines, read again when a file of theirs may be another: each call asks for them.
pub(super) struct Roster {
    home: Home,
    files: [Kept; 3],
    peers: Option<Arc<Peers>>,
}

impl Roster {
    pub(super) fn new(home: &Home) -> Self {
        Self { home: home.clone(), files: FILES.map(|name| Kept::new(home, name, MOST)), peers: None }
    }

    /// As they are now.
    ///
    /// # Errors
    /// Those of [`Peers::load`].
    pub(super) fn now(&mut self) -> Result<Arc<Peers>, HomeError> {
        // Every file, so that each is known by its newest stamp.
        let changed = self.files.iter_mut().filter_map(Kept::renewed).count();
        match &self.peers {
            Some(peers) if changed == 0 => Ok(Arc::clone(peers)),
            _ => {
                self.peers = None;
                let peers = Arc::new(Peers::load(&self.home)?);
                self.peers = Some(Arc::clone(&peers));
                Ok(peers)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::home::NewPeer;

    #[test]
    fn the_list_is_as_the_files_are_and_an_error_while_they_are_not_one() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(Some(folder.path().join("home"))).unwrap();
        let mut roster = Roster::new(&home);
        assert!(roster.now().unwrap().list().is_empty());
        let public_key = [7; 32];
        let new = NewPeer { public_key, name: "a".into(), paired_at: 0.0, signing_key: None, wire: 2, terms: None };
        let mut peers = Peers::load(&home).unwrap();
        peers.add(&new).unwrap();
        assert_eq!(roster.now().unwrap().by_key(&public_key).unwrap().name.as_str(), "a");
        peers.rename(&public_key, &"b".parse().unwrap()).unwrap();
        assert_eq!(roster.now().unwrap().by_key(&public_key).unwrap().name.as_str(), "b");
        let path = home.path().join(FILES[0]);
        let content = fs::read(&path).unwrap();
        fs::write(&path, "[").unwrap();
        assert!(roster.now().is_err() && roster.now().is_err());
        fs::write(&path, content).unwrap();
        assert_eq!(roster.now().unwrap().list().len(), 1);
    }
}
