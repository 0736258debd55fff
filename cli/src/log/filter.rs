//! Which events are logged.

use std::ffi::OsString;

use opendesk_std::home::printable;
use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

use super::VARIABLE;
use crate::exit::Failure;

/// What the names of our crates begin with.
const OURS: &str = "opendesk";

/// The events of our own crates up to a level.
///
/// What the libraries do that we are made of is logged where they are at `trace` only: they take what passes through them
/// for details, and an agent's typing is in the `debug` events of one of them.
#[derive(Debug)]
pub(super) struct Filter {
    targets: Targets,
    most: LevelFilter,
}

impl Filter {
    /// The level of so many `-v`, unless the environment says what is logged.
    pub(super) fn new(verbose: u8, variable: Option<OsString>) -> Result<Self, Failure> {
        let Some(variable) = variable.filter(|text| !text.is_empty()) else {
            let level = match verbose {
                0 => LevelFilter::WARN,
                1 => LevelFilter::INFO,
                2 => LevelFilter::DEBUG,
                _ => LevelFilter::TRACE,
            };
            return Ok(Self { targets: Targets::new().with_target(OURS, level), most: level });
        };
        let text = variable.into_string().map_err(|text| wrong(&text.to_string_lossy()))?;
        let (mut targets, mut most) = (Targets::new(), LevelFilter::OFF);
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (target, level) = match part.split_once('=') {
                Some((target, level)) => (Some(target.trim()), level.trim()),
                None => (None, part),
            };
            let level: LevelFilter = level.parse().map_err(|_| wrong(part))?;
            most = most.max(level);
            targets = match target {
                None => targets.with_default(level),
                Some(target) if is_name(target) => targets.with_target(target, level),
                Some(_) => return Err(wrong(part)),
            };
        }
        Ok(Self { targets, most })
    }

    /// Whether an event of a part of the program is logged.
    pub(super) fn allows(&self, target: &str, level: &Level) -> bool {
        let least = if target.starts_with(OURS) { level } else { &Level::TRACE };
        self.targets.would_enable(target, least)
    }

    /// The level beyond which nothing is.
    pub(super) const fn most(&self) -> LevelFilter {
        self.most
    }
}

fn is_name(target: &str) -> bool {
    !target.is_empty() && target.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'-'))
}

fn wrong(part: &str) -> Failure {
    let part = printable(part);
    Failure::usage(format!(
        "{VARIABLE} cannot be understood at \"{part}\"; write a level (off, error, warn, info, debug or trace), or parts \
         of the program with levels of their own, such as opendesk_std::host=debug, with commas in between"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(text: &str) -> Filter {
        Filter::new(0, Some(text.into())).unwrap()
    }

    #[test]
    fn the_number_of_v_is_the_level_of_our_own_crates() {
        let levels = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];
        for (verbose, allowed) in [(0, 2), (1, 3), (2, 4), (3, 5), (9, 5)] {
            for variable in [None, Some(OsString::new())] {
                let filter = Filter::new(verbose, variable).unwrap();
                for target in ["opendesk", "opendesk_std::host::driver", "opendesk::commands"] {
                    assert_eq!(levels.iter().filter(|level| filter.allows(target, level)).count(), allowed, "{target}");
                }
                assert!(levels.iter().all(|level| !filter.allows("rmcp::service", level)));
                assert!(levels.iter().all(|level| filter.most() >= *level || !filter.allows("opendesk", level)));
            }
        }
    }

    #[test]
    fn the_environment_says_more_and_the_nearest_name_counts() {
        let filter = filter(" warn, opendesk_std::host=DEBUG ,opendesk_std::host::admin=off,");
        for (target, level, allowed) in [
            ("opendesk", Level::WARN, true),
            ("opendesk", Level::INFO, false),
            ("opendesk_std::host::calls", Level::DEBUG, true),
            ("opendesk_std::host::calls", Level::TRACE, false),
            ("opendesk_std::host::admin", Level::ERROR, false),
        ] {
            assert_eq!(filter.allows(target, &level), allowed, "{target} {level}");
        }
        assert_eq!(filter.most(), LevelFilter::DEBUG);
    }

    #[test]
    fn libraries_are_logged_at_trace_only() {
        let debug = filter("debug,zbus=debug");
        let trace = filter("debug,zbus=trace");
        for level in [Level::ERROR, Level::INFO, Level::DEBUG, Level::TRACE] {
            assert!(!debug.allows("rmcp::service", &level) && !debug.allows("zbus::connection", &level));
            assert!(!trace.allows("rmcp::service", &level) && trace.allows("zbus::connection", &level));
        }
    }

    #[test]
    fn what_is_no_filter_is_said_in_one_line() {
        for (text, part) in [
            ("debgu", "debgu"),
            ("opendesk", "opendesk"),
            ("info,opendesk=loud", "opendesk=loud"),
            ("=debug", "=debug"),
            ("opendesk[call{id=1}]=debug", "opendesk[call{id=1}]=debug"),
            ("a b=debug", "a b=debug"),
            ("\u{1b}[31m\n", "\\u{1b}[31m"),
        ] {
            let failure = Filter::new(2, Some(text.into())).unwrap_err();
            let line = failure.to_string();
            assert!(line.contains(&format!("OPENDESK_LOG cannot be understood at \"{part}\"; write")), "{line}");
            assert_eq!((failure.number(), line.lines().count()), (2, 1));
        }
    }
}
