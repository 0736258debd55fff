//! Every command as its user would run it.

use std::fs;

use opendesk_tests::bin::{PEER, Running, Served, command};

use crate::{Folder, LIMIT, failure, json, opendesk, run, succeeded};

#[test]
fn a_command_that_only_looks_makes_no_home() {
    let folder = Folder::new();
    let home = folder.home("missing");
    for args in [
        &["peers"][..],
        &["peers", "list", "--json"],
        &["policy"],
        &["policy", "test", "fs.read"],
        &["audit"],
        &["status"],
        &["sessions"],
        &["describe"],
        &["install-service", "--dry-run"],
    ] {
        let looked = opendesk(&home, args);
        succeeded(&looked);
        assert!(!home.exists(), "{args:?}");
    }
    for args in [&["audit", "verify"][..], &["service", "status"]] {
        opendesk(&home, args);
        assert!(!home.exists(), "{args:?}");
    }
    succeeded(&opendesk(&home, &["identity"]));
    assert!(home.exists(), "what needs one makes it");
}

#[test]
fn a_paired_machine_is_listed_connected_and_driven() {
    let folder = Folder::new();
    let (host, controller) = (folder.home("host"), folder.home("controller"));
    let served = Served::start(&host, "virtual", &[]);
    served.pair(&controller);

    let peers = json(&opendesk(&controller, &["peers", "--json"]));
    assert_eq!((&peers[0]["name"], &peers[0]["wire"], &peers[0]["default"]), (&PEER.into(), &2.into(), &false.into()));
    let listed = opendesk(&controller, &["peers"]);
    assert!(succeeded(&listed).contains(PEER) && succeeded(&listed).contains("127.0.0.1:"));

    let shot = folder.home("shot.png");
    let connected = opendesk(&controller, &["connect", PEER, "--screenshot", shot.to_str().unwrap(), "--json"]);
    let connected = json(&connected);
    assert_eq!(connected["backend"], "local/virtual");
    assert!(connected["capabilities"].as_array().unwrap().iter().any(|name| name == "input.text"));
    assert!(fs::read(&shot).unwrap().starts_with(b"\x89PNG"));
    let said = opendesk(&controller, &["connect"]);
    assert!(succeeded(&said).starts_with("connected to desk at 127.0.0.1:"), "{said:?}");

    let out = folder.home("out.png");
    let typed = opendesk(&controller, &["call", "keyboard", r#"{"action": "type", "text": "über alles"}"#]);
    assert_eq!(succeeded(&typed), "[on desk] Typed 10 characters. virtual confirms the input, not what it did.");
    let shot = opendesk(&controller, &["call", "screenshot", "--out", out.to_str().unwrap()]);
    assert!(succeeded(&shot).starts_with("[on desk] Picture of 1280x800 pixels"), "{shot:?}");
    assert!(fs::read(&out).unwrap().starts_with(b"\x89PNG"));
    let shot = json(&opendesk(&controller, &["call", "screenshot", "--peer", PEER, "--json"]));
    assert_eq!((&shot["content"][0]["type"], &shot["content"][1]["mimeType"]), (&"text".into(), &"image/png".into()));
    assert_eq!(shot["isError"], false);

    let local =
        json(&opendesk(&controller, &["call", "screenshot", "--peer", "local", "--backend", "virtual", "--json"]));
    assert!(!local["content"][0]["text"].as_str().unwrap().contains("[on"), "{local}");
}

#[test]
fn a_default_is_set_shown_and_cleared() {
    let folder = Folder::new();
    let (host, controller) = (folder.home("host"), folder.home("controller"));
    let served = Served::start(&host, "virtual", &[]);
    served.pair(&controller);
    assert_eq!(json(&opendesk(&controller, &["peers", "default", "--json"]))["default"], serde_json::Value::Null);
    assert_eq!(succeeded(&opendesk(&controller, &["peers", "default", PEER])), PEER);
    assert_eq!(json(&opendesk(&controller, &["peers", "--json"]))[0]["default"], true);
    let status = opendesk(&controller, &["call", "opendesk_status"]);
    assert!(succeeded(&status).contains("the persistent default"), "{status:?}");
    assert_eq!(succeeded(&opendesk(&controller, &["peers", "default", "--clear"])), "there is no default");
}

#[test]
fn pair_listens_itself_when_no_host_runs() {
    let folder = Folder::new();
    let (host, controller) = (folder.home("host"), folder.home("controller"));
    let mut pairing =
        Running::start(command(&host, &["pair", "--host", "127.0.0.1", "--port", "0", "--json", "--timeout", "60"]));
    let shown: serde_json::Value = serde_json::from_str(&pairing.first_line()).unwrap();
    let (code, port) = (shown["code"].as_str().unwrap(), shown["port"].to_string());
    assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()), "{shown}");
    let paired = opendesk(&controller, &["pair-with", "127.0.0.1", code, "--port", &port, "--name", "desk", "--json"]);
    let paired = json(&paired);
    let finished = pairing.finish(LIMIT);
    let last: serde_json::Value = serde_json::from_str(succeeded(&finished).lines().last().unwrap()).unwrap();
    assert_eq!((&last["ok"], &last["words"]), (&true.into(), &paired["words"]));
    assert_eq!((&last["role"], &last["expires_at"]), (&"full".into(), &serde_json::Value::Null));
    // What was stored is enough for a session later.
    assert_eq!(json(&opendesk(&host, &["peers", "--json"]))[0]["fingerprint"].as_str().unwrap().len(), 19);
}

