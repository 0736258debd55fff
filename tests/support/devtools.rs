//! Chromium without a screen, steered over its DevTools protocol: real pages, with real mouse and keyboard events.

use core::net::{Ipv4Addr, SocketAddr};
use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use async_tungstenite::WebSocketStream;
use async_tungstenite::tungstenite::Message;
use futures_util::StreamExt;
use opendesk_std::runtime::Runtime as _;
use opendesk_tokio::{Compat, Tokio};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

use crate::bin::Running;
use crate::desktop::{PATIENCE, POLL, await_until};

/// No question to a person, nothing out of the network, nothing in the background. As root, which CI is, it has no
/// sandbox. A name of the web leads to this machine, as a rebinding of its address would.
const FLAGS: [&str; 14] = [
    "--headless=new",
    "--remote-debugging-port=0",
    "--no-sandbox",
    "--no-first-run",
    "--no-default-browser-check",
    "--password-store=basic",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-breakpad",
    "--window-size=1400,1000",
    "--host-resolver-rules=MAP rebound.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
];

/// A running browser. It ends with the value.
#[derive(Debug)]
pub struct Chromium {
    socket: WebSocketStream<Compat<TcpStream>>,
    runtime: Runtime,
    last_id: u64,
    _process: Running,
    _folder: TempDir,
}

/// A page in it.
#[derive(Debug, Clone)]
pub struct Tab {
    target: String,
    session: String,
}

/// Waits until something is there.
///
/// # Panics
/// When it is not within [`PATIENCE`].
pub fn until<T>(what: &str, ready: impl FnMut() -> Option<T>) -> T {
    await_until(what, ready)
}

