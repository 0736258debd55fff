//! See `opendesk_tests::fuzz::host_frames`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| opendesk_tests::fuzz::host_frames(data));
