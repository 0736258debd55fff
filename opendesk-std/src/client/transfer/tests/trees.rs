//! Folders with all that they contain.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;

use super::*;

/// A folder with what is odd: names, empty files and folders, links, a pipe, a program.
fn plant(root: &Path) {
    fs::create_dir_all(root.join("deep/er/empty")).unwrap();
    fs::write(root.join("deep/er/file"), b"deep").unwrap();
    fs::write(root.join("empty"), b"").unwrap();
    fs::write(root.join(OsStr::from_bytes(b"bad\xff name")), b"odd").unwrap();
    fs::write(root.join("line\nbreak \u{202e}and : * ?"), b"odder").unwrap();
    fs::write(root.join("-rf"), b"oddest").unwrap();
    fs::write(root.join("program"), b"#!/bin/sh\n").unwrap();
    fs::set_permissions(root.join("program"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(root.join("deep"), fs::Permissions::from_mode(0o750)).unwrap();
    fs::write(root.join("large"), content(2 * CHUNK + 1)).unwrap();
    symlink("/etc", root.join("link to a folder")).unwrap();
    symlink("empty", root.join("link to a file")).unwrap();
    symlink("nowhere", root.join("link to nothing")).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, root.join("pipe"), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    fs::write(root.join("half.opendesk-part"), b"half").unwrap();
    for number in 0..30 {
        fs::write(root.join(format!("deep/{number}")), vec![number; 100]).unwrap();
    }
}

/// Every file below a folder with its content, every folder, by path.
fn read(root: &Path) -> std::collections::BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut found = std::collections::BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let kind = fs::symlink_metadata(&path).unwrap();
            let name = path.strip_prefix(root).unwrap().to_owned();
            if kind.is_dir() {
                found.insert(name, None);
                folders.push(path);
            } else if kind.is_file() {
                found.insert(name, Some(fs::read(path).unwrap()));
            } else {
                found.insert(name, Some(b"neither".to_vec()));
            }
        }
    }
    found
}

/// What of it is copied.
fn copied_of(root: &Path) -> std::collections::BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut all = read(root);
    all.retain(|path, data| data.as_deref() != Some(b"neither") && !path.ends_with("half.opendesk-part"));
    all
}

#[test]
fn a_folder_goes_both_ways_with_all_that_it_contains() {
    let scene = Scene::new().recursive();
    fs::create_dir(scene.there("tree")).unwrap();
    plant(&scene.there("tree"));
    let copied = scene.down(&scene.on_host("tree"), &scene.here("copy")).unwrap();
    let expected = copied_of(&scene.there("tree"));
    assert_eq!(read(&scene.here("copy")), expected);
    assert_eq!((copied.files, copied.skipped, copied.failed), (37, 5, 0), "{:?}", scene.told());
    assert_eq!((mode(&scene.here("copy/program")), mode(&scene.here("copy/deep"))), (0o755, 0o750));

    scene.told();
    symlink("/etc", scene.here("copy/link")).unwrap();
    fs::create_dir(scene.there("into")).unwrap();
    let copied = scene.up(&scene.here("copy"), &scene.on_host("into")).unwrap();
    assert_eq!(read(&scene.there("into/copy")), expected);
    assert_eq!((copied.files, copied.skipped, copied.failed), (37, 1, 0));
    assert_eq!((mode(&scene.there("into/copy/program")), mode(&scene.there("into/copy/deep"))), (0o755, 0o750));
    assert!(scene.told().iter().any(|told| told.ends_with("here/copy/link: a symbolic link")));
}

#[test]
fn what_is_there_already_is_not_copied_again_unless_it_is_asked_for() {
    let mut scene = Scene::new().recursive();
    fs::create_dir(scene.there("tree")).unwrap();
    plant(&scene.there("tree"));
    let first = scene.down(&scene.on_host("tree"), &scene.here("copy/")).unwrap();
    // Its name is in the path now, so it goes where the first one went.
    fs::rename(scene.here("copy"), scene.here("tree")).unwrap();
    fs::write(scene.there("tree/deep/7"), b"new").unwrap();
    let again = scene.down(&scene.on_host("tree"), &scene.folder.path().join("here")).unwrap();
    assert_eq!((again.files, again.bytes, again.kept), (37, 3, first.bytes - 100));
    assert_eq!(fs::read(scene.here("tree/deep/7")).unwrap(), b"new");

    let up = scene.up(&scene.here("tree"), &scene.on_host("")).unwrap();
    assert_eq!((up.files, up.bytes, up.kept), (37, 0, first.bytes - 97));
    scene.options.anew = true;
    let up = scene.up(&scene.here("tree"), &scene.on_host("")).unwrap();
    assert_eq!((up.files, up.bytes, up.kept), (37, first.bytes - 97, 0));
}

