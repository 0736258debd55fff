//! What a shell and its user are told of the program.

use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Man {
    /// Write the pages of all commands into this directory, each as opendesk-COMMAND.1
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}
