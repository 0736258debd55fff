use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::client::{Client, Scope};
use super::edit::{self, Found};
use super::*;

/// A user's folder, with a project in it.
struct User(tempfile::TempDir);

impl User {
    fn new() -> Self {
        let user = Self(tempfile::tempdir().unwrap());
        fs::create_dir(user.path().join("project")).unwrap();
        user
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn places(&self) -> Places {
        Places::new(System::Linux, self.path().to_owned(), self.path().join("project"), |_| None)
    }

    fn write(&self, client: Client, text: &[u8]) -> PathBuf {
        let path = client.file(&self.places(), Scope::User).unwrap();
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn install(&self, client: Client) -> Result<Change, ConfigError> {
        install(client, Scope::User, &self.places(), "opendesk", &entry(), false)
    }

    fn uninstall(&self, client: Client) -> Result<Change, ConfigError> {
        uninstall(client, Scope::User, &self.places(), "opendesk", false)
    }
}

fn entry() -> Entry {
    let args = ["mcp", "--home", "/home/me/a \"home\" \\ of\tmine"];
    Entry { command: "/opt/open desk/opendesk".to_owned(), args: args.map(str::to_owned).to_vec() }
}

/// Texts that every client which reads JSON reads.
const JSON: [&str; 16] = [
    "",
    "\n",
    "{}",
    "{}\n",
    "{ }",
    "{\n}\n",
    "\u{feff}{}\r\n",
    "{\"SERVERS\":{}}",
    "{\n  \"SERVERS\": {}\n}\n",
    "{\"numStartups\":7,\"SERVERS\":{\"other\":{\"command\":\"x\",\"args\":[]}},\"z\":1}",
    "{\r\n\t\"b\": [1, 2,\r\n\t\t3],\r\n\t\"SERVERS\": {\r\n\t\t\"other\": {\r\n\t\t\t\"command\": \"x\"\r\n\t\t}\r\n\t},\r\n\t\"a\": null\r\n}",
    "{\n    \"deep\": {\"SERVERS\": {\"opendesk\": {\"command\": \"not this one\"}}},\n    \"text\": \"\\u00e9 // no comment, }\"\n}",
    "{\n  \"SERVERS\": {\n    \"a\": {\"command\": \"a\"},\n\n    \"b\": {\"command\": \"b\"}\n  }\n}\n\n\n",
    "  {\"a\":1e400,\"b\":-0.0,\"c\":12345678901234567890}  ",
    "{\n  \"a\": 1,\r\n  \"SERVERS\": {\n  \"x\" : { } }\r\n}\n",
    "{\n\"SERVERS\":\n{\n}\n}",
];

const COMMENTED: [&str; 4] = [
    "// first\n{\n  // about servers\n  \"SERVERS\": { // behind\n    /* a */ \"a\": {\"command\": \"a\"} // last\n    // none below\n  }\n}\n// end\n",
    "/* only a comment */",
    "{ /* nothing */ }\n",
    "{\r\n  // a\r\n  \"x\": 1 // b\r\n  // c\r\n}\r\n",
];

const LENIENT: [&str; 3] = [
    "{\n  \"SERVERS\": {\n    \"a\": {\"command\": \"a\",},\n  },\n}\n",
    "{\"x\": [1,2,],}",
    "{\n\t\"SERVERS\": {\n\t\t\"a\": { \"command\": \"a\", \"args\": [ \"b\", ], }, // c\n\t}, // d\n\t\"inputs\": [],\n}",
];

const TOML: [&str; 12] = [
    "",
    "\n\n",
    "model = \"o3\"\n",
    "model = \"o3\"",
    "\u{feff}model = 'x' # why\r\n\r\n[mcp_servers.other]\r\ncommand = \"x\"\r\nargs = [\r\n  'a', # a\r\n]\r\n",
    "[mcp_servers]\n[mcp_servers.other]\ncommand = \"x\"\n\n[profiles.a]\nb = 1\n# end",
    "mcp_servers.other.command = \"x\"\n[a]\nb = 1\n",
    "[mcp_servers]\nother = { command = \"x\" }\n",
    "# only a comment",
    "[[a]]\nb = 1\r\n[[a]]\n\n\n",
    "[mcp_servers.opendesk2]\ncommand = \"opendesk\"\n",
    "[mcp_servers.\"opendesk.old\"]\ncommand = \"x\" # [mcp_servers.opendesk]\n",
];

fn texts(client: Client) -> Vec<String> {
    let row = client.row();
    let json = |texts: &[&[&str]]| texts.concat().iter().map(|text| text.replace("SERVERS", row.servers)).collect();
    match client {
        Client::Codex => TOML.map(str::to_owned).to_vec(),
        Client::ClaudeCode | Client::ClaudeDesktop => json(&[&JSON]),
        Client::Gemini => json(&[&JSON, &COMMENTED]),
        Client::Cursor | Client::VsCode | Client::Windsurf => json(&[&JSON, &COMMENTED, &LENIENT]),
    }
}

/// The text without what its format lets a reader skip, as a value.
fn value(client: Client, bytes: &[u8]) -> Value {
    let text = core::str::from_utf8(bytes).unwrap().trim_start_matches('\u{feff}');
    if client == Client::Codex {
        let document = text.parse::<toml_edit::DocumentMut>().unwrap();
        return json!(document.iter().map(|(key, item)| (key, plain(item))).collect::<Vec<_>>());
    }
    let root = jsonc_parser::cst::CstRootNode::parse(text, &jsonc_parser::ParseOptions::default()).unwrap();
    // What is a number stays the text that it was.
    json!(root.value().map(|value| value.to_string().split_whitespace().collect::<String>()))
}

fn plain(item: &toml_edit::Item) -> Value {
    match item.as_table_like() {
        Some(table) => json!(table.iter().map(|(key, item)| (key.to_owned(), plain(item))).collect::<Vec<_>>()),
        None => json!(item.to_string().trim()),
    }
}

#[test]
fn what_was_installed_is_read_back_and_a_second_time_changes_nothing() {
    for client in Client::ALL {
        for text in texts(client) {
            let row = client.row();
            let made = edit::put(&row, text.as_bytes(), "opendesk", &entry()).unwrap();
            let shown = String::from_utf8_lossy(&made).into_owned();
            let found = edit::find(&row, &made, "opendesk").unwrap();
            assert_eq!(found, Some(Found::Command(entry())), "{client:?}: {text:?} {shown}");
            assert_eq!(edit::put(&row, &made, "opendesk", &entry()).unwrap(), made, "{client:?}: {shown}");
            let lines = text.lines().map(str::trim).filter(|line| line.contains("//") || line.contains('#'));
            for line in lines {
                let comment = &line[line.find("//").or_else(|| line.find('#')).unwrap()..];
                assert!(shown.contains(comment), "{client:?}: {shown}");
            }
            if text.contains("\r\n") && !text.replace("\r\n", "").contains('\n') {
                assert!(!shown.replace("\r\n", "").contains('\n'), "{client:?}: {shown:?}");
            }
            assert_eq!(text.starts_with('\u{feff}'), shown.starts_with('\u{feff}'));
        }
    }
}

#[test]
fn the_other_servers_stay_what_they_were() {
    for client in Client::ALL {
        for text in texts(client) {
            let row = client.row();
            let made = edit::put(&row, text.as_bytes(), "opendesk", &entry()).unwrap();
            for name in ["other", "a", "b", "x", "opendesk2", "opendesk.old"] {
                assert_eq!(
                    edit::find(&row, &made, name).unwrap(),
                    edit::find(&row, text.as_bytes(), name).unwrap(),
                    "{client:?} {name}"
                );
            }
            let taken = edit::take(&row, &made, "opendesk").unwrap();
            assert_eq!(edit::find(&row, &taken, "opendesk").unwrap(), None);
            // What is left is the original, but for an empty list of servers and the space around it.
            let (left, original) = (value(client, &taken).to_string(), value(client, text.as_bytes()).to_string());
            let empty = format!("\\\"{}\\\":{{}}", row.servers);
            let bare = |text: &str| {
                text.replace(&format!(",{empty}"), "")
                    .replace(&format!("{empty},"), "")
                    .replace(&empty, "")
                    .replace("\"{}\"", "null")
                    .replace(",}", "}")
                    .replace("{/*nothing*/}", "{}")
            };
            let is_skipped = text.contains("/*") || text.contains("//");
            assert!(is_skipped || bare(&left) == bare(&original), "{client:?}:\n{left}\n{original}");
        }
    }
}

#[test]
fn a_file_is_byte_for_byte_what_it_was_before_when_the_entry_is_gone_again() {
    for client in Client::ALL {
        for text in texts(client) {
            let user = User::new();
            let path = user.write(client, text.as_bytes());
            let added = user.install(client).unwrap();
            assert_eq!(added.outcome, Outcome::Added, "{client:?} {text:?}");
            let backup = added.backup.unwrap();
            assert_eq!(fs::read(&backup).unwrap(), text.as_bytes());
            let made = fs::read(&path).unwrap();
            assert_eq!(made, added.after);
            let again = user.install(client).unwrap();
            assert_eq!((again.outcome, again.backup), (Outcome::Unchanged, None));
            assert_eq!(fs::read(&path).unwrap(), made);
            let removed = user.uninstall(client).unwrap();
            assert!(removed.outcome == Outcome::Removed && removed.is_restored, "{client:?} {text:?}");
            assert_eq!(fs::read(&path).unwrap(), text.as_bytes(), "{client:?}");
            assert!(!backup.exists(), "there is nothing that it keeps");
            assert_eq!(user.uninstall(client).unwrap().outcome, Outcome::Absent);
        }
    }
}

#[test]
fn a_file_that_was_not_there_is_private_and_holds_nothing_else() {
    for client in Client::ALL {
        let user = User::new();
        let added = user.install(client).unwrap();
        assert_eq!((added.outcome, added.before, added.backup), (Outcome::Added, None, None));
        let mode = fs::metadata(&added.path).unwrap().mode() & 0o777;
        assert_eq!(mode, 0o600, "{client:?}");
        assert_eq!(user.uninstall(client).unwrap().outcome, Outcome::Removed);
        let left = fs::read_to_string(&added.path).unwrap();
        let expected = match client {
            Client::Codex => String::new(),
            _ => format!("{{\n  \"{}\": {{}}\n}}\n", client.row().servers),
        };
        let squeezed = |text: &str| text.split_whitespace().collect::<String>();
        assert_eq!(squeezed(&left), squeezed(&expected), "{client:?}: {left}");
        let files = fs::read_dir(added.path.parent().unwrap()).unwrap().map(|file| file.unwrap().file_name());
        assert!(!files.into_iter().any(|file| file.to_string_lossy().contains("backup")), "{client:?}");
    }
}

#[test]
fn an_entry_that_starts_something_else_is_replaced_and_what_its_user_set_stays() {
    let user = User::new();
    let old = "{\"mcpServers\": {\"opendesk\": {\"command\": \"/old/opendesk\", \"args\": [\"mcp\"], \
               \"env\": {\"DISPLAY\": \":7\"}}}}";
    let path = user.write(Client::Cursor, old.as_bytes());
    let change = user.install(Client::Cursor).unwrap();
    assert_eq!((change.outcome, change.was.as_deref()), (Outcome::Replaced, Some("/old/opendesk mcp")));
    let made: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(made["mcpServers"]["opendesk"]["env"]["DISPLAY"], ":7");
    assert_eq!(made["mcpServers"]["opendesk"]["command"], entry().command);

    let path = user.write(Client::Codex, b"[mcp_servers.opendesk] # mine\nargs = ['mcp'] # a\ncommand = \"/old\" # c\ntool_timeout_sec = 9\n[mcp_servers.opendesk.env]\nA = '1'\n\n[z]\n");
    let change = user.install(Client::Codex).unwrap();
    assert_eq!((change.outcome, change.was.as_deref()), (Outcome::Replaced, Some("/old mcp")));
    let made = fs::read_to_string(&path).unwrap();
    assert!(made.starts_with("[mcp_servers.opendesk] # mine\nargs = [") && made.contains("# a\n"), "{made}");
    assert!(made.contains("# c\ntool_timeout_sec = 9\n[mcp_servers.opendesk.env]\nA = '1'\n\n[z]\n"), "{made}");
    user.uninstall(Client::Codex).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap().trim(), "[z]");
}

#[test]
fn an_address_under_the_name_is_replaced_as_a_whole_and_never_removed_as_ours() {
    let user = User::new();
    for (client, text) in [
        (
            Client::Gemini,
            "{\"mcpServers\":{\"opendesk\":{\"httpUrl\":\"https://a.example/\",\"headers\":{\"a\":\"b\"}}}}",
        ),
        (Client::Codex, "[mcp_servers.opendesk]\nurl = \"https://a.example/\"\n"),
    ] {
        let path = user.write(client, text.as_bytes());
        let kept = user.uninstall(client).unwrap();
        assert_eq!((kept.outcome, kept.was.as_deref()), (Outcome::Foreign, Some("https://a.example/")));
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        let change = user.install(client).unwrap();
        assert_eq!((change.outcome, change.was.as_deref()), (Outcome::Replaced, Some("https://a.example/")));
        assert!(!fs::read_to_string(&path).unwrap().contains("a.example"));
    }
}

#[test]
fn entries_of_codex_in_other_forms_are_edited_or_refused_and_never_broken() {
    let row = Client::Codex.row();
    let put = |text: &str| edit::put(&row, text.as_bytes(), "opendesk", &entry());
    for text in [
        "[mcp_servers]\nopendesk = { command = \"/old\" }\nother = { command = \"x\" }\n",
        "[mcp_servers.opendesk]\ncommand = \"/old\"",
        "[mcp_servers.opendesk]\ncommand = \"/old\"\r\n[b]\r\n",
        "mcp_servers.opendesk.command = \"/old\"\nmcp_servers.opendesk.args = []\n",
        "mcp_servers = { opendesk = { command = \"/old\", args = [] } }\n",
    ] {
        let made = put(text).unwrap();
        assert_eq!(edit::find(&row, &made, "opendesk").unwrap(), Some(Found::Command(entry())), "{text}");
    }
    for text in [
        "mcp_servers = { other = { command = \"x\" } }\n",
        "mcp_servers = 1\n",
        "[[mcp_servers]]\n",
        "[[mcp_servers.opendesk]]\n",
    ] {
        assert!(put(text).is_err(), "{text}");
    }
    let take = |text: &str| edit::take(&row, text.as_bytes(), "opendesk").map(|made| String::from_utf8(made).unwrap());
    let inline = "[mcp_servers]\na = 1\nopendesk = { command = \"opendesk\" } # c\nb = 2\n";
    assert_eq!(take(inline).unwrap(), "[mcp_servers]\na = 1\nb = 2\n");
    assert!(take("mcp_servers.opendesk.command = \"opendesk\"\n").is_err());
    assert!(take("mcp_servers = { opendesk = { command = \"opendesk\" } }\n").is_err());
}

#[test]
fn a_broken_file_is_refused_with_its_place_and_left_alone() {
    for (client, text, place) in [
        (Client::ClaudeCode, "{\n  \"a\": 1,\n}\n", "line 3, column 1"),
        (Client::ClaudeDesktop, "{\n  // no\n}", "line 2, column 3"),
        (Client::Gemini, "{\n  \"a\": [1,]\n}", "line 2"),
        (Client::VsCode, "{\"servers\": {\"a\" {}}}", "line 1, column 18"),
        (Client::Cursor, "{\"mcpServers\": []}", "line 1, column 2"),
        (Client::Cursor, "[]", "line 1, column 1"),
        (Client::Windsurf, "{\"mcpServers\": {}, \"mcpServers\": {}}", "twice"),
        (Client::Windsurf, "{\"mcpServers\": {\"opendesk\": 1, \"opendesk\": 2}}", "twice"),
        (Client::Codex, "a = 1\nb = \n", "line 2"),
        (Client::Codex, "a = 1\na = 2\n", "line 2, column 1"),
    ] {
        let user = User::new();
        let path = user.write(client, text.as_bytes());
        let error = user.install(client).unwrap_err().to_string();
        assert!(error.contains(place) && error.contains(path.to_str().unwrap()), "{client:?}: {error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        assert_eq!(
            fs::read_dir(path.parent().unwrap())
                .unwrap()
                .filter(|entry| { entry.as_ref().unwrap().file_name().to_string_lossy().contains("backup") })
                .count(),
            0
        );
    }
    let user = User::new();
    user.write(Client::Cursor, b"{\n\xff\xfe}");
    assert!(user.install(Client::Cursor).unwrap_err().to_string().contains("line 2, column 1: this is not UTF-8"));
}

#[test]
fn deep_and_odd_texts_never_panic() {
    for client in Client::ALL {
        let row = client.row();
        for text in ["[", "{\"a\":", "[a", "\"", "{\"a\":[", "'''"].map(|text| text.repeat(3000)) {
            assert!(edit::put(&row, text.as_bytes(), "opendesk", &entry()).is_err(), "{client:?}");
        }
        for text in texts(client) {
            for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
                let cut = &text.as_bytes()[..end];
                if let Ok(made) = edit::put(&row, cut, "opendesk", &entry()) {
                    assert_eq!(edit::find(&row, &made, "opendesk").unwrap(), Some(Found::Command(entry())));
                }
            }
        }
    }
}

