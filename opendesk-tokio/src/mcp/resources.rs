//! What a client can read besides calling tools.

use opendesk_std::tools::{Block, Session};
use rmcp::ErrorData;
use rmcp::model::{ReadResourceResult, Resource, ResourceContents, ResourceTemplate};
use serde_json::json;

const PEERS: &str = "opendesk://peers";
const AUDIT: &str = "opendesk://audit";
const SHOTS: &str = "opendesk://shots/";

/// One JSON object a line.
const JSON_LINES: &str = "application/jsonl";

/// What there is to read now.
pub(super) fn list(session: &Session) -> Vec<Resource> {
    let mut resources = vec![
        Resource::new(PEERS, "peers")
            .with_title("Paired machines")
            .with_description("The desktops that can be driven, and which one calls without `peer` go to.")
            .with_mime_type("application/json"),
        Resource::new(AUDIT, "audit")
            .with_title("What this session did")
            .with_description("Every tool call of this session, without what was typed; nothing without a session.")
            .with_mime_type(JSON_LINES),
    ];
    let shots = session.kept_shots().into_iter().filter_map(|id| {
        let (mime_type, data) = session.shot_image(&id)?;
        let shot = Resource::new(format!("{SHOTS}{id}"), id.clone()).with_title(format!("Screenshot {id}"));
        Some(shot.with_mime_type(mime_type).with_size(data.len() as u64))
    });
    resources.extend(shots);
    resources
}

pub(super) fn templates() -> Vec<ResourceTemplate> {
    vec![
        ResourceTemplate::new(format!("{SHOTS}{{id}}"), "shots")
            .with_title("Screenshots")
            .with_description("A picture that a tool has shown, by its shot_id. The last 16 are remembered."),
    ]
}

/// The content at a URI.
pub(super) fn read(session: &Session, uri: &str) -> Result<ReadResourceResult, ErrorData> {
    let missing = |why: String| ErrorData::resource_not_found(why, Some(json!({"uri": uri})));
    let content = match uri {
        PEERS => {
            let peers = session.peers_json().map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
            ResourceContents::text(peers.to_string(), uri).with_mime_type("application/json")
        }
        AUDIT => ResourceContents::text(session.history_lines(), uri).with_mime_type(JSON_LINES),
        _ => {
            let Some(id) = uri.strip_prefix(SHOTS) else {
                return Err(missing(format!("nothing is at {uri:?}; resources/list names what there is")));
            };
            let (mime_type, data) = session
                .shot_image(id)
                .ok_or_else(|| missing(format!("no picture is remembered as {id:?}; take another with screenshot")))?;
            ResourceContents::blob(Block::base64(&data), uri).with_mime_type(mime_type)
        }
    };
    Ok(ReadResourceResult::new(vec![content]))
}
