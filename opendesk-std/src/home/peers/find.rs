//! The machine that a person means.

use opendesk_core::PublicKey;

use super::Peers;
use crate::home::{HomeError, HomeErrorKind, TrustedPeer, announced_digits, hex, hex_digits, printable};

/// Fewer digits are sooner a slip than the beginning of a fingerprint.
const MIN_DIGITS: usize = 4;

/// Machines that a message names; with more it would be no line any more.
const NAMED: usize = 16;

impl Peers {
    /// The machine that a person has written: by its exact name, its key or the beginning of it, which a
    /// fingerprint is too. Of a key at least four digits are given, in either case, with or without colons. The name
    /// under which a machine announces itself ends with the beginning of its key, which alone counts: whoever announces
    /// that name means nobody by it.
    ///
    /// # Errors
    /// [`HomeErrorKind::Invalid`] when that is no machine or several, with a line that names the ones to choose from.
    pub fn find(&self, text: &str) -> Result<&TrustedPeer, HomeError> {
        let beginning = self.beginning_with(text);
        if let Some(peer) = self.by_name(text) {
            // Whoever pairs chooses their name, and must not stand for another machine by it.
            return match beginning.iter().find(|other| other.public_key != peer.public_key) {
                None => Ok(peer),
                Some(other) => Err(HomeError::new(
                    HomeErrorKind::Invalid,
                    format!(
                        "\"{}\" is the name of one machine and stands for the fingerprint of another: {}; give more of the \
                         fingerprint that you mean",
                        printable(text),
                        named([peer, *other].into_iter())
                    ),
                )),
            };
        }
        match beginning.as_slice() {
            [peer] => Ok(peer),
            [] => Err(HomeError::new(
                HomeErrorKind::Invalid,
                format!(
                    "no paired machine is called \"{}\" or has such a fingerprint{}; {}",
                    printable(text),
                    if is_short(text) { ", of which four digits or more count" } else { "" },
                    if self.peers.is_empty() {
                        "none is paired".to_owned()
                    } else {
                        format!("paired are: {}", named(self.peers.iter()))
                    }
                ),
            )),
            several => Err(HomeError::new(
                HomeErrorKind::Invalid,
                format!(
                    "\"{}\" {} the fingerprints of {}; give more of it",
                    printable(text),
                    if hex_digits(text).is_some() { "begins" } else { "ends as begin" },
                    named(several.iter().copied())
                ),
            )),
        }
    }
}

impl Peers {
    /// The machines whose key begins with these digits, or with those at the end of a name as machines announce it; none
    /// for a text that is neither.
    pub(crate) fn beginning_with(&self, text: &str) -> Vec<&TrustedPeer> {
        let digits = hex_digits(text).filter(|digits| digits.len() >= MIN_DIGITS).or_else(|| announced_digits(text));
        let begins = |peer: &&TrustedPeer| {
            digits.as_ref().is_some_and(|digits| hex::encode(&peer.public_key).starts_with(digits))
        };
        self.peers.iter().filter(begins).collect()
    }
}

/// Whether a text could be the beginning of a fingerprint, were it longer.
fn is_short(text: &str) -> bool {
    hex_digits(text).is_some_and(|digits| (1..MIN_DIGITS).contains(&digits.len()))
}

