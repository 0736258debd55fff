//! The MCP server of this program, as a client on its standard input meets it.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use opendesk_std::desktop::r#virtual::VirtualDesktop;
use opendesk_std::desktop::{Backend, open};
use opendesk_tokio::HostOptions;
use serde_json::{Value, json};

use super::loopback::Loopback;
use super::sample::{self, Sample};
use super::{Report, failed};
use crate::exit::Failure;

/// A server and the two ends of its protocol.
struct Client {
    server: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    last: u64,
}

pub(super) async fn rows(report: &mut Report, rounds: usize) -> Result<(), Failure> {
    let backend = open(Backend::Auto).ok().and_then(|desktop| desktop.name().parse().ok()).unwrap_or(Backend::Virtual);
    let desktop = Arc::new(VirtualDesktop::new(1920, 1080));
    let loopback = Loopback::start(|home| HostOptions::new(home, desktop)).await?;
    let home = loopback.connect.home.path().to_owned();
    let peer = loopback.connect.peer.clone();
    // The host is on this thread, and what blocks is not.
    let measured = tokio::task::spawn_blocking(move || all(&home, backend, &peer, rounds)).await.map_err(failed)??;
    for (what, sample) in measured {
        report.row(&what, sample, None);
    }
    loopback.end().await
}

fn all(home: &Path, backend: Backend, peer: &str, rounds: usize) -> Result<Vec<(String, Sample)>, Failure> {
    let started = starts(&mut || server(home, backend), 10 * rounds)?;
    let mut rows = vec![("mcp: from start to the answer of initialize".to_owned(), started)];
    let mut client = Client::start(server(home, backend)?)?;
    for (place, name) in [("local", format!("local, {backend}")), (peer, "a peer on loopback, virtual".to_owned())] {
        let shot = json!({"peer": place});
        let move_to = json!({"peer": place, "action": "move", "x": 10, "y": 10, "settle_ms": 0});
        for (tool, arguments, times) in [("screenshot", shot, 20), ("mouse", move_to, 200)] {
            rows.push((format!("mcp: {tool}, {name}"), client.calls(tool, &arguments, times * rounds)?));
        }
    }
    client.end()?;
    Ok(rows)
}

/// The MCP server of this program.
pub(super) fn server(home: &Path, backend: Backend) -> Result<Command, Failure> {
    let mut command = Command::new(env::current_exe().map_err(failed)?);
    command.args(["mcp", "--backend", &backend.to_string(), "--home"]).arg(home);
    Ok(command)
}

/// How long a server takes from its start to its first answer.
pub(super) fn starts(server: &mut dyn FnMut() -> Result<Command, Failure>, times: usize) -> Result<Sample, Failure> {
    let mut started = Sample::default();
    for _ in 0..times {
        let command = server()?;
        let begun = sample::now();
        let client = Client::start(command)?;
        started.push(begun.elapsed());
        client.end()?;
    }
    Ok(started)
}

/// How long a server takes for a picture of its own machine.
pub(super) fn shots(server: &mut dyn FnMut() -> Result<Command, Failure>, times: usize) -> Result<Sample, Failure> {
    let mut client = Client::start(server()?)?;
    let shots = client.calls("screenshot", &json!({}), times)?;
    client.end()?;
    Ok(shots)
}

impl Client {
    fn start(mut command: Command) -> Result<Self, Failure> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = command.spawn().map_err(failed)?;
        let (Some(input), Some(output)) = (server.stdin.take(), server.stdout.take()) else {
            return Err(failed("the server has no pipes"));
        };
        let mut client = Self { server, input, output: BufReader::new(output), last: 0 };
        let about = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "bench", "version": "1"},
        });
        client.ask("initialize", &about)?;
        client.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))?;
        Ok(client)
    }

    fn say(&mut self, message: &Value) -> Result<(), Failure> {
        writeln!(self.input, "{message}").and_then(|()| self.input.flush()).map_err(failed)
    }

    fn ask(&mut self, method: &str, params: &Value) -> Result<Value, Failure> {
        self.last += 1;
        let id = self.last;
        self.say(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))?;
        loop {
            let mut line = String::new();
            if self.output.read_line(&mut line).map_err(failed)? == 0 {
                return Err(failed("the MCP server ended"));
            }
            let message: Value = serde_json::from_str(&line).map_err(failed)?;
            if message["id"] == id {
                return Ok(message["result"].clone());
            }
        }
    }

    fn call(&mut self, tool: &str, arguments: &Value) -> Result<(), Failure> {
        let result = self.ask("tools/call", &json!({"name": tool, "arguments": arguments}))?;
        if result["isError"] == false && result["content"].is_array() {
            return Ok(());
        }
        Err(failed(format!("{tool}: {result}")))
    }

    /// How long each of several equal calls takes, after a first one, which opens the desktop or the link.
    fn calls(&mut self, tool: &str, arguments: &Value, times: usize) -> Result<Sample, Failure> {
        self.call(tool, arguments)?;
        let mut sample = Sample::default();
        for _ in 0..times {
            let begun = sample::now();
            self.call(tool, arguments)?;
            sample.push(begun.elapsed());
        }
        Ok(sample)
    }

    /// It ends with its input.
    fn end(self) -> Result<(), Failure> {
        let Self { mut server, input, output, .. } = self;
        drop((input, output));
        let status = server.wait().map_err(failed)?;
        if status.success() { Ok(()) } else { Err(failed(format!("the MCP server ended with {status}"))) }
    }
}
