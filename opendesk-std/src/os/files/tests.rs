use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use tempfile::TempDir;

use super::*;
use crate::api::ErrorCode;

/// `home/.opendesk` with a key and an audit day, and a link to it.
struct Scene {
    root: TempDir,
    files: Files,
}

impl Scene {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let home = root.path().join("home/.opendesk");
        fs::create_dir_all(home.join("audit")).unwrap();
        fs::write(home.join("identity.key"), b"secret").unwrap();
        fs::write(home.join("audit/day"), b"entries").unwrap();
        fs::create_dir(root.path().join("other")).unwrap();
        symlink(&home, root.path().join("link")).unwrap();
        Self { files: Files::new(home), root }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    fn text(&self, path: &str) -> String {
        self.path(path).to_str().unwrap().to_owned()
    }

    fn assert_intact(&self) {
        assert_eq!(fs::read(self.path("home/.opendesk/identity.key")).unwrap(), b"secret");
        assert_eq!(fs::read(self.path("home/.opendesk/audit/day")).unwrap(), b"entries");
        assert_eq!(fs::read_dir(self.path("home/.opendesk")).unwrap().count(), 2);
    }
}

fn at(path: &str) -> FileParams {
    FileParams { path: path.to_owned() }
}

fn whole(path: &str) -> FileReadParams {
    FileReadParams { path: path.to_owned(), offset: 0, length: None }
}

fn write(path: &str, data: &[u8], offset: Option<u64>) -> FileWriteParams {
    FileWriteParams { path: path.to_owned(), data: data.to_vec(), offset }
}

fn rename(src: &str, dst: &str) -> FileMoveParams {
    FileMoveParams { src: src.to_owned(), dst: dst.to_owned() }
}

type Attempt = fn(&Scene, &str) -> Result<()>;

/// What does not change what a link at the end of the path points to, but the link.
const REMOVALS: [(&str, Attempt); 3] = [
    ("delete", |scene, path| scene.files.delete(&at(path), &Cancel::new())),
    ("move away", |scene, path| scene.files.rename(&rename(path, &scene.text("other/stolen")), &Cancel::new())),
    ("move over", |scene, path| {
        fs::write(scene.path("other/mine"), b"mine").unwrap();
        scene.files.rename(&rename(&scene.text("other/mine"), path), &Cancel::new())
    }),
];

const LOOKS: [(&str, Attempt); 7] = [
    ("read", |scene, path| scene.files.read(&whole(path)).map(drop)),
    ("list", |scene, path| scene.files.list(&at(path)).map(drop)),
    ("stat", |scene, path| scene.files.stat(&at(path)).map(drop)),
    ("write", |scene, path| scene.files.write(&write(path, b"mine", None))),
    ("write at", |scene, path| scene.files.write(&write(path, b"mine", Some(0)))),
    ("mkdir", |scene, path| scene.files.mkdir(&DirectoryParams { path: path.to_owned(), parents: true })),
    ("setstat", |scene, path| scene.files.set_stat(&stat(path, Some(0o777), Some(1.0)))),
];

fn stat(path: &str, mode: Option<u32>, mtime: Option<f64>) -> SetstatParams {
    SetstatParams { path: path.to_owned(), mode, mtime }
}

#[test]
fn permissions_and_times_are_set_each_by_itself() {
    let scene = Scene::new();
    let now = |name: &str| {
        let metadata = fs::metadata(scene.path(name)).unwrap();
        (metadata.mode() & 0o7777, metadata.mtime() as f64 + metadata.mtime_nsec() as f64 / 1e9)
    };
    fs::write(scene.path("file"), b"data").unwrap();
    symlink("file", scene.path("to file")).unwrap();
    let set = |name: &str, mode, mtime| scene.files.set_stat(&stat(&scene.text(name), mode, mtime));
    set("file", Some(0o640), Some(1_234_567_890.25)).unwrap();
    assert_eq!(now("file"), (0o640, 1_234_567_890.25));
    set("to file", Some(0o400), None).unwrap();
    assert_eq!(now("file"), (0o400, 1_234_567_890.25));
    set("file", None, Some(-1.5)).unwrap();
    assert_eq!(now("file"), (0o400, -1.5));
    set("other", Some(0o700), Some(7.0)).unwrap();
    assert_eq!(now("other"), (0o700, 7.0));
    let listed = scene.files.list(&at(&scene.text(""))).unwrap();
    let links: Vec<&str> = listed.iter().filter(|entry| entry.is_link).map(|entry| entry.name.as_str()).collect();
    assert_eq!(links, ["to file"], "and what it points to is told: {listed:?}");
    assert!(!scene.files.stat(&at(&scene.text("to file"))).unwrap().is_link);
}

