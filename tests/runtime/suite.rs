//! What every adapter must do. Nothing here knows which one it runs on.

#![expect(clippy::unwrap_used, reason = "every function here is the body of a test")]

use core::net::SocketAddr;
use core::time::Duration;
use std::sync::Arc;

use futures_util::{AsyncReadExt, AsyncWriteExt};
use opendesk_core::{Reason, limits};
use opendesk_std::api::{
    CaptureParams, ClipboardContents, ClipboardEntry, InputText, KeyEvent, PictureFormat, PictureProfile, Press,
    SubscribeParams, TextInput,
};
use opendesk_std::client::{self, Client, ClientError, ConnectOptions, PairOptions, Paired};
use opendesk_std::desktop::r#virtual::VirtualDesktop;
use opendesk_std::home::{Home, Peers};
use opendesk_std::host::{HostHandle, HostOptions, Invitation, Server, pair_through_running};
use opendesk_std::runtime::{Runtime, timeout};
use tempfile::TempDir;

struct Rig<R: Runtime> {
    runtime: R,
    folder: TempDir,
    address: SocketAddr,
    handle: HostHandle,
    desktop: Arc<VirtualDesktop>,
    ended: async_channel::Receiver<()>,
}

impl<R: Runtime> Rig<R> {
    fn start(runtime: R) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let desktop = Arc::new(VirtualDesktop::default());
        let home = Home::open(Some(folder.path().join("host"))).expect("a home");
        let options = HostOptions::new(home, Arc::clone(&desktop) as _);
        let server = Server::start(runtime.clone(), options).expect("a host");
        let (address, handle) = (server.local_addr(), server.handle());
        let (end, ended) = async_channel::bounded(1);
        runtime.spawn(async move {
            server.run().await;
            drop(end);
        });
        Self { runtime, folder, address, handle, desktop, ended }
    }

    fn home(&self, name: &str) -> Home {
        Home::open(Some(self.folder.path().join(name))).expect("a home")
    }

    async fn try_code(&self, name: &str, code: &str) -> Result<Paired, ClientError> {
        let options = PairOptions {
            home: self.home(name),
            host: self.address.ip().to_string(),
            port: self.address.port(),
            code: code.to_owned(),
            name: Some("host".parse().expect("a name")),
        };
        client::pair(self.runtime.clone(), &options).await
    }

    async fn show(&self, code: &str) {
        self.handle.open_pairing(code, Duration::from_secs(60)).await.expect("the host runs").expect("a code");
    }

    async fn pair(&self, name: &str) -> Paired {
        self.show("424242").await;
        let paired = self.try_code(name, "424242").await.expect("the right code");
        self.until("the pairing's own session ends", async || {
            self.handle.sessions().await.expect("the host runs").is_empty()
        })
        .await;
        paired
    }

    async fn connect(&self, name: &str) -> Result<Client, ClientError> {
        let options = ConnectOptions { home: self.home(name), peer: "host".into() };
        client::connect(self.runtime.clone(), &options).await
    }

    async fn until(&self, what: &str, so: impl AsyncFn() -> bool) {
        let waiting = async {
            while !so().await {
                self.pause(Duration::from_millis(5)).await;
            }
        };
        assert!(timeout(&self.runtime, Duration::from_secs(20), waiting).await.is_some(), "{what}");
    }

    async fn pause(&self, time: Duration) {
        assert!(timeout(&self.runtime, time, core::future::pending::<()>()).await.is_none());
    }

    async fn stop(self) {
        self.handle.stop();
        assert!(self.ended.recv().await.is_err(), "the host drops the other end when it ends");
    }
}

fn text(text: &str, interval_ms: u32) -> TextInput {
    TextInput { text: text.into(), interval_ms }
}

fn down(keysym: &str) -> KeyEvent {
    KeyEvent { action: Press::Down, keysym: keysym.into(), modifiers: vec![] }
}

