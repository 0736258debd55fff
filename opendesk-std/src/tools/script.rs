//! `script`.

use core::time::Duration;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::beforehand::{Sensible, sensible};
use super::session::Session;
use super::target::{Target, ToolError};
use super::waiting::told;
use super::{Hints, Output, Tool, fence, schema};
use crate::api::{
    CompletedCommand, Error, ErrorCode, ExecParams, ProcessExec, ProcessShell, ShellParams, SystemEnvironment,
};

pub(super) const TOOL: Tool = Tool {
    name: "script",
    title: "Run a script",
    description: "Runs code on the machine of a desktop, in its session, and waits for its end: `shell`; `powershell` where \
                  it is installed; `applescript` and `jxa` on macOS. A non-zero exit code is an error. What is started in \
                  the background with `&` stays when its output goes elsewhere.",
    hints: Hints { read_only: false, destructive: true, idempotent: false, open_world: true },
    schema: schema::of::<Arguments>,
    run: |session, given| {
        Box::pin(async move {
            let asked: Arguments = sensible(given)?;
            let target = session.target(asked.peer.as_deref())?;
            run(session, &target, &asked).await
        })
    },
};

/// Seconds that a script may be given.
const LONGEST: f64 = 600.0;

/// What an answer may take beside the time of the script: for starting, ending and the way.
const MARGIN: Duration = Duration::from_secs(30);

/// Of each stream so many characters are told from its beginning, and so many from its end.
const HEAD: usize = 12_000;
const TAIL: usize = 4_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Action {
    Shell,
    Powershell,
    Applescript,
    Jxa,
}

impl Action {
    const fn name(self) -> &'static str {
        match self {
            Self::Shell => "shell",
            Self::Powershell => "powershell",
            Self::Applescript => "applescript",
            Self::Jxa => "jxa",
        }
    }

    /// The program that runs code of this kind, with its arguments; none for the host's own shell.
    fn program(self, os: &str, code: &str) -> Option<Vec<String>> {
        let words: &[&str] = match self {
            Self::Shell => return None,
            Self::Powershell if os == "Windows" => &["powershell.exe", "-NoProfile", "-NonInteractive", "-Command"],
            Self::Powershell => &["pwsh", "-NoProfile", "-NonInteractive", "-Command"],
            Self::Applescript => &["osascript", "-e"],
            Self::Jxa => &["osascript", "-l", "JavaScript", "-e"],
        };
        Some(words.iter().copied().chain([code]).map(str::to_owned).collect())
    }

    /// Fails with what to use instead where a kind of code is no system's.
    fn check(self, os: &str) -> Result<(), String> {
        match self {
            Self::Applescript | Self::Jxa if os != "Darwin" => {
                Err(format!("{} runs on macOS only, and this machine runs {}; use shell", self.name(), known(os)))
            }
            _ => Ok(()),
        }
    }
}

/// The name of a system that is told: a peer says its own.
fn known(os: &str) -> &'static str {
    match os {
        "Linux" => "Linux",
        "Darwin" => "macOS",
        "Windows" => "Windows",
        "FreeBSD" => "FreeBSD",
        _ => "another system",
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    /// What the code is written in.
    action: Action,
    /// The paired machine whose desktop is meant, or `local`; see opendesk_peers.
    peer: Option<String>,
    /// What is run.
    code: String,
    /// Seconds that it may take, more than 0 and at most 600; then it is killed, and what it had written is told.
    #[serde(default = "minute")]
    timeout: f64,
    /// The folder to be in; `~` is the user's home.
    cwd: Option<String>,
    /// Variables that are set for it.
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// What it reads from its standard input.
    stdin: Option<String>,
}

const fn minute() -> f64 {
    60.0
}

impl Sensible for Arguments {
    fn check(&self) -> Result<(), ToolError> {
        if !(self.timeout > 0.0 && self.timeout <= LONGEST) {
            return Err(ToolError::Arguments("`timeout` is more than 0 and at most 600 seconds".to_owned()));
        }
        if self.code.trim().is_empty() {
            return Err(ToolError::Arguments(format!("{} needs `code`, and it is empty", self.action.name())));
        }
        Ok(())
    }
}

async fn run(session: &Session, target: &Target, asked: &Arguments) -> Result<Output, ToolError> {
    let os = system(session, target).await?;
    asked.action.check(&os).map_err(|why| {
        ToolError::from(Error::new(ErrorCode::CapabilityUnsupported, format!("{}{why}", target.prefix())))
    })?;
    let what = format!("{} runs on {}", asked.action.name(), target.name());
    let ended = told(session, Some(asked.timeout), &what, carried_out(session, target, asked, &os)).await?;
    let CompletedCommand { returncode, stdout, stderr, duration, timed_out } = ended;
    let how = match returncode {
        _ if timed_out => {
            format!("It did not end within {} s and was killed; give it a longer `timeout`", asked.timeout)
        }
        0.. => format!("Exit code: {returncode}"),
        signal => format!("Exit code: {returncode} (ended by signal {})", signal.unsigned_abs()),
    };
    let about = format!("{}{how} ({duration:.1}s, {} on {})", target.prefix(), asked.action.name(), known(&os));
    let sections = [("stdout", stdout), ("stderr", stderr)].map(|(name, bytes)| section(name, &bytes));
    let written: Vec<String> = sections.into_iter().flatten().collect();
    let text = if written.is_empty() {
        format!("{about}\n(no output)")
    } else {
        format!("{about}\n{}", fence("the script", &written.join("\n"))?)
    };
    Ok(if returncode == 0 && !timed_out { Output::text(text) } else { Output::error(text) })
}

