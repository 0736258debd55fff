//! What there is for macOS compiles, checked on Linux. Nothing of it runs.

use crate::build_std::{self, PACKAGES};
use crate::command::{Failure, Outcome, Repo, run};
use crate::setup;

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
    let no_compiler = build_std::script(&folder, "no-compiler", NO_COMPILER).map_err(Failure::at(&folder))?;
    let mut cargo = build_std::cargo(repo, "check", TARGET, &folder);
    cargo
        .args(["-Z", "build-std=std,panic_abort", "--package", "opendesk", "--package", "opendesk-smol"])
        .env("CC_x86_64_apple_darwin", &no_compiler)
        .env("AR_x86_64_apple_darwin", &no_compiler);
    run(&mut cargo)?;
    Ok(None)
}
