//! The arguments of `opendesk tools`, `opendesk agent-call` and `opendesk agent`.

use std::path::PathBuf;

use opendesk_std::agent::Api;
use opendesk_std::api::PictureProfile;
use opendesk_std::desktop::Backend;

/// Whose format tools are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Sdk {
    Mcp,
    Anthropic,
    Openai,
    Langchain,
}

impl Sdk {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Mcp => "mcp",
            Self::Anthropic => "anthropic",
            Self::Openai => "openai",
            Self::Langchain => "langchain",
        }
    }
}

/// How large pictures are for a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ProfileName {
    /// At most 1568 pixels long
    Claude,
    /// At most 2576 pixels long
    ClaudeHires,
    /// At most 1600x900 pixels
    Openai,
    /// The device's own pixels
    Native,
}

impl From<ProfileName> for PictureProfile {
    fn from(name: ProfileName) -> Self {
        match name {
            ProfileName::Claude => Self::Claude,
            ProfileName::ClaudeHires => Self::ClaudeHires,
            ProfileName::Openai => Self::Openai,
            ProfileName::Native => Self::Native,
        }
    }
}

/// What an endpoint speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ApiName {
    /// Anthropic's Messages API
    Anthropic,
    /// OpenAI's Responses API
    Openai,
    /// OpenAI's chat completions, which many other endpoints speak
    OpenaiChat,
}

impl From<ApiName> for Api {
    fn from(name: ApiName) -> Self {
        match name {
            ApiName::Anthropic => Self::Anthropic,
            ApiName::Openai => Self::Openai,
            ApiName::OpenaiChat => Self::OpenaiChat,
        }
    }
}

/// The desktop, and the model's view of it.
#[derive(Debug, clap::Args)]
pub(crate) struct Sight {
    /// The machine that calls go to which name none, or `local` [default: as for agents' calls]
    #[arg(long)]
    pub(crate) peer: Option<String>,
    /// The desktop that `local` means: auto, x11 or virtual
    #[arg(long, default_value_t)]
    pub(crate) backend: Backend,
    /// How large pictures may be [default: what every model behind the format takes as it is]
    #[arg(long, value_enum)]
    pub(crate) profile: Option<ProfileName>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Tools {
    /// The SDK
    #[arg(long, value_enum)]
    pub(crate) format: Sdk,
    /// The type of tools. anthropic: computer_toolset_20260801, computer_20251124, plain; openai: computer, function, chat
    /// [default: the first]
    #[arg(long, value_name = "TYPE")]
    pub(crate) tool_type: Option<String>,
    #[command(flatten)]
    pub(crate) sight: Sight,
}

#[derive(Debug, clap::Args)]
pub(crate) struct AgentCall {
    /// The SDK
    #[arg(long, value_enum)]
    pub(crate) format: Sdk,
    /// The type of tools. anthropic: computer_toolset_20260801, computer_20251124, plain; openai: computer, function, chat
    /// [default: the first]
    #[arg(long, value_name = "TYPE")]
    pub(crate) tool_type: Option<String>,
    /// Take one block or list from each line of standard input, and print a line for each, all in one session
    #[arg(long)]
    pub(crate) lines: bool,
    /// A pending safety check of OpenAI's, by its id, that a person has seen and agreed to
    #[arg(long, value_name = "ID")]
    pub(crate) acknowledge: Vec<String>,
    #[command(flatten)]
    pub(crate) sight: Sight,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Agent {
    /// What the model has to do, or `-` for all of standard input
    pub(crate) task: String,
    /// The model, as the endpoint calls it
    #[arg(long)]
    pub(crate) model: String,
    /// What the endpoint speaks [default: anthropic for a model that is called claude, else openai]
    #[arg(long, value_enum)]
    pub(crate) api: Option<ApiName>,
    /// Where the endpoint is [default: that of api.anthropic.com, or of api.openai.com]
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// The environment variable with the endpoint's key [default: ANTHROPIC_API_KEY or OPENAI_API_KEY]
    #[arg(long, value_name = "NAME")]
    pub(crate) api_key_env: Option<String>,
    /// The type of tools, as `opendesk tools` has them [default: the model's own computer tool; plain ones for others]
    #[arg(long, value_name = "TYPE")]
    pub(crate) tool_type: Option<String>,
    /// How many requests there may be; one that was sent and not answered counts, too
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_steps: u32,
    /// What may be spent; needs both prices. It is looked at before each request, so the last one may go over it. What the
    /// endpoint does not tell, or did not answer, counts as a token for each 4 bytes of the request, rounded up, and
    /// --max-tokens written
    #[arg(long, value_name = "AMOUNT", requires_all = ["price_in", "price_out"])]
    pub(crate) max_cost: Option<f64>,
    /// The price of a million tokens that the model reads; those from a cache count in full
    #[arg(long, value_name = "AMOUNT", requires = "price_out")]
    pub(crate) price_in: Option<f64>,
    /// The price of a million tokens that the model writes
    #[arg(long, value_name = "AMOUNT", requires = "price_in")]
    pub(crate) price_out: Option<f64>,
    /// The most tokens of one answer
    #[arg(long, value_name = "N", default_value_t = 16_384, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_tokens: u32,
    /// How long all of it may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 1800, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) timeout: u64,
    /// Ask on this terminal before the calls of each answer are made
    #[arg(long)]
    pub(crate) confirm: bool,
    /// Write requests, answers and results into a new file, a line of JSON each. It holds what is typed and read
    #[arg(long, value_name = "FILE")]
    pub(crate) transcript: Option<PathBuf>,
    /// Keep the pictures in the transcript
    #[arg(long, requires = "transcript")]
    pub(crate) transcript_images: bool,
    /// Send the key and all pictures without encryption to an http:// address of another machine
    #[arg(long)]
    pub(crate) insecure_http: bool,
    #[command(flatten)]
    pub(crate) sight: Sight,
}
