//! What agents' sessions do on this machine and on a paired one: which is meant, several actions in one call, and all of it
//! again.

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::fs;
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use futures_util::future::BoxFuture;
use opendesk_std::desktop::r#virtual::VirtualDesktop;
use opendesk_std::govern::ask::Question;
use opendesk_std::govern::control::{Control, Mode};
use opendesk_std::home::Peers;
use opendesk_std::tools::{Caller, Consent, Elicit, Elicited, Output, Session, ToolError};
use opendesk_tokio::HostOptions;
use serde_json::{Value, json};

use crate::agent::{Setup, session};
use crate::run;

impl Setup {
    async fn done(&self, tool: &str, arguments: Value) -> String {
        done(&self.session, tool, arguments).await
    }

    fn rules(&self, rules: &Value) {
        fs::write(self.home.path().join("policy.json"), json!({"rules": rules}).to_string()).expect("a file");
    }
}

/// What a tool says that does not fail.
async fn done(session: &Session, tool: &str, arguments: Value) -> String {
    let output = session.call_tool(tool, arguments).await;
    assert!(!output.is_error, "{tool}: {}", output.all_text());
    output.all_text()
}

/// One click on the button that counts them.
fn click() -> Value {
    json!({"action": "click", "app": "Controls", "role": "push button", "title": "Count", "settle_ms": 0})
}

fn act(tool: &str, arguments: Value) -> Value {
    json!({"tool": tool, "arguments": arguments})
}

fn images(output: &Output) -> usize {
    output.to_json()["content"]
        .as_array()
        .map_or(0, |blocks| blocks.iter().filter(|block| block["type"] == "image").count())
}

