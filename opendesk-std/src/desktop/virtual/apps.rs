//! The applications, each with one window.

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum App {
    Notes,
    Controls,
}

impl App {
    /// Every one, in the order of the panel.
    pub(super) const ALL: [Self; 2] = [Self::Notes, Self::Controls];

    /// Its place in [`Self::ALL`].
    pub(super) const fn index(self) -> usize {
        match self {
            Self::Notes => 0,
            Self::Controls => 1,
        }
    }

    /// Its name, which is also its window's title.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Notes => "Notes",
            Self::Controls => "Controls",
        }
    }

    /// The name of its window, the same however often the window is closed and opened.
    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::Notes => "virtual-1",
            Self::Controls => "virtual-2",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_app_is_at_its_index() {
        for (index, app) in App::ALL.into_iter().enumerate() {
            assert_eq!(app.index(), index);
        }
    }
}
