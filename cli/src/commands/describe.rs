//! `opendesk describe`: how this machine describes itself to the controllers that it trusts.

use opendesk_std::home::printable;
use serde_json::json;

use super::Context;
use crate::args;
use crate::exit::Failure;
use crate::output;

pub(super) async fn run(context: &Context, options: args::Describe) -> Result<(), Failure> {
    let text = if options.clear { Some(String::new()) } else { options.text };
    if let Some(text) = &text {
        context.home.set_description(text).map_err(Failure::argument)?;
    }
    let description = context.home.description();
    output::result(context.json, &json!({"description": description}), || match description.as_str() {
        "" => "this machine has no description".to_owned(),
        description => printable(description),
    });
    Ok(())
}
