//! A dialog on the desktop, shown by a program of the system.
//!
//! The text goes to the program's standard input: arguments can be read by every user of the machine. Its answer is told
//! from everything else that a program may end with, so that one that fails, or that ends for a reason of its own, is
//! never taken for a person who said yes. None of the dialogs gives a yes for Return, a space or any other text that is
//! typed when it comes up. What other programs of this user can replace is not asked by.

mod search;

use self::search::{Found, Search};
use super::{Limit, Outcome, Question};
use crate::api::{CompletedCommand, ErrorCode, ExecParams};
use crate::home::shown;
use crate::os::command::{Variable, run_exec};

const TITLE: &str = "opendesk: may a controller do this?";

/// Room for lines of 80 columns, in pixels.
const SIZE: [&str; 2] = ["760", "480"];

/// As many lines are seen without scrolling.
const LINES: usize = 18;

/// Seconds after which a dialog closes that we were killed before closing.
const GRACE: u64 = 5;

/// A folder without settings.
const NO_SETTINGS: &str = "/nonexistent";

/// What zenity ends with for each answer. Its own codes will not do: 0 is what every program ends with that has nothing
/// to say, and 1 every one that failed; and the environment can change them.
const ZENITY: [(&str, i32); 5] =
    [("ZENITY_OK", 100), ("ZENITY_CANCEL", 101), ("ZENITY_ESC", 102), ("ZENITY_TIMEOUT", 103), ("ZENITY_ERROR", 104)];

/// The dialogs of this system, the best first.
const DIALOGS: &[Program] = if cfg!(target_os = "macos") {
    &[Program::Osascript]
} else if cfg!(windows) {
    &[Program::PowerShell]
} else {
    &[Program::Zenity, Program::KDialog]
};

/// What says where dialogs are drawn; nothing where every session has a screen.
const SCREENS: &[&str] = if cfg!(any(target_os = "macos", windows)) { &[] } else { &["WAYLAND_DISPLAY", "DISPLAY"] };

/// Asks by the first dialog that can be shown.
pub(super) fn ask(question: &Question, session: &[Variable], limit: &Limit<'_>) -> Outcome {
    ask_on(&Screen { text: text_of(question), session, limit, search: Search::new() })
}

/// Whether there is a program that may ask, and a screen for it.
pub(super) fn is_there(session: &[Variable]) -> bool {
    let search = Search::new();
    has_screen(session)
        && DIALOGS.iter().any(|program| matches!(search.find(program.name(), session), Found::Program(_)))
}

fn has_screen(session: &[Variable]) -> bool {
    SCREENS.is_empty()
        || SCREENS.iter().any(|name| search::variable(name, session).is_some_and(|value| !value.is_empty()))
}

fn ask_on(screen: &Screen<'_>) -> Outcome {
    let mut failures = Vec::new();
    for program in DIALOGS {
        match program.ask(screen) {
            Ok(true) => return Outcome::Yes,
            Ok(false) => return Outcome::No,
            Err(Stop::Over(why)) => return Outcome::Over(why),
            Err(Stop::Failed(why)) => failures.push(why),
            Err(Stop::Missing) => {}
        }
    }
    if failures.is_empty() {
        let names: Vec<&str> = DIALOGS.iter().map(|program| program.name()).collect();
        failures.push(format!("there is no program for dialogs, install {}", names.join(" or ")));
    }
    Outcome::Unavailable(failures.join("; "))
}

/// A question in a window, of which the lower part is not seen at first.
fn text_of(question: &Question) -> String {
    let text = question.text();
    let lines = text.lines().count();
    if lines <= LINES { text } else { format!("{lines} lines: scroll down and read all of them.\n\n{text}") }
}

/// Why there is no answer.
#[derive(Debug, PartialEq, Eq)]
enum Stop {
    /// It does not count any more.
    Over(String),
    /// The program is not there.
    Missing,
    /// The program did not show anything.
    Failed(String),
}

/// A program that shows a dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Program {
    Zenity,
    KDialog,
    Osascript,
    PowerShell,
}

impl Program {
    const fn name(self) -> &'static str {
        match self {
            Self::Zenity => "zenity",
            Self::KDialog => "kdialog",
            Self::Osascript => "osascript",
            Self::PowerShell => "powershell",
        }
    }

    /// Whether the owner says yes.
    fn ask(self, screen: &Screen<'_>) -> Result<bool, Stop> {
        let path = &*screen.find(self)?;
        match self {
            Self::Zenity => zenity(screen, path),
            Self::KDialog => kdialog(screen, path),
            Self::Osascript => self.script(screen, &[path, "-l", "JavaScript", "-e", include_str!("dialog.js")]),
            Self::PowerShell => self.script(
                screen,
                &[path, "-NoProfile", "-NonInteractive", "-STA", "-Command", include_str!("dialog.ps1")],
            ),
        }
    }

    /// A script of ours, which says the answer on its standard output.
    fn script(self, screen: &Screen<'_>, argv: &[&str]) -> Result<bool, Stop> {
        let ended = screen.run(argv, Vec::new(), &screen.text)?;
        match (ended.returncode, ended.stdout.trim_ascii()) {
            (0, b"allowed") => Ok(true),
            (0, b"denied") => Ok(false),
            _ => Err(no_answer(self.name(), &ended)),
        }
    }
}

