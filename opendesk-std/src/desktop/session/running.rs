//! Which applications the open windows belong to.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use super::entries::Entry;
use super::exec;

/// The start of a command line that tells one program from another.
const MAX_COMMAND_LINE: u64 = 4096;

/// Longer than any line of processes that a desktop starts one from another.
const MAX_ANCESTORS: usize = 64;

/// An open window, as far as it tells whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunningWindow {
    /// What focusing and closing take.
    pub id: String,
    /// The process that it belongs to.
    pub pid: Option<u32>,
    /// The first part of its `WM_CLASS`.
    pub instance: String,
    /// The second part of its `WM_CLASS`.
    pub class: String,
}

/// An application that has windows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Group<'a> {
    /// The application's name, or what its windows call themselves.
    pub(super) name: String,
    /// Its entry, if it has one.
    pub(super) entry: Option<&'a Entry>,
    /// Its windows, the one in front first.
    pub(super) windows: Vec<&'a RunningWindow>,
}

/// The applications of these windows, whose first one is in front, in the order of their frontmost windows. Windows
/// that tell nothing of themselves belong to none.
pub(super) fn groups<'a>(windows: &'a [RunningWindow], entries: &'a [Entry], proc: &Path) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for window in windows {
        let programs = window.pid.map(|pid| programs(proc, pid)).unwrap_or_default();
        let entry = owner(window, &programs, entries);
        let own_name = [&window.class, &window.instance].into_iter().find(|name| !name.is_empty());
        let Some(name) = entry.map(|entry| &entry.name).or(own_name).or_else(|| programs.first()) else { continue };
        let is_same = |group: &&mut Group<'_>| match (group.entry, entry) {
            (Some(known), Some(entry)) => known.id == entry.id,
            (None, None) => group.name.eq_ignore_ascii_case(name),
            _ => false,
        };
        match groups.iter_mut().find(is_same) {
            Some(group) => group.windows.push(window),
            None => groups.push(Group { name: name.clone(), entry, windows: vec![window] }),
        }
    }
    groups
}

/// The entry that a window belongs to: by what it promises of its windows, by what its windows usually call themselves,
/// by the program of the window's process. What a menu shows comes first.
fn owner<'a>(window: &RunningWindow, programs: &[String], entries: &'a [Entry]) -> Option<&'a Entry> {
    let calls_itself = |name: &str| {
        !name.is_empty() && (name.eq_ignore_ascii_case(&window.class) || name.eq_ignore_ascii_case(&window.instance))
    };
    let find = |is_owner: &dyn Fn(&Entry) -> bool| {
        let visible = entries.iter().find(|entry| entry.is_visible && is_owner(entry));
        visible.or_else(|| entries.iter().find(|entry| is_owner(entry)))
    };
    let last = |id: &str| id.rsplit('.').next().is_some_and(calls_itself);
    find(&|entry| entry.window_class.as_deref().is_some_and(calls_itself))
        .or_else(|| find(&|entry| calls_itself(&entry.id)))
        .or_else(|| find(&|entry| last(&entry.id)))
        .or_else(|| find(&|entry| entry.program().is_some_and(calls_itself)))
        .or_else(|| find(&|entry| calls_itself(&entry.plain_name) || calls_itself(&entry.name)))
        .or_else(|| find(&|entry| entry.program().is_some_and(|program| programs.iter().any(|own| own == program))))
}

/// What a process is recognised by: what its command line says first, then the file that it runs.
pub(super) fn programs(proc: &Path, pid: u32) -> Vec<String> {
    let folder = proc.join(pid.to_string());
    let mut bytes = Vec::new();
    let read = File::open(folder.join("cmdline")).and_then(|file| file.take(MAX_COMMAND_LINE).read_to_end(&mut bytes));
    if read.is_err() {
        return Vec::new();
    }
    let line = String::from_utf8_lossy(&bytes);
    let said = exec::identity(line.trim_end_matches('\0').split('\0')).map(str::to_owned);
    let file = fs::read_link(folder.join("exe")).ok();
    let file = file.as_ref().and_then(|path| exec::identity([path.file_name()?.to_str()?]));
    let mut programs: Vec<String> =
        said.into_iter().chain(file.map(str::to_owned)).filter(|name| !name.is_empty()).collect();
    programs.dedup();
    programs
}

