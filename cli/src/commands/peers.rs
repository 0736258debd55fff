//! `opendesk peers` and `opendesk unpair`: the paired machines, whichever of the two controls the other.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use opendesk_core::PublicKey;
use opendesk_std::clock;
use opendesk_std::govern::rules::{self, Renaming};
use opendesk_std::home::{PeerName, Peers, ServeLock, TrustedPeer, printable};
use opendesk_std::host::{AdminError, reload_running, unpair_at_rest, unpair_through_running};
use opendesk_tokio::Tokio;
use serde_json::{Value, json};

use super::{Context, at_rest_or_running, logged};
use crate::args::{self, PeersCommand};
use crate::exit::Failure;
use crate::output;

/// Characters of a description that a row has room for.
const DESCRIPTION: usize = 60;

pub(super) async fn run(context: &Context, options: args::Peers) -> Result<(), Failure> {
    match options.command {
        None | Some(PeersCommand::List) => list(context, &Peers::load(&context.home)?),
        Some(PeersCommand::Remove { peer }) => unpair(context, &peer).await?,
        Some(PeersCommand::Rename { peer, name }) => rename(context, &peer, &name).await?,
        Some(PeersCommand::Describe { peer, text, clear }) => {
            describe(context, &peer, if clear { Some("") } else { text.as_deref() })?;
        }
        Some(PeersCommand::Default { peer, clear }) => default(context, peer.as_deref(), clear)?,
    }
    Ok(())
}

/// Ends the trust in a machine. A host that runs ends its session as well.
pub(super) async fn unpair(context: &Context, peer: &str) -> Result<(), Failure> {
    let peers = Peers::load(&context.home)?;
    let peer = meant(&peers, peer)?;
    let key = PublicKey(peer.public_key);
    let at_rest = |lock: &ServeLock| {
        let removed = unpair_at_rest(&context.home, key, lock)?;
        removed.map(drop).ok_or_else(|| gone(peer))
    };
    at_rest_or_running(&context.home, at_rest, async || unpair_through_running(&Tokio, &context.home, key).await)
        .await?;
    let mut value = identified(peer);
    value["removed"] = peer.name.as_str().into();
    output::result(context.json, &value, || format!("{} ({key:?}) is not trusted any more", peer.name));
    Ok(())
}

async fn rename(context: &Context, peer: &str, name: &PeerName) -> Result<(), Failure> {
    let mut peers = Peers::load(&context.home)?;
    let before = meant(&peers, peer)?.clone();
    let Renaming { follow, lost, gained } = Renaming::of(&rules::load(&context.home)?, &before.name, name);
    peers.rename(&before.public_key, name)?;
    let was = format!("it was {:?}", before.name.as_str());
    logged(context, "trust.changed", peers.by_key(&before.public_key), &was).await?;
    drop_former_names(context).await;
    let value = json!({
        "renamed": before.name.as_str(), "name": name.as_str(), "public_key": key_of(&before),
        "rules": {"follow": follow, "lost": lost, "gained": gained},
    });
    output::result(context.json, &value, || {
        let rules = if follow.is_empty() { String::new() } else { format!("; {} on it followed", numbered(&follow)) };
        format!("{} is called {name} now{rules}", before.name)
    });
    if !lost.is_empty() {
        output::note(&format!(
            "warning: {} fitted {} and no longer holds for it; see `opendesk policy`",
            numbered(&lost),
            before.name
        ));
    }
    if !gained.is_empty() {
        output::note(&format!("{} holds for it now; see `opendesk policy`", numbered(&gained)));
    }
    Ok(())
}

/// `rule 3`, or `each of the rules 3, 5`.
fn numbered(rules: &[usize]) -> String {
    match rules {
        [only] => format!("rule {only}"),
        several => {
            let numbers: Vec<String> = several.iter().map(ToString::to_string).collect();
            format!("each of the rules {}", numbers.join(", "))
        }
    }
}

/// Has rules hold for the new name of a machine alone, once a host that runs knows it by that.
pub(super) async fn drop_former_names(context: &Context) {
    let told = reload_running(&Tokio, &context.home).await;
    let is_known = matches!(told, Ok(()) | Err(AdminError::NotRunning));
    // Whatever changes the peers or the rules next does it otherwise.
    if let (true, Err(error)) = (is_known, Peers::drop_former_names(&context.home)) {
        tracing::warn!(%error, "rules on a machine that was renamed hold for its former name as well for now");
    }
}

/// Sets the owner's words about a machine, empty for none, and shows what is said of it.
fn describe(context: &Context, peer: &str, text: Option<&str>) -> Result<(), Failure> {
    let mut peers = Peers::load(&context.home)?;
    let mut peer = meant(&peers, peer)?.clone();
    if let Some(text) = text {
        if !peers.set_description_override(&peer.public_key, text).map_err(Failure::argument)? {
            return Err(gone(&peer));
        }
        peer = peers.by_key(&peer.public_key).cloned().ok_or_else(|| gone(&peer))?;
    }
    let mut value = identified(&peer);
    value["description"] = peer.shown_description().into();
    value["yours"] = peer.description_override.as_str().into();
    value["its_own"] = peer.description.as_str().into();
    output::result(context.json, &value, || {
        let said = |text: &str| if text.is_empty() { "(none)".to_owned() } else { printable(text) };
        format!("yours    {}\nits own  {}", said(&peer.description_override), said(&peer.description))
    });
    Ok(())
}

