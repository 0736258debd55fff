//! Pairing over addresses that mean something on one link only.

use opendesk_tests::bin::Running;
use opendesk_tests::desktop::PATIENCE;
use opendesk_tests::netns::Network;

#[test]
fn a_host_is_paired_with_and_found_again_by_an_address_of_one_link() {
    let network = Network::of(2);
    let (controller, host) = (network.machine(0), network.machine(1));
    for (machine, address) in [(controller, "fe80::6/64"), (host, "fe80::7/64")] {
        // Nobody else can have it, so it may be used at once.
        let mut adding = machine.command("ip");
        let added = adding.args(["addr", "add", address, "dev", "cable", "nodad"]).status().expect("ip starts");
        assert!(added.success(), "{adding:?}");
    }
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("host");
    let serve = ["serve", "--host", "::", "--port", "8423", "--backend", "virtual", "--no-mdns"];
    let mut served = Running::start(host.opendesk(&home, &serve));
    served.hear(|line| line.starts_with("listening on ").then_some(()));
    for (number, target) in ["fe80::7%cable", "[fe80::7%cable]", "[fe80::7%cable]:8423"].into_iter().enumerate() {
        let mut shown = Running::start(host.opendesk(&home, &["pair", "--code", "482913"]));
        shown.first_line();
        let here = folder.path().join(format!("controller-{number}"));
        for args in [&["pair-with", target, "482913"][..], &["connect"]] {
            let done = Running::start(controller.opendesk(&here, args)).finish(PATIENCE);
            assert!(done.status.success(), "{target}: {done:?}");
        }
        let shown = shown.finish(PATIENCE);
        assert!(shown.status.success(), "{shown:?}");
    }
    // Without the link it is no address, which is said.
    let here = folder.path().join("other");
    let lost = Running::start(controller.opendesk(&here, &["pair-with", "fe80::7%nothing", "482913"])).finish(PATIENCE);
    assert_eq!(lost.status.code(), Some(3), "{lost:?}");
    assert!(lost.stderr.contains("cannot be reached") && lost.stderr.lines().count() == 1, "{lost:?}");
}
