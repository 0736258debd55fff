//! `opendesk policy`: the rules of `serve --approve policy`.

use opendesk_core::PublicKey;
use opendesk_std::api::Call;
use opendesk_std::clock;
use opendesk_std::govern::rules::{
    Decision, PolicyFile, Preset, Subject, WrittenRule, add_rule, call_of, load, remove_rule, set_preset, unmet,
};
use opendesk_std::home::{Peers, plain_text, printable};
use opendesk_std::host::status_of_running;
use opendesk_tokio::Tokio;
use serde_json::{Map, Value, json};

use super::{Context, logged};
use crate::args::{self, AddRule, DecisionName, PolicyCommand, PresetName};
use crate::exit::Failure;
use crate::output;

pub(super) async fn run(context: &Context, options: args::Policy) -> Result<(), Failure> {
    match options.command {
        None | Some(PolicyCommand::Show) => show(context),
        Some(PolicyCommand::Preset { preset }) => {
            let preset = named(preset);
            let before = set_preset(&context.home, preset).map_err(Failure::argument)?;
            let report = json!({"preset": preset, "before": before});
            output::result(context.json, &report, || format!("{}; before, it was {}", meant(preset), before.word()));
            changed(context).await
        }
        Some(PolicyCommand::AddRule(options)) => {
            let first = options.first;
            let rule = written(options);
            let unmet = unmet(&rule, &Peers::load(&context.home)?).map_err(|why| Failure::usage(why.to_string()))?;
            let is_first = !load(&context.home)?.exists;
            let number = add_rule(&context.home, &rule, first).map_err(Failure::argument)?;
            let (methods, missed) = (rule.methods(), rule.missed());
            let report = json!({"number": number, "rule": rule, "methods": methods, "missed": missed, "unmet": unmet});
            output::result(context.json, &report, || {
                let all = methods.len() == Call::NAMES.len();
                let covered = if all { "every method".to_owned() } else { methods.join(", ") };
                format!("rule {number}: {}\nit covers {covered}", line(&rule))
            });
            if !missed.is_empty() {
                let tool = printable(&rule.tool);
                output::note(&format!("it does not cover {}; for these too, write {tool}.*", missed.join(", ")));
            }
            if is_first {
                output::note(
                    "there was no policy.json; its preset, standard, holds for agents of this machine from now on",
                );
            }
            if let Some(why) = unmet {
                output::note(&printable(&why));
            }
            changed(context).await
        }
        Some(PolicyCommand::RemoveRule { number }) => {
            let removed = remove_rule(&context.home, number).map_err(Failure::argument)?;
            output::result(context.json, &json!({"number": number, "removed": removed}), || {
                format!("rule {number} is removed: {}", line(&removed))
            });
            let left = load(&context.home)?;
            if left.rules.is_empty() {
                let file = context.home.path().join("policy.json");
                output::note(&format!(
                    "no rule is left; the preset, {}, still holds, for agents of this machine too; without {} they are \
                     asked about nothing",
                    left.preset.word(),
                    printable(&file.display().to_string())
                ));
            }
            changed(context).await
        }
        Some(PolicyCommand::Test { method, arguments, peer }) => test(context, &method, arguments.as_deref(), &peer),
    }
}

/// Has the change logged. Rules that nobody asks are worse than none, so that is said.
async fn changed(context: &Context) -> Result<(), Failure> {
    logged(context, "policy.changed", None, "by `opendesk policy`").await?;
    if let Ok(status) = status_of_running(&Tokio, &context.home).await
        && status.approve != "policy"
    {
        output::note(&format!(
            "the host that runs asks no rules (--approve {}); they hold for one with --approve policy",
            printable(&status.approve)
        ));
    }
    Ok(())
}

fn show(context: &Context) -> Result<(), Failure> {
    let file = load(&context.home)?;
    let numbered = |(index, rule): (usize, &WrittenRule)| {
        let mut rule = json!(rule);
        rule["number"] = json!(index + 1);
        rule
    };
    let report = json!({
        "file": context.home.path().join("policy.json"),
        "exists": file.exists,
        "preset": file.preset,
        "rules": file.rules.iter().enumerate().map(numbered).collect::<Vec<_>>(),
        "approval": {"timeout": file.approval.timeout.as_secs_f64(), "chain": file.approval.chain},
        "ignored": file.others,
    });
    output::result(context.json, &report, || text(&file));
    Ok(())
}

