//! `opendesk install` and `opendesk uninstall`.

mod program;
mod report;

use core::fmt::Write as _;
use std::path::Path;

use opendesk_std::clients::{self, Change, Client, ConfigError, Entry, Outcome, Places, Scope, System};
use serde_json::json;

use self::program::{Program, program};
use super::Context;
use crate::args;
use crate::exit::Failure;
use crate::output;

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        match error {
            ConfigError::NoProjectFile { .. } | ConfigError::Name(_) => Self::usage(error.to_string()),
            _ => Self::failed(error.to_string()),
        }
    }
}

/// Below the options of the command.
pub(crate) fn help() -> String {
    let mut help = String::from("The clients and their files:\n");
    for client in Client::ALL {
        // A text cannot fail to take more of it.
        let _written = writeln!(help, "  {:<14}  {}", client.word(), client.files(System::here())).is_ok();
    }
    help.push_str(
        "\n\
A file is changed in one step, or not at all: what else is in it stays as it is, with its comments, and one that
cannot be read is left alone. What was in it before is beside it: as FILE.opendesk-backup before the first change,
as FILE.opendesk-backup-last before the latest. Nothing but the entry is ever taken out again.",
    );
    help
}

pub(super) async fn run(context: &Context, options: args::Install) -> Result<(), Failure> {
    let args::Install { which, backend } = options;
    let program = program()?;
    let entry = entry(context, &program.path, backend)?;
    let places = Places::here()?;
    let (scope, is_dry) = (Scope::from(which.scope), which.dry_run);
    let chosen = chosen(&which, &places)?;
    if chosen.is_empty() {
        let words = Client::ALL.map(Client::word).join(", ");
        return Err(Failure::failed(format!(
            "no MCP client is found on this machine; name the one to install into: {words}"
        )));
    }
    let done =
        chosen.iter().map(|client| (*client, clients::install(*client, scope, &places, &which.name, &entry, is_dry)));
    let done = done.collect::<Vec<_>>();
    tell(context, &which, &places, Some((&program, &entry)), &done)
}

pub(super) async fn uninstall(context: &Context, options: args::Uninstall) -> Result<(), Failure> {
    let which = options.which;
    let places = Places::here()?;
    let (scope, is_dry) = (Scope::from(which.scope), which.dry_run);
    let chosen = chosen(&which, &places)?;
    let done = chosen.iter().map(|client| (*client, clients::uninstall(*client, scope, &places, &which.name, is_dry)));
    tell(context, &which, &places, None, &done.collect::<Vec<_>>())
}

type Done = (Client, Result<Change, ConfigError>);

/// The clients that are meant: those that were named, else those that are there.
fn chosen(which: &args::Which, places: &Places) -> Result<Vec<Client>, Failure> {
    let mut named: Vec<Client> = Vec::new();
    for client in &which.clients {
        if !named.contains(client) {
            named.push(*client);
        }
    }
    let scope = Scope::from(which.scope);
    if !named.is_empty() {
        // A client without such a file is a wrong command line, before anything is done for the others.
        named.iter().try_for_each(|client| client.file(places, scope).map(drop))?;
        return Ok(named);
    }
    if scope == Scope::Project {
        return Err(Failure::usage("name the clients whose configuration of this project is meant"));
    }
    Ok(Client::ALL.into_iter().filter(|client| client.is_found(places)).collect())
}

/// How a client starts this program so that it finds the home that it has now.
fn entry(context: &Context, program: &Path, backend: Option<opendesk_std::desktop::Backend>) -> Result<Entry, Failure> {
    let text = |path: &Path| {
        let text = path.to_str().map(str::to_owned);
        text.ok_or_else(|| Failure::failed(format!("{} is not UTF-8, which a client reads", path.display())))
    };
    let mut args = vec!["mcp".to_owned()];
    let home = context.home.path();
    let usual = std::env::home_dir().map(|folder| folder.join(".opendesk"));
    if usual.as_deref() != Some(home) {
        args.extend(["--home".to_owned(), text(home)?]);
    }
    if let Some(backend) = backend {
        args.extend(["--backend".to_owned(), backend.to_string()]);
    }
    Ok(Entry { command: text(program)?, args })
}

/// Says what became of each, and fails where one of them did.
fn tell(
    context: &Context,
    which: &args::Which,
    places: &Places,
    installed: Option<(&Program, &Entry)>,
    done: &[Done],
) -> Result<(), Failure> {
    let is_all = which.clients.is_empty();
    let missing: Vec<Client> = if is_all {
        Client::ALL.into_iter().filter(|client| done.iter().all(|(there, _)| there != client)).collect()
    } else {
        Vec::new()
    };
    let errors: Vec<String> =
        done.iter().filter_map(|(_, done)| done.as_ref().err().map(ToString::to_string)).collect();
    let warning = installed.and_then(|(program, _)| program.warning.as_ref());
    let result = json!({
        "ok": errors.is_empty(),
        "exit_code": u8::from(!errors.is_empty()),
        "dry_run": which.dry_run,
        "name": which.name,
        "command": installed.map(|(_, entry)| &entry.command),
        "args": installed.map(|(_, entry)| &entry.args),
        "warning": warning,
        "clients": done.iter().map(report::json).collect::<Vec<_>>(),
        "not_found": missing.iter().map(|client| client.word()).collect::<Vec<_>>(),
    });
    let is_told = |(_, done): &&Done| {
        // Of all clients, those that never had it are not worth a line each.
        done.as_ref().is_ok_and(|change| !(is_all && change.outcome == Outcome::Absent))
    };
    let told: Vec<&Done> = done.iter().filter(is_told).collect();
    let mut text: Vec<String> =
        told.iter().filter_map(|(_, done)| Some(report::text(done.as_ref().ok()?, which, places))).collect();
    if !missing.is_empty() && installed.is_some() {
        let words: Vec<&str> = missing.iter().map(|client| client.word()).collect();
        text.push(format!("not found on this machine: {}", words.join(", ")));
    }
    if text.is_empty() && errors.is_empty() {
        text.push(format!("{} is in the configuration of no client", which.name));
    }
    if let Some(warning) = warning.filter(|_| !context.json && errors.len() < done.len()) {
        output::note(&format!("opendesk: {warning}"));
    }
    if context.json || !text.is_empty() {
        output::result(context.json, &result, || text.join("\n"));
    }
    match errors.as_slice() {
        [] => Ok(()),
        errors if context.json => Err(Failure::failed(errors.join("; ")).told()),
        errors => Err(Failure::failed(errors.join("; "))),
    }
}
