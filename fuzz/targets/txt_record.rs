//! See `opendesk_tests::fuzz::txt_record`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| opendesk_tests::fuzz::txt_record(data));
