//! Typing text of any script, whatever the layout.
//!
//! Characters that the layout has are typed on their keys. The others are put on keycodes that mean nothing, as many
//! at once as there is room for, with one change of the keyboard map: programs hear of every change and read the
//! map anew, and a change for each character would overtake them and garble the text. For the same reason the map is
//! changed back late ([`super::lent`]).

use core::time::Duration;

use x11rb::connection::Connection as _;
use x11rb::protocol::xkb::{ConnectionExt as _, Group};
use x11rb::protocol::xproto::{KEY_PRESS_EVENT, KEY_RELEASE_EVENT, ModMask};

use super::connection::Outcome;
use super::input::{CORE_KEYBOARD, Input, wait};
use super::keymap::{Keymap, Stroke};
use super::keysym;
use crate::api::{Effect, Error, Result};
use crate::cancel::Cancel;

/// The part of a text that is typed with one change of the map.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Chunk {
    /// Keysyms that the layout lacks: two to each spare keycode, in the order of [`Keymap::spare`].
    borrowed: Vec<u32>,
    strokes: Vec<Stroke>,
}

impl Chunk {
    /// The stroke for a keysym that the layout lacks; `None` when this chunk has no more room.
    fn borrow(&mut self, keysym: u32, spare: &[u8], levels: usize) -> Option<Stroke> {
        let index = match self.borrowed.iter().position(|borrowed| *borrowed == keysym) {
            Some(index) => index,
            None if self.borrowed.len() < spare.len() * levels => {
                self.borrowed.push(keysym);
                self.borrowed.len() - 1
            }
            None => return None,
        };
        Some(Stroke { keycode: *spare.get(index / levels)?, shift: index % levels == 1 })
    }

    /// What each borrowed keycode means. Both levels are always filled: a server makes a capital of an empty
    /// second one, and the small letter of the first.
    fn replaced(&self, spare: &[u8], levels: usize) -> Vec<(u8, [u32; 2])> {
        let both = |keysyms: &[u32]| [keysyms[0], keysyms[keysyms.len() - 1]];
        spare.iter().copied().zip(self.borrowed.chunks(levels).map(both)).collect()
    }
}

/// A text as strokes on one layout.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Plan {
    spare: Vec<u8>,
    /// How many characters fit on a borrowed key: one where nothing reaches the second.
    levels: usize,
    chunks: Vec<Chunk>,
}

