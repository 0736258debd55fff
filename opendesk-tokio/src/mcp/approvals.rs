//! A person's word, got through the client of the agent.
//!
//! Clients up to 2025-11-25 are asked while the call waits. Since 2026-07-28 a call ends with the question instead, and is made
//! again with the answer and with a state that only this process can have sealed: it holds for the same tool with the same
//! arguments on the same machine, once, and for five minutes.

use core::time::Duration;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use opendesk_std::govern::ask::Question;
use opendesk_std::home::printable;
use opendesk_std::tools::{Elicit, Elicited, Session};
use rmcp::model::{
    CallToolRequestParams, ClientResult, ElicitRequest, ElicitRequestParams, ElicitResult, ElicitationAction,
    ElicitationSchema, InputRequest, InputRequests, InputRequiredResult, RequestStateCodec, RequestStateError,
    SealOptions, ServerRequest,
};
use rmcp::service::{Peer, PeerRequestOptions, RoleServer, ServiceError};
use serde_json::Value;

/// How long an answer counts: a person has read the question and looked around by then.
const LIFE: Duration = Duration::from_secs(5 * 60);

/// Questions that are not answered yet. Of more the oldest is forgotten, and its answer refused.
const MOST_OPEN: usize = 256;

/// The name of the question among those that a call is asked.
const KEY: &str = "approval";

/// The field that the person fills in.
const FIELD: &str = "allow";

/// The questions that calls have ended with.
pub(super) struct Approvals {
    /// Absent where the system gives no random numbers.
    codec: Option<RequestStateCodec>,
    /// The numbers of those that were not answered yet; each works once.
    open: Mutex<VecDeque<String>>,
    life: Duration,
}

/// What becomes of a call, after a look at the answer that it brings.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verified {
    /// It brings none.
    Unasked,
    /// A person has said yes to exactly this.
    Granted,
    /// It does not happen; one line says why.
    Refused(String),
}

impl Approvals {
    pub(super) fn new() -> Self {
        Self::living(LIFE)
    }

    pub(super) fn living(life: Duration) -> Self {
        let codec = opendesk_std::token().ok().and_then(|key| RequestStateCodec::try_new(key.into_bytes()).ok());
        Self { codec, open: Mutex::default(), life }
    }

    /// Whether questions can be sealed at all.
    pub(super) const fn can_seal(&self) -> bool {
        self.codec.is_some()
    }

    /// The question as the end of a call; or why it cannot be asked.
    pub(super) fn ask(
        &self,
        session: &Session,
        request: &CallToolRequestParams,
        question: &Question,
    ) -> Result<InputRequiredResult, String> {
        let codec = self.codec.as_ref().ok_or("the system gives no random numbers, so nobody can be asked")?;
        let nonce = opendesk_std::token()?;
        let bound = binding(session, request);
        let state = codec.seal_with(nonce.as_bytes(), &SealOptions::new().associated_data(&bound).ttl(self.life));
        {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            if open.len() == MOST_OPEN {
                open.pop_front();
            }
            open.push_back(nonce);
        }
        let asked = InputRequest::Elicitation(ElicitRequest::new(form(whole_text(request, question))));
        Ok(InputRequiredResult::new(Some(InputRequests::from([(KEY.to_owned(), asked)])), Some(state)))
    }

    /// Looks at the answer that a call brings. An answer is used up by that.
    pub(super) fn verify(&self, session: &Session, request: &CallToolRequestParams) -> Verified {
        let (state, answers) = (&request.request_state, &request.input_responses);
        let Some(state) = state else {
            // Whoever answers what was not asked.
            return if answers.as_ref().is_some_and(|answers| !answers.is_empty()) {
                refused("the answer comes without the state of its question; call the tool without an answer first")
            } else {
                Verified::Unasked
            };
        };
        let Some(codec) = &self.codec else { return Verified::Unasked };
        let nonce = match codec.open_with(state, &binding(session, request)) {
            Ok(nonce) => nonce,
            Err(RequestStateError::Expired) => {
                return refused("the answer came too late: a question holds for five minutes");
            }
            Err(error) => {
                tracing::warn!(tool = %request.name, %error, "a request state is not accepted");
                return refused(
                    "the answer is to another question: tool, arguments or machine are not those that a person was asked \
                     about, or the state is not from this server",
                );
            }
        };
        // Without an answer the question is put again, and the old one stays open.
        let Some(answer) = answers.as_ref().and_then(|answers| answers.get(KEY)) else { return Verified::Unasked };
        let was_open = {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            let place = open.iter().position(|open| open.as_bytes() == nonce);
            place.and_then(|place| open.remove(place)).is_some()
        };
        if !was_open {
            return refused("the answer was used already, or is too old: one answer holds for one call");
        }
        let is_allowed = serde_json::from_value(answer.clone()).is_ok_and(|answer| says_yes(&answer));
        tracing::info!(tool = %request.name, is_allowed, "a person has answered through the client");
        if is_allowed { Verified::Granted } else { Verified::Refused("the person said no".to_owned()) }
    }
}