#[test]
fn a_linked_file_is_edited_where_it_is_and_stays_linked() {
    let user = User::new();
    let dotfiles = user.path().join("dotfiles");
    fs::create_dir(&dotfiles).unwrap();
    let real = dotfiles.join("gemini.json");
    fs::write(&real, "{}").unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    let path = user.path().join(".gemini/settings.json");
    fs::create_dir(path.parent().unwrap()).unwrap();
    symlink("../dotfiles/gemini.json", &path).unwrap();
    let change = user.install(Client::Gemini).unwrap();
    assert_eq!(change.real.as_deref(), Some(fs::canonicalize(&real).unwrap().as_path()));
    assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
    assert!(fs::read_to_string(&real).unwrap().contains("opendesk"));
    assert_eq!(fs::metadata(&real).unwrap().mode() & 0o777, 0o640);
    assert_eq!(fs::read_dir(&dotfiles).unwrap().count(), 1, "the backup is beside the link");
    user.uninstall(Client::Gemini).unwrap();
    assert_eq!(fs::read_to_string(&real).unwrap(), "{}");

    fs::remove_file(&real).unwrap();
    assert!(
        user.install(Client::Gemini).unwrap_err().to_string().contains("symbolic link to a file that is not there")
    );
}

#[test]
fn what_is_no_file_is_refused() {
    let user = User::new();
    let path = user.path().join(".cursor/mcp.json");
    fs::create_dir_all(&path).unwrap();
    assert!(user.install(Client::Cursor).unwrap_err().to_string().contains("not a regular file"));
    fs::remove_dir(&path).unwrap();
    symlink("/dev/null", &path).unwrap();
    assert!(user.install(Client::Cursor).unwrap_err().to_string().contains("not a regular file"));
    fs::remove_file(&path).unwrap();
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, path.as_path(), rustix::fs::FileType::Fifo, mode, 0).unwrap();
    assert!(user.install(Client::Cursor).unwrap_err().to_string().contains("not a regular file"));
}

