//! The server on HTTP, by bytes on a socket.

use core::net::SocketAddr;

use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use super::*;
use crate::mcp::{HttpError, HttpOptions, HttpServer, Token};

const TOKEN: &str = "0123456789abcdef0123456789abcdef0123456789abcdef";

struct Http {
    address: SocketAddr,
    end: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Reply {
    /// The last message of a body that is JSON or a stream of events.
    fn json(&self) -> Value {
        let mut events = self.body.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim);
        let last = events.rfind(|data| data.starts_with('{')).unwrap_or(self.body.as_str());
        serde_json::from_str(last).unwrap_or_else(|_| panic!("no JSON in {} {}", self.status, self.body))
    }

    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}

impl Http {
    fn start(home: &Home) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let options = HttpOptions { address, allow_hosts: Vec::new(), token: Token::new(TOKEN).unwrap() };
        let home = home.clone();
        let server = HttpServer::bind(options, move || session(&home)).unwrap();
        let address = server.address();
        assert_eq!(server.url(), format!("http://{address}/mcp"));
        let (end, ended) = oneshot::channel::<()>();
        let running = tokio::spawn(server.run(async move {
            let _over = ended.await;
        }));
        Self { address, end, running }
    }

    async fn end(self) {
        self.end.send(()).unwrap();
        timeout(PATIENCE, self.running).await.expect("the server ends").unwrap();
    }

    /// Bytes, and all that comes back until the server closes.
    async fn raw(&self, request: &str) -> Reply {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        // A server that has refused may reset the connection while the rest is sent.
        let _end = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("an end in time");
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text.as_str(), ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
        Reply { status, head: head.to_owned(), body: body.to_owned() }
    }

    async fn request(&self, method: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        self.raw(&self.text(method, "/mcp", headers, body)).await
    }

    /// A request. A header that is given replaces the usual one, and one without a value leaves it out.
    fn text(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> String {
        let (host, length) = (self.address.to_string(), body.len().to_string());
        let authorization = format!("Bearer {TOKEN}");
        let usual = [
            ("Host", host.as_str()),
            ("Authorization", authorization.as_str()),
            ("Accept", "application/json, text/event-stream"),
            ("Content-Type", "application/json"),
            ("Content-Length", length.as_str()),
            ("Connection", "close"),
        ];
        let is_given = |name: &str| headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name));
        let all = usual.into_iter().filter(|(name, _)| !is_given(name)).chain(headers.iter().copied());
        let lines: String =
            all.filter(|(_, value)| !value.is_empty()).map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        format!("{method} {path} HTTP/1.1\r\n{lines}\r\n{body}")
    }

    async fn modern(&self, method: &str, name: Option<&str>, mut params: Value) -> Reply {
        params["_meta"] = meta(MODERN, &json!({}));
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
        let mut headers = vec![("MCP-Protocol-Version", MODERN), ("Mcp-Method", method)];
        headers.extend(name.map(|name| ("Mcp-Name", name)));
        self.request("POST", &headers, &body).await
    }

    async fn call(&self, tool: &str, arguments: Value) -> Value {
        self.modern("tools/call", Some(tool), json!({"name": tool, "arguments": arguments})).await.json()
    }
}

fn initialize(version: &str) -> String {
    let client = json!({"name": "test", "version": "1"});
    let params = json!({"protocolVersion": version, "capabilities": {}, "clientInfo": client});
    json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}).to_string()
}

fn tools_call(tool: &str, arguments: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": tool, "arguments": arguments}})
        .to_string()
}

