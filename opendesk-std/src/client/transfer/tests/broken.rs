//! Copies that break off, and what goes on from there.

use core::sync::atomic::{AtomicU64, Ordering};
use std::fs;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use super::*;
use crate::api::ErrorCode;

const PARTS: u64 = 40;

/// The host goes away for good after so many bytes of a file.
fn ends_after(scene: &Scene, bytes: u64) {
    let seen = AtomicU64::new(0);
    scene.host.answer(move |call| {
        let length = match call {
            Call::FsRead(params) => params.length.unwrap_or_default(),
            Call::FsWrite(params) => params.data.len() as u64,
            _ => 0,
        };
        if seen.fetch_add(length, Ordering::Relaxed) >= bytes { Rule::Lose } else { Rule::Pass }
    });
}

#[test]
fn two_uploads_of_one_file_to_one_place_do_not_write_to_the_same_part() {
    let scene = Arc::new(Scene::new());
    let source = content(3 * CHUNK);
    fs::write(scene.here("source"), &source).unwrap();
    let other = Arc::clone(&scene);
    let tried = AtomicU64::new(0);
    // While the first one writes, the second one begins.
    scene.host.answer(move |call| {
        if matches!(call, Call::FsWrite(_)) && tried.fetch_add(1, Ordering::Relaxed) == 0 {
            let error = other.up(&other.here("source"), &other.on_host("up")).unwrap_err().to_string();
            assert!(
                error.ends_with("there/up on the host is where another copy of this file is under way to"),
                "{error}"
            );
            tried.fetch_add(1, Ordering::Relaxed);
        }
        Rule::Pass
    });
    scene.up(&scene.here("source"), &scene.on_host("up")).unwrap();
    assert_eq!(fs::read(scene.there("up")).unwrap(), source);
    assert_eq!(fs::read_dir(scene.folder.path().join("locks")).unwrap().count(), 0, "nothing is left of the lock");
    scene.up(&scene.here("source"), &scene.on_host("up")).unwrap();
}

#[test]
fn a_file_from_the_host_is_resumed_where_it_broke_off() {
    let scene = Scene::new();
    let source = content(PARTS * CHUNK + 3);
    fs::write(scene.there("source"), &source).unwrap();
    fs::write(scene.here("down"), b"what was there").unwrap();
    ends_after(&scene, 20 * CHUNK);
    let error = scene.down(&scene.on_host("source"), &scene.here("down")).unwrap_err();
    assert!(
        error.to_string().ends_with("there/source on the host could not be read: the connection was lost"),
        "{error}"
    );
    assert!(scene.host.waits() >= 6, "it was tried again before");
    assert_eq!(fs::read(scene.here("down")).unwrap(), b"what was there");
    let part = fs::read(scene.here("down.opendesk-part")).unwrap();
    assert!(part.len() as u64 >= 10 * CHUNK && source.starts_with(&part), "{}", part.len());

    scene.host.answer(|_| Rule::Pass);
    let copied = scene.down(&scene.on_host("source"), &scene.here("down")).unwrap();
    assert_eq!((copied.kept, copied.bytes), (part.len() as u64, (source.len() - part.len()) as u64));
    assert!(fs::read(scene.here("down")).unwrap() == source);
    assert_eq!(scene.names("here"), ["down"]);
}

#[test]
fn a_file_to_the_host_is_resumed_where_all_of_it_is_certainly_there() {
    let scene = Scene::new();
    let source = content(PARTS * CHUNK + 3);
    fs::write(scene.here("source"), &source).unwrap();
    fs::write(scene.there("up"), b"what was there").unwrap();
    // Of the parts that are on their way the first one gets lost, and those behind it arrive.
    let missing = 20 * CHUNK;
    scene.host.answer(move |call| match call {
        Call::FsWrite(params) if params.offset == Some(missing) => Rule::Lose,
        _ => Rule::Pass,
    });
    let error = scene.up(&scene.here("source"), &scene.on_host("up")).unwrap_err();
    assert!(error.to_string().contains("could not be written: the connection was lost"), "{error}");
    assert_eq!(fs::read(scene.there("up")).unwrap(), b"what was there");
    let name = scene.names("there").into_iter().find(|name| name.ends_with(".opendesk-part")).unwrap();
    let length = fs::metadata(scene.there(&name)).unwrap().len();
    assert!(length > missing, "there is a hole in it");

    scene.host.answer(|_| Rule::Pass);
    let copied = scene.up(&scene.here("source"), &scene.on_host("up")).unwrap();
    assert!(copied.kept > 0 && copied.kept <= missing, "{copied:?}");
    assert_eq!(copied.kept + copied.bytes, source.len() as u64);
    assert!(fs::read(scene.there("up")).unwrap() == source);
    assert_eq!(scene.names("there"), ["up"]);
}

