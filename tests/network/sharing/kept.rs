//! Programs that keep a machine connected, and the built program in several processes.

use core::time::Duration;
use std::path::Path;
use std::process::Stdio;

use opendesk_core::{ErrorCode, Reason};
use opendesk_std::api::{InputText, SystemCapabilities};
use opendesk_std::client::{LinkState, Whom};
use opendesk_tests::bin::{Finished, Running, command};
use opendesk_tests::rig::Rig;
use opendesk_tokio::{ClientError, Notice, Remote, RemoteOptions};

use super::{LIMIT, eventually, sessions, text};
use crate::run;

fn keep(rig: &Rig) -> Remote {
    let options = RemoteOptions::new(rig.home("controller"), Whom::Peer("host".to_owned()));
    opendesk_tokio::remote(RemoteOptions { discover: false, ..options })
}

const fn is_connected(remote: &LinkState) -> bool {
    matches!(remote, LinkState::Connected { .. })
}

#[test]
fn programs_that_keep_a_machine_connected_share_it_and_go_on_without_each_other() {
    run(async {
        let (rig, desktop) = Rig::on_virtual();
        rig.pair("controller").await;
        sessions(&rig);
        let (owner, borrower) = (keep(&rig), keep(&rig));
        owner.call::<SystemCapabilities>(&()).await.unwrap();
        borrower.call::<SystemCapabilities>(&()).await.unwrap();
        assert!(matches!(sessions(&rig)[..], [Notice::SessionOpened { .. }]));
        // The borrower is in the middle of a text when the owner goes.
        let typing = tokio::spawn({
            let borrower = borrower.clone();
            async move { borrower.call::<InputText>(&text(&"y".repeat(2000), 10)).await }
        });
        eventually("it types", || !desktop.editor_text().is_empty()).await;
        owner.close().await;
        let told = typing.await.unwrap();
        assert!(matches!(&told, Err(ClientError::Call(error)) if error.code == ErrorCode::Cancelled), "{told:?}");
        let typed = desktop.editor_text();
        borrower.call::<InputText>(&text("!", 0)).await.unwrap();
        assert_eq!(desktop.editor_text(), format!("{typed}!"), "it was asked what became of it, and not for it again");
        let seen = sessions(&rig);
        let [Notice::SessionEnded { reason: Reason::DONE, .. }, Notice::SessionOpened { .. }] = seen[..] else {
            panic!("{seen:?}")
        };
        // The former owner borrows in its turn.
        owner.call::<SystemCapabilities>(&()).await.unwrap();
        assert!(sessions(&rig).is_empty() && is_connected(&borrower.state()));
    });
}

#[test]
fn a_session_that_takes_the_place_of_a_dead_one_is_shared_with_all_that_shared_that() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        rig.pair("controller").await;
        let proxy = rig.behind_proxy("controller");
        sessions(&rig);
        let (owner, borrowers) = (keep(&rig), [keep(&rig), keep(&rig), keep(&rig)]);
        owner.call::<SystemCapabilities>(&()).await.unwrap();
        for borrower in &borrowers {
            borrower.call::<SystemCapabilities>(&()).await.unwrap();
        }
        proxy.strand();
        owner.call::<SystemCapabilities>(&()).await.unwrap();
        for borrower in &borrowers {
            borrower.call::<SystemCapabilities>(&()).await.unwrap();
        }
        assert!(borrowers.iter().chain([&owner]).all(|remote| is_connected(&remote.state())));
        let seen = sessions(&rig);
        let opened = seen.iter().filter(|notice| matches!(notice, Notice::SessionOpened { .. })).count();
        assert_eq!((opened, rig.handle.sessions().await.unwrap().len()), (2, 1), "{seen:?}");
    });
}

#[test]
fn a_borrower_that_hears_nothing_has_the_link_of_an_idle_owner_replaced() {
    run(async {
        // Two of the same, of which one is asked for something: the other finds out when it has been idle for too long.
        let mut machines = Vec::new();
        for _ in 0..2 {
            let (rig, _) = Rig::on_virtual();
            rig.pair("controller").await;
            let (proxy, owner, borrower) = (rig.behind_proxy("controller"), keep(&rig), keep(&rig));
            owner.call::<SystemCapabilities>(&()).await.unwrap();
            borrower.call::<SystemCapabilities>(&()).await.unwrap();
            machines.push((rig, proxy, owner, borrower));
        }
        let [(_, asked, owner, borrower), (_, idle, other, _)] = &machines[..] else { unreachable!("there are two") };
        asked.strand();
        idle.strand();
        borrower.call::<SystemCapabilities>(&()).await.unwrap();
        assert_eq!((asked.connections(), idle.connections()), (2, 1), "before the idle one was looked after");
        owner.call::<SystemCapabilities>(&()).await.unwrap();
        assert!(is_connected(&owner.state()) && is_connected(&borrower.state()) && is_connected(&other.state()));
        assert_eq!(asked.connections(), 2, "they share the one that took its place");
    });
}

