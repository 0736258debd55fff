//! All the elements of an application by one question, where the application keeps a list of them.

use std::collections::HashMap;

use super::bus::{Answer, Bus, CACHE, Place, Wired};
use super::faces::Faces;
use super::item::{Item, bounded};
use super::states;

/// Element, application, parent, index in it, number of children, interfaces, name, role, description, states.
type Row = (Wired, Wired, Wired, i32, i32, Vec<String>, String, u32, String, Vec<u32>);

/// The same from programs of older toolkits: element, application, parent, children, interfaces, name, role,
/// description, states.
type OldRow = (Wired, Wired, Wired, Vec<Wired>, Vec<String>, String, u32, String, Vec<u32>);

/// The elements that an application lists, and how they hang together. A list can lack some: what comes and goes, such
/// as the cells of tables, and all of them in programs that keep none.
#[derive(Debug, Default)]
pub(super) struct Skeleton {
    items: HashMap<Place, Item>,
    children: HashMap<Place, Vec<Child>>,
}

#[derive(Debug)]
struct Child {
    /// Where it stands among its siblings, if its application says so.
    index: Option<usize>,
    place: Place,
}

/// The children of an element, as far as they are known.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Listed {
    /// Exactly these.
    All(Vec<Place>),
    /// These, and there may be others.
    Some(Vec<Place>),
}

impl Skeleton {
    /// What the application of an element lists. What it says of elements of other programs is not taken: these are
    /// asked themselves.
    pub(super) async fn read(bus: &Bus, place: &Place) -> Answer<Self> {
        let reply = bus.reply(&place.cache(), CACHE, "GetItems", &()).await?;
        let body = reply.body();
        let mut skeleton = Self::default();
        match body.deserialize::<Vec<Row>>() {
            Ok(rows) => rows.into_iter().for_each(|row| skeleton.add(row, &place.bus)),
            Err(_) => body.deserialize::<Vec<OldRow>>()?.into_iter().for_each(|row| skeleton.add_old(row, &place.bus)),
        }
        skeleton.sort();
        Ok(skeleton)
    }

    /// `own` is the name on the bus of the application whose list it is.
    fn add(&mut self, row: Row, own: &str) {
        let (place, _, parent, index, count, faces, name, role, description, halves) = row;
        let (place, parent) = (Place::from(place), Place::from(parent));
        if place.is_null() {
            return;
        }
        if *parent.bus == *own {
            let child = Child { index: usize::try_from(index).ok(), place: place.clone() };
            self.children.entry(parent).or_default().push(child);
        }
        if *place.bus != *own {
            return;
        }
        let item = Item {
            place: place.clone(),
            role,
            states: states::joined(&halves),
            faces: Faces::named(faces.iter().map(String::as_str)),
            name: bounded(name),
            description: bounded(description),
            count: usize::try_from(count).ok(),
        };
        self.items.insert(place, item);
    }

    fn add_old(&mut self, row: OldRow, own: &str) {
        let (place, _, _, children, faces, name, role, description, halves) = row;
        let place = Place::from(place);
        if place.is_null() || *place.bus != *own {
            return;
        }
        let states = states::joined(&halves);
        // Those that manage what is below them list nothing, whatever they have.
        let count = (!children.is_empty()).then_some(children.len());
        let children = children.into_iter().enumerate();
        let children = children.map(|(index, child)| Child { index: Some(index), place: child.into() }).collect();
        self.children.insert(place.clone(), children);
        let faces = Faces::named(faces.iter().map(String::as_str));
        let (name, description) = (bounded(name), bounded(description));
        let item = Item { place: place.clone(), role, states, faces, name, description, count };
        self.items.insert(place, item);
    }

    /// Brings siblings in order. Those that do not say where they stand come behind the others, as they were made.
    fn sort(&mut self) {
        for siblings in self.children.values_mut() {
            siblings.sort_by_key(|child| (child.index.unwrap_or(usize::MAX), child.place.number()));
        }
    }

    pub(super) fn has(&self, place: &Place) -> bool {
        self.items.contains_key(place)
    }

    pub(super) fn get(&self, place: &Place) -> Option<&Item> {
        self.items.get(place)
    }

