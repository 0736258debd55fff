//! Which element is a window of the X server.

use futures_util::stream::{self, StreamExt as _};

use super::apps::App;
use super::bus::{ACCESSIBLE, Place, Wired};
use super::children::{AT_ONCE, MANY};
use super::detail;
use super::item::{Item, bounded};
use super::states::ACTIVE;
use super::talk::Talk;
use crate::api::{Error, ErrorCode, Rect, Result, Window};

/// What part of both together two rectangles have to share to be of one window. Frames differ by their decoration and
/// shadow.
const SHARED: f64 = 0.6;

/// By how much less two frames may share with a window and still be alike.
const ALIKE: f64 = 0.02;

/// Where a window is found.
#[derive(Debug)]
pub(super) enum Found {
    Element(Place),
    /// Its application does not answer.
    Silent,
}

#[derive(Debug)]
struct Frame {
    item: Item,
    bounds: Option<Rect>,
}

/// Finds the element of a window: among those of its process, or, where that has none, among all of its title. A
/// process in a container has another number on the bus.
///
/// # Errors
/// [`ErrorCode::NotFound`] when no application has it, [`ErrorCode::InvalidArgument`] when several windows are alike.
pub(super) async fn find(talk: Talk<'_>, apps: &[App], window: &Window) -> Result<Found> {
    let owns = |app: &&App| window.pid.is_some() && app.process == window.pid;
    let own: Vec<&App> = apps.iter().filter(owns).collect();
    // Names are cut where they are taken in.
    let title = bounded(window.title.clone());
    let is_foreign = own.is_empty();
    let (frames, silent) = if is_foreign {
        let (mut frames, _) = frames(talk, apps.iter()).await;
        frames.retain(|frame| !window.title.is_empty() && frame.item.name == title);
        (frames, false)
    } else {
        frames(talk, own.into_iter()).await
    };
    match pick(frames, window, is_foreign)? {
        Some(item) => Ok(Found::Element(item.place)),
        None if silent => Ok(Found::Silent),
        None => Err(Error::new(
            ErrorCode::NotFound,
            format!(
                "the program of the window {:?} does not say what the window shows; look at a picture of it, or \
                 read its text by OCR",
                window.title
            ),
        )),
    }
}

/// The windows of applications, and whether one of these does not answer.
async fn frames<'a>(talk: Talk<'_>, apps: impl Iterator<Item = &'a App>) -> (Vec<Frame>, bool) {
    let mut frames = Vec::new();
    let questions = apps.map(|app| of(talk, app));
    let complete = talk.ticker.gather(talk.deadline, questions, |some| frames.extend(some)).await;
    (frames, !complete)
}

async fn of(talk: Talk<'_>, app: &App) -> Vec<Frame> {
    let bus = talk.bus;
    let children: Vec<Wired> = bus.ask(&app.root, ACCESSIBLE, "GetChildren", &()).await.unwrap_or_default();
    let frame = |child: Wired| async move {
        let item = Item::ask(bus, &child.into()).await.ok()?;
        let bounds = detail::bounds(bus, &item).await;
        Some(Frame { item, bounds })
    };
    let children = stream::iter(children.into_iter().take(MANY).map(frame));
    children.buffered(AT_ONCE).filter_map(async |frame| frame).collect().await
}

/// The one of the same title; of several, or of none, the one that is where the window is; of several that are there,
/// the one that has the keyboard as the window has or has not. A frame of a foreign process has to be where the window
/// is in any case: anybody can take a title.
///
/// # Errors
/// [`ErrorCode::InvalidArgument`] when several are alike.
fn pick(frames: Vec<Frame>, window: &Window, is_foreign: bool) -> Result<Option<Item>> {
    let title = bounded(window.title.clone());
    let (titled, others): (Vec<Frame>, Vec<Frame>) = frames.into_iter().partition(|frame| frame.item.name == title);
    let share = |frame: &Frame| match (frame.bounds, window.bounds) {
        (Some(one), Some(other)) => shared(one, other),
        _ => 0.0,
    };
    let has_title = !titled.is_empty();
    let mut candidates = if has_title { titled } else { others };
    if is_foreign || !has_title {
        candidates.retain(|frame| share(frame) >= SHARED);
    }
    let best = candidates.iter().map(share).fold(0.0, f64::max);
    candidates.retain(|frame| share(frame) >= best - ALIKE);
    if candidates.len() > 1 {
        candidates.retain(|frame| frame.item.is(ACTIVE) == window.focused);
        if candidates.len() != 1 {
            return Err(Error::invalid(format!(
                "several windows are like the window {:?}; focus it first by windows.focus",
                window.title
            )));
        }
    }
    Ok(candidates.pop().map(|frame| frame.item))
}

