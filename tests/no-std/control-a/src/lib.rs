//! Compiles where only libcore exists; with any of its features it must not.
#![no_std]

#[cfg(feature = "alloc")]
extern crate alloc;

#[cfg(feature = "std")]
extern crate std;

#[cfg(feature = "dep-std")]
pub use opendesk_uses_std::home;

/// Something to compile.
pub const fn one() -> u8 {
    1
}
