//! `opendesk serve`.

use core::net::SocketAddr;
use core::pin::pin;
use core::time::Duration;
use std::sync::Arc;

use opendesk_core::Wire;
use opendesk_smol::Smol;
use opendesk_std::desktop::Computer;
use opendesk_std::discovery::is_wanted;
use opendesk_std::govern::ask::{Approver, Chain, NoApprover, Way, has_terminal};
use opendesk_std::govern::control::Mode;
use opendesk_std::govern::{AllowAll, AsRulesSay, AskAll, Policy, RulesFile};
use opendesk_std::home::printable;
use opendesk_std::host::Server;
use opendesk_std::runtime::Runtime;
use opendesk_tokio::{HostHandle, HostOptions, Notice, StartError, Tokio};
use serde_json::json;
use tokio::task::JoinHandle;

use super::{Context, desktop, interrupted};
use crate::args::{self, Approve, RuntimeName};
use crate::exit::Failure;
use crate::output;

pub(super) async fn run(context: &Context, options: args::Serve) -> Result<(), Failure> {
    let recording = options.record.clone();
    let mut stop = pin!(interrupted());
    let Some(computer) = desktop::open(options.backend, options.wait_for_desktop, stop.as_mut()).await? else {
        return Ok(());
    };
    let backend = computer.name();
    let asked = asking(context, options.approve, &*computer)?;
    let host = HostOptions {
        listen: SocketAddr::new(options.host, options.port),
        files: true,
        audit: !options.no_audit,
        record: options.record,
        oldest: if options.wire == 2 { Wire::V2 } else { Wire::V1 },
        policy: asked.policy,
        approver: asked.approver,
        approve: asked.word,
        pause_on_local_input: options.pause_on_local_input.map(Duration::from_secs),
        notifications: !options.no_notifications,
        announce: !options.no_mdns && is_wanted(),
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
    let json = context.json;
    // What is asked on this terminal needs no word about it.
    let asks_here = options.approve == Approve::Console && has_terminal();
    // A terminal that somebody has halted halts whoever writes to it: not the host.
    let telling = move || {
        output::result(json, &listening, || format!("listening on {address}"));
        if !json {
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
        while let Ok(notice) = notices.recv_blocking() {
            if !json && asks_here && matches!(notice, Notice::Asked(_)) {
                continue;
            }
            tell(json, &notice);
        }
    };
    std::thread::Builder::new()
        .name("opendesk-notices".to_owned())
        .spawn(telling)
        .map_err(|error| Failure::failed(format!("no thread could be started: {error}")))?;
    let mut running = running;
    tokio::select! {
        () = stop => handle.stop(),
        failed = &mut running => {
            return Err(Failure::failed(match failed {
                Ok(()) => "the host stopped by itself".to_owned(),
                Err(error) => format!("the host failed: {error}"),
            }));
        }
    }
    running.await.map_err(|error| Failure::failed(format!("the host failed: {error}")))
}

/// Who decides about calls.
struct Asking {
    policy: Box<dyn Policy>,
    approver: Arc<dyn Approver>,
    word: &'static str,
}

fn asking(context: &Context, approve: Approve, computer: &dyn Computer) -> Result<Asking, Failure> {
    let session = || computer.session_variables();
    Ok(match approve {
        Approve::Auto => Asking { policy: Box::new(AllowAll), approver: Arc::new(NoApprover), word: "auto" },
        Approve::Console => {
            if !has_terminal() {
                output::note(
                    "there is no terminal to ask on, so everything that acts is refused, unless \
                              `opendesk status --watch` allows it",
                );
            }
            Asking {
                policy: Box::new(AskAll),
                approver: Arc::new(Chain::new(vec![Way::Console], session())),
                word: "console",
            }
        }
        Approve::Policy => {
            let approver = AsRulesSay::new(&context.home, session(), &Way::ALL);
            if !approver.is_at_hand() {
                output::note(
                    "there is neither a screen with a program for dialogs nor a terminal to ask on, so what the rules ask \
                     about is refused, unless `opendesk status --watch` allows it",
                );
            }
            let rules = RulesFile::new(&context.home);
            Asking { policy: Box::new(rules), approver: Arc::new(approver), word: "policy" }
        }
    })
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
        output::line(&notice.event().to_string());
    } else if let Some(line) = sentence(notice) {
        output::note(&line);
    }
}

/// A notice as a person reads it; names come from other machines, so nothing in them reaches the terminal unseen.
fn sentence(notice: &Notice) -> Option<String> {
    Some(match notice {
        Notice::PairingOpened | Notice::PairingEnded(_) | Notice::Decided { .. } => return None,
        Notice::WrongCode { address, tries_left } => {
            format!("a wrong pairing code was tried from {address}; {tries_left} tries are left")
        }
        Notice::Paired { name, words, .. } if words.is_empty() => {
            format!("paired with {}, which speaks version 1", quoted(name))
        }
        Notice::Paired { name, words, .. } => format!("paired with {}; its screen shows: {words}", quoted(name)),
        Notice::Followed { name, former, key } => {
            format!("{} has changed its keys: it was {former:?} and is {key:?}", quoted(name))
        }
        Notice::Unpaired { name, key } => format!("{} ({key:?}) is not trusted any more", quoted(name)),
        Notice::IdentityRotated { key } => format!("this machine has changed its keys: it is {key:?}"),
        Notice::SessionOpened { name, address } => format!("{} drives this machine from {address}", quoted(name)),
        Notice::SessionEnded { name, reason, lasted } => {
            format!("{} has gone after {} s: {reason}", quoted(name), lasted.as_secs())
        }
        Notice::Refused { name, key, address, reason } => {
            let who = if name.is_empty() { format!("{key:?}") } else { quoted(name) };
            format!("{who} from {address} was refused: {reason}")
        }
        Notice::Expired { name, key } => {
            format!("{} ({key:?}) is not trusted any more: its time is over", quoted(name))
        }
        Notice::Asked(question) => {
            format!("{} waits for your approval: `opendesk status --watch`", printable(&question.method))
        }
        Notice::NotStored { why } => {
            format!("a controller proved the code and could not be stored: {}", printable(why))
        }
        Notice::ControlChanged(None) => "control.json cannot be read, so every call is refused".to_owned(),
        Notice::ControlChanged(Some(control)) => {
            let reason =
                if control.reason.is_empty() { String::new() } else { format!(" ({})", printable(&control.reason)) };
            match control.mode {
                Mode::Running => format!("controllers may act{reason}"),
                Mode::Stopped => format!("controllers are stopped{reason}"),
                Mode::Takeover => format!("this machine is taken over by its owner{reason}"),
            }
        }
        Notice::Paused(Some(pause)) => {
            format!("you use this machine, so no controller may act for {} s", pause.as_secs())
        }
        Notice::Paused(None) => "controllers may act again".to_owned(),
        Notice::PolicyFailing(Some(why)) => format!("every call is refused: {}", printable(why)),
        Notice::PolicyFailing(None) => "the policy can be read again".to_owned(),
        Notice::AuditFailing(Some(why)) => format!("actions are refused, because of the audit log: {}", printable(why)),
        Notice::AuditFailing(None) => "the audit log keeps no action from happening any more".to_owned(),
    })
}

/// A name of another machine, in marks: it may read like words of ours.
fn quoted(name: &str) -> String {
    format!("\"{}\"", printable(name))
}
