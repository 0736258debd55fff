"""The cases of the reference's own tools on a remote host: what an agent does, composed of many calls."""

from opendesk.tools.keyboard import KeyboardTool
from opendesk.tools.mouse import MouseTool
from opendesk.tools.screenshot import ScreenshotTool
from opendesk.tools.script import ScriptTool
from opendesk.tools.ui import UITool

from bench import Bench, case, check, find, png_size

MOUSE, KEYBOARD, SCREENSHOT, SCRIPT, UI = MouseTool(), KeyboardTool(), ScreenshotTool(), ScriptTool(), UITool()


async def mouse(bench: Bench, action: str, x: float, y: float, **more: object) -> str:
    """Uses the mouse as an agent does that has seen a picture; coordinates are the desktop's."""
    picture = await bench.remote.capture()
    across, down = picture.scale_x, picture.scale_y
    for name, scale in (("end_x", across), ("end_y", down)):
        if name in more:
            more[name] = round(more[name] * scale)
    result = await bench.tool(
        MOUSE,
        action=action,
        x=round(x * across),
        y=round(y * down),
        image_width=picture.width,
        image_height=picture.height,
        settle_ms=0,
        **more,
    )
    return result.output


@case("click")
async def click(bench: Bench) -> str:
    before = await bench.counter()
    count = await bench.middle("Controls", "Count")
    for action, clicks in (("click", 1), ("double_click", 2), ("triple_click", 3)):
        await mouse(bench, action, count.x, count.y)
        before += clicks
        await bench.becomes(bench.counter, before)
    await mouse(bench, "left_down", count.x, count.y)
    await mouse(bench, "left_up", count.x, count.y)
    await bench.becomes(bench.counter, before + 1)
    note = await bench.middle("Notes", "Note")
    for action in ("right_click", "middle_click", "click"):
        await mouse(bench, action, note.x, note.y)
    check((await bench.element("Notes", "Note")).focused, "the editor has not got the keyboard")
    where = (await bench.tool(MOUSE, action="cursor_position")).output
    # The tool rounds to whole pixels of the picture.
    at = await bench.remote.cursor_position()
    check(abs(at.x - note.x) <= 2 and abs(at.y - note.y) <= 2, f"{at} instead of {note}")
    return where


@case("drag")
async def drag(bench: Bench) -> str:
    start = find(await bench.remote.ui_tree(app="Controls"), "Controls").bounds
    for right, down in ((40, 30), (-40, -30)):
        before = find(await bench.remote.ui_tree(app="Controls"), "Controls").bounds
        x, y = before.x + 60, before.y + 12
        await mouse(bench, "drag", x, y, end_x=x + right, end_y=y + down)
        after = find(await bench.remote.ui_tree(app="Controls"), "Controls").bounds
        moved = (after.x - before.x, after.y - before.y)
        check(abs(moved[0] - right) <= 2 and abs(moved[1] - down) <= 2, f"{moved} instead of {right}, {down}")
    return f"a window, from {start.x:g},{start.y:g} and back"


@case("scroll")
async def scroll(bench: Bench) -> str:
    note = await bench.middle("Notes", "Note")
    for direction in ("up", "down", "left", "right"):
        await mouse(bench, "scroll", note.x, note.y, direction=direction, amount=2)
    at = await bench.remote.cursor_position()
    check(abs(at.x - note.x) <= 2 and abs(at.y - note.y) <= 2, f"{at} instead of {note}")
    return "each way"


@case("hotkey")
async def hotkey(bench: Bench) -> str:
    async def press(**arguments: object) -> None:
        await bench.tool(KEYBOARD, settle_ms=0, **arguments)

    async def becomes(text: str) -> None:
        await bench.becomes(lambda: bench.value("Notes", "Note"), text)

    await bench.empty_note()
    await press(action="type", text="grüße", interval=0.0)
    await becomes("grüße")
    await press(action="hotkey", keys=["ctrl", "a"])
    await press(action="hotkey", keys=["Control", "c"])
    await bench.becomes(bench.remote.clipboard_text, "grüße")
    await press(action="press", key="delete")
    await becomes("")
    await press(action="hotkey", keys=["ctrl", "v"])
    await press(action="press", key="enter")
    await press(action="hotkey", keys=["shift", "x"])
    await press(action="hold", key="y", hold_duration=0.0)
    await becomes("grüße\nXy")
    return "select all, copy, delete, paste, Shift"


@case("script")
async def script(bench: Bench) -> str:
    arguments = {"action": "shell", "code": "printf 'out of %s' \"$PWD\"", "cwd": str(bench.folder), "timeout": 60.0}
    if not bench.has("process.spawn"):
        said = await bench.tool_refusal(SCRIPT, **arguments)
        check("process.spawn" in said, said)
        return said
    result = await bench.tool(SCRIPT, **arguments)
    check(f"out of {bench.folder}" in result.output and result.metadata["returncode"] == 0, f"{result}")
    return result.output.splitlines()[0]


@case("ui")
async def ui(bench: Bench) -> str:
    seen = (await bench.tool(UI, action="get_tree", app="Controls")).output
    check("[push button] Count" in seen, seen)
    before = await bench.counter()
    clicked = (await bench.tool(UI, action="click", app="Controls", title="Count", role="push button")).output
    await bench.becomes(bench.counter, before + 1)
    native = "a11y" if bench.has("ui.actions") else "bounds-center"
    check(f"via {native}" in clicked, clicked)
    told = (await bench.tool(UI, action="get_value", app="Controls", title="Counter")).output
    check(told == str(before + 1), f"{told} instead of {before + 1}")
    return clicked


@case("screenshot")
async def screenshot(bench: Bench) -> str:
    whole = await bench.tool(SCREENSHOT)
    size = (whole.metadata["width"], whole.metadata["height"])
    check(whole.attachments[0].media_type == "image/png", f"{whole.attachments[0].media_type}")
    check(png_size(whole.attachments[0].content) == size, f"{size} is not in the file")
    zoomed = await bench.tool(SCREENSHOT, zoom=[10, 20, 110, 80])
    check(png_size(zoomed.attachments[0].content) == (100, 60), f"{zoomed.output}")
    marked = await bench.tool(SCREENSHOT, marks=True, show_cursor=True)
    check(png_size(marked.attachments[0].content) == size and "Count" in marked.output, marked.output)
    return whole.output.splitlines()[0]
