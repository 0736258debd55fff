//! What a desktop looked like when its test failed.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::thread;

use opendesk_std::desktop::x11::X11Desktop;
use opendesk_std::desktop::{CaptureArea, Computer};

/// More pictures of one test are not kept: who has not looked at these does not look at those.
const MOST: usize = 20;

/// Keeps a picture of a display in `target/failures`, under the name of the test that runs on this thread, and says
/// where. It is called while a test panics and must not do so itself.
#[expect(clippy::print_stderr, reason = "the harness shows it together with the failure")]
pub(super) fn keep_picture(display: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/failures");
    match write_picture(display, &folder, &name()) {
        Ok(file) => eprintln!("what {display} showed is in {}", file.display()),
        Err(why) => eprintln!("there is no picture of {display}: {why}"),
    }
}

/// The name of the test, as far as it can be the name of a file.
fn name() -> String {
    let thread = thread::current();
    let name = thread.name().unwrap_or("unnamed").replace("::", ".");
    name.chars().map(|letter| if letter.is_alphanumeric() || "._-".contains(letter) { letter } else { '-' }).collect()
}

fn write_picture(display: &str, folder: &Path, name: &str) -> Result<PathBuf, String> {
    let computer = X11Desktop::open(Some(display)).map_err(|error| error.to_string())?;
    let frame = computer.capture(&CaptureArea::default()).map_err(|error| error.to_string())?;
    let folder = fs::create_dir_all(folder).and_then(|()| fs::canonicalize(folder));
    let (path, file) = folder.and_then(|folder| next_file(&folder, name)).map_err(|error| error.to_string())?;
    let mut encoder = png::Encoder::new(BufWriter::new(file), frame.width, frame.height);
    encoder.set_color(png::ColorType::Rgb);
    let rgb: Vec<u8> = frame.pixels.chunks_exact(4).flat_map(|pixel| [pixel[2], pixel[1], pixel[0]]).collect();
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&rgb));
    written.map(|()| path).map_err(|error| error.to_string())
}

/// A new file `NAME-N.png`: a test may have several desktops, and pictures of earlier runs stay.
fn next_file(folder: &Path, name: &str) -> io::Result<(PathBuf, File)> {
    let mut full = io::Error::other(format!("{} has {MOST} pictures of it already; remove them", folder.display()));
    for number in 1..=MOST {
        let path = folder.join(format!("{name}-{number}.png"));
        match File::create_new(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                full = error;
                break;
            }
        }
    }
    Err(full)
}

#[cfg(test)]
mod tests {
    use super::super::TestDesktop;
    use super::*;

    #[test]
    fn a_test_that_fails_leaves_a_picture_of_its_desktop() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/failures");
        let test = format!("a::test that fails {}", std::process::id());
        let failing = thread::Builder::new().name(test.clone()).spawn(|| {
            let desktop = TestDesktop::start(320, 200);
            desktop.run("xsetroot", &["-solid", "#204060"]);
            panic!("it is meant to");
        });
        failing.unwrap().join().unwrap_err();
        let picture = folder.join(format!("{}-1.png", test.replace("::", ".").replace(' ', "-")));
        let decoder = png::Decoder::new(io::BufReader::new(File::open(&picture).unwrap()));
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        fs::remove_file(&picture).unwrap();
        assert_eq!((info.width, info.height, info.color_type), (320, 200, png::ColorType::Rgb));
        assert_eq!(pixels[..3], [0x20, 0x40, 0x60]);
    }

    #[test]
    fn no_picture_is_no_second_failure() {
        let folder = tempfile::tempdir().unwrap();
        let why = write_picture(":4242", folder.path(), "gone").unwrap_err();
        assert!(why.contains(":4242"), "{why}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn no_picture_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        for number in 1..=MOST {
            assert!(next_file(folder.path(), "test").unwrap().0.ends_with(format!("test-{number}.png")));
        }
        assert!(next_file(folder.path(), "test").unwrap_err().to_string().contains("20 pictures"));
    }
}
