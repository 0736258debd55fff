//! JPEG (ITU-T T.81) in bands that are encoded side by side. Each is a restart interval of one picture (section B.2.4.4):
//! its first coefficients are not differences from those before it, so it can be made without them.

use core::cell::Cell;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::io::{self, ErrorKind, Write};
use std::thread;

use image::codecs::jpeg::JpegEncoder;
use image::{GenericImageView, Rgb};

use super::encode::{check, failed};
use crate::api::Error;

/// What the format's own fields of 16 bits hold.
pub(super) const EDGE: u32 = 65_535;

/// Blocks that a restart interval has at most; its field has 16 bits.
const INTERVAL: u32 = 65_535;

/// Pixels of a block's side. The encoder does not subsample colours, so that coloured text keeps its edges.
const BLOCK: u32 = 8;

/// Bands of a large picture: as many as cores that every machine has today.
const BANDS: u32 = 2;

/// Fewer pixels are encoded before another thread has begun.
const LARGE: u32 = 256 * 256;

/// Bytes of a file before its scan; the tables are always the same.
const HEADER: usize = 1024;

const MARKER: u8 = 0xff;
const END_OF_IMAGE: u8 = 0xd9;
const START_OF_SCAN: u8 = 0xda;
const START_OF_FRAME: u8 = 0xc0;
const DEFINE_INTERVAL: u8 = 0xdd;
const RESTART: u8 = 0xd0;

/// Why there is no JPEG.
#[derive(Debug)]
pub(super) enum Unmade {
    /// It would have more bytes than were allowed. They were used up when this share of its rows, 0 to 1, was done.
    TooLarge {
        /// Rows that were done, of all.
        done: f64,
    },
    /// Something else.
    Failed(Error),
}

impl From<Error> for Unmade {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Red, green, blue to a JPEG of at most `most` bytes. It stops where it has about that many: what is too large is found
/// out without doing all of it. The same pixels make the same bytes on every machine.
pub(super) fn jpeg(rgb: &[u8], width: u32, height: u32, quality: u8, most: usize) -> Result<Vec<u8>, Unmade> {
    check("JPEG", rgb, width, height, EDGE)?;
    let rows = band_rows(width, height);
    let row = 3 * width as usize;
    let bands: Vec<&[u8]> = rgb.chunks(row * rows as usize).collect();
    let used = AtomicUsize::new(0);
    let most_written = most.saturating_add(HEADER * (bands.len() - 1));
    let encode = |band: &[u8]| encode(band, width, quality, &used, most_written);
    let made: Vec<Band> = thread::scope(|scope| {
        let mut made = Vec::with_capacity(bands.len());
        for pair in bands.chunks(BANDS as usize) {
            let others: Vec<_> = pair[1..].iter().map(|band| (scope.spawn(|| encode(band)), *band)).collect();
            made.push(encode(pair[0]));
            made.extend(others.into_iter().map(|(other, band)| other.join().unwrap_or_else(|_| encode(band))));
        }
        made
    });
    let failure = |why: &dyn core::fmt::Display| Unmade::Failed(failed("JPEG", width, height, why));
    if let Some(why) = made.iter().find_map(|band| band.failed.as_ref()) {
        return Err(failure(why));
    }
    let done: u32 = made.iter().map(|band| band.rows).sum();
    let too_large = || Unmade::TooLarge { done: f64::from(done) / f64::from(height) };
    if made.iter().any(|band| band.is_cut) {
        return Err(too_large());
    }
    let blocks = width.div_ceil(BLOCK) * (rows / BLOCK);
    let file =
        join(made.into_iter().map(|band| band.file), height, blocks).ok_or_else(|| failure(&"its parts do not fit"))?;
    if file.len() > most { Err(too_large()) } else { Ok(file) }
}

/// Rows of each band but the last: whole blocks, unless there is only one band.
fn band_rows(width: u32, height: u32) -> u32 {
    let across = width.div_ceil(BLOCK);
    if width.saturating_mul(height) < LARGE || across > INTERVAL {
        return height;
    }
    let even = height.div_ceil(BLOCK).div_ceil(BANDS);
    BLOCK * even.clamp(1, INTERVAL / across)
}

/// A part of the rows as a file of its own.
struct Band {
    file: Vec<u8>,
    rows: u32,
    /// Whether there was no more room.
    is_cut: bool,
    failed: Option<String>,
}

fn encode(rgb: &[u8], width: u32, quality: u8, used: &AtomicUsize, most: usize) -> Band {
    let height = (rgb.len() / (3 * width as usize)) as u32;
    let view = View { rgb, width, height, row: Cell::new(0) };
    let mut file = Limited { bytes: Vec::new(), used, most, is_full: false };
    let outcome = JpegEncoder::new_with_quality(&mut file, quality).encode_image(&view);
    let rows = if outcome.is_ok() { height } else { view.row.get() };
    let failed = outcome.err().filter(|_| !file.is_full).map(|error| error.to_string());
    Band { rows, is_cut: file.is_full, file: file.bytes, failed }
}

/// One file of several whose rows follow each other, each but the last of so many blocks. `None` when they are no such
/// files.
fn join(mut bands: impl ExactSizeIterator<Item = Vec<u8>>, height: u32, blocks: u32) -> Option<Vec<u8>> {
    let count = bands.len();
    let mut file = bands.next()?;
    if count == 1 {
        return Some(file);
    }
    let (frame, scan) = (segment(&file, START_OF_FRAME)?, segment(&file, START_OF_SCAN)?);
    let lines = u16::try_from(height).ok()?.to_be_bytes();
    // Marker, length and precision come before the number of lines.
    file.get_mut(frame + 5..frame + 7)?.copy_from_slice(&lines);
    let [high, low] = u16::try_from(blocks).ok()?.to_be_bytes();
    file.splice(scan..scan, [MARKER, DEFINE_INTERVAL, 0, 4, high, low]);
    for (band, number) in bands.zip((0..8).cycle()) {
        let end = file.len().checked_sub(2).filter(|end| file[*end..] == [MARKER, END_OF_IMAGE])?;
        file.truncate(end);
        file.extend_from_slice(&[MARKER, RESTART + number]);
        let scan = segment(&band, START_OF_SCAN)?;
        let length = u16::from_be_bytes([*band.get(scan + 2)?, *band.get(scan + 3)?]);
        file.extend_from_slice(band.get(scan + 2 + usize::from(length)..)?);
    }
    Some(file)
}

/// Where the segment with this marker begins.
fn segment(file: &[u8], wanted: u8) -> Option<usize> {
    // Behind the marker that begins every file, which has no length.
    let mut at = 2;
    loop {
        let [marker, kind, high, low] = *file.get(at..at + 4)?.first_chunk()?;
        if marker != MARKER {
            return None;
        }
        if kind == wanted {
            return Some(at);
        }
        at += 2 + usize::from(u16::from_be_bytes([high, low]));
    }
}

/// Pixels that know how far they have been read.
struct View<'a> {
    rgb: &'a [u8],
    width: u32,
    height: u32,
    /// The one that was read last.
    row: Cell<u32>,
}

