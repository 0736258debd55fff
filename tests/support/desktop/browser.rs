//! Chromium with the page `tests/desktop/programs/page.html`, whose title tells what was typed into it.

use super::{TestDesktop, await_until, program};

/// What the title begins with when the page's text area has the keyboard.
const TYPED: &str = "Page typed:";

/// No question to a person, nothing out of the network, nothing in the background. As root, which CI is, it has no
/// sandbox; a test tells it not to warn of that.
const FLAGS: [&str; 15] = [
    "--no-sandbox",
    "--test-type",
    "--no-first-run",
    "--no-default-browser-check",
    "--password-store=basic",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-sync",
    "--disable-breakpad",
    "--disable-features=MediaRouter,OptimizationHints,OptimizationGuideOnDeviceModel,Translate",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--force-renderer-accessibility",
];

/// A running browser. It ends with its desktop.
#[derive(Debug)]
pub struct Browser {
    process: u32,
    window: u32,
}

impl Browser {
    /// Starts the browser, which is in front then, with the keyboard in its text area. This takes some seconds; a
    /// desktop can have one of them.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn start(desktop: &mut TestDesktop) -> Self {
        let profile = format!("--user-data-dir={}", desktop.home().join("chromium").display());
        let page = format!("--app=file://{}", program("page.html"));
        let mut flags = FLAGS.to_vec();
        flags.extend(["--window-position=20,30", "--window-size=760,500", &profile, &page]);
        let process = desktop.spawn("chromium", &flags);
        let window = desktop.wait_for_window("Page ");
        let browser = Self { process, window };
        await_until("the page has the keyboard", || browser.title(desktop).starts_with(TYPED).then_some(()));
        browser
    }

    /// Its first process.
    #[must_use]
    pub const fn process(&self) -> u32 {
        self.process
    }

    /// Its X11 window.
    #[must_use]
    pub const fn window(&self) -> u32 {
        self.window
    }

    /// What is in the text area. A title holds about a thousand characters of ASCII, fewer of other scripts.
    ///
    /// # Panics
    /// When the title does not tell.
    #[must_use]
    pub fn text(&self, desktop: &TestDesktop) -> String {
        let title = self.title(desktop);
        let written = title.strip_prefix(TYPED).unwrap_or_else(|| panic!("the title is {title:?}"));
        percent_decoded(written).unwrap_or_else(|| panic!("the title is {title:?}"))
    }

    fn title(&self, desktop: &TestDesktop) -> String {
        let printed = desktop.run("xprop", &["-id", &self.window.to_string(), "-notype", "_NET_WM_NAME"]);
        let quoted = printed.trim().split_once(" = \"").and_then(|(_, title)| title.strip_suffix('"'));
        quoted.unwrap_or_default().to_owned()
    }
}

/// Undoes `encodeURIComponent`.
fn percent_decoded(written: &str) -> Option<String> {
    let mut parts = written.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(code, 16).ok()?);
        bytes.extend(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_into_the_page_is_read_from_its_title() {
        let mut desktop = TestDesktop::start(800, 600);
        let browser = Browser::start(&mut desktop);
        assert_eq!(browser.text(&desktop), "");
        desktop.run("xdotool", &["key", "a", "Tab", "b", "Return", "percent"]);
        await_until("the text is there", || (browser.text(&desktop) == "a\tb\n%").then_some(()));
        desktop.run("xdotool", &["key", "Escape"]);
        await_until("the text is gone", || browser.text(&desktop).is_empty().then_some(()));
    }

    #[test]
    fn titles_are_decoded() {
        assert_eq!(percent_decoded("a%20%C3%A9~%F0%9F%9A%80").as_deref(), Some("a é~🚀"));
        for bad in ["%", "%4", "%zz", "%ff"] {
            assert_eq!(percent_decoded(bad), None, "{bad}");
        }
    }
}
