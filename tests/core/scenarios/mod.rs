//! Conversations on a simulated network, each named by what must be true.

mod attacks;
mod bodies;
mod calls;
mod first_words;
mod late_pairing;
mod links;
mod operations;
mod pairing;
mod rotation;
mod sessions;
mod strangers;
mod streams;
mod version_1;

use opendesk_tests::world::Peer;

const ANNA: Peer = Peer(1);
const BEN: Peer = Peer(2);
const CARL: Peer = Peer(3);
