"""Commands about whole sessions. They print events as lines of JSON and read commands, one a line, from standard input.

    pair      --home DIR --host H --port P --code C [--name N]   paired, or failed
    hold      --home DIR --target T    connected; then `call METHOD JSON` and `quit`; evicted and closed as they happen
    reconnect --home DIR --target T    connected; every line is a call of display.displays that survives a lost link
    untrusted --home DIR --target T    refused, with the reason: this controller's key is unknown to the host
    busy      --home DIR --target T    refused, with the message: another controller is at work
    key       --home DIR               the public key of this controller

Bytes in parameters and results are {"bytes": BASE64}.
"""

import argparse
import asyncio
import base64
import json
import sys
from pathlib import Path
from typing import Any

from opendesk.protocol import ProtocolError
from opendesk.protocol.auth import AuthFailure, Identity
from opendesk.remote.client import connect, pair_with

COMMANDS = ("pair", "hold", "reconnect", "untrusted", "busy", "key")


def told(event: str, **facts: Any) -> None:
    """Prints an event."""
    print(json.dumps({"event": event, **facts}, ensure_ascii=False, default=packed), flush=True)


def packed(value: Any) -> Any:
    """What JSON has no form for."""
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode()}
    return str(value)


def unpacked(value: dict[str, Any]) -> Any:
    """The bytes that stand for themselves in an object of JSON, or the object."""
    return base64.b64decode(value["bytes"], validate=True) if value.keys() == {"bytes"} else value


def failure(error: BaseException) -> dict[str, Any]:
    """What is worth telling of an exception of the library."""
    facts = {name: getattr(error, name) for name in ("reason", "code", "details") if hasattr(error, name)}
    return {"class": type(error).__name__, **facts, "message": str(error)}


async def line() -> str:
    """The next line of standard input, empty at its end."""
    return await asyncio.to_thread(sys.stdin.readline)


async def pair(options: argparse.Namespace) -> int:
    try:
        remote, key = await pair_with(options.host, options.port, options.code, home=options.home, name=options.name)
    except Exception as error:
        told("failed", **failure(error))
        return 1
    manifest = remote.capabilities()
    told("paired", key=key.hex(), backend=manifest.backend, capabilities=sorted(c.value for c in manifest.capabilities))
    await remote.aclose()
    return 0


async def hold(options: argparse.Namespace) -> int:
    remote = await connect(options.target, home=options.home, auto_reconnect=False)

    async def pushed(topic: str, payload: dict[str, Any]) -> None:
        if topic == "session.evicted":
            told("evicted", reason=payload.get("reason"))

    async def ends() -> None:
        await remote._peer.wait_closed()
        told("closed")

    async def call(number: int, method: str, params: dict[str, Any]) -> None:
        try:
            told("result", call=number, method=method, result=await remote._call(method, params))
        except (Exception, asyncio.CancelledError) as error:
            told("error", call=number, method=method, **failure(error))

    remote._peer.on_push(pushed)
    told("connected", backend=remote.capabilities().backend)
    running = {asyncio.create_task(ends())}
    number = 0
    while (command := (await line()).split(maxsplit=2)) and command[0] != "quit":
        assert command[0] == "call" and len(command) > 1, f"no command: {command}"
        params = json.loads(command[2] if len(command) == 3 else "{}", object_hook=unpacked)
        number += 1
        running.add(asyncio.create_task(call(number, command[1], params)))
    await remote.aclose()
    await asyncio.wait(running)
    return 0


async def reconnect(options: argparse.Namespace) -> int:
    remote = await connect(options.target, home=options.home)
    told("connected")
    while await line():
        first = remote._peer
        try:
            displays = await remote.displays()
        except Exception as error:
            told("failed", **failure(error))
            return 1
        told("answered", displays=len(displays), reconnected=remote._peer is not first)
    await remote.aclose()
    return 0


async def refused(options: argparse.Namespace, expected: type[BaseException]) -> int:
    """Tries to connect and tells why it may not."""
    try:
        remote = await connect(options.target, home=options.home, auto_reconnect=False)
    except expected as error:
        told("refused", **failure(error))
        return 0
    except Exception as error:
        told("failed", **failure(error))
        return 1
    told("connected")
    await remote.aclose()
    return 1


async def untrusted(options: argparse.Namespace) -> int:
    return await refused(options, AuthFailure)


async def busy(options: argparse.Namespace) -> int:
    return await refused(options, ProtocolError)


async def key(options: argparse.Namespace) -> int:
    told("key", key=Identity.load_or_create(options.home).public_bytes.hex())
    return 0


def main(arguments: list[str]) -> int:
    """Does one of the commands and gives the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in COMMANDS:
        command = commands.add_parser(name)
        command.add_argument("--home", type=Path, required=True)
        if name == "pair":
            command.add_argument("--host", default="127.0.0.1")
            command.add_argument("--port", type=int, required=True)
            command.add_argument("--code", required=True)
            command.add_argument("--name", default="")
        elif name != "key":
            command.add_argument("--target", required=True)
    options = parser.parse_args(arguments)
    done = {"pair": pair, "hold": hold, "reconnect": reconnect, "untrusted": untrusted, "busy": busy, "key": key}
    return asyncio.run(done[options.command](options))
