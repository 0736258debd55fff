//! Checks that are the same on every desktop.

use super::proofs::{Obstacle, Proof};
use crate::api::{OcrParams, Press, Rect};
use crate::cancel::Cancel;
use crate::clock::{epoch_seconds, monotonic};
use crate::desktop::ocr::{Ocr, matches};
use crate::desktop::{CaptureArea, Computer, Key};

/// Text of several scripts and of both keys that are no characters.
pub(super) const TYPED: &str = "Grüße {[@]} мир 世界 🚀\n\tQuit";

pub(super) fn displays(computer: &dyn Computer) -> Proof {
    let displays = computer.displays()?;
    let described = displays.iter().map(|display| {
        let Rect { x, y, width, height } = display.bounds;
        let scale = display.scale_factor;
        let name = display.name.as_deref().unwrap_or(&display.id);
        format!("{name} of {width}×{height} at {x},{y}, scale {scale}")
    });
    let described: Vec<String> = described.collect();
    if described.is_empty() { Err(Obstacle::failed("there is no display")) } else { Ok(described.join("; ")) }
}

/// Reads words that are shown in a part of the desktop.
pub(super) fn ocr(computer: &dyn Computer, region: Rect, words: &str, cancel: &Cancel) -> Proof {
    let ocr = Ocr::probe().map_err(Obstacle::Missing)?;
    let frame = computer.capture(&CaptureArea { region: Some(region), ..CaptureArea::default() })?;
    let begun = monotonic();
    let read = ocr.read(frame, &OcrParams::default(), cancel)?;
    let took = begun.elapsed().as_millis();
    if matches(&read, words).is_empty() {
        let read: Vec<&str> = read.words.iter().map(|word| word.text.as_str()).collect();
        return Err(Obstacle::failed(format!("{words:?} is shown and {:?} was read", read.join(" "))));
    }
    Ok(format!("{words:?} was read from its pixels in {took} ms"))
}

/// Presses a key and releases it, also when pressing it failed half way.
pub(super) fn stroke(computer: &dyn Computer, key: Key) -> crate::api::Result<()> {
    let pressed = computer.key(key, Press::Down);
    let released = computer.key(key, Press::Up);
    pressed.and(released).map(drop)
}

/// What was typed arrived, or how it did not.
pub(super) fn compared(typed: &str, arrived: &str) -> Proof {
    let count = typed.chars().count();
    if typed == arrived {
        return Ok(format!("{count} characters of several scripts arrived exactly"));
    }
    let same = typed.chars().zip(arrived.chars()).take_while(|(one, other)| one == other).count();
    let shown =
        |text: &str| text.chars().nth(same).map_or_else(|| "nothing".to_owned(), |letter| format!("{letter:?}"));
    Err(Obstacle::failed(format!(
        "of {count} characters {same} arrived, then {} came for {}",
        shown(arrived),
        shown(typed)
    )))
}

/// A text that is on no clipboard.
pub(super) fn unique() -> String {
    format!("opendesk check {}", (epoch_seconds() * 1e6) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_arrives_otherwise_is_told() {
        assert_eq!(compared("aü世", "aü世").unwrap(), "3 characters of several scripts arrived exactly");
        let told = |arrived| match compared("aü世", arrived) {
            Err(Obstacle::Failed(why)) => why,
            other => panic!("{other:?}"),
        };
        assert_eq!(told("aU世"), "of 3 characters 1 arrived, then 'U' came for 'ü'");
        assert_eq!(told("aü"), "of 3 characters 2 arrived, then nothing came for '世'");
        assert_eq!(told("aü世!"), "of 3 characters 3 arrived, then '!' came for nothing");
    }
}
