//! A host and its controller are swapped: one scenario on a desktop itself, at the other end of a link, and at the end of two.

#![expect(clippy::unwrap_used, reason = "every function here is the body of a test, or a part of one")]

mod scenario;

use core::time::Duration;
use std::path::Path;
use std::sync::Arc;

use opendesk_std::Cancel;
use opendesk_std::api::{
    Button, Call, CaptureParams, Codec, Error, ErrorCode, Method, Point, Press, Rect, Result, SubscribeParams,
    TreeParams, UiActionParams, decode, encode,
};
use opendesk_std::client::{self, Client, ConnectOptions, Link, PairOptions, Remote, RemoteComputer, RemoteOptions};
use opendesk_std::desktop::r#virtual::VirtualDesktop;
use opendesk_std::desktop::{CaptureArea, Computer, Desk, Key, NoDesktop};
use opendesk_std::home::Home;
use opendesk_std::host::{HostHandle, HostOptions, Server};
use opendesk_std::os::Files;
use opendesk_std::picture::Canvas;
use opendesk_std::runtime::{Runtime, timeout};
use tempfile::TempDir;

use self::scenario::{Errands, Seen, scenario};

const LIMIT: Duration = Duration::from_secs(30);

/// A host of any desktop, and one controller that is paired with it.
struct Hosted<R> {
    runtime: R,
    folder: TempDir,
    handle: HostHandle,
    ended: async_channel::Receiver<()>,
}

impl<R: Runtime> Hosted<R> {
    async fn start(runtime: &R, computer: Arc<dyn Computer>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(Some(folder.path().join("host"))).unwrap();
        let options = HostOptions { files: true, ..HostOptions::new(home, computer) };
        let server = Server::start(runtime.clone(), options).unwrap();
        let (address, handle) = (server.local_addr(), server.handle());
        let (end, ended) = async_channel::bounded(1);
        runtime.spawn(async move {
            server.run().await;
            drop(end);
        });
        handle.open_pairing("123456", Duration::from_secs(60)).await.unwrap().unwrap();
        let this = Self { runtime: runtime.clone(), folder, handle, ended };
        let options = PairOptions {
            home: this.home(),
            host: address.ip().to_string(),
            port: address.port(),
            code: "123456".into(),
            name: Some("host".parse().unwrap()),
        };
        client::pair(runtime.clone(), &options).await.unwrap();
        this
    }

    fn home(&self) -> Home {
        Home::open(Some(self.folder.path().join("controller"))).unwrap()
    }

    async fn connect(&self) -> Client {
        let options = ConnectOptions { home: self.home(), peer: "host".into() };
        client::connect(self.runtime.clone(), &options).await.unwrap()
    }

    async fn computer(&self) -> Arc<RemoteComputer> {
        over(&self.runtime, self.connect().await).await
    }

    async fn stop(self) {
        self.handle.stop();
        assert!(self.ended.recv().await.is_err(), "the host drops the other end when it ends");
    }
}

async fn over<R: Runtime>(runtime: &R, link: impl Into<Link>) -> Arc<RemoteComputer> {
    Arc::new(RemoteComputer::new(runtime.clone(), link).await.unwrap())
}

/// What this machine offers besides its desktop.
struct Here(Desk);

impl Errands for Here {
    fn call<M: Method>(&self, params: M::Params) -> Result<M::Output> {
        let (reply, outcome) = async_channel::bounded(1);
        let call = Call::decode(M::NAME, &encode(&params)?)?;
        let reply = move |result| drop(reply.try_send(result));
        self.0.submit(call, Codec::Postcard, Cancel::new(), Box::new(reply));
        let result = outcome.recv_blocking().unwrap()?;
        decode(&result).ok_or_else(|| Error::internal("no result"))
    }
}

/// What the host offers besides its desktop.
struct There(Arc<RemoteComputer>);

impl Errands for There {
    fn call<M: Method>(&self, params: M::Params) -> Result<M::Output> {
        self.0.call::<M>(params, LIMIT, &Cancel::new())
    }
}

