//! Pairing from the controller, as both users see it.

use core::net::SocketAddr;
use std::fs;
use std::path::Path;
use std::process::Stdio;

use opendesk_tests::bin::{Finished, Running, behind, command};
use opendesk_tests::desktop::PYTHON;
use serde_json::Value;

use crate::{Folder, LIMIT, failure, json, opendesk, run, succeeded};

/// `opendesk serve` on the virtual desktop. It ends with the value.
struct Host {
    running: Running,
    home: std::path::PathBuf,
    address: SocketAddr,
}

impl Host {
    fn start(folder: &Folder, name: &str) -> Self {
        Self::listening(folder, name, "127.0.0.1")
    }

    fn listening(folder: &Folder, name: &str, at: &str) -> Self {
        let home = folder.home(name);
        let mut running = Running::start(command(
            &home,
            &["serve", "--host", at, "--port", "0", "--backend", "virtual", "--no-mdns"],
        ));
        let address = running.hear(|line| line.strip_prefix("listening on ")?.parse().ok());
        Self { running, home, address }
    }

    fn port(&self) -> String {
        self.address.port().to_string()
    }

    /// `opendesk pair` while it runs, once the code is shown.
    fn show(&self, code: &str, more: &[&str]) -> Running {
        let mut shown = Running::start(command(&self.home, &[&["pair", "--code", code], more].concat()));
        shown.first_line();
        shown
    }

    fn peers(&self) -> Vec<Value> {
        peers(&self.home)
    }
}

fn peers(home: &Path) -> Vec<Value> {
    json(&opendesk(home, &["peers", "--json"])).as_array().expect("a list").clone()
}

/// Every file of a home that says who is trusted.
fn trust(home: &Path) -> Vec<Option<Vec<u8>>> {
    ["trusted-peers.json", "peers.json", "default-peer"].map(|name| fs::read(home.join(name)).ok()).into()
}

/// What one of them says of the words.
fn words(finished: &Finished) -> &str {
    let line = succeeded(finished).lines().find_map(|line| line.strip_prefix("its screen shows the same words: "));
    line.unwrap_or_else(|| panic!("there are words: {finished:?}"))
}

#[test]
fn the_same_four_words_are_on_both_screens() {
    let folder = Folder::new();
    let host = Host::start(&folder, "host");
    let mut seen = Vec::new();
    for round in 0..2 {
        let shown = host.show("482913", &[]);
        let controller = folder.home(&format!("controller-{round}"));
        let paired = opendesk(&controller, &["pair-with", "127.0.0.1", "482913", "--port", &host.port()]);
        let shown = shown.finish(LIMIT);
        assert_eq!(words(&shown), words(&paired));
        assert_eq!(words(&paired).split(' ').count(), 4);
        let told = format!("; its screen shows: {}", words(&paired));
        assert!(host.running.stderr().lines().any(|line| line.starts_with("paired with ") && line.ends_with(&told)));
        seen.push(words(&paired).to_owned());
    }
    assert_ne!(seen[0], seen[1], "each pairing has its own");
}

#[test]
fn what_a_program_is_told_of_a_pairing_is_what_help_says() {
    let folder = Folder::new();
    let host = Host::start(&folder, "host");
    let shown = host.show("482913", &["--json"]);
    let target = format!("localhost:{}", host.port());
    let told =
        json(&opendesk(&folder.home("controller"), &["pair-with", &target, "482913", "--name", "desk", "--json"]));
    let fields = ["ok", "name", "fingerprint", "public_key", "words", "wire", "host", "port"];
    let help = opendesk(&folder.home("controller"), &["pair-with", "--help"]);
    for field in fields {
        assert!(told.get(field).is_some(), "{field}: {told}");
        assert!(succeeded(&help).contains(&format!("\"{field}\"")), "{field}: {help:?}");
    }
    assert_eq!(told.as_object().unwrap().len(), fields.len(), "{told}");
    assert_eq!((&told["ok"], &told["name"], &told["wire"]), (&true.into(), &"desk".into(), &2.into()));
    assert_eq!((&told["host"], told["port"].to_string()), (&"localhost".into(), host.port()));
    let peers = peers(&folder.home("controller"));
    assert_eq!((&peers[0]["public_key"], &peers[0]["fingerprint"]), (&told["public_key"], &told["fingerprint"]));
    let shown = shown.finish(LIMIT);
    let last: Value = serde_json::from_str(succeeded(&shown).lines().last().unwrap()).unwrap();
    assert_eq!(last["words"], told["words"]);
}

