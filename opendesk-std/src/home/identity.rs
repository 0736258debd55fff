//! The secret keys that make this machine itself, and those by which it was known before.
//!
//! `identity.key` and `identity.ed25519` hold 32 bytes each. `identity.former` holds 64 bytes (X25519 secret, Ed25519
//! seed) for each former pair, the oldest first. While the keys are being changed, `identity.next` holds what the other
//! three are to become, in the same form with the new pair at its end; whoever finds it finishes the change.

use core::fmt;
use std::path::Path;

use opendesk_core::limits::FORMER_KEYS;
use opendesk_core::{Keys, SigningKey, StaticKey, Succession};

use super::error::{HomeError, HomeErrorKind, shown};
use super::file::{create_atomic, read_private};
use super::lock::HomeLock;
use super::{remove, write};
use crate::platform;

const STATIC_SECRET: &str = "identity.key";
const SIGNING_SEED: &str = "identity.ed25519";
const FORMER: &str = "identity.former";
const NEXT: &str = "identity.next";

/// The keys of this machine. Whoever has their secrets can pass for it towards every paired machine.
#[derive(Clone)]
pub struct Identity {
    /// Those that it has.
    pub keys: Keys,
    /// Those that it had and still answers to, the oldest first.
    pub former: Vec<Keys>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("keys", &self.keys).finish_non_exhaustive()
    }
}

/// An X25519 secret, unclamped, and an Ed25519 seed.
type Pair = [[u8; 32]; 2];

/// What the files hold.
struct Pairs {
    current: Pair,
    /// The oldest first.
    former: Vec<Pair>,
}

impl Identity {
    /// Reads the keys from `home`, creating at random what is not there. Two processes that do so at once end up with
    /// the same keys.
    pub(super) fn load_or_create(home: &Path) -> Result<Self, HomeError> {
        // The keys belong together: nobody changes them meanwhile. Where nothing can be written, nothing is changed.
        let lock = HomeLock::acquire(home).map(Some).or_else(|error| match error.kind() {
            HomeErrorKind::Io => Ok(None),
            _ => Err(error),
        })?;
        let pairs = pairs(home)?;
        drop(lock);
        Ok(Self::of(pairs))
    }

    fn of(Pairs { current, former }: Pairs) -> Self {
        Self { keys: keys(current), former: former.into_iter().map(keys).collect() }
    }

    /// Makes new keys; the ones that were become former ones, of which the oldest is forgotten when there are too many.
    pub(super) fn rotate(home: &Path) -> Result<Self, HomeError> {
        let _lock = HomeLock::acquire(home)?;
        let Pairs { current, mut former } = pairs(home)?;
        former.push(current);
        former.drain(..former.len().saturating_sub(FORMER_KEYS));
        let next = Pairs { current: [random(home, STATIC_SECRET)?, random(home, SIGNING_SEED)?], former };
        write(home, NEXT, &[next.former.as_flattened(), &next.current].concat().concat())?;
        carry_over(home, &next)?;
        Ok(Self::of(next))
    }

    /// Forgets the former keys; gives how many there were.
    pub(super) fn forget_former(home: &Path) -> Result<usize, HomeError> {
        let _lock = HomeLock::acquire(home)?;
        let former = pairs(home)?.former;
        remove(home, FORMER)?;
        Ok(former.len())
    }

    /// What tells those who know this machine by former keys which ones it has now, the oldest first.
    #[must_use]
    pub fn successions(&self) -> Vec<Succession> {
        let successors = self.former.iter().skip(1).chain([&self.keys]);
        self.former.iter().zip(successors).map(|(former, successor)| Succession::sign(former, successor)).collect()
    }
}

fn keys([static_secret, signing_seed]: Pair) -> Keys {
    Keys { static_key: StaticKey::new(static_secret), signing_key: SigningKey::new(signing_seed) }
}

/// What the files hold, created at random where it is not there. A change that was begun is finished first.
fn pairs(home: &Path) -> Result<Pairs, HomeError> {
    if let Some(mut former) = read_pairs(home, NEXT)? {
        let current = former.pop().ok_or_else(|| HomeError::corrupt(&home.join(NEXT), format_args!("is empty")))?;
        let next = Pairs { current, former };
        carry_over(home, &next)?;
        return Ok(next);
    }
    let current = [key(home, STATIC_SECRET)?, key(home, SIGNING_SEED)?];
    Ok(Pairs { current, former: read_pairs(home, FORMER)?.unwrap_or_default() })
}

