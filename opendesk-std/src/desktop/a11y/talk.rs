//! A conversation with applications that has an end.

use core::future::Future;
use core::time::Duration;
use std::time::Instant;

use super::bus::{Answer, Bus, brief, is_gone};
use super::item::Item;
use super::wait::Ticker;
use crate::api::{Error, ErrorCode, Result};
use crate::clock;
use crate::home::printable;

/// How long one of several applications is waited for.
const SHARE: Duration = Duration::from_millis(700);

/// How long something that was asked for is waited to be seen.
const EFFECT: Duration = Duration::from_millis(700);

/// How often it is looked for.
const LOOK: Duration = Duration::from_millis(10);

/// The most names that an error lists, and the most characters of each.
const LISTED: usize = 20;
const LISTED_CHARACTERS: usize = 60;

/// A bus, and the time until which it is talked to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Talk<'a> {
    pub(super) bus: &'a Bus,
    pub(super) ticker: &'a Ticker,
    pub(super) deadline: Instant,
}

impl Talk<'_> {
    /// The same for each of some applications: one that does not answer leaves time for what comes after all of them.
    pub(super) fn for_each_of(self, applications: usize) -> Self {
        if applications < 2 {
            return self;
        }
        Self { deadline: (clock::monotonic() + SHARE).min(self.deadline), ..self }
    }

    /// The outcome of some work, or nothing once the time is over.
    pub(super) async fn until<T>(self, work: impl Future<Output = T>) -> Option<T> {
        self.ticker.until(self.deadline, work).await
    }

    /// What an element answers.
    ///
    /// # Errors
    /// [`ErrorCode::Timeout`] when its application does not answer, [`ErrorCode::NotFound`] when it is gone.
    pub(super) async fn answer<T>(self, item: &Item, work: impl Future<Output = Answer<T>>) -> Result<T> {
        match self.until(work).await {
            Some(Ok(answer)) => Ok(answer),
            Some(Err(error)) if is_gone(&error) => Err(gone(&item.words())),
            Some(Err(error)) => Err(refused(item, &error)),
            None => Err(silent(&item.words())),
        }
    }

    /// Waits until an element is as something wants it, for a moment, and gives the states that it has then. Nothing:
    /// it is not there any more, or does not answer.
    pub(super) async fn see(self, item: &Item, wanted: impl Fn(u64) -> bool) -> Option<u64> {
        let end = self.soon();
        loop {
            let states = self.until(Item::states_of(self.bus, &item.place)).await?.ok()?;
            if wanted(states) || clock::monotonic() >= end {
                return Some(states);
            }
            self.moment().await;
        }
    }

    /// Until when something that was asked for is waited to be seen.
    pub(super) fn soon(self) -> Instant {
        (clock::monotonic() + EFFECT).min(self.deadline)
    }

    /// The time between two looks at it.
    pub(super) async fn moment(self) {
        self.ticker.pause(LOOK).await;
    }
}

/// Names from applications as errors list them: a few of them, on one line.
pub(super) fn listed<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> String {
    enumerated(names.into_iter().map(|name| short(name.as_ref())))
}

/// The same of what has been made of short names.
pub(super) fn enumerated(names: impl IntoIterator<Item = String>) -> String {
    let mut names = names.into_iter();
    let mut list = names.by_ref().take(LISTED).collect::<Vec<_>>().join(", ");
    let others = names.count();
    if others > 0 {
        list.push_str(&format!(" and {others} more"));
    }
    list
}

/// A name from an application as errors give it.
pub(super) fn short(name: &str) -> String {
    let mut characters = name.chars();
    let start: String = characters.by_ref().take(LISTED_CHARACTERS).collect();
    let dots = if characters.next().is_some() { "…" } else { "" };
    format!("{}{dots}", printable(&start))
}

/// An element that was there and is not any more.
pub(super) fn gone(words: &str) -> Error {
    Error::new(ErrorCode::NotFound, format!("{words} is not there any more; read ui.tree again"))
}

/// An element whose application does not answer.
pub(super) fn silent(words: &str) -> Error {
    Error::new(
        ErrorCode::Timeout,
        format!(
            "the application of {words} does not answer; it may be busy or stopped, try again or look at the screen"
        ),
    )
}

/// An element whose application answers with an error.
fn refused(item: &Item, error: &zbus::Error) -> Error {
    Error::internal(format!("the application of {} refuses: {}", item.words(), brief(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_names_are_short_and_on_one_line() {
        assert_eq!(listed(["Open", "two\nlines", "\u{202e}back"]), "Open, two\\nlines, \\u{202e}back");
        assert_eq!(listed(Vec::<String>::new()), "");
        let list = listed((0..LISTED + 3).map(|_| "ü".repeat(LISTED_CHARACTERS + 1)));
        assert!(list.ends_with("ü… and 3 more"), "{list}");
        assert_eq!(list.chars().filter(|character| *character == 'ü').count(), LISTED * LISTED_CHARACTERS);
    }
}
