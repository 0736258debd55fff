//! Many calls at once, much at once, and a look and an input while much is under way.

use futures_util::future::try_join_all;
use opendesk_core::limits;
use opendesk_std::api::{ClipboardContents, ClipboardEntry, Point, PointerAction, PointerEvent};
use opendesk_tokio::Client;

use super::echo::Link;
use super::sample::{self, Sample};
use super::{Report, failed, measure_loop};
use crate::exit::Failure;

const BULK: usize = 8 * 1024 * 1024;

pub(super) async fn rows(report: &mut Report, client: &Client, link: &mut Link, rounds: usize) -> Result<(), Failure> {
    let calls = limits::CALLS;
    let (mut floor, mut ours) = (Sample::default(), Sample::default());
    for _ in 0..10 * rounds {
        floor.take(measure_loop(10, async || link.pipelined(calls, 64).await.map_err(failed)).await?);
        ours.take(
            measure_loop(10, async || {
                try_join_all((0..calls).map(|_| client.capabilities())).await.map(drop).map_err(Failure::from)
            })
            .await?,
        );
    }
    report.row(&format!("{calls} calls at once"), ours, Some(("as many echoes at once", floor)));

    let bulk = ClipboardContents {
        entries: vec![ClipboardEntry { mime_type: "application/octet-stream".into(), data: vec![7; BULK] }],
    };
    let (mut floor, mut ours) = (Sample::default(), Sample::default());
    for _ in 0..5 * rounds {
        floor.take(measure_loop(1, async || link.round_trip(BULK).await.map_err(failed)).await?);
        let begun = sample::now();
        client.clipboard_write(&bulk).await?;
        client.clipboard_read().await?;
        ours.push(begun.elapsed());
    }
    report.row("8 MiB there and 8 MiB back (clipboard)", ours, Some(("echo of 8 MiB", floor)));

    let look = async || client.cursor_position().await.map(drop).map_err(Failure::from);
    let there = PointerEvent {
        action: PointerAction::Move,
        point: Point::new(5.0, 5.0),
        button: None,
        modifiers: vec![],
        dx: 0.0,
        dy: 0.0,
    };
    let act = async || client.pointer(&there).await.map(drop).map_err(Failure::from);
    let (idle_look, idle_act) = (measure_loop(500 * rounds, look).await?, measure_loop(500 * rounds, act).await?);
    let reader = client.clone();
    // As long as there is somebody to ask, 32 MiB are always on their way.
    let reading =
        tokio::spawn(async move { while try_join_all((0..4).map(|_| reader.clipboard_read())).await.is_ok() {} });
    let (busy_look, busy_act) = (measure_loop(100 * rounds, look).await?, measure_loop(100 * rounds, act).await?);
    reading.abort();
    report.row("a look while 32 MiB are on their way", busy_look, Some(("the same with nothing under way", idle_look)));
    report.row("an input while 32 MiB are on their way", busy_act, Some(("the same with nothing under way", idle_act)));
    Ok(())
}
