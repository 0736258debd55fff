//! What can be written after `opendesk cp`.

use std::ffi::OsString;

#[derive(Debug, clap::Args)]
pub(crate) struct Copy {
    /// Copy folders with all that they contain. Symbolic links in them are left out
    #[arg(short, long)]
    pub(crate) recursive: bool,
    /// Copy everything again, also what an earlier copy that broke off has left
    #[arg(long)]
    pub(crate) no_resume: bool,
    /// Show no progress, and do not list what is left out
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// The file or folder: PEER:PATH on a paired machine, or PATH here
    #[arg(value_name = "SRC")]
    pub(crate) source: OsString,
    /// Where it goes, in the same way. Into it, if it is a folder
    #[arg(value_name = "DST")]
    pub(crate) destination: OsString,
}
