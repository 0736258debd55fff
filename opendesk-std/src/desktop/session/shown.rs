//! The notifications that are shown, as far as what passes on the bus tells.

use core::num::NonZeroU32;
use core::time::Duration;
use std::collections::VecDeque;
use std::time::Instant;

use crate::api::Notification;

/// As many as a person could still see; older ones are forgotten.
const MAX_SHOWN: usize = 64;

/// As many as wait for their number at once; whoever answers none of them shows none.
const MAX_PENDING: usize = 64;

/// A call, by who made it and its number there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CallId {
    pub(super) caller: String,
    pub(super) serial: NonZeroU32,
}

/// What is to be shown.
pub(super) struct Content {
    pub(super) app: String,
    pub(super) title: String,
    pub(super) body: String,
    /// When it goes by itself; `None` if it stays, or the server decides.
    pub(super) lifetime: Option<Duration>,
}

/// The list.
#[derive(Default)]
pub(super) struct Shown {
    /// Asked for, and not yet given a number.
    pending: VecDeque<(CallId, Content)>,
    /// The newest first.
    shown: VecDeque<Item>,
}

struct Item {
    id: u32,
    content: Content,
    /// Seconds since 1970.
    timestamp: f64,
    end: Option<Instant>,
}

impl Shown {
    /// Somebody asks for a notification.
    pub(super) fn asked(&mut self, call: CallId, content: Content) {
        self.pending.truncate(MAX_PENDING - 1);
        self.pending.push_front((call, content));
    }

    /// The server answered a call: with the number of the notification, or with something else.
    pub(super) fn answered(&mut self, call: &CallId, id: Option<u32>, now: Instant, timestamp: f64) {
        let Some(index) = self.pending.iter().position(|(pending, _)| pending == call) else { return };
        let Some(((_, content), id)) = self.pending.remove(index).zip(id) else { return };
        // One that takes the place of another has its number.
        self.closed(id);
        let end = content.lifetime.and_then(|lifetime| now.checked_add(lifetime));
        self.shown.truncate(MAX_SHOWN - 1);
        self.shown.push_front(Item { id, content, timestamp, end });
    }

    /// A notification is gone.
    pub(super) fn closed(&mut self, id: u32) {
        self.shown.retain(|item| item.id != id);
    }

    /// All are gone.
    pub(super) fn clear(&mut self) {
        self.pending.clear();
        self.shown.clear();
    }

    /// What is shown now, the newest first.
    pub(super) fn list(&mut self, now: Instant) -> Vec<Notification> {
        self.shown.retain(|item| item.end.is_none_or(|end| end > now));
        let listed = self.shown.iter().map(|item| Notification {
            id: item.id.to_string(),
            title: item.content.title.clone(),
            body: item.content.body.clone(),
            app: Some(item.content.app.clone()).filter(|app| !app.is_empty()),
            timestamp: item.timestamp,
        });
        listed.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::monotonic;

    fn call(serial: u32) -> CallId {
        CallId { caller: ":1.5".to_owned(), serial: NonZeroU32::new(serial).unwrap() }
    }

    fn content(title: &str, lifetime: Option<Duration>) -> Content {
        Content { app: "app".to_owned(), title: title.to_owned(), body: String::new(), lifetime }
    }

    fn titles(shown: &mut Shown, now: Instant) -> Vec<String> {
        shown.list(now).into_iter().map(|notification| notification.title).collect()
    }

    #[test]
    fn what_was_given_a_number_is_shown_until_it_is_closed() {
        let now = monotonic();
        let mut shown = Shown::default();
        for (serial, title) in [(1, "one"), (2, "two"), (3, "three"), (4, "four")] {
            shown.asked(call(serial), content(title, None));
        }
        assert!(titles(&mut shown, now).is_empty(), "nobody has shown them");
        shown.answered(&call(2), Some(20), now, 1.0);
        shown.answered(&call(1), Some(10), now, 2.0);
        shown.answered(&call(3), None, now, 3.0);
        shown.answered(&call(9), Some(90), now, 4.0);
        shown.answered(&CallId { caller: ":1.6".to_owned(), ..call(4) }, Some(40), now, 4.0);
        assert_eq!(titles(&mut shown, now), ["one", "two"]);
        let listed = shown.list(now);
        assert_eq!((listed[0].id.as_str(), listed[0].timestamp, listed[0].app.as_deref()), ("10", 2.0, Some("app")));
        shown.closed(10);
        shown.closed(11);
        assert_eq!(titles(&mut shown, now), ["two"]);
        shown.clear();
        assert!(titles(&mut shown, now).is_empty());
    }

    #[test]
    fn one_takes_the_place_of_another() {
        let now = monotonic();
        let mut shown = Shown::default();
        for (serial, title, id) in [(1, "old", 7), (2, "other", 8), (3, "new", 7)] {
            shown.asked(call(serial), content(title, None));
            shown.answered(&call(serial), Some(id), now, 0.0);
        }
        assert_eq!(titles(&mut shown, now), ["new", "other"]);
    }

    #[test]
    fn one_goes_when_its_time_is_over() {
        let now = monotonic();
        let mut shown = Shown::default();
        shown.asked(call(1), content("short", Some(Duration::from_secs(5))));
        shown.answered(&call(1), Some(1), now, 0.0);
        assert_eq!(titles(&mut shown, now + Duration::from_secs(4)), ["short"]);
        assert!(titles(&mut shown, now + Duration::from_secs(5)).is_empty());
    }

    #[test]
    fn only_the_newest_are_kept() {
        let now = monotonic();
        let mut shown = Shown::default();
        for serial in 1..=200 {
            shown.asked(call(serial), content(&serial.to_string(), None));
        }
        for serial in 1..=200 {
            shown.answered(&call(serial), Some(serial), now, 0.0);
        }
        let listed = titles(&mut shown, now);
        assert_eq!((listed.len(), listed[0].as_str(), listed[63].as_str()), (64, "200", "137"));
        for serial in 201..=300 {
            shown.asked(call(serial), content(&serial.to_string(), None));
            shown.answered(&call(serial), Some(serial), now, 0.0);
        }
        let listed = titles(&mut shown, now);
        assert_eq!((listed.len(), listed[0].as_str(), listed[63].as_str()), (64, "300", "237"));
    }
}
