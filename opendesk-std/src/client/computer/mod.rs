//! The desktop of another machine, used as if it were this one's.

mod bridge;
mod changes;
mod failure;
mod keys;
mod link;
mod pictures;

use core::fmt;
use core::result::Result as Outcome;
use core::time::Duration;
use std::sync::{Mutex, MutexGuard, PoisonError};

use opendesk_core::limits::TEXT_BYTES;

use self::bridge::Bridge;
use self::changes::Sleepers;
use self::failure::failure;
pub use self::link::Link;
use self::pictures::{Pictures, Shot};
use super::{CALL, ClientError};
use crate::api::*;
use crate::cancel::Cancel;
use crate::clock;
use crate::desktop::{CaptureArea, Computer, Frame, Key, Missing, Wake};
use crate::home::printable;
use crate::runtime::Runtime;

/// How long a host may take to say what it can do now, where nobody waits for what it says: it is what it was then.
const PROBING: Duration = Duration::from_secs(3);

/// What a desktop can do, of the closed list of capability names. What a host offers besides its desktop is not in it.
const OF_DESKTOPS: [&str; 16] = [
    "app.lifecycle",
    "clipboard.multi_mime",
    "clipboard.read",
    "clipboard.write",
    "display.capture",
    "display.multi_monitor",
    "input.keyboard",
    "input.pointer",
    "input.text",
    "notifications.list",
    "power.lock",
    "ui.actions",
    "ui.tree",
    "windows.list",
    "windows.manipulate",
    "windows.subscribe",
];

/// The desktop of another machine as a [`Computer`]: whatever drives a desktop of this machine drives that one, also a
/// host, which then passes on what its controllers ask.
///
/// * What the host, asked again, does not name as what it can do is refused here, as [`CapabilityUnsupported`](ErrorCode::CapabilityUnsupported);
///   what the host says is passed on as it is. What became of an action whose link was lost is not known, and so the error
///   says; nothing is ever asked for twice.
/// * Keys and buttons are held by the host: when the session ends, however it ends, the host releases them. The session
///   ends with the computer and the last clone of what it was made of.
/// * Pictures come without loss and in the device's own pixels, and are sent again only when something has changed. A host
///   that was asked to watch for changes ([`Computer::wake_on_change`]) tells of them.
/// * A raised [`Cancel`] cancels the call on the host, and is noticed within 20 ms.
///
/// # Threads
/// Every method blocks until the host has answered, as those of any desktop do, for [`CALL`] at most and
/// the pauses of what is typed. None may be called on a thread of the runtime that the session runs on: it is refused
/// there, as [`Internal`](ErrorCode::Internal), since the answer could not come. On a runtime of several threads that have
/// not been seen yet it takes ten seconds until it is refused, and nothing was asked of the host then. A
/// [`Desk`](crate::desktop::Desk) has threads of its own; elsewhere there is
/// [`run_blocking`](Runtime::run_blocking).
pub struct RemoteComputer {
    link: Link,
    manifest: Mutex<Manifest>,
    bridge: Bridge,
    pictures: Pictures,
    sleepers: Sleepers,
    /// A place on a display, where it can be asked cheaply what the screen shows.
    corner: Mutex<Option<Point>>,
}

impl fmt::Debug for RemoteComputer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteComputer").field("link", &self.link).finish_non_exhaustive()
    }
}

impl RemoteComputer {
    /// The desktop at the other end of a session, or of a machine that is kept connected, used through the runtime that this
    /// runs on.
    ///
    /// # Errors
    /// [`ClientError`], for a machine that is kept connected and cannot be reached.
    pub async fn new<R: Runtime>(runtime: R, link: impl Into<Link>) -> Outcome<Self, ClientError> {
        let link = link.into();
        Ok(Self {
            manifest: Mutex::new(link.manifest().await?),
            bridge: Bridge::build(runtime).await,
            link,
            pictures: Pictures::default(),
            sleepers: Sleepers::default(),
            corner: Mutex::default(),
        })
    }

    /// Calls any method of the host and waits for its answer, for what is no part of a desktop, such as files and commands.
    ///
    /// # Errors
    /// The host's; [`CapabilityUnsupported`](ErrorCode::CapabilityUnsupported) for what it does not offer; and see
    /// [`RemoteComputer`].
    pub fn call<M: Method>(&self, params: M::Params, limit: Duration, cancel: &Cancel) -> Result<M::Output> {
        self.ask::<M>(params, limit, Some(cancel))
    }

    fn ask<M: Method>(&self, params: M::Params, limit: Duration, cancel: Option<&Cancel>) -> Result<M::Output> {
        let (needed, begun) = (capability(M::NAME), clock::monotonic());
        if !self.offers(needed) {
            // It may have become possible since.
            self.learn(limit.min(CALL), cancel)?;
        }
        if !self.offers(needed) {
            let manifest = self.manifest();
            let backend = manifest.backend.strip_prefix("local/").unwrap_or(&manifest.backend);
            return Err(Error::unsupported(needed, &printable(backend)));
        }
        self.send::<M>(params, limit.saturating_sub(begun.elapsed()), cancel)
    }

