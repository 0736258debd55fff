//! Pictures that were taken, so that one that would look the same need not be sent again.

use std::collections::VecDeque;

use crate::api::{CaptureParams, Picture};
use crate::desktop::Frame;

/// Pictures that are remembered. An agent asks about its last one; a few agents take turns.
const REMEMBERED: usize = 64;

/// Names of pictures begin below this, so that they are exact as a JSON number and as a signed integer.
const NAMES: u64 = 1 << 48;

/// What tells one content of the screen from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// The desktop counts its changes.
    Generation(u64),
    /// It does not: what its pixels come to.
    Pixels(Digest),
}

/// What the pixels of a frame, its size and its place come to. Two frames that differ have different digests, but for
/// chance; nobody who paints on the desktop with intent is kept from making two that agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest([u64; 2]);

impl Digest {
    /// Of a frame. Reads all of it: some 2 ms for a full HD one.
    #[must_use]
    pub fn of(frame: &Frame) -> Self {
        let Frame { width, height, pixels, area } = frame;
        let places = [area.x, area.y, area.width, area.height].map(f64::to_bits);
        let mut digest = Self([u64::from(*width), u64::from(*height)]);
        for word in places {
            digest.take(word);
        }
        let (words, rest) = pixels.as_chunks::<8>();
        for word in words {
            digest.take(u64::from_le_bytes(*word) & COLOURS);
        }
        let mut last = [0; 8];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        digest.take(u64::from_le_bytes(last) & COLOURS);
        digest
    }

    /// Two lanes that have nothing in common. In each, a step can be undone, so one word that differs always shows.
    const fn take(&mut self, word: u64) {
        let [one, other] = self.0;
        self.0 = [
            (one.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95),
            (other.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15),
        ];
    }
}

/// The bytes of two pixels that are their colours.
const COLOURS: u64 = u64::from_le_bytes([255, 255, 255, 0, 255, 255, 255, 0]);

/// The last pictures that were taken of a desktop, without their pixels.
#[derive(Debug)]
pub struct Shots {
    next: u64,
    shots: VecDeque<Shot>,
}

#[derive(Debug)]
struct Shot {
    params: CaptureParams,
    content: Content,
    /// Its data is empty.
    picture: Picture,
}

impl Shots {
    /// None yet. Names are counted from a number that depends on `base`, which should be another one after each start:
    /// then a picture of before is not taken for one of now.
    #[must_use]
    pub const fn starting_at(base: u64) -> Self {
        Self { next: base % NAMES + 1, shots: VecDeque::new() }
    }

    /// The picture with this name, without data and said to be unchanged, if taking it again would show the same: it
    /// is remembered, was asked for with the same parameters, whatever their `unless_shot`, and the content is the
    /// same. What the screen is said to be is what it was then.
    #[must_use]
    pub fn unchanged(&self, id: u64, params: &CaptureParams, content: Content) -> Option<Picture> {
        let shot = self.shots.iter().find(|shot| shot.picture.shot_id == id)?;
        (shot.content == content && shot.params == asked(params)).then(|| shot.picture.clone())
    }

    /// Names a picture and remembers it. `content` is what was known before the pixels were taken, so that a change
    /// in between is found the next time.
    pub fn remember(&mut self, params: &CaptureParams, content: Content, picture: &mut Picture) {
        picture.shot_id = self.next;
        self.next += 1;
        if self.shots.len() == REMEMBERED {
            self.shots.pop_front();
        }
        let display_id = picture.display_id.clone();
        let picture = Picture { display_id, unchanged: true, data: Vec::new(), ..*picture };
        self.shots.push_back(Shot { params: asked(params), content, picture });
    }
}

