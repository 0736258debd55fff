//! When a link that broke off is tried again.

use core::time::Duration;

/// How long a machine may be away before it is tried less often: the time of a restart.
const SOON: Duration = Duration::from_secs(120);

/// Between tries while a machine is expected back: with the shorter of the dials below it is found within a second of its
/// return.
pub(super) const EAGER: Duration = Duration::from_millis(300);

/// Between tries of a machine that stays away.
const SELDOM: Duration = Duration::from_secs(10);

/// How long to rest after so many tries in vain, the machine having been away for so long. `jitter` is any byte by chance:
/// what broke off for many at once does not come back for all at once.
pub(super) fn rest(tries: u32, away: Duration, jitter: u8) -> Duration {
    let rest = if away < SOON {
        EAGER.min(Duration::from_millis(50 << tries.saturating_sub(1).min(8)))
    } else {
        // Half of the time beyond, so that it grows by half each time.
        (EAGER + (away - SOON) / 2).min(SELDOM)
    };
    spread(rest, jitter)
}

/// Three quarters to five quarters of it.
pub(super) fn spread(time: Duration, jitter: u8) -> Duration {
    time * 3 / 4 + time * u32::from(jitter) / 512
}

/// How long the network may take to connect. What is lost on a link that is still down costs little time then; every third
/// try is long enough for one whose answer takes a second.
pub(super) const fn dial(tries: u32) -> Duration {
    Duration::from_millis(if tries % 3 == 2 { 1500 } else { 400 })
}

/// Whether the network is asked where the machine is, besides where it was: soon, and then now and then, because everybody
/// on the network hears it.
pub(super) const fn asks(tries: u32) -> bool {
    tries % 8 < 2
}

/// How long to rest after so many sessions that ended as soon as they were there.
pub(super) fn flapping(times: u32) -> Duration {
    SELDOM.min(EAGER * (1 << times.min(6)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The times of all tries within ten minutes, each of which takes `takes`.
    fn tries(takes: Duration, jitter: u8) -> Vec<Duration> {
        let (mut at, mut all) = (Duration::ZERO, Vec::new());
        while at < Duration::from_secs(600) {
            all.push(at);
            at += takes.min(dial(all.len() as u32 - 1)) + rest(all.len() as u32, at, jitter);
        }
        all
    }

    #[test]
    fn a_machine_that_returns_soon_is_found_within_a_second_wherever_it_answers_quickly() {
        for jitter in [0, 100, 255] {
            let all = tries(Duration::from_secs(9), jitter);
            let soon = all.iter().filter(|at| **at < SOON);
            // A dial that is under way when the link is back is repeated by the system a second after it began.
            let longest = all.windows(2).zip(soon).map(|(pair, _)| pair[1] - pair[0]).max().unwrap();
            assert!(longest <= Duration::from_millis(1500 + 375), "{longest:?}");
            let short = all.windows(2).filter(|pair| pair[1] - pair[0] <= Duration::from_millis(775)).count();
            assert!(short * 3 >= all.iter().filter(|at| **at < SOON).count() * 2 - 3, "two of three are short");
        }
    }

    #[test]
    fn a_machine_that_stays_away_is_left_in_peace() {
        let all = tries(Duration::ZERO, 128);
        assert!(all.len() < 550, "{}", all.len());
        let last = all[all.len() - 1] - all[all.len() - 2];
        assert!(last >= SELDOM * 3 / 4, "{last:?}");
        assert!(all.windows(2).skip(4).all(|pair| pair[1] - pair[0] >= EAGER * 3 / 4));
    }

    #[test]
    fn sessions_that_do_not_last_are_opened_more_and_more_seldom() {
        let rests: Vec<Duration> = (2..20).map(flapping).collect();
        assert!(rests[0] >= EAGER && rests.windows(2).all(|pair| pair[1] >= pair[0]), "{rests:?}");
        assert_eq!(rests.last(), Some(&SELDOM));
    }

    #[test]
    fn chance_spreads_the_tries() {
        assert_eq!(spread(Duration::from_secs(4), 0), Duration::from_secs(3));
        assert!(spread(Duration::from_secs(4), 255) > Duration::from_millis(4980));
        assert!(rest(20, SOON * 5, 255) <= SELDOM * 5 / 4);
    }
}
