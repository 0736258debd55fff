//! What is done to the window, and what the window saw of it.

use core::cell::Cell;
use core::time::Duration;

use super::common::{self, TYPED, compared, stroke};
use super::elements::{self, Witness};
use super::proofs::{Obstacle, Proof, Tried};
use crate::api::{Button, Effect, Point, Press, Rect, TreeParams, Window};
use crate::cancel::Cancel;
use crate::clock::monotonic;
use crate::desktop::session::SessionEnvironment;
use crate::desktop::x11::{ProbeWindow, X11Desktop};
use crate::desktop::{CaptureArea, Computer, Key};

/// How long an effect may take to be seen; where it works, it takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often something is looked at that the window does not hear of.
const LOOK: Duration = Duration::from_millis(50);

/// By how much a channel of a colour may be off on displays of few colours.
const NEAR: u8 = 8;

/// The window, and the desktop that is tried out.
pub(super) struct Stage<'a> {
    window: &'a ProbeWindow,
    computer: &'a X11Desktop,
    cancel: &'a Cancel,
    /// Whether keys were seen to arrive in the window.
    keys_arrive: Cell<bool>,
}

impl<'a> Stage<'a> {
    pub(super) const fn new(window: &'a ProbeWindow, computer: &'a X11Desktop, cancel: &'a Cancel) -> Self {
        Self { window, computer, cancel, keys_arrive: Cell::new(false) }
    }

    /// The colours of the window are in a picture.
    pub(super) fn capture(&self) -> Proof {
        let painted = self.window.painted()?;
        // A compositor shows a window a little later than it was painted.
        self.until(|| {
            for (point, colour) in &painted {
                self.shows(*point, *colour)?;
            }
            Ok(format!("{} colours of the window were read back", painted.len()))
        })
    }

    fn shows(&self, at: Point, colour: [u8; 3]) -> Tried<()> {
        let region = Some(Rect::new(at.x, at.y, 1.0, 1.0));
        let frame = self.computer.capture(&CaptureArea { region, ..CaptureArea::default() })?;
        let &[blue, green, red, ..] = frame.pixels.as_slice() else {
            return Err(Obstacle::failed("a picture of one pixel has none"));
        };
        let shown = [red, green, blue];
        if shown.iter().zip(colour).all(|(one, other)| one.abs_diff(other) <= NEAR) {
            return Ok(());
        }
        Err(Obstacle::failed(format!(
            "the window is {colour:?} at {},{} and a picture shows {shown:?}; if no other window covers it, pictures \
             are wrong",
            at.x, at.y
        )))
    }

    /// The window sees the pointer come.
    pub(super) fn pointer(&self) -> Proof {
        let entry = self.point(self.window.entry()?.center())?;
        let button = self.point(self.window.button()?.center())?;
        Ok(format!("the window saw it at {},{} and at {},{}", entry.x, entry.y, button.x, button.y))
    }

    /// Moves the pointer to a pixel of the window, and makes sure that it is not over another one.
    fn point(&self, to: Point) -> Tried<Point> {
        let to = Point::new(to.x.floor(), to.y.floor());
        self.computer.move_pointer(to)?;
        if self.window.wait(|window| window.pointer() == Some(to), PATIENCE) {
            return Ok(to);
        }
        let seen = self.window.pointer().map_or_else(|| "nowhere".to_owned(), |at| format!("at {},{}", at.x, at.y));
        Err(Obstacle::failed(format!(
            "the pointer was sent to {},{} and the window saw it {seen}; uncover the window and leave the mouse alone",
            to.x, to.y
        )))
    }

    /// The window sees every button, and the main one clicks.
    pub(super) fn buttons(&self) -> Proof {
        self.point(self.window.button()?.center())?;
        let clicks = self.window.clicks();
        for button in [Button::Left, Button::Middle, Button::Right] {
            self.press(button)?;
        }
        if !self.window.wait(|window| window.clicks() == clicks + 1, PATIENCE) {
            let more = self.window.clicks() - clicks;
            return Err(Obstacle::failed(format!("one click became {more}; leave the mouse alone")));
        }
        // Not every mouse has them.
        let thumbs = self.press(Button::X1).and_then(|()| self.press(Button::X2));
        let thumbs = if thumbs.is_ok() { "and both thumb buttons" } else { "but not the thumb buttons" };
        Ok(format!("the window saw left, middle and right {thumbs}, and one click on its own button"))
    }

    fn press(&self, button: Button) -> Tried<()> {
        let before = self.window.presses(button);
        let pressed = self.computer.button(button, Press::Down);
        let released = self.computer.button(button, Press::Up);
        pressed.and(released)?;
        if self.window.wait(|window| window.presses(button) > before, PATIENCE) {
            return Ok(());
        }
        Err(Obstacle::failed(format!("the window did not see the {button:?} button").to_lowercase()))
    }

    /// The window sees the wheel turn in every direction.
    pub(super) fn wheel(&self) -> Proof {
        self.point(self.window.entry()?.center())?;
        let before = self.window.wheel();
        for (right, up) in [(0.0, 1.0), (0.0, -1.0), (-1.0, 0.0), (1.0, 0.0)] {
            self.computer.scroll(right, up)?;
        }
        let expected = before.map(|clicks| clicks + 1);
        if self.window.wait(|window| window.wheel() == expected, PATIENCE) {
            return Ok("the window saw it turn up, down, left and right".to_owned());
        }
        let now = self.window.wheel();
        let seen: Vec<String> = now.iter().zip(before).map(|(now, before)| (now - before).to_string()).collect();
        Err(Obstacle::failed(format!("of one click up, down, left and right each the window saw {}", seen.join(", "))))
    }

