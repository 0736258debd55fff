//! Tells when files of the home are changed, by whatever program.

use core::time::Duration;
use std::io;
use std::path::PathBuf;
use std::thread;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::Home;
use super::stamp::Stamp;
use crate::platform::Bell;

/// How often the files are looked at where the system does not tell: as long as a stop may take to be noticed.
const PAUSE: Duration = Duration::from_millis(100);

/// A thread that waits for changes of some files of a home. It ends when this is dropped.
#[derive(Debug)]
pub struct Watcher {
    /// The thread sees the other end close.
    _end: Bell,
}

impl Watcher {
    /// Has `changed` called, from a thread of its own, after one of the files with these `names` directly in the home
    /// was written, replaced, made or removed since this returned. It is called once for changes that come together,
    /// sometimes for one that changed nothing, and may run once more while the watcher is dropped. A file that is
    /// written in place is told of when its writer closes it.
    ///
    /// On Linux the kernel tells. Elsewhere, and where it cannot, the files are looked at every 100 ms.
    ///
    /// # Errors
    /// When the system has no room for another thread or descriptor.
    pub fn start(home: &Home, names: &'static [&'static str], changed: impl Fn() + Send + 'static) -> io::Result<Self> {
        let (ours, end) = Bell::pair()?;
        let watch = Watch { home: home.path().to_owned(), names, end };
        #[cfg(target_os = "linux")]
        let events = events::open(&watch.home);
        // What is there now was not changed since; where the kernel tells, this is needed once it does not any more.
        let seen = watch.stamps();
        thread::Builder::new().name("opendesk-watch".to_owned()).spawn(move || {
            #[cfg(target_os = "linux")]
            let seen = match events {
                Ok(events) => match watch.listen(&events, &changed) {
                    Heard::End => return,
                    // Since when it did not tell is not known.
                    Heard::Nothing => {
                        let seen = watch.stamps();
                        changed();
                        seen
                    }
                },
                Err(error) => {
                    tracing::debug!(%error, "changes of the home are not told of; it is looked at instead");
                    seen
                }
            };
            watch.look(seen, &changed);
        })?;
        Ok(Self { _end: ours })
    }
}

/// What the thread has.
struct Watch {
    home: PathBuf,
    names: &'static [&'static str],
    /// Closed at its other end when nobody watches any more.
    end: Bell,
}

/// Why the kernel is not listened to any more.
#[cfg(target_os = "linux")]
enum Heard {
    /// Nobody watches any more.
    End,
    /// It tells nothing more of this directory, or not of all that happens there.
    Nothing,
}

impl Watch {
    fn stamps(&self) -> Vec<Stamp> {
        self.names.iter().map(|name| Stamp::of(&self.home.join(name))).collect()
    }

    /// Looks again and again.
    fn look(&self, mut seen: Vec<Stamp>, changed: &impl Fn()) {
        let pause = Timespec::try_from(PAUSE).unwrap_or_default();
        loop {
            match poll(&mut [PollFd::new(&self.end, PollFlags::IN)], Some(&pause)) {
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) | Err(_) => return,
            }
            let now = self.stamps();
            if now != seen {
                seen = now;
                changed();
            }
        }
    }

    /// Waits for the kernel to tell.
    #[cfg(target_os = "linux")]
    fn listen(&self, events: &std::os::fd::OwnedFd, changed: &impl Fn()) -> Heard {
        loop {
            let mut sources = [PollFd::new(&self.end, PollFlags::IN), PollFd::new(events, PollFlags::IN)];
            match poll(&mut sources, None) {
                Err(Errno::INTR) => continue,
                Err(_) => return Heard::Nothing,
                Ok(_) if !sources[0].revents().is_empty() => return Heard::End,
                Ok(_) => {}
            }
            match events::read(events, self.names) {
                Ok(true) => changed(),
                Ok(false) => {}
                Err(error) => {
                    tracing::debug!(%error, "changes of the home are not told of any more; it is looked at instead");
                    return Heard::Nothing;
                }
            }
        }
    }
}

/// What inotify tells of a directory.
#[cfg(target_os = "linux")]
mod events {
    use core::mem::MaybeUninit;
    use std::os::fd::OwnedFd;
    use std::path::Path;

    use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
    use rustix::io::{Errno, Result};

    /// Some dozen events. Those that do not fit are read next.
    const BUFFER: usize = 4096;

    /// No `MODIFY`: half a file is worth nothing to anybody. `ATTRIB` is told of when others may not read it any more.
    const WANTED: WatchFlags = WatchFlags::CLOSE_WRITE
        .union(WatchFlags::CREATE)
        .union(WatchFlags::MOVE)
        .union(WatchFlags::DELETE)
        .union(WatchFlags::ATTRIB)
        .union(WatchFlags::DELETE_SELF)
        .union(WatchFlags::MOVE_SELF)
        .union(WatchFlags::ONLYDIR);

