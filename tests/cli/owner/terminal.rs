//! A host on a terminal of its own, and the person who sits at it.

use std::path::Path;
use std::process::Stdio;

use opendesk_tests::desktop::PYTHON;

use super::{Host, behind, eventually, serving};

/// What stands before the answer.
const QUESTION: &str = "? Type yes or no: ";

/// Gives a program a terminal: what it writes there goes to our standard output, what we are told is typed there. With
/// `yes` as the first argument every question is answered so, as soon as it is asked.
const TERMINAL: &str = r#"
import os, pty, select, sys
always, program = sys.argv[1] == "yes", sys.argv[2:]
pid, master = pty.fork()
if pid == 0:
    os.execv(program[0], program)
question, seen, answered, open_ends = b"? Type yes or no: ", b"", 0, [master, 0]
while True:
    ready, _, _ = select.select(open_ends, [], [])
    if 0 in ready:
        typed = os.read(0, 65536)
        if typed:
            os.write(master, typed)
        else:
            open_ends.remove(0)
    if master in ready:
        try:
            shown = os.read(master, 65536)
        except OSError:
            break
        os.write(1, shown)
        if always:
            seen += shown
            while seen.count(question) > answered:
                answered += 1
                os.write(master, b"y\n")
os.waitpid(pid, 0)
"#;

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answers {
    /// The test.
    Person,
    /// Everything is allowed at once.
    AlwaysYes,
}

impl Host {
    /// Starts one on a terminal.
    pub(super) fn on_terminal(home: &Path, more: &[&str], answers: Answers) -> Self {
        let who = if answers == Answers::AlwaysYes { "yes" } else { "person" };
        let mut command = behind(&[PYTHON, "-c", TERMINAL, who], &serving(home, more));
        command.stdin(Stdio::piped());
        Self::started(home, command)
    }

    /// All that was shown on its terminal.
    pub(super) fn shown(&self) -> String {
        self.running.stdout()
    }

    /// How many questions were put.
    pub(super) fn questions(&self) -> usize {
        self.shown().matches(QUESTION).count()
    }

    /// Waits until so many questions were put, and gives the last one.
    pub(super) async fn question(&self, number: usize) -> String {
        eventually("the question is put", || self.questions() >= number).await;
        let shown = self.shown();
        let before = shown.rsplit_once(QUESTION).map_or("", |(before, _)| before);
        before.rsplit_once("A controller asks").map_or("", |(_, question)| question).to_owned()
    }

    /// Types something and Return.
    pub(super) fn type_line(&mut self, line: &str) {
        self.running.say(line);
    }
}

/// What a question quotes in lines of their own, as it was before it was broken into lines.
pub(super) fn quoted(question: &str) -> String {
    let lines = question.lines().filter_map(|line| line.strip_prefix("  | ").or_else(|| line.strip_prefix("  > ")));
    lines.collect()
}
