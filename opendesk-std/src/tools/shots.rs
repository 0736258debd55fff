//! The pictures that a session has shown: what a pixel of each means, and whether it still means that.

use std::collections::VecDeque;
use std::sync::Arc;

use opendesk_core::PublicKey;

use super::caller::kept;
use super::marks::Marks;
use super::session::Session;
use super::target::{Target, ToolError};
use crate::api::{
    CaptureParams, Display, DisplayDisplays, Error, Picture, PictureFormat, Point, Rect, Window, WindowsList,
};
use crate::client::ClientError;
use crate::picture::Mapping;
use crate::seed;

/// Pictures of one desktop, of which the oldest is forgotten first: an agent points into its last few.
const MOST_OF_ONE: usize = 64;

/// Pictures of all desktops together.
const MOST: usize = 256;

/// Pictures whose pixels are kept, for those who read them once more.
const MOST_IMAGES: usize = 16;

/// What these have together at most.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// Displays of a desktop whose places are remembered with each picture.
const MOST_DISPLAYS: usize = 64;

/// A picture that was shown.
#[derive(Debug, Clone)]
pub(super) struct Shot {
    /// What calls name it by.
    pub(super) id: String,
    /// The desktop that it shows.
    pub(super) target: Target,
    /// What each of its pixels shows.
    pub(super) mapping: Mapping,
    /// What was asked for, without what the asker had already.
    pub(super) asked: CaptureParams,
    /// The elements that are numbered in it, if that was asked for.
    pub(super) marks: Option<Marks>,
    /// The key that the machine had before it was taken.
    key: Option<PublicKey>,
    /// What the host calls the pixels; 0 is no name.
    pixels: u64,
    /// The displays before it was taken; nothing where the desktop does not tell.
    layout: Option<Vec<Place>>,
    /// Where its window was before it was taken.
    window: Option<Rect>,
}

/// What of a display decides where things are.
#[derive(Debug, Clone, PartialEq)]
struct Place {
    id: String,
    bounds: Rect,
    scale: f64,
}

/// What is known of a desktop before a picture of it is taken: whatever changes after that makes the picture stale.
#[derive(Debug, Default)]
pub(super) struct Before {
    key: Option<PublicKey>,
    /// The displays, as the text beside the picture tells them.
    pub(super) displays: Vec<Display>,
    layout: Option<Vec<Place>>,
    window: Option<Rect>,
}

/// The last pictures of a session.
#[derive(Debug, Default)]
pub(super) struct Shots {
    /// The oldest first.
    shots: VecDeque<Arc<Shot>>,
    images: VecDeque<Image>,
    count: u64,
}

#[derive(Debug)]
struct Image {
    id: String,
    format: PictureFormat,
    data: Arc<[u8]>,
}

impl Shots {
    /// A name that this session has not given yet, and that no other gives but by chance.
    fn name(&mut self) -> String {
        self.count += 1;
        // Without randomness nothing else of the program works either.
        let chance = seed::session_number();
        format!("{}-{}", self.count, &chance[..6])
    }

    /// Takes note of a picture, which is the last one of its desktop now.
    fn add(&mut self, shot: Shot, picture: &Picture) -> Arc<Shot> {
        let of_one = self.shots.iter().filter(|other| other.target == shot.target).count();
        let oldest = match (of_one >= MOST_OF_ONE, self.shots.len() >= MOST) {
            (true, _) => self.shots.iter().position(|other| other.target == shot.target),
            (false, true) => Some(0),
            (false, false) => None,
        };
        if let Some(index) = oldest {
            self.shots.remove(index);
        }
        let image = Image { id: shot.id.clone(), format: picture.format, data: picture.data.as_slice().into() };
        self.images.push_back(image);
        while self.images.len() > MOST_IMAGES || self.bytes() > MOST_BYTES {
            self.images.pop_front();
        }
        let shot = Arc::new(shot);
        self.shots.push_back(Arc::clone(&shot));
        shot
    }

    fn bytes(&self) -> usize {
        self.images.iter().map(|image| image.data.len()).sum()
    }

    /// The picture of this name.
    pub(super) fn get(&self, id: &str) -> Option<Arc<Shot>> {
        self.shots.iter().find(|shot| shot.id == id).cloned()
    }

    /// The last picture of a desktop.
    fn last(&self, target: &Target) -> Option<Arc<Shot>> {
        self.shots.iter().rev().find(|shot| shot.target == *target).cloned()
    }

