//! From what a desktop shows to what an agent looks at: scaled to a budget, encoded, and mapped back to the desktop
//! when the agent points at something; and the same again for a stream of pictures, of which only the changes travel.

mod budget;
mod canvas;
mod colour;
mod compare;
mod decode;
mod drawn;
mod encode;
mod jpeg;
mod map;
mod scale;
mod scaled;
mod shots;
mod tiles;

pub use canvas::Canvas;
pub use compare::changes;
pub use drawn::{Numbered, numbered};
pub use map::Mapping;
pub use scale::fit;
pub use scaled::{Scaled, scaled};
pub use shots::{Content, Digest, Shots};
pub use tiles::Region;

use crate::api::{CaptureParams, Picture, PictureFormat, PictureProfile, Result};
use crate::desktop::Frame;

/// How a frame becomes a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rendering {
    /// What its size is limited to.
    pub profile: PictureProfile,
    /// How it is encoded.
    pub format: PictureFormat,
    /// The most bytes that it may have once it is encoded. A PNG or WebP that would have more becomes a JPEG, and a
    /// JPEG a worse and then a smaller one.
    pub max_bytes: Option<u32>,
}

impl From<&CaptureParams> for Rendering {
    fn from(params: &CaptureParams) -> Self {
        Self { profile: params.profile, format: params.format, max_bytes: params.max_bytes }
    }
}

