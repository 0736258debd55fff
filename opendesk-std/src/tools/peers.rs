//! `opendesk_peers`.

use opendesk_core::PublicKey;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Hints, Output, Tool, arguments, schema};
use crate::home::plain_text;

pub(super) const TOOL: Tool = Tool {
    name: "opendesk_peers",
    title: "List paired machines",
    description: "Lists the paired machines whose desktops can be driven from here, with their fingerprints and what \
                  their owners say about them, and which one calls without `peer` go to.",
    hints: Hints { read_only: true, destructive: false, idempotent: true, open_world: false },
    schema: schema::of::<Arguments>,
    run: |session, given| {
        Box::pin(async move {
            let Arguments {} = arguments(given)?;
            let peers = session.peers()?;
            let chosen = session.explain(None).ok();
            let mut lines = vec!["Desktops that can be driven:".to_owned()];
            let mark = |name: &str| match &chosen {
                Some((target, why)) if target.name() == name => format!(" [calls without `peer`: {}]", why.text()),
                _ => String::new(),
            };
            lines.push(format!("- local: this machine{}", mark("local")));
            for peer in peers.list().iter().filter(|peer| !peer.last_host.is_empty()) {
                let about = plain_text(peer.shown_description());
                let about = if about.is_empty() { String::new() } else { format!(" (its owner says: {about:?})") };
                let key = PublicKey(peer.public_key);
                lines.push(format!("- {}: {key:?}{}{about}", peer.name, mark(peer.name.as_str())));
            }
            Ok(Output::text(lines.join("\n")))
        })
    },
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {}
