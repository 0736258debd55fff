//! The applications that desktop entries describe (Desktop Entry and Base Directory Specifications).

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use freedesktop_desktop_entry::DesktopEntry;

use super::exec::{self, Codes};
use super::plain::plain;

/// More than a machine has where a person chooses among them.
const MAX_ENTRIES: usize = 10_000;

/// As much of one folder is looked through.
const MAX_LISTED: usize = 100_000;

/// Most of an entry are translations; one with many has 30 KiB.
const MAX_ENTRY: u64 = 256 << 10;

/// As many folders hold the entries of a machine, many times over.
const MAX_FOLDERS: usize = 1000;

/// How deep entries lie in folders of folders.
const MAX_DEPTH: u32 = 8;

const GROUP: &str = "[Desktop Entry]";

/// The keys that matter here. What else an entry has can be as wrong as it likes.
const KEYS: [&str; 12] = [
    "Exec",
    "Hidden",
    "Icon",
    "Name",
    "NoDisplay",
    "NotShowIn",
    "OnlyShowIn",
    "Path",
    "StartupWMClass",
    "Terminal",
    "TryExec",
    "Type",
];

/// Where entries are and for whom they are read.
#[derive(Debug, Clone, Default)]
pub(super) struct Reader {
    /// Folders named `applications`, the most important first.
    pub(super) folders: Vec<PathBuf>,
    /// The person's languages as entries write them, the best first.
    pub(super) locales: Vec<String>,
    /// What the desktop calls itself.
    pub(super) desktops: Vec<String>,
    /// Where programs are looked for.
    pub(super) path: OsString,
}

/// An application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// The id of its desktop file, without `.desktop`.
    pub(super) id: String,
    /// Its name in the person's language.
    pub(super) name: String,
    /// Its name in the language of its authors.
    pub(super) plain_name: String,
    /// Whether a menu shows it.
    pub(super) is_visible: bool,
    /// The program and its arguments, or why there are none.
    pub(super) arguments: Result<Vec<String>, String>,
    /// The directory to start it in.
    pub(super) folder: Option<PathBuf>,
    pub(super) in_terminal: bool,
    /// The class that its windows will have.
    pub(super) window_class: Option<String>,
}

impl Entry {
    /// What its processes are recognised by.
    pub(super) fn program(&self) -> Option<&str> {
        exec::identity(self.arguments.as_ref().ok()?.iter().map(String::as_str))
    }
}

impl Reader {
    /// Every application, hidden ones included, sorted by name.
    pub(super) fn read(&self) -> Vec<Entry> {
        let mut search = Search::default();
        for folder in &self.folders {
            search.collect(folder, "", 0);
        }
        let read = search.files.into_iter().filter_map(|(id, path)| self.entry(id, &path));
        let mut entries: Vec<Entry> = read.collect();
        entries.sort_by_cached_key(|entry| (entry.name.to_lowercase(), entry.id.clone()));
        entries
    }

    fn entry(&self, id: String, path: &Path) -> Option<Entry> {
        let mut bytes = Vec::new();
        plain(path).ok()?.take(MAX_ENTRY).read_to_end(&mut bytes).ok()?;
        let text = essence(&String::from_utf8_lossy(&bytes));
        let parsed = match DesktopEntry::from_str(path, &text, Some(self.locales.as_slice())) {
            Ok(parsed) => parsed,
            Err(error) => {
                tracing::debug!(%error, path = %path.display(), "a desktop entry cannot be read");
                return None;
            }
        };
        if parsed.type_() != Some("Application") || parsed.hidden() {
            return None;
        }
        let (plain_name, translations) = parsed.groups.desktop_entry()?.0.get("Name")?;
        let name = self.locales.iter().find_map(|locale| translations.get(locale)).unwrap_or(plain_name);
        let is_installed = parsed.try_exec().is_none_or(|program| find_program(program, &self.path).is_some());
        if plain_name.is_empty() || !is_installed {
            return None;
        }
        let file = path.to_string_lossy();
        let codes = Codes { name, icon: parsed.icon().filter(|icon| !icon.is_empty()), file: &file };
        let arguments = exec::arguments(parsed.exec().unwrap_or_default(), &codes);
        Some(Entry {
            id,
            name: name.clone(),
            plain_name: plain_name.clone(),
            is_visible: !parsed.no_display() && self.has_program(&arguments) && self.is_for_desktop(&parsed),
            arguments,
            folder: parsed.path().filter(|folder| !folder.is_empty()).map(PathBuf::from),
            in_terminal: parsed.terminal(),
            window_class: parsed.startup_wm_class().filter(|class| !class.is_empty()).map(str::to_owned),
        })
    }

