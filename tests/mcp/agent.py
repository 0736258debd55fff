"""An agent's session with `opendesk mcp`, by the official client.

Prints one line of JSON for every check and exits with 1 after the first that fails. The pictures from before and after
the typing are left in the folder as before.png and after.png.
"""

import argparse
import base64
import json
import os
import re
import struct
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path

import anyio
from mcp import Client, MCPError, StdioServerParameters
from mcp.types import CallToolResult, ImageContent, TextContent

# What an MCP client is to get as the list of tools.
SNAPSHOT = Path(__file__).parents[2] / "docs/tools.json"

NUMBER = r"(-?\d+(?:\.\d+)?)"
SAID = re.compile(
    rf"Picture of (\d+)x(\d+) pixels, showing {NUMBER}x{NUMBER} of the desktop from {NUMBER},{NUMBER}\."
)

PEER = "desk"
LONGEST_EDGE = 1568

# In seconds. Nothing here is a measure of speed: a busy machine may take long.
ANSWER = 60
EFFECT = 30
ALL = 240


@dataclass(frozen=True)
class Shot:
    """A picture and what its text says of it."""

    text: str
    png: bytes
    size: tuple[int, int]
    shows: tuple[float, float, float, float]

    def pixel(self, x: float, y: float) -> tuple[int, int]:
        """The pixel that shows a point of the desktop."""
        left, top, width, height = self.shows
        assert left <= x < left + width and top <= y < top + height, f"{x},{y} is not in the picture: {self.text}"
        return int((x - left) * self.size[0] / width), int((y - top) * self.size[1] / height)


class Agent:
    """A client that looks closely at every result."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def result(self, tool: str, **arguments: object) -> CallToolResult:
        result = await self.client.call_tool(tool, arguments)
        assert result.structured_content is None, f"{tool} gave structured content: {result.structured_content}"
        assert "structured_content" not in result.model_fields_set, f"{tool} gave structured content: null"
        assert result.content and isinstance(result.content[0], TextContent), f"{tool}: the text is not first"
        return result

    async def say(self, tool: str, **arguments: object) -> str:
        result = await self.result(tool, **arguments)
        assert not result.is_error, f"{tool} {arguments}: {result.content[0].text}"
        return result.content[0].text

    async def refusal(self, tool: str, **arguments: object) -> str:
        result = await self.result(tool, **arguments)
        assert result.is_error, f"{tool} {arguments} was no error: {result.content[0].text}"
        assert len(result.content) == 1 and "\n" not in result.content[0].text, f"not one line: {result.content}"
        return result.content[0].text

    async def screenshot(self, **arguments: object) -> Shot:
        result = await self.result("screenshot", **arguments)
        text = result.content[0].text
        assert not result.is_error, text
        assert [type(block) for block in result.content] == [TextContent, ImageContent], f"blocks: {result.content}"
        image = result.content[1]
        assert image.mime_type == "image/png", image.mime_type
        png = base64.b64decode(image.data, validate=True)
        said = SAID.search(text)
        assert said, f"the text does not say what the picture shows: {text}"
        size = (int(said[1]), int(said[2]))
        assert size_of(png) == size, f"the picture has {size_of(png)} pixels, its text says {text}"
        assert max(size) <= LONGEST_EDGE, f"{size} is larger than models look at"
        width, height, left, top = (float(said[group]) for group in range(3, 7))
        return Shot(text, png, size, (left, top, width, height))


def size_of(png: bytes) -> tuple[int, int]:
    """Width and height as the file itself tells them."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n" and png[12:16] == b"IHDR", f"no PNG: {png[:16]!r}"
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def passed(check: str, **facts: object) -> None:
    print(json.dumps({"check": check, "ok": True, **facts}, ensure_ascii=False), flush=True)


async def check_tools(client: Client) -> None:
    assert client.server_info is not None and client.server_info.name == "opendesk", f"{client.server_info}"
    tools = (await client.list_tools()).tools
    told = [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools]
    assert told == json.loads(SNAPSHOT.read_text()), f"the tools are {told}"
    assert all(tool.output_schema is None for tool in tools), "a tool promises structured content"


async def check_content(path: Path, expected: bytes) -> None:
    """Waits until a program has written this into a file."""
    found = None
    with anyio.move_on_after(EFFECT):
        while found != expected:
            await anyio.sleep(0.02)
            found = path.read_bytes() if path.exists() else None
    assert found == expected, f"{path.name} has {found!r} instead of {expected!r}"


async def changed(agent: Agent, before: Shot) -> Shot:
    """The first picture that differs from an earlier one and from which the next does not differ."""
    last = before
    with anyio.move_on_after(EFFECT):
        while True:
            shot = await agent.screenshot()
            if shot.png == last.png != before.png:
                return shot
            last = shot
    raise AssertionError("the picture did not change, or did not come to rest")


