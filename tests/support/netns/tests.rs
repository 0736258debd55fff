use core::time::Duration;
use std::time::Instant;

use super::*;
use crate::bin::Running;

/// Whether a connection is taken within a time, by what the system itself has.
fn reaches(from: &Machine, to: &Machine, seconds: u32) -> bool {
    let (address, seconds) = (to.address().to_string(), seconds.to_string());
    let script = "import socket, sys\nsocket.create_connection((sys.argv[1], 7), float(sys.argv[2])).recv(1)\n";
    tried(from.command("python3").args(["-c", script, &address, &seconds])).status.success()
}

/// Takes connections and says one byte on each.
fn listener(on: &Machine) -> Running {
    let script = "import socket\nlistener = socket.create_server(('', 7))\nprint('ready', flush=True)\n\
                  while True: listener.accept()[0].send(b'x')\n";
    let mut command = on.command("python3");
    command.args(["-c", script]);
    let mut running = Running::start(command);
    assert_eq!(running.first_line(), "ready");
    running
}

fn namespaces() -> String {
    run(Command::new("ip").args(["netns", "list"]))
}

#[test]
fn machines_reach_each_other_until_something_is_between() {
    let mut network = Network::of(2);
    let names: Vec<String> = network.machines.iter().map(|machine| machine.namespace.name.clone()).collect();
    let listening = listener(network.machine(1));
    assert!(reaches(network.machine(0), network.machine(1), 10));

    network.unplug(1);
    assert!(!reaches(network.machine(0), network.machine(1), 1));
    network.plug_in(1);
    assert!(soon(|| reaches(network.machine(0), network.machine(1), 1)));

    network.machine(1).lose(Loss::All);
    assert!(!reaches(network.machine(0), network.machine(1), 1));
    assert!(network.machine(1).lost() > 0);
    network.machine(1).lose(Loss::Nothing);
    assert!(soon(|| reaches(network.machine(0), network.machine(1), 1)));

    let former = network.machine(1).address();
    network.machines[1].change_address(77);
    assert_ne!(former, network.machine(1).address());
    assert!(soon(|| reaches(network.machine(0), network.machine(1), 1)));

    listening.signal("TERM");
    drop(listening);
    drop(network);
    let left = namespaces();
    assert!(names.iter().all(|name| !left.contains(name)), "{left}");
}

#[test]
fn a_test_runs_on_a_machine() {
    Network::test("netns::tests::a_test_runs_on_a_machine", 2, |network| {
        let listed = run(Command::new("ip").args(["-br", "addr", "show", "dev", "cable"]));
        assert!(listed.contains(&network.machine(0).address().to_string()), "{listed}");
        let _listening = listener(network.machine(1));
        assert!(reaches(network.machine(0), network.machine(1), 10));
        network.machine(1).lose(Loss::All);
        assert!(!reaches(network.machine(0), network.machine(1), 1));
    });
}

#[test]
fn a_test_that_fails_on_a_machine_fails() {
    let failed = std::panic::catch_unwind(|| {
        Network::test("netns::tests::a_test_that_fails_on_a_machine_fails", 1, |_| panic!("it failed there"));
    });
    match failed.unwrap_err().downcast::<String>() {
        Ok(here) => assert!(here.contains("it failed there"), "{here}"),
        // There it is the panic itself, which has to go on.
        Err(there) => std::panic::resume_unwind(there),
    }
}

#[test]
fn some_packets_are_lost_and_connections_live() {
    let network = Network::of(2);
    let _listening = listener(network.machine(1));
    network.machine(1).lose(Loss::Percent(20));
    assert!(soon(|| {
        assert!(soon(|| reaches(network.machine(0), network.machine(1), 5)));
        network.machine(1).lost() > 0
    }));
}

#[test]
fn networks_do_not_see_each_other() {
    let (one, other) = (Network::of(1), Network::of(1));
    let _listening = listener(one.machine(0));
    assert!(reaches(one.machine(0), one.machine(0), 10));
    assert!(!reaches(other.machine(0), one.machine(0), 1));
}

#[test]
fn nothing_is_left_after_a_panic() {
    let names = std::panic::catch_unwind(|| {
        let network = Network::of(2);
        let names: Vec<String> = network.machines.iter().map(|machine| machine.namespace.name.clone()).collect();
        std::panic::panic_any(names);
    });
    let names = names.unwrap_err().downcast::<Vec<String>>().unwrap();
    let left = namespaces();
    assert!(!names.is_empty() && names.iter().all(|name| !left.contains(name)), "{left}");
}

/// Whether something becomes so.
fn soon(so: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    loop {
        if so() {
            return true;
        }
        if start.elapsed() > Duration::from_secs(30) {
            return false;
        }
    }
}