/// Which part of two rectangles together is common to both, 0 to 1.
fn shared(one: Rect, other: Rect) -> f64 {
    let across = (one.x + one.width).min(other.x + other.width) - one.x.max(other.x);
    let down = (one.y + one.height).min(other.y + other.height) - one.y.max(other.y);
    let common = across.max(0.0) * down.max(0.0);
    let together = one.width * one.height + other.width * other.height - common;
    if together > 0.0 { common / together } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::super::item::tests::item;
    use super::super::roles;
    use super::*;

    fn frame(name: &str, x: f64) -> Frame {
        let mut item = item(roles::FRAME, name);
        item.place = Place::new(":1.7", &format!("/{name}/{x}"));
        Frame { item, bounds: Some(Rect::new(x, 0.0, 100.0, 100.0)) }
    }

    fn picked(frames: Vec<Frame>, title: &str, x: f64) -> Option<String> {
        let bounds = Some(Rect::new(x, 0.0, 102.0, 120.0));
        let window = Window { title: title.to_owned(), bounds, ..Window::default() };
        pick(frames, &window, false).unwrap().map(|item| item.place.path.to_string())
    }

    #[test]
    fn a_window_is_known_by_its_title_then_by_its_place() {
        let two = || vec![frame("Notes", 0.0), frame("Form", 300.0)];
        assert_eq!(picked(two(), "Form", 0.0).as_deref(), Some("/Form/300"));
        assert_eq!(picked(two(), "*Form", 299.0).as_deref(), Some("/Form/300"), "a title can lag behind");
        assert_eq!(picked(two(), "Other", 600.0), None);
        let same = vec![frame("Form", 0.0), frame("Form", 300.0)];
        assert_eq!(picked(same, "Form", 290.0).as_deref(), Some("/Form/300"));
        assert_eq!(picked(Vec::new(), "Form", 0.0), None);
    }

    #[test]
    fn windows_that_are_alike_are_told_apart_by_the_keyboard_or_not_at_all() {
        let alike = |active: [bool; 2]| {
            let mut two = vec![frame("Form", 0.0), frame("Form", 1.0)];
            for (frame, active) in two.iter_mut().zip(active) {
                frame.item.states |= if active { ACTIVE } else { 0 };
            }
            two
        };
        let bounds = Some(Rect::new(0.0, 0.0, 100.0, 100.0));
        let window = |focused| Window { title: "Form".to_owned(), bounds, focused, ..Window::default() };
        let path = |item: Option<Item>| item.map(|item| item.place.path.to_string());
        let picked = |active, focused| pick(alike(active), &window(focused), false).map(path);
        assert_eq!(picked([false, true], true), Ok(Some("/Form/1".to_owned())));
        assert_eq!(picked([false, true], false), Ok(Some("/Form/0".to_owned())));
        for (active, focused) in [([true, true], true), ([false, false], false), ([false, false], true)] {
            let error = picked(active, focused).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidArgument);
            assert!(error.message.contains("several windows") && error.message.contains("focus it first"), "{error}");
        }
    }

    #[test]
    fn a_title_alone_makes_no_window_of_another_process() {
        let window =
            |x| Window { title: "Form".to_owned(), bounds: Some(Rect::new(x, 0.0, 102.0, 120.0)), ..Window::default() };
        assert!(pick(vec![frame("Form", 0.0)], &window(300.0), true).unwrap().is_none());
        assert!(pick(vec![frame("Form", 0.0)], &window(300.0), false).unwrap().is_some());
        assert!(pick(vec![frame("Form", 0.0)], &window(0.0), true).unwrap().is_some());
    }

    #[test]
    fn rectangles_share_what_both_have() {
        let one = Rect::new(0.0, 0.0, 10.0, 10.0);
        assert!((shared(one, one) - 1.0).abs() < f64::EPSILON);
        assert!(shared(one, Rect::new(10.0, 0.0, 10.0, 10.0)).abs() < f64::EPSILON);
        assert!((shared(one, Rect::new(5.0, 0.0, 10.0, 10.0)) - 1.0 / 3.0).abs() < 1e-9);
    }
}
