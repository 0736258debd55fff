//! Asking the owner about a call: what is shown, by which ways, and what counts as a yes.
//!
//! A yes is something that a person did on purpose and that nothing else gives: two clicks in a dialog, or a word and
//! Return on the terminal. All else is a no: a closed window, a program that failed, an answer that comes too late.

#[cfg(unix)]
mod console;
mod native;
#[cfg(not(unix))]
mod no_console;
mod prompt;
mod sheet;
mod turn;

use core::fmt::Debug;
use core::time::Duration;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::{Deserialize, Serialize};

#[cfg(not(unix))]
use self::no_console as console;
pub use self::prompt::describe;
use self::turn::Turn;
use crate::cancel::Cancel;
use crate::clock::monotonic;
use crate::os::command::Variable;

/// The terminal of this process, whatever its standard streams are.
const TERMINAL: &str = "/dev/tty";

/// What the owner is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// Tells it from other questions of this host.
    pub number: u64,
    /// The name of the controller.
    pub peer: String,
    /// The fingerprint of its key.
    pub fingerprint: String,
    /// The method that it calls.
    pub method: String,
    /// All that the call would do, in several lines ([`describe`]).
    pub what: String,
    /// Why the owner is asked.
    pub why: String,
    /// When it was asked, in seconds since 1970.
    pub asked_at: f64,
    /// Seconds in which an answer counts.
    pub within: u64,
}

/// What came of a [`Question`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The owner said yes.
    Allowed {
        /// How, such as `native`.
        by: &'static str,
    },
    /// The owner said no.
    Denied {
        /// How, such as `native`.
        by: &'static str,
    },
    /// Nobody could be asked, or nobody answered in time, which is a no; one line that says what it was.
    Nobody(String),
}

/// Asks the owner.
pub trait Approver: Debug + Send + Sync {
    /// Asks, and waits for the answer on the thread that it is called on. It ends within
    /// [`within`](Question::within) seconds, and with [`Answer::Nobody`] once `cancel` is raised.
    fn ask(&self, question: &Question, cancel: &Cancel) -> Answer;

    /// Whether a question would come before somebody now. Where it would not, the owner is not told that a call waits for
    /// them. It is asked on a thread that may block.
    fn is_at_hand(&self) -> bool {
        true
    }
}

/// Asks nobody, so that every answer is a no.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoApprover;

impl Approver for NoApprover {
    fn ask(&self, _question: &Question, _cancel: &Cancel) -> Answer {
        Answer::Nobody("this host has no way to ask its owner".to_owned())
    }

    fn is_at_hand(&self) -> bool {
        false
    }
}

/// A way to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// A dialog on the desktop, by `zenity` or `kdialog`, `osascript` or `powershell`.
    Native,
    /// A question on the terminal that the host was started from.
    Console,
}

impl Way {
    /// The ways in the order that is right where nobody says another.
    pub const ALL: [Self; 2] = [Self::Native, Self::Console];

    /// Its name, as `approval.chain` of `policy.json` has it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Console => "console",
        }
    }

    /// The ways that these words name, in their order. Words that name none are passed over: `mcp` is a way of the
    /// controller's side.
    #[must_use]
    pub fn of_words(words: &[String]) -> Vec<Self> {
        words.iter().filter_map(|word| Self::ALL.into_iter().find(|way| way.word() == word)).collect()
    }
}

/// Whether there is a terminal on which [`Way::Console`] could ask now.
#[must_use]
pub fn has_terminal() -> bool {
    console::is_there(Path::new(TERMINAL))
}

/// Asks by the first of several ways that works. What is answered there is the answer; only where nobody could be asked
/// is the next way tried. Questions are put one after the other, so that nobody answers one and means another.
#[derive(Debug)]
pub struct Chain {
    ways: Vec<Way>,
    session: Vec<Variable>,
    terminal: PathBuf,
    turn: Turn,
}

impl Chain {
    /// Asks by these ways. `session` is how the environment of a program must differ from ours for it to reach the
    /// desktop; programs are looked for on the `PATH` that results, and only those are used that this user cannot replace (root
    /// can replace all).
    #[must_use]
    pub fn new(ways: Vec<Way>, session: Vec<Variable>) -> Self {
        Self { ways, session, terminal: PathBuf::from(TERMINAL), turn: Turn::default() }
    }
}

impl Approver for Chain {
    fn ask(&self, question: &Question, cancel: &Cancel) -> Answer {
        let limit = Limit::new(question.within, cancel);
        // The time of a question that waits for another one runs, too: whoever called waits no longer than was said.
        let _turn = match self.turn.take(&limit) {
            Ok(turn) => turn,
            Err(why) => return Answer::Nobody(why),
        };
        let mut failures = Vec::new();
        for way in &self.ways {
            let by = way.word();
            let outcome = match way {
                Way::Native => native::ask(question, &self.session, &limit),
                Way::Console => console::ask(&self.terminal, question, &limit),
            };
            match outcome {
                Outcome::Yes => return Answer::Allowed { by },
                Outcome::No => return Answer::Denied { by },
                Outcome::Over(why) => return Answer::Nobody(why),
                Outcome::Unavailable(why) => failures.push(why),
            }
        }
        if failures.is_empty() {
            failures.push("no way is set up".to_owned());
        }
        Answer::Nobody(format!("the owner could not be asked: {}", failures.join("; ")))
    }

    fn is_at_hand(&self) -> bool {
        self.ways.iter().any(|way| match way {
            Way::Native => native::is_there(&self.session),
            Way::Console => console::is_there(&self.terminal),
        })
    }
}

/// What came of one way.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    Yes,
    No,
    /// Its time is over or nobody wants to know any more; one line.
    Over(String),
    /// Nobody was asked this way, because of this.
    Unavailable(String),
}

/// How long a question waits for its answer.
#[derive(Debug)]
struct Limit<'a> {
    begun: Instant,
    within: Duration,
    cancel: &'a Cancel,
}

impl<'a> Limit<'a> {
    fn new(within: u64, cancel: &'a Cancel) -> Self {
        Self { begun: monotonic(), within: Duration::from_secs(within), cancel }
    }

    fn left(&self) -> Duration {
        self.within.saturating_sub(self.begun.elapsed())
    }

    /// Goes on while an answer still counts.
    fn check(&self) -> Result<(), String> {
        if self.cancel.is_cancelled() {
            return Err("the question was withdrawn before it was answered".to_owned());
        }
        if self.left().is_zero() {
            return Err(format!("nobody answered within {} s", self.within.as_secs()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
