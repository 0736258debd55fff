//! The shape of the workspace: who may depend on whom, what the core may not know, and that no test is forgotten.
//!
//! The judges at the bottom are plain functions over text, so that the last tests can show each of them a fault.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// All that may be below the core: none of it needs std or a heap, which `cargo ci no-std` proves. The second half
/// runs in the compiler only.
const BELOW_CORE: [&str; 45] = [
    "aead",
    "block-buffer",
    "byteorder",
    "cfg-if",
    "chacha20",
    "chacha20poly1305",
    "cipher",
    "cmov",
    "cobs",
    "const-oid",
    "cpufeatures",
    "crypto-common",
    "ctutils",
    "curve25519-dalek",
    "digest",
    "ed25519-compact",
    "hash32",
    "heapless",
    "hkdf",
    "hmac",
    "hybrid-array",
    "inout",
    "opendesk-core",
    "pbkdf2",
    "poly1305",
    "postcard",
    "rand_core",
    "serde",
    "serde_core",
    "sha2",
    "stable_deref_trait",
    "subtle",
    "thiserror",
    "typenum",
    "universal-hash",
    "x25519-dalek",
    "zeroize",
    // procedural macros
    "curve25519-dalek-derive",
    "proc-macro2",
    "quote",
    "serde_derive",
    "syn",
    "thiserror-impl",
    "unicode-ident",
    "zeroize_derive",
];

const TOKIO: [&str; 5] = ["tokio", "tokio-util", "tokio-tungstenite", "tokio-stream", "opendesk-tokio"];
const SMOL: [&str; 5] = ["smol", "async-io", "async-executor", "async-global-executor", "opendesk-smol"];
const MCP: [&str; 1] = ["rmcp"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The names of the packages that the arguments of `cargo tree` reach.
fn tree(arguments: &[&str]) -> BTreeSet<String> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(root())
        .args(["tree", "--locked", "--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .args(arguments)
        .output()
        .expect("cargo starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo tree {arguments:?}: {errors}");
    names(&String::from_utf8_lossy(&output.stdout))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every Rust source below a folder of the repository, with its path.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for path in entries(&folder) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = read(&path);
                found.push((path, text));
            }
        }
    }
    assert!(!found.is_empty(), "there is no source in {folder}");
    found
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.expect("the folder can be listed").path()).collect()
}

fn assert_none(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn below_the_core_there_is_nothing_that_needs_std() {
    assert_none(&strangers(&tree(&["--package", "opendesk-core"]), &BELOW_CORE));
}

#[test]
fn the_library_has_no_runtime() {
    let std = tree(&["--package", "opendesk-std"]);
    assert!(std.contains("opendesk-core"), "{std:?}");
    assert_none(&reached("opendesk-std", &std, &[&TOKIO[..], &SMOL, &MCP].concat()));
}

#[test]
fn the_adapters_do_not_see_each_other() {
    let tokio = tree(&["--package", "opendesk-tokio"]);
    assert!(tokio.contains("tokio"), "{tokio:?}");
    assert_none(&reached("opendesk-tokio", &tokio, &SMOL));
    let smol = tree(&["--package", "opendesk-smol"]);
    assert!(smol.contains("opendesk-std"), "{smol:?}");
    assert_none(&reached("opendesk-smol", &smol, &[&TOKIO[..], &MCP].concat()));
}

#[test]
fn mcp_is_reached_through_one_feature_of_one_package() {
    assert!(tree(&["--package", "opendesk-tokio"]).contains("rmcp"));
    let without = tree(&["--package", "opendesk-tokio", "--no-default-features"]);
    assert_none(&reached("opendesk-tokio without features", &without, &MCP));
    let mut who = tree(&["--workspace", "--invert", "rmcp", "--depth", "1"]);
    who.remove("rmcp");
    assert_eq!(who, BTreeSet::from(["opendesk-tokio".to_owned()]));
}

#[test]
fn the_core_names_no_clock_and_no_hash_map() {
    for (path, text) in sources("opendesk-core/src") {
        assert_none(&mentions(&path, &text, &["std::time", "SystemTime", "HashMap"]));
    }
}

#[test]
fn adapters_only_wake_up() {
    for folder in ["opendesk-tokio/src", "opendesk-smol/src"] {
        for (path, text) in sources(folder) {
            assert_none(&mentions(&path, &text, &["Event::", "Reason::", "Header::"]));
        }
    }
}

#[test]
fn no_test_is_forgotten() {
    let tests = root().join("tests");
    let there: BTreeSet<String> = entries(&tests)
        .iter()
        .filter(|folder| folder.join("main.rs").is_file())
        .filter_map(|folder| folder.file_name())
        .map(|name| format!("{}/main.rs", name.to_string_lossy()))
        .collect();
    assert_none(&forgotten(&read(&tests.join("Cargo.toml")), &there));
}

#[test]
fn what_the_no_std_gates_prove_is_what_ships() {
    let ships = locked(&read(&root().join("Cargo.lock")));
    let proved = locked(&read(&root().join("tests/no-std/Cargo.lock")));
    assert!(proved.iter().any(|package| package.starts_with("heapless ")), "{proved:?}");
    let own = |package: &String| package.starts_with("opendesk-");
    let others: Vec<&String> = proved.difference(&ships).filter(|package| !own(package)).collect();
    assert!(others.is_empty(), "tests/no-std/Cargo.lock has other versions than Cargo.lock: {others:?}");
}

/// The names in what `cargo tree --prefix none --format {p}` prints.
fn names(tree: &str) -> BTreeSet<String> {
    tree.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

/// A fault for each package that is not one of the allowed.
fn strangers(reached: &BTreeSet<String>, allowed: &[&str]) -> Vec<String> {
    let unknown = reached.iter().filter(|name| !allowed.contains(&name.as_str()));
    unknown.map(|name| format!("{name} is not on the list of what may be below the core")).collect()
}

/// A fault for each forbidden package that is there.
fn reached(who: &str, tree: &BTreeSet<String>, forbidden: &[&str]) -> Vec<String> {
    forbidden.iter().filter(|&&name| tree.contains(name)).map(|name| format!("{who} reaches {name}")).collect()
}

/// A fault for each line that has one of the words, where a word does not begin within a longer name.
fn mentions(path: &Path, text: &str, words: &[&str]) -> Vec<String> {
    let begins =
        |line: &str, at: usize| !line[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_');
    let has = |line: &str, word: &str| line.match_indices(word).any(|(at, _)| begins(line, at));
    let mut faults = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for word in words.iter().filter(|word| has(line, word)) {
            faults.push(format!("{}:{}: names {word}", path.display(), number + 1));
        }
    }
    faults
}

/// A fault for each test program without an entry in the manifest and for each entry without a program.
fn forgotten(manifest: &str, there: &BTreeSet<String>) -> Vec<String> {
    let mut listed = BTreeSet::new();
    let mut in_test = false;
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            in_test = line == "[[test]]";
        } else if in_test
            && let Some((key, value)) = line.split_once('=')
            && key.trim() == "path"
        {
            listed.insert(value.trim().trim_matches('"').to_owned());
        }
    }
    let orphans = there.difference(&listed).map(|path| format!("tests/{path} is no [[test]] of tests/Cargo.toml"));
    let ghosts = listed.difference(there).map(|path| format!("tests/Cargo.toml lists {path}, which is not there"));
    orphans.chain(ghosts).collect()
}

