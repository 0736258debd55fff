//! Rules about calls: the format of `policy.json`, which version 1 peers have as well.
//!
//! ```json
//! {
//!   "preset": "standard",
//!   "rules": [
//!     {"tool": "keyboard", "peer": "guest-*", "decision": "block", "reason": "guests look, they do not type"},
//!     {"tool": "clipboard.*", "decision": "confirm"}
//!   ],
//!   "approval": {"timeout": 60, "chain": ["native", "console"]}
//! }
//! ```
//!
//! The first rule that fits a call decides; where none does, the preset. `tool` is the pattern of a tool or of a
//! method, `action` of what the tool does, `app` of the application that is meant, `peer` of the controller's
//! name; a `peer` that is a whole fingerprint or key is of the controller with this key.
//! Patterns know `*`, `?` and `[…]` and no difference between small and capital letters; an `app` without any of these
//! also fits a name that contains it. Where it is not known which application a call is about, a rule that names one
//! fits unless it allows. A call of nobody in particular is one of `local`.
//!
//! What is not understood is refused as a whole. `kill_hotkey`, `taint` and keys that mean nothing here belong to other
//! programs; one that is nearly one of ours is a slip of the pen, and refused.

mod approval;
mod edit;
mod format;
mod names;
mod subject;

use std::io::Read;
use std::path::Path;

use glob::{MatchOptions, Pattern};

pub use self::approval::Approval;
pub use self::edit::{PolicyFile, add_rule, load, remove_rule, set_preset};
use self::format::Written;
pub use self::format::{BadRules, Decision, Preset, WrittenRule};
use self::names::digits_of;
pub use self::names::{Renaming, unmet};
pub use self::subject::{Risk, Subject, call_of};
use crate::home::{Home, HomeError, plain_text};

/// The file in the home.
pub(crate) const FILE: &str = "policy.json";

/// Room for thousands of rules.
pub(crate) const MAX_FILE: usize = 1 << 20;

/// Who calls where no controller does, as version 1 names it. No controller can be called so.
const NOBODY: &str = "local";

#[derive(Debug, Clone, PartialEq)]
struct Rule {
    tool: Pattern,
    action: Option<Pattern>,
    app: Option<Pattern>,
    peer: Option<Pattern>,
    /// The digits of the fingerprint or the key that `peer` is. No name looks so.
    key: Option<String>,
    decision: Decision,
    reason: String,
}

/// A policy in a file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rules {
    preset: Preset,
    rules: Vec<Rule>,
    approval: Approval,
}

const OPTIONS: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: false, require_literal_leading_dot: false };

impl Rules {
    /// Reads a file of rules.
    ///
    /// # Errors
    /// [`BadRules`], one line that names the file, when it cannot be read or is not understood as a whole.
    pub fn read(path: &Path) -> Result<Self, BadRules> {
        let failed = |why: &dyn core::fmt::Display| BadRules::new(format_args!("{}: {why}", path.display()));
        let mut bytes = Vec::new();
        std::fs::File::open(path)
            .and_then(|file| file.take(MAX_FILE as u64 + 1).read_to_end(&mut bytes))
            .map_err(|error| failed(&error))?;
        if bytes.len() > MAX_FILE {
            return Err(failed(&"it is over 1 MiB"));
        }
        Self::parse(&bytes).map_err(|why| failed(&why))
    }

    /// Understands rules as they stand in a file.
    ///
    /// # Errors
    /// [`BadRules`] when a part of them is not understood.
    pub fn parse(json: &[u8]) -> Result<Self, BadRules> {
        Self::compile(&Written::parse(json)?)
    }

    /// Understands the content of the home's own file; where there is none, the standard preset holds without rules.
    pub(crate) fn understand(home: &Home, content: Option<&[u8]>) -> Result<Self, HomeError> {
        let Some(content) = content else { return Ok(Self::default()) };
        Self::parse(content).map_err(|why| edit::corrupt(home, &why))
    }

