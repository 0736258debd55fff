//! What can be seen of this machine's host, whether one runs or not.

use opendesk_std::govern::control::Control;
use opendesk_std::govern::rules;
use opendesk_std::home::{Home, Peers};
use opendesk_std::host::{AdminError, Status, status_of_running};
use opendesk_std::runtime::Runtime;
use opendesk_tokio::Tokio;
use serde_json::{Value, json};

/// A look at the host of a home directory.
#[derive(Debug)]
pub(super) struct Seen {
    /// What the host says; absent while none runs.
    pub(super) host: Option<Box<Status>>,
    /// Whether controllers may act, or why that cannot be told.
    pub(super) control: Result<Control, String>,
    /// Why the policy of the host can decide nothing; where none runs, what is wrong with `policy.json`.
    pub(super) policy_error: Option<String>,
    /// How many machines are paired, or why that cannot be told.
    pub(super) peers: Result<usize, String>,
}

/// Looks. A host that runs and does not answer is an error, in one line.
pub(super) async fn look(home: &Home) -> Result<Seen, String> {
    let host = match status_of_running(&Tokio, home).await {
        Ok(status) => Some(Box::new(status)),
        Err(AdminError::NotRunning) => None,
        Err(AdminError::Failed(why)) => return Err(why),
    };
    let files = home.clone();
    let peers = move || Peers::load(&files).map(|peers| peers.list().len()).map_err(|error| error.to_string());
    // What counts is what a host makes of the files.
    if let Some(status) = host {
        return Ok(Seen::of_host(status, Tokio.run_blocking(peers).await));
    }
    let files = home.clone();
    let read = move || {
        let control = Control::load(&files).map_err(|error| {
            format!("every call is refused: {error}; `opendesk stop` or `opendesk resume` writes it anew")
        });
        let policy_error = rules::load(&files).err().map(|error| error.to_string());
        Seen { host: None, control, policy_error, peers: peers() }
    };
    Ok(Tokio.run_blocking(read).await)
}

fn control_of(status: &Status) -> Result<Control, String> {
    match (&status.control, &status.halted) {
        (Some(control), _) => Ok(control.clone()),
        (None, Some(why)) => Err(why.clone()),
        // A host without a switch.
        (None, None) => Ok(Control::default()),
    }
}

impl Seen {
    /// What a host says of itself.
    fn of_host(status: Box<Status>, peers: Result<usize, String>) -> Self {
        let (control, policy_error) = (control_of(&status), status.policy_error.clone());
        Self { host: Some(status), control, policy_error, peers }
    }

    /// As programs read it: what the host says, with `running` and the number of paired machines.
    pub(super) fn json(&self) -> Value {
        let mut value = match &self.host {
            Some(status) => serde_json::to_value(status).unwrap_or_default(),
            None => json!({"control": self.control.as_ref().ok()}),
        };
        if let Value::Object(fields) = &mut value {
            fields.insert("running".to_owned(), json!(self.host.is_some()));
            fields.insert("control_error".to_owned(), json!(self.control.as_ref().err()));
            fields.insert("policy_error".to_owned(), json!(self.policy_error));
            fields.insert("peers".to_owned(), json!(self.peers.as_ref().ok()));
            if let Err(why) = &self.peers {
                fields.insert("peers_error".to_owned(), json!(why));
            }
        }
        value
    }
}

#[cfg(test)]
pub(super) mod examples {
    //! Hosts to show.

    use opendesk_std::govern::RecentCall;
    use opendesk_std::govern::ask::Question;
    use opendesk_std::govern::control::Mode;
    use opendesk_std::host::{AuditInfo, SessionInfo};

    use super::*;

    /// Noon of the first of January 2026, in seconds since 1970.
    pub(in super::super) const NOON: f64 = 1_767_268_800.0;

    pub(in super::super) fn control(mode: Mode, reason: &str) -> Control {
        Control { mode, since: NOON - 90.0, reason: reason.to_owned() }
    }

