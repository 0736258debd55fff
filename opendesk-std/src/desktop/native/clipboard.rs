//! The clipboard: text, HTML and pictures, one at a time but for HTML with its text.

use std::borrow::Cow;

use arboard::{Clipboard, Error as Fault, ImageData};

use crate::api::{ClipboardContents, ClipboardEntry, Effect, Error, ErrorCode, Result};

const TEXT: &str = "text/plain;charset=utf-8";
const HTML: &str = "text/html";
const PNG: &str = "image/png";

/// Bytes of the largest picture.
const MAX_PIXELS: usize = 256 << 20;

fn failed(error: &Fault) -> Error {
    Error::internal(format!("the clipboard of this machine cannot be used now: {error}"))
}

/// What is there in one form; nothing is no fault.
fn optional<T>(outcome: core::result::Result<T, Fault>) -> Result<Option<T>> {
    match outcome {
        Ok(found) => Ok(Some(found)),
        Err(Fault::ContentNotAvailable | Fault::ConversionFailure) => Ok(None),
        Err(error) => Err(failed(&error)),
    }
}

pub(super) fn read(clipboard: &mut Clipboard) -> Result<ClipboardContents> {
    let mut entries = Vec::new();
    let mut add = |mime_type: &str, data| entries.push(ClipboardEntry { mime_type: mime_type.to_owned(), data });
    if let Some(text) = optional(clipboard.get_text())?.filter(|text| !text.is_empty()) {
        add(TEXT, text.into_bytes());
    }
    if let Some(html) = optional(clipboard.get().html())? {
        add(HTML, html.into_bytes());
    }
    if let Some(picture) = optional(clipboard.get_image())? {
        add(PNG, encode(&picture)?);
    }
    Ok(ClipboardContents { entries })
}

pub(super) fn write(clipboard: &mut Clipboard, contents: &ClipboardContents) -> Result<Effect> {
    let find = |mime_type: &str| contents.entries.iter().find(|entry| entry.mime_type.starts_with(mime_type));
    let text = |entry: &ClipboardEntry| {
        String::from_utf8(entry.data.clone()).map_err(|_| Error::invalid("the text for the clipboard is not UTF-8"))
    };
    let outcome = match (find("text/plain"), find(HTML), find(PNG)) {
        _ if contents.entries.is_empty() => clipboard.clear(),
        (plain, Some(html), None) => clipboard.set_html(text(html)?, plain.map(text).transpose()?),
        (Some(plain), None, None) => clipboard.set_text(text(plain)?),
        (None, None, Some(picture)) => clipboard.set_image(decode(&picture.data)?),
        _ => {
            let message = "this machine's clipboard takes text, HTML with its text, or one PNG; write one of these";
            return Err(Error::new(ErrorCode::CapabilityUnsupported, message));
        }
    };
    outcome.map(|()| Effect::Unverifiable).map_err(|error| failed(&error))
}

fn encode(picture: &ImageData<'_>) -> Result<Vec<u8>> {
    let mut file = Vec::new();
    let (width, height) = (picture.width as u32, picture.height as u32);
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    let written = encoder.write_header().and_then(|mut writer| {
        writer.write_image_data(&picture.bytes)?;
        writer.finish()
    });
    written.map_err(|error| Error::internal(format!("the picture in the clipboard cannot be encoded: {error}")))?;
    Ok(file)
}

fn decode(file: &[u8]) -> Result<ImageData<'static>> {
    let wrong =
        |error: &dyn core::fmt::Display| Error::invalid(format!("the picture for the clipboard is no PNG: {error}"));
    let mut decoder = png::Decoder::new(std::io::Cursor::new(file));
    decoder.set_transformations(png::Transformations::normalize_to_color8() | png::Transformations::ALPHA);
    let mut reader = decoder.read_info().map_err(|error| wrong(&error))?;
    let size = reader.output_buffer_size().ok_or_else(|| wrong(&"it is too large"))?;
    if size > MAX_PIXELS {
        return Err(wrong(&"it is too large"));
    }
    let mut pixels = vec![0; size];
    let info = reader.next_frame(&mut pixels).map_err(|error| wrong(&error))?;
    let rgba = match info.color_type {
        png::ColorType::Rgba => pixels,
        png::ColorType::GrayscaleAlpha => {
            pixels.chunks_exact(2).flat_map(|pixel| [pixel[0], pixel[0], pixel[0], pixel[1]]).collect()
        }
        png::ColorType::Rgb | png::ColorType::Grayscale | png::ColorType::Indexed => {
            return Err(wrong(&"its colours are of an unknown kind"));
        }
    };
    Ok(ImageData { width: info.width as usize, height: info.height as usize, bytes: Cow::Owned(rgba) })
}
