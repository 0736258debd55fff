//! What the compiler says of itself.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use crate::command::{Failure, Repo, read};

/// The compiler that cargo uses.
#[derive(Debug)]
pub(crate) struct Toolchain {
    /// The triple of this machine.
    pub(crate) host: String,
    /// Where the prebuilt libraries lie.
    pub(crate) sysroot: PathBuf,
}

impl Toolchain {
    pub(crate) fn find(repo: &Repo) -> Result<Self, Failure> {
        let rustc = || repo.program(env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc")));
        let version = read(rustc().arg("-vV"))?;
        let host = version
            .lines()
            .find_map(|line| line.strip_prefix("host: "))
            .ok_or_else(|| Failure::new("`rustc -vV` names no host"))?
            .to_owned();
        let sysroot = PathBuf::from(read(rustc().args(["--print", "sysroot"]))?.trim());
        Ok(Self { host, sysroot })
    }

    /// The folder of the prebuilt libraries, below any sysroot.
    pub(crate) fn libraries(&self) -> PathBuf {
        ["lib", "rustlib", &self.host, "lib"].iter().collect()
    }
}