/// `name version` of each package of a lock file.
fn locked(lock: &str) -> BTreeSet<String> {
    let value = |line: &str, key: &str| Some(line.strip_prefix(key)?.strip_prefix(" = ")?.trim_matches('"').to_owned());
    let mut packages = BTreeSet::new();
    let mut lines = lock.lines();
    while let Some(line) = lines.next() {
        if let Some(name) = value(line, "name")
            && let Some(version) = lines.next().and_then(|next| value(next, "version"))
        {
            packages.insert(format!("{name} {version}"));
        }
    }
    packages
}

#[test]
fn a_forbidden_dependency_is_seen() {
    let fake = names("opendesk-std v0.1.0 (/somewhere)\nserde v1.0.229 (*)\ntokio v1.54.1\n");
    assert_eq!(reached("opendesk-std", &fake, &TOKIO), ["opendesk-std reaches tokio"]);
    assert_none(&reached("opendesk-std", &fake, &SMOL));
    let faults = strangers(&names("opendesk-core v0.1.0\ngetrandom v0.4.3\nserde v1.0.229\n"), &BELOW_CORE);
    assert!(matches!(&faults[..], [fault] if fault.starts_with("getrandom ")), "{faults:?}");
}

#[test]
fn a_forbidden_word_is_seen() {
    let path = Path::new("a.rs");
    assert_eq!(mentions(path, "fine\nuse std::time::Instant;", &["std::time"]), ["a.rs:2: names std::time"]);
    assert_eq!(mentions(path, "match it { Event::Lost => 1 }", &["Event::"]).len(), 1);
    assert_none(&mentions(path, "TowerEvent::Lost, core::time::Duration", &["Event::", "std::time"]));
}

#[test]
fn a_forgotten_test_is_seen() {
    let there = BTreeSet::from(["arch/main.rs".to_owned(), "sim/main.rs".to_owned()]);
    let whole = "[package]\npath = \"x\"\n[[test]]\nname = \"arch\"\npath = \"arch/main.rs\"\n[[test]]\npath = \"sim/main.rs\"\n";
    assert_none(&forgotten(whole, &there));
    assert_eq!(forgotten("[[test]]\npath = \"arch/main.rs\"\n[dependencies]\npath = \"sim/main.rs\"", &there).len(), 1);
    assert_eq!(forgotten(&format!("{whole}[[test]]\npath = \"gone/main.rs\"\n"), &there).len(), 1);
}

#[test]
fn another_version_is_seen() {
    let lock = |version| locked(&format!("[[package]]\nname = \"heapless\"\nversion = \"{version}\"\n"));
    assert_eq!(lock("0.9.3"), BTreeSet::from(["heapless 0.9.3".to_owned()]));
    assert_eq!(lock("0.9.4").difference(&lock("0.9.3")).count(), 1);
}