    /// A picture is what a desktop shows once more: it is its last one again.
    fn again(&mut self, id: &str) {
        if let Some(index) = self.shots.iter().position(|shot| shot.id == id)
            && let Some(shot) = self.shots.remove(index)
        {
            self.shots.push_back(shot);
        }
    }

    /// The names of the pictures whose pixels are kept, the newest first.
    pub(super) fn kept(&self) -> Vec<String> {
        self.images.iter().rev().map(|image| image.id.clone()).collect()
    }

    /// The pixels of a picture, encoded, as long as they are kept.
    pub(super) fn image(&self, id: &str) -> Option<(PictureFormat, Arc<[u8]>)> {
        let image = self.images.iter().find(|image| image.id == id)?;
        Some((image.format, Arc::clone(&image.data)))
    }
}

impl Shot {
    /// What asks whether a picture like it would show the same.
    pub(super) fn asked_again(&self) -> CaptureParams {
        CaptureParams { unless_shot: (self.pixels != 0).then_some(self.pixels), ..self.asked.clone() }
    }

    /// The point of the desktop that a pixel shows. What lies outside is refused: clamping would click something that
    /// nobody pointed at.
    pub(super) fn point(&self, x: f64, y: f64) -> Result<Point, ToolError> {
        self.mapping.to_desktop(x, y).ok_or_else(|| {
            let (width, height) = self.mapping.picture;
            refused(format!(
                "{x},{y} is outside the picture {} of {width}x{height} pixels; count in its pixels, or take another \
                 screenshot",
                self.id
            ))
        })
    }
}

impl Session {
    /// What is to be known before a picture is taken.
    pub(super) async fn before(&self, target: &Target, asked: &CaptureParams) -> Result<Before, ToolError> {
        let key = self.key(target)?;
        let displays = told(self.call::<DisplayDisplays>(target, &()).await)?;
        let window = match &asked.window_id {
            Some(id) => told(self.call::<WindowsList>(target, &()).await)?.and_then(|windows| place_of(&windows, id)),
            None => None,
        };
        let layout = displays.as_deref().map(places);
        Ok(Before { key, displays: displays.unwrap_or_default(), layout, window })
    }

    /// Remembers a picture that is shown to whoever calls, and gives it a name.
    pub(super) fn show(
        &self,
        target: &Target,
        asked: &CaptureParams,
        before: Before,
        picture: &Picture,
        marks: Option<Marks>,
    ) -> Arc<Shot> {
        let mut shots = self.shots();
        let shot = Shot {
            id: shots.name(),
            target: target.clone(),
            mapping: Mapping::of(picture),
            asked: CaptureParams { unless_shot: None, ..asked.clone() },
            marks,
            key: before.key,
            pixels: picture.shot_id,
            layout: before.layout,
            window: before.window,
        };
        shots.add(shot, picture)
    }

    /// What the host calls by this name is what a desktop shows once more: its picture is the last one again. Nothing
    /// where it would be stale all the same, or is not remembered any more.
    pub(super) fn show_again(&self, target: &Target, pixels: u64, before: &Before) -> Option<Arc<Shot>> {
        let mut shots = self.shots();
        let shot = shots.shots.iter().rev().find(|shot| shot.target == *target && shot.pixels == pixels)?.clone();
        let is_right = (&shot.key, &shot.layout, &shot.window) == (&before.key, &before.layout, &before.window);
        is_right.then(|| {
            shots.again(&shot.id);
            shot
        })
    }

    /// The picture of a desktop that a call means: the one that it names, or the last one. None where there was none yet,
    /// and without a name for callers who cannot be told from others.
    ///
    /// # Errors
    /// When nobody knows the name, or it is that of a picture of another desktop or of another machine than the one that
    /// has the name by now: what was seen there is not to be clicked here.
    pub(super) fn shot(&self, target: &Target, id: Option<&str>) -> Result<Option<Arc<Shot>>, ToolError> {
        let shot = match id {
            Some(id) => self.shots().get(id).ok_or_else(|| {
                refused(format!("no picture with the shot_id {id:?} is remembered; take a new screenshot"))
            })?,
            None if self.is_stateless() => return Ok(None),
            None => match self.shots().last(target) {
                Some(shot) => shot,
                None => return Ok(None),
            },
        };
        if shot.target != *target {
            let why = format!(
                "the picture {} shows {:?} and this call is for {:?}; give the `peer` that it shows, or take a screenshot \
                 of this one",
                shot.id,
                shot.target.name(),
                target.name()
            );
            return Err(refused(why));
        }
        if self.key(target)? != shot.key {
            let why = format!(
                "the picture {} shows the machine that was called {:?} before, with another key; take a new one",
                shot.id,
                target.name()
            );
            return Err(refused(why));
        }
        Ok(Some(shot))
    }

