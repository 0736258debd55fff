//! Conversations as endpoints have them.

use core::future::ready;
use std::sync::Mutex;

use serde_json::{Value, json};

use super::run::SYSTEM;
use super::*;
use crate::client::{Remote, RemoteOptions};
use crate::desktop::Backend;
use crate::home::Home;
use crate::tools::formats::{Format, Options};
use crate::tools::{Outside, Session};

/// No machine is reached, and no time passes.
struct Nowhere;

impl Outside for Nowhere {
    fn remote(&self, options: RemoteOptions) -> Remote {
        panic!("{options:?} is opened")
    }

    fn sleep(&self, _time: Duration) -> BoxFuture<'_, ()> {
        Box::pin(ready(()))
    }
}

/// What an endpoint does, the last first.
struct Script(Mutex<Vec<Result<Reply, Unanswered>>>);

impl Endpoint for Script {
    fn post(&self, _body: Value) -> BoxFuture<'_, Result<Reply, Unanswered>> {
        Box::pin(ready(self.0.lock().unwrap().pop().expect("no further request")))
    }
}

/// Lets everything happen.
struct Anybody;

impl Person for Anybody {
    fn hears(&self, _said: &str) {}

    fn allows<'a>(&'a self, _calls: &'a [String]) -> BoxFuture<'a, Verdict> {
        Box::pin(ready(Verdict::Yes))
    }

    fn agrees<'a>(&'a self, _checks: &'a [SafetyCheck]) -> BoxFuture<'a, bool> {
        Box::pin(ready(false))
    }

    fn waits(&self, _why: &str, _pause: Duration) {}

    fn notes(&self, _kind: &'static str, _what: &Value) -> Result<(), String> {
        Ok(())
    }
}

/// What comes of a task with an endpoint that does this, the last first, and how much of it was not asked for.
fn worked(does: Vec<Result<Reply, Unanswered>>, steps: u32) -> (Result<String, Stop>, Usage, usize) {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::open(Some(folder.path().join("home"))).unwrap();
    let session = Session::new(home, Backend::Virtual, Box::new(Nowhere));
    let mut adapter = Adapter::new(session, Format::AnthropicTools, Options::of(Format::AnthropicTools));
    let limits = Limits { steps, cost: None, prices: None };
    let (mut usage, endpoint) = (Usage::default(), Script(Mutex::new(does)));
    let mut run = Run::new(Api::Anthropic, Settings { limits, ..settings() }, json!([]), &mut usage);
    let done = zbus::block_on(work(&mut adapter, &mut run, &endpoint, &Anybody));
    let left = endpoint.0.lock().unwrap().len();
    (done, usage, left)
}

fn settings() -> Settings {
    Settings {
        model: "m".into(),
        task: "write hello".into(),
        max_tokens: 100,
        limits: Limits { steps: 3, cost: None, prices: None },
        is_first_party: true,
    }
}

fn of_anthropic(content: &Value, stop: &str) -> Value {
    json!({"type": "message", "role": "assistant", "content": content, "stop_reason": stop,
        "usage": {"input_tokens": 10, "cache_read_input_tokens": 5, "cache_creation_input_tokens": null, "output_tokens": 2}})
}

#[test]
fn a_conversation_with_anthropic() {
    let mut usage = Usage::default();
    let mut run = Run::new(Api::Anthropic, settings(), json!([{"type": "computer_toolset_20260801"}]), &mut usage);
    let first = run.request().unwrap();
    assert_eq!(first["system"][0]["text"], SYSTEM);
    assert_eq!(first["messages"][0]["content"][0]["text"], "write hello");
    assert_eq!(first["messages"][0]["content"][0]["cache_control"]["type"], "ephemeral");
    assert!(first.get("context_management").is_none());
    let call = json!({"type": "tool_use", "id": "t1", "name": "screenshot", "toolset_name": "computer", "input": {}});
    let content =
        json!([{"type": "thinking", "thinking": "", "signature": "s"}, {"type": "text", "text": "I look."}, call]);
    let turn = run.response(&of_anthropic(&content, "tool_use")).unwrap();
    assert_eq!(turn, Turn::Calls { said: "I look.".into(), calls: vec![call] });
    run.results(json!([{"type": "tool_result", "tool_use_id": "t1", "toolset_name": "computer", "content": []}]));
    let second = run.request().unwrap();
    assert_eq!(second["messages"][1]["content"], content, "thoughts go back as they came");
    assert_eq!(second["messages"][2]["content"][0]["cache_control"]["type"], "ephemeral");
    assert!(second["messages"][0]["content"].is_string(), "only the end is marked");
    assert_eq!(second["context_management"]["edits"][0]["type"], "clear_tool_uses_20250919");
    let done = run.response(&of_anthropic(&json!([{"type": "text", "text": "Done."}]), "end_turn")).unwrap();
    assert_eq!(done, Turn::Done { said: "Done.".into() });
    assert_eq!((usage.steps, usage.input, usage.cached, usage.output), (2, 30, 10, 4));
}

