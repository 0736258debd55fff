//! `opendesk pair`.

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::sync::Arc;

use opendesk_core::Wire;
use opendesk_std::clock;
use opendesk_std::desktop::NoDesktop;
use opendesk_std::discovery::is_wanted;
use opendesk_std::home::{Peers, Role, printable};
use opendesk_std::host::{
    AdminError, Invitation, Newcomer, close_pairing_of_running, pair_through_running, pairing_failure,
};
use opendesk_tokio::{HostHandle, HostOptions, Notice, Server, Tokio};
use serde_json::json;

use super::{Context, interrupted, note_no_host, peers};
use crate::args;
use crate::exit::Failure;
use crate::output;

/// How long a controller that has paired may take to end its session.
const FAREWELL: Duration = Duration::from_secs(5);

pub(super) async fn run(context: &Context, options: args::Pair) -> Result<(), Failure> {
    if options.close {
        return close(context).await;
    }
    let code = match &options.code {
        Some(code) if code.is_empty() || code.len() > opendesk_core::limits::CODE_BYTES => {
            return Err(Failure::usage("a pairing code has 1 to 64 bytes"));
        }
        // A controller's owner may write its digits in groups, so they are taken for one code on both sides.
        Some(code) => opendesk_std::written_code(code),
        None if options.allow_v1 => opendesk_std::long_pairing_code().map_err(Failure::failed)?,
        None => opendesk_std::pairing_code().map_err(Failure::failed)?,
    };
    let (role, lasting) = (Role::from(options.role), options.lasting);
    let invitation = Invitation {
        code,
        lasting: Duration::from_secs(options.timeout),
        oldest: if options.allow_v1 { Wire::V1 } else { Wire::V2 },
        role,
        trusted_for: lasting,
    };
    let Newcomer { name, words } = pair(context, &options, invitation).await?;
    // As it was written down, unless somebody has ended it already.
    let kept = Peers::load(&context.home).ok().and_then(|peers| peers.by_name(&name).cloned());
    let (role, end) = kept.map_or_else(
        || (role, lasting.map(|time| clock::epoch_seconds() + time.as_secs_f64())),
        |peer| (peer.role, peer.expires_at),
    );
    let report = json!({"ok": true, "name": name, "words": words, "role": role.word(), "expires_at": end});
    output::result(context.json, &report, || {
        let compared = if words.is_empty() {
            "it speaks version 1, which shows no words to compare".to_owned()
        } else {
            format!("its screen shows the same words: {words}")
        };
        format!("paired with {}\n{compared}\n{}", printable(&name), terms(role, end))
    });
    Ok(())
}

/// What the controller may do, and for how long.
fn terms(role: Role, end: Option<f64>) -> String {
    let may = match role {
        Role::Full => "it may do everything",
        Role::Observe => "it may only look",
    };
    format!("{may}; it is trusted {}", end.map_or_else(|| "until it is removed".to_owned(), peers::until))
}

/// Takes back the code that a running host shows.
async fn close(context: &Context) -> Result<(), Failure> {
    let (closed, is_running) = match close_pairing_of_running(&Tokio, &context.home).await {
        Err(AdminError::NotRunning) => (false, false),
        asked => (asked.map_err(|error| Failure::failed(error.to_string()))?, true),
    };
    if !is_running {
        note_no_host();
    }
    output::result(context.json, &json!({"closed": closed, "running": is_running}), || {
        if closed { "the code was taken back".to_owned() } else { "no code is shown".to_owned() }
    });
    Ok(())
}

/// Through the host that runs, or by listening as long as it takes.
async fn pair(context: &Context, options: &args::Pair, invitation: Invitation) -> Result<Newcomer, Failure> {
    let code = invitation.code.clone();
    if options.allow_v1 {
        let advice = if options.code.is_some() { "use a long code" } else { "so the code is a long one" };
        output::note(&format!(
            "with version 1 whoever connects instead of your controller, or stands between the two, can try all codes at \
             home: six digits would be found in seconds; {advice}"
        ));
    }
    let key = context.home.identity()?.keys.static_key.public();
    let show = |port: u16, only_at: Option<IpAddr>| {
        let shown = json!({
            "event": "code", "code": code, "port": port, "seconds": options.timeout, "fingerprint": format!("{key:?}"),
        });
        let name = opendesk_std::hostname();
        let (host, where_it_is) = match only_at {
            Some(address) => (address.to_string(), "this machine is reached at no other address".to_owned()),
            None => (name.clone(), format!("{name} or this machine's address")),
        };
        output::result(context.json, &shown, || {
            let port =
                if port == opendesk_std::client::DEFAULT_PORT { String::new() } else { format!(" --port {port}") };
            format!(
                "pairing code: {code}\non the controller run: opendesk pair-with {host} {code}{port}\n\
                 ({where_it_is}; the code is for one controller, for {} s and three tries)",
                options.timeout
            )
        });
    };
    match serving(context, options) {
        Ok(server) => {
            let address = server.local_addr();
            let only_at = Some(address.ip()).filter(|ip| !ip.is_unspecified());
            alone(server, invitation, || show(address.port(), only_at)).await
        }
        Err(busy) => {
            // The home is taken: by a host, which is asked, or by nobody who answers.
            let through = pair_through_running(&Tokio, &context.home, &invitation, |port| show(port, None));
            let paired = tokio::select! {
                paired = through => paired,
                () = interrupted() => return Err(Failure::interrupted()),
            };
            paired.map_err(|error| match error {
                AdminError::NotRunning => busy,
                AdminError::Failed(why) => Failure::untrusted(why),
            })
        }
    }
}

fn serving(context: &Context, options: &args::Pair) -> Result<Server, Failure> {
    Ok(opendesk_tokio::serve(HostOptions {
        listen: SocketAddr::new(options.host, options.port),
        announce: !options.no_mdns && is_wanted(),
        ..HostOptions::new(context.home.clone(), Arc::new(NoDesktop))
    })?)
}

/// Lets a controller in by the code, which is shown once it counts.
async fn alone(server: Server, invitation: Invitation, show: impl FnOnce()) -> Result<Newcomer, Failure> {
    let (handle, notices) = (server.handle(), server.notices());
    let running = tokio::spawn(server.run());
    let stopped = |_| Failure::failed("the host stopped");
    handle.invite(invitation).await.map_err(stopped)?.map_err(Failure::unusable)?;
    show();
    let paired = async {
        let paired = wait(&notices).await?;
        let_go(&handle, &notices).await;
        Ok(paired)
    };
    // The host ends as a host does also when the person ends it: those who have heard of it hear that it goes.
    let paired = tokio::select! {
        paired = paired => paired,
        () = interrupted() => Err(Failure::interrupted()),
    };
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
            Notice::NotStored { why } => {
                let why = printable(&why);
                output::note(&format!("a controller proved the code and could not be stored: {why}"));
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
            | Notice::Expired { .. }
            | Notice::SessionOpened { .. }
            | Notice::SessionEnded { .. }
            | Notice::Refused { .. }
            | Notice::Asked(_)
            | Notice::Decided { .. }
            | Notice::ControlChanged(_)
            | Notice::Paused(_)
            | Notice::PolicyFailing(_)
            | Notice::AuditFailing(_) => {}
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
