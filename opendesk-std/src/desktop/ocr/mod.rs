//! Reading text from pixels, by the program `tesseract`, and finding a text in what was read.
//!
//! The program is started for each picture, in a process group of its own, and killed with its call or after 20 s. It
//! gets one thread: two of them wait for each other on a busy machine and take ten times as long.

mod find;
mod ink;
mod tsv;

pub use find::{Found, find, matches};

use crate::api::{CompletedCommand, Error, ErrorCode, ExecParams, OcrParams, Result, ScreenText};
use crate::cancel::Cancel;
use crate::desktop::Frame;
use crate::home::printable;
use crate::os::command::run_exec;

const PROGRAM: &str = "tesseract";

/// What is read when nobody says.
const LANGUAGE: &str = "eng";

/// Longest name of one or several languages, in bytes.
const MAX_LANGUAGE: usize = 32;

/// The largest picture that is read: two full HD screens. The time that it takes grows with the picture.
const MAX_PIXELS: u64 = 2 * 1920 * 1080;

/// The most words that one picture may have; a full HD screen that is full of the smallest letters has some 4,500.
const MAX_WORDS: usize = 5_000;

/// As much output as is kept of a command: what is longer has lost its end.
const MAX_OUTPUT: usize = 1 << 20;

/// Seconds that one picture may take; a full HD screen takes two on a machine that does nothing else.
const READING: f64 = 20.0;

/// Seconds that the program may take to say what it has.
const PROBING: f64 = 10.0;

/// What reads text from pictures.
#[derive(Debug, Clone)]
pub struct Ocr(());

