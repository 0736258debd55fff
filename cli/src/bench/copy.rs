//! Files copied both ways, beside as many bytes through a WebSocket that does nothing but encrypt: same library, same
//! runtime, same cipher, messages of the same size, no files, sockets as they come; and beside a new file of that size that is
//! only written, which both copies do besides. Both far ends have a thread of their own.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use async_tungstenite::WebSocketStream;
use async_tungstenite::tungstenite::{Error, Message};
use chacha20poly1305::aead::inout::InOutBuf;
use chacha20poly1305::{AeadInOut, ChaCha20Poly1305, KeyInit, Nonce, Tag};
use futures_util::{SinkExt, StreamExt};
use opendesk_core::limits;
use opendesk_std::client::transfer::{self, CopyOptions, Step};
use opendesk_std::desktop::Backend;
use opendesk_std::desktop::r#virtual::VirtualDesktop;
use opendesk_std::tools::{OnRuntime, OnTarget, Session};
use opendesk_tokio::{Compat, HostOptions, Tokio};
use tokio::net::{TcpListener, TcpStream};

use super::apart::apart;
use super::loopback::Loopback;
use super::sample::{self, Sample};
use super::{Report, failed};
use crate::exit::Failure;

const MB: usize = 1 << 20;

pub(super) async fn rows(report: &mut Report, rounds: usize) -> Result<(), Failure> {
    let bytes = if rounds == 1 { 32 * MB } else { 256 * MB };
    let desktop = Arc::new(VirtualDesktop::new(1920, 1080));
    let loopback = Loopback::start_apart(|home| HostOptions { files: true, ..HostOptions::new(home, desktop) }).await?;
    let folder = tempfile::tempdir().map_err(failed)?;
    let (source, here, there) = (folder.path().join("source"), folder.path().join("here"), folder.path().join("there"));
    let alone = folder.path().join("alone");
    std::fs::write(&source, vec![7; bytes]).map_err(failed)?;

    let (home, peer) = (loopback.connect.home.clone(), loopback.connect.peer.clone());
    let session = Session::new(home, Backend::Virtual, Box::new(OnRuntime(Tokio)));
    let target = session.target(Some(&peer))?;
    let caller = OnTarget { session: &session, target: &target };
    // Nothing is gone on with: each time all of it is copied.
    let options = CopyOptions { anew: true, ..CopyOptions::default() };
    let unheard = |_: Step<'_>| {};
    let text = |path: &Path| path.display().to_string();

    let mut raw = Raw::start().await?;
    let (mut down, mut up, mut raw_down, mut raw_up, mut writes) =
        (Sample::default(), Sample::default(), Sample::default(), Sample::default(), Sample::default());
    // Side by side, so that what else the machine does falls on all; the first time warms up.
    for round in 0..=rounds {
        let begun = sample::now();
        raw.download(bytes).await.map_err(failed)?;
        let raw_downloaded = begun.elapsed();
        let begun = sample::now();
        transfer::download(&caller, &text(&source), &here, &options, &unheard).await.map_err(failed)?;
        let downloaded = begun.elapsed();
        let begun = sample::now();
        raw.upload(bytes).await.map_err(failed)?;
        let raw_uploaded = begun.elapsed();
        let begun = sample::now();
        transfer::upload(&caller, &here, &text(&there), &options, &unheard).await.map_err(failed)?;
        let uploaded = begun.elapsed();
        let begun = sample::now();
        write(&alone, bytes).map_err(failed)?;
        let written = begun.elapsed();
        std::fs::remove_file(&alone).map_err(failed)?;
        if round > 0 {
            for (sample, time) in [
                (&mut raw_down, raw_downloaded),
                (&mut down, downloaded),
                (&mut raw_up, raw_uploaded),
                (&mut up, uploaded),
                (&mut writes, written),
            ] {
                sample.push(time);
            }
        }
    }
    session.close().await;
    // It watches a folder that goes with the host.
    drop(session);
    let size = bytes / MB;
    let rate = |sample: &Sample| bytes as f64 / sample.median_us();
    report.note(format!("a new file of {size} MiB that is only written: {:.0} MB/s", rate(&writes)));
    for (what, ours, floor) in [("from", down, raw_down), ("to", up, raw_up)] {
        report.note(format!(
            "cp {what} the host: {:.0} MB/s, {:.0} % of {:.0} MB/s of a raw encrypted WebSocket",
            rate(&ours),
            100.0 * rate(&ours) / rate(&floor),
            rate(&floor),
        ));
        report.row(&format!("cp of {size} MiB {what} the host"), ours, Some(("a raw encrypted WebSocket", floor)));
    }
    loopback.end().await
}

/// Writes a new file, as large a part at a time as a copy does.
fn write(path: &Path, bytes: usize) -> std::io::Result<()> {
    let (part, mut file) = (vec![7; MB], File::create(path)?);
    (0..bytes / MB).try_for_each(|_| file.write_all(&part))
}

/// Both ends of a WebSocket whose messages are sealed, the far one as a task.
struct Raw {
    socket: WebSocketStream<Compat<TcpStream>>,
    sealing: Sealing,
}