#[test]
fn a_name_that_another_machine_has_is_refused_before_the_code_is_used() {
    let folder = Folder::new();
    let (first, second) = (Host::start(&folder, "first"), Host::start(&folder, "second"));
    let controller = folder.home("controller");
    let _shown = first.show("482913", &[]);
    succeeded(&opendesk(&controller, &["pair-with", "127.0.0.1", "482913", "--port", &first.port(), "--name", "desk"]));
    let before = trust(&controller);

    let shown = second.show("135790", &[]);
    let with = |name: &'static str, more: &[&'static str]| {
        let port = second.port();
        let args = ["pair-with", "127.0.0.1", "135790", "--port", &port, "--name", name];
        opendesk(&controller, &[&args, more].concat())
    };
    for taken in ["desk", "DESK"] {
        let refused = with(taken, &[]);
        let (code, line) = failure(&refused);
        assert!(code == 2 && line.contains("is called \"desk\"") && line.contains("--name"), "{refused:?}");
        assert!(line.contains("still good"), "{refused:?}");
    }
    let told: Value = serde_json::from_str(&with("desk", &["--json"]).stdout).unwrap();
    assert_eq!((&told["ok"], &told["exit_code"]), (&false.into(), &2.into()));
    for reserved in ["local", "ALL", "a\u{1b}[2Jb", "3f2a:11bc:0000:dead", ""] {
        let refused = with(reserved, &[]);
        let (code, line) = failure(&refused);
        assert!(code == 2 && line.contains("the name of a machine") && !line.contains('\u{1b}'), "{refused:?}");
    }
    assert_eq!(trust(&controller), before, "nothing was stored");
    assert!(second.peers().is_empty(), "nobody is trusted there");
    // No try was lost either.
    let paired = with("other", &[]);
    assert_eq!(words(&paired), words(&shown.finish(LIMIT)));
    assert_eq!(peers(&controller).len(), 2);
}

#[test]
fn a_host_whose_own_name_is_taken_is_not_stored_and_the_user_is_told_what_to_do() {
    let folder = Folder::new();
    // Both are this machine, so both have its name.
    let (first, second) = (Host::start(&folder, "first"), Host::start(&folder, "second"));
    let controller = folder.home("controller");
    let _shown = first.show("482913", &[]);
    succeeded(&opendesk(&controller, &["pair-with", "127.0.0.1", "482913", "--port", &first.port()]));
    let before = trust(&controller);

    let shown = second.show("135790", &[]);
    let refused = opendesk(&controller, &["pair-with", "127.0.0.1", "135790", "--port", &second.port()]);
    let (code, line) = failure(&refused);
    assert!(code == 2 && line.contains("--name") && line.contains("run `opendesk pair` there again"), "{refused:?}");
    assert!(line.contains("it trusts this machine by now"), "{refused:?}");
    assert_eq!(trust(&controller), before, "nothing was stored");
    succeeded(&shown.finish(LIMIT));
    assert_eq!(second.peers().len(), 1);

    let shown = second.show("246801", &[]);
    let again = ["pair-with", "127.0.0.1", "246801", "--port", &second.port(), "--name", "second"];
    succeeded(&opendesk(&controller, &again));
    succeeded(&shown.finish(LIMIT));
    assert_eq!((second.peers().len(), peers(&controller).len()), (1, 2));
    succeeded(&opendesk(&controller, &["connect", "second"]));
}

