//! `opendesk stop`, `resume`, `takeover` and `handback`: whether controllers may act.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use opendesk_std::govern::control::{Control, Mode};
use opendesk_std::home::{MAX_TEXT, printable};
use opendesk_std::host::{AdminError, reload_running, status_of_running};
use opendesk_tokio::Tokio;
use serde_json::json;

use super::Context;
use crate::args;
use crate::exit::Failure;
use crate::output;

pub(super) async fn run(context: &Context, mode: Mode, options: args::Control) -> Result<(), Failure> {
    let (before, now) = Control::set(&context.home, mode, &options.reason)?;
    // Said before the host is asked: it obeys the file, and may take its time to answer.
    let report = json!({"mode": now.mode, "since": now.since, "reason": now.reason, "before": before});
    output::result(context.json, &report, || said(&before, &now));
    if options.reason.chars().count() > MAX_TEXT {
        output::note(&format!("the reason was cut: {MAX_TEXT} characters of it are kept"));
    }
    match reload_running(&Tokio, &context.home).await {
        Ok(()) if now.mode == Mode::Running => refusing(context).await,
        Ok(()) => {}
        Err(AdminError::NotRunning) if now.mode == Mode::Running => {}
        Err(AdminError::NotRunning) => {
            output::note("no host runs with this home directory; one that is started obeys this as well");
        }
        Err(AdminError::Failed(why)) => output::note(&format!(
            "the host that runs was not heard ({}); it obeys before the next call all the same",
            printable(&why)
        )),
    }
    Ok(())
}

/// Says what keeps controllers from acting though the owner lets them.
async fn refusing(context: &Context) {
    // A host that does not answer has obeyed all the same.
    let Ok(status) = status_of_running(&Tokio, &context.home).await else { return };
    if let Some(why) = &status.policy_error {
        output::note(&format!("every call is refused all the same: {}", printable(why)));
    } else if status.audit.altered || status.audit.error.is_some() {
        output::note("actions are refused all the same, because of the audit log: `opendesk status` tells why");
    }
}

fn said(before: &Control, now: &Control) -> String {
    let is = match now.mode {
        Mode::Running => "controllers may act",
        Mode::Stopped => "stopped: calls of controllers are refused until `opendesk resume`",
        Mode::Takeover => "taken over: calls of controllers are refused until `opendesk handback`",
    };
    let before = match before.mode {
        mode if mode == now.mode => still(before, now),
        Mode::Running => "before, controllers could act".to_owned(),
        Mode::Stopped => format!("this ends the stop{}", circumstances(before)),
        Mode::Takeover => format!("this ends the takeover{}", circumstances(before)),
    };
    format!("{is}; {before}")
}

/// That it was so before, and whether for the same reason.
fn still(before: &Control, now: &Control) -> String {
    if before.reason == now.reason {
        format!("as before{}", reason(now))
    } else if before.reason.is_empty() {
        format!("as before, and now with a reason{}", reason(now))
    } else {
        format!("as before; the reason was{}", reason(before))
    }
}

/// ` of 2026-05-12 10:00:03 (why)`, as far as it is known.
fn circumstances(control: &Control) -> String {
    let since = Timestamp::from_second(control.since as i64).ok().filter(|_| control.since > 0.0);
    let since = since.map(|since| since.to_zoned(TimeZone::system()).strftime(" of %Y-%m-%d %H:%M:%S").to_string());
    format!("{}{}", since.unwrap_or_default(), reason(control))
}

/// ` (why)`, if that is known.
fn reason(control: &Control) -> String {
    if control.reason.is_empty() { String::new() } else { format!(" ({})", printable(&control.reason)) }
}
