//! Requests over HTTP. Each has a thread of its own while it is under way, which ends with the program at the latest.

use core::net::IpAddr;
use core::time::Duration;
use std::env;
use std::io;
use std::sync::Arc;
use std::thread;

use futures_util::future::BoxFuture;
use opendesk_std::agent::{Api, Endpoint, Reply, Unanswered};
use rustls::crypto::ring;
use serde_json::Value;
use ureq::http::Uri;
use ureq::http::header::RETRY_AFTER;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::args;
use crate::exit::Failure;

const ANTHROPIC: &str = "https://api.anthropic.com";
const OPENAI: &str = "https://api.openai.com/v1";

/// What of Anthropic's is still called a beta and is asked for: the older computer tool, and forgetting by the server.
const BETAS: &str = "computer-use-2025-11-24,context-management-2025-06-27";

/// Longer than models think about one answer.
const LONGEST_ANSWER: Duration = Duration::from_secs(600);

/// Longer than any answer, which holds no pictures.
const MOST_BYTES: u64 = 32 << 20;

/// An endpoint over HTTP.
pub(super) struct Http {
    agent: ureq::Agent,
    address: String,
    headers: Vec<(&'static str, String)>,
    is_first_party: bool,
}

impl Http {
    pub(super) fn new(api: Api, options: &args::Agent, time: Duration) -> Result<Self, Failure> {
        let own = match api {
            Api::Anthropic => ANTHROPIC,
            Api::Openai | Api::OpenaiChat => OPENAI,
        };
        let base = options.base_url.as_deref().unwrap_or(own);
        let address = api.address(base);
        let place = Place::of(&address)?;
        if !place.is_secure && !place.is_loopback && !options.insecure_http {
            return Err(Failure::usage(
                "--base-url is another machine's and not encrypted: all could read the key and the pictures; give an \
                 https:// address, or --insecure-http if you know the network",
            ));
        }
        let is_first_party = options.base_url.as_deref().is_none_or(|base| base.starts_with(own));
        let key = key(api, options, !place.is_loopback)?;
        let mut headers = vec![("content-type", "application/json".to_owned())];
        match (api, key) {
            (Api::Anthropic, key) => {
                headers.push(("anthropic-version", "2023-06-01".to_owned()));
                headers.push(("anthropic-beta", BETAS.to_owned()));
                headers.extend(key.map(|key| ("x-api-key", key)));
            }
            (Api::Openai | Api::OpenaiChat, key) => {
                headers.extend(key.map(|key| ("authorization", format!("Bearer {key}"))));
            }
        }
        let agent = agent(&place, time)?;
        Ok(Self { agent, address, headers, is_first_party })
    }

    /// Whether it is that of the API's own maker.
    pub(super) const fn is_first_party(&self) -> bool {
        self.is_first_party
    }
}

/// What an address says of where it leads.
struct Place {
    is_secure: bool,
    is_loopback: bool,
}

impl Place {
    fn of(address: &str) -> Result<Self, Failure> {
        let wrong = || Failure::usage("--base-url is an address such as https://api.example.com/v1");
        let uri: Uri = address.parse().map_err(|_| wrong())?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return Err(wrong()) };
        if authority.as_str().contains('@') || uri.query().is_some() {
            return Err(Failure::usage("--base-url must hold no password and no query: others see the command line"));
        }
        let host = authority.host();
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        let is_loopback = host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback());
        match scheme {
            "https" => Ok(Self { is_secure: true, is_loopback }),
            "http" => Ok(Self { is_secure: false, is_loopback }),
            _ => Err(wrong()),
        }
    }
}

/// The endpoint's key. Programs on this machine may want none.
fn key(api: Api, options: &args::Agent, is_needed: bool) -> Result<Option<String>, Failure> {
    let usual = match api {
        Api::Anthropic => "ANTHROPIC_API_KEY",
        Api::Openai | Api::OpenaiChat => "OPENAI_API_KEY",
    };
    let name = options.api_key_env.as_deref().unwrap_or(usual);
    let key = env::var(name).ok().map(|key| key.trim().to_owned()).filter(|key| !key.is_empty());
    match key {
        // A header would be no header any more.
        Some(key) if !key.chars().all(|letter| letter.is_ascii_graphic()) => {
            Err(Failure::usage(format!("what the environment variable {name} holds is no key")))
        }
        None if is_needed || options.api_key_env.is_some() => {
            Err(Failure::usage(format!("the environment variable {name} with the endpoint's key is not set")))
        }
        key => Ok(key),
    }
}

