//! When a task is due, as people write it.

use core::fmt;

use croner::Cron;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// Nothing is started more often: a run takes seconds itself.
const SHORTEST: SignedDuration = SignedDuration::from_secs(10);

/// What comes less often is written with its date.
const LONGEST: SignedDuration = SignedDuration::from_hours(366 * 24);

/// Longer than any timing.
const MOST: usize = 200;

/// What can be written, for messages.
const FORMS: &str = "write `every 15m` (s, m, h or d), `every day at 09:00`, `every monday at 09:00`, five fields of cron \
                     such as `0 9 * * 1-5`, or `at 2027-01-31 18:00`";

/// The days of the week by their names, as cron numbers them.
const DAYS: [(&str, &str); 7] = [
    ("sunday", "0"),
    ("monday", "1"),
    ("tuesday", "2"),
    ("wednesday", "3"),
    ("thursday", "4"),
    ("friday", "5"),
    ("saturday", "6"),
];

/// When a task is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timing {
    text: String,
    kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    /// Each time this much has passed.
    Every(SignedDuration),
    /// By the clock of a time zone.
    Clock(Box<Cron>),
    /// At one time of a time zone.
    Once(DateTime),
}

/// A text that is no timing, or one by which nothing would ever happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadTiming(String);

impl fmt::Display for BadTiming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for BadTiming {}

impl fmt::Display for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl core::str::FromStr for Timing {
    type Err = BadTiming;

    fn from_str(text: &str) -> Result<Self, BadTiming> {
        if text.len() > MOST {
            return Err(BadTiming(format!("a timing of {} bytes is none; {FORMS}", text.len())));
        }
        let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let kind = match words.as_slice() {
            ["every", days @ .., "at", time] if !days.is_empty() => Kind::Clock(by_day(days, time)?),
            ["every", span @ ..] => Kind::Every(interval(&span.concat())?),
            ["at", moment @ ..] => Kind::Once(moment_of(moment)?),
            [_, _, _, _, _] => Kind::Clock(cron(&words.join(" "))?),
            _ => return Err(BadTiming(format!("{:?} is no timing; {FORMS}", shown(text)))),
        };
        // Cron's letters (L, W, names) are known in either case, as everything else here.
        Ok(Self { text: words.join(" "), kind })
    }
}

impl Timing {
    /// When a task is due next, after this time; `None` when never again. Intervals count from `anchor`.
    #[must_use]
    pub fn next(&self, zone: &TimeZone, anchor: Timestamp, after: Timestamp) -> Option<Timestamp> {
        match &self.kind {
            Kind::Every(span) => {
                // Before the anchor as well: the clock may have been ahead when the task was added.
                let times = after.duration_since(anchor).as_secs().div_euclid(span.as_secs()) + 1;
                let next = anchor.checked_add(SignedDuration::from_secs(span.as_secs().checked_mul(times)?)).ok()?;
                match next.checked_sub(*span) {
                    // A part of a second before the anchor was cut off.
                    Ok(before) if before > after => Some(before),
                    _ => Some(next),
                }
            }
            Kind::Clock(cron) => {
                let next = cron.find_next_occurrence(&after.to_zoned(zone.clone()), false).ok()?;
                Some(next.timestamp())
            }
            Kind::Once(moment) => {
                let at = zone.to_ambiguous_zoned(*moment).compatible().ok()?.timestamp();
                (at > after).then_some(at)
            }
        }
    }

    /// Whether a task with this timing has its one time and no other.
    #[must_use]
    pub const fn is_once(&self) -> bool {
        matches!(self.kind, Kind::Once(_))
    }

    /// When a task that is added now is due first.
    ///
    /// # Errors
    /// When it never is: a day that no month has, a time that is over or that the clocks of the zone leave out.
    pub fn first(&self, zone: &TimeZone, now: Timestamp) -> Result<Timestamp, BadTiming> {
        if let Kind::Once(moment) = &self.kind
            && let AmbiguousOffset::Gap { .. } = zone.to_ambiguous_zoned(*moment).offset()
        {
            return Err(BadTiming(format!(
                "there is no {} in {}: the clocks are put forward over it; choose another time",
                moment.strftime("%Y-%m-%d %H:%M"),
                name_of(zone)
            )));
        }
        self.next(zone, now, now).ok_or_else(|| {
            BadTiming(match &self.kind {
                Kind::Once(moment) => format!(
                    "{} in {} is over; choose a time that is still to come",
                    moment.strftime("%Y-%m-%d %H:%M"),
                    name_of(zone)
                ),
                Kind::Clock(_) | Kind::Every(_) => {
                    format!("\"{}\" never comes: no month that it names has such a day", self.text)
                }
            })
        })
    }
}

