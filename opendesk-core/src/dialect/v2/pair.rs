//! Pairing of strangers by a code: CPace, mutual confirmation, then Noise XXpsk0.

use super::{Kind, message, prologue};
use crate::crypto::Unproven;
use crate::crypto::keys::StaticKey;
use crate::crypto::noise::{Handshake, Transport};
use crate::crypto::pake::{CONFIRMATION_BYTES, Confirmation, Context, Exchange, SHARE_BYTES, SID_BYTES, confirm};
use crate::dialect::{MESSAGE_BYTES, Message};
use crate::limits::CODE_BYTES;
use zeroize::Zeroize;

const CHANNEL: &[u8] = b"opendesk v2 pairing";
const CONTROLLER: &[u8] = b"controller";
const HOST: &[u8] = b"host";

const fn context<'a>(code: &'a [u8], sid: &'a [u8; SID_BYTES]) -> Context<'a> {
    Context { code, channel: CHANNEL, sid, initiator: CONTROLLER, responder: HOST }
}

fn noise(
    initiator: bool,
    local: StaticKey,
    keys: &Confirmation,
    sid: &[u8; SID_BYTES],
    shares: [&[u8; SHARE_BYTES]; 2],
) -> Handshake {
    Handshake::xx_psk0(initiator, local, keys.psk, &prologue(Kind::Pair, &[sid, shares[0], shares[1]]))
}

fn write(kind: Kind, front: &[u8], handshake: &mut Handshake, ephemeral: [u8; 32]) -> Result<Message, Unproven> {
    let mut out = [0; MESSAGE_BYTES];
    let length = handshake.write(ephemeral, &[], &mut out)?;
    Ok(message(kind, &[front, out.get(..length).ok_or(Unproven)?]))
}

/// The controller's side.
pub struct PairClient {
    code: heapless::Vec<u8, CODE_BYTES>,
    local: StaticKey,
    sid: [u8; SID_BYTES],
    exchange: Exchange,
    confirmed: Option<(Confirmation, Handshake)>,
}

impl core::fmt::Debug for PairClient {
    /// Without the code.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("PairClient(..)")
    }
}

impl Drop for PairClient {
    fn drop(&mut self) {
        self.code.as_mut_slice().zeroize();
    }
}

/// What the controller does next.
#[derive(Debug)]
pub enum PairClientStep {
    /// Sends this and waits.
    Send(Message),
    /// Sends this; the handshake is done.
    Done(Message, Transport),
}

impl PairClient {
    /// Begins with 80 random bytes and gives the first message.
    ///
    /// # Errors
    /// [`Unproven`] when the code is over [`CODE_BYTES`].
    pub fn start(
        local: StaticKey,
        code: &[u8],
        sid: [u8; SID_BYTES],
        random: &[u8; 64],
    ) -> Result<(Self, Message), Unproven> {
        let kept = heapless::Vec::from_slice(code).map_err(|_| Unproven)?;
        let exchange = Exchange::new(&context(code, &sid), random);
        let first = message(Kind::Pair, &[&sid, exchange.share()]);
        Ok((Self { code: kept, local, sid, exchange, confirmed: None }, first))
    }

    /// Reads the body of the host's next message.
    ///
    /// # Errors
    /// [`Unproven`] when it does not hold: the code differs, or somebody is in between.
    pub fn handle(&mut self, kind: Kind, body: &[u8], ephemeral: [u8; 32]) -> Result<PairClientStep, Unproven> {
        match (kind, &mut self.confirmed) {
            (Kind::PairReply, confirmed @ None) => {
                let share: &[u8; SHARE_BYTES] = body.try_into().map_err(|_| Unproven)?;
                let keys = self.exchange.agree(&context(&self.code, &self.sid), true, share)?;
                let mut handshake = noise(true, self.local.clone(), &keys, &self.sid, [self.exchange.share(), share]);
                let next = write(Kind::Confirm, &keys.initiator, &mut handshake, ephemeral)?;
                *confirmed = Some((keys, handshake));
                Ok(PairClientStep::Send(next))
            }
            (Kind::ConfirmReply, Some((keys, handshake))) => {
                let (tag, rest) = body.split_first_chunk::<CONFIRMATION_BYTES>().ok_or(Unproven)?;
                confirm(&keys.responder, tag)?;
                handshake.read(rest, &mut [])?;
                let last = write(Kind::Finish, &[], handshake, ephemeral)?;
                Ok(PairClientStep::Done(last, handshake.finish()?))
            }
            _ => Err(Unproven),
        }
    }
}

/// The host's side.
#[derive(Debug)]
pub struct PairHost {
    sid: [u8; SID_BYTES],
    keys: Confirmation,
    shares: [[u8; SHARE_BYTES]; 2],
    handshake: Option<Handshake>,
}

/// What the host does next.
#[derive(Debug)]
pub enum PairHostStep {
    /// The controller knew the code: sends this and waits for its key.
    Proved(Message),
    /// The controller proved its key: records follow.
    Done(Transport),
    /// The controller did not know the code. One try is gone.
    WrongCode,
}

impl PairHost {
    /// Reads the body of a [`Kind::Pair`] message, takes 64 random bytes, and gives the answer.
    ///
    /// # Errors
    /// [`Unproven`] when the controller's share is no group element.
    pub fn start(code: &[u8], body: &[u8], random: &[u8; 64]) -> Result<(Self, Message), Unproven> {
        let (sid, share) = body.split_first_chunk::<SID_BYTES>().ok_or(Unproven)?;
        let share: &[u8; SHARE_BYTES] = share.try_into().map_err(|_| Unproven)?;
        let context = context(code, sid);
        let exchange = Exchange::new(&context, random);
        let keys = exchange.agree(&context, false, share)?;
        let answer = message(Kind::PairReply, &[exchange.share()]);
        let shares = [*share, *exchange.share()];
        Ok((Self { sid: *sid, keys, shares, handshake: None }, answer))
    }

    /// Reads the body of the controller's next message.
    ///
    /// # Errors
    /// [`Unproven`] when it is not what comes next, or does not hold although the code was right.
    pub fn handle(
        &mut self,
        local: &StaticKey,
        kind: Kind,
        body: &[u8],
        ephemeral: [u8; 32],
    ) -> Result<PairHostStep, Unproven> {
        match (kind, &mut self.handshake) {
            (Kind::Confirm, pending @ None) => {
                let (tag, rest) = body.split_first_chunk::<CONFIRMATION_BYTES>().ok_or(Unproven)?;
                if confirm(&self.keys.initiator, tag).is_err() {
                    return Ok(PairHostStep::WrongCode);
                }
                let [first, second] = &self.shares;
                let mut handshake = noise(false, local.clone(), &self.keys, &self.sid, [first, second]);
                handshake.read(rest, &mut [])?;
                let answer = write(Kind::ConfirmReply, &self.keys.responder, &mut handshake, ephemeral)?;
                *pending = Some(handshake);
                Ok(PairHostStep::Proved(answer))
            }
            (Kind::Finish, Some(handshake)) => {
                handshake.read(body, &mut [])?;
                Ok(PairHostStep::Done(handshake.finish()?))
            }
            _ => Err(Unproven),
        }
    }
}
