//! One call on many hosts, from one session.

use core::future::pending;
use core::time::Duration;
use std::fs;
use std::sync::Arc;

use opendesk_std::api::{TreeParams, UiTreeRead};
use opendesk_std::desktop::Backend;
use opendesk_std::desktop::r#virtual::VirtualDesktop;
use opendesk_std::govern::control::{Control, Mode};
use opendesk_std::home::{Home, NewPeer, Peers, Terms};
use opendesk_std::tools::{FleetCall, FleetMember, FleetOutcome, OnRuntime, Session, ToolError};
use opendesk_tests::rig::Rig;
use opendesk_tokio::{HostOptions, Tokio};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::{pass, run};

/// Hosts on desktops of their own, and a controller that all of them trust.
struct Fleet {
    _folder: TempDir,
    home: Home,
    hosts: Vec<(Rig, Arc<VirtualDesktop>)>,
}

impl Fleet {
    /// So many hosts; the controller calls them `host-00`, `host-01` and so on.
    fn of(count: usize) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let home = Home::open(Some(folder.path().join("controller"))).expect("a home");
        let mut fleet = Self { _folder: folder, home, hosts: Vec::new() };
        for number in 0..count {
            let desktop = Arc::new(VirtualDesktop::default());
            let rig = Rig::start_as(|home| {
                trust(&home, &fleet.home, "controller");
                HostOptions::new(home, Arc::clone(&desktop) as Arc<_>)
            });
            fleet.know(&rig.home("host"), &format!("host-{number:02}"), rig.address.port());
            fleet.hosts.push((rig, desktop));
        }
        fleet
    }

    /// The controller knows a machine and where it is.
    fn know(&self, host: &Home, name: &str, port: u16) {
        let key = trust(&self.home, host, name);
        peers(&self.home).set_endpoint(&key, "127.0.0.1", port).expect("a home that is written");
    }

    /// The controller knows a machine that takes connections and never says anything.
    async fn with_a_silent_one(&self, name: &str) -> TcpListener {
        let silent = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        self.know(&self.other(name), name, silent.local_addr().expect("its address").port());
        silent
    }

    /// The home of another machine.
    fn other(&self, name: &str) -> Home {
        Home::open(Some(self.home.path().with_file_name(name))).expect("a home")
    }

    fn session(&self) -> Session {
        Session::new(self.home.clone(), Backend::Virtual, Box::new(OnRuntime(Tokio)))
    }

    fn counters(&self) -> Vec<u32> {
        self.hosts.iter().map(|(_, desktop)| desktop.counter()).collect()
    }
}

fn peers(home: &Home) -> Peers {
    Peers::load(home).expect("a home that is read")
}

/// Trusts a machine by the keys in its home.
fn trust(home: &Home, other: &Home, name: &str) -> [u8; 32] {
    let keys = other.identity().expect("keys").keys.public();
    let new = NewPeer {
        public_key: keys.static_key.0,
        name: name.to_owned(),
        paired_at: 0.0,
        signing_key: Some(keys.signing_key),
        wire: 2,
        terms: Some(Terms::default()),
    };
    peers(home).add(&new).expect("a home that is written");
    new.public_key
}

fn named(session: &Session, names: &[&str], words: &str) -> Result<Vec<FleetMember>, ToolError> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    session.fleet(&names, words)
}

fn names(members: &[FleetMember]) -> Vec<&str> {
    members.iter().map(|member| member.target().name()).collect()
}

/// A click on the button that counts.
async fn click(session: &Session) -> FleetCall {
    let local = session.target(Some("local")).expect("this machine");
    let tree = session.call::<UiTreeRead>(&local, &TreeParams::default()).await.expect("a tree");
    let button = tree.find("push button", "Count").and_then(|button| button.bounds).expect("a button").center();
    call("mouse", json!({"action": "click", "x": button.x, "y": button.y, "settle_ms": 0}))
}

fn call(tool: &str, arguments: Value) -> FleetCall {
    FleetCall::new(tool, arguments).expect("a tool for desktops")
}

fn errors(outcomes: &[FleetOutcome]) -> Vec<(&str, String)> {
    outcomes.iter().filter_map(|outcome| Some((outcome.name.as_str(), outcome.error()?))).collect()
}

