//! From a pixel of a picture to the desktop and back: exact for every display, scale, profile and part, and refused
//! outside.

use opendesk_std::api::{PictureFormat, PictureProfile, Point, Rect};
use opendesk_std::desktop::Frame;
use opendesk_std::picture::{Mapping, Rendering, fit, render};
use proptest::prelude::*;

/// Logical pixels and the device pixels that they are: scales of 1, 1.25, 1.5, 2 and 3.
const SCALES: [(u32, u32); 5] = [(1, 1), (4, 5), (2, 3), (1, 2), (1, 3)];

/// Displays, in device pixels.
const DISPLAYS: [(u32, u32); 5] = [(1366, 768), (1920, 1080), (2560, 1440), (3840, 2160), (1080, 1920)];

const PROFILES: [PictureProfile; 4] =
    [PictureProfile::Claude, PictureProfile::ClaudeHires, PictureProfile::Openai, PictureProfile::Native];

/// A picture of a display or of a part of one.
#[derive(Debug, Clone, Copy)]
struct Shot {
    mapping: Mapping,
    /// Width and height of what it shows, in device pixels.
    device: (u32, u32),
    /// Device pixels for each logical one.
    scale: f64,
}

impl Shot {
    /// The device pixel, counted from the corner of what is shown, in the middle of what a click at this point hits.
    fn device_pixel(&self, point: Point) -> (f64, f64) {
        let Mapping { picture, area } = self.mapping;
        let one = |point: f64, origin: f64, extent: f64, pixels: u32| {
            // Where a pixel of the picture is a logical pixel or more, the point is the corner of a whole one.
            let middle = if extent / f64::from(pixels) < 1.0 { point } else { point + 0.5 };
            ((middle - origin) * self.scale).floor()
        };
        (one(point.x, area.x, area.width, picture.0), one(point.y, area.y, area.height, picture.1))
    }

    /// The point of the desktop in the middle of a device pixel.
    fn point(&self, device: (f64, f64)) -> Point {
        let Rect { x, y, .. } = self.mapping.area;
        Point::new(x + (device.0 + 0.5) / self.scale, y + (device.1 + 0.5) / self.scale)
    }
}

/// A part of an edge: where it starts and how long it is.
fn part(edge: u32, from: u16, length: u16) -> (u32, u32) {
    let from = u32::from(from) % edge;
    (from, 1 + u32::from(length) % (edge - from))
}

/// Pictures of two displays of one scale, the second left of the primary one and somewhat lower; a tenth of them of
/// the whole display. Two thirds are smaller than their profile allows, as a budget of bytes makes them.
fn shots() -> impl Strategy<Value = Shot> {
    let display = (prop::sample::select(DISPLAYS.to_vec()), prop::sample::select(SCALES.to_vec()), any::<bool>());
    let parts = (any::<[u16; 4]>(), 0..10_u8);
    let size = (prop::sample::select(PROFILES.to_vec()), 1..1500_u32);
    (display, parts, size).prop_map(|(display, parts, (profile, share))| {
        let ((width, height), (logical, device), is_left) = display;
        let ratio = f64::from(logical) / f64::from(device);
        let origin = if is_left { (-f64::from(width) * ratio, 200.0) } else { (0.0, 0.0) };
        let ([x, w, y, h], kind) = parts;
        let ((x, w), (y, h)) =
            if kind == 0 { ((0, width), (0, height)) } else { (part(width, x, w), part(height, y, h)) };
        let area = Rect::new(
            origin.0 + f64::from(x) * ratio,
            origin.1 + f64::from(y) * ratio,
            f64::from(w) * ratio,
            f64::from(h) * ratio,
        );
        let shorter = |edge: u32| (edge * share.min(1000) / 1000).max(1);
        let (picture_width, picture_height) = fit(w, h, profile);
        let mapping = Mapping { picture: (shorter(picture_width), shorter(picture_height)), area };
        Shot { mapping, device: (w, h), scale: f64::from(device) / f64::from(logical) }
    })
}

