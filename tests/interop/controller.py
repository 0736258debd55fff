"""A controller of the reference, as its own client library makes it, against any host.

    controller.py --home DIR --target 'ws://127.0.0.1:PORT#HEX' [--dir DIR] [--expect rust|python] CASE…
    controller.py pair|hold|reconnect|untrusted|busy|key …

With cases (`all` for each one) it prints one line of JSON for every case, {"case", "ok", "detail"}, and exits with 1 if
one failed. The commands are those of sessions.py.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path

from opendesk.remote.client import connect

# Importing them puts their cases into the register.
import cases_desktop
import cases_machine
import cases_protocol
import cases_tools
import sessions
from bench import CASES, Bench, Failed, unsupported
from methods import METHODS

# In seconds, and no measure of speed: only what hangs takes so long.
CASE = 240


def told(case: str, ok: bool, detail: str) -> None:
    print(json.dumps({"case": case, "ok": ok, "detail": detail}, ensure_ascii=False), flush=True)


async def outcome(name: str, bench: Bench) -> str:
    """Does a case. A method for which the host says that it lacks something must be refused by it."""
    method = METHODS.get(name)
    if method is not None and method.needs and not bench.has(method.needs):
        if bench.python:
            raise Failed(f"the host lacks {method.needs}")
        if name == "display.subscribe":
            call = anext(bench.remote._stream(name, method.params))
        else:
            call = bench.remote._call(name, method.params)
        return await unsupported(call, method.needs)
    return await CASES[name](bench)


async def passes(name: str, bench: Bench) -> bool:
    """Does a case and prints how it went."""
    try:
        async with asyncio.timeout(CASE):
            detail = await outcome(name, bench)
        if bench.remote._peer.closed:
            raise Failed("the session has ended")
    except (Exception, asyncio.CancelledError) as error:
        told(name, False, f"{type(error).__name__}: {error}")
        return False
    told(name, True, detail)
    return True


async def run(options: argparse.Namespace, folder: Path) -> bool:
    """Does the cases on one connection; a case that ends it has failed, and the next one gets a new one."""
    # A new connection in the middle of a case would hide that the host ended the old one.
    remote = await connect(options.target, home=options.home, auto_reconnect=False)
    names = list(CASES) if options.cases == ["all"] else options.cases
    passed = True
    for name in names:
        if remote._peer.closed:
            remote = await connect(options.target, home=options.home, auto_reconnect=False)
        passed &= await passes(name, Bench(remote, folder, options.expect == "python", options.description))
    await remote.aclose()
    return passed


def main() -> int:
    if sys.argv[1:2] and sys.argv[1] in sessions.COMMANDS:
        return sessions.main(sys.argv[1:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True, help="where the key of this controller is")
    parser.add_argument("--target", required=True, help="the host: ws://HOST:PORT#KEY, or the name of a peer")
    parser.add_argument("--dir", type=Path, help="a new folder that both sides see")
    parser.add_argument("--expect", choices=["rust", "python"], default="rust", help="whose host it is")
    parser.add_argument("--description", help="what the host must say of itself")
    parser.add_argument("cases", nargs="+", metavar="CASE", choices=[*CASES, "all"], help="all, or names")
    options = parser.parse_args()
    assert METHODS.keys() <= CASES.keys(), f"without a case: {METHODS.keys() - CASES.keys()}"
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.dir or Path(temporary)).resolve()
        try:
            return 0 if asyncio.run(run(options, folder)) else 1
        except Exception as error:
            told("connect", False, f"{type(error).__name__}: {error}")
            return 1


if __name__ == "__main__":
    sys.exit(main())
