//! The program behind the window: what it does when the server tells it something, on a connection of its own.

use core::mem;

use x11rb::connection::Connection as _;
use x11rb::properties::{WmHints, WmSizeHints, WmSizeHintsSpecification};
use x11rb::protocol::Event;
use x11rb::protocol::xkb::{self, ConnectionExt as _, EventType, MapPart, SelectEventsAux};
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ClientMessageEvent, ConnectionExt as _, CreateWindowAux, EventMask, FocusInEvent, InputFocus,
    NotifyDetail, NotifyMode, PropMode, Rectangle, Window, WindowClass,
};
use x11rb::wrapper::ConnectionExt as _;
use x11rb::{COPY_DEPTH_FROM_PARENT, CURRENT_TIME};

use super::super::connection::{Outcome, Wire};
use super::super::input::CORE_KEYBOARD;
use super::draw::{BUTTON, Canvas, SIZE};
use super::keys::Keys;

/// What the window is called.
pub(super) const TITLE: &str = "opendesk probe";
const CLASS: &[u8] = b"opendesk-probe\0opendesk-probe\0";

/// Where the window asks to be.
const POSITION: (i16, i16) = (80, 60);

/// The main mouse button.
const MAIN_BUTTON: u8 = 1;

/// The buttons that are counted: 1 to 9, of which 4 to 7 are the wheel.
const BUTTONS: usize = 10;

/// What the window shows.
#[derive(Clone, Default)]
pub(super) struct State {
    /// Whether it could be seen at least once.
    pub(super) exposed: bool,
    /// Whether it has the keyboard.
    pub(super) focused: bool,
    /// Whether a program has all keys for itself for a while, as menus and lock screens do.
    pub(super) grabbed: bool,
    /// Whether the mouse button is down on the window's button.
    pub(super) pressed: bool,
    pub(super) clicks: u32,
    pub(super) text: String,
    pub(super) mouse: Mouse,
}

/// What the window gets of the mouse and does not show.
#[derive(Clone, Copy, Default)]
pub(super) struct Mouse {
    /// Where the pointer last was over the window, in the desktop's coordinates.
    pub(super) pointer: Option<(i16, i16)>,
    /// How often each button was pressed, by its number.
    pub(super) presses: [u32; BUTTONS],
}

pub(super) struct Program {
    wire: Wire,
    window: Window,
    atoms: Atoms,
    keys: Keys,
    canvas: Canvas,
    state: State,
    /// Whether the window shows something older than `state`.
    stale: bool,
    /// Whether there is something to tell that the window does not show.
    news: bool,
    had_keyboard: bool,
    closed: bool,
}

impl Program {
    /// Makes the window and asks the server, or its window manager, to show it.
    pub(super) fn start(wire: Wire) -> Outcome<Self> {
        let atoms = Atoms::intern(&wire)?;
        let window = create(&wire, &atoms)?;
        hear_of_new_maps(&wire)?;
        let keys = Keys::read(&wire)?;
        let canvas = Canvas::new(&wire, window)?;
        wire.x.map_window(window)?.check()?;
        let state = State::default();
        let (stale, news, had_keyboard, closed) = (false, false, false, false);
        Ok(Self { wire, window, atoms, keys, canvas, state, stale, news, had_keyboard, closed })
    }

    pub(super) const fn window(&self) -> Window {
        self.window
    }

    /// The message that closes the window, as a window manager sends it.
    pub(super) fn farewell(&self) -> ClientMessageEvent {
        ClientMessageEvent::new(32, self.window, self.atoms.protocols, [self.atoms.delete, CURRENT_TIME, 0, 0, 0])
    }

    /// Serves the window until it is closed. What is told can be seen on the screen already.
    pub(super) fn run(&mut self, tell: impl Fn(&State)) -> Outcome<()> {
        while !self.closed {
            self.wire.x.flush()?;
            let event = self.wire.x.wait_for_event()?;
            self.handle(&event)?;
            // Drawing takes time, and a new keyboard map has to be read before it is replaced: all news first.
            while let Some(event) = self.wire.x.poll_for_event()? {
                self.handle(&event)?;
            }
            let (is_stale, has_news) = (mem::take(&mut self.stale), mem::take(&mut self.news));
            if is_stale {
                self.canvas.paint(&self.wire.x, self.window, &self.state)?;
            }
            if is_stale || has_news {
                tell(&self.state);
            }
        }
        Ok(())
    }

