//! What is on the wire is told as JSON here, bytes as a text that begins with `bin:`.

use serde_json::{Value as Json, json};

use super::{Described, Fields, Value, manifest_v1, read_manifest_v1, to_bytes};
use crate::api::*;

const WIRE: Codec = Codec::MessagePack;

fn value(json: &Json) -> Value<'_> {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(truth) => Value::Bool(*truth),
        Json::Number(number) => number.as_i64().map_or_else(|| Value::Float(number.as_f64().unwrap()), Value::Int),
        Json::String(text) => text.strip_prefix("bin:").map_or(Value::Str(text), |bytes| Value::Bin(bytes.as_bytes())),
        Json::Array(values) => Value::List(values.iter().map(value).collect()),
        Json::Object(entries) => Value::Map(entries.iter().map(|(key, entry)| (key.as_str(), value(entry))).collect()),
    }
}

fn wire(json: &Json) -> Vec<u8> {
    to_bytes(&value(json)).unwrap()
}

fn told(bytes: &[u8]) -> Json {
    fn json(value: Value<'_>) -> Json {
        match value {
            Value::Nil => Json::Null,
            Value::Bool(truth) => truth.into(),
            Value::Int(number) => number.into(),
            Value::Float(number) => number.into(),
            Value::Str(text) => text.into(),
            Value::Bin(bytes) => format!("bin:{}", core::str::from_utf8(bytes).unwrap()).into(),
            Value::List(values) => values.into_iter().map(json).collect(),
            Value::Map(entries) => entries.into_iter().map(|(key, value)| (key.to_owned(), json(value))).collect(),
        }
    }
    json(Value::parse(bytes).unwrap())
}

fn refusal(method: &str, params: &Json) -> String {
    let error = WIRE.decode_call(method, &wire(params)).unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidArgument, "{method} {params}");
    error.message
}

