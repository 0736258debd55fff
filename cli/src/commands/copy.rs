//! `opendesk cp`: files from a paired machine and to it.

mod progress;
mod side;

use core::cell::Cell;
use core::convert::Infallible;
use core::future::pending;
use std::ffi::OsStr;
use std::path::Path;

use opendesk_std::client::transfer::{Copied, CopyOptions, Step, TransferError, download, host_path, upload};
use opendesk_std::client::{LinkState, Remote};
use opendesk_std::desktop::Backend;
use opendesk_std::home::{Peers, printable};
use opendesk_std::tools::{OnTarget, Session, Target, ToolError};
use serde_json::json;

use self::progress::Progress;
use self::side::Side;
use super::{Context, close, interrupted, session};
use crate::args;
use crate::exit::Failure;
use crate::output;

/// What `--help` says below the options.
pub(crate) const HELP: &str = "\
One of SRC and DST is on a paired machine, written PEER:PATH. A PATH that begins with no slash is in
the home directory there, and PEER: alone is that directory. A file of this machine whose name has a
colon is written with a slash, such as ./a:b; on Windows one letter before a colon is a drive.

  opendesk cp desk:notes.txt .
  opendesk cp -r pictures desk:/srv/backup

Files keep their time and permissions, without set-id bits. A file is put in place when it is
complete; until then it grows beside it, in NAME.opendesk-part here, in NAME.….opendesk-part there.
An upload removes what those of older states of the source have left there half an hour before. A
symbolic link at DST is replaced by the file, and what it leads to stays as it is.

When the link to the machine is lost it is sought again for about ten minutes before the copy fails
with code 3. After a copy that broke off the same command goes on from there, if the source has the
size and time that it had; in a folder, files of the same size and time are not copied again. A
folder that was to be DST itself is there by then: name what is in it, as in
`cp -r pictures/. desk:/srv/pictures`.

With --json the result is {\"ok\": …, \"files\": …, \"bytes\": …, \"resumed_bytes\": …, \"skipped\": …,
\"failed\": …, \"seconds\": …, \"mb_per_s\": …}: the files that are complete, the bytes that were sent
and those that were there already; a MB is a million bytes.";

pub(super) async fn run(context: &Context, options: args::Copy) -> Result<(), Failure> {
    let peers = Peers::load(&context.home)?;
    let side = |text: &OsStr| Side::parse(text, |machine| peers.find(machine).is_ok());
    let (source, destination) = (side(&options.source)?, side(&options.destination)?);
    let session = session(&context.home, Backend::Auto);
    let done = tokio::select! {
        done = copy(context, &session, &options, &source, &destination) => done,
        () = interrupted() => Err(Failure::interrupted().with_message(if options.recursive {
            "interrupted; what was copied is kept; the same command goes on from there, with `/.` behind SRC if DST was to be \
             the folder itself"
        } else {
            "interrupted; what was copied is kept, and the same command goes on from there"
        })),
    };
    close(&session).await;
    done
}

async fn copy(
    context: &Context,
    session: &Session,
    options: &args::Copy,
    source: &Side,
    destination: &Side,
) -> Result<(), Failure> {
    let (peer, path, here, is_download) = match (source, destination) {
        (Side::There { peer, path }, Side::Here(here)) => (peer, host_path(path), here, true),
        (Side::Here(here), Side::There { peer, path }) => (peer, host_path(path), here, false),
        (Side::Here(_), Side::Here(_)) => {
            return Err(Failure::usage("both are on this machine; write PEER:PATH for the one that is on another"));
        }
        (Side::There { .. }, Side::There { .. }) => {
            return Err(Failure::usage(
                "both are on other machines, and a copy has one end here; copy to this machine first",
            ));
        }
    };
    let target = session.target(Some(peer))?;
    let Target::Peer(name) = &target else {
        return Err(Failure::usage("local is this machine; leave it out, with the colon"));
    };
    let settings = CopyOptions {
        recursive: options.recursive,
        anew: options.no_resume,
        between: between(context, session, &target)?,
        locks: Some(context.home.path().join("copies")),
    };
    let caller = OnTarget { session, target: &target };
    let progress = Progress::start(options.quiet || context.json);
    let watch = |step: Step<'_>| progress.tell(step);
    let copying = async {
        if is_download {
            download(&caller, &path, here, &settings, &watch).await
        } else {
            upload(&caller, here, &path, &settings, &watch).await
        }
    };
    let link = session.link(name)?;
    let has_broken_off = Cell::new(false);
    let copied = tokio::select! {
        copied = copying => copied,
        never = tell_of_waiting(&link, &has_broken_off) => match never {},
    };
    let seconds = progress.end();
    let copied = copied.map_err(|error| match has_broken_off.get() {
        true => failure(error).adding("; what was copied is kept, and the same command goes on from there"),
        false => failure(error),
    })?;
    report(context, copied, seconds)
}

/// Says so when the other machine is gone and waited for.
async fn tell_of_waiting(link: &Remote, has_broken_off: &Cell<bool>) -> Infallible {
    let events = link.events();
    let mut is_said = false;
    while let Ok(state) = events.recv().await {
        match state {
            LinkState::Reconnecting { .. } if !is_said => {
                output::note(&format!("waiting: {state}; Ctrl-C ends it, and the same command goes on from there"));
                is_said = true;
                has_broken_off.set(true);
            }
            LinkState::Connected { .. } => is_said = false,
            _ => {}
        }
    }
    pending().await
}

/// Names the two machines by their keys.
fn between(context: &Context, session: &Session, target: &Target) -> Result<String, Failure> {
    let there = session.key(target)?.map(|key| key.to_string());
    let here = context.home.identity()?.keys.static_key.public();
    Ok(format!("{here} {}", there.unwrap_or_default()))
}

fn report(context: &Context, copied: Copied, seconds: f64) -> Result<(), Failure> {
    let Copied { files, bytes, kept, skipped, failed } = copied;
    let rate = if seconds > 0.0 { bytes as f64 / seconds / 1e6 } else { 0.0 };
    let round = |number: f64| (number * 1000.0).round() / 1000.0;
    let value = json!({
        "ok": failed == 0,
        "files": files,
        "bytes": bytes,
        "resumed_bytes": kept,
        "skipped": skipped,
        "failed": failed,
        "seconds": round(seconds),
        "mb_per_s": round(rate),
    });
    output::result(context.json, &value, || {
        let mut text =
            format!("copied {} ({bytes} bytes) in {seconds:.1} s, {rate:.1} MB/s", counted(files, "file", "files"));
        if kept > 0 {
            text.push_str(&format!("; {kept} bytes were there already"));
        }
        if skipped > 0 {
            text.push_str(&format!("; {skipped} left out"));
        }
        text
    });
    if failed == 0 {
        return Ok(());
    }
    Err(Failure::failed(format!("{} could not be copied", counted(failed, "file or folder", "files and folders")))
        .told())
}

fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// What is not there is no question of trust, whichever machine it is not on.
fn failure(error: TransferError<ToolError>) -> Failure {
    let message = error.to_string();
    match error {
        TransferError::Host { error, .. } => Failure::from(error).with_message(message),
        _ => Failure::failed(message),
    }
}

/// A path of this machine as one line.
fn shown(path: &Path) -> String {
    printable(&path.display().to_string())
}
