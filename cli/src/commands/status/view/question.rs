//! What the owner is asked, all of it: nothing is cut, and what the controller wrote cannot pass for what opendesk
//! says.

use opendesk_std::govern::ask::Question;
use ratatui::Frame;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;

use super::{Area, CALL_ROWS};
use crate::commands::status::cells::{cut, visible, wrap};
use crate::commands::status::model::{Model, Shown};
use crate::commands::status::times::Times;

/// Before each line of what would be done.
const GUTTER: &str = "│ ";

/// Before what did not fit into the line above.
const GOES_ON: &str = "┆ ";

/// From so many columns on there is room for the gutter.
const WITH_GUTTER: usize = 10;

/// From so many rows on those that wait are listed.
const WITH_LIST: usize = 12;

/// The most that are listed.
const LISTED: usize = 4;

/// Draws the question that is chosen, and leaves rows for the calls where it is short.
pub(super) fn draw(frame: &mut Frame<'_>, area: &mut Area, model: &Model, times: &Times) -> Option<Shown> {
    let (place, question) = model.chosen()?;
    let questions = model.questions();
    if area.rows() >= WITH_LIST && questions.len() > 1 {
        list(frame, area, &questions, place);
    }
    let text = text(question, area.width);
    let room = area.rows().saturating_sub(1);
    let rows = text.len().min(if area.rows() > 2 * CALL_ROWS { room - CALL_ROWS } else { room });
    let first = model.scroll().min(text.len().saturating_sub(rows));
    let left = times.left_until(question.asked_at + question.within as f64);
    let title = title(place, questions.len(), left, first, rows, text.len());
    area.title(frame, &title, Style::new().fg(Color::Black).bg(Color::Yellow));
    for line in text.iter().skip(first).take(rows) {
        area.line(frame, &Line::raw(line.as_str()));
    }
    Some(Shown { number: question.number, first, rows, total: text.len() })
}

fn title(place: usize, of: usize, left: u64, first: usize, rows: usize, total: usize) -> String {
    let which = if of > 1 { format!("question {} of {of}", place + 1) } else { "question".to_owned() };
    if rows >= total {
        return format!("{which}, {left} s left");
    }
    format!("{which}, {left} s left, lines {} to {} of {total}", first + 1, first + rows)
}

/// Those that wait, around the one that is chosen.
fn list(frame: &mut Frame<'_>, area: &mut Area, questions: &[&Question], place: usize) {
    let first = place.saturating_sub(LISTED - 1);
    for (index, question) in questions.iter().enumerate().skip(first).take(LISTED) {
        let mark = if index == place { "▶" } else { " " };
        let (peer, method) = (visible(&question.peer), visible(&question.method));
        let line = cut(&format!("{mark} {}. {peer} asks for {method}", index + 1), area.width);
        let style = if index == place { Style::new().add_modifier(Modifier::BOLD) } else { Style::new() };
        area.line(frame, &Line::styled(line, style));
    }
}

/// All of it, in lines of so many cells. Who asks, and why it is asked, come first and without a gutter.
fn text(question: &Question, width: usize) -> Vec<String> {
    let (peer, fingerprint) = (visible(&question.peer), visible(&question.fingerprint));
    let mut lines = wrap(&format!("{peer} ({fingerprint}) asks for {}", visible(&question.method)), width);
    if !question.why.is_empty() {
        lines.extend(wrap(&format!("why: {}", visible(&question.why)), width));
    }
    let (gutter, goes_on) = if width < WITH_GUTTER { ("", "") } else { (GUTTER, GOES_ON) };
    for line in question.what.split('\n') {
        let parts = wrap(&visible(line), width - gutter.chars().count());
        let marks = core::iter::once(gutter).chain(core::iter::repeat(goes_on));
        lines.extend(marks.zip(parts).map(|(mark, part)| format!("{mark}{part}")));
    }
    lines
}