async fn here<R: Runtime>(runtime: &R, folder: &Path) -> Seen {
    let (own, folder) = (tempfile::tempdir().unwrap(), folder.to_owned());
    let desktop = Arc::new(VirtualDesktop::default());
    let desk = Desk::start(Arc::clone(&desktop) as _, Some(Files::new(own.path().to_owned())), None).unwrap();
    runtime.run_blocking(move || scenario(&*desktop, &Here(desk), &folder)).await
}

async fn there<R: Runtime>(runtime: &R, computer: Arc<RemoteComputer>, folder: &Path) -> Seen {
    let folder = folder.to_owned();
    runtime.run_blocking(move || scenario(&*computer, &There(Arc::clone(&computer)), &folder)).await
}

pub(crate) async fn a_desktop_is_the_same_at_the_end_of_a_link<R: Runtime>(runtime: R) {
    let folder = tempfile::tempdir().unwrap();
    let expected = here(&runtime, folder.path()).await;
    let host = Hosted::start(&runtime, Arc::new(VirtualDesktop::default())).await;
    let seen = there(&runtime, host.computer().await, folder.path()).await;
    seen.is(&expected);
    host.stop().await;
}

pub(crate) async fn a_desktop_is_the_same_at_the_end_of_a_machine_that_is_kept_connected<R: Runtime>(runtime: R) {
    let folder = tempfile::tempdir().unwrap();
    let expected = here(&runtime, folder.path()).await;
    let host = Hosted::start(&runtime, Arc::new(VirtualDesktop::default())).await;
    let options = RemoteOptions { discover: false, ..RemoteOptions::new(host.home(), "host".parse().unwrap()) };
    let remote = Remote::new(runtime.clone(), options);
    let seen = there(&runtime, over(&runtime, remote.clone()).await, folder.path()).await;
    seen.is(&expected);
    remote.close().await;
    host.stop().await;
}

pub(crate) async fn a_desktop_is_the_same_behind_two_hosts<R: Runtime>(runtime: R) {
    let folder = tempfile::tempdir().unwrap();
    let expected = here(&runtime, folder.path()).await;
    let far = Hosted::start(&runtime, Arc::new(VirtualDesktop::default())).await;
    let near = Hosted::start(&runtime, far.computer().await).await;
    let seen = there(&runtime, near.computer().await, folder.path()).await;
    seen.is(&expected);
    near.stop().await;
    far.stop().await;
}

/// Each of them by its own words, which name what is missing.
pub(crate) async fn what_a_host_cannot_do_is_refused_in_the_words_of_its_desktop<R: Runtime>(runtime: R) {
    let host = Hosted::start(&runtime, Arc::new(NoDesktop)).await;
    let computer = host.computer().await;
    let asked = move || {
        let all: [fn(&dyn Computer) -> Error; 21] = [
            |computer| computer.displays().unwrap_err(),
            |computer| computer.capture(&CaptureArea::default()).unwrap_err(),
            |computer| computer.cursor_position().unwrap_err(),
            |computer| computer.move_pointer(Point::new(1.0, 1.0)).unwrap_err(),
            |computer| computer.button(Button::Left, Press::Down).unwrap_err(),
            |computer| computer.scroll(1.0, 1.0).unwrap_err(),
            |computer| computer.key(Key::Enter, Press::Down).unwrap_err(),
            |computer| computer.type_text("x", Duration::ZERO, &Cancel::new()).unwrap_err(),
            |computer| computer.windows().unwrap_err(),
            |computer| computer.focus_window("w").unwrap_err(),
            |computer| computer.move_window("w", Rect::default()).unwrap_err(),
            |computer| computer.close_window("w", true, &Cancel::new()).unwrap_err(),
            |computer| computer.apps().unwrap_err(),
            |computer| computer.installed_apps().unwrap_err(),
            |computer| computer.open_app("a", &Cancel::new()).unwrap_err(),
            |computer| computer.ui_tree(&TreeParams::default(), &Cancel::new()).unwrap_err(),
            |computer| computer.ui_action(&action("click"), &Cancel::new()).unwrap_err(),
            |computer| computer.clipboard_read().unwrap_err(),
            |computer| computer.clipboard_write(&Default::default()).unwrap_err(),
            |computer| computer.lock(&Cancel::new()).unwrap_err(),
            |computer| computer.notifications().unwrap_err(),
        ];
        let refusals = |computer: &dyn Computer| all.map(|ask| ask(computer));
        assert_eq!(refusals(&*computer), refusals(&NoDesktop));
        assert!(computer.capabilities().is_empty());
        assert!(!computer.wake_on_change(Box::new(|| ())) && !computer.watch_person(Box::new(|| ())));
        assert!(refusals(&*computer).iter().all(|error| error.code == ErrorCode::CapabilityUnsupported));
    };
    runtime.run_blocking(asked).await;
    host.stop().await;
}

