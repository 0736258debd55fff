//! The GTK program `tests/desktop/programs/form.py`: one widget of every kind, and a file of what happened to it.

use core::sync::atomic::{AtomicU32, Ordering};
use std::path::PathBuf;
use std::thread;
use std::time::Instant;

use opendesk_std::api::Rect;
use serde_json::Value;

use super::{PATIENCE, POLL, PYTHON, TestDesktop, program, text};

/// How many events a failure shows.
const SHOWN: usize = 20;

static NEXT_FORM: AtomicU32 = AtomicU32::new(0);

/// A running form. It ends with its desktop.
#[derive(Debug)]
pub struct Form {
    process: u32,
    window: u32,
    events: PathBuf,
}

impl Form {
    /// Starts the program, which is in front and has the keyboard in its entry `Name` then.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn start(desktop: &mut TestDesktop) -> Self {
        Self::start_as(desktop, "Form")
    }

    /// The same, under another title: several are told apart by it.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn start_as(desktop: &mut TestDesktop, title: &str) -> Self {
        let number = NEXT_FORM.fetch_add(1, Ordering::Relaxed);
        let events = desktop.home().join(format!("form-{number}.events"));
        let process = desktop.spawn(PYTHON, &[&program("form.py"), &events.to_string_lossy(), title]);
        let window = desktop.wait_for_window(title);
        let form = Self { process, window, events };
        form.wait_until("the form says that it is shown", |form| !form.seen("ready", "Form").is_empty());
        form
    }

    /// Its process.
    #[must_use]
    pub const fn process(&self) -> u32 {
        self.process
    }

    /// Its X11 window.
    #[must_use]
    pub const fn window(&self) -> u32 {
        self.window
    }

    /// Everything that has happened, the first first: objects with `event`, `widget` and what else belongs to it.
    ///
    /// # Panics
    /// When the file holds something else.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        let written = text(&self.events);
        // The last line may not be complete.
        let complete = written.rsplit_once('\n').map_or("", |(complete, _)| complete);
        let event = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line:?} is no event: {error}"));
        complete.lines().map(event).collect()
    }

    /// What of one kind has happened to one widget.
    #[must_use]
    pub fn seen(&self, event: &str, widget: &str) -> Vec<Value> {
        self.events().into_iter().filter(|seen| seen["event"] == event && seen["widget"] == widget).collect()
    }

    /// Waits until something is so.
    ///
    /// # Panics
    /// When it is not within [`PATIENCE`]; the lines are the last events.
    pub fn wait_until(&self, what: &str, so: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !so(self) {
            if start.elapsed() >= PATIENCE {
                let events = self.events().into_iter().filter(|event| event["event"] != "place");
                let mut last: Vec<String> = events.map(|event| event.to_string()).collect();
                last.drain(..last.len().saturating_sub(SHOWN));
                panic!("{what}: not within {PATIENCE:?}; the last events of the form are:\n{}", last.join("\n"))
            }
            thread::sleep(POLL);
        }
    }

    /// The text that is in an entry or in `Notes`.
    #[must_use]
    pub fn text(&self, widget: &str) -> String {
        let last = self.seen("text", widget).pop();
        last.and_then(|event| event["text"].as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// Where a widget is on the screen.
    ///
    /// # Panics
    /// When there is no such widget.
    #[must_use]
    pub fn place(&self, widget: &str) -> Rect {
        let place = self.seen("place", widget).pop();
        let place = place.unwrap_or_else(|| panic!("the form has not said where {widget} is"));
        let number = |name: &str| place[name].as_f64().unwrap_or_else(|| panic!("{place} has no number {name}"));
        Rect::new(number("x"), number("y"), number("width"), number("height"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_does_to_the_form_is_written_down() {
        let mut desktop = TestDesktop::start(1024, 768);
        let form = Form::start(&mut desktop);
        desktop.run("xdotool", &["type", "Hello"]);
        form.wait_until("the text is there", |form| form.text("Name") == "Hello");
        let save = form.place("Save").center();
        desktop.run("xdotool", &["mousemove", &save.x.to_string(), &save.y.to_string(), "click", "1"]);
        form.wait_until("the button was clicked", |form| !form.seen("clicked", "Save").is_empty());
        assert!(form.seen("clicked", "Never").is_empty());
        assert!(form.events().iter().any(|event| event["event"] == "key-press" && event["key"] == "H"));
    }
}
