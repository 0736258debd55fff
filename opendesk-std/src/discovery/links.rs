//! The networks of this machine on which a host is announced, and the sockets for them.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::collections::BTreeMap;
use std::io;
use std::net::UdpSocket;

use if_addrs::{IfAddr, Interface};
use mdns_sd::MDNS_PORT;
use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, Type};

use super::DiscoveryError;

const GROUP_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);

/// Bytes of a message (RFC 6762, 17).
pub(super) const MESSAGE: usize = 9000;

/// Nothing comes from further away than this network (RFC 6762, 11).
const HOPS: u32 = 255;

/// A socket of the port of multicast DNS, shared with whoever else on this machine uses it.
pub(super) fn open(address: IpAddr) -> io::Result<UdpSocket> {
    let address = SocketAddr::from((address, MDNS_PORT));
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_address(true)?;
    #[cfg(unix)]
    socket.set_reuse_port(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&SockAddr::from(address))?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Why it could not be opened.
pub(super) fn refusal(error: &io::Error) -> DiscoveryError {
    DiscoveryError(if error.kind() == io::ErrorKind::AddrInUse {
        format!("UDP port {MDNS_PORT} is in use by a program that does not share it, so multicast DNS cannot be used")
    } else {
        format!("UDP port {MDNS_PORT}, which is that of multicast DNS, cannot be used: {error}")
    })
}

/// A network of this machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Link {
    /// The host's addresses there.
    pub(super) addresses: Vec<IpAddr>,
    /// This machine's addresses there, with the number of bits that everybody there has in common.
    nets: Vec<(IpAddr, u8)>,
}

/// All networks on which the host is reached, and how to reach those who are there.
#[derive(Debug)]
pub(super) struct Links {
    v4: Option<UdpSocket>,
    v6: Option<UdpSocket>,
    listening: IpAddr,
    /// By the number of the interface.
    links: BTreeMap<u32, Link>,
    /// Which were joined, of which interface and version.
    joined: Vec<(u32, bool)>,
}

impl Links {
    /// For a host that listens at this address.
    pub(super) fn open(listening: IpAddr) -> Result<Self, DiscoveryError> {
        let (v4, v6) = (open(Ipv4Addr::UNSPECIFIED.into()), open(Ipv6Addr::UNSPECIFIED.into()));
        // Either will do: a message tells of addresses of both versions.
        let (v4, v6) = match (v4, v6) {
            (Err(error), Err(_)) => return Err(refusal(&error)),
            (v4, v6) => (v4.ok(), v6.ok()),
        };
        if let Some(socket) = &v4 {
            socket.set_multicast_ttl_v4(HOPS).map_err(|error| refusal(&error))?;
        }
        if let Some(socket) = &v6 {
            SockRef::from(socket).set_multicast_hops_v6(HOPS).map_err(|error| refusal(&error))?;
        }
        Ok(Self { v4, v6, listening, links: BTreeMap::new(), joined: Vec::new() })
    }

    pub(super) fn sockets(&self) -> impl Iterator<Item = &UdpSocket> {
        [&self.v4, &self.v6].into_iter().flatten()
    }

    /// Looks which networks there are now. Gives those that are new or whose addresses are others.
    pub(super) fn refresh(&mut self) -> Vec<u32> {
        let interfaces = match if_addrs::get_if_addrs() {
            Ok(interfaces) => interfaces,
            Err(error) => {
                tracing::debug!(%error, "which networks there are cannot be told");
                return Vec::new();
            }
        };
        let now = links(&interfaces, self.listening);
        let is_new = |index: &u32, link: &Link| self.links.get(index) != Some(link);
        let new: Vec<u32> = now.iter().filter(|(index, link)| is_new(index, link)).map(|(index, _)| *index).collect();
        // What has gone and comes again is joined again.
        self.joined.retain(|(index, _)| now.contains_key(index));
        self.links = now;
        for index in self.links.keys() {
            for is_v6 in [false, true] {
                if !self.joined.contains(&(*index, is_v6)) && self.join(*index, is_v6).is_ok() {
                    self.joined.push((*index, is_v6));
                }
            }
        }
        new
    }

