//! Where in the home directory a session is shared: a socket, and the lock of the one who may listen there.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use opendesk_core::PublicKey;

use crate::home::{Attempt, Home, HomeError, hex, holder, try_exclusive};
use crate::platform::{self, OWN_FOLDER, SocketPath};

/// The folder in the home directory.
const FOLDER: &str = "links";

/// Bytes of the host's key in a name: whoever is meant is checked by the whole key.
const KEY_BYTES: usize = 8;

/// Where the session with one host is shared.
#[derive(Debug, Clone)]
pub(super) struct Place {
    folder: PathBuf,
    stem: String,
}

/// The lock of a [`Place`], as [`Place::take`] found it.
pub(super) enum Taken {
    Ours(Held),
    /// Somebody else has it: ` (pid 123)`, or nothing.
    Theirs(String),
}

/// The lock, while it is ours. What lies at the place is removed with it.
#[derive(Debug)]
pub(super) struct Held {
    place: Place,
    /// Open for as long as the lock is held.
    _lock: File,
}

impl Place {
    pub(super) fn new(home: &Home, host: PublicKey) -> Self {
        Self { folder: home.path().join(FOLDER), stem: hex::encode(&host.0[..KEY_BYTES]) }
    }

    fn file(&self, extension: &str) -> PathBuf {
        self.folder.join(format!("{}.{extension}", self.stem))
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.file("sock")
    }

    /// Takes the lock, if nobody has it. What a dead process left at the place is gone then. Blocks its thread.
    pub(super) fn take(&self) -> Result<Taken, HomeError> {
        let made = platform::folders(OWN_FOLDER).create(&self.folder);
        match made {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => platform::make_private(&self.folder),
            made => made,
        }
        .map_err(|error| HomeError::io("use", &self.folder, &error))?;
        let path = self.file("lock");
        let failed = |error: io::Error| HomeError::io("lock", &path, &error);
        let mut lock = match try_exclusive(&path).map_err(failed)? {
            Attempt::Held(lock) => lock,
            Attempt::Busy(lock) => return Ok(Taken::Theirs(holder(lock))),
        };
        lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id())).map_err(failed)?;
        remove(&self.socket()).map_err(|error| HomeError::io("remove", &self.socket(), &error))?;
        Ok(Taken::Ours(Held { place: self.clone(), _lock: lock }))
    }

    /// How the socket is named where it is listened on or connected to.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidFilename`] where the path is too long and cannot be written shorter.
    pub(super) fn address(&self) -> io::Result<SocketPath> {
        SocketPath::new(self.socket())
    }
}

impl Held {
    pub(super) const fn place(&self) -> &Place {
        &self.place
    }

    /// Removes the socket of whoever listened before, under the same lock.
    pub(super) fn clear(&self) -> io::Result<()> {
        remove(&self.place.socket())
    }

    /// Keeps everybody but the owner from the socket that was made.
    pub(super) fn restrict(&self) -> io::Result<()> {
        platform::restrict_socket(&self.place.socket())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // One file, on an event loop: whoever comes next must not find it, and no later moment is sure to come.
        if let Err(error) = self.clear() {
            tracing::debug!(%error, "the socket of a shared session stays behind until the next one");
        }
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::net::{UnixListener, UnixStream};

    use super::*;

    fn place(folder: &Path) -> Place {
        Place::new(&Home::open(Some(folder.to_owned())).unwrap(), PublicKey([0xab; 32]))
    }

    fn held(taken: Taken) -> Held {
        match taken {
            Taken::Ours(held) => held,
            Taken::Theirs(holder) => panic!("it is held{holder}"),
        }
    }

    #[test]
    fn one_has_the_place_and_others_are_told_who() {
        let root = tempfile::tempdir().unwrap();
        let place = place(&root.path().join("home"));
        let first = held(place.take().unwrap());
        assert_eq!(std::fs::metadata(root.path().join("home/links")).unwrap().permissions().mode() & 0o777, 0o700);
        let Taken::Theirs(holder) = place.take().unwrap() else { panic!("it was taken twice") };
        assert_eq!(holder, format!(" (pid {})", std::process::id()));
        drop(first);
        held(place.take().unwrap());
    }

    #[test]
    fn what_a_dead_process_left_is_removed_by_whoever_has_the_lock() {
        let root = tempfile::tempdir().unwrap();
        let place = place(&root.path().join("home"));
        let first = held(place.take().unwrap());
        drop(UnixListener::bind(place.address().unwrap().path()).unwrap());
        first.restrict().unwrap();
        assert_eq!(std::fs::metadata(place.socket()).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(matches!(place.take().unwrap(), Taken::Theirs(_)));
        assert!(place.socket().exists(), "it is somebody else's");
        drop(first);
        assert!(!place.socket().exists());
        std::fs::write(place.socket(), "").unwrap();
        let _second = held(place.take().unwrap());
        assert!(!place.socket().exists());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_home_with_a_long_path_has_a_short_address() {
        let root = tempfile::tempdir().unwrap();
        let place = place(&root.path().join("long".repeat(40)));
        let _held = held(place.take().unwrap());
        let _listener = UnixListener::bind(place.address().unwrap().path()).unwrap();
        assert!(place.socket().as_os_str().len() > 200 && place.socket().exists());
        UnixStream::connect(place.address().unwrap().path()).unwrap();
    }
}