/// Gives a program a terminal: what it writes there goes to our standard output, what we are told is typed there.
const TERMINAL: &str = r#"
import os, pty, select, sys
pid, master = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
open_ends = [master, 0]
while True:
    ready, _, _ = select.select(open_ends, [], [])
    if 0 in ready:
        typed = os.read(0, 65536)
        if typed:
            os.write(master, typed)
        else:
            open_ends.remove(0)
    if master in ready:
        try:
            shown = os.read(master, 65536)
        except OSError:
            break
        if not shown:
            break
        os.write(1, shown)
status = os.waitpid(pid, 0)[1]
print("exit code", os.waitstatus_to_exitcode(status))
"#;

/// The program on a terminal, at which a person sits who types what the test says.
struct AtTerminal(Running);

impl AtTerminal {
    fn start(home: &Path, args: &[&str]) -> Self {
        let mut terminal = behind(&[PYTHON, "-c", TERMINAL], &command(home, args));
        terminal.stdin(Stdio::piped());
        Self(Running::start(terminal))
    }

    /// Waits for the question, for the so-many-th time. The cursor stays behind it, so it is no line yet.
    fn is_asked(&self, times: usize) {
        let start = std::time::Instant::now();
        while self.0.stdout().matches("what shall this one be called? [").count() < times {
            assert!(start.elapsed() < LIMIT, "it asks: {}", self.0.stdout());
            std::thread::sleep(core::time::Duration::from_millis(5));
        }
    }

    /// All that was shown, and the exit code.
    fn finish(self) -> (String, i32) {
        let finished = self.0.finish(LIMIT);
        let (shown, code) = finished.stdout.rsplit_once("exit code ").expect("it says how it ended");
        (shown.replace('\r', ""), code.trim().parse().expect("a number"))
    }
}

#[test]
fn a_person_at_a_terminal_is_asked_for_another_name() {
    let folder = Folder::new();
    let (first, second) = (Host::start(&folder, "first"), Host::start(&folder, "second"));
    let controller = folder.home("controller");
    let _shown = first.show("482913", &[]);
    succeeded(&opendesk(&controller, &["pair-with", "127.0.0.1", "482913", "--port", &first.port()]));
    let own = peers(&controller)[0]["name"].as_str().unwrap().to_owned();

    // The name that was said is taken, which is known before the host trusts anybody.
    let shown = second.show("135790", &[]);
    let port = second.port();
    let with = |code, more: &[&str]| {
        AtTerminal::start(&controller, &[&["pair-with", "127.0.0.1", code, "--port", &port], more].concat())
    };
    let mut asking = with("135790", &["--name", &own]);
    asking.is_asked(1);
    assert!(second.peers().is_empty() && peers(&controller).len() == 1);
    asking.0.say("local");
    asking.is_asked(2);
    asking.0.say(&own.to_uppercase());
    asking.is_asked(3);
    asking.0.say("typed");
    let (said, code) = asking.finish();
    assert!(code == 0 && said.contains("paired with typed\n"), "{said}");
    assert!(said.contains("cannot be \"local\" or \"all\""), "{said}");
    let shown = shown.finish(LIMIT);
    assert!(said.contains(words(&shown)), "{said}: {shown:?}");
    succeeded(&opendesk(&controller, &["peers", "remove", "typed"]));

    // Its own name is taken, which it says when it trusts this machine; a free one is proposed.
    let shown = second.show("246801", &[]);
    let mut asking = with("246801", &[]);
    asking.is_asked(1);
    // The session is over while the person thinks.
    succeeded(&shown.finish(LIMIT));
    assert_eq!(json(&opendesk(&second.home, &["sessions", "--json"])), Value::Array(vec![]));
    assert_eq!(peers(&controller).len(), 1);
    asking.0.say("");
    let (said, code) = asking.finish();
    let free = format!("{own}-2");
    assert!(
        code == 0 && said.contains(&format!("[{free}]")) && said.contains(&format!("paired with {free}\n")),
        "{said}"
    );
    assert_eq!(peers(&controller)[1]["name"], free.as_str());
    assert_eq!(second.peers().len(), 1);
    succeeded(&opendesk(&controller, &["peers", "remove", &free]));

    // Nobody answers.
    let before = trust(&controller);
    for (typed, expected) in [("\u{4}", 2), ("\u{3}", 130)] {
        let _shown = second.show("579135", &[]);
        let mut asking = with("579135", &[]);
        asking.is_asked(1);
        asking.0.type_in(typed);
        let (said, code) = asking.finish();
        assert!(code == expected && said.contains("trusts this machine by now"), "{code}: {said}");
        assert_eq!(trust(&controller), before);
    }
}

