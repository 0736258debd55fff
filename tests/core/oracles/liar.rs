//! A peer that names a key whose secret it does not have: snow, with one Diffie-Hellman that lies.

use core::cell::Cell;

use opendesk_core::crypto::noise::Pattern;
use snow::params::{CipherChoice, DHChoice, HashChoice};
use snow::resolvers::{CryptoResolver, DefaultResolver};
use snow::types::{Cipher, Dh, Hash, Random};
use snow::{Builder, HandshakeState};

use super::noise::{Inputs, name};

/// What a liar says in place of a true key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lie {
    /// Whether the lie is in the static key; otherwise it is in the ephemeral one.
    pub(crate) in_static: bool,
    /// The public key that it names.
    pub(crate) claimed: [u8; 32],
    /// What it takes for the shared secret, when it need not know one: with a key of low order it is zero.
    pub(crate) shared: Option<[u8; 32]>,
}

struct LyingDh {
    honest: Box<dyn Dh>,
    lie: Lie,
}

impl Dh for LyingDh {
    fn name(&self) -> &'static str {
        self.honest.name()
    }

    fn pub_len(&self) -> usize {
        self.honest.pub_len()
    }

    fn priv_len(&self) -> usize {
        self.honest.priv_len()
    }

    fn set(&mut self, privkey: &[u8]) {
        self.honest.set(privkey);
    }

    fn generate(&mut self, rng: &mut dyn Random) -> Result<(), snow::Error> {
        self.honest.generate(rng)
    }

    fn pubkey(&self) -> &[u8] {
        &self.lie.claimed
    }

    fn privkey(&self) -> &[u8] {
        self.honest.privkey()
    }

    fn dh(&self, pubkey: &[u8], out: &mut [u8]) -> Result<(), snow::Error> {
        self.honest.dh(pubkey, out)?;
        if let Some(shared) = self.lie.shared {
            out[..32].copy_from_slice(&shared);
        }
        Ok(())
    }
}

/// snow asks first for the static key's Diffie-Hellman and then for the ephemeral one's.
struct Liar {
    lie: Lie,
    asked: Cell<usize>,
}

impl CryptoResolver for Liar {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        DefaultResolver.resolve_rng()
    }

    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        let honest = DefaultResolver.resolve_dh(choice)?;
        let for_static = self.asked.replace(self.asked.get() + 1) == 0;
        if for_static == self.lie.in_static { Some(Box::new(LyingDh { honest, lie: self.lie })) } else { Some(honest) }
    }

    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        DefaultResolver.resolve_hash(choice)
    }

    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
        DefaultResolver.resolve_cipher(choice)
    }
}

/// One side of a handshake that tells this lie.
pub(crate) fn liar(pattern: Pattern, side: usize, inputs: &Inputs, lie: Lie) -> HandshakeState {
    let host = inputs.public(1).0;
    let resolver = Box::new(Liar { lie, asked: Cell::new(0) });
    let builder = Builder::with_resolver(name(pattern).parse().expect("snow knows the pattern"), resolver)
        .prologue(&inputs.prologue)
        .and_then(|builder| builder.local_private_key(&inputs.statics[side]))
        .and_then(|builder| match (pattern, side) {
            (Pattern::Ik, 0) => builder.remote_public_key(&host),
            (Pattern::Ik, _) => Ok(builder),
            (Pattern::XxPsk0, _) => builder.psk(0, &inputs.psk),
        })
        .expect("nothing is set twice")
        .fixed_ephemeral_key_for_testing_only(&inputs.ephemerals[side]);
    let state = if side == 0 { builder.build_initiator() } else { builder.build_responder() };
    state.expect("nothing is missing")
}
