//! The floor: an echo over a plain WebSocket, same library, same runtime, no cryptography, no protocol, sockets as they come.

use std::io;

use async_tungstenite::WebSocketStream;
use async_tungstenite::tungstenite::{Error, Message};
use futures_util::{SinkExt, StreamExt};
use opendesk_tokio::Compat;
use tokio::net::{TcpListener, TcpStream};

pub(super) struct Echo {
    address: core::net::SocketAddr,
}

impl Echo {
    pub(super) async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        drop(tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                drop(tokio::spawn(serve(stream)));
            }
        }));
        Ok(Self { address })
    }

    pub(super) async fn connect(&self) -> Result<Link, Error> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let request = format!("ws://{}/", self.address);
        let (socket, _) = async_tungstenite::client_async(request, Compat::from(stream)).await?;
        Ok(Link { socket })
    }
}

async fn serve(stream: TcpStream) {
    let Ok(()) = stream.set_nodelay(true) else { return };
    let Ok(mut socket) = async_tungstenite::accept_async(Compat::from(stream)).await else { return };
    while let Some(Ok(message)) = socket.next().await {
        if !message.is_binary() || socket.send(message).await.is_err() {
            return;
        }
    }
}

pub(super) struct Link {
    socket: WebSocketStream<Compat<TcpStream>>,
}

impl Link {
    pub(super) async fn round_trip(&mut self, bytes: usize) -> Result<(), Error> {
        self.socket.send(Message::Binary(vec![7; bytes].into())).await?;
        match self.socket.next().await {
            Some(Ok(message)) if message.len() == bytes => Ok(()),
            Some(Err(error)) => Err(error),
            _ => Err(Error::ConnectionClosed),
        }
    }

    /// That many messages are sent before the first answer is read.
    pub(super) async fn pipelined(&mut self, count: usize, bytes: usize) -> Result<(), Error> {
        for _ in 0..count {
            self.socket.feed(Message::Binary(vec![7; bytes].into())).await?;
        }
        self.socket.flush().await?;
        for _ in 0..count {
            match self.socket.next().await {
                Some(Ok(message)) if message.len() == bytes => {}
                Some(Err(error)) => return Err(error),
                _ => return Err(Error::ConnectionClosed),
            }
        }
        Ok(())
    }

    pub(super) async fn close(mut self) -> Result<(), Error> {
        self.socket.close(None).await
    }
}
