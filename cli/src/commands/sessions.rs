//! `opendesk sessions` and `opendesk disconnect`: who drives this machine, and that nobody does any more.

use opendesk_std::home::printable;
use opendesk_std::host::{AdminError, SessionInfo, disconnect_through_running, sessions_of_running};
use opendesk_tokio::Tokio;
use serde_json::json;

use super::{Context, note_no_host};
use crate::exit::Failure;
use crate::output;

pub(super) async fn list(context: &Context) -> Result<(), Failure> {
    let sessions = match sessions_of_running(&Tokio, &context.home).await {
        Err(AdminError::NotRunning) => {
            note_no_host();
            Vec::new()
        }
        asked => asked.map_err(|error| Failure::failed(error.to_string()))?,
    };
    output::result(context.json, &json!(sessions), || {
        if sessions.is_empty() {
            return "nobody drives this machine".to_owned();
        }
        sessions.iter().map(line).collect::<Vec<_>>().join("\n")
    });
    Ok(())
}

fn line(session: &SessionInfo) -> String {
    let SessionInfo { id, peer_name, peer_pubkey_hex, remote_addr, age_seconds, .. } = session;
    let name = if peer_name.is_empty() { peer_pubkey_hex.as_str() } else { peer_name.as_str() };
    let (name, address, id) = (printable(name), printable(remote_addr), printable(id));
    format!("{name} drives this machine from {address} since {} s (session {id})", age_seconds.round())
}

pub(super) async fn disconnect(context: &Context) -> Result<(), Failure> {
    let (ended, is_running) = match disconnect_through_running(&Tokio, &context.home).await {
        Err(AdminError::NotRunning) => (0, false),
        asked => (asked.map_err(|error| Failure::failed(error.to_string()))?, true),
    };
    if !is_running {
        note_no_host();
    }
    output::result(context.json, &json!({"disconnected": ended, "running": is_running}), || match ended {
        0 => "nobody drives this machine".to_owned(),
        _ => "the controller was disconnected; it is still trusted".to_owned(),
    });
    Ok(())
}
