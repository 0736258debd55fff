//! The rules of `policy.json` that are about a machine by its name, while it gets another one.
//!
//! The rules and the name are in two files, and whoever is killed between them must not leave a machine that no rule is
//! about. So the rules hold for both names first, in one write with a note of what is being done ([`NOTE`]); then the name
//! is changed; then the rules of the name that the machine does not have go, and the note with them. Whoever comes next
//! finishes that ([`settle`]). Version 1 programs keep the note as any key that they do not know.

use glob::Pattern;
use serde_json::{Map, Value};

use crate::home::json::{self, Style};
use crate::home::records::{Records, Renamed};
use crate::home::{Home, HomeError, HomeErrorKind, PeerName, hex};

const FILE: &str = "policy.json";

/// As much as a program reads that decides by the rules.
const MAX_FILE: usize = 1 << 20;

/// The key under which a rename that is under way stands beside the rules.
const NOTE: &str = "renaming";

/// Has the rules on the former name of a machine hold for the next one as well. The lock of the home is held.
pub(super) fn follow(home: &Home, renamed: &Renamed) -> Result<(), HomeError> {
    let Renamed { public_key, from, to } = renamed;
    if from.is_like(to) {
        return Ok(());
    }
    let Some(mut fields) = read(home)? else { return Ok(()) };
    let Some(Value::Array(rules)) = fields.get_mut("rules") else { return Ok(()) };
    let count = rules.len();
    let doubled = |rule: Value| {
        let twin = is_about(&rule, from).then(|| about(&rule, to));
        core::iter::once(rule).chain(twin)
    };
    *rules = core::mem::take(rules).into_iter().flat_map(doubled).collect();
    if rules.len() == count {
        return Ok(());
    }
    let note = [("public_key", hex::encode(public_key)), ("from", from.to_string()), ("to", to.to_string())];
    let note = note.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect();
    if fields.insert(NOTE.into(), Value::Object(note)).is_some() {
        let what = format!("{FILE} is about another machine that was renamed; try again");
        return Err(HomeError::new(HomeErrorKind::Busy, what));
    }
    write(home, &fields)
}

/// Drops the rules of the name that a machine does not have after a rename, however that went. The lock of the home is
/// held. What does not parse is left to whoever decides by it.
pub(crate) fn settle(home: &Home) -> Result<(), HomeError> {
    let Ok(Some(mut fields)) = read(home) else { return Ok(()) };
    let Some(note) = fields.remove(NOTE) else { return Ok(()) };
    if let Some(Renamed { public_key, from, to }) = renamed(&note)
        && let Some(Value::Array(rules)) = fields.get_mut("rules")
    {
        let peers = Records::read(home)?.peers();
        let is_done = peers.iter().any(|peer| peer.public_key == public_key && peer.name.is_like(&to));
        let mut left = Vec::with_capacity(rules.len());
        let mut both = core::mem::take(rules).into_iter().peekable();
        while let Some(rule) = both.next() {
            let twin = is_about(&rule, &from).then(|| about(&rule, &to));
            // Somebody may have taken one of the two away meanwhile.
            match twin.and_then(|twin| both.next_if_eq(&twin)) {
                Some(twin) if is_done => left.push(twin),
                _ => left.push(rule),
            }
        }
        *rules = left;
    }
    write(home, &fields)
}

/// Whether a rule is about the machine of this name and no other.
fn is_about(rule: &Value, name: &PeerName) -> bool {
    let Some(peer) = rule.get("peer").and_then(Value::as_str) else { return false };
    is_exactly(peer, name)
}

/// Whether a pattern fits this name and no other.
pub(crate) fn is_exactly(pattern: &str, name: &PeerName) -> bool {
    let is_plain = !pattern.contains(['*', '?', '[']);
    let fitting = if is_plain { name.to_string() } else { Pattern::escape(name.as_str()) };
    pattern.to_lowercase() == fitting.to_lowercase()
}

/// The rule, about the machine of this name.
fn about(rule: &Value, name: &PeerName) -> Value {
    let mut rule = rule.clone();
    if let Some(peer) = rule.get_mut("peer") {
        *peer = Pattern::escape(name.as_str()).into();
    }
    rule
}

fn renamed(note: &Value) -> Option<Renamed> {
    let text = |key: &str| note.get(key).and_then(Value::as_str);
    Some(Renamed {
        public_key: hex::decode_key(text("public_key")?)?,
        from: text("from")?.parse().ok()?,
        to: text("to")?.parse().ok()?,
    })
}

fn read(home: &Home) -> Result<Option<Map<String, Value>>, HomeError> {
    let Some(bytes) = home.read(FILE, MAX_FILE)? else { return Ok(None) };
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|error| HomeError::corrupt(&home.path().join(FILE), format_args!("does not parse ({error})")))
}

