//! `screenshot`, `type` and `click` as a person uses them.

use std::fs;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use opendesk_std::api::TreeParams;
use opendesk_std::desktop::r#virtual::VirtualDesktop;
use opendesk_tests::bin::{Finished, command};
use opendesk_tests::rig::Rig;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::{Folder, failure, json as json_of, run, succeeded};

/// A host inside this test, so that its desktop can be looked at, and a controller's home that is paired with it.
struct Scene {
    /// The host runs while it is blocked on.
    runtime: Runtime,
    rig: Rig,
    desktop: Arc<VirtualDesktop>,
    controller: PathBuf,
}

impl Scene {
    fn new(width: u32, height: u32) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let desktop = Arc::new(VirtualDesktop::new(width, height));
        let rig = runtime.block_on(async {
            let rig = Rig::start(Arc::clone(&desktop) as Arc<_>);
            rig.pair("controller").await;
            rig
        });
        let controller = rig.home("controller").path().to_owned();
        Self { runtime, rig, desktop, controller }
    }

    fn opendesk(&self, args: &[&str]) -> Finished {
        self.run(command(&self.controller, args))
    }

    fn run(&self, command: Command) -> Finished {
        self.runtime.block_on(async { tokio::task::spawn_blocking(|| run(command)).await.expect("it ends") })
    }

    /// With this on standard input.
    fn fed(&self, args: &[&str], input: &[u8]) -> Finished {
        let file = self.rig.folder.path().join("input");
        fs::write(&file, input).expect("a file");
        let mut command = command(&self.controller, args);
        command.stdin(Stdio::from(fs::File::open(file).expect("the same file")));
        self.run(command)
    }

    /// The middle of the button that counts, in pixels of the desktop.
    fn button(&self) -> (f64, f64) {
        let tree = self.runtime.block_on(async {
            let client = self.rig.connect("controller").await.expect("a session");
            let tree = client.ui_tree(&TreeParams::default()).await.expect("a tree");
            client.close().await;
            tree
        });
        let center = tree.find("push button", "Count").and_then(|button| button.bounds).expect("a button").center();
        (center.x, center.y)
    }

    /// The arguments of a click at a point, and these.
    fn click(&self, (x, y): (f64, f64), more: &[&str]) -> Finished {
        let point = [x.to_string(), y.to_string()];
        self.opendesk(&[&["click", &point[0], &point[1]], more].concat())
    }
}

/// Width and height of a PNG.
fn size(path: &Path) -> (u32, u32) {
    let file = fs::File::open(path).expect("a picture");
    png::Decoder::new(BufReader::new(file)).read_info().expect("a PNG").info().size()
}

#[test]
fn a_screenshot_is_saved_and_says_how_to_point_at_what_it_shows() {
    let scene = Scene::new(2560, 1600);
    let out = scene.rig.folder.path().join("shot.png");
    let path = out.to_str().unwrap();
    let said = scene.opendesk(&["screenshot", "--out", path]);
    let (width, height) = size(&out);
    assert!(width < 2560, "it is scaled down");
    assert_eq!(
        succeeded(&said),
        format!(
            "[on host] saved {path}: {width}x{height} pixels, showing 2560x1600 of the desktop from 0,0. \
             To click what it shows: `opendesk click --pixels screenshot`."
        )
    );
    let told = json_of(&scene.opendesk(&["screenshot", "--peer", "host", "--full-size", "--out", path, "--json"]));
    assert_eq!(size(&out), (2560, 1600));
    assert_eq!(
        told,
        json!({
            "ok": true, "peer": "host", "file": path, "width": 2560, "height": 1600, "screen": "shown",
            "area": {"x": 0.0, "y": 0.0, "width": 2560.0, "height": 1600.0},
        })
    );
    let part = scene.opendesk(&["screenshot", "--region", "100,50,300,200", "--cursor", "--out", path]);
    assert_eq!(size(&out), (300, 200));
    assert!(succeeded(&part).ends_with("To click what it shows, count its pixels from 100,50."), "{part:?}");
}

#[test]
fn a_screenshot_goes_to_standard_output_when_that_is_asked_for() {
    let folder = Folder::new();
    let args = ["screenshot", "--peer", "local", "--backend", "virtual", "--out", "-"];
    let piped = command(&folder.home("home"), &args).output().unwrap();
    assert!(piped.status.success() && piped.stderr.is_empty(), "{piped:?}");
    let picture = png::Decoder::new(std::io::Cursor::new(&piped.stdout)).read_info().unwrap();
    assert!(picture.info().width > 100);
    let both = run(command(&folder.home("home"), &[&args[..], &["--json"]].concat()));
    assert_eq!(failure(&both).0, 2, "{both:?}");
}

#[test]
fn a_screenshot_that_is_given_no_name_gets_one_that_is_free() {
    let folder = Folder::new();
    let here = folder.home("here");
    fs::create_dir(&here).unwrap();
    let names: Vec<String> = (0..3)
        .map(|_| {
            let args = ["screenshot", "--peer", "local", "--backend", "virtual", "--json"];
            let mut command = command(&folder.home("home"), &args);
            command.current_dir(&here);
            json_of(&run(command))["file"].as_str().unwrap().to_owned()
        })
        .collect();
    for name in &names {
        assert!(name.starts_with("screenshot-local-20") && name.ends_with(".png"), "{name}");
        assert!(fs::read(here.join(name)).unwrap().starts_with(b"\x89PNG"), "{name}");
    }
    assert_eq!(fs::read_dir(&here).unwrap().count(), 3, "{names:?}");
}

