//! Where two pictures of one size differ.

/// The edge of the squares that are compared, in pixels. A multiple of the 8 that JPEG works in; a cursor that blinks
/// costs one or two of them.
const TILE: usize = 32;

/// More regions than this are not worth their headers: then larger squares are looked at.
const MAX_REGIONS: usize = 32;

/// An upright rectangle of a picture, in the picture's own pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// Pixels to the left of it.
    pub x: u32,
    /// Pixels above it.
    pub y: u32,
    /// Its width.
    pub width: u32,
    /// Its height.
    pub height: u32,
}

/// At most [`MAX_REGIONS`] regions without overlap in which everything lies that differs. Both have four bytes a
/// pixel, of which all count: a difference in the one that is unused is sent for nothing, and looking at each pixel
/// would cost far more than comparing whole rows.
pub(super) fn differences(width: u32, height: u32, last: &[u8], new: &[u8]) -> Vec<Region> {
    let mut grid = Grid::compare(width as usize, height as usize, last, new);
    loop {
        match grid.regions() {
            Some(regions) => return regions.iter().map(|block| grid.region(block)).collect(),
            None => grid = grid.coarser(),
        }
    }
}

/// Which squares of a picture have changed.
struct Grid {
    /// Of the picture, in pixels.
    width: usize,
    height: usize,
    /// Edge of a square, in pixels.
    tile: usize,
    columns: usize,
    /// Row by row.
    changed: Vec<bool>,
}

/// A rectangle of squares; the right and the lower edge do not belong to it.
#[derive(Clone, Copy)]
struct Block {
    left: usize,
    right: usize,
    top: usize,
    bottom: usize,
}

impl Grid {
    fn compare(width: usize, height: usize, last: &[u8], new: &[u8]) -> Self {
        let columns = width.div_ceil(TILE);
        let mut changed = vec![false; columns * height.div_ceil(TILE)];
        let rows = last.chunks_exact(4 * width).zip(new.chunks_exact(4 * width));
        for (row, (last, new)) in rows.enumerate().filter(|(_, (last, new))| last != new) {
            let tiles = changed[row / TILE * columns..][..columns].iter_mut();
            for (changed, (last, new)) in tiles.zip(last.chunks(4 * TILE).zip(new.chunks(4 * TILE))) {
                *changed = *changed || last != new;
            }
        }
        Self { width, height, tile: TILE, columns, changed }
    }

    /// The same with squares of twice the edge, each changed when one of the four in it is.
    fn coarser(&self) -> Self {
        let columns = self.columns.div_ceil(2);
        let rows = self.changed.len() / self.columns;
        let mut changed = vec![false; columns * rows.div_ceil(2)];
        for (index, _) in self.changed.iter().enumerate().filter(|(_, changed)| **changed) {
            changed[index / self.columns / 2 * columns + index % self.columns / 2] = true;
        }
        Self { tile: 2 * self.tile, columns, changed, ..*self }
    }

    /// Rectangles that cover all that has changed and nothing else: in each row the longest runs, and runs that lie
    /// exactly below each other are one. `None` where they are too many.
    fn regions(&self) -> Option<Vec<Block>> {
        let mut closed = Vec::new();
        let mut open: Vec<Block> = Vec::new();
        for (row, changed) in self.changed.chunks_exact(self.columns).enumerate() {
            let mut reached = Vec::new();
            for (left, right) in runs(changed) {
                let above = open.iter().position(|block| (block.left, block.right) == (left, right));
                let top = above.map_or(row, |index| open.swap_remove(index).top);
                reached.push(Block { left, right, top, bottom: row + 1 });
            }
            closed.append(&mut open);
            open = reached;
            if closed.len() + open.len() > MAX_REGIONS {
                return None;
            }
        }
        closed.append(&mut open);
        Some(closed)
    }

    fn region(&self, block: &Block) -> Region {
        let [x, right] = [block.left, block.right].map(|column| (column * self.tile).min(self.width) as u32);
        let [y, bottom] = [block.top, block.bottom].map(|row| (row * self.tile).min(self.height) as u32);
        Region { x, y, width: right - x, height: bottom - y }
    }
}

