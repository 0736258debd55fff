//! The tools of an agent: pictures with names, points in them that mean what they show or are refused, numbered elements,
//! and what is told of an action's effect. Each on this machine's own virtual desktop and through a paired host.

use std::sync::{Arc, Mutex, PoisonError};

use opendesk_std::Cancel;
use opendesk_std::api::{
    CaptureParams, Display, Error, MoveWindowParams, Picture, PictureProfile, Rect, Result, TreeParams, UiTree,
    UiTreeRead, Window, WindowParams, WindowsFocus, WindowsList, WindowsMove,
};
use opendesk_std::desktop::r#virtual::{VirtualDesktop, VirtualDisplay};
use opendesk_std::desktop::{Backend, Computer};
use opendesk_std::tools::{Block, OnRuntime, Output, Session, Target};
use opendesk_tests::rig::Rig;
use opendesk_tokio::Tokio;
use serde_json::{Value, json};

use crate::run;

/// A virtual desktop whose displays can be said to be elsewhere, and whose programs can be said to tell nothing.
#[derive(Debug, Default)]
struct Movable {
    desktop: VirtualDesktop,
    displays: Mutex<Option<Vec<Display>>>,
    is_mute: Mutex<bool>,
}

impl Movable {
    fn arrange(&self, displays: Vec<Display>) {
        *self.displays.lock().unwrap_or_else(PoisonError::into_inner) = Some(displays);
    }

    fn mute(&self) {
        *self.is_mute.lock().unwrap_or_else(PoisonError::into_inner) = true;
    }
}

impl Computer for Movable {
    opendesk_tests::as_its_desktop!(name capabilities capture screen_state generation wake_on_change cursor_position move_pointer button key type_text windows);

    fn displays(&self) -> Result<Vec<Display>> {
        let said = self.displays.lock().unwrap_or_else(PoisonError::into_inner).clone();
        said.map_or_else(|| self.desktop.displays(), Ok)
    }

    fn ui_tree(&self, params: &TreeParams, cancel: &Cancel) -> Result<UiTree> {
        if *self.is_mute.lock().unwrap_or_else(PoisonError::into_inner) {
            return Err(Error::unsupported("ui.tree", "virtual"));
        }
        self.desktop.ui_tree(params, cancel)
    }
}

/// An agent's session, and the desktop that its calls are for.
struct Scene {
    session: Session,
    target: Target,
    /// Kept for as long as somebody calls.
    _rig: Rig,
}

impl Scene {
    /// One on this machine and one through a host.
    async fn both() -> [Self; 2] {
        let (here, there) = (Rig::on_virtual().0, Rig::on_virtual().0);
        there.pair("agent").await;
        let local = Self { session: session(&here), target: Target::Local, _rig: here };
        let peer = Self { session: session(&there), target: Target::Peer("host".to_owned()), _rig: there };
        [local, peer]
    }

    async fn through(computer: Arc<dyn Computer>) -> Self {
        let rig = Rig::start(computer);
        rig.pair("agent").await;
        Self { session: session(&rig), target: Target::Peer("host".to_owned()), _rig: rig }
    }

    async fn call(&self, tool: &str, mut arguments: Value) -> Output {
        arguments["peer"] = self.target.name().into();
        if tool != "screenshot" {
            arguments["settle_ms"] = 0.into();
        }
        self.session.call_tool(tool, arguments).await
    }

    async fn does(&self, tool: &str, arguments: Value) -> String {
        let output = self.call(tool, arguments).await;
        assert!(!output.is_error, "{}", output.all_text());
        output.all_text()
    }

    async fn refused(&self, tool: &str, arguments: Value) -> String {
        let output = self.call(tool, arguments).await;
        assert!(output.is_error, "{}", output.all_text());
        output.all_text()
    }

    async fn shot(&self, arguments: Value) -> Shot {
        let output = self.call("screenshot", arguments).await;
        assert!(!output.is_error, "{}", output.all_text());
        Shot::of(&output)
    }

    async fn windows(&self) -> Vec<Window> {
        self.session.call::<WindowsList>(&self.target, &()).await.expect("there are windows")
    }

