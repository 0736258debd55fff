//! A small window of our own on an X desktop, to find out whether pictures, pointer and keyboard work.
//!
//! It is a program like any other: it has its own connection, reads keys as programs do, and knows nothing of those
//! who make them.

mod accessible;
mod draw;
mod former;
mod keys;
mod program;
mod selection;

use core::fmt;
use core::time::Duration;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use x11rb::protocol::xproto::{ClientMessageEvent, ConnectionExt as _, EventMask, Rectangle, Window};

use self::draw::{BUTTON, ENTRY, PAINTED, SAMPLE, SAMPLE_PLACE};
use self::former::Former;
use self::program::{Program, State, TITLE};
pub(crate) use self::selection::{ClipboardWitness, OwnedClipboard};
use super::connection::{Server, Slot, Wire};
use crate::api::{Button, Error, Point, Rect, Result};
use crate::desktop::session::SessionEnvironment;

/// How long the window may take to be seen and to get the keyboard; on a desktop that works it is a few frames.
const OPENING: Duration = Duration::from_secs(3);

/// A window with a button that counts clicks and a text field that shows what is typed. It is closed when the value is
/// dropped, and whoever had the keyboard before it has it again.
///
/// [`clicks`](Self::clicks) and [`text`](Self::text) tell what programs on this desktop get of pointer and keyboard;
/// whatever they tell is drawn already, so a picture taken afterwards shows it.
pub struct ProbeWindow {
    display: String,
    shared: Arc<Shared>,
    /// Another connection: it asks where the window is, and it closes the window.
    remote: Slot<Wire>,
    former: Former,
    window: Window,
    farewell: ClientMessageEvent,
    /// `None` once the value is being dropped.
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for ProbeWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProbeWindow")
            .field("display", &self.display)
            .field("window", &self.window)
            .field("clicks", &self.clicks())
            .finish_non_exhaustive()
    }
}

impl ProbeWindow {
    /// Its title.
    pub const TITLE: &'static str = TITLE;

    /// What is written at [`sample`](Self::sample), on any server.
    pub const SAMPLE: &'static str = SAMPLE;

    /// Opens the window on a display such as `:0`, or on the one that `DISPLAY` names, brings it to the front and
    /// returns when it can be seen and has the keyboard.
    ///
    /// # Errors
    /// [`ErrorCode::Internal`](crate::api::ErrorCode::Internal) when there is no server, or when the window could not
    /// be seen or had no keyboard after three seconds.
    pub fn open(display: Option<&str>) -> Result<Self> {
        let display = display.map(str::to_owned).or_else(|| std::env::var("DISPLAY").ok()).unwrap_or_default();
        Self::open_on(Server { display, authority: None })
    }

