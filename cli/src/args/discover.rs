//! Looking for machines.

use core::time::Duration;

/// The longest time that one look may take.
const LONGEST: f64 = 3600.0;

#[derive(Debug, clap::Args)]
pub(crate) struct Discover {
    /// How long to look, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = seconds)]
    pub(crate) timeout: Duration,
    /// Go on, and print a line whenever a machine appears, changes or vanishes
    #[arg(long, conflicts_with = "timeout")]
    pub(crate) watch: bool,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| *seconds > 0.0 && *seconds <= LONGEST);
    let seconds = seconds.ok_or_else(|| format!("it is a number of seconds, more than 0 and at most {LONGEST}"))?;
    Ok(Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_some_seconds_and_not_for_ever() {
        assert_eq!(seconds("2"), Ok(Duration::from_secs(2)));
        assert_eq!(seconds("0.25"), Ok(Duration::from_millis(250)));
        assert_eq!(seconds("3600"), Ok(Duration::from_secs(3600)));
        for text in ["", "0", "-1", "3601", "inf", "NaN", "2s", "1e9"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
