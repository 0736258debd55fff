"""The cases of what is seen and done on a desktop, one for each method."""

from opendesk.computer.types import (
    Capability,
    CapabilityManifest,
    ClipboardContents,
    ClipboardEntry,
    KeyAction,
    KeyEvent,
    PixmapFormat,
    Point,
    PointerAction,
    PointerButton,
    PointerEvent,
    Rect,
    TextInput,
)

from bench import Bench, case, check, find, png_size

# What every host of these tests has.
BASE = {
    "clipboard.read",
    "clipboard.write",
    "display.capture",
    "input.keyboard",
    "input.pointer",
    "input.text",
    "ui.tree",
}


@case("hello")
async def hello(bench: Bench) -> str:
    said = bench.remote._peer.peer_hello
    check(said is not None and said.role == "server", f"no hello of a server: {said}")
    # The library makes an empty manifest of one that it cannot read; this tells why it could not.
    manifest = CapabilityManifest.model_validate(said.capabilities)
    check(manifest == bench.remote.capabilities(), f"{bench.remote.capabilities()}")
    names = {capability.value for capability in manifest.capabilities}
    check(names >= BASE, f"{sorted(BASE - names)} are missing")
    check(manifest.protocol_version == "0.1" and manifest.backend != "unknown", f"{manifest}")
    if bench.description is not None:
        check(manifest.description == bench.description, f"the description is {manifest.description!r}")
    return f"{manifest.backend}: {' '.join(sorted(names))}; {manifest.description!r}"


@case("system.capabilities")
async def capabilities(bench: Bench) -> str:
    manifest = CapabilityManifest.model_validate(await bench.call("system.capabilities"))
    greeted = bench.remote.capabilities()
    check(manifest.capabilities == greeted.capabilities, f"{manifest} instead of {greeted}")
    return f"{len(manifest.capabilities)} capabilities"


@case("system.environment")
async def environment(bench: Bench) -> str:
    found = await bench.remote.environment()
    check(found.os in ("Linux", "Darwin", "Windows") and found.hostname, f"{found}")
    return f"{found.os} {found.os_version}, {len(found.displays)} displays"


@case("display.displays")
async def displays(bench: Bench) -> str:
    found = await bench.remote.displays()
    check(found and found[0].primary and found[0].id, f"{found}")
    bounds = found[0].bounds
    check(bounds.width >= 320 and bounds.height >= 240, f"{bounds}")
    return f"{len(found)}, the first {bounds.width:g}x{bounds.height:g}"


@case("display.capture")
async def capture(bench: Bench) -> str:
    display = (await bench.remote.displays())[0]
    whole = await bench.remote.capture()
    check(whole.format is PixmapFormat.PNG, f"{whole.format}")
    check(png_size(whole.data) == (whole.width, whole.height), f"{whole.width}x{whole.height} is not in the file")
    logical = (whole.logical_width, whole.logical_height)
    check(logical == (display.bounds.width, display.bounds.height), f"{logical} of {display.bounds}")
    check(whole.captured_at > 0, f"captured at {whole.captured_at}")
    part = await bench.remote.capture(
        display_id=display.id, region=Rect(x=10, y=20, width=64, height=48), downscale=False
    )
    check((part.logical_width, part.logical_height) == (64, 48), f"{part.logical_width}x{part.logical_height}")
    check(png_size(part.data) == (part.width, part.height), f"{part.width}x{part.height} is not in the file")
    if not bench.python:
        error = await bench.refusal("display.capture", {"display_id": "no such display"})
        check(error.code in ("not_found", "invalid_argument"), f"an unknown display is {error.code}")
    return f"{whole.width}x{whole.height} in {len(whole.data)} bytes"


@case("display.cursor_position")
async def cursor_position(bench: Bench) -> str:
    for x, y in ((40, 50), (60, 80)):
        await bench.remote.pointer(PointerEvent(action=PointerAction.MOVE, point=Point(x=x, y=y)))
        found = await bench.remote.cursor_position()
        check((found.x, found.y) == (x, y), f"{found} instead of {x}, {y}")
    return "follows the mouse"


@case("input.pointer")
async def pointer(bench: Bench) -> str:
    before = await bench.counter()
    point = await bench.middle("Controls", "Count")
    for action in (PointerAction.MOVE, PointerAction.DOWN, PointerAction.UP):
        button = None if action is PointerAction.MOVE else PointerButton.LEFT
        event = PointerEvent(action=action, point=point, button=button, pressure=0.5, tilt_x=1.0)
        check(await bench.call("input.pointer", {"event": event.model_dump()}) is None, "a result instead of null")
    await bench.becomes(bench.counter, before + 1)
    for button in (PointerButton.RIGHT, PointerButton.MIDDLE, PointerButton.X1, PointerButton.X2):
        await bench.remote.click(await bench.middle("Notes", "Note"), button=button)
    await bench.remote.scroll(await bench.middle("Notes", "Note"), dy=-2.0)
    return "every button, and the wheel"


@case("input.key")
async def key(bench: Bench) -> str:
    await bench.empty_note()
    for keysym, character in (("k", "k"), ("7", "7"), ("space", " ")):
        for action in (KeyAction.DOWN, KeyAction.UP):
            await bench.remote.key(KeyEvent(action=action, keysym=keysym, char=character, scancode=45))
    await bench.remote.press("Return")
    await bench.remote.press("BackSpace")
    await bench.becomes(lambda: bench.value("Notes", "Note"), "k7 ")
    return "characters and named keys"


