//! The engine against a host that is real files behind calls that can go wrong.

mod broken;
mod fake;
mod hostile;
mod trees;

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::PathBuf;

use self::fake::{Fake, Rule, block_on};
use super::*;
use crate::api::{Call, FileData, FileEntry, encode};

/// Two folders, of which one is the host's, and what a copy told.
struct Scene {
    folder: tempfile::TempDir,
    host: Fake,
    options: CopyOptions,
    told: std::sync::Mutex<Vec<String>>,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["here", "there", "home"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let host = Fake::new(folder.path().join("home"));
        let locks = Some(folder.path().join("locks"));
        let options = CopyOptions { between: "a b".into(), locks, ..CopyOptions::default() };
        Self { folder, host, options, told: std::sync::Mutex::default() }
    }

    fn recursive(mut self) -> Self {
        self.options.recursive = true;
        self
    }

    fn here(&self, name: &str) -> PathBuf {
        self.folder.path().join("here").join(name)
    }

    fn there(&self, name: &str) -> PathBuf {
        self.folder.path().join("there").join(name)
    }

    /// A path of the host as text.
    fn on_host(&self, name: &str) -> String {
        self.there(name).to_str().unwrap().to_owned()
    }

    fn tell(&self, step: Step<'_>) {
        self.told.lock().unwrap().push(match step {
            Step::Begins { kept, .. } => format!("begins with {kept}"),
            Step::Skipped { path, why } => format!("skipped {path}: {why}"),
            Step::Failed { why } => format!("failed: {why}"),
            Step::Waits => "waits".to_owned(),
            Step::Plain => "plain".to_owned(),
            Step::Found { .. } | Step::Copied { .. } => return,
        });
    }

    fn told(&self) -> Vec<String> {
        core::mem::take(&mut self.told.lock().unwrap())
    }

    fn down(&self, from: &str, to: &Path) -> Result<Copied, TransferError<fake::Broken>> {
        block_on(download(&self.host, from, to, &self.options, &|step| self.tell(step)))
    }

    fn up(&self, from: &Path, to: &str) -> Result<Copied, TransferError<fake::Broken>> {
        block_on(upload(&self.host, from, to, &self.options, &|step| self.tell(step)))
    }

    /// What stands in a folder, by name.
    fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path().join(folder)).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

/// Bytes of which no two parts are the same.
fn content(length: u64) -> Vec<u8> {
    (0..length).map(|number| (number ^ (number >> 8) ^ (number >> 16).wrapping_mul(31)) as u8).collect()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

#[test]
fn a_file_goes_both_ways_with_its_time_and_permissions() {
    let scene = Scene::new();
    for size in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 11 * CHUNK + 7] {
        let data = content(size);
        fs::write(scene.there("source"), &data).unwrap();
        fs::set_permissions(scene.there("source"), fs::Permissions::from_mode(0o4751)).unwrap();
        let copied = scene.down(&scene.on_host("source"), &scene.here("down")).unwrap();
        assert_eq!(copied, Copied { files: 1, bytes: size, ..Copied::default() });
        assert!(fs::read(scene.here("down")).unwrap() == data, "{size}");
        let copied = scene.up(&scene.here("down"), &scene.on_host("up")).unwrap();
        assert_eq!(copied, Copied { files: 1, bytes: size, ..Copied::default() });
        assert!(fs::read(scene.there("up")).unwrap() == data, "{size}");
        let time = |path: &Path| fs::metadata(path).unwrap().mtime();
        assert_eq!(time(&scene.there("up")), time(&scene.there("source")));
        assert_eq!((mode(&scene.here("down")), mode(&scene.there("up"))), (0o751, 0o751), "no set-id bit");
    }
    assert_eq!(
        (scene.names("here"), scene.names("there")),
        (vec!["down".to_owned()], vec!["source".into(), "up".into()])
    );
}

#[test]
fn a_destination_that_is_a_folder_is_copied_into() {
    let scene = Scene::new();
    fs::write(scene.there("source"), b"data").unwrap();
    fs::create_dir(scene.here("folder")).unwrap();
    scene.down(&scene.on_host("source"), &scene.here("folder")).unwrap();
    scene.down(&scene.on_host("source"), &scene.here("folder/")).unwrap();
    assert_eq!(scene.names("here/folder"), ["source"]);
    fs::create_dir(scene.there("folder")).unwrap();
    scene.up(&scene.here("folder/source"), &scene.on_host("folder")).unwrap();
    assert_eq!(scene.names("there/folder"), ["source"]);
}

