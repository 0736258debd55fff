//! W6: no controller reads or changes our home, by whatever path and in whatever mode.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use opendesk_std::api::{
    DirectoryParams, ErrorCode, ExecParams, FileMoveParams, FileParams, FileReadParams, FileWriteParams, FsDelete,
    FsList, FsMkdir, FsMove, FsRead, FsStat, FsWrite, ProcessExec,
};
use opendesk_tokio::{Client, ClientError};

use super::terminal::Answers;
use super::{Host, behind, connect, controlled, meanwhile, refusal, serving, without_terminal};
use crate::{Folder, opendesk, succeeded};

/// The home of a host, and what lies around it.
struct Scene {
    folder: Folder,
    home: PathBuf,
    controller: PathBuf,
    before: BTreeMap<PathBuf, Vec<u8>>,
}

impl Scene {
    fn new() -> Self {
        let folder = Folder::new();
        let (home, controller) = (folder.home("host"), folder.home("controller"));
        succeeded(&opendesk(&home, &["policy", "preset", "relaxed"]));
        succeeded(&opendesk(&home, &["stop"]));
        succeeded(&opendesk(&home, &["resume"]));
        fs::create_dir(folder.home("other")).expect("a new folder");
        Self { folder, home, controller, before: BTreeMap::new() }
    }

    /// Where something beside the home is.
    fn beside(&self, name: &str) -> String {
        self.folder.home("other").join(name).display().to_string()
    }

    fn inside(&self, name: &str) -> String {
        self.home.join(name).display().to_string()
    }

    /// What must be as it is now in the end.
    fn remember(&mut self) {
        self.before = secrets(&self.home);
        assert!(self.before.len() >= 5, "{:?}", self.before.keys());
    }

    fn assert_untouched(&self) {
        assert_eq!(secrets(&self.home), self.before);
        assert!(fs::read_dir(self.folder.home("other")).expect("it is there").flatten().all(|found| {
            let is_file = found.file_type().is_ok_and(|kind| kind.is_file());
            let name = found.file_name();
            !is_file || name == "alias" || fs::read(found.path()).is_ok_and(|content| content == b"mine")
        }));
    }
}

/// The files of a home that no running host changes by itself.
fn secrets(home: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let names = ["identity.key", "identity.ed25519", "trusted-peers.json", "peers.json", "policy.json", "control.json"];
    let files = names.map(|name| home.join(name)).into_iter().filter(|path| path.exists());
    files.map(|path| (path.clone(), fs::read(&path).expect("a file"))).collect()
}

fn ours(what: &str, outcome: Result<(), ClientError>) {
    let why = match outcome {
        Err(ClientError::Call(error)) if error.code == ErrorCode::PermissionDenied => error.message,
        other => panic!("{what} is refused: {other:?}"),
    };
    assert!(why.contains("opendesk"), "{what}: {why}");
}

async fn read(client: &Client, path: &str) -> Result<(), ClientError> {
    client.call::<FsRead>(&FileReadParams { path: path.into(), offset: 0, length: None }).await.map(drop)
}

async fn write(client: &Client, path: &str, offset: Option<u64>) -> Result<(), ClientError> {
    client.call::<FsWrite>(&FileWriteParams { path: path.into(), data: b"{}".to_vec(), offset }).await
}

/// Whatever goes through a link as well as without.
async fn cannot_be_used(client: &Client, path: &str) {
    let at = FileParams { path: path.into() };
    ours(&format!("read {path}"), read(client, path).await);
    ours(&format!("list {path}"), client.call::<FsList>(&at).await.map(drop));
    ours(&format!("stat {path}"), client.call::<FsStat>(&at).await.map(drop));
    ours(&format!("write {path}"), write(client, path, None).await);
    ours(&format!("write at {path}"), write(client, path, Some(0)).await);
}

/// Whatever reads or writes a file.
async fn cannot_be_opened(client: &Client, path: &str) {
    ours(&format!("read {path}"), read(client, path).await);
    ours(&format!("write {path}"), write(client, path, None).await);
    ours(&format!("write at {path}"), write(client, path, Some(0)).await);
}

/// Whatever means the name itself.
async fn cannot_be_replaced(client: &Client, scene: &Scene, path: &str) {
    let named = || path.to_owned();
    ours(&format!("mkdir {path}"), client.call::<FsMkdir>(&DirectoryParams { path: named(), parents: true }).await);
    ours(&format!("delete {path}"), client.call::<FsDelete>(&FileParams { path: named() }).await);
    let away = FileMoveParams { src: named(), dst: scene.beside("stolen") };
    ours(&format!("move {path} away"), client.call::<FsMove>(&away).await);
    fs::write(scene.beside("mine"), "mine").expect("a file");
    let over = FileMoveParams { src: scene.beside("mine"), dst: named() };
    ours(&format!("move over {path}"), client.call::<FsMove>(&over).await);
}

