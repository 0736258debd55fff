//! What is said of one configuration.

use opendesk_std::clients::{Change, Client, ConfigError, Outcome, Places};
use opendesk_std::home::printable;
use serde_json::{Value, json};
use similar::TextDiff;

use crate::args::Which;

/// The lines around a change that a diff shows. Few: configurations hold keys.
const CONTEXT: usize = 2;

pub(super) fn json((client, done): &(Client, Result<Change, ConfigError>)) -> Value {
    match done {
        Err(error) => json!({"client": client.word(), "outcome": "failed", "error": error.to_string()}),
        Ok(change) => json!({
            "client": client.word(),
            "outcome": change.outcome.word(),
            "file": change.path.display().to_string(),
            "real_file": change.real.as_ref().map(|real| real.display().to_string()),
            "was": change.was,
            "backup": change.backup.as_ref().map(|backup| backup.display().to_string()),
            "restored": change.is_restored,
            "diff": is_changed(change).then(|| diff(change)),
        }),
    }
}

pub(super) fn text(change: &Change, which: &Which, places: &Places) -> String {
    let file = printable(&change.path.display().to_string());
    let was = change.was.as_deref().unwrap_or_default();
    let (name, word, is_dry) = (&which.name, change.client.word(), which.dry_run);
    let done = match (change.outcome, is_dry) {
        (Outcome::Added, false) => format!("{name} is added to {file}"),
        (Outcome::Added, true) => format!("{name} would be added to {file}"),
        (Outcome::Replaced, false) => format!("{name} in {file} started `{was}`; that is replaced"),
        (Outcome::Replaced, true) => format!("{name} in {file} starts `{was}`; that would be replaced"),
        (Outcome::Unchanged, _) => format!("{name} is already there, unchanged: {file}"),
        (Outcome::Removed, false) => format!("{name} (`{was}`) is removed from {file}"),
        (Outcome::Removed, true) => format!("{name} (`{was}`) would be removed from {file}"),
        (Outcome::Absent, _) => format!("{name} is not in {file}"),
        (Outcome::Foreign, _) => format!("{name} in {file} is `{was}`, which is not opendesk; it stays"),
    };
    let mut lines = vec![format!("{word}: {done}")];
    if let Some(real) = &change.real {
        lines.push(format!("  which is a link to {}", printable(&real.display().to_string())));
    }
    if is_dry && is_changed(change) {
        lines.push(diff(change));
        return lines.join("\n").trim_end().to_owned();
    }
    if let Some(backup) = &change.backup {
        lines.push(format!("  as it was before: {}", printable(&backup.display().to_string())));
    }
    if change.is_restored {
        lines.push("  the file is again what it was before opendesk came".to_owned());
    }
    if matches!(change.outcome, Outcome::Added | Outcome::Replaced) {
        if which.clients.contains(&change.client) && change.before.is_none() && !change.client.is_found(places) {
            lines.push(format!("  {} is not found on this machine", change.client.title()));
        }
        lines.push(format!("  {}: {}", change.client.title(), change.client.reload()));
    }
    lines.join("\n")
}

const fn is_changed(change: &Change) -> bool {
    matches!(change.outcome, Outcome::Added | Outcome::Replaced | Outcome::Removed)
}

/// The change as `diff -u` shows it.
fn diff(change: &Change) -> String {
    let before = String::from_utf8_lossy(change.before.as_deref().unwrap_or_default());
    let after = String::from_utf8_lossy(&change.after);
    let file = printable(&change.path.display().to_string());
    let old = if change.before.is_some() { file.as_str() } else { "/dev/null" };
    TextDiff::from_lines(&*before, &*after).unified_diff().context_radius(CONTEXT).header(old, &file).to_string()
}
