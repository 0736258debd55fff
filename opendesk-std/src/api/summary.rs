//! A call in one line for the audit log.

use super::method::Call;
use super::types::{Point, Rect};
use crate::home::printable;

/// How much of a path or name the log shows.
const SHOWN_CHARACTERS: usize = 200;

impl Call {
    /// One line about the call for the audit log. Paths, window ids, and the names of applications and programs appear
    /// in it, cut. What is typed, copied, shown, read or written, arguments and environment never do, only how much of
    /// it there was.
    #[must_use]
    pub fn summary(&self) -> String {
        match self {
            Self::SystemCapabilities(())
            | Self::SystemEnvironment(())
            | Self::DisplayDisplays(())
            | Self::DisplayCursorPosition(())
            | Self::InputSubscribe(())
            | Self::WindowsList(())
            | Self::WindowsFocused(())
            | Self::AppsList(())
            | Self::AppsInstalled(())
            | Self::OcrRead(_)
            | Self::ClipboardRead(())
            | Self::ProcessList(())
            | Self::PowerLock(())
            | Self::NotificationsList(())
            | Self::UiTreeRead(_) => self.method().to_owned(),
            Self::DisplayCapture(params) => {
                let what = params.region.map(|region| format!(" {}", place(&region))).unwrap_or_default();
                let of = params.window_id.as_ref().map(|id| format!(" of window {}", shown(id))).unwrap_or_default();
                format!("capture{what}{of}")
            }
            Self::DisplaySubscribe(params) => format!("pictures, {} a second", params.fps),
            Self::InputPointer(event) => {
                let Point { x, y } = event.point;
                format!("pointer {:?} {x},{y}", event.action).to_lowercase()
            }
            Self::InputKey(event) => format!("key {:?}", event.action).to_lowercase(),
            Self::InputText(input) => format!("type {} characters", input.text.chars().count()),
            Self::WindowsFocus(params) => format!("focus window {}", shown(&params.window_id)),
            Self::WindowsMove(params) => {
                format!("move window {} to {}", shown(&params.window_id), place(&params.bounds))
            }
            Self::WindowsClose(params) => {
                let how = if params.force { "force window" } else { "close window" };
                format!("{how} {}", shown(&params.window_id))
            }
            Self::OcrClick(params) => format!("click on a text of {} characters", params.text.chars().count()),
            Self::AppsOpen(params) => format!("open {}", shown(&params.name)),
            Self::AppsClose(params) => format!("close {}", shown(&params.name)),
            Self::AppsFocus(params) => format!("focus {}", shown(&params.name)),
            Self::UiAction(params) => match &params.app {
                Some(app) => format!("{} an element of {}", shown(&params.action), shown(app)),
                None => format!("{} an element", shown(&params.action)),
            },
            Self::ClipboardWrite(contents) => {
                let bytes: usize = contents.entries.iter().map(|entry| entry.data.len()).sum();
                format!("clipboard of {bytes} bytes")
            }
            Self::FsRead(params) => format!("read {}", shown(&params.path)),
            Self::FsWrite(params) => format!("write {} bytes to {}", params.data.len(), shown(&params.path)),
            Self::FsList(params) => format!("list {}", shown(&params.path)),
            Self::FsStat(params) => format!("stat {}", shown(&params.path)),
            Self::FsDelete(params) => format!("delete {}", shown(&params.path)),
            Self::FsMove(params) => format!("move {} to {}", shown(&params.src), shown(&params.dst)),
            Self::FsMkdir(params) => format!("make folder {}", shown(&params.path)),
            Self::FsSetstat(params) => format!("set permissions or time of {}", shown(&params.path)),
            Self::ProcessShell(params) => {
                format!("shell {}, a command of {} bytes", shown(first_program(&params.command)), params.command.len())
            }
            Self::ProcessExec(params) => {
                let (program, arguments) = program(&params.argv);
                let stdin = params.stdin.as_ref().map_or(0, Vec::len);
                format!("run {program}, {arguments} arguments, {stdin} bytes of input")
            }
            Self::ProcessStart(params) => {
                let (program, arguments) = program(&params.argv);
                let input = if params.stdin { "with" } else { "no" };
                format!("start {program}, {arguments} arguments, {input} input")
            }
            Self::ProcessOutput(params) => format!("output of command {}", params.id.0),
            Self::ProcessWrite(params) => {
                let last = if params.eof { ", the last," } else { "" };
                format!("{} bytes of input{last} for command {}", params.data.len(), params.id.0)
            }
            Self::ProcessSignal(params) => format!("{:?} command {}", params.signal, params.id.0).to_lowercase(),
        }
    }
}

