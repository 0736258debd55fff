//! Changing `policy.json`: one thing at a time, under the lock of the home, with all that other programs keep there.

use glob::Pattern;
use serde_json::{Map, Value};

use super::format::{BadRules, Decision, Preset, Written, WrittenRule};
use super::names::can_be_meant;
use super::subject::{Known, METHODS};
use super::{Approval, FILE, MAX_FILE, Rules, matches, pattern};
use crate::home::json::{self, Style};
use crate::home::{Home, HomeError, HomeErrorKind, plain_text, settle_rules};

/// What `policy.json` says.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyFile {
    /// Whether there is such a file. Without one the standard preset holds.
    pub exists: bool,
    /// What is said to calls that no rule fits.
    pub preset: Preset,
    /// The rules in their order; the first one has number 1.
    pub rules: Vec<WrittenRule>,
    /// How the owner is asked.
    pub approval: Approval,
    /// Keys that mean nothing here.
    pub others: Vec<String>,
    /// The same, to judge by.
    pub compiled: Rules,
}

/// Reads the file as it is.
///
/// # Errors
/// [`HomeErrorKind::Corrupt`] when a part of it is not understood, [`HomeErrorKind::Io`].
pub fn load(home: &Home) -> Result<PolicyFile, HomeError> {
    let content = home.read(FILE, MAX_FILE)?;
    understand(content.as_deref()).map_err(|why| corrupt(home, &why))
}

/// Chooses what is said to calls that no rule fits, and gives what it was before.
///
/// # Errors
/// As [`load`], and [`HomeErrorKind::Busy`]; the file is then as it was.
pub fn set_preset(home: &Home, preset: Preset) -> Result<Preset, HomeError> {
    change(home, |file, fields| {
        fields.insert("preset".into(), preset.word().into());
        Ok(file.preset)
    })
}

/// Adds a rule, before the others or after them, and gives its number.
///
/// # Errors
/// As [`set_preset`], and [`HomeErrorKind::Invalid`] for a rule that no call can fit.
pub fn add_rule(home: &Home, rule: &WrittenRule, first: bool) -> Result<usize, HomeError> {
    let mut rule = rule.clone();
    rule.reason = rule.reason.map(|reason| plain_text(&reason)).filter(|reason| !reason.is_empty());
    can_fit(&rule).map_err(|why| HomeError::new(HomeErrorKind::Invalid, BadRules::new(why).to_string()))?;
    let added = serde_json::to_value(&rule)
        .map_err(|error| HomeError::new(HomeErrorKind::Invalid, format!("the rule cannot be written: {error}")))?;
    change(home, |_, fields| {
        Ok(with_rules(fields, |rules| {
            let index = if first { 0 } else { rules.len() };
            rules.insert(index, added);
            index + 1
        }))
    })
}

/// Removes the rule of this number, and gives it.
///
/// # Errors
/// As [`set_preset`], and [`HomeErrorKind::Invalid`] when there is none.
pub fn remove_rule(home: &Home, number: usize) -> Result<WrittenRule, HomeError> {
    change(home, |file, fields| {
        let index = number.wrapping_sub(1);
        let Some(removed) = file.rules.get(index) else {
            let have = match file.rules.len() {
                0 => "there are no rules".to_owned(),
                1 => "there is 1 rule".to_owned(),
                more => format!("there are {more} rules"),
            };
            return Err(HomeError::new(HomeErrorKind::Invalid, format!("there is no rule {number}: {have}")));
        };
        with_rules(fields, |rules| rules.remove(index));
        Ok(removed.clone())
    })
}

pub(super) fn corrupt(home: &Home, why: &BadRules) -> HomeError {
    HomeError::corrupt(&home.path().join(FILE), format_args!("cannot be used ({why})"))
}

fn understand(content: Option<&[u8]>) -> Result<PolicyFile, BadRules> {
    let written = content.map(Written::parse).transpose()?.unwrap_or_default();
    let compiled = Rules::compile(&written)?;
    let Written { preset, rules, approval, others } = written;
    Ok(PolicyFile { exists: content.is_some(), preset, rules, approval, others, compiled })
}

