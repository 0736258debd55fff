//! What a controller may do.

use core::fmt::Debug;

use opendesk_core::PublicKey;

use super::rules::{Approval, Decision, FILE, MAX_FILE, Rules, Subject};
use crate::api::{Call, Kind, Press};
use crate::home::{Home, HomeError, Kept, Role};

/// A controller as a policy sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its proved key.
    pub key: PublicKey,
    /// The name under which it is trusted.
    pub name: String,
    /// What it may do at all.
    pub role: Role,
}

/// What a policy says to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It may happen.
    Allow,
    /// The owner is asked; why.
    Ask(String),
    /// It may not: the line that the controller and the audit log get.
    Refuse(String),
}

/// Decides about every call before it happens, and about a stream when it starts and whenever this may have changed. It
/// runs on the event loop of the host: it must not block.
pub trait Policy: Debug + Send {
    /// Decides about a call.
    fn check(&mut self, peer: &Peer, call: &Call) -> Verdict;

    /// Whether it may say something else than when this was last asked. Streams that run are then checked again.
    fn has_changed(&mut self) -> bool {
        false
    }

    /// Why it can decide nothing and refuses every call, as of when it was last asked anything else, in a line for the
    /// owner.
    fn fault(&self) -> Option<String> {
        None
    }

    /// How the owner is asked about what this does not decide.
    fn approval(&mut self) -> Approval {
        Approval::default()
    }
}

/// Allows everything: whoever was paired may drive.
#[derive(Debug, Clone, Copy, Default)]
pub struct AllowAll;

impl Policy for AllowAll {
    fn check(&mut self, _peer: &Peer, _call: &Call) -> Verdict {
        Verdict::Allow
    }
}

/// Allows what only looks or lets a key come up, and has the owner asked about everything else.
#[derive(Debug, Clone, Copy, Default)]
pub struct AskAll;

impl Policy for AskAll {
    fn check(&mut self, _peer: &Peer, call: &Call) -> Verdict {
        match call.kind() {
            Kind::Observation | Kind::Stream => Verdict::Allow,
            Kind::Action if lets_go(call) => Verdict::Allow,
            Kind::Action => Verdict::Ask("this host asks about everything that acts".to_owned()),
        }
    }
}

/// Whether a call only lets a key come up. Nobody is asked about that: what was pressed was allowed, and a no would leave it
/// down. A button is another matter: it comes up somewhere.
fn lets_go(call: &Call) -> bool {
    matches!(call, Call::InputKey(event) if event.action == Press::Up)
}

/// Goes by the rules of the home's `policy.json` ([`rules`](super::rules)), as they are when a call comes. Without such
/// a file the standard preset holds; one that cannot be understood refuses everything.
#[derive(Debug)]
pub struct RulesFile {
    file: Kept,
    rules: Result<Rules, HomeError>,
    /// Since this was last asked.
    has_changed: bool,
}

impl RulesFile {
    /// The rules of a home, read for the first time.
    #[must_use]
    pub fn new(home: &Home) -> Self {
        let file = Kept::new(home, FILE, MAX_FILE);
        let mut policy = Self { file, rules: Ok(Rules::default()), has_changed: false };
        policy.renew();
        // Whoever begins with it says what is wrong with it.
        policy.has_changed = false;
        policy
    }

    /// Why the file could not be understood when it was last looked at, in a line for the owner.
    #[must_use]
    pub const fn error(&self) -> Option<&HomeError> {
        match &self.rules {
            Ok(_) => None,
            Err(error) => Some(error),
        }
    }

    fn renew(&mut self) {
        let Some(content) = self.file.renewed() else { return };
        let rules = content.and_then(|content| Rules::understand(self.file.home(), content.as_deref()));
        if rules == self.rules {
            return;
        }
        self.rules = rules;
        self.has_changed = true;
    }
}

impl Policy for RulesFile {
    fn check(&mut self, peer: &Peer, call: &Call) -> Verdict {
        self.renew();
        let Ok(rules) = &self.rules else {
            return Verdict::Refuse(format!(
                "{FILE} on the host cannot be read, so every call is refused; its owner sees why with `opendesk policy`"
            ));
        };
        match rules.judge(&Subject::of(&peer.name, call).with_key(peer.key)) {
            (Decision::Allow, _) => Verdict::Allow,
            (Decision::Confirm, _) if lets_go(call) => Verdict::Allow,
            (Decision::Confirm, why) => Verdict::Ask(why),
            (Decision::Block, why) => Verdict::Refuse(format!("the rules of this host forbid it: {why}")),
        }
    }

    fn has_changed(&mut self) -> bool {
        self.renew();
        if let (true, Err(error)) = (self.has_changed, &self.rules) {
            tracing::error!(%error, "every call is refused");
        }
        core::mem::take(&mut self.has_changed)
    }

    fn fault(&self) -> Option<String> {
        self.error().map(ToString::to_string)
    }

