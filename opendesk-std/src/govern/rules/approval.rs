//! How the owner is asked: `approval` of `policy.json`.

use core::time::Duration;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

/// Words for ways to ask. `mcp` is a way of version 1's agents and none for a host; `none` is nobody.
const WAYS: [&str; 4] = ["native", "console", "mcp", "none"];

/// How the owner is asked about a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// How long until no answer is a no; 1 to 600 s.
    pub timeout: Duration,
    /// The ways to ask, the first one first: `native` (a dialog of the desktop), `console` (the terminal), `mcp` and
    /// `none`. Nothing where the file does not say.
    pub chain: Option<Vec<String>>,
}

impl Default for Approval {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(60), chain: None }
    }
}

/// As it stands in the file. What else version 1 may have there is no business of a host.
#[derive(Debug, Default, Deserialize)]
pub(super) struct WrittenApproval {
    timeout: Option<f64>,
    chain: Option<Vec<String>>,
    #[serde(flatten)]
    pub(super) others: BTreeMap<String, IgnoredAny>,
}

/// The keys of it.
pub(super) const KEYS: [&str; 2] = ["timeout", "chain"];

impl WrittenApproval {
    pub(super) fn understood(self) -> Result<Approval, String> {
        let timeout = match self.timeout {
            None => Approval::default().timeout,
            Some(seconds) if (1.0..=600.0).contains(&seconds) => Duration::from_secs_f64(seconds),
            Some(seconds) => return Err(format!("approval: the timeout is 1 to 600 seconds, not {seconds}")),
        };
        let way = |word: String| {
            let word = word.to_ascii_lowercase();
            if WAYS.contains(&word.as_str()) {
                return Ok(word);
            }
            Err(format!("approval: {word:?} is no way to ask; there are {}", WAYS.join(", ")))
        };
        let chain = self.chain.map(|words| words.into_iter().map(way).collect()).transpose()?;
        Ok(Approval { timeout, chain })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn understood(json: &str) -> Result<Approval, String> {
        serde_json::from_str::<WrittenApproval>(json).map_err(|error| error.to_string())?.understood()
    }

    #[test]
    fn what_is_left_out_is_the_default() {
        for json in ["{}", r#"{"timeout": null, "chain": null}"#, r#"{"later": [1]}"#] {
            assert_eq!(understood(json), Ok(Approval { timeout: Duration::from_secs(60), chain: None }), "{json}");
        }
        let said = understood(r#"{"timeout": 2.5, "chain": ["MCP", "native", "console"]}"#).unwrap();
        assert_eq!(said.timeout, Duration::from_millis(2500));
        assert_eq!(said.chain.unwrap(), ["mcp", "native", "console"]);
        assert_eq!(understood(r#"{"chain": []}"#).unwrap().chain.unwrap(), [""; 0]);
    }

    #[test]
    fn what_is_not_understood_is_said() {
        for (json, why) in [
            (r#"{"timeout": 0}"#, "1 to 600 seconds, not 0"),
            (r#"{"timeout": 601}"#, "1 to 600 seconds, not 601"),
            (r#"{"timeout": -1e300}"#, "1 to 600 seconds"),
            (r#"{"timeout": "long"}"#, "invalid type: string"),
            (r#"{"chain": ["natve"]}"#, "\"natve\" is no way to ask; there are native, console"),
            (r#"{"chain": "native"}"#, "invalid type: string"),
        ] {
            let error = understood(json).unwrap_err();
            assert!(error.contains(why), "{json}: {error}");
        }
    }
}
