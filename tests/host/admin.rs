//! The owner's programs: what they are told, and who may ask at all.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::sync::Arc;

use opendesk_core::Reason;
use opendesk_std::api::TextInput;
use opendesk_std::desktop::r#virtual::VirtualDesktop;
use opendesk_std::home::Home;
use opendesk_std::host::{
    AdminError, close_pairing_of_running, disconnect_through_running, follow_running, reload_running,
    sessions_of_running, status_of_running,
};
use opendesk_tests::rig::Rig;
use opendesk_tokio::{HostOptions, Notice, StartError, Tokio};

use crate::run;

#[test]
fn the_status_tells_who_drives_and_what_was_done() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        let home = rig.home("host");
        let name = rig.pair("controller").await.seen_as;
        let client = rig.connect("controller").await.unwrap();
        client.text(&TextInput { text: "hunter2".into(), interval_ms: 0 }).await.unwrap();
        let status = status_of_running(&Tokio, &home).await.unwrap();
        assert_eq!(status.sessions.len(), 1);
        assert_eq!(status.sessions[0].peer_name, name);
        let last = status.recent.last().unwrap();
        assert_eq!((last.method.as_str(), last.outcome.as_str(), &last.peer), ("input.text", "ok", &name));
        assert!(!format!("{status:?}").contains("hunter2"));
        assert_eq!((status.pid, status.backend.as_str()), (std::process::id(), "virtual"));
        assert!(status.audit.on && status.audit.entries > 0 && !status.audit.altered, "{:?}", status.audit);
        assert_eq!(status.address, rig.address.to_string());
        assert!(status.pairing_for.is_none());
        rig.show("123456").await;
        assert!(status_of_running(&Tokio, &home).await.unwrap().pairing_for.is_some_and(|left| left > 290.0));
        assert!(close_pairing_of_running(&Tokio, &home).await.unwrap());
        assert!(!close_pairing_of_running(&Tokio, &home).await.unwrap());
        reload_running(&Tokio, &home).await.unwrap();

        assert_eq!(sessions_of_running(&Tokio, &home).await.unwrap().len(), 1);
        assert_eq!(disconnect_through_running(&Tokio, &home).await, Ok(1));
        rig.wait_for(|notice| matches!(notice, Notice::SessionEnded { reason: Reason::EVICTED, .. })).await;
    });
}

#[test]
fn whoever_follows_hears_of_sessions_and_calls() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        rig.pair("controller").await;
        let home = rig.home("host");
        let (told, events) = async_channel::unbounded();
        let (begun, follows) = async_channel::bounded(1);
        let following = tokio::spawn(async move {
            let begun = || begun.try_send(()).expect("told once");
            follow_running(&Tokio, &home, begun, |event| told.try_send(event).expect("somebody listens")).await
        });
        follows.recv().await.unwrap();
        let client = rig.connect("controller").await.unwrap();
        client.cursor_position().await.unwrap();
        client.close().await;
        let mut seen = Vec::new();
        while !seen.contains(&"session_ended".to_owned()) {
            seen.push(events.recv().await.unwrap()["event"].as_str().unwrap().to_owned());
        }
        assert_eq!(seen, ["session_opened", "call", "session_ended"]);
        rig.stop().await;
        assert!(matches!(following.await.unwrap(), Err(AdminError::Failed(_))), "the host has stopped");
    });
}

#[test]
fn programs_that_follow_keep_nobody_else_from_being_heard() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        let home = rig.home("host");
        let mut following = Vec::new();
        for number in 0..18 {
            let (begun, follows) = async_channel::bounded(1);
            let followed = home.clone();
            following.push(tokio::spawn(async move {
                follow_running(&Tokio, &followed, || begun.try_send(()).expect("told once"), |_| ()).await
            }));
            if number < 16 {
                follows.recv().await.unwrap();
            }
        }
        for refused in following.split_off(16) {
            let error = refused.await.unwrap().unwrap_err();
            assert!(matches!(&error, AdminError::Failed(why) if why.contains("16 programs follow")), "{error:?}");
        }
        assert!(status_of_running(&Tokio, &home).await.unwrap().sessions.is_empty());
        assert_eq!(disconnect_through_running(&Tokio, &home).await, Ok(0));
        rig.stop_and_keep().await;
        for follower in following {
            drop(follower.await.unwrap());
        }
    });
}

#[test]
fn w33_a_second_host_of_a_home_is_refused_and_the_first_keeps_its_socket() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        let home = rig.home("host");
        let second = opendesk_tokio::serve(HostOptions::new(home.clone(), Arc::new(VirtualDesktop::default())));
        let Err(StartError::Home(why)) = second else { panic!("two hosts of one home") };
        assert!(why.contains("already uses") && why.lines().count() == 1, "{why}");
        status_of_running(&Tokio, &home).await.unwrap();
        let mode = std::fs::metadata(home.admin_socket()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    });
}

#[test]
fn programs_of_other_users_are_turned_away_even_where_the_file_lets_them_in() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        let home: Home = rig.home("host");
        if std::fs::metadata(home.path()).is_ok_and(|found| std::os::unix::fs::MetadataExt::uid(&found) != 0) {
            return;
        }
        // Only root can become somebody else: the folders and the socket are opened wide, and the user nobody asks.
        for path in home.path().ancestors().take_while(|path| path.starts_with(rig.folder.path())) {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        std::fs::set_permissions(home.admin_socket(), std::fs::Permissions::from_mode(0o666)).unwrap();
        let script = "import socket,struct,sys\n\
                      s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])\n\
                      m=b'\\x81\\xa2op\\xa4list'\n\
                      try:\n    s.sendall(struct.pack('>I',len(m))+m); print(len(s.recv(4)))\n\
                      except OSError: print(0)\n";
        let ask = |user: Option<u32>| {
            let mut program = std::process::Command::new("python3");
            program.args(["-c", script]).arg(home.admin_socket());
            if let Some(user) = user {
                program.uid(user).gid(user);
            }
            tokio::task::spawn_blocking(move || program.output().expect("python3 starts"))
        };
        let ours = ask(None).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&ours.stdout).trim(), "4", "{ours:?}");
        let theirs = ask(Some(65534)).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&theirs.stdout).trim(), "0", "{theirs:?}");
    });
}