    /// Asks the host what it can do now.
    fn learn(&self, limit: Duration, cancel: Option<&Cancel>) -> Result<()> {
        let manifest = self.send::<SystemCapabilities>((), limit, cancel)?;
        *self.manifest() = manifest;
        Ok(())
    }

    fn send<M: Method>(&self, params: M::Params, limit: Duration, cancel: Option<&Cancel>) -> Result<M::Output> {
        let link = self.link.clone();
        let calling = async move { link.call::<M>(&params, limit).await };
        self.bridge.wait(calling, limit, cancel)?.map_err(|error| failure(error, M::KIND))
    }

    fn offers(&self, capability: &str) -> bool {
        self.manifest().capabilities.iter().any(|offered| offered == capability)
    }

    fn manifest(&self) -> MutexGuard<'_, Manifest> {
        self.manifest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look<M: Method>(&self, params: M::Params) -> Result<M::Output> {
        self.ask::<M>(params, CALL, None)
    }

    fn act<M: Method>(&self, params: M::Params, cancel: &Cancel) -> Result<M::Output> {
        self.ask::<M>(params, CALL, Some(cancel))
    }

    /// What an area shows now.
    fn shot(&self, area: &CaptureArea) -> Result<Shot> {
        self.pictures.look(area, |params| self.look::<DisplayCapture>(params))
    }

    /// Something that the mouse does where the pointer is: on the wire every event says where.
    fn at_pointer(&self, action: PointerAction, button: Option<Button>, dx: f64, dy: f64) -> Result<Effect> {
        let point = self.cursor_position()?;
        self.look::<InputPointer>(PointerEvent { action, point, button, modifiers: Vec::new(), dx, dy })
    }

    /// What the screen shows, told with the smallest of pictures.
    fn screen_at(&self, corner: Point) -> Result<ScreenState> {
        let region = Some(Rect::new(corner.x, corner.y, 2.0, 2.0));
        let (profile, format) = (PictureProfile::Native, PictureFormat::RawRgb);
        let params = CaptureParams { region, profile, format, ..CaptureParams::default() };
        self.look::<DisplayCapture>(params).map(|picture| picture.screen)
    }

    fn corner(&self) -> Result<Point> {
        let known = *self.corner.lock().unwrap_or_else(PoisonError::into_inner);
        match known {
            Some(corner) => Ok(corner),
            None => self.displays().and_then(|displays| {
                let first = displays.first().map(|display| Point::new(display.bounds.x, display.bounds.y));
                first.ok_or_else(|| Error::new(ErrorCode::NotFound, "the host has no display"))
            }),
        }
    }

    fn remember_corner(&self, corner: Option<Point>) {
        *self.corner.lock().unwrap_or_else(PoisonError::into_inner) = corner;
    }
}

