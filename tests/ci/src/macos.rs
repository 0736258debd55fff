//! What is there for macOS compiles, checked on Linux. Nothing of it runs.
//!
//! rustup's compiler has no standard library for macOS here. Debian has a newer compiler than its stable one for browsers, and
//! the sources of the standard library that belong to it, so cargo checks those for macOS first (`-Z build-std`).

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::command::{Failure, Outcome, Repo, run};
use crate::setup;

const PACKAGES: [&str; 2] = ["rustc-web", "rust-web-src"];
const COMPILER: &str = "/usr/bin/rustc";
const TARGET: &str = "x86_64-apple-darwin";

/// Whatever is asked of it, it makes an empty file: what is only checked is never linked. The crate `cc` has a
/// preprocessor tell it which compiler this is.
const NO_COMPILER: &str = "#!/bin/sh
for word in \"$@\"; do [ \"$word\" = -E ] && exec cc \"$@\"; done
while [ $# -gt 0 ]; do
  case $1 in -o) : > \"$2\";; *.a) : > \"$1\";; esac
  shift
done
";

pub(crate) fn macos(repo: &Repo) -> Outcome {
    setup::need(repo, &PACKAGES)?;
    let folder = repo.target.join("macos");
    let no_compiler = write(&folder).map_err(Failure::at(&folder))?;
    let mut cargo = repo.cargo();
    cargo
        .args(["check", "--locked", "-Z", "build-std=std,panic_abort", "--target", TARGET])
        .args(["--package", "opendesk", "--package", "opendesk-smol", "--target-dir"])
        .arg(&folder)
        .env("RUSTC", COMPILER)
        // Both are stable releases that are asked for what only a nightly one does.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CC_x86_64_apple_darwin", &no_compiler)
        .env("AR_x86_64_apple_darwin", &no_compiler);
    run(&mut cargo)?;
    Ok(None)
}

fn write(folder: &Path) -> std::io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let path = folder.join("no-compiler");
    fs::write(&path, NO_COMPILER)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    Ok(path)
}
