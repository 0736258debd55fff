//! What an X server's desktop can do: asked anew every time, since window managers, notification servers and screen lockers
//! come and go, often after a host that a service started.

use super::X11Desktop;
use super::input::Extensions;
use crate::api::Result;
use crate::desktop::Missing;

/// What was found when it was last looked for.
#[derive(Debug, Default)]
pub(super) struct Offer {
    pub(super) capabilities: Vec<&'static str>,
    pub(super) missing: Vec<Missing>,
}

impl Offer {
    fn add(&mut self, names: &[&'static str], outcome: core::result::Result<(), String>) {
        match outcome {
            Ok(()) => self.capabilities.extend_from_slice(names),
            Err(why) => self.missing.extend(names.iter().map(|capability| Missing { capability, why: why.clone() })),
        }
    }
}

impl X11Desktop {
    /// Finds out what can be done. While the server is away it stays what it was.
    ///
    /// # Errors
    /// Those of the server.
    pub(super) fn look_for_all(&self) -> Result<()> {
        // Nothing is locked meanwhile, and neither who types nor who waits for a window is waited for.
        let offer = self.find_all()?;
        *self.offer() = offer;
        Ok(())
    }

    fn find_all(&self) -> Result<Offer> {
        let ((can_capture, displays), extensions, (can_list, can_manage)) = self.eyes.look(|eyes| {
            Ok(((eyes.can_capture(), eyes.layout()?.displays.len()), eyes.extensions, eyes.can_manage()?))
        })?;
        let Extensions { xtest: can_press, xkb: can_type } = extensions;
        let lacks = |extension: &str| format!("the X server at {} has no {extension} extension", self.display);
        let no_manager = || "no window manager runs that speaks EWMH; start one, such as openbox".to_owned();
        let (reads, shows, locks) = std::thread::scope(|scope| {
            // Each may wait for a bus that does not answer.
            let reads = scope.spawn(|| self.accessibility.probe());
            let shows = scope.spawn(|| self.notifications.probe());
            let locks = self.locker.probe();
            let gone = || Err("the probe failed".to_owned());
            (reads.join().unwrap_or_else(|_| gone()), shows.join().unwrap_or_else(|_| gone()), locks)
        });
        let said = |so: bool, why: &dyn Fn() -> String| if so { Ok(()) } else { Err(why()) };
        let pixels = || {
            let display = &self.display;
            format!("the X server at {display} does not keep pixels of four bytes in 24- or 32-bit colour")
        };
        let mut offer = Offer::default();
        offer.add(&["display.capture"], said(can_capture, &pixels));
        offer.add(&["input.keyboard", "input.pointer"], said(can_press, &|| lacks("XTEST")));
        offer.add(&["input.text"], said(can_press && can_type, &|| lacks("XTEST or XKEYBOARD")));
        offer.add(&["windows.list"], said(can_list, &no_manager));
        offer.add(&["windows.manipulate"], said(can_manage, &no_manager));
        offer.add(&["app.lifecycle"], said(can_list, &no_manager));
        offer.add(&["clipboard.read", "clipboard.write", "clipboard.multi_mime"], Ok(()));
        offer.add(&["ui.actions", "ui.tree"], reads);
        offer.add(&["notifications.list"], shows);
        offer.add(&["power.lock"], locks);
        if can_capture && displays > 1 {
            offer.capabilities.push("display.multi_monitor");
        }
        Ok(offer)
    }
}