    /// The same, on the display of a session that was found.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_in(session: &SessionEnvironment) -> Result<Self> {
        Self::open_on(selection::server(session)?)
    }

    fn open_on(server: Server) -> Result<Self> {
        let display = server.display.clone();
        let remote = Slot::open(server.clone(), Ok)?;
        let former = remote.with(|remote| Former::ask(remote))?;
        let program = Slot::open(server, Program::start)?;
        let (window, farewell) = program.with(|program| Ok((program.window(), program.farewell())))?;
        let shared = Arc::<Shared>::default();
        let told = Arc::clone(&shared);
        let serve = move || {
            let served = program.with(|program| program.run(|state| told.tell(state)));
            // The window goes with its connection.
            drop(program);
            told.end(served);
        };
        let thread = thread::Builder::new()
            .name("opendesk-probe".to_owned())
            .spawn(serve)
            .map_err(|error| Error::internal(format!("no thread for the probe window could be started: {error}")))?;
        let probe = Self { display, shared, remote, former, window, farewell, thread: Some(thread) };
        probe.wait(|probe| probe.is_ready() || probe.shared.ended().is_some(), OPENING);
        probe.check_ready()?;
        Ok(probe)
    }

    fn is_ready(&self) -> bool {
        let state = self.shared.state();
        state.exposed && state.focused
    }

    fn check_ready(&self) -> Result<()> {
        if let Some(error) = self.shared.ended() {
            return Err(error);
        }
        let State { exposed, focused, .. } = *self.shared.state();
        let (lacks, remedy) = match (exposed, focused) {
            (false, _) => ("could not be seen", "unlock the screen and show the desktop"),
            (true, false) => ("did not get the keyboard", "close menus and whatever else holds the keyboard"),
            (true, true) => return Ok(()),
        };
        let seconds = OPENING.as_secs();
        Err(Error::internal(format!(
            "the probe window {lacks} on the display {} within {seconds} s; {remedy}, then try again",
            self.display
        )))
    }

    /// Where the button is on the desktop, in pixels. The window may be moved at any time, so ask when it is needed.
    ///
    /// # Errors
    /// [`ErrorCode::Internal`](crate::api::ErrorCode::Internal) when the window is closed or the server went away.
    pub fn button(&self) -> Result<Rect> {
        self.place(BUTTON)
    }

    /// Where the text field is on the desktop, in pixels.
    ///
    /// # Errors
    /// As [`button`](Self::button).
    pub fn entry(&self) -> Result<Rect> {
        self.place(ENTRY)
    }

    /// Where the [sample](Self::SAMPLE) of text is on the desktop, with ground around it, in pixels.
    ///
    /// # Errors
    /// As [`button`](Self::button).
    pub fn sample(&self) -> Result<Rect> {
        self.place(SAMPLE_PLACE)
    }

    /// Three pixels of the window on the desktop, and the colours that they have as long as there is no text and the
    /// button is not pressed: red, green, blue.
    ///
    /// # Errors
    /// As [`button`](Self::button).
    pub fn painted(&self) -> Result<[(Point, [u8; 3]); 3]> {
        let Rect { x, y, .. } = self.place(Rectangle::default())?;
        Ok(PAINTED.map(|(at, colour)| (Point::new(x + f64::from(at.0), y + f64::from(at.1)), colour)))
    }

    fn place(&self, part: Rectangle) -> Result<Rect> {
        if let Some(error) = self.shared.ended() {
            return Err(error);
        }
        let corner = self.remote.with(|remote| {
            remote.take_events(|_| {})?;
            Ok(remote.x.translate_coordinates(self.window, remote.root(), part.x, part.y)?.reply()?)
        })?;
        Ok(Rect::new(corner.dst_x.into(), corner.dst_y.into(), part.width.into(), part.height.into()))
    }

    /// How often the button was clicked: pressed and released on it.
    #[must_use]
    pub fn clicks(&self) -> u32 {
        self.shared.state().clicks
    }

    /// What was typed and not erased; Return is a line end, Tab is a tab.
    #[must_use]
    pub fn text(&self) -> String {
        self.shared.state().text.clone()
    }

    /// Whether what is typed goes to the window now: it has the keyboard, and no menu or lock screen takes all keys.
    #[must_use]
    pub fn has_keyboard(&self) -> bool {
        let State { focused, grabbed, .. } = *self.shared.state();
        focused && !grabbed
    }

    /// Where the pointer is on the desktop, as far as the window was told; `None` while it is elsewhere.
    #[must_use]
    pub fn pointer(&self) -> Option<Point> {
        let (x, y) = self.shared.state().mouse.pointer?;
        Some(Point::new(x.into(), y.into()))
    }

    /// How often a mouse button was pressed over the window.
    #[must_use]
    pub fn presses(&self, button: Button) -> u32 {
        self.presses_of(match button {
            Button::Left => 1,
            Button::Middle => 2,
            Button::Right => 3,
            Button::X1 => 8,
            Button::X2 => 9,
        })
    }

    /// How many clicks the wheel was turned over the window: upwards, downwards, to the left, to the right.
    #[must_use]
    pub fn wheel(&self) -> [u32; 4] {
        [4, 5, 6, 7].map(|number| self.presses_of(number))
    }

    fn presses_of(&self, number: usize) -> u32 {
        self.shared.state().mouse.presses.get(number).copied().unwrap_or_default()
    }

    /// Waits until something about the window is so, and tells whether it came true within this time. `what` is asked
    /// whenever the window has changed, and must not itself wait for the window.
    pub fn wait(&self, what: impl Fn(&Self) -> bool, within: Duration) -> bool {
        self.shared.wait(|| what(self), within)
    }
}

