//! Standard input and output as the protocol's streams.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;

use rmcp::transport::stdio_pipes;
use tokio::io::{AsyncRead, AsyncWrite};

/// What the client says.
pub(super) type Input = Box<dyn AsyncRead + Send + Unpin>;

/// What is said to it.
pub(super) type Output = Box<dyn AsyncWrite + Send + Unpin>;

/// The streams, without a thread between them and the event loop where both are pipes. From now on the standard output of this
/// process, and of those that it starts, is its standard error: what anybody else writes there is not in the protocol.
///
/// # Errors
/// When the system gives no descriptor.
pub(super) fn streams() -> io::Result<(Input, Output)> {
    let (input, output) = (io::stdin().as_fd().try_clone_to_owned()?, io::stdout().as_fd().try_clone_to_owned()?);
    let streams: (Input, Output) = if is_pipe(input)? && is_pipe(output.try_clone()?)? {
        let (input, output) = stdio_pipes();
        (Box::new(input), Box::new(output))
    } else {
        (Box::new(tokio::io::stdin()), Box::new(tokio::fs::File::from_std(File::from(output))))
    };
    rustix::stdio::dup2_stdout(io::stderr())?;
    Ok(streams)
}

fn is_pipe(stream: OwnedFd) -> io::Result<bool> {
    Ok(File::from(stream).metadata()?.file_type().is_fifo())
}