fn agent(place: &Place, time: Duration) -> Result<ureq::Agent, Failure> {
    let mut config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        // The key is for the endpoint alone.
        .max_redirects(0)
        .user_agent(concat!("opendesk/", env!("CARGO_PKG_VERSION")))
        .timeout_connect(Some(Duration::from_secs(20)))
        .timeout_global(Some(LONGEST_ANSWER.min(time)));
    if place.is_loopback {
        config = config.proxy(None);
    }
    if place.is_secure {
        let found = rustls_native_certs::load_native_certs();
        if found.certs.is_empty() {
            return Err(Failure::failed(
                "this system knows no certificate authorities, so the endpoint's certificate cannot be checked; install \
                 its ca-certificates",
            ));
        }
        let roots: Vec<_> = found.certs.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::Specific(Arc::new(roots)))
            .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()));
        config = config.tls_config(tls.build());
    }
    Ok(config.build().new_agent())
}

impl Endpoint for Http {
    fn post(&self, body: Value) -> BoxFuture<'_, Result<Reply, Unanswered>> {
        Box::pin(async move {
            let mut request = self.agent.post(&self.address);
            for (name, value) in &self.headers {
                request = request.header(*name, value);
            }
            let (to, reply) = async_channel::bounded(1);
            thread::spawn(move || drop(to.send_blocking(sent(request, body.to_string().as_bytes()))));
            reply.recv().await.unwrap_or_else(|_| {
                Err(Unanswered { why: "the request ended without an answer".to_owned(), was_sent: true })
            })
        })
    }
}

fn sent(request: ureq::RequestBuilder<ureq::typestate::WithBody>, body: &[u8]) -> Result<Reply, Unanswered> {
    let failed = |error: ureq::Error| Unanswered { why: error.to_string(), was_sent: !is_before(&error) };
    let mut response = request.send(body).map_err(failed)?;
    let status = response.status().as_u16();
    // A date is as good as nothing: nobody needs it to the second.
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let retry_after = retry_after.and_then(|seconds: f64| Duration::try_from_secs_f64(seconds).ok());
    let body = response.body_mut().with_config().limit(MOST_BYTES).read_to_vec();
    // Its beginning came, so the endpoint has read the request.
    let body = body.map_err(|error| Unanswered { why: error.to_string(), was_sent: true })?;
    Ok(Reply { status, retry_after, body })
}

/// Whether a request failed before there was anybody to send it to.
fn is_before(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed
        | ureq::Error::BadUri(_)
        | ureq::Error::Timeout(ureq::Timeout::Resolve | ureq::Timeout::Connect) => true,
        ureq::Error::Io(error) => error.kind() == io::ErrorKind::ConnectionRefused,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_never_sent_costs_nothing() {
        let io = |kind: io::ErrorKind| ureq::Error::Io(kind.into());
        for error in [ureq::Error::HostNotFound, io(io::ErrorKind::ConnectionRefused), ureq::Error::ConnectionFailed] {
            assert!(is_before(&error), "{error}");
        }
        for error in [ureq::Error::Timeout(ureq::Timeout::Global), io(io::ErrorKind::ConnectionReset)] {
            assert!(!is_before(&error), "{error}");
        }
    }

    #[test]
    fn only_this_machine_is_talked_to_without_encryption() {
        for (address, is_secure, is_loopback) in [
            ("https://api.example.com/v1", true, false),
            ("http://127.0.0.1:11434/v1", false, true),
            ("http://[::1]:80/v1", false, true),
            ("http://LOCALHOST/v1", false, true),
            ("http://localhost.example.com/v1", false, false),
            ("http://192.168.1.4/v1", false, false),
        ] {
            let place = Place::of(address).unwrap();
            assert_eq!((place.is_secure, place.is_loopback), (is_secure, is_loopback), "{address}");
        }
        for wrong in ["", "api.example.com", "ftp://box/v1", "https://user:key@box/v1", "https://box/v1?key=1"] {
            assert_eq!(Place::of(wrong).err().map(|failure| failure.number()), Some(2), "{wrong}");
        }
    }
}
