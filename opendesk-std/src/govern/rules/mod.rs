//! Rules about calls: the format of `policy.json`, which version 1 peers have as well.
//!
//! ```json
//! {
//!   "preset": "standard",
//!   "rules": [
//!     {"tool": "keyboard", "peer": "guest-*", "decision": "block", "reason": "guests look, they do not type"},
//!     {"tool": "clipboard.*", "decision": "confirm"}
//!   ]
//! }
//! ```
//!
//! The first rule that fits a call decides; where none does, the preset. `tool` is the pattern of a tool or of a method,
//! `action` of what the tool does, `app` of the application that is meant, `peer` of the controller's name. Patterns know
//! `*`, `?` and `[…]` and no difference between small and capital letters; an `app` without any of these also fits a name
//! that contains it. Where it is not known which application a call is about, a rule that names one fits unless it allows.
//! What is not understood is refused as a whole; `kill_hotkey`, `approval` and `taint` belong to other parts of a host.

mod subject;

use core::fmt;
use std::io::Read;
use std::path::Path;

use glob::{MatchOptions, Pattern};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

pub use self::subject::{Risk, Subject};

/// What a rule or a preset says to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// It may happen.
    Allow,
    /// The owner is asked.
    Confirm,
    /// It may not.
    Block,
}

/// What is said to calls that no rule fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// They may happen.
    Relaxed,
    /// They may happen, and the owner is asked about those of high risk.
    #[default]
    Standard,
    /// Those that only look may happen, and the owner is asked about the others.
    Strict,
}

/// Why rules cannot be used; whoever decides by them refuses everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRules(String);

impl fmt::Display for BadRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for BadRules {}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    preset: Preset,
    #[serde(default)]
    rules: Vec<FileRule>,
    #[serde(default, rename = "kill_hotkey")]
    _kill_hotkey: IgnoredAny,
    #[serde(default, rename = "approval")]
    _approval: IgnoredAny,
    #[serde(default, rename = "taint")]
    _taint: IgnoredAny,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileRule {
    tool: String,
    action: Option<String>,
    app: Option<String>,
    peer: Option<String>,
    decision: Decision,
    reason: Option<String>,
}

#[derive(Debug, Clone)]
struct Rule {
    tool: Pattern,
    action: Option<Pattern>,
    app: Option<Pattern>,
    peer: Option<Pattern>,
    decision: Decision,
    reason: String,
}

/// A policy in a file.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    preset: Preset,
    rules: Vec<Rule>,
}

/// Room for thousands of rules.
const MAX_FILE: u64 = 1 << 20;

const OPTIONS: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: false, require_literal_leading_dot: false };

impl Rules {
    /// Reads a file of rules.
    ///
    /// # Errors
    /// [`BadRules`], one line that names the file, when it cannot be read or is not understood as a whole.
    pub fn read(path: &Path) -> Result<Self, BadRules> {
        let failed = |why: String| BadRules(format!("{}: {why}", path.display()));
        let mut bytes = Vec::new();
        std::fs::File::open(path)
            .and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes))
            .map_err(|error| failed(error.to_string()))?;
        if bytes.len() as u64 > MAX_FILE {
            return Err(failed("it is over 1 MiB".to_owned()));
        }
        Self::parse(&bytes).map_err(|BadRules(why)| failed(why))
    }

    /// Understands rules as they stand in a file.
    ///
    /// # Errors
    /// [`BadRules`] when a part of them is not understood.
    pub fn parse(json: &[u8]) -> Result<Self, BadRules> {
        // A list would be taken for the fields in their order.
        if json.trim_ascii_start().first().is_some_and(|byte| *byte != b'{') {
            return Err(BadRules("no rules: not a JSON object".to_owned()));
        }
        let file: File = serde_json::from_slice(json).map_err(|error| BadRules(format!("no rules: {error}")))?;
        let rules = file
            .rules
            .into_iter()
            .enumerate()
            .map(|(index, rule)| rule.compiled().map_err(|why| BadRules(format!("rule {}: {why}", index + 1))));
        Ok(Self { preset: file.preset, rules: rules.collect::<Result<_, _>>()? })
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
        let preset = match self.preset {
            Preset::Relaxed => "relaxed",
            Preset::Standard => "standard",
            Preset::Strict => "strict",
        };
        (decision, format!("preset {preset}: {subject} is {risk}"))
    }
}

impl FileRule {
    fn compiled(self) -> Result<Rule, String> {
        let label = self.label();
        let pattern = |text: &str| {
            if text.is_empty() {
                return Err("a pattern is empty; \"*\" fits everything".to_owned());
            }
            // The matcher knows the case of ASCII letters only.
            Pattern::new(&text.to_lowercase())
                .map_err(|error| format!("the pattern {text:?} is not understood: {}", error.msg))
        };
        let optional = |text: Option<String>| text.map(|text| pattern(&text)).transpose();
        Ok(Rule {
            tool: pattern(&self.tool)?,
            action: optional(self.action)?,
            app: optional(self.app)?,
            peer: optional(self.peer)?,
            decision: self.decision,
            reason: self.reason.filter(|reason| !reason.is_empty()).unwrap_or(label),
        })
    }

    fn label(&self) -> String {
        let fields = [("action", &self.action), ("app", &self.app), ("peer", &self.peer)];
        let more = fields.iter().filter_map(|(name, value)| Some(format!(" {name}={}", value.as_ref()?)));
        format!("rule tool={}{}", self.tool, more.collect::<String>())
    }
}

impl Rule {
    fn fits(&self, subject: &Subject<'_>) -> bool {
        let fits = |pattern: &Option<Pattern>, value: Option<&str>| {
            pattern.as_ref().is_none_or(|pattern| value.is_some_and(|value| matches(pattern, value)))
        };
        let unknown = self.decision != Decision::Allow;
        let is_in_app = || self.app.as_ref().is_none_or(|app| subject.app.map_or(unknown, |name| contains(app, name)));
        (matches(&self.tool, subject.tool) || matches(&self.tool, subject.method))
            && fits(&self.action, subject.action.as_deref())
            && is_in_app()
            && fits(&self.peer, Some(subject.peer))
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
    use crate::api::{Call, ClipboardContents, KeyEvent, Point, PointerAction, PointerEvent, Press, TreeParams};

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
        for method in ["process.shell", "process.exec", "fs.delete"] {
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
            ("", "no rules: EOF"),
            ("[]", "no rules: "),
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
        // What is for other parts of a host is left to them.
        Rules::parse(br#"{"preset": "strict", "kill_hotkey": "<ctrl>+k", "approval": {"timeout": 5}, "taint": {}}"#)
            .unwrap();
    }
}
