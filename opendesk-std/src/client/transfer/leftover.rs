//! Parts on the host that no copy goes on with any more, because their source has changed since.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::call::Outcome;
use super::run::Run;
use super::{Caller, PATIENCE, names};

/// How long nothing was written to a part that no copy writes: longer than a copy waits for a call and tries it again.
const FORSAKEN_S: f64 = 3.0 * PATIENCE.as_secs() as f64;

/// The parts of each folder of the host that nobody writes, and when they were last written.
pub(super) type Leftovers = Mutex<BTreeMap<String, Vec<(String, f64)>>>;

impl<C: Caller> Run<'_, C> {
    /// Removes the other parts of the destination that `part` is for, if nothing was written to them for long. A folder is
    /// looked at with the first file that is copied there.
    pub(super) async fn sweep(&self, to: &str, part: &str) -> Outcome<(), C> {
        let (folder, own) = (names::parent(to), names::last(part).unwrap_or_default());
        let leftovers = || self.leftovers.lock().unwrap_or_else(PoisonError::into_inner);
        let known = leftovers().get(folder).cloned();
        let left = match known {
            Some(left) => left,
            None => {
                let left = self.left_in(folder, own).await?;
                leftovers().insert(folder.to_owned(), left.clone());
                left
            }
        };
        for (name, mtime) in left.iter().filter(|(name, _)| name != own && names::is_part_of(to, name)) {
            let path = names::joined(folder, name);
            // Somebody may have gone on with it since the folder was looked at.
            let now = self.host.find(&path).await?.and_then(|found| found.mtime);
            if now == Some(*mtime) {
                self.host.delete(&path).await?;
            }
        }
        Ok(())
    }

    /// The host's own clock tells, by when it wrote the part `own`.
    async fn left_in(&self, folder: &str, own: &str) -> Outcome<Vec<(String, f64)>, C> {
        let entries = self.host.list(folder).await?;
        let now = entries.iter().find(|entry| entry.name == own).and_then(|entry| entry.mtime);
        let is_left = |mtime: &f64| now.is_some_and(|now| now - mtime > FORSAKEN_S);
        let parts = entries.into_iter().filter(|entry| !entry.is_dir && !entry.is_link && names::is_part(&entry.name));
        Ok(parts.filter_map(|entry| Some((entry.name, entry.mtime.filter(is_left)?))).collect())
    }
}
