//! What a tool gives back.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// One part of an output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// Text.
    Text(String),
    /// A picture.
    Image {
        /// Its encoding.
        mime_type: &'static str,
        /// Its bytes.
        data: Vec<u8>,
    },
}

impl Block {
    /// The bytes of a picture in base64.
    #[must_use]
    pub fn base64(data: &[u8]) -> String {
        STANDARD.encode(data)
    }

    /// The bytes of a picture from base64; `None` when it is none.
    #[must_use]
    pub fn from_base64(text: &str) -> Option<Vec<u8>> {
        STANDARD.decode(text).ok()
    }
}

/// What a tool gives back: text first, then pictures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The parts.
    pub blocks: Vec<Block>,
    /// Whether the tool failed; the text says why.
    pub is_error: bool,
    /// Whether it failed because somebody has said no: a machine, its owner or what they have set.
    pub is_refused: bool,
}

impl Output {
    /// A line.
    pub fn text(text: impl Into<String>) -> Self {
        Self::of(vec![Block::Text(text.into())])
    }

    /// What did not fail.
    pub(super) const fn of(blocks: Vec<Block>) -> Self {
        Self { blocks, is_error: false, is_refused: false }
    }

    /// The same as a failure.
    pub(super) fn failed(self, is_refused: bool) -> Self {
        Self { is_error: true, is_refused, ..self }
    }

    /// A failure: one cause, one next step.
    pub fn error(text: impl Into<String>) -> Self {
        Self::text(text).failed(false)
    }

    /// All the text.
    #[must_use]
    pub fn all_text(&self) -> String {
        let texts: Vec<&str> = self
            .blocks
            .iter()
            .filter_map(|block| match block {
                Block::Text(text) => Some(text.as_str()),
                Block::Image { .. } => None,
            })
            .collect();
        texts.join("\n")
    }

    /// The first picture's bytes.
    #[must_use]
    pub fn image(&self) -> Option<&[u8]> {
        self.blocks.iter().find_map(|block| match block {
            Block::Image { data, .. } => Some(data.as_slice()),
            Block::Text(_) => None,
        })
    }

    /// The shape of an MCP tool result.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let content: Vec<Value> = self
            .blocks
            .iter()
            .map(|block| match block {
                Block::Text(text) => json!({"type": "text", "text": text}),
                Block::Image { mime_type, data } => {
                    json!({"type": "image", "data": Block::base64(data), "mimeType": mime_type})
                }
            })
            .collect();
        json!({"content": content, "isError": self.is_error})
    }
}
