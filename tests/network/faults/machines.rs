//! Faults of machines and their network: hosts that are programs of their own, on machines of their own.

#![expect(clippy::unwrap_used, reason = "every function here is the body of a test, or a part of one")]

use core::time::Duration;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use opendesk_std::api::{Effect, TreeParams, UiAction, UiTreeRead};
use opendesk_std::client::{ClientError, LinkState, Remote, RemoteOptions, Whom};
use opendesk_std::home::Home;
use opendesk_tests::bin::Running;
use opendesk_tests::netns::{Loss, Machine, Network};
use opendesk_tokio::PairOptions;
use tempfile::TempDir;

use super::{click, is_told};
use crate::run;

/// Longer than a link may be silent.
const HALF_A_MINUTE: Duration = Duration::from_secs(32);
const LIMIT: Duration = Duration::from_secs(90);
const PORT: u16 = 8423;

/// A host on a machine, which this one is paired with.
struct Host {
    folder: TempDir,
    remote: Remote,
}

impl Host {
    /// Starts one and clicks on it once.
    async fn on(machine: &Machine, name: &str) -> (Self, Running) {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("host");
        let running = serve(machine, &at, PORT).await;
        let mut code = Running::start(machine.opendesk(&at, &["pair", "--code", "482913"]));
        assert!(code.first_line().contains("482913"));
        let home = Home::open(Some(folder.path().join("controller"))).unwrap();
        let options = PairOptions {
            home: home.clone(),
            host: machine.address().to_string(),
            port: PORT,
            code: "482913".into(),
            name: Some(name.parse().unwrap()),
        };
        opendesk_tokio::pair(&options).await.unwrap();
        assert!(code.finish(LIMIT).status.success());
        let remote = opendesk_tokio::remote(RemoteOptions::new(home, Whom::Peer(name.into())));
        let host = Self { folder, remote };
        host.click().await.unwrap();
        assert_eq!(host.clicks(), 1);
        (host, running)
    }

    fn home(&self) -> PathBuf {
        self.folder.path().join("host")
    }

    async fn click(&self) -> Result<Effect, ClientError> {
        let clicked = tokio::time::timeout(LIMIT, self.remote.call::<UiAction>(&click())).await;
        clicked.expect("an answer, whatever it is")
    }

    /// Clicks that were done, by the host's own log, also of its former runs.
    fn clicks(&self) -> usize {
        let logs = fs::read_dir(self.home().join("audit")).unwrap();
        let logs =
            logs.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|end| end == "jsonl"));
        let is_click = |line: &str| line.contains("\"call.started\"") && line.contains("\"ui.action\"");
        logs.map(|log| fs::read_to_string(log).unwrap().lines().filter(|line| is_click(line)).count()).sum()
    }

    /// Clicks that the desktop has counted itself, since its host was started.
    async fn counted(&self) -> usize {
        let tree = self.remote.call::<UiTreeRead>(&TreeParams::default()).await.unwrap();
        tree.find("label", "Counter").unwrap().value.clone().unwrap().parse().unwrap()
    }

    /// Waits until the link is known to be gone.
    async fn is_away(&self) {
        let events = self.remote.events();
        while matches!(self.remote.state(), LinkState::Connected { .. }) {
            tokio::time::timeout(LIMIT, events.recv()).await.expect("the link breaks off").unwrap();
        }
    }
}

/// `opendesk serve`, once it listens.
async fn serve(machine: &Machine, home: &Path, port: u16) -> Running {
    let args = ["serve", "--host", "0.0.0.0", "--port", &port.to_string(), "--backend", "virtual"];
    let command = machine.opendesk(home, &args);
    let started = tokio::task::spawn_blocking(move || {
        let mut running = Running::start(command);
        let line = running.first_line();
        assert!(line.starts_with("listening on "), "{line}; {}", running.stderr());
        running
    });
    started.await.unwrap()
}

/// Ends a host in the middle of whatever it does.
async fn kill(running: Running) {
    let ended = tokio::task::spawn_blocking(move || {
        running.signal("KILL");
        running.finish(LIMIT)
    });
    assert!(!ended.await.unwrap().status.success());
}

#[test]
fn a_link_that_is_cut_and_a_host_that_sleeps_for_half_a_minute_do_a_click_once() {
    let name = "faults::machines::a_link_that_is_cut_and_a_host_that_sleeps_for_half_a_minute_do_a_click_once";
    Network::test(name, 4, |network| {
        run(async {
            let (cut, _cut) = Host::on(network.machine(1), "cut").await;
            let (asleep, sleeper) = Host::on(network.machine(2), "asleep").await;
            let (unplugged, _unplugged) = Host::on(network.machine(3), "unplugged").await;
            network.machine(1).lose(Loss::All);
            network.unplug(3);
            sleeper.signal("STOP");
            let outage = async {
                tokio::time::sleep(HALF_A_MINUTE).await;
                assert_eq!([&cut, &asleep, &unplugged].map(Host::clicks), [1; 3]);
                assert!(network.machine(1).lost() > 0);
                network.machine(1).lose(Loss::Nothing);
                network.plug_in(3);
                sleeper.signal("CONT");
            };
            let clicks = futures_util::future::join3(cut.click(), asleep.click(), unplugged.click());
            let ((one, two, three), ()) = futures_util::future::join(clicks, outage).await;
            for (host, clicked) in [(&cut, one), (&asleep, two), (&unplugged, three)] {
                // Each was in flight when it happened.
                assert!(is_told(&clicked), "{:?}: {clicked:?}", host.remote);
                assert_eq!((host.clicks(), host.counted().await), (2, 2), "{:?}", host.remote);
                host.click().await.unwrap();
                assert_eq!((host.clicks(), host.counted().await), (3, 3), "{:?}", host.remote);
            }
        });
    });
}