    /// After these the directory is not at its path any more.
    const GONE: ReadFlags =
        ReadFlags::DELETE_SELF.union(ReadFlags::MOVE_SELF).union(ReadFlags::UNMOUNT).union(ReadFlags::IGNORED);

    pub(super) fn open(directory: &Path) -> Result<OwnedFd> {
        let events = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        inotify::add_watch(&events, directory, WANTED)?;
        Ok(events)
    }

    /// Reads what has happened; whether one of the names was touched.
    pub(super) fn read(events: &OwnedFd, names: &[&str]) -> Result<bool> {
        let mut buffer = [MaybeUninit::uninit(); BUFFER];
        let mut reader = Reader::new(events, &mut buffer);
        let mut touched = false;
        loop {
            match reader.next() {
                Ok(event) if event.events().intersects(GONE) => return Err(Errno::NOENT),
                Ok(event) => {
                    let is_named = event.file_name().is_some_and(|file| names.iter().any(|name| is(file, name)));
                    touched |= is_named || event.events().contains(ReadFlags::QUEUE_OVERFLOW);
                }
                Err(Errno::AGAIN) => return Ok(touched),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn is(file: &core::ffi::CStr, name: &str) -> bool {
        file.to_bytes() == name.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

    use super::*;

    const NAMES: &[&str] = &["control.json", "policy.json"];

    /// Far longer than any of this takes.
    const PATIENCE: Duration = Duration::from_secs(30);

    fn home() -> (Home, tempfile::TempDir) {
        let root = tempfile::tempdir().expect("a temporary directory");
        (Home::open(Some(root.path().join("home"))).expect("it can be made"), root)
    }

    fn watched(home: &Home) -> (Watcher, Receiver<()>) {
        let (told, heard) = channel();
        let watcher =
            Watcher::start(home, NAMES, move || told.send(()).unwrap_or_default()).expect("a thread can be started");
        (watcher, heard)
    }

    /// The same with nothing but looking.
    fn looked_at(home: &Home) -> (Bell, Receiver<()>) {
        let (told, heard) = channel();
        let (ours, end) = Bell::pair().expect("a pair");
        let watch = Watch { home: home.path().to_owned(), names: NAMES, end };
        let seen = watch.stamps();
        thread::spawn(move || watch.look(seen, &move || told.send(()).unwrap_or_default()));
        (ours, heard)
    }

    /// It is told of, and whatever else is told of the same change is done with.
    fn hears(heard: &Receiver<()>) {
        heard.recv_timeout(PATIENCE).expect("it is told of");
        while heard.try_recv().is_ok() {}
    }

    fn everything_is_told(home: &Home, heard: &Receiver<()>) {
        home.write("control.json", b"{}").unwrap();
        hears(heard);
        fs::write(home.path().join("control.json"), b"in place").unwrap();
        hears(heard);
        home.write("policy.json", b"{}").unwrap();
        hears(heard);
        home.remove("control.json").unwrap();
        hears(heard);
    }

    #[test]
    fn what_any_program_does_to_a_file_is_told() {
        let (home, _root) = home();
        let (_watcher, heard) = watched(&home);
        everything_is_told(&home, &heard);
    }

    #[test]
    fn what_any_program_does_to_a_file_is_seen_where_the_system_does_not_tell() {
        let (home, _root) = home();
        let (_end, heard) = looked_at(&home);
        everything_is_told(&home, &heard);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn other_files_are_nobody_s_business() {
        let (home, _root) = home();
        let events = events::open(home.path()).unwrap();
        home.write("trusted-peers.json", b"[]").unwrap();
        fs::create_dir(home.path().join("audit")).unwrap();
        assert_eq!(events::read(&events, NAMES), Ok(false));
        home.write("policy.json", b"{}").unwrap();
        assert_eq!(events::read(&events, NAMES), Ok(true));
        assert_eq!(events::read(&events, NAMES), Ok(false));
    }

    #[test]
    fn a_home_that_is_made_anew_is_still_watched() {
        let (home, root) = home();
        let (_watcher, heard) = watched(&home);
        fs::rename(home.path(), root.path().join("elsewhere")).unwrap();
        hears(&heard);
        fs::create_dir(home.path()).unwrap();
        home.write("control.json", b"{}").unwrap();
        hears(&heard);
    }

    #[test]
    fn the_thread_ends_with_the_watcher() {
        let (home, _root) = home();
        let (watcher, heard) = watched(&home);
        drop(watcher);
        // Its closure is gone, and what it would tell with.
        assert_eq!(heard.recv_timeout(PATIENCE), Err(RecvTimeoutError::Disconnected));
        let (end, heard) = looked_at(&home);
        drop(end);
        assert_eq!(heard.recv_timeout(PATIENCE), Err(RecvTimeoutError::Disconnected));
    }
}
