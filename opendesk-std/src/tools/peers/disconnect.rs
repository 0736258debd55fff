//! `opendesk_disconnect`.

use async_channel::bounded;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::api::{Error, ErrorCode};
use crate::client::LinkState;
use crate::tools::session::Session;
use crate::tools::target::{Because, LOCAL, Target};
use crate::tools::{Hints, Output, Tool, ToolError, arguments, schema};

pub(in crate::tools) const TOOL: Tool = Tool {
    name: "opendesk_disconnect",
    title: "Close connections",
    description: "Ends this session's connection with a machine, or all; keys and buttons that are held come up. The next \
                  call connects again. A choice by opendesk_use stays.",
    hints: Hints { read_only: false, destructive: false, idempotent: true, open_world: false },
    schema: schema::of::<Arguments>,
    run: |session, given| {
        Box::pin(async move {
            let Arguments { peer } = arguments(given)?;
            let only = peer.as_deref().map(|peer| session.target(Some(peer))).transpose()?;
            if session.is_stateless() {
                alone(session, only.as_ref())?;
            }
            disconnect(session, only.as_ref()).await
        })
    },
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The machine, or `local`; all when left out.
    peer: Option<String>,
}

/// Whoever has no session has its connections together with others: they are not to lose theirs in the middle of something.
fn alone(session: &Session, only: Option<&Target>) -> Result<(), ToolError> {
    let is_used = |target: &Target| only.is_none_or(|only| only == target);
    let other = session.history().under_way().into_iter().find_map(|call| call.target.filter(is_used));
    let Some(target) = other else { return Ok(()) };
    let why = format!("a call for {} is under way; nothing was closed, so try again when it has ended", target.name());
    Err(Error::new(ErrorCode::PermissionDenied, why).into())
}

async fn disconnect(session: &Session, only: Option<&Target>) -> Result<Output, ToolError> {
    let (links, desk) = session.held(only);
    let (mut closed, mut given_up, mut kept) = (Vec::new(), Vec::new(), Vec::new());
    for (name, link) in links {
        let state = link.state();
        if matches!(state, LinkState::Idle) {
            continue;
        }
        // Another program's command would end with it.
        if link.is_needed().await {
            kept.push(name);
        } else {
            link.close().await;
            if matches!(state, LinkState::Connected { .. }) { &mut closed } else { &mut given_up }.push(name);
        }
    }
    let released = match desk {
        Some(desk) => {
            let (done, released) = bounded(1);
            desk.release(move |result| drop(done.try_send(result)));
            released.recv().await.unwrap_or_else(|_| Err(Error::cancelled()))?;
            true
        }
        None => false,
    };
    let mut said = match closed.len() {
        0 if !given_up.is_empty() => String::new(),
        0 => "No connection was open.".to_owned(),
        1 => format!("Closed the connection with {}; what was held there is released.", closed.join("")),
        more => format!("Closed {more} connections ({}); what was held there is released.", closed.join(", ")),
    };
    if !given_up.is_empty() {
        let between = if said.is_empty() { "" } else { " " };
        said.push_str(&format!(
            "{between}Gave up the connection with {}, which was not there: what was held there its machine releases by itself.",
            given_up.join(", ")
        ));
    }
    if released {
        said.push_str(&format!(" What was held on {LOCAL} is released."));
    }
    if !kept.is_empty() {
        said.push_str(&format!(
            " The connection with {} was kept, because another program of this machine runs a command through it.",
            kept.join(", ")
        ));
    }
    if let Ok((target, Because::Used)) = session.explain(None) {
        said.push_str(&format!(" Calls without `peer` still go to {}: chosen by opendesk_use.", target.name()));
    }
    said.push_str(" A later call connects again.");
    Ok(if kept.is_empty() { Output::text(said) } else { Output::error(said) })
}
