//! `opendesk install` and `uninstall`: the configurations of MCP clients, and what is done to nothing else.

#![expect(clippy::unwrap_used, reason = "every function here is the body of a test, or a part of one")]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use opendesk_tests::bin::{Finished, Running, command, opendesk};
use serde_json::{Value, json};

use crate::{Folder, json, run, succeeded};

/// The clients, the folders that they leave, and their files.
const CLIENTS: [(&str, &str, &str); 7] = [
    ("claude-code", ".claude", ".claude.json"),
    ("claude-desktop", ".config/Claude", ".config/Claude/claude_desktop_config.json"),
    ("cursor", ".cursor", ".cursor/mcp.json"),
    ("vscode", ".config/Code", ".config/Code/User/mcp.json"),
    ("windsurf", ".codeium/windsurf", ".codeium/windsurf/mcp_config.json"),
    ("codex", ".codex", ".codex/config.toml"),
    ("gemini", ".gemini", ".gemini/settings.json"),
];

/// A user with a home directory, a home of opendesk in it, and a project.
struct User {
    folder: Folder,
}

impl User {
    fn new() -> Self {
        let folder = Folder::new();
        fs::create_dir_all(folder.home("user/project")).unwrap();
        Self { folder }
    }

    /// With the folders of these clients.
    fn with(clients: &[&str]) -> Self {
        let user = Self::new();
        for (client, folder, _) in CLIENTS {
            if clients.contains(&client) {
                fs::create_dir_all(user.path(folder)).unwrap();
            }
        }
        user
    }

    fn path(&self, below: &str) -> PathBuf {
        self.folder.home("user").join(below)
    }

    fn home(&self) -> PathBuf {
        self.folder.home("opendesk")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = command(&self.home(), args);
        command.env("HOME", self.path("")).current_dir(self.path("project"));
        command
    }

    fn run(&self, args: &[&str]) -> Finished {
        run(self.command(args))
    }

    fn write(&self, below: &str, text: &str) -> PathBuf {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn read(&self, below: &str) -> String {
        fs::read_to_string(self.path(below)).unwrap()
    }

    /// What each client would start, from its file.
    fn entry(&self, client: &str, file: &str) -> Value {
        let text = self.read(file);
        if client == "codex" {
            // A table with two values, of which the second is a list: what TOML and JSON write the same way.
            let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(&format!("{key} = "))).unwrap();
            assert!(text.contains("[mcp_servers.opendesk]\n"), "{text}");
            let read = |key: &str| serde_json::from_str::<Value>(value(key)).unwrap();
            return json!({"command": read("command"), "args": read("args")});
        }
        let servers = if client == "vscode" { "servers" } else { "mcpServers" };
        serde_json::from_str::<Value>(&text).unwrap()[servers]["opendesk"].clone()
    }

    /// Every file of the user, and what is in it.
    fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let (mut files, mut folders) = (Vec::new(), vec![self.path("")]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { files.push((path.clone(), fs::read(path).unwrap())) }
            }
        }
        files.sort();
        files
    }
}

