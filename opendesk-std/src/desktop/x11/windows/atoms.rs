//! The names that applications and window managers speak of windows with (ICCCM, EWMH).

use x11rb::protocol::xproto::{Atom, ConnectionExt as _};

use super::super::connection::{Outcome, Wire};

macro_rules! atoms {
    ($($field:ident: $name:literal,)*) => {
        /// The number of each name on one server.
        #[derive(Debug, Clone, Copy)]
        pub(super) struct Atoms {
            $(pub(super) $field: Atom,)*
        }

        impl Atoms {
            /// Asks for all of them in one round trip.
            pub(super) fn intern(wire: &Wire) -> Outcome<Self> {
                $(let $field = wire.x.intern_atom(false, $name.as_bytes())?;)*
                Ok(Self { $($field: $field.reply()?.atom,)* })
            }
        }
    };
}

atoms! {
    utf8_string: "UTF8_STRING",
    // What the window manager keeps on the root window.
    supporting_check: "_NET_SUPPORTING_WM_CHECK",
    supported: "_NET_SUPPORTED",
    client_list: "_NET_CLIENT_LIST",
    client_list_stacking: "_NET_CLIENT_LIST_STACKING",
    current_desktop: "_NET_CURRENT_DESKTOP",
    desktop_names: "_NET_DESKTOP_NAMES",
    // What it is asked for.
    active_window: "_NET_ACTIVE_WINDOW",
    close_window: "_NET_CLOSE_WINDOW",
    moveresize_window: "_NET_MOVERESIZE_WINDOW",
    request_frame_extents: "_NET_REQUEST_FRAME_EXTENTS",
    // What a window says of itself.
    name: "_NET_WM_NAME",
    pid: "_NET_WM_PID",
    machine: "WM_CLIENT_MACHINE",
    protocols: "WM_PROTOCOLS",
    delete_window: "WM_DELETE_WINDOW",
    shadow_extents: "_GTK_FRAME_EXTENTS",
    // What the window manager says of a window.
    frame_extents: "_NET_FRAME_EXTENTS",
    desktop: "_NET_WM_DESKTOP",
    wm_state: "WM_STATE",
    state: "_NET_WM_STATE",
    hidden: "_NET_WM_STATE_HIDDEN",
    shaded: "_NET_WM_STATE_SHADED",
    fullscreen: "_NET_WM_STATE_FULLSCREEN",
    maximized_vert: "_NET_WM_STATE_MAXIMIZED_VERT",
    maximized_horz: "_NET_WM_STATE_MAXIMIZED_HORZ",
    modal: "_NET_WM_STATE_MODAL",
    skip_taskbar: "_NET_WM_STATE_SKIP_TASKBAR",
    // What kind of window it is.
    window_type: "_NET_WM_WINDOW_TYPE",
    type_normal: "_NET_WM_WINDOW_TYPE_NORMAL",
    type_dialog: "_NET_WM_WINDOW_TYPE_DIALOG",
    type_utility: "_NET_WM_WINDOW_TYPE_UTILITY",
    type_toolbar: "_NET_WM_WINDOW_TYPE_TOOLBAR",
    type_desktop: "_NET_WM_WINDOW_TYPE_DESKTOP",
    type_dock: "_NET_WM_WINDOW_TYPE_DOCK",
    type_splash: "_NET_WM_WINDOW_TYPE_SPLASH",
    type_menu: "_NET_WM_WINDOW_TYPE_MENU",
    type_dropdown_menu: "_NET_WM_WINDOW_TYPE_DROPDOWN_MENU",
    type_popup_menu: "_NET_WM_WINDOW_TYPE_POPUP_MENU",
    type_tooltip: "_NET_WM_WINDOW_TYPE_TOOLTIP",
    type_notification: "_NET_WM_WINDOW_TYPE_NOTIFICATION",
    type_combo: "_NET_WM_WINDOW_TYPE_COMBO",
    type_dnd: "_NET_WM_WINDOW_TYPE_DND",
}
