//! Bad networks, machines that sleep, move and begin again: what was asked for is done once, or is said not to be known, and
//! never done twice. Clicks are counted by the desktop that is clicked on.

mod machines;
mod ways;

use opendesk_std::api::{Effect, ElementTarget, ErrorCode, UiActionParams};
use opendesk_std::client::ClientError;

/// One click on the button that counts them, in one call.
fn click() -> UiActionParams {
    let target = ElementTarget { role: "push button".into(), name: "Count".into(), ..ElementTarget::default() };
    UiActionParams { target, action: "click".into(), app: None }
}

/// Whether it was done, or the host has told that it was stopped in the middle: it hears of the end of a link in the moment in
/// which it begins, now and then.
fn is_told(outcome: &Result<Effect, ClientError>) -> bool {
    match outcome {
        Ok(_) => true,
        Err(ClientError::Call(error)) => error.code == ErrorCode::Cancelled && error.message.contains("may be done"),
        Err(_) => false,
    }
}
