//! What the owner's rules ask a person for.

use opendesk_std::tools::{Caller, Consent};
use rmcp::model::CallToolRequestParams;
use serde_json::json;

use super::*;
use crate::mcp::approvals::{Approvals, Verified};

fn ruled() -> (TempDir, Home) {
    let (folder, home) = home();
    home.write("policy.json", RULES.as_bytes()).unwrap();
    (folder, home)
}

fn write(text: &str) -> Value {
    json!({"action": "write", "text": text, "peer": "local"})
}

fn elicits() -> Value {
    json!({"elicitation": {"form": {}}})
}

fn answers(action: &str, allow: Value) -> Value {
    json!({"approval": {"action": action, "content": {"allow": allow}}})
}

fn is_error(answer: &Value) -> bool {
    answer["result"]["isError"] == true
}

#[tokio::test]
async fn a_client_with_forms_is_asked_while_the_call_waits() {
    let (_folder, home) = ruled();
    for capabilities in [elicits(), json!({"elicitation": {}})] {
        let mut client = Client::of(&home);
        client.initialize("2025-06-18", capabilities).await;
        for (reply, is_allowed) in [
            (json!({"action": "accept", "content": {"allow": true}}), true),
            (json!({"action": "accept", "content": {"allow": false}}), false),
            (json!({"action": "accept"}), false),
            (json!({"action": "decline"}), false),
            (json!({"action": "cancel"}), false),
        ] {
            let id = client.begin();
            let params = json!({"name": "clipboard", "arguments": write("a\u{1b}[31m\u{202e}b")});
            client.send(&json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params})).await;
            let question = client.next(|message| message["method"] == "elicitation/create").await;
            let message = question["params"]["message"].as_str().unwrap();
            assert!(message.contains("\\u{1b}") && message.contains("\\u{202e}"), "{message}");
            assert!(
                message.contains("an agent on this machine, for local") && !message.contains('\u{1b}'),
                "{message}"
            );
            let schema = &question["params"]["requestedSchema"];
            assert_eq!(schema["properties"]["allow"]["type"], "boolean");
            assert_eq!(schema["required"], json!(["allow"]));
            client.send(&json!({"jsonrpc": "2.0", "id": question["id"], "result": reply})).await;
            let done = client.answer(id).await;
            assert_eq!(!is_error(&done), is_allowed, "{reply}: {done}");
            assert!(is_allowed || text(&done).contains("the person said no"), "{done}");
        }
        client.end().await;
    }
}

#[tokio::test]
async fn who_cannot_be_asked_leaves_it_to_the_machine() {
    let (_folder, home) = ruled();
    // There is no screen to show a dialog on here, so that nobody is found.
    for capabilities in [json!({}), json!({"elicitation": {"url": {}}})] {
        let mut client = Client::of(&home);
        client.initialize("2025-11-25", capabilities.clone()).await;
        let done = client.call("clipboard", write("a")).await;
        assert!(is_error(&done) && text(&done).contains("owner of this machine"), "{done}");
        assert!(client.others.is_empty(), "{:?}", client.others);
        client.end().await;
        let mut client = Client::of(&home);
        client.capabilities = capabilities;
        let done = client.modern("tools/call", json!({"name": "clipboard", "arguments": write("a")})).await;
        assert!(is_error(&done) && text(&done).contains("owner of this machine"), "{done}");
        client.end().await;
    }
    let mut client = Client::of(&home);
    client.initialize("2025-11-25", elicits()).await;
    let id = client.begin();
    let params = json!({"name": "clipboard", "arguments": write("a")});
    client.send(&json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params})).await;
    let question = client.next(|message| message["method"] == "elicitation/create").await;
    let error = json!({"code": -32601, "message": "there is no such method"});
    client.send(&json!({"jsonrpc": "2.0", "id": question["id"], "error": error})).await;
    let done = client.answer(id).await;
    assert!(is_error(&done) && text(&done).contains("owner of this machine"), "{done}");
    client.end().await;
}

/// A call that ends with a question.
async fn asked(client: &mut Client, arguments: &Value) -> String {
    let answer = client.modern("tools/call", json!({"name": "clipboard", "arguments": arguments})).await;
    let result = &answer["result"];
    assert_eq!(result["resultType"], "input_required", "{answer}");
    let request = &result["inputRequests"]["approval"];
    assert_eq!(request["method"], "elicitation/create", "{answer}");
    let message = request["params"]["message"].as_str().unwrap();
    assert!(message.contains("for this call, once") && message.contains("clipboard"), "{message}");
    result["requestState"].as_str().unwrap().to_owned()
}