impl Ocr {
    /// Finds out whether text can be read here. It starts a program, which takes some 20 ms.
    ///
    /// # Errors
    /// One line that names the packages to install.
    pub fn probe() -> core::result::Result<Self, String> {
        let listed = tesseract(&["--list-langs"], None, PROBING, &Cancel::new()).map_err(|error| error.message)?;
        // Which of the two has the list differs between versions.
        let output = [listed.stdout, listed.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
        let has_data = output.iter().flat_map(|text| text.lines()).any(|line| line.trim() == LANGUAGE);
        if has_data { Ok(Self(())) } else { Err(no_data(LANGUAGE)) }
    }

    /// Reads the words of a frame at the desktop's own size. It takes tens of milliseconds for a button and two
    /// seconds for a full HD screen, so small regions are worth their trouble. Words that the program itself does not
    /// hold for any are left out; the others may be wrong, as their confidence says.
    ///
    /// # Errors
    /// `invalid_argument` for a language that no data can have the name of, `limit_exceeded` for more than 4,147,200
    /// pixels or 5,000 words, `capability_unsupported` naming the package to install where the program or the data of
    /// the language is not there, `timeout` after 20 s, `cancelled` once `cancel` says so.
    pub fn read(&self, frame: Frame, params: &OcrParams, cancel: &Cancel) -> Result<ScreenText> {
        let language = language(params.language.as_deref())?;
        check_size(&frame)?;
        cancel.check()?;
        let area = frame.area;
        let sheet = ink::sheet(&frame)?;
        drop(frame);
        let arguments = ["-", "-", "-l", language, "--psm", SPARSE, "tsv"];
        let read = tesseract(&arguments, Some(sheet.file()), READING, cancel).map_err(told_otherwise)?;
        // Where several languages are asked for, the program does without those that it lacks.
        if let Some(missing) = missing_language(&read.stderr) {
            return Err(Error::new(ErrorCode::CapabilityUnsupported, no_data(&missing)));
        }
        if read.returncode != 0 {
            return Err(Error::internal(format!(
                "{PROGRAM} could not read the picture and ended with {}: {}",
                read.returncode,
                last_line(&read.stderr)
            )));
        }
        let words = tsv::words(&String::from_utf8_lossy(&read.stdout), |part| sheet.place(part));
        if words.len() > MAX_WORDS || read.stdout.len() > MAX_OUTPUT {
            return Err(Error::new(
                ErrorCode::LimitExceeded,
                format!("there are more than {MAX_WORDS} words to be read; give a smaller region"),
            ));
        }
        Ok(ScreenText { area, words })
    }
}

/// As much text as there is, in no order: labels and buttons each stay a line of their own, where the analysis of a
/// page would join what stands side by side.
const SPARSE: &str = "11";

fn tesseract(arguments: &[&str], input: Option<Vec<u8>>, seconds: f64, cancel: &Cancel) -> Result<CompletedCommand> {
    let params = ExecParams {
        argv: core::iter::once(PROGRAM).chain(arguments.iter().copied()).map(str::to_owned).collect(),
        timeout: Some(seconds),
        env: vec![("OMP_THREAD_LIMIT".to_owned(), "1".to_owned())],
        stdin: input,
        ..ExecParams::default()
    };
    run_exec(&params, &[], cancel).map_err(|error| match error.code {
        ErrorCode::NotFound => Error::new(
            ErrorCode::CapabilityUnsupported,
            format!("there is no program {PROGRAM}; install the packages tesseract-ocr and tesseract-ocr-eng"),
        ),
        _ => error,
    })
}

/// An error of running a command as one of reading text.
fn told_otherwise(error: Error) -> Error {
    match error.code {
        ErrorCode::Timeout => Error::new(
            ErrorCode::Timeout,
            format!("reading the text took longer than {READING} s and was stopped; give a smaller region"),
        ),
        _ => error,
    }
}

/// The name of a language, which becomes an argument of the program and a part of the name of a file.
fn language(name: Option<&str>) -> Result<&str> {
    let name = name.unwrap_or(LANGUAGE);
    let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    let is_good = name.len() <= MAX_LANGUAGE && name.split('+').all(|part| !part.is_empty() && is_name(part));
    if is_good {
        return Ok(name);
    }
    let shown: String = name.chars().take(MAX_LANGUAGE).collect();
    Err(Error::invalid(format!(
        "no language is called {:?}; names are like eng or deu+eng, at most {MAX_LANGUAGE} letters",
        printable(&shown)
    )))
}

fn check_size(frame: &Frame) -> Result<()> {
    let Frame { width, height, pixels, .. } = frame;
    let count = u64::from(*width) * u64::from(*height);
    if count > MAX_PIXELS {
        return Err(Error::new(
            ErrorCode::LimitExceeded,
            format!(
                "{width}×{height} pixels are too many to be read at once, which is {MAX_PIXELS} at most; give a region"
            ),
        ));
    }
    if count == 0 || pixels.len() as u64 != count * 4 {
        return Err(Error::internal(format!(
            "the desktop gave a picture of {width}×{height} pixels with {} bytes; try again",
            pixels.len()
        )));
    }
    Ok(())
}

/// The language that the program says it has no data of.
fn missing_language(stderr: &[u8]) -> Option<String> {
    let said = String::from_utf8_lossy(stderr);
    let name = said.lines().find_map(|line| line.trim().strip_prefix("Failed loading language '")?.strip_suffix('\''));
    name.map(printable)
}

/// That there is no data of a language, and what has it.
fn no_data(language: &str) -> String {
    // Packages are called without underscores.
    let package = language.replace('_', "-").to_ascii_lowercase();
    format!("{PROGRAM} has no data of the language {language}; install the package tesseract-ocr-{package}")
}

fn last_line(stderr: &[u8]) -> String {
    let said = String::from_utf8_lossy(stderr);
    let line = said.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("it said nothing");
    printable(&line.chars().take(200).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Rect;

    #[test]
    fn names_of_languages_are_nothing_else() {
        for good in ["eng", "deu+eng", "chi_sim", "chi_tra_vert+eng", &"a".repeat(32)] {
            assert_eq!(language(Some(good)).unwrap(), good);
        }
        assert_eq!(language(None).unwrap(), "eng");
        for bad in ["", "+", "eng+", "+eng", "deu++eng", "../eng", "-l", "eng deu", "éng", "e\0g", &"a".repeat(33)] {
            let error = language(Some(bad)).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidArgument, "{bad:?}");
            assert!(!error.message.contains('\0'), "{error}");
        }
    }

    #[test]
    fn what_is_too_large_or_no_picture_is_refused() {
        let frame = |width: u32, height: u32, bytes: usize| Frame {
            width,
            height,
            pixels: vec![0; bytes],
            area: Rect::default(),
        };
        assert!(check_size(&frame(1920, 1080, 1920 * 1080 * 4)).is_ok());
        for (width, height) in [(2074, 2000), (u32::MAX, u32::MAX)] {
            let error = check_size(&frame(width, height, 0)).unwrap_err();
            assert_eq!(error.code, ErrorCode::LimitExceeded);
            assert!(error.message.contains("give a region"), "{error}");
        }
        for (width, height, bytes) in [(0, 5, 0), (5, 0, 0), (2, 2, 15), (2, 2, 17)] {
            assert_eq!(check_size(&frame(width, height, bytes)).unwrap_err().code, ErrorCode::Internal);
        }
    }

    #[test]
    fn a_language_without_data_is_told_with_its_package() {
        let said = b"Error opening data file /usr/share/tesseract-ocr/5/tessdata/chi_sim.traineddata\n\
            Please make sure the TESSDATA_PREFIX environment variable is set to your \"tessdata\" directory.\n\
            Failed loading language 'chi_sim'\nEstimating resolution as 229\n";
        let missing = missing_language(said).unwrap();
        assert_eq!(missing, "chi_sim");
        assert!(no_data(&missing).ends_with("install the package tesseract-ocr-chi-sim"));
        assert_eq!(missing_language(b"Estimating resolution as 229\n"), None);
    }

    #[test]
    fn what_the_program_says_last_is_one_short_line() {
        assert_eq!(last_line(b"first\n  second \x1b[31m \n\n"), "second \\u{1b}[31m");
        assert_eq!(last_line(b"\n"), "it said nothing");
        assert_eq!(last_line("é".repeat(500).as_bytes()), "é".repeat(200));
    }
}
