//! Several monitors on one screen.

use super::TestDesktop;

impl TestDesktop {
    /// Starts a desktop as [`start`](Self::start) does, whose screen is divided into monitors: each by its name, the
    /// pixels to the left of it and above it, its width and its height. The name of the primary one has a `*` before it,
    /// which is no part of the name. What no monitor shows is not on any display.
    ///
    /// # Panics
    /// When it cannot be started; the line names the program that is missing.
    #[must_use]
    pub fn start_with_monitors(width: u16, height: u16, monitors: &[(&str, u16, u16, u16, u16)]) -> Self {
        let mut desktop = Self::start_server(width, height);
        for (index, (name, left, top, width, height)) in monitors.iter().enumerate() {
            // In millimetres too, at 96 dots an inch.
            let millimetres = |pixels: &u16| u32::from(*pixels) * 254 / 960;
            let place = format!("{width}/{}x{height}/{}+{left}+{top}", millimetres(width), millimetres(height));
            // Without its output, the monitor that the server made by itself goes.
            let output = if index == 0 { "screen" } else { "none" };
            desktop.run("xrandr", &["--setmonitor", name, &place, output]);
        }
        desktop.start_manager();
        desktop
    }
}
