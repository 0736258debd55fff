//! `opendesk_status`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::govern::control::Switch;
use crate::govern::rules;
use crate::home::shown;
use crate::tools::session::Session;
use crate::tools::target::Target;
use crate::tools::{Hints, Output, Tool, arguments, schema};

pub(in crate::tools) const TOOL: Tool = Tool {
    name: "opendesk_status",
    title: "Show the session",
    description: "Tells where calls without `peer` go and why, the connections, what is under way, and what the owner of this \
                  machine allows. Asks no machine.",
    hints: Hints { read_only: true, destructive: false, idempotent: true, open_world: false },
    schema: schema::of::<Arguments>,
    run: |session, given| {
        Box::pin(async move {
            let Arguments {} = arguments(given)?;
            let mut lines = vec![goes(session), connections(session), local(session), owner(session)];
            if session.is_stateless() {
                lines.push("There is no session: nothing that one call chooses holds for the next.".to_owned());
            } else {
                lines.push(calls(session));
            }
            Ok(Output::text(lines.join("\n")))
        })
    },
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {}

fn goes(session: &Session) -> String {
    match session.explain(None) {
        Ok((target, why)) => format!("Calls without `peer` go to {}: {}.", target.name(), why.text()),
        Err(error) => format!("Calls without `peer` fail: {error}."),
    }
}

fn connections(session: &Session) -> String {
    let links = session.links();
    if links.is_empty() {
        return "No connection is open; they are opened when needed.".to_owned();
    }
    let links = links.into_iter().map(|(name, state)| format!("- {name}: {state}"));
    format!("Connections:\n{}", links.collect::<Vec<_>>().join("\n"))
}

fn local(session: &Session) -> String {
    match session.manifest(&Target::Local) {
        Some(manifest) => format!("This machine's desktop: {}.", manifest.backend),
        None => format!("This machine's desktop: not used yet (backend {}).", session.backend()),
    }
}

/// The switch and the rules, as they stand in the files.
fn owner(session: &Session) -> String {
    let switch = match Switch::new(session.home()).look() {
        Ok(()) => "The owner lets agents act".to_owned(),
        Err(why) => format!("Every call is refused: {why}"),
    };
    let path = shown(&session.home().path().join(rules::FILE));
    let rules = match rules::load(session.home()) {
        Ok(file) if !file.exists => "there are no rules (no policy.json), so nothing is asked or forbidden".to_owned(),
        Ok(file) => format!("rules in {path}: preset {}, {} more", file.preset.word(), file.rules.len()),
        // What the switch lets happen the rules do not.
        Err(error) => return format!("Every call is refused, because the rules cannot be read: {error}."),
    };
    format!("{switch}; {rules}.")
}

fn calls(session: &Session) -> String {
    let under_way: Vec<String> = session
        .history()
        .under_way()
        .into_iter()
        // This call itself.
        .filter(|call| call.tool != TOOL.name)
        .map(|call| {
            let place = call.target.map_or_else(String::new, |target| format!(" on {}", target.name()));
            format!("{}{place} for {:.1} s", call.tool, call.since.elapsed().as_secs_f32())
        })
        .collect();
    let under_way = if under_way.is_empty() { "nothing".to_owned() } else { under_way.join(", ") };
    format!("Calls of this session so far: {}. Under way: {under_way}.", session.history().last())
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use serde_json::json;

    use crate::govern::control::{Control, Mode};
    use crate::tools::peers::tests::{home, session};

    #[test]
    fn what_the_owner_says_is_told() {
        let (_folder, home) = home();
        let session = session(&home);
        let status = || session.call_tool("opendesk_status", json!({})).now_or_never().unwrap().all_text();
        let text = status();
        assert_eq!(
            text,
            "Calls without `peer` go to local: no peer is paired.\n\
             No connection is open; they are opened when needed.\n\
             This machine's desktop: not used yet (backend virtual).\n\
             The owner lets agents act; there are no rules (no policy.json), so nothing is asked or forbidden.\n\
             Calls of this session so far: 0. Under way: nothing."
        );
        Control::set(&home, Mode::Stopped, "lunch").unwrap();
        home.write("policy.json", br#"{"preset": "strict", "rules": [{"tool": "ocr", "decision": "block"}]}"#).unwrap();
        let text = status();
        assert!(text.contains("Every call is refused: the owner of this machine has stopped all controllers (lunch)"));
        assert!(text.contains("policy.json: preset strict, 1 more.\nCalls of this session so far: 1."), "{text}");
        home.write("policy.json", b"{").unwrap();
        let text = status();
        assert!(text.contains("Every call is refused, because the rules cannot be read"), "{text}");
        assert!(!text.contains("lets agents act"), "{text}");
    }
}
