//! `opendesk bench --against-python`: this program beside the Python package opendesk, in one run.

mod ours;
mod rows;
mod theirs;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::{env, fs};

use opendesk_std::desktop::r#virtual::VirtualDesktop;
use opendesk_std::desktop::{self, Backend, Computer};

use self::ours::Size;
use self::rows::{Comparison, FILE_BYTES, MCP_ROWS, Measured, ROWS, Row, Work};
use self::theirs::{Python, VERSION};
use super::{failed, mcp};
use crate::exit::Failure;
use crate::output;

pub(super) async fn run(interpreter: &Path, rounds: usize, json: bool) -> Result<(), Failure> {
    let folder = tempfile::tempdir().map_err(failed)?;
    let (python, version) = Python::open(interpreter, folder.path()).await?;
    let mut notes = Vec::new();
    if version != VERSION {
        notes.push(format!("the package is {version}, not {VERSION}, which this program is made to replace"));
    }
    let (computer, x11) = desktop_of_both()?;
    let rows: Vec<&'static Row> = ROWS.iter().filter(|row| x11 || !row.desktop).collect();
    if !x11 {
        let left_out: Vec<_> = ROWS.iter().filter(|row| row.desktop).map(|row| row.name).collect();
        notes.push(format!(
            "not measured, because the package needs an X server and DISPLAY is not set: {}; `xvfb-run -s '-screen 0 \
             1920x1080x24'` gives one",
            left_out.join(", ")
        ));
    }
    let file = folder.path().join("file");
    fs::write(&file, content()).map_err(failed)?;

    let (samples, our_size) = ours::measure(computer, &file, &rows, rounds).await?;
    let theirs = python.measure(&file, &rows, rounds).await?;
    let their_size = theirs.iter().find_map(|theirs| theirs.size);
    let rows = rows.into_iter().zip(samples.iter().zip(theirs)).map(|(row, (ours, theirs))| Measured {
        row,
        ours_us: ours.median_us(),
        theirs_us: theirs.median_us,
        rounds: row.times * rounds,
    });
    let mut rows: Vec<Measured> = rows.collect();
    rows.extend(servers(interpreter, folder.path().to_owned(), x11, rounds).await?);
    if let Some((ours, theirs)) = our_size.zip(their_size) {
        notes.push(pictures(ours, theirs));
    }
    if rows.iter().any(|measured| measured.row.work == Work::Pointer) {
        notes.push("the package's pointer includes the pause of 100 ms after each action that pyautogui makes".into());
    }
    let comparison = Comparison { version, rows, notes };
    output::result(json, &comparison.json(), || comparison.table());
    Ok(())
}

/// Both MCP servers, by the same client.
async fn servers(interpreter: &Path, folder: PathBuf, x11: bool, rounds: usize) -> Result<Vec<Measured>, Failure> {
    let backend = if x11 { Backend::X11 } else { Backend::Virtual };
    // The package's program stands beside the interpreter that has it.
    let theirs = interpreter.with_file_name("opendesk-mcp");
    let measure = move || {
        let command = |home: &str| {
            let home = folder.join(home);
            let mut command = Command::new(&theirs);
            command.env("HOME", &home).env("OPENDESK_HOME", home.join("opendesk"));
            command
        };
        let mut ours = || mcp::server(&folder.join("ours"), backend);
        let mut theirs = || Ok(command("theirs"));
        let mut rows = Vec::new();
        for row in MCP_ROWS.iter().filter(|row| x11 || !row.desktop) {
            let times = row.times * rounds;
            let measure = |server: &mut dyn FnMut() -> Result<Command, Failure>| match row.work {
                Work::Connect => mcp::starts(server, times),
                _ => mcp::shots(server, times),
            };
            let (ours_us, theirs_us) = (measure(&mut ours)?.median_us(), measure(&mut theirs)?.median_us());
            rows.push(Measured { row, ours_us, theirs_us, rounds: times });
        }
        Ok(rows)
    };
    tokio::task::spawn_blocking(measure).await.map_err(failed)?
}

/// The X server of `$DISPLAY`, which both programs drive, or a desktop of our own.
fn desktop_of_both() -> Result<(Arc<dyn Computer>, bool), Failure> {
    if env::var_os("DISPLAY").is_none_or(|display| display.is_empty()) {
        return Ok((Arc::new(VirtualDesktop::new(1920, 1080)), false));
    }
    let x11 = desktop::open(Backend::X11).map_err(|error| {
        Failure::failed(format!("{error}; without DISPLAY what needs no desktop is measured all the same"))
    })?;
    Ok((x11, true))
}

/// Bytes that no layer makes less of, the same in every run (xorshift).
fn content() -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let words = (0..FILE_BYTES / 8).flat_map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.collect()
}

fn pictures(ours: Size, theirs: Size) -> String {
    let shown = |(width, height, bytes): Size| format!("{width}x{height} in {bytes} bytes");
    let differ = if (ours.0, ours.1) == (theirs.0, theirs.1) { "" } else { ": NOT the same size" };
    format!("pictures: {} (opendesk), {} (python){differ}", shown(ours), shown(theirs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_of_different_sizes_are_told() {
        assert!(pictures((2560, 1440, 9), (1920, 1080, 9)).ends_with("NOT the same size"));
        assert!(pictures((1920, 1080, 7), (1920, 1080, 9)).ends_with("9 bytes (python)"));
    }
}