/// Makes the other files what `identity.next` says. Doing it twice, or after a part of it was done, gives the same.
fn carry_over(home: &Path, next: &Pairs) -> Result<(), HomeError> {
    let [static_secret, signing_seed] = &next.current;
    write(home, FORMER, &next.former.as_flattened().concat())?;
    write(home, STATIC_SECRET, static_secret)?;
    write(home, SIGNING_SEED, signing_seed)?;
    remove(home, NEXT).map(drop)
}

fn random(home: &Path, name: &str) -> Result<[u8; 32], HomeError> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|error| {
        let path = home.join(name);
        HomeError::new(HomeErrorKind::Io, format!("cannot create {}: no random numbers: {error}", shown(&path)))
    })?;
    Ok(key)
}

fn key(home: &Path, name: &str) -> Result<[u8; 32], HomeError> {
    let path = home.join(name);
    if let Some(key) = read_key(&path)? {
        return Ok(key);
    }
    let key = random(home, name)?;
    if create_atomic(&path, &key).map_err(|error| HomeError::io("create", &path, &error))? {
        return Ok(key);
    }
    // A version 1 peer takes no lock; its key was there first.
    read_key(&path)?.ok_or_else(|| {
        HomeError::new(HomeErrorKind::Busy, format!("{} comes and goes; another program uses this home", shown(&path)))
    })
}

/// The bytes of a file, which becomes private if it was not; `None` when there is no file.
fn read(path: &Path) -> Result<Option<Vec<u8>>, HomeError> {
    let bytes = read_private(path, 4096).map_err(|error| HomeError::io("read", path, &error))?;
    if bytes.is_some() {
        platform::make_private(path)
            .map_err(|error| HomeError::io("take other users' access away from", path, &error))?;
    }
    Ok(bytes)
}

fn read_key(path: &Path) -> Result<Option<[u8; 32]>, HomeError> {
    let Some(bytes) = read(path)? else { return Ok(None) };
    let key = <[u8; 32]>::try_from(bytes.as_slice())
        .map_err(|_| HomeError::corrupt(path, format_args!("holds {} bytes instead of a 32-byte key", bytes.len())))?;
    Ok(Some(key))
}

