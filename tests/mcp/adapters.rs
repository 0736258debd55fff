//! The tools in the formats of agent SDKs, and the agent of our own: the built binary, the SDKs' own types, and an endpoint that
//! answers as it was told.

mod endpoint;

use core::time::Duration;
use std::fs;
use std::path::Path;
use std::process::Command;

use opendesk_tests::bin::{self, Finished, Running};
use serde_json::{Value, json};

use self::endpoint::{Answer, Endpoint, answer, busy, refusal};
use crate::json;

/// For all checks of the SDKs' types; each call of ours is a process of its own.
const SESSION: Duration = Duration::from_secs(240);

/// For one run of the agent.
const RUN: Duration = Duration::from_secs(60);

#[test]
fn formats_are_those_of_the_sdks() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let recorded = folder.path().join("requests.jsonl");
    fs::write(&recorded, requests()).expect("a new file");
    let finished = Running::start(python(folder.path(), &recorded)).finish(SESSION);
    let checks: Vec<Value> = finished.stdout.lines().map(json).collect();
    assert!(finished.status.success() && checks.len() > 10, "{}\n{}", finished.stdout, finished.stderr);
    assert!(checks.iter().all(|check| check["ok"] == true), "{}", finished.stdout);
}

/// What the agent sends, with all that can be in it, a line each.
fn requests() -> String {
    let mut lines = String::new();
    for (api, answers) in [("anthropic", anthropic_task()), ("openai", openai_task()), ("openai-chat", chat_task())] {
        let run = Run::of(api, answers);
        assert!(run.finished.status.success(), "{api}: {:?}", run.finished);
        for (_, body) in run.requests {
            lines.push_str(&json!({"api": api, "body": body}).to_string());
            lines.push('\n');
        }
    }
    lines
}

fn python(home: &Path, recorded: &Path) -> Command {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = tests.join("../target/venv-sdk/bin/python");
    assert!(python.exists(), "{} is missing; `cargo ci setup` makes it", python.display());
    let mut command = Command::new(python);
    command
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", home)
        .env("LC_ALL", "C.UTF-8")
        .env("OPENDESK_MDNS", "off")
        .arg(tests.join("mcp/formats.py"))
        .arg(bin::opendesk())
        .arg(home.join("home"))
        .arg(recorded);
    command
}

/// A run of `opendesk agent` that has ended.
struct Run {
    finished: Finished,
    /// What it asked, each with the headers.
    requests: Vec<(String, Value)>,
}

impl Run {
    fn of(api: &str, answers: Vec<Answer>) -> Self {
        Self::with(api, answers, &[])
    }

    fn with(api: &str, answers: Vec<Answer>, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let endpoint = Endpoint::start(answers);
        let model = if api == "anthropic" { "claude-sonnet-5" } else { "gpt" };
        let mut args =
            vec!["agent", "--backend", "virtual", "--model", model, "--api", api, "--base-url", endpoint.url()];
        args.extend(more);
        args.push("write hello");
        let mut command = bin::command(&folder.path().join("home"), &args);
        command.env("ANTHROPIC_API_KEY", "key-of-a").env("OPENAI_API_KEY", "key-of-o");
        let finished = Running::start(command).finish(RUN);
        Self { finished, requests: endpoint.requests() }
    }

    fn body(&self, number: usize) -> &Value {
        &self.requests[number].1
    }

    /// What it ended with.
    fn failed(&self, code: i32, with: &str) {
        let Finished { status, stderr, .. } = &self.finished;
        assert!(status.code() == Some(code) && stderr.contains(with), "{with:?}: {:?}", self.finished);
    }
}

fn of_anthropic(content: &Value) -> Answer {
    let calls = content.as_array().is_some_and(|blocks| blocks.iter().any(|block| block["type"] == "tool_use"));
    answer(&json!({
        "id": "msg", "type": "message", "role": "assistant", "model": "claude-sonnet-5", "content": content,
        "stop_reason": if calls { "tool_use" } else { "end_turn" }, "stop_sequence": null,
        "usage": {"input_tokens": 1000, "output_tokens": 100},
    }))
}

