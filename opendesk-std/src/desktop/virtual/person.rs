//! Who is told when the person at the machine uses it.

use std::sync::{Arc, Mutex, PoisonError};

type Told = Arc<dyn Fn() + Send + Sync>;

/// Everybody who wants to know, for as long as the desktop lives.
#[derive(Default)]
pub(super) struct Watchers(Mutex<Vec<Told>>);

impl Watchers {
    pub(super) fn add(&self, used: Box<dyn Fn() + Send + Sync>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::from(used));
    }

    pub(super) fn tell(&self) {
        // Whoever is told may use the desktop, and may want to be told once more.
        let told = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        told.iter().for_each(|used| used());
    }
}

#[cfg(test)]
mod tests {
    use core::sync::atomic::{AtomicU32, Ordering};
    use core::time::Duration;

    use super::*;
    use crate::api::{Button, Point, Press};
    use crate::cancel::Cancel;
    use crate::desktop::r#virtual::VirtualDesktop;
    use crate::desktop::{Computer as _, Key};

    fn watched(desktop: &VirtualDesktop) -> Arc<AtomicU32> {
        let count = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&count);
        let used = move || {
            counted.fetch_add(1, Ordering::Relaxed);
        };
        assert!(desktop.watch_person(Box::new(used)));
        count
    }

    #[test]
    fn the_person_is_told_from_what_is_done_by_calls() {
        let desktop = VirtualDesktop::default();
        let count = watched(&desktop);
        desktop.move_pointer(Point::new(5.0, 300.0)).unwrap();
        for press in [Press::Down, Press::Up] {
            desktop.button(Button::Left, press).unwrap();
            desktop.key(Key::Shift, press).unwrap();
        }
        desktop.scroll(0.0, 1.0).unwrap();
        desktop.type_text("text", Duration::ZERO, &Cancel::new()).unwrap();
        assert_eq!(count.load(Ordering::Relaxed), 0);
        desktop.person_moves();
        assert_eq!(count.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn everybody_who_watches_is_told_and_may_use_the_desktop() {
        let desktop = Arc::new(VirtualDesktop::default());
        let count = watched(&desktop);
        let used = Arc::downgrade(&desktop);
        desktop.watch_person(Box::new(move || {
            let desktop = used.upgrade().expect("the test has it");
            assert!(desktop.watch_person(Box::new(|| {})) && desktop.windows().is_ok());
        }));
        desktop.person_moves();
        desktop.person_moves();
        assert_eq!(count.load(Ordering::Relaxed), 2);
    }
}
