//! Whether a file is still the one that was last read.

use std::io;
use std::path::Path;
use std::time::SystemTime;

use super::{Home, HomeError};
use crate::clock;
use crate::platform::{self, FileId};

/// How long after a change a stamp does not tell yet whether there was another: file systems count in steps, and some
/// take two seconds for one.
const SETTLED: f64 = 2.0;

/// Which file is at a path, and when it was last changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stamp {
    Missing,
    There {
        id: FileId,
        size: u64,
        /// Programs can set this one.
        modified: Option<SystemTime>,
        /// Seconds and nanoseconds. On Unix they cannot set this one.
        changed: (i64, i64),
    },
    /// It cannot be looked at.
    Unknown,
}

impl Stamp {
    /// A symbolic link is looked at itself: no file of the home is one.
    pub(super) fn of(path: &Path) -> Self {
        match platform::entry(path) {
            Ok((id, file)) => {
                Self::There { id, size: file.len(), modified: file.modified().ok(), changed: platform::changed(&file) }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::Missing,
            Err(_) => Self::Unknown,
        }
    }

    /// Whether a file that is changed from now on has another one.
    fn is_settled(self, now: f64) -> bool {
        match self {
            Self::Missing => true,
            Self::There { changed: (seconds, nanoseconds), .. } => {
                seconds as f64 + nanoseconds as f64 / 1e9 + SETTLED < now
            }
            Self::Unknown => false,
        }
    }
}

/// A file of the home that is read again only when it may be another.
#[derive(Debug)]
pub(crate) struct Kept {
    home: Home,
    name: &'static str,
    max: usize,
    /// Of the file that was read; nothing where its stamp does not tell.
    read: Option<Stamp>,
}

impl Kept {
    /// A file of at most `max` bytes directly in the home. It is not read yet.
    pub(crate) fn new(home: &Home, name: &'static str, max: usize) -> Self {
        Self { home: home.clone(), name, max, read: None }
    }

    /// The home that it is in.
    pub(crate) const fn home(&self) -> &Home {
        &self.home
    }

    /// The content, if it may be another than the last time; within, `None` for a file that does not exist. It takes a
    /// look at the file, and the reading of a short one: not more than an event loop may wait for.
    pub(crate) fn renewed(&mut self) -> Option<Result<Option<Vec<u8>>, HomeError>> {
        // Before the reading: what is changed in between is then read once more.
        let stamp = Stamp::of(&self.home.path().join(self.name));
        // A home that is gone, or cannot be reached, says nothing about what its files say.
        if stamp == Stamp::Missing
            && let Err(error) = self.home.path().metadata()
        {
            self.read = None;
            return Some(Err(HomeError::io("use", self.home.path(), &error)));
        }
        if self.read == Some(stamp) {
            return None;
        }
        let content = self.home.read(self.name, self.max);
        self.read = (content.is_ok() && stamp.is_settled(clock::epoch_seconds())).then_some(stamp);
        Some(content)
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;
    use std::fs::{self, FileTimes};

    use super::*;

    fn kept() -> (Home, Kept, tempfile::TempDir) {
        let root = tempfile::tempdir().expect("a temporary directory");
        let home = Home::open(Some(root.path().join("home"))).expect("it can be made");
        let kept = Kept::new(&home, "control.json", 10);
        (home, kept, root)
    }

    #[test]
    fn a_file_that_stays_as_it_is_is_read_once() {
        let (home, mut kept, _root) = kept();
        assert_eq!(kept.renewed(), Some(Ok(None)));
        assert_eq!(kept.renewed(), None);
        home.write("control.json", b"one").unwrap();
        assert_eq!(kept.renewed(), Some(Ok(Some(b"one".to_vec()))));
        // As it is two seconds later.
        kept.read = Some(Stamp::of(&home.path().join("control.json")));
        assert_eq!(kept.renewed(), None);
        home.write("control.json", b"two").unwrap();
        assert_eq!(kept.renewed(), Some(Ok(Some(b"two".to_vec()))));
        home.remove("control.json").unwrap();
        assert_eq!(kept.renewed(), Some(Ok(None)));
    }

    #[test]
    fn a_change_that_came_right_after_another_is_seen() {
        let (home, mut kept, _root) = kept();
        let path = home.path().join("control.json");
        for round in 0..200 {
            let content = format!("{round:03}");
            // In place, of one length, and as quick as it goes: the stamp may well be the same.
            fs::write(&path, &content).unwrap();
            assert_eq!(kept.renewed(), Some(Ok(Some(content.into_bytes()))));
        }
    }

    #[test]
    fn a_stamp_counts_once_its_file_has_rested() {
        let (home, _kept, _root) = kept();
        let path = home.path().join("control.json");
        fs::write(&path, "one").unwrap();
        let Stamp::There { changed: (seconds, _), .. } = Stamp::of(&path) else { panic!("it is there") };
        let stamp = Stamp::of(&path);
        assert!(!stamp.is_settled(seconds as f64 + 1.0) && stamp.is_settled(seconds as f64 + 3.5));
        // A clock that was set back.
        assert!(!stamp.is_settled(seconds as f64 - 1e6));
        // Whoever sets the time of the file does not set the one that counts.
        let old = clock::wall() - Duration::from_secs(1000);
        fs::File::options().write(true).open(&path).unwrap().set_times(FileTimes::new().set_modified(old)).unwrap();
        assert_ne!(Stamp::of(&path), stamp);
        assert!(!Stamp::of(&path).is_settled(seconds as f64 + 1.0));
    }

    #[test]
    fn what_cannot_be_read_is_an_error_each_time() {
        let (home, mut kept, _root) = kept();
        home.write("control.json", b"longer than ten bytes").unwrap();
        for _ in 0..2 {
            assert!(matches!(kept.renewed(), Some(Err(_))));
        }
        fs::remove_dir_all(home.path()).unwrap();
        for _ in 0..2 {
            let error = kept.renewed().unwrap().unwrap_err().to_string();
            assert!(error.starts_with("cannot use ") && error.contains("home"), "{error}");
        }
    }
}
