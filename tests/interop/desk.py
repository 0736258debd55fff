"""A desktop in memory, laid out as the virtual desktop of `opendesk serve --backend virtual`.

Two windows, an editor called Notes and a form called Controls with a button that counts. The same input gives the same
text, numbers and pixels, so that one check serves the reference's host and ours.
"""

import io
from dataclasses import dataclass, field

from PIL import Image, ImageDraw

from opendesk.computer.types import KeyAction, KeyEvent, PointerAction, PointerEvent, Rect, UIElement, Window

SCREEN = Rect(x=0, y=0, width=800, height=600)
TITLE_HEIGHT = 30
TEXT_TYPE = "text/plain;charset=utf-8"

# What the modifiers' names on the wire and those that people type mean.
MODIFIERS = {"shift": "shift", "ctrl": "ctrl", "control": "ctrl", "alt": "alt", "option": "alt", "fn": "fn"}
MODIFIERS |= {name: "meta" for name in ("meta", "cmd", "command", "win", "super")}


def shifted(area: Rect, x: float, y: float) -> Rect:
    """The area, moved."""
    return Rect(x=area.x + x, y=area.y + y, width=area.width, height=area.height)


@dataclass
class Place:
    """A window's state; closed windows keep their place."""

    id: str
    app: str
    area: Rect
    shown: bool = True