#[test]
fn fifty_hosts_are_each_clicked_once_and_seen() {
    run(async {
        let fleet = Fleet::of(50);
        let session = fleet.session();
        let click = click(&session).await;
        let members = named(&session, &["all"], "").unwrap();
        let wanted: Vec<String> = (0..50).map(|number| format!("host-{number:02}")).collect();
        assert_eq!(names(&members), wanted);
        for round in 1..=2 {
            let outcomes = session.call_fleet(&click, &members, pending()).await;
            assert_eq!(errors(&outcomes), []);
            assert!(outcomes.iter().map(|outcome| &outcome.name).eq(&wanted));
            assert!(outcomes.iter().all(|outcome| outcome.text().unwrap().starts_with("Done: click at ")));
            assert_eq!(fleet.counters(), [round; 50]);
        }
        let shots = session.call_fleet(&call("screenshot", json!({})), &members, pending()).await;
        assert_eq!(errors(&shots), []);
        for shot in &shots {
            assert!(shot.result.as_ref().unwrap().image().unwrap().starts_with(b"\x89PNG"), "{}", shot.name);
        }
        session.close().await;
    });
}

#[test]
fn a_host_that_never_answers_keeps_nobody_waiting() {
    run(async {
        let fleet = Fleet::of(3);
        let _silent = fleet.with_a_silent_one("silent").await;
        let session = fleet.session();
        let mut click = click(&session).await;
        // Were its turn kept, the others would come after it.
        click.concurrency = 1;
        click.limit = Duration::from_secs(600);
        let members = named(&session, &["silent", "all"], "").unwrap();
        assert_eq!(names(&members), ["silent", "host-00", "host-01", "host-02"]);
        let all_are_clicked = async {
            while fleet.counters().contains(&0) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let outcomes = session.call_fleet(&click, &members, all_are_clicked).await;
        let silent = outcomes[0].error().unwrap();
        assert!(silent.starts_with("interrupted while it was under way"), "{silent}");
        // The answer of the last one may have been on its way.
        assert_eq!(errors(&outcomes[1..3]), []);
        assert_eq!(fleet.counters(), [1; 3]);
        session.close().await;
    });
}

#[test]
fn each_host_has_a_deadline_of_its_own() {
    run(async {
        let fleet = Fleet::of(2);
        let silent = fleet.with_a_silent_one("silent").await;
        let session = fleet.session();
        let mut click = click(&session).await;
        click.concurrency = 1;
        click.limit = Duration::from_secs(5);
        let members = named(&session, &["all"], "").unwrap();
        let turned = async {
            // It is the last one's turn, so the others have had theirs.
            let _connection = silent.accept().await.unwrap();
            pass(click.limit).await;
            pending::<()>().await;
        };
        let outcomes = session.call_fleet(&click, &members, turned).await;
        assert_eq!(errors(&outcomes), [("silent", "the machine did not answer within 5 s".to_owned())]);
        assert_eq!(fleet.counters(), [1; 2]);
        session.close().await;
    });
}

#[test]
fn what_is_interrupted_is_told_apart_from_what_was_never_begun() {
    run(async {
        let fleet = Fleet::of(1);
        let silent = fleet.with_a_silent_one("silent").await;
        let session = fleet.session();
        let mut click = click(&session).await;
        click.concurrency = 1;
        let members = named(&session, &["silent,host-00"], "").unwrap();
        let mut connection = None;
        let connected = async { connection = Some(silent.accept().await.unwrap()) };
        let outcomes = session.call_fleet(&click, &members, connected).await;
        let [(_, first), (_, second)] = &errors(&outcomes)[..] else { panic!("{outcomes:?}") };
        assert!(first.starts_with("interrupted while it was under way"), "{first}");
        assert_eq!((second.as_str(), outcomes[1].took), ("interrupted before it was begun", Duration::ZERO));
        assert!(connection.is_some());
        assert_eq!(fleet.counters(), [0]);
        session.close().await;
    });
}

#[test]
fn a_host_that_somebody_drives_says_who_and_the_others_are_called() {
    run(async {
        let fleet = Fleet::of(3);
        let (rig, _) = &fleet.hosts[1];
        let seen_as = rig.pair("anna").await.seen_as;
        let _driving = rig.connect("anna").await.unwrap();
        let session = fleet.session();
        let click = click(&session).await;
        let outcomes = session.call_fleet(&click, &named(&session, &["all"], "").unwrap(), pending()).await;
        let [("host-01", busy)] = &errors(&outcomes)[..] else { panic!("{outcomes:?}") };
        assert!(busy.starts_with("busy: ") && busy.contains(&seen_as), "{busy}");
        assert_eq!(fleet.counters(), [1, 0, 1]);
        session.close().await;
    });
}

#[test]
fn w8_what_the_owner_forbids_for_one_machine_is_not_done_to_it_in_a_fleet() {
    run(async {
        let fleet = Fleet::of(3);
        let rules = json!({"rules": [
            {"tool": "mouse", "peer": "host-01", "decision": "block", "reason": "hands off the till"},
        ]});
        fs::write(fleet.home.path().join("policy.json"), rules.to_string()).unwrap();
        let session = fleet.session();
        let click = click(&session).await;
        let outcomes = session.call_fleet(&click, &named(&session, &["all"], "").unwrap(), pending()).await;
        let [("host-01", refused)] = &errors(&outcomes)[..] else { panic!("{outcomes:?}") };
        assert!(refused.contains("hands off the till"), "{refused}");
        assert_eq!(fleet.counters(), [1, 0, 1]);
        session.close().await;
    });
}

#[test]
fn a_stop_of_the_owner_holds_for_the_whole_fleet() {
    run(async {
        let fleet = Fleet::of(3);
        let session = fleet.session();
        let click = click(&session).await;
        Control::set(&fleet.home, Mode::Stopped, "lunch").unwrap();
        let outcomes = session.call_fleet(&click, &named(&session, &["all"], "").unwrap(), pending()).await;
        assert_eq!(errors(&outcomes).len(), 3);
        assert!(errors(&outcomes).iter().all(|(_, error)| error.contains("lunch")), "{outcomes:?}");
        assert_eq!(fleet.counters(), [0; 3]);
        session.close().await;
    });
}

#[test]
fn machines_are_chosen_by_names_and_words() {
    run(async {
        let fleet = Fleet::of(3);
        let session = fleet.session();
        let key = |name: &str| peers(&fleet.home).by_name(name).unwrap().public_key;
        let mut known = peers(&fleet.home);
        known.set_description(&key("host-00"), "a Linux box in the office").unwrap();
        known.set_description_override(&key("host-00"), "Anna's").unwrap();
        known.set_description_override(&key("host-02"), "Büro, linux").unwrap();
        fleet.home.set_description("the office's own, Linux too").unwrap();
        fleet.know(&fleet.other("comma"), "a, b", 9);
        // It controls this machine, and nobody knows where it is.
        trust(&fleet.home, &fleet.other("other"), "other");

        let chosen = |asked: &[&str], words: &str| -> Vec<String> {
            let members = named(&session, asked, words).unwrap();
            names(&members).into_iter().map(str::to_owned).collect()
        };
        assert_eq!(chosen(&["all"], ""), ["host-00", "host-01", "host-02", "a, b"]);
        assert_eq!(chosen(&["host-02, local,host-00"], ""), ["host-02", "local", "host-00"]);
        assert_eq!(chosen(&["host-02", "ALL,host-02"], ""), ["host-02", "host-00", "host-01", "a, b"]);
        assert_eq!(chosen(&["a, b"], ""), ["a, b"]);
        for (words, fit) in [
            ("linux", &["host-00", "host-02", "local"][..]),
            ("LINUX office", &["host-00", "local"]),
            ("anna's box", &["host-00"]),
            ("büro", &["host-02"]),
            ("HOST-0", &["host-00", "host-01", "host-02"]),
            ("windows", &[]),
        ] {
            assert_eq!(chosen(&["all,local"], words), fit, "{words}");
        }
    });
}

#[test]
fn nothing_is_done_while_a_name_is_nobodys() {
    run(async {
        let fleet = Fleet::of(2);
        let session = fleet.session();
        for (asked, part) in [(&["host-00,nobody"][..], "\"nobody\""), (&["host-00", "all,noone"], "\"noone\"")] {
            let error = named(&session, asked, "").unwrap_err();
            assert!(matches!(error, ToolError::Unknown { .. }), "{error:?}");
            assert!(error.to_string().contains(part) && error.to_string().contains("host-01"), "{error}");
        }
        for asked in ["", "host-00,,host-01", "host-00,"] {
            let error = named(&session, &[asked], "").unwrap_err();
            assert!(error.to_string().contains("is empty"), "{asked}: {error}");
        }
        let status = session.try_tool("opendesk_status", Value::Null).await.unwrap().all_text();
        assert!(status.contains("No connection is open"), "{status}");
    });
}
