//! The tools in the formats of agent SDKs: what a model is offered, what it asks for, and what it is answered.

mod adapter;
mod anthropic;
mod calls;
mod computer;
mod keys;
mod langchain;
mod mcp;
mod openai;

use core::fmt;

use serde_json::Value;

pub use self::adapter::Adapter;
use self::calls::{Answered, Call, Wanted, needed, no_call, of_tool};
pub(crate) use self::openai::NO_PICTURE;
use super::{Block, Session, TOOLS, Tool};
use crate::api::PictureProfile;
use crate::home::printable;

/// A format in which tools are offered, called and answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `tools/list` and `tools/call` of MCP.
    Mcp,
    /// Anthropic's `computer_toolset_20260801`, and what it does not cover as plain tools.
    AnthropicToolset,
    /// Anthropic's `computer_20251124`, for older models, and what it does not cover as plain tools.
    AnthropicComputer,
    /// Every tool as a plain one of Anthropic's Messages API.
    AnthropicTools,
    /// `computer` of OpenAI's Responses API, and what it does not cover as functions.
    OpenaiComputer,
    /// Every tool as a function of OpenAI's Responses API.
    OpenaiFunctions,
    /// Every tool as a function of the chat completions that many endpoints understand.
    OpenaiChat,
    /// The arguments and results of LangChain's `StructuredTool`.
    Langchain,
}

/// The formats by SDK and type of tool; the first of an SDK is its default.
const NAMES: [(&str, &str, Format); 8] = [
    ("mcp", "plain", Format::Mcp),
    ("anthropic", "computer_toolset_20260801", Format::AnthropicToolset),
    ("anthropic", "computer_20251124", Format::AnthropicComputer),
    ("anthropic", "plain", Format::AnthropicTools),
    ("openai", "computer", Format::OpenaiComputer),
    ("openai", "function", Format::OpenaiFunctions),
    ("openai", "chat", Format::OpenaiChat),
    ("langchain", "plain", Format::Langchain),
];

/// What the native computer tools of a model do themselves.
const COVERED: [&str; 4] = ["computer_batch", "keyboard", "mouse", "screenshot"];

/// Pictures above this many bytes become JPEGs. It is so much that they never have to become smaller as well: the pixels in
/// which a model points stay the same.
const MOST_BYTES: u32 = 1_500_000;

/// What is said of a call that was not made because one before it failed; models know the sentence.
const NOT_EXECUTED: &str = "Not executed: an earlier computer action in this turn failed.";

impl Format {
    /// The format of an SDK (`mcp`, `anthropic`, `openai`, `langchain`), with one of its types of tools.
    ///
    /// # Errors
    /// [`CallError::Malformed`] names the types that the SDK has.
    pub fn named(sdk: &str, tool_type: Option<&str>) -> Result<Self, CallError> {
        let mut of_sdk = NAMES.into_iter().filter(|(name, ..)| *name == sdk);
        let found = match tool_type {
            None => of_sdk.next(),
            Some(wanted) => of_sdk.find(|(_, name, _)| *name == wanted),
        };
        found.map(|(.., format)| format).ok_or_else(|| {
            let types: Vec<&str> = NAMES.iter().filter(|(name, ..)| *name == sdk).map(|(_, name, _)| *name).collect();
            CallError::Malformed(format!("{sdk} has no tools of this type; there are {}", types.join(", ")))
        })
    }

    /// Whether the model points and types by a tool of its own maker's.
    #[must_use]
    pub const fn is_native(self) -> bool {
        matches!(self, Self::AnthropicToolset | Self::AnthropicComputer | Self::OpenaiComputer)
    }

    /// The size of pictures that every model behind it takes as they are: for our own tools what they give when nobody asks
    /// for another.
    #[must_use]
    pub const fn profile(self) -> PictureProfile {
        match self {
            Self::OpenaiComputer => PictureProfile::Openai,
            _ => PictureProfile::Claude,
        }
    }
}

/// How calls are carried out.
#[derive(Debug, Clone)]
pub struct Options {
    /// The machine that calls without a `peer` go to.
    pub peer: Option<String>,
    /// The size of pictures.
    pub profile: PictureProfile,
    /// The session ends behind the call, and all that is held is released with it.
    pub is_one_shot: bool,
    /// Safety checks of OpenAI's that a person has seen and agreed to, by their ids.
    pub acknowledged: Vec<String>,
}

impl Options {
    /// Those of a format.
    #[must_use]
    pub const fn of(format: Format) -> Self {
        Self { peer: None, profile: format.profile(), is_one_shot: false, acknowledged: Vec::new() }
    }
}

/// A check of OpenAI's that a person has to agree to before a call is carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SafetyCheck {
    /// What it is called by.
    pub id: String,
    /// Its kind.
    pub code: String,
    /// What it warns of, in the words of the model's provider.
    pub message: String,
}

/// Why nothing was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallError {
    /// What was given is no call in the format.
    Malformed(String),
    /// A person has to agree first.
    Safety(Vec<SafetyCheck>),
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(why) => f.write_str(why),
            Self::Safety(checks) => {
                f.write_str("the model's provider wants a person to agree first:")?;
                for check in checks {
                    let [id, code, message] = [&check.id, &check.code, &check.message].map(|text| printable(text));
                    write!(f, " {id} ({code}: {message})")?;
                }
                Ok(())
            }
        }
    }
}

impl core::error::Error for CallError {}

/// The tools as a model is offered them. `display` is the size of the pictures, which only `computer_20251124` is told.
#[must_use]
pub fn definitions(format: Format, display: (u32, u32)) -> Value {
    let plain = |shape: fn(&Tool) -> Value| -> Vec<Value> { TOOLS.iter().map(shape).collect() };
    let beside = |native: Value, shape: fn(&Tool) -> Value| {
        let others = TOOLS.iter().filter(|tool| !COVERED.contains(&tool.name)).map(shape);
        core::iter::once(native).chain(others).collect()
    };
    Value::Array(match format {
        Format::Mcp => plain(mcp::definition),
        Format::AnthropicToolset => beside(anthropic::toolset(), anthropic::definition),
        Format::AnthropicComputer => beside(anthropic::computer(display), anthropic::definition),
        Format::AnthropicTools => plain(anthropic::definition),
        Format::OpenaiComputer => beside(openai::computer(), openai::definition),
        Format::OpenaiFunctions => plain(openai::definition),
        Format::OpenaiChat => plain(openai::chat::definition),
        Format::Langchain => plain(langchain::definition),
    })
}

/// Carries out what a model asks for, in a session that does nothing else; see [`Adapter::answer`].
///
/// # Errors
/// [`CallError`].
pub async fn call(session: &Session, format: Format, block: &Value) -> Result<Value, CallError> {
    Adapter::new(session.clone(), format, Options::of(format)).answer(block).await
}

fn data_url(mime_type: &str, data: &[u8]) -> String {
    format!("data:{mime_type};base64,{}", Block::base64(data))
}

#[cfg(test)]
mod tests;