/// Where runs of changed squares begin and end.
fn runs(changed: &[bool]) -> Vec<(usize, usize)> {
    let mut runs = Vec::new();
    let mut start = 0;
    for run in changed.chunk_by(|one, next| one == next) {
        if run.contains(&true) {
            runs.push((start, start + run.len()));
        }
        start += run.len();
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: u32 = 500;
    const HEIGHT: u32 = 300;

    /// What is found when these pixels change; checked against what must hold for any change.
    fn changed(pixels: &[(u32, u32)]) -> Vec<Region> {
        let last = vec![0; (4 * WIDTH * HEIGHT) as usize];
        let mut new = last.clone();
        for (x, y) in pixels {
            new[(4 * (y * WIDTH + x)) as usize + 1] = 1;
        }
        let regions = differences(WIDTH, HEIGHT, &last, &new);
        assert!(regions.len() <= MAX_REGIONS, "{}", regions.len());
        let holds = |region: &Region, x: u32, y: u32| {
            (region.x..region.x + region.width).contains(&x) && (region.y..region.y + region.height).contains(&y)
        };
        for (x, y) in pixels {
            assert_eq!(regions.iter().filter(|region| holds(region, *x, *y)).count(), 1, "{x},{y} {regions:?}");
        }
        for (index, one) in regions.iter().enumerate() {
            assert!(one.width > 0 && one.x + one.width <= WIDTH, "{one:?}");
            assert!(one.height > 0 && one.y + one.height <= HEIGHT, "{one:?}");
            assert!(pixels.iter().any(|(x, y)| holds(one, *x, *y)), "{one:?} shows no change");
            for other in &regions[index + 1..] {
                let beside = one.x + one.width <= other.x || other.x + other.width <= one.x;
                let below = one.y + one.height <= other.y || other.y + other.height <= one.y;
                assert!(beside || below, "{one:?} {other:?}");
            }
        }
        regions
    }

    fn region(x: u32, y: u32, width: u32, height: u32) -> Region {
        Region { x, y, width, height }
    }

    #[test]
    fn nothing_is_no_region() {
        assert!(changed(&[]).is_empty());
    }

    #[test]
    fn one_pixel_is_its_square_and_the_last_one_is_cut_off() {
        assert_eq!(changed(&[(0, 0)]), [region(0, 0, 32, 32)]);
        assert_eq!(changed(&[(31, 31)]), [region(0, 0, 32, 32)]);
        assert_eq!(changed(&[(32, 31)]), [region(32, 0, 32, 32)]);
        assert_eq!(changed(&[(499, 299)]), [region(480, 288, 20, 12)]);
    }

    #[test]
    fn neighbours_are_one_region() {
        assert_eq!(changed(&[(0, 40), (33, 40), (65, 41)]), [region(0, 32, 96, 32)]);
        assert_eq!(changed(&[(100, 0), (101, 40), (102, 70)]), [region(96, 0, 32, 96)]);
        let all: Vec<_> = (0..HEIGHT).flat_map(|y| (0..WIDTH).step_by(16).map(move |x| (x, y))).collect();
        assert_eq!(changed(&all), [region(0, 0, WIDTH, HEIGHT)]);
    }

    #[test]
    fn what_is_apart_stays_apart() {
        let regions = changed(&[(0, 0), (499, 0), (200, 150)]);
        assert_eq!(regions.len(), 3);
        assert!(regions.iter().all(|region| region.width * region.height <= 32 * 32));
    }

    #[test]
    fn too_many_become_fewer_and_larger() {
        let chessboard: Vec<_> = (0..9_u32)
            .flat_map(|row| (0..15_u32).filter(move |column| (row + column) % 2 == 0).map(move |column| (column, row)))
            .map(|(column, row)| (column * 32 + 5, row * 32 + 5))
            .collect();
        assert!(chessboard.len() > MAX_REGIONS);
        assert_eq!(changed(&chessboard), [region(0, 0, 500, 300)]);
        let sparse: Vec<_> = (0..9_u32)
            .flat_map(|row| (0..15_u32).step_by(3).map(move |column| (column * 32 + 1, row * 32 + 1)))
            .collect();
        let regions = changed(&sparse);
        let covered: u32 = regions.iter().map(|region| region.width * region.height).sum();
        assert!(regions.len() <= MAX_REGIONS && covered <= WIDTH * HEIGHT, "{regions:?}");
    }

    #[test]
    fn any_changes_are_covered() {
        let mut state = 1_u64;
        let mut next = |below: u32| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as u32 % below
        };
        for count in 0..60 {
            let pixels: Vec<_> = (0..count).map(|_| (next(WIDTH), next(HEIGHT))).collect();
            changed(&pixels);
        }
    }

    #[test]
    fn a_picture_thinner_than_a_square_is_compared() {
        assert!(differences(1, 2, &[0; 8], &[0; 8]).is_empty());
        assert_eq!(differences(1, 2, &[0; 8], &[0, 0, 0, 0, 9, 9, 9, 0]), [region(0, 0, 1, 2)]);
    }
}
