//! Folders with all that they contain.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;

use super::*;

fn plant_tree(root: &Path) {
    fs::create_dir_all(root.join("deep/er/empty")).expect("new folders");
    for (name, bytes) in [
        (&b"plain"[..], 100),
        (b"empty", 0),
        (b"bad\xff name", 3),
        (b"line\nbreak", 4),
        ("Büro 日本 \u{202e}".as_bytes(), 5),
        (b"-rf", 6),
        (b"a:b", 7),
        (b"deep/er/file", 8),
        (b"large", 3 * MB + 1),
    ] {
        plant(&root.join(OsStr::from_bytes(name)), bytes);
    }
    fs::set_permissions(root.join("plain"), fs::Permissions::from_mode(0o755)).expect("it is ours");
    for number in 0..40 {
        plant(&root.join(format!("deep/{number}")), number);
    }
}

/// Every file with its content, permissions and time, and every folder, by path.
fn read(root: &Path) -> BTreeMap<PathBuf, Option<(Vec<u8>, u32, i64)>> {
    let (mut found, mut folders) = (BTreeMap::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.strip_prefix(root).expect("it is below").to_owned();
            let metadata = fs::symlink_metadata(&path).expect("it is there");
            if metadata.is_dir() {
                found.insert(name, None);
                folders.push(path);
            } else {
                assert!(metadata.is_file(), "{}", path.display());
                found.insert(
                    name,
                    Some((fs::read(&path).expect("it can be read"), metadata.mode() & 0o777, metadata.mtime())),
                );
            }
        }
    }
    found
}

#[test]
fn a_folder_goes_both_ways_with_every_name_that_a_file_can_have() {
    let scene = Scene::new();
    fs::create_dir(scene.there("tree")).unwrap();
    plant_tree(&scene.there("tree"));
    let expected = read(&scene.there("tree"));
    symlink("/etc", scene.there("tree/out")).unwrap();
    let said = scene.cp(&["-r", &scene.on_host("tree"), "copy"]);
    assert!(succeeded(&said).contains("copied 49 files") && said.stdout.contains("; 1 left out"), "{said:?}");
    assert_eq!(said.stderr, format!("left out {}: a symbolic link\n", scene.there("tree/out").display()));
    assert!(read(&scene.here("copy")) == expected);

    fs::create_dir(scene.there("into")).unwrap();
    let told = scene.cp_json(&["-r", "copy", &scene.on_host("into/")]);
    assert_eq!((&told["files"], &told["skipped"]), (&49.into(), &0.into()));
    assert!(read(&scene.there("into/copy")) == expected);

    // The same command again has nothing left to do.
    let told = scene.cp_json(&["-r", "copy", &scene.on_host("into/")]);
    assert_eq!((&told["files"], &told["bytes"]), (&49.into(), &0.into()));
    let told = scene.cp_json(&["-r", "--no-resume", "copy", &scene.on_host("into/")]);
    assert_eq!((&told["files"], &told["resumed_bytes"]), (&49.into(), &0.into()));
}

#[test]
fn a_folder_whose_copy_broke_off_is_gone_on_with() {
    let scene = Scene::new();
    fs::create_dir(scene.there("tree")).unwrap();
    for name in ["a", "b", "c"] {
        plant(&scene.there("tree").join(name), 20 * MB);
    }
    scene.proxy.cut_after(Way::FromHost, 30 * MB, Fault::Silence);
    let passed = scene.proxy.passed(Way::FromHost);
    let copy = Running::start(scene.command(&["-r", &scene.on_host("tree"), "tree"]));
    eventually("it comes so far", || scene.proxy.passed(Way::FromHost) >= passed + 30 * MB);
    copy.signal("KILL");
    drop(copy.finish(LIMIT));
    scene.proxy.heal();
    // Now the folder is there, so it is copied into its parent.
    let told = scene.cp_json(&["-r", &scene.on_host("tree"), "."]);
    assert!(told["files"] == 3 && told["resumed_bytes"].as_u64() > Some(21 * MB), "{told}");
    assert!(read(&scene.here("tree")) == read(&scene.there("tree")));
}

#[test]
fn a_machine_with_colons_in_its_name_is_named_by_it_and_by_its_whole_fingerprint() {
    let scene = Scene::new();
    let own = scene.folder.home("controller");
    succeeded(&opendesk(&own, &["peers", "rename", PEER, "lab: desk"]));
    let peers = json(&opendesk(&own, &["peers", "--json"]));
    let fingerprint = peers[0]["fingerprint"].as_str().unwrap();
    assert_eq!(fingerprint.matches(':').count(), 3);
    for (number, machine) in ["lab: desk", fingerprint].into_iter().enumerate() {
        let name = format!("a:{number}");
        plant(&scene.there(&name), 10);
        succeeded(&scene.cp(&[&format!("{machine}:{}", scene.there(&name).display()), "."]));
        assert_eq!(fs::read(scene.here(&name)).unwrap(), fs::read(scene.there(&name)).unwrap());
    }
}
