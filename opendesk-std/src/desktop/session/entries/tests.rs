use super::*;

struct Fake {
    folder: tempfile::TempDir,
    reader: Reader,
}

impl Fake {
    fn new(locales: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let folders = ["own/applications", "system/applications"].map(|name| folder.path().join(name)).to_vec();
        for path in &folders {
            fs::create_dir_all(path).unwrap();
        }
        let locales = locales.iter().map(|name| (*name).to_owned()).collect();
        let reader = Reader { folders, locales, desktops: vec!["XFCE".to_owned()], path: "/usr/bin:/bin".into() };
        Self { folder, reader }
    }

    fn write(&self, path: &str, lines: &str) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, lines).unwrap();
    }

    /// An entry of the system.
    fn entry(&self, id: &str, lines: &str) {
        let text = format!("[Desktop Entry]\nType=Application\n{lines}\n");
        self.write(&format!("system/applications/{id}.desktop"), &text);
    }

    fn read(&self) -> Vec<Entry> {
        self.reader.read()
    }

    fn visible(&self) -> Vec<String> {
        self.read().into_iter().filter(|entry| entry.is_visible).map(|entry| entry.id).collect()
    }
}

#[test]
fn only_what_a_menu_shows_is_visible() {
    let fake = Fake::new(&[]);
    fake.entry("plain", "Name=Plain\nExec=true");
    fake.entry("ours", "Name=Ours\nExec=true\nOnlyShowIn=GNOME;XFCE;");
    fake.entry("theirs", "Name=Theirs\nExec=true\nOnlyShowIn=GNOME;");
    fake.entry("not-ours", "Name=N\nExec=true\nNotShowIn=xfce;");
    fake.entry("not-theirs", "Name=O\nExec=true\nNotShowIn=KDE;");
    fake.entry("secret", "Name=Secret\nExec=true\nNoDisplay=true");
    fake.entry("hidden", "Name=Hidden\nExec=true\nHidden=true");
    fake.entry("missing", "Name=Missing\nExec=true\nTryExec=no-such-program-here");
    fake.entry("present", "Name=Present\nExec=true\nTryExec=sh");
    fake.entry("broken", "Name=Broken\nExec=a \"b");
    fake.entry("no-program", "Name=NoProgram");
    fake.entry("gone", "Name=Gone\nExec=no-such-program-here --new");
    fake.entry("no-name", "Exec=true");
    fake.write("system/applications/link.desktop", "[Desktop Entry]\nType=Link\nName=Link\nURL=http://x\n");
    fake.write("system/applications/other.txt", "[Desktop Entry]\nType=Application\nName=Text\nExec=true\n");
    assert_eq!(fake.visible(), ["not-theirs", "ours", "plain", "present"]);
    let all: Vec<String> = fake.read().into_iter().map(|entry| entry.id).collect();
    assert_eq!(
        all,
        ["broken", "gone", "not-ours", "no-program", "not-theirs", "ours", "plain", "present", "secret", "theirs"]
    );
}

#[test]
fn what_is_no_file_is_not_waited_for_and_links_lead_into_no_folder() {
    let fake = Fake::new(&[]);
    fake.entry("plain", "Name=Plain\nExec=true");
    fake.entry("inside/entry", "Name=Inside\nExec=true");
    let path = |name: &str| fake.folder.path().join("system/applications").join(name);
    crate::desktop::session::plain::pipe(&path("pipe.desktop"));
    fs::create_dir(path("folder.desktop")).unwrap();
    for link in ["here", "inside/up", "inside/again"] {
        std::os::unix::fs::symlink(fake.folder.path().join("system/applications"), path(link)).unwrap();
    }
    std::os::unix::fs::symlink("plain.desktop", path("link.desktop")).unwrap();
    let all: Vec<String> = fake.read().into_iter().map(|entry| entry.id).collect();
    assert_eq!(all, ["inside-entry", "link", "plain"]);
    for number in 0..1200 {
        fs::create_dir(path(&format!("inside/{number}"))).unwrap();
    }
    let mut search = Search::default();
    search.collect(&path(""), "", 0);
    assert_eq!((search.folders, search.files.len()), (MAX_FOLDERS, 4));
}

