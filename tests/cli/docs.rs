//! Documents that are made from the program: they are compared, and rewritten with `UPDATE_DOCS=1`.

use core::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use opendesk_std::tools::TOOLS;
use serde_json::Value;

const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs");

fn compare(name: &str, made: &str) {
    let path = Path::new(DOCS).join(name);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, made).expect("docs can be written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == made,
        "docs/{name} is not what the program says; run UPDATE_DOCS=1 cargo test -p opendesk-tests --test cli docs"
    );
}

fn help(args: &[&str]) -> String {
    let output = Command::new(opendesk_tests::bin::opendesk())
        .args(args)
        .arg("--help")
        .env_clear()
        .env("HOME", "/nowhere")
        .env("COLUMNS", "100")
        .output()
        .expect("the program starts");
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// The names of the commands that a help text lists.
fn commands(help: &str) -> Vec<String> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // What is further in is the rest of a description.
    let names = listed.filter_map(|line| line.strip_prefix("  ")?.split(' ').next().filter(|name| !name.is_empty()));
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn the_command_line_is_documented() {
    let top = help(&[]);
    let mut made = format!("# The command line\n\nMade from `--help` by a test.\n\n```text\n{top}\n```\n");
    for name in commands(&top) {
        let own = help(&[&name]);
        write!(made, "\n## opendesk {name}\n\n```text\n{own}\n```\n").unwrap();
        for nested in commands(&own) {
            write!(made, "\n### opendesk {name} {nested}\n\n```text\n{}\n```\n", help(&[&name, &nested])).unwrap();
        }
    }
    compare("cli.md", &made);
}

#[test]
fn the_list_of_tools_is_kept_as_clients_get_it() {
    let folder = crate::Folder::new();
    let listed = crate::opendesk(&folder.home("home"), &["tools", "--format", "mcp"]);
    compare("tools.json", &format!("{}\n", crate::succeeded(&listed)));
}

#[test]
fn the_tools_are_documented() {
    let mut made = String::from("# The tools\n\nWhat an MCP client is offered, made from the program by a test.\n");
    for tool in TOOLS {
        let hints = [
            (tool.hints.read_only, "read-only"),
            (tool.hints.destructive, "destructive"),
            (tool.hints.idempotent, "idempotent"),
            (tool.hints.open_world, "open world"),
        ];
        let hints: Vec<_> = hints.into_iter().filter(|(set, _)| *set).map(|(_, name)| name).collect();
        write!(made, "\n## {}\n\n{} ({}).\n\n{}\n", tool.name, tool.title, hints.join(", "), tool.description).unwrap();
        let schema = Value::Object(tool.schema());
        let required: Vec<_> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let properties = schema["properties"].as_object().unwrap();
        if properties.is_empty() {
            continue;
        }
        made.push_str("\n| argument | type | default | meaning |\n| --- | --- | --- | --- |\n");
        for (name, property) in properties {
            let default = match (&property["default"], required.contains(&name.as_str())) {
                (_, true) => "required".to_owned(),
                (Value::Null, false) => String::new(),
                (value, false) => format!("`{value}`"),
            };
            let meaning = property["description"].as_str().unwrap();
            writeln!(made, "| `{name}` | {} | {default} | {meaning} |", kind(property)).unwrap();
        }
    }
    compare("tools.md", &made);
}

fn kind(property: &Value) -> String {
    if let Some(values) = property["enum"].as_array() {
        return values.iter().filter_map(Value::as_str).map(|value| format!("`{value}`")).collect::<Vec<_>>().join(" ");
    }
    match property["type"].as_str().unwrap_or_default() {
        "array" => format!("list of {}", kind(&property["items"])),
        other => other.to_owned(),
    }
}
