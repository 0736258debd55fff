//! Windows. It has run under Wine, and on no Windows.
//!
//! What files may be used for is a list of who may do what there, which a file gets from its folder: opendesk's own folder
//! is made its owner's when it is made ([`close_new`]), and what is in it follows.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::windows::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::os::windows::io::{AsSocket, BorrowedSocket};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use winapi_util::file::information;

use super::FileId;
use crate::home::file::{create_atomic, read_private};

/// The variable with the folder of whoever runs this.
pub(crate) const USER_FOLDER: &str = "USERPROFILE";

/// Opens a folder as well (`FILE_FLAG_BACKUP_SEMANTICS`).
const FOLDERS_TOO: u32 = 0x0200_0000;

/// Opens a link and not what it points to (`FILE_FLAG_OPEN_REPARSE_POINT`).
const LINKS_THEMSELVES: u32 = 0x0020_0000;

/// Seconds between the years 1601 and 1970, and how many steps Windows counts in a second.
const EPOCH: i64 = 11_644_473_600;
const STEPS: i64 = 10_000_000;

/// What the names of our pipes begin with.
const PIPES: &str = r"\\.\pipe\opendesk-";

/// The longest name of a pipe, in characters ("Pipe Names").
const LONGEST_NAME: usize = 256;

/// For a file that is not followed where it is a link.
pub fn careful(options: &mut OpenOptions) -> &mut OpenOptions {
    options.custom_flags(LINKS_THEMSELVES)
}

/// For a file that is to be read.
pub(crate) const fn patient(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Whether a file was not opened because it is a link: what is one is opened itself, and is no regular file.
pub(crate) const fn is_link(_error: &io::Error) -> bool {
    false
}

/// Makes folders; what they may be used for, the one above decides.
pub(crate) fn folders(_mode: u32) -> DirBuilder {
    DirBuilder::new()
}

/// For a file that is made, and read and written; what it may be used for, its folder decides.
pub(crate) fn new_file(_mode: u32) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    options
}

/// Nothing: there are no such bits.
pub(crate) const fn mode(_file: &Metadata) -> Option<u32> {
    None
}

/// Forbids to write to a file that its owner may not write to, in the bits of Unix.
///
/// # Errors
/// The system's.
pub fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    let mut permissions = file.metadata()?.permissions();
    permissions.set_readonly(mode & 0o200 == 0);
    file.set_permissions(permissions)
}

/// Lets a file be replaced that may not be written to, which cannot be done before.
///
/// # Errors
/// The system's.
pub(crate) fn make_replaceable(path: &Path) -> io::Result<()> {
    let found = match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    let mut permissions = found.permissions();
    if found.is_file() && permissions.readonly() {
        permissions.set_readonly(false);
        std::fs::set_permissions(path, permissions)?;
    }
    Ok(())
}

/// Always: the list of who may do what is the folder's, and a folder of ours is made its owner's when it is made.
#[must_use]
pub const fn is_private(_file: &Metadata) -> bool {
    true
}

/// Nothing, for the same reason.
///
/// # Errors
/// None.
pub(crate) const fn make_private(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Leaves a new folder, and what is made in it from now on, to its owner and the system alone, by Windows' own `icacls`.
///
/// # Errors
/// When that fails.
pub(crate) fn close_new(path: &Path) -> io::Result<()> {
    // "Owner rights" (S-1-3-4) and the system (S-1-5-18), inherited by files (OI) and folders (CI); nothing of what is above.
    // By its whole path: one beside this program is not the system's.
    let done = Command::new(of_system("icacls.exe")?)
        .arg(path)
        .args(["/inheritance:r", "/grant:r", "*S-1-3-4:(OI)(CI)F", "*S-1-5-18:(OI)(CI)F", "/q"])
        .stdin(Stdio::null())
        .output()?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    Err(io::Error::other(format!("icacls does not leave it to its owner alone: {}", said.trim())))
}

/// Whose a file is. That of a new one is whoever made it, which is never changed here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner;

impl Owner {
    pub(crate) const fn of(_file: &Metadata) -> Self {
        Self
    }

    /// Whether it is the user who runs this.
    pub(crate) const fn is_me(self) -> bool {
        true
    }

    /// Whether it is the one who may do everything, who is none here.
    pub(crate) const fn is_root(self) -> bool {
        false
    }

    /// Makes a file theirs.
    pub(crate) const fn take(self, _file: &File) -> io::Result<()> {
        Ok(())
    }

    /// Makes a folder theirs.
    pub(crate) const fn take_folder(self, _folder: &Path) -> io::Result<()> {
        Ok(())
    }
}

impl core::fmt::Display for Owner {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("another user")
    }
}

/// Whether this is run by the one user who may do everything, who is none here.
pub(crate) const fn is_root() -> bool {
    false
}

/// No number: at the other end of a local connection nobody else can be.
pub(crate) const fn user() -> u32 {
    0
}

/// No number, for the same reason.
pub(crate) const fn real_user() -> u32 {
    0
}

/// The path of a program of the system itself, where it has one that asks the owner. Only administrators can replace it.
pub(crate) fn system_program(name: &str) -> Option<PathBuf> {
    let path = of_system(r"WindowsPowerShell\v1.0\powershell.exe").ok()?;
    (name == "powershell" && path.is_file()).then_some(path)
}

