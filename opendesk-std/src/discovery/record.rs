//! What a host publishes of itself, and what is made of what others publish.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use mdns_sd::{InterfaceId, ResolvedService, ScopedIp, TxtProperties};
use opendesk_core::{PublicKey, Wire};

use super::SERVICE;
use crate::home::{ANNOUNCED_DIGITS, hex, plain_text};

/// Bytes of a description that are published, as peers of version 1 do it: the rest comes with the greeting.
const DESCRIPTION: usize = 120;

/// A string of a TXT record stands behind one byte that gives its length.
const STRING: usize = 255;

/// Addresses of one host that are looked at: a machine has a handful, and more would only take time to try.
const ADDRESSES: usize = 16;

/// Bytes of a label of the DNS, which the name of an instance is (RFC 1035, 2.3.4).
const LABEL: usize = 63;

/// The version that peers of version 1 publish and expect.
const FIRST: u32 = 1;

/// The TXT record of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The key that the host says it has.
    pub key: PublicKey,
    /// How it describes itself: one line.
    pub description: String,
    /// The newest version of the wire that it says it speaks.
    pub wire: u32,
}

impl Record {
    /// What this program publishes of a host.
    pub(super) fn ours(key: PublicKey, description: &str) -> Self {
        Self { key, description: plain_text(description), wire: u32::from(Wire::V2.number()) }
    }

    /// Reads the data of a TXT record: strings, each behind its length in one byte. `None` for what is no host's,
    /// because it has no `pk` of 32 bytes. Everything else may be missing or wrong; a fingerprint in it is not looked
    /// at. Of a key that is there twice the first one counts.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        Self::read(&TxtProperties::from(data))
    }

    pub(super) fn read(properties: &TxtProperties) -> Option<Self> {
        let value = |name| properties.get_property_val(name).flatten();
        let key = value("pk")?.try_into().ok()?;
        let number = |name| core::str::from_utf8(value(name)?).ok()?.parse::<u32>().ok();
        Some(Self {
            key: PublicKey(key),
            description: plain_text(&String::from_utf8_lossy(value("desc").unwrap_or_default())),
            wire: number("wire").or_else(|| number("v")).unwrap_or(FIRST),
        })
    }

    /// The data of the TXT record. `v` is what peers of version 1 read; they pass over `wire`. The description is cut
    /// to 120 bytes.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let Self { key, description, wire } = self;
        let fingerprint = format!("{key:?}");
        let mut data = Vec::new();
        let mut add = |name: &str, value: &[u8]| {
            let string = [name.as_bytes(), b"=", value].concat();
            if let Ok(length) = u8::try_from(string.len()) {
                data.push(length);
                data.extend(string);
            }
        };
        add("v", FIRST.to_string().as_bytes());
        add("pk", &key.0);
        add("fp", fingerprint.as_bytes());
        if !description.is_empty() {
            add("desc", beginning(description, DESCRIPTION).as_bytes());
        }
        if *wire != FIRST {
            add("wire", wire.to_string().as_bytes());
        }
        data
    }
}

/// A host that says it is there. All of it is what it, or somebody else on the network, says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The key that it says it has. Whether it has it only a handshake tells.
    pub key: PublicKey,
    /// What it calls itself: one line of at most 255 bytes, perhaps empty.
    pub name: String,
    /// How it describes itself: one line, perhaps empty.
    pub description: String,
    /// Where it says it listens: at least one, at most 16, the likeliest first, none twice. Those of one link only have
    /// the number of the interface behind which they are.
    pub addresses: Vec<SocketAddr>,
    /// The newest version of the wire that it says it speaks.
    pub wire: u32,
}

impl Found {
    /// `None` for what is no host that could be connected to.
    pub(super) fn read(resolved: &ResolvedService) -> Option<Self> {
        let Record { key, description, wire } = Record::read(&resolved.txt_properties)?;
        let name = plain_text(label(&resolved.fullname)?);
        let addresses = usable(resolved.addresses.iter(), resolved.port);
        (!addresses.is_empty()).then_some(Self { key, name, description, addresses, wire })
    }
}

/// What a host of this name and key is called as an instance: the beginning of its name, and of its key, so that two
/// machines of one name stand beside each other. It is a host name as well.
pub(super) fn instance(name: &str, key: &PublicKey) -> String {
    let label = name.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let is_plain = |character: char| character.is_ascii_alphanumeric() || character == '-';
    let label: String = label.chars().map(|character| if is_plain(character) { character } else { '-' }).collect();
    let stem = beginning(label.trim_matches('-'), LABEL - 1 - ANNOUNCED_DIGITS);
    let stem = if stem.is_empty() { "opendesk" } else { stem };
    let digits = hex::encode(&key.0[..ANNOUNCED_DIGITS / 2]);
    format!("{stem}-{digits}")
}

/// The name of an instance without what it is an instance of.
pub(super) fn label(fullname: &str) -> Option<&str> {
    let (label, service) = fullname.split_at_checked(fullname.len().checked_sub(SERVICE.len())?)?;
    if !service.eq_ignore_ascii_case(SERVICE) {
        return None;
    }
    label.strip_suffix('.').filter(|label| label.len() <= STRING)
}

/// As much of a text as fits into so many bytes.
fn beginning(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

/// The addresses at which another machine can be, in an order that does not change by itself.
fn usable<'a>(addresses: impl Iterator<Item = &'a ScopedIp>, port: u16) -> Vec<SocketAddr> {
    if port == 0 {
        return Vec::new();
    }
    let mut usable: Vec<SocketAddr> = addresses.filter_map(|address| place(address, port)).collect();
    usable.sort_unstable_by_key(|address| (rank(address), *address));
    usable.dedup();
    usable.truncate(ADDRESSES);
    usable
}

