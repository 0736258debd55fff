//! Standard input and output as the protocol's streams.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite};

#[cfg(unix)]
pub(super) use self::unix::{streams, unread};
#[cfg(windows)]
pub(super) use self::windows::{streams, unread};

/// What the client says.
pub(super) type Input = Box<dyn AsyncRead + Send + Unpin>;

/// What is said to it.
pub(super) type Output = Box<dyn AsyncWrite + Send + Unpin>;

#[cfg(unix)]
mod unix {
    use core::time::Duration;
    use std::fs::File;
    use std::os::fd::{AsFd, OwnedFd};
    use std::os::unix::fs::FileTypeExt;

    use rmcp::transport::stdio_pipes;
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use super::{Input, Output, io};

    /// How often is looked whether a client that says nothing more still reads.
    const LOOK: Duration = Duration::from_millis(50);

    /// The streams, without a thread between them and the event loop where both are pipes, and what the second one is. From
    /// now on the standard output of this process, and of those that it starts, is its standard error: what anybody else
    /// writes there is not in the protocol.
    ///
    /// # Errors
    /// When the system gives no descriptor.
    pub(crate) fn streams() -> io::Result<(Input, Output, OwnedFd)> {
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

    /// Waits until nobody reads any more what is said to the client: the other end of the pipe is closed. A file has no such
    /// end.
    pub(crate) async fn unread(output: OwnedFd) {
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
}

/// It has run under Wine, and on no Windows.
#[cfg(windows)]
mod windows {
    use core::future::pending;

    use super::{Input, Output, io};

    /// The streams. Nothing else of this process writes to its standard output, and it is not taken from what it starts.
    ///
    /// # Errors
    /// None.
    pub(crate) fn streams() -> io::Result<(Input, Output, ())> {
        Ok((Box::new(tokio::io::stdin()), Box::new(tokio::io::stdout()), ()))
    }

    /// Never: that nobody reads any more is found out when something is said.
    pub(crate) async fn unread((): ()) {
        pending().await
    }
}
