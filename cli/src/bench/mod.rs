//! `opendesk bench`: opendesk against the floor under it, a plain WebSocket on the same runtime, in one run.

mod against;
mod apart;
#[cfg(all(target_os = "linux", feature = "against-xcap"))]
mod by_xcap;
mod copy;
mod echo;
#[cfg(target_os = "linux")]
mod elements;
mod load;
mod loopback;
mod mcp;
mod process;
mod protocol;
mod reach;
mod sample;
#[cfg(target_os = "linux")]
mod screen;

use std::sync::Arc;

use opendesk_std::api::CaptureParams;
use opendesk_std::desktop::r#virtual::VirtualDesktop;
use opendesk_std::desktop::{self, Backend, CaptureArea, Computer};
use opendesk_std::picture::{self, Rendering};
use opendesk_tokio::{Client, ConnectOptions, HostOptions};
use serde_json::{Value, json};

use self::echo::Echo;
use self::loopback::Loopback;
use self::sample::{Sample, measure, measure_async};
use crate::args;
use crate::exit::Failure;
use crate::output;

fn failed(error: impl core::fmt::Display) -> Failure {
    Failure::failed(error.to_string())
}

pub(crate) async fn run(options: args::Bench, json: bool) -> Result<(), Failure> {
    let rounds = if options.quick { 1 } else { 5 };
    if let Some(python) = &options.against_python {
        return against::run(python, rounds, json).await;
    }
    let mut report = Report::default();
    for audit in [true, false] {
        loopback(&mut report, audit, rounds).await?;
    }
    copy::rows(&mut report, rounds).await?;
    reach::rows(&mut report, rounds).await?;
    mcp::rows(&mut report, rounds).await?;
    protocol::rows(&mut report, rounds)?;
    pictures(&mut report, rounds)?;
    #[cfg(target_os = "linux")]
    screen::rows(&mut report, rounds).await?;
    output::result(json, &report.json(), || report.table());
    Ok(())
}

/// A host and a controller in this process, with the audit log that hosts keep by default, or without.
async fn loopback(report: &mut Report, audit: bool, rounds: usize) -> Result<(), Failure> {
    let desktop = Arc::new(VirtualDesktop::new(1920, 1080));
    let loopback = Loopback::start(|home| HostOptions { audit, ..HostOptions::new(home, desktop) }).await?;
    let suffix = if audit { "" } else { ", no audit log" };
    over_loopback(report, suffix, &loopback.connect, rounds).await?;
    loopback.end().await
}

async fn over_loopback(
    report: &mut Report,
    suffix: &str,
    connect: &ConnectOptions,
    rounds: usize,
) -> Result<(), Failure> {
    let echo = Echo::start().await.map_err(failed)?;
    let floor = measure_async(50 * rounds, || async {
        let mut link = echo.connect().await?;
        link.round_trip(64).await?;
        link.close().await
    });
    let floor = floor.await.map_err(failed)?;
    let ours = measure_async(50 * rounds, || async {
        let client = opendesk_tokio::connect(connect).await?;
        client.close().await;
        Ok::<_, opendesk_tokio::ClientError>(())
    });
    report.row(
        &format!("connect, authenticate, hello, close{suffix}"),
        ours.await?,
        Some(("connect, echo, close", floor)),
    );

    let mut link = echo.connect().await.map_err(failed)?;
    let client = opendesk_tokio::connect(connect).await?;
    // Side by side in small turns, so that what else the machine does falls on both.
    let (mut floor, mut ours) = (Sample::default(), Sample::default());
    for _ in 0..10 * rounds {
        floor.take(measure_loop(200, async || link.round_trip(64).await.map_err(failed)).await?);
        ours.take(measure_loop(200, async || client.capabilities().await.map(drop).map_err(Failure::from)).await?);
    }
    report.row(&format!("round trip, answered at once{suffix}"), ours, Some(("echo of 64 bytes", floor.clone())));
    let desktop = measure_loop(1000 * rounds, async || client.cursor_position().await.map(drop).map_err(Failure::from));
    report.row(
        &format!("round trip through the desktop's thread{suffix}"),
        desktop.await?,
        Some(("echo of 64 bytes", floor)),
    );
    if !suffix.is_empty() {
        client.close().await;
        return Ok(());
    }
    load::rows(report, &client, &mut link, rounds).await?;
    let shot = |client: Client| async move { client.capture(&CaptureParams::default()).await.map(drop) };
    let shots = measure_async(20 * rounds, || shot(client.clone())).await?;
    report.row("screenshot of 1920x1080, virtual, over the link", shots, None);
    client.close().await;
    Ok(())
}