#[test]
fn a_machine_that_is_paired_again_is_updated_on_both_sides() {
    let folder = Folder::new();
    let host = Host::start(&folder, "host");
    let controller = folder.home("controller");
    let pair = |code: &str, terms: &[&str], more: &[&str]| {
        let shown = host.show(code, terms);
        let port = host.port();
        succeeded(&opendesk(&controller, &[&["pair-with", "localhost", code, "--port", &port], more].concat()));
        succeeded(&shown.finish(LIMIT));
        (host.peers(), peers(&controller))
    };
    succeeded(&opendesk(&host.home, &["describe", "its words"]));
    let (there, here) = pair("111111", &["--role", "observe", "--for", "1h"], &["--name", "desk"]);
    assert_eq!((&there[0]["role"], &here[0]["name"]), (&"observe".into(), &"desk".into()));
    succeeded(&opendesk(&controller, &["peers", "describe", "desk", "my words"]));
    succeeded(&opendesk(&controller, &["peers", "default", "desk"]));
    succeeded(&opendesk(&host.home, &["peers", "rename", there[0]["name"].as_str().unwrap(), "laptop"]));

    // Without a name it keeps the one that it has, on both sides; what it may do is what was said now.
    let (there, again) = pair("222222", &[], &[]);
    assert_eq!((there.len(), again.len()), (1, 1));
    assert_eq!((&there[0]["name"], &there[0]["role"]), (&"laptop".into(), &"full".into()));
    assert!(there[0]["expires_at"].is_null(), "{there:?}");
    assert_eq!((&again[0]["name"], &again[0]["description"]), (&"desk".into(), &"my words".into()));
    assert!(again[0]["default"] == true && again[0]["public_key"] == here[0]["public_key"], "{again:?}");
    assert!(again[0]["paired_at"].as_f64() > here[0]["paired_at"].as_f64(), "{again:?}");

    // A new name is the default's new name; its own name in other case is no conflict.
    let (_, renamed) = pair("333333", &[], &["--name", "DESK"]);
    assert_eq!((&renamed[0]["name"], &renamed[0]["default"], renamed.len()), (&"DESK".into(), &true.into(), 1));
    succeeded(&opendesk(&controller, &["connect"]));
}

#[test]
fn a_code_is_taken_however_its_digits_are_grouped() {
    let folder = Folder::new();
    let host = Host::start(&folder, "host");
    let port = host.port();
    for (number, (shown, typed)) in [
        ("482913", &["482 913"][..]),
        ("482913", &["482-913"]),
        ("482913", &["482", "913"]),
        ("482-913", &["482913"]),
        ("123456-789012-345678", &["123456789012345678"]),
        ("my code", &["my code"]),
    ]
    .into_iter()
    .enumerate()
    {
        let shows = host.show(shown, &[]);
        let controller = folder.home(&format!("controller-{number}"));
        let args = [&["pair-with", "127.0.0.1"], typed, &["--port", &port]].concat();
        succeeded(&opendesk(&controller, &args));
        succeeded(&shows.finish(LIMIT));
    }
    let _shows = host.show("482913", &[]);
    for typed in [&["482", "91x"][..], &["48", "2913", "0"], &[""], &["1".repeat(65).as_str()]] {
        let tried = opendesk(&folder.home("other"), &[&["pair-with", "127.0.0.1"], typed, &["--port", &port]].concat());
        assert_eq!(failure(&tried).0, 2, "{typed:?}: {tried:?}");
    }
    // None of them was a try.
    let right = ["pair-with", "127.0.0.1", "482913", "--port", &host.port()];
    succeeded(&opendesk(&folder.home("other"), &right));
}