/// The same call, or another one, with an answer.
async fn again(client: &mut Client, name: &str, arguments: &Value, state: &str, answers: Value) -> Value {
    let params = json!({"name": name, "arguments": arguments, "requestState": state, "inputResponses": answers});
    client.modern("tools/call", params).await
}

#[tokio::test]
async fn a_modern_call_ends_with_the_question_and_is_made_again() {
    let (_folder, home) = ruled();
    let mut client = Client::of(&home);
    client.capabilities = elicits();
    let arguments = write("by leave");
    let state = asked(&mut client, &arguments).await;
    let done = again(&mut client, "clipboard", &arguments, &state, answers("accept", json!(true))).await;
    assert!(!is_error(&done), "{done}");
    let replayed = again(&mut client, "clipboard", &arguments, &state, answers("accept", json!(true))).await;
    assert!(is_error(&replayed) && text(&replayed).contains("used already"), "{replayed}");

    for (action, allow) in
        [("decline", json!(true)), ("cancel", json!(null)), ("accept", json!(false)), ("accept", json!("true"))]
    {
        let state = asked(&mut client, &arguments).await;
        let done = again(&mut client, "clipboard", &arguments, &state, answers(action, allow)).await;
        assert!(is_error(&done) && text(&done).contains("the person said no"), "{done}");
        let changed = again(&mut client, "clipboard", &arguments, &state, answers("accept", json!(true))).await;
        assert!(is_error(&changed), "a no stays a no: {changed}");
    }
    client.end().await;
}

#[tokio::test]
async fn an_answer_holds_for_what_was_asked_only() {
    let (_folder, home) = ruled();
    let mut client = Client::of(&home);
    client.capabilities = elicits();
    let arguments = write("harmless");
    let state = asked(&mut client, &arguments).await;
    let yes = || answers("accept", json!(true));
    let edited = again(&mut client, "clipboard", &write("harmful"), &state, yes()).await;
    assert!(is_error(&edited) && text(&edited).contains("another question"), "{edited}");
    let other = json!({"action": "type", "text": "harmless", "peer": "local"});
    assert!(is_error(&again(&mut client, "keyboard", &other, &state, yes()).await));
    let mut forged = state.clone();
    forged.replace_range(forged.len() - 2.., "AA");
    for foreign in [forged.as_str(), "rs1.AAAA.BBBB", "", "x"] {
        let done = again(&mut client, "clipboard", &arguments, foreign, yes()).await;
        assert!(is_error(&done), "{foreign}: {done}");
    }
    let mut elsewhere = Client::of(&home);
    elsewhere.capabilities = elicits();
    assert!(is_error(&again(&mut elsewhere, "clipboard", &arguments, &state, yes()).await), "of another server");
    elsewhere.end().await;
    let params = json!({"name": "clipboard", "arguments": arguments, "inputResponses": yes()});
    assert!(is_error(&client.modern("tools/call", params).await), "an answer to nothing");
    // None of that has used it up.
    assert!(!is_error(&again(&mut client, "clipboard", &arguments, &state, yes()).await));
    // The same call without an answer puts its question anew, and the old one counts no more.
    let first = asked(&mut client, &arguments).await;
    let without = again(&mut client, "clipboard", &arguments, &first, json!({})).await;
    assert_eq!(without["result"]["resultType"], "input_required", "{without}");
    let second = asked(&mut client, &arguments).await;
    let done = again(&mut client, "clipboard", &arguments, &first, yes()).await;
    assert!(is_error(&done) && text(&done).contains("used already"), "{done}");
    assert!(!is_error(&again(&mut client, "clipboard", &arguments, &second, yes()).await));
    client.end().await;
}

#[tokio::test]
async fn a_yes_is_never_one_to_what_is_forbidden() {
    let (_folder, home) = ruled();
    let mut client = Client::of(&home);
    client.capabilities = elicits();
    let read = json!({"action": "read", "peer": "local"});
    let done = client.modern("tools/call", json!({"name": "clipboard", "arguments": read})).await;
    assert!(is_error(&done), "{done}");
    client.end().await;
}