impl Chromium {
    /// Starts the browser with a profile of its own. This takes some seconds.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let profile = folder.path().join("profile");
        let mut command = Command::new("chromium");
        command
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg("about:blank")
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into()))
            .env("HOME", folder.path())
            .stdin(Stdio::null());
        let process = Running::start(command);
        let (port, path) = await_until("the browser listens", || {
            let told = fs::read_to_string(profile.join("DevToolsActivePort")).ok()?;
            let (port, path) = told.split_once('\n')?;
            Some((port.parse::<u16>().ok()?, path.trim().to_owned()))
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("an event loop");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let socket = runtime.block_on(async {
            let stream = Tokio.connect(address).await.expect("the browser answers");
            let url = format!("ws://{address}{path}");
            async_tungstenite::client_async(url, stream).await.expect("it speaks its protocol").0
        });
        Self { socket, runtime, last_id: 0, _process: process, _folder: folder }
    }

    /// Opens a page in a new tab, and makes it believe that it has the keyboard.
    ///
    /// # Panics
    /// When the browser refuses.
    pub fn open(&mut self, url: &str) -> Tab {
        let created = self.command(None, "Target.createTarget", &json!({"url": "about:blank"}));
        let target = created["targetId"].as_str().expect("a target").to_owned();
        let attached = self.command(None, "Target.attachToTarget", &json!({"targetId": target, "flatten": true}));
        let session = attached["sessionId"].as_str().expect("a session").to_owned();
        let tab = Tab { target, session };
        self.call(&tab, "Emulation.setFocusEmulationEnabled", &json!({"enabled": true}));
        self.call(&tab, "Page.navigate", &json!({"url": url}));
        tab
    }

    /// Calls a method of the protocol for a tab.
    ///
    /// # Panics
    /// When the browser refuses.
    pub fn call(&mut self, tab: &Tab, method: &str, params: &Value) -> Value {
        self.command(Some(&tab.session), method, params)
    }

    /// Closes a tab, as its button does: the page is told nothing that it could delay this by.
    pub fn close(&mut self, tab: Tab) {
        self.command(None, "Target.closeTarget", &json!({"targetId": tab.target}));
    }

    /// What an expression is in a page; a promise is waited for.
    ///
    /// # Panics
    /// When it throws.
    pub fn evaluate(&mut self, tab: &Tab, expression: &str) -> Value {
        let params = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let evaluated = self.call(tab, "Runtime.evaluate", &params);
        assert!(evaluated.get("exceptionDetails").is_none(), "{expression}: {evaluated}");
        evaluated["result"]["value"].clone()
    }

    /// Waits until an expression is true in a page.
    ///
    /// # Panics
    /// When it is not within [`PATIENCE`]; it tells what the page says then.
    pub fn await_true(&mut self, tab: &Tab, expression: &str) {
        let guarded = format!("(() => {{ try {{ return Boolean({expression}); }} catch {{ return false; }} }})()");
        let begun = Instant::now();
        while self.evaluate(tab, &guarded) != true {
            if begun.elapsed() >= PATIENCE {
                let page = self.evaluate(tab, "document.body.innerText");
                panic!("{expression}: not within {PATIENCE:?}; the page says {page}");
            }
            thread::sleep(POLL);
        }
    }

    /// One event of the mouse, at CSS pixels of the page: `mousePressed`, `mouseReleased`, `mouseMoved` or `mouseWheel`.
    pub fn mouse(&mut self, tab: &Tab, kind: &str, (x, y): (f64, f64), more: &Value) {
        let mut params = json!({"type": kind, "x": x, "y": y, "button": "none", "clickCount": 0});
        if let (Some(params), Some(more)) = (params.as_object_mut(), more.as_object()) {
            params.extend(more.clone());
        }
        self.call(tab, "Input.dispatchMouseEvent", &params);
    }

    /// Presses and releases a mouse button.
    pub fn click(&mut self, tab: &Tab, at: (f64, f64), button: &str) {
        let more = json!({"button": button, "clickCount": 1});
        self.mouse(tab, "mouseMoved", at, &json!({}));
        self.mouse(tab, "mousePressed", at, &more);
        self.mouse(tab, "mouseReleased", at, &more);
    }

    /// A key goes down (`keyDown`) or comes up (`keyUp`), with what it types, if that is something. Modifiers are the
    /// sum of 1 (Alt), 2 (Ctrl), 4 (Meta) and 8 (Shift).
    pub fn key(&mut self, tab: &Tab, kind: &str, (key, code): (&str, &str), text: &str, modifiers: u8) {
        let mut params = json!({"type": kind, "key": key, "code": code, "modifiers": modifiers});
        if !text.is_empty() {
            params["text"] = text.into();
        }
        self.call(tab, "Input.dispatchKeyEvent", &params);
    }

    /// Width, height, and red, green, blue of each pixel of a canvas.
    ///
    /// # Panics
    /// When there is no such canvas.
    pub fn pixels(&mut self, tab: &Tab, canvas: &str) -> (u32, u32, Vec<u8>) {
        let script = format!(
            "(() => {{
                const canvas = document.querySelector({canvas:?});
                const {{ width, height }} = canvas;
                const data = canvas.getContext('2d').getImageData(0, 0, width, height).data;
                const parts = [];
                for (let at = 0; at < data.length; at += 4096) {{
                    const part = data.subarray(at, at + 4096).filter((_, index) => index % 4 !== 3);
                    parts.push(String.fromCharCode(...part));
                }}
                return {{ width, height, pixels: parts.join('') }};
            }})()"
        );
        let read = self.evaluate(tab, &script);
        let number = |name: &str| read[name].as_u64().and_then(|number| u32::try_from(number).ok()).expect("a number");
        let pixels = read["pixels"].as_str().expect("pixels").chars();
        let pixels = pixels.map(|byte| u8::try_from(u32::from(byte)).expect("a byte")).collect();
        (number("width"), number("height"), pixels)
    }

    fn command(&mut self, session: Option<&str>, method: &str, params: &Value) -> Value {
        self.last_id += 1;
        let id = self.last_id;
        let mut command = json!({"id": id, "method": method, "params": params});
        if let Some(session) = session {
            command["sessionId"] = session.into();
        }
        let socket = &mut self.socket;
        let answer = self.runtime.block_on(async {
            let answered = async {
                socket.send(Message::Text(command.to_string().into())).await.expect("the browser hears");
                loop {
                    let message = socket.next().await.expect("the browser runs").expect("it keeps to its protocol");
                    let Message::Text(text) = message else { continue };
                    let said: Value = serde_json::from_str(text.as_str()).expect("JSON");
                    // Everything else is an event, which nobody waits for.
                    if said["id"] == id {
                        return said;
                    }
                }
            };
            tokio::time::timeout(PATIENCE, answered).await.expect("an answer")
        });
        assert!(answer.get("error").is_none(), "{method} {params}: {answer}");
        answer["result"].clone()
    }
}