/// The last line of what was written beside the result: before it, a binary of a build warns of itself.
fn failed(finished: &Finished) -> (i32, &str) {
    (finished.status.code().unwrap_or(-1), finished.stderr.lines().next_back().unwrap_or_default())
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

#[test]
fn every_client_that_is_there_gets_an_entry_and_a_second_run_changes_nothing() {
    let all = CLIENTS.map(|(client, ..)| client);
    let user = User::with(&all);
    let made = user.run(&["install", "--backend", "virtual"]);
    let text = succeeded(&made);
    assert!(made.stderr.contains("target folder of a build"), "{made:?}");
    let args = json!(["mcp", "--home", user.home().to_str().unwrap(), "--backend", "virtual"]);
    for (client, _, file) in CLIENTS {
        let path = user.path(file);
        assert!(text.contains(&format!("{client}: opendesk is added to {}", path.display())), "{text}");
        let entry = user.entry(client, file);
        assert_eq!((&entry["command"], &entry["args"]), (&json!(opendesk()), &args), "{client}");
        let kind = matches!(client, "claude-code" | "vscode").then(|| json!("stdio"));
        assert_eq!(entry.get("type"), kind.as_ref(), "{client}");
    }
    let files = user.files();
    let again = json(&user.run(&["install", "--backend", "virtual", "--json"]));
    let outcomes: Vec<&Value> = again["clients"].as_array().unwrap().iter().map(|each| &each["outcome"]).collect();
    assert_eq!(outcomes, vec![&json!("unchanged"); 7]);
    assert_eq!(user.files(), files);

    let removed = user.run(&["uninstall"]);
    assert_eq!(succeeded(&removed).matches("is removed from").count(), 7, "{removed:?}");
    for (client, _, file) in CLIENTS {
        assert!(!user.read(file).contains("opendesk"), "{client}");
    }
    assert_eq!(succeeded(&user.run(&["uninstall"])), "opendesk is in the configuration of no client");
}

#[test]
fn what_was_entered_starts_a_server() {
    let user = User::with(&["cursor"]);
    succeeded(&user.run(&["install", "--backend", "virtual"]));
    let entry = user.entry("cursor", ".cursor/mcp.json");
    let mut server = Command::new(entry["command"].as_str().unwrap());
    server.args(entry["args"].as_array().unwrap().iter().map(|arg| arg.as_str().unwrap()));
    server.env_clear().env("OPENDESK_MDNS", "off").stdin(Stdio::piped());
    let mut server = Running::start(server);
    server.say(
        &json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}})
        .to_string(),
    );
    let answer: Value = serde_json::from_str(&server.first_line()).unwrap();
    assert_eq!(answer["result"]["serverInfo"]["name"], "opendesk", "{answer}");
}

#[test]
fn only_clients_that_are_found_are_touched_unless_one_is_named() {
    let user = User::new();
    let nothing = user.run(&["install"]);
    let (code, line) = failed(&nothing);
    assert!(code == 1 && line.contains("no MCP client is found") && line.contains("claude-desktop"), "{nothing:?}");
    assert!(user.files().is_empty());

    let named = user.run(&["install", "windsurf"]);
    assert!(succeeded(&named).contains("Windsurf: "), "{named:?}");
    assert_eq!(user.entry("windsurf", CLIENTS[4].2)["args"][0], "mcp");

    fs::create_dir(user.path(".gemini")).unwrap();
    let found = json(&user.run(&["install", "--json"]));
    let names: Vec<&Value> = found["clients"].as_array().unwrap().iter().map(|each| &each["client"]).collect();
    assert_eq!(names, ["windsurf", "gemini"]);
    assert_eq!(found["not_found"], json!(["claude-code", "claude-desktop", "cursor", "vscode", "codex"]));
    let tried = user.run(&["install", "emacs"]);
    assert!(tried.status.code() == Some(2) && tried.stderr.contains("claude-desktop"), "{tried:?}");
}

#[test]
fn a_dry_run_shows_a_diff_and_writes_nothing() {
    let user = User::with(&["codex"]);
    let path = user.write(".cursor/mcp.json", "{\n  // mine\n  \"mcpServers\": {}\n}\n");
    let before = user.files();
    let shown = user.run(&["install", "--dry-run"]);
    let text = succeeded(&shown);
    let header =
        format!("--- {0}\n+++ {0}\n@@ -1,4 +1,9 @@\n {{\n   // mine\n-  \"mcpServers\": {{}}\n", path.display());
    assert!(text.contains(&header) && text.contains("+    \"opendesk\": {\n"), "{text}");
    assert!(text.contains("--- /dev/null\n") && text.contains("+[mcp_servers.opendesk]\n"), "{text}");
    assert_eq!(user.files(), before);
    succeeded(&user.run(&["install"]));
    let before = user.files();
    let shown = json(&user.run(&["uninstall", "cursor", "--dry-run", "--json"]));
    let cursor = &shown["clients"][0];
    assert!(cursor["outcome"] == "removed" && cursor["backup"].is_null() && shown["dry_run"] == true, "{shown}");
    assert!(cursor["diff"].as_str().unwrap().contains("-    \"opendesk\": {\n"), "{shown}");
    assert_eq!(user.files(), before);
}

