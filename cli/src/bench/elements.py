"""A GTK 3 window of 520 labels and buttons, whose accessibility tree `opendesk bench` measures.

It prints the number of its process when the window is shown, and ends when its input does.
"""

import os
import sys

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("Gtk", "3.0")

from gi.repository import Gdk, GLib, Gtk  # noqa: E402

COLUMNS, ROWS = 20, 26
# What does not fit on the screen may be left out of a tree.
SMALL = b"* { font-size: 8px; min-height: 0; min-width: 0; padding: 0; }"


def shown(window: Gtk.Window, event: Gdk.EventAny) -> bool:
    print(os.getpid(), flush=True)
    return False


def main() -> None:
    style = Gtk.CssProvider()
    style.load_from_data(SMALL)
    Gtk.StyleContext.add_provider_for_screen(Gdk.Screen.get_default(), style, Gtk.STYLE_PROVIDER_PRIORITY_USER)
    grid = Gtk.Grid()
    for number in range(COLUMNS * ROWS):
        row, column = divmod(number, COLUMNS)
        kind = Gtk.Button if number % 2 else Gtk.Label
        grid.attach(kind(label=f"{number}"), column, row, 1, 1)
    window = Gtk.Window(title="opendesk bench")
    window.add(grid)
    window.connect("map-event", shown)
    window.connect("destroy", Gtk.main_quit)
    GLib.io_add_watch(sys.stdin, GLib.PRIORITY_DEFAULT, GLib.IOCondition.HUP, lambda *_: Gtk.main_quit())
    window.show_all()
    Gtk.main()


if __name__ == "__main__":
    main()
