//! Applications of the menus.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use opendesk_std::Cancel;
use opendesk_std::api::{App, Effect, ErrorCode};
use opendesk_std::desktop::Computer;
use opendesk_tests::desktop::{PYTHON, TestDesktop};

use super::{lines, open_session};
use crate::wait_until;

/// Writes an application of the person whose home this is.
fn write_entry(desktop: &TestDesktop, id: &str, lines: &str) {
    let folder = desktop.home().join(".local/share/applications");
    fs::create_dir_all(&folder).expect("the home can be written to");
    let text = format!("[Desktop Entry]\nType=Application\n{lines}\n");
    fs::write(folder.join(format!("{id}.desktop")), text).expect("the home can be written to");
}

/// A program with spaces in its path that writes its number and its arguments to a file, and then is a terminal whose
/// windows have this class.
fn write_program(desktop: &TestDesktop, class: &str) -> (PathBuf, PathBuf) {
    let folder = desktop.home().join("with spaces");
    fs::create_dir_all(&folder).expect("the home can be written to");
    let (program, said) = (folder.join(format!("run {class}")), desktop.home().join(format!("{class}.said")));
    let script = format!(
        "#!/bin/sh\nfor word; do printf '%s\\n' \"$word\"; done > '{0}.part'\npwd >> '{0}.part'\n\
         mv '{0}.part' '{0}'\necho $$ > '{0}.pid'\nexec xterm -class {class} -T {class} -e cat\n",
        said.display()
    );
    fs::write(&program, script).expect("the home can be written to");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("its owner may");
    (program, said)
}

/// The processes whose windows have this class, as the window manager tells.
fn windows(desktop: &TestDesktop, class: &str) -> Vec<u32> {
    let listed = desktop.run("wmctrl", &["-l", "-p", "-x"]);
    let of_class = listed.lines().filter(|line| line.contains(&format!(".{class} ")));
    of_class.map(|line| line.split_whitespace().nth(2).and_then(|pid| pid.parse().ok()).expect("a number")).collect()
}

/// Opens a window of an application that has no entry. Tk begins the class with a capital letter.
fn open_window(desktop: &mut TestDesktop, class: &str, title: &str) {
    let program =
        "import sys, tkinter; root = tkinter.Tk(className=sys.argv[1]); root.title(sys.argv[2]); root.mainloop()";
    desktop.spawn(PYTHON, &["-c", program, class, title]);
    desktop.wait_for_window(title);
}

fn app(id: &str, name: &str, running: bool) -> App {
    App { id: id.to_owned(), name: name.to_owned(), running }
}

#[test]
fn an_application_is_opened_brought_to_the_front_and_closed() {
    let mut desktop = TestDesktop::start_with_session(800, 600);
    let (program, said) = write_program(&desktop, "Particular");
    let lines_of_entry = format!(
        "Name=Two Words\nName[de]=Zwei Worte\nExec=\"{}\" --name=%c \"a \\\\\"b\\\\\" \\\\$HOME\" %U 100%% %i\nIcon=an-icon\n\
         Path={}\nStartupWMClass=Particular",
        program.display(),
        program.parent().expect("a folder").display()
    );
    write_entry(&desktop, "org.example.Words", &lines_of_entry);
    let computer = open_session(&desktop);
    assert!(computer.capabilities().contains(&"app.lifecycle"));
    let words = |running| app("org.example.Words", "Two Words", running);
    assert!(computer.installed_apps().unwrap().contains(&words(false)));

    assert_eq!(computer.open_app("two words", &Cancel::new()), Ok(Effect::Confirmed));
    let folder = program.parent().unwrap().to_str().unwrap();
    assert_eq!(lines(&said), ["--name=Two Words", "a \"b\" $HOME", "100%", "--icon", "an-icon", folder]);
    let pids = windows(&desktop, "Particular");
    let [pid] = pids[..] else { panic!("{pids:?}") };
    assert_eq!(computer.apps().unwrap(), ["Two Words"]);
    assert!(computer.installed_apps().unwrap().contains(&words(true)));

    // It belongs to no group and no session of ours, and no stream of ours is open in it.
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    assert_eq!(fields[2..4], [&*pid.to_string(), &*pid.to_string()], "its group and its session");
    for stream in 0..3 {
        assert_eq!(fs::read_link(format!("/proc/{pid}/fd/{stream}")).unwrap(), Path::new("/dev/null"));
    }

    open_window(&mut desktop, "other", "in front of it");
    assert_eq!(computer.apps().unwrap().first().map(String::as_str), Some("Other"));
    computer.open_app("org.example.Words", &Cancel::new()).unwrap();
    assert_eq!(windows(&desktop, "Particular").len(), 1, "it is not started twice");
    let front = || desktop.run("xdotool", &["getactivewindow", "getwindowname"]).trim().to_owned();
    wait_until("it is in front", || front() == "Particular");
    computer.focus_app("other").unwrap();
    wait_until("the other is in front", || front() == "in front of it");
    computer.focus_app("Two Words").unwrap();
    wait_until("it is in front again", || front() == "Particular");

    computer.close_app("Two Words", &Cancel::new()).unwrap();
    wait_until("its window is closed", || windows(&desktop, "Particular").is_empty());
    wait_until("nothing is left of it, not even its end", || !Path::new(&format!("/proc/{pid}")).exists());
    assert_eq!(computer.apps().unwrap(), ["Other"]);
    let error = computer.close_app("Two Words", &Cancel::new()).unwrap_err();
    assert_eq!(error.code, ErrorCode::NotFound);
    assert!(error.message.contains("Other"), "{error}");
}

