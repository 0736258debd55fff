//! What can be done to an element: what its application calls it, and what is done here for it.

use std::collections::HashMap;

use futures_util::future::join_all;

use super::bus::{ACTION, Answer, Bus, Place};
use super::faces::Faces;
use super::item::{Item, bounded};
use super::talk::Talk;
use super::{roles, states};

pub(super) const CLICK: &str = "click";
pub(super) const FOCUS: &str = "focus";
pub(super) const KEY: &str = "key";
pub(super) const MENU: &str = "menu";
pub(super) const PRESS: &str = "press";
pub(super) const SET_VALUE: &str = "set_value";
pub(super) const TYPE: &str = "type";

/// What toolkits call the thing that a click does, the surest first.
const DEFAULTS: [&str; 10] =
    [CLICK, PRESS, "activate", "toggle", "jump", "open", "check", "uncheck", "select", "dodefault"];

/// The most actions of one element that are looked at.
const MOST: usize = 8;

/// The actions of an element in the words of people: name, description, key. Applications translate these names.
type Shown = Vec<(String, String, String)>;

/// What an application calls the actions of an element in the language of the person at the machine, in order.
pub(super) async fn shown(bus: &Bus, place: &Place) -> Answer<Vec<String>> {
    let shown: Shown = bus.ask(place, ACTION, "GetActions", &()).await?;
    Ok(shown.into_iter().take(MOST).map(|(name, ..)| bounded(name)).collect())
}

/// What programs call the actions of an element, in order: the same in every language.
pub(super) async fn names(bus: &Bus, place: &Place) -> Answer<Vec<String>> {
    let shown = shown(bus, place).await?;
    let asked = (0..shown.len()).map(|index| name(bus, place, index));
    let names = join_all(asked).await;
    Ok(names.into_iter().zip(shown).map(|(name, shown)| chosen(name.ok(), &shown)).collect())
}

async fn name(bus: &Bus, place: &Place, index: usize) -> Answer<String> {
    let index = i32::try_from(index).unwrap_or(i32::MAX);
    bus.ask(place, ACTION, "GetName", &index).await.map(bounded)
}

fn chosen(name: Option<String>, shown: &str) -> String {
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| shown.to_lowercase())
}

/// Actions of an element whose names are asked for.
pub(super) struct Wanted<'a> {
    pub(super) place: &'a Place,
    /// What people call them. A word of an application always stands for the same name.
    pub(super) shown: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Word {
    /// One of the application's, wherever it stands.
    Of(String),
    /// None at all, for this action of this element.
    Nothing(usize, usize),
}

/// What programs call the actions of many elements. One that has been translated is asked for once, not for every
/// button.
pub(super) async fn translated(talk: Talk<'_>, wanted: Vec<Wanted<'_>>) -> Vec<Vec<String>> {
    let words = |element: usize, shown: &[String]| -> Vec<Word> {
        let word = |(index, word): (usize, &String)| {
            if word.is_empty() { Word::Nothing(element, index) } else { Word::Of(word.clone()) }
        };
        shown.iter().enumerate().map(word).collect()
    };
    let mut questions: HashMap<Word, (&Place, usize)> = HashMap::new();
    for (element, one) in wanted.iter().enumerate() {
        for (index, word) in words(element, &one.shown).into_iter().enumerate() {
            questions.entry(word).or_insert((one.place, index));
        }
    }
    let mut names: HashMap<Word, String> = HashMap::new();
    let bus = talk.bus;
    let asked =
        questions.into_iter().map(|(word, (place, index))| async move { (word, name(bus, place, index).await.ok()) });
    talk.ticker
        .gather(talk.deadline, asked, |(word, name)| {
            if let Some(name) = name {
                names.insert(word, name);
            }
        })
        .await;
    let named = |(element, one): (usize, &Wanted<'_>)| {
        let words = words(element, &one.shown).into_iter().zip(&one.shown);
        words.map(|(word, shown)| chosen(names.get(&word).cloned(), shown)).collect()
    };
    wanted.iter().enumerate().map(named).collect()
}

