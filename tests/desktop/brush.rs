//! A program that paints on the screen by hand, over whatever is there, so that a test knows when it has been painted.

use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{
    ChangeGCAux, ConnectionExt as _, CreateGCAux, Gcontext, Rectangle, SubwindowMode, Window,
};
use x11rb::rust_connection::RustConnection;

const SERVER: &str = "the X server answers";

/// It paints until it is dropped; what it has painted stays.
#[derive(Debug)]
pub(super) struct Brush {
    x: RustConnection,
    root: Window,
    gc: Gcontext,
}

impl Brush {
    pub(super) fn new(display: &str) -> Self {
        let (x, screen) = RustConnection::connect(Some(display)).expect(SERVER);
        let (root, gc) = (x.setup().roots[screen].root, x.generate_id().expect(SERVER));
        // Windows are painted over, too.
        let over = CreateGCAux::new().subwindow_mode(SubwindowMode::INCLUDE_INFERIORS);
        x.create_gc(gc, root, &over).expect(SERVER).check().expect(SERVER);
        Self { x, root, gc }
    }

    /// Paints a rectangle in a colour like `0x204060`; it is painted when this returns.
    pub(super) fn paint(&self, colour: u32, [x, y, width, height]: [u16; 4]) {
        let [x, y] = [x, y].map(|place| i16::try_from(place).expect("a place on the screen"));
        let area = Rectangle { x, y, width, height };
        let ink = ChangeGCAux::new().foreground(colour);
        self.x.change_gc(self.gc, &ink).expect(SERVER).check().expect(SERVER);
        self.x.poly_fill_rectangle(self.root, self.gc, &[area]).expect(SERVER).check().expect(SERVER);
    }

    /// Where the pointer is.
    pub(super) fn pointer(&self) -> (i16, i16) {
        let pointer = self.x.query_pointer(self.root).expect(SERVER).reply().expect(SERVER);
        (pointer.root_x, pointer.root_y)
    }
}
