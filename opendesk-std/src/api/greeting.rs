//! What the two sides tell of themselves: the bodies of the HELLO.

use opendesk_core::{Reason, Succession, Wire};
use serde::{Deserialize, Serialize};

use super::types::Manifest;
use super::{Codec, Error, ErrorCode, decode, encode, v1};

/// A controller's. A host that trusts the key needs nothing of it but may show it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ControllerGreeting {
    /// The machine's own name; a host that pairs with it proposes it to its owner.
    pub name: String,
    /// How the keys that it has came after those by which the host may know it, the oldest first.
    pub successions: Vec<Succession>,
}

/// A host's. To a peer that it does not trust, all but the refusal is empty.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct HostGreeting {
    /// The machine's own name.
    pub name: String,
    /// What its owner wrote about it.
    pub description: String,
    /// What it can do.
    pub manifest: Manifest,
    /// Why there is no session.
    pub refusal: Option<RefusalInfo>,
    /// How the keys that it has came after those by which the controller knows it, the oldest first. Empty for a peer
    /// that it does not trust.
    pub successions: Vec<Succession>,
    /// With successions: that it has the last of those keys
    /// ([`StaticKey::possession`](opendesk_core::StaticKey::possession)), shown to this controller in this session.
    pub possession: Option<[u8; 32]>,
    /// The newest version of the wire that it speaks, from a host that was spoken to in an older one and said so.
    #[serde(skip)]
    pub newest_wire: Option<u8>,
}

/// The particulars of a refused session.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RefusalInfo {
    /// One line for a person.
    pub message: String,
    /// With `busy`: the name of the controller that drives.
    pub holder: Option<String>,
    /// With `busy`: since when, in seconds since 1970.
    pub since: Option<f64>,
}

impl From<Wire> for Codec {
    fn from(wire: Wire) -> Self {
        match wire {
            Wire::V1 => Self::MessagePack,
            Wire::V2 => Self::Postcard,
        }
    }
}

impl Codec {
    /// Decodes what a controller tells of itself; one of version 1 tells nothing.
    #[must_use]
    pub fn controller_greeting(self, body: &[u8]) -> ControllerGreeting {
        match self {
            Self::Postcard => decode(body).unwrap_or_default(),
            Self::MessagePack => ControllerGreeting::default(),
        }
    }

    /// Encodes what a controller tells of itself.
    #[must_use]
    pub fn write_controller_greeting(self, greeting: &ControllerGreeting) -> Vec<u8> {
        match self {
            // A value of these types always has an encoding.
            Self::Postcard => encode(greeting).unwrap_or_default(),
            // The empty map.
            Self::MessagePack => Vec::new(),
        }
    }

    /// Encodes what a host tells of itself, or why it gives no session.
    #[must_use]
    pub fn host_greeting(self, greeting: &HostGreeting, refused: Option<Reason>) -> Vec<u8> {
        match (self, refused) {
            (Self::Postcard, _) => encode(greeting).unwrap_or_default(),
            (Self::MessagePack, None) => v1::manifest_v1(&greeting.manifest, &greeting.description),
            (Self::MessagePack, Some(Reason::BUSY)) => v1::busy(&greeting.refusal.clone().unwrap_or_default()),
            (Self::MessagePack, Some(reason)) => {
                let code = match reason {
                    Reason::UNTRUSTED | Reason::REFUSED | Reason::NOT_PAIRING => ErrorCode::PermissionDenied,
                    Reason::UNSUPPORTED => ErrorCode::CapabilityUnsupported,
                    _ => ErrorCode::Internal,
                };
                let message = greeting.refusal.as_ref().map_or_else(|| reason.text(), |info| info.message.as_str());
                self.error(&Error::new(code, message), "", &greeting.manifest.backend)
            }
        }
    }

    /// Decodes what a host tells of itself, or why it gives no session.
    #[must_use]
    pub fn read_host_greeting(self, body: &[u8], is_refusal: bool) -> HostGreeting {
        match (self, is_refusal) {
            (Self::Postcard, _) => decode(body).unwrap_or_default(),
            (Self::MessagePack, false) => {
                let v1::Described { manifest, description, newest_wire } = v1::read_manifest_v1(body);
                HostGreeting { description, manifest, newest_wire, ..HostGreeting::default() }
            }
            (Self::MessagePack, true) => {
                HostGreeting { refusal: Some(v1::read_refusal(body)), ..HostGreeting::default() }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_host_says_who_drives_it_and_since_when_in_both_versions() {
        let info = RefusalInfo {
            message: "\"büro\" is driving this machine".to_owned(),
            holder: Some("büro".to_owned()),
            since: Some(1_770_091_506.25),
        };
        let greeting = HostGreeting { refusal: Some(info.clone()), ..HostGreeting::default() };
        for codec in [Codec::Postcard, Codec::MessagePack] {
            let body = codec.host_greeting(&greeting, Some(Reason::BUSY));
            assert_eq!(codec.read_host_greeting(&body, true).refusal, Some(info.clone()), "{codec:?}");
        }
    }

    #[test]
    fn a_host_of_version_1_that_tells_a_line_only_is_understood() {
        let details = |details: &str| {
            let text = format!(r#"{{"code": "busy", "message": "server is busy", "details": {details}}}"#);
            let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            let body = rmp_serde::to_vec(&value).expect("an encoding");
            Codec::MessagePack.read_host_greeting(&body, true).refusal.expect("a refusal")
        };
        let line = RefusalInfo { message: "server is busy".to_owned(), ..RefusalInfo::default() };
        for nothing in ["{}", "null", r#"{"holder": 7, "since": "noon"}"#] {
            assert_eq!(details(nothing), line, "{nothing}");
        }
        assert_eq!(details(r#"{"since": 5}"#).since, Some(5.0));
        assert_eq!(
            Codec::MessagePack.read_host_greeting(b"\xc1", true).refusal.expect("a refusal").message,
            "internal"
        );
    }
}
