//! Every check of opendesk as a verb of one runner: `cargo ci` runs them in order, `cargo ci VERB` one of them.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what a runner prints is what it is for")]

mod build_std;
mod checks;
mod command;
mod coverage;
mod fuzz;
mod macos;
mod no_std;
mod setup;
mod suite;
mod toolchain;
mod tools;
mod windows;

use std::env;
use std::process::ExitCode;
use std::time::Instant;

use command::{Outcome, Repo};

struct Verb {
    name: &'static str,
    about: &'static str,
    run: fn(&Repo) -> Outcome,
    /// Left out of a bare `cargo ci`, because it takes long and finds only what earlier runs did not.
    only_with_all: bool,
}

/// In the order in which they run: what fails fastest comes first, and the tests last, so that the output ends in
/// their summary.
static VERBS: [Verb; 13] = [
    Verb { name: "setup", about: "install what the tests need", run: setup::setup, only_with_all: false },
    Verb { name: "fmt", about: "every file is formatted", run: checks::fmt, only_with_all: false },
    Verb { name: "clippy", about: "no lint in any package on its own", run: checks::clippy, only_with_all: false },
    Verb { name: "doc", about: "the documentation has no broken link", run: checks::doc, only_with_all: false },
    Verb {
        name: "no-std",
        about: "the core needs no std, no heap, and its decoder cannot panic",
        run: no_std::no_std,
        only_with_all: false,
    },
    Verb { name: "build", about: "build the release binary", run: checks::build, only_with_all: false },
    Verb {
        name: "bench",
        about: "print how fast the release binary is; no speed fails it",
        run: checks::bench,
        only_with_all: false,
    },
    Verb {
        name: "fuzz-smoke",
        about: "fuzz each target for ten seconds (part of `cargo ci --all`)",
        run: fuzz::smoke,
        only_with_all: true,
    },
    Verb {
        name: "deny",
        about: "licences, sources and who may depend on whom (part of `cargo ci --all`)",
        run: checks::deny,
        only_with_all: true,
    },
    Verb {
        name: "macos",
        about: "what there is for macOS compiles (part of `cargo ci --all`)",
        run: macos::macos,
        only_with_all: true,
    },
    Verb {
        name: "windows",
        about: "what there is for Windows drives a desktop of Wine's (part of `cargo ci --all`)",
        run: windows::windows,
        only_with_all: true,
    },
    Verb {
        name: "coverage",
        about: "print which lines of the core its tests execute; too few fail it",
        run: coverage::coverage,
        only_with_all: false,
    },
    Verb { name: "test", about: "every test", run: suite::test, only_with_all: false },
];

/// What the arguments ask for.
enum Plan {
    Help,
    Run(Vec<&'static Verb>),
}

fn plan(arguments: &[String]) -> Result<Plan, String> {
    match arguments {
        [] => Ok(Plan::Run(VERBS.iter().filter(|verb| !verb.only_with_all).collect())),
        [all] if all == "--all" => Ok(Plan::Run(VERBS.iter().collect())),
        [help] if matches!(help.as_str(), "help" | "--help" | "-h") => Ok(Plan::Help),
        names => {
            let find = |name: &String| {
                VERBS
                    .iter()
                    .find(|verb| verb.name == name)
                    .ok_or_else(|| format!("cargo ci: there is no verb `{name}`; `cargo ci help` lists them"))
            };
            names.iter().map(find).collect::<Result<_, _>>().map(Plan::Run)
        }
    }
}

fn help() {
    println!("cargo ci           every check except those marked, in this order");
    println!("cargo ci --all     every check");
    println!("cargo ci VERB...   these:");
    for verb in &VERBS {
        println!("  {:<12} {}", verb.name, verb.about);
    }
}

fn run(verbs: &[&Verb]) -> ExitCode {
    let repo = Repo::here();
    for verb in verbs {
        println!("\n=== {}: {}", verb.name, verb.about);
        let start = Instant::now();
        let outcome = (verb.run)(&repo);
        let seconds = start.elapsed().as_secs_f64();
        match outcome {
            Ok(closing) => {
                println!("=== {}: ok after {seconds:.1} s", verb.name);
                if let Some(line) = closing {
                    println!("{line}");
                }
            }
            Err(failure) => {
                eprintln!(
                    "cargo ci: {name} failed after {seconds:.1} s: {failure}\nrepeat it with: cargo ci {name}",
                    name = verb.name,
                );
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args_os().skip(1).map(|it| it.to_string_lossy().into_owned()).collect();
    match plan(&arguments) {
        Ok(Plan::Help) => {
            help();
            ExitCode::SUCCESS
        }
        Ok(Plan::Run(verbs)) => run(&verbs),
        Err(line) => {
            eprintln!("{line}");
            ExitCode::from(2)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(arguments: &[&str]) -> Result<Vec<&'static str>, String> {
        let arguments: Vec<String> = arguments.iter().map(|&it| it.to_owned()).collect();
        match plan(&arguments)? {
            Plan::Help => Ok(vec!["help"]),
            Plan::Run(verbs) => Ok(verbs.iter().map(|verb| verb.name).collect()),
        }
    }

    #[test]
    fn the_tests_come_last_and_fuzzing_only_when_asked_for() {
        let default = names(&[]).unwrap();
        assert_eq!(default.last(), Some(&"test"));
        assert!(!default.contains(&"fuzz-smoke"));
        let all = names(&["--all"]).unwrap();
        assert_eq!(all.last(), Some(&"test"));
        assert!(all.contains(&"fuzz-smoke"));
        assert_eq!(all.len(), VERBS.len());
    }

    #[test]
    fn verbs_run_in_the_order_given_and_an_unknown_one_is_named() {
        assert_eq!(names(&["clippy", "fmt"]).unwrap(), ["clippy", "fmt"]);
        assert_eq!(names(&["help"]).unwrap(), ["help"]);
        let line = names(&["fmt", "clipy"]).unwrap_err();
        assert!(line.contains("`clipy`") && !line.contains('\n'), "{line}");
    }
}
