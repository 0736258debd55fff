//! Authentication of a known peer: Noise IK.

use super::{Kind, message, prologue};
use crate::crypto::Unproven;
use crate::crypto::keys::{PublicKey, StaticKey};
use crate::crypto::noise::{Handshake, Transport};
use crate::dialect::{MESSAGE_BYTES, Message};

/// The controller's side of Noise IK.
#[derive(Debug)]
pub struct AuthClient {
    handshake: Handshake,
}

impl AuthClient {
    /// Begins towards the host with this key and gives the first message.
    ///
    /// # Errors
    /// [`Unproven`] when the host's key is of low order.
    pub fn start(local: StaticKey, host: PublicKey, ephemeral: [u8; 32]) -> Result<(Self, Message), Unproven> {
        let mut handshake = Handshake::ik_initiator(local, host, &prologue(Kind::Auth, &[]));
        let mut out = [0; MESSAGE_BYTES];
        let length = handshake.write(ephemeral, &[], &mut out)?;
        let first = message(Kind::Auth, &[out.get(..length).ok_or(Unproven)?]);
        Ok((Self { handshake }, first))
    }

    /// Reads the body of the host's answer and gives the keys.
    ///
    /// # Errors
    /// [`Unproven`] when it was not made by the machine with the expected key.
    pub fn finish(&mut self, body: &[u8]) -> Result<Transport, Unproven> {
        self.handshake.read(body, &mut [])?;
        self.handshake.finish()
    }
}

/// The host's side of Noise IK, in one step: reads the body of the controller's message, gives the answer and the
/// keys. The controller has proved nothing yet: its message may be a replay. Its first record is the proof.
///
/// # Errors
/// [`Unproven`] when the message does not hold.
pub fn auth_respond(local: StaticKey, body: &[u8], ephemeral: [u8; 32]) -> Result<(Transport, Message), Unproven> {
    let mut handshake = Handshake::ik_responder(local, &prologue(Kind::Auth, &[]));
    handshake.read(body, &mut [])?;
    let mut out = [0; MESSAGE_BYTES];
    let length = handshake.write(ephemeral, &[], &mut out)?;
    let answer = message(Kind::AuthReply, &[out.get(..length).ok_or(Unproven)?]);
    Ok((handshake.finish()?, answer))
}
