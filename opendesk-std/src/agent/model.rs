//! What is known of models by their names: which computer tool they have, and how large a picture they see as it is.

use super::Api;
use crate::api::PictureProfile;
use crate::tools::formats::Format;

/// The first version of the family that has the toolset of computer tools, and that of each that sees large pictures.
const TOOLSET: (u32, u32) = (4, 8);
const SHARP: [(&str, (u32, u32)); 3] = [("opus", (4, 7)), ("sonnet", (5, 0)), ("fable", (5, 0))];

/// The tools that a model is offered when nobody says otherwise.
#[must_use]
pub fn format_for(api: Api, model: &str) -> Format {
    match api {
        Api::Anthropic if claude(model).is_some_and(|(_, version)| version < TOOLSET) => Format::AnthropicComputer,
        Api::Anthropic if model.contains("claude") => Format::AnthropicToolset,
        // Another maker's behind the same API has no tools of Anthropic's.
        Api::Anthropic => Format::AnthropicTools,
        Api::Openai => Format::OpenaiComputer,
        Api::OpenaiChat => Format::OpenaiChat,
    }
}

/// The size of pictures that a model takes as they are.
#[must_use]
pub fn profile_for(format: Format, model: &str) -> PictureProfile {
    match claude(model) {
        Some((family, version)) if SHARP.iter().any(|(name, from)| *name == family && version >= *from) => {
            PictureProfile::ClaudeHires
        }
        Some(_) => PictureProfile::Claude,
        None => format.profile(),
    }
}

/// The family and version in a name such as `claude-opus-4-7` or `claude-haiku-4-5-20251001`.
fn claude(model: &str) -> Option<(&str, (u32, u32))> {
    let (_, name) = model.split_once("claude-")?;
    let mut parts = name.split(['-', '@', ':', '.']);
    let family = parts.next().filter(|family| family.chars().all(|letter| letter.is_ascii_lowercase()))?;
    // A date is no version.
    let mut number = || parts.next().filter(|digits| digits.len() < 3).and_then(|digits| digits.parse().ok());
    let major = number()?;
    Some((family, (major, number().unwrap_or(0))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_get_the_tools_that_they_were_trained_with() {
        for (model, format, profile) in [
            ("claude-opus-5-5", Format::AnthropicToolset, PictureProfile::ClaudeHires),
            ("claude-sonnet-5", Format::AnthropicToolset, PictureProfile::ClaudeHires),
            ("claude-haiku-5-5", Format::AnthropicToolset, PictureProfile::Claude),
            ("claude-opus-4-7", Format::AnthropicComputer, PictureProfile::ClaudeHires),
            ("anthropic/claude-sonnet-4.6", Format::AnthropicComputer, PictureProfile::Claude),
            ("claude-haiku-4-5-20251001", Format::AnthropicComputer, PictureProfile::Claude),
            ("claude-mythos-preview", Format::AnthropicToolset, PictureProfile::Claude),
            ("glm-5", Format::AnthropicTools, PictureProfile::Claude),
        ] {
            let found = format_for(Api::Anthropic, model);
            assert_eq!((found, profile_for(found, model)), (format, profile), "{model}");
        }
        let chat = format_for(Api::OpenaiChat, "qwen3-vl");
        assert_eq!((chat, profile_for(chat, "qwen3-vl")), (Format::OpenaiChat, PictureProfile::Claude));
        let computer = format_for(Api::Openai, "gpt-6");
        assert_eq!((computer, profile_for(computer, "gpt-6")), (Format::OpenaiComputer, PictureProfile::Openai));
    }
}
