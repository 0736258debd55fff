//! Showing a notification on macOS, by `osascript`. Nobody has run it yet.

use crate::api::{Error, ExecParams, Result};
use crate::cancel::Cancel;
use crate::home::printable;
use crate::os::command::run_exec;

/// Seconds that it may take.
const PATIENCE: f64 = 2.0;

/// What is shown comes in as arguments, never as a part of the script.
const SCRIPT: [&str; 3] =
    ["on run argv", "display notification (item 3 of argv) with title (item 2 of argv)", "end run"];

/// Shows a notification.
pub(super) fn show(title: &str, text: &str) -> Result<()> {
    let params = ExecParams { argv: command(title, text), timeout: Some(PATIENCE), ..ExecParams::default() };
    let done = run_exec(&params, &[], &Cancel::new())?;
    if done.returncode == 0 {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    Err(Error::internal(format!("osascript does not show the notification: {}", printable(said.trim()))))
}

fn command(title: &str, text: &str) -> Vec<String> {
    let script = SCRIPT.into_iter().flat_map(|line| ["-e", line]);
    // The first word that is no option ends the options: a title may begin with a dash, and one that was taken for an
    // option would be carried out.
    let words = ["osascript"].into_iter().chain(script).chain(["opendesk"]).map(str::to_owned);
    words.chain([title, text].map(printable)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_never_an_option_of_the_program() {
        let words = command("-e do shell script", "-x");
        let first = words.iter().position(|word| word == "opendesk").unwrap();
        assert_eq!(words[first..], ["opendesk", "-e do shell script", "-x"]);
        assert_eq!(words[1..first].iter().step_by(2).filter(|word| *word == "-e").count(), SCRIPT.len());
        assert_eq!(first, 1 + 2 * SCRIPT.len());
    }
}