async def drive(agent: Agent, folder: Path, window: tuple[int, int, int, int]) -> Shot:
    """Works in the terminal at this place of the peer's desktop and gives the last picture."""
    first = await agent.screenshot()
    assert first.text.startswith(f"[on {PEER}] "), first.text
    passed("a screenshot says what it shows", text=first.text, bytes=len(first.png))

    left, top, width, height = window
    x, y = first.pixel(left + width / 2, top + height / 2)
    clicked = await agent.say("mouse", action="click", x=x, y=y)
    assert clicked.startswith(f"[on {PEER}] "), clicked
    # Another window had the keyboard: the window manager draws the frames of both anew.
    before = await changed(agent, first)
    (folder / "before.png").write_bytes(before.png)
    passed("a click gives the window the keyboard, which can be seen", text=clicked)

    ascii_file, other_file = folder / "ascii", folder / "other"
    await agent.say("keyboard", action="type", text=f"echo hello-$((40+2)) > {ascii_file}\n")
    await check_content(ascii_file, b"hello-42\n")
    passed("typed text runs as a command")
    await agent.say("keyboard", action="type", text=f"printf '%s' 'grüße 世界' > {other_file}\n")
    await check_content(other_file, "grüße 世界".encode())
    passed("text beyond the keyboard layout arrives as it was typed")

    after = await changed(agent, before)
    (folder / "after.png").write_bytes(after.png)
    passed("the next screenshot shows a change", bytes=len(after.png))
    return after


async def check_refusals(agent: Agent, last: Shot) -> None:
    width, height = last.size
    outside = await agent.refusal("mouse", action="click", x=width, y=0)
    assert f"{width}x{height}" in outside, outside
    passed("a point outside of the picture is refused", text=outside)
    unknown = await agent.refusal("screenshot", peer="nobody")
    assert "nobody" in unknown and PEER in unknown, unknown
    passed("an unknown peer is refused, and the known ones are named", text=unknown)
    try:
        await agent.client.call_tool("no_such_tool", {})
    except MCPError as error:
        assert "no_such_tool" in error.message, error.message
        passed("an unknown tool is an error of the protocol", text=error.message)
    else:
        raise AssertionError("an unknown tool was called")


async def check_choice(agent: Agent, remote: Shot) -> None:
    peers = await agent.say("opendesk_peers")
    assert re.search(r"^- local: ", peers, re.M), peers
    assert re.search(rf"^- {PEER} \[calls without `peer`: the only paired peer\]: ", peers, re.M), peers
    status = await agent.say("opendesk_status")
    assert f"go to {PEER}:" in status and f"- {PEER}: connected, version 2" in status, status
    passed("peers and status name the peer", peers=peers, status=status)

    await agent.say("opendesk_use", peer="local")
    local = await agent.screenshot()
    assert not local.text.startswith("["), local.text
    assert local.png != remote.png and local.shows != remote.shows, "`local` shows the peer's desktop"
    status = await agent.say("opendesk_status")
    assert "go to local:" in status, status
    named = await agent.screenshot(peer=PEER)
    assert named.text.startswith(f"[on {PEER}] ") and named.shows == remote.shows, named.text
    passed("local means this machine, and a named peer still the peer", local=local.text, status=status)


async def session(arguments: argparse.Namespace) -> None:
    server = StdioServerParameters(
        command=arguments.opendesk,
        args=["mcp", "--home", arguments.home, "--backend", "virtual"],
        # The client hands its server a few variables only unless it is told otherwise.
        env=dict(os.environ),
    )
    with anyio.fail_after(ALL):
        for mode in ("legacy", "auto"):
            async with Client(server, read_timeout_seconds=ANSWER, mode=mode) as client:
                await check_tools(client)
                passed("the tools are listed", mode=mode, protocol=client.protocol_version)
        async with Client(server, read_timeout_seconds=ANSWER) as client:
            agent = Agent(client)
            remote = await drive(agent, Path(arguments.folder), arguments.window)
            await check_refusals(agent, remote)
            await check_choice(agent, remote)


def rectangle(text: str) -> tuple[int, int, int, int]:
    left, top, width, height = (int(number) for number in text.split(","))
    return left, top, width, height


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--opendesk", required=True, help="the binary under test")
    parser.add_argument("--home", required=True, help="the controller's home")
    parser.add_argument("--folder", required=True, help="for the files that are typed, and the pictures")
    parser.add_argument("--window", required=True, type=rectangle, help="the terminal: X,Y,WIDTH,HEIGHT")
    try:
        anyio.run(session, parser.parse_args())
    except Exception as error:
        # Task groups wrap what happened in them.
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        print(json.dumps({"check": "failed", "ok": False, "why": str(error) or repr(error)}, ensure_ascii=False))
        traceback.print_exception(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