    fn join(&self, index: u32, is_v6: bool) -> io::Result<()> {
        let none = || io::Error::from(io::ErrorKind::AddrNotAvailable);
        let result = if is_v6 {
            let socket = self.v6.as_ref().ok_or_else(none)?;
            self.own(index, true).ok_or_else(none)?;
            socket.join_multicast_v6(&GROUP_V6, index)
        } else {
            let socket = self.v4.as_ref().ok_or_else(none)?;
            let Some(IpAddr::V4(own)) = self.own(index, false) else { return Err(none()) };
            socket.join_multicast_v4(&GROUP_V4, &own)
        };
        match result {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => Ok(()),
            other => other,
        }
    }

    /// An address of this machine there.
    fn own(&self, index: u32, is_v6: bool) -> Option<IpAddr> {
        self.links.get(&index)?.nets.iter().map(|(address, _)| *address).find(|address| address.is_ipv6() == is_v6)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = u32> {
        self.links.keys().copied()
    }

    pub(super) fn get(&self, index: u32) -> Option<&Link> {
        self.links.get(&index)
    }

    /// The network that somebody is on; `None` for who is on none of them, and is not answered.
    pub(super) fn link_of(&self, from: &SocketAddr) -> Option<u32> {
        if let SocketAddr::V6(from) = from
            && from.ip().is_unicast_link_local()
        {
            return self.links.contains_key(&from.scope_id()).then_some(from.scope_id());
        }
        let is_there = |link: &Link| link.nets.iter().any(|(own, bits)| is_in_net(from.ip(), *own, *bits));
        self.links.iter().find(|(_, link)| is_there(link)).map(|(index, _)| *index)
    }

    /// Tells everybody on a network. One who is not told asks again.
    pub(super) fn tell(&self, index: u32, message: &[u8]) {
        let told = |result: io::Result<usize>| {
            if let Err(error) = result {
                tracing::trace!(%error, index, "a network was not told");
            }
        };
        if let (Some(socket), Some(IpAddr::V4(own))) = (&self.v4, self.own(index, false)) {
            let to = SockRef::from(socket).set_multicast_if_v4(&own);
            told(to.and_then(|()| socket.send_to(message, (GROUP_V4, MDNS_PORT))));
        }
        if let (Some(socket), Some(_)) = (&self.v6, self.own(index, true)) {
            let to = SockRef::from(socket).set_multicast_if_v6(index);
            told(to.and_then(|()| socket.send_to(message, SocketAddrV6::new(GROUP_V6, MDNS_PORT, 0, index))));
        }
    }

    /// Tells somebody.
    pub(super) fn reply(&self, to: SocketAddr, message: &[u8]) {
        let socket = if to.is_ipv4() { &self.v4 } else { &self.v6 };
        if let Some(socket) = socket
            && let Err(error) = socket.send_to(message, to)
        {
            tracing::trace!(%error, "somebody was not told");
        }
    }
}

/// The next message that has come, without waiting for one.
pub(super) fn receive<'a>(socket: &UdpSocket, room: &'a mut [u8; MESSAGE]) -> Option<(&'a [u8], SocketAddr)> {
    let (length, from) = socket.recv_from(room).ok()?;
    Some((room.get(..length)?, from))
}

/// The networks among these interfaces on which a host is reached that listens at this address.
fn links(interfaces: &[Interface], listening: IpAddr) -> BTreeMap<u32, Link> {
    let mut links: BTreeMap<u32, Link> = BTreeMap::new();
    // What is behind a tunnel is not this network.
    let usable = |interface: &&Interface| interface.is_oper_up() && !interface.is_p2p();
    for interface in interfaces.iter().filter(usable) {
        let Some(index) = interface.index else { continue };
        let link = links.entry(index).or_default();
        let address = interface.ip();
        let bits = match &interface.addr {
            IfAddr::V4(address) => address.prefixlen,
            IfAddr::V6(address) => address.prefixlen,
        };
        link.nets.push((address, bits));
        let is_reached = match listening {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => address.is_ipv4(),
            // Windows takes no IPv4 there.
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => address.is_ipv6() || !cfg!(windows),
            // Any of 127.0.0.0/8 is there.
            IpAddr::V4(own) if own.is_loopback() => is_in_net(listening, address, bits),
            own => own == address,
        };
        if is_reached {
            link.addresses.push(if listening.is_loopback() { listening } else { address });
        }
    }
    links.retain(|_, link| !link.addresses.is_empty());
    for link in links.values_mut() {
        link.addresses.sort_unstable();
        link.addresses.dedup();
        link.nets.sort_unstable();
    }
    links
}