#[test]
fn what_was_before_is_kept_beside_the_file_and_comes_back() {
    let user = User::new();
    let text = "\u{feff}{\r\n\t// comment\r\n\t\"servers\": {\r\n\t\t\"a\": {\"command\": \"a\",},\r\n\t},\r\n}";
    let path = user.write(".config/Code/User/mcp.json", text);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let made = json(&user.run(&["install", "vscode", "--json"]));
    let backup = made["clients"][0]["backup"].as_str().unwrap();
    assert_eq!(backup, format!("{}.opendesk-backup", path.display()));
    assert_eq!(fs::read_to_string(backup).unwrap(), text);
    for file in [path.as_path(), Path::new(backup)] {
        assert_eq!(fs::metadata(file).unwrap().mode() & 0o777, 0o640);
    }
    assert!(user.read(".config/Code/User/mcp.json").starts_with(&text[..text.len() - 8]));
    let removed = user.run(&["uninstall", "vscode"]);
    assert!(succeeded(&removed).contains("again what it was before"), "{removed:?}");
    assert_eq!(user.read(".config/Code/User/mcp.json"), text);
    assert_eq!(user.files().len(), 1);
}

#[test]
fn another_program_under_the_name_is_shown_and_replaced() {
    let user = User::new();
    let text =
        r#"{"mcpServers": {"opendesk": {"command": "/old/opendesk-mcp", "env": {"A": "1"}}, "b": {"url": "x"}}}"#;
    user.write(".claude.json", text);
    let made = user.run(&["install"]);
    assert!(succeeded(&made).contains("started `/old/opendesk-mcp`; that is replaced"), "{made:?}");
    let entry = user.entry("claude-code", ".claude.json");
    assert_eq!((&entry["command"], &entry["env"]["A"]), (&json!(opendesk()), &json!("1")));

    // Under another name both are there, and only the one that is named goes.
    succeeded(&user.run(&["install", "--name", "second"]));
    succeeded(&user.run(&["uninstall"]));
    let left: Value = serde_json::from_str(&user.read(".claude.json")).unwrap();
    let names: Vec<&String> = left["mcpServers"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["b", "second"]);
    let kept = user.run(&["uninstall", "--name", "b"]);
    assert!(succeeded(&kept).contains("b in ") && kept.stdout.contains("it stays"), "{kept:?}");
}

#[test]
fn a_file_that_cannot_be_read_is_refused_and_the_others_are_done() {
    let user = User::with(&["gemini"]);
    let broken = "{\n  \"mcpServers\": {\n    \"a\": oops\n  }\n}\n";
    let path = user.write(".cursor/mcp.json", broken);
    let made = user.run(&["install"]);
    let (code, line) = failed(&made);
    assert!(code == 1 && line.contains(&format!("{}, line 3, column 10: ", path.display())), "{made:?}");
    assert!(made.stdout.contains("gemini: opendesk is added"), "{made:?}");
    assert_eq!(user.read(".cursor/mcp.json"), broken);
    assert_eq!(fs::read_dir(user.path(".cursor")).unwrap().count(), 1);
    let made = user.run(&["install", "--json"]);
    let told: Value = serde_json::from_str(&made.stdout).unwrap();
    assert_eq!((&told["ok"], &told["exit_code"]), (&json!(false), &json!(1)));
    assert_eq!(told["clients"][0]["outcome"], "failed");
    assert_eq!(told["clients"][1]["outcome"], "unchanged");
}

#[test]
fn a_link_to_a_file_elsewhere_stays_a_link() {
    let user = User::with(&["codex"]);
    let real = user.write("dotfiles/codex.toml", "model = \"a\" # b\n");
    symlink("../dotfiles/codex.toml", user.path(".codex/config.toml")).unwrap();
    let made = user.run(&["install"]);
    assert!(succeeded(&made).contains("which is a link to"), "{made:?}");
    assert!(fs::symlink_metadata(user.path(".codex/config.toml")).unwrap().is_symlink());
    assert!(fs::read_to_string(&real).unwrap().starts_with("model = \"a\" # b\n\n[mcp_servers.opendesk]\n"));
    succeeded(&user.run(&["uninstall"]));
    assert_eq!(fs::read_to_string(&real).unwrap(), "model = \"a\" # b\n");
}