    /// A host that nobody drives.
    pub(in super::super) fn idle() -> Status {
        Status {
            version: "0.1.0".to_owned(),
            pid: 4711,
            address: "0.0.0.0:8423".to_owned(),
            backend: "x11".to_owned(),
            fingerprint: "a4e0:9292:b651:c278".to_owned(),
            approve: "policy".to_owned(),
            control: Some(Control::default()),
            halted: None,
            policy_error: None,
            paused_for: None,
            pairing_for: None,
            sessions: Vec::new(),
            questions: Vec::new(),
            recent: Vec::new(),
            audit: AuditInfo { on: true, entries: 12, ..AuditInfo::default() },
        }
    }

    pub(in super::super) fn call(seconds_ago: f64, method: &str, outcome: &str) -> RecentCall {
        RecentCall {
            at: NOON - seconds_ago,
            peer: "anna".to_owned(),
            method: method.to_owned(),
            summary: format!("about {method}"),
            outcome: outcome.to_owned(),
        }
    }

    pub(in super::super) fn question(number: u64, what: &str) -> Question {
        Question {
            number,
            peer: "anna".to_owned(),
            fingerprint: "1111:2222:3333:4444".to_owned(),
            method: "process.shell".to_owned(),
            what: what.to_owned(),
            why: "a rule asks about programs".to_owned(),
            asked_at: NOON - 10.0,
            within: 60,
        }
    }

    /// A host that anna drives.
    pub(in super::super) fn driven() -> Status {
        let session = SessionInfo {
            id: "0badcafe".to_owned(),
            peer_name: "anna".to_owned(),
            peer_pubkey_hex: "11".repeat(32),
            remote_addr: "10.0.0.7:51234".to_owned(),
            started_at: NOON - 180.0,
            age_seconds: 180.0,
            mode: "serve".to_owned(),
        };
        Status {
            sessions: vec![session],
            recent: vec![call(5.0, "display.capture", "ok"), call(2.0, "input.key", "permission_denied")],
            ..idle()
        }
    }

    pub(in super::super) fn asking(questions: Vec<Question>) -> Status {
        Status { questions, ..driven() }
    }

    /// What is seen of a host that runs.
    pub(in super::super) fn running(status: Status) -> Seen {
        Seen::of_host(Box::new(status), Ok(2))
    }

    /// What is seen where none runs.
    pub(in super::super) fn at_rest(control: Control) -> Seen {
        Seen { host: None, control: Ok(control), policy_error: None, peers: Ok(2) }
    }
}

#[cfg(test)]
mod tests {
    use opendesk_std::govern::control::Mode;

    use super::*;

    #[test]
    fn a_program_is_told_the_same_keys_whether_a_host_runs_or_not() {
        let running = examples::running(examples::driven()).json();
        assert_eq!((&running["running"], &running["peers"]), (&json!(true), &json!(2)));
        assert_eq!(
            (&running["control"]["mode"], &running["sessions"][0]["peer_name"]),
            (&json!("running"), &json!("anna"))
        );
        let at_rest = examples::at_rest(examples::control(Mode::Stopped, "lunch")).json();
        assert_eq!((&at_rest["running"], &at_rest["peers"]), (&json!(false), &json!(2)));
        assert_eq!((&at_rest["control"]["mode"], &at_rest["control_error"]), (&json!("stopped"), &Value::Null));
        let halted = Some("control.json cannot be read".to_owned());
        let unreadable = examples::running(Status { control: None, halted, ..examples::idle() }).json();
        assert_eq!((&unreadable["control"], &unreadable["running"]), (&Value::Null, &json!(true)));
        assert_eq!(unreadable["control_error"], "control.json cannot be read");
        let (control, peers) = (Err("no JSON".to_owned()), Err("no list".to_owned()));
        let broken = Seen { host: None, control, policy_error: Some("no rules".to_owned()), peers }.json();
        assert_eq!((&broken["control"], &broken["control_error"]), (&Value::Null, &json!("no JSON")));
        assert_eq!((&broken["policy_error"], &running["policy_error"]), (&json!("no rules"), &Value::Null));
        assert_eq!((&broken["peers"], &broken["peers_error"]), (&Value::Null, &json!("no list")));
    }
}