fn change<T>(
    home: &Home,
    act: impl FnOnce(&PolicyFile, &mut Map<String, Value>) -> Result<T, HomeError>,
) -> Result<T, HomeError> {
    let _lock = home.lock()?;
    settle_rules(home)?;
    let content = home.read(FILE, MAX_FILE)?;
    let file = understand(content.as_deref()).map_err(|why| corrupt(home, &why))?;
    let fields = content.as_deref().map(serde_json::from_slice).transpose();
    let mut fields: Map<String, Value> =
        fields.map_err(|error| corrupt(home, &BadRules::new(error)))?.unwrap_or_default();
    let answer = act(&file, &mut fields)?;
    fields.entry("preset").or_insert_with(|| file.preset.word().into());
    with_rules(&mut fields, |_| ());
    let text = format!("{}\n", json::object(&fields, Style::Pretty));
    // What could not be read back would refuse everything.
    if text.len() > MAX_FILE {
        return Err(HomeError::new(
            HomeErrorKind::Invalid,
            format!("{FILE} would be longer than 1 MiB; remove a rule"),
        ));
    }
    understand(Some(text.as_bytes())).map_err(|why| HomeError::new(HomeErrorKind::Invalid, why.to_string()))?;
    home.write(FILE, text.as_bytes())?;
    Ok(answer)
}

/// Does something to the list of rules, which is made where there is none.
fn with_rules<T>(fields: &mut Map<String, Value>, act: impl FnOnce(&mut Vec<Value>) -> T) -> T {
    // What was understood is a list, or null.
    let mut rules = match fields.remove("rules") {
        Some(Value::Array(rules)) => rules,
        Some(_) | None => Vec::new(),
    };
    let answer = act(&mut rules);
    fields.insert("rules".into(), Value::Array(rules));
    answer
}

/// Whether there is a call that the rule fits. One of them is a slip of the pen that nobody would notice: a rule that
/// does nothing.
fn can_fit(rule: &WrittenRule) -> Result<(), String> {
    let tool = pattern(&rule.tool)?;
    let action = rule.action.as_deref().map(pattern).transpose()?;
    for text in [&rule.app, &rule.peer].into_iter().flatten() {
        pattern(text)?;
    }
    if let Some(peer) = &rule.peer {
        can_be_meant(peer)?;
    }
    let meant: Vec<&Known> = METHODS.iter().filter(|known| is_meant(&tool, known)).collect();
    if meant.is_empty() {
        let tools = sorted(METHODS.iter().map(|known| known.tool));
        let is_beginning = !rule.missed().is_empty();
        let hint = if is_beginning {
            format!("; for the methods that begin so, write {}.*", rule.tool)
        } else {
            String::new()
        };
        return Err(format!("{:?} fits no tool and no method; the tools are {tools}{hint}", rule.tool));
    }
    if let Some(action) = action
        && !meant.iter().any(|known| does(&action, known))
    {
        let actions = sorted(meant.iter().filter_map(|known| known.actions()).flatten());
        let have = if actions.is_empty() { "it has none".to_owned() } else { format!("there are {actions}") };
        return Err(format!(
            "{:?} fits no action of {}; {have}",
            rule.action.as_deref().unwrap_or_default(),
            rule.tool
        ));
    }
    if rule.app.is_some() && rule.decision == Decision::Allow && !meant.iter().any(|known| known.names_app) {
        let tools = sorted(METHODS.iter().filter(|known| known.names_app).map(|known| known.tool));
        return Err(format!(
            "no call of {} says which application it is about, so the rule would allow nothing; those of {tools} do",
            rule.tool
        ));
    }
    Ok(())
}

/// Whether the tool of a rule is that of a method, or the method itself.
fn is_meant(tool: &Pattern, known: &Known) -> bool {
    matches(tool, known.tool) || matches(tool, known.method)
}