#[test]
fn a_link_in_a_project_does_not_lead_out_of_it() {
    let user = User::new();
    let secret = user.path().join("secret.json");
    fs::write(&secret, "{}").unwrap();
    let project = user.path().join("project");
    symlink(&secret, project.join(".mcp.json")).unwrap();
    symlink(user.path(), project.join(".cursor")).unwrap();
    for client in [Client::ClaudeCode, Client::Cursor] {
        let tried = install(client, Scope::Project, &user.places(), "opendesk", &entry(), false);
        assert!(tried.unwrap_err().to_string().contains("leads out of the project"), "{client:?}");
    }
    assert_eq!(fs::read_to_string(&secret).unwrap(), "{}");
    let made = install(Client::VsCode, Scope::Project, &user.places(), "opendesk", &entry(), false).unwrap();
    assert_eq!(made.path, project.join(".vscode/mcp.json"));
}

#[test]
fn the_first_and_the_last_state_are_kept() {
    let user = User::new();
    let path = user.write(Client::Cursor, b"{\"v\": 1}");
    let first = user.install(Client::Cursor).unwrap().backup.unwrap();
    let mut now =
        fs::read_to_string(&path).unwrap().replace("/opt/open desk", "/moved").replace("\"v\": 1", "\"v\": 2");
    fs::write(&path, &now).unwrap();
    let last = user.install(Client::Cursor).unwrap().backup.unwrap();
    assert_ne!(first, last);
    assert_eq!((fs::read_to_string(&first).unwrap(), fs::read_to_string(&last).unwrap()), ("{\"v\": 1}".into(), now));
    let removed = user.uninstall(Client::Cursor).unwrap();
    assert!(!removed.is_restored, "the user has changed it since");
    now = fs::read_to_string(&path).unwrap();
    assert!(now.contains("\"v\": 2") && !now.contains("opendesk"), "{now}");
    assert_eq!(fs::read_to_string(&first).unwrap(), "{\"v\": 1}");
}

