//! What other rules would have said to the calls of a recording.

use core::ops::ControlFlow;
use std::collections::BTreeMap;
use std::path::Path;

use opendesk_core::dialect::v1;
use opendesk_core::frame::{self, Frame, Header};
use opendesk_core::trace::{Delivered, Input, Output};
use opendesk_core::{LinkId, PublicKey, RequestId, Wire};
use serde::Serialize;

use super::walk::Walk;
use super::{RecordingError, open};
use crate::api::{Call, Codec};
use crate::govern::rules::{Decision, Rules, Subject};
use crate::home::plain_text;

/// What rules say to the calls of a recording.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trial {
    /// Calls whose parameters were complete, repetitions apart.
    pub calls: u64,
    /// Those that would not simply happen.
    pub judged: Vec<Judged>,
}

/// A recorded call that rules do not simply allow.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judged {
    /// The input that completed it, counted from 1.
    pub input: u64,
    /// When that came, in microseconds since the first message.
    pub at_us: u64,
    /// The controller, as it calls itself; its key where it has no name.
    pub peer: String,
    /// The method.
    pub method: String,
    /// The call in a line; the method where its parameters are not known, as in a redacted recording.
    pub summary: String,
    /// What the rules say.
    pub decision: Decision,
    /// Why.
    pub reason: String,
}

/// Asks rules about every call of a recording, or of its first `until` inputs.
///
/// # Errors
/// As [`replay`](super::replay()), and [`RecordingError::Differs`].
pub fn trial(path: &Path, rules: &Rules, until: Option<u64>) -> Result<Trial, RecordingError> {
    let mut trial = Trial { calls: 0, judged: Vec::new() };
    let mut peers: BTreeMap<LinkId, (Wire, Option<PublicKey>, String)> = BTreeMap::new();
    let mut arriving: BTreeMap<(LinkId, RequestId), (String, Vec<u8>)> = BTreeMap::new();
    let (mut input_number, mut begun) = (0, None);
    Walk::begin(open(path)?, path)?.each(|around, input, output| {
        if until.is_some_and(|until| input_number >= until) {
            return ControlFlow::Break(());
        }
        input_number += 1;
        let (Input::Message { now, .. }, Output::Delivered(delivered)) = (input, output) else {
            return ControlFlow::Continue(());
        };
        let at_us = now.micros().saturating_sub(*begun.get_or_insert_with(|| now.micros()));
        let plaintext = around.plaintext.as_deref().unwrap_or_default();
        match *delivered {
            Delivered::Hello { link, wire, peer, .. } => {
                let greeting = Said::read(wire, plaintext).map(|said| said.body).unwrap_or_default();
                peers.insert(link, (wire, Some(peer), name(Codec::from(wire), greeting, peer)));
            }
            Delivered::Request { link, call, done, repeats, .. } => {
                let (wire, key, peer) = peers.get(&link).cloned().unwrap_or((Wire::V2, None, String::new()));
                let Some(said) = Said::read(wire, plaintext) else { return ControlFlow::Continue(()) };
                let (method, params) = arriving.entry((link, call)).or_default();
                if let Some(named) = said.method {
                    named.clone_into(method);
                }
                params.extend_from_slice(said.body);
                if done
                    && let Some((method, params)) = arriving.remove(&(link, call))
                    && repeats.is_none()
                {
                    trial.calls += 1;
                    let call = Codec::from(wire).decode_call(&method, &params).ok();
                    trial.judged.extend(judge(rules, input_number, at_us, (peer, key), method, call.as_ref()));
                }
            }
            Delivered::Nothing | Delivered::Claim { .. } => {}
        }
        ControlFlow::Continue(())
    })?;
    Ok(trial)
}

/// What a record of a controller says.
struct Said<'a> {
    /// In the first part of a request.
    method: Option<&'a str>,
    body: &'a [u8],
}

impl<'a> Said<'a> {
    fn read(wire: Wire, plaintext: &'a [u8]) -> Option<Self> {
        match wire {
            Wire::V1 => {
                let (method, body) = v1::read_request(plaintext).unzip();
                Some(Self { method, body: body.unwrap_or_default() })
            }
            Wire::V2 => match frame::decode(plaintext) {
                Ok(Frame::Known(Header::Request { method, .. }, body)) => Some(Self { method: Some(method), body }),
                Ok(Frame::Known(_, body)) => Some(Self { method: None, body }),
                Ok(Frame::Skipped) | Err(_) => None,
            },
        }
    }
}

fn name(codec: Codec, greeting: &[u8], key: PublicKey) -> String {
    let name = plain_text(&codec.controller_greeting(greeting).name);
    if name.is_empty() { key.to_string() } else { name }
}

fn judge(
    rules: &Rules,
    input: u64,
    at_us: u64,
    (peer, key): (String, Option<PublicKey>),
    method: String,
    call: Option<&Call>,
) -> Option<Judged> {
    let subject = call.map_or_else(|| Subject::named(&peer, &method), |call| Subject::of(&peer, call));
    let subject = Subject { key, ..subject };
    let (decision, reason) = rules.judge(&subject);
    let summary = call.map_or_else(|| method.clone(), Call::summary);
    (decision != Decision::Allow).then_some(Judged { input, at_us, peer, method, summary, decision, reason })
}
