//! No desktop at all, for a host that only pairs.

use super::Computer;

/// Refuses everything. A host that is started only to pair has nothing to drive.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoDesktop;

impl Computer for NoDesktop {
    fn name(&self) -> &'static str {
        "none"
    }

    fn capabilities(&self) -> Vec<&'static str> {
        Vec::new()
    }
}