#[test]
fn a_conversation_with_openai() {
    let mut usage = Usage::default();
    let mut run = Run::new(Api::Openai, settings(), json!([{"type": "computer"}]), &mut usage);
    let first = run.request().unwrap();
    assert_eq!((&first["store"], &first["instructions"]), (&json!(false), &json!(SYSTEM)));
    let call = json!({"type": "computer_call", "call_id": "c", "actions": [{"type": "screenshot"}]});
    let output = json!([{"type": "reasoning", "encrypted_content": "e"}, call]);
    let answer = json!({"status": "completed", "output": output, "usage": {"input_tokens": 7, "output_tokens": 1}});
    assert_eq!(run.response(&answer).unwrap(), Turn::Calls { said: String::new(), calls: vec![call] });
    run.results(json!([{"type": "computer_call_output", "call_id": "c"}]));
    let second = run.request().unwrap();
    let types: Vec<&str> =
        second["input"].as_array().unwrap().iter().map(|item| item["type"].as_str().unwrap_or("user")).collect();
    assert_eq!(types, ["user", "reasoning", "computer_call", "computer_call_output"]);
    let refusal = json!({"status": "completed", "output": [
        {"type": "message", "content": [{"type": "refusal", "refusal": "I will not."}]}]});
    assert_eq!(run.response(&refusal), Err(Stop::Refused("I will not.".into())));
    assert_eq!((usage.steps, usage.untold), (2, 1));
}

#[test]
fn a_conversation_by_chat_completions() {
    let mut usage = Usage::default();
    let elsewhere = Settings { is_first_party: false, ..settings() };
    let mut run = Run::new(Api::OpenaiChat, elsewhere, json!([]), &mut usage);
    let first = run.request().unwrap();
    assert_eq!((&first["messages"][0]["role"], &first["max_tokens"]), (&json!("system"), &json!(100)));
    let calls = json!([{"id": "1", "type": "function", "function": {"name": "screenshot", "arguments": "{}"}}]);
    let message = json!({"role": "assistant", "content": null, "tool_calls": calls, "annotations": []});
    let answer = json!({"choices": [{"message": message, "finish_reason": "tool_calls"}]});
    assert!(matches!(run.response(&answer), Ok(Turn::Calls { .. })));
    run.results(json!([{"role": "tool", "tool_call_id": "1", "content": "seen"}]));
    let second = run.request().unwrap();
    assert_eq!(second["messages"][2], json!({"role": "assistant", "content": null, "tool_calls": calls}));
    let done = json!({"choices": [{"message": {"role": "assistant", "content": "Done."}, "finish_reason": "stop"}]});
    assert_eq!(run.response(&done), Ok(Turn::Done { said: "Done.".into() }));
}

#[test]
fn answers_that_are_none_end_it() {
    for api in [Api::Anthropic, Api::Openai, Api::OpenaiChat] {
        let mut usage = Usage::default();
        let mut run = Run::new(api, settings(), json!([]), &mut usage);
        for body in [json!({}), json!(null), json!([1]), json!({"content": "x", "output": 1, "choices": []})] {
            assert!(matches!(run.response(&body), Err(Stop::Malformed(_))), "{api:?} {body}");
        }
    }
}

