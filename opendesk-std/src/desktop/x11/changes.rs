//! What has changed on the screen, and when (XDAMAGE): so that a picture of what has not changed is never taken again,
//! and a stream of an idle desktop does nothing at all.
//!
//! The server tells once that something was drawn, and then nothing until it is asked what: a desktop that nobody looks
//! at costs no more than that one message. Where things were drawn is kept for squares of the screen, as the number of
//! the look that found it.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{Shutdown, shutdown};
use x11rb::connection::{Connection as _, RequestConnection as _};
use x11rb::protocol::damage::{self, ConnectionExt as _, Damage, ReportLevel};
use x11rb::protocol::dpms::{self, ConnectionExt as _, DPMSMode};
use x11rb::protocol::xfixes::{self, ConnectionExt as _, CursorNotifyMask, Region};
use x11rb::protocol::xproto::{
    CONFIGURE_NOTIFY_EVENT, ChangeWindowAttributesAux, ConnectionExt as _, EventMask, Rectangle,
};

use super::connection::{Outcome, Wire};
use crate::api::{Error, Rect};
use crate::desktop::Wake;

/// The edge of the squares in pixels.
const TILE: u16 = 64;

/// The most that wait for a change; one more, and all are woken for nothing.
const MOST_WAITING: usize = 64;

/// Numbers of looks, which no two looks share, whatever connection they are made on.
static LOOKS: AtomicU64 = AtomicU64::new(1);

/// The connection that hears of changes.
pub(super) struct Changes {
    shared: Arc<Shared>,
}

struct Shared {
    wire: Wire,
    /// What hears of drawing and what it is moved to when it is asked for; absent without the extensions.
    heard: Option<(Damage, Region)>,
    power: bool,
    seen: Mutex<Seen>,
    over: AtomicBool,
}

/// What has been found out so far.
struct Seen {
    /// The look that last found each square changed, row by row.
    tiles: Vec<u64>,
    columns: usize,
    /// Whether something was drawn that has not been asked for.
    drawn: bool,
    pointer: (i16, i16),
    /// The look that last found the pointer elsewhere or of another shape.
    pointer_look: u64,
    /// Whether the pointer has another shape.
    reshaped: bool,
    resized: bool,
    waiting: Vec<Wake>,
}

impl Changes {
    pub(super) fn start(wire: Wire) -> Outcome<Self> {
        let has_regions =
            wire.has(xfixes::X11_EXTENSION_NAME)? && { wire.x.xfixes_query_version(4, 0)?.reply()?.major_version >= 2 };
        let hears = has_regions && wire.has(damage::X11_EXTENSION_NAME)?;
        let heard = if hears {
            wire.x.damage_query_version(1, 1)?.reply()?;
            let (damage, region) = (wire.x.generate_id()?, wire.x.generate_id()?);
            let root = wire.root();
            wire.x.damage_create(damage, root, ReportLevel::NON_EMPTY)?.check()?;
            wire.x.xfixes_create_region(region, &[])?.check()?;
            wire.x.xfixes_select_cursor_input(root, CursorNotifyMask::DISPLAY_CURSOR)?.check()?;
            let structure = ChangeWindowAttributesAux::new().event_mask(EventMask::STRUCTURE_NOTIFY);
            wire.x.change_window_attributes(root, &structure)?.check()?;
            Some((damage, region))
        } else {
            None
        };
        let power = wire.has(dpms::X11_EXTENSION_NAME)? && wire.x.dpms_capable()?.reply()?.capable;
        let geometry = wire.x.get_geometry(wire.root())?.reply()?;
        let seen = Mutex::new(Seen::new(geometry.width, geometry.height));
        let shared = Arc::new(Shared { wire, heard, power, seen, over: AtomicBool::new(false) });
        if heard.is_some() {
            let listener = Arc::clone(&shared);
            thread::Builder::new()
                .name("opendesk-changes".to_owned())
                .spawn(move || listener.listen())
                .map_err(|error| Error::internal(format!("no thread for changes could be started: {error}")))?;
        }
        Ok(Self { shared })
    }

    /// Whether changes are heard of.
    pub(super) fn can_hear(&self) -> bool {
        self.shared.heard.is_some()
    }

