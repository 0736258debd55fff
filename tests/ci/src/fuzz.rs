//! Fuzzing without cargo-fuzz and without a nightly compiler: the flags that cargo-fuzz passes, and permission to
//! use the one of them that is unstable.

use std::fs;

use crate::command::{Failure, Outcome, Repo, run};
use crate::toolchain::Toolchain;

const MANIFEST: &str = "fuzz/Cargo.toml";

/// Coverage counters for libFuzzer, comparisons traced so that it can guess magic values, and the address
/// sanitizer, which also sees what the dependencies do.
const FLAGS: [&str; 10] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Zsanitizer=address",
    "-Cdebug-assertions",
    "-Coverflow-checks",
    "-Ccodegen-units=1",
    "--cfg=fuzzing",
];

const SECONDS: u32 = 10;

/// The targets: the name of each `[[bin]]` of the manifest.
fn targets(manifest: &str) -> Vec<String> {
    let mut in_bin = false;
    let mut names = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            in_bin = line == "[[bin]]";
        } else if in_bin
            && let Some((key, value)) = line.split_once('=')
            && key.trim() == "name"
        {
            names.push(value.trim().trim_matches('"').to_owned());
        }
    }
    names
}

pub(crate) fn smoke(repo: &Repo) -> Outcome {
    let fuzz = repo.root.join("fuzz");
    let manifest = repo.root.join(MANIFEST);
    let manifest = fs::read_to_string(&manifest).map_err(Failure::at(&manifest))?;
    let targets = targets(&manifest);
    if targets.is_empty() {
        return Err(Failure::new(format!("{MANIFEST} has no [[bin]]: there is no fuzz target")));
    }
    let host = Toolchain::find(repo)?.host;
    let built = fuzz.join("target");
    run(repo
        .cargo()
        .args(["build", "--locked", "--release", "--bins", "--manifest-path", MANIFEST, "--target", &host])
        .arg("--target-dir")
        .arg(&built)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}")))?;
    for target in &targets {
        println!("--- {target}: {SECONDS} s");
        // libFuzzer writes what it finds into the first folder and only reads the others: what is under version
        // control stays as it is.
        let found = built.join("corpus").join(target);
        let kept = fuzz.join("corpus").join(target);
        let artifacts = fuzz.join("artifacts").join(target);
        for folder in [&found, &artifacts] {
            fs::create_dir_all(folder).map_err(Failure::at(folder))?;
        }
        let mut fuzzer = repo.program(built.join(&host).join("release").join(target));
        fuzzer
            .arg(format!("-max_total_time={SECONDS}"))
            .args(["-timeout=10", "-rss_limit_mb=4096", "-verbosity=0", "-print_final_stats=1"])
            .arg(format!("-artifact_prefix={}/", artifacts.display()))
            .arg(&found)
            .env("ASAN_OPTIONS", "detect_odr_violation=0:detect_leaks=0");
        if kept.is_dir() {
            fuzzer.arg(&kept);
        }
        run(&mut fuzzer).map_err(|failure| {
            Failure::new(format!("target {target}: {failure}; the input is in {}", artifacts.display()))
        })?;
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_names_of_bins_are_targets() {
        let manifest = r#"
            [package]
            name = "opendesk-fuzz"
            [[bin]]
            name = "frame"
            path = "targets/frame.rs"
            [dependencies]
            name = "not-one"
            [[bin]]
            path = "targets/host_ops.rs"
            name = "host_ops"
        "#;
        assert_eq!(targets(manifest), ["frame", "host_ops"]);
    }
}
