//! Proving what a desktop can do, by doing it: what is clicked, typed, shown and copied is read back from the other
//! side, by a window of our own or another connection. Nothing counts as working that was not seen to.
//!
//! On a real desktop this shows a window for some seconds, takes the keyboard and the pointer for it, and puts a text on
//! the clipboard. Then the window is gone and the pointer, the keyboard and the clipboard are as they were; see
//! [`Keep`] for the clipboard. Nothing is clicked or typed while the window does not have the pointer or the keyboard.

#[cfg(target_os = "linux")]
mod clipboard;
mod common;
mod elements;
#[cfg(target_os = "linux")]
mod keeper;
mod proofs;
#[cfg(target_os = "linux")]
mod stage;
mod r#virtual;
#[cfg(target_os = "linux")]
mod x11;

pub use proofs::{Check, Outcome, Report};

use crate::api::{ClipboardContents, Error, ErrorCode, Result};
use crate::cancel::Cancel;
use crate::desktop::Backend;

/// Is given what was on the clipboard where no other program would keep it when ours ends, and has it kept: as
/// [`keep_clipboard`] does in a process that stays. It says why it could not.
pub type Keep<'a> = &'a mut dyn FnMut(&ClipboardContents) -> core::result::Result<(), String>;

/// Tries out the desktop that a backend names. It takes a few seconds, up to half a minute where much fails.
///
/// # Errors
/// `cancelled` between two checks once `cancel` says so, with everything put back; otherwise one line that says why
/// there is no desktop to try out. What does not work is no error but in the report.
pub fn run(backend: Backend, keep: Keep<'_>, cancel: &Cancel) -> Result<Report> {
    match backend {
        Backend::Virtual => r#virtual::check(cancel),
        Backend::X11 => x11(keep, cancel),
        Backend::Auto => x11(keep, cancel).map_err(|error| match error.code {
            ErrorCode::Cancelled => error,
            code => Error::new(code, format!("{error}; `--backend virtual` tries the desktop inside the process")),
        }),
        Backend::MacOs | Backend::Windows => Err(Error::new(
            ErrorCode::CapabilityUnsupported,
            format!("there is no window to try the {backend} desktop with; use x11 or virtual"),
        )),
    }
}

#[cfg(target_os = "linux")]
fn x11(keep: Keep<'_>, cancel: &Cancel) -> Result<Report> {
    x11::check(keep, cancel)
}

#[cfg(not(target_os = "linux"))]
fn x11(_keep: Keep<'_>, _cancel: &Cancel) -> Result<Report> {
    Err(Error::new(
        ErrorCode::CapabilityUnsupported,
        format!("there is no window to try the desktop of {} with; use virtual", std::env::consts::OS),
    ))
}

/// The contents of a clipboard as bytes for [`keep_clipboard`].
///
/// # Errors
/// [`ErrorCode::Internal`] for what cannot be encoded.
pub fn pack(contents: &ClipboardContents) -> Result<Vec<u8>> {
    postcard::to_stdvec(contents)
        .map_err(|error| Error::internal(format!("what is on the clipboard could not be encoded: {error}")))
}

/// Puts what was [packed](pack) on the clipboard of the X display of our session, calls `ready`, and returns when
/// somebody has copied something else or the X server is gone.
///
/// # Errors
/// One line, when it could not be put there.
pub fn keep_clipboard(packed: &[u8], ready: impl FnOnce()) -> Result<()> {
    let contents: ClipboardContents = postcard::from_bytes(packed)
        .map_err(|error| Error::invalid(format!("these are no contents of a clipboard: {error}")))?;
    keep(&contents, ready)
}

#[cfg(target_os = "linux")]
fn keep(contents: &ClipboardContents, ready: impl FnOnce()) -> Result<()> {
    keeper::keep(contents, ready)
}

#[cfg(not(target_os = "linux"))]
fn keep(_contents: &ClipboardContents, _ready: impl FnOnce()) -> Result<()> {
    Err(Error::unsupported("clipboard.write", std::env::consts::OS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ClipboardEntry;

    fn must_not_keep(_: &ClipboardContents) -> core::result::Result<(), String> {
        Err("nothing is to be kept".to_owned())
    }

    #[test]
    fn the_virtual_desktop_does_what_it_says() {
        let report = run(Backend::Virtual, &mut must_not_keep, &Cancel::new()).unwrap();
        assert!(report.is_good(), "{report:?}");
        assert_eq!(report.backend, "virtual");
        for check in &report.checks {
            // The recogniser is another program.
            assert!(check.outcome == Outcome::Ok || check.name == "ocr", "{check:?}");
            assert!(!check.detail.is_empty() && !check.detail.contains('\n'), "{check:?}");
        }
        let names: Vec<&str> = report.checks.iter().map(|check| check.name).collect();
        for name in [
            "displays",
            "capture",
            "pointer",
            "buttons",
            "wheel",
            "keyboard",
            "text",
            "windows",
            "ocr",
            "accessibility",
            "clipboard",
        ] {
            assert!(names.contains(&name), "{name}: {names:?}");
        }
    }

    #[test]
    fn a_check_that_was_stopped_has_no_report() {
        let cancel = Cancel::new();
        cancel.cancel();
        let error = run(Backend::Virtual, &mut must_not_keep, &cancel).unwrap_err();
        assert_eq!(error.code, ErrorCode::Cancelled);
    }

    #[test]
    fn contents_are_packed_whole() {
        let entry = |mime_type: &str, data: &[u8]| ClipboardEntry { mime_type: mime_type.into(), data: data.into() };
        let contents =
            ClipboardContents { entries: vec![entry("text/html", b"<b>x</b>"), entry("image/png", b"\x89\0")] };
        let packed = pack(&contents).unwrap();
        assert_eq!(postcard::from_bytes::<ClipboardContents>(&packed).unwrap(), contents);
        let error = keep_clipboard(&packed[..packed.len() - 1], || {}).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidArgument);
    }
}