    /// Some entries outlive their programs.
    fn has_program(&self, arguments: &Result<Vec<String>, String>) -> bool {
        let program = arguments.as_ref().ok().and_then(|arguments| arguments.first());
        program.is_some_and(|program| find_program(program, &self.path).is_some())
    }

    fn is_for_desktop(&self, entry: &DesktopEntry) -> bool {
        let names_ours = |names: Vec<&str>| {
            names.iter().any(|name| self.desktops.iter().any(|desktop| desktop.eq_ignore_ascii_case(name)))
        };
        entry.only_show_in().is_none_or(names_ours) && !entry.not_show_in().is_some_and(names_ours)
    }
}

/// The files of entries that were found, by id.
#[derive(Default)]
struct Search {
    files: BTreeMap<String, PathBuf>,
    /// How many folders were looked through.
    folders: usize,
}

impl Search {
    /// Looks through a folder and those in it. The first of one id counts: a person's own entry hides one of the
    /// system. What links lead to is a file at most: folders could lead to each other for ever.
    fn collect(&mut self, folder: &Path, prefix: &str, depth: u32) {
        if self.folders >= MAX_FOLDERS {
            return;
        }
        self.folders += 1;
        let Ok(listed) = fs::read_dir(folder) else { return };
        let is_folder = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
        let listed = listed.filter_map(|entry| entry.ok()).take(MAX_LISTED);
        let mut listed: Vec<(PathBuf, bool)> = listed.map(|entry| (entry.path(), is_folder(&entry))).collect();
        listed.sort_unstable();
        for (path, is_folder) in listed {
            let Some(name) = path.file_name().and_then(OsStr::to_str) else { continue };
            if self.files.len() >= MAX_ENTRIES {
                return;
            }
            if is_folder && depth < MAX_DEPTH {
                self.collect(&path, &format!("{prefix}{name}-"), depth + 1);
            } else if let Some(stem) = name.strip_suffix(".desktop").filter(|stem| !is_folder && !stem.is_empty()) {
                self.files.entry(format!("{prefix}{stem}")).or_insert(path);
            }
        }
    }
}

/// The lines that matter here, of the one group that does.
fn essence(text: &str) -> String {
    let mut kept = format!("{GROUP}\n");
    let mut is_inside = false;
    for line in text.lines() {
        if line.starts_with('[') {
            is_inside = line.trim_end() == GROUP;
            continue;
        }
        let Some((key, value)) = line.split_once('=').filter(|_| is_inside) else { continue };
        let key = key.trim();
        if KEYS.contains(&key.split('[').next().unwrap_or_default()) {
            kept.extend([key, "=", value.trim(), "\n"]);
        }
    }
    kept
}

/// The names of the person's languages in desktop entries, the best first (Desktop Entry Specification, "Localized
/// values for keys"; GNU gettext, "Specifying a Priority List of Languages").
pub(super) fn locales<'a>(variable: impl Fn(&str) -> Option<&'a str>) -> Vec<String> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(set).unwrap_or_default();
    if is_untranslated(locale) {
        return Vec::new();
    }
    let languages = set("LANGUAGE").unwrap_or_default().split(':').chain([locale]);
    let mut names: Vec<String> = Vec::new();
    for name in languages.filter(|name| !name.is_empty()).flat_map(variants) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn is_untranslated(locale: &str) -> bool {
    matches!(locale.split(['.', '@']).next(), None | Some("" | "C" | "POSIX"))
}

fn variants(locale: &str) -> Vec<String> {
    let (rest, modifier) = locale.split_once('@').unwrap_or((locale, ""));
    let region = rest.split('.').next().unwrap_or_default();
    let language = region.split('_').next().unwrap_or_default();
    let mut names = Vec::new();
    for base in [region, language] {
        if !modifier.is_empty() {
            names.push(format!("{base}@{modifier}"));
        }
        names.push(base.to_owned());
    }
    names
}

/// Where a program is that may be run: by its path, or by its name in one of the folders of `path`.
pub(super) fn find_program(name: &str, path: &OsStr) -> Option<PathBuf> {
    let may_run =
        |file: &Path| fs::metadata(file).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0);
    if name.contains('/') {
        let file = PathBuf::from(name);
        return (file.is_absolute() && may_run(&file)).then_some(file);
    }
    let folders = std::env::split_paths(path).filter(|folder| folder.is_absolute());
    folders.map(|folder| folder.join(name)).find(|file| may_run(file))
}

#[cfg(test)]
mod tests;