#[test]
fn without_resuming_all_of_it_is_copied_again() {
    let mut scene = Scene::new();
    let source = content(PARTS * CHUNK);
    fs::write(scene.there("source"), &source).unwrap();
    fs::write(scene.here("source"), &source).unwrap();
    for _ in 0..2 {
        ends_after(&scene, 15 * CHUNK);
        scene.down(&scene.on_host("source"), &scene.here("down")).unwrap_err();
        scene.up(&scene.here("source"), &scene.on_host("up")).unwrap_err();
    }
    scene.host.answer(|_| Rule::Pass);
    scene.options.anew = true;
    let whole = Copied { files: 1, bytes: PARTS * CHUNK, ..Copied::default() };
    assert_eq!(scene.down(&scene.on_host("source"), &scene.here("down")).unwrap(), whole);
    assert_eq!(scene.up(&scene.here("source"), &scene.on_host("up")).unwrap(), whole);
    assert!(fs::read(scene.here("down")).unwrap() == source && fs::read(scene.there("up")).unwrap() == source);
}

#[test]
fn a_part_of_a_source_that_was_changed_is_not_gone_on_with() {
    let scene = Scene::new();
    fs::write(scene.there("source"), content(PARTS * CHUNK)).unwrap();
    fs::write(scene.here("source"), content(PARTS * CHUNK)).unwrap();
    ends_after(&scene, 20 * CHUNK);
    scene.down(&scene.on_host("source"), &scene.here("down")).unwrap_err();
    scene.host.answer(|_| Rule::Pass);
    let other = vec![7; (PARTS * CHUNK) as usize];
    fs::write(scene.there("source"), &other).unwrap();
    let copied = scene.down(&scene.on_host("source"), &scene.here("down")).unwrap();
    assert_eq!(copied.kept, 0);
    assert!(fs::read(scene.here("down")).unwrap() == other);

    ends_after(&scene, 20 * CHUNK);
    scene.up(&scene.here("source"), &scene.on_host("up")).unwrap_err();
    scene.host.answer(|_| Rule::Pass);
    fs::write(scene.here("source"), &other).unwrap();
    let copied = scene.up(&scene.here("source"), &scene.on_host("up")).unwrap();
    assert_eq!(copied.kept, 0);
    assert!(fs::read(scene.there("up")).unwrap() == other);
}

#[test]
fn what_an_upload_of_an_older_source_left_is_removed_once_nobody_can_be_writing_it() {
    let scene = Scene::new();
    let parts = || scene.names("there").into_iter().filter(|name| name.ends_with(".opendesk-part")).collect::<Vec<_>>();
    let begun = |length: u64| {
        let before = parts();
        ends_after(&scene, 3 * CHUNK);
        fs::write(scene.here("source"), content(length)).unwrap();
        scene.up(&scene.here("source"), &scene.on_host("up")).unwrap_err();
        scene.host.answer(|_| Rule::Pass);
        parts().into_iter().find(|name| !before.contains(name)).unwrap()
    };
    let (old, young) = (begun(PARTS * CHUNK), begun(PARTS * CHUNK + 1));
    let others = ["other.0123456789abcdef.opendesk-part", "up.notes.opendesk-part", "up.0123456789abcdef"];
    for name in others {
        fs::write(scene.there(name), b"precious").unwrap();
    }
    for name in others.into_iter().chain([old.as_str()]) {
        let file = fs::File::options().write(true).open(scene.there(name)).unwrap();
        file.set_modified(file.metadata().unwrap().modified().unwrap() - 4 * PATIENCE).unwrap();
    }
    fs::write(scene.here("source"), content(9)).unwrap();
    scene.up(&scene.here("source"), &scene.on_host("up")).unwrap();
    let mut left: Vec<&str> = others.into_iter().chain(["up", &young]).collect();
    left.sort_unstable();
    assert_eq!(scene.names("there"), left, "the old one was {old}");
}

