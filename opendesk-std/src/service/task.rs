//! The task by which the Task Scheduler of Windows starts a host, and asking it about it. Never tried on Windows.
//!
//! The task is of one user and runs with no more than the user's rights (`LeastPrivilege`), in the session that was
//! logged in to (`InteractiveToken`), without a limit on its time. After a failure it is started again each minute, ten
//! times at most.

use std::path::{Path, PathBuf};

use super::command::HostCommand;
use super::error::ServiceError;
use super::file::MARK;
use super::runner::Runner;
use super::xml::escape;
use super::{State, file};

/// What the Task Scheduler calls it.
pub const NAME: &str = "opendesk";

/// Prints the state of the task as a number: its words are in the language of the system.
const ASK: &str = "[int](Get-ScheduledTask -TaskName opendesk -ErrorAction Stop).State";

/// The states of a task.
const STATES: [&str; 5] = ["unknown", "disabled", "queued", "ready", "running"];

/// Where the file is kept that the task was made from.
pub(super) fn place(home: &Path) -> PathBuf {
    home.join("service.xml")
}

/// Our user, as Windows names users.
pub(super) fn user() -> String {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let name = variable("USERNAME").unwrap_or_default();
    variable("USERDOMAIN").map_or_else(|| name.clone(), |domain| format!("{domain}\\{name}"))
}

/// The definition of the task for a command, to be written as [`encode`] does. `user` is whose task it is, such as
/// `OFFICE\me`.
#[must_use]
pub fn definition(command: &HostCommand, user: &str) -> String {
    let arguments: Vec<String> = command.arguments().iter().map(|word| quoted(word)).collect();
    let (program, arguments) = (escape(&quoted(command.program())), escape(&arguments.join(" ")));
    let user = escape(user);
    format!(
        "\
<?xml version=\"1.0\" encoding=\"UTF-16\"?>
<!-- {MARK}, which writes it anew when it is run again. -->
<Task version=\"1.2\" xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\">
  <RegistrationInfo>
    <Description>opendesk: paired controllers see and drive this desktop</Description>
  </RegistrationInfo>
  <Triggers>
    <LogonTrigger>
      <Enabled>true</Enabled>
      <UserId>{user}</UserId>
    </LogonTrigger>
  </Triggers>
  <Principals>
    <Principal id=\"Author\">
      <UserId>{user}</UserId>
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <Priority>5</Priority>
    <RestartOnFailure>
      <Interval>PT1M</Interval>
      <Count>10</Count>
    </RestartOnFailure>
  </Settings>
  <Actions Context=\"Author\">
    <Exec>
      <Command>{program}</Command>
      <Arguments>{arguments}</Arguments>
    </Exec>
  </Actions>
</Task>
"
    )
}

/// The text as the Task Scheduler reads it: UTF-16, the low byte first, after a byte order mark.
#[must_use]
pub fn encode(text: &str) -> Vec<u8> {
    core::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

/// A word of a command line, as programs of Windows take it apart (`CommandLineToArgvW`): backslashes count only in front
/// of a quotation mark.
fn quoted(word: &str) -> String {
    if !word.is_empty() && !word.contains([' ', '"']) {
        return word.to_owned();
    }
    let mut quoted = String::from('"');
    let mut backslashes = 0;
    for character in word.chars() {
        match character {
            '\\' => backslashes += 1,
            '"' => {
                // Those before it twice, and one for the mark itself.
                quoted.extend(core::iter::repeat_n('\\', backslashes + 1));
                backslashes = 0;
            }
            _ => backslashes = 0,
        }
        quoted.push(character);
    }
    quoted.extend(core::iter::repeat_n('\\', backslashes));
    quoted.push('"');
    quoted
}

/// `schtasks`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schtasks<'a> {
    runner: &'a Runner,
}

impl<'a> Schtasks<'a> {
    pub(super) const fn new(runner: &'a Runner) -> Self {
        Self { runner }
    }

    /// Makes the task from its file, and starts it now if `start` says so.
    pub(super) fn install(self, path: &Path, start: bool) -> Result<(), ServiceError> {
        let path = path.to_str().unwrap_or_default();
        self.run(&["/create", "/tn", NAME, "/xml", path, "/f"])?;
        if start {
            // One that runs would go on as it was started. That none does is no failure.
            self.runner.ask(&["schtasks", "/end", "/tn", NAME])?;
            self.run(&["/run", "/tn", NAME])?;
        }
        Ok(())
    }

    /// Stops the task and deletes it, and its file.
    pub(super) fn uninstall(self, path: &Path) -> Result<bool, ServiceError> {
        let is_there = self.runner.ask(&["schtasks", "/query", "/tn", NAME])?.ok;
        if is_there {
            self.runner.ask(&["schtasks", "/end", "/tn", NAME])?;
            let deleted = self.run(&["/delete", "/tn", NAME, "/f"]);
            deleted.map_err(|error| error.after(&format!("{} stays:", file::shown(path))))?;
        }
        Ok(file::remove(path)? || is_there)
    }

