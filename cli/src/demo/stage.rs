//! What the demo's agent works on, seen from outside: where things are, and what really happened to them.

use core::time::Duration;
use std::sync::Arc;

use opendesk_std::Cancel;
use opendesk_std::api::{Button, Point, PointerAction, PointerEvent, TextInput, TreeParams};
use opendesk_std::desktop::r#virtual::VirtualDesktop;
use opendesk_std::desktop::{Backend, CaptureArea, Computer, Hands};
use opendesk_std::home::PeerName;
use opendesk_std::picture::{self, Rendering};

use super::agent::Said;
use crate::exit::Failure;

/// What the controllers call the host.
pub(super) fn host_name() -> Result<PeerName, Failure> {
    "demo".parse().map_err(|error| Failure::failed(format!("{error}")))
}

/// How long an effect may take to be seen; on the desktops here it takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) enum Stage {
    /// A desktop of our own.
    Virtual(Arc<VirtualDesktop>),
    /// A window of our own on the desktop of `$DISPLAY`.
    #[cfg(target_os = "linux")]
    X11 {
        computer: Arc<dyn Computer>,
        window: Box<opendesk_std::desktop::x11::ProbeWindow>,
        /// The window's text field before anything was typed.
        empty: Vec<u8>,
    },
}

fn failed(error: impl core::fmt::Display) -> Failure {
    Failure::failed(error.to_string())
}

impl Stage {
    pub(super) fn open(backend: Backend) -> Result<Self, Failure> {
        match backend {
            Backend::Virtual => Ok(Self::Virtual(Arc::default())),
            #[cfg(target_os = "linux")]
            Backend::Auto | Backend::X11 => {
                let computer = opendesk_std::desktop::open(backend).map_err(opendesk_tokio::StartError::Desktop)?;
                let window = opendesk_std::desktop::x11::ProbeWindow::open(None).map_err(failed)?;
                let empty = pixels(&*computer, window.entry().map_err(failed)?)?;
                Ok(Self::X11 { computer, window: Box::new(window), empty })
            }
            #[cfg(not(target_os = "linux"))]
            Backend::Auto | Backend::X11 => Err(Failure::usage("this system has no X11; use --backend virtual")),
            Backend::MacOs | Backend::Windows => {
                Err(Failure::usage("the demo has a window of its own on X11 only; use --backend virtual"))
            }
        }
    }

    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Virtual(_) => "virtual",
            #[cfg(target_os = "linux")]
            Self::X11 { .. } => "x11",
        }
    }

    pub(super) const fn describe(&self) -> &'static str {
        match self {
            Self::Virtual(_) => "inside this process: no display server is needed",
            #[cfg(target_os = "linux")]
            Self::X11 { .. } => "the one of $DISPLAY, with a window of the demo's own",
        }
    }

    pub(super) fn computer(&self) -> Arc<dyn Computer> {
        match self {
            Self::Virtual(desktop) => Arc::clone(desktop) as Arc<dyn Computer>,
            #[cfg(target_os = "linux")]
            Self::X11 { computer, .. } => Arc::clone(computer),
        }
    }

    /// The middle of the button.
    pub(super) fn button(&self) -> Result<Point, Failure> {
        match self {
            Self::Virtual(desktop) => element(desktop, "push button", "Count"),
            #[cfg(target_os = "linux")]
            Self::X11 { window, .. } => window.button().map(|bounds| bounds.center()).map_err(failed),
        }
    }

    /// The middle of the text field.
    pub(super) fn entry(&self) -> Result<Point, Failure> {
        match self {
            Self::Virtual(desktop) => element(desktop, "text", "Note"),
            #[cfg(target_os = "linux")]
            Self::X11 { window, .. } => window.entry().map(|bounds| bounds.center()).map_err(failed),
        }
    }

    pub(super) fn clicks(&self) -> u32 {
        match self {
            Self::Virtual(desktop) => desktop.counter(),
            #[cfg(target_os = "linux")]
            Self::X11 { window, .. } => window.clicks(),
        }
    }

    pub(super) fn text(&self) -> String {
        match self {
            Self::Virtual(desktop) => desktop.editor_text(),
            #[cfg(target_os = "linux")]
            Self::X11 { window, .. } => window.text(),
        }
    }

    /// Waits until something is so.
    pub(super) async fn wait(&self, so: impl Fn(&Self) -> bool) -> bool {
        let waiting = async {
            while !so(self) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.is_ok()
    }

    /// Whether the text is in the second picture and was not in the first.
    pub(super) fn shows(&self, text: &str, before: &Said, after: &Said) -> Result<bool, Failure> {
        match self {
            // The desktop is deterministic: one that was typed on directly looks the same, pixel for pixel.
            Self::Virtual(_) => {
                let blank = likeness(None)?;
                let typed = likeness(Some(text))?;
                Ok(before.image == blank && after.image == typed)
            }
            #[cfg(target_os = "linux")]
            Self::X11 { computer, window, empty } => {
                let now = pixels(&**computer, window.entry().map_err(failed)?)?;
                let changed = now.iter().zip(empty).filter(|(now, then)| now != then).count();
                // Ink of at least a few pixels for each letter.
                Ok(now.len() == empty.len() && changed > text.chars().count() * 10)
            }
        }
    }
}

fn element(desktop: &VirtualDesktop, role: &str, name: &str) -> Result<Point, Failure> {
    let tree = desktop.ui_tree(&TreeParams::default(), &Cancel::new()).map_err(failed)?;
    let bounds = tree.find(role, name).and_then(|node| node.bounds);
    bounds.map(|bounds| bounds.center()).ok_or_else(|| failed(format!("there is no {role} called {name}")))
}

/// What a desktop looks like on which the button was clicked and the text was typed without any network.
fn likeness(typed: Option<&str>) -> Result<Vec<u8>, Failure> {
    let desktop = VirtualDesktop::default();
    if let Some(text) = typed {
        let mut hands = Hands::new();
        for (role, name) in [("push button", "Count"), ("text", "Note")] {
            let point = element(&desktop, role, name)?;
            for action in [PointerAction::Move, PointerAction::Down, PointerAction::Up] {
                let event = PointerEvent {
                    action,
                    point: Point::new(point.x.floor(), point.y.floor()),
                    button: Some(Button::Left),
                    modifiers: Vec::new(),
                    dx: 0.0,
                    dy: 0.0,
                };
                hands.pointer(&desktop, &event).map_err(failed)?;
            }
        }
        let input = TextInput { text: text.to_owned(), interval_ms: 0 };
        hands.text(&desktop, &input, &Cancel::new()).map_err(failed)?;
    }
    let frame = desktop.capture(&CaptureArea::default()).map_err(failed)?;
    let picture = picture::render(frame, &Rendering::default(), None, 0.0).map_err(failed)?;
    Ok(picture.data)
}

#[cfg(target_os = "linux")]
fn pixels(computer: &dyn Computer, region: opendesk_std::api::Rect) -> Result<Vec<u8>, Failure> {
    let area = CaptureArea { region: Some(region), ..CaptureArea::default() };
    Ok(computer.capture(&area).map_err(failed)?.pixels)
}
