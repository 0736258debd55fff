//! Every limit of the protocol, each with its reason. docs/SECURITY.md lists what happens at each.

use core::time::Duration;

/// From the accepted connection to the peer's first record: a person's network answers in far less, and a
/// stranger holds a place no longer than this.
pub const HANDSHAKE: Duration = Duration::from_secs(10);

/// How long a refused or closing link may take to read the reason.
pub const LINGER: Duration = Duration::from_secs(2);

/// A link from which nothing came for this long is asked whether it lives.
pub const PING_AFTER: Duration = Duration::from_secs(10);

/// A link from which nothing came for this long is dead: three pings unanswered.
pub const SILENCE: Duration = Duration::from_secs(30);

/// How long a pairing code lives.
pub const PAIRING: Duration = Duration::from_secs(300);

/// Wrong codes after which a pairing window closes: an online guesser of six digits wins with 3 in a million.
pub const PAIRING_TRIES: u8 = 3;

/// The longest pairing code in bytes.
pub const CODE_BYTES: usize = 64;

/// The largest message before authentication; the largest real one is under 200 bytes.
pub const PRE_AUTH_BYTES: usize = 4096;

/// Links of one address that may be unauthenticated at once.
pub const HALF_OPEN_PER_ADDRESS: usize = 4;

/// Links that may be unauthenticated at once.
pub const HALF_OPEN: usize = 32;

/// The largest body of a request, a response or a push.
pub const BODY_BYTES: usize = 16 * 1024 * 1024;

/// Bytes of parameters that the calls in flight of one session may have together. Calls of one chunk are always taken:
/// a click must not fail because a file is on its way.
pub const PARAMETER_BYTES: usize = 2 * BODY_BYTES;

/// Bytes of answers over one chunk that may wait on one session to be sent. Whoever asks for more without reading gets
/// an error instead of the memory of the host.
pub const ANSWER_BYTES: usize = 4 * BODY_BYTES;

/// Bytes of items that a controller may have granted to one stream and not received.
pub const WINDOW_BYTES: u32 = 64 * 1024 * 1024;

/// What an item of a stream costs of its credit besides its own bytes, so that empty ones are not free.
pub const ITEM_COST: u32 = 64;

/// The part of a body that one record carries. Small enough that an input event waits for one chunk at most
/// (0.04 ms of sealing), large enough that the cost of a record disappears in it.
pub const CHUNK_BYTES: usize = 64 * 1024;

/// The longest frame header; a header's length is one byte.
pub const HEADER_BYTES: usize = 255;

/// The AEAD's tag.
pub const TAG_BYTES: usize = 16;

/// The largest record: header length, header, chunk, tag. The buffer given to `poll_transmit` has this size.
pub const RECORD_BYTES: usize = 1 + HEADER_BYTES + CHUNK_BYTES + TAG_BYTES;

/// What a message of version 1 has besides one body and the tag: a dozen keys and a method's name. As much as what version
/// 2 has, so that a body of one chunk makes a message of [`RECORD_BYTES`] in both.
pub const ENVELOPE_BYTES: usize = 1 + HEADER_BYTES;

/// How deep lists and maps of version 1 may lie in each other: an accessibility tree takes two levels for one of its own.
pub const NESTING: usize = 160;

/// Values that a message of version 1 may have, so that it cannot become hundreds of times its own size in memory.
pub const VALUES: usize = 1 << 19;

/// Calls of one session that may be in flight.
pub const CALLS: usize = 64;

/// Requests or responses that may wait to be sent: those of the calls in flight and, besides, refusals of calls beyond
/// them.
pub const ANSWERS: usize = CALLS + 16;

/// Operations of one peer that a host remembers: those of the calls in flight when a link is lost, and as many that
/// ended just before.
pub const OPERATIONS: usize = 2 * CALLS;

/// Peers whose operations a host remembers.
pub const MEMORIES: usize = 8;

/// The longest method name in bytes.
pub const METHOD_BYTES: usize = 40;

/// Earlier keys of its own that a host still answers to, and links of the chain by which a peer follows a machine to the
/// keys that it has now. Each costs one agreement of X25519 for a first message that is for none of them.
pub const FORMER_KEYS: usize = 4;

/// Records under one key, per direction; the key is then replaced. Far below the 2⁶⁴ of the nonce and the 2³²
/// that keep the AEAD's bounds comfortable, and small enough that the path is exercised in use.
pub const REKEY_AFTER: u64 = 1 << 16;

/// UTF-8 bytes that one typing call may carry.
pub const TEXT_BYTES: usize = 16 * 1024;
