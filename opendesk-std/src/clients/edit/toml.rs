//! TOML. A parser finds the places; the text itself is cut and joined here, for a writer would make all its line ends
//! the same.

use core::ops::Range;

use toml_edit::{Array, Document, Item, Table, Value};

use super::{Entry, Fault, Found};

pub(super) fn find(text: &str, servers: &str, name: &str) -> Result<Option<Found>, Fault> {
    let document = parse(text)?;
    Ok(item(&document, servers, name)?.map(found))
}

pub(super) fn put(text: &str, servers: &str, name: &str, entry: &Entry) -> Result<String, Fault> {
    let document = parse(text)?;
    let Some(item) = item(&document, servers, name)? else {
        return appended(text, &document, servers, name, entry);
    };
    let table = item.as_table_like();
    let command = table.and_then(|table| table.get("command")).filter(|command| command.is_str());
    let is_remote = table.is_some_and(|table| table.contains_key("url"));
    let (Some(table), Some(command), false) = (table, command, is_remote) else {
        let rest = take(text, servers, name)?;
        return appended(&rest, &parse(&rest)?, servers, name, entry);
    };
    if found(item) == Found::Command(entry.clone()) && table.contains_key("args") {
        return Ok(text.to_owned());
    }
    // From the end to the beginning, so that what was measured before a cut is still right.
    let mut cuts = vec![(span(command)?, string(&entry.command))];
    match table.get("args") {
        Some(args) => cuts.push((span(args)?, array(&entry.args))),
        None if item.is_table() => {
            let end = line_end(text, span(command)?.end);
            let line = format!("args = {}{}", array(&entry.args), newline(text));
            cuts.push((end..end, if text[..end].ends_with('\n') { line } else { newline(text).to_owned() + &line }));
        }
        None => {
            let end = span(command)?.end;
            cuts.push((end..end, format!(", args = {}", array(&entry.args))));
        }
    }
    cuts.sort_by_key(|(range, _)| core::cmp::Reverse(range.start));
    let mut made = text.to_owned();
    for (range, with) in cuts {
        made.replace_range(range, &with);
    }
    checked(made, servers, name, entry)
}

pub(super) fn take(text: &str, servers: &str, name: &str) -> Result<String, Fault> {
    let document = parse(text)?;
    let Some(item) = item(&document, servers, name)? else { return Ok(text.to_owned()) };
    let mut ranges = Vec::new();
    match item {
        Item::Table(table) if !table.is_dotted() => lines_of(text, table, &mut ranges)?,
        Item::Value(value) => {
            let key = document.get(servers).and_then(Item::as_table).and_then(|table| table.key(name));
            let start = key.and_then(toml_edit::Key::span).map(|span| span.start);
            let end = value.span().map(|span| span.end);
            let (Some(start), Some(end)) = (start, end) else { return Err(by_hand(item, servers, name)) };
            ranges.push(line_start(text, start)..line_end(text, end));
        }
        _ => return Err(by_hand(item, servers, name)),
    }
    if ranges.is_empty() {
        return Err(by_hand(item, servers, name));
    }
    ranges.sort_by_key(|range| core::cmp::Reverse(range.start));
    let mut made = text.to_owned();
    for range in ranges {
        made.replace_range(with_blank_line(&made, range), "");
    }
    let is_gone = matches!(find(&made, servers, name), Ok(None));
    if is_gone { Ok(made) } else { Err(by_hand(item, servers, name)) }
}

fn parse(text: &str) -> Result<Document<&str>, Fault> {
    Document::parse(text).map_err(|error| {
        let why = error.message().lines().collect::<Vec<_>>().join(", ");
        Fault::new(error.span().map_or(0, |span| span.start), format!("this is not TOML: {why}"))
    })
}

fn item<'a>(document: &'a Document<&str>, servers: &str, name: &str) -> Result<Option<&'a Item>, Fault> {
    let Some(list) = document.get(servers) else { return Ok(None) };
    match list.as_table_like() {
        Some(table) => Ok(table.get(name)),
        None => Err(Fault::new(list.span().map_or(0, |span| span.start), format!("`{servers}` is not a table"))),
    }
}

