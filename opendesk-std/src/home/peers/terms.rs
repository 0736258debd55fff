//! Within which bounds machines are trusted, and for how long.

use super::Peers;
use crate::home::{HomeError, HomeErrorKind, NewPeer, Terms, TrustedPeer};

impl Peers {
    /// Ends the trust in all machines whose time is over, and gives them; `now` in seconds since 1970. It writes only
    /// where there are any. One that this machine [drives](TrustedPeer::is_driven) stays known, and may not drive this
    /// one: what was said was for how long it may.
    ///
    /// # Errors
    /// See [`Peers`].
    pub fn remove_expired(&mut self, now: f64) -> Result<Vec<TrustedPeer>, HomeError> {
        let is_over = |peer: &TrustedPeer| peer.is_expired(now) && !peer.ended;
        if !self.peers.iter().any(is_over) {
            return Ok(Vec::new());
        }
        // Another program may have paired one anew meanwhile, so they are looked for again.
        self.change(|records| {
            let over: Vec<_> = records.peers().into_iter().filter(is_over).collect();
            for peer in &over {
                if peer.is_driven() {
                    records.end(&peer.public_key);
                } else {
                    records.remove(peer);
                }
            }
            Ok(over)
        })
    }
}

/// Within which bounds a machine is trusted once it has been paired, if it is `known` already.
///
/// What was said now counts. Where nothing was said, because this machine came to the other one, that must not lift
/// what was said when the other one came here. A trust that is over counts as removed.
///
/// # Errors
/// [`HomeErrorKind::Invalid`] for an end that is no time: it could not be read again.
pub(super) fn agreed(new: &NewPeer, known: Option<&TrustedPeer>) -> Result<Terms, HomeError> {
    let held = known.filter(|known| !known.is_expired(new.paired_at)).map(TrustedPeer::terms);
    let terms = new.terms.or(held).unwrap_or_default();
    if terms.expires_at.is_some_and(|end| !end.is_finite()) {
        return Err(HomeError::new(
            HomeErrorKind::Invalid,
            "the trust would end at no time; say for how long it lasts",
        ));
    }
    Ok(terms)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::{Value, json};

    use super::*;
    use crate::home::peers::tests::{home, new};
    use crate::home::{Home, Role};

    const LOOKS: Terms = Terms { role: Role::Observe, expires_at: Some(1_770_000_000.0) };

    fn file(home: &Home, name: &str) -> Value {
        let text = fs::read_to_string(home.path().join(name)).expect("a file");
        serde_json::from_str(&text).expect("JSON")
    }

    #[test]
    fn what_was_said_is_kept_beside_the_list_and_read_again() {
        let (home, _root) = home();
        let mut peers = Peers::load(&home).unwrap();
        let added = peers.add(&NewPeer { terms: Some(LOOKS), ..new(1, "a") }).unwrap();
        assert_eq!((added.role, added.expires_at), (Role::Observe, Some(1_770_000_000.0)));
        assert_eq!(Peers::load(&home).unwrap().list(), [added]);
        let kept = json!({"01".repeat(32): {"role": "observe", "expires_at": 1_770_000_000.0}});
        assert_eq!(file(&home, "peers.json"), kept);
        assert_eq!(file(&home, "trusted-peers.json")[0].as_object().unwrap().len(), 7, "nothing new for version 1");
    }

    #[test]
    fn what_is_said_when_a_machine_pairs_again_counts_and_silence_lifts_nothing() {
        let (home, _root) = home();
        let mut peers = Peers::load(&home).unwrap();
        let mut pair = |paired_at, terms| {
            let new = NewPeer { paired_at, terms, ..new(1, "a") };
            peers.add(&new).map(|peer| peer.terms())
        };
        let free = Terms::default();
        assert_eq!(pair(1.0, None), Ok(free));
        assert_eq!(pair(2.0, Some(LOOKS)), Ok(LOOKS));
        assert_eq!(pair(3.0, None), Ok(LOOKS));
        assert_eq!(pair(4.0, Some(free)), Ok(free));
        assert_eq!(pair(5.0, Some(LOOKS)), Ok(LOOKS));
        // As if it had been removed at that moment.
        assert_eq!(pair(1_770_000_000.0, None), Ok(free));
    }

    #[test]
    fn an_end_that_could_not_be_read_again_is_refused_and_nothing_is_written() {
        let (home, _root) = home();
        let mut peers = Peers::load(&home).unwrap();
        for end in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let terms = Some(Terms { expires_at: Some(end), ..LOOKS });
            let error = peers.add(&NewPeer { terms, ..new(1, "a") }).unwrap_err();
            assert_eq!(error.kind(), HomeErrorKind::Invalid);
        }
        assert_eq!(Peers::load(&home).unwrap().list(), []);
    }

    #[test]
    fn those_whose_time_is_over_are_removed_and_no_others() {
        let (home, _root) = home();
        let mut peers = Peers::load(&home).unwrap();
        let until = |end| Some(Terms { expires_at: end, ..Terms::default() });
        for (byte, name, end) in [(1, "a", Some(10.0)), (2, "b", None), (3, "c", Some(30.0)), (4, "d", Some(5.0))] {
            peers.add(&NewPeer { terms: until(end), paired_at: 1.0, ..new(byte, name) }).unwrap();
        }
        peers.set_default(Some(&[4; 32])).unwrap();
        assert_eq!(peers.remove_expired(4.9).unwrap(), []);
        // Another program pairs one of them anew: what this one remembers of it does not count.
        let mut other = Peers::load(&home).unwrap();
        other.add(&NewPeer { terms: until(Some(40.0)), paired_at: 9.0, ..new(1, "a") }).unwrap();
        let removed = peers.remove_expired(20.0).unwrap();
        assert_eq!(removed.iter().map(|peer| peer.name.as_str()).collect::<Vec<_>>(), ["d"]);
        assert_eq!(peers.list().iter().map(|peer| peer.name.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!((peers.default_peer(), file(&home, "peers.json").get("04".repeat(32))), (None, None));
    }

    #[test]
    fn the_end_of_what_a_machine_may_do_here_does_not_end_what_this_one_does_there() {
        let (home, _root) = home();
        let mut peers = Peers::load(&home).unwrap();
        peers.add(&new(1, "desk")).unwrap();
        peers.set_endpoint(&[1; 32], "10.0.0.2", 8423).unwrap();
        peers.set_default(Some(&[1; 32])).unwrap();
        let brief = Terms { role: Role::Observe, expires_at: Some(1_760_000_100.0) };
        peers.add(&NewPeer { terms: Some(brief), ..new(1, "desk") }).unwrap();
        let ended = peers.remove_expired(1_760_000_200.0).unwrap();
        assert_eq!(ended.iter().map(|peer| peer.name.as_str()).collect::<Vec<_>>(), ["desk"]);
        let mut peers = Peers::load(&home).unwrap();
        let desk = peers.default_peer().unwrap().clone();
        assert_eq!((desk.last_host.as_str(), desk.last_port, desk.ended), ("10.0.0.2", 8423, true));
        // Also where the clock is set back.
        assert!(desk.is_expired(1_760_000_050.0));
        assert_eq!(peers.remove_expired(1_760_000_300.0).unwrap(), [], "it is told once");
        // Once it is let in again it may.
        let again = peers.add(&NewPeer { terms: Some(Terms::default()), ..new(1, "desk") }).unwrap();
        assert!(!again.is_expired(f64::MAX) && !again.ended);
    }

    #[test]
    fn a_program_of_version_1_lifts_no_bounds() {
        let (home, _root) = home();
        let mut peers = Peers::load(&home).unwrap();
        peers.add(&NewPeer { terms: Some(LOOKS), ..new(1, "a") }).unwrap();
        // It renames, and with that drops all it does not know and some that it does; it removes; it pairs again.
        for list in [
            json!([{"public_key": "01".repeat(32), "name": "b", "paired_at": 1.0}]),
            json!([]),
            json!([{"public_key": "01".repeat(32), "name": "c", "paired_at": 2.0, "last_port": 0}]),
        ] {
            home.write("trusted-peers.json", list.to_string().as_bytes()).unwrap();
            peers.reload().unwrap();
            peers.set_default(None).unwrap();
        }
        assert_eq!((peers.list()[0].name.as_str(), peers.list()[0].terms()), ("c", LOOKS));
        // Once it is removed here, all is forgotten.
        peers.remove(&[1; 32]).unwrap();
        assert_eq!(file(&home, "peers.json"), json!({}));
    }
}