/// Every way that needs no rights of its own.
fn out_of_reach(approve: &str) {
    let mut scene = Scene::new();
    let more = ["--approve", approve];
    let host = if approve == "console" {
        Host::on_terminal(&scene.home, &more, Answers::AlwaysYes)
    } else {
        // In the home, so that what is relative begins there.
        let mut command = without_terminal(&serving(&scene.home, &more));
        command.current_dir(&scene.home);
        Host::started(&scene.home, command)
    };
    host.pair(&scene.controller, &[]);
    scene.remember();
    symlink(&scene.home, scene.beside("door")).expect("a link");
    symlink(scene.inside("identity.key"), scene.beside("key")).expect("a link");
    symlink(scene.inside("new"), scene.beside("new")).expect("a link");
    fs::hard_link(scene.inside("identity.key"), scene.beside("alias")).expect("a link");
    let pid = fs::read_to_string(scene.home.join("serve.lock")).expect("a number").trim().to_owned();
    controlled(async {
        let client = connect(&scene.controller).await.expect("it is trusted");
        write(&client, &scene.beside("mine"), None).await.expect("what is not ours may be written");
        for path in [
            scene.inside(""),
            scene.inside("identity.key"),
            scene.inside("policy.json"),
            scene.inside("new/deep"),
            scene.inside("audit/../identity.ed25519"),
            scene.beside("../host/trusted-peers.json"),
            scene.beside("door/control.json"),
            format!("/proc/self/root{}", scene.inside("peers.json")),
        ] {
            cannot_be_used(&client, &path).await;
            cannot_be_replaced(&client, &scene, &path).await;
        }
        cannot_be_replaced(&client, &scene, &scene.beside("alias")).await;
        for path in ["door", "key", "new", "alias"] {
            cannot_be_used(&client, &scene.beside(path)).await;
        }
        if approve != "console" {
            for path in ["identity.key", ".", "audit", "/proc/self/cwd/policy.json", "/proc/self/cwd"] {
                cannot_be_used(&client, path).await;
            }
        }
        for fd in open_in(&scene.home, &pid) {
            for path in [format!("/proc/self/fd/{fd}"), format!("/proc/{pid}/fd/{fd}")] {
                ours(&path, read(&client, &path).await);
                ours(&path, write(&client, &path, Some(0)).await);
            }
        }
        for name in ["mem", "environ", &format!("task/{pid}/mem")] {
            ours(name, read(&client, &format!("/proc/{pid}/{name}")).await);
        }
        // Nor what the home is reached through.
        let above = scene.home.parent().expect("a folder").display().to_string();
        ours("delete above", client.call::<FsDelete>(&FileParams { path: above.clone() }).await);
        let away = FileMoveParams { src: above.clone(), dst: format!("{above}-away") };
        ours("move above", client.call::<FsMove>(&away).await);
        let listed = client.call::<FsList>(&FileParams { path: above }).await.expect("a folder that is not ours");
        assert!(listed.iter().all(|entry| entry.name != "host"), "it is not even listed: {listed:?}");
    });
    scene.assert_untouched();
    drop(host);
}

/// What the host of a home has open there for as long as it runs.
fn open_in(home: &Path, pid: &str) -> Vec<String> {
    let stays = |file: PathBuf| file == home.join("serve.lock") || file == home.join("audit/.lock");
    let fds = fs::read_dir(format!("/proc/{pid}/fd")).expect("its files").flatten();
    let ours = fds.filter(|fd| fs::read_link(fd.path()).is_ok_and(&stays));
    let names: Vec<_> = ours.map(|fd| fd.file_name().to_string_lossy().into_owned()).collect();
    assert!(!names.is_empty(), "it holds at least its lock");
    names
}

#[test]
fn w6_the_home_is_out_of_reach_where_everything_is_allowed() {
    out_of_reach("auto");
}

#[test]
fn w6_the_home_is_out_of_reach_where_rules_decide() {
    out_of_reach("policy");
}

#[test]
fn w6_the_home_is_out_of_reach_where_the_owner_says_yes_to_everything() {
    out_of_reach("console");
}