/// What borrowers hear nothing about is whether the host is there: one that is slow is left alone.
#[test]
fn a_borrower_whose_call_takes_long_disturbs_nobody() {
    run(async {
        let (rig, desktop) = Rig::on_virtual();
        rig.pair("controller").await;
        let (proxy, owner, borrower) = (rig.behind_proxy("controller"), keep(&rig), keep(&rig));
        owner.call::<SystemCapabilities>(&()).await.unwrap();
        let events = owner.events();
        // More than twice as long as it takes to doubt a host, and to seek it anew.
        borrower.call::<InputText>(&text(&"y".repeat(80), 100)).await.unwrap();
        assert_eq!(desktop.editor_text().len(), 80);
        assert!(events.is_empty() && is_connected(&borrower.state()));
        assert_eq!((proxy.connections(), rig.handle.sessions().await.unwrap().len()), (1, 1));
    });
}

/// A call of a tool in an agent's session.
fn asks(id: u32, tool: &str, arguments: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{tool}","arguments":{arguments}}}}}"#
    )
}

/// An agent's session, and what it answers.
struct Agent(Running);

impl Agent {
    fn start(home: &Path) -> Self {
        let mut server = command(home, &["mcp"]);
        server.stdin(Stdio::piped());
        let mut running = Running::start(server);
        running.say(r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}"#);
        running.say(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        Self(running)
    }

    fn types(&mut self, id: u32, word: &str) {
        self.0.say(&asks(id, "keyboard", &format!(r#"{{"action":"type","text":"{word}","peer":"host"}}"#)));
        let told = self.0.hear(|line| line.contains(&format!(r#""id":{id},"#)).then(|| line.to_owned()));
        assert!(told.contains("Typed"), "{told}");
    }
}

fn program(home: &Path, args: &[&str]) -> Finished {
    let finished = Running::start(command(home, args)).finish(LIMIT);
    assert!(finished.status.success(), "{args:?}: {finished:?}");
    finished
}

#[test]
fn w30_an_agent_and_commands_beside_it_use_one_session() {
    run(async {
        let (rig, desktop) = Rig::on_virtual();
        rig.pair("controller").await;
        sessions(&rig);
        let home = rig.home("controller").path().to_owned();
        let beside = tokio::task::spawn_blocking(move || {
            let mut agent = Agent::start(&home);
            agent.types(2, "agent ");
            let typed = r#"{"action":"type","text":"command "}"#;
            program(&home, &["call", "keyboard", typed, "--peer", "host"]);
            program(&home, &["connect", "host"]);
            let mut second = Agent::start(&home);
            second.types(2, "second ");
            agent.types(3, "agent ");
            (agent, second, home)
        });
        let (agent, mut second, home) = beside.await.unwrap();
        assert_eq!(desktop.editor_text(), "agent command second agent ");
        assert!(matches!(sessions(&rig)[..], [Notice::SessionOpened { .. }]), "nobody took it from anybody");
        agent.0.signal("KILL");
        let goes_on = tokio::task::spawn_blocking(move || {
            second.types(3, "still ");
            let typed = r#"{"action":"type","text":"there"}"#;
            program(&home, &["call", "keyboard", typed, "--peer", "host"]);
            second
        });
        let second = goes_on.await.unwrap();
        assert_eq!(desktop.editor_text(), "agent command second agent still there");
        let seen = sessions(&rig);
        let opened = seen.iter().filter(|notice| matches!(notice, Notice::SessionOpened { .. })).count();
        assert_eq!(opened, 1, "the second agent has opened the next one: {seen:?}");
        drop((agent, second));
        rig.wait_for(|notice| matches!(notice, Notice::SessionEnded { .. })).await;
        tokio::time::timeout(Duration::from_secs(20), rig.stop()).await.expect("it stops");
    });
}