/// Every call that version 1 can say, with its parameters.
fn calls() -> Vec<(Call, Json)> {
    let rect = || json!({"x": 1.0, "y": 2.0, "width": 3.0, "height": 4.0});
    let area = Rect::new(1.0, 2.0, 3.0, 4.0);
    let window = || WindowParams { window_id: "w".into() };
    let path = || FileParams { path: "/a".into() };
    let app = || AppParams { name: "Notes".into() };
    let env = || vec![("A".to_owned(), "b".to_owned())];
    let target = ElementTarget {
        role: "menu item".into(),
        name: "Save".into(),
        value: Some("v".into()),
        bounds: Some(area),
        reference: Some("e7".into()),
        menu_path: vec!["File".into(), "Save".into()],
        key: Some("s".into()),
        modifiers: vec![Modifier::Meta],
    };
    let element = json!({
        "role": "menu item", "name": "Save", "value": "v", "bounds": rect(), "focused": false, "enabled": true,
        "actions": [], "children": [],
        "metadata": {"ref": "e7", "menu_path": ["File", "Save"], "app": "Notes", "key": "s", "modifiers": ["meta"]},
    });
    let pointer = PointerEvent {
        action: PointerAction::Scroll,
        point: Point::new(1.5, -2.0),
        button: Some(Button::X1),
        modifiers: vec![Modifier::CapsLock, Modifier::Fn],
        dx: 0.0,
        dy: -3.0,
    };
    let capture = CaptureParams { display_id: Some("1".into()), region: Some(area), ..CaptureParams::default() };
    let native =
        CaptureParams { profile: PictureProfile::Native, format: PictureFormat::RawRgba, ..CaptureParams::default() };
    let frames = SubscribeParams { capture: capture.clone(), fps: 7 };
    let exec = ExecParams {
        argv: vec!["sh".into(), "-c".into()],
        timeout: Some(1.5),
        cwd: Some("/".into()),
        env: env(),
        stdin: Some(b"in".to_vec()),
        partial: false,
    };
    let contents = ClipboardContents { entries: vec![ClipboardEntry { mime_type: "t".into(), data: b"x".to_vec() }] };
    vec![
        (Call::SystemCapabilities(()), json!({})),
        (Call::SystemEnvironment(()), json!({})),
        (Call::DisplayDisplays(()), json!({})),
        (Call::DisplayCapture(capture), json!({"display_id": "1", "region": rect(), "downscale": true})),
        (
            Call::DisplayCapture(native),
            json!({"display_id": null, "region": null, "downscale": false, "x-opendesk-format": "raw_rgba"}),
        ),
        (Call::DisplaySubscribe(frames), json!({"display_id": "1", "fps": 7, "region": rect()})),
        (Call::DisplayCursorPosition(()), json!({})),
        (
            Call::InputPointer(pointer),
            json!({"event": {
                "action": "scroll", "point": {"x": 1.5, "y": -2.0}, "button": "x1", "modifiers": ["caps_lock", "fn"],
                "dx": 0.0, "dy": -3.0, "pressure": null, "tilt_x": null, "tilt_y": null,
            }}),
        ),
        (
            Call::InputKey(KeyEvent { action: Press::Up, keysym: "é".into(), modifiers: vec![Modifier::Ctrl] }),
            json!({"event": {
                "action": "up", "keysym": "é", "char": null, "scancode": null, "modifiers": ["ctrl"],
                "is_repeat": false,
            }}),
        ),
        (
            Call::InputText(TextInput { text: "hi".into(), interval_ms: 3 }),
            json!({"text_input": {"text": "hi", "interval_ms": 3}}),
        ),
        (Call::InputSubscribe(()), json!({})),
        (Call::WindowsList(()), json!({})),
        (Call::WindowsFocused(()), json!({})),
        (Call::WindowsFocus(window()), json!({"window_id": "w"})),
        (
            Call::WindowsMove(MoveWindowParams { window_id: "w".into(), bounds: area }),
            json!({"window_id": "w", "bounds": rect()}),
        ),
        (Call::WindowsClose(WindowCloseParams { window_id: "w".into(), force: false }), json!({"window_id": "w"})),
        (Call::AppsList(()), json!({})),
        (Call::AppsInstalled(()), json!({})),
        (Call::AppsOpen(app()), json!({"name": "Notes"})),
        (Call::AppsClose(app()), json!({"name": "Notes"})),
        (Call::AppsFocus(app()), json!({"name": "Notes"})),
        (
            Call::UiTreeRead(TreeParams { app: Some("Notes".into()), max_depth: 9, ..TreeParams::default() }),
            json!({"window_id": null, "app": "Notes", "max_depth": 9}),
        ),
        (
            Call::UiAction(UiActionParams { target, action: "key".into(), app: Some("Notes".into()) }),
            json!({"element": element, "action": "key", "app": "Notes"}),
        ),
        (Call::ClipboardRead(()), json!({})),
        (Call::ClipboardWrite(contents), json!({"contents": {"entries": [{"mime_type": "t", "data": "bin:x"}]}})),
        (Call::FsRead(FileReadParams { path: "/a".into(), offset: 0, length: None }), json!({"path": "/a"})),
        (
            Call::FsWrite(FileWriteParams { path: "/a".into(), data: b"d".to_vec(), offset: None }),
            json!({"path": "/a", "data": "bin:d"}),
        ),
        (Call::FsList(path()), json!({"path": "/a"})),
        (Call::FsStat(path()), json!({"path": "/a"})),
        (Call::FsDelete(path()), json!({"path": "/a"})),
        (Call::FsMove(FileMoveParams { src: "/a".into(), dst: "/b".into() }), json!({"src": "/a", "dst": "/b"})),
        (Call::FsMkdir(DirectoryParams { path: "/a".into(), parents: false }), json!({"path": "/a", "parents": false})),
        (
            Call::FsSetstat(SetstatParams { path: "/a".into(), mode: Some(0o640), mtime: Some(1.5) }),
            json!({"path": "/a", "mode": 416, "mtime": 1.5}),
        ),
        (Call::ProcessList(()), json!({})),
        (
            Call::ProcessShell(ShellParams { command: "ls".into(), ..ShellParams::default() }),
            json!({"command": "ls", "timeout": null, "cwd": null, "env": null}),
        ),
        (
            Call::ProcessExec(exec),
            json!({"argv": ["sh", "-c"], "timeout": 1.5, "cwd": "/", "env": {"A": "b"}, "stdin": "bin:in"}),
        ),
        (
            Call::ProcessStart(StartParams { argv: vec!["cat".into()], stdin: true, ..StartParams::default() }),
            json!({"argv": ["cat"], "timeout": null, "cwd": null, "env": null, "stdin": true}),
        ),
        (Call::ProcessOutput(OutputParams { id: CommandId(7) }), json!({"id": 7})),
        (
            Call::ProcessWrite(CommandInput { id: CommandId(7), data: b"in".to_vec(), eof: true }),
            json!({"id": 7, "data": "bin:in", "eof": true}),
        ),
        (
            Call::ProcessSignal(SignalParams { id: CommandId(7), signal: CommandSignal::Interrupt }),
            json!({"id": 7, "signal": "interrupt"}),
        ),
        (
            Call::OcrRead(OcrParams { language: Some("deu".into()), ..OcrParams::default() }),
            json!({"display_id": null, "region": null, "window_id": null, "language": "deu"}),
        ),
        (
            Call::OcrClick(OcrClickParams { text: "Save".into(), clicks: 2, ..OcrClickParams::default() }),
            json!({
                "text": "Save", "occurrence": 0, "button": null, "clicks": 2, "modifiers": [],
                "within": {"display_id": null, "region": null, "window_id": null, "language": null},
            }),
        ),
        (Call::PowerLock(()), json!({})),
        (Call::NotificationsList(()), json!({})),
    ]
}