    /// Makes sure that the pixels of a picture are where they were: that the displays are arranged as they were, and that
    /// its window, if it shows one, is where it was and in front at the points that are meant.
    ///
    /// # Errors
    /// When they are not, or when the desktop does not tell any more.
    pub(super) async fn still(&self, shot: &Shot, points: &[Point]) -> Result<(), ToolError> {
        if let Some(layout) = &shot.layout {
            let displays = self.call::<DisplayDisplays>(&shot.target, &()).await?;
            if places(&displays) != *layout {
                let why = "the displays have been rearranged";
                return Err(stale(shot, why));
            }
        }
        let Some((id, was)) = shot.asked.window_id.as_ref().zip(shot.window) else { return Ok(()) };
        let windows = self.call::<WindowsList>(&shot.target, &()).await?;
        match place_of(&windows, id) {
            None => return Err(stale(shot, "its window is gone or hidden")),
            Some(is) if is != was => return Err(stale(shot, "its window has moved")),
            Some(_) => {}
        }
        in_front(shot, &windows, id, points)
    }
}

/// Makes sure that no other window is in front of one at the points that are meant.
///
/// # Errors
/// When one is.
pub(super) fn in_front(shot: &Shot, windows: &[Window], id: &str, points: &[Point]) -> Result<(), ToolError> {
    let covering = points.iter().find_map(|point| covers(windows, id, *point));
    covering.map_or(Ok(()), |over| {
        Err(refused(format!(
            "the window {over} is in front of what the picture {} shows there; bring {id} to the front with the tool app \
             first",
            shot.id
        )))
    })
}

pub(super) fn refused(why: String) -> ToolError {
    Error::invalid(why).into()
}

fn stale(shot: &Shot, why: &str) -> ToolError {
    refused(format!("{why} since the picture {} was taken; take a new screenshot", shot.id))
}

