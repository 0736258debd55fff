use core::future::ready;
use core::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::json;

use super::calls::{blocks, described, leaves_button_down};
use super::computer::Action;
use super::*;
use crate::client::{Remote, RemoteOptions};
use crate::desktop::Backend;
use crate::home::Home;
use crate::tools::{Output, Outside};

fn blocks_of(format: Format, given: &Value) -> Vec<Value> {
    blocks(format, given).unwrap().0
}

fn actions(format: Format, block: &Value) -> Vec<Action> {
    let call = match format {
        Format::OpenaiComputer => openai::parse(block),
        _ => anthropic::parse(block),
    };
    match call.unwrap().wanted {
        Wanted::Actions(actions) => actions,
        other => panic!("{other:?}"),
    }
}

fn member(name: &str, input: &Value) -> Action {
    let block = json!({"type": "tool_use", "id": "1", "name": name, "toolset_name": "computer", "input": input});
    let single = json!({"type": "tool_use", "id": "1", "name": "computer", "input": with_action(input, name)});
    let [one, other] = [block, single].map(|block| actions(Format::AnthropicToolset, &block).remove(0));
    assert_eq!(one, other, "both tools of Anthropic's mean the same");
    one
}

fn with_action(input: &Value, name: &str) -> Value {
    let mut input = input.clone();
    input["action"] = name.into();
    input
}

fn text(text: &str) -> Output {
    Output::text(text)
}

fn seen() -> Output {
    let image = Block::Image { mime_type: "image/png", data: vec![1, 2, 3] };
    Output::of(vec![Block::Text("a picture".into()), image])
}

fn answered(id: &str, output: Output) -> Answered {
    Answered { call: Call { id: id.into(), wanted: Wanted::Nonsense(String::new()) }, output }
}

#[test]
fn formats_have_names_and_defaults() {
    assert_eq!(Format::named("anthropic", None), Ok(Format::AnthropicToolset));
    assert_eq!(Format::named("openai", Some("chat")), Ok(Format::OpenaiChat));
    let error = Format::named("anthropic", Some("computer_20241022")).unwrap_err().to_string();
    assert!(error.contains("computer_toolset_20260801, computer_20251124, plain"), "{error}");
}

#[test]
fn every_tool_is_offered_once() {
    let all: Vec<&str> = TOOLS.iter().map(|tool| tool.name).collect();
    for (sdk, _, format) in NAMES {
        let offered = definitions(format, (1456, 819));
        let names: Vec<&str> = offered
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|tool| tool["name"].as_str().or_else(|| tool["function"]["name"].as_str()))
            .collect();
        if format.is_native() {
            let own: Vec<&str> = names.iter().copied().filter(|name| *name != "computer").collect();
            let left: Vec<&str> = all.iter().copied().filter(|name| !COVERED.contains(name)).collect();
            assert_eq!(own, left, "{format:?}");
            assert_eq!(offered[0].get("name").is_some(), format == Format::AnthropicComputer, "{sdk}");
        } else {
            assert_eq!(names, all, "{format:?}");
        }
    }
    let old = definitions(Format::AnthropicComputer, (1456, 819));
    assert_eq!((&old[0]["display_width_px"], &old[0]["display_height_px"]), (&json!(1456), &json!(819)));
}

#[test]
fn all_members_of_the_toolset_are_known() {
    let held = || vec!["ctrl".to_owned()];
    let pointer = |action| Action::Pointer { action, at: Some([10.0, 20.0]), held: held() };
    let place = json!({"coordinate": [10, 20], "text": "ctrl"});
    assert_eq!(member("left_click", &place), pointer("click"));
    assert_eq!(member("right_click", &place), pointer("right_click"));
    assert_eq!(member("middle_click", &place), pointer("middle_click"));
    assert_eq!(member("double_click", &place), pointer("double_click"));
    assert_eq!(member("triple_click", &place), pointer("triple_click"));
    let nowhere = |action| Action::Pointer { action, at: None, held: Vec::new() };
    assert_eq!(member("left_click", &json!({"coordinate": null, "text": null})), nowhere("click"));
    assert_eq!(member("left_mouse_down", &json!({})), nowhere("left_down"));
    assert_eq!(member("left_mouse_up", &json!({})), nowhere("left_up"));
    let to = Action::Pointer { action: "move", at: Some([1.0, 2.0]), held: Vec::new() };
    assert_eq!(member("mouse_move", &json!({"coordinate": [1, 2]})), to);
    assert_eq!(
        member("left_click_drag", &json!({"start_coordinate": [1, 2], "coordinate": [3, 4]})),
        Action::Drag { start: Some([1.0, 2.0]), behind: vec![[3.0, 4.0]], held: Vec::new() }
    );
    let down = Action::Scroll { at: None, across: 0.0, down: 5.0, held: Vec::new() };
    assert_eq!(member("scroll", &json!({"scroll_direction": "down", "scroll_amount": 5})), down);
    assert_eq!(member("type", &json!({"text": "a\nb"})), Action::Type("a\nb".into()));
    let chord = vec!["ctrl".to_owned(), "s".to_owned()];
    assert_eq!(member("key", &json!({"text": "ctrl+s", "repeat": 2})), Action::Key { chord, times: 2 });
    let hold = Action::Hold { chord: vec!["shift".into()], seconds: 1.0 };
    assert_eq!(member("hold_key", &json!({"text": "shift", "duration": 1})), hold);
    assert_eq!(member("wait", &json!({"duration": 2})), Action::Wait { seconds: 2.0 });
    assert_eq!(member("cursor_position", &json!({})), Action::Cursor);
    assert_eq!(member("screenshot", &json!({})), Action::Screenshot);
    assert_eq!(member("zoom", &json!({"region": [0, 0, 9, 8]})), Action::Zoom([0.0, 0.0, 9.0, 8.0]));
}

