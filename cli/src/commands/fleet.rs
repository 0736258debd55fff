//! `opendesk fleet`.

use core::cell::Cell;
use core::time::Duration;
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use opendesk_std::home::{plain_text, printable};
use opendesk_std::tools::{Block, FleetCall, FleetOutcome};
use serde_json::{Value, json};

use super::call::arguments;
use super::pictures::{file_ending, file_name};
use super::{Context, close, interrupted, save, session};
use crate::args;
use crate::exit::Failure;
use crate::output;

/// What `--help` says below the options.
pub(crate) const HELP: &str = "\
Examples:
  opendesk fleet screenshot --peers all --out shots
  opendesk fleet keyboard '{\"action\": \"press\", \"key\": \"escape\"}' --peers desk,laptop
  opendesk fleet screenshot --peers all --match 'office linux' --json

No machine is called before all names are known. One that fails, or does not answer, stops none of
the others, and the rules of policy.json hold for each machine by its name. Results are in the order
of the names: a line each, or with --json
{\"results\": [{\"peer\", \"ok\", \"text\", \"error\", \"ms\", \"picture\"}], \"ok\": N, \"failed\": N}.

Exit codes:
  0    done on every machine
  1    failed on some, with codes that differ
  N    failed on some, all with this code of `opendesk --help`; without results nothing was done
  130  interrupted; the results say what was done before";

pub(super) async fn run(context: &Context, options: args::Fleet) -> Result<(), Failure> {
    let mut call = FleetCall::new(&options.tool, arguments(&options.arguments)?)?;
    call.concurrency = options.concurrency.into();
    call.limit = Duration::from_secs(options.timeout);
    let session = session(&context.home, options.backend);
    let members = session.fleet(&options.peers, &options.r#match)?;
    if members.is_empty() {
        return Err(nobody(&options));
    }
    if let Some(folder) = &options.out {
        fs::create_dir_all(folder)
            .map_err(|error| Failure::failed(format!("cannot make {}: {error}", folder.display())))?;
    }
    let is_interrupted = Cell::new(false);
    let stop = async {
        interrupted().await;
        is_interrupted.set(true);
    };
    let outcomes = session.call_fleet(&call, &members, stop).await;
    let mut shelf = options.out.as_deref().map(Shelf::new);
    let rows: Vec<Row> = outcomes.into_iter().map(|outcome| Row::new(outcome, shelf.as_mut())).collect();
    let failed = rows.iter().filter(|row| row.failure.is_some()).count();
    let results: Vec<Value> = rows.iter().map(Row::json).collect();
    let value = json!({"results": results, "ok": rows.len() - failed, "failed": failed});
    output::result(context.json, &value, || rows.iter().map(Row::line).collect::<Vec<_>>().join("\n"));
    if options.out.is_some() && failed == 0 && rows.iter().all(|row| row.picture.is_none()) {
        output::note(&format!("{} gives no pictures, so none is saved", options.tool));
    }
    close(&session).await;
    if is_interrupted.get() {
        return Err(Failure::interrupted().told());
    }
    judged(&rows)
}

fn nobody(options: &args::Fleet) -> Failure {
    if options.r#match.trim().is_empty() {
        return Failure::untrusted(
            "no paired machine can be driven from here; run `opendesk pair` there and `opendesk pair-with` here",
        );
    }
    Failure::untrusted(format!(
        "none of the machines named has every word of {:?} in its name or description; see `opendesk peers`",
        printable(&options.r#match)
    ))
}

/// The failure of all that failed.
fn judged(rows: &[Row]) -> Result<(), Failure> {
    let mut failures = rows.iter().filter_map(|row| row.failure.as_ref());
    let Some(first) = failures.next() else { return Ok(()) };
    let are_alike = failures.all(|failure| failure.number() == first.number());
    let failed = rows.iter().filter(|row| row.failure.is_some()).count();
    let message = match rows {
        [row] => format!("failed on {}", printable(&row.name)),
        _ => format!("failed on {failed} of {} machines", rows.len()),
    };
    let failure = if are_alike { first.with_message(message) } else { Failure::failed(message) };
    Err(failure.told())
}

/// What became of one machine's call, as it is printed.
struct Row {
    name: String,
    text: Option<String>,
    failure: Option<Failure>,
    took: Duration,
    /// Where its picture was saved.
    picture: Option<String>,
}

impl Row {
    fn new(outcome: FleetOutcome, shelf: Option<&mut Shelf<'_>>) -> Self {
        let (text, error) = (outcome.text(), outcome.error());
        let FleetOutcome { name, result, took } = outcome;
        let mut row = Self { name, text, failure: None, took, picture: None };
        match result {
            Ok(output) if output.is_error => row.failure = Some(Failure::of_tool(&output, error.unwrap_or_default())),
            Ok(output) => {
                let image = output.blocks.iter().find_map(|block| match block {
                    Block::Image { mime_type, data } => Some((*mime_type, data)),
                    Block::Text(_) => None,
                });
                if let (Some((mime_type, data)), Some(shelf)) = (image, shelf) {
                    match shelf.put(&row.name, mime_type, data) {
                        Ok(path) => row.picture = Some(path.display().to_string()),
                        Err(failure) => (row.text, row.failure) = (None, Some(failure)),
                    }
                }
            }
            Err(failed) => row.failure = Some(Failure::from(failed).with_message(error.unwrap_or_default())),
        }
        row
    }

    fn json(&self) -> Value {
        json!({
            "peer": self.name,
            "ok": self.failure.is_none(),
            "text": self.text,
            "error": self.failure.as_ref().map(ToString::to_string),
            "ms": u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX),
            "picture": self.picture,
        })
    }

    fn line(&self) -> String {
        let name = printable(&self.name);
        if let Some(failure) = &self.failure {
            return format!("{name}: failed: {}", plain_text(&failure.to_string()));
        }
        let text = plain_text(self.text.as_deref().unwrap_or_default());
        match &self.picture {
            Some(path) => format!("{name}: ok: {text} Saved as {}.", printable(path)),
            None => format!("{name}: ok: {text}"),
        }
    }
}

/// Where pictures are put, under names that no two of them have.
struct Shelf<'a> {
    folder: &'a Path,
    taken: HashSet<String>,
}

