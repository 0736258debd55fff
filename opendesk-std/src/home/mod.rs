//! Everything that opendesk keeps on disk: one directory, private to its owner, whose files are replaced whole.
//!
//! The files that version 1 peers have as well keep their format, so both can use the same directory one after the
//! other (docs/PROTOCOL.md).

mod error;
pub mod file;
pub(crate) mod hex;
mod identity;
pub(crate) mod json;
mod lock;
mod name;
mod peer;
mod peers;
mod records;
mod screen;
mod stamp;
mod watch;

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

pub use error::{HomeError, HomeErrorKind};
pub(crate) use error::{shown, way_out};
pub use identity::Identity;
pub(crate) use lock::{Attempt, holder, try_exclusive};
pub use lock::{HomeLock, ServeLock};
pub(crate) use name::{ANNOUNCED_DIGITS, announced_digits, hex_digits, is_hidden};
pub use name::{BadName, MAX_NAME, MAX_TEXT, PeerName, plain_text, printable};
pub use peer::{BadRole, NewPeer, Role, Terms, TrustedPeer};
pub use peers::{Peers, Reached};
pub(crate) use peers::{is_exactly, pin, settle_rules};
pub(crate) use screen::Actor;
pub use screen::{Alone, Screen};
pub(crate) use stamp::Kept;
pub use watch::Watcher;

use crate::platform::{self, OWN_FOLDER, Owner};

/// The folder of the audit log.
pub(crate) const AUDIT: &str = "audit";

const DESCRIPTION: &str = "description.txt";

/// Room for far more than [`plain_text`] leaves of a description, in bytes.
const MAX_DESCRIPTION: usize = 64 << 10;

/// Names of which at least one stands in a directory that is an opendesk home.
const MARKS: [&str; 10] = [
    "identity.key",
    "identity.ed25519",
    "identity.former",
    "trusted-peers.json",
    "default-peer",
    "description.txt",
    "policy.json",
    "control.json",
    "secrets.json",
    "mcp-token",
];

/// An opendesk home directory that exists and is private.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    path: PathBuf,
}

impl Home {
    /// Opens the home at `path`, else at `$OPENDESK_HOME`, else at `~/.opendesk`, and creates it where it is missing.
    /// A home that group or others can enter is made private.
    ///
    /// # Errors
    /// [`HomeErrorKind::Foreign`] for what is no directory, is somebody else's, or holds things that are not
    /// opendesk's and would have to be made private; [`HomeErrorKind::Io`] for what the operating system refuses.
    pub fn open(path: Option<PathBuf>) -> Result<Self, HomeError> {
        Self::prepare(&chosen(path)?, true)
    }

    /// The same for a program that only looks: a home that is missing stays missing, and there is nothing in it.
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    pub fn look_at(path: Option<PathBuf>) -> Result<Self, HomeError> {
        Self::prepare(&chosen(path)?, false)
    }

