//! Showing a notification (Desktop Notifications Specification, `org.freedesktop.Notifications.Notify`).

use core::time::Duration;
use std::collections::BTreeMap;

use zbus::Variant;

use super::bus::{Dial, Outcome, Target};
use crate::home::printable;

/// How long the bus may take to let us in, and then whoever shows it to answer: two seconds together.
const PATIENCE: Duration = Duration::from_secs(1);

/// Who says that it is from.
const APP: &str = "opendesk";

/// By its name in the Icon Naming Specification.
const ICON: &str = "dialog-information";

/// How long it is shown, in milliseconds: long enough to read two lines.
const SHOWN_MS: i32 = 8000;

/// Neither low nor critical: it may wait while something fills the screen.
const NORMAL: u8 = 1;

/// Who shows notifications. The bus starts it if it has to.
const SERVER: Target<'_> = Target {
    name: "org.freedesktop.Notifications",
    path: "/org/freedesktop/Notifications",
    interface: "org.freedesktop.Notifications",
};

/// Shows a notification on the session bus.
///
/// # Errors
/// As a call on a bus has them.
pub(super) fn notify(dial: &Dial, title: &str, text: &str) -> Outcome<()> {
    let bus = dial.connect(PATIENCE)?;
    let (replaces, actions) = (0_u32, Vec::<&str>::new());
    let hints = BTreeMap::from([("urgency", Variant::U8(NORMAL))]);
    let body = (APP, replaces, ICON, printable(title), unmarked(text), actions, hints, SHOWN_MS);
    bus.call(SERVER, "Notify", &body).map(drop)
}

/// A text so that none of it is taken for markup. Titles have none.
fn unmarked(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(printable).collect();
    lines.join("\n").replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desktop::session::markup;

    #[test]
    fn a_text_is_shown_as_it_is() {
        assert_eq!(unmarked("<b>Tom</b> & Jerry\r\ntwo"), "&lt;b&gt;Tom&lt;/b&gt; &amp; Jerry\ntwo");
        assert_eq!(unmarked("a\u{1b}[0m\u{202e}\0"), "a\\u{1b}[0m\\u{202e}\\u{0}");
        for text in ["plain", "<i>&lt;", "one\ntwo", "&amp;&", "a < b > c"] {
            assert_eq!(markup::plain(&unmarked(text)), text);
        }
    }

    #[test]
    fn a_bus_that_is_not_there_is_said_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let nowhere = Dial::session(&format!("unix:path={}", folder.path().join("none").display()));
        let fault = notify(&nowhere, "title", "text").unwrap_err();
        assert_eq!(fault.text().lines().count(), 1);
    }
}
