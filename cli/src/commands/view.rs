//! `opendesk view`.

use std::process::{Command, Stdio};
use std::sync::Arc;

use opendesk_std::desktop::Backend;
use opendesk_std::home::printable;
use opendesk_std::tools::{Session, Target};
use opendesk_tokio::view::{ViewOptions, ViewServer};
use serde_json::json;

use super::{Context, close, interrupted, session};
use crate::args;
use crate::exit::Failure;
use crate::output;

/// What opens an address in the person's browser.
const OPENER: &str = if cfg!(target_os = "macos") {
    "open"
} else if cfg!(windows) {
    "explorer"
} else {
    "xdg-open"
};

pub(super) async fn run(context: &Context, options: args::View) -> Result<(), Failure> {
    let session = Arc::new(session(&context.home, options.backend));
    let shown = show(context, &options, &session).await;
    close(&session).await;
    shown
}

async fn show(context: &Context, options: &args::View, session: &Arc<Session>) -> Result<(), Failure> {
    let target = session.target(options.peer.as_deref())?;
    // The mouse that points at the page would be the one that the page moves.
    if options.control && target == Target::Local && options.backend != Backend::Virtual {
        return Err(Failure::usage(
            "the mouse and keyboard of this machine are in your hands already; leave --control out",
        ));
    }
    let view = ViewOptions { control: options.control, cursor: options.cursor, fps: options.fps };
    let name = target.name().to_owned();
    let server = ViewServer::bind(Arc::clone(session), target, view, options.port)?;
    let value =
        json!({"ok": true, "url": server.url(), "token": server.token(), "peer": name, "control": view.control});
    output::result(context.json, &value, || server.url());
    let may = if view.control { "look and use mouse and keyboard" } else { "look" };
    output::note(&format!("whoever has this address can {may} on {}; Ctrl-C ends it", printable(&name)));
    if options.open {
        open(&server.url_for_once()?);
    }
    server.run(interrupted()).await;
    Ok(())
}

/// Shows an address in the browser. Whoever has no browser still has the address that was printed.
fn open(url: &str) {
    let mut opener = Command::new(OPENER);
    let opened = opener.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    match opened {
        Ok(mut child) => {
            // It ends when the browser has taken the address; nobody waits for that but the system.
            std::thread::spawn(move || drop(child.wait()));
        }
        Err(error) => output::note(&format!("{OPENER} cannot be started: {error}; open the address yourself")),
    }
}
