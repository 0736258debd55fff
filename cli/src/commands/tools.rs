//! `opendesk tools`.

use opendesk_std::tools::Session;
use opendesk_std::tools::formats::{self, Adapter, CallError, Format, Options};
use serde_json::Value;

use super::{Context, within};
use crate::args::{self, Sdk, Sight};
use crate::exit::Failure;
use crate::output;

pub(super) async fn run(context: &Context, options: args::Tools) -> Result<(), Failure> {
    let format = format(options.format, options.tool_type.as_deref())?;
    let definitions = if format == Format::AnthropicComputer {
        // It tells the size of the desktop.
        within(context, options.sight.backend, async |session: &Session| {
            let mut adapter = Adapter::new(session.clone(), format, how(format, &options.sight));
            Ok(adapter.definitions().await?)
        })
        .await?
    } else {
        formats::definitions(format, (0, 0))
    };
    output::result(context.json, &definitions, || pretty(&definitions));
    Ok(())
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string())
}

pub(super) fn format(sdk: Sdk, tool_type: Option<&str>) -> Result<Format, Failure> {
    Format::named(sdk.name(), tool_type).map_err(|error| Failure::usage(format!("--tool-type: {error}")))
}

/// How calls are carried out on the desktop that was chosen.
pub(super) fn how(format: Format, sight: &Sight) -> Options {
    let profile = sight.profile.map_or_else(|| format.profile(), Into::into);
    Options { peer: sight.peer.clone(), profile, ..Options::of(format) }
}

/// What cannot be carried out as it is.
pub(super) fn failure(error: &CallError) -> Failure {
    match error {
        CallError::Malformed(why) => Failure::usage(why.clone()),
        CallError::Safety(_) => {
            Failure::untrusted(format!("{error}; show it to them, and then name what they agreed to by --acknowledge"))
        }
    }
}
