//! One tool on many machines.

use std::path::PathBuf;

use opendesk_std::desktop::Backend;
use opendesk_std::tools::Tool;

#[derive(Debug, clap::Args)]
pub(crate) struct Fleet {
    #[arg(help = super::tools(Tool::is_for_a_fleet))]
    pub(crate) tool: String,
    /// Its arguments, a JSON object; without `peer`, which is each machine in turn
    #[arg(default_value = "{}")]
    pub(crate) arguments: String,
    /// The machines, with commas between them: names or whatever else `call --peer` takes, `local` for this machine, and
    /// `all` for every paired machine that can be driven from here. May be given more than once
    #[arg(long, value_name = "NAMES", required = true)]
    pub(crate) peers: Vec<String>,
    /// Of those only the machines whose name or description holds all these words
    #[arg(long, value_name = "WORDS", default_value = "", hide_default_value = true)]
    pub(crate) r#match: String,
    /// How many machines are called at once; one that is not connected after a second counts no more
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) concurrency: u16,
    /// How long each machine may take, in seconds, from when its turn has come
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) timeout: u64,
    /// Save the pictures that the tool gives into this directory, each under the name of its machine
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// The desktop that `local` means: auto, x11 or virtual
    #[arg(long, default_value_t)]
    pub(crate) backend: Backend,
}
