//! What has changed between two pictures of the same.

use super::decode;
use super::tiles::{Region, differences};
use crate::api::{Error, Picture, Result};

/// Where two pictures of one size differ, in at most so many rectangles: those that are close to each other become one.
/// `None` where the two are not of one size or do not show the same part of the desktop. Takes some ten milliseconds of
/// computing: work for a thread.
///
/// # Errors
/// [`ErrorCode::Internal`](crate::api::ErrorCode::Internal) for a picture that is none.
pub fn changes(before: &Picture, after: &Picture, most: usize) -> Result<Option<Vec<Region>>> {
    let (width, height) = (after.width, after.height);
    if (before.width, before.height, before.area) != (width, height, after.area) {
        return Ok(None);
    }
    let (last, new) = (pixels(before)?, pixels(after)?);
    let regions = differences(width, height, &last, &new);
    let exact = regions.into_iter().filter_map(|region| trimmed(region, width, &last, &new)).collect();
    Ok(Some(merged(exact, most.max(1))))
}

/// Four bytes a pixel.
fn pixels(picture: &Picture) -> Result<Vec<u8>> {
    let rgb = decode::rgb(&picture.data, picture.format, picture.width, picture.height)
        .ok_or_else(|| Error::internal("the host sent a picture that cannot be read; update it"))?;
    let (colours, _) = rgb.as_chunks::<3>();
    Ok(colours.iter().flat_map(|[red, green, blue]| [*red, *green, *blue, 0]).collect())
}

/// The smallest region in which all lies that differs in this one.
fn trimmed(region: Region, width: u32, last: &[u8], new: &[u8]) -> Option<Region> {
    let (mut left, mut right, mut top, mut bottom) = (u32::MAX, 0, u32::MAX, 0);
    for y in region.y..region.y + region.height {
        for x in region.x..region.x + region.width {
            let at = (y as usize * width as usize + x as usize) * 4;
            if last.get(at..at + 4) != new.get(at..at + 4) {
                (left, right) = (left.min(x), right.max(x + 1));
                (top, bottom) = (top.min(y), bottom.max(y + 1));
            }
        }
    }
    (left < right).then(|| Region { x: left, y: top, width: right - left, height: bottom - top })
}

/// As many regions as there may be. The two whose common rectangle holds the least besides them become one, and so do
/// two that touch.
fn merged(mut regions: Vec<Region>, most: usize) -> Vec<Region> {
    loop {
        let pairs = (0..regions.len()).flat_map(|one| (one + 1..regions.len()).map(move |other| (one, other)));
        let cost = |(one, other): &(usize, usize)| {
            let (one, other) = (regions[*one], regions[*other]);
            size(around(one, other)).saturating_sub(size(one) + size(other))
        };
        let Some(pair) = pairs.min_by_key(cost) else { return regions };
        if regions.len() <= most && cost(&pair) > 0 {
            return regions;
        }
        let other = regions.swap_remove(pair.1);
        regions[pair.0] = around(regions[pair.0], other);
    }
}

const fn size(region: Region) -> u64 {
    region.width as u64 * region.height as u64
}

fn around(one: Region, other: Region) -> Region {
    let (x, y) = (one.x.min(other.x), one.y.min(other.y));
    let right = (one.x + one.width).max(other.x + other.width);
    let bottom = (one.y + one.height).max(other.y + other.height);
    Region { x, y, width: right - x, height: bottom - y }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{PictureFormat, PictureProfile, Rect};
    use crate::desktop::Frame;
    use crate::picture::{Rendering, render};

    /// Grey, with white squares of five pixels at these places.
    fn picture(width: u32, squares: &[(u32, u32)]) -> Picture {
        let mut pixels = vec![100; width as usize * 200 * 4];
        for (x, y) in squares {
            for row in *y..y + 5 {
                let at = (row * width + x) as usize * 4;
                pixels[at..at + 20].fill(255);
            }
        }
        let frame = Frame { width, height: 200, pixels, area: Rect::new(0.0, 0.0, 300.0, 200.0) };
        let how = Rendering { profile: PictureProfile::Native, format: PictureFormat::Png, max_bytes: None };
        render(frame, &how, None, 0.0).unwrap()
    }

    fn square(x: u32, y: u32) -> Region {
        Region { x, y, width: 5, height: 5 }
    }

    #[test]
    fn changes_are_told_to_the_pixel() {
        let before = picture(300, &[]);
        assert_eq!(changes(&before, &before, 8).unwrap(), Some(vec![]));
        let mut found = changes(&before, &picture(300, &[(10, 20), (150, 100)]), 8).unwrap().unwrap();
        found.sort_by_key(|region| region.x);
        assert_eq!(found, [square(10, 20), square(150, 100)]);
    }

    #[test]
    fn a_change_across_squares_is_one() {
        let found = changes(&picture(300, &[]), &picture(300, &[(62, 62)]), 8).unwrap().unwrap();
        assert_eq!(found, [square(62, 62)]);
    }

    #[test]
    fn too_many_become_fewer_and_all_lies_in_them() {
        let places: Vec<(u32, u32)> = (0..4).flat_map(|x| (0..3).map(move |y| (10 + 70 * x, 10 + 64 * y))).collect();
        let found = changes(&picture(300, &[]), &picture(300, &places), 3).unwrap().unwrap();
        assert_eq!(found.len(), 3);
        for (x, y) in places {
            let holds = |region: &Region| around(*region, square(x, y)) == *region;
            assert!(found.iter().any(holds), "{x} {y} {found:?}");
        }
        assert_eq!(changes(&picture(300, &[]), &picture(300, &[(1, 1), (200, 100)]), 0).unwrap().unwrap().len(), 1);
    }

    #[test]
    fn pictures_of_different_things_are_not_compared() {
        let before = picture(300, &[]);
        assert_eq!(changes(&before, &picture(301, &[]), 8).unwrap(), None);
        let moved = Picture { area: Rect::new(1.0, 0.0, 300.0, 200.0), ..before.clone() };
        assert_eq!(changes(&before, &moved, 8).unwrap(), None);
        assert!(changes(&before, &Picture { data: vec![1], ..before.clone() }, 8).is_err());
    }
}
