//! The lock screen. It hides the desktop until somebody presses Return or its button: there is no password, so that
//! nobody is locked out of a desktop that lives in memory.

use super::controls_view::paint_button;
use super::geometry::Area;
use super::handle::Handle;
use super::paint::Canvas;
use super::text::{Align, BODY, BOLD, SMALL};
use super::theme::{LOCK_BACK, PANEL_DIM, PANEL_TEXT};
use super::tree::element;
use crate::api::UiElement;

const HEADLINE: &str = "Locked";
const HINT: &str = "Press Return or click Unlock";
const BUTTON: &str = "Unlock";

/// The button that unlocks.
pub(super) const fn button(screen: Area) -> Area {
    screen.centered(120, 36).moved(0, 44)
}

const fn headline(screen: Area) -> Area {
    screen.centered(screen.w, BOLD.line()).moved(0, -36)
}

const fn hint(screen: Area) -> Area {
    screen.centered(screen.w, BODY.line()).moved(0, -4)
}

/// Covers everything, with words and button on the primary display.
pub(super) fn paint(canvas: &mut Canvas, everything: Area, screen: Area, down: bool) {
    canvas.fill(everything, LOCK_BACK);
    canvas.text(headline(screen), Align::Center, HEADLINE, BOLD, PANEL_TEXT);
    canvas.text(hint(screen), Align::Center, HINT, SMALL, PANEL_DIM);
    paint_button(canvas, button(screen), BUTTON, down, true);
}

/// The lock screen's part of the accessibility tree.
pub(super) fn elements(screen: Area) -> UiElement {
    let mut unlock = element(Handle::Unlock, "push button", BUTTON, button(screen));
    unlock.focused = true;
    let mut text = element(Handle::LockText, "label", HEADLINE, headline(screen));
    text.value = Some(HINT.to_owned());
    let mut lock = element(Handle::LockScreen, "window", "Lock screen", screen);
    lock.children = vec![text, unlock];
    lock
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_on_it_is_on_the_smallest_screen() {
        let screen = Area::new(-50, 20, 320, 240);
        let areas = [headline(screen), hint(screen), button(screen)];
        for (index, area) in areas.into_iter().enumerate() {
            assert_eq!(area.overlap(screen), area);
            assert!(areas[index + 1..].iter().all(|other| other.overlap(area).is_empty()), "{index}");
        }
        assert!(SMALL.width(HINT) < screen.w);
    }
}
