//! A window manager that takes its time between the parts of what it does, as real ones on a busy machine.

use core::time::Duration;
use std::thread::{sleep, spawn};

use opendesk_std::api::{Effect, Rect};
use opendesk_std::desktop::Computer;
use opendesk_std::desktop::x11::X11Desktop;
use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ChangeWindowAttributesAux, ClientMessageEvent, ConfigureWindowAux, ConnectionExt as _,
    CreateWindowAux, EventMask, PropMode, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use super::{find, unmanaged_server};
use crate::wait_until;

const SERVER: &str = "the X server answers";

/// Longer than it takes to look at a window.
const PAUSE: Duration = Duration::from_millis(80);

/// What it would put around every window: left, right, top, bottom.
const FRAME: [u32; 4] = [2, 2, 20, 2];

/// The hints that it knows.
const SUPPORTED: [&str; 6] = [
    "_NET_CLIENT_LIST_STACKING",
    "_NET_MOVERESIZE_WINDOW",
    "_NET_REQUEST_FRAME_EXTENTS",
    "_NET_FRAME_EXTENTS",
    "_NET_WM_STATE",
    "_NET_WM_STATE_MAXIMIZED_HORZ",
];

/// What the test asks it for, and what it then sets on its window: that it has done everything that it was asked for before.
const DONE: &str = "TEST_DONE";

/// The window manager and the one window that it has, which is maximised from side to side.
struct Manager {
    x: RustConnection,
    window: Window,
    /// Where the application's part of the window lies when it is an ordinary one.
    ordinary: [i32; 4],
    /// Whether it says how large a frame would be.
    answers: bool,
}

impl Manager {
    fn start(display: &str, ordinary: [i32; 4], answers: bool) -> Self {
        let (x, screen) = RustConnection::connect(Some(display)).expect(SERVER);
        let root = x.setup().roots[screen].root;
        let mask = EventMask::SUBSTRUCTURE_REDIRECT | EventMask::SUBSTRUCTURE_NOTIFY;
        let manages = ChangeWindowAttributesAux::new().event_mask(mask);
        x.change_window_attributes(root, &manages).expect(SERVER).check().expect("nobody else manages the windows");
        let [own, window] = [(); 2].map(|()| x.generate_id().expect(SERVER));
        let looks = CreateWindowAux::new().override_redirect(1);
        for of in [own, window] {
            x.create_window(0, of, root, 0, 0, 1, 1, 0, WindowClass::INPUT_OUTPUT, 0, &looks).expect(SERVER);
        }
        let manager = Self { x, window, ordinary, answers };
        for of in [root, own] {
            manager.set(of, "_NET_SUPPORTING_WM_CHECK", AtomEnum::WINDOW, &[own]);
        }
        manager.set(root, "_NET_SUPPORTED", AtomEnum::ATOM, &SUPPORTED.map(|name| manager.atom(name)));
        manager.set(root, "_NET_CLIENT_LIST_STACKING", AtomEnum::WINDOW, &[window]);
        manager.set(window, "_NET_WM_STATE", AtomEnum::ATOM, &[manager.atom("_NET_WM_STATE_MAXIMIZED_HORZ")]);
        manager.set(window, "_NET_FRAME_EXTENTS", AtomEnum::CARDINAL, &[0, 0, FRAME[2], FRAME[3]]);
        let title = (AtomEnum::WM_NAME, AtomEnum::STRING);
        manager.x.change_property8(PropMode::REPLACE, window, title.0, title.1, b"wide").expect(SERVER);
        let [_, y, _, height] = ordinary;
        manager.put([0, y, 1280, height]);
        manager.x.map_window(window).expect(SERVER);
        manager.x.sync().expect(SERVER);
        manager
    }

    fn atom(&self, name: &str) -> Atom {
        self.x.intern_atom(false, name.as_bytes()).expect(SERVER).reply().expect(SERVER).atom
    }

    fn set(&self, window: Window, name: &str, kind: AtomEnum, numbers: &[u32]) {
        self.x.change_property32(PropMode::REPLACE, window, self.atom(name), kind, numbers).expect(SERVER);
    }

