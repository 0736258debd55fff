//! Parts on the host that no copy goes on with any more, because their source has changed since.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::call::Outcome;
use super::run::Run;
use super::{Caller, PATIENCE, names};

/// How long nothing was written to a part that no copy writes: longer than a copy waits for a call and tries it again.
const FORSAKEN_S: f64 = 3.0 * PATIENCE.as_secs() as f64;

/// The parts of each folder of the host that nobody writes.
pub(super) type Leftovers = Mutex<BTreeMap<String, Vec<String>>>;

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
        for name in left.iter().filter(|name| *name != own && names::is_part_of(to, name)) {
            self.host.delete(&names::joined(folder, name)).await?;
        }
        Ok(())
    }

    /// The host's own clock tells, by when it wrote the part `own`.
    async fn left_in(&self, folder: &str, own: &str) -> Outcome<Vec<String>, C> {
        let entries = self.host.list(folder).await?;
        let now = entries.iter().find(|entry| entry.name == own).and_then(|entry| entry.mtime);
        let is_left = |mtime: Option<f64>| now.zip(mtime).is_some_and(|(now, mtime)| now - mtime > FORSAKEN_S);
        let left = entries.into_iter().filter(|entry| !entry.is_dir && !entry.is_link && is_left(entry.mtime));
        Ok(left.map(|entry| entry.name).filter(|name| names::is_part(name)).collect())
    }
}
