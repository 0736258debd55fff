//! `opendesk_status`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Hints, Output, Tool, arguments, schema};

pub(super) const TOOL: Tool = Tool {
    name: "opendesk_status",
    title: "Show the session",
    description: "Tells where calls without `peer` go and why, and which connections are open.",
    hints: Hints { read_only: true, destructive: false, idempotent: true, open_world: false },
    schema: schema::of::<Arguments>,
    run: |session, given| {
        Box::pin(async move {
            let Arguments {} = arguments(given)?;
            let goes = match session.explain(None) {
                Ok((target, why)) => format!("Calls without `peer` go to {}: {}.", target.name(), why.text()),
                Err(error) => format!("Calls without `peer` fail: {error}."),
            };
            let links = session.links();
            let links = if links.is_empty() {
                "No connection is open; they are opened when needed.".to_owned()
            } else {
                let links = links.into_iter().map(|(name, state)| format!("- {name}: {state}"));
                format!("Connections:\n{}", links.collect::<Vec<_>>().join("\n"))
            };
            Ok(Output::text(format!("{goes}\n{links}")))
        })
    },
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {}