fn found(item: &Item) -> Found {
    let Some(table) = item.as_table_like() else { return Found::Other("something that is no server".to_owned()) };
    let text = |key: &str| table.get(key).and_then(Item::as_str).map(str::to_owned);
    if let Some(address) = text("url") {
        return Found::Other(address);
    }
    let Some(command) = text("command") else { return Found::Other("a server without a command".to_owned()) };
    let args = table.get("args").and_then(Item::as_array).into_iter().flatten();
    Found::Command(Entry { command, args: args.filter_map(Value::as_str).map(str::to_owned).collect() })
}

/// The text with a table of its own for the entry at the end: that is right wherever the other servers are.
fn appended(text: &str, document: &Document<&str>, servers: &str, name: &str, entry: &Entry) -> Result<String, Fault> {
    if let Some(list) = document.get(servers).filter(|list| list.is_value()) {
        let at = list.span().map_or(0, |span| span.start);
        return Err(Fault::new(at, format!("`{servers}` is written on one line: make it [{servers}.NAME] tables")));
    }
    let end = newline(text);
    let mut made = text.to_owned();
    if !made.is_empty() && !made.ends_with('\n') {
        made.push_str(end);
    }
    if !made.trim().is_empty() {
        made.push_str(end);
    }
    let lines = [
        format!("[{servers}.{name}]"),
        format!("command = {}", string(&entry.command)),
        format!("args = {}", array(&entry.args)),
    ];
    for line in lines {
        made.push_str(&line);
        made.push_str(end);
    }
    checked(made, servers, name, entry)
}

/// What was made by cutting is read again before it is believed.
fn checked(made: String, servers: &str, name: &str, entry: &Entry) -> Result<String, Fault> {
    match find(&made, servers, name)? {
        Some(Found::Command(there)) if there == *entry => Ok(made),
        _ => Err(Fault::new(0, format!("[{servers}.{name}] cannot be put in here; put it in by hand"))),
    }
}

fn by_hand(item: &Item, servers: &str, name: &str) -> Fault {
    let at = item.span().map_or(0, |span| span.start);
    Fault::new(at, format!("{servers}.{name} is not written as a table of its own; take it out by hand"))
}

/// The lines of a table and of those below it.
fn lines_of(text: &str, table: &Table, ranges: &mut Vec<Range<usize>>) -> Result<(), Fault> {
    let mut end = 0;
    for (_, item) in table {
        match item {
            Item::Table(below) if !below.is_dotted() => lines_of(text, below, ranges)?,
            Item::ArrayOfTables(below) => below.iter().try_for_each(|below| lines_of(text, below, ranges))?,
            Item::Table(below) => end = end.max(last_of(below)),
            Item::Value(value) => end = end.max(value.span().map_or(0, |span| span.end)),
            Item::None => {}
        }
    }
    if table.is_implicit() {
        return Ok(());
    }
    let start = table.span().ok_or_else(|| Fault::new(0, "a table has no place"))?.start;
    ranges.push(line_start(text, start)..line_end(text, end.max(start)));
    Ok(())
}

/// Where the values of a table that is written with dotted keys end.
fn last_of(table: &Table) -> usize {
    let ends = table.iter().map(|(_, item)| match item {
        Item::Table(below) => last_of(below),
        other => other.span().map_or(0, |span| span.end),
    });
    ends.max().unwrap_or_default()
}

/// With the empty line before it, where another one or the end of the text follows.
fn with_blank_line(text: &str, range: Range<usize>) -> Range<usize> {
    let rest = &text[range.end..];
    let is_apart = rest.is_empty() || rest.starts_with('\n') || rest.starts_with("\r\n");
    let before = &text[..range.start];
    let blank = ["\r\n", "\n"]
        .into_iter()
        .find(|end| before.strip_suffix(end).is_some_and(|before| before.ends_with('\n') || before.is_empty()));
    match blank {
        Some(end) if is_apart => range.start - end.len()..range.end,
        _ => range,
    }
}

fn span(item: &Item) -> Result<Range<usize>, Fault> {
    item.span().ok_or_else(|| Fault::new(0, "a value has no place"))
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |at| at + 1)
}

fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |more| at + more + 1)
}

fn newline(text: &str) -> &'static str {
    let first = text.find('\n');
    if first.is_some_and(|at| text[..at].ends_with('\r')) { "\r\n" } else { "\n" }
}

fn string(text: &str) -> String {
    Value::from(text).to_string()
}

fn array(words: &[String]) -> String {
    Value::Array(words.iter().map(String::as_str).collect::<Array>()).to_string()
}
