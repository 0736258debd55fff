//! Frames: what is encoded is decoded, nothing else is, and the future is met as docs/PROTOCOL.md says.

use opendesk_core::frame::{
    FIRST_OPTIONAL, Frame, Header, Hello, Role, SessionKind, Signature, Signed, decode, encode,
};
use opendesk_core::{Malformed, OperationId, Reason, limits};
use proptest::prelude::*;

/// A header that owns its method.
#[derive(Debug, Clone)]
enum Owned {
    Request { id: u32, operation: OperationId, method: String, total: u32 },
    Other(Header<'static>),
}

impl Owned {
    fn header(&self) -> Header<'_> {
        match self {
            Self::Request { id, operation, method, total } => {
                Header::Request { id: *id, operation: *operation, method, total: *total, stream: None }
            }
            Self::Other(header) => *header,
        }
    }
}

fn hellos() -> impl Strategy<Value = Header<'static>> {
    let role = prop_oneof![Just(Role::Controller), Just(Role::Host)];
    let rest =
        (any::<u8>(), any::<u16>(), any::<[u8; 32]>(), any::<[[u8; 32]; 2]>(), any::<Option<u16>>(), any::<u64>());
    (role, rest).prop_map(|(role, (kind, protocol, signing_key, signature, error, memory))| {
        Header::Hello(Hello {
            role,
            kind: SessionKind(kind),
            protocol,
            signed: Some(Signed { key: signing_key, signature: Signature(signature) }),
            error: error.map(Reason),
            memory,
        })
    })
}

fn headers() -> impl Strategy<Value = Owned> {
    let request = (any::<u32>(), any::<OperationId>(), ".{0,40}", any::<u32>())
        .prop_map(|(id, operation, method, total)| Owned::Request { id, operation, method, total });
    let others = prop_oneof![
        hellos(),
        (any::<u32>(), any::<u16>(), any::<u32>()).prop_map(|(id, status, total)| Header::Response {
            id,
            status,
            total
        }),
        any::<u32>().prop_map(|id| Header::Chunk { id }),
        any::<u32>().prop_map(|id| Header::Cancel { id }),
        any::<u16>().prop_map(|topic| Header::Push { topic }),
        any::<u32>().prop_map(|token| Header::Ping { token }),
        any::<u32>().prop_map(|token| Header::Pong { token }),
        any::<u16>().prop_map(|reason| Header::Close { reason: Reason(reason) }),
        (any::<u32>(), any::<u32>()).prop_map(|(id, credit)| Header::Window { id, credit }),
        (any::<u32>(), any::<u32>()).prop_map(|(id, total)| Header::Item { id, total }),
    ];
    prop_oneof![1 => request, 4 => others.prop_map(Owned::Other)]
}

fn bodies() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..200)
}

/// A whole frame.
fn frame(header: &Header<'_>, body: &[u8]) -> Vec<u8> {
    let mut out = vec![0; 1 + limits::HEADER_BYTES];
    let head = encode(header, &mut out).expect("the longest header fits");
    out.truncate(head);
    out.extend_from_slice(body);
    out
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(owned in headers(), body in bodies()) {
        let header = owned.header();
        assert_eq!(decode(&frame(&header, &body)), Ok(Frame::Known(header, &body)));
    }

    #[test]
    fn a_header_that_is_cut_short_is_refused(owned in headers(), at in any::<usize>()) {
        let whole = frame(&owned.header(), b"");
        assert_eq!(decode(&whole[..at % whole.len()]), Err(Malformed));
        // The same when the length owns up to it.
        let mut shorter = whole[..whole.len() - 1].to_vec();
        shorter[0] -= 1;
        assert_eq!(decode(&shorter), Err(Malformed));
    }

    #[test]
    fn a_header_may_grow_at_its_end(
        owned in headers(),
        more in prop::collection::vec(any::<u8>(), 1..30),
        body in bodies(),
    ) {
        let header = owned.header();
        let mut grown = frame(&header, &more);
        if let Some(length) = grown[0].checked_add(more.len() as u8) {
            grown[0] = length;
            grown.extend_from_slice(&body);
            assert_eq!(decode(&grown), Ok(Frame::Known(header, &body)));
        }
    }

    #[test]
    fn an_unknown_kind_is_skipped_or_refused_by_its_number(kind in 11_u8.., rest in bodies(), body in bodies()) {
        let mut unknown = vec![1 + rest.len() as u8, kind];
        unknown.extend_from_slice(&rest);
        unknown.extend_from_slice(&body);
        let expected = if kind >= FIRST_OPTIONAL { Ok(Frame::Skipped) } else { Err(Malformed) };
        assert_eq!(decode(&unknown), expected);
    }

    #[test]
    fn bytes_that_decode_encode_to_a_frame_that_decodes_alike(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(Frame::Known(header, body)) = decode(&bytes) {
            assert_eq!(decode(&frame(&header, body)), Ok(Frame::Known(header, body)));
        }
    }

    #[test]
    fn a_frame_with_a_byte_changed_decodes_or_is_refused(owned in headers(), at in any::<usize>(), change in 1_u8..) {
        let mut changed = frame(&owned.header(), b"body");
        let at = at % changed.len();
        changed[at] ^= change;
        if let Ok(Frame::Known(_, body)) = decode(&changed) {
            assert!(body.len() < changed.len());
        }
    }

    #[test]
    fn a_buffer_that_is_too_small_is_no_panic(owned in headers(), room in 0_usize..256) {
        let header = owned.header();
        let mut out = vec![0; room];
        match encode(&header, &mut out) {
            Ok(used) => assert_eq!(decode(&out[..used]), Ok(Frame::Known(header, &[]))),
            Err(Malformed) => assert!(room < frame(&header, b"").len()),
        }
    }
}

#[test]
fn a_body_over_a_chunk_is_refused_but_not_of_a_frame_from_the_future() {
    let body = vec![0; limits::CHUNK_BYTES + 1];
    let chunk = frame(&Header::Chunk { id: 1 }, &body);
    assert_eq!(decode(&chunk), Err(Malformed));
    assert!(decode(&chunk[..chunk.len() - 1]).is_ok());
    let mut future = vec![1, FIRST_OPTIONAL];
    future.extend_from_slice(&body);
    assert_eq!(decode(&future), Ok(Frame::Skipped));
}