async fn measure_loop(times: usize, mut work: impl AsyncFnMut() -> Result<(), Failure>) -> Result<Sample, Failure> {
    let mut sample = Sample::default();
    for _ in 0..times {
        let begun = sample::now();
        work().await?;
        sample.push(begun.elapsed());
    }
    Ok(sample)
}

/// Capture, scale and encode, without any link.
fn pictures(report: &mut Report, rounds: usize) -> Result<(), Failure> {
    let virtual_desktop = VirtualDesktop::new(1920, 1080);
    picture_rows(report, "virtual", &virtual_desktop, rounds)?;
    match desktop::open(Backend::X11) {
        Ok(x11) => picture_rows(report, "x11", &*x11, rounds),
        // What measures the X desktop alone says why it cannot.
        Err(_) => Ok(()),
    }
}

fn picture_rows(report: &mut Report, name: &str, computer: &dyn Computer, rounds: usize) -> Result<(), Failure> {
    let area = CaptureArea::default();
    let size = computer.capture(&area).map(|frame| format!("{}x{}", frame.width, frame.height)).map_err(failed)?;
    let raw = measure(40 * rounds, || computer.capture(&area).map(drop)).map_err(failed)?;
    let whole = measure(20 * rounds, || {
        let frame = computer.capture(&area)?;
        picture::render(frame, &Rendering::default(), None, 0.0).map(drop)
    });
    report.row(&format!("{name}: capture {size}"), raw, None);
    report.row(&format!("{name}: capture, scale and encode {size}"), whole.map_err(failed)?, None);
    Ok(())
}

/// What was measured, its times, and those of its floor.
type Row = (String, Sample, Option<(&'static str, Sample)>);

/// Rows of medians, each beside its floor where it has one.
#[derive(Default)]
struct Report {
    rows: Vec<Row>,
    notes: Vec<String>,
}

impl Report {
    fn row(&mut self, what: &str, ours: Sample, floor: Option<(&'static str, Sample)>) {
        self.rows.push((what.to_owned(), ours, floor));
    }

    fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    fn json(&self) -> Value {
        let rows: Vec<Value> = self
            .rows
            .iter()
            .map(|(what, ours, floor)| {
                json!({
                    "what": what,
                    "median_us": ours.median_us(),
                    "p99_us": ours.p99_us(),
                    "floor": floor.as_ref().map(|(name, _)| name),
                    "floor_median_us": floor.as_ref().map(|(_, floor)| floor.median_us()),
                    "ratio": floor.as_ref().map(|(_, floor)| ours.median_us() / floor.median_us()),
                })
            })
            .collect();
        json!({"rows": rows, "notes": self.notes})
    }

    fn table(&self) -> String {
        let mut lines = vec![format!("{:<58} {:>10} {:>10}  floor", "medians", "median", "p99")];
        for (what, ours, floor) in &self.rows {
            let floor = floor.as_ref().map_or_else(String::new, |(name, floor)| {
                let (floor, ratio) = (floor.median_us(), ours.median_us() / floor.median_us());
                format!("{ratio:.2} x {name} ({floor:.1} us)")
            });
            lines.push(format!("{what:<58} {:>7.1} us {:>7.1} us  {floor}", ours.median_us(), ours.p99_us()));
        }
        lines.extend(self.notes.iter().cloned());
        lines.join("\n")
    }
}