/// Scales a frame down to what `how` allows and encodes it. `captured_at` is when the frame was taken, in seconds
/// since 1970; `display_id` is the display that was asked for. Takes some milliseconds of computing: work for a
/// worker thread. It takes the frame, so that the pixels are turned into others where they lie: fresh memory for
/// millions of them costs as much as a step of the work.
///
/// The picture has no [`shot_id`](Picture::shot_id) yet, and its [`screen`](Picture::screen) is what its pixels tell:
/// shown or blank.
///
/// # Errors
/// [`ErrorCode::Internal`](crate::api::ErrorCode::Internal) for a frame without pixels or with another number of
/// bytes than its size needs; [`ErrorCode::InvalidArgument`](crate::api::ErrorCode::InvalidArgument) for a budget that
/// no picture keeps; [`ErrorCode::LimitExceeded`](crate::api::ErrorCode::LimitExceeded) for a raw picture that is
/// larger than its budget, and for an edge that the format does not have.
pub fn render(frame: Frame, how: &Rendering, display_id: Option<String>, captured_at: f64) -> Result<Picture> {
    let area = frame.area;
    let (scaled, original) = scaled::keeping(frame, how.profile)?;
    let (frame, screen) = scaled.into_parts();
    let original = original.filter(|_| how.max_bytes.is_some());
    let budget::Encoded { format, width, height, data } = budget::encode(frame, original, how.format, how.max_bytes)?;
    Ok(Picture { format, width, height, area, display_id, captured_at, shot_id: 0, screen, unchanged: false, data })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{ErrorCode, Rect, ScreenState};

    /// Left half red, right half blue.
    fn halves(width: u32, height: u32) -> Frame {
        let pixels = (0..height)
            .flat_map(|_| (0..width).flat_map(move |x| if x < width / 2 { [0, 0, 255, 9] } else { [255, 0, 0, 9] }))
            .collect();
        Frame { width, height, pixels, area: Rect::new(-10.0, 20.0, f64::from(width), f64::from(height)) }
    }

    fn how(profile: PictureProfile, format: PictureFormat) -> Rendering {
        Rendering { profile, format, max_bytes: None }
    }

    fn pixel(rgb: &[u8], width: u32, x: u32, y: u32) -> [u8; 3] {
        let start = (y * width + x) as usize * 3;
        [rgb[start], rgb[start + 1], rgb[start + 2]]
    }

    #[test]
    fn a_large_frame_becomes_a_smaller_picture_of_the_same() {
        let frame = halves(1920, 1080);
        let area = frame.area;
        let picture = render(frame, &Rendering::default(), Some("d".into()), 5.0).unwrap();
        assert_eq!((picture.format, picture.width, picture.height), (PictureFormat::Png, 1456, 819));
        assert_eq!((picture.area, picture.captured_at), (area, 5.0));
        assert_eq!(picture.display_id.as_deref(), Some("d"));
        assert_eq!((picture.shot_id, picture.unchanged, picture.screen), (0, false, ScreenState::Shown));
        let rgb = decode::rgb(&picture.data, PictureFormat::Png, 1456, 819).unwrap();
        for y in [0, 400, 818] {
            assert_eq!(pixel(&rgb, 1456, 0, y), [255, 0, 0]);
            assert_eq!(pixel(&rgb, 1456, 700, y), [255, 0, 0]);
            assert_eq!(pixel(&rgb, 1456, 755, y), [0, 0, 255]);
            assert_eq!(pixel(&rgb, 1456, 1455, y), [0, 0, 255]);
        }
    }

    #[test]
    fn a_native_picture_has_every_pixel() {
        let mut frame = halves(1600, 3);
        for (index, byte) in frame.pixels.iter_mut().enumerate() {
            *byte = (index * 7 % 251) as u8;
        }
        let expected: Vec<u8> = frame.pixels.chunks(4).flat_map(|pixel| [pixel[2], pixel[1], pixel[0]]).collect();
        for format in [PictureFormat::Png, PictureFormat::Webp, PictureFormat::RawRgb, PictureFormat::RawRgba] {
            let picture = render(frame.clone(), &how(PictureProfile::Native, format), None, 0.0).unwrap();
            assert_eq!((picture.format, picture.width, picture.height), (format, 1600, 3));
            assert!(decode::rgb(&picture.data, format, 1600, 3).unwrap() == expected, "{format:?}");
        }
        let raw = render(frame, &how(PictureProfile::Native, PictureFormat::RawRgba), None, 0.0).unwrap();
        assert!(raw.data.chunks(4).all(|pixel| pixel[3] == 255));
    }

    #[test]
    fn a_jpeg_looks_like_the_frame() {
        let how = how(PictureProfile::Native, PictureFormat::Jpeg);
        let picture = render(halves(64, 24), &how, None, 0.0).unwrap();
        assert_eq!((picture.format, picture.width, picture.height), (PictureFormat::Jpeg, 64, 24));
        let rgb = decode::rgb(&picture.data, PictureFormat::Jpeg, 64, 24).unwrap();
        for (x, colour) in [(0, [255, 0, 0]), (23, [255, 0, 0]), (40, [0, 0, 255]), (63, [0, 0, 255])] {
            for (is, should) in pixel(&rgb, 64, x, 12).into_iter().zip(colour) {
                assert!(u8::abs_diff(is, should) <= 8, "{x}: {is} {should}");
            }
        }
    }

    #[test]
    fn a_small_frame_is_not_enlarged() {
        for profile in [PictureProfile::Claude, PictureProfile::ClaudeHires, PictureProfile::Openai] {
            let picture = render(halves(1, 1), &how(profile, PictureFormat::RawRgba), None, 0.0).unwrap();
            assert_eq!((picture.width, picture.height), (1, 1));
            assert_eq!(picture.data, [0, 0, 255, 255]);
        }
    }

    #[test]
    fn frames_of_any_shape_are_rendered() {
        for (width, height) in [(4000, 1), (1, 4000), (3001, 7), (2000, 1800)] {
            for profile in [PictureProfile::Claude, PictureProfile::Openai] {
                let picture = render(halves(width, height), &how(profile, PictureFormat::Png), None, 0.0).unwrap();
                assert_eq!((picture.width, picture.height), fit(width, height, profile));
                assert!(decode::rgb(&picture.data, picture.format, picture.width, picture.height).is_some());
            }
        }
    }

    #[test]
    fn one_colour_is_a_blank_screen() {
        let area = Rect::new(0.0, 0.0, 60.0, 40.0);
        let mut frame = Frame { width: 60, height: 40, pixels: [0, 0, 0, 7].repeat(60 * 40), area };
        frame.pixels[3] = 99;
        let blank = render(frame.clone(), &Rendering::default(), None, 0.0).unwrap();
        assert_eq!(blank.screen, ScreenState::Blank);
        frame.pixels[4 * 60 * 40 - 2] = 1;
        let shown = render(frame, &Rendering::default(), None, 0.0).unwrap();
        assert_eq!(shown.screen, ScreenState::Shown);
    }

    #[test]
    fn a_frame_that_lies_about_its_size_is_an_error() {
        let good = halves(2, 2);
        for (width, height, bytes) in [(0, 2, 0), (2, 0, 0), (2, 2, 15), (2, 2, 17), (u32::MAX, u32::MAX, 16)] {
            let frame = Frame { width, height, pixels: vec![0; bytes], area: good.area };
            let error = render(frame, &Rendering::default(), None, 0.0).unwrap_err();
            assert_eq!(error.code, ErrorCode::Internal);
        }
    }
}