fn text(file: &PolicyFile) -> String {
    let mut lines = vec![meant(file.preset).to_owned()];
    if !file.exists {
        lines[0].push_str(" (there is no policy.json yet: for agents of this machine nothing holds)");
    }
    let width = file.rules.len().to_string().len();
    let rules = file.rules.iter().enumerate();
    lines.extend(rules.map(|(index, rule)| format!("{:>width$}  {}", index + 1, line(rule))));
    let ways = file.approval.chain.as_ref().map_or_else(|| "native, console".to_owned(), |ways| ways.join(", "));
    let ways = if ways.is_empty() { "nobody" } else { &ways };
    lines.push(format!("asked     {ways}; no answer within {} s is a no", file.approval.timeout.as_secs_f64()));
    if !file.others.is_empty() {
        lines.push(format!("ignored   {}", printable(&file.others.join(", "))));
    }
    lines.join("\n")
}

fn line(rule: &WrittenRule) -> String {
    let reason = rule.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
    printable(&format!("{:<7}  {rule}{reason}", rule.decision.word()))
}

const fn meant(preset: Preset) -> &'static str {
    match preset {
        Preset::Relaxed => "relaxed   what no rule fits may happen",
        Preset::Standard => "standard  what no rule fits may happen; about programs and deletions the owner is asked",
        Preset::Strict => "strict    what no rule fits may happen if it only looks; about the rest the owner is asked",
    }
}

const fn named(preset: PresetName) -> Preset {
    match preset {
        PresetName::Relaxed => Preset::Relaxed,
        PresetName::Standard => Preset::Standard,
        PresetName::Strict => Preset::Strict,
    }
}

fn written(options: AddRule) -> WrittenRule {
    let AddRule { tool, action, app, peer, decision, reason, first: _ } = options;
    let decision = match decision {
        DecisionName::Allow => Decision::Allow,
        DecisionName::Confirm => Decision::Confirm,
        DecisionName::Block => Decision::Block,
    };
    WrittenRule { tool, action, app, peer, decision, reason: reason.map(|reason| plain_text(&reason)) }
}

fn test(context: &Context, method: &str, arguments: Option<&str>, peer: &str) -> Result<(), Failure> {
    if !Call::NAMES.contains(&method) {
        let known = Call::NAMES.join(", ");
        return Err(Failure::usage(format!("there is no method {:?}; there are {known}", printable(method))));
    }
    let call = arguments.map(|arguments| decoded(method, arguments)).transpose()?;
    let file = load(&context.home)?;
    let peers = Peers::load(&context.home)?;
    let known = peers.find(peer).ok();
    let peer = known.map_or(peer, |known| known.name.as_str());
    let subject = call.as_ref().map_or_else(|| Subject::named(peer, method), |call| Subject::of(peer, call));
    // A machine that is not paired has no key that a rule could name.
    let key = known.map_or(PublicKey([0; 32]), |known| PublicKey(known.public_key));
    let subject = subject.with_key(key);
    let is_beyond_role = known.zip(Call::kind_of(method)).is_some_and(|(known, kind)| !known.role.lets(kind));
    let (decision, reason, rule) = if is_beyond_role {
        let why = "the role of this machine lets it look only, whatever the rules say".to_owned();
        (Decision::Block, why, None)
    } else {
        let (decision, reason) = file.compiled.judge(&subject);
        (decision, reason, file.compiled.deciding(&subject))
    };
    let report = json!({
        "decision": decision,
        "reason": reason,
        "rule": rule,
        "method": method,
        "tool": subject.tool,
        "action": subject.action,
        "app": subject.app,
        "peer": peer,
        "risk": subject.risk().word(),
    });
    output::result(context.json, &report, || {
        let by = rule.map(|number| format!("rule {number}: ")).unwrap_or_default();
        printable(&format!("{}  {by}{reason}", decision.word()))
    });
    if known.is_some_and(|known| known.is_expired(clock::epoch_seconds())) {
        output::note(&printable(&format!(
            "{peer} may not drive this machine: it is not let in, whatever the rules say"
        )));
    }
    Ok(())
}

fn decoded(method: &str, arguments: &str) -> Result<Call, Failure> {
    let wrong = |why: &str| Failure::usage(format!("the parameters of {method} are no JSON object: {why}"));
    let parameters: Map<String, Value> = match serde_json::from_str(arguments) {
        Ok(Value::Object(parameters)) => parameters,
        Ok(_) => return Err(wrong("it is something else")),
        Err(error) => return Err(wrong(&error.to_string())),
    };
    call_of(method, &parameters).map_err(|error| Failure::usage(printable(&error.to_string())))
}
