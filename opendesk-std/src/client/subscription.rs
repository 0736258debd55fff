//! A stream as its reader has it.

use core::fmt;
use core::marker::PhantomData;

use async_channel::Receiver;
use opendesk_core::limits::ITEM_COST;

use super::driver::Command;
use super::{ClientError, Waiting};
use crate::api::{Codec, Method};

/// The items of a stream, in order. Dropping it ends the stream.
pub struct Subscription<M> {
    waiting: Waiting,
    items: Receiver<Result<Vec<u8>, ClientError>>,
    codec: Codec,
    of: PhantomData<fn() -> M>,
}

impl<M> fmt::Debug for Subscription<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("waiting", &self.items.len()).finish_non_exhaustive()
    }
}

impl<M: Method> Subscription<M> {
    pub(super) const fn new(waiting: Waiting, items: Receiver<Result<Vec<u8>, ClientError>>, codec: Codec) -> Self {
        Self { waiting, items, codec, of: PhantomData }
    }

    /// The next item; `None` when the stream has ended. It may be asked for again after this future was dropped: nothing
    /// is lost.
    ///
    /// # Errors
    /// Why the stream has ended: see [`Client`](super::Client).
    pub async fn next(&mut self) -> Option<Result<M::Output, ClientError>> {
        let item = match self.items.recv().await {
            Ok(Ok(item)) => item,
            Ok(Err(error)) => {
                self.waiting.answered = true;
                return Some(Err(error));
            }
            Err(_) => {
                self.waiting.answered = true;
                return None;
            }
        };
        // What was read makes room for as much.
        let bytes = u32::try_from(item.len()).unwrap_or(u32::MAX).saturating_add(ITEM_COST);
        drop(self.waiting.commands.try_send(Command::Grant { ticket: self.waiting.ticket, bytes }));
        Some(self.codec.read_item::<M>(&item).map_err(ClientError::Call))
    }
}
