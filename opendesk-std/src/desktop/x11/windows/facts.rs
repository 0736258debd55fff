//! What one window is: asked for in one go, so that all windows together cost one round trip.

use x11rb::errors::ReplyError;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ConnectionExt as _, GetGeometryReply, GetPropertyReply, GetWindowAttributesReply, MapState,
    TranslateCoordinatesReply, Window, WindowClass,
};

use super::super::connection::{Outcome, Wire};
use super::area::{Area, Sides};
use super::atoms::Atoms;
use super::property::{Asked, alive, ask, number, numbers};
use super::text::{TEXT_WORDS, parts, text};

/// More states or types than any window has.
const LIST_WORDS: u32 = 64;

/// `WM_STATE` of a window that is an icon (ICCCM 4.1.3.1).
const ICONIC: u32 = 3;

/// The workspace of windows that are on all of them.
pub(super) const EVERYWHERE: u32 = u32::MAX;

/// What is known of a window.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    pub(super) xid: Window,
    pub(super) title: String,
    pub(super) instance: String,
    pub(super) class: String,
    /// The process that the window says it belongs to, on the machine that it says it is on.
    pub(super) named_pid: Option<u32>,
    pub(super) machine: Option<String>,
    /// What the application draws on.
    pub(super) inner: Area,
    /// What the window manager, or without one the window's own border, adds around it.
    pub(super) frame: Sides,
    /// What the application draws on and people do not take for a part of the window.
    pub(super) shadow: Sides,
    pub(super) states: Vec<Atom>,
    /// Whether the window manager says that it is put away.
    pub(super) is_hidden: bool,
    /// Whether it is an icon; some window managers make icons of what is on other workspaces, too.
    pub(super) is_iconic: bool,
    pub(super) is_shaded: bool,
    /// Whether it is on the screen, be it behind others.
    pub(super) is_viewable: bool,
    /// Whether it can show anything.
    pub(super) has_pixels: bool,
    pub(super) workspace: Option<u32>,
    /// Whether people find it in a panel and among the windows that they switch between.
    pub(super) is_ordinary: bool,
}

impl Facts {
    /// What lies between the application's part and the edges that people see.
    pub(super) const fn margin(&self) -> Sides {
        self.frame.plus(self.shadow.negative())
    }

    /// The window as people see it, its frame included.
    pub(super) fn bounds(&self) -> Area {
        let bounds = self.inner.grown(self.margin());
        // A window that is rolled up is as high as its title bar.
        let height = if self.is_shaded { self.frame.height().max(1) } else { bounds.height };
        Area { height, ..bounds }
    }
}

/// Everything that is asked about one window.
pub(super) struct Question<'a> {
    xid: Window,
    attributes: Asked<'a, GetWindowAttributesReply>,
    geometry: Asked<'a, GetGeometryReply>,
    place: Asked<'a, TranslateCoordinatesReply>,
    name: Asked<'a, GetPropertyReply>,
    old_name: Asked<'a, GetPropertyReply>,
    class: Asked<'a, GetPropertyReply>,
    pid: Asked<'a, GetPropertyReply>,
    machine: Asked<'a, GetPropertyReply>,
    frame: Asked<'a, GetPropertyReply>,
    shadow: Asked<'a, GetPropertyReply>,
    states: Asked<'a, GetPropertyReply>,
    wm_state: Asked<'a, GetPropertyReply>,
    workspace: Asked<'a, GetPropertyReply>,
    types: Asked<'a, GetPropertyReply>,
    owner: Asked<'a, GetPropertyReply>,
}