#[test]
fn a_source_that_changes_meanwhile_is_said_and_leaves_nothing() {
    let scene = Scene::new();
    for change in [
        |path: &Path| fs::write(path, b"short").unwrap(),
        |path: &Path| fs::File::options().write(true).open(path).unwrap().write_all_at(b"!", 30 * CHUNK).unwrap(),
        |path: &Path| fs::File::options().write(true).open(path).unwrap().set_len(PARTS * CHUNK + 1).unwrap(),
    ] {
        for up in [false, true] {
            let path = if up { scene.here("source") } else { scene.there("source") };
            fs::write(&path, content(PARTS * CHUNK)).unwrap();
            let past = std::time::UNIX_EPOCH + Duration::from_secs(1);
            fs::File::options().write(true).open(&path).unwrap().set_modified(past).unwrap();
            let (calls, changed) = (AtomicU64::new(0), path.clone());
            scene.host.answer(move |call| {
                if matches!(call, Call::FsRead(_) | Call::FsWrite(_)) && calls.fetch_add(1, Ordering::Relaxed) == 20 {
                    change(&changed);
                }
                Rule::Pass
            });
            let error = if up {
                scene.up(&path, &scene.on_host("up")).unwrap_err()
            } else {
                scene.down(&scene.on_host("source"), &scene.here("down")).unwrap_err()
            };
            assert!(matches!(error, TransferError::Changed { .. }), "{error}");
            assert!(error.to_string().contains("source"), "{error}");
            fs::remove_file(path).unwrap();
            assert_eq!((scene.names("here"), scene.names("there")), (vec![], vec![]));
        }
    }
}

#[test]
fn each_call_may_lose_its_link_and_the_copy_is_whole() {
    let scene = Scene::new();
    let source = content(9 * CHUNK + 1);
    fs::write(scene.there("source"), &source).unwrap();
    for answered in [false, true] {
        // All but the first one: a host that was never there is not waited for.
        let calls = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&calls);
        scene.host.answer(move |_| match counted.fetch_add(1, Ordering::Relaxed) % 3 {
            1 if answered => Rule::LoseAnswer,
            1 => Rule::Lose,
            _ => Rule::Pass,
        });
        scene.down(&scene.on_host("source"), &scene.here("down")).unwrap();
        assert!(fs::read(scene.here("down")).unwrap() == source);
        calls.store(0, Ordering::Relaxed);
        scene.up(&scene.here("down"), &scene.on_host("up")).unwrap();
        assert!(fs::read(scene.there("up")).unwrap() == source);
        fs::remove_file(scene.there("up")).unwrap();
        assert!(scene.told().contains(&"waits".to_owned()) && scene.host.waits() > 4);
        scene.host.calls();
    }
}

#[test]
fn a_move_of_which_the_answer_was_lost_is_seen_to_be_done_or_not() {
    let scene = Scene::new();
    let source = content(CHUNK);
    fs::write(scene.here("source"), &source).unwrap();
    let moves = AtomicU64::new(0);
    scene.host.answer(move |call| match call {
        Call::FsMove(_) if moves.fetch_add(1, Ordering::Relaxed) == 0 => Rule::LoseAnswer,
        _ => Rule::Pass,
    });
    scene.up(&scene.here("source"), &scene.on_host("up")).unwrap();
    assert!(fs::read(scene.there("up")).unwrap() == source);

    // Somebody has taken the part away, and what is there is something else.
    fs::write(scene.there("up"), vec![0; CHUNK as usize]).unwrap();
    let folder = scene.folder.path().join("there");
    scene.host.answer(move |call| {
        if let Call::FsMove(params) = call {
            assert!(Path::new(&params.src).starts_with(&folder));
            drop(fs::remove_file(&params.src));
        }
        Rule::Pass
    });
    let error = scene.up(&scene.here("source"), &scene.on_host("up")).unwrap_err();
    assert!(error.to_string().contains("No such file"), "{error}");
}

#[test]
fn what_a_host_stopped_because_its_link_was_lost_is_asked_for_again() {
    let said = |code| ClientError::Call(Error::new(code, ""));
    assert!(said(ErrorCode::Cancelled).is_lost() && said(ErrorCode::Busy).is_lost());
    assert!(!said(ErrorCode::PermissionDenied).is_lost() && !said(ErrorCode::Internal).is_lost());
}

#[test]
fn a_host_that_never_answered_is_not_waited_for() {
    let scene = Scene::new();
    scene.host.answer(|_| Rule::Lose);
    let error = scene.down("/x", &scene.here("down")).unwrap_err();
    assert_eq!(error.to_string(), "/x on the host could not be looked at: the connection was lost");
    assert_eq!((scene.host.calls(), scene.host.waits()), (1, 0));
}

#[test]
fn what_the_owner_of_the_host_says_no_to_ends_the_copy_with_their_words() {
    let scene = Scene::new();
    fs::write(scene.here("source"), content(2 * CHUNK)).unwrap();
    scene.host.answer(|call| match call {
        Call::FsWrite(_) => Rule::Refuse(Error::new(ErrorCode::PermissionDenied, "this host lets you look only")),
        _ => Rule::Pass,
    });
    let error = scene.up(&scene.here("source"), &scene.on_host("up")).unwrap_err();
    assert!(error.to_string().ends_with("could not be written: this host lets you look only"), "{error}");
    assert_eq!(scene.names("there"), [""; 0]);
}
