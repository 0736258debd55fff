//! Processes that tell of the session they run in, and X servers that tell of themselves.

use core::cmp::Reverse;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use super::plain::plain;

/// More than a machine runs where a person watches.
const MAX_PROCESSES: usize = 20_000;

/// An environment is a few KiB; what is longer than this is read no further.
const MAX_ENVIRONMENT: u64 = 256 << 10;

/// Longer than the number of a process.
const MAX_LOCK: u64 = 64;

/// Programs that a session starts for itself, as the kernel names them: cut to 15 bytes. Their environment is the
/// session's own, whatever other programs were started with.
const DESKTOPS: [&str; 39] = [
    "awesome",
    "bspwm",
    "budgie-wm",
    "cinnamon",
    "cinnamon-sessio",
    "compiz",
    "dwm",
    "enlightenment",
    "fluxbox",
    "gnome-session-b",
    "gnome-shell",
    "herbstluftwm",
    "i3",
    "icewm",
    "icewm-session",
    "ksmserver",
    "kwin_wayland",
    "kwin_x11",
    "lxqt-session",
    "lxsession",
    "marco",
    "mate-session",
    "metacity",
    "muffin",
    "mutter",
    "openbox",
    "plasma_session",
    "plasmashell",
    "qtile",
    "sway",
    "twm",
    "weston",
    "wmaker",
    "xfce4-panel",
    "xfce4-session",
    "xfdesktop",
    "xfwm4",
    "xmonad",
    "xmonad-x86_64-l",
];

/// A process of our user that uses a display of this machine.
pub(super) struct Witness {
    pub(super) pid: u32,
    pub(super) name: String,
    /// The number of its display.
    display: u16,
    variables: Vec<(OsString, OsString)>,
}

impl Witness {
    /// A variable of its environment that is not empty.
    pub(super) fn variable(&self, name: &str) -> Option<&OsStr> {
        let (_, value) = self.variables.iter().find(|(own, _)| own == name)?;
        (!value.is_empty()).then_some(value)
    }

    fn is_of_desktop(&self) -> bool {
        DESKTOPS.contains(&self.name.as_str())
    }
}

/// The witnesses of one display, the best first: of `display` if it is given, else of the one that most speaks for.
/// Only processes whose user is `uid` are looked at.
pub(super) fn witnesses(proc: &Path, tmp: &Path, uid: u32, display: Option<u16>) -> Vec<Witness> {
    let mut all = scan(proc, tmp, uid);
    let Some(display) = display.or_else(|| favourite(&all)) else { return Vec::new() };
    all.retain(|witness| witness.display == display);
    all.sort_by_key(|witness| {
        let knows = |name| witness.variable(name).is_some();
        (
            Reverse(witness.is_of_desktop()),
            Reverse(knows("DBUS_SESSION_BUS_ADDRESS")),
            Reverse(knows("XAUTHORITY")),
            witness.pid,
        )
    });
    all
}

/// The display that most of the session's own programs use, then most programs at all; the lowest of equals.
fn favourite(all: &[Witness]) -> Option<u16> {
    let mut counts: BTreeMap<u16, (usize, usize)> = BTreeMap::new();
    for witness in all {
        let (desktops, programs) = counts.entry(witness.display).or_default();
        *desktops += usize::from(witness.is_of_desktop());
        *programs += 1;
    }
    counts.into_iter().max_by_key(|(display, count)| (*count, Reverse(*display))).map(|(display, _)| display)
}

fn scan(proc: &Path, tmp: &Path, uid: u32) -> Vec<Witness> {
    let Ok(listed) = fs::read_dir(proc) else { return Vec::new() };
    let mut pids: Vec<u32> = listed.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
    pids.sort_unstable();
    pids.truncate(MAX_PROCESSES);
    pids.into_iter().filter_map(|pid| look(&proc.join(pid.to_string()), pid, tmp, uid)).collect()
}

