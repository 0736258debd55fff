//! The two secret keys that make this machine itself.

use core::fmt;
use std::path::Path;

use super::error::{HomeError, HomeErrorKind, shown};
use super::file::{create_atomic, make_private, read_private};
use super::lock::HomeLock;

const STATIC_SECRET: &str = "identity.key";
const SIGNING_SEED: &str = "identity.ed25519";

/// The long-lived secrets of this machine. Whoever reads them can pass for it towards every paired machine.
#[derive(Clone)]
pub struct Identity {
    /// X25519 secret, unclamped: paired machines know this one by the public key that belongs to it.
    pub static_secret: [u8; 32],
    /// Ed25519 seed: signs what must be provable later.
    pub signing_seed: [u8; 32],
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

impl Identity {
    /// Reads both keys from `home`, creating at random what is not there. Two processes that do so at once end up
    /// with the same keys.
    pub(super) fn load_or_create(home: &Path) -> Result<Self, HomeError> {
        Ok(Self { static_secret: key(home, STATIC_SECRET)?, signing_seed: key(home, SIGNING_SEED)? })
    }
}

fn key(home: &Path, name: &str) -> Result<[u8; 32], HomeError> {
    let path = home.join(name);
    if let Some(key) = read(&path)? {
        return Ok(key);
    }
    let _lock = HomeLock::acquire(home)?;
    if let Some(key) = read(&path)? {
        return Ok(key);
    }
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|error| {
        HomeError::new(HomeErrorKind::Io, format!("cannot create {}: no random numbers: {error}", shown(&path)))
    })?;
    if create_atomic(&path, &key).map_err(|error| HomeError::io("create", &path, &error))? {
        return Ok(key);
    }
    // A version 1 peer takes no lock; its key was there first.
    read(&path)?.ok_or_else(|| {
        HomeError::new(HomeErrorKind::Busy, format!("{} comes and goes; another program uses this home", shown(&path)))
    })
}

/// The key of a file, which becomes private if it was not; `None` when there is no file.
fn read(path: &Path) -> Result<Option<[u8; 32]>, HomeError> {
    let Some(bytes) = read_private(path, 4096).map_err(|error| HomeError::io("read", path, &error))? else {
        return Ok(None);
    };
    let key = <[u8; 32]>::try_from(bytes.as_slice())
        .map_err(|_| HomeError::corrupt(path, format_args!("holds {} bytes instead of a 32-byte key", bytes.len())))?;
    make_private(path).map_err(|error| HomeError::io("take other users' access away from", path, &error))?;
    Ok(Some(key))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn keys_are_made_once_and_are_private() {
        let home = tempfile::tempdir().unwrap();
        let first = Identity::load_or_create(home.path()).unwrap();
        let again = Identity::load_or_create(home.path()).unwrap();
        assert_eq!(first.static_secret, again.static_secret);
        assert_eq!(first.signing_seed, again.signing_seed);
        assert_ne!(first.static_secret, first.signing_seed);
        assert_eq!(fs::read(home.path().join("identity.key")).unwrap(), first.static_secret);
        assert_eq!(fs::read(home.path().join("identity.ed25519")).unwrap(), first.signing_seed);
        for name in [STATIC_SECRET, SIGNING_SEED] {
            assert_eq!(fs::metadata(home.path().join(name)).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn all_who_create_at_once_get_the_same_keys() {
        let home = tempfile::tempdir().unwrap();
        let identities: Vec<Identity> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..8).map(|_| scope.spawn(|| Identity::load_or_create(home.path()).unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for identity in &identities {
            assert_eq!(identity.static_secret, identities[0].static_secret);
            assert_eq!(identity.signing_seed, identities[0].signing_seed);
        }
    }

    #[test]
    fn a_key_of_another_length_is_refused_and_kept() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("identity.key");
        for length in [0, 31, 33, 5000] {
            fs::write(&path, vec![7_u8; length]).unwrap();
            let error = Identity::load_or_create(home.path()).unwrap_err();
            assert!(error.to_string().contains("identity.key"), "{error}");
            assert_eq!(fs::read(&path).unwrap(), vec![7; length]);
        }
        fs::write(&path, [7_u8; 31]).unwrap();
        let error = Identity::load_or_create(home.path()).unwrap_err();
        assert_eq!(error.kind(), HomeErrorKind::Corrupt);
        assert!(
            error.to_string().contains("holds 31 bytes instead of a 32-byte key; it was left untouched"),
            "{error}"
        );
    }

    #[test]
    fn an_existing_key_becomes_private() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("identity.key");
        fs::write(&path, [9_u8; 32]).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(Identity::load_or_create(home.path()).unwrap().static_secret, [9; 32]);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn secrets_are_not_printed() {
        let identity = Identity { static_secret: [0x5a; 32], signing_seed: [0x5b; 32] };
        assert_eq!(format!("{identity:?}"), "Identity { .. }");
    }
}
