//! One task at a time on a desktop: the scheduler and whoever runs a task by hand are processes that do not know each other.

use std::fs::File;

use super::store::Machine;
use crate::client::Whom;
use crate::home::{Attempt, Home, HomeError, hex, try_exclusive};

/// The right to be the one that does a task on a desktop. The system takes it back when its process ends.
#[derive(Debug)]
pub(crate) struct Hands {
    /// Open for as long as the right is ours; none for a task of no desktop.
    _file: Option<File>,
}

impl Hands {
    /// Takes the right without waiting; `None` while somebody else of this home does a task there.
    ///
    /// # Errors
    /// [`HomeErrorKind::Io`](crate::home::HomeErrorKind::Io).
    pub(crate) fn take(home: &Home, machine: &Machine) -> Result<Option<Self>, HomeError> {
        let Some(place) = place(machine) else { return Ok(Some(Self { _file: None })) };
        let path = home.path().join(format!("schedule-{place}.lock"));
        match try_exclusive(&path).map_err(|error| HomeError::io("lock", &path, &error))? {
            Attempt::Held(file) => Ok(Some(Self { _file: Some(file) })),
            Attempt::Busy(_) => Ok(None),
        }
    }
}

/// A desktop by its key, whatever it was called and wherever it was said to be; `None` for a task of no desktop.
pub(super) fn place(machine: &Machine) -> Option<String> {
    match machine {
        Machine::None => None,
        Machine::Local => Some("local".to_owned()),
        // One that has no key is in no file; all such are taken for one, so that nothing is done twice at once.
        Machine::Peer { at, .. } => Some(key(at).map_or_else(|| "unknown".to_owned(), |key| hex::encode(&key))),
    }
}

/// The key of a machine that is named by it, with its place or without.
fn key(at: &str) -> Option<[u8; 32]> {
    match at.parse() {
        Ok(Whom::At(place)) => Some(place.key.0),
        _ => hex::decode_key(at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::store::tests::home;

    fn peer(name: &str, at: String) -> Machine {
        Machine::Peer { name: name.to_owned(), at }
    }

    #[test]
    fn a_desktop_is_one_however_it_is_named() {
        let key = "0a".repeat(32);
        let by_key = place(&peer("desk", key.clone()));
        assert_eq!(by_key, Some(key.clone()));
        for at in [key.to_uppercase(), format!("ws://box:1#{key}"), format!("ws://[::1]:2#{key}")] {
            assert_eq!(place(&peer("0a0a:0a0a:0a0a:0a0a", at)), by_key);
        }
        assert_ne!(place(&peer("desk", "08".repeat(32))), by_key);
        assert_ne!(place(&Machine::Local), by_key);
        assert_eq!(place(&Machine::None), None);
    }

    #[test]
    fn a_desktop_has_one_pair_of_hands_and_no_desktop_needs_none() {
        let (_folder, home) = home();
        let key = "0a".repeat(32);
        let place = peer("x", format!("ws://box:1#{key}"));
        let held = Hands::take(&home, &peer("desk", key)).unwrap().expect("nobody has them");
        assert!(Hands::take(&home, &place).unwrap().is_none());
        for free in [Machine::Local, Machine::None, Machine::None] {
            assert!(Hands::take(&home, &free).unwrap().is_some());
        }
        drop(held);
        assert!(Hands::take(&home, &place).unwrap().is_some());
    }
}