#[test]
fn every_call_is_written_and_read_in_the_words_of_version_1() {
    let calls = calls();
    for name in Call::NAMES {
        assert!(calls.iter().any(|(call, _)| call.method() == *name), "{name} is not in the table");
    }
    for (call, params) in calls {
        assert_eq!(told(&WIRE.encode_params(&call).unwrap()), params, "{}", call.method());
        assert_eq!(WIRE.decode_call(call.method(), &wire(&params)), Ok(call));
    }
    assert_eq!(WIRE.encode_params(&Call::PowerLock(())).unwrap(), [0x80]);
}

#[test]
fn what_may_be_absent_has_the_default_of_version_1() {
    let read = |method: &str, params: Json| WIRE.decode_call(method, &wire(&params)).unwrap();
    let cases = [
        ("display.capture", json!({}), Call::DisplayCapture(CaptureParams::default())),
        ("display.subscribe", json!({}), Call::DisplaySubscribe(SubscribeParams::default())),
        (
            "input.text",
            json!({"text_input": {"text": ""}}),
            Call::InputText(TextInput { text: String::new(), interval_ms: 20 }),
        ),
        ("ui.tree", json!({}), Call::UiTreeRead(TreeParams::default())),
        ("fs.mkdir", json!({"path": "a"}), Call::FsMkdir(DirectoryParams { path: "a".into(), parents: true })),
        ("clipboard.write", json!({"contents": {}}), Call::ClipboardWrite(ClipboardContents::default())),
        ("process.shell", json!({"command": "", "env": {}}), Call::ProcessShell(ShellParams::default())),
        ("power.lock", json!({"anything": [1]}), Call::PowerLock(())),
    ];
    for (method, params, call) in cases {
        assert_eq!(read(method, params), call);
    }
    for (fps, taken) in [(json!(0), 1), (json!(-5), 1), (json!(1000), 30), (json!(i64::MAX), 30), (json!("12"), 12)] {
        let Call::DisplaySubscribe(params) = read("display.subscribe", json!({"fps": fps})) else { panic!("{fps}") };
        assert_eq!(params.fps, taken, "{fps}");
    }
    let element = json!({"role": "", "metadata": {"app": "Mail", "key": "s", "modifiers": ["Command", "fn"], "z": 1}});
    let Call::UiAction(action) = read("ui.action", json!({"element": element, "app": null})) else { panic!() };
    assert_eq!((action.action.as_str(), action.app.as_deref()), ("click", Some("Mail")));
    assert_eq!(action.target.modifiers, [Modifier::Meta, Modifier::Fn]);
}

