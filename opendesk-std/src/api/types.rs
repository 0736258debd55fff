//! The values that methods take and give, the same in every wire version
//! (their field names are those of the version 1 wire, docs/PROTOCOL.md).

use serde::{Deserialize, Serialize};

use super::few::few;

/// A place on the desktop in logical pixels; the origin is the desktop's own and may lie inside it,
/// so coordinates can be negative.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Point {
    /// Pixels to the right of the origin.
    pub x: f64,
    /// Pixels below the origin.
    pub y: f64,
}

impl Point {
    /// A point from its two coordinates.
    #[must_use]
    pub const fn new(x: f64, y: f64) -> Self {
        Self { x, y }
    }
}

/// An upright rectangle in logical pixels.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Rect {
    /// Left edge.
    pub x: f64,
    /// Top edge.
    pub y: f64,
    /// Extent to the right.
    pub width: f64,
    /// Extent downwards.
    pub height: f64,
}

impl Rect {
    /// A rectangle from its top-left corner and its size.
    #[must_use]
    pub const fn new(x: f64, y: f64, width: f64, height: f64) -> Self {
        Self { x, y, width, height }
    }

    /// Whether the point lies inside: left and top edges belong to the rectangle, right and bottom do not.
    #[must_use]
    pub fn contains(&self, point: Point) -> bool {
        point.x >= self.x && point.y >= self.y && point.x < self.x + self.width && point.y < self.y + self.height
    }

    /// The middle of the rectangle.
    #[must_use]
    pub fn center(&self) -> Point {
        Point::new(self.x + self.width / 2.0, self.y + self.height / 2.0)
    }
}

/// One monitor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Display {
    /// The name that `display.capture` takes.
    pub id: String,
    /// Where it lies on the desktop, in logical pixels.
    pub bounds: Rect,
    /// Device pixels per logical pixel.
    pub scale_factor: f64,
    /// Whether it is the one with the desktop's panel.
    pub primary: bool,
    /// What a person would call it, such as a connector's name.
    pub name: Option<String>,
}

/// A mouse button.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Button {
    /// The main button.
    Left,
    /// The context-menu button.
    Right,
    /// The wheel, pressed.
    Middle,
    /// The "back" thumb button.
    X1,
    /// The "forward" thumb button.
    X2,
}

/// A key that is held while something else happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Modifier {
    /// Shift.
    Shift,
    /// Control.
    Ctrl,
    /// Alt (Option).
    Alt,
    /// Super (Windows, Command).
    Meta,
    /// Fn; no desktop lets a program press it.
    Fn,
    /// Caps Lock.
    CapsLock,
}

/// What a [`PointerEvent`] does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PointerAction {
    /// Moves to `point`.
    Move,
    /// Moves to `point` and presses `button`.
    Down,
    /// Moves to `point` and releases `button`.
    Up,
    /// Moves to `point` and turns the wheel by `dx`, `dy`.
    Scroll,
}

/// One event of the mouse.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PointerEvent {
    /// What happens.
    pub action: PointerAction,
    /// Where, in logical pixels.
    pub point: Point,
    /// The button of `down` and `up`; left when absent.
    pub button: Option<Button>,
    /// Keys held during the event; those not held already are pressed and released around it.
    pub modifiers: Vec<Modifier>,
    /// Wheel clicks to the right.
    pub dx: f64,
    /// Wheel clicks upwards.
    pub dy: f64,
}

/// Whether a key or a button goes down or comes up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Press {
    /// Goes down and stays down.
    Down,
    /// Comes up.
    Up,
}

/// One event of the keyboard.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct KeyEvent {
    /// Down or up.
    pub action: Press,
    /// The key's name in any common spelling (`crate::desktop::Key`).
    pub keysym: String,
    /// Keys held during the event; those not held already are pressed and released around it.
    pub modifiers: Vec<Modifier>,
}

/// What a person does at the machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum InputEvent {
    /// With the keyboard.
    Key(KeyEvent),
    /// With the mouse.
    Pointer(PointerEvent),
}

/// Text to be typed as if by a person.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextInput {
    /// The text; `\n` is Return and `\t` is Tab.
    pub text: String,
    /// Pause after each character, in milliseconds; 0 is as fast as the desktop takes it.
    pub interval_ms: u32,
}

impl Effect {
    /// What two actions that belong together are known to have done: the less of the two.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::NoEffect, _) | (_, Self::NoEffect) => Self::NoEffect,
            (Self::Unverifiable, _) | (_, Self::Unverifiable) => Self::Unverifiable,
            (Self::Confirmed, Self::Confirmed) => Self::Confirmed,
        }
    }
}

