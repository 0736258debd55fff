//! A raw WebSocket, for peers that do not keep to the protocol.

use core::net::SocketAddr;
use core::time::Duration;

use async_tungstenite::WebSocketStream;
use async_tungstenite::tungstenite::{Error, Message};
use futures_util::StreamExt;
use opendesk_std::runtime::Runtime;
use opendesk_tokio::{Compat, Tokio};
use tokio::net::TcpStream;

/// One link.
#[derive(Debug)]
pub struct Raw(WebSocketStream<Compat<TcpStream>>);

/// Opens a link without saying anything on it.
///
/// # Errors
/// What the WebSocket layer says.
pub async fn open(address: SocketAddr) -> Result<Raw, Error> {
    let stream = Tokio.connect(address).await?;
    Ok(Raw(async_tungstenite::client_async(format!("ws://{address}/"), stream).await?.0))
}

impl Raw {
    /// Sends a binary message.
    pub async fn send(&mut self, message: &[u8]) {
        // The other side may have closed already, which is what most of these tests want.
        drop(self.0.send(Message::Binary(message.to_vec().into())).await);
    }

    /// Sends an empty WebSocket ping.
    ///
    /// # Errors
    /// When the link is closed.
    pub async fn ping(&mut self) -> Result<(), Error> {
        self.0.send(Message::Ping(Vec::new().into())).await
    }

    /// Sends a text message.
    pub async fn send_text(&mut self, text: &str) {
        drop(self.0.send(Message::Text(text.into())).await);
    }

    /// The next binary message; `None` when the link is closed.
    pub async fn receive(&mut self) -> Option<Vec<u8>> {
        let next = async {
            loop {
                match self.0.next().await {
                    Some(Ok(Message::Binary(bytes))) => return Some(bytes.to_vec()),
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return None,
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), next).await.expect("a message or the end")
    }

    /// Reads until the link is closed, and gives what came.
    pub async fn drain(&mut self) -> Vec<Vec<u8>> {
        let mut messages = Vec::new();
        while let Some(message) = self.receive().await {
            messages.push(message);
        }
        messages
    }
}
