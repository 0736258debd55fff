//! `opendesk connect`.

use std::pin::pin;
use std::time::Instant;

use opendesk_std::api::{CaptureParams, DisplayCapture, PictureProfile, SystemCapabilities};
use opendesk_std::client::{LinkState, Remote, WhileBusy};
use opendesk_std::desktop::Backend;
use opendesk_std::home::printable;
use opendesk_std::tools::Target;
use opendesk_tokio::Client;
use serde_json::json;

use super::{Context, close, interrupted, save, session};
use crate::args;
use crate::exit::Failure;
use crate::output;

pub(super) async fn run(context: &Context, options: args::Connect) -> Result<(), Failure> {
    tokio::select! {
        done = check(context, &options) => done,
        () = interrupted() => Err(Failure::interrupted()),
    }
}

async fn check(context: &Context, options: &args::Connect) -> Result<(), Failure> {
    let while_busy = if options.wait { WhileBusy::Wait } else { WhileBusy::Fail };
    let session = session(&context.home, Backend::Auto).while_busy(while_busy);
    let target = session.target(options.peer.as_deref())?;
    let peer = match &target {
        Target::Peer(name) => name.clone(),
        Target::Local if options.peer.is_some() => {
            return Err(Failure::usage("local is this machine; name a paired one, or leave it out"));
        }
        Target::Local => {
            return Err(Failure::untrusted("there is no paired machine to connect to; see `opendesk pair-with`"));
        }
    };
    // Whom the owner of this machine keeps it from is not even reached for.
    session.may::<SystemCapabilities>(&target, &()).await?;
    let link = session.link(&peer)?;
    let begun = now();
    let client = connected(&link, options.wait).await?;
    let connected = begun.elapsed();
    let called = now();
    session.call::<SystemCapabilities>(&target, &()).await?;
    let round_trip = called.elapsed();
    let mut saved = None;
    if let Some(path) = &options.screenshot {
        let params = CaptureParams { profile: PictureProfile::Native, ..CaptureParams::default() };
        let picture = session.call::<DisplayCapture>(&target, &params).await?;
        save(path, &picture.data)?;
        saved = Some((path.display().to_string(), picture.width, picture.height));
    }
    let greeting = client.greeting();
    let milliseconds = |time: core::time::Duration| (time.as_secs_f64() * 1e5).round() / 100.0;
    let value = json!({
        "ok": true,
        "peer": peer,
        "backend": greeting.manifest.backend,
        "capabilities": greeting.manifest.capabilities,
        "description": greeting.description,
        "fingerprint": format!("{:?}", client.host()),
        "address": client.address(),
        "connected_in_ms": milliseconds(connected),
        "round_trip_ms": milliseconds(round_trip),
        "screenshot": saved.as_ref().map(|(path, ..)| path),
    });
    output::result(context.json, &value, || {
        let mut text = format!(
            "connected to {}{} in {} ms, round trip {} ms\nbackend: {}\ncan: {}",
            printable(&peer),
            client.address().map_or_else(String::new, |address| format!(" at {}", printable(address))),
            milliseconds(connected),
            milliseconds(round_trip),
            printable(&greeting.manifest.backend),
            printable(&greeting.manifest.capabilities.join(" ")),
        );
        if let Some((path, width, height)) = &saved {
            text.push_str(&format!("\nsaved {path}: {width}x{height}"));
        }
        text
    });
    close(&session).await;
    Ok(())
}

/// A session; with `wait`, however long another controller drives the machine.
async fn connected(link: &Remote, wait: bool) -> Result<Client, Failure> {
    let events = link.events();
    let mut last = None;
    let mut connecting = pin!(link.connect());
    loop {
        tokio::select! {
            outcome = &mut connecting => return outcome.map_err(|error| waitable(error.into())),
            Ok(state) = events.recv() => {
                if wait && matches!(state, LinkState::Busy { .. }) && last.as_ref() != Some(&state) {
                    output::note(&format!("waiting: {state}"));
                    last = Some(state);
                }
            }
        }
    }
}

/// Who finds a machine busy hears how to wait for it.
fn waitable(failure: Failure) -> Failure {
    match failure.busy() {
        Some(_) => failure.adding("; `opendesk connect --wait` waits until it is free"),
        None => failure,
    }
}

fn now() -> Instant {
    Instant::now()
}