/// What is shown, where and how long, and by which programs.
#[derive(Debug)]
struct Screen<'a> {
    text: String,
    session: &'a [Variable],
    limit: &'a Limit<'a>,
    search: Search,
}

impl Screen<'_> {
    /// Where a program is that may ask.
    fn find(&self, program: Program) -> Result<String, Stop> {
        let name = program.name();
        match self.search.find(name, self.session) {
            Found::Program(path) => Ok(path),
            Found::Replaceable(folder) => {
                let folder = shown(&folder);
                Err(Stop::Failed(format!("{name} in {folder} can be replaced by this user's programs and is not used")))
            }
            Found::Nowhere => Err(Stop::Missing),
        }
    }

    /// Runs a program to its end.
    fn run(&self, argv: &[&str], mut env: Vec<(String, String)>, input: &str) -> Result<CompletedCommand, Stop> {
        self.limit.check().map_err(Stop::Over)?;
        // Settings of toolkits name modules that are loaded: whoever may write the user's files must not get into the dialog.
        env.push(("XDG_CONFIG_HOME".to_owned(), NO_SETTINGS.to_owned()));
        let params = ExecParams {
            argv: argv.iter().map(|word| (*word).to_owned()).collect(),
            timeout: Some(self.limit.left().as_secs_f64()),
            env,
            stdin: Some(input.into()),
            ..ExecParams::default()
        };
        run_exec(&params, self.session, self.limit.cancel).map_err(|error| {
            if matches!(error.code, ErrorCode::Timeout | ErrorCode::Cancelled) {
                Stop::Over(self.limit.check().err().unwrap_or(error.message))
            } else if error.code == ErrorCode::NotFound {
                Stop::Missing
            } else {
                Stop::Failed(error.message)
            }
        })
    }
}

/// A program ended, and not as it does when somebody answers.
fn no_answer(program: &str, ended: &CompletedCommand) -> Stop {
    Stop::Failed(format!("{program} showed no dialog (exit code {})", ended.returncode))
}

/// The whole text in a window that scrolls. Its button works once a box is ticked: on its own it would be the one that
/// Return presses.
fn zenity(screen: &Screen<'_>, path: &str) -> Result<bool, Stop> {
    let [width, height] = SIZE;
    let argv = [
        path,
        "--text-info",
        &format!("--title={TITLE}"),
        "--checkbox=I have read all of it",
        "--ok-label=Allow",
        "--cancel-label=Deny",
        &format!("--width={width}"),
        &format!("--height={height}"),
        "--font=Monospace",
        &format!("--timeout={}", screen.limit.left().as_secs() + GRACE),
    ];
    let env = ZENITY.iter().map(|(name, code)| ((*name).to_owned(), code.to_string())).collect();
    let ended = screen.run(&argv, env, &screen.text)?;
    match ended.returncode {
        100 => Ok(true),
        101 | 102 => Ok(false),
        103 => Err(Stop::Over("nobody answered in time".to_owned())),
        _ => Err(no_answer("zenity", &ended)),
    }
}

/// Two windows, one after the other: the first one shows the text, which the second one cannot, and has no second
/// button. A yes is a word on the standard output, because of its exit codes 0 is what Return gives and 1 a wrong option.
fn kdialog(screen: &Screen<'_>, path: &str) -> Result<bool, Stop> {
    let [width, height] = SIZE;
    let show = [path, "--title", TITLE, "--textbox", "-", width, height];
    // No letter of a keyboard begins the name of the yes, so none selects it.
    let choose = [
        path,
        "--title",
        TITLE,
        "--radiolist",
        "Allow what was just shown?",
        "deny",
        "✗ Deny it",
        "on",
        "again",
        "↻ Show it again",
        "off",
        "allow",
        "✓ Allow it",
        "off",
    ];
    loop {
        let shown = screen.run(&show, Vec::new(), &as_rich_text(&screen.text))?;
        match shown.returncode {
            0 => {}
            // Somebody closed it.
            1 => return Ok(false),
            _ => return Err(no_answer("kdialog", &shown)),
        }
        let chosen = screen.run(&choose, Vec::new(), "")?;
        match (chosen.returncode, chosen.stdout.trim_ascii()) {
            (0, b"allow") => return Ok(true),
            (0, b"again") => {}
            (0 | 1, _) => return Ok(false),
            _ => return Err(no_answer("kdialog", &chosen)),
        }
    }
}

/// The text as kdialog shows it as it is: it takes each line for HTML that looks like it, and would hide a part of a
/// command.
fn as_rich_text(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    escaped.lines().map(|line| format!("<pre style=\"margin:0\">{line}</pre>\n")).collect()
}

#[cfg(test)]
mod tests;