@dataclass
class Desk:
    """The whole state, and what input does to it."""

    notes: Place = field(default_factory=lambda: Place("virtual-1", "Notes", Rect(x=20, y=20, width=400, height=300)))
    form: Place = field(
        default_factory=lambda: Place("virtual-2", "Controls", Rect(x=440, y=20, width=300, height=220))
    )
    focus: str | None = "Notes"
    pointer: tuple[float, float] = (SCREEN.width / 2, SCREEN.height / 2)
    text: str = ""
    selected: bool = False
    counter: int = 0
    clipboard: list[tuple[str, bytes]] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    buttons: set[str] = field(default_factory=set)
    grab: tuple[str, float, float] | None = None
    locked: bool = False

    def places(self) -> list[Place]:
        """Every window, from the back to the front."""
        return sorted((self.notes, self.form), key=lambda place: place.app == self.focus)

    def window(self, app: str | None = None, id: str | None = None) -> Place:
        """The open window of this name and id; both may be left out."""
        for place in (self.notes, self.form):
            if place.shown and id in (None, place.id) and (app is None or app.lower() == place.app.lower()):
                return place
        # The one exception that the reference's server turns into `not_found`.
        raise FileNotFoundError(f"no open window {id or app!r}")

    def open(self, app: str) -> None:
        """Opens an application and gives it the keyboard."""
        for place in (self.notes, self.form):
            if place.app.lower() == app.lower():
                place.shown, self.focus = True, place.app
                return
        raise FileNotFoundError(f"no application {app!r}")

    def close(self, place: Place) -> None:
        """Closes a window; the other one gets the keyboard."""
        place.shown = False
        if self.focus == place.app:
            self.focus = next((other.app for other in self.places() if other.shown), None)

    def windows(self) -> list[Window]:
        """The open windows as the interface describes them."""
        return [
            Window(id=place.id, title=place.app, app_name=place.app, bounds=place.area, focused=place.app == self.focus)
            for place in (self.notes, self.form)
            if place.shown
        ]

    def pointed(self, event: PointerEvent) -> None:
        """What an event of the mouse does."""
        x, y = event.point.x, event.point.y
        if not (0 <= x < SCREEN.width and 0 <= y < SCREEN.height):
            raise ValueError(f"({x}, {y}) is not on the screen")
        self.pointer = (x, y)
        if self.grab and self.grab[0] == "title":
            area = self.form.area
            self.form.area = Rect(x=x - self.grab[1], y=y - self.grab[2], width=area.width, height=area.height)
        button = event.button.value if event.button else "left"
        if event.action is PointerAction.DOWN:
            self.buttons.add(button)
            if button == "left":
                self.pressed()
        elif event.action is PointerAction.UP:
            self.buttons.discard(button)
            if button == "left":
                if self.grab and self.grab[0] == "count" and self.count_area().contains(event.point):
                    self.counter += 1
                self.grab = None

    def pressed(self) -> None:
        """The main button goes down where the pointer is."""
        x, y = self.pointer
        for place in reversed(self.places()):
            area = place.area
            if place.shown and area.x <= x < area.right and area.y <= y < area.bottom:
                self.focus, self.selected = place.app, False
                if place is self.form and y < area.y + TITLE_HEIGHT:
                    self.grab = ("title", x - area.x, y - area.y)
                elif place is self.form and (button := self.count_area()).x <= x < button.right:
                    self.grab = ("count", 0, 0) if button.y <= y < button.bottom else None
                return
        self.focus = None

    def struck(self, event: KeyEvent) -> None:
        """What an event of the keyboard does."""
        name = event.keysym.lower()
        if event.action is KeyAction.UP:
            self.keys.discard(MODIFIERS.get(name, name))
            return
        self.keys.add(MODIFIERS.get(name, name))
        held = self.keys | {modifier.value for modifier in event.modifiers}
        if "ctrl" in held:
            self.chord(name)
        elif name in ("backspace", "delete"):
            self.text = "" if self.selected else self.text[:-1]
            self.selected = False
        elif name in ("return", "enter", "tab", "space"):
            self.typed({"tab": "\t", "space": " "}.get(name, "\n"))
        elif len(event.keysym) == 1:
            self.typed(event.keysym.upper() if "shift" in held else event.keysym)

    def chord(self, name: str) -> None:
        """A key together with Ctrl."""
        if self.focus != "Notes":
            return
        if name == "a":
            self.selected = True
        elif name == "c" and self.selected:
            self.clipboard = [(TEXT_TYPE, self.text.encode())]
        elif name == "v":
            self.typed(next((data.decode() for kind, data in self.clipboard if kind.startswith("text/plain")), ""))

    def typed(self, text: str) -> None:
        """Text arrives at what has the keyboard."""
        if self.focus == "Notes":
            self.text = text if self.selected else self.text + text
            self.selected = False

    def count_area(self) -> Rect:
        """Where the button that counts is."""
        return shifted(Rect(x=20, y=60, width=108, height=36), self.form.area.x, self.form.area.y)

    def tree(self, window: str | None, app: str | None, depth: int) -> UIElement:
        """The accessibility tree down to a depth; elements have a ref, as some of the reference's backends give."""
        asked = window is not None or app is not None
        shown = [self.window(app, window)] if asked else [place for place in (self.notes, self.form) if place.shown]
        root = UIElement(role="desktop", name="Virtual desktop", bounds=SCREEN, ref="desktop")
        if depth > 0:
            root.children = [self.element(place, depth > 1) for place in shown]
        return root

    def element(self, place: Place, whole: bool) -> UIElement:
        """A window and, if wanted, what it contains."""
        area, focused = place.area, place.app == self.focus
        element = UIElement(role="window", name=place.app, bounds=area, focused=focused, ref=place.id)
        if not whole:
            return element
        if place is self.notes:
            page = Rect(x=area.x + 10, y=area.y + 40, width=area.width - 20, height=area.height - 50)
            note = UIElement(role="text", name="Note", value=self.text, bounds=page, focused=focused, ref="note")
            note.actions = ["click"]
            element.children = [note]
        else:
            button = self.count_area()
            count = UIElement(role="push button", name="Count", bounds=button, actions=["click"], ref="count")
            label = UIElement(role="label", name="Counter", value=str(self.counter), bounds=shifted(button, 128, 0))
            element.children = [count, label]
        return element

    def act(self, element: UIElement, action: str) -> None:
        """Does to an element, found by its ref or else by its name, what one of its actions says."""
        if action == "click" and "count" in (element.ref, element.name.lower()):
            self.counter += 1
        elif action in ("click", "focus") and ("note" in (element.ref, element.name.lower())):
            self.focus = "Notes"
        else:
            raise ValueError(f"{element.role} {element.name!r} has no action {action!r}")

    def picture(self, region: Rect | None, format: str) -> tuple[bytes, int, int]:
        """What the screen or a part of it shows, encoded, with its width and height."""
        image = Image.new("RGB", (int(SCREEN.width), int(SCREEN.height)), (40, 70, 110))
        draw = ImageDraw.Draw(image)
        for place in (place for place in self.places() if place.shown):
            area = place.area
            draw.rectangle((area.x, area.y, area.right, area.bottom), fill=(245, 245, 245))
            bar = (30, 90, 200) if place.app == self.focus else (150, 150, 150)
            draw.rectangle((area.x, area.y, area.right, area.y + TITLE_HEIGHT), fill=bar)
            content = self.text if place is self.notes else f"{self.counter}"
            words = content.encode("ascii", "replace").decode()
            draw.text((area.x + 10, area.y + 60), words, fill=(0, 0, 0))
        x, y = self.pointer
        draw.ellipse((x - 3, y - 3, x + 3, y + 3), fill=(220, 30, 30))
        if region is not None:
            if not (region.width >= 1 and region.height >= 1 and region.x >= 0 and region.y >= 0):
                raise ValueError("the region is empty or not on the screen")
            if region.right > SCREEN.width or region.bottom > SCREEN.height:
                raise ValueError("the region is not on the screen")
            image = image.crop((int(region.x), int(region.y), int(region.right), int(region.bottom)))
        encoded = io.BytesIO()
        image.save(encoded, format=format)
        return encoded.getvalue(), image.width, image.height

    def state(self) -> dict[str, object]:
        """What an outside observer sees."""
        return {
            "text": self.text,
            "counter": self.counter,
            "focus": self.focus,
            "open": [place.app for place in (self.notes, self.form) if place.shown],
            "pointer": list(self.pointer),
            "keys": sorted(self.keys),
            "buttons": sorted(self.buttons),
            "locked": self.locked,
        }
