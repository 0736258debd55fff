//! Moving a window and giving it another size.

use core::time::Duration;

use x11rb::connection::Connection as _;
use x11rb::properties::WmSizeHints;
use x11rb::protocol::xproto::{AtomEnum, ConfigureWindowAux, ConnectionExt as _, Window};

use super::super::connection::Outcome;
use super::area::Area;
use super::desk::{Desk, Manager};
use super::facts::Facts;
use super::property::{alive, ask};
use super::{FROM_PERSON, WindowManager, ids, wait_until};
use crate::api::{Effect, Error, Rect, Result};

/// How long the window manager may take: mostly a few milliseconds, more on a machine that is busy.
const PATIENCE: Duration = Duration::from_millis(700);

/// Leaving full screen changes the frame, which is part of what is asked for: once more with the new one.
const TRIES: usize = 2;

/// The largest coordinate of the protocol.
const LARGEST: f64 = 32_767.0;

/// The place of `WM_NORMAL_HINTS`, in units of four bytes.
const HINTS_WORDS: u32 = 18;

/// The widest step of a size that is believed, in pixels: larger than a character of any terminal. Steps are properties,
/// which anybody can set.
const WIDEST_STEP: i32 = 100;

/// `_NET_MOVERESIZE_WINDOW`: the place is the frame's upper left corner, and place and size are both given.
const NORTH_WEST: u32 = 1;
const PLACE_AND_SIZE: u32 = 0xf << 8;
const SOURCE_SHIFT: u32 = 12;

/// `_NET_WM_STATE`: takes a state away.
const REMOVE: u32 = 0;

impl WindowManager {
    /// Has the window's frame lie within these bounds, in pixels of the root window; fractions are rounded. A maximised,
    /// full-screen or rolled-up window becomes an ordinary one first.
    ///
    /// Confirmed is a window that lies exactly there, or as exactly as its own steps allow: a terminal is whole
    /// characters wide and high, so its size may fall short by less than one. A window that ends up elsewhere is an
    /// error that says where. One that lies there, while the window manager does not say that it has done what it was
    /// asked for, is unverifiable.
    pub(in crate::desktop::x11) fn move_resize(&self, id: &str, bounds: Rect) -> Outcome<Effect> {
        let wanted = whole(bounds)?;
        let (desk, before) = self.find(id)?;
        let hint = self.roster.atoms.moveresize_window;
        desk.needs(&self.wire, hint, "_NET_MOVERESIZE_WINDOW")?;
        let sizes = self.sizes(before.xid)?;
        let screen = self.wire.x.get_geometry(self.wire.root())?.reply()?;
        let screen = Area::new(0, 0, screen.width.into(), screen.height.into());
        if wanted.overlap(screen).is_none() {
            let (width, height) = (screen.width, screen.height);
            let message = format!("{} is entirely outside the desktop of {width} by {height} pixels", extent(wanted));
            return Err(Error::invalid(message).into());
        }
        sizes.check(id, wanted, &before)?;
        self.make_ordinary(&desk, &before)?;
        let mut now = before.clone();
        for _ in 0..TRIES {
            now = self.known(id)?;
            self.place(&desk, &now, wanted)?;
            // A window that lies there before it was placed may be placed elsewhere yet.
            let is_carried_out = self.has_caught_up(&desk, PATIENCE)?;
            let is_there = wait_until(PATIENCE, || {
                now = self.known(id)?;
                Ok(sizes.are_met(wanted, now.bounds()))
            })?;
            if is_there {
                return Ok(if is_carried_out { Effect::Confirmed } else { Effect::Unverifiable });
            }
        }
        if now.bounds() == before.bounds() {
            return Ok(Effect::NoEffect);
        }
        let (wanted, taken) = (extent(wanted), extent(now.bounds()));
        Err(Error::invalid(format!("the window {id} was put at {taken}, not at {wanted} as asked")).into())
    }

    /// What the window is now; an error when it is gone.
    fn known(&self, id: &str) -> Outcome<Facts> {
        Ok(self.roster.named(&self.wire, id)?.ok_or_else(|| ids::unknown(id))?)
    }

    fn sizes(&self, xid: Window) -> Outcome<Sizes> {
        let reply = alive(ask(&self.wire, xid, AtomEnum::WM_NORMAL_HINTS, HINTS_WORDS)?.reply())?;
        // Hints that make no sense are none.
        Ok(Sizes::new(&reply.and_then(|reply| WmSizeHints::from_reply(&reply).ok().flatten()).unwrap_or_default()))
    }

