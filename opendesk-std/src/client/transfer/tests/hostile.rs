//! Hosts that mean harm.

use std::fs;
use std::os::unix::fs::symlink;

use super::*;

/// A host on which each folder lists these entries, and each file is `evil`.
fn lists(scene: &Scene, entries: Vec<FileEntry>) {
    scene.host.answer(move |call| {
        Rule::Answer(match call {
            Call::FsStat(_) => encode(&FileEntry { is_dir: true, mode: Some(0o40_755), ..entry("tree") }).unwrap(),
            Call::FsList(params) if params.path.ends_with("/inner") => encode(&Vec::<FileEntry>::new()).unwrap(),
            Call::FsList(_) => encode(&entries).unwrap(),
            Call::FsRead(_) => data(b"evil"),
            other => panic!("{}", other.method()),
        })
    });
}

#[test]
fn no_name_in_a_list_leads_out_of_the_destination() {
    let scene = Scene::new().recursive();
    fs::write(scene.folder.path().join("precious"), b"precious").unwrap();
    fs::create_dir(scene.here("copy")).unwrap();
    symlink(scene.folder.path().join("precious"), scene.here("copy/link")).unwrap();
    let hostile =
        ["", ".", "..", "../precious", "../../precious", "/tmp/precious", "a/../../precious", "a\0b", "x/y", "/"];
    let mut entries: Vec<FileEntry> = hostile.into_iter().map(entry).collect();
    entries.extend(hostile.into_iter().map(|name| FileEntry { is_dir: true, ..entry(name) }));
    entries.push(entry("good"));
    entries.push(entry("link"));
    entries.push(FileEntry { is_dir: true, ..entry("inner") });
    lists(&scene, entries);
    let copied = scene.down("/tree", &scene.here("copy")).unwrap();
    // It is in a folder: the destination was there.
    assert_eq!(scene.names("here"), ["copy"]);
    assert_eq!(scene.names("here/copy"), ["link", "tree"]);
    assert_eq!(scene.names("here/copy/tree"), ["good", "inner", "link"]);
    assert_eq!((copied.files, copied.skipped), (2, 2 * hostile.len() as u64));
    assert!(scene.told().iter().any(|told| told == "skipped /tree/../precious: a name that no file has"));

    // A link that was there is replaced, and what it points to stays.
    fs::remove_dir_all(scene.here("copy/tree")).unwrap();
    fs::rename(scene.here("copy"), scene.here("tree")).unwrap();
    scene.down("/tree", &scene.here("")).unwrap();
    assert!(fs::symlink_metadata(scene.here("tree/link")).unwrap().is_file());
    assert_eq!(fs::read(scene.folder.path().join("precious")).unwrap(), b"precious");
    assert_eq!(scene.names(""), ["here", "home", "precious", "there"]);
}

#[test]
fn a_folder_in_each_folder_has_an_end() {
    let scene = Scene::new().recursive();
    lists(&scene, vec![FileEntry { is_dir: true, ..entry("d") }]);
    let error = scene.down("/tree", &scene.here("copy")).unwrap_err();
    assert!(error.to_string().contains("nests deeper than 256 folders"), "{error}");
}

#[test]
fn a_file_is_as_long_as_the_host_said_or_is_none() {
    let scene = Scene::new().recursive();
    for size in [3, 5, 4 * CHUNK] {
        lists(&scene, vec![FileEntry { size, ..entry("liar") }]);
        let copied = scene.down("/tree", &scene.here("copy")).unwrap();
        assert_eq!((copied.files, copied.failed), (0, 1));
        let told = scene.told();
        assert!(told.iter().any(|told| told.contains("was changed while it was copied")), "{told:?}");
        fs::remove_dir_all(scene.here("copy")).unwrap();
    }
}

#[test]
fn what_a_host_says_is_one_line_without_control_characters() {
    let scene = Scene::new().recursive();
    lists(&scene, vec![entry("\u{1b}[2J/\nx"), FileEntry { is_link: true, ..entry("\u{1b}]0;x") }]);
    scene.down("/tree", &scene.here("copy")).unwrap();
    let told = scene.told();
    assert_eq!(told.len(), 2);
    assert!(told.iter().all(|told| !told.chars().any(char::is_control)), "{told:?}");
}
