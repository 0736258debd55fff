//! The X desktop of `$DISPLAY`: looking, input, a stream, and what they cost when nothing happens.

use core::time::Duration;
use std::fs;
use std::sync::Arc;

use opendesk_std::Cancel;
use opendesk_std::api::{
    Button, CaptureParams, DisplaySubscribe, PictureFormat, PictureProfile, Point, PointerAction, PointerEvent, Rect,
    SubscribeParams, TextInput,
};
use opendesk_std::client::Subscription;
use opendesk_std::desktop::x11::{ProbeWindow, X11Desktop};
use opendesk_std::desktop::{CaptureArea, Computer};
use opendesk_std::picture::{self, Rendering};
use opendesk_tokio::{Client, HostOptions};

use super::loopback::Loopback;
use super::sample::{self, measure};
use super::{Report, elements, failed, measure_loop};
use crate::exit::Failure;

/// What is typed: within what one call takes, and nothing that a layout may lack.
const TYPED: usize = 1000;

/// How long a stream is watched.
const WATCHED: Duration = Duration::from_secs(2);

pub(super) async fn rows(report: &mut Report, rounds: usize) -> Result<(), Failure> {
    let x11 = match X11Desktop::open(None) {
        Ok(x11) => Arc::new(x11),
        Err(error) => {
            report.note(format!("x11 was not measured: {error}"));
            return Ok(());
        }
    };
    #[cfg(feature = "against-xcap")]
    super::by_xcap::row(report, &*x11, rounds)?;
    looks(report, &*x11, rounds)?;
    let computer: Arc<dyn Computer> = x11.clone();
    let loopback = Loopback::start(|home| HostOptions::new(home, computer)).await?;
    let client = opendesk_tokio::connect(&loopback.connect).await?;
    let probe = ProbeWindow::open(None).map_err(failed)?;
    input(report, &client, &probe, rounds).await?;
    streams(report, &client, &x11, &probe).await?;
    drop(probe);
    client.close().await;
    loopback.end().await?;
    // The last one: its window would be in the way of the others.
    elements::row(report, &*x11, rounds).await;
    Ok(())
}

fn looks(report: &mut Report, x11: &dyn Computer, rounds: usize) -> Result<(), Failure> {
    let area = CaptureArea::default();
    let part = CaptureArea { region: Some(Rect::new(0.0, 0.0, 64.0, 64.0)), ..CaptureArea::default() };
    let small = measure(200 * rounds, || x11.capture(&part).map(drop)).map_err(failed)?;
    report.row("x11: capture 64x64", small, None);
    let formats = [
        ("x11: capture, scale, encode as PNG", PictureFormat::Png, None),
        ("x11: capture, scale, encode as lossless WebP", PictureFormat::Webp, None),
        ("x11: capture, scale, encode as JPEG", PictureFormat::Jpeg, None),
        ("x11: capture, scale, encode within 100 KB", PictureFormat::Png, Some(100_000)),
    ];
    for (what, format, max_bytes) in formats {
        let how = Rendering { profile: PictureProfile::Claude, format, max_bytes };
        let mut bytes = 0;
        let whole = measure(10 * rounds, || {
            let picture = picture::render(x11.capture(&area)?, &how, None, 0.0)?;
            bytes = picture.data.len();
            Ok::<_, opendesk_std::api::Error>(())
        });
        report.row(what, whole.map_err(failed)?, None);
        report.note(format!("{what}: {} KB", bytes / 1000));
    }
    let asked = measure(500 * rounds, || x11.generation(&area).map(drop)).map_err(failed)?;
    report.row("x11: has anything changed?", asked, None);
    if x11.capabilities().contains(&"ui.tree") {
        let (tree, nodes) = elements::tree(x11, None, 5 * rounds)?;
        report.row("x11: accessibility tree", tree, None);
        report.note(format!("x11: accessibility tree: {nodes} elements"));
    }
    let before = resident();
    for _ in 0..1000 {
        drop(x11.capture(&area).map_err(failed)?);
    }
    if let (Some(before), Some(after)) = (before, resident()) {
        report.note(format!("resident memory before and after 1,000 captures: {before} and {after} KiB"));
    }
    Ok(())
}

fn event(action: PointerAction, point: Point) -> PointerEvent {
    PointerEvent { action, point, button: Some(Button::Left), modifiers: Vec::new(), dx: 0.0, dy: 0.0 }
}

