//! What a shell is told of the program, and what its user reads: completions and manual pages.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::{Folder, failure, json, opendesk, run, succeeded};

/// What bash offers for a line whose last word is to be completed.
fn offered(script: &Path, words: &[&str]) -> Vec<String> {
    let complete = r#"
        source "$1"; shift
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        _opendesk opendesk "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let mut bash = Command::new("bash");
    bash.args(["--norc", "--noprofile", "-c", complete, "bash"]).arg(script).args(words);
    let finished = run(bash);
    assert_eq!(finished.stderr, "", "{words:?}");
    succeeded(&finished).lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_and_their_options() {
    let folder = Folder::new();
    let home = folder.home("home");
    let made = opendesk(&home, &["completions", "bash"]);
    let script = folder.home("opendesk.bash");
    fs::write(&script, &made.stdout).unwrap();
    assert_eq!(offered(&script, &["opendesk", "flee"]), ["fleet"]);
    assert_eq!(offered(&script, &["opendesk", "policy", "add-r"]), ["add-rule"]);
    assert_eq!(offered(&script, &["opendesk", "fleet", "--conc"]), ["--concurrency"]);
    assert_eq!(offered(&script, &["opendesk", "click", "--button", "mi"]), ["middle"]);
    assert!(offered(&script, &["opendesk", "peers", ""]).contains(&"rename".to_owned()));
    assert!(offered(&script, &["opendesk", "nonsense"]).is_empty());
    assert!(!home.exists(), "it needs no home");
}

#[test]
fn every_shell_has_a_script_that_knows_every_command() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let made = opendesk(&folder.home("home"), &["completions", shell]);
        for word in ["pair-with", "screenshot", "add-rule", "concurrency"] {
            assert!(succeeded(&made).contains(word), "{shell}: {word}");
        }
    }
    let tried = opendesk(&folder.home("home"), &["completions", "tcsh"]);
    assert!(failure(&tried).0 == 2 && failure(&tried).1.contains("tcsh"), "{tried:?}");
}

/// What a strict reader of manual pages finds wrong with one.
fn faults(page: &Path) -> String {
    let mut mandoc = Command::new("mandoc");
    mandoc.args(["-T", "lint", "-W", "error"]).arg(page);
    run(mandoc).stdout
}

#[test]
fn every_command_has_a_manual_page_without_a_fault() {
    let folder = Folder::new();
    let (home, out) = (folder.home("home"), folder.home("man"));
    let told = json(&opendesk(&home, &["man", "--out", out.to_str().unwrap(), "--json"]));
    let files: Vec<&Path> =
        told["files"].as_array().unwrap().iter().map(|file| file.as_str().unwrap().as_ref()).collect();
    let names: Vec<&str> = files.iter().filter_map(|file| file.file_name().and_then(OsStr::to_str)).collect();
    for name in ["opendesk.1", "opendesk-fleet.1", "opendesk-pair-with.1", "opendesk-policy-add-rule.1"] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    assert_eq!(fs::read_dir(&out).unwrap().count(), files.len());
    for file in files {
        assert_eq!(faults(file), "", "{}", file.display());
    }
    let mut mandoc = Command::new("mandoc");
    mandoc.args(["-T", "utf8"]).arg(out.join("opendesk-fleet.1"));
    let read = run(mandoc);
    // What is bold is struck twice.
    let read = succeeded(&read).chars().fold(String::new(), |mut text, character| {
        if character == '\u{8}' {
            text.pop();
        } else {
            text.push(character);
        }
        text
    });
    assert!(read.contains("concurrency") && read.contains("Exit codes"), "{read}");
    assert!(!home.exists(), "it needs no home");

    // The control: what is no page is not passed.
    let broken = folder.home("broken.1");
    fs::write(&broken, ".TH broken 1\n.SH NAME\n.so /etc/passwd\n.RE\n").unwrap();
    assert_ne!(faults(&broken), "");
}

#[test]
fn the_page_of_the_program_goes_to_standard_output() {
    let folder = Folder::new();
    let page = opendesk(&folder.home("home"), &["man"]);
    assert!(succeeded(&page).contains(".TH opendesk 1"), "{page:?}");
    assert!(page.stdout.contains("opendesk\\-fleet(1)") && page.stdout.contains("Exit codes"), "{page:?}");
    let tried = opendesk(&folder.home("home"), &["man", "--out", "/dev/null/man1"]);
    assert!(failure(&tried).0 == 1 && failure(&tried).1.contains("/dev/null/man1"), "{tried:?}");
}