/// What a desktop answers, or nothing where it refuses; only that it cannot be reached is a failure.
pub(super) fn told<T>(answer: Result<T, ToolError>) -> Result<Option<T>, ToolError> {
    match answer {
        Ok(told) => Ok(Some(told)),
        Err(ToolError::Desktop(_) | ToolError::Peer { error: ClientError::Call(Error { .. }), .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// In an order that does not depend on the desktop's.
fn places(displays: &[Display]) -> Vec<Place> {
    let mut places: Vec<Place> = displays
        .iter()
        .take(MOST_DISPLAYS)
        .map(|display| Place { id: kept(&display.id), bounds: display.bounds, scale: display.scale_factor })
        .collect();
    places.sort_by(|one, other| one.id.cmp(&other.id));
    places
}

fn place_of(windows: &[Window], id: &str) -> Option<Rect> {
    windows.iter().find(|window| window.is_called(id) && !window.minimized)?.bounds
}

/// The window that lies over another one at a point. The first is the one in front.
fn covers(windows: &[Window], id: &str, point: Point) -> Option<String> {
    let covered = windows.iter().find(|window| window.is_called(id))?;
    windows
        .iter()
        .take_while(|window| !window.is_called(id))
        .find(|window| window.is_at(point) && window.is_shown_with(covered))
        .map(|window| window.id.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(name: &str) -> Target {
        Target::Peer(name.to_owned())
    }

    fn picture(bytes: usize) -> Picture {
        Picture {
            format: PictureFormat::Png,
            width: 10,
            height: 10,
            area: Rect::new(0.0, 0.0, 20.0, 20.0),
            display_id: None,
            captured_at: 0.0,
            shot_id: 7,
            screen: crate::api::ScreenState::Shown,
            unchanged: false,
            data: vec![1; bytes],
        }
    }

    fn add(shots: &mut Shots, target: &Target, bytes: usize) -> Arc<Shot> {
        let picture = picture(bytes);
        let shot = Shot {
            id: shots.name(),
            target: target.clone(),
            mapping: Mapping::of(&picture),
            asked: CaptureParams::default(),
            marks: None,
            key: None,
            pixels: picture.shot_id,
            layout: None,
            window: None,
        };
        shots.add(shot, &picture)
    }

    #[test]
    fn of_many_pictures_the_oldest_are_forgotten() {
        let mut shots = Shots::default();
        let first = add(&mut shots, &peer("a"), 10);
        for _ in 0..MOST_OF_ONE {
            add(&mut shots, &Target::Local, 10);
        }
        assert!(shots.get(&first.id).is_some(), "those of one desktop do not push out those of others");
        let last = add(&mut shots, &Target::Local, 10);
        assert_eq!(shots.shots.len(), MOST_OF_ONE + 1);
        assert_eq!(shots.last(&Target::Local).unwrap().id, last.id);
        for number in 0..2 * MOST {
            add(&mut shots, &peer(&number.to_string()), 10);
        }
        assert_eq!((shots.shots.len(), shots.images.len()), (MOST, MOST_IMAGES));
        assert!(shots.get(&first.id).is_none());
    }

    #[test]
    fn pixels_are_kept_within_a_budget() {
        let mut shots = Shots::default();
        let first = add(&mut shots, &Target::Local, MOST_BYTES / 2);
        assert_eq!(shots.image(&first.id).unwrap().1.len(), MOST_BYTES / 2);
        let second = add(&mut shots, &Target::Local, MOST_BYTES / 2 + 1);
        assert!(shots.image(&first.id).is_none() && shots.get(&first.id).is_some());
        assert_eq!(shots.kept(), core::slice::from_ref(&second.id));
        add(&mut shots, &Target::Local, MOST_BYTES + 1);
        assert!(shots.kept().is_empty());
    }

    #[test]
    fn names_differ_within_a_session_and_between_two() {
        let (mut one, mut other) = (Shots::default(), Shots::default());
        let names: std::collections::BTreeSet<String> = (0..50).flat_map(|_| [one.name(), other.name()]).collect();
        assert_eq!(names.len(), 100);
        assert!(names.iter().all(|name| name.len() < 12), "{names:?}");
    }

    #[test]
    fn a_picture_that_is_right_again_is_the_last_one() {
        let mut shots = Shots::default();
        let whole = add(&mut shots, &Target::Local, 1);
        add(&mut shots, &Target::Local, 1);
        shots.again(&whole.id);
        assert_eq!(shots.last(&Target::Local).unwrap().id, whole.id);
        shots.again("never");
        assert_eq!(shots.shots.len(), 2);
    }

    #[test]
    fn what_is_in_front_of_a_window_is_found() {
        let window = |id: &str, x: f64, minimized: bool, workspace: &str| Window {
            id: id.to_owned(),
            bounds: Some(Rect::new(x, 0.0, 100.0, 100.0)),
            minimized,
            workspace: Some(workspace.to_owned()),
            ..Window::default()
        };
        let mut windows = [
            window("hidden", 0.0, true, "1"),
            window("elsewhere", 0.0, false, "2"),
            window("front", 0.0, false, "1"),
            window("mine", 50.0, false, "1"),
            window("behind", 0.0, false, "1"),
        ];
        assert_eq!(covers(&windows, "mine", Point::new(60.0, 5.0)), Some("front".to_owned()));
        assert_eq!(covers(&windows, "mine", Point::new(120.0, 5.0)), None);
        assert_eq!((place_of(&windows, "hidden"), place_of(&windows, "none")), (None, None));
        windows[3].id = "0x00400003".to_owned();
        assert_eq!(covers(&windows, "0x400003", Point::new(60.0, 5.0)), Some("front".to_owned()));
        assert_eq!((place_of(&windows, "0x400003").is_some(), place_of(&windows, "0x40000")), (true, None));
    }

    #[test]
    fn the_order_of_the_displays_does_not_matter() {
        let display = |id: &str, x: f64| Display {
            id: id.to_owned(),
            bounds: Rect::new(x, 0.0, 10.0, 10.0),
            scale_factor: 1.0,
            primary: false,
            name: None,
        };
        let (one, other) = (display("1", 0.0), display("2", 10.0));
        assert_eq!(places(&[one.clone(), other.clone()]), places(&[other.clone(), one.clone()]));
        assert_ne!(places(core::slice::from_ref(&one)), places(&[one.clone(), other]));
        assert_ne!(places(&[one]), places(&[display("1", 1.0)]));
    }
}