fn action(action: &str) -> UiActionParams {
    UiActionParams { target: Default::default(), action: action.to_owned(), app: None }
}

/// A picture comes over two links when something has changed on the far desktop, and not otherwise.
pub(crate) async fn a_stream_of_pictures_comes_through_two_hosts<R: Runtime>(runtime: R) {
    let desktop = Arc::new(VirtualDesktop::default());
    let far = Hosted::start(&runtime, Arc::clone(&desktop) as _).await;
    let near = Hosted::start(&runtime, far.computer().await).await;
    let client = near.connect().await;
    let params = SubscribeParams { fps: 60, ..SubscribeParams::default() };
    let mut pictures = client.watch(&params).await.unwrap();
    let mut canvas = Canvas::new();
    let first = timeout(&runtime, LIMIT, pictures.next()).await.unwrap().unwrap().unwrap();
    assert!(first.keyframe);
    canvas.apply(&first).unwrap();
    assert!(timeout(&runtime, Duration::from_millis(600), pictures.next()).await.is_none(), "nothing has changed");
    for text in ["first", "second", "third"] {
        let before = canvas.pixels().to_vec();
        let typist = Arc::clone(&desktop);
        runtime.run_blocking(move || typist.type_text(text, Duration::ZERO, &Cancel::new())).await.unwrap();
        // What one look sees may be a part of what was typed.
        let wanted = scaled(&desktop);
        while canvas.pixels() != wanted {
            let next = timeout(&runtime, LIMIT, pictures.next()).await.expect("the change comes");
            canvas.apply(&next.unwrap().unwrap()).unwrap();
        }
        assert!(before != canvas.pixels(), "{text}");
    }
    desktop.lock(&Cancel::new()).unwrap();
    let locked = async {
        loop {
            let next = pictures.next().await.unwrap().unwrap();
            if next.screen == opendesk_std::api::ScreenState::Locked {
                return;
            }
        }
    };
    assert!(timeout(&runtime, LIMIT, locked).await.is_some(), "that it is locked is told too");
    drop(pictures);
    assert_eq!(client.capture(&CaptureParams::default()).await.unwrap().screen, opendesk_std::api::ScreenState::Locked);
    near.stop().await;
    far.stop().await;
}

/// What a picture of it shows, in red, green and blue.
fn scaled(desktop: &VirtualDesktop) -> Vec<u8> {
    let frame = desktop.capture(&CaptureArea::default()).unwrap();
    let profile = CaptureParams::default().profile;
    let shown = opendesk_std::picture::scaled(frame, profile).unwrap();
    shown.encode(shown.whole(), opendesk_std::api::PictureFormat::RawRgb).unwrap()
}

/// However the one in between goes, the far host lets go of everything.
pub(crate) async fn what_is_held_through_two_hosts_is_released_when_the_controller_goes<R: Runtime>(runtime: R) {
    let desktop = Arc::new(VirtualDesktop::default());
    let far = Hosted::start(&runtime, Arc::clone(&desktop) as _).await;
    let near = Hosted::start(&runtime, far.computer().await).await;
    let hold = |computer: Arc<RemoteComputer>| {
        runtime.run_blocking(move || {
            computer.key(Key::Shift, Press::Down).unwrap();
            computer.move_pointer(Point::new(5.0, 5.0)).unwrap();
            computer.button(Button::Middle, Press::Down).unwrap();
        })
    };
    let computer = near.computer().await;
    hold(Arc::clone(&computer)).await;
    assert_eq!((desktop.held_keys(), desktop.held_buttons()), (vec![Key::Shift], vec![Button::Middle]));
    assert_eq!(desktop.cursor_position().unwrap(), Point::new(5.0, 5.0));
    drop(computer);
    until(&runtime, "released behind a controller that went", || desktop.held_keys().is_empty()).await;
    assert!(desktop.held_buttons().is_empty());
    hold(near.computer().await).await;
    near.stop().await;
    until(&runtime, "released behind a host that went", || desktop.held_keys().is_empty()).await;
    assert!(desktop.held_buttons().is_empty());
    far.stop().await;
}

