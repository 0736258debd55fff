//! opendesk on tokio.
//!
//! [`Server`] makes this machine's desktop, or any [`Computer`](opendesk_std::desktop::Computer), drivable by paired
//! controllers; [`pair`] and [`connect`] are the controller's side. One thread is enough, and the fastest: a call
//! that has to wake another core takes longer than the whole call otherwise does.
//!
//! # A host and a controller
//! ```
//! use std::sync::Arc;
//!
//! use opendesk_std::api::{CaptureParams, TextInput};
//! use opendesk_std::desktop::r#virtual::VirtualDesktop;
//! use opendesk_std::home::Home;
//! use opendesk_tokio::{ConnectOptions, HostOptions, PairOptions, Server};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//! runtime.block_on(async {
//!     let desktop = Arc::new(VirtualDesktop::default());
//!     let home = Home::open(Some(folder.path().join("host")))?;
//!     let server = opendesk_tokio::serve(HostOptions::new(home, desktop.clone()))?;
//!     let (address, handle) = (server.local_addr(), server.handle());
//!     let running = tokio::spawn(server.run());
//!
//!     // The host shows a code; whoever types it is trusted from then on.
//!     let code = opendesk_std::pairing_code()?;
//!     handle.open_pairing(&code, std::time::Duration::from_secs(300)).await??;
//!     let home = Home::open(Some(folder.path().join("controller")))?;
//!     let paired = opendesk_tokio::pair(&PairOptions {
//!         home: home.clone(),
//!         host: address.ip().to_string(),
//!         port: address.port(),
//!         code,
//!         name: None,
//!     })
//!     .await?;
//!
//!     let client = opendesk_tokio::connect(&ConnectOptions { home, peer: paired.name }).await?;
//!     client.text(&TextInput { text: "hello".into(), interval_ms: 0 }).await?;
//!     let picture = client.capture(&CaptureParams::default()).await?;
//!     assert!(desktop.editor_text().contains("hello"));
//!     assert!(picture.data.starts_with(b"\x89PNG"));
//!
//!     client.close().await;
//!     handle.stop();
//!     running.await?;
//!     Ok(())
//! })
//! # }
//! ```

mod io;
#[cfg(any(feature = "mcp", feature = "view"))]
mod listen;
#[cfg(unix)]
mod local;
#[cfg(feature = "mcp")]
pub mod mcp;
#[cfg(any(feature = "mcp", feature = "view"))]
mod origin;
#[cfg(windows)]
mod pipe;
mod runtime;
#[cfg(any(feature = "mcp", feature = "view"))]
mod secret;
#[cfg(feature = "view")]
pub mod view;

pub use io::Compat;
#[cfg(unix)]
pub use local::{LocalListener, LocalStream};
use opendesk_std::client;
pub use opendesk_std::client::{
    Client, ClientError, ConnectOptions, Link, PairOptions, Paired, Remote, RemoteComputer, RemoteOptions, Subscription,
};
use opendesk_std::host;
pub use opendesk_std::host::{HostHandle, HostOptions, Notice, StartError};
#[cfg(windows)]
pub use pipe::{LocalListener, LocalStream, Pipe};
pub use runtime::{Tokio, TokioListener, TokioTimer};

/// A host: the event loop that serves its desktop to paired controllers.
pub type Server = host::Server<Tokio>;

/// Starts a host. It serves while [`Server::run`] runs.
///
/// # Errors
/// [`StartError`], one line each.
///
/// # Examples
/// ```
/// use std::sync::Arc;
///
/// use opendesk_std::desktop::r#virtual::VirtualDesktop;
/// use opendesk_std::home::Home;
/// use opendesk_tokio::HostOptions;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let home = folder.path().join("home");
/// tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
///     let desktop = Arc::new(VirtualDesktop::new(800, 600));
///     let server = opendesk_tokio::serve(HostOptions::new(Home::open(Some(home))?, desktop))?;
///     println!("listening on {}", server.local_addr());
///     let handle = server.handle();
///     let running = tokio::spawn(server.run());
///     assert!(handle.sessions().await?.is_empty());
///     handle.stop();
///     Ok(running.await?)
/// })
/// # }
/// ```
pub fn serve(options: HostOptions) -> Result<Server, StartError> {
    host::Server::start(Tokio, options)
}

/// Opens a session with a paired host.
///
/// # Errors
/// [`ClientError`], after ten seconds at the latest.
///
/// # Examples
/// The whole way to a session is in [the crate's documentation](crate). Without a pairing there is none:
/// ```
/// use opendesk_std::home::Home;
/// use opendesk_tokio::ConnectOptions;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let home = folder.path().join("home");
/// tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
///     let options = ConnectOptions { home: Home::open(Some(home))?, peer: "desk".into() };
///     match opendesk_tokio::connect(&options).await {
///         Ok(client) => println!("the pointer is at {:?}", client.cursor_position().await?),
///         Err(error) => assert!(error.to_string().contains("no paired machine is called \"desk\"")),
///     }
///     Ok(())
/// })
/// # }
/// ```
pub async fn connect(options: &ConnectOptions) -> Result<Client, ClientError> {
    client::connect(Tokio, options).await
}

/// Keeps a paired host connected from its first use on: it is sought where it is, its link is opened again when it breaks
/// off, and what was interrupted is never done twice. Must be called within the runtime.
#[must_use]
pub fn remote(options: RemoteOptions) -> Remote {
    Remote::new(Tokio, options)
}

/// Pairs with a host that shows a code.
///
/// # Errors
/// [`ClientError`], after ten seconds at the latest; nothing is stored then.
pub async fn pair(options: &PairOptions) -> Result<Paired, ClientError> {
    client::pair(Tokio, options).await
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
/// use opendesk_tokio::{ConnectOptions, HostOptions, PairOptions};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
///     let desktop = Arc::new(VirtualDesktop::default());
///     let host = Home::open(Some(folder.path().join("host")))?;
///     let server = opendesk_tokio::serve(HostOptions::new(host, desktop.clone()))?;
/// #   let (address, handle) = (server.local_addr(), server.handle());
/// #   let running = tokio::spawn(server.run());
/// #   let code = opendesk_std::pairing_code()?;
/// #   handle.open_pairing(&code, std::time::Duration::from_secs(60)).await??;
/// #   let home = Home::open(Some(folder.path().join("controller")))?;
/// #   let (host, port) = (address.ip().to_string(), address.port());
/// #   let options = PairOptions { home: home.clone(), host, port, code, name: None };
/// #   let peer = opendesk_tokio::pair(&options).await?.name;
///     // … it is run and paired with as above …
///     let client = opendesk_tokio::connect(&ConnectOptions { home, peer }).await?;
///     let remote = Arc::new(opendesk_tokio::computer(client).await?);
///     let typist = remote.clone();
///     tokio::task::spawn_blocking(move || typist.type_text("hello", std::time::Duration::ZERO, &Cancel::new())).await??;
///     assert_eq!(desktop.editor_text(), "hello");
///
///     let second = Home::open(Some(folder.path().join("second")))?;
///     let between = opendesk_tokio::serve(HostOptions::new(second, remote))?;
///     println!("the same desktop is at {} too", between.local_addr());
/// #   drop(between);
/// #   handle.stop();
/// #   running.await?;
///     Ok(())
/// })
/// # }
/// ```
pub async fn computer(link: impl Into<Link>) -> Result<RemoteComputer, ClientError> {
    RemoteComputer::new(Tokio, link).await
}