#[test]
fn a_folder_without_a_name_of_its_own_is_copied_as_what_it_contains() {
    let scene = Scene::new().recursive();
    fs::create_dir_all(scene.there("tree/sub")).unwrap();
    fs::write(scene.there("tree/file"), b"x").unwrap();
    scene.down(&scene.on_host("tree/sub/.."), &scene.here("")).unwrap();
    assert_eq!(scene.names("here"), ["file", "sub"]);
    fs::create_dir(scene.there("back")).unwrap();
    scene.up(&scene.here("sub/.."), &scene.on_host("back")).unwrap();
    assert_eq!(scene.names("there/back"), ["file", "sub"]);
    for (dotted, folder) in [("sub/../.", "dotted"), ("sub/.././", "slashed")] {
        fs::create_dir(scene.there(folder)).unwrap();
        scene.up(&scene.here(dotted), &scene.on_host(folder)).unwrap();
        assert_eq!(scene.names(&format!("there/{folder}")), ["file", "sub"]);
    }
    fs::write(scene.here("sub/inner"), b"y").unwrap();
    fs::create_dir(scene.there("inside")).unwrap();
    scene.up(&scene.here("sub/."), &scene.on_host("inside")).unwrap();
    assert_eq!(scene.names("there/inside"), ["inner"]);
}

#[test]
fn one_file_that_cannot_be_read_keeps_no_other_from_being_copied() {
    let scene = Scene::new().recursive();
    fs::create_dir_all(scene.there("tree/shut")).unwrap();
    for name in ["a", "b", "c"] {
        fs::write(scene.there("tree").join(name), b"data").unwrap();
    }
    scene.host.answer(|call| match call {
        Call::FsRead(params) if params.path.ends_with("/b") => Rule::Refuse(denied("cannot read b: Permission denied")),
        Call::FsList(params) if params.path.ends_with("/shut") => Rule::Refuse(denied("cannot list shut: no")),
        _ => Rule::Pass,
    });
    let copied = scene.down(&scene.on_host("tree"), &scene.here("copy")).unwrap();
    assert_eq!((copied.files, copied.failed), (2, 2));
    assert_eq!(scene.names("here/copy"), ["a", "c"]);
    let told = scene.told();
    assert!(told.contains(&"failed: the host cannot read b: Permission denied".to_owned()), "{told:?}");

    // What the destination says no to, it would say to all of them.
    scene.host.answer(|call| match call {
        Call::FsWrite(_) => Rule::Refuse(denied("this host lets you look only")),
        _ => Rule::Pass,
    });
    let error = scene.up(&scene.here("copy"), &scene.on_host("up")).unwrap_err();
    assert!(error.to_string().ends_with("this host lets you look only"), "{error}");
}

fn denied(why: &str) -> Error {
    Error::new(ErrorCode::PermissionDenied, why)
}

#[test]
fn a_link_that_stands_where_a_folder_goes_is_not_followed() {
    let scene = Scene::new().recursive();
    fs::create_dir_all(scene.there("tree/sub")).unwrap();
    fs::write(scene.there("tree/sub/file"), b"x").unwrap();
    fs::create_dir(scene.here("tree")).unwrap();
    let outside = scene.folder.path().join("home");
    symlink(&outside, scene.here("tree/sub")).unwrap();
    let error = scene.down(&scene.on_host("tree"), &scene.here("")).unwrap_err();
    assert!(error.to_string().contains("tree/sub could not be made: a symbolic link is in its place"), "{error}");
    assert_eq!(fs::read_dir(outside).unwrap().count(), 0);
}