pub(crate) async fn a_cancelled_call_is_cancelled_at_the_far_end<R: Runtime>(runtime: R) {
    let desktop = Arc::new(VirtualDesktop::default());
    let far = Hosted::start(&runtime, Arc::clone(&desktop) as _).await;
    let near = Hosted::start(&runtime, far.computer().await).await;
    let (computer, cancel) = (near.computer().await, Cancel::new());
    let (typist, flag) = (Arc::clone(&computer), cancel.clone());
    let (tell, told) = async_channel::bounded(1);
    let typing = runtime.clone();
    runtime.spawn(async move {
        let long = "x".repeat(2000);
        let typed = typing.run_blocking(move || typist.type_text(&long, Duration::from_millis(20), &flag)).await;
        drop(tell.try_send(typed));
    });
    until(&runtime, "it is typed", || !desktop.editor_text().is_empty()).await;
    cancel.cancel();
    let typed = told.recv().await.unwrap();
    assert_eq!(typed.unwrap_err().code, ErrorCode::Cancelled);
    // What is asked for next is done after it, so by then nothing more is typed.
    let typist = Arc::clone(&computer);
    runtime.run_blocking(move || typist.type_text("!", Duration::ZERO, &Cancel::new())).await.unwrap();
    let typed = desktop.editor_text();
    assert!(typed.ends_with('!') && typed.len() < 2000, "{}", typed.len());
    near.stop().await;
    far.stop().await;
}

pub(crate) async fn a_lost_link_says_that_it_is_not_known_what_was_done<R: Runtime>(runtime: R) {
    let host = Hosted::start(&runtime, Arc::new(VirtualDesktop::default())).await;
    let computer = host.computer().await;
    host.stop().await;
    let asked = move || {
        let acted = computer.key(Key::Enter, Press::Down).unwrap_err();
        assert_eq!(acted.code, ErrorCode::Internal);
        assert!(acted.message.contains("is not known"), "{acted}");
        let looked = computer.windows().unwrap_err();
        assert!(looked.code == ErrorCode::Internal && !looked.message.contains("not known"), "{looked}");
    };
    runtime.run_blocking(asked).await;
}

async fn until<R: Runtime>(runtime: &R, what: &str, so: impl Fn() -> bool) {
    let waiting = async {
        while !so() {
            let pause: Option<()> = timeout(runtime, Duration::from_millis(5), core::future::pending()).await;
            assert!(pause.is_none());
        }
    };
    assert!(timeout(runtime, LIMIT, waiting).await.is_some(), "{what}");
}

/// Where it runs, waiting for it would never end.
pub(crate) async fn a_computer_is_refused_on_the_thread_that_its_link_runs_on<R: Runtime>(runtime: R) {
    let host = Hosted::start(&runtime, Arc::new(VirtualDesktop::default())).await;
    let computer = host.computer().await;
    let (tell, told) = async_channel::bounded(1);
    let asked = Arc::clone(&computer);
    runtime.spawn(async move { drop(tell.try_send(asked.windows())) });
    let refused = timeout(&runtime, LIMIT, told.recv()).await.unwrap().unwrap().unwrap_err();
    assert_eq!(refused.code, ErrorCode::Internal);
    assert!(refused.message.contains("call it from another thread"), "{refused}");
    let windows = runtime.run_blocking(move || computer.windows()).await.unwrap();
    assert_eq!(windows.len(), 2);
    host.stop().await;
}
