//! `opendesk status`: what this machine's host does, once or for as long as somebody looks.

mod cells;
mod lines;
mod model;
mod screen;
mod seen;
mod text;
mod times;
mod view;
mod watch;
mod words;

use std::io::{self, IsTerminal};

use self::times::Times;
use super::{Context, interrupted};
use crate::args;
use crate::exit::Failure;
use crate::output;

pub(super) async fn run(context: &Context, options: args::Status) -> Result<(), Failure> {
    match (options.watch, context.json) {
        (false, _) => {
            let seen = seen::look(&context.home).await.map_err(Failure::failed)?;
            output::result(context.json, &seen.json(), || text::report(&seen, &Times::now()));
            Ok(())
        }
        (true, true) => lines::run(context).await,
        (true, false) if io::stdout().is_terminal() => watch::run(context).await,
        (true, false) => Err(Failure::usage(
            "--watch shows itself on a terminal, and this is none; use `opendesk status`, or \
             `opendesk status --watch --json` for a line of JSON an event",
        )),
    }
}
