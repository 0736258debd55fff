//! Whom a request comes from: only the page itself, in a browser of this machine, is answered ([`crate::origin`]).

use axum::http::{HeaderMap, Uri};

use crate::origin::{self, Foreign};

/// Lets a request pass, or says in one line why not.
pub(super) fn check(port: u16, uri: &Uri, headers: &HeaderMap) -> Result<(), &'static str> {
    origin::check(uri, headers, &["http://"], |host| is_ours(port, host)).map_err(|why| match why {
        Foreign::Name => "this address is not the one that opendesk printed; use that one",
        Foreign::TwoNames => "the request names two hosts; use the address that opendesk printed",
        Foreign::Page => "another web page asked for this; only opendesk's own page may",
        Foreign::Site => "another web page asked for this; open the address that opendesk printed yourself",
    })
}

fn is_ours(port: u16, host: &str) -> bool {
    // A browser leaves the port of HTTP out.
    let has_port = |given: Option<&str>| match given {
        Some(given) => given.strip_prefix(':').is_some_and(|digits| digits == port.to_string()),
        None => port == 80,
    };
    ["127.0.0.1", "localhost"]
        .iter()
        .any(|name| host.strip_prefix(name).is_some_and(|rest| has_port((!rest.is_empty()).then_some(rest))))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    fn passes(port: u16, uri: &str, headers: &[(&str, &str)]) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        check(port, &uri.parse().unwrap(), &map).is_ok()
    }

    #[test]
    fn only_the_printed_address_is_answered() {
        for host in ["127.0.0.1:81", "localhost:81"] {
            assert!(passes(81, "/", &[("host", host)]), "{host}");
        }
        for host in [
            "127.0.0.1",
            "localhost",
            "127.0.0.1:82",
            "127.0.0.1:810",
            "127.0.0.1:081",
            "127.0.0.1:81.evil.example",
            "127.0.0.1.evil.example:81",
            "evil.example:81",
            "evil.example",
            "localhost.:81",
            "LOCALHOST:81",
            "127.0.0.2:81",
            "127.1:81",
            "[::1]:81",
            "0.0.0.0:81",
            "user@127.0.0.1:81",
            "",
        ] {
            assert!(!passes(81, "/", &[("host", host)]), "{host}");
        }
        assert!(!passes(81, "/", &[]), "none at all");
        assert!(!passes(81, "/", &[("host", "127.0.0.1:81"), ("host", "127.0.0.1:81")]), "two of them");
        assert!(!passes(81, "http://evil.example:81/", &[("host", "127.0.0.1:81")]), "two names");
        assert!(passes(81, "http://127.0.0.1:81/", &[("host", "127.0.0.1:81")]));
        assert!(passes(80, "/", &[("host", "127.0.0.1")]) && passes(80, "/", &[("host", "localhost:80")]));
    }

    #[test]
    fn no_other_page_is_answered() {
        let host = ("host", "127.0.0.1:81");
        assert!(passes(81, "/", &[host, ("origin", "http://127.0.0.1:81"), ("sec-fetch-site", "same-origin")]));
        assert!(passes(81, "/", &[host, ("sec-fetch-site", "none")]));
        for origin in [
            "null",
            "",
            "http://localhost:81",
            "https://127.0.0.1:81",
            "http://127.0.0.1:82",
            "http://127.0.0.1:81/",
            "http://evil.example",
            "http://127.0.0.1:81 http://evil.example",
            "chrome-extension://aaaa",
        ] {
            assert!(!passes(81, "/", &[host, ("origin", origin)]), "{origin}");
        }
        for site in ["cross-site", "same-site", "", "Same-Origin"] {
            assert!(!passes(81, "/", &[host, ("sec-fetch-site", site)]), "{site}");
        }
    }
}