fn read_pairs(home: &Path, name: &str) -> Result<Option<Vec<Pair>>, HomeError> {
    let path = home.join(name);
    let Some(bytes) = read(&path)? else { return Ok(None) };
    let (keys, rest) = bytes.as_chunks::<32>();
    let (pairs, odd) = keys.as_chunks::<2>();
    if !rest.is_empty() || !odd.is_empty() || pairs.len() > FORMER_KEYS + 1 {
        let what = format_args!("holds {} bytes instead of at most {} pairs of keys", bytes.len(), FORMER_KEYS + 1);
        return Err(HomeError::corrupt(&path, what));
    }
    Ok(Some(pairs.to_vec()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use opendesk_core::PublicKeys;

    use super::*;

    fn public(identity: &Identity) -> PublicKeys {
        identity.keys.public()
    }

    #[test]
    fn keys_are_made_once_and_are_private() {
        let home = tempfile::tempdir().unwrap();
        let first = Identity::load_or_create(home.path()).unwrap();
        let again = Identity::load_or_create(home.path()).unwrap();
        assert_eq!(public(&first), public(&again));
        let on_disk = [STATIC_SECRET, SIGNING_SEED].map(|name| read_key(&home.path().join(name)).unwrap().unwrap());
        assert_eq!(keys(on_disk).public(), public(&first));
        assert_ne!(on_disk[0], on_disk[1]);
        assert!(first.former.is_empty() && first.successions().is_empty());
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
            assert_eq!(public(identity), public(&identities[0]));
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
        let identity = Identity::load_or_create(home.path()).unwrap();
        assert_eq!(identity.keys.static_key.public(), StaticKey::new([9; 32]).public());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn secrets_are_not_printed() {
        let identity = Identity { keys: keys([[0x5a; 32], [0x5b; 32]]), former: vec![keys([[0x5c; 32], [0x5d; 32]])] };
        let printed = format!("{identity:?}").to_lowercase();
        for secret in ["5a", "90", "5b5b", "91, 91", "5c5c"] {
            assert!(!printed.contains(secret), "{printed}");
        }
    }

    #[test]
    fn new_keys_come_with_a_chain_from_the_former_ones() {
        let home = tempfile::tempdir().unwrap();
        let mut known = vec![public(&Identity::load_or_create(home.path()).unwrap())];
        for round in 1..=FORMER_KEYS + 2 {
            let rotated = Identity::rotate(home.path()).unwrap();
            let loaded = Identity::load_or_create(home.path()).unwrap();
            assert_eq!(public(&rotated), public(&loaded));
            assert_eq!(loaded.former.len(), round.min(FORMER_KEYS));
            let forgotten = known.len() - loaded.former.len();
            for (index, keys) in known.iter().enumerate() {
                let reached = opendesk_core::follow(&loaded.successions(), *keys);
                assert_eq!(reached, (index >= forgotten).then(|| public(&loaded)), "round {round}, keys {index}");
            }
            assert!(!known.contains(&public(&loaded)));
            known.push(public(&loaded));
        }
        for name in [STATIC_SECRET, SIGNING_SEED, FORMER] {
            assert_eq!(fs::metadata(home.path().join(name)).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
        }
        assert_eq!(Identity::forget_former(home.path()).unwrap(), FORMER_KEYS);
        let left = Identity::load_or_create(home.path()).unwrap();
        assert!(left.former.is_empty());
        assert_eq!(Some(&public(&left)), known.last());
        assert_eq!(Identity::forget_former(home.path()).unwrap(), 0);
    }

    #[test]
    fn a_change_that_was_interrupted_is_finished() {
        let home = tempfile::tempdir().unwrap();
        let pairs: [Pair; 3] = [1, 3, 5].map(|byte| [[byte; 32], [byte + 1; 32]]);
        let next = pairs.as_flattened().concat();
        // Each of them is what the disk holds after a crash between two steps.
        let steps: [(&str, Vec<u8>); 4] = [
            (NEXT, next),
            (FORMER, pairs[..2].as_flattened().concat()),
            (STATIC_SECRET, pairs[2][0].to_vec()),
            (SIGNING_SEED, pairs[2][1].to_vec()),
        ];
        for crash_after in 1..=steps.len() {
            for (name, old) in [
                (STATIC_SECRET, pairs[1][0].to_vec()),
                (SIGNING_SEED, pairs[1][1].to_vec()),
                (FORMER, pairs[..1].as_flattened().concat()),
            ] {
                fs::write(home.path().join(name), old).unwrap();
            }
            for (name, new) in &steps[..crash_after] {
                fs::write(home.path().join(name), new).unwrap();
            }
            let identity = Identity::load_or_create(home.path()).unwrap();
            assert_eq!(public(&identity), keys(pairs[2]).public(), "after step {crash_after}");
            let former: Vec<_> = identity.former.iter().map(Keys::public).collect();
            assert_eq!(former, [keys(pairs[0]).public(), keys(pairs[1]).public()]);
            assert!(!home.path().join(NEXT).exists());
        }
    }

    #[test]
    fn damaged_former_keys_are_refused_and_kept() {
        let home = tempfile::tempdir().unwrap();
        for (name, length) in [(FORMER, 1), (FORMER, 32), (FORMER, 64 * 6), (NEXT, 63), (NEXT, 0)] {
            let path = home.path().join(name);
            fs::write(&path, vec![7_u8; length]).unwrap();
            let errors =
                [Identity::load_or_create(home.path()).unwrap_err(), Identity::rotate(home.path()).unwrap_err()];
            for error in errors {
                assert_eq!(error.kind(), HomeErrorKind::Corrupt, "{name} of {length}");
                assert!(error.to_string().contains(name), "{error}");
            }
            assert_eq!(fs::read(&path).unwrap(), vec![7; length]);
            fs::remove_file(&path).unwrap();
        }
    }
}