    /// The window gets keys.
    pub(super) fn keyboard(&self) -> Proof {
        self.own_keyboard()?;
        let before = self.window.text();
        stroke(self.computer, Key::Char('x'))?;
        // A capital one while Caps Lock is on.
        let with_letter = format!("{before}x");
        if !self.window.wait(|window| window.text().eq_ignore_ascii_case(&with_letter), PATIENCE) {
            return Err(Obstacle::failed("x was pressed and did not arrive in the window"));
        }
        self.keys_arrive.set(true);
        stroke(self.computer, Key::Backspace)?;
        if !self.window.wait(|window| window.text() == before, PATIENCE) {
            return Err(Obstacle::failed("Backspace was pressed and did not arrive in the window"));
        }
        Ok("x and Backspace arrived in the window".to_owned())
    }

    /// The window gets text exactly.
    pub(super) fn text(&self) -> Proof {
        self.own_keyboard()?;
        if !self.keys_arrive.get() {
            return Err(Obstacle::failed("nothing was typed, because keys do not arrive in the window"));
        }
        let expected = self.window.text() + TYPED;
        let before = expected.len() - TYPED.len();
        self.computer.type_text(TYPED, Duration::ZERO, self.cancel)?;
        self.window.wait(|window| window.text() == expected, PATIENCE);
        let arrived = self.window.text();
        compared(TYPED, arrived.get(before..).unwrap_or_default())
    }

    /// Nothing is typed into the windows of others.
    fn own_keyboard(&self) -> Tried<()> {
        if self.window.wait(ProbeWindow::has_keyboard, PATIENCE) {
            return Ok(());
        }
        Err(Obstacle::failed(
            "nothing was typed, because another window, a menu or a lock screen has the keyboard; close it and try again",
        ))
    }

    /// The window is in the list, and has the keyboard after it was given to it.
    pub(super) fn windows(&self) -> Proof {
        let (own, count) = self.until(|| self.own_window())?;
        if !self.computer.capabilities().contains(&"windows.manipulate") {
            return Ok(format!("the window is one of {count}; they cannot be moved or brought to the front"));
        }
        if self.computer.focus_window(&own.id)? == Effect::NoEffect {
            return Err(Obstacle::failed("the window could not be brought to the front"));
        }
        if !self.window.wait(ProbeWindow::has_keyboard, PATIENCE) {
            return Err(Obstacle::failed("the window was brought to the front and did not get the keyboard"));
        }
        self.until(|| match self.own_window()? {
            (Window { focused: true, .. }, count) => Ok(format!("the window is one of {count}, and has the keyboard")),
            (_, count) => {
                Err(Obstacle::failed(format!("the window is one of {count} and is said to have no keyboard")))
            }
        })
    }

    fn own_window(&self) -> Tried<(Window, usize)> {
        let windows = self.computer.windows()?;
        let process = std::process::id();
        let count = windows.len();
        let is_own =
            |window: &Window| window.title == ProbeWindow::TITLE && window.pid.is_none_or(|pid| pid == process);
        let own = windows.into_iter().find(is_own);
        let lost = || Obstacle::failed(format!("the window of this check is none of the {count} that are listed"));
        Ok((own.ok_or_else(lost)?, count))
    }

    /// The words in the window can be read.
    pub(super) fn ocr(&self) -> Proof {
        common::ocr(self.computer, self.window.sample()?, ProbeWindow::SAMPLE, self.cancel)
    }

    /// The window is found by what it shows to accessibility, and hears what is done to it there. It takes part in it
    /// only for this, so nobody else has to.
    pub(super) fn accessibility(&self, session: &SessionEnvironment) -> Proof {
        let shown = self.window.take_part(session, self.cancel)?;
        let witness = Witness {
            window: &format!("the window {:?}", ProbeWindow::TITLE),
            tree: self.own_tree()?,
            button: ProbeWindow::BUTTON_NAME,
            clicks: &|| shown.clicks(),
            field: ProbeWindow::FIELD_NAME,
            text: &|| shown.text(),
        };
        elements::proof(self.computer, &witness, self.cancel)
    }

    /// How the tree of the window is asked for.
    fn own_tree(&self) -> Tried<TreeParams> {
        // Windows have ids only where they can be listed.
        if !self.computer.capabilities().contains(&"windows.list") {
            return Ok(TreeParams { app: Some(ProbeWindow::PROGRAM.to_owned()), ..TreeParams::default() });
        }
        let (own, _) = self.until(|| self.own_window())?;
        Ok(TreeParams { window_id: Some(own.id), ..TreeParams::default() })
    }

    /// Tries until something is proved or there is no more patience.
    fn until<T>(&self, proof: impl Fn() -> Tried<T>) -> Tried<T> {
        let begun = monotonic();
        loop {
            match proof() {
                Err(Obstacle::Failed(_)) if begun.elapsed() < PATIENCE => {
                    // Nothing is awaited here but time.
                    self.window.wait(|_| false, LOOK);
                }
                proved => return proved,
            }
        }
    }
}
