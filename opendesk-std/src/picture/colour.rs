//! Whether there is anything to see.

/// The three bytes of a pixel that are its colour.
const COLOUR: u32 = u32::from_le_bytes([255, 255, 255, 0]);

/// Pixels between two samples. A prime, so that no pattern of a desktop falls into step with it; some two thousand
/// samples of a full HD frame nearly always differ, and then most of the frame need not be read.
const STRIDE: usize = 1021;

/// Pixels that are compared before the next chance to stop: enough for wide registers, little beside a frame.
const BLOCK: usize = 4096;

/// Whether all pixels, given as blue, green, red, unused, have the same colour.
pub(super) fn is_one_colour(bgrx: &[u8]) -> bool {
    let (pixels, _) = bgrx.as_chunks::<4>();
    let Some(first) = pixels.first() else { return false };
    let first = u32::from_le_bytes(*first);
    let difference = |pixel: &[u8; 4]| (u32::from_le_bytes(*pixel) ^ first) & COLOUR;
    // Without a way out inside, the inner loop is one of vectors.
    let is_even = |block: &[[u8; 4]]| block.iter().fold(0, |found, pixel| found | difference(pixel)) == 0;
    pixels.iter().step_by(STRIDE).all(|pixel| difference(pixel) == 0) && pixels.chunks(BLOCK).all(is_even)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pixel_of_another_colour_is_found_wherever_it_is() {
        let mut frame = [10, 20, 30, 0].repeat(2 * BLOCK + 17);
        assert!(is_one_colour(&frame));
        for index in [0, 1, 2, STRIDE, BLOCK - 1, BLOCK, 2 * BLOCK, 2 * BLOCK + 16] {
            for channel in 0..3 {
                frame[4 * index + channel] ^= 1;
                assert!(!is_one_colour(&frame), "{index} {channel}");
                frame[4 * index + channel] ^= 1;
            }
            frame[4 * index + 3] = 200;
            assert!(is_one_colour(&frame), "{index}");
        }
    }

    #[test]
    fn nothing_has_no_colour() {
        assert!(!is_one_colour(&[]));
        assert!(!is_one_colour(&[1, 2, 3]));
        assert!(is_one_colour(&[1, 2, 3, 4]));
    }
}
