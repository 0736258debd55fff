//! The top of the view: the host, whether controllers may act, who drives, the log and the pairing window.

use ratatui::style::Modifier;
use ratatui::text::{Line, Span};

use super::{WIDE, style};
use crate::commands::status::cells::{cut, visible};
use crate::commands::status::model::Model;
use crate::commands::status::seen::Seen;
use crate::commands::status::times::Times;
use crate::commands::status::words::{self, Tone};

/// A line, and how soon it goes when there is no room for all: the highest first.
struct Row {
    rank: u8,
    label: &'static str,
    text: String,
    tone: Tone,
}

impl Row {
    fn new(rank: u8, label: &'static str, (text, tone): (String, Tone)) -> Self {
        // What is alarming stays as long as whether controllers may act.
        let rank = if tone == Tone::Alarming { 0 } else { rank };
        Self { rank, label, text, tone }
    }

    fn line(&self, width: usize) -> Line<'static> {
        let label = if width < WIDE { String::new() } else { format!("{:<9}", self.label) };
        let room = width.saturating_sub(label.len());
        Line::from(vec![
            Span::styled(label, Modifier::DIM),
            Span::styled(cut(&visible(&self.text), room), style(self.tone)),
        ])
    }
}

/// The lines, at most so many.
pub(super) fn lines(model: &Model, times: &Times, width: usize, most: usize) -> Vec<Line<'static>> {
    let mut rows = match model.seen() {
        None => vec![Row::new(0, "host", ("is being asked…".to_owned(), Tone::Plain))],
        Some(Err(why)) => vec![Row::new(0, "host", (why.clone(), Tone::Alarming))],
        Some(Ok(seen)) => rows(seen, model.has_seen_a_host(), times),
    };
    while rows.len() > most {
        let Some(rank) = rows.iter().map(|row| row.rank).max() else { break };
        let Some(last) = rows.iter().rposition(|row| row.rank == rank) else { break };
        rows.remove(last);
    }
    rows.iter().map(|row| row.line(width)).collect()
}

fn rows(seen: &Seen, has_seen_a_host: bool, times: &Times) -> Vec<Row> {
    let rules = words::rules(seen).map(|rules| Row::new(1, "policy", rules));
    let Some(status) = &seen.host else {
        let gone = if has_seen_a_host { "the host has stopped" } else { "no host runs with this home directory" };
        let mut rows = vec![
            Row::new(0, "host", (format!("{gone}; looking for one each second"), Tone::Notable)),
            Row::new(0, "control", words::control(seen, times)),
            Row::new(2, "paired", words::peers(&seen.peers)),
        ];
        rows.extend(rules);
        return rows;
    };
    let session = words::sessions(&status.sessions, times);
    let mut rows = vec![
        Row::new(2, "host", (words::host(status), Tone::Plain)),
        Row::new(0, "control", words::control(seen, times)),
        Row::new(1, "session", (session, Tone::Plain)),
        Row::new(4, "pairing", words::pairing(status.pairing_for)),
        Row::new(3, "log", words::audit(&status.audit)),
    ];
    rows.extend(rules);
    rows
}