impl<'a> Shelf<'a> {
    fn new(folder: &'a Path) -> Self {
        Self { folder, taken: HashSet::new() }
    }

    fn put(&mut self, name: &str, mime_type: &str, data: &[u8]) -> Result<PathBuf, Failure> {
        let path = self.folder.join(format!("{}.{}", self.free(name), file_ending(mime_type)));
        save(&path, data)?;
        Ok(path)
    }

    /// A name for files that was not given before, in any case of letters: some file systems know none.
    fn free(&mut self, name: &str) -> String {
        let stem = file_name(name);
        let numbered = (2_u32..).map(|number| format!("{stem}-{number}"));
        let mut names = core::iter::once(stem.clone()).chain(numbered);
        names.find(|name| self.taken.insert(name.to_lowercase())).unwrap_or_else(|| stem.clone())
    }
}

#[cfg(test)]
mod tests {
    use opendesk_core::Reason;
    use opendesk_std::client::ClientError;
    use opendesk_std::tools::ToolError;

    use super::*;

    fn row(result: Result<&str, ToolError>) -> Row {
        let result = result.map(opendesk_std::tools::Output::text);
        Row::new(FleetOutcome { name: "a\u{1b}".to_owned(), result, took: Duration::from_millis(7) }, None)
    }

    fn busy() -> ToolError {
        let error = ClientError::Refused { reason: Reason::BUSY, info: None };
        ToolError::Peer { name: "a".to_owned(), error }
    }

    #[test]
    fn failures_that_share_a_code_are_told_with_it() {
        let code = |rows: &[Row]| judged(rows).map_or_else(|failure| failure.number(), |()| 0);
        let unknown = || ToolError::Arguments("no".to_owned());
        assert_eq!(code(&[row(Ok("done")), row(Ok("done"))]), 0);
        assert_eq!(code(&[row(Ok("done")), row(Err(busy())), row(Err(busy()))]), 4);
        assert_eq!(code(&[row(Err(busy())), row(Err(unknown()))]), 1);
        assert_eq!(code(&[row(Err(unknown()))]), 2);
    }

    #[test]
    fn a_machine_has_a_line_whatever_it_says() {
        assert_eq!(row(Ok("one\ntwo\u{1b}[2J")).line(), "a\\u{1b}: ok: one two[2J");
        assert!(row(Err(busy())).line().starts_with("a\\u{1b}: failed: "));
    }

    #[test]
    fn no_two_pictures_have_the_same_name() {
        let mut shelf = Shelf::new(Path::new("."));
        let names = ["a/b", "a:b", "A_B", "c"].map(|name| shelf.free(name));
        assert_eq!(names, ["a_b", "a_b-2", "A_B-3", "c"]);
    }
}