#[test]
fn numbers_and_truth_values_come_in_many_forms() {
    let pointer = |x: Json| json!({"event": {"action": "move", "point": {"x": x, "y": 0}, "timestamp": 1.0}});
    for (x, read) in [(json!(3), 3.0), (json!("4.5"), 4.5), (json!(true), 1.0), (json!(-0.5), -0.5)] {
        let Ok(Call::InputPointer(event)) = WIRE.decode_call("input.pointer", &wire(&pointer(x))) else { panic!() };
        assert_eq!(event.point.x, read);
    }
    for (depth, read) in [(json!(4.0), 4), (json!("5"), 5), (json!("6.0"), 6), (json!(true), 1), (json!(null), 8)] {
        let params = wire(&json!({"max_depth": depth}));
        let Ok(Call::UiTreeRead(params)) = WIRE.decode_call("ui.tree", &params) else { panic!("{depth}") };
        assert_eq!(params.max_depth, read, "{depth}");
    }
    for (parents, read) in [(json!(1), true), (json!("Off"), false), (json!(0.0), false), (json!("yes"), true)] {
        let params = wire(&json!({"path": "", "parents": parents}));
        let Ok(Call::FsMkdir(params)) = WIRE.decode_call("fs.mkdir", &params) else { panic!("{parents}") };
        assert_eq!(params.parents, read, "{parents}");
    }
}

#[test]
fn a_refusal_names_the_method_and_the_place() {
    let event = |extra: Json| json!({"event": {"action": "move", "point": {"x": 1, "y": 2}, "more": extra}});
    let cases = [
        ("input.pointer", json!({}), "input.pointer: event is missing"),
        ("input.pointer", event(json!(1)), "input.pointer: event.more is not known"),
        (
            "input.pointer",
            json!({"event": {"action": "move", "point": {"x": 1}}}),
            "input.pointer: event.point.y is missing",
        ),
        (
            "input.key",
            json!({"event": {"action": "hold", "keysym": "a"}}),
            "input.key: event.action must be one of: down up",
        ),
        ("input.key", json!({"event": []}), "input.key: event must be a map"),
        ("fs.write", json!({"path": "a"}), "fs.write: data is missing"),
        ("fs.move", json!({"src": "a", "dst": 1}), "fs.move: dst must be text"),
        ("process.exec", json!({"argv": "ls -l"}), "process.exec: argv must be a list"),
        ("process.exec", json!({"argv": ["ls", 1]}), "process.exec: argv.1 must be text"),
        ("process.exec", json!({"argv": vec![""; 4097]}), "process.exec: argv must have at most 4096 entries"),
        ("process.shell", json!({"command": "", "timeout": "soon"}), "process.shell: timeout must be a number"),
        ("ui.tree", json!({"max_depth": 1.5}), "ui.tree: max_depth must be a whole number of type u32"),
        ("ui.tree", json!({"max_depth": -1}), "ui.tree: max_depth must be a whole number of type u32"),
        ("ui.action", json!({"element": {"name": "a"}}), "ui.action: element.role is missing"),
        (
            "ui.action",
            json!({"element": {"role": "", "metadata": {"modifiers": ["x"]}}}),
            "ui.action: element.metadata.modifiers must be names of modifiers",
        ),
        (
            "clipboard.write",
            json!({"contents": {"entries": vec![json!({"mime_type": "", "data": "bin:"}); 17]}}),
            "clipboard.write: contents.entries must have at most 16 entries",
        ),
        (
            "display.capture",
            json!({"x-opendesk-format": "jpeg"}),
            "display.capture: x-opendesk-format must be one of: png raw_rgba",
        ),
        ("power.lock", json!([]), "power.lock: the body must be a map"),
    ];
    for (method, params, message) in cases {
        assert_eq!(refusal(method, &params), message);
    }
    let hidden = json!({"event": {"action": "move", "point": {"x": 1, "y": 2}, "a\n\u{202e}": 1}});
    assert_eq!(refusal("input.pointer", &hidden), "input.pointer: event.a\\n\\u{202e} is not known");
}

