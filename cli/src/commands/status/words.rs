//! What a host says, in words that the report and the terminal view have in common.

use opendesk_std::govern::control::{Control, Mode};
use opendesk_std::home::printable;
use opendesk_std::host::{AuditInfo, SessionInfo, Status};

use super::seen::Seen;
use super::times::{Times, span};

/// How much a line asks for attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// All is as usual.
    Plain,
    /// Something is not as usual.
    Notable,
    /// Somebody must act.
    Alarming,
}

/// Whether controllers may act.
pub(super) fn control(seen: &Seen, times: &Times) -> (String, Tone) {
    match (&seen.host, &seen.control, &seen.policy_error) {
        // What the owner's switch lets happen the policy of the host does not.
        (Some(_), Ok(Control { mode: Mode::Running, .. }), Some(why)) => {
            (format!("every call is refused: {}", printable(why)), Tone::Alarming)
        }
        (host, control, _) => switch(control, host.as_ref().and_then(|status| status.paused_for), times),
    }
}

/// What is wrong with the rules, where it is not told with the switch: no host runs, or the switch refuses every call as well.
pub(super) fn rules(seen: &Seen) -> Option<(String, Tone)> {
    let error = printable(seen.policy_error.as_deref()?);
    let line = match (&seen.host, &seen.control) {
        (None, _) => format!("a host with --approve policy refuses every call: {error}"),
        (Some(_), Ok(Control { mode: Mode::Running, .. })) => return None,
        (Some(_), _) => format!("every call is refused after `opendesk resume` too: {error}"),
    };
    Some((line, Tone::Alarming))
}

fn switch(control: &Result<Control, String>, paused_for: Option<f64>, times: &Times) -> (String, Tone) {
    let halted = |word: &str, control: &Control| {
        let since = if control.since > 0.0 { format!(" since {}", times.since(control.since)) } else { String::new() };
        let reason =
            if control.reason.is_empty() { String::new() } else { format!(": {}", printable(&control.reason)) };
        (format!("{word}{since}{reason}"), Tone::Notable)
    };
    match control {
        Err(why) => (printable(why), Tone::Alarming),
        Ok(control) => match (control.mode, paused_for) {
            (Mode::Stopped, _) => halted("STOPPED", control),
            (Mode::Takeover, _) => halted("TAKEN OVER", control),
            (Mode::Running, Some(left)) => {
                (format!("paused for {} more, as the person here uses the machine", span(left)), Tone::Notable)
            }
            (Mode::Running, None) => ("controllers may act".to_owned(), Tone::Plain),
        },
    }
}

/// Who drives.
pub(super) fn sessions(sessions: &[SessionInfo], times: &Times) -> String {
    if sessions.is_empty() {
        return "nobody drives this machine".to_owned();
    }
    let told = sessions.iter().map(|session| {
        let name = if session.peer_name.is_empty() { &session.peer_pubkey_hex } else { &session.peer_name };
        let (name, address) = (printable(name), printable(&session.remote_addr));
        format!("{name} drives from {address} since {}", times.since(session.started_at))
    });
    told.collect::<Vec<_>>().join("; ")
}

/// Whether a code is shown.
pub(super) fn pairing(pairing_for: Option<f64>) -> (String, Tone) {
    match pairing_for {
        Some(left) => (format!("a code is shown for {} more", span(left)), Tone::Notable),
        None => ("no code is shown".to_owned(), Tone::Plain),
    }
}

/// How the audit log is.
pub(super) fn audit(audit: &AuditInfo) -> (String, Tone) {
    let why = audit.error.as_deref().map(|why| format!(": {}", printable(why))).unwrap_or_default();
    if !audit.on {
        ("none is kept".to_owned(), Tone::Notable)
    } else if audit.altered {
        let line = format!(
            "ALTERED, so actions are refused until `opendesk audit acknowledge`{why}; `opendesk audit verify` tells what"
        );
        (line, Tone::Alarming)
    } else if audit.error.is_some() {
        (format!("FAILING, so actions are refused{why}"), Tone::Alarming)
    } else if audit.unsettled {
        let line =
            "its end may not survive a power failure: the disk does not take it, so free some space or look at it";
        (line.to_owned(), Tone::Notable)
    } else {
        let entries = if audit.entries == 1 { "entry" } else { "entries" };
        (format!("{} {entries} since the host started", audit.entries), Tone::Plain)
    }
}

/// Where the host listens, and how it decides.
pub(super) fn host(status: &Status) -> String {
    let [address, backend, approve] = [&status.address, &status.backend, &status.approve].map(|text| printable(text));
    format!("{address}, desktop {backend}, approve {approve}, {}", printable(&status.fingerprint))
}

