//! What surrounds the windows' contents: the background, title bars and the panel.

use super::apps::App;
use super::geometry::Area;
use super::paint::{Canvas, Corners};
use super::text::{Align, BODY, BOLD, SMALL};
use super::theme::{
    ACCENT, BORDER_ACTIVE, BORDER_IDLE, CLOSE, GROUND, ON_ACCENT, PANEL, PANEL_BACK, PANEL_DIM, PANEL_EDGE, PANEL_TEXT,
    SKY, TASK_ACTIVE, TASK_OPEN, TITLE, TITLE_IDLE, TITLE_IDLE_TEXT, WARNING, WORDMARK,
};

/// The least width a window gets while both fit side by side.
const NARROWEST: i32 = 280;
/// The size of the Controls window where there is room.
const CONTROLS: (i32, i32) = (424, 290);
/// The size of the Notes window where there is room.
const NOTES: (i32, i32) = (720, 560);
/// A screen at least this wide has the panel's words beside its buttons.
const ROOMY: i32 = 560;
/// The panel's first words.
const BRAND: &str = "opendesk";

/// What a window shows of its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Active,
    Idle,
    /// Of a panel's button only.
    Closed,
}

/// The screen without its panel.
pub(super) const fn work_area(screen: Area) -> Area {
    Area::new(screen.x, screen.y, screen.w, screen.h - PANEL)
}

pub(super) const fn panel(screen: Area) -> Area {
    Area::new(screen.x, screen.bottom() - PANEL, screen.w, PANEL)
}

/// The panel's button for an app.
pub(super) fn task_button(screen: Area, app: App) -> Area {
    let panel = panel(screen);
    let start = if screen.w < ROOMY { 8 } else { BOLD.width(BRAND) + 44 };
    let width = ((screen.w - start) / 2 - 8).min(150);
    Area::new(panel.x + start + app.index() as i32 * (width + 8), panel.y + 5, width, PANEL - 9)
}

pub(super) const fn title_bar(window: Area) -> Area {
    Area::new(window.x + 1, window.y + 1, window.w - 2, TITLE)
}

/// What a window's own content fills.
pub(super) const fn client(window: Area) -> Area {
    Area::new(window.x + 1, window.y + 1 + TITLE, window.w - 2, window.h - 2 - TITLE)
}

pub(super) const fn close_button(window: Area) -> Area {
    let bar = title_bar(window);
    let margin = (TITLE - CLOSE) / 2;
    Area::new(bar.right() - margin - CLOSE, bar.y + margin, CLOSE, CLOSE)
}

/// Where the windows of [`App::ALL`] stand at first: side by side, or one over the other where there is no room.
pub(super) fn arrange(screen: Area) -> [Area; 2] {
    let work = work_area(screen);
    let (gap, top) = (work.w / 32, work.h / 20);
    let usable = work.w - 3 * gap;
    let controls_height = CONTROLS.1.min(work.h);
    if usable < 2 * NARROWEST {
        let notes = Area::new(work.x, work.y, NOTES.0.min(work.w * 7 / 8), NOTES.1.min(work.h * 7 / 8));
        let controls_width = CONTROLS.0.min(work.w);
        let (x, y) = (work.right() - controls_width, work.bottom() - controls_height);
        return [notes, Area::new(x, y, controls_width, controls_height)];
    }
    let controls_width = (usable * 37 / 100).clamp(NARROWEST, CONTROLS.0);
    let notes =
        Area::new(work.x + gap, work.y + top, NOTES.0.min(usable - controls_width), NOTES.1.min(work.h - 2 * top));
    let y = work.y + top.min(work.h - controls_height);
    [notes, Area::new(notes.right() + gap, y, controls_width, controls_height)]
}

pub(super) fn paint_background(canvas: &mut Canvas, screen: Area) {
    canvas.gradient(screen, SKY, GROUND);
    let work = work_area(screen);
    let words = Area::new(work.x + 16, work.bottom() - 32, work.w - 32, BODY.line());
    canvas.text(words, Align::Right, &format!("{BRAND} {}\u{d7}{}", screen.w, screen.h), BODY, WORDMARK);
}

