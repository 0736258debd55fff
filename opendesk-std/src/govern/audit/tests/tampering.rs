//! Everything that somebody without the key can do to a closed log is found: by whoever checks it, and by the log itself
//! when it is opened again.

use super::*;

/// Two days that are over, and a third one, closed. The first has 74 lines, the others 6 each.
fn three_days() -> Desk {
    let desk = Desk::new();
    for (day, entries) in [(0, 70), (1, 3), (2, 3)] {
        desk.set(day * DAY);
        let mut log = desk.open();
        log.append(record("session.opened")).expect("it is recorded");
        calls(&mut log, 0..entries - 1);
    }
    let lines: Vec<u64> = desk.verified().files().map(|file| file.lines).collect();
    assert_eq!(lines, [74, 6, 6]);
    desk.intact();
    desk
}

const FIRST: &str = "2026-05-12";
const SECOND: &str = "2026-05-13";
const LAST: &str = "2026-05-14";

fn lines_of(path: &Path) -> Vec<String> {
    fs::read_to_string(path).expect("the file is there").lines().map(str::to_owned).collect()
}

fn write_lines(path: &Path, lines: &[String]) {
    fs::write(path, lines.iter().map(|line| format!("{line}\n")).collect::<String>()).expect("it can be written");
}

#[test]
fn no_line_of_any_day_can_be_changed() {
    let desk = three_days();
    for date in [FIRST, SECOND, LAST] {
        let path = desk.path(date);
        let lines = lines_of(&path);
        for index in 0..lines.len() {
            let mut changed = lines.clone();
            changed[index] = changed[index].replacen("\"ts\": 1", "\"ts\": 2", 1);
            write_lines(&path, &changed);
            desk.found(&format!("{date}.jsonl: line {}: the hash is not that of the line", index + 1));
        }
        write_lines(&path, &lines);
    }
    desk.intact();
}

#[test]
fn no_line_of_any_day_can_be_changed_by_whoever_chains_the_rest_anew() {
    let desk = three_days();
    for date in [FIRST, SECOND, LAST] {
        let path = desk.path(date);
        let lines = lines_of(&path);
        for index in 0..lines.len() {
            let mut changed = lines.clone();
            changed[index] = changed[index].replacen("\"ts\": 1", "\"ts\": 2", 1);
            fs::write(&path, rechained(changed)).unwrap();
            let faults = desk.faults();
            assert!(!faults.is_empty(), "line {} of {date}", index + 1);
        }
        write_lines(&path, &lines);
    }
    desk.intact();
}

#[test]
fn no_byte_of_a_day_can_be_changed_not_even_without_a_change_of_meaning() {
    let desk = three_days();
    for date in [SECOND, LAST] {
        let path = desk.path(date);
        let whole = fs::read(&path).unwrap();
        for index in (0..whole.len()).step_by(5) {
            let mut changed = whole.clone();
            changed[index] ^= 1;
            fs::write(&path, changed).unwrap();
            assert!(!desk.faults().is_empty(), "byte {index} of {date}");
        }
        let text = String::from_utf8(whole).unwrap();
        for (was, is) in
            [(": ", ":"), (", ", ",\t"), ("\n", " \n"), ("\"ts\": 1", "\"ts\": 2, \"ts\": 1"), ("call", "c\\u0061ll")]
        {
            fs::write(&path, text.replacen(was, is, 1)).unwrap();
            desk.found("it says the same, but not as it was written");
        }
        fs::write(&path, format!("{text}\n")).unwrap();
        desk.found("line 7: it is empty: it was added");
        fs::write(&path, text).unwrap();
    }
    desk.intact();
}

#[test]
fn no_line_can_be_deleted_slipped_in_or_moved() {
    let desk = three_days();
    let path = desk.path(SECOND);
    let lines = lines_of(&path);
    for index in 0..lines.len() {
        let mut without = lines.clone();
        without.remove(index);
        write_lines(&path, &without);
        assert!(!desk.faults().is_empty(), "deleted line {}", index + 1);
        fs::write(&path, rechained(without)).unwrap();
        assert!(!desk.faults().is_empty(), "deleted line {}, chained anew", index + 1);

        let mut with = lines.clone();
        with.insert(index, lines[2].clone());
        write_lines(&path, &with);
        assert!(!desk.faults().is_empty(), "line before {}", index + 1);
        fs::write(&path, rechained(with)).unwrap();
        assert!(!desk.faults().is_empty(), "line before {}, chained anew", index + 1);

        let mut moved = lines.clone();
        moved.swap(index, (index + 1) % lines.len());
        write_lines(&path, &moved);
        assert!(!desk.faults().is_empty(), "line {} moved", index + 1);
    }
    write_lines(&path, &lines);
    desk.intact();
}

