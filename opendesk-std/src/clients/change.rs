//! Putting an entry into the configuration of a client, and taking it out.

use std::path::PathBuf;

use super::client::{Client, Scope};
use super::edit::{self, Entry, Fault, Found};
use super::error::ConfigError;
use super::file::{Config, WriteError};
use super::places::Places;
use crate::home::printable;

/// Longer names are refused by some clients.
const MAX_NAME: usize = 64;

/// What became of a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// There was no entry of this name, and now there is.
    Added,
    /// There was one that started something else.
    Replaced,
    /// There was exactly this one.
    Unchanged,
    /// The entry is gone.
    Removed,
    /// There was none to remove.
    Absent,
    /// What stands under the name does not start opendesk: it stays.
    Foreign,
}

impl Outcome {
    /// One word, for programs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Replaced => "replaced",
            Self::Unchanged => "unchanged",
            Self::Removed => "removed",
            Self::Absent => "absent",
            Self::Foreign => "foreign",
        }
    }
}

/// What was done to a configuration, or would be.
#[derive(Debug)]
pub struct Change {
    /// Whose it is.
    pub client: Client,
    /// The file, as the client names it.
    pub path: PathBuf,
    /// The file behind its symbolic links, where there are any.
    pub real: Option<PathBuf>,
    /// What became of it.
    pub outcome: Outcome,
    /// One line: what stood under the name before, and stands there no more (or still, where it is foreign).
    pub was: Option<String>,
    /// Where the file is kept as it was.
    pub backup: Option<PathBuf>,
    /// Whether the file is again, byte for byte, what it was before opendesk came.
    pub is_restored: bool,
    /// The text before; `None` where there was no file.
    pub before: Option<Vec<u8>>,
    /// The text after.
    pub after: Vec<u8>,
}

/// Has a client start this server under this name. With `is_dry` nothing is written.
///
/// # Errors
/// Any [`ConfigError`]; the file is then as it was.
pub fn install(
    client: Client,
    scope: Scope,
    places: &Places,
    name: &str,
    entry: &Entry,
    is_dry: bool,
) -> Result<Change, ConfigError> {
    check_name(name)?;
    let mut words = core::iter::once(&entry.command).chain(&entry.args);
    if let Some(word) = words.find(|word| client.would_expand(word)) {
        return Err(ConfigError::Expands { client, word: word.clone() });
    }
    twice(
        client,
        scope,
        places,
        |config| {
            let row = client.row();
            let before = config.bytes.as_deref().unwrap_or_default();
            let found = edit::find(&row, before, name)?;
            let after = edit::put(&row, before, name, entry)?;
            let outcome = match &found {
                None => Outcome::Added,
                Some(_) if after == before => Outcome::Unchanged,
                Some(_) => Outcome::Replaced,
            };
            Ok(Plan {
                outcome,
                was: found.filter(|_| outcome == Outcome::Replaced),
                after,
                is_restored: false,
                is_kept: true,
            })
        },
        is_dry,
    )
}

/// Takes the entry of this name out again, if it starts opendesk. A file that has not been changed since the entry came
/// is then what it was before. With `is_dry` nothing is written.
///
/// # Errors
/// Any [`ConfigError`]; the file is then as it was.
pub fn uninstall(
    client: Client,
    scope: Scope,
    places: &Places,
    name: &str,
    is_dry: bool,
) -> Result<Change, ConfigError> {
    check_name(name)?;
    twice(
        client,
        scope,
        places,
        |config| {
            let row = client.row();
            let before = config.bytes.as_deref().unwrap_or_default();
            let stay = |outcome, was| Plan { outcome, was, after: before.to_vec(), is_restored: false, is_kept: true };
            let found = match edit::find(&row, before, name)? {
                None => return Ok(stay(Outcome::Absent, None)),
                Some(found) if !found.is_ours() => return Ok(stay(Outcome::Foreign, Some(found))),
                Some(found) => found,
            };
            let original = config.backups().into_iter().find(|kept| {
                let Found::Command(entry) = &found else { return false };
                let is_without = matches!(edit::find(&row, kept, name), Ok(None));
                is_without && edit::put(&row, kept, name, entry).is_ok_and(|made| made == before)
            });
            let is_restored = original.is_some();
            let is_own = matches!(&found, Found::Command(entry) if edit::put(&row, b"", name, entry).is_ok_and(|made| made == before));
            let after = match original {
                Some(original) => original,
                None => edit::take(&row, before, name)?,
            };
            Ok(Plan { outcome: Outcome::Removed, was: Some(found), after, is_restored, is_kept: !is_own })
        },
        is_dry,
    )
}

struct Plan {
    outcome: Outcome,
    was: Option<Found>,
    after: Vec<u8>,
    is_restored: bool,
    /// Whether there is something in the file that came from anybody else, and a backup of it is worth having.
    is_kept: bool,
}

/// Does it, and once more where somebody else changed the file meanwhile.
fn twice(
    client: Client,
    scope: Scope,
    places: &Places,
    plan: impl Fn(&Config) -> Result<Plan, Fault>,
    is_dry: bool,
) -> Result<Change, ConfigError> {
    let path = client.file(places, scope)?;
    for _ in 0..2 {
        let config = Config::read(&path, scope, places.project())?;
        let Plan { outcome, was, after, is_restored, is_kept } = plan(&config).map_err(|fault| {
            let (line, column) = fault.position(config.bytes.as_deref().unwrap_or_default());
            ConfigError::Content { path: path.clone(), line, column, why: fault.why }
        })?;
        let is_changed = matches!(outcome, Outcome::Added | Outcome::Replaced | Outcome::Removed);
        let written = if is_dry || !is_changed {
            Ok(None)
        } else if is_restored {
            config.restore(&after).map(|()| None)
        } else {
            config.replace(&after, is_kept)
        };
        let backup = match written {
            Ok(backup) => backup,
            Err(WriteError::Changed) => continue,
            Err(WriteError::Config(error)) => return Err(error),
        };
        return Ok(Change {
            client,
            real: Some(config.real().to_owned()).filter(|real| is_linked(&path, real)),
            path,
            outcome,
            was: was.map(|was| printable(&was.line())),
            backup,
            is_restored,
            before: config.bytes,
            after,
        });
    }
    Err(ConfigError::Changed { path, client })
}

/// Whether the file itself is a symbolic link, and not only a folder above it.
fn is_linked(path: &std::path::Path, real: &std::path::Path) -> bool {
    path != real && std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink())
}

fn check_name(name: &str) -> Result<(), ConfigError> {
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(is_good) {
        return Err(ConfigError::Name(name.to_owned()));
    }
    Ok(())
}