#[test]
fn what_a_model_gets_wrong_is_told_to_the_model() {
    for (name, input) in [
        ("left_click", json!({"coordinate": [1]})),
        ("mouse_move", json!({})),
        ("scroll", json!({"scroll_amount": 1})),
        ("key", json!({})),
        ("key", json!({"text": "a", "repeat": 1000})),
        ("zoom", json!({})),
        ("fly", json!({})),
    ] {
        let block = json!({"type": "tool_use", "id": "1", "name": name, "toolset_name": "computer", "input": input});
        let call = anthropic::parse(&block).unwrap();
        assert!(matches!(call.wanted, Wanted::Nonsense(_)), "{call:?}");
    }
    let call = json!({"id": "1", "type": "function", "function": {"name": "mouse", "arguments": "{\"x\": "}});
    assert!(matches!(openai::chat::parse(&call).unwrap().wanted, Wanted::Nonsense(_)));
}

#[test]
fn a_batch_of_openai_is_one_call() {
    let block = json!({"type": "computer_call", "id": "i", "call_id": "c", "status": "completed",
    "pending_safety_checks": [], "action": null, "actions": [
        {"type": "click", "button": "wheel", "x": 1, "y": 2, "keys": ["CTRL"]},
        {"type": "double_click", "x": 1, "y": 2, "keys": null},
        {"type": "drag", "path": [{"x": 1, "y": 2}, {"x": 3, "y": 4}, {"x": 5, "y": 6}]},
        {"type": "keypress", "keys": ["CTRL", "L"]},
        {"type": "move", "x": 7, "y": 8},
        {"type": "scroll", "x": 1, "y": 2, "scroll_x": 0, "scroll_y": -250},
        {"type": "type", "text": "t"},
        {"type": "wait"},
        {"type": "screenshot"},
    ]});
    let pointer = |action, at, held: &[&str]| Action::Pointer {
        action,
        at: Some(at),
        held: held.iter().map(|key| (*key).to_owned()).collect(),
    };
    assert_eq!(
        actions(Format::OpenaiComputer, &block),
        [
            pointer("middle_click", [1.0, 2.0], &["CTRL"]),
            pointer("double_click", [1.0, 2.0], &[]),
            Action::Drag { start: Some([1.0, 2.0]), behind: vec![[3.0, 4.0], [5.0, 6.0]], held: Vec::new() },
            Action::Key { chord: vec!["CTRL".into(), "L".into()], times: 1 },
            pointer("move", [7.0, 8.0], &[]),
            Action::Scroll { at: Some([1.0, 2.0]), across: 0.0, down: -3.0, held: Vec::new() },
            Action::Type("t".into()),
            Action::Wait { seconds: 2.0 },
            Action::Screenshot,
        ]
    );
    let single = json!({"type": "computer_call", "call_id": "c", "action": {"type": "screenshot"}});
    assert_eq!(actions(Format::OpenaiComputer, &single), [Action::Screenshot]);
    for wrong in
        [json!({"type": "click", "x": 1}), json!({"type": "click", "button": "side", "x": 1, "y": 2}), json!(7)]
    {
        let block = json!({"type": "computer_call", "call_id": "c", "actions": [{"type": "screenshot"}, wrong]});
        let call = openai::parse(&block).unwrap();
        assert!(matches!(&call.wanted, Wanted::Nonsense(why) if why.contains("nothing was executed")), "{call:?}");
    }
}

