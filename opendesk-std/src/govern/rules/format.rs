//! Rules as they stand in `policy.json`.

use core::fmt;
use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::approval::{self, Approval, WrittenApproval};
use crate::home::printable;

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

impl Decision {
    /// As it is written in the file.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Confirm => "confirm",
            Self::Block => "block",
        }
    }
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

impl Preset {
    /// As it is written in the file.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Relaxed => "relaxed",
            Self::Standard => "standard",
            Self::Strict => "strict",
        }
    }
}

/// A rule: what has to be so of a call, and what is then said to it. Patterns know `*`, `?` and `[…]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenRule {
    /// A pattern of the tool or of the method.
    pub tool: String,
    /// A pattern of what the tool does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// A pattern of the application that is meant, or a part of its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// A pattern of the controller's name, or its whole fingerprint or key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    /// What is said.
    pub decision: Decision,
    /// Why, for the controller and the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What has to be so, as `tool=fs action=delete`.
impl fmt::Display for WrittenRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tool={}", self.tool)?;
        for (name, value) in [("action", &self.action), ("app", &self.app), ("peer", &self.peer)] {
            if let Some(value) = value {
                write!(f, " {name}={value}")?;
            }
        }
        Ok(())
    }
}

/// Why rules cannot be used; whoever decides by them refuses everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRules(String);

impl BadRules {
    /// One line.
    pub(super) fn new(why: impl fmt::Display) -> Self {
        Self(printable(&why.to_string()))
    }
}

impl fmt::Display for BadRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for BadRules {}

#[derive(Deserialize)]
struct File {
    preset: Option<Preset>,
    rules: Option<Vec<WrittenRule>>,
    #[serde(default, rename = "kill_hotkey")]
    _kill_hotkey: IgnoredAny,
    approval: Option<WrittenApproval>,
    #[serde(default, rename = "taint")]
    _taint: IgnoredAny,
    /// A machine gets another name: `home/peers/rules.rs`.
    #[serde(default, rename = "renaming")]
    _renaming: IgnoredAny,
    #[serde(flatten)]
    others: BTreeMap<String, IgnoredAny>,
}

/// The keys of the file, those of other parts of version 1 included.
const KEYS: [&str; 5] = ["preset", "rules", "kill_hotkey", "approval", "taint"];

/// How many letters a slip of the pen changes, adds or leaves out.
const SLIP: usize = 2;

/// All that a file says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Written {
    pub(super) preset: Preset,
    pub(super) rules: Vec<WrittenRule>,
    pub(super) approval: Approval,
    /// Keys that mean nothing here.
    pub(super) others: Vec<String>,
}

impl Written {
    pub(super) fn parse(json: &[u8]) -> Result<Self, BadRules> {
        // A list would be taken for the fields in their order.
        if json.trim_ascii_start().first().is_some_and(|byte| *byte != b'{') {
            return Err(BadRules::new("not understood: not a JSON object"));
        }
        let file: File =
            serde_json::from_slice(json).map_err(|error| BadRules::new(format_args!("not understood: {error}")))?;
        let asking = file.approval.unwrap_or_default();
        // Other programs keep there what they like, but what stands below a key that is misspelt would be lost unnoticed.
        for (others, keys) in [(&file.others, &KEYS[..]), (&asking.others, &approval::KEYS)] {
            for other in others.keys() {
                if let Some(meant) = keys.iter().find(|key| distance(key, &other.to_lowercase()) <= SLIP) {
                    let why = format_args!("not understood: unknown field `{other}`; `{meant}` is what there is");
                    return Err(BadRules::new(why));
                }
            }
        }
        let of_approval: Vec<String> = asking.others.keys().map(|key| format!("approval.{key}")).collect();
        Ok(Self {
            preset: file.preset.unwrap_or_default(),
            rules: file.rules.unwrap_or_default(),
            approval: asking.understood().map_err(BadRules::new)?,
            others: file.others.into_keys().chain(of_approval).collect(),
        })
    }
}

/// How many letters have to be changed, added or left out to make one word of the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (above, letter) in one.chars().enumerate() {
        let mut diagonal = above;
        let mut left = above + 1;
        for (index, against) in other.iter().enumerate() {
            let cheapest = (diagonal + usize::from(letter != *against)).min(left + 1).min(row[index + 1] + 1);
            diagonal = row[index + 1];
            row[index] = left;
            left = cheapest;
        }
        row[other.len()] = left;
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_differ_by_letters() {
        for (one, other, letters) in [
            ("rules", "rules", 0),
            ("rules", "rule", 1),
            ("rules", "ruels", 2),
            ("preset", "presets", 1),
            ("preset", "", 6),
            ("", "abc", 3),
            ("taint", "custom", 6),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(one, other), letters, "{one} {other}");
            assert_eq!(distance(other, one), letters, "{other} {one}");
        }
    }

    #[test]
    fn keys_of_other_programs_mean_nothing_and_misspelt_ones_are_refused() {
        let written = br#"{"x-team": {"rules": 1}, "comment": "mine", "preset": null, "approval": {"later": 1}}"#;
        let written = Written::parse(written).unwrap();
        assert_eq!(written.others, ["comment", "x-team", "approval.later"]);
        let slip = Written::parse(br#"{"approval": {"timout": 5}}"#).unwrap_err().to_string();
        assert!(slip.contains("unknown field `timout`; `timeout` is what there is"), "{slip}");
        assert_eq!((written.preset, written.rules.len()), (Preset::Standard, 0));
        for (key, meant) in [("Rules", "rules"), ("rule", "rules"), ("ruels", "rules"), ("aproval", "approval")] {
            let error = Written::parse(format!("{{\"{key}\": []}}").as_bytes()).unwrap_err().to_string();
            assert!(error.contains(&format!("unknown field `{key}`; `{meant}`")), "{error}");
        }
    }

    #[test]
    fn what_is_said_twice_is_not_understood() {
        for twice in [
            r#"{"preset": "strict", "preset": "relaxed"}"#,
            r#"{"rules": [], "rules": []}"#,
            r#"{"rules": [{"tool": "*", "tool": "fs", "decision": "allow"}]}"#,
        ] {
            assert!(Written::parse(twice.as_bytes()).unwrap_err().to_string().contains("duplicate field"), "{twice}");
        }
    }

    #[test]
    fn an_error_is_one_line_without_hidden_characters() {
        let error = Written::parse(b"{\"preset\": \"a\\u001b[31m\\nb\"}").unwrap_err().to_string();
        assert!(error.contains("unknown variant `a\\u{1b}[31m\\nb`"), "{error}");
    }
}
