use std::collections::BTreeSet;

use super::*;
use crate::schedule::store::tests::schedule;
use crate::schedule::timing::tests::{at, timing};

/// Numbers that look random and are the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}

fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

/// Every time at which it is due, one by one.
fn all(schedule: &Schedule, from: Timestamp, until: Timestamp) -> Vec<Timestamp> {
    let mut times = Vec::new();
    let mut after = from;
    while let Some(next) = schedule.next(after).filter(|next| *next <= until) {
        times.push(next);
        after = next;
    }
    times
}

const TIMINGS: [&str; 12] = [
    "every 10s",
    "every 7m",
    "every 5h",
    "every day at 02:30",
    "every day at 01:45",
    "every monday at 00:00",
    "*/20 * * * *",
    "15 2 * * *",
    "0 */2 * * *",
    "30 1,2,3 * * 0",
    "59 23 31 12 *",
    "at 2026-10-25 02:30",
];

/// Around the days on which clocks are turned, and the end of a year.
const STARTS: [&str; 6] = ["2026-03-28", "2026-04-04", "2026-10-03", "2026-10-24", "2026-12-30", "2026-06-01"];

fn cases() -> impl Iterator<Item = (Schedule, Timestamp)> {
    let zones = ["Europe/Berlin", "Australia/Lord_Howe", "UTC"];
    let each = move |when: &'static str| zones.into_iter().map(move |zone| schedule("a", when, zone));
    let schedules = TIMINGS.into_iter().flat_map(each);
    schedules.flat_map(|schedule| {
        STARTS.into_iter().map(move |day| {
            let start = at(&format!("{day}T03:07:11Z"));
            (Schedule { created: start, since: start, ..schedule.clone() }, start)
        })
    })
}

#[test]
fn a_runner_that_is_there_does_everything_once() {
    let mut dice = Dice(7);
    for (schedule, start) in cases() {
        let length = if schedule.timing == timing("every 10s") { 600 } else { 26 * 3600 };
        let end = start + seconds(length);
        let mut handled = None;
        let mut now = start;
        let mut done = Vec::new();
        while now < end {
            let look = look(&schedule, handled, false, now);
            match look.verdict {
                Verdict::Rest => {}
                Verdict::Run { due, missed: 0 } => done.push(due),
                other => panic!("{other:?} for {} at {now}", schedule.timing),
            }
            handled = look.handled().or(handled);
            // It sleeps until then, wakes up a little late, and now and then for no reason.
            let nap = look.next.map_or(600, |next| next.duration_since(now).as_secs()).clamp(0, 600);
            let early = if nap > 2 && dice.below(3) == 0 { dice.below(nap as u64) as i64 } else { nap };
            now += SignedDuration::from_millis(early * 1000 + 1 + dice.below(900) as i64);
        }
        let last = done.last().copied().unwrap_or(start);
        assert_eq!(done, all(&schedule, start, last), "{}", schedule.timing);
        assert!(schedule.next(last).is_none_or(|next| next + seconds(2) > end), "{} was lost", schedule.timing);
    }
}

#[test]
fn whatever_happens_nothing_is_done_twice_and_all_is_accounted_for() {
    let mut dice = Dice(99);
    for (schedule, start) in cases() {
        for catch_up in [false, true] {
            let schedule = Schedule { catch_up, ..schedule.clone() };
            let sparse = schedule.timing != timing("every 10s");
            let (mut handled, mut now) = (None, start);
            let (mut done, mut accounted) = (BTreeSet::new(), 0);
            for _ in 0..60 {
                // Minutes mostly; a night of sleep, and a clock that is set back by a while.
                match dice.below(6) {
                    0 if sparse => now += seconds(dice.below(40 * 3600) as i64),
                    0 => now += seconds(dice.below(3000) as i64),
                    1 => now -= seconds(dice.below(5000) as i64),
                    _ => now += seconds(dice.below(80) as i64),
                }
                let look = look(&schedule, handled, dice.below(4) == 0, now);
                if let Some(due) = look.handled() {
                    assert!(due <= now && handled.is_none_or(|handled| due > handled), "{} goes back", schedule.timing);
                    accounted += match look.verdict {
                        Verdict::Rest => 0,
                        Verdict::Run { due, missed } => {
                            assert!(done.insert(due), "{} twice at {due}", schedule.timing);
                            assert!(catch_up || now.duration_since(due) <= seconds(90));
                            missed + 1
                        }
                        // What came before it is not counted apart.
                        Verdict::Overlaps { due } => all(&schedule, handled.unwrap_or(start), due).len() as u64,
                        Verdict::Missed { missed, .. } => {
                            assert!(!catch_up);
                            missed
                        }
                    };
                    handled = Some(due);
                }
                assert!(look.next.is_none_or(|next| next > now.max(handled.unwrap_or(start))), "{}", schedule.timing);
            }
            let there = handled.map_or(0, |handled| all(&schedule, start, handled).len() as u64);
            assert_eq!(accounted, there, "{}", schedule.timing);
        }
    }
}

