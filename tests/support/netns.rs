//! A network of its own for a test: machines in network namespaces at one switch, whose cables are pulled and whose packets
//! are dropped as the test says. It needs root, iproute2 and nftables; nothing outside of it is touched, and it ends with
//! the value, also after a panic.

#[path = "netns/machine.rs"]
mod machine;

use core::net::Ipv4Addr;
use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;
use std::env;
use std::process::{Command, Output, Stdio};

use crate::bin::{Finished, Running};

pub use self::machine::{Loss, Machine};

/// Machines at one switch, in a subnet of their own.
#[derive(Debug)]
pub struct Network {
    machines: Vec<Machine>,
    /// The namespace of the switch.
    switch: Namespace,
}

impl Network {
    /// So many machines that reach each other, and nothing else.
    ///
    /// # Panics
    /// Without root, or without iproute2 and nftables (`cargo ci setup` installs them).
    #[must_use]
    pub fn of(machines: u8) -> Self {
        let number = next();
        let switch = Namespace::add(&format!("od{}s{number}", std::process::id()));
        switch.ip(&["link", "add", "switch", "type", "bridge"]);
        switch.ip(&["link", "set", "switch", "up"]);
        let machines = (1..=machines).map(|host| Machine::at(&switch, host)).collect();
        Self { machines, switch }
    }

    /// Runs a test on the first of so many machines: the process that the test runs in begins it there once more. `test` is
    /// the name by which the test's own program knows it.
    ///
    /// # Panics
    /// When it fails there, or takes longer than five minutes; and see [`of`](Self::of).
    pub fn test(test: &str, machines: u8, body: impl FnOnce(&mut Self)) {
        if let Ok(described) = env::var(HERE) {
            return body(&mut Self::described(&described));
        }
        let network = Self::of(machines);
        let program = env::current_exe().expect("the path of this test");
        let mut again = network.machine(0).command(program.to_str().expect("a path"));
        again.env_remove("OPENDESK_MDNS");
        again.args([test, "--exact", "--nocapture"]).env(HERE, format!("{} {machines}", network.switch.name));
        let finished = Running::start(again).finish(Duration::from_secs(300));
        let Finished { status, stdout, stderr } = &finished;
        assert!(status.success() && stdout.contains("1 passed"), "{stdout}\n{stderr}");
    }

    /// The network that another process has made.
    fn described(description: &str) -> Self {
        let described =
            description.split_once(' ').and_then(|(switch, machines)| Some((switch, machines.parse().ok()?)));
        let (switch, machines): (&str, u8) = described.expect("a network");
        let machines = (1..=machines).map(|host| Machine::of(switch, host)).collect();
        Self { machines, switch: Namespace { name: switch.to_owned(), is_ours: false } }
    }

    /// A machine that is to be changed, from 0.
    ///
    /// # Panics
    /// When there is none.
    pub fn machine_mut(&mut self, index: usize) -> &mut Machine {
        &mut self.machines[index]
    }

    /// A machine, from 0.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn machine(&self, index: usize) -> &Machine {
        &self.machines[index]
    }

    /// Pulls the cable of a machine out of the switch: it has no link any more.
    pub fn unplug(&self, index: usize) {
        self.switch.ip(&["link", "set", &port(index), "down"]);
    }

    /// Puts it back.
    pub fn plug_in(&self, index: usize) {
        self.switch.ip(&["link", "set", &port(index), "up"]);
    }
}

/// What the switch calls the port of a machine.
fn port(index: usize) -> String {
    format!("port{}", index + 1)
}

/// A number that no other network of this process has.
fn next() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The address of a machine, the same in every network, as they do not see each other. 198.18.0.0/15 is for networks of
/// tests (RFC 2544).
const fn address(host: u8) -> Ipv4Addr {
    Ipv4Addr::new(198, 18, 0, host)
}

/// Tells a test that it runs on a machine of a network, and which.
const HERE: &str = "OPENDESK_TEST_NETWORK";

/// A network namespace.
#[derive(Debug)]
struct Namespace {
    name: String,
    /// Whether it goes with the value.
    is_ours: bool,
}

impl Namespace {
    fn add(name: &str) -> Self {
        run(Command::new("ip").args(["netns", "add", name]));
        let this = Self { name: name.to_owned(), is_ours: true };
        this.ip(&["link", "set", "lo", "up"]);
        this
    }

    /// `ip` in it.
    fn ip(&self, args: &[&str]) {
        run(Command::new("ip").args(["-n", &self.name]).args(args));
    }

    /// A command that runs in it.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, program]);
        command
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if !self.is_ours {
            return;
        }
        // What still runs in it was left behind by a test that was ended.
        let left = tried(Command::new("ip").args(["netns", "pids", &self.name]));
        for process in String::from_utf8_lossy(&left.stdout).split_whitespace() {
            // It may have ended by itself.
            drop(Command::new("kill").args(["-s", "KILL", process]).stderr(Stdio::null()).status());
        }
        // With it go its ends of cables, and so the other ends.
        let removed = Command::new("ip").args(["netns", "del", &self.name]).status();
        assert!(removed.is_ok_and(|status| status.success()) || std::thread::panicking(), "{} is removed", self.name);
    }
}

/// Runs a command to its end.
fn run(command: &mut Command) -> String {
    let output = tried(command);
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(
        output.status.success(),
        "{command:?}: {}{stderr}; network namespaces need root, iproute2 and nftables: `cargo ci setup`",
        output.status
    );
    stdout.into_owned()
}

fn tried(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}; `cargo ci setup`"))
}

#[cfg(test)]
#[path = "netns/tests.rs"]
mod tests;