/// A pixel of a picture, a picture that has it, and where within it somebody points.
fn pointings() -> impl Strategy<Value = (Shot, (u32, u32), (f64, f64))> {
    (shots(), any::<[u32; 2]>(), [0.0..0.999_f64, 0.0..0.999_f64]).prop_map(|(shot, pixel, [right, down])| {
        let (width, height) = shot.mapping.picture;
        (shot, (pixel[0] % width, pixel[1] % height), (right, down))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn a_pixel_finds_its_way_to_the_desktop_to_the_device_and_back((shot, (x, y), (right, down)) in pointings()) {
        let mapping = shot.mapping;
        let point = mapping.to_desktop(f64::from(x) + right, f64::from(y) + down).unwrap();
        prop_assert_eq!(mapping.to_picture(point), Some((x, y)), "{:?}", point);
        let device = shot.device_pixel(point);
        prop_assert!((0.0..f64::from(shot.device.0)).contains(&device.0), "{:?} {:?}", point, device);
        prop_assert!((0.0..f64::from(shot.device.1)).contains(&device.1), "{:?} {:?}", point, device);
        prop_assert_eq!(mapping.to_picture(shot.point(device)), Some((x, y)), "{:?} {:?}", point, device);
    }

    #[test]
    fn the_first_and_the_last_pixel_do_too(shot in shots()) {
        let (width, height) = shot.mapping.picture;
        for (x, y) in [(0, 0), (width - 1, 0), (0, height - 1), (width - 1, height - 1)] {
            let point = shot.mapping.to_desktop(f64::from(x), f64::from(y)).unwrap();
            prop_assert_eq!(shot.mapping.to_picture(point), Some((x, y)));
            prop_assert_eq!(shot.mapping.to_picture(shot.point(shot.device_pixel(point))), Some((x, y)));
        }
    }

    #[test]
    fn what_is_outside_is_refused((shot, (x, y), _) in pointings(), beyond in 0.0..1e6_f64) {
        let Mapping { picture: (width, height), area } = shot.mapping;
        let (inside_x, inside_y) = (f64::from(x), f64::from(y));
        let (right, below) = (f64::from(width) + beyond, f64::from(height) + beyond);
        for (x, y) in [
            (right, inside_y),
            (inside_x, below),
            (-0.001 - beyond, inside_y),
            (inside_x, -0.001 - beyond),
            (f64::NAN, inside_y),
            (inside_x, f64::INFINITY),
        ] {
            prop_assert_eq!(shot.mapping.to_desktop(x, y), None, "{} {}", x, y);
        }
        // A point names a whole logical pixel, part of which can lie within.
        let far = beyond + 1.0;
        let middle = area.center();
        for point in [
            Point::new(area.x - far, middle.y),
            Point::new(area.x + area.width + far, middle.y),
            Point::new(middle.x, area.y - far),
            Point::new(middle.x, area.y + area.height + far),
        ] {
            prop_assert_eq!(shot.mapping.to_picture(point), None, "{:?}", point);
        }
    }
}

#[test]
fn a_picture_that_a_budget_made_smaller_maps_back_pixel_by_pixel() {
    let (width, height) = (320, 180);
    let noise = |index: u32| {
        let mixed = index.wrapping_mul(0x9e37_79b1);
        ((mixed ^ (mixed >> 15)).wrapping_mul(0x85eb_ca6b) >> 24) as u8
    };
    let pixels: Vec<u8> = (0..width * height * 4).map(noise).collect();
    for (logical, device) in SCALES {
        let scale = f64::from(device) / f64::from(logical);
        let area = Rect::new(-f64::from(width) / scale, 40.0, f64::from(width) / scale, f64::from(height) / scale);
        let frame = Frame { width, height, pixels: pixels.clone(), area };
        for max_bytes in [6000, 2500, 1024] {
            let how =
                Rendering { profile: PictureProfile::Native, format: PictureFormat::Png, max_bytes: Some(max_bytes) };
            let picture = render(frame.clone(), &how, None, 0.0).unwrap();
            assert!(picture.width < width && picture.data.len() <= max_bytes as usize, "{picture:?}");
            assert_eq!(picture.area, area);
            let shot = Shot { mapping: Mapping::of(&picture), device: (width, height), scale };
            for (x, y) in (0..picture.width).flat_map(|x| (0..picture.height).map(move |y| (x, y))) {
                let point = shot.mapping.to_desktop(f64::from(x), f64::from(y)).unwrap();
                assert_eq!(shot.mapping.to_picture(point), Some((x, y)), "{picture:?} {point:?}");
                assert_eq!(shot.mapping.to_picture(shot.point(shot.device_pixel(point))), Some((x, y)));
            }
            assert_eq!(shot.mapping.to_desktop(f64::from(picture.width), 0.0), None);
        }
    }
}
