//! The handshakes of version 1 and their key schedules: MessagePack maps, X25519, HKDF-SHA256, ChaCha20-Poly1305
//! (docs/PROTOCOL.md, "Version 1").
//!
//! ```text
//! known peer                                 first contact
//!   auth_hello   e, s                          pair_hello    e
//!   auth_offer   e, ct                         pair_offer    e, ct
//!   records                                    pair_finish   ct
//!                                              records
//! ```

use chacha20poly1305::aead::inout::InOutBuf;
use chacha20poly1305::{AeadInOut, ChaCha20Poly1305, KeyInit, Tag};
use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use zeroize::Zeroize;

use super::msgpack::{Reader, Value, Writer};
use crate::crypto::Unproven;
use crate::crypto::keys::{PublicKey, StaticKey};
use crate::crypto::noise::Transport;
use crate::dialect::{MESSAGE_BYTES, Message};
use crate::limits::TAG_BYTES;
use crate::reason::Malformed;

const SALT: &[u8] = b"opendesk-psk-v1";
const ITERATIONS: u32 = 200_000;
const PROOF: &[u8; 2] = b"ok";
const SEALED_KEY: usize = 32 + TAG_BYTES;
const SEALED_PROOF: usize = PROOF.len() + TAG_BYTES;

/// What a pairing code becomes before it is used. This takes tens of milliseconds, by intent: derive it once for each
/// code, away from any event loop.
#[derive(Clone)]
pub struct Psk([u8; 32]);

impl Psk {
    /// PBKDF2-HMAC-SHA256 of the code, byte for byte.
    #[must_use]
    pub fn derive(code: &[u8]) -> Self {
        let mut psk = [0; 32];
        pbkdf2::pbkdf2_hmac::<Sha256>(code, SALT, ITERATIONS, &mut psk);
        Self(psk)
    }

    pub(crate) const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn bytes(&self) -> [u8; 32] {
        self.0
    }
}

impl core::fmt::Debug for Psk {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Psk(..)")
    }
}

impl Drop for Psk {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// A handshake message, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// A known controller begins, and says who it is.
    AuthHello {
        /// Its ephemeral key.
        ephemeral: PublicKey,
        /// Its static key; nothing proves yet that it has it.
        claimed: PublicKey,
    },
    /// The host answers.
    AuthOffer {
        /// Its ephemeral key.
        ephemeral: PublicKey,
        /// Its proof; anything else from a host that does not trust the controller.
        sealed: &'a [u8],
    },
    /// An unknown controller begins.
    PairHello {
        /// Its ephemeral key.
        ephemeral: PublicKey,
    },
    /// The host answers.
    PairOffer {
        /// Its ephemeral key.
        ephemeral: PublicKey,
        /// Its static key, under the code.
        sealed: &'a [u8],
    },
    /// The controller proves that it knows the code.
    PairFinish {
        /// Its static key, under the code.
        sealed: &'a [u8],
    },
}

/// Takes a handshake message apart. Keys that it does not know are ignored.
///
/// # Errors
/// [`Malformed`] when it is none of version 1.
pub fn split(message: &[u8]) -> Result<Step<'_>, Malformed> {
    let mut reader = Reader::new(message);
    let Value::Map(length) = reader.value()? else { return Err(Malformed) };
    let (mut version, mut kind, mut ephemeral, mut claimed, mut sealed) = (None, None, None, None, None);
    for _ in 0..length {
        let key = reader.key()?;
        let (value, _) = reader.raw()?;
        match (key, value) {
            ("v", value) => version = Some(value.integer()?),
            ("kind", value) => kind = Some(value.text()?),
            ("e", Value::Bin(bytes)) => ephemeral = Some(public(bytes)?),
            ("s", Value::Bin(bytes)) => claimed = Some(public(bytes)?),
            ("ct", Value::Bin(bytes)) => sealed = Some(bytes),
            ("e" | "s" | "ct", _) => return Err(Malformed),
            _ => {}
        }
    }
    if !reader.is_at_end() || version != Some(1) {
        return Err(Malformed);
    }
    match (kind, ephemeral, claimed, sealed) {
        (Some("auth_hello"), Some(ephemeral), Some(claimed), _) => Ok(Step::AuthHello { ephemeral, claimed }),
        (Some("auth_offer"), Some(ephemeral), _, Some(sealed)) => Ok(Step::AuthOffer { ephemeral, sealed }),
        (Some("pair_hello"), Some(ephemeral), _, _) => Ok(Step::PairHello { ephemeral }),
        (Some("pair_offer"), Some(ephemeral), _, Some(sealed)) => Ok(Step::PairOffer { ephemeral, sealed }),
        (Some("pair_finish"), _, _, Some(sealed)) => Ok(Step::PairFinish { sealed }),
        _ => Err(Malformed),
    }
}

