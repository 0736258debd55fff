//! `opendesk mcp`.

use core::net::SocketAddr;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use opendesk_tokio::mcp::{HttpError, HttpOptions, HttpServer, TOKEN_FILE, Token};

use super::{Context, interrupted, session};
use crate::args::{self, Transport};
use crate::exit::Failure;
use crate::output;

/// Below the options of the command.
pub(crate) const HELP: &str = "\
On standard input and output a client starts the server itself; `opendesk install` enters it into
the configuration of the usual ones. By hand:
  claude mcp add opendesk -- opendesk mcp
  {\"mcpServers\": {\"opendesk\": {\"command\": \"opendesk\", \"args\": [\"mcp\"]}}}

With --transport http one server is there for many clients, at http://127.0.0.1:8765/mcp. Every
request shows a token: that of $OPENDESK_MCP_TOKEN, else of --token-file, else of the file mcp-token
in the home, which is made the first time. It is never printed. Pages of the web are refused.
  opendesk mcp --transport http
  claude mcp add --transport http opendesk http://127.0.0.1:8765/mcp \\
      --header \"Authorization: Bearer $(cat ~/.opendesk/mcp-token)\"
Other machines reach it only when it is told under which name. There is no encryption, so put
something before it that has it:
  opendesk mcp --transport http --host 0.0.0.0 --allow-host desk.lan

Where the owner's rules ask for a person's word, the client puts the question if it can; else a
dialog on this machine does.";

/// What holds the token besides files.
const TOKEN_VARIABLE: &str = "OPENDESK_MCP_TOKEN";

/// Bytes of a file that holds a token.
const MOST_TOKEN_BYTES: u64 = 4096;

pub(super) async fn run(context: &Context, options: &args::Mcp) -> Result<(), Failure> {
    match options.transport {
        Transport::Stdio => on_stdio(context, options).await,
        Transport::Http => on_http(context, options).await,
    }
}

/// Standard output is the protocol: nothing is printed here.
async fn on_stdio(context: &Context, options: &args::Mcp) -> Result<(), Failure> {
    let session = Arc::new(session(&context.home, options.backend));
    tokio::select! {
        served = opendesk_tokio::mcp::serve_stdio(Arc::clone(&session)) => {
            served.map_err(|error| Failure::failed(error.to_string()))
        }
        () = interrupted() => {
            session.close().await;
            Err(Failure::interrupted())
        }
    }
}

async fn on_http(context: &Context, options: &args::Mcp) -> Result<(), Failure> {
    let (token, place) = token(context, options.token_file.as_deref())?;
    let address = SocketAddr::new(options.host, options.port);
    let (home, backend) = (context.home.clone(), options.backend);
    let http = HttpOptions { address, allow_hosts: options.allow_host.clone(), token };
    let server = HttpServer::bind(http, move || session(&home, backend))?;
    output::note(&format!("MCP clients are served at {}", server.url()));
    output::note(&format!("each shows the token of {place}; Ctrl-C ends it"));
    server.run(interrupted()).await;
    Ok(())
}

/// The token, and where it is.
fn token(context: &Context, file: Option<&Path>) -> Result<(Token, String), Failure> {
    if let Some(given) = std::env::var_os(TOKEN_VARIABLE).filter(|given| !given.is_empty()) {
        let token = Token::new(&given.to_string_lossy());
        let token = token.map_err(|why| Failure::usage(format!("${TOKEN_VARIABLE}: {why}")))?;
        return Ok((token, format!("${TOKEN_VARIABLE}")));
    }
    if let Some(file) = file {
        let mut text = String::new();
        let read = std::fs::File::open(file).and_then(|file| file.take(MOST_TOKEN_BYTES).read_to_string(&mut text));
        read.map_err(|error| Failure::unusable(format!("{} cannot be read: {error}", file.display())))?;
        let token = Token::new(&text).map_err(|why| Failure::unusable(format!("{}: {why}", file.display())))?;
        return Ok((token, file.display().to_string()));
    }
    let token = Token::of(&context.home)?.map_err(Failure::unusable)?;
    Ok((token, context.home.path().join(TOKEN_FILE).display().to_string()))
}

impl From<HttpError> for Failure {
    fn from(error: HttpError) -> Self {
        let message = error.to_string();
        match error {
            HttpError::Open(_) | HttpError::Name(_) => Self::usage(message),
            HttpError::Listen { .. } => Self::failed(message).with_code(7),
        }
    }
}
