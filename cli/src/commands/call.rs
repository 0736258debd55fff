//! `opendesk call`.

use opendesk_std::home::plain_text;
use opendesk_std::tools::{Block, Output, Session};
use serde_json::Value;

use super::{Context, save, within};
use crate::args;
use crate::exit::Failure;
use crate::output;

pub(super) async fn run(context: &Context, options: args::Call) -> Result<(), Failure> {
    let mut arguments = arguments(&options.arguments)?;
    if options.tool == "opendesk_use" {
        return Err(Failure::usage(
            "opendesk_use chooses for a session, and each `opendesk call` is one of its own; `opendesk peers default` chooses \
             for all that come",
        ));
    }
    if let Some(peer) = &options.peer {
        if arguments.get("peer").is_some() {
            return Err(Failure::usage("the machine is named twice: by --peer and by `peer` in the arguments"));
        }
        arguments["peer"] = peer.as_str().into();
    }
    within(context, options.backend, async |session: &Session| {
        let given = session.try_tool(&options.tool, arguments).await?;
        tell(context, &options, &given)
    })
    .await
}

/// Prints what a tool gave, and saves its picture where that is wanted.
fn tell(context: &Context, options: &args::Call, given: &Output) -> Result<(), Failure> {
    if given.is_error {
        return Err(Failure::of_tool(given, plain_text(&given.all_text())));
    }
    if let Some(path) = &options.out {
        let image =
            given.image().ok_or_else(|| Failure::usage(format!("{} gives no picture to save", options.tool)))?;
        save(path, image)?;
    }
    output::result(context.json, &given.to_json(), || text(given, options.out.is_some()));
    Ok(())
}

/// The JSON object that a tool is given.
pub(super) fn arguments(text: &str) -> Result<Value, Failure> {
    let given: Value =
        serde_json::from_str(text).map_err(|error| Failure::usage(format!("the arguments are no JSON: {error}")))?;
    if given.is_object() {
        return Ok(given);
    }
    Err(Failure::usage("the arguments must be a JSON object, such as '{\"action\": \"press\", \"key\": \"enter\"}'"))
}

fn text(given: &Output, saved: bool) -> String {
    let lines = given.blocks.iter().map(|block| match block {
        Block::Text(text) => text.clone(),
        Block::Image { mime_type, data } if saved => format!("{mime_type} of {} bytes saved", data.len()),
        Block::Image { mime_type, data } => format!("{mime_type} of {} bytes; --out FILE saves it", data.len()),
    });
    lines.collect::<Vec<_>>().join("\n")
}
