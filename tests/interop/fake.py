"""The computer that the reference's server serves in tests: a desktop in memory, real files and real processes."""

import asyncio
from collections.abc import AsyncIterator

from opendesk.computer.base import CapabilityUnsupported, InputEvent
from opendesk.computer.local import LocalComputer
from opendesk.computer.types import (
    Capability,
    CapabilityManifest,
    ClipboardContents,
    ClipboardEntry,
    Display,
    Environment,
    KeyEvent,
    Notification,
    Pixmap,
    PixmapFormat,
    Point,
    PointerEvent,
    Rect,
    TextInput,
    UIElement,
    Window,
)

from desk import SCREEN, Desk

DISPLAY = "1"
# A display that is not there but gives its pictures as JPEG, which no request of this protocol can ask for.
JPEG = "jpeg"
HAS = [
    Capability.DISPLAY_CAPTURE,
    Capability.DISPLAY_STREAM,
    Capability.INPUT_POINTER,
    Capability.INPUT_KEYBOARD,
    Capability.INPUT_TEXT,
    Capability.UI_TREE,
    Capability.UI_ACTIONS,
    Capability.WINDOWS_LIST,
    Capability.WINDOWS_MANIPULATE,
    Capability.APP_LIFECYCLE,
    Capability.CLIPBOARD_READ,
    Capability.CLIPBOARD_WRITE,
    Capability.CLIPBOARD_MULTI_MIME,
    Capability.FS_READ,
    Capability.FS_WRITE,
    Capability.PROCESS_LIST,
    Capability.PROCESS_SHELL,
    Capability.PROCESS_SPAWN,
    Capability.POWER_LOCK,
    Capability.NOTIFICATIONS_LIST,
]


class FakeComputer(LocalComputer):
    """A desk. Files, processes and the stream of pictures are the reference's own, with their weaknesses: a listing with
    a name that is no UTF-8 is never answered.
    """

    BACKEND = "fake"

    def __init__(self, without: list[str]) -> None:
        """A computer that has every capability but these."""
        super().__init__()
        self.desk = Desk()
        self.has = {capability for capability in HAS if capability.value not in without}

    def capabilities(self) -> CapabilityManifest:
        limits = {"display.stream": {"max_fps": 30}}
        return CapabilityManifest(capabilities=self.has, limits=limits, backend="local/fake")

    async def environment(self) -> Environment:
        displays = await self.displays()
        return Environment(os="Linux", os_version="6.1.0", hostname="interop", timezone="UTC", displays=displays)

    async def displays(self) -> list[Display]:
        return [Display(id=DISPLAY, bounds=SCREEN, primary=True, name="display-1")]

    async def capture(
        self, *, display_id: str | None = None, region: Rect | None = None, downscale: bool = True
    ) -> Pixmap:
        format = PixmapFormat.JPEG if display_id == JPEG else PixmapFormat.PNG
        data, width, height = self.desk.picture(region, format.value)
        return Pixmap(
            data=data,
            format=format,
            width=width,
            height=height,
            logical_width=width,
            logical_height=height,
            display_id=display_id,
        )

    async def cursor_position(self) -> Point:
        x, y = self.desk.pointer
        return Point(x=x, y=y)

    async def pointer(self, event: PointerEvent) -> None:
        self.desk.pointed(event)

    async def key(self, event: KeyEvent) -> None:
        self.desk.struck(event)

    async def text(self, text_input: TextInput) -> None:
        for character in text_input.text:
            self.desk.typed(character)
            await asyncio.sleep(text_input.interval_ms / 1000)

    def subscribe_input(self) -> AsyncIterator[InputEvent]:
        return self._refuse_input()

    async def _refuse_input(self) -> AsyncIterator[InputEvent]:
        raise CapabilityUnsupported(Capability.INPUT_POINTER, backend=self.BACKEND)
        # It is the yield that makes this a generator, which is what is asked for.
        yield

    async def windows(self) -> list[Window]:
        return self.desk.windows()

    async def focused_window(self) -> Window | None:
        return next((window for window in self.desk.windows() if window.focused), None)

    async def focus_window(self, window_id: str) -> None:
        self.desk.focus = self.desk.window(id=window_id).app

    async def move_window(self, window_id: str, bounds: Rect) -> None:
        self.desk.window(id=window_id).area = bounds

    async def close_window(self, window_id: str) -> None:
        self.desk.close(self.desk.window(id=window_id))

    async def open_app(self, name: str) -> None:
        self.desk.open(name)

    async def close_app(self, name: str) -> None:
        self.desk.close(self.desk.window(app=name))

    async def focus_app(self, name: str) -> None:
        self.desk.focus = self.desk.window(app=name).app

    async def list_apps(self) -> list[str]:
        return [window.app_name for window in self.desk.windows()]

    async def ui_tree(
        self, *, window_id: str | None = None, app: str | None = None, max_depth: int = 8
    ) -> UIElement:
        return self.desk.tree(window_id, app, max_depth)

    async def perform_ui_action(self, element: UIElement, action: str = "click", *, app: str | None = None) -> None:
        self.desk.act(element, action)

    async def clipboard_read(self) -> ClipboardContents:
        entries = [ClipboardEntry(mime_type=kind, data=data) for kind, data in self.desk.clipboard]
        return ClipboardContents(entries=entries)

    async def clipboard_write(self, contents: ClipboardContents) -> None:
        self.desk.clipboard = [(entry.mime_type, entry.data) for entry in contents.entries]

    async def lock_screen(self) -> None:
        self.desk.locked = True

    async def notifications(self) -> list[Notification]:
        return [Notification(id="1", title="Backup finished", body="Nothing to do", app="Backup", timestamp=1.5)]
