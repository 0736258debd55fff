//! How the terminal view looks. It draws what the model knows, and tells how much of a question it has shown.

mod head;
mod question;

use opendesk_std::govern::RecentCall;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

use super::cells::{cut, fill, visible};
use super::model::{Model, Shown};
use super::seen::Seen;
use super::times::Times;
use super::words::Tone;

/// From so many columns on there are labels and columns.
const WIDE: usize = 60;

/// The least that a question gets: its title, and two lines of it.
const QUESTION_ROWS: usize = 3;

/// The title of the calls, and the last three.
const CALL_ROWS: usize = 4;

/// The keys, the most important first.
const KEYS: &str = "s stop  r resume  x disconnect  q quit";
const KEYS_FOR_QUESTIONS: &str = "a allow  d deny  PgDn more  ↑↓ choose  s stop  r resume  x disconnect  q quit";

/// Draws it all, and tells what was drawn of the question that is chosen.
pub(super) fn draw(frame: &mut Frame<'_>, model: &Model, times: &Times) -> Option<Shown> {
    let mut area = Area { left: frame.area(), width: usize::from(frame.area().width) };
    let rows = usize::from(frame.area().height);
    let is_asked = model.chosen().is_some();
    // One row is the foot's.
    let body = rows.saturating_sub(1);
    let kept = if is_asked { QUESTION_ROWS } else { CALL_ROWS };
    area.lines(frame, head::lines(model, times, area.width, body.saturating_sub(kept).max(1).min(body)));
    let foot = area.cut_from_below();
    let shown = question::draw(frame, &mut area, model, times);
    calls(frame, &mut area, model, times);
    if let Some(foot) = foot {
        frame.buffer_mut().set_line(foot.x, foot.y, &foot_line(model, is_asked, area.width), foot.width);
    }
    shown
}

/// What is left of the screen, from above.
struct Area {
    left: Rect,
    width: usize,
}

impl Area {
    fn rows(&self) -> usize {
        usize::from(self.left.height)
    }

    /// Draws a line in the next row, where there is one.
    fn line(&mut self, frame: &mut Frame<'_>, line: &Line<'_>) {
        if self.left.height == 0 {
            return;
        }
        frame.buffer_mut().set_line(self.left.x, self.left.y, line, self.left.width);
        self.left.y += 1;
        self.left.height -= 1;
    }

    fn lines(&mut self, frame: &mut Frame<'_>, lines: Vec<Line<'_>>) {
        for line in &lines {
            self.line(frame, line);
        }
    }

    /// A line across the whole screen that tells what is below it.
    fn title(&mut self, frame: &mut Frame<'_>, title: &str, style: Style) {
        let title = cut(title, self.width);
        let line = Line::styled(format!("{title:<width$}", width = self.width), style);
        self.line(frame, &line);
    }

    fn cut_from_below(&mut self) -> Option<Rect> {
        self.left.height = self.left.height.checked_sub(1)?;
        Some(Rect { y: self.left.bottom(), height: 1, ..self.left })
    }
}

/// How a tone looks.
fn style(tone: Tone) -> Style {
    match tone {
        Tone::Plain => Style::new(),
        Tone::Notable => Style::new().fg(Color::Yellow),
        Tone::Alarming => Style::new().fg(Color::Red).add_modifier(Modifier::BOLD),
    }
}

fn foot_line(model: &Model, is_asked: bool, width: usize) -> Line<'static> {
    match model.message() {
        Some((text, tone)) => Line::styled(cut(&visible(text), width), style(tone).add_modifier(Modifier::BOLD)),
        None => Line::styled(cut(if is_asked { KEYS_FOR_QUESTIONS } else { KEYS }, width), Modifier::DIM),
    }
}

/// The last calls, the newest first.
fn calls(frame: &mut Frame<'_>, area: &mut Area, model: &Model, times: &Times) {
    let Some(Ok(Seen { host: Some(status), .. })) = model.seen() else { return };
    if area.rows() < 2 {
        return;
    }
    let title = if status.recent.is_empty() { "last calls: none yet" } else { "last calls" };
    area.title(frame, title, Style::new().add_modifier(Modifier::UNDERLINED));
    let last = status.recent.iter().rev().take(area.rows());
    let lines: Vec<Line<'_>> = last.map(|call| call_line(call, times, area.width)).collect();
    area.lines(frame, lines);
}

fn call_line(call: &RecentCall, times: &Times, width: usize) -> Line<'static> {
    // Columns, the spaces around the first three included in the first.
    const TIME: usize = 12;
    const PEER: usize = 16;
    const METHOD: usize = 22;
    const OUTCOME: usize = 18;
    let time = times.clock(call.at);
    let [peer, method, summary, outcome] =
        [&call.peer, &call.method, &call.summary, &call.outcome].map(|text| visible(text));
    let tone = match call.outcome.as_str() {
        "ok" => Tone::Plain,
        "running" => Tone::Notable,
        _ => Tone::Alarming,
    };
    if width < WIDE {
        let line = format!("{time} {method} {outcome} {peer} {summary}");
        return Line::styled(cut(&line, width), style(tone));
    }
    let before = format!("{time}  {} {} ", fill(&peer, PEER), fill(&method, METHOD));
    let room = width.saturating_sub(TIME + PEER + METHOD + OUTCOME + 1);
    Line::from(vec![
        Span::raw(before),
        Span::raw(fill(&summary, room)),
        Span::raw(" "),
        Span::styled(cut(&outcome, OUTCOME), style(tone)),
    ])
}

#[cfg(test)]
mod tests;
