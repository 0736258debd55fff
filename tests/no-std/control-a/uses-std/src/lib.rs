//! A dependency that does not say `#![no_std]`, as most do not.

/// Needs std in earnest.
pub fn home() -> Option<std::ffi::OsString> {
    std::env::var_os("HOME")
}