#[test]
fn bytes_that_are_no_body_are_refused() {
    let deep = |levels: usize| [vec![0x91_u8; levels], vec![0xc0]].concat();
    let broken: [&[u8]; 7] = [b"", &[0x81], &[0xc1], &[0x80, 0xc0], &[0x80, 0x91], &[0x81, 0x01, 0xc0], &deep(2000)];
    for bytes in broken {
        assert!(Value::parse(bytes).is_err(), "{bytes:02x?}");
    }
    assert!(Value::parse(&deep(100)).is_ok());
    let mut many = vec![0xdd];
    many.extend_from_slice(&2_000_000_u32.to_be_bytes());
    many.resize(many.len() + 2_000_000, 0xc0);
    assert!(Value::parse(&many).is_err());
    let mut claimed = vec![0xdd_u8, 0xff, 0xff, 0xff, 0xff];
    assert!(Value::parse(&claimed).is_err());
    claimed[0] = 0xdf;
    assert!(Value::parse(&claimed).is_err());
    assert!(Fields::of(Value::Nil).is_err());
}

/// That a result is written as it should be, and that what is read is the same.
#[track_caller]
fn is_told<M: Method<Output: PartialEq + core::fmt::Debug>>(output: &M::Output, result: &Json) {
    assert_eq!(told(&WIRE.result::<M>(output).unwrap()), *result, "{}", M::NAME);
    assert_eq!(WIRE.read_result::<M>(&wire(result)).as_ref(), Ok(output), "{}", M::NAME);
}

