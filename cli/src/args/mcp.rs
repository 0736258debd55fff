//! The arguments of `opendesk mcp`.

use core::net::IpAddr;
use std::path::PathBuf;

use opendesk_std::desktop::Backend;

#[derive(Debug, clap::Args)]
pub(crate) struct Mcp {
    /// What carries the protocol: standard input and output for one client, or HTTP for many
    #[arg(long, value_enum, default_value_t)]
    pub(crate) transport: Transport,
    /// The address to listen on with HTTP; any but this machine's own needs --allow-host as well
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1", value_parser = address)]
    pub(crate) host: IpAddr,
    /// The port to listen on with HTTP; 0 picks a free one
    #[arg(long, default_value_t = 8765)]
    pub(crate) port: u16,
    /// A name or address under which HTTP clients may call this machine besides localhost; may be given again
    #[arg(long, value_name = "NAME")]
    pub(crate) allow_host: Vec<String>,
    /// The file with the token of HTTP clients [default: mcp-token in the home, which is made the first time]
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// The desktop that `local` means: auto, x11 or virtual
    #[arg(long, default_value_t)]
    pub(crate) backend: Backend,
}

/// What carries the protocol.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Transport {
    /// Standard input and output.
    #[default]
    Stdio,
    /// Streamable HTTP.
    Http,
}

fn address(text: &str) -> Result<IpAddr, String> {
    if text.eq_ignore_ascii_case("localhost") {
        return Ok(IpAddr::from([127, 0, 0, 1]));
    }
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse().map_err(|_| "it is no address of this machine; give one such as 127.0.0.1 or ::1".to_owned())
}