    async fn focus(&self, id: &str) {
        let params = WindowParams { window_id: id.to_owned() };
        self.session.call::<WindowsFocus>(&self.target, &params).await.expect("it is there");
    }

    async fn move_window(&self, id: &str, x: f64, y: f64) {
        let bounds = self.windows().await.into_iter().find(|window| window.id == id).and_then(|window| window.bounds);
        let bounds = Rect { x, y, ..bounds.expect("it is there") };
        let params = MoveWindowParams { window_id: id.to_owned(), bounds };
        self.session.call::<WindowsMove>(&self.target, &params).await.expect("there is room");
    }

    async fn value(&self, role: &str, name: &str) -> String {
        let tree = self.session.call::<UiTreeRead>(&self.target, &TreeParams::default()).await.expect("a tree");
        tree.find(role, name).and_then(|node| node.value.clone()).unwrap_or_default()
    }
}

fn session(rig: &Rig) -> Session {
    Session::new(rig.home("agent"), Backend::Virtual, Box::new(OnRuntime(Tokio)))
}

/// What an agent gets of a picture.
#[derive(Debug, Clone)]
struct Shot {
    id: String,
    size: (u32, u32),
    text: String,
    bytes: usize,
}

impl Shot {
    fn of(output: &Output) -> Self {
        let [Block::Text(text), Block::Image { data, .. }] = output.blocks.as_slice() else {
            panic!("one text and then one picture: {}", output.all_text());
        };
        let id = text.split_once("shot_id ").expect("its name").1.split(',').next().expect("its end").to_owned();
        let size = text.split_once("Picture of ").expect("its size").1.split(' ').next().expect("its end");
        let (width, height) = size.split_once('x').expect("two numbers");
        let size = (width.parse().expect("a number"), height.parse().expect("a number"));
        Self { id, size, text: text.clone(), bytes: data.len() }
    }

    /// The number of an element and the middle of it.
    fn mark(&self, what: &str) -> (usize, f64, f64) {
        let line = self.text.lines().find(|line| line.starts_with('[') && line.contains(what));
        let line = line.unwrap_or_else(|| panic!("{what} in {}", self.text));
        let number = line[1..].split(']').next().expect("its end").parse().expect("a number");
        let place = line.rsplit_once(" at ").expect("its place").1.split(' ').next().expect("its end");
        let (x, y) = place.split_once(',').expect("two numbers");
        (number, x.parse().expect("a number"), y.parse().expect("a number"))
    }
}

#[test]
fn a_picture_is_named_and_described_before_it_is_shown() {
    run(async {
        for scene in Scene::both().await {
            let shot = scene.shot(json!({})).await;
            assert_eq!(shot.size, (1280, 800));
            for part in
                ["showing 1280x800 of the desktop from 0,0.", "png, 1.000 pixels per desktop pixel.", "Display \"1\""]
            {
                assert!(shot.text.contains(part), "{part}: {}", shot.text);
            }
            let other = scene.shot(json!({"region": [100, 50, 200.5, 100], "encoding": "jpeg"})).await;
            assert_ne!(shot.id, other.id);
            assert!(other.text.contains("showing 201x100 of the desktop from 100,50.") && other.text.contains("jpeg"));
            for (arguments, part) in [
                (json!({"region": [0, 0, -5, 5]}), "above 0"),
                (json!({"region": [0, 0, 0, 5]}), "above 0"),
                (json!({"region": [1200, 0, 100, 100]}), "must lie within"),
                (json!({"display": "nine"}), "nine"),
                (json!({"window": "nine"}), "nine"),
                (json!({"window": "virtual-1", "display": "1"}), "leave one out"),
                (json!({"shot_id": shot.id}), "`zoom`"),
                (json!({"unless_shot": "9-ffffff"}), "take a new screenshot"),
            ] {
                let said = scene.refused("screenshot", arguments).await;
                assert!(said.contains(part), "{part}: {said}");
            }
        }
    });
}

