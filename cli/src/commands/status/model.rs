//! What the terminal view knows, and what a key means. Nothing here touches a terminal or a host; times are those of a
//! clock that begins with the view.

use core::time::Duration;
use std::collections::BTreeSet;

use opendesk_std::govern::ask::Question;
use opendesk_std::govern::control::Mode;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::seen::Seen;
use super::words::Tone;

/// How long a question must have been on the screen before it can be allowed: a key that was meant for something else
/// is on its way by then.
const SETTLED: Duration = Duration::from_millis(500);

/// A key that is held down repeats itself sooner than this, and allows nothing more.
const HELD: Duration = Duration::from_secs(1);

/// Within this the key that stops has to be pressed again.
const AGAIN: Duration = Duration::from_secs(5);

/// How long a message is shown.
const MESSAGE: Duration = Duration::from_secs(8);

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// End the view.
    Quit,
    /// Draw everything anew.
    Redraw,
    /// Answer a question.
    Decide {
        /// Its number.
        number: u64,
        /// Yes.
        allow: bool,
    },
    /// Let controllers act, or not.
    Set(Mode),
    /// End the session that drives.
    Disconnect,
}

/// The part of a question that was drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shown {
    /// The question's number.
    pub(super) number: u64,
    /// The first line of its text that is on the screen.
    pub(super) first: usize,
    /// How many are.
    pub(super) rows: usize,
    /// How many there are.
    pub(super) total: usize,
}

/// How far a question has been read.
#[derive(Debug)]
struct Reading {
    shown: Shown,
    since: Duration,
    end_was_shown: bool,
}

#[derive(Debug)]
struct Message {
    text: String,
    tone: Tone,
    since: Duration,
}

/// All that is shown, and what has been done about it.
#[derive(Debug, Default)]
pub(super) struct Model {
    seen: Option<Result<Seen, String>>,
    /// The process of the host that was last seen, to tell its questions from those of another.
    process: Option<u32>,
    /// The number of the question that was chosen.
    chosen: Option<u64>,
    /// The first line of its text that is to be shown.
    scroll: usize,
    reading: Option<Reading>,
    /// Questions that were answered here, until the host does not ask them any more.
    decided: BTreeSet<u64>,
    allow_pressed: Option<Duration>,
    stop_pressed: Option<Duration>,
    message: Option<Message>,
}

impl Model {
    /// What was last seen of the host; absent before the first look.
    pub(super) const fn seen(&self) -> Option<&Result<Seen, String>> {
        self.seen.as_ref()
    }

    /// Whether a host was seen before.
    pub(super) const fn has_seen_a_host(&self) -> bool {
        self.process.is_some()
    }

    /// What the person is told, if anything.
    pub(super) fn message(&self) -> Option<(&str, Tone)> {
        self.message.as_ref().map(|message| (message.text.as_str(), message.tone))
    }

    /// The first line of the chosen question's text that is to be shown.
    pub(super) const fn scroll(&self) -> usize {
        self.scroll
    }

    /// The questions that wait for an answer.
    pub(super) fn questions(&self) -> Vec<&Question> {
        let Some(Ok(Seen { host: Some(status), .. })) = &self.seen else { return Vec::new() };
        status.questions.iter().filter(|question| !self.decided.contains(&question.number)).collect()
    }

    /// The question that is chosen, and its place among those that wait.
    pub(super) fn chosen(&self) -> Option<(usize, &Question)> {
        let mut questions = self.questions();
        let place = questions.iter().position(|question| Some(question.number) == self.chosen).unwrap_or_default();
        (place < questions.len()).then(|| (place, questions.swap_remove(place)))
    }

    /// The host was looked at.
    pub(super) fn look(&mut self, seen: Result<Seen, String>) {
        let process = seen.as_ref().ok().and_then(|seen| seen.host.as_ref()).map(|status| status.pid);
        if process.is_none() || process != self.process {
            // Numbers begin anew with every host.
            self.decided.clear();
            self.choose(None);
            self.reading = None;
        }
        self.process = process.or(self.process);
        let asked: BTreeSet<u64> = match &seen {
            Ok(Seen { host: Some(status), .. }) => status.questions.iter().map(|question| question.number).collect(),
            Ok(Seen { host: None, .. }) | Err(_) => BTreeSet::new(),
        };
        self.decided.retain(|number| asked.contains(number));
        self.seen = Some(seen);
        self.keep_choice();
    }

    /// Chooses another question when the chosen one waits no more: the next one, else the last.
    fn keep_choice(&mut self) {
        let numbers: Vec<u64> = self.questions().iter().map(|question| question.number).collect();
        let chosen = self.chosen;
        if chosen.is_some_and(|chosen| numbers.contains(&chosen)) {
            return;
        }
        let next = numbers.iter().copied().find(|number| chosen.is_some_and(|chosen| *number > chosen));
        let fallback = if chosen.is_some() { numbers.last() } else { numbers.first() };
        self.choose(next.or_else(|| fallback.copied()));
    }

    const fn choose(&mut self, number: Option<u64>) {
        self.chosen = number;
        self.scroll = 0;
    }