fn is_in_net(address: IpAddr, own: IpAddr, bits: u8) -> bool {
    let bits = u32::from(bits);
    match (address, own) {
        (IpAddr::V4(address), IpAddr::V4(own)) => {
            let differs = address.to_bits() ^ own.to_bits();
            differs.leading_zeros() >= bits
        }
        (IpAddr::V6(address), IpAddr::V6(own)) => {
            let differs = address.to_bits() ^ own.to_bits();
            differs.leading_zeros() >= bits
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use if_addrs::{IfOperStatus, Ifv4Addr, Ifv6Addr};

    use super::*;

    fn interface(index: u32, address: &str, bits: u8) -> Interface {
        let addr = match address.parse().unwrap() {
            IpAddr::V4(ip) => {
                IfAddr::V4(Ifv4Addr { ip, netmask: Ipv4Addr::UNSPECIFIED, prefixlen: bits, broadcast: None })
            }
            IpAddr::V6(ip) => {
                IfAddr::V6(Ifv6Addr { ip, netmask: Ipv6Addr::UNSPECIFIED, prefixlen: bits, broadcast: None })
            }
        };
        let oper_status = IfOperStatus::Up;
        Interface { name: format!("if{index}"), addr, index: Some(index), oper_status, is_p2p: false }
    }

    fn machine() -> Vec<Interface> {
        let mut tunnel = interface(4, "10.8.0.2", 24);
        tunnel.is_p2p = true;
        let mut unplugged = interface(5, "198.51.100.1", 24);
        unplugged.oper_status = IfOperStatus::Down;
        vec![
            interface(1, "127.0.0.1", 8),
            interface(1, "::1", 128),
            interface(2, "192.0.2.1", 24),
            interface(2, "fe80::1", 64),
            interface(2, "2001:db8::1", 64),
            interface(3, "203.0.113.9", 25),
            tunnel,
            unplugged,
        ]
    }

    fn told(listening: &str) -> Vec<(u32, Vec<String>)> {
        let links = links(&machine(), listening.parse().unwrap());
        let text = |link: Link| link.addresses.iter().map(ToString::to_string).collect();
        links.into_iter().map(|(index, link)| (index, text(link))).collect()
    }

    fn expected(links: &[(u32, &[&str])]) -> Vec<(u32, Vec<String>)> {
        links
            .iter()
            .map(|(index, addresses)| (*index, addresses.iter().map(|text| (*text).to_owned()).collect()))
            .collect()
    }

    #[test]
    fn each_network_is_told_of_the_addresses_that_are_reached_there() {
        let v4 = expected(&[(1, &["127.0.0.1"]), (2, &["192.0.2.1"]), (3, &["203.0.113.9"])]);
        assert_eq!(told("0.0.0.0"), v4);
        let both =
            [(1, &["127.0.0.1", "::1"][..]), (2, &["192.0.2.1", "2001:db8::1", "fe80::1"]), (3, &["203.0.113.9"])];
        assert_eq!(told("::"), expected(&both));
        assert_eq!(told("192.0.2.1"), expected(&[(2, &["192.0.2.1"])]));
        assert_eq!(told("2001:db8::1"), expected(&[(2, &["2001:db8::1"])]));
        assert_eq!(told("10.8.0.2"), expected(&[]));
        assert_eq!(told("198.51.100.1"), expected(&[]));
    }

    #[test]
    fn a_host_of_this_machine_only_is_told_of_to_this_machine_only() {
        assert_eq!(told("127.0.0.1"), expected(&[(1, &["127.0.0.1"])]));
        assert_eq!(told("127.1.2.3"), expected(&[(1, &["127.1.2.3"])]));
        assert_eq!(told("::1"), expected(&[(1, &["::1"])]));
    }

    #[test]
    fn who_is_on_no_network_of_the_host_is_known_by_the_address() {
        let net = |address: &str, own: &str, bits| is_in_net(address.parse().unwrap(), own.parse().unwrap(), bits);
        assert!(net("192.0.2.77", "192.0.2.1", 24) && net("2001:db8::77", "2001:db8::1", 64));
        assert!(!net("192.0.3.1", "192.0.2.1", 24) && !net("2001:db8:0:1::1", "2001:db8::1", 64));
        assert!(!net("192.0.2.1", "2001:db8::1", 0), "of another version");
        assert!(net("8.8.8.8", "192.0.2.1", 0) && net("192.0.2.1", "192.0.2.1", 32));
    }
}