#[test]
fn no_picture_is_too_large_for_an_answer() {
    run(async {
        let displays = [VirtualDisplay { bounds: Rect::new(0.0, 0.0, 3840.0, 2160.0), scale_factor: 2.0 }];
        let scene = Scene::through(Arc::new(VirtualDesktop::with_displays(&displays).unwrap())).await;
        let shot = scene.shot(json!({})).await;
        assert_eq!(shot.size, (1456, 819));
        let native = scene.shot(json!({"profile": "native"})).await;
        assert!(shot.bytes <= 700_000 && native.bytes <= 700_000, "{} {}", shot.bytes, native.bytes);
        assert_eq!(scene.shot(json!({"profile": "openai"})).await.size, (1600, 900));
    });
}

#[test]
fn what_is_outside_a_picture_is_refused_and_nothing_is_clicked() {
    run(async {
        for scene in Scene::both().await {
            let shot = scene.shot(json!({"region": [100, 100, 400, 300]})).await;
            for (x, y) in [(400, 10), (10, 300), (-1, 10), (10_000, 10)] {
                let said = scene.refused("mouse", json!({"action": "click", "x": x, "y": y})).await;
                assert!(said.contains("outside the picture") && said.contains(&shot.id), "{said}");
                let drag = json!({"action": "drag", "x": 5, "y": 5, "path": [[6, 6], [x, y]]});
                assert!(scene.refused("mouse", drag).await.contains("outside the picture"));
            }
            let said = scene.does("mouse", json!({"action": "move", "x": 399, "y": 299})).await;
            assert!(said.contains("Done: move at 499,399 on the desktop") && said.contains(&shot.id), "{said}");
            assert!(said.ends_with("virtual confirms the input, not what it did."), "{said}");
            let said = scene.does("mouse", json!({"action": "cursor_position"})).await;
            assert!(said.contains("at 499,399 on the desktop, which is 399,299 in the picture"), "{said}");
        }
    });
}

#[test]
fn a_call_means_the_picture_that_it_names() {
    run(async {
        for scene in Scene::both().await {
            let part = scene.shot(json!({"region": [100, 100, 400, 300]})).await;
            let whole = scene.shot(json!({})).await;
            let at = |shot_id: &str| json!({"action": "move", "x": 10, "y": 10, "shot_id": shot_id});
            assert!(scene.does("mouse", at(&part.id)).await.contains("move at 110,110 "));
            assert!(scene.does("mouse", at(&whole.id)).await.contains("move at 10,10 "));
            let said = scene.refused("mouse", at("7-abcdef")).await;
            assert!(said.contains("take a new screenshot"), "{said}");
        }
        let [here, there] = Scene::both().await;
        let shot = there.shot(json!({})).await;
        let said = there
            .session
            .call_tool("mouse", json!({"peer": "local", "action": "click", "x": 1, "y": 1, "shot_id": shot.id}))
            .await;
        assert!(said.is_error && said.all_text().contains("the picture"), "{}", said.all_text());
        assert!(said.all_text().contains("\"host\"") && said.all_text().contains("\"local\""), "{}", said.all_text());
        // Of another session.
        let said = here.refused("mouse", json!({"action": "click", "x": 1, "y": 1, "shot_id": shot.id})).await;
        assert!(said.contains("take a new screenshot"), "{said}");
    });
}

#[test]
fn after_the_displays_were_rearranged_older_pictures_are_refused() {
    run(async {
        let desktop = Arc::new(Movable::default());
        let scene = Scene::through(Arc::clone(&desktop) as Arc<dyn Computer>).await;
        let shot = scene.shot(json!({"marks": true})).await;
        let click = json!({"action": "click", "x": 640, "y": 790});
        scene.does("mouse", click.clone()).await;
        let mut displays = desktop.desktop.displays().unwrap();
        displays[0].scale_factor = 2.0;
        desktop.arrange(displays);
        let before = desktop.desktop.cursor_position().unwrap();
        for action in [
            click.clone(),
            json!({"action": "move", "x": 1, "y": 1}),
            json!({"action": "drag", "x": 1, "y": 1, "end_x": 2, "end_y": 2}),
            json!({"action": "click", "mark": 1}),
            json!({"action": "scroll", "x": 1, "y": 1, "direction": "up"}),
        ] {
            let said = scene.refused("mouse", action).await;
            assert!(said.contains("rearranged") && said.contains("take a new screenshot"), "{said}");
        }
        assert_eq!(desktop.desktop.cursor_position().unwrap(), before);
        assert!(scene.refused("screenshot", json!({"zoom": [0, 0, 10, 10]})).await.contains("rearranged"));
        // The pixels are the same; the picture would be stale all the same.
        let again = scene.shot(json!({"unless_shot": shot.id, "marks": true})).await;
        assert_ne!(again.id, shot.id);
        scene.does("mouse", click).await;
    });
}

