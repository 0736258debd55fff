//! See `opendesk_tests::fuzz::handshake_host`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| opendesk_tests::fuzz::handshake_host(data));