#[test]
fn an_answer_that_was_cut_off_is_not_carried_out() {
    let call = json!([{"type": "tool_use", "id": "t", "name": "ui", "input": {}}]);
    let item = json!({"type": "function_call", "call_id": "c", "name": "ui", "arguments": "{"});
    let calls = json!([{"id": "1", "function": {"name": "ui", "arguments": "{"}}]);
    for (api, body) in [
        (Api::Anthropic, of_anthropic(&call, "max_tokens")),
        (Api::Openai, json!({"status": "incomplete", "output": [item]})),
        (Api::OpenaiChat, json!({"choices": [{"message": {"tool_calls": calls}, "finish_reason": "length"}]})),
    ] {
        let mut usage = Usage::default();
        let mut run = Run::new(api, settings(), json!([]), &mut usage);
        assert_eq!(run.response(&body), Err(Stop::CutOff), "{api:?}");
    }
}

#[test]
fn limits_end_it() {
    let mut usage = Usage::default();
    let prices = Some(Prices { input: 1e6, output: 1e6 });
    let limits = Limits { steps: 2, cost: Some(20.0), prices };
    let mut run = Run::new(Api::Anthropic, Settings { limits, ..settings() }, json!([]), &mut usage);
    let paused = of_anthropic(&json!([{"type": "text", "text": "wait"}]), "pause_turn");
    assert!(run.request().is_ok());
    assert_eq!(run.response(&paused), Ok(Turn::GoesOn { said: "wait".into() }));
    assert!(run.request().is_ok(), "17 of 20 are spent");
    assert!(run.response(&paused).is_ok());
    assert_eq!(run.request(), Err(Stop::Steps(2)));

    let limits = Limits { steps: 9, cost: Some(17.0), prices };
    let mut usage = Usage::default();
    let mut run = Run::new(Api::Anthropic, Settings { limits, ..settings() }, json!([]), &mut usage);
    assert!(run.response(&paused).is_ok());
    assert!(matches!(run.request(), Err(Stop::Cost { .. })));

    let mut usage = Usage::default();
    let mut run = Run::new(Api::Anthropic, Settings { limits, ..settings() }, json!([]), &mut usage);
    assert!(run.response(&json!({"content": [], "stop_reason": "pause_turn"})).is_ok());
    assert_eq!(run.request(), Err(Stop::Cost { spent: 100.0, most: 17.0 }), "as long as an answer may be");
}

#[test]
fn what_nobody_tells_is_estimated() {
    let prices = Some(Prices { input: 1e6, output: 1e6 });
    for (api, of_nothing, of_output) in [
        (
            Api::Anthropic,
            json!({"content": []}),
            json!({"content": [], "usage": {"output_tokens": 7, "input_tokens": null}}),
        ),
        (Api::Openai, json!({"output": []}), json!({"output": [], "usage": {"output_tokens": 7}})),
        (
            Api::OpenaiChat,
            json!({"choices": [{"message": {}}]}),
            json!({"choices": [{"message": {}}], "usage": {"completion_tokens": 7, "prompt_tokens": "many"}}),
        ),
    ] {
        let limits = Limits { steps: 3, cost: Some(1e9), prices };
        let mut usage = Usage::default();
        let mut run = Run::new(api, Settings { limits, ..settings() }, json!([]), &mut usage);
        let read = |request: &Value| u64::try_from(request.to_string().len()).unwrap().div_ceil(4);
        let first = read(&run.request().unwrap());
        assert!(run.response(&of_nothing).is_ok(), "{api:?}");
        let second = read(&run.request().unwrap());
        assert!(run.response(&of_output).is_ok(), "{api:?}");
        let third = read(&run.request().unwrap());
        assert!(run.response(&json!(null)).is_err(), "{api:?}");
        assert_eq!(run.request(), Err(Stop::Steps(3)), "{api:?}");
        assert_eq!((usage.steps, usage.untold, usage.unanswered), (3, 2, 1), "{api:?}");
        assert_eq!((usage.input, usage.output), (first + second + third, 100 + 7 + 100), "{api:?}");
    }
}