#[test]
fn w31_no_tail_of_a_closed_log_can_be_cut_off() {
    let desk = three_days();
    for date in [FIRST, SECOND, LAST] {
        let path = desk.path(date);
        let whole = fs::read(&path).unwrap();
        let lines = lines_of(&path);
        for kept in 0..lines.len() {
            write_lines(&path, &lines[..kept]);
            let faults = desk.faults();
            assert!(!faults.is_empty(), "{kept} lines of {date}");
        }
        for cut in [1, 2, 3, 40, 300, 1000, whole.len() - 1] {
            fs::write(&path, &whole[..whole.len() - cut]).unwrap();
            assert!(!desk.faults().is_empty(), "{cut} bytes of {date}");
        }
        fs::write(&path, &whole).unwrap();
    }
    desk.intact();
}

#[test]
fn a_cut_tail_is_said_with_the_line_that_is_missing() {
    let desk = three_days();
    let path = desk.path(LAST);
    let lines = lines_of(&path);
    write_lines(&path, &lines[..4]);
    let cut = "2026-05-14.jsonl: line 5: the log went on to line 6 of this file, and that is not here";
    assert!(desk.faults()[0].starts_with(cut), "{:?}", desk.faults());
    // The log notes it as soon as it is opened again.
    drop(desk.open());
    let kinds = kinds_of(&path);
    assert_eq!(kinds[4..], ["audit.altered", "audit.recovered", "audit.checkpoint", "audit.checkpoint"]);
    let entry = &entries_of(&path)[4];
    assert_eq!((&entry["change"], &entry["expected_lines"]), (&"cut".into(), &6.into()));
    desk.found("2026-05-14.jsonl: line 5: the log noted here");
}

#[test]
fn no_day_can_be_removed() {
    let desk = three_days();
    for (date, said) in [
        (FIRST, "2026-05-13.jsonl: line 1: 2026-05-12.jsonl, on which it follows, is not here"),
        (SECOND, "2026-05-14.jsonl: line 1: 2026-05-13.jsonl, on which it follows, is not here"),
        (LAST, "2026-05-14.jsonl, with which the log ends, is not here"),
    ] {
        let (path, away) = (desk.path(date), desk.dir().join("away"));
        fs::rename(&path, &away).unwrap();
        assert_eq!(desk.faults().len(), 1, "{date}");
        assert!(desk.faults()[0].starts_with(said), "{:?}", desk.faults());
        fs::rename(&away, &path).unwrap();
    }
    fs::remove_file(desk.path(LAST)).unwrap();
    calls(&mut desk.open(), 0..1);
    assert_eq!(entries_of(&desk.path(LAST))[2]["change"], "lost");
}

#[test]
fn no_two_days_can_be_swapped_or_renamed() {
    let desk = three_days();
    for (one, other) in [(FIRST, SECOND), (SECOND, LAST), (FIRST, LAST)] {
        let swap = || {
            let away = desk.dir().join("away");
            fs::rename(desk.path(one), &away).unwrap();
            fs::rename(desk.path(other), desk.path(one)).unwrap();
            fs::rename(&away, desk.path(other)).unwrap();
        };
        swap();
        desk.found(&format!("{one}.jsonl: line 2: the checkpoint is one of another day's file"));
        desk.found(&format!("{other}.jsonl: line 2: the checkpoint is one of another day's file"));
        swap();
    }
    fs::rename(desk.path(LAST), desk.path("2026-05-15")).unwrap();
    desk.found("2026-05-15.jsonl: line 2: the checkpoint is one of another day's file");
}

