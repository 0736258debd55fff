//! `opendesk man`.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory as _};
use clap_mangen::Man;
use serde_json::json;

use super::save;
use crate::args::{self, Args};
use crate::exit::Failure;
use crate::output;

/// What `--help` says below the options.
pub(crate) const HELP: &str = "\
Without --out the page of the program itself goes to standard output: opendesk man | man -l -
To have them all: opendesk man --out ~/.local/share/man/man1";

pub(super) fn run(json: bool, options: &args::Man) -> Result<(), Failure> {
    let mut command = Args::command().disable_help_subcommand(true);
    // Gives every command the name that its page goes by, and the options that all of them take.
    command.build();
    let Some(folder) = &options.out else {
        let page = page(&command)?.1;
        output::line(String::from_utf8_lossy(&page).trim_end());
        return Ok(());
    };
    fs::create_dir_all(folder)
        .map_err(|error| Failure::failed(format!("cannot make {}: {error}", folder.display())))?;
    let mut files = Vec::new();
    write(&command, folder, &mut files)?;
    let value = json!({"ok": true, "files": files});
    output::result(json, &value, || format!("{} pages are in {}", files.len(), folder.display()));
    Ok(())
}

/// Writes the pages of a command and of those below it.
fn write(command: &Command, folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let (name, page) = page(command)?;
    let path = folder.join(name);
    save(&path, &page)?;
    files.push(path);
    let shown = command.get_subcommands().filter(|below| !below.is_hide_set());
    shown.into_iter().try_for_each(|below| write(below, folder, files))
}

fn page(command: &Command) -> Result<(String, Vec<u8>), Failure> {
    let man = Man::new(command.clone()).manual("opendesk").source(concat!("opendesk ", env!("CARGO_PKG_VERSION")));
    let mut page = Vec::new();
    man.render(&mut page).map_err(|error| Failure::failed(format!("the page cannot be made: {error}")))?;
    Ok((man.get_filename(), page))
}
