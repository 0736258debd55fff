//! `opendesk discover`: the machines that announce themselves on this network.

use core::pin::pin;
use std::collections::BTreeMap;

use opendesk_core::PublicKey;
use opendesk_std::discovery::{Browser, DiscoveryError, Found, Sighting, is_wanted};
use opendesk_std::home::{Peers, printable};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::peers::{shortened, table};
use super::{Context, interrupted};
use crate::args;
use crate::exit::Failure;
use crate::output;

/// What the help says below the options.
pub(crate) const HELP: &str = "\
Name, description and key of a machine are what it, or anybody else on this network, says. PAIRED
AS is found by the key, and a session with that machine is only opened if it proves the key: nothing
that is shown here can bring about anything else. NAME can be given to `opendesk pair-with`, and in
place of the name of a paired machine everywhere, where the six digits at its end say whose key is
meant. OPENDESK_MDNS=off in the environment switches multicast DNS off for a program.";

/// Machines that one look shows. Nobody has as many; whoever pretends to does not fill this machine's memory.
const MOST: usize = 8192;

pub(super) async fn run(context: &Context, options: args::Discover) -> Result<(), Failure> {
    if !is_wanted() {
        return Err(Failure::usage("multicast DNS is switched off for this program: $OPENDESK_MDNS is `off`"));
    }
    let browser = Browser::start().map_err(failed)?;
    if options.watch {
        return watch(context, browser).await;
    }
    let by = Instant::now() + options.timeout;
    let hosts = tokio::select! {
        hosts = look(browser, by) => hosts,
        () = interrupted() => return Err(Failure::interrupted()),
    };
    let peers = Peers::load(&context.home)?;
    let mut hosts: Vec<Host> = hosts.into_iter().map(|found| Host::new(found, &peers)).collect();
    hosts.sort_by(|a, b| (&a.found.name, a.found.key).cmp(&(&b.found.name, b.found.key)));
    let value = Value::Array(hosts.iter().map(Host::value).collect());
    output::result(context.json, &value, || {
        if hosts.is_empty() {
            return "no machine was found".to_owned();
        }
        let header = ["NAME", "ADDRESS", "FINGERPRINT", "PAIRED AS", "DESCRIPTION"].map(str::to_owned);
        let rows: Vec<_> = core::iter::once(header).chain(hosts.iter().map(Host::row)).collect();
        table(&rows)
    });
    if hosts.is_empty() {
        output::note(
            "the other machine has to run `opendesk serve` (without --no-mdns) on this network, and no firewall may keep \
             UDP port 5353 away; without any of that ws://HOST:PORT#KEY reaches it",
        );
    }
    Ok(())
}

/// The machines that are there when the time is over.
async fn look(mut browser: Browser, by: Instant) -> Vec<Found> {
    let mut hosts = BTreeMap::new();
    let mut is_full = false;
    while let Ok(Some(sighting)) = timeout_at(by, browser.next()).await {
        match sighting {
            Sighting::Seen(found) => {
                let place = (found.key, found.name.clone());
                if hosts.len() < MOST || hosts.contains_key(&place) {
                    hosts.insert(place, found);
                } else {
                    is_full = true;
                }
            }
            Sighting::Gone { name, key: Some(key) } => drop(hosts.remove(&(key, name))),
            Sighting::Gone { key: None, .. } => {}
        }
    }
    if is_full {
        output::note(&format!("more than {MOST} machines announce themselves; the others are left out"));
    }
    hosts.into_values().collect()
}

