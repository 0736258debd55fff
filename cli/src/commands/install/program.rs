//! The path by which a client is to start this program.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::exit::Failure;

/// This program.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) path: PathBuf,
    /// What will become of it.
    pub(super) warning: Option<String>,
}

pub(super) fn program() -> Result<Program, Failure> {
    let running = std::env::current_exe()
        .map_err(|error| Failure::failed(format!("the path of this program cannot be found: {error}")))?;
    // Linux says so of a program that was replaced while it ran.
    if !running.is_file() {
        let shown = running.display();
        return Err(Failure::failed(format!("this program is not any more at {shown}; start it from where it is now")));
    }
    let called = std::env::args_os().next().unwrap_or_default();
    let path = lasting(&running, &called, std::env::var_os("PATH").as_deref());
    let warning = fleeting(&path).map(|why| {
        format!("{} {why}: clients cannot start it when it is gone; install from where it will stay", path.display())
    });
    Ok(Program { path, warning })
}

/// The name by which the program was called, where that is a link to it: package managers keep the link when they put a
/// new version behind it.
fn lasting(running: &Path, called: &OsStr, search: Option<&OsStr>) -> PathBuf {
    let is_same = |path: &PathBuf| {
        let behind = |path: &Path| std::fs::canonicalize(path).ok();
        path.is_absolute() && behind(path).is_some() && behind(path) == behind(running)
    };
    let called = Path::new(called);
    let by_path = std::path::absolute(called).ok().filter(|_| called.components().count() > 1);
    let by_search = || {
        let folders = search.into_iter().flat_map(std::env::split_paths);
        folders.map(|folder| folder.join(called)).find(is_same)
    };
    match by_path {
        Some(path) => Some(path).filter(is_same),
        None => by_search(),
    }
    .unwrap_or_else(|| running.to_owned())
}

/// Why a program will not stay where it is.
fn fleeting(path: &Path) -> Option<&'static str> {
    let names: Vec<&OsStr> = path.iter().collect();
    let is_built = names.windows(2).any(|pair| pair[0] == "target" && (pair[1] == "debug" || pair[1] == "release"));
    if is_built {
        return Some("is in the target folder of a build");
    }
    let is_temporary =
        path.starts_with(std::env::temp_dir()) || path.starts_with("/tmp") || path.starts_with("/var/tmp");
    is_temporary.then_some("is in a folder for temporary files")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_by_which_it_was_called_is_kept_and_anything_else_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (program, other) = (folder.path().join("opendesk-1.2"), folder.path().join("other"));
        std::fs::write(&program, "a").unwrap();
        std::fs::write(&other, "b").unwrap();
        let link = folder.path().join("opendesk");
        std::os::unix::fs::symlink(&program, &link).unwrap();
        assert_eq!(lasting(&program, link.as_os_str(), None), link);
        assert_eq!(lasting(&program, OsStr::new("opendesk"), Some(folder.path().as_os_str())), link);
        assert_eq!(lasting(&program, OsStr::new("opendesk"), Some(OsStr::new("/nowhere"))), program);
        assert_eq!(lasting(&program, OsStr::new("opendesk"), Some(OsStr::new("."))), program);
        assert_eq!(lasting(&program, other.as_os_str(), None), program);
        assert_eq!(lasting(&program, OsStr::new(""), None), program);
    }

    #[test]
    fn what_will_not_stay_is_told() {
        assert!(fleeting(Path::new("/home/me/opendesk/target/debug/opendesk")).is_some());
        assert!(fleeting(Path::new("/tmp/opendesk")).is_some());
        assert_eq!(fleeting(Path::new("/usr/local/bin/opendesk")), None);
        assert_eq!(fleeting(Path::new("/home/target/opendesk")), None);
    }
}