#[test]
fn links_that_lead_nowhere_are_listed_as_links() {
    let scene = Scene::new();
    fs::write(scene.path("file"), b"data").unwrap();
    for (to, link) in [("missing", "dangling"), ("loop", "loop"), ("file/below", "through a file"), ("no/where", "far")]
    {
        symlink(to, scene.path(link)).unwrap();
    }
    let listed = scene.files.list(&at(&scene.text(""))).unwrap();
    let links: Vec<(&str, bool)> =
        listed.iter().filter(|entry| entry.is_link).map(|entry| (entry.name.as_str(), entry.is_dir)).collect();
    assert_eq!(links, [("dangling", false), ("far", false), ("loop", false), ("through a file", false)]);
}

#[test]
fn what_no_file_should_have_is_not_set() {
    let scene = Scene::new();
    fs::write(scene.path("file"), b"data").unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, scene.path("pipe"), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let before = fs::metadata(scene.path("file")).unwrap();
    for (name, mode, mtime, code) in [
        ("file", Some(0o4755), None, ErrorCode::InvalidArgument),
        ("file", Some(0o1_000_644), None, ErrorCode::InvalidArgument),
        ("file", None, Some(f64::NAN), ErrorCode::InvalidArgument),
        ("file", None, Some(f64::INFINITY), ErrorCode::InvalidArgument),
        ("file", None, Some(1e300), ErrorCode::InvalidArgument),
        ("pipe", Some(0o644), None, ErrorCode::InvalidArgument),
        ("missing", Some(0o644), None, ErrorCode::NotFound),
    ] {
        let refused = scene.files.set_stat(&stat(&scene.text(name), mode, mtime)).unwrap_err();
        assert_eq!(refused.code, code, "{name} {mode:?} {mtime:?}: {refused}");
    }
    let after = fs::metadata(scene.path("file")).unwrap();
    assert_eq!((before.mode(), before.mtime_nsec()), (after.mode(), after.mtime_nsec()));
}

fn assert_refused(scene: &Scene, path: &str, attempts: &[(&str, Attempt)]) {
    for (name, attempt) in attempts {
        let error = attempt(scene, path).unwrap_err();
        assert_eq!(error.code, ErrorCode::PermissionDenied, "{name} {path}: {error}");
        assert!(error.message.contains("opendesk"), "{name} {path}: {error}");
        assert_eq!(error.message.lines().count(), 1);
        scene.assert_intact();
    }
}

#[test]
fn our_own_directory_is_out_of_reach_by_any_path() {
    let scene = Scene::new();
    symlink("link/identity.key", scene.path("key-link")).unwrap();
    let from_here = {
        let depth = std::env::current_dir().unwrap().components().count();
        format!("{}{}", "../".repeat(depth), &scene.text("home/.opendesk/identity.key")[1..])
    };
    for path in [
        scene.text("home/.opendesk"),
        scene.text("home/.opendesk/identity.key"),
        scene.text("home/.opendesk/new"),
        scene.text("home/.opendesk/new/deep"),
        scene.text("home/.opendesk/audit"),
        scene.text("home/.opendesk/audit/day"),
        scene.text("home/./.opendesk//identity.key"),
        scene.text("home/.opendesk/audit/../identity.key"),
        scene.text("other/../home/.opendesk/identity.key"),
        scene.text("link/identity.key"),
        scene.text("link/new"),
        scene.text("link/audit/.."),
        from_here,
    ] {
        assert_refused(&scene, &path, &LOOKS);
        assert_refused(&scene, &path, &REMOVALS);
    }
    for link in ["link", "key-link"] {
        assert_refused(&scene, &scene.text(link), &LOOKS);
    }
}