pub(crate) async fn a_host_is_paired_driven_and_left<R: Runtime>(runtime: R) {
    let rig = Rig::start(runtime);
    let paired = rig.pair("controller").await;
    assert_eq!((paired.name.as_str(), paired.words.split(' ').count()), ("host", 4));
    let client = rig.connect("controller").await.unwrap();
    client.text(&text("größer als nichts", 0)).await.unwrap();
    assert_eq!(rig.desktop.editor_text(), "größer als nichts");
    let picture = client.capture(&CaptureParams::default()).await.unwrap();
    assert_eq!((picture.width, picture.height), (1280, 800));
    client.close().await;
    assert!(!client.is_open());
    rig.stop().await;
}

pub(crate) async fn another_controller_is_busy_and_comes_later<R: Runtime>(runtime: R) {
    let rig = Rig::start(runtime);
    rig.pair("first").await;
    rig.pair("second").await;
    let first = rig.connect("first").await.unwrap();
    let busy = rig.connect("second").await.unwrap_err();
    assert!(matches!(busy, ClientError::Refused { reason: Reason::BUSY, info: Some(_) }), "{busy}");
    first.capabilities().await.unwrap();
    drop(first);
    rig.until("the place is free", async || rig.connect("second").await.is_ok()).await;
}

pub(crate) async fn the_same_peer_takes_its_place_and_nothing_is_held<R: Runtime>(runtime: R) {
    let rig = Rig::start(runtime);
    rig.pair("controller").await;
    let first = rig.connect("controller").await.unwrap();
    first.key(&down("shift")).await.unwrap();
    assert_eq!(rig.desktop.held_keys().len(), 1);
    let second = rig.connect("controller").await.unwrap();
    assert!(rig.desktop.held_keys().is_empty());
    second.key(&down("ctrl")).await.unwrap();
    assert!(first.capabilities().await.is_err());
    let desktop = Arc::clone(&rig.desktop);
    rig.stop().await;
    assert!(desktop.held_keys().is_empty());
}

pub(crate) async fn wrong_codes_are_counted<R: Runtime>(runtime: R) {
    let rig = Rig::start(runtime);
    rig.show("424242").await;
    for left in [2, 1, 0] {
        let error = rig.try_code("stranger", "999999").await.unwrap_err();
        assert!(matches!(error, ClientError::WrongCode { tries_left } if tries_left == left), "{error}");
    }
    let error = rig.try_code("stranger", "424242").await.unwrap_err();
    assert!(matches!(error, ClientError::Closed(Reason::NOT_PAIRING)), "{error}");
    assert!(Peers::load(&rig.home("host")).unwrap().list().is_empty());
}

pub(crate) async fn many_calls_at_once_are_answered<R: Runtime>(runtime: R) {
    let rig = Rig::start(runtime);
    rig.pair("controller").await;
    let client = rig.connect("controller").await.unwrap();
    let answers = futures_util::future::join_all((0..300).map(|_| client.cursor_position())).await;
    assert!(answers.iter().all(Result::is_ok));
}

pub(crate) async fn large_bodies_arrive<R: Runtime>(runtime: R) {
    let rig = Rig::start(runtime);
    rig.pair("controller").await;
    let client = rig.connect("controller").await.unwrap();
    let data: Vec<u8> = (0..3_000_001_u32).map(|number| (number * 7 % 251) as u8).collect();
    let entry = ClipboardEntry { mime_type: "application/octet-stream".into(), data };
    let contents = ClipboardContents { entries: vec![entry] };
    client.clipboard_write(&contents).await.unwrap();
    assert_eq!(client.clipboard_read().await.unwrap(), contents);
    let raw =
        CaptureParams { profile: PictureProfile::Native, format: PictureFormat::RawRgba, ..CaptureParams::default() };
    assert_eq!(client.capture(&raw).await.unwrap().data.len(), 1280 * 800 * 4);
}