fn place(address: &ScopedIp, port: u16) -> Option<SocketAddr> {
    match address {
        ScopedIp::V4(scoped) => {
            let address = *scoped.addr();
            let may = match address {
                Ipv4Addr::UNSPECIFIED | Ipv4Addr::BROADCAST => false,
                // Nobody sends this machine to itself from elsewhere.
                address if address.is_loopback() => scoped.interface_ids().iter().any(is_loopback),
                address => !address.is_multicast(),
            };
            may.then(|| SocketAddr::from((address, port)))
        }
        ScopedIp::V6(scoped) => {
            let (address, interface) = (*scoped.addr(), scoped.scope_id());
            let may = match address {
                Ipv6Addr::LOCALHOST => is_loopback(interface),
                // One of version 4 comes as such.
                address if address.to_ipv4_mapped().is_some() => false,
                address => !address.is_unspecified() && !address.is_multicast(),
            };
            let scope = if address.is_unicast_link_local() { interface.index } else { 0 };
            may.then(|| SocketAddrV6::new(address, port, 0, scope).into())
        }
        _ => None,
    }
}

/// `lo`, `lo0` or `Loopback Pseudo-Interface 1`.
fn is_loopback(interface: &InterfaceId) -> bool {
    let digits = |rest: &str| rest.bytes().all(|byte| byte.is_ascii_digit());
    interface.name.strip_prefix("lo").is_some_and(digits) || interface.name.starts_with("Loopback")
}

/// Those that are tried last are last.
const fn rank(address: &SocketAddr) -> u8 {
    match address.ip() {
        IpAddr::V4(address) if address.is_loopback() => 0,
        IpAddr::V6(Ipv6Addr::LOCALHOST) => 1,
        IpAddr::V4(address) if !address.is_link_local() => 2,
        IpAddr::V6(address) if !address.is_unicast_link_local() => 3,
        IpAddr::V4(_) => 4,
        IpAddr::V6(_) => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: PublicKey = PublicKey([0xab; 32]);

    #[test]
    fn an_instance_has_a_name_that_fits_and_is_a_host_s() {
        for (name, expected) in [
            ("laptop", "laptop-ababab"),
            ("PC.example.org", "pc-ababab"),
            ("Büro PC_2", "b-ro-pc-2-ababab"),
            ("", "opendesk-ababab"),
            (".local", "opendesk-ababab"),
            ("---", "opendesk-ababab"),
            ("a\u{1b}[2Jb\\", "a--2jb-ababab"),
        ] {
            assert_eq!(instance(name, &KEY), expected, "{name}");
        }
        let long = instance(&"x".repeat(64), &KEY);
        assert_eq!((long.len(), long.ends_with("x-ababab")), (63, true));
    }

    #[test]
    fn what_is_no_instance_of_the_service_has_no_label() {
        assert_eq!(label("pc-00aabb._opendesk._tcp.local."), Some("pc-00aabb"));
        assert_eq!(label("a.b._OpenDesk._TCP.local."), Some("a.b"));
        for other in ["", "_opendesk._tcp.local.", "pc._http._tcp.local.", "pc_opendesk._tcp.local.", "é"] {
            assert_eq!(label(other), None, "{other}");
        }
        assert_eq!(label(&format!("{}._opendesk._tcp.local.", "x".repeat(256))), None);
    }

    fn places(addresses: &[&str], port: u16) -> Vec<String> {
        let scoped: Vec<ScopedIp> = addresses.iter().map(|address| address.parse::<IpAddr>().unwrap().into()).collect();
        usable(scoped.iter(), port).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn addresses_stand_in_the_order_in_which_they_are_tried_and_once() {
        let given = ["fe80::1", "169.254.0.1", "2001:db8::2", "192.0.2.2", "192.0.2.1", "192.0.2.2", "2001:db8::1"];
        assert_eq!(
            places(&given, 8423),
            [
                "192.0.2.1:8423",
                "192.0.2.2:8423",
                "[2001:db8::1]:8423",
                "[2001:db8::2]:8423",
                "169.254.0.1:8423",
                "[fe80::1]:8423"
            ]
        );
        let many: Vec<String> = (0..200).map(|number| format!("192.0.2.{number}")).collect();
        assert_eq!(places(&many.iter().map(String::as_str).collect::<Vec<_>>(), 1).len(), ADDRESSES);
    }

    #[test]
    fn where_nobody_can_be_nobody_is_sought() {
        // None of these came from this machine itself.
        let nowhere = ["0.0.0.0", "255.255.255.255", "224.0.0.251", "127.0.0.1", "127.9.9.9", "::", "::1", "ff02::fb"];
        assert_eq!(places(&nowhere, 8423), Vec::<String>::new());
        assert_eq!(places(&["::ffff:127.0.0.1", "::ffff:192.0.2.1"], 8423), Vec::<String>::new());
        assert_eq!(places(&["192.0.2.1"], 0), Vec::<String>::new());
    }

    #[test]
    fn only_what_is_called_so_is_this_machine_s_own() {
        let named = |name: &str| is_loopback(&InterfaceId { name: name.to_owned(), index: 1 });
        assert!(named("lo") && named("lo0") && named("Loopback Pseudo-Interface 1"));
        assert!(!named("eth0") && !named("lowpan0") && !named("") && !named("alo"));
    }
}