#[test]
fn every_result_is_written_and_read_in_the_words_of_version_1() {
    let rect = json!({"x": 1.0, "y": 2.0, "width": 3.0, "height": 4.0});
    let area = Rect::new(1.0, 2.0, 3.0, 4.0);
    let display = Display { id: "1".into(), bounds: area, scale_factor: 2.0, primary: true, name: None };
    let display_told = json!({"id": "1", "bounds": rect, "scale_factor": 2.0, "primary": true, "name": null});
    let environment = Environment { os: "Linux".into(), displays: vec![display.clone()], ..Environment::default() };
    let window = Window { id: "w".into(), bounds: Some(area), pid: Some(7), ..Window::default() };
    let window_told = json!({
        "id": "w", "title": "", "app_name": "", "pid": 7, "bounds": rect, "focused": false, "minimized": false,
        "workspace": null,
    });
    let entry = FileEntry { path: "/a".into(), name: "a".into(), size: 5, mtime: Some(1.5), ..FileEntry::default() };
    let entry_told = json!({"path": "/a", "name": "a", "is_dir": false, "size": 5, "mtime": 1.5, "mode": null});
    let done =
        CompletedCommand { returncode: -9, stdout: b"o".to_vec(), stderr: Vec::new(), duration: 0.5, timed_out: false };
    let done_told = json!({"returncode": -9, "stdout": "bin:o", "stderr": "bin:", "duration": 0.5});
    let notification = Notification { id: "n".into(), title: "t".into(), timestamp: 2.0, ..Notification::default() };

    is_told::<SystemEnvironment>(
        &environment,
        &json!({
            "os": "Linux", "os_version": "", "hostname": "", "locale": "", "timezone": "", "displays": [display_told],
        }),
    );
    is_told::<DisplayDisplays>(&vec![display], &json!({"items": [display_told]}));
    is_told::<DisplayCursorPosition>(&Point::new(-1.0, 0.5), &json!({"x": -1.0, "y": 0.5}));
    is_told::<WindowsList>(&vec![window.clone()], &json!({"items": [window_told]}));
    is_told::<WindowsFocused>(&Some(window), &json!({"window": window_told}));
    is_told::<WindowsFocused>(&None, &json!({"window": null}));
    is_told::<AppsList>(&vec!["Notes".to_owned()], &json!({"items": ["Notes"]}));
    is_told::<ClipboardRead>(&ClipboardContents::default(), &json!({"entries": []}));
    is_told::<FsRead>(&FileData { data: b"abc".to_vec(), size: 3 }, &json!({"data": "bin:abc"}));
    is_told::<FsList>(&vec![entry.clone()], &json!({"items": [entry_told]}));
    is_told::<FsStat>(&entry, &entry_told);
    is_told::<ProcessList>(
        &vec![Process { pid: 1, name: "init".into(), ..Process::default() }],
        &json!({"items": [{"pid": 1, "name": "init", "ppid": null, "cmdline": []}]}),
    );
    is_told::<ProcessShell>(&done, &done_told);
    is_told::<ProcessExec>(&done, &done_told);
    is_told::<ProcessStart>(&StartedCommand { id: CommandId(7) }, &json!({"id": 7}));
    let end = CommandEnd { returncode: 3, timed_out: false, duration: 0.5 };
    is_told::<ProcessOutput>(
        &CommandOutput { stdout: b"o".to_vec(), stderr: Vec::new(), ended: Some(end) },
        &json!({
            "stdout": "bin:o", "stderr": "bin:",
            "ended": {"returncode": 3, "timed_out": false, "duration": 0.5},
        }),
    );
    is_told::<ProcessWrite>(&InputTaken { open: true }, &json!({"open": true}));
    is_told::<NotificationsList>(
        &vec![notification],
        &json!({"items": [{"id": "n", "title": "t", "body": "", "app": null, "timestamp": 2.0}]}),
    );
    is_told::<PowerLock>(&Effect::Unverifiable, &json!(null));
    assert_eq!(WIRE.result::<InputKey>(&Effect::Confirmed), Ok(vec![0xc0]), "version 1 has no word for it");
    let read = WIRE.read_result::<InputKey>(&[0x80]);
    assert_eq!(read, Ok(Effect::Unverifiable), "what is not asked for may be there");
    is_told::<AppsInstalled>(
        &vec![App { id: "notes".into(), name: "Notes".into(), running: true }],
        &json!({"items": [{"id": "notes", "name": "Notes", "running": true}]}),
    );
    let word = OcrWord { text: "Save".into(), bounds: area, confidence: 90.5, line: 2 };
    is_told::<OcrRead>(
        &ScreenText { area, words: vec![word] },
        &json!({"area": rect, "words": [{"text": "Save", "bounds": rect, "confidence": 90.5, "line": 2}]}),
    );
    is_told::<OcrClick>(
        &OcrClicked { point: Point::new(1.0, 2.0), bounds: area, text: "Save".into(), effect: Effect::Confirmed },
        &json!({"point": {"x": 1.0, "y": 2.0}, "bounds": rect, "text": "Save", "effect": "confirmed"}),
    );
    let error = WIRE.read_result::<FsStat>(&[0xc0]).unwrap_err();
    assert_eq!(error.message, "the host's answer to fs.stat could not be decoded: the body must be a map");
}