/// What was asked for, apart from what the asker has already.
fn asked(params: &CaptureParams) -> CaptureParams {
    CaptureParams { unless_shot: None, ..params.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{PictureFormat, PictureProfile, Rect, ScreenState};
    use crate::picture::{Rendering, render};

    fn frame() -> Frame {
        let pixels = (0..4 * 33 * 9_u32).map(|index| (index % 253) as u8).collect();
        Frame { width: 33, height: 9, pixels, area: Rect::new(1.0, 2.0, 33.0, 9.0) }
    }

    fn picture() -> Picture {
        render(frame(), &Rendering::default(), Some("one".to_owned()), 7.5).unwrap()
    }

    fn taken(shots: &mut Shots, params: &CaptureParams, content: Content) -> u64 {
        let mut picture = picture();
        shots.remember(params, content, &mut picture);
        assert!(!picture.unchanged && !picture.data.is_empty());
        picture.shot_id
    }

    #[test]
    fn the_same_content_is_unchanged_and_costs_no_data() {
        let mut shots = Shots::starting_at(1000);
        let params = CaptureParams::default();
        let id = taken(&mut shots, &params, Content::Generation(5));
        let again = CaptureParams { unless_shot: Some(id), ..params };
        let same = shots.unchanged(id, &again, Content::Generation(5)).unwrap();
        let expected = Picture { shot_id: id, unchanged: true, data: Vec::new(), ..picture() };
        assert_eq!(same, expected);
        assert_eq!(same.screen, ScreenState::Shown);
        assert_eq!(shots.unchanged(id, &again, Content::Generation(6)), None);
        assert_eq!(shots.unchanged(id + 1, &again, Content::Generation(5)), None);
        assert_eq!(shots.unchanged(0, &again, Content::Generation(5)), None);
        assert_eq!(shots.unchanged(id, &again, Content::Pixels(Digest::of(&frame()))), None);
    }

    #[test]
    fn another_question_has_another_answer() {
        let mut shots = Shots::starting_at(0);
        let params = CaptureParams::default();
        let id = taken(&mut shots, &params, Content::Generation(1));
        for other in [
            CaptureParams { display_id: Some("one".to_owned()), ..params.clone() },
            CaptureParams { region: Some(Rect::default()), ..params.clone() },
            CaptureParams { window_id: Some("7".to_owned()), ..params.clone() },
            CaptureParams { profile: PictureProfile::Native, ..params.clone() },
            CaptureParams { format: PictureFormat::Jpeg, ..params.clone() },
            CaptureParams { cursor: true, ..params.clone() },
            CaptureParams { max_bytes: Some(5000), ..params.clone() },
        ] {
            assert_eq!(shots.unchanged(id, &other, Content::Generation(1)), None, "{other:?}");
        }
        assert!(shots.unchanged(id, &params, Content::Generation(1)).is_some());
    }

    #[test]
    fn names_are_never_used_twice_and_start_where_they_are_told() {
        let mut shots = Shots::starting_at(1_700_000_000_000);
        let ids: Vec<u64> =
            (0..100).map(|count| taken(&mut shots, &CaptureParams::default(), Content::Generation(count))).collect();
        assert_eq!(ids[0], 1_700_000_000_001);
        assert!(ids.is_sorted_by(|earlier, later| earlier < later));
        for base in [0, NAMES - 1, NAMES, u64::MAX] {
            let id = taken(&mut Shots::starting_at(base), &CaptureParams::default(), Content::Generation(0));
            assert!((1..=NAMES).contains(&id), "{base}: {id}");
        }
    }

    #[test]
    fn the_last_sixty_four_are_remembered() {
        let mut shots = Shots::starting_at(0);
        let params = CaptureParams::default();
        let ids: Vec<u64> = (0..70).map(|count| taken(&mut shots, &params, Content::Generation(count))).collect();
        for (generation, id) in (0..).zip(ids) {
            let same = shots.unchanged(id, &params, Content::Generation(generation));
            assert_eq!(same.is_some(), generation >= 70 - 64, "{generation}");
        }
        assert_eq!(shots.shots.len(), REMEMBERED);
    }

    #[test]
    fn any_change_of_a_frame_changes_its_digest() {
        let digest = Digest::of(&frame());
        assert_eq!(Digest::of(&frame()), digest);
        for index in 0..frame().pixels.len() {
            let mut changed = frame();
            changed.pixels[index] ^= 1 << (index % 8);
            assert_eq!(Digest::of(&changed) == digest, index % 4 == 3, "byte {index}");
        }
        let turned = Frame { width: 9, height: 33, ..frame() };
        let moved = Frame { area: Rect::new(1.0, 2.5, 33.0, 9.0), ..frame() };
        let mut shifted = frame();
        shifted.pixels.rotate_left(8);
        let digests = [frame(), turned, moved, shifted].map(|frame| Digest::of(&frame));
        for (index, one) in digests.iter().enumerate() {
            assert!(digests[index + 1..].iter().all(|other| other != one), "{index}");
        }
    }
}
