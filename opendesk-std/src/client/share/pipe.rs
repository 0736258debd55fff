//! One connection between an owner and a borrower: messages in, messages out, none of which is waited for.

use core::pin::Pin;
use core::task::{Context, Poll};
use std::collections::VecDeque;

use futures_io::{AsyncRead, AsyncWrite};

use super::wire;

/// Bytes that are read at once, in the middle of a long message and otherwise.
const READ_BYTES: (usize, usize) = (256 * 1024, 4096);

/// Bodies up to this size are written with their head in one go.
const SMALL_BYTES: usize = 4096;

/// Reads, or writes, before everybody else of the event loop gets a turn.
const ROUNDS: u32 = 16;

/// The length before a message.
const LENGTH_BYTES: usize = 4;

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    /// The other side is gone.
    Gone,
    /// It says what this program does not understand.
    Senseless,
}

/// A connection.
pub(super) struct Pipe<S> {
    stream: S,
    /// What has come and was not read yet, from `begin` to `end`.
    arriving: Vec<u8>,
    begin: usize,
    end: usize,
    /// The longest message that may come.
    limit: usize,
    leaving: VecDeque<Leaving>,
    /// How many of them end a call.
    finals: usize,
    /// Bytes of the first of them that are gone.
    sent: usize,
    /// Bytes of all of them.
    bytes: usize,
    rounds: u32,
    /// Whether anything was written since this was last asked.
    moved: bool,
}

