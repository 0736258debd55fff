"""Plain windows of one colour each, without a frame, which write down where they are clicked.

    panes.py EVENTS WIDTHxHEIGHT+X+Y=COLOUR…

Each click is a line of JSON, appended to the file EVENTS: {"pane", "button", "x", "y"}, the pane counted from 0 and the
place on the whole screen. The first line, {"ready"}, comes when all of them are shown. Tests run it with Debian's own
python3, which has Tk.
"""

import json
import sys
import time
import tkinter


def main() -> None:
    log = open(sys.argv[1], "a", encoding="utf-8")

    def tell(**event: object) -> None:
        log.write(json.dumps(event) + "\n")
        log.flush()

    root = tkinter.Tk()
    root.withdraw()
    panes = []
    for number, argument in enumerate(sys.argv[2:]):
        geometry, colour = argument.split("=")
        pane = tkinter.Toplevel(root, background=colour, borderwidth=0, highlightthickness=0)
        # No window manager puts it anywhere else.
        pane.overrideredirect(True)
        pane.geometry(geometry)
        pane.bind(
            "<ButtonPress>",
            lambda event, number=number: tell(pane=number, button=event.num, x=event.x_root, y=event.y_root),
        )
        panes.append(pane)
    # Not wait_visibility: while it waits for one pane it hears that the next is visible, and would wait for that in vain.
    while not all(pane.winfo_viewable() for pane in panes):
        root.update()
        time.sleep(0.01)
    root.update()
    tell(ready=True)
    root.mainloop()


if __name__ == "__main__":
    main()
