//! Which application somebody means by a name.

use std::ffi::OsStr;

use crate::api::{Error, ErrorCode, Result};
use crate::desktop::session::entries::{Entry, find_program};
use crate::desktop::session::running::Group;
use crate::home::printable;

/// As many as a person reads when they misspelt one.
const MAX_SUGGESTIONS: usize = 5;

/// What can be opened.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    Entry(&'a Entry),
    /// A program on the `PATH` without an entry.
    Program(String),
}

/// The application that a name stands for.
///
/// # Errors
/// `not_found`, with what has a similar name; `invalid_argument` for a name of several, with their ids.
pub(super) fn installed<'a>(name: &str, entries: &'a [Entry], path: &OsStr) -> Result<Found<'a>> {
    let wanted = wanted(name)?;
    let lower = wanted.to_lowercase();
    let is = |text: &str| text.to_lowercase() == lower;
    let begins = |text: &str| text.to_lowercase().starts_with(&lower);
    let id = wanted.strip_suffix(".desktop").unwrap_or(wanted);
    if let Some(entry) = entries.iter().find(|entry| entry.id == id) {
        return Ok(Found::Entry(entry));
    }
    let last = |id: &str| id.rsplit('.').next().is_some_and(is);
    let ways: [&dyn Fn(&Entry) -> bool; 3] = [
        &|entry| is(&entry.name) || is(&entry.plain_name),
        &|entry| is(&entry.id) || last(&entry.id) || entry.program() == Some(wanted),
        &|entry| begins(&entry.name) || begins(&entry.plain_name) || begins(&entry.id),
    ];
    for is_meant in ways {
        let matching: Vec<&Entry> = entries.iter().filter(|entry| entry.is_visible && is_meant(entry)).collect();
        match matching[..] {
            [] => {}
            [entry] => return Ok(Found::Entry(entry)),
            _ => return Err(ambiguous(wanted, matching.iter().map(|entry| entry.id.as_str()))),
        }
    }
    let is_bare =
        !wanted.starts_with(['-', '.']) && !wanted.contains(|letter: char| letter == '/' || letter.is_whitespace());
    if is_bare && find_program(wanted, path).is_some() {
        return Ok(Found::Program(wanted.to_owned()));
    }
    let near = entries.iter().filter(|entry| entry.is_visible && is_near(&lower, entry));
    let near: Vec<String> = near.take(MAX_SUGGESTIONS).map(|entry| format!("{} ({})", entry.name, entry.id)).collect();
    let near = if near.is_empty() { String::new() } else { format!("; similar are {}", near.join(", ")) };
    Err(not_found(&format!("no application is called {wanted:?}{near}; the list of what is installed has all names")))
}

/// The running application that a name stands for. `is_program` says whether a group's windows are of a program.
///
/// # Errors
/// As [`installed`], naming what runs.
pub(super) fn running<'g, 'a>(
    name: &str,
    groups: &'g [Group<'a>],
    is_program: impl Fn(&Group<'a>, &str) -> bool,
) -> Result<&'g Group<'a>> {
    let wanted = wanted(name)?;
    let lower = wanted.to_lowercase();
    let id = wanted.strip_suffix(".desktop").unwrap_or(wanted);
    let has_id = |group: &Group<'_>| group.entry.is_some_and(|entry| entry.id == id);
    let ways: [&dyn Fn(&Group<'a>) -> bool; 4] = [
        &has_id,
        &|group| {
            let plain = group.entry.map(|entry| entry.plain_name.to_lowercase());
            group.name.to_lowercase() == lower || plain.is_some_and(|plain| plain == lower)
        },
        &|group| is_program(group, wanted),
        &|group| group.name.to_lowercase().starts_with(&lower),
    ];
    for is_meant in ways {
        let matching: Vec<&'g Group<'a>> = groups.iter().filter(|group| is_meant(group)).collect();
        match matching[..] {
            [] => {}
            [group] => return Ok(group),
            _ => {
                let ids =
                    matching.iter().map(|group| group.entry.map_or(group.name.as_str(), |entry| entry.id.as_str()));
                return Err(ambiguous(wanted, ids));
            }
        }
    }
    let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
    let names = if names.is_empty() { "none does".to_owned() } else { format!("these do: {}", names.join(", ")) };
    Err(not_found(&format!("no application that is called {wanted:?} has a window; {names}")))
}

fn wanted(name: &str) -> Result<&str> {
    let name = name.trim();
    if name.is_empty() {
        Err(Error::invalid("an application's name is needed; the list of what is installed has them"))
    } else {
        Ok(name)
    }
}

fn ambiguous<'a>(wanted: &str, ids: impl Iterator<Item = &'a str>) -> Error {
    let ids: Vec<&str> = ids.collect();
    let text = format!("{wanted:?} stands for several applications; use one of their ids: {}", ids.join(", "));
    Error::invalid(printable(&text))
}

fn not_found(text: &str) -> Error {
    Error::new(ErrorCode::NotFound, printable(text))
}

/// Whether a name looks like that of an entry: one holds the other, or a word of the entry's begins as it does.
fn is_near(lower: &str, entry: &Entry) -> bool {
    let start: String = lower.chars().take(3).collect();
    let is_long = start.chars().count() == 3;
    [&entry.name, &entry.plain_name, &entry.id].into_iter().any(|name| {
        let name = name.to_lowercase();
        let mut words = name.split(|letter: char| !letter.is_alphanumeric());
        name.contains(lower) || lower.contains(&name) || (is_long && words.any(|word| word.starts_with(&start)))
    })
}
