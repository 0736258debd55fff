//! The applications, each with one window.

use crate::api::{Error, ErrorCode, Result};

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum App {
    Notes,
    Controls,
}

impl App {
    /// Every one, in the order of the panel.
    pub(super) const ALL: [Self; 2] = [Self::Notes, Self::Controls];

    /// The one with a name, in capitals or not.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for a name that none has.
    pub(super) fn named(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|app| app.title().eq_ignore_ascii_case(name)).ok_or_else(|| {
            let known = Self::ALL.map(Self::title).join(", ");
            Error::new(ErrorCode::NotFound, format!("the virtual desktop has no app {name:?}; its apps are {known}"))
        })
    }

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

    /// Its name among the applications that can be opened.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Notes => "notes",
            Self::Controls => "controls",
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

    #[test]
    fn a_name_is_an_app_or_an_error_that_names_them() {
        assert_eq!((App::named("Notes"), App::named("cOnTrOlS")), (Ok(App::Notes), Ok(App::Controls)));
        for app in App::ALL {
            assert_eq!(App::named(app.key()), Ok(app));
        }
        for name in ["", "Note", "Notes ", "virtual-1"] {
            let error = App::named(name).unwrap_err();
            assert_eq!(error.code, ErrorCode::NotFound, "{name:?}");
            assert!(error.message.ends_with("Notes, Controls"), "{error}");
        }
    }
}
