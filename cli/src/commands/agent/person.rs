//! The person at the terminal for whom a model works.

use core::time::Duration;
use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread;

use futures_util::future::BoxFuture;
use opendesk_std::agent::{Person, Verdict, without_pictures};
use opendesk_std::tools::formats::SafetyCheck;
use opendesk_std::{clock, platform};
use serde_json::{Value, json};

use super::one_line;
use crate::args;
use crate::exit::Failure;
use crate::output;

/// A call is told in so many characters where nobody is asked about it.
const SHOWN: usize = 200;

/// Tells on standard error, asks on the terminal.
pub(super) struct Terminal {
    confirms: bool,
    transcript: Option<Mutex<File>>,
    with_pictures: bool,
}

impl Terminal {
    pub(super) fn new(options: &args::Agent) -> Result<Self, Failure> {
        let transcript = options.transcript.as_deref().map(create).transpose()?.map(Mutex::new);
        Ok(Self { confirms: options.confirm, transcript, with_pictures: options.transcript_images })
    }
}

/// A new file for the owner alone.
fn create(path: &Path) -> Result<File, Failure> {
    let created = platform::careful(OpenOptions::new().write(true).create_new(true)).open(path);
    created.map_err(|error| Failure::failed(format!("cannot write {} anew: {error}", path.display())))
}

impl Person for Terminal {
    fn hears(&self, said: &str) {
        output::note(&one_line(said));
    }

    fn allows<'a>(&'a self, calls: &'a [String]) -> BoxFuture<'a, Verdict> {
        Box::pin(async move {
            for call in calls {
                let is_short = self.confirms || call.chars().count() <= SHOWN;
                let shown: String =
                    if is_short { call.clone() } else { call.chars().take(SHOWN).chain(['…']).collect() };
                output::note(&format!("> {shown}"));
            }
            if !self.confirms {
                return Verdict::Yes;
            }
            loop {
                match asked("do this? [y]es, [n]o, [s]top: ").await.as_deref() {
                    Some("y" | "yes") => return Verdict::Yes,
                    Some("n" | "no") => return Verdict::No,
                    Some("s" | "stop") | None => return Verdict::Stop,
                    Some(_) => {}
                }
            }
        })
    }

    fn agrees<'a>(&'a self, checks: &'a [SafetyCheck]) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            for SafetyCheck { code, message, .. } in checks {
                output::note(&one_line(&format!("the model's provider warns: {code}: {message}")));
            }
            if !io::stdin().is_terminal() {
                return false;
            }
            matches!(asked("go on all the same? [y]es, [N]o: ").await.as_deref(), Some("y" | "yes"))
        })
    }

    fn waits(&self, why: &str, pause: Duration) {
        output::note(&format!("{why}; trying again in {} s", pause.as_secs_f64()));
    }

    fn notes(&self, kind: &'static str, what: &Value) -> Result<(), String> {
        let Some(file) = &self.transcript else { return Ok(()) };
        let kept = if self.with_pictures { what.clone() } else { without_pictures(what) };
        let line = json!({"at": clock::epoch_seconds(), "kind": kind, "body": kept});
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(file, "{line}").map_err(|error| format!("the transcript cannot be written: {error}"))
    }
}

/// The person's answer in small letters; nothing at the end of the input.
async fn asked(question: &str) -> Option<String> {
    output::prompt(question);
    let (to, answer) = async_channel::bounded(1);
    // A thread waits for it that ends with the program at the latest.
    thread::spawn(move || {
        let mut line = String::new();
        let read = io::stdin().read_line(&mut line).is_ok_and(|read| read > 0);
        drop(to.send_blocking(read.then(|| line.trim().to_lowercase())));
    });
    answer.recv().await.ok().flatten()
}
