//! The protocol core: against other implementations, against properties that hold for every input, in conversations
//! on a simulated network, and against a second statement of what it must do.

mod corpus;
mod model;
mod oracles;
mod properties;
mod raw;
mod raw1;
mod scenarios;
mod secrets;
mod session_vectors;
mod storm;
mod succession_vectors;
mod trace;
mod vectors;