#[test]
fn a_window_that_moved_or_is_covered_is_not_clicked() {
    run(async {
        for scene in Scene::both().await {
            scene.focus("virtual-2").await;
            let shot = scene.shot(json!({"window": "virtual-2", "marks": true})).await;
            assert!(shot.text.contains("It shows the window \"virtual-2\""), "{}", shot.text);
            let (number, x, y) = shot.mark("push button \"Count\"");
            scene.does("mouse", json!({"action": "click", "mark": number})).await;
            scene.does("mouse", json!({"action": "click", "x": x, "y": y})).await;
            assert_eq!(scene.value("label", "Counter").await, "2");
            let whole = scene.shot(json!({"marks": true})).await;
            let (of_whole, ..) = whole.mark("push button \"Count\"");
            let by_number = json!({"action": "click", "mark": of_whole, "shot_id": whole.id});
            let shot = scene.shot(json!({"window": "virtual-2", "marks": true})).await;
            assert_eq!(shot.mark("push button \"Count\""), (number, x, y));
            // The other one comes to lie over it.
            let windows = scene.windows().await;
            let bounds =
                windows.iter().find(|window| window.id == "virtual-2").and_then(|window| window.bounds).unwrap();
            scene.move_window("virtual-1", bounds.x - 240.0, bounds.y).await;
            scene.focus("virtual-1").await;
            for click in [json!({"action": "click", "x": x, "y": y}), by_number] {
                let said = scene.refused("mouse", click).await;
                assert!(said.contains("the window virtual-1 is in front"), "{said}");
            }
            scene.focus("virtual-2").await;
            scene.does("mouse", json!({"action": "click", "x": x, "y": y})).await;
            scene.move_window("virtual-2", bounds.x + 10.0, bounds.y).await;
            for place in [json!({"x": x, "y": y}), json!({"mark": number})] {
                let mut click = place;
                click["action"] = "click".into();
                let said = scene.refused("mouse", click).await;
                assert!(said.contains("has moved"), "{said}");
            }
            assert_eq!(scene.value("label", "Counter").await, "3");
        }
    });
}

#[test]
fn elements_are_clicked_by_their_number() {
    run(async {
        for scene in Scene::both().await {
            scene.focus("virtual-2").await;
            let plain = scene.shot(json!({})).await;
            let said = scene.refused("mouse", json!({"action": "click", "mark": 1})).await;
            assert!(said.contains("has no numbers") && said.contains("marks"), "{said}");
            let shot = scene.shot(json!({"marks": true})).await;
            assert!(shot.text.contains("<untrusted") && shot.text.contains("window \"Controls\""), "{}", shot.text);
            assert_ne!(shot.bytes, plain.bytes, "something is drawn on it");
            let (number, x, y) = shot.mark("push button \"Count\"");
            for action in ["click", "double_click"] {
                let said = scene.does("mouse", json!({"action": action, "mark": number})).await;
                assert!(said.contains(&format!("(element {number} of the picture {})", shot.id)), "{said}");
            }
            scene.does("mouse", json!({"action": "click", "x": x, "y": y})).await;
            assert_eq!(scene.value("label", "Counter").await, "4");
            let said = scene.refused("mouse", json!({"action": "click", "mark": 999})).await;
            assert!(said.contains("and not 999"), "{said}");
            let both = json!({"action": "click", "mark": number, "x": 1, "y": 1});
            assert!(scene.refused("mouse", both).await.contains("not both"));
            // A part of it, in which the same element is elsewhere and has another number.
            let part = scene.shot(json!({"zoom": [x - 40.0, y - 30.0, x + 60.0, y + 20.0], "marks": true})).await;
            assert!(part.text.contains(&format!("A part of {}.", shot.id)), "{}", part.text);
            let (number, ..) = part.mark("push button \"Count\"");
            scene.does("mouse", json!({"action": "click", "mark": number})).await;
            assert_eq!(scene.value("label", "Counter").await, "5");
            // By then it is elsewhere.
            scene.move_window("virtual-2", 3.0, 3.0).await;
            let said = scene.refused("mouse", json!({"action": "click", "mark": number})).await;
            assert!(said.contains("has moved since the picture"), "{said}");
            assert_eq!(scene.value("label", "Counter").await, "5");
        }
    });
}

