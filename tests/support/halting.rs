//! Hosts that stop in the middle of what a host does, on a thread of their own: whatever runtime the controller is on, and
//! however its clock leaps, they stop at the same place.

use core::net::SocketAddr;
use std::io;
use std::thread::{self, JoinHandle};

use async_channel::{Receiver, Sender};
use async_tungstenite::WebSocketStream;
use async_tungstenite::tungstenite::Message;
use futures_util::{AsyncReadExt, AsyncWriteExt, StreamExt};
use opendesk_std::runtime::Runtime;
use opendesk_tokio::{Compat, Tokio};
use tokio::net::TcpStream;

type Link = WebSocketStream<Compat<TcpStream>>;

/// What a host still does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stops {
    /// It takes the connection.
    Accepted,
    /// It answers the upgrade.
    Upgraded,
    /// It is another one up to so many messages, and takes what the controller says.
    After(usize),
    /// The same, and then it is gone.
    GoneAfter(usize),
    /// The same, but the other one hears only so many messages of the controller.
    DeafAfter(usize),
}

/// What it does once it has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// Nothing.
    Silence,
    /// It goes on with one byte each time that the test says so, and never ends what it begins.
    Trickle,
}

/// One of them. It ends with the value.
#[derive(Debug)]
pub struct Halting {
    /// Where it listens.
    pub address: SocketAddr,
    stopped: Receiver<()>,
    more: Sender<Sender<()>>,
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Halting {
    /// Starts one. `behind` is where the host listens that it pretends to be, if it says anything.
    #[must_use]
    pub fn start(stops: Stops, then: Then, behind: Option<SocketAddr>) -> Self {
        let (tell, stopped) = async_channel::unbounded();
        let (more, wanted) = async_channel::bounded(1);
        let (end, ended) = async_channel::bounded::<()>(1);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port of this machine");
        listener.set_nonblocking(true).expect("a listener that does not block");
        let address = listener.local_addr().expect("an address");
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                let serving = async {
                    loop {
                        let (stream, _) = listener.accept().await.expect("a connection");
                        let one = One { stops, then, behind, tell: tell.clone(), wanted: wanted.clone() };
                        // A controller that goes away ends its link, which is what most tests wait for.
                        tokio::spawn(async move { drop(one.serve(Compat::from(stream)).await) });
                    }
                };
                tokio::select! {
                    () = serving => {}
                    _ = ended.recv() => {}
                }
            });
        });
        Self { address, stopped, more, end: Some(end), thread: Some(thread) }
    }

    /// Waits until it has stopped on a link.
    ///
    /// # Panics
    /// When it does not.
    pub async fn stopped(&self) {
        self.stopped.recv().await.expect("it runs");
    }

    /// Has it say one byte more, and waits until that is said. Nobody may listen any more.
    pub async fn trickle(&self) {
        let (said, heard) = async_channel::bounded(1);
        if self.more.send(said).await.is_ok() {
            // Its other end goes away with the link.
            let _gone = heard.recv().await.is_err();
        }
    }
}

impl Drop for Halting {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            // What went wrong on it was told when it did.
            drop(thread.join());
        }
    }
}

/// One link.
struct One {
    stops: Stops,
    then: Then,
    behind: Option<SocketAddr>,
    tell: Sender<()>,
    wanted: Receiver<Sender<()>>,
}

impl One {
    async fn serve(self, mut stream: Compat<TcpStream>) -> io::Result<()> {
        let (messages, heard) = match self.stops {
            Stops::Accepted => {
                let mut request = [0; 4096];
                let _length = stream.read(&mut request).await?;
                // Enough of an answer for the longest of trickles.
                let answer = format!("HTTP/1.1 101 Switching Protocols\r\nX-Opendesk: {}", "x".repeat(200));
                return self.halt(stream, answer.as_bytes()).await;
            }
            Stops::Upgraded => (0, 0),
            Stops::After(messages) | Stops::GoneAfter(messages) => (messages, usize::MAX),
            Stops::DeafAfter(messages) => (usize::MAX, messages),
        };
        let mut link = async_tungstenite::accept_async(stream).await.map_err(io::Error::other)?;
        if (messages, heard) != (0, 0) {
            let behind = self.behind.expect("the host that it pretends to be");
            let stream = Tokio.connect(behind).await?;
            let (mut host, _) =
                async_tungstenite::client_async(format!("ws://{behind}/"), stream).await.map_err(io::Error::other)?;
            pass(&mut link, &mut host, messages, heard).await?;
            if matches!(self.stops, Stops::GoneAfter(_) | Stops::DeafAfter(_)) {
                drop((link, host));
                self.tell.send(()).await.map_err(io::Error::other)?;
                return Ok(());
            }
            // A message of 2,000 bytes begins, as a server writes it.
            let mut message = vec![0x82, 126, 0x07, 0xd0];
            message.resize(2004, 7);
            let passing = async {
                // What the controller still says is taken, as the host behind takes it.
                while let Some(Ok(message)) = host.next().await {
                    drop(message);
                }
                core::future::pending::<()>().await;
            };
            return tokio::select! {
                halted = self.halt(link.into_inner(), &message) => halted,
                () = passing => Ok(()),
            };
        }
        let mut message = vec![0x82, 126, 0x07, 0xd0];
        message.resize(2004, 7);
        self.halt(link.into_inner(), &message).await
    }

    /// Says nothing more, or this in bytes, as long as the controller is there.
    async fn halt(&self, stream: Compat<TcpStream>, bytes: &[u8]) -> io::Result<()> {
        let (mut reads, mut writes) = stream.split();
        self.tell.send(()).await.map_err(io::Error::other)?;
        let gone = async {
            let mut taken = [0; 4096];
            while reads.read(&mut taken).await? > 0 {}
            Ok(())
        };
        let saying = async {
            for byte in bytes {
                if self.then == Then::Silence {
                    break;
                }
                let Ok(said) = self.wanted.recv().await else { break };
                writes.write_all(&[*byte]).await?;
                writes.flush().await?;
                let _waits = said.try_send(()).is_ok();
            }
            core::future::pending().await
        };
        tokio::select! {
            gone = gone => gone,
            said = saying => said,
        }
    }
}

/// Passes messages until the controller has got `messages` of the host, or the host `heard` of the controller.
async fn pass(link: &mut Link, host: &mut Link, messages: usize, heard: usize) -> io::Result<()> {
    let (mut said, mut told) = (0, 0);
    while said < messages && told < heard {
        tokio::select! {
            message = link.next() => {
                forward(message, host).await?;
                told += 1;
            }
            message = host.next() => {
                forward(message, link).await?;
                said += 1;
            }
        }
    }
    Ok(())
}

async fn forward(
    message: Option<Result<Message, async_tungstenite::tungstenite::Error>>,
    to: &mut Link,
) -> io::Result<()> {
    match message {
        Some(Ok(message)) => to.send(message).await.map_err(io::Error::other),
        Some(Err(error)) => Err(io::Error::other(error)),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
