//! No terminal is asked: what a program of Windows reads from its console may be what another one has typed there.

use std::path::Path;

use super::{Limit, Outcome, Question};

/// Whether a terminal can be asked now.
pub(super) const fn is_there(_path: &Path) -> bool {
    false
}

/// Asks on the terminal of this path.
pub(super) fn ask(_path: &Path, _question: &Question, _limit: &Limit<'_>) -> Outcome {
    Outcome::Unavailable("the console of this system is not asked".to_owned())
}