/// How many machines are paired.
pub(super) fn peers(peers: &Result<usize, String>) -> (String, Tone) {
    match peers {
        Ok(0) => ("no machine".to_owned(), Tone::Plain),
        Ok(1) => ("1 machine".to_owned(), Tone::Plain),
        Ok(more) => (format!("{more} machines"), Tone::Plain),
        Err(why) => (printable(why), Tone::Alarming),
    }
}

#[cfg(test)]
mod tests {
    use super::super::seen::examples::{self, NOON};
    use super::*;

    #[test]
    fn each_state_of_the_switch_has_its_words() {
        let times = Times::utc(NOON);
        let said = |mode, reason: &str, pause| switch(&Ok(examples::control(mode, reason)), pause, &times).0;
        assert_eq!(said(Mode::Running, "", None), "controllers may act");
        assert_eq!(said(Mode::Running, "", Some(4.0)), "paused for 4 s more, as the person here uses the machine");
        assert_eq!(said(Mode::Stopped, "", Some(4.0)), "STOPPED since 11:58:30 (90 s)");
        assert_eq!(said(Mode::Takeover, "my\u{1b}[2Jturn", None), "TAKEN OVER since 11:58:30 (90 s): my\\u{1b}[2Jturn");
        let ever = Control { mode: Mode::Stopped, ..Control::default() };
        assert_eq!(switch(&Ok(ever), None, &times).0, "STOPPED");
        let unreadable = switch(&Err("control.json\ncannot be read".to_owned()), None, &times);
        assert_eq!(unreadable, ("control.json\\ncannot be read".to_owned(), Tone::Alarming));
    }

    #[test]
    fn a_host_whose_rules_cannot_be_read_refuses_every_call_whatever_its_switch_says() {
        let times = Times::utc(NOON);
        let broken = Some("policy.json\ncannot be used".to_owned());
        let status = Status { policy_error: broken.clone(), paused_for: Some(4.0), ..examples::idle() };
        let said = control(&examples::running(status.clone()), &times);
        assert_eq!(said, ("every call is refused: policy.json\\ncannot be used".to_owned(), Tone::Alarming));
        let stopped = Status { control: Some(examples::control(Mode::Stopped, "")), ..status };
        let stopped = examples::running(stopped);
        assert_eq!(control(&stopped, &times).0, "STOPPED since 11:58:30 (90 s)");
        let behind = "every call is refused after `opendesk resume` too: policy.json\\ncannot be used".to_owned();
        assert_eq!(rules(&stopped), Some((behind, Tone::Alarming)));
        assert_eq!(rules(&examples::running(examples::idle())), None);
        // Whether one that is started goes by them is not known.
        let at_rest = Seen { policy_error: broken, ..examples::at_rest(Control::default()) };
        assert_eq!(control(&at_rest, &times), ("controllers may act".to_owned(), Tone::Plain));
    }

    #[test]
    fn a_log_that_was_altered_or_cannot_be_written_is_alarming() {
        let info = |on, altered, error: Option<&str>| {
            audit(&AuditInfo { on, entries: 1, altered, error: error.map(str::to_owned), unsettled: !altered })
        };
        let calm = audit(&AuditInfo { on: true, entries: 1, ..AuditInfo::default() });
        assert_eq!(calm, ("1 entry since the host started".to_owned(), Tone::Plain));
        let (line, tone) = info(true, false, None);
        assert!(line.starts_with("its end may not survive a power failure") && tone == Tone::Notable, "{line}");
        assert_eq!(info(false, false, None), ("none is kept".to_owned(), Tone::Notable));
        let (line, tone) = info(true, false, Some("no space"));
        assert_eq!((line.as_str(), tone), ("FAILING, so actions are refused: no space", Tone::Alarming));
        let (line, tone) = info(true, true, None);
        assert!(line.starts_with("ALTERED") && tone == Tone::Alarming, "{line}");
        assert!(line.contains("`opendesk audit acknowledge`"), "{line}");
    }

    #[test]
    fn names_of_others_come_without_control_characters() {
        let mut status = examples::driven();
        status.sessions[0].peer_name = "an\u{1b}[31mna".to_owned();
        let line = sessions(&status.sessions, &Times::utc(NOON));
        assert_eq!(line, "an\\u{1b}[31mna drives from 10.0.0.7:51234 since 11:57:00 (3 min)");
        status.sessions[0].peer_name.clear();
        assert!(sessions(&status.sessions, &Times::utc(NOON)).starts_with("1111"));
    }
}
