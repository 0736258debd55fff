//! Which machines the rules of the home mean, and what becomes of that when one is renamed.

use glob::Pattern;
use opendesk_core::PublicKey;

use super::format::{BadRules, WrittenRule};
use super::{PolicyFile, matches, pattern};
use crate::home::{PeerName, Peers, TrustedPeer, hex_digits, is_exactly};

/// Digits of a fingerprint, and of a key.
const WHOLE: [usize; 2] = [16, 64];

/// What becomes of the rules when a machine is called something else: their numbers, from 1.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Renaming {
    /// They are about exactly this name, and follow it.
    pub follow: Vec<usize>,
    /// Their pattern fits the former name and not the next one: they do not hold for the machine any more.
    pub lost: Vec<usize>,
    /// Their pattern fits the next name and not the former one: they hold for the machine from then on.
    pub gained: Vec<usize>,
}

impl Renaming {
    /// Of a machine called `from` that is to be called `to`.
    #[must_use]
    pub fn of(file: &PolicyFile, from: &PeerName, to: &PeerName) -> Self {
        let mut renaming = Self::default();
        for (index, rule) in file.rules.iter().enumerate() {
            let Some(peer) = &rule.peer else { continue };
            let fits = |name: &PeerName| pattern(peer).is_ok_and(|pattern| matches(&pattern, name.as_str()));
            let numbers = match (fits(from), fits(to)) {
                (true, false) if is_exactly(peer, from) => &mut renaming.follow,
                (true, false) => &mut renaming.lost,
                (false, true) => &mut renaming.gained,
                (true, true) | (false, false) => continue,
            };
            numbers.push(index + 1);
        }
        renaming
    }
}

/// The digits of a whole fingerprint or key; nothing for a pattern of names.
pub(super) fn digits_of(peer: &str) -> Option<String> {
    hex_digits(peer).filter(|digits| WHOLE.contains(&digits.len()))
}

/// Whether a `peer` can be that of a machine.
pub(super) fn can_be_meant(peer: &str) -> Result<(), String> {
    match hex_digits(peer) {
        Some(digits) if digits.len() >= WHOLE[0] && !WHOLE.contains(&digits.len()) => Err(format!(
            "{peer:?} is no name, and neither a fingerprint of 16 digits nor a key of 64; see `opendesk peers`"
        )),
        _ => Ok(()),
    }
}

/// Why a rule means no machine that is paired, in a line for the owner; nothing where it means one, or anybody.
///
/// # Errors
/// The same for a rule that is surely meant for a machine and would not hold for it.
pub fn unmet(rule: &WrittenRule, peers: &Peers) -> Result<Option<String>, BadRules> {
    let Some(peer) = &rule.peer else { return Ok(None) };
    let digits = digits_of(peer);
    let is_meant = |known: &TrustedPeer| match &digits {
        Some(digits) => PublicKey(known.public_key).to_string().starts_with(digits),
        None => pattern(peer).is_ok_and(|pattern| matches(&pattern, known.name.as_str())),
    };
    let is_nobody = pattern(peer).is_ok_and(|pattern| matches(&pattern, super::NOBODY));
    if is_nobody || peers.list().iter().any(is_meant) {
        return Ok(None);
    }
    let meant = peers.beginning_with(peer);
    Ok(Some(match meant.as_slice() {
        [] if digits.is_some() => format!("no paired machine has the key {peer}"),
        [] if Pattern::escape(peer) == *peer => {
            format!("no paired machine is called {peer:?}; the rule holds for one that will be (see `opendesk peers`)")
        }
        [] => format!(
            "no name of a paired machine fits {peer:?}; the rule holds for one that will (see `opendesk peers`)"
        ),
        several => {
            let names: Vec<String> =
                several.iter().map(|known| format!("{:?} for {}", PublicKey(known.public_key), known.name)).collect();
            let line = format!("no machine is called {peer:?}, and a rule takes a whole fingerprint; write");
            return Err(BadRules::new(format_args!("{line} {}", names.join(" or "))));
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::govern::rules::{Decision, Rules, Subject};
    use crate::home::Home;

    fn decided(peer: &str, decision: &str, name: &str, key: Option<[u8; 32]>) -> Option<usize> {
        let json = format!(r#"{{"rules": [{{"tool": "*", "peer": "{peer}", "decision": "{decision}"}}]}}"#);
        let rules = Rules::parse(json.as_bytes()).expect("rules");
        let subject = Subject::named(name, "fs.read");
        let named = match key {
            Some(key) => subject.with_key(PublicKey(key)),
            None => subject,
        };
        rules.deciding(&named)
    }

    #[test]
    fn a_rule_on_a_whole_fingerprint_or_key_holds_for_the_machine_that_has_it_whatever_it_is_called() {
        let key = [0x3f; 32];
        for peer in ["3f3f:3f3f:3f3f:3f3f", "3F3F3F3F3F3F3F3F", &"3f".repeat(32)] {
            assert_eq!(decided(peer, "block", "desk", Some(key)), Some(1), "{peer}");
            assert_eq!(decided(peer, "allow", "desk", Some(key)), Some(1), "{peer}");
            assert_eq!(decided(peer, "block", "desk", Some([0x40; 32])), None, "{peer}");
            assert_eq!(decided(peer, "block", "", None), None, "{peer}: nobody in particular");
            // Whose key is not known may have this one.
            assert_eq!(decided(peer, "block", "desk", None), Some(1), "{peer}");
            assert_eq!(decided(peer, "allow", "desk", None), None, "{peer}");
        }
        assert_eq!(decided("3f3f", "block", "desk", Some(key)), None, "a beginning is a name");
        assert_eq!(decided("3f3f", "block", "3F3F", Some([1; 32])), Some(1));
    }

    #[test]
    fn what_is_between_a_fingerprint_and_a_key_means_nobody() {
        for (peer, is_right) in
            [("3f2a", true), ("3f".repeat(8).as_str(), true), ("3f".repeat(9).as_str(), false), ("desk*", true)]
        {
            assert_eq!(can_be_meant(peer).is_ok(), is_right, "{peer}");
        }
    }

    #[test]
    fn rules_follow_a_name_that_they_mean_alone() {
        let rule = |peer: &str| WrittenRule {
            tool: "*".into(),
            action: None,
            app: None,
            peer: Some(peer.into()),
            decision: Decision::Block,
            reason: None,
        };
        let root = tempfile::tempdir().unwrap();
        let home = Home::open(Some(root.path().join("home"))).unwrap();
        for peer in ["Guest 1", "guest*", "guest [0-9]", "*e*", "table", "t*", "other"] {
            super::super::add_rule(&home, &rule(peer), false).unwrap();
        }
        let file = super::super::load(&home).unwrap();
        let named = |name: &str| name.parse::<PeerName>().unwrap();
        let expected = Renaming { follow: vec![1], lost: vec![2, 3], gained: vec![5, 6] };
        assert_eq!(Renaming::of(&file, &named("guest 1"), &named("table")), expected);
        assert_eq!(Renaming::of(&file, &named("guest 1"), &named("GUEST 1")), Renaming::default());
    }
}
