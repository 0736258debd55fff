//! A program without std, without an allocator and with a panic handler of its own, in which the two machines of the
//! core pair and talk. That it links proves that nothing below the core allocates; that it ends with 0 proves that
//! a session needs no heap.
//!
//! Exit codes: 0, all of it happened; 1…99, that step of `conversation.rs` failed; 101, a panic, whose place is on
//! standard error.
#![no_std]
#![no_main]

#[cfg(feature = "alloc")]
extern crate alloc;

#[cfg(feature = "std")]
extern crate std;

mod conversation;

use core::ffi::{c_char, c_int, c_void};
use core::panic::PanicInfo;

// The C runtime that starts `main` is in libc, and nothing else here asks for it.
#[link(name = "c")]
unsafe extern "C" {
    fn write(file: c_int, bytes: *const c_void, count: usize) -> isize;
    fn _exit(code: c_int) -> !;
}

/// The prebuilt libcore was compiled to unwind and names this; with `panic = "abort"` it is never called. An
/// optimised build drops the mention itself.
#[cfg(debug_assertions)]
#[unsafe(no_mangle)]
pub extern "C" fn rust_eh_personality() {}

/// Writes to standard error.
fn tell(text: &[u8]) {
    // SAFETY: pointer and length are those of a slice that lives through the call.
    unsafe { write(2, text.as_ptr().cast(), text.len()) };
}

/// Writes a number to standard error, without the formatting machinery, which may itself be what panicked.
fn tell_number(number: u32) {
    if number >= 10 {
        tell_number(number / 10);
    }
    tell(&[b'0' + (number % 10) as u8]);
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    tell(b"panicked at ");
    if let Some(place) = info.location() {
        tell(place.file().as_bytes());
        tell(b":");
        tell_number(place.line());
    }
    tell(b"\n");
    // SAFETY: ends the process; any state is fine for that.
    unsafe { _exit(101) }
}

/// Where the C runtime starts.
#[unsafe(no_mangle)]
pub extern "C" fn main(_count: c_int, _arguments: *const *const c_char) -> c_int {
    match conversation::run() {
        Ok(()) => 0,
        Err(step) => c_int::from(step),
    }
}
