//! The files of services: written whole, and never over what somebody else wrote.

use std::io;
use std::path::Path;

use super::ServiceError;
use crate::home::file::{read_private, write_atomic};
pub(super) use crate::home::shown;
use crate::platform::{self, OWN_FOLDER};

/// What stands at the beginning of every file that is ours.
pub(super) const MARK: &str = "Written by `opendesk install-service`";

/// Where that is, in bytes: after the declaration of an XML file.
const MARK_WITHIN: usize = 256;

/// Longer than any file that we write.
const MAX_BYTES: usize = 256 << 10;

/// Writes a file, and the folders in which it belongs.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), ServiceError> {
    let folder = path.parent().unwrap_or_else(|| Path::new("/"));
    // As the XDG base directory specification asks of whoever creates them.
    let made = platform::folders(OWN_FOLDER).recursive(true).create(folder);
    made.map_err(|error| failed("create", folder, &error))?;
    write_atomic(path, bytes).map_err(|error| failed("write", path, &error))
}

/// The same, but not over a file of somebody else.
pub(super) fn write_own(path: &Path, bytes: &[u8]) -> Result<(), ServiceError> {
    is_own(path)?;
    write(path, bytes)
}

/// Whether the file is there; one that opendesk has not written is an error.
pub(super) fn is_own(path: &Path) -> Result<bool, ServiceError> {
    let content = read_private(path, MAX_BYTES).map_err(|error| failed("use", path, &error))?;
    let Some(content) = content else { return Ok(false) };
    let start = content.get(..MARK_WITHIN).unwrap_or(&content);
    if start.windows(MARK.len()).any(|part| part == MARK.as_bytes()) {
        return Ok(true);
    }
    Err(ServiceError::File(format!("{} is there and opendesk has not written it; move it away", shown(path))))
}

/// Removes a file or a link; `false` when there was none.
pub(super) fn remove(path: &Path) -> Result<bool, ServiceError> {
    match std::fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(failed("remove", path, &error)),
    }
}

fn failed(doing: &str, path: &Path, error: &io::Error) -> ServiceError {
    ServiceError::File(format!("cannot {doing} {}: {error}", shown(path)))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_is_written_is_found_again_and_the_folders_are_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config/systemd/user/opendesk.service");
        assert_eq!(is_own(&path), Ok(false));
        write_own(&path, format!("# {MARK}\n").as_bytes()).unwrap();
        assert_eq!(is_own(&path), Ok(true));
        write_own(&path, format!("# {MARK} again\n").as_bytes()).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("# {MARK} again\n"));
        assert_eq!(fs::metadata(folder.path().join("config")).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!((remove(&path), remove(&path)), (Ok(true), Ok(false)));
    }

    #[test]
    fn what_somebody_else_wrote_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let theirs = folder.path().join("theirs.service");
        fs::write(&theirs, "[Service]\n").unwrap();
        // As a masked unit is.
        let masked = folder.path().join("masked.service");
        std::os::unix::fs::symlink("/dev/null", &masked).unwrap();
        let late = folder.path().join("late.service");
        fs::write(&late, format!("{}{MARK}", " ".repeat(MARK_WITHIN))).unwrap();
        for path in [&theirs, &masked, &late] {
            let error = write_own(path, b"ours").unwrap_err().to_string();
            assert!(error.contains(path.to_str().unwrap()), "{error}");
        }
        assert_eq!(fs::read(&theirs).unwrap(), b"[Service]\n");
        assert!(fs::symlink_metadata(&masked).unwrap().is_symlink());
    }
}
