//! `opendesk pair`.

use core::net::SocketAddr;
use core::time::Duration;
use std::sync::Arc;

use opendesk_core::Wire;
use opendesk_std::desktop::NoDesktop;
use opendesk_std::home::printable;
use opendesk_std::host::{AdminError, Newcomer, pair_through_running, pairing_failure};
use opendesk_tokio::{HostHandle, HostOptions, Notice, Server, Tokio};
use serde_json::json;

use super::{Context, interrupted};
use crate::args;
use crate::exit::Failure;
use crate::output;

/// How long a controller that has paired may take to end its session.
const FAREWELL: Duration = Duration::from_secs(5);

pub(super) async fn run(context: &Context, options: args::Pair) -> Result<(), Failure> {
    let code = match &options.code {
        Some(code) if code.is_empty() || code.len() > opendesk_core::limits::CODE_BYTES => {
            return Err(Failure::usage("a pairing code has 1 to 64 bytes"));
        }
        Some(code) => code.clone(),
        None if options.allow_v1 => opendesk_std::long_pairing_code().map_err(Failure::failed)?,
        None => opendesk_std::pairing_code().map_err(Failure::failed)?,
    };
    let newcomer = tokio::select! {
        newcomer = pair(context, &options, &code) => newcomer?,
        () = interrupted() => return Err(Failure::interrupted()),
    };
    let Newcomer { name, words } = newcomer;
    output::result(context.json, &json!({"ok": true, "name": name, "words": words}), || {
        let name = printable(&name);
        if words.is_empty() {
            return format!("paired with {name}\nit speaks version 1, which shows no words to compare");
        }
        format!("paired with {name}\nits screen shows the same words: {words}")
    });
    Ok(())
}

/// Through the host that runs, or by listening as long as it takes.
async fn pair(context: &Context, options: &args::Pair, code: &str) -> Result<Newcomer, Failure> {
    let lasting = Duration::from_secs(options.timeout);
    let oldest = if options.allow_v1 { Wire::V1 } else { Wire::V2 };
    if options.allow_v1 {
        let advice = if options.code.is_some() { "use a long code" } else { "so the code is a long one" };
        output::note(&format!(
            "with version 1 whoever connects instead of your controller, or stands between the two, can try all codes at \
             home: six digits would be found in seconds; {advice}"
        ));
    }
    let key = context.home.identity()?.keys.static_key.public();
    let show = |port: u16| {
        let shown = json!({
            "event": "code", "code": code, "port": port, "seconds": options.timeout, "fingerprint": format!("{key:?}"),
        });
        let host = opendesk_std::hostname();
        output::result(context.json, &shown, || {
            let port =
                if port == opendesk_std::client::DEFAULT_PORT { String::new() } else { format!(" --port {port}") };
            format!(
                "pairing code: {code}\non the controller run: opendesk pair-with {host} {code}{port}\n\
                 ({host} or this machine's address; the code is for one controller, for {} s and three tries)",
                options.timeout
            )
        });
    };
    match serving(context, options) {
        Ok(server) => {
            show(server.local_addr().port());
            alone(server, code, lasting, oldest).await
        }
        Err(busy) => {
            // The home is taken: by a host, which is asked, or by nobody who answers.
            let through = pair_through_running(&Tokio, &context.home, code, lasting, oldest, show);
            through.await.map_err(|error| match error {
                AdminError::NotRunning => busy,
                AdminError::Failed(why) => Failure::untrusted(why),
            })
        }
    }
}

fn serving(context: &Context, options: &args::Pair) -> Result<Server, Failure> {
    Ok(opendesk_tokio::serve(HostOptions {
        listen: SocketAddr::new(options.host, options.port),
        ..HostOptions::new(context.home.clone(), Arc::new(NoDesktop))
    })?)
}

async fn alone(server: Server, code: &str, lasting: Duration, oldest: Wire) -> Result<Newcomer, Failure> {
    let (handle, notices) = (server.handle(), server.notices());
    let running = tokio::spawn(server.run());
    let stopped = |_| Failure::failed("the host stopped");
    handle.open_pairing_from(oldest, code, lasting).await.map_err(stopped)?.map_err(Failure::usage)?;
    let paired = wait(&notices).await;
    if paired.is_ok() {
        let_go(&handle, &notices).await;
    }
    handle.stop();
    running.await.map_err(|error| Failure::failed(format!("the host failed: {error}")))?;
    paired
}

async fn wait(notices: &async_channel::Receiver<Notice>) -> Result<Newcomer, Failure> {
    loop {
        match notices.recv().await.map_err(|_| Failure::failed("the host stopped"))? {
            Notice::Paired { name, words, .. } => return Ok(Newcomer { name, words }),
            Notice::WrongCode { address, tries_left } => {
                output::note(&format!("a wrong code was tried from {address}; {tries_left} tries are left"));
            }
            Notice::PairingEnded(end) => {
                if let Some(why) = pairing_failure(end) {
                    return Err(Failure::untrusted(why));
                }
            }
            Notice::PairingOpened
            | Notice::Followed { .. }
            | Notice::IdentityRotated { .. }
            | Notice::Unpaired { .. }
            | Notice::SessionOpened { .. }
            | Notice::SessionEnded { .. }
            | Notice::Refused { .. } => {}
        }
    }
}

/// The controller still has to hear that it is welcome; it ends the session itself.
async fn let_go(handle: &HostHandle, notices: &async_channel::Receiver<Notice>) {
    let gone = async {
        while let Ok(notice) = notices.recv().await {
            if matches!(notice, Notice::SessionEnded { .. }) {
                return;
            }
        }
    };
    if tokio::time::timeout(FAREWELL, gone).await.is_err() {
        tracing::info!("the controller keeps its session; it is ended");
        let _ended = handle.disconnect().await;
    }
}
