//! The pixels of one window, also what other windows cover of it (Composite).
//!
//! A window has pixels of its own once the server was told to keep them apart from the screen's. What was covered until
//! then was never drawn: the server asks the application for it, and it comes a moment later. So a window stays kept
//! apart after the first picture of it. Where a compositing window manager runs, all windows are anyway.

use std::collections::VecDeque;

use x11rb::connection::Connection as _;
use x11rb::errors::ReplyError;
use x11rb::protocol::ErrorKind;
use x11rb::protocol::composite::{self, ConnectionExt as _, Redirect};
use x11rb::protocol::xproto::{ConnectionExt as _, MapState, Pixmap, Visualid, Window, WindowClass};

use super::super::connection::{Outcome, Wire};
use super::area::Area;
use super::facts::Facts;
use super::ids;
use super::property::alive;
use super::roster::Roster;
use crate::api::Error;

/// Windows that are kept apart at the same time. Each costs the server its pixels, 8 MB for a full screen.
const MOST_APART: usize = 8;

/// Frames within frames, deeper than any window manager goes.
const MAX_DEPTH: usize = 32;

/// The windows of one server that are kept apart for us, until the connection ends.
#[derive(Debug)]
pub(in crate::desktop::x11) struct Surfaces {
    is_usable: bool,
    /// The one that came last at the end.
    apart: VecDeque<Window>,
}

/// A window's pixels at the moment of the call.
#[derive(Debug)]
pub(in crate::desktop::x11) struct Surface {
    pub(in crate::desktop::x11) pixmap: Pixmap,
    /// Where the pixmap lies on the root window.
    pub(in crate::desktop::x11) whole: Area,
    /// The part of it that people see as the window.
    pub(in crate::desktop::x11) bounds: Area,
    pub(in crate::desktop::x11) depth: u8,
    pub(in crate::desktop::x11) visual: Visualid,
    /// Whether a part of it was out of sight until just now, so that it may not have been drawn.
    pub(in crate::desktop::x11) was_hidden: bool,
}

impl Surfaces {
    pub(in crate::desktop::x11) fn probe(wire: &Wire) -> Outcome<Self> {
        let is_usable = wire.has(composite::X11_EXTENSION_NAME)? && {
            let version = wire.x.composite_query_version(0, 4)?.reply()?;
            (version.major_version, version.minor_version) >= (0, 2)
        };
        Ok(Self { is_usable, apart: VecDeque::new() })
    }

    /// Takes hold of a window's pixels; [`Surface::close`] lets go of them.
    pub(in crate::desktop::x11) fn open(&mut self, wire: &Wire, roster: &Roster, id: &str) -> Outcome<Surface> {
        if !self.is_usable {
            return Err(wire.cannot("a capture of one window", "has no Composite extension").into());
        }
        let (_, window) = roster.find(wire, id)?;
        if !window.is_viewable {
            return Err(not_shown(id).into());
        }
        let frame = outermost(wire, window.xid)?.ok_or_else(|| ids::unknown(id))?;
        if let Some(surface) = name(wire, frame, &window)? {
            return Ok(surface);
        }
        let was_hidden = is_hidden(wire, frame, window.bounds())?;
        self.keep_apart(wire, frame)?;
        let surface = name(wire, frame, &window)?.ok_or_else(|| not_shown(id))?;
        Ok(Surface { was_hidden, ..surface })
    }

    fn keep_apart(&mut self, wire: &Wire, window: Window) -> Outcome<()> {
        // One that was kept apart and has no pixels now is mostly another window, which was given the same number.
        if self.apart.contains(&window) {
            self.apart.retain(|known| *known != window);
            wire.x.composite_unredirect_window(window, Redirect::AUTOMATIC)?.ignore_error();
        }
        while self.apart.len() >= MOST_APART {
            let Some(oldest) = self.apart.pop_front() else { break };
            wire.x.composite_unredirect_window(oldest, Redirect::AUTOMATIC)?.ignore_error();
        }
        wire.x.composite_redirect_window(window, Redirect::AUTOMATIC)?.ignore_error();
        self.apart.push_back(window);
        Ok(())
    }
}

