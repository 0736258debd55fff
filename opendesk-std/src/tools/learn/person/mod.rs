//! Recording what the person at this machine does with its mouse and keyboard, once they have said yes to it.
//!
//! Where they click is kept, on which element, and which keys that write nothing; of what they type only that they did:
//! nothing tells a password from other text in every program (docs/adr/0014, docs/adr/0024).

mod deeds;
mod look;

use core::time::Duration;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;

use self::deeds::Deeds;
use super::record::{Recorded, recorded};
use crate::api::Error;
use crate::clock;
use crate::desktop::{Deed, Desk, Recording};
use crate::tools::aside::aside;
use crate::tools::session::Session;
use crate::tools::target::ToolError;

/// What the person is asked.
const ASKED: &str = "Record what you do with the mouse and keyboard of this machine: where you click, on which elements, and \
                     which keys you press that write nothing. What you type is not recorded.";
const WHY: &str = "whoever records what a person does always asks that person";

/// How long a recording goes on at most: a task that is forgotten is none.
const LONGEST: Duration = Duration::from_mins(30);

/// A recording of what the person does, and what has come of it.
pub(in crate::tools) struct Tape {
    /// What the person does is told while this is there.
    recording: Option<Recording>,
    deeds: Arc<Mutex<Deeds>>,
    /// Closed when everything that was told has been taken in.
    taken: async_channel::Receiver<()>,
    /// Why it has ended by itself.
    over: Arc<OnceLock<String>>,
}

impl Tape {
    /// Begins, after the person has agreed.
    ///
    /// # Errors
    /// `permission_denied` when they do not, `capability_unsupported` where the desktop does not tell.
    pub(super) async fn start(session: &Session) -> Result<Self, ToolError> {
        let desk = session.local()?;
        // Nobody is asked for what cannot be.
        let record = desk.recorder()?;
        let stopped = session.may_record(ASKED, WHY).await?;
        let (tell, told) = channel();
        let (over, deeds) = (Arc::<OnceLock<String>>::default(), Arc::<Mutex<Deeds>>::default());
        let (begun, ended) = (clock::monotonic(), Arc::clone(&over));
        let heard = move |deed: Deed| {
            let now = clock::monotonic();
            if let Ok(why) = stopped.try_recv() {
                let _first = ended.set(why);
            } else if now.saturating_duration_since(begun) > LONGEST {
                let _first = ended.set(format!("it went on for {} minutes", LONGEST.as_secs() / 60));
            }
            if ended.get().is_none() {
                drop(tell.send((deed, now)));
            }
        };
        let eyes = desk.clone();
        let recording = aside(move || {
            let recording = record(Box::new(heard))?;
            desk.tell_person(
                "opendesk records what you do",
                "An agent learns a task from it. What you type is not kept.",
            );
            Ok(recording)
        });
        let recording = recording.await?;
        let (end, taken) = async_channel::bounded(1);
        let (kept, full) = (Arc::clone(&deeds), Arc::clone(&over));
        let take_in = move || {
            take_in(&eyes, &told, &kept, &full);
            drop(end);
        };
        thread::Builder::new()
            .name("opendesk-learner".to_owned())
            .spawn(take_in)
            .map_err(|error| Error::internal(format!("no thread could be started to record: {error}")))?;
        Ok(Self { recording: Some(recording), deeds, taken, over })
    }

    pub(super) fn goes_on(&self) -> bool {
        self.recording.is_some() && self.over.get().is_none()
    }

    /// Why it has ended by itself, if it has.
    pub(super) fn over(&self) -> Option<&str> {
        self.over.get().map(String::as_str)
    }

    /// Ends it. What was done up to now has been taken in once the receiver is closed.
    pub(super) fn end(&mut self) -> async_channel::Receiver<()> {
        drop(self.recording.take());
        self.taken.clone()
    }

    /// What was done, as steps.
    pub(super) fn recorded(&self) -> Recorded {
        let deeds = self.deeds.lock().unwrap_or_else(PoisonError::into_inner);
        let mut recorded = recorded(deeds.entries(), true);
        if deeds.unknown() > 0 {
            recorded.left_out.push(format!("{} presses of keys that have no name here", deeds.unknown()));
        }
        recorded
    }
}

/// Takes in what was done, until nothing more is told.
fn take_in(desk: &Desk, told: &Receiver<(Deed, std::time::Instant)>, kept: &Mutex<Deeds>, full: &OnceLock<String>) {
    while let Ok((deed, at)) = told.recv() {
        // While the button is down: what it opens or closes is not there yet, or still is.
        let deeds = || kept.lock().unwrap_or_else(PoisonError::into_inner);
        let last = deeds().entries().last().and_then(|entry| entry.touched.clone());
        let touched = if Deeds::begins_a_click(&deed) { look::at(desk, deed.at, last.as_ref()) } else { None };
        let mut kept = deeds();
        if let Err(why) = kept.add(&deed, at, touched) {
            let _first = full.set(why);
            return;
        }
    }
}