/// A time zone by its name in the IANA database, in any case; without one the system's.
///
/// # Errors
/// When the name is unknown, or the system's zone has none.
pub fn zone(name: Option<&str>) -> Result<TimeZone, BadTiming> {
    match name {
        None => {
            let zone = TimeZone::system();
            match zone.iana_name() {
                // As everything else of the system takes a machine that was not told where it is.
                Some("Etc/Unknown") => Ok(TimeZone::UTC),
                Some(_) => Ok(zone),
                None => Err(BadTiming(
                    "the time zone of this machine has no name that could be kept; give `timezone`, such as Europe/Berlin"
                        .to_owned(),
                )),
            }
        }
        Some(name) if name.eq_ignore_ascii_case("utc") => Ok(TimeZone::UTC),
        Some(name) => TimeZone::get(name).map_err(|_| {
            BadTiming(format!(
                "no time zone is called {:?} on this machine; give its name in the IANA database, such as Europe/Berlin or UTC",
                shown(name)
            ))
        }),
    }
}

/// The name of a zone that [`zone`] gave.
#[must_use]
pub fn name_of(zone: &TimeZone) -> &str {
    zone.iana_name().unwrap_or("UTC")
}

/// What somebody wrote, as a line of a message has room for it.
fn shown(text: &str) -> String {
    text.chars().take(60).collect()
}

fn interval(text: &str) -> Result<SignedDuration, BadTiming> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let seconds = match unit {
        "s" | "sec" | "second" | "seconds" => Some(1),
        "m" | "min" | "minute" | "minutes" => Some(60),
        "h" | "hour" | "hours" => Some(60 * 60),
        "d" | "day" | "days" => Some(24 * 60 * 60),
        _ => None,
    };
    let (Some(seconds), false) = (seconds, number.is_empty()) else {
        return Err(BadTiming(format!("\"every {}\" is no timing; {FORMS}", shown(text))));
    };
    let span = number.parse::<i64>().ok().and_then(|number| number.checked_mul(seconds));
    span.map(SignedDuration::from_secs).filter(|span| (SHORTEST..=LONGEST).contains(span)).ok_or_else(|| {
        BadTiming(format!("\"every {}\" is not between 10 seconds and 366 days, which are the limits", shown(text)))
    })
}

/// Days of the week at a time of day, as cron writes them.
fn by_day(days: &[&str], time: &str) -> Result<Box<Cron>, BadTiming> {
    let (hour, minute) = time_of_day(time)?;
    let mut numbers = Vec::new();
    for day in days.iter().flat_map(|word| word.split(',')).filter(|word| !matches!(*word, "" | "and")) {
        let short = day.strip_suffix('s').unwrap_or(day);
        let named = DAYS.iter().find(|(name, _)| *name == short || (short.len() == 3 && name.starts_with(short)));
        numbers.push(match (short, named) {
            ("day", _) => "*",
            ("weekday", _) => "1-5",
            ("weekend", _) => "0,6",
            (_, Some((_, number))) => *number,
            (_, None) => return Err(BadTiming(format!("{:?} is no day of the week; {FORMS}", shown(day)))),
        });
    }
    if numbers.is_empty() {
        return Err(BadTiming(format!("\"every … at {}\" names no day; {FORMS}", shown(time))));
    }
    let all = if numbers.contains(&"*") { "*".to_owned() } else { numbers.join(",") };
    cron(&format!("{minute} {hour} * * {all}"))
}

fn time_of_day(text: &str) -> Result<(u8, u8), BadTiming> {
    let parts = text.split_once(':').filter(|(hour, minute)| (1..=2).contains(&hour.len()) && minute.len() == 2);
    let number = |text: &str, below: u8| text.parse().ok().filter(|number| *number < below);
    parts
        .filter(|(hour, minute)| hour.bytes().chain(minute.bytes()).all(|byte| byte.is_ascii_digit()))
        .and_then(|(hour, minute)| Some((number(hour, 24)?, number(minute, 60)?)))
        .ok_or_else(|| BadTiming(format!("{:?} is no time of day; write HH:MM, from 00:00 to 23:59", shown(text))))
}

fn cron(text: &str) -> Result<Box<Cron>, BadTiming> {
    text.parse().map(Box::new).map_err(|error| {
        BadTiming(format!(
            "\"{}\" is no timing of cron (minute, hour, day of the month, month, day of the week with 0 and 7 for Sunday): {error}",
            shown(text)
        ))
    })
}

fn moment_of(words: &[&str]) -> Result<DateTime, BadTiming> {
    let text = words.join(" ").replace('t', " ");
    let bad = || {
        BadTiming(format!(
            "\"at {}\" is no date and time that exists; write `at YYYY-MM-DD HH:MM`, such as `at 2027-01-31 18:00`",
            shown(&text)
        ))
    };
    let (date, time) = text.split_once(' ').ok_or_else(bad)?;
    let form = if time.matches(':').count() == 2 { "%Y-%m-%d %H:%M:%S" } else { "%Y-%m-%d %H:%M" };
    if date.len() != 10 {
        return Err(bad());
    }
    let moment = DateTime::strptime(form, &text).map_err(|_| bad())?;
    // A leap second would become another one.
    if time.ends_with(":60") { Err(bad()) } else { Ok(moment) }
}

#[cfg(test)]
pub(super) mod tests;
