//! Points and rectangles in whole pixels.

use crate::api::Rect;

/// A pixel of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Spot {
    pub(super) x: i32,
    pub(super) y: i32,
}

impl Spot {
    pub(super) const fn new(x: i32, y: i32) -> Self {
        Self { x, y }
    }
}

/// A rectangle of pixels; one without width or height is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Area {
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) w: i32,
    pub(super) h: i32,
}

impl Area {
    pub(super) const fn new(x: i32, y: i32, w: i32, h: i32) -> Self {
        Self { x, y, w, h }
    }

    /// The first column to the right of it.
    pub(super) const fn right(self) -> i32 {
        self.x + self.w
    }

    /// The first row below it.
    pub(super) const fn bottom(self) -> i32 {
        self.y + self.h
    }

    pub(super) const fn is_empty(self) -> bool {
        self.w <= 0 || self.h <= 0
    }

    pub(super) const fn contains(self, spot: Spot) -> bool {
        spot.x >= self.x && spot.y >= self.y && spot.x < self.right() && spot.y < self.bottom()
    }

    /// The rectangle with every edge moved outwards; a negative distance moves them inwards.
    pub(super) const fn grown(self, by: i32) -> Self {
        Self::new(self.x - by, self.y - by, self.w + 2 * by, self.h + 2 * by)
    }

    pub(super) const fn moved(self, dx: i32, dy: i32) -> Self {
        Self::new(self.x + dx, self.y + dy, self.w, self.h)
    }

    /// What both have in common, which may be empty.
    pub(super) fn overlap(self, other: Self) -> Self {
        let x = self.x.max(other.x);
        let y = self.y.max(other.y);
        Self::new(x, y, self.right().min(other.right()) - x, self.bottom().min(other.bottom()) - y)
    }

    /// The smallest rectangle around both, neither of which is empty.
    pub(super) fn around(self, other: Self) -> Self {
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        Self::new(x, y, self.right().max(other.right()) - x, self.bottom().max(other.bottom()) - y)
    }

    /// A rectangle of another size around the same middle.
    pub(super) const fn centered(self, w: i32, h: i32) -> Self {
        Self::new(self.x + (self.w - w) / 2, self.y + (self.h - h) / 2, w, h)
    }

    /// Its size and place, for messages.
    pub(super) fn words(self) -> String {
        format!("{}×{} at ({}, {})", self.w, self.h, self.x, self.y)
    }

    /// The same rectangle as other modules know it.
    pub(super) fn rect(self) -> Rect {
        Rect::new(f64::from(self.x), f64::from(self.y), f64::from(self.w), f64::from(self.h))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_belong_to_the_left_and_the_top() {
        let area = Area::new(10, 20, 3, 2);
        assert!(area.contains(Spot::new(10, 20)) && area.contains(Spot::new(12, 21)));
        assert!(!area.contains(Spot::new(13, 20)) && !area.contains(Spot::new(10, 22)));
    }

    #[test]
    fn overlap_of_strangers_is_empty() {
        let area = Area::new(0, 0, 10, 10);
        assert_eq!(area.overlap(Area::new(5, -5, 10, 10)), Area::new(5, 0, 5, 5));
        assert!(area.overlap(Area::new(10, 0, 5, 5)).is_empty());
        assert!(area.overlap(Area::new(40, 40, 5, 5)).is_empty());
    }

    #[test]
    fn around_two_is_around_what_lies_between_them() {
        let area = Area::new(0, 0, 10, 10).around(Area::new(-30, 5, 10, 40));
        assert_eq!((area, area.words().as_str()), (Area::new(-30, 0, 40, 45), "40×45 at (-30, 0)"));
    }
}