fn look(folder: &Path, pid: u32, tmp: &Path, uid: u32) -> Option<Witness> {
    // The folder of a process that hides its memory belongs to root, whoever runs it.
    if fs::metadata(folder).ok()?.uid() != uid || user(folder) != Some(uid) {
        return None;
    }
    let variables = environment(folder)?;
    let (_, display) = variables.iter().find(|(name, _)| name == "DISPLAY")?;
    let display = local_number(display.to_str()?)?;
    let name = fs::read(folder.join("comm")).ok()?;
    let name = String::from_utf8_lossy(&name).trim_end().to_owned();
    is_socket(&socket(tmp, display)).then_some(Witness { pid, name, display, variables })
}

/// The user of a process, if its real and its effective one are the same.
fn user(folder: &Path) -> Option<u32> {
    let status = fs::read(folder.join("status")).ok()?;
    let status = String::from_utf8_lossy(&status);
    let mut ids = status.lines().find_map(|line| line.strip_prefix("Uid:"))?.split_ascii_whitespace();
    let (real, effective) = (ids.next()?, ids.next()?);
    (real == effective).then(|| real.parse().ok())?
}

fn environment(folder: &Path) -> Option<Vec<(OsString, OsString)>> {
    let mut bytes = Vec::new();
    File::open(folder.join("environ")).ok()?.take(MAX_ENVIRONMENT).read_to_end(&mut bytes).ok()?;
    let variable = |bytes: &[u8]| {
        let equals = bytes.iter().position(|byte| *byte == b'=')?;
        let (name, value) = bytes.split_at_checked(equals)?;
        Some((OsStr::from_bytes(name).to_owned(), OsString::from_vec(value.get(1..)?.to_vec())))
    };
    Some(bytes.split(|byte| *byte == 0).filter_map(variable).collect())
}

/// The number of a display of this machine, such as that of `:1` and `:1.0`.
pub(super) fn local_number(display: &str) -> Option<u16> {
    let rest = display.strip_prefix("unix").unwrap_or(display).strip_prefix(':')?;
    let number = rest.split_once('.').map_or(rest, |(number, _)| number);
    number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse().ok())?
}

/// The number of the X server that is most likely our user's: one that runs before one that left its socket behind,
/// one of our own before one of root, then the lowest.
pub(super) fn server(proc: &Path, tmp: &Path, uid: u32) -> Option<u16> {
    let sockets = fs::read_dir(tmp.join(".X11-unix")).ok()?;
    let numbers = sockets.filter_map(|entry| {
        let name = entry.ok()?.file_name();
        let number: u16 = name.to_str()?.strip_prefix('X')?.parse().ok()?;
        let path = socket(tmp, number);
        let owner = fs::symlink_metadata(&path).ok()?.uid();
        let is_candidate = is_socket(&path) && (owner == uid || owner == 0);
        is_candidate.then(|| (!runs(proc, tmp, number), owner != uid, number))
    });
    numbers.min().map(|(_, _, number)| number)
}

fn socket(tmp: &Path, display: u16) -> std::path::PathBuf {
    tmp.join(format!(".X11-unix/X{display}"))
}

fn is_socket(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket())
}

/// Whether the process that a server names in its lock file is there.
fn runs(proc: &Path, tmp: &Path, display: u16) -> bool {
    let mut lock = String::new();
    // Anybody can put something else there.
    let opened = plain(&tmp.join(format!(".X{display}-lock")));
    if opened.and_then(|file| file.take(MAX_LOCK).read_to_string(&mut lock)).is_err() {
        return false;
    }
    lock.trim().parse::<u32>().is_ok_and(|pid| proc.join(pid.to_string()).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_display_of_this_machine_has_a_number() {
        for (name, number) in [(":0", 0), (":1.0", 1), ("unix:3", 3), (":65535", 65535)] {
            assert_eq!(local_number(name), Some(number), "{name}");
        }
        for name in ["", ":", ":x", ":-1", ":+1", ":65536", "host:0", "localhost:10.0", "0", "/tmp/socket"] {
            assert_eq!(local_number(name), None, "{name}");
        }
    }

    #[test]
    fn the_names_of_desktops_are_as_the_kernel_cuts_them() {
        assert!(DESKTOPS.is_sorted());
        assert!(DESKTOPS.iter().all(|name| name.len() <= 15));
    }
}
