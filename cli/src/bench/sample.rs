//! Times of one thing done many times.

use core::time::Duration;
use std::time::Instant;

pub(super) fn now() -> Instant {
    Instant::now()
}

#[derive(Debug, Clone, Default)]
pub(super) struct Sample(Vec<Duration>);

impl Sample {
    pub(super) fn push(&mut self, time: Duration) {
        self.0.push(time);
    }

    pub(super) fn take(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    fn at(&self, part: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let index = ((sorted.len() as f64 * part) as usize).min(sorted.len().saturating_sub(1));
        sorted.get(index).map_or(0.0, |time| time.as_secs_f64() * 1e6)
    }

    pub(super) fn median_us(&self) -> f64 {
        self.at(0.5)
    }

    pub(super) fn p99_us(&self) -> f64 {
        self.at(0.99)
    }
}

/// Does something that many times.
pub(super) fn measure<E>(times: usize, mut work: impl FnMut() -> Result<(), E>) -> Result<Sample, E> {
    let mut sample = Sample::default();
    for _ in 0..times {
        let begun = now();
        work()?;
        sample.push(begun.elapsed());
    }
    Ok(sample)
}

/// Does something asynchronous that many times.
pub(super) async fn measure_async<E, F: Future<Output = Result<(), E>>>(
    times: usize,
    mut work: impl FnMut() -> F,
) -> Result<Sample, E> {
    let mut sample = Sample::default();
    for _ in 0..times {
        let begun = now();
        work().await?;
        sample.push(begun.elapsed());
    }
    Ok(sample)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_in_the_middle() {
        let sample = Sample([30, 10, 20].map(Duration::from_micros).to_vec());
        assert!((sample.median_us() - 20.0).abs() < 1e-9 && (sample.p99_us() - 30.0).abs() < 1e-9);
    }
}
