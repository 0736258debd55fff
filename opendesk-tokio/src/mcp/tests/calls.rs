//! Calls while they go on: progress, cancellation, panics.

use core::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use opendesk_std::tools::Output;
use serde_json::json;

use super::*;

#[tokio::test]
async fn progress_grows_and_ends_before_the_answer() {
    let (_folder, home) = home();
    let mut client = Client::of(&home);
    client.initialize("2025-11-25", json!({})).await;
    let steps = vec![json!({"tool": "wait", "arguments": {"ms": 150}}); 3];
    let arguments = json!({"peer": "local", "actions": steps, "picture": false});
    let params = json!({"name": "computer_batch", "arguments": arguments, "_meta": {"progressToken": "p"}});
    let done = client.ask("tools/call", params).await;
    assert_eq!(done["result"]["isError"], false, "{done}");
    let heard: Vec<f64> = client
        .others
        .iter()
        .filter(|message| message["method"] == "notifications/progress")
        .map(|message| {
            assert_eq!(message["params"]["progressToken"], "p");
            message["params"]["progress"].as_f64().unwrap()
        })
        .collect();
    assert!(!heard.is_empty() && heard.is_sorted_by(|one, next| one < next), "{heard:?}");
    client.others.clear();
    client.call("opendesk_peers", json!({})).await;
    assert!(client.others.is_empty(), "nothing comes behind the answer, or without a token: {:?}", client.others);
    client.end().await;
}

#[tokio::test]
async fn what_is_cancelled_releases_its_keys_and_is_not_answered() {
    let host = Host::paired().await;
    let (desktop, home) = (&host.desktop, &host.home);
    for is_modern in [false, true] {
        let mut client = Client::of(home);
        let mut params = json!({
            "name": "keyboard",
            "arguments": {"action": "hold", "key": "shift", "hold_duration": 10, "settle_ms": 0},
        });
        if is_modern {
            params["_meta"] = client.meta();
        } else {
            client.initialize("2025-11-25", json!({})).await;
        }
        let id = client.begin();
        client.send(&json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params})).await;
        until(|| !desktop.held_keys().is_empty()).await;
        let cancelled = json!({"requestId": id, "reason": "enough"});
        client.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancelled})).await;
        until(|| desktop.held_keys().is_empty()).await;
        let after = if is_modern {
            client.modern("tools/call", json!({"name": "opendesk_status", "arguments": {}})).await
        } else {
            client.call("opendesk_status", json!({})).await
        };
        assert!(after["result"].is_object(), "{after}");
        assert!(client.others.is_empty(), "no reply to what was cancelled: {:?}", client.others);
        client.end().await;
    }
    host.end().await;
}

#[tokio::test]
async fn a_tool_that_panics_is_one_failed_call() {
    let (_folder, home) = home();
    let run: Run = |_session, name, _arguments| {
        Box::pin(async move {
            match name.as_str() {
                "screenshot" => panic!("in the middle of it"),
                "ocr" => tokio::task::spawn_blocking(|| panic!("on another thread")).await.unwrap_or_else(|error| {
                    std::panic::resume_unwind(error.into_panic());
                }),
                _ => Ok(Output::text("well")),
            }
        })
    };
    let mut client = Client::with(&home, Some(run));
    client.initialize("2025-11-25", json!({})).await;
    for tool in ["screenshot", "ocr"] {
        let failed = client.call(tool, json!({})).await;
        assert_eq!(failed["result"]["isError"], true, "{failed}");
        assert!(text(&failed).contains("error in opendesk itself"), "{failed}");
    }
    assert_eq!(text(&client.call("mouse", json!({})).await), "well");
    assert!(client.others.is_empty(), "{:?}", client.others);
    client.end().await;
}

static DROPPED_HERE: AtomicBool = AtomicBool::new(false);

#[tokio::test]
async fn a_cancelled_call_is_dropped_where_it_ran() {
    /// Tells that it is dropped, and where.
    struct Tells(thread::ThreadId);
    impl Drop for Tells {
        fn drop(&mut self) {
            DROPPED_HERE.store(thread::current().id() == self.0, Ordering::SeqCst);
        }
    }
    let (_folder, home) = home();
    let run: Run = |_session, _name, _arguments| {
        Box::pin(async move {
            let _tells = Tells(thread::current().id());
            core::future::pending::<()>().await;
            Ok(Output::text("never"))
        })
    };
    let mut client = Client::with(&home, Some(run));
    client.initialize("2025-11-25", json!({})).await;
    let id = client.begin();
    client.send(&json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": "ocr"}})).await;
    client.ask("ping", json!({})).await;
    client.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}})).await;
    until(|| DROPPED_HERE.load(Ordering::SeqCst)).await;
    client.ask("ping", json!({})).await;
    assert!(client.others.is_empty(), "{:?}", client.others);
    client.end().await;
}
