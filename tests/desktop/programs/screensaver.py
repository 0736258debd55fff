"""A screen locker on the session bus, which locks nothing and writes down what it is asked.

    screensaver.py EVENTS [MANNER]

Each call is a line, appended to the file EVENTS: "ready" when the name is there, then "Lock". With the manner "deaf" it
takes the call and stays unlocked, with "mute" it does not say whether it is locked. Tests run it with Debian's own
python3, which has PyGObject.
"""

import sys

from gi.repository import Gio, GLib

NAME = "org.freedesktop.ScreenSaver"
DESCRIPTION = f"""
<node>
  <interface name="{NAME}">
    <method name="Lock"/>
    <method name="GetActive"><arg type="b" direction="out"/></method>
    <method name="SetActive"><arg type="b" direction="in"/><arg type="b" direction="out"/></method>
  </interface>
</node>
"""


def main() -> None:
    log = open(sys.argv[1], "a", encoding="utf-8")
    manner = sys.argv[2] if len(sys.argv) > 2 else ""
    locked = False

    def tell(event: str) -> None:
        log.write(event + "\n")
        log.flush()

    def called(_connection, _sender, _path, _interface, method, arguments, invocation) -> None:
        nonlocal locked
        if method == "Lock":
            tell("Lock")
            locked = manner != "deaf"
            invocation.return_value(None)
        elif method == "SetActive":
            (locked,) = arguments.unpack()
            invocation.return_value(GLib.Variant("(b)", (locked,)))
        elif manner == "mute":
            invocation.return_dbus_error("org.freedesktop.DBus.Error.NotSupported", "it does not say")
        else:
            invocation.return_value(GLib.Variant("(b)", (locked,)))

    bus = Gio.bus_get_sync(Gio.BusType.SESSION)
    interface = Gio.DBusNodeInfo.new_for_xml(DESCRIPTION).interfaces[0]
    bus.register_object("/org/freedesktop/ScreenSaver", interface, called, None, None)
    Gio.bus_own_name_on_connection(bus, NAME, Gio.BusNameOwnerFlags.NONE, lambda *_: tell("ready"), None)
    GLib.MainLoop().run()


main()