    fn approval(&mut self) -> Approval {
        self.renew();
        self.rules.as_ref().map(|rules| rules.approval().clone()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::api::{ClipboardContents, ShellParams, SubscribeParams, TextInput};

    fn home() -> (Home, tempfile::TempDir) {
        let root = tempfile::tempdir().expect("a temporary directory");
        (Home::open(Some(root.path().join("home"))).expect("it can be made"), root)
    }

    fn peer(name: &str) -> Peer {
        Peer { key: PublicKey([7; 32]), name: name.to_owned(), role: Role::default() }
    }

    fn shell() -> Call {
        Call::ProcessShell(ShellParams { command: "ls".into(), ..ShellParams::default() })
    }

    fn text() -> Call {
        Call::InputText(TextInput { text: "a".into(), interval_ms: 0 })
    }

    /// One call of each kind, and some more.
    fn calls() -> Vec<Call> {
        vec![
            Call::SystemCapabilities(()),
            Call::DisplaySubscribe(SubscribeParams::default()),
            Call::ClipboardWrite(ClipboardContents { entries: vec![] }),
            text(),
            shell(),
        ]
    }

    #[test]
    fn who_allows_all_allows_all_and_who_asks_asks_about_what_acts() {
        for call in calls() {
            assert_eq!(AllowAll.check(&peer("pc"), &call), Verdict::Allow);
            let asked = matches!(AskAll.check(&peer("pc"), &call), Verdict::Ask(_));
            assert_eq!(asked, call.kind() == Kind::Action, "{}", call.method());
        }
        assert!(!AllowAll.has_changed() && !AskAll.has_changed());
    }

    #[test]
    fn without_a_file_the_owner_is_asked_about_what_runs_programs() {
        let (home, _root) = home();
        let mut policy = RulesFile::new(&home);
        assert_eq!(policy.check(&peer("pc"), &text()), Verdict::Allow);
        let why = "preset standard: script shell is of high risk".to_owned();
        assert_eq!(policy.check(&peer("pc"), &shell()), Verdict::Ask(why));
        assert_eq!(policy.approval(), Approval::default());
        assert!(!policy.has_changed());
    }

    #[test]
    fn a_rule_on_a_peer_holds_for_it_and_for_nobody_else() {
        let (home, _root) = home();
        home.write(
            FILE,
            br#"{"preset": "relaxed", "rules": [
                {"tool": "*", "peer": "Guest-*", "decision": "block", "reason": "guests do nothing"},
                {"tool": "script", "peer": "office", "decision": "confirm"},
                {"tool": "*", "peer": "local", "decision": "block"}
            ]}"#,
        )
        .unwrap();
        let mut policy = RulesFile::new(&home);
        for call in calls() {
            let refused = Verdict::Refuse("the rules of this host forbid it: guests do nothing".to_owned());
            assert_eq!(policy.check(&peer("guest-7"), &call), refused);
            assert_eq!(policy.check(&peer("pc"), &call), Verdict::Allow);
            // Nobody in particular is what version 1 calls local.
            assert!(matches!(policy.check(&peer(""), &call), Verdict::Refuse(_)));
        }
        assert_eq!(policy.check(&peer("OFFICE"), &shell()), Verdict::Ask("rule tool=script peer=office".to_owned()));
        assert_eq!(policy.check(&peer("office"), &text()), Verdict::Allow);
    }

    #[test]
    fn the_rules_are_those_that_stand_in_the_file_when_a_call_comes() {
        let (home, _root) = home();
        let mut policy = RulesFile::new(&home);
        assert_eq!(policy.check(&peer("pc"), &text()), Verdict::Allow);
        home.write(FILE, br#"{"rules": [{"tool": "keyboard", "decision": "block"}], "approval": {"timeout": 9}}"#)
            .unwrap();
        assert!(matches!(policy.check(&peer("pc"), &text()), Verdict::Refuse(_)));
        assert!(policy.has_changed(), "also when a call has seen it first");
        assert!(!policy.has_changed());
        assert_eq!(policy.approval().timeout.as_secs(), 9);
        // The same again in other words changes nothing.
        home.write(FILE, br#"{"approval":{"timeout":9},"rules":[{"decision":"block","tool":"keyboard"}]}"#).unwrap();
        assert!(!policy.has_changed());
        home.remove(FILE).unwrap();
        assert!(policy.has_changed());
        assert_eq!(policy.check(&peer("pc"), &text()), Verdict::Allow);
    }

    /// W16b.
    #[test]
    fn a_file_that_cannot_be_understood_refuses_everything() {
        let (home, _root) = home();
        let mut policy = RulesFile::new(&home);
        for damaged in ["", "{", "[]", "null", r#"{"rules": [{"tool": "["}]}"#, r#"{"ruels": []}"#] {
            home.write(FILE, damaged.as_bytes()).unwrap();
            for policy in [&mut policy, &mut RulesFile::new(&home)] {
                for call in calls() {
                    let Verdict::Refuse(line) = policy.check(&peer("pc"), &call) else { panic!("{damaged}") };
                    assert!(line.contains("every call is refused") && !line.contains('\n'), "{line}");
                }
                assert!(policy.error().is_some());
            }
            assert_eq!(fs::read_to_string(home.path().join(FILE)).unwrap(), damaged, "it is left as it is");
        }
        assert!(policy.has_changed());
        fs::remove_file(home.path().join(FILE)).unwrap();
        std::os::unix::fs::symlink("/dev/null", home.path().join(FILE)).unwrap();
        assert!(matches!(policy.check(&peer("pc"), &text()), Verdict::Refuse(_)));
        fs::remove_file(home.path().join(FILE)).unwrap();
        assert_eq!(policy.check(&peer("pc"), &text()), Verdict::Allow);
        fs::remove_dir_all(home.path()).unwrap();
        assert!(matches!(policy.check(&peer("pc"), &text()), Verdict::Refuse(_)));
    }
}