#[test]
fn a_picture_is_a_pixmap_and_an_item_counts() {
    let picture = Picture {
        format: PictureFormat::Jpeg,
        width: 10,
        height: 5,
        area: Rect::new(0.0, 0.0, 20.0, 10.0),
        display_id: Some("1".into()),
        captured_at: 2.5,
        shot_id: 0,
        screen: ScreenState::Shown,
        unchanged: false,
        data: b"jpg".to_vec(),
    };
    let pixmap = json!({
        "data": "bin:jpg", "format": "jpeg", "width": 10, "height": 5, "logical_width": 20, "logical_height": 10,
        "display_id": "1", "captured_at": 2.5,
    });
    is_told::<DisplayCapture>(&picture, &pixmap);
    let moved = Picture { area: Rect::new(-7.0, 3.0, 19.6, 10.4), ..picture.clone() };
    assert_eq!(told(&WIRE.result::<DisplayCapture>(&moved).unwrap()), pixmap, "rounded, wherever it lies");

    let frame = json!({"pixmap": pixmap, "frame_number": 41, "keyframe": true});
    let update = ScreenUpdate {
        keyframe: true,
        format: picture.format,
        width: 10,
        height: 5,
        area: picture.area,
        display_id: picture.display_id,
        captured_at: 2.5,
        screen: ScreenState::Shown,
        patches: vec![Patch { x: 0, y: 0, width: 10, height: 5, data: picture.data }],
    };
    assert_eq!(told(&WIRE.item::<DisplaySubscribe>(&update, 41).unwrap()), frame);
    assert_eq!(WIRE.read_item::<DisplaySubscribe>(&wire(&frame)), Ok(update));

    let key = json!({"action": "down", "keysym": "a", "timestamp": 1, "is_repeat": true, "char": "a"});
    let event = KeyEvent { action: Press::Down, keysym: "a".into(), modifiers: vec![] };
    assert_eq!(WIRE.read_item::<InputSubscribe>(&wire(&key)), Ok(InputEvent::Key(event.clone())));
    let written = WIRE.item::<InputSubscribe>(&InputEvent::Key(event.clone()), 3).unwrap();
    assert_eq!(WIRE.read_item::<InputSubscribe>(&written), Ok(InputEvent::Key(event)));
    let pointer = json!({"action": "move", "point": {"x": 1, "y": 2}, "pressure": 0.5});
    let read = WIRE.read_item::<InputSubscribe>(&wire(&pointer));
    assert!(matches!(read, Ok(InputEvent::Pointer(event)) if event.point == Point::new(1.0, 2.0)));
}

#[test]
fn a_tree_is_nested_and_flat_again() {
    let node = |depth: u16, name: &str| UiNode { depth, role: "group".into(), name: name.into(), ..UiNode::default() };
    let mut tree = UiTree {
        nodes: vec![node(0, "root"), node(1, "a"), node(2, "a1"), node(2, "a2"), node(1, "b")],
        truncated: true,
    };
    tree.nodes[2].reference = Some("e3".into());
    tree.nodes[3].states = vec!["checked".into()];
    tree.nodes[4].enabled = true;
    let bytes = WIRE.result::<UiTreeRead>(&tree).unwrap();
    let root = told(&bytes);
    assert_eq!(root["metadata"], json!({"truncated": true}));
    assert_eq!(root["children"][0]["children"][0]["metadata"], json!({"ref": "e3"}));
    assert_eq!(
        root["children"][1],
        json!({
            "role": "group", "name": "b", "value": null, "bounds": null, "focused": false, "enabled": true,
            "actions": [], "children": [], "metadata": {},
        })
    );
    assert_eq!(WIRE.read_result::<UiTreeRead>(&bytes), Ok(tree));
    assert_eq!(told(&WIRE.result::<UiTreeRead>(&UiTree::default()).unwrap()), json!({"role": ""}));
}

#[test]
fn a_tree_of_any_shape_is_cut_and_says_so() {
    let chain =
        UiTree { nodes: (0..1000).map(|depth| UiNode { depth, ..UiNode::default() }).collect(), truncated: false };
    let read = WIRE.read_result::<UiTreeRead>(&WIRE.result::<UiTreeRead>(&chain).unwrap()).unwrap();
    assert_eq!((read.nodes.len(), read.truncated), (65, true));

    let wide = json!({"role": "", "children": vec![json!({"role": ""}); 3000]});
    let read = WIRE.read_result::<UiTreeRead>(&wire(&wide)).unwrap();
    assert_eq!((read.nodes.len(), read.truncated), (2000, true));
    assert!(read.nodes[0].enabled, "as is everything that does not say otherwise");
}

