//! From a thread that may block to a runtime that may not.

use core::convert::Infallible;
use core::future::Future;
use core::time::Duration;
use std::pin::pin;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, ThreadId};

use async_channel::{Receiver, Sender};
use futures_util::future::{BoxFuture, Either, select};

use crate::api::{Error, ErrorCode, Result};
use crate::cancel::Cancel;
use crate::runtime::Runtime;

/// How long a wait goes on without a look at the cancel flag, which wakes nobody.
const NAP: Duration = Duration::from_millis(20);

/// How long a runtime may take to begin with a job, and to tell of its end when its time is over. One that takes longer
/// does not run, or its threads are those that wait.
const BEGIN: Duration = Duration::from_secs(10);

/// Threads of a runtime that are remembered: more than it has processors for on most machines.
const MOST_THREADS: usize = 64;

type Job = BoxFuture<'static, ()>;

/// Has a runtime do what a blocked thread waits for. What is under way ends with the bridge.
#[derive(Debug)]
pub(super) struct Bridge {
    jobs: Sender<Job>,
    threads: Threads,
    /// Nothing is sent: it closes with the bridge.
    _up: Sender<Infallible>,
    down: Receiver<Infallible>,
}

/// What a job tells of itself.
enum Step<T> {
    Begun,
    Done(T),
}

impl Bridge {
    /// Begins a task of the runtime that starts jobs, and waits until it runs.
    pub(super) async fn build<R: Runtime>(runtime: R) -> Self {
        let (jobs, todo) = async_channel::unbounded::<Job>();
        let (up, down) = async_channel::bounded(1);
        let (tell, begun) = async_channel::bounded::<Infallible>(1);
        let threads = Threads::default();
        let seen = threads.clone();
        let starter = runtime.clone();
        // Jobs come from threads that the runtime does not know, where it starts no task.
        runtime.spawn(async move {
            seen.note();
            drop(tell);
            while let Ok(job) = todo.recv().await {
                seen.note();
                starter.spawn(job);
            }
        });
        // The other end is dropped when the task has begun, or when the runtime ends.
        let _begun = begun.recv().await;
        Self { jobs, threads, _up: up, down }
    }

    /// Starts what nobody waits for. False when the runtime has ended.
    pub(super) fn start(&self, work: impl Future<Output = ()> + Send + 'static) -> bool {
        let down = self.down.clone();
        let job = async move {
            // Whichever is over first; the other is dropped.
            select(pin!(down.recv()), pin!(work)).await;
        };
        self.jobs.try_send(Box::pin(job)).is_ok()
    }

    /// Waits for what the runtime does, for as long as it says that it takes at most.
    ///
    /// # Errors
    /// [`ErrorCode::Internal`] on a thread of the runtime, which would wait for itself, and when the runtime has ended;
    /// [`ErrorCode::Cancelled`] once the flag is raised: then the work is dropped; [`ErrorCode::Timeout`] for a runtime
    /// that does nothing.
    pub(super) fn wait<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
        limit: Duration,
        cancel: Option<&Cancel>,
    ) -> Result<T> {
        if self.threads.is_here() {
            return Err(Error::internal(
                "a remote computer was called on the thread that its own link runs on, which would wait for itself; \
                 call it from another thread",
            ));
        }
        cancel.map_or(Ok(()), Cancel::check)?;
        let (tell, told) = mpsc::channel();
        let (stop, stopped) = async_channel::bounded::<Infallible>(1);
        let seen = self.threads.clone();
        let begun = self.start(async move {
            seen.note();
            // Whoever has given up wants nothing done any more.
            if tell.send(Step::Begun).is_err() {
                return;
            }
            if let Either::Right((done, _)) = select(pin!(stopped.recv()), pin!(work)).await {
                drop(tell.send(Step::Done(done)));
            }
        });
        if !begun {
            return Err(ended());
        }
        let outcome = heard(&told, limit, cancel);
        drop(stop);
        outcome
    }
}

/// Waits for the outcome of a job.
fn heard<T>(told: &mpsc::Receiver<Step<T>>, limit: Duration, cancel: Option<&Cancel>) -> Result<T> {
    let mut left = BEGIN;
    loop {
        let nap = if cancel.is_some() { NAP.min(left) } else { left };
        match told.recv_timeout(nap) {
            Ok(Step::Begun) => left = limit.saturating_add(BEGIN),
            Ok(Step::Done(done)) => return Ok(done),
            Err(RecvTimeoutError::Disconnected) => return Err(ended()),
            Err(RecvTimeoutError::Timeout) => {
                cancel.map_or(Ok(()), Cancel::check)?;
                left = left.saturating_sub(nap);
            }
        }
        if left.is_zero() {
            let message = "the runtime of a remote computer did not get to a call in time; \
                           call it from threads that are not the runtime's own";
            return Err(Error::new(ErrorCode::Timeout, message));
        }
    }
}

fn ended() -> Error {
    Error::internal("the runtime of a remote computer has ended, and its link with it; connect again")
}

/// The threads on which the runtime was seen to run.
#[derive(Debug, Clone, Default)]
struct Threads(Arc<Mutex<Vec<ThreadId>>>);

impl Threads {
    fn note(&self) {
        let here = thread::current().id();
        let mut threads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !threads.contains(&here) {
            if threads.len() == MOST_THREADS {
                threads.remove(0);
            }
            threads.push(here);
        }
    }

    fn is_here(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&thread::current().id())
    }
}
