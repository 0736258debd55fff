//! See `opendesk_tests::fuzz::call_decode`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| opendesk_tests::fuzz::call_decode(data));