fn public(bytes: &[u8]) -> Result<PublicKey, Malformed> {
    bytes.try_into().map(PublicKey).map_err(|_| Malformed)
}

fn message(kind: &str, fields: &[(&str, &[u8])]) -> Message {
    let mut out = [0; MESSAGE_BYTES];
    let mut writer = Writer::new(&mut out);
    writer.map(2 + fields.len() as u8).text("v").int(1).text("kind").text(kind);
    for (key, bytes) in fields {
        writer.text(key).bin(bytes);
    }
    let written = writer.finish();
    debug_assert!(written.is_ok(), "the longest message has 113 bytes");
    let bytes = written.ok().and_then(|length| out.get(..length)).unwrap_or_default();
    Message::from_slice(bytes).unwrap_or_default()
}

fn expand<const BYTES: usize>(salt: &[u8], input: &[u8], info: &[u8]) -> [u8; BYTES] {
    let mut output = [0; BYTES];
    let expanded = Hkdf::<Sha256>::new(Some(salt), input).expand(info, &mut output);
    debug_assert!(expanded.is_ok(), "64 bytes are far below HKDF's 8160");
    output
}

/// Seals what a handshake says, under a key that is used this once.
fn seal<const BYTES: usize>(key: &[u8; 32], plaintext: &[u8]) -> Result<[u8; BYTES], Unproven> {
    let mut out = [0; BYTES];
    let (data, rest) = out.split_at_mut_checked(plaintext.len()).ok_or(Unproven)?;
    data.copy_from_slice(plaintext);
    let tag = ChaCha20Poly1305::new(key.into())
        .encrypt_inout_detached(&[0; 12].into(), &[], InOutBuf::from(data))
        .map_err(|_| Unproven)?;
    if rest.len() != TAG_BYTES {
        return Err(Unproven);
    }
    rest.copy_from_slice(&tag);
    Ok(out)
}

fn unseal<const BYTES: usize>(key: &[u8; 32], sealed: &[u8]) -> Result<[u8; BYTES], Unproven> {
    let (data, tag) = sealed.split_at_checked(BYTES).ok_or(Unproven)?;
    let tag = Tag::try_from(tag).map_err(|_| Unproven)?;
    let mut out: [u8; BYTES] = data.try_into().map_err(|_| Unproven)?;
    ChaCha20Poly1305::new(key.into())
        .decrypt_inout_detached(&[0; 12].into(), &[], InOutBuf::from(&mut out[..]), &tag)
        .map_err(|_| Unproven)?;
    Ok(out)
}

fn transcript(parts: &[&[u8]]) -> [u8; 32] {
    parts.iter().fold(Sha256::new(), |hash, part| hash.chain_update(part)).finalize().into()
}

/// Agreements of X25519, one behind the other.
struct Chain {
    bytes: [u8; 128],
    used: usize,
}

impl Chain {
    const fn new() -> Self {
        Self { bytes: [0; 128], used: 0 }
    }

    fn mix(&mut self, shared: &[u8; 32]) {
        if let Some(room) = self.bytes.get_mut(self.used..self.used + 32) {
            room.copy_from_slice(shared);
            self.used += 32;
        }
    }

