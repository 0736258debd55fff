use serde_json::Value;

use super::*;
use crate::api::{Button, PictureFormat, PictureProfile};

fn shell(command: &str) -> String {
    describe(&Call::ProcessShell(ShellParams { command: command.to_owned(), ..ShellParams::default() }))
}

/// A call with what it was made of.
macro_rules! call {
    ($name:ident, $params:expr) => {
        (Call::$name($params), serde_json::to_value($params).expect("parameters are data"))
    };
}

/// Every method, with all that it can be given.
fn calls() -> Vec<(Call, Value)> {
    let path = |name: &str| FileParams { path: format!("/path/{name}") };
    let app = |name: &str| AppParams { name: name.to_owned() };
    let some = |text: &str| Some(text.to_owned());
    let region = Some(Rect::new(-11.0, 12.5, 13.0, 14.0));
    let modifiers = vec![Modifier::CapsLock, Modifier::Ctrl];
    let env = vec![("NAME".to_owned(), "a value".to_owned()), ("OTHER".to_owned(), String::new())];
    let capture = CaptureParams {
        display_id: some("HDMI-1"),
        region,
        window_id: some("0x600001"),
        profile: PictureProfile::ClaudeHires,
        format: PictureFormat::RawRgb,
        cursor: true,
        max_bytes: Some(54_321),
        unless_shot: Some(987),
    };
    let reading =
        OcrParams { display_id: some("DP-2"), region, window_id: some("0x700002"), language: some("deu+eng") };
    let pointer = PointerEvent {
        action: PointerAction::Down,
        point: Point::new(21.5, -22.0),
        button: Some(Button::X1),
        modifiers: modifiers.clone(),
        dx: 3.0,
        dy: -4.5,
    };
    let target = ElementTarget {
        role: "button".into(),
        name: "Delete all".into(),
        value: some("a new value"),
        bounds: region,
        reference: some("e42"),
        menu_path: vec!["File".into(), "Quit".into()],
        key: some("Return"),
        modifiers: modifiers.clone(),
    };
    let key = KeyEvent { action: Press::Down, keysym: "Return".into(), modifiers: modifiers.clone() };
    vec![
        call!(SystemCapabilities, ()),
        call!(SystemEnvironment, ()),
        call!(DisplayDisplays, ()),
        call!(DisplayCapture, capture.clone()),
        call!(DisplaySubscribe, SubscribeParams { capture: capture.clone(), fps: 17 }),
        call!(DisplayCursorPosition, ()),
        call!(InputPointer, pointer.clone()),
        call!(InputKey, key.clone()),
        call!(InputText, TextInput { text: "typed".into(), interval_ms: 30 }),
        call!(InputSubscribe, ()),
        call!(WindowsList, ()),
        call!(WindowsFocused, ()),
        call!(WindowsFocus, WindowParams { window_id: "0x1".into() }),
        call!(WindowsMove, MoveWindowParams { window_id: "0x2".into(), bounds: Rect::new(31.0, 32.0, 33.0, 34.0) }),
        call!(WindowsClose, WindowCloseParams { window_id: "0x3".into(), force: true }),
        call!(AppsList, ()),
        call!(AppsInstalled, ()),
        call!(AppsOpen, app("opened")),
        call!(AppsClose, app("closed")),
        call!(AppsFocus, app("focused")),
        call!(UiTreeRead, TreeParams { window_id: some("0x4"), app: some("editor"), max_depth: 5, max_nodes: 600 }),
        call!(UiAction, UiActionParams { target: target.clone(), action: "press".into(), app: some("editor") }),
        call!(ClipboardRead, ()),
        call!(
            ClipboardWrite,
            ClipboardContents {
                entries: vec![ClipboardEntry { mime_type: "text/plain".into(), data: b"copied".to_vec() }]
            }
        ),
        call!(FsRead, FileReadParams { path: "/path/read".into(), offset: 41, length: Some(4096) }),
        call!(FsWrite, FileWriteParams { path: "/path/write".into(), data: b"content".to_vec(), offset: Some(512) }),
        call!(FsList, path("list")),
        call!(FsStat, path("stat")),
        call!(FsDelete, path("delete")),
        call!(FsMove, FileMoveParams { src: "/path/from".into(), dst: "/path/to".into() }),
        call!(FsMkdir, DirectoryParams { path: "/path/mkdir".into(), parents: true }),
        call!(FsSetstat, SetstatParams { path: "/path/set".into(), mode: Some(0), mtime: Some(7.5) }),
        call!(ProcessList, ()),
        call!(
            ProcessShell,
            ShellParams {
                command: "make all".into(),
                timeout: Some(61.5),
                cwd: some("/path/folder"),
                env: env.clone(),
                partial: true,
            }
        ),
        call!(
            ProcessExec,
            ExecParams {
                argv: vec!["git".into(), "commit".into()],
                timeout: Some(62.0),
                cwd: some("/path/other"),
                env: env.clone(),
                stdin: Some(b"the input".to_vec()),
                partial: true,
            }
        ),
        call!(
            ProcessStart,
            StartParams {
                argv: vec!["tail".into(), "-f".into()],
                timeout: Some(63.0),
                cwd: some("/path/third"),
                env: env.clone(),
                stdin: true,
            }
        ),
        call!(ProcessOutput, OutputParams { id: CommandId(71) }),
        call!(ProcessWrite, CommandInput { id: CommandId(72), data: b"fed".to_vec(), eof: true }),
        call!(ProcessSignal, SignalParams { id: CommandId(73), signal: CommandSignal::Interrupt }),
        call!(OcrRead, reading.clone()),
        call!(
            OcrClick,
            OcrClickParams {
                text: "Pay now".into(),
                occurrence: 2,
                button: Some(Button::Middle),
                clicks: 3,
                modifiers: modifiers.clone(),
                within: reading.clone(),
            }
        ),
        call!(PowerLock, ()),
        call!(NotificationsList, ()),
    ]
}