fn write(home: &Home, fields: &Map<String, Value>) -> Result<(), HomeError> {
    let text = format!("{}\n", json::object(fields, Style::Pretty));
    if text.len() > MAX_FILE {
        let what = format!("{FILE} would be longer than 1 MiB; remove a rule");
        return Err(HomeError::new(HomeErrorKind::Invalid, what));
    }
    #[cfg(test)]
    crate::home::records::crash::check()?;
    home.write(FILE, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::govern::rules as govern;
    use crate::home::Peers;
    use crate::home::peers::tests::{home, new};
    use crate::home::records::crash;

    fn rule(peer: &str, decision: &str) -> Value {
        json!({"tool": "fs", "peer": peer, "decision": decision})
    }

    /// A home with a machine `a` and these rules.
    fn with_rules(rules: &[Value]) -> (Home, Peers, tempfile::TempDir) {
        let (home, root) = home();
        let mut peers = Peers::load(&home).expect("no files");
        peers.add(&new(1, "a")).expect("a machine");
        peers.add(&new(2, "other")).expect("a machine");
        let file = json!({"preset": "strict", "rules": rules, "custom": {"x": 1}});
        home.write(FILE, file.to_string().as_bytes()).expect("a file");
        (home, peers, root)
    }

    fn file(home: &Home) -> Value {
        let bytes = home.read(FILE, MAX_FILE).expect("a file").expect("there is one");
        serde_json::from_slice(&bytes).expect("JSON")
    }

    #[test]
    fn rules_follow_the_machine_that_they_alone_are_about() {
        let rules = [rule("A", "block"), rule("a*", "allow"), rule("other", "block"), rule("a", "confirm")];
        let (home, mut peers, _root) = with_rules(&rules);
        peers.rename(&[1; 32], &"b [1]".parse().unwrap()).unwrap();
        // Both, while a host may still know it by the name that it had.
        let both = file(&home);
        assert_eq!(both["rules"].as_array().unwrap().len(), 6, "{both}");
        assert!(govern::load(&home).unwrap().others == ["custom"], "the note is no key of another program");
        Peers::drop_former_names(&home).unwrap();
        let followed =
            [rule("b [[]1[]]", "block"), rule("a*", "allow"), rule("other", "block"), rule("b [[]1[]]", "confirm")];
        assert_eq!(file(&home), json!({"preset": "strict", "rules": followed, "custom": {"x": 1}}));
        let judged = govern::load(&home).unwrap().compiled.deciding(&govern::Subject::named("B [1]", "fs.read"));
        assert_eq!(judged, Some(1));
        // And again: what was written for it is understood.
        peers.rename(&[1; 32], &"c".parse().unwrap()).unwrap();
        Peers::drop_former_names(&home).unwrap();
        assert_eq!(file(&home)["rules"][0], rule("c", "block"));
    }

    #[test]
    fn whoever_comes_next_finishes_what_was_begun_either_way() {
        let rules = [rule("a", "block"), rule("b", "block"), rule("a", "allow")];
        let finish: [fn(&Home); 3] = [
            |home| Peers::drop_former_names(home).unwrap(),
            |home| assert_eq!(govern::set_preset(home, govern::Preset::Strict), Ok(govern::Preset::Strict)),
            |home| drop(Peers::load(home).unwrap().add(&new(3, "third")).unwrap()),
        ];
        for finish in finish {
            for steps in 0..3 {
                let (home, mut peers, _root) = with_rules(&rules);
                crash::after(steps, || drop(peers.rename(&[1; 32], &"b".parse().unwrap())));
                finish(&home);
                let after = [rule("b", "block"), rule("b", "block"), rule("b", "allow")];
                let expected = if steps < 2 { json!(rules) } else { json!(after) };
                assert_eq!(file(&home)["rules"], expected, "after {steps} files");
                assert_eq!(file(&home).get(NOTE), None, "after {steps} files");
            }
        }
    }

    #[test]
    fn a_machine_keeps_its_name_where_its_rules_cannot_follow() {
        let (home, mut peers, _root) = with_rules(&[rule("a", "block")]);
        home.write(FILE, b"{").unwrap();
        let error = peers.rename(&[1; 32], &"b".parse().unwrap()).unwrap_err();
        assert_eq!(error.kind(), HomeErrorKind::Corrupt, "{error}");
        assert_eq!(Peers::load(&home).unwrap().list()[0].name.as_str(), "a");
        // Trust can be ended all the same.
        assert!(peers.remove(&[1; 32]).unwrap().is_some());
    }
}
