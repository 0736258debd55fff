//! All tests of the workspace, and how many there were.

use std::io::{self, BufRead, BufReader, Write};
use std::process::Stdio;

use crate::command::{Failure, Outcome, Repo, line};

/// The sum of the summaries that the test programs print.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl Tally {
    /// Adds a line such as `test result: ok. 5 passed; 0 failed; 1 ignored; …`; any other line adds nothing.
    fn add(&mut self, line: &str) {
        let Some(summary) = line.trim().strip_prefix("test result: ") else { return };
        for part in summary.split(';') {
            let mut words = part.split_whitespace().rev();
            let (Some(label), Some(Ok(count))) = (words.next(), words.next().map(str::parse::<u64>)) else { continue };
            match label {
                "passed" => self.passed += count,
                "failed" => self.failed += count,
                "ignored" => self.ignored += count,
                _ => {}
            }
        }
    }
}

pub(crate) fn test(repo: &Repo) -> Outcome {
    let mut cargo = repo.cargo();
    cargo.args(["test", "--locked", "--workspace", "--no-fail-fast"]).stdout(Stdio::piped());
    // Whoever is on the network of this machine has no part in the tests; those of multicast DNS have networks of their own.
    cargo.env("OPENDESK_MDNS", "off");
    let named = line(&cargo);
    let broken = |error: io::Error| Failure::new(format!("`{named}`: {error}"));
    let mut child = cargo.spawn().map_err(broken)?;
    let mut tally = Tally::default();
    if let Some(stdout) = child.stdout.take() {
        let mut stdout = BufReader::new(stdout);
        let mut text = Vec::new();
        while stdout.read_until(b'\n', &mut text).map_err(broken)? > 0 {
            io::stdout().lock().write_all(&text).map_err(broken)?;
            tally.add(&String::from_utf8_lossy(&text));
            text.clear();
        }
    }
    let status = child.wait().map_err(broken)?;
    if !status.success() {
        return Err(Failure::new(format!("`{named}` ended with {status}; {} failed", tally.failed)));
    }
    if tally.passed == 0 {
        return Err(Failure::new("no test ran"));
    }
    Ok(Some(format!("tests: {} passed, {} failed, {} skipped", tally.passed, tally.failed, tally.ignored)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_are_added_up_and_other_lines_are_not() {
        let mut tally = Tally::default();
        for line in [
            "running 6 tests",
            "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.01s\n",
            "test tests::result ... ok",
            "test result: FAILED. 2 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.20s\n",
        ] {
            tally.add(line);
        }
        assert_eq!(tally, Tally { passed: 7, failed: 3, ignored: 1 });
    }
}