#[test]
fn what_makes_no_sense_is_refused_in_one_line_that_names_it() {
    let scene = Scene::new();
    fs::write(scene.there("file"), b"data").unwrap();
    fs::write(scene.here("file"), b"data").unwrap();
    fs::create_dir_all(scene.there("folder/file")).unwrap();
    fs::create_dir_all(scene.here("folder/file")).unwrap();
    let down = |from: &str, to: &str| scene.down(&scene.on_host(from), &scene.here(to)).unwrap_err().to_string();
    let up = |from: &str, to: &str| scene.up(&scene.here(from), &scene.on_host(to)).unwrap_err().to_string();
    for (said, expected) in [
        (down("folder", "new"), "there/folder on the host is a folder; -r copies it"),
        (down("missing", "new"), "missing: No such file or directory"),
        (down("file", "missing/"), "here/missing/ is no folder"),
        (down("file", "file/"), "Not a directory"),
        (down("file", "missing/new"), "No such file or directory"),
        (down("file", "folder"), "here/folder/file is a folder, and a file is to go there"),
        (up("folder", "new"), "here/folder is a folder; -r copies it"),
        (up("missing", "new"), "here/missing could not be read: No such file or directory"),
        (up("file", "missing/"), "there/missing on the host is no folder"),
        (up("file", "missing/new"), "there/missing on the host is no folder"),
        (up("file", "folder"), "there/folder/file on the host is a folder, and a file is to go there"),
    ] {
        assert!(said.contains(expected), "{said:?}: {expected:?}");
    }
    assert_eq!(scene.names("here"), ["file", "folder"]);
    assert_eq!(scene.names("there"), ["file", "folder"]);
}

#[test]
fn what_others_may_not_read_is_never_theirs_on_the_host() {
    let scene = Scene::new();
    fs::write(scene.here("key"), content(3 * CHUNK)).unwrap();
    fs::set_permissions(scene.here("key"), fs::Permissions::from_mode(0o600)).unwrap();
    let folder = scene.folder.path().join("there");
    scene.host.answer(move |call| {
        if let Call::FsWrite(params) = call
            && !params.data.is_empty()
        {
            let entries = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
            for path in entries {
                assert_eq!(mode(&path), 0o600, "{}", path.display());
            }
        }
        Rule::Pass
    });
    scene.up(&scene.here("key"), &scene.on_host("key")).unwrap();
    assert_eq!(mode(&scene.there("key")), 0o600);
}

#[test]
fn a_file_that_says_it_is_empty_is_read_all_the_same() {
    let scene = Scene::new();
    let says = |path: &Path| fs::read(path).unwrap();
    scene.down("/proc/version", &scene.here("down")).unwrap();
    assert_eq!(says(&scene.here("down")), says(Path::new("/proc/version")));
    scene.up(Path::new("/proc/version"), &scene.on_host("up")).unwrap();
    assert_eq!(says(&scene.there("up")), says(Path::new("/proc/version")));
}

#[test]
fn a_host_without_parts_gives_and_takes_whole_files_up_to_a_message() {
    let scene = Scene::new();
    let data = content(CHUNK * 2 + 5);
    fs::write(scene.there("source"), &data).unwrap();
    scene.host.answer(|call| match call {
        Call::FsRead(params) if params.offset != 0 || params.length.is_some() => Rule::Unsupported,
        Call::FsWrite(params) if params.offset.is_some() => Rule::Unsupported,
        Call::FsSetstat(_) => Rule::Unsupported,
        _ => Rule::Pass,
    });
    scene.down(&scene.on_host("source"), &scene.here("down")).unwrap();
    assert!(fs::read(scene.here("down")).unwrap() == data);
    scene.told();
    scene.up(&scene.here("down"), &scene.on_host("up")).unwrap();
    assert!(fs::read(scene.there("up")).unwrap() == data);
    assert_eq!(scene.told(), ["begins with 0", "plain"]);
    for path in [scene.there("source"), scene.here("down")] {
        fs::File::options().write(true).open(path).unwrap().set_len(17 << 20).unwrap();
    }
    let said = scene.down(&scene.on_host("source"), &scene.here("new")).unwrap_err().to_string();
    assert!(said.contains("a host of version 1 has no parts of files"), "{said}");
    let said = scene.up(&scene.here("down"), &scene.on_host("new")).unwrap_err().to_string();
    assert!(said.contains("a host of version 1 takes no parts of files"), "{said}");
    assert_eq!(
        (scene.names("here"), scene.names("there")),
        (vec!["down".to_owned()], vec!["source".to_owned(), "up".into()])
    );
}

#[test]
fn a_copy_can_run_as_a_task_of_any_runtime() {
    fn is_send<T: Send>(task: T) -> T {
        task
    }
    let scene = Scene::new();
    fs::write(scene.there("source"), b"data").unwrap();
    let (from, to, watch) = (scene.on_host("source"), scene.here("down"), |_: Step<'_>| {});
    let copied = block_on(is_send(download(&scene.host, &from, &to, &scene.options, &watch))).unwrap();
    assert_eq!(copied.files, 1);
    let copied = block_on(is_send(upload(&scene.host, &to, &from, &scene.options, &watch))).unwrap();
    assert_eq!(copied.files, 1);
}

/// An entry of a list.
fn entry(name: &str) -> FileEntry {
    FileEntry { path: "/etc/passwd".into(), name: name.into(), size: 4, mtime: Some(1.0), ..FileEntry::default() }
}

/// The answer to `fs.read`.
fn data(data: &[u8]) -> Vec<u8> {
    encode(&FileData { data: data.to_vec(), size: data.len() as u64 }).unwrap()
}