fn named<'a>(peers: impl ExactSizeIterator<Item = &'a TrustedPeer>) -> String {
    let more = peers.len().saturating_sub(NAMED);
    let names = peers.take(NAMED).map(|peer| format!("{} ({:?})", peer.name, PublicKey(peer.public_key)));
    let names = names.collect::<Vec<_>>().join(", ");
    if more == 0 { names } else { format!("{names} and {more} more") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::home::{Home, NewPeer};

    /// A home with machines of these keys and names.
    fn paired(machines: &[([u8; 32], &str)]) -> (Peers, tempfile::TempDir) {
        let root = tempfile::tempdir().expect("a temporary directory");
        let home = Home::open(Some(root.path().join("home"))).expect("a home");
        let mut peers = Peers::load(&home).expect("no files");
        for (public_key, name) in machines {
            let new = NewPeer {
                public_key: *public_key,
                name: (*name).to_owned(),
                paired_at: 0.0,
                signing_key: None,
                wire: 2,
                terms: None,
            };
            peers.add(&new).expect("a new machine");
        }
        (peers, root)
    }

    /// A key that begins with these bytes.
    fn key(beginning: &[u8]) -> [u8; 32] {
        core::array::from_fn(|index| beginning.get(index).copied().unwrap_or(0x77))
    }

    #[test]
    fn a_machine_is_found_by_all_that_is_shown_of_it() {
        let (peers, _root) =
            paired(&[(key(&[0x3f, 0x2a, 0x11, 0xbc, 0, 0, 0xde, 0xad]), "büro"), (key(&[0x3f, 0x2b]), "desk")]);
        let whole = hex::encode(&peers.list()[0].public_key);
        let upper = whole.to_uppercase();
        for text in ["büro", "3f2a", "3F2A", "3f2a:1", "3f2a:11bc:0000:dead", "3f2a11bc0000dead", &whole, &upper] {
            assert_eq!(peers.find(text).map(|peer| peer.name.as_str()), Ok("büro"), "{text}");
        }
        assert_eq!(peers.find("3f2b").map(|peer| peer.name.as_str()), Ok("desk"));
    }

    #[test]
    fn what_means_nobody_is_said_with_those_there_are() {
        let (peers, _root) = paired(&[(key(&[0x3f, 0x2a]), "büro")]);
        let longer = format!("{}00", hex::encode(&peers.list()[0].public_key));
        for text in ["", "BÜRO", "3f2", "3f2a ", "3f2ax", "0000", ":::", "\u{1b}[2J", &longer] {
            let error = peers.find(text).unwrap_err();
            assert_eq!(error.kind(), HomeErrorKind::Invalid, "{text}");
            let line = error.to_string();
            assert!(line.ends_with("; paired are: büro (3f2a:7777:7777:7777)"), "{line}");
            assert!(!line.contains('\u{1b}') && line.lines().count() == 1, "{line}");
        }
        let (nobody, _root) = paired(&[]);
        assert!(nobody.find("3f2a").unwrap_err().to_string().ends_with("; none is paired"));
    }

    #[test]
    fn a_beginning_of_several_fingerprints_is_none_of_them() {
        let (peers, _root) = paired(&[(key(&[0x3f, 0x2a, 1]), "a"), (key(&[0x3f, 0x2a, 2]), "b"), (key(&[0xff]), "c")]);
        let line = peers.find("3f2a").unwrap_err().to_string();
        assert_eq!(
            line,
            "\"3f2a\" begins the fingerprints of a (3f2a:0177:7777:7777), b (3f2a:0277:7777:7777); give more of it"
        );
        assert_eq!(peers.find("3f2a:02").map(|peer| peer.name.as_str()), Ok("b"));
    }

    #[test]
    fn a_name_stands_for_no_other_machine() {
        let (peers, _root) = paired(&[
            (key(&[0xca, 0xfe]), "a"),
            (key(&[1]), "cafe"),
            (key(&[2]), "cafe:7777:7777:7777"),
            (key(&[0xbe, 0xef]), "beef"),
        ]);
        let line = peers.find("cafe").unwrap_err().to_string();
        assert!(
            line.contains("fingerprint of another: cafe (0177:7777:7777:7777), a (cafe:7777:7777:7777);"),
            "{line}"
        );
        assert_eq!(peers.find("beef").map(|peer| peer.public_key), Ok(key(&[0xbe, 0xef])));
        assert_eq!(peers.find("cafe:7777:7777:7777").map(|peer| peer.public_key), Ok(key(&[0xca, 0xfe])));
        assert_eq!(peers.find("peer-027777").map(|peer| peer.public_key), Ok(key(&[2])));
    }

    #[test]
    fn the_name_that_a_machine_announces_means_it_by_the_key_at_its_end() {
        let (peers, _root) = paired(&[
            (key(&[0x3f, 0x2a, 0x11]), "office"),
            (key(&[0xbe, 0xef, 0x01, 1]), "a"),
            (key(&[0xbe, 0xef, 0x01, 2]), "b"),
            (key(&[9]), "pc-3f2a11"),
        ]);
        for text in ["box-3f2a11", "BOX-3F2A11", "another-name-3f2a11"] {
            assert_eq!(peers.find(text).map(|peer| peer.name.as_str()), Ok("office"), "{text}");
        }
        for text in ["-3f2a11", "box-3f2a1", "box-3f2a117", "box-3f:2a:11", "box3f2a11", "box-3f2a12", "3f2a11-box"] {
            assert!(peers.find(text).is_err(), "{text}");
        }
        let line = peers.find("box-beef01").unwrap_err().to_string();
        assert!(line.starts_with("\"box-beef01\" ends as begin the fingerprints of a (beef:0101"), "{line}");
        // Whoever is called like what another one announces does not stand for it.
        let line = peers.find("pc-3f2a11").unwrap_err().to_string();
        assert!(line.contains("pc-3f2a11 (0977:7777:7777:7777), office (3f2a:1177:7777:7777);"), "{line}");
    }

    #[test]
    fn of_many_machines_not_all_are_named() {
        let machines: Vec<_> = (0..20_u8).map(|number| (key(&[0xaa, 0xaa, number]), format!("pc-{number}"))).collect();
        let machines: Vec<_> = machines.iter().map(|(key, name)| (*key, name.as_str())).collect();
        let (peers, _root) = paired(&machines);
        let line = peers.find("aaaa").unwrap_err().to_string();
        assert!(line.contains("pc-15 (") && !line.contains("pc-16") && line.contains(") and 4 more; give"), "{line}");
    }
}