/// The messages of both ways under one key: what is measured is the work.
struct Sealing {
    cipher: ChaCha20Poly1305,
    sent: u64,
    received: u64,
}

impl Sealing {
    fn new() -> Self {
        Self { cipher: ChaCha20Poly1305::new(&[7; 32].into()), sent: 0, received: 0 }
    }

    fn nonce(number: &mut u64) -> Nonce {
        *number += 1;
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&number.to_le_bytes());
        nonce.into()
    }

    fn seal(&mut self, data: &[u8]) -> Result<Message, Error> {
        let mut message = Vec::with_capacity(data.len() + limits::TAG_BYTES);
        message.extend_from_slice(data);
        let nonce = Self::nonce(&mut self.sent);
        let sealed = self.cipher.encrypt_inout_detached(&nonce, &[], InOutBuf::from(&mut *message));
        message.extend_from_slice(&sealed.map_err(|_| Error::AttackAttempt)?);
        Ok(Message::Binary(message.into()))
    }

    /// What is in a message.
    fn open(&mut self, message: Message) -> Result<Vec<u8>, Error> {
        let mut data = Vec::from(message.into_data());
        let length = data.len().checked_sub(limits::TAG_BYTES).ok_or(Error::AttackAttempt)?;
        let (body, tag) = data.split_at_mut(length);
        let tag = Tag::try_from(&*tag).map_err(|_| Error::AttackAttempt)?;
        let nonce = Self::nonce(&mut self.received);
        let opened = self.cipher.decrypt_inout_detached(&nonce, &[], InOutBuf::from(body), &tag);
        opened.map_err(|_| Error::AttackAttempt)?;
        data.truncate(length);
        Ok(data)
    }
}

/// What the far end is to do with so many bytes.
#[derive(Clone, Copy)]
enum Wanted {
    Sent = 1,
    Taken = 2,
}

impl Raw {
    async fn start() -> Result<Self, Failure> {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).map_err(failed)?;
        let (address, ended) = apart(|| {
            let address = listener.local_addr().map_err(failed)?;
            listener.set_nonblocking(true).map_err(failed)?;
            let listener = TcpListener::from_std(listener).map_err(failed)?;
            let far_end = async move {
                if let Ok((stream, _)) = listener.accept().await {
                    // It ends with its other end.
                    drop(serve(stream).await);
                }
            };
            Ok((address, far_end))
        })?;
        drop(ended);
        let stream = TcpStream::connect(address).await.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        let upgraded = async_tungstenite::client_async(format!("ws://{address}/"), Compat::from(stream)).await;
        Ok(Self { socket: upgraded.map_err(failed)?.0, sealing: Sealing::new() })
    }

    async fn order(&mut self, wanted: Wanted, bytes: usize) -> Result<(), Error> {
        let mut order = vec![wanted as u8];
        order.extend_from_slice(&(bytes as u64).to_le_bytes());
        let order = self.sealing.seal(&order)?;
        self.socket.send(order).await
    }

    async fn download(&mut self, bytes: usize) -> Result<(), Error> {
        self.order(Wanted::Sent, bytes).await?;
        take(&mut self.socket, &mut self.sealing, bytes).await
    }

    async fn upload(&mut self, bytes: usize) -> Result<(), Error> {
        self.order(Wanted::Taken, bytes).await?;
        give(&mut self.socket, &mut self.sealing, bytes).await?;
        take(&mut self.socket, &mut self.sealing, 1).await
    }
}

type Socket = WebSocketStream<Compat<TcpStream>>;

async fn give(socket: &mut Socket, sealing: &mut Sealing, bytes: usize) -> Result<(), Error> {
    let data = vec![7; limits::CHUNK_BYTES];
    let mut left = bytes;
    while left > 0 {
        let part = data.get(..left.min(data.len())).unwrap_or(&data);
        socket.feed(sealing.seal(part)?).await?;
        left -= part.len();
    }
    socket.flush().await
}

async fn take(socket: &mut Socket, sealing: &mut Sealing, bytes: usize) -> Result<(), Error> {
    let mut left = bytes;
    while left > 0 {
        let message = socket.next().await.ok_or(Error::ConnectionClosed)??;
        left = left.saturating_sub(sealing.open(message)?.len());
    }
    Ok(())
}

async fn serve(stream: TcpStream) -> Result<(), Error> {
    stream.set_nodelay(true)?;
    let mut socket = async_tungstenite::accept_async(Compat::from(stream)).await?;
    let mut sealing = Sealing::new();
    while let Some(order) = socket.next().await {
        let order = sealing.open(order?)?;
        let Some((wanted, bytes)) = order.split_first() else { return Ok(()) };
        let bytes = u64::from_le_bytes(bytes.try_into().map_err(|_| Error::AttackAttempt)?) as usize;
        if *wanted == Wanted::Sent as u8 {
            give(&mut socket, &mut sealing, bytes).await?;
        } else {
            take(&mut socket, &mut sealing, bytes).await?;
            // That it has it all.
            give(&mut socket, &mut sealing, 1).await?;
        }
    }
    Ok(())
}