/// Whether a process is another one or was started by it, directly or not.
pub(super) fn descends(proc: &Path, pid: u32, from: u32) -> bool {
    let parent = |pid: &u32| {
        let stat = fs::read(proc.join(pid.to_string()).join("stat")).ok()?;
        let stat = String::from_utf8_lossy(&stat);
        // The name before it stands in parentheses and can hold some itself.
        let parent = stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(1)?.parse().ok()?;
        (parent != 0).then_some(parent)
    };
    core::iter::successors(Some(pid), parent).take(MAX_ANCESTORS).any(|pid| pid == from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str, name: &str, exec: &str) -> Entry {
        Entry {
            id: id.to_owned(),
            name: name.to_owned(),
            plain_name: name.to_owned(),
            is_visible: true,
            arguments: Ok(exec.split(' ').map(str::to_owned).collect()),
            folder: None,
            in_terminal: false,
            window_class: None,
        }
    }

    fn window(id: &str, pid: Option<u32>, instance: &str, class: &str) -> RunningWindow {
        RunningWindow { id: id.to_owned(), pid, instance: instance.to_owned(), class: class.to_owned() }
    }

    fn process(proc: &Path, pid: u32, parent: u32, line: &str) {
        let folder = proc.join(pid.to_string());
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("cmdline"), line).unwrap();
        fs::write(folder.join("stat"), format!("{pid} (a) b) S {parent} 1 1")).unwrap();
    }

    #[test]
    fn windows_are_grouped_by_application_in_their_order() {
        let proc = tempfile::tempdir().unwrap();
        process(proc.path(), 70, 1, "python3\0/opt/x/paint.py\0");
        process(proc.path(), 71, 1, "/usr/bin/thing\0");
        let mut classed = entry("org.example.Sheet", "Sheet", "sheet-run");
        classed.window_class = Some("SheetWin".to_owned());
        let entries = [
            entry("paint", "Painter", "python3 /opt/x/paint.py"),
            entry("org.example.Notes", "Notes", "start-notes"),
            classed,
            entry("term", "Terminal", "/usr/bin/xterm -ls"),
        ];
        let windows = [
            window("1", None, "xterm", "XTerm"),
            window("2", None, "notes", "Notes"),
            window("3", Some(70), "tk", "Tk"),
            window("4", None, "x", "sheetwin"),
            window("5", None, "xterm", "XTerm"),
            window("6", None, "odd", "Odd"),
            window("7", Some(71), "", ""),
            window("8", None, "", ""),
            window("9", None, "other", "odd"),
        ];
        let groups = groups(&windows, &entries, proc.path());
        let seen: Vec<(&str, Option<&str>, Vec<&str>)> = groups
            .iter()
            .map(|group| {
                let windows = group.windows.iter().map(|window| window.id.as_str()).collect();
                (group.name.as_str(), group.entry.map(|entry| entry.id.as_str()), windows)
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("Terminal", Some("term"), vec!["1", "5"]),
                ("Notes", Some("org.example.Notes"), vec!["2"]),
                ("Painter", Some("paint"), vec!["3"]),
                ("Sheet", Some("org.example.Sheet"), vec!["4"]),
                ("Odd", None, vec!["6", "9"]),
                ("thing", None, vec!["7"]),
            ]
        );
    }

    #[test]
    fn a_visible_entry_owns_a_window_before_a_hidden_one() {
        let mut hidden = entry("a-helper", "Helper", "tool --helper");
        hidden.is_visible = false;
        let entries = [hidden, entry("b-tool", "Tool", "tool")];
        let window = window("1", None, "tool", "Tool");
        assert_eq!(owner(&window, &[], &entries).unwrap().id, "b-tool");
        assert_eq!(owner(&window, &[], &entries[..1]).unwrap().id, "a-helper");
    }

    #[test]
    fn processes_descend_from_those_that_started_them() {
        let proc = tempfile::tempdir().unwrap();
        process(proc.path(), 10, 1, "");
        process(proc.path(), 20, 10, "");
        process(proc.path(), 30, 20, "");
        // As it never is.
        process(proc.path(), 40, 41, "");
        process(proc.path(), 41, 40, "");
        assert!(descends(proc.path(), 30, 10) && descends(proc.path(), 10, 10));
        assert!(!descends(proc.path(), 10, 30) && !descends(proc.path(), 40, 10) && !descends(proc.path(), 99, 10));
    }
}
