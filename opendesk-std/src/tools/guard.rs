//! What the owner of this machine lets its own agents do: the switch, and the rules of `policy.json` where there are some.
//! Every call of every tool passes here, whichever machine it is for and whatever it is a part of.

use core::future::Future;
use core::time::Duration;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use async_channel::{Receiver, Sender, bounded};
use futures_util::future::{Either, select};
use futures_util::lock::Mutex as AsyncMutex;
use opendesk_core::PublicKey;

use super::caller::{Caller, Consent, Deferred, Elicit, Elicited};
use super::session::CancelOnDrop;
use super::target::{Target, ToolError, fingerprint};
use crate::api::{Call, Error, ErrorCode, Kind, Point, PointerAction, Result};
use crate::cancel::Cancel;
use crate::clock;
use crate::desktop::{Freed, Key};
use crate::govern::ask::{Answer, Approver, Question, Way, describe};
use crate::govern::control::{self, Switch};
use crate::govern::{AsRulesSay, Peer, Policy, RulesFile, Verdict, is_of_a_command, rules};
use crate::home::{Home, Role, Screen, Watcher};

/// The files that the owner may change at any time.
const WATCHED: [&str; 1] = [control::FILE];

/// Stands before every call of an agent's session.
pub(super) struct Guard {
    rules: PathBuf,
    approver: Arc<AsRulesSay>,
    known: Mutex<Known>,
    /// Tells those that wait when the owner stops them.
    stops: Arc<Stops>,
    /// Whoever asks the owner has it, among the calls of this session.
    turn: AsyncMutex<()>,
    /// What keeps other sessions and programs from answering.
    screen: Screen,
    /// Each thread that asks has a share of it, until what it has shown is gone.
    asking: Arc<()>,
    /// Absent where the system has no room for one: then only the next call is refused.
    pub(super) watcher: Option<Watcher>,
}

struct Known {
    policy: RulesFile,
    asked: u64,
    /// Where the mouse of a desktop was put last, as far as that was allowed.
    pointer: Option<(Target, Point)>,
}

/// Calls under way. Each hears when it has to stop.
struct Stops {
    switch: Mutex<Switch>,
    waiting: Mutex<Vec<Sender<String>>>,
    desk: Box<dyn Hands>,
}

/// What an agent's session may hold down.
pub(super) trait Hands: Send + Sync {
    /// Releases what is held on this machine's desktop, behind what is under way there, and tells `done`.
    fn free(&self, done: Box<dyn FnOnce(Result<Freed>) + Send>);

    /// Holds keys of this machine's desktop down again.
    fn hold(&self, modifiers: Vec<Key>);

    /// Kills what commands have left running on this machine.
    fn end_programs(&self);

    /// Ends the sessions with others, whose hosts release what is held there.
    fn hang_up(&self);
}

impl Stops {
    /// Fails with the line for agents while nothing may happen.
    fn look(&self) -> core::result::Result<(), String> {
        locked(&self.switch).look()
    }

    /// Hears of the next stop.
    fn listen(&self) -> Receiver<String> {
        let (stop, stopped) = bounded(1);
        let mut waiting = locked(&self.waiting);
        waiting.retain(|waiting| !waiting.is_closed());
        waiting.push(stop);
        stopped
    }

    /// The switch may have been turned.
    fn turned(&self) {
        let Err(why) = self.look() else { return };
        for waiting in core::mem::take(&mut *locked(&self.waiting)) {
            drop(waiting.try_send(why.clone()));
        }
        self.desk.hang_up();
        self.desk.end_programs();
        self.let_go();
    }

    /// Releases what is held, and says so in the log if it cannot.
    fn let_go(&self) {
        self.desk.free(Box::new(|result| {
            if let Err(error) = result {
                tracing::warn!(%error, "something that was held could not be released");
            }
        }));
    }

