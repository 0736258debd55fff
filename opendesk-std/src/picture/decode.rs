//! What another machine calls a picture to pixels. It may be anything: what is given back has the size that was said,
//! and the size of what is decoded is known before memory is taken for it.

use std::borrow::Cow;
use std::io::Cursor;
use std::panic::catch_unwind;

use image::codecs::jpeg::JpegDecoder;
use image::codecs::webp::WebPDecoder;
use image::{ColorType, ImageDecoder};
use png::{BitDepth, Decoder, Limits, Transformations};

use crate::api::PictureFormat;

/// What a PNG's parts other than its pixels may take.
const PNG_BYTES: usize = 1024 * 1024;

/// What a lossless WebP of noise needs beside its pixels.
const WEBP_TABLES: usize = 4096;

/// Red, green, blue of a picture of exactly this size; `None` for anything else. What is transparent counts as opaque.
///
/// Beside the result, decoding takes at most some 8 bytes a pixel, and 300 times the data of a WebP.
pub(super) fn rgb(data: &[u8], format: PictureFormat, width: u32, height: u32) -> Option<Vec<u8>> {
    let pixels = usize::try_from(u64::from(width) * u64::from(height)).ok()?;
    match format {
        PictureFormat::RawRgb => to_rgb(Cow::Borrowed(data), 3, pixels),
        PictureFormat::RawRgba => to_rgb(Cow::Borrowed(data), 4, pixels),
        PictureFormat::Png | PictureFormat::Webp | PictureFormat::Jpeg => {
            // The decoders are written by others and promise to refuse what they cannot read. Should one of them fail
            // to, it is the picture that is refused.
            let decoded = catch_unwind(|| match format {
                PictureFormat::Webp => webp(data, width, height),
                PictureFormat::Jpeg => decoded(JpegDecoder::new(Cursor::new(data)).ok()?, width, height),
                _ => png(data, width, height),
            });
            let (bytes, channels) = decoded.ok().flatten()?;
            to_rgb(Cow::Owned(bytes), channels, pixels)
        }
    }
}

/// Bytes and how many of them are a pixel.
type Decoded = Option<(Vec<u8>, usize)>;

fn png(data: &[u8], width: u32, height: u32) -> Decoded {
    let mut decoder = Decoder::new_with_limits(Cursor::new(data), Limits { bytes: PNG_BYTES });
    decoder.set_transformations(Transformations::normalize_to_color8());
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    if decoder.read_header_info().ok()?.size() != (width, height) {
        return None;
    }
    let mut reader = decoder.read_info().ok()?;
    let mut pixels = vec![0; reader.output_buffer_size()?];
    let frame = reader.next_frame(&mut pixels).ok()?;
    let is_whole = (frame.width, frame.height, frame.bit_depth) == (width, height, BitDepth::Eight);
    is_whole.then_some((pixels, frame.color_type.samples()))
}

/// Only what is lossless and has one part: no host sends others, and they would be three more decoders to trust. A
/// file that is longer than its pixels is refused, because its tables are what takes most memory: some 300 times
/// their own length.
fn webp(data: &[u8], width: u32, height: u32) -> Decoded {
    let pixels = usize::try_from(u64::from(width) * u64::from(height)).ok()?;
    let most = pixels.checked_mul(4)?.checked_add(WEBP_TABLES)?;
    if data.len() > most || data.get(12..16)? != b"VP8L" {
        return None;
    }
    decoded(WebPDecoder::new(Cursor::new(data)).ok()?, width, height)
}

fn decoded(decoder: impl ImageDecoder, width: u32, height: u32) -> Decoded {
    if decoder.dimensions() != (width, height) {
        return None;
    }
    let channels = match decoder.color_type() {
        ColorType::L8 => 1,
        ColorType::Rgb8 => 3,
        ColorType::Rgba8 => 4,
        _ => return None,
    };
    let mut pixels = vec![0; usize::try_from(decoder.total_bytes()).ok()?];
    decoder.read_image(&mut pixels).ok()?;
    Some((pixels, channels))
}