#[test]
fn calls_are_found_in_messages() {
    let call = json!({"type": "tool_use", "id": "1", "name": "ui", "input": {}});
    let message = json!({"role": "assistant", "content": [{"type": "text", "text": "I look"}, call]});
    assert_eq!(blocks_of(Format::AnthropicToolset, &message), core::slice::from_ref(&call));
    assert_eq!(blocks_of(Format::AnthropicToolset, &json!([call])), core::slice::from_ref(&call));
    assert_eq!(blocks_of(Format::AnthropicToolset, &call), [call]);
    let item = json!({"type": "function_call", "call_id": "1", "name": "ui", "arguments": "{}"});
    let response = json!({"output": [{"type": "reasoning"}, item, {"type": "message"}]});
    assert_eq!(blocks_of(Format::OpenaiFunctions, &response), [item]);
    let call = json!({"id": "1", "function": {"name": "ui", "arguments": ""}});
    assert_eq!(blocks_of(Format::OpenaiChat, &json!({"role": "assistant", "tool_calls": [call]})), [call]);
    for nothing in [json!([]), json!("text"), json!(null), json!([{"type": "text"}])] {
        for (.., format) in NAMES {
            assert!(matches!(blocks(format, &nothing), Err(CallError::Malformed(_))), "{format:?} {nothing}");
        }
    }
    for (format, wrong) in [
        (Format::AnthropicToolset, json!({"type": "tool_use", "name": "ui"})),
        (Format::AnthropicToolset, json!({"type": "text", "id": "1", "name": "ui"})),
        (Format::OpenaiComputer, json!({"type": "web_search_call", "call_id": "1"})),
    ] {
        let parsed = if format == Format::OpenaiComputer { openai::parse(&wrong) } else { anthropic::parse(&wrong) };
        assert!(matches!(parsed, Err(CallError::Malformed(_))), "{wrong}");
    }
}

#[test]
fn arguments_come_as_objects_or_as_text() {
    for given in [json!({"a": 1, "b": null}), json!("{\"a\": 1}")] {
        let Wanted::Tool { arguments, .. } = of_tool("ui", &given) else { panic!("{given}") };
        assert_eq!(arguments, json!({"a": 1}));
    }
    for none in [json!(null), json!(""), json!({})] {
        assert!(matches!(of_tool("ui", &none), Wanted::Tool { arguments, .. } if arguments == json!({})));
    }
}

#[test]
fn anthropic_results_are_what_the_api_takes() {
    let member = json!({"toolset_name": "computer"});
    let shown = anthropic::result(&member, &answered("1", seen()));
    assert_eq!(shown["toolset_name"], "computer");
    assert_eq!(shown["content"].as_array().unwrap().len(), 1, "a member gives its picture alone: {shown}");
    assert_eq!(shown["content"][0]["source"]["media_type"], "image/png");
    let plain = anthropic::result(&json!({}), &answered("2", seen()));
    assert!(plain.get("toolset_name").is_none());
    assert_eq!(plain["content"].as_array().unwrap().len(), 2);
    let failed = anthropic::result(&member, &answered("3", seen().failed(false)));
    assert_eq!(failed["content"], json!([{"type": "text", "text": "a picture"}]));
    let empty = anthropic::result(&member, &answered("4", Output::of(Vec::new()).failed(false)));
    assert_eq!((&empty["is_error"], &empty["content"][0]["type"]), (&json!(true), &json!("text")));
}

#[test]
fn chat_has_pictures_in_a_message_behind_all_answers() {
    let messages = openai::chat::results(&[answered("1", seen()), answered("2", Output::error("no"))]);
    let roles: Vec<&str> = messages.iter().filter_map(|message| message["role"].as_str()).collect();
    assert_eq!(roles, ["tool", "tool", "user"]);
    assert_eq!(messages[1]["content"], "Error: no");
    assert_eq!(messages[2]["content"][1]["image_url"]["url"], "data:image/png;base64,AQID");
    assert_eq!(openai::chat::results(&[answered("1", text("done"))]).len(), 1);
}

#[test]
fn langchain_has_pictures_in_the_artifact() {
    let result = langchain::result(&json!({"name": "screenshot"}), &answered("1", seen()));
    assert_eq!((&result["status"], &result["content"]), (&json!("success"), &json!("a picture")));
    assert_eq!(result["artifact"]["images"], json!([{"mime_type": "image/png", "base64": "AQID"}]));
}

#[test]
fn a_button_that_would_come_up_by_itself_is_noticed() {
    let call = |action: &'static str| Call {
        id: action.to_owned(),
        wanted: Wanted::Actions(vec![Action::Pointer { action, at: None, held: Vec::new() }]),
    };
    let dangling = [call("left_up"), call("left_down"), call("move")];
    assert!(leaves_button_down(&dangling[1], &dangling));
    let whole = [call("left_down"), call("move"), call("left_up")];
    assert!(whole.iter().all(|call| !leaves_button_down(call, &whole)));
}

