//! Where the pictures come from: one stream of the desktop while somebody looks, and none while nobody does.

use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::packet::Packet;
use super::{Inner, Link, Status, unless};
use crate::api::{
    CaptureParams, DisplayCapture, DisplaySubscribe, Error, ErrorCode, PictureFormat, PictureProfile, Result,
    ScreenState, ScreenUpdate, SubscribeParams,
};
use crate::client::{ClientError, LinkState};
use crate::home::plain_text;
use crate::picture::{Canvas, Mapping, Rendering, render};
use crate::runtime::{Runtime, sleep, timeout};
use crate::tools::{Target, ToolError};

/// Credit of the stream: the next picture is on its way while one is taken.
const CREDIT: u32 = 256 * 1024;

/// The first pause before another try. A link that came back is found at once.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// The longest pause between two tries, and the one while another controller drives.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The longest pause between two looks at a desktop that has no stream and does not change.
const LONGEST_LOOK: Duration = Duration::from_millis(500);

/// What the stream has shown so far.
#[derive(Default)]
pub(super) struct Painted {
    canvas: Canvas,
    version: u64,
    screen: ScreenState,
    /// Counts what the pixels of the picture have stood for: what is pointed at in one is elsewhere in the next.
    shape: u64,
}

impl<R: Runtime> Inner<R> {
    /// Shows the desktop whenever somebody looks. It does not end.
    pub(super) async fn follow(&self) {
        let mut pause = FIRST_PAUSE;
        let mut asked_anew = false;
        loop {
            self.until(|shared| !shared.viewers.is_empty()).await;
            let Err(error) = self.show(&mut pause, asked_anew).await else {
                pause = FIRST_PAUSE;
                self.shared().reel.clear();
                self.shared().set_status(Status::of(Link::Connecting));
                continue;
            };
            let status = Status::after(&error);
            tracing::debug!(why = %status.why, "the desktop is not shown");
            let link = status.link;
            self.gave_up(status);
            asked_anew = link == Link::Ended;
            match link {
                // Whoever comes after everybody has gone asks for it as well.
                Link::Ended => {
                    self.until(|shared| shared.again || shared.viewers.is_empty()).await;
                    self.shared().set_status(Status::of(Link::Connecting));
                }
                Link::Busy => self.rest(LONGEST_PAUSE).await,
                Link::Connecting | Link::Connected | Link::Reconnecting => {
                    self.rest(pause).await;
                    pause = (2 * pause).min(LONGEST_PAUSE);
                }
            }
        }
    }

    fn gave_up(&self, status: Status) {
        let mut shared = self.shared();
        shared.again = false;
        shared.set_status(status);
    }

    /// Waits for something that [`wake`](Inner::wake) is called for.
    async fn until(&self, is_so: impl Fn(&super::Shared) -> bool) {
        while !is_so(&self.shared()) {
            // Both ends are here: it is never closed.
            let _woken = self.wake.1.recv().await;
        }
    }

    /// Waits, for less long if somebody asks for another try or nobody looks any more.
    async fn rest(&self, pause: Duration) {
        let woken = self.until(|shared| shared.again || shared.viewers.is_empty());
        let _woken = timeout(&self.runtime, pause, woken).await;
    }

    /// Shows the desktop until nobody looks any more, or it cannot be shown.
    async fn show(&self, pause: &mut Duration, asked_anew: bool) -> core::result::Result<(), ToolError> {
        let nobody = self.until(|shared| shared.viewers.is_empty());
        let shown = async {
            let Target::Peer(name) = &self.target else { return self.look(pause).await };
            let link = self.session.link(name)?;
            if asked_anew {
                link.forgive();
            }
            let events = link.events();
            let told = async {
                while let Ok(state) = events.recv().await {
                    self.heard(&state);
                }
                core::future::pending().await
            };
            let streamed = unless(told, self.stream(pause)).await;
            match streamed.unwrap_or(Ok(())) {
                Err(ToolError::Peer { error: ClientError::Call(error), .. })
                    if error.code == ErrorCode::CapabilityUnsupported =>
                {
                    self.look(pause).await
                }
                streamed => streamed,
            }
        };
        unless(nobody, shown).await.unwrap_or(Ok(()))
    }