@case("input.text")
async def text(bench: Bench) -> str:
    await bench.empty_note()
    typed = "Hello, grüße 世界 🦀\nline two"
    await bench.remote.text(TextInput(text=typed, interval_ms=1))
    await bench.becomes(lambda: bench.value("Notes", "Note"), typed)
    return f"{len(typed)} characters"


@case("windows.list")
async def windows(bench: Bench) -> str:
    found = await bench.remote.windows()
    check({"Notes", "Controls"} <= {window.app_name for window in found}, f"{found}")
    check(all(window.id and window.bounds for window in found), f"{found}")
    return f"{len(found)} windows"


@case("windows.focused")
async def focused(bench: Bench) -> str:
    for app in ("Controls", "Notes"):
        name = "Note" if app == "Notes" else "Count"
        await bench.remote.click(await bench.middle(app, name))
        found = await bench.remote.focused_window()
        check(found is not None and found.app_name == app and found.focused, f"{found} instead of {app}")
    return "follows the clicks"


async def window_of(bench: Bench, app: str):
    """The window of an application, from the list."""
    found = [window for window in await bench.remote.windows() if window.app_name == app]
    check(found, f"{app} has no window")
    return found[0]


@case("windows.focus")
async def focus_window(bench: Bench) -> str:
    for app in ("Controls", "Notes"):
        await bench.remote.focus_window((await window_of(bench, app)).id)
        check((await window_of(bench, app)).focused, f"{app} has not got the keyboard")
    return "each window in turn"


@case("windows.move")
async def move_window(bench: Bench) -> str:
    window = await window_of(bench, "Controls")
    to = Rect(x=window.bounds.x + 7, y=window.bounds.y + 9, width=window.bounds.width, height=window.bounds.height)
    await bench.remote.move_window(window.id, to)
    check((await window_of(bench, "Controls")).bounds == to, f"{await window_of(bench, 'Controls')}")
    await bench.remote.move_window(window.id, window.bounds)
    return "there and back"


@case("windows.close")
async def close_window(bench: Bench) -> str:
    await bench.remote.close_window((await window_of(bench, "Controls")).id)
    check("Controls" not in {window.app_name for window in await bench.remote.windows()}, "the window is still there")
    check("Controls" not in await bench.shown(), "the tree still has the window")
    if bench.has("app.lifecycle"):
        await bench.remote.open_app("Controls")
    return "the window is gone"


@case("apps.open")
async def open_app(bench: Bench) -> str:
    for _ in range(2):
        await bench.remote.open_app("Controls")
        check("Controls" in await bench.shown(), "the application does not run")
    return "runs, and what runs may be opened again"


@case("apps.close")
async def close_app(bench: Bench) -> str:
    await bench.remote.close_app("Controls")
    check("Controls" not in await bench.shown(), "the application still runs")
    await bench.remote.open_app("Controls")
    return "ended, and was opened again"


@case("apps.focus")
async def focus_app(bench: Bench) -> str:
    await bench.remote.focus_app("Controls")
    await bench.remote.focus_app("Notes")
    check(find(await bench.remote.ui_tree(app="Notes"), "Note").focused, "the editor has not got the keyboard")
    return "the editor has the keyboard"


@case("apps.list")
async def list_apps(bench: Bench) -> str:
    found = await bench.remote.list_apps()
    check({"Notes", "Controls"} <= set(found), f"{found}")
    return " ".join(found)


@case("ui.tree")
async def ui_tree(bench: Bench) -> str:
    whole = await bench.remote.ui_tree()
    check(find(whole, "Note").role == "text" and "click" in find(whole, "Count").actions, f"{whole!r:.400}")
    form = await bench.remote.ui_tree(app="Controls")
    check([child.name for child in form.children] == ["Controls"], f"{[child.name for child in form.children]}")
    by_id = await bench.remote.ui_tree(window_id="virtual-2")
    check([child.name for child in by_id.children] == ["Controls"], f"{[child.name for child in by_id.children]}")
    flat = await bench.remote.ui_tree(max_depth=1)
    check(flat.children and not any(child.children for child in flat.children), "deeper than 1")
    return f"{len(whole.children)} below the root"


@case("ui.action")
async def ui_action(bench: Bench) -> str:
    before = await bench.counter()
    await bench.remote.perform_ui_action(await bench.element("Controls", "Count"), "click", app="Controls")
    await bench.becomes(bench.counter, before + 1)
    return "a click that needs no pointer"


@case("clipboard.read")
async def clipboard_read(bench: Bench) -> str:
    await bench.empty_note()
    await bench.remote.type_text("copied by the desktop", interval_ms=0)
    await bench.remote.hotkey(["ctrl", "a"])
    await bench.remote.hotkey(["ctrl", "c"])
    await bench.becomes(bench.remote.clipboard_text, "copied by the desktop")
    return "what the desktop copied"


@case("clipboard.write")
async def clipboard_write(bench: Bench) -> str:
    entries = [ClipboardEntry.from_text("grüße"), ClipboardEntry(mime_type="text/html", data=b"<b>x</b>")]
    await bench.remote.clipboard_write(ClipboardContents(entries=entries))
    found = await bench.remote.clipboard_read()
    check(found.text() == "grüße", f"{found}")
    if bench.remote.capabilities().has(Capability.CLIPBOARD_MULTI_MIME):
        check(found.entries == entries, f"{found}")
    await bench.empty_note()
    await bench.remote.hotkey(["ctrl", "v"])
    await bench.becomes(lambda: bench.value("Notes", "Note"), "grüße")
    return "can be pasted"
