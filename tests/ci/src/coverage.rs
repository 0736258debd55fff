//! Which lines of the core its tests execute.
//!
//! The compiler counts regions, llvm_profparser (a reader of LLVM's formats that needs no LLVM) turns the counts into
//! lines. Tests inside the files of the core are not counted.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use crate::command::{Failure, Outcome, Repo, capture, read};
use crate::tools::tool;

/// The lines that count.
const CORE: &str = "opendesk-core/src/";

/// Per cent of the lines below which the check fails.
const FLOOR: f64 = 95.0;

/// Storms while everything is counted, which is slow: later ones execute what the first ones did.
const STORMS: &str = "100";

/// Lines that could be executed and lines that were.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Lines {
    executed: u32,
    missed: Vec<u32>,
}

impl Lines {
    fn all(&self) -> usize {
        self.executed as usize + self.missed.len()
    }

    fn percent(&self) -> f64 {
        100.0 * f64::from(self.executed) / self.all().max(1) as f64
    }
}

/// Reads a listing: the path of a file, then its lines as `number|count|text`, without a count where there is nothing to
/// execute.
fn lines(listing: &str) -> BTreeMap<String, Lines> {
    let mut files = BTreeMap::new();
    let mut file: Option<String> = None;
    for line in listing.lines() {
        if line.starts_with('/') {
            file = line.split_once(CORE).map(|(_, name)| name.trim().to_owned());
            continue;
        }
        let Some(name) = &file else { continue };
        let mut columns = line.splitn(3, '|').map(str::trim);
        let (Some(number), Some(count), Some(text)) = (columns.next(), columns.next(), columns.next()) else {
            continue;
        };
        if text.starts_with("#[cfg(test)]") {
            file = None;
            continue;
        }
        let Ok(number) = number.parse() else { continue };
        let lines: &mut Lines = files.entry(name.clone()).or_default();
        match count {
            "" => {}
            "0" => lines.missed.push(number),
            _ => lines.executed += 1,
        }
    }
    files
}

/// The tests that count, and no others: what those of the whole program start would be counted elsewhere.
const TESTED: [&[&str]; 2] = [&["-p", "opendesk-core", "--lib"], &["-p", "opendesk-tests", "--test", "core"]];

/// Cargo, so that the packages of the workspace count and what they depend on does not.
fn counted(repo: &Repo, tested: &[&str], arguments: &[&str]) -> Command {
    let mut cargo = repo.cargo();
    cargo
        .args(["test", "--locked"])
        .args(tested)
        .args(arguments)
        .env("RUSTC_WORKSPACE_WRAPPER", repo.root.join("tests/ci/instrument.sh"))
        .env("OPENDESK_STORM_SEEDS", STORMS);
    cargo
}

/// The test programs, as cargo names them in `--message-format json`.
fn programs(messages: &str) -> Vec<String> {
    let marked = messages.lines().filter(|line| line.contains("\"executable\":\""));
    let path = |line: &str| Some(line.split_once("\"executable\":\"")?.1.split_once('"')?.0.to_owned());
    marked.filter_map(path).collect()
}

pub(crate) fn coverage(repo: &Repo) -> Outcome {
    let reader = tool(repo, "llvm_profparser", "=0.15.0", "cov")?;
    let counts = repo.target.join("coverage");
    if counts.exists() {
        fs::remove_dir_all(&counts).map_err(Failure::at(&counts))?;
    }
    fs::create_dir_all(&counts).map_err(Failure::at(&counts))?;
    let mut built = Vec::new();
    for tested in TESTED {
        built.extend(programs(&read(&mut counted(repo, tested, &["--no-run", "--message-format", "json"]))?));
        let run = capture(counted(repo, tested, &["--quiet"]).env("LLVM_PROFILE_FILE", counts.join("%p.profraw")))?;
        if !run.success {
            return Err(Failure::new(format!("the tests fail while they are counted:\n{}{}", run.stdout, run.stderr)));
        }
    }
    let mut show = repo.program(reader);
    show.arg("show");
    for entry in fs::read_dir(&counts).map_err(Failure::at(&counts))? {
        show.arg("--instr-profile").arg(entry.map_err(Failure::at(&counts))?.path());
    }
    for program in &built {
        show.arg("--object").arg(program);
    }
    let files = lines(&read(&mut show)?);
    let mut all = Lines::default();
    for (name, lines) in &files {
        println!("{:>6.1} %  {name:<24} {:?}", lines.percent(), lines.missed);
        all.executed += lines.executed;
        all.missed.extend(&lines.missed);
    }
    let percent = all.percent();
    let said = format!("coverage of {CORE}: {percent:.1} % of {} lines", all.all());
    if percent < FLOOR { Err(Failure::new(format!("{said}; at least {FLOOR} % are wanted"))) } else { Ok(Some(said)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_core_are_counted_and_no_others() {
        let listing = "/w/opendesk-core/src/a.rs\n    1|       |//! Text | with a bar.\n    2|     12|let x = 1;\n    \
                       3|      0|never();\n    4|       |#[cfg(test)]\n    5|      0|in_a_test();\n\
                       /w/opendesk-std/src/b.rs\n    1|      0|elsewhere();\n";
        let files = lines(listing);
        assert_eq!(files.len(), 1);
        assert_eq!(files["a.rs"], Lines { executed: 1, missed: vec![3] });
        assert!((files["a.rs"].percent() - 50.0).abs() < 1e-9);
    }

    #[test]
    fn test_programs_are_found_in_cargo_s_messages() {
        let messages = "{\"reason\":\"compiler-artifact\",\"executable\":null}\n\
                        {\"reason\":\"compiler-artifact\",\"executable\":\"/w/target/debug/deps/core-1\",\"fresh\":true}\n";
        assert_eq!(programs(messages), ["/w/target/debug/deps/core-1"]);
    }
}