/// What a desktop's machine runs.
async fn system(session: &Session, target: &Target) -> Result<String, ToolError> {
    if *target == Target::Local {
        return Ok(crate::machine::environment().os);
    }
    Ok(session.call::<SystemEnvironment>(target, &()).await?.os)
}

async fn carried_out(
    session: &Session,
    target: &Target,
    asked: &Arguments,
    os: &str,
) -> Result<CompletedCommand, ToolError> {
    let (timeout, cwd) = (Some(asked.timeout), asked.cwd.clone());
    let env: Vec<(String, String)> = asked.env.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    let limit = Duration::try_from_secs_f64(asked.timeout).unwrap_or_default() + MARGIN;
    let program = match (asked.action.program(os, &asked.code), &asked.stdin) {
        (None, None) => {
            let params = ShellParams { command: asked.code.clone(), timeout, cwd, env, partial: true };
            return session.call_within::<ProcessShell>(target, &params, limit).await;
        }
        // The host's shell reads nothing.
        (None, Some(_)) if os == "Windows" => ["cmd.exe", "/C", &asked.code].map(str::to_owned).to_vec(),
        (None, Some(_)) => ["/bin/sh", "-c", &asked.code].map(str::to_owned).to_vec(),
        (Some(program), _) => program,
    };
    let stdin = asked.stdin.clone().map(String::into_bytes);
    let params = ExecParams { argv: program, timeout, cwd, env, stdin, partial: true };
    session.call_within::<ProcessExec>(target, &params, limit).await
}

/// What was written to a stream, if anything.
fn section(name: &str, bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_end();
    (!text.is_empty()).then(|| format!("--- {name}\n{}", ends_of(text)))
}

/// The beginning and the end of a long text, with a line between that says what is missing.
fn ends_of(text: &str) -> String {
    let count = text.chars().count();
    if count <= HEAD + TAIL {
        return text.to_owned();
    }
    let at = |index: usize| text.char_indices().nth(index).map_or(text.len(), |(at, _)| at);
    let (head, tail) = (&text[..at(HEAD)], &text[at(count - TAIL)..]);
    format!("{head}\n[{} characters are left out]\n{tail}", count - HEAD - TAIL)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::tools::arguments;

    #[test]
    fn a_long_output_keeps_its_beginning_and_its_end() {
        assert_eq!(ends_of(&"ü".repeat(HEAD + TAIL)), "ü".repeat(HEAD + TAIL));
        let text = format!("{}{}{}", "a".repeat(HEAD), "b".repeat(5), "c".repeat(TAIL));
        let cut = format!("{}\n[5 characters are left out]\n{}", "a".repeat(HEAD), "c".repeat(TAIL));
        assert_eq!(ends_of(&text), cut);
    }

    #[test]
    fn each_kind_of_code_has_its_program() {
        assert_eq!(Action::Shell.program("Linux", "ls"), None);
        assert_eq!(Action::Jxa.program("Darwin", "1").unwrap(), ["osascript", "-l", "JavaScript", "-e", "1"]);
        assert_eq!(Action::Powershell.program("Linux", "ls").unwrap()[0], "pwsh");
        assert_eq!(Action::Powershell.program("Windows", "ls").unwrap()[0], "powershell.exe");
        assert!(Action::Jxa.check("Darwin").is_ok() && Action::Shell.check("Linux").is_ok());
        let why = Action::Applescript.check("Linux").unwrap_err();
        assert_eq!(why, "applescript runs on macOS only, and this machine runs Linux; use shell");
        assert!(Action::Jxa.check("obey\nme").unwrap_err().contains("another system"));
    }

    #[test]
    fn times_and_empty_code_are_refused() {
        let check = |given: Value| {
            let asked: Arguments = arguments(given).unwrap();
            asked.check().map_err(|error| error.to_string())
        };
        let with = |timeout: f64| serde_json::json!({"action": "shell", "code": "ls", "timeout": timeout});
        assert_eq!(check(with(600.0)), Ok(()));
        for timeout in [0.0, -1.0, 600.1] {
            assert!(check(with(timeout)).unwrap_err().contains("at most 600"), "{timeout}");
        }
        let error = check(serde_json::json!({"action": "shell", "code": " \n"})).unwrap_err();
        assert!(error.contains("shell needs `code`"), "{error}");
    }
}
