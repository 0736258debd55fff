//! One way of one connection.

use std::collections::VecDeque;
use std::io;

use tokio::io::AsyncWriteExt;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::{Fault, Shared, Way, Weather};

/// Bytes that are taken at once.
const PART: usize = 64 * 1024;

/// Bytes that may be on their way: what a network of 100 MB/s holds in 40 ms.
const ON_THE_WAY: usize = 4 * 1024 * 1024;

/// Waits until bytes may pass this way. `None` when the proxy ends.
pub(super) async fn passable(weather: &mut watch::Receiver<Weather>, way: Way) -> Option<Weather> {
    loop {
        let now = weather.borrow_and_update().clone();
        if now.over {
            return None;
        }
        if !now.blocked[way as usize] {
            return Some(now);
        }
        weather.changed().await.ok()?;
    }
}

/// What was read, and when it arrives.
struct Part {
    due: Instant,
    /// Empty is the end.
    bytes: Vec<u8>,
}

/// Passes on what comes, until its end.
pub(super) async fn run(shared: &Shared, way: Way, from: &ReadHalf<'_>, to: &mut WriteHalf<'_>) {
    let mut weather = shared.weather.subscribe();
    let mut on_the_way: VecDeque<Part> = VecDeque::new();
    let mut is_over = false;
    loop {
        let held: usize = on_the_way.iter().map(|part| part.bytes.len()).sum();
        let reads = !is_over && held < ON_THE_WAY;
        let due = on_the_way.front().map(|part| part.due);
        tokio::select! {
            read = read(from, reads) => {
                let bytes = read.unwrap_or_default();
                is_over = bytes.is_empty();
                let latency = weather.borrow().latency;
                on_the_way.push_back(Part { due: Instant::now() + latency, bytes });
            }
            fair = arrival(&mut weather, way, due) => {
                let (Some(()), Some(part)) = (fair, on_the_way.pop_front()) else { return };
                if part.bytes.is_empty() {
                    // There is nothing to be said to one that is gone already.
                    return drop(to.shutdown().await);
                }
                let rest = match pass(shared, way, to, &part.bytes).await {
                    Ok(passed) => part.bytes.get(passed..).unwrap_or_default(),
                    // The other end is gone; what comes after is nobody's.
                    Err(_) => return,
                };
                if !rest.is_empty() {
                    on_the_way.push_front(Part { due: part.due, bytes: rest.to_vec() });
                }
            }
        }
    }
}

/// When the next part arrives, if it may.
async fn arrival(weather: &mut watch::Receiver<Weather>, way: Way, due: Option<Instant>) -> Option<()> {
    match due {
        Some(due) => sleep_until(due).await,
        None => core::future::pending().await,
    }
    passable(weather, way).await.map(drop)
}

async fn read(from: &ReadHalf<'_>, reads: bool) -> io::Result<Vec<u8>> {
    if !reads {
        return core::future::pending().await;
    }
    let mut bytes = vec![0; PART];
    loop {
        from.readable().await?;
        match from.try_read(&mut bytes) {
            Ok(read) => {
                bytes.truncate(read);
                return Ok(bytes);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

/// Passes on as much as may pass, and gives how much that was.
async fn pass(shared: &Shared, way: Way, to: &WriteHalf<'_>, bytes: &[u8]) -> io::Result<usize> {
    let index = way as usize;
    let (allowed, fault) = {
        let account = shared.account();
        match account.limit[index] {
            Some((limit, fault)) => {
                let left = usize::try_from(limit.saturating_sub(account.passed[index])).unwrap_or(usize::MAX);
                // The fault comes behind the last byte that passes, before anybody can answer to it.
                (left.min(bytes.len()), (left <= bytes.len()).then_some(fault))
            }
            None => (bytes.len(), None),
        }
    };
    let mut written = 0;
    while written < allowed {
        to.writable().await?;
        // Whoever has received it finds it counted.
        let mut account = shared.account();
        match to.try_write(&bytes[written..allowed]) {
            Ok(more) => {
                written += more;
                account.passed[index] += more as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    if let Some(fault) = fault {
        shared.account().limit[index] = None;
        shared.break_off(fault);
        if fault != Fault::Silence {
            // Not a byte more: whoever runs this drops it.
            core::future::pending::<()>().await;
        }
    }
    Ok(written)
}