    fn prepare(chosen: &Path, is_made: bool) -> Result<Self, HomeError> {
        // The working directory may change later, the home may not.
        let path = std::path::absolute(chosen).map_err(|error| HomeError::io("use", chosen, &error))?;
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => close_to_others(&path, &metadata)?,
            Ok(_) => return Err(foreign(&path, "is not a directory")),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !is_made => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                platform::folders(OWN_FOLDER)
                    .recursive(true)
                    .create(&path)
                    .and_then(|()| {
                        // One that stayed would be taken for a home that was closed.
                        platform::close_new(&path).inspect_err(|_| drop(fs::remove_dir(&path)))
                    })
                    .map_err(|error| HomeError::io("create", &path, &error))?;
            }
            Err(error) => return Err(HomeError::io("use", &path, &error)),
        }
        Ok(Self { path })
    }

    /// The directory, as an absolute path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the running host listens for commands of the same user.
    #[must_use]
    pub fn admin_socket(&self) -> PathBuf {
        self.path.join("admin.sock")
    }

    /// Where the audit log is.
    #[must_use]
    pub fn audit_dir(&self) -> PathBuf {
        self.path.join(AUDIT)
    }

    /// How the owner describes this machine, from `description.txt`, as [`plain_text`]; empty when there is no such
    /// file. It may change at any time, so read it when it is needed.
    #[must_use]
    pub fn description(&self) -> String {
        match self.read(DESCRIPTION, MAX_DESCRIPTION) {
            Ok(text) => plain_text(&String::from_utf8_lossy(&text.unwrap_or_default())),
            Err(error) => {
                tracing::warn!(%error, "the description of this machine is left out");
                String::new()
            }
        }
    }

    /// Sets how the owner describes this machine, as [`plain_text`]; with nothing in it there is no description. A
    /// running host tells it to whoever connects next.
    ///
    /// # Errors
    /// [`HomeErrorKind::Invalid`] for more than 1,024 characters, [`HomeErrorKind::Io`].
    pub fn set_description(&self, text: &str) -> Result<(), HomeError> {
        let words = name::own_words(text)?;
        if words.is_empty() {
            return self.remove(DESCRIPTION).map(drop);
        }
        self.write(DESCRIPTION, format!("{words}\n").as_bytes())
    }

    /// The content of a file of at most `max` bytes directly in the home; `None` when there is none.
    ///
    /// # Errors
    /// [`HomeErrorKind::Io`] for what is not a regular file of that length or cannot be read.
    pub fn read(&self, name: &str, max: usize) -> Result<Option<Vec<u8>>, HomeError> {
        let path = self.path.join(name);
        file::read_private(&path, max).map_err(|error| HomeError::io("read", &path, &error))
    }

    /// Replaces the content of a file directly in the home, whole or not at all. Whoever read it before, to change
    /// it, holds the [`HomeLock`] from before the reading until after the writing.
    ///
    /// # Errors
    /// [`HomeErrorKind::Io`]; the old content is then still there.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), HomeError> {
        write(&self.path, name, bytes)
    }

    /// Removes a file directly in the home; `false` when there was none.
    ///
    /// # Errors
    /// [`HomeErrorKind::Io`].
    pub fn remove(&self, name: &str) -> Result<bool, HomeError> {
        remove(&self.path, name)
    }

    /// Waits for the right to change files of the home, five seconds at most. It blocks its thread and is not
    /// reentrant: the methods of [`Peers`] take it themselves.
    ///
    /// # Errors
    /// [`HomeErrorKind::Busy`] when another process keeps it, [`HomeErrorKind::Io`].
    pub fn lock(&self) -> Result<HomeLock, HomeError> {
        HomeLock::acquire(&self.path)
    }

    /// Takes the right to be the one host of this home, until the lock is dropped.
    ///
    /// # Errors
    /// [`HomeErrorKind::Busy`] with the number of the process that is the host already, [`HomeErrorKind::Io`].
    pub fn lock_for_serving(&self) -> Result<ServeLock, HomeError> {
        ServeLock::acquire(&self.path)
    }

    /// The desktop as programs of this home share it.
    #[must_use]
    pub fn screen(&self) -> Screen {
        Screen::new(self.path.join("screen.lock"))
    }

    /// The secret keys of this machine, created on first use.
    ///
    /// # Errors
    /// [`HomeErrorKind::Corrupt`] for a key file of the wrong length, which is left as it is;
    /// [`HomeErrorKind::Busy`] when another process keeps the [`HomeLock`] for five seconds, [`HomeErrorKind::Io`].
    pub fn identity(&self) -> Result<Identity, HomeError> {
        Identity::load_or_create(&self.path)
    }

    /// Gives this machine new keys and keeps the ones that it had, so that paired machines can follow. Those of
    /// [`FORMER_KEYS`](opendesk_core::limits::FORMER_KEYS) changes are kept.
    ///
    /// # Errors
    /// As [`identity`](Self::identity). What was begun is finished by whoever asks for the identity next.
    pub fn rotate_identity(&self) -> Result<Identity, HomeError> {
        Identity::rotate(&self.path)
    }

    /// Forgets the keys that this machine had before, and gives how many pairs there were. Paired machines that have
    /// not followed by then must be paired again.
    ///
    /// # Errors
    /// As [`identity`](Self::identity).
    pub fn forget_former_keys(&self) -> Result<usize, HomeError> {
        Identity::forget_former(&self.path)
    }
}

