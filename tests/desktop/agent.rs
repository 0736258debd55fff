//! The MCP server on a desktop of its machine, and a client that writes its lines.

use std::path::Path;
use std::process::Stdio;

use opendesk_tests::bin::{Running, command};
use opendesk_tests::desktop::TestDesktop;
use serde_json::{Value, json};

/// An agent's server on a desktop, and its client, who asks the person what it is told to.
pub(crate) struct Agent {
    pub(crate) server: Running,
    /// How many were made.
    pub(crate) calls: u64,
}

impl Agent {
    /// `capabilities` are those of the client. Accessibility is there where the desktop has a session.
    pub(crate) fn start(desktop: &TestDesktop, home: &Path, capabilities: &Value) -> Self {
        let mut server = command(home, &["mcp", "--backend", "x11"]);
        server.env("DISPLAY", desktop.display()).env("XDG_RUNTIME_DIR", desktop.run_dir()).stdin(Stdio::piped());
        server.envs(desktop.bus().map(|bus| ("DBUS_SESSION_BUS_ADDRESS", bus)));
        let mut agent = Self { server: Running::start(server), calls: 0 };
        let client = json!({"name": "test", "version": "1"});
        let params = json!({"protocolVersion": "2025-06-18", "clientInfo": client, "capabilities": capabilities});
        agent.say(&json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}));
        agent.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        agent
    }

    pub(crate) fn say(&mut self, message: &Value) {
        self.server.say(&message.to_string());
    }

    pub(crate) fn hear(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        self.server.hear(|line| serde_json::from_str::<Value>(line).ok().filter(&is_it))
    }

    pub(crate) fn begin(&mut self, tool: &str, arguments: Value) -> u64 {
        self.calls += 1;
        let params = json!({"name": tool, "arguments": arguments});
        self.say(&json!({"jsonrpc": "2.0", "id": self.calls, "method": "tools/call", "params": params}));
        self.calls
    }

    /// What the call said, and whether it failed.
    pub(crate) fn end(&mut self, id: u64) -> (String, bool) {
        let answer = self.hear(|message| message["id"] == id && message.get("method").is_none());
        let result = &answer["result"];
        let texts = result["content"].as_array().into_iter().flatten().filter_map(|block| block["text"].as_str());
        (texts.collect::<Vec<_>>().join("\n"), result["isError"] == true)
    }
}