/// Which of the actions of an element a click stands for.
pub(super) fn default(names: &[String]) -> Option<usize> {
    let position = |wanted: &&str| names.iter().position(|name| name.eq_ignore_ascii_case(wanted));
    // By convention the first one is what its person expects.
    DEFAULTS.iter().find_map(position).or_else(|| (!names.is_empty()).then_some(0))
}

/// Everything that [`UiAction`](crate::api::UiAction) can do to an element whose application has these names for
/// actions.
pub(super) fn all(item: &Item, names: Vec<String>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let focusable = item.is(states::FOCUSABLE) && item.faces.has(Faces::COMPONENT);
    let own = [
        (item.is_field() || !names.is_empty()).then_some(CLICK),
        focusable.then_some(FOCUS),
        item.is_field().then_some(TYPE),
        is_settable(item).then_some(SET_VALUE),
        focusable.then_some(KEY),
    ];
    let own = own.into_iter().flatten().map(str::to_owned);
    for name in own.chain(names) {
        if !name.is_empty() && !all.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
            all.push(name);
        }
    }
    all
}

/// Whether an element has a content that can be set.
pub(super) fn is_settable(item: &Item) -> bool {
    let text = item.is(states::EDITABLE) && (item.faces.has(Faces::EDITABLE_TEXT) || item.is_field());
    text || is_number(item) || is_choice(item)
}

/// Whether its content is a number that can be set.
pub(super) const fn is_number(item: &Item) -> bool {
    item.faces.has(Faces::VALUE) && !roles::is_gauge(item.role)
}

/// Whether its content is one of some that are given. In a browser a box that can be edited is a field, whatever it proposes.
pub(super) fn is_choice(item: &Item) -> bool {
    item.role == roles::COMBO_BOX
        && (item.faces.has(Faces::SELECTION) || (item.faces.has(Faces::ACTION) && !item.is(states::EDITABLE)))
}

#[cfg(test)]
mod tests {
    use super::super::item::tests::item;
    use super::*;

    fn owned(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_click_is_what_the_toolkit_means_by_it() {
        for (names, index) in [
            (&["click"][..], Some(0)),
            (&["expand or contract", "edit", "activate"], Some(2)),
            (&["doDefault", "showContextMenu"], Some(0)),
            (&["clickAncestor", "showContextMenu"], Some(0)),
            (&[], None),
        ] {
            assert_eq!(default(&owned(names)), index, "{names:?}");
        }
    }

    #[test]
    fn the_list_has_what_is_done_here_and_no_name_twice() {
        let mut button = item(43, "Save");
        assert_eq!(all(&button, owned(&["Click", ""])), ["click"]);
        button.states |= states::FOCUSABLE;
        button.faces = Faces::COMPONENT;
        assert_eq!(all(&button, owned(&["press"])), ["click", "focus", "key", "press"]);
        assert_eq!(all(&item(roles::LABEL, "Name"), Vec::new()), Vec::<String>::new());
    }

    #[test]
    fn fields_take_text_and_sliders_take_numbers() {
        let mut field = item(roles::TEXT, "Name");
        field.states |= states::EDITABLE | states::FOCUSABLE;
        field.faces = Faces::COMPONENT;
        assert_eq!(all(&field, owned(&["activate"])), ["click", "focus", "type", "set_value", "key", "activate"]);
        let mut slider = item(51, "Volume");
        slider.faces = Faces::VALUE;
        assert_eq!(all(&slider, Vec::new()), ["set_value"]);
        let mut progress = item(roles::PROGRESS_BAR, "");
        progress.faces = Faces::VALUE;
        assert_eq!(all(&progress, Vec::new()), Vec::<String>::new());
    }

    #[test]
    fn a_name_that_programs_have_is_better_than_one_for_people() {
        assert_eq!(chosen(Some("click".to_owned()), "Klicken"), "click");
        assert_eq!(chosen(Some(String::new()), "Klicken"), "klicken");
        assert_eq!(chosen(None, "Klicken"), "klicken");
    }
}