    /// What was drawn of the chosen question; nothing where there is none, or no room for it.
    pub(super) fn drawn(&mut self, shown: Option<Shown>, at: Duration) {
        let Some(shown) = shown.filter(|shown| shown.rows > 0) else {
            self.reading = None;
            return;
        };
        self.scroll = shown.first;
        let has_ended = shown.first + shown.rows >= shown.total;
        match &mut self.reading {
            Some(reading) if reading.shown.number == shown.number => {
                reading.shown = shown;
                reading.end_was_shown |= has_ended;
            }
            Some(_) | None => self.reading = Some(Reading { shown, since: at, end_was_shown: has_ended }),
        }
    }

    /// Time has passed.
    pub(super) fn tick(&mut self, at: Duration) {
        if self.message.as_ref().is_some_and(|message| at.saturating_sub(message.since) > MESSAGE) {
            self.message = None;
        }
    }

    fn say(&mut self, text: impl Into<String>, tone: Tone, at: Duration) {
        self.message = Some(Message { text: text.into(), tone, since: at });
    }

    /// What became of an order.
    pub(super) fn done(&mut self, order: Order, result: Result<String, String>, at: Duration) {
        if let (Order::Decide { number, .. }, Err(_)) = (order, &result) {
            self.decided.remove(&number);
            self.keep_choice();
        }
        match result {
            Ok(text) => self.say(text, Tone::Plain, at),
            Err(why) => self.say(why, Tone::Alarming, at),
        }
    }

    /// A key was pressed at that time.
    pub(super) fn key(&mut self, key: KeyEvent, at: Duration) -> Option<Order> {
        if key.kind == KeyEventKind::Release {
            return None;
        }
        let allow_pressed = self.allow_pressed.take();
        let stop_pressed = self.stop_pressed.take();
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return match key.code {
                KeyCode::Char('c') => Some(Order::Quit),
                KeyCode::Char('l') => Some(Order::Redraw),
                _ => None,
            };
        }
        if !key.modifiers.difference(KeyModifiers::SHIFT).is_empty() {
            return None;
        }
        match key.code {
            KeyCode::Esc => Some(Order::Quit),
            KeyCode::Up => self.step(-1),
            KeyCode::Down => self.step(1),
            KeyCode::PageUp => self.page(-1),
            KeyCode::PageDown => self.page(1),
            KeyCode::Home => self.scroll_to(0),
            KeyCode::End => self.scroll_to(usize::MAX),
            KeyCode::Char(letter) => match letter.to_ascii_lowercase() {
                'q' => Some(Order::Quit),
                'k' => self.step(-1),
                'j' => self.step(1),
                'a' => self.allow(allow_pressed, at),
                'd' => self.deny(at),
                's' => self.stop(stop_pressed, at),
                'r' => Some(Order::Set(Mode::Running)),
                'x' => Some(Order::Disconnect),
                _ => None,
            },
            _ => None,
        }
    }

    /// Chooses a neighbour of the chosen question.
    fn step(&mut self, by: isize) -> Option<Order> {
        let (place, _) = self.chosen()?;
        let number = self.questions().get(place.checked_add_signed(by)?)?.number;
        self.choose(Some(number));
        None
    }

    fn page(&mut self, by: isize) -> Option<Order> {
        let shown = self.reading.as_ref()?.shown;
        // A line of the former page stays.
        let step = shown.rows.saturating_sub(1).max(1).cast_signed();
        self.scroll_to(self.scroll.saturating_add_signed(step * by))
    }

    fn scroll_to(&mut self, line: usize) -> Option<Order> {
        let shown = self.reading.as_ref()?.shown;
        self.scroll = line.min(shown.total.saturating_sub(shown.rows));
        None
    }

    /// The chosen question, if it is the one on the screen.
    fn read(&mut self, at: Duration) -> Option<&Reading> {
        let Some(number) = self.chosen().map(|(_, question)| question.number) else {
            self.say("nothing waits for an answer", Tone::Plain, at);
            return None;
        };
        if self.reading.as_ref().is_none_or(|reading| reading.shown.number != number) {
            self.say("not answered: the question is not on the screen; make the terminal larger", Tone::Notable, at);
        }
        self.reading.as_ref().filter(|reading| reading.shown.number == number)
    }

    fn allow(&mut self, pressed: Option<Duration>, at: Duration) -> Option<Order> {
        self.allow_pressed = Some(at);
        let reading = self.read(at)?;
        let (number, end_was_shown) = (reading.shown.number, reading.end_was_shown);
        let has_settled = at >= reading.since + SETTLED;
        let is_held = pressed.is_some_and(|pressed| at.saturating_sub(pressed) < HELD);
        if !has_settled || is_held {
            self.say("not allowed: the question has just appeared; read it, then press a", Tone::Notable, at);
            return None;
        }
        if !end_was_shown {
            self.say("not allowed: there is more of the question; PageDown shows it", Tone::Notable, at);
            return None;
        }
        self.decide(number, true)
    }

    fn deny(&mut self, at: Duration) -> Option<Order> {
        let number = self.read(at)?.shown.number;
        self.decide(number, false)
    }

    fn decide(&mut self, number: u64, allow: bool) -> Option<Order> {
        self.decided.insert(number);
        self.keep_choice();
        Some(Order::Decide { number, allow })
    }

    fn stop(&mut self, pressed: Option<Duration>, at: Duration) -> Option<Order> {
        if pressed.is_some_and(|pressed| at.saturating_sub(pressed) <= AGAIN) {
            return Some(Order::Set(Mode::Stopped));
        }
        self.stop_pressed = Some(at);
        self.say("press s again to stop all controllers", Tone::Notable, at);
        None
    }
}

#[cfg(test)]
mod tests;
