//! `opendesk audit`: what happened on this machine, and whether its log is as it was written.

mod line;
mod verify;

use core::pin::pin;
use core::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use opendesk_core::PublicKey;
use opendesk_std::clock;
use opendesk_std::govern::audit::{AuditError, Filter, Follower, Found, read_log};
use opendesk_std::home::{Peers, printable};
use opendesk_std::host::{AdminError, acknowledge_audit_of_running};
use opendesk_tokio::Tokio;
use serde_json::json;

use super::{Context, interrupted};
use crate::args::{self, AuditCommand};
use crate::exit::Failure;
use crate::output;

/// How often it is looked whether something was added.
const POLL: Duration = Duration::from_millis(250);

pub(super) async fn run(context: &Context, options: args::Audit) -> Result<(), Failure> {
    match options.command {
        Some(AuditCommand::Verify { files, pubkey }) => return verify::run(context, files, pubkey.as_deref()),
        Some(AuditCommand::Acknowledge) => return acknowledge(context).await,
        None => {}
    }
    if options.follow && options.date.is_some() {
        return Err(Failure::usage("--date shows one day, and --follow what comes; leave one of them out"));
    }
    let filter = filter(context, &options)?;
    let mut shown = Shown { json: context.json, entries: 0, unreadable: 0 };
    let folder = context.home.audit_dir();
    let follower =
        read_log(&folder, options.date, filter, options.limit, |found| shown.show(&found)).map_err(failed)?;
    if options.follow {
        follow(follower, &mut shown).await?;
    } else if shown.entries == 0 && shown.unreadable == 0 {
        output::note(if folder.exists() { "no entry of the audit log fits" } else { "there is no audit log yet" });
    }
    match shown.unreadable {
        0 => Ok(()),
        1 => Err(Failure::failed("a file of the audit log could not be read")),
        more => Err(Failure::failed(format!("{more} files of the audit log could not be read"))),
    }
}

/// Has the host that runs act again after somebody else has changed its log.
async fn acknowledge(context: &Context) -> Result<(), Failure> {
    let failed = |error: AdminError| match error {
        AdminError::NotRunning => {
            Failure::failed("no host runs with this home directory, so there is nothing to acknowledge")
        }
        AdminError::Failed(why) => Failure::failed(why),
    };
    let was_altered = acknowledge_audit_of_running(&Tokio, &context.home).await.map_err(failed)?;
    output::result(context.json, &json!({"ok": true, "altered": was_altered}), || {
        if was_altered {
            "the host acts again; `opendesk audit verify` still tells what was altered".to_owned()
        } else {
            "nothing was altered that the host knows of".to_owned()
        }
    });
    Ok(())
}

/// Shows what is added until the person ends it.
async fn follow(mut follower: Follower, shown: &mut Shown) -> Result<(), Failure> {
    let mut ended = pin!(interrupted());
    loop {
        follower.poll(|found| shown.show(&found)).map_err(failed)?;
        tokio::select! {
            () = &mut ended => return Ok(()),
            () = tokio::time::sleep(POLL) => {}
        }
    }
}

fn failed(error: AuditError) -> Failure {
    Failure::failed(error.to_string())
}

/// What was printed.
struct Shown {
    json: bool,
    entries: u64,
    unreadable: u64,
}

impl Shown {
    fn show(&mut self, found: &Found) {
        match found {
            Found::Entry(entry) => {
                self.entries += 1;
                output::line(&if self.json { entry.json() } else { line::of(entry) });
            }
            Found::Damaged { path, lines } => output::note(&format!(
                "{} in {} without an entry; `opendesk audit verify` tells more",
                line::count(*lines, "line"),
                printable(&path.display().to_string())
            )),
            Found::Unreadable { path, why } => {
                self.unreadable += 1;
                output::note(&format!("{} cannot be read: {why}", printable(&path.display().to_string())));
            }
            Found::Changed { path } => output::note(&format!(
                "{} was cut or replaced; `opendesk audit verify` tells more",
                printable(&path.display().to_string())
            )),
        }
    }
}

fn filter(context: &Context, options: &args::Audit) -> Result<Filter, Failure> {
    let mut filter = Filter::default();
    if let Some(since) = &options.since {
        filter = filter.since(when(since, clock::epoch_seconds())?);
    }
    if let Some(text) = &options.peer {
        // Entries keep the name that a peer had then.
        let peers = Peers::load(&context.home).ok();
        let key = peers.as_ref().and_then(|peers| peers.by_name(text)).map(|peer| PublicKey(peer.public_key));
        filter = filter.peer(text, key.map(|key| key.to_string()).as_deref());
    }
    match &options.method {
        Some(pattern) => filter.method(pattern).map_err(Failure::usage),
        None => Ok(filter),
    }
}

/// A time, in seconds since 1970: `2026-05-12T10:00`, here or with an offset, or how long ago, such as `2h`.
fn when(text: &str, now: f64) -> Result<f64, Failure> {
    if let Some(ago) = ago(text) {
        return Ok(now - ago.as_secs_f64());
    }
    let time = text.parse::<Timestamp>().or_else(|_| {
        let time: DateTime = text.parse()?;
        Ok::<Timestamp, jiff::Error>(TimeZone::system().to_zoned(time)?.timestamp())
    });
    let seconds = |time: Timestamp| SignedDuration::from_nanos_i128(time.as_nanosecond()).as_secs_f64();
    time.map(seconds).map_err(|_| {
        let text = printable(text);
        Failure::usage(format!("{text} is no time; write 2026-05-12T10:00, or how long ago, such as 30m, 2h or 3d"))
    })
}

fn ago(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: u64 = number.parse().ok()?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        _ => return None,
    };
    number.checked_mul(unit).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_absolute_or_ago() {
        let now = 1_778_623_190.0;
        for (text, seconds) in [
            ("90s", now - 90.0),
            ("30m", now - 1800.0),
            ("2h", now - 7200.0),
            ("3d", now - 259_200.0),
            ("1w", now - 604_800.0),
            ("2026-05-12T21:59:50Z", now),
            ("2026-05-12T23:59:50.5+02:00", now + 0.5),
        ] {
            assert_eq!(when(text, now).unwrap(), seconds, "{text}");
        }
        let local = |text: &str| when(text, now).unwrap();
        assert_eq!(local("2026-05-12T10:00"), local("2026-05-12 10:00:00"));
        assert_eq!(local("2026-05-12T10:00") - local("2026-05-12"), 36_000.0);
        for text in ["", "h", "yesterday", "2026-13-01", "-3h", "3x", "99999999999999999999d", "é"] {
            let failure = when(text, now).unwrap_err();
            assert!(failure.to_string().contains("is no time"), "{text}");
            assert_eq!(failure.number(), 2);
        }
    }
}
