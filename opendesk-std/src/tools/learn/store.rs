//! Where programs are: `<home>/programs/NAME.json`, for their owner only.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::program::{MOST_BYTES, Program};
use crate::home::file::{read_private, sync_directory, write_atomic};
use crate::home::{Home, HomeError, HomeErrorKind};
use crate::platform::{self, OWN_FOLDER};

const DIRECTORY: &str = "programs";
const ENDING: &str = ".json";

/// What the program was before it was last changed.
const BACKUP: &str = ".json.bak";

/// The longest name.
const LONGEST: usize = 64;

/// Programs that are listed.
const MOST: usize = 1000;

/// Makes sure that a name is that of one file in one directory, whatever the system.
///
/// # Errors
/// What a name is made of.
pub(super) fn good_name(name: &str) -> Result<(), String> {
    let is_good = (1..=LONGEST).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && !name.ends_with('.')
        && name.chars().all(|each| each.is_ascii_alphanumeric() || matches!(each, '-' | '_' | '.'));
    if is_good {
        return Ok(());
    }
    let shown: String = name.chars().take(LONGEST).collect();
    Err(format!(
        "{shown:?} is no program's name: 1 to {LONGEST} letters, digits, `-`, `_` and `.`, a letter or digit first"
    ))
}

/// What is known of a file of the directory.
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) program: Result<Program, HomeError>,
}

/// The program of exactly this name.
///
/// # Errors
/// [`HomeErrorKind::Invalid`] where there is none, [`HomeErrorKind::Corrupt`] for a file that is no program.
pub(super) fn load(home: &Home, name: &str) -> Result<Program, HomeError> {
    let path = path(home, name)?;
    let read = read_private(&path, MOST_BYTES).map_err(|error| HomeError::io("read", &path, &error))?;
    let bytes = read.ok_or_else(|| {
        let known = names(home).unwrap_or_default();
        let known =
            if known.is_empty() { "none is saved yet".to_owned() } else { format!("there are {}", known.join(", ")) };
        HomeError::new(HomeErrorKind::Invalid, format!("no program is called {name}; {known}"))
    })?;
    let program = Program::parse(&bytes)
        .map_err(|why| HomeError::corrupt(&path, format_args!("is no program that can be run: {why}")))?;
    if program.name != name {
        let why = format_args!("says that it is the program {:?}, so its name has to be changed in it", program.name);
        return Err(HomeError::corrupt(&path, why));
    }
    Ok(program)
}

/// Writes a program; with `replace` over the one of this name.
///
/// # Errors
/// [`HomeErrorKind::Taken`], [`HomeErrorKind::Invalid`] for what could not be read again, [`HomeErrorKind::Io`].
pub(super) fn save(home: &Home, program: &Program, replace: bool) -> Result<PathBuf, HomeError> {
    let invalid = |why: String| HomeError::new(HomeErrorKind::Invalid, why);
    let path = path(home, &program.name)?;
    program.check().map_err(invalid)?;
    let bytes = program.to_bytes().map_err(invalid)?;
    let _lock = home.lock()?;
    make_directory(home)?;
    let there = path.symlink_metadata().is_ok();
    if there && !replace {
        let why = format!("a program is called {} already; choose another name, or say `replace`", program.name);
        return Err(HomeError::new(HomeErrorKind::Taken, why));
    }
    if there {
        back_up(home, &program.name, &path)?;
    }
    write_atomic(&path, &bytes).map_err(|error| HomeError::io("write", &path, &error))?;
    Ok(path)
}

/// Changes a program and keeps what it was; where there is none, it is `new`, if that is given. Gives what `change` gives.
///
/// # Errors
/// As [`load`] and [`save`], and those of `change`; nothing is written then.
pub(super) fn change<T>(
    home: &Home,
    name: &str,
    new: Option<Program>,
    change: impl FnOnce(&mut Program) -> Result<T, String>,
) -> Result<T, HomeError> {
    let invalid = |why: String| HomeError::new(HomeErrorKind::Invalid, why);
    let path = path(home, name)?;
    let _lock = home.lock()?;
    let new = new.filter(|_| path.symlink_metadata().is_err());
    let is_new = new.is_some();
    let mut program = match new {
        Some(program) => program,
        None => load(home, name)?,
    };
    let done = change(&mut program).map_err(invalid)?;
    program.check().map_err(invalid)?;
    let bytes = program.to_bytes().map_err(invalid)?;
    if is_new {
        make_directory(home)?;
    } else {
        back_up(home, name, &path)?;
    }
    write_atomic(&path, &bytes).map_err(|error| HomeError::io("write", &path, &error))?;
    Ok(done)
}

