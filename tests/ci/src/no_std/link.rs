//! Gates B and C: programs that link only when what they are about holds.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{MANIFEST, must_fail};
use crate::command::{Failure, Repo, capture, read, run};

const HEAPLESS: &str = "opendesk-no-std-probe";
const PANIC_FREE: &str = "opendesk-panic-free";

/// Each profile: the folder it builds into and how it is asked for.
const PROFILES: [(&str, &[&str]); 2] = [("debug", &[]), ("release", &["--release"])];

/// Names that only a program with a heap has in its symbol table.
const HEAP: [&str; 6] = ["__rust_alloc", "__rust_realloc", "__rdl_alloc", " malloc", " calloc", " realloc"];

fn built(repo: &Repo) -> PathBuf {
    repo.target.join("no-std/link")
}

fn build(repo: &Repo, package: &str, arguments: &[&str]) -> Command {
    let mut cargo = repo.cargo();
    cargo.args(["build", "--locked", "--manifest-path", MANIFEST, "--target-dir"]).arg(built(repo));
    cargo.args(["--package", package]).args(arguments);
    cargo
}

/// Gate B: a program without an allocator links, has no trace of a heap, and a whole conversation between the two
/// machines of the core runs in it. In both profiles: the optimiser must not be what removes the heap.
pub(super) fn heapless(repo: &Repo) -> Result<(), Failure> {
    println!("--- B: a session without a heap");
    for (profile, arguments) in PROFILES {
        run(&mut build(repo, HEAPLESS, arguments))?;
        let binary = built(repo).join(profile).join(HEAPLESS);
        let ended = capture(&mut repo.program(&binary))?;
        if !ended.success {
            let how = ended.code.map_or_else(|| "a signal".to_owned(), |code| format!("code {code}"));
            return Err(Failure::new(format!(
                "{} ended with {how}; tests/no-std/probe/src/main.rs lists the codes\n{}",
                binary.display(),
                ended.stderr.trim_end()
            )));
        }
        symbols_show_no_heap(&binary, &read(repo.program("nm").arg(&binary))?)?;
    }
    must_fail(&mut build(repo, HEAPLESS, &["--features", "alloc"]), &["no global memory allocator found"])?;
    must_fail(&mut build(repo, HEAPLESS, &["--features", "std"]), &["E0152", "panic_impl"])
}

fn symbols_show_no_heap(binary: &Path, symbols: &str) -> Result<(), Failure> {
    let named = |what: String| Failure::new(format!("{}: {what}", binary.display()));
    if !symbols.lines().any(|line| line.ends_with(" T main")) {
        return Err(named("`nm` does not even show `main`, so that it shows no heap proves nothing".into()));
    }
    match HEAP.iter().find(|name| symbols.contains(**name)) {
        None => Ok(()),
        Some(name) => Err(named(format!("the symbol table has `{}`: something allocates", name.trim()))),
    }
}

/// Gate C: a program whose panic handler cannot be linked links around the decoders.
pub(super) fn panic_free(repo: &Repo) -> Result<(), Failure> {
    println!("--- C: decoders that cannot panic");
    run(&mut build(repo, PANIC_FREE, &["--release"]))?;
    run(&mut repo.program(built(repo).join("release").join(PANIC_FREE)))?;
    must_fail(
        &mut build(repo, PANIC_FREE, &["--release", "--features", "panics"]),
        &["undefined", "the_decoder_can_panic"],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symbol_of_a_heap_is_found() {
        let judge = |symbols: &str| symbols_show_no_heap(Path::new("probe"), symbols);
        assert!(judge("0000000000001139 T main\n                 U memcpy@GLIBC_2.14\n").is_ok());
        let v0 = "0000000000001139 T main\n00000000000012b0 T _RNvCsdBezzDwma51_7___rustc12___rust_alloc\n";
        assert!(judge(v0).unwrap_err().to_string().contains("__rust_alloc"));
        let c = "0000000000001139 T main\n                 U malloc@GLIBC_2.2.5\n";
        assert!(judge(c).unwrap_err().to_string().contains("malloc"));
        assert!(judge("").unwrap_err().to_string().contains("proves nothing"));
    }
}
