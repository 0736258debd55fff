//! The agent by which the user's launchd starts a host, and asking launchd about it. Never tried on macOS.
//!
//! An agent is of one user, and of a session with a screen (`LimitLoadToSessionType`). launchd starts it when its file is
//! found at login. After a failure it is started again, at most every ten seconds: launchd knows no number of tries. What
//! controllers have opened outlives it, as it does under systemd (`AbandonProcessGroup`).

use std::path::{Path, PathBuf};

use super::command::HostCommand;
use super::error::ServiceError;
use super::file::MARK;
use super::runner::Runner;
use super::xml::escape;
use super::{State, file};

/// What launchd calls it.
pub const LABEL: &str = "com.opendesk.serve";

/// How often an agent is loaded anew while launchd still takes the former one away.
const TRIES: usize = 20;

/// Seconds between two of these.
const PAUSE: &str = "0.25";

/// Where the agent's file belongs.
pub(super) fn place(home: Option<PathBuf>) -> Option<PathBuf> {
    Some(home?.join("Library/LaunchAgents").join(format!("{LABEL}.plist")))
}

/// Where the host writes what it has to say.
pub(super) fn log(home: &Path) -> PathBuf {
    home.join("service.log")
}

/// The property list for a command, which logs into a file. launchd would let one that it keeps itself grow without end.
#[must_use]
pub fn agent(command: &HostCommand) -> String {
    let words: String = command.words().map(|word| format!("    <string>{}</string>\n", escape(word))).collect();
    format!(
        "\
<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<!-- {MARK}, which writes it anew when it is run again. -->
<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">
<plist version=\"1.0\">
<dict>
  <key>Label</key>
  <string>{LABEL}</string>
  <key>ProgramArguments</key>
  <array>
{words}  </array>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>ThrottleInterval</key>
  <integer>10</integer>
  <key>LimitLoadToSessionType</key>
  <string>Aqua</string>
  <key>ProcessType</key>
  <string>Interactive</string>
  <key>AbandonProcessGroup</key>
  <true/>
  <key>StandardErrorPath</key>
  <string>/dev/null</string>
</dict>
</plist>
"
    )
}

/// `launchctl`, of the screen session of a user.
#[derive(Debug, Clone, Copy)]
pub(super) struct Launchctl<'a> {
    runner: &'a Runner,
    user: u32,
}

impl<'a> Launchctl<'a> {
    pub(super) const fn new(runner: &'a Runner, user: u32) -> Self {
        Self { runner, user }
    }

    /// The agent as launchd names it.
    pub(super) fn target(self) -> String {
        format!("{}/{LABEL}", self.domain())
    }

    fn domain(self) -> String {
        format!("gui/{}", self.user)
    }

    /// Has the agent loaded at login, and now if `start` says so.
    pub(super) fn install(self, path: &Path, start: bool) -> Result<(), ServiceError> {
        self.run(&["enable", &self.target()])?;
        if !start {
            return Ok(());
        }
        if self.is_loaded()? {
            self.run(&["bootout", &self.target()])?;
        }
        let path = path.to_str().unwrap_or_default();
        // The former one is taken away while nobody waits for it, and until then the new one is refused.
        for _ in 1..TRIES {
            if self.runner.ask(&["launchctl", "bootstrap", &self.domain(), path])?.ok {
                return Ok(());
            }
            self.runner.run(&["sleep", PAUSE])?;
        }
        self.run(&["bootstrap", &self.domain(), path])
    }

    /// Stops the agent and removes its file, without which launchd does not know it at the next login.
    pub(super) fn uninstall(self, path: &Path) -> Result<bool, ServiceError> {
        let was_there = file::is_own(path)?;
        let is_loaded = self.is_loaded();
        if let Ok(true) = is_loaded {
            let stopped = self.run(&["bootout", &self.target()]);
            stopped.map_err(|error| error.after(&format!("{} stays:", file::shown(path))))?;
        }
        let removed = file::remove(path)?;
        match is_loaded {
            Ok(loaded) => Ok(removed || loaded),
            Err(error) if was_there => Err(error.after(&format!(
                "{} is removed, so the service starts no more at login, but whether it runs now could not be asked:",
                file::shown(path)
            ))),
            Err(_) => Ok(false),
        }
    }

    pub(super) fn state(self, installed: bool) -> State {
        let asked = || -> Result<State, ServiceError> {
            let printed = self.runner.ask(&["launchctl", "print", &self.target()])?;
            let disabled = self.runner.ask(&["launchctl", "print-disabled", &self.domain()])?;
            Ok(state_of(printed.ok.then_some(&printed.text), &disabled.text, installed))
        };
        asked().unwrap_or_else(|error| State {
            installed,
            enabled: None,
            running: None,
            pid: None,
            since: None,
            said: error.to_string(),
        })
    }

