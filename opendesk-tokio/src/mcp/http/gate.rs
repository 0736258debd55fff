//! Whom a request comes from: a program that calls this server by one of its names, never a page of the web
//! ([`crate::origin`]).

use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri};

use crate::origin::{self, Foreign};

/// What the loopback interface is called. No name server is asked for these.
const LOOPBACK: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

/// The names that requests may be for.
pub(super) struct Gate {
    hosts: Vec<String>,
}

impl Gate {
    /// Those of the loopback interface, and these.
    ///
    /// # Errors
    /// The one that is no name.
    pub(super) fn new(allowed: &[String]) -> Result<Self, String> {
        let named = allowed.iter().map(|name| {
            let bracketed =
                if name.parse::<core::net::Ipv6Addr>().is_ok() { format!("[{name}]") } else { name.clone() };
            let is_name = bracketed.parse::<Authority>().is_ok_and(|authority| {
                authority.host() == bracketed && authority.host().len() == authority.as_str().len()
            });
            let is_plain = bracketed.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte));
            if is_name && is_plain { Ok(bracketed.to_ascii_lowercase()) } else { Err(name.clone()) }
        });
        let hosts = LOOPBACK.iter().map(|name| Ok((*name).to_owned())).chain(named).collect::<Result<_, _>>()?;
        Ok(Self { hosts })
    }

    /// Every name.
    pub(super) fn hosts(&self) -> impl Iterator<Item = String> {
        self.hosts.iter().cloned()
    }

    /// Lets a request pass, or says in one line why not.
    pub(super) fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), &'static str> {
        origin::check(uri, headers, &["http://", "https://"], |host| self.is_ours(host)).map_err(|why| match why {
            Foreign::Name => "this server is not called by that name; use its address, or start it with --allow-host",
            Foreign::TwoNames => "the request names two hosts",
            Foreign::Page | Foreign::Site => "a web page asked for this; only programs may",
        })
    }

    /// A name with any port: a tunnel has another one at its end, and no page chooses the name.
    fn is_ours(&self, host: &str) -> bool {
        self.hosts.iter().any(|name| {
            let Some((start, rest)) = host.split_at_checked(name.len()) else { return false };
            let port = rest.strip_prefix(':');
            let is_port =
                port.is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok());
            start.eq_ignore_ascii_case(name) && (rest.is_empty() || is_port)
        })
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    fn passes(gate: &Gate, uri: &str, headers: &[(&str, &str)]) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        gate.check(&uri.parse().unwrap(), &map).is_ok()
    }

    #[test]
    fn only_its_own_names_are_answered() {
        let gate = Gate::new(&[]).unwrap();
        for host in ["127.0.0.1:81", "localhost:81", "LOCALHOST:9", "[::1]:81", "127.0.0.1", "[::1]", "localhost:65535"]
        {
            assert!(passes(&gate, "/mcp", &[("host", host)]), "{host}");
        }
        for host in [
            "localhost.evil:81",
            "127.0.0.1.evil.example:81",
            "evil.localhost:81",
            "localhost.:81",
            "evil.example",
            "evil.example:81",
            "127.0.0.2:81",
            "127.1:81",
            "2130706433:81",
            "0.0.0.0:81",
            "::1",
            "[::1",
            "[::ffff:127.0.0.1]:81",
            "[::1].evil:81",
            "localhost:",
            "localhost:81:82",
            "localhost:65536",
            "localhost:+81",
            "user@localhost:81",
            "localhost:81@evil",
            "localhost/",
            "",
        ] {
            assert!(!passes(&gate, "/mcp", &[("host", host)]), "{host}");
        }
        assert!(!passes(&gate, "/mcp", &[]), "none at all");
        assert!(!passes(&gate, "/mcp", &[("host", "localhost"), ("host", "localhost")]), "two of them");
        assert!(!passes(&gate, "http://evil.example/mcp", &[("host", "localhost:81")]), "two names");
    }

    #[test]
    fn names_that_were_allowed_are_answered_too() {
        let gate = Gate::new(&["Desk.lan".to_owned(), "192.168.1.7".to_owned(), "fe80::1".to_owned()]).unwrap();
        for host in ["desk.lan:81", "DESK.LAN", "192.168.1.7:8765", "[fe80::1]:81", "localhost"] {
            assert!(passes(&gate, "/mcp", &[("host", host)]), "{host}");
        }
        for host in ["lan:81", "x.desk.lan", "desk.lan.evil", "192.168.1.70"] {
            assert!(!passes(&gate, "/mcp", &[("host", host)]), "{host}");
        }
        for bad in ["", "desk lan", "desk:81", "http://desk", "*", "a/b", "u@desk", "[::1]x"] {
            assert!(Gate::new(&[bad.to_owned()]).is_err(), "{bad}");
        }
    }

    #[test]
    fn no_page_of_the_web_is_answered() {
        let gate = Gate::new(&[]).unwrap();
        let host = ("host", "127.0.0.1:81");
        assert!(passes(&gate, "/mcp", &[host, ("origin", "http://127.0.0.1:81"), ("sec-fetch-site", "same-origin")]));
        for origin in [
            "null",
            "",
            "http://localhost:81",
            "http://127.0.0.1:82",
            "http://127.0.0.1",
            "http://127.0.0.1:81/",
            "http://evil.example",
            "http://127.0.0.1:81.evil.example",
            "http://127.0.0.1:81 http://evil.example",
            "file://",
            "chrome-extension://aaaa",
        ] {
            assert!(!passes(&gate, "/mcp", &[host, ("origin", origin)]), "{origin}");
        }
        for site in ["cross-site", "same-site", ""] {
            assert!(!passes(&gate, "/mcp", &[host, ("sec-fetch-site", site)]), "{site}");
        }
    }
}