fn shown(text: &str) -> String {
    printable(&text.chars().take(SHOWN_CHARACTERS).collect::<String>())
}

/// The program that is run, and how many arguments it gets.
fn program(argv: &[String]) -> (String, usize) {
    (shown(argv.first().map_or("", String::as_str)), argv.len().saturating_sub(1))
}

fn place(Rect { x, y, width, height }: &Rect) -> String {
    format!("{width}x{height} at {x},{y}")
}

/// The first word of a shell's command, if it is the plain name of a program: anything else, such as an assignment, may
/// hold what the log must not.
fn first_program(command: &str) -> &str {
    let word = command.split_whitespace().next().unwrap_or_default();
    let plain = word.chars().all(|character| character.is_alphanumeric() || "._-+/~".contains(character));
    if plain { word } else { "…" }
}

#[cfg(test)]
mod tests {
    use super::super::*;

    #[test]
    fn a_summary_never_shows_what_was_typed_or_written() {
        let secret = "hunter2";
        let env = vec![("PASSWORD".to_owned(), secret.to_owned())];
        let target = ElementTarget { name: secret.into(), value: Some(secret.into()), ..ElementTarget::default() };
        let calls = [
            Call::InputText(TextInput { text: secret.into(), interval_ms: 0 }),
            Call::InputKey(KeyEvent { action: Press::Down, keysym: secret.into(), modifiers: vec![] }),
            Call::ClipboardWrite(ClipboardContents {
                entries: vec![ClipboardEntry { mime_type: "text/plain".into(), data: secret.into() }],
            }),
            Call::UiAction(UiActionParams { target, action: "type".into(), app: None }),
            Call::FsWrite(FileWriteParams { path: "a".into(), data: secret.into(), offset: None }),
            Call::ProcessShell(ShellParams { command: "PASSWORD=hunter2 run".into(), ..ShellParams::default() }),
            Call::ProcessShell(ShellParams {
                command: "echo hunter2".into(),
                env: env.clone(),
                ..ShellParams::default()
            }),
            Call::ProcessExec(ExecParams {
                argv: vec!["login".into(), secret.into()],
                env,
                stdin: Some(secret.into()),
                ..ExecParams::default()
            }),
            Call::ProcessStart(StartParams {
                argv: vec!["login".into(), secret.into()],
                env: vec![("PASSWORD".to_owned(), secret.to_owned())],
                ..StartParams::default()
            }),
            Call::ProcessWrite(CommandInput { data: secret.into(), ..CommandInput::default() }),
        ];
        for call in calls {
            assert!(!call.summary().contains(secret), "{}", call.summary());
        }
    }

    #[test]
    fn a_summary_is_one_short_line_that_says_what_it_was_about() {
        let path = |path: &str| Call::FsDelete(FileParams { path: path.into() }).summary();
        assert_eq!(path("/tmp/a\nb"), "delete /tmp/a\\nb");
        assert_eq!(path(&"é".repeat(1000)), format!("delete {}", "é".repeat(200)));
        let shell = ShellParams { command: "git status".into(), ..ShellParams::default() };
        assert_eq!(Call::ProcessShell(shell).summary(), "shell git, a command of 10 bytes");
        let exec = ExecParams { argv: vec!["ls".into(), "-l".into()], ..ExecParams::default() };
        assert_eq!(Call::ProcessExec(exec).summary(), "run ls, 1 arguments, 0 bytes of input");
        assert_eq!(Call::ProcessExec(ExecParams::default()).summary(), "run , 0 arguments, 0 bytes of input");
        let start = StartParams { argv: vec!["cat".into(), "-".into()], stdin: true, ..StartParams::default() };
        assert_eq!(Call::ProcessStart(start).summary(), "start cat, 1 arguments, with input");
        let id = CommandId(7);
        assert_eq!(Call::ProcessOutput(OutputParams { id }).summary(), "output of command 7");
        let input = CommandInput { id, data: b"abc".to_vec(), eof: true };
        assert_eq!(Call::ProcessWrite(input).summary(), "3 bytes of input, the last, for command 7");
        let signal = SignalParams { id, signal: CommandSignal::Kill };
        assert_eq!(Call::ProcessSignal(signal).summary(), "kill command 7");
    }
}
