"""The cases of the protocol itself: streams, cancelling, errors, many calls at once and large ones."""

import asyncio
from collections.abc import Awaitable
from contextlib import aclosing
from pathlib import Path
from typing import Any

from opendesk.computer.types import ClipboardContents, ClipboardEntry, Rect
from opendesk.protocol.frames import CancelFrame

from bench import EFFECT, Bench, Failed, case, check, png_size, unsupported
from methods import KEY, POINTER, UNARY

CHUNK = 50
CHUNKS = 4
LARGE = 8 * 1024 * 1024
# Far longer than anybody waits, so that what ends earlier was cancelled.
LONG = 300


async def within(what: Awaitable[Any], name: str) -> Any:
    """The result, unless nothing comes for too long."""
    try:
        return await asyncio.wait_for(what, EFFECT)
    except TimeoutError:
        raise Failed(f"nothing came: {name}") from None


@case("display.subscribe")
async def subscribe(bench: Bench) -> str:
    sizes = []
    async with aclosing(bench.remote.subscribe_display(fps=10)) as frames:
        first = await within(anext(frames), "the first picture")
        check(first.keyframe, "the first picture is no keyframe")
        while len(sizes) < 3:
            frame = first if not sizes else await within(anext(frames), f"picture {len(sizes)}")
            check(png_size(frame.pixmap.data) == (frame.pixmap.width, frame.pixmap.height), "another size in the file")
            check(frame.frame_number >= len(sizes), f"picture {len(sizes)} has the number {frame.frame_number}")
            sizes.append(len(frame.pixmap.data))
            # A host may send a picture only when there is something new to see.
            await bench.remote.click(await bench.middle("Controls", "Count"))
    await bench.answers()
    async with aclosing(bench.remote.subscribe_display(fps=10, region=Rect(x=0, y=0, width=64, height=48))) as frames:
        part = (await within(anext(frames), "a part of the picture")).pixmap
        check((part.logical_width, part.logical_height) == (64, 48), f"{part.logical_width}x{part.logical_height}")
    await bench.answers()
    return f"pictures of {sizes} bytes, ended twice"


@case("input.subscribe")
async def subscribe_input(bench: Bench) -> str:
    named = await unsupported(anext(bench.remote.subscribe_input()), "input.pointer" if bench.python else None)
    await bench.answers()
    return named


@case("cancel")
async def cancel(bench: Bench) -> str:
    if bench.has("process.shell"):
        mark = bench.folder / "the command runs"
        method, params = "process.shell", {"command": f"touch '{mark}'; exec sleep {LONG}"}
        mark.unlink(missing_ok=True)
    else:
        mark = None
        method, params = "input.text", {"text_input": {"text": "." * LONG, "interval_ms": 1000}}
        await bench.empty_note()
    # The frame alone, without the library's cancelling on this side, to see that the host answers it.
    call = asyncio.create_task(bench.call(method, params))
    await bench.becomes(lambda: begun(bench, mark), True)
    peer = bench.remote._peer
    await peer._send_frame(CancelFrame(id=max(peer._pending), reason="interop"))
    await within(asyncio.wait([call]), "the answer to the cancel frame")
    check(call.cancelled(), f"{call}")
    await bench.answers()

    call = asyncio.create_task(bench.call(method, params))
    await bench.answers()
    call.cancel()
    await asyncio.wait([call])
    check(call.cancelled(), f"{call}")
    await bench.answers()
    return f"{method}, by a frame and by the library"


async def begun(bench: Bench, mark: Path | None) -> bool:
    """Whether the command has left its mark or, without one, something is in the editor."""
    return mark.exists() if mark else bool(await bench.value("Notes", "Note"))


@case("error.capability")
async def error_capability(bench: Bench) -> str:
    missing = [name for name, method in UNARY.items() if method.needs and not bench.has(method.needs)]
    if not missing:
        return await unsupported(anext(bench.remote.subscribe_input()), "input.pointer")
    method = UNARY[missing[0]]
    refused = await unsupported(bench.remote._call(missing[0], method.params), method.needs)
    error = await bench.refusal(missing[0], method.params)
    check(error.details.get("capability") == method.needs and error.details.get("backend"), f"{error.details}")
    return f"{missing[0]} {refused}"