/// Grey, grey and alpha, colour, or colour and alpha to colour; `None` for another number of bytes.
fn to_rgb(bytes: Cow<'_, [u8]>, channels: usize, pixels: usize) -> Option<Vec<u8>> {
    if channels == 0 || pixels == 0 || bytes.len() != pixels.checked_mul(channels)? {
        return None;
    }
    if channels == 3 {
        return Some(bytes.into_owned());
    }
    let mut rgb = Vec::with_capacity(3 * pixels);
    for pixel in bytes.chunks_exact(channels) {
        let colour = if channels < 3 { [pixel[0]; 3] } else { [pixel[0], pixel[1], pixel[2]] };
        rgb.extend_from_slice(&colour);
    }
    Some(rgb)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::encode;

    const FORMATS: [PictureFormat; 5] =
        [PictureFormat::Png, PictureFormat::Webp, PictureFormat::Jpeg, PictureFormat::RawRgb, PictureFormat::RawRgba];

    fn picture(format: PictureFormat) -> Vec<u8> {
        let bgrx = (0..4 * 20 * 10_u32).map(|index| (index.wrapping_mul(0x9e37_79b1) >> 24) as u8).collect();
        encode::encode(bgrx, 20, 10, format).unwrap()
    }

    #[test]
    fn a_size_that_is_not_the_pictures_own_is_refused() {
        for format in FORMATS {
            let data = picture(format);
            assert_eq!(rgb(&data, format, 20, 10).map(|rgb| rgb.len()), Some(600), "{format:?}");
            let is_raw = matches!(format, PictureFormat::RawRgb | PictureFormat::RawRgba);
            // Raw pixels say nothing of their rows.
            assert_eq!(rgb(&data, format, 10, 20).is_some(), is_raw, "{format:?}");
            for (width, height) in [(20, 9), (21, 10), (0, 0), (0, 10), (16_384, 16_384), (u32::MAX, u32::MAX)] {
                assert_eq!(rgb(&data, format, width, height), None, "{format:?} {width}×{height}");
            }
        }
    }

    #[test]
    fn one_format_is_not_taken_for_another() {
        for (is, said) in FORMATS.into_iter().flat_map(|is| FORMATS.map(|said| (is, said))) {
            assert_eq!(rgb(&picture(is), said, 20, 10).is_some(), is == said, "{is:?} said to be {said:?}");
        }
    }

    #[test]
    fn damage_is_refused_or_decoded_but_never_more_than_that() {
        for format in [PictureFormat::Png, PictureFormat::Webp, PictureFormat::Jpeg] {
            let whole = picture(format);
            for end in 0..whole.len() {
                let rest = rgb(&whole[..end], format, 20, 10);
                assert!(rest.is_none_or(|rgb| rgb.len() == 600), "{format:?} {end}");
            }
            for index in 0..whole.len() {
                let mut damaged = whole.clone();
                damaged[index] ^= 1 << (index % 8);
                assert!(rgb(&damaged, format, 20, 10).is_none_or(|rgb| rgb.len() == 600), "{format:?} {index}");
            }
        }
        let whole = picture(PictureFormat::Png);
        assert_eq!(rgb(&whole[..whole.len() / 2], PictureFormat::Png, 20, 10), None);
    }

    #[test]
    fn grey_and_transparent_pictures_are_read_too() {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, 2, 1);
        encoder.set_color(png::ColorType::GrayscaleAlpha);
        encoder.set_depth(BitDepth::Eight);
        encoder.write_header().unwrap().write_image_data(&[7, 0, 9, 255]).unwrap();
        assert_eq!(rgb(&file, PictureFormat::Png, 2, 1).unwrap(), [7, 7, 7, 9, 9, 9]);
        assert_eq!(rgb(&[1, 2, 3, 0, 4, 5, 6, 255], PictureFormat::RawRgba, 2, 1).unwrap(), [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn a_webp_of_several_parts_is_refused() {
        let mut extended = picture(PictureFormat::Webp);
        extended[12..16].copy_from_slice(b"VP8X");
        assert_eq!(rgb(&extended, PictureFormat::Webp, 20, 10), None);
        let mut long = picture(PictureFormat::Webp);
        long.resize(4 * 200 + WEBP_TABLES + 1, 0);
        assert_eq!(rgb(&long, PictureFormat::Webp, 20, 10), None);
    }
}