    /// Takes the states away in which the window manager decides where a window lies.
    fn make_ordinary(&self, desk: &Desk, window: &Facts) -> Outcome<()> {
        let atoms = &self.roster.atoms;
        if !desk.supports(atoms.state) {
            return Ok(());
        }
        // As many as one request takes.
        let pairs = [(atoms.maximized_vert, atoms.maximized_horz), (atoms.fullscreen, atoms.shaded)];
        let arranged =
            |window: &Facts| pairs.map(|(one, other)| window.states.contains(&one) || window.states.contains(&other));
        let now = arranged(window);
        if now == [false; 2] {
            return Ok(());
        }
        for ((one, other), _) in pairs.into_iter().zip(now).filter(|(_, is_arranged)| *is_arranged) {
            self.request(window.xid, atoms.state, [REMOVE, one, other, FROM_PERSON, 0])?;
        }
        // The state is taken away before the frame is put around the window, and the frame is part of what is placed.
        self.has_caught_up(desk, PATIENCE)?;
        // A window that stays as it is will not be where it was asked to be, which is found out then.
        wait_until(PATIENCE, || {
            let now = self.roster.facts(&self.wire, window.xid)?;
            Ok(now.is_none_or(|now| arranged(&now) == [false; 2]))
        })
        .map(drop)
    }

    fn place(&self, desk: &Desk, window: &Facts, wanted: Area) -> Outcome<()> {
        let inner = wanted.grown(window.margin().negative());
        let (width, height) = (inner.width.max(1).cast_unsigned(), inner.height.max(1).cast_unsigned());
        // The corner that the window manager means has the shadow outside.
        let (x, y) = (wanted.x - window.shadow.left, wanted.y - window.shadow.top);
        if desk.manager == Manager::Absent {
            let place = ConfigureWindowAux::new().x(x).y(y).width(width).height(height);
            self.wire.x.configure_window(window.xid, &place)?.ignore_error();
            return Ok(self.wire.x.flush()?);
        }
        let flags = NORTH_WEST | PLACE_AND_SIZE | (FROM_PERSON << SOURCE_SHIFT);
        let data = [flags, x.cast_unsigned(), y.cast_unsigned(), width, height];
        self.request(window.xid, self.roster.atoms.moveresize_window, data)
    }
}

/// The whole pixels of bounds that a window can have on some desktop.
fn whole(bounds: Rect) -> Result<Area> {
    let numbers = [bounds.x, bounds.y, bounds.width, bounds.height].map(f64::round);
    let [_, _, width, height] = numbers;
    // Written so that a NaN fails it.
    if numbers.into_iter().all(|number| number.abs() <= LARGEST) && width >= 1.0 && height >= 1.0 {
        // Within the protocol's numbers, so without loss.
        let [x, y, width, height] = numbers.map(|number| number as i32);
        return Ok(Area::new(x, y, width, height));
    }
    Err(Error::invalid(format!(
        "a window cannot be at ({}, {}) and {} by {} pixels large; sizes are 1 to {LARGEST} and places -{LARGEST} to \
         {LARGEST}",
        bounds.x, bounds.y, bounds.width, bounds.height
    )))
}

fn extent(area: Area) -> String {
    format!("({}, {}) with {} by {} pixels", area.x, area.y, area.width, area.height)
}

/// The sizes that an application says its window takes, without the frame: width and height.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sizes {
    least: [i32; 2],
    most: [i32; 2],
    step: [i32; 2],
}

impl Sizes {
    fn new(hints: &WmSizeHints) -> Self {
        // Programs write 0 where they mean no limit.
        let pair = |pair: Option<(i32, i32)>, missing: i32| {
            let (width, height) = pair.unwrap_or((missing, missing));
            [width, height].map(|pixels| if pixels > 0 { pixels } else { missing })
        };
        Self {
            least: pair(hints.min_size, 1),
            most: pair(hints.max_size, i32::MAX),
            step: pair(hints.size_increment, 1).map(|pixels| pixels.min(WIDEST_STEP)),
        }
    }

