//! A host in this process.

use core::fmt;
use core::future::poll_fn;
use core::pin::pin;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::{Context, Poll, Waker};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::task::Wake;
use std::thread::{self, Thread};

use super::super::*;
use crate::api::{Call, ErrorCode, Result as ApiResult, decode, encode};
use crate::cancel::Cancel;
use crate::os::Files;

/// Far longer than reading a part of a file takes.
const MOST_POLLS: u32 = 100_000;

/// What becomes of a call.
pub(super) enum Rule {
    /// It is carried out.
    Pass,
    /// The link is lost before it arrives.
    Lose,
    /// The link is lost once it was carried out.
    LoseAnswer,
    /// It is refused as something that this host cannot do.
    Unsupported,
    /// It is refused.
    Refuse(Error),
    /// This is the answer.
    Answer(Vec<u8>),
}

type Answerer = Box<dyn Fn(&Call) -> Rule + Send + Sync>;

/// How a call fails.
#[derive(Debug)]
pub(super) enum Broken {
    Lost,
    Refused(Error),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost => f.write_str("the connection was lost"),
            Self::Refused(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for Broken {}

impl Fault for Broken {
    fn is_lost(&self) -> bool {
        matches!(self, Self::Lost)
    }

    fn refusal(&self) -> Option<&Error> {
        if let Self::Refused(error) = self { Some(error) } else { None }
    }
}

/// Real files behind calls that can go wrong.
pub(super) struct Fake {
    files: Files,
    answerer: Mutex<Arc<Answerer>>,
    calls: AtomicUsize,
    waits: AtomicUsize,
}

impl Fake {
    pub(super) fn new(protected: PathBuf) -> Self {
        let answerer: Answerer = Box::new(|_| Rule::Pass);
        Self {
            files: Files::new(protected),
            answerer: Mutex::new(Arc::new(answerer)),
            calls: AtomicUsize::new(0),
            waits: AtomicUsize::new(0),
        }
    }

    /// From now on calls are answered so.
    pub(super) fn answer(&self, answerer: impl Fn(&Call) -> Rule + Send + Sync + 'static) {
        *self.answerer.lock().unwrap() = Arc::new(Box::new(answerer));
    }

    /// How many calls there were since this was last asked.
    pub(super) fn calls(&self) -> usize {
        self.calls.swap(0, Ordering::Relaxed)
    }

    /// How often something was waited for since this was last asked.
    pub(super) fn waits(&self) -> usize {
        self.waits.swap(0, Ordering::Relaxed)
    }

    fn carry_out(&self, call: &Call) -> ApiResult<Vec<u8>> {
        match call {
            Call::FsRead(params) => encode(&self.files.read(params)?),
            Call::FsWrite(params) => encode(&self.files.write(params)?),
            Call::FsList(params) => encode(&self.files.list(params)?),
            Call::FsStat(params) => encode(&self.files.stat(params)?),
            Call::FsDelete(params) => encode(&self.files.delete(params, &Cancel::new())?),
            Call::FsMove(params) => encode(&self.files.rename(params, &Cancel::new())?),
            Call::FsMkdir(params) => encode(&self.files.mkdir(params)?),
            Call::FsSetstat(params) => encode(&self.files.set_stat(params)?),
            other => panic!("no copy calls {}", other.method()),
        }
    }
}

impl Caller for Fake {
    type Error = Broken;

    async fn call<M>(&self, params: &M::Params) -> Result<M::Output, Broken>
    where
        M: Method<Params: Sync>,
    {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let call = Call::decode(M::NAME, &encode(params).unwrap()).unwrap();
        let answerer = Arc::clone(&*self.answerer.lock().unwrap());
        let answer = match answerer(&call) {
            Rule::Pass => self.carry_out(&call).map_err(Broken::Refused)?,
            Rule::Lose => return Err(Broken::Lost),
            Rule::LoseAnswer => {
                self.carry_out(&call).map_err(Broken::Refused)?;
                return Err(Broken::Lost);
            }
            Rule::Unsupported => {
                return Err(Broken::Refused(Error::new(ErrorCode::CapabilityUnsupported, "not on this host")));
            }
            Rule::Refuse(error) => return Err(Broken::Refused(error)),
            Rule::Answer(bytes) => bytes,
        };
        Ok(decode(&answer).unwrap())
    }

    async fn wait(&self, _time: Duration) -> bool {
        self.waits.fetch_add(1, Ordering::Relaxed);
        // What else is under way goes on meanwhile, if anything is.
        let (before, mut polls) = (self.calls.load(Ordering::Relaxed), 0);
        poll_fn(|cx| {
            polls += 1;
            if self.calls.load(Ordering::Relaxed) != before || polls > MOST_POLLS {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        true
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future to its end on this thread.
pub(super) fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