/// Whether a call of a method can do what a rule names.
fn does(action: &Pattern, known: &Known) -> bool {
    known.actions().is_none_or(|actions| actions.into_iter().any(|name| matches(action, name)))
}

impl WrittenRule {
    /// The methods of which it fits calls, if not each of them: that also depends on their parameters. None for a pattern
    /// that is not understood.
    #[must_use]
    pub fn methods(&self) -> Vec<&'static str> {
        let (Ok(tool), Ok(action)) = (pattern(&self.tool), self.action.as_deref().map(pattern).transpose()) else {
            return Vec::new();
        };
        // An application that is not known is not what a rule allows.
        let can_name = |known: &&Known| self.app.is_none() || self.decision != Decision::Allow || known.names_app;
        METHODS
            .iter()
            .filter(|known| is_meant(&tool, known))
            .filter(|known| action.as_ref().is_none_or(|action| does(action, known)))
            .filter(can_name)
            .map(|known| known.method)
            .collect()
    }

    /// The methods whose names begin with the tool and a dot, and which it does not fit all the same, because they are of
    /// another tool. Whoever writes `process` may well mean `process.shell`, which is of the tool `script`.
    #[must_use]
    pub fn missed(&self) -> Vec<&'static str> {
        let Ok(tool) = pattern(&self.tool) else { return Vec::new() };
        let beginning = format!("{}.", self.tool.to_lowercase());
        METHODS
            .iter()
            .filter(|known| known.method.starts_with(&beginning) && !is_meant(&tool, known))
            .map(|known| known.method)
            .collect()
    }
}