#[test]
fn a_host_is_named_in_every_way_that_people_write() {
    let folder = Folder::new();
    let (four, six) = (Host::start(&folder, "four"), Host::listening(&folder, "six", "::1"));
    let (four_port, six_port) = (four.port(), six.port());
    for (number, (host, args)) in [
        (&four, vec![format!("127.0.0.1:{four_port}")]),
        (&four, vec![format!("localhost:{four_port}")]),
        (&four, vec!["127.0.0.1".to_owned(), "--port".to_owned(), four_port.clone()]),
        (&four, vec![format!("127.0.0.1:{four_port}"), "--port".to_owned(), four_port.clone()]),
        (&six, vec![format!("[::1]:{six_port}")]),
        (&six, vec!["::1".to_owned(), "--port".to_owned(), six_port.clone()]),
        (&six, vec!["[::1]".to_owned(), "--port".to_owned(), six_port.clone()]),
    ]
    .into_iter()
    .enumerate()
    {
        let shown = host.show("482913", &[]);
        let controller = folder.home(&format!("controller-{number}"));
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        succeeded(&opendesk(&controller, &[&["pair-with", args[0], "482913"], &args[1..]].concat()));
        succeeded(&shown.finish(LIMIT));
        // What was stored is where it is found again.
        succeeded(&opendesk(&controller, &["connect"]));
    }
    for bad in
        ["", "a b", "box:", "box:0", "box:99999", "ws://box", "user@box", "box/x", "[box]:1", "::1:99999", "b\u{1b}[2J"]
    {
        let tried = opendesk(&folder.home("other"), &["pair-with", bad, "482913"]);
        let (code, line) = failure(&tried);
        assert!(code == 2 && line.contains("box:8423") && !line.contains('\u{1b}'), "{bad:?}: {tried:?}");
    }
    let twice = opendesk(&folder.home("other"), &["pair-with", "127.0.0.1:8423", "482913", "--port", "8424"]);
    let (code, line) = failure(&twice);
    assert!(code == 2 && line.contains("8423") && line.contains("8424"), "{twice:?}");
    let nobody = opendesk(&folder.home("other"), &["pair-with", "nobody.invalid", "482913"]);
    let (code, line) = failure(&nobody);
    assert!(code == 3 && line.contains("nobody.invalid:8423 cannot be reached"), "{nobody:?}");
}

#[test]
fn a_busy_machine_is_told_with_its_holder_also_to_programs() {
    let folder = Folder::new();
    let host = Host::start(&folder, "host");
    let [driver, other] = ["driver", "other"].map(|name| folder.home(name));
    for (controller, called) in [(&driver, "driver"), (&other, "other")] {
        let shown = host.show("482913", &[]);
        succeeded(&opendesk(
            controller,
            &["pair-with", "127.0.0.1", "482913", "--port", &host.port(), "--name", "desk"],
        ));
        succeeded(&shown.finish(LIMIT));
        let newest = host.peers().pop().unwrap();
        succeeded(&opendesk(&host.home, &["peers", "rename", newest["public_key"].as_str().unwrap(), called]));
    }
    // An agent's session drives the host until its input ends.
    let mut agent = command(&driver, &["mcp"]);
    agent.stdin(Stdio::piped());
    let mut agent = Running::start(agent);
    for message in [
        r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"screenshot","arguments":{"peer":"desk"}}}"#,
    ] {
        agent.say(message);
    }
    agent.hear(|line| line.contains(r#""id":2"#).then_some(()));

    let busy = opendesk(&other, &["connect"]);
    let (code, line) = failure(&busy);
    assert!(code == 4 && line.contains("busy: \"driver\" has driven it since "), "{busy:?}");
    let told: Value = serde_json::from_str(&opendesk(&other, &["connect", "--json"]).stdout).unwrap();
    assert_eq!((&told["ok"], &told["exit_code"], &told["holder"]), (&false.into(), &4.into(), &"driver".into()));
    assert!(told["since"].as_f64().is_some_and(|since| since > 1.7e9), "{told}");
    let called: Value = serde_json::from_str(&run(command(&other, &["call", "screenshot", "--json"])).stdout).unwrap();
    assert!(called.to_string().contains("has driven it since"), "{called}");
}