    /// Refuses a size that the window does not take.
    fn check(&self, id: &str, wanted: Area, window: &Facts) -> Result<()> {
        let margin = window.margin();
        let inner = [wanted.width - margin.width(), wanted.height - margin.height()];
        let with_frame = |[width, height]: [i32; 2]| {
            format!("{} by {}", width.saturating_add(margin.width()), height.saturating_add(margin.height()))
        };
        let limit = if (0..2).any(|side| inner[side] < self.least[side]) {
            format!("at least {}", with_frame(self.least))
        } else if (0..2).any(|side| inner[side] > self.most[side]) {
            format!("at most {}", with_frame(self.most))
        } else {
            return Ok(());
        };
        let (width, height) = (wanted.width, wanted.height);
        let message = format!("the window {id} has to be {limit} pixels large with its frame, not {width} by {height}");
        Err(Error::invalid(message))
    }

    /// Whether a window lies where it was asked to, as exactly as its steps allow.
    fn are_met(&self, wanted: Area, bounds: Area) -> bool {
        let [step_x, step_y] = self.step;
        (wanted.x, wanted.y) == (bounds.x, bounds.y)
            && (wanted.width - bounds.width).abs() < step_x
            && (wanted.height - bounds.height).abs() < step_y
    }
}

#[cfg(test)]
mod tests {
    use super::super::area::Sides;
    use super::*;
    use crate::api::ErrorCode;

    fn terminal() -> Sizes {
        Sizes::new(&WmSizeHints {
            min_size: Some((10, 17)),
            max_size: Some((0, 600)),
            size_increment: Some((6, 13)),
            ..WmSizeHints::default()
        })
    }

    #[test]
    fn bounds_that_no_window_can_have_are_refused() {
        assert_eq!(whole(Rect::new(-10.4, 20.5, 99.6, 1.0)), Ok(Area::new(-10, 21, 100, 1)));
        for bounds in [
            Rect::new(0.0, 0.0, 0.4, 10.0),
            Rect::new(0.0, 0.0, 10.0, -10.0),
            Rect::new(f64::NAN, 0.0, 10.0, 10.0),
            Rect::new(0.0, f64::INFINITY, 10.0, 10.0),
            Rect::new(0.0, 0.0, f64::NAN, 10.0),
            Rect::new(0.0, 0.0, 10.0, 32_768.0),
            Rect::new(-1e300, 0.0, 10.0, 10.0),
        ] {
            assert_eq!(whole(bounds).unwrap_err().code, ErrorCode::InvalidArgument, "{bounds:?}");
        }
    }

    #[test]
    fn a_size_counts_to_within_a_step_and_a_place_exactly() {
        let wanted = Area::new(10, 10, 100, 100);
        let plain = Sizes::new(&WmSizeHints::default());
        assert!(plain.are_met(wanted, wanted));
        assert!(!plain.are_met(wanted, Area { width: 99, ..wanted }));
        assert!(terminal().are_met(wanted, Area { width: 95, height: 88, ..wanted }));
        assert!(!terminal().are_met(wanted, Area { width: 94, ..wanted }));
        assert!(!terminal().are_met(wanted, Area { height: 113, ..wanted }));
        assert!(!terminal().are_met(wanted, Area { x: 11, ..wanted }));
    }

    #[test]
    fn a_step_that_no_window_has_excuses_little() {
        let hints = WmSizeHints { size_increment: Some((i32::MAX, 101)), ..WmSizeHints::default() };
        let wanted = Area::new(10, 10, 500, 500);
        assert!(Sizes::new(&hints).are_met(wanted, Area { width: 401, height: 401, ..wanted }));
        assert!(!Sizes::new(&hints).are_met(wanted, Area { width: 400, ..wanted }));
        assert!(!Sizes::new(&hints).are_met(wanted, Area { height: 400, ..wanted }));
    }

    #[test]
    fn sizes_that_a_window_does_not_take_are_refused_with_the_frame() {
        let window = Facts { frame: Sides { left: 1, right: 1, top: 20, bottom: 5 }, ..Facts::default() };
        let check = |width, height| terminal().check("0x1", Area::new(0, 0, width, height), &window);
        assert_eq!(check(12, 42), Ok(()));
        assert_eq!(check(5000, 625), Ok(()), "no limit is no limit");
        let error = check(11, 100).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidArgument);
        assert!(error.message.contains("at least 12 by 42"), "{error}");
        assert!(check(100, 626).unwrap_err().message.contains("at most"));
    }
}