#[test]
fn every_window_of_an_application_is_closed_and_no_other() {
    let mut desktop = TestDesktop::start_with_session(800, 600);
    for (class, title) in [("many", "one"), ("many", "two"), ("mannequin", "other")] {
        open_window(&mut desktop, class, title);
    }
    let computer = open_session(&desktop);
    assert_eq!(computer.apps().unwrap(), ["Mannequin", "Many"]);
    assert_eq!(computer.close_app("man", &Cancel::new()).unwrap_err().code, ErrorCode::InvalidArgument);
    computer.close_app("Many", &Cancel::new()).unwrap();
    wait_until("both are closed", || windows(&desktop, "Many").is_empty());
    assert_eq!(windows(&desktop, "Mannequin").len(), 1);
}

#[test]
fn an_application_for_the_terminal_is_given_one() {
    let desktop = TestDesktop::start_with_session(800, 600);
    let file = desktop.home().join("where");
    let exec = format!("sh -c \"tty > '{}'; exec cat\"", file.display());
    write_entry(&desktop, "texts", &format!("Name=Texts\nExec={exec}\nTerminal=true"));
    let computer = open_session(&desktop);
    assert_eq!(computer.open_app("Texts", &Cancel::new()), Ok(Effect::Confirmed));
    wait_until("it tells its terminal", || lines(&file).len() == 1);
    assert!(lines(&file)[0].starts_with("/dev/pts/"), "{:?}", lines(&file));
}

#[test]
fn what_menus_do_not_show_is_not_listed() {
    let desktop = TestDesktop::start_with_session(640, 480);
    write_entry(&desktop, "shown", "Name=Shown\nExec=true");
    for (id, lines) in [
        ("no-display", "Name=A\nExec=true\nNoDisplay=true"),
        ("hidden", "Name=B\nExec=true\nHidden=true"),
        ("elsewhere", "Name=C\nExec=true\nOnlyShowIn=NowhereAtAll;"),
        ("not-installed", "Name=D\nExec=true\nTryExec=no-such-program-here"),
        ("broken", "Name=E\nExec=\"unclosed"),
    ] {
        write_entry(&desktop, id, lines);
    }
    // It hides one that the system may have.
    write_entry(&desktop, "debian-uxterm", "Name=F\nExec=true\nHidden=true");
    let computer = open_session(&desktop);
    let listed: Vec<String> = computer.installed_apps().unwrap().into_iter().map(|app| app.id).collect();
    assert!(listed.contains(&"shown".to_owned()), "{listed:?}");
    for id in ["no-display", "hidden", "elsewhere", "not-installed", "broken", "debian-uxterm"] {
        assert!(!listed.iter().any(|listed| listed == id), "{id}");
    }
}

#[test]
fn a_program_without_an_entry_is_opened_by_its_name() {
    let desktop = TestDesktop::start_with_session(640, 480);
    let computer = open_session(&desktop);
    let effect = computer.open_app("xev", &Cancel::new()).unwrap();
    assert_ne!(effect, Effect::NoEffect);
    wait_until("its window is there", || desktop.run("wmctrl", &["-l"]).contains("Event Tester"));
    for name in ["/usr/bin/xev", "xev -root", "no-such-program-here"] {
        assert_eq!(computer.open_app(name, &Cancel::new()).unwrap_err().code, ErrorCode::NotFound, "{name}");
    }
}

#[test]
fn an_application_that_does_not_start_is_not_said_to_be_open() {
    let desktop = TestDesktop::start_with_session(640, 480);
    write_entry(&desktop, "mute", "Name=Mute\nExec=true");
    write_entry(&desktop, "failing", "Name=Failing\nExec=false");
    write_entry(&desktop, "gone", "Name=Gone\nExec=no-such-program-here");
    write_entry(&desktop, "other-mute", "Name=Mute\nExec=true");
    let computer = open_session(&desktop);
    assert_eq!(computer.open_app("other-mute", &Cancel::new()), Ok(Effect::Unverifiable));
    assert_eq!(computer.open_app("Failing", &Cancel::new()).unwrap_err().code, ErrorCode::Internal);
    assert_eq!(computer.open_app("Gone", &Cancel::new()).unwrap_err().code, ErrorCode::NotFound);
    let error = computer.open_app("Mute", &Cancel::new()).unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidArgument);
    assert!(error.message.contains("mute, other-mute"), "{error}");
    let error = computer.open_app("Mutes", &Cancel::new()).unwrap_err();
    assert_eq!(error.code, ErrorCode::NotFound);
    assert!(error.message.contains("Mute (mute)"), "{error}");
}