impl Computer for RemoteComputer {
    fn name(&self) -> &'static str {
        "remote"
    }

    /// Those of the host's desktop.
    fn capabilities(&self) -> Vec<&'static str> {
        OF_DESKTOPS.into_iter().filter(|name| self.offers(name)).collect()
    }

    fn probe(&self) {
        if let Err(error) = self.learn(PROBING, None) {
            tracing::debug!(%error, "what the host can do is not known anew");
        }
    }

    /// What a host lacks it says when it is asked for.
    fn missing(&self) -> Vec<Missing> {
        Vec::new()
    }

    fn displays(&self) -> Result<Vec<Display>> {
        let displays = self.look::<DisplayDisplays>(())?;
        self.remember_corner(displays.first().map(|display| Point::new(display.bounds.x, display.bounds.y)));
        Ok(displays)
    }

    fn capture(&self, area: &CaptureArea) -> Result<Frame> {
        self.shot(area).map(|shot| (*shot.frame).clone())
    }

    /// What the host says; [`ScreenState::Shown`] when it says nothing.
    fn screen_state(&self) -> ScreenState {
        let asked = self.corner().and_then(|corner| self.screen_at(corner)).or_else(|_| {
            // There may be other displays than before.
            self.remember_corner(None);
            self.corner().and_then(|corner| self.screen_at(corner))
        });
        asked.unwrap_or_default()
    }

    /// Looks: a number that is as new as the desktop itself costs as much as a picture that has not changed.
    fn generation(&self, area: &CaptureArea) -> Result<Option<u64>> {
        self.shot(area).map(|shot| shot.generation)
    }

    /// From a host that streams pictures.
    fn wake_on_change(&self, wake: Wake) -> bool {
        self.offers(capability(DisplaySubscribe::NAME)) && self.sleepers.wait(&self.bridge, &self.link, wake)
    }

    fn cursor_position(&self) -> Result<Point> {
        self.look::<DisplayCursorPosition>(())
    }

    fn move_pointer(&self, to: Point) -> Result<Effect> {
        let (action, button, modifiers) = (PointerAction::Move, None, Vec::new());
        self.look::<InputPointer>(PointerEvent { action, point: to, button, modifiers, dx: 0.0, dy: 0.0 })
    }

    fn button(&self, button: Button, press: Press) -> Result<Effect> {
        let action = match press {
            Press::Down => PointerAction::Down,
            Press::Up => PointerAction::Up,
        };
        self.at_pointer(action, Some(button), 0.0, 0.0)
    }

    fn scroll(&self, right: f64, up: f64) -> Result<Effect> {
        self.at_pointer(PointerAction::Scroll, None, right, up)
    }

    fn key(&self, key: Key, press: Press) -> Result<Effect> {
        self.look::<InputKey>(KeyEvent { action: press, keysym: keys::name(key), modifiers: Vec::new() })
    }

    /// In parts, when there is more of it than one call types.
    fn type_text(&self, text: &str, pause: Duration, cancel: &Cancel) -> Result<Effect> {
        let interval_ms = u32::try_from(pause.as_micros().div_ceil(1000)).unwrap_or(u32::MAX);
        let mut parts = Parts(text);
        let mut typed = None;
        loop {
            // An empty text is for the host to judge, too.
            let part = match (parts.next(), typed) {
                (Some(part), _) => part,
                (None, None) => "",
                (None, Some(effect)) => return Ok(effect),
            };
            let input = TextInput { text: part.to_owned(), interval_ms };
            let limit = CALL.saturating_add(input.pauses());
            let effect = self.ask::<InputText>(input, limit, Some(cancel))?;
            typed = Some(match typed {
                None => effect,
                Some(before) if before == effect => effect,
                // Some of it did something and some did not.
                Some(_) => Effect::Unverifiable,
            });
        }
    }

    fn windows(&self) -> Result<Vec<Window>> {
        self.look::<WindowsList>(())
    }

    fn focus_window(&self, id: &str) -> Result<Effect> {
        self.look::<WindowsFocus>(WindowParams { window_id: id.to_owned() })
    }

    fn move_window(&self, id: &str, bounds: Rect) -> Result<Effect> {
        self.look::<WindowsMove>(MoveWindowParams { window_id: id.to_owned(), bounds })
    }

    fn close_window(&self, id: &str, force: bool, cancel: &Cancel) -> Result<Effect> {
        self.act::<WindowsClose>(WindowCloseParams { window_id: id.to_owned(), force }, cancel)
    }

    fn apps(&self) -> Result<Vec<String>> {
        self.look::<AppsList>(())
    }

    fn installed_apps(&self) -> Result<Vec<App>> {
        self.look::<AppsInstalled>(())
    }

    fn open_app(&self, name: &str, cancel: &Cancel) -> Result<Effect> {
        self.act::<AppsOpen>(AppParams { name: name.to_owned() }, cancel)
    }

    fn close_app(&self, name: &str, cancel: &Cancel) -> Result<Effect> {
        self.act::<AppsClose>(AppParams { name: name.to_owned() }, cancel)
    }

    fn focus_app(&self, name: &str) -> Result<Effect> {
        self.look::<AppsFocus>(AppParams { name: name.to_owned() })
    }

    fn ui_tree(&self, params: &TreeParams, cancel: &Cancel) -> Result<UiTree> {
        self.act::<UiTreeRead>(params.clone(), cancel)
    }

    fn ui_action(&self, params: &UiActionParams, cancel: &Cancel) -> Result<Effect> {
        self.act::<UiAction>(params.clone(), cancel)
    }

    fn clipboard_read(&self) -> Result<ClipboardContents> {
        self.look::<ClipboardRead>(())
    }

    fn clipboard_write(&self, contents: &ClipboardContents) -> Result<Effect> {
        self.look::<ClipboardWrite>(contents.clone())
    }

    fn lock(&self, cancel: &Cancel) -> Result<Effect> {
        self.act::<PowerLock>((), cancel)
    }

    fn notifications(&self) -> Result<Vec<Notification>> {
        self.look::<NotificationsList>(())
    }
}

/// The parts of a text that one call types, none of which ends between a carriage return and its line feed.
struct Parts<'a>(&'a str);

impl<'a> Iterator for Parts<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let mut end = self.0.floor_char_boundary(TEXT_BYTES);
        if self.0[..end].ends_with('\r') && self.0[end..].starts_with('\n') {
            end -= 1;
        }
        let (part, rest) = self.0.split_at(end);
        self.0 = rest;
        (!part.is_empty()).then_some(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_typed_in_parts_that_one_call_takes() {
        let text = "é".repeat(TEXT_BYTES) + "x";
        let parts: Vec<&str> = Parts(&text).collect();
        assert_eq!(parts.concat(), text);
        assert!(parts.iter().all(|part| part.len() <= TEXT_BYTES), "{}", parts.len());
        assert_eq!(Parts("").next(), None);
        let lines = "x".repeat(TEXT_BYTES - 1) + "\r\ny";
        let parts: Vec<&str> = Parts(&lines).collect();
        assert_eq!(parts, ["x".repeat(TEXT_BYTES - 1).as_str(), "\r\ny"]);
    }

    #[test]
    fn the_capabilities_of_desktops_are_sorted() {
        assert!(OF_DESKTOPS.is_sorted());
    }
}