    fn compile(written: &Written) -> Result<Self, BadRules> {
        let rule = |(index, rule): (usize, &WrittenRule)| {
            rule.compiled().map_err(|why| BadRules::new(format_args!("rule {}: {why}", index + 1)))
        };
        let rules = written.rules.iter().enumerate().map(rule).collect::<Result<_, _>>()?;
        Ok(Self { preset: written.preset, rules, approval: written.approval.clone() })
    }

    /// What they say to a call, and why.
    #[must_use]
    pub fn judge(&self, subject: &Subject<'_>) -> (Decision, String) {
        if let Some(rule) = self.rules.iter().find(|rule| rule.fits(subject)) {
            return (rule.decision, rule.reason.clone());
        }
        let risk = subject.risk();
        let decision = match (self.preset, risk) {
            (Preset::Relaxed, _) | (_, Risk::Low) | (Preset::Standard, Risk::Medium) => Decision::Allow,
            (Preset::Standard, Risk::High) | (Preset::Strict, Risk::Medium | Risk::High) => Decision::Confirm,
        };
        (decision, format!("preset {}: {subject} is {risk}", self.preset.word()))
    }

    /// The number of the rule that decides about a call, from 1; nothing where the preset does.
    #[must_use]
    pub fn deciding(&self, subject: &Subject<'_>) -> Option<usize> {
        self.rules.iter().position(|rule| rule.fits(subject)).map(|index| index + 1)
    }

    /// How the owner is asked.
    #[must_use]
    pub const fn approval(&self) -> &Approval {
        &self.approval
    }
}

impl WrittenRule {
    fn compiled(&self) -> Result<Rule, String> {
        let optional = |text: &Option<String>| text.as_deref().map(pattern).transpose();
        let reason = plain_text(self.reason.as_deref().unwrap_or_default());
        Ok(Rule {
            tool: pattern(&self.tool)?,
            action: optional(&self.action)?,
            app: optional(&self.app)?,
            peer: optional(&self.peer)?,
            key: self.peer.as_deref().and_then(digits_of),
            decision: self.decision,
            reason: if reason.is_empty() { plain_text(&format!("rule {self}")) } else { reason },
        })
    }
}

fn pattern(text: &str) -> Result<Pattern, String> {
    if text.is_empty() {
        return Err("a pattern is empty; \"*\" fits everything".to_owned());
    }
    // The matcher knows the case of ASCII letters only, and makes something of its own of two stars.
    let mut single = text.to_lowercase();
    while single.contains("**") {
        single = single.replace("**", "*");
    }
    Pattern::new(&single).map_err(|error| format!("the pattern {text:?} is not understood: {}", error.msg))
}

impl Rule {
    fn fits(&self, subject: &Subject<'_>) -> bool {
        let fits = |pattern: &Option<Pattern>, value: Option<&str>| {
            pattern.as_ref().is_none_or(|pattern| value.is_some_and(|value| matches(pattern, value)))
        };
        let unknown = self.decision != Decision::Allow;
        let is_in_app = || self.app.as_ref().is_none_or(|app| subject.app.map_or(unknown, |name| contains(app, name)));
        let peer = if subject.peer.is_empty() { NOBODY } else { subject.peer };
        let has_key = || {
            let of_somebody = self.key.as_ref().filter(|_| peer != NOBODY);
            of_somebody.is_some_and(|digits| subject.key.map_or(unknown, |key| key.to_string().starts_with(digits)))
        };
        (matches(&self.tool, subject.tool) || matches(&self.tool, subject.method))
            && fits(&self.action, subject.action.as_deref())
            && is_in_app()
            && (fits(&self.peer, Some(peer)) || has_key())
    }
}

fn matches(pattern: &Pattern, value: &str) -> bool {
    pattern.matches_with(&value.to_lowercase(), OPTIONS)
}