#[tokio::test]
async fn an_answer_that_comes_late_is_refused() {
    let (_folder, home) = ruled();
    let (session, approvals) = (session(&home), Arc::new(Approvals::new()));
    let request = CallToolRequestParams::new("clipboard");
    let deferring = session.for_caller(Caller::new(None, Consent::Defer));
    let mut asked = deferring.call_or_ask("clipboard", write("a")).await.unwrap_err();
    asked.question.within = 0;
    let asked = approvals.ask(&session, &request, asked).unwrap();
    let mut again = request;
    again.request_state = asked.request_state;
    again.input_responses = serde_json::from_value(answers("accept", json!(true))).unwrap();
    // The state counts whole milliseconds.
    let begun = std::time::Instant::now();
    while begun.elapsed() < Duration::from_millis(3) {
        tokio::task::yield_now().await;
    }
    let verified = approvals.verify(&session, &again);
    assert!(matches!(&verified, Verified::Refused(why) if why.contains("too late")), "{verified:?}");
}

#[tokio::test]
async fn while_a_question_is_open_nothing_clicks_on_its_form() {
    let (_folder, home) = ruled();
    let (mut client, mut other) = (Client::of(&home), Client::of(&home));
    (client.capabilities, other.capabilities) = (elicits(), elicits());
    let arguments = write("a");
    let state = asked(&mut client, &arguments).await;
    let params = json!({"name": "mouse", "arguments": {"action": "click", "x": 5, "y": 5, "peer": "local"}});
    let shot = json!({"name": "screenshot", "arguments": {"peer": "local"}});
    let mut clicks = Vec::new();
    for client in [&mut client, &mut other] {
        assert!(!is_error(&client.modern("tools/call", shot.clone()).await));
        clicks.push(client.begin_modern("tools/call", params.clone()).await);
        // What looks goes on meanwhile.
        assert!(!is_error(&client.modern("tools/call", shot.clone()).await));
    }
    assert!(client.others.is_empty() && other.others.is_empty(), "{:?} {:?}", client.others, other.others);
    let done = again(&mut client, "clipboard", &arguments, &state, answers("decline", json!(true))).await;
    assert!(is_error(&done), "{done}");
    assert!(!is_error(&client.answer(clicks[0]).await));
    assert!(!is_error(&other.answer(clicks[1]).await));
    for client in [client, other] {
        client.end().await;
    }
}

#[tokio::test]
async fn a_yes_is_to_the_question_that_was_shown() {
    let (_folder, home) = home();
    let rules = r#"{"rules": [{"tool": "mouse", "decision": "confirm"}]}"#;
    home.write("policy.json", rules.as_bytes()).unwrap();
    let session = session(&home);
    let approvals = Arc::new(Approvals::new());
    let click = json!({"action": "click", "x": 20, "y": 20, "peer": "local"});
    let shot = |region: Value| json!({"peer": "local", "region": region});
    let mut request = CallToolRequestParams::new("mouse");
    request.arguments = click.as_object().cloned();
    assert!(!session.call_tool("screenshot", shot(json!([0, 0, 200, 200]))).await.is_error);
    let defers = session.for_caller(Caller::new(None, Consent::Defer));
    let asked = defers.call_or_ask("mouse", click.clone()).await.unwrap_err();
    let first = asked.question.clone();
    request.request_state = approvals.ask(&session, &request, asked).unwrap().request_state;
    request.input_responses = serde_json::from_value(answers("accept", json!(true))).unwrap();
    // The same words mean another place now.
    assert!(!session.call_tool("screenshot", shot(json!([300, 300, 200, 200]))).await.is_error);
    let Verified::Granted(consent) = approvals.verify(&session, &request) else { panic!("a yes") };
    let granted = session.for_caller(Caller::new(None, consent));
    let asked = granted.call_or_ask("mouse", click.clone()).await.unwrap_err();
    assert_ne!(asked.question.what, first.what);
    // The control: to this one it is a yes.
    let granted = session.for_caller(Caller::new(None, asked.granted()));
    let output = granted.call_or_ask("mouse", click).await.unwrap();
    assert!(!output.is_error, "{}", output.all_text());
    session.close().await;
}

#[tokio::test]
async fn a_batch_that_has_begun_is_not_begun_again() {
    let (_folder, home) = ruled();
    let mut client = Client::of(&home);
    client.capabilities = elicits();
    let steps = json!([
        {"tool": "keyboard", "arguments": {"action": "press", "key": "a", "settle_ms": 0}},
        {"tool": "clipboard", "arguments": {"action": "write", "text": "a"}},
    ]);
    let arguments = json!({"peer": "local", "actions": steps, "picture": false});
    let done = client.modern("tools/call", json!({"name": "computer_batch", "arguments": arguments})).await;
    assert!(is_error(&done), "{done}");
    let said = done["result"]["content"].to_string();
    assert!(said.contains("a call of its own"), "{said}");
    client.end().await;
}
