use super::*;

pub(in crate::schedule) fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

pub(in crate::schedule) fn timing(text: &str) -> Timing {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The next times, by the clocks of the zone.
fn following(text: &str, zone_name: &str, after: &str, count: usize) -> Vec<String> {
    let (timing, zone) = (timing(text), zone(Some(zone_name)).unwrap());
    let mut after = at(after);
    let anchor = after;
    let mut times = Vec::new();
    for _ in 0..count {
        let Some(next) = timing.next(&zone, anchor, after) else { break };
        assert!(next > after, "{text}: {next} is not after {after}");
        times.push(next.to_zoned(zone.clone()).strftime("%a %m-%d %H:%M:%S %z").to_string());
        after = next;
    }
    times
}

#[test]
fn what_can_be_written_means_what_it_says() {
    let monday = "2026-11-30T00:00:00Z";
    for (text, times) in [
        ("every 10s", ["Mon 11-30 00:00:10 +0000", "Mon 11-30 00:00:20 +0000"]),
        ("Every 15 Minutes", ["Mon 11-30 00:15:00 +0000", "Mon 11-30 00:30:00 +0000"]),
        ("every 2h", ["Mon 11-30 02:00:00 +0000", "Mon 11-30 04:00:00 +0000"]),
        ("every 1 day", ["Tue 12-01 00:00:00 +0000", "Wed 12-02 00:00:00 +0000"]),
        ("every day at 9:05", ["Mon 11-30 09:05:00 +0000", "Tue 12-01 09:05:00 +0000"]),
        ("every sunday at 23:59", ["Sun 12-06 23:59:00 +0000", "Sun 12-13 23:59:00 +0000"]),
        ("every weekend at 12:00", ["Sat 12-05 12:00:00 +0000", "Sun 12-06 12:00:00 +0000"]),
        ("every tue, friday at 08:00", ["Tue 12-01 08:00:00 +0000", "Fri 12-04 08:00:00 +0000"]),
        ("every wednesdays and thursdays at 08:00", ["Wed 12-02 08:00:00 +0000", "Thu 12-03 08:00:00 +0000"]),
        // W35: Monday is 1 and Sunday 0 or 7, as cron has it everywhere.
        ("0 9 * * 1", ["Mon 11-30 09:00:00 +0000", "Mon 12-07 09:00:00 +0000"]),
        ("0 9 * * 0", ["Sun 12-06 09:00:00 +0000", "Sun 12-13 09:00:00 +0000"]),
        ("0 9 * * 7", ["Sun 12-06 09:00:00 +0000", "Sun 12-13 09:00:00 +0000"]),
        ("0 9 * * fri", ["Fri 12-04 09:00:00 +0000", "Fri 12-11 09:00:00 +0000"]),
        ("*/45 * * * *", ["Mon 11-30 00:45:00 +0000", "Mon 11-30 01:00:00 +0000"]),
        ("59 23 31 12 *", ["Thu 12-31 23:59:00 +0000", "Fri 12-31 23:59:00 +0000"]),
        ("0 0 l * *", ["Mon 11-30 00:00:00 +0000", "Thu 12-31 00:00:00 +0000"]),
    ] {
        let times: Vec<String> = times.iter().map(|time| (*time).to_owned()).collect();
        let after = if text == "0 0 l * *" { "2026-11-29T23:59:59Z" } else { monday };
        assert_eq!(following(text, "utc", after, 2), times, "{text}");
    }
    let weekdays = following("every weekday at 07:00", "UTC", "2026-12-03T12:00:00Z", 3);
    assert_eq!(weekdays.iter().map(|time| &time[..3]).collect::<Vec<_>>(), ["Fri", "Mon", "Tue"]);
    for text in ["at 2026-12-24 18:00", "at 2026-12-24T18:00:00"] {
        assert_eq!(following(text, "Europe/Berlin", monday, 9), ["Thu 12-24 18:00:00 +0100"]);
        assert!(timing(text).is_once());
    }
    assert_eq!(following("0 0 29 2 *", "UTC", "2096-03-01T00:00:00Z", 1), ["Fri 02-29 00:00:00 +0000"]);
}

#[test]
fn what_is_written_reads_back_as_itself() {
    for text in ["every 15m", "every  Day AT 09:00", "0 9 * * MON-FRI", "at 2026-12-24 18:00"] {
        let once = timing(text);
        assert_eq!(timing(&once.to_string()), once);
    }
}

#[test]
fn nonsense_is_refused_with_a_line_that_helps() {
    for (text, said) in [
        ("", "is no timing; write `every 15m`"),
        ("soon", "is no timing"),
        ("every 0m", "not between 10 seconds and 366 days"),
        ("every 9s", "not between 10 seconds"),
        ("every 367d", "not between 10 seconds"),
        ("every 99999999999999999999h", "not between 10 seconds"),
        ("every -5m", "is no timing"),
        ("every m", "is no timing"),
        ("every day at 99:99", "\"99:99\" is no time of day; write HH:MM"),
        ("every day at 24:00", "is no time of day"),
        ("every day at +1:00", "is no time of day"),
        ("every day at 9", "is no time of day"),
        ("every caturday at 09:00", "\"caturday\" is no day of the week"),
        ("every and at 09:00", "names no day"),
        ("at 2026-02-30 10:00", "is no date and time that exists"),
        ("at 2026-12-24", "is no date and time that exists"),
        ("at 2026-12-24 18:00:60", "is no date and time that exists"),
        ("at 24.12.2026 18:00", "is no date and time that exists"),
        ("60 * * * *", "no timing of cron"),
        ("* * * *", "is no timing"),
        ("* * * * * *", "is no timing"),
        ("*/0 * * * *", "no timing of cron"),
        ("0 0 1 13 *", "no timing of cron"),
        ("0 9 * * 8", "no timing of cron"),
        ("a b c d e", "no timing of cron"),
        (&"9".repeat(300), "300 bytes"),
    ] {
        let error = text.parse::<Timing>().unwrap_err().to_string();
        assert!(error.contains(said) && !error.contains('\n'), "{text}: {error}");
    }
}

#[test]
fn what_never_comes_is_not_added() {
    let (now, berlin) = (at("2026-11-30T00:00:00Z"), zone(Some("europe/berlin")).unwrap());
    assert_eq!(name_of(&berlin), "Europe/Berlin");
    for (text, said) in [
        ("0 0 30 2 *", "never comes"),
        ("0 0 31 4,6,9,11 *", "never comes"),
        ("at 2026-11-29 10:00", "is over"),
        ("at 2027-03-28 02:30", "there is no 2027-03-28 02:30 in Europe/Berlin"),
    ] {
        let error = timing(text).first(&berlin, now).unwrap_err().to_string();
        assert!(error.contains(said), "{text}: {error}");
    }
    // That there are two of it is no reason.
    assert_eq!(timing("at 2027-10-31 02:30").first(&berlin, now), Ok(at("2027-10-31T00:30:00Z")));
    assert_eq!(zone(Some("utc")).map(|zone| name_of(&zone).to_owned()), Ok("UTC".to_owned()));
    for unknown in ["Europe/Atlantis", "../../etc/passwd", ""] {
        let error = zone(Some(unknown)).unwrap_err().to_string();
        assert!(error.contains("no time zone is called"), "{error}");
    }
    assert!(zone(None).is_ok());
}

#[test]
fn clocks_that_are_put_forward_and_back_cost_no_run_and_give_none_twice() {
    // What is due in the hour that there is not is done right after it, once.
    assert_eq!(
        following("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2),
        ["Sun 03-29 03:00:00 +0200", "Mon 03-30 02:30:00 +0200"]
    );
    // In the hour that there is twice, in the first of the two only.
    assert_eq!(
        following("every day at 02:30", "Europe/Berlin", "2026-10-24T12:00:00Z", 2),
        ["Sun 10-25 02:30:00 +0200", "Mon 10-26 02:30:00 +0100"]
    );
    // What comes again and again goes on through both.
    assert_eq!(
        following("*/30 * * * *", "Europe/Berlin", "2026-10-25T00:00:00Z", 4),
        [
            "Sun 10-25 02:30:00 +0200",
            "Sun 10-25 02:00:00 +0100",
            "Sun 10-25 02:30:00 +0100",
            "Sun 10-25 03:00:00 +0100"
        ]
    );
    // Half an hour, on the other side of the world.
    assert_eq!(
        following("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z", 2),
        ["Sun 10-04 02:30:00 +1100", "Mon 10-05 02:15:00 +1100"]
    );
    assert_eq!(
        following("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T00:00:00Z", 2),
        ["Sun 04-05 01:45:00 +1100", "Mon 04-06 01:45:00 +1030"]
    );
    // An interval is what has passed, whatever the clocks show.
    assert_eq!(
        following("every 12h", "Europe/Berlin", "2026-10-24T20:00:00Z", 2),
        ["Sun 10-25 09:00:00 +0100", "Sun 10-25 21:00:00 +0100"]
    );
    // The year ends.
    assert_eq!(
        following("0 0 * * *", "Pacific/Kiritimati", "2026-12-31T09:00:00Z", 2),
        ["Fri 01-01 00:00:00 +1400", "Sat 01-02 00:00:00 +1400"]
    );
}

/// Whether a wall clock matches, told apart from the library: minute, hour and weekday only.
fn is_at(text: &str, moment: DateTime) -> bool {
    let fields: Vec<&str> = text.split(' ').collect();
    let is = |field: &str, value: i8| {
        field == "*"
            || field
                .strip_prefix("*/")
                .map_or_else(|| field.parse() == Ok(value), |step| value % step.parse::<i8>().unwrap() == 0)
    };
    is(fields[0], moment.minute())
        && is(fields[1], moment.hour())
        && is(fields[4], moment.weekday().to_sunday_zero_offset())
}

#[test]
fn each_minute_of_two_years_agrees_with_a_clock_that_is_looked_at() {
    for name in ["Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns", "UTC"] {
        let zone = zone(Some(name)).unwrap();
        for text in ["*/20 * * * *", "0 */3 * * *", "*/10 * * * 0"] {
            let timing = timing(text);
            // All the weeks in which a clock of these zones is turned, and the end of a year.
            for start in
                ["2026-03-06", "2026-03-27", "2026-04-03", "2026-10-02", "2026-10-23", "2026-10-30", "2026-12-30"]
            {
                let mut time = at(&format!("{start}T00:00:00Z"));
                let mut next = timing.next(&zone, time, time - SignedDuration::from_secs(1)).unwrap();
                for _ in 0..4 * 24 * 60 {
                    if is_at(text, time.to_zoned(zone.clone()).datetime()) {
                        assert_eq!(next, time, "{text} in {name}");
                        next = timing.next(&zone, time, time).unwrap();
                    }
                    assert!(next > time, "{text} in {name}: {next} is no such time");
                    time += SignedDuration::from_mins(1);
                }
            }
        }
    }
}
