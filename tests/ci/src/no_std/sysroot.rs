//! Gate A: the core compiles in a sysroot that holds nothing but libcore.
//!
//! This is `x86_64-unknown-none` without having that target. Because a target is named, cargo gives the reduced
//! sysroot to what is compiled for it and leaves build scripts and procedural macros with the whole one.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{MANIFEST, must_fail};
use crate::command::{Failure, Repo, run};
use crate::toolchain::Toolchain;

/// The only libraries of the reduced sysroot.
const KEPT: [&str; 2] = ["libcore-", "libcompiler_builtins-"];

/// What the control package can be made to need, and how the compiler must complain.
const CONTROLS: [(&str, &str); 3] = [("alloc", "`alloc`"), ("std", "`std`"), ("dep-std", "`std`")];

pub(super) fn gate(repo: &Repo, toolchain: &Toolchain) -> Result<(), Failure> {
    println!("--- A: nothing but libcore");
    let folder = repo.target.join("no-std");
    let sysroot = reduce(&folder.join("sysroot"), toolchain).map_err(Failure::at(&folder))?;
    let check = |arguments: &[&str]| -> Command {
        let mut cargo = repo.cargo();
        cargo
            .args(["check", "--locked", "--target", &toolchain.host, "--target-dir"])
            .arg(folder.join("a"))
            .args(arguments)
            .env("CARGO_ENCODED_RUSTFLAGS", format!("--sysroot\u{1f}{}", sysroot.display()));
        cargo
    };
    run(&mut check(&["--package", "opendesk-core"]))?;
    let control = ["--manifest-path", MANIFEST, "--package", "opendesk-control-a"];
    run(&mut check(&control))?;
    for (feature, missing) in CONTROLS {
        let with_feature = [control.as_slice(), &["--features", feature]].concat();
        must_fail(&mut check(&with_feature), &["E0463", missing])?;
    }
    Ok(())
}

/// Makes a sysroot of links to libcore in `folder`, anew each time, and gives its path.
fn reduce(folder: &Path, toolchain: &Toolchain) -> io::Result<PathBuf> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    let libraries = folder.join(toolchain.libraries());
    fs::create_dir_all(&libraries)?;
    let mut linked = 0;
    for entry in fs::read_dir(toolchain.sysroot.join(toolchain.libraries()))? {
        let entry = entry?;
        let name = entry.file_name();
        if KEPT.iter().any(|kept| name.to_string_lossy().starts_with(kept)) {
            symlink(entry.path(), libraries.join(&name))?;
            linked += 1;
        }
    }
    if linked < KEPT.len() {
        return Err(io::Error::other(format!("the toolchain has no {KEPT:?}")));
    }
    Ok(folder.to_path_buf())
}