    fn handle(&mut self, event: &Event) -> Outcome<()> {
        self.hear_mouse(event);
        self.hear_grabs(event);
        match event {
            Event::MapNotify(_) => self.ask_for_keyboard()?,
            Event::Expose(_) => {
                self.state.exposed = true;
                self.stale = true;
                self.ask_for_keyboard()?;
            }
            Event::FocusIn(focus) if is_lasting(focus) => {
                self.had_keyboard = true;
                self.state.focused = true;
                self.stale = true;
            }
            Event::FocusOut(focus) if is_lasting(focus) => {
                self.state.focused = false;
                self.stale = true;
            }
            Event::ButtonPress(press) if press.detail == MAIN_BUTTON => {
                self.state.pressed = contains(BUTTON, press.event_x, press.event_y);
                self.stale = true;
            }
            Event::ButtonRelease(release) if release.detail == MAIN_BUTTON => {
                let pressed = mem::take(&mut self.state.pressed);
                if pressed && contains(BUTTON, release.event_x, release.event_y) {
                    self.state.clicks = self.state.clicks.saturating_add(1);
                }
                self.stale = true;
            }
            Event::KeyPress(press) => {
                self.stale |= self.keys.type_into(&mut self.state.text, press.detail, press.state.into());
            }
            Event::MappingNotify(_) | Event::XkbMapNotify(_) | Event::XkbNewKeyboardNotify(_) => {
                self.keys = Keys::read(&self.wire)?;
            }
            Event::ClientMessage(message) => {
                let [what, ..] = message.data.as_data32();
                self.closed |= message.type_ == self.atoms.protocols && what == self.atoms.delete;
            }
            _ => {}
        }
        Ok(())
    }

    fn hear_mouse(&mut self, event: &Event) {
        let mouse = &mut self.state.mouse;
        match event {
            Event::MotionNotify(motion) => mouse.pointer = Some((motion.root_x, motion.root_y)),
            Event::EnterNotify(enter) => mouse.pointer = Some((enter.root_x, enter.root_y)),
            Event::LeaveNotify(_) => mouse.pointer = None,
            Event::ButtonPress(press) => {
                if let Some(count) = mouse.presses.get_mut(usize::from(press.detail)) {
                    *count = count.saturating_add(1);
                }
            }
            _ => return,
        }
        self.news = true;
    }

    /// A grab is told as if the keyboard went, and its end as if it came back.
    fn hear_grabs(&mut self, event: &Event) {
        let (Event::FocusIn(focus) | Event::FocusOut(focus)) = event else { return };
        let is_grabbed = matches!(focus.mode, NotifyMode::GRAB | NotifyMode::WHILE_GRABBED);
        self.news |= is_grabbed != self.state.grabbed;
        self.state.grabbed = is_grabbed;
    }

    /// Takes the keyboard, and asks the window manager to bring the window to the front, until it has had the keyboard
    /// once. Both requests may be in vain: a refusal arrives as an event of no consequence, and the window asks again
    /// when it is next uncovered.
    fn ask_for_keyboard(&self) -> Outcome<()> {
        const FROM_THE_PERSON: u32 = 2;
        if self.had_keyboard {
            return Ok(());
        }
        let x = &self.wire.x;
        x.set_input_focus(InputFocus::PARENT, self.window, CURRENT_TIME)?;
        let activate = [FROM_THE_PERSON, CURRENT_TIME, 0, 0, 0];
        let message = ClientMessageEvent::new(32, self.window, self.atoms.activate, activate);
        let manager = EventMask::SUBSTRUCTURE_REDIRECT | EventMask::SUBSTRUCTURE_NOTIFY;
        x.send_event(false, self.wire.root(), manager, message)?;
        Ok(())
    }
}

/// The names that the window and its manager talk in.
struct Atoms {
    protocols: Atom,
    delete: Atom,
    activate: Atom,
    process: Atom,
}

impl Atoms {
    fn intern(wire: &Wire) -> Outcome<Self> {
        let atom = |name: &str| -> Outcome<Atom> { Ok(wire.x.intern_atom(false, name.as_bytes())?.reply()?.atom) };
        Ok(Self {
            protocols: atom("WM_PROTOCOLS")?,
            delete: atom("WM_DELETE_WINDOW")?,
            activate: atom("_NET_ACTIVE_WINDOW")?,
            process: atom("_NET_WM_PID")?,
        })
    }
}

