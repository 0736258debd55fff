//! Which desktop a call goes to.

use core::fmt;

use opendesk_core::PublicKey;

use super::caller::Deferred;
use crate::api::Error;
use crate::client::{ClientError, Whom};
use crate::home::{HomeError, Peers, announced_digits, plain_text};

/// A desktop.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// This machine's.
    Local,
    /// A paired machine's, by its name. One that is not paired is called by its fingerprint, wherever it is.
    Peer(String),
}

impl Target {
    /// What results are marked with.
    #[must_use]
    pub fn prefix(&self) -> String {
        match self {
            Self::Local => String::new(),
            Self::Peer(name) => format!("[on {name}] "),
        }
    }

    /// The name that `peer` arguments take.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Local => LOCAL,
            Self::Peer(name) => name,
        }
    }
}

/// What a machine is called that is not paired. No paired one can have such a name.
pub(super) fn fingerprint(key: PublicKey) -> String {
    format!("{key:?}")
}

/// What this machine is called in `peer` arguments.
pub(super) const LOCAL: &str = "local";

/// Whether a tool is used on a desktop. The others never depend on a machine being there, whichever is chosen.
pub(super) fn is_for_a_desktop(tool: &str) -> bool {
    !tool.starts_with("opendesk_") && !["learn", "schedule", "audit"].contains(&tool)
}

/// Why a target was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Because {
    Named,
    Used,
    Default,
    OnlyPeer,
    NoPeer,
}

impl Because {
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Named => "named in the call",
            Self::Used => "chosen by opendesk_use",
            Self::Default => "the persistent default",
            Self::OnlyPeer => "the only paired peer",
            Self::NoPeer => "no peer is paired",
        }
    }
}

/// The order of the choice: the call's `peer`, `opendesk_use`, the persistent default, the only paired peer; several
/// and none chosen is an error, none paired is this machine. Peers that paired with us without our knowing their
/// address are controllers of this machine: they cannot be driven from here, so they do not count.
pub(super) fn resolve(
    named: Option<&str>,
    used: Option<&Target>,
    peers: &Peers,
    is_said: &dyn Fn(&str) -> bool,
) -> Result<(Target, Because), ToolError> {
    if let Some(name) = named {
        return known(name, peers, is_said).map(|target| (target, Because::Named));
    }
    if let Some(target) = used {
        // A peer that was removed meanwhile must not silently become another machine.
        return known(target.name(), peers, is_said).map(|target| (target, Because::Used));
    }
    if let Some(peer) = peers.default_peer() {
        return Ok((Target::Peer(peer.name.to_string()), Because::Default));
    }
    let names = drivable(peers);
    match names.as_slice() {
        [] => Ok((Target::Local, Because::NoPeer)),
        [only] => Ok((Target::Peer(only.clone()), Because::OnlyPeer)),
        _ => Err(ToolError::Several(names)),
    }
}

/// The names of the peers that can be driven from here.
pub(super) fn drivable(peers: &Peers) -> Vec<String> {
    let addressed = peers.list().iter().filter(|peer| !peer.last_host.is_empty());
    addressed.map(|peer| peer.name.to_string()).collect()
}

/// The target that a name means. `is_said` tells whether this is what a machine is called that is not paired and that was
/// named with its place before.
fn known(name: &str, peers: &Peers, is_said: &dyn Fn(&str) -> bool) -> Result<Target, ToolError> {
    if name.eq_ignore_ascii_case(LOCAL) {
        return Ok(Target::Local);
    }
    match name.parse() {
        Err(error) => Err(ToolError::Arguments(error.to_string())),
        // Who is paired is called by the name that rules know, wherever it is.
        Ok(Whom::At(place)) => Ok(Target::Peer(match peers.by_key(&place.key.0) {
            Some(peer) => peer.name.to_string(),
            None => fingerprint(place.key),
        })),
        Ok(Whom::Peer(text)) => match (peers.find(&text), peers.beginning_with(&text).len()) {
            (Ok(peer), _) => Ok(Target::Peer(peer.name.to_string())),
            (Err(_), 0) if is_said(&text) => Ok(Target::Peer(text)),
            (Err(error), 2..) => Err(ToolError::Arguments(error.to_string())),
            (Err(_), _) => Err(ToolError::Unknown { name: text, known: drivable(peers) }),
        },
    }
}

