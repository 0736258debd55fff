"""The methods of the protocol, what each needs, and parameters with which each can be called."""

from dataclasses import dataclass, field
from typing import Any

RECT = {"x": 0.0, "y": 0.0, "width": 200.0, "height": 100.0}
POINTER = {"action": "move", "point": {"x": 5.0, "y": 5.0}}
KEY = {"action": "up", "keysym": "shift"}
ELEMENT = {"role": "push button", "name": "Count"}
FILE = "/nonexistent/interop"


@dataclass(frozen=True)
class Method:
    """What a host must have for a method to work, if anything, and a whole set of parameters."""

    needs: str | None = None
    params: dict[str, Any] = field(default_factory=dict)


UNARY = {
    "system.capabilities": Method(),
    "system.environment": Method(),
    "display.displays": Method("display.capture"),
    "display.capture": Method("display.capture", {"display_id": None, "region": None, "downscale": True}),
    "display.cursor_position": Method("input.pointer"),
    "input.pointer": Method("input.pointer", {"event": POINTER}),
    "input.key": Method("input.keyboard", {"event": KEY}),
    "input.text": Method("input.text", {"text_input": {"text": "x", "interval_ms": 0}}),
    "windows.list": Method("windows.list"),
    "windows.focused": Method("windows.list"),
    "windows.focus": Method("windows.manipulate", {"window_id": "virtual-1"}),
    "windows.move": Method("windows.manipulate", {"window_id": "virtual-1", "bounds": RECT}),
    "windows.close": Method("windows.manipulate", {"window_id": "virtual-1"}),
    "apps.open": Method("app.lifecycle", {"name": "Notes"}),
    "apps.close": Method("app.lifecycle", {"name": "Notes"}),
    "apps.focus": Method("app.lifecycle", {"name": "Notes"}),
    "apps.list": Method("app.lifecycle"),
    "ui.tree": Method("ui.tree", {"window_id": None, "app": None, "max_depth": 8}),
    "ui.action": Method("ui.actions", {"element": ELEMENT, "action": "click", "app": "Controls"}),
    "clipboard.read": Method("clipboard.read"),
    "clipboard.write": Method("clipboard.write", {"contents": {"entries": []}}),
    "fs.read": Method("fs.read", {"path": FILE}),
    "fs.write": Method("fs.write", {"path": FILE, "data": b""}),
    "fs.list": Method("fs.read", {"path": FILE}),
    "fs.stat": Method("fs.read", {"path": FILE}),
    "fs.delete": Method("fs.write", {"path": FILE}),
    "fs.move": Method("fs.write", {"src": FILE, "dst": FILE}),
    "fs.mkdir": Method("fs.write", {"path": FILE, "parents": False}),
    "process.list": Method("process.list"),
    "process.shell": Method("process.shell", {"command": "true", "timeout": None, "cwd": None, "env": None}),
    "process.exec": Method(
        "process.spawn", {"argv": ["true"], "timeout": None, "cwd": None, "env": None, "stdin": None}
    ),
    "power.lock": Method("power.lock"),
    "notifications.list": Method("notifications.list"),
}

STREAMS = {
    "display.subscribe": Method("display.stream", {"display_id": None, "fps": 10, "region": None}),
    # No host gives it, and no capability stands for it.
    "input.subscribe": Method(),
}

METHODS = UNARY | STREAMS
