//! What borrowers have under way that would end with the session and cannot be begun again: commands on the host.

use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

/// The family of methods of which the host kills what is under way when their session ends.
const COMMANDS: &str = "process.";

/// Counts it.
#[derive(Debug, Clone, Default)]
pub(in crate::client) struct Needed(Arc<AtomicUsize>);

/// One such call, until it is dropped.
pub(super) struct Need(Arc<AtomicUsize>);

impl Needed {
    /// Whether somebody else needs the session at the moment.
    pub(in crate::client) fn is_needed(&self) -> bool {
        self.0.load(Ordering::Acquire) > 0
    }

    /// A call of this method begins.
    pub(super) fn begin(&self, method: &str) -> Option<Need> {
        method.starts_with(COMMANDS).then(|| {
            self.0.fetch_add(1, Ordering::AcqRel);
            Need(Arc::clone(&self.0))
        })
    }
}

impl Drop for Need {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_needed_while_a_command_of_another_program_is_under_way() {
        let needed = Needed::default();
        assert!(needed.begin("display.subscribe").is_none() && !needed.is_needed());
        let (one, other) = (needed.begin("process.output"), needed.begin("process.exec"));
        drop(one);
        assert!(needed.is_needed());
        drop(other);
        assert!(!needed.is_needed());
    }
}
