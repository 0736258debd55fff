//! Actions of which the desktop itself says that nothing came of them: no call that is made of several takes them for done.

use std::fs;

use opendesk_std::desktop::Backend;
use opendesk_std::home::Home;
use opendesk_std::tools::{OnRuntime, Session};
use opendesk_tokio::Tokio;
use serde_json::json;

use crate::run;

/// Nothing on the virtual desktop takes this key.
fn idle_key() -> serde_json::Value {
    json!({"action": "press", "key": "f9", "settle_ms": 0, "peer": "local"})
}

#[test]
fn what_has_no_effect_ends_a_batch_a_program_and_a_replay() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(Some(folder.path().join("home"))).unwrap();
        let session = Session::new(home.clone(), Backend::Virtual, Box::new(OnRuntime(Tokio)));
        let single = session.call_tool("keyboard", idle_key()).await;
        // Of a call alone the agent reads that.
        assert!(!single.is_error && single.all_text().contains("nothing came of it"), "{}", single.all_text());

        let press = json!({"tool": "keyboard", "arguments": idle_key()});
        let actions = json!([press, {"tool": "wait", "arguments": {"ms": 1}}]);
        let batch = json!({"actions": actions, "picture": false, "peer": "local"});
        let batch = session.call_tool("computer_batch", batch).await;
        let said = batch.all_text();
        assert!(batch.is_error && said.contains("0 of 2 actions done; action 1 had no effect"), "{said}");
        assert!(said.contains("1 without effect keyboard") && said.contains("2 not executed wait"), "{said}");

        let programs = home.path().join("programs");
        fs::create_dir_all(&programs).unwrap();
        let step = json!({"id": 1, "tool": "keyboard", "arguments": {"action": "press", "key": "f9"}});
        let program = json!({"name": "idle", "version": 1, "source": "session", "parameters": [], "steps": [step]});
        fs::write(programs.join("idle.json"), program.to_string()).unwrap();
        let learned = session.call_tool("learn", json!({"action": "run", "name": "idle", "peer": "local"})).await;
        assert!(learned.is_error && learned.all_text().contains("idle stopped at step 1"), "{}", learned.all_text());

        let replayed = session.call_tool("audit", json!({"action": "replay", "from": 1, "to": 1})).await;
        let said = replayed.all_text();
        assert!(replayed.is_error && said.contains("0 of 1 actions done again, 1 failed"), "{said}");
        session.close().await;
    });
}
