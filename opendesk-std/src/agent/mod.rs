//! An agent of its own: a model works on a task with the tools, until it is done or a limit is reached. How requests travel
//! and how a person is asked is up to whoever starts it.

mod anthropic;
mod chat;
mod limits;
mod model;
mod pictures;
mod responses;
mod run;
mod transcript;

use core::fmt;
use core::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::Value;

pub use self::limits::{Limits, Prices, Usage};
pub use self::model::{format_for, profile_for};
pub use self::run::{Run, Settings, Turn};
pub use self::transcript::without_pictures;
use crate::home::plain_text;
use crate::tools::formats::{Adapter, CallError, SafetyCheck};

/// How often a request is made at most while the endpoint is busy or cannot be reached.
const MOST_TRIES: u32 = 5;

/// The pause before the second try; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// No pause is longer, whatever the endpoint asks for.
const LONGEST_PAUSE: Duration = Duration::from_secs(120);

/// What an endpoint speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// Anthropic's Messages API.
    Anthropic,
    /// OpenAI's Responses API.
    Openai,
    /// OpenAI's chat completions, which many other endpoints speak.
    OpenaiChat,
}

impl Api {
    /// Where requests go at a base address.
    #[must_use]
    pub fn address(self, base: &str) -> String {
        let base = base.trim_end_matches('/');
        let has_path = base.split_once("://").is_some_and(|(_, rest)| rest.contains('/'));
        let version = match self {
            Self::Anthropic if base.ends_with("/v1") => "",
            Self::Anthropic => "/v1",
            Self::Openai | Self::OpenaiChat if has_path => "",
            Self::Openai | Self::OpenaiChat => "/v1",
        };
        let path = match self {
            Self::Anthropic => "/messages",
            Self::Openai => "/responses",
            Self::OpenaiChat => "/chat/completions",
        };
        format!("{base}{version}{path}")
    }
}

/// An endpoint's answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// How long it asks to be left alone.
    pub retry_after: Option<Duration>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why there was no answer at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unanswered {
    /// In one line.
    pub why: String,
    /// Whether the request may have reached the endpoint: then it counts, and may cost, as if it had been answered.
    pub was_sent: bool,
}

/// Where the model is.
pub trait Endpoint: Send + Sync {
    /// Makes one request.
    fn post(&self, body: Value) -> BoxFuture<'_, Result<Reply, Unanswered>>;
}

/// A person's word about calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// They may be made.
    Yes,
    /// They may not; the model is told so and goes on.
    No,
    /// It is over.
    Stop,
}

/// The person for whom the model works.
pub trait Person: Send + Sync {
    /// Hears what the model says beside its calls, in its own words.
    fn hears(&self, said: &str);

    /// Hears of calls before they are made, a line each; nothing in them can be mistaken for something else.
    fn allows<'a>(&'a self, calls: &'a [String]) -> BoxFuture<'a, Verdict>;

    /// Is told what the provider of the model warns of.
    fn agrees<'a>(&'a self, checks: &'a [SafetyCheck]) -> BoxFuture<'a, bool>;

    /// Hears that a request is made again after a pause.
    fn waits(&self, why: &str, pause: Duration);

    /// Takes note of a request, an answer or results.
    ///
    /// # Errors
    /// Why it cannot; then nothing more is done.
    fn notes(&self, kind: &'static str, what: &Value) -> Result<(), String>;
}

/// Why an agent ended before its task was done.
#[derive(Debug, Clone, PartialEq)]
pub enum Stop {
    /// So many requests were made.
    Steps(u32),
    /// This was spent, of at most that.
    Cost {
        /// Spent so far.
        spent: f64,
        /// The limit.
        most: f64,
    },
    /// The model's answer was longer than it may be.
    CutOff,
    /// The model refuses, in its own words.
    Refused(String),
    /// The endpoint's answer is none of this API.
    Malformed(String),
    /// The endpoint refuses.
    Endpoint {
        /// The HTTP status.
        status: u16,
        /// What it says.
        message: String,
    },
    /// There was no answer.
    Unreached(String),
    /// The person ended it.
    Declined,
    /// Nobody agreed to what the model's provider wants a person to agree to.
    Unagreed(String),
    /// The owner of this machine stopped all agents.
    Stopped(String),
    /// The tools or the transcript cannot be used.
    Failed(String),
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Steps(steps) => {
                write!(f, "the task was not done within {steps} steps; --max-steps sets how many there may be")
            }
            Self::Cost { spent, most } => {
                write!(f, "{spent:.4} was spent and --max-cost is {most}; the task is not done")
            }
            Self::CutOff => f.write_str(
                "the model's answer was cut off, so nothing of it was done; allow longer ones with --max-tokens",
            ),
            Self::Refused(why) if plain_text(why).is_empty() => f.write_str(
                "the model refuses the task and does not say why; put it another way, or choose another --model",
            ),
            Self::Refused(why) => {
                write!(
                    f,
                    "the model refuses the task: {:?}; put it another way, or choose another --model",
                    plain_text(why)
                )
            }
            Self::Malformed(why) => {
                write!(f, "the endpoint's answer is none of this API ({}); see --api and --base-url", plain_text(why))
            }
            Self::Endpoint { status, message } => {
                write!(f, "the endpoint answered with status {status}: {}", plain_text(message))
            }
            Self::Unreached(why) => write!(f, "the endpoint cannot be reached: {}", plain_text(why)),
            Self::Declined => f.write_str("you ended it"),
            Self::Unagreed(checks) => write!(f, "{checks}; nobody did"),
            Self::Stopped(why) | Self::Failed(why) => f.write_str(why),
        }
    }
}

