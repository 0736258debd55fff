//! Asking the owner in the way that their rules say.

use std::sync::{Arc, Mutex, PoisonError};

use super::ask::{Answer, Approver, Chain, Question, Way};
use super::policy::{Policy, RulesFile};
use crate::cancel::Cancel;
use crate::home::Home;
use crate::os::command::Variable;

/// Asks by the ways that `approval.chain` of `policy.json` names at that moment, and by all where it names none.
#[derive(Debug)]
pub struct AsRulesSay {
    session: Vec<Variable>,
    /// Those that lead to the owner from here.
    possible: &'static [Way],
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    rules: RulesFile,
    /// What the last question was put by.
    ways: Vec<Way>,
    chain: Arc<Chain>,
}

impl AsRulesSay {
    /// Asks for this home, by some of these ways. `session` is how the environment of a program must differ from ours for
    /// it to reach the desktop. A program whose terminal belongs to somebody else leaves out [`Way::Console`].
    #[must_use]
    pub fn new(home: &Home, session: Vec<Variable>, possible: &'static [Way]) -> Self {
        let ways = possible.to_vec();
        let chain = Arc::new(Chain::new(ways.clone(), session.clone()));
        Self { session, possible, known: Mutex::new(Known { rules: RulesFile::new(home), ways, chain }) }
    }

    fn chain(&self) -> Arc<Chain> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let words = known.rules.approval().chain;
        let mut ways = words.map_or_else(|| self.possible.to_vec(), |words| Way::of_words(&words));
        ways.retain(|way| self.possible.contains(way));
        if known.ways != ways {
            known.chain = Arc::new(Chain::new(ways.clone(), self.session.clone()));
            known.ways = ways;
        }
        Arc::clone(&known.chain)
    }
}

impl Approver for AsRulesSay {
    fn ask(&self, question: &Question, cancel: &Cancel) -> Answer {
        self.chain().ask(question, cancel)
    }

    fn is_at_hand(&self) -> bool {
        self.chain().is_at_hand()
    }
}