    async fn free_hands(&self) -> Result<Freed> {
        let (done, freed) = bounded(1);
        self.desk.free(Box::new(move |result| drop(done.try_send(result))));
        freed.recv().await.unwrap_or_else(|_| Err(Error::cancelled()))
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn refused(why: String) -> Error {
    Error::new(ErrorCode::PermissionDenied, why)
}

/// What comes of work, unless a stop ends it; then the work is dropped.
///
/// # Errors
/// `permission_denied`.
pub(super) async fn unless_stopped<T>(stopped: &Receiver<String>, work: impl Future<Output = T>) -> Result<T> {
    // The stop first: what has come already is not seen either.
    match select(pin!(stopped.recv()), pin!(work)).await {
        Either::Left((Ok(why), _)) => Err(refused(why)),
        // Never: the guard lives as long as the session.
        Either::Left((Err(_), work)) => Ok(work.await),
        Either::Right((outcome, _)) => Ok(outcome),
    }
}

impl Guard {
    pub(super) fn new(home: &Home, desk: impl Hands + 'static) -> Self {
        let stops =
            Arc::new(Stops { switch: Mutex::new(Switch::new(home)), waiting: Mutex::default(), desk: Box::new(desk) });
        let turned = Arc::clone(&stops);
        let watcher = Watcher::start(home, &WATCHED, move || turned.turned())
            .inspect_err(|error| tracing::warn!(%error, "a stop will only be seen by the next call"))
            .ok();
        Self {
            approver: Arc::new(AsRulesSay::new(home, Vec::new(), &[Way::Native])),
            rules: home.path().join(rules::FILE),
            known: Mutex::new(Known { policy: RulesFile::new(home), asked: 0, pointer: None }),
            stops,
            turn: AsyncMutex::new(()),
            screen: home.screen(),
            asking: Arc::default(),
            watcher,
        }
    }

    /// Whether a call may happen on the machine of this key; it may have to wait for the person at this machine. Then what ends it: it gives the line
    /// that the agent is told.
    ///
    /// # Errors
    /// `permission_denied`.
    pub(super) async fn pass(
        &self,
        target: &Target,
        key: Option<PublicKey>,
        call: &Call,
        caller: &Caller,
    ) -> core::result::Result<Receiver<String>, ToolError> {
        self.pass_with(target, key, call, caller, None).await
    }

    /// As [`pass`](Self::pass) on this machine, for what the person is always asked about: in these words, and why.
    ///
    /// # Errors
    /// `permission_denied`.
    pub(super) async fn pass_asked(
        &self,
        call: &Call,
        caller: &Caller,
        always: (&str, &str),
    ) -> core::result::Result<Receiver<String>, ToolError> {
        self.pass_with(&Target::Local, None, call, caller, Some(always)).await
    }

    async fn pass_with(
        &self,
        target: &Target,
        key: Option<PublicKey>,
        call: &Call,
        caller: &Caller,
        always: Option<(&str, &str)>,
    ) -> core::result::Result<Receiver<String>, ToolError> {
        let stopped = self.heed()?;
        let asks = self.asks(target, key, call)?.or_else(|| always.map(|(_, why)| why.to_owned()));
        let what = || always.map_or_else(|| describe(call), |(what, _)| what.to_owned());
        let question = asks.map(|why| self.question(target, key, call, what(), why));
        let waits = async {
            match question {
                Some(question) => self.ask(target, call, question, caller).await,
                // What acts on this machine's desktop could answer in the owner's place.
                _ if *target == Target::Local && call.kind() == Kind::Action => {
                    drop(self.turn.lock().await);
                    Ok(())
                }
                _ => Ok(()),
            }
        };
        // The stop first: what became possible by it does not happen.
        match select(pin!(stopped.recv()), pin!(waits)).await {
            Either::Left((why, _)) => return Err(refused(why.unwrap_or_default()).into()),
            Either::Right((outcome, _)) => outcome?,
        }
        self.stops.look().map_err(refused)?;
        if let Call::InputPointer(event) = call {
            locked(&self.known).pointer = Some((target.clone(), event.point));
        }
        if call.kind() == Kind::Action {
            caller.acts();
        }
        Ok(stopped)
    }

    /// What ends a wait: it gives the line that the agent is told.
    ///
    /// # Errors
    /// `permission_denied` while nothing may happen.
    pub(super) fn heed(&self) -> Result<Receiver<String>> {
        // Before the switch is looked at, so that no stop falls in between.
        let stopped = self.stops.listen();
        self.stops.look().map_err(refused)?;
        Ok(stopped)
    }

    /// Whether what is under way ends by a stop.
    pub(super) const fn hears_of_stops(&self) -> bool {
        self.watcher.is_some()
    }

    /// Whether something may still be shown to the owner.
    pub(super) fn is_asking(&self) -> bool {
        Arc::strong_count(&self.asking) > 1
    }

    /// Releases what a call held that was ended by a stop.
    pub(super) fn let_go(&self) {
        self.stops.let_go();
    }

    /// Why the owner has to be asked, if so. Without rules of their own they have said nothing against anything.
    fn asks(&self, target: &Target, key: Option<PublicKey>, call: &Call) -> Result<Option<String>> {
        if self.rules.symlink_metadata().is_err_and(|error| error.kind() == ErrorKind::NotFound) {
            return Ok(None);
        }
        let key = key.unwrap_or(PublicKey([0; 32]));
        let peer = Peer { key, name: target.name().to_owned(), role: Role::Full };
        let mut known = locked(&self.known);
        let verdict = known.policy.check(&peer, call);
        let Call::InputPointer(event) = call else {
            return if is_of_a_command(call) && matches!(verdict, Verdict::Ask(_)) { Ok(None) } else { said(verdict) };
        };
        let is_there = known.pointer.as_ref().is_some_and(|(on, point)| (on, *point) == (target, event.point));
        match verdict {
            // A button that comes up where it went down ends what was allowed.
            Verdict::Ask(_) if event.action == PointerAction::Up && is_there => Ok(None),
            verdict => said(verdict),
        }
    }

    async fn ask(
        &self,
        target: &Target,
        call: &Call,
        question: Question,
        caller: &Caller,
    ) -> core::result::Result<(), ToolError> {
        let (method, number, within) = (call.method(), question.number, Duration::from_secs(question.within));
        if let Consent::Granted(shown) = &caller.consent
            && shown.covers(&question)
        {
            tracing::info!(number, method, target = target.name(), "allowed: a person said yes to this call");
            return Ok(());
        }
        let is_deferred = matches!(caller.consent, Consent::Defer | Consent::Granted(_));
        if is_deferred && caller.has_acted() {
            return Err(refused(format!(
                "{method} has to be allowed by a person first ({}), and something was done in this call before it; make that \
                 step a call of its own, and look at what was done before you go on",
                question.why
            ))
            .into());
        }
        let _turn = self.turn.lock().await;
        // What is under way on this machine's desktop comes to its end, and nothing stays held down.
        let freed = self.stops.free_hands().await;
        let freed = freed.map_err(|error| refused(format!("what is held down stays down: {error}")))?;
        if is_deferred && (freed.others || !freed.modifiers.is_empty()) {
            return Err(refused(
                "what was held down came up, because a person has to be asked first; begin again, without holding anything"
                    .to_owned(),
            )
            .into());
        }
        let screen = self.screen.clone();
        let alone = self.on_thread(move |cancel| screen.alone(within, cancel)).await?;
        let alone = alone.map_err(|why| refused(format!("nobody could be asked: {why}")))?;
        tracing::info!(number, method, target = target.name(), why = question.why, "a person is asked");
        let asked = match &caller.consent {
            Consent::Defer | Consent::Granted(_) => {
                return Err(ToolError::Ask(Box::new(Deferred { question, alone })));
            }
            Consent::Ask(elicit) => self.ask_client(elicit.as_ref(), question).await,
            Consent::Dialog => self.ask_here(question).await,
        };
        drop(alone);
        tracing::info!(number, method, allowed = asked.is_ok(), "a person was asked");
        asked?;
        // With another meaning than it was asked for with, it does not happen.
        if freed.others && *target == Target::Local {
            return Err(refused(
                "the button or key that was held down came up while the owner was asked, so it was not done".to_owned(),
            )
            .into());
        }
        self.stops.desk.hold(freed.modifiers);
        Ok(())
    }

    fn question(&self, target: &Target, key: Option<PublicKey>, call: &Call, what: String, why: String) -> Question {
        let (number, within) = {
            let mut known = locked(&self.known);
            known.asked += 1;
            (known.asked, known.policy.approval().timeout)
        };
        Question {
            number,
            peer: format!("an agent on this machine, for {}", target.name()),
            fingerprint: key.map(fingerprint).unwrap_or_default(),
            method: call.method().to_owned(),
            what,
            why,
            asked_at: clock::epoch_seconds(),
            within: within.as_secs(),
        }
    }

    /// Asks through the client of the agent; where that reaches nobody, at this machine.
    async fn ask_client(&self, elicit: &dyn Elicit, question: Question) -> Result<()> {
        match elicit.elicit(&question).await {
            Elicited::Accepted => Ok(()),
            Elicited::Declined => Err(refused("the person said no; ask them what to do instead".to_owned())),
            Elicited::Silent => Err(refused(format!("nobody answered the question within {} s", question.within))),
            Elicited::Unreached(error) => {
                tracing::warn!(number = question.number, error, "the client could not ask; the owner is asked here");
                self.ask_here(question).await
            }
        }
    }

    /// Asks by a dialog on this machine.
    async fn ask_here(&self, question: Question) -> Result<()> {
        let approver = Arc::clone(&self.approver);
        match self.on_thread(move |cancel| approver.ask(&question, cancel)).await? {
            Answer::Allowed { .. } => Ok(()),
            Answer::Denied { .. } => {
                Err(refused("the owner of this machine said no; ask them what to do instead".to_owned()))
            }
            Answer::Nobody(why) => Err(refused(format!("the owner of this machine was not there to allow it: {why}"))),
        }
    }

    /// What comes of work that blocks. It hears when nobody waits for it any more.
    ///
    /// # Errors
    /// `internal`, when the system gives no thread or the work fails.
    async fn on_thread<T: Send + 'static>(&self, work: impl FnOnce(&Cancel) -> T + Send + 'static) -> Result<T> {
        let cancel = CancelOnDrop(Cancel::new());
        let (raised, share) = (cancel.0.clone(), Arc::clone(&self.asking));
        let (done, outcome) = bounded(1);
        let asking = move || {
            drop(done.try_send(work(&raised)));
            drop(share);
        };
        thread::Builder::new()
            .name("opendesk-ask".to_owned())
            .spawn(asking)
            .map_err(|error| Error::internal(format!("no thread could be started to ask: {error}")))?;
        outcome.recv().await.map_err(|_| refused("the owner of this machine could not be asked".to_owned()))
    }
}

fn said(verdict: Verdict) -> Result<Option<String>> {
    match verdict {
        Verdict::Allow => Ok(None),
        Verdict::Ask(why) => Ok(Some(why)),
        // A host would say the same of itself.
        Verdict::Refuse(why) => Err(refused(format!("refused on this machine, where the agent runs: {why}"))),
    }
}
