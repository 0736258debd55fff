//! The agent of the demo: an MCP client that speaks JSON-RPC lines to the real server, in memory.

use std::sync::Arc;

use opendesk_std::api::{Point, Rect};
use opendesk_std::picture::Mapping;
use opendesk_std::tools::{Block, Session};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf};
use tokio::task::JoinHandle;

use crate::exit::Failure;

/// Room for a picture in base64 on its way.
const PIPE_BYTES: usize = 1024 * 1024;

pub(super) struct Agent {
    lines: Lines<BufReader<ReadHalf<DuplexStream>>>,
    writer: WriteHalf<DuplexStream>,
    server: JoinHandle<Result<(), opendesk_tokio::mcp::McpError>>,
    last: u64,
}

/// What a tool said and showed.
pub(super) struct Said {
    pub(super) text: String,
    pub(super) image: Vec<u8>,
    mapping: Option<Mapping>,
}

impl Said {
    /// The pixel of the picture that shows a point of the desktop.
    pub(super) fn pixel(&self, point: Point) -> Result<(u32, u32), Failure> {
        self.mapping
            .and_then(|mapping| mapping.to_picture(point))
            .ok_or_else(|| Failure::failed(format!("{},{} is not in the picture", point.x, point.y)))
    }
}

fn lost(error: impl core::fmt::Display) -> Failure {
    Failure::failed(format!("the MCP server cannot be talked to: {error}"))
}

impl Agent {
    pub(super) async fn start(session: Session) -> Result<Self, Failure> {
        let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
        let server = tokio::spawn(opendesk_tokio::mcp::serve(Arc::new(session), tokio::io::split(theirs)));
        let (reader, writer) = tokio::io::split(ours);
        Ok(Self { lines: BufReader::new(reader).lines(), writer, server, last: 0 })
    }

    async fn send(&mut self, message: &Value) -> Result<(), Failure> {
        self.writer.write_all(format!("{message}\n").as_bytes()).await.map_err(lost)?;
        self.writer.flush().await.map_err(lost)
    }

    async fn request(&mut self, method: &str, params: Value) -> Result<Value, Failure> {
        self.last += 1;
        let id = self.last;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})).await?;
        loop {
            let line = self.lines.next_line().await.map_err(lost)?.ok_or_else(|| lost("it has gone"))?;
            let mut message: Value = serde_json::from_str(&line).map_err(lost)?;
            if message["id"] != json!(id) {
                continue;
            }
            return match message.get_mut("result") {
                Some(result) => Ok(result.take()),
                None => Err(lost(&message["error"]["message"])),
            };
        }
    }

    /// Begins the session and gives the names of the tools.
    pub(super) async fn initialize(&mut self) -> Result<Vec<String>, Failure> {
        let client = json!({"name": "opendesk demo", "version": env!("CARGO_PKG_VERSION")});
        let params = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client});
        self.request("initialize", params).await?;
        self.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await?;
        let listed = self.request("tools/list", json!({})).await?;
        let tools = listed["tools"].as_array().into_iter().flatten();
        Ok(tools.filter_map(|tool| tool["name"].as_str().map(str::to_owned)).collect())
    }

    /// Calls a tool.
    pub(super) async fn call(&mut self, tool: &str, arguments: Value) -> Result<Said, Failure> {
        let result = self.request("tools/call", json!({"name": tool, "arguments": arguments})).await?;
        let text = result["content"][0]["text"].as_str().unwrap_or_default().to_owned();
        if result["isError"] == json!(true) {
            return Err(Failure::failed(format!("{tool}: {text}")));
        }
        let image = result["content"][1]["data"].as_str().and_then(Block::from_base64).unwrap_or_default();
        Ok(Said { text, image, mapping: None })
    }

    /// Takes a picture and finds out what it shows, from what an agent gets: the picture and its text.
    pub(super) async fn screenshot(&mut self) -> Result<Said, Failure> {
        let said = self.call("screenshot", json!({})).await?;
        let mapping = described(&said.text).ok_or_else(|| lost("the picture's text does not say its size"))?;
        Ok(Said { mapping: Some(mapping), ..said })
    }

    /// Says goodbye: the server ends when its input does.
    pub(super) async fn finish(mut self) -> Result<(), Failure> {
        self.writer.shutdown().await.map_err(lost)?;
        self.server.await.map_err(lost)?.map_err(lost)
    }
}

/// Reads "Picture of 1280x800 pixels, showing 1280x800 of the desktop from 0,0."
fn described(text: &str) -> Option<Mapping> {
    let numbers: Vec<f64> = text
        .split(|character: char| !(character.is_ascii_digit() || matches!(character, '.' | '-')))
        .filter_map(|word| word.trim_end_matches('.').parse().ok())
        .collect();
    let [width, height, shown_width, shown_height, x, y, ..] = numbers.as_slice() else { return None };
    Some(Mapping { picture: (*width as u32, *height as u32), area: Rect::new(*x, *y, *shown_width, *shown_height) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_picture_says_what_it_shows() {
        let text = "[on demo] Picture of 1456x819 pixels, showing 1920x1080 of the desktop from -5,0. The coordinates";
        let mapping = described(text).unwrap();
        assert_eq!((mapping.picture, mapping.area), ((1456, 819), Rect::new(-5.0, 0.0, 1920.0, 1080.0)));
    }
}