/// How a tool fails; one line each, with the next step.
#[derive(Debug)]
pub enum ToolError {
    /// There is no such tool.
    NoSuchTool(String),
    /// The arguments are not the tool's.
    Arguments(String),
    /// No peer has this name.
    Unknown {
        /// The name.
        name: String,
        /// The names that exist.
        known: Vec<String>,
    },
    /// Several peers are paired and none was chosen.
    Several(Vec<String>),
    /// The desktop refused.
    Desktop(Error),
    /// The peer could not be used.
    Peer {
        /// Its name.
        name: String,
        /// How that failed.
        error: ClientError,
    },
    /// Our own files.
    Home(HomeError),
    /// A person has to be asked first, through the client of the agent; nothing was done.
    Ask(Box<Deferred>),
}

impl fmt::Display for ToolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchTool(why) => f.write_str(&crate::home::printable(why)),
            Self::Arguments(why) => write!(f, "the arguments do not fit: {why}"),
            // As one that announces itself is called: what to do about it is another thing.
            Self::Unknown { name, .. } if announced_digits(name).is_some() => {
                let name = plain_text(name);
                write!(
                    f,
                    "no paired machine is called {name:?} or has a key that begins so; if `opendesk discover` shows it, pair \
                     with it first: run `opendesk pair` there and `opendesk pair-with {name} CODE` here"
                )
            }
            Self::Unknown { name, known } if known.is_empty() => {
                write!(
                    f,
                    "no paired machine is called {:?}; none is paired yet, which `opendesk pair-with` does",
                    plain_text(name)
                )
            }
            Self::Unknown { name, known } => {
                write!(f, "no paired machine is called {:?}; there are: {}, local", plain_text(name), known.join(", "))
            }
            Self::Several(names) => write!(
                f,
                "several machines are paired ({}) and none is chosen; name one (`peer`), choose one with opendesk_use, or for all \
                 that comes with `opendesk peers default`",
                names.join(", ")
            ),
            Self::Desktop(error) => error.fmt(f),
            Self::Peer { name, error } => write!(f, "[on {name}] {error}"),
            Self::Home(error) => error.fmt(f),
            Self::Ask(asked) => write!(f, "a person has to allow this first: {}", asked.question.why),
        }
    }
}

impl core::error::Error for ToolError {}

impl From<Error> for ToolError {
    fn from(error: Error) -> Self {
        Self::Desktop(error)
    }
}

