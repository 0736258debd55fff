//! What is added to a log while somebody looks.

use super::*;

/// Somebody who follows all calls, after the last two.
struct Watching {
    follower: Follower,
    seen: Vec<u64>,
    others: Vec<Found>,
}

impl Watching {
    fn start(desk: &Desk) -> Self {
        let (mut seen, mut others) = (Vec::new(), Vec::new());
        let filter = Filter::default().method("input.*").expect("a pattern");
        let follower = read_log(&desk.dir(), None, filter, 2, |found| take(found, &mut seen, &mut others));
        Self { follower: follower.expect("the folder can be read"), seen, others }
    }

    /// What is new.
    fn added(&mut self) -> Vec<u64> {
        self.seen.clear();
        let Self { follower, seen, others } = self;
        follower.poll(|found| take(found, seen, others)).expect("the folder can be read");
        self.seen.clone()
    }
}

fn take(found: Found, seen: &mut Vec<u64>, others: &mut Vec<Found>) {
    match found {
        Found::Entry(entry) => seen.extend(entry.fields().get("number").and_then(Value::as_u64)),
        other @ (Found::Damaged { .. } | Found::Unreadable { .. } | Found::Changed { .. }) => others.push(other),
    }
}

#[test]
fn entries_are_given_once_over_midnight_and_when_the_clock_is_set_back() {
    let desk = Desk::new();
    let mut log = desk.open();
    calls(&mut log, 0..5);
    let mut watching = Watching::start(&desk);
    assert_eq!(watching.seen, [3, 4]);
    assert_eq!(watching.added(), [0; 0]);
    calls(&mut log, 5..7);
    assert_eq!(watching.added(), [5, 6]);
    // The last ones of a day and the first ones of the next.
    calls(&mut log, 7..8);
    desk.set(10);
    calls(&mut log, 8..9);
    assert_eq!(watching.added(), [7, 8]);
    calls(&mut log, 9..10);
    assert_eq!(watching.added(), [9]);
    desk.set(0);
    calls(&mut log, 10..11);
    assert_eq!(watching.added(), [10]);
    desk.set(12);
    calls(&mut log, 11..12);
    desk.set(5 * DAY);
    calls(&mut log, 12..13);
    assert_eq!(watching.added(), [11, 12]);
    drop(log);
    assert_eq!((watching.added(), watching.others), (vec![], vec![]));
}

#[test]
fn a_log_that_begins_later_is_followed_from_its_beginning() {
    let desk = Desk::new();
    let mut watching = Watching::start(&desk);
    assert_eq!(watching.added(), [0; 0]);
    calls(&mut desk.open(), 0..3);
    assert_eq!(watching.added(), [0, 1, 2]);
}

#[test]
fn a_line_is_given_when_it_is_whole() {
    let desk = Desk::new();
    let mut log = desk.open();
    calls(&mut log, 0..1);
    let mut watching = Watching::start(&desk);
    desk.add_bytes(b"{\"half");
    assert_eq!(watching.added(), [0; 0]);
    // The log cuts it off and goes on there.
    calls(&mut log, 1..2);
    assert_eq!(watching.added(), [1]);
    assert_eq!(watching.others, []);
}

#[test]
fn a_file_that_is_cut_or_replaced_is_said_and_followed_on() {
    let desk = Desk::new();
    let mut log = desk.open();
    calls(&mut log, 0..3);
    let kept = fs::read(desk.today()).unwrap();
    calls(&mut log, 3..5);
    let mut watching = Watching::start(&desk);
    fs::write(desk.today(), &kept).unwrap();
    assert_eq!(watching.added(), [0; 0]);
    assert_eq!(watching.others, [Found::Changed { path: desk.today() }]);
    log.acknowledge();
    log.append_anyway(record("session.rejected")).unwrap();
    log.acknowledge();
    calls(&mut log, 5..6);
    assert_eq!(watching.added(), [5]);

    fs::remove_file(desk.today()).unwrap();
    assert_eq!(watching.added(), [0; 0]);
    log.append_anyway(record("session.rejected")).unwrap();
    log.acknowledge();
    calls(&mut log, 6..7);
    assert_eq!(watching.added(), [6]);
    assert_eq!(watching.others.len(), 2);
}

#[test]
fn a_cut_that_is_written_over_at_once_is_said_and_what_follows_on_it_is_given() {
    for lines in [1, 2, 5] {
        let desk = Desk::new();
        let mut log = desk.open();
        calls(&mut log, 0..6);
        let text = fs::read_to_string(desk.today()).unwrap();
        let mut watching = Watching::start(&desk);
        let kept: String = text.split_inclusive('\n').take(8 - lines).collect();
        // In the middle of a line, too.
        fs::write(desk.today(), kept + "{\"half").unwrap();
        log.append_anyway(record("session.rejected")).unwrap();
        log.acknowledge();
        calls(&mut log, 6..9);
        let length = fs::metadata(desk.today()).unwrap().len();
        assert!(length > text.len() as u64, "it is longer than before");
        assert_eq!(watching.added(), [6, 7, 8], "{lines}");
        assert_eq!(watching.others, [Found::Changed { path: desk.today() }]);
        assert_eq!(watching.added(), [0; 0]);
    }
}

#[test]
fn a_file_that_is_written_over_with_as_much_is_said() {
    let desk = Desk::new();
    let mut log = desk.open();
    calls(&mut log, 0..6);
    let text = fs::read_to_string(desk.today()).unwrap();
    let mut watching = Watching::start(&desk);
    let other = text.replace("\"number\": 5", "\"number\": 9");
    assert_eq!(other.len(), text.len());
    fs::write(desk.today(), other).unwrap();
    assert_eq!(watching.added(), [9]);
    assert_eq!(watching.others, [Found::Changed { path: desk.today() }]);
}

#[test]
fn a_file_that_cannot_be_read_is_said_once() {
    let desk = Desk::new();
    let mut log = desk.open();
    calls(&mut log, 0..1);
    let mut watching = Watching::start(&desk);
    let away = desk.dir().join("away");
    fs::rename(desk.today(), &away).unwrap();
    fs::create_dir(desk.today()).unwrap();
    for _ in 0..3 {
        assert_eq!(watching.added(), [0; 0]);
    }
    assert!(matches!(&watching.others[..], [Found::Unreadable { .. }]), "{:?}", watching.others);
    fs::remove_dir(desk.today()).unwrap();
    fs::rename(&away, desk.today()).unwrap();
    calls(&mut log, 1..2);
    assert_eq!(watching.added(), [1]);
}
