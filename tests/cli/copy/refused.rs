//! What cannot be copied, and how that is said.

use super::*;

#[test]
fn what_makes_no_sense_is_said_in_one_line() {
    let scene = Scene::new();
    plant(&scene.there("file"), 10);
    plant(&scene.here("file"), 10);
    fs::create_dir(scene.there("folder")).unwrap();
    fs::create_dir(scene.here("folder")).unwrap();
    for pipe in [scene.here("pipe"), scene.there("pipe")] {
        assert!(Command::new("mkfifo").arg(pipe).status().unwrap().success());
    }
    let on_host = |name: &str| scene.on_host(name);
    let there = |name: &str| scene.there(name).display().to_string();
    for (args, code, said) in [
        (vec![on_host("missing"), ".".into()], 1, format!("the host cannot look at {}", there("missing"))),
        (vec!["missing".into(), on_host("x")], 1, "missing could not be read: No such file or directory".into()),
        (vec![on_host("folder"), ".".into()], 1, format!("{} on the host is a folder; -r copies it", there("folder"))),
        (vec!["folder".into(), on_host("x")], 1, "folder is a folder; -r copies it".into()),
        (vec!["file".into(), on_host("nowhere/x")], 1, format!("{} on the host is no folder", there("nowhere"))),
        (vec!["file".into(), on_host("file/")], 1, format!("{} on the host is a file", there("file"))),
        (vec![on_host("file"), "nowhere/x".into()], 1, "nowhere/x could not be written: No such file".into()),
        (vec![on_host("file"), "pipe".into()], 1, "pipe is no file, and would be one afterwards".into()),
        (vec!["file".into(), on_host("pipe")], 1, format!("{} on the host is no file, and would", there("pipe"))),
        (vec!["file".into(), "other".into()], 2, "both are on this machine".into()),
        (vec![on_host("file"), on_host("other")], 2, "both are on other machines".into()),
        (vec!["file".into(), "C:\\x".into()], 5, "no paired machine is called \"C\"".into()),
        (vec!["local:file".into(), "other".into()], 2, "local is this machine".into()),
        (vec!["stranger:file".into(), "other".into()], 5, "no paired machine is called \"stranger\"".into()),
        (vec![String::new(), on_host("x")], 2, "a path is empty".into()),
    ] {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let finished = scene.cp(&args);
        let (given, line) = failure(&finished);
        assert!(given == code && line.starts_with(&format!("opendesk: {said}")), "{args:?}: {given} {line}");
    }
    assert_eq!(
        (names(&scene.here(".")), names(&scene.there("."))),
        (["file", "folder", "pipe"].map(String::from).to_vec(), ["file", "folder", "pipe"].map(String::from).to_vec())
    );
}

#[test]
fn the_hosts_own_directory_is_neither_read_nor_written() {
    let scene = Scene::new();
    plant(&scene.here("mine"), 64);
    let key = format!("{PEER}:{}", scene.folder.home("host/identity.key").display());
    let before = fs::read(scene.folder.home("host/identity.key")).unwrap();
    for args in [
        &[key.as_str(), "stolen"][..],
        &["mine", &key],
        &["-r", &format!("{PEER}:{}", scene.folder.home("host").display()), "stolen"],
    ] {
        let finished = scene.cp(args);
        let (code, line) = failure(&finished);
        assert!(code == 5 && line.contains("it belongs to opendesk itself"), "{args:?}: {code} {line}");
    }
    assert_eq!(names(&scene.here(".")), ["mine"]);
    assert!(fs::read(scene.folder.home("host/identity.key")).unwrap() == before);
    // In a folder above it, it is not even seen.
    let told = scene.cp_json(&["-r", &format!("{PEER}:{}", scene.folder.home(".").join("user").display()), "around"]);
    assert_eq!(told["ok"], true);
}

#[test]
fn a_host_that_lets_a_controller_look_only_gives_files_and_takes_none() {
    let scene = Scene::with(&[], &["--role", "observe"]);
    plant(&scene.there("file"), 2 * MB);
    succeeded(&scene.cp(&[&scene.on_host("file"), "."]));
    for args in [&["file", &scene.on_host("new")][..], &["-r", ".", &scene.on_host("new")]] {
        let finished = scene.cp(args);
        let (code, line) = failure(&finished);
        assert!(code == 5 && line.contains("this host lets you look only"), "{code} {line}");
    }
    assert_eq!(names(&scene.there(".")), ["file"]);
}

#[test]
fn what_this_machines_owner_has_stopped_is_not_copied() {
    let scene = Scene::new();
    plant(&scene.there("file"), 10);
    succeeded(&opendesk(&scene.folder.home("controller"), &["stop"]));
    let finished = scene.cp(&[&scene.on_host("file"), "."]);
    assert_eq!(failure(&finished).0, 5, "{finished:?}");
    assert_eq!(names(&scene.here(".")), [""; 0]);
}

#[test]
fn what_the_hosts_user_may_not_do_is_said_and_the_rest_is_done() {
    let Some(scene) = Scene::of_nobody() else { return };
    plant(&scene.there("secret"), 10);
    plant(&scene.there("open"), 10);
    fs::set_permissions(scene.there("secret"), fs::Permissions::from_mode(0o600)).unwrap();
    plant(&scene.here("file"), 10);
    for args in [[scene.on_host("secret"), "x".into()], ["file".into(), scene.on_host("new")]] {
        let finished = scene.cp(&[&args[0], &args[1]]);
        let (code, line) = failure(&finished);
        assert!(code == 5 && line.contains("Permission denied"), "{code} {line}");
    }
    let finished = scene.cp(&["-r", &scene.on_host(""), "all"]);
    assert!(finished.status.code() == Some(1) && finished.stdout.starts_with("copied 1 file "), "{finished:?}");
    let lines: Vec<&str> = finished.stderr.lines().collect();
    let secret = scene.there("secret").display().to_string();
    assert!(lines[0].starts_with("not copied: the host ") && lines[0].contains(&secret), "{lines:?}");
    assert_eq!(lines[1..], ["opendesk: 1 file or folder could not be copied"]);
    assert_eq!(names(&scene.here("all")), ["open"]);
}

#[test]
fn a_full_disk_is_said_with_the_file_that_found_it_so() {
    let folder = tempfile::tempdir().unwrap();
    let makes = ["-m", "sh", "-c", "mount -t tmpfs -o size=4k none /tmp"];
    let makes = Command::new("unshare").args(makes).stderr(Stdio::null()).status();
    if !makes.is_ok_and(|status| status.success()) {
        return;
    }
    // Only the program behind it sees the small disk.
    let small = folder.path().join("small");
    fs::create_dir(&small).unwrap();
    let on_small = r#"mount -t tmpfs -o size=8m none "$0" && exec "$@""#;
    let front = ["unshare", "-m", "sh", "-c", on_small, text(&small)];

    let scene = Scene::with(&front, &[]);
    plant(&scene.here("file"), 20 * MB);
    let to = format!("{PEER}:{}", small.join("up").display());
    let finished = scene.cp(&["file", &to]);
    let (code, line) = failure(&finished);
    assert!(code == 1 && line.contains("No space left on device") && line.contains("/small/up"), "{code} {line}");

    plant(&scene.there("file"), 20 * MB);
    let copy = scene.command(&[&scene.on_host("file"), text(&small.join("down"))]);
    let finished = run(behind(&front, &copy));
    let (code, line) = failure(&finished);
    assert!(code == 1 && line.contains("/small/down could not be written: No space left on device"), "{code} {line}");
}
