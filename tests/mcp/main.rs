//! The MCP server as agents meet it: the built binary, the official Python client, a paired host, a real X desktop.

mod adapters;
mod clients;
mod conformance;
mod ends;
mod inspector;
mod task;

use core::time::Duration;
use std::fs::{self, File};
use std::io::Cursor;
use std::path::Path;
use std::process::{Command, Stdio};

use opendesk_tests::bin::{self, Running, Served};
use opendesk_tests::desktop::{PATIENCE, TestDesktop};
use serde_json::Value;

/// For the whole session; the script's own limit is shorter and says what it waited for.
const SESSION: Duration = Duration::from_secs(270);

/// Larger than the pictures that agents get.
const DESKTOP: (u16, u16) = (1920, 1080);

const TERMINAL: &str = "the agent's terminal";
const NEIGHBOUR: &str = "another terminal";

#[test]
fn an_agent_works_on_a_paired_desktop() {
    let mut desktop = TestDesktop::start(DESKTOP.0, DESKTOP.1);
    let place = terminal(&mut desktop, TERMINAL, "80x20+100+100");
    // It comes later, so that it has the keyboard until the agent clicks.
    terminal(&mut desktop, NEIGHBOUR, "40x10+1200+700");

    let folder = tempfile::tempdir().expect("a temporary directory");
    let [home, controller, out] = ["host", "controller", "out"].map(|name| folder.path().join(name));
    fs::create_dir(&out).expect("a new directory");
    let host = Served::start(&home, "x11", &[("DISPLAY", desktop.display())]);
    host.pair(&controller);

    let finished = Running::start(agent(&controller, &out, place)).finish(SESSION);
    print!("{}", finished.stdout);
    assert!(finished.status.success(), "the agent's session failed: {}\nthe host: {}", finished.stderr, host.stderr());
    let checks: Vec<Value> = finished.stdout.lines().map(json).collect();
    assert!(!checks.is_empty() && checks.iter().all(|check| check["ok"] == true), "{checks:?}");
    the_pictures_show_the_typing(&out, place);
}

#[test]
fn a_server_without_a_client_ends_in_silence() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let finished = Running::start(server(&folder.path().join("home"))).finish(PATIENCE);
    assert!(finished.status.success(), "{finished:?}");
    assert_eq!(finished.stdout, "");
}

#[test]
fn nothing_but_the_protocol_is_written_to_standard_output() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let input = folder.path().join("input");
    let initialize = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"line","version":"1"}}}"#;
    fs::write(&input, format!("{initialize}\n")).expect("a new file");
    let mut server = server(&folder.path().join("home"));
    server.stdin(File::open(&input).expect("the file")).env("OPENDESK_LOG", "trace");
    let finished = Running::start(server).finish(PATIENCE);
    assert!(finished.status.success(), "{finished:?}");
    let messages: Vec<Value> = finished.stdout.lines().map(json).collect();
    assert!(messages.iter().all(|message| message["jsonrpc"] == "2.0"), "{}", finished.stdout);
    let answer = messages.iter().find(|message| message["id"] == 1);
    let answer = answer.unwrap_or_else(|| panic!("no answer: {finished:?}"));
    assert_eq!(answer["result"]["serverInfo"]["name"], "opendesk", "{answer}");
}

#[test]
fn what_others_write_to_standard_output_goes_to_standard_error() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let mut server = server(&folder.path().join("home"));
    server.stdin(Stdio::piped());
    let mut running = Running::start(server);
    let initialize = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"line","version":"1"}}}"#;
    running.say(initialize);
    running.hear(|line| line.contains("serverInfo").then_some(()));
    let stream = |number: u8| fs::read_link(format!("/proc/{}/fd/{number}", running.process())).expect("a stream");
    assert_eq!(stream(1), stream(2));
    running.signal("TERM");
    let finished = running.finish(PATIENCE);
    assert!(!finished.stdout.is_empty() && finished.stdout != finished.stderr, "{finished:?}");
}

/// The MCP server, with nothing on its standard input.
fn server(home: &Path) -> Command {
    bin::command(home, &["mcp", "--backend", "virtual"])
}

