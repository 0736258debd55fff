//! What a host makes of a message before there are keys.

use super::link::{Pairing, Phase};
use super::{ClaimedPeer, Delivery, Event, Host, PairingEnd};
use crate::crypto::keys::PublicKey;
use crate::crypto::noise::Transport;
use crate::dialect::v2::{Kind, PairHostStep};
use crate::dialect::{Handshake, refusal, v1, v2, wire_of};
use crate::id::LinkId;
use crate::limits::PRE_AUTH_BYTES;
use crate::reason::Reason;
use crate::time::Instant;

impl<const N: usize> Host<N> {
    pub(super) fn handle_handshake<'a>(&mut self, now: Instant, id: LinkId, message: &[u8]) -> Delivery<'a> {
        if let Some(link) = self.links.get_mut(id)
            && matches!(link.phase, Phase::Waiting)
        {
            link.wire = wire_of(message);
            if link.wire < self.oldest {
                self.reject(now, id, Reason::UNSUPPORTED, 0);
                return Delivery::Nothing;
            }
        }
        if message.len() > PRE_AUTH_BYTES {
            self.reject(now, id, Reason::TOO_LARGE, 0);
            return Delivery::Nothing;
        }
        match Handshake::split(message) {
            Ok(Handshake::V1(step)) => return self.handle_step(now, id, step),
            Ok(Handshake::V2(kind, body)) => self.handle_kind(now, id, kind, body),
            Err(_) => self.reject(now, id, Reason::MALFORMED, 0),
        }
        Delivery::Nothing
    }