#[test]
fn numbers_stand_where_elements_are_on_every_display_and_at_every_scale() {
    run(async {
        for scale in [1.0, 1.25, 2.0] {
            let displays = [
                VirtualDisplay { bounds: Rect::new(0.0, 0.0, 1200.0, 800.0), scale_factor: scale },
                VirtualDisplay { bounds: Rect::new(-800.0, -200.0, 800.0, 600.0), scale_factor: 1.0 },
            ];
            let scene = Scene::through(Arc::new(VirtualDesktop::with_displays(&displays).unwrap())).await;
            scene.focus("virtual-2").await;
            let mut clicks = 0;
            for to in [(600.0, 300.0), (-790.0, -190.0)] {
                scene.move_window("virtual-2", to.0, to.1).await;
                let display = if to.0 < 0.0 { "2" } else { "1" };
                for view in [
                    json!({}),
                    json!({"display": display, "profile": "openai"}),
                    json!({"window": "virtual-2"}),
                    json!({"region": [to.0 + 1.0, to.1 + 1.0, 300, 200]}),
                ] {
                    let mut asked = view.clone();
                    asked["marks"] = true.into();
                    let shot = scene.shot(asked).await;
                    let (number, x, y) = shot.mark("push button \"Count\"");
                    scene.does("mouse", json!({"action": "click", "mark": number})).await;
                    scene.does("mouse", json!({"action": "click", "x": x, "y": y})).await;
                    clicks += 2;
                    assert_eq!(
                        scene.value("label", "Counter").await,
                        clicks.to_string(),
                        "{scale} {view} {}",
                        shot.text
                    );
                }
            }
        }
    });
}

#[test]
fn a_zoom_has_the_pixels_of_the_device() {
    run(async {
        let displays = [VirtualDisplay { bounds: Rect::new(0.0, 0.0, 1600.0, 1000.0), scale_factor: 2.0 }];
        let scene = Scene::through(Arc::new(VirtualDesktop::with_displays(&displays).unwrap())).await;
        let shot = scene.shot(json!({})).await;
        assert!(shot.size.0 < 1600, "{}", shot.text);
        let ratio = 1600.0 / f64::from(shot.size.0);
        let zoom = scene.shot(json!({"zoom": [100, 100, 300, 200]})).await;
        let expected = (200.0 * ratio * 2.0, 100.0 * ratio * 2.0);
        assert!((f64::from(zoom.size.0) - expected.0).abs() <= 4.0, "{:?} {expected:?}", zoom.size);
        assert!((f64::from(zoom.size.1) - expected.1).abs() <= 4.0, "{:?} {expected:?}", zoom.size);
        // What is pointed at in the zoom is what it shows.
        let middle = (zoom.size.0 / 2, zoom.size.1 / 2);
        scene.does("mouse", json!({"action": "move", "x": middle.0, "y": middle.1})).await;
        let said = scene.does("mouse", json!({"action": "cursor_position", "shot_id": shot.id})).await;
        let is_near = [(199, 149), (200, 150), (199, 150), (200, 149)];
        assert!(is_near.iter().any(|(x, y)| said.contains(&format!("is {x},{y} in the picture"))), "{said}");
        // All of it, which has more pixels than the profile gives.
        let (width, height) = shot.size;
        let all = scene.shot(json!({"zoom": [0, 0, width, height], "shot_id": shot.id})).await;
        assert!(all.text.contains("showing 1600x1000 of the desktop from 0,0."), "{}", all.text);
        for corners in [json!([5, 5, 5, 9]), json!([9, 5, 5, 9]), json!([0, 0, 9000, 9]), json!([-1, 0, 9, 9])] {
            let said = scene.refused("screenshot", json!({"zoom": corners, "shot_id": shot.id})).await;
            assert!(said.contains("x0 < x1"), "{said}");
        }
        let said = scene.refused("screenshot", json!({"zoom": [0, 0, 9, 9], "display": "1"})).await;
        assert!(said.contains("`zoom` is of a picture"), "{said}");
    });
}

