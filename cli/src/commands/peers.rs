//! `opendesk peers`.

use opendesk_core::PublicKey;
use opendesk_std::home::{Peers, ServeLock, TrustedPeer, printable};
use opendesk_std::host::{unpair_at_rest, unpair_through_running};
use opendesk_tokio::Tokio;
use serde_json::{Value, json};

use super::{Context, at_rest_or_running};
use crate::args::{self, PeersCommand};
use crate::exit::Failure;
use crate::output;

pub(super) async fn run(context: &Context, options: args::Peers) -> Result<(), Failure> {
    let mut peers = Peers::load(&context.home)?;
    match options.command {
        None | Some(PeersCommand::List) => list(context, &peers),
        Some(PeersCommand::Remove { name }) => remove(context, &peers, &name).await?,
        Some(PeersCommand::Default { name: Some(name), .. }) => {
            let key = known(&peers, &name)?.public_key;
            peers.set_default(Some(&key))?;
            default(context, &peers);
        }
        Some(PeersCommand::Default { clear: true, .. }) => {
            peers.set_default(None)?;
            default(context, &peers);
        }
        Some(PeersCommand::Default { .. }) => default(context, &peers),
    }
    Ok(())
}

fn known<'a>(peers: &'a Peers, name: &str) -> Result<&'a TrustedPeer, Failure> {
    peers.by_name(name).ok_or_else(|| {
        Failure::untrusted(format!("no paired machine is called {:?}; see `opendesk peers`", printable(name)))
    })
}

/// A host that runs ends the session of the peer as well.
async fn remove(context: &Context, peers: &Peers, name: &str) -> Result<(), Failure> {
    let key = PublicKey(known(peers, name)?.public_key);
    let at_rest = |lock: &ServeLock| {
        let removed = unpair_at_rest(&context.home, name, lock)?;
        removed.map(drop).ok_or_else(|| Failure::failed("it was removed or renamed by another program meanwhile"))
    };
    at_rest_or_running(&context.home, at_rest, unpair_through_running(&Tokio, &context.home, name)).await?;
    let removed = json!({"removed": name, "fingerprint": format!("{key:?}")});
    output::result(context.json, &removed, || format!("{} ({key:?}) is not trusted any more", printable(name)));
    Ok(())
}

fn default(context: &Context, peers: &Peers) {
    let name = peers.default_peer().map(|peer| peer.name.to_string());
    output::result(context.json, &json!({"default": name}), || {
        name.clone().unwrap_or_else(|| "there is no default".to_owned())
    });
}

fn list(context: &Context, peers: &Peers) {
    let default = peers.default_peer().map(|peer| peer.public_key);
    let is_default = |peer: &TrustedPeer| default == Some(peer.public_key);
    let value: Vec<Value> = peers
        .list()
        .iter()
        .map(|peer| {
            let key = PublicKey(peer.public_key);
            json!({
                "name": peer.name.as_str(),
                "fingerprint": format!("{key:?}"),
                "public_key": key.to_string(),
                "address": address(peer),
                "description": peer.shown_description(),
                "wire": peer.wire.unwrap_or(1),
                "default": is_default(peer),
            })
        })
        .collect();
    output::result(context.json, &Value::Array(value), || {
        if peers.list().is_empty() {
            return "no machine is paired".to_owned();
        }
        let width = peers.list().iter().map(|peer| peer.name.as_str().chars().count()).max().unwrap_or_default();
        let rows = peers.list().iter().map(|peer| {
            let mark = if is_default(peer) { "  [default]" } else { "" };
            let address = address(peer).unwrap_or_else(|| "controls this machine".to_owned());
            format!("{:width$}  {:?}  {address}{mark}", printable(peer.name.as_str()), PublicKey(peer.public_key))
        });
        rows.collect::<Vec<_>>().join("\n")
    });
}

/// Where a peer can be reached; a peer that paired with us as a controller has no address.
fn address(peer: &TrustedPeer) -> Option<String> {
    (!peer.last_host.is_empty()).then(|| format!("{}:{}", printable(&peer.last_host), peer.last_port))
}