#[test]
fn the_latest_is_the_last_of_all_however_long_ago_it_was_looked() {
    let mut dice = Dice(3);
    for (schedule, start) in cases() {
        if schedule.timing == timing("every 10s") {
            continue;
        }
        for _ in 0..6 {
            let now = start + seconds(dice.below(100 * 24 * 3600) as i64);
            let every = all(&schedule, start, now);
            let found = latest(&schedule, start, now);
            let counted = (every.len() as u64).min(COUNTED);
            assert_eq!(found, every.last().map(|last| (*last, counted)), "{} until {now}", schedule.timing);
        }
    }
}

#[test]
fn what_was_missed_is_let_go_by_or_made_up_for_once() {
    let task = schedule("a", "every day at 09:00", "Europe/Berlin");
    let (seen, now) = (Some(at("2026-11-20T08:00:00Z")), at("2026-11-27T10:00:00Z"));
    let due = at("2026-11-27T08:00:00Z");
    assert_eq!(look(&task, seen, false, now).verdict, Verdict::Missed { due, missed: 7 });
    let task = Schedule { catch_up: true, ..task };
    let made_up = look(&task, seen, false, now);
    assert_eq!(made_up.verdict, Verdict::Run { due, missed: 6 });
    assert_eq!(look(&task, made_up.handled(), false, now).verdict, Verdict::Rest);
    assert_eq!(made_up.next, Some(at("2026-11-28T08:00:00Z")));
    // A runner that was started anew within a minute has missed nothing.
    let just = at("2026-11-27T08:01:30Z");
    let task = Schedule { catch_up: false, ..task };
    assert_eq!(look(&task, Some(at("2026-11-26T08:00:00Z")), false, just).verdict, Verdict::Run { due, missed: 0 });
    assert_eq!(
        look(&task, Some(at("2026-11-26T08:00:00Z")), true, just).verdict,
        Verdict::Overlaps { due },
        "what is still being done is not begun again"
    );
}

#[test]
fn years_without_a_runner_are_looked_through_quickly() {
    let now = at("2036-01-01T00:00:30Z");
    for (when, due) in [
        ("* * * * *", "2036-01-01T00:00:00Z"),
        ("every 10s", "2036-01-01T00:00:30Z"),
        ("0 0 29 2 *", "2032-02-29T00:00:00Z"),
        ("* * 1 1 *", "2036-01-01T00:00:00Z"),
    ] {
        let found = latest(&schedule("a", when, "UTC"), at("2026-01-01T00:00:00Z"), now);
        assert_eq!(found.map(|(time, _)| time), Some(at(due)), "{when}");
    }
}

#[test]
fn a_clock_that_was_far_ahead_does_not_stop_a_task_for_as_long() {
    let task = schedule("a", "every 1h", "UTC");
    let now = at("2026-11-27T10:00:30Z");
    let due = at("2026-11-27T10:00:00Z");
    let runs = Verdict::Run { due, missed: 0 };
    // An hour or a day: nothing twice.
    assert_eq!(look(&task, Some(at("2026-11-28T10:00:00Z")), false, now).verdict, Verdict::Rest);
    assert_eq!(look(&task, Some(at("2027-11-27T10:00:00Z")), false, now).verdict, runs);
    // Even the task was added in that time.
    let ahead = at("2027-11-27T10:00:00.5Z");
    let task = Schedule { since: ahead, created: ahead, ..task };
    let later = now + SignedDuration::from_secs(7);
    let (first, second) = (look(&task, None, false, now), look(&task, Some(due), false, later));
    assert_eq!(first.verdict, Verdict::Run { due: at("2026-11-27T10:00:00.5Z"), missed: 0 });
    assert_eq!(first.next, Some(at("2026-11-27T11:00:00.5Z")));
    assert_eq!(second.next, first.next);
    let task = Schedule { timing: timing("every day at 10:00"), ..task };
    assert_eq!(look(&task, None, false, now).verdict, runs);
    assert_eq!(look(&task, Some(due), false, later).verdict, Verdict::Rest);
}