#[test]
fn with_one_packet_in_twenty_lost_every_click_is_done_once() {
    let name = "faults::machines::with_one_packet_in_twenty_lost_every_click_is_done_once";
    Network::test(name, 2, |network| {
        run(async {
            let (host, _running) = Host::on(network.machine(1), "host").await;
            let mut clicks = 1;
            for machine in [0, 1] {
                network.machine(machine).lose(Loss::Percent(5));
            }
            while clicks < 100 || network.machine(1).lost() == 0 || network.machine(0).lost() == 0 {
                host.click().await.unwrap();
                clicks += 1;
            }
            assert_eq!((host.clicks(), host.counted().await), (clicks, clicks));
        });
    });
}

#[test]
fn a_host_that_has_another_address_is_found_there() {
    let name = "faults::machines::a_host_that_has_another_address_is_found_there";
    Network::test(name, 2, |network| {
        run(async {
            let (host, _running) = Host::on(network.machine(1), "host").await;
            network.machine_mut(1).change_address(77);
            host.click().await.unwrap();
            assert_eq!((host.clicks(), host.counted().await), (2, 2));
        });
    });
}

#[test]
fn a_host_that_begins_again_on_another_port_is_found_there() {
    let name = "faults::machines::a_host_that_begins_again_on_another_port_is_found_there";
    Network::test(name, 2, |network| {
        run(async {
            let (host, running) = Host::on(network.machine(1), "host").await;
            kill(running).await;
            host.is_away().await;
            let _running = serve(network.machine(1), &host.home(), PORT + 5).await;
            host.click().await.unwrap();
            assert_eq!((host.clicks(), host.counted().await), (2, 1));
        });
    });
}

/// A host that was killed has forgotten what it did. A click that was in flight may have been done: it is never repeated.
#[test]
fn a_host_that_is_killed_again_and_again_does_no_click_twice() {
    let name = "faults::machines::a_host_that_is_killed_again_and_again_does_no_click_twice";
    Network::test(name, 2, |network| {
        run(async {
            let (host, mut running) = Host::on(network.machine(1), "host").await;
            let (mut asked, mut unknown) = (1, 0);
            for round in 0..6_u64 {
                let clicking = async {
                    let mut outcomes = Vec::new();
                    // The last of them finds the host that began again.
                    for _ in 0..40 {
                        outcomes.push(host.click().await);
                    }
                    outcomes
                };
                let restarting = async {
                    tokio::time::sleep(Duration::from_millis(5 + 17 * round)).await;
                    kill(running).await;
                    serve(network.machine(1), &host.home(), PORT).await
                };
                let (outcomes, again) = futures_util::future::join(clicking, restarting).await;
                running = again;
                for outcome in outcomes {
                    match outcome {
                        Ok(_) => asked += 1,
                        Err(ClientError::Unknown { .. }) => unknown += 1,
                        Err(error) => panic!("round {round}: {error}"),
                    }
                }
                let clicks = host.clicks();
                assert!(
                    (asked..=asked + unknown).contains(&clicks),
                    "round {round}: {clicks} of {asked} and {unknown}"
                );
            }
        });
    });
}

#[test]
fn a_controller_that_slept_for_half_a_minute_clicks_once() {
    let name = "faults::machines::a_controller_that_slept_for_half_a_minute_clicks_once";
    Network::test(name, 2, |network| {
        run(async {
            let (host, _running) = Host::on(network.machine(1), "host").await;
            let this = std::process::id();
            let seconds = HALF_A_MINUTE.as_secs();
            let sleep = format!("kill -s STOP {this}; sleep {seconds}; kill -s CONT {this}");
            let mut sleeper = Command::new("sh").args(["-c", &sleep]).spawn().unwrap();
            // Asked for while this falls asleep, and in the moment that it wakes.
            let begun = std::time::SystemTime::now();
            let mut clicks = 1;
            while begun.elapsed().unwrap() < HALF_A_MINUTE {
                let clicked = host.click().await;
                assert!(is_told(&clicked), "{clicked:?}");
                clicks += 1;
                assert_eq!(host.clicks(), clicks);
            }
            assert!(sleeper.wait().unwrap().success());
            host.click().await.unwrap();
            assert_eq!((host.clicks(), host.counted().await), (clicks + 1, clicks + 1));
        });
    });
}
