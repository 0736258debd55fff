//! Standard input and output as the protocol's streams.

use rmcp::transport::{StdioReader, StdioWriter, stdio_pipes};

/// The streams, without a thread between them and the event loop where both are pipes.
pub(super) fn streams() -> (StdioReader, StdioWriter) {
    stdio_pipes()
}