impl Drop for ProbeWindow {
    fn drop(&mut self) {
        let asked = self.remote.with(|remote| {
            remote.take_events(|_| {})?;
            Ok(remote.x.send_event(false, self.window, EventMask::NO_EVENT, self.farewell)?.check()?)
        });
        // Where the message did not arrive, the window is closed already or its server is gone, and the thread ends
        // without being waited for.
        if let (Ok(()), Some(thread)) = (asked, self.thread.take()) {
            let _ended = thread.join().is_ok();
        }
        // A server that is gone has nothing to give back.
        let _restored = self.remote.with(|remote| self.former.restore(remote)).is_ok();
    }
}

/// What the window's thread tells the others.
#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    ended: Mutex<Option<Error>>,
    /// Held while somebody looks at the rest, and taken after every change of it, so that no change is missed between
    /// a look and the wait.
    looking: Mutex<()>,
    changed: Condvar,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }

    fn ended(&self) -> Option<Error> {
        locked(&self.ended).clone()
    }

    fn tell(&self, state: &State) {
        locked(&self.state).clone_from(state);
        self.announce();
    }

    fn end(&self, served: Result<()>) {
        let closed = || Error::internal("the probe window was closed; open another one");
        *locked(&self.ended) = Some(served.err().unwrap_or_else(closed));
        self.announce();
    }

    fn announce(&self) {
        drop(locked(&self.looking));
        self.changed.notify_all();
    }

    fn wait(&self, what: impl Fn() -> bool, within: Duration) -> bool {
        let looking = locked(&self.looking);
        let waited = self.changed.wait_timeout_while(looking, within, |_| !what());
        let (_looking, result) = waited.unwrap_or_else(PoisonError::into_inner);
        !result.timed_out()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ErrorCode;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn without_a_server_there_is_no_window_and_one_line_says_so() {
        for display in ["", "nonsense", "unix/:4242"] {
            let error = ProbeWindow::open(Some(display)).unwrap_err();
            assert_eq!(error.code, ErrorCode::Internal);
            assert!(error.message.contains("X display") || error.message.contains("X server"), "{error}");
            assert!(!error.message.contains('\n'));
        }
    }

    #[test]
    fn whoever_waits_sees_every_change() {
        let shared = Arc::<Shared>::default();
        let told = Arc::clone(&shared);
        let program = thread::spawn(move || {
            for clicks in 1..=1000 {
                told.tell(&State { clicks, ..State::default() });
            }
        });
        for clicks in [1, 500, 1000] {
            assert!(shared.wait(|| shared.state().clicks >= clicks, LONG));
        }
        program.join().unwrap();
        assert!(!shared.wait(|| shared.state().clicks > 1000, Duration::ZERO));
        assert!(shared.wait(|| true, Duration::ZERO), "what is so already needs no time");
    }

    #[test]
    fn the_end_of_the_window_ends_a_wait() {
        let shared = Arc::<Shared>::default();
        let told = Arc::clone(&shared);
        let program = thread::spawn(move || told.end(Ok(())));
        assert!(shared.wait(|| shared.ended().is_some(), LONG));
        program.join().unwrap();
        assert!(shared.ended().unwrap().message.contains("was closed"));
        shared.end(Err(Error::internal("the X server went away")));
        assert_eq!(shared.ended(), Some(Error::internal("the X server went away")));
    }
}
