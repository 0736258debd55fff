//! The tools about machines: which there are, which one is meant, and what they can do.

pub(super) mod capabilities;
pub(super) mod choose;
pub(super) mod describe;
pub(super) mod disconnect;
pub(super) mod discover;
pub(super) mod list;
pub(super) mod status;

use crate::home::{TrustedPeer, plain_text, printable};

/// Characters of a description that a list has room for.
const DESCRIPTION: usize = 160;

/// What a description begins with: one line.
fn beginning(description: &str) -> String {
    let line = plain_text(description);
    if line.chars().count() <= DESCRIPTION {
        return line;
    }
    let beginning: String = line.chars().take(DESCRIPTION - 1).collect();
    format!("{beginning}…")
}

/// Where a machine was reached last; none for one that only controls this machine.
fn address(peer: &TrustedPeer) -> Option<String> {
    let host = printable(&peer.last_host);
    match host.as_str() {
        "" => None,
        host if host.contains(':') => Some(format!("[{host}]:{}", peer.last_port)),
        host => Some(format!("{host}:{}", peer.last_port)),
    }
}

/// What a machine may do here and for how long.
fn terms(peer: &TrustedPeer, now: f64) -> String {
    let role = match peer.role {
        crate::home::Role::Full => "may do everything here",
        crate::home::Role::Observe => "may only look here",
    };
    if peer.ended {
        return "may do nothing here".to_owned();
    }
    if peer.is_expired(now) {
        return "may do nothing here any more, because its time is over".to_owned();
    }
    let Some(end) = peer.expires_at else { return format!("{role} until it is removed") };
    format!("{role} for {} more", lasting(end - now))
}

/// A time in its largest unit.
fn lasting(seconds: f64) -> String {
    const UNITS: [(f64, &str); 3] = [(86_400.0, "days"), (3600.0, "hours"), (60.0, "minutes")];
    let unit = UNITS.into_iter().find(|(length, _)| seconds >= 2.0 * length);
    let (length, name) = unit.unwrap_or((1.0, "seconds"));
    format!("{:.0} {name}", (seconds / length).floor())
}

#[cfg(test)]
pub(super) mod tests {
    use core::time::Duration;

    use futures_util::future::BoxFuture;

    use super::*;
    use crate::client::{Remote, RemoteOptions};
    use crate::desktop::Backend;
    use crate::home::{Home, NewPeer, Peers, Terms};
    use crate::tools::{Outside, Session};

    /// No machine can be reached, and no time passes.
    struct Nowhere;

    impl Outside for Nowhere {
        fn remote(&self, options: RemoteOptions) -> Remote {
            panic!("{options:?} is opened")
        }

        fn sleep(&self, _: Duration) -> BoxFuture<'_, ()> {
            Box::pin(core::future::ready(()))
        }
    }

    pub(in crate::tools) fn session(home: &Home) -> Session {
        Session::new(home.clone(), Backend::Virtual, Box::new(Nowhere))
    }

    pub(in crate::tools) fn home() -> (tempfile::TempDir, Home) {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let home = Home::open(Some(folder.path().join("home"))).expect("a home");
        (folder, home)
    }

    /// Pairs a machine that nobody can reach. Its key is made of the number.
    pub(in crate::tools) fn know(home: &Home, name: &str, number: u8) -> [u8; 32] {
        let public_key = [number; 32];
        let terms = Some(Terms::default());
        let new = NewPeer { public_key, name: name.to_owned(), paired_at: 0.0, signing_key: None, wire: 2, terms };
        let mut peers = Peers::load(home).expect("a list");
        peers.add(&new).expect("it is written");
        peers.set_endpoint(&public_key, "127.0.0.1", 1).expect("it is written");
        public_key
    }

    #[test]
    fn how_long_a_trust_lasts_is_told_in_a_unit_that_fits() {
        assert_eq!(lasting(3.5), "3 seconds");
        assert_eq!(lasting(119.0), "119 seconds");
        assert_eq!(lasting(7199.0), "119 minutes");
        assert_eq!(lasting(90_000.0), "25 hours");
        assert_eq!(lasting(400_000.0), "4 days");
    }

    #[test]
    fn a_description_is_seen_to_be_cut() {
        assert_eq!(beginning("one\ntwo"), "one two");
        let cut = beginning(&"é".repeat(161));
        assert!(cut.ends_with('…') && cut.chars().count() == DESCRIPTION);
    }
}
