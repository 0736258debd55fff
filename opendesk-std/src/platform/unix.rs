//! Linux, macOS and the like.

use std::fs::{DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};
use std::os::unix::fs::{
    DirBuilderExt as _, FileExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, chown, fchown,
};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{Access, OFlags, access};
use rustix::io::Errno;
use rustix::process::{geteuid, getuid};

use super::{FileId, OWN_FILE};

/// The variable with the folder of whoever runs this.
pub(crate) const USER_FOLDER: &str = "HOME";

/// The longest path of a socket: 108 bytes and 104, with the zero behind it.
const SOCKET_PATH: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// Never follow a link, and never hang on a pipe that somebody put there.
const CAREFUL: i32 = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).bits().cast_signed();

/// Not the terminal of this program, and not waited for where it is a pipe.
const PATIENT: i32 = OFlags::NONBLOCK.union(OFlags::NOCTTY).bits().cast_signed();

/// For a file that only its owner may read, is not followed where it is a link, and is not waited for where it is a pipe.
pub fn careful(options: &mut OpenOptions) -> &mut OpenOptions {
    options.mode(OWN_FILE).custom_flags(CAREFUL)
}

/// For a file that is to be read, and is not waited for where it is a pipe.
pub(crate) fn patient(options: &mut OpenOptions) -> &mut OpenOptions {
    options.custom_flags(PATIENT)
}

/// Whether a file was not opened because it is a link.
pub(crate) fn is_link(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::LOOP.raw_os_error())
}

/// Makes folders with these permissions.
pub(crate) fn folders(mode: u32) -> DirBuilder {
    let mut folders = DirBuilder::new();
    folders.mode(mode);
    folders
}

/// For a file that is made, and read and written; `mode` is what it may be used for.
pub(crate) fn new_file(mode: u32) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true).mode(mode);
    options
}

/// What a file may be used for, in the bits of Unix; `None` where there are none.
pub(crate) fn mode(file: &Metadata) -> Option<u32> {
    Some(file.mode())
}

/// Lets a file be used for this, in the bits of Unix.
///
/// # Errors
/// The system's.
pub fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(mode))
}

/// Nothing: a file that may not be written to can be replaced like others.
///
/// # Errors
/// None.
pub(crate) const fn make_replaceable(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Whether only its owner may use a file or folder.
#[must_use]
pub fn is_private(file: &Metadata) -> bool {
    file.mode() & 0o077 == 0
}

/// Takes every permission away from group and others.
///
/// # Errors
/// The system's, which there is when the file is somebody else's.
pub(crate) fn make_private(path: &Path) -> io::Result<()> {
    let permissions = std::fs::metadata(path)?.permissions();
    if permissions.mode() & 0o077 == 0 {
        return Ok(());
    }
    std::fs::set_permissions(path, Permissions::from_mode(permissions.mode() & 0o700))
}

/// Nothing: a new folder has the permissions that it was made with.
///
/// # Errors
/// None.
pub(crate) const fn close_new(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// Whose a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner {
    user: u32,
    group: u32,
}

impl Owner {
    pub(crate) fn of(file: &Metadata) -> Self {
        Self { user: file.uid(), group: file.gid() }
    }

    /// Whether it is the user who runs this.
    pub(crate) fn is_me(self) -> bool {
        self.user == geteuid().as_raw()
    }

    /// Whether it is the one who may do everything.
    pub(crate) const fn is_root(self) -> bool {
        self.user == 0
    }

    /// Makes a file theirs.
    pub(crate) fn take(self, file: &File) -> io::Result<()> {
        fchown(file, Some(self.user), Some(self.group))
    }

    /// Makes a folder theirs.
    pub(crate) fn take_folder(self, folder: &Path) -> io::Result<()> {
        chown(folder, Some(self.user), Some(self.group))
    }
}

impl core::fmt::Display for Owner {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "user {}", self.user)
    }
}

/// Whether this is run by the one user who may do everything.
pub(crate) fn is_root() -> bool {
    geteuid().is_root()
}

/// The number of the user who runs this, as that of whoever is at the other end of a local connection.
pub(crate) fn user() -> u32 {
    geteuid().as_raw()
}

