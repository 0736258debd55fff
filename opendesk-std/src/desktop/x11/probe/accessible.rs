//! The window as accessibility has it.

use super::ProbeWindow;
use super::draw::{BUTTON, ENTRY, LABEL, WHOLE};
use super::program::TITLE;
use crate::api::Result;
use crate::cancel::Cancel;
use crate::desktop::a11y::{Outline, Part, Provider};
use crate::desktop::session::SessionEnvironment;

impl ProbeWindow {
    /// What its program calls itself in accessibility.
    pub(crate) const PROGRAM: &'static str = "opendesk-probe";

    /// The button's name in accessibility.
    pub(crate) const BUTTON_NAME: &'static str = LABEL;

    /// The text field's name in accessibility.
    pub(crate) const FIELD_NAME: &'static str = "Text";

    /// Has the window take part in the accessibility of a session for as long as the value is kept. What is done there
    /// to the button and the text field is told by the value alone: the picture of the window and
    /// [`clicks`](Self::clicks) and [`text`](Self::text) stay as pointer and keyboard have made them. The places are
    /// those of this moment.
    ///
    /// # Errors
    /// [`ErrorCode::Internal`](crate::api::ErrorCode::Internal) when the window is closed, or when the accessibility bus
    /// does not take it, [`ErrorCode::Cancelled`](crate::api::ErrorCode::Cancelled).
    pub(crate) fn take_part(&self, session: &SessionEnvironment, cancel: &Cancel) -> Result<Provider> {
        let outline = Outline {
            program: Self::PROGRAM,
            window: Part { name: TITLE, place: self.place(WHOLE)? },
            button: Part { name: Self::BUTTON_NAME, place: self.place(BUTTON)? },
            field: Part { name: Self::FIELD_NAME, place: self.place(ENTRY)? },
            text: self.text(),
        };
        Provider::open(session.session_bus.as_deref(), outline, cancel)
    }
}