#[test]
fn what_has_not_changed_is_not_sent_again() {
    run(async {
        for scene in Scene::both().await {
            let said = scene.refused("screenshot", json!({"zoom": [0, 0, 9, 9]})).await;
            assert!(said.contains("needs an earlier picture"), "{said}");
            let part = scene.shot(json!({"region": [100, 100, 400, 300], "profile": "native"})).await;
            scene.shot(json!({})).await;
            let same = scene.call("screenshot", json!({"unless_shot": part.id})).await;
            assert!(!same.is_error && same.image().is_none(), "{}", same.all_text());
            assert!(same.all_text().contains("Nothing has changed") && same.all_text().contains(&part.id));
            // It is the last one again.
            assert!(scene.does("mouse", json!({"action": "move", "x": 1, "y": 2})).await.contains("at 101,102 "));
            // With numbers it is another picture, and then the same again.
            let marked = scene.shot(json!({"unless_shot": part.id, "marks": true})).await;
            assert!(marked.text.contains("from 100,100."), "{}", marked.text);
            let same = scene.call("screenshot", json!({"unless_shot": marked.id, "marks": true})).await;
            assert!(same.image().is_none(), "{}", same.all_text());
            scene.does("keyboard", json!({"action": "type", "text": "x"})).await;
            let changed = scene.shot(json!({"unless_shot": part.id})).await;
            assert!(changed.text.contains("from 100,100."), "{}", changed.text);
        }
    });
}

#[test]
fn an_action_tells_which_elements_changed() {
    run(async {
        for scene in Scene::both().await {
            let said = scene.does("keyboard", json!({"action": "type", "text": "hello", "observe": "ui"})).await;
            assert!(said.contains("Typed 5 characters. virtual confirms the input, not what it did."), "{said}");
            assert!(said.contains("~ text \"Note\": its value is \"hello\"") && said.contains("<untrusted"), "{said}");
            scene.focus("virtual-2").await;
            let shot = scene.shot(json!({"marks": true})).await;
            let (number, ..) = shot.mark("push button \"Count\"");
            let click = json!({"action": "click", "mark": number, "observe": "ui"});
            let said = scene.does("mouse", click).await;
            assert!(said.contains("label \"Counter\": its value is \"1\""), "{said}");
            let said = scene.does("keyboard", json!({"action": "press", "key": "shift", "observe": "ui"})).await;
            assert!(said.contains("No element of the window in use has changed."), "{said}");
            let said =
                scene.does("keyboard", json!({"action": "hotkey", "keys": ["alt", "tab"], "observe": "ui"})).await;
            assert!(said.contains("the window in use is \"Notes\""), "{said}");
        }
    });
}

#[test]
fn an_action_tells_which_areas_changed() {
    run(async {
        for scene in Scene::both().await {
            // Before there is a picture they are those of the desktop.
            let said = scene.does("keyboard", json!({"action": "type", "text": "a", "observe": "changes"})).await;
            assert!(said.contains(" Changed, in pixels of the desktop: "), "{said}");
            let note = scene.session.call::<UiTreeRead>(&scene.target, &TreeParams::default()).await.unwrap();
            let note = note.find("text", "Note").and_then(|node| node.bounds).unwrap();
            let shot = scene.shot(json!({"region": [note.x, note.y, note.width, note.height]})).await;
            let said = scene.does("keyboard", json!({"action": "type", "text": "b", "observe": "changes"})).await;
            let areas = said.split_once(&format!("in pixels of the picture {}: ", shot.id));
            let areas = areas.unwrap_or_else(|| panic!("{said}")).1.trim_end_matches('.');
            for area in areas.split("; ") {
                let (corner, size) = area.split_once(' ').unwrap();
                let (x, y) = corner.split_once(',').unwrap();
                let (width, height) = size.split_once('x').unwrap();
                let [x, y, width, height] = [x, y, width, height].map(|number| number.parse::<u32>().unwrap());
                assert!(x + width <= shot.size.0 && y + height <= shot.size.1 && width * height > 0, "{area}");
                assert!(width < 60 && height < 60, "no more than a letter and the caret: {area}");
            }
            let said = scene.does("mouse", json!({"action": "move", "x": 5, "y": 5, "observe": "changes"})).await;
            assert!(said.contains("Nothing has changed"), "{said}");
        }
    });
}

