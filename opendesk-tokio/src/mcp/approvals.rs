//! A person's word, got through the client of the agent.
//!
//! Clients up to 2025-11-25 are asked while the call waits. Since 2026-07-28 a call ends with the question instead, and is made
//! again with the answer and with a state that only this process can have sealed: it holds for the same tool with the same
//! arguments on the same machine, once, and for as long as the owner's rules give a question.

use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use opendesk_std::govern::ask::Question;
use opendesk_std::home::printable;
use opendesk_std::tools::{Consent, Deferred, Elicit, Elicited, Session};
use rmcp::model::{
    CallToolRequestParams, ClientResult, ElicitRequest, ElicitRequestParams, ElicitResult, ElicitationAction,
    ElicitationSchema, InputRequest, InputRequests, InputRequiredResult, RequestStateCodec, RequestStateError,
    SealOptions, ServerRequest,
};
use rmcp::service::{Peer, PeerRequestOptions, RoleServer, ServiceError};
use serde_json::Value;

/// The name of the question among those that a call is asked.
const KEY: &str = "approval";

/// The field that the person fills in.
const FIELD: &str = "allow";

/// The question that a call has ended with, if there is one: of two nobody could say which was answered.
pub(super) struct Approvals {
    /// Absent where the system gives no random numbers.
    codec: Option<RequestStateCodec>,
    open: Mutex<Option<Open>>,
}

/// A question that is not answered yet.
struct Open {
    /// Works once.
    nonce: String,
    /// The call that it belongs to.
    bound: Vec<u8>,
    asked: Box<Deferred>,
}

/// What becomes of a call, after a look at the answer that it brings.
#[derive(Debug)]
pub(super) enum Verified {
    /// It brings none.
    Unasked,
    /// A person has said yes.
    Granted(Consent),
    /// It does not happen; one line says why.
    Refused(String),
}

impl Approvals {
    pub(super) fn new() -> Self {
        let codec = opendesk_std::token().ok().and_then(|key| RequestStateCodec::try_new(key.into_bytes()).ok());
        Self { codec, open: Mutex::default() }
    }

    /// Whether questions can be sealed at all.
    pub(super) const fn can_seal(&self) -> bool {
        self.codec.is_some()
    }

    fn open(&self) -> MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the open question if it is the one that is meant.
    fn take(&self, is_meant: impl FnOnce(&Open) -> bool) -> Option<Open> {
        self.open().take_if(|open| is_meant(open))
    }

    /// The question as the end of a call; or why it cannot be asked.
    pub(super) fn ask(
        self: &Arc<Self>,
        session: &Session,
        request: &CallToolRequestParams,
        asked: Box<Deferred>,
    ) -> Result<InputRequiredResult, String> {
        let codec = self.codec.as_ref().ok_or("the system gives no random numbers, so nobody can be asked")?;
        let nonce = opendesk_std::token()?;
        let bound = binding(session, request);
        let life = Duration::from_secs(asked.question.within);
        let state = codec.seal_with(nonce.as_bytes(), &SealOptions::new().associated_data(&bound).ttl(life));
        let form = InputRequest::Elicitation(ElicitRequest::new(form(whole_text(request, &asked.question))));
        *self.open() = Some(Open { nonce: nonce.clone(), bound, asked });
        let approvals = Arc::downgrade(self);
        tokio::spawn(async move {
            tokio::time::sleep(life).await;
            if let Some(approvals) = approvals.upgrade() {
                drop(approvals.take(|open| open.nonce == nonce));
            }
        });
        Ok(InputRequiredResult::new(Some(InputRequests::from([(KEY.to_owned(), form)])), Some(state)))
    }

    /// Looks at the answer that a call brings. An answer is used up by that.
    pub(super) fn verify(&self, session: &Session, request: &CallToolRequestParams) -> Verified {
        let (state, answers) = (&request.request_state, &request.input_responses);
        let bound = binding(session, request);
        let answer = answers.as_ref().and_then(|answers| answers.get(KEY));
        let (state, codec) = match (state, &self.codec) {
            (Some(state), Some(codec)) => (state, codec),
            // Whoever answers what was not asked.
            (None, _) if answers.as_ref().is_some_and(|answers| !answers.is_empty()) => {
                return refused(
                    "the answer comes without the state of its question; call the tool without an answer first",
                );
            }
            _ => {
                // The same call without an answer: its question is put anew.
                drop(self.take(|open| open.bound == bound));
                return Verified::Unasked;
            }
        };
        let nonce = match codec.open_with(state, &bound) {
            Ok(nonce) => nonce,
            Err(RequestStateError::Expired) => return refused("the answer came too late"),
            Err(error) => {
                tracing::warn!(tool = %request.name, %error, "a request state is not accepted");
                return refused(
                    "the answer is to another question: tool, arguments or machine are not those that a person was asked \
                     about, or the state is not from this server",
                );
            }
        };
        let open = self.take(|open| open.nonce.as_bytes() == nonce);
        let Some(answer) = answer else { return Verified::Unasked };
        let Some(open) = open else {
            return refused("the answer was used already, or is too old: one answer holds for one call");
        };
        let is_allowed = serde_json::from_value(answer.clone()).is_ok_and(|answer| says_yes(&answer));
        tracing::info!(tool = %request.name, is_allowed, "a person has answered through the client");
        if is_allowed {
            Verified::Granted(open.asked.granted())
        } else {
            Verified::Refused("the person said no; ask them what to do instead".to_owned())
        }
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
        "{}\n\nYour answer is for this call, once, within {} s, and of several steps for the one above:\n{} {}",
        text(question),
        question.within,
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
