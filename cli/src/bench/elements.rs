//! How long accessibility trees take, also one of a known size: of a window that this program brings along.

use core::time::Duration;
use std::process::Command;

use opendesk_std::Cancel;
use opendesk_std::api::{Error, TreeParams};
use opendesk_std::desktop::Computer;

use super::process::Process;
use super::sample::{self, Sample, measure};
use super::{Report, failed};
use crate::exit::Failure;

const WHAT: &str = "x11: accessibility tree of 500 elements or more";

/// For as many the aim is set.
const LEAST: usize = 500;

const SCRIPT: &str = include_str!("elements.py");

/// Debian's own: one that comes first on the `PATH` may lack PyGObject.
const PYTHON: &str = "/usr/bin/python3";

/// GTK on a busy machine, read from the disk for the first time.
const START: Duration = Duration::from_secs(60);

/// Rarely enough that the window comes up all the same.
const LOOK: Duration = Duration::from_millis(100);

/// Measures that window's tree. Where it cannot, the report says why.
pub(super) async fn row(report: &mut Report, x11: &dyn Computer, rounds: usize) {
    match measured(x11, 5 * rounds).await {
        Ok((tree, nodes)) => {
            report.row(WHAT, tree, None);
            report.note(format!("{WHAT}: {nodes} elements, aim ≤ 40 ms for {LEAST}"));
        }
        Err(failure) => report.note(format!("{WHAT}: not measured: {failure}")),
    }
}

/// The times of the tree of one window or of all, and the number of its elements.
pub(super) fn tree(x11: &dyn Computer, window: Option<String>, times: usize) -> Result<(Sample, usize), Failure> {
    let params = TreeParams { window_id: window, max_depth: 64, ..TreeParams::default() };
    let mut nodes = 0;
    let sample = measure(times, || {
        nodes = x11.ui_tree(&params, &Cancel::new())?.nodes.len();
        Ok::<_, Error>(())
    });
    Ok((sample.map_err(failed)?, nodes))
}

async fn measured(x11: &dyn Computer, times: usize) -> Result<(Sample, usize), Failure> {
    if let Some(missing) = x11.missing().into_iter().find(|it| ["ui.tree", "windows.list"].contains(&it.capability)) {
        return Err(Failure::failed(missing.why));
    }
    let folder = tempfile::tempdir().map_err(failed)?;
    let mut program = Process::start(command(x11), folder.path(), "window")?;
    let process: u32 = program.first_line(START).await?.trim().parse().map_err(failed)?;
    let window = complete(x11, process).await?;
    tree(x11, Some(window), times)
}

fn command(x11: &dyn Computer) -> Command {
    let mut command = Command::new(PYTHON);
    // Without the settings that another Python of this user may need.
    command.args(["-I", "-c", SCRIPT]);
    for (name, value) in x11.session_variables() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    // GTK prefers Wayland where there is both, and may have been told to keep its elements to itself.
    command.env("GDK_BACKEND", "x11").env_remove("NO_AT_BRIDGE");
    command
}

/// The window of that process, once its tree is all there.
async fn complete(x11: &dyn Computer, process: u32) -> Result<String, Failure> {
    let begun = sample::now();
    loop {
        // The window manager lists the window, and GTK registers its elements, some time after it is shown.
        let last = match window_of(x11, process).and_then(|id| Ok((id.clone(), tree(x11, Some(id), 1)?.1))) {
            Ok((id, nodes)) if nodes >= LEAST => return Ok(id),
            Ok((_, nodes)) => Failure::failed(format!("its window has {nodes} elements")),
            Err(failure) => failure,
        };
        if begun.elapsed() > START {
            return Err(Failure::failed(format!("{last}, after {} s", START.as_secs())));
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn window_of(x11: &dyn Computer, process: u32) -> Result<String, Failure> {
    let windows = x11.windows().map_err(failed)?;
    let own = windows.into_iter().find(|window| window.pid == Some(process));
    own.map(|window| window.id).ok_or_else(|| Failure::failed("its window is not listed"))
}
