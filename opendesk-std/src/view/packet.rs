//! What viewers are told, as bytes.
//!
//! A packet is the length of its head and of its body, 4 bytes each, most significant first; then the head, a JSON object
//! whose `kind` says what it is; then the body, which only pictures have.

use std::sync::Arc;

use serde_json::{Value, json};

use super::ViewerId;
use super::status::Status;
use crate::api::{PictureFormat, ScreenState, ScreenUpdate};

/// One packet. Clones share its bytes.
#[derive(Clone)]
pub struct Packet(Arc<Vec<u8>>);

impl core::fmt::Debug for Packet {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Packet({} bytes)", self.0.len())
    }
}

impl AsRef<[u8]> for Packet {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Packet {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Nothing new; the viewer is still there, is it not?
    pub(super) fn beat() -> Self {
        Self::of(&json!({"kind": "beat"}), &[])
    }

    /// The first one of each viewer.
    pub(super) fn hello(viewer: ViewerId, name: &str, control: bool) -> Self {
        Self::of(&json!({"kind": "hello", "viewer": viewer.0, "name": name, "control": control}), &[])
    }

    /// How the link to the desktop is.
    pub(super) fn status(status: &Status) -> Self {
        Self::of(&json!({"kind": "status", "link": status.link.word(), "why": status.why}), &[])
    }

    /// Whether this viewer has mouse and keyboard.
    pub(super) fn drives(drives: bool) -> Self {
        Self::of(&json!({"kind": "drives", "you": drives}), &[])
    }

    /// A picture, or what has changed of the last one. `None` when it is in no format that browsers show.
    pub(super) fn picture(update: &ScreenUpdate, shape: u64) -> Option<Self> {
        let mime_type = match update.format {
            PictureFormat::Png => "image/png",
            PictureFormat::Jpeg => "image/jpeg",
            PictureFormat::Webp => "image/webp",
            PictureFormat::RawRgba | PictureFormat::RawRgb => return None,
        };
        let patches = update.patches.iter();
        let places: Vec<Value> =
            patches.map(|patch| json!([patch.x, patch.y, patch.width, patch.height, patch.data.len()])).collect();
        let head = json!({
            "kind": "picture",
            "whole": update.keyframe,
            "shape": shape,
            "width": update.width,
            "height": update.height,
            "screen": word(update.screen),
            "type": mime_type,
            "patches": places,
        });
        let parts: Vec<&[u8]> = update.patches.iter().map(|patch| patch.data.as_slice()).collect();
        Some(Self::of(&head, &parts))
    }

    fn of(head: &Value, parts: &[&[u8]]) -> Self {
        let head = head.to_string();
        let body: usize = parts.iter().map(|part| part.len()).sum();
        let mut bytes = Vec::with_capacity(8 + head.len() + body);
        for length in [head.len(), body] {
            // A picture within the limits of a canvas is far below four gigabytes.
            bytes.extend(u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
        }
        bytes.extend(head.as_bytes());
        parts.iter().for_each(|part| bytes.extend(*part));
        Self(Arc::new(bytes))
    }
}

const fn word(screen: ScreenState) -> &'static str {
    match screen {
        ScreenState::Shown => "shown",
        ScreenState::Blank => "blank",
        ScreenState::Locked => "locked",
        ScreenState::Asleep => "asleep",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Patch;

    #[test]
    fn a_picture_says_where_each_of_its_parts_belongs() {
        let patch = |x, data: &[u8]| Patch { x, y: 2, width: 3, height: 4, data: data.to_vec() };
        let patches = vec![patch(0, b"one"), patch(9, b"three")];
        let update = ScreenUpdate { keyframe: false, width: 20, height: 10, patches, ..ScreenUpdate::default() };
        let packet = Packet::picture(&update, 7).unwrap();
        let (lengths, rest) = packet.as_ref().split_at(8);
        let [head, body] = [0, 4].map(|at| u32::from_be_bytes(lengths[at..at + 4].try_into().unwrap()) as usize);
        let (told, data) = rest.split_at(head);
        assert_eq!((data, body), (&b"onethree"[..], 8));
        let told: Value = serde_json::from_slice(told).unwrap();
        assert_eq!(told["patches"], json!([[0, 2, 3, 4, 3], [9, 2, 3, 4, 5]]));
        assert_eq!((&told["shape"], &told["type"], &told["screen"]), (&json!(7), &json!("image/png"), &json!("shown")));
        let raw = ScreenUpdate { format: PictureFormat::RawRgb, ..update };
        assert!(Packet::picture(&raw, 7).is_none(), "no browser shows it");
    }
}
