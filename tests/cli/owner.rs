//! The owner of a machine at their command line, and controllers and agents that do not do as they are told: the built
//! program on both sides, and the library where a controller has to do several things at once.

mod agent;
mod console;
mod crashes;
mod dialogs;
mod files;
mod races;
mod rules;
mod second;
mod stopping;
mod terminal;
mod trust;

use core::fmt::Debug;
use core::time::Duration;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use opendesk_std::api::{DisplaySubscribe, ErrorCode, KeyEvent, Press, ScreenUpdate, TextInput, TreeParams};
use opendesk_std::home::{Home, Peers};
use opendesk_tests::bin::{Finished, PEER, Running, behind, command};
use opendesk_tests::desktop::PATIENCE;
use opendesk_tokio::{Client, ClientError, ConnectOptions, Subscription};
use serde_json::Value;

use crate::{LIMIT, json, log_of, opendesk, run, succeeded};

/// How often something that is awaited is looked at.
const POLL: Duration = Duration::from_millis(5);

/// `opendesk serve` on the virtual desktop. It ends with the value.
#[derive(Debug)]
struct Host {
    running: Running,
    home: PathBuf,
    port: String,
}

impl Host {
    /// Starts one that has no terminal, whatever the test was started from.
    fn start(home: &Path, more: &[&str]) -> Self {
        Self::started(home, without_terminal(&serving(home, more)))
    }

    fn started(home: &Path, command: Command) -> Self {
        let mut running = Running::start(command);
        // A terminal ends lines in its own way.
        let address = running.hear(|line| line.trim_end().strip_prefix("listening on ").map(str::to_owned));
        let port = address.rsplit(':').next().unwrap_or_default().to_owned();
        Self { running, home: home.to_owned(), port }
    }

    /// Ends it in the middle of whatever it does.
    fn kill(self) {
        self.running.signal("KILL");
        let killed = self.running.finish(LIMIT);
        assert!(!killed.status.success(), "{killed:?}");
    }

    /// Pairs a controller, which calls this host [`PEER`]; `terms` are for `opendesk pair`.
    fn pair(&self, controller: &Path, terms: &[&str]) {
        let mut shown = self.show("482913", terms);
        shown.first_line();
        let paired = opendesk(controller, &self.pair_with("482913"));
        assert!(paired.status.success(), "{paired:?}; the host: {}", self.running.stderr());
        succeeded(&shown.finish(LIMIT));
    }

    /// Pairs a controller and calls it something.
    fn pair_as(&self, controller: &Path, name: &str) {
        self.pair(controller, &[]);
        let peers = json(&opendesk(&self.home, &["peers", "--json"]));
        let newest = peers.as_array().and_then(|peers| peers.last()).expect("somebody is paired");
        succeeded(&opendesk(&self.home, &["peers", "rename", text(&newest["public_key"]), name]));
    }

    /// `opendesk pair` while it runs.
    fn show(&self, code: &str, terms: &[&str]) -> Running {
        Running::start(command(&self.home, &[&["pair", "--code", code, "--timeout", "60"], terms].concat()))
    }

    /// Tells a controller where this host listens: another one of this home listened elsewhere.
    fn found_by(&self, controller: &Path) {
        let home = Home::open(Some(controller.to_owned())).expect("a home");
        let mut peers = Peers::load(&home).expect("a list");
        let key = peers.list().first().expect("it is paired").public_key;
        let port = self.port.parse().expect("a port");
        assert!(peers.set_endpoint(&key, "127.0.0.1", port).expect("it can be written"));
    }

    /// The arguments with which a controller pairs.
    fn pair_with<'a>(&'a self, code: &'a str) -> [&'a str; 7] {
        ["pair-with", "127.0.0.1", code, "--port", &self.port, "--name", PEER]
    }
}

/// The command that serves the virtual desktop on a free port of this machine.
fn serving(home: &Path, more: &[&str]) -> Command {
    let args = ["serve", "--host", "127.0.0.1", "--port", "0", "--backend", "virtual"];
    command(home, &[&args, more].concat())
}

fn without_terminal(program: &Command) -> Command {
    behind(&["setsid"], program)
}

/// Runs a test in which a controller of the library takes part.
fn controlled(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(test);
}

async fn connect(controller: &Path) -> Result<Client, ClientError> {
    let home = Home::open(Some(controller.to_owned())).expect("a home");
    opendesk_tokio::connect(&ConnectOptions { home, peer: PEER.into() }).await
}

/// Runs a command to its end while the controllers of this test go on.
async fn meanwhile(home: &Path, args: &[&str]) -> Finished {
    let command = command(home, args);
    tokio::task::spawn_blocking(move || run(command)).await.expect("it ends")
}

async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::time::sleep(POLL).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("not within {PATIENCE:?}: {what}"));
}

/// The line with which the owner of a host refuses.
fn refusal<T: Debug>(outcome: Result<T, ClientError>) -> String {
    match outcome {
        Err(ClientError::Call(error)) if error.code == ErrorCode::PermissionDenied => {
            assert_eq!(error.message.lines().count(), 1, "{error}");
            error.message
        }
        other => panic!("it is refused: {other:?}"),
    }
}

/// How a stream of pictures ends.
async fn end_of(pictures: &mut Subscription<DisplaySubscribe>) -> Result<ScreenUpdate, ClientError> {
    let wait = async {
        loop {
            match pictures.next().await.expect("it says why it ends") {
                Ok(_) => {}
                ended => return ended,
            }
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("the stream ends")
}

fn text_of(content: &str, interval_ms: u32) -> TextInput {
    TextInput { text: content.to_owned(), interval_ms }
}

/// What stands in the editor of the host's desktop.
async fn typed(client: &Client) -> String {
    let tree = client.ui_tree(&TreeParams::default()).await.expect("it may look");
    tree.find("text", "Note").and_then(|note| note.value.clone()).expect("the editor is open")
}

/// Waits until the editor holds what was waited for.
async fn until_typed(client: &Client, is_so: impl Fn(&str) -> bool) {
    let wait = async {
        while !is_so(&typed(client).await) {
            tokio::time::sleep(POLL).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("it is typed");
}

/// Taps a key.
async fn tap(client: &Client, key: &str) {
    for action in [Press::Down, Press::Up] {
        client
            .key(&KeyEvent { action, keysym: key.to_owned(), modifiers: vec![] })
            .await
            .expect("the desktop takes it");
    }
}

/// Whether a process still runs: one that has ended and that nobody waited for does not.
fn runs(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    state.is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("a text: {value}"))
}

/// Every file that a program may read at any time, which is whole at any time.
fn assert_whole(home: &Path) {
    for name in ["trusted-peers.json", "peers.json", "policy.json", "control.json"] {
        let content = match fs::read(home.join(name)) {
            Ok(content) => content,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => panic!("{name}: {error}"),
        };
        let parsed: Result<Value, _> = serde_json::from_slice(&content);
        assert!(parsed.is_ok(), "{name}: {parsed:?}: {}", String::from_utf8_lossy(&content));
    }
}
