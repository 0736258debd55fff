use core::cell::{Cell, RefCell};
use std::fs;
use std::os::unix::fs::symlink;

use super::*;

struct Fake {
    folder: tempfile::TempDir,
    apps: Apps,
}

impl Fake {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let applications = folder.path().join("applications");
        let programs = folder.path().join("bin");
        for folder in [&applications, &programs] {
            fs::create_dir(folder).unwrap();
        }
        let path = format!("/usr/local/bin:/usr/bin:/bin:{}", programs.display()).into();
        let reader = Reader { folders: vec![applications], path, ..Reader::default() };
        let home = folder.path().as_os_str().to_owned();
        let apps = Apps { reader, variables: Vec::new(), home, proc: PathBuf::from("/proc") };
        Self { folder, apps }
    }

    fn with(self, id: &str, lines: &str) -> Self {
        let text = format!("[Desktop Entry]\nType=Application\n{lines}\n");
        fs::write(self.folder.path().join(format!("applications/{id}.desktop")), text).unwrap();
        self
    }

    /// Installs a program that does nothing.
    fn having(self, program: &str) -> Self {
        symlink("/bin/true", self.folder.path().join("bin").join(program)).unwrap();
        self
    }

    fn open(&self, name: &str) -> Result<Opened> {
        self.apps.open(name, &|| Ok(Vec::new()))
    }

    fn found(&self, name: &str) -> core::result::Result<String, Error> {
        let entries = self.apps.reader.read();
        find::installed(name, &entries, &self.apps.reader.path).map(|found| match found {
            Found::Entry(entry) => entry.id.clone(),
            Found::Program(program) => format!("program {program}"),
        })
    }
}

fn window(id: &str, class: &str) -> RunningWindow {
    RunningWindow { id: id.to_owned(), class: class.to_owned(), ..RunningWindow::default() }
}

#[test]
fn a_name_stands_for_one_application() {
    let fake = Fake::new()
        .having("writer-run")
        .with("org.example.Writer", "Name=Word Writer\nExec=writer-run")
        .with("one", "Name=Terminal\nExec=true")
        .with("two", "Name=Terminal\nExec=false")
        .with("cat", "Name=Zoo\nExec=true")
        .with("shell", "Name=Cat\nExec=sh")
        .with("secret", "Name=Secret\nExec=true\nNoDisplay=true");
    for name in
        ["org.example.Writer", "org.example.Writer.desktop", "word writer", "WRITER", "writer-run", "wor", "org.e"]
    {
        assert_eq!(fake.found(name).unwrap(), "org.example.Writer", "{name}");
    }
    assert_eq!(fake.found("cat").unwrap(), "cat", "an id comes before a name");
    assert_eq!(fake.found("Cat").unwrap(), "shell");
    assert_eq!(fake.found("secret").unwrap(), "secret", "what menus do not show is opened by its id only");
    assert_eq!(fake.found("two").unwrap(), "two");
    assert_eq!(fake.found("env").unwrap(), "program env", "an entry is not needed");

    let error = fake.found("terminal").unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidArgument);
    assert!(error.message.contains("one, two"), "{error}");

    let error = fake.found("Writers").unwrap_err();
    assert_eq!(error.code, ErrorCode::NotFound);
    assert!(error.message.contains("Word Writer (org.example.Writer)"), "{error}");
    for name in ["/bin/sh", "sh -c", "-sh", "../sh", "no\nsuch", "SECRETS"] {
        let error = fake.found(name).unwrap_err();
        assert_eq!((error.code, error.message.lines().count()), (ErrorCode::NotFound, 1), "{error}");
    }
    assert_eq!(fake.found("  ").unwrap_err().code, ErrorCode::InvalidArgument);
}

#[test]
fn applications_are_listed_with_what_runs() {
    let fake = ["paint", "notes", "secret"].into_iter().fold(Fake::new(), Fake::having);
    let fake = fake
        .with("paint", "Name=Painter\nExec=paint")
        .with("notes", "Name=Notes\nExec=notes\nStartupWMClass=NotesWindow")
        .with("secret", "Name=Secret\nExec=secret\nNoDisplay=true");
    let windows = [window("1", "Other"), window("2", "noteswindow"), window("3", "Other"), window("4", "Secret")];
    let app = |id: &str, name: &str, running| App { id: id.to_owned(), name: name.to_owned(), running };
    assert_eq!(fake.apps.installed(&windows), [app("notes", "Notes", true), app("paint", "Painter", false)]);
    assert_eq!(fake.apps.running(&windows), ["Other", "Notes", "Secret"]);
}