@case("error.not_found")
async def error_not_found(bench: Bench) -> str:
    if bench.has("fs.read"):
        path = str(bench.folder / "missing")
        for method in ("fs.read", "fs.list", "fs.stat"):
            error = await bench.refusal(method, {"path": path})
            check(error.code == "not_found", f"{method}: {error.code}: {error.message}")
    for params in ({"window_id": "no such window"}, {"app": "no such app"}):
        error = await bench.refusal("ui.tree", params)
        check(error.code == "not_found" and error.message, f"{params}: {error.code}: {error.message}")
    return error.message


@case("error.invalid")
async def error_invalid(bench: Bench) -> str:
    wrong = [
        ("input.pointer", {"event": POINTER | {"speed": 3}}),
        ("input.pointer", {"event": POINTER | {"point": {"x": 1.0, "y": 2.0, "z": 3.0}}}),
        ("input.pointer", {"event": POINTER | {"action": "jump"}}),
        ("input.key", {"event": KEY | {"modifiers": ["hyper"]}}),
        ("input.text", {"text_input": {"text": "x", "speed": 3}}),
        ("display.capture", {"region": {"x": 0.0, "y": 0.0, "width": 10.0}}),
    ]
    for method, params in wrong:
        error = await bench.refusal(method, params)
        check(error.code == "invalid_argument", f"{method} {params}: {error.code}: {error.message}")
    # What is beside the event is no part of any type, and is ignored.
    check(await bench.call("input.pointer", {"event": POINTER, "hint": "x"}) is None, "a result instead of null")
    await bench.answers()
    return f"{len(wrong)} ways"


@case("error.unknown_method")
async def error_unknown_method(bench: Bench) -> str:
    for method in ("interop.nothing", "ui.nothing", "display.subscribe"):
        error = await bench.refusal(method)
        check(error.code == "capability_unsupported", f"{method}: {error.code}: {error.message}")
        check(isinstance(error.details.get("capability"), str), f"{method}: {error.details}")
    await unsupported(anext(bench.remote._stream("interop.nothing")), None)
    await unsupported(anext(bench.remote._stream("display.displays")), None)
    await bench.answers()
    return error.message


@case("concurrent")
async def concurrent(bench: Bench) -> str:
    for chunk in range(CHUNKS):
        await within(asyncio.gather(*(one_of_many(bench, chunk * CHUNK + call) for call in range(CHUNK))), "50 answers")
    return f"{CHUNK * CHUNKS} calls"


async def one_of_many(bench: Bench, number: int) -> None:
    """A call whose answer cannot be taken for that of another."""
    match number % 5:
        case 0 | 1:
            region = Rect(x=number, y=0, width=20 + number, height=10 + number % 7)
            part = await bench.remote.capture(region=region)
            found = (part.logical_width, part.logical_height)
            check(found == (region.width, region.height), f"{found} instead of {region}")
        case 2:
            check((await bench.remote.environment()).hostname, "no name of the machine")
        case 3:
            check((await bench.remote.ui_tree(app="Notes")).children[0].name == "Notes", "another tree")
        case _:
            await bench.remote.displays()


@case("large")
async def large(bench: Bench) -> str:
    data = bytes(range(251)) * (LARGE // 251 + 1)
    data = data[:LARGE]
    if bench.has("fs.write"):
        path = bench.folder / "large"
        await bench.remote.write_file(str(path), data)
        check(path.read_bytes() == data, "other bytes than were sent")
        check(await bench.remote.read_file(str(path)) == data, "other bytes than were written")
        return f"a file of {len(data)} bytes, both ways"
    entries = [ClipboardEntry(mime_type="application/octet-stream", data=data)]
    await bench.remote.clipboard_write(ClipboardContents(entries=entries))
    check((await bench.remote.clipboard_read()).entries == entries, "other bytes than were sent")
    return f"a clipboard of {len(data)} bytes, both ways"
