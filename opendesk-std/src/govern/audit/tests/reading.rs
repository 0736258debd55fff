//! Reading the log back.

use core::cell::Cell;
use std::fs::File;

use super::read::entries;
use super::*;
use crate::govern::audit::lines::{BLOCK, Source};

/// Some hours before the evening.
const NOON: u64 = EVENING - 43_000;

std::thread_local! {
    /// How many bytes were read by this thread.
    static BYTES: Cell<u64> = const { Cell::new(0) };
}

/// A file that counts what is read of it.
struct Counted(File);

impl Source for Counted {
    fn open(path: &Path) -> std::io::Result<Self> {
        Source::open(path).map(Self)
    }

    fn length(&self) -> std::io::Result<u64> {
        self.0.length()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<()> {
        BYTES.with(|bytes| bytes.set(bytes.get() + buffer.len() as u64));
        self.0.read_at(buffer, offset)
    }
}

/// Records a call of this method, by this peer, numbered.
fn call(log: &mut AuditLog, name: &str, method: &str, number: u64) {
    let peer = PeerRef { name: name.to_owned(), fp: format!("{:016x}", name.len()) };
    let fields = fields([("method", method.into()), ("number", number.into())]);
    log.append(Record { kind: "call", peer: Some(peer), fields }).expect("it is recorded");
}

/// The numbers of the entries that are found, and what could not be read.
fn found(desk: &Desk, day: Option<jiff::civil::Date>, filter: Filter, limit: usize) -> (Vec<u64>, Vec<Found>) {
    let (mut numbers, mut others) = (Vec::new(), Vec::new());
    read_log(&desk.dir(), day, filter, limit, |found| match found {
        Found::Entry(entry) => numbers.extend(entry.fields().get("number").and_then(Value::as_u64)),
        other => others.push(other),
    })
    .expect("the folder can be read");
    (numbers, others)
}

fn numbers(desk: &Desk, filter: Filter, limit: usize) -> Vec<u64> {
    let (numbers, others) = found(desk, None, filter, limit);
    assert_eq!(others, []);
    numbers
}

/// Ten calls on each of three days: those of the keyboard have even numbers, Bertha's can be divided by three.
fn three_days() -> Desk {
    let desk = Desk::new();
    let mut log = desk.open();
    for number in 0..30 {
        desk.set(number / 10 * DAY + number % 10);
        let name = if number % 3 == 0 { "bertha" } else { "anna" };
        let method = if number % 2 == 0 { "input.key" } else { "display.capture" };
        call(&mut log, name, method, number);
    }
    drop(log);
    desk
}

#[test]
fn the_limit_counts_what_is_wanted_over_days() {
    let desk = three_days();
    assert_eq!(numbers(&desk, Filter::default(), 0), (0..30).collect::<Vec<_>>());
    // Among them is the beginning of the third day.
    assert_eq!(numbers(&desk, Filter::default(), 13), (18..30).collect::<Vec<_>>());
    assert_eq!(numbers(&desk, Filter::default(), 1000).len(), 30);
    let bertha = || Filter::default().peer("bertha", None);
    assert_eq!(numbers(&desk, bertha(), 5), [15, 18, 21, 24, 27]);
    let keys = |filter: Filter| filter.method("input.*").unwrap();
    assert_eq!(numbers(&desk, keys(Filter::default()), 2), [26, 28]);
    assert_eq!(numbers(&desk, keys(bertha()), 3), [12, 18, 24]);
    assert_eq!(numbers(&desk, keys(bertha()), 0), [0, 6, 12, 18, 24]);
    assert_eq!(numbers(&desk, Filter::default().peer("nobody", None), 5), [0; 0]);
    assert_eq!(numbers(&desk, Filter::default().peer("00:06", None), 5), [0; 0]);
    assert_eq!(numbers(&desk, Filter::default().peer("0000:0000:0000:0006", None), 2), [24, 27]);
}

#[test]
fn one_day_and_what_is_not_older_are_told_apart() {
    let desk = three_days();
    let day = "2026-05-13".parse().ok();
    assert_eq!(found(&desk, day, Filter::default(), 0).0, (10..20).collect::<Vec<_>>());
    assert_eq!(found(&desk, day, Filter::default(), 2).0, [18, 19]);
    assert_eq!(found(&desk, "2026-05-01".parse().ok(), Filter::default(), 0).0, [0; 0]);
    let since = |after: u64| Filter::default().since((EVENING + after) as f64);
    assert_eq!(numbers(&desk, since(2 * DAY + 7), 0), [27, 28, 29]);
    assert_eq!(numbers(&desk, since(DAY + 8), 0)[..3], [18, 19, 20]);
    assert_eq!(numbers(&desk, since(DAY + 8), 2), [28, 29]);
    assert_eq!(numbers(&desk, since(9 * DAY), 0), [0; 0]);
}

#[test]
fn a_log_that_is_not_there_has_no_entries_and_is_not_made() {
    let desk = Desk::new();
    assert_eq!(found(&desk, None, Filter::default(), 5), (vec![], vec![]));
    assert!(!desk.dir().exists());
}

#[test]
fn only_as_much_is_read_as_is_needed() {
    let desk = Desk::new();
    let mut log = desk.open();
    for day in 0..2 {
        for number in 0..6000 {
            desk.seconds.store(NOON + day * DAY + number, Ordering::Relaxed);
            call(&mut log, "anna", if number == 10 { "input.rare" } else { "input.key" }, number);
        }
    }
    drop(log);
    let days = days::days(&desk.dir()).unwrap();
    let size: Vec<u64> = days.iter().map(|(_, path)| fs::metadata(path).unwrap().len()).collect();
    assert!(size.iter().all(|size| *size > 20 * BLOCK as u64), "{size:?}");
    let cost = |filter: Filter, limit: usize| {
        BYTES.set(0);
        let mut count = 0;
        entries::<Counted>(days.clone(), &filter, limit, &mut |_: Found| count += 1);
        (count, BYTES.get())
    };
    let (count, bytes) = cost(Filter::default(), 50);
    assert!(count == 50 && bytes <= 2 * BLOCK as u64, "{count} entries cost {bytes} bytes");
    let (count, bytes) = cost(Filter::default().since((NOON + DAY + 5900) as f64), 0);
    assert!(count == 100 && bytes <= 4 * BLOCK as u64, "{count} entries cost {bytes} bytes");
    // One that stands at the beginning of a day costs that day, and not the one before.
    let (count, bytes) = cost(Filter::default().method("input.rare").unwrap(), 1);
    assert!(count == 1 && bytes <= 2 * size[1] + BLOCK as u64, "{count} entries cost {bytes} bytes");
    let (count, bytes) = cost(Filter::default(), 0);
    assert!(count >= 12_000 && bytes == size[0] + size[1], "{count} entries cost {bytes} bytes");
}

#[test]
fn damaged_lines_and_files_are_told_and_the_others_given() {
    let desk = three_days();
    let second = desk.path("2026-05-13");
    let text = fs::read_to_string(&second).unwrap();
    fs::write(&second, text.replacen("{\"fp\"", "{fp", 1) + "no entry\n{\"torn").unwrap();
    let (given, others) = found(&desk, None, Filter::default(), 0);
    assert_eq!(given.len(), 30);
    assert_eq!(others, [Found::Damaged { path: second.clone(), lines: 2 }]);
    assert_eq!(found(&desk, None, Filter::default(), 3).1, [], "it was not looked at");

    fs::remove_file(&second).unwrap();
    fs::create_dir(&second).unwrap();
    let (given, others) = found(&desk, None, Filter::default(), 0);
    assert_eq!(given.len(), 20);
    assert!(matches!(&others[..], [Found::Unreadable { path, .. }] if *path == second), "{others:?}");
    fs::remove_dir(&second).unwrap();
    fs::write(&second, vec![b'x'; MAX_LINE + 2 * BLOCK]).unwrap();
    for limit in [0, 25] {
        let (given, others) = found(&desk, None, Filter::default(), limit);
        assert_eq!(given.len(), 20, "{others:?}");
        assert!(matches!(&others[..], [Found::Unreadable { why, .. }] if why.contains("more than")), "{others:?}");
    }
}
