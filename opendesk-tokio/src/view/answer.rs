//! Requests and what they are answered.

use core::convert::Infallible;
use core::time::Duration;
use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use opendesk_std::view::{Batch, InputError, MOST_VIEWERS, View, Viewer};

use super::keys::Keys;
use super::{gate, page};
use crate::Tokio;
use crate::listen::Peer;
use crate::origin;

/// Bytes of a request's body: a text of the most that one call types, written with escapes, and some events.
const BODY_BYTES: usize = 128 * 1024;

/// How long a body may take to come.
const BODY_TIME: Duration = Duration::from_secs(10);

/// What the page is served from.
pub(super) struct Place {
    pub(super) port: u16,
    pub(super) keys: Keys,
    pub(super) view: View<Tokio>,
}

/// Everything that the browser is told not to do, with every answer.
const HEADERS: [(HeaderName, &str); 8] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    ),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=(), display-capture=()"),
];

/// Answers any request.
pub(super) async fn answer(
    State(place): State<Arc<Place>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: Request,
) -> Response {
    let mut response = admit(&place, &peer, request).await.unwrap_or_else(IntoResponse::into_response);
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// A status and a line for whoever asked.
type Refusal = (StatusCode, String);

fn refusal(status: StatusCode, line: impl Into<String>) -> Refusal {
    (status, line.into())
}

async fn admit(place: &Arc<Place>, peer: &Peer, request: Request) -> Result<Response, Refusal> {
    let (head, body) = request.into_parts();
    let refused = |line| refusal(StatusCode::FORBIDDEN, line);
    gate::check(place.port, &head.uri, &head.headers).map_err(refused)?;
    let path = head.uri.path();
    if let Some(file) = page::file(path) {
        return match head.method {
            Method::GET | Method::HEAD => Ok(([(header::CONTENT_TYPE, file.mime_type)], file.text).into_response()),
            _ => Err(refusal(StatusCode::METHOD_NOT_ALLOWED, "the page can only be read")),
        };
    }
    let method = match path {
        "/stream" => Method::GET,
        "/enter" | "/input" | "/again" => Method::POST,
        _ => {
            return Err(refusal(
                StatusCode::NOT_FOUND,
                "there is nothing here; open the address that opendesk printed",
            ));
        }
    };
    if head.method != method {
        return Err(refusal(StatusCode::METHOD_NOT_ALLOWED, format!("{path} is for {method}")));
    }
    let given = origin::bearer(&head.headers).unwrap_or_default();
    let fits = if path == "/enter" { place.keys.enters(given, &Tokio) } else { place.keys.opens(given) };
    if !fits {
        let line = "the token is not the one of this `opendesk view`; open the address that it printed";
        return Err(refusal(StatusCode::UNAUTHORIZED, line));
    }
    peer.is_known();
    match path {
        "/enter" => Ok(place.keys.token().to_owned().into_response()),
        "/stream" => stream_of(place),
        "/again" => {
            place.view.try_again();
            Ok(StatusCode::NO_CONTENT.into_response())
        }
        _ => input(place, &head.headers, body).await,
    }
}

/// The packets of a new viewer, as long as its connection lasts.
fn stream_of(place: &Place) -> Result<Response, Refusal> {
    let Some(viewer) = place.view.join() else {
        let line = format!("{MOST_VIEWERS} windows look already; close one and load this page again");
        return Err(refusal(StatusCode::SERVICE_UNAVAILABLE, line));
    };
    let packets = stream::unfold(viewer, async |mut viewer: Viewer<Tokio>| {
        let packet = viewer.next().await?;
        Some((Ok::<_, Infallible>(Bytes::from_owner(packet)), viewer))
    });
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], Body::from_stream(packets)).into_response())
}

async fn input(place: &Place, headers: &HeaderMap, body: Body) -> Result<Response, Refusal> {
    if !place.view.takes_input() {
        let error = InputError::LookOnly;
        return Err(refusal(status_of(&error), error.to_string()));
    }
    let is_json = headers.get(header::CONTENT_TYPE).is_some_and(|given| given == "application/json");
    if !is_json {
        return Err(refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, "events are application/json"));
    }
    let Ok(read) = tokio::time::timeout(BODY_TIME, to_bytes(body, BODY_BYTES)).await else {
        return Err(refusal(StatusCode::REQUEST_TIMEOUT, "the events took longer than 10 s to come"));
    };
    let too_large = |_| refusal(StatusCode::PAYLOAD_TOO_LARGE, format!("{BODY_BYTES} bytes are the most; split them"));
    let read = read.map_err(too_large)?;
    let done = match Batch::parse(&read) {
        Ok(batch) => place.view.input(batch).await,
        Err(error) => Err(error),
    };
    done.map(|()| StatusCode::NO_CONTENT.into_response()).map_err(|error| refusal(status_of(&error), error.to_string()))
}

const fn status_of(error: &InputError) -> StatusCode {
    match error {
        InputError::LookOnly => StatusCode::FORBIDDEN,
        InputError::NotDriving => StatusCode::CONFLICT,
        InputError::Gone | InputError::Over => StatusCode::GONE,
        InputError::Malformed(_) => StatusCode::BAD_REQUEST,
        InputError::Elsewhere(_) => StatusCode::RANGE_NOT_SATISFIABLE,
        InputError::Failed(_) => StatusCode::UNPROCESSABLE_ENTITY,
    }
}
