//! Standard input and output as the protocol's streams.

use core::time::Duration;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;

use rmcp::transport::stdio_pipes;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::io::{AsyncRead, AsyncWrite};

/// How often is looked whether a client that says nothing more still reads.
const LOOK: Duration = Duration::from_millis(50);

/// What the client says.
pub(super) type Input = Box<dyn AsyncRead + Send + Unpin>;

/// What is said to it.
pub(super) type Output = Box<dyn AsyncWrite + Send + Unpin>;

/// The streams, without a thread between them and the event loop where both are pipes, and what the second one is. From now
/// on the standard output of this process, and of those that it starts, is its standard error: what anybody else writes there
/// is not in the protocol.
///
/// # Errors
/// When the system gives no descriptor.
pub(super) fn streams() -> io::Result<(Input, Output, OwnedFd)> {
    let (input, output) = (io::stdin().as_fd().try_clone_to_owned()?, io::stdout().as_fd().try_clone_to_owned()?);
    let said = output.try_clone()?;
    let (input, output): (Input, Output) = if is_pipe(input)? && is_pipe(output.try_clone()?)? {
        let (input, output) = stdio_pipes();
        (Box::new(input), Box::new(output))
    } else {
        (Box::new(tokio::io::stdin()), Box::new(tokio::fs::File::from_std(File::from(output))))
    };
    rustix::stdio::dup2_stdout(io::stderr())?;
    Ok((input, output, said))
}

/// Waits until nobody reads any more what is said to the client: the other end of the pipe is closed. A file has no such end.
pub(super) async fn unread(output: OwnedFd) {
    while !is_unread(&output) {
        tokio::time::sleep(LOOK).await;
    }
}

fn is_unread(output: &OwnedFd) -> bool {
    let mut looked_at = [PollFd::new(output, PollFlags::empty())];
    let told = poll(&mut looked_at, Some(&Timespec::default()));
    told.is_ok() && looked_at[0].revents().contains(PollFlags::ERR)
}

fn is_pipe(stream: OwnedFd) -> io::Result<bool> {
    Ok(File::from(stream).metadata()?.file_type().is_fifo())
}