/// The script of the agent's session. It sees no display: what it does reaches the desktop through the host.
fn agent(controller: &Path, out: &Path, place: Place) -> Command {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = tests.join("../target/venv/bin/python");
    assert!(python.exists(), "{} is missing; `cargo ci setup` makes it", python.display());
    let Place { left, top, width, height } = place;
    let mut agent = Command::new(python);
    agent
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", out)
        .env("LC_ALL", "C.UTF-8")
        .arg(tests.join("mcp/agent.py"))
        .arg("--opendesk")
        .arg(bin::opendesk())
        .arg("--home")
        .arg(controller)
        .arg("--folder")
        .arg(out)
        .args(["--window", &format!("{left},{top},{width},{height}")])
        .stdin(Stdio::null());
    agent
}

fn json(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("no JSON ({error}): {line:?}"))
}

/// Where the inside of a window is, in pixels of the desktop.
#[derive(Debug, Clone, Copy)]
struct Place {
    left: u32,
    top: u32,
    width: u32,
    height: u32,
}

/// Starts a terminal with white letters on black that has the keyboard when this returns.
fn terminal(desktop: &mut TestDesktop, title: &str, geometry: &str) -> Place {
    let colours = ["-fg", "white", "-bg", "black"];
    let mut args = vec!["-u8", "-fn", "10x20", "-title", title, "-geometry", geometry];
    args.extend(colours);
    desktop.spawn("xterm", &args);
    let window = desktop.wait_for_window(title);
    let told = desktop.run("xwininfo", &["-id", &window.to_string()]);
    let number = |label: &str| {
        let line = told.lines().find_map(|line| line.trim().strip_prefix(label));
        line.and_then(|number| number.trim().parse().ok()).unwrap_or_else(|| panic!("no {label:?} in {told}"))
    };
    Place {
        left: number("Absolute upper-left X:"),
        top: number("Absolute upper-left Y:"),
        width: number("Width:"),
        height: number("Height:"),
    }
}

struct Picture {
    width: u32,
    height: u32,
    rgb: Vec<u8>,
}

impl Picture {
    fn read(path: &Path) -> Self {
        let file = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut reader = png::Decoder::new(Cursor::new(file)).read_info().expect("a PNG");
        let mut rgb = vec![0; reader.output_buffer_size().expect("a picture that fits into memory")];
        let info = reader.next_frame(&mut rgb).expect("a whole PNG");
        assert_eq!((info.color_type, info.bit_depth), (png::ColorType::Rgb, png::BitDepth::Eight));
        Self { width: info.width, height: info.height, rgb }
    }

    fn pixels(&self) -> impl Iterator<Item = (u32, u32, &[u8])> {
        let width = self.width;
        let places = (0..self.height).flat_map(move |y| (0..width).map(move |x| (x, y)));
        places.zip(self.rgb.chunks_exact(3)).map(|((x, y), pixel)| (x, y, pixel))
    }

    /// How many pixels within the terminal are letters.
    fn ink(&self, inside: impl Fn(u32, u32) -> bool) -> usize {
        self.pixels().filter(|(x, y, pixel)| inside(*x, *y) && pixel.iter().all(|channel| *channel > 128)).count()
    }
}

/// Two commands were typed between the pictures: there are more letters in the terminal, and all else is as it was.
fn the_pictures_show_the_typing(folder: &Path, place: Place) {
    let [before, after] = ["before.png", "after.png"].map(|name| Picture::read(&folder.join(name)));
    assert_eq!((before.width, before.height), (after.width, after.height));
    // A pixel of the picture blends some of the desktop's around the one that it stands for.
    let blend = 4.0;
    let scaled = |position: u32| f64::from(position) * f64::from(after.width) / f64::from(DESKTOP.0);
    let inside = |x: u32, y: u32, margin: f64| {
        let Place { left, top, width, height } = place;
        let within = |at: u32, from: u32, length: u32| {
            (scaled(from) - margin..scaled(from + length) + margin).contains(&f64::from(at))
        };
        within(x, left, width) && within(y, top, height)
    };
    let letters = |picture: &Picture| picture.ink(|x, y| inside(x, y, 0.0));
    let (few, many) = (letters(&before), letters(&after));
    assert!(many > few + 500, "{few} pixels of letters became {many}");
    let pairs = before.pixels().zip(after.pixels());
    let strays = pairs.filter(|(then, now)| then != now && !inside(then.0, then.1, blend));
    assert_eq!(strays.count(), 0, "something changed outside of the terminal at {place:?}");
}
