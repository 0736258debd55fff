//! What a host can do, as its greeting and `system.capabilities` say it.

use super::form::{Form, Read};
use super::value::{Fields, Value, to_bytes};
use crate::api::Manifest;

/// Every capability that version 1 knows. A controller that is told of another one believes that there is none at all.
pub(crate) const CAPABILITIES: [&str; 33] = [
    "display.capture",
    "display.multi_monitor",
    "display.stream",
    "input.pointer",
    "input.keyboard",
    "input.text",
    "input.pen",
    "input.touch",
    "input.ime",
    "ui.tree",
    "ui.actions",
    "ui.subscribe",
    "windows.list",
    "windows.manipulate",
    "windows.subscribe",
    "app.lifecycle",
    "clipboard.read",
    "clipboard.write",
    "clipboard.multi_mime",
    "fs.read",
    "fs.write",
    "fs.watch",
    "process.list",
    "process.shell",
    "process.spawn",
    "ocr",
    "audio.volume",
    "audio.play",
    "audio.stream",
    "power.lock",
    "power.sleep",
    "notifications.list",
    "notifications.subscribe",
];

/// Where a host says, in a place that others ignore, that it speaks a newer version too.
const EXTENSION: &str = "x-opendesk";
const NEWEST_WIRE: i64 = 2;

/// Encodes the capabilities of a version 1 host's HELLO: its manifest, and what its owner wrote about it.
#[must_use]
pub fn manifest_v1(manifest: &Manifest, description: &str) -> Vec<u8> {
    // A map of texts and numbers always has an encoding.
    to_bytes(&described(manifest, description)).unwrap_or_default()
}

/// What the capabilities of a version 1 host's HELLO say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Described {
    /// What it can do.
    pub manifest: Manifest,
    /// What its owner wrote about it.
    pub description: String,
    /// The newest version of the wire that it speaks, if it says so.
    pub newest_wire: Option<u8>,
}

/// Decodes the capabilities of a version 1 host's HELLO. What does not decode is empty, as it is for every controller of
/// version 1.
#[must_use]
pub fn read_manifest_v1(bytes: &[u8]) -> Described {
    let Ok(mut fields) = Value::parse(bytes).and_then(Fields::of) else { return Described::default() };
    let description = fields.or("description", String::new()).unwrap_or_default();
    let extension = fields.take("limits").and_then(|limits| Fields::of(limits).ok()?.take(EXTENSION));
    let newest = extension.and_then(|extension| Fields::of(extension).ok()?.need::<u32>("wire").ok());
    let newest_wire = newest.and_then(|wire| u8::try_from(wire).ok());
    Described { manifest: manifest(&mut fields), description, newest_wire }
}

impl Form for Manifest {
    fn from_value(value: Value<'_>) -> Read<Self> {
        Ok(manifest(&mut Fields::of(value)?))
    }

    fn to_value(&self) -> Value<'_> {
        described(self, "")
    }
}

fn described<'a>(manifest: &'a Manifest, description: &'a str) -> Value<'a> {
    let known = manifest.capabilities.iter().filter(|name| CAPABILITIES.contains(&name.as_str()));
    let streams = manifest.capabilities.iter().any(|name| name == "display.stream");
    let fastest = Value::map([("max_fps", Value::Int(i64::from(super::picture::MAX_FPS)))]);
    let mut limits = vec![(EXTENSION, Value::map([("wire", Value::Int(NEWEST_WIRE))]))];
    if streams {
        limits.push(("display.stream", fastest));
    }
    Value::map([
        ("capabilities", Value::List(known.map(Form::to_value).collect())),
        ("limits", Value::Map(limits)),
        ("protocol_version", Value::Str("0.1")),
        ("backend", manifest.backend.to_value()),
        ("description", Value::Str(description)),
    ])
}

/// What is told, of any version: what a later one adds is no reason to believe nothing.
fn manifest(fields: &mut Fields<'_>) -> Manifest {
    let mut capabilities: Vec<String> = match fields.take("capabilities") {
        Some(Value::List(names)) => names.into_iter().filter_map(|name| String::from_value(name).ok()).collect(),
        _ => Vec::new(),
    };
    capabilities.sort_unstable();
    Manifest { capabilities, backend: fields.or("backend", String::new()).unwrap_or_default() }
}