#[test]
fn a_host_of_version_1_takes_whole_files_only() {
    let part = FileReadParams { path: "a".into(), offset: 1, length: None };
    let piece = FileWriteParams { path: "a".into(), data: Vec::new(), offset: Some(0) };
    for call in [Call::FsRead(part), Call::FsWrite(piece)] {
        assert_eq!(WIRE.encode_params(&call).unwrap_err().code, ErrorCode::CapabilityUnsupported);
    }
}

#[test]
fn a_manifest_tells_nothing_that_version_1_does_not_know() {
    let names = ["display.capture", "display.stream", "x.future"];
    let manifest = Manifest { capabilities: names.map(str::to_owned).into(), backend: "local/x11".into() };
    let mut expected = json!({
        "capabilities": ["display.capture", "display.stream"], "limits": {"x-opendesk": {"wire": 2}, "display.stream": {"max_fps": 30}},
        "protocol_version": "0.1", "backend": "local/x11", "description": "for bills",
    });
    assert_eq!(told(&manifest_v1(&manifest, "for bills")), expected);
    expected["description"] = json!("");
    assert_eq!(told(&WIRE.result::<SystemCapabilities>(&manifest).unwrap()), expected);
    let still = Manifest { capabilities: vec![], ..manifest };
    assert_eq!(told(&manifest_v1(&still, ""))["limits"], json!({"x-opendesk": {"wire": 2}}));
    assert_eq!(read_manifest_v1(&manifest_v1(&still, "")).newest_wire, Some(2));

    let foreign =
        json!({"capabilities": ["ui.tree", 3, "ocr"], "description": "d", "backend": "local/darwin", "new": 1});
    let Described { manifest: read, description, newest_wire } = read_manifest_v1(&wire(&foreign));
    assert_eq!(read.capabilities, ["ocr", "ui.tree"]);
    assert_eq!((read.backend.as_str(), description.as_str(), newest_wire), ("local/darwin", "d", None));
    let empty: [&[u8]; 3] = [b"", &[0x80], &[0xc0]];
    for nothing in empty {
        assert_eq!(read_manifest_v1(nothing), Described::default());
    }
}

#[test]
fn an_error_has_a_code_that_version_1_knows_and_details() {
    let written = |error: &Error, method: &str| told(&WIRE.error(error, method, "local/x11"));
    let denied = Error::new(ErrorCode::PermissionDenied, "no");
    let limit = Error::new(ErrorCode::LimitExceeded, "too much");
    assert_eq!(written(&denied, "fs.read"), json!({"code": "permission_denied", "message": "no", "details": {}}));
    assert_eq!(
        written(&limit, "fs.read"),
        json!({"code": "internal", "message": "too much", "details": {"code": "limit_exceeded"}})
    );
    let capabilities = [
        ("ui.action", "ui.actions"),
        ("display.subscribe", "display.stream"),
        ("display.displays", "display.capture"),
        ("input.key", "input.keyboard"),
        ("windows.move", "windows.manipulate"),
        ("windows.focused", "windows.list"),
        ("apps.open", "app.lifecycle"),
        ("fs.mkdir", "fs.write"),
        ("process.exec", "process.spawn"),
        ("mind.read", "display.capture"),
    ];
    for (method, capability) in capabilities {
        let missing = written(&Error::unsupported("it", "x11"), method);
        assert_eq!(missing["code"], "capability_unsupported");
        assert_eq!(missing["details"], json!({"capability": capability, "backend": "local/x11"}), "{method}");
    }
    for code in ErrorCode::ALL {
        let error = Error::new(code, "line");
        assert_eq!(WIRE.read_error(ErrorCode::Internal, &WIRE.error(&error, "fs.read", "b")), error);
    }
    let read = |json: Json| WIRE.read_error(ErrorCode::NotFound, &wire(&json));
    assert_eq!(read(json!({"code": "timeout", "message": ""})), Error::new(ErrorCode::Timeout, "timeout"));
    assert_eq!(read(json!({"code": "new", "message": "m"})), Error::new(ErrorCode::NotFound, "m"));
    assert_eq!(read(json!(null)), Error::new(ErrorCode::NotFound, "not_found"));
}
