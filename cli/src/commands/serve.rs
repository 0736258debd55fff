//! `opendesk serve`.

use core::net::SocketAddr;

use opendesk_core::Wire;
use opendesk_smol::Smol;
use opendesk_std::desktop;
use opendesk_std::home::printable;
use opendesk_std::host::Server;
use opendesk_std::runtime::Runtime;
use opendesk_tokio::{HostHandle, HostOptions, Notice, StartError, Tokio};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::{Context, interrupted};
use crate::args::{self, RuntimeName};
use crate::exit::Failure;
use crate::output;

pub(super) async fn run(context: &Context, options: args::Serve) -> Result<(), Failure> {
    let recording = options.record.clone();
    let computer = desktop::open(options.backend).map_err(StartError::Desktop)?;
    let backend = computer.name();
    let host = HostOptions {
        listen: SocketAddr::new(options.host, options.port),
        files: true,
        audit: !options.no_audit,
        record: options.record,
        oldest: if options.wire == 2 { Wire::V2 } else { Wire::V1 },
        ..HostOptions::new(context.home.clone(), computer)
    };
    let Host { address, handle, notices, running } = match options.runtime {
        RuntimeName::Tokio => start(Tokio, host, |server| tokio::spawn(server.run()))?,
        // A thread of its own: this one's event loop waits for signals.
        RuntimeName::Smol => {
            start(Smol, host, |server| tokio::task::spawn_blocking(|| opendesk_smol::block_on(server.run())))?
        }
    };
    let key = context.home.identity()?.keys.static_key.public();
    let listening = json!({"event": "listening", "address": address.to_string(), "backend": backend, "fingerprint": format!("{key:?}")});
    output::result(context.json, &listening, || format!("listening on {address}"));
    if !context.json {
        output::note(&format!(
            "this machine is {key:?}; its desktop is {backend}; `opendesk pair` lets a controller in"
        ));
    }
    if let Some(path) = recording {
        let path = path.display();
        output::note(&format!(
            "recording into {path}: keys and all that is typed and shown; keep it as you keep a key"
        ));
    }
    let json = context.json;
    let told = tokio::spawn(async move {
        while let Ok(notice) = notices.recv().await {
            tell(json, &notice);
        }
    });
    let mut running = running;
    tokio::select! {
        () = interrupted() => handle.stop(),
        failed = &mut running => {
            told.abort();
            return Err(Failure::failed(match failed {
                Ok(()) => "the host stopped by itself".to_owned(),
                Err(error) => format!("the host failed: {error}"),
            }));
        }
    }
    let stopped = running.await.map_err(|error| Failure::failed(format!("the host failed: {error}")));
    told.abort();
    stopped
}

/// A host that runs.
struct Host {
    address: SocketAddr,
    handle: HostHandle,
    notices: async_channel::Receiver<Notice>,
    running: JoinHandle<()>,
}

fn start<R: Runtime>(
    runtime: R,
    options: HostOptions,
    run: impl FnOnce(Server<R>) -> JoinHandle<()>,
) -> Result<Host, StartError> {
    let server = Server::start(runtime, options)?;
    let (address, handle, notices) = (server.local_addr(), server.handle(), server.notices());
    Ok(Host { address, handle, notices, running: run(server) })
}

fn tell(json: bool, notice: &Notice) {
    if json {
        output::line(&event(notice).to_string());
    } else if let Some(line) = sentence(notice) {
        output::note(&line);
    }
}

/// A notice as a program reads it.
pub(super) fn event(notice: &Notice) -> Value {
    match notice {
        Notice::PairingOpened => json!({"event": "pairing_opened"}),
        Notice::WrongCode { address, tries_left } => {
            json!({"event": "wrong_code", "address": address, "tries_left": tries_left})
        }
        Notice::Paired { name, key, words } => {
            json!({"event": "paired", "name": name, "fingerprint": format!("{key:?}"), "words": words})
        }
        Notice::Followed { name, former, key } => json!({
            "event": "followed", "name": name, "former_fingerprint": format!("{former:?}"), "fingerprint": format!("{key:?}"),
        }),
        Notice::Unpaired { name, key } => {
            json!({"event": "unpaired", "name": name, "fingerprint": format!("{key:?}")})
        }
        Notice::IdentityRotated { key } => json!({"event": "identity_rotated", "fingerprint": format!("{key:?}")}),
        Notice::PairingEnded(end) => json!({"event": "pairing_ended", "how": format!("{end:?}").to_lowercase()}),
        Notice::SessionOpened { name, address } => {
            json!({"event": "session_opened", "name": name, "address": address})
        }
        Notice::SessionEnded { name, reason, lasted } => {
            let seconds = lasted.as_secs_f64();
            json!({"event": "session_ended", "name": name, "reason": reason.word(), "seconds": seconds})
        }
        Notice::Refused { name, key, address, reason } => json!({
            "event": "refused", "name": name, "fingerprint": format!("{key:?}"), "address": address, "reason": reason.word(),
        }),
    }
}

/// A notice as a person reads it; names come from other machines, so nothing in them reaches the terminal unseen.
fn sentence(notice: &Notice) -> Option<String> {
    Some(match notice {
        Notice::PairingOpened | Notice::PairingEnded(_) => return None,
        Notice::WrongCode { address, tries_left } => {
            format!("a wrong pairing code was tried from {address}; {tries_left} tries are left")
        }
        Notice::Paired { name, words, .. } if words.is_empty() => {
            format!("paired with {}, which speaks version 1", printable(name))
        }
        Notice::Paired { name, words, .. } => format!("paired with {}; its screen shows: {words}", printable(name)),
        Notice::Followed { name, former, key } => {
            format!("{} has changed its keys: it was {former:?} and is {key:?}", printable(name))
        }
        Notice::Unpaired { name, key } => format!("{} ({key:?}) is not trusted any more", printable(name)),
        Notice::IdentityRotated { key } => format!("this machine has changed its keys: it is {key:?}"),
        Notice::SessionOpened { name, address } => format!("{} drives this machine from {address}", printable(name)),
        Notice::SessionEnded { name, reason, lasted } => {
            format!("{} has gone after {} s: {reason}", printable(name), lasted.as_secs())
        }
        Notice::Refused { name, key, address, reason } => {
            let who = if name.is_empty() { format!("{key:?}") } else { printable(name) };
            format!("{who} from {address} was refused: {}", reason.word())
        }
    })
}