impl Plan {
    /// Plans a whole text before any of it is typed.
    fn new(text: &str, map: &Keymap) -> Result<Self> {
        let known = map.all_characters();
        let levels = if map.shift().is_some() { 2 } else { 1 };
        let mut plan = Self { spare: map.spare(), levels, chunks: Vec::new() };
        let mut chunk = Chunk::default();
        for symbol in symbols(text)? {
            let (stroke, keysym) = match symbol {
                Symbol::Character(character) => (known.get(&character).copied(), keysym::of_char(character)),
                Symbol::Key(keysym) => (map.key(keysym).map(|keycode| Stroke { keycode, shift: false }), Some(keysym)),
            };
            let borrowed = || {
                let keysym = keysym?;
                chunk.borrow(keysym, &plan.spare, levels).or_else(|| {
                    plan.chunks.push(core::mem::take(&mut chunk));
                    chunk.borrow(keysym, &plan.spare, levels)
                })
            };
            let Some(stroke) = stroke.or_else(borrowed) else {
                return Err(Error::invalid(format!(
                    "the keyboard layout has no key for {} and no free key to put it on; change the layout",
                    symbol.label()
                )));
            };
            chunk.strokes.push(stroke);
        }
        plan.chunks.push(chunk);
        Ok(plan)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Symbol {
    Character(char),
    /// A key that is no character, by its keysym.
    Key(u32),
}

impl Symbol {
    fn label(self) -> String {
        match self {
            Self::Character(character) => format!("{character:?}"),
            Self::Key(keysym::TAB) => "Tab".to_owned(),
            Self::Key(_) => "Return".to_owned(),
        }
    }
}

/// Reads line ends and tabs as the keys that make them.
fn symbols(text: &str) -> Result<Vec<Symbol>> {
    let mut symbols = Vec::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    let mut position = 0;
    while let Some(character) = characters.next() {
        symbols.push(match character {
            '\n' => Symbol::Key(keysym::RETURN),
            '\t' => Symbol::Key(keysym::TAB),
            '\r' if characters.next_if_eq(&'\n').is_some() => {
                position += 1;
                Symbol::Key(keysym::RETURN)
            }
            control if control.is_control() => {
                return Err(Error::invalid(format!(
                    "the text has the control character U+{:04X} at position {position} (counted from 0), which no \
                     key types; leave it out, only line ends and tabs can be typed",
                    u32::from(control)
                )));
            }
            other => Symbol::Character(other),
        });
        position += 1;
    }
    Ok(symbols)
}

impl Input {
    /// Types a text; what it changed in the keyboard map is given back later. Keys that are held stay held and act on what is typed.
    pub(super) fn type_text(&mut self, text: &str, pause: Duration, cancel: &Cancel) -> Outcome<Effect> {
        self.begin("input.text")?;
        if !self.can_type() {
            return Err(self.wire.cannot("input.text", "has no XKEYBOARD extension").into());
        }
        let map = self.keymap()?;
        let plan = Plan::new(text, &map)?;
        cancel.check()?;
        let locked = self.unlock()?;
        let typed = self.type_plan(&plan, &map, pause, cancel);
        let relocked = if u16::from(locked) == 0 { Ok(()) } else { self.lock(locked).and_then(|()| self.finish()) };
        typed.and(relocked)?;
        // What the program made of it is only the program's to say.
        Ok(Effect::Unverifiable)
    }

    fn type_plan(&mut self, plan: &Plan, map: &Keymap, pause: Duration, cancel: &Cancel) -> Outcome<()> {
        for chunk in &plan.chunks {
            let replaced = chunk.replaced(&plan.spare, plan.levels);
            if !replaced.is_empty() {
                cancel.check()?;
                self.lend(map, &replaced)?;
            }
            let typed = self.type_strokes(&chunk.strokes, map.shift(), pause, cancel);
            // What was typed up to an error or a cancel still has to be looked up in this map.
            let finished = self.finish();
            if !replaced.is_empty() {
                self.used_loans();
            }
            typed.and(finished)?;
        }
        Ok(())
    }

    fn type_strokes(&self, strokes: &[Stroke], shift: Option<u8>, pause: Duration, cancel: &Cancel) -> Outcome<()> {
        for stroke in strokes {
            cancel.check()?;
            // A Shift that is held for somebody else is not let go by typing.
            let shift = shift.filter(|_| stroke.shift && self.shift_down.is_none());
            if let Some(shift) = shift {
                self.fake(KEY_PRESS_EVENT, shift)?;
            }
            self.fake(KEY_PRESS_EVENT, stroke.keycode)?;
            self.fake(KEY_RELEASE_EVENT, stroke.keycode)?;
            if let Some(shift) = shift {
                self.fake(KEY_RELEASE_EVENT, shift)?;
            }
            if !pause.is_zero() {
                self.wire.x.flush()?;
                rest(pause, cancel)?;
            }
        }
        Ok(())
    }

    /// Lets go of Caps Lock and every other locked or latched modifier, and tells which were locked.
    fn unlock(&self) -> Outcome<ModMask> {
        let state = self.wire.x.xkb_get_state(CORE_KEYBOARD.into())?.reply()?;
        if u16::from(state.locked_mods | state.latched_mods) != 0 {
            self.lock(ModMask::default())?;
        }
        Ok(state.locked_mods)
    }

    /// Locks exactly these modifiers.
    fn lock(&self, modifiers: ModMask) -> Outcome<()> {
        let all = ModMask::from(u8::MAX);
        drop(self.wire.x.xkb_latch_lock_state(
            CORE_KEYBOARD.into(),
            all,
            modifiers,
            false,
            Group::M1,
            all,
            false,
            0,
        )?);
        Ok(())
    }
}

/// Waits in pieces, so that a cancelled call ends soon.
fn rest(pause: Duration, cancel: &Cancel) -> Result<()> {
    const PIECE: Duration = Duration::from_millis(20);
    let mut left = pause;
    while !left.is_zero() {
        cancel.check()?;
        let piece = left.min(PIECE);
        wait(piece);
        left -= piece;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::keymap::samples::layout;
    use super::*;
    use crate::api::ErrorCode;

    /// The first and last keycode that any chunk borrows.
    fn span(plan: &Plan) -> Option<(u8, u8)> {
        let most = plan.chunks.iter().map(|chunk| chunk.borrowed.len().div_ceil(plan.levels)).max()?;
        // From the highest down.
        Some((*plan.spare.get(most.checked_sub(1)?)?, *plan.spare.first()?))
    }

    /// What the strokes of a plan come out as: the server's side of typing.
    fn typed(plan: &Plan, map: &Keymap) -> String {
        let mut text = String::new();
        for chunk in &plan.chunks {
            let replaced = chunk.replaced(&plan.spare, plan.levels);
            for stroke in &chunk.strokes {
                let borrowed = replaced.iter().find(|(keycode, _)| *keycode == stroke.keycode);
                let layout = || map.all_characters().into_iter().find(|(_, known)| known == stroke).map(|(c, _)| c);
                let named = |keysym, meaning| (map.key(keysym) == Some(stroke.keycode)).then_some(meaning);
                let character = match borrowed {
                    Some((_, pair)) => keysym::char_of(pair[usize::from(stroke.shift)]),
                    None => layout().or_else(|| named(keysym::RETURN, '\n')).or_else(|| named(keysym::TAB, '\t')),
                };
                text.push(character.unwrap());
            }
        }
        text
    }

    fn check(text: &str, group: u8) -> Plan {
        let map = layout(group);
        let plan = Plan::new(text, &map).unwrap();
        assert_eq!(typed(&plan, &map), text, "group {group}");
        plan
    }

    #[test]
    fn characters_of_the_layout_need_no_change_of_the_map() {
        let plan = check("aQ1! '#\n\tq", 0);
        assert_eq!(span(&plan), None);
        assert_eq!(plan.chunks.len(), 1);
        assert!(plan.chunks[0].borrowed.is_empty());
        check("йЙфФ 1!", 1);
    }

    #[test]
    fn other_characters_share_one_change() {
        let plan = check("aжaЖ世🚀ж", 0);
        assert_eq!(plan.chunks.len(), 1);
        assert_eq!(plan.chunks[0].borrowed.len(), 4, "each character once");
        assert_eq!(span(&plan), Some((16, 20)), "two of the three spare keys, from the highest down");
    }

    #[test]
    fn characters_of_other_groups_and_unknown_groups_are_borrowed() {
        assert_eq!(check("q", 1).chunks[0].borrowed, [0x71]);
        assert_eq!(check("aй\n", 2).chunks[0].borrowed, [0x61, 0x0100_0439]);
    }

    #[test]
    fn a_longer_text_is_typed_in_chunks() {
        let plan = check("бвгдежзиклмнопб", 0);
        assert_eq!(plan.chunks.len(), 3, "six fit at once, and the last one is needed again");
        assert!(plan.chunks.iter().all(|chunk| chunk.borrowed.len() <= 6));
        assert_eq!(span(&plan), Some((11, 20)));
    }

    #[test]
    fn both_levels_of_a_borrowed_key_are_filled() {
        let plan = check("ЖЖ", 0);
        let replaced = plan.chunks[0].replaced(&plan.spare, plan.levels);
        assert_eq!(replaced, [(20, [0x0100_0416; 2])], "a capital alone would come out small");
    }

    #[test]
    fn without_a_shift_key_each_borrowed_key_has_one_character() {
        let map = Keymap::new(8, 2, vec![0x61, 0, 0, 0, 0, 0], 0, vec![]);
        let plan = Plan::new("aжЖ", &map).unwrap();
        assert!(plan.chunks[0].strokes.iter().all(|stroke| !stroke.shift));
        assert_eq!(typed(&plan, &map), "aжЖ");
        assert_eq!(span(&plan), Some((9, 10)));
    }

    #[test]
    fn a_layout_without_room_refuses_and_names_the_character() {
        let map = Keymap::new(8, 2, vec![0x61, 0], 0, vec![]);
        let error = Plan::new("aaж", &map).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidArgument);
        assert!(error.message.contains("'ж'"), "{error}");
        assert!(Plan::new("a\n", &map).unwrap_err().message.contains("Return"));
    }

    #[test]
    fn line_ends_are_one_return_each() {
        let map = layout(0);
        assert_eq!(Plan::new("a\r\na\n\r\n", &map), Plan::new("a\na\n\n", &map));
    }

    #[test]
    fn control_characters_are_refused_with_their_position() {
        for (text, code, position) in [("a\u{7}", "U+0007", 1), ("\r\n\r", "U+000D", 2), ("äö\u{9b}", "U+009B", 2)] {
            let error = Plan::new(text, &layout(0)).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidArgument);
            assert!(error.message.contains(code), "{error}");
            assert!(error.message.contains(&format!("position {position} ")), "{error}");
        }
    }

    #[test]
    fn an_empty_text_types_nothing() {
        assert_eq!(check("", 0).chunks, [Chunk::default()]);
    }

    #[test]
    fn any_text_comes_out_as_it_went_in() {
        let alphabet: Vec<char> = "aAqQ1! '#\n\tжЖйéßœ€世界🚀ąΩאက\u{301}\u{200d}".chars().collect();
        let mut seed = 1_u64;
        let mut draw = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize % below
        };
        for round in 0..300 {
            let text: String = (0..draw(40)).map(|_| alphabet[draw(alphabet.len())]).collect();
            check(&text, (round % 4) as u8);
        }
    }
}