fn create(wire: &Wire, atoms: &Atoms) -> Outcome<Window> {
    let (x, screen) = (&wire.x, wire.screen());
    let window = x.generate_id()?;
    let events = EventMask::EXPOSURE
        | EventMask::STRUCTURE_NOTIFY
        | EventMask::FOCUS_CHANGE
        | EventMask::KEY_PRESS
        | EventMask::BUTTON_PRESS
        | EventMask::BUTTON_RELEASE
        | EventMask::POINTER_MOTION
        | EventMask::ENTER_WINDOW
        | EventMask::LEAVE_WINDOW;
    x.create_window(
        COPY_DEPTH_FROM_PARENT,
        window,
        screen.root,
        POSITION.0,
        POSITION.1,
        SIZE.0,
        SIZE.1,
        0,
        WindowClass::INPUT_OUTPUT,
        screen.root_visual,
        &CreateWindowAux::new().background_pixel(screen.white_pixel).event_mask(events),
    )?
    .check()?;
    x.change_property8(PropMode::REPLACE, window, AtomEnum::WM_NAME, AtomEnum::STRING, TITLE.as_bytes())?;
    x.change_property8(PropMode::REPLACE, window, AtomEnum::WM_CLASS, AtomEnum::STRING, CLASS)?;
    x.change_property32(PropMode::REPLACE, window, atoms.protocols, AtomEnum::ATOM, &[atoms.delete])?;
    // A number of a process means something only with its machine.
    let machine = crate::hostname();
    x.change_property8(PropMode::REPLACE, window, AtomEnum::WM_CLIENT_MACHINE, AtomEnum::STRING, machine.as_bytes())?;
    x.change_property32(PropMode::REPLACE, window, atoms.process, AtomEnum::CARDINAL, &[std::process::id()])?;
    let size = (i32::from(SIZE.0), i32::from(SIZE.1));
    let hints = WmSizeHints {
        position: Some((WmSizeHintsSpecification::UserSpecified, POSITION.0.into(), POSITION.1.into())),
        size: Some((WmSizeHintsSpecification::ProgramSpecified, size.0, size.1)),
        min_size: Some(size),
        max_size: Some(size),
        ..WmSizeHints::default()
    };
    hints.set_normal_hints(x, window)?;
    let hints = WmHints { input: Some(true), ..WmHints::default() };
    hints.set(x, window)?;
    Ok(window)
}

/// Asks to be told of every new keyboard map. Speaking XKB also makes the server say in every key's event which group
/// was in effect.
fn hear_of_new_maps(wire: &Wire) -> Outcome<()> {
    if wire.has(xkb::X11_EXTENSION_NAME)? && wire.x.xkb_use_extension(1, 0)?.reply()?.supported {
        let kinds = EventType::NEW_KEYBOARD_NOTIFY | EventType::MAP_NOTIFY;
        let parts = MapPart::KEY_SYMS | MapPart::MODIFIER_MAP;
        let (none, details) = (EventType::default(), SelectEventsAux::new());
        wire.x.xkb_select_events(CORE_KEYBOARD.into(), none, kinds, parts, parts, &details)?.check()?;
    }
    Ok(())
}

/// Whether the keyboard itself came or went. Grabs, and a pointer that passes while no window has the keyboard, are
/// told in the same way.
fn is_lasting(focus: &FocusInEvent) -> bool {
    let moved = focus.mode == NotifyMode::NORMAL || focus.mode == NotifyMode::WHILE_GRABBED;
    moved && focus.detail != NotifyDetail::POINTER
}

fn contains(part: Rectangle, x: i16, y: i16) -> bool {
    let within = |start: i16, length: u16, at: i16| {
        let start = i32::from(start);
        (start..start + i32::from(length)).contains(&i32::from(at))
    };
    within(part.x, part.width, x) && within(part.y, part.height, y)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edges_of_a_part_belong_to_it_on_the_left_and_at_the_top() {
        let part = Rectangle { x: 10, y: 20, width: 5, height: 2 };
        for (x, y) in [(10, 20), (14, 21)] {
            assert!(contains(part, x, y), "{x},{y}");
        }
        for (x, y) in [(9, 20), (15, 20), (10, 19), (10, 22), (i16::MIN, i16::MIN), (i16::MAX, i16::MAX)] {
            assert!(!contains(part, x, y), "{x},{y}");
        }
        let far = Rectangle { x: i16::MAX, y: i16::MAX, width: u16::MAX, height: u16::MAX };
        assert!(contains(far, i16::MAX, i16::MAX));
    }

    #[test]
    fn only_the_keyboard_itself_coming_and_going_counts() {
        let told = |mode, detail| is_lasting(&FocusInEvent { mode, detail, ..FocusInEvent::default() });
        assert!(told(NotifyMode::NORMAL, NotifyDetail::NONLINEAR));
        assert!(told(NotifyMode::WHILE_GRABBED, NotifyDetail::ANCESTOR));
        assert!(!told(NotifyMode::GRAB, NotifyDetail::NONLINEAR));
        assert!(!told(NotifyMode::UNGRAB, NotifyDetail::NONLINEAR));
        assert!(!told(NotifyMode::NORMAL, NotifyDetail::POINTER));
    }
}
