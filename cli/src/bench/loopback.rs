//! A host and a controller in this process that trust each other, with homes that go with them.

use core::future::Future;
use core::net::SocketAddr;
use core::pin::Pin;
use std::sync::Arc;

use opendesk_std::home::Home;
use opendesk_tokio::{ConnectOptions, HostHandle, HostOptions, PairOptions};
use tempfile::TempDir;

use super::apart::apart;
use super::failed;
use crate::exit::Failure;

pub(super) struct Loopback {
    /// How the controller reaches the host.
    pub(super) connect: ConnectOptions,
    handle: HostHandle,
    /// Ready once the host has stopped.
    ended: Pin<Box<dyn Future<Output = Result<(), Failure>>>>,
    /// Both homes; they are deleted with it.
    folder: Arc<TempDir>,
}

impl Loopback {
    /// Starts the host that is made of this home, and pairs.
    pub(super) async fn start(host: impl FnOnce(Home) -> HostOptions) -> Result<Self, Failure> {
        Self::start_named("host", host, None).await
    }

    /// The same, and the host works on a thread of its own.
    pub(super) async fn start_apart(host: impl FnOnce(Home) -> HostOptions) -> Result<Self, Failure> {
        let folder = Arc::new(tempfile::tempdir().map_err(failed)?);
        let options = host(Home::open(Some(folder.path().join("host")))?);
        let ((address, handle), ended) = apart(|| {
            let server = opendesk_tokio::serve(options)?;
            Ok(((server.local_addr(), server.handle()), server.run()))
        })?;
        let ended = Box::pin(async move { ended.await.map_err(failed) });
        let connect = paired("host", &folder, address, &handle).await?;
        Ok(Self { connect, handle, ended, folder })
    }

    /// Starts another host of the same controller, of another name.
    pub(super) async fn start_named(
        name: &str,
        host: impl FnOnce(Home) -> HostOptions,
        beside: Option<&Self>,
    ) -> Result<Self, Failure> {
        let folder = match beside {
            Some(beside) => Arc::clone(&beside.folder),
            None => Arc::new(tempfile::tempdir().map_err(failed)?),
        };
        let server = opendesk_tokio::serve(host(Home::open(Some(folder.path().join(name)))?))?;
        let (address, handle) = (server.local_addr(), server.handle());
        let running = tokio::spawn(server.run());
        let ended = Box::pin(async move { running.await.map_err(failed) });
        let connect = paired(name, &folder, address, &handle).await?;
        Ok(Self { connect, handle, ended, folder })
    }

    /// Stops the host and waits until it has.
    pub(super) async fn end(self) -> Result<(), Failure> {
        self.handle.stop();
        self.ended.await
    }
}

/// Pairs the controller of this folder with a host, which it calls so.
async fn paired(
    name: &str,
    folder: &TempDir,
    address: SocketAddr,
    handle: &HostHandle,
) -> Result<ConnectOptions, Failure> {
    let home = Home::open(Some(folder.path().join("controller")))?;
    let code = opendesk_std::pairing_code().map_err(failed)?;
    handle.open_pairing(&code, core::time::Duration::from_secs(60)).await.map_err(failed)?.map_err(failed)?;
    let paired = opendesk_tokio::pair(&PairOptions {
        home: home.clone(),
        host: "127.0.0.1".into(),
        port: address.port(),
        code,
        name: Some(name.parse().map_err(failed)?),
    })
    .await?;
    Ok(ConnectOptions { home, peer: paired.name })
}
