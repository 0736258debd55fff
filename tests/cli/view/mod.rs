//! `opendesk view`: the page in a real browser, and what the server behind it lets pass.

mod page;
mod requests;

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use opendesk_std::Cancel;
use opendesk_std::api::{Point, TreeParams};
use opendesk_std::desktop::Computer as _;
use opendesk_std::desktop::r#virtual::VirtualDesktop;
use opendesk_tests::bin::{Running, command};
use opendesk_tests::rig::Rig;
use serde_json::Value;
use tempfile::TempDir;

use crate::LIMIT;

/// A host in this process, so that a test sees its desktop from outside, and the home of a controller of it, which calls
/// it `host`.
struct Desk {
    desktop: Arc<VirtualDesktop>,
    home: PathBuf,
    stop: async_channel::Sender<()>,
    serving: Option<JoinHandle<(Vec<Value>, TempDir)>>,
}

impl Desk {
    fn start() -> Self {
        let (told, hear) = mpsc::channel();
        let (stop, stopped) = async_channel::bounded::<()>(1);
        let serving = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("an event loop");
            runtime.block_on(async {
                let (rig, desktop) = Rig::on_virtual();
                rig.pair("viewer").await;
                told.send((desktop, rig.home("viewer").path().to_owned())).expect("the test waits");
                // It is closed when the test is over.
                let _over = stopped.recv().await;
                rig.stop_and_read().await
            })
        });
        let (desktop, home) = hear.recv().expect("the host starts");
        Self { desktop, home, stop, serving: Some(serving) }
    }

    /// The middle of an element of the desktop.
    fn middle(&self, role: &str, name: &str) -> Point {
        let tree = self.desktop.ui_tree(&TreeParams::default(), &Cancel::new()).expect("a tree");
        tree.find(role, name).expect("it is there").bounds.expect("it can be seen").center()
    }

    /// Stops the host and gives its log.
    fn stop(self) -> Vec<Value> {
        self.halt().0
    }

    /// The same while the homes stay.
    fn halt(mut self) -> (Vec<Value>, TempDir) {
        self.stop.close();
        self.serving.take().expect("it runs").join().expect("it ends well")
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.stop.close();
        if let Some(serving) = self.serving.take() {
            drop(serving.join());
        }
    }
}

/// `opendesk view`, and what it printed.
struct View {
    running: Running,
    url: String,
    token: String,
    address: SocketAddr,
}

impl View {
    fn start(home: &Path, args: &[&str]) -> Self {
        let args = [&["view", "--json"], args].concat();
        Self::of(Running::start(command(home, &args)))
    }

    fn of(mut running: Running) -> Self {
        let told: Value = serde_json::from_str(&running.first_line()).expect("JSON");
        let [url, token] = ["url", "token"].map(|name| told[name].as_str().expect("a text").to_owned());
        let address = url.strip_prefix("http://").and_then(|rest| rest.split('/').next()).expect("an address");
        let address = address.parse().expect("an address and a port");
        Self { running, url, token, address }
    }

    /// Ends it by Ctrl-C.
    fn interrupt(self) {
        self.running.signal("INT");
        let finished = self.running.finish(LIMIT);
        assert!(finished.status.success(), "{finished:?}");
    }

    /// A connection on which a request was sent. More lines are `Name: value`.
    fn send(&self, line: &str, more: &[&str], body: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a deadline");
        let mut request = format!("{line} HTTP/1.1\r\nConnection: close\r\n");
        for header in more {
            request.push_str(&format!("{header}\r\n"));
        }
        if !body.is_empty() {
            request.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        request.push_str("\r\n");
        // Whoever is refused may be cut off before all was sent.
        drop(stream.write_all(request.as_bytes()).and_then(|()| stream.write_all(body)));
        stream
    }

    /// The answer to a request.
    fn ask(&self, line: &str, more: &[&str], body: &[u8]) -> Answer {
        Answer::read(self.send(line, more, body))
    }

    /// The header that the page's own requests have.
    fn host(&self) -> String {
        format!("Host: {}", self.address)
    }

    /// The header that opens what is not the page.
    fn bearer(&self) -> String {
        format!("Authorization: Bearer {}", self.token)
    }
}

/// An answer, as it came.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn read(mut stream: TcpStream) -> Self {
        let mut bytes = Vec::new();
        // A connection that is reset has said what it had to say.
        drop(stream.read_to_end(&mut bytes));
        let text = String::from_utf8_lossy(&bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Self { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }
}