impl From<HomeError> for ToolError {
    fn from(error: HomeError) -> Self {
        Self::Home(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::home::{Home, NewPeer};

    /// Peers that can be driven, and one that only controls this machine.
    fn peers(names: &[&str]) -> (tempfile::TempDir, Peers) {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(Some(folder.path().join("home"))).unwrap();
        let mut peers = Peers::load(&home).unwrap();
        for (number, name) in names.iter().chain(&["controller"]).enumerate() {
            let public_key = [number as u8 + 1; 32];
            let new =
                NewPeer { public_key, name: (*name).into(), paired_at: 0.0, signing_key: None, wire: 2, terms: None };
            peers.add(&new).unwrap();
            if *name != "controller" {
                peers.set_endpoint(&public_key, "127.0.0.1", 1).unwrap();
            }
        }
        (folder, peers)
    }

    /// No machine was named with its place.
    fn nobody(_: &str) -> bool {
        false
    }

    fn peer(name: &str) -> Target {
        Target::Peer(name.into())
    }

    #[test]
    fn the_nearest_choice_wins() {
        let (_folder, mut peers) = peers(&["a", "b", "c"]);
        let key = peers.by_name("c").unwrap().public_key;
        peers.set_default(Some(&key)).unwrap();
        let used = peer("b");
        assert_eq!(resolve(Some("a"), Some(&used), &peers, &nobody).unwrap(), (peer("a"), Because::Named));
        assert_eq!(resolve(None, Some(&used), &peers, &nobody).unwrap(), (peer("b"), Because::Used));
        assert_eq!(resolve(None, None, &peers, &nobody).unwrap(), (peer("c"), Because::Default));
        peers.set_default(None).unwrap();
        let several = resolve(None, None, &peers, &nobody).unwrap_err();
        assert!(matches!(&several, ToolError::Several(names) if names == &["a", "b", "c"]), "{several}");
        assert!(several.to_string().contains("a, b, c"), "{several}");
    }

    #[test]
    fn local_is_always_local() {
        let (_folder, mut peers) = peers(&["a"]);
        let key = peers.by_name("a").unwrap().public_key;
        peers.set_default(Some(&key)).unwrap();
        // After `opendesk_use local` nothing reaches the remote, whatever the default is (W3).
        assert_eq!(resolve(None, Some(&Target::Local), &peers, &nobody).unwrap(), (Target::Local, Because::Used));
        assert_eq!(resolve(Some("LOCAL"), None, &peers, &nobody).unwrap(), (Target::Local, Because::Named));
    }

    #[test]
    fn without_a_choice_the_only_peer_or_this_machine() {
        let (_folder, one) = peers(&["a"]);
        assert_eq!(resolve(None, None, &one, &nobody).unwrap(), (peer("a"), Because::OnlyPeer));
        // Whoever controls this machine cannot be driven from it.
        let (_folder, none) = peers(&[]);
        assert_eq!(resolve(None, None, &none, &nobody).unwrap(), (Target::Local, Because::NoPeer));
    }

    #[test]
    fn a_peer_that_is_gone_is_not_silently_another_one() {
        let (_folder, peers) = peers(&["a"]);
        for (named, used) in [(Some("gone"), None), (None, Some(peer("gone")))] {
            let error = resolve(named, used.as_ref(), &peers, &nobody).unwrap_err();
            assert!(
                matches!(&error, ToolError::Unknown { name, known } if name == "gone" && known == &["a"]),
                "{error}"
            );
        }
    }

    #[test]
    fn what_a_machine_announces_means_it_if_it_is_paired_and_else_says_how_to_pair() {
        let (_folder, peers) = peers(&["a"]);
        let named = |text: &str| resolve(Some(text), None, &peers, &nobody).map(|(target, _)| target);
        assert_eq!(named("box-010101").unwrap(), peer("a"));
        let error = named("box-7b7b7b").unwrap_err().to_string();
        assert!(error.contains("`opendesk pair-with box-7b7b7b CODE`") && error.lines().count() == 1, "{error}");
    }

    #[test]
    fn who_is_not_paired_is_called_alike_wherever_it_is() {
        let (_folder, peers) = peers(&["a"]);
        let key = "7b".repeat(32);
        let named = |text: &str| resolve(Some(text), None, &peers, &nobody).unwrap().0;
        let stranger = named(&format!("ws://box:1#{key}"));
        assert_eq!(stranger, peer("7b7b:7b7b:7b7b:7b7b"));
        assert_eq!(named(&format!("ws://[::1]#{key}")), stranger);
        assert_eq!(named(&format!("ws://box:1#{}", "01".repeat(32))), peer("a"));
        // Once its place is known the name is enough.
        let is_said = |name: &str| name == stranger.name();
        assert_eq!(resolve(None, Some(&stranger), &peers, &is_said).unwrap(), (stranger.clone(), Because::Used));
        assert!(resolve(None, Some(&stranger), &peers, &nobody).is_err());
    }
}