#[test]
fn an_application_that_runs_is_not_started_again() {
    let fake = Fake::new().with("notes", "Name=Notes\nExec=touch started");
    let windows = || Ok(vec![window("7", "Other"), window("8", "Notes"), window("9", "Notes")]);
    assert_eq!(fake.apps.open("notes", &windows).unwrap(), Opened::Running("8".to_owned()));
    assert!(!fake.folder.path().join("started").exists());
}

#[test]
fn an_application_is_started_once_its_window_is_seen() {
    let fake = Fake::new()
        .with("slow", "Name=Slow\nExec=sh -c \"echo %c > part; mv part started\"\nStartupWMClass=SlowWindow");
    let file = fake.folder.path().join("started");
    let looks = Cell::new(0);
    let windows = || {
        looks.set(looks.get() + 1);
        // What was there before is no sign.
        Ok(if file.exists() { vec![window("1", "Sh"), window("2", "SlowWindow")] } else { vec![window("1", "Sh")] })
    };
    assert_eq!(fake.apps.open("slow", &windows).unwrap(), Opened::Started(Effect::Confirmed));
    assert!(looks.get() >= 2);
    assert_eq!(fs::read_to_string(&file).unwrap(), "Slow\n");
}

#[test]
fn an_application_that_shows_nothing_confirms_nothing() {
    let fake = Fake::new().with("mute", "Name=Mute\nExec=true").with("bad", "Name=Bad\nExec=false");
    assert_eq!(fake.open("mute").unwrap(), Opened::Started(Effect::Unverifiable));
    let error = fake.open("bad").unwrap_err();
    assert!(error.message.starts_with("false ended at once"), "{error}");
}

#[test]
fn every_window_of_an_application_is_closed() {
    let fake = Fake::new().with("notes", "Name=Notes\nExec=notes");
    let windows = [window("1", "Other"), window("2", "Notes"), window("3", "Notes")];
    let closed = RefCell::new(Vec::new());
    let mut close = |id: &str| {
        closed.borrow_mut().push(id.to_owned());
        if id == "3" { Ok(Effect::Unverifiable) } else { Ok(Effect::Confirmed) }
    };
    assert_eq!(fake.apps.close("Notes", &windows, &mut close).unwrap(), Effect::Unverifiable);
    assert_eq!(closed.take(), ["2", "3"]);
    assert_eq!(fake.apps.close("other", &windows, &mut close).unwrap(), Effect::Confirmed);
    assert_eq!(closed.take(), ["1"]);
    let mut went = |id: &str| match id {
        "2" => Ok(Effect::Confirmed),
        _ => Err(Error::new(ErrorCode::NotFound, "it went with the other")),
    };
    assert_eq!(fake.apps.close("Notes", &windows, &mut went).unwrap(), Effect::Confirmed);
    let codes = [ErrorCode::Internal, ErrorCode::PermissionDenied];
    let mut asked = codes.iter();
    let mut refuse = |_: &str| Err(Error::new(*asked.next().unwrap(), "no"));
    assert_eq!(fake.apps.close("Notes", &windows, &mut refuse).unwrap_err().code, ErrorCode::Internal);
    assert_eq!(asked.len(), 0, "the others are closed all the same");
    let mut asked = 0;
    let mut cancelled = |_: &str| {
        asked += 1;
        Err(Error::cancelled())
    };
    assert_eq!(fake.apps.close("Notes", &windows, &mut cancelled).unwrap_err().code, ErrorCode::Cancelled);
    assert_eq!(asked, 1);
    let focused = fake.apps.focus("note", &windows, |id| {
        assert_eq!(id, "2");
        Ok(Effect::Confirmed)
    });
    assert_eq!(focused.unwrap(), Effect::Confirmed);
    let error = fake.apps.windows_of("paint", &windows).unwrap_err();
    assert_eq!(error.code, ErrorCode::NotFound);
    assert!(error.message.contains("Other, Notes"), "{error}");
}
