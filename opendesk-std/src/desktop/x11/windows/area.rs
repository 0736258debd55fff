//! Whole pixels of the root window.

use crate::api::Rect;

/// The widest frame or shadow that is believed, in pixels. Its numbers are properties, which anybody can set.
const WIDEST: u32 = 1000;

/// An upright rectangle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::desktop::x11) struct Area {
    pub(in crate::desktop::x11) x: i32,
    pub(in crate::desktop::x11) y: i32,
    pub(in crate::desktop::x11) width: i32,
    pub(in crate::desktop::x11) height: i32,
}

/// How far something extends beyond something else, on each side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Sides {
    pub(super) left: i32,
    pub(super) right: i32,
    pub(super) top: i32,
    pub(super) bottom: i32,
}

impl Area {
    pub(super) const fn new(x: i32, y: i32, width: i32, height: i32) -> Self {
        Self { x, y, width, height }
    }

    /// With a margin all around, which may be negative.
    pub(super) const fn grown(self, by: Sides) -> Self {
        Self {
            x: self.x - by.left,
            y: self.y - by.top,
            width: self.width + by.left + by.right,
            height: self.height + by.top + by.bottom,
        }
    }

    /// What both have in common.
    pub(super) fn overlap(self, other: Self) -> Option<Self> {
        let (left, top) = (self.x.max(other.x), self.y.max(other.y));
        let right = (self.x + self.width).min(other.x + other.width);
        let bottom = (self.y + self.height).min(other.y + other.height);
        (right > left && bottom > top).then(|| Self::new(left, top, right - left, bottom - top))
    }

    pub(in crate::desktop::x11) fn rect(self) -> Rect {
        Rect::new(self.x.into(), self.y.into(), self.width.into(), self.height.into())
    }
}

impl Sides {
    /// From a property: left, right, top, bottom. Anything else is no margin.
    pub(super) fn from_numbers(numbers: &[u32]) -> Self {
        let [left, right, top, bottom] = *numbers else { return Self::default() };
        let side = |pixels: u32| if pixels <= WIDEST { pixels.cast_signed() } else { 0 };
        Self { left: side(left), right: side(right), top: side(top), bottom: side(bottom) }
    }

    /// As wide on all sides.
    pub(super) const fn all(pixels: i32) -> Self {
        Self { left: pixels, right: pixels, top: pixels, bottom: pixels }
    }

    pub(super) const fn plus(self, other: Self) -> Self {
        Self {
            left: self.left + other.left,
            right: self.right + other.right,
            top: self.top + other.top,
            bottom: self.bottom + other.bottom,
        }
    }

    pub(super) const fn negative(self) -> Self {
        Self { left: -self.left, right: -self.right, top: -self.top, bottom: -self.bottom }
    }

    pub(super) const fn width(self) -> i32 {
        self.left + self.right
    }

    pub(super) const fn height(self) -> i32 {
        self.top + self.bottom
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_margin_grows_and_its_negative_shrinks() {
        let inner = Area::new(10, 20, 100, 50);
        let margin = Sides { left: 1, right: 2, top: 20, bottom: 5 };
        assert_eq!(inner.grown(margin), Area::new(9, 0, 103, 75));
        assert_eq!(inner.grown(margin).grown(margin.negative()), inner);
        assert_eq!(margin.plus(Sides::all(1)), Sides { left: 2, right: 3, top: 21, bottom: 6 });
    }

    #[test]
    fn a_margin_that_nobody_has_is_none() {
        assert_eq!(Sides::from_numbers(&[1, 2, 3, 4]), Sides { left: 1, right: 2, top: 3, bottom: 4 });
        assert_eq!(Sides::from_numbers(&[u32::MAX, 1001, 3, 0]), Sides { top: 3, ..Sides::default() });
        assert_eq!(Sides::from_numbers(&[]), Sides::default());
        assert_eq!(Sides::from_numbers(&[1, 2, 3]), Sides::default());
    }

    #[test]
    fn what_two_have_in_common_is_within_both() {
        let one = Area::new(-10, 0, 30, 30);
        assert_eq!(one.overlap(Area::new(0, 10, 100, 100)), Some(Area::new(0, 10, 20, 20)));
        assert_eq!(one.overlap(Area::new(20, 0, 5, 5)), None);
        assert_eq!(one.overlap(one), Some(one));
    }
}