/// Tells what happens until the person ends it.
async fn watch(context: &Context, mut browser: Browser) -> Result<(), Failure> {
    let mut ended = pin!(interrupted());
    let mut shown = BTreeMap::new();
    loop {
        let sighting = tokio::select! {
            sighting = browser.next() => sighting,
            () = &mut ended => return Ok(()),
        };
        let Some(sighting) = sighting else {
            return Err(Failure::failed("multicast DNS cannot be used any more"));
        };
        // It may have been paired, renamed or removed since.
        let peers = Peers::load(&context.home)?;
        let (event, host) = match sighting {
            Sighting::Seen(found) => {
                let place = (found.key, found.name.clone());
                if shown.len() >= MOST && !shown.contains_key(&place) {
                    continue;
                }
                let event = if shown.insert(place, found.clone()).is_some() { "changed" } else { "appeared" };
                (event, Host::new(found, &peers))
            }
            Sighting::Gone { name, key: Some(key) } => match shown.remove(&(key, name)) {
                Some(found) => ("vanished", Host::new(found, &peers)),
                None => continue,
            },
            Sighting::Gone { key: None, .. } => continue,
        };
        let mut value = host.value();
        value["event"] = event.into();
        output::result(context.json, &value, || {
            let cells: Vec<String> = host.row().into_iter().filter(|cell| !cell.is_empty()).collect();
            format!("{event:8}  {}", cells.join("  "))
        });
    }
}

fn failed(error: DiscoveryError) -> Failure {
    Failure::failed(error.to_string())
}

/// A machine that was found.
struct Host {
    found: Found,
    /// What it is called here, if the key that it says it has is trusted.
    paired_as: Option<String>,
}

impl Host {
    fn new(found: Found, peers: &Peers) -> Self {
        let paired_as = peers.by_key(&found.key.0).map(|peer| peer.name.to_string());
        Self { found, paired_as }
    }

    fn value(&self) -> Value {
        let Found { key, name, description, addresses, wire } = &self.found;
        json!({
            "name": name,
            "addresses": addresses.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "fingerprint": fingerprint(*key),
            "public_key": key.to_string(),
            "paired_as": self.paired_as,
            "description": description,
            "wire": wire,
        })
    }

    fn row(&self) -> [String; 5] {
        let Found { key, name, description, addresses, .. } = &self.found;
        let more = addresses.len().saturating_sub(1);
        let address = addresses.first().map(ToString::to_string).unwrap_or_default();
        [
            printable(name),
            if more == 0 { address } else { format!("{address} (+{more})") },
            fingerprint(*key),
            self.paired_as.as_deref().map_or_else(String::new, printable),
            shortened(description),
        ]
    }
}

/// Out of the key: what a machine calls its own fingerprint proves nothing.
fn fingerprint(key: PublicKey) -> String {
    format!("{key:?}")
}

#[cfg(test)]
mod tests {
    use opendesk_std::home::{Home, NewPeer};

    use super::*;

    fn found(name: &str, key: u8) -> Found {
        Found {
            key: PublicKey([key; 32]),
            name: name.to_owned(),
            description: "x".repeat(100),
            addresses: vec![([192, 0, 2, 1], 8423).into(), ([192, 0, 2, 2], 8423).into()],
            wire: 2,
        }
    }

    #[test]
    fn a_machine_is_known_by_its_key_and_not_by_what_it_calls_itself() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(Some(folder.path().join("home"))).unwrap();
        let mut peers = Peers::load(&home).unwrap();
        let new = NewPeer {
            public_key: [1; 32],
            name: "desk".to_owned(),
            paired_at: 0.0,
            signing_key: None,
            wire: 2,
            terms: None,
        };
        peers.add(&new).unwrap();
        let known = Host::new(found("elsewhere-010101", 1), &peers);
        assert_eq!(known.value()["paired_as"], "desk");
        let [name, address, fingerprint, paired_as, description] = known.row();
        assert_eq!((&*name, &*address), ("elsewhere-010101", "192.0.2.1:8423 (+1)"));
        assert_eq!((&*fingerprint, &*paired_as), ("0101:0101:0101:0101", "desk"));
        assert_eq!(description.chars().count(), 60);
        let liar = Host::new(found("desk", 2), &peers);
        assert_eq!((liar.value()["paired_as"].clone(), liar.row()[3].as_str()), (Value::Null, ""));
    }
}
