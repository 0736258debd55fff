//! Files and folders. A path is the host's own; `~` is its user's home.

use serde::{Deserialize, Serialize};

/// What `fs.list`, `fs.stat` and `fs.delete` take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileParams {
    /// The file or folder.
    pub path: String,
}

/// What `fs.read` takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileReadParams {
    /// The file.
    pub path: String,
    /// Bytes before the part that is wanted.
    pub offset: u64,
    /// Bytes of the part that is wanted, at most; absent is up to the end.
    pub length: Option<u64>,
}

/// What `fs.read` gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileData {
    /// The part of the file that was asked for.
    #[serde(with = "serde_bytes")]
    pub data: Vec<u8>,
    /// Bytes of the whole file.
    pub size: u64,
}

/// What `fs.write` takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileWriteParams {
    /// The file.
    pub path: String,
    /// The bytes to be written.
    #[serde(with = "serde_bytes")]
    pub data: Vec<u8>,
    /// Where in the file they go, in bytes from its beginning; absent replaces the whole file in one step.
    pub offset: Option<u64>,
}

/// What `fs.move` takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileMoveParams {
    /// What is moved.
    pub src: String,
    /// Its new path.
    pub dst: String,
}

/// What `fs.mkdir` takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryParams {
    /// The new folder.
    pub path: String,
    /// Whether the folders that it lies in are made too.
    pub parents: bool,
}

/// What `fs.setstat` takes. What is absent stays as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SetstatParams {
    /// The file or folder.
    pub path: String,
    /// What owner, group and others may do: the lower nine bits of Unix's `st_mode`. More than these cannot be set.
    pub mode: Option<u32>,
    /// When its content last changed, in seconds since 1970.
    pub mtime: Option<f64>,
}

/// What is known of a file or folder.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its path.
    pub path: String,
    /// The last part of its path.
    pub name: String,
    /// Whether it is a folder.
    pub is_dir: bool,
    /// Its bytes.
    pub size: u64,
    /// When its content last changed, in seconds since 1970.
    pub mtime: Option<f64>,
    /// Its kind and permissions, as Unix's `st_mode` has them.
    pub mode: Option<u32>,
    /// Whether it is a symbolic link, in a list of what a folder contains; the rest describes what it points to, or the link
    /// where that is nothing. A host of version 1 does not tell.
    pub is_link: bool,
}
