//! This program: a host and a controller on loopback, version 2 of the wire, the audit log as it is by default.

use std::path::Path;
use std::sync::Arc;

use futures_util::future::try_join_all;
use futures_util::{StreamExt, TryStreamExt, stream};
use opendesk_core::Wire;
use opendesk_std::api::{
    CaptureParams, FileReadParams, FsRead, PictureFormat, PictureProfile, Point, PointerAction, PointerEvent,
};
use opendesk_std::desktop::Computer;
use opendesk_tokio::{Client, ConnectOptions, HostOptions};

use super::rows::{CALLS, FILE_BYTES, Row, Work};
use crate::bench::loopback::Loopback;
use crate::bench::measure_loop;
use crate::bench::sample::{self, Sample};
use crate::exit::Failure;

/// One call holds less than 16 MiB.
const PART_BYTES: u64 = 8 * 1024 * 1024;

/// One part is on its way while the next one is read from the disk.
const PARTS_IN_FLIGHT: usize = 2;

/// The same as in `peer.py`.
const PLACES: [Point; 2] = [Point::new(400.0, 300.0), Point::new(900.0, 600.0)];

/// A picture as it was given: width and height in pixels, bytes of the file.
pub(super) type Size = (u64, u64, u64);

/// Measures the rows, in their order. With the picture's size, if a picture is among them.
pub(super) async fn measure(
    computer: Arc<dyn Computer>,
    file: &Path,
    rows: &[&'static Row],
    rounds: usize,
) -> Result<(Vec<Sample>, Option<Size>), Failure> {
    let loopback =
        Loopback::start(|home| HostOptions { files: true, oldest: Wire::V2, ..HostOptions::new(home, computer) })
            .await?;
    let (mut samples, mut size) = (Vec::new(), None);
    for row in rows {
        let times = row.times * rounds;
        if row.work == Work::Connect {
            samples.push(connects(&loopback.connect, times).await?);
            continue;
        }
        // Each row has a session of its own, as in peer.py.
        let client = opendesk_tokio::connect(&loopback.connect).await?;
        samples.push(one(&client, row.work, file, times).await?);
        if row.work == Work::Capture {
            let picture = client.capture(&full_size()).await?;
            size = Some((picture.width.into(), picture.height.into(), picture.data.len() as u64));
        }
        client.close().await;
    }
    loopback.end().await?;
    Ok((samples, size))
}

/// Only the way to the open session counts, not its end.
async fn connects(connect: &ConnectOptions, times: usize) -> Result<Sample, Failure> {
    let mut sample = Sample::default();
    for _ in 0..times {
        let begun = sample::now();
        let client = opendesk_tokio::connect(connect).await?;
        sample.push(begun.elapsed());
        client.close().await;
    }
    Ok(sample)
}

async fn one(client: &Client, work: Work, file: &Path, times: usize) -> Result<Sample, Failure> {
    match work {
        // Connecting is measured by connects(); the session is there already.
        Work::Connect | Work::Unary => {
            measure_loop(times, async || client.capabilities().await.map(drop).map_err(Failure::from)).await
        }
        Work::InFlight => {
            let all_at_once =
                async || try_join_all((0..CALLS).map(|_| client.capabilities())).await.map(drop).map_err(Failure::from);
            measure_loop(times, all_at_once).await
        }
        Work::Read => {
            let path = file.to_str().ok_or_else(|| Failure::failed("the temporary directory's name is no UTF-8"))?;
            measure_loop(times, async || whole(client, path).await).await
        }
        Work::Cursor => {
            measure_loop(times, async || client.cursor_position().await.map(drop).map_err(Failure::from)).await
        }
        Work::Pointer => moves(client, times).await,
        Work::Capture => {
            let params = full_size();
            measure_loop(times, async || client.capture(&params).await.map(drop).map_err(Failure::from)).await
        }
    }
}

/// The picture that the package gives: every pixel, as PNG.
fn full_size() -> CaptureParams {
    CaptureParams { profile: PictureProfile::Native, format: PictureFormat::Png, ..CaptureParams::default() }
}

/// Moves to and fro, and sees that the pointer went.
async fn moves(client: &Client, times: usize) -> Result<Sample, Failure> {
    let mut sample = Sample::default();
    for turn in 0..times {
        let event = PointerEvent {
            action: PointerAction::Move,
            point: PLACES[turn % PLACES.len()],
            button: None,
            modifiers: vec![],
            dx: 0.0,
            dy: 0.0,
        };
        let begun = sample::now();
        client.pointer(&event).await?;
        sample.push(begun.elapsed());
        let found = client.cursor_position().await?;
        if found != event.point {
            let (x, y) = (event.point.x, event.point.y);
            return Err(Failure::failed(format!("the pointer is at {}, {} instead of {x}, {y}", found.x, found.y)));
        }
    }
    Ok(sample)
}

/// The whole file in one piece, as the package gives it.
async fn whole(client: &Client, path: &str) -> Result<(), Failure> {
    let parts = (0..FILE_BYTES / PART_BYTES).map(|part| {
        let params = FileReadParams { path: path.to_owned(), offset: part * PART_BYTES, length: Some(PART_BYTES) };
        async move { client.call::<FsRead>(&params).await }
    });
    let mut parts = stream::iter(parts).buffered(PARTS_IN_FLIGHT);
    let mut file = Vec::with_capacity(FILE_BYTES as usize);
    while let Some(part) = parts.try_next().await? {
        file.extend_from_slice(&part.data);
    }
    if file.len() as u64 == FILE_BYTES {
        Ok(())
    } else {
        Err(Failure::failed(format!("{} bytes were read of {FILE_BYTES}", file.len())))
    }
}