    /// The look that last found something changed in an area of the desktop, or the pointer if it is drawn there.
    pub(super) fn generation(&self, area: Rect, pointer: bool) -> Outcome<Option<u64>> {
        let Some((damage, region)) = self.shared.heard else { return Ok(None) };
        let x = &self.shared.wire.x;
        let mut seen = self.shared.seen();
        let mut waiting = Vec::new();
        // The answer comes after everything that the server has drawn before it.
        let place = x.query_pointer(self.shared.wire.root())?.reply()?;
        waiting.append(&mut self.shared.hear(&mut seen)?);
        let look = LOOKS.fetch_add(1, Ordering::Relaxed);
        if seen.resized {
            let geometry = x.get_geometry(self.shared.wire.root())?.reply()?;
            seen.resize(geometry.width, geometry.height, look);
        }
        if seen.drawn {
            x.damage_subtract(damage, x11rb::NONE, region)?;
            let drawn = x.xfixes_fetch_region(region)?.reply()?;
            seen.drawn = false;
            for rectangle in &drawn.rectangles {
                seen.mark(*rectangle, look);
            }
        }
        if seen.reshaped || seen.pointer != (place.root_x, place.root_y) {
            (seen.pointer, seen.reshaped) = ((place.root_x, place.root_y), false);
            seen.pointer_look = look;
        }
        // What came with the answers is announced to nobody else.
        waiting.append(&mut self.shared.hear(&mut seen)?);
        let drawn = seen.newest(area);
        let pointer_look = seen.pointer_look;
        drop(seen);
        wake_all(waiting);
        Ok(Some(if pointer { drawn.max(pointer_look) } else { drawn }))
    }

    /// Has `wake` called at the next change that is heard of.
    pub(super) fn wake(&self, wake: Wake) -> Outcome<bool> {
        if self.shared.heard.is_none() {
            return Ok(false);
        }
        let mut seen = self.shared.seen();
        let too_many = if seen.waiting.len() >= MOST_WAITING { core::mem::take(&mut seen.waiting) } else { Vec::new() };
        seen.waiting.push(wake);
        drop(seen);
        wake_all(too_many);
        Ok(true)
    }

    /// Whether the screen is switched off to save power.
    pub(super) fn is_asleep(&self) -> Outcome<bool> {
        if !self.shared.power {
            return Ok(false);
        }
        let mut seen = self.shared.seen();
        let info = self.shared.wire.x.dpms_info()?.reply()?;
        // What came with the answer is announced to nobody else.
        let waiting = self.shared.hear(&mut seen)?;
        drop(seen);
        wake_all(waiting);
        Ok(info.state && info.power_level != DPMSMode::ON)
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Release);
        // Wakes the listener, whatever the server does.
        let _already_gone = shutdown(self.shared.wire.x.stream(), Shutdown::Both).is_err();
    }
}

impl Shared {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes those who wait, until the connection ends. It asks nothing and takes nothing but events.
    fn listen(&self) {
        while !self.over.load(Ordering::Acquire) {
            let mut ready = [PollFd::new(self.wire.x.stream(), PollFlags::IN)];
            let polled = poll(&mut ready, None);
            if polled.is_err_and(|error| error != rustix::io::Errno::INTR) {
                break;
            }
            let heard = self.hear(&mut self.seen());
            match heard {
                Ok(waiting) => wake_all(waiting),
                Err(_) => break,
            }
        }
        // Whoever waits looks, and learns that the server went away.
        let waiting = core::mem::take(&mut self.seen().waiting);
        wake_all(waiting);
    }

    /// Takes what the server has told, and gives those who are to be woken, once nothing is locked any more.
    fn hear(&self, seen: &mut Seen) -> Outcome<Vec<Wake>> {
        let nobody = || Ok(Vec::new());
        let Some(damage) = self.wire.x.extension_information(damage::X11_EXTENSION_NAME)? else { return nobody() };
        let Some(fixes) = self.wire.x.extension_information(xfixes::X11_EXTENSION_NAME)? else { return nobody() };
        let mut news = false;
        self.wire.take_events(|event| {
            let Some(kind) = event.first().map(|kind| kind & 0x7f) else { return };
            if kind == damage.first_event {
                (seen.drawn, news) = (true, true);
            } else if kind == fixes.first_event + xfixes::CURSOR_NOTIFY_EVENT {
                seen.reshaped = true;
            } else if kind == CONFIGURE_NOTIFY_EVENT {
                (seen.resized, news) = (true, true);
            }
        })?;
        Ok(if news { core::mem::take(&mut seen.waiting) } else { Vec::new() })
    }
}

