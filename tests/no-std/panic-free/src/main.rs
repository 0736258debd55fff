//! Decodes whatever it reads from standard input. Its panic handler calls a function that does not exist: as long as
//! the optimiser can see that no path through the decoders panics, the handler is dropped and this links; the first
//! path that can panic makes the linker ask for `the_decoder_can_panic`.
#![no_std]
#![no_main]

use core::ffi::{c_char, c_int, c_void};
use core::hint::black_box;
use core::panic::PanicInfo;

use opendesk_core::dialect::{v1, v2};
use opendesk_core::frame;

// The C runtime that starts `main` is in libc, and nothing else here asks for it.
#[link(name = "c")]
unsafe extern "C" {
    fn read(file: c_int, bytes: *mut c_void, count: usize) -> isize;
}

unsafe extern "C" {
    fn the_decoder_can_panic() -> !;
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: it is never called: it does not exist, so a program that could call it does not link.
    unsafe { the_decoder_can_panic() }
}

/// Where the C runtime starts.
#[unsafe(no_mangle)]
pub extern "C" fn main(_count: c_int, _arguments: *const *const c_char) -> c_int {
    let mut bytes = [0_u8; 4096];
    // SAFETY: pointer and length are those of an array that lives through the call.
    let length = unsafe { read(0, bytes.as_mut_ptr().cast(), bytes.len()) };
    let length = usize::try_from(length).unwrap_or(0);
    let input = black_box(bytes.get(..length).unwrap_or(&[]));

    #[cfg(feature = "panics")]
    let _ = black_box(input[black_box(length)]);

    let _ = black_box(frame::decode(input));
    let _ = black_box(v2::split(input));
    let _ = black_box(v1::split(input));
    let _ = black_box(v1::read_request(input));
    let _ = black_box(v2::read_refusal(input));
    0
}
