//! Programs that a check needs and that cargo can build.

use std::path::PathBuf;

use crate::command::{Failure, Repo, run};

/// A program of a crate, at the version whose output is understood here. It is built on first use, into `target/tools`.
pub(crate) fn tool(repo: &Repo, package: &str, version: &str, program: &str) -> Result<PathBuf, Failure> {
    let tools = repo.target.join("tools");
    let program = tools.join("bin").join(program);
    if !program.exists() {
        let mut install = repo.cargo();
        install.args(["install", package, "--version", version, "--locked", "--quiet", "--root"]).arg(&tools);
        run(install.arg("--target-dir").arg(tools.join("build")))?;
    }
    Ok(program)
}
