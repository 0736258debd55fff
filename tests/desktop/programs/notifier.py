"""A notification server on the session bus, which shows nothing.

    notifier.py EVENTS

It gives numbers from 1 to what it is asked to show, or refuses when the title is "refused", and tells when something is
taken back. The line "ready" is appended to the file EVENTS when the name is there. Tests run it with Debian's own
python3, which has PyGObject.
"""

import sys

from gi.repository import Gio, GLib

NAME = "org.freedesktop.Notifications"
PATH = "/org/freedesktop/Notifications"
DESCRIPTION = f"""
<node>
  <interface name="{NAME}">
    <method name="Notify">
      <arg type="s" direction="in"/><arg type="u" direction="in"/><arg type="s" direction="in"/>
      <arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="as" direction="in"/>
      <arg type="a{{sv}}" direction="in"/><arg type="i" direction="in"/><arg type="u" direction="out"/>
    </method>
    <method name="CloseNotification"><arg type="u" direction="in"/></method>
    <signal name="NotificationClosed"><arg type="u"/><arg type="u"/></signal>
  </interface>
</node>
"""


def main() -> None:
    log = open(sys.argv[1], "a", encoding="utf-8")
    last = 0

    def ready(*_: object) -> None:
        log.write("ready\n")
        log.flush()

    def called(connection, _sender, _path, _interface, method, arguments, invocation) -> None:
        nonlocal last
        if method == "Notify":
            _app, replaces, _icon, title, *_ = arguments.unpack()
            if title == "refused":
                invocation.return_dbus_error(f"{NAME}.Error", "it is not shown")
                return
            last += 0 if replaces else 1
            invocation.return_value(GLib.Variant("(u)", (replaces or last,)))
        else:
            (number,) = arguments.unpack()
            invocation.return_value(None)
            connection.emit_signal(None, PATH, NAME, "NotificationClosed", GLib.Variant("(uu)", (number, 3)))

    bus = Gio.bus_get_sync(Gio.BusType.SESSION)
    interface = Gio.DBusNodeInfo.new_for_xml(DESCRIPTION).interfaces[0]
    bus.register_object(PATH, interface, called, None, None)
    Gio.bus_own_name_on_connection(bus, NAME, Gio.BusNameOwnerFlags.NONE, ready, None)
    GLib.MainLoop().run()


main()
