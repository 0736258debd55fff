//! The arguments of `opendesk install` and `opendesk uninstall`.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use opendesk_std::clients::{Client, Scope};
use opendesk_std::desktop::Backend;

#[derive(Debug, clap::Args)]
pub(crate) struct Install {
    #[command(flatten)]
    pub(crate) which: Which,
    /// The desktop that `local` means to the client's server: auto, x11 or virtual
    #[arg(long)]
    pub(crate) backend: Option<Backend>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Uninstall {
    #[command(flatten)]
    pub(crate) which: Which,
}

/// Which configurations are meant, and what in them.
#[derive(Debug, clap::Args)]
pub(crate) struct Which {
    /// The clients [default: all that are found on this machine]
    #[arg(value_name = "CLIENT", value_parser = client())]
    pub(crate) clients: Vec<Client>,
    /// Whose configuration: the user's, or that of the project in this folder
    #[arg(long, value_enum, default_value_t = ScopeName::User)]
    pub(crate) scope: ScopeName,
    /// What the server is called in the configuration
    #[arg(long, default_value = "opendesk")]
    pub(crate) name: String,
    /// Show what would change, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ScopeName {
    User,
    Project,
}

impl From<ScopeName> for Scope {
    fn from(name: ScopeName) -> Self {
        match name {
            ScopeName::User => Self::User,
            ScopeName::Project => Self::Project,
        }
    }
}

fn client() -> impl TypedValueParser<Value = Client> {
    let words = Client::ALL.map(|client| PossibleValue::new(client.word()));
    PossibleValuesParser::new(words).try_map(|word| Client::from_word(&word).ok_or("there is no such client"))
}
