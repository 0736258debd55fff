//! What happens on a host, as programs follow it: a line of JSON each.

use core::future;

use async_channel::Receiver;
use opendesk_std::host::follow_running;
use opendesk_tokio::Tokio;
use serde_json::Value;

use super::seen::look;
use super::{Context, interrupted};
use crate::exit::Failure;
use crate::output;

/// Prints how the host is, then every event until it stops. Where none runs, that is all there is to say.
pub(super) async fn run(context: &Context) -> Result<(), Failure> {
    let (begins, begun) = async_channel::bounded::<()>(1);
    let (told, events) = async_channel::unbounded();
    let following = async move {
        let begins = move || begins.try_send(()).unwrap_or_default();
        let followed = follow_running(&Tokio, &context.home, begins, |event| drop(told.try_send(event))).await;
        // However it ended, the channels end here too; what was told before is still printed.
        drop((followed, told));
        future::pending::<()>().await;
    };
    tokio::select! {
        printed = print(context, &begun, &events) => printed,
        () = following => Ok(()),
        () = interrupted() => Ok(()),
    }
}

async fn print(context: &Context, begun: &Receiver<()>, events: &Receiver<Value>) -> Result<(), Failure> {
    // What happens after the look is then heard. Where nothing can be followed, the look says why.
    begun.recv().await.unwrap_or_default();
    let seen = look(&context.home).await.map_err(Failure::failed)?;
    output::line(&seen.json().to_string());
    while let Ok(event) = events.recv().await {
        output::line(&event.to_string());
    }
    Ok(())
}