#[test]
fn no_day_can_be_added_or_lengthened() {
    let desk = three_days();
    let forged = |lines: u64| rechained((0..lines).map(|number| format!("{{\"n\": {number}, \"type\": \"call\"}}")));
    for date in ["2026-05-15", "2026-06-01"] {
        fs::write(desk.path(date), forged(3)).unwrap();
        desk.found(&format!("{date}.jsonl: line 1: nothing in it is signed, and no later file knows it"));
        fs::remove_file(desk.path(date)).unwrap();
    }
    for date in [FIRST, SECOND, LAST] {
        let path = desk.path(date);
        let lines = lines_of(&path);
        let longer = rechained(lines.iter().cloned().chain(["{\"type\": \"call\"}".to_owned()]));
        fs::write(&path, &longer).unwrap();
        assert!(longer.starts_with(&lines.join("\n")));
        desk.found(&format!(
            "{date}.jsonl: line {}: it was added after the log had been closed, by somebody without the key",
            lines.len() + 1
        ));
        write_lines(&path, &lines);
    }
    // The log that goes on notes it, and does not sign for it silently.
    let lines = lines_of(&desk.path(LAST));
    fs::write(desk.path(LAST), rechained(lines.iter().cloned().chain(["{\"type\": \"call\"}".to_owned()]))).unwrap();
    drop(desk.open());
    assert_eq!(kinds_of(&desk.path(LAST))[6..9], ["call", "audit.altered", "audit.checkpoint"]);
    assert_eq!(entries_of(&desk.path(LAST))[7]["change"], "added");
}

#[test]
fn a_day_that_was_not_closed_can_be_lengthened_only_while_it_is_the_last() {
    let desk = Desk::new();
    let mut log = desk.open();
    calls(&mut log, 0..2);
    desk.set(DAY);
    calls(&mut log, 2..3);
    drop(log);
    let lines = lines_of(&desk.today());
    fs::write(desk.today(), rechained(lines.into_iter().chain(["{\"type\": \"call\"}".to_owned()]))).unwrap();
    desk.found("2026-05-12.jsonl: line 6: from here on it is neither signed nor known to a later file");
}

#[test]
fn a_day_without_its_checkpoints_is_found() {
    let desk = three_days();
    for date in [FIRST, SECOND, LAST] {
        let path = desk.path(date);
        let lines = lines_of(&path);
        let unsigned = |line: &&String| !line.contains("audit.checkpoint");
        fs::write(&path, rechained(lines.iter().filter(unsigned).cloned())).unwrap();
        desk.found(&format!("{date}.jsonl: line 1: this program wrote it, but nothing in it is signed"));
        // Also of what only this program writes.
        let foreign = |line: &&String| !line.contains("\"audit.");
        fs::write(&path, rechained(lines.iter().filter(foreign).cloned())).unwrap();
        assert!(!desk.faults().is_empty(), "{date}");
        write_lines(&path, &lines);
    }
}

#[test]
fn a_log_that_was_written_anew_with_another_key_is_found() {
    let desk = three_days();
    let other = Desk::new();
    for (day, entries) in [(0, 70), (1, 3), (2, 3)] {
        other.set(day * DAY);
        calls(&mut other.try_open(key(9)).unwrap(), 0..entries);
    }
    assert!(verify_log(&[other.dir()], &[key(9).public()]).is_intact());
    let faults = faults_of(&verify_log(&[other.dir()], &[own()]));
    assert_eq!(faults.len(), 4, "{faults:?}");
    assert!(
        faults.iter().all(|fault| fault.contains("signed by the key fd1724385aa0c75b64fb78cd602fa1d9")),
        "{faults:?}"
    );
    // One day of it, or its head.
    for name in [format!("{LAST}.jsonl"), format!("{SECOND}.jsonl"), HEAD.to_owned()] {
        let kept = fs::read(desk.dir().join(&name)).unwrap();
        fs::copy(other.dir().join(&name), desk.dir().join(&name)).unwrap();
        desk.found("which is none of those that count");
        fs::write(desk.dir().join(&name), kept).unwrap();
    }
    desk.intact();
}

#[test]
fn a_takeover_by_a_key_needs_the_key_that_it_takes_over_from() {
    let desk = Desk::new();
    calls(&mut desk.open(), 0..1);
    // The intruder signs for both.
    let mut forged = checkpoint::signer(&key(9), &key(9)).fields;
    forged.insert("former".into(), crate::home::hex::encode(&own()).into());
    let line =
        json::object(&fields([("type", "audit.signer".into())]).into_iter().chain(forged).collect(), Style::Line);
    let lines = lines_of(&desk.today());
    fs::write(desk.today(), rechained(lines[..3].iter().cloned().chain([line]))).unwrap();
    desk.found("line 4: the signatures by which another key takes over do not hold");
}