pub(crate) async fn a_dropped_call_is_cancelled<R: Runtime>(runtime: R) {
    let rig = Rig::start(runtime);
    rig.pair("controller").await;
    let client = rig.connect("controller").await.unwrap();
    let slow = text(&"x".repeat(1000), 20);
    let typing = client.call::<InputText>(&slow);
    assert!(timeout(&rig.runtime, Duration::from_millis(150), typing).await.is_none());
    client.text(&text("!", 0)).await.unwrap();
    let typed = rig.desktop.editor_text();
    assert!(typed.ends_with('!') && typed.len() < 1000, "{}", typed.len());
}

pub(crate) async fn programs_of_one_machine_share_a_session<R: Runtime>(runtime: R) {
    let rig = Rig::start(runtime);
    rig.pair("controller").await;
    let options = ConnectOptions { home: rig.home("controller"), peer: "host".into() };
    let owner = client::connect_shared(rig.runtime.clone(), &options).await.unwrap();
    let borrower = client::connect_shared(rig.runtime.clone(), &options).await.unwrap();
    assert_eq!(owner.handshake(), borrower.handshake());
    let entry = ClipboardEntry { mime_type: "application/octet-stream".into(), data: vec![7; 3_000_001] };
    let contents = ClipboardContents { entries: vec![entry] };
    borrower.clipboard_write(&contents).await.unwrap();
    assert_eq!(borrower.clipboard_read().await.unwrap(), contents);
    let mut pictures = borrower.watch(&SubscribeParams::default()).await.unwrap();
    assert!(pictures.next().await.unwrap().unwrap().keyframe);
    borrower.key(&down("shift")).await.unwrap();
    assert_eq!((rig.desktop.held_keys().len(), rig.handle.sessions().await.unwrap().len()), (1, 1));
    drop((pictures, borrower));
    rig.until("what it held is released", async || rig.desktop.held_keys().is_empty()).await;
    let borrower = client::connect_shared(rig.runtime.clone(), &options).await.unwrap();
    owner.close().await;
    assert_eq!(borrower.ended().await, Reason::LOST);
    let next = client::connect_shared(rig.runtime.clone(), &options).await.unwrap();
    assert_ne!(next.handshake(), borrower.handshake());
    next.capabilities().await.unwrap();
}

pub(crate) async fn a_silent_host_is_given_up<R: Runtime>(runtime: R) {
    let rig = Rig::start(runtime);
    rig.pair("controller").await;
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut peers = Peers::load(&rig.home("controller")).unwrap();
    let key = peers.by_name("host").unwrap().public_key;
    peers.set_endpoint(&key, "127.0.0.1", silent.local_addr().unwrap().port()).unwrap();
    let error = rig.connect("controller").await.unwrap_err();
    assert!(matches!(error, ClientError::Timeout { .. }), "{error}");
}

pub(crate) async fn a_stranger_who_says_nothing_is_closed<R: Runtime>(runtime: R) {
    let rig = Rig::start(runtime);
    let mut stream = rig.runtime.connect(rig.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    let closed = timeout(&rig.runtime, limits::HANDSHAKE * 2, stream.read(&mut [0; 64])).await;
    assert!(matches!(closed, Some(Ok(0) | Err(_))), "{closed:?}");
}

pub(crate) async fn a_running_host_shows_a_code_for_another_program<R: Runtime>(runtime: R) {
    let rig = Rig::start(runtime);
    let (told, port) = async_channel::bounded(1);
    let home = rig.home("host");
    let limit = Duration::from_secs(30);
    let invitation = Invitation { lasting: limit, ..Invitation::new("313131") };
    let showing = pair_through_running(&rig.runtime, &home, &invitation, move |port| {
        told.try_send(port).expect("told once");
    });
    let pairing = async {
        assert_eq!(port.recv().await, Ok(rig.address.port()));
        rig.try_code("controller", "313131").await.unwrap()
    };
    let (newcomer, paired) = futures_util::future::join(showing, pairing).await;
    assert_eq!(newcomer.unwrap().words, paired.words);
}
