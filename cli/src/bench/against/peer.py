"""The Python package opendesk beside which `opendesk bench --against-python` measures, as it is: its server on this
machine's desktop, and its client.

    peer.py check                            the version of the package, which has its remote part
    peer.py serve HOST CLIENT                 trusts the client of the home CLIENT and serves until its input ends
    peer.py measure CLIENT PORT KEY FILE ROW=ROUNDS…    one line for every row: {"row", "rounds", "median_s", …}

It prints lines of JSON. What fails ends it with a traceback.
"""

import asyncio
import importlib.metadata
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from opendesk.computer.local import LocalComputer
from opendesk.computer.remote import RemoteComputer
from opendesk.computer.types import CapabilityManifest, Point, PointerAction, PointerEvent
from opendesk.protocol.auth import Identity, TrustedPeers
from opendesk.remote.client import connect
from opendesk.remote.server import OpendeskServer

NAME = "host"
CALLS = 64
# Away from the corners, where pyautogui stops the program.
PLACES = [(400, 300), (900, 600)]

Facts = dict[str, Any]


def told(**facts: Any) -> None:
    print(json.dumps(facts), flush=True)


async def serve(home: Path, client: Path) -> None:
    trusted = TrustedPeers(home)
    trusted.add(Identity.load_or_create(client).public_bytes, name="controller")
    identity = Identity.load_or_create(home)
    # As `opendesk serve` makes it, but that nothing outside of this machine hears of it.
    server = OpendeskServer(
        LocalComputer(), identity, trusted, host="127.0.0.1", port=0, advertise_mdns=False, home=home
    )
    async with server:
        told(port=server.port, key=identity.public_bytes.hex())
        await asyncio.to_thread(sys.stdin.read)


class Bench:
    """A client of the package; every method but the first few is a row."""

    def __init__(self, home: Path, file: Path) -> None:
        self.home = home
        self.file = file

    async def open(self) -> None:
        self.remote: RemoteComputer = await connect(NAME, home=self.home, auto_reconnect=False)

    async def timed(self, rounds: int, work: Callable[[], Awaitable[object]]) -> Facts:
        times = []
        for _ in range(rounds):
            begun = perf_counter()
            await work()
            times.append(perf_counter() - begun)
        return {"rounds": rounds, "median_s": median(times)}

    async def connect(self, rounds: int) -> Facts:
        times = []
        for _ in range(rounds):
            begun = perf_counter()
            remote = await connect(NAME, home=self.home, auto_reconnect=False)
            times.append(perf_counter() - begun)
            await remote.aclose()
        return {"rounds": rounds, "median_s": median(times)}

    async def _capabilities(self) -> None:
        CapabilityManifest.model_validate(await self.remote._call("system.capabilities"))

    async def unary(self, rounds: int) -> Facts:
        return await self.timed(rounds, self._capabilities)

    async def in_flight(self, rounds: int) -> Facts:
        async def all_at_once() -> None:
            await asyncio.gather(*(self._capabilities() for _ in range(CALLS)))

        return await self.timed(rounds, all_at_once)

    async def cursor(self, rounds: int) -> Facts:
        return await self.timed(rounds, self.remote.cursor_position)

    async def capture(self, rounds: int) -> Facts:
        facts = await self.timed(rounds, self.remote.capture)
        picture = await self.remote.capture()
        assert picture.data.startswith(b"\x89PNG"), "the picture is no PNG"
        return facts | {"width": picture.width, "height": picture.height, "bytes": len(picture.data)}

    async def pointer(self, rounds: int) -> Facts:
        turn = 0

        async def move() -> None:
            nonlocal turn
            turn += 1
            x, y = PLACES[turn % 2]
            await self.remote.pointer(PointerEvent(action=PointerAction.MOVE, point=Point(x=x, y=y)))

        facts = await self.timed(rounds, move)
        found, wanted = await self.remote.cursor_position(), PLACES[turn % 2]
        assert (found.x, found.y) == wanted, f"the pointer is at {found} instead of {wanted}"
        return facts

    async def read(self, rounds: int) -> Facts:
        size = self.file.stat().st_size

        async def whole() -> None:
            data = await self.remote.read_file(str(self.file))
            assert len(data) == size, f"{len(data)} bytes instead of {size}"

        return await self.timed(rounds, whole)


async def measure(home: Path, port: int, key: bytes, file: Path, rows: list[str]) -> None:
    trusted = TrustedPeers(home)
    trusted.add(key, name=NAME)
    trusted.cache_endpoint(key, "127.0.0.1", port)
    bench = Bench(home, file)
    for row in rows:
        name, rounds = row.split("=")
        if name != "connect":
            await bench.open()
        told(row=name, **await getattr(bench, name)(int(rounds)))
        if name != "connect":
            await bench.remote.aclose()


def main(command: str, *arguments: str) -> None:
    match command, *arguments:
        case ["check"]:
            told(version=importlib.metadata.version("opendesk"))
        case ["serve", home, client]:
            asyncio.run(serve(Path(home), Path(client)))
        case ["measure", home, port, key, file, *rows]:
            asyncio.run(measure(Path(home), int(port), bytes.fromhex(key), Path(file), rows))
        case _:
            raise SystemExit(f"no command: {command} {arguments}")


if __name__ == "__main__":
    main(*sys.argv[1:])