    fn is_loaded(self) -> Result<bool, ServiceError> {
        Ok(self.runner.ask(&["launchctl", "print", &self.target()])?.ok)
    }

    fn run(self, arguments: &[&str]) -> Result<(), ServiceError> {
        self.runner.run(&[&["launchctl"], arguments].concat()).map(drop)
    }
}

/// Reads what launchd has printed: of the agent if it is loaded, and of the agents that are not to be.
fn state_of(printed: Option<&String>, disabled: &str, installed: bool) -> State {
    // The first of a kind is the agent's own; the others are of what belongs to it.
    let value = |name: &str| {
        let of = |line: &str| Some(line.trim().strip_prefix(name)?.strip_prefix(" = ")?.to_owned());
        printed.and_then(|printed| printed.lines().find_map(of))
    };
    let is_disabled = disabled.lines().any(|line| {
        let entry = line.trim().strip_prefix(&format!("\"{LABEL}\" => "));
        matches!(entry, Some("disabled" | "true"))
    });
    let state = value("state");
    let running = state.as_deref() == Some("running");
    let mut said = state.unwrap_or_else(|| "not loaded".to_owned());
    if let (false, Some(code)) = (running, value("last exit code")) {
        said.push_str(&format!(", last exit code {code}"));
    }
    State {
        installed,
        enabled: Some(installed && !is_disabled),
        running: Some(running),
        pid: value("pid").and_then(|pid| pid.parse().ok()).filter(|_| running),
        since: None,
        said: crate::home::printable(&said),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Manager;
    use super::super::tests::{said, service};
    use super::*;

    const PRINTED: &str = "\
gui/501/com.opendesk.serve = {
\tactive count = 1
\tpath = /Users/me/Library/LaunchAgents/com.opendesk.serve.plist
\tstate = running

\tpid = 812
\tspawn type = interactive (4)
\tendpoints = {
\t\t\"x\" = {
\t\t\tstate = waiting
\t\t}
\t}
}
";

    fn command() -> HostCommand {
        HostCommand::new(Path::new("/opt/a & b/opendesk"), ["serve".into(), "--home".into(), "<h>".into()]).unwrap()
    }

    #[test]
    fn the_agent_holds_the_words_of_the_command() {
        let text = agent(&command());
        for line in [
            "<string>/opt/a &amp; b/opendesk</string>",
            "<string>--home</string>\n    <string>&lt;h&gt;</string>",
            "<key>StandardErrorPath</key>\n  <string>/dev/null</string>",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
    }

    #[test]
    fn what_launchd_prints_is_read() {
        let printed = PRINTED.to_owned();
        let state = state_of(Some(&printed), "\"com.apple.x\" => disabled\n", true);
        assert_eq!((state.enabled, state.running, state.pid), (Some(true), Some(true), Some(812)));
        assert_eq!(state.said, "running");
        let ended = "\tstate = not running\n\tlast exit code = 7\n\tpid = 9\n".to_owned();
        let ended = state_of(Some(&ended), "\t\"com.opendesk.serve\" => disabled\n", true);
        assert_eq!((ended.enabled, ended.running, ended.pid), (Some(false), Some(false), None));
        assert_eq!(ended.said, "not running, last exit code 7");
        let none = state_of(None, "", false);
        assert_eq!((none.enabled, none.running, none.said.as_str()), (Some(false), Some(false), "not loaded"));
    }

    #[test]
    fn an_agent_that_is_loaded_is_loaded_anew_and_taken_away_in_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let service = service(folder.path(), Manager::Launchd, "launchctl", "exit 0");
        service.install(&service.definition(&command()).unwrap(), true).unwrap();
        let target = service.launchctl().target();
        let domain = service.launchctl().domain();
        let path = service.path().display();
        let steps = [
            format!("enable {target}"),
            format!("print {target}"),
            format!("bootout {target}"),
            format!("bootstrap {domain} {path}"),
        ];
        assert_eq!(said(folder.path()), steps);
        assert_eq!(service.uninstall(), Ok(true));
        assert!(!service.path().exists());
        assert_eq!(said(folder.path()).last(), Some(&format!("bootout {target}")));
    }

    #[test]
    fn one_that_is_not_loaded_is_not_taken_away_first() {
        let folder = tempfile::tempdir().unwrap();
        let script = "[ \"$1\" != print ]";
        let service = service(folder.path(), Manager::Launchd, "launchctl", script);
        service.install(&service.definition(&command()).unwrap(), true).unwrap();
        assert!(!said(folder.path()).iter().any(|line| line.starts_with("bootout")));
        service.install(&service.definition(&command()).unwrap(), false).unwrap();
        assert_eq!(said(folder.path()).len(), 4);
        assert_eq!((service.uninstall(), service.uninstall()), (Ok(true), Ok(false)));
    }
}
