//! The terminal while the view has it, and its restoring, however the view ends.

use std::io::{self, Stdout, Write};
use std::panic;

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui::crossterm::{execute, queue};
use ratatui::layout::{Position, Rect};
use ratatui::{Frame, Terminal};

/// A terminal that is the view's until this is dropped.
#[derive(Debug)]
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    /// Takes the terminal.
    pub(super) fn open() -> io::Result<Self> {
        restore_on_panic();
        let opened = take();
        if opened.is_err() {
            restore();
        }
        opened.map(|terminal| Self { terminal })
    }

    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(draw).map(drop)
    }

    /// Has the next drawing draw everything.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        // `Terminal::clear` would ask for the cursor's place, and whoever waits for keys would get the answer.
        let size = self.terminal.size()?;
        self.terminal.resize(Rect::from((Position::ORIGIN, size)))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

fn take() -> io::Result<Terminal<CrosstermBackend<Stdout>>> {
    enable_raw_mode()?;
    let mut out = io::stdout();
    // What is pasted comes as one piece then, and is no keys.
    execute!(out, EnterAlternateScreen, EnableBracketedPaste)?;
    Terminal::new(CrosstermBackend::new(out))
}

/// Gives the terminal back as it was. Where that fails there is no terminal any more.
fn restore() {
    drop(leave(&mut io::stdout()));
    drop(disable_raw_mode());
}

fn leave(out: &mut impl Write) -> io::Result<()> {
    queue!(out, DisableBracketedPaste, LeaveAlternateScreen, Show)?;
    out.flush()
}

/// So that the message of a panic can be read.
fn restore_on_panic() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        restore();
        before(panic);
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_terminal_is_given_back() {
        let mut written = Vec::new();
        leave(&mut written).unwrap();
        assert_eq!(String::from_utf8_lossy(&written), "\u{1b}[?2004l\u{1b}[?1049l\u{1b}[?25h");
    }
}
