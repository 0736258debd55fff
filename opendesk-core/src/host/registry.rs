//! The links of a host: a fixed table, and identifiers that stop naming a link when it is gone.

use heapless::Vec;

use crate::id::LinkId;

#[derive(Debug)]
struct Slot<T> {
    generation: u32,
    link: Option<T>,
}

/// A table of at most `N` links.
#[derive(Debug)]
pub(super) struct Registry<T, const N: usize> {
    /// As many as were ever in use at once.
    slots: Vec<Slot<T>, N>,
}

impl<T, const N: usize> Registry<T, N> {
    pub(super) const fn new() -> Self {
        Self { slots: Vec::new() }
    }

    pub(super) fn insert(&mut self, link: T) -> Option<LinkId> {
        if let Some((index, slot)) = self.slots.iter_mut().enumerate().find(|(_, slot)| slot.link.is_none()) {
            slot.link = Some(link);
            return Some(LinkId { slot: u16::try_from(index).ok()?, generation: slot.generation });
        }
        let slot = u16::try_from(self.slots.len()).ok()?;
        self.slots.push(Slot { generation: 0, link: Some(link) }).ok()?;
        Some(LinkId { slot, generation: 0 })
    }

    pub(super) fn remove(&mut self, id: LinkId) -> Option<T> {
        let slot = self.slots.get_mut(usize::from(id.slot))?;
        if slot.generation != id.generation {
            return None;
        }
        let link = slot.link.take()?;
        slot.generation = slot.generation.wrapping_add(1);
        Some(link)
    }

    pub(super) fn get(&self, id: LinkId) -> Option<&T> {
        let slot = self.slots.get(usize::from(id.slot))?;
        if slot.generation == id.generation { slot.link.as_ref() } else { None }
    }

    pub(super) fn get_mut(&mut self, id: LinkId) -> Option<&mut T> {
        let slot = self.slots.get_mut(usize::from(id.slot))?;
        if slot.generation == id.generation { slot.link.as_mut() } else { None }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (LinkId, &T)> {
        self.slots.iter().enumerate().filter_map(|(index, slot)| {
            let id = LinkId { slot: u16::try_from(index).ok()?, generation: slot.generation };
            slot.link.as_ref().map(|link| (id, link))
        })
    }

    /// The identifier of the link in this slot, for loops that change the table.
    pub(super) fn at(&self, index: usize) -> Option<LinkId> {
        let slot = self.slots.get(index)?;
        slot.link.as_ref()?;
        Some(LinkId { slot: u16::try_from(index).ok()?, generation: slot.generation })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_identifier_names_nothing() {
        let mut registry = Registry::<_, 2>::new();
        let first = registry.insert('a').unwrap();
        assert_eq!(registry.remove(first), Some('a'));
        let second = registry.insert('b').unwrap();
        assert_eq!(first.slot, second.slot);
        assert_eq!((registry.get(first), registry.get(second)), (None, Some(&'b')));
        assert_eq!(registry.remove(first), None);
        assert!(registry.insert('c').is_some() && registry.insert('d').is_none());
    }
}
