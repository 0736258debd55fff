//! The machines that a session has reached, and where others were said to be.

use std::collections::BTreeMap;

use opendesk_core::PublicKey;

use crate::api::{Error, ErrorCode, Result};
use crate::client::{LinkState, Place, Remote, Whom};

/// Links beyond this many take the place of those that are none.
const MANY_LINKS: usize = 64;

/// More than this many there are not.
const MOST_LINKS: usize = 1024;

/// Places beyond this many take that of the oldest: nothing keeps an agent from making them up.
const MOST_PLACES: usize = 1024;

/// Links by the names of their machines. A name may come to mean another machine, so each is kept with its key.
#[derive(Default)]
pub(super) struct Links {
    open: BTreeMap<String, Link>,
    places: BTreeMap<String, Said>,
    /// How often somebody said where a machine is.
    said: u64,
}

struct Link {
    remote: Remote,
    key: PublicKey,
    /// The place that it was opened for, or that was named while it was open.
    place: Option<Place>,
}

struct Said {
    place: Place,
    number: u64,
}

impl Links {
    /// A machine is to be sought at a place besides the one that is remembered. Nothing else comes of it until the machine
    /// is called: that may not be allowed.
    pub(super) fn say(&mut self, name: &str, place: Place) {
        self.said += 1;
        self.places.insert(name.to_owned(), Said { place, number: self.said });
        while self.places.len() > MOST_PLACES {
            let unused = self.places.iter().filter(|(name, _)| !self.open.contains_key(*name));
            let Some(oldest) = unused.min_by_key(|(_, said)| said.number).map(|(name, _)| name.clone()) else { return };
            self.places.remove(&oldest);
        }
    }

    /// The key of a machine whose place was said.
    pub(super) fn said_key(&self, name: &str) -> Option<PublicKey> {
        self.places.get(name).map(|said| said.place.key)
    }

    /// Who has opened a link by this name.
    pub(super) fn get(&self, name: &str) -> Option<&Remote> {
        self.open.get(name).map(|link| &link.remote)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&String, &Remote)> {
        self.open.iter().map(|(name, link)| (name, &link.remote))
    }

    /// The link to the machine with this key, which is what the name means now.
    ///
    /// # Errors
    /// [`ErrorCode::LimitExceeded`] for one of too many.
    pub(super) fn reach(&mut self, name: &str, key: PublicKey, open: impl FnOnce(Whom) -> Remote) -> Result<Remote> {
        if self.said_key(name).is_some_and(|said| said != key) {
            self.places.remove(name);
        }
        let place = self.places.get(name).map(|said| said.place.clone());
        if let Some(link) = self.open.get_mut(name).filter(|link| link.key == key) {
            let is_settled = match link.remote.state() {
                // The key has answered, or the machine's owner wants nothing of this session.
                LinkState::Connected { .. } | LinkState::Evicted { .. } => true,
                _ => place.is_none() || link.place == place,
            };
            if is_settled {
                link.place = place;
                return Ok(link.remote.clone());
            }
        }
        self.forget(name);
        self.make_room();
        if self.open.len() >= MOST_LINKS {
            let why = format!("{MOST_LINKS} machines are in use in this session; end one with opendesk_disconnect");
            return Err(Error::new(ErrorCode::LimitExceeded, why));
        }
        let whom = place.clone().map_or_else(|| Whom::Peer(name.to_owned()), Whom::At);
        let remote = open(whom);
        self.open.insert(name.to_owned(), Link { remote: remote.clone(), key, place });
        Ok(remote)
    }

    /// Whoever else has the link, as a stream does, is not to go on with it.
    pub(super) fn forget(&mut self, name: &str) {
        if let Some(link) = self.open.remove(name) {
            link.remote.hang_up();
        }
    }

    fn make_room(&mut self) {
        let is_none =
            |link: &Link| matches!(link.remote.state(), LinkState::Unreachable { .. } | LinkState::Untrusted { .. });
        while self.open.len() >= MANY_LINKS {
            let useless = self.open.iter().find(|(_, link)| is_none(link)).map(|(name, _)| name.clone());
            let Some(useless) = useless else { return };
            // There is no session that had to end, and somebody may be about to try once more.
            self.open.remove(&useless);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(number: u32) -> Place {
        let mut key = [0; 32];
        key[..4].copy_from_slice(&number.to_be_bytes());
        Place { host: "box".to_owned(), port: 1, key: PublicKey(key) }
    }

    #[test]
    fn of_places_that_are_only_said_the_oldest_are_forgotten() {
        let mut links = Links::default();
        for number in 0..2000 {
            links.say(&number.to_string(), place(number));
            // It is spoken of all the time.
            links.say("0", place(0));
        }
        assert_eq!(links.places.len(), MOST_PLACES);
        assert_eq!(links.said_key("0"), Some(place(0).key));
        assert_eq!((links.said_key("1"), links.said_key("1999")), (None, Some(place(1999).key)));
    }
}