#[test]
fn the_signed_end_can_be_neither_removed_nor_changed() {
    let desk = three_days();
    let head = fs::read_to_string(desk.head()).unwrap();
    fs::remove_file(desk.head()).unwrap();
    desk.found("head.json is not there, so it cannot be told whether lines were cut off at the end");
    for (content, said) in [
        (String::new(), "head.json: it is not what this program writes"),
        (head.replace("\"lines\": 6", "\"lines\": 5"), "head.json: its signature does not hold"),
        (head.replace(LAST, SECOND), "head.json: its signature does not hold"),
    ] {
        fs::write(desk.head(), content).unwrap();
        desk.found(said);
    }
    drop(desk.open());
    let kinds = kinds_of(&desk.path(LAST));
    assert_eq!(kinds[6..9], ["audit.checkpoint", "audit.altered", "audit.checkpoint"]);
    assert_eq!(entries_of(&desk.path(LAST))[7]["change"], "head damaged");
}

#[test]
fn a_lost_head_is_noted_when_the_log_is_opened() {
    let desk = three_days();
    fs::remove_file(desk.head()).unwrap();
    drop(desk.open());
    assert_eq!(entries_of(&desk.path(LAST))[7]["change"], "head lost");
}

#[test]
fn what_cannot_be_told_is_what_the_document_says() {
    // The entries after the last checkpoint of a log that was not closed.
    let desk = Desk::new();
    let mut log = desk.open();
    calls(&mut log, 0..70);
    log.syncer.settle();
    let lines = lines_of(&desk.today());
    let crashed = Desk::new();
    fs::create_dir(crashed.dir()).unwrap();
    fs::copy(desk.head(), crashed.head()).unwrap();
    write_lines(&crashed.today(), &lines[..67]);
    crashed.intact();
    write_lines(&crashed.today(), &lines[..66]);
    crashed.found("line 67: the log went on to line 67 of this file");
    drop(log);
    // All files set back together; whoever kept the later end can tell.
    let older = three_days();
    let kept = older.verified().logs[0].head.clone().unwrap();
    let copy = Desk::new();
    fs::create_dir(copy.dir()).unwrap();
    for name in [format!("{FIRST}.jsonl"), format!("{SECOND}.jsonl"), format!("{LAST}.jsonl"), HEAD.to_owned()] {
        fs::copy(older.dir().join(&name), copy.dir().join(&name)).unwrap();
    }
    older.set(3 * DAY);
    calls(&mut older.open(), 0..1);
    older.intact();
    copy.intact();
    assert_ne!(older.verified().logs[0].head.clone().unwrap().end, kept.end);
    assert_eq!(copy.verified().logs[0].head.clone().unwrap().end, kept.end);
}

#[test]
fn some_files_are_checked_as_far_as_they_go() {
    let desk = three_days();
    let report = verify_log(&[desk.path(SECOND), desk.path(LAST)], &[own()]);
    assert!(report.is_intact(), "{report:?}");
    assert_eq!(
        report.logs[0].unchecked,
        ["2026-05-12.jsonl, on which 2026-05-13.jsonl follows, is not among these files"]
    );
    assert!(report.logs[0].head.is_some());
    let report = verify_log(&[desk.path(FIRST)], &[own()]);
    assert!(report.is_intact(), "{report:?}");
    assert_eq!(report.logs[0].unchecked, ["2026-05-14.jsonl, with which the log ends, is not here"]);
    let report = verify_log(&[desk.path("2026-01-01")], &[own()]);
    assert!(faults_of(&report)[0].contains("it cannot be opened"), "{report:?}");
    // A copy under another name, elsewhere.
    let copy = desk.root.path().join("copy.jsonl");
    fs::copy(desk.path(SECOND), &copy).unwrap();
    let report = verify_log(core::slice::from_ref(&copy), &[own()]);
    assert!(report.is_intact() && report.files().next().unwrap().is_closed, "{report:?}");
    write_lines(&copy, &lines_of(&copy)[..4]);
    let report = verify_log(&[copy], &[own()]);
    assert!(report.is_intact() && !report.files().next().unwrap().is_closed, "{report:?}");
    assert_eq!(report.logs[0].unchecked.len(), 2, "{report:?}");
}
