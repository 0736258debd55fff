//! Which hosts are there, out of what is heard of them.

use std::collections::BTreeMap;

use opendesk_core::PublicKey;

use super::browse::Sighting;
use super::record::{Found, label};
use crate::home::plain_text;

/// Hosts that are remembered. When there are more, the half of them is forgotten that was heard of longest ago.
pub(super) const HOSTS: usize = 1024;

/// The hosts that were seen and have not gone. One name may be used by several keys: whoever takes the name of a host
/// does not take its place.
#[derive(Debug, Default)]
pub(super) struct Seen {
    hosts: BTreeMap<(String, PublicKey), Host>,
    /// Counts what was heard.
    heard: u64,
    /// All that was heard before this is to be heard anew.
    since: u64,
    /// Whether hosts were forgotten that may still be there.
    is_partial: bool,
}

#[derive(Debug)]
struct Host {
    found: Found,
    /// When it was last heard of.
    heard: u64,
}

impl Seen {
    /// A host was heard of; what there is to tell, if it was not known to be so.
    pub(super) fn see(&mut self, fullname: &str, found: Found) -> Option<Sighting> {
        self.heard += 1;
        let heard = self.heard;
        let place = (fullname.to_ascii_lowercase(), found.key);
        if let Some(host) = self.hosts.get_mut(&place) {
            host.heard = heard;
            if host.found == found {
                return None;
            }
            host.found = found.clone();
            return Some(Sighting::Seen(found));
        }
        if self.hosts.len() >= HOSTS {
            let mut heard: Vec<u64> = self.hosts.values().map(|host| host.heard).collect();
            let (_, middle, _) = heard.select_nth_unstable(HOSTS / 2);
            let middle = *middle;
            self.hosts.retain(|_, host| host.heard >= middle);
            self.is_partial = true;
        }
        self.hosts.insert(place, Host { found: found.clone(), heard });
        Some(Sighting::Seen(found))
    }

    /// Nothing is called so any more.
    pub(super) fn lose(&mut self, fullname: &str) -> Vec<Sighting> {
        let Some(name) = label(fullname).map(plain_text) else { return Vec::new() };
        let fullname = fullname.to_ascii_lowercase();
        let gone: Vec<_> = self.hosts.extract_if(.., |(name, _), _| *name == fullname).collect();
        if gone.is_empty() && self.is_partial {
            return vec![Sighting::Gone { name, key: None }];
        }
        gone.into_iter().map(|((_, key), _)| Sighting::Gone { name: name.clone(), key: Some(key) }).collect()
    }

    /// From now on everything is heard anew.
    pub(super) const fn begin_anew(&mut self) {
        self.since = self.heard + 1;
    }

    /// Whoever has not been heard of since [`begin_anew`](Self::begin_anew) has gone.
    pub(super) fn forget_unheard(&mut self) -> Vec<Sighting> {
        let since = self.since;
        let gone = self.hosts.extract_if(.., |_, host| host.heard < since);
        gone.map(|((_, key), host)| Sighting::Gone { name: host.found.name, key: Some(key) }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u16) -> PublicKey {
        let [high, low] = number.to_be_bytes();
        PublicKey(core::array::from_fn(|index| [high, low].get(index).copied().unwrap_or_default()))
    }

    fn found(name: &str, number: u16) -> Found {
        Found {
            key: key(number),
            name: name.to_owned(),
            description: String::new(),
            addresses: vec![([192, 0, 2, 1], 8423).into()],
            wire: 2,
        }
    }

    fn full(name: &str) -> String {
        format!("{name}._opendesk._tcp.local.")
    }

    fn see(seen: &mut Seen, name: &str, number: u16) -> bool {
        seen.see(&full(name), found(name, number)).is_some()
    }

    fn gone(name: &str, number: u16) -> Sighting {
        Sighting::Gone { name: name.to_owned(), key: Some(key(number)) }
    }

    #[test]
    fn only_what_is_new_is_told() {
        let mut seen = Seen::default();
        assert!(see(&mut seen, "pc", 1) && !see(&mut seen, "pc", 1));
        let described = Found { description: "the PC".to_owned(), ..found("pc", 1) };
        assert_eq!(seen.see(&full("PC"), described.clone()), Some(Sighting::Seen(described)));
        assert_eq!(seen.lose(&full("Pc")), [gone("Pc", 1)]);
        assert_eq!(seen.lose(&full("pc")), [], "it has gone already");
        assert!(see(&mut seen, "pc", 1));
        assert_eq!(seen.lose("pc.local."), [], "no host is called so");
    }

    #[test]
    fn who_takes_the_name_of_a_host_does_not_take_its_place() {
        let mut seen = Seen::default();
        assert!(see(&mut seen, "pc", 1) && see(&mut seen, "pc", 2));
        assert!(!see(&mut seen, "pc", 1) && !see(&mut seen, "pc", 2));
        assert_eq!(seen.lose(&full("pc")), [gone("pc", 1), gone("pc", 2)]);
    }

    #[test]
    fn of_a_flood_no_more_is_kept_than_there_is_room_for_and_what_is_heard_stays() {
        let mut seen = Seen::default();
        assert!(see(&mut seen, "pc", 0));
        for number in 1..10_000 {
            assert!(see(&mut seen, "flood", number));
            assert!(seen.hosts.len() <= HOSTS);
            assert!(!see(&mut seen, "pc", 0), "{number}");
        }
        // Whoever was forgotten goes without it being known who that was.
        assert_eq!(seen.lose(&full("other")), [Sighting::Gone { name: "other".to_owned(), key: None }]);
    }

    #[test]
    fn who_is_not_heard_of_anew_has_gone() {
        let mut seen = Seen::default();
        assert!(see(&mut seen, "a", 1) && see(&mut seen, "b", 2));
        assert_eq!(seen.forget_unheard(), []);
        seen.begin_anew();
        assert!(!see(&mut seen, "b", 2));
        assert_eq!(seen.forget_unheard(), [gone("a", 1)]);
        assert!(see(&mut seen, "a", 1));
    }
}