    /// Takes an element out of the list, so that none is met twice.
    pub(super) fn take(&mut self, place: &Place) -> Option<Item> {
        self.items.remove(place)
    }

    /// The children of an element.
    pub(super) fn children(&self, item: &Item) -> Listed {
        let known: Vec<Place> =
            self.children.get(&item.place).into_iter().flatten().map(|child| child.place.clone()).collect();
        if item.count == Some(known.len()) { Listed::All(known) } else { Listed::Some(known) }
    }
}

#[cfg(test)]
mod tests {
    use zbus::OwnedObjectPath;

    use super::*;

    const OWN: &str = ":1.7";

    fn wired(number: u32) -> Wired {
        let path = OwnedObjectPath::try_from(format!("/accessible/{number}")).expect("numbers make a path");
        (OWN.to_owned(), path)
    }

    fn row(number: u32, parent: u32, index: i32, count: i32) -> Row {
        let faces = vec!["org.a11y.atspi.Action".to_owned()];
        let name = format!("item {number}");
        (wired(number), wired(0), wired(parent), index, count, faces, name, 35, String::new(), vec![1 << 25, 0])
    }

    fn numbers(listed: Listed) -> (bool, Vec<u64>) {
        let (all, places) = match listed {
            Listed::All(places) => (true, places),
            Listed::Some(places) => (false, places),
        };
        (all, places.iter().map(Place::number).collect())
    }

    #[test]
    fn siblings_are_brought_in_order() {
        let mut skeleton = Skeleton::default();
        for row in [row(1, 0, 0, 4), row(12, 1, -1, 0), row(9, 1, 1, 0), row(4, 1, -1, -1), row(30, 1, 0, 0)] {
            skeleton.add(row, OWN);
        }
        skeleton.sort();
        let parent = skeleton.take(&wired(1).into()).unwrap();
        assert_eq!(numbers(skeleton.children(&parent)), (true, vec![30, 9, 4, 12]));
        let menu = skeleton.take(&wired(4).into()).unwrap();
        assert!(menu.faces.has(Faces::ACTION) && menu.is(states::SHOWING) && menu.name == "item 4");
        assert_eq!(numbers(skeleton.children(&menu)), (false, vec![]), "who does not say how many may have some");
        assert!(!skeleton.has(&menu.place), "taken once");
    }

    #[test]
    fn what_an_application_says_of_others_is_not_taken() {
        let mut skeleton = Skeleton::default();
        let foreign = |number| (":1.8".to_owned(), wired(number).1);
        let (mut plugged, mut below) = (row(5, 1, 0, 0), row(6, 5, 0, 0));
        plugged.0 = foreign(5);
        (below.0, below.2) = (foreign(6), foreign(5));
        for row in [row(1, 0, 0, 1), plugged, below] {
            skeleton.add(row, OWN);
        }
        let parent = skeleton.take(&wired(1).into()).unwrap();
        assert_eq!(skeleton.children(&parent), Listed::All(vec![foreign(5).into()]));
        assert!(!skeleton.has(&foreign(5).into()) && !skeleton.has(&foreign(6).into()), "their owner is asked");
        let plug = Item { place: foreign(5).into(), count: Some(1), ..parent };
        assert_eq!(skeleton.children(&plug), Listed::Some(Vec::new()));
    }

    #[test]
    fn lists_of_older_programs_are_understood() {
        let mut skeleton = Skeleton::default();
        let row = |number, children: &[u32]| -> OldRow {
            let children = children.iter().map(|child| wired(*child)).collect();
            (wired(number), wired(0), wired(0), children, vec![], String::new(), 33, String::new(), vec![])
        };
        skeleton.add_old(row(1, &[8, 3]), OWN);
        skeleton.add_old(row(3, &[]), OWN);
        skeleton.sort();
        let parent = skeleton.take(&wired(1).into()).unwrap();
        assert_eq!(numbers(skeleton.children(&parent)), (true, vec![8, 3]));
        let child = skeleton.take(&wired(3).into()).unwrap();
        assert_eq!(numbers(skeleton.children(&child)), (false, vec![]));
    }
}