fn write(home: &Path, name: &str, bytes: &[u8]) -> Result<(), HomeError> {
    let path = home.join(name);
    file::write_atomic(&path, bytes).map_err(|error| HomeError::io("write", &path, &error))
}

fn remove(home: &Path, name: &str) -> Result<bool, HomeError> {
    let path = home.join(name);
    file::remove(&path).map_err(|error| HomeError::io("remove", &path, &error))
}

fn chosen(path: Option<PathBuf>) -> Result<PathBuf, HomeError> {
    choose(path, std::env::var_os("OPENDESK_HOME"), std::env::var_os(platform::USER_FOLDER))
}

fn choose(
    explicit: Option<PathBuf>,
    opendesk_home: Option<OsString>,
    user_home: Option<OsString>,
) -> Result<PathBuf, HomeError> {
    let given = |value: &OsString| !value.is_empty();
    if let Some(path) = explicit.or_else(|| opendesk_home.filter(given).map(PathBuf::from)) {
        return Ok(path);
    }
    user_home.filter(given).map(|home| PathBuf::from(home).join(".opendesk")).ok_or_else(|| {
        HomeError::new(HomeErrorKind::Invalid, "there is no home directory: set HOME, set OPENDESK_HOME or give --home")
    })
}

/// Takes the access of group and others away from an existing directory, but only from one that is ours to close:
/// `--home /tmp` must not lock everybody out of it.
fn close_to_others(path: &Path, metadata: &Metadata) -> Result<(), HomeError> {
    if platform::is_private(metadata) {
        return Ok(());
    }
    let owner = Owner::of(metadata);
    if !owner.is_me() {
        return Err(foreign(path, &format!("can be entered by others and belongs to {owner}")));
    }
    let mut entries = fs::read_dir(path).map_err(|error| HomeError::io("list", path, &error))?;
    let is_ours = entries.next().is_none() || MARKS.iter().any(|mark| fs::symlink_metadata(path.join(mark)).is_ok());
    if !is_ours {
        return Err(foreign(path, "can be entered by others and holds files that are not opendesk's"));
    }
    platform::make_private(path).map_err(|error| HomeError::io("take other users' access away from", path, &error))
}