#[test]
fn a_hard_link_to_our_files_is_out_of_reach() {
    let scene = Scene::new();
    fs::hard_link(scene.path("home/.opendesk/audit/day"), scene.path("other/alias")).unwrap();
    assert_refused(&scene, &scene.text("other/alias"), &LOOKS);
    assert_refused(&scene, &scene.text("other/alias"), &REMOVALS);
    assert_refused(&scene, &scene.text("other"), &REMOVALS[..1]);
}

#[test]
fn what_our_directory_is_reached_through_stays() {
    let scene = Scene::new();
    for path in [scene.text("home"), scene.text(""), scene.text("other/../home"), "/".to_owned()] {
        assert_refused(&scene, &path, &REMOVALS);
    }
    symlink("home", scene.path("door")).unwrap();
    let scene = Scene { files: Files::new(scene.path("door/.opendesk")), root: scene.root };
    for path in [scene.text("door"), scene.text("home"), scene.text("door/.opendesk")] {
        assert_refused(&scene, &path, &REMOVALS);
    }
    assert_refused(&scene, &scene.text("home/.opendesk"), &LOOKS);
}

#[test]
fn our_directory_is_not_even_listed() {
    let scene = Scene::new();
    fs::write(scene.path("home/notes"), b"").unwrap();
    symlink(".opendesk/identity.key", scene.path("home/key")).unwrap();
    let names: Vec<String> =
        scene.files.list(&at(&scene.text("home"))).unwrap().into_iter().map(|entry| entry.name).collect();
    assert_eq!(names, ["notes"]);
}

#[test]
fn without_our_directory_nothing_is_touched() {
    let scene = Scene::new();
    let files = Files::new(scene.path("gone"));
    let error = files.write(&write(&scene.text("other/file"), b"x", None)).unwrap_err();
    assert_eq!(error.code, ErrorCode::Internal);
    assert!(error.message.contains("its own directory"), "{error}");
    assert!(!scene.path("other/file").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn what_the_kernel_shows_of_us_is_out_of_reach() {
    use std::os::fd::AsRawFd;

    let scene = Scene::new();
    let key = fs::File::open(scene.path("home/.opendesk/identity.key")).unwrap();
    let own = std::process::id();
    for path in [
        format!("/proc/self/fd/{}", key.as_raw_fd()),
        format!("/proc/self/root{}", scene.text("home/.opendesk/identity.key")),
        "/proc/self/mem".to_owned(),
        "/proc/thread-self/mem".to_owned(),
        format!("/proc/{own}/environ"),
        format!("/proc/{own}/task/{own}/mem"),
    ] {
        assert_refused(&scene, &path, &LOOKS[..1]);
        assert_refused(&scene, &path, &LOOKS[3..5]);
    }
    assert!(!scene.files.read(&whole("/proc/self/status")).unwrap().data.is_empty());
}

#[test]
fn a_name_that_is_no_text_is_used_like_any_other() {
    let scene = Scene::new();
    let dir = scene.path("other").join(OsStr::from_bytes(b"bad\xff"));
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join(OsStr::from_bytes(b"\x80\xc3")), b"found").unwrap();
    let outer = scene.files.list(&at(&scene.text("other"))).unwrap();
    assert!(outer[0].is_dir);
    let inner = scene.files.list(&at(&outer[0].path)).unwrap();
    assert_eq!(scene.files.read(&whole(&inner[0].path)).unwrap().data, b"found");
    scene.files.rename(&rename(&inner[0].path, &format!("{}/\u{f7fe}", outer[0].path)), &Cancel::new()).unwrap();
    assert!(dir.join(OsStr::from_bytes(b"\xfe")).exists());
    scene.files.delete(&at(&outer[0].path), &Cancel::new()).unwrap();
    assert!(!dir.exists());
}

#[test]
fn a_file_is_read_in_parts() {
    let scene = Scene::new();
    let path = scene.text("other/file");
    fs::write(&path, b"0123456789").unwrap();
    for (offset, length, expected) in [
        (0, None, "0123456789"),
        (4, None, "456789"),
        (4, Some(2), "45"),
        (8, Some(100), "89"),
        (10, None, ""),
        (99, None, ""),
    ] {
        let read = scene.files.read(&FileReadParams { path: path.clone(), offset, length }).unwrap();
        assert_eq!((read.data.as_slice(), read.size), (expected.as_bytes(), 10), "{offset} {length:?}");
    }
}

#[test]
fn a_read_is_limited_and_says_so() {
    let scene = Scene::new();
    let path = scene.text("other/file");
    let size = content::MAX_READ + 1;
    fs::File::create(&path).unwrap().set_len(size).unwrap();
    for length in [None, Some(u64::MAX), Some(size)] {
        let error = scene.files.read(&FileReadParams { path: path.clone(), offset: 0, length }).unwrap_err();
        assert_eq!(error.code, ErrorCode::LimitExceeded);
        assert!(
            error.message.contains(&format!("it has {size} bytes")) && error.message.contains("in parts"),
            "{error}"
        );
    }
    let rest = scene.files.read(&FileReadParams { path: path.clone(), offset: 1, length: None }).unwrap();
    assert_eq!((rest.data.len() as u64, rest.size), (content::MAX_READ, size));
}

#[test]
fn a_written_file_is_whole_and_keeps_what_it_was() {
    let scene = Scene::new();
    let path = scene.text("other/new/deep/file");
    scene.files.write(&write(&path, b"first and longer", None)).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o751)).unwrap();
    symlink("new/deep/file", scene.path("other/file-link")).unwrap();
    scene.files.write(&write(&scene.text("other/file-link"), b"second", None)).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"second");
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o751);
    assert!(fs::symlink_metadata(scene.path("other/file-link")).unwrap().is_symlink());
    assert_eq!(fs::read_dir(scene.path("other/new/deep")).unwrap().count(), 1);
}