/// The names once each, in the order of the alphabet.
fn sorted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn home() -> (Home, tempfile::TempDir) {
        let root = tempfile::tempdir().expect("a temporary directory");
        (Home::open(Some(root.path().join("home"))).expect("it can be made"), root)
    }

    fn rule(tool: &str) -> WrittenRule {
        let tool = tool.to_owned();
        WrittenRule { tool, action: None, app: None, peer: None, decision: Decision::Block, reason: None }
    }

    fn text(home: &Home) -> String {
        fs::read_to_string(home.path().join(FILE)).expect("it is there")
    }

    fn value(home: &Home) -> Value {
        serde_json::from_str(&text(home)).expect("it is JSON")
    }

    #[test]
    fn without_a_file_the_standard_preset_holds() {
        let (home, _root) = home();
        let file = load(&home).unwrap();
        assert_eq!((file.exists, file.preset, file.rules.len()), (false, Preset::Standard, 0));
        assert_eq!(set_preset(&home, Preset::Strict), Ok(Preset::Standard));
        assert_eq!(text(&home), "{\n  \"preset\": \"strict\",\n  \"rules\": []\n}\n");
        let file = load(&home).unwrap();
        assert_eq!((file.exists, file.preset), (true, Preset::Strict));
    }

    #[test]
    fn rules_are_added_at_both_ends_and_removed_by_number() {
        let (home, _root) = home();
        assert_eq!(add_rule(&home, &rule("fs"), false), Ok(1));
        assert_eq!(add_rule(&home, &rule("keyboard"), false), Ok(2));
        let whole = WrittenRule {
            action: Some("sc*".into()),
            app: Some("Term".into()),
            peer: Some("guest-*".into()),
            decision: Decision::Confirm,
            reason: Some(" two\nlines ".into()),
            ..rule("mouse")
        };
        assert_eq!(add_rule(&home, &whole, true), Ok(1));
        let tools = || load(&home).unwrap().rules.into_iter().map(|rule| rule.tool).collect::<Vec<_>>();
        assert_eq!(tools(), ["mouse", "fs", "keyboard"]);
        assert_eq!(load(&home).unwrap().rules[0], WrittenRule { reason: Some("two lines".into()), ..whole });
        assert_eq!(value(&home)["rules"][1], serde_json::json!({"tool": "fs", "decision": "block"}));
        assert_eq!(remove_rule(&home, 2), Ok(rule("fs")));
        assert_eq!(tools(), ["mouse", "keyboard"]);
        for number in [0, 3, usize::MAX] {
            let error = remove_rule(&home, number).unwrap_err();
            assert_eq!(error.kind(), HomeErrorKind::Invalid);
            assert!(error.to_string().ends_with("there are 2 rules"), "{error}");
        }
        assert_eq!(tools(), ["mouse", "keyboard"]);
    }

    #[test]
    fn what_other_programs_keep_there_outlives_every_edit() {
        let (home, _root) = home();
        let others = r#""kill_hotkey": "<ctrl>+k", "taint": {"calls": 3, "later": null},
            "approval": {"timeout": 5, "later": [1.5]}, "custom": {"a": ["ü", 18446744073709551615]}"#;
        home.write(FILE, format!("{{{others}, \"rules\": null}}").as_bytes()).unwrap();
        let edits: [&dyn Fn(); 4] = [
            &|| assert_eq!(set_preset(&home, Preset::Relaxed), Ok(Preset::Standard)),
            &|| assert_eq!(add_rule(&home, &rule("fs"), false), Ok(1)),
            &|| assert_eq!(add_rule(&home, &rule("ui"), true), Ok(1)),
            &|| assert_eq!(remove_rule(&home, 1), Ok(rule("ui"))),
        ];
        let expected: Value = serde_json::from_str(&format!("{{{others}}}")).unwrap();
        for edit in edits {
            edit();
            let now = value(&home);
            for (key, kept) in expected.as_object().unwrap() {
                assert_eq!(&now[key], kept, "{key}");
            }
        }
        let file = load(&home).unwrap();
        assert_eq!(
            (file.others, file.approval.timeout.as_secs()),
            (vec!["custom".to_owned(), "approval.later".to_owned()], 5)
        );
    }

    #[test]
    fn a_file_that_is_not_understood_is_left_as_it_is() {
        let (home, _root) = home();
        for damaged in
            ["", "{", "[]", "null", r#"{"rules": {}}"#, r#"{"presets": "strict"}"#, r#"{"rules": [{"tool": "fs"}]}"#]
        {
            home.write(FILE, damaged.as_bytes()).unwrap();
            let errors = [
                load(&home).map(drop),
                set_preset(&home, Preset::Strict).map(drop),
                add_rule(&home, &rule("fs"), false).map(drop),
                remove_rule(&home, 1).map(drop),
            ];
            for error in errors {
                let error = error.unwrap_err();
                assert_eq!(error.kind(), HomeErrorKind::Corrupt, "{damaged}: {error}");
                assert!(error.to_string().contains("policy.json cannot be used (not understood: "), "{error}");
                assert_eq!(error.to_string().lines().count(), 1);
            }
            assert_eq!(text(&home), damaged);
        }
    }

    #[test]
    fn a_rule_that_fits_no_call_is_refused_with_what_there_is() {
        let (home, _root) = home();
        let with = |tool: &str, action: Option<&str>| WrittenRule { action: action.map(Into::into), ..rule(tool) };
        let of_app = |tool: &str, decision| WrittenRule { app: Some("Term".into()), decision, ..rule(tool) };
        for (rule, why) in [
            (with("moues", None), "\"moues\" fits no tool and no method; the tools are app, clipboard, fs, keyboard, "),
            (with("browser", None), "fits no tool and no method"),
            (with("", None), "a pattern is empty"),
            (with("[", None), "the pattern \"[\" is not understood"),
            (with("*", Some("")), "a pattern is empty"),
            (with("keyboard", Some("click")), "\"click\" fits no action of keyboard; there are press, type"),
            (with("mouse", Some("drag")), "there are click, cursor_position, down, move, scroll, up"),
            (with("screenshot", Some("take")), "it has none"),
            (of_app("keyboard", Decision::Allow), "no call of keyboard says which application it is about"),
            (WrittenRule { peer: Some("[".into()), ..rule("fs") }, "the pattern \"[\" is not understood"),
            (WrittenRule { app: Some(String::new()), ..rule("fs") }, "a pattern is empty"),
        ] {
            let error = add_rule(&home, &rule, false).unwrap_err();
            assert_eq!(error.kind(), HomeErrorKind::Invalid, "{rule}");
            assert!(error.to_string().contains(why) && error.to_string().lines().count() == 1, "{rule}: {error}");
        }
        assert!(!home.path().join(FILE).exists());
        for rule in [
            with("*", None),
            with("**", None),
            with("PROCESS.*", None),
            with("ui", Some("raise_window")),
            with("mouse", Some("S*")),
            with("input.pointer", Some("down")),
            with("power.lock", Some("lock")),
            of_app("keyboard", Decision::Confirm),
            of_app("ui", Decision::Allow),
            of_app("apps.open", Decision::Allow),
        ] {
            add_rule(&home, &rule, false).unwrap();
        }
        for method in crate::api::Call::NAMES {
            add_rule(&home, &with(method, None), false).unwrap();
        }
    }

    #[test]
    fn a_rule_tells_which_methods_it_fits_and_which_of_that_name_it_does_not() {
        const PROGRAMS: [&str; 6] =
            ["process.shell", "process.exec", "process.start", "process.output", "process.write", "process.signal"];
        let with = |tool: &str, action: Option<&str>| WrittenRule { action: action.map(Into::into), ..rule(tool) };
        for (rule, methods, missed) in [
            (with("process", None), &["process.list"][..], &PROGRAMS[..]),
            (with("process.*", None), &[&["process.list"], &PROGRAMS[..]].concat(), &[]),
            (with("script", None), &PROGRAMS, &[]),
            (with("KEYBOARD", Some("type")), &["input.text"], &[]),
            (with("Ocr", None), &["ocr.read"], &["ocr.click"]),
            (with("clipboard", None), &["clipboard.read", "clipboard.write"], &[]),
            (with("input", None), &[], &["input.subscribe", "input.pointer", "input.key", "input.text"]),
            (with("[", None), &[], &[]),
        ] {
            assert_eq!((rule.methods(), rule.missed()), (methods.to_vec(), missed.to_vec()), "{rule}");
        }
        let of_app = |decision| WrittenRule { app: Some("Term".into()), decision, ..rule("*") };
        assert_eq!(of_app(Decision::Block).methods().len(), METHODS.len());
        let allowed = of_app(Decision::Allow).methods();
        assert_eq!(allowed, ["apps.open", "apps.close", "apps.focus", "ui.tree", "ui.action"]);
        let (home, _root) = home();
        let error = add_rule(&home, &rule("input"), false).unwrap_err();
        assert!(error.to_string().ends_with("for the methods that begin so, write input.*"), "{error}");
    }

    #[test]
    fn a_file_that_could_not_be_read_back_is_not_written() {
        let (home, _root) = home();
        home.write(FILE, format!("{{\"custom\": \"{}\"}}", "x".repeat(MAX_FILE - 100)).as_bytes()).unwrap();
        let before = text(&home);
        let long = WrittenRule { reason: Some("y".repeat(1000)), ..rule("fs") };
        let error = add_rule(&home, &long, false).unwrap_err();
        assert!(error.to_string().contains("longer than 1 MiB"), "{error}");
        assert_eq!(text(&home), before);
    }

    #[test]
    fn w14_writers_at_the_same_time_lose_nothing() {
        let (home, _root) = home();
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let home = &home;
                scope.spawn(move || {
                    for round in 0..4 {
                        let peer = Some(format!("pc-{writer}-{round}"));
                        add_rule(home, &WrittenRule { peer, ..rule("fs") }, round % 2 == 0).unwrap();
                        set_preset(home, Preset::Strict).unwrap();
                    }
                });
            }
        });
        let mut peers: Vec<_> = load(&home).unwrap().rules.into_iter().filter_map(|rule| rule.peer).collect();
        peers.sort_unstable();
        let expected: Vec<_> =
            (0..4).flat_map(|writer| (0..4).map(move |round| format!("pc-{writer}-{round}"))).collect();
        assert_eq!(peers, expected);
    }
}
