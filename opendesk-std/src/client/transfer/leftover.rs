//! Parts on the host that no copy goes on with any more, because their source has changed since.

use super::call::Outcome;
use super::run::Run;
use super::{Caller, PATIENCE, names};

/// How long nothing was written to a part that no copy writes: longer than a copy waits for a call and tries it again.
const FORSAKEN_S: f64 = 3.0 * PATIENCE.as_secs() as f64;

impl<C: Caller> Run<'_, C> {
    /// Removes the other parts of the destination that `part` is for, if nothing was written to them for long: the host's
    /// own clock tells, by when it wrote `part`.
    pub(super) async fn sweep(&self, to: &str, part: &str) -> Outcome<(), C> {
        let entries = self.host.list(names::parent(to)).await?;
        let own = names::last(part).unwrap_or_default();
        let Some(now) = entries.iter().find(|entry| entry.name == own).and_then(|entry| entry.mtime) else {
            return Ok(());
        };
        for entry in &entries {
            let is_forsaken = entry.mtime.is_some_and(|mtime| now - mtime > FORSAKEN_S);
            let is_other = entry.name != own && names::is_part_of(to, &entry.name);
            if is_forsaken && is_other && !entry.is_dir && !entry.is_link {
                self.host.delete(&names::joined(names::parent(to), &entry.name)).await?;
            }
        }
        Ok(())
    }
}