#[test]
fn the_entry_of_a_person_stands_before_that_of_the_system() {
    let fake = Fake::new(&[]);
    for id in ["one", "two", "folder/three"] {
        fake.entry(id, "Name=System\nExec=true");
    }
    fake.write("own/applications/one.desktop", "[Desktop Entry]\nType=Application\nName=Own\nExec=true\n");
    fake.write("own/applications/two.desktop", "[Desktop Entry]\nType=Application\nName=Own\nHidden=true\n");
    let read = fake.read();
    let names: Vec<(&str, &str)> = read.iter().map(|entry| (entry.id.as_str(), entry.name.as_str())).collect();
    assert_eq!(names, [("one", "Own"), ("folder-three", "System")]);
}

#[test]
fn names_are_in_the_language_of_the_person() {
    let lines = "Name=Files\nName[de]=Dateien\nName[de_AT]=Akten\nName[fr]=Fichiers\nExec=true %c";
    for (locales, name) in
        [(&[][..], "Files"), (&["de_CH", "de"], "Dateien"), (&["de_AT", "de"], "Akten"), (&["ru"], "Files")]
    {
        let fake = Fake::new(locales);
        fake.entry("files", lines);
        let entry = fake.read().remove(0);
        assert_eq!((entry.name.as_str(), entry.plain_name.as_str()), (name, "Files"), "{locales:?}");
        assert_eq!(entry.arguments.unwrap(), ["true", name]);
    }
}

#[test]
fn an_entry_may_be_wrong_where_it_does_not_matter() {
    let fake = Fake::new(&[]);
    let text = "# comment\nnonsense\n[Desktop Entry]\nType = Application\nName = Odd one\nKeywords=a\\;b;\nno equals\n\
                Exec=/bin/sh\\sb/run\nPath=/opt\nTerminal=true\nStartupWMClass=Odd\nMimeType[=x\n\
                [Desktop Action new]\nName=New\nExec=other\n";
    fake.write("system/applications/odd.desktop", text);
    let entry = fake.read().remove(0);
    assert_eq!((entry.name.as_str(), entry.is_visible, entry.in_terminal), ("Odd one", true, true));
    assert_eq!(entry.arguments, Ok(vec!["/bin/sh".to_owned(), "b/run".to_owned()]));
    assert_eq!(entry.folder, Some(PathBuf::from("/opt")));
    assert_eq!(entry.window_class.as_deref(), Some("Odd"));
}

#[test]
fn languages_are_taken_from_the_usual_variables() {
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str]);
    let cases: [Case<'_>; 6] = [
        (&[], &[]),
        (&[("LANG", "C.UTF-8"), ("LANGUAGE", "de")], &[]),
        (&[("LANG", "de_DE.UTF-8")], &["de_DE", "de"]),
        (&[("LANG", "de_DE.UTF-8"), ("LC_ALL", "fr")], &["fr"]),
        (&[("LANG", "sr_RS.UTF-8@latin")], &["sr_RS@latin", "sr_RS", "sr@latin", "sr"]),
        (&[("LC_MESSAGES", "de_DE"), ("LANGUAGE", "nds:de")], &["nds", "de", "de_DE"]),
    ];
    for (variables, expected) in cases {
        let found = locales(|name| Some(variables.iter().find(|(own, _)| *own == name)?.1));
        assert_eq!(found, expected, "{variables:?}");
    }
}

#[test]
fn a_program_is_found_as_a_shell_finds_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tool");
    let path = folder.path().as_os_str();
    fs::write(&file, "").unwrap();
    assert_eq!(find_program("tool", path), None, "it may not be run");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(find_program("tool", path), Some(file.clone()));
    assert_eq!(find_program(file.to_str().unwrap(), OsStr::new("")), Some(file));
    assert_eq!(find_program("./tool", path), None);
    assert_eq!(find_program("", path), None);
}
