//! What only looks.

use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use super::act::check_clicks;
use super::{misplaced, told};
use crate::api::{
    AppsInstalled, AppsList, Call, CaptureParams, ClipboardRead, Codec, DisplayCapture, DisplayCursorPosition,
    DisplayDisplays, Environment, Error, ErrorCode, Manifest, NotificationsList, OcrClickParams, OcrParams, OcrRead,
    Picture, Result, ScreenState, ScreenText, SystemCapabilities, SystemEnvironment, UiTreeRead, WindowsFocused,
    WindowsList,
};
use crate::cancel::Cancel;
use crate::desktop::ocr::{Found, Ocr, find};
use crate::desktop::{CaptureArea, Computer};
use crate::picture::{Content, Digest, Shots};
use crate::{clock, picture};

/// Whether a call waits for other programs, so that pictures must not wait behind it.
pub(super) fn is_slow(call: &Call) -> bool {
    matches!(
        call,
        Call::UiTreeRead(_)
            | Call::OcrRead(_)
            | Call::OcrClick(_)
            | Call::ClipboardRead(())
            | Call::AppsList(())
            | Call::AppsInstalled(())
            | Call::NotificationsList(())
    )
}

/// A desktop as it is looked at: with the pictures that were taken of it before.
#[derive(Debug)]
pub(super) struct Sight {
    computer: Arc<dyn Computer>,
    shots: Mutex<Shots>,
    /// Once it was found.
    ocr: OnceLock<Ocr>,
    /// What is offered besides the desktop.
    besides: &'static [&'static str],
    offer: Offer,
}

/// How long what a desktop was found to do is told again without a look, so that whoever asks for it all the time is
/// answered at once.
const FRESH: Duration = Duration::from_secs(1);

/// What a desktop was found to do, and when.
#[derive(Debug, Clone)]
pub(super) struct Offer(Arc<Mutex<(Manifest, Instant)>>);

impl Offer {
    pub(super) fn get(&self) -> Manifest {
        self.lock().0.clone()
    }

    /// What it was found to do a moment ago, if it was looked for then.
    pub(super) fn fresh(&self) -> Option<Manifest> {
        let known = self.lock();
        (clock::monotonic().saturating_duration_since(known.1) < FRESH).then(|| known.0.clone())
    }

    #[cfg(test)]
    pub(super) fn outdate(&self) {
        let long_ago = clock::monotonic().checked_sub(2 * FRESH);
        self.lock().1 = long_ago.expect("the machine runs for longer than that");
    }

