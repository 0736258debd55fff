//! Every method in every direction, and docs/INTEROP.md, which says what came of it.

use core::fmt::Write as _;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use opendesk_core::Wire;
use opendesk_std::api::Call;
use opendesk_std::client::Client;
use opendesk_std::desktop::r#virtual::VirtualDesktop;
use opendesk_std::host::HostOptions;
use opendesk_tests::rig::Rig as OurRig;

use super::as_controller::{self, run};
use super::as_host;
use super::driver::{self, Outcomes};
use super::peer;

/// What else is crossed, and the test that does it.
const BESIDES: [(&str, &str); 14] = [
    (
        "pairing, wrong codes, no code",
        "as_host::a_stranger_and_a_wrong_code…, as_controller::a_host_that_does_not_trust…",
    ),
    ("an unknown key", "as_host::a_stranger_and_a_wrong_code…, as_controller::a_host_that_does_not_trust…"),
    ("BUSY, replacement by the same controller", "as_host::another_controller…, as_controller::who_drives…"),
    ("eviction by the owner", "as_host::the_owner_ends…, as_controller::who_drives…"),
    ("reconnection", "as_host::a_controller_reconnects…, as_controller::an_agents_session…"),
    ("cancel", "case `cancel`, as_controller::a_call_is_stopped…"),
    ("an answer that never comes", "as_controller::an_answer_that_never_comes…"),
    ("streams and slow readers", "case `display.subscribe`, as_controller::many_calls_at_once…"),
    ("composed input, tools, large files, errors", "the other cases of `controller.py`"),
    (
        "children and frozen controllers, names that are no text",
        "as_host::what_a_controller_started…, as_host::names_that…",
    ),
    ("MCP servers", "as_host::the_packages_own_command_line…, as_controller::an_agent_of_ours…"),
    ("the package's command line on a real X desktop", "as_controller::the_packages_command_line…"),
    ("admin socket, audit log, home directory", "homes::*"),
    ("a host that becomes ours", "homes::a_host_of_version_1_that_becomes_ours…"),
];

#[test]
fn every_method_in_every_direction_is_as_the_table_says() {
    let mut columns: Vec<BTreeMap<String, String>> = Vec::new();
    let rig = as_host::Rig::start(&[]);
    let anna = rig.pair("anna");
    columns.push(python(&anna, &rig.target(), &rig.home("seen"), "rust"));
    drop(rig);
    let (ours, theirs) = run(async {
        let mut rig = as_controller::Rig::start(&[]);
        rig.pair("anna").await;
        let client = rig.connect("anna").await.unwrap();
        let ours = rust(&client, Wire::V1, &rig.folder().join("seen")).await;
        client.close().await;
        let python_home = rig.folder().join("python");
        let key = peer::key(&python_home);
        let trusting = peer::Host::start(&rig.folder().join("trusting"), &["--trust", &key]);
        (ours, python(&python_home, &trusting.target(), &rig.folder().join("seen too"), "python"))
    });
    columns.push(ours);
    columns.push(run(async {
        let folder = tempfile::tempdir().unwrap();
        let rig = OurRig::start_as(|home| HostOptions {
            files: true,
            ..HostOptions::new(home, std::sync::Arc::new(VirtualDesktop::default()))
        });
        rig.pair("anna").await;
        rust(&rig.connect("anna").await.unwrap(), Wire::V2, &folder.path().join("seen")).await
    }));
    columns.push(theirs);
    compare(&text(&columns));
}

/// The package's controller through its cases. Those that are no method have no row, and must hold as well.
fn python(home: &Path, target: &str, folder: &Path, expect: &str) -> BTreeMap<String, String> {
    fs::create_dir(folder).expect("a new folder");
    let args = ["--dir", folder.to_str().expect("text"), "--expect", expect];
    let cases = peer::cases(home, target, &args, &["all"]);
    let failed: Vec<_> = cases.iter().filter(|(_, (ok, _))| !ok).collect();
    assert!(failed.is_empty(), "{target}: {failed:#?}");
    let cell = |detail: &str| match detail.strip_prefix("refused for want of ") {
        Some(missing) => format!("without `{}`", missing.split(',').next().unwrap_or(missing)),
        None => "yes".to_owned(),
    };
    let methods = cases.into_iter().filter(|(name, _)| Call::NAMES.contains(&name.as_str()));
    methods.map(|(name, (_, detail))| (name, cell(&detail))).collect()
}

/// Our library through every method.
async fn rust(client: &Client, wire: Wire, folder: &Path) -> BTreeMap<String, String> {
    assert_eq!(client.wire(), wire);
    fs::create_dir(folder).expect("a new folder");
    let outcomes: Outcomes = driver::drive(client, folder).await;
    let failed: Vec<_> = outcomes.iter().filter(|(_, outcome)| outcome.is_err()).collect();
    assert!(failed.is_empty(), "{wire:?}: {failed:#?}");
    let missing: Vec<_> = Call::NAMES.iter().filter(|name| !outcomes.contains_key(*name)).collect();
    assert!(missing.is_empty(), "{wire:?}: nothing came of {missing:?}");
    let cell = |seen: String| match seen.strip_prefix("without ") {
        Some(capability) => format!("without `{capability}`"),
        None if seen.starts_with("refused") => "refused".to_owned(),
        None => "yes".to_owned(),
    };
    outcomes.into_iter().map(|(name, seen)| (name.to_owned(), cell(seen.expect("none has failed")))).collect()
}

fn text(columns: &[BTreeMap<String, String>]) -> String {
    let mut text = String::from(
        "# Interoperability\n\n\
         Generated by `cargo test -p opendesk-tests --test interop` from what happened in it; with `UPDATE_DOCS=1` the test\n\
         writes this file, otherwise it compares. The other side is the Python package `opendesk` 0.3.0 from PyPI, which\n\
         speaks version 1 of the wire. Our host drives the virtual desktop, the package's host one in memory.\n\n\
         | Method | Python drives Rust (1) | Rust drives Python (1) | Rust drives Rust (2) | Python drives Python (1) |\n\
         |---|---|---|---|---|\n",
    );
    for method in Call::NAMES {
        let cells: Vec<&str> = columns.iter().map(|column| column.get(*method).map_or("-", String::as_str)).collect();
        writeln!(text, "| `{method}` | {} |", cells.join(" | ")).expect("text takes all");
    }
    text.push_str(
        "\n*yes*: the result was looked at. *without* a capability: the host's manifest does not name it, and the call was\n\
         refused with exactly that one. *refused*: with `capability_unsupported`, as by every host.\n\n| Crossed besides | Where |\n|---|---|\n",
    );
    for (what, test) in BESIDES {
        writeln!(text, "| {what} | {test} |").expect("text takes all");
    }
    text
}

fn compare(text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/INTEROP.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, text).expect("the documentation can be written");
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == text, "docs/INTEROP.md is not what happened; UPDATE_DOCS=1 writes it. It would be:\n{text}");
}
