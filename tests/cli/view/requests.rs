//! Requests that are not the page's own.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

use opendesk_tests::bin::{Running, command};
use opendesk_tests::devtools::until;
use serde_json::json;

use super::{Answer, Desk, View};
use crate::{Folder, LIMIT, failure, opendesk};

/// A viewer that reads packets by itself.
struct Reader(TcpStream, Vec<u8>);

impl Reader {
    fn look(view: &View) -> Self {
        Self(view.send("GET /stream", &[&view.host(), &view.bearer()], b""), Vec::new())
    }

    /// Waits until all that was sent holds this text, and gives it.
    fn hear(&mut self, wanted: &str) -> String {
        loop {
            let text = String::from_utf8_lossy(&self.1).into_owned();
            if text.contains(wanted) {
                return text;
            }
            let mut part = [0; 65536];
            let read = self.0.read(&mut part).unwrap_or_else(|error| panic!("{wanted}: {error}; it said {text:.2000}"));
            assert!(read > 0, "{wanted}: it ended; it said {text:.2000}");
            self.1.extend(&part[..read]);
        }
    }

    /// The number that the server gave it.
    fn number(&mut self) -> u64 {
        let text = self.hear("\"viewer\":");
        let (_, rest) = text.split_once("\"viewer\":").expect("it was waited for");
        rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().expect("a number")
    }
}

fn input(view: &View, viewer: u64, events: serde_json::Value) -> Answer {
    let body = json!({"viewer": viewer, "shape": 1, "events": events}).to_string();
    let headers = [&view.host(), &view.bearer(), "Content-Type: application/json"];
    view.ask("POST /input", &headers, body.as_bytes())
}