impl Seen {
    fn new(width: u16, height: u16) -> Self {
        let mut seen = Self {
            tiles: Vec::new(),
            columns: 0,
            drawn: false,
            pointer: (0, 0),
            pointer_look: 0,
            reshaped: true,
            resized: false,
            waiting: Vec::new(),
        };
        seen.resize(width, height, LOOKS.fetch_add(1, Ordering::Relaxed));
        seen
    }

    /// Everything is new.
    fn resize(&mut self, width: u16, height: u16, look: u64) {
        self.columns = usize::from(width.div_ceil(TILE));
        self.tiles = vec![look; self.columns * usize::from(height.div_ceil(TILE))];
        self.resized = false;
    }

    fn mark(&mut self, Rectangle { x, y, width, height }: Rectangle, look: u64) {
        let area = Rect::new(f64::from(x), f64::from(y), f64::from(width), f64::from(height));
        for index in self.touched(area) {
            if let Some(tile) = self.tiles.get_mut(index) {
                *tile = look;
            }
        }
    }

    /// The newest look that found something in the area.
    fn newest(&self, area: Rect) -> u64 {
        self.touched(area).filter_map(|index| self.tiles.get(index)).max().copied().unwrap_or_default()
    }

    /// The squares that an area touches.
    fn touched(&self, area: Rect) -> impl Iterator<Item = usize> + use<> {
        let columns = self.columns;
        let rows = self.tiles.len().checked_div(columns).unwrap_or_default();
        // A negative number is 0 here, as it should be.
        let index = |pixels: f64| (pixels / f64::from(TILE)).floor() as usize;
        let end = |pixels: f64| (pixels / f64::from(TILE)).ceil() as usize;
        let (left, right) = (index(area.x), end(area.x + area.width).min(columns));
        let (top, bottom) = (index(area.y), end(area.y + area.height).min(rows));
        (top..bottom).flat_map(move |row| (left..right).map(move |column| row * columns + column))
    }
}

/// Nothing may be locked: whoever is woken may look at once.
fn wake_all(waiting: Vec<Wake>) {
    for wake in waiting {
        wake();
    }
}

impl core::fmt::Debug for Changes {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Changes").field("heard", &self.can_hear()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rectangle(x: i16, y: i16, width: u16, height: u16) -> Rectangle {
        Rectangle { x, y, width, height }
    }

    #[test]
    fn only_what_touches_a_change_is_newer() {
        let mut seen = Seen::new(1920, 1080);
        let before = seen.newest(Rect::new(0.0, 0.0, 1920.0, 1080.0));
        let look = before + 10;
        seen.mark(rectangle(100, 100, 10, 10), look);
        assert_eq!(seen.newest(Rect::new(0.0, 0.0, 1920.0, 1080.0)), look);
        assert_eq!(seen.newest(Rect::new(64.0, 64.0, 1.0, 1.0)), look, "the same square");
        assert_eq!(seen.newest(Rect::new(128.0, 64.0, 500.0, 500.0)), before);
        assert_eq!(seen.newest(Rect::new(0.0, 0.0, 64.0, 64.0)), before);
        seen.mark(rectangle(1919, 1079, 1, 1), look + 1);
        assert_eq!(seen.newest(Rect::new(1900.0, 1070.0, 20.0, 10.0)), look + 1);
    }

    #[test]
    fn what_lies_outside_is_nothing() {
        let mut seen = Seen::new(100, 100);
        let before = seen.newest(Rect::new(0.0, 0.0, 100.0, 100.0));
        seen.mark(rectangle(-200, -200, 100, 100), before + 1);
        seen.mark(rectangle(5000, 0, 100, 100), before + 1);
        assert_eq!(seen.newest(Rect::new(0.0, 0.0, 100.0, 100.0)), before);
        seen.mark(rectangle(-10, -10, 11, 11), before + 2);
        assert_eq!(seen.newest(Rect::new(0.0, 0.0, 1.0, 1.0)), before + 2);
        assert_eq!(seen.newest(Rect::new(f64::NAN, 0.0, 10.0, 10.0)), 0);
    }

    #[test]
    fn another_size_is_all_new() {
        let mut seen = Seen::new(100, 100);
        seen.resize(300, 200, u64::MAX);
        assert_eq!(seen.newest(Rect::new(250.0, 150.0, 1.0, 1.0)), u64::MAX);
    }
}
