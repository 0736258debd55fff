//! See `opendesk_tests::fuzz::v1_frames`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| opendesk_tests::fuzz::v1_frames(data));