#[test]
fn a_request_that_nobody_answered_counts_as_if_it_had_been() {
    let prices = Some(Prices { input: 0.0, output: 1e6 });
    let limits = Limits { steps: 9, cost: Some(150.0), prices };
    let mut usage = Usage::default();
    let mut run = Run::new(Api::Anthropic, Settings { limits, ..settings() }, json!([]), &mut usage);
    assert!(run.request().is_ok());
    run.unanswered();
    assert!(run.may_ask().is_ok(), "100 tokens may have been written");
    run.unanswered();
    assert_eq!(run.may_ask(), Err(Stop::Cost { spent: 200.0, most: 150.0 }));
    let limits = Limits { steps: 1, cost: None, prices: None };
    let mut usage = Usage::default();
    let mut run = Run::new(Api::Anthropic, Settings { limits, ..settings() }, json!([]), &mut usage);
    run.unanswered();
    assert_eq!(run.may_ask(), Err(Stop::Steps(1)));
    for (status, is_read) in [(408, true), (429, false), (500, true), (503, false), (504, true), (529, false)] {
        assert_eq!((may_have_been_read(status), is_passing(status)), (is_read, true), "{status}");
    }
}

#[test]
fn tries_count_that_the_endpoint_may_have_worked_on() {
    let reply = |status: u16, body: &Value| Reply { status, retry_after: None, body: body.to_string().into_bytes() };
    let failed = |was_sent: bool| Err(Unanswered { why: "gone".into(), was_sent });
    let done = of_anthropic(&json!([{"type": "text", "text": "Done."}]), "end_turn");
    let all = || vec![Ok(reply(200, &done)), Ok(reply(529, &json!({}))), failed(false), failed(true)];
    let (said, usage, left) = worked(all(), 9);
    assert_eq!((said, left), (Ok("Done.".into()), 0));
    assert_eq!((usage.steps, usage.unanswered, usage.untold, usage.output), (2, 1, 0, 100 + 2));
    let (said, usage, left) = worked(all(), 1);
    assert_eq!((said, usage.steps, left), (Err(Stop::Steps(1)), 1, 3), "the limit holds between tries");
    let (said, usage, _) = worked(vec![Ok(reply(200, &done)), Ok(reply(500, &json!({})))], 9);
    assert_eq!((said.is_ok(), usage.steps, usage.unanswered), (true, 2, 1));
    let html = Reply { status: 200, retry_after: None, body: b"<html>".to_vec() };
    let (said, usage, _) = worked(vec![Ok(html)], 9);
    assert!(matches!(said, Err(Stop::Malformed(_))) && usage.unanswered == 1, "{usage:?}");
}

#[test]
fn requests_go_where_the_sdks_send_them() {
    for (api, base, address) in [
        (Api::Anthropic, "https://api.anthropic.com", "https://api.anthropic.com/v1/messages"),
        (Api::Anthropic, "https://box.test/api/", "https://box.test/api/v1/messages"),
        (Api::Anthropic, "http://127.0.0.1:9/v1", "http://127.0.0.1:9/v1/messages"),
        (Api::Openai, "https://api.openai.com/v1", "https://api.openai.com/v1/responses"),
        (Api::OpenaiChat, "http://127.0.0.1:11434", "http://127.0.0.1:11434/v1/chat/completions"),
        (Api::OpenaiChat, "https://box.test/openai/", "https://box.test/openai/chat/completions"),
    ] {
        assert_eq!(api.address(base), address);
    }
}

#[test]
fn pauses_grow_and_end() {
    let seconds = |attempt, after| pause(attempt, after).as_secs();
    assert_eq!([1, 2, 3, 4].map(|attempt| seconds(attempt, None)), [1, 2, 4, 8]);
    assert_eq!(seconds(1, Some(Duration::from_secs(30))), 30);
    assert_eq!(seconds(1, Some(Duration::from_secs(9999))), 120);
    assert_eq!(seconds(60, None), 120);
    assert!([429, 500, 503, 529].into_iter().all(is_passing));
    assert!(![301, 400, 401, 403, 404, 413].into_iter().any(is_passing));
}

#[test]
fn what_an_endpoint_says_is_found() {
    assert_eq!(message(br#"{"type":"error","error":{"type":"x","message":"no such model"}}"#), "no such model");
    assert_eq!(message(br#"{"error":"busy"}"#), "busy");
    assert_eq!(message(b"<html>"), "<html>");
    assert_eq!(message(b""), "without a word");
}