/// A path in the folder of the system's programs.
fn of_system(path: &str) -> io::Result<PathBuf> {
    let root = std::env::var_os("SystemRoot").filter(|root| !root.is_empty());
    let root = root.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "SystemRoot is not set"))?;
    Ok(PathBuf::from(root).join("System32").join(path))
}

/// Whether a file can be run.
pub(crate) fn is_program(path: &Path) -> bool {
    path.is_file()
}

/// Never: who may write where is not looked up.
pub(crate) const fn is_out_of_reach(_path: &Path) -> bool {
    false
}

/// Which file is open.
///
/// # Errors
/// The system's.
pub fn id(file: &File) -> io::Result<FileId> {
    let found = information(file)?;
    Ok(FileId { disk: found.volume_serial_number(), number: found.file_index() })
}

/// Which file has this name, and what is said of it; a symbolic link is looked at itself.
///
/// # Errors
/// The system's.
pub fn entry(path: &Path) -> io::Result<(FileId, Metadata)> {
    let file = OpenOptions::new().access_mode(0).custom_flags(FOLDERS_TOO | LINKS_THEMSELVES).open(path)?;
    Ok((id(&file)?, file.metadata()?))
}

/// When the content of a file was last changed, in seconds and nanoseconds since 1970: a program can set it.
pub(crate) fn changed(file: &Metadata) -> (i64, i64) {
    let steps = file.last_write_time().cast_signed();
    (steps / STEPS - EPOCH, steps % STEPS * 100)
}

/// Whether an open file has no name any more.
pub(crate) fn is_removed(file: &File) -> io::Result<bool> {
    Ok(information(file)?.number_of_links() == 0)
}

/// Fills the buffer from this place of a file on.
pub(crate) fn read_exact_at(file: &File, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        match file.seek_read(buffer, offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => {
                buffer = &mut buffer[read..];
                offset += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Writes all of it to this place of a file.
pub(crate) fn write_all_at(file: &File, mut data: &[u8], mut offset: u64) -> io::Result<()> {
    while !data.is_empty() {
        match file.seek_write(data, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                data = &data[written..];
                offset += written as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Nothing: a folder cannot be waited for, and NTFS keeps the order of what is done to names in its journal.
pub(crate) const fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// Nothing: there are no process groups, and what a program starts is not ended with it.
pub(crate) const fn lead_group(_command: &mut Command) {}

/// The path of a file that says which pipe is meant; it may be of any length.
#[derive(Debug)]
pub(crate) struct SocketPath(PathBuf);

impl SocketPath {
    /// # Errors
    /// None.
    pub(crate) const fn new(path: PathBuf) -> io::Result<Self> {
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

/// A name for a pipe that nobody can have taken before.
///
/// # Errors
/// When the system gives no random numbers.
pub fn new_pipe() -> io::Result<String> {
    Ok(format!("{PIPES}{}", crate::token().map_err(io::Error::other)?))
}

/// Writes the name of a pipe into a new file at this path, by which it is found. Who may connect is the pipe's own matter.
///
/// # Errors
/// [`io::ErrorKind::AddrInUse`] where there is a file; the system's.
pub fn tell_pipe(path: &Path, name: &str) -> io::Result<()> {
    if create_atomic(path, name.as_bytes())? { Ok(()) } else { Err(io::ErrorKind::AddrInUse.into()) }
}

/// The name of the pipe that the file at this path says.
///
/// # Errors
/// The system's, and [`io::ErrorKind::InvalidData`] for what is not the name of a pipe of opendesk's.
pub fn pipe_at(path: &Path) -> io::Result<String> {
    let content = read_private(path, LONGEST_NAME)?.ok_or(io::ErrorKind::NotFound)?;
    String::from_utf8(content)
        .ok()
        .filter(|name| name.strip_prefix(PIPES).is_some_and(|name| !name.is_empty() && !name.contains(['\\', '/'])))
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "it does not name a pipe of opendesk's"))
}

/// Nothing: the pipe is made its owner's when it is made.
pub(crate) const fn restrict_socket(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// One end of what wakes a thread: it is readable once the other one was rung or is gone. Neither waits.
#[derive(Debug)]
pub(crate) struct Bell(UdpSocket);

impl Bell {
    /// Both ends. There are no pipes that could be waited for together with sockets, so these are two of this machine.
    pub(crate) fn pair() -> io::Result<(Self, Self)> {
        let (ours, theirs) = (UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?, UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?);
        ours.connect(theirs.local_addr()?)?;
        theirs.connect(ours.local_addr()?)?;
        ours.set_nonblocking(true)?;
        theirs.set_nonblocking(true)?;
        Ok((Self(ours), Self(theirs)))
    }

    /// Wakes who waits at the other end.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn ring(&self) -> io::Result<()> {
        match self.0.send(&[0]) {
            // It has been rung often enough.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            sent => sent.map(drop),
        }
    }

    /// Forgets how often the other end was rung.
    pub(crate) fn hush(&self) {
        while self.0.recv(&mut [0]).is_ok() {}
    }
}

impl AsSocket for Bell {
    fn as_socket(&self) -> BorrowedSocket<'_> {
        self.0.as_socket()
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        // Whoever has missed it looks by itself after a while.
        drop(self.ring());
    }
}