#[test]
fn an_action_brings_the_next_picture() {
    run(async {
        for scene in Scene::both().await {
            let first = scene.shot(json!({"region": [0, 0, 640, 400]})).await;
            let output = scene.call("keyboard", json!({"action": "type", "text": "hello", "observe": "picture"})).await;
            let next = Shot::of(&output);
            assert!(
                next.text
                    .contains("Typed 5 characters. virtual confirms the input, not what it did.\nPicture of 640x400"),
                "{}",
                next.text
            );
            assert_ne!(next.id, first.id);
            // It is what the next call points into.
            let said = scene.does("mouse", json!({"action": "move", "x": 5, "y": 6})).await;
            assert!(said.contains(&next.id), "{said}");
            // With numbers if the last one had some.
            scene.shot(json!({"marks": true})).await;
            let output = scene.call("keyboard", json!({"action": "press", "key": "a", "observe": "picture"})).await;
            assert!(Shot::of(&output).text.contains("text \"Note\""), "{}", output.all_text());
        }
    });
}

#[test]
fn what_was_done_is_told_also_when_nobody_can_look() {
    run(async {
        let desktop = Arc::new(Movable::default());
        desktop.mute();
        let scene = Scene::through(Arc::clone(&desktop) as Arc<dyn Computer>).await;
        let said = scene.does("keyboard", json!({"action": "type", "text": "hi", "observe": "ui"})).await;
        assert!(said.contains("Typed 2 characters.") && said.contains("That was done, but"), "{said}");
        assert!(said.contains("ui.tree"), "{said}");
        assert_eq!(desktop.desktop.editor_text(), "hi");
        let shot = scene.shot(json!({"marks": true})).await;
        assert!(shot.text.contains("Nothing could be numbered: "), "{}", shot.text);
        let said = scene.refused("mouse", json!({"action": "click", "mark": 1})).await;
        assert!(said.contains("has no numbers"), "{said}");
    });
}

#[test]
fn without_a_session_every_call_names_its_picture() {
    run(async {
        for scene in Scene::both().await {
            let scene = Scene { session: scene.session.clone().stateless(), ..scene };
            let shot = scene.shot(json!({"region": [100, 100, 400, 300], "marks": true})).await;
            for place in [json!({"x": 1, "y": 1}), json!({"mark": 1})] {
                let mut click = place.clone();
                click["action"] = "click".into();
                let said = scene.refused("mouse", click.clone()).await;
                assert!(said.contains("`shot_id`"), "{said}");
                click["shot_id"] = shot.id.clone().into();
                scene.does("mouse", click).await;
            }
            assert!(scene.refused("screenshot", json!({"zoom": [0, 0, 9, 9]})).await.contains("`shot_id`"));
            scene.shot(json!({"zoom": [0, 0, 9, 9], "shot_id": shot.id})).await;
            for action in ["left_down", "left_up"] {
                let held = json!({"action": action, "x": 1, "y": 1, "shot_id": shot.id});
                assert!(scene.refused("mouse", held).await.contains("use `drag`"));
            }
            let drag = json!({"action": "drag", "x": 1, "y": 1, "end_x": 9, "end_y": 9, "shot_id": shot.id,
                "observe": "picture"});
            let next = Shot::of(&scene.call("mouse", drag).await);
            assert!(next.text.contains("of the desktop from 100,100."), "{}", next.text);
            let said = scene.does("keyboard", json!({"action": "press", "key": "a", "observe": "changes"})).await;
            assert!(said.contains("of the desktop"), "{said}");
        }
    });
}