/// A message that is to be written.
struct Leaving {
    head: Vec<u8>,
    body: Vec<u8>,
    is_final: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Pipe<S> {
    pub(super) const fn new(stream: S) -> Self {
        Self {
            stream,
            arriving: Vec::new(),
            begin: 0,
            end: 0,
            limit: wire::FIRST_BYTES,
            leaving: VecDeque::new(),
            finals: 0,
            sent: 0,
            bytes: 0,
            rounds: 0,
            moved: false,
        }
    }

    /// The other side has said who it is and may send whole bodies.
    pub(super) const fn admit(&mut self) {
        self.limit = wire::MESSAGE_BYTES;
    }

    /// Queues a message. `is_final` marks those that end a call.
    pub(super) fn push(&mut self, head: &[u8], mut body: Vec<u8>, is_final: bool) {
        // No message is longer than the other side takes: bodies and method names are checked where they come from.
        let length = u32::try_from(head.len() + body.len()).unwrap_or(u32::MAX);
        let mut head = [&length.to_be_bytes(), head].concat();
        if body.len() <= SMALL_BYTES {
            head.append(&mut body);
        }
        self.finals += usize::from(is_final);
        self.bytes += head.len() + body.len();
        self.leaving.push_back(Leaving { head, body, is_final });
    }

    /// Messages that end a call and are not written yet.
    pub(super) const fn finals(&self) -> usize {
        self.finals
    }

    /// Bytes that are not written yet.
    pub(super) const fn waiting(&self) -> usize {
        self.bytes - self.sent
    }

    /// Whether the other side took anything since this was last asked.
    pub(super) const fn has_moved(&mut self) -> bool {
        core::mem::replace(&mut self.moved, false)
    }

    /// The next message, read by `read`.
    pub(super) fn poll_message<T>(
        &mut self,
        cx: &mut Context<'_>,
        read: impl Fn(&[u8]) -> Option<T>,
    ) -> Poll<Result<T, Broken>> {
        loop {
            let mut missing = 0;
            if let Some((length, rest)) = self.arriving[self.begin..self.end].split_first_chunk::<LENGTH_BYTES>() {
                let length = u32::from_be_bytes(*length) as usize;
                if length > self.limit {
                    return Poll::Ready(Err(Broken::Senseless));
                }
                if let Some(message) = rest.get(..length) {
                    let message = read(message).ok_or(Broken::Senseless);
                    self.begin += LENGTH_BYTES + length;
                    return Poll::Ready(message);
                }
                missing = length - rest.len();
            }
            if self.rounds >= ROUNDS {
                self.rounds = 0;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            self.make_room(missing);
            match Pin::new(&mut self.stream).poll_read(cx, &mut self.arriving[self.end..]) {
                Poll::Pending => {
                    self.rounds = 0;
                    return Poll::Pending;
                }
                Poll::Ready(Ok(length @ 1..)) => {
                    self.end += length;
                    self.rounds += 1;
                }
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Err(Broken::Gone)),
            }
        }
    }

    /// Room for what is missing of a message, but for no more at once than comes at once: what is only announced takes no
    /// memory. An idle connection keeps no room for a long message.
    fn make_room(&mut self, missing: usize) {
        if self.begin == self.end {
            (self.begin, self.end) = (0, 0);
            self.arriving.truncate(READ_BYTES.1);
            self.arriving.shrink_to_fit();
        } else if self.begin > 0 {
            self.arriving.copy_within(self.begin..self.end, 0);
            (self.begin, self.end) = (0, self.end - self.begin);
        }
        if self.arriving.len() == self.end {
            self.arriving.resize(self.end + missing.clamp(READ_BYTES.1, READ_BYTES.0), 0);
        }
    }

    /// Writes what is queued, as far as the other side takes it. Ready when all of it is written.
    pub(super) fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        for _ in 0..ROUNDS {
            let Some(first) = self.leaving.front() else {
                return Pin::new(&mut self.stream).poll_flush(cx).map_err(|_| Broken::Gone);
            };
            let part = match first.head.get(self.sent..) {
                Some(head) if !head.is_empty() => head,
                _ => &first.body[self.sent - first.head.len()..],
            };
            match Pin::new(&mut self.stream).poll_write(cx, part) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(written @ 1..)) => {
                    self.sent += written;
                    self.moved = true;
                }
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Err(Broken::Gone)),
            }
            if self.sent == first.head.len() + first.body.len() {
                self.finals -= usize::from(first.is_final);
                self.bytes -= self.sent;
                self.leaving.pop_front();
                self.sent = 0;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use core::task::Waker;
    use std::io;

    use super::*;

    /// The other side of a pipe: what it sends, in pieces of one size, and what it takes.
    struct Other {
        sends: VecDeque<u8>,
        piece: usize,
        taken: Vec<u8>,
        is_gone: bool,
    }

    impl Other {
        fn sending(bytes: &[u8], piece: usize) -> Self {
            Self { sends: bytes.iter().copied().collect(), piece, taken: Vec::new(), is_gone: false }
        }
    }

    impl AsyncRead for Other {
        fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
            let length = self.piece.min(buf.len()).min(self.sends.len());
            if length == 0 && !self.is_gone {
                return Poll::Pending;
            }
            for (byte, sent) in buf.iter_mut().zip(self.sends.drain(..length)) {
                *byte = sent;
            }
            Poll::Ready(Ok(length))
        }
    }

    impl AsyncWrite for Other {
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
            let length = self.piece.min(buf.len());
            self.taken.extend_from_slice(&buf[..length]);
            if length == 0 { Poll::Pending } else { Poll::Ready(Ok(length)) }
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    fn whole(message: &[u8]) -> Option<Vec<u8>> {
        Some(message.to_vec())
    }

    /// Asks until it is neither ready nor out of turn.
    fn read_all(pipe: &mut Pipe<Other>) -> (Vec<Vec<u8>>, Option<Broken>) {
        let (mut cx, mut messages, mut idle) = (Context::from_waker(Waker::noop()), Vec::new(), 0);
        while idle < 3 {
            match pipe.poll_message(&mut cx, whole) {
                Poll::Pending => idle += usize::from(pipe.stream.sends.is_empty()),
                Poll::Ready(Ok(message)) => messages.push(message),
                Poll::Ready(Err(broken)) => return (messages, Some(broken)),
            }
        }
        (messages, None)
    }

    fn written(messages: &[(&[u8], usize, bool)], piece: usize) -> Vec<u8> {
        let mut pipe = Pipe::new(Other::sending(&[], piece));
        for (head, body, is_final) in messages {
            pipe.push(head, vec![7; *body], *is_final);
        }
        let mut cx = Context::from_waker(Waker::noop());
        while pipe.poll_send(&mut cx).is_pending() {}
        assert_eq!(
            (pipe.finals(), pipe.leaving.is_empty(), pipe.has_moved(), pipe.has_moved()),
            (0, true, true, false)
        );
        pipe.stream.taken
    }

    #[test]
    fn messages_arrive_as_they_left_in_pieces_of_any_size() {
        let messages: [(&[u8], usize, bool); 4] =
            [(b"a", 0, true), (b"bc", 5000, false), (b"", 0, true), (b"d", 300_000, true)];
        let expected: Vec<Vec<u8>> = messages.iter().map(|(head, body, _)| [*head, &vec![7; *body]].concat()).collect();
        for piece in [7, 64, 4096, 1 << 20] {
            let mut pipe = Pipe::new(Other::sending(&written(&messages, piece), piece));
            pipe.admit();
            assert_eq!(read_all(&mut pipe), (expected.clone(), None), "in pieces of {piece}");
            assert!(pipe.arriving.capacity() <= 2 * READ_BYTES.1, "an idle one is small");
        }
    }

    #[test]
    fn the_first_message_is_short_and_none_is_longer_than_a_body() {
        let long = written(&[(b"", wire::FIRST_BYTES + 1, false)], 64);
        assert_eq!(read_all(&mut Pipe::new(Other::sending(&long, 64))), (vec![], Some(Broken::Senseless)));
        let mut pipe = Pipe::new(Other::sending(&u32::MAX.to_be_bytes(), 64));
        pipe.admit();
        assert_eq!(read_all(&mut pipe), (vec![], Some(Broken::Senseless)));
        assert!(pipe.arriving.capacity() <= 2 * READ_BYTES.1, "room is made for what comes, not for what is said");
    }

    #[test]
    fn an_end_in_the_middle_is_an_end() {
        let mut bytes = written(&[(b"whole", 0, false), (b"cut off", 0, false)], 64);
        bytes.pop();
        let mut other = Other::sending(&bytes, 64);
        other.is_gone = true;
        assert_eq!(read_all(&mut Pipe::new(other)), (vec![b"whole".to_vec()], Some(Broken::Gone)));
    }

    #[test]
    fn what_ends_a_call_is_counted_until_it_is_written() {
        let mut pipe = Pipe::new(Other::sending(&[], 0));
        pipe.push(b"item", vec![], false);
        pipe.push(b"answer", vec![1; 10_000], true);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(pipe.poll_send(&mut cx).is_pending());
        assert_eq!((pipe.finals(), pipe.has_moved(), pipe.waiting()), (1, false, 4 + 4 + 4 + 6 + 10_000));
        pipe.stream.piece = 100;
        assert!(pipe.poll_send(&mut cx).is_pending(), "others get a turn");
        // Two writes for the first, whose head ends none.
        assert_eq!((pipe.finals(), pipe.has_moved(), pipe.waiting()), (1, true, 10_018 - pipe.stream.taken.len()));
        while pipe.poll_send(&mut cx).is_pending() {}
        assert_eq!((pipe.finals(), pipe.waiting()), (0, 0));
    }
}
