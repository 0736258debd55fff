//! The processes of this machine.

use crate::api::{Process, Result};

/// The running processes that can be looked at, sorted by number: 20,000 at most, each with at most 4 KiB of its
/// command line, the last argument then cut, and none of it behind 8 MiB of them together. What is no UTF-8 in names and arguments is shown as U+FFFD.
///
/// # Errors
/// `internal` when the system does not show its processes, `capability_unsupported` where it is not Linux.
#[cfg(target_os = "linux")]
pub fn list() -> Result<Vec<Process>> {
    linux::list(std::path::Path::new("/proc"))
}

/// There is no way yet to list the processes of this system.
///
/// # Errors
/// Always `capability_unsupported`.
#[cfg(not(target_os = "linux"))]
pub fn list() -> Result<Vec<Process>> {
    Err(crate::api::Error::unsupported("process.list", std::env::consts::OS))
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::File;
    use std::io::{self, Read};
    use std::path::Path;

    use crate::api::{Error, Process, Result};

    /// More than a machine runs where a person watches.
    const MAX_PROCESSES: usize = 20_000;

    /// Enough to tell two processes apart.
    const MAX_COMMAND_LINE: u64 = 4096;

    /// Bytes of command lines in one answer; processes after that are shown without.
    const COMMAND_LINES: usize = 8 << 20;

    /// The kernel writes one line of some hundred bytes.
    const MAX_LINE: u64 = 4096;

    pub(super) fn list(proc: &Path) -> Result<Vec<Process>> {
        let failed =
            |error: io::Error| Error::internal(format!("cannot list processes in {}: {error}", proc.display()));
        let mut numbers: Vec<u32> = std::fs::read_dir(proc)
            .map_err(failed)?
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .collect();
        numbers.sort_unstable();
        numbers.truncate(MAX_PROCESSES);
        let mut shown = 0;
        // A process that has ended since is simply not there any more.
        let look = |pid: u32| {
            let mut process = process(&proc.join(pid.to_string()), pid).ok()?;
            shown += process.cmdline.iter().map(|argument| argument.len() + 8).sum::<usize>();
            if shown > COMMAND_LINES {
                process.cmdline.clear();
            }
            Some(process)
        };
        Ok(numbers.into_iter().filter_map(look).collect())
    }

    fn process(dir: &Path, pid: u32) -> io::Result<Process> {
        let name = start(&dir.join("comm"), MAX_LINE)?;
        let stat = start(&dir.join("stat"), MAX_LINE)?;
        let arguments = start(&dir.join("cmdline"), MAX_COMMAND_LINE).unwrap_or_default();
        Ok(Process {
            pid,
            name: text(name.strip_suffix(b"\n").unwrap_or(&name)),
            ppid: parent(&stat),
            cmdline: split(&arguments),
        })
    }

    fn start(path: &Path, max: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(path)?.take(max).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// The second field after the name, which stands in parentheses and can hold spaces and parentheses itself.
    fn parent(stat: &[u8]) -> Option<u32> {
        let name_end = stat.iter().rposition(|byte| *byte == b')')?;
        let after = core::str::from_utf8(stat.get(name_end + 1..)?).ok()?;
        after.split_ascii_whitespace().nth(1)?.parse().ok()
    }

    /// Programs that write a title over their arguments leave any number of NULs after it.
    fn split(arguments: &[u8]) -> Vec<String> {
        let Some(last) = arguments.iter().rposition(|byte| *byte != 0) else { return Vec::new() };
        arguments.split_at(last + 1).0.split(|byte| *byte == 0).map(text).collect()
    }

    fn text(bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).into_owned()
    }

    #[cfg(test)]
    mod tests {
        use std::process::{Command, Stdio};

        use super::*;

        #[test]
        fn the_parent_is_found_after_any_name() {
            let cases: [(&[u8], Option<u32>); 8] = [
                (b"12 (sh) S 7 12 12 0", Some(7)),
                (b"12 (a b) S 7) R 8 12", Some(8)),
                (b"12 (\xff\n) Z 0 0", Some(0)),
                (b"12 (sh) S -1 0", None),
                (b"12 (sh) S", None),
                (b"12 (sh)", None),
                (b"12 sh S 7", None),
                (b"", None),
            ];
            for (stat, expected) in cases {
                assert_eq!(parent(stat), expected, "{}", text(stat));
            }
        }

        #[test]
        fn a_command_line_is_split_at_nul() {
            let cases: [(&[u8], &[&str]); 7] = [
                (b"", &[]),
                (b"\0\0", &[]),
                (b"sh\0-c\0a b\0", &["sh", "-c", "a b"]),
                (b"a\0\0b\0", &["a", "", "b"]),
                (b"cut\0arg", &["cut", "arg"]),
                (b"title\0\0\0", &["title"]),
                (b"bad\xff\0", &["bad\u{fffd}"]),
            ];
            for (bytes, expected) in cases {
                assert_eq!(split(bytes), expected);
            }
        }

        #[test]
        fn a_child_is_listed_with_its_parent_and_arguments() {
            let mut child = Command::new("cat").arg("-").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
            let listed = list(Path::new("/proc")).unwrap();
            drop(child.stdin.take());
            child.wait().unwrap();
            assert!(listed.is_sorted_by_key(|process| process.pid));
            let found = listed.iter().find(|process| process.pid == child.id()).unwrap();
            assert_eq!((found.name.as_str(), found.ppid), ("cat", Some(std::process::id())));
            assert_eq!(found.cmdline, ["cat", "-"]);
        }

        #[test]
        fn what_has_ended_or_is_no_process_is_left_out() {
            let root = tempfile::tempdir().unwrap();
            let write = |path: &str, bytes: &[u8]| {
                let path = root.path().join(path);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, bytes).unwrap();
            };
            write("30/comm", b"late\n");
            write("30/stat", b"30 (late) S 2 0");
            write("30/cmdline", &[b'x'; 9000]);
            write("4/comm", b"\xff\n");
            write("4/stat", b"no stat");
            write("5/comm", b"gone");
            write("self/comm", b"me");
            let listed = list(root.path()).unwrap();
            let seen: Vec<_> =
                listed.iter().map(|process| (process.pid, process.name.as_str(), process.ppid)).collect();
            assert_eq!(seen, [(4, "\u{fffd}", None), (30, "late", Some(2))]);
            assert_eq!(listed[1].cmdline, ["x".repeat(4096)]);
            assert!(listed[0].cmdline.is_empty());
        }
    }
}