/// Removes a program and what it was before.
///
/// # Errors
/// [`HomeErrorKind::Invalid`] where there is none, [`HomeErrorKind::Io`].
pub(super) fn delete(home: &Home, name: &str) -> Result<(), HomeError> {
    let path = path(home, name)?;
    let _lock = home.lock()?;
    let removed = |path: &Path| match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(HomeError::io("remove", path, &error)),
    };
    if !removed(&path)? {
        return Err(HomeError::new(HomeErrorKind::Invalid, format!("no program is called {name}")));
    }
    removed(&backup(home, name))?;
    sync_directory(&path).map_err(|error| HomeError::io("remove", &path, &error))
}

/// All programs, by name.
///
/// # Errors
/// [`HomeErrorKind::Io`].
pub(super) fn list(home: &Home) -> Result<Vec<Listed>, HomeError> {
    let names = names(home)?;
    Ok(names.into_iter().take(MOST).map(|name| Listed { program: load(home, &name), name }).collect())
}

fn names(home: &Home) -> Result<Vec<String>, HomeError> {
    let directory = directory(home);
    let failed = |error: io::Error| HomeError::io("read", &directory, &error);
    let entries = match fs::read_dir(&directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let file = entry.map_err(failed)?.file_name();
        let name = file.to_str().and_then(|file| file.strip_suffix(ENDING));
        names.extend(name.filter(|name| good_name(name).is_ok()).map(str::to_owned));
    }
    names.sort_unstable();
    Ok(names)
}

fn directory(home: &Home) -> PathBuf {
    home.path().join(DIRECTORY)
}

fn path(home: &Home, name: &str) -> Result<PathBuf, HomeError> {
    good_name(name).map_err(|why| HomeError::new(HomeErrorKind::Invalid, why))?;
    let directory = directory(home);
    // What is a link there leads out of the home.
    if directory.symlink_metadata().is_ok_and(|there| !there.is_dir()) {
        let why = format!("{} is no directory; move it away", crate::home::shown(&directory));
        return Err(HomeError::new(HomeErrorKind::Foreign, why));
    }
    Ok(directory.join(format!("{name}{ENDING}")))
}

fn backup(home: &Home, name: &str) -> PathBuf {
    directory(home).join(format!("{name}{BACKUP}"))
}

fn back_up(home: &Home, name: &str, path: &Path) -> Result<(), HomeError> {
    let read = read_private(path, MOST_BYTES).map_err(|error| HomeError::io("read", path, &error))?;
    let backup = backup(home, name);
    write_atomic(&backup, &read.unwrap_or_default()).map_err(|error| HomeError::io("write", &backup, &error))
}