#[test]
fn a_write_at_an_offset_leaves_the_rest() {
    let scene = Scene::new();
    let path = scene.text("other/file");
    for (data, offset, expected) in
        [("abcdef", 0, "abcdef"), ("XY", 2, "abXYef"), ("!", 7, "abXYef\0!"), ("", 3, "abXYef\0!")]
    {
        scene.files.write(&write(&path, data.as_bytes(), Some(offset))).unwrap();
        assert_eq!(fs::read(&path).unwrap(), expected.as_bytes());
    }
    assert!(scene.files.write(&write(&path, b"x", Some(u64::MAX))).is_err());
}

#[test]
fn what_makes_no_sense_says_why() {
    let scene = Scene::new();
    fs::write(scene.path("other/file"), b"").unwrap();
    symlink("loop", scene.path("other/loop")).unwrap();
    let file = scene.text("other/file");
    let cases = [
        (scene.files.read(&whole(&scene.text("other"))).map(drop), ErrorCode::InvalidArgument),
        (scene.files.read(&whole("/dev/zero")).map(drop), ErrorCode::InvalidArgument),
        (scene.files.write(&write("/dev/null", b"", None)), ErrorCode::InvalidArgument),
        (scene.files.read(&whole("")).map(drop), ErrorCode::InvalidArgument),
        (scene.files.read(&whole("a\0b")).map(drop), ErrorCode::InvalidArgument),
        (scene.files.read(&whole(&scene.text("other/loop"))).map(drop), ErrorCode::InvalidArgument),
        (scene.files.read(&whole(&scene.text("other/missing"))).map(drop), ErrorCode::NotFound),
        (scene.files.stat(&at(&scene.text("other/missing"))).map(drop), ErrorCode::NotFound),
        (scene.files.list(&at(&file)).map(drop), ErrorCode::InvalidArgument),
        (scene.files.list(&at(&scene.text("other/missing"))).map(drop), ErrorCode::NotFound),
        (scene.files.mkdir(&DirectoryParams { path: file.clone(), parents: true }), ErrorCode::InvalidArgument),
        (scene.files.mkdir(&DirectoryParams { path: scene.text("other/a/b"), parents: false }), ErrorCode::NotFound),
        (scene.files.delete(&at(&scene.text("other/..")), &Cancel::new()), ErrorCode::PermissionDenied),
        (scene.files.rename(&rename(&scene.text("other/missing"), &file), &Cancel::new()), ErrorCode::NotFound),
        (
            scene.files.rename(&rename(&scene.text("other"), &scene.text("other/in")), &Cancel::new()),
            ErrorCode::InvalidArgument,
        ),
    ];
    for (index, (outcome, code)) in cases.into_iter().enumerate() {
        let error = outcome.unwrap_err();
        assert_eq!(error.code, code, "case {index}: {error}");
        assert_eq!(error.message.lines().count(), 1, "case {index}: {error}");
        assert!(error.message.starts_with("cannot "), "case {index}: {error}");
    }
}