/// The number of the user who started this, whose services and session it belongs to.
pub(crate) fn real_user() -> u32 {
    getuid().as_raw()
}

/// The path of a program of the system itself, where it has one that asks the owner.
pub(crate) const fn system_program(_name: &str) -> Option<PathBuf> {
    None
}

/// Whether a file can be run.
pub(crate) fn is_program(path: &Path) -> bool {
    path.is_file() && access(path, Access::EXEC_OK).is_ok()
}

/// Whether the user who runs this can neither change what is there nor give themselves the right to.
pub(crate) fn is_out_of_reach(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|found| !Owner::of(&found).is_me())
        && access(path, Access::WRITE_OK).is_err()
}

/// Which file is open.
///
/// # Errors
/// The system's.
pub fn id(file: &File) -> io::Result<FileId> {
    Ok(id_of(&file.metadata()?))
}

/// Which file has this name, and what is said of it; a symbolic link is looked at itself.
///
/// # Errors
/// The system's.
pub fn entry(path: &Path) -> io::Result<(FileId, Metadata)> {
    let found = path.symlink_metadata()?;
    Ok((id_of(&found), found))
}

fn id_of(file: &Metadata) -> FileId {
    FileId { disk: file.dev(), number: file.ino() }
}

/// When a file was last changed in any way, in seconds and nanoseconds since 1970: no program can set it.
pub(crate) fn changed(file: &Metadata) -> (i64, i64) {
    (file.ctime(), file.ctime_nsec())
}

/// Whether an open file has no name any more.
pub(crate) fn is_removed(file: &File) -> io::Result<bool> {
    Ok(file.metadata()?.nlink() == 0)
}

/// Fills the buffer from this place of a file on.
pub(crate) fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    file.read_exact_at(buffer, offset)
}

/// Writes all of it to this place of a file.
pub(crate) fn write_all_at(file: &File, data: &[u8], offset: u64) -> io::Result<()> {
    file.write_all_at(data, offset)
}

/// Waits until the names in a folder are on the disk.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Has a program lead a process group of its own, which can be ended as a whole.
pub(crate) fn lead_group(command: &mut Command) {
    command.process_group(0);
}

/// A path of a socket, short enough for it.
#[derive(Debug)]
pub(crate) struct SocketPath {
    path: PathBuf,
    /// The path may lead through it.
    _folder: Option<File>,
}

impl SocketPath {
    /// # Errors
    /// [`io::ErrorKind::InvalidFilename`] where the path is too long and cannot be written shorter.
    pub(crate) fn new(path: PathBuf) -> io::Result<Self> {
        if path.as_os_str().len() <= SOCKET_PATH {
            return Ok(Self { path, _folder: None });
        }
        if cfg!(target_os = "linux")
            && let (Some(folder), Some(name)) = (path.parent(), path.file_name())
        {
            let folder = File::open(folder)?;
            let path = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(name);
            return Ok(Self { path, _folder: Some(folder) });
        }
        let why =
            format!("its path is longer than the {SOCKET_PATH} bytes that a socket's may have; use a shorter --home");
        Err(io::Error::new(io::ErrorKind::InvalidFilename, why))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Keeps everybody but the owner from a socket that was made.
pub(crate) fn restrict_socket(path: &Path) -> io::Result<()> {
    std::fs::set_permissions(path, Permissions::from_mode(OWN_FILE))
}

/// One end of what wakes a thread: it is readable once the other one was rung or is gone. Neither waits.
#[derive(Debug)]
pub(crate) struct Bell(UnixStream);

impl Bell {
    /// Both ends.
    pub(crate) fn pair() -> io::Result<(Self, Self)> {
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        theirs.set_nonblocking(true)?;
        Ok((Self(ours), Self(theirs)))
    }

    /// Wakes who waits at the other end.
    ///
    /// # Errors
    /// The system's, when nobody is there any more.
    pub(crate) fn ring(&self) -> io::Result<()> {
        match (&self.0).write(&[0]) {
            // It has been rung often enough.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            written => written.map(drop),
        }
    }

    /// Forgets how often the other end was rung.
    pub(crate) fn hush(&self) {
        let mut rung = [0; 16];
        while matches!((&self.0).read(&mut rung), Ok(count) if count > 0) {}
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