fn make_directory(home: &Home) -> Result<(), HomeError> {
    let directory = directory(home);
    match platform::folders(OWN_FOLDER).create(&directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(HomeError::io("create", &directory, &error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use serde_json::json;

    use super::*;

    fn home() -> (tempfile::TempDir, Home) {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(Some(folder.path().join("home"))).unwrap();
        (folder, home)
    }

    fn program(name: &str, waits: u32) -> Program {
        let value = json!({"name": name, "version": 1, "source": "session", "steps": [{"id": 1, "tool": "wait", "wait_ms": waits}]});
        Program::parse(value.to_string().as_bytes()).unwrap()
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn programs_are_kept_for_their_owner_only_and_by_their_exact_names() {
        let (_folder, home) = home();
        assert!(list(&home).unwrap().is_empty());
        assert!(load(&home, "greet").unwrap_err().to_string().contains("none is saved yet"));
        let path = save(&home, &program("greet", 1), false).unwrap();
        assert_eq!((mode(&path), mode(&directory(&home))), (0o600, 0o700));
        assert_eq!(load(&home, "greet").unwrap(), program("greet", 1));
        for other in ["gree", "greet2", "gre", "GREET"] {
            let error = load(&home, other).unwrap_err().to_string();
            assert!(error.ends_with("there are greet"), "{error}");
        }
        assert_eq!(save(&home, &program("greet", 2), false).unwrap_err().kind(), HomeErrorKind::Taken);
        save(&home, &program("greet", 2), true).unwrap();
        let kept = fs::read(backup(&home, "greet")).unwrap();
        assert_eq!(Program::parse(&kept).unwrap(), program("greet", 1));
        assert_eq!(mode(&backup(&home, "greet")), 0o600);
        assert_eq!(list(&home).unwrap().len(), 1, "what it was before is no program");
        delete(&home, "greet").unwrap();
        assert!(delete(&home, "greet").is_err());
        assert_eq!(fs::read_dir(directory(&home)).unwrap().count(), 0);
    }

    #[test]
    fn no_name_leads_out_of_the_directory() {
        let (folder, home) = home();
        fs::write(folder.path().join("outside.json"), program("outside", 1).to_bytes().unwrap()).unwrap();
        save(&home, &program("greet", 1), false).unwrap();
        let long = "x".repeat(65);
        for name in
            ["../../outside", "..", ".", "", "a/b", "a\\b", "/etc/passwd", ".hidden", "a\0", "a b", "ä", "a.", &long]
        {
            assert_eq!(load(&home, name).map(drop).unwrap_err().kind(), HomeErrorKind::Invalid, "{name:?}");
            assert!(delete(&home, name).is_err() && change(&home, name, None, |_| Ok(())).is_err(), "{name:?}");
        }
        symlink(folder.path().join("outside.json"), directory(&home).join("outside.json")).unwrap();
        let error = load(&home, "outside").unwrap_err().to_string();
        assert!(error.contains("symbolic link"), "{error}");
        fs::remove_dir_all(directory(&home)).unwrap();
        symlink(folder.path(), directory(&home)).unwrap();
        assert_eq!(load(&home, "outside").unwrap_err().kind(), HomeErrorKind::Foreign);
        assert_eq!(save(&home, &program("new", 1), true).unwrap_err().kind(), HomeErrorKind::Foreign);
    }

    #[test]
    fn a_file_that_is_no_program_is_told_with_its_path_and_left_alone() {
        let (_folder, home) = home();
        let path = save(&home, &program("greet", 1), false).unwrap();
        for (content, why) in [
            (&b"{\"name\": 1,\n}"[..], "line 1"),
            (b"", "line 1"),
            (b"\xff\xfe", "is no program"),
            (br#"{"name":"other","version":1,"source":"session","steps":[{"id":1,"tool":"wait"}]}"#, "\"other\""),
        ] {
            fs::write(&path, content).unwrap();
            let error = load(&home, "greet").unwrap_err();
            assert!(error.kind() == HomeErrorKind::Corrupt && error.to_string().contains(why), "{error}");
            assert!(error.to_string().contains("programs/greet.json"), "{error}");
            assert!(change(&home, "greet", None, |_| Ok(())).is_err());
            assert_eq!(fs::read(&path).unwrap(), content);
            assert!(list(&home).unwrap()[0].program.is_err());
        }
        fs::write(&path, vec![b' '; MOST_BYTES + 1]).unwrap();
        assert!(load(&home, "greet").unwrap_err().to_string().contains("longer than"));
    }

    #[test]
    fn a_change_begins_a_program_only_where_there_is_none() {
        let (_folder, home) = home();
        let new = || Some(program("greet", 1));
        assert!(change(&home, "greet", new(), |_| Err::<(), _>("no".to_owned())).is_err());
        assert!(load(&home, "greet").is_err());
        change(&home, "greet", new(), |_| Ok(())).unwrap();
        assert_eq!(load(&home, "greet").unwrap(), program("greet", 1));
        save(&home, &program("greet", 5), true).unwrap();
        change(&home, "greet", new(), |_| Ok(())).unwrap();
        assert_eq!(load(&home, "greet").unwrap(), program("greet", 5));
    }

    #[test]
    fn a_change_that_makes_no_program_changes_nothing() {
        let (_folder, home) = home();
        save(&home, &program("greet", 1), false).unwrap();
        assert!(
            change(&home, "greet", None, |program| {
                program.steps.clear();
                Ok(())
            })
            .is_err()
        );
        assert!(change(&home, "greet", None, |_| Err::<(), _>("no".to_owned())).is_err());
        assert_eq!(load(&home, "greet").unwrap(), program("greet", 1));
        change(&home, "greet", None, |program| {
            program.steps[0].wait_ms = 9;
            Ok(())
        })
        .unwrap();
        assert_eq!(load(&home, "greet").unwrap(), program("greet", 9));
        assert_eq!(Program::parse(&fs::read(backup(&home, "greet")).unwrap()).unwrap(), program("greet", 1));
    }
}
