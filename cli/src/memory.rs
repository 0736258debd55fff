//! How the system's allocator treats the large blocks of pictures.

/// Keeps up to 64 MiB of freed memory for the next picture.
///
/// glibc hands large blocks back to the system at once; getting them again, zeroed page by page, takes as long as
/// scaling and encoding a screenshot does.
pub(crate) fn keep_large_blocks() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        const LARGEST_KEPT: core::ffi::c_int = 32 << 20;
        const MOST_KEPT: core::ffi::c_int = 64 << 20;
        // SAFETY: called first thing in `main`, while there is one thread; both parameters take any integer.
        #[expect(unsafe_code, reason = "there is no safe wrapper of mallopt")]
        let kept = unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, LARGEST_KEPT) == 1
                && libc::mallopt(libc::M_TRIM_THRESHOLD, MOST_KEPT) == 1
        };
        debug_assert!(kept, "glibc knows both parameters");
    }
}