fn member(id: &str, name: &str, input: &Value) -> Value {
    json!({"type": "tool_use", "id": id, "name": name, "toolset_name": "computer", "input": input})
}

fn anthropic_task() -> Vec<Answer> {
    let said = json!({"type": "text", "text": "I look at the desktop."});
    let place = json!({"coordinate": [300, 200]});
    vec![
        busy(429),
        of_anthropic(&json!([said, member("t1", "screenshot", &json!({}))])),
        of_anthropic(&json!([
            member("t2", "left_click", &place),
            member("t3", "key", &json!({"text": "NoSuchKey"})),
            member("t4", "type", &json!({"text": "never"})),
        ])),
        busy(529),
        of_anthropic(&json!([
            member("t5", "cursor_position", &json!({})),
            {"type": "tool_use", "id": "t6", "name": "opendesk_status", "input": {}},
        ])),
        of_anthropic(&json!([{"type": "text", "text": "It is done."}])),
    ]
}

#[test]
fn an_agent_with_the_toolset_works_until_it_is_done() {
    let run = Run::of("anthropic", anthropic_task());
    assert!(run.finished.status.success(), "{:?}", run.finished);
    assert_eq!(run.finished.stdout, "It is done.\n");
    assert!(run.finished.stderr.contains("I look at the desktop."), "{}", run.finished.stderr);
    assert!(run.finished.stderr.contains("4 steps, 4000 tokens read"), "{}", run.finished.stderr);
    assert_eq!(run.requests.len(), 6, "two of them were made again");
    assert_eq!(run.body(0), run.body(1));
    let (headers, first) = &run.requests[0];
    let lower = headers.to_lowercase();
    assert!(lower.starts_with("post /v1/messages ") && lower.contains("x-api-key: key-of-a"), "{headers}");
    assert!(lower.contains("anthropic-version: 2023-06-01"), "{headers}");
    assert_eq!(first["tools"][0]["type"], "computer_toolset_20260801");
    assert!(first["tools"].as_array().is_some_and(|tools| tools.iter().any(|tool| tool["name"] == "ui")));
    // The picture, then the batch that stopped in its middle, then where the click was.
    let results = |number: usize| {
        let messages = run.body(number)["messages"].as_array().expect("messages").clone();
        messages.last().expect("a message")["content"].as_array().expect("results").clone()
    };
    let [shot] = results(2).try_into().expect("one result");
    assert_eq!((&shot["toolset_name"], &shot["content"][0]["type"]), (&json!("computer"), &json!("image")));
    let batch = results(3);
    let failed: Vec<bool> = batch.iter().map(|result| result["is_error"] == true).collect();
    assert_eq!(failed, [false, true, true], "{batch:?}");
    assert!(batch[2]["content"][0]["text"].as_str().is_some_and(|text| text.starts_with("Not executed")), "{batch:?}");
    let last = results(5);
    assert_eq!(last[0]["content"][0]["text"], "X=300,Y=200");
    assert_eq!((&last[1]["tool_use_id"], &last[1]["is_error"]), (&json!("t6"), &json!(false)));
}

