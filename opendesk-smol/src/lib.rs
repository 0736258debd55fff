//! opendesk on smol.
//!
//! [`Server`] makes this machine's desktop, or any [`Computer`](opendesk_std::desktop::Computer), drivable by paired
//! controllers; [`pair`] and [`connect`] are the controller's side. The names are those of `opendesk-tokio`, and so is
//! what they do: everything but the [`Runtime`](opendesk_std::runtime::Runtime) is `opendesk-std`'s.
//!
//! # A host and a controller
//! ```
//! use std::sync::Arc;
//!
//! use opendesk_smol::{ConnectOptions, HostOptions, PairOptions};
//! use opendesk_std::api::{CaptureParams, TextInput};
//! use opendesk_std::desktop::r#virtual::VirtualDesktop;
//! use opendesk_std::home::Home;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! smol::block_on(async {
//!     let desktop = Arc::new(VirtualDesktop::default());
//!     let home = Home::open(Some(folder.path().join("host")))?;
//!     let server = opendesk_smol::serve(HostOptions::new(home, desktop.clone()))?;
//!     let (address, handle) = (server.local_addr(), server.handle());
//!     let running = smol::spawn(server.run());
//!
//!     let code = opendesk_std::pairing_code()?;
//!     handle.open_pairing(&code, std::time::Duration::from_secs(300)).await??;
//!     let home = Home::open(Some(folder.path().join("controller")))?;
//!     let paired = opendesk_smol::pair(&PairOptions {
//!         home: home.clone(),
//!         host: address.ip().to_string(),
//!         port: address.port(),
//!         code,
//!         name: None,
//!     })
//!     .await?;
//!
//!     let client = opendesk_smol::connect(&ConnectOptions { home, peer: paired.name }).await?;
//!     client.text(&TextInput { text: "hello".into(), interval_ms: 0 }).await?;
//!     let picture = client.capture(&CaptureParams::default()).await?;
//!     assert!(desktop.editor_text().contains("hello"));
//!     assert!(picture.data.starts_with(b"\x89PNG"));
//!
//!     client.close().await;
//!     handle.stop();
//!     running.await;
//!     Ok(())
//! })
//! # }
//! ```

#[cfg(unix)]
mod local;
#[cfg(windows)]
mod no_local;
mod runtime;

#[cfg(unix)]
pub use local::{LocalListener, LocalStream};
#[cfg(windows)]
pub use no_local::{LocalListener, LocalStream};
use opendesk_std::client;
pub use opendesk_std::client::{
    Client, ClientError, ConnectOptions, Link, PairOptions, Paired, Remote, RemoteComputer, RemoteOptions, Subscription,
};
use opendesk_std::host;
pub use opendesk_std::host::{HostHandle, HostOptions, Notice, StartError};
pub use runtime::{Smol, SmolListener, SmolTimer};
pub use smol::block_on;

/// A host: the event loop that serves its desktop to paired controllers.
pub type Server = host::Server<Smol>;

/// Starts a host. It serves while [`Server::run`] runs.
///
/// # Errors
/// [`StartError`], one line each.
pub fn serve(options: HostOptions) -> Result<Server, StartError> {
    host::Server::start(Smol, options)
}

/// Opens a session with a paired host.
///
/// # Errors
/// [`ClientError`], after ten seconds at the latest.
pub async fn connect(options: &ConnectOptions) -> Result<Client, ClientError> {
    client::connect(Smol, options).await
}

/// Keeps a paired host connected from its first use on: it is sought where it is, its link is opened again when it breaks
/// off, and what was interrupted is never done twice. Must be called within the runtime.
#[must_use]
pub fn remote(options: RemoteOptions) -> Remote {
    Remote::new(Smol, options)
}

/// Pairs with a host that shows a code.
///
/// # Errors
/// [`ClientError`], after ten seconds at the latest; nothing is stored then.
pub async fn pair(options: &PairOptions) -> Result<Paired, ClientError> {
    client::pair(Smol, options).await
}

/// The desktop at the other end of a session as a [`Computer`](opendesk_std::desktop::Computer): whatever drives a desktop of
/// this machine drives that one. Its methods block, and are called on other threads than the runtime's.
///
/// # Errors
/// [`ClientError`], for a machine that is kept connected and cannot be reached.
///
/// # Examples
/// A host passes on the desktop of another host, and types on it.
/// ```
/// use std::sync::Arc;
///
/// use opendesk_std::Cancel;
/// use opendesk_std::desktop::Computer;
/// use opendesk_std::desktop::r#virtual::VirtualDesktop;
/// use opendesk_std::home::Home;
/// use opendesk_smol::{ConnectOptions, HostOptions, PairOptions};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// smol::block_on(async {
///     let desktop = Arc::new(VirtualDesktop::default());
///     let host = Home::open(Some(folder.path().join("host")))?;
///     let server = opendesk_smol::serve(HostOptions::new(host, desktop.clone()))?;
/// #   let (address, handle) = (server.local_addr(), server.handle());
/// #   let running = smol::spawn(server.run());
/// #   let code = opendesk_std::pairing_code()?;
/// #   handle.open_pairing(&code, std::time::Duration::from_secs(60)).await??;
/// #   let home = Home::open(Some(folder.path().join("controller")))?;
/// #   let (host, port) = (address.ip().to_string(), address.port());
/// #   let options = PairOptions { home: home.clone(), host, port, code, name: None };
/// #   let peer = opendesk_smol::pair(&options).await?.name;
///     // … it is run and paired with as above …
///     let client = opendesk_smol::connect(&ConnectOptions { home, peer }).await?;
///     let remote = Arc::new(opendesk_smol::computer(client).await?);
///     let typist = remote.clone();
///     smol::unblock(move || typist.type_text("hello", std::time::Duration::ZERO, &Cancel::new())).await?;
///     assert_eq!(desktop.editor_text(), "hello");
///
///     let second = Home::open(Some(folder.path().join("second")))?;
///     let between = opendesk_smol::serve(HostOptions::new(second, remote))?;
///     println!("the same desktop is at {} too", between.local_addr());
/// #   drop(between);
/// #   handle.stop();
/// #   running.await;
///     Ok(())
/// })
/// # }
/// ```
pub async fn computer(link: impl Into<Link>) -> Result<RemoteComputer, ClientError> {
    RemoteComputer::new(Smol, link).await
}