impl GenericImageView for View<'_> {
    type Pixel = Rgb<u8>;

    fn dimensions(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    fn get_pixel(&self, x: u32, y: u32) -> Rgb<u8> {
        self.row.set(y);
        let start = 3 * (y as usize * self.width as usize + x as usize);
        let pixel = &self.rgb[start..start + 3];
        Rgb([pixel[0], pixel[1], pixel[2]])
    }
}

/// Takes so many bytes together with others and fails at the next.
struct Limited<'a> {
    bytes: Vec<u8>,
    used: &'a AtomicUsize,
    most: usize,
    is_full: bool,
}

impl Write for Limited<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let used = self.used.fetch_add(bytes.len(), Ordering::Relaxed);
        if used.saturating_add(bytes.len()) > self.most {
            self.is_full = true;
            return Err(ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::PictureFormat;
    use crate::picture::decode;
    use crate::picture::encode::QUALITY;

    fn noise(width: u32, height: u32) -> Vec<u8> {
        (0..3 * width * height).map(|index| (index.wrapping_mul(0x9e37_79b1) >> 24) as u8).collect()
    }

    /// What the encoder makes in one piece.
    fn whole(rgb: &[u8], width: u32) -> Vec<u8> {
        encode(rgb, width, QUALITY, &AtomicUsize::new(0), usize::MAX).file
    }

    #[test]
    fn bands_show_exactly_what_one_piece_shows() {
        for (width, height) in [(256, 256), (1001, 263), (300, 1025), (2049, 40), (4096, 4104), (65_535, 17)] {
            let rgb = noise(width, height);
            let banded = jpeg(&rgb, width, height, QUALITY, usize::MAX).unwrap();
            assert!(segment(&banded, DEFINE_INTERVAL).is_some(), "{width}×{height} is in one piece");
            let show = |file: &[u8]| decode::rgb(file, PictureFormat::Jpeg, width, height).unwrap();
            assert!(show(&banded) == show(&whole(&rgb, width)), "{width}×{height}");
        }
    }

    #[test]
    fn a_small_picture_is_in_one_piece() {
        let rgb = noise(64, 64);
        let file = jpeg(&rgb, 64, 64, QUALITY, usize::MAX).unwrap();
        assert_eq!(file, whole(&rgb, 64));
    }

    #[test]
    fn bands_are_whole_blocks_and_fit_their_field() {
        for (width, height) in [(256, 256), (1920, 1080), (7680, 4320), (65_535, 65_535), (9, 60_000), (60_000, 9)] {
            let rows = band_rows(width, height);
            let blocks = u64::from(width.div_ceil(BLOCK)) * u64::from(rows / BLOCK);
            assert!(rows.is_multiple_of(BLOCK) && rows > 0 && blocks <= INTERVAL.into(), "{width}×{height}: {rows}");
        }
        assert_eq!(band_rows(1920, 1080), 544);
    }

    #[test]
    fn it_stops_at_its_limit() {
        for (width, height) in [(64, 64), (512, 512)] {
            let rgb = noise(width, height);
            let make = |most| jpeg(&rgb, width, height, QUALITY, most);
            let whole = make(usize::MAX).unwrap();
            assert_eq!(make(whole.len()).unwrap(), whole);
            for (most, expected) in [(whole.len() - 1, 0.5..1.001), (whole.len() / 3, 0.05..0.5), (10, 0.0..0.1)] {
                let Err(Unmade::TooLarge { done }) = make(most) else { panic!("{width}: {most}") };
                assert!(expected.contains(&done), "{width}: {most}: {done}");
            }
        }
    }

    #[test]
    fn what_is_no_file_of_the_encoder_is_not_joined() {
        let file = whole(&noise(16, 16), 16);
        for bad in [Vec::new(), vec![0; 40], file[..30].to_vec(), file[..file.len() - 1].to_vec()] {
            assert_eq!(join([bad.clone(), file.clone()].into_iter(), 32, 4), None, "{} bytes", bad.len());
        }
        assert_eq!(join([file.clone(), Vec::new()].into_iter(), 32, 4), None);
        assert!(join([file.clone(), file].into_iter(), 32, 4).is_some());
    }
}