#[test]
fn only_the_page_itself_is_answered_and_everything_says_what_browsers_may_not_do() {
    let desk = Desk::start();
    let view = View::start(&desk.home, &["host"]);
    let (host, bearer) = (view.host(), view.bearer());
    let port = view.address.port();
    let own = format!("Origin: http://{}", view.address);

    let page = view.ask("GET /", &[&host], b"");
    assert_eq!(page.status, 200, "{page:?}");
    assert!(page.body.contains("<canvas") && !page.body.contains(&view.token), "it holds nothing secret");
    for address in ["/view.js", "/view.css", "/input.js"] {
        let file = view.ask(&format!("GET {address}"), &[&host, &own, "Sec-Fetch-Site: same-origin"], b"");
        assert!(file.status == 200 && !file.body.is_empty(), "{address}: {file:?}");
    }

    let local = format!("Host: localhost:{port}");
    assert_eq!(view.ask("GET /", &[&local], b"").status, 200);
    let rebound = format!("Host: rebound.example:{port}");
    let elsewhere = format!("Host: 127.0.0.1:{}", port ^ 1);
    let two = format!("Host: rebound.example:{port}\r\n{host}");
    let another = format!("Origin: http://127.0.0.1:{}", port ^ 1);
    for (what, headers) in [
        ("a name that leads here", vec![rebound.as_str()]),
        ("another port", vec![&elsewhere]),
        ("no port", vec!["Host: 127.0.0.1"]),
        ("two names", vec![&two]),
        ("another page", vec![&host, "Origin: http://evil.example"]),
        ("a page of another port", vec![&host, &another]),
        ("a page without a name", vec![&host, "Origin: null"]),
        ("a link of another page", vec![&host, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"]),
        ("another page, blindly", vec![&host, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"]),
        ("a page of another port, blindly", vec![&host, "Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: no-cors"]),
    ] {
        for line in ["GET /", "GET /stream", "POST /input", "POST /enter", "POST /again", "OPTIONS /stream", "GET /no"]
        {
            let with_token = [&headers[..], &[&bearer]].concat();
            let refused = view.ask(line, &with_token, b"");
            assert_eq!(refused.status, 403, "{what}: {line}: {refused:?}");
            assert!(!refused.body.trim().contains('\n') && refused.body.len() > 10, "one line: {refused:?}");
            assert!(!refused.head.contains("access-control"), "{refused:?}");
        }
    }

    let wrong = format!("Authorization: Bearer {}", view.token.replace(|digit| digit > '7', "0"));
    let shorter = format!("Authorization: Bearer {}", &view.token[1..]);
    let in_query = format!("GET /stream?token={}", view.token);
    for line in ["GET /stream", "POST /input", "POST /enter", "POST /again", &in_query] {
        for headers in [vec![], vec![wrong.as_str()], vec![&shorter], vec!["Authorization: Bearer "]] {
            let refused = view.ask(line, &[&[host.as_str(), &own][..], &headers].concat(), b"");
            assert_eq!(refused.status, 401, "{line} {headers:?}: {refused:?}");
        }
    }
    for (line, status) in [("GET /nothing", 404), ("POST /", 405), ("GET /input", 405), ("DELETE /stream", 405)] {
        let answer = view.ask(line, &[&host, &bearer], b"");
        assert_eq!(answer.status, status, "{line}");
        for header in [
            "content-security-policy: default-src 'none'; script-src 'self'",
            "frame-ancestors 'none'",
            "x-frame-options: deny",
            "x-content-type-options: nosniff",
            "cache-control: no-store",
            "referrer-policy: no-referrer",
            "cross-origin-opener-policy: same-origin",
            "cross-origin-resource-policy: same-origin",
        ] {
            assert!(answer.head.contains(header) && page.head.contains(header), "{header}: {answer:?}");
        }
    }
    // All of that has shown nobody anything, and asked the host for nothing.
    view.interrupt();
    let log = desk.stop();
    assert!(!log.iter().any(|entry| entry.to_string().contains("display.")), "{log:?}");
}

#[test]
fn nothing_listens_but_the_loopback_interface() {
    let desk = Desk::start();
    let view = View::start(&desk.home, &["host"]);
    let port = format!(":{:04X}", view.address.port());
    let mut listening = Vec::new();
    for file in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let table = fs::read_to_string(file).unwrap_or_default();
        let rows = table.lines().skip(1).map(|row| row.split_whitespace().collect::<Vec<_>>());
        // 0A is a socket that listens.
        listening.extend(rows.filter(|row| row[3] == "0A" && row[1].ends_with(&port)).map(|row| row[1].to_owned()));
    }
    assert_eq!(listening, [format!("0100007F{port}")]);
}

#[test]
fn without_control_nothing_is_done_whatever_is_sent() {
    let desk = Desk::start();
    let view = View::start(&desk.home, &["host"]);
    let mut reader = Reader::look(&view);
    let number = reader.number();
    assert!(reader.hear("\"control\"").contains("\"control\":false"));
    reader.hear("\"kind\":\"picture\"");
    let text = json!({"text": {"text": "hunter2", "interval_ms": 0}});
    for events in [json!(["take"]), json!(["take", text]), json!([]), json!("nonsense")] {
        let refused = input(&view, number, events);
        assert_eq!((refused.status, refused.body.contains("--control")), (403, true), "{refused:?}");
    }
    assert!(!desk.desktop.editor_text().contains("hunter2"));
    view.interrupt();
    let log = desk.stop();
    assert!(!log.iter().any(|entry| entry.to_string().contains("input.")), "{log:?}");
}

#[test]
fn events_are_done_in_order_within_limits_and_by_one_viewer_at_a_time() {
    let desk = Desk::start();
    let view = View::start(&desk.home, &["host", "--control"]);
    let (mut first, mut second) = (Reader::look(&view), Reader::look(&view));
    let (one, two) = (first.number(), second.number());
    assert_ne!(one, two);
    first.hear("\"kind\":\"picture\"");
    let text = |text: &str| json!({"text": {"text": text, "interval_ms": 0}});
    let key = |action: &str, keysym: &str| json!({"key": {"action": action, "keysym": keysym, "modifiers": []}});
    let pointer = |action: &str, x: f64, y: f64| json!({"pointer": {"action": action, "point": {"x": x, "y": y}, "button": "left", "modifiers": [], "dx": 0, "dy": 0}});

    assert_eq!(input(&view, one, json!([text("x")])).status, 409, "nobody has taken them yet");
    let typed = input(&view, one, json!(["take", text("one "), text("two")]));
    assert_eq!(typed.status, 204, "{typed:?}");
    assert!(desk.desktop.editor_text().contains("one two"), "{}", desk.desktop.editor_text());
    first.hear("\"you\":true");

    assert_eq!(input(&view, one, json!([key("down", "ctrl"), pointer("down", 5.0, 5.0)])).status, 204);
    assert_eq!((desk.desktop.held_keys().len(), desk.desktop.held_buttons().len()), (1, 1));
    assert_eq!(input(&view, two, json!([text("x")])).status, 409, "the other one has them");
    assert_eq!(input(&view, two, json!(["take"])).status, 204);
    assert_eq!((desk.desktop.held_keys().len(), desk.desktop.held_buttons().len()), (0, 0), "released before");
    assert_eq!(input(&view, one, json!([text("x")])).status, 409);
    assert_eq!(input(&view, 99, json!(["take"])).status, 410);

    for (x, y) in [(-1.0, 5.0), (5.0, -0.5), (1280.0, 5.0), (5.0, 800.0), (1e300, 5.0)] {
        let refused = input(&view, two, json!([pointer("move", x, y)]));
        assert_eq!((refused.status, refused.body.contains("outside")), (416, true), "{x},{y}: {refused:?}");
    }
    let body = json!({"viewer": two, "shape": 7, "events": [pointer("down", 5.0, 5.0)]}).to_string();
    let headers = [&view.host(), &view.bearer(), "Content-Type: application/json"];
    assert_eq!(view.ask("POST /input", &headers, body.as_bytes()).status, 416, "it pointed at another picture");
    let unknown = input(&view, two, json!([key("down", "hyper"), text("never"), key("up", "a")]));
    assert_eq!((unknown.status, unknown.body.contains("no key is called")), (422, true), "{unknown:?}");
    assert!(!desk.desktop.editor_text().contains("never"), "after a failure nothing more is pressed");

    let broken = view.ask("POST /input", &headers, b"{\"viewer\": 1, \"events\": [{\"text\": \"hunter2\"}]}");
    assert_eq!((broken.status, broken.body.contains("hunter2")), (400, false), "{broken:?}");
    let plain = [&view.host(), &view.bearer(), "Content-Type: text/plain"];
    assert_eq!(view.ask("POST /input", &plain, body.as_bytes()).status, 415, "what a form could send");
    let large = vec![b' '; 200_000];
    assert_eq!(view.ask("POST /input", &headers, &large).status, 413);
    assert_eq!(desk.desktop.held_buttons(), []);

    assert_eq!(input(&view, two, json!([key("down", "shift")])).status, 204);
    drop(second);
    until("the held key comes up", || desk.desktop.held_keys().is_empty().then_some(()));
    view.interrupt();
}

#[test]
fn viewers_are_counted_and_a_place_is_free_when_one_goes() {
    let desk = Desk::start();
    let view = View::start(&desk.home, &["host"]);
    let mut readers: Vec<Reader> = (0..8).map(|_| Reader::look(&view)).collect();
    readers.iter_mut().for_each(|reader| drop(reader.hear("\"kind\":\"picture\"")));
    let full = view.ask("GET /stream", &[&view.host(), &view.bearer()], b"");
    assert_eq!((full.status, full.body.contains("8 windows")), (503, true), "{full:?}");
    readers.pop();
    until("a place is free", || {
        let mut stream = view.send("GET /stream", &[&view.host(), &view.bearer()], b"");
        let mut begin = [0; 12];
        stream.read_exact(&mut begin).unwrap();
        begin.ends_with(b"200").then_some(())
    });
    view.interrupt();
}

#[test]
fn what_is_open_ends_with_ctrl_c_and_the_host_is_told() {
    let desk = Desk::start();
    let view = View::start(&desk.home, &["host", "--control"]);
    let mut reader = Reader::look(&view);
    let number = reader.number();
    reader.hear("\"kind\":\"picture\"");
    let mut half = TcpStream::connect(view.address).unwrap();
    half.write_all(b"GET / HT").unwrap();
    let down = json!(["take", {"key": {"action": "down", "keysym": "alt", "modifiers": []}}]);
    assert_eq!(input(&view, number, down).status, 204);
    assert_eq!(desk.desktop.held_keys().len(), 1);
    view.interrupt();
    assert_eq!(desk.desktop.held_keys(), []);
    let mut rest = Vec::new();
    assert!(reader.0.read_to_end(&mut rest).is_ok(), "the stream ends well");
    let log = desk.stop();
    let ended = log.iter().rfind(|entry| entry["type"] == "session.closed").map(|entry| &entry["reason"]);
    assert_eq!(ended, Some(&json!("done")), "{log:?}");
}

#[test]
fn what_cannot_be_shown_is_said_in_one_line() {
    let folder = Folder::new();
    let home = folder.home("home");
    let unknown = opendesk(&home, &["view", "nobody"]);
    assert!(failure(&unknown).0 == 5 && failure(&unknown).1.contains("no paired machine is called"), "{unknown:?}");
    let own = opendesk(&home, &["view", "local", "--control"]);
    assert!(failure(&own).0 == 2 && failure(&own).1.contains("in your hands already"), "{own:?}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let busy = opendesk(&home, &["view", "local", "--backend", "virtual", "--port", &port]);
    assert!(failure(&busy).0 == 7 && failure(&busy).1.contains("is in use by another program"), "{busy:?}");
    let mut plain = Running::start(command(&home, &["view", "local", "--backend", "virtual"]));
    let line = plain.first_line();
    assert!(line.starts_with("http://127.0.0.1:") && line.contains("/#"), "{line}");
    plain.signal("TERM");
    assert!(plain.finish(LIMIT).status.success());
}

/// What a program has on its command line is seen by every user of the machine.
#[cfg(unix)]
#[test]
fn the_browser_is_opened_with_a_key_that_works_once() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = Folder::new();
    let (programs, told) = (folder.home("programs"), folder.home("told"));
    fs::create_dir(&programs).unwrap();
    let opener = programs.join("xdg-open");
    fs::write(&opener, format!("#!/bin/sh\necho \"$1\" > {0}.part && mv {0}.part {0}\n", told.display())).unwrap();
    fs::set_permissions(&opener, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = command(&folder.home("home"), &["view", "--json", "local", "--backend", "virtual", "--open"]);
    command.env("PATH", format!("{}:{}", programs.display(), std::env::var("PATH").unwrap()));
    let view = View::of(Running::start(command));
    let opened = until("the browser is opened", || fs::read_to_string(&told).ok());
    let (page, key) = opened.trim().split_once('#').unwrap();
    assert_eq!((page, key.len()), (format!("http://{}/", view.address).as_str(), 64));
    assert_ne!(key, view.token);
    let (host, bearer) = (view.host(), format!("Authorization: Bearer {key}"));
    assert_eq!(view.ask("GET /stream", &[&host, &bearer], b"").status, 401, "it opens nothing by itself");
    let entered = view.ask("POST /enter", &[&host, &bearer], b"");
    assert_eq!((entered.status, entered.body.as_str()), (200, view.token.as_str()));
    assert_eq!(view.ask("POST /enter", &[&host, &bearer], b"").status, 401, "once");
    assert_eq!(view.ask("POST /enter", &[&host, &view.bearer()], b"").status, 200);
    view.interrupt();
}
