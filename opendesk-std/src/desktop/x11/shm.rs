//! Memory that the X server writes pictures into (MIT-SHM).

use core::ffi::c_void;
use core::ops::Range;
use core::ptr;
use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use x11rb::connection::Connection as _;
use x11rb::errors::ReplyError;
use x11rb::protocol::shm::{self, ConnectionExt as _, Seg};

use super::connection::{Outcome, Wire};

/// The segment that captures go through, made when first needed and again when a larger one is needed.
#[derive(Debug)]
pub(super) struct Shm {
    usable: bool,
    segment: Option<Segment>,
}

/// Memory that the server has attached.
#[derive(Debug)]
pub(super) struct Segment {
    /// The server's name for it.
    pub(super) id: Seg,
    /// Our view of it.
    pub(super) memory: SharedMemory,
}

impl Shm {
    /// Finds out whether the server can be handed a file descriptor: it must be on this machine and speak
    /// MIT-SHM 1.2.
    pub(super) fn probe(wire: &Wire) -> Outcome<Self> {
        let usable = wire.is_local() && wire.has(shm::X11_EXTENSION_NAME)? && {
            let version = wire.x.shm_query_version()?.reply()?;
            (version.major_version, version.minor_version) >= (1, 2)
        };
        Ok(Self { usable, segment: None })
    }

    /// A segment of at least so many bytes; `None` when the server takes none, and pictures have to come
    /// through the socket.
    pub(super) fn segment(&mut self, wire: &Wire, bytes: usize) -> Outcome<Option<&Segment>> {
        let fits = self.segment.as_ref().is_some_and(|segment| segment.memory.length >= bytes);
        if !fits && self.usable {
            if let Some(small) = self.segment.take() {
                wire.x.shm_detach(small.id)?.ignore_error();
            }
            let screen = wire.screen();
            let whole = usize::from(screen.width_in_pixels) * usize::from(screen.height_in_pixels) * 4;
            self.segment = attach(wire, bytes.max(whole))?;
            self.usable = self.segment.is_some();
        }
        Ok(self.segment.as_ref())
    }
}

fn attach(wire: &Wire, bytes: usize) -> Outcome<Option<Segment>> {
    let Ok((memory, descriptor)) = SharedMemory::new(bytes) else {
        return Ok(None);
    };
    let id = wire.x.generate_id()?;
    match wire.x.shm_attach_fd(id, descriptor, false)?.check() {
        Ok(()) => Ok(Some(Segment { id, memory })),
        Err(ReplyError::X11Error(_)) => Ok(None),
        Err(ReplyError::ConnectionError(error)) => Err(error.into()),
    }
}

/// A mapping that another process writes to. No reference into it is ever made: its bytes are only copied out,
/// and its size is sealed, so that nobody can take the pages away.
#[derive(Debug)]
pub(super) struct SharedMemory {
    address: *mut c_void,
    length: usize,
}

#[expect(unsafe_code, reason = "a raw pointer is not Send by itself")]
// SAFETY: the mapping belongs to the process, not to a thread, and `address` is used by its owner only.
unsafe impl Send for SharedMemory {}

impl SharedMemory {
    /// Memory full of zeros, and the descriptor to hand to whoever writes to it.
    fn new(length: usize) -> io::Result<(Self, OwnedFd)> {
        let descriptor = memfd_create("opendesk-capture", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        ftruncate(&descriptor, u64::try_from(length).map_err(io::Error::other)?)?;
        fcntl_add_seals(&descriptor, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        #[expect(unsafe_code, reason = "mapping a file is unsafe as such")]
        // SAFETY: no address is asked for, so nothing that is mapped already is replaced.
        let address = unsafe { mmap(ptr::null_mut(), length, ProtFlags::READ, MapFlags::SHARED, &descriptor, 0) }?;
        Ok((Self { address, length }, descriptor))
    }

    /// Adds a copy of some bytes to `copy`: of those of this range that there are.
    pub(super) fn read(&self, range: Range<usize>, copy: &mut Vec<u8>) {
        let end = range.end.min(self.length);
        let start = range.start.min(end);
        let (before, bytes) = (copy.len(), end - start);
        copy.reserve(bytes);
        #[expect(unsafe_code, reason = "the memory is another process's too, so it is only reachable by pointer")]
        // SAFETY: `address` is mapped and readable for `length` bytes, which `start` and `bytes` do not exceed, until
        // `self` is dropped; the seals keep the file that long. `copy` has room for `bytes` behind `before` and is memory
        // of its own, and all of them are written before its length says so. Nobody writes these bytes meanwhile: the
        // writer does while it carries out a request of the one connection that `self` belongs to, and the one for this
        // range was answered before; others are for other bytes.
        unsafe {
            ptr::copy_nonoverlapping(self.address.cast::<u8>().add(start), copy.as_mut_ptr().add(before), bytes);
            copy.set_len(before + bytes);
        }
    }
}

impl Drop for SharedMemory {
    fn drop(&mut self) {
        #[expect(unsafe_code, reason = "unmapping is unsafe as such")]
        // SAFETY: `address` and `length` are what `mmap` was given and gave, and nothing refers to the memory.
        let unmapped = unsafe { munmap(self.address, self.length) };
        debug_assert!(unmapped.is_ok(), "{unmapped:?}");
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::FileExt as _;

    use super::*;

    #[test]
    fn what_the_other_side_writes_is_read() {
        let (memory, descriptor) = SharedMemory::new(10_000).unwrap();
        let read = |range| {
            let mut copy = b"before".to_vec();
            memory.read(range, &mut copy);
            assert!(copy.starts_with(b"before"));
            copy.split_off(6)
        };
        assert_eq!(read(0..10_000), vec![0; 10_000]);
        let file = File::from(descriptor);
        file.write_all_at(b"pixels", 5_000).unwrap();
        assert_eq!(read(5_000..5_006), b"pixels");
        assert_eq!(read(9_990..usize::MAX).len(), 10, "no more than there is");
        assert_eq!(read(20_000..30_000), b"");
    }

    #[test]
    fn the_other_side_cannot_take_the_memory_away() {
        let (memory, descriptor) = SharedMemory::new(4096).unwrap();
        assert!(File::from(descriptor).set_len(0).is_err());
        let mut copy = Vec::new();
        memory.read(0..1, &mut copy);
        assert_eq!(copy, [0]);
    }
}