    pub(super) fn state(self, installed: bool) -> State {
        let asked = self.runner.ask(&["powershell", "-NoProfile", "-NonInteractive", "-Command", ASK]);
        match asked {
            Ok(said) if said.ok => state_of(said.text.trim(), installed),
            // That there is no such task is told as a failure, too.
            Ok(said) if installed => unknown(installed, said.complaint),
            Ok(_) => State { enabled: Some(false), running: Some(false), ..unknown(false, "no such task".to_owned()) },
            Err(error) => unknown(installed, error.to_string()),
        }
    }

    fn run(self, arguments: &[&str]) -> Result<(), ServiceError> {
        self.runner.run(&[&["schtasks"], arguments].concat()).map(drop)
    }
}

fn unknown(installed: bool, said: String) -> State {
    State { installed, enabled: None, running: None, pid: None, since: None, said }
}

/// Reads the number of a state.
fn state_of(number: &str, installed: bool) -> State {
    let state = number.parse::<usize>().ok().and_then(|number| STATES.get(number)).copied();
    let said = state.unwrap_or("unknown").to_owned();
    match state {
        None | Some("unknown") => unknown(installed, said),
        Some(state) => {
            State { enabled: Some(state != "disabled"), running: Some(state == "running"), ..unknown(installed, said) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Manager;
    use super::super::tests::{program, said, service};
    use super::*;

    fn command() -> HostCommand {
        let arguments = ["serve", "--home", r"C:\Users\me & you\", r"C:\a b\"];
        HostCommand::new(Path::new("/a <b>/opendesk.exe"), arguments.map(Into::into)).unwrap()
    }

    #[test]
    fn a_word_is_quoted_as_windows_takes_it_apart() {
        for (word, expected) in [
            ("serve", "serve"),
            ("", "\"\""),
            ("a b", "\"a b\""),
            (r"C:\a\", r"C:\a\"),
            (r"C:\a b\", r#""C:\a b\\""#),
            (r#"a"b"#, r#""a\"b""#),
            (r#"a\"b"#, r#""a\\\"b""#),
            (r"a\b c", r#""a\b c""#),
        ] {
            assert_eq!(quoted(word), expected, "{word}");
        }
    }

    #[test]
    fn the_task_is_of_the_user_and_holds_the_command() {
        let text = definition(&command(), r"OFFICE\me");
        for line in [
            r"<UserId>OFFICE\me</UserId>",
            "<Command>&quot;/a &lt;b&gt;/opendesk.exe&quot;</Command>",
            r"<Arguments>serve --home &quot;C:\Users\me &amp; you\\&quot; &quot;C:\a b\\&quot;</Arguments>",
            "<RunLevel>LeastPrivilege</RunLevel>",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
        let bytes = encode("é\n");
        assert_eq!(bytes, [0xff, 0xfe, 0xe9, 0, b'\n', 0]);
    }

    #[test]
    fn a_state_is_read_by_its_number() {
        for (number, enabled, running) in [
            ("4", Some(true), Some(true)),
            ("3", Some(true), Some(false)),
            ("1", Some(false), Some(false)),
            ("0", None, None),
            ("9", None, None),
            ("", None, None),
        ] {
            let state = state_of(number, true);
            assert_eq!((state.enabled, state.running), (enabled, running), "{number}");
        }
    }

    #[test]
    fn the_task_is_made_from_its_file_and_deleted_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let service = service(folder.path(), Manager::TaskScheduler, "schtasks", "exit 0");
        program(folder.path(), "powershell", "echo 4");
        service.install(&service.definition(&command()).unwrap(), true).unwrap();
        let path = service.path().display().to_string();
        let steps =
            [format!("/create /tn opendesk /xml {path} /f"), "/end /tn opendesk".into(), "/run /tn opendesk".into()];
        assert_eq!(said(folder.path()), steps);
        assert!(std::fs::read(service.path()).unwrap().starts_with(&[0xff, 0xfe, b'<', 0]));
        let state = service.state();
        assert_eq!((state.installed, state.enabled, state.running), (true, Some(true), Some(true)));
        assert_eq!(service.uninstall(), Ok(true));
        assert!(!service.path().exists());
        assert_eq!(said(folder.path()).last().map(String::as_str), Some("/delete /tn opendesk /f"));
        program(folder.path(), "schtasks", "exit 1");
        program(folder.path(), "powershell", "exit 1");
        assert_eq!((service.uninstall(), service.state().running), (Ok(false), Some(false)));
    }
}