    fn so_far(&self) -> &[u8] {
        self.bytes.get(..self.used).unwrap_or_default()
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

fn session_keys(transcript: [u8; 32], chain: &Chain, remote: PublicKey) -> Transport {
    let mut keys = expand::<64>(&transcript, chain.so_far(), b"opendesk-session-keys");
    let (mut initiator, mut responder) = ([0; 32], [0; 32]);
    initiator.copy_from_slice(&keys[..32]);
    responder.copy_from_slice(&keys[32..]);
    keys.zeroize();
    Transport { initiator, responder, hash: transcript, remote }
}

/// The controller's side with a host that it knows.
#[derive(Debug)]
pub struct AuthClient {
    local: StaticKey,
    ephemeral: StaticKey,
    host: PublicKey,
}

impl AuthClient {
    /// Begins towards the host with this key and gives the first message.
    #[must_use]
    pub fn start(local: StaticKey, host: PublicKey, ephemeral: [u8; 32]) -> (Self, Message) {
        let ephemeral = StaticKey::new(ephemeral);
        let fields: [(&str, &[u8]); 2] = [("e", &ephemeral.public().0), ("s", &local.public().0)];
        let first = message("auth_hello", &fields);
        (Self { local, ephemeral, host }, first)
    }

    /// Reads the host's answer and gives the keys.
    ///
    /// # Errors
    /// [`Unproven`] when it was not made by the machine with the expected key, or by one that does not trust this one.
    pub fn finish(&self, ephemeral: PublicKey, sealed: &[u8]) -> Result<Transport, Unproven> {
        let hash = transcript(&[&ephemeral.0, &self.ephemeral.public().0, &self.local.public().0]);
        let mut chain = Chain::new();
        chain.mix(&self.ephemeral.agree(ephemeral)?);
        chain.mix(&self.ephemeral.agree(self.host)?);
        let proof: [u8; 2] = unseal(&expand(&hash, chain.so_far(), b"opendesk-auth-k"), sealed)?;
        if proof != *PROOF {
            return Err(Unproven);
        }
        chain.mix(&self.local.agree(ephemeral)?);
        chain.mix(&self.local.agree(self.host)?);
        Ok(session_keys(hash, &chain, self.host))
    }
}

/// The host's side with a controller that says who it is and whom the host trusts, in one step. The controller has proved
/// nothing yet: its first record is the proof.
///
/// # Errors
/// [`Unproven`] when one of its keys is of low order.
pub fn auth_respond(
    local: &StaticKey,
    controller: PublicKey,
    claimed: PublicKey,
    ephemeral: [u8; 32],
) -> Result<(Transport, Message), Unproven> {
    let ephemeral = StaticKey::new(ephemeral);
    let hash = transcript(&[&ephemeral.public().0, &controller.0, &claimed.0]);
    let mut chain = Chain::new();
    chain.mix(&ephemeral.agree(controller)?);
    chain.mix(&local.agree(controller)?);
    let sealed: [u8; SEALED_PROOF] = seal(&expand(&hash, chain.so_far(), b"opendesk-auth-k"), PROOF)?;
    chain.mix(&ephemeral.agree(claimed)?);
    chain.mix(&local.agree(claimed)?);
    Ok((session_keys(hash, &chain, claimed), offer(ephemeral.public(), &sealed)))
}

/// What a controller that is not trusted is answered: of the same shape, with random bytes where the proof would be.
#[must_use]
pub fn auth_refuse(ephemeral: [u8; 32], random: &[u8; 32]) -> Message {
    let (sealed, _) = random.split_at(SEALED_PROOF);
    offer(StaticKey::new(ephemeral).public(), sealed)
}

fn offer(ephemeral: PublicKey, sealed: &[u8]) -> Message {
    message("auth_offer", &[("e", &ephemeral.0), ("ct", sealed)])
}

/// The keys under which the two static keys travel in a pairing.
fn first_key(psk: &Psk, agreed: &[u8; 32]) -> [u8; 32] {
    expand(&psk.0, agreed, b"opendesk-pair-k1")
}

fn second_key(psk: &Psk, first: &[u8; SEALED_KEY], agreed: &[u8; 32]) -> [u8; 32] {
    let mut salt = [0; 32 + SEALED_KEY];
    salt[..32].copy_from_slice(&psk.0);
    salt[32..].copy_from_slice(first);
    let key = expand(&salt, agreed, b"opendesk-pair-k2");
    salt.zeroize();
    key
}

/// The controller's side of a first contact.
#[derive(Debug)]
pub struct PairClient {
    local: StaticKey,
    ephemeral: StaticKey,
    psk: Psk,
}

impl PairClient {
    /// Begins, and gives the first message.
    #[must_use]
    pub fn start(local: StaticKey, psk: Psk, ephemeral: [u8; 32]) -> (Self, Message) {
        let ephemeral = StaticKey::new(ephemeral);
        let first = message("pair_hello", &[("e", &ephemeral.public().0)]);
        (Self { local, ephemeral, psk }, first)
    }

    /// Reads the host's answer; gives the last message and the keys.
    ///
    /// # Errors
    /// [`Unproven`] when the code differs.
    pub fn finish(&self, ephemeral: PublicKey, sealed: &[u8]) -> Result<(Transport, Message), Unproven> {
        let first: [u8; SEALED_KEY] = sealed.try_into().map_err(|_| Unproven)?;
        let agreed = self.ephemeral.agree(ephemeral)?;
        let host = PublicKey(unseal(&first_key(&self.psk, &agreed), &first)?);
        let second: [u8; SEALED_KEY] = seal(&second_key(&self.psk, &first, &agreed), &self.local.public().0)?;
        let hash = transcript(&[&ephemeral.0, &self.ephemeral.public().0, &first, &second]);
        let mut chain = Chain::new();
        chain.mix(&agreed);
        chain.mix(&self.ephemeral.agree(host)?);
        chain.mix(&self.local.agree(ephemeral)?);
        chain.mix(&self.psk.0);
        Ok((session_keys(hash, &chain, host), message("pair_finish", &[("ct", &second)])))
    }
}

/// The host's side of a first contact.
#[derive(Debug)]
pub struct PairHost {
    ephemeral: StaticKey,
    controller: PublicKey,
    first: [u8; SEALED_KEY],
    psk: Psk,
}

impl PairHost {
    /// Answers the first message of a controller with this ephemeral key. What it answers lets whoever asked search a
    /// short code: a host does so only when its owner has allowed version 1.
    ///
    /// # Errors
    /// [`Unproven`] when that key is of low order.
    pub fn start(
        local: &StaticKey,
        psk: Psk,
        controller: PublicKey,
        ephemeral: [u8; 32],
    ) -> Result<(Self, Message), Unproven> {
        let ephemeral = StaticKey::new(ephemeral);
        let agreed = ephemeral.agree(controller)?;
        let first: [u8; SEALED_KEY] = seal(&first_key(&psk, &agreed), &local.public().0)?;
        let answer = message("pair_offer", &[("e", &ephemeral.public().0), ("ct", &first)]);
        Ok((Self { ephemeral, controller, first, psk }, answer))
    }

    /// Reads the controller's last message and gives the keys.
    ///
    /// # Errors
    /// [`Unproven`] when the code differs.
    pub fn finish(&self, local: &StaticKey, sealed: &[u8]) -> Result<Transport, Unproven> {
        let agreed = self.ephemeral.agree(self.controller)?;
        let claimed = PublicKey(unseal(&second_key(&self.psk, &self.first, &agreed), sealed)?);
        let hash = transcript(&[&self.ephemeral.public().0, &self.controller.0, &self.first, sealed]);
        let mut chain = Chain::new();
        chain.mix(&agreed);
        chain.mix(&local.agree(self.controller)?);
        chain.mix(&self.ephemeral.agree(claimed)?);
        chain.mix(&self.psk.0);
        Ok(session_keys(hash, &chain, claimed))
    }
}

#[cfg(test)]
mod tests {
    use std::string::String;
    use std::vec::Vec;

    use super::*;
    use crate::crypto::record::{Direction, Numbering};

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    /// Private keys of the vectors: 32 times a byte.
    fn key(byte: u8) -> StaticKey {
        StaticKey::new([byte; 32])
    }

    const HOST: u8 = 1;
    const CONTROLLER: u8 = 2;
    const HOST_EPHEMERAL: u8 = 3;
    const CONTROLLER_EPHEMERAL: u8 = 4;

    fn sealed_of(message: &Message) -> Vec<u8> {
        match split(message).unwrap() {
            Step::AuthOffer { sealed, .. } | Step::PairOffer { sealed, .. } | Step::PairFinish { sealed } => {
                sealed.into()
            }
            other => panic!("{other:?}"),
        }
    }

    fn assert_keys(transport: &Transport, hash: &str, initiator: &str, responder: &str) {
        assert_eq!(transport.hash.as_slice(), hex(hash));
        assert_eq!(transport.initiator.as_slice(), hex(initiator));
        assert_eq!(transport.responder.as_slice(), hex(responder));
    }

    #[test]
    fn codes_become_the_published_keys() {
        for (code, psk) in [
            ("123456", "64d23c61b4bef1240679ac4360d85f4996c3226aa79c3240f6318dfc90ceb55b"),
            ("000000", "728e3842d0274cd02f41c7d304d78bc7e4d5d12a0d9a5afaba8f41e95bf668c7"),
        ] {
            assert_eq!(Psk::derive(code.as_bytes()).0.as_slice(), hex(psk), "{code}");
        }
    }

    #[test]
    fn a_pairing_is_the_published_one() {
        let psk = Psk::derive(b"123456");
        let (client, hello) = PairClient::start(key(CONTROLLER), psk.clone(), [CONTROLLER_EPHEMERAL; 32]);
        let Ok(Step::PairHello { ephemeral }) = split(&hello) else { panic!("{hello:?}") };
        assert_eq!(ephemeral, key(CONTROLLER_EPHEMERAL).public());
        let (host, offer) = PairHost::start(&key(HOST), psk, ephemeral, [HOST_EPHEMERAL; 32]).unwrap();
        assert_eq!(
            sealed_of(&offer),
            hex("f44572a0bf8fa353419dcd63c7a66dd66f81579e894ce5ba8dd8f26342e31bddf2718c68e665a4ef626f5f2f146275b1")
        );
        let Ok(Step::PairOffer { ephemeral, sealed }) = split(&offer) else { panic!("{offer:?}") };
        let (at_controller, finish) = client.finish(ephemeral, sealed).unwrap();
        let second = sealed_of(&finish);
        assert_eq!(
            second,
            hex("be12059337fa923354491a5b462c1a7e0c3d9aacf0d18b870027841c5f919d83e34ed2990389400e4fe26f5bfaf66600")
        );
        let at_host = host.finish(&key(HOST), &second).unwrap();
        assert_eq!((at_controller.remote, at_host.remote), (key(HOST).public(), key(CONTROLLER).public()));
        for transport in [at_controller, at_host] {
            assert_keys(
                &transport,
                "bc0d6326fd2f1f11728c55485769ae6eb4ba735660996e03fd6a315d0a920ee4",
                "b17cde4015c17f4a66a96d049385417bd025a62e090f622f0e69e00af046bad1",
                "1805c7724887178860fe5260e910c75ffbf71a87bd5667bcbc86bb8eda04ed13",
            );
        }
    }

    #[test]
    fn an_authentication_and_its_records_are_the_published_ones() {
        let (client, hello) = AuthClient::start(key(CONTROLLER), key(HOST).public(), [CONTROLLER_EPHEMERAL; 32]);
        let Ok(Step::AuthHello { ephemeral, claimed }) = split(&hello) else { panic!("{hello:?}") };
        let (at_host, offer) = auth_respond(&key(HOST), ephemeral, claimed, [HOST_EPHEMERAL; 32]).unwrap();
        assert_eq!(sealed_of(&offer), hex("cde92a2a1aa7d19d76bc683436e513daf3a5"));
        let Ok(Step::AuthOffer { ephemeral, sealed }) = split(&offer) else { panic!("{offer:?}") };
        let at_controller = client.finish(ephemeral, sealed).unwrap();
        for transport in [&at_controller, &at_host] {
            assert_keys(
                transport,
                "ab55b5e0108f4c6b071cecf3f99a968ea99f5033e49ecd6688384fd441f72a81",
                "37903f012bcdd842c4a1c888bdccfbfa2b4ad22af8c4b4cad2da7eea2a67007e",
                "b88190d92df14271f4ea8d8442eb0325c316417f41b596ae2329fc95703f3bad",
            );
        }
        let mut direction = Direction::new(&at_host.initiator, Numbering::BigEndian);
        for record in ["8715b3e50dadae7f18b0b07f506aec76531f9dad3d", "f583e0baf753b6040cb843fbb1f2f5cd0c0415f8d9"] {
            let mut buf = *b"hello----------------";
            assert_eq!(direction.seal(&mut buf, 5), Ok(21));
            assert_eq!(buf.as_slice(), hex(record));
        }
    }

    #[test]
    fn a_stranger_is_answered_in_the_same_shape_and_cannot_go_on() {
        let (client, hello) = AuthClient::start(key(CONTROLLER), key(HOST).public(), [CONTROLLER_EPHEMERAL; 32]);
        let Ok(Step::AuthHello { ephemeral, claimed }) = split(&hello) else { panic!("{hello:?}") };
        let refused = auth_refuse([HOST_EPHEMERAL; 32], &[9; 32]);
        let (_, trusted) = auth_respond(&key(HOST), ephemeral, claimed, [HOST_EPHEMERAL; 32]).unwrap();
        assert_eq!(refused.len(), trusted.len());
        let Ok(Step::AuthOffer { ephemeral, sealed }) = split(&refused) else { panic!("{refused:?}") };
        assert!(client.finish(ephemeral, sealed).is_err());
    }

    #[test]
    fn wrong_codes_and_keys_do_not_pass() {
        let (client, hello) = PairClient::start(key(CONTROLLER), Psk::new([1; 32]), [CONTROLLER_EPHEMERAL; 32]);
        let Ok(Step::PairHello { ephemeral }) = split(&hello) else { panic!("{hello:?}") };
        let (host, offer) = PairHost::start(&key(HOST), Psk::new([2; 32]), ephemeral, [HOST_EPHEMERAL; 32]).unwrap();
        let Ok(Step::PairOffer { ephemeral, sealed }) = split(&offer) else { panic!("{offer:?}") };
        assert!(client.finish(ephemeral, sealed).is_err(), "the controller notices");
        assert!(host.finish(&key(HOST), &[0; SEALED_KEY]).is_err(), "and so does the host");
        let low = PublicKey([0; 32]);
        assert!(PairHost::start(&key(HOST), Psk::new([2; 32]), low, [HOST_EPHEMERAL; 32]).is_err());
        assert!(auth_respond(&key(HOST), low, key(CONTROLLER).public(), [HOST_EPHEMERAL; 32]).is_err());
        assert!(auth_respond(&key(HOST), key(CONTROLLER).public(), low, [HOST_EPHEMERAL; 32]).is_err());
    }

    const fn done(_: &mut Writer<'_>) {}

    #[test]
    fn messages_are_read_as_the_other_side_reads_them() {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let key = [7; 32];
        let map = |fields: &dyn Fn(&mut Writer<'_>)| {
            let mut out = [0; 256];
            let mut writer = Writer::new(&mut out);
            fields(&mut writer);
            let length = writer.finish().unwrap();
            out[..length].to_vec()
        };
        let hello = |version: &dyn Fn(&mut Writer<'_>)| {
            map(&|writer| {
                writer.map(4).text("e").bin(&key).text("x").nil().text("kind").text("pair_hello").text("v");
                version(writer);
            })
        };
        let good = [
            hello(&|w| done(w.int(1))),
            hello(&|w| done(w.bool(true))),
            hello(&|w| done(w.put(&[0xcb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0]))),
        ];
        for message in good {
            assert_eq!(split(&message), Ok(Step::PairHello { ephemeral: PublicKey(key) }), "{}", text(&message));
        }
        let mut trailing = hello(&|w| done(w.int(1)));
        trailing.push(0xc0);
        let bad = [
            hello(&|w| done(w.int(2))),
            hello(&|w| done(w.nil())),
            trailing,
            map(&|w| done(w.map(3).text("v").int(1).text("kind").text("pair_hello").text("e").bin(&[7; 31]))),
            map(&|w| done(w.map(3).text("v").int(1).text("kind").text("pair_hello").text("e").text("short"))),
            map(&|w| done(w.map(2).text("v").int(1).text("kind").text("pair_hello"))),
            map(&|w| done(w.map(2).text("v").int(1).text("kind").text("other"))),
        ];
        for message in bad {
            assert_eq!(split(&message), Err(Malformed), "{}", text(&message));
        }
    }
}
