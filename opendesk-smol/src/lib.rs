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

mod local;
mod runtime;

pub use local::{LocalListener, LocalStream};
use opendesk_std::client;
pub use opendesk_std::client::{Client, ClientError, ConnectOptions, PairOptions, Paired, Subscription};
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

/// Pairs with a host that shows a code.
///
/// # Errors
/// [`ClientError`], after ten seconds at the latest; nothing is stored then.
pub async fn pair(options: &PairOptions) -> Result<Paired, ClientError> {
    client::pair(Smol, options).await
}