/// Another mount of the home, or of what it is in, that only the host sees.
#[test]
fn w6_the_home_is_out_of_reach_by_another_mount() {
    let mut scene = Scene::new();
    let (home, place, around) = (scene.home.clone(), scene.beside("place"), scene.beside("around"));
    for folder in [&place, &around] {
        fs::create_dir(folder).unwrap();
    }
    let mounts = "mount --bind \"$1\" \"$2\" && mount --bind \"$3\" \"$4\"";
    let parent = home.parent().unwrap().to_str().unwrap().to_owned();
    let names = ["sh", home.to_str().unwrap(), &place, &parent, &around];
    let alone = ["unshare", "--mount", "--propagation", "private", "sh", "-c"];
    let tried = std::process::Command::new(alone[0]).args(&alone[1..]).arg(mounts).args(names).output();
    if !tried.as_ref().is_ok_and(|tried| tried.status.success()) {
        println!("not tested: this user may not mount ({tried:?})");
        return;
    }
    let script = format!("{mounts} && shift 4 && exec \"$@\"");
    let front = [&alone[..], &[script.as_str()], &names].concat();
    let host = Host::started(&home, behind(&front, &without_terminal(&serving(&home, &[]))));
    host.pair(&scene.controller, &[]);
    scene.remember();
    controlled(async {
        let client = connect(&scene.controller).await.unwrap();
        fs::write(scene.beside("mine"), "mine").unwrap();
        read(&client, &format!("{around}/other/mine")).await.expect("the other mount is there");
        for path in [format!("{place}/identity.key"), place.clone(), format!("{around}/host/policy.json")] {
            cannot_be_used(&client, &path).await;
            cannot_be_replaced(&client, &scene, &path).await;
        }
    });
    assert_eq!(secrets(&home), scene.before);
}

/// A mount that shows the home's files with numbers of its own, and the folder below one.
#[test]
fn w6_the_home_is_out_of_reach_through_an_overlay() {
    let mut scene = Scene::new();
    let home = scene.home.clone();
    let (over, below) = (scene.beside("over"), scene.beside("below"));
    for folder in [&over, &below] {
        fs::create_dir(folder).unwrap();
    }
    fs::write(format!("{below}/mine"), "mine").unwrap();
    let mounts = "mount -t overlay overlay -o \"lowerdir=$1:$2\" \"$3\"";
    let names = ["sh", home.to_str().unwrap(), &below, &over];
    let alone = ["unshare", "--mount", "--propagation", "private", "sh", "-c"];
    let tried = std::process::Command::new(alone[0]).args(&alone[1..]).arg(mounts).args(names).output();
    if !tried.as_ref().is_ok_and(|tried| tried.status.success()) {
        println!("not tested: this system mounts no overlay here ({tried:?})");
        return;
    }
    let script = format!("{mounts} && shift 3 && exec \"$@\"");
    let front = [&alone[..], &[script.as_str()], &names].concat();
    let host = Host::started(&home, behind(&front, &without_terminal(&serving(&home, &[]))));
    host.pair(&scene.controller, &[]);
    scene.remember();
    controlled(async {
        let client = connect(&scene.controller).await.unwrap();
        for path in [format!("{over}/identity.key"), format!("{over}/trusted-peers.json")] {
            cannot_be_opened(&client, &path).await;
        }
        read(&client, &format!("{over}/mine")).await.expect("the overlay is there");
    });
    assert_eq!(secrets(&home), scene.before);
}

/// A command can do what its user can (docs/SECURITY.md): who wants the home out of its reach forbids commands.
#[test]
fn commands_reach_the_home_unless_the_rules_forbid_them() {
    let scene = Scene::new();
    let host = Host::start(&scene.home, &["--approve", "policy"]);
    host.pair(&scene.controller, &[]);
    let in_home = ExecParams {
        argv: vec!["cat".into(), "serve.lock".into()],
        cwd: Some(scene.home.display().to_string()),
        ..ExecParams::default()
    };
    controlled(async {
        let client = connect(&scene.controller).await.unwrap();
        let read = client.call::<ProcessExec>(&in_home).await.unwrap();
        assert_eq!(read.stdout, fs::read(scene.home.join("serve.lock")).unwrap());
        let forbid = ["policy", "add-rule", "--tool", "process.*", "--decision", "block", "--reason", "files only"];
        succeeded(&meanwhile(&scene.home, &forbid).await);
        assert!(refusal(client.call::<ProcessExec>(&in_home).await).contains("files only"));
    });
    assert_eq!(fs::metadata(&scene.home).unwrap().mode() & 0o777, 0o700);
}
