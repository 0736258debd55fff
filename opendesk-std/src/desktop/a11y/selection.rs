//! What is selected in an element that has the keyboard: what is typed takes its place.

use core::time::Duration;

use super::bus::TEXT;
use super::faces::Faces;
use super::item::Item;
use super::talk::Talk;
use crate::api::{Error, Result};
use crate::clock;

/// How long a program has to show what the keys for it have selected.
const BY_KEYS: Duration = Duration::from_millis(200);

/// Puts the caret behind all that stands in an element, with nothing selected: toolkits select all of a field that they give
/// the keyboard.
///
/// # Errors
/// [`ErrorCode::InvalidArgument`](crate::api::ErrorCode::InvalidArgument) when something stays selected.
pub(super) async fn end(talk: Talk<'_>, item: &Item) -> Result<()> {
    let end = talk.soon();
    let mut is_asked = false;
    loop {
        let Some(Caret { at, of, selected }) = Caret::of(talk, item).await else { return Ok(()) };
        let is_over = clock::monotonic() >= end;
        match selected {
            0 if at == of || is_over => return Ok(()),
            1.. if is_over => {
                let message = format!(
                    "something is selected in {}, and would be replaced; nothing was typed, press End there first",
                    item.words()
                );
                return Err(Error::invalid(message));
            }
            _ if is_asked => {}
            _ => {
                drop(talk.until(talk.bus.ask::<_, bool>(&item.place, TEXT, "SetCaretOffset", &of)).await);
                for _ in 0..selected {
                    drop(talk.until(talk.bus.ask::<_, bool>(&item.place, TEXT, "RemoveSelection", &0_i32)).await);
                }
                is_asked = true;
            }
        }
        talk.moment().await;
    }
}

/// Selects all that stands in an element in which the keys for it have selected nothing: Chromium looks for the letter where it
/// is on the keyboard, and not every layout has it.
pub(super) async fn all(talk: Talk<'_>, item: &Item) {
    let end = (clock::monotonic() + BY_KEYS).min(talk.deadline);
    loop {
        let Some(Caret { of, selected, .. }) = Caret::of(talk, item).await else { return };
        if of == 0 || selected > 0 {
            return;
        }
        if clock::monotonic() >= end {
            let whole = (0_i32, of);
            drop(talk.until(talk.bus.ask::<_, bool>(&item.place, TEXT, "AddSelection", &whole)).await);
            return;
        }
        talk.moment().await;
    }
}

/// Where the caret is, in characters.
struct Caret {
    at: i32,
    /// How many there are.
    of: i32,
    /// How many parts of them are selected.
    selected: i32,
}

impl Caret {
    /// Nothing where an element does not tell.
    async fn of(talk: Talk<'_>, item: &Item) -> Option<Self> {
        if !item.faces.has(Faces::TEXT) {
            return None;
        }
        let number = async |name: &str| talk.until(talk.bus.property::<i32>(&item.place, TEXT, name)).await?.ok();
        let (at, of) = (number("CaretOffset").await?, number("CharacterCount").await?);
        let asked = talk.until(talk.bus.ask::<_, i32>(&item.place, TEXT, "GetNSelections", &()));
        let selected = asked.await?.ok()?;
        Some(Self { at, of, selected })
    }
}
