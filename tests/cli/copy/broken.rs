//! Copies that break off.

use super::*;

/// The parts in a folder.
fn parts(folder: &Path) -> Vec<String> {
    names(folder).into_iter().filter(|name| name.ends_with(".opendesk-part")).collect()
}

/// A copy of `source` that has come as far as this, and then stands still.
fn stands_still(scene: &Scene, way: Way, bytes: u64, args: &[&str]) -> Running {
    // Before: the last words of a copy that has just ended may still pass.
    let passed = scene.proxy.passed(way);
    scene.proxy.cut_after(way, bytes, Fault::Silence);
    let copy = Running::start(scene.command(args));
    eventually("it comes so far", || scene.proxy.passed(way) >= passed + bytes);
    copy
}

#[test]
fn a_copy_whose_program_was_killed_is_gone_on_with() {
    let scene = Scene::new();
    plant(&scene.there("source"), 60 * MB);
    plant(&scene.here("source"), 60 * MB);
    let (down, up) = ([scene.on_host("source"), "down".to_owned()], ["source".to_owned(), scene.on_host("up")]);
    for (way, args, folder, copied) in [
        (Way::FromHost, down, scene.here("."), scene.here("down")),
        (Way::ToHost, up, scene.there("."), scene.there("up")),
    ] {
        let copy = stands_still(&scene, way, 40 * MB, &[&args[0], &args[1]]);
        copy.signal("KILL");
        assert!(!copy.finish(LIMIT).status.success());
        scene.proxy.heal();
        assert_eq!(parts(&folder).len(), 1, "{:?}", names(&folder));
        assert!(!copied.exists());
        let told = scene.cp_json(&[&args[0], &args[1]]);
        let (resumed, sent) = (told["resumed_bytes"].as_u64().unwrap(), told["bytes"].as_u64().unwrap());
        assert!(resumed > 20 * MB && resumed + sent == 60 * MB, "{told}");
        assert!(is_same(&scene.there("source"), &copied));
        assert_eq!(parts(&folder), [""; 0], "{:?}", names(&folder));
    }
}

/// While a part on the host grows, a file of the home stands for it: another program that copies the same is refused by it.
#[test]
fn an_upload_has_its_part_for_itself() {
    let scene = Scene::new();
    plant(&scene.here("source"), 60 * MB);
    let copy = stands_still(&scene, Way::ToHost, 20 * MB, &["source", &scene.on_host("up")]);
    let locks = scene.folder.home("controller").join("copies");
    let [lock] = names(&locks).try_into().expect("one copy is under way");
    let held = File::open(locks.join(lock)).unwrap();
    assert!(held.try_lock().is_err(), "it is held");
    scene.proxy.heal();
    succeeded(&copy.finish(LIMIT));
    assert!(is_same(&scene.here("source"), &scene.there("up")));
    assert_eq!(names(&locks), [""; 0]);
}

#[test]
fn a_copy_that_is_interrupted_says_that_it_can_be_gone_on_with() {
    let scene = Scene::new();
    plant(&scene.there("source"), 60 * MB);
    let copy = stands_still(&scene, Way::FromHost, 40 * MB, &[&scene.on_host("source"), "down"]);
    copy.signal("INT");
    let said = copy.finish(LIMIT);
    let expected = "opendesk: interrupted; what was copied is kept, and the same command goes on from there";
    assert_eq!(failure(&said), (130, expected));
    scene.proxy.heal();
    let told = scene.cp_json(&["--no-resume", &scene.on_host("source"), "down"]);
    assert_eq!((&told["resumed_bytes"], &told["bytes"]), (&0.into(), &(60 * MB).into()));
    assert!(is_same(&scene.there("source"), &scene.here("down")));
}

#[test]
fn a_source_that_was_changed_is_copied_from_its_beginning() {
    let scene = Scene::new();
    plant(&scene.there("source"), 60 * MB);
    let copy = stands_still(&scene, Way::FromHost, 40 * MB, &[&scene.on_host("source"), "down"]);
    copy.signal("KILL");
    drop(copy.finish(LIMIT));
    scene.proxy.heal();
    plant(&scene.there("source"), 61 * MB);
    let told = scene.cp_json(&[&scene.on_host("source"), "down"]);
    assert_eq!((&told["resumed_bytes"], &told["bytes"]), (&0.into(), &(61 * MB).into()));
    assert!(is_same(&scene.there("source"), &scene.here("down")));
}

#[test]
fn a_source_that_changes_while_it_is_copied_is_no_copy() {
    let scene = Scene::new();
    for (way, source, args, folder) in [
        (Way::FromHost, scene.there("source"), [scene.on_host("source"), "down".to_owned()], scene.here(".")),
        (Way::ToHost, scene.here("source"), ["source".to_owned(), scene.on_host("up")], scene.there(".")),
    ] {
        plant(&source, 60 * MB);
        let before = names(&folder);
        let copy = stands_still(&scene, way, 40 * MB, &[&args[0], &args[1]]);
        let file = File::options().write(true).open(&source).unwrap();
        file.set_len(59 * MB).unwrap();
        scene.proxy.heal();
        let said = copy.finish(LIMIT);
        let (code, line) = failure(&said);
        assert!(code == 1 && line.ends_with("was changed while it was copied; copy it again"), "{code} {line}");
        assert_eq!(names(&folder), before, "nothing is left");
        fs::remove_file(&source).unwrap();
    }
}

#[test]
fn a_link_that_is_lost_in_the_middle_is_made_anew_and_the_copy_goes_on() {
    let scene = Scene::new();
    plant(&scene.there("source"), 60 * MB);
    for (way, args) in [
        (Way::FromHost, [scene.on_host("source"), "down".to_owned()]),
        (Way::ToHost, ["down".to_owned(), scene.on_host("up")]),
    ] {
        let connections = scene.proxy.connections();
        scene.proxy.cut_after(way, 25 * MB, Fault::Reset);
        let told = scene.cp_json(&[&args[0], &args[1]]);
        assert_eq!((&told["resumed_bytes"], &told["bytes"]), (&0.into(), &(60 * MB).into()));
        assert!(scene.proxy.connections() > connections + 1, "it was lost");
        scene.proxy.heal();
    }
    assert!(is_same(&scene.there("source"), &scene.here("down")));
    assert!(is_same(&scene.there("source"), &scene.there("up")));
}

#[test]
fn a_host_that_is_started_anew_in_the_middle_goes_on_with_the_copy() {
    let mut scene = Scene::new();
    plant(&scene.here("source"), 60 * MB);
    let copy = stands_still(&scene, Way::ToHost, 40 * MB, &["source", &scene.on_host("up"), "--json"]);
    scene.restart();
    scene.proxy.reset();
    scene.proxy.heal();
    let told = json(&copy.finish(LIMIT));
    assert_eq!(told["bytes"], 60 * MB);
    assert!(is_same(&scene.here("source"), &scene.there("up")));
    assert_eq!(names(&scene.there(".")), ["up"]);
}
