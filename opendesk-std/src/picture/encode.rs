//! Pixels of a desktop to bytes that others can read.

use core::fmt::Display;

use image::ExtendedColorType;
use image::codecs::webp::WebPEncoder;
use png::{BitDepth, ColorType, Compression, Encoder, EncodingError};

use super::jpeg::{Unmade, jpeg};
use crate::api::{Error, ErrorCode, PictureFormat, Result};

/// Of a JPEG that nobody limits: text keeps its edges.
pub(super) const QUALITY: u8 = 85;

/// What the format's own fields of 14 bits hold, less one that its decoders disagree about.
const WEBP_EDGE: u32 = 16_383;

/// Blue, green, red, unused to a picture in this format.
pub(super) fn encode(bgrx: Vec<u8>, width: u32, height: u32, format: PictureFormat) -> Result<Vec<u8>> {
    match format {
        PictureFormat::Png => png(&rgb(bgrx), width, height),
        PictureFormat::Webp => webp(&rgb(bgrx), width, height),
        PictureFormat::RawRgba => Ok(rgba(bgrx)),
        PictureFormat::RawRgb => Ok(rgb(bgrx)),
        PictureFormat::Jpeg => jpeg(&rgb(bgrx), width, height, QUALITY, usize::MAX).map_err(|unmade| match unmade {
            Unmade::Failed(error) => error,
            Unmade::TooLarge { .. } => failed("JPEG", width, height, &"it does not fit into memory"),
        }),
    }
}

/// Red, green, blue to an 8-bit RGB PNG.
///
/// `Fast` filters each row adaptively and compresses a 1456×819 desktop in some 4 ms; the next better level takes ten
/// times as long for three quarters of the bytes.
pub(super) fn png(rgb: &[u8], width: u32, height: u32) -> Result<Vec<u8>> {
    check("PNG", rgb, width, height, u32::MAX)?;
    let mut file = Vec::with_capacity(rgb.len() / 8);
    write_png(&mut file, rgb, width, height).map_err(|error| failed("PNG", width, height, &error))?;
    Ok(file)
}

fn write_png(file: &mut Vec<u8>, rgb: &[u8], width: u32, height: u32) -> core::result::Result<(), EncodingError> {
    let mut encoder = Encoder::new(file, width, height);
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::Fast);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(rgb)?;
    writer.finish()
}

/// Red, green, blue to a lossless WebP.
pub(super) fn webp(rgb: &[u8], width: u32, height: u32) -> Result<Vec<u8>> {
    check("WebP", rgb, width, height, WEBP_EDGE)?;
    let mut file = Vec::with_capacity(rgb.len() / 8);
    WebPEncoder::new_lossless(&mut file)
        .encode(rgb, width, height, ExtendedColorType::Rgb8)
        .map_err(|error| failed("WebP", width, height, &error))?;
    Ok(file)
}

/// The encoders panic where the pixels are not as many as they were told.
pub(super) fn check(kind: &str, rgb: &[u8], width: u32, height: u32, edge: u32) -> Result<()> {
    let expected = u128::from(width) * u128::from(height) * 3;
    if expected == 0 || rgb.len() as u128 != expected {
        return Err(failed(kind, width, height, &format_args!("there are {} bytes of them", rgb.len())));
    }
    if width.max(height) > edge {
        let message = format!(
            "a {kind} has at most {edge} pixels a side and the picture has {width}×{height}; \
             ask for png, or for a region"
        );
        return Err(Error::new(ErrorCode::LimitExceeded, message));
    }
    Ok(())
}

pub(super) fn failed(kind: &str, width: u32, height: u32, why: &dyn Display) -> Error {
    Error::internal(format!("cannot encode a {kind} of {width}×{height} pixels: {why}"))
}

/// Blue, green, red, unused to red, green, blue, opaque.
pub(super) fn rgba(mut pixels: Vec<u8>) -> Vec<u8> {
    for pixel in pixels.chunks_exact_mut(4) {
        pixel.swap(0, 2);
        pixel[3] = 255;
    }
    pixels
}

/// Blue, green, red, unused to red, green, blue.
pub(super) fn rgb(mut pixels: Vec<u8>) -> Vec<u8> {
    let count = pixels.len() / 4;
    for index in 0..count {
        let pixel = [pixels[4 * index + 2], pixels[4 * index + 1], pixels[4 * index]];
        pixels[3 * index..3 * index + 3].copy_from_slice(&pixel);
    }
    pixels.truncate(3 * count);
    pixels
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::{decode, jpeg};

    const FORMATS: [PictureFormat; 3] = [PictureFormat::Png, PictureFormat::Webp, PictureFormat::Jpeg];

    #[test]
    fn the_channels_are_in_their_places() {
        let bgrx = vec![1, 2, 3, 4, 5, 6, 7, 8];
        assert_eq!(encode(bgrx.clone(), 2, 1, PictureFormat::RawRgba).unwrap(), [3, 2, 1, 255, 7, 6, 5, 255]);
        assert_eq!(encode(bgrx.clone(), 2, 1, PictureFormat::RawRgb).unwrap(), [3, 2, 1, 7, 6, 5]);
        for format in [PictureFormat::Png, PictureFormat::Webp] {
            let file = encode(bgrx.clone(), 2, 1, format).unwrap();
            assert_eq!(decode::rgb(&file, format, 2, 1).unwrap(), [3, 2, 1, 7, 6, 5], "{format:?}");
        }
    }

    #[test]
    fn each_format_is_what_it_is_called() {
        let starts: [(PictureFormat, &[u8]); 3] = [
            (PictureFormat::Png, b"\x89PNG\r\n\x1a\n"),
            (PictureFormat::Webp, b"RIFF"),
            (PictureFormat::Jpeg, b"\xff\xd8\xff\xe0"),
        ];
        for (format, start) in starts {
            assert!(encode(vec![9; 4 * 30], 6, 5, format).unwrap().starts_with(start), "{format:?}");
        }
    }

    #[test]
    fn a_size_that_does_not_fit_is_an_error() {
        for format in FORMATS {
            for (width, height) in [(0, 1), (1, 0), (3, 1), (u32::MAX, u32::MAX)] {
                let error = encode(vec![0; 8], width, height, format).unwrap_err();
                assert_eq!(error.code, ErrorCode::Internal, "{width}×{height} {format:?}");
            }
        }
    }

    #[test]
    fn an_edge_that_a_format_does_not_have_is_refused() {
        let line = |pixels: u32, format| encode(vec![7; 4 * pixels as usize], pixels, 1, format);
        assert!(line(70_000, PictureFormat::Png).is_ok());
        for (format, edge) in [(PictureFormat::Webp, WEBP_EDGE), (PictureFormat::Jpeg, jpeg::EDGE)] {
            assert!(line(edge, format).is_ok(), "{format:?}");
            let error = line(edge + 1, format).unwrap_err();
            assert_eq!(error.code, ErrorCode::LimitExceeded);
            assert!(error.message.contains(&edge.to_string()), "{error}");
        }
    }
}
