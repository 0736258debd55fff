//! What the owner of the driven machine can write: who may do what, stop, see, look back, and start at login.

use core::time::Duration;
use std::path::PathBuf;

use clap::Subcommand;
use jiff::civil::Date;

use super::Serve;

#[derive(Debug, clap::Args)]
pub(crate) struct Control {
    /// Why, for the controller and the log; what holds already keeps its reason unless another is given
    #[arg(long, default_value = "")]
    pub(crate) reason: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Policy {
    #[command(subcommand)]
    pub(crate) command: Option<PolicyCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Show the preset and the rules, numbered
    Show,
    /// Choose what is said to calls that no rule fits
    Preset {
        /// relaxed allows, standard asks about programs and deletions, strict asks about all that acts
        #[arg(value_enum)]
        preset: PresetName,
    },
    /// Add a rule; the first one that fits a call decides
    AddRule(AddRule),
    /// Remove a rule by its number in `policy show`
    RemoveRule {
        /// The number, from 1
        number: usize,
    },
    /// Tell what the rules say to a call
    Test {
        /// The method, such as process.shell
        method: String,
        /// Its parameters, a JSON object as version 1 has it [default: only what the method alone decides]
        arguments: Option<String>,
        /// The controller: its name, the beginning of its fingerprint, or its key
        #[arg(long, default_value = "")]
        peer: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum PresetName {
    Relaxed,
    Standard,
    Strict,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum DecisionName {
    Allow,
    Confirm,
    Block,
}

#[derive(Debug, clap::Args)]
pub(crate) struct AddRule {
    /// The tool or method: a pattern with * and ?
    #[arg(long)]
    pub(crate) tool: String,
    /// What the tool does: a pattern
    #[arg(long)]
    pub(crate) action: Option<String>,
    /// The application that is meant: a pattern, or a part of its name
    #[arg(long)]
    pub(crate) app: Option<String>,
    /// The controller's name: a pattern; or its whole fingerprint or key, which stays when it is renamed
    #[arg(long)]
    pub(crate) peer: Option<String>,
    /// What to do with such a call
    #[arg(long, value_enum)]
    pub(crate) decision: DecisionName,
    /// Why, for the controller and the log
    #[arg(long)]
    pub(crate) reason: Option<String>,
    /// Put it before the other rules
    #[arg(long)]
    pub(crate) first: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Status {
    /// Keep showing it, with the last calls, and answer what asks for approval
    #[arg(long)]
    pub(crate) watch: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Describe {
    /// The description [default: show it]
    pub(crate) text: Option<String>,
    /// Have no description
    #[arg(long, conflicts_with = "text")]
    pub(crate) clear: bool,
}

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Audit {
    #[command(subcommand)]
    pub(crate) command: Option<AuditCommand>,
    /// Only entries of this day, such as 2026-05-12
    #[arg(long)]
    pub(crate) date: Option<Date>,
    /// Only entries from then on: a time such as 2026-05-12T10:00, or how long ago, such as 30m, 2h or 3d
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<String>,
    /// Only entries about this controller: its name, or the beginning of its fingerprint
    #[arg(long)]
    pub(crate) peer: Option<String>,
    /// Only calls of this method: a pattern with * and ?
    #[arg(long)]
    pub(crate) method: Option<String>,
    /// The last so many entries; 0 for all
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: usize,
    /// Then show what is added, over midnight too
    #[arg(short, long)]
    pub(crate) follow: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Have a running `opendesk serve` act again after somebody else has changed, cut or removed its log
    Acknowledge,
    /// Check that every line is as it was written, and that none is missing: the chain of hashes of each file, its signed
    /// checkpoints, and the signed end of the log
    Verify {
        /// Files of a log, or folders that hold one, of any machine [default: all of this machine]
        files: Vec<PathBuf>,
        /// The signing keys of the machine, one in hex a line, as `opendesk identity` shows them [default: this machine's]
        #[arg(long, value_name = "FILE")]
        pubkey: Option<PathBuf>,
    },
}

#[derive(Debug, clap::Args)]
#[command(mut_arg("record", |arg| arg.hide(true)), mut_arg("wait_for_desktop", |arg| arg.hide(true)))]
pub(crate) struct InstallService {
    /// What the service serves with
    #[command(flatten)]
    pub(crate) serve: Serve,
    /// Only print the file and where it would be
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Install it, and do not start it now
    #[arg(long)]
    pub(crate) no_start: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Service {
    #[command(subcommand)]
    pub(crate) command: ServiceCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ServiceCommand {
    /// Tell whether the service is installed, and whether it runs
    Status,
}

/// How long a trust lasts: a number and a unit, such as 45m, 8h or 7d.
pub(crate) fn span(text: &str) -> Result<Duration, String> {
    let wrong = || "say how long as 45m, 8h or 7d".to_owned();
    let (number, unit) = text.split_at(text.len() - text.chars().last().map_or(0, char::len_utf8));
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    let seconds = number.checked_mul(unit).filter(|seconds| (1..=365 * 86_400).contains(seconds));
    seconds.map(Duration::from_secs).ok_or_else(|| "a trust lasts for at least a second and at most a year".to_owned())
}
