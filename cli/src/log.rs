//! The log: to standard error or into a file, for people or for programs.
//!
//! Standard output is for results, and for `mcp` it is the protocol. Only events are logged, no spans.

mod file;
mod filter;
mod line;
mod queue;

use core::fmt;
use core::time::Duration;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use opendesk_std::clock;
use opendesk_std::home::printable;
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};

use self::file::LogFile;
use self::filter::Filter;
use self::line::Form;
use self::queue::Queue;
use crate::args::{Args, LogFormat};
use crate::exit::Failure;

/// The variable that says what is logged.
const VARIABLE: &str = "OPENDESK_LOG";

/// How long the end of the program waits for a terminal or a reader that takes no line.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is on its way to standard error.
static QUEUE: OnceLock<Queue> = OnceLock::new();

/// Begins to log as the command line and the environment say. A terminal shows no times: whoever looks knows when.
pub(crate) fn start(args: &Args) -> Result<(), Failure> {
    let filter = Filter::new(args.verbose, std::env::var_os(VARIABLE))?;
    let is_json = args.log_format == LogFormat::Json;
    let shown = Form { is_json, is_timed: is_json };
    let queue = Queue::start(write_stderr, move |lines| shown.missed(lines, clock::wall()))
        .map_err(|error| Failure::failed(format!("the log could not be started: {error}")))?;
    let _is_first = QUEUE.set(queue).is_ok();
    let log = match &args.log_file {
        None => Log::new(filter, shown, |line, _| to_stderr(line)),
        Some(path) => {
            let file = LogFile::open(path, clock::wall()).map_err(|error| unwritable(path, &error))?;
            let keeper = Keeper { file: Mutex::new((file, false)) };
            Log::new(filter, Form { is_json, is_timed: true }, move |line, now| keeper.write(line, now))
        }
    };
    tracing::subscriber::set_global_default(log)
        .map_err(|error| Failure::failed(format!("the log could not be started: {error}")))
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    let shown = printable(&path.display().to_string());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir());
    let why = match folder {
        Some(folder) => format!("there is no folder {}; create it, or", printable(&folder.display().to_string())),
        None => format!("{error};"),
    };
    Failure::unusable(format!("the log cannot be written into {shown}: {why} choose another --log-file"))
}

/// Waits until what was logged is shown, but not for somebody who takes no line. To be called before the program ends.
pub(crate) fn flush() {
    if let Some(queue) = QUEUE.get() {
        queue.flush(PATIENCE);
    }
}

/// Shows a line, and waits for nobody.
fn to_stderr(line: &str) {
    match QUEUE.get() {
        Some(queue) => queue.push(line),
        // No log was started, as in unit tests.
        None => write_stderr(line),
    }
}

fn write_stderr(line: &str) {
    // Nobody who listens any more is no failure.
    let _is_read = io::stderr().lock().write_all(line.as_bytes()).is_ok();
}

/// A file, and whether it has just failed.
struct Keeper {
    file: Mutex<(LogFile, bool)>,
}

impl Keeper {
    /// Writes a line into the file, or to standard error as long as the file takes none, so that it is not lost.
    fn write(&self, line: &str, now: SystemTime) {
        let mut guard = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, has_failed) = &mut *guard;
        match file.write(line, now) {
            Ok(()) => *has_failed = false,
            Err(error) => {
                if !core::mem::replace(has_failed, true) {
                    let path = printable(&file.path().display().to_string());
                    to_stderr(&format!("opendesk: the log {path} cannot be written, lines are shown here: {error}\n"));
                }
                to_stderr(line);
            }
        }
    }
}

type Writer = Box<dyn Fn(&str, SystemTime) + Send + Sync>;

/// Takes every event of the program.
struct Log {
    filter: Filter,
    form: Form,
    write: Writer,
}

impl Log {
    fn new(filter: Filter, form: Form, write: impl Fn(&str, SystemTime) + Send + Sync + 'static) -> Self {
        Self { filter, form, write: Box::new(write) }
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("filter", &self.filter).field("form", &self.form).finish_non_exhaustive()
    }
}

impl Subscriber for Log {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.enabled(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && self.filter.allows(metadata.target(), metadata.level())
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.filter.most())
    }

    /// Spans are not enabled, so none is told from another.
    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let now = clock::wall();
        (self.write)(&self.form.line(event, now), now);
    }

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}

#[cfg(test)]
mod tests;
