//! What an element can be asked and told: the interfaces that it has.

use super::bus;

/// Some interfaces.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Faces(u8);

impl Faces {
    pub(super) const ACTION: Self = Self(1);
    pub(super) const COMPONENT: Self = Self(2);
    pub(super) const EDITABLE_TEXT: Self = Self(4);
    pub(super) const TEXT: Self = Self(8);
    pub(super) const VALUE: Self = Self(16);
    pub(super) const SELECTION: Self = Self(32);

    /// Those of these names that matter here.
    pub(super) fn named<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let bits = names.into_iter().map(|name| match name {
            bus::ACTION => Self::ACTION.0,
            bus::COMPONENT => Self::COMPONENT.0,
            bus::EDITABLE_TEXT => Self::EDITABLE_TEXT.0,
            bus::TEXT => Self::TEXT.0,
            bus::VALUE => Self::VALUE.0,
            bus::SELECTION => Self::SELECTION.0,
            _ => 0,
        });
        Self(bits.fold(0, |all, bit| all | bit))
    }

    /// Whether an interface is among them.
    pub(super) const fn has(self, face: Self) -> bool {
        self.0 & face.0 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interfaces_are_known_by_their_names() {
        let faces = Faces::named([bus::ACCESSIBLE, bus::TEXT, "org.a11y.atspi.Collection", bus::ACTION]);
        assert!(faces.has(Faces::TEXT) && faces.has(Faces::ACTION));
        assert!(!faces.has(Faces::VALUE) && !faces.has(Faces::EDITABLE_TEXT));
    }
}
