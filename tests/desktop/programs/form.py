"""A GTK 3 window with one widget of every kind, which writes down what happens to it.

    form.py EVENTS [TITLE]

Each event is a line of JSON, appended to the file EVENTS: {"event", "widget", …}. "ready" comes when the window is shown,
"place" for each widget whenever the window was put somewhere: where it is on the screen. Escape empties the text that has
the keyboard, on any layout. Tests run it with Debian's own python3, which has PyGObject.
"""

import json
import sys

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("Gtk", "3.0")

from gi.repository import Gdk, GLib, Gtk  # noqa: E402

BUTTON_PRESSES = {
    Gdk.EventType.BUTTON_PRESS: 1,
    Gdk.EventType.DOUBLE_BUTTON_PRESS: 2,
    Gdk.EventType.TRIPLE_BUTTON_PRESS: 3,
}

# Super, by its real modifier: GDK adds a virtual one of the same meaning. Locks are nobody's press.
MODIFIERS = {
    "shift": Gdk.ModifierType.SHIFT_MASK,
    "ctrl": Gdk.ModifierType.CONTROL_MASK,
    "alt": Gdk.ModifierType.MOD1_MASK,
    "meta": Gdk.ModifierType.MOD4_MASK,
}


class Form:
    """The window, and the file that it writes into."""

    def __init__(self, path: str, title: str = "Form") -> None:
        self.log = open(path, "a", encoding="utf-8")
        self.known: dict[str, Gtk.Widget] = {}
        self.window = Gtk.Window(title=title)
        self.window.set_default_size(640, 560)
        self.window.connect("destroy", Gtk.main_quit)
        column = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=4)
        column.pack_start(self.menus(), False, False, 0)
        for label, widget in self.widgets():
            column.pack_start(self.row(label, widget), False, False, 0)
        column.pack_start(self.canvas(), True, True, 0)
        self.window.add(column)
        self.window.connect("key-press-event", self.on_key, "key-press")
        self.window.connect("key-release-event", self.on_key, "key-release")
        self.window.connect("map-event", self.on_map)
        self.window.connect("configure-event", self.on_place)

    def on_map(self, window: Gtk.Window, event: Gdk.EventAny) -> bool:
        """The window is shown; what is to come first, such as its size, has come when the loop is idle."""
        GLib.idle_add(self.on_shown)
        return False

    def on_shown(self) -> bool:
        self.tell_places()
        return self.tell("ready", "Form")

    def on_place(self, window: Gtk.Window, event: Gdk.EventConfigure) -> bool:
        """The window was put somewhere."""
        GLib.idle_add(self.tell_places)
        return False

    def tell_places(self) -> bool:
        """Where everything is on the screen now."""
        origin = self.window.get_window().get_origin()
        for name, widget in self.known.items():
            left, top = widget.translate_coordinates(self.window, 0, 0)
            size = widget.get_allocation()
            self.tell("place", name, x=origin.x + left, y=origin.y + top, width=size.width, height=size.height)
        return False

    def tell(self, event: str, widget: str, **more: object) -> bool:
        """Writes one line; GLib calls a function that gives False once."""
        self.log.write(json.dumps({"event": event, "widget": widget, **more}, ensure_ascii=False) + "\n")
        self.log.flush()
        return False

    def row(self, label: str, widget: Gtk.Widget) -> Gtk.Widget:
        """The widget behind its label."""
        row = Gtk.Box(spacing=8)
        text = Gtk.Label(label=label, xalign=0)
        text.set_size_request(80, -1)
        row.pack_start(text, False, False, 4)
        row.pack_start(widget, True, True, 4)
        return row

    def named(self, widget: Gtk.Widget, name: str) -> Gtk.Widget:
        """The widget with the name by which accessibility knows it."""
        widget.get_accessible().set_name(name)
        widget.set_name(name)
        self.known[name] = widget
        return widget

    def widgets(self) -> list[tuple[str, Gtk.Widget]]:
        """All that stand in rows, from the top."""
        return [
            ("Name", self.entry("Name", hidden=False)),
            ("Password", self.entry("Password", hidden=True)),
            ("", self.buttons()),
            ("", self.check()),
            ("Colour", self.combo()),
            ("Volume", self.slider()),
            ("Notes", self.notes()),
            ("Items", self.items()),
        ]

    def entry(self, name: str, hidden: bool) -> Gtk.Widget:
        entry = Gtk.Entry(visibility=not hidden)
        if hidden:
            entry.set_input_purpose(Gtk.InputPurpose.PASSWORD)
        entry.connect("changed", lambda entry: self.tell("text", name, text=entry.get_text()))
        entry.connect("activate", lambda entry: self.tell("activate", name))
        return self.named(entry, name)

    def buttons(self) -> Gtk.Widget:
        row = Gtk.Box(spacing=8)
        for name, sensitive in (("Save", True), ("Never", False)):
            button = Gtk.Button(label=name, sensitive=sensitive)
            button.connect("clicked", lambda button, name: self.tell("clicked", name), name)
            row.pack_start(self.named(button, name), False, False, 0)
        return row

    def check(self) -> Gtk.Widget:
        check = Gtk.CheckButton(label="Agree")
        check.connect("toggled", lambda check: self.tell("toggled", "Agree", active=check.get_active()))
        return self.named(check, "Agree")

    def combo(self) -> Gtk.Widget:
        combo = Gtk.ComboBoxText()
        for colour in ("Red", "Green", "Blue"):
            combo.append_text(colour)
        combo.set_active(0)
        combo.connect("changed", lambda combo: self.tell("value", "Colour", value=combo.get_active_text()))
        return self.named(combo, "Colour")

    def slider(self) -> Gtk.Widget:
        slider = Gtk.Scale.new_with_range(Gtk.Orientation.HORIZONTAL, 0, 100, 1)
        slider.connect("value-changed", lambda slider: self.tell("value", "Volume", value=slider.get_value()))
        return self.named(slider, "Volume")

    def notes(self) -> Gtk.Widget:
        notes = Gtk.TextView(wrap_mode=Gtk.WrapMode.CHAR)
        notes.get_buffer().connect("changed", self.on_notes)
        scrolled = Gtk.ScrolledWindow()
        scrolled.set_size_request(-1, 90)
        scrolled.add(self.named(notes, "Notes"))
        return scrolled

    def on_notes(self, buffer: Gtk.TextBuffer) -> None:
        start, end = buffer.get_bounds()
        self.tell("text", "Notes", text=buffer.get_text(start, end, True))

    def items(self) -> Gtk.Widget:
        items = Gtk.ListBox()
        for name in ("Apple", "Pear", "Plum"):
            row = Gtk.ListBoxRow()
            row.add(Gtk.Label(label=name, xalign=0))
            items.add(self.named(row, name))
        items.connect("row-selected", lambda items, row: self.tell("selected", "Items", value=row and row.get_name()))
        return self.named(items, "Items")

    def menus(self) -> Gtk.Widget:
        recent = self.menu([self.item("One"), self.item("Two")])
        file = self.menu([self.item("Open"), self.item("Recent", recent), self.item("Quit")])
        bar = Gtk.MenuBar()
        bar.append(self.item("File", file))
        return bar

    def menu(self, items: list[Gtk.MenuItem]) -> Gtk.Menu:
        menu = Gtk.Menu()
        for item in items:
            menu.append(item)
        return menu

    def item(self, name: str, below: Gtk.Menu | None = None) -> Gtk.MenuItem:
        item = Gtk.MenuItem(label=name)
        if below is not None:
            item.set_submenu(below)
        else:
            item.connect("activate", self.on_item, name)
        return item

    def on_item(self, item: Gtk.MenuItem, name: str) -> None:
        self.tell("menu", name)
        if name == "Quit":
            self.window.destroy()

    def canvas(self) -> Gtk.Widget:
        """A free place for the mouse, which nothing but this program answers to."""
        canvas = Gtk.EventBox()
        canvas.set_size_request(-1, 100)
        canvas.set_above_child(True)
        mask = Gdk.EventMask
        canvas.add_events(
            mask.BUTTON_PRESS_MASK | mask.BUTTON_RELEASE_MASK | mask.POINTER_MOTION_MASK | mask.SCROLL_MASK
        )
        canvas.connect("button-press-event", self.on_button)
        canvas.connect("button-release-event", self.on_button)
        canvas.connect("motion-notify-event", self.on_motion)
        canvas.connect("scroll-event", self.on_scroll)
        return self.named(canvas, "Canvas")

    def state(self, event: Gdk.Event) -> list[str]:
        return [name for name, mask in MODIFIERS.items() if event.state & mask]

    def on_key(self, window: Gtk.Window, event: Gdk.EventKey, kind: str) -> bool:
        name = Gdk.keyval_name(event.keyval)
        self.tell(kind, self.focused(), key=name, state=self.state(event))
        if kind == "key-press" and event.keyval == Gdk.KEY_Escape:
            self.empty(self.window.get_focus())
        return False

    def empty(self, focus: Gtk.Widget | None) -> None:
        if isinstance(focus, Gtk.Entry):
            focus.set_text("")
        elif isinstance(focus, Gtk.TextView):
            focus.get_buffer().set_text("")

    def focused(self) -> str:
        focus = self.window.get_focus()
        return focus.get_name() if focus is not None else "Form"

    def on_button(self, canvas: Gtk.Widget, event: Gdk.EventButton) -> bool:
        clicks = BUTTON_PRESSES.get(event.type)
        kind = "button-release" if clicks is None else "button-press"
        where = {"x": round(event.x_root), "y": round(event.y_root)}
        self.tell(kind, "Canvas", button=event.button, clicks=clicks or 0, state=self.state(event), **where)
        return True

    def on_motion(self, canvas: Gtk.Widget, event: Gdk.EventMotion) -> bool:
        held = [1 + index for index in range(3) if event.state & (Gdk.ModifierType.BUTTON1_MASK << index)]
        where = {"x": round(event.x_root), "y": round(event.y_root)}
        self.tell("motion", "Canvas", held=held, state=self.state(event), **where)
        return True

    def on_scroll(self, canvas: Gtk.Widget, event: Gdk.EventScroll) -> bool:
        self.tell("scroll", "Canvas", direction=event.direction.value_nick, state=self.state(event))
        return True


def main() -> None:
    form = Form(*sys.argv[1:])
    form.window.show_all()
    Gtk.main()


if __name__ == "__main__":
    main()
