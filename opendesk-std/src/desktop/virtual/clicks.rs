//! Clicks that follow each other on one spot. The desktop knows no clock: what makes two clicks a double click is that
//! nothing happened in between.

use super::geometry::Spot;

/// How far from each other the clicks may be, in pixels.
const NEAR: i32 = 4;

/// A press of the main button within a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) spot: Spot,
    /// Whether Shift is held, which extends a selection.
    pub(super) extend: bool,
    /// 1, or more for one of several clicks.
    pub(super) clicks: u8,
}

impl Hit {
    /// A click that no other one came before.
    #[cfg(test)]
    pub(super) const fn on(spot: Spot) -> Self {
        Self { spot, extend: false, clicks: 1 }
    }
}

/// The last click and how many there were.
#[derive(Debug, Default)]
pub(super) struct Clicks {
    last: Option<(Spot, u8)>,
}

impl Clicks {
    /// Counts a press: 1, 2 or 3, and then 1 again.
    pub(super) fn press(&mut self, spot: Spot) -> u8 {
        let count = match self.last {
            Some((at, count)) if is_near(at, spot) && count < 3 => count + 1,
            _ => 1,
        };
        self.last = Some((spot, count));
        count
    }

    /// The pointer is somewhere.
    pub(super) fn move_to(&mut self, spot: Spot) {
        self.last = self.last.filter(|(at, _)| is_near(*at, spot));
    }

    /// Something else happened.
    pub(super) const fn end(&mut self) {
        self.last = None;
    }
}

const fn is_near(one: Spot, other: Spot) -> bool {
    (one.x - other.x).abs() <= NEAR && (one.y - other.y).abs() <= NEAR
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clicks_count_up_to_three_while_nothing_else_happens() {
        let (mut clicks, spot) = (Clicks::default(), Spot::new(10, 10));
        assert_eq!([(); 4].map(|()| clicks.press(spot)), [1, 2, 3, 1]);
        clicks.move_to(Spot::new(14, 6));
        assert_eq!(clicks.press(Spot::new(12, 8)), 2);
        clicks.move_to(Spot::new(20, 10));
        clicks.move_to(spot);
        assert_eq!(clicks.press(spot), 1);
        clicks.end();
        assert_eq!((clicks.press(spot), clicks.press(Spot::new(10, 15))), (1, 1));
    }
}
