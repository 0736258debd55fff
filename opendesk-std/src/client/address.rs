//! How a person writes where a machine is on the network.

use core::fmt;
use core::net::Ipv6Addr;
use core::str::FromStr;

use super::target::split_port;
use crate::home::printable;

/// Where a machine is: `box`, `192.0.2.7`, `2001:db8::7` or `fe80::1%eth0`, with a port `box:8423` or
/// `[2001:db8::7]:8423`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// A name or an address of the network; an IPv6 address without brackets.
    pub host: String,
    /// The port, if one is written.
    pub port: Option<u16>,
}

/// A text that is no [`Address`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadAddress(String);

impl fmt::Display for BadAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "\"{}\" is not where a machine can be; write its name or address, as box, 192.0.2.7 or fe80::1%eth0, with a \
             port as box:8423 or [fe80::1%eth0]:8423",
            printable(&self.0)
        )
    }
}

impl core::error::Error for BadAddress {}

impl FromStr for Address {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let (number, zone) = text.split_once('%').map_or((text, None), |(number, zone)| (number, Some(zone)));
        let is_zone = |zone: &str| !zone.is_empty() && zone.bytes().all(|byte| byte.is_ascii_graphic() && byte != b']');
        if number.parse::<Ipv6Addr>().is_ok() && zone.is_none_or(is_zone) {
            return Ok(Self { host: text.to_owned(), port: None });
        }
        match split_port(text) {
            Some((host, port)) if host.split_once('%').is_none_or(|(_, zone)| is_zone(zone)) => Ok(Self { host, port }),
            _ => Err(BadAddress(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_read_with_and_without_a_port() {
        for (text, host, port) in [
            ("box", "box", None),
            ("box.local", "box.local", None),
            ("box.local:9000", "box.local", Some(9000)),
            ("192.0.2.7", "192.0.2.7", None),
            ("192.0.2.7:8423", "192.0.2.7", Some(8423)),
            ("::1", "::1", None),
            ("2001:db8::7", "2001:db8::7", None),
            ("fe80::1%eth0", "fe80::1%eth0", None),
            ("[::1]", "::1", None),
            ("[2001:db8::7]:9000", "2001:db8::7", Some(9000)),
            ("[fe80::1%eth0]:9000", "fe80::1%eth0", Some(9000)),
            ("büro", "büro", None),
        ] {
            assert_eq!(text.parse(), Ok(Address { host: host.to_owned(), port }), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_said_in_one_line() {
        for text in [
            "",
            " ",
            "a b",
            "box:",
            "box:0",
            "box:65536",
            "box:http",
            ":8423",
            "ws://box",
            "wss://box:1",
            "user@box",
            "box/x",
            "[::1",
            "[box]:1",
            "::1:99999",
            "fe80::1%",
            "[fe80::1%]:1",
            "fe80::1%a b",
            "box\u{1b}[2J",
            "1:2:3",
        ] {
            let error = text.parse::<Address>().unwrap_err().to_string();
            assert!(error.contains("box:8423") && !error.chars().any(char::is_control), "{text}: {error}");
        }
    }
}
