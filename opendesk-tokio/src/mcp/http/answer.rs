//! Requests, and what those are answered that do not reach the protocol.

use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use opendesk_std::govern::Throttle;
use rmcp::transport::StreamableHttpService;
use serde_json::json;

use super::gate::Gate;
use super::limits::Limited;
use super::{BODY_BYTES, PATH, Token};
use crate::listen::Peer;
use crate::mcp::server::Server;
use crate::origin::bearer;

/// How long the body of a request may take to come.
const BODY_TIME: Duration = Duration::from_secs(30);

/// JSON-RPC's number for what this server refuses of its own accord.
const REFUSED: i32 = -32000;

/// The number for a request without the token.
const UNAUTHORIZED: i32 = -32001;

/// What the address is served from.
pub(super) struct Place {
    pub(super) gate: Gate,
    pub(super) token: Token,
    pub(super) service: StreamableHttpService<Server, Limited>,
    /// Any page or program can be refused as often as it likes.
    pub(super) throttle: Mutex<Throttle>,
}

impl Place {
    fn log(&self, why: &str) {
        let now = tokio::time::Instant::now().into_std();
        let speaks = self.throttle.lock().unwrap_or_else(PoisonError::into_inner).speak(now);
        if let Some(unsaid) = speaks {
            tracing::warn!(why, unsaid, "an HTTP request is refused");
        }
    }
}

/// Answers any request.
pub(super) async fn answer(
    State(place): State<Arc<Place>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: Request,
) -> Response {
    let mut response = admit(&place, &peer, request).await.unwrap_or_else(|refusal| refusal);
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

async fn admit(place: &Place, peer: &Peer, request: Request) -> Result<Response, Response> {
    let (head, body) = request.into_parts();
    place.gate.check(&head.uri, &head.headers).map_err(|why| {
        place.log(why);
        refusal(StatusCode::FORBIDDEN, REFUSED, why)
    })?;
    if !bearer(&head.headers).is_some_and(|token| place.token.opens(token)) {
        place.log("it is without the token");
        let mut response = refusal(
            StatusCode::UNAUTHORIZED,
            UNAUTHORIZED,
            "the bearer token is missing or wrong; opendesk has said on standard error which file it is in",
        );
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"opendesk\""));
        return Err(response);
    }
    peer.is_known();
    if head.uri.path().strip_suffix('/').unwrap_or_else(|| head.uri.path()) != PATH {
        return Err(refusal(StatusCode::NOT_FOUND, REFUSED, "nothing is here; the address ends in /mcp"));
    }
    let body = match tokio::time::timeout(BODY_TIME, to_bytes(body, BODY_BYTES)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => {
            let why = format!("the request has more than {BODY_BYTES} bytes, or broke off");
            return Err(refusal(StatusCode::PAYLOAD_TOO_LARGE, REFUSED, &why));
        }
        Err(_) => return Err(refusal(StatusCode::REQUEST_TIMEOUT, REFUSED, "the request did not come in time")),
    };
    let response = place.service.handle(Request::from_parts(head, Body::from(body))).await;
    Ok(response.map(Body::new))
}

/// A refusal that a client of the protocol can read.
fn refusal(status: StatusCode, code: i32, why: &str) -> Response {
    let body = json!({"jsonrpc": "2.0", "id": null, "error": {"code": code, "message": why}});
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}