    fn lock(&self) -> MutexGuard<'_, (Manifest, Instant)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sight {
    pub(super) fn new(computer: Arc<dyn Computer>, besides: &'static [&'static str]) -> Self {
        // Another number than before, so that a picture of before is not taken for one of now.
        let shots = Shots::starting_at((clock::epoch_seconds() * 1000.0) as u64);
        let manifest = Manifest { capabilities: Vec::new(), backend: format!("local/{}", computer.name()) };
        let offer = Offer(Arc::new(Mutex::new((manifest, clock::monotonic()))));
        let sight = Self { computer, shots: Mutex::new(shots), ocr: OnceLock::new(), besides, offer };
        sight.take_over();
        sight
    }

    pub(super) fn offer(&self) -> Offer {
        self.offer.clone()
    }

    /// Finds out what the desktop can do, unless that was done a moment ago: many may ask at once.
    pub(super) fn probe(&self) -> Manifest {
        self.offer.fresh().unwrap_or_else(|| {
            self.computer.probe();
            self.take_over()
        })
    }

    /// What the desktop knows of itself is what is told of it.
    fn take_over(&self) -> Manifest {
        let mut names = self.computer.capabilities();
        // Whoever can take one picture is asked for many by the host's streams.
        if names.contains(&"display.capture") {
            names.push("display.stream");
            names.extend(self.ocr().is_ok().then_some("ocr"));
        }
        let all = names.into_iter().chain(self.besides.iter().copied());
        let mut capabilities: Vec<String> = all.map(str::to_owned).collect();
        capabilities.sort_unstable();
        capabilities.dedup();
        let mut known = self.offer.lock();
        known.0.capabilities = capabilities;
        known.1 = clock::monotonic();
        known.0.clone()
    }

    /// Or why no text can be read. It may be installed at any time.
    fn ocr(&self) -> core::result::Result<&Ocr, String> {
        match self.ocr.get() {
            Some(ocr) => Ok(ocr),
            None => Ocr::probe().map(|ocr| self.ocr.get_or_init(|| ocr)),
        }
    }

    pub(super) fn computer(&self) -> &dyn Computer {
        &*self.computer
    }

    pub(super) fn look(&self, call: &Call, codec: Codec, cancel: &Cancel) -> Result<Vec<u8>> {
        let computer = &*self.computer;
        match call {
            Call::SystemCapabilities(()) => told::<SystemCapabilities>(codec, Ok(self.probe())),
            Call::SystemEnvironment(()) => told::<SystemEnvironment>(codec, Ok(environment(computer))),
            Call::DisplayDisplays(()) => told::<DisplayDisplays>(codec, computer.displays()),
            Call::DisplayCapture(params) => told::<DisplayCapture>(codec, self.capture(params)),
            Call::DisplayCursorPosition(()) => told::<DisplayCursorPosition>(codec, computer.cursor_position()),
            Call::WindowsList(()) => told::<WindowsList>(codec, computer.windows()),
            Call::WindowsFocused(()) => {
                let focused = computer.windows().map(|windows| windows.into_iter().find(|window| window.focused));
                told::<WindowsFocused>(codec, focused)
            }
            Call::AppsList(()) => told::<AppsList>(codec, computer.apps()),
            Call::AppsInstalled(()) => told::<AppsInstalled>(codec, computer.installed_apps()),
            Call::UiTreeRead(params) => told::<UiTreeRead>(codec, computer.ui_tree(params, cancel)),
            Call::ClipboardRead(()) => told::<ClipboardRead>(codec, computer.clipboard_read()),
            Call::OcrRead(params) => told::<OcrRead>(codec, self.read(params, cancel)),
            Call::NotificationsList(()) => told::<NotificationsList>(codec, computer.notifications()),
            Call::InputSubscribe(()) => Err(Error::new(
                ErrorCode::CapabilityUnsupported,
                "a host tells nobody what the person at it types and clicks: passwords are among it",
            )),
            // Every one by name, so that the compiler asks where a new method belongs.
            Call::DisplaySubscribe(_)
            | Call::InputPointer(_)
            | Call::InputKey(_)
            | Call::InputText(_)
            | Call::WindowsFocus(_)
            | Call::WindowsMove(_)
            | Call::WindowsClose(_)
            | Call::AppsOpen(_)
            | Call::AppsClose(_)
            | Call::AppsFocus(_)
            | Call::UiAction(_)
            | Call::OcrClick(_)
            | Call::ClipboardWrite(_)
            | Call::PowerLock(())
            | Call::FsRead(_)
            | Call::FsWrite(_)
            | Call::FsList(_)
            | Call::FsStat(_)
            | Call::FsDelete(_)
            | Call::FsMove(_)
            | Call::FsMkdir(_)
            | Call::FsSetstat(_)
            | Call::ProcessList(())
            | Call::ProcessShell(_)
            | Call::ProcessExec(_)
            | Call::ProcessStart(_)
            | Call::ProcessOutput(_)
            | Call::ProcessWrite(_)
            | Call::ProcessSignal(_) => Err(misplaced(call)),
        }
    }

    fn capture(&self, params: &CaptureParams) -> Result<Picture> {
        let area = CaptureArea::from(params);
        let state = self.computer.screen_state();
        // Asked for before the pixels are, so that what changes in between is found next time.
        let counted = self.computer.generation(&area)?.map(Content::Generation);
        if let Some(same) = counted.and_then(|content| self.unchanged(params, content, state)) {
            return Ok(same);
        }
        let captured_at = clock::epoch_seconds();
        let frame = self.computer.capture(&area)?;
        let content = match counted {
            Some(content) => content,
            None => {
                let content = Content::Pixels(Digest::of(&frame));
                if let Some(same) = self.unchanged(params, content, state) {
                    return Ok(same);
                }
                content
            }
        };
        let mut picture = picture::render(frame, &params.into(), area.display_id.clone(), captured_at)?;
        picture.screen = if state == ScreenState::Shown { area.seen_as(picture.screen) } else { state };
        self.shots().remember(params, content, &mut picture);
        Ok(picture)
    }

    /// The picture that the controller has, if it would be the same again.
    fn unchanged(&self, params: &CaptureParams, content: Content, state: ScreenState) -> Option<Picture> {
        let known = self.shots().unchanged(params.unless_shot?, params, content)?;
        let is_dark = matches!(known.screen, ScreenState::Locked | ScreenState::Asleep);
        // A screen that went dark, or back, is news even if its pixels are the same.
        (known.screen == state || (state == ScreenState::Shown && !is_dark)).then_some(known)
    }

    fn shots(&self) -> MutexGuard<'_, Shots> {
        self.shots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The text in a part of the desktop.
    fn read(&self, params: &OcrParams, cancel: &Cancel) -> Result<ScreenText> {
        let ocr = self.ocr().map_err(|why| Error::missing("ocr", self.computer.name(), &why))?;
        let frame = self.computer.capture(&CaptureArea::from(params))?;
        ocr.read(frame, params, cancel)
    }

    /// Where a text is.
    pub(super) fn find(&self, params: &OcrClickParams, cancel: &Cancel) -> Result<Found> {
        check_clicks(params)?;
        let text = self.read(&params.within, cancel)?;
        find(&text, params)
    }
}

/// A desktop that is not there at the moment has no displays: what the machine is does not depend on it.
fn environment(computer: &dyn Computer) -> Environment {
    let mut environment = crate::machine::environment();
    environment.displays = computer.displays().unwrap_or_else(|error| {
        tracing::debug!(%error, "the displays are not known");
        Vec::new()
    });
    environment
}
