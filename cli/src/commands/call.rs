//! `opendesk call`.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use opendesk_std::home::plain_text;
use opendesk_std::tools::{Block, Output, Session};
use serde_json::Value;

use super::{Context, unwritten, within};
use crate::args;
use crate::exit::Failure;
use crate::output;

pub(super) async fn run(context: &Context, options: args::Call) -> Result<(), Failure> {
    let mut arguments = arguments(&options.arguments)?;
    if options.tool == "opendesk_use" {
        return Err(Failure::usage(
            "opendesk_use chooses for a session, and each `opendesk call` is one of its own; `opendesk peers default` chooses \
             for all that come",
        ));
    }
    if let Some(peer) = &options.peer {
        if arguments.get("peer").is_some() {
            return Err(Failure::usage("the machine is named twice: by --peer and by `peer` in the arguments"));
        }
        arguments["peer"] = peer.as_str().into();
    }
    // Before anything is done: it is not to be done again because of a wrong path.
    let out = options.out.as_deref().map(Out::open).transpose()?;
    within(context, options.backend, async |session: &Session| {
        let given = session.try_tool(&options.tool, arguments).await?;
        tell(context, &options.tool, &given, out)
    })
    .await
}

/// Saves the picture where that is wanted, and prints what a tool gave: it was carried out, whatever becomes of the picture.
fn tell(context: &Context, tool: &str, given: &Output, out: Option<Out<'_>>) -> Result<(), Failure> {
    let is_wanted = out.is_some();
    let saved = out.map_or(Ok(()), |out| match given.image() {
        Some(image) => out.fill(image),
        None => Err(Failure::failed(format!("{tool} was carried out and gave no picture, so none is saved"))),
    });
    if given.is_error {
        return Err(Failure::of_tool(given, plain_text(&given.all_text())));
    }
    let mut told = given.to_json();
    if let Err(failure) = &saved {
        told["exit_code"] = failure.number().into();
        told["error"] = failure.to_string().into();
    }
    output::result(context.json, &told, || text(given, is_wanted && saved.is_ok()));
    saved.map_err(Failure::told)
}

/// The file that a picture is saved as, open. It is gone again when it is new and nothing was saved.
struct Out<'a> {
    path: &'a Path,
    file: File,
    is_empty: bool,
}

impl<'a> Out<'a> {
    fn open(path: &'a Path) -> Result<Self, Failure> {
        let is_empty = !path.exists();
        let file = File::options().write(true).create(true).truncate(false).open(path);
        file.map(|file| Self { path, file, is_empty }).map_err(|error| unwritten(path, &error))
    }

    fn fill(mut self, data: &[u8]) -> Result<(), Failure> {
        let is_file = self.file.metadata().is_ok_and(|found| found.is_file());
        let emptied = if is_file { self.file.set_len(0) } else { Ok(()) };
        emptied.and_then(|()| self.file.write_all(data)).map_err(|error| unwritten(self.path, &error))?;
        self.is_empty = false;
        Ok(())
    }
}

impl Drop for Out<'_> {
    fn drop(&mut self) {
        if self.is_empty
            && let Err(error) = fs::remove_file(self.path)
        {
            tracing::debug!(%error, "an empty file is left");
        }
    }
}

/// The JSON object that a tool is given.
pub(super) fn arguments(text: &str) -> Result<Value, Failure> {
    let given: Value =
        serde_json::from_str(text).map_err(|error| Failure::usage(format!("the arguments are no JSON: {error}")))?;
    if given.is_object() {
        return Ok(given);
    }
    Err(Failure::usage("the arguments must be a JSON object, such as '{\"action\": \"press\", \"key\": \"enter\"}'"))
}

fn text(given: &Output, saved: bool) -> String {
    let lines = given.blocks.iter().map(|block| match block {
        Block::Text(text) => text.clone(),
        Block::Image { mime_type, data } if saved => format!("{mime_type} of {} bytes saved", data.len()),
        Block::Image { mime_type, data } => format!("{mime_type} of {} bytes; --out FILE saves it", data.len()),
    });
    lines.collect::<Vec<_>>().join("\n")
}