#[tokio::test]
async fn both_eras_are_served() {
    let (_folder, home) = home();
    let http = Http::start(&home);
    for version in LEGACY {
        let begun = http.request("POST", &[], &initialize(version)).await;
        assert_eq!(begun.json()["result"]["protocolVersion"], version, "{}", begun.body);
        let id = begun.header("Mcp-Session-Id").unwrap();
        let session = [("Mcp-Session-Id", id), ("MCP-Protocol-Version", version)];
        let called = http.request("POST", &session, &tools_call("opendesk_peers", &json!({}))).await;
        assert!(text(&called.json()).contains("local"), "{}", called.body);
        let shown = http.request("POST", &session, &tools_call("screenshot", &json!({"peer": "local"}))).await;
        assert_eq!(shown.json()["result"]["content"][1]["type"], "image");
        assert_eq!(http.request("DELETE", &session, "").await.status / 100, 2);
        assert_eq!(http.request("POST", &session, &tools_call("opendesk_peers", &json!({}))).await.status, 404);
    }
    let found = http.modern("server/discover", None, json!({})).await;
    assert_eq!(found.json()["result"]["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "opendesk");
    assert!(text(&http.call("opendesk_peers", json!({})).await).contains("local"));
    let lists = [http.modern("tools/list", None, json!({})).await, http.modern("tools/list", None, json!({})).await];
    assert_eq!(lists[0].json(), lists[1].json());
    assert!(found.header("Mcp-Session-Id").is_none() && lists[0].header("Mcp-Session-Id").is_none());
    http.end().await;
}

#[tokio::test]
async fn nobody_is_answered_who_does_not_show_the_token() {
    let (_folder, home) = home();
    let http = Http::start(&home);
    let (wrong, basic) = (format!("Bearer {}x", &TOKEN[1..]), format!("Basic {TOKEN}"));
    for given in ["", "Bearer", "Bearer x", wrong.as_str(), basic.as_str()] {
        for method in ["POST", "GET", "DELETE"] {
            let refused = http.request(method, &[("Authorization", given)], &initialize("2025-11-25")).await;
            assert_eq!(refused.status, 401, "{given}");
            assert_eq!(refused.header("WWW-Authenticate"), Some("Bearer realm=\"opendesk\""));
            assert_eq!(refused.json()["error"]["code"], -32001);
            assert!(!refused.body.contains(TOKEN));
        }
    }
    let query = http.text("POST", &format!("/mcp?token={TOKEN}"), &[("Authorization", "")], &initialize("2025-11-25"));
    assert_eq!(http.raw(&query).await.status, 401, "no token is taken from an address");
    http.end().await;
}

#[tokio::test]
async fn no_page_of_the_web_and_no_other_name_is_answered() {
    let (_folder, home) = home();
    let http = Http::start(&home);
    let port = http.address.port();
    let ours =
        [format!("localhost:{port}"), format!("127.0.0.1:{port}"), format!("[::1]:{port}"), "localhost:1".to_owned()];
    for host in &ours {
        assert_eq!(http.request("POST", &[("Host", host)], &initialize("2025-11-25")).await.status, 200, "{host}");
    }
    for host in [
        &format!("localhost.evil:{port}"),
        &format!("127.0.0.1.evil.example:{port}"),
        &format!("[::ffff:127.0.0.1]:{port}"),
        &format!("0.0.0.0:{port}"),
        "evil.example",
        "",
    ] {
        let refused = http.request("POST", &[("Host", host)], &initialize("2025-11-25")).await;
        assert!([400, 403].contains(&refused.status), "{host:?}: {}", refused.status);
    }
    let own = format!("http://127.0.0.1:{port}");
    assert_eq!(http.request("POST", &[("Origin", &own)], &initialize("2025-11-25")).await.status, 200);
    for origin in ["null", "http://evil.example", "http://127.0.0.1:1", &format!("{own}.evil"), "file://"] {
        assert_eq!(
            http.request("POST", &[("Origin", origin)], &initialize("2025-11-25")).await.status,
            403,
            "{origin}"
        );
    }
    assert_eq!(http.request("POST", &[("Sec-Fetch-Site", "cross-site")], &initialize("2025-11-25")).await.status, 403);
    http.end().await;
}

#[tokio::test]
async fn requests_that_are_none_are_refused() {
    let (_folder, home) = home();
    let http = Http::start(&home);
    let begin = initialize("2025-11-25");
    assert_eq!(http.request("POST", &[("Content-Type", "text/plain")], &begin).await.status, 415);
    assert_eq!(http.request("POST", &[("Accept", "text/html")], &begin).await.status, 406);
    let long = format!("{{\"x\": \"{}\"}}", "x".repeat(crate::mcp::http::BODY_BYTES));
    let refused = http.request("POST", &[], &long).await;
    assert!([413, 0].contains(&refused.status), "{}", refused.status);
    assert_eq!(http.raw(&http.text("POST", "/other", &[], &begin)).await.status, 404);
    assert_eq!(http.raw(&http.text("POST", "/mcp/", &[], &begin)).await.status, 200);
    assert_eq!(http.request("PUT", &[], &begin).await.status, 405);
    assert!([400, 422].contains(&http.request("GET", &[], "").await.status));
    assert_eq!(http.request("GET", &[("MCP-Protocol-Version", MODERN)], "").await.status, 405);
    assert_eq!(http.request("GET", &[("Mcp-Session-Id", "none")], "").await.status, 404);
    let params = json!({"_meta": meta(MODERN, &json!({})), "name": "opendesk_peers", "arguments": {}});
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).to_string();
    for (method, name) in [("tools/list", "opendesk_peers"), ("tools/call", "screenshot")] {
        let headers = [("MCP-Protocol-Version", MODERN), ("Mcp-Method", method), ("Mcp-Name", name)];
        let refused = http.request("POST", &headers, &body).await;
        assert_eq!((refused.status, &refused.json()["error"]["code"]), (400, &json!(-32020)), "{}", refused.body);
    }
    http.end().await;
}

#[tokio::test]
async fn w17_clients_share_nothing_that_one_of_them_chose() {
    let (_folder, home) = home();
    let http = Http::start(&home);
    let mut ids = Vec::new();
    for _ in 0..2 {
        let begun = http.request("POST", &[], &initialize("2025-11-25")).await;
        ids.push(begun.header("Mcp-Session-Id").unwrap().to_owned());
    }
    let chosen = tools_call("opendesk_use", &json!({"peer": "local"}));
    let status = tools_call("opendesk_peers", &json!({}));
    let first = http.request("POST", &[("Mcp-Session-Id", &ids[0])], &chosen).await.json();
    assert_eq!(first["result"]["isError"], false, "{first}");
    let told = http.request("POST", &[("Mcp-Session-Id", &ids[0])], &status).await.json();
    assert!(text(&told).contains("chosen by opendesk_use"), "{told}");
    let other = http.request("POST", &[("Mcp-Session-Id", &ids[1])], &status).await.json();
    assert!(!text(&other).contains("chosen by opendesk_use"), "{other}");
    let stateless = http.call("opendesk_peers", json!({})).await;
    assert!(!text(&stateless).contains("chosen by opendesk_use"), "{stateless}");
    let refused = http.call("opendesk_use", json!({"peer": "local"})).await;
    assert_eq!(refused["result"]["isError"], true, "nothing can be chosen without a session: {refused}");
    http.end().await;
}

#[tokio::test]
async fn of_too_many_sessions_the_oldest_ends() {
    let (_folder, home) = home();
    let http = Http::start(&home);
    let mut ids = Vec::new();
    for _ in 0..33 {
        let begun = http.request("POST", &[], &initialize("2025-11-25")).await;
        ids.push(begun.header("Mcp-Session-Id").unwrap().to_owned());
    }
    let ping = json!({"jsonrpc": "2.0", "id": 3, "method": "ping"}).to_string();
    assert_eq!(http.request("POST", &[("Mcp-Session-Id", &ids[0])], &ping).await.status, 404);
    for id in [&ids[1], &ids[32]] {
        assert_eq!(http.request("POST", &[("Mcp-Session-Id", id)], &ping).await.status, 200);
    }
    http.end().await;
}

#[tokio::test]
async fn a_modern_client_that_goes_away_cancels_its_call() {
    let host = Host::paired().await;
    let http = Http::start(&host.home);
    let arguments = json!({"action": "hold", "key": "shift", "hold_duration": 10, "settle_ms": 0});
    let params = json!({"_meta": meta(MODERN, &json!({})), "name": "keyboard", "arguments": arguments});
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).to_string();
    let headers = [("MCP-Protocol-Version", MODERN), ("Mcp-Method", "tools/call"), ("Mcp-Name", "keyboard")];
    let mut stream = TcpStream::connect(http.address).await.unwrap();
    stream.write_all(http.text("POST", "/mcp", &headers, &body).as_bytes()).await.unwrap();
    until(|| !host.desktop.held_keys().is_empty()).await;
    let begun = std::time::Instant::now();
    drop(stream);
    until(|| host.desktop.held_keys().is_empty()).await;
    assert!(begun.elapsed() < Duration::from_secs(9), "it would have come up by itself");
    http.end().await;
    host.end().await;
}

#[test]
fn it_does_not_start_open() {
    let (_folder, home) = home();
    let bind = |host: [u8; 4], allowed: &[&str]| {
        let options = HttpOptions {
            address: SocketAddr::from((host, 0)),
            allow_hosts: allowed.iter().map(|name| (*name).to_owned()).collect(),
            token: Token::new(TOKEN).unwrap(),
        };
        let home = home.clone();
        HttpServer::bind(options, move || session(&home))
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _inside = runtime.enter();
    assert!(matches!(bind([0, 0, 0, 0], &[]), Err(HttpError::Open(_))));
    assert!(matches!(bind([127, 0, 0, 1], &["a b"]), Err(HttpError::Name(_))));
    assert!(bind([0, 0, 0, 0], &["desk.lan"]).is_ok());
    assert!(bind([127, 0, 0, 1], &[]).is_ok());
}