/// Waits until the desktop was clicked so often.
async fn counts(desktop: &VirtualDesktop, count: u32) {
    while desktop.counter() < count {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[test]
fn w3_after_local_was_chosen_nothing_reaches_the_machine() {
    run(async {
        let setup = Setup::new().await;
        setup.done("ui", click()).await;
        assert_eq!(setup.desktop.counter(), 1, "the only paired machine is meant");
        let mut peers = Peers::load(&setup.home).expect("a list");
        let key = peers.list()[0].public_key;
        peers.set_default(Some(&key)).expect("it is written");
        setup.done("opendesk_disconnect", json!({})).await;
        setup.done("opendesk_use", json!({"peer": "local"})).await;
        let before = setup.proxy.connections();
        for _ in 0..3 {
            setup.done("ui", click()).await;
            let batch = json!({"actions": [act("ui", click()), act("screenshot", json!({}))]});
            let said = setup.done("computer_batch", batch).await;
            assert!(!said.contains("[on "), "{said}");
        }
        // The link was closed, so that whatever reached the machine would have had to connect.
        assert_eq!((setup.desktop.counter(), setup.proxy.connections()), (1, before));
        let named = json!({"action": "click", "app": "Controls", "role": "push button", "title": "Count", "peer": "host", "settle_ms": 0});
        setup.done("ui", named).await;
        assert_eq!(setup.desktop.counter(), 2, "who is named in the call is meant all the same");
        setup.done("ui", click()).await;
        assert_eq!(setup.desktop.counter(), 2);
        setup.session.close().await;
    });
}

#[test]
fn w17_two_sessions_share_neither_choice_nor_pictures_nor_history() {
    run(async {
        let setup = Setup::new().await;
        let other = session(&setup.home);
        setup.done("opendesk_use", json!({"peer": "local"})).await;
        setup.done("screenshot", json!({})).await;
        done(&other, "ui", click()).await;
        assert_eq!(setup.desktop.counter(), 1);
        setup.done("ui", click()).await;
        assert_eq!(setup.desktop.counter(), 1);
        let status = done(&other, "opendesk_status", json!({})).await;
        assert!(status.contains("Calls of this session so far: 1."), "{status}");
        let shown = done(&other, "audit", json!({"action": "show"})).await;
        assert!(!shown.contains("screenshot") && !shown.contains("opendesk_use"), "{shown}");
        setup.session.close().await;
        other.close().await;
    });
}

#[test]
fn w29b_what_is_about_machines_does_not_wait_for_any() {
    run(async {
        let setup = Setup::new().await;
        setup.proxy.cut();
        let begun = Instant::now();
        for (tool, arguments) in [
            ("opendesk_peers", json!({})),
            ("opendesk_status", json!({})),
            ("opendesk_describe", json!({"peer": "host"})),
            ("opendesk_use", json!({"peer": "host"})),
            ("opendesk_disconnect", json!({})),
            ("learn", json!({"action": "list"})),
            ("schedule", json!({"action": "list"})),
            ("audit", json!({"action": "show"})),
        ] {
            let said = setup.done(tool, arguments).await;
            assert!(!said.contains("[on "), "{tool}: {said}");
        }
        // A machine that does not answer takes seconds.
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        assert_eq!(setup.proxy.connections(), 0);
    });
}

#[test]
fn w30_a_link_that_is_dead_heals_for_the_next_call() {
    run(async {
        let setup = Setup::new().await;
        setup.done("ui", click()).await;
        for round in 2..=4 {
            setup.proxy.reset();
            setup.done("ui", click()).await;
            assert_eq!(setup.desktop.counter(), round);
        }
        // A second program of this machine shares the link instead of taking it away.
        let other = session(&setup.home);
        for round in 0..3 {
            done(&other, "ui", click()).await;
            setup.done("ui", click()).await;
            assert_eq!(setup.desktop.counter(), 6 + 2 * round);
        }
        // The host begins anew, elsewhere.
        let (home, desktop) = (setup.rig.home("host"), Arc::clone(&setup.desktop));
        let folder = setup.rig.stop_and_keep().await;
        let server = opendesk_tokio::serve(HostOptions::new(home, desktop.clone())).expect("a free port");
        setup.proxy.move_to(server.local_addr());
        let (handle, running) = (server.handle(), tokio::spawn(server.run()));
        done(&setup.session, "ui", click()).await;
        assert_eq!(desktop.counter(), 11);
        handle.stop();
        running.await.expect("the host ends well");
        drop(folder);
    });
}

#[test]
fn what_is_disconnected_lets_go_and_is_connected_again_by_the_next_call() {
    run(async {
        let setup = Setup::new().await;
        let none = setup.done("opendesk_disconnect", json!({})).await;
        assert!(none.starts_with("No connection was open."), "{none}");
        setup.done("opendesk_use", json!({"peer": "host"})).await;
        let told = setup.done("opendesk_capabilities", json!({})).await;
        assert!(told.starts_with("host has the backend local/virtual and speaks version 2"), "{told}");
        assert!(told.contains("It was connected for this.") && told.contains("display.capture"), "{told}");
        setup.done("mouse", json!({"action": "left_down", "x": 5, "y": 5, "settle_ms": 0})).await;
        assert_eq!(setup.desktop.held_buttons().len(), 1);
        let status = setup.done("opendesk_status", json!({})).await;
        assert!(status.contains("- host: connected, version 2"), "{status}");
        let closed = setup.done("opendesk_disconnect", json!({"peer": "host"})).await;
        assert_eq!(
            closed,
            "Closed the connection with host; what was held there is released. Calls without `peer` still go to host: chosen by \
             opendesk_use. A later call connects again."
        );
        while !setup.desktop.held_buttons().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let status = setup.done("opendesk_status", json!({})).await;
        assert!(
            status.contains("- host: not connected") && status.contains("go to host: chosen by opendesk_use"),
            "{status}"
        );
        setup.done("ui", click()).await;
        assert_eq!(setup.desktop.counter(), 1);
        setup.session.close().await;
    });
}

#[test]
fn a_batch_is_done_in_order_and_ends_with_a_picture() {
    run(async {
        let setup = Setup::new().await;
        for peer in ["local", "host"] {
            let actions = [
                act("ui", click()),
                act("wait", json!({"ms": 1})),
                act("clipboard", json!({"action": "write", "text": "one\ntwo"})),
                act("clipboard", json!({"action": "read"})),
            ];
            let output = setup.call("computer_batch", json!({"actions": actions, "peer": peer})).await;
            let text = output.all_text();
            assert!(!output.is_error && images(&output) == 1, "{text}");
            let lines: Vec<&str> = text.lines().collect();
            let prefix = if peer == "host" { "[on host] " } else { "" };
            assert_eq!(lines[0], format!("{prefix}4 of 4 actions done."));
            assert!(lines[1].starts_with("1 ok ui: ") && lines[2] == "2 ok wait", "{text}");
            assert!(lines[3].starts_with("3 ok clipboard: ") && lines[4].starts_with("4 ok clipboard: "), "{text}");
            assert!(text.contains("\none\ntwo\n</untrusted "), "{text}");
            let quiet = json!({"actions": [act("ui", click())], "peer": peer, "picture": false});
            assert_eq!(images(&setup.call("computer_batch", quiet).await), 0);
        }
        assert_eq!(setup.desktop.counter(), 2);
        let pictures =
            json!({"actions": [act("screenshot", json!({})), act("ui", click()), act("screenshot", json!({}))]});
        assert_eq!(images(&setup.call("computer_batch", pictures).await), 2, "the last one is the picture in the end");
        let shown = setup.done("audit", json!({"action": "show"})).await;
        let tools: Vec<&str> = shown.lines().skip(1).filter_map(|line| line.split("ago: ").nth(1)).collect();
        assert!(
            tools[0].starts_with("ui click on local: ok") && tools[3].starts_with("computer_batch on local: ok"),
            "{shown}"
        );
        setup.session.close().await;
    });
}

#[test]
fn a_batch_stops_at_the_first_failure_and_what_is_wrong_before_does_nothing() {
    run(async {
        let setup = Setup::new().await;
        let gone = json!({"action": "click", "app": "Controls", "role": "push button", "title": "Nowhere"});
        let actions = [
            act("ui", click()),
            act("ui", gone),
            act("ui", click()),
            act("keyboard", json!({"action": "press", "key": "a"})),
        ];
        let output = setup.call("computer_batch", json!({"actions": actions})).await;
        let text = output.all_text();
        assert!(output.is_error && images(&output) == 1, "{text}");
        assert!(text.starts_with("[on host] 1 of 4 actions done; action 2 failed.\n1 ok ui: "), "{text}");
        assert!(
            text.contains("\n2 failed ui: ") && text.contains("\n3 not executed ui\n4 not executed keyboard\n"),
            "{text}"
        );
        assert_eq!(setup.desktop.counter(), 1);
        for wrong in [
            act("ui", json!({"action": "click", "tilte": "Count"})),
            act("mouse", json!({"x": 1, "y": 1})),
            act("ui", json!({"action": "click", "title": "Count", "peer": "local"})),
        ] {
            let refused = setup.call("computer_batch", json!({"actions": [act("ui", click()), wrong]})).await;
            assert!(refused.is_error && refused.all_text().contains("action 2 ("), "{}", refused.all_text());
        }
        let unknown = setup.call("computer_batch", json!({"actions": [act("fly", json!({}))]})).await;
        assert!(
            unknown.is_error && unknown.all_text().contains("`actions[0].tool` has to be one of mouse, "),
            "{}",
            unknown.all_text()
        );
        assert_eq!(setup.desktop.counter(), 1);
        setup.session.close().await;
    });
}

#[test]
fn w8_what_is_forbidden_for_one_machine_is_not_done_there_in_a_batch() {
    run(async {
        let setup = Setup::new().await;
        setup
            .rules(&json!([{"tool": "keyboard", "peer": "host", "decision": "block", "reason": "hands off the till"}]));
        let typing = act("keyboard", json!({"action": "type", "text": "x"}));
        let output = setup.call("computer_batch", json!({"actions": [act("ui", click()), typing.clone()]})).await;
        assert!(output.is_error && output.all_text().contains("\n2 failed keyboard: "), "{}", output.all_text());
        assert!(output.all_text().contains("hands off the till"), "{}", output.all_text());
        setup.done("computer_batch", json!({"actions": [typing], "peer": "local"})).await;
        setup.session.close().await;
    });
}

#[test]
fn a_stop_of_the_owner_ends_a_batch_and_a_replay_at_the_next_step() {
    run(async {
        let setup = Setup::new().await;
        let slow =
            json!({"action": "click", "app": "Controls", "role": "push button", "title": "Count", "settle_ms": 2000});
        let actions = [act("ui", slow.clone()), act("ui", click()), act("ui", click())];
        let stop = async |count: u32| {
            counts(&setup.desktop, count).await;
            Control::set(&setup.home, Mode::Stopped, "lunch").expect("it is written");
        };
        let batch = setup.call("computer_batch", json!({"actions": actions}));
        let (output, ()) = tokio::join!(batch, stop(1));
        let text = output.all_text();
        assert!(output.is_error && text.contains("lunch") && text.contains("\n3 not executed ui"), "{text}");
        assert_eq!(setup.desktop.counter(), 1);

        Control::set(&setup.home, Mode::Running, "").expect("it is written");
        let first = last_number(&setup).await + 1;
        setup.done("ui", slow).await;
        setup.done("ui", click()).await;
        setup.done("ui", click()).await;
        assert_eq!(setup.desktop.counter(), 4);
        let again = json!({"action": "replay", "from": first, "to": first + 2, "skip_errors": true});
        let (output, ()) = tokio::join!(setup.call("audit", again.clone()), stop(5));
        let text = output.all_text();
        assert!(output.is_error && text.contains("lunch") && text.contains(": not executed"), "{text}");
        assert_eq!(setup.desktop.counter(), 5, "{text}");

        Control::set(&setup.home, Mode::Running, "").expect("it is written");
        let said = setup.done("audit", again).await;
        assert!(said.starts_with("3 of 3 actions done again, 0 failed."), "{said}");
        assert_eq!(setup.desktop.counter(), 8);
        setup.session.close().await;
    });
}

/// The number of the last call.
async fn last_number(setup: &Setup) -> u64 {
    let status = setup.done("opendesk_status", json!({})).await;
    let number =
        status.split("so far: ").nth(1).and_then(|rest| rest.split('.').next()).and_then(|text| text.parse().ok());
    // The status itself is a call as well.
    number.map_or_else(|| panic!("{status}"), |number: u64| number + 1)
}

#[test]
fn w9_a_replay_is_done_where_the_actions_were_done_and_as_the_rules_let() {
    run(async {
        let setup = Setup::new().await;
        setup.done("ui", click()).await;
        setup.done("screenshot", json!({})).await;
        setup.done("mouse", json!({"action": "move", "x": 3, "y": 3, "settle_ms": 0})).await;
        // From now on another machine is meant.
        setup.done("opendesk_use", json!({"peer": "local"})).await;
        let said = setup.done("audit", json!({"action": "replay", "from": 1, "to": 4})).await;
        assert!(said.starts_with("2 of 2 actions done again, 0 failed.\n1 ui click: ok: [on host] "), "{said}");
        assert_eq!(setup.desktop.counter(), 2);

        setup.rules(&json!([{"tool": "ui", "decision": "block", "reason": "not today"}]));
        let output = setup.call("audit", json!({"action": "replay", "from": 1, "to": 3, "skip_errors": true})).await;
        let text = output.all_text();
        assert!(output.is_error && text.starts_with("0 of 2 actions done again, 1 failed, 1 not executed."), "{text}");
        assert!(text.contains("not today") && setup.desktop.counter() == 2, "{text}");
        setup.session.close().await;
    });
}

#[test]
fn a_replay_points_into_the_picture_that_was_meant_or_not_at_all() {
    run(async {
        let setup = Setup::new().await;
        setup.done("opendesk_use", json!({"peer": "local"})).await;
        setup.done("mouse", json!({"action": "move", "x": 3, "y": 3, "settle_ms": 0})).await;
        setup.done("audit", json!({"action": "replay", "from": 2})).await;
        setup.done("screenshot", json!({})).await;
        let desktop = setup.call("audit", json!({"action": "replay", "from": 2})).await;
        assert!(desktop.is_error && desktop.all_text().contains("pixels of the desktop"), "{}", desktop.all_text());
        let first = last_number(&setup).await + 1;
        setup.done("mouse", json!({"action": "move", "x": 4, "y": 4, "settle_ms": 0})).await;
        // A part in full detail is the last picture now, and its pixels mean something else.
        setup.done("screenshot", json!({"zoom": [0, 0, 50, 50]})).await;
        let again = json!({"action": "replay", "from": first});
        let said = setup.done("audit", again.clone()).await;
        assert!(said.contains("Done: move at 4,4 on the desktop"), "{said}");
        for number in 0..70 {
            setup.done("screenshot", json!({"region": [0, 0, 50 + number, 50]})).await;
        }
        let stale = setup.call("audit", again).await;
        assert!(stale.is_error && stale.all_text().contains("no picture with the shot_id"), "{}", stale.all_text());
        setup.session.close().await;
    });
}

#[test]
fn a_yes_to_a_batch_is_one_to_what_was_asked_first() {
    run(async {
        let setup = Setup::new().await;
        setup.rules(&json!([{"tool": "keyboard", "decision": "confirm"}, {"tool": "ui", "decision": "allow"}]));
        let typing = |text: &str| act("keyboard", json!({"action": "type", "text": text}));
        let actions =
            json!([act("ui", json!({"action": "get_tree"})), typing("one"), typing("two"), act("ui", click())]);
        let batch = json!({"actions": actions, "peer": "host", "picture": false});
        let as_caller = |consent| setup.session.for_caller(Caller::new(None, consent));
        let asked = as_caller(Consent::Defer).try_tool("computer_batch", batch.clone()).await;
        let Err(ToolError::Ask(asked)) = asked else { panic!("{asked:?}") };
        assert_eq!(setup.desktop.editor_text(), "");
        let output = as_caller(asked.granted()).call_tool("computer_batch", batch).await;
        let text = output.all_text();
        assert!(output.is_error && text.contains("2 of 4 actions done; action 3 failed."), "{text}");
        assert!(text.contains("\n4 not executed ui") && !setup.desktop.editor_text().contains("two"), "{text}");
        assert_eq!(setup.desktop.counter(), 0);
        // Something was done before, so that all of it cannot be asked about any more.
        let late = json!({"actions": [act("ui", click()), typing("x")], "peer": "host", "picture": false});
        let output = as_caller(Consent::Defer).call_tool("computer_batch", late).await;
        assert!(
            output.is_error && output.all_text().contains("1 of 2 actions done; action 2 failed."),
            "{}",
            output.all_text()
        );
        assert_eq!(setup.desktop.counter(), 1);
        setup.session.close().await;
    });
}

/// A person who says no, and counts.
#[derive(Default)]
struct SaysNo(AtomicUsize);

impl Elicit for SaysNo {
    fn elicit(&self, _question: &Question) -> BoxFuture<'_, Elicited> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { Elicited::Declined })
    }
}

#[test]
fn a_button_that_was_not_allowed_to_go_down_is_asked_about_when_it_comes_up() {
    run(async {
        let setup = Setup::new().await;
        setup.rules(&json!([{"tool": "mouse", "decision": "confirm"}]));
        setup.done("screenshot", json!({})).await;
        let person = Arc::new(SaysNo::default());
        let session = setup.session.for_caller(Caller::new(None, Consent::Ask(Arc::clone(&person) as _)));
        for (asked, action) in [(1, "left_down"), (2, "left_up")] {
            let output = session.call_tool("mouse", json!({"action": action, "x": 9, "y": 9})).await;
            assert!(output.is_error, "{}", output.all_text());
            assert_eq!(person.0.load(Ordering::Relaxed), asked);
        }
        setup.session.close().await;
    });
}

#[test]
fn what_is_under_way_and_what_was_given_up_are_told() {
    run(async {
        let setup = Setup::new().await;
        {
            let waiting = json!({"actions": [act("wait", json!({"ms": 9000}))], "peer": "host", "picture": false});
            let mut batch = pin!(setup.call("computer_batch", waiting));
            assert!(futures_util::poll!(&mut batch).is_pending());
            let status = setup.done("opendesk_status", json!({})).await;
            assert!(status.contains("Under way: computer_batch on host for 0.0 s."), "{status}");
            // Whoever has no session is not to cut off what others do.
            let stateless = setup.session.clone().stateless();
            let refused = stateless.call_tool("opendesk_disconnect", json!({})).await;
            assert!(
                refused.is_error && refused.all_text().contains("a call for host is under way"),
                "{}",
                refused.all_text()
            );
        }
        let shown = setup.done("audit", json!({"action": "show", "format": "full"})).await;
        assert!(
            shown.contains("computer_batch on host: failed") && shown.contains("given up before its end"),
            "{shown}"
        );
    });
}