#[test]
fn a_drag_follows_its_path() {
    run(async {
        for scene in Scene::both().await {
            let windows = scene.windows().await;
            let front = windows[0].clone();
            let was = front.bounds.unwrap();
            scene.shot(json!({})).await;
            let (x, y) = (was.x + 60.0, was.y + 8.0);
            let path = json!([[x + 5.0, y], [x + 5.0, y + 5.0], [x + 20.0, y + 10.0]]);
            let said = scene.does("mouse", json!({"action": "drag", "x": x, "y": y, "path": path})).await;
            assert!(said.starts_with(&format!("{}Dragged from ", scene.target.prefix())), "{said}");
            let is = scene.windows().await.into_iter().find(|window| window.id == front.id).unwrap().bounds.unwrap();
            assert_eq!((is.x, is.y), (was.x + 20.0, was.y + 10.0));
            for wrong in [
                json!({"action": "drag", "x": x, "y": y}),
                json!({"action": "drag", "x": x, "y": y, "end_x": 1, "end_y": 1, "path": [[1, 1]]}),
                json!({"action": "drag", "end_x": 1, "end_y": 1}),
                json!({"action": "click"}),
            ] {
                scene.refused("mouse", wrong).await;
            }
            // Where the pointer is.
            let at = scene.does("mouse", json!({"action": "left_down"})).await;
            assert!(at.contains("(where the pointer was)"), "{at}");
            scene.does("mouse", json!({"action": "left_up"})).await;
        }
    });
}

#[test]
fn a_drag_that_would_end_nowhere_presses_nothing() {
    run(async {
        for scene in Scene::both().await {
            let before = scene.does("mouse", json!({"action": "cursor_position"})).await;
            for wrong in [
                json!({"action": "drag", "x": 700, "y": 500, "end_x": 1500, "end_y": 20}),
                json!({"action": "drag", "x": 700, "y": 500, "path": [[701, 501], [-1, 20], [9, 9]]}),
                json!({"action": "drag", "x": 1280, "y": 500, "end_x": 9, "end_y": 9}),
            ] {
                let said = scene.refused("mouse", wrong).await;
                assert!(said.contains("is outside every display, so nothing was dragged"), "{said}");
            }
            assert_eq!(scene.does("mouse", json!({"action": "cursor_position"})).await, before);
        }
    });
}

#[test]
fn keys_that_are_none_are_errors_and_press_nothing() {
    run(async {
        for scene in Scene::both().await {
            for wrong in [
                json!({"action": "press", "key": "hyperspace"}),
                json!({"action": "hotkey", "keys": ["meta", "hyperspace"]}),
                json!({"action": "hold", "key": "hyperspace"}),
            ] {
                assert!(scene.refused("keyboard", wrong).await.contains("hyperspace"));
            }
            for seconds in [-1.0, 10.5, 1e9] {
                let hold = json!({"action": "hold", "key": "a", "hold_duration": seconds});
                assert!(scene.refused("keyboard", hold).await.contains("0 to 10 seconds"));
            }
            let said = scene.does("keyboard", json!({"action": "type", "text": "a\nb\tc"})).await;
            assert!(said.contains("Typed 5 characters, among them 1 line ends as Return and 1 tabs as Tab."), "{said}");
        }
    });
}

#[test]
fn a_program_that_takes_pictures_itself_points_into_them_too() {
    run(async {
        for scene in Scene::both().await {
            let params = CaptureParams {
                region: Some(Rect::new(50.0, 60.0, 300.0, 200.0)),
                profile: PictureProfile::Claude,
                ..CaptureParams::default()
            };
            let picture: Picture = scene.session.capture(&scene.target, &params).await.unwrap();
            assert_eq!((picture.width, picture.height), (300, 200));
            assert!(scene.does("mouse", json!({"action": "move", "x": 1, "y": 2})).await.contains("at 51,62 "));
        }
    });
}