    /// Version 1.
    fn handle_step<'a>(&mut self, now: Instant, id: LinkId, step: v1::Step<'_>) -> Delivery<'a> {
        let random = self.random::<32>();
        let Some(link) = self.links.get_mut(id) else { return Delivery::Nothing };
        match (&link.phase, step) {
            (Phase::Waiting, v1::Step::AuthHello { ephemeral, claimed }) => {
                link.phase = Phase::Claimed { ephemeral, claimed };
                return Delivery::Claim(ClaimedPeer { link: id, peer: claimed });
            }
            (Phase::Waiting, v1::Step::PairHello { ephemeral }) => self.offer(now, id, ephemeral, random),
            (
                Phase::Pairing { pairing: Pairing::V1(pairing), window: begun_under },
                v1::Step::PairFinish { sealed },
            ) => {
                let open =
                    self.window.as_mut().filter(|window| window.number() == *begun_under && window.is_free_for(id));
                let (Some(window), Some(keys)) = (open, &link.keys) else {
                    self.reject(now, id, Reason::NOT_PAIRING, 0);
                    return Delivery::Nothing;
                };
                match pairing.finish(&keys.static_key, sealed) {
                    Ok(transport) => {
                        let claimed = window.claim(id);
                        debug_assert!(claimed, "checked above");
                        link.paired = true;
                        link.keyed(now, &transport);
                    }
                    // Its end counts as a try.
                    Err(_) => self.reject(now, id, Reason::WRONG_CODE, 0),
                }
            }
            _ => self.reject(now, id, Reason::MISBEHAVED, 0),
        }
        Delivery::Nothing
    }

    /// Begins a pairing of version 1, where the owner has allowed it.
    fn offer(&mut self, now: Instant, id: LinkId, controller: PublicKey, ephemeral: [u8; 32]) {
        let open = self.window.as_ref().filter(|window| window.is_free_for(id));
        let Some((window, psk)) = open.and_then(|window| Some((window.number(), window.psk()?.clone()))) else {
            return self.reject(now, id, Reason::NOT_PAIRING, 0);
        };
        let keys = self.identities.current().clone();
        match v1::PairHost::start(&keys.static_key, psk, controller, ephemeral) {
            Ok((pairing, answer)) => {
                let Some(link) = self.links.get_mut(id) else { return };
                link.keys = Some(keys);
                link.phase = Phase::Pairing { pairing: Pairing::V1(pairing), window };
                link.handshake = Some(answer);
            }
            Err(_) => self.reject(now, id, Reason::MALFORMED, 0),
        }
    }

    /// Answers [`Delivery::Claim`]: whether the owner trusts whoever has that key. A stranger is answered in the same
    /// shape, and then waited for as anybody else: whatever it says next does not open.
    pub fn vouch(&mut self, now: Instant, id: LinkId, is_known: bool) {
        let (ephemeral, random) = (self.random::<32>(), self.random::<32>());
        let (initiator, responder, hash) = (self.random::<32>(), self.random::<32>(), self.random::<32>());
        let Some(link) = self.links.get_mut(id) else { return };
        let Phase::Claimed { ephemeral: controller, claimed } = link.phase else { return };
        let keys = self.identities.current().clone();
        // The same work and the same faults for both, so that neither tells them apart.
        match v1::auth_respond(&keys.static_key, controller, claimed, ephemeral) {
            Ok((transport, answer)) if is_known => {
                link.handshake = Some(answer);
                link.keyed(now, &transport);
            }
            Ok(_) => {
                link.handshake = Some(v1::auth_refuse(ephemeral, &random));
                link.keyed(now, &Transport { initiator, responder, hash, remote: claimed });
            }
            Err(_) => return self.reject(now, id, Reason::FORGED, 0),
        }
        link.keys = Some(keys);
    }

    /// Version 2.
    fn handle_kind(&mut self, now: Instant, id: LinkId, kind: Kind, body: &[u8]) {
        let random = self.random::<64>();
        let ephemeral = self.random::<32>();
        let Some(link) = self.links.get_mut(id) else { return };
        match (&mut link.phase, kind) {
            (Phase::Waiting, Kind::Auth) => match self.identities.respond(body, ephemeral) {
                Ok((keys, transport, answer)) => {
                    link.keys = Some(keys);
                    link.handshake = Some(answer);
                    link.keyed(now, &transport);
                }
                Err(_) => self.reject(now, id, Reason::FORGED, 0),
            },
            (Phase::Waiting, Kind::Pair) => {
                let Some(window) = &self.window else { return self.reject(now, id, Reason::NOT_PAIRING, 0) };
                match v2::PairHost::start(window.code(), body, &random) {
                    Ok((pairing, answer)) => {
                        link.keys = Some(self.identities.current().clone());
                        link.phase = Phase::Pairing { pairing: Pairing::V2(pairing), window: window.number() };
                        link.handshake = Some(answer);
                    }
                    Err(_) => self.reject(now, id, Reason::MALFORMED, 0),
                }
            }
            (Phase::Pairing { pairing: Pairing::V2(pairing), window: begun_under }, kind) => {
                let open =
                    self.window.as_mut().filter(|window| window.number() == *begun_under && window.is_free_for(id));
                let Some(window) = open else { return self.reject(now, id, Reason::NOT_PAIRING, 0) };
                let Some(keys) = &link.keys else { return };
                match pairing.handle(&keys.static_key, kind, body, ephemeral) {
                    Ok(PairHostStep::Proved(answer)) => {
                        let claimed = window.claim(id);
                        debug_assert!(claimed, "checked above");
                        link.handshake = Some(answer);
                    }
                    Ok(PairHostStep::Done(transport)) => {
                        link.paired = true;
                        link.keyed(now, &transport);
                    }
                    Ok(PairHostStep::WrongCode) => {
                        let tries_left = window.wrong();
                        self.emit(Event::WrongCode { link: id, tries_left });
                        self.reject(now, id, Reason::WRONG_CODE, tries_left);
                        if tries_left == 0 {
                            self.close_pairing(PairingEnd::WrongCodes);
                        }
                    }
                    Err(_) => self.reject(now, id, Reason::FORGED, 0),
                }
            }
            _ => self.reject(now, id, Reason::MISBEHAVED, 0),
        }
    }

    /// Refuses a link that has no keys, in clear.
    fn reject(&mut self, now: Instant, id: LinkId, reason: Reason, tries_left: u8) {
        if let Some(link) = self.links.get_mut(id) {
            link.handshake = refusal(link.wire, reason, tries_left);
        }
        self.end(now, id, reason);
    }
}