#[test]
fn a_file_that_may_not_be_written_is_left_alone() {
    if is_root() {
        // Nothing is forbidden to root.
        return;
    }
    let user = User::new();
    let path = user.write(".cursor/mcp.json", "{}");
    fs::set_permissions(user.path(".cursor"), fs::Permissions::from_mode(0o500)).unwrap();
    let tried = user.run(&["install"]);
    fs::set_permissions(user.path(".cursor"), fs::Permissions::from_mode(0o700)).unwrap();
    assert!(failed(&tried).0 == 1 && failed(&tried).1.contains("ermission denied"), "{tried:?}");
    assert_eq!(fs::read_to_string(path).unwrap(), "{}");
}

#[test]
fn root_leaves_a_file_to_its_owner() {
    if !is_root() {
        // Nobody else can give files away.
        return;
    }
    let user = User::with(&["codex"]);
    let path = user.write(".cursor/mcp.json", "{}");
    for path in [&path, &user.path(".codex")] {
        std::os::unix::fs::chown(path, Some(4321), Some(4322)).unwrap();
    }
    succeeded(&user.run(&["install"]));
    for path in [".cursor/mcp.json", ".cursor/mcp.json.opendesk-backup", ".codex/config.toml"] {
        let metadata = fs::metadata(user.path(path)).unwrap();
        assert_eq!((metadata.uid(), metadata.gid()), (4321, 4322), "{path}");
    }
}

#[test]
fn a_project_has_files_of_its_own() {
    let user = User::with(&["claude-code"]);
    let named = ["claude-code", "cursor", "vscode", "codex", "gemini"];
    succeeded(&user.run(&[&["install", "--scope", "project"], &named[..]].concat()));
    for file in [".mcp.json", ".cursor/mcp.json", ".vscode/mcp.json", ".codex/config.toml", ".gemini/settings.json"] {
        assert!(user.read(&format!("project/{file}")).contains("opendesk"), "{file}");
    }
    assert!(!user.path(".claude.json").exists());
    for (args, hint) in [(&["claude-desktop"][..], "Claude Desktop has no"), (&[], "name the clients")] {
        let tried = user.run(&[&["install", "--scope", "project"], args].concat());
        assert!(failed(&tried).0 == 2 && failed(&tried).1.contains(hint), "{tried:?}");
    }
}

#[test]
fn variables_say_where_a_client_keeps_its_file() {
    let user = User::new();
    let mut install = user.command(&["install", "claude-code", "codex", "gemini", "vscode"]);
    install
        .env("CLAUDE_CONFIG_DIR", user.path("claude"))
        .env("CODEX_HOME", user.path("codex"))
        .env("GEMINI_CLI_HOME", user.path("google"))
        .env("XDG_CONFIG_HOME", user.path("xdg"));
    succeeded(&run(install));
    for file in ["claude/.claude.json", "codex/config.toml", "google/.gemini/settings.json", "xdg/Code/User/mcp.json"] {
        assert!(user.read(file).contains("opendesk"), "{file}");
    }
}

#[test]
fn the_home_is_named_only_where_it_is_not_the_usual_one() {
    let user = User::with(&["cursor"]);
    let install = |variable: Option<&Path>| {
        let mut install = Command::new(opendesk());
        install.args(["install", "cursor"]).env_clear().env("HOME", user.path("")).stdin(Stdio::null());
        install.envs(variable.map(|path| ("OPENDESK_HOME", path)));
        succeeded(&run(install));
        user.entry("cursor", ".cursor/mcp.json")["args"].clone()
    };
    assert_eq!(install(None), json!(["mcp"]));
    // A client that is started from a desktop does not have the variables of a shell.
    assert_eq!(install(Some(&user.home())), json!(["mcp", "--home", user.home().to_str().unwrap()]));
}

#[test]
fn the_help_lists_every_client_with_its_file() {
    let user = User::new();
    let help = user.run(&["install", "--help"]);
    for (client, _, file) in CLIENTS {
        let line = succeeded(&help).lines().find(|line| line.trim_start().starts_with(&format!("{client} "))).unwrap();
        assert!(line.contains(&format!("~/{file}")), "{line}");
    }
}
