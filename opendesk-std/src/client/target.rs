//! How a person says which machine they mean.

use core::fmt;
use core::net::IpAddr;
use core::str::FromStr;
use opendesk_core::PublicKey;

use super::DEFAULT_PORT;
use crate::home::hex;

/// The machine that a person means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// A paired machine: its name, the beginning of its fingerprint, or its key.
    Peer(String),
    /// The machine with a key, at a place.
    At(Place),
}

/// A key, and where the machine that has it is to be sought. Written `ws://host:port#key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// A name or an address of the network; an IPv6 address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Who has to answer there.
    pub key: PublicKey,
}

/// A text that is not the address of a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadPlace(String);

impl fmt::Display for BadPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for BadPlace {}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (host, port, key) = (&self.host, self.port, hex::encode(&self.key.0));
        if host.contains(':') {
            write!(f, "ws://[{}]:{port}#{key}", host.replace('%', "%25"))
        } else {
            write!(f, "ws://{host}:{port}#{key}")
        }
    }
}

impl FromStr for Whom {
    type Err = BadPlace;

    /// What has a scheme is a [`Place`], everything else what a peer is called.
    fn from_str(text: &str) -> Result<Self, BadPlace> {
        match text.split_once("://") {
            None => Ok(Self::Peer(text.to_owned())),
            Some(_) => text.parse().map(Self::At),
        }
    }
}

impl FromStr for Place {
    type Err = BadPlace;

    fn from_str(text: &str) -> Result<Self, BadPlace> {
        let form =
            "; an address is written ws://HOST:PORT#KEY, with the 64 digits that `opendesk identity` prints there";
        let bad = |why: &str| BadPlace(format!("\"{}\" {why}{form}", crate::home::printable(text)));
        let (scheme, rest) = text.split_once("://").ok_or_else(|| bad("is no address"))?;
        if scheme.eq_ignore_ascii_case("wss") {
            return Err(BadPlace(
                "wss:// is not spoken: there is no TLS, because a session is encrypted from end to end already and its key \
                 is the proof that the right machine answers; write ws:// instead"
                    .to_owned(),
            ));
        }
        if !scheme.eq_ignore_ascii_case("ws") {
            return Err(bad("does not begin with ws://"));
        }
        let (authority, key) = rest.split_once('#').ok_or_else(|| bad("has no key behind a #"))?;
        let key = hex::decode_key(key).ok_or_else(|| bad("has no key of 64 hexadecimal digits behind the #"))?;
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        let (host, port) = split_port(authority).ok_or_else(|| bad("has no host and port that can be read"))?;
        Ok(Self { host, port: port.unwrap_or(DEFAULT_PORT), key: PublicKey(key) })
    }
}

/// Host and port of `host`, `host:port`, `[v6]` or `[v6]:port`; `None` when it is none of these.
pub(super) fn split_port(authority: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let (address, after) = rest.split_once(']')?;
        let address = address.replace("%25", "%");
        // A zone follows the address.
        let number = address.split('%').next().unwrap_or_default();
        number.parse::<IpAddr>().ok().filter(IpAddr::is_ipv6)?;
        (address, if after.is_empty() { None } else { Some(after.strip_prefix(':')?) })
    } else {
        let (host, port) = match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        };
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_') || byte >= 0x80;
        if host.is_empty() || host.len() > MAX_HOST || !host.bytes().all(is_name) {
            return None;
        }
        (host.to_owned(), port)
    };
    let port = match port {
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(port.parse::<u16>().ok().filter(|port| *port != 0)?)
        }
        Some(_) => return None,
        None => None,
    };
    Some((host, port))
}

/// As long as a name of the DNS may be.
const MAX_HOST: usize = 253;

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    fn place(authority: &str) -> Option<(String, u16)> {
        match format!("ws://{authority}#{KEY}").parse() {
            Ok(Whom::At(place)) => {
                assert_eq!(place.key.0, core::array::from_fn(|index| index as u8));
                assert_eq!(place.to_string().parse(), Ok(Whom::At(place.clone())), "{place}");
                Some((place.host, place.port))
            }
            _ => None,
        }
    }

    #[test]
    fn an_address_names_host_port_and_key() {
        for (text, host, port) in [
            ("box:9000", "box", 9000),
            ("box", "box", DEFAULT_PORT),
            ("box.local:1/", "box.local", 1),
            ("192.0.2.7:8423", "192.0.2.7", 8423),
            ("[2001:db8::7]:8423", "2001:db8::7", 8423),
            ("[::1]", "::1", DEFAULT_PORT),
            ("[fe80::1%25eth0]:8423", "fe80::1%eth0", 8423),
            ("[fe80::1%eth0]:8423", "fe80::1%eth0", 8423),
        ] {
            assert_eq!(place(text), Some((host.to_owned(), port)), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            ":1",
            "box:",
            "box:0",
            "box:65536",
            "box:+1",
            "box:x",
            "a b:1",
            "box/path:1",
            "user@box:1",
            "[::1",
            "[127.0.0.1]:1",
            "[::1]1",
            "::1:8423",
            "[]:1",
            "box:1:2",
        ] {
            assert_eq!(place(text), None, "{text}");
        }
        assert_eq!(place(&"a".repeat(254)), None);
        for text in [
            "ws://box:1",
            "ws://box:1#",
            "ws://box:1#00",
            &format!("http://box:1#{KEY}"),
            &format!("ws://box:1#{KEY}0"),
        ] {
            let error = text.parse::<Whom>().unwrap_err().to_string();
            assert!(error.contains("ws://HOST:PORT#KEY") && !error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn tls_is_refused_and_never_taken_for_something_else() {
        // W18: the Python package dials wss:// without TLS.
        for scheme in ["wss", "WSS"] {
            let error = format!("{scheme}://box:1#{KEY}").parse::<Whom>().unwrap_err().to_string();
            assert!(error.contains("no TLS") && error.contains("write ws://"), "{error}");
        }
    }

    #[test]
    fn everything_without_a_scheme_is_what_a_peer_is_called() {
        for text in ["desk", "a4e0:9292", "ws:box"] {
            assert_eq!(text.parse(), Ok(Whom::Peer(text.to_owned())));
        }
    }
}
