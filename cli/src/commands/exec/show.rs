//! What a command elsewhere writes, as it appears here.

use std::io;

use opendesk_std::api::{CommandEnd, CommandOutput};
use opendesk_std::tools::Block;
use serde_json::{Value, json};

use crate::exit::Failure;
use crate::output::{self, Stream};

/// Where it appears.
#[derive(Debug, Clone, Copy)]
pub(super) struct Screen {
    json: bool,
}

impl Screen {
    pub(super) const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Shows a part, on another thread: whoever reads it may take their time, and the connection goes on meanwhile.
    ///
    /// # Errors
    /// When nobody reads any more, or what is shown cannot be written.
    pub(super) async fn show(self, part: CommandOutput) -> Result<(), Failure> {
        let written =
            tokio::task::spawn_blocking(move || self.write(&part)).await.unwrap_or_else(|lost| Err(lost.into()));
        written.map_err(|error| output::unwritten(&error))
    }

    fn write(self, part: &CommandOutput) -> io::Result<()> {
        let CommandOutput { stdout, stderr, ended: _ } = part;
        if self.json {
            let lines = [line("stdout", stdout), line("stderr", stderr)].concat();
            return output::bytes(Stream::Output, lines.as_bytes());
        }
        // Whoever does not want to hear of errors may still want the rest.
        let _heard = output::bytes(Stream::Errors, stderr).is_ok();
        output::bytes(Stream::Output, stdout)
    }

    /// Shows how it ended.
    pub(super) fn close(self, end: CommandEnd, code: u8) {
        if self.json {
            let CommandEnd { returncode, timed_out, duration } = end;
            let signal = (returncode < 0).then(|| returncode.unsigned_abs());
            let end = json!({"exit_code": code, "signal": signal, "timed_out": timed_out, "duration": duration});
            output::line(&end.to_string());
        }
    }
}

fn line(stream: &str, bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return String::new();
    }
    let (kind, shown) = match core::str::from_utf8(bytes) {
        Ok(text) => ("text", Value::from(text)),
        Err(_) => ("base64", Value::from(Block::base64(bytes))),
    };
    format!("{}\n", json!({"stream": stream, kind: shown}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_one_line_of_text_or_of_base64() {
        assert_eq!(line("stdout", b""), "");
        assert_eq!(line("stdout", "a\nü".as_bytes()), "{\"stream\":\"stdout\",\"text\":\"a\\nü\"}\n");
        assert_eq!(line("stderr", b"\xff"), "{\"base64\":\"/w==\",\"stream\":\"stderr\"}\n");
    }
}