impl core::error::Error for Stop {}

/// Has the model work until the task is done, and gives its last words.
///
/// # Errors
/// [`Stop`]; what was spent until then is in `run`.
pub async fn work(
    adapter: &mut Adapter,
    run: &mut Run<'_>,
    endpoint: &dyn Endpoint,
    person: &dyn Person,
) -> Result<String, Stop> {
    loop {
        adapter.may_act().map_err(Stop::Stopped)?;
        let request = run.request()?;
        person.notes("request", &request).map_err(Stop::Failed)?;
        let answer = ask(adapter, run, endpoint, person, request).await?;
        person.notes("response", &answer).map_err(Stop::Failed)?;
        let calls = match run.response(&answer)? {
            Turn::Done { said } => return Ok(said),
            Turn::GoesOn { said } => {
                hear(person, &said);
                continue;
            }
            Turn::Calls { said, calls } => {
                hear(person, &said);
                calls
            }
        };
        let results = carry_out(adapter, person, &Value::Array(calls)).await?;
        person.notes("results", &results).map_err(Stop::Failed)?;
        // What it was stopped in is no failure that the model should find a way around.
        adapter.may_act().map_err(Stop::Stopped)?;
        run.results(results);
    }
}

fn hear(person: &dyn Person, said: &str) {
    if !said.is_empty() {
        person.hears(said);
    }
}

async fn carry_out(adapter: &mut Adapter, person: &dyn Person, calls: &Value) -> Result<Value, Stop> {
    let malformed = |error: CallError| Stop::Malformed(error.to_string());
    match person.allows(&adapter.describe(calls)).await {
        Verdict::Yes => {}
        Verdict::No => {
            // Their answer would have to say that they were agreed to.
            if !adapter.pending(calls).is_empty() {
                return Err(Stop::Declined);
            }
            return adapter.decline(calls, "The person does not want this. Nothing was done.").await.map_err(malformed);
        }
        Verdict::Stop => return Err(Stop::Declined),
    }
    let checks = adapter.pending(calls);
    if !checks.is_empty() {
        if !person.agrees(&checks).await {
            return Err(Stop::Unagreed(CallError::Safety(checks).to_string()));
        }
        adapter.acknowledge(&checks);
    }
    adapter.answer(calls).await.map_err(malformed)
}

/// Makes a request, again while the endpoint is busy.
async fn ask(
    adapter: &Adapter,
    run: &mut Run<'_>,
    endpoint: &dyn Endpoint,
    person: &dyn Person,
    request: Value,
) -> Result<Value, Stop> {
    for attempt in 1.. {
        let (stop, retry_after) = match endpoint.post(request.clone()).await {
            Ok(Reply { status: 200..=299, body, .. }) => {
                return serde_json::from_slice(&body).map_err(|error| {
                    run.unanswered();
                    Stop::Malformed(format!("no JSON: {error}"))
                });
            }
            Ok(Reply { status, retry_after, body }) => {
                let stop = Stop::Endpoint { status, message: message(&body) };
                if may_have_been_read(status) {
                    run.unanswered();
                }
                if !is_passing(status) {
                    return Err(stop);
                }
                (stop, retry_after)
            }
            Err(Unanswered { why, was_sent }) => {
                if was_sent {
                    run.unanswered();
                }
                (Stop::Unreached(why), None)
            }
        };
        if attempt >= MOST_TRIES {
            return Err(stop);
        }
        run.may_ask()?;
        let pause = pause(attempt, retry_after);
        person.waits(&stop.to_string(), pause);
        adapter.sleep(pause).await;
        adapter.may_act().map_err(Stop::Stopped)?;
    }
    Err(Stop::Unreached("it was never tried".to_owned()))
}

/// Whether an endpoint may have worked on a request before it answered with this: the others refuse it before.
const fn may_have_been_read(status: u16) -> bool {
    matches!(status, 408 | 500 | 502 | 504)
}

/// Whether the same request may be answered well later.
const fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 409 | 429 | 500 | 502..=504 | 529)
}

fn pause(attempt: u32, retry_after: Option<Duration>) -> Duration {
    let doubled = FIRST_PAUSE * 2_u32.saturating_pow(attempt.saturating_sub(1));
    retry_after.unwrap_or(doubled).min(LONGEST_PAUSE)
}

/// What an endpoint says of its refusal: `error.message` in all three APIs.
fn message(body: &[u8]) -> String {
    let json: Option<Value> = serde_json::from_slice(body).ok();
    let said = json.as_ref().and_then(|json| {
        let error = json.get("error").unwrap_or(json);
        error.get("message").or(Some(error)).and_then(Value::as_str)
    });
    match said {
        Some(said) => said.to_owned(),
        None if body.is_empty() => "without a word".to_owned(),
        None => String::from_utf8_lossy(&body[..body.len().min(500)]).into_owned(),
    }
}

#[cfg(test)]
mod tests;
