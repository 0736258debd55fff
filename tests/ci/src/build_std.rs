//! Cargo for systems whose standard library rustup's compiler has not got here.
//!
//! Debian has a newer compiler than its stable one for browsers, and the sources of the standard library that belong to it, so
//! cargo builds that first (`-Z build-std`).

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::Repo;

/// What it needs of Debian.
pub(crate) const PACKAGES: [&str; 2] = ["rustc-web", "rust-web-src"];

const COMPILER: &str = "/usr/bin/rustc";

/// Cargo for this target, with all that it builds in this folder.
pub(crate) fn cargo(repo: &Repo, verb: &str, target: &str, folder: &Path) -> Command {
    let mut cargo = repo.cargo();
    cargo
        .args([verb, "--locked", "--target", target, "--target-dir"])
        .arg(folder)
        .env("RUSTC", COMPILER)
        // Both are stable releases that are asked for what only a nightly one does.
        .env("RUSTC_BOOTSTRAP", "1");
    cargo
}

/// Writes a program of the shell into a folder, which is made if it is not there.
pub(crate) fn script(folder: &Path, name: &str, text: &str) -> std::io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let path = folder.join(name);
    fs::write(&path, text)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    Ok(path)
}