#[test]
fn entries_are_sorted_and_described() {
    let scene = Scene::new();
    fs::write(scene.path("other/b"), b"four").unwrap();
    fs::create_dir(scene.path("other/a")).unwrap();
    symlink("b", scene.path("other/c")).unwrap();
    symlink("nothing", scene.path("other/broken")).unwrap();
    let listed = scene.files.list(&at(&scene.text("other"))).unwrap();
    let seen: Vec<(&str, bool, u64)> =
        listed.iter().map(|entry| (entry.name.as_str(), entry.is_dir, entry.size)).collect();
    assert_eq!(
        seen.iter().map(|entry| (entry.0, entry.1)).collect::<Vec<_>>(),
        [("a", true), ("b", false), ("broken", false), ("c", false)]
    );
    assert_eq!((seen[1].2, seen[3].2), (4, 4));
    let stat = scene.files.stat(&at(&scene.text("other/c"))).unwrap();
    let metadata = fs::metadata(scene.path("other/b")).unwrap();
    assert_eq!(stat.path, scene.text("other/c"));
    assert_eq!(stat.mode, Some(metadata.mode()));
    let mtime = stat.mtime.unwrap() - metadata.mtime() as f64;
    assert!((0.0..=1.0).contains(&mtime), "{mtime}");
}

#[test]
fn more_than_a_call_lists_is_refused() {
    let scene = Scene::new();
    for number in 0..=10_000 {
        fs::File::create(scene.path(&format!("other/{number}"))).unwrap();
    }
    let error = scene.files.list(&at(&scene.text("other"))).unwrap_err();
    assert_eq!(error.code, ErrorCode::LimitExceeded);
    scene.files.delete(&at(&scene.text("other/0")), &Cancel::new()).unwrap();
    assert_eq!(scene.files.list(&at(&scene.text("other"))).unwrap().len(), 10_000);
}

#[test]
fn deleting_does_not_follow_links() {
    let scene = Scene::new();
    fs::create_dir_all(scene.path("other/tree/deep")).unwrap();
    fs::write(scene.path("other/kept"), b"kept").unwrap();
    symlink("../../kept", scene.path("other/tree/deep/link")).unwrap();
    symlink(scene.path("home"), scene.path("other/tree/home")).unwrap();
    for _ in 0..2 {
        scene.files.delete(&at(&scene.text("other/tree")), &Cancel::new()).unwrap();
    }
    assert!(!scene.path("other/tree").exists());
    assert_eq!(fs::read(scene.path("other/kept")).unwrap(), b"kept");
    scene.assert_intact();
}

#[test]
fn a_file_moves_over_another() {
    let scene = Scene::new();
    fs::write(scene.path("other/a"), b"a").unwrap();
    fs::write(scene.path("other/b"), b"b").unwrap();
    scene.files.rename(&rename(&scene.text("other/a"), &scene.text("other/b")), &Cancel::new()).unwrap();
    assert_eq!(fs::read(scene.path("other/b")).unwrap(), b"a");
    assert!(!scene.path("other/a").exists());
    for _ in 0..2 {
        scene.files.mkdir(&DirectoryParams { path: scene.text("other/x/y"), parents: true }).unwrap();
    }
    assert!(scene.path("other/x/y").is_dir());
}