fn refused(why: &str) -> Verified {
    Verified::Refused(format!("{why}; call the tool again without requestState to ask anew"))
}

/// What an answer belongs to: the same bytes for the same call only.
fn binding(session: &Session, request: &CallToolRequestParams) -> Vec<u8> {
    let arguments = request.arguments.clone().map_or(Value::Null, Value::Object);
    // Without a machine it means the same until one is chosen.
    let target = session.target(arguments.get("peer").and_then(Value::as_str)).ok();
    let key = target.as_ref().and_then(|target| session.key(target).ok().flatten()).map(|key| key.0);
    let name = target.as_ref().map(opendesk_std::tools::Target::name);
    // Keys of objects are sorted, so that an order of them is no difference.
    Value::from(vec![
        Value::from(request.name.as_ref()),
        arguments,
        Value::from(name),
        Value::from(key.map(|key| key.to_vec())),
    ])
    .to_string()
    .into_bytes()
}

fn says_yes(answer: &ElicitResult) -> bool {
    let is_ticked = answer.content.as_ref().and_then(|content| content.get(FIELD)).and_then(Value::as_bool);
    answer.action == ElicitationAction::Accept && is_ticked == Some(true)
}

/// The form with its one field.
fn form(message: String) -> ElicitRequestParams {
    let field = |field: rmcp::model::BooleanSchema| {
        field.title("Allow it").description("Yes lets it happen this once; anything else refuses it.")
    };
    ElicitRequestParams::FormElicitationParams {
        meta: None,
        message,
        requested_schema: ElicitationSchema::builder().required_bool_property(FIELD, field).build_unchecked(),
    }
}

/// Who wants what, and why a person is asked. Nothing in it is cut or hidden.
fn text(question: &Question) -> String {
    let lines = |text: &str| text.lines().map(printable).collect::<Vec<_>>().join("\n");
    format!(
        "{} wants to do this ({}):\n\n{}\n\nYou are asked because of: {}",
        printable(&question.peer),
        printable(&question.method),
        lines(&question.what),
        printable(&question.why)
    )
}

/// The same, with the call that the answer is for.
fn whole_text(request: &CallToolRequestParams, question: &Question) -> String {
    let arguments = request.arguments.clone().map_or(Value::Null, Value::Object);
    format!(
        "{}\n\nYour answer is for this call, once, and of several steps for the one above:\n{} {}",
        text(question),
        printable(&request.name),
        printable(&arguments.to_string())
    )
}

/// A client that can put a form before a person while a call waits.
pub(super) struct AsksClient(pub(super) Peer<RoleServer>);

impl Elicit for AsksClient {
    fn elicit(&self, question: &Question) -> BoxFuture<'_, Elicited> {
        let request = ServerRequest::ElicitRequest(ElicitRequest::new(form(text(question))));
        let options = PeerRequestOptions::with_timeout(Duration::from_secs(question.within));
        async move {
            let asked = async { self.0.send_request_with_option(request, options).await?.await_response().await };
            match asked.await {
                Ok(ClientResult::ElicitResult(answer)) if says_yes(&answer) => Elicited::Accepted,
                Ok(ClientResult::ElicitResult(_)) => Elicited::Declined,
                Ok(_) => Elicited::Unreached("the client answered something else".to_owned()),
                Err(ServiceError::Timeout { .. }) => Elicited::Silent,
                Err(error) => Elicited::Unreached(error.to_string()),
            }
        }
        .boxed()
    }
}