async fn input(report: &mut Report, client: &Client, probe: &ProbeWindow, rounds: usize) -> Result<(), Failure> {
    let point = probe.button().map_err(failed)?.center();
    let floor =
        measure_loop(500 * rounds, async || client.cursor_position().await.map(drop).map_err(Failure::from)).await?;
    let moved = async || client.pointer(&event(PointerAction::Move, point)).await.map(drop).map_err(Failure::from);
    let moves = measure_loop(500 * rounds, moved).await?;
    let click = async || {
        let (down, up) = (event(PointerAction::Down, point), event(PointerAction::Up, point));
        let (down, up) = futures_util::future::join(client.pointer(&down), client.pointer(&up)).await;
        down.and(up).map(drop).map_err(Failure::from)
    };
    let clicks = measure_loop(100 * rounds, click).await?;
    report.row("x11: pointer event", moves, Some(("a look through the desktop's thread", floor.clone())));
    report.row("x11: click", clicks, Some(("a look through the desktop's thread", floor)));

    let entry = probe.entry().map_err(failed)?.center();
    client.pointer(&event(PointerAction::Down, entry)).await?;
    client.pointer(&event(PointerAction::Up, entry)).await?;
    let text: String = ('!'..='~').cycle().take(TYPED).collect();
    let had = probe.text();
    let input = TextInput { text: text.clone(), interval_ms: 0 };
    let typed = measure_loop(1, async || client.text(&input).await.map(drop).map_err(Failure::from)).await?;
    let exact = probe.wait(|probe| probe.text() == format!("{had}{text}"), Duration::from_secs(10));
    report.row(&format!("x11: {TYPED} characters typed"), typed, None);
    report.note(format!("x11: the text arrived {}", if exact { "exactly" } else { "CHANGED" }));
    Ok(())
}

async fn streams(
    report: &mut Report,
    client: &Client,
    x11: &Arc<X11Desktop>,
    probe: &ProbeWindow,
) -> Result<(), Failure> {
    let capture = CaptureParams { profile: PictureProfile::Native, ..CaptureParams::default() };
    let mut pictures = client.watch(&SubscribeParams { capture, fps: 60 }).await?;
    // The whole picture, and what the pointer's last click still changes.
    let begun = sample::now();
    let next = async |pictures: &mut Subscription<DisplaySubscribe>| {
        matches!(tokio::time::timeout(Duration::from_millis(500), pictures.next()).await, Ok(Some(_)))
    };
    while begun.elapsed() < 2 * WATCHED && next(&mut pictures).await {}
    let (before, begun) = (processor(), sample::now());
    let quiet = tokio::time::timeout(WATCHED, pictures.next()).await.is_err();
    if let (Some(before), Some(after), true) = (before, processor(), quiet) {
        let part = after.saturating_sub(before).as_secs_f64() / begun.elapsed().as_secs_f64() * 100.0;
        report.note(format!("a stream while nothing changes: {part:.1} % of one processor, host and controller"));
    } else {
        report.note("a stream while nothing changes: not measured, because something changed".to_owned());
    }

    let typist = Arc::clone(x11);
    let cancel = Cancel::new();
    let stop = cancel.clone();
    let typing =
        std::thread::spawn(move || while typist.type_text("abcdefgh", Duration::from_millis(4), &stop).is_ok() {});
    let (begun, mut items, mut bytes) = (sample::now(), 0_u32, 0);
    while begun.elapsed() < WATCHED {
        let Ok(Some(update)) = tokio::time::timeout(WATCHED, pictures.next()).await else { break };
        let Ok(update) = update else { break };
        items += 1;
        bytes += update.patches.iter().map(|patch| patch.data.len()).sum::<usize>();
    }
    let rate = f64::from(items) / begun.elapsed().as_secs_f64();
    cancel.cancel();
    let _ended = typing.join().is_ok();
    report.note(format!(
        "a stream of the whole screen while somebody types: {rate:.0} changed frames a second, {} bytes each",
        bytes / items.max(1) as usize
    ));
    // The window is there while it is typed into.
    let _typed = probe.text().len();
    Ok(())
}

/// Resident memory of this process in KiB.
fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix("kB")?.trim().parse().ok())
}

/// Processor time of this process so far.
fn processor() -> Option<Duration> {
    // Of all threads: each has its own account.
    let own = |task: &std::path::Path| -> Option<u64> {
        fs::read_to_string(task.join("schedstat")).ok()?.split_whitespace().next()?.parse().ok()
    };
    let tasks = fs::read_dir("/proc/self/task").ok()?;
    let nanoseconds: u64 = tasks.filter_map(|task| own(&task.ok()?.path())).sum();
    Some(Duration::from_nanos(nanoseconds))
}
