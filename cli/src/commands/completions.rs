//! `opendesk completions`.

use clap::CommandFactory as _;

use crate::args::{self, Args};
use crate::exit::Failure;
use crate::output;

/// What `--help` says below the options.
pub(crate) const HELP: &str = "\
The script goes to standard output:
  bash        opendesk completions bash > ~/.local/share/bash-completion/completions/opendesk
  zsh         opendesk completions zsh > \"${fpath[1]}/_opendesk\"
  fish        opendesk completions fish > ~/.config/fish/completions/opendesk.fish
  PowerShell  opendesk completions powershell | Out-String | Invoke-Expression
  elvish      eval (opendesk completions elvish | slurp)";

pub(super) fn run(options: &args::Completions) -> Result<(), Failure> {
    let mut command = Args::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut command, name, &mut script);
    output::line(String::from_utf8_lossy(&script).trim_end());
    Ok(())
}
