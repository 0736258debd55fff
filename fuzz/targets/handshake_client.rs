//! See `opendesk_tests::fuzz::handshake_client`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| opendesk_tests::fuzz::handshake_client(data));