/// Whether a pattern fits a name, or stands in it as it is.
fn contains(app: &Pattern, name: &str) -> bool {
    let is_plain = !app.as_str().contains(['*', '?', '[']);
    matches(app, name) || (is_plain && name.to_lowercase().contains(app.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{
        Call, ClipboardContents, FileParams, KeyEvent, Point, PointerAction, PointerEvent, Press, TreeParams,
    };

    fn pointer(action: PointerAction) -> Call {
        let point = Point::new(1.0, 2.0);
        Call::InputPointer(PointerEvent { action, point, button: None, modifiers: vec![], dx: 0.0, dy: 0.0 })
    }

    fn key() -> Call {
        Call::InputKey(KeyEvent { action: Press::Down, keysym: "a".into(), modifiers: vec![] })
    }

    fn judged(rules: &str, peer: &str, call: &Call) -> Decision {
        Rules::parse(rules.as_bytes()).unwrap().judge(&Subject::of(peer, call)).0
    }

    #[test]
    fn a_preset_decides_by_the_risk_of_what_is_asked() {
        let clipboard = Call::ClipboardWrite(ClipboardContents { entries: vec![] });
        for (preset, look, act) in [
            ("relaxed", Decision::Allow, Decision::Allow),
            ("standard", Decision::Allow, Decision::Allow),
            ("strict", Decision::Allow, Decision::Confirm),
        ] {
            let rules = format!("{{\"preset\": \"{preset}\"}}");
            for call in [Call::ClipboardRead(()), Call::DisplayCursorPosition(()), Call::SystemCapabilities(())] {
                assert_eq!(judged(&rules, "pc", &call), look, "{preset} {call:?}");
            }
            for call in [key(), pointer(PointerAction::Down), clipboard.clone()] {
                assert_eq!(judged(&rules, "pc", &call), act, "{preset} {call:?}");
            }
        }
        assert_eq!(judged("{}", "pc", &key()), Decision::Allow, "standard, when nothing is said");
    }

    #[test]
    fn of_high_risk_is_what_runs_programs_and_deletes() {
        let strange = |method| Subject::named("pc", method);
        let standard = Rules::default();
        for method in ["process.shell", "process.exec", "process.start", "process.write", "fs.delete"] {
            assert_eq!(standard.judge(&strange(method)).0, Decision::Confirm, "{method}");
        }
        for method in ["fs.read", "fs.write", "apps.open", "mind.read"] {
            assert_eq!(standard.judge(&strange(method)).0, Decision::Allow, "{method}");
        }
    }

    #[test]
    fn the_first_rule_that_fits_decides_by_tool_method_action_and_peer() {
        let rules = r#"{"preset": "strict", "rules": [
            {"tool": "MOUSE", "action": "s*", "decision": "allow"},
            {"tool": "input.*", "peer": "guest-?", "decision": "block", "reason": "guests look"},
            {"tool": "keyboard", "decision": "allow"},
            {"tool": "keyboard", "decision": "block"}
        ]}"#;
        assert_eq!(judged(rules, "guest-1", &pointer(PointerAction::Scroll)), Decision::Allow);
        assert_eq!(judged(rules, "guest-1", &pointer(PointerAction::Move)), Decision::Block);
        assert_eq!(judged(rules, "guest-12", &pointer(PointerAction::Move)), Decision::Confirm);
        assert_eq!(judged(rules, "owner", &key()), Decision::Allow);
        let parsed = Rules::parse(rules.as_bytes()).unwrap();
        let reason = |peer, call: &Call| parsed.judge(&Subject::of(peer, call)).1;
        assert_eq!(reason("guest-1", &key()), "guests look");
        assert_eq!(reason("owner", &key()), "rule tool=keyboard");
        assert_eq!(reason("owner", &pointer(PointerAction::Up)), "preset strict: mouse up is normal input");
    }

    #[test]
    fn an_app_is_meant_by_a_pattern_or_by_a_part_of_its_name() {
        let tree =
            |app: Option<&str>| Call::UiTreeRead(TreeParams { app: app.map(str::to_owned), ..TreeParams::default() });
        let rules =
            |app: &str| format!("{{\"rules\": [{{\"tool\": \"ui\", \"app\": \"{app}\", \"decision\": \"block\"}}]}}");
        for (app, name, fits) in [
            ("term", Some("GNOME Terminal"), true),
            ("term*", Some("GNOME Terminal"), false),
            ("*term*", Some("GNOME Terminal"), true),
            ("TERM", Some("terminal"), true),
            ("büro*", Some("BÜRO 1"), true),
            ("term", None, true),
        ] {
            let decision = if fits { Decision::Block } else { Decision::Allow };
            assert_eq!(judged(&rules(app), "pc", &tree(name)), decision, "{app} {name:?}");
        }
    }

    #[test]
    fn an_app_that_is_not_known_is_not_what_a_rule_allows() {
        let call = Call::UiTreeRead(TreeParams::default());
        let rules = r#"{"preset": "strict", "rules": [{"tool": "ui", "app": "editor", "decision": "allow"},
            {"tool": "ui", "decision": "block"}]}"#;
        assert_eq!(judged(rules, "pc", &call), Decision::Block);
    }

    #[test]
    fn what_is_not_understood_as_a_whole_is_refused_with_its_place() {
        for (text, why) in [
            ("", "not understood: EOF"),
            ("[]", "not understood: "),
            (r#"{"presets": "strict"}"#, "unknown field `presets`"),
            (r#"{"rules": [{"tool": "*", "per": "owner", "decision": "allow"}]}"#, "unknown field `per`"),
            (r#"{"rules": [{"tool": "*", "peer": "", "decision": "allow"}]}"#, "rule 1: a pattern is empty"),
            (r#"{"preset": "lenient"}"#, "unknown variant `lenient`"),
            (r#"{"rules": [{"decision": "block"}]}"#, "missing field `tool`"),
            (r#"{"rules": [{"tool": "*", "decision": "maybe"}]}"#, "unknown variant `maybe`"),
            (
                r#"{"rules": [{"tool": "a", "decision": "allow"}, {"tool": "[", "decision": "block"}]}"#,
                "rule 2: the pattern \"[\"",
            ),
        ] {
            let error = Rules::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(why) && !error.contains('\n'), "{text}: {error}");
        }
        // What is for other programs is left to them.
        let others = br#"{"preset": "strict", "kill_hotkey": "<ctrl>+k", "approval": {"timeout": 5}, "taint": {}}"#;
        assert_eq!(Rules::parse(others).unwrap().approval().timeout.as_secs(), 5);
    }

    #[test]
    fn a_pattern_with_many_stars_is_one_with_one() {
        for tool in ["**", "***", "key**d", "**board", "input.**"] {
            let rules = format!("{{\"rules\": [{{\"tool\": \"{tool}\", \"decision\": \"block\"}}]}}");
            assert_eq!(judged(&rules, "pc", &key()), Decision::Block, "{tool}");
            assert_eq!(
                judged(&rules, "pc", &Call::FsList(FileParams { path: "a".into() })) == Decision::Block,
                tool.len() < 4
            );
        }
    }

    #[test]
    fn the_rule_that_decides_has_a_number() {
        let rules = Rules::parse(
            br#"{"rules": [
                {"tool": "fs", "peer": "a", "decision": "block"},
                {"tool": "*", "peer": "local", "decision": "block"}
            ]}"#,
        )
        .unwrap();
        for (peer, method, number) in
            [("a", "fs.read", Some(1)), ("b", "fs.read", None), ("", "fs.read", Some(2)), ("LOCAL", "ui.tree", Some(2))]
        {
            assert_eq!(rules.deciding(&Subject::named(peer, method)), number, "{peer} {method}");
        }
    }
}