#[test]
fn pair_names_the_address_at_which_alone_it_is_reached() {
    let folder = Folder::new();
    let at = ["pair", "--host", "127.0.0.1", "--port", "0", "--code", "111111", "--timeout", "60"];
    let mut pairing = Running::start(command(&folder.home("host"), &at));
    assert_eq!(pairing.first_line().trim(), "pairing code: 111111");
    let advice = pairing.hear(|line| line.strip_prefix("on the controller run: ").map(str::to_owned));
    assert!(advice.starts_with("opendesk pair-with 127.0.0.1 111111 --port "), "{advice}");
    pairing.hear(|line| line.contains("reached at no other address").then_some(()));
}

#[test]
fn pair_says_what_the_controller_may_do_and_for_how_long() {
    let folder = Folder::new();
    let host = folder.home("host");
    let served = Served::start(&host, "virtual", &[]);
    let port = served.address().port().to_string();
    for (more, terms) in [
        (&["--role", "observe", "--for", "8h"][..], "\nit may only look; it is trusted until 20"),
        (&[], "\nit may do everything; it is trusted until it is removed"),
    ] {
        let mut pairing = Running::start(command(&host, &[&["pair", "--code", "111111"], more].concat()));
        pairing.first_line();
        let controller = folder.home(&format!("controller-{}", more.len()));
        succeeded(&opendesk(&controller, &["pair-with", "127.0.0.1", "111111", "--port", &port]));
        let ended = pairing.finish(LIMIT);
        assert!(succeeded(&ended).contains(terms), "{ended:?}");
    }
}

#[test]
fn what_only_a_host_knows_is_said_to_be_asked_of_nobody() {
    let folder = Folder::new();
    let home = folder.home("home");
    for (args, told) in [
        (&["sessions"][..], serde_json::json!([])),
        (&["disconnect"], serde_json::json!({"disconnected": 0, "running": false})),
        (&["pair", "--close"], serde_json::json!({"closed": false, "running": false})),
    ] {
        let said = opendesk(&home, args);
        assert!(!succeeded(&said).is_empty() && said.stderr == "no host runs with this home directory\n", "{said:?}");
        assert_eq!(json(&opendesk(&home, &[args, &["--json"]].concat())), told);
    }
}

#[test]
fn the_home_is_taken_from_every_place_it_can_stand() {
    let folder = Folder::new();
    let program = opendesk_tests::bin::opendesk();
    for (index, words) in [
        &["--home", "HOME", "peers", "default"][..],
        &["peers", "--home", "HOME", "default"],
        &["peers", "default", "--home", "HOME"],
        &["peers", "default"],
    ]
    .into_iter()
    .enumerate()
    {
        let (wanted, other) = (folder.home(&format!("wanted-{index}")), folder.home("never"));
        let given = wanted.to_str().unwrap();
        let mut command = std::process::Command::new(program);
        command.env_clear().env("HOME", &other);
        command.args(words.iter().map(|word| if *word == "HOME" { given } else { word }));
        if !words.contains(&"HOME") {
            command.env("OPENDESK_HOME", given);
        }
        succeeded(&run(command));
        assert!(wanted.is_dir() && !other.exists(), "place {index}");
    }
}

#[test]
fn every_result_that_is_reported_can_be_had_as_json() {
    let folder = Folder::new();
    let home = folder.home("home");
    for args in [
        &["peers", "--json"][..],
        &["peers", "default", "--json"],
        &["--json", "call", "opendesk_peers"],
        &["call", "opendesk_status", "--json"],
    ] {
        json(&opendesk(&home, args));
    }
    let failed = opendesk(&home, &["connect", "nobody", "--json"]);
    let told: serde_json::Value = serde_json::from_str(&failed.stdout).unwrap();
    assert_eq!((&told["ok"], &told["exit_code"]), (&false.into(), &5.into()));
}

#[test]
fn the_demo_does_all_of_it() {
    let folder = Folder::new();
    let out = folder.home("out");
    let demo = json(&opendesk(&folder.home("home"), &["demo", "--json", "--out", out.to_str().unwrap()]));
    assert_eq!(demo["ok"], true);
    let steps: Vec<_> = demo["steps"].as_array().unwrap().iter().map(|step| step["what"].as_str().unwrap()).collect();
    for part in
        ["paired", "MCP initialized", "click on the Count button", "into the editor", "refused: busy", "audit log"]
    {
        assert!(steps.iter().any(|step| step.contains(part)), "{part}: {steps:?}");
    }
    for name in ["1-before.png", "2-after.png", "audit.jsonl"] {
        assert!(fs::metadata(out.join(name)).unwrap().len() > 100, "{name}");
    }
}

