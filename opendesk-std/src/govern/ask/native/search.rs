//! Which programs may ask the owner: only those that no program of this user can replace. One that may only write files
//! would else put a dialog into a folder of the `PATH` that says yes by itself.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::os::command::Variable;
use crate::platform;

/// Where programs are when there is no `PATH`.
const USUAL: &str = "/usr/bin:/bin";

/// What came of looking for a program.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Its absolute path.
    Program(String),
    /// There is only one in this folder that may not ask.
    Replaceable(PathBuf),
    /// There is none.
    Nowhere,
}

/// How programs are looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Search {
    /// Also where this user can write.
    anywhere: bool,
}

impl Search {
    /// As it is right for this user: root can replace every program, so none is better than another. The programs of
    /// unit tests are in temporary folders.
    pub(super) fn new() -> Self {
        Self { anywhere: cfg!(test) || platform::is_root() }
    }

    /// As for somebody who is not root.
    #[cfg(test)]
    pub(super) const fn careful() -> Self {
        Self { anywhere: false }
    }

    /// Looks for a program on the `PATH` of a session.
    pub(super) fn find(self, name: &str, session: &[Variable]) -> Found {
        if let Some(program) = platform::system_program(name).and_then(|path| path.into_os_string().into_string().ok())
        {
            return Found::Program(program);
        }
        let mut replaceable = None;
        for folder in env::split_paths(&path_of(session)).filter(|folder| folder.is_absolute()) {
            let Ok(folder) = folder.canonicalize() else { continue };
            let Some(program) = program_in(&folder, name) else { continue };
            // A link in a folder of ours may lead to any program, and its name says nothing of what it does.
            let may_ask = self.anywhere || (is_out_of_reach(&folder) && is_out_of_reach(&program));
            if !may_ask {
                replaceable.get_or_insert(folder);
            } else if let Ok(program) = program.into_os_string().into_string() {
                return Found::Program(program);
            }
        }
        replaceable.map_or(Found::Nowhere, Found::Replaceable)
    }
}

/// The `PATH` of a program that is started in a session.
fn path_of(session: &[Variable]) -> OsString {
    variable("PATH", session).unwrap_or_else(|| USUAL.into())
}

/// A variable of the environment of a program that is started in a session.
pub(super) fn variable(name: &str, session: &[Variable]) -> Option<OsString> {
    let given = session.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    given.unwrap_or_else(|| env::var_os(name))
}

/// What is run by this name in a folder, without links.
fn program_in(folder: &Path, name: &str) -> Option<PathBuf> {
    let program = folder.join(name).canonicalize().ok()?;
    platform::is_program(&program).then_some(program)
}

/// Whether this user can change neither the place nor what leads to it. Who owns a file can make it writable.
fn is_out_of_reach(place: &Path) -> bool {
    place.ancestors().all(platform::is_out_of_reach)
}