/// How a picture is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PictureFormat {
    /// PNG, 8-bit RGB.
    #[default]
    Png,
    /// Four bytes a pixel, red first, rows from the top, no padding.
    RawRgba,
    /// JPEG.
    Jpeg,
    /// Three bytes a pixel, red first, rows from the top, no padding.
    RawRgb,
    /// WebP, lossless.
    Webp,
}

/// What limits a picture's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PictureProfile {
    /// Longest edge at most 1568 pixels and at most 1568 patches of 28×28 pixels.
    #[default]
    Claude,
    /// The device's own pixels.
    Native,
    /// Longest edge at most 2576 pixels and at most 4784 patches of 28×28 pixels.
    ClaudeHires,
    /// At most 1600×900 pixels, or 900×1600.
    Openai,
}

/// What the person at the machine sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScreenState {
    /// The desktop.
    #[default]
    Shown,
    /// One colour and nothing else: a desktop that shows nothing, or one that cannot be captured.
    Blank,
    /// A lock screen; what is typed goes to it.
    Locked,
    /// Nothing: the screen is switched off to save power. Input wakes it.
    Asleep,
}

/// What an action is known to have done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The desktop's own state was read back and is as it was asked to be.
    Confirmed,
    /// It was delivered; nothing that is cheap to ask says what came of it.
    #[default]
    Unverifiable,
    /// The desktop's own state was read back and is not as it was asked to be.
    NoEffect,
}

/// What `display.capture` takes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CaptureParams {
    /// One display; absent is the whole desktop.
    pub display_id: Option<String>,
    /// A part of the desktop in logical pixels; it must lie within what is captured.
    pub region: Option<Rect>,
    /// One window by its id, also what other windows cover of it.
    pub window_id: Option<String>,
    /// How the picture is scaled down.
    pub profile: PictureProfile,
    /// How it is encoded.
    pub format: PictureFormat,
    /// Whether the mouse pointer is drawn into it.
    pub cursor: bool,
    /// The most bytes the encoded picture may have. A picture that would have more becomes a JPEG, and then a smaller
    /// one.
    pub max_bytes: Option<u32>,
    /// A picture that was taken before, by its [`shot_id`](Picture::shot_id): if nothing has changed since, the answer
    /// is [`unchanged`](Picture::unchanged) and holds no picture.
    pub unless_shot: Option<u64>,
}

/// What `display.subscribe` takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SubscribeParams {
    /// What is shown, and how.
    pub capture: CaptureParams,
    /// Pictures a second at most, 1 to 60.
    pub fps: u32,
}

impl Default for SubscribeParams {
    fn default() -> Self {
        Self { capture: CaptureParams::default(), fps: 30 }
    }
}

/// A picture of the desktop.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    /// The encoding of `data`.
    pub format: PictureFormat,
    /// Width of the picture in its own pixels.
    pub width: u32,
    /// Height of the picture in its own pixels.
    pub height: u32,
    /// The part of the desktop that it shows, in logical pixels.
    pub area: Rect,
    /// The display that was asked for.
    pub display_id: Option<String>,
    /// When it was taken, in seconds since 1970.
    pub captured_at: f64,
    /// Names the picture while the host runs; 0 is no name.
    pub shot_id: u64,
    /// What the person at the machine sees.
    pub screen: ScreenState,
    /// Whether nothing has changed since the picture that the controller has; `data` is empty then.
    pub unchanged: bool,
    /// The encoded picture.
    #[serde(with = "serde_bytes")]
    pub data: Vec<u8>,
}

/// What a stream of pictures sends: a whole picture first, then the parts of it that have changed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ScreenUpdate {
    /// Whether the patches cover the whole picture; otherwise it is as it was where they are not.
    pub keyframe: bool,
    /// The encoding of every patch.
    pub format: PictureFormat,
    /// Width of the whole picture in its own pixels.
    pub width: u32,
    /// Height of the whole picture in its own pixels.
    pub height: u32,
    /// The part of the desktop that the whole picture shows, in logical pixels.
    pub area: Rect,
    /// The display that was asked for.
    pub display_id: Option<String>,
    /// When it was taken, in seconds since 1970.
    pub captured_at: f64,
    /// What the person at the machine sees.
    pub screen: ScreenState,
    /// The parts, none of which overlap, at most 256.
    #[serde(deserialize_with = "few::<256, _, _>")]
    pub patches: Vec<Patch>,
}