impl Surface {
    pub(in crate::desktop::x11) fn close(self, wire: &Wire) -> Outcome<()> {
        wire.x.free_pixmap(self.pixmap)?.ignore_error();
        Ok(())
    }
}

/// The child of the root that a window lies in: its frame, or the window itself.
fn outermost(wire: &Wire, window: Window) -> Outcome<Option<Window>> {
    let mut inner = window;
    for _ in 0..MAX_DEPTH {
        let Some(tree) = alive(wire.x.query_tree(inner)?.reply())? else { return Ok(None) };
        if tree.parent == tree.root {
            return Ok(Some(inner));
        }
        inner = tree.parent;
    }
    Ok(None)
}

/// Whether a part of a window lies beyond the screen, or below something else. That what lies above may have another
/// shape than its rectangle costs a moment and nothing more.
fn is_hidden(wire: &Wire, frame: Window, bounds: Area) -> Outcome<bool> {
    let screen = wire.x.get_geometry(wire.root())?;
    let tree = wire.x.query_tree(wire.root())?;
    let screen = screen.reply()?;
    if Area::new(0, 0, screen.width.into(), screen.height.into()).overlap(bounds) != Some(bounds) {
        return Ok(true);
    }
    // The lowest one comes first.
    let above = tree.reply()?.children.into_iter().skip_while(|window| *window != frame).skip(1);
    let ask = |window| Ok((wire.x.get_geometry(window)?, wire.x.get_window_attributes(window)?));
    let asked = above.map(ask).collect::<Outcome<Vec<_>>>()?;
    for (place, attributes) in asked {
        let (Some(place), Some(attributes)) = (alive(place.reply())?, alive(attributes.reply())?) else { continue };
        let is_seen = attributes.map_state == MapState::VIEWABLE && attributes.class == WindowClass::INPUT_OUTPUT;
        // The place is that of the border's corner, the size that of what lies within.
        let border = 2 * i32::from(place.border_width);
        let (width, height) = (i32::from(place.width) + border, i32::from(place.height) + border);
        let area = Area::new(place.x.into(), place.y.into(), width, height);
        if is_seen && area.overlap(bounds).is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Gives a window's own pixels a name; `None` when it has none, because it is not kept apart or not on the screen.
fn name(wire: &Wire, frame: Window, window: &Facts) -> Outcome<Option<Surface>> {
    let pixmap = wire.x.generate_id()?;
    let naming = wire.x.composite_name_window_pixmap(frame, pixmap)?;
    let size = wire.x.get_geometry(pixmap)?;
    let place = wire.x.get_geometry(frame)?;
    let attributes = wire.x.get_window_attributes(frame)?;
    match naming.check() {
        Ok(()) => {}
        Err(ReplyError::X11Error(error)) if matches!(error.error_kind, ErrorKind::Match | ErrorKind::Window) => {
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    }
    let size = size.reply()?;
    let place_and_look = (alive(place.reply())?, alive(attributes.reply())?);
    let (Some(place), Some(attributes)) = place_and_look else {
        wire.x.free_pixmap(pixmap)?.ignore_error();
        return Ok(None);
    };
    let whole = Area::new(place.x.into(), place.y.into(), size.width.into(), size.height.into());
    Ok(Some(Surface {
        pixmap,
        whole,
        // The frame may have a shadow, too; a window that moves meanwhile is taken as a whole.
        bounds: whole.overlap(window.bounds()).unwrap_or(whole),
        depth: size.depth,
        visual: attributes.visual,
        was_hidden: false,
    }))
}

fn not_shown(id: &str) -> Error {
    Error::invalid(format!(
        "the window {id} has no pixels: it is minimised or on a workspace that is not shown; focus it first"
    ))
}
