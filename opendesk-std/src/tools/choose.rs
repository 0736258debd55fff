//! `opendesk_use`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Hints, Output, Tool, arguments, schema};

pub(super) const TOOL: Tool = Tool {
    name: "opendesk_use",
    title: "Choose a machine",
    description: "Sends calls without `peer` to this machine for the rest of the session: the name of a paired machine, \
                  or `local` for the machine that opendesk runs on. Where a session was ended on the machine, this \
                  allows another one: first ask its owner.",
    hints: Hints { read_only: false, destructive: false, idempotent: true, open_world: false },
    schema: schema::of::<Arguments>,
    run: |session, given| {
        Box::pin(async move {
            let Arguments { peer } = arguments(given)?;
            let target = session.target(Some(&peer))?;
            let said = format!("Calls without `peer` go to {} from now on.", target.name());
            session.choose(target);
            Ok(Output::text(said))
        })
    },
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The machine's name, or `local`; see opendesk_peers.
    peer: String,
}