/// Draws a window's border, shadow and title bar.
pub(super) fn paint_window(canvas: &mut Canvas, window: Area, title: &str, look: Look, close_down: bool) {
    let active = look == Look::Active;
    canvas.shadow(window, if active { 14 } else { 8 }, if active { 90 } else { 60 });
    canvas.round(window, 8, Corners::Top, if active { BORDER_ACTIVE } else { BORDER_IDLE });
    let bar = title_bar(window);
    canvas.round(bar, 7, Corners::Top, if active { ACCENT } else { TITLE_IDLE });
    let text = if active { ON_ACCENT } else { TITLE_IDLE_TEXT };
    let close = close_button(window);
    canvas.text(Area::new(bar.x + 12, bar.y, close.x - bar.x - 20, bar.h), Align::Left, title, BOLD, text);
    let (face, mark) = match (close_down, active) {
        (true, _) => (WARNING, ON_ACCENT),
        (false, true) => (BORDER_ACTIVE, ON_ACCENT),
        (false, false) => (BORDER_IDLE, TITLE_IDLE),
    };
    canvas.round(close, 4, Corners::All, face);
    canvas.text(close, Align::Center, "\u{d7}", BOLD, mark);
}

/// Draws the panel with the state of every app, and whether Caps Lock is on.
pub(super) fn paint_panel(canvas: &mut Canvas, screen: Area, looks: [Look; 2], caps_lock: bool) {
    let panel = panel(screen);
    canvas.fill(panel, PANEL_BACK);
    canvas.fill(Area::new(panel.x, panel.y, panel.w, 1), PANEL_EDGE);
    for (app, look) in App::ALL.into_iter().zip(looks) {
        paint_task(canvas, task_button(screen, app), app.title(), look);
    }
    if screen.w >= ROOMY {
        let brand = Area::new(panel.x + 8, panel.y + 5, BOLD.width(BRAND) + 20, PANEL - 9);
        canvas.round(brand, 5, Corners::All, ACCENT);
        canvas.text(brand, Align::Center, BRAND, BOLD, ON_ACCENT);
        let words = if caps_lock { "CAPS LOCK" } else { "US keyboard" };
        let corner = Area::new(panel.right() - 104, panel.y, 92, panel.h);
        canvas.text(corner, Align::Right, words, SMALL, if caps_lock { PANEL_TEXT } else { PANEL_DIM });
    }
}

fn paint_task(canvas: &mut Canvas, button: Area, title: &str, look: Look) {
    let (edge, face, text) = match look {
        Look::Active => (TASK_ACTIVE, TASK_ACTIVE, PANEL_TEXT),
        Look::Idle => (TASK_OPEN, TASK_OPEN, PANEL_TEXT),
        Look::Closed => (PANEL_EDGE, PANEL_BACK, PANEL_DIM),
    };
    canvas.round(button, 5, Corners::All, edge);
    canvas.round(button.grown(-1), 4, Corners::All, face);
    canvas.text(button, Align::Center, title, BODY, text);
    if look == Look::Active {
        canvas.fill(Area::new(button.x + 8, button.bottom() - 3, button.w - 16, 3), ACCENT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_start_within_the_screen() {
        for (w, h) in [(320, 240), (640, 480), (800, 600), (1024, 768), (1280, 800), (1920, 1080), (320, 8192)] {
            let screen = Area::new(-7, 40, w, h);
            for window in arrange(screen) {
                assert_eq!(window.overlap(work_area(screen)), window, "{w}x{h}");
                assert!(window.w >= NARROWEST && client(window).h >= 146, "{w}x{h}: {window:?}");
            }
            for app in App::ALL {
                assert_eq!(task_button(screen, app).overlap(panel(screen)), task_button(screen, app), "{w}x{h}");
            }
        }
    }

    #[test]
    fn both_windows_are_fully_visible_where_there_is_room() {
        for (w, h) in [(1280, 800), (1024, 768), (800, 600), (1920, 1080)] {
            let [notes, controls] = arrange(Area::new(0, 0, w, h));
            assert!(notes.overlap(controls).is_empty(), "{w}x{h}");
        }
    }

    #[test]
    fn the_close_button_is_in_the_title_bar() {
        let window = Area::new(30, 40, 300, 200);
        assert_eq!(close_button(window).overlap(title_bar(window)), close_button(window));
        assert!(client(window).overlap(title_bar(window)).is_empty());
    }
}
