//! See `opendesk_tests::fuzz::v1_handshake`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| opendesk_tests::fuzz::v1_handshake(data));
