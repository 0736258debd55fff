//! The checks that are one call of cargo each, and the release binary.

use crate::command::{Failure, Outcome, Repo, read, run};
use crate::tools::tool;

/// Workspaces of their own, which the root's commands do not reach.
const OTHER_WORKSPACES: [&str; 2] = ["tests/no-std/Cargo.toml", "fuzz/Cargo.toml"];

/// Feature sets that ship besides each package's default.
const FEATURE_SETS: [(&str, &[&str]); 1] = [("opendesk-tokio", &["--no-default-features"])];

pub(crate) fn fmt(repo: &Repo) -> Outcome {
    run(repo.cargo().args(["fmt", "--all", "--check"]))?;
    for manifest in OTHER_WORKSPACES {
        if repo.root.join(manifest).is_file() {
            run(repo.cargo().args(["fmt", "--all", "--check", "--manifest-path", manifest]))?;
        }
    }
    Ok(None)
}

/// The names of the workspace's packages.
fn packages(repo: &Repo) -> Result<Vec<String>, Failure> {
    let tree = read(repo.cargo().args([
        "tree",
        "--locked",
        "--workspace",
        "--depth",
        "0",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]))?;
    Ok(tree.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect())
}

/// One package at a time, so that none leans on a feature that only its neighbour asks for.
pub(crate) fn clippy(repo: &Repo) -> Outcome {
    let lint = |package: &str, features: &[&str]| {
        println!("--- {package} {}", features.join(" "));
        run(repo
            .cargo()
            .args(["clippy", "--locked", "--package", package, "--all-targets"])
            .args(features)
            .args(["--", "-D", "warnings"]))
    };
    for package in packages(repo)? {
        lint(&package, &[])?;
    }
    for (package, features) in FEATURE_SETS {
        lint(package, features)?;
    }
    Ok(None)
}

pub(crate) fn doc(repo: &Repo) -> Outcome {
    run(repo
        .cargo()
        .args(["doc", "--locked", "--workspace", "--no-deps", "--document-private-items"])
        .env("RUSTDOCFLAGS", "-Dwarnings"))?;
    Ok(None)
}

pub(crate) fn build(repo: &Repo) -> Outcome {
    run(repo.cargo().args(["build", "--locked", "--release", "--package", "opendesk"]))?;
    let binary = repo.target.join("release/opendesk");
    let bytes = binary.metadata().map_err(Failure::at(&binary))?.len();
    println!("{}: {:.1} MB", binary.display(), bytes as f64 / 1e6);
    Ok(None)
}

/// A machine that is busy or slow prints other numbers; only a bench that cannot run is a failure.
pub(crate) fn bench(repo: &Repo) -> Outcome {
    run(repo.cargo().args(["build", "--locked", "--release", "--package", "opendesk"]))?;
    run(repo.program(repo.target.join("release/opendesk")).args(["bench", "--quick"]))?;
    Ok(None)
}

/// What deny.toml asks for, without the list of known vulnerabilities, which no machine of ours can fetch.
pub(crate) fn deny(repo: &Repo) -> Outcome {
    let deny = tool(repo, "cargo-deny", "=0.20.2", "cargo-deny")?;
    run(repo.program(deny).args(["--log-level", "error", "check", "licenses", "bans", "sources"]))?;
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_package_is_linted() {
        let packages = packages(&Repo::here()).unwrap();
        for name in ["opendesk", "opendesk-ci", "opendesk-core", "opendesk-smol", "opendesk-std", "opendesk-tests"] {
            assert!(packages.iter().any(|package| package == name), "{name} is not in {packages:?}");
        }
        for (name, _) in FEATURE_SETS {
            assert!(packages.iter().any(|package| package == name), "{name} is not in {packages:?}");
        }
    }
}