impl From<Picture> for ScreenUpdate {
    /// All of a picture, as a stream sends it.
    fn from(picture: Picture) -> Self {
        let Picture { format, width, height, area, display_id, captured_at, screen, data, .. } = picture;
        let patches = vec![Patch { x: 0, y: 0, width, height, data }];
        Self { keyframe: true, format, width, height, area, display_id, captured_at, screen, patches }
    }
}

/// A part of a picture.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Patch {
    /// Pixels of the picture to the left of it.
    pub x: u32,
    /// Pixels of the picture above it.
    pub y: u32,
    /// Its width in pixels of the picture.
    pub width: u32,
    /// Its height in pixels of the picture.
    pub height: u32,
    /// Its encoded pixels.
    #[serde(with = "serde_bytes")]
    pub data: Vec<u8>,
}

impl core::fmt::Debug for Patch {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { x, y, width, height, data } = self;
        write!(f, "Patch({width}x{height} at {x},{y}, {} bytes)", data.len())
    }
}

impl core::fmt::Debug for Picture {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Picture")
            .field("format", &self.format)
            .field("width", &self.width)
            .field("height", &self.height)
            .field("area", &self.area)
            .field("bytes", &self.data.len())
            .finish_non_exhaustive()
    }
}

// What people type and copy is often secret: it is not for logs, of which no more than its size is.
impl core::fmt::Debug for KeyEvent {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { action, keysym, modifiers } = self;
        f.debug_struct("KeyEvent")
            .field("action", action)
            .field("keysym_bytes", &keysym.len())
            .field("modifiers", modifiers)
            .finish()
    }
}

impl core::fmt::Debug for TextInput {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { text, interval_ms } = self;
        f.debug_struct("TextInput").field("text_bytes", &text.len()).field("interval_ms", interval_ms).finish()
    }
}

impl core::fmt::Debug for ClipboardEntry {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { mime_type, data } = self;
        f.debug_struct("ClipboardEntry").field("mime_type", mime_type).field("data_bytes", &data.len()).finish()
    }
}

/// One form of what the clipboard holds.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClipboardEntry {
    /// Its MIME type.
    pub mime_type: String,
    /// Its bytes.
    #[serde(with = "serde_bytes")]
    pub data: Vec<u8>,
}

/// What the clipboard holds: the same content in one or several forms; no entry is an empty clipboard.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClipboardContents {
    /// The forms, best first, at most 16.
    #[serde(deserialize_with = "few::<16, _, _>")]
    pub entries: Vec<ClipboardEntry>,
}

/// What the machine is.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Environment {
    /// `Linux`, `Darwin` or `Windows`.
    pub os: String,
    /// The kernel's release.
    pub os_version: String,
    /// The machine's name on its network.
    pub hostname: String,
    /// Its displays.
    pub displays: Vec<Display>,
    /// Its language and country, like `en_US`; empty when unknown.
    pub locale: String,
    /// Its time zone; empty when unknown.
    pub timezone: String,
}

/// What a host can do. Only what was probed to work is listed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Manifest {
    /// Names of the closed list of docs/PROTOCOL.md, sorted.
    pub capabilities: Vec<String>,
    /// `local/x11`, `local/virtual`…
    pub backend: String,
}

impl TextInput {
    /// All the pauses together.
    #[must_use]
    pub fn pauses(&self) -> core::time::Duration {
        let characters = u32::try_from(self.text.chars().count()).unwrap_or(u32::MAX);
        core::time::Duration::from_millis(self.interval_ms.into()).saturating_mul(characters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_and_copied_is_not_for_logs() {
        let key = KeyEvent { action: Press::Down, keysym: "hunter2".to_owned(), modifiers: vec![Modifier::Shift] };
        assert_eq!(format!("{key:?}"), "KeyEvent { action: Down, keysym_bytes: 7, modifiers: [Shift] }");
        let text = TextInput { text: "hunter2".to_owned(), interval_ms: 5 };
        assert_eq!(format!("{text:?}"), "TextInput { text_bytes: 7, interval_ms: 5 }");
        let entry = ClipboardEntry { mime_type: "text/plain".to_owned(), data: b"hunter2".to_vec() };
        let contents = ClipboardContents { entries: vec![entry] };
        let written = format!("{contents:?}");
        assert!(written.contains("ClipboardEntry { mime_type: \"text/plain\", data_bytes: 7 }"), "{written}");
    }
}