fn foreign(path: &Path, why: &str) -> HomeError {
    HomeError::new(HomeErrorKind::Foreign, format!("{} {why}; give another --home", shown(path)))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn the_nearest_setting_wins() {
        let set = |text: &str| Some(OsString::from(text));
        let path = |text: &str| PathBuf::from(text);
        assert_eq!(choose(Some(path("/a")), set("/b"), set("/c")), Ok(path("/a")));
        assert_eq!(choose(None, set("/b"), set("/c")), Ok(path("/b")));
        assert_eq!(choose(None, set(""), set("/c")), Ok(path("/c/.opendesk")));
        assert_eq!(choose(None, None, set("/c")), Ok(path("/c/.opendesk")));
        for nothing in [None, set("")] {
            assert_eq!(choose(None, None, nothing).unwrap_err().kind(), HomeErrorKind::Invalid);
        }
    }

    #[test]
    fn a_new_home_is_private_and_so_are_its_new_parents() {
        let root = tempfile::tempdir().unwrap();
        let home = Home::open(Some(root.path().join("a/b"))).unwrap();
        assert_eq!(mode(home.path()), 0o700);
        assert_eq!(mode(&root.path().join("a")), 0o700);
        assert_eq!(home.admin_socket(), root.path().join("a/b/admin.sock"));
        assert_eq!(home.audit_dir(), root.path().join("a/b/audit"));
        assert_eq!(Home::open(Some(root.path().join("a/b"))).unwrap(), home);
    }

    #[test]
    fn an_open_home_is_closed_when_it_is_ours() {
        let root = tempfile::tempdir().unwrap();
        for (name, content) in [("empty", None), ("used", Some("identity.key"))] {
            let path = root.path().join(name);
            fs::create_dir(&path).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            if let Some(content) = content {
                fs::write(path.join(content), [1_u8; 32]).unwrap();
            }
            Home::open(Some(path.clone())).unwrap();
            assert_eq!(mode(&path), 0o700, "{name}");
        }
    }

    #[test]
    fn other_places_are_refused_and_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        fs::write(&file, "mine").unwrap();
        assert_eq!(Home::open(Some(file.clone())).unwrap_err().kind(), HomeErrorKind::Foreign);
        assert_eq!(fs::read(&file).unwrap(), b"mine");
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let error = Home::open(Some(root.path().to_owned())).unwrap_err();
        assert_eq!(error.kind(), HomeErrorKind::Foreign);
        assert_eq!(error.to_string().lines().count(), 1);
        assert_eq!(mode(root.path()), 0o755);
    }

    #[test]
    fn an_open_home_of_somebody_else_is_refused() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("theirs");
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        std::os::unix::fs::chown(&path, Some(12345), None).unwrap();
        let error = Home::open(Some(path.clone())).unwrap_err();
        assert_eq!(error.kind(), HomeErrorKind::Foreign);
        assert!(error.to_string().contains("belongs to user 12345"), "{error}");
        assert_eq!(mode(&path), 0o755);
    }

    #[test]
    fn the_description_is_what_the_owner_wrote_last() {
        let root = tempfile::tempdir().unwrap();
        let home = Home::open(Some(root.path().join("home"))).unwrap();
        assert_eq!(home.description(), "");
        home.write("description.txt", "the büro PC\nunder the desk\n".as_bytes()).unwrap();
        assert_eq!(home.description(), "the büro PC under the desk");
        home.write("description.txt", &[b'x'; MAX_DESCRIPTION + 1]).unwrap();
        assert_eq!(home.description(), "");
    }

    #[test]
    fn a_description_is_set_cleared_and_never_cut() {
        let root = tempfile::tempdir().unwrap();
        let home = Home::open(Some(root.path().join("home"))).unwrap();
        home.set_description("the büro PC\nunder the desk\u{1b}").unwrap();
        assert_eq!(home.description(), "the büro PC under the desk");
        let written = fs::read_to_string(home.path().join("description.txt")).unwrap();
        assert_eq!(written, "the büro PC under the desk\n", "as version 1 peers write it");
        let error = home.set_description(&"x".repeat(1025)).unwrap_err();
        assert_eq!(error.kind(), HomeErrorKind::Invalid);
        assert_eq!(home.description(), "the büro PC under the desk");
        for nothing in [" \n", ""] {
            home.set_description(nothing).unwrap();
            assert!(!home.path().join("description.txt").exists());
            home.write("description.txt", b"again\n").unwrap();
        }
    }

    #[test]
    fn files_are_read_written_and_removed() {
        let root = tempfile::tempdir().unwrap();
        let home = Home::open(Some(root.path().join("home"))).unwrap();
        assert_eq!(home.read("description.txt", 10).unwrap(), None);
        home.write("description.txt", b"text\n").unwrap();
        assert_eq!(home.read("description.txt", 10).unwrap().as_deref(), Some(&b"text\n"[..]));
        let error = home.read("description.txt", 4).unwrap_err();
        assert!(error.to_string().contains("description.txt: it is longer than 4 bytes"), "{error}");
        assert!(home.remove("description.txt").unwrap());
        assert!(!home.remove("description.txt").unwrap());
    }
}
