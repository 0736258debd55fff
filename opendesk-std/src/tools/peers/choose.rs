//! `opendesk_use`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::api::{Error, ErrorCode};
use crate::tools::{Hints, Output, Tool, ToolError, arguments, schema};

pub(in crate::tools) const TOOL: Tool = Tool {
    name: "opendesk_use",
    title: "Choose a machine",
    description: "Sends calls without `peer` to this machine for the rest of the session: the name of a paired machine, \
                  or `local` for the machine that opendesk runs on. Where a session was ended on the machine, this \
                  allows another one: first ask its owner.",
    hints: Hints { read_only: false, destructive: false, idempotent: true, open_world: false },
    schema: schema::of::<Arguments>,
    run: |session, given| {
        Box::pin(async move {
            let Arguments { peer } = arguments(given)?;
            let target = session.target(Some(&peer))?;
            if session.is_stateless() {
                return Err(no_session());
            }
            let said = format!("Calls without `peer` go to {} from now on.", target.name());
            session.choose(target);
            Ok(Output::text(said))
        })
    },
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The machine's name, or `local`; see opendesk_peers.
    peer: String,
}

fn no_session() -> ToolError {
    let why = "nothing was chosen: the client keeps no session, so it would not hold for the next call; give `peer` in every \
               call, or have the owner choose for all that comes with `opendesk peers default`";
    Error::new(ErrorCode::CapabilityUnsupported, why).into()
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use serde_json::json;

    use crate::tools::peers::tests::{home, know, session};

    fn call(session: &crate::tools::Session, name: &str, arguments: serde_json::Value) -> crate::tools::Output {
        session.call_tool(name, arguments).now_or_never().expect("nothing is waited for")
    }

    #[test]
    fn w3_what_is_chosen_holds_for_the_session_and_in_no_other() {
        let (_folder, home) = home();
        know(&home, "desk", 1);
        know(&home, "lab", 2);
        let (one, other) = (session(&home), session(&home));
        let several = call(&one, "opendesk_status", json!({})).all_text();
        assert!(several.contains("(desk, lab)"), "{several}");
        assert!(!call(&one, "opendesk_use", json!({"peer": "local"})).is_error);
        let picture = call(&one, "opendesk_status", json!({})).all_text();
        assert!(picture.starts_with("Calls without `peer` go to local: chosen by opendesk_use."), "{picture}");
        assert!(other.target(None).is_err(), "W17");
        assert!(!call(&other, "opendesk_use", json!({"peer": "lab"})).is_error);
        assert_eq!(other.target(None).unwrap().name(), "lab");
        assert_eq!(one.target(None).unwrap().name(), "local");
        let unknown = call(&one, "opendesk_use", json!({"peer": "nobody"}));
        assert!(unknown.is_error && unknown.all_text().contains("desk, lab, local"), "{unknown:?}");
        assert_eq!(one.target(None).unwrap().name(), "local", "a failure changes nothing");
    }

    #[test]
    fn without_a_session_nothing_is_chosen() {
        let (_folder, home) = home();
        know(&home, "desk", 1);
        let session = session(&home).stateless();
        let refused = call(&session, "opendesk_use", json!({"peer": "local"}));
        assert!(refused.is_error && refused.all_text().contains("give `peer` in every call"), "{refused:?}");
        assert_eq!(session.target(None).unwrap().name(), "desk");
    }
}