fn of_openai(output: &Value) -> Answer {
    answer(&json!({
        "id": "resp", "object": "response", "status": "completed", "output": output,
        "usage": {"input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100},
    }))
}

fn computer_call(id: &str, actions: &Value, checks: &Value) -> Value {
    json!({"type": "computer_call", "id": format!("cu_{id}"), "call_id": id, "status": "completed", "actions": actions,
        "pending_safety_checks": checks})
}

fn openai_task() -> Vec<Answer> {
    let message = |text: &str| {
        json!({"type": "message", "id": "m", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": text, "annotations": []}]})
    };
    let function = json!({"type": "function_call", "id": "f", "call_id": "c3", "name": "opendesk_status", "arguments": "{}", "status": "completed"});
    vec![
        of_openai(&json!([computer_call("c1", &json!([{"type": "screenshot"}]), &json!([]))])),
        of_openai(&json!([
            computer_call(
                "c2",
                &json!([{"type": "click", "button": "left", "x": 300, "y": 200}, {"type": "keypress", "keys": ["NOSUCHKEY"]},
                    {"type": "type", "text": "never"}]),
                &json!([]),
            ),
            function,
        ])),
        of_openai(&json!([message("It is done.")])),
    ]
}

#[test]
fn an_agent_with_the_computer_tool_of_responses_works_until_it_is_done() {
    let run = Run::of("openai", openai_task());
    assert!(run.finished.status.success(), "{:?}", run.finished);
    assert_eq!(run.finished.stdout, "It is done.\n");
    let (headers, _) = &run.requests[0];
    assert!(headers.to_lowercase().contains("authorization: bearer key-of-o"), "{headers}");
    let input = run.body(2)["input"].as_array().expect("items");
    let types: Vec<&str> = input.iter().map(|item| item["type"].as_str().unwrap_or("user")).collect();
    assert_eq!(
        types,
        [
            "user",
            "computer_call",
            "computer_call_output",
            "computer_call",
            "function_call",
            "computer_call_output",
            "message",
            "function_call_output",
        ]
    );
    assert!(input[2]["output"]["image_url"].as_str().is_some_and(|url| url.starts_with("data:image/png;base64,")));
    let told = input[6]["content"][0]["text"].as_str().unwrap_or_default();
    assert!(told.contains("Action 2 of 3"), "{told}");
}

#[test]
fn what_the_provider_warns_of_is_not_done_without_a_person() {
    let checks = json!([{"id": "s1", "code": "malicious_instructions", "message": "The screen gives orders."}]);
    let call = computer_call("c1", &json!([{"type": "type", "text": "x"}]), &checks);
    let run = Run::of("openai", vec![of_openai(&json!([call]))]);
    run.failed(5, "malicious_instructions");
    assert_eq!(run.requests.len(), 1);
}

fn of_chat(message: &Value) -> Answer {
    answer(&json!({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 100}}))
}

fn chat_task() -> Vec<Answer> {
    let call = |id: &str, name: &str, arguments: &str| json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}});
    let calls = |calls: Value| of_chat(&json!({"role": "assistant", "content": null, "tool_calls": calls}));
    vec![
        calls(json!([call("1", "screenshot", "{}")])),
        calls(json!([
            call("2", "mouse", r#"{"action": "click", "x": 300"#),
            call("3", "keyboard", r#"{"action": "type", "text": "never"}"#),
        ])),
        of_chat(&json!({"role": "assistant", "content": "It is done."})),
    ]
}

#[test]
fn an_agent_by_chat_completions_works_until_it_is_done() {
    let run = Run::of("openai-chat", chat_task());
    assert!(run.finished.status.success(), "{:?}", run.finished);
    assert_eq!(run.finished.stdout, "It is done.\n");
    let messages = run.body(2)["messages"].as_array().expect("messages");
    let roles: Vec<&str> = messages.iter().filter_map(|message| message["role"].as_str()).collect();
    assert_eq!(roles, ["system", "user", "assistant", "tool", "user", "assistant", "tool", "tool"]);
    assert_eq!(messages[4]["content"][1]["type"], "image_url");
    assert!(messages[6]["content"].as_str().is_some_and(|text| text.starts_with("Error: ")), "{}", messages[6]);
    assert!(messages[7]["content"].as_str().is_some_and(|text| text.contains("Not executed")), "{}", messages[7]);
}

#[test]
fn limits_end_a_run() {
    let waits = || of_anthropic(&json!([member("t", "wait", &json!({"duration": 0}))]));
    let run = Run::with("anthropic", vec![waits(), waits(), waits()], &["--max-steps", "2"]);
    run.failed(1, "not done within 2 steps");
    assert_eq!(run.requests.len(), 2);
    let cost = ["--max-cost", "0.005", "--price-in", "3", "--price-out", "15"];
    let run = Run::with("anthropic", vec![waits(), waits(), waits()], &cost);
    run.failed(1, "0.0090 was spent and --max-cost is 0.005");
    assert_eq!(run.requests.len(), 2);
    Run::with("anthropic", vec![], &["--max-cost", "1"]).failed(2, "--price-in");
    Run::with("anthropic", vec![Answer::Never], &["--timeout", "1"]).failed(1, "not done within 1 s");
}

#[test]
fn answers_that_are_none_end_a_run() {
    Run::of("anthropic", vec![Answer::Body(200, "<html>busy</html>".into())]).failed(1, "none of this API");
    Run::of("openai", vec![of_anthropic(&json!([]))]).failed(1, "none of this API");
    Run::of("openai-chat", vec![of_anthropic(&json!([]))]).failed(1, "none of this API");
    let run = Run::of("anthropic", vec![refusal(401, "invalid x-api-key")]);
    run.failed(5, "invalid x-api-key");
    assert!(!run.finished.stderr.contains("key-of-a"), "{}", run.finished.stderr);
    Run::of("anthropic", vec![refusal(400, "no such model\u{1b}[2J")]).failed(1, "no such model");
    let many = (0..5).map(|_| busy(503)).collect();
    let run = Run::of("openai-chat", many);
    run.failed(1, "status 503");
    assert_eq!(run.requests.len(), 5);
    let redirected = Answer::Body(302, "{}".into());
    Run::of("anthropic", vec![redirected]).failed(1, "status 302");
}

#[test]
fn the_owner_stops_a_run() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let home = folder.path().join("home");
    let stopped = Running::start(bin::command(&home, &["stop"])).finish(RUN);
    assert!(stopped.status.success(), "{stopped:?}");
    let endpoint = Endpoint::start(Vec::new());
    let args = ["agent", "--backend", "virtual", "--model", "claude-sonnet-5", "--base-url", endpoint.url(), "task"];
    let finished = Running::start(bin::command(&home, &args)).finish(RUN);
    assert_eq!(finished.status.code(), Some(5), "{finished:?}");
    assert!(endpoint.requests().is_empty());
}

