//! What the tests of each manager share: a service whose manager is a script that notes what it was asked; and what holds
//! for all of them.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::*;

/// Puts a program into a folder. Another process writes it: what a thread of ours is about to start would have the file
/// open for writing as well, and a file that somebody writes to cannot be run.
pub(super) fn program(folder: &Path, name: &str, script: &str) {
    let mut write = Command::new("sh");
    write.args(["-c", "printf '#!/bin/sh\\n%s\\n' \"$2\" > \"$1\" && chmod 755 \"$1\"", "sh"]);
    let written = write.arg(folder.join(name)).arg(script).status().expect("sh starts");
    assert!(written.success(), "{name}");
}

/// A service of a manager whose program notes its arguments and then does this.
pub(super) fn service(folder: &Path, manager: Manager, name: &str, script: &str) -> Service {
    let asked = folder.join("asked");
    program(folder, name, &format!("echo \"$*\" >> '{}'\n{script}", asked.display()));
    let path = folder.join("places/of/users/service");
    Service { manager, path, home: folder.join("home"), runner: Runner::of(folder) }
}

/// What the program was asked, one line a time.
pub(super) fn said(folder: &Path) -> Vec<String> {
    let asked = fs::read_to_string(folder.join("asked")).expect("it was asked");
    asked.lines().map(str::to_owned).collect()
}

#[test]
fn a_file_of_somebody_else_is_neither_replaced_nor_removed() {
    let folder = tempfile::tempdir().unwrap();
    for (manager, name) in [(Manager::Systemd, "systemctl"), (Manager::Launchd, "launchctl")] {
        let service = service(folder.path(), manager, name, "exit 0");
        fs::create_dir_all(service.path().parent().unwrap()).unwrap();
        fs::write(service.path(), "theirs").unwrap();
        let command = HostCommand::new(Path::new("/usr/bin/opendesk"), ["serve".into()]).unwrap();
        let definition = service.definition(&command).unwrap();
        for outcome in [service.install(&definition, true), service.uninstall().map(drop)] {
            let error = outcome.unwrap_err();
            assert!(matches!(error, ServiceError::File(_)), "{error}");
        }
        assert_eq!(fs::read(service.path()).unwrap(), b"theirs");
    }
    assert!(!folder.path().join("asked").exists(), "{:?}", said(folder.path()));
}

#[test]
fn every_manager_has_a_word_and_commands_for_people() {
    let folder = tempfile::tempdir().unwrap();
    for manager in [Manager::Systemd, Manager::Launchd, Manager::TaskScheduler] {
        let service = service(folder.path(), manager, "none", "");
        let said = [manager.word().to_owned(), service.to_start(), service.to_look()];
        assert!(said.iter().all(|text| !text.is_empty() && !text.contains(char::is_control)), "{said:?}");
    }
    assert_eq!(Manager::here(), Some(Manager::Systemd));
}
