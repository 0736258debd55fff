//! From what a desktop shows to what an agent looks at: scaled to a budget, encoded, and mapped back to the desktop
//! when the agent points at something.

mod encode;
mod map;
mod scale;

pub use map::Mapping;
pub use scale::fit;

use crate::api::{Error, Picture, PictureFormat, PictureProfile, Result};
use crate::desktop::Frame;

/// Scales a frame down to what `profile` allows and encodes it. `captured_at` is when the frame was taken, in seconds
/// since 1970; `display_id` is the display that was asked for. Takes some milliseconds of computing: work for a
/// worker thread. It takes the frame, so that the pixels are turned into others where they lie: fresh memory for
/// millions of them costs as much as a step of the work.
///
/// # Errors
/// [`ErrorCode::Internal`](crate::api::ErrorCode::Internal) for a frame without pixels or with another number of
/// bytes than its size needs.
pub fn render(
    frame: Frame,
    profile: PictureProfile,
    format: PictureFormat,
    display_id: Option<String>,
    captured_at: f64,
) -> Result<Picture> {
    let expected = u128::from(frame.width) * u128::from(frame.height) * 4;
    if expected == 0 || frame.pixels.len() as u128 != expected {
        return Err(Error::internal(format!(
            "the desktop gave a picture of {}×{} pixels with {} bytes; capture again",
            frame.width,
            frame.height,
            frame.pixels.len()
        )));
    }
    let (width, height) = fit(frame.width, frame.height, profile);
    let area = frame.area;
    let pixels = if (width, height) == (frame.width, frame.height) {
        frame.pixels
    } else {
        scale::shrink(&frame, width, height)?
    };
    let data = match format {
        PictureFormat::Png => encode::png(pixels, width, height)?,
        PictureFormat::RawRgba => encode::rgba(pixels),
        PictureFormat::RawRgb => encode::rgb(pixels),
        PictureFormat::Jpeg => {
            return Err(Error::invalid("this host gives pictures as png, raw_rgba or raw_rgb, and not as jpeg"));
        }
    };
    Ok(Picture { format, width, height, area, display_id, captured_at, data })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{ErrorCode, Rect};

    /// Left half red, right half blue.
    fn halves(width: u32, height: u32) -> Frame {
        let pixels = (0..height)
            .flat_map(|_| (0..width).flat_map(move |x| if x < width / 2 { [0, 0, 255, 9] } else { [255, 0, 0, 9] }))
            .collect();
        Frame { width, height, pixels, area: Rect::new(-10.0, 20.0, f64::from(width), f64::from(height)) }
    }

    fn pixel(rgb: &[u8], width: u32, x: u32, y: u32) -> [u8; 3] {
        let start = (y * width + x) as usize * 3;
        [rgb[start], rgb[start + 1], rgb[start + 2]]
    }

    #[test]
    fn a_large_frame_becomes_a_smaller_picture_of_the_same() {
        let frame = halves(1920, 1080);
        let area = frame.area;
        let picture = render(frame, PictureProfile::Claude, PictureFormat::Png, Some("d".into()), 5.0).unwrap();
        assert_eq!((picture.width, picture.height), (1456, 819));
        assert_eq!((picture.area, picture.captured_at), (area, 5.0));
        assert_eq!(picture.display_id.as_deref(), Some("d"));
        let (width, height, rgb) = encode::decode_png(&picture.data);
        assert_eq!((width, height), (1456, 819));
        for y in [0, 400, 818] {
            assert_eq!(pixel(&rgb, width, 0, y), [255, 0, 0]);
            assert_eq!(pixel(&rgb, width, 700, y), [255, 0, 0]);
            assert_eq!(pixel(&rgb, width, 755, y), [0, 0, 255]);
            assert_eq!(pixel(&rgb, width, 1455, y), [0, 0, 255]);
        }
    }

    #[test]
    fn a_native_picture_has_every_pixel() {
        let mut frame = halves(1600, 3);
        for (index, byte) in frame.pixels.iter_mut().enumerate() {
            *byte = (index * 7 % 251) as u8;
        }
        let native = |format| render(frame.clone(), PictureProfile::Native, format, None, 0.0).unwrap();
        let (width, height, rgb) = encode::decode_png(&native(PictureFormat::Png).data);
        assert_eq!((width, height), (1600, 3));
        let raw = native(PictureFormat::RawRgba);
        assert_eq!((raw.width, raw.height, raw.data.len()), (1600, 3, frame.pixels.len()));
        for ((source, rgb), rgba) in frame.pixels.chunks(4).zip(rgb.chunks(3)).zip(raw.data.chunks(4)) {
            assert_eq!(rgb, [source[2], source[1], source[0]]);
            assert_eq!(rgba, [source[2], source[1], source[0], 255]);
        }
    }

    #[test]
    fn a_small_frame_is_not_enlarged() {
        let picture = render(halves(1, 1), PictureProfile::Claude, PictureFormat::RawRgba, None, 0.0).unwrap();
        assert_eq!((picture.width, picture.height), (1, 1));
        assert_eq!(picture.data, [0, 0, 255, 255]);
    }

    #[test]
    fn frames_of_any_shape_are_rendered() {
        for (width, height) in [(4000, 1), (1, 4000), (3001, 7), (2000, 2000)] {
            let picture = render(halves(width, height), PictureProfile::Claude, PictureFormat::Png, None, 0.0).unwrap();
            let (decoded_width, decoded_height, _) = encode::decode_png(&picture.data);
            assert_eq!((decoded_width, decoded_height), (picture.width, picture.height));
            assert_eq!((picture.width, picture.height), fit(width, height, PictureProfile::Claude));
        }
    }

    #[test]
    fn a_frame_that_lies_about_its_size_is_an_error() {
        let good = halves(2, 2);
        for (width, height, bytes) in [(0, 2, 0), (2, 0, 0), (2, 2, 15), (2, 2, 17), (u32::MAX, u32::MAX, 16)] {
            let frame = Frame { width, height, pixels: vec![0; bytes], area: good.area };
            let error = render(frame, PictureProfile::Native, PictureFormat::Png, None, 0.0).unwrap_err();
            assert_eq!(error.code, ErrorCode::Internal);
        }
    }
}
