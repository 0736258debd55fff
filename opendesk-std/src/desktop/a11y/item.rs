//! One element as its application describes it.

use futures_util::future::join5;

use super::bus::{ACCESSIBLE, Answer, Bus, Place};
use super::faces::Faces;
use super::{roles, states};

/// The longest name that is given, in characters. Documents have some that are whole paragraphs.
const NAME_CHARACTERS: usize = 1024;

#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) place: Place,
    pub(super) role: u32,
    pub(super) states: u64,
    pub(super) faces: Faces,
    pub(super) name: String,
    pub(super) description: String,
    /// How many children it says it has. Large lists do not say.
    pub(super) count: Option<usize>,
}

impl Item {
    /// Asks for one element. Long names are cut.
    pub(super) async fn ask(bus: &Bus, place: &Place) -> Answer<Self> {
        let nothing = ();
        let (role, states, faces, name, count) = join5(
            bus.ask::<_, u32>(place, ACCESSIBLE, "GetRole", &nothing),
            bus.ask::<_, Vec<u32>>(place, ACCESSIBLE, "GetState", &nothing),
            bus.ask::<_, Vec<String>>(place, ACCESSIBLE, "GetInterfaces", &nothing),
            bus.property::<String>(place, ACCESSIBLE, "Name"),
            bus.property::<i32>(place, ACCESSIBLE, "ChildCount"),
        )
        .await;
        let name = bounded(name.unwrap_or_default());
        let description = if name.is_empty() {
            bounded(bus.property::<String>(place, ACCESSIBLE, "Description").await.unwrap_or_default())
        } else {
            String::new()
        };
        Ok(Self {
            place: place.clone(),
            role: role?,
            states: states::joined(&states?),
            faces: Faces::named(faces.unwrap_or_default().iter().map(String::as_str)),
            name,
            description,
            count: count.ok().and_then(|count| usize::try_from(count).ok()),
        })
    }

    /// The states that an element has now.
    pub(super) async fn states_of(bus: &Bus, place: &Place) -> Answer<u64> {
        let halves: Vec<u32> = bus.ask(place, ACCESSIBLE, "GetState", &()).await?;
        Ok(states::joined(&halves))
    }

    /// The word for its kind.
    pub(super) fn word(&self) -> &'static str {
        roles::word(self.role, self.states)
    }

    /// What it is called: its name, or else what it is described as.
    pub(super) fn label(&self) -> String {
        if self.name.is_empty() { self.description.clone() } else { self.name.clone() }
    }

    /// How errors name it.
    pub(super) fn words(&self) -> String {
        format!("the {} {:?}", self.word(), self.label())
    }

    pub(super) fn is(&self, bits: u64) -> bool {
        self.states & bits != 0
    }

    /// Whether text can be typed into it.
    pub(super) fn is_field(&self) -> bool {
        self.is(states::EDITABLE) && self.is(states::FOCUSABLE)
    }

    pub(super) const fn is_password(&self) -> bool {
        self.role == roles::PASSWORD_TEXT
    }

    /// Whether it can be used.
    pub(super) fn is_enabled(&self) -> bool {
        // An application has no states.
        states::is_enabled(self.states) || self.role == roles::APPLICATION
    }
}

/// A name as it is kept.
pub(super) fn bounded(mut name: String) -> String {
    if let Some((end, _)) = name.char_indices().nth(NAME_CHARACTERS) {
        name.truncate(end);
        name.shrink_to_fit();
    }
    name
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An element that shows and can be used.
    pub(in super::super) fn item(role: u32, name: &str) -> Item {
        Item {
            place: Place::new(":1.7", &format!("/{role}/{name}")),
            role,
            states: states::SHOWING | states::ENABLED | states::SENSITIVE,
            faces: Faces::default(),
            name: name.to_owned(),
            description: String::new(),
            count: Some(0),
        }
    }

    #[test]
    fn what_has_no_name_is_called_what_it_is_described_as() {
        let mut entry = item(roles::TEXT, "");
        entry.description = "Search".to_owned();
        assert_eq!((entry.label(), entry.words()), ("Search".to_owned(), "the text \"Search\"".to_owned()));
        entry.name = "Find".to_owned();
        assert_eq!(entry.label(), "Find");
    }

    #[test]
    fn long_names_are_cut() {
        assert_eq!(bounded("ü".repeat(NAME_CHARACTERS + 1)), "ü".repeat(NAME_CHARACTERS));
        assert_eq!(bounded("ü".repeat(NAME_CHARACTERS)), "ü".repeat(NAME_CHARACTERS));
        assert_eq!(bounded(String::new()), "");
    }
}