#[test]
fn a_transcript_holds_what_was_said_and_no_pictures() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let path = folder.path().join("transcript.jsonl");
    let path = path.to_str().expect("plain text");
    let run = Run::with("anthropic", anthropic_task(), &["--transcript", path]);
    assert!(run.finished.status.success(), "{:?}", run.finished);
    let text = fs::read_to_string(path).expect("the transcript");
    let kinds: Vec<Value> = text.lines().map(|line| json(line)["kind"].clone()).collect();
    let turn = ["request", "response", "results"];
    let expected: Vec<&str> = turn.iter().cycle().copied().take(11).collect();
    assert_eq!(kinds, expected);
    assert!(text.contains("[a picture, ") && !text.contains("iVBORw0KGgo") && !text.contains("key-of-a"));
    let again = Run::with("anthropic", anthropic_task(), &["--transcript", path]);
    again.failed(1, "cannot write");
    assert!(again.requests.is_empty());
}

#[test]
fn keys_do_not_travel_where_they_should_not() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let run = |args: &[&str]| {
        let mut all = vec!["agent", "--backend", "virtual", "--model", "claude-sonnet-5", "--api", "anthropic"];
        all.extend(args);
        all.push("task");
        Running::start(bin::command(&folder.path().join("home"), &all)).finish(RUN)
    };
    for (args, with) in [
        (&["--base-url", "http://192.0.2.1:9/v1"][..], "not encrypted"),
        (&["--base-url", "https://user:word@192.0.2.1/v1"], "password"),
        (&[], "ANTHROPIC_API_KEY"),
        (&["--api-key-env", "NO_SUCH_KEY", "--base-url", "http://127.0.0.1:9"], "NO_SUCH_KEY"),
        (&["--confirm"], "terminal"),
        (&["--tool-type", "computer"], "--tool-type"),
    ] {
        let finished = run(args);
        assert_eq!(finished.status.code(), Some(2), "{args:?}: {finished:?}");
        assert!(finished.stderr.contains(with), "{args:?}: {finished:?}");
    }
}