#[test]
fn a_person_sees_all_of_a_call() {
    let shown = |call: Call| -> Vec<String> { described(&call).iter().map(|line| printable(line)).collect() };
    let hidden = json!({"type": "tool_use", "id": "t", "name": "keyboard", "input": {"text": "ls\u{202e}\nrm"}});
    let lines = shown(anthropic::parse(&hidden).unwrap());
    assert_eq!(lines.len(), 1);
    assert!(lines[0].contains("\\u{202e}") && !lines[0].contains('\n'), "{lines:?}");
    let batch = json!({"type": "computer_call", "call_id": "c", "actions": [{"type": "wait"}, {"type": "screenshot"}]});
    assert_eq!(shown(openai::parse(&batch).unwrap()).len(), 2);
    let held = vec!["shift".to_owned()];
    let actions = vec![
        Action::Pointer { action: "click", at: Some([10.0, 20.5]), held },
        Action::Pointer { action: "left_up", at: None, held: Vec::new() },
        Action::Drag { start: Some([1.0, 2.0]), behind: vec![[3.0, 4.0]], held: Vec::new() },
        Action::Scroll { at: Some([1.0, 2.0]), across: -1.0, down: 3.0, held: Vec::new() },
        Action::Key { chord: vec!["ctrl".to_owned(), "a".to_owned()], times: 2 },
        Action::Wait { seconds: 0.5 },
    ];
    let lines = shown(Call { id: "c".to_owned(), wanted: Wanted::Actions(actions) });
    let expected = [
        r#"mouse {"action":"click","modifiers":["shift"],"x":10,"y":20.5}"#,
        r#"mouse {"action":"left_up"}"#,
        r#"mouse {"action":"drag","path":[[3,4]],"x":1,"y":2}"#,
        r#"mouse {"action":"scroll","amount":3,"direction":"down","x":1,"y":2}"#,
        r#"mouse {"action":"scroll","amount":1,"direction":"left","x":1,"y":2}"#,
        r#"keyboard {"action":"hotkey","keys":["ctrl","a"]}, 2 times"#,
        r#"wait {"seconds":0.5}"#,
    ];
    assert_eq!(lines, expected);
    // A block that looks like another one is shown as what is carried out.
    let function = json!({"name": "script", "arguments": "{\"code\": \"rm\"}"});
    let two = json!({"id": "1", "actions": [{"type": "screenshot"}], "input": {}, "function": function});
    let lines = shown(openai::chat::parse(&two).unwrap());
    assert!(lines.len() == 1 && lines[0].starts_with("script {") && lines[0].contains("rm"), "{lines:?}");
}

/// No machine is reached.
struct Nowhere;

impl Outside for Nowhere {
    fn remote(&self, options: RemoteOptions) -> Remote {
        panic!("{options:?} is opened")
    }

    fn sleep(&self, _time: Duration) -> BoxFuture<'_, ()> {
        Box::pin(ready(()))
    }
}

#[test]
fn a_person_is_shown_what_the_format_that_is_spoken_has_carried_out() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::open(Some(folder.path().join("home"))).unwrap();
    let session = Session::new(home, Backend::Virtual, Box::new(Nowhere));
    // Each format finds another call in it.
    let block = json!({
        "type": "tool_use", "id": "1", "name": "script", "input": {"code": "rm"}, "args": {"code": "ls"},
        "arguments": {"code": "id"}, "function": {"name": "app", "arguments": "{}"}, "actions": [{"type": "screenshot"}],
        "action": {"type": "screenshot"},
    });
    for (format, shown) in [
        (Format::AnthropicTools, r#"script {"code":"rm","peer":"local"}"#),
        (Format::OpenaiChat, r#"app {"peer":"local"}"#),
        (Format::Langchain, r#"script {"code":"ls","peer":"local"}"#),
        (Format::Mcp, r#"script {"code":"id","peer":"local"}"#),
    ] {
        let options = Options { peer: Some("local".to_owned()), ..Options::of(format) };
        let adapter = Adapter::new(session.clone(), format, options);
        assert_eq!(adapter.describe(&json!([block])), [shown], "{format:?}");
    }
    let none = Adapter::new(session, Format::OpenaiFunctions, Options::of(Format::OpenaiFunctions)).describe(&block);
    assert!(none.len() == 1 && none[0].starts_with("nothing: "), "{none:?}");
}

#[test]
fn safety_checks_are_read() {
    let block = json!({"pending_safety_checks": [{"id": "s", "code": "malicious_instructions", "message": null}]});
    let checks = openai::safety_checks(&block);
    assert_eq!(checks[0].id, "s");
    let told = CallError::Safety(checks).to_string();
    assert!(told.contains("malicious_instructions"), "{told}");
}
