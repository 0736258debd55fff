//! The unit file by which the user's systemd starts a host.
//!
//! **When.** At the start of the user's manager (`default.target`), because many desktops know nothing of
//! `graphical-session.target`, and again with that target where there is one. A host that is started before the session
//! waits for it (`serve --wait-for-desktop`), so systemd does not start it again and again, and one whose graphical
//! session ends is stopped with it (`PartOf=`), because the next session may be on another display. It finds the display
//! by itself, from wherever it was started (`desktop::session`).
//!
//! **Again.** After a failure ten seconds later, and for ten minutes at most within an hour: a port may become free, and
//! an `opendesk pair` that keeps the home for five minutes ends. That is also why exit code 6, the home, is not among
//! those that no new start can help; a wrong command line is (2). A host that nobody is paired with goes on and is no
//! case of this.
//!
//! **What it ends.** The host alone (`KillMode=process`): applications that controllers have opened are in the same
//! control group and outlive the host as they do when it is started from a terminal, and of the commands that controllers
//! run the host ends those that are to end. For the same reason an application that runs out of memory does not take the
//! host with it (`OOMPolicy=continue`).
//!
//! **What it may.** As much as its user, because a controller may do what the user may. In a manager of a user, every
//! directive that filters system calls or makes name spaces, such as `LockPersonality=`, `RestrictRealtime=` or
//! `RestrictSUIDSGID=`, implies `NoNewPrivileges=`, and with it `sudo`, `ping`, snaps and the sandboxes of browsers fail
//! in whatever a controller opens or runs; those that hide files would hide the X server's socket and the user's own
//! files. So none of them is set. What is left is that no memory image with keys in it is ever written, and that new files
//! get the permissions that they have when the user makes them.

use super::command::HostCommand;
use super::error::ServiceError;
use super::file::MARK;
use crate::home::printable;

/// The unit for a command. `umask` is what the user takes away from new files; without one it is the manager's.
///
/// # Errors
/// [`ServiceError::Words`] for a program whose path has a quotation mark or a backslash in it, which systemd refuses.
pub fn unit(command: &HostCommand, umask: Option<u32>) -> Result<String, ServiceError> {
    let umask = umask.map(|umask| format!("UMask={umask:04o}\n")).unwrap_or_default();
    let start = exec_start(command)?;
    Ok(format!(
        "\
# {MARK}, which writes it anew when it is run again. To change it, use
# `systemctl --user edit opendesk.service`; `opendesk uninstall-service` removes it.

[Unit]
Description=opendesk: paired controllers see and drive this desktop
After=graphical-session.target
PartOf=graphical-session.target
StartLimitIntervalSec=1h
StartLimitBurst=60

[Service]
Type=exec
ExecStart={start}
Restart=on-failure
RestartSec=10s
RestartPreventExitStatus=2
TimeoutStopSec=10s
KillMode=process
OOMPolicy=continue
LimitCORE=0:infinity
{umask}
[Install]
WantedBy=default.target graphical-session.target
"
    ))
}

/// The value of `ExecStart=`. The `:` in front of the program has systemd expand no variables, so `$` stands for itself.
fn exec_start(command: &HostCommand) -> Result<String, ServiceError> {
    let program = command.program();
    if program.contains(['"', '\'', '\\']) {
        let program = printable(program);
        return Err(ServiceError::Words(format!(
            "{program} has a quotation mark or a backslash in it, and systemd starts no such program; move it elsewhere"
        )));
    }
    let arguments = command.arguments().iter().map(|word| quoted(word));
    Ok(core::iter::once(quoted(&format!(":{program}"))).chain(arguments).collect::<Vec<_>>().join(" "))
}

/// A word as systemd.syntax(7) and the specifiers of systemd.unit(5) have it stand for itself.
fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-:=,@+".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        return word.to_owned();
    }
    let mut quoted = String::from('"');
    for character in word.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '%' => quoted.push_str("%%"),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn command(program: &str, arguments: &[&str]) -> HostCommand {
        HostCommand::new(Path::new(program), arguments.iter().map(Into::into)).unwrap()
    }

    fn line<'u>(unit: &'u str, key: &str) -> Option<&'u str> {
        unit.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
    }

    #[test]
    fn a_word_is_quoted_where_it_has_to_be() {
        for (word, expected) in [
            ("serve", "serve"),
            ("--port", "--port"),
            ("/home/me/.opendesk", "/home/me/.opendesk"),
            ("", "\"\""),
            ("a b", "\"a b\""),
            ("büro", "\"büro\""),
            ("50%", "\"50%%\""),
            ("%h", "\"%%h\""),
            ("$HOME", "\"$HOME\""),
            (r#"a"b"#, r#""a\"b""#),
            (r"a\nb", r#""a\\nb""#),
            ("it's", "\"it's\""),
            (";", "\";\""),
            ("#", "\"#\""),
        ] {
            assert_eq!(quoted(word), expected, "{word}");
        }
    }

    #[test]
    fn the_unit_starts_the_command_and_nothing_is_expanded_in_it() {
        let unit = unit(&command("/opt/open desk/100%", &["serve", "--home", "/home/me/a $b"]), None).unwrap();
        let expected = r#"":/opt/open desk/100%%" serve --home "/home/me/a $b""#;
        assert_eq!(line(&unit, "ExecStart"), Some(expected));
        assert_eq!(line(&unit, "UMask"), None);
    }

    #[test]
    fn the_permissions_of_new_files_are_the_users() {
        let command = command("/usr/bin/opendesk", &["serve"]);
        for (umask, expected) in [(0o22, "0022"), (0o77, "0077"), (0, "0000")] {
            assert_eq!(line(&unit(&command, Some(umask)).unwrap(), "UMask"), Some(expected));
        }
    }

    #[test]
    fn a_program_that_systemd_would_not_start_is_refused() {
        for program in ["/a\"b", "/a'b", "/a\\b"] {
            let error = unit(&command(program, &[]), None).unwrap_err().to_string();
            assert!(error.starts_with(program) && error.ends_with("move it elsewhere"), "{error}");
        }
    }

    #[test]
    fn nothing_in_it_takes_from_controllers_what_their_user_may() {
        let unit = unit(&command("/usr/bin/opendesk", &["serve"]), Some(0o22)).unwrap();
        for implying in ["NoNewPrivileges", "Restrict", "Lock", "SystemCall", "Protect", "Private", "MemoryDeny"] {
            let begins = |line: &str| line.starts_with(implying) && !line.starts_with("RestartPrevent");
            assert!(!unit.lines().any(begins), "{implying}: {unit}");
        }
    }

    #[test]
    fn the_file_is_marked_and_no_line_goes_on_in_the_next() {
        let unit = unit(&command("/usr/bin/opendesk", &["serve"]), Some(0o22)).unwrap();
        assert!(unit.starts_with(&format!("# {MARK}")));
        assert!(unit.lines().all(|line| !line.ends_with('\\')), "{unit}");
    }
}