impl<'a> Question<'a> {
    pub(super) fn ask(wire: &'a Wire, atoms: &Atoms, xid: Window) -> Outcome<Self> {
        Ok(Self {
            xid,
            attributes: wire.x.get_window_attributes(xid)?,
            geometry: wire.x.get_geometry(xid)?,
            place: wire.x.translate_coordinates(xid, wire.root(), 0, 0)?,
            name: ask(wire, xid, atoms.name, TEXT_WORDS)?,
            old_name: ask(wire, xid, AtomEnum::WM_NAME, TEXT_WORDS)?,
            class: ask(wire, xid, AtomEnum::WM_CLASS, TEXT_WORDS)?,
            pid: ask(wire, xid, atoms.pid, 1)?,
            machine: ask(wire, xid, atoms.machine, TEXT_WORDS)?,
            frame: ask(wire, xid, atoms.frame_extents, 4)?,
            shadow: ask(wire, xid, atoms.shadow_extents, 4)?,
            states: ask(wire, xid, atoms.state, LIST_WORDS)?,
            wm_state: ask(wire, xid, atoms.wm_state, 2)?,
            workspace: ask(wire, xid, atoms.desktop, 1)?,
            types: ask(wire, xid, atoms.window_type, LIST_WORDS)?,
            owner: ask(wire, xid, AtomEnum::WM_TRANSIENT_FOR, 1)?,
        })
    }

    /// The answer; `None` for a window that is gone.
    pub(super) fn answer(self, atoms: &Atoms) -> Outcome<Option<Facts>> {
        alive(self.read(atoms))
    }

    fn read(self, atoms: &Atoms) -> Result<Facts, ReplyError> {
        let utf8 = atoms.utf8_string;
        let (attributes, geometry, place) = (self.attributes.reply()?, self.geometry.reply()?, self.place.reply()?);
        let old_name = text(&self.old_name.reply()?, utf8);
        let title = text(&self.name.reply()?, utf8).or(old_name).unwrap_or_default();
        let mut class = parts(&self.class.reply()?, utf8).into_iter();
        let (instance, class) = (class.next().unwrap_or_default(), class.next().unwrap_or_default());
        let inner = Area::new(place.dst_x.into(), place.dst_y.into(), geometry.width.into(), geometry.height.into());
        let frame = Sides::from_numbers(&numbers(&self.frame.reply()?));
        let shadow = Sides::from_numbers(&numbers(&self.shadow.reply()?));
        let states = numbers(&self.states.reply()?);
        let types = numbers(&self.types.reply()?);
        let has_owner = number(&self.owner.reply()?).is_some_and(|owner| owner != x11rb::NONE);
        Ok(Facts {
            xid: self.xid,
            title,
            instance,
            class,
            named_pid: number(&self.pid.reply()?).filter(|pid| *pid != 0),
            machine: text(&self.machine.reply()?, utf8),
            inner,
            frame: frame.plus(Sides::all(geometry.border_width.into())),
            shadow: if shadow.width() < inner.width && shadow.height() < inner.height {
                shadow
            } else {
                Sides::default()
            },
            is_hidden: states.contains(&atoms.hidden),
            is_iconic: number(&self.wm_state.reply()?) == Some(ICONIC),
            is_shaded: states.contains(&atoms.shaded),
            is_viewable: attributes.map_state == MapState::VIEWABLE,
            has_pixels: attributes.class == WindowClass::INPUT_OUTPUT,
            workspace: number(&self.workspace.reply()?),
            is_ordinary: is_ordinary(atoms, &types, &states, has_owner),
            states,
        })
    }
}

/// Whether a window of these types is one that people switch to. Panels, desktops, menus, messages and what asks not to
/// be listed are not; a dialog is, though most ask not to be listed beside the window that they belong to.
fn is_ordinary(atoms: &Atoms, types: &[Atom], states: &[Atom], has_owner: bool) -> bool {
    let people = [atoms.type_normal, atoms.type_dialog, atoms.type_utility, atoms.type_toolbar];
    let furniture = [
        atoms.type_desktop,
        atoms.type_dock,
        atoms.type_splash,
        atoms.type_menu,
        atoms.type_dropdown_menu,
        atoms.type_popup_menu,
        atoms.type_tooltip,
        atoms.type_notification,
        atoms.type_combo,
        atoms.type_dnd,
    ];
    // The first type that is known counts; without one it is a window as any other.
    let kind = types.iter().find(|kind| people.contains(kind) || furniture.contains(kind));
    if kind.is_some_and(|kind| furniture.contains(kind)) {
        return false;
    }
    let is_dialog = has_owner || kind == Some(&atoms.type_dialog) || states.contains(&atoms.modal);
    is_dialog || !states.contains(&atoms.skip_taskbar)
}