    /// The link is made again by itself for a while; who looks should know that the picture is an old one.
    fn heard(&self, state: &LinkState) {
        let mut shared = self.shared();
        let status = match state {
            LinkState::Reconnecting { why, .. } => Status { link: Link::Reconnecting, why: plain_text(why) },
            LinkState::Busy { why, .. } => Status { link: Link::Busy, why: plain_text(why) },
            // Until the first picture.
            LinkState::Connected { .. } | LinkState::Connecting if shared.status.link != Link::Connected => {
                Status::of(Link::Connecting)
            }
            // The stream says so itself.
            LinkState::Idle
            | LinkState::Connecting
            | LinkState::Connected { .. }
            | LinkState::Evicted { .. }
            | LinkState::Untrusted { .. }
            | LinkState::Unreachable { .. } => return,
        };
        shared.set_status(status);
    }

    fn capture(&self) -> CaptureParams {
        CaptureParams {
            profile: PictureProfile::Native,
            format: PictureFormat::Png,
            cursor: self.options.cursor,
            ..CaptureParams::default()
        }
    }

    /// By a stream of the host.
    async fn stream(&self, pause: &mut Duration) -> core::result::Result<(), ToolError> {
        let params = SubscribeParams { capture: self.capture(), fps: self.options.fps };
        let mut stream = self.session.subscribe::<DisplaySubscribe>(&self.target, &params, CREDIT).await?;
        let failed = |error| ToolError::Peer { name: self.target.name().to_owned(), error };
        while let Some(update) = stream.next().await {
            self.publish(update.map_err(failed)?).await?;
            *pause = FIRST_PAUSE;
        }
        Err(failed(ClientError::Closed(opendesk_core::Reason::LOST)))
    }

    /// By one picture after another, where there is no stream.
    async fn look(&self, pause: &mut Duration) -> core::result::Result<(), ToolError> {
        let shortest = Duration::from_secs(1) / self.options.fps.clamp(1, 60);
        let mut params = self.capture();
        let mut wait = shortest;
        loop {
            let picture = self.session.call::<DisplayCapture>(&self.target, &params).await?;
            *pause = FIRST_PAUSE;
            if picture.unchanged {
                wait = (wait * 3 / 2).min(LONGEST_LOOK.max(shortest));
            } else {
                wait = shortest;
                params.unless_shot = (picture.shot_id != 0).then_some(picture.shot_id);
                self.publish(picture.into()).await?;
            }
            sleep(&self.runtime, wait).await;
        }
    }

    /// The viewers get what is new. The host is not trusted to keep to its own words: what does not fit is an error.
    async fn publish(&self, update: ScreenUpdate) -> Result<()> {
        let painted = Arc::clone(&self.painted);
        let paint = move || {
            let mut painted = locked(&painted);
            let before = painted.canvas.mapping();
            painted.canvas.apply(&update)?;
            painted.version += 1;
            painted.screen = update.screen;
            let mapping = painted.canvas.mapping();
            if mapping != before {
                painted.shape += 1;
            }
            let packet = Packet::picture(&update, painted.shape);
            Ok((painted.version, packet, update.keyframe, (mapping, painted.shape)))
        };
        let (version, packet, is_whole, mapping): (_, _, _, (Mapping, u64)) = self.runtime.run_blocking(paint).await?;
        let mut shared = self.shared();
        shared.reel.push(version, packet, is_whole, mapping);
        shared.set_status(Status::of(Link::Connected));
        shared.poke_all();
        Ok(())
    }

    /// The newest picture, whole, and its version; none when it cannot be made.
    pub(super) async fn whole(&self) -> (u64, Option<Packet>) {
        let painted = Arc::clone(&self.painted);
        let (version, made) = self.runtime.run_blocking(move || encoded(&painted)).await;
        let packet = made.inspect_err(|error| tracing::warn!(%error, "a viewer gets no whole picture")).ok();
        if let Some(packet) = &packet {
            self.shared().reel.keep_whole(version, packet);
        }
        (version, packet)
    }
}

/// Copies the picture under the lock, and makes a packet of it after that.
fn encoded(painted: &Mutex<Painted>) -> (u64, Result<Packet>) {
    let held = locked(painted);
    let (version, shape, screen, frame) = (held.version, held.shape, held.screen, held.canvas.frame());
    drop(held);
    let how = Rendering { profile: PictureProfile::Native, format: PictureFormat::Png, max_bytes: None };
    let packet = render(frame, &how, None, 0.0).and_then(|picture| {
        let update = ScreenUpdate { screen, ..picture.into() };
        Packet::picture(&update, shape).ok_or_else(|| Error::internal("a PNG is shown by every browser"))
    });
    (version, packet)
}

fn locked(painted: &Mutex<Painted>) -> MutexGuard<'_, Painted> {
    painted.lock().unwrap_or_else(PoisonError::into_inner)
}