#[test]
fn a_dry_run_writes_nothing() {
    for client in Client::ALL {
        let user = User::new();
        let change = install(client, Scope::User, &user.places(), "opendesk", &entry(), true).unwrap();
        assert_eq!((change.outcome, change.before), (Outcome::Added, None));
        assert!(!change.after.is_empty() && fs::read_dir(user.path()).unwrap().count() == 1, "{client:?}");
    }
}

#[test]
fn names_and_paths_that_clients_would_misread_are_refused() {
    let user = User::new();
    for name in ["", "a b", "a.b", "ä", &"a".repeat(65)] {
        let tried = install(Client::Cursor, Scope::User, &user.places(), name, &entry(), false);
        assert!(matches!(tried, Err(ConfigError::Name(_))), "{name}");
    }
    let odd = Entry { command: "/home/$USER/opendesk".to_owned(), args: Vec::new() };
    for client in Client::ALL {
        let tried = install(client, Scope::User, &user.places(), "opendesk", &odd, true);
        let is_plain = matches!(client, Client::ClaudeDesktop | Client::Codex);
        assert_eq!(tried.is_ok(), is_plain, "{client:?}");
    }
}

#[test]
fn every_client_is_looked_for_where_its_system_has_it() {
    let named = |pairs: &'static [(&str, &str)]| {
        move |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
    };
    let places = |system, pairs| Places::new(system, "/u".into(), "/p".into(), named(pairs));
    let file = |client: Client, places: &Places| client.file(places, Scope::User).unwrap().display().to_string();
    let linux = places(System::Linux, &[]);
    let expected = [
        "/u/.claude.json",
        "/u/.config/Claude/claude_desktop_config.json",
        "/u/.cursor/mcp.json",
        "/u/.config/Code/User/mcp.json",
        "/u/.codeium/windsurf/mcp_config.json",
        "/u/.codex/config.toml",
        "/u/.gemini/settings.json",
    ];
    assert_eq!(Client::ALL.map(|client| file(client, &linux)), expected.map(str::to_owned));
    let mac = places(System::MacOs, &[("XDG_CONFIG_HOME", "/x")]);
    assert_eq!(file(Client::VsCode, &mac), "/u/Library/Application Support/Code/User/mcp.json");
    assert_eq!(file(Client::ClaudeDesktop, &mac), "/u/Library/Application Support/Claude/claude_desktop_config.json");
    let windows = places(System::Windows, &[("APPDATA", "/r")]);
    assert_eq!(file(Client::ClaudeDesktop, &windows), "/r/Claude/claude_desktop_config.json");
    assert_eq!(file(Client::VsCode, &windows), "/r/Code/User/mcp.json");
    let other = places(
        System::Linux,
        &[("CLAUDE_CONFIG_DIR", "/c"), ("CODEX_HOME", "/d"), ("GEMINI_CLI_HOME", "/g"), ("XDG_CONFIG_HOME", "/x")],
    );
    assert_eq!(file(Client::ClaudeCode, &other), "/c/.claude.json");
    assert_eq!(file(Client::Codex, &other), "/d/config.toml");
    assert_eq!(file(Client::Gemini, &other), "/g/.gemini/settings.json");
    assert_eq!(file(Client::VsCode, &other), "/x/Code/User/mcp.json");
    let relative = places(System::Linux, &[("CODEX_HOME", "relative"), ("XDG_CONFIG_HOME", "")]);
    assert_eq!(file(Client::Codex, &relative), "/u/.codex/config.toml");
    for (client, project) in [
        (Client::ClaudeCode, Some("/p/.mcp.json")),
        (Client::ClaudeDesktop, None),
        (Client::Windsurf, None),
        (Client::Codex, Some("/p/.codex/config.toml")),
    ] {
        assert_eq!(client.file(&linux, Scope::Project).ok(), project.map(PathBuf::from), "{client:?}");
    }
}

