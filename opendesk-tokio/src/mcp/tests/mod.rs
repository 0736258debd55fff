//! The server as clients of every era meet it, over streams in memory and over HTTP.

mod approvals;
mod calls;
mod eras;
mod http;

use core::time::Duration;
use std::collections::VecDeque;
use std::sync::Arc;

use opendesk_std::desktop::Backend;
use opendesk_std::desktop::r#virtual::VirtualDesktop;
use opendesk_std::home::Home;
use opendesk_std::tools::{OnRuntime, Session};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::presence::Presence;
use super::server::{Run, Server, Sessions};
use super::{McpError, serve_with};
use crate::{HostHandle, HostOptions, PairOptions, Tokio};

/// The revision without sessions.
const MODERN: &str = "2026-07-28";

/// Every revision before it.
const LEGACY: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

/// Long enough for anything here, on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(30);

/// The owner wants to be asked before something is put on the clipboard, and lets nobody see what is on it.
const RULES: &str = r#"{"rules": [
    {"tool": "clipboard.write", "decision": "confirm"},
    {"tool": "clipboard.read", "decision": "block"}
]}"#;

fn home() -> (TempDir, Home) {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::open(Some(folder.path().join("home"))).unwrap();
    (folder, home)
}

fn session(home: &Home) -> Session {
    Session::new(home.clone(), Backend::Virtual, Box::new(OnRuntime(Tokio)))
}

/// A host whose desktop can be looked at, and a home that it is paired with.
struct Host {
    desktop: Arc<VirtualDesktop>,
    home: Home,
    handle: HostHandle,
    running: JoinHandle<()>,
    _folder: TempDir,
}

impl Host {
    async fn paired() -> Self {
        let (folder, hosts) = home();
        let desktop = Arc::new(VirtualDesktop::default());
        let server = crate::serve(HostOptions::new(hosts, desktop.clone())).unwrap();
        let (address, handle) = (server.local_addr(), server.handle());
        let running = tokio::spawn(server.run());
        let code = opendesk_std::pairing_code().unwrap();
        handle.open_pairing(&code, Duration::from_secs(60)).await.unwrap().unwrap();
        let home = Home::open(Some(folder.path().join("controller"))).unwrap();
        let (host, port) = (address.ip().to_string(), address.port());
        crate::pair(&PairOptions { home: home.clone(), host, port, code, name: None }).await.unwrap();
        Self { desktop, home, handle, running, _folder: folder }
    }

    async fn end(self) {
        self.handle.stop();
        self.running.await.unwrap();
    }
}

/// Waits for something that happens.
async fn until(is_so: impl Fn() -> bool) {
    let seen = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, seen).await.expect("it happens in time");
}

/// A client that says what it likes, line by line.
struct Client {
    to: WriteHalf<DuplexStream>,
    from: Lines<BufReader<ReadHalf<DuplexStream>>>,
    served: JoinHandle<Result<(), McpError>>,
    /// What came while something else was waited for.
    others: VecDeque<Value>,
    last: u64,
    /// What the client says of itself with every request of the revision 2026-07-28.
    capabilities: Value,
}

impl Client {
    fn of(home: &Home) -> Self {
        Self::with(home, None)
    }

    fn with(home: &Home, run: Option<Run>) -> Self {
        let session = session(home);
        let server = Server::new(Sessions::One { session: session.clone(), client: Presence::default() });
        let server = match run {
            Some(run) => server.running(run),
            None => server,
        };
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let served = tokio::spawn(serve_with(server, Arc::new(session), tokio::io::split(theirs)));
        let (from, to) = tokio::io::split(ours);
        let from = BufReader::new(from).lines();
        Self { to, from, served, others: VecDeque::new(), last: 0, capabilities: json!({}) }
    }

    async fn send(&mut self, message: &Value) {
        self.to.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }

    async fn line(&mut self) -> Option<Value> {
        let line = timeout(PATIENCE, self.from.next_line()).await.expect("a line in time").unwrap()?;
        Some(serde_json::from_str(&line).expect("every line is JSON"))
    }

    /// The next message that fits; others are kept in their order.
    async fn next(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        if let Some(place) = self.others.iter().position(&fits) {
            return self.others.remove(place).unwrap();
        }
        loop {
            let message = self.line().await.expect("the server goes on");
            if fits(&message) {
                return message;
            }
            self.others.push_back(message);
        }
    }

    fn begin(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    async fn answer(&mut self, id: u64) -> Value {
        self.next(|message| message["id"] == id && message.get("method").is_none()).await
    }

    /// A request as it is.
    async fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.begin();
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})).await;
        self.answer(id).await
    }

    fn meta(&self) -> Value {
        meta(MODERN, &self.capabilities)
    }

    /// A request of the revision 2026-07-28.
    async fn modern(&mut self, method: &str, mut params: Value) -> Value {
        params["_meta"] = self.meta();
        self.ask(method, params).await
    }

    /// Asks in the same way, and leaves the answer for later.
    async fn begin_modern(&mut self, method: &str, mut params: Value) -> u64 {
        params["_meta"] = self.meta();
        let id = self.begin();
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})).await;
        id
    }

    /// The beginning of a session.
    async fn initialize(&mut self, version: &str, capabilities: Value) -> Value {
        let client = json!({"name": "test", "version": "1"});
        let params = json!({"protocolVersion": version, "capabilities": capabilities, "clientInfo": client});
        let answer = self.ask("initialize", params).await;
        self.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
        answer
    }

    async fn call(&mut self, tool: &str, arguments: Value) -> Value {
        self.ask("tools/call", json!({"name": tool, "arguments": arguments})).await
    }

    /// The client goes away.
    async fn end(mut self) {
        self.to.shutdown().await.unwrap();
        timeout(PATIENCE, self.served).await.expect("the server ends").unwrap().unwrap();
    }
}

fn meta(version: &str, capabilities: &Value) -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": version,
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": capabilities,
    })
}

/// The text of a tool's result.
fn text(answer: &Value) -> &str {
    answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text in {answer}"))
}
