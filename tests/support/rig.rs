//! A host on the virtual desktop inside the test, and controllers with homes of their own.

use core::net::SocketAddr;
use core::time::Duration;
use std::path::PathBuf;
use std::sync::Arc;

use opendesk_std::desktop::Computer;
use opendesk_std::desktop::r#virtual::VirtualDesktop;
use opendesk_std::govern::{AllowAll, Policy};
use opendesk_std::home::{Home, Peers};
use opendesk_tokio::{Client, ClientError, ConnectOptions, HostHandle, HostOptions, Notice, PairOptions, Paired};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::proxy::Proxy;

/// A running host.
#[derive(Debug)]
pub struct Rig {
    /// All homes are in here.
    pub folder: TempDir,
    /// Where it listens.
    pub address: SocketAddr,
    /// Steers it.
    pub handle: HostHandle,
    /// What it tells its owner.
    pub notices: async_channel::Receiver<Notice>,
    running: JoinHandle<()>,
}

/// A pairing as both sides saw it.
#[derive(Debug)]
pub struct Pairing {
    /// What the controller got.
    pub paired: Paired,
    /// What the host calls the controller.
    pub seen_as: String,
    /// The words that the host showed.
    pub shown: String,
}

impl Rig {
    /// Starts a host that drives this desktop and allows everything.
    #[must_use]
    pub fn start(computer: Arc<dyn Computer>) -> Self {
        Self::start_with(computer, Box::new(AllowAll))
    }

    /// Starts a host with a policy.
    #[must_use]
    pub fn start_with(computer: Arc<dyn Computer>, policy: Box<dyn Policy>) -> Self {
        Self::start_as(|home| HostOptions { policy, ..HostOptions::new(home, computer) })
    }

    /// Starts a host with these options, given its home.
    #[must_use]
    pub fn start_as(options: impl FnOnce(Home) -> HostOptions) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let home = Home::open(Some(folder.path().join("host"))).expect("a new home");
        let server = opendesk_tokio::serve(options(home));
        let server = server.expect("a free port");
        let (address, handle, notices) = (server.local_addr(), server.handle(), server.notices());
        Self { folder, address, handle, notices, running: tokio::spawn(server.run()) }
    }

    /// A host on a virtual desktop, and the desktop seen from outside.
    #[must_use]
    pub fn on_virtual() -> (Self, Arc<VirtualDesktop>) {
        let desktop = Arc::new(VirtualDesktop::default());
        (Self::start(Arc::clone(&desktop) as Arc<dyn Computer>), desktop)
    }

    /// The home of a controller of this name.
    #[must_use]
    pub fn home(&self, name: &str) -> Home {
        Home::open(Some(self.folder.path().join(name))).expect("a home")
    }

    /// Pairs the controller of this name by the right code and waits until it has gone again; it calls the host
    /// `host`.
    pub async fn pair(&self, name: &str) -> Pairing {
        self.show("123456").await;
        let paired = self.pair_by(name, "123456").await.expect("the right code pairs");
        let seen = self.wait_for(|notice| matches!(notice, Notice::Paired { .. })).await;
        let Notice::Paired { name: seen_as, words: shown, .. } = seen else { unreachable!("it was waited for") };
        self.wait_for(|notice| matches!(notice, Notice::SessionEnded { .. })).await;
        Pairing { paired, seen_as, shown }
    }

    /// Has the host show a code for five minutes.
    pub async fn show(&self, code: &str) {
        let shown = self.handle.open_pairing(code, Duration::from_secs(300)).await;
        shown.expect("the host runs").expect("a code");
    }

    /// Tries a code.
    pub async fn pair_by(&self, name: &str, code: &str) -> Result<Paired, ClientError> {
        opendesk_tokio::pair(&PairOptions {
            home: self.home(name),
            host: self.address.ip().to_string(),
            port: self.address.port(),
            code: code.to_owned(),
            name: Some("host".parse().expect("a name")),
        })
        .await
    }

    /// Connects the controller of this name.
    pub async fn connect(&self, name: &str) -> Result<Client, ClientError> {
        opendesk_tokio::connect(&ConnectOptions { home: self.home(name), peer: "host".into() }).await
    }

    /// Puts a network before the host: from now on the controller of this name believes that the host is there.
    ///
    /// # Panics
    /// When that controller is not paired.
    #[must_use]
    pub fn behind_proxy(&self, name: &str) -> Proxy {
        let proxy = Proxy::start(self.address);
        let mut peers = Peers::load(&self.home(name)).expect("a list of peers");
        let (key, address) = (peers.by_name("host").expect("it is paired").public_key, proxy.address());
        assert!(peers.set_endpoint(&key, &address.ip().to_string(), address.port()).expect("it can be written"));
        proxy
    }

    /// Waits for a notice.
    pub async fn wait_for(&self, wanted: impl Fn(&Notice) -> bool) -> Notice {
        let seen = async {
            loop {
                let notice = self.notices.recv().await.expect("the host runs");
                if wanted(&notice) {
                    return notice;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), seen).await.expect("the notice comes")
    }

    /// Drops the host's event loop in the middle of whatever it does, and keeps its files.
    pub async fn abort(self) -> TempDir {
        self.running.abort();
        assert!(self.running.await.is_err_and(|error| error.is_cancelled()), "it was running");
        self.folder
    }

    /// Stops the host and keeps its files.
    pub async fn stop_and_keep(self) -> TempDir {
        self.handle.stop();
        self.running.await.expect("the host ends well");
        self.folder
    }

    /// Stops the host and gives the entries of its audit log.
    pub async fn stop(self) -> Vec<serde_json::Value> {
        self.stop_and_read().await.0
    }

    /// The same, and gives what holds all homes too.
    ///
    /// # Panics
    /// As [`stop`](Self::stop).
    pub async fn stop_and_read(self) -> (Vec<serde_json::Value>, TempDir) {
        let folder = self.stop_and_keep().await;
        let mut logs: Vec<PathBuf> = std::fs::read_dir(folder.path().join("host/audit"))
            .expect("an audit directory")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
            .collect();
        logs.sort();
        let mut entries = Vec::new();
        for log in logs {
            opendesk_std::govern::audit::verify_file(&log).expect("the chain holds");
            let text = std::fs::read_to_string(log).expect("a log");
            entries.extend(text.lines().map(|line| serde_json::from_str(line).expect("JSON")));
        }
        (entries, folder)
    }
}

/// Runs a test on one thread, as the program does.
///
/// # Panics
/// When the system gives no runtime.
pub fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(test);
}

/// Turns the clock of everybody in the test. It stands still only for a moment: a clock that stood while something
/// comes over a socket would jump to the next deadline by itself.
pub async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}
