//! Setting what an element contains.

use core::time::Duration;

use super::act::{Plan, give_keyboard, perform};
use super::actions::{self, SET_VALUE};
use super::bus::{COMPONENT, EDITABLE_TEXT, TEXT, VALUE};
use super::detail;
use super::faces::Faces;
use super::find::{not_taken, usable};
use super::item::Item;
use super::menu;
use super::roles;
use super::states;
use super::talk::{Talk, listed};
use crate::api::{Effect, Error, Result};
use crate::clock;

/// How long a browser has to tell by itself what its page was given, and how often it is made to look after that.
const BY_ITSELF: Duration = Duration::from_millis(100);

/// Sets the content of an element: a text, a number, or one of its choices.
///
/// # Errors
/// [`ErrorCode::InvalidArgument`](crate::api::ErrorCode::InvalidArgument) for what the element cannot contain.
pub(super) async fn set(talk: Talk<'_>, item: &Item, value: &str) -> Result<Plan> {
    if actions::is_number(item) {
        return number(talk, item, value).await;
    }
    if item.is(states::EDITABLE) && item.faces.has(Faces::EDITABLE_TEXT) {
        let readable = item.faces.has(Faces::TEXT) && !item.is_password();
        let before = if readable { Some(content(talk, item).await?) } else { None };
        let _granted: bool =
            talk.answer(item, talk.bus.ask(&item.place, EDITABLE_TEXT, "SetTextContents", &value)).await?;
        let effect = confirm(talk, item, value).await?;
        // A field that takes a part of it, such as so many characters at most, has taken something.
        let is_other = effect == Effect::NoEffect && readable && before != Some(content(talk, item).await?);
        return Ok(Plan::Done(if is_other { Effect::Unverifiable } else { effect }));
    }
    if actions::is_choice(item) {
        return choose(talk, item, value).await.map(Plan::Done);
    }
    if item.is_field() {
        // Chromium shows fields that it lets nobody set.
        give_keyboard(talk, item).await?;
        return Ok(Plan::Replace(item.clone(), value.to_owned()));
    }
    Err(not_taken(item, SET_VALUE, Vec::new()))
}

/// Whether an element contains a text. Of a password only the length can be compared: it shows dots. A browser takes a moment to
/// show what its page was given.
pub(super) async fn confirm(talk: Talk<'_>, item: &Item, text: &str) -> Result<Effect> {
    if !item.faces.has(Faces::TEXT) {
        return Ok(Effect::Unverifiable);
    }
    let end = talk.soon();
    let mut look = clock::monotonic() + BY_ITSELF;
    loop {
        let effect = contains(talk, item, text).await?;
        let now = clock::monotonic();
        if effect != Effect::NoEffect || now >= end {
            return Ok(effect);
        }
        if now >= look {
            look_again(Talk { deadline: end.min(talk.deadline), ..talk }, item).await;
            look = now + BY_ITSELF;
        }
        talk.moment().await;
    }
}

/// Chromium goes on telling what stood in a field that proposes choices before it was typed into quickly, until something else
/// happens to the field. It reads an element anew when it is asked what is at a point of it, which changes nothing.
async fn look_again(talk: Talk<'_>, item: &Item) {
    let Some(bounds) = talk.until(detail::bounds(talk.bus, item)).await.flatten() else { return };
    let center = bounds.center();
    // Of the screen, as the bounds are.
    let point = (center.x as i32, center.y as i32, 0_u32);
    // What is there is not asked for.
    let _asked = talk.until(talk.bus.tell(&item.place, COMPONENT, "GetAccessibleAtPoint", &point)).await;
}

async fn contains(talk: Talk<'_>, item: &Item, text: &str) -> Result<Effect> {
    if item.is_password() {
        let asked = talk.bus.property::<i32>(&item.place, TEXT, "CharacterCount");
        let count = usize::try_from(talk.answer(item, asked).await?).unwrap_or_default();
        return Ok(if count == text.chars().count() { Effect::Unverifiable } else { Effect::NoEffect });
    }
    // What stands in a field of numbers is not always what the program takes it for, and the parts of a date have no text.
    let is_wanted = match text.trim().parse().ok().filter(|_| actions::is_number(item)) {
        Some(wanted) => current(talk, item).await.is_some_and(|now| is_same(now, wanted)),
        None => content(talk, item).await? == text,
    };
    Ok(if is_wanted { Effect::Confirmed } else { Effect::NoEffect })
}

async fn content(talk: Talk<'_>, item: &Item) -> Result<String> {
    let whole = (0_i32, -1_i32);
    talk.answer(item, talk.bus.ask(&item.place, TEXT, "GetText", &whole)).await
}

