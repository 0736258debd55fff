"""What the cases stand on: the register of cases, the connection, and what several of them look at."""

import asyncio
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from opendesk.computer.base import CapabilityUnsupported
from opendesk.computer.remote import RemoteComputer
from opendesk.computer.types import Capability, Point, UIElement
from opendesk.protocol import ProtocolError
from opendesk.tools.base import Tool, ToolContext, ToolResult

# Seconds until an effect must be seen. It is no measure of speed: a busy machine may take long.
EFFECT = 30
PNG = b"\x89PNG\r\n\x1a\n"

T = TypeVar("T")


class Failed(Exception):
    """A check that did not hold; its text says what was found instead."""


def check(holds: object, message: str) -> None:
    """Fails the case unless this holds."""
    if not holds:
        raise Failed(message)


@dataclass
class Bench:
    """A connected host, a folder that both sides see, and what to expect of the host."""

    remote: RemoteComputer
    folder: Path
    python: bool
    description: str | None

    def has(self, capability: str) -> bool:
        """Whether the host says that it has this."""
        return self.remote.capabilities().has(Capability(capability))

    async def call(self, method: str, params: dict[str, Any] | None = None) -> Any:
        """A call as it is on the wire, past the library's types."""
        return await self.remote._peer.call(method, params or {})

    async def refusal(self, method: str, params: dict[str, Any] | None = None) -> ProtocolError:
        """The error with which a call must end."""
        try:
            result = await self.call(method, params)
        except ProtocolError as error:
            return error
        raise Failed(f"{method} was answered with {result!r:.200} instead of an error")

    async def answers(self) -> None:
        """The session is of use."""
        check(await self.remote.displays(), "no displays")

    async def tool(self, tool: Tool, **arguments: object) -> ToolResult:
        """What one of the reference's own tools makes of the host; an error of the tool fails the case."""
        result = await tool.execute(self.context(), tool.parse_params(arguments))
        check(not result.error, f"{tool.name} {arguments}: {result.output}")
        return result

    async def tool_refusal(self, tool: Tool, **arguments: object) -> str:
        """What a tool says that must not succeed."""
        result = await tool.execute(self.context(), tool.parse_params(arguments))
        check(result.error, f"{tool.name} {arguments} was no error: {result.output}")
        return result.output

    def context(self) -> ToolContext:
        """What a tool works on."""
        return ToolContext(session_id="interop", computer=self.remote)

    async def element(self, app: str, name: str) -> UIElement:
        """The element of this name in the window of an application."""
        return find(await self.remote.ui_tree(app=app), name)

    async def value(self, app: str, name: str) -> str:
        """What an element holds."""
        return (await self.element(app, name)).value or ""

    async def middle(self, app: str, name: str) -> Point:
        """Where to click an element."""
        bounds = (await self.element(app, name)).bounds
        check(bounds, f"{name} has no bounds")
        return bounds.center

    async def shown(self) -> set[str]:
        """The applications that have a window, as the accessibility tree has it."""
        return {child.name for child in (await self.remote.ui_tree()).children if child.role == "window"}

    async def counter(self) -> int:
        """How often the button was clicked."""
        return int(await self.value("Controls", "Counter"))

    async def empty_note(self) -> None:
        """Gives the editor the keyboard and deletes what is in it."""
        await self.remote.click(await self.middle("Notes", "Note"))
        await self.remote.hotkey(["ctrl", "a"])
        await self.remote.press("backspace")
        await self.becomes(lambda: self.value("Notes", "Note"), "")

    async def becomes(self, look: Callable[[], Awaitable[T]], expected: T) -> None:
        """Waits until what is looked at is as expected."""
        found = await look()
        try:
            async with asyncio.timeout(EFFECT):
                while found != expected:
                    await asyncio.sleep(0.02)
                    found = await look()
        except TimeoutError:
            raise Failed(f"{found!r:.200} instead of {expected!r:.200}") from None


Check = Callable[[Bench], Awaitable[str]]

CASES: dict[str, Check] = {}


def case(name: str) -> Callable[[Check], Check]:
    """Puts a check into the register; it gives what is worth telling, and raises if it fails."""

    def register(function: Check) -> Check:
        CASES[name] = function
        return function

    return register


def find(root: UIElement, name: str) -> UIElement:
    """The first element of this name."""
    waiting = [root]
    while waiting:
        element = waiting.pop()
        if element.name == name:
            return element
        waiting.extend(reversed(element.children))
    raise Failed(f"there is no {name!r} below {root.name!r}")


def png_size(data: bytes) -> tuple[int, int]:
    """Width and height as the file itself tells them."""
    check(data[:8] == PNG and data[12:16] == b"IHDR", f"no PNG: {data[:16]!r}")
    width, height = struct.unpack(">II", data[16:24])
    return width, height


async def unsupported(call: Awaitable[object], capability: str | None) -> str:
    """A call that must be refused for want of a capability, and tells which."""
    try:
        result = await call
    except CapabilityUnsupported as error:
        named = error.capability.value
        check(capability in (None, named), f"refused for want of {named} instead of {capability}")
        return f"refused for want of {named}, backend {error.backend}"
    raise Failed(f"answered with {result!r:.200} although {capability} is missing")