#[test]
fn text_is_typed_from_the_command_line_and_from_standard_input() {
    let scene = Scene::new(1280, 800);
    let said = scene.opendesk(&["type", "Grüße "]);
    assert_eq!(succeeded(&said), "[on host] Typed 6 characters. virtual confirms the input, not what it did.");
    assert_eq!(scene.desktop.editor_text(), "Grüße ");
    let mut dash = command(&scene.controller, &["type", "--peer", "host", "--json"]);
    dash.args(["--", "-dash\n"]);
    let told = json_of(&scene.run(dash));
    let said =
        "[on host] Typed 6 characters, among them 1 line ends as Return. virtual confirms the input, not what it did.";
    assert_eq!(told, json!({"ok": true, "peer": "host", "text": said}));
    succeeded(&scene.fed(&["type", "-"], "two\nlines\n".as_bytes()));
    assert_eq!(scene.desktop.editor_text(), "Grüße -dash\ntwo\nlines\n");
}

#[test]
fn what_cannot_be_typed_is_said_before_anything_is() {
    let scene = Scene::new(1280, 800);
    let long = "x".repeat(16 * 1024 + 1);
    for (input, part) in [(long.as_bytes(), "16384"), (b"\xff\xfe", "not UTF-8")] {
        let tried = scene.fed(&["type", "-"], input);
        let (code, line) = failure(&tried);
        assert!(code == 2 && line.contains(part), "{tried:?}");
    }
    assert_eq!(scene.desktop.editor_text(), "");
    for empty in [scene.fed(&["type", "-"], b""), scene.opendesk(&["type", ""])] {
        assert_eq!(failure(&empty), (2, "opendesk: there is nothing to type: the text is empty"), "{empty:?}");
    }
}

#[test]
fn a_click_counts_in_pixels_of_the_desktop_and_if_asked_in_those_of_a_picture() {
    let scene = Scene::new(2560, 1600);
    let button = scene.button();
    let said = scene.click(button, &[]);
    assert!(succeeded(&said).starts_with("[on host] Done: click at "), "{said:?}");
    assert_eq!(scene.desktop.counter(), 1);
    // A picture that was taken before is nothing to the next command.
    let out = scene.rig.folder.path().join("shot.png");
    let shot = json_of(&scene.opendesk(&["screenshot", "--out", out.to_str().unwrap(), "--json"]));
    let told = json_of(&scene.click(button, &["--peer", "host", "--json"]));
    assert_eq!((&told["ok"], &told["peer"]), (&true.into(), &"host".into()));
    assert_eq!(scene.desktop.counter(), 2);
    let scale = shot["width"].as_f64().unwrap() / 2560.0;
    let in_picture = ((button.0 * scale).floor(), (button.1 * scale).floor());
    succeeded(&scene.click(in_picture, &["--pixels", "screenshot"]));
    assert_eq!(scene.desktop.counter(), 3);
    // The same numbers are another place of the desktop.
    succeeded(&scene.click(in_picture, &[]));
    assert_eq!(scene.desktop.counter(), 3);
}

#[test]
fn a_click_has_a_button_and_can_be_two() {
    let scene = Scene::new(1280, 800);
    let button = scene.button();
    succeeded(&scene.click(button, &["--double", "--button", "left"]));
    assert_eq!(scene.desktop.counter(), 2);
    for other in ["right", "middle"] {
        let said = scene.click(button, &["--button", other]);
        assert!(succeeded(&said).contains(&format!("{other}_click at")), "{said:?}");
        let tried = scene.click(button, &["--button", other, "--double"]);
        assert!(failure(&tried).0 == 2 && failure(&tried).1.contains("left button"), "{tried:?}");
    }
    assert_eq!(scene.desktop.counter(), 2);
    assert_eq!(scene.desktop.held_buttons(), []);
}

#[test]
fn a_point_that_is_nowhere_is_refused() {
    let scene = Scene::new(1280, 800);
    for (point, more) in [((-5.0, 10.0), &[][..]), ((1280.0, 10.0), &[]), ((5000.0, 1.0), &["--pixels", "screenshot"])]
    {
        let tried = scene.click(point, more);
        assert!(failure(&tried).0 != 0, "{tried:?}");
    }
    for args in [&["click", "1"][..], &["click", "a", "b"], &["screenshot", "--region", "1,2"], &["type"]] {
        let tried = scene.opendesk(args);
        assert_eq!(tried.status.code(), Some(2), "{args:?}: {tried:?}");
    }
    let nobody = scene.opendesk(&["click", "1", "1", "--peer", "nobody", "--json"]);
    let told: Value = serde_json::from_str(&nobody.stdout).unwrap();
    assert_eq!((&told["ok"], &told["exit_code"]), (&false.into(), &5.into()), "{nobody:?}");
}
