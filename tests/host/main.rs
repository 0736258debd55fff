//! The host as a whole, in the test's own process: real sockets on loopback, the virtual desktop, real files.

mod admin;
mod asking;
mod backend;
mod effects;
mod hostile;
mod in_vain;
mod learning;
mod mapping;
mod mix;
mod pairing;
mod person;
mod pictures;
mod pointing;
mod programs;
mod reading;
mod rotation;
mod sessions;
mod stopping;
mod streams;
mod streams_idle;
mod terms;
mod through;
mod tools;
mod unpairing;
mod watched;

use opendesk_tests::rig::{pass, run};