/// The texts and numbers that a call was given; not the bytes of a content.
fn leaves(value: &Value) -> Vec<String> {
    match value {
        Value::Null | Value::Bool(_) => Vec::new(),
        Value::Number(number) => vec![number.to_string().trim_end_matches(".0").to_owned()],
        Value::String(text) => vec![text.clone()],
        Value::Array(items) if items.iter().all(Value::is_u64) => Vec::new(),
        Value::Array(items) => items.iter().flat_map(leaves).collect(),
        Value::Object(fields) => fields.values().flat_map(leaves).collect(),
    }
}

#[test]
fn every_argument_of_every_method_is_shown() {
    let calls = calls();
    let covered: Vec<&str> = calls.iter().map(|(call, _)| call.method()).collect();
    assert_eq!(covered, Call::NAMES);
    for (call, given) in &calls {
        let text = describe(call);
        for leaf in leaves(given).iter().filter(|leaf| !matches!(leaf.as_str(), "down")) {
            assert!(text.contains(leaf), "{leaf} of {}: {text}", call.method());
        }
        assert!(text.lines().all(|line| line.len() < 80 && !line.chars().any(char::is_control)), "{text}");
        assert!(text.starts_with(char::is_uppercase), "{text}");
    }
    let bytes = |method: &str| {
        let (call, _) = calls.iter().find(|(call, _)| call.method() == method).unwrap();
        describe(call)
    };
    assert!(bytes("clipboard.write").contains("kind: \"text/plain\"\ntext: \"copied\""));
    assert!(bytes("fs.write").contains("bytes to write: 7\nfirst byte to write: 512"));
    assert!(!bytes("fs.write").contains("content\""), "contents of files are not shown");
    assert!(bytes("process.exec").ends_with("standard input: \"the input\""));
}

#[test]
fn a_command_is_shown_line_by_line() {
    assert_eq!(shell("ls -l"), "Have the shell carry out a command.\ncommand: \"ls -l\"");
    let text = shell("cd /tmp\nrm -rf x\n");
    let lines: Vec<&str> = text.lines().skip(1).collect();
    assert_eq!(lines, ["command:", "  | \"cd /tmp\\n", "  | rm -rf x\\n", "  | \""]);
}

#[test]
fn words_and_variables_of_a_program_are_told_apart() {
    let params = ExecParams {
        argv: ["sh", "-c", "a b\nc", "", "--x=\"1\" -y"].map(str::to_owned).to_vec(),
        env: vec![("A".to_owned(), "1\nB=2".to_owned())],
        stdin: Some(b"\x00\xff".to_vec()),
        ..ExecParams::default()
    };
    let expected = "Run a program.\nprogram and arguments:\n  1 | \"sh\"\n  2 | \"-c\"\n  3 | \"a b\\n\n    | c\"\n  \
                    4 | \"\"\n  5 | \"--x=\"1\" -y\"\nvariables:\n  1 | \"A=1\\n\n    | B=2\"\nstandard input: \"\\u{0}\\xff\"";
    assert_eq!(describe(&Call::ProcessExec(params)), expected);
}

#[test]
fn a_clipboard_is_shown_where_it_is_text() {
    let entry = |kind: &str, data: &[u8]| ClipboardEntry { mime_type: kind.to_owned(), data: data.to_vec() };
    let entries = vec![
        entry("image/png", b"\x89PNG"),
        entry("x-special/gnome-copied-files", b"cut\nfile:///a"),
        entry("text/plain", b"\xff"),
    ];
    let text = describe(&Call::ClipboardWrite(ClipboardContents { entries }));
    let lines: Vec<&str> = text.lines().skip(1).collect();
    let (image, files) = (["kind: \"image/png\"", "bytes: 4"], ["kind: \"x-special/gnome-copied-files\"", "text:"]);
    assert_eq!((&lines[..2], &lines[2..4]), (&image[..], &files[..]));
    assert_eq!(lines[4..], ["  | \"cut\\n", "  | file:///a\"", "kind: \"text/plain\"", "text: \"\\xff\""]);
    let empty = describe(&Call::ClipboardWrite(ClipboardContents::default()));
    assert_eq!(empty, "Empty the clipboard.");
}

#[test]
fn a_key_that_is_held_is_named_once() {
    let modifiers = vec![Modifier::Shift; 100_000];
    let text = describe(&Call::InputKey(KeyEvent { action: Press::Up, keysym: "a".into(), modifiers }));
    assert_eq!(text, "Let a key come up.\nkey: \"a\"\nwith these keys held: shift");
}

#[test]
fn a_question_says_who_asks_for_what_and_why() {
    let question = Question {
        number: 1,
        peer: "laptop\u{1b}[2J\nmethod: \"none\"".to_owned(),
        fingerprint: "a1b2".to_owned(),
        method: "process.shell".to_owned(),
        what: "Do it.\n\u{1b}[31mred\u{202e}".to_owned(),
        why: "so says policy.json".to_owned(),
        asked_at: 0.0,
        within: 60,
    };
    let expected = "A controller asks whether it may act on this machine.\ncontroller:\n  | \"laptop\\u{1b}[2J\\n\n  | \
                    method: \"none\"\"\nits key: \"a1b2\"\nwhy you are asked: \"so says policy.json\"\nmethod: \
                    \"process.shell\"\n\nDo it.\n\\u{1b}[31mred\\u{202e}\n\nNo answer within 60 seconds is a no.";
    assert_eq!(question.text(), expected);
}
