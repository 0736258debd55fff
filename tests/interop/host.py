"""A host of the reference: its own server, serving the computer of fake.py on the loopback interface.

    host.py --home DIR [--port 0] [--pair CODE] [--trust HEX]… [--approve auto|console|policy] [--description TEXT]
            [--without CAPABILITY]… [--announce]

It prints {"event": "listening", "port", "key"} and then what happens: paired, session_opened, session_closed and
session_rejected. Commands, one a line, on standard input: `pair CODE` opens a pairing window, `kick` ends the session
as `opendesk disconnect` does, `done` prints what was asked for so far and the state of the desk, `quit` ends the host,
as the end of standard input does.
"""

import argparse
import asyncio
from pathlib import Path
from typing import Any

from opendesk.computer.base import CapabilityUnsupported
from opendesk.computer.types import Capability
from opendesk.protocol.auth import Identity, TrustedPeers
from opendesk.remote.audit import AuditLog
from opendesk.remote.policy import AllowAllPolicy, ConsolePolicy, Policy, RulePolicy
from opendesk.remote.server import OpendeskServer, write_description

from fake import FakeComputer
from methods import METHODS
from sessions import line, told

# Bytes of parameters that are told as they are; of more, only their number is.
SHORT = 256


def brief(value: Any) -> Any:
    """Parameters without long runs of bytes."""
    if isinstance(value, dict):
        return {key: brief(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [brief(inner) for inner in value]
    return {"length": len(value)} if isinstance(value, bytes) and len(value) > SHORT else value


class Recorder:
    """A policy that keeps what was asked for, in order, before another one decides."""

    def __init__(self, inner: Policy, without: list[str]) -> None:
        self.inner = inner
        self.without = without
        self.asked: list[dict[str, Any]] = []

    async def check(self, *, method: str, params: dict[str, Any], **who: Any) -> None:
        self.asked.append({"method": method, "params": brief(params)})
        await self.inner.check(method=method, params=params, **who)
        needs = METHODS[method].needs if method in METHODS else None
        if needs in self.without:
            raise CapabilityUnsupported(Capability(needs), backend=FakeComputer.BACKEND)


class Announcer(AuditLog):
    """The log of sessions and calls, which also tells of the sessions."""

    async def record_session_opened(self, **facts: Any) -> None:
        await super().record_session_opened(**facts)
        told("session_opened", **named(facts))

    async def record_session_closed(self, **facts: Any) -> None:
        await super().record_session_closed(**facts)
        told("session_closed", **named(facts))

    async def record_session_rejected(self, **facts: Any) -> None:
        await super().record_session_rejected(**facts)
        told("session_rejected", **named(facts))


def named(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts with the peer's key as text."""
    return {"peer": facts["peer_public"].hex(), "name": facts["peer_name"]} | {
        key: fact for key, fact in facts.items() if not key.startswith("peer_")
    }


async def serve(options: argparse.Namespace) -> None:
    identity, trusted = Identity.load_or_create(options.home), TrustedPeers(options.home)
    for number, key in enumerate(options.trust):
        trusted.add(bytes.fromhex(key), name=f"controller-{number}")
    if options.description is not None:
        write_description(options.home, options.description)
    policies = {"auto": AllowAllPolicy, "console": ConsolePolicy, "policy": lambda: RulePolicy(options.home)}
    recorder = Recorder(policies[options.approve](), options.without)
    computer, audit = FakeComputer(options.without), Announcer(options.home)
    server = OpendeskServer(
        computer,
        identity,
        trusted,
        host="127.0.0.1",
        port=options.port,
        # Nothing outside of this machine shall hear of a test, unless it has a network of its own.
        advertise_mdns=options.announce,
        home=options.home,
        policy=recorder,
        audit=audit,
    )

    async def paired(key: bytes, name: str) -> None:
        trusted.add(key, name=name)
        told("paired", peer=key.hex(), name=name)

    async with server:
        windows = set()
        if options.pair is not None:
            windows.add(asyncio.create_task(server.enable_pairing(options.pair, pairing_hook=paired)))
            await asyncio.sleep(0)
        told("listening", port=server.port, key=identity.public_bytes.hex())
        while (command := (await line()).split()) and command != ["quit"]:
            match command:
                case ["kick"]:
                    told("kicked", sessions=await server.sessions.kill_all())
                case ["done"]:
                    told("done", asked=recorder.asked, desk=computer.desk.state())
                case ["pair", code]:
                    windows.add(asyncio.create_task(server.enable_pairing(code, pairing_hook=paired)))
                    await asyncio.sleep(0)
                    told("pairing")
                case _:
                    told("unknown", command=command)
        for window in windows:
            window.cancel()
    await audit.aclose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--pair", metavar="CODE", help="accept one new controller that knows this code")
    parser.add_argument("--trust", metavar="HEX", action="append", default=[], help="the key of a controller")
    parser.add_argument("--approve", choices=["auto", "console", "policy"], default="auto")
    parser.add_argument("--description", help="what this machine is for")
    parser.add_argument("--without", metavar="CAP", action="append", default=[], help="a capability that it shall lack")
    parser.add_argument("--announce", action="store_true", help="tell the network, as `opendesk serve` does")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