    fn put(&self, [x, y, width, height]: [i32; 4]) {
        let size = [width, height].map(|side| u32::try_from(side).expect("a size"));
        let place = ConfigureWindowAux::new().x(x).y(y).width(size[0]).height(size[1]);
        self.x.configure_window(self.window, &place).expect(SERVER);
    }

    /// Carries out one request after the other until the server goes away.
    fn work(self) {
        while let Ok(event) = self.x.wait_for_event() {
            if let Event::ClientMessage(message) = event {
                self.carry_out(message);
            }
        }
    }

    fn carry_out(&self, message: ClientMessageEvent) {
        let names = ["_NET_WM_STATE", "_NET_MOVERESIZE_WINDOW", "_NET_REQUEST_FRAME_EXTENTS", DONE];
        let [state, place, extents, done] = names.map(|name| self.atom(name));
        if message.type_ == state {
            self.set(self.window, "_NET_WM_STATE", AtomEnum::ATOM, &[]);
            self.x.sync().expect(SERVER);
            sleep(PAUSE);
            self.set(self.window, "_NET_FRAME_EXTENTS", AtomEnum::CARDINAL, &FRAME);
            self.put(self.ordinary);
        } else if message.type_ == place {
            sleep(PAUSE);
            let [_, x, y, width, height] = message.data.as_data32().map(u32::cast_signed);
            let [left, _, top, _] = FRAME.map(u32::cast_signed);
            self.put([x + left, y + top, width, height]);
        } else if message.type_ == extents && self.answers {
            self.set(message.window, "_NET_FRAME_EXTENTS", AtomEnum::CARDINAL, &FRAME);
        } else if message.type_ == done {
            self.set(self.window, DONE, AtomEnum::CARDINAL, &[1]);
        }
        self.x.flush().expect(SERVER);
    }
}

/// Has a window placed by it where it lies already once it is an ordinary one, so that only what it was told last can be
/// seen to be wrong.
fn placed(answers: bool) -> opendesk_std::api::Result<Effect> {
    let (server, display) = unmanaged_server("1280x800x24");
    let manager = Manager::start(&display, [202, 170, 416, 308], answers);
    let (x, screen) = RustConnection::connect(Some(&display)).expect(SERVER);
    let (root, window, done) = (x.setup().roots[screen].root, manager.window, manager.atom(DONE));
    let working = spawn(move || manager.work());
    let computer = X11Desktop::open(Some(&display)).expect("the X server is there");
    wait_until("the window is listed", || find(&computer, "wide").is_some());
    let id = find(&computer, "wide").expect("it is listed").id;
    let effect = computer.move_window(&id, Rect::new(200.0, 150.0, 420.0, 330.0));
    let listeners = EventMask::SUBSTRUCTURE_REDIRECT | EventMask::SUBSTRUCTURE_NOTIFY;
    let asked = ClientMessageEvent::new(32, window, done, [0; 5]);
    x.send_event(false, root, listeners, asked).expect(SERVER).check().expect(SERVER);
    wait_until("the window manager has done everything", || {
        let said = x.get_property(false, window, done, AtomEnum::CARDINAL, 0, 1).expect(SERVER).reply().expect(SERVER);
        said.value_len == 1
    });
    let inner = x.get_geometry(window).expect(SERVER).reply().expect(SERVER);
    assert_eq!([inner.x, inner.y].map(i32::from), [202, 170]);
    assert_eq!([inner.width, inner.height], [416, 308]);
    drop((server, computer));
    working.join().expect("the window manager ended with its server");
    effect
}

#[test]
fn a_window_is_placed_by_the_frame_that_it_gets_when_it_becomes_an_ordinary_one() {
    assert_eq!(placed(true), Ok(Effect::Confirmed));
}

#[test]
fn what_no_window_manager_says_that_it_has_done_is_not_confirmed() {
    assert_eq!(placed(false), Ok(Effect::Unverifiable));
}
