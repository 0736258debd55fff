//! One machine of a network.

use core::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::{Command, Stdio};

use super::{Namespace, address, port, run, tried};
use crate::bin;

/// What a machine loses of what it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Nothing.
    Nothing,
    /// So many packets of a hundred, by chance.
    Percent(u8),
    /// Everything, and nobody is told.
    All,
}

/// A machine of a [`Network`](super::Network).
#[derive(Debug)]
pub struct Machine {
    pub(super) namespace: Namespace,
    address: Ipv4Addr,
}

impl Machine {
    /// A machine that another process has made.
    pub(super) fn of(switch: &str, host: u8) -> Self {
        let namespace = Namespace { name: name(switch, host), is_ours: false };
        Self { namespace, address: address(host) }
    }

    pub(super) fn at(switch: &Namespace, host: u8) -> Self {
        let namespace = Namespace::add(&name(&switch.name, host));
        let (port, address) = (port(usize::from(host) - 1), address(host));
        let pair = ["link", "add", &port, "type", "veth", "peer", "name", CABLE, "netns", &namespace.name];
        switch.ip(&pair);
        switch.ip(&["link", "set", &port, "master", "switch"]);
        switch.ip(&["link", "set", &port, "up"]);
        let this = Self { namespace, address };
        this.namespace.ip(&["link", "set", CABLE, "up"]);
        this.add_address(this.address);
        this
    }

    /// Its address.
    #[must_use]
    pub const fn address(&self) -> IpAddr {
        IpAddr::V4(self.address)
    }

    /// The program with these arguments and this home, on this machine.
    #[must_use]
    pub fn opendesk(&self, home: &Path, args: &[&str]) -> Command {
        let on = ["ip", "netns", "exec", &self.namespace.name];
        let mut command = bin::behind(&on, &bin::command(home, args));
        command.env_remove("OPENDESK_MDNS");
        command
    }

    /// Any command on this machine.
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        self.namespace.command(program)
    }

    /// Takes another address in place of the one that it has: connections over the former one are not told.
    pub fn change_address(&mut self, host: u8) {
        let [a, b, c, _] = self.address.octets();
        let former = core::mem::replace(&mut self.address, Ipv4Addr::new(a, b, c, host));
        self.namespace.ip(&["addr", "del", &format!("{former}/24"), "dev", CABLE]);
        self.add_address(self.address);
    }

    fn add_address(&self, address: Ipv4Addr) {
        self.namespace.ip(&["addr", "add", &format!("{address}/24"), "brd", "+", "dev", CABLE]);
        // Without a way out there is none for multicast either.
        self.namespace.ip(&["route", "replace", "default", "dev", CABLE]);
    }

    /// From now on it loses this of what it is sent over the cable.
    pub fn lose(&self, loss: Loss) {
        let rule = match loss {
            Loss::Nothing => String::new(),
            Loss::Percent(percent) => format!("iifname {CABLE} numgen random mod 100 < {percent} counter drop;"),
            Loss::All => format!("iifname {CABLE} counter drop;"),
        };
        // In one transaction: there is no moment between.
        let table = format!(
            "table inet faults\ndelete table inet faults\n\
             table inet faults {{\nchain lose {{\ntype filter hook prerouting priority -300;\n{rule}\n}}\n}}\n"
        );
        let mut nft = self.namespace.command("nft");
        let mut child = nft
            .args(["-f", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{nft:?}: {error}; `cargo ci setup`"));
        let input = child.stdin.take().expect("it is piped");
        std::io::Write::write_all(&mut { input }, table.as_bytes()).expect("nft reads");
        let output = child.wait_with_output().expect("nft ends");
        assert!(output.status.success(), "{table}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Packets that were lost since [`lose`](Self::lose) was said last.
    #[must_use]
    pub fn lost(&self) -> u64 {
        let listed = run(self.namespace.command("nft").args(["list", "table", "inet", "faults"]));
        let after = listed.split("counter packets ").nth(1).and_then(|rest| rest.split(' ').next());
        after.and_then(|number| number.parse().ok()).unwrap_or(0)
    }

    /// Delays what it sends by this many milliseconds, where the kernel has netem. False where it has not: a
    /// [`Proxy`](crate::proxy::Proxy) does it then.
    #[must_use]
    pub fn delay(&self, milliseconds: u32) -> bool {
        let delay = format!("{milliseconds}ms");
        let mut tc = self.namespace.command("tc");
        tried(tc.args(["qdisc", "replace", "dev", CABLE, "root", "netem", "delay", &delay])).status.success()
    }
}

/// What the namespace of a machine at this switch is called.
fn name(switch: &str, host: u8) -> String {
    format!("{switch}m{host}")
}

/// What every machine calls its cable.
const CABLE: &str = "cable";
