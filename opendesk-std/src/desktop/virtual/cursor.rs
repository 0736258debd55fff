//! The mouse pointer's picture.

use super::geometry::Spot;
use super::paint::Canvas;
use super::theme::{BLACK, PAPER};

/// An arrow whose tip is the top-left pixel: `#` is its edge, `.` its body.
const ARROW: [&[u8]; 19] = [
    b"#",
    b"##",
    b"#.#",
    b"#..#",
    b"#...#",
    b"#....#",
    b"#.....#",
    b"#......#",
    b"#.......#",
    b"#........#",
    b"#.........#",
    b"#......#####",
    b"#...#..#",
    b"#..##..#",
    b"#.#  #..#",
    b"##   #..#",
    b"#     #..#",
    b"      #..#",
    b"       ##",
];

/// Draws the arrow so that it points at `tip`.
pub(super) fn paint(canvas: &mut Canvas, tip: Spot) {
    for (row, y) in ARROW.iter().zip(tip.y..) {
        for (mark, x) in row.iter().zip(tip.x..) {
            match mark {
                b'#' => canvas.blend(Spot::new(x, y), BLACK, u8::MAX),
                b'.' => canvas.blend(Spot::new(x, y), PAPER, u8::MAX),
                _ => {}
            }
        }
    }
}
