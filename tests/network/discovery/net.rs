//! Machines without any network but what the test gives them, and programs that run on them.

use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Instant;

use opendesk_tests::bin::{self, Finished, Running};
use opendesk_tests::desktop::PATIENCE;
use serde_json::Value;

/// A network namespace. It goes with the value.
pub(super) struct Machine {
    name: String,
}

impl Machine {
    /// A machine that reaches nobody but itself.
    pub(super) fn alone() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let name = format!("opendesk-{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        ip(&["netns", "add", &name]);
        let machine = Self { name };
        // An IPv6 address may be used at once: nobody else can have it.
        machine.shell("for kind in all default; do echo 0 > /proc/sys/net/ipv6/conf/$kind/accept_dad; done");
        machine.shell("ip link set lo up");
        machine
    }

    /// Two machines with a cable between them: 192.0.2.1 and 192.0.2.2, 2001:db8::1 and 2001:db8::2.
    pub(super) fn two() -> (Self, Self) {
        let (one, two) = (Self::alone(), Self::alone());
        ip(&["link", "add", "cable", "netns", &one.name, "type", "veth", "peer", "name", "cable", "netns", &two.name]);
        for (machine, number) in [(&one, 1), (&two, 2)] {
            machine.shell(&format!("ip addr add 192.0.2.{number}/24 dev cable"));
            machine.shell(&format!("ip addr add 2001:db8::{number}/64 dev cable nodad"));
            machine.shell("ip link set cable up");
        }
        let start = Instant::now();
        while [&one, &two].iter().any(|machine| !machine.shell("ip -br link show cable").contains(" UP ")) {
            assert!(start.elapsed() < PATIENCE, "the cable is not up");
            thread::sleep(Duration::from_millis(10));
        }
        (one, two)
    }

    /// The program, on this machine.
    pub(super) fn on(&self, program: &Command) -> Command {
        bin::behind(&["ip", "netns", "exec", &self.name], program)
    }

    /// Starts `opendesk` on this machine.
    pub(super) fn start(&self, home: &Path, args: &[&str]) -> Running {
        let mut command = bin::command(home, args);
        command.env_remove("OPENDESK_MDNS");
        Running::start(self.on(&command))
    }

    /// Runs `opendesk` on this machine until it ends by itself.
    pub(super) fn run(&self, home: &Path, args: &[&str]) -> Finished {
        self.start(home, args).finish(PATIENCE)
    }

    /// `opendesk serve` on a virtual desktop, once it listens. Gives the port too.
    pub(super) fn serve(&self, home: &Path, args: &[&str]) -> (Running, u16) {
        let mut running = self.start(home, &[&["serve", "--backend", "virtual", "--port", "0"], args].concat());
        let line = running.first_line();
        let port = line.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        (running, port.unwrap_or_else(|| panic!("`opendesk serve` wrote {line:?}")))
    }

    /// What `opendesk discover --json` finds within this time, by name.
    pub(super) fn found(&self, home: &Path, seconds: &str) -> Vec<Value> {
        let finished = self.run(home, &["discover", "--json", "--timeout", seconds]);
        assert!(finished.status.success(), "{finished:?}");
        match serde_json::from_str(&finished.stdout) {
            Ok(Value::Array(found)) => found,
            other => panic!("{other:?}: {finished:?}"),
        }
    }

    /// `opendesk discover --watch --json`, once it listens: it hears of a host that goes before it hears of anything
    /// else.
    pub(super) fn watch(&self, home: &Path) -> Running {
        self.start(home, &["discover", "--watch", "--json"])
    }

    pub(super) fn shell(&self, script: &str) -> String {
        let mut shell = Command::new("sh");
        shell.args(["-c", script]);
        done(self.on(&shell).env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        ip(&["netns", "del", &self.name]);
    }
}

fn ip(args: &[&str]) {
    done(Command::new("ip").args(args));
}

fn done(command: &mut Command) -> String {
    let output = command.output().expect("iproute2 is there");
    let told = String::from_utf8_lossy(&output.stderr);
    // Within a panic, a second one would hide the first.
    assert!(output.status.success() || thread::panicking(), "{command:?}: {told}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A folder for the homes of a test.
pub(super) struct Homes(tempfile::TempDir);

impl Homes {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }

    pub(super) fn of(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

/// The key of a home in hex.
pub(super) fn key(machine: &Machine, home: &Path) -> String {
    let shown = machine.run(home, &["identity", "--json"]);
    let value: Value = serde_json::from_str(&shown.stdout).unwrap_or_else(|error| panic!("{error}: {shown:?}"));
    value["public_key"].as_str().unwrap_or_else(|| panic!("{value}")).to_owned()
}

/// As it is shown everywhere: the first eight bytes of the key.
pub(super) fn fingerprint(key: &str) -> String {
    (0..16).step_by(4).map(|at| &key[at..at + 4]).collect::<Vec<_>>().join(":")
}

/// A line of `discover --watch --json` that tells this of the machine with this key.
pub(super) fn tells(event: &str, key: &str) -> impl FnMut(&str) -> Option<Value> {
    move |line| {
        let value: Value = serde_json::from_str(line).ok()?;
        (value["event"] == event && value["public_key"] == key).then_some(value)
    }
}

pub(super) fn addresses(found: &Value) -> Vec<String> {
    let addresses = found["addresses"].as_array().unwrap_or_else(|| panic!("{found}"));
    addresses.iter().map(|address| address.as_str().expect("text").to_owned()).collect()
}