#[test]
fn a_host_on_the_other_runtime_is_the_same_host() {
    let folder = Folder::new();
    let (host, controller) = (folder.home("host"), folder.home("controller"));
    let mut serving = Running::start(command(
        &host,
        &["serve", "--runtime", "smol", "--host", "127.0.0.1", "--port", "0", "--backend", "virtual"],
    ));
    let address = serving.first_line();
    let port = address.rsplit(':').next().unwrap();
    let mut pairing = Running::start(command(&host, &["pair", "--code", "111111"]));
    pairing.first_line();
    succeeded(&opendesk(&controller, &["pair-with", "127.0.0.1", "111111", "--port", port]));
    succeeded(&pairing.finish(LIMIT));
    assert!(succeeded(&opendesk(&controller, &["connect"])).contains("local/virtual"));
    serving.signal("TERM");
    assert!(serving.finish(LIMIT).status.success());
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_host_well_and_takes_a_code_back() {
    let folder = Folder::new();
    let host = folder.home("host");
    let mut serving =
        Running::start(command(&host, &["serve", "--host", "127.0.0.1", "--port", "0", "--backend", "virtual"]));
    serving.first_line();
    assert!(host.join("admin.sock").exists());
    let mut pairing = Running::start(command(&host, &["pair", "--code", "111111", "--json"]));
    pairing.first_line();
    pairing.signal("INT");
    assert_eq!(pairing.finish(LIMIT).status.code(), Some(130));
    for (signal, code) in [("TERM", 143), ("HUP", 129)] {
        let mut pairing = Running::start(command(&host, &["pair", "--code", "111111"]));
        pairing.first_line();
        pairing.signal(signal);
        assert_eq!(pairing.finish(LIMIT).status.code(), Some(code), "{signal}");
    }
    serving.signal("TERM");
    assert!(serving.finish(LIMIT).status.success());
    assert!(!host.join("admin.sock").exists());
    let log = fs::read_dir(host.join("audit")).unwrap().map(|entry| entry.unwrap().path());
    let log = log.filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    let log: String = log.map(|path| fs::read_to_string(path).unwrap()).collect();
    assert!(log.contains("pairing.opened") && log.contains("closed by the owner"), "{log}");
}

#[test]
fn both_machines_change_their_keys_and_find_each_other() {
    let folder = Folder::new();
    let (host, controller) = (folder.home("host"), folder.home("controller"));
    let served = Served::start(&host, "virtual", &[]);
    served.pair(&controller);
    for home in [&host, &controller] {
        let before = json(&opendesk(home, &["identity", "--json"]));
        assert_eq!(before["former"], serde_json::json!([]));
        let said = opendesk(home, &["identity", "rotate"]);
        let now = json(&opendesk(home, &["identity", "show", "--json"]));
        let (was, is) = (before["fingerprint"].as_str().unwrap(), now["fingerprint"].as_str().unwrap());
        assert_ne!(was, is);
        assert!(succeeded(&said).starts_with(&format!("this machine is {is} now and was {was}\n")), "{said:?}");
        assert_eq!(now["former"][0]["fingerprint"], was);
        assert!(succeeded(&opendesk(home, &["identity"])).ends_with(&format!("formerly     {was}")));
    }
    assert!(succeeded(&opendesk(&controller, &["connect"])).starts_with("connected to desk"));
    let known = json(&opendesk(&controller, &["peers", "--json"]));
    assert_eq!(known[0]["public_key"], json(&opendesk(&host, &["identity", "--json"]))["public_key"]);
    for home in [&host, &controller] {
        assert_eq!(succeeded(&opendesk(home, &["identity", "forget-former"])), "1 former key counts no more");
        assert_eq!(succeeded(&opendesk(home, &["identity", "forget-former"])), "there were no former keys");
    }
    assert!(succeeded(&opendesk(&controller, &["connect"])).starts_with("connected to desk"));
}

#[test]
fn the_trust_in_a_machine_ends_with_and_without_a_host_that_runs() {
    let folder = Folder::new();
    let (host, controller) = (folder.home("host"), folder.home("controller"));
    let served = Served::start(&host, "virtual", &[]);
    served.pair(&controller);
    let name = json(&opendesk(&host, &["peers", "--json"]))[0]["name"].as_str().unwrap().to_owned();
    let said = opendesk(&host, &["peers", "remove", &name]);
    assert!(succeeded(&said).starts_with(&name) && succeeded(&said).ends_with("is not trusted any more"), "{said:?}");
    assert_eq!(json(&opendesk(&host, &["peers", "--json"])), serde_json::json!([]));
    let refused = opendesk(&controller, &["connect"]);
    assert_eq!(failure(&refused).0, 5, "{refused:?}");

    let removed = json(&opendesk(&controller, &["peers", "remove", PEER, "--json"]));
    assert_eq!(removed["removed"], PEER);
    assert_eq!(succeeded(&opendesk(&controller, &["peers"])), "no machine is paired");
    let gone = opendesk(&controller, &["peers", "remove", PEER]);
    assert!(failure(&gone).0 == 5 && failure(&gone).1.contains("no paired machine is called"), "{gone:?}");
}