async fn number(talk: Talk<'_>, item: &Item, value: &str) -> Result<Plan> {
    let limit = async |name: &str| {
        let asked = talk.until(talk.bus.property::<f64>(&item.place, VALUE, name)).await;
        // A browser that has no limit to tell refuses the question.
        asked.and_then(core::result::Result::ok)
    };
    let limits = limit("MinimumValue").await.zip(limit("MaximumValue").await);
    let wanted = wanted(value, limits).map_err(|why| Error::invalid(format!("{} {why}", item.words())))?;
    let before = current(talk, item).await;
    talk.answer(item, talk.bus.set_number(&item.place, VALUE, "CurrentValue", wanted)).await?;
    let end = talk.soon();
    let now = loop {
        let now = current(talk, item).await;
        // A browser says zero of a field in which nothing stands.
        let says_nothing = async || wanted == 0.0 && content(talk, item).await.is_ok_and(|said| said.is_empty());
        if now.is_some_and(|now| is_same(now, wanted)) && !says_nothing().await {
            return Ok(Plan::Done(Effect::Confirmed));
        }
        if clock::monotonic() >= end {
            break now;
        }
        talk.moment().await;
    };
    let has_taken = |(before, now): (f64, f64)| before.is_finite() && now.is_finite() && !is_same(before, now);
    if before.zip(now).is_some_and(has_taken) {
        // It has taken something, such as the nearest whole number.
        return Ok(Plan::Done(Effect::Unverifiable));
    }
    if item.role == roles::SPIN_BUTTON && item.is(states::FOCUSABLE) {
        // Browsers take no number for a field without limits, nor for the parts of a date, and say nothing of it.
        give_keyboard(talk, item).await?;
        return Ok(Plan::Replace(item.clone(), value.trim().to_owned()));
    }
    Ok(Plan::Done(Effect::NoEffect))
}

async fn current(talk: Talk<'_>, item: &Item) -> Option<f64> {
    talk.until(talk.bus.property::<f64>(&item.place, VALUE, "CurrentValue")).await?.ok()
}

/// The number that a value is, if it can be set.
fn wanted(value: &str, limits: Option<(f64, f64)>) -> core::result::Result<f64, String> {
    let number: Option<f64> = value.trim().parse().ok().filter(|number: &f64| number.is_finite());
    // Some toolkits give no limits, as two equal ones.
    match (number, limits.filter(|(least, greatest)| least < greatest)) {
        (Some(number), Some((least, greatest))) if (least..=greatest).contains(&number) => Ok(number),
        (Some(number), None) => Ok(number),
        (_, Some((least, greatest))) => Err(format!("takes a number from {least} to {greatest}")),
        (None, None) => Err("takes a number".to_owned()),
    }
}

fn is_same(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-9 * one.abs().max(1.0)
}

async fn choose(talk: Talk<'_>, item: &Item, value: &str) -> Result<Effect> {
    let choice = match menu::below(talk, item, value).await? {
        Ok(choice) => choice,
        Err(choices) if choices.is_empty() => return Err(not_taken(item, SET_VALUE, Vec::new())),
        Err(choices) => {
            let choices = listed(choices);
            return Err(Error::invalid(format!("{} has no such choice; there are {choices}", item.words())));
        }
    };
    usable(&choice)?;
    let names = talk.answer(&choice, actions::names(talk.bus, &choice.place)).await?;
    let Some(index) = actions::default(&names) else {
        return Err(not_taken(&choice, SET_VALUE, names));
    };
    let effect = perform(talk, &choice, index).await?;
    let label = choice.label();
    let end = talk.soon();
    loop {
        // What is chosen is told by the list, not by the choice.
        let chosen = talk.until(detail::chosen(talk.bus, item)).await.flatten();
        if chosen.as_ref() == Some(&label) {
            return Ok(Effect::Confirmed);
        }
        if clock::monotonic() >= end {
            return Ok(if chosen.is_some() { Effect::NoEffect } else { effect });
        }
        talk.moment().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_within_its_limits() {
        assert_eq!(wanted(" 42 ", Some((0.0, 100.0))), Ok(42.0));
        assert_eq!(wanted("-3.5", Some((0.0, 0.0))), Ok(-3.5), "no limits");
        for refused in ["", "many", "101", "-1", "NaN", "inf"] {
            assert_eq!(
                wanted(refused, Some((0.0, 100.0))),
                Err("takes a number from 0 to 100".to_owned()),
                "{refused}"
            );
        }
        assert_eq!(wanted("many", None), Err("takes a number".to_owned()));
    }

    #[test]
    fn what_a_number_was_set_to_is_what_it_is_after_rounding_errors() {
        assert!(is_same(0.1 + 0.2, 0.3) && is_same(0.0, 0.0));
        assert!(!is_same(42.0, 42.5));
    }
}