#[test]
fn the_packaged_claude_desktop_of_windows_is_preferred() {
    let user = User::new();
    let package = user.path().join("AppData/Local/Packages/Claude_pzs8sxrjxfjjc/LocalCache/Roaming/Claude");
    fs::create_dir_all(&package).unwrap();
    let places = Places::new(System::Windows, user.path().to_owned(), user.path().to_owned(), |_| None);
    assert!(Client::ClaudeDesktop.is_found(&places));
    let file = Client::ClaudeDesktop.file(&places, Scope::User).unwrap();
    assert_eq!(file, package.join("claude_desktop_config.json"));
}

#[test]
fn a_client_is_found_by_what_it_left() {
    for (client, folder) in [
        (Client::ClaudeCode, ".claude"),
        (Client::ClaudeDesktop, ".config/Claude"),
        (Client::Cursor, ".cursor"),
        (Client::VsCode, ".config/Code"),
        (Client::Windsurf, ".codeium/windsurf"),
        (Client::Codex, ".codex"),
        (Client::Gemini, ".gemini"),
    ] {
        let user = User::new();
        assert!(!client.is_found(&user.places()), "{client:?}");
        fs::create_dir_all(user.path().join(folder)).unwrap();
        let found: Vec<_> = Client::ALL.into_iter().filter(|client| client.is_found(&user.places())).collect();
        assert_eq!(found, [client]);
    }
}