/// Sets or clears the default, and shows which it is.
fn default(context: &Context, peer: Option<&str>, clear: bool) -> Result<(), Failure> {
    let mut peers = Peers::load(&context.home)?;
    if let Some(peer) = peer {
        let key = meant(&peers, peer)?.public_key;
        peers.set_default(Some(&key))?;
    } else if clear {
        peers.set_default(None)?;
    }
    let name = peers.default_peer().map(|peer| peer.name.to_string());
    output::result(context.json, &json!({"default": name}), || {
        name.clone().unwrap_or_else(|| "there is no default".to_owned())
    });
    Ok(())
}

fn meant<'a>(peers: &'a Peers, text: &str) -> Result<&'a TrustedPeer, Failure> {
    peers.find(text).map_err(|error| Failure::untrusted(error.to_string()))
}

fn gone(peer: &TrustedPeer) -> Failure {
    Failure::untrusted(format!("{} was removed by another program meanwhile; see `opendesk peers`", peer.name))
}

fn key_of(peer: &TrustedPeer) -> String {
    PublicKey(peer.public_key).to_string()
}

fn identified(peer: &TrustedPeer) -> Value {
    let fingerprint = format!("{:?}", PublicKey(peer.public_key));
    json!({"name": peer.name.as_str(), "fingerprint": fingerprint, "public_key": key_of(peer)})
}

fn list(context: &Context, peers: &Peers) {
    let now = clock::epoch_seconds();
    let default = peers.default_peer().map(|peer| peer.public_key);
    let is_default = |peer: &TrustedPeer| default == Some(peer.public_key);
    let value = peers.list().iter().map(|peer| {
        let mut value = identified(peer);
        value["role"] = peer.role.word().into();
        value["paired_at"] = peer.paired_at.into();
        value["expires_at"] = peer.expires_at.into();
        value["expired"] = peer.terms().are_over(now).into();
        value["may_drive_us"] = (!peer.is_expired(now)).into();
        value["address"] = address(peer).into();
        value["description"] = peer.shown_description().into();
        value["wire"] = peer.wire.unwrap_or(1).into();
        value["default"] = is_default(peer).into();
        value
    });
    output::result(context.json, &value.collect(), || {
        if peers.list().is_empty() {
            return "no machine is paired".to_owned();
        }
        let rows = peers.list().iter().map(|peer| {
            [
                peer.name.to_string(),
                format!("{:?}", PublicKey(peer.public_key)),
                if peer.ended { String::new() } else { peer.role.word().to_owned() },
                lasting(peer, now),
                address(peer).unwrap_or_else(|| "controls this machine".to_owned()),
                shortened(peer.shown_description()),
                if is_default(peer) { "[default]".to_owned() } else { String::new() },
            ]
        });
        table(&rows.collect::<Vec<_>>())
    });
}

/// One line a row, the columns below each other.
pub(super) fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |text: &String| text.chars().count();
    let widths: [usize; N] =
        core::array::from_fn(|column| rows.iter().map(|row| width(&row[column])).max().unwrap_or_default());
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).filter(|(_, width)| *width > 0);
        let line = cells.map(|(cell, width)| format!("{cell:width$}")).collect::<Vec<_>>().join("  ");
        line.trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// How long a machine is trusted, in the time of this machine.
fn lasting(peer: &TrustedPeer, now: f64) -> String {
    match peer.expires_at {
        // It is there to be driven from here.
        _ if peer.ended => "may not drive this machine".to_owned(),
        _ if peer.is_expired(now) => "expired".to_owned(),
        None => "until removed".to_owned(),
        Some(end) => until(end),
    }
}

/// The end of a trust, in the time of this machine.
pub(super) fn until(end: f64) -> String {
    match Timestamp::from_second(end as i64) {
        Ok(time) => time.to_zoned(TimeZone::system()).strftime("until %Y-%m-%d %H:%M").to_string(),
        Err(_) => format!("until {end:.0} s after 1970"),
    }
}

/// Where a peer can be reached; a peer that paired with us as a controller has no address.
fn address(peer: &TrustedPeer) -> Option<String> {
    let host = printable(&peer.last_host);
    match host.as_str() {
        "" => None,
        // An IPv6 address.
        host if host.contains(':') => Some(format!("[{host}]:{}", peer.last_port)),
        host => Some(format!("{host}:{}", peer.last_port)),
    }
}

pub(super) fn shortened(text: &str) -> String {
    if text.chars().count() <= DESCRIPTION {
        return printable(text);
    }
    let beginning: String = text.chars().take(DESCRIPTION - 1).collect();
    format!("{}…", printable(beginning.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other_and_empty_ones_take_no_room() {
        let row = |cells: [&str; 4]| cells.map(str::to_owned);
        let rows = [row(["büro", "full", "", "x"]), row(["a", "observe", "", ""])];
        assert_eq!(table(&rows), "büro  full     x\na     observe");
    }

    #[test]
    fn a_long_description_is_seen_to_be_cut() {
        assert_eq!(shortened("short"), "short");
        assert_eq!(shortened(&"é".repeat(60)), "é".repeat(60));
        assert_eq!(shortened(&"é".repeat(61)), format!("{}…", "é".repeat(59)));
    }
}
