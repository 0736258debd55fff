//! `opendesk audit`: whether the log of this machine is as it was written.

use std::fs;
use std::path::{Path, PathBuf};

use opendesk_std::govern::audit::verify_file;
use serde_json::{Value, json};

use super::Context;
use crate::args::{self, AuditCommand};
use crate::exit::Failure;
use crate::output;

pub(super) fn run(context: &Context, options: &args::Audit) -> Result<(), Failure> {
    let AuditCommand::Verify { files } = &options.command;
    let files = if files.is_empty() { days(&context.home.audit_dir())? } else { files.clone() };
    let mut faults = 0;
    let mut checked: Vec<Value> = Vec::new();
    let mut lines: Vec<String> = Vec::new();
    for file in &files {
        let (path, shown) = (file.display().to_string(), file.file_name().unwrap_or_default().to_string_lossy());
        match verify_file(file) {
            // Nothing would be easier than to take the hashes away.
            Ok(verified) if verified.chained == 0 && verified.lines > 0 => {
                faults += 1;
                checked.push(json!({"file": path, "ok": false, "lines": verified.lines, "chained": 0}));
                lines.push(format!(
                    "{shown}: none of its {} lines is chained, so nothing can be checked",
                    verified.lines
                ));
            }
            Ok(verified) => {
                checked.push(json!({"file": path, "ok": true, "lines": verified.lines, "chained": verified.chained}));
                lines.push(format!(
                    "{shown}: {} lines, {} of them chained, as they were written",
                    verified.lines, verified.chained
                ));
            }
            Err(error) => {
                faults += 1;
                checked.push(json!({"file": path, "ok": false, "line": error.line, "error": error.why}));
                lines.push(format!("{shown}: {error}"));
            }
        }
    }
    if files.is_empty() {
        lines.push("there is no audit log yet".to_owned());
    }
    output::result(context.json, &json!({"ok": faults == 0, "files": checked}), || lines.join("\n"));
    match faults {
        0 => Ok(()),
        1 => Err(Failure::failed("a file of the audit log is not as it was written")),
        more => Err(Failure::failed(format!("{more} files of the audit log are not as they were written"))),
    }
}

/// The files of the log, one a day, oldest first.
fn days(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Failure::failed(format!("{} cannot be read: {error}", folder.display()))),
    };
    let mut days: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    days.sort();
    Ok(days)
}
